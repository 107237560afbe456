//! Agreement with tshark field by field, as the tests of the protocols print it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::{Result, bail};

use crate::shell::{self, cargo};

/// What a test prints: protocol, pairs that agree, pairs.
type Figures = BTreeMap<String, (u64, u64)>;

/// Runs the tests, which takes minutes, and returns the section.
pub(super) fn section() -> Result<String> {
    let mut tests = cargo();
    tests.args(["test", "--package", "auscult-protocols", "--lib", "agree"]);
    tests.args(["--", "--include-ignored", "--nocapture"]);
    let said = shell::output(&mut tests)?;
    let figures = figures(&said);
    if figures.is_empty() {
        bail!("no figure in what the tests print");
    }
    let mut text = String::from(
        "\n## Fields against tshark\n\n\
         Pairs of place and field in every capture of the collection with that layer, for some \
         also of its bundles; a value that either side lacks is wrong. Tests named `agree` fail \
         below 0.99.\n\n| protocol | pairs | agree | share |\n|---|---|---|---|\n",
    );
    for (protocol, (agree, pairs)) in &figures {
        let share = *agree as f64 / (*pairs).max(1) as f64;
        writeln!(text, "| {protocol} | {pairs} | {agree} | {share:.4} |")?;
    }
    text.push('\n');
    let explained: BTreeSet<&str> = said
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("explained: "))
        .collect();
    if !explained.is_empty() {
        text.push_str("Looked at, and counted neither for nor against:\n\n");
    }
    for line in &explained {
        writeln!(text, "- {line}")?;
    }
    text.push('\n');
    Ok(text)
}

fn figures(said: &str) -> Figures {
    let lines = said.lines().filter_map(|line| {
        // Names of tests stand in front where the first line of a test is printed.
        let line = line.rsplit(" ... ").next()?;
        let (head, _) = line.split_once(" pairs agree (")?;
        let (protocol, counts) = head.rsplit_once(": ")?;
        let (agree, pairs) = counts.split_once(" of ")?;
        let counts = (agree.parse().ok()?, pairs.parse().ok()?);
        Some((protocol.to_owned(), counts))
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::figures;

    #[test]
    fn the_last_words_of_a_line_are_read() {
        let said = "test ftp::tests::agrees ... ftp: 9 of 10 pairs agree (0.9000)\n  a#1: x\n\
                    icmp, icmpv6: 3 of 3 pairs agree (1.0000)\nok\n";
        let figures = figures(said);
        assert_eq!(figures["ftp"], (9, 10));
        assert_eq!(figures["icmp, icmpv6"], (3, 3));
    }
}
