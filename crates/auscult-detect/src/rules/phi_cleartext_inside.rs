//! Patient data crosses our own networks in clear: one finding for each protocol and pair of
//! segments.
//!
//! Sources: 45 CFR 164.312(e); look-alikes from practice. Limit: on captures without VLAN tags
//! all segments look like one.

use std::collections::{BTreeMap, BTreeSet};

use auscult_model::Segment;
use auscult_model::report::{Finding, Role, Severity, Where};

use super::patient_data::{self, Crossing};
use crate::draft::Draft;
use crate::grade::Grade;
use crate::view::look_at_service;
use crate::words::{self, kinds_words, list, protocol_words};
use crate::{Detector, Facts, RuleRecord, View};

static RECORD: RuleRecord = RuleRecord {
    rule: "phi-cleartext-inside",
    title: "Patient data crosses the own network in clear",
    when: "A readable protocol carried identity or measurements of a patient between two devices \
           of the site, or to a group. One finding for each protocol and pair of segments.",
    worst: Severity::Medium,
    innocent: &[
        "Routine of HL7, DICOM, monitoring and wristband printing between clinical systems: low.",
        "A central station at a public factory address on the own segment is inside.",
        "A patient simulator on a test bench: info, when the bench network is declared.",
    ],
    attack: &["T1040", "T0842"],
    cves: &[],
    sources: &["45 CFR 164.312(e)"],
};

/// The detector. It observes nothing: the facts are those that phi-cleartext-outside keeps.
pub(super) struct PhiCleartextInside;

impl Detector for PhiCleartextInside {
    fn record(&self) -> &'static RuleRecord {
        &RECORD
    }

    fn conclude(&self, facts: &Facts, view: &View<'_>) -> Vec<Finding> {
        let all = patient_data::crossings(facts, view);
        let mut groups: BTreeMap<(&str, Segment, Segment), Vec<&Crossing<'_>>> = BTreeMap::new();
        for crossing in all.iter().filter(|crossing| is_inside(crossing)) {
            let key = (
                crossing.protocol,
                home(view, crossing, true),
                home(view, crossing, false),
            );
            groups.entry(key).or_default().push(crossing);
        }
        groups
            .iter()
            .map(|((protocol, from, to), group)| finding(view, protocol, (*from, *to), group))
            .collect()
    }
}

fn is_inside(crossing: &Crossing<'_>) -> bool {
    matches!(
        crossing.reach.place,
        Where::SameSegment | Where::Inside | Where::Squatted | Where::Group
    )
}

/// The segment a side lives on: a device behind a router is seen on another.
fn home(view: &View<'_>, crossing: &Crossing<'_>, sender: bool) -> Segment {
    let party = if sender { crossing.from } else { crossing.to };
    let Some(device) = view.device(party) else {
        return party.segment;
    };
    if device.segments.contains(&party.segment) {
        party.segment
    } else {
        device.segments.first().copied().unwrap_or(party.segment)
    }
}

