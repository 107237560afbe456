//! What a detector is: a record, a fold over events, and a conclusion from the facts.

use std::collections::{BTreeMap, BTreeSet};

use auscult_inventory::{Inventory, Ledger};
use auscult_model::report::{Capture, Finding, Health, Severity};
use auscult_model::{Bound, Bounds, Event, FlowStart, PacketRef, Timestamp, Window};

use crate::View;

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

    /// From the opening of a connection: its packet carries `note`.
    pub fn of_opening(start: &FlowStart, note: &'static str) -> Self {
        Fact {
            first: start.time,
            last: start.time,
            count: 1,
            packets: BTreeSet::from([(start.time, start.packet, note)]),
            values: BTreeMap::new(),
            maxima: BTreeMap::new(),
            confidence: 1.0,
        }
    }

    /// Takes in another event, as if merged with a fact of it.
    fn again(&mut self, event: &Event, note: &'static str) {
        self.first = self.first.min(event.first);
        self.last = self.last.max(event.last);
        self.count = self.count.saturating_add(event.count);
        self.confidence = self.confidence.max(event.confidence);
        let packet = (event.first, event.last_packet, note);
        let is_full = self.packets.len() >= Self::PACKETS;
        if !is_full || self.packets.last().is_some_and(|last| packet < *last) {
            self.packets.insert(packet);
            while self.packets.len() > Self::PACKETS {
                self.packets.pop_last();
            }
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

/// All facts of all detectors, bounded: of each rule the smallest keys, as many as [`FACTS`] says.
///
/// When a rule's table is full its *largest* keys go: which keys are the smallest does not
/// depend on the order, the splitting or the merging of inputs, and neither does the number of
/// observations that were dropped.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    rules: BTreeMap<&'static str, BTreeMap<FactKey, Fact>>,
    max: usize,
    dropped: u64,
}

/// What detectors may keep.
pub static FACTS: Bound = Bound::with_memory(
    "facts",
    50_000,
    "facts of one rule",
    "the keys that sort last go, with their counts",
);

impl Default for Facts {
    fn default() -> Self {
        Facts::within(&Bounds::default())
    }
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
    /// Nothing known yet.
    pub fn within(bounds: &Bounds) -> Self {
        Facts {
            rules: BTreeMap::new(),
            max: bounds.of(&FACTS),
            dropped: 0,
        }
    }

    /// Adds a fact of a rule.
    pub fn add(&mut self, rule: &'static str, key: FactKey, fact: Fact) {
        self.add_within(rule, key, fact, self.max);
    }

    /// Adds an event without values; nothing is made when its key is known, as that of patient
    /// data is, which crosses every second.
    pub fn note(&mut self, rule: &'static str, key: FactKey, event: &Event, note: &'static str) {
        let known = self
            .rules
            .get_mut(rule)
            .and_then(|table| table.get_mut(&key));
        if let Some(known) = known {
            return known.again(event, note);
        }
        self.add(rule, key, Fact::of(event, note));
    }

    fn add_within(&mut self, rule: &'static str, key: FactKey, fact: Fact, max: usize) {
        let table = self.rules.entry(rule).or_default();
        match table.get_mut(&key) {
            Some(known) => known.merge(&fact),
            None => {
                table.insert(key, fact);
            }
        }
        if table.len() > max
            && let Some((_, gone)) = table.pop_last()
        {
            self.dropped = self.dropped.saturating_add(gone.count);
        }
    }

    /// Facts of a rule, in order of their keys.
    pub fn of(&self, rule: &'static str) -> impl Iterator<Item = (&FactKey, &Fact)> {
        self.rules.get(rule).into_iter().flatten()
    }

    /// Facts of a rule by what `by` makes of their keys, in that order.
    pub(crate) fn grouped<'f, K: Ord>(
        &'f self,
        rule: &'static str,
        by: impl Fn(&'f FactKey) -> K,
    ) -> impl Iterator<Item = Vec<(&'f FactKey, &'f Fact)>> {
        let mut groups: BTreeMap<K, Vec<_>> = BTreeMap::new();
        for (key, fact) in self.of(rule) {
            groups.entry(by(key)).or_default().push((key, fact));
        }
        groups.into_values()
    }

    /// Facts of all rules, in order.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, &FactKey, &Fact)> {
        let rules = self.rules.iter();
        rules.flat_map(|(rule, table)| table.iter().map(|(key, fact)| (*rule, key, fact)))
    }

    /// Observations that found no room.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Adds to those: what found no room elsewhere.
    pub(crate) fn drop_more(&mut self, observations: u64) {
        self.dropped = self.dropped.saturating_add(observations);
    }

    /// Keeps the facts of which some observation lies in a window of time.
    pub fn narrow(&mut self, window: Window) {
        for table in self.rules.values_mut() {
            table.retain(|_, fact| window.touches(fact.first, fact.last));
        }
    }

    /// Takes in the facts of another part of the input.
    pub fn merge(&mut self, other: &Facts) {
        self.dropped = self.dropped.saturating_add(other.dropped);
        for (rule, table) in &other.rules {
            for (key, fact) in table {
                self.add(rule, key.clone(), fact.clone());
            }
        }
    }
}

