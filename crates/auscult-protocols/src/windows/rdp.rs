//! RDP: the screen of Windows from afar. Read up to where it is enciphered.
//!
//! Sources: MS-RDPBCGR 2.2.1.1 (connection request), 2.2.1.2 (confirmation), 2.2.1.3.2 (client core
//! data), RFC 1006.

use auscult_model::{Meaning, Transport};

use super::ntlm;
use crate::first::{End, First};
use crate::opening::Byte::{Any, Between, In, Is};
use crate::opening::{Byte, be_u16, shape};
use crate::{Output, Probe, Protocol, Record, Seen, Session, Start, Tier, sides, text};

static RECORD: Record = Record {
    name: "rdp",
    title: "Remote Desktop Protocol",
    tier: Tier::Identity,
    transports: &[Transport::Tcp, Transport::Udp],
    ports: &[3389],
    sources: &["MS-RDPBCGR", "MS-RDPEUDP", "RFC 1006"],
    reads: &[
        "the account in the cookie of the request",
        "the client's name, where the connection is not enciphered from the start",
    ],
    leaves_out: "Everything after the first two messages of each side.",
    attributes: &[],
    ..Record::RECOGNISED
};

const MESSAGES: u32 = 2;
const COOKIE: &[u8] = b"Cookie: mstshash=";

/// See [`RECORD`].
pub struct Rdp;

impl Protocol for Rdp {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        match seen.transport {
            Transport::Tcp => sides::judge(seen, of),
            _ => sides::judge(seen, of_datagram),
        }
    }

    fn start(&self, start: &Start) -> Box<dyn Session> {
        match start.transport {
            Transport::Tcp => First::start(MESSAGES, start.from_start, end, read),
            // Enciphered from its third datagram on.
            _ => First::datagrams(0, read),
        }
    }
}

/// A request with a cookie or an offer of ways to encipher, or the answer to it.
fn of(bytes: &[u8]) -> Probe {
    const REQUEST: &[Byte] = &[
        Is(3),
        Is(0),
        Is(0),
        Between(11, 255),
        Between(6, 250),
        In(&[0xe0, 0xd0]),
        Any,
        Any,
        Any,
        Any,
        In(&[0, 2]),
    ];
    const OFFER: &[Byte] = &[
        In(&[1, 2, 3]),
        Between(0, 0x1f),
        Is(8),
        Is(0),
        Any,
        Is(0),
        Is(0),
    ];
    let head = shape(bytes, REQUEST, Probe::Likely);
    if head != Probe::Likely {
        return head;
    }
    // Without either it is a request as others make, too.
    let Some(length) = be_u16(bytes, 2)
        .map(usize::from)
        .filter(|length| *length > 11)
    else {
        return Probe::Maybe;
    };
    let body = bytes.get(11..length.min(bytes.len())).unwrap_or_default();
    let cookie = crate::opening::words(body, &[b"Cookie: mst"], Probe::Certain);
    cookie.max(match body.len() {
        0 => Probe::Maybe,
        _ => shape(body, OFFER, Probe::Certain),
    })
}

/// Over UDP beside the connection: nothing received yet, a window, flags with SYN, zeros up to the
/// longest datagram.
fn of_datagram(bytes: &[u8]) -> Probe {
    let is_syn = matches!(bytes, [0xff, 0xff, 0xff, 0xff, _, _, flags, low, ..]
        if flags & 0xe0 == 0 && low & 1 == 1);
    let is_padded = bytes.len() >= 1132 && bytes.ends_with(&[0; 32]);
    match (is_syn && is_padded, is_padded) {
        (true, _) => Probe::Certain,
        // Its answer.
        (_, true) => Probe::Maybe,
        _ => Probe::No,
    }
}

fn end(bytes: &[u8]) -> End {
    match (bytes.first(), be_u16(bytes, 2)) {
        (Some(3), Some(length @ 7..)) => End::At(usize::from(length)),
        (Some(3), None) => End::Open,
        _ => End::None,
    }
}

fn read(message: &[u8], out: &mut Output<'_>) {
    let place = out.place(0..message.len());
    let behind = |word: &[u8]| {
        let at = memchr::memmem::find(message, word)?;
        message.get(at + word.len()..)
    };
    match message.get(5) {
        Some(0xe0) => {
            let account = behind(COOKIE).and_then(|rest| rest.split(|byte| *byte == b'\r').next());
            if let Some(account) = account.filter(|account| !account.is_empty()) {
                out.say(
                    place,
                    Meaning::Login {
                        method: "rdp",
                        account: text::lenient(account),
                        clear: false,
                        accepted: None,
                    },
                );
            }
        }
        // The client's core data, first behind its key in the conference request.
        Some(0xf0) => {
            let core = behind(b"Duca").map(|rest| match rest {
                [0x80..=0xff, _, rest @ ..] => rest,
                [_, rest @ ..] => rest,
                [] => rest,
            });
            if let Some(core @ [0x01, 0xc0, ..]) = core {
                let name = ntlm::wide(core.get(24..56).unwrap_or_default());
                out.claim(place, "netbios_name", name);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drive::{Piece, drive, without_places};
    use auscult_model::Direction;

    const REQUEST: &[u8] =
        b"\x03\0\0\x2a\x25\xe0\0\0\0\0\0Cookie: mstshash=mary\r\n\x01\0\x08\0\x03\0\0\0";

    #[test]
    fn a_cookie_or_an_offer_makes_it_certain() {
        assert_eq!(of(REQUEST), Probe::Certain);
        assert_eq!(
            of(b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0"),
            Probe::Certain
        );
        assert_eq!(
            of(b"\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x02\0\x08\0\x01\0\0\0"),
            Probe::Certain
        );
        // Siemens controllers name their end points there.
        assert_eq!(
            of(b"\x03\0\0\x16\x11\xe0\0\0\0\x01\0\xc0\x01\x0a\xc1\x02\x01\0"),
            Probe::No
        );
    }

    #[test]
    fn the_cookie_names_an_account() {
        let start = Start {
            transport: Transport::Tcp,
            from_start: true,
            ports: [40_000, 3389],
        };
        let pieces = [Piece::Bytes(Direction::FromOriginator, REQUEST)];
        let said = without_places(&drive(&Rdp, &start, &pieces).said).join("\n");
        assert!(said.contains("account: \"mary\""), "{said}");
    }
}
