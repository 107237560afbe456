//! Somebody changed, or could change, the settings of a device over the network: by a write of
//! its protocol, or by logging in where such devices are set up.
//!
//! Sources: CISA ICSMA-20-296-02 and ICSMA-21-294-01 (pumps that take commands from anybody),
//! ICSMA-17-250-02A, ICSMA-20-170-04 (fixed logins), RFC 3416 (SNMP). Limits: writes of protocols
//! that are not read are not seen; what was done in a session is not read.

use std::collections::BTreeSet;

use auscult_inventory::Party;
use auscult_model::report::{Finding, Role, Severity};
use auscult_model::{Event, Meaning};

use crate::draft::Draft;
use crate::grade::Grade;
use crate::stake::{Stake, stake};
use crate::words::{count, list, protocol_words, role_words};
use crate::{Detector, Fact, FactKey, Facts, RuleRecord, View};

static RECORD: RuleRecord = RuleRecord {
    rule: "remote-setting",
    title: "Somebody changed settings of a device over the network",
    when: "A medical or embedded device was sent a write of settings (SNMP SET, HL7 order to a \
           pump), or somebody logged in where a medical device is set up (Telnet; FTP and web \
           of devices beside the patient).",
    worst: Severity::Critical,
    innocent: &[
        "Its manager (a central station, a pump server, the interface engine): info.",
        "Maintenance: ask who was there.",
        "Printers and switches that are managed by SNMP: info.",
        "A write that was refused: info.",
        "A login to an image archive by HTTP or FTP, which fetches: nothing.",
    ],
    attack: &["T0836", "T0855", "T0886"],
    cves: &[],
    sources: &[
        "CISA ICSMA-20-296-02",
        "CISA ICSMA-21-294-01",
        "CISA ICSMA-17-250-02A",
        "CISA ICSMA-20-170-04",
        "RFC 3416",
    ],
};

/// Marks facts about logins among those about writes.
const LOGIN: &str = "login";
/// Ways of logging in by which devices are set up.
const SET_UP: [&str; 3] = ["telnet", "ftp", "http"];
/// The one that does nothing else: the others fetch and send data, too.
const CONSOLE: &str = "telnet";

/// The detector.
pub(super) struct RemoteSetting;

impl Detector for RemoteSetting {
    fn record(&self) -> &'static RuleRecord {
        &RECORD
    }

    fn observe(&self, event: &Event, facts: &mut Facts) {
        let (object, accepted, note) = match &event.meaning {
            Meaning::SettingChanged {
                setting,
                acknowledged,
            } => (format!("set {setting}"), *acknowledged, "writes a setting"),
            Meaning::Login { accepted, .. } if SET_UP.contains(&event.protocol) => {
                (LOGIN.to_owned(), *accepted, "logs in")
            }
            _ => return,
        };
        let answer = match accepted {
            Some(true) => "accepted",
            Some(false) => "refused",
            None => "not seen",
        };
        let key = FactKey {
            from: event.from.into(),
            to: event.to.into(),
            port: event.to.port,
            protocol: event.protocol,
            object,
        };
        facts.add(
            RECORD.rule,
            key,
            Fact::of(event, note).value("answer", answer),
        );
    }

    fn conclude(&self, facts: &Facts, view: &View<'_>) -> Vec<Finding> {
        let groups = facts.grouped(RECORD.rule, |key| (view.who(key.to), view.who(key.from)));
        groups.filter_map(|group| finding(view, &group)).collect()
    }
}

/// Who sets up devices of this role.
fn is_manager(by: Role, of: Role) -> bool {
    match by {
        Role::CentralStation => of == Role::PatientMonitor,
        Role::InterfaceEngine => of.is_medical(),
        Role::ImagingArchive | Role::ImagingWorkstation => matches!(
            of,
            Role::ImagingModality | Role::ImagingArchive | Role::ImagingWorkstation
        ),
        _ => false,
    }
}

fn finding(view: &View<'_>, group: &[(&FactKey, &Fact)]) -> Option<Finding> {
    let (key, _) = group.first()?;
    let (sender, target) = (key.from, key.to);
    let writes: BTreeSet<&str> = group
        .iter()
        .filter_map(|(key, _)| key.object.strip_prefix("set "))
        .collect();
    let answers: BTreeSet<&str> = group.iter().flat_map(|(_, f)| f.texts("answer")).collect();
    let consoles = group.iter().any(|(key, _)| key.protocol == CONSOLE);
    if writes.is_empty() && !consoles && stake(view.role(target)) != Stake::Bedside {
        return None;
    }
    let mut grade = grade(view, (sender, target), !writes.is_empty(), &answers)?;
    let confidence = group.iter().map(|(_, f)| f.confidence).fold(0.0, f32::max) * 0.95;
    grade.cap_by_confidence(confidence);
    grade.cap_by_network(view, &[target.ip]);

    let device = view.device(target);
    let (name, by) = (view.name(target), view.name(sender));
    let protocols: BTreeSet<&str> = group.iter().map(|(key, _)| key.protocol).collect();
    let mut draft = Draft::about(&RECORD, device, target.ip, &sender.ip.to_string())
        .peer(sender.ip, None)
        .texts("protocols", protocols.iter().copied())
        .texts("settings", writes.iter().copied())
        .texts("answers", answers.iter().copied())
        .facts(view, group);
    if view.is_local(sender) {
        draft = draft.device(view.device(sender));
    }
    let title = if writes.is_empty() {
        format!("{by} logged in to {name}, where it can be set up")
    } else {
        format!("{by} wrote settings of {name}")
    };
    let times: u64 = group.iter().map(|(_, fact)| fact.count).sum();
    let times = usize::try_from(times).unwrap_or(usize::MAX);
    let what = if writes.is_empty() {
        count(times, "login", "logins")
    } else {
        format!("{}: {}", count(times, "write", "writes"), list(&writes))
    };
    let by_way = list(protocols.iter().map(|protocol| protocol_words(protocol)));
    let nurse = if stake(view.role(target)) == Stake::Bedside && !writes.is_empty() {
        "Check that the settings and alarm limits of this device are as you set them."
    } else {
        "Nothing to do at the bedside."
    };
    Some(
        draft
            .words(
                title,
                nurse,
                "Ask who did this and why. Allow settings of this device from its manager alone.",
            )
            .seen(format!("{what}, by {by_way}; answer: {}.", list(&answers)))
            .innocent(
                "Maintenance, or a manager that this program does not know as one. Looked at: \
                 what both sides are, and whether it was accepted.",
            )
            .finish(grade, confidence),
    )
}

