//! `findings`: what is wrong.

use std::io::Write;

use auscult_report::{Part, View};
use clap::Args;

use crate::failure::{Failure, Outcome};
use crate::reading::{Reading, Together};

use super::Shown;

/// List the findings, worst first
#[derive(Args)]
#[command(after_help = "\
Examples:
  auscult findings ward.pcapng
  auscult findings captures/ --fail-on medium --format json
  auscult findings ward.pcapng --format csv > findings.csv")]
pub(crate) struct Findings {
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    together: Together,
}

impl Findings {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Outcome, Failure> {
        let shown = Shown {
            view: View::Findings,
            json: |report, out| {
                super::put_json(out, auscult_report::json_part(report, Part::Findings))
            },
            csv: |report| auscult_report::csv_findings(&report.findings),
        };
        super::put_reports(out, &self.reading, self.together, &shown)
    }
}
