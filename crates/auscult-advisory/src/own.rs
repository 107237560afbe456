//! Rules of one's own: what a hospital does not want to see on its network, as a file.
//!
//! A rule names devices and a condition, the same that advisories have, and becomes a finding of
//! each device for which the condition holds. The format is described in docs/rules.md. A file is
//! checked when it is read: every key, every name, every network; what is wrong is told with its
//! line. Tests stand beside their rule: a capture, and the devices that it must be found at.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;

use auscult_inventory::SiteOptions;
use auscult_model::report::details::Value;
use auscult_model::report::{Device, Evidence, Finding, Report, Role, Severity};
use auscult_model::{PacketRef, Timestamp};
use ipnet::IpNet;
use serde::Deserialize;
use toml::Spanned;

use crate::condition::{Place, Proof, fits, lies_in};
use crate::file::{Condition, Said, Unreadable, from_toml};
use crate::names::Family;

/// Rules of one file; each is tried at each device.
const RULES: usize = 1_000;
/// Lines of what was seen, and packets, that a finding shows.
const SHOWN: usize = 8;

/// A file of rules.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnRules {
    /// The rules.
    pub rule: Vec<OwnRule>,
    /// The texts that they were read from, as evidence hands them on.
    #[serde(skip)]
    pub texts: Vec<String>,
}

/// One rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OwnRule {
    /// Its name: small letters, digits and `-`, none of a rule that Auscult has.
    pub id: Spanned<String>,
    /// What is found, in one line; the device's name is put before it.
    pub title: String,
    /// How bad that is.
    pub severity: Severity,
    /// Why the rule is there.
    pub because: String,
    /// What it means for care.
    #[serde(default)]
    pub impact: String,
    /// What to do.
    #[serde(default)]
    pub action: String,
    /// What looks alike and is innocent.
    #[serde(default)]
    pub innocent: String,
    /// ATT&CK techniques.
    #[serde(default)]
    pub attack: Vec<String>,
    /// CVE and advisory numbers.
    #[serde(default)]
    pub cves: Vec<String>,
    /// At which devices; at any when absent.
    #[serde(default)]
    pub devices: DeviceIs,
    /// What must be found there.
    pub holds: Condition,
    /// What it must and must not find.
    #[serde(default)]
    pub test: Vec<OwnTest>,
}

/// Which devices a rule is about. What is not given is not asked for; of a list one is enough.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DeviceIs {
    /// What it is for.
    #[serde(default)]
    pub role: Vec<Role>,
    /// What it is not for.
    #[serde(default)]
    pub not_role: Vec<Role>,
    /// The signature that named it.
    #[serde(default)]
    pub family: Vec<Family>,
    /// One of its addresses lies in one of these networks.
    #[serde(default)]
    pub network: Vec<IpNet>,
    /// None of its addresses lies in any of these networks.
    #[serde(default)]
    pub not_network: Vec<IpNet>,
    /// Where it was seen, as reports write it: `vlan 20`, `untagged`.
    #[serde(default)]
    pub segment: Vec<String>,
    /// What was said of it.
    #[serde(default)]
    pub says: Vec<Said>,
}

/// What a rule must find in a capture.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnTest {
    /// The capture, seen from the folder of the file.
    pub capture: PathBuf,
    /// Addresses of the devices that it is found at; none for a near miss.
    pub finds: BTreeSet<IpAddr>,
}

impl OwnRules {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// What is wrong, and in which line.
    pub fn read(text: &str) -> Result<Self, Unreadable> {
        let mut rules: OwnRules = from_toml(text)?;
        rules.texts.push(text.to_owned());
        rules.checked(text)
    }

    fn checked(self, text: &str) -> Result<Self, Unreadable> {
        let mut ids = BTreeSet::new();
        for (at, rule) in self.rule.iter().enumerate() {
            let id = rule.id.get_ref().as_str();
            let wrong = match rule.wrong() {
                None if at >= RULES => Some("these are too many rules for one file"),
                None if !ids.insert(id) => Some("there are two of this name"),
                wrong => wrong,
            };
            if let Some(wrong) = wrong {
                let what = format!("rule `{id}`: {wrong}");
                return Err(Unreadable::at(text, rule.id.span().start, what));
            }
        }
        Ok(self)
    }

