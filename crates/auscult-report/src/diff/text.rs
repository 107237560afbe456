//! The difference for people: what is new first, what was only not seen last.

use super::{Brief, Change, Diff, FindingBrief, Vanished};
use crate::terminal::Page;
use crate::terminal::words;

/// Lines of one list unless all are asked for.
const SHOWN: usize = 30;
/// Changes shown of one device unless all are asked for.
const CHANGES: usize = 12;

/// Writes the difference on a page; everything when `all`.
pub fn diff_text(page: &mut Page, diff: &Diff, all: bool) {
    page.labelled("Before", &diff.before.to_string());
    page.labelled("After", &diff.after.to_string());
    for caution in &diff.cautions {
        page.labelled("Caution", caution);
    }
    sums(page, diff);
    findings(page, diff, all);
    moves(page, diff, all);
    devices(page, diff, all);
    absences(page, diff, all);
}

fn sums(page: &mut Page, diff: &Diff) {
    page.gap();
    if diff.is_empty() {
        page.text(0, "Nothing differs in devices and findings.");
        return;
    }
    let (d, f) = (&diff.devices, &diff.findings);
    let line = |new: usize, gone: usize, changed: usize, alike: usize| {
        format!("{new} new, {changed} changed, {gone} not seen again, {alike} as before")
    };
    page.labelled(
        "Findings",
        &line(f.new.len(), f.gone.len(), f.changed.len(), f.alike),
    );
    page.labelled(
        "Devices",
        &line(d.new.len(), d.vanished.len(), d.changed.len(), d.alike),
    );
}

/// At most so many of a list, and a line for the rest.
fn some<T>(page: &mut Page, list: &[T], all: bool, mut show: impl FnMut(&mut Page, &T)) {
    let shown = if all { list.len() } else { SHOWN };
    for item in list.iter().take(shown) {
        show(page, item);
    }
    if list.len() > shown {
        page.text(2, &format!("... {} more, --all", list.len() - shown));
    }
}

fn heading(page: &mut Page, words: &str) {
    page.gap();
    page.text(0, words);
}

fn finding(page: &mut Page, finding: &FindingBrief) {
    page.title(finding.severity, &finding.title, &finding.id);
}

fn findings(page: &mut Page, diff: &Diff, all: bool) {
    let findings = &diff.findings;
    if !findings.new.is_empty() {
        heading(page, "New findings");
        some(page, &findings.new, all, finding);
    }
    if !findings.changed.is_empty() {
        heading(page, "Changed findings");
        some(page, &findings.changed, all, |page, change| {
            finding(page, &change.finding);
            if change.finding.severity != change.was {
                let mut text = format!("was {}", change.was);
                if !change.reasons.is_empty() {
                    text.push_str(&format!(": {}", change.reasons.join("; ")));
                }
                page.text(10, &text);
            }
            if !change.joined.is_empty() {
                let joined = words::joined(&change.joined);
                page.text(10, &format!("now about {joined} too"));
            }
        });
    }
}

fn moves(page: &mut Page, diff: &Diff, all: bool) {
    if diff.moves.is_empty() {
        return;
    }
    heading(page, "Changed hands");
    some(page, &diff.moves, all, |page, moved| {
        let too = if moved.still { " too" } else { "" };
        let (from, to) = (words::joined(&moved.from), words::joined(&moved.to));
        let text = format!(
            "{} {}: was of {from}, is of {to}{too}",
            called(moved.what),
            moved.value
        );
        page.hanging("  >", 4, &text);
    });
}

fn device(page: &mut Page, mark: &str, device: &Brief) {
    let mut parts = vec![device.what.clone()];
    let address = device.ips.first().or(device.macs.first());
    parts.extend(address.filter(|address| **address != device.name).cloned());
    parts.extend(device.segments.first().cloned());
    if let Some(worst) = device.worst {
        parts.push(format!("worst finding {worst}"));
    }
    let text = format!("{}: {}", device.name, parts.join(", "));
    page.hanging(&format!("  {mark}"), 4, &text);
}

fn devices(page: &mut Page, diff: &Diff, all: bool) {
    let devices = &diff.devices;
    if !devices.new.is_empty() {
        heading(page, "New devices");
        some(page, &devices.new, all, |page, new| device(page, "+", new));
    }
    if devices.changed.is_empty() {
        return;
    }
    heading(page, "Changed devices");
    some(page, &devices.changed, all, |page, changed| {
        device(page, "~", &changed.device);
        if let Some(was) = &changed.was {
            page.text(6, &format!("known as {was} before"));
        }
        let shown = if all { changed.changes.len() } else { CHANGES };
        for change in changed.changes.iter().take(shown) {
            page.text(6, &said(change));
        }
        let hidden = changed.changes.len().saturating_sub(shown);
        if hidden > 0 {
            page.text(6, &format!("... {hidden} more, --all"));
        }
    });
}

/// What a change is called.
fn called(what: &str) -> &str {
    match what {
        "ip" => "address",
        "mac" => "network card",
        "service" => "offers",
        "peer" => "talks",
        "os" => "system",
        "hostname" => "host name",
        "serial" => "serial number",
        "patient-data" => "patient data",
        other => other,
    }
}

fn said(change: &Change) -> String {
    let what = called(change.what);
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => format!("{what}: {before} -> {after}"),
        (None, Some(after)) => format!("{what}: {after} (new)"),
        (Some(before), None) => format!("{what}: {before} (not seen again)"),
        (None, None) => what.to_owned(),
    }
}

fn absences(page: &mut Page, diff: &Diff, all: bool) {
    let (devices, findings) = (&diff.devices.vanished, &diff.findings.gone);
    if devices.is_empty() && findings.is_empty() {
        return;
    }
    if !findings.is_empty() {
        heading(page, "Findings that were not seen again");
        some(page, findings, all, finding);
    }
    if !devices.is_empty() {
        let (there, elsewhere): (Vec<&Vanished>, Vec<&Vanished>) =
            devices.iter().partition(|device| device.segment_watched);
        let show = |page: &mut Page, vanished: &&Vanished| device(page, "-", &vanished.device);
        if !there.is_empty() {
            heading(page, "Devices that were not seen again");
            some(page, &there, all, show);
        }
        if !elsewhere.is_empty() {
            heading(
                page,
                "Not seen again, and nothing else of their segments: the second captures may not \
                 reach there",
            );
            some(page, &elsewhere, all, show);
        }
    }
    let watched = diff.after.when_and_where();
    page.gap();
    page.text(
        0,
        &format!(
            "Not seen again is no proof of gone: only {watched} was watched. A device that was \
             off, elsewhere, or silent for that time looks the same, and so does a finding that \
             did not happen then."
        ),
    );
}
