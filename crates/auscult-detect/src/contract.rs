//! What a detector is: a record, a fold over events, and a conclusion from the facts.

use std::collections::{BTreeMap, BTreeSet};

use auscult_inventory::{Inventory, Ledger};
use auscult_model::report::{Capture, Finding, Health, Severity};
use auscult_model::{Event, PacketRef, Timestamp};

/// What `explain` and the documentation need to know about a rule.
#[derive(Debug)]
pub struct RuleRecord {
    /// Name of the rule.
    pub rule: &'static str,
    /// One line.
    pub title: &'static str,
    /// What the rule looks at and when it concludes.
    pub when: &'static str,
    /// The severity it can reach.
    pub worst: Severity,
    /// What looks alike and must not raise it, and how it is told apart.
    pub innocent: &'static [&'static str],
    /// ATT&CK techniques.
    pub attack: &'static [&'static str],
    /// CVE and advisory numbers.
    pub cves: &'static [&'static str],
    /// Documents behind it.
    pub sources: &'static [&'static str],
}

/// What a conclusion may look at besides the detector's own facts.
pub struct Context<'a> {
    /// Claims, conversations, neighbours, names, files' names.
    pub ledger: &'a Ledger,
    /// Devices, site, reach.
    pub inventory: &'a Inventory,
    /// The inputs.
    pub captures: &'a [Capture],
    /// Losses and limits.
    pub health: &'a Health,
}

/// One fact of a detector. Merging is commutative, associative and, for the same input twice,
/// changes nothing but `count`, which is kept per input by the state.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// First time.
    pub first: Timestamp,
    /// Last time.
    pub last: Timestamp,
    /// How often.
    pub count: u64,
    /// The earliest packets, at most [`Fact::PACKETS`], with what to see there.
    pub packets: BTreeSet<(Timestamp, PacketRef, &'static str)>,
    /// Named sets of texts, at most [`Fact::VALUES`] each.
    pub values: BTreeMap<&'static str, BTreeSet<String>>,
    /// Named maxima.
    pub maxima: BTreeMap<&'static str, i64>,
    /// The surest reading of it.
    pub confidence: f32,
}

impl Fact {
    /// Packets kept as evidence.
    pub const PACKETS: usize = 8;
    /// Texts kept of each name.
    pub const VALUES: usize = 64;

    /// From one event: its packets carry `note`.
    pub fn of(event: &Event, note: &'static str) -> Self {
        Fact {
            first: event.first,
            last: event.last,
            count: event.count,
            packets: BTreeSet::from([(event.first, event.last_packet, note)]),
            values: BTreeMap::new(),
            maxima: BTreeMap::new(),
            confidence: event.confidence,
        }
    }

    /// Adds a text to a named set.
    pub fn value(mut self, name: &'static str, text: impl Into<String>) -> Self {
        self.values.entry(name).or_default().insert(text.into());
        self
    }

    /// Raises a named maximum.
    pub fn maximum(mut self, name: &'static str, value: i64) -> Self {
        let highest = self.maxima.entry(name).or_insert(value);
        *highest = value.max(*highest);
        self
    }

    /// Texts of a name, sorted.
    pub fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.values
            .get(name)
            .into_iter()
            .flatten()
            .map(String::as_str)
    }

    /// Takes in another fact of the same key.
    pub fn merge(&mut self, other: &Fact) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.count = self.count.saturating_add(other.count);
        self.confidence = self.confidence.max(other.confidence);
        self.packets.extend(&other.packets);
        while self.packets.len() > Self::PACKETS {
            self.packets.pop_last();
        }
        for (name, texts) in &other.values {
            let known = self.values.entry(name).or_default();
            known.extend(texts.iter().cloned());
            while known.len() > Self::VALUES {
                known.pop_last();
            }
        }
        for (name, value) in &other.maxima {
            let highest = self.maxima.entry(name).or_insert(*value);
            *highest = (*value).max(*highest);
        }
    }
}

/// All facts of all detectors, bounded.
///
/// A key is made by the detector: who, whom, what, as a typed value of its own.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    table: BTreeMap<(&'static str, FactKey), Fact>,
    dropped: u64,
}

/// Who, whom and about what: enough for every detector, so that facts can be kept in a state.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FactKey {
    /// The side that acted.
    pub from: auscult_inventory::Party,
    /// The other side.
    pub to: auscult_inventory::Party,
    /// Port of the service, 0 when it does not matter.
    pub port: u16,
    /// Protocol.
    pub protocol: &'static str,
    /// What it is about (a rule's own word, a file's digest, an account).
    pub object: String,
}

impl Facts {
    /// Facts at a time, all rules together.
    pub const MAX: usize = 200_000;

    /// Adds a fact of a rule.
    pub fn add(&mut self, rule: &'static str, key: FactKey, fact: Fact) {
        let full = self.table.len() >= Self::MAX;
        match self.table.get_mut(&(rule, key.clone())) {
            Some(known) => known.merge(&fact),
            None if full => self.dropped += 1,
            None => {
                self.table.insert((rule, key), fact);
            }
        }
    }

    /// Facts of a rule, in order of their keys.
    pub fn of(&self, rule: &'static str) -> impl Iterator<Item = (&FactKey, &Fact)> {
        self.table
            .iter()
            .filter(move |((name, _), _)| *name == rule)
            .map(|((_, key), fact)| (key, fact))
    }

    /// Facts that found no room.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Takes in the facts of another part of the input.
    pub fn merge(&mut self, other: &Facts) {
        self.dropped += other.dropped;
        for ((rule, key), fact) in &other.table {
            self.add(rule, key.clone(), fact.clone());
        }
    }
}

/// A detector: one line of [`crate::ALL`].
pub trait Detector: Sync {
    /// Its record.
    fn record(&self) -> &'static RuleRecord;

    /// Adds what an event means to it to the facts.
    fn observe(&self, event: &Event, facts: &mut Facts);

    /// What the facts come to.
    fn conclude(&self, facts: &Facts, context: &Context<'_>) -> Vec<Finding>;
}
