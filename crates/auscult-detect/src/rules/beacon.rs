//! A device opens connections to one place at regular intervals, for a long time.
//!
//! How it is reckoned: openings of the same sequence number are one. The intervals between the
//! first [`BEATS`] are compared with their median: an interval counts as a beat when it lies within
//! a fifth of the median, of twice or of three times it (missed beats). The score is the share of
//! beats among the intervals. Medians and deviations from them as in RITA (Active Countermeasures),
//! since means suffer from single pauses; unlike there, missed beats do not lower the score.
//!
//! Limits: connections over TCP to addresses that are not private; beats within one connection, and
//! those of datagrams, are not seen; amounts are told and not judged.

use std::collections::BTreeMap;

use auscult_inventory::{Party, ServiceKind, known_service};
use auscult_model::report::{Finding, Severity};
use auscult_model::{FlowStart, PacketRef, Timestamp};

use crate::draft::Draft;
use crate::grade::Grade;
use crate::stake::{Stake, stake};
use crate::view::{arrived, look_at_service};
use crate::words::{duration, percent};
use crate::{Detector, Fact, FactKey, Facts, RuleRecord, View};

static RECORD: RuleRecord = RuleRecord {
    rule: "beacon",
    title: "A device calls one place at regular intervals",
    when: "A device opened at least 12 connections to one address and port outside, nine in ten of \
           the intervals within a fifth of their median or of a small multiple of it, and was \
           answered.",
    worst: Severity::Low,
    innocent: &[
        "Checks whether the network is there, of certificates, time, updates, messages: nothing.",
        "A maker's service that asks for work each minute: low, and told by name.",
        "Computers: info.",
        "Watching servers and balancers, guests: nothing.",
    ],
    attack: &["T1071", "T1029"],
    cves: &[],
    sources: &["RITA (Active Countermeasures), method of scores"],
};

/// Openings kept of one pair: the earliest.
const BEATS: usize = Fact::VALUES;
/// Openings at least.
const LEAST: usize = 12;
/// Median below which it is a burst.
const FASTEST: i64 = Timestamp::SECOND;
/// Share of regular intervals, in tenths.
const REGULAR: usize = 9;

/// The detector.
pub(super) struct Beacon;

impl Detector for Beacon {
    fn record(&self) -> &'static RuleRecord {
        &RECORD
    }

    fn opened(&self, start: &FlowStart, facts: &mut Facts) {
        let party = |ip| Party {
            segment: start.segment,
            ip,
            mac: None,
        };
        let key = FactKey {
            from: party(start.originator),
            to: party(start.responder),
            port: start.port,
            protocol: "tcp",
            object: String::new(),
        };
        // Digits of one length, so that the order of texts is that of times.
        let milliseconds = start.time.0.max(0) / Timestamp::MILLISECOND;
        let text = format!("{milliseconds:012x} {:08x}", start.sequence);
        let fact = Fact::of_opening(start, "opens a connection").value("at", text);
        facts.add(RECORD.rule, key, fact);
    }

    fn conclude(&self, facts: &Facts, view: &View<'_>) -> Vec<Finding> {
        let regular = facts.of(RECORD.rule).filter_map(|(key, fact)| {
            let beat = beat(&times(fact))?;
            finding(view, key, fact, beat)
        });
        // One device may be seen at several places.
        let mut by_id: BTreeMap<String, Finding> = BTreeMap::new();
        for finding in regular {
            by_id.entry(finding.id.clone()).or_insert(finding);
        }
        by_id.into_values().collect()
    }
}

/// When connections were opened; repeats of one opening count once.
fn times(fact: &Fact) -> Vec<Timestamp> {
    let mut first: BTreeMap<&str, i64> = BTreeMap::new();
    for text in fact.texts("at").take(BEATS) {
        if let Some((time, sequence)) = text.split_once(' ')
            && let Ok(milliseconds) = i64::from_str_radix(time, 16)
        {
            let time = milliseconds.saturating_mul(Timestamp::MILLISECOND);
            first.entry(sequence).or_insert(time);
        }
    }
    let mut times: Vec<i64> = first.into_values().collect();
    times.sort_unstable();
    times.into_iter().map(Timestamp).collect()
}

/// How regular openings are.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Beat {
    /// The usual interval.
    median: i64,
    /// Share of intervals that are regular.
    score: f32,
    /// Beats that were missed in between.
    missed: i64,
    /// Median of the deviations from the median, as a share of it.
    jitter: f32,
    count: usize,
}

