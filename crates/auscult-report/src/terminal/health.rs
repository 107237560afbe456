//! Files that crossed, and what was lost, cut or limited.

use auscult_model::report::{ArtifactEntry, Capture, ConflictEntry, Health, Report};

use super::page::Page;
use super::words;

/// Files shown unless all are asked for.
const FILES: usize = 10;

/// Files that crossed.
pub(super) fn files(page: &mut Page, report: &Report, all: bool) {
    if report.artifacts_total == 0 {
        return;
    }
    page.gap();
    page.text(0, "Files that crossed");
    let listed = report.artifacts.len();
    let shown = if all { listed } else { FILES.min(listed) };
    for file in report.artifacts.iter().take(shown) {
        entry(page, file);
    }
    if shown < listed {
        page.text(2, &format!("... {} more, --all", listed - shown));
    }
    if report.artifacts_total > listed {
        let unlisted = report.artifacts_total - listed;
        page.text(2, &format!("... {unlisted} more counted, not listed"));
    }
}

fn entry(page: &mut Page, file: &ArtifactEntry) {
    let part = match (file.complete, file.sha256.is_empty()) {
        (true, false) => "complete",
        (true, true) => "complete, not hashed",
        (false, _) => "in part",
    };
    let signed = match &file.signature {
        Some(kind) => format!(" with a signature ({kind}, not checked)"),
        None => String::new(),
    };
    page.hanging(
        "",
        2,
        &format!(
            "\"{}\": {}{signed}, {}, {part}, by {}, {} -> {}",
            file.name,
            file.kind,
            words::bytes(file.size),
            file.protocol,
            file.from,
            file.to
        ),
    );
    if !file.sha256.is_empty() {
        page.text(4, &format!("SHA-256 {}", file.sha256));
    }
    page.text(4, &words::packets(&file.evidence));
}

/// What was lost, cut or limited: what matters, or everything.
pub(super) fn health(page: &mut Page, report: &Report, all: bool) {
    let rows = rows(&report.health);
    let shown: Vec<_> = rows
        .iter()
        .filter(|(number, ..)| all || *number > 0)
        .collect();
    let unrelated = crate::unrelated(report);
    let moved: Vec<String> = report.captures.iter().filter_map(moved).collect();
    let said = unrelated.is_some() || !moved.is_empty();
    if said || !shown.is_empty() || !report.health.limits.is_empty() {
        page.gap();
        page.text(0, "What limits these answers");
        if let Some(words) = unrelated {
            page.text(
                2,
                &format!("{}. --each reports on each.", upper_first(&words)),
            );
        }
        for words in moved {
            page.text(2, &words);
        }
        for (number, what) in shown {
            page.hanging(&format!("{:>10}", words::short(*number)), 12, what);
        }
        for (limit, number) in &report.health.limits {
            let what = format!("times the limit \"{limit}\" was reached");
            page.hanging(&format!("{:>10}", words::short(*number)), 12, &what);
        }
        if let Some(text) = in_the_air(&report.health) {
            page.text(2, &text);
        }
        for conflict in &report.health.conflicts {
            page.text(2, &contradiction(conflict));
        }
    }
    if all {
        basis(page, report);
    }
}

fn rows(health: &Health) -> Vec<(u64, &'static str)> {
    vec![
        (
            health.dropped_by_capture,
            "packets that the capturing program dropped",
        ),
        (health.loss_ppm, "packets in a million lost, as estimated"),
        (
            health.cut_by_snaplen,
            "packets cut by the capture's snap length",
        ),
        (
            health.undecoded,
            "packets of a link or network type that is not decoded",
        ),
        (health.gaps, "holes in TCP streams"),
        (
            health.gaps_upstream,
            "of them lost by the capture, not by the network",
        ),
        (health.bytes_missing, "bytes in those holes"),
        (
            health.one_sided_flows,
            "TCP flows of which one direction was captured",
        ),
        (
            health.conflicting_flows,
            "TCP flows with conflicting bytes for the same place",
        ),
        (
            health.conflicting_fragments,
            "fragments that contradict others of their datagram",
        ),
        (
            health.wrong_checksums,
            "TCP segments not read because of a wrong checksum",
        ),
        (
            health.fragments_expired,
            "fragmented datagrams that never completed",
        ),
        (
            health.flows_evicted,
            "flows forgotten to stay within the memory",
        ),
        (health.time_steps, "steps of the capture's clock"),
        (
            health.texts_withheld,
            "texts withheld: patient data could not be masked safely",
        ),
    ]
}

