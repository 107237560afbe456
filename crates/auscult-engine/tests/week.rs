//! A memory that follows a week: each capture alone, one after another into a state, and what
//! differs from one to the next, all held to the truth of the lab's week.

mod cases;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use auscult_engine::{
    Options, Overview, Remembered, State, Status, Triage, Unwatched, analyze, recall, remember,
};
use auscult_lab::files::pcapng;
use auscult_lab::week::{Unit, Week, week};
use auscult_model::Timestamp;
use auscult_model::report::{Device, Report};
use auscult_report::{FindingBrief, diff};

/// The files of a week, removed with their folder.
struct Folder {
    path: PathBuf,
    week: Week,
}

impl Folder {
    fn new(name: &str, seed: u64) -> Folder {
        let path = std::env::temp_dir().join(format!("auscult-week-{name}-{}", std::process::id()));
        fs::remove_dir_all(&path).ok();
        fs::create_dir_all(&path).expect("a folder");
        let week = week(seed);
        for (name, scene) in &week.captures {
            fs::write(path.join(format!("{name}.pcapng")), pcapng(scene)).expect("a file");
        }
        Folder { path, week }
    }

    fn file(&self, capture: &str) -> PathBuf {
        self.path.join(format!("{capture}.pcapng"))
    }

    fn captures(&self) -> &[String] {
        &self.week.truth.captures
    }

    /// The report on one capture alone.
    fn report(&self, capture: &str) -> Report {
        let file = self.file(capture);
        analyze(&[file], &Options::default(), &mut Unwatched).expect("a report")
    }

    /// Takes a capture into a state.
    fn add(&self, state: &Path, capture: &str) -> Remembered {
        let file = [self.file(capture)];
        let options = Options::default();
        remember(state, &file, &options, Timestamp(0), &mut Unwatched).expect("a state")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.path).ok();
    }
}

/// The units that a device could be by its cards, or by its addresses where it has none.
fn units_of<'w>(week: &'w Week, device: &Device, captures: &[String]) -> BTreeSet<&'w str> {
    let macs: BTreeSet<String> = device.macs.iter().map(ToString::to_string).collect();
    let ips: BTreeSet<String> = device.ips.iter().map(ToString::to_string).collect();
    let is = |unit: &&Unit| {
        captures
            .iter()
            .filter_map(|name| unit.seen.get(name))
            .any(|seen| {
                seen.stays.iter().any(|stay| match &stay.mac {
                    Some(mac) => macs.contains(mac),
                    None => macs.is_empty() && ips.contains(&stay.ip),
                })
            })
    };
    let units = week.truth.units.iter().filter(is);
    units.map(|unit| unit.name.as_str()).collect()
}

/// Each device by its unit; complains about devices that are several units or none, and units that
/// are several devices or none.
fn by_unit<'r>(
    week: &Week,
    report: &'r Report,
    captures: &[String],
    bad: &mut Vec<String>,
) -> BTreeMap<String, &'r Device> {
    let mut found: BTreeMap<String, Vec<&Device>> = BTreeMap::new();
    for device in report.devices.iter().filter(|device| device.inside) {
        let units: Vec<&str> = units_of(week, device, captures).into_iter().collect();
        match units.as_slice() {
            [unit] => found.entry((*unit).to_owned()).or_default().push(device),
            [] => bad.push(format!("{} {:?} is no unit", device.id, device.ips)),
            several => bad.push(format!("{} is several: {several:?}", device.id)),
        }
    }
    for unit in &week.truth.units {
        let seen = captures.iter().any(|name| unit.seen.contains_key(name));
        let devices = found.get(&unit.name).map_or(0, Vec::len);
        let most = if unit.made_up_mac {
            2
        } else {
            usize::from(seen)
        };
        if devices < usize::from(seen) || devices > most {
            let ids: Vec<_> = found.get(&unit.name).into_iter().flatten().collect();
            let ids: Vec<_> = ids.iter().map(|d| (&d.id, &d.segments)).collect();
            bad.push(format!("{} is {devices} devices: {ids:?}", unit.name));
        }
    }
    let last = |mut devices: Vec<&'r Device>| {
        devices.sort_by_key(|device| device.last_seen);
        devices.pop()
    };
    let one = |(name, devices)| Some((name, last(devices)?));
    found.into_iter().filter_map(one).collect()
}

