//! A device tries many others, most of whom do not answer; and some start again because of it.
//!
//! Source: ATT&CK T1046, T0846. Limits: slow scans below the bound are not told; who is tried by
//! packets that no flow is made of (ARP) counts only on the same segment; a device that starts
//! again without telling its address anew is not noticed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use auscult_inventory::{Party, is_group};
use auscult_model::report::{Finding, Severity};
use auscult_model::{ConversationKey, ConversationSum, Outcome, Segment};

use super::restart::{Announcements, Restarted, Tries};
use crate::draft::Draft;
use crate::grade::Grade;
use crate::stake::{Stake, stake};
use crate::view::{originator, responder};
use crate::words::{count, list, name_and_address};
use crate::{Detector, Facts, RuleRecord, View};

static RECORD: RuleRecord = RuleRecord {
    rule: "scan",
    title: "A device tries many others",
    when: "A device of ours opened conversations with at least 30 doors (addresses with ports), of \
           which at least four in five did not answer, refused, or got no payload. Medium as well \
           when medical devices that it tried told their addresses anew within two minutes: two \
           of them, or one whose stream was cut.",
    worst: Severity::Medium,
    innocent: &[
        "Vulnerability scanners, inventory and monitoring servers: info; declare them.",
        "A program that looks for its server after a move: some dozens of doors.",
        "Office computers and servers: info.",
        "An archive or a station that asks its modalities or beds, most of them switched off: all \
         doors are of a clinical protocol that it speaks: info.",
        "Devices that tell their addresses every few minutes, or start again with a whole ward \
         while nobody scans: nothing.",
    ],
    attack: &["T1046", "T0846", "T0814"],
    cves: &[],
    sources: &["ATT&CK T1046", "ATT&CK T0846"],
};

/// Doors at least.
const DOORS: usize = 30;
/// Of five doors, so many are closed.
const CLOSED: usize = 4;

/// So many devices do not start again at once by chance.
const RESTARTED: usize = 2;
/// A device of which so many doors were tried was scanned, and may start again by that.
const SCANNED: usize = 5;

/// Protocols by which clinical systems ask each other whether they are there.
const CLINICAL: [&str; 9] = [
    "astm",
    "contec-cms",
    "dicom",
    "ge-unity",
    "hl7",
    "intellivue",
    "poct1-a",
    "rwhat",
    "vista-cms",
];

/// The detector.
pub(super) struct Scan;

#[derive(Default)]
struct Tried<'a> {
    party: Option<Party>,
    doors: BTreeSet<(IpAddr, u16)>,
    open: BTreeSet<(IpAddr, u16)>,
    /// Ports on which it speaks a clinical protocol.
    clinical: BTreeSet<u16>,
    /// How each address was tried.
    tries: BTreeMap<IpAddr, Tries>,
    talks: Vec<(&'a ConversationKey, &'a ConversationSum)>,
}

/// Conversations kept as evidence.
const SHOWN: usize = 3;

impl Detector for Scan {
    fn record(&self) -> &'static RuleRecord {
        &RECORD
    }

    fn conclude(&self, _facts: &Facts, view: &View<'_>) -> Vec<Finding> {
        // Nearly nobody has so many conversations as to be looked at closer.
        let mut counts: HashMap<(Segment, IpAddr), usize> = HashMap::new();
        for (key, _) in view.ledger.conversations().filter(|(key, _)| is_door(key)) {
            *counts.entry((key.segment, key.originator)).or_default() += 1;
        }
        counts.retain(|_, conversations| *conversations >= DOORS);
        if counts.is_empty() {
            return Vec::new();
        }
        let mut tried: BTreeMap<(Segment, IpAddr), Tried<'_>> = BTreeMap::new();
        for (key, sum) in view.ledger.conversations() {
            if !counts.contains_key(&(key.segment, key.originator)) || !is_door(key) {
                continue;
            }
            let one = tried.entry((key.segment, key.originator)).or_default();
            one.party.get_or_insert(originator(key));
            one.tries(key, sum);
            let door = (key.responder, key.port);
            one.doors.insert(door);
            if CLINICAL.contains(&key.protocol) {
                one.clinical.insert(key.port);
            }
            if key.outcome == Outcome::Answered && sum.payload.iter().all(|bytes| *bytes > 0) {
                one.open.insert(door);
            } else if one.talks.len() < SHOWN {
                one.talks.push((key, sum));
            }
        }
        tried.retain(|_, one| one.is_scan());
        if tried.is_empty() {
            return Vec::new();
        }
        let announcements = Announcements::of(view);
        tried
            .values()
            .filter_map(|one| finding(view, one, &announcements))
            .collect()
    }
}

