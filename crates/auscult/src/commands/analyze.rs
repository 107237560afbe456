//! `analyze`: everything there is to say, on a screen or as one JSON value.

use std::io::Write;

use auscult_report::View;
use clap::Args;

use crate::failure::{Failure, Outcome};
use crate::reading::{Reading, Together};

use super::Shown;

/// Answer the fixed questions, list findings and devices (the default command)
///
/// As CSV this is the list of devices; `findings --format csv` gives the findings.
#[derive(Args)]
#[command(after_help = "\
Examples:
  auscult analyze ward.pcapng
  auscult analyze captures/ --each           a folder of unrelated captures
  auscult analyze captures/ --site-net 192.0.2.0/24 --fail-on high
  auscult analyze ward.pcapng --format json > report.json")]
pub(crate) struct Analyze {
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    together: Together,
}

impl Analyze {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Outcome, Failure> {
        let shown = Shown {
            view: View::Analyze,
            json: |report, out| Ok(auscult_report::write_json(report, out)?),
            csv: |report| auscult_report::csv_devices(&report.devices),
        };
        super::put_reports(out, &self.reading, self.together, &shown)
            .map_err(|failure| self.hint(failure))
    }

    /// A word that is neither a command nor a file was most likely meant as a command.
    fn hint(&self, failure: Failure) -> Failure {
        let word = self.reading.first_path();
        let bare = word.components().count() == 1 && word.extension().is_none();
        match failure {
            Failure::Failed(words) if bare && word.to_str() != Some("-") && !word.exists() => {
                Failure::Failed(format!("{words}; nor is it a command, see auscult --help"))
            }
            other => other,
        }
    }
}
