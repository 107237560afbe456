//! A ledger as it is kept between runs: all facts as plain rows, in order of their keys.
//!
//! Rows hold [`Word`]s where the ledger has words of the program, and no positions in memory.
//! Texts learnt from traffic go through a function of the caller, which masks what is a patient's.
//! Limits of the ledger that reads them hold again: what finds no room is counted.

use std::net::IpAddr;

use auscult_model::{
    Assignment, ConversationKey, ConversationSum, FileIndex, MacAddr, NeighbourKey, NeighbourSum,
    Outcome, Segment, Transport, Word,
};
use serde::{Deserialize, Serialize};

use crate::facts::{
    ClaimFact, Party, PatientDataFact, RequestFact, Seen, SpokenFact, StartFact, Subject,
};
use crate::ledger::{Described, Ledger, Limits, StartKey};
use crate::presence::Presence;
use crate::table::{Fact, Few, Table};

/// Rows of one table, and how many observations found no room in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Kept<R> {
    rows: Vec<R>,
    #[serde(deserialize_with = "auscult_model::plausible_count")]
    dropped: u64,
}

/// Rows of one key, likewise.
type Each<K, V> = Kept<(K, V)>;
/// Values of an attribute, with their sources.
type Values = Each<(String, Word), ClaimFact>;
/// Names of an address, with who gave them.
type Names = Each<(String, IpAddr), Seen>;
/// Who asked whom in which protocol by which word.
type Asked = (Party, Party, Word, Word);

/// [`ConversationKey`] without the hour.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Conversation {
    segment: Segment,
    originator: IpAddr,
    originator_mac: Option<MacAddr>,
    responder: IpAddr,
    responder_mac: Option<MacAddr>,
    transport: Transport,
    port: u16,
    protocol: Word,
    outcome: Outcome,
}

/// All facts of a [`Ledger`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredLedger {
    claims: Kept<(Subject, Word, Values)>,
    conversations: Kept<(Conversation, ConversationSum)>,
    neighbours: Kept<(NeighbourKey, NeighbourSum)>,
    presence: Kept<((Segment, MacAddr), Presence)>,
    starts: Kept<(StartKey, StartFact)>,
    names: Kept<(IpAddr, Names)>,
    lookups: Kept<(Word, Seen)>,
    assignments: Kept<((MacAddr, IpAddr, Assignment, Segment), Seen)>,
    networks: Kept<((Segment, Described), Seen)>,
    services: Kept<((Party, Transport, u16, Word), Seen)>,
    spoken: Kept<((Word, Party, Party), SpokenFact)>,
    patient_data: Kept<((Word, Party, Party), PatientDataFact)>,
    requests: Kept<(Asked, Each<String, RequestFact>)>,
    cooked: Vec<Segment>,
    files: Vec<(FileIndex, String)>,
}

fn keep<K, V, R>(table: &Table<K, V>, mut row: impl FnMut(&K, &V) -> R) -> Kept<R>
where
    K: Ord + std::hash::Hash + Clone,
    V: Fact,
{
    Kept {
        rows: table
            .rows()
            .iter()
            .map(|(key, fact)| row(key, fact))
            .collect(),
        dropped: table.dropped(),
    }
}

fn keep_each<K, V, R>(few: &Few<K, V>, mut row: impl FnMut(&K, &V) -> R) -> Kept<R>
where
    K: Ord + Clone,
    V: Fact + Clone,
{
    Kept {
        rows: few.rows().map(|(key, fact)| row(key, fact)).collect(),
        dropped: few.dropped(),
    }
}

/// A table again, each row made by `row`.
fn table<K, V, R>(kept: Kept<R>, cap: usize, mut row: impl FnMut(R) -> (K, V)) -> Table<K, V>
where
    K: Ord + std::hash::Hash + Clone,
    V: Fact,
{
    let mut table = Table::new(cap);
    for kept in kept.rows {
        let (key, fact) = row(kept);
        table.add(key, fact);
    }
    table.drop_more(kept.dropped);
    table
}

fn few<K, V, R>(kept: Kept<R>, cap: usize, mut row: impl FnMut(R) -> (K, V)) -> Few<K, V>
where
    K: Ord + Clone,
    V: Fact + Clone,
{
    let mut few = Few::new(cap);
    for kept in kept.rows {
        let (key, fact) = row(kept);
        few.add(key, fact);
    }
    few.drop_more(kept.dropped);
    few
}

