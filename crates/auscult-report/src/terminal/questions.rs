//! The first screen: what was read, the fixed questions, the sums.

use auscult_model::report::{Answer, Coverage, Report, Role, Severity};

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
    page.text(0, &words::joined(&files));
    let unknown = report
        .devices
        .iter()
        .filter(|d| d.role == Role::Unknown)
        .count();
    let mut line = format!(
        "{}, {}, {}",
        words::span(first, last),
        words::count(packets, "packet", "packets"),
        words::count(report.devices_total as u64, "device", "devices"),
    );
    if unknown > 0 {
        line.push_str(&format!(" ({unknown} unknown)"));
    }
    page.text(0, &line);
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
            pad(coverage.question, widest + 2),
            word(coverage.answer)
        );
        page.hanging(&begin, widest + 2 + ANSWER, &words_of(coverage));
        if all {
            page.text(4, &format!("because {}", coverage.because));
            if let Some(next) = coverage.next.as_ref().filter(|_| !tells_next(coverage)) {
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

/// An answer that leaves the question open says at once what to do about it.
fn tells_next(coverage: &Coverage) -> bool {
    coverage.answer == Answer::CannotTell && coverage.next.is_some()
}

fn words_of(coverage: &Coverage) -> String {
    let short = coverage.short.replace("  ", ": ");
    match &coverage.next {
        Some(next) if tells_next(coverage) => format!("{short}: {next}"),
        _ => short,
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
            .filter(|f| f.severity == severity)
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
    page.hanging("Findings", COLUMN, &worst);
    page.hanging("Capture", COLUMN, &capture(report));
    for capture in report.captures.iter().filter(|capture| !capture.complete) {
        let why = capture
            .stopped_at
            .as_deref()
            .unwrap_or("cut short or damaged");
        page.hanging("Cut", COLUMN, &format!("{}: {why}", capture.file));
    }
    if report.findings.is_empty() {
        next(page, report);
    }
}

const COLUMN: usize = 10;

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

/// Nothing found is worth something only with what could not have been seen.
fn next(page: &mut Page, report: &Report) {
    let mut steps: Vec<&str> = Vec::new();
    for coverage in report.coverage.iter().filter(|c| c.answer != Answer::Yes) {
        if let Some(next) = coverage
            .next
            .as_deref()
            .filter(|next| !steps.contains(next))
        {
            steps.push(next);
        }
    }
    page.gap();
    page.text(
        0,
        "Nothing wrong was seen. That holds for what this capture shows; the answers above say \
         what it could not have shown.",
    );
    for (index, step) in steps.iter().enumerate() {
        page.hanging(if index == 0 { "Next" } else { "" }, COLUMN, step);
    }
}
