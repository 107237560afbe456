//! `evidence`: bundles that others can check, and run again.

mod export;
mod verify;

use std::io::Write;

use clap::{Args, Subcommand};

use crate::failure::{Failure, Outcome};

/// Make bundles of evidence that others can check and run again, and check them
///
/// A bundle is a zip of the packets that show findings (without patients), the findings, what they
/// rest on, and a page for people, all signed (docs/evidence.md).
#[derive(Args)]
#[command(after_help = "\
Examples:
  auscult evidence export F-3c81 ward.pcapng --key hospital.key -o case.zip
  auscult evidence verify case.zip --key hospital.pem
  auscult evidence verify case.zip --sealed case.sealed --original ward.pcapng")]
pub(crate) struct Evidence {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Export(Box<export::Export>),
    Verify(verify::Verify),
}

impl Evidence {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Outcome, Failure> {
        match &self.command {
            Command::Export(command) => command.run(out),
            Command::Verify(command) => command.run(out),
        }
    }
}
