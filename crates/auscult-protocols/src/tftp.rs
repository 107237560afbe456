//! TFTP: boot files, configurations and firmware, read or written by small devices.
//!
//! ```text
//! 1 RRQ, 2 WRQ   name 0 mode 0 (option 0 value 0)*      4 ACK    block u16
//! 3 DATA         block u16 · up to block-size bytes     5 ERROR  code u16 · text 0
//! 6 OACK         (option 0 value 0)*
//! ```
//!
//! The server answers from a port of its own, towards the port from which the client asked: that
//! flow is announced by the asking one. A block shorter than the block size ends the file. Block
//! numbers go on from 65535 to 0.
//!
//! Sources: RFC 1350, RFC 2347 (options), RFC 2348 (block size), RFC 7440 (windows). Limits: the
//! text form (`netascii`) is hashed as it crosses; a transfer that was picked up after its first
//! block is told in part.

use auscult_model::{Direction, Meaning, Transport};

use crate::file::{self, FileAssembler};
use crate::{
    Expectation, Mark, Output, Place, Probe, Progress, Protocol, Record, Seen, Session, Start,
    Tier, text,
};

static RECORD: Record = Record {
    name: "tftp",
    title: "Trivial File Transfer Protocol",
    tier: Tier::Decoded,
    transports: &[Transport::Udp],
    ports: &[69],
    weak: true,
    sources: &["RFC 1350", "RFC 2347", "RFC 2348", "RFC 7440"],
    reads: &[
        "files asked for, by name, and refusals",
        "files that cross: size, type, SHA-256",
    ],
    leaves_out: "multicast transfers (RFC 2090), block numbers that go on from 65535 to 1",
    attributes: &[
        ("mode", "transfer mode of a request (octet, netascii, mail)"),
        ("error", "text of a refusal"),
    ],
    bounds: &[],
    false_likely: "requests are Certain (56 fixed bits or more); of random datagrams 2 in 65,536 \
        look like data, less like the others; both sides must",
};

/// Most options of a message.
const OPTIONS_MAX: usize = 16;
/// Block size without the option.
const BLOCK: usize = 512;
/// Largest block size that can be agreed on.
const BLOCK_MAX: usize = 65_464;

/// The `tftp` line of the table.
pub struct Tftp;

impl Protocol for Tftp {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        let side = |bytes: &[u8]| match Message::read(bytes) {
            None => Probe::No,
            Some(Message::Request { .. }) => Probe::Certain,
            Some(_) => Probe::Likely,
        };
        // A request of the side that began decides; the other side alone decides nothing.
        match (seen.originator, seen.responder) {
            ([], []) => Probe::Maybe,
            ([], responder) => side(responder).clamp(Probe::Maybe, Probe::Likely),
            (originator, []) => side(originator),
            (originator, responder) => match side(originator) {
                Probe::Likely if side(responder) == Probe::No => Probe::No,
                decided => decided,
            },
        }
    }

    fn start(&self, start: &Start) -> Box<dyn Session> {
        self.start_expected(start, "")
    }

    fn start_expected(&self, start: &Start, note: &str) -> Box<dyn Session> {
        Box::new(TftpSession {
            ports: start.ports,
            asked: None,
            announced: note.to_owned(),
            block_size: None,
            transfer: None,
            read_any: false,
        })
    }
}

/// One message.
enum Message<'a> {
    Request {
        write: bool,
        name: String,
        mode: String,
    },
    Data {
        block: u16,
        bytes: &'a [u8],
    },
    Ack,
    Error {
        text: String,
    },
    Options {
        block_size: Option<usize>,
    },
}

