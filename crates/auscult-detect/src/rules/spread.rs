//! A device puts itself, or what looks like it, onto others by their shares.
//!
//! Sources: WannaCry and DoublePulsar (Microsoft MS17-010; the unused sub-command of SMB 1 by which
//! the implant is asked for), Orangeworm and NotPetya (copies to administrators' shares); ATT&CK
//! T1021.002, T1210, T1570. Limits: what crosses enciphered (SMB 3) is not seen; a program that
//! changes from copy to copy is known by its name alone.

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use auscult_inventory::Party;
use auscult_model::report::{Finding, Severity};
use auscult_model::{Event, FileClass, Meaning, Outcome, hex};

use crate::draft::Draft;
use crate::grade::Grade;
use crate::protection::{self, Protection};
use crate::stake::{Stake, stake};
use crate::view::originator;
use crate::words::{count, list};
use crate::{Detector, Fact, FactKey, Facts, RuleRecord, View};

static RECORD: RuleRecord = RuleRecord {
    rule: "spread",
    title: "A device spreads a program to others",
    when: "A device wrote the same program to shares of at least three others (two, when it tried \
           the SMB port of many), or asked at least two others for an implant by a sub-command of \
           SMB 1 that nothing else uses.",
    worst: Severity::High,
    innocent: &[
        "Administrators' tools and software distribution, from an office computer or server, and \
         programs or messages with a signature: info.",
        "A vulnerability scanner that asks for the implant and writes nothing: low.",
        "A device that writes its results, pictures or one backup: nothing.",
        "Devices that read one program from a file server: nothing here.",
    ],
    attack: &["T1021.002", "T1210", "T1570", "T0867"],
    cves: &["CVE-2017-0144"],
    sources: &[
        "Microsoft MS17-010",
        "CISA ICSMA-17-215-01",
        "ATT&CK T1021.002",
        "ATT&CK T1570",
    ],
};

/// Copies on so many others are a distribution.
const COPIES: usize = 3;
/// On so many when it tried many doors before.
const COPIES_OF_A_SCANNER: usize = 2;
/// Others that are asked for an implant at least.
const ASKED: usize = 2;
/// Others whose SMB port was tried in vain: a search for victims.
const TRIED: usize = 10;
/// Ports of SMB.
const PORTS: [u16; 2] = [445, 139];

/// Somebody asks for an implant by SMB 1.
const IMPLANT_ASKED: &str = "implant-asked";
/// Somebody has it.
const IMPLANT_THERE: &str = "implant-there";

/// The detector.
pub(super) struct Spread;

type Told<'f> = Vec<(&'f FactKey, &'f Fact)>;

impl Detector for Spread {
    fn record(&self) -> &'static RuleRecord {
        &RECORD
    }

    fn observe(&self, event: &Event, facts: &mut Facts) {
        if event.protocol != "smb" {
            return;
        }
        let (from, to) = (Party::from(event.from), Party::from(event.to));
        let key = |from, to, object: String| FactKey {
            from,
            to,
            port: 0,
            protocol: "smb",
            object,
        };
        match &event.meaning {
            Meaning::File(file) if can_run(file.class, &file.name) => {
                let object = match file.sha256 {
                    Some(digest) => hex(&digest),
                    None => format!("file {}", file.name),
                };
                let share = event.attribute("smb_share").unwrap_or_default();
                let fact = Fact::of(event, "a program crosses")
                    .value("name", &file.name)
                    .value("share", share_words(share))
                    .maximum("unsigned", i64::from(file.signature.is_none()));
                let fact = protection::observe(fact, event, file);
                facts.add(
                    RECORD.rule,
                    key(file.from.into(), file.to.into(), object),
                    fact,
                );
            }
            Meaning::Request { operation, .. } if *operation == IMPLANT_ASKED => {
                let fact = Fact::of(event, "asks for the implant");
                facts.add(RECORD.rule, key(from, to, IMPLANT_ASKED.to_owned()), fact);
            }
            Meaning::Claim {
                attribute: "smb_implant",
                ..
            } => {
                let fact = Fact::of(event, "answers that the implant is there");
                facts.add(RECORD.rule, key(to, from, IMPLANT_THERE.to_owned()), fact);
            }
            _ => {}
        }
    }

    fn conclude(&self, facts: &Facts, view: &View<'_>) -> Vec<Finding> {
        let by_sender = facts.grouped(RECORD.rule, |key| view.who(key.from));
        // Nearly nobody does enough that it is asked for.
        let tried = LazyCell::new(|| Tried::of(view));
        let finding = |told: Told<'_>| finding(view, &told, &|by| tried.by(view, by));
        by_sender.filter_map(finding).collect()
    }
}

