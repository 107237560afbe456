//! Whether a condition holds for a device, and what shows it.

use std::net::IpAddr;

use auscult_model::report::{
    ArtifactEntry, Device, Evidence, Finding, LineSeen, Report, TalksTo, details,
};
use ipnet::IpNet;
use serde::Serialize;

use crate::file::{
    ArtifactIs, Condition, ConversationIs, CoverageIs, FindingIs, OneOf, Said, ServiceIs,
};
use crate::names::Kind;

/// Something in a report that meets a condition.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Proof {
    /// What was found, in words.
    pub what: String,
    /// Id of the device that it was found at; absent for what is about the network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Id of the finding that says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finding: Option<String>,
    /// Packets.
    pub packets: Vec<Evidence>,
    /// Wireshark display filter for all packets of this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// The line of conversations that it is.
    #[serde(skip)]
    pub(crate) line: Option<(IpAddr, Option<LineSeen>)>,
}

impl Proof {
    pub(crate) fn new(device: Option<&Device>, what: String) -> Self {
        Proof {
            what,
            device: device.map(|device| device.id.clone()),
            finding: None,
            packets: Vec::new(),
            filter: None,
            line: None,
        }
    }
}

/// Where conditions are looked for: a report, and a device of it or the network as a whole.
#[derive(Clone, Copy)]
pub(crate) struct Place<'r> {
    pub(crate) report: &'r Report,
    pub(crate) device: Option<&'r Device>,
}

impl Condition {
    /// What shows that it holds; nothing when it does not. What is excluded is judged by `all`.
    pub(crate) fn proofs(&self, at: Place<'_>) -> Vec<Proof> {
        match self {
            Condition::All(list) => {
                let mut all = Vec::new();
                for condition in list {
                    if let Condition::None(excluded) = condition {
                        if excluded.iter().any(|one| !one.proofs(at).is_empty()) {
                            return Vec::new();
                        }
                        continue;
                    }
                    let proofs = condition.proofs(at);
                    if proofs.is_empty() {
                        return Vec::new();
                    }
                    join(&mut all, proofs);
                }
                all
            }
            Condition::None(_) => Vec::new(),
            Condition::Any(list) => {
                let mut any = Vec::new();
                for condition in list {
                    join(&mut any, condition.proofs(at));
                }
                any
            }
            Condition::Finding(wanted) => findings(wanted, at),
            Condition::Conversation(wanted) => conversations(wanted, at),
            Condition::Service(wanted) => services(wanted, at),
            Condition::Claim(wanted) => said(wanted, at),
            Condition::Artifact(wanted) => artifacts(wanted, at),
            Condition::PatientData(kinds) => patient_data(kinds, at),
            Condition::Coverage(wanted) => coverage(wanted, at),
        }
    }
}

/// Adds what is not there yet.
fn join(into: &mut Vec<Proof>, proofs: Vec<Proof>) {
    for proof in proofs {
        if !into.contains(&proof) {
            into.push(proof);
        }
    }
}

fn findings(wanted: &FindingIs, at: Place<'_>) -> Vec<Proof> {
    let is_there = |finding: &&Finding| match at.device {
        Some(device) => finding.devices.contains(&device.id),
        None => finding.devices.is_empty(),
    };
    let findings = at.report.findings.iter().filter(is_there);
    let met = findings.filter(|finding| wanted.is_met(finding));
    let proof = |finding: &Finding| Proof {
        finding: Some(finding.id.clone()),
        packets: finding.evidence.clone(),
        ..Proof::new(at.device, format!("{}: {}", finding.rule, finding.title))
    };
    met.map(proof).collect()
}

impl FindingIs {
    fn is_met(&self, finding: &Finding) -> bool {
        let detail = |name: &str, wanted: &OneOf| {
            let value = finding.details.get(name);
            value.is_some_and(|value| wanted.has(value))
        };
        let places = self.place.iter().map(|place| place.word().to_owned());
        let kinds = self.phi_kinds.iter().map(|kind| kind.as_str().to_owned());
        finding.rule == self.rule.as_str()
            && self.severity.is_none_or(|least| finding.severity >= least)
            && self
                .confidence
                .is_none_or(|least| finding.confidence >= least)
            && (self.peer.is_empty() || finding.peer.is_some_and(|peer| lies_in(peer, &self.peer)))
            && (self.place.is_empty() || detail("where", &OneOf::List(places.collect())))
            && (self.phi_kinds.is_empty() || detail("phi_kinds", &OneOf::List(kinds.collect())))
            && self.details.iter().all(|(name, one)| detail(name, one))
    }
}

