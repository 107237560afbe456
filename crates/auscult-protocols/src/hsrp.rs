//! HSRP: routers of one maker that share an address, and say which of them holds it.
//!
//! ```text
//! 1  00 · opcode · state · hello · hold · priority · group · 00 · authentication 8 · address 4
//!    00 03 · 0001 · 000e · state of the interface 10
//! 2  01 28 · 02 · opcode · state · IP version · group u16 · identifier 6 · priority u32 ·
//!    hello u32 · hold u32 · address 16; then 03 08 (text) or 04 1c (MD5) for authentication
//!    02 04 · active groups u16 · passive groups u16
//! ```
//!
//! Sources: RFC 2281 (version 1); version 2 as captured from routers of the maker. Limits:
//! what is said of interfaces is recognised and not read.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use auscult_model::{Direction, Transport};

use crate::{
    Output, Place, Probe, Progress, Protocol, Record, Seen, Session, Start, Tier, router_group,
    sides,
};

static RECORD: Record = Record {
    name: "hsrp",
    title: "Hot Standby Router Protocol",
    tier: Tier::Decoded,
    transports: &[Transport::Udp],
    ports: &[1985, 2029],
    weak: false,
    sources: &["RFC 2281"],
    reads: &["the shared address, the group, the state of the sender, its priority"],
    leaves_out: "advertisements of interfaces, what authenticates",
    attributes: &[
        ("group", "number of the group"),
        ("state", "active, standby, listen, speak, learn or initial"),
        ("priority", "the higher one holds the address"),
        ("authentication", "text (readable by anybody), md5 or none"),
    ],
    bounds: &[],
    false_likely: "1 in 2^16 random datagrams of 6 bytes, 1 in 2^19 of 20 bytes, others never",
};

/// Length of a message of version 1.
const FIRST: usize = 20;
/// What routers send as authentication when nobody set another.
const USUAL: &[u8; 8] = b"cisco\0\0\0";

/// The `hsrp` line of the table.
pub struct Hsrp;

impl Protocol for Hsrp {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        sides::each(seen, |bytes| match (Message::read(bytes), bytes) {
            (Some(message), _) if message.is_sure => Probe::Certain,
            (None, [0, 3, 0, 1, 0, 14, rest @ ..]) if rest.len() == 10 => Probe::Certain,
            (None, [2, 4, _, _, _, _]) | (Some(_), _) => Probe::Likely,
            (None, _) => Probe::No,
        })
    }

    fn start(&self, _: &Start) -> Box<dyn Session> {
        Box::new(HsrpSession { told: [None; 2] })
    }
}

/// What one message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Message {
    group: u16,
    state: &'static str,
    priority: u32,
    authentication: &'static str,
    /// Unspecified while the sender has to learn it.
    address: IpAddr,
    /// More than 32 bits are as they have to be.
    is_sure: bool,
}

impl Message {
    fn read(bytes: &[u8]) -> Option<Message> {
        match bytes.first()? {
            0 => Self::first_version(bytes),
            1 => Self::second_version(bytes),
            _ => None,
        }
    }

    fn first_version(bytes: &[u8]) -> Option<Message> {
        let &[0, opcode, state, _, _, priority, group, 0, ref rest @ ..] =
            bytes.first_chunk::<FIRST>()?
        else {
            return None;
        };
        let (authentication, address) = rest.split_first_chunk::<8>()?;
        let &[a, b, c, d] = address.first_chunk::<4>()?;
        let state = match state {
            0 => "initial",
            1 => "learn",
            2 => "listen",
            4 => "speak",
            8 => "standby",
            16 => "active",
            _ => return None,
        };
        // Behind it comes an MD5 block of 30 bytes, where one is used.
        let is_signed =
            bytes.len() == FIRST + 30 && bytes.get(FIRST..FIRST + 2) == Some(&[4, 0x1c]);
        if opcode > 2 || (bytes.len() != FIRST && !is_signed) {
            return None;
        }
        let authentication_kind = match (is_signed, authentication == &[0; 8]) {
            (true, _) => "md5",
            (_, true) => "none",
            _ => "text",
        };
        Some(Message {
            group: u16::from(group),
            state,
            priority: u32::from(priority),
            authentication: authentication_kind,
            address: Ipv4Addr::new(a, b, c, d).into(),
            is_sure: is_signed || authentication == USUAL,
        })
    }

    fn second_version(bytes: &[u8]) -> Option<Message> {
        let (head, rest) = bytes.split_first_chunk::<42>()?;
        let &[1, 0x28, 2, opcode, state, family, g0, g1, ref fields @ ..] = head else {
            return None;
        };
        let state = match state {
            0 | 1 => "initial",
            2 => "learn",
            3 => "listen",
            4 => "speak",
            5 => "standby",
            6 => "active",
            _ => return None,
        };
        // Behind the identifier: priority, hello and hold times, address.
        let (priority, fields) = fields.get(6..)?.split_first_chunk::<4>()?;
        let address = fields.get(8..)?.first_chunk::<16>()?;
        let address: IpAddr = match (family, address) {
            (4, &[a, b, c, d, ..]) => Ipv4Addr::new(a, b, c, d).into(),
            (6, octets) => Ipv6Addr::from(*octets).into(),
            _ => return None,
        };
        let authentication = match rest {
            [3, 8, ..] => "text",
            [4, 0x1c, ..] => "md5",
            _ => "none",
        };
        (opcode <= 3).then_some(Message {
            group: u16::from_be_bytes([g0, g1]),
            state,
            priority: u32::from_be_bytes(*priority),
            authentication,
            address,
            is_sure: true,
        })
    }
}