/// Programs by what they begin with, or by their names where their beginning was not seen.
fn can_run(class: FileClass, name: &str) -> bool {
    const ENDINGS: [&str; 6] = [".exe", ".dll", ".sys", ".bat", ".ps1", ".scr"];
    let name = name.to_ascii_lowercase();
    match class {
        FileClass::Executable => true,
        _ => ENDINGS.iter().any(|ending| name.ends_with(ending)),
    }
}

/// The share's kind: the shares that administrators alone may use, or another.
fn share_words(share: &str) -> &'static str {
    let name = share.rsplit(['\\', '/']).next().unwrap_or_default();
    let is_drive = |name: &str| {
        let mut letters = name.chars();
        letters.next().is_some_and(|c| c.is_ascii_alphabetic()) && letters.as_str() == "$"
    };
    match name.to_ascii_uppercase().as_str() {
        "ADMIN$" => "ADMIN$",
        name if is_drive(name) => "a drive's own share",
        _ => "a share",
    }
}

/// What one device did.
#[derive(Default)]
struct Deeds<'f> {
    /// Copies of the program that most others got, or what tells of them.
    copies: Told<'f>,
    /// Who got it.
    hosts: BTreeSet<String>,
    /// Questions for the implant, and who was asked.
    questions: Told<'f>,
    asked: BTreeSet<String>,
    /// Who answered that it is there.
    there: BTreeSet<String>,
}

impl<'f> Deeds<'f> {
    fn of(view: &View<'_>, told: &Told<'f>) -> Deeds<'f> {
        let mut deeds = Deeds::default();
        let mut programs: BTreeMap<&str, (BTreeSet<String>, Told<'f>)> = BTreeMap::new();
        for (key, fact) in told {
            let to = view.who(key.to);
            match key.object.as_str() {
                IMPLANT_ASKED => {
                    deeds.asked.insert(to);
                    deeds.questions.push((key, fact));
                }
                IMPLANT_THERE => {
                    deeds.there.insert(to);
                    deeds.questions.push((key, fact));
                }
                digest if wrote(view, key) => {
                    // Where bytes are missing, or a copy differs, the name tells.
                    let names = fact.texts("name").map(base).filter(|name| !name.is_empty());
                    for label in names.chain([digest]) {
                        let (hosts, copies) = programs.entry(label).or_default();
                        hosts.insert(to.clone());
                        copies.push((key, fact));
                    }
                }
                _ => {}
            }
        }
        let most = programs.into_values().max_by_key(|(hosts, _)| hosts.len());
        (deeds.hosts, deeds.copies) = most.unwrap_or_default();
        deeds
    }

    /// All copies bear a signature of who made them.
    fn is_signed(&self) -> bool {
        let signed = |(_, fact): &(&FactKey, &Fact)| fact.maxima.get("unsigned") == Some(&0);
        self.copies.iter().all(signed)
    }
}

/// The last part of a path.
fn base(name: &str) -> &str {
    name.rsplit(['\\', '/']).next().unwrap_or(name)
}

/// Who sent the bytes began: it wrote. The other way somebody read them.
fn wrote(view: &View<'_>, key: &FactKey) -> bool {
    let mut talks = view.between(key.from.ip, key.to.ip);
    talks.any(|(talk, _)| talk.originator == key.from.ip && PORTS.contains(&talk.port))
}

/// Whose SMB port was tried without getting a word, by address and by device.
#[derive(Default)]
struct Tried {
    by_address: BTreeMap<IpAddr, BTreeSet<IpAddr>>,
    by_device: BTreeMap<String, BTreeSet<IpAddr>>,
}

