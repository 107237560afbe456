//! Puts a finding together: who, whom, what, since when, by which packets.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use auscult_inventory::{Reach, Watched};
use auscult_model::report::details::Value;
use auscult_model::report::{Device, Evidence, Finding, Severity};
use auscult_model::{ConversationKey, ConversationSum, PacketRef, Timestamp};

use crate::grade::Grade;
use crate::view::look_at_service;
use crate::words::{count, duration, owner_words};
use crate::{Fact, FactKey, RuleRecord, View};

/// Packets shown with a finding.
const EVIDENCE: usize = 6;

/// A finding that is being written.
pub(crate) struct Draft {
    finding: Finding,
    /// By file and number.
    packets: BTreeMap<(String, u64), Evidence>,
}

impl Draft {
    /// A finding of a rule about `subject` (a device's id, or what else it is about) and an
    /// object.
    pub(crate) fn new(record: &'static RuleRecord, subject: &str, object: &str) -> Self {
        Draft {
            finding: Finding {
                attack: record.attack.iter().map(|&id| id.into()).collect(),
                ..unwritten(record.rule.into(), subject, object)
            },
            packets: BTreeMap::new(),
        }
    }

    /// About one device: its aliases give the finding aliases.
    pub(crate) fn about(
        record: &'static RuleRecord,
        device: Option<&Device>,
        fallback: IpAddr,
        object: &str,
    ) -> Self {
        let Some(device) = device else {
            return Draft::new(record, &fallback.to_string(), object);
        };
        let mut draft = Draft::new(record, &device.id, object);
        draft.finding.aliases = device
            .aliases
            .iter()
            .map(|alias| finding_id(record.rule, alias, object))
            .collect();
        draft.device(Some(device))
    }

    /// A device concerned.
    pub(crate) fn device(mut self, device: Option<&Device>) -> Self {
        if let Some(device) = device
            && !self.finding.devices.contains(&device.id)
        {
            self.finding.devices.push(device.id.clone());
        }
        self
    }

    /// The other side, with its owner where it belongs to somebody else.
    pub(crate) fn peer(mut self, peer: IpAddr, reach: Option<&Reach>) -> Self {
        self.finding.peer = Some(peer);
        if let Some(reach) = reach {
            self.finding.owner = owner_words(peer, reach.owner);
        }
        self
    }

    /// Title and sentences: for the nurse, for the admin.
    pub(crate) fn words(
        mut self,
        title: impl Into<String>,
        impact: impl Into<String>,
        action: impl Into<String>,
    ) -> Self {
        self.finding.title = title.into();
        self.finding.impact = impact.into();
        self.finding.action = action.into();
        self
    }

    /// A line of what was seen.
    pub(crate) fn seen(mut self, line: impl Into<String>) -> Self {
        self.finding.seen.push(line.into());
        self
    }

    /// For the director.
    pub(crate) fn director(mut self, text: impl Into<String>) -> Self {
        self.finding.director = Some(text.into());
        self
    }

    /// Innocent causes that remain.
    pub(crate) fn innocent(mut self, text: impl Into<String>) -> Self {
        self.finding.innocent = Some(text.into());
        self
    }

    /// CVE and advisory numbers.
    pub(crate) fn cves(mut self, numbers: &[&'static str]) -> Self {
        self.finding
            .cves
            .extend(numbers.iter().map(|&number| Cow::from(number)));
        self
    }

    /// How often and when.
    pub(crate) fn times(mut self, first: Timestamp, last: Timestamp, count: u64) -> Self {
        let finding = &mut self.finding;
        finding.first_seen = Some(finding.first_seen.map_or(first, |known| known.min(first)));
        finding.last_seen = Some(finding.last_seen.map_or(last, |known| known.max(last)));
        finding.count = finding.count.saturating_add(count);
        self
    }

    /// A value by name.
    pub(crate) fn detail(mut self, name: &str, value: Value) -> Self {
        self.finding.details.insert(name.to_owned(), value);
        self
    }

    /// A text by name.
    pub(crate) fn text(self, name: &str, text: impl Into<String>) -> Self {
        self.detail(name, Value::Text(text.into()))
    }

    /// Texts by name; nothing when there are none.
    pub(crate) fn texts<T: Into<String>>(
        self,
        name: &str,
        texts: impl IntoIterator<Item = T>,
    ) -> Self {
        let texts: Vec<String> = texts.into_iter().map(Into::into).collect();
        if texts.is_empty() {
            self
        } else {
            self.detail(name, Value::List(texts))
        }
    }

    /// A number by name.
    pub(crate) fn number(self, name: &str, number: u64) -> Self {
        self.detail(
            name,
            Value::Number(i64::try_from(number).unwrap_or(i64::MAX)),
        )
    }

    /// Where it went, how far, and what was watched.
    pub(crate) fn reach(mut self, reach: &Reach) -> Self {
        self = self
            .text("where", reach.place.word())
            .text("watched", watched_words(&reach.watched))
            .texts("where_because", reach.reasons.iter().cloned())
            .texts("where_limits", reach.notes.iter().cloned());
        if let Some(ms) = reach.round_trip_ms {
            self = self.text("round_trip_ms", format!("{ms:.1}"));
        }
        if let Some(km) = reach.distance_km {
            self = self.text("at_most_km", format!("{km:.0}"));
        }
        if let Some(partner) = &reach.partner {
            self = self.text("partner", partner.clone());
        }
        self
    }

    /// A packet; the first note about it stays.
    pub(crate) fn packet(
        mut self,
        view: &View<'_>,
        packet: PacketRef,
        note: &str,
        look: &str,
    ) -> Self {
        let evidence = view.evidence(packet, note, look);
        self.packets
            .entry((evidence.file.clone(), evidence.packet))
            .or_insert(evidence);
        self
    }

    /// The same with its time, for the story that it is part of.
    fn packet_at(
        mut self,
        view: &View<'_>,
        (packet, at): (PacketRef, Timestamp),
        note: &str,
        look: &str,
    ) -> Self {
        let evidence = view.evidence(packet, note, look);
        self.packets
            .entry((evidence.file.clone(), evidence.packet))
            .or_insert(Evidence {
                at: Some(at),
                ..evidence
            });
        self
    }

    /// Evidence that the inventory has already.
    pub(crate) fn shown(mut self, evidence: Evidence, note: &str) -> Self {
        let filter = format!("frame.number == {}", evidence.packet);
        let packet = (evidence.file.clone(), evidence.packet);
        self.packets.entry(packet).or_insert(Evidence {
            note: Some(note.to_owned()),
            filter: Some(filter),
            ..evidence
        });
        self
    }

    /// The packets of a fact, earliest first.
    pub(crate) fn packets_of(mut self, view: &View<'_>, fact: &Fact, look: &str) -> Self {
        let mut notes = BTreeSet::new();
        // One packet of each kind says more than eight of one.
        let (new, more): (Vec<_>, Vec<_>) = fact
            .packets
            .iter()
            .partition(|(_, _, note)| notes.insert(*note));
        for (time, packet, note) in new.into_iter().chain(more.into_iter().take(1)) {
            self = self.packet_at(view, (packet, time), note, look);
        }
        self
    }

    /// Facts of which the finding is made: their times, counts and packets.
    pub(crate) fn facts<'f>(
        mut self,
        view: &View<'_>,
        facts: impl IntoIterator<Item = &'f (&'f FactKey, &'f Fact)>,
    ) -> Self {
        for (key, fact) in facts {
            let service = view.service(key.from.ip, key.to.ip, key.protocol);
            let look = look_at_service(key.to.ip, service);
            self = self
                .times(fact.first, fact.last, fact.count)
                .packets_of(view, fact, &look);
        }
        self
    }

