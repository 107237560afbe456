//! Somebody outside began a conversation with a device inside, and was answered.
//!
//! Sources: CISA ICSMA-25-030-01 (keep devices unreachable from the Internet), Greenbone (2019)
//! on open image archives. Limits: behind a proxy or a translation of addresses the outside has
//! an inside address; a private circuit or VPN beyond the capture looks like the Internet.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use auscult_inventory::Party;
use auscult_model::report::{Finding, Role, Severity, Where};
use auscult_model::{ConversationKey, ConversationSum, Outcome, Transport};

use crate::draft::Draft;
use crate::grade::Grade;
use crate::stake::{Stake, stake};
use crate::view::{originator, responder};
use crate::words::{count, list, protocol_words};
use crate::{Detector, Facts, RuleRecord, View};

static RECORD: RuleRecord = RuleRecord {
    rule: "inbound-from-outside",
    title: "Somebody outside reached a device inside",
    when: "An address that is not the site's opened a connection to a device of ours and payload \
           went both ways.",
    worst: Severity::High,
    innocent: &[
        "Web, mail and remote-access servers that are meant to be reached: info.",
        "A hosted printing service that comes in to a printer: info.",
        "A hosted record system or teleradiology with one fixed peer: low, with that question.",
        "A declared partner, or a tunnel whose inside is seen: nothing.",
    ],
    attack: &["T0883", "T1133"],
    cves: &[],
    sources: &["CISA ICSMA-25-030-01 Update A (2025-02-25)"],
};

/// Protocols by which hosted services reach into hospitals, from one fixed place.
const HOSTED: [&str; 3] = ["hl7", "dicom", "astm"];
/// Protocols of printing.
const PRINTING: [&str; 2] = ["lpd", "ipp"];
/// Ports of printing, whatever speaks there.
const PRINT_PORTS: [u16; 3] = [515, 631, 9100];
/// Segments at most so large leave room for the headers of a tunnel.
const TUNNEL_MSS: u16 = 1_380;

/// The detector.
pub(super) struct InboundFromOutside;

type Talks<'a> = Vec<(&'a ConversationKey, &'a ConversationSum)>;

impl Detector for InboundFromOutside {
    fn record(&self) -> &'static RuleRecord {
        &RECORD
    }

    fn conclude(&self, _facts: &Facts, view: &View<'_>) -> Vec<Finding> {
        let mut groups: BTreeMap<String, (Party, Talks<'_>)> = BTreeMap::new();
        for (key, sum) in view.ledger.conversations() {
            if !is_inbound(view, key, sum) {
                continue;
            }
            let target = responder(key);
            let (_, talks) = groups
                .entry(view.who(target))
                .or_insert_with(|| (target, Vec::new()));
            talks.push((key, sum));
        }
        groups
            .values()
            .filter_map(|(target, talks)| finding(view, *target, talks))
            .collect()
    }
}

fn is_inbound(view: &View<'_>, key: &ConversationKey, sum: &ConversationSum) -> bool {
    let from = originator(key);
    let to = responder(key);
    key.outcome == Outcome::Answered
        && key.transport == Transport::Tcp
        && sum.payload.iter().all(|bytes| *bytes > 0)
        && !view.is_local(from)
        && view.is_local(to)
        && view.inventory.options().partner(key.originator).is_none()
}

