//! Builds the parts of sentences that all rules share: names, lists, times, owners.
//!
//! Times are UTC. A vital value is never said together with a bed: no value is said at all.

use std::collections::BTreeSet;
use std::net::IpAddr;

use auscult_inventory::{Owner, OwnerKind, Party, factory_range};
use auscult_model::report::{Device, Role};
use auscult_model::{PhiKind, Timestamp};

/// Names in one sentence; the rest is counted.
const NAMES_MAX: usize = 6;

/// What a device is called in a sentence: its label, else what it is and where.
pub fn call_name(device: &Device) -> String {
    if let Some(label) = device.label() {
        return label;
    }
    let address = device.ips.first().map(ToString::to_string);
    let address = address.or_else(|| device.macs.first().map(ToString::to_string));
    let what = device
        .model
        .clone()
        .or_else(|| (device.role != Role::Unknown).then(|| role_words(device.role).to_owned()));
    match (what, address) {
        (Some(what), Some(address)) => format!("{what} at {address}"),
        (None, Some(address)) => address,
        (what, None) => what.unwrap_or_else(|| device.id.clone()),
    }
}

/// The name, with an address beside it where it is not part of the name.
pub(crate) fn name_and_address(device: &Device) -> String {
    let name = call_name(device);
    match device.ips.first().map(ToString::to_string) {
        Some(ip) if !name.contains(&ip) => format!("{name} ({ip})"),
        _ => name,
    }
}

/// A party that is no known device.
pub(crate) fn call_party(party: Party) -> String {
    party.ip.to_string()
}

/// A role in words.
pub(crate) fn role_words(role: Role) -> &'static str {
    match role {
        Role::PatientMonitor => "patient monitor",
        Role::CentralStation => "central station",
        Role::InfusionPump => "infusion pump",
        Role::ImagingModality => "imaging device",
        Role::ImagingArchive => "image archive",
        Role::ImagingWorkstation => "viewing station",
        Role::InterfaceEngine => "interface engine",
        Role::LabAnalyser => "laboratory analyser",
        Role::MedicalOther => "medical device",
        Role::Gateway => "gateway",
        Role::Server => "server",
        Role::Workstation => "workstation",
        Role::Printer => "printer",
        Role::Phone => "telephone",
        Role::Camera => "camera",
        Role::NetworkDevice => "network device",
        Role::Other => "device",
        Role::Unknown => "unknown device",
    }
}

/// `a`, `a and b`, `a, b and c`, and the number of the rest.
pub(crate) fn list<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> String {
    list_of(items, NAMES_MAX)
}

fn list_of<T: AsRef<str>>(items: impl IntoIterator<Item = T>, most: usize) -> String {
    let items: Vec<T> = items.into_iter().collect();
    let more = items.len().saturating_sub(most);
    let shown = items.iter().take(most).map(|item| item.as_ref());
    let mut text = String::new();
    let last = items.len().min(most).saturating_sub(1);
    for (at, item) in shown.enumerate() {
        match at {
            0 => {}
            _ if at == last && more == 0 => text.push_str(" and "),
            _ => text.push_str(", "),
        }
        text.push_str(item);
    }
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

/// `1 monitor`, `2 monitors`.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 {
        format!("1 {one}")
    } else {
        format!("{number} {many}")
    }
}

/// `Two`, `12`: a number that begins a title.
pub(crate) fn number_word(number: usize) -> String {
    const WORDS: [&str; 7] = ["No", "One", "Two", "Three", "Four", "Five", "Six"];
    WORDS
        .get(number)
        .map_or_else(|| number.to_string(), |word| (*word).to_owned())
}

/// `97 %`.
pub(crate) fn percent(share: f32) -> String {
    format!("{:.0} %", share * 100.0)
}

/// The factory range that holds an address; the address when none does.
pub(crate) fn range_words(ip: IpAddr) -> String {
    factory_range(ip).map_or_else(|| ip.to_string(), |range| range.network.to_string())
}

