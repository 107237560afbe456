//! Start-up: from the call to the first byte of the report, on ten packets.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result};

use super::document::{Section, Target};
use super::measure::{middle, time};
use super::{Sitting, analyze, folder, machine, program};

const RUNS: usize = 20;

/// The part.
pub(super) fn part(sitting: &Sitting) -> Result<Section> {
    let capture = ten_packets(&sitting.capture()?)?;
    let json = analyze(1, &capture);
    let words = vec![
        program().to_string_lossy().into_owned(),
        capture.to_string_lossy().into_owned(),
    ];
    let mut text = format!(
        "### Start-up\n\n`cargo xtask bench startup --size {}`: the first ten packets of the \
         capture, {RUNS} runs. {}.\n\n\
         | output | first byte, median ms | slowest ms | peak MiB |\n|---|---|---|---|\n",
        sitting.size,
        machine()
    );
    let mut worst = 0.0_f64;
    for (name, command) in [("JSON", json), ("words", words)] {
        let times = (0..RUNS).map(|_| first_byte(&command));
        let times: Vec<f64> = times.collect::<Result<_>>()?;
        let slowest = times.iter().copied().fold(0.0, f64::max);
        let median = middle(times);
        worst = worst.max(median);
        let peak = time(&command)?.peak_mib();
        writeln!(text, "| {name} | {median:.1} | {slowest:.1} | {peak:.1} |")?;
    }
    Ok(Section {
        name: "startup",
        text,
        targets: vec![Target::new(
            "first byte of the report on ten packets in under 50 ms",
            format!("{worst:.1} ms"),
            Some(worst < 50.0),
        )],
        failures: Vec::new(),
    })
}

/// Milliseconds to the first byte.
fn first_byte(command: &[String]) -> Result<f64> {
    let (program, words) = command.split_first().context("no program")?;
    let begin = Instant::now();
    let mut child = Command::new(program)
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut output = child.stdout.take().context("no pipe")?;
    output.read_exact(&mut [0])?;
    let elapsed = begin.elapsed();
    output.read_to_end(&mut Vec::new())?;
    child.wait()?;
    Ok(elapsed.as_secs_f64() * 1e3)
}

/// A capture of the first ten packets of a classic little-endian pcap.
fn ten_packets(capture: &Path) -> Result<PathBuf> {
    let mut bytes = Vec::new();
    std::fs::File::open(capture)?
        .take(1 << 20)
        .read_to_end(&mut bytes)?;
    let mut end = 24;
    for _ in 0..10 {
        let length = bytes.get(end + 8..end + 12).context("ten packets")?;
        end += 16 + u32::from_le_bytes(length.try_into()?) as usize;
    }
    let file = folder().join("ten.pcap");
    std::fs::write(&file, bytes.get(..end).context("ten packets")?)?;
    Ok(file)
}
