//! The program on bad days: interrupted, with nobody who reads, no room to write, files that
//! cannot be read, little memory.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auscult"));
    command.stdin(Stdio::null()).env_remove("NO_COLOR");
    command
}

/// A folder of this test with a ward in it.
fn ward(name: &str) -> (PathBuf, PathBuf) {
    let folder = format!("robust-{name}-{}", std::process::id());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("ward-7.pcapng");
    auscult_lab::write("ward", 7, &file).unwrap();
    (folder, file)
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn interrupt(child: &Child) {
    let done = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(done.unwrap().success());
}

/// Waits until the program has read so many bytes; the system tells how many it asked for.
fn wait_until_read(child: &Child, bytes: u64) {
    let file = format!("/proc/{}/io", child.id());
    for _ in 0..2000 {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let read = text.lines().find_map(|line| line.strip_prefix("rchar: "));
        if read.and_then(|read| read.parse::<u64>().ok()) >= Some(bytes) {
            return;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("it does not read");
}

/// Reading a stream that has said all this and is silent now.
fn reading(words: &[&str], bytes: &[u8]) -> Child {
    let mut child = program()
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.as_mut().unwrap().write_all(bytes).unwrap();
    wait_until_read(&child, bytes.len() as u64);
    child
}

#[test]
fn an_interrupt_reports_what_was_read() {
    let (_, file) = ward("interrupt");
    let bytes = fs::read(&file).unwrap();
    for threads in ["1", "3"] {
        let words = ["-", "--format", "json", "--threads", threads];
        let mut child = reading(&words, &bytes);
        // The stream stays open: nothing but the interrupt ends the reading.
        let stdin = child.stdin.take();
        interrupt(&child);
        let output = child.wait_with_output().unwrap();
        drop(stdin);
        assert_eq!(output.status.code(), Some(4), "{}", said(&output));
        assert!(said(&output).contains("interrupted"), "{}", said(&output));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["captures"][0]["complete"], false);
        let stopped = report["captures"][0]["stopped_at"].as_str().unwrap();
        assert!(stopped.ends_with(": interrupted"), "{stopped}");
        // Everything that was read is reported, as without the interrupt.
        let whole = program()
            .arg(&file)
            .args(["--format", "json"])
            .output()
            .unwrap();
        let whole: Value = serde_json::from_slice(&whole.stdout).unwrap();
        assert_eq!(report["health"]["packets"], whole["health"]["packets"]);
        assert_eq!(report["devices_total"], whole["devices_total"]);
        assert_eq!(report["findings_total"], whole["findings_total"]);
    }
}

#[test]
fn an_interrupt_leaves_out_what_was_not_begun() {
    let (folder, file) = ward("order");
    // A pipe that is opened, and read, before anything else, and never ends.
    let pipe = folder.join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let child = program()
        .args([&pipe, &file])
        .args(["--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut writing = fs::OpenOptions::new().write(true).open(&pipe).unwrap();
    let head = fs::read(&file).unwrap();
    writing.write_all(&head).unwrap();
    // It takes packets of both by time, and waits for more of the pipe at its end.
    wait_until_read(&child, head.len() as u64 * 3 / 2);
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    drop(writing);
    assert_eq!(output.status.code(), Some(4), "{}", said(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let captures = report["captures"].as_array().unwrap();
    assert_eq!(captures.len(), 2);
    assert_eq!(captures[0]["complete"], false);
    let packets: u64 = captures
        .iter()
        .map(|one| one["packets"].as_u64().unwrap())
        .sum();
    assert_eq!(report["health"]["packets"], packets);
}

#[test]
fn a_second_interrupt_ends_the_program() {
    let (_, file) = ward("second");
    let bytes = fs::read(&file).unwrap();
    let mut child = reading(&["-", "--format", "json"], &bytes);
    interrupt(&child);
    // Its report is larger than a pipe holds, and nobody reads it: it stands in the way.
    let mut first = [0; 1];
    child
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut first)
        .unwrap();
    assert!(
        child.try_wait().unwrap().is_none(),
        "the report fits into a pipe"
    );
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn whoever_reads_one_line_gets_one_line() {
    let (folder, _) = ward("pipe");
    for words in [
        "analyze --all",
        "flows",
        "devices --format csv",
        "analyze --format json",
    ] {
        let line = format!(
            "{} {words} ward-7.pcapng | head -1",
            env!("CARGO_BIN_EXE_auscult")
        );
        let output = Command::new("sh")
            .args(["-c", &line])
            .current_dir(&folder)
            .output()
            .unwrap();
        assert!(said(&output).is_empty(), "{words}: {}", said(&output));
        assert!(!output.stdout.is_empty(), "{words}");
    }
}

#[test]
fn a_full_disk_is_said() {
    if !Path::new("/dev/full").exists() {
        eprintln!("SKIPPED: no /dev/full; a full disk is not tried");
        return;
    }
    let (_, file) = ward("full");
    for words in [
        &["analyze"][..],
        &["analyze", "--format", "json"],
        &["flows"],
        &["devices", "--format", "csv"],
        &["findings"],
    ] {
        let full = fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let output = program()
            .args(words)
            .arg(&file)
            .stdout(full)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        assert!(
            said(&output).contains("cannot write the output"),
            "{words:?}: {}",
            said(&output)
        );
    }
}

#[test]
fn one_bad_file_of_a_folder_hides_no_other() {
    let (folder, file) = ward("folder");
    let bytes = fs::read(&file).unwrap();
    fs::write(folder.join("cut.pcapng"), &bytes[..bytes.len() / 2 + 3]).unwrap();
    fs::write(folder.join("notes.txt"), "no capture\n").unwrap();
    fs::write(folder.join("empty.pcap"), "").unwrap();
    // A file that opens and cannot be read, also for root.
    symlink("/proc/self/mem", folder.join("broken.pcap")).unwrap();
    let output = program()
        .arg(&folder)
        .args(["--format", "json"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", said(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let complete: Vec<bool> = report["captures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|capture| capture["complete"].as_bool().unwrap())
        .collect();
    assert_eq!(complete, [false, true], "the cut one, and the whole one");
    let skipped: Vec<String> = report["skipped"]
        .as_array()
        .unwrap()
        .iter()
        .map(|skipped| skipped["file"].as_str().unwrap().to_owned())
        .collect();
    for name in ["broken.pcap", "empty.pcap", "notes.txt"] {
        assert!(
            skipped.iter().any(|file| file.ends_with(name)),
            "{name}: {skipped:?}"
        );
    }
    assert!(report["findings_total"].as_u64() > Some(0));
}

#[test]
fn a_file_that_cannot_be_read_is_said() {
    let (folder, _) = ward("unreadable");
    symlink("/proc/self/mem", folder.join("broken.pcap")).unwrap();
    let output = program().arg(folder.join("broken.pcap")).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let words = said(&output);
    assert!(
        words.contains("broken.pcap") && words.contains("unreadable"),
        "{words}"
    );
}

#[test]
fn the_address_space_sets_the_memory() {
    // 1 GiB, as `ulimit -v` takes it; with many threads, each of which wants a stack.
    let (_, file) = ward("space");
    for threads in ["1", "16"] {
        let output = Command::new("sh")
            .args(["-c", "ulimit -v 1048576 && exec \"$0\" \"$@\""])
            .arg(env!("CARGO_BIN_EXE_auscult"))
            .args(["--format", "json", "--threads", threads])
            .arg(&file)
            .output()
            .unwrap();
        assert_eq!(
            output.status.code(),
            Some(0),
            "{threads}: {}",
            said(&output)
        );
        let usual = program()
            .arg(&file)
            .args(["--format", "json"])
            .output()
            .unwrap();
        assert!(output.stdout == usual.stdout, "{threads} threads");
    }
}
