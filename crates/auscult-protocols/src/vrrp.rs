//! VRRP: routers that share addresses, and say which of them holds these; CARP looks alike.
//!
//! ```text
//! version and type 21 or 31 · virtual router · priority · addresses n · 2 and 3 differ:
//! 2   authentication type · interval · checksum u16 · n × 4 · authentication 8
//! 3   interval 12 bits · checksum u16 · n × 4, or n × 16
//! CARP 21 · group · skew · length 7 · depth · base · checksum u16 · counter 8 · digest 20
//! ```
//!
//! Sources: RFC 3768 (version 2), RFC 9568 (version 3), the CARP of OpenBSD. Limits: checksums of
//! version 3 cover addresses that are not seen here, and are not verified.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use auscult_model::{Direction, Transport};

use crate::{
    Output, Place, Probe, Progress, Protocol, Record, Seen, Session, Start, Tier, router_group,
    sides,
};

/// IP protocol number (IANA).
const VRRP: Transport = Transport::Other(112);

static RECORD: Record = Record {
    name: "vrrp",
    title: "Virtual Router Redundancy Protocol, CARP",
    tier: Tier::Decoded,
    transports: &[VRRP],
    ports: &[],
    weak: false,
    sources: &["RFC 3768", "RFC 9568"],
    reads: &["the shared addresses, the virtual router, the sender's priority"],
    leaves_out: "what authenticates; which addresses CARP shares, which it does not say",
    attributes: &[
        ("group", "number of the virtual router"),
        (
            "priority",
            "255 owns the addresses, 0 gives up; the higher one holds them",
        ),
        ("authentication", "text (readable by anybody), or none"),
    ],
    bounds: &[],
    false_likely: "only the IP protocol of that number is asked",
};

/// Addresses of one virtual router that are read.
const ADDRESSES_MAX: usize = 16;
/// Length of what CARP sends.
const CARP: usize = 36;

/// The `vrrp` line of the table.
pub struct Vrrp;

impl Protocol for Vrrp {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        // The number of the IP protocol and a layout that fits to the byte.
        sides::each(seen, |bytes| match Message::read(bytes) {
            Some(_) => Probe::Certain,
            None => Probe::No,
        })
    }

    fn start(&self, _: &Start) -> Box<dyn Session> {
        Box::new(VrrpSession { told: [None, None] })
    }
}

/// What one message says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Message {
    kind: &'static str,
    group: u8,
    priority: u8,
    authentication: &'static str,
    addresses: Vec<IpAddr>,
}

impl Message {
    fn read(bytes: &[u8]) -> Option<Message> {
        let (&[version, group, priority, count, fifth, ..], _) = bytes.split_first_chunk::<8>()?;
        let listed = bytes.get(8..)?;
        let count = usize::from(count);
        match version {
            0x21 if count == 7 && bytes.len() == CARP => Some(Message {
                kind: "carp",
                group,
                priority: 0,
                authentication: "none",
                addresses: Vec::new(),
            }),
            // Type 1 is text; 0 and the dropped 2 have an empty field of 8 bytes.
            0x21 if fifth <= 2 && listed.len() == count * 4 + 8 => Some(Message {
                kind: "vrrp",
                group,
                priority,
                authentication: if fifth == 1 { "text" } else { "none" },
                addresses: ipv4(listed.get(..count * 4)?),
            }),
            0x31 if count > 0 && fifth & 0xf0 == 0 => {
                let addresses = match listed.len() {
                    length if length == count * 4 => ipv4(listed),
                    length if length == count * 16 => ipv6(listed),
                    _ => return None,
                };
                let authentication = "none";
                let kind = "vrrp";
                Some(Message {
                    kind,
                    group,
                    priority,
                    authentication,
                    addresses,
                })
            }
            _ => None,
        }
    }
}

fn ipv4(listed: &[u8]) -> Vec<IpAddr> {
    let (addresses, _) = listed.as_chunks::<4>();
    let few = addresses.iter().take(ADDRESSES_MAX);
    few.map(|octets| Ipv4Addr::from(*octets).into()).collect()
}

