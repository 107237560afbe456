//! `devices`: the inventory.

use std::io::Write;

use auscult_report::{Part, View};
use clap::Args;

use crate::failure::{Failure, Outcome};
use crate::output::Format;
use crate::reading::Reading;

/// List the devices, medical and worst first
#[derive(Args)]
#[command(after_help = "\
Examples:
  auscult devices ward.pcapng
  auscult devices ward.pcapng --all
  auscult devices ward.pcapng --format csv > devices.csv")]
pub(crate) struct Devices {
    #[command(flatten)]
    reading: Reading,
}

impl Devices {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Outcome, Failure> {
        let report = self.reading.analyze()?;
        match self.reading.format() {
            Format::Table => super::put_view(out, &report, self.reading.all(), View::Devices)?,
            Format::Json => {
                super::put_json(out, auscult_report::json_part(&report, Part::Devices))?;
            }
            Format::Csv => {
                out.write_all(auscult_report::csv_devices(&report.devices).as_bytes())?
            }
        }
        Ok(self.reading.outcome(&report))
    }
}