impl Tried<'_> {
    fn tries(&mut self, key: &ConversationKey, sum: &ConversationSum) {
        let fresh = Tries {
            party: responder(key),
            first: sum.first,
            last: sum.first,
            doors: BTreeSet::new(),
        };
        let tries = self.tries.entry(key.responder).or_insert(fresh);
        tries.first = tries.first.min(sum.first);
        // A door that is open may be used for long after.
        tries.last = tries.last.max(sum.first);
        tries.doors.insert(key.port);
    }

    fn closed(&self) -> usize {
        self.doors.difference(&self.open).count()
    }

    fn is_scan(&self) -> bool {
        self.doors.len() >= DOORS && self.closed() * 5 >= self.doors.len() * CLOSED
    }

    /// It asks for others of its kind.
    fn is_clinical(&self) -> bool {
        let ports = self.doors.iter().map(|(_, port)| port);
        ports.into_iter().all(|port| self.clinical.contains(port))
    }
}

/// Medical devices that began anew after they were scanned.
fn restarted<'a>(
    view: &View<'a>,
    tried: &Tried<'_>,
    announcements: &Announcements<'a>,
) -> Vec<Restarted<'a>> {
    if tried.is_clinical() {
        return Vec::new();
    }
    let mut restarted = announcements.after(view, tried.tries.values());
    restarted.retain(|one| {
        let is_telling = one.doors >= SCANNED || one.cut.is_some();
        is_telling && stake(one.device.role).is_medical()
    });
    let is_cut = restarted.iter().any(|one| one.cut.is_some());
    if restarted.len() < RESTARTED && !is_cut {
        restarted.clear();
    }
    restarted
}

fn is_door(key: &ConversationKey) -> bool {
    key.port != 0 && !is_group(key.responder) && !is_answer_of_datagrams(key)
}

/// Logs, traps and flow records go by datagrams that nobody answers: no door is tried.
fn is_answer_of_datagrams(key: &ConversationKey) -> bool {
    key.transport == auscult_model::Transport::Udp && matches!(key.port, 514 | 162 | 2055 | 4739)
}

fn finding<'a>(
    view: &View<'a>,
    tried: &Tried<'a>,
    announcements: &Announcements<'a>,
) -> Option<Finding> {
    let party = tried.party.filter(|party| view.is_local(*party))?;
    let closed = tried.closed();
    let restarted = restarted(view, tried, announcements);
    let stake = stake(view.role(party));
    let severity = match stake {
        Stake::Bedside | Stake::Medical | Stake::Embedded => Severity::Medium,
        Stake::Unknown | Stake::Office => Severity::Info,
    };
    let hosts: BTreeSet<IpAddr> = tried.doors.iter().map(|(ip, _)| *ip).collect();
    let ports: BTreeSet<u16> = tried.doors.iter().map(|(_, port)| *port).collect();
    let mut grade = Grade::new(severity, format!("{} tries them", stake.words()));
    if tried.is_clinical() {
        grade.cap(
            Severity::Info,
            "it asks for others of its kind, by a clinical protocol that it speaks",
        );
    }
    if !restarted.is_empty() {
        let many = count(restarted.len(), "medical device", "medical devices");
        grade.raise(
            Severity::Medium,
            format!("{many} began anew within two minutes after it tried their doors"),
        );
    }
    grade.cap_by_loss(view, false, false);
    grade.cap_by_network(view, &[party.ip]);
    let device = view.device(party);
    let name = view.name(party);
    let mut draft = Draft::about(&RECORD, device, party.ip, "doors")
        .number("doors", tried.doors.len() as u64)
        .number("closed", closed as u64)
        .number("hosts", hosts.len() as u64)
        .texts("ports", ports.iter().take(20).map(ToString::to_string));
    for talk in &tried.talks {
        draft = draft.talk(view, *talk);
    }
    let mut title = format!(
        "{name} tries {} at {}",
        count(tried.doors.len(), "door", "doors"),
        count(hosts.len(), "address", "addresses")
    );
    let mut impact = "Nothing to do at the bedside.";
    if !restarted.is_empty() {
        let many = count(restarted.len(), "device begins", "devices begin");
        title = format!("{title}, and {many} anew");
        impact = "Look at the devices named: patient, alarm limits and trends may be gone after a \
                  restart.";
        draft = began_anew(draft, view, &restarted);
    }
    Some(
        draft
            .words(
                title,
                impact,
                "If this is your scanner, keep it away from medical devices: some stop working \
                 when they are scanned. If it is not, find out what runs there.",
            )
            .seen(format!(
                "{closed} did not answer or got nothing; ports {}.",
                list(ports.iter().map(ToString::to_string))
            ))
            .innocent("A scanner or a watching server of yours. Looked at: what the device is.")
            .finish(grade, 0.9),
    )
}

