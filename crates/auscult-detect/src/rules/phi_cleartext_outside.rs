//! Patient data goes in clear to an address that is neither the site's nor a partner's.
//!
//! Sources: CISA ICSMA-25-030-01 (CVE-2025-0683), 45 CFR 164.402 (was it received), the grades of
//! proof of [`auscult_inventory::Reach`]. Limits: a private circuit or a VPN beyond the capture
//! point looks like the open Internet from here; encrypted traffic is not read.

use std::collections::BTreeMap;
use std::net::IpAddr;

use auscult_model::Event;
use auscult_model::report::{Finding, Role, Severity, Where};

use super::patient_data::{self, Crossing, Exchange};
use crate::draft::Draft;
use crate::grade::Grade;
use crate::view::{are_neighbours, arrived, look_at, look_at_service};
use crate::words::{self, capital, kinds_words, protocol_words};
use crate::{Detector, Facts, RuleRecord, View};

static RECORD: RuleRecord = RuleRecord {
    rule: "phi-cleartext-outside",
    title: "Patient data leaves the site in clear",
    when: "A readable protocol carried identity or measurements of a patient between a device of \
           ours and an address outside, and payload went that way. Attempts without payload are \
           dead-public-address.",
    worst: Severity::Critical,
    innocent: &[
        "A hosted record system, laboratory or teleradiology: HL7 or DICOM whose application \
         answers, with one fixed peer, is high with that question instead of critical.",
        "A VPN or private circuit beyond the capture point: ESP or other tunnels on the segment \
         and small segment sizes are looked for and said.",
        "A central station with a public address on our own segment: it answers on the link, \
         which is public-address-squatted and phi-cleartext-inside.",
        "A station in another network of ours behind a static route: answers within 2 ms over at \
         most two routers are `cannot tell`, low.",
        "A declared partner: no finding. A declared sinkhole: medium at most.",
    ],
    attack: &["T1048.003", "T1020"],
    cves: &["CVE-2025-0683"],
    sources: &[
        "CISA ICSMA-25-030-01 Update A (2025-02-25)",
        "45 CFR 164.402",
    ],
};

/// The detector.
pub(super) struct PhiCleartextOutside;

impl Detector for PhiCleartextOutside {
    fn record(&self) -> &'static RuleRecord {
        &RECORD
    }

    fn observe(&self, event: &Event, facts: &mut Facts) {
        patient_data::observe(event, facts);
    }

    fn conclude(&self, facts: &Facts, view: &View<'_>) -> Vec<Finding> {
        let all = patient_data::crossings(facts, view);
        let mut groups: BTreeMap<(String, IpAddr, &str), Vec<&Crossing<'_>>> = BTreeMap::new();
        for crossing in all.iter().filter(|crossing| is_leak(crossing)) {
            groups
                .entry((
                    view.who(crossing.local),
                    crossing.peer.ip,
                    crossing.protocol,
                ))
                .or_default()
                .push(crossing);
        }
        let exchange = Exchange::of(&all, view);
        groups
            .values()
            .filter_map(|group| Some(finding(view, &exchange, group, group.first()?)))
            .collect()
    }
}

/// Payload went outside; refused or unanswered openings carry nothing.
fn is_leak(crossing: &Crossing<'_>) -> bool {
    let reach = &crossing.reach;
    match reach.place {
        Where::Left | Where::TowardsOutside | Where::CannotTell => true,
        // A reset from afar is an answer, but takes nothing.
        Where::AnsweredFar | Where::AnsweredNear => {
            reach.watched.answered > 0 || reach.acknowledged > 0
        }
        Where::Attempted | Where::Blocked => reach.acknowledged > 0,
        _ => false,
    }
}

