//! Several inputs as one: order, folders, thousands of files, fetching packets again.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use auscult_capture::{Batch, Inputs, OpenError, Options};
use auscult_model::{FileIndex, PacketRef};
use proptest::prelude::*;
use support::*;

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn open(paths: &[PathBuf]) -> Inputs {
    Inputs::open(paths, Options::default()).unwrap()
}

/// The law of the merge, said simply: at each step the file with the earliest next packet.
fn model(files: &[Vec<(u32, u32)>]) -> Vec<(u32, u64)> {
    let mut next = vec![0; files.len()];
    let mut order = Vec::new();
    while let Some((_, file)) = (0..files.len())
        .filter_map(|file| Some((files[file].get(next[file])?, file)))
        .min()
    {
        next[file] += 1;
        order.push((file as u32, next[file] as u64));
    }
    order
}

fn order(packets: &[Seen]) -> Vec<(u32, u64)> {
    packets
        .iter()
        .map(|(meta, _)| (meta.file.0, meta.number))
        .collect()
}

proptest! {
    #[test]
    fn merge_follows_its_law(
        mut files in prop::collection::vec(
            prop::collection::vec((0..40u32, 0..3u32), 0..300), 1..6),
        sorted in any::<bool>(),
        block in prop::sample::select(vec![4096usize, 262_144]),
    ) {
        let folder = folder("law");
        if sorted {
            files.iter_mut().for_each(|file| file.sort_unstable());
        }
        let paths: Vec<PathBuf> = (0..files.len())
            .map(|index| write(&folder, &format!("{index}.pcap"), &pcap(&files[index])))
            .collect();
        let options = Options { block, ..Options::default() };
        let mut inputs = Inputs::open(&paths, options).unwrap();
        let packets = drain(&mut inputs);
        prop_assert_eq!(order(&packets), model(&files));
        let mut clock = packets.first().map(|(meta, _)| meta.clock);
        for (meta, _) in &packets {
            prop_assert!(Some(meta.clock) >= clock);
            clock = Some(meta.clock);
        }
        // Each file's packets and digest are those of the file alone.
        for (index, path) in paths.iter().enumerate() {
            let (alone, info) = read(&fs::read(path).unwrap()).unwrap();
            let mine: Vec<&Vec<u8>> = packets
                .iter()
                .filter(|(meta, _)| meta.file.0 as usize == index)
                .map(|(_, data)| data)
                .collect();
            prop_assert_eq!(mine, alone.iter().map(|(_, data)| data).collect::<Vec<_>>());
            prop_assert_eq!(inputs.captures()[index].fingerprint, info.fingerprint);
            prop_assert_eq!(inputs.captures()[index].complete, true);
        }
    }
}

#[test]
fn rotated_files_are_one_input_whatever_their_names() {
    let folder = folder("rotated");
    let part = |from: u32| pcap(&(from..from + 500).map(|n| (n, 0)).collect::<Vec<_>>());
    write(&folder, "a", &part(1000));
    write(&folder, "b", &part(0));
    write(&folder, "c", &part(500));
    write(&folder, "d-empty", b"");
    write(&folder, "notes.txt", b"taken at the core switch\n");
    fs::create_dir(folder.join("inner")).unwrap();
    write(&folder.join("inner"), "not-read", &part(0));
    let mut inputs = open(std::slice::from_ref(&folder));
    let names: Vec<_> = inputs.skipped().iter().map(|s| s.name.clone()).collect();
    assert_eq!(names.len(), 2);
    assert!(names[0].ends_with("d-empty") && names[1].ends_with("notes.txt"));
    let mut batch = Batch::new();
    let mut last = -1;
    let mut seconds = 0;
    while inputs.next_batch(&mut batch) {
        for meta in &batch.packets {
            assert_eq!(meta.time.0, (last + 1) * 1_000_000_000);
            last += 1;
            seconds += 1;
        }
    }
    assert_eq!(seconds, 1500);
    assert_eq!(inputs.clock_steps(), auscult_capture::ClockSteps::default());
    let progress = inputs.progress();
    assert_eq!(Some(progress.read), progress.total);
}

#[test]
fn thousands_of_files() {
    let folder = folder("thousands");
    let count = 3000u32;
    for n in 0..count {
        // All overlap: every file has a packet at the start and one at the end.
        write(
            &folder,
            &format!("{n:05}"),
            &pcap(&[(n, 0), (100_000 + n, 0)]),
        );
    }
    let mut inputs = open(std::slice::from_ref(&folder));
    let packets = drain(&mut inputs);
    assert_eq!(packets.len(), 2 * count as usize);
    assert!(packets.is_sorted_by_key(|(meta, _)| meta.time));
    assert!(
        inputs
            .captures()
            .iter()
            .all(|capture| capture.complete && capture.packets == 2)
    );
}

