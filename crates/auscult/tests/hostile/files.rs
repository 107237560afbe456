//! Captures that claim more than they hold, unpack to more than they should, or have no end.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::wire::*;
use crate::{file, run, stream};

/// A capture with one packet.
fn one_packet() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut wire = Wire::new(&mut bytes);
    wire.tcp((host(1), 1024), (host(0), 104), (1, 0), SYN, &[]);
    bytes
}

#[test]
fn a_record_that_claims_four_gigabytes() {
    let told = run("a record that claims 4 GiB", &["-"], |out| {
        let mut bytes = one_packet();
        for word in [1_760_000_001_u32, 0, u32::MAX, u32::MAX] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        bytes.resize(bytes.len() + (1 << 20), 0);
        // The program may have stopped reading.
        let _ = out.write_all(&bytes);
    });
    assert_eq!(told.code, 4);
    assert_eq!(told.reached("record-length"), 1);
    assert_eq!(told.number("/health/packets"), 1);
    assert!(told.peak_mib.is_none_or(|peak| peak < 64));
}

#[test]
fn a_record_within_the_limit_that_never_comes() {
    let told = run(
        "a record that claims 16 MiB and holds 1 MiB",
        &["-"],
        |out| {
            let mut bytes = one_packet();
            for word in [1_760_000_001_u32, 0, 16 << 20, 16 << 20] {
                bytes.extend_from_slice(&word.to_le_bytes());
            }
            bytes.resize(bytes.len() + (1 << 20), 0);
            out.write_all(&bytes).unwrap();
        },
    );
    assert_eq!(told.code, 4);
    assert!(told.peak_mib.is_none_or(|peak| peak < 64));
}

/// Frames of Zstandard (RFC 8878) that hold `first` and then zeros: blocks of one byte repeated
/// 128 KiB times, written by hand.
fn zstd_bomb(first: &[u8], zeros: usize) -> Vec<u8> {
    const BLOCK: usize = 128 << 10;
    // No checksum, no size told, a window of 1 MiB.
    let mut out = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 10 << 3];
    let mut block = |last: u32, kind: u32, size: usize, content: &[u8]| {
        let head = (size as u32) << 3 | kind << 1 | last;
        out.extend_from_slice(&head.to_le_bytes()[..3]);
        out.extend_from_slice(content);
    };
    block(0, 0, first.len(), first);
    for _ in 0..zeros / BLOCK {
        block(0, 1, BLOCK, &[0]);
    }
    block(1, 1, BLOCK, &[0]);
    out
}

/// gzip (RFC 1952) by somebody else's program; `None`, and a loud line, where it is missing.
fn gzip_bomb(name: &str, first: &[u8], zeros: u64) -> Option<std::path::PathBuf> {
    let plain = file(&format!("{name}.plain"));
    let mut whole = File::create(&plain).unwrap();
    whole.write_all(first).unwrap();
    // A hole in the file: it takes no room on the disk.
    whole.set_len(first.len() as u64 + zeros).unwrap();
    let packed = file(name);
    let done = std::process::Command::new("gzip")
        .args(["-9", "-c"])
        .arg(&plain)
        .stdout(File::create(&packed).unwrap())
        .status();
    fs::remove_file(&plain).unwrap();
    if done.is_err() {
        eprintln!("SKIPPED: no gzip; a bomb of it is not read");
        return None;
    }
    Some(packed)
}

#[test]
fn a_zstd_file_that_grows_ten_thousandfold() {
    let bomb = zstd_bomb(&one_packet(), 4 << 30);
    let told = run("a zstd file that grows 30,000-fold", &["-"], |out| {
        // The program may have stopped reading.
        let _ = out.write_all(&bomb);
    });
    assert_eq!(told.code, 4);
    assert_eq!(told.reached("decompression-ratio"), 1);
    assert!(told.peak_mib.is_none_or(|peak| peak < 128));
}

