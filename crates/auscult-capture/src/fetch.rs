//! A second pass: the bytes of packets that turned out to matter.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use auscult_model::{FileIndex, PacketRef};

use crate::batch::{Batch, PacketMeta};
use crate::inputs::Input;
use crate::reader::{CaptureReader, Options};
use crate::source::{FileSource, Origin};

/// A packet with its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedPacket {
    /// What is known of it; `clock` is the packet's own time and `offset` is 0.
    pub meta: PacketMeta,
    /// Its bytes.
    pub data: Vec<u8>,
}

/// The wanted packets of one file, `numbers` ascending and without repeats.
pub(crate) fn fetch_file(
    input: &Input,
    file: FileIndex,
    numbers: &[u64],
    options: Options,
    found: &mut Vec<FetchedPacket>,
) {
    let options = Options {
        fingerprint: false,
        ..options
    };
    let mut wanted = numbers.iter().copied().peekable();
    let mut reader: Option<CaptureReader> = None;
    let mut at = 0;
    let mut batch = Batch::new();
    while let Some(&number) = wanted.peek() {
        // Jump when a landmark lies between here and the packet.
        let resume = input
            .trail
            .before(number)
            .filter(|it| it.number > at || reader.is_none());
        if reader.is_none() || resume.is_some() {
            at = resume.as_ref().map_or(0, |resume| resume.number);
            reader = open(input, file, options, resume);
        }
        let Some(reader) = &mut reader else { return };
        if !reader.next_batch(&mut batch) {
            return;
        }
        for (meta, data) in batch.iter() {
            at = meta.number;
            while wanted.next_if(|&number| number < meta.number).is_some() {}
            if wanted.next_if_eq(&meta.number).is_some() {
                let meta = PacketMeta { offset: 0, ..*meta };
                found.push(FetchedPacket {
                    meta,
                    data: data.to_vec(),
                });
            }
        }
    }
}

fn open(
    input: &Input,
    file: FileIndex,
    options: Options,
    resume: Option<crate::trail::Resume>,
) -> Option<CaptureReader> {
    let Origin::File(path) = &input.entry.origin else {
        return None;
    };
    let offset = resume.as_ref().map_or(0, |resume| resume.offset);
    let uncounted = Arc::new(AtomicU64::new(0));
    let source = Box::new(FileSource::open(path.clone(), offset, true, uncounted).ok()?);
    let name = &input.entry.name;
    match resume {
        Some(resume) => Some(CaptureReader::resume(name, file, source, options, resume)),
        None => CaptureReader::new(name, file, source, options).ok(),
    }
}

/// Groups references by file: sorted, without repeats.
pub(crate) fn by_file(wanted: &[PacketRef]) -> Vec<(FileIndex, Vec<u64>)> {
    let mut sorted = wanted.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let groups = sorted.chunk_by(|a, b| a.file == b.file);
    groups
        .filter_map(|group| {
            Some((
                group.first()?.file,
                group.iter().map(|packet| packet.number).collect(),
            ))
        })
        .collect()
}
