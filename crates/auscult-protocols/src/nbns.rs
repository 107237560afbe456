//! NetBIOS name service: which names Windows and its kin hold, and where.
//!
//! Sources: RFC 1002 §4.2 (packets of the name service), RFC 1001 §14.1. The header is that of
//! [`crate::dns::message`]; types 0x20 (NB) and 0x21 (NBSTAT) have other contents there.
//! Every message stands for itself; what was heard before is not read again.
//!
//! ```text
//! record: name or pointer, type u16, class u16, ttl u32, length u16, data
//! NB data:     (flags u16, address 4)...      flags: 0x8000 a group's name
//! NBSTAT data: count u8, (name 16, flags u16)..., MAC 6, statistics
//! ```

use std::net::{IpAddr, Ipv4Addr};

use auscult_model::{Direction, MacAddr, Meaning, Transport};

use crate::dns::message::{HEADER_LEN, Header};
use crate::heard::Heard;
use crate::netbios::{self, Name};
use crate::sides;
use crate::{Cursor, Output, Place, Probe, Progress, Protocol, Record, Seen, Session, Start, Tier};

static RECORD: Record = Record {
    name: "nbns",
    title: "NetBIOS Name Service",
    tier: Tier::Decoded,
    transports: &[Transport::Udp],
    ports: &[137],
    weak: false,
    sources: &["RFC 1001", "RFC 1002", "[MS-NBTE]", "[MS-BRWS] §2.1.1"],
    reads: &[
        "names registered and refreshed, with workgroup and parts in the domain",
        "answers: the addresses of a name; a node's table of names and its MAC address",
    ],
    leaves_out: "Questions, releases and refusals, users (names of the messenger service), \
                 redirection, statistics of a node.",
    attributes: &[],
    bounds: &[],
    false_likely: "0 of 100,000 random datagrams of 304 bytes",
};

const NB: u16 = 0x20;
const NBSTAT: u16 = 0x21;
const CLASS_IN: u16 = 1;
/// Flag of a name that a group holds.
const GROUP: u16 = 0x8000;

/// See [`RECORD`].
pub struct Nbns;

impl Protocol for Nbns {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        match seen.transport {
            Transport::Udp => sides::judge(seen, probe_message),
            _ => Probe::No,
        }
    }

    fn start(&self, start: &Start) -> Box<dyn Session> {
        Box::new(NbnsSession {
            heard: Heard::default(),
            ports: start.ports,
            offered: false,
        })
    }
}

/// A header of one question or answer, and a name in letters, which is 132 bits alone.
fn probe_message(bytes: &[u8]) -> Probe {
    let Some(header) = Header::read(bytes) else {
        return Probe::Maybe;
    };
    let rest = bytes.get(HEADER_LEN..).unwrap_or_default();
    let fits = matches!(header.opcode(), 0 | 5..=9 | 15)
        && header.counts.iter().all(|count| *count <= 2)
        && header.counts != [0; 4];
    match fits && netbios::may_be_encoded(rest) {
        true if netbios::is_encoded(rest) => Probe::Certain,
        true => Probe::Maybe,
        false => Probe::No,
    }
}

struct NbnsSession {
    heard: Heard,
    ports: [u16; 2],
    offered: bool,
}

impl Session for NbnsSession {
    fn data(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        let used = Progress::Used(bytes.len());
        let Some(message) = Message::read(bytes) else {
            return used;
        };
        if !message.is_news() || !self.heard.is_new(bytes.get(2..), out) {
            return used;
        }
        let place = out.place(0..bytes.len());
        if message.header.is_response() && !self.offered {
            self.offered = true;
            let port = self.ports[direction.index()];
            out.offer(place, Transport::Udp, port, RECORD.name);
        }
        match message.kind {
            NBSTAT => node(message.data, place, out),
            _ => message.addresses(place, out),
        }
        used
    }
}

/// A message, as far as it names something: its first name and its first record.
#[derive(Debug)]
struct Message<'a> {
    header: Header,
    name: &'a [u8],
    kind: u16,
    data: &'a [u8],
}