fn finding(
    view: &View<'_>,
    target: Party,
    talks: &[(&ConversationKey, &ConversationSum)],
) -> Option<Finding> {
    let role = view.role(target);
    let peers: BTreeSet<IpAddr> = talks.iter().map(|(key, _)| key.originator).collect();
    let protocols: BTreeSet<&str> = talks.iter().map(|(key, _)| key.protocol).collect();
    let peer = *peers.first()?;
    let reach = view.reach(target, peer, None);
    if !matches!(
        reach.place,
        Where::Left | Where::AnsweredFar | Where::AnsweredNear | Where::TowardsOutside
    ) {
        return None;
    }
    let mut grade = grade(role, &peers, talks);
    if talks
        .iter()
        .all(|(_, sum)| (1..=TUNNEL_MSS).contains(&sum.mss_min))
    {
        grade.cap(
            Severity::Low,
            "its segments leave room for the headers of a tunnel",
        );
    }
    if reach.place == Where::AnsweredNear {
        grade.cap(Severity::Low, "the other side is near by");
    }
    if reach.place == Where::TowardsOutside {
        grade.cap(Severity::Medium, "how far it came from is not shown");
    }
    let confidence = reach.confidence;
    grade.cap_by_network(view, &[target.ip]);

    let device = view.device(target);
    let name = view.name(target);
    let ports: BTreeSet<u16> = talks.iter().map(|(key, _)| key.port).collect();
    let mut draft = Draft::about(&RECORD, device, target.ip, "inbound")
        .peer(peer, Some(&reach))
        .reach(&reach)
        .number("peers", peers.len() as u64)
        .texts("ports", ports.iter().map(ToString::to_string))
        .texts("protocols", protocols.iter().copied());
    for talk in talks.iter().take(3) {
        draft = draft.talk(view, *talk);
    }
    let by = list(protocols.iter().map(|protocol| protocol_words(protocol)));
    Some(
        draft
            .words(
                format!(
                    "{name} is reached from outside by {}",
                    count(peers.len(), "address", "addresses")
                ),
                "Nothing to do at the bedside.",
                "Ask whether this is meant. If not, refuse connections from outside to it at the \
                 edge; if it is, allow the known peer alone and through a VPN.",
            )
            .seen(format!(
                "From {} to port {}, by {by}.",
                list(peers.iter().map(ToString::to_string)),
                list(ports.iter().map(ToString::to_string)),
            ))
            .innocent(
                "A server that is meant to be reached, or a service that reaches in through a \
                 private line. Looked at: what the device is, how many reach it, how far they are.",
            )
            .finish(grade, confidence),
    )
}

