//! A device read a program, script or firmware from a network share, or mounted the share from
//! which the CMS8000 copies its programs.
//!
//! Sources: CISA ICSMA-25-030-01 Update A and fact sheet (2025-01-30): NFS, export `/pm`, file
//! `monitor`, no check of who sends it; Claroty Team82 (2025-02). Limits: what a share offers and
//! nobody reads is not seen; programs over HTTP are not this rule's.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use auscult_inventory::{Party, Reach};
use auscult_model::report::{Finding, Role, Severity, Where};
use auscult_model::{Artifact, Event, FileClass, Meaning, Transport, hex, span};

use crate::draft::Draft;
use crate::grade::Grade;
use crate::protection::{self, Protection};
use crate::view::{look_at, look_at_service};
use crate::words::{list, protocol_words, range_words};
use crate::{Detector, Fact, FactKey, Facts, RuleRecord, View};

static RECORD: RuleRecord = RuleRecord {
    rule: "remote-code-share",
    title: "A device copies programs from a network share",
    when: "A program, script or firmware image was read from a share (NFS, SMB, TFTP), or the \
           export `/pm` was mounted or asked for; or a station at the family's factory address \
           offers shares to it.",
    worst: Severity::Critical,
    innocent: &[
        "Thin clients, hypervisors and old consoles that start from a server inside: info.",
        "Workstations and servers that run programs from a file server inside: nothing.",
        "Documents read from a share: nothing.",
        "Programs with a signature, or by signed messages (SMB), from inside: at most low.",
        "A device that writes its program to a share (a backup): nothing.",
        "A maintenance visit: ask who was there.",
    ],
    attack: &["T0857", "T1105", "T0867"],
    cves: &["CVE-2025-0626", "CVE-2025-1204"],
    sources: &[
        "CISA ICSMA-25-030-01 Update A (2025-02-25)",
        "CISA fact sheet on the CMS8000 (2025-01-30)",
        "Claroty Team82 (2025-02)",
    ],
};

/// Protocols that serve files as a share.
pub(super) const SHARES: [&str; 3] = ["nfs", "smb", "tftp"];
/// The export that the firmware of the CMS8000 mounts.
const EXPORT: &str = "/pm";
/// Marks facts about the export among those about files.
const MOUNT: &str = "mount";
/// Marks facts about a server that offers shares.
const OFFER: &str = "offer";

/// The detector.
pub(super) struct RemoteCodeShare;

impl Detector for RemoteCodeShare {
    fn record(&self) -> &'static RuleRecord {
        &RECORD
    }

    fn observe(&self, event: &Event, facts: &mut Facts) {
        match &event.meaning {
            Meaning::File(file) => observe_file(event, file, facts),
            Meaning::Request {
                operation,
                object,
                granted,
            } if is_export(event.protocol, operation, object) => {
                let (answer, note) = match granted {
                    Some(true) => ("granted", "mounts /pm, granted"),
                    Some(false) => ("refused", "asks for /pm, refused"),
                    None => ("not seen", "asks for /pm"),
                };
                let key = FactKey {
                    from: event.from.into(),
                    to: event.to.into(),
                    port: 0,
                    protocol: event.protocol,
                    object: MOUNT.to_owned(),
                };
                facts.add(
                    RECORD.rule,
                    key,
                    Fact::of(event, note).value("answer", answer),
                );
            }
            Meaning::Request {
                operation: "getport",
                object,
                granted: Some(true),
            } if matches!(object.as_str(), "mount" | "nfs") => {
                let key = FactKey {
                    from: event.from.into(),
                    to: event.to.into(),
                    port: 0,
                    protocol: event.protocol,
                    object: OFFER.to_owned(),
                };
                let fact = Fact::of(event, "a share is offered").value("offer", object.clone());
                facts.add(RECORD.rule, key, fact);
            }
            _ => {}
        }
    }

    fn conclude(&self, facts: &Facts, view: &View<'_>) -> Vec<Finding> {
        let mut groups: BTreeMap<(String, std::net::IpAddr), Group<'_>> = BTreeMap::new();
        for (key, fact) in facts.of(RECORD.rule) {
            let (client, server) = (key.from, key.to);
            let (mounts, offer) = (key.object == MOUNT, key.object == OFFER);
            if !mounts && !offer && !reads(view, client, server) {
                continue;
            }
            let group = groups
                .entry((view.who(client), server.ip))
                .or_insert_with(|| Group {
                    client,
                    server,
                    files: Vec::new(),
                    mounts: Vec::new(),
                    offers: Vec::new(),
                });
            if mounts {
                group.mounts.push((key, fact));
            } else if offer {
                group.offers.push((key, fact));
            } else {
                group.files.push((key, fact));
            }
        }
        groups
            .values()
            .filter_map(|group| finding(view, group))
            .collect()
    }
}