#[test]
fn a_file_that_unpacks_to_more_than_there_may_be() {
    // Within the ratio, zeros are records without bytes: only the total stops them.
    let words = [
        "--limit",
        "decompressed-bytes=256M",
        "--limit",
        "decompression-ratio=1000000",
    ];
    if let Some(bomb) = gzip_bomb("total.pcap.gz", &one_packet(), 320 << 20) {
        let path = bomb.to_str().unwrap().to_owned();
        let words = [&[path.as_str()][..], &words].concat();
        let told = run(
            "a gzip file that unpacks to 320 MiB, 256 MiB allowed",
            &words,
            |_| {},
        );
        assert_eq!(told.code, 4);
        assert_eq!(told.reached("decompressed-bytes"), 1);
        fs::remove_file(bomb).unwrap();
    }
    let bomb = zstd_bomb(&one_packet(), 320 << 20);
    let words = [&["-"][..], &words].concat();
    let told = run(
        "a zstd file that unpacks to 320 MiB, 256 MiB allowed",
        &words,
        |out| {
            let _ = out.write_all(&bomb);
        },
    );
    assert_eq!(told.code, 4);
    assert_eq!(told.reached("decompressed-bytes"), 1);
}

#[test]
fn interfaces_without_end() {
    // pcapng (draft-ietf-opsawg-pcapng): a section and a million interface descriptions.
    let told = run("a pcapng file of one million interfaces", &["-"], |out| {
        let block = |kind: u32, body: &[u8]| {
            let length = (12 + body.len()) as u32;
            [
                &kind.to_le_bytes()[..],
                &length.to_le_bytes(),
                body,
                &length.to_le_bytes(),
            ]
            .concat()
        };
        let section = [
            &0x1a2b_3c4d_u32.to_le_bytes()[..],
            &[1, 0, 0, 0],
            &[0xff; 8],
        ]
        .concat();
        let mut bytes = block(0x0a0d_0d0a, &section);
        let interface = block(1, &[1, 0, 0, 0, 0, 0, 0, 0]).repeat(1000);
        for _ in 0..1000 {
            bytes.extend_from_slice(&interface);
            out.write_all(&bytes).unwrap();
            bytes.clear();
        }
    });
    assert_eq!(told.code, 0);
    assert_eq!(told.reached("capture-interfaces"), 1_000_000 - 65_535);
}

#[test]
fn a_capture_that_grows_while_it_is_read() {
    // Somebody goes on writing: what was there at first is read, and that is said.
    let path = file("growing.pcap");
    let mut bytes = head();
    let frames = |from: u32, count: u32| {
        let mut bytes = Vec::new();
        let mut wire = Wire::new(&mut bytes);
        for number in from..from + count {
            let from = (host(1 + number % 100), 1024);
            wire.tcp(from, (host(0), 104), (1, 0), SYN, &[]);
        }
        bytes.split_off(24)
    };
    bytes.extend(frames(0, 200_000));
    fs::write(&path, &bytes).unwrap();
    let over = AtomicBool::new(false);
    let told = thread::scope(|scope| {
        scope.spawn(|| {
            let mut writing = OpenOptions::new().append(true).open(&path).unwrap();
            let more = frames(200_000, 1000);
            // Not a whole number of records at any moment; and an end, should nobody stop.
            for piece in more.chunks(10_001).cycle().take(50_000) {
                writing.write_all(piece).unwrap();
                if over.load(Ordering::Relaxed) {
                    return;
                }
                thread::sleep(Duration::from_millis(1));
            }
        });
        let words = [path.to_str().unwrap()];
        let told = run("a capture that grows while it is read", &words, |_| {});
        over.store(true, Ordering::Relaxed);
        told
    });
    assert_eq!(told.code, 4);
    let stopped = told.report["captures"][0]["stopped_at"].as_str().unwrap();
    assert!(stopped.contains("grew while it was read"), "{stopped}");
    assert!(told.number("/health/packets") >= 200_000);
    fs::remove_file(path).unwrap();
}

#[test]
fn a_stream_that_is_cut_everywhere() {
    // Frames of any length, one of them the largest that is believed.
    let told = stream("200 frames of 256 KiB", &[], |wire| {
        for number in 0..200_u32 {
            let mut frame = tagged(host(1), host(0), &[], &[0x45; 60]);
            frame.resize((256 << 10) - number as usize, 0);
            wire.frame(&frame);
        }
    });
    assert!(told.peak_mib.is_none_or(|peak| peak < 128));
}
