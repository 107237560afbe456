//! `cargo xtask accuracy`: the program's names beside those of nDPI and tshark over the collection
//! of captures that nobody here made, their fields and files beside tshark's, and what it finds
//! on the labelled ones.

mod claims;
mod devices;
mod fields;
mod files;
mod findings;
mod flow;
mod judge;
mod names;
mod ndpi;
mod table;
mod tshark;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use self::claims::Claims;
use self::files::Files;
use self::findings::{Label, Labelled};
use self::flow::{Key, Ours, Seen};
use self::judge::{Count, Verdicts};
use crate::captures;
use crate::section;
use crate::shell::{self, cargo, has, root, target};

/// The command.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    if !words.is_empty() {
        bail!("unknown: {}", words.join(" "));
    }
    let folder = root().join("../shared/captures");
    if !folder.join("manifest.jsonl").is_file() {
        bail!("the collection of captures is absent: {}", folder.display());
    }
    for program in ["ndpiReader", "tshark", "zstd", "gzip", "tar", "file"] {
        if !has(program) {
            bail!("{program} is needed");
        }
    }
    shell::run(cargo().args(["build", "--package", "auscult"]))?;
    let kept = target().join("accuracy");
    fs::create_dir_all(&kept)?;
    let work = Work {
        program: target().join("debug/auscult"),
        labels: findings::labels(&folder)?,
        folder,
        kept,
    };
    let mut claims = Claims::default();
    let (seen, labelled) = work.all(&mut claims)?;
    let verdicts = judge::judge(&seen)?;
    fs::write(work.kept.join("misses.tsv"), verdicts.misses.join("\n"))?;
    let alone: Vec<String> = verdicts
        .alone
        .iter()
        .map(|one| {
            format!(
                "{}\t{}\t{}\t{:?}",
                one.capture, one.key, one.name, one.right
            )
        })
        .collect();
    fs::write(work.kept.join("alone.tsv"), alone.join("\n"))?;
    let mut text = fields::section()?;
    text.push_str(&flows(seen.len(), &verdicts));
    text.push_str(&work.files()?.section()?);
    text.push_str(&devices::section(&work.program, &work.folder)?);
    text.push_str(&claims.section()?);
    text.push_str(&findings::section(&labelled));
    text.push_str(&table::section()?);
    eprintln!("{text}");
    section::write(&root().join("docs/accuracy.md"), "accuracy", &text)
}

struct Work {
    program: PathBuf,
    folder: PathBuf,
    /// Where what others say is kept.
    kept: PathBuf,
    labels: BTreeMap<String, Label>,
}

impl Work {
    fn all(&self, claims: &mut Claims) -> Result<(Vec<Seen>, Vec<Labelled>)> {
        let manifest = fs::read_to_string(self.folder.join("manifest.jsonl"))?;
        let (mut seen, mut labelled) = (Vec::new(), Vec::new());
        for line in manifest.lines() {
            let line: Value = serde_json::from_str(line)?;
            let Some(capture) = line["capture"].as_str() else {
                continue;
            };
            let path = self.folder.join(capture);
            let oracle = self.oracle(line["oracle"].as_str().unwrap_or_default())?;
            seen.push(self.see(capture, &path, &oracle)?);
            let Some(report) = report(&self.program, &path)? else {
                continue;
            };
            claims.judge(capture, &path, &report)?;
            if let Some(label) = self.labels.get(capture) {
                labelled.push(findings::labelled(capture, label, &report));
            }
        }
        Ok((seen, labelled))
    }

    /// Files in the collection and in its bundles.
    fn files(&self) -> Result<Files> {
        let unpacked = std::env::temp_dir().join(format!("auscult-files-{}", std::process::id()));
        let result = captures::all(&self.folder, &unpacked).and_then(|all| {
            let mut files = Files::default();
            for (name, path) in all.iter().filter(|(name, _)| !name.contains("http-evader")) {
                let plain = self.kept.join("capture");
                unpack(path, &plain)?;
                let kept = name.replace(['/', ' '], "__");
                let kept = self.kept.join(format!("{kept}.files"));
                files.see(&self.program, name, &plain, &kept)?;
            }
            Ok(files)
        });
        let _ = fs::remove_dir_all(&unpacked);
        result
    }

    fn oracle(&self, name: &str) -> Result<String> {
        let path = self.folder.join(name);
        if !path.is_file() {
            return Ok(String::new());
        }
        let plain = self.kept.join("oracle");
        unpack(&path, &plain)?;
        Ok(String::from_utf8_lossy(&fs::read(plain)?).into_owned())
    }

    fn see(&self, capture: &str, path: &Path, oracle: &str) -> Result<Seen> {
        let plain = self.kept.join("capture");
        unpack(path, &plain)?;
        let kept = |program: &str| {
            let name = format!("{}.{program}", capture.replace('/', "__"));
            self.kept.join(name)
        };
        let ndpi = match ndpi::stored(oracle) {
            Some(said) => said,
            None => ndpi::live(&plain, &kept("ndpi"))?,
        };
        let (tshark, damaged) = tshark::said(&plain, &kept("tshark"))?;
        Ok(Seen {
            capture: capture.to_owned(),
            ours: ours(&self.program, path)?,
            ndpi,
            tshark,
            damaged,
        })
    }
}