/// One sender, mostly: hellos go to a group.
struct HsrpSession {
    told: [Option<Message>; 2],
}

impl Session for HsrpSession {
    fn data(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        let Some(message) = Message::read(bytes) else {
            return Progress::Used(bytes.len());
        };
        let told = &mut self.told[direction.index()];
        if *told != Some(message) {
            *told = Some(message);
            message.say(out.place(0..bytes.len()), out);
        }
        Progress::Used(bytes.len())
    }
}

impl Message {
    fn say(&self, place: Place, out: &mut Output<'_>) {
        let attributes = vec![
            ("state", self.state.into()),
            ("priority", self.priority.to_string().into()),
            ("authentication", self.authentication.into()),
        ];
        let shared = Some(self.address).filter(|address| !address.is_unspecified());
        let routers = shared.into_iter().collect();
        router_group::say(out, place, ("hsrp", self.group), attributes, routers);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drive::{Piece, drive, without_places};
    use Direction::FromOriginator;

    /// RFC 2281 §5.1, filled in: the active router of group 1 holds 192.168.0.1.
    const ACTIVE: [u8; 20] = [
        0, 0, 16, 3, 10, 120, 1, 0, b'c', b'i', b's', b'c', b'o', 0, 0, 0, 192, 168, 0, 1,
    ];

    fn second(state: u8, family: u8, address: &[u8]) -> Vec<u8> {
        let mut message = vec![1, 0x28, 2, 0, state, family, 0x0f, 0xa1];
        message.extend([0, 0x1a, 0xc5, 0, 0, 7, 0, 0, 0, 100]);
        message.extend([0, 0, 0x0b, 0xb8, 0, 0, 0x27, 0x10]);
        message.extend(address);
        message.resize(42, 0);
        message.extend([4, 0x1c]);
        message.extend([9; 28]);
        message
    }

    fn said(messages: &[&[u8]]) -> Vec<String> {
        let start = Start {
            transport: Transport::Udp,
            from_start: true,
            ports: [1985, 1985],
        };
        let pieces: Vec<_> = messages
            .iter()
            .map(|bytes| Piece::Bytes(FromOriginator, bytes))
            .collect();
        without_places(&drive(&Hsrp, &start, &pieces).said)
    }

    fn probe(bytes: &[u8]) -> Probe {
        Hsrp.probe(&Seen {
            transport: Transport::Udp,
            originator: bytes,
            responder: &[],
            from_start: true,
        })
    }

    #[test]
    fn the_shared_address_is_said_once_until_something_changes() {
        let mut standby = ACTIVE;
        standby[2] = 8;
        let lines = said(&[&ACTIVE, &ACTIVE, &standby]);
        assert_eq!(lines.len(), 4, "{lines:#?}");
        assert!(lines[0].contains("hsrp 1") && lines[0].contains("active"));
        assert!(lines[1].contains("192.168.0.1"));
        assert!(lines[2].contains("standby"));
    }

    #[test]
    fn the_second_version_of_either_family() {
        let lines = said(&[&second(6, 4, &[10, 0, 0, 1])]);
        assert!(
            lines[0].contains("hsrp 4001") && lines[0].contains("md5"),
            "{lines:#?}"
        );
        assert!(lines[1].contains("10.0.0.1"));
        let link_local = [
            0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 5, 0x73, 0xff, 0xfe, 0xa0, 0, 1,
        ];
        let lines = said(&[&second(5, 6, &link_local)]);
        assert!(lines[1].contains("fe80::5:73ff:fea0:1"), "{lines:#?}");
    }

    #[test]
    fn near_misses() {
        assert_eq!(probe(&ACTIVE), Probe::Certain);
        assert_eq!(probe(&second(6, 4, &[10, 0, 0, 1])), Probe::Certain);
        let with = |at: usize, byte: u8| {
            let mut message = ACTIVE;
            message[at] = byte;
            probe(&message)
        };
        assert_eq!(with(8, b'x'), Probe::Likely, "another authentication");
        let interface = [0, 3, 0, 1, 0, 14, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0];
        assert_eq!(probe(&interface), Probe::Certain);
        assert_eq!(probe(&interface[..15]), Probe::No);
        assert_eq!(probe(&[2, 4, 0, 0, 0, 1]), Probe::Likely);
        for (at, byte) in [(0, 2), (1, 4), (2, 3), (7, 1)] {
            assert_eq!(with(at, byte), Probe::No, "{byte} at {at}");
        }
        assert_eq!(probe(&ACTIVE[..19]), Probe::No);
        assert_eq!(probe(&[&ACTIVE[..], &[0]].concat()), Probe::No);
        assert_eq!(probe(&second(7, 4, &[10, 0, 0, 1])), Probe::No);
        assert_eq!(probe(&second(6, 5, &[10, 0, 0, 1])), Probe::No);
    }
}
