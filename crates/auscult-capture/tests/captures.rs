//! Captures that others made, read and compared with other people's tools: packet counts with
//! tshark's (from the manifest beside the captures), packets with the crate pcap-parser's.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read};
use std::path::Path;

use auscult_capture::{CaptureInfo, Compression};
use pcap_parser::traits::PcapNGPacketBlock;
use pcap_parser::{Block, PcapBlockOwned, PcapError, create_reader};
use support::{Seen, read};

const CAPTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/captures");

/// Captures of other formats in the collection, and what is said of them.
const OTHER_FORMATS: [(&str, &str); 1] = [("erf", "ERF")];

fn available() -> bool {
    let there = Path::new(CAPTURES).join("manifest.jsonl").exists();
    if !there {
        eprintln!("SKIPPED: {CAPTURES} is not there, captures of others were not read");
    }
    there
}

/// Reads a capture and compares the number of packets; `None` when it is of another format.
fn check(name: &str, bytes: &[u8], line: &serde_json::Value) -> Option<(Vec<Seen>, CaptureInfo)> {
    let expected = line["packets"].as_u64().unwrap();
    match read(bytes) {
        Ok((packets, info)) => {
            assert_eq!(info.packets, expected, "{name}: {:?}", info.stopped_at);
            Some((packets, info))
        }
        Err(reason) => {
            let kind = line["filetype"].as_str().unwrap();
            let known = OTHER_FORMATS.iter().find(|(filetype, _)| *filetype == kind);
            let (_, words) = known.unwrap_or_else(|| panic!("{name}: {reason}"));
            assert!(reason.what.contains(words), "{name}: {reason}");
            None
        }
    }
}

fn lines(text: &str) -> impl Iterator<Item = serde_json::Value> + '_ {
    text.lines().map(|line| serde_json::from_str(line).unwrap())
}

#[test]
fn every_capture_has_the_packets_that_tshark_counts() {
    if !available() {
        return;
    }
    let manifest = fs::read_to_string(Path::new(CAPTURES).join("manifest.jsonl")).unwrap();
    let (mut read, mut compressed, mut agreed) = (0, 0, 0);
    for line in lines(&manifest).filter(|line| line["capture"].is_string()) {
        let name = line["capture"].as_str().unwrap();
        let bytes = fs::read(Path::new(CAPTURES).join(name)).unwrap();
        if let Some((packets, info)) = check(name, &bytes, &line) {
            read += 1;
            compressed += u32::from(info.compression != Compression::None);
            let plain = decompressed(&bytes, info.compression);
            agreed += u32::from(agrees_with_pcap_parser(name, &plain, &packets));
        }
    }
    eprintln!("{read} captures, {compressed} compressed, {agreed} whole for pcap-parser too");
    assert!(read >= 420 && compressed >= 30 && agreed >= 400);
}

#[test]
fn every_capture_of_the_bundles_has_the_packets_that_tshark_counts() {
    if !available() {
        return;
    }
    let (mut read, mut agreed) = (0, 0);
    for entry in fs::read_dir(Path::new(CAPTURES).join("bundles")).unwrap() {
        let path = entry.unwrap().path();
        let files = untar(&decompressed(&fs::read(&path).unwrap(), Compression::Zstd));
        let index = String::from_utf8(files["index.jsonl"].clone()).unwrap();
        for line in lines(&index).filter(|line| line["packets"].is_u64()) {
            let name = line["name"].as_str().unwrap();
            // Some names are longer than the archive holds.
            let Some(bytes) = files.get(&format!("cap/{name}")) else {
                continue;
            };
            if let Some((packets, info)) = check(name, bytes, &line) {
                read += 1;
                if name == "output_be__advanced__test102.pcapng" {
                    // Custom blocks are frames 1, 3 and 8 to Wireshark.
                    let numbers: Vec<u64> = packets.iter().map(|(meta, _)| meta.number).collect();
                    assert_eq!(numbers, [2, 4, 5, 6, 7]);
                }
                let plain = decompressed(bytes, info.compression);
                agreed += u32::from(agrees_with_pcap_parser(name, &plain, &packets));
            }
        }
    }
    eprintln!("{read} captures of bundles, {agreed} whole for pcap-parser too");
    assert!(read >= 2200 && agreed >= 2150);
}

fn decompressed(bytes: &[u8], compression: Compression) -> Vec<u8> {
    let mut plain = Vec::new();
    match compression {
        Compression::None => return bytes.to_vec(),
        Compression::Gzip => {
            flate2::read::MultiGzDecoder::new(bytes)
                .read_to_end(&mut plain)
                .unwrap();
        }
        Compression::Zstd => {
            let mut decoder = ruzstd::decoding::StreamingDecoder::new(bytes).unwrap();
            decoder.read_to_end(&mut plain).unwrap();
        }
    }
    plain
}

/// Compares packets with pcap-parser's, as far as that gets; `true` when it got to the end.
fn agrees_with_pcap_parser(name: &str, bytes: &[u8], packets: &[Seen]) -> bool {
    let Ok(mut reader) = create_reader(bytes.len() + 65_536, Cursor::new(bytes)) else {
        return false;
    };
    let mut ours = packets.iter();
    // pcap-parser leaves the padding at the end of simple packets.
    let mut compare = |original: u32, theirs: &[u8], padding: usize| {
        let (meta, data) = ours
            .next()
            .unwrap_or_else(|| panic!("{name}: a packet more"));
        let raised = original.max(meta.captured);
        assert_eq!(meta.original, raised, "{name} {}", meta.number);
        assert!(
            theirs.len() - data.len() <= padding,
            "{name} {}",
            meta.number
        );
        assert_eq!(data[..], theirs[..data.len()], "{name} {}", meta.number);
    };
    loop {
        match reader.next() {
            Ok((offset, block)) => {
                match block {
                    PcapBlockOwned::Legacy(record) => compare(record.origlen, record.data, 0),
                    PcapBlockOwned::NG(Block::EnhancedPacket(block)) => {
                        compare(block.origlen, block.packet_data(), 0);
                    }
                    PcapBlockOwned::NG(Block::SimplePacket(block)) => {
                        compare(block.origlen, block.packet_data(), 3);
                    }
                    _ => {}
                }
                reader.consume(offset);
            }
            Err(PcapError::Eof) => {
                assert_eq!(ours.next(), None, "{name}: a packet less");
                return true;
            }
            Err(PcapError::Incomplete(_)) => {
                if reader.refill().is_err() {
                    return false;
                }
            }
            Err(_) => return false,
        }
    }
}

/// The regular files of a tar archive (POSIX ustar with a prefix field).
fn untar(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let text = |field: &[u8]| {
        let end = field
            .iter()
            .position(|&byte| byte == 0)
            .unwrap_or(field.len());
        String::from_utf8_lossy(&field[..end]).into_owned()
    };
    let mut files = BTreeMap::new();
    let mut at = 0;
    while let Some(header) = archive.get(at..at + 512).filter(|header| header[0] != 0) {
        let size = usize::from_str_radix(text(&header[124..136]).trim(), 8).unwrap();
        let prefix = text(&header[345..500]);
        let name = text(&header[..100]);
        let name = if prefix.is_empty() {
            name
        } else {
            format!("{prefix}/{name}")
        };
        files.insert(name, archive[at + 512..at + 512 + size].to_vec());
        at += 512 + size.next_multiple_of(512);
    }
    files
}