fn grade(
    role: Role,
    peers: &BTreeSet<IpAddr>,
    talks: &[(&ConversationKey, &ConversationSum)],
) -> Grade {
    let stake = stake(role);
    let all = |is: &dyn Fn(&ConversationKey) -> bool| talks.iter().all(|(key, _)| is(key));
    let prints =
        |key: &ConversationKey| PRINTING.contains(&key.protocol) || PRINT_PORTS.contains(&key.port);
    if all(&prints) && !stake.is_medical() {
        return Grade::new(Severity::Info, "it prints, as hosted services do");
    }
    if peers.len() == 1 && all(&|key| HOSTED.contains(&key.protocol)) {
        return Grade::new(
            Severity::Low,
            "one fixed peer with a clinical protocol: is this your hosted record system, \
             laboratory or teleradiology?",
        );
    }
    let severity = match stake {
        Stake::Bedside | Stake::Medical => Severity::High,
        Stake::Embedded => Severity::Medium,
        Stake::Unknown => Severity::Low,
        Stake::Office => Severity::Info,
    };
    Grade::new(severity, format!("{} answers the outside", stake.words()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{Host, Scene, Talk, far, monitor, outside, ward};

    const RULE: &str = "inbound-from-outside";

    fn at_work() -> Scene {
        ward().way_out(monitor())
    }

    fn reached(scene: Scene, protocol: &'static str, talk: Talk) -> Scene {
        let outside = Host {
            segment: monitor().segment,
            ..outside()
        };
        scene.talk(outside, monitor(), 80, protocol, talk)
    }

    #[test]
    fn a_monitor_that_answers_is_high() {
        let scene = reached(at_work(), "http", Talk::ANSWERED);
        let finding = scene.one(RULE);
        assert_eq!(finding.severity, Severity::High, "{:?}", finding.reasons);
    }

    #[test]
    fn near_miss_nothing_was_answered() {
        let scene = reached(at_work(), "http", Talk::UNANSWERED);
        assert_eq!(scene.of(RULE), []);
        let opened = Talk {
            payload: [0, 0],
            ..Talk::ANSWERED
        };
        assert_eq!(reached(at_work(), "http", opened).of(RULE), []);
    }

    #[test]
    fn near_miss_a_partner() {
        let mut scene = reached(at_work(), "http", Talk::ANSWERED);
        scene.site.partners.push(auscult_inventory::Partner {
            name: "Radiology".to_owned(),
            networks: vec!["198.18.7.0/24".parse().unwrap()],
            via: None,
        });
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_a_hosted_record_system() {
        let scene = reached(at_work(), "hl7", Talk::ANSWERED);
        assert_eq!(scene.one(RULE).severity, Severity::Low);
        let other = Host {
            segment: monitor().segment,
            ..far([198, 18, 8, 8])
        };
        let scene = reached(at_work(), "hl7", Talk::ANSWERED);
        let scene = scene.talk(other, monitor(), 2575, "hl7", Talk::ANSWERED);
        assert_eq!(scene.one(RULE).severity, Severity::High, "two peers");
    }

    #[test]
    fn near_miss_a_server_is_meant_to_be_reached() {
        let scene = reached(Scene::new(), "http", Talk::ANSWERED)
            .office(monitor())
            .way_out(monitor());
        assert_eq!(scene.one(RULE).severity, Severity::Info);
    }

    fn severity(talk: Talk) -> Severity {
        reached(at_work(), "http", talk).one(RULE).severity
    }

    #[test]
    fn near_miss_datagrams_that_came_back() {
        let datagrams = Talk {
            transport: Transport::Udp,
            ..Talk::ANSWERED
        };
        assert_eq!(reached(at_work(), "dns", datagrams).of(RULE), []);
    }

    #[test]
    fn near_miss_others_talk_to_each_other() {
        let scene = at_work().talk(outside(), far([198, 18, 8, 8]), 80, "http", Talk::ANSWERED);
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_a_refusal_that_carries_bytes() {
        let refused = Talk {
            outcome: Outcome::Refused,
            ..Talk::ANSWERED
        };
        assert_eq!(reached(at_work(), "http", refused).of(RULE), []);
    }

    #[test]
    fn near_miss_one_fixed_peer_beside_a_partner() {
        let mut scene = reached(at_work(), "hl7", Talk::ANSWERED);
        let partner = Host {
            segment: monitor().segment,
            ..far([198, 18, 8, 8])
        };
        scene = scene.talk(partner, monitor(), 2575, "hl7", Talk::ANSWERED);
        scene.site.partners.push(auscult_inventory::Partner {
            name: "Laboratory".to_owned(),
            networks: vec!["198.18.8.0/24".parse().unwrap()],
            via: None,
        });
        assert_eq!(scene.one(RULE).severity, Severity::Low);
    }

    #[test]
    fn near_miss_a_station_behind_a_static_route() {
        let near = Talk {
            round_trip: auscult_model::Timestamp::MILLISECOND,
            ttl: 63,
            ..Talk::ANSWERED
        };
        let scene = at_work().talk(monitor(), outside(), 8080, "http", near);
        assert_eq!(reached(scene, "http", near).of(RULE), []);
    }

    #[test]
    fn near_miss_room_for_the_headers_of_a_tunnel() {
        let narrow = Talk {
            mss: 1_300,
            ..Talk::ANSWERED
        };
        assert_eq!(severity(narrow), Severity::Low);
        let usual = Talk {
            mss: 1_460,
            ..Talk::ANSWERED
        };
        assert_eq!(severity(usual), Severity::High);
    }

    #[test]
    fn near_miss_a_proxy_answers() {
        let by_gateway = Talk {
            ttl: 64,
            ..Talk::ANSWERED
        };
        let finding = reached(at_work(), "http", by_gateway).one(RULE);
        assert_eq!(finding.severity, Severity::Medium, "{:?}", finding.reasons);
    }

    #[test]
    fn near_miss_a_hosted_printing_service() {
        let printer = crate::scene::host([10, 20, 4, 4]);
        let claim = auscult_model::Meaning::Claim {
            about: auscult_model::About::Sender,
            attribute: "printer_model",
            value: "LaserJet".to_owned(),
        };
        let outside = Host {
            segment: printer.segment,
            ..outside()
        };
        let scene = Scene::new()
            .say(printer, crate::scene::pc(), "ipp", claim)
            .way_out(printer)
            .talk(outside, printer, 631, "ipp", Talk::ANSWERED);
        assert_eq!(scene.one(RULE).severity, Severity::Info);
        let scene = scene.talk(outside, printer, 8443, "http", Talk::ANSWERED);
        assert!(scene.one(RULE).severity > Severity::Info);
    }

    #[test]
    fn near_miss_guests() {
        let scene = reached(at_work(), "http", Talk::ANSWERED).guests("10.20.3.0/24");
        assert_eq!(scene.one(RULE).severity, Severity::Info);
    }

    #[test]
    fn near_miss_an_answer_from_next_door() {
        let near = Talk {
            round_trip: 5 * auscult_model::Timestamp::MILLISECOND,
            ..Talk::ANSWERED
        };
        let peer = Host {
            segment: monitor().segment,
            ..far([202, 112, 80, 9])
        };
        let scene = |talk| {
            let mut scene = at_work().talk(monitor(), peer, 8443, "tls", talk).talk(
                peer,
                monitor(),
                80,
                "http",
                talk,
            );
            scene.site.country = Some("DE".to_owned());
            scene.one(RULE).severity
        };
        assert_eq!(scene(Talk::ANSWERED), Severity::High);
        assert_eq!(scene(near), Severity::Low);
    }
}
