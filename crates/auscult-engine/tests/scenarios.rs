//! The stories of the lab, attacks and look-alikes: what must be found is found, and nothing false
//! of medium or above; also with losses and where only one direction was captured.
//!
//! `docs/scenarios.md` is made of the results: `UPDATE=1 cargo test -p auscult-engine --test
//! scenarios` writes it. `STORY=name` plays those alone whose names hold this, and prints what is
//! found.

#![allow(
    clippy::unwrap_used,
    reason = "a test may stop at what it did not expect"
)]

mod cases;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::OnceLock;

use auscult_engine::{Options, Unwatched, analyze};
use auscult_inventory::SiteOptions;
use auscult_lab::play::{Kind, Story, play, stories};
use auscult_lab::{Scene, Split, Transform, transform};
use auscult_model::report::{Report, Severity};

/// Seeds with which every story is played.
const SEEDS: [u64; 2] = [1, 2];

/// False findings that are known, and why: story, rule, reason.
const KNOWN: &[(&str, &str, &str)] = &[];

/// What is not found though it should be, and why: story, rule, reason.
const MISSED: &[(&str, &str, &str)] = &[];

/// How a story was captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum View {
    Whole,
    /// This share of frames is lost, in per mille.
    Loss(u64),
    /// One direction of every pair of cards.
    OneSided,
}

const VARIANTS: [View; 3] = [View::Loss(10), View::Loss(50), View::OneSided];

impl View {
    fn of(self, scene: Scene, seed: u64) -> Scene {
        match self {
            View::Whole => scene,
            View::Loss(per_mille) => transform::apply(scene, &[Transform::Loss(per_mille)], seed),
            View::OneSided => {
                let split = [Transform::TwoInterfaces(Split::Directions)];
                let mut scene = transform::apply(scene, &split, seed);
                scene.frames.retain(|frame| frame.interface == 0);
                scene
            }
        }
    }
}

/// What was found in one capture of a story.
struct Found {
    /// Of `must`, by number, what was found at the least severity; at any where frames are missing.
    of_must: BTreeSet<usize>,
    /// What must not be there, a line each: rule and words.
    wrong: Vec<(String, String)>,
}

fn is_written(rule: &str) -> bool {
    auscult_detect::ALL
        .iter()
        .any(|detector| detector.record().rule == rule)
}

/// A finding: its rule, severity, and the addresses it is about.
struct Seen {
    rule: String,
    severity: Severity,
    addresses: BTreeSet<String>,
}

fn seen(report: &Report) -> Vec<Seen> {
    let of = |finding: &auscult_model::report::Finding| {
        let mut addresses: BTreeSet<String> =
            finding.peer.iter().map(ToString::to_string).collect();
        for device in &report.devices {
            if finding.devices.contains(&device.id) {
                addresses.extend(device.ips.iter().map(ToString::to_string));
            }
        }
        Seen {
            rule: finding.rule.to_string(),
            severity: finding.severity,
            addresses,
        }
    };
    report.findings.iter().map(of).collect()
}

