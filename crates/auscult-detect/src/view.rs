//! What conclusions look at: the context, with conversations found by their two addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use auscult_inventory::{Filter, Inventory, Ledger, Party, Reach, Subject, is_group};
use auscult_model::report::{Capture, Device, Evidence, Health, Role, Where};
use auscult_model::{
    ConversationKey, ConversationSum, Outcome, PacketRef, Segment, Timestamp, Transport,
};

use crate::Context;
use crate::words::{call_name, call_party, name_and_address};

/// A loss of more than so many packets in a million weakens what is concluded.
const LOSSY_PPM: u64 = 10_000;

/// See the module's words.
pub struct View<'a> {
    /// Claims, conversations, neighbours, names.
    pub ledger: &'a Ledger,
    /// Devices, site, reach.
    pub inventory: &'a Inventory,
    /// The inputs.
    pub captures: &'a [Capture],
    /// Losses and limits.
    pub health: &'a Health,
    /// Segments on which a medical device was seen.
    clinical: BTreeSet<Segment>,
    /// Names by which clients called an address, in TLS or HTTP.
    called: BTreeMap<IpAddr, BTreeSet<&'a str>>,
    /// Conversations that devices of ours began with the outside: few beside all.
    outbound: Vec<Outbound<'a>>,
}

/// A conversation that a device of ours began with the outside.
#[derive(Clone, Copy)]
pub(crate) struct Outbound<'a> {
    /// Who began it.
    pub(crate) local: Party,
    /// Whom it was meant for.
    pub(crate) peer: IpAddr,
    pub(crate) key: &'a ConversationKey,
    pub(crate) sum: &'a ConversationSum,
    /// Packets came back.
    pub(crate) answered: bool,
}

impl<'a> View<'a> {
    /// Indexes the context.
    pub fn new(context: &Context<'a>) -> Self {
        let medical = context.inventory.devices.iter();
        let clinical = medical
            .filter(|device| device.role.is_medical())
            .flat_map(|device| device.segments.iter().copied())
            .collect();
        let mut view = View {
            called: called(context.ledger),
            outbound: Vec::new(),
            ledger: context.ledger,
            inventory: context.inventory,
            captures: context.captures,
            health: context.health,
            clinical,
        };
        view.outbound = context
            .ledger
            .conversations()
            .filter_map(|(key, sum)| view.outbound_of(key, sum))
            .collect();
        view
    }

