//! FTP data connections: the file that crosses, as an artifact.
//!
//! They have no format: one is known by what the control connection announced ([`crate::ftp`]),
//! and by only one side sending. Source: RFC 959 §3. Limits: MODE S only; what crosses in the
//! text type is hashed as it crosses; a file is complete when its size was told, or when the
//! sender ended the connection, and nothing of it was lost.

use std::sync::Arc;

use auscult_model::{Direction, Meaning, Transport};

use crate::file::{self, FileAssembler};
use crate::records::Contents;
use crate::{Output, Probe, Progress, Protocol, Record, Seen, Session, Start, Tier};

static RECORD: Record = Record {
    name: NAME,
    title: "File Transfer Protocol, data connection",
    tier: Tier::Decoded,
    transports: &[Transport::Tcp],
    ports: &[20],
    weak: true,
    sources: &["RFC 959"],
    reads: &[
        "files that cross: name, size, type, SHA-256",
        "HL7 v2 messages in files: whom they are about, which kinds of patient data they hold",
    ],
    leaves_out: "Listings; the block and compressed modes.",
    attributes: &[("resource", "what holds patient data: an HL7 v2 message")],
    bounds: &[],
    false_likely: "everything that one side sends alone; asked only when a control connection \
        announced the flow",
};

/// Name in the table.
pub(crate) const NAME: &str = "ftp-data";

/// What a data connection will carry, as the control connection knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Crossing {
    /// Nothing was asked for yet, or the request was not seen.
    Unknown,
    /// No file.
    Listing,
    /// A file.
    File {
        name: String,
        size: Option<u64>,
        /// It is added to another, or goes on in its middle.
        in_part: bool,
    },
}

impl Crossing {
    /// As the note of an announcement: a word, the size, the name.
    pub(crate) fn note(&self) -> Arc<str> {
        match self {
            Crossing::Unknown => "".into(),
            Crossing::Listing => "listing".into(),
            Crossing::File {
                name,
                size,
                in_part,
            } => {
                let word = if *in_part { "part" } else { "file" };
                let size = size.map(|size| size.to_string()).unwrap_or_default();
                format!("{word} {size} {name}").into()
            }
        }
    }

    fn read(note: &str) -> Self {
        let mut words = note.splitn(3, ' ');
        match words.next() {
            Some("listing") => Crossing::Listing,
            Some(word @ ("file" | "part")) => Crossing::File {
                size: words.next().and_then(|size| size.parse().ok()),
                name: words.next().unwrap_or_default().to_owned(),
                in_part: word == "part",
            },
            _ => Crossing::Unknown,
        }
    }
}

/// See [`RECORD`].
pub struct FtpData;

impl Protocol for FtpData {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn is_announced_only(&self) -> bool {
        true
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        match (seen.transport, seen.originator, seen.responder) {
            (Transport::Tcp, [], []) => Probe::Maybe,
            (Transport::Tcp, [], _) | (Transport::Tcp, _, []) => Probe::Likely,
            _ => Probe::No,
        }
    }

    fn start(&self, start: &Start) -> Box<dyn Session> {
        self.start_expected(start, "")
    }

    fn start_expected(&self, start: &Start, note: &str) -> Box<dyn Session> {
        let crossing = Crossing::read(note);
        let (name, size, in_part) = match &crossing {
            Crossing::File {
                name,
                size,
                in_part,
            } => (name.as_str(), *size, *in_part),
            Crossing::Unknown | Crossing::Listing => ("", None, false),
        };
        let mut file = FileAssembler::new(name, NAME);
        if in_part || !start.from_start {
            file.spoil();
        }
        Box::new(FtpDataSession {
            is_file: crossing != Crossing::Listing,
            declared: size,
            sender: None,
            file: Some(file),
            contents: Contents::default(),
        })
    }
}

struct FtpDataSession {
    is_file: bool,
    /// The size that the server told.
    declared: Option<u64>,
    sender: Option<Direction>,
    /// Until it was said.
    file: Option<FileAssembler>,
    /// Medical records in it.
    contents: Contents,
}