fn is_export(protocol: &str, operation: &str, object: &str) -> bool {
    matches!(protocol, "mount" | "nfs")
        && matches!(operation, "mount" | "lookup")
        && object.trim_end_matches('/') == EXPORT
}

/// Keeps programs that came from a share. A file goes from the server to its reader; the key is
/// turned round so that it begins with the reader.
fn observe_file(event: &Event, file: &Artifact, facts: &mut Facts) {
    let code = matches!(file.class, FileClass::Executable | FileClass::Firmware);
    if !code || !SHARES.contains(&file.protocol) {
        return;
    }
    let digest = file.sha256.map(|digest| hex(&digest));
    let object = digest.clone().unwrap_or_else(|| file.name.clone());
    let mut fact = Fact::of(event, "last bytes of the program")
        .value("name", file.name.clone())
        .value("kind", file.kind)
        .maximum("size", i64::try_from(file.size).unwrap_or(i64::MAX))
        .maximum("complete", i64::from(file.complete));
    fact.packets
        .insert((file.first, file.first_packet, "first bytes of the program"));
    if let Some(digest) = digest {
        fact = fact.value("sha256", digest);
    }
    fact = protection::observe(fact, event, file);
    let key = FactKey {
        from: file.to.into(),
        to: file.from.into(),
        port: 0,
        protocol: file.protocol,
        object: format!("file {object}"),
    };
    facts.add(RECORD.rule, key, fact);
}

/// One reader and one share.
struct Group<'a> {
    client: Party,
    server: Party,
    files: Vec<(&'a FactKey, &'a Fact)>,
    mounts: Vec<(&'a FactKey, &'a Fact)>,
    offers: Vec<(&'a FactKey, &'a Fact)>,
}

impl Group<'_> {
    fn answers(&self) -> BTreeSet<&str> {
        let facts = self.mounts.iter();
        facts.flat_map(|(_, fact)| fact.texts("answer")).collect()
    }

    fn all(&self) -> impl Iterator<Item = &(&FactKey, &Fact)> {
        let said = self.mounts.iter().chain(&self.offers);
        said.chain(&self.files)
    }
}

/// The receiver of the bytes began: it read. The other way it is a backup to the share.
pub(super) fn reads(view: &View<'_>, client: Party, server: Party) -> bool {
    let mut talks = view.between(client.ip, server.ip);
    talks.any(|(key, _)| key.originator == client.ip)
}

/// Where the share is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Share {
    Outside,
    Squatted,
    Inside,
}

fn share(view: &View<'_>, server: IpAddr, place: Where) -> Share {
    match place {
        Where::Squatted => Share::Squatted,
        // Linux cooked captures tell a neighbour, but not that it holds the address.
        Where::SameSegment if !view.inventory.is_site(server) => Share::Squatted,
        Where::SameSegment | Where::Inside | Where::Group | Where::Partner => Share::Inside,
        _ => Share::Outside,
    }
}

/// Where the share is by all conversations, also those whose protocol was not named.
fn reach(view: &View<'_>, group: &Group<'_>) -> Reach {
    view.reach(group.client, group.server.ip, None)
}

