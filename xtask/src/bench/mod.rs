//! `cargo xtask bench`: speed and memory, in parts that are measured in one sitting.
//!
//! Rules of fair comparison: one machine, one sitting, warm page cache, the same file for all,
//! paired runs, medians, CPU time (user + system) rather than wall time, ratios rather than
//! seconds. GNU time does the accounting, so nothing of ours measures itself. The capture is made
//! by `../shared/peers/make_big.py` where that is at hand, else by the lab.

mod budget;
mod callgrind;
mod document;
mod floors;
mod growth;
mod measure;
mod peers;
mod pipe;
mod stages;
mod startup;
mod stream;
mod threads;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::shell::{self, cargo, has, root, target};
use document::Section;

/// One sitting: what all parts share.
struct Sitting {
    /// Size of the capture, as `make_big.py` takes it.
    size: String,
    /// Runs of each program; medians are quoted.
    runs: usize,
    /// Everything small, nothing written.
    quick: bool,
}

type Part = (&'static str, fn(&Sitting) -> Result<Section>);

const PARTS: &[Part] = &[
    ("peers", peers::part),
    ("threads", threads::part),
    ("budget", budget::part),
    ("stages", stages::part),
    ("growth", growth::part),
    ("pipe", pipe::part),
    ("disk", pipe::disk),
    ("startup", startup::part),
];

/// The command.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    match words {
        ["floor", which, file] => return floors::run(which, Path::new(file)),
        ["stream", rest @ ..] => return stream::run(rest),
        ["bulk", rest @ ..] => return growth::bulk(rest),
        _ => {}
    }
    let (names, sitting) = arguments(words)?;
    if !Path::new("/usr/bin/time").is_file() {
        bail!("GNU time is needed at /usr/bin/time (Debian package time)");
    }
    shell::run(cargo().args(["build", "--release", "-p", "auscult", "-p", "xtask"]))?;
    std::fs::create_dir_all(folder())?;
    let mut failures = Vec::new();
    for (name, part) in PARTS {
        if !names.is_empty() && !names.contains(name) {
            continue;
        }
        eprintln!("== {name}");
        let section = part(&sitting).with_context(|| format!("part {name}"))?;
        show(&section);
        if !sitting.quick {
            document::put(&section)?;
        }
        failures.extend(section.failures);
    }
    if sitting.quick {
        eprintln!("a quick run: docs/performance.md stays as it is");
    }
    if !failures.is_empty() {
        bail!("{}", failures.join("\n"));
    }
    Ok(())
}

fn show(section: &Section) {
    eprintln!("\n{}", section.text);
    for target in &section.targets {
        eprintln!(
            "target: {}: {} ({})",
            target.aim,
            target.reached,
            target.verdict()
        );
    }
}

/// Parts asked for, none for all; and how to measure them.
fn arguments<'a>(words: &[&'a str]) -> Result<(Vec<&'a str>, Sitting)> {
    let mut names = Vec::new();
    let (mut size, mut runs, mut quick) = (None, None, false);
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        match *word {
            "--size" => size = rest.next().map(|size| (*size).to_owned()),
            "--runs" => runs = Some(rest.next().context("--runs N")?.parse()?),
            "--quick" => quick = true,
            name if PARTS.iter().any(|part| part.0 == name) => names.push(name),
            other => bail!("unknown: {other}; parts: {}", part_names()),
        }
    }
    let (usual_size, usual_runs) = if quick { ("140M", 1) } else { ("1400M", 3) };
    let sitting = Sitting {
        size: size.unwrap_or_else(|| usual_size.to_owned()),
        runs: runs.unwrap_or(usual_runs).max(1),
        quick,
    };
    Ok((names, sitting))
}

fn part_names() -> String {
    let names: Vec<&str> = PARTS.iter().map(|part| part.0).collect();
    names.join(", ")
}

/// Where captures and other large things lie.
fn folder() -> PathBuf {
    std::env::temp_dir().join("auscult-bench")
}

/// The program that is measured.
fn program() -> PathBuf {
    target().join("release/auscult")
}

