//! One file a command: its arguments, which are its help, and what it prints.

pub(crate) mod analyze;
pub(crate) mod completions;
pub(crate) mod device;
pub(crate) mod devices;
pub(crate) mod diff;
pub(crate) mod explain;
pub(crate) mod finding;
pub(crate) mod findings;
pub(crate) mod flows;
pub(crate) mod lab;
pub(crate) mod limits;
pub(crate) mod register;

use std::io::Write;

use auscult_model::report::Report;
use auscult_report::{Options, View};

use crate::failure::Failure;
use crate::output::view_options;

/// Text made by a view, or why it could not be made.
fn put_json(out: &mut dyn Write, made: Result<String, impl ToString>) -> Result<(), Failure> {
    let text = made.map_err(|error| Failure::Failed(error.to_string()))?;
    Ok(out.write_all(text.as_bytes())?)
}

fn put_view(
    out: &mut dyn Write,
    report: &Report,
    all: bool,
    view: View<'_>,
) -> Result<(), Failure> {
    let options = Options {
        view,
        ..view_options(all)
    };
    Ok(auscult_report::terminal(report, &options, out)?)
}

/// `id` is not there: say which are.
fn not_there<'i>(what: &str, id: &str, ids: impl Iterator<Item = &'i str>) -> Failure {
    const SHOWN: usize = 8;
    let ids: Vec<&str> = ids.collect();
    if ids.is_empty() {
        return Failure::Usage(format!("no {what} `{id}`: there is none at all"));
    }
    let more = if ids.len() > SHOWN { ", ..." } else { "" };
    let shown = ids.get(..SHOWN).unwrap_or(&ids).join(", ");
    Failure::Usage(format!("no {what} `{id}`; there are: {shown}{more}"))
}