fn ipv6(listed: &[u8]) -> Vec<IpAddr> {
    let (addresses, _) = listed.as_chunks::<16>();
    let few = addresses.iter().take(ADDRESSES_MAX);
    few.map(|octets| Ipv6Addr::from(*octets).into()).collect()
}

/// One sender, mostly: announcements go to a group.
struct VrrpSession {
    told: [Option<Message>; 2],
}

impl Session for VrrpSession {
    fn data(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        let Some(message) = Message::read(bytes) else {
            out.odd("vrrp-unreadable");
            return Progress::Used(bytes.len());
        };
        let told = &mut self.told[direction.index()];
        if told.as_ref() != Some(&message) {
            message.say(out.place(0..bytes.len()), out);
            *told = Some(message);
        }
        Progress::Used(bytes.len())
    }
}

impl Message {
    fn say(&self, place: Place, out: &mut Output<'_>) {
        let attributes = match self.kind {
            "vrrp" => vec![
                ("priority", self.priority.to_string().into()),
                ("authentication", self.authentication.into()),
            ],
            _ => Vec::new(),
        };
        let group = (self.kind, u16::from(self.group));
        router_group::say(out, place, group, attributes, self.addresses.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drive::{Piece, drive, without_places};
    use Direction::FromOriginator;

    /// RFC 3768 §5.1, filled in: virtual router 7 holds 10.0.0.1, without authentication.
    const SECOND: [u8; 20] = [
        0x21, 7, 100, 1, 0, 1, 0xba, 0x52, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0,
    ];
    /// RFC 9568 §5.1, filled in: virtual router 9 holds two addresses.
    const THIRD: [u8; 16] = [0x31, 9, 255, 2, 0, 100, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];

    fn said(messages: &[&[u8]]) -> Vec<String> {
        let start = Start {
            transport: VRRP,
            from_start: true,
            ports: [0, 0],
        };
        let pieces: Vec<_> = messages
            .iter()
            .map(|bytes| Piece::Bytes(FromOriginator, bytes))
            .collect();
        without_places(&drive(&Vrrp, &start, &pieces).said)
    }

    fn probe(bytes: &[u8]) -> Probe {
        Vrrp.probe(&Seen {
            transport: VRRP,
            originator: bytes,
            responder: &[],
            from_start: true,
        })
    }

    #[test]
    fn shared_addresses_are_said_once_until_something_changes() {
        let mut gives_up = SECOND;
        gives_up[2] = 0;
        let lines = said(&[&SECOND, &SECOND, &gives_up]);
        assert_eq!(lines.len(), 4, "{lines:#?}");
        assert!(lines[0].contains("vrrp 7") && lines[1].contains("10.0.0.1"));
        assert!(lines[2].contains("priority") && lines[2].contains('0'));
    }

    #[test]
    fn the_third_version_of_either_family() {
        let lines = said(&[&THIRD]);
        assert!(
            lines[1].contains("10.0.0.1") && lines[1].contains("10.0.0.2"),
            "{lines:#?}"
        );
        let mut sixth = vec![0x31, 9, 120, 1, 0, 100, 0, 0];
        sixth.extend(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1).octets());
        assert!(said(&[&sixth])[1].contains("fe80::1"));
    }

    #[test]
    fn carp_names_no_addresses() {
        let mut carp = vec![0x21, 3, 0, 7, 0, 1, 0, 0];
        carp.extend([5; 28]);
        let lines = said(&[&carp]);
        assert_eq!(lines.len(), 1, "{lines:#?}");
        assert!(lines[0].contains("carp 3"));
    }

    #[test]
    fn near_misses() {
        assert_eq!(probe(&SECOND), Probe::Certain);
        assert_eq!(probe(&THIRD), Probe::Certain);
        assert_eq!(probe(&SECOND[..19]), Probe::No);
        assert_eq!(probe(&THIRD[..15]), Probe::No);
        let with = |at: usize, byte: u8| {
            let mut message = SECOND;
            message[at] = byte;
            probe(&message)
        };
        for (at, byte) in [(0, 0x22), (0, 0x41), (3, 2), (4, 3)] {
            assert_eq!(with(at, byte), Probe::No, "{byte} at {at}");
        }
    }
}
