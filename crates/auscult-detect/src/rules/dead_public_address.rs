//! A device of ours keeps trying a public address that never answers: an address in its firmware
//! or in a forgotten setting.
//!
//! Sources: CISA ICSMA-25-030-01; RFC 9293 (retransmission). Limits: rests on absence, so it says
//! what was watched; a name that was looked up before the capture, or by DoH, is not seen.

use std::collections::BTreeMap;
use std::net::IpAddr;

use auscult_inventory::{Party, Reach, factory_range, is_group};
use auscult_model::report::{Finding, Role, Severity, Where};
use auscult_model::{Outcome, Timestamp, span};

use crate::draft::Draft;
use crate::grade::Grade;
use crate::view::{look_at, originator};
use crate::words::range_words;
use crate::{Detector, Facts, RuleRecord, View};

static RECORD: RuleRecord = RuleRecord {
    rule: "dead-public-address",
    title: "A device keeps trying a public address that never answers",
    when: "At least 3 attempts over at least 30 s, none answered, and no name server was seen to \
           give the address. Openings, first datagrams and ARP or ND questions count, repeats \
           included.",
    worst: Severity::Medium,
    innocent: &[
        "The edge blocks it, as advised: refused by ICMP or a near reset is info, `the block \
         works`.",
        "A monitor set up for a central station that is switched off.",
        "A name that was looked up before the capture, or over an encrypted channel.",
        "A capture that could not have shown the answer: `cannot tell`, low.",
    ],
    attack: &[],
    cves: &[],
    sources: &["CISA ICSMA-25-030-01 Update A (2025-02-25)"],
};

/// Fewer attempts are chance.
const ATTEMPTS: u64 = 3;
/// Attempts within a shorter time are one try.
const AT_LEAST: i64 = 30 * Timestamp::SECOND;

/// The detector.
pub(super) struct DeadPublicAddress;

impl Detector for DeadPublicAddress {
    fn record(&self) -> &'static RuleRecord {
        &RECORD
    }

    fn conclude(&self, _facts: &Facts, view: &View<'_>) -> Vec<Finding> {
        candidates(view)
            .into_iter()
            .filter_map(|((_, peer), local)| {
                let reach = view.reach(local, peer, None);
                is_dead(peer, &reach).then(|| finding(view, local, peer, &reach))
            })
            .collect()
    }
}

/// Device, or its address, and peer; with the party that tried.
fn candidates(view: &View<'_>) -> BTreeMap<(String, IpAddr), Party> {
    let mut found = BTreeMap::new();
    let mut add = |local: Party, peer: IpAddr| {
        let public = !view.inventory.is_site(peer) && !is_group(peer) && !peer.is_unspecified();
        if public && view.is_local(local) {
            found.entry((view.who(local), peer)).or_insert(local);
        }
    };
    for (key, _) in view.ledger.conversations() {
        if key.outcome != Outcome::Answered {
            let local = originator(key);
            add(local, key.responder);
        }
    }
    for key in view.ledger.neighbours().keys() {
        if key.answered_by.is_none() && !key.asker_ip.is_unspecified() && key.asker_ip != key.target
        {
            let local = Party {
                segment: key.segment,
                ip: key.asker_ip,
                mac: Some(key.asker_mac),
            };
            add(local, key.target);
        }
    }
    found
}

fn is_dead(peer: IpAddr, reach: &Reach) -> bool {
    let long = match (reach.first, reach.last) {
        (Some(first), Some(last)) => last.since(first) >= AT_LEAST,
        _ => false,
    };
    let place = match reach.place {
        Where::Attempted | Where::Blocked | Where::CannotTell => true,
        // Datagrams that nobody answers were seen going out. To other addresses that is what
        // one-way protocols do (logs, flow records).
        Where::Left => factory_range(peer).is_some(),
        _ => false,
    };
    // A connection that went on was answered, whether or not the answer was captured.
    let unanswered = place && reach.watched.answered == 0 && reach.watched.one_sided == 0;
    unanswered && long && reach.attempts >= ATTEMPTS && reach.watched.names == 0
}

