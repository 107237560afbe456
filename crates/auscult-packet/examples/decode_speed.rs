//! Time a packet for walking, dispatching and decoding, over a little-endian pcap in memory.
//!
//! `cargo run --release -p auscult-packet --example decode_speed -- FILE MODE [ROUNDS]`, where
//! MODE is walk, key or decode.
//! Instruction counts: the same under `valgrind --tool=callgrind` with 1 and 2 rounds; the
//! difference is one pass.

use std::hint::black_box;
use std::time::Instant;

use auscult_model::LinkType;
use auscult_packet::{Layers, decode_into, dispatch_key};

/// Calls `each` for every frame; the number of frames.
#[inline(always)]
fn walk(file: &[u8], mut each: impl FnMut(&[u8], u32)) -> u64 {
    let mut rest = file.get(24..).unwrap_or_default();
    let mut frames = 0;
    while let Some((header, after)) = rest.split_first_chunk::<16>() {
        let captured = u32::from_le_bytes([header[8], header[9], header[10], header[11]]);
        let original = u32::from_le_bytes([header[12], header[13], header[14], header[15]]);
        let Some((frame, next)) = after.split_at_checked(captured as usize) else {
            break;
        };
        each(frame, original);
        frames += 1;
        rest = next;
    }
    frames
}

fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let file = std::fs::read(args.next().unwrap_or_default())?;
    let mode = args.next().unwrap_or_else(|| "decode".to_owned());
    let rounds: u32 = args.next().and_then(|text| text.parse().ok()).unwrap_or(5);
    let link = black_box(LinkType::ETHERNET);
    let mut layers = Layers::new(link);
    for _ in 0..rounds {
        let start = Instant::now();
        let frames = match mode.as_str() {
            "walk" => walk(&file, |frame, original| {
                black_box((frame.len(), original));
            }),
            "key" => walk(&file, |frame, _| {
                black_box(dispatch_key(link, frame));
            }),
            _ => walk(&file, |frame, original| {
                decode_into(&mut layers, link, frame, original);
                black_box(&layers);
            }),
        };
        let nanoseconds = start.elapsed().as_nanos() as f64 / frames.max(1) as f64;
        eprintln!("{mode}: {frames} frames, {nanoseconds:.1} ns each");
    }
    Ok(())
}
