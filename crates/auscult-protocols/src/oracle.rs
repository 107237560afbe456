//! Other people's captures and Wireshark's opinion of them, for tests only.
//!
//! Needs tshark and the folder of public captures beside the repository; without them tests say
//! so loudly and pass. Agreement is counted over pairs of (frame, field): a value that either
//! side lacks is wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use auscult_model::{Direction, LinkType, Meaning, Transport};

use crate::drive::{Driven, Piece, drive};
use crate::{Cursor, Protocol, Said, Start};

/// The folder of shared test material, or a loud line.
pub(crate) fn shared(part: &str) -> Option<PathBuf> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")).join(part);
    if path.exists() {
        return Some(path);
    }
    eprintln!("SKIPPED: no {}", path.display());
    None
}

/// Captures in which tshark saw `layer`, by the manifest, in its order.
pub(crate) fn captures_with(layer: &str) -> Vec<PathBuf> {
    let Some(folder) = shared("captures") else {
        return Vec::new();
    };
    let manifest = std::fs::read_to_string(folder.join("manifest.jsonl")).expect("manifest");
    let mark = format!("\"{layer}\": ");
    let mut found = Vec::new();
    for line in manifest.lines() {
        let layers = line.split("\"layers\": {").nth(1).unwrap_or_default();
        let layers = layers.split('}').next().unwrap_or_default();
        let name = line
            .split("\"capture\": \"")
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        if let Some(name) = name
            && layers.contains(&mark)
        {
            found.push(folder.join(name));
        }
    }
    found
}

/// Captures of the bundles, unpacked for as long as this lives.
pub(crate) struct Bundled {
    folder: PathBuf,
    pub(crate) captures: Vec<PathBuf>,
}

impl Bundled {
    /// Those whose name holds one of these words.
    pub(crate) fn named(words: &[&str]) -> Self {
        let word = words.first().copied().unwrap_or_default();
        let folder = std::env::temp_dir().join(format!("auscult-{word}-{}", std::process::id()));
        let mut bundled = Bundled {
            folder,
            captures: Vec::new(),
        };
        let bundles = shared("captures/bundles").and_then(|path| std::fs::read_dir(path).ok());
        for bundle in bundles.into_iter().flatten().flatten() {
            let into = bundled.folder.join(bundle.file_name());
            std::fs::create_dir_all(&into).expect("a folder for the bundle");
            let mut unpack = Command::new("tar");
            unpack.arg("--use-compress-program=zstd").arg("-xf");
            unpack.arg(bundle.path()).arg("-C").arg(&into);
            if !unpack.status().is_ok_and(|status| status.success()) {
                eprintln!("SKIPPED: cannot unpack {}", bundle.path().display());
                continue;
            }
            let members = std::fs::read_dir(into.join("cap")).expect("captures");
            let paths = members.flatten().map(|member| member.path());
            let is_wanted = |path: &PathBuf| {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                words.iter().any(|word| name.contains(word))
            };
            bundled.captures.extend(paths.filter(is_wanted));
        }
        bundled.captures.sort();
        bundled
    }
}

impl Drop for Bundled {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// One frame's fields as tshark shows them; absent ones are empty.
pub(crate) struct Row {
    fields: BTreeMap<String, Vec<String>>,
}

impl Row {
    pub(crate) fn all(&self, field: &str) -> &[String] {
        self.fields.get(field).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn one(&self, field: &str) -> &str {
        self.all(field).first().map_or("", String::as_str)
    }

    /// The frame's number, where it was asked for.
    pub(crate) fn frame(&self) -> u64 {
        self.one("frame.number").parse().unwrap_or_default()
    }

    /// The last value as bytes.
    pub(crate) fn bytes(&self, field: &str) -> Vec<u8> {
        let text = self.all(field).last().map_or("", String::as_str);
        let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
        digits
            .chunks_exact(2)
            .map(|pair| {
                let pair = std::str::from_utf8(pair).expect("digits");
                u8::from_str_radix(pair, 16).expect("hexadecimal")
            })
            .collect()
    }
}

/// Asks tshark for `fields` of the frames that pass `filter`; nothing when it is not there.
pub(crate) fn tshark(capture: &Path, filter: &str, fields: &[&str]) -> Vec<Row> {
    tshark_with(capture, filter, fields, &[])
}

/// The same with more options for tshark.
pub(crate) fn tshark_with(
    capture: &Path,
    filter: &str,
    fields: &[&str],
    options: &[&str],
) -> Vec<Row> {
    let mut command = Command::new("tshark");
    command.args(options);
    command.args([
        "-n",
        "-T",
        "fields",
        "-E",
        "separator=/t",
        "-E",
        "occurrence=a",
    ]);
    command.args(["-E", "aggregator=\u{1f}", "-o", "ip.defragment:TRUE"]);
    // Heads are shown where they end, not where the body behind them does.
    command.args(["-o", "http.desegment_body:FALSE"]);
    command.arg("-r").arg(capture).args(["-Y", filter]);
    for field in fields {
        command.args(["-e", field]);
    }
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            eprintln!("SKIPPED: no tshark: {error}");
            return Vec::new();
        }
    };
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| Row {
            fields: fields
                .iter()
                .zip(line.split('\t'))
                .filter(|(_, cell)| !cell.is_empty())
                .map(|(field, cell)| {
                    let values = cell.split('\u{1f}').map(str::to_owned).collect();
                    ((*field).to_owned(), values)
                })
                .collect(),
        })
        .collect()
}