impl OneOf {
    /// The value, or one in it, is one of these.
    fn has(&self, value: &details::Value) -> bool {
        use details::Value;
        let is_text = |text: &String| match self {
            OneOf::Text(one) => one == text,
            OneOf::List(list) => list.contains(text),
            OneOf::Number(_) | OneOf::Switch(_) => false,
        };
        match value {
            Value::Text(text) => is_text(text),
            Value::List(texts) => texts.iter().any(is_text),
            Value::Number(number) => matches!(self, OneOf::Number(one) if one == number),
            Value::Switch(switch) => matches!(self, OneOf::Switch(one) if one == switch),
        }
    }
}

pub(crate) fn lies_in(ip: IpAddr, networks: &[IpNet]) -> bool {
    networks.iter().any(|network| network.contains(&ip))
}

/// Nothing is asked for, or this is among it.
pub(crate) fn fits<T>(wanted: &[T], is: impl Fn(&T) -> bool) -> bool {
    wanted.is_empty() || wanted.iter().any(is)
}

fn conversations(wanted: &ConversationIs, at: Place<'_>) -> Vec<Proof> {
    let Some(device) = at.device else {
        return Vec::new();
    };
    let lines = device.talks_to.iter().filter(|line| wanted.is_met(line));
    lines.map(|line| conversation(device, line)).collect()
}

/// A line of conversations as something to look at.
pub(crate) fn conversation(device: &Device, line: &TalksTo) -> Proof {
    let unanswered = match line.answered {
        true => "",
        false => ", not answered",
    };
    let begun = match &*line.direction {
        "in" => "from",
        _ => "with",
    };
    let flows = match line.flows {
        1 => "1 flow".to_owned(),
        flows => format!("{flows} flows"),
    };
    let what = format!(
        "{} {begun} {} port {}: {}, {flows}{unanswered}",
        line.protocol,
        line.peer,
        line.port,
        line.place.word().replace('-', " "),
    );
    Proof {
        filter: Some(between(device, line)),
        line: Some((line.peer, line.seen)),
        ..Proof::new(Some(device), what)
    }
}

impl ConversationIs {
    fn is_met(&self, line: &TalksTo) -> bool {
        fits(&self.protocol, |it| it.as_str() == line.protocol)
            && fits(&self.port, |port| *port == line.port)
            && fits(&self.place, |place| *place == line.place)
            && fits(&self.peer, |network| network.contains(&line.peer))
            && !lies_in(line.peer, &self.not_peer)
            && self
                .outside
                .is_none_or(|outside| outside == line.place.is_outside())
            && fits(&self.name, |name| {
                line.name.as_deref().is_some_and(|it| is_below(it, name))
            })
            && self
                .bytes
                .is_none_or(|least| line.bytes.iter().sum::<u64>() >= least)
            && self
                .direction
                .is_none_or(|begun| begun.word() == line.direction)
            && self
                .answered
                .is_none_or(|answered| answered == line.answered)
    }
}

/// Whether a name is another, or lies below it.
fn is_below(name: &str, other: &str) -> bool {
    let (name, other) = (name.to_lowercase(), other.to_lowercase());
    let above = name.strip_suffix(other.as_str());
    above.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The name of an address's field in Wireshark.
fn field(ip: IpAddr) -> &'static str {
    match ip {
        IpAddr::V4(_) => "ip.addr",
        IpAddr::V6(_) => "ipv6.addr",
    }
}

/// A filter for all packets of a line of conversations.
fn between(device: &Device, line: &TalksTo) -> String {
    let peer = format!("{} == {}", field(line.peer), line.peer);
    let own: Vec<String> = device
        .ips
        .iter()
        .filter(|ip| ip.is_ipv4() == line.peer.is_ipv4())
        .map(|ip| format!("{} == {ip}", field(*ip)))
        .collect();
    let mut parts = match own.as_slice() {
        [] => vec![peer],
        [one] => vec![one.clone(), peer],
        _ => vec![format!("({})", own.join(" || ")), peer],
    };
    if line.port != 0 {
        let port = line.port;
        parts.push(format!("(tcp.port == {port} || udp.port == {port})"));
    }
    parts.join(" && ")
}