impl Tried {
    fn of(view: &View<'_>) -> Self {
        let mut tried = Tried::default();
        for (key, sum) in view.ledger.conversations() {
            let in_vain = key.outcome != Outcome::Answered || sum.payload[1] == 0;
            if PORTS.contains(&key.port) && in_vain && sum.one_sided == 0 {
                let address = tried.by_address.entry(key.originator).or_default();
                address.insert(key.responder);
                let device = tried
                    .by_device
                    .entry(view.who(originator(key)))
                    .or_default();
                device.insert(key.responder);
            }
        }
        tried
    }

    /// How many others a device tried.
    fn by(&self, view: &View<'_>, party: Party) -> usize {
        let address = self.by_address.get(&party.ip).into_iter().flatten();
        let device = self.by_device.get(&view.who(party)).into_iter().flatten();
        address.chain(device).collect::<BTreeSet<_>>().len()
    }
}

fn finding(view: &View<'_>, told: &Told<'_>, tried: &dyn Fn(Party) -> usize) -> Option<Finding> {
    let sender = told.first()?.0.from;
    let deeds = Deeds::of(view, told);
    let (copies, asked) = (deeds.hosts.len(), deeds.asked.len());
    let enough = |many| copies >= many || asked >= ASKED || !deeds.there.is_empty();
    if !enough(COPIES_OF_A_SCANNER) {
        return None;
    }
    let tried = tried(sender);
    let searches = tried >= TRIED;
    if !searches && !enough(COPIES) {
        return None;
    }
    let mut grade = grade(view, sender, &deeds, searches);
    grade.cap_by_network(view, &[sender.ip]);
    let name = view.name(sender);
    let files: BTreeSet<&str> = deeds
        .copies
        .iter()
        .flat_map(|(_, f)| f.texts("name"))
        .collect();
    let shares: BTreeSet<&str> = deeds
        .copies
        .iter()
        .flat_map(|(_, f)| f.texts("share"))
        .collect();
    let mut draft = Draft::about(&RECORD, view.device(sender), sender.ip, "spread")
        .facts(view, &deeds.copies)
        .facts(view, &deeds.questions)
        .number("copies", copies as u64)
        .number("asked_for_implant", asked as u64)
        .number("implant_there", deeds.there.len() as u64)
        .number("smb_ports_tried_in_vain", tried as u64)
        .texts("file_names", files.iter().copied())
        .texts("shares", shares.iter().copied());
    for (key, _) in deeds.copies.iter().chain(&deeds.questions) {
        draft = draft.device(view.device(key.to));
    }
    if copies > 0 {
        draft = draft.seen(format!(
            "It wrote {} to {} ({}). Protection: {}.",
            list(&files),
            count(copies, "other", "others"),
            list(&shares),
            Protection::of(&deeds.copies).words()
        ));
    }
    if asked > 0 {
        draft = draft.seen(format!(
            "It asked {} for an implant by SMB 1; {} said that it is there.",
            count(asked, "other", "others"),
            deeds.there.len()
        ));
    }
    if searches {
        draft = draft.seen(format!(
            "It tried the SMB port of {} that gave no word.",
            count(tried, "other", "others")
        ));
    }
    let title = if copies >= COPIES_OF_A_SCANNER {
        format!(
            "{name} writes one program to {}",
            count(copies, "other", "others")
        )
    } else {
        format!(
            "{name} asks {} for an implant",
            count(asked, "other", "others")
        )
    };
    Some(
        draft
            .words(
                title,
                "If this device is beside a patient, call biomedical engineering now and have \
                 another one ready.",
                "Ask who distributes software from here. If nobody does: cut it off from all but \
                 what it needs to serve patients, keep the file's SHA-256, look at those that got \
                 it, and close port 445 between devices.",
            )
            .innocent(
                "Administration, software distribution or a vulnerability scanner. Looked at: \
                 what the device is, whether it tried many doors, signatures.",
            )
            .finish(grade, 0.85),
    )
}

