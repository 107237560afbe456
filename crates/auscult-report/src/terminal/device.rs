//! One device: what it is, whom it talks to, what is wrong, and why all this is said.

use auscult_model::report::{Device, Report, TalksTo};

use super::page::Page;
use super::words;

/// Peers shown unless all are asked for.
const PEERS: usize = 20;

/// Everything about a device; every claim with its packets when `why`.
pub(super) fn whole(page: &mut Page, report: &Report, device: &Device, why: bool, all: bool) {
    identity(page, device);
    namesakes(page, report, device);
    conduct(page, device);
    talks(page, device, all);
    let mut findings = crate::findings_of(report, &device.id).peekable();
    page.gap();
    if findings.peek().is_none() {
        page.text(0, "No finding about this device.");
    }
    for finding in findings {
        page.title(finding.severity, &finding.title, &finding.id);
    }
    page.gap();
    if why {
        bonds(page, device);
        claims(page, device);
    } else {
        page.text(0, "How each of this is known: --why");
    }
}

fn identity(page: &mut Page, device: &Device) {
    let role = words::role(device.role);
    let what = match words::make(device) {
        Some(make) => format!("{make}, {role}"),
        None if role == "unknown" => "unknown device".to_owned(),
        None => role.to_owned(),
    };
    let sure = match role {
        "unknown" => String::new(),
        _ => format!(
            " ({}, {})",
            words::certainty(device.confidence),
            words::percent(device.confidence)
        ),
    };
    page.text(0, &format!("{}: {what}{sure}", words::name(device)));
    let optional = |value: &Option<String>| value.clone().unwrap_or_default();
    let list = |items: Vec<String>| items.join(", ");
    page.labelled("Id", &device.id);
    page.labelled("Also", &device.aliases.join(", "));
    page.labelled(
        "IP",
        &list(device.ips.iter().map(ToString::to_string).collect()),
    );
    page.labelled(
        "MAC",
        &list(device.macs.iter().map(ToString::to_string).collect()),
    );
    let segments: Vec<String> = device.segments.iter().map(ToString::to_string).collect();
    page.labelled("Segment", &segments.join(", "));
    page.labelled("Serial", &optional(&device.serial));
    page.labelled("Firmware", &optional(&device.firmware));
    page.labelled("System", &optional(&device.os));
    page.labelled("Host", &optional(&device.hostname));
    if let Some(label) = &device.labelled_as {
        page.labelled("Label", &format!("may read {label} or another brand"));
    }
}

/// The same address in another segment is another device.
fn namesakes(page: &mut Page, report: &Report, device: &Device) {
    let shares = |other: &&Device| {
        other.id != device.id && other.ips.iter().any(|ip| device.ips.contains(ip))
    };
    let ids: Vec<&str> = report
        .devices
        .iter()
        .filter(shares)
        .map(|other| other.id.as_str())
        .collect();
    if !ids.is_empty() {
        page.labelled(
            "Same IP",
            &format!("but another device: {}", ids.join(", ")),
        );
    }
}

fn conduct(page: &mut Page, device: &Device) {
    page.labelled("Seen", &words::span(device.first_seen, device.last_seen));
    let mut reach = words::isolation(device.isolation).to_owned();
    if !device.inside {
        reach.push_str("; itself outside the site");
    }
    page.labelled("Reach", &reach);
    let services: Vec<String> = device
        .services
        .iter()
        .map(|s| format!("{} ({} {})", s.protocol, s.transport, s.port))
        .collect();
    page.labelled("Offers", &services.join(", "));
    let kinds: Vec<String> = device
        .patient_data
        .iter()
        .map(|kind| kind.word().replace('-', " "))
        .collect();
    if !kinds.is_empty() {
        page.labelled(
            "Patient",
            &format!("data of these kinds: {}", kinds.join(", ")),
        );
    }
}

fn talks(page: &mut Page, device: &Device, all: bool) {
    page.gap();
    if device.talks_to.is_empty() {
        page.text(0, "It was not seen to talk to anybody.");
        return;
    }
    page.text(0, "Talks to");
    let shown = if all {
        device.talks_to.len()
    } else {
        PEERS.min(device.talks_to.len())
    };
    let mut owner = None;
    for line in device.talks_to.iter().take(shown) {
        peer(page, line);
        if line.owner.is_some() && line.owner != owner {
            page.text(5, line.owner.as_deref().unwrap_or_default());
        }
        owner.clone_from(&line.owner);
    }
    let hidden = device.talks_to.len() - shown;
    if hidden > 0 {
        page.text(2, &format!("... {hidden} more lines, --all"));
    }
    let peers = device.talks_to_total;
    if peers > device.talks_to.len() {
        page.text(2, &format!("{peers} peers in all"));
    }
}

fn peer(page: &mut Page, line: &TalksTo) {
    let arrow = if line.direction == "in" { "<-" } else { "->" };
    let name = line
        .name
        .as_ref()
        .map(|name| format!(" ({name})"))
        .unwrap_or_default();
    let port = if line.port == 0 {
        String::new()
    } else {
        format!(" port {}", line.port)
    };
    let unanswered = if line.answered || line.place.is_outside() {
        ""
    } else {
        ", no answer"
    };
    let text = format!(
        "{}{name}{port}, {}: {}{unanswered}, {}, {} / {}",
        line.peer,
        line.protocol,
        words::place(line.place),
        words::count(line.flows, "flow", "flows"),
        words::bytes(line.bytes[0]),
        words::bytes(line.bytes[1]),
    );
    page.hanging(&format!("  {arrow}"), 5, &text);
}

fn bonds(page: &mut Page, device: &Device) {
    if device.bonds.is_empty() {
        return;
    }
    page.text(
        0,
        "One device: why these are one (=), and why others are not (x)",
    );
    for bond in &device.bonds {
        let sign = if bond.joined { "  =" } else { "  x" };
        page.hanging(sign, 4, &format!("{}: {}", bond.what, bond.because));
    }
    page.gap();
}

fn claims(page: &mut Page, device: &Device) {
    page.text(0, "Why: all that was claimed, best supported first");
    for claim in &device.claims {
        page.hanging(
            "",
            2,
            &format!(
                "{} = {} ({}, {})",
                claim.attribute,
                claim.value,
                words::percent(claim.confidence),
                claim.source
            ),
        );
        if !claim.evidence.is_empty() {
            page.text(6, &words::packets(&claim.evidence));
        }
    }
}
