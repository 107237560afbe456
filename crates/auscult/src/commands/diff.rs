//! `diff`: what differs between two reports.

use std::io::Write;
use std::path::PathBuf;
use std::slice;

use auscult_model::report::Report;
use auscult_report::Page;
use clap::Args;

use crate::failure::{Failure, Outcome};
use crate::output::{Format, view_options};
use crate::reading::How;

/// Compare two reports: devices, whom they talk to, versions, findings
///
/// Each side is a capture, a folder of captures, or a report that `analyze --format json` wrote.
/// What is new was seen; what was not seen again may only have been off or out of reach. Findings
/// that were accepted or closed in a state count for no --fail-on.
#[derive(Args)]
#[command(after_help = "\
Examples:
  auscult diff march.json april.json
  auscult diff march.json captures/ --fail-on high   exit code 3 when a finding from
                                                     high on is new or became it
  auscult diff march.json april.json --format csv > changes.csv
  auscult diff --state ward.state --since 2026-03-14T00:00:00Z
                                                     what a state saw from then on,
                                                     beside what it had seen before")]
pub(crate) struct Diff {
    /// How it was
    #[arg(value_name = "BEFORE", required_unless_present = "state")]
    before: Option<PathBuf>,
    /// How it is
    #[arg(value_name = "AFTER", required_unless_present = "state")]
    after: Option<PathBuf>,
    #[command(flatten)]
    how: How,
}

const ONE_SIDE: &str = "a state is compared with itself: `diff --state FILE --since TIME`, \
    without captures; or give two sides, without --state";

impl Diff {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Outcome, Failure> {
        let [before, after] = match (&self.before, &self.after) {
            (Some(before), Some(after)) => [
                self.how.report(slice::from_ref(before))?,
                self.how.report(slice::from_ref(after))?,
            ],
            (None, None) => self.how.around()?,
            _ => return Err(Failure::Usage(ONE_SIDE.to_owned())),
        };
        let diff = auscult_report::diff(&before, &after);
        match self.how.format() {
            Format::Table => {
                let options = view_options(self.how.all());
                let mut page = Page::new(options.width, options.color);
                auscult_report::diff_text(&mut page, &diff, self.how.all());
                out.write_all(page.finish().as_bytes())?;
            }
            Format::Json => super::put_json(out, auscult_report::diff_json(&diff))?,
            Format::Csv => out.write_all(auscult_report::diff_csv(&diff).as_bytes())?,
        }
        let worse = self.how.fail_on().is_some_and(|least| diff.worse(least));
        Ok(match worse {
            true => Outcome::Found,
            false if is_whole(&before) && is_whole(&after) => Outcome::Done,
            false => Outcome::Incomplete,
        })
    }
}

/// Whether the captures behind a report were read to their ends.
fn is_whole(report: &Report) -> bool {
    Outcome::of(report, None) == Outcome::Done
}
