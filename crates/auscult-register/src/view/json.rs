//! For programs: the shape is described in `docs/register.md`.

use auscult_model::report::Report;
use auscult_report::{Brief, Watch, escaped};
use serde::Serialize;

use super::{View, devices, rows, seen_as};
use crate::{Check, Fit, Key, Mapping, Problem, Row};

/// Raised when a meaning changes, not when something is added.
const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Whole<'c> {
    schema: u32,
    register: Source<'c>,
    walk: Vec<WalkEntry<'c>>,
    duplicates: Vec<Duplicate<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<Network<'c>>,
}

#[derive(Serialize)]
struct Source<'c> {
    file: &'c str,
    encoding: &'c str,
    delimiter: char,
    header_line: u64,
    columns: &'c [Mapping],
    rows: usize,
    problems_total: usize,
    problems: &'c [Problem],
}

#[derive(Serialize)]
struct WalkEntry<'c> {
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<&'c Row>,
    fit: Fit,
    family: &'c str,
    because: &'c str,
    labels: &'c [String],
    advisories: &'c [String],
    devices: Vec<Brief>,
}

#[derive(Serialize)]
struct Duplicate<'c> {
    by: Key,
    value: &'c str,
    rows: Vec<&'c Row>,
}

#[derive(Serialize)]
struct Network<'c> {
    watched: Watch,
    both: Vec<Found<'c>>,
    counted: Vec<Group<'c>>,
    contradictions: Vec<Against<'c>>,
    only_network: Vec<Brief>,
    only_register: Vec<Only<'c>>,
    retired: Vec<&'c Row>,
}

#[derive(Serialize)]
struct Found<'c> {
    row: Option<&'c Row>,
    devices: Vec<Brief>,
    by: &'c [Key],
    notes: &'c [String],
}

#[derive(Serialize)]
struct Group<'c> {
    model: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'c str>,
    rows: Vec<&'c Row>,
    devices: Vec<Brief>,
}

#[derive(Serialize)]
struct Against<'c> {
    row: Option<&'c Row>,
    devices: Vec<Brief>,
    why: &'c str,
}

#[derive(Serialize)]
struct Only<'c> {
    #[serde(flatten)]
    row: Option<&'c Row>,
    /// A device that has its IP address.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<Brief>,
}

fn briefs(report: Option<&Report>, places: &[usize]) -> Vec<Brief> {
    let found = report.map(|report| devices(report, places));
    found
        .unwrap_or_default()
        .into_iter()
        .map(Brief::of)
        .collect()
}

/// Everything as JSON, ending in a newline.
pub fn register_json(check: &Check<'_>, view: &View<'_>) -> Result<String, serde_json::Error> {
    let register = check.register;
    let walk = check.walk.iter().map(|walk| WalkEntry {
        row: register.rows.get(walk.row),
        fit: walk.fit,
        family: &walk.family,
        because: &walk.because,
        labels: &walk.labels,
        advisories: &walk.advisories,
        devices: briefs(check.report, &seen_as(check, walk.row)),
    });
    let duplicates = check
        .duplicates
        .iter()
        .map(|(by, value, places)| Duplicate {
            by: *by,
            value,
            rows: rows(check, places),
        });
    let whole = Whole {
        schema: SCHEMA,
        register: Source {
            file: view.file,
            encoding: &register.encoding,
            delimiter: register.delimiter,
            header_line: register.header_line,
            columns: &register.columns,
            rows: register.rows.len(),
            problems_total: register.problems_total,
            problems: &register.problems,
        },
        walk: walk.collect(),
        duplicates: duplicates.collect(),
        network: check.report.map(|report| network(check, report)),
    };
    let mut text = escaped(serde_json::to_string_pretty(&whole)?);
    text.push('\n');
    Ok(text)
}

fn network<'c>(check: &'c Check<'_>, report: &'c Report) -> Network<'c> {
    let row = |place: usize| check.register.rows.get(place);
    let briefs = |places: &[usize]| briefs(Some(report), places);
    let both = check.both.iter().map(|found| Found {
        row: row(found.row),
        devices: briefs(&found.devices),
        by: &found.by,
        notes: &found.notes,
    });
    let counted = check.counted.iter().map(|group| Group {
        model: &group.model,
        unit: group.unit.as_deref(),
        rows: rows(check, &group.rows),
        devices: briefs(&group.devices),
    });
    let contradictions = check.contradictions.iter().map(|found| Against {
        row: row(found.row),
        devices: briefs(&found.devices),
        why: &found.why,
    });
    let only_register = check.only_register.iter().map(|found| Only {
        row: row(found.row),
        hint: found
            .hint
            .and_then(|place| report.devices.get(place))
            .map(Brief::of),
    });
    Network {
        watched: Watch::of(report),
        both: both.collect(),
        counted: counted.collect(),
        contradictions: contradictions.collect(),
        only_network: briefs(&check.only_network),
        only_register: only_register.collect(),
        retired: rows(check, &check.retired),
    }
}
