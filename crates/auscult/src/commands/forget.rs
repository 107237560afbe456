//! `forget`: takes something out of a state for good.

use std::collections::BTreeSet;
use std::io::Write;

use auscult_engine::Forget as What;
use auscult_model::Timestamp;
use auscult_model::report::Report;
use clap::Args;

use crate::arguments;
use crate::failure::{Failure, Outcome};
use crate::reading::How;

/// Take old facts, or what tells patients apart, out of a state for good
///
/// What is forgotten is not in the file any more, nor in its log. Captures stay listed, so that
/// none counts a second time; decisions on findings and ids of devices stay too. Copies of the file
/// are not touched.
#[derive(Args)]
#[command(after_help = "\
Examples:
  auscult forget --state ward.state --before 2025-11-26   what was last seen before that day
  auscult forget --state ward.state --patients            digests by which patients were counted")]
pub(crate) struct Forget {
    /// Whatever was last seen before this time (2025-11-26, or 2025-11-26T18:00:00Z)
    #[arg(long, value_name = "TIME", value_parser = arguments::time)]
    before: Option<Timestamp>,
    /// The keyed digests that tell patients apart, and their key; counts begin anew
    #[arg(long)]
    patients: bool,
    #[command(flatten)]
    how: How,
}

impl Forget {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Outcome, Failure> {
        if self.before.is_none() && !self.patients {
            let words = "forget what? --before TIME, --patients, or both";
            return Err(Failure::Usage(words.to_owned()));
        }
        if self.before.is_some_and(|time| time > arguments::now()) {
            let words = "that time is still to come: everything would go; delete the file for that";
            return Err(Failure::Usage(words.to_owned()));
        }
        let [was, is] = self.how.forget(What {
            before: self.before,
            patients: self.patients,
        })?;
        let devices = gone(&was, &is, |report| {
            report
                .devices
                .iter()
                .map(|device| device.id.clone())
                .collect()
        });
        let findings = gone(&was, &is, |report| {
            report
                .findings
                .iter()
                .map(|finding| finding.id.clone())
                .collect()
        });
        if let Some(time) = self.before {
            writeln!(out, "Forgotten: what was last seen before {time}.")?;
            writeln!(
                out,
                "Devices: {} gone, {} left. Findings: {} gone, {} left.",
                devices, is.devices_total, findings, is.findings_total
            )?;
        }
        if self.patients {
            writeln!(
                out,
                "Forgotten: which patients were told apart. Numbers of patients begin anew."
            )?;
        }
        Ok(Outcome::Done)
    }
}

/// How many of some ids are in the first report only.
fn gone(was: &Report, is: &Report, ids: fn(&Report) -> BTreeSet<String>) -> usize {
    ids(was).difference(&ids(is)).count()
}