fn hold(bad: &[String]) {
    assert!(
        bad.is_empty(),
        "{} shortfalls\n{}",
        bad.len(),
        bad.join("\n")
    );
}

#[test]
fn each_day_alone_is_told_rightly() {
    let mut bad = Vec::new();
    for seed in 1..4 {
        for (name, scene) in &week(seed).captures {
            for line in cases::shortfalls(&cases::report(scene), &scene.truth) {
                bad.push(format!("seed {seed} {name}: {line}"));
            }
        }
    }
    hold(&bad);
}

/// No two units as one, none as two, beds as of the last day, every id that was ever shown answers.
#[test]
fn a_state_follows_the_week() {
    let mut bad = Vec::new();
    for seed in 1..4 {
        follow(seed, &mut bad);
    }
    hold(&bad);
}

fn follow(seed: u64, bad: &mut Vec<String>) {
    let folder = Folder::new(&format!("follow-{seed}"), seed);
    let path = folder.path.join("ward.state");
    let mut ids: BTreeMap<String, String> = BTreeMap::new();
    for (at, capture) in folder.captures().iter().enumerate() {
        let report = folder.add(&path, capture).report;
        let so_far = &folder.captures()[..=at];
        let mut here = Vec::new();
        let devices = by_unit(&folder.week, &report, so_far, &mut here);
        let state = State::read(&path).expect("a state");
        for (unit, device) in &devices {
            for id in device.aliases.iter().chain([&device.id]) {
                ids.insert(id.clone(), unit.clone());
            }
        }
        for (id, unit) in &ids {
            let now = state.device_id(id).expect("an answer");
            let device = now.and_then(|id| report.devices.iter().find(|device| device.id == id));
            let units = device.map(|device| units_of(&folder.week, device, so_far));
            if !units.is_some_and(|units| units.contains(unit.as_str())) {
                here.push(format!("{id} was {unit}, is {:?}", device.map(|d| &d.id)));
            }
        }
        for unit in &folder.week.truth.units {
            let (Some(seen), Some(device)) = (unit.seen.get(capture), devices.get(&unit.name))
            else {
                continue;
            };
            let bed = seen.bed.map(|bed| bed.to_string());
            if bed.is_some() && device.bed != bed {
                here.push(format!(
                    "{} in bed {:?}, not {bed:?}",
                    unit.name, device.bed
                ));
            }
            if seen.serial.is_some() && device.serial != seen.serial {
                here.push(format!("{} has serial {:?}", unit.name, device.serial));
            }
            if !unit.role.split('|').any(|role| role == device.role.word()) {
                here.push(format!("{} is a {}", unit.name, device.role.word()));
            }
        }
        bad.extend(
            here.iter()
                .map(|line| format!("seed {seed} until {capture}: {line}")),
        );
    }
}

/// What differs from a capture to the next is told, and nothing else: units that came or went,
/// addresses, cards, segments, beds, serial numbers, and the finding that begins and ends.
#[test]
fn captures_differ_as_the_truth_says() {
    let mut bad = Vec::new();
    for seed in 1..4 {
        differ(seed, &mut bad);
    }
    hold(&bad);
}

