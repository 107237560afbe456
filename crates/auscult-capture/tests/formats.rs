//! Every detail of the file formats, against files written byte by byte from the specifications.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::io::Write;

use auscult_capture::{Compression, Format, Options};
use auscult_model::{LinkType, Timestamp};
use support::*;

#[test]
fn pcap_in_both_orders_and_all_units() {
    for end in [End::Little, End::Big] {
        for (magic, unit, format) in [
            (MICRO, 1000, Format::Pcap),
            (NANO, 1, Format::PcapNanoseconds),
        ] {
            let mut file = pcap_header(end, magic, 4, 1);
            file.extend(record(end, 1_700_000_000, 123_456, 60, &[1; 60]));
            file.extend(record(end, 4_000_000_000, 1, 1514, &[2; 96]));
            let (packets, info) = read(&file).unwrap();
            assert_eq!(packets.len(), 2);
            let (first, second) = (packets[0].0, packets[1].0);
            assert_eq!(
                first.time,
                Timestamp(1_700_000_000 * 1_000_000_000 + 123_456 * unit)
            );
            assert_eq!(second.time, Timestamp(4_000_000_000 * 1_000_000_000 + unit));
            assert_eq!((first.number, second.number), (1, 2));
            assert_eq!((second.captured, second.original), (96, 1514));
            assert_eq!(packets[1].1, [2; 96]);
            assert_eq!(
                (info.format, info.packets, info.complete),
                (format, 2, true)
            );
            assert_eq!(
                (info.bytes, info.captured_bytes, info.cut_by_snaplen),
                (1574, 156, 1)
            );
            assert_eq!(
                (info.first, info.last),
                (Some(first.time), Some(second.time))
            );
            assert_eq!(info.interfaces[0].snaplen, 65_535);
        }
    }
}

#[test]
fn modified_pcap_has_longer_record_headers() {
    let mut file = pcap_header(End::Little, MODIFIED, 4, 1);
    for second in [5, 6] {
        let mut bytes = record(End::Little, second, 0, 20, &[second as u8; 20]);
        bytes.splice(16..16, [9; 8]);
        file.extend(bytes);
    }
    let (packets, info) = read(&file).unwrap();
    assert_eq!(info.format, Format::PcapModified);
    assert_eq!(
        packets.iter().map(|(_, data)| data[0]).collect::<Vec<_>>(),
        [5, 6]
    );
    assert_eq!(packets[1].1, [6; 20]);
}

#[test]
fn upper_bits_of_the_link_type_are_not_the_link_type() {
    let mut file = pcap_header(End::Big, MICRO, 4, 0x4400_0000 | 276);
    file.extend(record(End::Big, 1, 0, 20, &[0; 20]));
    let (packets, info) = read(&file).unwrap();
    assert_eq!(packets[0].0.link, LinkType::LINUX_SLL2);
    assert_eq!(info.link_types, [LinkType::LINUX_SLL2]);
}

#[test]
fn early_versions_write_the_lengths_the_other_way_round() {
    for (minor, swapped) in [(2, true), (3, true), (3, false), (4, false)] {
        let mut file = pcap_header(End::Little, MICRO, minor, 1);
        let mut bytes = record(End::Little, 1, 0, 90, &[7; 30]);
        if swapped {
            let (a, b) = bytes[8..16].split_at_mut(4);
            a.swap_with_slice(b);
        }
        file.extend(bytes);
        let (packets, _) = read(&file).unwrap();
        let meta = packets[0].0;
        assert_eq!(
            (meta.captured, meta.original),
            (30, 90),
            "version 2.{minor} {swapped}"
        );
    }
}

