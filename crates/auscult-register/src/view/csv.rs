//! For spreadsheets: one record a row or device, the first column says in which list it is.

use auscult_model::report::{Device, Report};
use auscult_report::{Brief, csv_record};

use super::{devices, rows};
use crate::{Check, Fit, Row};

const HEAD: [&str; 18] = [
    "list",
    "line",
    "asset",
    "maker",
    "model",
    "description",
    "serial",
    "unit",
    "location",
    "status",
    "by",
    "note",
    "device",
    "device_name",
    "device_what",
    "device_macs",
    "device_ips",
    "advisories",
];

/// Everything as CSV.
pub fn register_csv(check: &Check<'_>) -> String {
    let mut table = Table {
        text: String::new(),
    };
    csv_record(&mut table.text, HEAD);
    for walk in &check.walk {
        let row = check.register.rows.get(walk.row);
        let list = match walk.fit {
            Fit::Named => "walk-named",
            Fit::LookAt => "walk-look-at",
        };
        let advisories = walk.advisories.join(" ");
        table.record(list, row, "", &walk.because, None, &advisories);
    }
    if let Some(report) = check.report {
        network(check, report, &mut table);
    }
    for (key, value, places) in &check.duplicates {
        for row in rows(check, places) {
            let note = format!("{} {value} stands in {} rows", key.words(), places.len());
            table.record("duplicate", Some(row), "", &note, None, "");
        }
    }
    for problem in &check.register.problems {
        let row = Row {
            line: problem.line,
            ..Row::default()
        };
        let field = problem
            .field
            .map(|field| format!("{field} "))
            .unwrap_or_default();
        let note = format!("{field}{}: {}", problem.value, problem.what);
        table.record("problem", Some(&row), "", &note, None, "");
    }
    table.text
}

fn network(check: &Check<'_>, report: &Report, table: &mut Table) {
    let row = |place: usize| check.register.rows.get(place);
    for found in &check.both {
        let by: Vec<&str> = found.by.iter().map(|key| key.words()).collect();
        for device in devices(report, &found.devices) {
            let note = found.notes.join("; ");
            table.record(
                "both",
                row(found.row),
                &by.join(" "),
                &note,
                Some(device),
                "",
            );
        }
    }
    for found in &check.contradictions {
        for device in devices(report, &found.devices) {
            table.record(
                "contradiction",
                row(found.row),
                "",
                &found.why,
                Some(device),
                "",
            );
        }
    }
    for group in &check.counted {
        let place = group.unit.as_deref().unwrap_or("any unit");
        let note = format!(
            "{}, {place}: {} in the register, {} on the network",
            group.model,
            group.rows.len(),
            group.devices.len()
        );
        for row in rows(check, &group.rows) {
            table.record("counted", Some(row), "", &note, None, "");
        }
        for device in devices(report, &group.devices) {
            table.record("counted", None, "", &note, Some(device), "");
        }
    }
    for device in devices(report, &check.only_network) {
        table.record("only-network", None, "", "", Some(device), "");
    }
    for found in &check.only_register {
        let hint = found.hint.and_then(|place| report.devices.get(place));
        let note = match hint {
            Some(_) => "this device has its IP address: a hint, no match",
            None => "",
        };
        table.record("only-register", row(found.row), "", note, hint, "");
    }
    for row in rows(check, &check.retired) {
        table.record("retired", Some(row), "", "", None, "");
    }
}

struct Table {
    text: String,
}

impl Table {
    fn record(
        &mut self,
        list: &str,
        row: Option<&Row>,
        by: &str,
        note: &str,
        device: Option<&Device>,
        advisories: &str,
    ) {
        let none = Row::default();
        let line = row.map(|row| row.line.to_string()).unwrap_or_default();
        let row = row.unwrap_or(&none);
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let device = device.map(Brief::of);
        let of = |get: fn(&Brief) -> String| device.as_ref().map(get).unwrap_or_default();
        csv_record(
            &mut self.text,
            [
                list.to_owned(),
                line,
                text(&row.asset),
                text(&row.vendor),
                text(&row.model),
                text(&row.description),
                text(&row.serial),
                text(&row.unit),
                text(&row.location),
                text(&row.status),
                by.to_owned(),
                note.to_owned(),
                of(|device| device.id.clone()),
                of(|device| device.name.clone()),
                of(|device| device.what.clone()),
                of(|device| device.macs.join(" ")),
                of(|device| device.ips.join(" ")),
                advisories.to_owned(),
            ],
        );
    }
}
