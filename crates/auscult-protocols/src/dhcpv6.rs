//! DHCP for IPv6: who a machine says it is, and which address it was given.
//!
//! Sources: RFC 8415 (§8 messages, §9 relays, §11 DUIDs, §21 options), RFC 4704 (FQDN), RFC 3646
//! (name servers), RFC 6939 (link-layer address of a relayed client). Every message stands for
//! itself. Limits: [`message::OPTIONS`], four relays in a row, names of 128 labels.

mod message;

use std::net::IpAddr;

use auscult_model::{Assignment, Direction, Meaning, Transport, hex};

use crate::dns::message::read_name;
use crate::heard::Heard;
use crate::{Output, Place, Probe, Progress, Protocol, Record, Seen, Session, Start, Tier};
use crate::{sides, text};
use message::{Duid, Message, option};

static RECORD: Record = Record {
    name: "dhcpv6",
    title: "Dynamic Host Configuration Protocol for IPv6",
    tier: Tier::Decoded,
    transports: &[Transport::Udp],
    ports: &[546, 547],
    weak: false,
    sources: &["RFC 8415", "RFC 4704", "RFC 3646", "RFC 6939"],
    reads: &[
        "FQDN, vendor and user class, unique identifier (DUID) of clients, and what they ask for",
        "addresses given to clients with a MAC address in their DUID; name servers; relays",
    ],
    leaves_out: "Delegated prefixes, vendor-specific options, authentication.",
    attributes: &[("message", "type of message: solicit, request, reply, ...")],
    bounds: &[&message::OPTIONS],
    false_likely: "0 of 100,000 random datagrams of 304 bytes",
};

/// Most bytes of an opaque identifier that are shown.
const SHOWN_MAX: usize = 64;

/// See [`RECORD`].
pub struct Dhcpv6;

impl Protocol for Dhcpv6 {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        match seen.transport {
            Transport::Udp => sides::judge(seen, message::probe),
            _ => Probe::No,
        }
    }

    fn start(&self, start: &Start) -> Box<dyn Session> {
        Box::new(Dhcpv6Session {
            ports: start.ports,
            heard: Heard::default(),
        })
    }
}

struct Dhcpv6Session {
    ports: [u16; 2],
    heard: Heard,
}

impl Session for Dhcpv6Session {
    fn data(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        let used = Progress::Used(bytes.len());
        let Some(message) = Message::read(bytes) else {
            return used;
        };
        if message.is_limited() {
            out.reached(&message::OPTIONS);
        }
        // Numbers of transactions and time elapsed differ from message to message.
        let Some(options) = bytes.get(4..) else {
            return used;
        };
        if !self.heard.is_new((message.kind, options), out) {
            return used;
        }
        let place = out.place(0..bytes.len());
        let speaker = Speaker {
            message: &message,
            place,
        };
        match message.kind {
            1 | 3..=6 | 8 | 9 | 11 => speaker.client(out),
            2 | 7 => {
                if !message.is_relayed {
                    let port = self.ports[direction.index()];
                    out.offer(place, Transport::Udp, port, RECORD.name);
                }
                speaker.server(out);
            }
            _ => {}
        }
        used
    }
}

/// Says what one message means.
struct Speaker<'a> {
    message: &'a Message<'a>,
    place: Place,
}

impl Speaker<'_> {
    /// The client itself speaks from an address of its card, relayed ones are known by their MAC.
    fn claim(&self, attribute: &'static str, value: String, out: &mut Output<'_>) {
        if value.is_empty() {
            return;
        }
        let said = match (self.message.is_relayed, self.message.client_mac()) {
            (false, _) => out.claim(self.place, attribute, value),
            (true, Some(mac)) => {
                let claim = Meaning::ClaimByMac {
                    mac,
                    attribute,
                    value,
                };
                Some(out.say(self.place, claim))
            }
            (true, None) => None,
        };
        if let Some(said) = said {
            said.with("message", message::kind_name(self.message.kind));
        }
    }

    fn client(&self, out: &mut Output<'_>) {
        let message = self.message;
        self.claim("fqdn", fqdn(message.get(option::CLIENT_FQDN)), out);
        let class = message.get(option::VENDOR_CLASS);
        if let Some((number, rest)) = class.split_first_chunk::<4>() {
            self.claim("dhcp_vendor_class", counted(rest), out);
            self.claim(
                "dhcp_enterprise",
                u32::from_be_bytes(*number).to_string(),
                out,
            );
        }
        self.claim(
            "dhcp_user_class",
            counted(message.get(option::USER_CLASS)),
            out,
        );
        let duid = message.get(option::CLIENT_ID);
        self.claim("dhcp_duid", hexadecimal(duid), out);
        let asked = message.get(option::REQUEST).chunks_exact(2);
        let asked: Vec<String> = asked
            .filter_map(|code| Some(u16::from_be_bytes(*code.first_chunk()?).to_string()))
            .collect();
        self.claim("dhcpv6_parameters", asked.join(","), out);
    }

    fn server(&self, out: &mut Output<'_>) {
        let message = self.message;
        // A reply assigns, an advertisement only offers.
        if let (7, Some(Duid::Mac(mac))) = (message.kind, message.duid()) {
            for ip in message.addresses() {
                let assigned = Meaning::AddressAssigned {
                    mac,
                    ip: IpAddr::V6(ip),
                    how: Assignment::Leased,
                };
                out.say(self.place, assigned).with("message", "reply");
            }
        }
        let name_servers = message.name_servers();
        if !name_servers.is_empty() {
            let described = Meaning::NetworkDescribed {
                prefix: None,
                routers: Vec::new(),
                name_servers,
            };
            out.say(self.place, described);
        }
    }
}

/// RFC 4704 §4.1: flags, then labels; a name that the client does not complete has no final zero.
fn fqdn(data: &[u8]) -> String {
    let Some((_flags, name)) = data.split_first() else {
        return String::new();
    };
    let closed = [name, &[0]].concat();
    read_name(&closed, 0).map_or_else(|_| String::new(), |(name, _)| name)
}

/// Counted strings.
fn counted(mut data: &[u8]) -> String {
    let mut words = Vec::new();
    while let Some((length, rest)) = data.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length));
        let Some((word, rest)) = rest.split_at_checked(length) else {
            break;
        };
        if !word.is_empty() && text::is_printable_ascii(word) {
            words.push(text::lenient(word));
        }
        data = rest;
    }
    words.join(", ")
}

fn hexadecimal(data: &[u8]) -> String {
    hex(data.get(..SHOWN_MAX).unwrap_or(data))
}

#[cfg(test)]
mod tests;
