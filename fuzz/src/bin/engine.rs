//! Captures through the whole program: one and two threads and small reads give the same report;
//! its JSON is JSON, and no view lets a control character through to a terminal.
//!
//! Mutations know where frames lie in a capture and mend lengths and sums in them, or else no
//! changed payload would come as far as a parser.
#![no_main]

use std::path::{Path, PathBuf};

use auscult_engine::{Options, Unwatched, analyze};
use auscult_fuzz::frames::{frame_of, mend, record, records};
use auscult_fuzz::{Scratch, has_controls};
use auscult_model::report::Report;
use auscult_report::{csv_devices, csv_findings, find_device, find_finding, json, terminal};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

/// Small limits, chosen by the input's length, so that they are reached.
fn options(length: usize) -> Options {
    let small = length.is_multiple_of(3);
    let mut options = Options {
        max_memory: if small { 1 << 20 } else { 1 << 26 },
        interfaces_apart: length.is_multiple_of(5),
        ..Options::default()
    };
    if small {
        assert!(options.limit("flows", 64), "a bound that can be set");
    }
    options
}

fn check_views(report: &Report, length: usize) {
    let text = json(report).expect("a report can be written");
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert!(value.is_object());
    // Views cost more than the analysis of a few packets.
    if length % 4 == 2 {
        let options = auscult_report::Options {
            all: length % 8 == 2,
            ..auscult_report::Options::default()
        };
        let mut screen = Vec::new();
        terminal(report, &options, &mut screen).expect("memory takes it");
        assert!(!has_controls(std::str::from_utf8(&screen).expect("text")));
    } else if length % 4 == 3 {
        for table in [csv_devices(&report.devices), csv_findings(&report.findings)] {
            assert!(!has_controls(&table.replace("\r\n", "\n")));
        }
    }
    for device in &report.devices {
        assert!(find_device(report, &device.id).is_some_and(|found| found.id == device.id));
    }
    for finding in &report.findings {
        assert!(find_finding(report, &finding.id).is_some_and(|found| found.id == finding.id));
    }
}

fn check(path: &Path, length: usize) {
    let paths: [PathBuf; 1] = [path.to_owned()];
    let run = |options: Options| analyze(&paths, &options, &mut Unwatched).ok();
    let one = run(options(length));
    // A second run costs as much again as all else.
    match length % 4 {
        0 => assert_eq!(
            one,
            run(Options {
                threads: 2,
                ..options(length)
            })
        ),
        1 => assert_eq!(
            one,
            run(Options {
                read_size: 4096,
                ..options(length)
            })
        ),
        _ => {}
    }
    if let Some(report) = one {
        check_views(&report, length);
    }
}

fuzz_target!(|data: &[u8]| {
    Scratch::with(data, |path| check(path, data.len()));
});

/// Changes one frame, or the order of frames.
fn mutated(file: &[u8], seed: u32, max: usize) -> Option<Vec<u8>> {
    let records = records(file);
    let chosen = records
        .get(seed as usize / 16 % records.len().max(1))?
        .clone();
    let old = &file[chosen.clone()];
    let new = match seed % 16 {
        0 => Vec::new(),
        1 => [old, old].concat(),
        2 | 3 => {
            let other = records.get(seed as usize / 4096 % records.len())?.clone();
            [&file[other], old].concat()
        }
        _ => {
            let frame = frame_of(old);
            let room = max.saturating_sub(file.len()).min(1400);
            let mut bytes = frame.to_vec();
            bytes.resize(frame.len() + room, 0);
            // Half of the time only what follows the headers.
            let from = if seed & 16 == 0 {
                frame.len().min(54)
            } else {
                0
            };
            let length = fuzzer_mutate(
                &mut bytes[from..],
                frame.len() - from,
                frame.len() - from + room,
            );
            bytes.truncate(from + length);
            if seed % 8 != 7 {
                mend(&mut bytes);
            }
            record(old, &bytes)
        }
    };
    let file = [&file[..chosen.start], &new, &file[chosen.end..]].concat();
    (file.len() <= max).then_some(file)
}

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let file = &data[..size];
    match mutated(file, seed >> 3, max_size).filter(|_| seed & 7 != 0) {
        Some(file) => {
            data[..file.len()].copy_from_slice(&file);
            file.len()
        }
        None => fuzzer_mutate(data, size, max_size),
    }
});
