//! Any bytes as a frame of every link type: no panic, ranges inside the frame.
#![no_main]

use auscult_model::LinkType;
use auscult_packet::{decode, dispatch_key};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&link, frame)) = data.split_first() else { return };
    let links = [1u16, 12, 14, 101, 113, 228, 229, 276];
    let link = LinkType(links[usize::from(link) % links.len()]);
    let layers = decode(link, frame, frame.len() as u32);
    assert!(layers.payload.start <= layers.payload.end);
    assert!(layers.payload.end as usize <= frame.len());
    assert!(layers.ip_payload.end as usize <= frame.len());
    let _ = layers.quoted(frame);
    let _ = layers.neighbour_discovery(frame);
    let _ = dispatch_key(link, frame);
});