fn beat(times: &[Timestamp]) -> Option<Beat> {
    if times.len() < LEAST {
        return None;
    }
    let pairs = times.iter().zip(times.iter().skip(1));
    let intervals: Vec<i64> = pairs.map(|(a, b)| b.since(*a)).collect();
    let median = middle(intervals.clone())?;
    if median < FASTEST {
        return None;
    }
    let mut regular = 0;
    let mut missed = 0;
    for interval in &intervals {
        let beats = ((interval + median / 2) / median).clamp(1, 3);
        if (interval - beats * median).abs() <= median / 5 {
            regular += 1;
            missed += beats - 1;
        }
    }
    let deviations = intervals.iter().map(|interval| (interval - median).abs());
    let jitter = middle(deviations.collect())? as f32 / median as f32;
    (regular * 10 >= intervals.len() * REGULAR).then_some(Beat {
        median,
        score: regular as f32 / intervals.len() as f32,
        missed,
        jitter,
        count: times.len(),
    })
}

fn middle(mut numbers: Vec<i64>) -> Option<i64> {
    numbers.sort_unstable();
    numbers.get(numbers.len() / 2).copied()
}

fn finding(view: &View<'_>, key: &FactKey, fact: &Fact, beat: Beat) -> Option<Finding> {
    let (local, peer) = (key.from, key.to.ip);
    if !view.is_local(local) {
        return None;
    }
    let stake = stake(view.role(local));
    let names = view.names(peer);
    let known: Vec<_> = names.iter().copied().filter_map(known_service).collect();
    let ordinary = |kind| {
        matches!(
            kind,
            ServiceKind::Check
                | ServiceKind::Certificate
                | ServiceKind::Time
                | ServiceKind::Update
                | ServiceKind::Push
        )
    };
    let reach = view.reach(local, peer, None);
    if known.iter().any(|service| ordinary(service.kind))
        || view.inventory.options().is_guest(local.ip)
        || !arrived(reach.place)
    {
        return None;
    }
    let mut grade = match stake {
        Stake::Office => Grade::new(Severity::Info, "a computer does so"),
        _ => Grade::new(Severity::Low, format!("{} does so", stake.words())),
    };
    grade.note(format!(
        "{} of the intervals are regular, {} missed",
        percent(beat.score),
        beat.missed
    ));
    grade.cap_by_network(view, &[local.ip]);
    let device = view.device(local);
    let name = view.name(local);
    let look = look_at_service(peer, Some((auscult_model::Transport::Tcp, key.port)));
    let mut draft = Draft::about(&RECORD, device, local.ip, &format!("{peer} {}", key.port))
        .peer(peer, Some(&reach))
        .reach(&reach)
        .times(fact.first, fact.last, fact.count)
        .number("port", u64::from(key.port))
        .number("openings_compared", beat.count as u64)
        .number(
            "interval_ms",
            u64::try_from(beat.median / Timestamp::MILLISECOND).unwrap_or(0),
        )
        .number("missed", u64::try_from(beat.missed).unwrap_or(0))
        .text("regular", percent(beat.score))
        .text("jitter", percent(beat.jitter))
        .texts("names", names.iter().copied());
    let packets = fact.packets.iter().map(|(_, packet, _)| *packet);
    for packet in packets.take(4).collect::<Vec<PacketRef>>() {
        draft = draft.packet(view, packet, "opens a connection", &look);
    }
    let every = match beat.median {
        under if under < 10 * Timestamp::SECOND => {
            format!("{:.1} s", under as f64 / Timestamp::SECOND as f64)
        }
        more => duration(more),
    };
    let whom = names
        .first()
        .map_or_else(|| peer.to_string(), |name| (*name).to_owned());
    Some(
        draft
            .words(
                format!("{name} calls {whom} every {every}"),
                "Nothing to do at the bedside.",
                "Ask what this service is for. If nobody knows, look at what is said, and close \
                 the way.",
            )
            .innocent(
                "A service that asks for work or reports that it lives. Looked at: known services \
                 by name, what the device is, how regular it is.",
            )
            .finish(grade, reach.confidence * beat.score * 0.9),
    )
}

#[cfg(test)]
mod tests {
    use auscult_model::{FileIndex, Segment};

    use super::*;
    use crate::scene::{Host, Scene, Talk, far, host, outside};

    const RULE: &str = "beacon";

    fn device() -> Host {
        host([10, 20, 3, 14])
    }

