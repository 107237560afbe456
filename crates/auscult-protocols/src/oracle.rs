//! Other people's captures and Wireshark's opinion of them, for tests only.
//!
//! Needs tshark and the folder of public captures beside the repository; without them tests say
//! so loudly and pass. Agreement is counted over pairs of (frame, field): a value that either
//! side lacks is wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use auscult_model::{Direction, LinkType, Transport};

use crate::drive::{Piece, drive};
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
    let mut command = Command::new("tshark");
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

/// Runs `protocol` over every TCP stream of a capture in which tshark saw `layer`, in the order
/// of the capture, without retransmissions. The sender of a stream's first frame is the
/// originator.
pub(crate) fn read_streams(protocol: &dyn Protocol, capture: &Path, layer: &str) -> Vec<Said> {
    let fields = [
        "tcp.stream",
        "tcp.srcport",
        "tcp.dstport",
        "ip.src",
        "tcp.payload",
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
    let mut said = Vec::new();
    for frames in streams.values() {
        let Some((first, _)) = frames.first() else {
            continue;
        };
        let side = |row: &Row| {
            (
                row.one("ip.src").to_owned(),
                row.one("tcp.srcport").to_owned(),
            )
        };
        let originator = side(first);
        let port = |field| first.one(field).parse().expect("a port");
        let start = Start {
            transport: Transport::Tcp,
            from_start: true,
            ports: [port("tcp.srcport"), port("tcp.dstport")],
        };
        let pieces: Vec<_> = frames
            .iter()
            .filter(|(_, bytes)| !bytes.is_empty())
            .map(|(row, bytes)| {
                let direction = if side(row) == originator {
                    Direction::FromOriginator
                } else {
                    Direction::FromResponder
                };
                Piece::Bytes(direction, bytes)
            })
            .collect();
        said.extend(drive(protocol, &start, &pieces).said);
    }
    said
}

/// Counts agreement, with the first disagreements in words.
#[derive(Default)]
pub(crate) struct Agreement {
    pub(crate) pairs: u64,
    pub(crate) equal: u64,
    pub(crate) wrong: Vec<String>,
}

impl Agreement {
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
        if theirs.is_empty() && ours.is_empty() {
            return;
        }
        self.pairs += 1;
        if theirs == ours {
            self.equal += 1;
        } else if self.wrong.len() < 20 {
            let line = format!("{place} {field}: tshark {theirs:?}, here {ours:?}");
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
        assert!(share >= least, "{what}: {share:.4} < {least}");
    }
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