impl Session for FtpDataSession {
    fn data(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        if !self.is_file {
            return Progress::Done;
        }
        if *self.sender.get_or_insert(direction) != direction {
            return Progress::NotThis;
        }
        let Some(file) = &mut self.file else {
            return Progress::Done;
        };
        let last = out.mark(bytes.len().saturating_sub(1));
        if !file.append(bytes, last) {
            out.reached(&file::PENDING);
        }
        self.contents.feed(bytes, out);
        if file.is_document() && !self.contents.are_read() {
            out.withhold(0..bytes.len());
        }
        Progress::Used(bytes.len())
    }

    /// What follows cannot make the file whole again.
    fn gap(&mut self, direction: Direction, _: Option<u64>, out: &mut Output<'_>) {
        if let Some(file) = self
            .file
            .as_mut()
            .filter(|_| self.sender != Some(direction.opposite()))
        {
            file.spoil();
            self.end(out);
        }
    }

    fn finished(&mut self, direction: Direction, _: &mut Output<'_>) {
        if let Some(file) = self
            .file
            .as_mut()
            .filter(|_| self.sender == Some(direction))
        {
            file.know_size(self.declared.unwrap_or(file.frontier()));
        }
    }

    fn held(&self) -> usize {
        self.file.as_ref().map_or(0, FileAssembler::held) + self.contents.held()
    }

    fn end(&mut self, out: &mut Output<'_>) {
        let (Some(mut file), Some(sender)) = (self.file.take(), self.sender) else {
            return;
        };
        if let Some(size) = self.declared {
            file.know_size(size);
        }
        let place = file.place();
        if let Some(place) = place {
            self.contents.finish(sender, place.last, out);
        }
        if let Some(place) = place
            && let Some(artifact) = file.finish()
        {
            out.say(place, Meaning::File(Box::new(artifact)))
                .from_side(sender);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drive::{Piece, drive, without_places};
    use proptest::prelude::*;

    const SERVER: Direction = Direction::FromResponder;
    const START: Start = Start {
        transport: Transport::Tcp,
        from_start: true,
        ports: [50005, 20],
    };

    #[test]
    fn notes_come_back() {
        for crossing in [
            Crossing::Unknown,
            Crossing::Listing,
            Crossing::File {
                name: "a b.pdf".into(),
                size: Some(7),
                in_part: false,
            },
            Crossing::File {
                name: String::new(),
                size: None,
                in_part: true,
            },
        ] {
            assert_eq!(Crossing::read(&crossing.note()), crossing);
        }
    }

    fn said(pieces: &[Piece<'_>]) -> String {
        without_places(&drive(&FtpData, &START, pieces).said).join("\n")
    }

    #[test]
    fn a_file_is_whole_when_its_sender_ended() {
        let file = [
            Piece::Bytes(SERVER, b"#!/bin/sh\n"),
            Piece::Bytes(SERVER, b"true\n"),
        ];
        assert!(said(&file).contains("complete: false"));
        let mut ended = file.to_vec();
        ended.push(Piece::End(SERVER));
        let whole = said(&ended);
        assert!(whole.contains("15 Some(") && whole.contains("script complete: true"));
        ended.insert(1, Piece::Gap(SERVER, Some(3)));
        assert!(said(&ended).contains("complete: false"));
        ended[1] = Piece::End(Direction::FromOriginator);
        assert_eq!(said(&ended), whole);
    }

    #[test]
    fn what_both_sides_send_is_none() {
        let talk = [
            Piece::Bytes(SERVER, b"a"),
            Piece::Bytes(SERVER.opposite(), b"b"),
        ];
        assert_eq!(said(&talk), "");
    }

    proptest! {
        #[test]
        fn cuts_change_nothing(bytes in proptest::collection::vec(any::<u8>(), 1..2000), at: u16) {
            let (one, other) = bytes.split_at(usize::from(at) % bytes.len());
            let end = Piece::End(SERVER);
            let cut = [Piece::Bytes(SERVER, one), Piece::Bytes(SERVER, other), end.clone()];
            prop_assert_eq!(said(&cut), said(&[Piece::Bytes(SERVER, &bytes), end]));
        }
    }
}
