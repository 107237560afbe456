//! `finding`: one finding with all its evidence.

use std::io::Write;

use auscult_report::{Part, View};
use clap::Args;

use crate::failure::{Failure, Outcome};
use crate::output::Format;
use crate::reading::Reading;

/// Show one finding with its reasons and all its evidence
#[derive(Args)]
#[command(after_help = "\
Examples:
  auscult finding F-3c81 ward.pcapng
  auscult finding F-3c81 ward.pcapng --format json")]
pub(crate) struct Finding {
    /// Id of the finding, or one of its aliases
    id: String,
    #[command(flatten)]
    reading: Reading,
}

impl Finding {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Outcome, Failure> {
        let report = self.reading.analyze()?;
        let Some(finding) = auscult_report::find_finding(&report, &self.id) else {
            let ids = report.findings.iter().map(|finding| finding.id.as_str());
            return Err(super::not_there("finding", &self.id, ids));
        };
        let id = finding.id.as_str();
        match self.reading.format() {
            Format::Table => {
                super::put_view(out, &report, self.reading.all(), View::Finding(id))?;
            }
            Format::Json => {
                super::put_json(out, auscult_report::json_part(&report, Part::Finding(id)))?;
            }
            Format::Csv => {
                out.write_all(auscult_report::csv_findings([finding]).as_bytes())?;
            }
        }
        Ok(self.reading.outcome(&report))
    }
}