#[test]
fn what_cannot_be_opened_is_said() {
    let folder = folder("errors");
    let text = write(&folder, "notes.txt", b"hello\n");
    let empty = write(&folder, "empty.pcap", b"");
    let good = write(&folder, "good.pcap", &pcap(&[(1, 0)]));
    let error = |paths: &[PathBuf]| Inputs::open(paths, Options::default()).err().unwrap();
    assert!(matches!(error(&[]), OpenError::Nothing));
    assert!(matches!(
        error(&[folder.join("missing")]),
        OpenError::Unreadable { .. }
    ));
    assert!(matches!(
        error(&[good.clone(), text.clone()]),
        OpenError::NotACapture { .. }
    ));
    assert!(
        error(std::slice::from_ref(&text))
            .to_string()
            .contains("notes.txt: not a packet")
    );
    assert!(matches!(
        error(std::slice::from_ref(&empty)),
        OpenError::NotACapture { .. }
    ));
    // An empty file beside captures is what a rotation leaves behind.
    assert_eq!(open(&[empty, good.clone()]).skipped().len(), 1);
    fs::remove_file(good).unwrap();
    let alone = error(std::slice::from_ref(&folder));
    assert!(
        matches!(alone, OpenError::NoCaptures { files: 2, .. }),
        "{alone}"
    );
}

#[test]
fn packets_are_fetched_again() {
    let folder = folder("fetch");
    let times: Vec<(u32, u32)> = (0..40_000).map(|n| (n, 0)).collect();
    let first = write(&folder, "a.pcap", &pcap(&times));
    let mut file = Vec::new();
    for part in 0..3u32 {
        let end = if part == 1 { End::Big } else { End::Little };
        file.extend(section(end));
        file.extend(interface(end, 1, 0, &[option(end, 9, &[9 - part as u8])]));
        for n in 0..8000u32 {
            let data = vec![(n % 251) as u8; 30];
            file.extend(enhanced(end, 0, u64::from(n), 30, &data));
        }
    }
    let second = write(&folder, "b.pcapng", &file);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, &pcap(&times)).unwrap();
    let third = write(&folder, "c.gz", &encoder.finish().unwrap());
    let options = Options {
        block: 8192,
        ..Options::default()
    };
    let mut inputs = Inputs::open(&[first, second, third], options).unwrap();
    let packets = drain(&mut inputs);
    let mut wanted: Vec<PacketRef> = packets
        .iter()
        .step_by(997)
        .map(|(meta, _)| meta.reference())
        .rev()
        .collect();
    wanted.push(wanted[0]);
    wanted.push(PacketRef {
        file: FileIndex(0),
        number: 40_001,
    });
    wanted.push(PacketRef {
        file: FileIndex(9),
        number: 1,
    });
    let fetched = inputs.fetch(&wanted);
    assert_eq!(fetched.len(), wanted.len() - 3);
    for packet in &fetched {
        let (meta, data) = packets
            .iter()
            .find(|(meta, _)| meta.reference() == packet.meta.reference())
            .unwrap();
        assert_eq!(&packet.data, data);
        assert_eq!(
            (packet.meta.time, packet.meta.original),
            (meta.time, meta.original)
        );
        assert_eq!(packet.meta.link, meta.link);
    }
}

#[test]
fn a_file_that_grows_is_read_to_its_length_at_first() {
    let folder = folder("grows");
    let packets: Vec<(u32, u32)> = (0..10_000).map(|n| (n, 0)).collect();
    let bytes = pcap(&packets);
    let path = write(&folder, "grows.pcap", &bytes);
    let options = Options {
        block: 4096,
        ..Options::default()
    };
    let mut inputs = Inputs::open(std::slice::from_ref(&path), options).unwrap();
    let mut batch = Batch::new();
    assert!(inputs.next_batch(&mut batch));
    // More of it, and not a whole record.
    let mut more = fs::OpenOptions::new().append(true).open(&path).unwrap();
    std::io::Write::write_all(&mut more, &bytes[24..bytes.len() - 3]).unwrap();
    while inputs.next_batch(&mut batch) {}
    let info = &inputs.captures()[0];
    assert_eq!((info.packets, info.complete), (10_000, false));
    let why = &info.stopped_at.as_ref().unwrap().why;
    assert!(why.contains("grew while it was read"), "{why}");
}

#[test]
fn a_stop_hands_on_what_was_read() {
    let folder = folder("stops");
    let packets: Vec<(u32, u32)> = (0..10_000).map(|n| (n, 0)).collect();
    let first = write(&folder, "a.pcap", &pcap(&packets));
    let later: Vec<(u32, u32)> = (20_000..20_100).map(|n| (n, 0)).collect();
    let second = write(&folder, "b.pcap", &pcap(&later));
    let options = Options {
        block: 4096,
        ..Options::default()
    };
    let stop = auscult_capture::Stop::default();
    let mut inputs = Inputs::open_until(&[first, second], options, stop.clone()).unwrap();
    let mut batch = Batch::new();
    assert!(inputs.next_batch(&mut batch));
    let mut handed = batch.packets.len();
    stop.request();
    while inputs.next_batch(&mut batch) {
        handed += batch.packets.len();
    }
    let [begun, not_begun] = inputs.captures() else {
        panic!("two captures");
    };
    assert_eq!(begun.packets, handed as u64);
    assert!(handed < 10_000 && not_begun.packets == 0);
    for info in [begun, not_begun] {
        assert!(!info.complete);
        assert_eq!(info.stopped_at.as_ref().unwrap().why, "interrupted");
    }
}