#[test]
fn a_wire_length_that_is_too_small_is_raised_when_the_next_record_fits() {
    let mut file = pcap_header(End::Little, MICRO, 4, 1);
    file.extend(record(End::Little, 1, 0, 10, &[7; 30]));
    file.extend(record(End::Little, 2, 0, 0, &[8; 30]));
    let (packets, info) = read(&file).unwrap();
    assert_eq!(packets.len(), 2);
    assert!(packets.iter().all(|(meta, _)| meta.original == 30));
    assert_eq!((info.oddities.short_original, info.complete), (2, true));

    // The same with rubbish after it is damage.
    file.extend([0xff; 40]);
    let (packets, info) = read(&file).unwrap();
    assert_eq!(packets.len(), 1);
    let stopped = info.stopped_at.unwrap();
    assert_eq!((stopped.offset, stopped.after_packet), (24 + 46, 1));
}

#[test]
fn pcapng_sections_restart_interfaces_and_may_change_byte_order() {
    let mut file = Vec::new();
    for (end, links) in [(End::Little, [1u16, 113]), (End::Big, [276, 101])] {
        file.extend(section(end));
        for link in links {
            let name = option(end, 2, format!("if{link}").as_bytes());
            file.extend(interface(end, link, 0, &[name, option(end, 0, b"")]));
        }
        for interface in [1, 0] {
            file.extend(enhanced(
                end,
                interface,
                1_000_000,
                40,
                &[interface as u8; 40],
            ));
        }
    }
    let (packets, info) = read(&file).unwrap();
    let seen: Vec<_> = packets
        .iter()
        .map(|(m, _)| (m.number, m.interface, m.link.0))
        .collect();
    assert_eq!(seen, [(1, 1, 113), (2, 0, 1), (3, 3, 101), (4, 2, 276)]);
    assert!(
        packets
            .iter()
            .all(|(meta, _)| meta.time == Timestamp(Timestamp::SECOND))
    );
    let names: Vec<_> = info
        .interfaces
        .iter()
        .map(|i| i.name.clone().unwrap())
        .collect();
    assert_eq!(names, ["if1", "if113", "if276", "if101"]);
    assert_eq!(
        info.link_types.iter().map(|l| l.0).collect::<Vec<_>>(),
        [1, 101, 113, 276]
    );
    assert_eq!((info.format, info.complete), (Format::Pcapng, true));
}

#[test]
fn every_interface_has_its_own_clock() {
    let end = End::Little;
    let offset = |seconds: i64| option(end, 14, &(seconds as u64).to_le_bytes());
    let clocks: Vec<(Vec<Vec<u8>>, u64, i64)> = vec![
        (vec![], 1_500_000, 1_500_000_000),
        (vec![option(end, 9, &[9])], 1_500_000_001, 1_500_000_001),
        (vec![option(end, 9, &[0])], 7, 7_000_000_000),
        (
            vec![option(end, 9, &[12])],
            1_500_000_000_999,
            1_500_000_000,
        ),
        (vec![option(end, 9, &[0x80 | 10])], 1536, 1_500_000_000),
        (vec![option(end, 9, &[0x80])], 3, 3_000_000_000),
        (vec![option(end, 9, &[6]), offset(100)], 1, 100_000_001_000),
        (vec![offset(-2)], 3_000_000, 1_000_000_000),
        // Absurd values neither panic nor wrap.
        (vec![option(end, 9, &[0xff])], u64::MAX, 0),
        (vec![option(end, 9, &[0x7f])], u64::MAX, 0),
        (vec![option(end, 9, &[0])], u64::MAX, i64::MAX),
        (vec![offset(i64::MAX)], 1, i64::MAX),
        (vec![offset(i64::MIN)], 0, i64::MIN),
    ];
    let mut file = section(end);
    for (options, ..) in &clocks {
        file.extend(interface(end, 1, 0, options));
    }
    for (index, (_, units, _)) in clocks.iter().enumerate() {
        file.extend(enhanced(end, index as u32, *units, 4, b"data"));
    }
    let (packets, _) = read(&file).unwrap();
    let times: Vec<i64> = packets.iter().map(|(meta, _)| meta.time.0).collect();
    assert_eq!(
        times,
        clocks.iter().map(|(.., time)| *time).collect::<Vec<_>>()
    );
}