impl Ledger {
    /// All facts. `text` gives back a text learnt from traffic as it may be kept; for values of
    /// claims it is told the attribute.
    pub fn store(&self, text: &dyn Fn(Option<&'static str>, &str) -> String) -> StoredLedger {
        StoredLedger {
            claims: keep(&self.claims, |(subject, attribute), values| {
                let values = keep_each(values, |(value, source), fact| {
                    ((text(Some(attribute), value), Word(source)), *fact)
                });
                (*subject, Word(attribute), values)
            }),
            conversations: keep(&self.conversations, |ranked, sum| {
                (Conversation::of(&ranked.key()), sum.as_ref().clone())
            }),
            neighbours: keep(&self.neighbours, |key, sum| (*key, sum.clone())),
            presence: keep(&self.presence, |key, times| (*key, times.clone())),
            starts: keep(&self.starts, |key, legs| (*key, legs.clone())),
            names: keep(&self.names, |ip, names| {
                let names = keep_each(names, |(name, by), seen| ((text(None, name), *by), *seen));
                (*ip, names)
            }),
            lookups: keep(&self.lookups, |protocol, seen| (Word(protocol), *seen)),
            assignments: keep(&self.assignments, |key, seen| (*key, *seen)),
            networks: keep(&self.networks, |key, seen| (*key, *seen)),
            services: keep(
                &self.services,
                |(party, transport, port, protocol), seen| {
                    ((*party, *transport, *port, Word(protocol)), *seen)
                },
            ),
            spoken: keep(&self.spoken, |(protocol, from, to), fact| {
                ((Word(protocol), *from, *to), *fact)
            }),
            patient_data: keep(&self.patient_data, |(protocol, from, to), fact| {
                ((Word(protocol), *from, *to), fact.clone())
            }),
            requests: keep(
                &self.requests,
                |(from, to, protocol, operation), objects| {
                    let objects = keep_each(objects, |object, fact| (text(None, object), *fact));
                    ((*from, *to, Word(protocol), Word(operation)), objects)
                },
            ),
            cooked: self.cooked.iter().copied().collect(),
            files: self
                .files
                .iter()
                .map(|(at, name)| (*at, name.clone()))
                .collect(),
        }
    }

    /// A ledger of facts that were kept.
    pub fn restore(kept: StoredLedger, limits: Limits) -> Ledger {
        let mut ledger = Ledger::new(limits);
        ledger.claims = table(
            kept.claims,
            limits.claims,
            |(subject, attribute, values)| {
                let values = few(values, limits.values, |((value, source), fact)| {
                    ((value, source.0), fact)
                });
                ((subject, attribute.0), values)
            },
        );
        let dropped = kept.conversations.dropped;
        for (key, sum) in kept.conversations.rows {
            ledger.conversation(&key.key(), &sum);
        }
        ledger.conversations.drop_more(dropped);
        ledger.neighbours = table(kept.neighbours, limits.neighbours, |row| row);
        // Sums of whole days would make them look heard all day.
        ledger.presence = table(kept.presence, limits.presence, |row| row);
        ledger.starts = table(kept.starts, limits.starts, |row| row);
        ledger.names = table(kept.names, limits.names, |(ip, names)| {
            (ip, few(names, limits.names_each, |row| row))
        });
        ledger.lookups = table(kept.lookups, limits.networks, |(word, seen)| (word.0, seen));
        ledger.assignments = table(kept.assignments, limits.assignments, |row| row);
        ledger.networks = table(kept.networks, limits.networks, |row| row);
        ledger.services = table(kept.services, limits.services, |(key, seen)| {
            let (party, transport, port, protocol) = key;
            ((party, transport, port, protocol.0), seen)
        });
        ledger.spoken = table(
            kept.spoken,
            limits.spoken,
            |((protocol, from, to), fact)| ((protocol.0, from, to), fact),
        );
        let pairs = kept.patient_data;
        ledger.patient_data = table(
            pairs,
            limits.patient_data,
            |((protocol, from, to), fact)| ((protocol.0, from, to), fact),
        );
        ledger.requests = table(kept.requests, limits.requests, |(key, objects)| {
            let (from, to, protocol, operation) = key;
            let objects = few(objects, limits.objects, |row| row);
            ((from, to, protocol.0, operation.0), objects)
        });
        ledger.cooked = kept.cooked.into_iter().collect();
        ledger.files = kept.files.into_iter().collect();
        ledger
    }
}

impl Conversation {
    fn of(key: &ConversationKey) -> Self {
        Conversation {
            segment: key.segment,
            originator: key.originator,
            originator_mac: key.originator_mac,
            responder: key.responder,
            responder_mac: key.responder_mac,
            transport: key.transport,
            port: key.port,
            protocol: Word(key.protocol),
            outcome: key.outcome,
        }
    }

    fn key(&self) -> ConversationKey {
        ConversationKey {
            segment: self.segment,
            originator: self.originator,
            originator_mac: self.originator_mac,
            responder: self.responder,
            responder_mac: self.responder_mac,
            transport: self.transport,
            port: self.port,
            protocol: self.protocol.0,
            outcome: self.outcome,
            hour: 0,
        }
    }
}
