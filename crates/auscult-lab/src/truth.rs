//! What is true about a scene: devices, findings that must and must not appear, planted secrets.
//!
//! Written beside the capture as one JSON object that maps the scenario's name to a case. Keys
//! that runners of cases know (`must`, `must_not`, `signature`, `private`, …) have the same shape
//! everywhere; further keys (`devices`, `must_not_at`, `nothing_else_from`, …)
//! are additions.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use auscult_model::hex;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::net::Host;
use crate::people::Person;

/// The signature name of the CMS8000 family.
pub const CMS8000: &str = "contec-cms8000";

/// A device as it really is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TrueDevice {
    /// Short name within the scene.
    pub name: String,
    /// MAC address.
    pub mac: String,
    /// All its addresses.
    pub ips: Vec<String>,
    /// VLAN of its segment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vlan: Option<u16>,
    /// Role, in the vocabulary of reports; alternatives by `|`. `unknown` is among them only where
    /// nothing on the wire tells the role.
    pub role: String,
    /// How far it talks, in the vocabulary of reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub isolation: Option<String>,
    /// Its address and MAC are held by several devices in turn: it is one of them at any time.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub shared: bool,
    /// Protocol family it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// What the sticker on the case says; nothing on the wire tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Bed number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bed: Option<u8>,
    /// The planted patient number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patient: Option<String>,
}

/// The truth about one capture.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Truth {
    /// File name of the capture.
    pub file: String,
    /// What the scene shows, in a sentence.
    pub note: String,
    /// Extra options that the analysis needs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Findings that must appear: rule, address (alternatives by `|`), least severity.
    pub must: Vec<(String, String, String)>,
    /// Rules that may not appear at medium or above.
    pub must_not: Vec<String>,
    /// The severity from which on `must` is the whole list: no finding beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nothing_else_from: Option<String>,
    /// The inside devices are all listed: none beside them, none of them twice, no two as one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub all_devices: bool,
    /// What the hospital knows of its network, as text of a site file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// Rules that may not name this address: rule, address.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub must_not_at: Vec<(String, String)>,
    /// Address to signature.
    pub signature: BTreeMap<String, String>,
    /// Addresses that must not get the CMS8000 signature.
    pub no_signature: Vec<String>,
    /// SHA-256 of files that crossed completely.
    pub artifacts: Vec<String>,
    /// Planted texts of patients that no output may show.
    pub private: Vec<String>,
    /// Planted passwords that no output may show.
    pub secrets: Vec<String>,
    /// Address to role, alternatives by `|`.
    pub roles: BTreeMap<String, String>,
    /// Address to what the device announced.
    pub identity: BTreeMap<String, BTreeMap<String, String>>,
    /// Pairs of MACs that are two devices.
    pub macs_apart: Vec<(String, String)>,
    /// Word in a coverage question's id to its answer.
    pub coverage: BTreeMap<String, String>,
    /// Flows: originator, responder, responder's port, protocol.
    pub flows: Vec<(String, String, u16, String)>,
    /// The devices.
    pub devices: Vec<TrueDevice>,
}

impl Truth {
    /// A truth with a note and nothing else.
    pub fn new(note: &str) -> Truth {
        Truth {
            note: note.to_owned(),
            ..Truth::default()
        }
    }

    /// A finding that must appear.
    pub fn must(&mut self, rule: &str, ip: impl ToString, least: &str) {
        let entry = (rule.to_owned(), ip.to_string(), least.to_owned());
        if !self.must.contains(&entry) {
            self.must.push(entry);
        }
    }

    /// Rules that may not appear.
    pub fn must_not(&mut self, rules: &[&str]) {
        for rule in rules {
            if !self.must_not.iter().any(|r| r == rule) {
                self.must_not.push((*rule).to_owned());
            }
        }
    }

    /// Rules that may not name this address.
    pub fn must_not_at(&mut self, rule: &str, ip: Ipv4Addr) {
        self.must_not_at.push((rule.to_owned(), ip.to_string()));
    }

    /// A text that may not be shown.
    pub fn private(&mut self, text: &str) {
        if !self.private.iter().any(|p| p == text) {
            self.private.push(text.to_owned());
        }
    }

    /// A planted patient.
    pub fn patient(&mut self, person: &Person) {
        for text in person.private() {
            self.private(&text);
        }
    }

    /// An expected answer.
    pub fn answer(&mut self, question: &str, answer: &str) {
        self.coverage.insert(question.to_owned(), answer.to_owned());
    }

    /// A flow.
    pub fn flow(&mut self, from: Ipv4Addr, to: Ipv4Addr, port: u16, protocol: &str) {
        let entry = (from.to_string(), to.to_string(), port, protocol.to_owned());
        if !self.flows.contains(&entry) {
            self.flows.push(entry);
        }
    }

    /// A file that crossed.
    pub fn artifact(&mut self, bytes: &[u8]) {
        self.artifacts.push(sha256(bytes));
    }

    /// A device with its role; returns the entry to fill in more.
    pub fn device(&mut self, name: &str, host: &Host, role: &str) -> &mut TrueDevice {
        self.roles.insert(host.ip.to_string(), role.to_owned());
        self.devices.push(TrueDevice {
            name: name.to_owned(),
            mac: host.mac.to_string(),
            ips: vec![host.ip.to_string()],
            vlan: host.vlan,
            role: role.to_owned(),
            ..TrueDevice::default()
        });
        let last = self.devices.len() - 1;
        &mut self.devices[last]
    }

    /// Something the device at this address announced.
    pub fn identity(&mut self, ip: Ipv4Addr, attribute: &str, value: &str) {
        self.identity
            .entry(ip.to_string())
            .or_default()
            .insert(attribute.to_owned(), value.to_owned());
    }

    /// Keeps what must not appear and must not be shown; forgets what was to be expected.
    pub fn only_prohibitions(&mut self) {
        *self = Truth {
            file: std::mem::take(&mut self.file),
            note: std::mem::take(&mut self.note),
            args: std::mem::take(&mut self.args),
            site: std::mem::take(&mut self.site),
            must_not: std::mem::take(&mut self.must_not),
            must_not_at: std::mem::take(&mut self.must_not_at),
            no_signature: std::mem::take(&mut self.no_signature),
            private: std::mem::take(&mut self.private),
            secrets: std::mem::take(&mut self.secrets),
            devices: std::mem::take(&mut self.devices),
            ..Truth::default()
        };
    }

    /// Whether a finding of this rule is expected anywhere.
    pub fn expects(&self, rule: &str) -> bool {
        self.must.iter().any(|(r, _, _)| r == rule)
    }
}

/// SHA-256 in lower-case hex.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    #[test]
    fn digest_of_nothing() {
        assert_eq!(
            super::sha256(b""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }
}
