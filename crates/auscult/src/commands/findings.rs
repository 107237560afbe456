//! `findings`: what is wrong.

use std::io::Write;

use auscult_report::{Part, View};
use clap::Args;

use crate::failure::{Failure, Outcome};
use crate::output::Format;
use crate::reading::Reading;

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
}

impl Findings {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Outcome, Failure> {
        let report = self.reading.analyze()?;
        match self.reading.format() {
            Format::Table => super::put_view(out, &report, self.reading.all(), View::Findings)?,
            Format::Json => {
                super::put_json(out, auscult_report::json_part(&report, Part::Findings))?;
            }
            Format::Csv => {
                out.write_all(auscult_report::csv_findings(&report.findings).as_bytes())?
            }
        }
        Ok(self.reading.outcome(&report))
    }
}
