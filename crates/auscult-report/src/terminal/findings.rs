//! Findings: what was seen, what it means for whom, what else it may be, the proof.

use auscult_model::report::{Decision, Device, Finding, Report, Severity, details::Value};

use super::page::Page;
use super::words;

/// All findings, worst first, as the report has them. What is routine takes few lines, unless
/// `all`.
pub(super) fn list(page: &mut Page, report: &Report, all: bool) {
    let mut told: Vec<(&str, &str)> = Vec::new();
    let mut routine = false;
    // What somebody decided about needs no work, and stands at the end.
    let open = report
        .findings
        .iter()
        .filter(|finding| all || finding.is_open());
    for finding in open {
        page.gap();
        if !all && finding.severity <= Severity::Low {
            routine = true;
            page.title(finding.severity, &finding.title, &finding.id);
            decided(page, finding);
            seen(page, finding);
            page.labelled("Admin", &finding.action);
        } else {
            brief(page, report, finding);
            owner(page, finding, &mut told);
            page.labelled("Else", finding.innocent.as_deref().unwrap_or_default());
            page.labelled("Advisory", &cited(finding, CITED));
        }
        page.labelled("Proof", &words::packets(&finding.evidence));
        page.labelled("", &words::filter(&finding.evidence).unwrap_or_default());
    }
    stories(page, report, all);
    if routine {
        page.gap();
        page.text(
            0,
            "More about a finding, with every packet: auscult finding ID PATH",
        );
    }
}

/// Lines of a story; `--all` and JSON have the rest.
const STEPS: usize = 8;

/// Findings that have one cause, in order of time. Those of which all were decided are no work.
fn stories(page: &mut Page, report: &Report, all: bool) {
    for incident in &report.incidents {
        let of = |id: &String| report.findings.iter().find(|finding| finding.id == *id);
        let open = incident
            .findings
            .iter()
            .filter_map(of)
            .any(Finding::is_open);
        if !open && !all {
            continue;
        }
        page.gap();
        let whom = incident
            .peer
            .map_or_else(String::new, |ip| format!(" with {ip}"));
        let when = words::span(incident.first_seen, incident.last_seen);
        let findings = incident.findings.join(" ");
        page.text(0, &format!("One story{whom}, {when}: {findings}"));
        let most = if all { usize::MAX } else { STEPS };
        for step in incident.timeline.iter().take(most) {
            let evidence = &step.evidence;
            let time = evidence.at.map_or_else(String::new, |at| at.to_string());
            let time = time.get(11..19).unwrap_or(&time);
            let note = evidence.note.as_deref().unwrap_or_default();
            page.text(2, &format!("{time} #{} {note}", evidence.packet));
        }
    }
}

/// What was decided about findings that are not shown above.
pub(super) fn settled(page: &mut Page, report: &Report, all: bool) {
    let settled = report.findings.iter().filter(|finding| !finding.is_open());
    let settled: Vec<&Finding> = settled.collect();
    if settled.is_empty() || all {
        return;
    }
    page.gap();
    page.text(0, "Decided, and not open");
    for finding in settled {
        let words = finding.decision.as_ref().map(decision);
        let words = words.unwrap_or_default();
        page.hanging(
            "",
            2,
            &format!(
                "{} {}: {words} ({})",
                finding.severity, finding.title, finding.id
            ),
        );
    }
}

/// What somebody decided, in words.
fn decision(decision: &Decision) -> String {
    let mut said = match decision.status.as_str() {
        "open" => "opened again".to_owned(),
        "expired" => "open again: the time is over for which it was accepted".to_owned(),
        "seen-again" => "open again: seen after it was closed".to_owned(),
        other => other.to_owned(),
    };
    if let Some(until) = decision.until {
        said += &format!(" until {}", words::span(Some(until), Some(until)));
    }
    if !decision.reason.is_empty() {
        said += &format!(", \"{}\"", decision.reason);
    }
    if let Some(at) = decision.at {
        said += &format!(" (said {})", words::span(Some(at), Some(at)));
    }
    said
}

fn decided(page: &mut Page, finding: &Finding) {
    if let Some(made) = &finding.decision {
        page.labelled("Decided", &decision(made));
    }
}

/// Whose address it is: in full once, afterwards by the finding that says it.
fn owner<'r>(page: &mut Page, finding: &'r Finding, told: &mut Vec<(&'r str, &'r str)>) {
    let Some(owner) = finding.owner.as_deref() else {
        return;
    };
    match told.iter().find(|(known, _)| *known == owner) {
        Some((_, id)) => page.labelled("Owner", &format!("as in {id}")),
        None => {
            page.labelled("Owner", owner);
            told.push((owner, &finding.id));
        }
    }
}

