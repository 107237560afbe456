//! Which form the output takes.

use std::io::{self, IsTerminal};

use auscult_report::Options;
use clap::ValueEnum;

/// `--format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs; schema in docs/report.schema.json.
    Json,
    /// For spreadsheets.
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
