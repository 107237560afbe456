//! Facts of detectors as they are kept between runs: plain rows, in order of their keys.

use std::collections::{BTreeMap, BTreeSet};

use auscult_inventory::Party;
use auscult_model::{PacketRef, Timestamp, Word};
use serde::{Deserialize, Serialize};

use crate::contract::{Fact, FactKey, Facts};

/// Named sets that hold texts learnt from traffic; the others hold our own words and digests.
const LEARNT: [&str; 3] = ["account", "name", "offer"];

/// All facts of all rules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredFacts {
    rows: Vec<Row>,
    #[serde(deserialize_with = "auscult_model::plausible_count")]
    dropped: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    rule: Word,
    from: Party,
    to: Party,
    port: u16,
    protocol: Word,
    object: String,
    first: Timestamp,
    last: Timestamp,
    #[serde(deserialize_with = "auscult_model::plausible_count")]
    count: u64,
    packets: Vec<(Timestamp, PacketRef, Word)>,
    values: Vec<(Word, BTreeSet<String>)>,
    maxima: Vec<(Word, i64)>,
    confidence: f32,
}

impl Facts {
    /// All facts. `text` gives back a text learnt from traffic as it may be kept.
    pub fn store(&self, text: &dyn Fn(&str) -> String) -> StoredFacts {
        let rows = self.all().map(|(rule, key, fact)| Row {
            rule: Word(rule),
            from: key.from,
            to: key.to,
            port: key.port,
            protocol: Word(key.protocol),
            object: object(&key.object, text),
            first: fact.first,
            last: fact.last,
            count: fact.count,
            packets: fact
                .packets
                .iter()
                .map(|(time, packet, note)| (*time, *packet, Word(note)))
                .collect(),
            values: fact
                .values
                .iter()
                .map(|(name, texts)| match LEARNT.contains(name) {
                    true => (Word(name), texts.iter().map(|value| text(value)).collect()),
                    false => (Word(name), texts.clone()),
                })
                .collect(),
            maxima: fact
                .maxima
                .iter()
                .map(|(name, value)| (Word(name), *value))
                .collect(),
            confidence: fact.confidence,
        });
        StoredFacts {
            rows: rows.collect(),
            dropped: self.dropped(),
        }
    }

    /// Takes in facts that were kept.
    pub fn restore(&mut self, kept: StoredFacts) {
        for row in kept.rows {
            let key = FactKey {
                from: row.from,
                to: row.to,
                port: row.port,
                protocol: row.protocol.0,
                object: row.object,
            };
            let fact = Fact {
                first: row.first,
                last: row.last,
                count: row.count,
                packets: row
                    .packets
                    .into_iter()
                    .map(|(t, packet, note)| (t, packet, note.0))
                    .collect(),
                values: named(row.values),
                maxima: named(row.maxima),
                confidence: row.confidence,
            };
            self.add(row.rule.0, key, fact);
        }
        self.drop_more(kept.dropped);
    }
}

/// An object is one of our own words, or the name of a file or of a zone.
fn object(object: &str, text: &dyn Fn(&str) -> String) -> String {
    match object.split_once(' ') {
        Some((of @ ("file" | "zone"), name)) => format!("{of} {}", text(name)),
        _ => object.to_owned(),
    }
}

fn named<V>(values: Vec<(Word, V)>) -> BTreeMap<&'static str, V> {
    values
        .into_iter()
        .map(|(name, value)| (name.0, value))
        .collect()
}
