//! Names what a service on the Internet is for, by the end of its name.
//!
//! Source: `data/services.tsv`, made by hand from what the operators publish of their own
//! services; one list for all countries. Limit: a name that is not listed says nothing.

use std::collections::BTreeMap;
use std::sync::OnceLock;

/// What a service is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceKind {
    /// Tells devices whether they are on the Internet.
    Check,
    /// Tells whether a certificate is valid.
    Certificate,
    /// Tells the time.
    Time,
    /// Hands out updates.
    Update,
    /// Wakes devices with messages.
    Push,
    /// Collects data about the use of programs and devices.
    Telemetry,
    /// Lets others work on a computer from afar.
    Remote,
    /// The cloud of a maker of devices.
    DeviceCloud,
}

impl ServiceKind {
    fn of_word(word: &str) -> Option<Self> {
        Some(match word {
            "check" => ServiceKind::Check,
            "certificate" => ServiceKind::Certificate,
            "time" => ServiceKind::Time,
            "update" => ServiceKind::Update,
            "push" => ServiceKind::Push,
            "telemetry" => ServiceKind::Telemetry,
            "remote" => ServiceKind::Remote,
            "device-cloud" => ServiceKind::DeviceCloud,
            _ => return None,
        })
    }
}

/// A service that is known by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownService {
    /// The end of the name that was found.
    pub name: &'static str,
    /// What it is for.
    pub kind: ServiceKind,
    /// Who runs it.
    pub operator: &'static str,
}

static SERVICES: &str = include_str!("../data/services.tsv");

fn table() -> &'static BTreeMap<&'static str, KnownService> {
    static TABLE: OnceLock<BTreeMap<&str, KnownService>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let lines = SERVICES.lines().filter(|line| !line.starts_with('#'));
        lines.filter_map(read).map(|s| (s.name, s)).collect()
    })
}

fn read(line: &'static str) -> Option<KnownService> {
    let mut fields = line.split('\t');
    Some(KnownService {
        name: fields.next()?,
        kind: ServiceKind::of_word(fields.next()?)?,
        operator: fields.next()?,
    })
}

/// What is known of a name, or of the longest end of it that begins at a dot.
pub fn known_service(name: &str) -> Option<KnownService> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let mut end = name.as_str();
    loop {
        if let Some(service) = table().get(end) {
            return Some(*service);
        }
        end = end.split_once('.')?.1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_read() {
        let lines = SERVICES.lines().filter(|line| !line.starts_with('#'));
        assert_eq!(lines.count(), table().len());
        assert!(
            table()
                .keys()
                .all(|name| name.contains('.') && *name == name.to_ascii_lowercase())
        );
    }

    #[test]
    fn names_are_told_by_their_end() {
        let kind = |name| known_service(name).map(|service| service.kind);
        assert_eq!(kind("www.msftconnecttest.com"), Some(ServiceKind::Check));
        assert_eq!(
            kind("V10.Events.Data.Microsoft.com."),
            Some(ServiceKind::Telemetry)
        );
        assert_eq!(kind("notteamviewer.com"), None);
        assert_eq!(kind("com"), None);
    }
}
