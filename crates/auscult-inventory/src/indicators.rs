//! Lists of indicators: addresses, networks, names, hashes and TLS fingerprints that others
//! publish, to be looked for.
//!
//! One entry a line, its kind told by its form; what stands behind a blank, a comma, a semicolon or
//! a tab is a remark, `#` begins a comment. STIX 2 bundles are read for their plain comparisons
//! (`[ipv4-addr:value = '198.51.100.7']`; OASIS STIX 2.1 §9). Limits: a million entries; patterns
//! with operators, times or other objects are counted as not read.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::site_file::parse_network;

/// Entries that are kept.
const MOST: usize = 1_000_000;
/// Networks wider than one address, each of which is compared with every peer.
const NETWORKS: usize = 10_000;

/// What is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Indicators {
    /// Single addresses.
    pub addresses: BTreeSet<IpAddr>,
    /// Networks.
    pub networks: Vec<IpNet>,
    /// Names in lower case; names below them count.
    pub names: BTreeSet<String>,
    /// SHA-256 of files, lower case.
    pub files: BTreeSet<String>,
    /// JA3 (an MD5) and JA4 fingerprints of TLS clients.
    pub fingerprints: BTreeSet<String>,
    /// Lines that were not understood.
    pub unread: u64,
}

impl Indicators {
    /// Whether nothing is looked for.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Entries of all kinds.
    pub fn len(&self) -> usize {
        self.addresses.len()
            + self.networks.len()
            + self.names.len()
            + self.files.len()
            + self.fingerprints.len()
    }

    /// Takes in a list.
    pub fn add(&mut self, text: &str) {
        if text.trim_start().starts_with('{') {
            return self.stix(text);
        }
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default().trim();
            let entry = line.split([' ', ',', ';', '\t']).next().unwrap_or_default();
            let entry = entry.trim_matches('"');
            if !entry.is_empty() && !self.entry(entry) {
                self.unread += 1;
            }
        }
    }

    fn entry(&mut self, entry: &str) -> bool {
        if self.len() >= MOST {
            return false;
        }
        // Written so that nobody follows it by mistake.
        let entry = entry.replace("[.]", ".").to_ascii_lowercase();
        if let Ok(ip) = entry.parse() {
            self.addresses.insert(ip);
            return true;
        }
        if entry.contains('/')
            && let Ok(network) = parse_network(&entry)
        {
            let room = self.networks.len() < NETWORKS;
            if room {
                self.networks.push(network);
            }
            return room;
        }
        let is_hex = entry.bytes().all(|byte| byte.is_ascii_hexdigit());
        match (entry.len(), is_hex) {
            (64, true) => {
                self.files.insert(entry);
                true
            }
            (32, true) => {
                self.fingerprints.insert(entry);
                true
            }
            _ if is_ja4(&entry) => {
                self.fingerprints.insert(entry);
                true
            }
            _ => self.name(&entry),
        }
    }

    fn name(&mut self, entry: &str) -> bool {
        let rest = entry.split("://").last().unwrap_or(entry);
        let name = rest.split(['/', ':', '?']).next().unwrap_or(rest);
        let name = name.trim_start_matches("*.").trim_end_matches('.');
        if let Ok(ip) = name.parse() {
            self.addresses.insert(ip);
            return true;
        }
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        let fits = name.contains('.') && name.len() <= 253 && name.split('.').all(label);
        if fits {
            self.names.insert(name.to_owned());
        }
        fits
    }

    /// Plain comparisons of a bundle.
    fn stix(&mut self, text: &str) {
        for pattern in text.split("\"pattern\"").skip(1) {
            let end = pattern.find(']').unwrap_or(pattern.len());
            let pattern = pattern.get(..end).unwrap_or(pattern);
            let plain = pattern.matches(" = '").count() == 1;
            let value = pattern
                .split_once(" = '")
                .and_then(|(_, rest)| rest.split_once('\''))
                .map(|(value, _)| value);
            if !plain || !value.is_some_and(|value| self.entry(value)) {
                self.unread += 1;
            }
        }
    }

    /// The entry that an address is on.
    pub fn address(&self, ip: IpAddr) -> Option<String> {
        if self.addresses.contains(&ip) {
            return Some(ip.to_string());
        }
        let network = self.networks.iter().find(|network| network.contains(&ip));
        network.map(ToString::to_string)
    }

    /// The entry that a name, or one above it, is on.
    pub fn named(&self, name: &str) -> Option<&str> {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let mut end = name.as_str();
        loop {
            if let Some(known) = self.names.get(end) {
                return Some(known);
            }
            end = end.split_once('.')?.1;
        }
    }
}

/// `t13d1516h2_8daaf6152771_e5627efa2ab1`.
fn is_ja4(entry: &str) -> bool {
    let mut parts = entry.split('_');
    let first = parts.next().is_some_and(|part| part.len() == 10);
    let rest = parts.by_ref().take(2).filter(|part| part.len() == 12);
    first && entry.starts_with(['t', 'q', 'd']) && rest.count() == 2 && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_told_by_their_form() {
        let mut list = Indicators::default();
        list.add(
            "# from a sharing centre\n198.51.100.7, seen 2025\n203.0.113.0/24\nbad[.]example\n\
             https://evil.example:8443/x\n*.wild.example\n\
             4e42d3b131bd10d8f192d2d15c23bd68164c1bf3daf3c33803b8e81cb4d896ad monitor\n\
             e7d705a3286e19ea42f587b344ee6865\nt13d1516h2_8daaf6152771_e5627efa2ab1\n???\n",
        );
        assert_eq!((list.addresses.len(), list.networks.len()), (1, 1));
        assert_eq!(
            list.names.iter().map(String::as_str).collect::<Vec<_>>(),
            ["bad.example", "evil.example", "wild.example"]
        );
        assert_eq!((list.files.len(), list.fingerprints.len()), (1, 2));
        assert_eq!(list.unread, 1);
    }

    #[test]
    fn names_below_count_and_others_do_not() {
        let mut list = Indicators::default();
        list.add("bad.example\n203.0.113.0/24");
        assert_eq!(list.named("a.b.bad.example."), Some("bad.example"));
        assert_eq!(list.named("notbad.example"), None);
        let inside = IpAddr::from([203, 0, 113, 9]);
        assert_eq!(list.address(inside).as_deref(), Some("203.0.113.0/24"));
        assert_eq!(list.address(IpAddr::from([203, 0, 114, 9])), None);
    }

    #[test]
    fn plain_patterns_of_a_bundle() {
        let mut list = Indicators::default();
        list.add(
            r#"{"type":"bundle","objects":[
                {"type":"indicator","pattern":"[ipv4-addr:value = '198.51.100.7']"},
                {"type":"indicator","pattern":"[domain-name:value = 'bad.example']"},
                {"type":"indicator","pattern":"[a:b = '1' AND c:d = '2']"}]}"#,
        );
        assert_eq!((list.len(), list.unread), (2, 1));
    }
}
