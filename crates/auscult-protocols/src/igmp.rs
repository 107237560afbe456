//! IGMP: which multicast groups a host listens to, and who asks for it.
//!
//! ```text
//! 1, 2  type · time · checksum u16 · group 4         11 query, 12 and 16 report, 17 leave
//! 3     11 · time · checksum u16 · group 4 · flags · interval · sources n u16 · n × 4
//!       22 · 00 · checksum u16 · 0000 · records u16; each: type · words of more · sources n u16 ·
//!       group 4 · n × 4 · more
//! ```
//!
//! Sources: RFC 1112, RFC 2236, RFC 3376 (for IPv6: `icmp/mld.rs`). Limits: [`MEMBERSHIPS`] records
//! of a message; from which sources a group is wanted is not told.

use std::net::{IpAddr, Ipv4Addr};

use auscult_model::{About, Attribute, Bound, Direction, Meaning, Transport};
use auscult_packet::checksum;

use crate::{Output, Probe, Progress, Protocol, Record, Seen, Session, Start, Tier, sides};

/// IP protocol number (IANA).
const IGMP: Transport = Transport::Other(2);

/// Records of one report that are read, here and for IPv6.
pub static MEMBERSHIPS: Bound = Bound::constant(
    "group-memberships",
    RECORDS as u64,
    "groups of one report of IGMP or MLD that are read",
    "further ones of that report are not said",
);
const RECORDS: usize = 16;

/// What IGMP and MLD declare.
pub(crate) const ATTRIBUTES: &[(&str, &str)] = &[
    ("membership", "joined or left"),
    ("version", "of the message"),
];

static RECORD: Record = Record {
    name: "igmp",
    title: "Internet Group Management Protocol",
    tier: Tier::Decoded,
    transports: &[IGMP],
    ports: &[],
    weak: false,
    sources: &["RFC 1112", "RFC 2236", "RFC 3376"],
    reads: &[
        "which groups a host joins and leaves",
        "who asks for members: a router, or a switch in its place",
    ],
    leaves_out: "lists of sources, DVMRP, PIM of version 1, multicast traceroute",
    attributes: ATTRIBUTES,
    bounds: &[&MEMBERSHIPS],
    false_likely: "only the IP protocol of that number is asked",
};

/// The `igmp` line of the table.
pub struct Igmp;

impl Protocol for Igmp {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        // The number of the IP protocol, a layout that fits and a checksum.
        sides::each(seen, |bytes| match Membership::igmp(bytes) {
            Some(_) => Probe::Certain,
            None => Probe::No,
        })
    }

    fn start(&self, _: &Start) -> Box<dyn Session> {
        Box::new(IgmpSession { told: [None; 2] })
    }
}

/// What one message of IGMP or MLD says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Version of the protocol.
    pub version: u8,
    /// The sender asks who is a member.
    pub is_query: bool,
    /// Groups, and whether the sender is a member from now on; for a query those asked about.
    changes: [(IpAddr, bool); RECORDS],
    count: u8,
    /// Records that were left out.
    pub left_out: u16,
}

impl Membership {
    pub(crate) fn new(version: u8, is_query: bool) -> Self {
        Membership {
            version,
            is_query,
            changes: [(IpAddr::V4(Ipv4Addr::UNSPECIFIED), false); RECORDS],
            count: 0,
            left_out: 0,
        }
    }

    /// Adds a group.
    pub(crate) fn with(mut self, group: IpAddr, joined: bool) -> Self {
        match self.changes.get_mut(usize::from(self.count)) {
            Some(slot) => {
                *slot = (group, joined);
                self.count += 1;
            }
            None => self.left_out = self.left_out.saturating_add(1),
        }
        self
    }

    /// Adds the records of a report: of version 3 of IGMP, with 4 bytes an address, or of version 2
    /// of MLD, with 16. `None` when they do not fit.
    pub(crate) fn with_records<const N: usize>(
        mut self,
        count: u16,
        mut rest: &[u8],
        address: fn([u8; N]) -> IpAddr,
    ) -> Option<Self> {
        for _ in 0..count {
            let (&[kind, more, s0, s1], tail) = rest.split_first_chunk::<4>()?;
            let (group, tail) = tail.split_first_chunk::<N>()?;
            let sources = usize::from(u16::from_be_bytes([s0, s1]));
            let listed = sources * N + usize::from(more) * 4;
            rest = tail.get(listed..)?;
            let joined = match kind {
                // Only these sources: with none it is nobody's any more.
                1 | 3 => sources > 0,
                // All but these; more or fewer sources.
                2 | 4..=6 => true,
                _ => return None,
            };
            self = self.with(address(*group), joined);
        }
        Some(self)
    }

    /// Reads a message of IGMP.
    pub(crate) fn igmp(bytes: &[u8]) -> Option<Membership> {
        let (&[kind, time, _, _, g0, g1, g2, g3], rest) = bytes.split_first_chunk::<8>()?;
        if checksum::fold(checksum::words(bytes)) != 0xffff {
            return None;
        }
        let group = Ipv4Addr::new(g0, g1, g2, g3);
        let is_group = group.is_multicast();
        let one = |version, joined| Membership::new(version, false).with(group.into(), joined);
        match kind {
            0x11 if is_group || group.is_unspecified() => {
                let version = match (rest.len(), time) {
                    (4.., _) => 3,
                    (_, 0) => 1,
                    _ => 2,
                };
                let query = Membership::new(version, true);
                Some(match is_group {
                    true => query.with(group.into(), true),
                    false => query,
                })
            }
            0x12 if is_group => Some(one(1, true)),
            0x16 if is_group => Some(one(2, true)),
            0x17 if is_group => Some(one(2, false)),
            0x22 => {
                let count = u16::from_be_bytes([g2, g3]);
                let address = |octets: [u8; 4]| IpAddr::V4(octets.into());
                Membership::new(3, false).with_records(count, rest, address)
            }
            _ => None,
        }
    }

    /// The groups, and whether the sender is a member from now on; of a query, whom it asks.
    pub fn changes(&self) -> &[(IpAddr, bool)] {
        self.changes
            .get(..usize::from(self.count))
            .unwrap_or_default()
    }

    /// What is claimed of the sender; `name` is that of the protocol.
    pub fn claims(&self, name: &str) -> Vec<(Meaning, Vec<Attribute>)> {
        let claim = |attribute, value| Meaning::Claim {
            about: About::Sender,
            attribute,
            value,
        };
        if self.is_query {
            let asks = claim("multicast_querier", format!("{name} {}", self.version));
            return vec![(asks, Vec::new())];
        }
        let changes = self.changes().iter().map(|(group, joined)| {
            let membership = if *joined { "joined" } else { "left" };
            let attributes = vec![
                ("membership", membership.into()),
                ("version", self.version.to_string().into()),
            ];
            (claim("multicast_group", group.to_string()), attributes)
        });
        changes.collect()
    }
}

/// One sender and one group, mostly.
struct IgmpSession {
    told: [Option<Membership>; 2],
}

impl Session for IgmpSession {
    fn data(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        let Some(message) = Membership::igmp(bytes) else {
            out.odd("igmp-unreadable");
            return Progress::Used(bytes.len());
        };
        let told = &mut self.told[direction.index()];
        if *told != Some(message) {
            *told = Some(message);
            for _ in 0..message.left_out {
                out.reached(&MEMBERSHIPS);
            }
            let place = out.place(0..bytes.len());
            for (meaning, attributes) in message.claims(RECORD.name) {
                out.say(place, meaning).attributes.extend(attributes);
            }
        }
        Progress::Used(bytes.len())
    }
}

#[cfg(test)]
mod tests;
