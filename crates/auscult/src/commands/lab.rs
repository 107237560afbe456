//! `lab`: captures of synthetic wards with ground truth.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::failure::{Failure, Outcome};

/// Write captures of invented wards, to try Auscult with
///
/// All patients in them are invented, and the files that cross are inert.
#[derive(Args)]
#[command(after_help = "\
Examples:
  auscult lab list
  auscult lab write ward --seed 7 -o ward.pcapng")]
pub(crate) struct Lab {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the scenarios
    List,
    Write(WriteScenario),
}

/// Write a scenario, and beside it FILE.truth.json with what is in it
#[derive(Args)]
#[command(after_help = "\
Examples:
  auscult lab list
  auscult lab write ward --seed 7 -o ward.pcapng
  auscult ward.pcapng
  auscult lab write week -o week/
  auscult analyze week/ --state ward.state")]
struct WriteScenario {
    /// Name of the scenario; `auscult lab list` shows them
    scenario: String,
    /// The same seed gives the same file
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// File to write: .pcapng, or .pcap for the classic format; for `week` a folder
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
}

impl Lab {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Outcome, Failure> {
        match &self.command {
            Command::List => {
                let made = auscult_lab::scenarios().iter();
                let scenarios: Vec<_> = made
                    .chain([&auscult_lab::week::SCENARIO])
                    .chain(auscult_lab::play::scenarios())
                    .collect();
                let width = scenarios.iter().map(|s| s.name.len()).max().unwrap_or(0);
                for scenario in scenarios {
                    writeln!(out, "{:width$}  {}", scenario.name, scenario.summary)?;
                }
            }
            Command::Write(command) => command.run().map_err(|error| match error {
                auscult_lab::LabError::Unknown(..) => Failure::Usage(error.to_string()),
                other => Failure::Failed(other.to_string()),
            })?,
        }
        Ok(Outcome::Done)
    }
}

impl WriteScenario {
    fn run(&self) -> Result<(), auscult_lab::LabError> {
        if self.scenario == auscult_lab::week::SCENARIO.name {
            auscult_lab::week::write(self.seed, &self.output)?;
        } else {
            auscult_lab::write(&self.scenario, self.seed, &self.output)?;
        }
        Ok(())
    }
}
