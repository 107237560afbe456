//! `limits`: every bound of the analysis, with its default.

use std::io::Write;

use auscult_model::{Bound, BoundKind};
use auscult_report::Page;
use clap::Args;

use crate::arguments;
use crate::failure::{Failure, Outcome};

/// List what bounds memory and work, and what --limit can set
///
/// When a limit is reached, the report says so and counts what was left out.
#[derive(Args)]
#[command(after_help = "\
Examples:
  auscult limits
  auscult ward.pcapng --limit flows=2000000 --limit nfs-names=10000")]
pub(crate) struct Limits {}

const WIDTH: usize = 80;
const COLUMN: usize = 12;

impl Limits {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Outcome, Failure> {
        let mut page = Page::new(WIDTH, false);
        for (title, kind) in [
            (
                "Follow --max-memory (as at 1G), and --limit",
                BoundKind::WithMemory,
            ),
            ("Follow --limit", BoundKind::Settable),
            ("Always the same", BoundKind::Constant),
        ] {
            page.gap();
            page.text(0, title);
            let bounds = arguments::bounds();
            for bound in bounds.iter().filter(|bound| bound.kind == kind) {
                page.hanging(
                    &format!("  {:>8}", number(bound.default)),
                    COLUMN,
                    bound.name,
                );
                page.hanging("", COLUMN, &words(bound));
            }
        }
        out.write_all(page.finish().as_bytes())?;
        Ok(Outcome::Done)
    }
}

fn words(bound: &Bound) -> String {
    format!("{}; beyond: {}", bound.of, bound.beyond)
}

/// As `--limit` takes it.
fn number(value: u64) -> String {
    for (shift, unit) in [(40, 'T'), (30, 'G'), (20, 'M'), (10, 'K')] {
        if value >= 1 << shift && value.is_multiple_of(1 << shift) {
            return format!("{}{unit}", value >> shift);
        }
    }
    value.to_string()
}