fn finding(
    view: &View<'_>,
    protocol: &'static str,
    (from, to): (Segment, Segment),
    group: &[&Crossing<'_>],
) -> Finding {
    let graded = group.iter().map(|crossing| exposure(view, crossing));
    let mut grade = graded
        .max_by_key(|grade| grade.severity)
        .unwrap_or_else(|| Grade::new(Severity::Low, "routine between clinical systems"));
    let confidence = group
        .iter()
        .map(|c| c.fact.confidence * c.reach.confidence)
        .fold(0.0, f32::max);
    let senders: Vec<_> = group.iter().map(|crossing| crossing.from.ip).collect();
    grade.cap_by_network(view, &senders);

    let kinds = patient_data::kinds(group);
    let way = if from == to {
        format!("within {}", segment_words(from))
    } else {
        format!("{} to {}", segment_words(from), segment_words(to))
    };
    let mut draft = Draft::new(&RECORD, "", &format!("{protocol} {from} {to}"))
        .text("protocol", protocol)
        .text("from_segment", from.to_string())
        .text("to_segment", to.to_string())
        .text("where", widest(group).word())
        .texts("phi_kinds", kinds.iter().map(|kind| kind.word()));
    if let Some(patients) = patient_data::patients(group) {
        draft = draft.text("patients", patients);
    }
    let mut names = [BTreeSet::new(), BTreeSet::new()];
    for crossing in group {
        for (side, party) in [crossing.from, crossing.to].into_iter().enumerate() {
            let device = view.device(party);
            draft = draft.device(device);
            if let Some(names) = names.get_mut(side) {
                names.insert(view.name_and_address(party));
            }
        }
        let service = view.only_service(crossing.from.ip, crossing.to.ip, protocol);
        let ip = crossing.from.ip;
        draft = draft
            .times(crossing.fact.first, crossing.fact.last, crossing.fact.count)
            .packets_of(view, crossing.fact, &look_at_service(ip, service));
    }
    let receivers: BTreeSet<_> = group.iter().map(|crossing| crossing.to.ip).collect();
    if let (1, Some(peer)) = (receivers.len(), receivers.first()) {
        draft = draft.peer(*peer, None);
    }
    let [senders, takers] = names;
    let title = format!(
        "Patient data goes in clear by {}, {way}",
        protocol_words(protocol)
    );
    let action = if grade.severity >= Severity::Medium {
        "Move the receiver into a clinical network, or ask the maker for encryption (TLS)."
    } else {
        "Keep this network apart from offices and guests; ask the maker for encryption (TLS)."
    };
    draft
        .texts("senders", senders.iter().cloned())
        .texts("receivers", takers.iter().cloned())
        .words(title, "Nothing to do at the bedside.", action)
        .seen(format!("{} to {}.", list(&senders), list(&takers)))
        .seen(format!("Filled in: {}.", kinds_words(&kinds)))
        .innocent(
            "Usual between clinical systems: most medical protocols know no encryption. Looked \
             at: what the receivers are, and who else lives on their segment.",
        )
        .finish(grade, confidence)
}

/// The place that reaches most ears.
fn widest(group: &[&Crossing<'_>]) -> Where {
    let places = group.iter().map(|crossing| crossing.reach.place);
    places
        .max_by_key(|place| match place {
            Where::Group => 3,
            Where::Inside => 2,
            Where::Squatted => 1,
            _ => 0,
        })
        .unwrap_or(Where::Inside)
}

fn segment_words(segment: Segment) -> String {
    if segment == Segment::UNTAGGED {
        "the untagged network".to_owned()
    } else {
        segment.to_string()
    }
}

/// Who can hear it: clinical systems, or others as well.
fn exposure(view: &View<'_>, crossing: &Crossing<'_>) -> Grade {
    let options = view.inventory.options();
    if options.is_guest(crossing.to.ip) {
        return Grade::new(Severity::Medium, "sent into a network of guests");
    }
    if crossing.reach.place == Where::Group {
        let office = view
            .inventory
            .devices
            .iter()
            .filter(|device| device.segments.contains(&crossing.from.segment))
            .filter(|device| is_office(device.role))
            .count();
        return if office > 0 {
            let who = words::count(office, "office device", "office devices");
            Grade::new(
                Severity::Medium,
                format!("sent to everybody on the segment, {who} among them"),
            )
        } else {
            Grade::new(Severity::Low, "sent to everybody on a clinical segment")
        };
    }
    let role = view.role(crossing.to);
    if is_office(role) {
        return Grade::new(
            Severity::Medium,
            format!("received by a {}", words::role_words(role)),
        );
    }
    let clinical = role.is_medical()
        || matches!(role, Role::Server | Role::Gateway | Role::Printer)
        || view.is_clinical(home(view, crossing, false));
    if clinical {
        Grade::new(Severity::Low, "routine between clinical systems")
    } else {
        Grade::new(
            Severity::Medium,
            "sent into a segment in which no clinical system is known",
        )
    }
}

/// Roles that have no part in care.
fn is_office(role: Role) -> bool {
    matches!(
        role,
        Role::Workstation | Role::Phone | Role::Camera | Role::Other
    )
}

#[cfg(test)]
mod tests {
    use auscult_model::PhiKind;

    use super::*;
    use crate::scene::{Host, Scene, Talk, everybody, far, host};

    const RULE: &str = "phi-cleartext-inside";

    fn pair(sender: Host, receiver: Host) -> Scene {
        Scene::new()
            .talk(sender, receiver, 2575, "hl7", Talk::ANSWERED)
            .patient(sender, receiver, "hl7")
    }

    fn monitors_to_station() -> Scene {
        let station = host([10, 9, 0, 5]);
        [[10, 9, 0, 21], [10, 9, 0, 22]].into_iter().map(host).fold(
            Scene::new(),
            |scene, monitor| {
                scene
                    .talk(monitor, station, 515, "contec-cms", Talk::ANSWERED)
                    .patient(monitor, station, "contec-cms")
            },
        )
    }

    #[test]
    fn one_finding_for_a_pair_of_segments() {
        let finding = monitors_to_station().one(RULE);
        assert_eq!(finding.severity, Severity::Low);
        assert_eq!(finding.devices.len(), 3);
        assert_eq!(finding.peer, Some(host([10, 9, 0, 5]).ip));
    }

    #[test]
    fn one_finding_for_each_protocol() {
        let scene = monitors_to_station();
        let (a, b) = (host([10, 9, 0, 21]), host([10, 9, 0, 30]));
        let scene = scene
            .talk(a, b, 2575, "hl7", Talk::ANSWERED)
            .patient(a, b, "hl7");
        assert_eq!(scene.of(RULE).len(), 2);
    }

    #[test]
    fn near_miss_outside() {
        assert_eq!(
            pair(host([10, 9, 0, 7]), far([203, 0, 112, 10])).of(RULE),
            []
        );
    }

    #[test]
    fn near_miss_a_bed_is_no_patient() {
        let (a, b) = (host([10, 9, 0, 7]), host([10, 9, 0, 8]));
        let scene = Scene::new()
            .talk(a, b, 2575, "hl7", Talk::ANSWERED)
            .patient_with(a, b, "hl7", vec![PhiKind::Location, PhiKind::Clinician]);
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn into_a_guest_network_is_medium() {
        let mut scene = pair(host([10, 9, 0, 7]), host([10, 66, 0, 8]));
        scene
            .site
            .guest_networks
            .push("10.66.0.0/16".parse().unwrap());
        assert_eq!(scene.one(RULE).severity, Severity::Medium);
    }

    #[test]
    fn near_miss_a_simulator_on_the_bench() {
        let mut scene = pair(host([10, 9, 0, 7]), host([10, 9, 0, 8]));
        scene
            .site
            .bench_networks
            .push("10.9.0.0/16".parse().unwrap());
        assert_eq!(scene.one(RULE).severity, Severity::Info);
    }

    #[test]
    fn into_a_segment_without_care_is_medium() {
        let (a, b) = (host([10, 9, 0, 7]), host([10, 9, 0, 8]));
        let export = || {
            Scene::new()
                .talk(a, b, 9000, "udp-export", Talk::ANSWERED)
                .patient(a, b, "udp-export")
        };
        assert_eq!(export().one(RULE).severity, Severity::Medium);
        let (monitor, station) = (host([10, 9, 0, 21]), host([10, 9, 0, 5]));
        let among_monitors = export()
            .talk(monitor, station, 515, "contec-cms", Talk::ANSWERED)
            .patient(monitor, station, "contec-cms");
        let findings = among_monitors.of(RULE);
        assert!(
            findings.iter().all(|f| f.severity == Severity::Low),
            "{findings:#?}"
        );
    }

    #[test]
    fn to_everybody_with_offices_listening_is_medium() {
        let monitor = host([10, 9, 0, 21]);
        let beacon = || {
            Scene::new()
                .talk(monitor, everybody(), 7000, "rwhat", Talk::UNANSWERED)
                .patient(monitor, everybody(), "rwhat")
        };
        let finding = beacon().one(RULE);
        assert_eq!(finding.severity, Severity::Low, "{:?}", finding.reasons);
        let finding = beacon().office(host([10, 9, 0, 99])).one(RULE);
        assert_eq!(finding.severity, Severity::Medium, "{:?}", finding.reasons);
    }

    #[test]
    fn to_an_office_computer_is_medium() {
        let (a, b) = (host([10, 9, 0, 7]), host([10, 9, 0, 8]));
        let (monitor, station) = (host([10, 9, 0, 21]), host([10, 9, 0, 5]));
        let scene = Scene::new()
            .talk(monitor, station, 515, "contec-cms", Talk::ANSWERED)
            .patient(monitor, station, "contec-cms")
            .talk(a, b, 9000, "udp-export", Talk::ANSWERED)
            .patient(a, b, "udp-export")
            .office(b);
        let severities: Vec<_> = scene.of(RULE).iter().map(|f| f.severity).collect();
        assert_eq!(severities, [Severity::Medium, Severity::Low]);
    }

    #[test]
    fn near_miss_an_office_on_another_segment_does_not_hear() {
        let monitor = host([10, 9, 0, 21]);
        let office = Host {
            segment: auscult_model::Segment::vlan(40),
            ..host([10, 9, 40, 7])
        };
        let heard = |pc: Host| {
            monitors_to_station()
                .office(pc)
                .patient(monitor, everybody(), "contec-cms")
        };
        let worst = |scene: Scene| scene.of(RULE).iter().map(|f| f.severity).max();
        assert_eq!(worst(heard(host([10, 9, 0, 77]))), Some(Severity::Medium));
        assert_eq!(worst(heard(office)), Some(Severity::Low));
    }
}