/// Every frame of a capture with its link type and length on the wire.
pub(crate) fn frames(capture: &Path) -> Vec<(LinkType, u32, Vec<u8>)> {
    let mut command = Command::new("tshark");
    command
        .arg("-r")
        .arg(capture)
        .args(["-F", "pcap", "-w", "-"]);
    let Ok(output) = command.output() else {
        eprintln!("SKIPPED: no tshark");
        return Vec::new();
    };
    let mut cursor = Cursor::new(&output.stdout);
    let mut frames = Vec::new();
    // File header: magic, version, zone, accuracy, snaplen, link type.
    let Some(link) = cursor.take(20).and_then(|_| cursor.le_u32()) else {
        return frames;
    };
    let mut next = || {
        let _time = cursor.take(8)?;
        let (captured, wire) = (cursor.le_u32()?, cursor.le_u32()?);
        let frame = cursor.take(captured as usize)?.to_vec();
        Some((LinkType(link as u16), wire, frame))
    };
    while let Some(frame) = next() {
        frames.push(frame);
    }
    frames
}

/// What `protocol` says of the TCP streams of a capture; see [`drive_streams`].
pub(crate) fn read_streams(protocol: &dyn Protocol, capture: &Path, layer: &str) -> Vec<Said> {
    let streams = drive_streams(protocol, capture, layer);
    streams
        .into_values()
        .flat_map(|driven| driven.said)
        .collect()
}

/// Runs `protocol` over every TCP stream of a capture in which tshark saw `layer`, in the order
/// of the capture, without retransmissions, by tshark's number of the stream. The sender of a
/// stream's first frame is the originator, unless it answers a SYN. Places name the capture's
/// frames.
pub(crate) fn drive_streams(
    protocol: &dyn Protocol,
    capture: &Path,
    layer: &str,
) -> BTreeMap<String, Driven> {
    let fields = [
        "tcp.stream",
        "tcp.srcport",
        "tcp.dstport",
        "ip.src",
        "ipv6.src",
        "tcp.flags.syn",
        "tcp.flags.ack",
        "frame.number",
        "tcp.payload",
        "tcp.analysis.lost_segment",
    ];
    let named: BTreeSet<String> = tshark(capture, layer, &["tcp.stream"])
        .iter()
        .map(|row| row.one("tcp.stream").to_owned())
        .collect();
    let mut streams: BTreeMap<String, Vec<(Row, Vec<u8>)>> = BTreeMap::new();
    for row in tshark(capture, "tcp && !tcp.analysis.retransmission", &fields) {
        let bytes = row.bytes("tcp.payload");
        let stream = row.one("tcp.stream").to_owned();
        if named.contains(&stream) {
            streams.entry(stream).or_default().push((row, bytes));
        }
    }
    let mut read = BTreeMap::new();
    for (stream, frames) in &streams {
        let Some((first, _)) = frames.first() else {
            continue;
        };
        let side = |row: &Row| {
            let address = [row.one("ip.src"), row.one("ipv6.src")].concat();
            (address, row.one("tcp.srcport").to_owned())
        };
        let port = |field| first.one(field).parse().expect("a port");
        let mut ports = [port("tcp.srcport"), port("tcp.dstport")];
        let mut originator = side(first);
        let is_set = |field| matches!(first.one(field), "1" | "True");
        if is_set("tcp.flags.syn") && is_set("tcp.flags.ack") {
            ports.reverse();
            originator = frames
                .iter()
                .map(|(row, _)| side(row))
                .find(|other| *other != originator)
                .unwrap_or_default();
        }
        let start = Start {
            transport: Transport::Tcp,
            from_start: true,
            ports,
        };
        let full = || frames.iter().filter(|(_, bytes)| !bytes.is_empty());
        let (mut numbers, mut pieces) = (Vec::new(), Vec::new());
        for (row, bytes) in full() {
            let direction = if side(row) == originator {
                Direction::FromOriginator
            } else {
                Direction::FromResponder
            };
            if !row.all("tcp.analysis.lost_segment").is_empty() {
                numbers.push(row.frame());
                pieces.push(Piece::Gap(direction, None));
            }
            numbers.push(row.frame());
            pieces.push(Piece::Bytes(direction, bytes));
        }
        let mut driven = drive(protocol, &start, &pieces);
        for one in &mut driven.said {
            for mark in [&mut one.place.first, &mut one.place.last] {
                let piece = (mark.packet.number as usize).saturating_sub(1);
                mark.packet.number = numbers.get(piece).copied().unwrap_or_default();
            }
        }
        read.insert(stream.clone(), driven);
    }
    read
}

