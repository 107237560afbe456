//! A device that nobody updates by hand fetched a program, script, firmware or archive, and
//! nothing was seen that would prove who made it.
//!
//! Sources: CISA ICSMA-19-164-01 (an archive that a gateway installs from a share), ICSMA-21-215-01
//! (an update that is taken without a check), ICSMA-22-244-01. Limits: programs that a device reads
//! from a share (NFS, SMB, TFTP) are remote-code-share's; a signature is looked for in the first
//! bytes only and never verified.

use std::collections::BTreeSet;

use auscult_inventory::{Party, Reach, ServiceKind, known_service};
use auscult_model::report::{Finding, Role, Severity, Where};
use auscult_model::{Event, FileClass, Meaning, hex};

use crate::draft::Draft;
use crate::grade::Grade;
use crate::protection::{self, Protection};
use crate::stake::{Stake, stake};
use crate::words::{list, protocol_words};
use crate::{Detector, Fact, FactKey, Facts, RuleRecord, View};

use super::remote_code_share::{SHARES, reads};

static RECORD: RuleRecord = RuleRecord {
    rule: "unverified-code",
    title: "A device fetched a program without a check that could be seen",
    when: "A program, script, firmware image or archive reached a medical, embedded or unknown \
           device in clear: by HTTP, FTP, mail or another protocol; from a share, archives that it \
           read and all that others put onto it.",
    worst: Severity::High,
    innocent: &[
        "Windows, antivirus and telephone updates: their programs check signatures themselves; \
         info.",
        "Software distribution and logon scripts of workstations and servers: nothing.",
        "Programs with a signature, or by signed messages (SMB), from inside: at most low.",
        "The maker's update, during a maintenance visit: ask who was there.",
    ],
    attack: &["T1105", "T0839"],
    cves: &[],
    sources: &[
        "CISA ICSMA-19-164-01",
        "CISA ICSMA-21-215-01",
        "CISA ICSMA-22-244-01 Update A (2025-01-30)",
    ],
};

/// The class of what can run.
const CODE: &str = "code";

/// The detector.
pub(super) struct UnverifiedCode;

impl Detector for UnverifiedCode {
    fn record(&self) -> &'static RuleRecord {
        &RECORD
    }

    fn observe(&self, event: &Event, facts: &mut Facts) {
        let Meaning::File(file) = &event.meaning else {
            return;
        };
        if file.class == FileClass::Other {
            return;
        }
        let code = match file.class {
            FileClass::Archive => "archive",
            _ => CODE,
        };
        let mut fact = Fact::of(event, "last bytes of the file")
            .value("kind", file.kind)
            .value("class", code)
            .maximum("size", i64::try_from(file.size).unwrap_or(i64::MAX))
            .maximum("complete", i64::from(file.complete));
        fact.packets
            .insert((file.first, file.first_packet, "first bytes of the file"));
        if let Some(digest) = file.sha256 {
            fact = fact.value("sha256", hex(&digest));
        }
        fact = protection::observe(fact, event, file);
        let key = FactKey {
            from: file.to.into(),
            to: file.from.into(),
            port: 0,
            protocol: file.protocol,
            object: format!("file {}", file.name),
        };
        facts.add(RECORD.rule, key, fact);
    }

    fn conclude(&self, facts: &Facts, view: &View<'_>) -> Vec<Finding> {
        let groups = facts.grouped(RECORD.rule, |key| (view.who(key.from), key.to.ip));
        let mine = |mut group: Vec<_>| {
            group.retain(|one| !is_shared(view, one));
            finding(view, &group)
        };
        groups.filter_map(mine).collect()
    }
}

/// A program that a device reads from a share is another rule's.
fn is_shared(view: &View<'_>, (key, fact): &(&FactKey, &Fact)) -> bool {
    SHARES.contains(&key.protocol)
        && fact.texts("class").any(|class| class == CODE)
        && reads(view, key.from, key.to)
}

