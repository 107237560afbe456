//! Something that is on a list of the user's was seen: an address, a name, a file, a fingerprint.
//!
//! Source: the list. Limits: what is on a list may be wrong or old, and addresses change hands;
//! names inside TLS without a name, and files that did not cross whole, are not compared.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use auscult_inventory::{Party, Subject};
use auscult_model::report::{Finding, Severity};
use auscult_model::{Event, Meaning, PacketRef, Timestamp, hex};

use crate::draft::Draft;
use crate::grade::Grade;
use crate::stake::{Stake, stake};
use crate::view::{look_at, originator, responder};
use crate::words::list;
use crate::{Detector, Fact, FactKey, Facts, RuleRecord, View};

static RECORD: RuleRecord = RuleRecord {
    rule: "indicator",
    title: "Something on your list of indicators was seen",
    when: "A device of ours talked to an address on the list given with --indicators, asked for or \
           used a name on it, greeted by TLS with a fingerprint on it, or a file on it crossed.",
    worst: Severity::High,
    innocent: &[
        "An address that changed hands since the list was made; a shared host.",
        "Nobody answered: low.",
        "Guests: info.",
    ],
    attack: &[],
    cves: &[],
    sources: &["the list that was given"],
};

/// The detector.
pub(super) struct Indicator;

/// One sighting.
struct Sighting {
    party: Party,
    /// The entry of the list.
    entry: String,
    peer: Option<IpAddr>,
    answered: bool,
    /// What was seen, in words.
    how: &'static str,
    times: (Timestamp, Timestamp, u64),
    packet: PacketRef,
}

impl Detector for Indicator {
    fn record(&self) -> &'static RuleRecord {
        &RECORD
    }

    fn observe(&self, event: &Event, facts: &mut Facts) {
        let Meaning::File(file) = &event.meaning else {
            return;
        };
        let Some(digest) = file.sha256 else {
            return;
        };
        let key = FactKey {
            from: file.to.into(),
            to: file.from.into(),
            port: 0,
            protocol: file.protocol,
            object: hex(&digest),
        };
        facts.add(RECORD.rule, key, Fact::of(event, "last bytes of the file"));
    }

    fn conclude(&self, facts: &Facts, view: &View<'_>) -> Vec<Finding> {
        if view.inventory.options().indicators.is_empty() {
            return Vec::new();
        }
        let mut groups: BTreeMap<(String, String), Vec<Sighting>> = BTreeMap::new();
        let seen = files(facts, view).chain(talks(view)).chain(claims(view));
        for sighting in seen.filter(|sighting| view.is_local(sighting.party)) {
            let group = (view.who(sighting.party), sighting.entry.clone());
            groups.entry(group).or_default().push(sighting);
        }
        groups
            .values()
            .filter_map(|seen| finding(view, seen))
            .collect()
    }
}

fn files<'a>(facts: &'a Facts, view: &'a View<'_>) -> impl Iterator<Item = Sighting> + 'a {
    let listed = &view.inventory.options().indicators.files;
    let crossed = facts.of(RECORD.rule);
    let crossed = crossed.filter(|(key, _)| listed.contains(&key.object));
    crossed.flat_map(|(key, fact)| {
        let sighting = |party: Party, peer: Party| Sighting {
            party,
            entry: key.object.clone(),
            peer: Some(peer.ip),
            answered: true,
            how: "a file of this content crossed",
            times: (fact.first, fact.last, fact.count),
            packet: fact
                .packets
                .first()
                .map_or_else(PacketRef::default, |(_, packet, _)| *packet),
        };
        // The reader, when it is ours; else whoever gave it.
        [sighting(key.from, key.to), sighting(key.to, key.from)]
    })
}

fn talks<'a>(view: &'a View<'_>) -> impl Iterator<Item = Sighting> + 'a {
    let indicators = &view.inventory.options().indicators;
    view.ledger.conversations().flat_map(move |(key, sum)| {
        let sides = [
            (originator(key), key.responder),
            (responder(key), key.originator),
        ];
        sides.into_iter().filter_map(move |(party, peer)| {
            let by_name = || {
                let names = view.names(peer);
                names
                    .into_iter()
                    .find_map(|name| indicators.named(name).map(str::to_owned))
            };
            let entry = indicators.address(peer).or_else(by_name)?;
            Some(Sighting {
                party,
                entry,
                peer: Some(peer),
                answered: key.outcome == auscult_model::Outcome::Answered,
                how: "packets between the two",
                times: (sum.first, sum.last, sum.flows),
                packet: sum.first_packet,
            })
        })
    })
}

fn claims<'a>(view: &'a View<'_>) -> impl Iterator<Item = Sighting> + 'a {
    let listed = &view.inventory.options().indicators.fingerprints;
    let claims = view.ledger.claims();
    claims.filter_map(|(subject, attribute, value, _, fact)| {
        let Subject::Party(party) = subject else {
            return None;
        };
        let fits = matches!(attribute, "ja3" | "ja4") && listed.contains(value);
        fits.then(|| Sighting {
            party,
            entry: value.to_owned(),
            peer: None,
            answered: true,
            how: "greets by TLS with this fingerprint",
            times: (fact.seen.first, fact.seen.last, fact.seen.count),
            packet: fact.seen.packets[1],
        })
    })
}

