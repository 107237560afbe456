//! `devices`: the inventory.

use std::io::Write;

use auscult_report::{Part, View};
use clap::Args;

use crate::failure::{Failure, Outcome};
use crate::reading::{Reading, Together};

use super::Shown;

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
    #[command(flatten)]
    together: Together,
}

impl Devices {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Outcome, Failure> {
        let shown = Shown {
            view: View::Devices,
            json: |report, out| {
                super::put_json(out, auscult_report::json_part(report, Part::Devices))
            },
            csv: |report| auscult_report::csv_devices(&report.devices),
        };
        super::put_reports(out, &self.reading, self.together, &shown)
    }
}
