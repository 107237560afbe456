//! TLS and DTLS: who is called by which name, with which software, and by whose certificate.
//!
//! Sources: RFC 8446, RFC 5246, RFC 6101 (SSL 3.0), RFC 6347 (DTLS 1.2), RFC 6066 (server name),
//! RFC 7301 (ALPN), RFC 5280 (certificates). The handshake is read as far as it is readable, then
//! nothing more. TLS within another protocol (STARTTLS) keeps the outer name. Limits: TLS 1.3
//! hides certificates; of a chain only the first certificate is read; an encrypted hello (ECH)
//! shows its outer name.

mod certificate;
mod dtls;
mod handshake;
mod hello;
mod probe;
#[cfg(test)]
mod tests;

use auscult_model::{Direction, Transport};

use self::handshake::{Handshake, MESSAGE};
use self::hello::Carrier;
use self::probe::RECORD_MAX;
use crate::{Cursor, Mark, Output, Probe, Progress, Protocol, Record, Seen, Session, Start, Tier};

pub use self::dtls::Dtls;

/// What the events of both carriers carry besides.
const ATTRIBUTES: &[(&str, &str)] = &[
    ("alpn", "protocol inside, as offered first or chosen"),
    ("cipher", "cipher suite, hexadecimal"),
    ("ja3s", "fingerprint of the server's choice"),
    (
        "self_signed",
        "true when the certificate names itself as issuer",
    ),
    ("alert", "number of the alert that ended a handshake"),
];

static RECORD: Record = Record {
    name: "tls",
    title: "Transport Layer Security",
    tier: Tier::Decoded,
    transports: &[Transport::Tcp],
    ports: &[
        443, 8443, 465, 636, 853, 989, 990, 993, 995, 2762, 3269, 5061, 6514, 8883,
    ],
    weak: false,
    sources: &[
        "RFC 8446", "RFC 5246", "RFC 6101", "RFC 6066", "RFC 7301", "RFC 5280", "JA3", "JA4",
    ],
    reads: &[
        "hellos of SSL 2.0 to TLS 1.3: server name, ALPN, version, cipher; JA3, JA4, JA3S",
        "certificates up to TLS 1.2: subject, issuer, names, validity, serial, key, fingerprint",
        "alerts before encryption",
    ],
    leaves_out: "Everything encrypted; chains beyond the first certificate; signatures.",
    attributes: ATTRIBUTES,
    bounds: &[&MESSAGE],
    false_likely: "0 of 100,000 random prefixes",
};

/// See [`RECORD`].
pub struct Tls;

impl Protocol for Tls {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        match seen.transport {
            Transport::Tcp => probe::stream(seen),
            _ => Probe::No,
        }
    }

    fn start(&self, _: &Start) -> Box<dyn Session> {
        Box::new(Stream {
            handshake: Handshake::new(Carrier::Tls),
            sides: Default::default(),
        })
    }
}

/// Kinds of records.
const CHANGE_CIPHER: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const DATA: u8 = 23;

/// So many records of a side that has nothing more to say are passed over while the other side
/// is waited for.
const PASSED_OVER: u8 = 64;

/// Bytes before the content of a record.
const HEAD: usize = 5;

#[derive(Default)]
struct Side {
    /// A handshake message that goes on in the next record.
    message: Vec<u8>,
    first: Mark,
    /// A record fitted.
    began: bool,
    /// What follows is encrypted, but for a hello that is repeated (TLS 1.3).
    changed: bool,
    done: bool,
    passed_over: u8,
}

/// One connection.
struct Stream {
    handshake: Handshake,
    sides: [Side; 2],
}

/// What comes of a record.
enum Step {
    /// So many bytes are done with.
    Used(usize),
    Need(usize),
    /// The record is opaque.
    Skip(usize),
    End(Progress),
}

impl Stream {
    fn record(&mut self, bytes: &[u8], at: usize, out: &mut Output<'_>) -> Step {
        let side = &mut self.sides[out.direction.index()];
        let rest = bytes.get(at..).unwrap_or_default();
        if !side.began && rest.first().is_some_and(|first| first & 0x80 != 0) {
            return self.ssl2(rest, at, out);
        }
        let mut cursor = Cursor::new(rest);
        let head = (cursor.u8(), cursor.be_u16(), cursor.be_u16());
        let (Some(kind), Some(version), Some(length)) = head else {
            return Step::Need(HEAD);
        };
        let fits = (CHANGE_CIPHER..=24).contains(&kind) && version >> 8 == 3;
        if !fits || length > RECORD_MAX {
            let never = self.sides.iter().all(|side| !side.began);
            return Step::End(if never {
                Progress::NotThis
            } else {
                Progress::Done
            });
        }
        side.began = true;
        let end = HEAD + usize::from(length);
        if side.done {
            side.passed_over += 1;
            return match side.passed_over {
                PASSED_OVER => Step::End(Progress::Done),
                _ => Step::Skip(end),
            };
        }
        match kind {
            HANDSHAKE => {}
            ALERT if length == 2 && !side.changed => {}
            CHANGE_CIPHER => {
                side.changed = true;
                return Step::Skip(end);
            }
            _ => {
                side.done |= kind == DATA;
                return self.ended(Step::Skip(end));
            }
        }
        let Some(content) = rest.get(HEAD..end) else {
            return Step::Need(end);
        };
        if kind == ALERT {
            let place = out.place(at..at + end);
            self.handshake.alert(content, place, out);
            return Step::Used(end);
        }
        if side.changed && !is_hello(content) {
            side.done = true;
            return self.ended(Step::Used(end));
        }
        if self.messages(content, at + HEAD, out) {
            return Step::End(Progress::Done);
        }
        self.ended(Step::Used(end))
    }

