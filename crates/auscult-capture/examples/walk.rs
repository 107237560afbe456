//! Reads captures and prints counts and the cost of a packet; the measure of this crate.
//!
//! `cargo run --release -p auscult-capture --example walk -- [--fingerprint | --packets] FILE…`

#![allow(clippy::print_stdout, reason = "a program that prints")]

use std::path::PathBuf;
use std::time::Instant;

use auscult_capture::{Batch, Inputs, Options};

fn main() {
    let (flags, paths): (Vec<PathBuf>, Vec<PathBuf>) = std::env::args_os()
        .skip(1)
        .map(PathBuf::from)
        .partition(|argument| argument.to_string_lossy().starts_with("--"));
    let flag = |name: &str| flags.iter().any(|flag| flag.as_os_str() == name);
    let options = Options {
        fingerprint: flag("--fingerprint"),
        ..Options::default()
    };
    let list = flag("--packets");
    let start = Instant::now();
    let mut inputs = match Inputs::open(&paths, options) {
        Ok(inputs) => inputs,
        Err(error) => {
            println!("{error}");
            std::process::exit(1);
        }
    };
    let (mut batch, mut packets, mut bytes) = (Batch::new(), 0u64, 0u64);
    while inputs.next_batch(&mut batch) {
        for (meta, data) in batch.iter() {
            packets += 1;
            // One byte of each packet is touched, as a decoder would.
            bytes += u64::from(meta.original) + u64::from(data.first().copied().unwrap_or(0) & 1);
            if list {
                let (captured, original) = (meta.captured, meta.original);
                println!(
                    "{}\t{}\t{captured}\t{original}\t{}",
                    meta.number, meta.time.0, meta.interface
                );
            }
        }
    }
    let nanoseconds = start.elapsed().as_nanos() as f64 / packets.max(1) as f64;
    if list {
        return;
    }
    for capture in inputs.captures() {
        let fingerprint: String = capture.fingerprint.map(|b| format!("{b:02x}")).concat();
        println!(
            "{} {} {fingerprint} {:?}",
            capture.name, capture.packets, capture.stopped_at
        );
    }
    println!(
        "{packets} packets {bytes} {nanoseconds:.1} ns/packet, {:?}",
        inputs.clock_steps()
    );
}
