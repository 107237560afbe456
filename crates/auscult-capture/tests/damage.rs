//! Cut, damaged and hostile files: what came before is delivered, the place is told, no panic.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::io::{Cursor, Write};

use auscult_capture::Options;
use proptest::prelude::*;
use support::*;

fn small_pcapng() -> Vec<u8> {
    let mut file = section(End::Big);
    file.extend(interface(End::Big, 1, 0, &[option(End::Big, 2, b"eth0")]));
    for n in 0..4u32 {
        let data = vec![n as u8; 5 + n as usize];
        file.extend(enhanced(End::Big, 0, u64::from(n), 100, &data));
    }
    file.extend(block(End::Big, 5, &[0; 12]));
    file
}

/// Ends of the packets' records, in bytes from the start of the file.
fn record_ends(file: &[u8]) -> Vec<usize> {
    let whole = read(file).unwrap().0.len();
    let mut ends = Vec::new();
    for length in 0..=file.len() {
        if let Ok((packets, _)) = read(&file[..length])
            && packets.len() > ends.len()
        {
            ends.push(length);
        }
    }
    assert_eq!(ends.len(), whole);
    ends
}

#[test]
fn cut_at_every_byte() {
    let pcap = pcap(&[(1, 0), (2, 0), (3, 0), (4, 0)]);
    // Ends known from how the files were written, not from the reader.
    let pcap_ends = [60, 97, 135, 174];
    let pcapng = small_pcapng();
    let mut at = 28 + 20 + 8;
    let pcapng_ends: Vec<usize> = (5..9usize)
        .map(|length| {
            at += 32 + length.next_multiple_of(4);
            at
        })
        .collect();
    for (file, ends) in [(&pcap, &pcap_ends[..]), (&pcapng, &pcapng_ends[..])] {
        assert_eq!(record_ends(file), ends);
        let (whole, _) = read(file).unwrap();
        for length in 4..file.len() {
            let (packets, info) = read(&file[..length]).unwrap();
            let expected = ends.iter().filter(|&&end| end <= length).count();
            assert_eq!(packets[..], whole[..expected], "cut at {length}");
            if info.complete {
                assert!(info.stopped_at.is_none());
            } else {
                let stopped = info.stopped_at.unwrap();
                assert_eq!(stopped.after_packet, expected as u64);
                assert!(stopped.offset <= length as u64);
                let last = expected.checked_sub(1).map_or(0, |index| ends[index]);
                assert!(stopped.offset as usize >= last, "cut at {length}");
            }
        }
        // Complete only where a record ends.
        let complete = (4..=file.len()).filter(|&n| read(&file[..n]).unwrap().1.complete);
        let borders = if file == &pcap { 5 } else { 7 };
        assert_eq!(complete.count(), borders);
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

/// Bytes that do not compress, so that a cut file still holds most of its packets.
fn noisy_pcap() -> Vec<u8> {
    let mut file = pcap_header(End::Little, MICRO, 4, 1);
    let mut state = 1u64;
    for n in 0..2000u32 {
        let data: Vec<u8> = (0..300)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                (state >> 56) as u8
            })
            .collect();
        file.extend(record(End::Little, n, 0, 300, &data));
    }
    file
}

#[test]
fn compressed_files_cut_or_damaged_give_what_came_before() {
    let file = noisy_pcap();
    let (whole, _) = read(&file).unwrap();
    for bytes in [gzip(&file), zstd(&file)] {
        for eighth in 2..8 {
            let cut = bytes.len() * eighth / 8;
            let (packets, info) = read(&bytes[..cut]).unwrap();
            assert!(!info.complete && info.stopped_at.is_some());
            assert!(packets[..] == whole[..packets.len()]);
            // A zstd block holds 128 KiB, and gzip loses a little of its last block.
            let expected = (cut.saturating_sub(150_000)) / 320;
            assert!(packets.len() >= expected, "{} of {expected}", packets.len());
        }
    }
    // A changed check sum: everything is delivered, and said.
    for (mut bytes, from_end) in [(gzip(&file), 6), (zstd(&file), 2)] {
        let at = bytes.len() - from_end;
        bytes[at] ^= 1;
        let (packets, info) = read(&bytes).unwrap();
        assert_eq!(packets.len(), whole.len());
        assert!(info.stopped_at.is_some());
    }
    // Bytes after the last member.
    let (packets, info) = read(&[gzip(&file), b"more".to_vec()].concat()).unwrap();
    assert_eq!((packets.len(), info.complete), (whole.len(), false));
}

