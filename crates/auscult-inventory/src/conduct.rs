//! What each device did, in the words that signatures ask about.
//!
//! Built from messages (who sent what to whom), sums of conversations (payload by side), requests,
//! announced services and claims. Ports are kept for hints only.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use auscult_model::{ConversationKey, ConversationSum, Outcome, PhiKind, Timestamp, Transport};

use crate::cluster::Clusters;
use crate::facts::{Seen, Subject};
use crate::ledger::Ledger;
use crate::links::{Links, answer_mac, responder_segment};
use crate::site::is_group;
use crate::{Party, facts::real};

/// A protocol was told apart in a conversation, without a message that says who it is from.
const BY_PAYLOAD: f32 = 0.8;

/// What one device did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conduct {
    /// Protocols of which it sent messages, and how sure that is.
    pub(crate) sends: BTreeMap<&'static str, f32>,
    /// Protocols of which it got messages, from whom, and how sure that is.
    pub(crate) receives: BTreeMap<&'static str, (f32, BTreeSet<IpAddr>)>,
    /// Protocols it answered in as the side that was spoken to.
    pub(crate) serves: BTreeMap<&'static str, BTreeSet<IpAddr>>,
    /// Protocols it was answered in as the side that began.
    pub(crate) uses: BTreeSet<&'static str>,
    /// Requests it made: protocol, operation, object.
    pub(crate) requests: BTreeSet<(&'static str, &'static str, String)>,
    /// Requests it got: protocol, operation.
    pub(crate) asked: BTreeSet<(&'static str, &'static str)>,
    /// Claims about it: by attribute the values in small letters, with their surest reading.
    pub(crate) claims: BTreeMap<&'static str, BTreeMap<String, f32>>,
    /// Whom it tried to reach, on which port of theirs.
    pub(crate) tried: BTreeSet<(IpAddr, u16)>,
    /// For whom it asked by ARP.
    pub(crate) asked_for: BTreeSet<IpAddr>,
    /// Services: transport, port, protocol.
    pub(crate) services: BTreeSet<(Transport, u16, &'static str)>,
    /// Kinds of patient data it sent or got.
    pub(crate) patient_data: BTreeSet<PhiKind>,
    /// When it was seen.
    pub(crate) first: Option<Timestamp>,
    /// See `first`.
    pub(crate) last: Option<Timestamp>,
    /// It is there to pass packets on for others.
    pub(crate) router: bool,
}

impl Conduct {
    fn there(&mut self, first: Timestamp, last: Timestamp) {
        self.first = Some(self.first.map_or(first, |t| t.min(first)));
        self.last = Some(self.last.map_or(last, |t| t.max(last)));
    }

    /// Who began a flow can be read the wrong way round (captures that begin in the middle, both
    /// ports low); requests cannot. Who only asks in a protocol does not serve it.
    fn clients_are_no_servers(&mut self) {
        let only_asks: BTreeSet<&str> = self
            .requests
            .iter()
            .map(|(protocol, ..)| *protocol)
            .filter(|protocol| !self.asked.iter().any(|(asked, _)| asked == protocol))
            .collect();
        self.serves
            .retain(|protocol, _| !only_asks.contains(protocol));
        self.services
            .retain(|(.., protocol)| !only_asks.contains(protocol));
    }
}

/// What each of the clusters did, in their order.
pub(crate) fn observe(ledger: &Ledger, links: &Links, clusters: &Clusters) -> Vec<Conduct> {
    let mut observing = Observing {
        links,
        clusters,
        conducts: vec![Conduct::default(); clusters.all.len()],
    };
    for (cluster, conduct) in clusters.all.iter().zip(&mut observing.conducts) {
        conduct.router = cluster.router && cluster.cards.iter().any(|card| links.routes(card));
        for card in cluster.cards.iter().filter_map(|key| links.cards.get(key)) {
            if let (false, Some(first), Some(last)) = (cluster.is_unit(), card.first, card.last) {
                conduct.there(first, last);
            }
        }
    }
    for (key, sum) in ledger.conversations() {
        observing.conversation(key, sum);
    }
    observing.messages(ledger);
    observing.claims(ledger);
    observing.neighbours(ledger);
    for conduct in &mut observing.conducts {
        conduct.clients_are_no_servers();
    }
    observing.conducts
}

struct Observing<'a> {
    links: &'a Links,
    clusters: &'a Clusters,
    conducts: Vec<Conduct>,
}

