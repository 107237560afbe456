//! Any bytes as packets of a few hosts through the engine, one and two threads: the same report.
#![no_main]

use std::io::Write as _;

use auscult_engine::{Options, Unwatched, analyze};
use libfuzzer_sys::fuzz_target;

/// A pcap of frames made of the input: its bytes choose addresses, flags and payload.
fn capture(data: &[u8]) -> Vec<u8> {
    let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    file.extend([0, 0, 4, 0, 1, 0, 0, 0]);
    for (number, piece) in data.chunks(64).enumerate() {
        let [who, flags, seq, payload @ ..] = piece else { break };
        let mut frame = vec![2, 0, 0, 0, 0, who & 3, 2, 0, 0, 0, 0, who >> 2 & 3, 8, 0];
        let length = 40 + payload.len() as u16;
        frame.extend([0x45, 0]);
        frame.extend(length.to_be_bytes());
        frame.extend([0, number as u8, 0, 0, 64, 6, 0, 0]);
        frame.extend([10, 0, 0, who & 3, 10, 0, 0, who >> 2 & 3]);
        frame.extend([0x9c, 0x40, 2, 3, 0, 0, 0, *seq, 0, 0, 0, 0, 0x50, *flags, 1, 0, 0, 0, 0, 0]);
        frame.extend(payload);
        file.extend((number as u32 * 10).to_le_bytes());
        file.extend(0u32.to_le_bytes());
        file.extend((frame.len() as u32).to_le_bytes());
        file.extend((frame.len() as u32).to_le_bytes());
        file.extend(frame);
    }
    file
}

fuzz_target!(|data: &[u8]| {
    let path = std::env::temp_dir().join(format!("auscult-fuzz-{}.pcap", std::process::id()));
    let written = std::fs::File::create(&path).and_then(|mut file| file.write_all(&capture(data)));
    if written.is_err() {
        return;
    }
    let run = |threads| {
        let mut options = Options { threads, ..Options::default() };
        options.limit("flows", 64);
        analyze(std::slice::from_ref(&path), &options, &mut Unwatched).ok()
    };
    assert_eq!(run(1), run(2));
});