fn finding(view: &View<'_>, group: &Group<'_>) -> Option<Finding> {
    let reach = reach(view, group);
    let mut grade = grade(view, group, &reach)?;
    let surest = group
        .all()
        .map(|(_, fact)| fact.confidence)
        .fold(0.0, f32::max);
    let place = if group.files.is_empty() {
        reach.confidence
    } else {
        1.0
    };
    let confidence = surest * place * 0.95;
    let one_sided = reach.watched.is_one_sided();
    grade.cap_by_confidence(confidence);
    grade.cap_by_loss(view, one_sided, !group.files.is_empty());
    grade.cap_by_network(view, &[group.client.ip]);
    if reach.sinkhole {
        grade.cap(
            Severity::Medium,
            "the address is a declared sinkhole or station",
        );
    }

    let server = group.server.ip;
    let device = view.device(group.client);
    let mut draft = Draft::about(&RECORD, device, group.client.ip, &server.to_string())
        .peer(server, Some(&reach))
        .reach(&reach);
    if share(view, group.server.ip, reach.place) != Share::Outside {
        draft = draft.device(view.device(group.server));
    }
    if !group.mounts.is_empty() || is_family(view, group.client) {
        draft = draft.cves(&["CVE-2025-0626", "CVE-2025-1204", "ICSMA-25-030-01"]);
    }
    draft = mounts(draft, view, group);
    draft = files(draft, view, group);
    for (packet, note) in reach.packets.iter().filter(|_| group.files.is_empty()) {
        draft = draft.packet(view, *packet, note, &look_at(server));
    }
    for (_, fact) in group.all() {
        draft = draft.times(fact.first, fact.last, fact.count);
    }
    Some(sentences(draft, view, group, &reach, grade.severity).finish(grade, confidence))
}

fn is_family(view: &View<'_>, party: Party) -> bool {
    let device = view.device(party);
    let signature = device.and_then(|device| device.signature.as_deref());
    signature.is_some_and(|id| auscult_inventory::signature(id).is_some_and(|s| s.dangerous))
}

fn mounts(mut draft: Draft, view: &View<'_>, group: &Group<'_>) -> Draft {
    if group.mounts.is_empty() {
        return draft;
    }
    draft = draft.text("export", EXPORT).texts("mount", group.answers());
    for (key, fact) in &group.mounts {
        let service = view.service(group.client.ip, group.server.ip, key.protocol);
        draft = draft.packets_of(view, fact, &look_at_service(group.server.ip, service));
    }
    draft
}

fn files(mut draft: Draft, view: &View<'_>, group: &Group<'_>) -> Draft {
    let texts = |name: &'static str| -> BTreeSet<&str> {
        let facts = group.files.iter();
        facts.flat_map(|(_, fact)| fact.texts(name)).collect()
    };
    if !group.files.is_empty() {
        draft = draft.text("protection", Protection::of(&group.files).words());
    }
    draft = draft
        .number("programs", group.files.len() as u64)
        .texts("file_names", texts("name"))
        .texts("file_types", texts("kind"))
        .texts("sha256", texts("sha256"));
    for (key, fact) in group.files.iter().take(3) {
        let service = view
            .service(group.client.ip, group.server.ip, key.protocol)
            .filter(|(transport, _)| *transport == Transport::Tcp);
        draft = draft.text("protocol", key.protocol).packets_of(
            view,
            fact,
            &look_at_service(group.server.ip, service),
        );
    }
    draft
}

