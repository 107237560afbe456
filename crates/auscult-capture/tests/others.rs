//! Formats of other programs: snoop and Network Monitor, written by hand from their descriptions,
//! cut everywhere, damaged, and beside tshark's reading of other people's captures.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::io::Cursor;
use std::path::Path;
use std::process::Command;

use auscult_capture::{Format, Options};
use auscult_model::{LinkType, Timestamp};
use support::{End, Slow, read, read_from};

const FRAMES: [&[u8]; 3] = [b"first frame", b"second", b"the third frame"];

/// Frames a second apart from 1,000 s on; `padded` to four bytes.
fn snoop(data_link: u32, padded: bool) -> Vec<u8> {
    let number = |n: u32| n.to_be_bytes();
    let mut file = b"snoop\0\0\0".to_vec();
    file.extend([number(2), number(data_link)].concat());
    for (index, frame) in (0u32..).zip(FRAMES) {
        let len = frame.len() as u32;
        let record = 24 + if padded { len.next_multiple_of(4) } else { len };
        let head = [len + 7, len, record, 0, 1_000 + index, 500_000];
        file.extend(head.map(number).concat());
        file.extend(frame);
        file.resize(file.len() + (record - 24 - len) as usize, 0);
    }
    file
}

/// The same from 1 March 2000, 12:00:01.250 on, with the table of frames behind.
fn netmon(magic: &[u8; 4], version: [u8; 2], network: u16) -> Vec<u8> {
    let mut file = [&magic[..], &version].concat();
    let date = [network, 2000, 3, 3, 1, 12, 0, 1, 250];
    file.extend(date.map(u16::to_le_bytes).concat());
    file.resize(128, 0);
    let mut places = Vec::new();
    for (index, frame) in (0u64..).zip(FRAMES) {
        places.push(file.len() as u32);
        let len = frame.len() as u32;
        if version[1] == 1 {
            file.extend((index as u32 * 1_000).to_le_bytes());
            file.extend([len as u16 + 7, len as u16].map(u16::to_le_bytes).concat());
        } else {
            file.extend((index * 1_000_000).to_le_bytes());
            file.extend([len + 7, len].map(u32::to_le_bytes).concat());
        }
        file.extend(frame);
        if version[0] > 0 && version[1] == 2 {
            file.extend(network.to_le_bytes());
        }
        if version[0] > 1 {
            file.extend([0; 4]);
        }
        if version[0] > 2 {
            // 1 January 1970 in units of 100 ns since 1601, and a zone.
            let since_1601 = 116_444_736_000_000_000 + (1_000 + index) * 10_000_000;
            file.extend(since_1601.to_le_bytes());
            file.push(1);
        }
    }
    let table = file.len() as u32;
    file[24..28].copy_from_slice(&table.to_le_bytes());
    file[28..32].copy_from_slice(&12u32.to_le_bytes());
    file.extend(places.into_iter().flat_map(u32::to_le_bytes));
    file
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn all() -> Vec<(Format, LinkType, i64, Vec<u8>)> {
    let march = 951_912_001_250 * Timestamp::MILLISECOND;
    let thousand = 1_000 * Timestamp::SECOND;
    let half = thousand + Timestamp::SECOND / 2;
    let (snooped, monitored) = (Format::Snoop, Format::NetMon);
    vec![
        (snooped, LinkType::ETHERNET, half, snoop(4, true)),
        (snooped, LinkType::ETHERNET, half, snoop(0, false)),
        (snooped, LinkType::FDDI, half, snoop(8, true)),
        (snooped, LinkType::UNKNOWN, half, snoop(6, true)),
        (
            monitored,
            LinkType::ETHERNET,
            march,
            netmon(b"RTSS", [1, 1], 1),
        ),
        (
            monitored,
            LinkType::ETHERNET,
            march,
            netmon(b"GMBU", [0, 2], 1),
        ),
        (
            monitored,
            LinkType::TOKEN_RING,
            march,
            netmon(b"GMBU", [1, 2], 2),
        ),
        (
            monitored,
            LinkType::ETHERNET,
            march,
            netmon(b"GMBU", [2, 2], 1),
        ),
        (
            monitored,
            LinkType::RAW,
            thousand,
            netmon(b"GMBU", [3, 2], 8),
        ),
        (
            monitored,
            LinkType::PPP,
            thousand,
            netmon(b"GMBU", [3, 2], 0xe009),
        ),
    ]
}

#[test]
fn every_row_of_both_formats() {
    for (format, link, first, file) in all() {
        for bytes in [file.clone(), gzip(&file)] {
            let (packets, info) = read(&bytes).unwrap();
            assert!(info.complete, "{format:?}: {:?}", info.stopped_at);
            assert_eq!(info.format, format);
            assert_eq!(packets.len(), 3);
            for (index, (meta, data)) in packets.iter().enumerate() {
                assert_eq!(data, FRAMES[index]);
                assert_eq!(meta.link, link);
                assert_eq!(meta.original as usize, data.len() + 7);
                assert_eq!(meta.number, index as u64 + 1);
                let time = first + index as i64 * Timestamp::SECOND;
                assert_eq!(meta.time, Timestamp(time), "{format:?}");
            }
        }
    }
}

#[test]
fn the_size_of_reads_and_cuts_change_nothing_before_them() {
    for (_, _, _, file) in all() {
        let (whole, _) = read(&file).unwrap();
        for step in [1, 7, 64] {
            let bytes = Cursor::new(file.clone());
            let source = Box::new(Slow { bytes, step });
            let options = Options {
                block: 4096,
                ..Options::default()
            };
            assert_eq!(read_from(source, options).unwrap().0, whole);
        }
        for len in 16..file.len() {
            let Ok((packets, info)) = read(&file[..len]) else {
                continue;
            };
            assert!(whole.starts_with(&packets));
            assert!(info.complete || info.stopped_at.is_some());
        }
    }
}

#[test]
fn damage_is_told() {
    let stopped = |bytes: &[u8]| {
        let (packets, info) = read(bytes).unwrap();
        (packets.len(), info.stopped_at.unwrap().why)
    };
    let mut file = snoop(4, true);
    file[11] = 3;
    assert!(stopped(&file).1.contains("version 3"));
    let mut file = snoop(4, true);
    // The second record's length is smaller than what it holds.
    let second = 16 + 36;
    file[second + 8..second + 12].copy_from_slice(&End::Big.u32(20));
    let (packets, why) = stopped(&file);
    assert!(packets == 1 && why.contains("claims a packet"), "{why}");
    file[second + 4..second + 8].copy_from_slice(&End::Big.u32(u32::MAX));
    assert!(stopped(&file).1.contains("claims"));
    let mut file = netmon(b"GMBU", [0, 2], 1);
    file[128 + 12..128 + 16].copy_from_slice(&End::Little.u32(1 << 20));
    assert!(stopped(&file).1.contains("table of frames"));
    let mut file = netmon(b"GMBU", [0, 2], 1);
    file[5] = 9;
    assert!(stopped(&file).1.contains("version 9.0"));
    let mut file = netmon(b"GMBU", [0, 2], 1);
    file[10] = 14;
    assert!(stopped(&file).1.contains("date"));
    // A capture that was not closed has no table; its frames are read to the end.
    let mut file = netmon(b"GMBU", [0, 2], 1);
    file.truncate(file.len() - 12);
    file[24..28].fill(0);
    assert_eq!(read(&file).unwrap().0.len(), 3);
}

/// Notes of Network Monitor's own are frames to Wireshark, and no packets; its header in front of
/// wireless frames goes.
#[test]
fn notes_and_wireless_frames_of_network_monitor() {
    let (packets, info) = read(&netmon(b"GMBU", [3, 2], 0xfffb)).unwrap();
    assert_eq!((packets.len(), info.oddities.not_packets), (0, 3));
    let mut file = netmon(b"GMBU", [1, 2], 6);
    // Version, and a length of four bytes.
    file[128 + 16..128 + 19].copy_from_slice(&[2, 4, 0]);
    let (packets, _) = read(&file).unwrap();
    let (meta, data) = &packets[0];
    assert_eq!(meta.link, LinkType::IEEE802_11);
    assert_eq!(data, &FRAMES[0][4..]);
}

#[test]
fn agrees_with_tshark() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures");
    if !folder.is_dir() {
        eprintln!("SKIPPED: {} is not there", folder.display());
        return;
    }
    for name in ["formats/solaris.snoop", "wireshark-wiki/c07-sip-r2.cap.gz"] {
        let file = folder.join(name);
        let mut command = Command::new("tshark");
        command
            .env("TZ", "UTC")
            .args(["-n", "-T", "fields", "-r"])
            .arg(&file);
        for field in ["frame.time_epoch", "frame.len", "frame.cap_len"] {
            command.args(["-e", field]);
        }
        let Ok(output) = command.output() else {
            eprintln!("SKIPPED: tshark is not installed");
            return;
        };
        let (packets, _) = read(&std::fs::read(&file).unwrap()).unwrap();
        let ours: Vec<String> = packets
            .iter()
            .map(|(meta, _)| {
                let (seconds, rest) = (meta.time.0 / 1_000_000_000, meta.time.0 % 1_000_000_000);
                format!("{seconds}.{rest:09}\t{}\t{}", meta.original, meta.captured)
            })
            .collect();
        let theirs = String::from_utf8(output.stdout).unwrap();
        let theirs: Vec<&str> = theirs.lines().collect();
        assert!(theirs.len() > 30, "{name}: {} frames", theirs.len());
        assert_eq!(ours, theirs, "{name}");
    }
}
