//! Hostile input at full scale, against the program itself: a capture that is made while it is
//! read, from standard input. Each test shows the bound that holds, its counter, and that memory
//! stays within what docs/limits.md states. Time is printed, not judged.
//!
//! Each prints a line of figures; `cargo xtask bounds` gathers them into docs/limits.md.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod files;
mod messages;
mod nesting;
mod spoofing;
mod tables;
mod wire;

use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{fs, thread};

use serde_json::Value;
use wire::Wire;

/// What no hostile input makes the program take with its default options, in MiB.
const MOST_MIB: u64 = 1280;

/// A report, and what it cost.
struct Told {
    report: Value,
    code: i32,
    peak_mib: Option<u64>,
}

impl Told {
    fn number(&self, path: &str) -> u64 {
        let value = self.report.pointer(path);
        value
            .and_then(Value::as_u64)
            .unwrap_or_else(|| panic!("{path}: {value:?}"))
    }

    /// How often a limit was reached.
    fn limit(&self, name: &str) -> u64 {
        self.report["health"]["limits"][name].as_u64().unwrap_or(0)
    }

    /// As `limit`, at least once.
    fn reached(&self, name: &str) -> u64 {
        let count = self.limit(name);
        assert!(count > 0, "{name}: {}", self.report["health"]["limits"]);
        count
    }
}

/// Runs the program with these words and gives it what `write` makes.
fn run(what: &str, words: &[&str], write: impl FnOnce(&mut dyn Write)) -> Told {
    let program = Command::new(env!("CARGO_BIN_EXE_auscult"));
    run_as(program, what, words, write)
}

/// As `run`, within an address space of 1 GiB.
fn run_within_a_gibibyte(what: &str, words: &[&str], write: impl FnOnce(&mut dyn Write)) -> Told {
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -v 1048576 && exec \"$0\" \"$@\""]);
    shell.arg(env!("CARGO_BIN_EXE_auscult"));
    run_as(shell, what, words, write)
}

fn run_as(
    mut program: Command,
    what: &str,
    words: &[&str],
    write: impl FnOnce(&mut dyn Write),
) -> Told {
    let began = Instant::now();
    let mut child = program
        .args(["analyze", "--format", "json", "--quiet"])
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let over = AtomicBool::new(false);
    let mut output = Vec::new();
    let (peak, code) = thread::scope(|scope| {
        let watching = scope.spawn(|| watch(&status, &over));
        // Also when something below fails: the watch must not go on for ever.
        let _ended = Ended(&over);
        let mut stdin = child.stdin.take().unwrap();
        write(&mut stdin);
        drop(stdin);
        let mut stdout = child.stdout.take().unwrap();
        stdout.read_to_end(&mut output).unwrap();
        let code = child.wait().unwrap().code();
        over.store(true, Ordering::Relaxed);
        (watching.join().unwrap(), code.expect("an exit code"))
    });
    let report: Value = serde_json::from_slice(&output).unwrap_or(Value::Null);
    let told = Told {
        report,
        code,
        peak_mib: peak.map(|kib| kib >> 10),
    };
    figures(what, &told, began.elapsed());
    if let Some(peak) = told.peak_mib {
        assert!(peak < MOST_MIB, "{what}: {peak} MiB");
    }
    told
}

/// Sets its flag when it is dropped.
struct Ended<'f>(&'f AtomicBool);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// As `run`, on a stream of frames.
fn stream(what: &str, words: &[&str], write: impl FnOnce(&mut Wire<'_>)) -> Told {
    let words = [&["-"], words].concat();
    let mut frames = 0;
    let told = run(what, &words, |out| {
        let mut out = BufWriter::with_capacity(1 << 20, out);
        let mut wire = Wire::new(&mut out);
        write(&mut wire);
        frames = wire.frames;
        out.flush().unwrap();
    });
    assert_eq!(told.number("/health/packets"), frames, "{what}");
    assert_eq!(told.code, 0, "{what}");
    told
}

/// The most memory that a process had, in KiB, as the system tells while it runs.
fn watch(status: &str, over: &AtomicBool) -> Option<u64> {
    let mut peak = None;
    while !over.load(Ordering::Relaxed) {
        let text = fs::read_to_string(status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        peak = peak.max(now);
        thread::sleep(Duration::from_millis(2));
    }
    peak
}

/// One line for docs/limits.md.
#[expect(clippy::print_stdout, reason = "what the command gathers")]
fn figures(what: &str, told: &Told, time: Duration) {
    let limits = told.report["health"]["limits"].as_object();
    let limits: Vec<String> = limits
        .into_iter()
        .flatten()
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    println!(
        "figures|{what}|{}|{}|{:.1}|{}",
        told.report["health"]["packets"],
        told.peak_mib
            .map_or("not known".to_owned(), |mib| mib.to_string()),
        time.as_secs_f64(),
        limits.join(", ")
    );
}

/// A place for a file of a test.
fn file(name: &str) -> PathBuf {
    let name = format!("hostile-{}-{name}", std::process::id());
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}