/// `None` when nothing is worth saying.
fn grade(view: &View<'_>, group: &Group<'_>, reach: &Reach) -> Option<Grade> {
    let role = view.role(group.client);
    let office = matches!(role, Role::Workstation | Role::Server | Role::Gateway);
    let place = share(view, group.server.ip, reach.place);
    let known = !group.mounts.is_empty() || is_family(view, group.client);
    let fetched = !group.files.is_empty();
    let mut grade = match (place, fetched) {
        (Share::Outside | Share::Squatted, true) if !office => Grade::new(
            Severity::Critical,
            "code reached a device of medical, embedded or unknown role from a share that is \
             outside or at an address of others, with no signature or authentication that proves \
             its maker",
        ),
        (Share::Outside, true) => Grade::new(
            Severity::High,
            "a workstation or server read code from a share outside",
        ),
        (Share::Squatted, true) => Grade::new(
            Severity::Medium,
            "a workstation or server read code from a share at an address of others",
        ),
        (Share::Inside, true) if known => Grade::new(
            Severity::High,
            "the share that the CMS8000 family copies its programs from; the server is inside",
        ),
        (Share::Inside, true) if office => return None,
        (Share::Inside, true) if is_bedside(role) => bedside(view.role(group.server)),
        (Share::Inside, true) => Grade::new(
            Severity::Info,
            "code from a server inside, as thin clients, hypervisors and consoles do",
        ),
        (_, false) if !group.mounts.is_empty() => mount_only(group, place)?,
        (Share::Squatted, false) if known => Grade::new(
            Severity::High,
            "a server at the family's factory address offers it shares",
        ),
        (_, false) => return None,
    };
    if reach.place == Where::CannotTell {
        let most = if known {
            Severity::High
        } else {
            Severity::Medium
        };
        grade.cap(most, "whether the share is outside cannot be told");
    }
    let most = match place {
        Share::Inside => Severity::Low,
        Share::Outside | Share::Squatted => Severity::High,
    };
    Protection::of(&group.files).cap(&mut grade, most);
    if reach.place == Where::AnsweredNear {
        grade.cap(Severity::High, "its answers come from near by");
    }
    grade.note(format!("the share is {}", place_words(place, reach)));
    if fetched
        && group
            .files
            .iter()
            .all(|(_, f)| f.maxima.get("complete") != Some(&1))
    {
        grade.note("not all of its bytes were seen to cross");
    }
    Some(grade)
}

/// Devices beside the patient, which no console or thin client is.
fn is_bedside(role: Role) -> bool {
    matches!(
        role,
        Role::PatientMonitor | Role::InfusionPump | Role::LabAnalyser | Role::MedicalOther
    )
}

/// Code for a bedside device from inside: from whom?
fn bedside(server: Role) -> Grade {
    if server == Role::Unknown {
        Grade::new(
            Severity::Medium,
            "a bedside device read code from a host inside of which nothing is known",
        )
    } else {
        Grade::new(
            Severity::Low,
            "a bedside device read code from a server inside",
        )
    }
}

/// The export was asked for, and no code was seen to come.
fn mount_only(group: &Group<'_>, place: Share) -> Option<Grade> {
    let answers = group.answers();
    Some(match place {
        Share::Inside if !answers.contains("granted") => return None,
        _ if answers.contains("granted") => Grade::new(
            Severity::High,
            "the export /pm was mounted; whether code followed was not seen",
        ),
        Share::Squatted | Share::Inside => Grade::new(
            Severity::Medium,
            "asked for the export /pm; the mount was not seen to be granted",
        ),
        Share::Outside if answers.len() == 1 && answers.contains("refused") => Grade::new(
            Severity::Medium,
            "asked for the export /pm outside, and was refused",
        ),
        Share::Outside => Grade::new(Severity::High, "tried to mount the export /pm outside"),
    })
}

fn place_words(place: Share, reach: &Reach) -> String {
    match place {
        Share::Outside => reach.reasons.first().cloned().unwrap_or_default(),
        Share::Squatted => "at a public address that lives on this segment".to_owned(),
        Share::Inside => "inside".to_owned(),
    }
}

