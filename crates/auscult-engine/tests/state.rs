//! What a state says is a function of what was taken in: not of the order, the runs, or repeats.

use std::fs;
use std::path::{Path, PathBuf};

use auscult_engine::{
    Forget, Join, Options, Overview, Remembered, State, Status, Triage, Unwatched, analyze, forget,
    recall, recall_around, remember,
};
use auscult_lab::{Frame, Scene, generate};
use auscult_model::Timestamp;
use auscult_model::report::Report;
use proptest::prelude::*;

/// A folder of this test, removed with what is in it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path =
            std::env::temp_dir().join(format!("auscult-state-{name}-{}", std::process::id()));
        fs::remove_dir_all(&path).ok();
        fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    fn capture(&self, scenario: &str, seed: u64) -> PathBuf {
        let path = self.0.join(format!("{scenario}-{seed}.pcapng"));
        let scene = generate(scenario, seed, &auscult_lab::Options::default()).expect("a scene");
        fs::write(&path, auscult_lab::files::pcapng(&scene)).expect("a file");
        path
    }
}

impl Folder {
    /// The frames of a scene for which `keep` holds.
    fn part(&self, name: &str, scene: &Scene, keep: impl Fn(usize, Timestamp) -> bool) -> PathBuf {
        let frames = scene.frames.iter().enumerate();
        let frames = frames.filter(|(at, frame)| keep(*at, frame.time));
        let part = Scene {
            frames: frames.map(|(_, frame)| frame.clone()).collect(),
            ..scene.clone()
        };
        let path = self.0.join(name);
        fs::write(&path, auscult_lab::files::pcapng(&part)).expect("a file");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn add(state: &Path, paths: &[PathBuf]) -> Remembered {
    remember(
        state,
        paths,
        &Options::default(),
        Timestamp(0),
        &mut Unwatched,
    )
    .expect("a state")
}

/// What must not depend on how the inputs came.
fn said(report: &Report) -> String {
    let mut captures = report.captures.clone();
    captures.sort_by(|a, b| a.fingerprint.cmp(&b.fingerprint));
    let health = auscult_model::report::Health {
        events_suppressed: 0,
        events: 0,
        ..report.health.clone()
    };
    let report = Report {
        captures,
        health,
        ..report.clone()
    };
    serde_json::to_string_pretty(&report).expect("JSON")
}

fn scenes(folder: &Folder) -> Vec<PathBuf> {
    vec![
        folder.capture("ward", 1),
        folder.capture("leak-through-gateway", 2),
        folder.capture("morning", 3),
    ]
}

#[test]
fn law_order_does_not_matter() {
    let folder = Folder::new("order");
    let files = scenes(&folder);
    let mut reports = Vec::new();
    for (at, order) in [[0, 1, 2], [2, 1, 0], [1, 2, 0]].iter().enumerate() {
        let state = folder.0.join(format!("{at}.state"));
        let ordered: Vec<PathBuf> = order.iter().map(|at| files[*at].clone()).collect();
        // The first order in one run, the others in a run each.
        let mut report = None;
        for run in ordered.chunks(if at == 0 { ordered.len() } else { 1 }) {
            report = Some(add(&state, run).report);
        }
        let report = report.expect("a report");
        reports.push(said(&report));
    }
    for report in &reports[1..] {
        similar_asserts(&reports[0], report);
    }
}

/// The first line that differs says more than two reports.
fn similar_asserts(a: &str, b: &str) {
    for (at, (a, b)) in a.lines().zip(b.lines()).enumerate() {
        assert_eq!(a, b, "line {at}");
    }
    assert_eq!(a.len(), b.len());
}

#[test]
fn law_the_same_input_twice_changes_nothing() {
    let folder = Folder::new("twice");
    let state = folder.0.join("a.state");
    let file = folder.capture("ward", 1);
    let first = add(&state, std::slice::from_ref(&file));
    assert_eq!(first.added.len(), 1);
    let other = folder.0.join("renamed.pcapng");
    fs::copy(&file, &other).expect("a copy");
    let again = add(&state, &[other.clone(), other]);
    assert_eq!((again.added.len(), again.known.len()), (0, 2));
    similar_asserts(&said(&first.report), &said(&again.report));
}

#[test]
fn law_one_after_the_other_is_both_together() {
    let folder = Folder::new("together");
    let state = folder.0.join("a.state");
    let files = scenes(&folder);
    let whole = analyze(&files, &Options::default(), &mut Unwatched).expect("a report");
    let mut report = None;
    for file in &files {
        report = Some(add(&state, std::slice::from_ref(file)).report);
    }
    let report = report.expect("a report");
    let json = |value: &Report| serde_json::to_string_pretty(&value.devices).expect("JSON");
    similar_asserts(&json(&whole), &json(&report));
    let json = |value: &Report| serde_json::to_string_pretty(&value.findings).expect("JSON");
    similar_asserts(&json(&whole), &json(&report));
}

/// What was found, without the packets that show it: their numbers are others in a part of a file.
fn found(report: &Report) -> String {
    let mut report = report.clone();
    report.captures.clear();
    report.coverage.clear();
    report.health = auscult_model::report::Health::default();
    for device in &mut report.devices {
        for claim in &mut device.claims {
            claim.evidence.clear();
        }
        // A flow without an end, such as of datagrams, is cut where a file ends.
        for line in &mut device.talks_to {
            line.flows = 0;
        }
    }
    for finding in &mut report.findings {
        finding.evidence.clear();
    }
    for incident in &mut report.incidents {
        incident.timeline.clear();
    }
    for artifact in &mut report.artifacts {
        artifact.evidence.clear();
    }
    said(&report)
}

/// The frames of a scene in two files, cut where nothing was said for so long that no connection
/// goes on.
fn cut(scene: &Scene, at: prop::sample::Index) -> Vec<Scene> {
    let quiet = 20 * 60 * Timestamp::SECOND;
    let gaps: Vec<usize> = scene
        .frames
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| pair[1].time.since(pair[0].time) >= quiet)
        .map(|(at, _)| at + 1)
        .collect();
    if gaps.is_empty() {
        return vec![scene.clone()];
    }
    let (first, second) = scene.frames.split_at(*at.get(&gaps));
    let part = |frames: &[Frame]| Scene {
        frames: frames.to_vec(),
        ..scene.clone()
    };
    vec![part(first), part(second)]
}

/// Weeks that are tried: each is read twice, so that a few of them take longer than all other
/// laws together at ten thousand cases.
const WEEKS: u32 = 8;

/// A week whose captures come in any order, in any runs, some twice, some in two parts.
#[test]
fn law_a_week_in_any_order_parts_and_repeats() {
    let ways = (
        1u64..1000,
        prop::collection::vec(any::<u32>(), 32),
        prop::collection::vec(prop::option::of(any::<prop::sample::Index>()), 8),
        prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        1usize..6,
    );
    let config = ProptestConfig {
        cases: WEEKS,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let done = runner.run(&ways, |(seed, keys, cuts, repeated, run)| {
        let folder = Folder::new(&format!("week-{seed}-{run}"));
        let write = |name: String, scene: &Scene| {
            let path = folder.0.join(name);
            fs::write(&path, auscult_lab::files::pcapng(scene)).expect("a file");
            path
        };
        let (mut whole, mut parts) = (Vec::new(), Vec::new());
        for ((name, scene), at) in auscult_lab::week::week(seed).captures.iter().zip(&cuts) {
            whole.push(write(format!("{name}.pcapng"), scene));
            match at {
                None => parts.extend(whole.last().cloned()),
                Some(at) => {
                    for (n, part) in cut(scene, *at).iter().enumerate() {
                        parts.push(write(format!("{name}-{n}.pcapng"), part));
                    }
                }
            }
        }
        let again: Vec<PathBuf> = repeated.iter().map(|at| at.get(&parts).clone()).collect();
        parts.extend(again);
        let mut order: Vec<_> = keys.iter().zip(parts).collect();
        order.sort();
        let order: Vec<PathBuf> = order.into_iter().map(|(_, path)| path).collect();
        let once = add(&folder.0.join("once.state"), &whole).report;
        let mut last = None;
        for files in order.chunks(run) {
            last = Some(add(&folder.0.join("other.state"), files).report);
        }
        similar_asserts(&found(&once), &found(&last.expect("a report")));
        Ok(())
    });
    if let Err(error) = done {
        panic!("{error}");
    }
}

#[test]
fn what_was_saved_is_what_was_shown() {
    let folder = Folder::new("shown");
    let path = folder.0.join("a.state");
    let shown = add(&path, &scenes(&folder)).report;
    let state = State::read(&path).expect("a state");
    let kept = state
        .report(Overview::Whole)
        .expect("a report")
        .expect("one");
    similar_asserts(&said(&shown), &said(&kept));
    let light = state
        .report(Overview::Light)
        .expect("a report")
        .expect("one");
    assert_eq!(light.devices.len(), shown.devices.len());
    for device in &shown.devices {
        for name in device.aliases.iter().chain([&device.id]) {
            assert_eq!(
                state.device_id(name).expect("an answer").as_ref(),
                Some(&device.id)
            );
        }
    }
}

#[test]
fn hours_beyond_the_limit_are_counted() {
    let folder = Folder::new("hours");
    let mut options = Options::default();
    assert!(options.limit("conversation-hours", 1));
    let file = folder.capture("ward", 1);
    let state = folder.0.join("a.state");
    let came = remember(&state, &[file], &options, Timestamp(0), &mut Unwatched).expect("a state");
    assert!(came.report.health.limits["conversation-hours"] > 0);
}

/// What people said stands beside what was read, and an accepted risk comes back after its day.
#[test]
fn decisions_hold_until_their_day() {
    let folder = Folder::new("decisions");
    let path = folder.0.join("a.state");
    let finding = add(&path, &[folder.capture("ward", 1)]).report.findings[0].clone();
    let triage = Triage {
        status: Status::Accepted,
        until: Some(Timestamp(100)),
        reason: "replaced soon".to_owned(),
        whole_rule: false,
    };
    let mut state = State::edit(&path).expect("a state");
    state
        .decide(&(&finding).into(), &triage, Timestamp(5))
        .expect("a decision");
    let words = [("bed".to_owned(), "7".to_owned())];
    state
        .say(&finding.devices[0], &words, Timestamp(5))
        .expect("a word");
    drop(state);
    for (now, status, is_open) in [(50, "accepted", false), (100, "expired", true)] {
        let report = recall(&path, Overview::Light, Timestamp(now)).expect("a report");
        let again = report
            .findings
            .iter()
            .find(|f| f.id == finding.id)
            .expect("it");
        let decision = again.decision.as_ref().expect("a decision");
        assert_eq!(
            (decision.status.as_str(), again.is_open()),
            (status, is_open)
        );
        let device = report
            .devices
            .iter()
            .find(|d| d.id == finding.devices[0])
            .expect("it");
        assert_eq!(device.bed.as_deref(), Some("7"));
    }
}

fn morning() -> (Scene, impl Fn(i64) -> Timestamp) {
    let scene = generate("morning", 3, &auscult_lab::Options::default()).expect("a scene");
    let times = || scene.frames.iter().map(|frame| frame.time);
    let (first, last) = (
        times().min().unwrap_or_default(),
        times().max().unwrap_or_default(),
    );
    // So many thousandths of the morning after its beginning.
    (scene, move |share| {
        first.plus(last.since(first) / 1000 * share)
    })
}

/// Bytes that a report's devices sent and got, a measure of what was counted how often.
fn carried(report: &Report) -> u64 {
    let of_device = |device: &auscult_model::report::Device| {
        let talks = device.talks_to.iter();
        talks.map(|talk| talk.bytes[0] + talk.bytes[1]).sum::<u64>()
    };
    report.devices.iter().map(of_device).sum()
}

#[test]
fn captures_that_overlap_count_once() {
    let folder = Folder::new("overlap");
    let (scene, at) = morning();
    let whole = folder.part("whole.pcapng", &scene, |_, _| true);
    let begin = folder.part("begin.pcapng", &scene, |_, time| time < at(631));
    let end = folder.part("end.pcapng", &scene, |_, time| time >= at(377));
    let parts = [
        folder.part("a.pcapng", &scene, |_, time| time < at(631)),
        folder.part("b.pcapng", &scene, |_, time| time >= at(631)),
    ];
    let counted = |name: &str, files: &[PathBuf]| add(&folder.0.join(name), files);
    let apart = carried(&counted("apart.state", &parts).report);
    let came = counted("overlap.state", &[begin.clone(), end.clone()]);
    let overlap = &came.added[1].overlaps[0];
    assert!(overlap.equal > 10 && overlap.twice == 0, "{overlap:?}");
    assert_eq!(carried(&came.report), apart);
    let frames = scene.frames.len() as u64;
    assert_eq!(came.report.health.packets, frames);
    // The same in two runs, and what comes last is all known.
    let state = folder.0.join("runs.state");
    add(&state, &[begin]);
    let came = add(&state, &[end]);
    assert_eq!(carried(&came.report), apart);
    let came = add(&state, &[whole]);
    assert_eq!(came.added[0].overlaps.len(), 2);
    assert_eq!(carried(&came.report), apart);
}

/// Half of a capture's frames are other frames: no minute agrees, so nothing is left out.
#[test]
fn two_captures_of_one_time_that_share_no_minute_both_count() {
    let folder = Folder::new("beside");
    let (scene, _) = morning();
    let halves = [0, 1].map(|half| {
        let name = format!("half-{half}.pcapng");
        folder.part(&name, &scene, |at, _| at % 2 == half)
    });
    let came = add(&folder.0.join("a.state"), &halves);
    assert!(came.added.iter().all(|capture| capture.overlaps.is_empty()));
    let frames = scene.frames.len() as u64;
    assert_eq!(came.report.health.packets, frames);
}

#[test]
fn a_state_is_compared_with_itself_at_a_time() {
    let folder = Folder::new("around");
    let (scene, at) = morning();
    let state = folder.0.join("a.state");
    let parts = [
        folder.part("a.pcapng", &scene, |_, time| time < at(500)),
        folder.part("b.pcapng", &scene, |_, time| time >= at(500)),
    ];
    add(&state, &parts);
    let options = Options::default();
    let [before, since] =
        recall_around(&state, at(500), &options, Timestamp(0)).expect("both sides");
    for (side, part) in [(before, &parts[0]), (since, &parts[1])] {
        let alone = add(&folder.0.join("alone.state"), std::slice::from_ref(part)).report;
        fs::remove_file(folder.0.join("alone.state")).expect("it was there");
        let names = |report: &Report| -> Vec<(String, Vec<_>)> {
            let devices = report.devices.iter();
            devices.map(|d| (d.id.clone(), d.macs.clone())).collect()
        };
        assert_eq!(names(&side), names(&alone));
        let files = |report: &Report| -> Vec<String> {
            report
                .captures
                .iter()
                .map(|c| c.fingerprint.clone())
                .collect()
        };
        assert_eq!(files(&side), files(&alone));
    }
}

#[test]
fn what_is_forgotten_is_gone_and_captures_stay_known() {
    let folder = Folder::new("forget");
    let (scene, at) = morning();
    let state = folder.0.join("a.state");
    let first = folder.part("a.pcapng", &scene, |_, time| time < at(500));
    add(&state, std::slice::from_ref(&first));
    add(
        &state,
        &[folder.part("b.pcapng", &scene, |_, time| time >= at(500))],
    );
    let options = Options::default();
    let what = Forget {
        before: Some(at(500)),
        patients: true,
    };
    let [was, is] = forget(&state, what, &options, Timestamp(0)).expect("a state");
    assert!(
        is.devices.len() < was.devices.len(),
        "somebody was seen early only"
    );
    assert!(
        is.devices
            .iter()
            .all(|device| device.last_seen >= Some(at(500)))
    );
    let kept = recall(&state, Overview::Whole, Timestamp(0)).expect("a report");
    similar_asserts(&said(&is), &said(&kept));
    let again = add(&state, &[first]);
    assert_eq!((again.added.len(), again.known.len()), (0, 1));
    assert_eq!(again.report.devices.len(), is.devices.len());
}

/// A finding calls a device as people do, and so do the answers, once somebody said how.
#[test]
fn what_people_say_of_a_device_stands_in_findings_and_answers() {
    let folder = Folder::new("renamed");
    let path = folder.0.join("a.state");
    let report = add(&path, &[folder.capture("leak-through-gateway", 2)]).report;
    let texts = |report: &Report| {
        let findings = report.findings.iter();
        let found: String = findings
            .map(|f| format!("{}\n{}\n", f.title, f.impact))
            .collect();
        let answers = report.coverage.iter();
        let answered: String = answers.map(|a| format!("{}\n", a.because)).collect();
        [found, answered]
    };
    let device = report.devices.iter().find(|device| {
        let label = device.label();
        let named = |text: &String| label.as_ref().is_some_and(|label| text.contains(label));
        texts(&report).iter().all(named)
    });
    let device = device.expect("a device that is named in both");
    let old = device.label().expect("a name");
    let mut state = State::edit(&path).expect("a state");
    let words = [("bed", "Cedar-12"), ("unit", "Cedar")];
    let words = words.map(|(name, value)| (name.to_owned(), value.to_owned()));
    state.say(&device.id, &words, Timestamp(1)).expect("a word");
    drop(state);
    let report = recall(&path, Overview::Whole, Timestamp(2)).expect("a report");
    for text in texts(&report) {
        assert!(
            text.contains("Cedar-12") && !text.contains(&old),
            "{old}: {text}"
        );
    }
}

/// What lies between two captures was not watched.
#[test]
fn only_the_time_of_captures_was_watched() {
    let folder = Folder::new("watched");
    let (scene, at) = morning();
    let parts = [
        folder.part("a.pcapng", &scene, |_, time| time < at(100)),
        folder.part("b.pcapng", &scene, |_, time| time >= at(900)),
    ];
    let state = folder.0.join("a.state");
    let report = add(&state, &parts).report;
    let minutes = at(1000).since(at(0)) / Timestamp::SECOND / 60;
    let watched: i64 = report.coverage[0]
        .because
        .split_once("watched ")
        .and_then(|(_, rest)| rest.split_once(" min")?.0.parse().ok())
        .expect("so many minutes");
    assert!(
        (minutes / 6..minutes / 4).contains(&watched),
        "{watched} of {minutes}"
    );
    let [before, since] =
        recall_around(&state, at(50), &Options::default(), Timestamp(0)).expect("both sides");
    let diff = auscult_report::diff(&before, &since);
    let watched = |watch: &auscult_report::Watch| watch.watched / 60;
    assert!(watched(&diff.before) <= minutes / 20, "{}", diff.before);
    assert!(watched(&diff.after) < minutes / 4, "{}", diff.after);
    assert!(
        diff.after.to_string().contains(" of that)"),
        "{}",
        diff.after
    );
}

/// Two devices that somebody calls one are shown as one, until the word is taken back.
#[test]
fn devices_that_were_merged_by_hand_can_be_split() {
    let folder = Folder::new("merge");
    let path = folder.0.join("a.state");
    let was = add(&path, &[folder.capture("ward", 1)]).report;
    let finding = was.findings.first().expect("a finding");
    let other = finding.devices.first().expect("its device").clone();
    let device = was.devices.iter().find(|device| device.id != other);
    let device = device.expect("another device").id.clone();
    let join = Join {
        device: device.clone(),
        other: other.clone(),
    };
    State::edit(&path)
        .and_then(|mut state| state.join(&join, Timestamp(1)))
        .expect("a word");
    let merged = recall(&path, Overview::Whole, Timestamp(2)).expect("a report");
    assert_eq!(merged.devices.len(), was.devices.len() - 1);
    let one = merged.devices.iter().find(|d| d.id == device).expect("it");
    assert!(one.aliases.contains(&other));
    assert!(
        one.bonds
            .iter()
            .any(|bond| bond.because.contains("you said so"))
    );
    let of_finding = merged.findings.iter().find(|f| f.id == finding.id);
    assert!(of_finding.expect("it").devices.contains(&device));
    let mut state = State::edit(&path).expect("a state");
    assert!(state.part(&join).expect("a word"));
    assert!(!state.part(&join).expect("no word"));
    drop(state);
    let again = recall(&path, Overview::Whole, Timestamp(2)).expect("a report");
    similar_asserts(&said(&was), &said(&again));
}
