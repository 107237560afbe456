//! `completions`: scripts that make a shell complete commands and options.

use std::io::Write;

use clap::Args;
use clap_complete::Shell;

use crate::failure::{Failure, Outcome};

/// Print a completion script for a shell
#[derive(Args)]
#[command(after_help = "\
Examples:
  auscult completions bash > ~/.local/share/bash-completion/completions/auscult
  auscult completions powershell >> $PROFILE")]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(
        &self,
        out: &mut dyn Write,
        command: &mut clap::Command,
    ) -> Result<Outcome, Failure> {
        // Into memory first: the generator panics when its writer fails.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, command, "auscult", &mut script);
        out.write_all(&script)?;
        Ok(Outcome::Done)
    }
}