/// This program, optimised: for floors and generators.
fn helper() -> PathBuf {
    target().join("release/xtask")
}

/// `auscult analyze` with everything on, JSON to standard output.
fn analyze(threads: usize, input: &Path) -> Vec<String> {
    let mut words = vec![program().to_string_lossy().into_owned()];
    for word in ["analyze", "--format", "json", "--quiet", "--threads"] {
        words.push(word.to_owned());
    }
    words.push(threads.to_string());
    words.push(input.to_string_lossy().into_owned());
    words
}

impl Sitting {
    /// The capture of this sitting, in the page cache.
    fn capture(&self) -> Result<PathBuf> {
        let capture = capture(&self.size)?;
        shell::run(Command::new("cat").arg(&capture).stdout(Stdio::null()))?;
        Ok(capture)
    }
}

fn capture(size: &str) -> Result<PathBuf> {
    let file = folder().join(format!("big-{size}.pcap"));
    if file.is_file() {
        return Ok(file);
    }
    let maker = root().join("../shared/peers/make_big.py");
    let unfinished = file.with_extension("unfinished");
    if maker.is_file() {
        let mut make = Command::new("python3");
        make.arg(maker)
            .args(["--size", size, "--seed", "1", "--out"])
            .arg(&unfinished);
        shell::run(&mut make)?;
    } else {
        eprintln!("{} is absent: the lab makes the capture", maker.display());
        growth::of_size(bytes_of(size)?, &unfinished)?;
    }
    std::fs::rename(&unfinished, &file)?;
    Ok(file)
}

/// Bytes of `140M` and the like; units are powers of ten, as in `make_big.py`.
fn bytes_of(size: &str) -> Result<u64> {
    let unit = match size.chars().last() {
        Some('K') => 1_000,
        Some('M') => 1_000_000,
        Some('G') => 1_000_000_000,
        _ => 1,
    };
    let digits = size.trim_end_matches(['K', 'M', 'G']);
    let number: u64 = digits.parse().with_context(|| format!("size {size}"))?;
    Ok(number * unit)
}

/// Packets by the program's own report; capinfos, where installed, must agree.
fn packets_of(capture: &Path) -> Result<u64> {
    let json = shell::output(
        Command::new(program())
            .args(["analyze", "--format", "json", "--quiet"])
            .arg(capture),
    )?;
    let packets = packets_in(&json)?;
    if has("capinfos") {
        let text = shell::output(Command::new("capinfos").args(["-c", "-M"]).arg(capture))?;
        let theirs = text
            .split_whitespace()
            .last()
            .and_then(|word| word.parse().ok());
        if theirs != Some(packets) {
            bail!("capinfos counts {theirs:?} packets, not {packets}");
        }
    }
    Ok(packets)
}

/// Packets by a report.
fn packets_in(json: &str) -> Result<u64> {
    let report: serde_json::Value = serde_json::from_str(json)?;
    report["captures"][0]["packets"]
        .as_u64()
        .context("no packet count")
}

/// What the figures were measured on, and how busy it was.
fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| {
            line.strip_prefix("model name")
                .and_then(|rest| rest.split_once(':'))
        })
        .map_or("unknown processor", |(_, name)| name.trim());
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{model}, {cores} cores, load {load} at the end")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_name_parts_and_amounts() {
        let (names, sitting) =
            arguments(&["pipe", "--size", "140M", "--runs", "5"]).expect("sound");
        assert_eq!(names, ["pipe"]);
        assert_eq!((sitting.size.as_str(), sitting.runs), ("140M", 5));
        let (names, sitting) = arguments(&["--quick"]).expect("sound");
        assert!(names.is_empty() && sitting.quick && sitting.runs == 1);
        assert!(arguments(&["peer"]).is_err());
        assert!(arguments(&["--runs", "many"]).is_err());
    }

    #[test]
    fn sizes() {
        assert_eq!(bytes_of("140M").expect("a size"), 140_000_000);
        assert_eq!(bytes_of("2G").expect("a size"), 2_000_000_000);
        assert!(bytes_of("big").is_err());
    }
}
