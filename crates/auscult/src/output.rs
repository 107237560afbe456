//! Which form the output takes.

use std::io::{self, IsTerminal};

use auscult_report::Options;
use clap::ValueEnum;

/// `--format`: for people, for programs (docs/report.schema.json), for spreadsheets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    #[default]
    Table,
    Json,
    Csv,
}

/// How the terminal view is drawn: colour only where somebody sees it and did not decline.
pub(crate) fn view_options(all: bool) -> Options<'static> {
    let declined = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    Options {
        color: io::stdout().is_terminal() && !declined && !dumb,
        all,
        ..Options::default()
    }
}