impl<'a> Message<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let header = Header::read(bytes)?;
        let name = bytes.get(HEADER_LEN..)?;
        let end = netbios::end_of_encoded(name)?;
        let mut cursor = Cursor::new(name.get(end..)?);
        let mut kind = cursor.be_u16()?;
        let _class = cursor.be_u16()?;
        let [questions, ..] = header.counts;
        if questions > 0 {
            // The record is of the same name: a pointer to it, or the name once more.
            match cursor.rest() {
                [0xc0..=0xff, ..] => {
                    cursor.be_u16()?;
                }
                [] => {
                    let data = &[];
                    return Some(Message {
                        header,
                        name,
                        kind,
                        data,
                    });
                }
                again => {
                    cursor.take(netbios::end_of_encoded(again)?)?;
                }
            }
            kind = cursor.be_u16()?;
            (cursor.be_u16()? == CLASS_IN).then_some(())?;
        }
        let _ttl = cursor.be_u32()?;
        let length = cursor.be_u16()?;
        let data = cursor.rest();
        let data = data.get(..usize::from(length)).unwrap_or(data);
        Some(Message {
            header,
            name,
            kind,
            data,
        })
    }

    /// Somebody says that a name is held: an answer, or a registration or refresh.
    fn is_news(&self) -> bool {
        let good = self.header.rcode() == 0 && !self.data.is_empty();
        let holds = match self.header.opcode() {
            0 => self.header.is_response(),
            5 | 8 | 9 | 15 => !self.header.is_response(),
            _ => false,
        };
        good && holds && matches!(self.kind, NB | NBSTAT)
    }

    /// Who answers from a list of names (a name server) says it by this bit; else the holder
    /// answers itself.
    fn is_from_holder(&self) -> bool {
        const RECURSION_AVAILABLE: u16 = 0x0080;
        !self.header.is_response() || self.header.flags & RECURSION_AVAILABLE == 0
    }

    fn addresses(&self, place: Place, out: &mut Output<'_>) {
        let Some(name) = Name::encoded(self.name) else {
            return;
        };
        let is_group = matches!(self.data, [flags, ..] if u16::from(*flags) << 8 & GROUP != 0);
        if self.is_from_holder() {
            held(&name, is_group, place, out);
        }
        if self.header.is_response() && !is_group && !name.text.is_empty() {
            let entries = self.data.chunks_exact(6);
            let addresses = entries.filter_map(|entry| match *entry {
                [_, _, a, b, c, d] => Some(IpAddr::V4(Ipv4Addr::new(a, b, c, d))),
                _ => None,
            });
            let name = name.text.to_lowercase();
            let addresses = addresses.filter(|ip| !ip.is_unspecified()).collect();
            out.say(place, Meaning::NameAnswered { name, addresses });
        }
    }
}

/// Says what holding a name means.
fn held(name: &Name, is_group: bool, place: Place, out: &mut Output<'_>) {
    if let Some((attribute, value)) = name.said(is_group) {
        out.claim(place, attribute, value.to_owned());
    }
    if let Some(part) = name.part(is_group) {
        out.claim(place, "netbios_part", part.to_owned());
    }
}

/// Says what a node's table of names means.
fn node(data: &[u8], place: Place, out: &mut Output<'_>) {
    for_each_name(data, |name, flags| {
        held(name, flags & GROUP != 0, place, out);
    });
    if let Some(mac) = unit(data) {
        out.claim(place, "netbios_mac", mac.to_string());
    }
}

/// At most 255 names.
fn for_each_name(data: &[u8], mut each: impl FnMut(&Name, u16)) {
    let mut cursor = Cursor::new(data);
    let count = cursor.u8().unwrap_or(0);
    for _ in 0..count {
        let Some(name) = cursor.take(16).and_then(|name| name.first_chunk()) else {
            return;
        };
        let Some(flags) = cursor.be_u16() else { return };
        each(&Name::plain(name), flags);
    }
}

/// The card's address behind the table of names; Samba has none.
fn unit(data: &[u8]) -> Option<MacAddr> {
    let (&count, rest) = data.split_first()?;
    let mac = *rest.get(usize::from(count) * 18..)?.first_chunk::<6>()?;
    let mac = MacAddr(mac);
    (mac != MacAddr::NONE && !mac.is_group()).then_some(mac)
}

#[cfg(test)]
mod tests;