    fn outbound_of(
        &self,
        key: &'a ConversationKey,
        sum: &'a ConversationSum,
    ) -> Option<Outbound<'a>> {
        let (peer, inventory) = (key.responder, self.inventory);
        if inventory.is_site(peer) || is_group(peer) || peer.is_unspecified() {
            return None;
        }
        let local = originator(key);
        let lives_here = inventory.squatted().contains(&(key.segment, peer));
        let is_outside = !lives_here && inventory.options().partner(peer).is_none();
        (is_outside && self.is_local(local)).then_some(Outbound {
            local,
            peer,
            key,
            sum,
            answered: key.outcome == Outcome::Answered,
        })
    }

    /// Conversations that devices of ours began with the outside. Partners, groups and what lives
    /// on the own segments are not outside.
    pub(crate) fn outbound(&self) -> &[Outbound<'a>] {
        &self.outbound
    }

    /// Names of an address: answered by name services, or used by clients that called it. An
    /// address written as text is none.
    pub(crate) fn names(&self, ip: IpAddr) -> BTreeSet<&'a str> {
        let answered = self.ledger.names(ip).map(|(name, ..)| name);
        let called = self.called.get(&ip).into_iter().flatten().copied();
        answered
            .chain(called)
            .filter(|name| name.contains('.') && name.parse::<IpAddr>().is_err())
            .collect()
    }

    /// Whether a medical device was seen on a segment.
    pub(crate) fn is_clinical(&self, segment: Segment) -> bool {
        self.clinical.contains(&segment)
    }

    /// Conversations between two addresses, whoever began.
    pub(crate) fn between(
        &self,
        a: IpAddr,
        b: IpAddr,
    ) -> impl Iterator<Item = (&'a ConversationKey, &'a ConversationSum)> {
        self.inventory.between(self.ledger, a, b)
    }

    /// Transport and port of the service that carried a protocol between two addresses: of the
    /// conversation with the most payload.
    pub(crate) fn service(&self, a: IpAddr, b: IpAddr, protocol: &str) -> Option<(Transport, u16)> {
        self.between(a, b)
            .filter(|(key, _)| key.protocol == protocol)
            .max_by_key(|(_, sum)| sum.payload.iter().sum::<u64>())
            .map(|(key, _)| (key.transport, key.port))
    }

    /// The service between two addresses, when there is but one: two programs may serve each other
    /// in one protocol.
    pub(crate) fn only_service(
        &self,
        a: IpAddr,
        b: IpAddr,
        protocol: &str,
    ) -> Option<(Transport, u16)> {
        let service = self.service(a, b, protocol)?;
        self.between(a, b)
            .filter(|(key, _)| key.protocol == protocol)
            .all(|(key, _)| (key.transport, key.port) == service)
            .then_some(service)
    }

    /// The device that a party is.
    pub(crate) fn device(&self, party: Party) -> Option<&'a Device> {
        let at = self
            .inventory
            .device_of(party)
            .or_else(|| self.inventory.device_at(party.segment, party.ip))?;
        self.inventory.devices.get(at)
    }

    /// The device that holds an address.
    pub(crate) fn device_at(&self, segment: Segment, ip: IpAddr) -> Option<&'a Device> {
        let at = self.inventory.device_at(segment, ip)?;
        self.inventory.devices.get(at)
    }

    /// What a party is called in sentences.
    pub(crate) fn name(&self, party: Party) -> String {
        self.device(party)
            .map_or_else(|| call_party(party), call_name)
    }

    /// What a party is called in lists: with its address.
    pub(crate) fn name_and_address(&self, party: Party) -> String {
        self.device(party)
            .map_or_else(|| call_party(party), name_and_address)
    }

    /// A party's device id; its address when it has none.
    pub(crate) fn who(&self, party: Party) -> String {
        self.device(party)
            .map_or_else(|| party.ip.to_string(), |device| device.id.clone())
    }

    /// What a party is for.
    pub(crate) fn role(&self, party: Party) -> Role {
        self.device(party)
            .map_or(Role::Unknown, |device| device.role)
    }

    /// Whether a party is the site's, or lives on one of its segments.
    pub(crate) fn is_local(&self, party: Party) -> bool {
        let squatted = || {
            self.inventory
                .squatted()
                .contains(&(party.segment, party.ip))
        };
        self.inventory.is_site(party.ip) || squatted()
    }

    /// Whether a party is the site's, or its card is on the segment where it was seen: also where
    /// the capture shows no destinations, so that more cannot be claimed.
    pub(crate) fn lives_here(&self, party: Party) -> bool {
        let holders = self.inventory.holders(party.segment, party.ip);
        self.is_local(party) || !holders.is_empty()
    }

    /// Where traffic of one protocol between a local party and a peer went.
    pub(crate) fn reach(&self, local: Party, peer: IpAddr, protocol: Option<&str>) -> Reach {
        let filter = Filter {
            protocol,
            ..Filter::default()
        };
        self.inventory
            .reach(self.ledger, (local.segment, local.ip), peer, filter)
    }

    /// More is missing than 1 %.
    pub(crate) fn is_lossy(&self) -> bool {
        self.loss_ppm() > LOSSY_PPM
    }

    /// Packets in a million that the capture lost, estimated, or as its program says.
    pub(crate) fn loss_ppm(&self) -> u64 {
        let told = self.health.dropped_by_capture.saturating_mul(1_000_000);
        let all = self.health.packets + self.health.dropped_by_capture;
        let told = told.checked_div(all).unwrap_or(0);
        self.health.loss_ppm.max(told)
    }

    /// First and last packet of all inputs.
    pub(crate) fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let first = self.captures.iter().filter_map(|c| c.first).min()?;
        let last = self.captures.iter().filter_map(|c| c.last).max()?;
        Some((first, last))
    }

    /// Nanoseconds that the inputs cover; between them nobody watched.
    pub(crate) fn watched(&self) -> i64 {
        let captures = self.captures.iter();
        auscult_model::covered(captures.filter_map(|c| c.first.zip(c.last)))
    }

    /// A packet as evidence: its frame in Wireshark, and the frame's addresses to look at.
    pub(crate) fn evidence(&self, packet: PacketRef, note: &str, look: &str) -> Evidence {
        let mut filter = format!("frame.number == {}", packet.number);
        if !look.is_empty() {
            filter.push_str(" && ");
            filter.push_str(look);
        }
        Evidence {
            file: self.ledger.file_name(packet.file),
            packet: packet.number,
            note: Some(note.to_owned()),
            filter: Some(filter),
            at: None,
        }
    }
}

