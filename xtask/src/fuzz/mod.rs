//! `cargo xtask fuzz --minutes N [TARGET…]`: coverage-guided fuzzing on the stable toolchain.
//!
//! The targets are ordinary binaries of the workspace in `fuzz/`, built with the compiler's
//! coverage pass. Each begins at the lab's seeds and at what earlier runs found in `fuzz/corpus`;
//! minutes are shared between them. Inputs that fail stay in `fuzz/artifacts`.
//! `cargo xtask fuzz --coverage [TARGET…]` replays the corpora and says which lines they reach.

mod coverage;
mod outcome;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::shell::{self, cargo, root};
use outcome::Outcome;

/// A target, in `fuzz/src/bin`, and the longest input that is tried.
#[derive(Clone, Copy)]
struct Target {
    name: &'static str,
    longest: u32,
}

const fn target(name: &'static str, longest: u32) -> Target {
    Target { name, longest }
}

/// Long captures are slow, and say nothing that short ones do not, once they are longer than the
/// reader's smallest block.
const TARGETS: &[Target] = &[
    target("capture", 16_384),
    target("packet", 4096),
    target("fragments", 4096),
    target("flow", 4096),
    target("protocols", 8192),
    target("engine", 16_384),
    target("settings", 4096),
    target("state", 65_536),
    target("report", 65_536),
    target("register", 16_384),
    target("evidence", 65_536),
];

/// Given explicitly, so that neither flags nor counters reach build scripts.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";

/// The command.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    match words {
        ["--minutes", minutes, names @ ..] => {
            let minutes: f64 = minutes.parse().context("--minutes wants a number")?;
            fuzz(minutes, &chosen(names)?)
        }
        ["--coverage", names @ ..] => coverage::report(&chosen(names)?),
        _ => bail!("usage: cargo xtask fuzz --minutes N [TARGET…], or --coverage [TARGET…]"),
    }
}

/// The targets of these names, all when there are none.
fn chosen(names: &[&str]) -> Result<Vec<Target>> {
    if names.is_empty() {
        return Ok(TARGETS.to_vec());
    }
    let find = |name: &&str| {
        let found = TARGETS.iter().find(|target| target.name == *name).copied();
        let known: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        found.with_context(|| format!("no target is named `{name}`; known: {}", known.join(", ")))
    };
    names.iter().map(find).collect()
}

fn folder() -> PathBuf {
    root().join("fuzz")
}

/// Builds all targets with these flags and gives the folder with the programs.
fn build(flags: &str, into: &Path) -> Result<PathBuf> {
    let mut command = cargo();
    command.current_dir(folder()).env("RUSTFLAGS", flags);
    command.args(["build", "--release", "--bins", "--target", PLATFORM]);
    shell::run(command.arg("--target-dir").arg(into))?;
    Ok(into.join(PLATFORM).join("release"))
}

fn fuzz(minutes: f64, targets: &[Target]) -> Result<()> {
    let programs = build(FLAGS, &folder().join("target"))?;
    let corpora = folder().join("corpus");
    let names = targets.iter().map(|target| target.name);
    let mut seeds = std::process::Command::new(programs.join("seeds"));
    shell::run(seeds.arg(&corpora).args(names))?;
    let seconds = (minutes * 60.0 / targets.len() as f64).max(1.0) as u64;
    let mut outcomes = Vec::new();
    for target in targets {
        let outcome = run_one(target, &programs, &corpora.join(target.name), seconds)?;
        eprintln!("{}\n{}", outcome::HEAD, outcome.row());
        outcomes.push(outcome);
    }
    eprintln!("\n{}", outcome::HEAD);
    for outcome in &outcomes {
        eprintln!("{}", outcome.row());
    }
    let findings: Vec<String> = outcomes.iter().filter_map(Outcome::finding).collect();
    if !findings.is_empty() {
        bail!("found:\n{}", findings.join("\n"));
    }
    Ok(())
}

fn run_one(target: &Target, programs: &Path, corpus: &Path, seconds: u64) -> Result<Outcome> {
    let found = folder().join("artifacts").join(target.name);
    fs::create_dir_all(&found)?;
    let log = found.with_extension("log");
    let program = programs.join(target.name);
    let mut command = std::process::Command::new(&program);
    command.args(["-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"]);
    command.arg(format!("-max_total_time={seconds}"));
    command.arg(format!("-max_len={}", target.longest));
    command.arg(format!("-artifact_prefix={}/", found.display()));
    command.arg(corpus).stderr(File::create(&log)?);
    eprintln!(
        "{} for {seconds} s; its words are in {}",
        target.name,
        log.display()
    );
    let begun = Instant::now();
    let status = command
        .status()
        .with_context(|| format!("cannot run {}", program.display()))?;
    let text = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    let took = begun.elapsed().as_secs();
    Ok(Outcome::read(
        target.name,
        &program,
        took,
        status.success(),
        &text,
    ))
}
