//! `cargo xtask laws --cases N`: the laws over the whole table, with as many random cases.

use anyhow::{Context as _, Result, bail};

use crate::shell::{self, cargo};

/// The command.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    let cases: u32 = match words {
        [] => 1_000,
        ["--cases", number] => number.parse().context("--cases wants a number")?,
        other => bail!("unknown: {}", other.join(" ")),
    };
    let mut command = cargo();
    command.env("PROPTEST_CASES", cases.to_string());
    command.args(["test", "--release", "--workspace", "--", "law"]);
    shell::run(&mut command)
}