/// Names by which clients called addresses, in TLS or HTTP.
fn called(ledger: &Ledger) -> BTreeMap<IpAddr, BTreeSet<&str>> {
    let mut called: BTreeMap<IpAddr, BTreeSet<&str>> = BTreeMap::new();
    for (subject, attribute, value, ..) in ledger.claims() {
        if let (Subject::Party(party), "server_name" | "http_host") = (subject, attribute) {
            let name = value.split(':').next().unwrap_or(value);
            called.entry(party.ip).or_default().insert(name);
        }
    }
    called
}

/// Who began a conversation.
pub(crate) fn originator(key: &ConversationKey) -> Party {
    Party {
        segment: key.segment,
        ip: key.originator,
        mac: key.originator_mac,
    }
}

/// Who was spoken to.
pub(crate) fn responder(key: &ConversationKey) -> Party {
    Party {
        segment: key.segment,
        ip: key.responder,
        mac: key.responder_mac,
    }
}

/// Filter for frames of an address, as sender or receiver, or in ARP and neighbour discovery.
pub(crate) fn look_at(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => {
            format!("(ip.addr == {ip} || arp.dst.proto_ipv4 == {ip} || arp.src.proto_ipv4 == {ip})")
        }
        IpAddr::V6(ip) => format!(
            "(ipv6.addr == {ip} || icmpv6.nd.ns.target_address == {ip} || \
             icmpv6.nd.na.target_address == {ip})"
        ),
    }
}

/// Filter for frames of a service at an address.
pub(crate) fn look_at_service(ip: IpAddr, service: Option<(Transport, u16)>) -> String {
    let address = match ip {
        IpAddr::V4(ip) => format!("ip.addr == {ip}"),
        IpAddr::V6(ip) => format!("ipv6.addr == {ip}"),
    };
    match service {
        Some((Transport::Tcp, port)) => format!("{address} && tcp.port == {port}"),
        Some((Transport::Udp, port)) => format!("{address} && udp.port == {port}"),
        _ => address,
    }
}

/// Whether two addresses are of one usual network, so that a neighbour on the link is likely.
pub(crate) fn are_neighbours(a: IpAddr, b: IpAddr) -> bool {
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => a.octets()[..3] == b.octets()[..3],
        (IpAddr::V6(a), IpAddr::V6(b)) => a.segments()[..4] == b.segments()[..4],
        _ => false,
    }
}

/// Whether data that went there was received, or can have been, outside the site.
pub(crate) fn arrived(place: Where) -> bool {
    matches!(
        place,
        Where::Left | Where::AnsweredFar | Where::AnsweredNear
    )
}
