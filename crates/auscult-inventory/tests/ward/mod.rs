//! Hand-made facts of invented wards, for the tests beside it.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test file uses its own part; a slip here fails the test"
)]

use std::net::IpAddr;

use auscult_inventory::{Inventory, Ledger, SiteOptions};
use auscult_model::report::Device;
use auscult_model::{
    ConversationKey, ConversationSum, Endpoint, Event, FileIndex, MacAddr, Meaning, NeighbourKey,
    NeighbourSum, Outcome, PacketRef, PhiKind, Segment, Timestamp, Transport,
};

pub const MONITOR: &str = "00:0c:c6:11:22:33";
pub const GATEWAY: &str = "00:1b:17:00:01:01";
pub const STATION: &str = "d4:be:d9:01:02:03";
pub const CMS: &str = "202.114.4.119";

/// One fact, so that a ward can be told in any order.
#[derive(Clone, Debug)]
pub enum Fact {
    Conversation(ConversationKey, Box<ConversationSum>),
    Neighbour(NeighbourKey, NeighbourSum),
    Event(Box<Event>),
    Start(auscult_model::FlowStart),
    Cooked(Segment),
}

pub fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub fn mac(text: &str) -> MacAddr {
    text.parse().unwrap()
}

pub fn packet(number: u64) -> PacketRef {
    PacketRef {
        file: FileIndex(0),
        number,
    }
}

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_parts(1_760_000_000 + seconds, 0)
}

pub fn tell(facts: &[Fact]) -> Ledger {
    let mut ledger = Ledger::default();
    for fact in facts {
        add(&mut ledger, fact);
    }
    ledger
}

pub fn add(ledger: &mut Ledger, fact: &Fact) {
    match fact {
        Fact::Conversation(key, sum) => ledger.conversation(key, sum),
        Fact::Neighbour(key, sum) => ledger.neighbour(key, sum),
        Fact::Event(event) => ledger.event(event),
        Fact::Start(start) => ledger.flow_start(start),
        Fact::Cooked(segment) => ledger.link_without_destinations(*segment),
    }
}

pub fn resolve(facts: &[Fact]) -> Inventory {
    Inventory::resolve(&tell(facts), &SiteOptions::default())
}

pub fn device<'a>(inventory: &'a Inventory, segment: Segment, address: &str) -> &'a Device {
    let at = inventory.device_at(segment, ip(address));
    let at = at.unwrap_or_else(|| panic!("no device at {address}"));
    &inventory.devices[at]
}

/// One side of a conversation: MAC, address, hop limit of its packets.
#[derive(Clone, Copy)]
pub struct Side {
    pub mac: Option<MacAddr>,
    pub ip: IpAddr,
    pub hops: u8,
}

pub fn side(mac_text: &str, address: &str, hops: u8) -> Side {
    Side {
        mac: Some(mac(mac_text)),
        ip: ip(address),
        hops,
    }
}

pub fn no_mac(address: &str, hops: u8) -> Side {
    Side {
        mac: None,
        ip: ip(address),
        hops,
    }
}

/// A conversation over TCP in which both sides sent payload.
pub fn tcp(segment: Segment, from: Side, to: Side, port: u16, protocol: &'static str) -> Fact {
    tcp_with(segment, from, to, port, protocol, |_, _| {})
}

pub fn tcp_with(
    segment: Segment,
    from: Side,
    to: Side,
    port: u16,
    protocol: &'static str,
    change: impl FnOnce(&mut ConversationKey, &mut ConversationSum),
) -> Fact {
    let mut key = ConversationKey {
        segment,
        originator: from.ip,
        originator_mac: from.mac,
        responder: to.ip,
        responder_mac: to.mac,
        transport: Transport::Tcp,
        port,
        protocol,
        outcome: Outcome::Answered,
        hour: 0,
    };
    let mut sum = ConversationSum::new(at(0), packet(3));
    sum.last = at(60);
    sum.flows = 1;
    sum.packets = [20, 18];
    sum.bytes = [3000, 1200];
    sum.payload = [1500, 40];
    sum.acknowledged = [1500, 40];
    sum.flows_with_payload = [1, 1];
    sum.ttl_min = [from.hops, to.hops];
    sum.ttl_max = [from.hops, to.hops];
    sum.round_trip = 240 * Timestamp::MILLISECOND;
    sum.attempts = 1;
    sum.mss_min = 1460;
    sum.first_payload = Some(packet(6));
    sum.first_answer = Some(packet(4));
    change(&mut key, &mut sum);
    Fact::Conversation(key, Box::new(sum))
}

