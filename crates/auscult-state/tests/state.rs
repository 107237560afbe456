//! What a state file withstands: other files, other writers, a cut log.

#![allow(
    clippy::unwrap_used,
    reason = "a test may stop at what it did not expect"
)]

use std::fs;
use std::path::{Path, PathBuf};

use auscult_model::report::{Capture, CapturePoint, Health, Report, SCHEMA, Site};
use auscult_model::{Outcome, Timestamp, Transport};
use auscult_state::{
    HourKey, HourSum, Hours, Overview, Save, State, StateError, Status, Subject, Triage,
};
use rusqlite::Connection;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let name = format!("auscult-state-file-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::remove_dir_all(&path).ok();
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn capture(n: u64) -> Capture {
    Capture {
        file: format!("{n}.pcap"),
        fingerprint: format!("{n:032x}"),
        sha256: None,
        packets: n,
        bytes: n,
        first: Some(Timestamp(n as i64)),
        last: None,
        link_types: Vec::new(),
        complete: true,
        stopped_at: None,
        point: CapturePoint::Unknown,
        clock_offset: None,
        comments: Vec::new(),
        names: Vec::new(),
        outside: None,
        overlaps: Vec::new(),
    }
}

fn report() -> Report {
    Report {
        schema: SCHEMA,
        auscult: String::new(),
        captures: Vec::new(),
        skipped: Vec::new(),
        site: Site::default(),
        coverage: Vec::new(),
        devices_total: 0,
        devices: Vec::new(),
        findings_total: 0,
        findings: Vec::new(),
        incidents: Vec::new(),
        artifacts_total: 0,
        artifacts: Vec::new(),
        data_sets: Vec::new(),
        health: Health::default(),
    }
}

/// Large enough that a save is many pages, packed too.
fn facts(n: u64) -> Vec<u8> {
    let mut noise = 1u64;
    (0..200_000u32)
        .map(|at| match at % 4 {
            3 => (u64::from(at) * n) as u8,
            _ => {
                noise = noise
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(n);
                (noise >> 33) as u8
            }
        })
        .collect()
}

fn save(state: &mut State, n: u64) -> Result<(), StateError> {
    let key = HourKey {
        hour: 7,
        originator: "10.0.0.1".parse().unwrap(),
        responder: "10.0.0.2".parse().unwrap(),
        transport: Transport::Tcp,
        port: 80,
        protocol: "http",
        outcome: Outcome::Answered,
    };
    let sum = HourSum {
        flows: n,
        bytes: [n, n],
    };
    let facts = facts(n);
    state.save(Save {
        inputs: &[(capture(n), Vec::new())],
        facts: &facts,
        hours: &Hours::from([(key, sum)]),
        report: &mut report(),
    })
}

fn numbers(path: &Path) -> Vec<u64> {
    let state = State::read(path).unwrap();
    let inputs = state.inputs().unwrap();
    let facts = state.facts().unwrap().unwrap();
    let last = inputs.last().unwrap().packets;
    assert_eq!(
        facts.get(3),
        Some(&((3 * last) as u8)),
        "facts of the last input"
    );
    inputs.iter().map(|input| input.packets).collect()
}

#[test]
fn what_was_saved_is_there() {
    let folder = Folder::new("saved");
    let path = folder.file("a.state");
    assert!(matches!(State::read(&path), Err(StateError::Missing(_))));
    let key = {
        let mut state = State::write(&path).unwrap();
        save(&mut state, 5).unwrap();
        state.go_on().unwrap();
        save(&mut state, 6).unwrap();
        state.patient_key().unwrap()
    };
    assert_eq!(numbers(&path), [5, 6]);
    assert_eq!(State::read(&path).unwrap().patient_key().unwrap(), key);
    let flows: i64 = Connection::open(&path)
        .unwrap()
        .query_row("SELECT flows FROM conversation_hour", [], |row| row.get(0))
        .unwrap();
    assert_eq!(flows, 11);
    let report = State::read(&path).unwrap().report(Overview::Light).unwrap();
    assert!(report.is_some());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}

#[test]
fn what_was_not_saved_leaves_nothing() {
    let folder = Folder::new("nothing");
    let path = folder.file("a.state");
    drop(State::write(&path).unwrap());
    assert!(matches!(State::read(&path), Err(StateError::Missing(_))));
    let mut state = State::write(&path).unwrap();
    save(&mut state, 5).unwrap();
    state.go_on().unwrap();
    // The same fingerprint twice is refused as a whole.
    assert!(save(&mut state, 5).is_err());
    drop(state);
    assert_eq!(numbers(&path), [5]);
}

#[test]
fn other_files_are_left_as_they_are() {
    let folder = Folder::new("foreign");
    let text = folder.file("notes.txt");
    fs::write(
        &text,
        "Notes on the ward, much longer than a header of a database would be.\n".repeat(20),
    )
    .unwrap();
    let other = folder.file("other.db");
    Connection::open(&other)
        .unwrap()
        .execute_batch("CREATE TABLE patients (name TEXT)")
        .unwrap();
    for path in [&text, &other] {
        let before = fs::read(path).unwrap();
        for opened in [State::read(path), State::write(path)] {
            assert!(matches!(opened, Err(StateError::Foreign(..))), "{opened:?}");
        }
        assert_eq!(fs::read(path).unwrap(), before);
    }
    let newer = folder.file("newer.state");
    save(&mut State::write(&newer).unwrap(), 1).unwrap();
    Connection::open(&newer)
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    for opened in [State::read(&newer), State::write(&newer)] {
        assert!(
            matches!(opened, Err(StateError::Newer(_, 99, _))),
            "{opened:?}"
        );
    }
    let folder_as_file = State::write(&folder.0);
    assert!(folder_as_file.is_err());
}

#[test]
fn one_writes_and_others_read() {
    let folder = Folder::new("two");
    let path = folder.file("a.state");
    let mut first = State::write(&path).unwrap();
    save(&mut first, 1).unwrap();
    first.go_on().unwrap();
    assert!(matches!(State::write(&path), Err(StateError::InUse(_))));
    assert_eq!(numbers(&path), [1]);
    save(&mut first, 2).unwrap();
    // Between two saves others may write; the first goes on behind them.
    let mut second = State::write(&path).unwrap();
    save(&mut second, 3).unwrap();
    drop(second);
    assert_eq!(numbers(&path), [1, 2, 3]);
}

/// Whatever is left of what was written after the last save, the last save is whole.
#[test]
fn a_log_cut_anywhere_keeps_what_was_saved() {
    let folder = Folder::new("log");
    let path = folder.file("a.state");
    let log = folder.file("a.state-wal");
    let mut state = State::write(&path).unwrap();
    save(&mut state, 1).unwrap();
    // A reader keeps the log from being folded into the file.
    let reader = Connection::open(&path).unwrap();
    reader
        .execute_batch("BEGIN; SELECT count(*) FROM input")
        .unwrap();
    let first = fs::metadata(&log).unwrap().len();
    state.go_on().unwrap();
    save(&mut state, 2).unwrap();
    let second = fs::metadata(&log).unwrap().len();
    let (file, whole) = (fs::read(&path).unwrap(), fs::read(&log).unwrap());
    assert!(second > first, "{first} {second}");
    let copy = folder.file("copy.state");
    let steps = 200;
    let mut seen = [0, 0];
    for step in 0..=steps {
        let cut = first + (second - first) * step / steps;
        fs::write(&copy, &file).unwrap();
        fs::write(folder.file("copy.state-wal"), &whole[..cut as usize]).unwrap();
        fs::remove_file(folder.file("copy.state-shm")).ok();
        let numbers = numbers(&copy);
        assert!(numbers == [1] || numbers == [1, 2], "{numbers:?} at {cut}");
        seen[numbers.len() - 1] += 1;
        // It can be added to as before.
        if step % 50 == 0 {
            let mut state = State::write(&copy).unwrap();
            save(&mut state, 9).unwrap();
        }
    }
    assert!(seen[0] > 100 && seen[1] > 0, "{seen:?}");
}

#[test]
fn decisions_and_words_stay() {
    let about = Subject {
        id: "F-1",
        rule: "cleartext-login",
        last_seen: None,
    };
    let folder = Folder::new("decisions");
    let path = folder.file("a.state");
    let mut state = State::write(&path).unwrap();
    save(&mut state, 1).unwrap();
    let triage = Triage {
        status: Status::Accepted,
        until: Some(Timestamp(99)),
        reason: "replaced in spring".to_owned(),
        whole_rule: false,
    };
    state.decide(&about, &triage, Timestamp(5)).unwrap();
    let open = Triage {
        status: Status::Open,
        until: None,
        reason: String::new(),
        whole_rule: false,
    };
    state.decide(&about, &open, Timestamp(6)).unwrap();
    let words = [("bed".to_owned(), "ICU-7".to_owned())];
    state.say("serial-1", &words, Timestamp(7)).unwrap();
    state.go_on().unwrap();
    save(&mut state, 2).unwrap();
    drop(state);
    let state = State::read(&path).unwrap();
    assert_eq!(state.cases().unwrap()[0].triage, open);
    let history: Vec<Status> = state
        .history("F-1")
        .unwrap()
        .iter()
        .map(|e| e.status)
        .collect();
    assert_eq!(history, [Status::Accepted, Status::Open]);
    assert_eq!(state.user_words().unwrap()[0].value, "ICU-7");
}

/// Every layout that was ever written can be brought up to date, and loses nothing.
#[test]
fn an_older_layout_becomes_this_one() {
    let folder = Folder::new("older");
    let path = folder.file("a.state");
    save(&mut State::write(&path).unwrap(), 5).unwrap();
    let old = Connection::open(&path).unwrap();
    old.execute_batch(
        "DROP VIEW asset; DROP TABLE asset_register; DROP TABLE user_join; DROP INDEX input_by_time;
         ALTER TABLE input DROP COLUMN minutes; ALTER TABLE device DROP COLUMN detail;
         ALTER TABLE finding_case DROP COLUMN seen;
         ALTER TABLE facts DROP COLUMN packed; PRAGMA user_version = 1",
    )
    .unwrap();
    old.execute("UPDATE facts SET bytes = ?1", [facts(5)])
        .unwrap();
    drop(old);
    // Looking at it changes nothing.
    assert_eq!(numbers(&path), [5]);
    let none = State::read(&path).unwrap().register::<Vec<u8>>().unwrap();
    assert_eq!(none, None);
    save(&mut State::write(&path).unwrap(), 6).unwrap();
    assert_eq!(numbers(&path), [5, 6]);
    let between = State::read(&path)
        .unwrap()
        .inputs_between(Timestamp(0), Timestamp(100));
    assert_eq!(between.unwrap().len(), 0, "these have no last time");
}

#[test]
fn a_register_takes_the_place_of_the_last_one() {
    let folder = Folder::new("register");
    let path = folder.file("a.state");
    let mut state = State::write(&path).unwrap().begin().unwrap();
    for (at, rows) in [(1, vec![1, 2]), (2, vec![3])] {
        state
            .import_register("assets.csv", &rows, Timestamp(at))
            .unwrap();
    }
    drop(state);
    let state = State::read(&path).unwrap();
    let imported = state.register::<Vec<u64>>().unwrap().unwrap();
    assert_eq!((imported.register, imported.at), (vec![3], Timestamp(2)));
}

/// A decision on a rule stays when one of its findings is decided otherwise, and it is noted when
/// each had been seen last.
#[test]
fn a_rule_and_one_finding_are_decided_apart() {
    let folder = Folder::new("apart");
    let path = folder.file("a.state");
    save(&mut State::write(&path).unwrap(), 5).unwrap();
    let about = Subject {
        id: "F-1",
        rule: "cleartext-login",
        last_seen: Some(Timestamp(50)),
    };
    let triage = |status, whole_rule| Triage {
        status,
        until: None,
        reason: String::new(),
        whole_rule,
    };
    let mut state = State::edit(&path).unwrap();
    state
        .decide(&about, &triage(Status::Accepted, true), Timestamp(1000))
        .unwrap();
    state
        .decide(&about, &triage(Status::Closed, false), Timestamp(1001))
        .unwrap();
    let cases = state.cases().unwrap();
    let told: Vec<_> = cases
        .iter()
        .map(|case| (&*case.finding, case.seen))
        .collect();
    let seen = Some(Timestamp(50));
    assert_eq!(told, [("F-1", seen), ("rule cleartext-login", seen)]);
}