fn sentences(
    draft: Draft,
    view: &View<'_>,
    group: &Group<'_>,
    reach: &Reach,
    severity: Severity,
) -> Draft {
    let (name, server) = (view.name(group.client), group.server.ip);
    let fetched = !group.files.is_empty();
    let where_from = match share(view, group.server.ip, reach.place) {
        Share::Outside => "a server outside",
        Share::Squatted => "a server at an address of others",
        Share::Inside => "a server inside",
    };
    let title = if fetched {
        format!("{name} copied a program from {where_from}, {server}")
    } else if !group.mounts.is_empty() {
        format!("{name} asked {where_from}, {server}, for the share that holds programs")
    } else {
        format!("{name} is offered shares by {where_from}, {server}")
    };
    let medical = view.role(group.client).is_medical() || severity == Severity::Critical;
    let impact = match (severity, fetched) {
        (Severity::Critical, _) => {
            "Do not rely on this device. Use another at the bedside; keep this one switched on."
        }
        (Severity::High, true) if medical => {
            "Keep watching the patient, and call biomedical engineering to check this device."
        }
        (Severity::High, _) => "Keep using it. Biomedical engineering will come.",
        _ => "Nothing to do at the bedside.",
    };
    let range = range_words(server);
    let action = match (severity, fetched) {
        (Severity::Critical, _) => format!(
            "Keep its power on for evidence; after the exchange take it off the network. Block \
             {range} both ways at the edge. Keep this capture."
        ),
        (Severity::High | Severity::Medium, _) => format!(
            "Block {range} both ways at the edge, or find out who runs the share, and check the \
             device's programs with the maker."
        ),
        _ => "Make sure that only its owners can write to this share.".to_owned(),
    };
    let mut draft = draft.words(title, impact, action);
    for (key, fact) in group.files.iter().take(4) {
        draft = draft.seen(file_words(key, fact));
    }
    if !group.mounts.is_empty() {
        let answers = list(group.answers());
        draft = draft.seen(format!(
            "Mount of {EXPORT}: {answers}. Nothing checks who sends."
        ));
    }
    if severity >= Severity::High && fetched {
        draft = draft.director(
            "A medical device may run a program of unknown origin: tell the safety officer.",
        );
    }
    let when = group.all().map(|(_, fact)| fact.first).min();
    let when = when.map_or_else(String::new, |first| format!(" at {}", span(first, first)));
    draft.innocent(format!(
        "A maintenance visit or a start from the own server looks the same: ask who was there\
         {when}. Looked at: where the share is, who began, what the bytes are."
    ))
}

fn file_words(key: &FactKey, fact: &Fact) -> String {
    let text = |name: &str| fact.texts(name).next().unwrap_or_default().to_owned();
    let whole = if fact.maxima.get("complete") == Some(&1) {
        "complete"
    } else {
        "in part"
    };
    let size = fact.maxima.get("size").copied().unwrap_or(0);
    let mut line = format!(
        "\"{}\" ({}, {size} bytes, {whole}) by {}, {}",
        text("name"),
        text("kind"),
        protocol_words(key.protocol),
        span(fact.first, fact.last),
    );
    if let Some(digest) = fact.texts("sha256").next() {
        line.push_str(&format!("; SHA-256 {digest}"));
    }
    line.push('.');
    line
}

#[cfg(test)]
mod tests {
    use auscult_model::Outcome;

    use super::*;
    use crate::scene::{Host, Scene, Talk, far, host};

    const RULE: &str = "remote-code-share";

    fn device() -> Host {
        host([10, 20, 3, 14])
    }

    fn read(server: Host, class: FileClass) -> Scene {
        Scene::new()
            .talk(device(), server, 2049, "nfs", Talk::ANSWERED)
            .file(server, device(), "nfs", class)
    }

    #[test]
    fn code_from_a_share_outside_is_critical() {
        let finding = read(far([202, 114, 4, 119]), FileClass::Executable).one(RULE);
        assert_eq!(
            finding.severity,
            Severity::Critical,
            "{:?}",
            finding.reasons
        );
        assert!(
            finding.seen[0].contains("SHA-256 0707"),
            "{:?}",
            finding.seen
        );
        assert!(finding.impact.contains("keep this one switched on"));
        let firmware = read(far([202, 114, 4, 119]), FileClass::Firmware);
        assert_eq!(firmware.one(RULE).severity, Severity::Critical);
    }

    #[test]
    fn code_from_a_squatted_address_is_critical() {
        let server = host([202, 114, 4, 119]);
        let scene =
            read(server, FileClass::Executable).asked(device(), server.ip, (1, 0), Some(server));
        let finding = scene.one(RULE);
        assert_eq!(finding.severity, Severity::Critical);
        assert_eq!(finding.devices.len(), 2);
    }

    #[test]
    fn a_workstation_outside_is_high() {
        let scene = read(far([202, 114, 4, 119]), FileClass::Executable).office(device());
        assert_eq!(scene.one(RULE).severity, Severity::High);
    }

