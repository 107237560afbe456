//! Any bytes as a frame of every link type: ranges lie in the frame, a cut frame shows nothing
//! else than the whole one, and etherparse, a decoder by others, reads the same.
#![no_main]

use auscult_fuzz::second_decoder;
use auscult_model::LinkType;
use auscult_packet::{Layers, StopReason, Transport, decode, dispatch, shard_of};
use libfuzzer_sys::fuzz_target;

/// Those that are decoded, and one that is not.
const LINKS: [u16; 9] = [1, 12, 14, 101, 113, 228, 229, 276, 127];

/// Offsets are in order and inside.
fn check_ranges(layers: &Layers, length: usize) {
    let length = length as u32;
    assert!(layers.ip_start <= length);
    for range in [layers.ip_payload, layers.payload] {
        assert!(range.start <= range.end && range.end <= length);
    }
    assert!(layers.payload_on_wire as usize >= layers.payload.len());
    if layers.is_ip() && !layers.ip_payload.is_empty() {
        assert!(layers.ip_start < layers.ip_payload.start);
        assert!(layers.ip_payload.start <= layers.payload.start);
        assert!(layers.payload.end <= layers.ip_payload.end);
    }
    if let Some(fragment) = layers.fragment {
        assert!(layers.ip_start < fragment.header_at && fragment.named_at < fragment.header_at);
        assert!(fragment.header_at <= fragment.data_at && fragment.data_at <= length);
    }
    assert!(layers.stop.is_none_or(|stop| stop.at <= length));
}

/// What a shorter cut shows is what the whole shows.
fn check_cut(link: LinkType, frame: &[u8], original: u32, kept: usize) {
    let whole = decode(link, frame, original);
    let kept = frame.get(..kept).unwrap_or(frame);
    let cut = decode(link, kept, original);
    check_ranges(&cut, kept.len());
    if cut.is_ip() {
        assert_eq!(
            (cut.src, cut.dst, cut.vlan),
            (whole.src, whole.dst, whole.vlan)
        );
    }
    if cut.transport != Transport::None && cut.stop.is_none() {
        assert_eq!(cut.transport, whole.transport);
        assert_eq!(cut.payload_on_wire, whole.payload_on_wire);
        assert_eq!(cut.payload.start, whole.payload.start);
    }
    if let (Some(stop), None) = (cut.stop, whole.stop) {
        assert_eq!(stop.why, StopReason::CutByCapture);
    }
}

fuzz_target!(|data: &[u8]| {
    let [link, kept, more, frame @ ..] = data else {
        return;
    };
    let link = LinkType(LINKS[usize::from(*link) % LINKS.len()]);
    let original = frame.len() as u32 + u32::from(more.saturating_sub(127));
    let layers = decode(link, frame, original);
    check_ranges(&layers, frame.len());
    check_cut(link, frame, original, usize::from(*kept));
    let quoted = layers.quoted(frame);
    assert!(
        quoted.is_none() || matches!(layers.transport, Transport::Icmp(_) | Transport::Icmpv6(_))
    );
    layers.neighbour_discovery(frame);
    let dispatched = dispatch(link, frame, original);
    assert!(shard_of(dispatched.key, 64) < 64);
    assert!(dispatched.fragment || layers.fragment.is_none());
    if original as usize == frame.len() {
        second_decoder::compare(&layers, frame);
    }
});
