//! Any bytes as a capture file: read in blocks of two sizes and from a source that gives a few
//! bytes at a time, compressed on the way, and entered in the middle: always the same packets.
#![no_main]

use std::io::{Cursor, Read, Write as _};
use std::path::Path;

use auscult_capture::{
    Batch, CaptureInfo, CaptureReader, Compression, Inputs, Options, PacketMeta,
};
use auscult_fuzz::Scratch;
use auscult_model::FileIndex;
use flate2::write::GzEncoder;
use libfuzzer_sys::fuzz_target;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

/// A packet without its place in the block, which depends on the size of the blocks.
type Packet = (PacketMeta, Vec<u8>);

/// Gives at most so many bytes a call, as a pipe may.
struct Drops {
    bytes: Cursor<Vec<u8>>,
    most: usize,
}

impl Read for Drops {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = buffer.len().min(self.most);
        self.bytes.read(&mut buffer[..most])
    }
}

fn options(block: usize) -> Options {
    Options {
        block,
        max_decompressed: 1 << 22,
        max_record: 1 << 20,
        ..Options::default()
    }
}

fn without_place((meta, data): (&PacketMeta, &[u8])) -> Packet {
    assert_eq!(data.len(), meta.captured as usize);
    assert!(meta.captured <= meta.original);
    (PacketMeta { offset: 0, ..*meta }, data.to_vec())
}

fn read(data: &[u8], block: usize, most: usize) -> Option<(Vec<Packet>, CaptureInfo)> {
    let source = Box::new(Drops {
        bytes: Cursor::new(data.to_vec()),
        most,
    });
    let mut reader = CaptureReader::new("fuzz", FileIndex(0), source, options(block)).ok()?;
    let mut packets = Vec::new();
    let mut batch = Batch::new();
    while reader.next_batch(&mut batch) {
        packets.extend(batch.iter().map(without_place));
    }
    let info = reader.info().clone();
    assert_eq!(info.packets, packets.len() as u64);
    assert_eq!(info.complete, info.stopped_at.is_none());
    Some((packets, info))
}

/// Two members, as `cat a.gz b.gz` makes.
fn gzip(data: &[u8]) -> Vec<u8> {
    let (one, other) = data.split_at(data.len() / 3);
    let member = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder
            .write_all(bytes)
            .and_then(|()| encoder.finish())
            .unwrap_or_default()
    };
    [member(one), member(other)].concat()
}

/// Compressed, a capture says the same of itself but for its compression.
fn check_compressed(data: &[u8], plain: &(Vec<Packet>, CaptureInfo)) {
    let zstd = compress_to_vec(data, CompressionLevel::Fastest);
    for (bytes, compression) in [(gzip(data), Compression::Gzip), (zstd, Compression::Zstd)] {
        let (packets, info) = read(&bytes, 4096, 1000).expect("it was a capture before");
        assert_eq!(info.compression, compression);
        assert_eq!(packets, plain.0);
        assert_eq!(
            CaptureInfo {
                compression: plain.1.compression,
                ..info
            },
            plain.1
        );
    }
}

/// Packets that are read again come as they came the first time.
fn check_fetched(path: &Path, packets: &[Packet]) {
    let Ok(mut inputs) = Inputs::open(&[path.to_owned()], options(4096)) else {
        panic!("it was a capture before");
    };
    let mut batch = Batch::new();
    let mut count = 0;
    while inputs.next_batch(&mut batch) {
        count += batch.packets.len();
    }
    assert_eq!(count, packets.len());
    let wanted: Vec<&Packet> = packets
        .iter()
        .rev()
        .step_by(1 + packets.len() / 4)
        .collect();
    let references: Vec<_> = wanted.iter().map(|(meta, _)| meta.reference()).collect();
    let mut fetched = inputs.fetch(&references);
    fetched.reverse();
    let fetched: Vec<Packet> = fetched
        .into_iter()
        .map(|it| without_place((&it.meta, &it.data)))
        .collect();
    assert!(fetched.iter().eq(wanted));
}

fuzz_target!(|data: &[u8]| {
    let large = read(data, 1 << 16, usize::MAX);
    assert_eq!(large, read(data, 4096, 1 + data.len() % 61));
    let Some(plain) = large else { return };
    if plain.1.compression == Compression::None {
        // Dearer, so not for each input.
        match data.len() % 4 {
            0 => check_compressed(data, &plain),
            1 => Scratch::with(data, |path| check_fetched(path, &plain.0)),
            _ => {}
        }
    }
});
