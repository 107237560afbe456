//! A device speaks the protocol of a family that an authority advises against on a network.
//!
//! Sources: CISA ICSMA-25-030-01 Update A (2025-02-25), FDA Safety Communication (2025-01-30,
//! updated 2025-07-02). Limits: it says what a device speaks, not what its label reads; firmware
//! versions are not sent; a device that is off, unplugged or without a patient is silent.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use auscult_inventory::{Party, Signature, signature};
use auscult_model::PacketRef;
use auscult_model::report::{Device, Finding, Severity};

use crate::draft::Draft;
use crate::grade::Grade;
use crate::view::look_at_service;
use crate::words::{capital, count, list, name_and_address, number_word, percent};
use crate::{Detector, Facts, RuleRecord, View};

static RECORD: RuleRecord = RuleRecord {
    rule: "advisory-device-present",
    title: "Devices speak the protocol of a family with an official warning",
    when: "The bytes a device sent name a family that a signature marks as dangerous, by more \
           than an address, a port or a network card.",
    worst: Severity::High,
    innocent: &[
        "A printer, or another maker's monitor, at the same port or address: the bytes decide.",
        "A unit on a declared test bench: info.",
        "A unit that is used locally only, as advised, and is connected for a test.",
    ],
    attack: &["T0862"],
    cves: &[
        "CVE-2025-0626",
        "CVE-2025-0683",
        "CVE-2025-1204",
        "CVE-2024-12248",
        "CVE-2022-36385",
        "CVE-2022-38100",
        "CVE-2022-38069",
        "CVE-2022-38453",
        "CVE-2022-3027",
    ],
    sources: &[
        "CISA ICSMA-25-030-01 Update A (2025-02-25)",
        "CISA ICSMA-22-244-01 Update A (2025-01-30)",
        "FDA Safety Communication (2025-01-30, updated 2025-07-02)",
    ],
};

/// From this confidence on the family is sure enough for high.
const SURE: f32 = 0.9;

/// The detector.
pub(super) struct AdvisoryDevicePresent;

impl Detector for AdvisoryDevicePresent {
    fn record(&self) -> &'static RuleRecord {
        &RECORD
    }

    fn conclude(&self, _facts: &Facts, view: &View<'_>) -> Vec<Finding> {
        let mut families: BTreeMap<&str, (&'static Signature, Vec<&Device>)> = BTreeMap::new();
        for device in &view.inventory.devices {
            let known = device.signature.as_deref().and_then(signature);
            if let Some(signature) = known.filter(|signature| signature.dangerous) {
                let family = families.entry(&signature.id);
                family.or_insert((signature, Vec::new())).1.push(device);
            }
        }
        families
            .values()
            .filter_map(|(signature, devices)| finding(view, signature, devices))
            .collect()
    }
}

/// Who takes the stream of whom.
struct Stations<'a> {
    /// Station's name, and the devices that send to it.
    senders: BTreeMap<String, BTreeSet<&'a str>>,
    devices: Vec<&'a Device>,
    packets: Vec<(PacketRef, [IpAddr; 2], &'static str)>,
}

fn finding(view: &View<'_>, signature: &'static Signature, devices: &[&Device]) -> Option<Finding> {
    let protocols: Vec<&str> = signature.sends().collect();
    let stations = stations(view, devices, &protocols);
    let confidence = devices.iter().map(|d| d.confidence).fold(0.0, f32::max);
    let family = signature.family.as_deref().unwrap_or(&signature.id);
    let mut grade = if confidence >= SURE {
        Grade::new(
            Severity::High,
            format!("{family} named by its bytes, {} sure", percent(confidence)),
        )
    } else {
        Grade::new(
            Severity::Medium,
            format!("{family} likely, {} sure", percent(confidence)),
        )
    };
    let local: Vec<_> = devices.iter().flat_map(|d| d.ips.iter().copied()).collect();
    grade.cap_by_network(view, &local);

    let mut draft = Draft::new(&RECORD, "", &signature.id)
        .cves(RECORD.cves)
        .cves(&["ICSMA-25-030-01", "ICSMA-22-244-01"])
        .text("family", family)
        .text("signature", signature.id.clone())
        .texts("also_sold_as", signature.also_sold_as.iter().cloned())
        .texts("stations", stations.senders.keys().cloned())
        .number("sending_to_a_station", depending(&stations) as u64);
    for device in devices {
        draft = draft.device(Some(device));
        if let (Some(first), Some(last)) = (device.first_seen, device.last_seen) {
            draft = draft.times(first, last, 1);
        }
    }
    for device in &stations.devices {
        draft = draft.device(Some(device));
    }
    for (packet, [from, to], protocol) in &stations.packets {
        let look = look_at_service(*from, view.only_service(*from, *to, protocol));
        draft = draft.packet(view, *packet, "speaks the protocol", &look);
    }
    if stations.packets.is_empty() {
        for claim in devices.iter().flat_map(|d| &d.claims).take(3) {
            draft = claim.evidence.iter().take(1).fold(draft, |draft, shown| {
                draft.shown(shown.clone(), &format!("says {}", claim.attribute))
            });
        }
    }
    Some(sentences(draft, signature, devices, &stations).finish(grade, confidence))
}

