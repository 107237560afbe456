//! Multicast DNS and service discovery: what machines call themselves and offer, unasked.
//!
//! Sources: RFC 6762 (multicast DNS; §10.2 the cache-flush bit), RFC 6763 (service discovery:
//! §4.1 instance names, §6 TXT), RFC 1035 §3.3.2 (HINFO). Keys of TXT records that name models:
//! Apple's Bonjour printing specification (`ty`, `product`, `usb_MFG`, `usb_MDL`, `note`,
//! `UUID`), `_device-info._tcp` (`model`), `_googlecast._tcp` (`md`, `fn`). The message format is
//! [`crate::dns::message`].
//!
//! Every response stands for itself; what was heard of a sender before is not read again. A
//! sender that speaks for several hosts (a reflector between segments) is believed half, and says
//! nothing of itself in a message that names several.

mod service;

use std::net::IpAddr;

use auscult_model::{Direction, Meaning, Transport};

use crate::dns::message::{CLASS_IN, Data, HEADER_LEN, Header, Message, Resource, kind};
use crate::dns::{self, message};
use crate::heard::Heard;
use crate::{Output, Place, Probe, Progress, Protocol, Record, Seen, Session, Start, Tier};
use crate::{sides, text};
use service::Instance;

static RECORD: Record = Record {
    name: "mdns",
    title: "Multicast DNS with service discovery (Bonjour)",
    tier: Tier::Decoded,
    transports: &[Transport::Udp],
    ports: &[5353],
    weak: false,
    sources: &[
        "RFC 6762",
        "RFC 6763",
        "RFC 1035",
        "Bonjour Printing Specification 1.2.1",
    ],
    reads: &[
        "responses: host names with their addresses, processor and system (HINFO)",
        "services with instance, port and the keys of their TXT record that name a model",
    ],
    leaves_out: "Questions, what a host only proposes (authority of a probe), NSEC, DNS over TCP.",
    attributes: &[],
    bounds: &[],
    false_likely: "0 of 100,000 random datagrams of 304 bytes",
};

/// Names that one message gives addresses for; it has no more in practice.
const HOSTS_MAX: usize = 64;
/// How far a sender is believed that speaks for several hosts.
const REFLECTED: f32 = 0.5;

/// See [`RECORD`].
pub struct Mdns;

impl Protocol for Mdns {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        match seen.transport {
            Transport::Udp => sides::judge(seen, probe_message),
            _ => Probe::No,
        }
    }

    fn start(&self, _: &Start) -> Box<dyn Session> {
        Box::<MdnsSession>::default()
    }
}

/// As DNS, and the two forms that DNS has not: id 0 with several questions, or answers without a
/// question. There id, flags but two bits, type and class of the first entry are over 60 bits.
fn probe_message(bytes: &[u8]) -> Probe {
    match dns::probe_message(bytes) {
        Probe::No => {}
        other => return other,
    }
    let Some(header) = Header::read(bytes) else {
        return Probe::Maybe;
    };
    let [questions, answers, authority, additional] = header.counts;
    let entries = [questions, answers, authority, additional];
    // Responses are authoritative, and long lists of known answers truncated.
    let ordinary = header.id == 0
        && matches!(header.flags, 0 | 0x0200 | 0x8400 | 0x8600)
        && entries.iter().all(|count| *count < 0x200);
    let some = questions > 0 || header.is_response() && answers > 0;
    if !ordinary || !some {
        return Probe::No;
    }
    // A record begins as a question does: name, type, class.
    match message::look_at_question(bytes, HEADER_LEN) {
        Ok((true, kind, class)) if class & 0x7fff == CLASS_IN && (1..0x200).contains(&kind) => {
            Probe::Certain
        }
        Err(message::Fault::Short) => Probe::Maybe,
        _ => Probe::No,
    }
}

#[derive(Default)]
struct MdnsSession {
    heard: Heard,
    sides: [Speaker; 2],
}

/// Whom one side speaks for.
#[derive(Default)]
struct Speaker {
    host: Option<String>,
    several: bool,
}

impl Speaker {
    /// Takes in the hosts that a message names: how far what it says is of the sender itself.
    fn own(&mut self, hosts: &[&str]) -> f32 {
        match (hosts, &self.host) {
            ([], _) => {}
            ([host], None) => self.host = Some((*host).to_owned()),
            ([host], Some(known)) => self.several |= !host.eq_ignore_ascii_case(known),
            _ => {
                self.several = true;
                return 0.0;
            }
        }
        if self.several { REFLECTED } else { 1.0 }
    }
}

