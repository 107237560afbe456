//! Any bytes as a capture file, read in two block sizes: the same packets, no panic.
#![no_main]

use std::io::Cursor;

use auscult_capture::{Batch, CaptureReader, Options};
use auscult_model::FileIndex;
use libfuzzer_sys::fuzz_target;

fn read(data: &[u8], block: usize) -> Option<Vec<(i64, Vec<u8>)>> {
    let options =
        Options { block, max_decompressed: 1 << 22, max_record: 1 << 20, ..Options::default() };
    let source = Box::new(Cursor::new(data.to_vec()));
    let mut reader = CaptureReader::new("fuzz", FileIndex(0), source, options).ok()?;
    let mut packets = Vec::new();
    let mut batch = Batch::new();
    while reader.next_batch(&mut batch) {
        packets.extend(batch.iter().map(|(meta, data)| (meta.time.0, data.to_vec())));
    }
    Some(packets)
}

fuzz_target!(|data: &[u8]| {
    assert_eq!(read(data, 4096), read(data, 1 << 16));
});