#[test]
fn simple_and_obsolete_packets() {
    let end = End::Big;
    let mut file = section(end);
    file.extend(interface(end, 1, 64, &[]));
    file.extend(interface(end, 101, 0, &[]));
    // Obsolete: 16-bit interface, drops, time, lengths.
    let mut body = end.u16(1).to_vec();
    body.extend(end.u16(3));
    for field in [0, 2_000_000, 5, 50] {
        body.extend(end.u32(field));
    }
    body.extend(b"abcde");
    file.extend(block(end, 2, &body));
    // Simple: 100 bytes on the wire, cut to the snaplen of interface 0; one of 3 bytes, padded.
    let mut body = end.u32(100).to_vec();
    body.extend([9; 64]);
    file.extend(block(end, 3, &body));
    let mut body = end.u32(3).to_vec();
    body.extend(b"xyz");
    file.extend(block(end, 3, &body));
    let (packets, info) = read(&file).unwrap();
    let seen: Vec<_> = packets
        .iter()
        .map(|(m, data)| {
            (
                m.interface,
                m.link.0,
                m.captured,
                m.original,
                m.time.0,
                data.len(),
            )
        })
        .collect();
    let time = 2_000_000_000;
    assert_eq!(
        seen,
        [
            (1, 101, 5, 50, time, 5),
            (0, 1, 64, 100, time, 64),
            (0, 1, 3, 3, time, 3)
        ]
    );
    assert_eq!(packets[2].1, b"xyz");
    assert_eq!((info.oddities.without_time, info.complete), (2, true));
}

#[test]
fn statistics_are_kept_and_other_blocks_skipped() {
    let end = End::Little;
    let mut file = section(end);
    file.extend(interface(end, 1, 0, &[]));
    file.extend(block(end, 10, &[0; 40]));
    file.extend(enhanced(end, 0, 1, 4, b"data"));
    for count in [5u64, 7] {
        let mut body = vec![0; 12];
        for code in 4..=7u16 {
            body.extend(option(
                end,
                code,
                &(count * 10 + u64::from(code)).to_le_bytes(),
            ));
        }
        body.extend(option(end, 0, b""));
        file.extend(block(end, 5, &body));
    }
    // A secrets block of 3 MiB, more than the limit used here.
    file.extend(block(end, 10, &vec![7; 3 << 20]));
    file.extend(enhanced(end, 0, 2, 4, b"more"));
    let options = Options {
        block: 4096,
        max_record: 1 << 20,
        ..Options::default()
    };
    let source = Box::new(std::io::Cursor::new(file));
    let (packets, info) = read_from(source, options).unwrap();
    assert_eq!(
        packets
            .iter()
            .map(|(_, data)| &data[..])
            .collect::<Vec<_>>(),
        [b"data", b"more"]
    );
    let interface = &info.interfaces[0];
    assert_eq!(interface.received, Some(74));
    assert_eq!(interface.dropped_by_interface, Some(75));
    assert_eq!(interface.accepted_by_filter, Some(76));
    assert_eq!(interface.dropped_by_system, Some(77));
    assert_eq!((info.oddities.skipped_blocks, info.complete), (2, true));
}