fn differ(seed: u64, bad: &mut Vec<String>) {
    let folder = Folder::new(&format!("differ-{seed}"), seed);
    let truth = &folder.week.truth;
    for pair in folder.captures().windows(2) {
        let [then, now] = pair else {
            continue;
        };
        let (before, after) = (folder.report(then), folder.report(now));
        let told = diff(&before, &after);
        let unit = |report: &Report, id: &str, capture: &String| -> String {
            let device = report.devices.iter().find(|device| device.id == id);
            let units = device.map(|d| units_of(&folder.week, d, std::slice::from_ref(capture)));
            let mut units = units.into_iter().flatten();
            units.next().unwrap_or("nobody").to_owned()
        };
        let mut found: BTreeSet<(String, String)> = BTreeSet::new();
        for device in &told.devices.new {
            found.insert((unit(&after, &device.id, now), "new".to_owned()));
        }
        for vanished in &told.devices.vanished {
            let name = unit(&before, &vanished.device.id, then);
            found.insert((name, "vanished".to_owned()));
        }
        for changed in &told.devices.changed {
            let name = unit(&after, &changed.device.id, now);
            for change in &changed.changes {
                found.insert((name.clone(), change.what.to_owned()));
            }
        }
        let want: BTreeSet<(String, String)> = truth.changes[now]
            .iter()
            .map(|change| (change.unit.clone(), change.what.clone()))
            .collect();
        for missed in want.difference(&found) {
            bad.push(format!("seed {seed} {now}: missed {missed:?}"));
        }
        for more in found.difference(&want) {
            bad.push(format!("seed {seed} {now}: told {more:?}"));
        }
        for case in &truth.cases {
            let rules = |briefs: &[FindingBrief]| briefs.iter().any(|f| f.rule == case.rule);
            let begins = case.from == *now;
            if rules(&told.findings.new) != begins {
                bad.push(format!(
                    "seed {seed} {now}: {} is not new as it is",
                    case.rule
                ));
            }
            if rules(&told.findings.gone) != (case.until == *then) {
                bad.push(format!(
                    "seed {seed} {now}: {} has not gone as it has",
                    case.rule
                ));
            }
        }
    }
}

/// The leak is a case: open from the third day on, closed on the fifth morning, and closed it stays
/// while nothing of it is seen again; its times say when it was seen.
#[test]
fn the_leak_is_a_case() {
    let folder = Folder::new("case", 1);
    let path = folder.path.join("ward.state");
    let case = &folder.week.truth.cases[0];
    let mut closed: Option<String> = None;
    for capture in folder.captures() {
        let report = folder.add(&path, capture).report;
        let begin = report.captures.iter().filter_map(|c| c.last).max();
        let now = begin.expect("a time");
        let report_now = recall(&path, Overview::Light, now).expect("a report");
        let found = report_now.findings.iter().find(|f| *f.rule == *case.rule);
        let Some(finding) = found else {
            assert!(capture < &case.from, "{capture}: the leak is not told");
            continue;
        };
        assert!(capture >= &case.from, "{capture}: a leak before it began");
        let unit = report_now
            .devices
            .iter()
            .filter(|d| finding.devices.contains(&d.id));
        for device in unit {
            let units = units_of(&folder.week, device, folder.captures());
            assert!(units.contains(case.unit.as_str()), "{units:?}");
        }
        let seen = |time: Option<Timestamp>, day: &String| {
            let at = folder.captures().iter().position(|name| name == day);
            let capture = at
                .and_then(|at| report.captures.get(at))
                .expect("a capture");
            time >= capture.first && time <= capture.last
        };
        assert!(
            seen(finding.first_seen, &case.from),
            "first {:?}",
            finding.first_seen
        );
        let last = capture.min(&case.until);
        assert!(
            seen(finding.last_seen, last),
            "{capture}: last {:?}",
            finding.last_seen
        );
        match &closed {
            None => assert!(finding.is_open(), "{capture}"),
            Some(id) => assert!(*id == finding.id && !finding.is_open(), "{capture}"),
        }
        if *capture == case.until {
            let triage = Triage {
                status: Status::Closed,
                until: None,
                reason: "the monitor has its own station again".to_owned(),
                whole_rule: false,
            };
            let mut state = State::edit(&path).expect("a state");
            state
                .decide(&finding.into(), &triage, now)
                .expect("a decision");
            closed = Some(finding.id.clone());
        }
    }
    assert!(closed.is_some());
}