fn finding(view: &View<'_>, local: Party, peer: IpAddr, reach: &Reach) -> Finding {
    let device = view.device(local);
    let role = view.role(local);
    let on_link = reach.next_hop.is_none() && !reach.behind_gateway;
    let mut grade = grade(reach, role, peer, on_link);
    let mut confidence = reach.confidence;
    if reach.watched.name_answers == 0 {
        confidence *= 0.85;
        grade.note("no answers of name servers were seen at all, so one may have named it");
    }
    let one_sided = reach.watched.is_one_sided();
    if view.is_lossy() {
        confidence *= 0.8;
    }
    grade.cap_by_loss(view, one_sided, false);
    grade.cap_by_network(view, &[local.ip]);

    let mut ports: Vec<u16> = view
        .between(local.ip, peer)
        .filter(|(key, _)| key.responder == peer && key.port != 0)
        .map(|(key, _)| key.port)
        .collect();
    ports.sort_unstable();
    ports.dedup();
    let name = view.name(local);
    let mut draft = Draft::about(&RECORD, device, local.ip, &peer.to_string())
        .peer(peer, Some(reach))
        .reach(reach)
        .number("attempts", reach.attempts)
        .texts("ports", ports.iter().map(ToString::to_string))
        .text(
            "way",
            if on_link {
                "on the link"
            } else {
                "by a router"
            },
        );
    if let (Some(first), Some(last)) = (reach.first, reach.last) {
        draft = draft.times(first, last, reach.attempts);
        draft = draft.seen(format!(
            "{} attempts, {}; no answer, no name for it.",
            reach.attempts,
            span(first, last)
        ));
    }
    for (packet, note) in &reach.packets {
        draft = draft.packet(view, *packet, note, &look_at(peer));
    }
    let title = match reach.place {
        Where::Blocked => format!("{name} tries {peer}, and the block works"),
        _ => format!("{name} keeps trying {peer} and gets no answer"),
    };
    draft
        .words(
            title,
            "Nothing to do at the bedside.",
            action(reach, peer, on_link),
        )
        .seen(format!(
            "Watched {}.",
            crate::draft::watched_words(&reach.watched)
        ))
        .innocent(
            "A station that is switched off, or an edge that blocks it as advised. Looked for: \
             answers by the same way, and name servers that gave the address.",
        )
        .finish(grade, confidence)
}

fn grade(reach: &Reach, role: Role, peer: IpAddr, on_link: bool) -> Grade {
    match reach.place {
        Where::Blocked => return Grade::new(Severity::Info, "refused: the block works"),
        Where::CannotTell => {
            return Grade::new(
                Severity::Low,
                "nothing shows that an answer would have been seen",
            );
        }
        _ if on_link => {
            return Grade::new(
                Severity::Low,
                "asked for on the link only: nothing can leave this way",
            );
        }
        _ => {}
    }
    let it = matches!(
        role,
        Role::Server | Role::Workstation | Role::NetworkDevice | Role::Gateway
    );
    if role.is_medical() {
        Grade::new(Severity::Medium, "a medical device with a way out tries it")
    } else if !it && factory_range(peer).is_some() {
        Grade::new(
            Severity::Medium,
            "a factory address of medical products, tried with a way out",
        )
    } else if matches!(
        role,
        Role::Printer | Role::Phone | Role::Camera | Role::Other
    ) {
        Grade::new(
            Severity::Medium,
            "an embedded device with a way out tries it",
        )
    } else {
        Grade::new(
            Severity::Low,
            "tried by a device that is not known to be medical",
        )
    }
}