fn finding(view: &View<'_>, group: &[(&FactKey, &Fact)]) -> Option<Finding> {
    let (key, _) = group.first()?;
    let (reader, server) = (key.from, key.to);
    if !view.is_local(reader) || stake(view.role(reader)) == Stake::Office {
        return None;
    }
    let texts = |name: &'static str| -> BTreeSet<&str> {
        group.iter().flat_map(|(_, f)| f.texts(name)).collect()
    };
    let names: BTreeSet<&str> = group
        .iter()
        .filter_map(|(key, _)| key.object.strip_prefix("file "))
        .filter(|name| !name.is_empty())
        .collect();
    let changed = group
        .iter()
        .any(|(_, fact)| fact.texts("sha256").count() > 1);
    let reach = view.reach(reader, server.ip, None);
    let service = view.names(server.ip).into_iter().find_map(known_service);
    let is_update = service.is_some_and(|s| s.kind == ServiceKind::Update);
    let mut grade = grade(
        view,
        (reader, server),
        &reach,
        texts("class").contains(CODE),
    );
    let protection = Protection::of(group);
    let most = match is_outside(&reach) {
        true => Severity::Medium,
        false => Severity::Low,
    };
    protection.cap(&mut grade, most);
    if is_update {
        grade.cap(Severity::Info, "from a service that hands out updates");
    }
    if changed {
        grade.note("under one name, files of different content came");
    }
    let confidence = group.iter().map(|(_, f)| f.confidence).fold(0.0, f32::max) * 0.95;
    grade.cap_by_confidence(confidence);
    grade.cap_by_network(view, &[reader.ip]);

    let device = view.device(reader);
    let name = view.name(reader);
    let mut draft = Draft::about(&RECORD, device, reader.ip, &server.ip.to_string())
        .peer(server.ip, Some(&reach))
        .reach(&reach)
        .text("protocol", key.protocol)
        .text("protection", protection.words())
        .text("changed_under_one_name", if changed { "yes" } else { "no" })
        .number("files", group.len() as u64)
        .texts("file_names", names.iter().copied())
        .texts("file_types", texts("kind"))
        .texts("sha256", texts("sha256"))
        .facts(view, group);
    if view.is_local(server) {
        draft = draft.device(view.device(server));
    }
    let what = list(texts("kind"));
    let from = view.name_and_address(server);
    let (what, safe) = match (texts("class").contains(CODE), protection.is_some()) {
        (true, false) => (format!("a file that can run ({what})"), ", unprotected"),
        (false, false) => (format!("an archive ({what})"), ", unprotected"),
        (true, true) => (format!("a file that can run ({what})"), ""),
        (false, true) => (format!("an archive ({what})"), ""),
    };
    let title = match reads(view, reader, server) {
        true => format!("{name} took {what} from {from}{safe}"),
        false => format!("{from} put {what} onto {name}{safe}"),
    };
    Some(
        draft
            .words(
                title,
                "Nothing to do at the bedside.",
                "Ask who updates this device, and from where. If nobody knows: keep the file's \
                 SHA-256, ask the maker whether it is his, and allow the device this way only \
                 during maintenance.",
            )
            .seen(format!(
                "{} by {}, in clear. Protection: {}; whether the device checked it cannot be seen.",
                if names.is_empty() {
                    "Without a name".to_owned()
                } else {
                    list(&names)
                },
                protocol_words(key.protocol),
                protection.words(),
            ))
            .innocent(
                "An update by the maker or by maintenance. Looked at: what the device is, where \
                 the server is, and whether it is a known service for updates.",
            )
            .finish(grade, confidence),
    )
}

fn is_outside(reach: &Reach) -> bool {
    !matches!(
        reach.place,
        Where::SameSegment | Where::Inside | Where::Partner | Where::Group
    )
}

