//! Passes on what is new and counts what repeats.
//!
//! A monitor says its bed every few seconds and a name server answers the same question all day:
//! the world hears each once, and at ticks how often it was said since and when last, so that
//! counts and last-seen are exact.
//!
//! Limit: [`REMEMBERED`](crate::bounds::REMEMBERED); when full, the counts are sent and all is
//! forgotten, so that a statement may then pass as new once more.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher};
use std::net::IpAddr;

use auscult_model::{About, Endpoint, Event, Meaning, PacketRef, Timestamp};
use foldhash::quality::RandomState;

/// Most statements are made once: an event is kept only for those that were repeated since the
/// last report.
struct Held {
    from: Endpoint,
    to: Endpoint,
    first_packet: PacketRef,
    repeats: u64,
    /// Of the last repeat.
    last: Timestamp,
    /// See `last`.
    last_packet: PacketRef,
    /// The first repeat, without the texts and ranges that only the first report of a statement
    /// carries.
    again: Option<Box<Event>>,
}

/// Remembers what was said.
pub(crate) struct Suppressor {
    most: usize,
    /// How often all was forgotten.
    forgotten: u64,
    by_key: HashMap<u64, u32, RandomState>,
    /// In the order in which the statements were first made.
    held: Vec<Held>,
    hash: RandomState,
    suppressed: u64,
}

impl Suppressor {
    /// Remembers so many statements at most.
    pub(crate) fn new(most: usize) -> Self {
        Suppressor {
            most,
            forgotten: 0,
            by_key: HashMap::default(),
            held: Vec::new(),
            hash: RandomState::default(),
            suppressed: 0,
        }
    }

    /// How often there was no room for a new statement.
    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Statements counted instead of passed on.
    pub(crate) fn suppressed(&self) -> u64 {
        self.suppressed
    }

    /// The event if it is new. `full` receives the counts when there is no more room.
    pub(crate) fn pass(&mut self, event: Event, full: &mut Vec<Event>) -> Option<Event> {
        let key = self.key(&event);
        if let Some(held) = self
            .by_key
            .get(&key)
            .and_then(|index| self.held.get_mut(*index as usize))
        {
            held.repeat(event);
            self.suppressed += 1;
            return None;
        }
        if self.held.len() >= self.most {
            self.forgotten += 1;
            self.report(full);
            self.by_key.clear();
            self.held.clear();
        }
        self.by_key.insert(key, self.held.len() as u32);
        self.held.push(Held::new(&event));
        Some(event)
    }

    /// Counts since the last report, in the order in which the statements were first made.
    pub(crate) fn report(&mut self, into: &mut Vec<Event>) {
        for held in &mut self.held {
            if let Some(mut event) = held.again.take() {
                event.count = held.repeats;
                (event.from, event.to) = (held.from, held.to);
                event.first_packet = held.first_packet;
                (event.last, event.last_packet) = (held.last, held.last_packet);
                held.repeats = 0;
                into.push(*event);
            }
        }
    }

    /// What makes two statements the same: who, to whom at which service, what. Attributes and
    /// the ports of clients differ from message to message and do not count; nor does, where a
    /// statement is about one side or about a third party, the other side.
    fn key(&self, event: &Event) -> u64 {
        let mut hasher = self.hash.build_hasher();
        event.protocol.hash(&mut hasher);
        std::mem::discriminant(&event.meaning).hash(&mut hasher);
        let (from, to) = match &event.meaning {
            Meaning::Claim { about, .. } | Meaning::ServiceOffered { about, .. } => {
                (*about == About::Sender, *about == About::Receiver)
            }
            Meaning::AddressAssigned { .. }
            | Meaning::ClaimByMac { .. }
            | Meaning::NameAnswered { .. }
            | Meaning::NetworkDescribed { .. } => (true, false),
            _ => (true, true),
        };
        for (end, counts) in [(event.from, from), (event.to, to)] {
            if counts {
                hash_end(&end, &mut hasher);
            }
        }
        event.confidence.to_bits().hash(&mut hasher);
        hash_meaning(&event.meaning, &mut hasher);
        hasher.finish()
    }
}

/// Address, MAC and segment in a few wide writes.
fn hash_end(end: &Endpoint, hasher: &mut impl Hasher) {
    match end.ip {
        IpAddr::V4(ip) => hasher.write_u32(ip.to_bits()),
        IpAddr::V6(ip) => hasher.write_u128(ip.to_bits()),
    }
    let mac = end.mac.map_or(u64::MAX, |mac| {
        let [a, b, c, d, e, f] = mac.0;
        u64::from_be_bytes([0, 0, a, b, c, d, e, f])
    });
    let segment = &end.segment;
    let vlans = u64::from(segment.outer_vlan) << 16 | u64::from(segment.inner_vlan);
    hasher.write_u64(mac);
    hasher.write_u64(vlans << 32 | u64::from(segment.overlay));
    hasher.write_u16(segment.interface);
}

fn hash_meaning(meaning: &Meaning, hasher: &mut impl Hasher) {
    match meaning {
        Meaning::Claim {
            about,
            attribute,
            value,
        } => (about, attribute, value).hash(hasher),
        Meaning::ClaimByMac {
            mac,
            attribute,
            value,
        } => (mac, attribute, value).hash(hasher),
        Meaning::NameAnswered { name, addresses } => (name, addresses).hash(hasher),
        Meaning::AddressAssigned { mac, ip, how } => (mac, ip, how).hash(hasher),
        Meaning::NetworkDescribed {
            prefix,
            routers,
            name_servers,
        } => {
            (prefix, routers, name_servers).hash(hasher);
        }
        Meaning::Login {
            method,
            account,
            clear,
            accepted,
        } => {
            (method, account, clear, accepted).hash(hasher);
        }
        Meaning::File(file) => {
            (&file.name, file.size, file.sha256, file.complete).hash(hasher);
        }
        Meaning::PatientData { kinds, patient, .. } => (kinds, patient).hash(hasher),
        Meaning::Request {
            operation,
            object,
            granted,
        } => {
            (operation, object, granted).hash(hasher);
        }
        Meaning::SettingChanged {
            setting,
            acknowledged,
        } => (setting, acknowledged).hash(hasher),
        Meaning::Alarm { text } => text.hash(hasher),
        Meaning::ServiceOffered {
            about,
            transport,
            port,
            protocol,
        } => {
            (about, transport, port, protocol).hash(hasher);
        }
        Meaning::Malformed { what } => what.hash(hasher),
    }
}

impl Held {
    fn new(event: &Event) -> Self {
        Held {
            from: event.from,
            to: event.to,
            first_packet: event.first_packet,
            repeats: 0,
            last: event.last,
            last_packet: event.last_packet,
            again: None,
        }
    }

    fn repeat(&mut self, mut event: Event) {
        self.repeats += 1;
        self.last = self.last.max(event.last);
        self.last_packet = event.last_packet;
        if self.again.is_some() {
            return;
        }
        if let Meaning::PatientData { ranges, values, .. } = &mut event.meaning {
            *ranges = Vec::new();
            *values = Vec::new();
        }
        self.again = Some(Box::new(event));
    }
}
