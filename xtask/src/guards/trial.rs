//! Builds the copy and runs its tests, one guard off at a time.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::find::Guard;
use super::switch::{ACTED, OFF};
use crate::shell::{cargo, target, wait_at_most};

/// A run that takes longer hangs.
const LONGEST: Duration = Duration::from_secs(240);
/// The test that plays all stories.
const STORIES: &str = "every_story_is_told_rightly";

/// Who misses a guard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Killer {
    /// A unit test with this name.
    Unit(String),
    /// A story of the lab.
    Story(String),
    /// The tests do not end without it.
    Time,
}

/// How a run ended.
enum Ended {
    Well,
    /// What it printed.
    Failed(String),
    Late,
}

/// The two test programs.
pub(super) struct Programs {
    unit: PathBuf,
    stories: PathBuf,
    /// The folders of their crates, where cargo would start them.
    homes: [PathBuf; 2],
}

impl Programs {
    /// Builds them, in a folder of their own: cargo takes the copy's crates for those of the
    /// repository, and would build both anew each time.
    pub(super) fn build(copy: &Path) -> Result<Self> {
        eprintln!("+ cargo test --no-run (the copy with its switches)");
        let mut command = cargo();
        command
            .current_dir(copy)
            .env("CARGO_TARGET_DIR", target().join("guards/target"))
            .args(["test", "--no-run", "--message-format", "json"])
            .args(["-p", "auscult-detect", "-p", "auscult-engine", "--lib"])
            .args(["--test", "scenarios"])
            .stderr(Stdio::inherit());
        let output = command.output().context("cannot run cargo")?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stdout);
            bail!("the copy does not build:\n{}", complaints(&said));
        }
        let said = String::from_utf8_lossy(&output.stdout);
        let program = |name: &str| {
            let built = said
                .lines()
                .filter_map(|line| serde_json::from_str::<Value>(line).ok())
                .filter(|line| line["target"]["name"] == name && line["profile"]["test"] == true);
            let mut paths =
                built.filter_map(|line| Some(PathBuf::from(line["executable"].as_str()?)));
            paths
                .next_back()
                .with_context(|| format!("no tests of {name}"))
        };
        Ok(Programs {
            unit: program("auscult_detect")?,
            stories: program("scenarios")?,
            homes: ["auscult-detect", "auscult-engine"].map(|name| copy.join("crates").join(name)),
        })
    }

    /// Unit tests whose names contain `filter`.
    fn run_unit(&self, filter: &str, set: (&str, &str)) -> Result<Ended> {
        let mut command = Command::new(&self.unit);
        command.arg(filter).current_dir(&self.homes[0]);
        ended(command.args(["--test-threads", "1"]).env(set.0, set.1))
    }

    fn run_stories(&self, set: (&str, &str)) -> Result<Ended> {
        let mut command = Command::new(&self.stories);
        command.arg(STORIES).current_dir(&self.homes[1]);
        ended(command.arg("--exact").env(set.0, set.1))
    }

    /// The guards that keep something out in a run with all of them on. The others cannot be
    /// missed by that program.
    fn acting(&self, stories: bool) -> Result<BTreeSet<usize>> {
        let path = scratch("acted");
        let _ = fs::remove_file(&path);
        let set = (ACTED, path.to_str().context("a path in UTF-8")?);
        let ended = match stories {
            true => self.run_stories(set)?,
            false => self.run_unit("", set)?,
        };
        match ended {
            Ended::Well => {}
            Ended::Failed(said) => bail!("tests fail with every guard on:\n{said}"),
            Ended::Late => bail!("tests do not end with every guard on"),
        }
        let text = fs::read_to_string(&path).unwrap_or_default();
        let _ = fs::remove_file(&path);
        Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
    }
}