/// Devices named in one line; more are counted.
const NAMED: usize = 4;
/// Advisories named in one line; more are counted.
const CITED: usize = 3;

fn brief(page: &mut Page, report: &Report, finding: &Finding) {
    page.title(finding.severity, &finding.title, &finding.id);
    decided(page, finding);
    page.labelled("Device", &who(report, finding));
    if finding.confidence < 0.9 || finding.weakened_by_loss {
        let mut sure = words::percent(finding.confidence);
        if finding.weakened_by_loss {
            sure.push_str(", weakened by what the capture lost");
        }
        page.labelled("Sure", &sure);
    }
    seen(page, finding);
    page.labelled("Nurse", &finding.impact);
    page.labelled("Admin", &finding.action);
    page.labelled("Director", finding.director.as_deref().unwrap_or_default());
}

fn seen(page: &mut Page, finding: &Finding) {
    for (index, seen) in finding.seen.iter().enumerate() {
        page.labelled(if index == 0 { "Seen" } else { "" }, seen);
    }
}

fn who(report: &Report, finding: &Finding) -> String {
    let mut devices: Vec<&Device> = finding
        .devices
        .iter()
        .filter_map(|id| crate::find_device(report, id))
        .collect();
    // The device at the other side stands behind the arrow.
    let is_peer = |device: &Device| finding.peer.is_some_and(|peer| device.ips.contains(&peer));
    if !devices.iter().all(|device| is_peer(device)) {
        devices.retain(|device| !is_peer(device));
    }
    let mut names: Vec<String> = match devices.as_slice() {
        [one] => vec![introduced(one)],
        many => many
            .iter()
            .take(NAMED)
            .map(|device| words::called(device))
            .collect(),
    };
    if devices.len() > NAMED {
        names.push(format!("{} more", devices.len() - NAMED));
    }
    let mut text = words::joined(&names);
    if let Some(peer) = finding.peer {
        text.push_str(&format!(" -> {peer}"));
        if let Some(Value::Number(port)) = finding.details.get("port") {
            text.push_str(&format!(" port {port}"));
        }
    }
    text
}

/// Name, make or role, and how sure.
fn introduced(device: &Device) -> String {
    let name = words::name(device);
    let what = words::make(device).unwrap_or_else(|| words::role(device.role).to_owned());
    if what == "unknown" {
        format!("{name} (unknown device)")
    } else {
        format!("{name} ({what}, {})", words::percent(device.confidence))
    }
}

fn cited(finding: &Finding, most: usize) -> String {
    let mut text = finding.cves.get(..most).unwrap_or(&finding.cves).join(" ");
    if finding.cves.len() > most {
        text.push_str(&format!(" and {} more", finding.cves.len() - most));
    }
    text
}

/// One finding with its reasons, values and each packet.
pub(super) fn whole(page: &mut Page, report: &Report, finding: &Finding) {
    brief(page, report, finding);
    page.labelled("Owner", finding.owner.as_deref().unwrap_or_default());
    page.labelled("Else", finding.innocent.as_deref().unwrap_or_default());
    page.labelled("When", &words::span(finding.first_seen, finding.last_seen));
    page.labelled("Times", &finding.count.to_string());
    if finding.confidence >= 0.9 && !finding.weakened_by_loss {
        page.labelled("Sure", &words::percent(finding.confidence));
    }
    for (index, reason) in finding.reasons.iter().enumerate() {
        page.labelled(if index == 0 { "Because" } else { "" }, reason);
    }
    page.labelled("Rule", &format!("{} (auscult explain {0})", finding.rule));
    page.labelled("Advisory", &cited(finding, usize::MAX));
    page.labelled("ATT&CK", &finding.attack.join(" "));
    page.labelled("Also", &finding.aliases.join(" "));
    if finding.devices.len() > 1 {
        page.gap();
        page.text(0, "Devices");
        for id in &finding.devices {
            let about = crate::find_device(report, id)
                .map(introduced)
                .unwrap_or_default();
            page.text(2, &format!("{id} {about}"));
        }
    }
    if !finding.details.is_empty() {
        page.gap();
        page.text(0, "Details");
        for (name, value) in &finding.details {
            page.hanging(&format!("  {name}"), 26, &shown(value));
        }
    }
    page.gap();
    page.text(0, "Proof");
    for evidence in &finding.evidence {
        let note = evidence.note.as_deref().unwrap_or_default();
        page.text(2, &format!("{} #{} {note}", evidence.file, evidence.packet));
        if let Some(filter) = &evidence.filter {
            page.text(4, filter);
        }
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Switch(true) => "yes".to_owned(),
        Value::Switch(false) => "no".to_owned(),
        Value::List(texts) => texts.join(", "),
    }
}
