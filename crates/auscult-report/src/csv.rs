//! Tables for spreadsheets: RFC 4180, UTF-8, and no cell that a spreadsheet would compute.
//!
//! A cell that begins with `=`, `+`, `-`, `@`, tab or carriage return gets a leading apostrophe
//! (OWASP, "CSV Injection"): names come from traffic, and anybody can send one.

use auscult_model::report::{Device, Finding};

use crate::printable::printable;

/// A table with one more column in front that holds the same in all rows; with its first line, the
/// names of the columns, or without.
pub fn csv_beside(column: &str, value: &str, table: &str, with_head: bool) -> String {
    let mut out = String::with_capacity(table.len());
    // No cell holds a line's end: see `printable`.
    for (index, line) in table.split_inclusive("\r\n").enumerate() {
        match index {
            0 if !with_head => continue,
            0 => push_cell(&mut out, column),
            _ => push_cell(&mut out, value),
        }
        out.push(',');
        out.push_str(line);
    }
    out
}

/// Appends one record.
pub fn csv_record<T: AsRef<str>>(out: &mut String, cells: impl IntoIterator<Item = T>) {
    for (index, text) in cells.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        push_cell(out, text.as_ref());
    }
    out.push_str("\r\n");
}

fn push_cell(out: &mut String, text: &str) {
    let computed = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = printable(text);
    let quoted = text.contains([',', '"', ';', '\'']) || text.starts_with(' ');
    if quoted {
        out.push('"');
    }
    if computed {
        out.push('\'');
    }
    for c in text.chars() {
        if c == '"' {
            out.push('"');
        }
        out.push(c);
    }
    if quoted {
        out.push('"');
    }
}

fn joined<T: ToString>(list: &[T]) -> String {
    let texts: Vec<String> = list.iter().map(ToString::to_string).collect();
    texts.join(" ")
}

const DEVICE_HEAD: [&str; 26] = [
    "id",
    "role",
    "vendor",
    "model",
    "serial",
    "firmware",
    "os",
    "hostname",
    "unit",
    "bed",
    "confidence",
    "macs",
    "ips",
    "segments",
    "inside",
    "isolation",
    "talks_to_inside",
    "talks_to_outside",
    "services",
    "patient_data",
    "worst",
    "first_seen",
    "last_seen",
    "signature",
    "labelled_as",
    "aliases",
];

/// The devices, one a record.
pub fn csv_devices<'d>(devices: impl IntoIterator<Item = &'d Device>) -> String {
    let mut out = String::new();
    csv_record(&mut out, DEVICE_HEAD);
    for device in devices {
        csv_record(&mut out, device_cells(device));
    }
    out
}

fn device_cells(device: &Device) -> [String; 26] {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let (inside, outside) = device.peers();
    let services: Vec<String> = device
        .services
        .iter()
        .map(|s| format!("{}/{} {}", s.port, s.transport, s.protocol))
        .collect();
    let segments: Vec<String> = device.segments.iter().map(ToString::to_string).collect();
    [
        device.id.clone(),
        device.role.to_string(),
        text(&device.vendor),
        text(&device.model),
        text(&device.serial),
        text(&device.firmware),
        text(&device.os),
        text(&device.hostname),
        text(&device.unit),
        text(&device.bed),
        format!("{:.2}", device.confidence),
        joined(&device.macs),
        joined(&device.ips),
        segments.join("; "),
        if device.inside { "yes" } else { "no" }.to_owned(),
        isolation(device).to_owned(),
        inside.to_string(),
        outside.to_string(),
        services.join("; "),
        joined(&device.patient_data),
        device.worst.map(|s| s.to_string()).unwrap_or_default(),
        device.first_seen.map(|t| t.to_string()).unwrap_or_default(),
        device.last_seen.map(|t| t.to_string()).unwrap_or_default(),
        text(&device.signature),
        text(&device.labelled_as),
        joined(&device.aliases),
    ]
}

fn isolation(device: &Device) -> &'static str {
    use auscult_model::report::Isolation::{CannotTell, CrossesSegment, LocalOnly, ReachesOutside};
    match device.isolation {
        LocalOnly => "local-only",
        CrossesSegment => "crosses-segment",
        ReachesOutside => "reaches-outside",
        CannotTell => "cannot-tell",
    }
}

const FINDING_HEAD: [&str; 20] = [
    "id",
    "severity",
    "confidence",
    "rule",
    "title",
    "devices",
    "peer",
    "owner",
    "seen",
    "impact",
    "action",
    "director",
    "innocent",
    "reasons",
    "cves",
    "attack",
    "count",
    "first_seen",
    "last_seen",
    "evidence",
];

/// The findings, one a record.
pub fn csv_findings<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> String {
    let mut out = String::new();
    csv_record(&mut out, FINDING_HEAD);
    for finding in findings {
        csv_record(&mut out, finding_cells(finding));
    }
    out
}

fn finding_cells(finding: &Finding) -> [String; 20] {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let evidence: Vec<String> = finding
        .evidence
        .iter()
        .map(|e| format!("{} #{}", e.file, e.packet))
        .collect();
    [
        finding.id.clone(),
        finding.severity.to_string(),
        format!("{:.2}", finding.confidence),
        finding.rule.to_string(),
        finding.title.clone(),
        joined(&finding.devices),
        finding.peer.map(|p| p.to_string()).unwrap_or_default(),
        text(&finding.owner),
        finding.seen.join(" "),
        finding.impact.clone(),
        finding.action.clone(),
        text(&finding.director),
        text(&finding.innocent),
        finding.reasons.join("; "),
        joined(&finding.cves),
        joined(&finding.attack),
        finding.count.to_string(),
        finding
            .first_seen
            .map(|t| t.to_string())
            .unwrap_or_default(),
        finding.last_seen.map(|t| t.to_string()).unwrap_or_default(),
        evidence.join("; "),
    ]
}