/// The devices that began anew, with the streams that were cut.
fn began_anew<'a>(mut draft: Draft, view: &View<'a>, restarted: &[Restarted<'a>]) -> Draft {
    let names = restarted.iter().map(|one| name_and_address(one.device));
    let cut = restarted.iter().filter(|one| one.cut.is_some()).count();
    draft = draft
        .number("began_anew", restarted.len() as u64)
        .number("streams_cut", cut as u64)
        .seen(format!(
            "Within two minutes after they were tried, {} told the network their addresses anew; \
             {} began again a stream that they had before.",
            list(names),
            cut
        ));
    for one in restarted {
        draft = draft.device(Some(one.device));
        if let Some(talk) = one.cut {
            draft = draft.talk(view, talk);
        }
    }
    draft
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{Host, Scene, Talk, host, monitor, pc, ward};

    const RULE: &str = "scan";

    fn tries(scene: Scene, by: Host, doors: u16, talk: Talk) -> Scene {
        (0..doors).fold(scene, |scene, n| {
            let target = host([10, 20, 7, (n % 50) as u8 + 1]);
            scene.talk(by, target, 445 + n / 50, "unknown", talk)
        })
    }

    #[test]
    fn a_monitor_that_tries_many_is_medium() {
        let scene = tries(ward(), monitor(), 60, Talk::UNANSWERED);
        assert_eq!(scene.one(RULE).severity, Severity::Medium);
    }

    /// Two monitors of which `by` tries ten doors each; `anew` of them announce themselves after
    /// that.
    fn swept(by: Host, anew: u8, cut: bool) -> Scene {
        let beds = [31, 32].map(|n| host([10, 20, 3, n]));
        let mut scene = ward();
        for bed in beds {
            let steady = Talk {
                seconds: if cut { 500 } else { 1 },
                flows: if cut { 2 } else { 1 },
                ..Talk::ANSWERED
            };
            scene = scene
                .talk(bed, crate::scene::station(), 515, "contec-cms", steady)
                .patient(bed, crate::scene::station(), "contec-cms");
        }
        scene = tries(scene, by, 30, Talk::UNANSWERED);
        for bed in beds {
            scene = (0..10).fold(scene, |scene, n| {
                scene.talk(by, bed, 4000 + n, "unknown", Talk::UNANSWERED)
            });
        }
        for bed in beds.into_iter().take(usize::from(anew)) {
            scene = scene.later(40).asked(bed, bed.ip, (1, 0), Some(bed));
        }
        scene
    }

    #[test]
    fn devices_that_begin_anew_make_it_medium() {
        let two = swept(pc(), 2, false).one(RULE);
        assert_eq!(two.severity, Severity::Medium, "{:?}", two.reasons);
        assert_eq!(two.devices.len(), 3, "scanner and beds");
        let one_cut = swept(pc(), 1, true).one(RULE);
        assert_eq!(one_cut.severity, Severity::Medium, "{:?}", one_cut.reasons);
    }

    #[test]
    fn devices_that_ask_for_a_lease_begin_anew() {
        let scene = lease(swept(pc(), 0, false).later(30));
        assert_eq!(scene.one(RULE).severity, Severity::Medium);
    }

    #[test]
    fn near_miss_one_device_announces_itself() {
        assert_eq!(swept(pc(), 1, false).one(RULE).severity, Severity::Info);
        assert_eq!(swept(pc(), 0, true).one(RULE).severity, Severity::Info);
    }

    #[test]
    fn near_miss_few_doors_or_doors_that_answer() {
        let few = tries(ward(), monitor(), 20, Talk::UNANSWERED);
        assert_eq!(few.of(RULE), []);
        let open = tries(ward(), monitor(), 60, Talk::ANSWERED);
        assert_eq!(open.of(RULE), []);
    }

    /// Forty others at one port, two of whom answer by DICOM.
    fn asks_for_its_kind(protocol: &'static str) -> Scene {
        let silent = |scene: Scene, n| {
            let target = host([10, 20, 7, n]);
            scene.talk(monitor(), target, 104, "unknown", Talk::UNANSWERED)
        };
        let asked = (1..40).fold(ward(), silent);
        let awake = host([10, 20, 7, 50]);
        asked.talk(monitor(), awake, 104, protocol, Talk::ANSWERED)
    }

    #[test]
    fn near_miss_it_asks_for_others_of_its_kind() {
        let clinical = asks_for_its_kind("dicom");
        assert_eq!(clinical.one(RULE).severity, Severity::Info);
        let other = asks_for_its_kind("smb");
        assert_eq!(other.one(RULE).severity, Severity::Medium);
    }

    #[test]
    fn near_miss_a_scanner_of_ours() {
        let scanner = host([10, 20, 9, 77]);
        let scene = tries(ward(), scanner, 200, Talk::UNANSWERED).office(scanner);
        assert_eq!(scene.one(RULE).severity, Severity::Info);
    }

    /// Thirty doors that answer, and more of a kind that is no door.
    fn beside(more: impl Fn(Scene, Host) -> Scene) -> Scene {
        let open = tries(ward(), monitor(), 40, Talk::ANSWERED);
        (0..200).fold(open, |scene, n| more(scene, host([10, 20, 8, n])))
    }

    #[test]
    fn near_misses_what_is_no_door() {
        let datagram = Talk {
            transport: auscult_model::Transport::Udp,
            ..Talk::UNANSWERED
        };
        let doors = beside(|scene, to| scene.talk(monitor(), to, 9, "unknown", datagram));
        assert_eq!(doors.of(RULE).len(), 1);
        let logs = beside(|scene, to| scene.talk(monitor(), to, 514, "syslog", datagram));
        assert_eq!(logs.of(RULE), []);
        let echoes = beside(|scene, to| scene.talk(monitor(), to, 0, "icmp", datagram));
        assert_eq!(echoes.of(RULE), []);
        let groups = beside(|scene, to| {
            let std::net::IpAddr::V4(ip) = to.ip else {
                return scene;
            };
            let group = host([239, 1, 1, ip.octets()[3]]);
            scene.talk(monitor(), group, 9, "unknown", datagram)
        });
        assert_eq!(groups.of(RULE), []);
        let shell = beside(|scene, to| scene.talk(monitor(), to, 514, "unknown", Talk::UNANSWERED));
        assert_eq!(shell.of(RULE).len(), 1, "no datagrams");
    }

    #[test]
    fn near_miss_few_doors_again_and_again() {
        let again = ["unknown", "tls", "http"]
            .into_iter()
            .fold(ward(), |scene, protocol| {
                (0..20).fold(scene, |scene, n| {
                    scene.talk(
                        monitor(),
                        host([10, 20, 7, n]),
                        445,
                        protocol,
                        Talk::UNANSWERED,
                    )
                })
            });
        assert_eq!(again.of(RULE), []);
    }

    #[test]
    fn near_miss_somebody_outside() {
        let scene = tries(ward(), crate::scene::outside(), 60, Talk::UNANSWERED);
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_guests() {
        let scene = tries(ward(), monitor(), 60, Talk::UNANSWERED).guests("10.20.3.0/24");
        assert_eq!(scene.one(RULE).severity, Severity::Info);
    }

    #[test]
    fn near_miss_answers_may_be_among_what_was_lost() {
        let scene = || tries(ward(), monitor(), 60, Talk::UNANSWERED);
        assert!(!scene().one(RULE).weakened_by_loss);
        assert!(scene().lossy().one(RULE).weakened_by_loss);
    }

    fn beds() -> [Host; 2] {
        [31, 32].map(|n| host([10, 20, 3, n]))
    }

    /// The beds stream to the station.
    fn stream(scene: Scene, talk: Talk) -> Scene {
        beds().into_iter().fold(scene, |scene, bed| {
            scene
                .talk(bed, crate::scene::station(), 515, "contec-cms", talk)
                .patient(bed, crate::scene::station(), "contec-cms")
        })
    }

    /// A computer tries many doors, of each bed so many.
    fn sweep(scene: Scene, doors: u16) -> Scene {
        let scene = tries(scene, pc(), 60, Talk::UNANSWERED);
        beds().into_iter().fold(scene, |scene, bed| {
            (0..doors).fold(scene, |scene, n| {
                scene.talk(pc(), bed, 4000 + n, "unknown", Talk::UNANSWERED)
            })
        })
    }

    /// So many beds say whose their address is, by their own card or another.
    fn announce(scene: Scene, many: usize, by: impl Fn(Host) -> Host) -> Scene {
        let beds = beds().into_iter().take(many);
        beds.fold(scene.later(40), |scene, bed| {
            scene.asked(by(bed), bed.ip, (1, 0), Some(by(bed)))
        })
    }

    const SHORT: Talk = Talk {
        seconds: 1,
        ..Talk::ANSWERED
    };

    fn severity(scene: &Scene) -> Severity {
        let findings = scene.of(RULE);
        findings
            .iter()
            .map(|finding| finding.severity)
            .max()
            .unwrap()
    }

    #[test]
    fn near_miss_devices_that_came_after() {
        let before = announce(sweep(stream(ward(), SHORT), 10), 2, |bed| bed);
        assert_eq!(severity(&before), Severity::Medium);
        let after = announce(sweep(ward(), 10), 2, |bed| bed);
        assert_eq!(severity(&stream(after, SHORT)), Severity::Info);
    }

    #[test]
    fn near_miss_another_card_says_that_the_address_is_its_own() {
        let other = |bed: Host| Host {
            mac: auscult_model::MacAddr([0xd8, 0xbb, 0xc1, 1, 2, 3]),
            ..bed
        };
        let scene = announce(sweep(stream(ward(), SHORT), 10), 2, other);
        assert_eq!(severity(&scene), Severity::Info);
    }

    #[test]
    fn near_miss_devices_that_announce_themselves_often() {
        let scene = announce(stream(ward(), SHORT), 2, |bed| bed);
        let scene = announce(sweep(scene, 10), 2, |bed| bed);
        assert_eq!(severity(&scene), Severity::Info);
    }

    /// The beds ask for a lease from no address.
    fn lease(scene: Scene) -> Scene {
        beds().into_iter().fold(scene, |scene, bed| {
            let nobody = Host {
                ip: std::net::Ipv4Addr::UNSPECIFIED.into(),
                ..bed
            };
            let claim = auscult_model::Meaning::ClaimByMac {
                mac: bed.mac,
                attribute: "dhcp_hostname",
                value: "bed".to_owned(),
            };
            scene.say(nobody, crate::scene::everybody(), "dhcp", claim)
        })
    }

    #[test]
    fn near_misses_leases_before_and_long_after() {
        let then = lease(sweep(stream(ward(), SHORT), 10).later(30));
        assert_eq!(severity(&then), Severity::Medium);
        let before = sweep(lease(stream(ward(), SHORT)), 10);
        assert_eq!(severity(&before), Severity::Info);
        let after = lease(sweep(stream(ward(), SHORT), 10).later(900));
        assert_eq!(severity(&after), Severity::Info);
    }

    #[test]
    fn near_misses_a_stream_that_had_ended_or_began_later() {
        let twice = |seconds| Talk {
            seconds,
            flows: 2,
            ..Talk::ANSWERED
        };
        let cut = announce(sweep(stream(ward(), twice(500)), 10), 1, |bed| bed);
        assert_eq!(severity(&cut), Severity::Medium);
        let ended = announce(sweep(stream(ward(), twice(1)), 10), 1, |bed| bed);
        assert_eq!(severity(&ended), Severity::Info);
        let later = announce(sweep(stream(ward(), SHORT), 10), 1, |bed| bed);
        let later = later.talk(beds()[0], crate::scene::station(), 80, "http", twice(500));
        assert_eq!(severity(&later), Severity::Info);
    }

    #[test]
    fn near_miss_devices_of_which_few_doors_were_tried() {
        let scene = announce(sweep(stream(ward(), SHORT), 2), 2, |bed| bed);
        assert_eq!(severity(&scene), Severity::Info);
    }

    #[test]
    fn near_miss_computers_that_start_again() {
        let before = beds().into_iter().fold(ward(), |scene, pc| {
            scene
                .office(pc)
                .talk(pc, crate::scene::station(), 80, "http", SHORT)
        });
        let scene = announce(sweep(before, 10), 2, |bed| bed);
        assert_eq!(severity(&scene), Severity::Info);
    }

    #[test]
    fn near_miss_a_ward_that_starts_while_its_station_asks() {
        let asks = |scene, n| {
            let target = host([10, 20, 7, n]);
            let station = crate::scene::station();
            scene_talk(scene, station, target)
        };
        let scene = (1..40).fold(stream(ward(), SHORT), asks);
        let scene = beds().into_iter().fold(scene, |scene, bed| {
            scene_talk(scene, crate::scene::station(), bed)
        });
        let awake = host([10, 20, 7, 50]);
        let scene = scene.talk(crate::scene::station(), awake, 104, "dicom", Talk::ANSWERED);
        let twice = Talk {
            seconds: 500,
            flows: 2,
            ..Talk::ANSWERED
        };
        let cut = stream(ward(), twice);
        assert_eq!(severity(&announce(scene, 2, |bed| bed)), Severity::Info);
        let cut = (1..40).fold(cut, asks);
        let cut = beds().into_iter().fold(cut, |scene, bed| {
            scene_talk(scene, crate::scene::station(), bed)
        });
        let cut = cut.talk(crate::scene::station(), awake, 104, "dicom", Talk::ANSWERED);
        assert_eq!(severity(&announce(cut, 2, |bed| bed)), Severity::Info);
    }

    fn scene_talk(scene: Scene, from: Host, to: Host) -> Scene {
        scene.talk(from, to, 104, "unknown", Talk::UNANSWERED)
    }

    #[test]
    fn near_miss_a_stream_of_another_card_at_the_address() {
        let twice = Talk {
            seconds: 500,
            flows: 2,
            ..Talk::ANSWERED
        };
        let other = Host {
            mac: auscult_model::MacAddr([0xd8, 0xbb, 0xc1, 1, 2, 3]),
            ..beds()[0]
        };
        let scene = stream(ward(), SHORT).talk(other, crate::scene::station(), 80, "http", twice);
        let scene = announce(sweep(scene, 10), 1, |bed| bed);
        assert_eq!(severity(&scene), Severity::Info);
    }

    #[test]
    fn near_misses_what_is_no_stream() {
        let twice = Talk {
            seconds: 500,
            flows: 2,
            ..Talk::ANSWERED
        };
        let with = |talk| {
            let scene = stream(ward(), SHORT);
            let scene = scene.talk(beds()[0], crate::scene::station(), 80, "http", talk);
            severity(&announce(sweep(scene, 10), 1, |bed| bed))
        };
        assert_eq!(with(twice), Severity::Medium);
        let unanswered = Talk {
            outcome: Outcome::Unanswered,
            ..twice
        };
        let datagrams = Talk {
            transport: auscult_model::Transport::Udp,
            ..twice
        };
        let polls = Talk { flows: 40, ..twice };
        let empty = Talk {
            payload: [0, 100],
            ..twice
        };
        for talk in [unanswered, datagrams, polls, empty] {
            assert_eq!(with(talk), Severity::Info, "{talk:?}");
        }
    }

    #[test]
    fn near_miss_a_question_by_a_second_address() {
        let second = |bed: Host| Host {
            ip: std::net::IpAddr::from([10, 20, 3, 130]),
            ..bed
        };
        let scene = sweep(stream(ward(), SHORT), 10).later(40);
        let scene = beds().into_iter().fold(scene, |scene, bed| {
            scene.asked(second(bed), bed.ip, (1, 0), None)
        });
        assert_eq!(severity(&scene), Severity::Info);
    }
}