    /// Openings at these seconds; each is sent twice.
    fn opens(at: impl Iterator<Item = f64>) -> Scene {
        let mut scene = Scene::new()
            .talk(device(), outside(), 8443, "tls", Talk::ANSWERED)
            .way_out(device());
        for (n, second) in at.enumerate() {
            for repeat in [0.0, 0.4] {
                let time = ((1_763_900_000.0 + second + repeat) * 1e9) as i64;
                let start = FlowStart {
                    responder: outside().ip,
                    port: 8443,
                    sequence: n as u32,
                    tcp_timestamp: 0,
                    originator: device().ip,
                    segment: Segment::UNTAGGED,
                    time: Timestamp(time),
                    packet: PacketRef {
                        file: FileIndex(0),
                        number: n as u64 + 1,
                    },
                };
                Beacon.opened(&start, &mut scene.facts);
            }
        }
        scene
    }

    /// Some noise that is the same each time.
    fn noise(n: u32) -> f64 {
        f64::from(n.wrapping_mul(2_654_435_761) >> 16 & 0xff) / 255.0
    }

    #[test]
    fn regular_openings_are_told_with_their_interval() {
        let scene = opens((0..20).map(|n| f64::from(n) * 60.0 + noise(n) * 3.0));
        let finding = scene.one(RULE);
        assert_eq!(finding.severity, Severity::Low);
        assert_eq!(scene.office(device()).one(RULE).severity, Severity::Info);
        assert!(finding.title.ends_with("every 60 s"), "{}", finding.title);
    }

    #[test]
    fn missed_beats_do_not_hide_it() {
        let kept = (0..24).filter(|n| n % 7 != 3);
        assert!(!opens(kept.map(|n| f64::from(n) * 60.0)).of(RULE).is_empty());
    }

    #[test]
    fn near_misses_chance_and_few() {
        let chance = (0..30).map(|n| f64::from(n) * 60.0 + noise(n) * 55.0);
        assert_eq!(opens(chance).of(RULE), []);
        assert_eq!(opens((0..10).map(|n| f64::from(n) * 60.0)).of(RULE), []);
    }

    #[test]
    fn near_misses_known_services_and_guests() {
        let named = auscult_model::Meaning::NameAnswered {
            name: "www.msftconnecttest.com".to_owned(),
            addresses: vec![outside().ip],
        };
        let regular = || opens((0..20).map(|n| f64::from(n) * 60.0));
        let check = regular().say(host([10, 20, 0, 2]), device(), "dns", named);
        assert_eq!(check.of(RULE), []);
        let mut guest = regular();
        guest
            .site
            .guest_networks
            .push("10.20.3.0/24".parse().unwrap());
        assert_eq!(guest.of(RULE), []);
    }

    /// The openings of one device to one peer, a minute apart, and how the conversations went.
    fn regular(from: Host, to: Host, talk: Talk) -> Scene {
        every(60.0, from, to).talk(from, to, 8443, "tls", talk)
    }

    fn every(seconds: f64, from: Host, to: Host) -> Scene {
        let mut scene = Scene::new().way_out(device());
        for n in 0..20u32 {
            let time = ((1_763_900_000.0 + f64::from(n) * seconds) * 1e9) as i64;
            let start = FlowStart {
                responder: to.ip,
                port: 8443,
                sequence: n,
                tcp_timestamp: 0,
                originator: from.ip,
                segment: Segment::UNTAGGED,
                time: Timestamp(time),
                packet: PacketRef {
                    file: FileIndex(0),
                    number: u64::from(n) + 1,
                },
            };
            Beacon.opened(&start, &mut scene.facts);
        }
        scene
    }

    #[test]
    fn near_miss_a_burst_of_openings() {
        let scene = every(0.25, device(), outside());
        let scene = scene.talk(device(), outside(), 8443, "tls", Talk::ANSWERED);
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_from_outside_or_to_a_station_of_ours() {
        let station = host([10, 20, 3, 5]);
        assert_eq!(regular(device(), station, Talk::ANSWERED).of(RULE), []);
        let inbound = regular(outside(), device(), Talk::ANSWERED);
        assert_eq!(inbound.of(RULE), []);
        let passing = regular(outside(), far([198, 18, 9, 9]), Talk::ANSWERED);
        assert_eq!(passing.of(RULE), []);
    }

    #[test]
    fn near_miss_nobody_answers() {
        assert!(
            !regular(device(), outside(), Talk::ANSWERED)
                .of(RULE)
                .is_empty()
        );
        assert_eq!(regular(device(), outside(), Talk::UNANSWERED).of(RULE), []);
    }

    #[test]
    fn near_miss_on_the_bench() {
        let scene = regular(device(), outside(), Talk::ANSWERED).bench("10.20.3.0/24");
        assert_eq!(scene.one(RULE).severity, Severity::Info);
    }
}