    /// A conversation of which the finding is made: its times, flows and packets.
    pub(crate) fn talk(
        mut self,
        view: &View<'_>,
        (key, sum): (&ConversationKey, &ConversationSum),
    ) -> Self {
        let look = look_at_service(key.responder, Some((key.transport, key.port)));
        self = self.times(sum.first, sum.last, sum.flows);
        self = self.packet_at(view, (sum.first_packet, sum.first), "begins", &look);
        let packets = [
            (sum.first_answer, "is answered"),
            (sum.first_payload, "first payload"),
        ];
        for (packet, note) in packets {
            if let Some(packet) = packet {
                self = self.packet(view, packet, note, &look);
            }
        }
        self
    }

    /// Finishes it with severity and confidence.
    pub(crate) fn finish(mut self, grade: Grade, confidence: f32) -> Finding {
        self.finding.severity = grade.severity;
        self.finding.reasons = grade.reasons;
        self.finding.weakened_by_loss = grade.weakened_by_loss;
        self.finding.confidence = (confidence.clamp(0.0, 0.99) * 100.0).round() / 100.0;
        self.finding.evidence = self.packets.into_values().take(EVIDENCE).collect();
        self.finding
    }
}

/// What was watched, for statements that rest on absence.
pub(crate) fn watched_words(watched: &Watched) -> String {
    let time = match (watched.first, watched.last) {
        (Some(first), Some(last)) => duration(last.since(first)),
        _ => "no time".to_owned(),
    };
    format!(
        "{time}: {} to this address, {} answered, {} seen in one direction only; {} answered \
         flows to others by the same way; {} answers of name services, {} of them name it",
        count(watched.flows as usize, "flow", "flows"),
        watched.answered,
        watched.one_sided,
        watched.path_answered,
        watched.name_answers,
        watched.names,
    )
}

/// A finding of a rule about `subject` and an object, of which nothing is said yet.
pub fn unwritten(rule: Cow<'static, str>, subject: &str, object: &str) -> Finding {
    Finding {
        id: finding_id(&rule, subject, object),
        aliases: Vec::new(),
        rule,
        severity: Severity::Info,
        reasons: Vec::new(),
        confidence: 0.0,
        title: String::new(),
        seen: Vec::new(),
        impact: String::new(),
        action: String::new(),
        director: None,
        innocent: None,
        devices: Vec::new(),
        peer: None,
        owner: None,
        attack: Vec::new(),
        cves: Vec::new(),
        first_seen: None,
        last_seen: None,
        count: 0,
        weakened_by_loss: false,
        decision: None,
        details: BTreeMap::new(),
        evidence: Vec::new(),
    }
}

/// FNV-1a of 64 bits: the same on every machine and in every version.
pub(crate) fn fnv_1a(bytes: impl Iterator<Item = u8>) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    bytes.fold(OFFSET, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(PRIME)
    })
}

/// `F-` and sixteen hexadecimal digits of FNV-1a (64 bits) over the parts; shortened later.
pub fn finding_id(rule: &str, subject: &str, object: &str) -> String {
    let parts = [rule, "\0", subject, "\0", object];
    let hash = fnv_1a(parts.iter().flat_map(|part| part.bytes()));
    // FNV leaves its high bits poor; the short id is cut from the front.
    let mixed = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("F-{:016x}", mixed ^ (mixed >> 29))
}
