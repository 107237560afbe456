//! `cut`: the packets that show findings, as a capture of their own.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use auscult_evidence::{Cut as Packets, Level, Pseudonyms};
use clap::Args;

use crate::cutting::Cutting;
use crate::failure::{Failure, Outcome};
use crate::reading::How;

/// Cut the packets that show findings out of captures, with comments, without patients
///
/// Writes pcapng: the packets that the findings' evidence names and the openings of their
/// connections, each with a comment that says what to see in it and where it came from. Bytes of
/// patients are replaced by others of the same kind; what no reader knows is cut to its headers.
#[derive(Args)]
#[command(after_help = "\
Examples:
  auscult cut F-3c81 ward.pcapng -o cut.pcapng
  auscult cut F-3c81 F-90aa captures/ -o cut.pcapng
  auscult cut F-3c81 ward.pcapng -o whole.pcapng --unmasked   with patients' data")]
pub(crate) struct Cut {
    /// Ids of findings (F-…), and the captures or folders that they came from
    #[arg(required = true, value_name = "FINDING… PATH")]
    words: Vec<PathBuf>,
    /// File to write
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Leave patients' data in: for people who may see them
    #[arg(long)]
    unmasked: bool,
    #[command(flatten)]
    how: How,
}

impl Cut {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Outcome, Failure> {
        let cutting = Cutting::new(&self.words, &self.how)?;
        cutting.not_an_input(&self.output)?;
        let named = cutting.named();
        let selection = cutting.select(&named, Level::Opening)?;
        let files = cutting.files();
        let packets = if self.unmasked {
            Packets::new(selection, &named, None, &files)
        } else {
            let marks = cutting.marks(&selection)?;
            let key = auscult_evidence::random().map_err(Failure::Failed)?;
            let pseudonyms = Pseudonyms::new(key);
            Packets::new(selection, &named, Some((&marks, &pseudonyms)), &files)
        };
        let ids: Vec<&str> = cutting.findings().iter().map(|it| it.id.as_str()).collect();
        let ids = ids.join(", ");
        let masked = match self.unmasked {
            true => "Patients' data are in it.",
            false => "Patients' bytes are replaced, checksums moved accordingly.",
        };
        let program = concat!("Auscult ", env!("CARGO_PKG_VERSION"));
        let comment = format!("{program}: packets of {ids}. {masked}");
        let bytes = packets.pcapng(&comment, program);
        fs::write(&self.output, bytes)
            .map_err(|error| Failure::Failed(format!("{}: {error}", self.output.display())))?;
        let file = auscult_report::printable_lines(&self.output.to_string_lossy());
        writeln!(out, "{file}: {ids}: {}", packets.summary())?;
        Ok(cutting.outcome())
    }
}
