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

use auscult_model::{
    About, ByDigest, Endpoint, Event, Meaning, PacketRef, Timestamp, hash_ip, hash_mac,
};
use foldhash::quality::RandomState;

use crate::statement::Statement;

/// Says of a statement that it was made once so far, as most are.
const ONCE: u32 = u32::MAX;

/// A statement that was repeated since the last report.
struct Repeated {
    times: u64,
    /// Of the last repeat.
    last: Timestamp,
    /// See `last`.
    last_packet: PacketRef,
    /// The first repeat, without the texts and ranges that only the first report of a statement
    /// carries.
    event: Option<Box<Event>>,
}

/// Remembers what was said.
pub(crate) struct Suppressor {
    most: usize,
    /// How often all was forgotten.
    forgotten: u64,
    /// Place in `repeated`, or [`ONCE`].
    by_key: HashMap<u64, u32, ByDigest>,
    /// In the order in which statements were first repeated.
    repeated: Vec<Repeated>,
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
            repeated: Vec::new(),
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
    pub(crate) fn pass(
        &mut self,
        statement: impl Statement,
        full: &mut Vec<Event>,
    ) -> Option<Event> {
        let key = self.key(&statement);
        if let Some(place) = self.by_key.get_mut(&key) {
            self.suppressed += 1;
            match self.repeated.get_mut(*place as usize) {
                Some(repeated) => repeated.again(statement),
                None => {
                    *place = self.repeated.len() as u32;
                    self.repeated.push(Repeated::new(statement));
                }
            }
            return None;
        }
        if self.by_key.len() >= self.most {
            self.forgotten += 1;
            self.report(full);
            self.by_key.clear();
            self.repeated.clear();
        }
        self.by_key.insert(key, ONCE);
        Some(statement.into_event())
    }

    /// Counts since the last report, in the order in which the statements were first repeated.
    pub(crate) fn report(&mut self, into: &mut Vec<Event>) {
        for repeated in &mut self.repeated {
            if let Some(mut event) = repeated.event.take() {
                event.count = repeated.times;
                (event.last, event.last_packet) = (repeated.last, repeated.last_packet);
                repeated.times = 0;
                into.push(*event);
            }
        }
    }

    /// What makes two statements the same: who, to whom at which service, what. Attributes and
    /// the ports of clients differ from message to message and do not count; nor does, where a
    /// statement is about one side or about a third party, the other side.
    fn key(&self, statement: &impl Statement) -> u64 {
        let meaning = statement.meaning();
        let mut hasher = self.hash.build_hasher();
        statement.protocol().hash(&mut hasher);
        std::mem::discriminant(meaning).hash(&mut hasher);
        let (from, to) = match meaning {
            Meaning::Claim { about, .. } | Meaning::ServiceOffered { about, .. } => {
                (*about == About::Sender, *about == About::Receiver)
            }
            Meaning::AddressAssigned { .. }
            | Meaning::ClaimByMac { .. }
            | Meaning::NameAnswered { .. }
            | Meaning::NetworkDescribed { .. } => (true, false),
            _ => (true, true),
        };
        let [sender, receiver] = statement.ends();
        for (end, counts) in [(sender, from), (receiver, to)] {
            if counts {
                hash_end(end, &mut hasher);
            }
        }
        statement.confidence().to_bits().hash(&mut hasher);
        hash_meaning(meaning, &mut hasher);
        hasher.finish()
    }
}

/// Address, MAC and segment, without the port.
fn hash_end(end: &Endpoint, hasher: &mut impl Hasher) {
    hash_ip(end.ip, hasher);
    hash_mac(end.mac, hasher);
    end.segment.hash(hasher);
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

impl Repeated {
    fn new(statement: impl Statement) -> Self {
        let at = statement.last();
        let mut repeated = Repeated {
            times: 0,
            last: at.time,
            last_packet: at.packet,
            event: None,
        };
        repeated.again(statement);
        repeated
    }

    fn again(&mut self, statement: impl Statement) {
        let at = statement.last();
        self.times += 1;
        self.last = self.last.max(at.time);
        self.last_packet = at.packet;
        if self.event.is_some() {
            return;
        }
        let mut event = statement.into_event();
        if let Meaning::PatientData { ranges, values, .. } = &mut event.meaning {
            *ranges = Vec::new();
            *values = Vec::new();
        }
        self.event = Some(Box::new(event));
    }
}
