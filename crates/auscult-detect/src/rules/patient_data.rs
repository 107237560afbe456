//! Patient data that crossed in clear: the facts that two rules share, and which way it went.
//!
//! Patient data are identity fields that are filled in, or a patient's measurements, images or
//! results; a bed or a department alone is none. Limit: what is encrypted is not seen.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use auscult_inventory::{Party, PatientDataFact, Reach};
use auscult_model::{Event, Meaning, PhiKind};

use crate::{Fact, FactKey, Facts, View};

/// Name of the facts.
const FACTS: &str = "patient-data";

/// Keeps the packets that carried patient data.
pub(super) fn observe(event: &Event, facts: &mut Facts) {
    let Meaning::PatientData { kinds, .. } = &event.meaning else {
        return;
    };
    if !kinds.iter().any(|kind| is_patient_data(*kind)) {
        return;
    }
    let note = if kinds.iter().any(|kind| kind.identifies()) {
        "a patient's identity"
    } else if kinds.contains(&PhiKind::Image) {
        "a medical image"
    } else {
        "a patient's measurements or results"
    };
    let key = FactKey {
        from: event.from.into(),
        to: event.to.into(),
        port: 0,
        protocol: event.protocol,
        object: String::new(),
    };
    facts.note(FACTS, key, event, note);
}

fn is_patient_data(kind: PhiKind) -> bool {
    kind.identifies()
        || matches!(
            kind,
            PhiKind::VitalSigns | PhiKind::Waveform | PhiKind::Image | PhiKind::ClinicalData
        )
}

/// Patient data that went from one party to another in one protocol.
pub(super) struct Crossing<'a> {
    pub(super) from: Party,
    pub(super) to: Party,
    pub(super) protocol: &'static str,
    pub(super) fact: &'a Fact,
    /// Kinds and patients, as the ledger has them.
    known: Option<&'a PatientDataFact>,
    /// The side that is ours; the sender when neither is.
    pub(super) local: Party,
    /// The other side.
    pub(super) peer: Party,
    /// Where conversations of this protocol between the two went.
    pub(super) reach: Reach,
}

impl Crossing<'_> {
    /// The local side sent it.
    pub(super) fn is_outgoing(&self) -> bool {
        self.local == self.from
    }
}

/// All crossings.
pub(super) fn crossings<'a>(facts: &'a Facts, view: &View<'a>) -> Vec<Crossing<'a>> {
    facts
        .of(FACTS)
        .map(|(key, fact)| {
            let inbound = !view.is_local(key.from) && view.is_local(key.to);
            let (local, peer) = match inbound {
                true => (key.to, key.from),
                false => (key.from, key.to),
            };
            let pair = (key.protocol, key.from, key.to);
            Crossing {
                from: key.from,
                to: key.to,
                protocol: key.protocol,
                fact,
                known: view.ledger.patient_data().get(&pair),
                local,
                peer,
                reach: view.reach(local, peer.ip, Some(key.protocol)),
            }
        })
        .collect()
}

/// Kinds over several crossings.
pub(super) fn kinds(crossings: &[&Crossing<'_>]) -> BTreeSet<PhiKind> {
    let known = crossings.iter().filter_map(|crossing| crossing.known);
    known
        .flat_map(|known| known.kinds.iter().copied())
        .collect()
}

/// How many patients: `1`, or `at least n`; `None` when no message told them apart.
pub(super) fn patients(crossings: &[&Crossing<'_>]) -> Option<String> {
    let known = crossings.iter().filter_map(|crossing| crossing.known);
    let patients: BTreeSet<u64> = known
        .flat_map(|known| known.patients.iter().copied())
        .collect();
    match patients.len() {
        0 => None,
        1 => Some("1".to_owned()),
        // Numbers may be written in two ways for one patient, and the ledger keeps a bounded set.
        n => Some(format!("at least {n}")),
    }
}

/// Two addresses, in the order sender and receiver or the other way, and a protocol.
type Pair = (IpAddr, IpAddr, &'static str);

/// What crossings are seen against: messages taken by applications, and how many peers there are.
pub(super) struct Exchange {
    accepted: BTreeMap<Pair, u64>,
    outside: BTreeMap<(IpAddr, &'static str), BTreeSet<IpAddr>>,
}

impl Exchange {
    /// Adds up.
    pub(super) fn of(crossings: &[Crossing<'_>], view: &View<'_>) -> Self {
        let mut accepted: BTreeMap<Pair, u64> = BTreeMap::new();
        for ((from, to, protocol, _), _, fact) in view.ledger.requests() {
            *accepted.entry((from.ip, to.ip, protocol)).or_default() += fact.granted;
        }
        let mut outside: BTreeMap<_, BTreeSet<IpAddr>> = BTreeMap::new();
        for crossing in crossings {
            if crossing.reach.place.is_outside() {
                let peers = outside.entry((crossing.local.ip, crossing.protocol));
                peers.or_default().insert(crossing.peer.ip);
            }
        }
        Exchange { accepted, outside }
    }

    /// Messages of a crossing that the application at either end said it took: HL7's and
    /// DICOM's own answers.
    pub(super) fn accepted(&self, crossing: &Crossing<'_>) -> u64 {
        let (from, to, protocol) = (crossing.from.ip, crossing.to.ip, crossing.protocol);
        let of = |pair: Pair| self.accepted.get(&pair).copied().unwrap_or(0);
        of((from, to, protocol)) + of((to, from, protocol))
    }

    /// Addresses outside with which the local side exchanges patient data in this protocol.
    pub(super) fn peers(&self, crossing: &Crossing<'_>) -> usize {
        let peers = self.outside.get(&(crossing.local.ip, crossing.protocol));
        peers.map_or(0, BTreeSet::len)
    }
}
