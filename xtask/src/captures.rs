//! `cargo xtask captures`: the release build reads every capture of the collection beside the
//! repository, and the small ones of its bundles, each in a process of its own: no panic, no run
//! of more than ten seconds, the packets that the manifests (tshark) count. Then all once more
//! with an address space of 4,000,000 KiB.

use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::section;
use crate::shell::{self, cargo, has, root, target};

const LONGEST: Duration = Duration::from_secs(10);
/// As `ulimit -v` takes it.
const ADDRESS_SPACE: &str = "4000000";

/// Formats that are named and refused: nothing of them is analysed.
const REFUSED: &[&str] = &["erf", "netmon2", "snoop"];

/// One capture and what others say of it.
struct Capture {
    name: String,
    path: PathBuf,
    packets: Option<u64>,
    filetype: String,
}

/// How a run of the program ended.
enum Ended {
    /// With a report: its packets.
    Read(u64),
    /// Refused with these words.
    Refused(String),
    /// Badly.
    Failed(String),
}

/// The command.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    if !words.is_empty() {
        bail!("unknown: {}", words.join(" "));
    }
    let folder = root().join("../shared/captures");
    if !folder.join("manifest.jsonl").is_file() {
        bail!("the collection of captures is absent: {}", folder.display());
    }
    if !has("zstd") || !has("tar") {
        bail!("zstd and tar are needed to unpack the bundles");
    }
    shell::run(cargo().args(["build", "--release"]))?;
    let unpacked = std::env::temp_dir().join(format!("auscult-captures-{}", std::process::id()));
    let result = listed(&folder)
        .and_then(|mut captures| {
            captures.extend(bundled(&folder, &unpacked)?);
            Ok(captures)
        })
        .and_then(|captures| read_all(&captures));
    let _ = fs::remove_dir_all(&unpacked);
    let (text, bad) = result?;
    eprintln!("{text}");
    section::write(&root().join("docs/limits.md"), "captures", &text)?;
    if !bad.is_empty() {
        bail!("{} captures:\n{}", bad.len(), bad.join("\n"));
    }
    Ok(())
}

/// Name and path of every capture of the collection and, unpacked into a folder, of its bundles.
pub(crate) fn all(folder: &Path, into: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut captures = listed(folder)?;
    captures.extend(bundled(folder, into)?);
    let named = captures.into_iter().map(|one| (one.name, one.path));
    Ok(named.collect())
}

fn lines(path: &Path) -> Result<Vec<Value>> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    text.lines()
        .map(|line| Ok(serde_json::from_str(line)?))
        .collect()
}

fn capture(line: &Value, name: &str, path: PathBuf) -> Capture {
    Capture {
        name: name.to_owned(),
        path,
        packets: line["packets"].as_u64(),
        filetype: line["filetype"].as_str().unwrap_or_default().to_owned(),
    }
}

fn listed(folder: &Path) -> Result<Vec<Capture>> {
    let lines = lines(&folder.join("manifest.jsonl"))?;
    let captures = lines.iter().filter_map(|line| {
        let name = line["capture"].as_str()?;
        Some(capture(line, name, folder.join(name)))
    });
    Ok(captures.collect())
}

fn bundled(folder: &Path, into: &Path) -> Result<Vec<Capture>> {
    let mut captures = Vec::new();
    for entry in fs::read_dir(folder.join("bundles"))? {
        let bundle = entry?.path();
        let title = bundle
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let place = into.join(&title);
        fs::create_dir_all(&place)?;
        let mut unpack = Command::new("tar");
        unpack
            .arg("--use-compress-program=zstd")
            .arg("-xf")
            .arg(&bundle)
            .arg("-C")
            .arg(&place);
        shell::output(&mut unpack)?;
        for line in lines(&place.join("index.jsonl"))? {
            let name = line["name"].as_str().context("a name")?;
            // The archives hold the first hundred bytes of a name.
            let whole = format!("cap/{name}");
            let kept = whole.get(..100).unwrap_or(&whole);
            let path = place.join(kept);
            if !path.is_file() {
                bail!("{title} lacks {name}");
            }
            captures.push(capture(&line, &format!("{title}: {name}"), path));
        }
    }
    captures.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(captures)
}

/// Reads all of them twice; figures as text, and what is not as it should be.
fn read_all(captures: &[Capture]) -> Result<(String, Vec<String>)> {
    let mut text = String::new();
    let mut bad = Vec::new();
    for limit in [None, Some(ADDRESS_SPACE)] {
        let (mut read, mut refused, mut uncounted) = (0, 0, 0);
        let mut longest = (Duration::ZERO, "");
        let began = Instant::now();
        for one in captures {
            let start = Instant::now();
            let ended = analyse(&one.path, limit)?;
            longest = longest.max((start.elapsed(), &one.name));
            match (ended, one.packets) {
                (Ended::Read(ours), Some(theirs)) if ours == theirs => read += 1,
                (Ended::Read(_), None) => uncounted += 1,
                (Ended::Read(ours), Some(theirs)) => {
                    bad.push(format!("{}: {ours} packets, tshark {theirs}", one.name));
                }
                (Ended::Refused(_), Some(0) | None) => refused += 1,
                (Ended::Refused(_), _) if REFUSED.contains(&one.filetype.as_str()) => refused += 1,
                (Ended::Refused(why) | Ended::Failed(why), _) => {
                    bad.push(format!("{}: {why}", one.name));
                }
            }
        }
        let within = limit.map_or(String::new(), |kib| format!(" within `ulimit -v {kib}`"));
        writeln!(
            text,
            "- {} captures{within}: {read} read with the packets that tshark counts, {uncounted} \
             that tshark does not count, {refused} of other formats, or without a packet, refused \
             with a reason; the longest took {:.1} s, all together {:.0} s.",
            captures.len(),
            longest.0.as_secs_f64(),
            began.elapsed().as_secs_f64(),
        )?;
    }
    Ok((format!("\n{text}\n"), bad))
}

fn analyse(path: &Path, address_space: Option<&str>) -> Result<Ended> {
    let program = target().join("release/auscult");
    let mut command = match address_space {
        None => Command::new(&program),
        Some(kib) => {
            let mut shell = Command::new("sh");
            shell
                .arg("-c")
                .arg(format!("ulimit -v {kib} && exec \"$0\" \"$@\""))
                .arg(&program);
            shell
        }
    };
    command
        .args(["analyze", "--format", "json", "--quiet"])
        .arg(path);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut out = child.stdout.take().context("standard output")?;
    let mut errors = child.stderr.take().context("standard error")?;
    let reading = thread::spawn(move || {
        let mut bytes = Vec::new();
        out.read_to_end(&mut bytes).map(|_| bytes)
    });
    let complaints = thread::spawn(move || {
        let mut text = String::new();
        errors.read_to_string(&mut text).map(|_| text)
    });
    let Some(status) = shell::wait_at_most(&mut child, LONGEST)? else {
        return Ok(Ended::Failed(format!(
            "not done after {} s",
            LONGEST.as_secs()
        )));
    };
    let output = reading.join().map_err(|_| anyhow::anyhow!("no output"))??;
    let said = complaints
        .join()
        .map_err(|_| anyhow::anyhow!("no errors"))??;
    match status.code() {
        Some(0 | 4) => {
            let report: Value = serde_json::from_slice(&output)?;
            let packets = report["captures"][0]["packets"]
                .as_u64()
                .context("packets")?;
            Ok(Ended::Read(packets))
        }
        Some(1) => Ok(Ended::Refused(said.trim().to_owned())),
        _ => Ok(Ended::Failed(format!("{status}: {}", said.trim()))),
    }
}
