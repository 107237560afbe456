//! Runs a lab scene through the whole engine and compares the report with the scene's truth.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "shared by several test programs, which may stop at what they did not expect"
)]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use auscult_engine::{Options, Unwatched, analyze};
use auscult_inventory::SiteOptions;
use auscult_lab::{Scene, TrueDevice, Truth, files};
use auscult_model::report::{Device, Report, Severity};

/// A file of its own for a test, removed when dropped.
pub struct Capture(pub PathBuf);

impl Capture {
    /// With these bytes.
    pub fn of(bytes: &[u8], extension: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("auscult-{}-{number}.{extension}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, bytes).unwrap();
        Capture(path)
    }

    /// A scene as pcapng.
    pub fn scene(scene: &Scene) -> Self {
        Self::of(&files::pcapng(scene), "pcapng")
    }

    /// The report on it.
    pub fn report(&self, options: &Options) -> Report {
        analyze(std::slice::from_ref(&self.0), options, &mut Unwatched).unwrap()
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The report on a scene with default options, and the site file where the scene has one.
pub fn report(scene: &Scene) -> Report {
    let mut options = Options::default();
    if let Some(site) = &scene.truth.site {
        options.site = SiteOptions::from_toml(site).unwrap();
    }
    Capture::scene(scene).report(&options)
}

/// The addresses a finding is about: its devices' and its peer's.
fn addresses(
    report: &Report,
    devices: &[String],
    peer: Option<std::net::IpAddr>,
) -> BTreeSet<String> {
    let mut all: BTreeSet<String> = peer.iter().map(ToString::to_string).collect();
    for device in report
        .devices
        .iter()
        .filter(|device| devices.contains(&device.id))
    {
        all.extend(device.ips.iter().map(ToString::to_string));
    }
    all
}

/// What the report lacks or says wrongly, a line each.
pub fn shortfalls(report: &Report, truth: &Truth) -> Vec<String> {
    let mut bad = Vec::new();
    findings(report, truth, &mut bad);
    devices(report, truth, &mut bad);
    if truth.all_devices {
        inventory(report, truth, &mut bad);
    }
    for (word, want) in &truth.coverage {
        let answers: Vec<String> = report
            .coverage
            .iter()
            .filter(|answer| answer.id.contains(word.as_str()))
            .map(|answer| {
                serde_json::to_string(&answer.answer)
                    .unwrap()
                    .replace('"', "")
            })
            .collect();
        if !answers.contains(want) {
            bad.push(format!("coverage of {word}: {answers:?}, want {want}"));
        }
    }
    for sha256 in &truth.artifacts {
        if !report
            .artifacts
            .iter()
            .any(|artifact| artifact.sha256 == *sha256)
        {
            bad.push(format!("no file {sha256}"));
        }
    }
    let text = serde_json::to_string(report).unwrap();
    for private in truth.private.iter().chain(&truth.secrets) {
        if text.contains(private.as_str()) {
            bad.push(format!("shows {private:?}"));
        }
    }
    bad
}

fn findings(report: &Report, truth: &Truth, bad: &mut Vec<String>) {
    let all: Vec<(&str, Severity, BTreeSet<String>)> = report
        .findings
        .iter()
        .map(|f| {
            (
                f.rule.as_ref(),
                f.severity,
                addresses(report, &f.devices, f.peer),
            )
        })
        .collect();
    for (rule, ip, least) in &truth.must {
        let least = Severity::from_word(least).unwrap();
        let at = |found: &BTreeSet<String>| ip.split('|').any(|ip| found.contains(ip));
        let worst = all
            .iter()
            .filter(|(name, _, found)| name == rule && at(found))
            .map(|(_, severity, _)| *severity)
            .max();
        match worst {
            None => bad.push(format!("missed {rule} at {ip}")),
            Some(worst) if worst < least => {
                bad.push(format!("{rule} at {ip}: {worst}, want {least}"));
            }
            Some(_) => {}
        }
    }
    for (rule, severity, found) in &all {
        if truth.must_not.iter().any(|name| name == rule) && *severity >= Severity::Medium {
            bad.push(format!("false {rule} {severity} at {found:?}"));
        }
        if truth
            .must_not_at
            .iter()
            .any(|(name, ip)| name == rule && found.contains(ip))
        {
            bad.push(format!("false {rule} {severity} at {found:?}"));
        }
    }
    if let Some(from) = &truth.nothing_else_from {
        let from = Severity::from_word(from).unwrap();
        let listed = |rule: &str, found: &BTreeSet<String>| {
            let at = |ip: &str| ip.split('|').any(|ip| found.contains(ip));
            truth
                .must
                .iter()
                .any(|(name, ip, _)| name == rule && at(ip))
        };
        for (rule, severity, found) in &all {
            if *severity >= from && !listed(rule, found) {
                bad.push(format!("unlisted {rule} {severity} at {found:?}"));
            }
        }
    }
    for finding in report
        .findings
        .iter()
        .filter(|finding| finding.evidence.is_empty())
    {
        bad.push(format!("{} without evidence", finding.rule));
    }
}

fn devices(report: &Report, truth: &Truth, bad: &mut Vec<String>) {
    let holders = |ip: &str| {
        let ip: std::net::IpAddr = ip.parse().unwrap();
        report
            .devices
            .iter()
            .filter(move |device| device.ips.contains(&ip))
    };
    for (ip, signature) in &truth.signature {
        if !holders(ip).any(|device| device.signature.as_deref() == Some(signature)) {
            bad.push(format!("{ip} lacks signature {signature}"));
        }
    }
    for ip in &truth.no_signature {
        let named = holders(ip).filter_map(|device| device.signature.as_deref());
        for signature in named.filter(|signature| signature.starts_with("contec")) {
            bad.push(format!("{ip}: false signature {signature}"));
        }
    }
    for (ip, roles) in &truth.roles {
        if !holders(ip).any(|device| roles.split('|').any(|role| role == device.role.word())) {
            let got: Vec<&str> = holders(ip).map(|device| device.role.word()).collect();
            bad.push(format!("{ip}: role {got:?}, want {roles}"));
        }
    }
    for (a, b) in &truth.macs_apart {
        let with = |mac: &str| -> BTreeSet<&str> {
            report
                .devices
                .iter()
                .filter(|device| device.macs.iter().any(|m| m.to_string() == *mac))
                .map(|device| device.id.as_str())
                .collect()
        };
        let (a_ids, b_ids) = (with(a), with(b));
        if a_ids.is_empty() || b_ids.is_empty() || !a_ids.is_disjoint(&b_ids) {
            bad.push(format!("{a} and {b} are not two devices"));
        }
    }
}

/// Every true device is there once with its addresses, what it announced and how far it talks; no
/// other is there, and no two are one.
fn inventory(report: &Report, truth: &Truth, bad: &mut Vec<String>) {
    let is = |device: &Device, true_one: &TrueDevice| {
        device
            .macs
            .iter()
            .any(|mac| mac.to_string() == true_one.mac)
    };
    let holds = |device: &Device, true_one: &TrueDevice| {
        let ips = &true_one.ips;
        ips.iter()
            .all(|ip| device.ips.iter().any(|i| i.to_string() == *ip))
    };
    for true_one in &truth.devices {
        let name = format!("{} {} {:?}", true_one.name, true_one.mac, true_one.ips);
        let with: Vec<&Device> = report
            .devices
            .iter()
            .filter(|device| holds(device, true_one))
            .collect();
        let [device] = with.as_slice() else {
            bad.push(format!("{name}: {} devices", with.len()));
            continue;
        };
        if !is(device, true_one) && !true_one.shared {
            bad.push(format!("{name}: MACs {:?}", device.macs));
        }
        let far = serde_json::to_string(&device.isolation).unwrap();
        if let Some(want) = &true_one.isolation
            && far.trim_matches('"') != want
        {
            bad.push(format!("{name}: isolation {far}, want {want}"));
        }
        for (attribute, value) in true_one
            .ips
            .iter()
            .filter_map(|ip| truth.identity.get(ip))
            .flatten()
        {
            let mut claims = device.claims.iter();
            if !claims.any(|claim| claim.attribute == *attribute && claim.value == *value) {
                bad.push(format!("{name}: no {attribute} {value:?}"));
            }
        }
    }
    for device in &report.devices {
        let held = |one: &&TrueDevice| is(device, one) || holds(device, one);
        let names: BTreeSet<&str> = truth
            .devices
            .iter()
            .filter(|one| !one.shared)
            .filter(held)
            .map(|one| one.name.as_str())
            .collect();
        if names.len() > 1 {
            bad.push(format!("{} is several: {names:?}", device.id));
        }
        if device.inside && !truth.devices.iter().any(|one| held(&one)) {
            bad.push(format!(
                "{} {:?} is none of the truth",
                device.id, device.ips
            ));
        }
    }
}