/// The plain bytes of a file, whatever its name says.
fn unpack(from: &Path, to: &Path) -> Result<()> {
    let bytes = fs::read(from).with_context(|| from.display().to_string())?;
    let program = match bytes.get(..4) {
        Some([0x1f, 0x8b, _, _]) => "gzip",
        Some([0x28, 0xb5, 0x2f, 0xfd]) => "zstd",
        _ => {
            fs::write(to, bytes)?;
            return Ok(());
        }
    };
    let output = Command::new(program).arg("-dc").arg(from).output()?;
    fs::write(to, output.stdout)?;
    Ok(())
}

/// The program's report on a capture; `None` when it gives none.
fn report(program: &Path, path: &Path) -> Result<Option<Value>> {
    let output = Command::new(program)
        .args(["analyze", "--format", "json", "--quiet"])
        .arg(path)
        .output()?;
    Ok(serde_json::from_slice(&output.stdout).ok())
}

fn ours(program: &Path, path: &Path) -> Result<Ours> {
    let output = Command::new(program)
        .args(["flows", "--format", "json", "--quiet"])
        .arg(path)
        .output()?;
    let mut ours = Ours::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let line: Value = serde_json::from_str(line)?;
        let end = |side: &str| -> Option<(IpAddr, u16)> {
            let port = line[side]["port"].as_u64()?;
            Some((
                line[side]["ip"].as_str()?.parse().ok()?,
                u16::try_from(port).ok()?,
            ))
        };
        let (Some(a), Some(b)) = (end("originator"), end("responder")) else {
            continue;
        };
        let transport = line["transport"].as_str().unwrap_or_default();
        let name = line["protocol"].as_str().unwrap_or_default();
        let names: &mut BTreeSet<String> = ours.entry(Key::new(transport, a, b)).or_default();
        names.insert(name.to_owned());
    }
    Ok(ours)
}

/// The section on flows.
fn flows(captures: usize, verdicts: &Verdicts) -> String {
    let mut text = String::from("## Names of conversations\n\n");
    let _ = writeln!(text, "{captures} captures.\n");
    text.push_str(
        "| protocol | nDPI: flows | named | excused | recall | tshark: flows | named | excused | \
         recall | instead (against nDPI) |\n|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for (name, [ndpi, tshark]) in &verdicts.rows {
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {} |",
            cells(ndpi),
            cells(tshark),
            instead(ndpi)
        );
    }
    text.push('\n');
    for (which, program) in ["nDPI", "tshark"].into_iter().enumerate() {
        let counts = verdicts.rows.values().map(|row| &row[which]);
        let (mut flows, mut named, mut excused) = (0, 0, 0);
        for count in counts.clone() {
            flows += count.flows;
            named += count.named;
            excused += count.excused;
        }
        let judged = mean(counts.clone().filter_map(Count::recall));
        let raw = mean(counts.filter_map(Count::raw_recall));
        let _ = writeln!(
            text,
            "- Against {program}: macro recall {} over {} protocols ({} before its wrong names are \
             taken out); {named} of {flows} conversations named, {excused} excused.",
            judged.0, judged.1, raw.0
        );
    }
    let total = verdicts.named;
    let alone = verdicts.alone.len();
    let right = count(verdicts, Some(true));
    let wrong = count(verdicts, Some(false));
    let share = 100.0 * (alone - right) as f64 / total.max(1) as f64;
    let _ = writeln!(
        text,
        "- Names that neither gives: {alone} of {total} named conversations over TCP, UDP and \
         SCTP; by their bytes {right} are right, {wrong} wrong, {} were not looked at: at most \
         {share:.2} % false.\n",
        alone - right - wrong
    );
    for one in &verdicts.alone {
        let verdict = match one.right {
            Some(true) => "right",
            Some(false) => "wrong",
            None => "not looked at",
        };
        let _ = writeln!(
            text,
            "  - `{}` {} as {}: {verdict}{}",
            one.capture,
            one.key,
            one.name,
            if one.why.is_empty() {
                String::new()
            } else {
                format!(": {}", one.why)
            }
        );
    }
    text.push('\n');
    text
}

fn count(verdicts: &Verdicts, right: Option<bool>) -> usize {
    let alone = verdicts.alone.iter();
    alone.filter(|one| one.right == right).count()
}

fn cells(count: &Count) -> String {
    let recall = count
        .recall()
        .map_or("".to_owned(), |recall| format!("{recall:.2}"));
    match count.flows {
        0 => " | | | ".to_owned(),
        flows => format!("{flows} | {} | {} | {recall}", count.named, count.excused),
    }
}

fn instead(count: &Count) -> String {
    let mut said: Vec<(&String, &u64)> = count.instead.iter().collect();
    said.sort_by_key(|(name, times)| (std::cmp::Reverse(**times), (*name).clone()));
    let said: Vec<String> = said
        .iter()
        .map(|(name, times)| format!("{name} {times}"))
        .collect();
    said.join(", ")
}

/// The mean in three digits, and over how many.
fn mean(values: impl Iterator<Item = f64>) -> (String, usize) {
    let values: Vec<f64> = values.collect();
    let sum: f64 = values.iter().sum();
    (
        format!("{:.3}", sum / values.len().max(1) as f64),
        values.len(),
    )
}
