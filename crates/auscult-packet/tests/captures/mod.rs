//! Frames of capture files for the tests, read by an independent crate (pcap-parser).

use std::io::{Cursor, Read};
use std::path::Path;

use auscult_packet::Layers;
use pcap_parser::{Block, PcapBlockOwned, PcapError, create_reader};

/// One frame: link type, bytes, length on the wire.
pub(crate) struct Frame {
    pub(crate) link: u16,
    pub(crate) bytes: Vec<u8>,
    pub(crate) original_len: u32,
}

/// Where the shared captures lie, when they are there.
pub(crate) fn folder() -> Option<&'static Path> {
    let path = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/captures"
    ));
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("SKIPPED: no captures at {}", path.display());
    None
}

/// The bytes of a file, decompressed.
pub(crate) fn unpacked(path: &Path) -> Option<Vec<u8>> {
    let raw = std::fs::read(path).ok()?;
    let mut bytes = Vec::new();
    match raw.get(..4)? {
        [0x1f, 0x8b, ..] => {
            flate2::read::MultiGzDecoder::new(raw.as_slice())
                .read_to_end(&mut bytes)
                .ok()?;
        }
        [0x28, 0xb5, 0x2f, 0xfd] => {
            let mut decoder = ruzstd::decoding::StreamingDecoder::new(raw.as_slice()).ok()?;
            decoder.read_to_end(&mut bytes).ok()?;
        }
        _ => bytes = raw,
    }
    Some(bytes)
}

/// All frames up to the end or to the first damage; `None` when the file is no capture.
pub(crate) fn frames(path: &Path) -> Option<Vec<Frame>> {
    let mut reader = create_reader(1 << 20, Cursor::new(unpacked(path)?)).ok()?;
    let mut links = Vec::new();
    let mut frames = Vec::new();
    loop {
        match reader.next() {
            Ok((used, block)) => {
                match block {
                    PcapBlockOwned::LegacyHeader(header) => links.push(header.network.0 as u16),
                    PcapBlockOwned::Legacy(packet) => frames.push(Frame {
                        link: *links.first()?,
                        bytes: packet.data.to_vec(),
                        original_len: packet.origlen,
                    }),
                    PcapBlockOwned::NG(Block::SectionHeader(_)) => links.clear(),
                    PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => {
                        links.push(interface.linktype.0 as u16);
                    }
                    PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => frames.push(Frame {
                        link: *links.get(packet.if_id as usize)?,
                        bytes: packet.data.get(..packet.caplen as usize)?.to_vec(),
                        original_len: packet.origlen,
                    }),
                    PcapBlockOwned::NG(Block::SimplePacket(packet)) => frames.push(Frame {
                        link: *links.first()?,
                        bytes: packet.data.to_vec(),
                        original_len: packet.origlen,
                    }),
                    _ => {}
                }
                reader.consume(used);
            }
            Err(PcapError::Incomplete(_)) => {
                if reader.refill().is_err() {
                    return Some(frames);
                }
            }
            Err(_) => return Some(frames),
        }
    }
}

/// What must hold for every decoded frame: offsets are in order and inside.
pub(crate) fn check_ranges(layers: &Layers, frame_len: usize) {
    let len = frame_len as u32;
    assert!(layers.ip_start <= len, "{layers:?}");
    for range in [layers.ip_payload, layers.payload] {
        assert!(range.start <= range.end && range.end <= len, "{layers:?}");
    }
    assert!(
        layers.payload_on_wire as usize >= layers.payload.len(),
        "{layers:?}"
    );
    if layers.is_ip() && !layers.ip_payload.is_empty() {
        assert!(layers.ip_start < layers.ip_payload.start, "{layers:?}");
        assert!(
            layers.ip_payload.start <= layers.payload.start,
            "{layers:?}"
        );
        assert!(layers.payload.end <= layers.ip_payload.end, "{layers:?}");
    }
    if let Some(fragment) = layers.fragment {
        assert!(layers.ip_start < fragment.header_at, "{layers:?}");
        assert!(fragment.named_at < fragment.header_at, "{layers:?}");
        assert!(
            fragment.header_at <= fragment.data_at && fragment.data_at <= len,
            "{layers:?}"
        );
    }
    if let Some(stop) = layers.stop {
        assert!(stop.at <= len, "{layers:?}");
    }
}
