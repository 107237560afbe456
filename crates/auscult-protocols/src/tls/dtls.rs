//! DTLS: the same handshake in datagrams. Limit: fragments of a message are put together only in
//! order.

use auscult_model::{Direction, Transport};

use super::handshake::{Handshake, MESSAGE};
use super::hello::Carrier;
use super::{ATTRIBUTES, DATA, HANDSHAKE, dtls_record, probe};
use crate::{Cursor, Output, Probe, Progress, Protocol, Record, Seen, Session, Start, Tier, sides};

static RECORD: Record = Record {
    name: "dtls",
    title: "Datagram Transport Layer Security",
    tier: Tier::Decoded,
    transports: &[Transport::Udp],
    ports: &[4433, 5684, 5246, 5247, 10161, 10162],
    weak: false,
    sources: &["RFC 6347", "RFC 9147", "RFC 5280", "JA3", "JA4"],
    reads: &["hellos and certificates, as of TLS"],
    leaves_out: "Everything encrypted; fragments out of order; records of DTLS 1.3.",
    attributes: ATTRIBUTES,
    bounds: &[&MESSAGE],
    false_likely: "0 of 100,000 random datagrams",
};

/// See [`RECORD`].
pub struct Dtls;

impl Protocol for Dtls {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        match seen.transport {
            Transport::Udp => sides::judge(seen, probe::datagram),
            _ => Probe::No,
        }
    }

    fn start(&self, _: &Start) -> Box<dyn Session> {
        Box::new(Datagrams {
            handshake: Handshake::new(Carrier::Dtls),
            parts: Default::default(),
            encrypted: [false; 2],
        })
    }
}

/// A message of which more fragments are to come.
#[derive(Default)]
struct Part {
    number: u16,
    bytes: Vec<u8>,
}

struct Datagrams {
    handshake: Handshake,
    parts: [Part; 2],
    /// Data under encryption were seen of this side.
    encrypted: [bool; 2],
}

impl Datagrams {
    /// The messages of one record. True when nothing more can be read; `None` when they do not fit.
    fn messages(&mut self, content: &[u8], end: usize, out: &mut Output<'_>) -> Option<bool> {
        let mut cursor = Cursor::new(content);
        let long = |cursor: &mut Cursor<'_>| {
            let high = cursor.u8()?;
            Some(usize::from(high) << 16 | usize::from(cursor.be_u16()?))
        };
        while cursor.left() > 0 {
            let (kind, length) = (cursor.u8()?, long(&mut cursor)?);
            let number = cursor.be_u16()?;
            let (offset, size) = (long(&mut cursor)?, long(&mut cursor)?);
            let piece = cursor.take(size)?;
            let place = out.place(0..end);
            if offset == 0 && size == length {
                if self.handshake.message(kind, piece, place, out) {
                    return Some(true);
                }
                continue;
            }
            if length > out.bound(&MESSAGE) {
                out.reached(&MESSAGE);
                continue;
            }
            let part = &mut self.parts[out.direction.index()];
            if offset == 0 {
                part.number = number;
                part.bytes.clear();
            } else if part.number != number || part.bytes.len() != offset {
                continue;
            }
            part.bytes.extend_from_slice(piece);
            if part.bytes.len() == length {
                let whole = std::mem::take(&mut part.bytes);
                if self.handshake.message(kind, &whole, place, out) {
                    return Some(true);
                }
            }
        }
        Some(false)
    }
}

impl Session for Datagrams {
    fn data(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        out.direction = direction;
        let mut cursor = Cursor::new(bytes);
        while let Some((kind, _, (epoch, _), length)) = dtls_record(&mut cursor) {
            let Some(content) = cursor.take(length.into()) else {
                break;
            };
            if kind == DATA {
                self.encrypted[direction.index()] = true;
            }
            if kind == HANDSHAKE
                && epoch == 0
                && self.messages(content, cursor.at(), out) == Some(true)
            {
                return Progress::Done;
            }
        }
        if self.encrypted == [true; 2] {
            return Progress::Done;
        }
        Progress::Used(bytes.len())
    }

    fn held(&self) -> usize {
        self.parts.iter().map(|part| part.bytes.capacity()).sum()
    }
}
