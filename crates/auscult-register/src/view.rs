//! The outcome for people, for programs and for spreadsheets.

mod csv;
mod json;
mod text;

use auscult_model::report::{Device, Report, Role};

use crate::{Check, Row};

pub use csv::register_csv;
pub use json::register_json;
pub use text::{import_text, register_text};

/// How to show it.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The file, as given.
    pub file: &'a str,
    /// Everything: also what is as it should be.
    pub all: bool,
}

/// Maker and model as the register writes them.
fn make(row: &Row) -> String {
    let parts = [&row.vendor, &row.model];
    let mut parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
    if row.model.is_none() {
        parts.extend(row.description.as_deref());
    }
    match parts.is_empty() {
        true => "no maker and model".to_owned(),
        false => parts.join(" "),
    }
}

/// Where it is, as the register writes it.
fn place(row: &Row) -> String {
    let parts = [&row.unit, &row.location];
    let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
    match parts.is_empty() {
        true => "place not given".to_owned(),
        false => parts.join(", "),
    }
}

fn rows<'c>(check: &'c Check<'_>, places: &[usize]) -> Vec<&'c Row> {
    let rows = &check.register.rows;
    places.iter().filter_map(|place| rows.get(*place)).collect()
}

fn devices<'c>(report: &'c Report, places: &[usize]) -> Vec<&'c Device> {
    places
        .iter()
        .filter_map(|place| report.devices.get(*place))
        .collect()
}

/// Medical, or not known to be anything else: what a register of medical devices should list.
fn is_wanted(device: &Device) -> bool {
    device.role.is_medical() || device.role == Role::Unknown
}

/// Places of the devices that a row was found to be.
fn seen_as(check: &Check<'_>, row: usize) -> Vec<usize> {
    // In the order of the rows.
    let place = check.both.binary_search_by_key(&row, |found| found.row);
    let found = place.ok().and_then(|place| check.both.get(place));
    found.map(|found| found.devices.clone()).unwrap_or_default()
}