#[test]
fn comments_and_names_of_the_author_are_kept() {
    for end in [End::Little, End::Big] {
        let mut head = end.u32(0x1a2b_3c4d).to_vec();
        head.extend([end.u16(1), end.u16(0)].concat());
        head.extend(end.u64(u64::MAX));
        head.extend(option(end, 4, b"a program"));
        head.extend(option(end, 1, b"ward 3, switch A\x1b[2J"));
        let mut file = block(end, 0x0a0d_0d0a, &head);
        file.extend(interface(end, 1, 0, &[option(end, 1, b"port 7")]));
        let mut packet = [0, 0, 0, 5, 5].map(|field| end.u32(field)).concat();
        packet.extend(b"first\0\0\0");
        packet.extend(option(end, 1, "l\u{e4}uft".as_bytes()));
        packet.extend(option(end, 1, b"twice"));
        packet.extend(option(end, 0, b""));
        file.extend(block(end, 6, &packet));
        let mut names = option(end, 1, b"\x0a\x00\x00\x07bed-7\0other\0");
        let v6 = [&[0xfd; 16][..], b"station\0"].concat();
        names.extend(option(end, 2, &v6));
        names.extend(option(end, 1, b"\x0a\x00\x00\x08"));
        names.extend(option(end, 9, b"other record"));
        names.extend(option(end, 0, b""));
        file.extend(block(end, 4, &names));
        file.extend(enhanced(end, 0, 0, 3, b"end"));
        let (packets, info) = read(&file).unwrap();
        assert_eq!(packets.len(), 2);
        let comments: Vec<_> = info
            .comments
            .iter()
            .map(|comment| (comment.packet, comment.text.as_str()))
            .collect();
        assert_eq!(
            comments,
            [
                (None, "ward 3, switch A\x1b[2J"),
                (None, "port 7"),
                (Some(1), "l\u{e4}uft"),
                (Some(1), "twice"),
            ]
        );
        let names: Vec<_> = info
            .names
            .iter()
            .map(|it| (it.ip.to_string(), &it.name[..]))
            .collect();
        assert_eq!(
            names,
            [
                ("10.0.0.7".to_owned(), "bed-7"),
                (
                    "fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd".to_owned(),
                    "station"
                ),
            ]
        );
        assert_eq!(info.oddities.skipped_blocks, 0);
    }
}

#[test]
fn frames_that_are_no_packets_are_numbered_as_wireshark_does() {
    let end = End::Little;
    let mut file = section(end);
    file.extend(interface(end, 1, 0, &[]));
    for (index, kind) in [9, 0x0bad, 0x4000_0bad, 0x204].into_iter().enumerate() {
        file.extend(enhanced(end, 0, index as u64, 4, b"data"));
        file.extend(block(end, kind, &[0; 24]));
    }
    file.extend(enhanced(end, 0, 9, 4, b"last"));
    let (packets, info) = read(&file).unwrap();
    let numbers: Vec<u64> = packets.iter().map(|(meta, _)| meta.number).collect();
    assert_eq!(numbers, [1, 3, 5, 7, 9]);
    assert_eq!((info.packets, info.oddities.not_packets), (5, 4));
}

