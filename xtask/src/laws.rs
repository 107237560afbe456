//! `cargo xtask laws --cases N`: every property test of the workspace, with as many random cases.
//!
//! Property tests are found by their macro, not by a name, so that a new one is covered by being
//! written. They run as the other tests are built: with checks of overflow, which a release build
//! leaves out.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::shell::{self, cargo, has, root};

/// The command.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    let cases: u32 = match words {
        [] => 1_000,
        ["--cases", number] => number.parse().context("--cases wants a number")?,
        other => bail!("unknown: {}", other.join(" ")),
    };
    let mut names = BTreeSet::new();
    properties_below(&root().join("crates"), &mut names)?;
    if names.is_empty() {
        bail!("no property test was found");
    }
    eprintln!(
        "{} names of property tests, {cases} cases each",
        names.len()
    );
    let mut command = cargo();
    command.env("PROPTEST_CASES", cases.to_string());
    if has("cargo-nextest") {
        let names: Vec<String> = names.into_iter().collect();
        let only = format!("test(/(^|::)({})$/)", names.join("|"));
        command.args([
            "nextest",
            "run",
            "--workspace",
            "--no-fail-fast",
            "-E",
            &only,
        ]);
    } else {
        command.args(["test", "--workspace", "--no-fail-fast", "--"]);
        command.args(names);
    }
    let began = Instant::now();
    shell::run(&mut command)?;
    eprintln!("{:.0} s", began.elapsed().as_secs_f64());
    Ok(())
}

fn properties_below(folder: &Path, names: &mut BTreeSet<String>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            properties_below(&path, names)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(properties(&fs::read_to_string(&path)?));
        }
    }
    Ok(())
}

/// Names of the tests within `proptest! { … }` of a formatted source text.
fn properties(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut end_of_block: Option<String> = None;
    for line in text.lines() {
        let word = line.trim_start();
        match &end_of_block {
            None if word == "proptest! {" => {
                let depth = line.len() - word.len();
                end_of_block = Some(format!("{}}}", " ".repeat(depth)));
            }
            Some(end) if line == end => end_of_block = None,
            Some(_) => {
                let name = word
                    .strip_prefix("fn ")
                    .and_then(|rest| rest.split('(').next());
                names.extend(name.map(str::to_owned));
            }
            None => {}
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::properties;

    #[test]
    fn only_tests_of_the_macro_are_properties() {
        let text = "fn a() {}\nmod tests {\n    proptest! {\n        #[test]\n        \
                    fn b(x: u8) {\n        }\n\n        #[test]\n        fn c(\n            \
                    y: u8,\n        ) {\n        }\n    }\n}\nproptest! {\n    #[test]\n    \
                    fn d(z: u8) {}\n}\nfn e() {}\n";
        assert_eq!(properties(text), ["b", "c", "d"]);
    }
}
