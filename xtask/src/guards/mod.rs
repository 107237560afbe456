//! `cargo xtask guards`: each guard of each rule is switched off in a copy of the sources that is
//! built once, and the tests of the rules run; writes docs/guards.md. A guard that no test misses
//! needs a reason in `reasons.rs`.
//!
//! Limits: a guard that is a pattern (an arm without `if`, `let … else`) is not switched; a guard
//! that another repeats survives though both together would not.

mod find;
mod reasons;
mod switch;
mod table;
mod trial;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::shell::{root, target};
use find::Guard;
use trial::{Killer, Programs};

/// The rules, from the root of the repository.
const RULES: &str = "crates/auscult-detect/src/rules";
/// The root of their crate, and the module that is added to it in the copy.
const LIB: &str = "crates/auscult-detect/src/lib.rs";
const SWITCHES: &str = "crates/auscult-detect/src/guards.rs";

/// What came of a guard's loss.
struct Judged {
    guard: Guard,
    killer: Option<Killer>,
    reason: Option<&'static str>,
}

/// The command: all rules, or those that are named, of which nothing is written.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    let began = Instant::now();
    let only_list = words.contains(&"--list");
    let wanted: Vec<&str> = words.iter().copied().filter(|w| *w != "--list").collect();
    if let Some(unknown) = wanted.iter().find(|word| word.starts_with('-')) {
        bail!("unknown: {unknown}");
    }
    let Switched { guards, files } = switched()?;
    let guards: Vec<Guard> = guards
        .into_iter()
        .filter(|guard| wanted.is_empty() || wanted.contains(&guard.rule.as_str()))
        .collect();
    if guards.is_empty() {
        bail!("no guards in {}", wanted.join(", "));
    }
    if only_list {
        for guard in &guards {
            eprintln!(
                "{} {}.rs:{}: {}",
                guard.number, guard.rule, guard.line, guard.text
            );
        }
        return Ok(());
    }
    let copy = target().join("guards/copy");
    mirror(&root(), &copy, &mut Vec::new())?;
    for (path, text) in &files {
        put(&copy.join(path), text.as_bytes())?;
    }
    let programs = Programs::build(&copy)?;
    let killers = trial::all(&programs, &guards)?;
    let judged: Vec<Judged> = guards.into_iter().zip(killers).map(judge).collect();
    let (mut text, bad) = table::written(&judged);
    text.push_str(&table::took(began.elapsed()));
    if wanted.is_empty() {
        fs::write(root().join("docs/guards.md"), &text).context("cannot write docs/guards.md")?;
    } else {
        eprint!("{text}");
    }
    let stale = reasons::without_survivor(&judged, &wanted);
    let bad: Vec<String> = bad.into_iter().chain(stale).collect();
    if !bad.is_empty() {
        bail!("{} guards:\n{}", bad.len(), bad.join("\n"));
    }
    Ok(())
}

fn judge((guard, killer): (Guard, Option<Killer>)) -> Judged {
    let reason = match killer {
        Some(_) => None,
        None => reasons::of(&guard),
    };
    Judged {
        guard,
        killer,
        reason,
    }
}

/// Brings a copy up to date; what has not changed keeps its time, so that nothing of it is built
/// again.
fn mirror(from: &Path, to: &Path, kept: &mut Vec<PathBuf>) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        let word = name.to_string_lossy();
        if word.starts_with('.') || word == "target" || word == "fuzz" {
            continue;
        }
        let copy = to.join(&name);
        if entry.file_type()?.is_dir() {
            mirror(&entry.path(), &copy, kept)?;
        } else if !is_switched(&copy) {
            put(&copy, &fs::read(entry.path())?)?;
        }
        kept.push(copy);
    }
    // What has gone from the sources goes from the copy.
    for entry in fs::read_dir(to)? {
        let path = entry?.path();
        if kept.contains(&path) || path.ends_with(SWITCHES) {
            continue;
        }
        if path.is_dir() {
            fs::remove_dir_all(path)?;
        } else {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Whether a file of the copy is another than its source, and written by [`switched`].
fn is_switched(copy: &Path) -> bool {
    copy.parent().is_some_and(|folder| folder.ends_with(RULES)) || copy.ends_with(LIB)
}

fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// The guards, and the files that are others in the copy, by their path there.
struct Switched {
    guards: Vec<Guard>,
    files: Vec<(PathBuf, String)>,
}

/// The rules and their crate with a switch at every guard.
fn switched() -> Result<Switched> {
    let mut paths: Vec<PathBuf> = fs::read_dir(root().join(RULES))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    paths.sort();
    let (mut guards, mut files) = (Vec::new(), Vec::new());
    for path in paths {
        let name = path.file_name().context("a name")?;
        let rule = path.file_stem().context("a name")?.to_string_lossy();
        let source = fs::read_to_string(&path)?;
        let found = find::rewrite(&rule, &source, guards.len())?;
        guards.extend(found.guards);
        files.push((Path::new(RULES).join(name), found.text));
    }
    let source = fs::read_to_string(root().join(LIB))?;
    let with = source.replacen("\nmod ", "\nmod guards;\nmod ", 1);
    files.push((PathBuf::from(LIB), with));
    files.push((PathBuf::from(SWITCHES), switch::module(guards.len())));
    Ok(Switched { guards, files })
}