impl Session for MdnsSession {
    fn data(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        let used = Progress::Used(bytes.len());
        let is_answer = Header::read(bytes).is_some_and(|h| h.is_response() && h.opcode() == 0);
        if !is_answer || !self.heard.is_new(bytes.get(2..), out) {
            return used;
        }
        let Some(message) = Message::read(bytes) else {
            return used;
        };
        let place = out.place(0..bytes.len());
        match message.fault {
            Some(message::Fault::TooManyRecords) => out.reached(&message::RECORDS),
            None | Some(message::Fault::Short) => {}
            Some(fault) => {
                let what = fault.words();
                out.say(place, Meaning::Malformed { what });
            }
        }
        self.response(direction, &message, place, out);
        used
    }
}

impl MdnsSession {
    fn response(
        &mut self,
        direction: Direction,
        message: &Message,
        place: Place,
        out: &mut Output<'_>,
    ) {
        let [answers, _, additional] = &message.sections;
        // A lifetime of zero is a farewell.
        let records = || {
            let all = answers.iter().chain(additional);
            all.filter(|r| r.class & 0x7fff == CLASS_IN && r.ttl > 0)
        };
        let addressed = addressed(records());
        let mut hosts: Vec<&str> = addressed.iter().map(|(host, _)| host.as_str()).collect();
        for resource in records() {
            if let Data::Service { target, .. } = &resource.data
                && !hosts.iter().any(|host| host.eq_ignore_ascii_case(target))
            {
                hosts.push(target);
            }
        }
        let sure = self.sides[direction.index()].own(&hosts);
        if sure > 0.0 {
            let mut teller = Teller { place, sure, out };
            if let [host] = hosts[..] {
                teller.claim("mdns_name", service::local(host));
            }
            for resource in records() {
                teller.resource(resource);
            }
        }
        for (mut name, addresses) in addressed {
            name.make_ascii_lowercase();
            out.say(place, Meaning::NameAnswered { name, addresses });
        }
    }
}

/// Says what records mean of their sender.
struct Teller<'o, 'a> {
    place: Place,
    sure: f32,
    out: &'o mut Output<'a>,
}

impl Teller<'_, '_> {
    fn claim(&mut self, attribute: &'static str, value: &str) {
        if let Some(said) = self.out.claim(self.place, attribute, text::clean(value)) {
            said.sure(self.sure);
        }
    }

    fn resource(&mut self, resource: &Resource) {
        match &resource.data {
            Data::Host { cpu, os } => {
                self.claim("cpu", cpu);
                // Avahi writes the system in capitals.
                let is_linux = os.eq_ignore_ascii_case("linux");
                self.claim("os", if is_linux { "Linux" } else { os });
            }
            Data::Name(target) if resource.kind == kind::PTR => {
                // Of the list of all services the target is one; else it is an instance.
                if let Some(instance) = Instance::read(target) {
                    self.claim("mdns_service", instance.service);
                }
            }
            Data::Service { port, .. } => {
                if let Some(instance) = Instance::read(&resource.name) {
                    self.service(&instance, *port);
                }
            }
            Data::Text(strings) => {
                for (attribute, value) in service::described(strings) {
                    self.claim(attribute, value);
                }
            }
            _ => {}
        }
    }

    fn service(&mut self, instance: &Instance<'_>, port: u16) {
        self.claim("mdns_service", instance.service);
        self.claim("mdns_instance", instance.name);
        // A service that is not offered has port 0 (RFC 6763 §6.4, flagship naming).
        if port > 0 {
            let (transport, protocol) = instance.protocol();
            let said = self.out.offer(self.place, transport, port, protocol);
            said.sure(self.sure);
        }
    }
}

/// Names with the addresses that are given for them.
fn addressed<'a>(records: impl Iterator<Item = &'a Resource>) -> Vec<(String, Vec<IpAddr>)> {
    let mut hosts: Vec<(String, Vec<IpAddr>)> = Vec::new();
    for resource in records {
        let Data::Address(address) = resource.data else {
            continue;
        };
        let owner = &resource.name;
        let mut known = hosts.iter_mut();
        let known = known.find(|(name, _)| name.eq_ignore_ascii_case(owner));
        if let Some((_, known)) = known {
            if !known.contains(&address) {
                known.push(address);
            }
        } else if hosts.len() < HOSTS_MAX {
            hosts.push((owner.clone(), vec![address]));
        }
    }
    hosts
}

#[cfg(test)]
mod tests;