    /// Nothing more to read of either side.
    fn ended(&self, step: Step) -> Step {
        match self.sides.iter().all(|side| side.done) {
            true => Step::End(Progress::Done),
            false => step,
        }
    }

    /// Messages in one record. True when nothing more can be read.
    fn messages(&mut self, content: &[u8], at: usize, out: &mut Output<'_>) -> bool {
        let side = &mut self.sides[out.direction.index()];
        if side.message.is_empty() {
            side.first = out.mark(at);
        }
        side.message.extend_from_slice(content);
        let end = at + content.len();
        let mut used = 0;
        loop {
            let rest = side.message.get(used..).unwrap_or_default();
            let mut cursor = Cursor::new(rest);
            let Some([kind, a, b, c]) = cursor.take(4).and_then(|head| head.first_chunk().copied())
            else {
                break;
            };
            let length = u32::from_be_bytes([0, a, b, c]) as usize;
            if length > out.bound(&MESSAGE) {
                out.reached(&MESSAGE);
                side.done = true;
                break;
            }
            let Some(body) = cursor.take(length) else {
                break;
            };
            let place = out.place_since(side.first, end);
            if self.handshake.message(kind, body, place, out) {
                return true;
            }
            used += 4 + length;
            side.first = out.mark(at);
        }
        match used {
            0 if !side.done => {}
            _ if side.done || used == side.message.len() => side.message = Vec::new(),
            _ => {
                side.message.drain(..used);
            }
        }
        false
    }

    /// A hello of SSL 2.0, which clients of 1996 to 2010 sent to servers of any version.
    fn ssl2(&mut self, rest: &[u8], at: usize, out: &mut Output<'_>) -> Step {
        match probe::hello_of_ssl2(rest) {
            Probe::Maybe => return Step::Need(11),
            Probe::Certain => {}
            _ => return Step::End(Progress::NotThis),
        }
        let mut cursor = Cursor::new(rest);
        let length = cursor.be_u16().unwrap_or_default() & 0x7fff;
        cursor.u8();
        let version = cursor.be_u16().unwrap_or_default();
        let place = out.place(at..at + 11);
        self.handshake.old_hello(version, place, out);
        self.sides[out.direction.index()].began = true;
        Step::Skip(2 + usize::from(length))
    }
}

/// A whole hello in one record.
fn is_hello(content: &[u8]) -> bool {
    matches!(content, [1 | 2, a, b, c, ..]
        if u32::from_be_bytes([0, *a, *b, *c]) as usize + 4 == content.len())
}

impl Session for Stream {
    fn data(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        out.direction = direction;
        let mut at = 0;
        while at < bytes.len() {
            match self.record(bytes, at, out) {
                Step::Used(used) => at += used,
                Step::Need(need) => return Progress::Need { used: at, need },
                Step::Skip(skip) if skip <= bytes.len() - at => at += skip,
                Step::Skip(skip) => {
                    let skip = skip as u64;
                    return Progress::Skip { used: at, skip };
                }
                Step::End(progress) => return progress,
            }
        }
        Progress::Used(at)
    }

    fn gap(&mut self, direction: Direction, _: Option<u64>, _: &mut Output<'_>) {
        // Borders of records are not found again; the other side may still be readable. What is
        // passed over from here on ends the session soon.
        let side = &mut self.sides[direction.index()];
        (side.done, side.message) = (true, Vec::new());
    }

    fn held(&self) -> usize {
        self.sides.iter().map(|side| side.message.capacity()).sum()
    }
}

/// Head of a DTLS record: kind, version, epoch with sequence number, length.
fn dtls_record(cursor: &mut Cursor<'_>) -> Option<(u8, u16, (u16, u64), u16)> {
    let (kind, version, epoch) = (cursor.u8()?, cursor.be_u16()?, cursor.be_u16()?);
    let (high, low) = (cursor.be_u16()?, cursor.be_u32()?);
    let sequence = u64::from(high) << 32 | u64::from(low);
    Some((kind, version, (epoch, sequence), cursor.be_u16()?))
}
