//! Everything that was learnt about parties, bounded, in tables that merge in any order.
//!
//! The ledger draws no conclusions; [`crate::Inventory::resolve`] does. It keeps no values of
//! patient data. Limits: each table has a cap (see [`Limits`]), what found no room is counted by
//! name; hours of conversations are added up.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use auscult_model::{
    Assignment, Bounds, ConversationKey, ConversationSum, Event, FileIndex, FlowStart, MacAddr,
    Meaning, NeighbourKey, NeighbourSum, Outcome, Segment, Timestamp, Transport, Window,
};

use serde::{Deserialize, Serialize};

use crate::bounds;
use crate::facts::{
    ClaimFact, Party, PatientDataFact, RequestFact, Seen, SpokenFact, StartFact, Subject, real,
};
use crate::presence::Presence;
use crate::table::{Few, Rows, Table};

/// How many rows each table of a [`Ledger`] may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Subjects and attributes of claims.
    pub claims: usize,
    /// Values of one attribute of one subject.
    pub values: usize,
    /// Conversations.
    pub conversations: usize,
    /// ARP and neighbour discovery.
    pub neighbours: usize,
    /// Cards heard on segments.
    pub presence: usize,
    /// Openings of flows.
    pub starts: usize,
    /// Addresses that names were given for.
    pub names: usize,
    /// Names of one address.
    pub names_each: usize,
    /// Devices that are made of it all.
    pub devices: usize,
    /// Addresses assigned.
    pub assignments: usize,
    /// Networks, routers, name servers described.
    pub networks: usize,
    /// Services offered.
    pub services: usize,
    /// Pairs of parties that spoke a protocol.
    pub spoken: usize,
    /// Pairs of parties between which patient data went.
    pub patient_data: usize,
    /// Parties and operations of requests.
    pub requests: usize,
    /// Objects of one operation between two parties.
    pub objects: usize,
}

impl Default for Limits {
    /// Enough for a large hospital.
    fn default() -> Self {
        Limits::within(&Bounds::default())
    }
}

impl Limits {
    /// Every cap at most `rows`.
    pub fn at_most(rows: usize) -> Self {
        let all = Limits::default();
        Limits {
            claims: all.claims.min(rows),
            values: all.values.min(rows),
            conversations: all.conversations.min(rows),
            neighbours: all.neighbours.min(rows),
            presence: all.presence.min(rows),
            starts: all.starts.min(rows),
            names: all.names.min(rows),
            names_each: all.names_each.min(rows),
            devices: all.devices,
            assignments: all.assignments.min(rows),
            networks: all.networks.min(rows),
            services: all.services.min(rows),
            spoken: all.spoken.min(rows),
            patient_data: all.patient_data.min(rows),
            requests: all.requests.min(rows),
            objects: all.objects.min(rows),
        }
    }
}

/// Longest value kept, in bytes.
const VALUE_MAX: usize = 256;

/// Conversations sort by how much they say: when there is no room, openings that nobody
/// answered (a scan) go before conversations that somebody had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ranked {
    rank: u8,
    key: ConversationKey,
}

impl Ranked {
    fn new(key: ConversationKey) -> Self {
        let rank = match (key.outcome, key.protocol) {
            (Outcome::Answered, "unknown") => 1,
            (Outcome::Answered, _) => 0,
            (Outcome::Unanswered | Outcome::Refused, _) => 2,
        };
        // The hour serves states; who somebody is does not depend on it.
        let key = ConversationKey { hour: 0, ..key };
        Ranked { rank, key }
    }

    pub(crate) fn key(&self) -> ConversationKey {
        self.key
    }
}

/// A network's own description of itself, or part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Described {
    /// On-link prefix.
    Prefix(IpAddr, u8),
    /// A way out.
    Router(IpAddr),
    /// A name server.
    NameServer(IpAddr),
}