fn grade(view: &View<'_>, (reader, server): (Party, Party), reach: &Reach, is_code: bool) -> Grade {
    let stake = stake(view.role(reader));
    let outside = is_outside(reach);
    let known_server = view.role(server) != Role::Unknown;
    let severity = match (stake, outside, is_code) {
        (Stake::Bedside | Stake::Medical, true, true) => Severity::High,
        (Stake::Bedside | Stake::Medical, true, false) => Severity::Medium,
        (Stake::Bedside, false, true) if !known_server => Severity::Medium,
        (Stake::Bedside, false, true) => Severity::Low,
        (Stake::Bedside, false, false) if !known_server => Severity::Low,
        (Stake::Embedded, true, true) => Severity::Low,
        _ => Severity::Info,
    };
    let mut grade = Grade::new(
        severity,
        format!(
            "{} took it from a host {}",
            stake.words(),
            match (outside, known_server) {
                (true, _) => "outside",
                (false, true) => "inside",
                (false, false) => "inside of which nothing is known",
            }
        ),
    );
    if reach.sinkhole {
        grade.cap(
            Severity::Medium,
            "the address is a declared sinkhole or station",
        );
    }
    grade
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{Host, Scene, Talk, host, monitor, outside, ward};

    const RULE: &str = "unverified-code";

    fn fetched(scene: Scene, from: Host, class: FileClass) -> Scene {
        scene
            .talk(monitor(), from, 80, "http", Talk::ANSWERED)
            .file(from, monitor(), "http", class)
    }

    #[test]
    fn a_program_from_outside_is_high() {
        let scene = fetched(ward(), outside(), FileClass::Executable);
        let finding = scene.one(RULE);
        assert_eq!(finding.severity, Severity::High, "{:?}", finding.reasons);
        assert!(finding.details.contains_key("sha256"));
    }

    #[test]
    fn an_archive_from_outside_is_medium() {
        let scene = fetched(ward(), outside(), FileClass::Archive);
        assert_eq!(scene.one(RULE).severity, Severity::Medium);
    }

    #[test]
    fn near_miss_a_document() {
        let scene = fetched(ward(), outside(), FileClass::Other);
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_an_office_computer() {
        let scene = fetched(Scene::new(), outside(), FileClass::Executable).office(monitor());
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_a_known_update_service() {
        let named = Meaning::NameAnswered {
            name: "download.windowsupdate.com".to_owned(),
            addresses: vec![outside().ip],
        };
        let scene = fetched(ward(), outside(), FileClass::Executable);
        let scene = scene.say(host([10, 20, 0, 2]), monitor(), "dns", named);
        assert_eq!(scene.one(RULE).severity, Severity::Info);
    }

    fn share() -> Host {
        host([10, 20, 0, 9])
    }

    fn on_a_share(to: Host) -> Scene {
        ward().talk(to, share(), 445, "smb", Talk::ANSWERED)
    }

    #[test]
    fn an_archive_from_a_share_that_nobody_knows_is_low() {
        let scene = on_a_share(monitor()).file(share(), monitor(), "smb", FileClass::Archive);
        let finding = scene.one(RULE);
        assert_eq!(finding.severity, Severity::Low, "{:?}", finding.reasons);
        assert!(
            finding.title.contains("took an archive"),
            "{}",
            finding.title
        );
        let scene = on_a_share(monitor()).file(share(), monitor(), "smb", FileClass::Archive);
        assert_eq!(scene.office(share()).one(RULE).severity, Severity::Info);
    }

    #[test]
    fn a_program_that_others_put_onto_it_is_medium() {
        let put = |signed: (Option<&'static str>, bool)| {
            let scene = ward().talk(share(), monitor(), 2049, "nfs", Talk::ANSWERED);
            scene.signed_file(share(), monitor(), signed).one(RULE)
        };
        let finding = put((None, false));
        assert_eq!(finding.severity, Severity::Medium, "{:?}", finding.reasons);
        assert!(finding.title.contains(" put a file"), "{}", finding.title);
        for (signed, words) in [
            ((Some("Authenticode"), false), "Authenticode, not checked"),
            ((None, true), "SMB signing, not checked"),
            (
                (Some("Authenticode"), true),
                "Authenticode and SMB signing, not checked",
            ),
        ] {
            let finding = put(signed);
            assert_eq!(finding.severity, Severity::Low, "{words}");
            assert_eq!(
                finding
                    .details
                    .get("protection")
                    .map(|it| format!("{it:?}")),
                Some(format!("Text({words:?})"))
            );
        }
    }

    #[test]
    fn near_miss_a_share_is_another_rules() {
        let scene = ward()
            .talk(monitor(), outside(), 2049, "nfs", Talk::ANSWERED)
            .file(outside(), monitor(), "nfs", FileClass::Executable);
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn a_known_server_inside_is_low() {
        let server = host([10, 20, 0, 9]);
        let scene = fetched(ward(), server, FileClass::Executable);
        assert_eq!(scene.one(RULE).severity, Severity::Medium, "unknown");
        let scene = fetched(ward(), server, FileClass::Executable).office(server);
        assert_eq!(scene.one(RULE).severity, Severity::Low);
    }

    #[test]
    fn near_miss_a_program_that_was_read_with_doubt() {
        let sure = fetched(ward(), outside(), FileClass::Executable);
        let file = sure.events.last().unwrap().meaning.clone();
        let doubtful = ward()
            .talk(monitor(), outside(), 80, "http", Talk::ANSWERED)
            .say_so(outside(), monitor(), ("http", 0.5), file);
        assert_eq!(doubtful.one(RULE).severity, Severity::Medium);
    }

    #[test]
    fn near_miss_guests_and_a_declared_sinkhole() {
        let scene = || fetched(ward(), outside(), FileClass::Executable);
        let guests = scene().guests("10.20.3.0/24");
        assert_eq!(guests.one(RULE).severity, Severity::Info);
        let mut declared = scene();
        declared
            .site
            .sinkholes
            .push("198.18.7.0/24".parse().unwrap());
        assert_eq!(declared.one(RULE).severity, Severity::Medium);
    }

    #[test]
    fn near_miss_somebody_outside_takes_it() {
        let scene = ward()
            .talk(outside(), monitor(), 80, "http", Talk::ANSWERED)
            .file(monitor(), outside(), "http", FileClass::Executable);
        assert_eq!(scene.of(RULE), []);
    }
}