fn stations<'a>(view: &View<'a>, devices: &[&'a Device], protocols: &[&str]) -> Stations<'a> {
    let mut stations = Stations {
        senders: BTreeMap::new(),
        devices: Vec::new(),
        packets: Vec::new(),
    };
    let mut shown: BTreeSet<&str> = BTreeSet::new();
    for ((protocol, from, to), fact) in view.ledger.spoken() {
        if !protocols.contains(protocol) {
            continue;
        }
        let sender = view.device(*from).map(|device| device.id.as_str());
        let Some(device) = devices.iter().find(|d| Some(d.id.as_str()) == sender) else {
            continue;
        };
        if shown.insert(&device.id) {
            stations
                .packets
                .push((fact.seen.packets[1], [from.ip, to.ip], protocol));
        }
        if let Some(station) = station(view, *to) {
            let senders = stations.senders.entry(name_and_address(station));
            senders.or_default().insert(&device.id);
            if !stations.devices.iter().any(|known| known.id == station.id) {
                stations.devices.push(station);
            }
        }
    }
    stations
}

/// A receiver that is here.
fn station<'a>(view: &View<'a>, to: Party) -> Option<&'a Device> {
    view.device(to).filter(|_| view.lives_here(to))
}

fn depending(stations: &Stations<'_>) -> usize {
    let all: BTreeSet<&str> = stations.senders.values().flatten().copied().collect();
    all.len()
}

/// A unit beyond address translation is known by the address it hides behind only.
fn unit_name(device: &Device) -> String {
    match device.ips.first().filter(|_| !device.inside) {
        Some(ip) => format!("a device behind {ip}"),
        None => name_and_address(device),
    }
}