fn finding(view: &View<'_>, seen: &[Sighting]) -> Option<Finding> {
    let first = seen.first()?;
    let answered = seen.iter().any(|sighting| sighting.answered);
    let stake = stake(view.role(first.party));
    let severity = match (answered, stake) {
        (false, _) => Severity::Low,
        (true, Stake::Bedside | Stake::Medical | Stake::Embedded) => Severity::High,
        (true, Stake::Unknown | Stake::Office) => Severity::Medium,
    };
    let mut grade = Grade::new(
        severity,
        format!("{} and an entry of your list", stake.words()),
    );
    if !answered {
        grade.note("nobody was seen to answer");
    }
    grade.cap_by_network(view, &[first.party.ip]);
    let device = view.device(first.party);
    let name = view.name(first.party);
    let mut draft = Draft::about(&RECORD, device, first.party.ip, &first.entry)
        .text("entry", first.entry.as_str())
        .texts("kinds", seen.iter().map(|s| s.how).collect::<BTreeSet<_>>());
    if let Some(peer) = first.peer {
        let reach = view.reach(first.party, peer, None);
        draft = draft.peer(peer, Some(&reach));
    }
    for sighting in seen.iter().take(4) {
        let (from, to, times) = sighting.times;
        let look = look_at(sighting.peer.unwrap_or(sighting.party.ip));
        draft = draft
            .times(from, to, times)
            .packet(view, sighting.packet, sighting.how, &look);
    }
    let peers: BTreeSet<String> = seen
        .iter()
        .filter_map(|sighting| sighting.peer)
        .map(|peer| peer.to_string())
        .collect();
    if !peers.is_empty() {
        draft = draft.seen(format!("With {}.", list(&peers)));
    }
    Some(
        draft
            .words(
                format!("{name}: {} is on your list", first.entry),
                "Nothing to do at the bedside.",
                "Read what the list says of this entry, and how old it is, before anything is cut.",
            )
            .innocent(
                "An address that changed hands, a host that many share. Looked at: whether \
                 anybody answered, and what the device is.",
            )
            .finish(grade, 0.8),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{Scene, Talk, far, host};

    const RULE: &str = "indicator";

    fn scene(talk: Talk, listed: &str) -> Scene {
        let (pc, outside) = (host([10, 20, 9, 77]), far([198, 51, 100, 7]));
        let named = Meaning::NameAnswered {
            name: "c2.bad.example".to_owned(),
            addresses: vec![outside.ip],
        };
        let mut scene = Scene::new()
            .talk(pc, outside, 443, "tls", talk)
            .say(host([10, 20, 0, 2]), pc, "dns", named)
            .file(outside, pc, "http", auscult_model::FileClass::Archive);
        scene.site.indicators.add(listed);
        scene
    }

    #[test]
    fn addresses_names_and_files() {
        let digest = "07".repeat(32);
        for listed in ["198.51.100.7", "198.51.100.0/24", "bad.example", &digest] {
            let finding = scene(Talk::ANSWERED, listed).one(RULE);
            assert_eq!(finding.severity, Severity::Medium, "{listed}");
        }
    }

    #[test]
    fn near_misses_others_and_silence() {
        assert_eq!(scene(Talk::ANSWERED, "198.51.100.8").of(RULE), []);
        assert_eq!(scene(Talk::ANSWERED, "ad.example").of(RULE), []);
        assert_eq!(scene(Talk::ANSWERED, "").of(RULE), []);
        let silent = scene(Talk::UNANSWERED, "198.51.100.7");
        assert_eq!(silent.one(RULE).severity, Severity::Low);
    }

    #[test]
    fn near_miss_the_text_of_a_fingerprint_elsewhere() {
        let listed = "cd08e31494f9531f560d64c695473da9";
        let claim = |attribute| Meaning::Claim {
            about: auscult_model::About::Sender,
            attribute,
            value: listed.to_owned(),
        };
        let (pc, server) = (host([10, 20, 9, 77]), host([10, 20, 9, 5]));
        let mut greets = Scene::new().say(pc, server, "tls", claim("ja3"));
        greets.site.indicators.add(listed);
        assert_eq!(greets.of(RULE).len(), 1);
        let mut other = Scene::new().say(pc, server, "tls", claim("ja3s"));
        other.site.indicators.add(listed);
        assert_eq!(other.of(RULE), []);
    }

    #[test]
    fn near_miss_guests() {
        let guests = scene(Talk::ANSWERED, "198.51.100.7").guests("10.20.9.0/24");
        assert_eq!(guests.one(RULE).severity, Severity::Info);
    }
}