/// `None` when nothing is worth saying.
fn grade(
    view: &View<'_>,
    (sender, target): (Party, Party),
    writes: bool,
    answers: &BTreeSet<&str>,
) -> Option<Grade> {
    let (by, of) = (view.role(sender), view.role(target));
    let stake = stake(of);
    if !view.is_local(target) || stake > Stake::Embedded {
        return None;
    }
    let outside = !view.is_local(sender);
    let severity = match (stake, writes) {
        (Stake::Bedside, true) if answers.contains("accepted") => Severity::Critical,
        (Stake::Bedside, true) => Severity::High,
        (Stake::Medical, true) => Severity::Medium,
        (Stake::Bedside | Stake::Medical, false) if outside => Severity::High,
        (Stake::Bedside | Stake::Medical, false) => Severity::Medium,
        (_, true) => Severity::Info,
        (_, false) => return None,
    };
    let done = if writes {
        "was set"
    } else {
        "was logged in to"
    };
    let mut grade = Grade::new(
        severity,
        format!("{} {done} by {}", stake.words(), role_words(by)),
    );
    if is_manager(by, of) {
        grade.cap(Severity::Info, "by what manages such devices");
    }
    if answers.iter().all(|answer| *answer == "refused") {
        grade.cap(Severity::Info, "it was refused");
    }
    if writes && stake == Stake::Bedside && by == Role::Unknown && !outside {
        grade.note("nothing is known of the sender: it may be the manager");
        grade.cap(Severity::High, "that it is not the manager is not shown");
    }
    Some(grade)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{Scene, host, monitor, pc, station, ward};

    const RULE: &str = "remote-setting";

    fn at_work() -> Scene {
        ward().office(pc())
    }

    fn set(acknowledged: Option<bool>) -> Meaning {
        Meaning::SettingChanged {
            setting: "sysName.0".to_owned(),
            acknowledged,
        }
    }

    fn login(accepted: Option<bool>) -> Meaning {
        Meaning::Login {
            method: "telnet",
            account: "service".to_owned(),
            clear: true,
            accepted,
        }
    }

    #[test]
    fn an_acknowledged_write_by_a_workstation_is_critical() {
        let finding = at_work()
            .say(pc(), monitor(), "snmp", set(Some(true)))
            .one(RULE);
        assert_eq!(
            finding.severity,
            Severity::Critical,
            "{:?}",
            finding.reasons
        );
        assert!(finding.impact.contains("alarm limits"));
    }

    #[test]
    fn near_miss_it_was_refused() {
        let scene = at_work().say(pc(), monitor(), "snmp", set(Some(false)));
        assert_eq!(scene.one(RULE).severity, Severity::Info);
        let scene = at_work().say(pc(), monitor(), "telnet", login(Some(false)));
        assert_eq!(scene.one(RULE).severity, Severity::Info);
    }

    #[test]
    fn near_miss_its_central_station() {
        let scene = at_work().say(station(), monitor(), "snmp", set(Some(true)));
        assert_eq!(scene.one(RULE).severity, Severity::Info);
    }

    #[test]
    fn near_miss_a_computer_is_set_up() {
        let scene = at_work().say(station(), pc(), "snmp", set(Some(true)));
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_an_unknown_sender() {
        let scene = at_work().say(host([10, 20, 9, 78]), monitor(), "snmp", set(Some(true)));
        assert_eq!(scene.one(RULE).severity, Severity::High);
    }

    #[test]
    fn a_login_is_medium() {
        let scene = at_work().say(pc(), monitor(), "telnet", login(Some(true)));
        assert_eq!(scene.one(RULE).severity, Severity::Medium);
    }

    #[test]
    fn near_miss_a_login_that_sets_nothing_up() {
        let scene = at_work().say(pc(), monitor(), "imap", login(Some(true)));
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_a_login_at_a_station() {
        let scene = at_work().say(pc(), station(), "http", login(Some(true)));
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_a_write_that_was_read_with_doubt() {
        let scene = at_work().say_so(pc(), monitor(), ("snmp", 0.5), set(Some(true)));
        assert_eq!(scene.one(RULE).severity, Severity::Medium);
    }

    #[test]
    fn near_miss_a_device_of_somebody_else() {
        let theirs = crate::scene::outside();
        let scene = at_work()
            .talk(
                theirs,
                station(),
                515,
                "contec-cms",
                crate::scene::Talk::ANSWERED,
            )
            .patient(theirs, station(), "contec-cms")
            .say(pc(), theirs, "snmp", set(Some(true)));
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_guests() {
        let scene = at_work().say(pc(), monitor(), "snmp", set(Some(true)));
        assert_eq!(
            scene.guests("10.20.3.0/24").one(RULE).severity,
            Severity::Info
        );
    }
}
