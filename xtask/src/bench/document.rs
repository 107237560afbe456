//! The figures in `docs/performance.md`: each part has a section between marks of its own, and
//! its lines in the table of targets, so that measuring one part again leaves the others alone.

use anyhow::{Context as _, Result};

use crate::shell::root;

const BEGIN: &str = "<!-- figures: written by cargo xtask bench -->";
const END: &str = "<!-- end of figures -->";
const TARGETS: &str = "| part | target | reached | |\n|---|---|---|---|\n";

/// What a part found.
#[derive(Default)]
pub(super) struct Section {
    /// The part.
    pub(super) name: &'static str,
    /// Its heading and tables.
    pub(super) text: String,
    /// Its targets.
    pub(super) targets: Vec<Target>,
    /// What must not be.
    pub(super) failures: Vec<String>,
}

/// A target and what was reached.
pub(super) struct Target {
    pub(super) aim: String,
    pub(super) reached: String,
    /// Nothing when it could not be measured.
    pub(super) met: Option<bool>,
}

impl Target {
    pub(super) fn new(aim: &str, reached: String, met: Option<bool>) -> Target {
        Target {
            aim: aim.to_owned(),
            reached,
            met,
        }
    }

    /// The last word of its line.
    pub(super) fn verdict(&self) -> &'static str {
        match self.met {
            Some(true) => "met",
            Some(false) => "missed",
            None => "not measured",
        }
    }
}

/// Writes a section into the document.
pub(super) fn put(section: &Section) -> Result<()> {
    let file = root().join("docs/performance.md");
    let old = std::fs::read_to_string(&file)
        .with_context(|| format!("cannot read {}", file.display()))?;
    let order: Vec<&str> = super::PARTS.iter().map(|part| part.0).collect();
    let new = with(&old, section, &order).context("docs/performance.md has lost its marks")?;
    std::fs::write(&file, new)?;
    eprintln!("written to {}", file.display());
    Ok(())
}

fn marks(name: &str) -> (String, String) {
    (
        format!("<!-- part: {name} -->\n"),
        format!("<!-- end of part: {name} -->\n"),
    )
}

fn between<'a>(text: &'a str, (begin, end): &(String, String)) -> Option<&'a str> {
    let inside = text.split_once(begin.as_str())?.1;
    Some(inside.split_once(end.as_str())?.0)
}

/// The document with this section; parts stay in their order.
fn with(document: &str, section: &Section, order: &[&str]) -> Option<String> {
    let (before, rest) = document.split_once(BEGIN)?;
    let (figures, after) = rest.split_once(END)?;
    let mut out = format!("{before}{BEGIN}\n\n{}", targets(figures, section, order));
    for name in order {
        let (begin, end) = marks(name);
        let body = if *name == section.name {
            Some(section.text.as_str())
        } else {
            between(figures, &(begin.clone(), end.clone()))
        };
        if let Some(body) = body {
            out.push_str(&format!("\n{begin}{}\n{end}", body.trim_end()));
        }
    }
    out.push_str(&format!("\n{END}{after}"));
    Some(out)
}

/// The table of targets with those of this section in place of its old ones.
fn targets(figures: &str, section: &Section, order: &[&str]) -> String {
    let mut out = TARGETS.to_owned();
    for name in order {
        let begin = format!("| {name} |");
        if *name == section.name {
            for target in &section.targets {
                let Target { aim, reached, .. } = target;
                out.push_str(&format!(
                    "{begin} {aim} | {reached} | {} |\n",
                    target.verdict()
                ));
            }
        } else if let Some((_, table)) = figures.split_once(TARGETS) {
            let rows = table.lines().take_while(|line| line.starts_with('|'));
            for row in rows.filter(|row| row.starts_with(&begin)) {
                out.push_str(row);
                out.push('\n');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: [&str; 2] = ["peers", "pipe"];

    fn section(name: &'static str, text: &str, met: bool) -> Section {
        let reached = format!("{text} reached");
        Section {
            name,
            text: text.to_owned(),
            targets: vec![Target::new("as fast as can be", reached, Some(met))],
            failures: Vec::new(),
        }
    }

    #[test]
    fn a_part_replaces_its_own_figures_only() {
        let empty = format!("# Head\n\n{BEGIN}\n{END}\n\nTail\n");
        let pipe = with(&empty, &section("pipe", "slow", false), &ORDER).expect("marks");
        let both = with(&pipe, &section("peers", "even", true), &ORDER).expect("marks");
        let again = with(&both, &section("pipe", "quick", true), &ORDER).expect("marks");
        assert!(again.starts_with("# Head\n\n") && again.ends_with("\n\nTail\n"));
        assert!(again.contains("even") && again.contains("quick") && !again.contains("slow"));
        let place = |text: &str| again.find(text).expect("it is there");
        assert!(place("| peers | as fast") < place("| pipe | as fast"));
        assert!(place("<!-- part: peers -->") < place("<!-- part: pipe -->"));
        // The same figures again change nothing.
        let same = with(&again, &section("pipe", "quick", true), &ORDER).expect("marks");
        assert_eq!(same, again);
    }

    #[test]
    fn a_document_without_marks_is_left_alone() {
        assert!(with("# Head\n", &section("pipe", "x", true), &ORDER).is_none());
    }
}