fn sentences(
    draft: Draft,
    signature: &Signature,
    devices: &[&Device],
    stations: &Stations<'_>,
) -> Draft {
    let names: Vec<String> = devices.iter().map(|device| unit_name(device)).collect();
    let family = signature.family.as_deref().unwrap_or(&signature.id);
    let what = family.rsplit(' ').next().unwrap_or(family);
    let title = match devices.len() {
        1 => {
            let name = names.first().map_or("", String::as_str);
            let behind = devices.iter().all(|device| !device.inside);
            let name = if behind {
                capital(name)
            } else {
                name.to_owned()
            };
            format!("{name} speaks the {what} protocol")
        }
        many => format!("{} monitors speak the {what} protocol", number_word(many)),
    };
    let beds = count(
        depending(stations),
        "of these monitors",
        "of these monitors",
    );
    let (use_words, arrange) = if stations.senders.is_empty() {
        (
            "No station of ours was seen to receive them: remote monitoring is not in use here, \
             as far as seen."
                .to_owned(),
            "No central station of yours was seen to depend on this.".to_owned(),
        )
    } else {
        let names = list(stations.senders.keys());
        let (receive, show) = match stations.senders.len() {
            1 => ("receives", "shows"),
            _ => ("receive", "show"),
        };
        (
            format!("Remote monitoring is in use: {names} {receive} {beds}."),
            format!("Arrange bedside watch before the network is cut: {names} {show} {beds}."),
        )
    };
    let labels = match signature.also_sold_as.as_slice() {
        [] => "Labels differ.".to_owned(),
        more => format!("The label may read {} or another brand.", list(more)),
    };
    draft
        .words(
            title,
            "Nothing to do now. Biomedical engineering will come.",
            format!(
                "FDA: use local monitoring features only (no network), or stop using it. CISA: \
                 take it off the network; where that cannot be, block 202.114.4.0/24. {arrange}"
            ),
        )
        .seen(format!("{}. {labels}", list(&names)))
        .seen(use_words)
        .seen(
            "Firmware is not sent, so it is not known; the maker's patch of July 2025 switches \
             the network off.",
        )
        .director(
            "An official warning of January 2025 concerns these monitors: decide on replacement.",
        )
        .innocent(
            "Siblings of other makers may share the format: look at the label. Looked at: the \
             bytes of the stream, not the port or the address.",
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{Host, Scene, Talk, far, host};

    const RULE: &str = "advisory-device-present";

    fn monitor(bed: u8) -> Host {
        host([10, 20, 3, bed])
    }

    fn streams(beds: &[u8], to: Host) -> Scene {
        beds.iter().fold(Scene::new(), |scene, bed| {
            scene
                .talk(monitor(*bed), to, 515, "contec-cms", Talk::ANSWERED)
                .patient(monitor(*bed), to, "contec-cms")
        })
    }

    #[test]
    fn two_monitors_and_a_station_are_one_finding() {
        let finding = streams(&[21, 22], host([10, 20, 3, 5])).one(RULE);
        assert_eq!(finding.severity, Severity::High, "{:?}", finding.reasons);
        assert_eq!(finding.title, "Two monitors speak the CMS8000 protocol");
        assert_eq!(finding.devices.len(), 3);
        assert!(!finding.seen[0].contains("behind"), "{:?}", finding.seen);
        assert!(
            finding.action.contains("Arrange bedside watch"),
            "{}",
            finding.action
        );
        assert!(
            finding
                .seen
                .iter()
                .any(|line| line.contains("EPSIMED MN-120"))
        );
    }

    #[test]
    fn no_station_of_ours_is_said() {
        let finding = streams(&[21], far([202, 114, 4, 119])).one(RULE);
        assert!(finding.seen[1].contains("not in use"), "{:?}", finding.seen);
        // Also when the other side is known by what it says itself.
        let there = far([202, 114, 4, 119]);
        let finding = streams(&[21], there)
            .patient(there, monitor(21), "hl7")
            .one(RULE);
        assert!(finding.seen[1].contains("not in use"), "{:?}", finding.seen);
    }

    #[test]
    fn beyond_address_translation_it_is_a_device_behind() {
        let (outer, there) = (far([192, 0, 2, 7]), far([202, 114, 4, 119]));
        let scene = Scene::new()
            .talk(outer, there, 515, "contec-cms", Talk::ANSWERED)
            .patient(outer, there, "contec-cms");
        let title = scene.one(RULE).title;
        assert!(title.starts_with("A device behind 192.0.2.7"), "{title}");
    }

    #[test]
    fn near_miss_the_address_and_port_alone() {
        let scene = Scene::new()
            .talk(
                monitor(21),
                far([202, 114, 4, 119]),
                515,
                "unknown",
                Talk::UNANSWERED,
            )
            .asked(monitor(22), host([202, 114, 4, 119]).ip, (40, 60), None);
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_a_printer_on_the_port() {
        let scene = Scene::new().talk(
            monitor(21),
            host([10, 20, 3, 9]),
            515,
            "lpd",
            Talk::ANSWERED,
        );
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_a_family_without_a_warning() {
        let station = host([10, 20, 3, 5]);
        let scene = Scene::new()
            .talk(monitor(21), station, 9500, "vista-cms", Talk::ANSWERED)
            .patient(monitor(21), station, "vista-cms");
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_on_the_bench() {
        let mut scene = streams(&[21], host([10, 20, 3, 5]));
        scene
            .site
            .bench_networks
            .push("10.20.3.0/24".parse().unwrap());
        assert_eq!(scene.one(RULE).severity, Severity::Info);
    }

    #[test]
    fn near_miss_a_server_that_they_also_ask_is_no_station() {
        let asks = |scene: Scene| {
            let login = auscult_model::Meaning::Login {
                method: "ftp-password",
                account: "service".to_owned(),
                clear: true,
                accepted: None,
            };
            let server = host([10, 20, 3, 99]);
            scene
                .talk(monitor(21), server, 21, "ftp", Talk::ANSWERED)
                .say(monitor(21), server, "ftp", login)
        };
        let finding = asks(streams(&[21], far([202, 114, 4, 119]))).one(RULE);
        assert!(finding.seen[1].contains("not in use"), "{:?}", finding.seen);
    }
}