#[test]
fn decompression_is_bounded() {
    let mut file = pcap_header(End::Little, MICRO, 4, 1);
    for n in 0..40 {
        file.extend(record(End::Little, n, 0, 1 << 20, &vec![0; 1 << 20]));
    }
    for bytes in [gzip(&file), zstd(&file)] {
        for (options, most) in [
            (
                Options {
                    max_decompressed: 10 << 20,
                    ..Options::default()
                },
                10,
            ),
            (
                Options {
                    max_ratio: 20,
                    ..Options::default()
                },
                16,
            ),
        ] {
            let (packets, info) = read_from(Box::new(Cursor::new(bytes.clone())), options).unwrap();
            assert!(
                (most - 2..=most).contains(&packets.len()),
                "{}",
                packets.len()
            );
            let oddities = info.oddities;
            assert_eq!(oddities.decompression_limit + oddities.ratio_limit, 1);
            assert!(info.stopped_at.unwrap().why.contains("limit"));
        }
        let (packets, info) = read(&bytes).unwrap();
        assert_eq!((packets.len(), info.complete), (40, true));
    }
}

#[test]
fn absurd_lengths_stop_without_allocating() {
    let mut file = pcap(&[(1, 0), (2, 0)]);
    let good = file.len() as u64;
    for field in [3u32, 0, 0xffff_fff0, 0xffff_fff0] {
        file.extend(field.to_le_bytes());
    }
    file.extend([0; 100]);
    let (packets, info) = read(&file).unwrap();
    assert_eq!(packets.len(), 2);
    assert_eq!(info.oddities.record_limit, 1);
    assert_eq!(info.stopped_at.unwrap().offset, good);

    let mut file = small_pcapng();
    let good = file.len() as u64;
    file.extend([0, 0, 0, 6, 0xff, 0xff, 0xff, 0xf0, 0, 0, 0, 0]);
    let (packets, info) = read(&file).unwrap();
    assert_eq!(packets.len(), 4);
    assert_eq!(info.oddities.record_limit, 1);
    assert_eq!(info.stopped_at.unwrap().offset, good);
}

#[test]
fn packets_larger_than_a_block_grow_it() {
    let mut file = pcap_header(End::Little, MICRO, 4, 1);
    for n in [100usize, 3 << 20, 100, 5 << 20] {
        let data: Vec<u8> = (0..n).map(|byte| ((byte * 31) >> 3) as u8).collect();
        file.extend(record(End::Little, 1, 0, n as u32, &data));
    }
    let (packets, info) = read(&file).unwrap();
    assert!(info.complete);
    let lengths: Vec<usize> = packets.iter().map(|(_, data)| data.len()).collect();
    assert_eq!(lengths, [100, 3 << 20, 100, 5 << 20]);
    let right = |data: &[u8]| {
        data.iter()
            .enumerate()
            .all(|(n, &byte)| byte == ((n * 31) >> 3) as u8)
    };
    assert!(packets.iter().all(|(_, data)| right(data)));
}

proptest! {
    #[test]
    fn random_bytes(
        head in prop::sample::select(vec![
            pcap(&[(1, 0)]), small_pcapng(), gzip(&pcap(&[(1, 0)])), zstd(&small_pcapng()),
            section(End::Little), vec![0x1f, 0x8b, 8], vec![0x28, 0xb5, 0x2f, 0xfd], vec![],
        ]),
        tail in prop::collection::vec(any::<u8>(), 0..2000),
    ) {
        let _ = read(&[head, tail].concat());
    }

    /// Changed bytes: no panic, and the packets before the first change are as they were.
    #[test]
    fn changed_bytes(
        pcapng in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let file = if pcapng { small_pcapng() } else { pcap(&[(1, 0), (2, 0), (3, 0), (4, 0)]) };
        let (whole, _) = read(&file).unwrap();
        let mut damaged = file.clone();
        for (index, value) in &changes {
            damaged[index.index(file.len())] = *value;
        }
        let first = file.iter().zip(&damaged).position(|(a, b)| a != b).unwrap_or(file.len());
        let intact = read(&file[..first]).map(|(packets, _)| packets.len()).unwrap_or(0);
        if let Ok((packets, info)) = read(&damaged) {
            prop_assert!(packets.len() >= intact);
            prop_assert!(packets[..intact] == whole[..intact]);
            prop_assert_eq!(info.complete, info.stopped_at.is_none());
        }
    }

    /// However the source gives its bytes and however large the blocks, the packets are the same.
    #[test]
    fn read_sizes_do_not_matter(
        step in prop::sample::select(vec![1usize, 7, 4096, 65_536]),
        block in prop::sample::select(vec![4096usize, 16_384, 262_144]),
        kind in 0..4,
    ) {
        let plain = noisy_pcap()[..60_000].to_vec();
        let bytes = match kind {
            0 => plain,
            1 => gzip(&plain),
            2 => zstd(&plain),
            _ => {
                let mut file = small_pcapng();
                for n in 0..300u32 {
                    file.extend(enhanced(End::Big, 0, u64::from(n), 900, &vec![3; n as usize]));
                }
                file
            }
        };
        let options = Options { block, ..Options::default() };
        let expected = read(&bytes).unwrap();
        let source = Box::new(Slow { bytes: Cursor::new(bytes), step });
        let seen = read_from(source, options).unwrap();
        prop_assert!(seen == expected);
    }
}