fn grade(view: &View<'_>, sender: Party, deeds: &Deeds<'_>, searches: bool) -> Grade {
    let stake = stake(view.role(sender));
    let minded = stake.is_device();
    let writes = deeds.hosts.len() >= COPIES_OF_A_SCANNER;
    if !deeds.there.is_empty() && (minded || writes) {
        let mut grade = Grade::new(Severity::High, "the implant is there");
        grade.note(format!("{} asks for it", stake.words()));
        return grade;
    }
    let asks = deeds.asked.len() >= ASKED;
    let severity = match (minded, writes, asks, searches) {
        (true, true, _, true) | (_, true, true, _) => Severity::High,
        (true, ..) | (_, true, _, true) => Severity::Medium,
        (_, false, ..) => Severity::Low,
        _ if stake == Stake::Unknown => Severity::Low,
        _ => Severity::Info,
    };
    let mut grade = Grade::new(severity, format!("{} does it", stake.words()));
    if !searches && !asks {
        // Messages are signed by whoever is logged on: a worm as well, on a device of its own.
        let is_protected = Protection::of(&deeds.copies).is_some();
        match minded {
            true if deeds.is_signed() => grade.cap(Severity::Low, "its maker signed the program"),
            false if is_protected => grade.cap(Severity::Info, "program or messages are signed"),
            _ => {}
        }
    }
    grade
}

#[cfg(test)]
mod tests {
    use auscult_model::About;

    use super::*;
    use crate::scene::{Host, Scene, Talk, host, monitor, pc, ward};

    const RULE: &str = "spread";

    fn others(count: u8) -> impl Iterator<Item = Host> {
        (1..=count).map(|n| host([10, 20, 7, n]))
    }

    fn copied(scene: Scene, by: Host, to: u8) -> Scene {
        others(to).fold(scene, |scene, to| {
            scene.talk(by, to, 445, "smb", Talk::ANSWERED).file(
                by,
                to,
                "smb",
                FileClass::Executable,
            )
        })
    }

    fn asked(scene: Scene, by: Host, of: u8) -> Scene {
        others(of).fold(scene, |scene, to| {
            let question = Meaning::Request {
                operation: IMPLANT_ASKED,
                object: String::new(),
                granted: None,
            };
            let talked = scene.talk(by, to, 445, "smb", Talk::ANSWERED);
            talked.say(by, to, "smb", question)
        })
    }

    fn searched(scene: Scene, by: Host) -> Scene {
        (0..40).fold(scene, |scene, n| {
            let target = host([10, 20, 8, n]);
            scene.talk(by, target, 445, "unknown", Talk::UNANSWERED)
        })
    }

    #[test]
    fn a_monitor_that_copies_itself() {
        let scene = copied(ward(), monitor(), 3);
        assert_eq!(scene.one(RULE).severity, Severity::Medium);
        let scene = searched(copied(ward(), monitor(), 2), monitor());
        assert_eq!(scene.one(RULE).severity, Severity::High);
        let scene = asked(searched(copied(ward(), pc(), 2), pc()), pc(), 3);
        assert_eq!(scene.one(RULE).severity, Severity::High, "anybody");
    }