    /// Takes in the rules of another file.
    ///
    /// # Errors
    ///
    /// The name that both have.
    pub fn join(&mut self, other: OwnRules) -> Result<(), String> {
        let known: BTreeSet<&str> = self.rule.iter().map(OwnRule::name).collect();
        match other.rule.iter().find(|rule| known.contains(rule.name())) {
            Some(twice) => Err(twice.name().to_owned()),
            None => {
                self.rule.extend(other.rule);
                self.texts.extend(other.texts);
                Ok(())
            }
        }
    }

    /// What the rules find in a report. Ids are whole; `show` makes evidence of a packet.
    pub fn findings(
        &self,
        report: &Report,
        site: &SiteOptions,
        show: &dyn Fn(PacketRef, &str) -> Evidence,
    ) -> Vec<Finding> {
        let mut findings = Vec::new();
        for rule in &self.rule {
            for device in report.devices.iter().filter(|it| rule.devices.is_met(it)) {
                let proofs = rule.holds.proofs(Place {
                    report,
                    device: Some(device),
                });
                if !proofs.is_empty() {
                    findings.push(rule.finding(device, &proofs, site, show));
                }
            }
        }
        findings
    }
}

impl OwnRule {
    /// Its name.
    pub fn name(&self) -> &str {
        self.id.get_ref()
    }

    /// What makes it none.
    fn wrong(&self) -> Option<&'static str> {
        let id = self.name();
        let is_plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        let is_ours = || {
            let mut records = auscult_detect::ALL.iter().map(|it| it.record());
            records.any(|record| record.rule == id)
        };
        if id.is_empty() || id.len() > 64 || !id.bytes().all(is_plain) {
            Some("an id has small letters, digits and `-`, 64 at most")
        } else if is_ours() {
            Some("Auscult has a rule of this name")
        } else if self.title.trim().is_empty() || self.because.trim().is_empty() {
            Some("say in `title` what is found, and why the rule is there in `because`")
        } else if self.holds.is_empty() {
            Some("each condition wants something to be seen: a list is empty, or only `none`")
        } else {
            None
        }
    }

    fn finding(
        &self,
        device: &Device,
        proofs: &[Proof],
        site: &SiteOptions,
        show: &dyn Fn(PacketRef, &str) -> Evidence,
    ) -> Finding {
        let lowered = site.for_information(&device.ips);
        let mut reasons = vec![format!("your rule: {}", self.because)];
        reasons.extend(lowered.map(str::to_owned));
        let mut evidence: Vec<Evidence> = Vec::new();
        for proof in proofs {
            let line = proof.line.and_then(|(_, seen)| seen);
            let begins = line.map(|line| show(line.packet, "begins"));
            for packet in begins.into_iter().chain(proof.packets.iter().cloned()) {
                let is_same =
                    |it: &Evidence| (&it.file, it.packet) == (&packet.file, packet.packet);
                if evidence.len() < SHOWN && !evidence.iter().any(is_same) {
                    evidence.push(packet);
                }
            }
        }
        let mut seen: Vec<String> = proofs.iter().map(|it| format!("{}.", it.what)).collect();
        if let Some(more) = seen.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            seen.truncate(SHOWN);
            seen.push(format!("And {more} more of the kind."));
        }
        let filters = proofs.iter().filter_map(|proof| proof.filter.clone());
        let filters: Vec<String> = filters.take(SHOWN).collect();
        let mut details = BTreeMap::new();
        if !filters.is_empty() {
            details.insert("filters".to_owned(), Value::List(filters));
        }
        let rule = self.name();
        let alias = |alias: &String| auscult_detect::finding_id(rule, alias, "");
        let (first, last) = times(proofs);
        Finding {
            aliases: device.aliases.iter().map(alias).collect(),
            severity: lowered.map_or(self.severity, |_| Severity::Info),
            reasons,
            confidence: self.confidence(device),
            title: format!("{}: {}", auscult_detect::call_name(device), self.title),
            seen,
            impact: self.impact.clone(),
            action: self.action.clone(),
            innocent: Some(self.innocent.clone()).filter(|text| !text.is_empty()),
            devices: vec![device.id.clone()],
            peer: only_peer(proofs),
            attack: self.attack.iter().map(|id| id.clone().into()).collect(),
            cves: self.cves.iter().map(|id| id.clone().into()).collect(),
            first_seen: first,
            last_seen: last,
            count: proofs.len() as u64,
            details,
            evidence,
            ..auscult_detect::unwritten(rule.to_owned().into(), &device.id, "")
        }
    }

    /// What was seen is sure; what the device is may be less so.
    fn confidence(&self, device: &Device) -> f32 {
        const SEEN: f32 = 0.95;
        let wanted = &self.devices;
        match wanted.role.is_empty() && wanted.not_role.is_empty() && wanted.family.is_empty() {
            true => SEEN,
            false => SEEN.min(device.confidence),
        }
    }
}

