//! Writes small captures byte by byte and reads captures into vectors, for the tests of this crate.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::{Cursor, Read};

use auscult_capture::{
    Batch, CaptureInfo, CaptureReader, Inputs, NotACapture, Options, PacketMeta,
};
use auscult_model::FileIndex;

/// A packet as a test sees it.
pub(crate) type Seen = (PacketMeta, Vec<u8>);

/// Byte order of a written file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Little,
    Big,
}

impl End {
    pub(crate) fn u16(self, value: u16) -> [u8; 2] {
        if self == End::Little {
            value.to_le_bytes()
        } else {
            value.to_be_bytes()
        }
    }
    pub(crate) fn u32(self, value: u32) -> [u8; 4] {
        if self == End::Little {
            value.to_le_bytes()
        } else {
            value.to_be_bytes()
        }
    }
    pub(crate) fn u64(self, value: u64) -> [u8; 8] {
        if self == End::Little {
            value.to_le_bytes()
        } else {
            value.to_be_bytes()
        }
    }
}

pub(crate) const MICRO: u32 = 0xa1b2_c3d4;
pub(crate) const NANO: u32 = 0xa1b2_3c4d;
pub(crate) const MODIFIED: u32 = 0xa1b2_cd34;

/// A pcap file header.
pub(crate) fn pcap_header(end: End, magic: u32, minor: u16, link: u32) -> Vec<u8> {
    let mut file = end.u32(magic).to_vec();
    file.extend(end.u16(2));
    file.extend(end.u16(minor));
    file.extend([0; 8]);
    file.extend(end.u32(65_535));
    file.extend(end.u32(link));
    file
}

/// A pcap record.
pub(crate) fn record(end: End, seconds: u32, fraction: u32, original: u32, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for field in [seconds, fraction, data.len() as u32, original] {
        bytes.extend(end.u32(field));
    }
    bytes.extend(data);
    bytes
}

/// A plain microsecond pcap of these times (seconds, microseconds), with distinct packets.
pub(crate) fn pcap(times: &[(u32, u32)]) -> Vec<u8> {
    let mut file = pcap_header(End::Little, MICRO, 4, 1);
    for (index, (seconds, micros)) in times.iter().enumerate() {
        let data: Vec<u8> = (0..20 + index % 50)
            .map(|n| (n * 7 + index) as u8)
            .collect();
        file.extend(record(
            End::Little,
            *seconds,
            *micros,
            data.len() as u32,
            &data,
        ));
    }
    file
}

/// A pcapng block.
pub(crate) fn block(end: End, kind: u32, body: &[u8]) -> Vec<u8> {
    let padded = body.len().next_multiple_of(4);
    let length = end.u32(padded as u32 + 12);
    let mut bytes = end.u32(kind).to_vec();
    bytes.extend(length);
    bytes.extend(body);
    bytes.resize(8 + padded, 0);
    bytes.extend(length);
    bytes
}

/// A section header block.
pub(crate) fn section(end: End) -> Vec<u8> {
    let mut body = end.u32(0x1a2b_3c4d).to_vec();
    body.extend(end.u16(1));
    body.extend(end.u16(0));
    body.extend(end.u64(u64::MAX));
    block(end, 0x0a0d_0d0a, &body)
}

/// An option.
pub(crate) fn option(end: End, code: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = end.u16(code).to_vec();
    bytes.extend(end.u16(value.len() as u16));
    bytes.extend(value);
    bytes.resize(4 + value.len().next_multiple_of(4), 0);
    bytes
}

/// An interface description block.
pub(crate) fn interface(end: End, link: u16, snaplen: u32, options: &[Vec<u8>]) -> Vec<u8> {
    let mut body = end.u16(link).to_vec();
    body.extend(end.u16(0));
    body.extend(end.u32(snaplen));
    body.extend(options.concat());
    block(end, 1, &body)
}

/// An enhanced packet block.
pub(crate) fn enhanced(
    end: End,
    interface: u32,
    units: u64,
    original: u32,
    data: &[u8],
) -> Vec<u8> {
    let mut body = Vec::new();
    for field in [
        interface,
        (units >> 32) as u32,
        units as u32,
        data.len() as u32,
        original,
    ] {
        body.extend(end.u32(field));
    }
    body.extend(data);
    block(end, 6, &body)
}

/// Gives at most a few bytes at a time.
pub(crate) struct Slow {
    pub(crate) bytes: Cursor<Vec<u8>>,
    pub(crate) step: usize,
}

impl Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let step = self.step.min(buffer.len());
        self.bytes.read(&mut buffer[..step])
    }
}

/// Reads a source to its end.
pub(crate) fn read_from(
    source: Box<dyn Read + Send>,
    options: Options,
) -> Result<(Vec<Seen>, CaptureInfo), NotACapture> {
    let mut reader = CaptureReader::new("test", FileIndex(0), source, options)?;
    let mut batch = Batch::new();
    let mut packets = Vec::new();
    while reader.next_batch(&mut batch) {
        packets.extend(batch.iter().map(|(meta, data)| {
            assert_eq!(data.len(), meta.captured as usize);
            (PacketMeta { offset: 0, ..*meta }, data.to_vec())
        }));
    }
    assert!(!reader.next_batch(&mut batch), "the end stays the end");
    Ok((packets, reader.info().clone()))
}

/// Reads bytes with the smallest block.
pub(crate) fn read(bytes: &[u8]) -> Result<(Vec<Seen>, CaptureInfo), NotACapture> {
    let options = Options {
        block: 4096,
        ..Options::default()
    };
    read_from(Box::new(Cursor::new(bytes.to_vec())), options)
}

/// Reads all inputs to the end.
pub(crate) fn drain(inputs: &mut Inputs) -> Vec<Seen> {
    let mut batch = Batch::new();
    let mut packets = Vec::new();
    while inputs.next_batch(&mut batch) {
        packets.extend(
            batch
                .iter()
                .map(|(meta, data)| (PacketMeta { offset: 0, ..*meta }, data.to_vec())),
        );
    }
    packets
}

/// An empty folder of its own for a test, under the build's temporary folder.
pub(crate) fn folder(name: &str) -> std::path::PathBuf {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}
