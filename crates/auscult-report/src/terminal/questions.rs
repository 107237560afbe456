//! The first screen: what was read, the fixed questions, the sums.

use std::collections::BTreeSet;

use auscult_model::Segment;
use auscult_model::report::{Answer, Report, Role, Severity};

use super::page::{Page, pad};
use super::words;

/// What was read.
pub(super) fn head(page: &mut Page, report: &Report) {
    const NAMED: usize = 3;
    let mut files: Vec<String> = report
        .captures
        .iter()
        .take(NAMED)
        .map(|capture| capture.file.clone())
        .collect();
    if report.captures.len() > NAMED {
        files.push(format!("{} more captures", report.captures.len() - NAMED));
    }
    let files = words::joined(&files);
    let first = report
        .captures
        .iter()
        .filter_map(|capture| capture.first)
        .min();
    let last = report
        .captures
        .iter()
        .filter_map(|capture| capture.last)
        .max();
    let packets = report.captures.iter().map(|capture| capture.packets).sum();
    let mut size = vec![
        words::count(packets, "packet", "packets"),
        words::count(report.devices_total as u64, "device", "devices"),
    ];
    let unknown = report
        .devices
        .iter()
        .filter(|d| d.role == Role::Unknown)
        .count();
    if unknown > 0 {
        size.push(format!("{unknown} of them unknown"));
    }
    size.extend(segments(report));
    page.text(0, &format!("{files}, {}", words::span(first, last)));
    page.text(0, &size.join(", "));
}

/// `VLAN 20 30`, or how many segments there are; nothing where there is one without a tag.
fn segments(report: &Report) -> Option<String> {
    const NAMED: usize = 8;
    let segments: BTreeSet<Segment> = report
        .devices
        .iter()
        .flat_map(|device| device.segments.iter().copied())
        .collect();
    if segments.iter().all(|segment| *segment == Segment::UNTAGGED) {
        return None;
    }
    let plain = segments
        .iter()
        .all(|segment| Segment::vlan(segment.outer_vlan) == *segment);
    if !plain || segments.len() > NAMED {
        return Some(format!("{} segments", segments.len()));
    }
    let vlans = segments.iter().map(|segment| match segment.outer_vlan {
        0 => "untagged".to_owned(),
        vlan => vlan.to_string(),
    });
    Some(format!("VLAN {}", vlans.collect::<Vec<_>>().join(" ")))
}

/// The fixed questions and their answers.
pub(super) fn answers(page: &mut Page, report: &Report, all: bool) {
    if report.coverage.is_empty() {
        return;
    }
    page.gap();
    let widest = report
        .coverage
        .iter()
        .map(|c| c.question.len())
        .max()
        .unwrap_or(0);
    for coverage in &report.coverage {
        let begin = format!(
            "{}{}",
            pad(&coverage.question, widest + 2),
            word(coverage.answer)
        );
        page.hanging(
            &begin,
            widest + 2 + ANSWER,
            &coverage.short.replace("  ", ": "),
        );
        if all {
            page.text(4, &format!("because {}", coverage.because));
            if let Some(next) = &coverage.next {
                page.text(4, &format!("next: {next}"));
            }
        }
    }
}

const ANSWER: usize = "CANNOT TELL  ".len();

fn word(answer: Answer) -> &'static str {
    match answer {
        Answer::Yes => "YES",
        Answer::No => "NO",
        Answer::NotSeen => "NOT SEEN",
        Answer::CannotTell => "CANNOT TELL",
    }
}

/// How many findings of which severity, and how good the capture is.
pub(super) fn sums(page: &mut Page, report: &Report) {
    page.gap();
    let mut worst = String::new();
    for severity in [
        Severity::Critical,
        Severity::High,
        Severity::Medium,
        Severity::Low,
        Severity::Info,
    ] {
        let number = report
            .findings
            .iter()
            .filter(|f| f.severity == severity && f.is_open())
            .count();
        if number > 0 {
            if !worst.is_empty() {
                worst.push_str(", ");
            }
            worst.push_str(&format!("{number} {severity}"));
        }
    }
    if worst.is_empty() {
        worst.push_str("none");
    }
    let settled = report.findings.iter().filter(|f| !f.is_open()).count();
    if settled > 0 {
        worst.push_str(&format!("; {settled} decided and not open"));
    }
    page.hanging("Findings", COLUMN, &worst);
    page.hanging("Capture", COLUMN, &capture(report));
    for capture in report.captures.iter().filter(|capture| !capture.complete) {
        let why = capture
            .stopped_at
            .as_deref()
            .unwrap_or("cut short or damaged");
        page.hanging("Cut", COLUMN, &format!("{}: {why}", capture.file));
    }
    for skipped in report.skipped.iter().take(SKIPPED_SHOWN) {
        page.hanging(
            "Not read",
            COLUMN,
            &format!("{}: {}", skipped.file, skipped.why),
        );
    }
    if report.skipped.len() > SKIPPED_SHOWN {
        let more = report.skipped.len() - SKIPPED_SHOWN;
        page.hanging("Not read", COLUMN, &format!("{more} more files"));
    }
    next(page, report);
    if report.findings.is_empty() {
        page.gap();
        page.text(
            0,
            "Nothing wrong was seen. That holds for what this capture shows; the answers above \
             say what it could not have shown.",
        );
    }
}

const COLUMN: usize = 10;
/// Files that were not read, named on the first screen.
const SKIPPED_SHOWN: usize = 3;

fn capture(report: &Report) -> String {
    let mut points: Vec<&str> = Vec::new();
    for capture in &report.captures {
        let point = words::point(capture.point);
        if !points.contains(&point) {
            points.push(point);
        }
    }
    let health = &report.health;
    let mut parts = vec![points.join("; ")];
    if health.one_sided_flows > 0 {
        let flows = words::count(health.one_sided_flows, "TCP flow", "TCP flows");
        parts.push(format!("{flows} seen in one direction only"));
    }
    parts.push(format!("{:.2} % lost", health.loss_ppm as f64 / 10_000.0));
    parts.retain(|part| !part.is_empty());
    parts.join(", ")
}

/// What to do about questions that are open; where nothing was found, about every question.
fn next(page: &mut Page, report: &Report) {
    let all = report.findings.is_empty();
    let open = report
        .coverage
        .iter()
        .filter(|coverage| match coverage.answer {
            Answer::CannotTell => true,
            Answer::No | Answer::NotSeen => all,
            Answer::Yes => false,
        });
    let mut steps: Vec<&str> = Vec::new();
    for step in open.filter_map(|coverage| coverage.next.as_deref()) {
        if !steps.contains(&step) {
            steps.push(step);
        }
    }
    for (index, step) in steps.iter().enumerate() {
        let label = if index == 0 { "Next" } else { "" };
        page.hanging(&format!("{label:COLUMN$}- "), COLUMN + 2, step);
    }
}