impl DeviceIs {
    fn is_met(&self, device: &Device) -> bool {
        let in_one = |networks: &[IpNet]| device.ips.iter().any(|ip| lies_in(*ip, networks));
        let segments: Vec<String> = device.segments.iter().map(ToString::to_string).collect();
        fits(&self.role, |role| *role == device.role)
            && !self.not_role.contains(&device.role)
            && fits(&self.family, |family| {
                device.signature.as_deref() == Some(family.as_str())
            })
            && (self.network.is_empty() || in_one(&self.network))
            && !in_one(&self.not_network)
            && fits(&self.segment, |segment| segments.contains(segment))
            && fits(&self.says, |said| {
                device.claims.iter().any(|claim| said.is_met(claim))
            })
    }
}

/// First and last time of the conversations.
fn times(proofs: &[Proof]) -> (Option<Timestamp>, Option<Timestamp>) {
    let lines = || proofs.iter().filter_map(|proof| proof.line?.1);
    let first = lines().map(|line| line.first).min();
    (first, lines().map(|line| line.last).max())
}

/// The peer, where it is one.
fn only_peer(proofs: &[Proof]) -> Option<IpAddr> {
    let peers: BTreeSet<IpAddr> = proofs.iter().filter_map(|it| Some(it.line?.0)).collect();
    peers.first().copied().filter(|_| peers.len() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = r#"
        [[rule]]
        id = "pump-goes-out"
        title = "a pump talks to the outside"
        severity = "medium"
        because = "our pumps have no business there"
        [rule.devices]
        role = ["infusion-pump"]
        not-network = ["10.9.0.0/16"]
        [rule.holds]
        conversation = { outside = true, direction = "out" }
    "#;

    #[test]
    fn a_rule_is_read() {
        let rules = OwnRules::read(RULE).unwrap();
        let rule = &rules.rule[0];
        assert_eq!(rule.name(), "pump-goes-out");
        assert_eq!(rule.devices.role, [Role::InfusionPump]);
        assert!(rule.test.is_empty());
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        for (from, to, line, words) in [
            ("pump-goes-out", "Pump goes out", 3, "small letters"),
            ("pump-goes-out", "beacon", 3, "Auscult has a rule"),
            ("medium", "worse", 5, "worse"),
            ("infusion-pump", "pomp", 8, "pomp"),
            ("10.9.0.0/16", "10.9.0.0/99", 9, "IP address"),
            ("conversation = {", "talks = {", 11, "talks"),
            ("direction", "way", 11, "way"),
            ("our pumps have no business there", " ", 3, "because"),
            ("conversation = {", "any = [] #", 3, "condition"),
        ] {
            let error = OwnRules::read(&RULE.replace(from, to)).unwrap_err();
            assert_eq!(error.line, line, "{to}: {error}");
            assert!(error.to_string().contains(words), "{to}: {error}");
        }
        let twice = format!("{RULE}{RULE}");
        let error = OwnRules::read(&twice).unwrap_err();
        assert!(error.to_string().contains("two of this name"), "{error}");
        let mut rules = OwnRules::read(RULE).unwrap();
        assert_eq!(
            rules.join(OwnRules::read(RULE).unwrap()),
            Err("pump-goes-out".to_owned())
        );
    }
}
