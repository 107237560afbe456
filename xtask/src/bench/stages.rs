//! A guard against regressions: the engine's `stages` benchmark, its instructions counted where
//! valgrind is installed, in a table against a stored baseline.
//!
//! Times are shown but never judged. With `UPDATE=1` the baseline is written.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::callgrind::instructions;
use super::document::{Section, Target};
use super::measure::middle;
use super::{Sitting, machine};
use crate::shell::{self, cargo, has, root};

/// Repetitions of which the instructions are counted, after one that prepares and warms up.
const COUNTED: u64 = 8;
/// Repetitions of which the time is taken.
const TIMED: u64 = 50;
/// A stage may not cost more than the baseline by more percent than this.
const MORE_MAX: f64 = 10.0;

/// Instructions a unit, by stage.
type Baseline = BTreeMap<String, f64>;

struct Measured {
    unit: String,
    instructions: Option<f64>,
    nanoseconds: f64,
}

/// The part.
pub(super) fn part(sitting: &Sitting) -> Result<Section> {
    let program = build()?;
    let is_counted = has("valgrind");
    if !is_counted {
        eprintln!("SKIPPED: valgrind is not installed, so nothing is compared");
    }
    let names = shell::output(&mut Command::new(&program))?;
    let mut rows = BTreeMap::new();
    for name in names.lines() {
        match measure(&program, name, sitting, is_counted)? {
            Some(measured) => rows.insert(name.to_owned(), measured),
            None => {
                eprintln!("{name}: the lab has no conversation of it");
                None
            }
        };
    }
    let file = root().join("docs/stages.baseline");
    if is_counted && std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, baseline_text(&rows)?)?;
        eprintln!("written: {}", file.display());
    }
    let baseline = std::fs::read_to_string(&file).unwrap_or_default();
    Ok(section(&rows, &baseline_of(&baseline)))
}

/// Builds the benchmark; returns the program.
fn build() -> Result<PathBuf> {
    let mut build = cargo();
    build.args(["bench", "--no-run", "-p", "auscult-engine"]);
    build.args(["--bench", "stages", "--message-format", "json"]);
    let said = shell::output(&mut build)?;
    let mut programs = said
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == "stages")
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from));
    programs.next_back().context("cargo named no program")
}

/// Nothing when there is nothing to measure.
fn measure(
    program: &Path,
    name: &str,
    sitting: &Sitting,
    is_counted: bool,
) -> Result<Option<Measured>> {
    let mut times = Vec::new();
    let mut what = (0.0, String::new());
    for _ in 0..sitting.runs {
        let mut run = Command::new(program);
        let Ok(said) = shell::output(run.args([name, &TIMED.to_string()])) else {
            return Ok(None);
        };
        let mut words = said.split_whitespace();
        let units: f64 = words.next().context("no units")?.parse()?;
        words.next().context("no unit")?.clone_into(&mut what.1);
        let time: f64 = words.next().context("no time")?.parse()?;
        what.0 = units;
        times.push(time / units / TIMED as f64);
    }
    let (units, unit) = what;
    let instructions = if is_counted {
        let command = |repetitions: u64| {
            let program = program.to_string_lossy().into_owned();
            vec![program, name.to_owned(), repetitions.to_string()]
        };
        let once = instructions(&command(1))?;
        let often = instructions(&command(1 + COUNTED))?;
        let count = often.saturating_sub(once) as f64 / COUNTED as f64 / units;
        eprintln!("{name}: {count:.2} instructions each {unit}");
        Some(count)
    } else {
        None
    };
    Ok(Some(Measured {
        unit,
        instructions,
        nanoseconds: middle(times),
    }))
}

fn section(rows: &BTreeMap<String, Measured>, baseline: &Baseline) -> Section {
    let mut text = format!(
        "### Stage by stage\n\n`cargo xtask bench stages`, over what the lab makes: instructions \
         by callgrind, compared with `docs/stages.baseline` (`UPDATE=1` writes it). {}.\n\n\
         | stage | instructions | baseline | change | ns | of each |\n|---|---|---|---|---|---|\n",
        machine()
    );
    let mut failures = Vec::new();
    let mut worst: Option<f64> = None;
    for (name, row) in rows {
        let known = baseline.get(name).copied();
        let change = row
            .instructions
            .zip(known)
            .map(|(now, before)| (now / before - 1.0) * 100.0);
        if let Some(change) = change {
            worst = Some(worst.map_or(change, |worst| worst.max(change)));
            if change > MORE_MAX {
                failures.push(format!(
                    "{name} costs {change:.1} % more instructions than docs/stages.baseline: find \
                     out why, or accept it with UPDATE=1"
                ));
            }
        }
        let number =
            |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.2}"));
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {} | {:.2} | {} |",
            number(row.instructions),
            number(known),
            change.map_or_else(|| "–".to_owned(), |change| format!("{change:+.1} %")),
            row.nanoseconds,
            row.unit
        );
    }
    let aim = format!("no stage costs {MORE_MAX:.0} % more instructions than the baseline");
    let reached = worst.map_or_else(
        || "not counted".to_owned(),
        |worst| format!("at most {worst:+.1} %"),
    );
    let met = worst.map(|_| failures.is_empty());
    Section {
        name: "stages",
        text,
        targets: vec![Target::new(&aim, reached, met)],
        failures,
    }
}

fn baseline_text(rows: &BTreeMap<String, Measured>) -> Result<String> {
    let compiler = shell::output(Command::new("rustc").arg("--version"))?;
    let mut text = format!(
        "# Instructions a unit of each stage: UPDATE=1 cargo xtask bench stages\n# {}\n",
        compiler.trim()
    );
    for (name, row) in rows {
        if let Some(count) = row.instructions {
            writeln!(text, "{name} {count:.2}")?;
        }
    }
    Ok(text)
}

fn baseline_of(text: &str) -> Baseline {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(name, count)| Some((name.to_owned(), count.parse().ok()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(instructions: Option<f64>) -> BTreeMap<String, Measured> {
        let measured = Measured {
            unit: "packet".to_owned(),
            instructions,
            nanoseconds: 40.0,
        };
        BTreeMap::from([("decode".to_owned(), measured)])
    }

    #[test]
    fn more_instructions_than_the_baseline_fail_and_times_never_do() {
        let baseline = baseline_of("# a comment\ndecode 100.00\ngone 7\n");
        assert!(section(&rows(Some(109.0)), &baseline).failures.is_empty());
        assert!(section(&rows(Some(50.0)), &baseline).failures.is_empty());
        assert_eq!(section(&rows(Some(111.0)), &baseline).failures.len(), 1);
        assert!(section(&rows(None), &baseline).failures.is_empty());
        assert!(
            section(&rows(Some(111.0)), &Baseline::new())
                .failures
                .is_empty()
        );
    }

    #[test]
    fn a_baseline_is_read_as_it_was_written() {
        let text = baseline_text(&rows(Some(12.5))).expect("a compiler");
        assert_eq!(
            baseline_of(&text),
            Baseline::from([("decode".to_owned(), 12.5)])
        );
    }
}