/// How much of what was captured in the air is encrypted, and where it would not be.
fn in_the_air(health: &Health) -> Option<String> {
    let share = (health.radio_encrypted * 100).checked_div(health.radio_frames)?;
    (health.radio_encrypted > 0).then(|| {
        format!(
            "{share} % of the {} captured in the air are encrypted: capture at the wireless \
             controller, or on the wire behind the access points",
            words::count(health.radio_frames, "data frame", "data frames")
        )
    })
}

/// How far a capture's clock was moved.
fn moved(capture: &Capture) -> Option<String> {
    let offset = capture.clock_offset.as_ref()?;
    let way = match offset.nanoseconds {
        ..0 => "ahead of",
        _ => "behind",
    };
    Some(format!(
        "The clock of {} was {} {way} that of {}, by {} in both; its times are shown without that.",
        capture.file,
        words::duration(offset.nanoseconds.saturating_abs()),
        offset.beside,
        words::count(offset.packets, "packet", "packets"),
    ))
}

fn upper_first(words: &str) -> String {
    let mut rest = words.chars();
    rest.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(rest).collect()
    })
}

/// Which bytes of a flow came twice, differently.
fn contradiction(conflict: &ConflictEntry) -> String {
    let versions = match (&conflict.first, &conflict.later) {
        (Some(first), Some(later)) => format!("XXH3 {first}, then {later}"),
        _ => "digests of patient data are not told".to_owned(),
    };
    format!(
        "{} port {} to {} port {} ({}), {} #{}: {versions}",
        conflict.from,
        conflict.from_port,
        conflict.to,
        conflict.to_port,
        conflict.protocol,
        conflict.evidence.file,
        conflict.evidence.packet,
    )
}

/// What the statements rest on.
fn basis(page: &mut Page, report: &Report) {
    let health = &report.health;
    page.gap();
    page.text(0, "What was handled");
    for (number, what) in [
        (health.packets, "packets"),
        (health.copies, "of them copies of others"),
        (health.flows, "flows"),
        (health.events, "events"),
        (
            health.link_own,
            "frames of the links themselves (beacons, acknowledgements)",
        ),
        (
            health.events_suppressed,
            "repeated events, counted with the first",
        ),
    ] {
        page.hanging(&format!("{:>10}", words::short(number)), 12, what);
    }
    for (what, number) in &health.oddities {
        page.hanging(&format!("{:>10}", words::short(*number)), 12, what);
    }
    page.gap();
    page.text(0, "What counts as ours, besides private addresses");
    let site = &report.site;
    let squatted: Vec<String> = site.squatted.iter().map(ToString::to_string).collect();
    for (label, list) in [
        ("Networks", &site.networks),
        ("Squatted", &squatted),
        ("Partners", &site.partners),
    ] {
        let text = if list.is_empty() {
            "none".to_owned()
        } else {
            list.join(", ")
        };
        page.labelled(label, &text);
    }
    page.gap();
    page.text(0, "Captures");
    for capture in &report.captures {
        page.text(
            2,
            &format!(
                "{}: {}, {}, {}, {}, fingerprint {}",
                capture.file,
                words::span(capture.first, capture.last),
                words::count(capture.packets, "packet", "packets"),
                words::bytes(capture.bytes),
                words::point(capture.point),
                capture.fingerprint
            ),
        );
        for overlap in &capture.overlaps {
            page.text(4, &crate::overlap(&capture.file, overlap));
        }
        for comment in &capture.comments {
            let place = comment.packet.map(|number| format!(" on packet {number}"));
            let place = place.unwrap_or_default();
            page.text(4, &format!("comment{place}: \"{}\"", comment.text));
        }
        for name in &capture.names {
            page.text(
                4,
                &format!("{} is called \"{}\" by its author", name.ip, name.name),
            );
        }
    }
    page.gap();
    page.text(0, "Data sets");
    for set in &report.data_sets {
        page.text(
            2,
            &format!(
                "{} {} ({}), {}",
                set.name, set.version, set.date, set.licence
            ),
        );
    }
}