    #[test]
    fn near_miss_one_backup_or_two() {
        let scene = copied(ward(), monitor(), 1);
        assert_eq!(scene.of(RULE), []);
        let scene = copied(ward(), monitor(), 2);
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_many_read_one_program() {
        let server = host([10, 20, 0, 9]);
        let scene = others(9).fold(ward(), |scene, reader| {
            scene.talk(reader, server, 445, "smb", Talk::ANSWERED).file(
                server,
                reader,
                "smb",
                FileClass::Executable,
            )
        });
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_software_distribution() {
        let office = copied(ward(), pc(), 9).office(pc());
        assert_eq!(office.one(RULE).severity, Severity::Info);
        let other = copied(ward(), pc(), 9);
        assert!(other.one(RULE).severity <= Severity::Low);
    }

    #[test]
    fn near_miss_a_vulnerability_scanner_asks() {
        let scene = asked(searched(ward(), pc()), pc(), 9);
        assert_eq!(scene.one(RULE).severity, Severity::Low);
        let one = asked(searched(ward(), pc()), pc(), 1);
        assert_eq!(one.of(RULE), []);
    }

    #[test]
    fn a_monitor_that_asks_for_the_implant() {
        let scene = asked(ward(), monitor(), 2);
        assert_eq!(scene.one(RULE).severity, Severity::Medium);
        let there = Meaning::Claim {
            about: About::Sender,
            attribute: "smb_implant",
            value: "answers".to_owned(),
        };
        let scene = scene.say(host([10, 20, 7, 1]), monitor(), "smb", there);
        assert_eq!(scene.one(RULE).severity, Severity::High);
    }

    #[test]
    fn shares_by_their_kind() {
        assert_eq!(share_words(r"\\10.1.1.5\admin$"), "ADMIN$");
        assert_eq!(share_words(r"\\10.1.1.5\C$"), "a drive's own share");
        assert_eq!(share_words(r"\\10.1.1.5\IPC$"), "a share");
        assert_eq!(share_words("update"), "a share");
    }

    /// A program goes to others, signed or by signed messages.
    fn signed(by: Host, to: u8, how: (Option<&'static str>, bool)) -> Scene {
        others(to).fold(ward(), |scene, to| {
            let scene = scene.talk(by, to, 445, "smb", Talk::ANSWERED);
            scene.signed_file(by, to, how)
        })
    }

    #[test]
    fn near_miss_its_maker_signed_the_program() {
        let by_maker = signed(monitor(), 3, (Some("Authenticode"), false));
        assert_eq!(by_maker.one(RULE).severity, Severity::Low);
        let by_messages = signed(monitor(), 3, (None, true));
        assert_eq!(by_messages.one(RULE).severity, Severity::Medium);
    }

    #[test]
    fn near_miss_messages_of_somebody_who_is_logged_on() {
        let scene = signed(pc(), 9, (None, true));
        assert_eq!(scene.one(RULE).severity, Severity::Info);
    }

    #[test]
    fn near_miss_copies_by_another_protocol() {
        let scene = others(3).fold(ward(), |scene, to| {
            let scene = scene.talk(monitor(), to, 445, "smb", Talk::ANSWERED);
            scene.file(monitor(), to, "http", FileClass::Executable)
        });
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_guests() {
        let scene = copied(ward(), monitor(), 3).guests("10.20.3.0/24");
        assert_eq!(scene.one(RULE).severity, Severity::Info);
    }

    #[test]
    fn near_miss_a_share_with_a_number() {
        assert_eq!(share_words(r"\10.1.1.5\1$"), "a share");
    }

    #[test]
    fn near_miss_different_programs_without_names() {
        let Some(Meaning::File(program)) = copied(ward(), monitor(), 1)
            .events
            .last()
            .map(|event| event.meaning.clone())
        else {
            unreachable!("the last word is of a file");
        };
        let each = |own: bool| {
            others(3).enumerate().fold(ward(), |scene, (n, to)| {
                let mut file = program.clone();
                file.name = String::new();
                file.to.ip = to.ip;
                file.to.mac = Some(to.mac);
                file.sha256 = Some([if own { n as u8 } else { 9 }; 32]);
                scene.talk(monitor(), to, 445, "smb", Talk::ANSWERED).say(
                    monitor(),
                    to,
                    "smb",
                    Meaning::File(file),
                )
            })
        };
        assert_eq!(each(false).of(RULE).len(), 1);
        assert_eq!(each(true).of(RULE), []);
    }

    /// Two copies, and forty doors that are tried so.
    fn beside(port: u16, talk: Talk) -> Scene {
        (0..40).fold(copied(ward(), monitor(), 2), |scene, n| {
            scene.talk(monitor(), host([10, 20, 8, n]), port, "unknown", talk)
        })
    }

    #[test]
    fn near_misses_what_is_no_search() {
        assert_eq!(beside(445, Talk::UNANSWERED).of(RULE).len(), 1);
        assert_eq!(beside(80, Talk::UNANSWERED).of(RULE), [], "another port");
        assert_eq!(beside(445, Talk::ANSWERED).of(RULE), [], "they answer");
        assert_eq!(beside(445, Talk::ONE_WAY).of(RULE), [], "answers unseen");
    }

    #[test]
    fn near_miss_one_copy_by_somebody_who_is_logged_on() {
        let there = || Meaning::Claim {
            about: About::Sender,
            attribute: "smb_implant",
            value: "answers".to_owned(),
        };
        let of = |how| {
            let copied = signed(pc(), 1, how).office(pc());
            let scene = copied.say(host([10, 20, 7, 1]), pc(), "smb", there());
            scene.one(RULE).severity
        };
        assert_eq!(of((None, false)), Severity::Low);
        assert_eq!(of((None, true)), Severity::Info);
    }
}
