//! A state on bad days: killed at any moment of a run, no room on the disk, a folder that may not
//! be written, two that write. What the program said is saved is there, and nothing half.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Instant;

/// So often the run is killed, at points spread over its length and a little beyond.
const KILLS: u32 = 200;

fn auscult() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auscult"));
    command.stdin(Stdio::null());
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Two captures, and a state with the first of them.
struct Bench {
    folder: PathBuf,
    first: PathBuf,
    second: PathBuf,
    base: PathBuf,
}

impl Bench {
    fn new(name: &str) -> Bench {
        let folder = format!("crash-{name}-{}", std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let [first, second] = [("nfs-update-outside", 7), ("hl7-outside", 8)].map(|scene| {
            let file = folder.join(format!("{}.pcapng", scene.0));
            auscult_lab::write(scene.0, scene.1, &file).unwrap();
            file
        });
        let base = folder.join("base.state");
        let bench = Bench {
            folder,
            first,
            second,
            base,
        };
        assert!(add(&bench.base, &bench.first).status.success());
        bench
    }

    /// A copy of the state with the first capture, with nothing beside it.
    fn copy(&self, name: &str) -> PathBuf {
        let state = self.folder.join(name);
        for suffix in ["-wal", "-shm"] {
            let beside = format!("{}{suffix}", state.display());
            fs::remove_file(beside).ok();
        }
        fs::copy(&self.base, &state).unwrap();
        state
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.folder).ok();
    }
}

fn adding(state: &Path, capture: &Path) -> Command {
    let mut command = auscult();
    command.args(["analyze", "--quiet", "--state"]);
    command.args([state, capture]).stdout(Stdio::null());
    command
}

fn add(state: &Path, capture: &Path) -> Output {
    adding(state, capture).output().unwrap()
}

/// Everything that the state shows.
fn shown(state: &Path) -> String {
    let output = auscult()
        .args(["analyze", "--format", "json", "--state"])
        .arg(state)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// A command as root of a namespace of its own, where file systems can be mounted; `None`, and a
/// loud line, where the system does not allow that.
fn in_namespace(script: &str, words: &[&Path]) -> Option<Output> {
    let tried = Command::new("unshare")
        .args(["--mount", "--map-root-user", "true"])
        .output();
    if !tried.is_ok_and(|tried| tried.status.success()) {
        eprintln!("SKIPPED: no mount namespaces here; neither a full disk nor a read-only one");
        return None;
    }
    let mut command = Command::new("unshare");
    command.args(["--mount", "--map-root-user", "sh", "-ec", script]);
    command.arg(env!("CARGO_BIN_EXE_auscult")).args(words);
    Some(command.output().unwrap())
}

#[test]
fn killed_at_any_moment_a_state_is_whole() {
    let bench = Bench::new("kill");
    let state = bench.copy("whole.state");
    let begun = Instant::now();
    assert!(said(&add(&state, &bench.second)).contains("saved"));
    let length = begun.elapsed();
    let (before, after) = (shown(&bench.base), shown(&state));
    assert_ne!(before, after);
    let (mut promised, mut whole) = (0, 0);
    for kill in 0..KILLS {
        let state = bench.copy("killed.state");
        let mut run = adding(&state, &bench.second)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        thread::sleep(length.mul_f64(1.1) * kill / KILLS);
        run.kill().unwrap();
        let mut words = String::new();
        run.stderr
            .take()
            .unwrap()
            .read_to_string(&mut words)
            .unwrap();
        run.wait().unwrap();
        let found = shown(&state);
        let saved = words.contains("saved");
        assert!(
            found == after || (found == before && !saved),
            "killed after {kill}/{KILLS} of the run: neither as before nor as after, or \
             \"saved\" was said too early: {words}"
        );
        promised += u32::from(saved);
        whole += u32::from(found == after);
    }
    eprintln!(
        "{KILLS} kills of a run of {length:?}: {promised} had said \"saved\", {whole} were whole"
    );
    assert!(whole < KILLS, "no kill came before the end");
}

#[test]
fn a_full_disk_keeps_what_was_saved() {
    let bench = Bench::new("full");
    let folder = bench.folder.join("small");
    fs::create_dir(&folder).unwrap();
    // As large as the state, and a little: its log finds no room.
    let script = "size=$(( $(stat -c %s \"$2\") + 65536 )); \
        mount -t tmpfs -o size=$size tmpfs \"$1\"; cp \"$2\" \"$1/ward.state\"; \
        code=0; \"$0\" analyze --quiet --state \"$1/ward.state\" \"$3\" >/dev/null || code=$?; \
        echo \"exit $code\"; \"$0\" analyze --format json --state \"$1/ward.state\"";
    let words: [&Path; 3] = [&folder, &bench.base, &bench.second];
    let Some(output) = in_namespace(script, &words) else {
        return;
    };
    let (found, words) = (String::from_utf8_lossy(&output.stdout), said(&output));
    let (code, found) = found.split_once('\n').unwrap();
    assert_eq!(code, "exit 1", "{words}");
    assert!(
        words.contains("the disk is full, nothing was saved"),
        "{words}"
    );
    assert!(!words.contains("saved:"), "{words}");
    assert_eq!(found, shown(&bench.base), "{words}");
}

#[test]
fn a_disk_that_is_full_from_the_start_is_said() {
    let bench = Bench::new("none");
    let folder = bench.folder.join("small");
    fs::create_dir(&folder).unwrap();
    let script = "mount -t tmpfs -o size=16384 tmpfs \"$1\"; \
        \"$0\" analyze --quiet --state \"$1/ward.state\" \"$2\"";
    let Some(output) = in_namespace(script, &[&folder, &bench.first]) else {
        return;
    };
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        said(&output).contains("the disk is full"),
        "{}",
        said(&output)
    );
    assert!(!said(&output).contains("saved:"), "{}", said(&output));
}