/// What was asked: by whom, of whom, in which protocol, by which word.
pub type RequestKey = (Party, Party, &'static str, &'static str);
/// Initial sequence number, time stamp option, server, port: what translation leaves alone.
pub type StartKey = (IpAddr, u16, u32, u32);
/// Who sent to whom in which protocol.
pub type PairKey = (&'static str, Party, Party);

/// Values of one attribute, with their sources.
type Values = Few<(String, &'static str), ClaimFact>;

/// All facts. See the module's words.
#[derive(Clone, Debug, PartialEq)]
pub struct Ledger {
    pub(crate) claims: Table<(Subject, &'static str), Values>,
    pub(crate) conversations: Table<Ranked, Box<ConversationSum>>,
    pub(crate) neighbours: Table<NeighbourKey, NeighbourSum>,
    pub(crate) presence: Table<(Segment, MacAddr), Presence>,
    pub(crate) starts: Table<StartKey, StartFact>,
    pub(crate) names: Table<IpAddr, Few<(String, IpAddr), Seen>>,
    pub(crate) lookups: Table<&'static str, Seen>,
    pub(crate) assignments: Table<(MacAddr, IpAddr, Assignment, Segment), Seen>,
    pub(crate) networks: Table<(Segment, Described), Seen>,
    pub(crate) services: Table<(Party, Transport, u16, &'static str), Seen>,
    pub(crate) spoken: Table<PairKey, SpokenFact>,
    pub(crate) patient_data: Table<PairKey, PatientDataFact>,
    pub(crate) requests: Table<RequestKey, Few<String, RequestFact>>,
    pub(crate) cooked: BTreeSet<Segment>,
    pub(crate) files: BTreeMap<FileIndex, String>,
    pub(crate) limits: Limits,
}

impl Default for Ledger {
    fn default() -> Self {
        Ledger::new(Limits::default())
    }
}

impl Ledger {
    /// Nothing known yet.
    pub fn new(limits: Limits) -> Self {
        Ledger {
            claims: Table::new(limits.claims),
            conversations: Table::new(limits.conversations),
            neighbours: Table::new(limits.neighbours),
            presence: Table::new(limits.presence),
            starts: Table::new(limits.starts),
            names: Table::new(limits.names),
            lookups: Table::new(limits.networks),
            assignments: Table::new(limits.assignments),
            networks: Table::new(limits.networks),
            services: Table::new(limits.services),
            spoken: Table::new(limits.spoken),
            patient_data: Table::new(limits.patient_data),
            requests: Table::new(limits.requests),
            cooked: BTreeSet::new(),
            files: BTreeMap::new(),
            limits,
        }
    }

    /// Takes in what a protocol said.
    pub fn event(&mut self, event: &Event) {
        let seen = Seen::of(event);
        let (from, to) = (Party::from(event.from), Party::from(event.to));
        let confidence = event.confidence;
        let fact = ClaimFact { seen, confidence };
        self.spoken.add((event.protocol, from, to), fact);
        match &event.meaning {
            Meaning::Claim {
                about,
                attribute,
                value,
            } => {
                let subject = Subject::Party(event.party(*about).into());
                self.claim(subject, attribute, value, event.protocol, fact);
            }
            Meaning::ClaimByMac {
                mac,
                attribute,
                value,
            } if real(Some(*mac)).is_some() => {
                // Heard from the card itself, it is known on which segment that is.
                let subject = match from.mac {
                    Some(own) if own == *mac => Subject::Party(from),
                    _ => Subject::Mac(*mac),
                };
                self.claim(subject, attribute, value, event.protocol, fact);
            }
            Meaning::NameAnswered { name, addresses } => {
                self.lookups.add(event.protocol, seen);
                for &ip in addresses {
                    let each = self.limits.names_each;
                    self.names
                        .add_within(ip, each, (cut(name).to_owned(), from.ip), seen);
                }
            }
            Meaning::AddressAssigned { mac, ip, how }
                if real(Some(*mac)).is_some() && !ip.is_unspecified() =>
            {
                let key = (*mac, *ip, *how, from.segment);
                self.assignments.add(key, seen);
            }
            Meaning::NetworkDescribed {
                prefix,
                routers,
                name_servers,
            } => self.described(from.segment, *prefix, routers, name_servers, seen),
            Meaning::PatientData { kinds, patient, .. } => {
                let key = (event.protocol, from, to);
                match self.patient_data.known(&key) {
                    Some(known) => known.again(fact, kinds, *patient),
                    None => {
                        let fact = PatientDataFact::new(fact, kinds, *patient);
                        self.patient_data.add(key, fact);
                    }
                }
            }
            Meaning::Request {
                operation,
                object,
                granted,
            } => self.request(
                (from, to, event.protocol, *operation),
                object,
                *granted,
                seen,
            ),
            Meaning::ServiceOffered {
                about,
                transport,
                port,
                protocol,
            } => {
                let party = Party::from(event.party(*about));
                self.services
                    .add((party, *transport, *port, protocol), seen);
            }
            // Said of nobody; or known from `spoken` as far as it names senders.
            Meaning::ClaimByMac { .. }
            | Meaning::AddressAssigned { .. }
            | Meaning::Login { .. }
            | Meaning::File(_)
            | Meaning::SettingChanged { .. }
            | Meaning::Alarm { .. }
            | Meaning::Malformed { .. } => {}
        }
    }

    fn claim(
        &mut self,
        subject: Subject,
        attribute: &'static str,
        value: &str,
        source: &'static str,
        fact: ClaimFact,
    ) {
        let value = value.trim();
        if value.is_empty() {
            return;
        }
        let key = (subject, attribute);
        let value = cut(value);
        let known = self.claims.known(&key);
        let same = |(text, by): &(String, &'static str)| (text.as_str(), *by).cmp(&(value, source));
        if known.is_some_and(|values| values.again(same, &fact)) {
            return;
        }
        let value = value.to_owned();
        self.claims
            .add_within(key, self.limits.values, (value, source), fact);
    }

    fn described(
        &mut self,
        segment: Segment,
        prefix: Option<(IpAddr, u8)>,
        routers: &[IpAddr],
        name_servers: &[IpAddr],
        seen: Seen,
    ) {
        let prefix = prefix.map(|(ip, length)| Described::Prefix(ip, length));
        let routers = routers.iter().copied().map(Described::Router);
        let servers = name_servers.iter().copied().map(Described::NameServer);
        for part in prefix.into_iter().chain(routers).chain(servers) {
            self.networks.add((segment, part), seen);
        }
    }

    fn request(&mut self, key: RequestKey, object: &str, granted: Option<bool>, seen: Seen) {
        let times = |answer| {
            if granted == Some(answer) {
                seen.count
            } else {
                0
            }
        };
        let fact = RequestFact {
            seen,
            granted: times(true),
            refused: times(false),
        };
        self.requests
            .add_within(key, self.limits.objects, cut(object).to_owned(), fact);
    }

    /// Takes in a sum of conversations.
    pub fn conversation(&mut self, key: &ConversationKey, sum: &ConversationSum) {
        if let Some(mac) = real(key.originator_mac) {
            self.heard(key.segment, mac, sum.first, sum.last);
        }
        let key = Ranked::new(*key);
        match self.conversations.known(&key) {
            Some(known) => known.as_mut().merge(sum),
            None => self.conversations.add(key, Box::new(sum.clone())),
        }
    }

    /// Takes in a sum of questions and answers about link-layer addresses.
    pub fn neighbour(&mut self, key: &NeighbourKey, sum: &NeighbourSum) {
        if let Some(mac) = real(key.answered_by.or(Some(key.asker_mac))) {
            self.heard(key.segment, mac, sum.first, sum.first);
            self.heard(key.segment, mac, sum.last, sum.last);
        }
        self.neighbours.add(*key, sum.clone());
    }

    fn heard(&mut self, segment: Segment, mac: MacAddr, first: Timestamp, last: Timestamp) {
        let key = (segment, mac);
        match self.presence.known(&key) {
            Some(known) => known.hear(first, last),
            None => self.presence.add(key, Presence::between(first, last)),
        }
    }

    /// Takes in what a flow began with.
    pub fn flow_start(&mut self, start: &FlowStart) {
        let key = (
            start.responder,
            start.port,
            start.sequence,
            start.tcp_timestamp,
        );
        let leg = (start.time, start.originator, start.segment, start.packet);
        let fact = StartFact {
            legs: BTreeSet::from([leg]),
            dropped: 0,
        };
        self.starts.add(key, fact);
    }

    /// The link of this segment shows no destination MAC (Linux cooked captures), so that where
    /// a frame was sent to cannot be told there.
    pub fn link_without_destinations(&mut self, segment: Segment) {
        self.cooked.insert(segment);
    }

    /// The name of an input file, for evidence.
    pub fn file(&mut self, index: FileIndex, name: &str) {
        self.files.entry(index).or_insert_with(|| name.to_owned());
    }

    /// How many devices may be made of it.
    pub(crate) fn most_devices(&self) -> usize {
        self.limits.devices
    }

    /// Takes in everything another ledger knows.
    pub fn merge(&mut self, other: Ledger) {
        self.claims.merge(other.claims);
        self.conversations.merge(other.conversations);
        self.neighbours.merge(other.neighbours);
        self.presence.merge(other.presence);
        self.starts.merge(other.starts);
        self.names.merge(other.names);
        self.lookups.merge(other.lookups);
        self.assignments.merge(other.assignments);
        self.networks.merge(other.networks);
        self.services.merge(other.services);
        self.spoken.merge(other.spoken);
        self.patient_data.merge(other.patient_data);
        self.requests.merge(other.requests);
        self.cooked.extend(other.cooked);
        for (index, name) in other.files {
            self.files.entry(index).or_insert(name);
        }
    }

    /// Forgets which patients were told apart; what kinds of data crossed stays.
    pub fn forget_patients(&mut self) {
        self.patient_data.each(|fact| fact.patients.clear());
    }

    /// Keeps the facts of which some observation lies in a window of time. Counts stay those of
    /// all observations: a fact is one row, not one for each.
    pub fn narrow(&mut self, window: Window) {
        self.claims.narrow(window);
        self.conversations.narrow(window);
        self.neighbours.narrow(window);
        self.presence.narrow(window);
        self.starts.narrow(window);
        self.names.narrow(window);
        self.lookups.narrow(window);
        self.assignments.narrow(window);
        self.networks.narrow(window);
        self.services.narrow(window);
        self.spoken.narrow(window);
        self.patient_data.narrow(window);
        self.requests.narrow(window);
    }
}

/// Reading the facts, for the resolver and for detectors.
impl Ledger {
    /// Limits that were reached, with the observations that found no room.
    pub fn limits(&self) -> BTreeMap<&'static str, u64> {
        let values = self.claims.rows().values().map(Few::dropped).sum();
        let names = self.names.rows().values().map(Few::dropped).sum();
        let objects = self.requests.rows().values().map(Few::dropped).sum();
        let starts = self.starts.rows().values().map(|start| start.dropped).sum();
        let times = self.presence.rows();
        let full = times.values().filter(|times| times.is_full()).count();
        let claims = self.neighbours.rows().values();
        let claims = claims.filter(|sum| sum.times.is_full()).count();
        let all = [
            (bounds::CLAIMS.name, self.claims.dropped()),
            (bounds::VALUES.name, values),
            (bounds::CONVERSATIONS.name, self.conversations.dropped()),
            (bounds::NEIGHBOURS.name, self.neighbours.dropped()),
            (bounds::NEIGHBOUR_TIMES.name, claims as u64),
            (bounds::PRESENCE.name, self.presence.dropped()),
            (bounds::PRESENCE_RANGES.name, full as u64),
            (bounds::STARTS.name, self.starts.dropped()),
            (bounds::LEGS.name, starts),
            (bounds::NAMES.name, self.names.dropped()),
            (bounds::NAMES_EACH.name, names),
            (bounds::ASSIGNMENTS.name, self.assignments.dropped()),
            (bounds::NETWORKS.name, self.networks.dropped()),
            (bounds::SERVICES.name, self.services.dropped()),
            (bounds::SPOKEN.name, self.spoken.dropped()),
            (bounds::PATIENT_DATA.name, self.patient_data.dropped()),
            (bounds::REQUESTS.name, self.requests.dropped()),
            (bounds::OBJECTS.name, objects),
        ];
        all.into_iter().filter(|(_, count)| *count > 0).collect()
    }

    /// Conversations, hours added up.
    pub fn conversations(&self) -> impl Iterator<Item = (&ConversationKey, &ConversationSum)> {
        self.conversations
            .rows()
            .iter()
            .map(|(ranked, sum)| (&ranked.key, sum.as_ref()))
    }

    /// Conversations with the places where they are found again while nothing is added.
    pub(crate) fn placed_conversations(
        &self,
    ) -> impl Iterator<Item = (u32, &ConversationKey, &ConversationSum)> {
        let rows = self.conversations.rows();
        rows.with_slots()
            .map(|(slot, ranked, sum)| (slot, &ranked.key, sum.as_ref()))
    }

    /// The conversation at a place.
    pub(crate) fn conversation_at(
        &self,
        slot: u32,
    ) -> Option<(&ConversationKey, &ConversationSum)> {
        let (ranked, sum) = self.conversations.at(slot)?;
        Some((&ranked.key, sum.as_ref()))
    }

    /// When a card was heard on a segment.
    pub(crate) fn presence(&self, segment: Segment, mac: MacAddr) -> Option<&Presence> {
        self.presence.rows().get(&(segment, mac))
    }

    /// The sum of one conversation.
    pub fn sum(&self, key: &ConversationKey) -> Option<&ConversationSum> {
        let sum = self.conversations.rows().get(&Ranked::new(*key));
        sum.map(Box::as_ref)
    }

    /// Questions and answers about link-layer addresses.
    pub fn neighbours(&self) -> Rows<'_, NeighbourKey, NeighbourSum> {
        self.neighbours.rows()
    }

    /// Claims: subject, attribute, value, source, fact.
    pub fn claims(
        &self,
    ) -> impl Iterator<Item = (Subject, &'static str, &str, &'static str, &ClaimFact)> {
        self.claims
            .rows()
            .iter()
            .flat_map(|((subject, attribute), values)| {
                values.rows().map(|((value, source), fact)| {
                    (*subject, *attribute, value.as_str(), *source, fact)
                })
            })
    }

    /// Names that were answered for an address: name, who said so, when.
    pub fn names(&self, ip: IpAddr) -> impl Iterator<Item = (&str, IpAddr, &Seen)> {
        self.names.rows().get(&ip).into_iter().flat_map(|names| {
            names
                .rows()
                .map(|((name, by), seen)| (name.as_str(), *by, seen))
        })
    }

    /// Answers of name services that were seen at all, by protocol: what "no answer named it"
    /// rests on.
    pub fn name_answers(&self) -> Rows<'_, &'static str, Seen> {
        self.lookups.rows()
    }

    /// Addresses assigned: holder, address, on whose word, where the assignment was seen.
    pub fn assignments(&self) -> Rows<'_, (MacAddr, IpAddr, Assignment, Segment), Seen> {
        self.assignments.rows()
    }

    /// What networks said about themselves.
    pub fn networks(&self) -> Rows<'_, (Segment, Described), Seen> {
        self.networks.rows()
    }

    /// Services that were announced.
    pub fn services(&self) -> Rows<'_, (Party, Transport, u16, &'static str), Seen> {
        self.services.rows()
    }

    /// Who sent messages to whom in which protocol.
    pub fn spoken(&self) -> Rows<'_, PairKey, SpokenFact> {
        self.spoken.rows()
    }

    /// Between whom patient data went, in which protocol.
    pub fn patient_data(&self) -> Rows<'_, PairKey, PatientDataFact> {
        self.patient_data.rows()
    }

    /// Requests: between whom, by which word, of what.
    pub fn requests(&self) -> impl Iterator<Item = (&RequestKey, &str, &RequestFact)> {
        self.requests.rows().iter().flat_map(|(key, objects)| {
            objects
                .rows()
                .map(move |(object, fact)| (key, object.as_str(), fact))
        })
    }

    /// Openings of flows by what translation leaves alone.
    pub fn starts(&self) -> Rows<'_, StartKey, StartFact> {
        self.starts.rows()
    }

    /// Whether frames of this segment show no destination: told by the engine, or shown by
    /// packets whose sender's link-layer address is known and whose receiver's is not.
    pub fn is_cooked(&self, segment: Segment) -> bool {
        self.cooked.contains(&segment)
    }

    /// The name of an input file.
    pub fn file_name(&self, index: FileIndex) -> String {
        match self.files.get(&index) {
            Some(name) => name.clone(),
            None => format!("input {}", index.0),
        }
    }
}

/// At most [`VALUE_MAX`] bytes of a text, at a border between characters.
fn cut(text: &str) -> &str {
    let mut end = text.len().min(VALUE_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}