impl<'a> Message<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let (&[0, operation], rest) = bytes.split_first_chunk::<2>()? else {
            return None;
        };
        let number = || rest.first_chunk().map(|two| u16::from_be_bytes(*two));
        let after = rest.get(2..).unwrap_or_default();
        Some(match operation {
            1 | 2 => {
                let (name, rest) = word(rest)?;
                let (mode, rest) = word(rest)?;
                let mode = text::lenient(mode).to_ascii_lowercase();
                let known = matches!(mode.as_str(), "octet" | "netascii" | "mail");
                if name.is_empty() || !known {
                    return None;
                }
                options(rest)?;
                Message::Request {
                    write: operation == 2,
                    name: text::lenient(name),
                    mode,
                }
            }
            3 if after.len() <= BLOCK_MAX => Message::Data {
                block: number()?,
                bytes: after,
            },
            // Ethernet pads short frames; padding may have stayed.
            4 if after.iter().all(|byte| *byte == 0) => {
                number()?;
                Message::Ack
            }
            5 if number()? <= 8 => {
                let (words, _) = word(after)?;
                let text = text::lenient(words);
                if text.contains('\u{fffd}') {
                    return None;
                }
                Message::Error { text }
            }
            6 => Message::Options {
                block_size: options(rest)?,
            },
            _ => return None,
        })
    }
}

/// Bytes up to a NUL, and what follows it.
fn word(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(0, bytes)?;
    Some((bytes.get(..end)?, bytes.get(end + 1..)?))
}

/// The block size among options; `None` when they are none.
fn options(mut bytes: &[u8]) -> Option<Option<usize>> {
    let mut block_size = None;
    for _ in 0..OPTIONS_MAX {
        if bytes.is_empty() {
            break;
        }
        let (name, rest) = word(bytes)?;
        let (value, rest) = word(rest)?;
        if name.is_empty() || !text::is_printable_ascii(name) {
            return None;
        }
        if name.eq_ignore_ascii_case(b"blksize") {
            let size = std::str::from_utf8(value).ok()?.parse().ok();
            block_size = size.filter(|size| (8..=BLOCK_MAX).contains(size));
        }
        bytes = rest;
    }
    Some(block_size)
}

/// A request that was not told yet.
struct Asked {
    write: bool,
    name: String,
    mode: String,
    place: Place,
    client: Direction,
    told: bool,
}

/// A file that is crossing.
struct Transfer {
    file: FileAssembler,
    sender: Direction,
    block_size: usize,
    /// Number of the block after the furthest one, counted on beyond 16 bits.
    next: u64,
    over: bool,
}

struct TftpSession {
    ports: [u16; 2],
    asked: Option<Asked>,
    /// Name of the file, by the flow that announced this one.
    announced: String,
    /// Agreed on by options.
    block_size: Option<usize>,
    transfer: Option<Transfer>,
    read_any: bool,
}

impl TftpSession {
    fn request(&mut self, asked: Asked, out: &mut Output<'_>) {
        out.expect(Expectation {
            transport: Transport::Udp,
            server: asked.client,
            port: self.ports[asked.client.index()],
            protocol: "tftp",
            note: Some(asked.name.as_str().into()),
        });
        let repeat = |known: &Asked| known.write == asked.write && known.name == asked.name;
        if self.asked.as_ref().is_some_and(repeat) {
            return;
        }
        self.finish(out);
        self.block_size = None;
        self.asked = Some(asked);
    }

    /// Says what was asked, once.
    fn tell(&mut self, granted: Option<bool>, error: Option<String>, out: &mut Output<'_>) {
        let Some(asked) = self.asked.as_mut().filter(|asked| !asked.told) else {
            return;
        };
        asked.told = true;
        let meaning = Meaning::Request {
            operation: if asked.write { "write" } else { "read" },
            object: asked.name.clone(),
            granted,
        };
        let said = out.say(asked.place, meaning).from_side(asked.client);
        said.with("mode", asked.mode.clone());
        if let Some(error) = error {
            said.with("error", error);
        }
    }

    fn data(&mut self, sender: Direction, block: u16, bytes: &[u8], out: &mut Output<'_>) {
        self.tell(Some(true), None, out);
        let at = out.mark(0);
        if self.transfer.is_none() {
            let asked = self.asked.as_ref().map(|asked| &asked.name);
            let name = asked.unwrap_or(&self.announced).clone();
            // Without the options' answer, a first block tells the size when it is longer.
            let unseen = if block == 1 {
                bytes.len().max(BLOCK)
            } else {
                BLOCK
            };
            self.transfer = Some(Transfer {
                file: FileAssembler::new(name, RECORD.name),
                sender,
                block_size: self.block_size.unwrap_or(unseen),
                next: u64::from(block),
                over: false,
            });
        }
        let Some(transfer) = self.transfer.as_mut().filter(|transfer| !transfer.over) else {
            return;
        };
        let most = out.bound(&file::PENDING);
        if transfer.sender == sender && !transfer.block(block, bytes, most, at) {
            out.reached(&file::PENDING);
        }
        if transfer.file.is_document() {
            // Behind operation and number.
            out.withhold(4..4 + bytes.len());
        }
        if transfer.file.is_complete() {
            transfer.over = true;
            let fresh = FileAssembler::new("", RECORD.name);
            tell_file(std::mem::replace(&mut transfer.file, fresh), sender, out);
        }
    }

