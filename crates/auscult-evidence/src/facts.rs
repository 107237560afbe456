//! What a bundle says beside its packets: what findings rest on, who took them, how they were made.

use std::collections::BTreeMap;

use auscult_model::report::{
    Capture, Coverage, DataSet, Device, Finding, Health, Report, Severity, Site,
};
use serde::{Deserialize, Serialize};

use crate::select::Level;

/// The member `facts.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Who handed what on, and with what.
    pub custody: Custody,
    /// How the analysis was set.
    pub configuration: Configuration,
    /// How each finding is shown.
    pub proofs: Vec<Proof>,
    /// The untouched originals, with their digests.
    pub captures: Vec<Capture>,
    /// What counted as ours.
    pub site: Site,
    /// The findings' devices.
    pub devices: Vec<Device>,
    /// What the captures could have shown, and did.
    pub coverage: Vec<Coverage>,
    /// Losses and limits.
    pub health: Health,
    /// Data sets that statements rest on.
    pub data_sets: Vec<DataSet>,
}

/// Who handed what on, and with what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Custody {
    /// Who made the bundle, in their words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// What they note.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Name and version of the program.
    pub program: String,
    /// The programs that wrote the captures, as those say, by file.
    pub capture_tools: BTreeMap<String, Vec<String>>,
}

/// How the analysis was set: enough to run it again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Configuration {
    /// Networks declared the site's own.
    pub networks: Vec<String>,
    /// Partners with their networks, and how they are reached.
    pub partners: Vec<Partner>,
    /// Declared sinkholes and stations.
    pub sinkholes: Vec<String>,
    /// Networks of guests.
    pub guest_networks: Vec<String>,
    /// Networks of test benches.
    pub bench_networks: Vec<String>,
    /// The site's country.
    pub country: Option<String>,
    /// Whether capture interfaces are different segments.
    pub interfaces_apart: bool,
    /// Bounds that were set, by name.
    pub limits: BTreeMap<String, u64>,
    /// Texts of the site's own rules.
    pub rules: Vec<String>,
    /// Entries of lists of indicators that findings name.
    pub indicators: Vec<String>,
    /// The part of the captures that was asked for, in the user's words.
    pub window: [Option<String>; 2],
}

/// A partner of the site.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partner {
    /// Its name.
    pub name: String,
    /// Its networks.
    pub networks: Vec<String>,
    /// How it is reached.
    pub via: Option<String>,
}

/// What a finding rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// The enclosed packets alone give the finding again.
    Reproduced,
    /// It rests on more than the enclosed packets: on the enclosed facts.
    History,
    /// It rests on what was not seen: the record of what was watched attests it.
    Absence,
}

/// How one finding is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proof {
    /// Its id.
    pub finding: String,
    /// Its rule.
    pub rule: String,
    /// What it rests on.
    pub standing: Standing,
    /// Its severity when the enclosed packets alone are analysed; absent when they do not give it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub again: Option<Severity>,
    /// Its severity in the whole.
    pub severity: Severity,
}

impl Proof {
    /// What an analysis of the enclosed packets alone says of a finding.
    pub fn new(finding: &Finding, devices: &[Device], again: &Report) -> Proof {
        let found = again
            .findings
            .iter()
            .find(|other| is_same(finding, devices, other, &again.devices));
        let standing = match found {
            _ if rests_on_absence(finding) => Standing::Absence,
            Some(_) => Standing::Reproduced,
            None => Standing::History,
        };
        Proof {
            finding: finding.id.clone(),
            rule: finding.rule.to_string(),
            standing,
            again: found.map(|found| found.severity),
            severity: finding.severity,
        }
    }

    /// Whether the packets alone say as much as the whole.
    pub fn is_full(&self) -> bool {
        self.again == Some(self.severity)
    }

    /// In a sentence.
    pub fn words(&self) -> String {
        let severity = match self.again {
            Some(again) if again != self.severity => {
                format!(
                    " (from these packets alone {again}, from all that was seen {})",
                    self.severity
                )
            }
            _ => String::new(),
        };
        match (self.standing, self.again) {
            (Standing::Reproduced, _) => format!("reproduced from the packets{severity}"),
            (Standing::History, _) => {
                "rests on history: the packets alone do not give it, the enclosed facts say \
                 what it rests on"
                    .to_owned()
            }
            (Standing::Absence, Some(_)) => format!(
                "rests on absence: what was sent is reproduced from the packets{severity}, what \
                 never came is attested by the coverage record"
            ),
            (Standing::Absence, None) => {
                "rests on absence: attested by the coverage record, not shown by the packets"
                    .to_owned()
            }
        }
    }
}

/// Rules whose point is that something never came: an answer, a name, a message. Packets that are
/// left out of a bundle cannot be told from packets that never were.
const ABSENCE: &[&str] = &[
    "dead-public-address",
    "hardcoded-destination",
    "mass-silence",
    "silent-device",
];

fn rests_on_absence(finding: &Finding) -> bool {
    ABSENCE.contains(&finding.rule.as_ref())
}

/// The same finding in another report: its id may hang on another anchor of the device there.
fn is_same(finding: &Finding, devices: &[Device], other: &Finding, others: &[Device]) -> bool {
    if finding.rule != other.rule {
        return false;
    }
    let names = |finding: &Finding| -> Vec<String> {
        std::iter::once(&finding.id)
            .chain(&finding.aliases)
            .cloned()
            .collect()
    };
    if names(finding)
        .iter()
        .any(|name| names(other).contains(name))
    {
        return true;
    }
    let of = |finding: &Finding, devices: &[Device]| -> Vec<Device> {
        let is_own = |device: &&Device| finding.devices.contains(&device.id);
        devices.iter().filter(is_own).cloned().collect()
    };
    let shares_address = of(finding, devices).iter().any(|device| {
        of(other, others).iter().any(|other| {
            device.macs.iter().any(|mac| other.macs.contains(mac))
                || device.ips.iter().any(|ip| other.ips.contains(ip))
        })
    });
    shares_address && (finding.peer == other.peer || finding.peer.is_none())
}

/// Finds how much of the captures is needed: from little to much, until every finding is given as
/// severe as in the whole, else the level at which most are.
pub fn least<T>(
    mut at: impl FnMut(Level) -> Option<(T, Vec<Proof>)>,
) -> Option<(Level, T, Vec<Proof>)> {
    let mut best: Option<(usize, Level, T, Vec<Proof>)> = None;
    for level in Level::ALL {
        let Some((made, proofs)) = at(level) else {
            continue;
        };
        // A finding that is given at all counts, as severe counts twice.
        let score = proofs
            .iter()
            .map(|proof| usize::from(proof.again.is_some()) + usize::from(proof.is_full()))
            .sum();
        let is_full = proofs.iter().all(Proof::is_full);
        if best.as_ref().is_none_or(|(most, ..)| score > *most) {
            best = Some((score, level, made, proofs));
        }
        if is_full {
            break;
        }
    }
    best.map(|(_, level, made, proofs)| (level, made, proofs))
}