/// What tshark makes of datagrams that are no capture yet; nothing when it is not there.
pub(crate) fn tshark_of_datagrams(port: u16, datagrams: &[&[u8]], fields: &[&str]) -> Vec<Row> {
    // A file of raw IPv4 (LINKTYPE_RAW), with checksums left at zero.
    let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0];
    file.extend([0; 8]);
    file.extend(65_535_u32.to_le_bytes());
    file.extend(101_u32.to_le_bytes());
    for bytes in datagrams {
        let length = u16::try_from(bytes.len()).expect("a datagram") + 8;
        file.extend([0; 8]);
        file.extend([u32::from(length + 20).to_le_bytes(); 2].concat());
        file.extend([0x45, 0]);
        file.extend((length + 20).to_be_bytes());
        file.extend([0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
        file.extend([40_000_u16, port, length, 0].map(u16::to_be_bytes).concat());
        file.extend_from_slice(bytes);
    }
    let path = std::env::temp_dir().join(format!("auscult-{port}-{}.pcap", std::process::id()));
    std::fs::write(&path, file).expect("a file for tshark");
    let rows = tshark(&path, "udp", fields);
    let _ = std::fs::remove_file(&path);
    rows
}

/// Runs `protocol` over the datagrams of a capture that pass `filter`, a session for each pair of
/// ends, in the order of the capture. The sender of a pair's first datagram is the originator.
pub(crate) fn read_datagrams(protocol: &dyn Protocol, capture: &Path, filter: &str) -> Vec<Said> {
    let fields = [
        "ip.src",
        "ipv6.src",
        "ip.dst",
        "ipv6.dst",
        "udp.srcport",
        "udp.dstport",
        "udp.payload",
    ];
    type End = (String, u16);
    type Talk = ([End; 2], Vec<(Direction, Vec<u8>)>);
    let mut talks: Vec<Talk> = Vec::new();
    for row in tshark(capture, filter, &fields) {
        let end = |four, six, port| -> End {
            let ip = [row.one(four), row.one(six)].concat();
            (ip, row.one(port).parse().unwrap_or(0))
        };
        let from = end("ip.src", "ipv6.src", "udp.srcport");
        let to = end("ip.dst", "ipv6.dst", "udp.dstport");
        let ends = [from, to];
        let back = [ends[1].clone(), ends[0].clone()];
        let bytes = row.bytes("udp.payload");
        if let Some((_, talk)) = talks.iter_mut().find(|(known, _)| *known == ends) {
            talk.push((Direction::FromOriginator, bytes));
        } else if let Some((_, talk)) = talks.iter_mut().find(|(known, _)| *known == back) {
            talk.push((Direction::FromResponder, bytes));
        } else {
            talks.push((ends, vec![(Direction::FromOriginator, bytes)]));
        }
    }
    let mut said = Vec::new();
    for ([from, to], talk) in &talks {
        let start = Start {
            transport: Transport::Udp,
            from_start: true,
            ports: [from.1, to.1],
        };
        let pieces: Vec<_> = talk
            .iter()
            .map(|(direction, bytes)| Piece::Bytes(*direction, bytes))
            .collect();
        said.extend(drive(protocol, &start, &pieces).said);
    }
    said
}

/// What a protocol claims of captures, against what was found to be right: capture under the
/// folder of shared test material, and [`claimed`] lines.
pub(crate) fn golden(protocol: &dyn Protocol, filter: &str, captures: &[(&str, &[&str])]) {
    for (capture, right) in captures {
        let Some(path) = shared(capture) else {
            continue;
        };
        let said = read_datagrams(protocol, &path, filter);
        // Without tshark, which said so, there is nothing to read.
        if !said.is_empty() {
            assert_eq!(claimed(&said), *right, "{capture}");
        }
    }
}

/// What a protocol claims of datagrams of the originator.
pub(crate) fn claims_of(
    protocol: &dyn Protocol,
    ports: [u16; 2],
    datagrams: &[&[u8]],
) -> Vec<String> {
    let start = Start {
        transport: Transport::Udp,
        from_start: true,
        ports,
    };
    let pieces: Vec<_> = datagrams
        .iter()
        .map(|bytes| Piece::Bytes(Direction::FromOriginator, bytes))
        .collect();
    claimed(&drive(protocol, &start, &pieces).said)
}

/// What is claimed, and the names that are given addresses: each once, in order of their text.
pub(crate) fn claimed(said: &[Said]) -> Vec<String> {
    let lines = said.iter().filter_map(|said| match &said.meaning {
        Meaning::Claim {
            attribute, value, ..
        } => Some(format!("{attribute} = {value}")),
        Meaning::NameAnswered { name, addresses } => {
            let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
            Some(format!("{name} at {}", addresses.join(" ")))
        }
        _ => None,
    });
    lines.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Values by place, often a frame's number, and field.
pub(crate) type Table = BTreeMap<(String, &'static str), Vec<String>>;

/// Counts agreement, with the first disagreements in words.
#[derive(Default)]
pub(crate) struct Agreement {
    pub(crate) pairs: u64,
    pub(crate) equal: u64,
    pub(crate) wrong: Vec<String>,
    /// Disagreements that were looked at: where, part of the place and the field, and why.
    known: &'static [(&'static str, &'static str)],
    explained: BTreeSet<String>,
}

impl Agreement {
    /// With disagreements that were looked at: those count for nothing and are printed with what
    /// was found.
    pub(crate) fn explained(known: &'static [(&'static str, &'static str)]) -> Self {
        Agreement {
            known,
            ..Agreement::default()
        }
    }

    /// Compares one field of one frame; a field that both lack counts for nothing.
    pub(crate) fn compare(&mut self, place: &str, row: &Row, field: &str, ours: Vec<String>) {
        self.compare_without(place, row, field, ours, &[]);
    }

    /// The same, without these values of tshark's when they end or interrupt a list.
    pub(crate) fn compare_without(
        &mut self,
        place: &str,
        row: &Row,
        field: &str,
        ours: Vec<String>,
        without: &[&str],
    ) {
        let mut theirs = row.all(field).to_vec();
        if theirs.len() > 1 {
            theirs.retain(|value| !without.contains(&value.as_str()));
        }
        self.compare_values(place, field, &theirs, &ours);
    }

    /// The same for values that were made comparable.
    pub(crate) fn compare_values(
        &mut self,
        place: &str,
        field: &str,
        theirs: &[String],
        ours: &[String],
    ) {
        if theirs.is_empty() && ours.is_empty() {
            return;
        }
        self.pair(&format!("{place} {field}"), theirs, ours);
    }

    /// Compares what was found by place and field; each place that either side has is a pair.
    pub(crate) fn compare_tables(&mut self, capture: &Path, theirs: &Table, ours: &Table) {
        let name = name_of(capture);
        let places: BTreeSet<_> = theirs.keys().chain(ours.keys()).collect();
        for place in places {
            let of = |table: &Table| table.get(place).cloned().unwrap_or_default();
            let (at, field) = place;
            self.pair(&format!("{name}#{at} {field}"), &of(theirs), &of(ours));
        }
    }

    /// Counts one pair; one that both lack counts for nothing.
    pub(crate) fn pair(&mut self, what: &str, theirs: &[String], ours: &[String]) {
        if theirs.is_empty() && ours.is_empty() {
            return;
        }
        let known = self.known.iter().find(|(place, _)| what.contains(place));
        if let (false, Some((_, why))) = (theirs == ours, known) {
            self.explained.insert(format!("{what}: {why}"));
            return;
        }
        self.pairs += 1;
        if theirs == ours {
            self.equal += 1;
        } else if self.wrong.len() < 20 {
            let line = format!("{what}: tshark {theirs:?}, here {ours:?}");
            self.wrong.push(line.chars().take(300).collect());
        }
    }

    /// Prints the figure and fails below `least`; with no pair at all nothing is claimed.
    pub(crate) fn at_least(&self, what: &str, least: f64) {
        if self.pairs == 0 {
            eprintln!("SKIPPED: {what}: nothing to compare with");
            return;
        }
        let share = self.equal as f64 / self.pairs as f64;
        println!(
            "{what}: {} of {} pairs agree ({share:.4})",
            self.equal, self.pairs
        );
        for line in &self.wrong {
            println!("  {line}");
        }
        for line in &self.explained {
            println!("  explained: {what}: {line}");
        }
        assert!(share >= least, "{what}: {share:.4} < {least}");
    }
}

/// Whether a capture was made by damaging others: what it holds is not well formed.
pub(crate) fn is_damaged(capture: &Path) -> bool {
    // The second is of a suite of encodings that break the rules.
    ["fuzz", "c06-snmpv1-trap-enc"]
        .iter()
        .any(|part| name_of(capture).contains(part))
}

/// File name of a capture, for messages.
pub(crate) fn name_of(capture: &Path) -> String {
    let mut parts: Vec<_> = capture.iter().rev().take(2).collect();
    parts.reverse();
    parts
        .iter()
        .map(|part| part.to_string_lossy())
        .collect::<Vec<_>>()
        .join("/")
}