    /// Says what is left to say.
    fn finish(&mut self, out: &mut Output<'_>) {
        self.tell(None, None, out);
        if let Some(transfer) = self.transfer.take() {
            tell_file(transfer.file, transfer.sender, out);
        }
    }
}

impl Transfer {
    /// Adds a block, at most `most` bytes waiting; false when some of it had to be left out.
    fn block(&mut self, block: u16, bytes: &[u8], most: usize, at: Mark) -> bool {
        // The number nearest to the expected one that ends in these 16 bits.
        let ahead = block.wrapping_sub(self.next as u16) as i16;
        let Some(number) = self
            .next
            .checked_add_signed(i64::from(ahead))
            .filter(|n| *n > 0)
        else {
            return true;
        };
        self.next = self.next.max(number + 1);
        let offset = (number - 1) * self.block_size as u64;
        if bytes.len() < self.block_size {
            self.file.know_size(offset + bytes.len() as u64);
        }
        self.file.add(offset, bytes, most, at)
    }
}

fn tell_file(file: FileAssembler, sender: Direction, out: &mut Output<'_>) {
    if let (Some(place), Some(artifact)) = (file.place(), file.finish()) {
        out.say(place, Meaning::File(Box::new(artifact)))
            .from_side(sender);
    }
}

impl Session for TftpSession {
    fn held(&self) -> usize {
        self.transfer
            .as_ref()
            .map_or(0, |transfer| transfer.file.held())
    }

    fn data(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        match Message::read(bytes) {
            None if self.read_any => {}
            None => return Progress::NotThis,
            Some(Message::Request { write, name, mode }) => {
                let asked = Asked {
                    write,
                    name,
                    mode,
                    place: out.place(0..bytes.len()),
                    client: direction,
                    told: false,
                };
                self.request(asked, out);
            }
            Some(Message::Data { block, bytes }) => self.data(direction, block, bytes, out),
            Some(Message::Ack) => self.tell(Some(true), None, out),
            Some(Message::Error { text }) => self.tell(Some(false), Some(text), out),
            Some(Message::Options { block_size }) => {
                self.tell(Some(true), None, out);
                self.block_size = block_size;
            }
        }
        self.read_any = true;
        Progress::Used(bytes.len())
    }

