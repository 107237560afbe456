//! The packets of findings: cut out of captures, without patients, with comments that say what to
//! see in them and where they came from.

use std::collections::{BTreeMap, BTreeSet};

use auscult_model::report::{Finding, Report};
use auscult_model::{FileIndex, Marks, PacketRef};

use crate::frame::Frame;
use crate::mask::{self, Change};
use crate::pcapng::{self, Noted};
use crate::pseudonym::Pseudonyms;
use crate::select::{Level, Selection, Subject};

/// Packets that findings name, with what is to be seen in them.
#[derive(Clone, Debug, Default)]
pub struct Named {
    notes: BTreeMap<PacketRef, Vec<String>>,
}

impl Named {
    /// Of these findings. A packet of a file that the report does not list is left out.
    pub fn new(report: &Report, findings: &[&Finding]) -> Named {
        let file = |name: &str| {
            let place = report
                .captures
                .iter()
                .position(|capture| capture.file == name)?;
            u32::try_from(place).ok().map(FileIndex)
        };
        let mut notes: BTreeMap<PacketRef, Vec<String>> = BTreeMap::new();
        for finding in findings {
            for evidence in &finding.evidence {
                let Some(file) = file(&evidence.file) else {
                    continue;
                };
                let packet = PacketRef {
                    file,
                    number: evidence.packet,
                };
                let note = evidence.note.as_deref().unwrap_or("evidence");
                let note = format!("{} {}: {note}", finding.id, finding.rule);
                let of_packet = notes.entry(packet).or_default();
                if !of_packet.contains(&note) {
                    of_packet.push(note);
                }
            }
        }
        Named { notes }
    }

    /// The packets.
    pub fn packets(&self) -> BTreeSet<PacketRef> {
        self.notes.keys().copied().collect()
    }
}

impl Subject {
    /// What these findings are about.
    pub fn new(report: &Report, findings: &[&Finding]) -> Subject {
        let ids: BTreeSet<&str> = findings
            .iter()
            .flat_map(|finding| finding.devices.iter().map(String::as_str))
            .collect();
        let mut subject = Subject::default();
        for device in report
            .devices
            .iter()
            .filter(|device| ids.contains(device.id.as_str()))
        {
            subject.devices.extend(&device.ips);
            subject.macs.extend(device.macs.iter().map(|mac| mac.0));
        }
        subject
            .peers
            .extend(findings.iter().filter_map(|finding| finding.peer));
        subject
    }
}

/// A packet of a cut.
#[derive(Clone, Debug)]
pub struct Piece {
    /// The packet, masked.
    pub frame: Frame,
    /// Why it is there.
    pub level: Level,
    /// What was done to it.
    pub change: Change,
    /// What is to be seen in it, and where it came from.
    pub comments: Vec<String>,
}

/// The packets of findings, ready to be written.
#[derive(Clone, Debug, Default)]
pub struct Cut {
    /// In the order of the analysis.
    pub pieces: Vec<Piece>,
    /// Packets that found no room.
    pub dropped: u64,
    /// Names of bounds that were reached.
    pub reached: BTreeSet<&'static str>,
    /// Names of the files.
    pub files: Vec<String>,
}

impl Cut {
    /// From selected packets. Without marks they stay as they are, patients and all.
    pub fn new(
        selection: Selection,
        named: &Named,
        masking: Option<(&Marks, &Pseudonyms)>,
        files: &[String],
    ) -> Cut {
        let Selection {
            packets,
            dropped,
            reached,
        } = selection;
        let levels: Vec<Level> = packets.iter().map(|kept| kept.level).collect();
        let mut frames: Vec<Frame> = packets.into_iter().map(|kept| kept.frame).collect();
        let changes = match masking {
            Some((marks, pseudonyms)) => mask::mask(&mut frames, marks, pseudonyms),
            None => vec![Change::default(); frames.len()],
        };
        let pieces = frames.into_iter().zip(levels).zip(changes);
        let pieces = pieces.map(|((frame, level), change)| {
            let mut comments = named.notes.get(&frame.packet).cloned().unwrap_or_default();
            if comments.is_empty() {
                comments.push(level.word().to_owned());
            }
            let file = files
                .get(frame.packet.file.0 as usize)
                .map_or("", String::as_str);
            let done = words(&change);
            comments.push(format!("{file} packet {}{done}", frame.packet.number));
            Piece {
                frame,
                level,
                change,
                comments,
            }
        });
        Cut {
            pieces: pieces.collect(),
            dropped,
            reached,
            files: files.to_vec(),
        }
    }

    /// As a pcapng file.
    pub fn pcapng(&self, comment: &str, program: &str) -> Vec<u8> {
        let packets: Vec<Noted<'_>> = self
            .pieces
            .iter()
            .map(|piece| Noted {
                frame: &piece.frame,
                comments: &piece.comments,
            })
            .collect();
        pcapng::write(comment, program, &self.files, &packets)
    }

    /// What was done to the packets, in a sentence.
    pub fn summary(&self) -> String {
        let count = |what: fn(&Piece) -> bool| self.pieces.iter().filter(|it| what(it)).count();
        let named = count(|piece| piece.level == Level::Named);
        let masked = count(|piece| !piece.change.masked.is_empty());
        let cut = count(|piece| piece.change.cut_at.is_some());
        let all = self.pieces.len();
        let mut text = format!("{all} packets, {named} of them named by findings");
        if masked > 0 {
            let bytes: u64 = self
                .pieces
                .iter()
                .flat_map(|piece| &piece.change.masked)
                .map(|range| u64::from(range.end - range.start))
                .sum();
            text.push_str(&format!("; {bytes} bytes in {masked} masked"));
        }
        if cut > 0 {
            text.push_str(&format!("; {cut} cut to their headers"));
        }
        if self.dropped > 0 {
            text.push_str(&format!("; {} left out for want of room", self.dropped));
        }
        text
    }
}

/// What was done to a packet.
fn words(change: &Change) -> String {
    let mut done = Vec::new();
    match change.masked.len() {
        0 => {}
        1 => done.push("1 range masked".to_owned()),
        several => done.push(format!("{several} ranges masked")),
    }
    if !change.checksums.is_empty() {
        done.push("checksum moved accordingly".to_owned());
    }
    if let Some(at) = change.cut_at {
        done.push(format!("cut to its {at} bytes of headers"));
    }
    match done.is_empty() {
        true => String::new(),
        false => format!(" ({})", done.join(", ")),
    }
}