fn finding(
    view: &View<'_>,
    exchange: &Exchange,
    group: &[&Crossing<'_>],
    crossing: &Crossing<'_>,
) -> Finding {
    let (protocol, peer, reach) = (crossing.protocol, crossing.peer.ip, &crossing.reach);
    let accepted = exchange.accepted(crossing);
    let mut grade = grade(crossing, accepted, exchange.peers(crossing));
    let surest = group.iter().map(|c| c.fact.confidence).fold(0.0, f32::max);
    let confidence = surest * reach.confidence;
    let one_sided = reach.watched.is_one_sided();
    grade.cap_by_confidence(confidence);
    grade.cap_by_loss(view, one_sided, true);
    grade.cap_by_network(view, &[crossing.local.ip]);

    let device = view.device(crossing.local);
    let service = view.service(crossing.local.ip, peer, protocol);
    let kinds = patient_data::kinds(group);
    let patients = patient_data::patients(group);
    let mut draft = Draft::about(
        &RECORD,
        device,
        crossing.local.ip,
        &format!("{protocol} {peer}"),
    )
    .peer(peer, Some(reach))
    .reach(reach)
    .text("protocol", protocol)
    .texts("phi_kinds", kinds.iter().map(|kind| kind.word()))
    .text(
        "direction",
        if crossing.is_outgoing() { "out" } else { "in" },
    )
    .number("payload_bytes", reach.payload[0])
    .number("acknowledged_bytes", reach.acknowledged);
    if let Some((_, port)) = service {
        draft = draft.number("port", u64::from(port));
    }
    if let Some(patients) = &patients {
        draft = draft.text("patients", patients.clone());
    }
    if accepted > 0 {
        draft = draft.number("messages_accepted", accepted);
    }
    if protocol == "contec-cms" {
        draft = draft.cves(&["CVE-2025-0683", "ICSMA-25-030-01"]);
    }
    for crossing in group {
        let only = view.only_service(crossing.from.ip, crossing.to.ip, protocol);
        let look = look_at_service(peer, only);
        draft = draft
            .times(crossing.fact.first, crossing.fact.last, crossing.fact.count)
            .packets_of(view, crossing.fact, &look);
    }
    for (packet, note) in &reach.packets {
        if *note != "first packet" {
            draft = draft.packet(view, *packet, note, &look_at(peer));
        }
    }
    sentences(
        draft,
        view,
        crossing,
        &kinds_words(&kinds),
        patients,
        grade.severity,
    )
    .finish(grade, confidence)
}

/// The severity: what left, and how sure it is that it did.
fn grade(crossing: &Crossing<'_>, accepted: u64, peers: usize) -> Grade {
    let reach = &crossing.reach;
    let record_exchange = matches!(crossing.protocol, "hl7" | "dicom") && peers == 1;
    let mut grade = match reach.place {
        _ if !crossing.is_outgoing() => Grade::new(
            Severity::Medium,
            "it came in clear from outside; nothing shows that ours left",
        ),
        Where::CannotTell => Grade::new(
            Severity::Low,
            "a public address, but whether the data left the site cannot be told",
        ),
        Where::TowardsOutside if reach.watched.answered == 0 || reach.watched.one_sided > 0 => {
            Grade::new(Severity::Medium, "sent towards the outside; answers unseen")
        }
        Where::TowardsOutside => Grade::new(
            Severity::High,
            "sent towards the outside; that it arrived was not seen",
        ),
        Where::AnsweredNear => Grade::new(
            Severity::High,
            "taken by an address outside whose answers come from near by",
        ),
        _ if record_exchange && (accepted > 0 || crossing.protocol == "dicom") => Grade::new(
            Severity::High,
            "taken by the application at one fixed peer outside, as a hosted record system, \
             laboratory or teleradiology would",
        ),
        _ => Grade::new(
            Severity::Critical,
            "patient data reached an address outside",
        ),
    };
    for reason in &reach.reasons {
        grade.note(reason.clone());
    }
    let neighbours = are_neighbours(crossing.local.ip, crossing.peer.ip);
    if reach.place == Where::TowardsOutside && neighbours && !reach.behind_gateway {
        grade.cap(
            Severity::Low,
            "the address is of the sender's own network and no router is known on the way: a \
             station on the link is likely",
        );
    }
    let connected = crossing.reach.place != Where::Left && reach.watched.answered > 0;
    if connected && reach.acknowledged == 0 && reach.payload[1] == 0 && accepted == 0 {
        grade.cap(Severity::High, "none of the payload was seen acknowledged");
    }
    if reach.sinkhole {
        grade.cap(
            Severity::Medium,
            "the address is a declared sinkhole or station",
        );
    }
    grade
}

fn sentences(
    draft: Draft,
    view: &View<'_>,
    crossing: &Crossing<'_>,
    kinds: &str,
    patients: Option<String>,
    severity: Severity,
) -> Draft {
    let reach = &crossing.reach;
    let (peer, protocol) = (crossing.peer.ip, protocol_words(crossing.protocol));
    let name = view.name(crossing.local);
    let monitor =
        crossing.protocol == "contec-cms" || view.role(crossing.local) == Role::PatientMonitor;
    let title = match (crossing.is_outgoing(), arrived(reach.place), reach.place) {
        (false, ..) => format!("Patient data comes in clear from outside, {peer} to {name}"),
        (_, true, _) => format!("Patient data leaves the site in clear, {name} to {peer}"),
        (_, _, Where::CannotTell) => {
            format!("Patient data goes in clear to a public address, {name} to {peer}")
        }
        _ => format!("Patient data goes in clear towards the outside, {name} to {peer}"),
    };
    let impact = if monitor {
        "The bedside screen still works. Keep watching the patient there and call biomedical \
         engineering about this monitor."
    } else {
        "Care goes on as usual; nothing to do at the bedside."
    };
    let action = action(crossing, severity);
    let who = match patients.as_deref() {
        None => "patients not told apart".to_owned(),
        Some("1") => "1 patient".to_owned(),
        Some(more) => format!("{more} patients"),
    };
    let mut draft = draft
        .words(title, impact, action)
        .seen(format!(
            "{}, {who}; filled in: {kinds}.",
            auscult_model::span(crossing.fact.first, crossing.fact.last)
        ))
        .seen(format!(
            "By {protocol}. {}.",
            capital(&reach.reasons.join("; "))
        ))
        .innocent(innocent(crossing));
    if severity >= Severity::High {
        let director = if arrived(reach.place) {
            format!("Data of {who} reached an address outside: tell the privacy officer today.")
        } else {
            "Data of patients may have left the site: tell the privacy officer.".to_owned()
        };
        draft = draft.director(director);
    }
    draft
}

fn action(crossing: &Crossing<'_>, severity: Severity) -> String {
    let peer = crossing.peer.ip;
    let range = words::range_words(peer);
    match crossing.protocol {
        "hl7" | "dicom" => format!(
            "Ask: is {peer} your hosted record system, laboratory or teleradiology? Then ask for \
             a VPN or TLS and declare it as partner; else stop the sender and block {peer} at the \
             edge."
        ),
        _ if crossing.reach.place == Where::CannotTell => format!(
            "Find out where {peer} is: if the network is yours, say so with --site-net; else \
             block {range} both ways at the edge."
        ),
        _ if severity <= Severity::Medium => format!(
            "Block {range} both ways at the edge, and capture inside the edge to see whether \
             anything is answered."
        ),
        _ => format!(
            "Block {range} both ways at the edge today; afterwards attempts must stay unanswered."
        ),
    }
}

fn innocent(crossing: &Crossing<'_>) -> String {
    let reach = &crossing.reach;
    let mut text = "A VPN or private circuit beyond this point, or a station of yours behind a \
                    static route, would make it legitimate."
        .to_owned();
    if reach.notes.is_empty() {
        text.push_str(" Tunnels on this segment and small segment sizes were looked for: none.");
    } else {
        text.push_str(&format!(" Seen: {}.", reach.notes.join("; ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use auscult_inventory::Partner;
    use auscult_model::report::details::Value;
    use auscult_model::{Meaning, Outcome, PhiKind, Timestamp};

    use super::*;
    use crate::scene::{Host, Scene, Talk, far, host, monitor};

    const RULE: &str = "phi-cleartext-outside";

    fn station() -> Host {
        far([202, 114, 4, 119])
    }

    fn stream(talk: Talk) -> Scene {
        Scene::new()
            .talk(monitor(), station(), 515, "contec-cms", talk)
            .patient(monitor(), station(), "contec-cms")
    }

    fn messages(peer: Host, protocol: &'static str, accepted: Option<bool>) -> Scene {
        let engine = host([10, 8, 0, 20]);
        let request = Meaning::Request {
            operation: "hl7-message",
            object: "ORU^R01".to_owned(),
            granted: accepted,
        };
        Scene::new()
            .talk(engine, peer, 6661, protocol, Talk::ANSWERED)
            .patient(engine, peer, protocol)
            .say(engine, peer, protocol, request)
    }

    #[test]
    fn a_stream_answered_from_afar_is_critical() {
        let finding = stream(Talk::ANSWERED).one(RULE);
        assert_eq!(
            finding.severity,
            Severity::Critical,
            "{:?}",
            finding.reasons
        );
        assert_eq!(finding.peer, Some(station().ip));
        assert_eq!(finding.devices.len(), 1);
        assert!(
            finding
                .owner
                .is_some_and(|o| o.starts_with("Registered to AS4538"))
        );
        assert!(!finding.evidence.is_empty());
    }

    #[test]
    fn near_miss_a_station_on_the_link() {
        let station = host([202, 114, 4, 119]);
        let scene = Scene::new()
            .asked(monitor(), station.ip, (1, 0), Some(station))
            .talk(monitor(), station, 515, "contec-cms", Talk::ANSWERED)
            .patient(monitor(), station, "contec-cms");
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_nothing_but_attempts() {
        let scene = stream(Talk::UNANSWERED).way_out(monitor());
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_a_partner() {
        let mut scene = stream(Talk::ANSWERED);
        scene.site.partners.push(Partner {
            name: "Tele-ICU".to_owned(),
            networks: vec!["202.114.4.0/24".parse().unwrap()],
            via: None,
        });
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_a_network_of_ours() {
        let mut scene = stream(Talk::ANSWERED);
        scene.site.networks.push("202.114.4.0/24".parse().unwrap());
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_a_bed_is_no_patient() {
        let scene = Scene::new()
            .talk(monitor(), station(), 515, "contec-cms", Talk::ANSWERED)
            .patient_with(monitor(), station(), "contec-cms", vec![PhiKind::Location]);
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_answers_too_near_to_be_outside() {
        let near = Talk {
            round_trip: Timestamp::MILLISECOND,
            ttl: 63,
            ..Talk::ANSWERED
        };
        let finding = stream(near).one(RULE);
        assert_eq!(finding.severity, Severity::Low, "{:?}", finding.reasons);
    }

    #[test]
    fn accepted_messages_to_one_fixed_peer_are_high() {
        let lab = far([203, 0, 112, 10]);
        let finding = messages(lab, "hl7", Some(true)).one(RULE);
        assert_eq!(finding.severity, Severity::High);
        assert!(
            finding.action.contains("hosted record system"),
            "{}",
            finding.action
        );
    }

    #[test]
    fn near_miss_messages_that_the_application_did_not_accept() {
        let lab = far([203, 0, 112, 10]);
        let finding = messages(lab, "hl7", None).one(RULE);
        assert_eq!(finding.severity, Severity::Critical);
    }

    #[test]
    fn near_miss_messages_to_several_peers() {
        let engine = host([10, 8, 0, 20]);
        let other = far([203, 0, 111, 9]);
        let scene = messages(far([203, 0, 112, 10]), "hl7", Some(true))
            .talk(engine, other, 6661, "hl7", Talk::ANSWERED)
            .patient(engine, other, "hl7");
        let findings = scene.of(RULE);
        assert_eq!(findings.len(), 2);
        assert!(findings.iter().all(|f| f.severity == Severity::Critical));
    }

    #[test]
    fn near_miss_a_monitor_stream_is_no_record_exchange() {
        let lab = far([203, 0, 112, 10]);
        let finding = messages(lab, "vista-cms", Some(true)).one(RULE);
        assert_eq!(finding.severity, Severity::Critical);
    }

    #[test]
    fn near_miss_one_direction_only() {
        let finding = stream(Talk::ONE_WAY).one(RULE);
        assert_eq!(finding.severity, Severity::Medium, "{:?}", finding.reasons);
        assert!(finding.weakened_by_loss);
    }

    #[test]
    fn unseen_answers_are_medium() {
        let talk = Talk {
            one_sided: false,
            ..Talk::ONE_WAY
        };
        assert_eq!(stream(talk).one(RULE).severity, Severity::Medium);
    }

    #[test]
    fn near_miss_half_of_a_stream_to_a_neighbour() {
        let (monitor, station) = (host([202, 114, 4, 20]), host([202, 114, 4, 119]));
        let scene = Scene::new()
            .talk(monitor, station, 515, "contec-cms", Talk::ONE_WAY)
            .patient(monitor, station, "contec-cms");
        assert_eq!(scene.one(RULE).severity, Severity::Low);
        // The same address by way of a known router is no neighbour.
        let beyond = far([202, 114, 4, 119]);
        let scene = Scene::new()
            .talk(monitor, beyond, 515, "contec-cms", Talk::ONE_WAY)
            .patient(monitor, beyond, "contec-cms")
            .way_out(host([10, 20, 3, 77]))
            .talk(monitor, far([198, 51, 100, 81]), 80, "http", Talk::ANSWERED);
        assert_eq!(scene.one(RULE).severity, Severity::Medium);
    }

    #[test]
    fn near_miss_unacknowledged_payload() {
        let talk = Talk {
            payload: [5000, 0],
            acknowledged: false,
            ..Talk::ANSWERED
        };
        assert_eq!(stream(talk).one(RULE).severity, Severity::High);
    }

    #[test]
    fn what_comes_from_outside_is_medium() {
        let scene = Scene::new()
            .talk(monitor(), station(), 104, "dicom", Talk::ANSWERED)
            .patient(station(), monitor(), "dicom");
        let finding = scene.one(RULE);
        assert_eq!(finding.severity, Severity::Medium);
        assert!(finding.title.contains("from outside"), "{}", finding.title);
    }

    #[test]
    fn near_miss_a_declared_sinkhole_and_guests() {
        let mut scene = stream(Talk::ANSWERED);
        scene
            .site
            .sinkholes
            .push("202.114.4.119/32".parse().unwrap());
        assert_eq!(scene.one(RULE).severity, Severity::Medium);
        let mut scene = stream(Talk::ANSWERED);
        scene
            .site
            .guest_networks
            .push("10.20.0.0/16".parse().unwrap());
        assert_eq!(scene.one(RULE).severity, Severity::Info);
    }

    #[test]
    fn near_miss_an_unsure_reading() {
        let scene = Scene::new()
            .talk(monitor(), station(), 515, "contec-cms", Talk::ANSWERED)
            .say_so(
                monitor(),
                station(),
                ("contec-cms", 0.6),
                crate::scene::patient_data(vec![PhiKind::Name]),
            );
        assert_eq!(scene.one(RULE).severity, Severity::Medium);
    }

    #[test]
    fn a_refused_stream_left_nothing() {
        let talk = Talk {
            outcome: Outcome::Refused,
            round_trip: Timestamp::MILLISECOND,
            ..Talk::UNANSWERED
        };
        assert_eq!(stream(talk).way_out(monitor()).of(RULE), []);
        let from_afar = Talk { ttl: 49, ..talk };
        assert_eq!(stream(from_afar).way_out(monitor()).of(RULE), []);
    }

    #[test]
    fn seen_beyond_the_router_it_left() {
        // The outer segment is known by other traffic that a second router there passes on.
        let outer = |ip, mac| Host {
            mac,
            segment: auscult_model::Segment::vlan(99),
            ..far(ip)
        };
        let leg = Talk::ONE_WAY.left().leg.expect("a leg");
        let (inner, edge) = (leg.src_mac.unwrap(), leg.dst_mac.unwrap());
        let left = |talk: Talk| {
            let servers = [[198, 51, 100, 80], [198, 51, 100, 81]].into_iter();
            servers.fold(stream(talk.left()), |scene, server| {
                let (a, b) = (outer([10, 20, 3, 77], inner), outer(server, edge));
                scene.talk(a, b, 443, "tls", Talk::ANSWERED)
            })
        };
        let unacknowledged = Talk {
            payload: [5000, 0],
            acknowledged: false,
            ..Talk::ANSWERED
        };
        assert_eq!(left(unacknowledged).one(RULE).severity, Severity::Critical);
        let finding = left(Talk::ONE_WAY).one(RULE);
        assert_eq!(
            finding.details.get("where"),
            Some(&Value::Text("left".to_owned()))
        );
        assert_eq!(
            finding.severity,
            Severity::Critical,
            "{:?}",
            finding.reasons
        );
    }

    #[test]
    fn near_miss_a_hosted_record_system_beside_an_engine_inside() {
        let (engine, inside) = (host([10, 8, 0, 20]), host([10, 8, 0, 21]));
        let scene = messages(far([203, 0, 112, 10]), "hl7", Some(true))
            .talk(engine, inside, 6661, "hl7", Talk::ANSWERED)
            .patient(engine, inside, "hl7");
        assert_eq!(scene.one(RULE).severity, Severity::High);
    }
}
