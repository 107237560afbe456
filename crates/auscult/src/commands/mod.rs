//! One file a command: its arguments, which are its help, and what it prints.

pub(crate) mod analyze;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod cut;
pub(crate) mod device;
pub(crate) mod devices;
pub(crate) mod diff;
pub(crate) mod evidence;
pub(crate) mod explain;
pub(crate) mod finding;
pub(crate) mod findings;
pub(crate) mod flows;
pub(crate) mod forget;
pub(crate) mod lab;
pub(crate) mod limits;
pub(crate) mod register;
pub(crate) mod rules;
pub(crate) mod verify;

use std::io::Write;

use auscult_engine::Overview;
use auscult_model::report::Report;
use auscult_report::{Options, View};

use crate::failure::{Failure, Outcome};
use crate::output::{Format, view_options};
use crate::reading::{Reading, Together};

/// Length of the line between two reports.
const RULE: usize = 80;

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

/// What a command shows of a report, in each form.
struct Shown {
    view: View<'static>,
    json: fn(&Report, &mut dyn Write) -> Result<(), Failure>,
    csv: fn(&Report) -> String,
}

/// Analyses what `reading` says and shows it: one report, or one after another.
///
/// Of several, JSON makes one list; CSV one table with the capture in its first column.
fn put_reports(
    out: &mut dyn Write,
    reading: &Reading,
    together: Together,
    shown: &Shown,
) -> Result<Outcome, Failure> {
    let all = reading.all();
    if together.is_one() {
        // A table of devices or findings shows no claims and conversations.
        let is_list = matches!(shown.view, View::Devices | View::Findings);
        let overview = match reading.format() {
            Format::Table if is_list => Overview::Light,
            _ => Overview::Whole,
        };
        let report = reading.report(overview)?;
        match reading.format() {
            Format::Table => put_view(out, &report, all, shown.view)?,
            Format::Json => (shown.json)(&report, out)?,
            Format::Csv => out.write_all((shown.csv)(&report).as_bytes())?,
        }
        return Ok(reading.outcome(&report));
    }
    let is_json = reading.format() == Format::Json;
    let mut count = 0;
    let outcome = reading.analyze_each(|report| {
        let is_first = count == 0;
        count += 1;
        match reading.format() {
            Format::Table => {
                if !is_first {
                    writeln!(out, "\n{}\n", "=".repeat(RULE))?;
                }
                put_view(out, report, all, shown.view)?;
            }
            Format::Json => {
                out.write_all(if is_first { b"[\n" } else { b",\n" })?;
                (shown.json)(report, out)?;
            }
            Format::Csv => {
                let table = (shown.csv)(report);
                let capture = report.captures.first().map_or("", |first| &first.file);
                let rows = auscult_report::csv_beside("capture", capture, &table, is_first);
                out.write_all(rows.as_bytes())?;
            }
        }
        Ok(out.flush()?)
    })?;
    if is_json {
        out.write_all(if count == 0 { b"[]\n" } else { b"]\n" })?;
    }
    if count == 0 {
        return Err(Failure::Failed("nothing could be analysed".to_owned()));
    }
    Ok(outcome)
}

/// `id` is not there: say which are.
pub(crate) fn not_there<'i>(what: &str, id: &str, ids: impl Iterator<Item = &'i str>) -> Failure {
    const SHOWN: usize = 8;
    let ids: Vec<&str> = ids.collect();
    if ids.is_empty() {
        return Failure::Usage(format!("no {what} `{id}`: there is none at all"));
    }
    let more = if ids.len() > SHOWN { ", ..." } else { "" };
    let shown = ids.get(..SHOWN).unwrap_or(&ids).join(", ");
    Failure::Usage(format!("no {what} `{id}`; there are: {shown}{more}"))
}
