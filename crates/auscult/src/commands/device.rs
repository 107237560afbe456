//! `device`: one device, and with `--why` each claim about it with its packets.

use std::io::Write;

use auscult_report::{Part, View};
use clap::Args;

use crate::failure::{Failure, Outcome};
use crate::output::Format;
use crate::reading::Reading;

/// Show one device: what it is, whom it talks to, what is wrong
#[derive(Args)]
#[command(after_help = "\
Examples:
  auscult device ICU-7 ward.pcapng
  auscult device 10.20.3.14 ward.pcapng --why")]
pub(crate) struct Device {
    /// Id of the device, one of its aliases or addresses, or what it is called
    id: String,
    #[command(flatten)]
    reading: Reading,
    /// Show every claim about it with the packets behind it
    #[arg(long)]
    why: bool,
}

impl Device {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Outcome, Failure> {
        let report = self.reading.analyze()?;
        let Some(device) = auscult_report::find_device(&report, &self.id) else {
            let ids = report.devices.iter().map(|device| device.id.as_str());
            return Err(super::not_there("device", &self.id, ids));
        };
        let id = device.id.as_str();
        match self.reading.format() {
            Format::Table => {
                let view = View::Device { id, why: self.why };
                super::put_view(out, &report, self.reading.all(), view)?;
            }
            Format::Json => {
                super::put_json(out, auscult_report::json_part(&report, Part::Device(id)))?;
            }
            Format::Csv => {
                out.write_all(auscult_report::csv_devices([device]).as_bytes())?;
            }
        }
        Ok(self.reading.outcome(&report))
    }
}
