//! Long inputs: memory over a stream through a pipe, and wall time on a file that the disk has
//! to deliver.

use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::document::{Section, Target};
use super::measure::{Run, start_with, time};
use super::{Sitting, analyze, folder, helper, machine, packets_in};
use crate::shell::{self, has};

/// Lengths of the stream, in lengths of the capture; the last makes 10 GB of 1.4.
const TIMES: [u32; 3] = [1, 3, 7];
/// Peak memory over the longest stream that still counts as not growing, to that over one length.
const GROWTH: f64 = 1.25;

/// The part `pipe`.
pub(super) fn part(sitting: &Sitting) -> Result<Section> {
    let capture = sitting.capture()?;
    let mut text = format!(
        "### A long stream through a pipe\n\n`cargo xtask bench pipe --size {}`: the capture so \
         many times, later each time and with other client ports, one run each, one thread. \
         {}.\n\n\
         | length | packets | devices | CPU s | wall s | peak MiB |\n|---|---|---|---|---|---|\n",
        sitting.size,
        machine()
    );
    let mut peaks = Vec::new();
    for times in TIMES {
        let (run, report) = piped(&capture, times)?;
        let packets = packets_in(&report)?;
        let value: serde_json::Value = serde_json::from_str(&report)?;
        writeln!(
            text,
            "| {times} | {packets} | {} | {:.2} | {:.2} | {:.1} |",
            value["devices_total"],
            run.cpu,
            run.wall,
            run.peak_mib()
        )?;
        peaks.push(run.peak_mib());
    }
    let growth = match peaks.as_slice() {
        [first, .., last] => last / first,
        _ => bail!("too few lengths"),
    };
    let aim = format!(
        "memory grows with live flows and devices, not with length: over 7 lengths at most \
         {GROWTH} times that over one"
    );
    Ok(Section {
        name: "pipe",
        text,
        targets: vec![Target::new(
            &aim,
            format!("{growth:.2} times"),
            Some(growth <= GROWTH),
        )],
        failures: Vec::new(),
    })
}

fn repeat(capture: &Path, times: u32, into: Stdio) -> Result<std::process::Child> {
    let mut command = Command::new(helper());
    command.args(["bench", "stream"]).arg(capture);
    let child = command.arg(times.to_string()).stdout(into).spawn();
    child.context("cannot repeat the capture")
}

fn piped(capture: &Path, times: u32) -> Result<(Run, String)> {
    eprintln!("{times} lengths");
    let mut source = repeat(capture, times, Stdio::piped())?;
    let stream = source.stdout.take().context("no pipe")?;
    let report = folder().join("report.json");
    let output = Stdio::from(File::create(&report)?);
    let run = start_with(&analyze(1, Path::new("-")), Stdio::from(stream), output)?.end()?;
    if !source.wait()?.success() {
        bail!("the stream broke off");
    }
    Ok((run, std::fs::read_to_string(&report)?))
}

/// The part `disk`.
pub(super) fn disk(sitting: &Sitting) -> Result<Section> {
    let mut section = Section {
        name: "disk",
        ..Section::default()
    };
    if !has("dd") {
        eprintln!("SKIPPED: dd is not installed, so the page cache cannot be emptied");
        return Ok(section);
    }
    let file = folder().join("long.pcap");
    let measured = on_disk(sitting, &file);
    // Ten gigabytes are not left behind, whatever happened.
    std::fs::remove_file(&file)?;
    section.text = measured?;
    Ok(section)
}

fn on_disk(sitting: &Sitting, file: &PathBuf) -> Result<String> {
    let times = TIMES.last().copied().unwrap_or(1);
    let output = Stdio::from(File::create(file)?);
    if !repeat(&sitting.capture()?, times, output)?
        .wait()?
        .success()
    {
        bail!("the long file could not be written");
    }
    let bytes = std::fs::metadata(file)?.len();
    let mut text = format!(
        "### A file that the disk has to deliver\n\n`cargo xtask bench disk --size {}`: {bytes} \
         bytes. Before a cold run the file is dropped from the page cache (`dd iflag=nocache`); \
         one run each. {}.\n\n\
         | program | cache | wall s | CPU s | MB/s |\n|---|---|---|---|---|\n",
        sitting.size,
        machine()
    );
    let name = file.to_string_lossy().into_owned();
    let programs = [
        ("cat", vec!["cat".to_owned(), name]),
        ("auscult, 1 thread", analyze(1, file)),
        ("auscult, 2 threads", analyze(2, file)),
    ];
    for (program, command) in programs {
        for cold in [true, false] {
            let cache = if cold {
                forget(file)?
            } else {
                shell::run(Command::new("cat").arg(file).stdout(Stdio::null()))?;
                "warm".to_owned()
            };
            let run = time(&command)?;
            writeln!(
                text,
                "| {program} | {cache} | {:.2} | {:.2} | {:.0} |",
                run.wall,
                run.cpu,
                bytes as f64 / 1e6 / run.wall
            )?;
        }
    }
    Ok(text)
}

/// Drops a file from the page cache; says how much stayed where that can be asked.
fn forget(file: &Path) -> Result<String> {
    shell::run(Command::new("sync").arg(file))?;
    let mut input = std::ffi::OsString::from("if=");
    input.push(file);
    let mut drop = Command::new("dd");
    drop.arg(input)
        .args(["iflag=nocache", "count=0", "status=none"]);
    shell::run(&mut drop)?;
    if !has("fincore") {
        return Ok("cold".to_owned());
    }
    let mut ask = Command::new("fincore");
    ask.args(["--noheadings", "--bytes", "--output", "RES"]);
    let left: f64 = shell::output(ask.arg(file))?.trim().parse()?;
    Ok(format!("cold ({:.0} MB left)", left / 1e6))
}