fn services(wanted: &ServiceIs, at: Place<'_>) -> Vec<Proof> {
    let Some(device) = at.device else {
        return Vec::new();
    };
    let met = device.services.iter().filter(|service| {
        let is_it = |it: &crate::Protocol| it.as_str() == service.protocol;
        wanted.protocol.iter().any(is_it) && fits(&wanted.port, |port| *port == service.port)
    });
    met.map(|service| {
        let what = format!(
            "offers {} on {} port {}",
            service.protocol, service.transport, service.port
        );
        let ip = device.ips.first();
        let filter = ip.map(|ip| {
            let (field, transport, port) = (field(*ip), &service.transport, service.port);
            format!("{field} == {ip} && {transport}.port == {port}")
        });
        Proof {
            filter,
            ..Proof::new(Some(device), what)
        }
    })
    .collect()
}

fn said(wanted: &Said, at: Place<'_>) -> Vec<Proof> {
    let Some(device) = at.device else {
        return Vec::new();
    };
    let claims = device.claims.iter().filter(|claim| wanted.is_met(claim));
    let proof = |claim: &auscult_model::report::Claim| Proof {
        packets: claim.evidence.clone(),
        ..Proof::new(
            Some(device),
            format!(
                "{} = {}, says {}",
                claim.attribute, claim.value, claim.source
            ),
        )
    };
    claims.map(proof).collect()
}

impl Said {
    /// The claim says this.
    pub(crate) fn is_met(&self, claim: &auscult_model::report::Claim) -> bool {
        let value = claim.value.to_lowercase();
        let contains = |word: &String| value.contains(&word.to_lowercase());
        claim.attribute == self.attribute
            && fits(&self.is, |one| one.to_lowercase() == value)
            && self.contains.as_ref().is_none_or(contains)
    }
}

fn artifacts(wanted: &ArtifactIs, at: Place<'_>) -> Vec<Proof> {
    let reached = |file: &&ArtifactEntry| match at.device {
        Some(device) => device.ips.contains(&file.to),
        None => false,
    };
    let files = at.report.artifacts.iter().filter(reached);
    let met = files.filter(|file| {
        fits(&wanted.protocol, |it| it.as_str() == file.protocol)
            && fits(&wanted.kind, |kind| *kind == file.kind)
            && fits(&wanted.name, |name| *name == file.name)
            && fits(&wanted.sha256, |digest| {
                digest.eq_ignore_ascii_case(&file.sha256)
            })
    });
    let proof = |file: &ArtifactEntry| {
        let whole = match file.complete {
            true => format!("SHA-256 {}", file.sha256),
            false => "not all bytes seen".to_owned(),
        };
        let what = format!(
            "file {} ({}, {} bytes) by {} from {}: {whole}",
            file.name, file.kind, file.size, file.protocol, file.from
        );
        Proof {
            packets: file.evidence.clone(),
            ..Proof::new(at.device, what)
        }
    };
    met.map(proof).collect()
}

fn patient_data(kinds: &[Kind], at: Place<'_>) -> Vec<Proof> {
    let Some(device) = at.device else {
        return Vec::new();
    };
    let seen = device.patient_data.iter().map(|kind| kind.word());
    let met: Vec<&str> = seen
        .filter(|word| kinds.iter().any(|kind| kind.as_str() == *word))
        .collect();
    match met.is_empty() {
        true => Vec::new(),
        false => vec![Proof::new(
            Some(device),
            format!("patient data seen: {}", met.join(", ")),
        )],
    }
}

fn coverage(wanted: &CoverageIs, at: Place<'_>) -> Vec<Proof> {
    let answers = at.report.coverage.iter();
    let met = answers.filter(|it| it.id == wanted.question.as_str() && it.answer == wanted.answer);
    met.map(|it| {
        Proof::new(
            None,
            format!("{} {}: {}", it.question, it.short, it.because),
        )
    })
    .collect()
}