#[test]
fn a_packet_of_an_unknown_interface_is_damage() {
    let mut file = section(End::Little);
    file.extend(interface(End::Little, 1, 0, &[]));
    file.extend(enhanced(End::Little, 0, 1, 4, b"data"));
    let offset = file.len() as u64;
    file.extend(enhanced(End::Little, 1, 1, 4, b"data"));
    let (packets, info) = read(&file).unwrap();
    assert_eq!(packets.len(), 1);
    assert!(!info.complete);
    assert_eq!(info.stopped_at.unwrap().offset, offset);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

#[test]
fn gzip_members_and_zstd_frames() {
    let file = pcap(&(0..5000).map(|n| (n, n)).collect::<Vec<_>>());
    let (plain, info) = read(&file).unwrap();
    let (head, tail) = file.split_at(100_000);
    let mut members = [gzip(head), gzip(b""), gzip(tail)].concat();
    members.extend([0; 700]);
    let skippable = [&[0x5a, 0x2a, 0x4d, 0x18, 5, 0, 0, 0][..], b"hello"].concat();
    let frames = [skippable.clone(), zstd(head), skippable, zstd(tail)].concat();
    for (bytes, compression) in [(members, Compression::Gzip), (frames, Compression::Zstd)] {
        let (packets, other) = read(&bytes).unwrap();
        assert!(packets == plain, "{compression:?}");
        assert_eq!((other.compression, other.complete), (compression, true));
        assert_eq!(other.fingerprint, info.fingerprint);
    }
}

#[test]
fn the_fingerprint_is_of_the_packets_not_of_the_format() {
    let mut one = pcap_header(End::Big, MICRO, 4, 1);
    let mut other = section(End::Little);
    other.extend(interface(
        End::Little,
        1,
        0,
        &[option(End::Little, 9, &[9])],
    ));
    for n in 0..100u32 {
        let data = vec![n as u8; n as usize];
        one.extend(record(End::Big, n, 5, 2000, &data));
        let nanoseconds = u64::from(n) * 1_000_000_000 + 5000;
        other.extend(enhanced(End::Little, 0, nanoseconds, 2000, &data));
    }
    let reference = read(&one).unwrap().1.fingerprint;
    assert_eq!(read(&other).unwrap().1.fingerprint, reference);
    // A changed byte, time, wire length, link type, order or number of packets changes it.
    let mut changes: Vec<Vec<u8>> = [24, 24 + 4, 24 + 12 + 3, 23, 24 + 16 + 16]
        .iter()
        .map(|&at| {
            let mut file = one.clone();
            file[at] ^= 1;
            file
        })
        .collect();
    changes.push(one[..one.len() - 99 - 16].to_vec());
    let mut prints: Vec<_> = changes
        .iter()
        .map(|file| read(file).unwrap().1.fingerprint)
        .collect();
    prints.push(reference);
    prints.sort_unstable();
    prints.dedup();
    assert_eq!(prints.len(), changes.len() + 1);
}

#[test]
fn a_capture_without_packets_is_a_capture() {
    for file in [pcap(&[]), section(End::Little)] {
        let (packets, info) = read(&file).unwrap();
        assert!(packets.is_empty());
        assert_eq!((info.complete, info.first, info.packets), (true, None, 0));
    }
}

#[test]
fn says_what_is_not_a_capture() {
    let etl = {
        let mut bytes = vec![0u8; 2048];
        bytes[..4].copy_from_slice(&65_536u32.to_le_bytes());
        bytes[4..8].copy_from_slice(&2048u32.to_le_bytes());
        bytes[72..76].copy_from_slice(&[0x02, 0x00, 0x02, 0xc0]);
        bytes
    };
    let cases: Vec<(Vec<u8>, &str, &str)> = vec![
        (vec![], "empty file", "again"),
        (etl, "event trace", "etl2pcap"),
        (b"TRSNIFF data    ".to_vec(), "Sniffer", "editcap"),
        (b"7z\xbc\xaf\x27\x1c\0\x04".to_vec(), "7-Zip", "unpack"),
        (b"\xfd7zXZ\0\0".to_vec(), "xz", "decompress"),
        (b"BZh91AY".to_vec(), "bzip2", "decompress"),
        (b"PK\x03\x04\x14".to_vec(), "ZIP", "unpack"),
        (b"<!DOCTYPE html><html>".to_vec(), "web page", "pcap"),
        (
            b"No. Time Source\r\n1 0.0 10.0.0.1\r\n".to_vec(),
            "text",
            "pcap",
        ),
        ("Ger\u{e4}t".as_bytes().to_vec(), "text", "pcap"),
        (vec![0; 5000], "zeros", "copy"),
        (vec![0x99; 5000], "unknown", "pcap"),
        (gzip(b"some text\n"), "text", "pcap"),
        (gzip(&gzip(&pcap(&[]))), "gzip twice", "decompress"),
    ];
    for (bytes, what, advice) in cases {
        let error = read(&bytes).unwrap_err();
        assert!(error.what.contains(what), "{error}");
        assert!(error.advice.contains(advice), "{error}");
    }
}
