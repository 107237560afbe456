//! `cargo xtask bounds`: every hostile input at full scale against the release build, one program
//! a run, with the memory and the time that each took; written into docs/limits.md.

use std::fmt::Write as _;

use anyhow::{Result, bail};

use crate::section;
use crate::shell::{self, cargo, root};

/// The command.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    if !words.is_empty() {
        bail!("unknown: {}", words.join(" "));
    }
    let mut tests = cargo();
    tests.args([
        "test",
        "--release",
        "-p",
        "auscult",
        "--test",
        "hostile",
        "--",
    ]);
    tests.args(["--include-ignored", "--nocapture", "--test-threads", "1"]);
    let text = shell::output(&mut tests)?;
    let mut rows: Vec<Vec<&str>> = text
        .lines()
        .filter_map(|line| line.split_once("figures|"))
        .map(|(_, row)| row.split('|').collect())
        .collect();
    rows.sort();
    if rows.is_empty() {
        bail!("no figures came of the tests");
    }
    let mut table = String::from(
        "\n| input | packets | peak MiB | seconds | limits reached |\n|---|--:|--:|--:|---|\n",
    );
    for row in &rows {
        let [what, packets, peak, seconds, limits] = row[..] else {
            bail!("not a line of figures: {}", row.join("|"));
        };
        writeln!(
            table,
            "| {what} | {packets} | {peak} | {seconds} | {limits} |"
        )?;
    }
    table.push('\n');
    section::write(&root().join("docs/limits.md"), "bounds", &table)?;
    eprintln!("{table}");
    Ok(())
}
