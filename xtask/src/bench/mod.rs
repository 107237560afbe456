//! `cargo xtask bench`: speed and memory beside the peers that are installed, in one sitting.
//!
//! Rules of fair comparison: one machine, one sitting, warm page cache, the same file for all,
//! paired runs, medians, CPU time (user + system) rather than wall time, ratios rather than
//! seconds. GNU time does the accounting, so nothing of ours measures itself. The capture is made
//! by `../shared/peers/make_big.py` where that is at hand, else by the lab.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::shell::{self, cargo, has, root};

/// Runs of each program; the median is quoted.
const RUNS: usize = 3;

struct Contender {
    name: &'static str,
    does: &'static str,
    command: Vec<String>,
    runs: Vec<Run>,
}

#[derive(Clone, Copy)]
struct Run {
    wall: f64,
    cpu: f64,
    peak_kib: u64,
}

/// The command.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    let size = match words {
        [] => "1400M",
        ["--size", size] => size,
        other => bail!("unknown: {}", other.join(" ")),
    };
    if !Path::new("/usr/bin/time").is_file() {
        bail!("GNU time is needed at /usr/bin/time (Debian package time)");
    }
    shell::run(cargo().args(["build", "--release"]))?;
    let capture = capture(size)?;
    let packets = packets_of(&capture)?;
    let mut contenders = contenders(&capture);
    shell::run(Command::new("cat").arg(&capture).stdout(Stdio::null()))?;
    for round in 0..RUNS {
        for contender in &mut contenders {
            eprintln!("round {} of {RUNS}: {}", round + 1, contender.name);
            contender.runs.push(time(&contender.command)?);
        }
    }
    let report = table(&contenders, &capture, packets)?;
    let file = root().join("docs/performance.md");
    let old = std::fs::read_to_string(&file).unwrap_or_default();
    let (before, after) = match old.split_once(BEGIN) {
        Some((before, rest)) => (
            before.to_owned(),
            rest.split_once(END)
                .map_or("", |(_, after)| after)
                .to_owned(),
        ),
        None => (old, String::new()),
    };
    std::fs::write(&file, format!("{before}{BEGIN}\n{report}{END}{after}"))?;
    eprintln!("{report}");
    eprintln!("written to {}", file.display());
    Ok(())
}

const BEGIN: &str = "<!-- figures: written by cargo xtask bench -->";
const END: &str = "<!-- end of figures -->";

fn capture(size: &str) -> Result<PathBuf> {
    let folder = std::env::temp_dir().join("auscult-bench");
    std::fs::create_dir_all(&folder)?;
    let file = folder.join(format!("big-{size}.pcap"));
    if file.is_file() {
        return Ok(file);
    }
    let maker = root().join("../shared/peers/make_big.py");
    if maker.is_file() {
        let mut make = Command::new("python3");
        make.arg(maker)
            .args(["--size", size, "--seed", "1", "--out"])
            .arg(&file);
        shell::run(&mut make)?;
    } else {
        eprintln!(
            "{} is absent: the lab's ward is used instead",
            maker.display()
        );
        let mut make = Command::new(program());
        make.args(["lab", "write", "ward", "--seed", "1", "-o"])
            .arg(&file);
        shell::run(&mut make)?;
    }
    Ok(file)
}

fn program() -> PathBuf {
    root().join("target/release/auscult")
}

