//! `flows`: who talked to whom, a line a flow, as they end.

use std::io::{self, Write};

use auscult_engine::Watch;
use auscult_model::FlowRecord;
use clap::Args;

use crate::failure::{Failure, Outcome};
use crate::output::Format;
use crate::progress::Progress;
use crate::reading::Reading;

/// List every flow as it ends, one a line
#[derive(Args)]
#[command(after_help = "\
Examples:
  auscult flows ward.pcapng
  auscult flows ward.pcapng --format json | jq 'select(.protocol == \"hl7\")'")]
pub(crate) struct Flows {
    #[command(flatten)]
    reading: Reading,
}

/// Writes each flow when it ends.
struct Lines<'o> {
    out: &'o mut dyn Write,
    format: Format,
    progress: Progress,
    failed: Option<io::Error>,
}

impl Lines<'_> {
    fn line(&mut self, flow: &FlowRecord) -> io::Result<()> {
        match self.format {
            Format::Json => {
                let line = auscult_report::flow_line(flow).map_err(io::Error::other)?;
                writeln!(self.out, "{line}")
            }
            Format::Csv => self
                .out
                .write_all(auscult_report::flow_csv(Some(flow)).as_bytes()),
            Format::Table => self
                .out
                .write_all(auscult_report::flow_text(Some(flow)).as_bytes()),
        }
    }
}

impl Watch for Lines<'_> {
    fn progress(&mut self, read: u64, total: Option<u64>) {
        self.progress.progress(read, total);
    }

    fn flow(&mut self, flow: &FlowRecord) {
        if self.failed.is_some() {
            return;
        }
        self.progress.clear();
        if let Err(error) = self.line(flow) {
            // Nobody reads any more: the rest of the capture need not be read either.
            if error.kind() == io::ErrorKind::BrokenPipe {
                std::process::exit(0);
            }
            self.failed = Some(error);
        }
    }
}

impl Flows {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Outcome, Failure> {
        let format = self.reading.format();
        match format {
            Format::Json => {}
            Format::Csv => out.write_all(auscult_report::flow_csv(None).as_bytes())?,
            Format::Table => out.write_all(auscult_report::flow_text(None).as_bytes())?,
        }
        let mut lines = Lines {
            out,
            format,
            progress: self.reading.progress(),
            failed: None,
        };
        let report = self.reading.analyze_with(true, &mut lines)?;
        match lines.failed {
            Some(error) => Err(error.into()),
            None => Ok(self.reading.outcome(&report)),
        }
    }
}
