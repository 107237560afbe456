//! The difference for spreadsheets: one record a difference.

use super::Diff;
use crate::csv::csv_record;

/// What differs, one a record: which kind, whose, what it was and what it is.
pub fn diff_csv(diff: &Diff) -> String {
    let mut out = String::new();
    csv_record(
        &mut out,
        ["difference", "id", "name", "attribute", "before", "after"],
    );
    let mut line = |cells: [&str; 6]| csv_record(&mut out, cells);
    for finding in &diff.findings.new {
        let severity = finding.severity.word();
        line([
            "new-finding",
            &finding.id,
            &finding.title,
            "severity",
            "",
            severity,
        ]);
    }
    for change in &diff.findings.changed {
        let (was, is) = (change.was.word(), change.finding.severity.word());
        let (id, title) = (&change.finding.id, &change.finding.title);
        if was != is {
            line(["changed-finding", id, title, "severity", was, is]);
        }
        for device in &change.joined {
            line(["changed-finding", id, title, "device", "", device]);
        }
    }
    for finding in &diff.findings.gone {
        let severity = finding.severity.word();
        line([
            "gone-finding",
            &finding.id,
            &finding.title,
            "severity",
            severity,
            "",
        ]);
    }
    for moved in &diff.moves {
        let (from, to) = (moved.from.join(" "), moved.to.join(" "));
        line(["moved", "", &moved.value, moved.what, &from, &to]);
    }
    for device in &diff.devices.new {
        line([
            "new-device",
            &device.id,
            &device.name,
            "what",
            "",
            &device.what,
        ]);
    }
    for changed in &diff.devices.changed {
        for change in &changed.changes {
            let before = change.before.as_deref().unwrap_or_default();
            let after = change.after.as_deref().unwrap_or_default();
            let (id, name) = (&changed.device.id, &changed.device.name);
            line(["changed-device", id, name, change.what, before, after]);
        }
    }
    for vanished in &diff.devices.vanished {
        let device = &vanished.device;
        line([
            "vanished-device",
            &device.id,
            &device.name,
            "what",
            &device.what,
            "",
        ]);
    }
    out
}