#[test]
fn a_folder_that_may_not_be_written_is_read() {
    let bench = Bench::new("read-only");
    let folder = bench.folder.join("kept");
    fs::create_dir(&folder).unwrap();
    fs::copy(&bench.base, folder.join("ward.state")).unwrap();
    let script = "mount --bind \"$1\" \"$1\"; mount -o remount,bind,ro \"$1\"; \
        code=0; \"$0\" analyze --quiet --state \"$1/ward.state\" \"$2\" >/dev/null || code=$?; \
        echo \"exit $code\"; \"$0\" analyze --format json --state \"$1/ward.state\"";
    let Some(output) = in_namespace(script, &[&folder, &bench.second]) else {
        return;
    };
    let (found, words) = (String::from_utf8_lossy(&output.stdout), said(&output));
    let (code, found) = found.split_once('\n').unwrap();
    assert_eq!(code, "exit 1", "{words}");
    assert!(words.contains("cannot be written here"), "{words}");
    assert_eq!(found, shown(&bench.base));
    let new = "mount --bind \"$1\" \"$1\"; mount -o remount,bind,ro \"$1\"; \
        \"$0\" analyze --quiet --state \"$1/new.state\" \"$2\"";
    let output = in_namespace(new, &[&folder, &bench.second]).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("the state could not be made"),
        "{}",
        said(&output)
    );
}

#[test]
fn of_two_writers_each_saves_whole_or_says_why_not() {
    let bench = Bench::new("two");
    let state = bench.folder.join("both.state");
    let runs = [&bench.first, &bench.second].map(|capture| {
        adding(&state, capture)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    });
    let outputs = runs.map(|run| run.wait_with_output().unwrap());
    let mut added = 0;
    for output in &outputs {
        match output.status.code() {
            Some(0) => added += 1,
            Some(1) => assert!(said(output).contains("another process"), "{}", said(output)),
            code => panic!("{code:?}: {}", said(output)),
        }
    }
    assert!(added >= 1);
    let found: serde_json::Value = serde_json::from_str(&shown(&state)).unwrap();
    assert_eq!(found["captures"].as_array().unwrap().len(), added);
}