fn judge(story: &Story, seed: u64, view: View) -> Found {
    let scene = play(story, seed).unwrap_or_else(|error| panic!("{error}"));
    let truth = scene.truth.clone();
    let mut options = Options::default();
    if let Some(site) = &truth.site {
        options.site = SiteOptions::from_toml(site).unwrap();
    }
    let capture = cases::Capture::scene(&view.of(scene, seed));
    let report = analyze(std::slice::from_ref(&capture.0), &options, &mut Unwatched).unwrap();
    let all = seen(&report);
    if std::env::var_os("STORY").is_some() {
        eprintln!("{} seed {seed} {view:?}", story.name);
        for (one, finding) in all.iter().zip(&report.findings) {
            let (rule, severity, addresses) = (&one.rule, one.severity, &one.addresses);
            let title = &finding.title;
            eprintln!("  {severity} {rule} at {addresses:?}: {title}");
        }
    }
    let at = |one: &Seen, rule: &str, ip: &str| {
        let is_there = |ip: &str| ip == "*" || one.addresses.contains(ip);
        one.rule == rule && ip.split('|').any(is_there)
    };
    let mut of_must = BTreeSet::new();
    for (n, (rule, ip, least)) in truth.must.iter().enumerate() {
        let least = match view {
            View::Whole => Severity::from_word(least).unwrap(),
            _ => Severity::Info,
        };
        if all
            .iter()
            .any(|one| at(one, rule, ip) && one.severity >= least)
        {
            of_must.insert(n);
        }
    }
    let mut wrong = Vec::new();
    let from = truth.nothing_else_from.as_deref();
    let from = from.map(|word| Severity::from_word(word).unwrap());
    for one in &all {
        let forbidden = truth.must_not.contains(&one.rule) && one.severity >= Severity::Medium;
        let listed = truth.must.iter().any(|(rule, ip, _)| at(one, rule, ip));
        let unlisted = from.is_some_and(|from| one.severity >= from) && !listed;
        if forbidden || unlisted {
            let words = format!("{} {} at {:?}", one.severity, one.rule, one.addresses);
            wrong.push((one.rule.clone(), words));
        }
    }
    // Whom else the case knows to be named, and what no report may show.
    if view == View::Whole {
        let text = serde_json::to_string(&report).unwrap();
        for private in truth.private.iter().chain(&truth.secrets) {
            if text.contains(private.as_str()) {
                wrong.push((String::new(), format!("shows {private:?}")));
            }
        }
        let mut roles = truth.clone();
        roles.must.clear();
        roles.must_not.clear();
        roles.nothing_else_from = None;
        roles.private.clear();
        roles.secrets.clear();
        for line in cases::shortfalls(&report, &roles) {
            wrong.push((String::new(), line));
        }
    }
    Found { of_must, wrong }
}

/// A story with the results of all its captures.
struct Result {
    story: &'static Story,
    whole: Vec<Found>,
    variants: Vec<Found>,
}

fn results() -> &'static [Result] {
    static ALL: OnceLock<Vec<Result>> = OnceLock::new();
    ALL.get_or_init(|| {
        let only = std::env::var("STORY").ok();
        let wanted = |story: &&Story| only.as_ref().is_none_or(|name| story.name.contains(name));
        let result = |story: &'static Story| Result {
            story,
            whole: SEEDS.map(|seed| judge(story, seed, View::Whole)).into(),
            variants: VARIANTS.map(|view| judge(story, SEEDS[0], view)).into(),
        };
        stories().iter().filter(wanted).map(result).collect()
    })
}

/// Whether a shortfall is one of those that are known.
fn is_listed(list: &[(&str, &str, &str)], story: &str, rule: &str) -> bool {
    list.iter().any(|(s, r, _)| *s == story && *r == rule)
}

#[test]
fn every_story_is_told_rightly() {
    let mut bad = Vec::new();
    let mut waiting = BTreeSet::new();
    let mut known = BTreeSet::new();
    for result in results() {
        let story = result.story;
        for (n, (rule, whom, least)) in story.must.iter().enumerate() {
            for (found, seed) in result.whole.iter().zip(SEEDS) {
                if found.of_must.contains(&n) {
                    continue;
                }
                if is_listed(MISSED, &story.name, rule) {
                    known.insert((story.name.as_str(), rule.as_str()));
                } else if is_written(rule) {
                    let name = &story.name;
                    bad.push(format!(
                        "{name} seed {seed}: missed {rule} ({least}) at {whom}"
                    ));
                } else {
                    waiting.insert((rule.as_str(), story.name.as_str()));
                }
            }
        }
        let captures = result
            .whole
            .iter()
            .zip(SEEDS.map(|seed| format!("seed {seed}")));
        let variants = result
            .variants
            .iter()
            .zip(VARIANTS.map(|view| format!("{view:?}")));
        for (found, name) in captures.chain(variants) {
            for (rule, words) in &found.wrong {
                if !is_listed(KNOWN, &story.name, rule) {
                    bad.push(format!("{} {name}: {words}", story.name));
                }
            }
        }
    }
    for (rule, story) in &waiting {
        eprintln!("not yet written: {rule}, which {story} needs");
    }
    for (story, rule, _) in MISSED {
        let is_played = results().iter().any(|result| result.story.name == *story);
        if is_played && !known.contains(&(story, rule)) {
            eprintln!("{story}: {rule} is found by now; take it out of MISSED");
        }
    }
    eprintln!(
        "{} findings wait for rules that are not yet written",
        waiting.len()
    );
    assert!(
        bad.is_empty(),
        "{} shortfalls\n{}",
        bad.len(),
        bad.join("\n")
    );
}