/// Packets by the program's own report; capinfos, where installed, must agree.
fn packets_of(capture: &Path) -> Result<u64> {
    let json = shell::output(
        Command::new(program())
            .args(["analyze", "--format", "json", "--quiet"])
            .arg(capture),
    )?;
    let report: serde_json::Value = serde_json::from_str(&json)?;
    let packets = report["captures"][0]["packets"]
        .as_u64()
        .context("no packet count")?;
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

fn contenders(capture: &Path) -> Vec<Contender> {
    let file = capture.to_string_lossy().into_owned();
    let program = program().to_string_lossy().into_owned();
    let auscult = |threads: &str| -> Vec<String> {
        [
            &program,
            "analyze",
            "--format",
            "json",
            "--quiet",
            "--threads",
            threads,
            &file,
        ]
        .map(str::to_owned)
        .to_vec()
    };
    let words = |words: &[&str]| {
        words
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
    };
    let mut list = vec![
        Contender {
            name: "cat",
            does: "floor: reads the bytes",
            command: words(&["cat", &file]),
            runs: Vec::new(),
        },
        Contender {
            name: "auscult, 1 thread",
            does: "everything on, JSON written",
            command: auscult("1"),
            runs: Vec::new(),
        },
        Contender {
            name: "auscult, 2 threads",
            does: "everything on, JSON written",
            command: auscult("2"),
            runs: Vec::new(),
        },
        Contender {
            name: "auscult, 4 threads",
            does: "everything on, JSON written",
            command: auscult("4"),
            runs: Vec::new(),
        },
    ];
    let peers: [(&'static str, &'static str, &str, Vec<String>); 4] = [
        (
            "tcpdump",
            "floor: libpcap loop with a filter that matches nothing",
            "tcpdump",
            words(&["tcpdump", "-r", &file, "-n", "ether proto 0x9999"]),
        ),
        (
            "ndpiReader",
            "flows, identification by first packets",
            "ndpiReader",
            words(&["ndpiReader", "-q", "-i", &file]),
        ),
        (
            "suricata",
            "parsers on, no rules, runmode single",
            "suricata",
            words(&[
                "suricata",
                "-r",
                &file,
                "-l",
                "/tmp",
                "-k",
                "none",
                "--runmode",
                "single",
                "-S",
                "/dev/null",
            ]),
        ),
        (
            "capinfos",
            "counts records through wiretap",
            "capinfos",
            words(&["capinfos", "-c", &file]),
        ),
    ];
    for (name, does, binary, command) in peers {
        if has(binary) {
            list.push(Contender {
                name,
                does,
                command,
                runs: Vec::new(),
            });
        } else {
            eprintln!("SKIPPED: {binary} is not installed");
        }
    }
    list
}

fn time(command: &[String]) -> Result<Run> {
    let figures = std::env::temp_dir().join("auscult-bench/time");
    let status = Command::new("/usr/bin/time")
        .args(["-f", "%e %U %S %M", "-o"])
        .arg(&figures)
        .args(command)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if !status.success() {
        bail!("failed ({status}): {}", command.join(" "));
    }
    let text = std::fs::read_to_string(&figures)?;
    let last = text.lines().last().unwrap_or_default();
    let values: Vec<f64> = last
        .split(' ')
        .filter_map(|word| word.parse().ok())
        .collect();
    match values.as_slice() {
        [wall, user, system, peak] => Ok(Run {
            wall: *wall,
            cpu: user + system,
            peak_kib: *peak as u64,
        }),
        _ => bail!("GNU time said: {last}"),
    }
}

fn median(runs: &[Run], of: impl Fn(&Run) -> f64) -> f64 {
    middle(runs.iter().map(of).collect())
}

fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Median of the ratios run by run, which holds when the machine's speed drifts.
fn paired(a: &[Run], b: &[Run]) -> f64 {
    middle(a.iter().zip(b).map(|(a, b)| a.cpu / b.cpu).collect())
}

fn table(contenders: &[Contender], capture: &Path, packets: u64) -> Result<String> {
    let bytes = std::fs::metadata(capture)?.len();
    let mut text = String::new();
    writeln!(
        text,
        "\n{packets} packets, {bytes} bytes, {RUNS} rounds, medians. {}\n",
        machine()
    )?;
    writeln!(
        text,
        "| program | what it does | CPU s | wall s | ns CPU a packet | peak MiB | \
         CPU of auscult, 1 thread, to this |"
    )?;
    writeln!(text, "|---|---|---|---|---|---|---|")?;
    let ours = &contenders[1].runs;
    for contender in contenders {
        let cpu = median(&contender.runs, |run| run.cpu);
        writeln!(
            text,
            "| {} | {} | {:.2} | {:.2} | {:.0} | {:.1} | {:.2} |",
            contender.name,
            contender.does,
            cpu,
            median(&contender.runs, |run| run.wall),
            cpu * 1e9 / packets as f64,
            median(&contender.runs, |run| run.peak_kib as f64) / 1024.0,
            paired(ours, &contender.runs),
        )?;
    }
    Ok(text)
}

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
    format!("{model}, {cores} cores, load {load} at the end.")
}