    fn end(&mut self, out: &mut Output<'_>) {
        self.finish(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drive::{Driven, Piece, drive, without_places};
    use crate::oracle::shared;
    use crate::rpc::tests::flows;
    use Direction::{FromOriginator, FromResponder};
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};

    fn run(pieces: &[(Direction, Vec<u8>)]) -> Driven {
        let start = Start {
            transport: Transport::Udp,
            from_start: true,
            ports: [50_618, 69],
        };
        let pieces: Vec<Piece<'_>> = pieces
            .iter()
            .map(|(direction, bytes)| Piece::Bytes(*direction, bytes))
            .collect();
        drive(&Tftp, &start, &pieces)
    }

    fn data(block: u16, bytes: &[u8]) -> Vec<u8> {
        [&[0, 3][..], &block.to_be_bytes(), bytes].concat()
    }

    fn file_of(driven: &Driven) -> (&'static str, u64, Option<[u8; 32]>, Direction) {
        driven
            .said
            .iter()
            .find_map(|said| match &said.meaning {
                Meaning::File(file) => Some((file.kind, file.size, file.sha256, said.direction)),
                _ => None,
            })
            .expect("a file")
    }

    #[test]
    fn a_file_by_options_with_repeats_and_disorder() {
        let content: Vec<u8> = (0..2500u32).map(|i| (i / 3) as u8).collect();
        let mut pieces = vec![
            (
                FromOriginator,
                b"\0\x01boot.bin\0octet\0blksize\x001024\0".to_vec(),
            ),
            (FromResponder, b"\0\x06blksize\x001024\0".to_vec()),
            (FromOriginator, vec![0, 4, 0, 0]),
        ];
        for block in [2u16, 1, 2, 3, 3] {
            let from = usize::from(block - 1) * 1024;
            let bytes = &content[from..(from + 1024).min(content.len())];
            pieces.push((FromResponder, data(block, bytes)));
        }
        let driven = run(&pieces);
        let (_, size, sha256, sender) = file_of(&driven);
        assert_eq!((size, sender), (2500, FromResponder));
        assert_eq!(sha256, Some(Sha256::digest(&content).into()));
        let lines = without_places(&driven.said);
        assert_eq!(lines.len(), 2, "{lines:?}");
        let expected = "Request { operation: \"read\", object: \"boot.bin\", granted: Some(true) }";
        assert!(lines[0].contains(expected), "{lines:?}");
        assert_eq!(driven.expected[0].port, 50_618);
        assert_eq!(driven.expected[0].server, FromOriginator);
        // One block less: told in part.
        pieces.drain(5..6);
        pieces.remove(3);
        assert_eq!(file_of(&run(&pieces)).2, None);
    }

    #[test]
    fn block_numbers_go_round() {
        let mut pieces = Vec::new();
        for number in 1..=66_000u32 {
            let length = if number == 66_000 { 3 } else { 8 };
            pieces.push((
                FromOriginator,
                data(number as u16, &vec![number as u8; length]),
            ));
        }
        pieces.insert(0, (FromOriginator, b"\0\x06blksize\x008\0".to_vec()));
        let driven = run(&pieces);
        let (_, size, sha256, _) = file_of(&driven);
        assert_eq!(size, 65_999 * 8 + 3);
        assert!(sha256.is_some());
    }

    #[test]
    fn a_refusal_is_said() {
        let driven = run(&[
            (FromOriginator, b"\0\x02a\0octet\0".to_vec()),
            (FromResponder, b"\0\x05\0\x02Access violation\0".to_vec()),
        ]);
        let lines = without_places(&driven.said);
        assert_eq!(lines.len(), 1);
        assert!(lines[0].contains("granted: Some(false)"), "{lines:?}");
        assert!(lines[0].contains("Access violation"), "{lines:?}");
    }

    /// Both captures carry RFC 1350 as text, 24,599 bytes by the packets' lengths.
    #[test]
    fn captures_of_others() {
        for (name, sender) in [
            ("captures/suricata/output-eve-tftp-01.pcap", "server"),
            ("captures/suricata/tftp-tx-handling-wrq.pcap", "client"),
        ] {
            let Some(path) = shared(name) else {
                return;
            };
            let all = flows(&path, Transport::Udp);
            let mut names = Vec::new();
            let mut found = Vec::new();
            for flow in &all {
                let driven = run(&flow.pieces);
                for said in &driven.said {
                    match &said.meaning {
                        Meaning::Request { object, .. } => names.push(object.clone()),
                        Meaning::File(file) => found.push((file.kind, file.size, file.complete)),
                        _ => {}
                    }
                }
            }
            if all.is_empty() {
                return;
            }
            assert_eq!(names, ["rfc1350.txt"], "{name} {sender}");
            assert_eq!(found, [("text", 24_599, true)], "{name} {sender}");
        }
    }

    proptest! {
        #[test]
        fn any_datagrams(
            pieces in prop::collection::vec(
                (any::<bool>(), 0u8..8, prop::collection::vec(any::<u8>(), 0..600)),
                0..20,
            ),
        ) {
            let pieces: Vec<(Direction, Vec<u8>)> = pieces
                .into_iter()
                .map(|(first, operation, bytes)| {
                    let side = if first { FromOriginator } else { FromResponder };
                    (side, [&[0, operation][..], &bytes].concat())
                })
                .collect();
            run(&pieces);
        }

        #[test]
        fn random_datagrams_are_never_certain(bytes in prop::collection::vec(any::<u8>(), 64)) {
            let seen = Seen {
                transport: Transport::Udp,
                originator: &bytes,
                responder: &[],
                from_start: true,
            };
            prop_assert!(Tftp.probe(&seen) != Probe::Certain);
        }
    }
}