/// The table of `docs/scenarios.md` says what the runs said.
#[test]
fn the_table_is_that_of_the_runs() {
    if std::env::var_os("STORY").is_some() {
        return;
    }
    let text = table(results());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/scenarios.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let now = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        now == text,
        "docs/scenarios.md differs: UPDATE=1 cargo test -p auscult-engine --test scenarios"
    );
}

const HEAD: &str = "# Scenarios

Attacks, and what is normal in hospitals and looks like one, told in data
(`crates/auscult-lab/scenarios/`) and played by `auscult lab write NAME`. Made by
`UPDATE=1 cargo test -p auscult-engine --test scenarios`, which plays each with two seeds and holds
the report to what must and must not be found. The figures are for regression: these captures are
invented by those who wrote the rules, and say nothing of how often a hospital's network would raise
a false alarm.

*From* is the row of the collection of look-alikes, or of the catalogue of published attacks and
misbehaviours, that a story was written from. *Lost* names what is not found any more when one in a
hundred frames is lost (1 %), one in twenty (5 %), or only one direction was captured (one side); of
what is false, nothing of medium or above may appear there either.
";

fn table(results: &[Result]) -> String {
    let mut text = HEAD.to_owned();
    for (kind, title) in [(Kind::Attack, "Attacks"), (Kind::Innocent, "Look-alikes")] {
        let of_kind: Vec<&Result> = results.iter().filter(|r| r.story.kind == kind).collect();
        writeln!(text, "\n## {title}: {}\n", of_kind.len()).unwrap();
        writeln!(
            text,
            "| scenario | what | from | must be found | result | lost |"
        )
        .unwrap();
        writeln!(text, "|---|---|---|---|---|---|").unwrap();
        for result in of_kind {
            row(&mut text, result);
        }
    }
    let waiting: BTreeSet<&str> = results
        .iter()
        .flat_map(|result| &result.story.must)
        .map(|(rule, _, _)| rule.as_str())
        .filter(|rule| !is_written(rule))
        .collect();
    if !waiting.is_empty() {
        let list: Vec<&str> = waiting.into_iter().collect();
        writeln!(
            text,
            "\nRules that are not written yet: {}.",
            list.join(", ")
        )
        .unwrap();
    }
    let lists = [("Known misses", MISSED), ("Known false findings", KNOWN)];
    for (title, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        writeln!(text, "\n## {title}\n").unwrap();
        for (story, rule, reason) in list {
            writeln!(text, "- {story}: {rule}. {reason}").unwrap();
        }
    }
    text
}

fn row(text: &mut String, result: &Result) {
    let story = result.story;
    let mut must = Vec::new();
    let mut missed = Vec::new();
    let mut lost = Vec::new();
    for (n, (rule, whom, least)) in story.must.iter().enumerate() {
        let whom = whom.replace('|', " or ");
        must.push(format!("{rule} at {whom}, {least}"));
        if !is_written(rule) {
            missed.push(format!("{rule} not yet written"));
            continue;
        }
        if result.whole.iter().any(|found| !found.of_must.contains(&n)) {
            missed.push(format!("{rule} missed"));
        }
        let mut views = Vec::new();
        for (found, name) in result.variants.iter().zip(["1 %", "5 %", "one side"]) {
            if !found.of_must.contains(&n) {
                views.push(name);
            }
        }
        if !views.is_empty() {
            lost.push(format!("{rule} ({})", views.join(", ")));
        }
    }
    missed.dedup();
    for (rule, words) in result.whole.iter().flat_map(|found| &found.wrong) {
        let known = if is_listed(KNOWN, &story.name, rule) {
            "known "
        } else {
            ""
        };
        missed.push(format!("{known}false: {words}"));
    }
    let or = |list: Vec<String>, other: &str| match list.is_empty() {
        true => other.to_owned(),
        false => list.join("; "),
    };
    let (must, missed) = (or(must, "nothing"), or(missed, "as told"));
    let (name, summary, from) = (&story.name, &story.summary, &story.row);
    let lost = or(lost, "");
    let line = format!("| {name} | {summary} | {from} | {must} | {missed} | {lost} |");
    writeln!(text, "{}", line.replace("|  |", "| |")).unwrap();
}