/// Who misses each of the guards, in their order.
pub(super) fn all(programs: &Programs, guards: &[Guard]) -> Result<Vec<Option<Killer>>> {
    let began = Instant::now();
    let unit = programs.acting(false)?;
    let unit_took = began.elapsed();
    let stories = programs.acting(true)?;
    eprintln!(
        "{} guards; unit tests {:.1} s, {} act there; stories {:.1} s, {} act there",
        guards.len(),
        unit_took.as_secs_f64(),
        unit.len(),
        (began.elapsed() - unit_took).as_secs_f64(),
        stories.len(),
    );
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<Result<Option<Killer>>>> =
        Mutex::new(guards.iter().map(|_| Ok(None)).collect());
    let work = || {
        while let Some(guard) = guards.get(next.fetch_add(1, Ordering::Relaxed)) {
            let acts = [&unit, &stories].map(|acting| acting.contains(&guard.number));
            let result = one(programs, guard, acts);
            let words = match &result {
                Ok(Some(killer)) => format!("{killer:?}"),
                Ok(None) => "SURVIVES".to_owned(),
                Err(error) => format!("{error:#}"),
            };
            eprintln!("{}.rs:{}: {words}: {}", guard.rule, guard.line, guard.text);
            let at = guards.iter().position(|other| other == guard);
            if let (Some(at), Ok(mut results)) = (at, results.lock()) {
                results[at] = result;
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let results = results.into_inner();
    let results = results.map_err(|_| anyhow::anyhow!("a thread panicked"))?;
    results.into_iter().collect()
}

/// Who misses one: a near miss of its rule before others, unit tests before stories.
fn one(programs: &Programs, guard: &Guard, [unit, stories]: [bool; 2]) -> Result<Option<Killer>> {
    let number = guard.number.to_string();
    let off = (OFF, number.as_str());
    if unit {
        for filter in [format!("rules::{}::", guard.rule), String::new()] {
            match programs.run_unit(&filter, off)? {
                Ended::Well => {}
                Ended::Late => return Ok(Some(Killer::Time)),
                Ended::Failed(said) => return Ok(Some(Killer::Unit(failed_test(&said)))),
            }
        }
    }
    if stories {
        return Ok(match programs.run_stories(off)? {
            Ended::Well => None,
            Ended::Late => Some(Killer::Time),
            Ended::Failed(said) => Some(Killer::Story(failed_story(&said))),
        });
    }
    Ok(None)
}

/// The name of a test that failed, without the path of its module; a near miss when one is there.
fn failed_test(said: &str) -> String {
    let failed = said.lines().filter_map(|line| {
        let name = line.strip_prefix("test ")?.strip_suffix(" ... FAILED")?;
        let own = name.strip_prefix("rules::").unwrap_or(name);
        Some(own.replace("::tests::", "::"))
    });
    let all: Vec<String> = failed.collect();
    let near = all.iter().find(|name| is_near_miss(name));
    near.or(all.first()).cloned().unwrap_or_default()
}

/// Whether a test is named for something innocent.
pub(super) fn is_near_miss(name: &str) -> bool {
    name.contains("near_miss")
}

/// The name of a story that was not told rightly.
fn failed_story(said: &str) -> String {
    let mut lines = said.lines();
    lines.find(|line| line.ends_with(" shortfalls"));
    let first = lines.next().unwrap_or_default();
    let name = first.split(' ').next().unwrap_or_default();
    match name {
        "" => "a panic".to_owned(),
        name => name.to_owned(),
    }
}

/// A file for this thread alone.
fn scratch(name: &str) -> PathBuf {
    let thread = format!("{:?}", thread::current().id());
    let digits: String = thread.chars().filter(char::is_ascii_digit).collect();
    target().join(format!("guards/{name}-{digits}"))
}

fn ended(command: &mut Command) -> Result<Ended> {
    let path = scratch("output");
    let file = File::create(&path)?;
    let mut child = command
        .env_remove("STORY")
        .env_remove("UPDATE")
        .env_remove("RUST_BACKTRACE")
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .spawn()?;
    let Some(status) = wait_at_most(&mut child, LONGEST)? else {
        return Ok(Ended::Late);
    };
    if status.success() {
        return Ok(Ended::Well);
    }
    let said = fs::read(&path)?;
    Ok(Ended::Failed(String::from_utf8_lossy(&said).into_owned()))
}

/// What the compiler said of errors.
fn complaints(json: &str) -> String {
    let lines = json
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let errors = lines.filter(|line| line["message"]["level"] == "error");
    let words = errors.filter_map(|line| Some(line["message"]["rendered"].as_str()?.to_owned()));
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_that_failed_is_named() {
        let said = "test rules::scan::tests::it_is_told ... FAILED\n\
                    test rules::scan::tests::near_miss_a_poller ... FAILED\n\
                    test rules::scan::tests::b ... ok\n";
        assert_eq!(failed_test(said), "scan::near_miss_a_poller");
        let said = "thread 'x' panicked at scenarios.rs:1:2:\n2 shortfalls\nbackup-at-night seed \
                    1: medium scan\n";
        assert_eq!(failed_story(said), "backup-at-night");
    }
}
