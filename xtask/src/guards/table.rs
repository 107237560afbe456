//! The document: counts by rule, then every guard with who misses it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use super::trial::{Killer, is_near_miss};
use super::{Judged, RULES};

const HEAD: &str = "# Guards of the rules

A guard is a condition of a rule whose loss would let more through: of an `if` that leaves or takes
in, of an arm that leaves, what a filter, `then`, a predicate or a closure that is handed on asks,
a cap of the severity; conditions joined by `||` or `&&` are several. `cargo xtask guards` switches
each off in a copy of the sources that is built once, and runs the rule's own unit tests, then those
of all rules, then the stories of [scenarios.md](scenarios.md), until one fails: that test misses
the guard. The command fails when no test misses a guard and no reason is written in
`xtask/src/guards/reasons.rs`.

A pattern (an arm without `if`, `let … else`) has no condition to switch off and is not counted, nor
is an `if` that changes words or a severity alone. A test that misses a guard need not be a near
miss: where a part of a condition makes a finding graver or surer, it is one that wants the finding.
";

/// Counts of one rule.
#[derive(Default)]
struct Counts {
    all: usize,
    near: usize,
    unit: usize,
    story: usize,
    time: usize,
    reason: usize,
    open: usize,
}

impl Counts {
    fn add(&mut self, judged: &Judged) {
        self.all += 1;
        let place = match (&judged.killer, judged.reason) {
            (Some(Killer::Unit(name)), _) if is_near_miss(name) => &mut self.near,
            (Some(Killer::Unit(_)), _) => &mut self.unit,
            (Some(Killer::Story(_)), _) => &mut self.story,
            (Some(Killer::Time), _) => &mut self.time,
            (None, Some(_)) => &mut self.reason,
            (None, None) => &mut self.open,
        };
        *place += 1;
    }

    fn row(&self, name: &str) -> String {
        let Counts {
            all,
            near,
            unit,
            story,
            time,
            reason,
            open,
        } = self;
        format!("| {name} | {all} | {near} | {unit} | {story} | {time} | {reason} | {open} |\n")
    }
}

/// The document, and the survivors without a reason.
pub(super) fn written(judged: &[Judged]) -> (String, Vec<String>) {
    let mut rules: BTreeMap<&str, Counts> = BTreeMap::new();
    let mut total = Counts::default();
    for one in judged {
        rules.entry(&one.guard.rule).or_default().add(one);
        total.add(one);
    }
    let mut text = HEAD.to_owned();
    text.push_str(
        "\n| rule | guards | missed by a near miss | by another unit test | by a story | by time \
         | by none, with a reason | not yet judged |\n|---|---|---|---|---|---|---|---|\n",
    );
    for (rule, counts) in &rules {
        text.push_str(&counts.row(rule));
    }
    text.push_str(&total.row("all"));
    survivors(&mut text, judged);
    killers(&mut text, judged, rules.keys().copied().collect());
    let open = judged
        .iter()
        .filter(|one| one.killer.is_none() && one.reason.is_none());
    (
        text,
        open.map(|one| place(one) + " " + &one.guard.text).collect(),
    )
}

/// How long it took, which is no part of the comparison with an older table.
pub(super) fn took(time: Duration) -> String {
    format!(
        "\nOne run of all, with its build, took {} minutes.\n",
        time.as_secs().div_ceil(60)
    )
}

fn place(one: &Judged) -> String {
    format!("{RULES}/{}.rs:{}:", one.guard.rule, one.guard.line)
}

fn survivors(text: &mut String, judged: &[Judged]) {
    text.push_str("\n## Missed by no test\n\n| guard | where | why |\n|---|---|---|\n");
    for one in judged.iter().filter(|one| one.killer.is_none()) {
        let (guard, why) = (&one.guard, one.reason.unwrap_or("not yet judged"));
        let (rule, line) = (&guard.rule, guard.line);
        let _ = writeln!(text, "| {} | {rule}.rs:{line} | {why} |", code(&guard.text));
    }
}

fn killers(text: &mut String, judged: &[Judged], rules: BTreeSet<&str>) {
    text.push_str("\n## Who misses which\n");
    for rule in rules {
        let of_rule = judged.iter().filter(|one| one.guard.rule == rule);
        let mut rows = of_rule.filter(|one| one.killer.is_some()).peekable();
        if rows.peek().is_none() {
            continue;
        }
        let _ = writeln!(text, "\n### {rule}\n\n| guard | missed by |\n|---|---|");
        for one in rows {
            let by = match &one.killer {
                Some(Killer::Unit(name)) => match name.split_once("::") {
                    Some((own, test)) if own == rule => format!("`{test}`"),
                    _ => format!("`{name}`"),
                },
                Some(Killer::Story(name)) => format!("story {name}"),
                Some(Killer::Time) | None => "time".to_owned(),
            };
            let _ = writeln!(text, "| {} | {by} |", code(&one.guard.text));
        }
    }
}

/// Code in a cell of a table, cut where it would fill the page.
fn code(text: &str) -> String {
    const LONGEST: usize = 100;
    let mut short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("`{}`", short.replace('|', "\\|").replace('`', "'"))
}