/// A detector: one line of [`crate::ALL`].
pub trait Detector: Sync {
    /// Its record.
    fn record(&self) -> &'static RuleRecord;

    /// Adds what an event means to it to the facts.
    fn observe(&self, event: &Event, facts: &mut Facts) {
        let _ = (event, facts);
    }

    /// Adds what the opening of a connection towards elsewhere means to it to the facts.
    fn opened(&self, start: &FlowStart, facts: &mut Facts) {
        let _ = (start, facts);
    }

    /// What the facts come to.
    fn conclude(&self, facts: &Facts, view: &View<'_>) -> Vec<Finding>;
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use auscult_inventory::Party;
    use auscult_model::{FileIndex, Segment};
    use proptest::prelude::*;

    use super::*;

    fn fact(number: u8, text: u8) -> (FactKey, Fact) {
        let party = Party {
            segment: Segment::UNTAGGED,
            ip: IpAddr::from([10, 0, 0, number % 7]),
            mac: None,
        };
        let key = FactKey {
            from: party,
            to: party,
            port: 0,
            protocol: "hl7",
            object: String::new(),
        };
        let time = Timestamp(i64::from(number) * 31 % 17);
        let packet = PacketRef {
            file: FileIndex(0),
            number: u64::from(number),
        };
        let fact = Fact {
            first: time,
            last: time,
            count: 1 + u64::from(text % 3),
            packets: BTreeSet::from([(time, packet, "note")]),
            values: BTreeMap::new(),
            maxima: BTreeMap::new(),
            confidence: f32::from(text) / 255.0,
        };
        let fact = fact.value("text", text.to_string());
        (key, fact.maximum("most", i64::from(text)))
    }

    fn table(observed: &[(u8, u8)]) -> Facts {
        let mut facts = Facts::default();
        for (number, text) in observed {
            let (key, fact) = fact(*number, *text);
            facts.add_within("rule", key, fact, 5);
        }
        facts
    }

    fn event(number: u64) -> Event {
        let end = auscult_model::Endpoint {
            segment: Segment::UNTAGGED,
            mac: None,
            ip: IpAddr::from([10, 0, 0, 1]),
            port: 0,
        };
        let packet = PacketRef {
            file: FileIndex(0),
            number: number * 7 % 13,
        };
        Event {
            protocol: "hl7",
            from: end,
            to: end,
            first_packet: packet,
            last_packet: packet,
            first: Timestamp(number as i64 * 5 % 11),
            last: Timestamp(number as i64),
            count: number,
            confidence: 1.0 / number as f32,
            meaning: auscult_model::Meaning::Malformed { what: "" },
            attributes: Vec::new(),
        }
    }

    #[test]
    fn a_noted_event_is_a_fact_merged() {
        let (key, _) = fact(1, 1);
        let (mut noted, mut merged) = (Facts::default(), Facts::default());
        for number in 1..=20 {
            let event = event(number);
            noted.note("rule", key.clone(), &event, "seen");
            merged.add("rule", key.clone(), Fact::of(&event, "seen"));
        }
        assert_eq!(noted, merged);
        assert_eq!(noted.of("rule").count(), 1);
    }

    proptest! {
        #[test]
        fn order_and_splits_do_not_matter(
            observed in prop::collection::vec((any::<u8>(), any::<u8>()), 0..200),
            cut in 0usize..200,
        ) {
            let whole = table(&observed);
            let mut backwards = observed.clone();
            backwards.reverse();
            prop_assert_eq!(&whole, &table(&backwards));
            let (a, b) = observed.split_at(cut.min(observed.len()));
            let (a, b) = (table(a), table(b));
            let mut merged = b;
            merged.dropped += a.dropped;
            for (key, fact) in a.of("rule") {
                merged.add_within("rule", key.clone(), fact.clone(), 5);
            }
            prop_assert_eq!(whole, merged);
        }
    }
}