/// `41 s`, `222 min`, `26 h`, `9 days`.
pub(crate) fn duration(nanoseconds: i64) -> String {
    let seconds = nanoseconds / Timestamp::SECOND;
    match seconds {
        ..120 => format!("{seconds} s"),
        120..=18_000 => format!("{} min", seconds / 60),
        18_001..=345_600 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Who an address is registered to, and that this says nothing of who received anything.
pub(crate) fn owner_words(ip: IpAddr, owner: Option<Owner>) -> Option<String> {
    let owner = owner?;
    if owner.kind == OwnerKind::Special {
        return Some(format!("{ip} is set aside: {owner}."));
    }
    let mut text = format!("Registered to {owner}.");
    if factory_range(ip).is_some_and(|range| range.asn == 4538) {
        text.push_str(" Attributed to a university; sources differ which.");
    }
    text.push_str(" Who received it is not known.");
    Some(text)
}

/// Kinds of patient data in a sentence, identity first; says so when nobody is named.
pub(crate) fn kinds_words(kinds: &BTreeSet<PhiKind>) -> String {
    let word = |kind: &PhiKind| match kind {
        PhiKind::Name => "name",
        PhiKind::PatientNumber => "patient number",
        PhiKind::NationalNumber => "national number",
        PhiKind::BirthDate => "birth date",
        PhiKind::PostalAddress => "postal address",
        PhiKind::Contact => "telephone or e-mail",
        PhiKind::Relative => "relatives",
        PhiKind::AdmissionDate => "dates of stay",
        PhiKind::Demographics => "sex, height or weight",
        PhiKind::Clinician => "clinician",
        PhiKind::Location => "department or bed",
        PhiKind::ClinicalData => "orders or results",
        PhiKind::VitalSigns => "vital signs",
        PhiKind::Waveform => "curves",
        PhiKind::Image => "images",
    };
    let words = list_of(kinds.iter().map(word), kinds.len());
    if kinds.iter().any(|kind| kind.identifies()) {
        words
    } else {
        format!("{words}, without identity")
    }
}

/// Begins with a capital letter.
pub(crate) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

/// Protocols in words that a person outside the field understands.
pub(crate) fn protocol_words(protocol: &str) -> &str {
    match protocol {
        "contec-cms" => "the CMS8000 protocol",
        "vista-cms" => "the Vista 120 protocol",
        "hl7" => "HL7",
        "dicom" => "DICOM",
        "intellivue" => "the IntelliVue protocol",
        "ge-unity" | "rwhat" => "the GE Unity protocol",
        "lpd" => "printing (LPD)",
        "smb" => "SMB",
        "astm" => "ASTM",
        "http" => "HTTP",
        "ftp" | "ftp-data" => "FTP",
        "tftp" => "TFTP",
        "nfs" => "NFS",
        "telnet" => "Telnet",
        "ssh" => "SSH",
        "tls" => "TLS",
        "quic" => "QUIC",
        "dns" => "DNS",
        "ntp" => "NTP",
        "snmp" => "SNMP",
        "rdp" => "RDP",
        "vnc" => "VNC",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_counts() {
        assert_eq!(list(["a"]), "a");
        assert_eq!(list(["a", "b"]), "a and b");
        assert_eq!(list(["a", "b", "c"]), "a, b and c");
        let many: Vec<String> = (1..=9).map(|n| n.to_string()).collect();
        assert_eq!(list(many), "1, 2, 3, 4, 5, 6 and 3 more");
        assert_eq!(count(1, "bed", "beds"), "1 bed");
        assert_eq!(count(3, "bed", "beds"), "3 beds");
        assert_eq!(number_word(2), "Two");
        assert_eq!(number_word(40), "40");
    }

    #[test]
    fn durations_have_the_unit_that_fits() {
        assert_eq!(duration(41 * Timestamp::SECOND), "41 s");
        assert_eq!(duration(222 * 60 * Timestamp::SECOND), "222 min");
    }

    #[test]
    fn an_owner_is_no_recipient() {
        let ip = IpAddr::from([202, 114, 4, 119]);
        let text = owner_words(ip, auscult_inventory::owner(ip)).unwrap();
        assert!(text.starts_with("Registered to AS4538"), "{text}");
        assert!(text.contains("sources differ"), "{text}");
        assert!(text.ends_with("Who received it is not known."), "{text}");
    }

    #[test]
    fn nobody_named_is_said() {
        let vital = BTreeSet::from([PhiKind::VitalSigns, PhiKind::Waveform]);
        assert_eq!(
            kinds_words(&vital),
            "vital signs and curves, without identity"
        );
        let named = BTreeSet::from([PhiKind::Name, PhiKind::VitalSigns]);
        assert_eq!(kinds_words(&named), "name and vital signs");
    }
}