/// A stream that only the originator sends.
pub fn stream(segment: Segment, from: Side, to: Side, port: u16, protocol: &'static str) -> Fact {
    tcp_with(segment, from, to, port, protocol, |_, sum| {
        sum.payload = [1500, 0];
        sum.acknowledged = [1500, 0];
        sum.flows_with_payload = [1, 0];
    })
}

/// SYNs that nobody answers.
pub fn syns(segment: Segment, from: Side, to: Side, port: u16, paced: u64) -> Fact {
    tcp_with(segment, from, to, port, "unknown", |key, sum| {
        key.outcome = Outcome::Unanswered;
        sum.packets = [5, 0];
        sum.bytes = [300, 0];
        sum.payload = [0, 0];
        sum.acknowledged = [0, 0];
        sum.flows_with_payload = [0, 0];
        sum.ttl_min[1] = 255;
        sum.ttl_max[1] = 0;
        sum.round_trip = i64::MAX;
        sum.attempts = 5;
        sum.paced_repeats = paced;
        sum.first_payload = None;
        sum.first_answer = None;
    })
}

pub fn asks(segment: Segment, who: &str, own: &str, for_whom: &str, count: u64) -> Fact {
    let key = NeighbourKey {
        segment,
        asker_mac: mac(who),
        asker_ip: ip(own),
        target: ip(for_whom),
        answered_by: None,
    };
    Fact::Neighbour(key, heard(count))
}

pub fn answers(segment: Segment, who: &str, own: &str, to: &str, to_ip: &str) -> Fact {
    let key = NeighbourKey {
        segment,
        asker_mac: mac(to),
        asker_ip: ip(to_ip),
        target: ip(own),
        answered_by: Some(mac(who)),
    };
    Fact::Neighbour(key, heard(1))
}

fn heard(count: u64) -> NeighbourSum {
    let mut sum = NeighbourSum::of(at(0), packet(1));
    for second in 1..count {
        sum.add(at(i64::try_from(second).unwrap() * 2), packet(1));
    }
    sum
}

pub fn end(segment: Segment, side: Side, port: u16) -> Endpoint {
    Endpoint {
        segment,
        mac: side.mac,
        ip: side.ip,
        port,
    }
}

pub fn says(protocol: &'static str, from: Endpoint, to: Endpoint, meaning: Meaning) -> Fact {
    Fact::Event(Box::new(Event {
        protocol,
        from,
        to,
        first_packet: packet(6),
        last_packet: packet(8),
        first: at(1),
        last: at(50),
        count: 1,
        confidence: 1.0,
        meaning,
        attributes: Vec::new(),
    }))
}

pub fn claims(
    protocol: &'static str,
    from: Endpoint,
    to: Endpoint,
    attribute: &'static str,
    value: &str,
) -> Fact {
    let about = auscult_model::About::Sender;
    says(
        protocol,
        from,
        to,
        Meaning::Claim {
            about,
            attribute,
            value: value.to_owned(),
        },
    )
}

/// An invented patient's name and vital signs.
pub fn patient_data(protocol: &'static str, from: Endpoint, to: Endpoint) -> Fact {
    says(
        protocol,
        from,
        to,
        Meaning::PatientData {
            kinds: vec![PhiKind::Name, PhiKind::VitalSigns],
            patient: Some(7),
            ranges: Vec::new(),
            values: Vec::new(),
        },
    )
}

/// A monitor's stream with its bed and its patient, to a station.
pub fn monitor_stream(segment: Segment, from: Side, to: Side, bed: &str) -> Vec<Fact> {
    let (sender, receiver) = (end(segment, from, 33001), end(segment, to, 515));
    vec![
        stream(segment, from, to, 515, "contec-cms"),
        claims("contec-cms", sender, receiver, "bed", bed),
        patient_data("contec-cms", sender, receiver),
    ]
}