fn action(reach: &Reach, peer: IpAddr, on_link: bool) -> String {
    match reach.place {
        Where::Blocked => "Leave the block as it is.".to_owned(),
        _ if on_link => format!(
            "Find the setting that names {peer} and correct it; give this device no way out."
        ),
        Where::CannotTell => format!(
            "Capture inside the edge for a day: are packets to {peer} answered? Then block it."
        ),
        _ => {
            let range = range_words(peer);
            format!(
                "Block {range} both ways at the edge, so that nothing is sent should it ever \
                 answer, and find the setting that names it."
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use auscult_model::Meaning;

    use super::*;
    use crate::scene::{Host, Scene, Talk, far, host};

    const RULE: &str = "dead-public-address";

    fn device() -> Host {
        host([10, 20, 3, 14])
    }

    fn factory() -> Host {
        far([202, 114, 4, 119])
    }

    fn tries(talk: Talk) -> Scene {
        let scene = Scene::new().talk(device(), factory(), 515, "unknown", talk);
        scene.way_out(device())
    }

    #[test]
    fn attempts_by_a_way_that_is_answered_otherwise() {
        let finding = tries(Talk::UNANSWERED).one(RULE);
        assert_eq!(finding.severity, Severity::Medium, "{:?}", finding.reasons);
        assert!(finding.details.contains_key("watched"));
        assert!(!finding.evidence.is_empty());
    }

    #[test]
    fn near_miss_two_attempts() {
        let talk = Talk {
            attempts: 2,
            ..Talk::UNANSWERED
        };
        assert_eq!(tries(talk).of(RULE), []);
    }

    #[test]
    fn near_miss_attempts_within_20_seconds() {
        let talk = Talk {
            seconds: 20,
            ..Talk::UNANSWERED
        };
        assert_eq!(tries(talk).of(RULE), []);
    }

    #[test]
    fn near_miss_a_name_server_gave_the_address() {
        let named = Meaning::NameAnswered {
            name: "updates.example".to_owned(),
            addresses: vec![factory().ip],
        };
        let scene = tries(Talk::UNANSWERED).say(host([10, 20, 0, 2]), device(), "dns", named);
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_it_answered_once() {
        let scene = tries(Talk::UNANSWERED).talk(device(), factory(), 80, "http", Talk::ANSWERED);
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_it_went_on_and_the_answer_was_not_captured() {
        let on = Talk {
            one_sided: true,
            ..Talk::UNANSWERED
        };
        assert_eq!(tries(on).of(RULE), []);
    }

    #[test]
    fn near_miss_a_private_address() {
        let scene = Scene::new()
            .talk(
                device(),
                far([10, 99, 0, 1]),
                515,
                "unknown",
                Talk::UNANSWERED,
            )
            .way_out(device());
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn asked_for_on_the_link_is_low() {
        let scene = Scene::new().asked(device(), factory().ip, (40, 60), None);
        assert_eq!(scene.one(RULE).severity, Severity::Low);
    }

    #[test]
    fn refused_near_by_is_info() {
        let talk = Talk {
            outcome: Outcome::Refused,
            ..Talk::UNANSWERED
        };
        let mut scene = tries(talk);
        let keys: Vec<_> = scene.ledger.conversations().map(|(key, _)| *key).collect();
        let key = keys
            .iter()
            .find(|key| key.outcome == Outcome::Refused)
            .unwrap();
        let mut sum = scene.ledger.sum(key).unwrap().clone();
        sum.icmp_errors = 3;
        scene.ledger.conversation(key, &sum);
        let finding = scene.one(RULE);
        assert_eq!(finding.severity, Severity::Info, "{:?}", finding.reasons);
        assert!(
            finding.title.contains("the block works"),
            "{}",
            finding.title
        );
    }

    #[test]
    fn datagrams_count_as_attempts() {
        let talk = Talk {
            transport: auscult_model::Transport::Udp,
            payload: [336, 0],
            ..Talk::UNANSWERED
        };
        assert_eq!(tries(talk).one(RULE).severity, Severity::Medium);
    }

    #[test]
    fn without_a_sign_that_answers_are_seen_it_is_low() {
        let talk = Talk {
            paced: false,
            ..Talk::UNANSWERED
        };
        let scene = Scene::new().talk(device(), factory(), 515, "unknown", talk);
        let finding = scene.one(RULE);
        assert_eq!(finding.severity, Severity::Low, "{:?}", finding.reasons);
        assert_eq!(tries(talk).one(RULE).severity, Severity::Medium);
    }

    #[test]
    fn near_miss_a_station_near_by_that_answers_some() {
        let near = Talk {
            round_trip: Timestamp::MILLISECOND,
            ttl: 63,
            ..Talk::ANSWERED
        };
        let scene = tries(Talk::UNANSWERED).talk(device(), factory(), 80, "http", near);
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_somebody_elses_attempts() {
        let scene = Scene::new()
            .talk(
                far([192, 0, 2, 7]),
                factory(),
                515,
                "unknown",
                Talk::UNANSWERED,
            )
            .way_out(device());
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_a_network_of_ours() {
        let mut scene = tries(Talk::UNANSWERED);
        scene.site.networks.push("202.114.4.0/24".parse().unwrap());
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn who_tries_what_decides() {
        let other = far([198, 18, 0, 9]);
        let station = host([10, 20, 3, 5]);
        let tried = |scene: Scene| {
            let scene = scene.talk(device(), other, 80, "unknown", Talk::UNANSWERED);
            scene.way_out(device()).one(RULE).severity
        };
        assert_eq!(tried(Scene::new()), Severity::Low, "nothing is known of it");
        let monitor = Scene::new()
            .talk(device(), station, 515, "contec-cms", Talk::ANSWERED)
            .patient(device(), station, "contec-cms");
        assert_eq!(tried(monitor), Severity::Medium);
        let mut guest = tries(Talk::UNANSWERED);
        guest
            .site
            .guest_networks
            .push("10.20.0.0/16".parse().unwrap());
        assert_eq!(guest.one(RULE).severity, Severity::Info);
    }

    #[test]
    fn an_office_computer_is_low() {
        let finding = tries(Talk::UNANSWERED).office(device()).one(RULE);
        assert_eq!(finding.severity, Severity::Low, "{:?}", finding.reasons);
    }

    #[test]
    fn no_name_answers_at_all_makes_it_less_sure() {
        let named = Meaning::NameAnswered {
            name: "other.example".to_owned(),
            addresses: vec![IpAddr::from([198, 51, 100, 80])],
        };
        let without = tries(Talk::UNANSWERED).one(RULE);
        let with = tries(Talk::UNANSWERED)
            .say(host([10, 20, 0, 2]), device(), "dns", named)
            .one(RULE);
        assert!(with.confidence > without.confidence);
    }

    #[test]
    fn near_miss_the_answer_may_be_among_what_was_lost() {
        assert!(!tries(Talk::UNANSWERED).one(RULE).weakened_by_loss);
        assert!(tries(Talk::UNANSWERED).lossy().one(RULE).weakened_by_loss);
    }

    #[test]
    fn near_miss_guests() {
        let scene = tries(Talk::UNANSWERED).guests("10.20.3.0/24");
        assert_eq!(scene.one(RULE).severity, Severity::Info);
    }

    #[test]
    fn near_misses_on_the_link() {
        let asks = |asker, answer| Scene::new().asked(asker, factory().ip, (40, 60), answer);
        assert_eq!(asks(device(), None).of(RULE).len(), 1);
        let claims = Host {
            ip: factory().ip,
            ..device()
        };
        assert_eq!(asks(claims, None).of(RULE), [], "its own address");
        let nobody = Host {
            ip: std::net::Ipv4Addr::UNSPECIFIED.into(),
            ..device()
        };
        assert_eq!(asks(nobody, None).of(RULE), [], "a probe");
        let outside = far([198, 51, 100, 9]);
        let passing = Scene::new()
            .talk(outside, factory(), 515, "unknown", Talk::UNANSWERED)
            .way_out(device());
        assert_eq!(passing.of(RULE), [], "somebody else");
    }

    #[test]
    fn near_miss_groups() {
        let scene = Scene::new()
            .talk(
                device(),
                far([239, 1, 2, 3]),
                515,
                "unknown",
                Talk::UNANSWERED,
            )
            .way_out(device());
        assert_eq!(scene.of(RULE), []);
    }
}
