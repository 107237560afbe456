//! The device table: two lines a device, medical and worst first.

use auscult_model::report::{Device, Report, Role};

use super::page::{Page, cell};
use super::words;

/// Devices shown unless all are asked for.
const ROWS: usize = 30;

// 18 + 2 + 28 + 2 + 14 + 2 + 4 + 2 + 8 = 80; what a wider page gives goes to the second column.
const NAME: usize = 18;
const WHAT: usize = 28;
const TALKS: usize = 14;
const DATA: usize = 4;
const NARROWEST: usize = 80;

/// The devices.
pub(super) fn table(page: &mut Page, report: &Report, all: bool) {
    page.gap();
    if report.devices.is_empty() {
        page.text(0, "No devices were seen.");
        return;
    }
    let shown = if all {
        report.devices.len()
    } else {
        ROWS.min(report.devices.len())
    };
    let what = WHAT + page.width().saturating_sub(NARROWEST);
    page.line(&format!(
        "{}  {}  {}  {}  WORST",
        cell("DEVICE", NAME),
        cell("WHAT IT IS", what),
        cell("TALKS TO", TALKS),
        cell("DATA", DATA)
    ));
    for device in report.devices.iter().take(shown) {
        row(page, device, what);
    }
    hidden(page, report, shown);
}

fn row(page: &mut Page, device: &Device, what: usize) {
    let (first, second) = described(device);
    let talks = match device.peers() {
        (0, 0) => "-".to_owned(),
        (inside, outside) => format!("{inside} in, {outside} out"),
    };
    let (name, address) = name_and_address(page, device);
    let line = format!(
        "{}  {}  {}  {}  ",
        cell(&name, NAME),
        cell(&first, what),
        cell(&talks, TALKS),
        cell(patient_data(device), DATA),
    );
    page.line_with(&line, device.worst);
    let segments: Vec<String> = device.segments.iter().map(ToString::to_string).collect();
    page.line(&format!(
        "{}  {}  {}  {}",
        cell(&address, NAME),
        cell(&second, what),
        cell(&shortened(&segments), TALKS),
        words::narrow_span(device.first_seen, device.last_seen),
    ));
}

/// The first cells of both lines. An address is never cut: one too long for its cell gets a
/// line of its own above.
fn name_and_address(page: &mut Page, device: &Device) -> (String, String) {
    let name = words::name(device);
    let address = format!(" {}", address(device, &name));
    let named_by_address = device.ips.iter().any(|ip| ip.to_string() == name);
    if named_by_address && name.len() > NAME {
        page.line(&name);
        return (address, String::new());
    }
    if address.len() > NAME {
        page.line(&cell(&name, page.width()));
        page.line(&address);
        return (String::new(), String::new());
    }
    (name, address)
}

/// What it is, and how sure that is.
fn described(device: &Device) -> (String, String) {
    let role = words::role(device.role);
    let sure = words::certainty(device.confidence);
    if let Some(make) = words::make(device) {
        return match device.role {
            Role::Unknown => (make, format!(" {sure}, role not known")),
            _ => (make, format!(" {role}, {sure}")),
        };
    }
    if device.role != Role::Unknown {
        let os = device
            .os
            .as_ref()
            .map(|os| format!(", {os}"))
            .unwrap_or_default();
        return (role.to_owned(), format!(" {sure}{os}"));
    }
    let card = device
        .claims
        .iter()
        .find(|claim| claim.attribute == "mac_vendor");
    let card = card
        .map(|claim| format!(" card: {}", claim.value))
        .unwrap_or_default();
    (role.to_owned(), card)
}

/// The address; for what is named by its address, the next one or the card's.
fn address(device: &Device, name: &str) -> String {
    let mut others = device
        .ips
        .iter()
        .map(ToString::to_string)
        .filter(|ip| ip != name);
    match (others.next(), others.count()) {
        (Some(ip), 0) => ip,
        (Some(ip), more) => format!("{ip} +{more}"),
        (None, _) => device
            .macs
            .first()
            .map(ToString::to_string)
            .unwrap_or_default(),
    }
}

fn patient_data(device: &Device) -> &'static str {
    if device.patient_data.is_empty() {
        "-"
    } else if device.patient_data.iter().any(|kind| kind.identifies()) {
        "name"
    } else {
        "yes"
    }
}

fn shortened(segments: &[String]) -> String {
    match segments {
        [] => String::new(),
        [one] => one.clone(),
        [first, more @ ..] => format!("{first} +{}", more.len()),
    }
}

/// What is not in the table.
fn hidden(page: &mut Page, report: &Report, shown: usize) {
    let rest = report.devices.get(shown..).unwrap_or_default();
    let unlisted = report.devices_total.saturating_sub(report.devices.len());
    let medical = rest.iter().filter(|d| d.role.is_medical()).count();
    let unknown = rest.iter().filter(|d| d.role == Role::Unknown).count();
    let it = rest.len() - medical - unknown;
    let mut parts = Vec::new();
    for (number, one, many) in [
        (medical, "medical device", "medical devices"),
        (it, "IT device", "IT devices"),
        (unknown, "unknown device", "unknown devices"),
    ] {
        if number > 0 {
            parts.push(words::count(number as u64, one, many));
        }
    }
    if !parts.is_empty() {
        page.text(0, &format!("... {} hidden, --all", parts.join(", ")));
    }
    if unlisted > 0 {
        page.text(0, &format!("... {unlisted} more counted, not listed"));
    }
}
