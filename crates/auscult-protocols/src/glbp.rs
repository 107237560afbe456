//! GLBP: routers of one maker that share an address, each with a MAC address of its own for it.
//!
//! ```text
//! 01 · 00 · group u16 · 0000 · identifier 6; then type, length (of all), value:
//! 1 hello    00 · state · 00 · priority · 0000 · hello u32 · hold u32 · redirect u16 ·
//!            timeout u16 · 0000 · address type · address length · address
//! 2 forwarder, 3 authentication
//! ```
//!
//! Source: the layout is unpublished; this is what Wireshark's dissector knows of it. Limits: which
//! forwarder has which MAC address is not read: the address is told by its prefix.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use auscult_model::{Direction, Transport};

use crate::{
    Output, Probe, Progress, Protocol, Record, Seen, Session, Start, Tier, router_group, sides,
};

static RECORD: Record = Record {
    name: "glbp",
    title: "Gateway Load Balancing Protocol",
    tier: Tier::Identity,
    transports: &[Transport::Udp],
    ports: &[3222],
    weak: false,
    sources: &["Wireshark's dissector"],
    reads: &["the shared address, the group, the state of the sender, its priority"],
    leaves_out: "forwarders and their weights, what authenticates",
    attributes: &[
        ("group", "number of the group"),
        ("state", "active, standby, speak or listen"),
        ("priority", "the higher one gives out the addresses"),
    ],
    bounds: &[],
    false_likely: "1 in 2^33 random datagrams of 32 bytes",
};

/// Bytes in front of the first record.
const HEAD: usize = 12;
/// A hello's bytes in front of its address, with type and length.
const HELLO: usize = 24;

/// The `glbp` line of the table.
pub struct Glbp;

impl Protocol for Glbp {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        sides::each(seen, |bytes| match Message::read(bytes) {
            Some(message) if message.hello.is_some() => Probe::Certain,
            Some(_) => Probe::Likely,
            None => Probe::No,
        })
    }

    fn start(&self, _: &Start) -> Box<dyn Session> {
        Box::new(GlbpSession { told: [None; 2] })
    }
}

/// What one message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Message {
    group: u16,
    hello: Option<Hello>,
}

/// What a router says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hello {
    state: &'static str,
    priority: u8,
    /// Unspecified while the sender has to learn it.
    address: IpAddr,
}

impl Message {
    /// Reads a datagram, all of which must be records that fit.
    fn read(bytes: &[u8]) -> Option<Message> {
        let (&[1, 0, g0, g1, 0, 0, ..], mut rest) = bytes.split_first_chunk::<HEAD>()? else {
            return None;
        };
        let mut message = Message {
            group: u16::from_be_bytes([g0, g1]),
            hello: None,
        };
        while let Some(&[kind, length]) = rest.first_chunk::<2>() {
            let record = rest.get(..usize::from(length))?;
            match kind {
                1 => message.hello = Some(Hello::read(record)?),
                2..=4 if record.len() > 2 => {}
                _ => return None,
            }
            rest = rest.get(record.len()..)?;
        }
        (rest.is_empty() && bytes.len() > HEAD).then_some(message)
    }
}

impl Hello {
    fn read(record: &[u8]) -> Option<Hello> {
        let (head, address) = record.split_first_chunk::<HELLO>()?;
        let (state, priority) = (head[3], head[5]);
        let address = match (head[22], head[23]) {
            (1, 4) => Ipv4Addr::from(<[u8; 4]>::try_from(address).ok()?).into(),
            (2, 16) => Ipv6Addr::from(<[u8; 16]>::try_from(address).ok()?).into(),
            _ => return None,
        };
        let state = match state {
            0..=2 => "initial",
            4 => "listen",
            8 => "speak",
            16 => "standby",
            32 => "active",
            _ => return None,
        };
        Some(Hello {
            state,
            priority,
            address,
        })
    }
}

/// One sender, mostly: hellos go to a group.
struct GlbpSession {
    told: [Option<Message>; 2],
}

impl Session for GlbpSession {
    fn data(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        let message = Message::read(bytes);
        let told = &mut self.told[direction.index()];
        if let Some(Message {
            group,
            hello: Some(hello),
        }) = message
            && *told != message
        {
            *told = message;
            let attributes = vec![
                ("state", hello.state.into()),
                ("priority", hello.priority.to_string().into()),
            ];
            let shared = Some(hello.address).filter(|address| !address.is_unspecified());
            let place = out.place(0..bytes.len());
            let routers = shared.into_iter().collect();
            router_group::say(out, place, (RECORD.name, group), attributes, routers);
        }
        Progress::Used(bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drive::{Piece, drive, without_places};
    use Direction::FromOriginator;

    /// The active router of group 7, which holds 10.0.0.1, and a forwarder. Wireshark 4.0 shows
    /// these values for these bytes.
    fn active() -> Vec<u8> {
        let mut message = vec![1, 0, 0, 7, 0, 0, 0, 0x11, 0x22, 0x33, 0x44, 0x55];
        message.extend([
            1, 28, 0, 32, 0, 100, 0, 0, 0, 0, 0x0b, 0xb8, 0, 0, 0x27, 0x10,
        ]);
        message.extend([2, 0x58, 0x38, 0x40, 0, 0, 1, 4, 10, 0, 0, 1]);
        message.extend([2, 20, 1, 32, 0, 160, 167, 0, 0, 0, 0, 0, 0, 0]);
        message.extend([0, 7, 0xb4, 0, 7, 1]);
        message
    }

    fn probe(bytes: &[u8]) -> Probe {
        Glbp.probe(&Seen {
            transport: Transport::Udp,
            originator: bytes,
            responder: &[],
            from_start: true,
        })
    }

    #[test]
    fn the_shared_address_is_said_once_until_something_changes() {
        let start = Start {
            transport: Transport::Udp,
            from_start: true,
            ports: [3222, 3222],
        };
        let (active, mut standby) = (active(), active());
        standby[15] = 16;
        let pieces = [&active, &active, &standby].map(|it| Piece::Bytes(FromOriginator, it));
        let lines = without_places(&drive(&Glbp, &start, &pieces).said);
        assert_eq!(lines.len(), 4, "{lines:#?}");
        assert!(lines[0].contains("glbp 7") && lines[0].contains("active"));
        assert!(lines[1].contains("10.0.0.1"));
        assert!(lines[2].contains("standby"));
    }

    #[test]
    fn near_misses() {
        let active = active();
        assert_eq!(probe(&active), Probe::Certain);
        // A forwarder alone leaves too few bits that are fixed.
        assert_eq!(
            probe(&[&active[..12], &active[40..]].concat()),
            Probe::Likely
        );
        for (at, byte) in [
            (0, 2),
            (1, 1),
            (4, 1),
            (12, 9),
            (13, 27),
            (15, 3),
            (34, 3),
            (35, 6),
        ] {
            let mut message = active.clone();
            message[at] = byte;
            assert_eq!(probe(&message), Probe::No, "{byte} at {at}");
        }
        assert_eq!(probe(&active[..active.len() - 1]), Probe::No);
        assert_eq!(probe(&active[..12]), Probe::No);
        assert_eq!(probe(&[&active[..], &[0]].concat()), Probe::No);
    }
}
