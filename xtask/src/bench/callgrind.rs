//! Instruction counts by valgrind: exact where times are noise.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::folder;

/// What a run cost, by function.
#[derive(Debug, Default)]
pub(super) struct Profile {
    /// All instructions.
    pub(super) total: u64,
    /// Instructions of a function and what it calls, by name.
    inclusive: HashMap<String, u64>,
    /// Instructions of calls, by caller and callee.
    edges: HashMap<(String, String), u64>,
}

impl Profile {
    /// Instructions of the functions that contain one of the words, with what they call. They
    /// must not call each other.
    pub(super) fn of(&self, words: &[&str]) -> u64 {
        let has_word = |name: &str| words.iter().any(|word| name.contains(word));
        let of = self.inclusive.iter().filter(|(name, _)| has_word(name));
        of.map(|(_, cost)| cost).sum()
    }

    /// Instructions of the calls from functions that contain `caller` to those with `callee`.
    pub(super) fn between(&self, caller: &str, callee: &str) -> u64 {
        let edges = self.edges.iter();
        edges
            .filter(|((from, to), _)| from.contains(caller) && to.contains(callee))
            .map(|(_, cost)| cost)
            .sum()
    }

    /// Names and inclusive instructions, in any order.
    pub(super) fn functions(&self) -> impl Iterator<Item = (&str, u64)> {
        self.inclusive
            .iter()
            .map(|(name, cost)| (name.as_str(), *cost))
    }
}

/// Runs a program under callgrind.
pub(super) fn profile(command: &[String]) -> Result<Profile> {
    let file = folder().join("callgrind.out");
    let status = valgrind(command, &file).stdout(Stdio::null()).status()?;
    if !status.success() {
        bail!("failed under valgrind ({status}): {}", command.join(" "));
    }
    let text = std::fs::read_to_string(&file)?;
    std::fs::remove_file(&file)?;
    read(&text).context("callgrind wrote no profile")
}

/// Instructions of a run.
pub(super) fn instructions(command: &[String]) -> Result<u64> {
    let output = valgrind(command, Path::new("/dev/null")).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("failed under valgrind: {}\n{said}", command.join(" "));
    }
    let collected = said
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    let (_, count) = collected.context("callgrind counted nothing")?;
    Ok(count.trim().parse()?)
}

fn valgrind(command: &[String], file: &Path) -> Command {
    let mut valgrind = Command::new("valgrind");
    let mut out = std::ffi::OsString::from("--callgrind-out-file=");
    out.push(file);
    valgrind.arg("--tool=callgrind").arg(out).args(command);
    valgrind.stdin(Stdio::null());
    valgrind
}

/// A name, of which only the first mention is written out: `(7) main`, then `(7)`.
fn name<'a>(text: &'a str, known: &mut HashMap<&'a str, &'a str>) -> &'a str {
    match text.split_once(' ') {
        Some((id, name)) => {
            known.insert(id, name);
            name
        }
        None => known.get(text).copied().unwrap_or(text),
    }
}

/// Reads callgrind's format (valgrind manual, chapter "Callgrind Format Specification").
fn read(text: &str) -> Option<Profile> {
    let mut profile = Profile::default();
    let mut known = HashMap::new();
    let (mut function, mut callee) = ("", None);
    let mut is_call = false;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("fn=") {
            function = name(rest, &mut known);
        } else if let Some(rest) = line.strip_prefix("cfn=") {
            callee = Some(name(rest, &mut known));
        } else if line.starts_with("calls=") {
            is_call = true;
        } else if let Some(rest) = line.strip_prefix("summary: ") {
            profile.total = rest.trim().parse().ok()?;
        } else if line.starts_with(|c: char| c.is_ascii_digit() || "+-*".contains(c)) {
            let cost: u64 = line.split(' ').nth(1)?.parse().ok()?;
            *profile.inclusive.entry(function.to_owned()).or_default() += cost;
            if std::mem::take(&mut is_call) {
                let edge = (function.to_owned(), callee?.to_owned());
                *profile.edges.entry(edge).or_default() += cost;
            }
        }
    }
    (profile.total > 0).then_some(profile)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
version: 1
events: Ir
summary: 130

ob=(1) /bin/program
fl=(1) ???
fn=(1) main
0 10
cfn=(2) flow::Table::packet
calls=3 0
0 120

fn=(2)
0 20
cfn=(3) <protocols::hl7::Talk as Session>::data
calls=2 0
0 100

fn=(3)
0 100
";

    #[test]
    fn functions_with_what_they_call() {
        let profile = read(FILE).expect("a profile");
        assert_eq!(profile.total, 130);
        assert_eq!(profile.of(&["main"]), 130);
        assert_eq!(profile.of(&["Table::packet"]), 120);
        assert_eq!(profile.of(&["Session>::data"]), 100);
        assert_eq!(profile.of(&["nothing"]), 0);
        assert_eq!(profile.between("flow::", "Session>::data"), 100);
        assert_eq!(profile.between("main", "Session>::data"), 0);
        assert_eq!(profile.functions().count(), 3);
    }

    #[test]
    fn no_profile() {
        assert!(read("").is_none());
        assert!(read("summary: many\n").is_none());
    }
}