impl Observing<'_> {
    fn of(&mut self, party: Party) -> Option<&mut Conduct> {
        let at = self.clusters.of_party(self.links, party)?;
        self.conducts.get_mut(at)
    }

    fn seen(&mut self, party: Party, seen: Seen) -> Option<&mut Conduct> {
        let conduct = self.of(party)?;
        conduct.there(seen.first, seen.last);
        Some(conduct)
    }

    fn conversation(&mut self, key: &ConversationKey, sum: &ConversationSum) {
        let originator = Party {
            segment: key.segment,
            ip: key.originator,
            mac: real(key.originator_mac),
        };
        let responder = Party {
            segment: responder_segment(key, sum),
            ip: key.responder,
            mac: real(answer_mac(key, sum)),
        };
        let named = key.protocol != "unknown";
        let answered = key.outcome == Outcome::Answered;
        let [to_responder, to_originator] = sum.payload.map(|bytes| bytes > 0);
        if let Some(conduct) = self.of(originator) {
            conduct.there(sum.first, sum.last);
            if !is_group(key.responder) {
                conduct.tried.insert((key.responder, key.port));
            }
            if named && to_responder {
                raise(&mut conduct.sends, key.protocol, BY_PAYLOAD);
            }
            if named && to_originator {
                receive(conduct, key.protocol, BY_PAYLOAD, key.responder);
            }
            if named && answered {
                conduct.uses.insert(key.protocol);
            }
        }
        if is_group(key.responder) {
            return;
        }
        if let Some(conduct) = self.of(responder) {
            if answered {
                conduct.there(sum.first, sum.last);
                if has_services(key.transport) && (named || key.transport == Transport::Tcp) {
                    conduct
                        .services
                        .insert((key.transport, key.port, key.protocol));
                }
            }
            if named && to_originator {
                raise(&mut conduct.sends, key.protocol, BY_PAYLOAD);
                let clients = conduct.serves.entry(key.protocol).or_default();
                clients.insert(key.originator);
            }
            if named && to_responder {
                receive(conduct, key.protocol, BY_PAYLOAD, key.originator);
            }
        }
    }

    fn messages(&mut self, ledger: &Ledger) {
        for ((protocol, from, to), fact) in ledger.spoken() {
            if let Some(conduct) = self.seen(*from, fact.seen) {
                raise(&mut conduct.sends, protocol, fact.confidence);
            }
            if let Some(conduct) = self.of(*to) {
                receive(conduct, protocol, fact.confidence, from.ip);
            }
        }
        for ((_, from, to), fact) in ledger.patient_data() {
            if let Some(conduct) = self.seen(*from, fact.seen) {
                conduct.patient_data.extend(&fact.kinds);
            }
            if let Some(conduct) = self.of(*to) {
                conduct.patient_data.extend(&fact.kinds);
            }
        }
        for ((from, to, protocol, operation), object, fact) in ledger.requests() {
            if let Some(conduct) = self.seen(*from, fact.seen) {
                conduct
                    .requests
                    .insert((protocol, operation, object.to_owned()));
            }
            if let Some(conduct) = self.of(*to) {
                conduct.asked.insert((protocol, operation));
            }
        }
        for ((party, transport, port, protocol), seen) in ledger.services() {
            if let Some(conduct) = self.seen(*party, *seen) {
                conduct.services.insert((*transport, *port, protocol));
                conduct.serves.entry(protocol).or_default();
            }
        }
    }

    fn claims(&mut self, ledger: &Ledger) {
        for (subject, attribute, value, _, fact) in ledger.claims() {
            for at in self.clusters.of_subject(self.links, subject) {
                if let Some(conduct) = self.conducts.get_mut(at) {
                    if matches!(subject, Subject::Mac(_)) {
                        conduct.there(fact.seen.first, fact.seen.last);
                    }
                    let values = conduct.claims.entry(attribute).or_default();
                    raise(values, value.to_lowercase(), fact.confidence);
                }
            }
        }
    }

    fn neighbours(&mut self, ledger: &Ledger) {
        for (key, sum) in ledger.neighbours() {
            let asker = Party {
                segment: key.segment,
                ip: key.asker_ip,
                mac: real(Some(key.asker_mac)),
            };
            if let Some(conduct) = self.of(asker) {
                conduct.there(sum.first, sum.last);
                if key.asker_ip != key.target {
                    conduct.asked_for.insert(key.target);
                }
            }
        }
    }
}

/// Transports with ports, on which a service can be offered.
fn has_services(transport: Transport) -> bool {
    matches!(transport, Transport::Tcp | Transport::Udp | Transport::Sctp)
}

fn raise<K: Ord>(map: &mut BTreeMap<K, f32>, key: K, confidence: f32) {
    let known = map.entry(key).or_insert(0.0);
    *known = known.max(confidence);
}

fn receive(conduct: &mut Conduct, protocol: &'static str, confidence: f32, from: IpAddr) {
    let known = conduct.receives.entry(protocol).or_default();
    known.0 = known.0.max(confidence);
    known.1.insert(from);
}
