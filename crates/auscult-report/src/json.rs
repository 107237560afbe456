//! The report as JSON: the contract of `docs/report.schema.json`.
//!
//! Characters that act on a terminal are written as escapes, so that the output may be looked at
//! without a pager.

use auscult_model::report::Report;
use serde_json::{Map, Value};

use crate::printable::acts;

/// A part of a report, for the commands that show no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// All devices.
    Devices,
    /// One device, by id or alias, and the findings about it.
    Device(&'a str),
    /// All findings.
    Findings,
    /// One finding, by id or alias, and its devices.
    Finding(&'a str),
}

/// The whole report, indented, ending in a newline.
pub fn json(report: &Report) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(report).map(finished)
}

/// A part of the report under the same names as in the whole.
pub fn json_part(report: &Report, part: Part<'_>) -> Result<String, serde_json::Error> {
    let mut devices: Option<Vec<_>> = None;
    let mut findings: Option<Vec<_>> = None;
    match part {
        Part::Devices => devices = Some(report.devices.iter().collect()),
        Part::Findings => findings = Some(report.findings.iter().collect()),
        Part::Device(id) => {
            let device = crate::find_device(report, id);
            devices = Some(device.into_iter().collect());
            let id = device.map_or(id, |device| &device.id);
            findings = Some(crate::findings_of(report, id).collect());
        }
        Part::Finding(id) => {
            let finding = crate::find_finding(report, id);
            findings = Some(finding.into_iter().collect());
            let ids = finding.map_or(&[][..], |finding| &finding.devices);
            devices = Some(ids.iter().filter_map(|id| crate::find_device(report, id)).collect());
        }
    }
    let mut whole = Map::new();
    whole.insert("schema".to_owned(), report.schema.into());
    whole.insert("auscult".to_owned(), report.auscult.clone().into());
    whole.insert("captures".to_owned(), serde_json::to_value(&report.captures)?);
    if let Some(devices) = devices {
        if part == Part::Devices {
            whole.insert("devices_total".to_owned(), report.devices_total.into());
        }
        whole.insert("devices".to_owned(), serde_json::to_value(devices)?);
    }
    if let Some(findings) = findings {
        whole.insert("findings".to_owned(), serde_json::to_value(findings)?);
    }
    serde_json::to_string_pretty(&Value::Object(whole)).map(finished)
}

/// Escapes what acts on a terminal and ends the text with a newline.
fn finished(text: String) -> String {
    let mut out = escaped(text);
    out.push('\n');
    out
}

/// Such characters stand in strings only: the rest of JSON is ASCII, and serde_json escapes the
/// controls below U+0020 itself. Newlines of the indentation stay.
pub(crate) fn escaped(text: String) -> String {
    if !text.chars().any(|c| c != '\n' && acts(c)) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if c != '\n' && acts(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_keep_the_value() {
        let value = "a\x1b\u{9b}\u{202e}\u{e0001}b\"\n";
        let text = escaped(serde_json::to_string(value).unwrap());
        assert!(text.bytes().all(|b| (0x20..0x7f).contains(&b)), "{text}");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), value);
    }
}