    #[test]
    fn near_miss_a_document() {
        assert_eq!(read(far([202, 114, 4, 119]), FileClass::Other).of(RULE), []);
    }

    #[test]
    fn near_miss_a_program_by_http() {
        let server = far([198, 51, 100, 7]);
        let scene = Scene::new()
            .talk(device(), server, 80, "http", Talk::ANSWERED)
            .file(server, device(), "http", FileClass::Executable);
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_a_thin_client_starts_from_its_server() {
        let finding = read(host([10, 20, 0, 9]), FileClass::Executable).one(RULE);
        assert_eq!(finding.severity, Severity::Info);
    }

    #[test]
    fn near_miss_a_server_of_ours_in_borrowed_space() {
        let near = Talk {
            round_trip: auscult_model::Timestamp::MILLISECOND,
            ttl: 63,
            ..Talk::ANSWERED
        };
        let server = far([11, 0, 0, 9]);
        let scene = Scene::new().talk(device(), server, 2049, "nfs", near).file(
            server,
            device(),
            "nfs",
            FileClass::Executable,
        );
        assert_eq!(scene.one(RULE).severity, Severity::Medium);
    }

    #[test]
    fn near_miss_answers_from_near_by() {
        let near = Talk {
            round_trip: 5 * auscult_model::Timestamp::MILLISECOND,
            ..Talk::ANSWERED
        };
        let server = far([202, 114, 4, 119]);
        let mut scene = Scene::new().talk(device(), server, 2049, "nfs", near).file(
            server,
            device(),
            "nfs",
            FileClass::Executable,
        );
        scene.site.country = Some("DE".to_owned());
        let finding = scene.one(RULE);
        assert_eq!(finding.severity, Severity::High, "{:?}", finding.reasons);
    }

    #[test]
    fn a_bedside_device_that_reads_code_inside() {
        let (monitor, station, share) = (device(), host([10, 20, 3, 5]), host([10, 20, 0, 9]));
        let scene = read(share, FileClass::Executable)
            .talk(monitor, station, 9500, "vista-cms", Talk::ANSWERED)
            .patient(monitor, station, "vista-cms");
        let severity = scene.one(RULE).severity;
        assert!(
            (Severity::Low..=Severity::Medium).contains(&severity),
            "{severity}"
        );
    }

    #[test]
    fn near_miss_a_signature_or_signed_messages_inside() {
        let (monitor, station, share) = (device(), host([10, 20, 3, 5]), host([10, 20, 0, 9]));
        for signed in [(Some("Authenticode"), false), (None, true), (None, false)] {
            let scene = Scene::new()
                .talk(monitor, share, 445, "smb", Talk::ANSWERED)
                .talk(monitor, station, 9500, "vista-cms", Talk::ANSWERED)
                .patient(monitor, station, "vista-cms")
                .signed_file(share, monitor, signed);
            let expected = match signed {
                (None, false) => Severity::Medium,
                _ => Severity::Low,
            };
            assert_eq!(scene.one(RULE).severity, expected, "{signed:?}");
        }
    }

    #[test]
    fn near_miss_a_workstation_runs_programs_of_its_file_server() {
        let scene = read(host([10, 20, 0, 9]), FileClass::Executable);
        assert_eq!(scene.office(device()).of(RULE), []);
    }

    #[test]
    fn near_miss_on_the_bench_and_to_a_sinkhole() {
        let mut scene = read(far([202, 114, 4, 119]), FileClass::Executable);
        scene
            .site
            .bench_networks
            .push("10.20.0.0/16".parse().unwrap());
        assert_eq!(scene.one(RULE).severity, Severity::Info);
        let mut scene = read(far([202, 114, 4, 119]), FileClass::Executable);
        scene.site.sinkholes.push("202.114.4.0/24".parse().unwrap());
        assert_eq!(scene.one(RULE).severity, Severity::Medium);
    }

    #[test]
    fn near_miss_a_backup_to_a_share_outside() {
        let share = far([202, 114, 4, 119]);
        let scene = Scene::new()
            .talk(device(), share, 2049, "nfs", Talk::ANSWERED)
            .file(device(), share, "nfs", FileClass::Executable);
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn the_export_inside_is_high_and_alone_nothing_outside_of_it() {
        let server = host([10, 20, 0, 9]);
        let scene = read(server, FileClass::Executable).mount(device(), server, "/pm", Some(true));
        assert_eq!(scene.one(RULE).severity, Severity::High);
        let alone = Scene::new()
            .talk(device(), server, 635, "mount", Talk::ANSWERED)
            .mount(device(), server, "/pm", None);
        assert_eq!(alone.of(RULE), [], "asked for inside, not granted");
        let other = Scene::new()
            .talk(device(), server, 2049, "mount", Talk::ANSWERED)
            .mount(device(), server, "/home", Some(true));
        assert_eq!(other.of(RULE), []);
    }

    #[test]
    fn a_mount_that_is_tried_outside_is_high() {
        let server = far([202, 114, 4, 119]);
        let talk = Talk {
            outcome: Outcome::Unanswered,
            payload: [200, 0],
            ..Talk::UNANSWERED
        };
        let scene = Scene::new()
            .talk(device(), server, 635, "mount", talk)
            .mount(device(), server, "/pm", None)
            .way_out(device());
        assert!(scene.one(RULE).severity >= Severity::Medium);
        let granted = Scene::new()
            .talk(device(), server, 635, "mount", Talk::ANSWERED)
            .mount(device(), server, "/pm", Some(true));
        assert_eq!(granted.one(RULE).severity, Severity::High);
        let refused = Scene::new()
            .talk(device(), server, 635, "mount", Talk::ANSWERED)
            .mount(device(), server, "/pm", Some(false));
        assert_eq!(refused.one(RULE).severity, Severity::Medium);
    }

    #[test]
    fn a_station_that_offers_shares_to_the_family_is_high() {
        let (monitor, station) = (device(), host([202, 114, 4, 119]));
        let offer = || Meaning::Request {
            operation: "getport",
            object: "nfs".to_owned(),
            granted: Some(true),
        };
        let scene = || {
            Scene::new()
                .asked(monitor, station.ip, (1, 0), Some(station))
                .talk(monitor, station, 111, "portmap", Talk::ANSWERED)
                .say(monitor, station, "portmap", offer())
        };
        let family = scene()
            .talk(monitor, station, 515, "contec-cms", Talk::ANSWERED)
            .patient(monitor, station, "contec-cms");
        assert_eq!(family.one(RULE).severity, Severity::High);
        assert_eq!(scene().of(RULE), [], "not the family");
    }

    #[test]
    fn near_miss_other_requests_that_name_the_export() {
        let server = far([202, 114, 4, 119]);
        let asks = |protocol, operation| {
            let request = Meaning::Request {
                operation,
                object: EXPORT.to_owned(),
                granted: Some(true),
            };
            Scene::new()
                .talk(device(), server, 2049, "nfs", Talk::ANSWERED)
                .say(device(), server, protocol, request)
        };
        assert_eq!(asks("mount", "mount").of(RULE).len(), 1);
        assert_eq!(asks("http", "mount").of(RULE), []);
        assert_eq!(asks("nfs", "getattr").of(RULE), []);
    }

    #[test]
    fn near_miss_a_program_that_was_read_with_doubt() {
        let server = far([202, 114, 4, 119]);
        let sure = read(server, FileClass::Executable);
        let file = sure.events.last().unwrap().meaning.clone();
        let doubtful = Scene::new()
            .talk(device(), server, 2049, "nfs", Talk::ANSWERED)
            .say_so(server, device(), ("nfs", 0.5), file);
        assert_eq!(doubtful.one(RULE).severity, Severity::Medium);
    }

    #[test]
    fn near_miss_an_answer_that_may_be_among_what_was_lost() {
        let scene = read(far([202, 114, 4, 119]), FileClass::Executable);
        assert!(!scene.one(RULE).weakened_by_loss);
        assert!(scene.lossy().one(RULE).weakened_by_loss);
    }
}
