//! Device families and roles as data: evidence → family, vendor, model, role.
//!
//! Each file in `signatures/` is one family or role; it is embedded when the program is built.
//! To add one, write the file and add its line to `FILES`. Evidence is a list of
//! alternatives, each with a confidence and conditions that must all hold. Ports, addresses and
//! MAC vendors may hint at a family and never name it: below [`NAMES`] a signature is a claim
//! among others (`family_hint`). Limit: confidences are judgements of their authors, with
//! sources, until they are calibrated.

use std::net::IpAddr;
use std::sync::OnceLock;

use auscult_model::report::Role;
use ipnet::IpNet;
use serde::{Deserialize, Deserializer};

use crate::conduct::Conduct;

/// From this confidence on a signature names a device.
pub const NAMES: f32 = 0.7;

const FILES: &[&str] = &[
    include_str!("../signatures/contec-cms8000.toml"),
    include_str!("../signatures/contec-central.toml"),
    include_str!("../signatures/draeger-vista-120.toml"),
    include_str!("../signatures/vista-central.toml"),
    include_str!("../signatures/ge-unity.toml"),
    include_str!("../signatures/philips-intellivue.toml"),
    include_str!("../signatures/monitor-by-nomenclature.toml"),
    include_str!("../signatures/infusion-pump.toml"),
    include_str!("../signatures/ventilator.toml"),
    include_str!("../signatures/dicom-modality.toml"),
    include_str!("../signatures/dicom-archive.toml"),
    include_str!("../signatures/dicom-workstation.toml"),
    include_str!("../signatures/hl7-interface-engine.toml"),
    include_str!("../signatures/laboratory-analyser.toml"),
    include_str!("../signatures/sdc-device.toml"),
    include_str!("../signatures/printer.toml"),
    include_str!("../signatures/camera.toml"),
    include_str!("../signatures/phone.toml"),
    include_str!("../signatures/network-device.toml"),
    include_str!("../signatures/power-supply.toml"),
    include_str!("../signatures/hypervisor.toml"),
    include_str!("../signatures/server.toml"),
    include_str!("../signatures/workstation.toml"),
    include_str!("../signatures/managed-other.toml"),
];

/// A device family, or a role without one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Name, as in reports.
    pub id: String,
    /// The family in words; none when only the role is meant.
    #[serde(default)]
    pub family: Option<String>,
    /// Maker.
    #[serde(default)]
    pub vendor: Option<String>,
    /// Model or range.
    #[serde(default)]
    pub model: Option<String>,
    /// What it is for.
    #[serde(deserialize_with = "role")]
    pub role: Role,
    /// Other labels of the same device.
    #[serde(default)]
    pub also_sold_as: Vec<String>,
    /// Models of the same maker that may share the design; neither proven nor disproven.
    #[serde(default)]
    pub siblings: Vec<String>,
    /// Official advisories.
    #[serde(default)]
    pub advisories: Vec<String>,
    /// CVE numbers.
    #[serde(default)]
    pub cves: Vec<String>,
    /// An authority advises against using it on a network as it is.
    #[serde(default)]
    pub dangerous: bool,
    /// Documents that the evidence rests on.
    pub sources: Vec<String>,
    /// What else a reader must know.
    #[serde(default)]
    pub note: String,
    /// Alternatives.
    pub evidence: Vec<Alternative>,
}

/// Conditions that together give a confidence.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alternative {
    /// How sure it makes the signature.
    pub confidence: f32,
    /// All of them must hold.
    pub all: Vec<Condition>,
    /// None of them may hold.
    #[serde(default)]
    pub none: Vec<Condition>,
}

/// Something that a device did, or that was said of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Condition {
    /// It sent messages of a protocol.
    Sends(String),
    /// It got messages of a protocol.
    Receives(String),
    /// It got messages of a protocol from several addresses.
    ReceivesFrom {
        /// Which protocol.
        protocol: String,
        /// From how many addresses at least.
        senders: usize,
    },
    /// It answered in a protocol as the side that was spoken to, or announced it.
    Serves(String),
    /// It answered in a protocol to several addresses.
    ServesMany {
        /// Which protocol.
        protocol: String,
        /// To how many addresses at least.
        clients: usize,
    },
    /// It began, in a protocol, and was answered.
    Uses(String),
    /// It asked for something.
    Requests {
        /// In which protocol.
        protocol: String,
        /// By which word.
        operation: String,
        /// Of what; anything when absent.
        object: Option<String>,
    },
    /// It was asked for something.
    Asked {
        /// In which protocol.
        protocol: String,
        /// By which word.
        operation: String,
    },
    /// A claim about it has a word in its value, letters in either case.
    Claim {
        /// The attribute.
        attribute: String,
        /// The word, in small letters; any value when absent.
        #[serde(default, deserialize_with = "in_small_letters")]
        contains: Option<String>,
    },
    /// It tried to reach one of some networks on one of some ports. A hint, never proof.
    Tried {
        /// The networks.
        networks: Vec<IpNet>,
        /// The ports.
        ports: Vec<u16>,
    },
    /// It asked by ARP for an address. A hint, never proof.
    AskedFor(IpAddr),
    /// It passes packets on for others.
    IsRouter,
}

impl Condition {
    /// How far it holds: 0 when it does not.
    fn holds(&self, conduct: &Conduct) -> f32 {
        let sure = |held: bool| if held { 1.0 } else { 0.0 };
        match self {
            Condition::Sends(protocol) => known(conduct.sends.get(protocol.as_str()).copied()),
            Condition::Receives(protocol) => {
                known(conduct.receives.get(protocol.as_str()).map(|r| r.0))
            }
            Condition::ReceivesFrom { protocol, senders } => {
                let received = conduct.receives.get(protocol.as_str());
                known(received.filter(|r| r.1.len() >= *senders).map(|r| r.0))
            }
            Condition::Serves(protocol) => sure(conduct.serves.contains_key(protocol.as_str())),
            Condition::ServesMany { protocol, clients } => {
                let served = conduct.serves.get(protocol.as_str());
                sure(served.is_some_and(|served| served.len() >= *clients))
            }
            Condition::Uses(protocol) => sure(conduct.uses.contains(protocol.as_str())),
            Condition::Requests {
                protocol,
                operation,
                object,
            } => sure(conduct.requests.iter().any(|(p, o, of)| {
                p == protocol && o == operation && object.as_ref().is_none_or(|x| x == of)
            })),
            Condition::Asked {
                protocol,
                operation,
            } => sure(
                conduct
                    .asked
                    .iter()
                    .any(|(p, o)| p == protocol && o == operation),
            ),
            Condition::Claim {
                attribute,
                contains,
            } => {
                let values = conduct.claims.get(attribute.as_str()).into_iter().flatten();
                let said = values.filter(|(value, _)| {
                    contains
                        .as_ref()
                        .is_none_or(|word| value.contains(word.as_str()))
                });
                said.map(|(_, confidence)| *confidence).fold(0.0, f32::max)
            }
            Condition::Tried { networks, ports } => sure(conduct.tried.iter().any(|(ip, port)| {
                ports.contains(port) && networks.iter().any(|network| network.contains(ip))
            })),
            Condition::AskedFor(ip) => sure(conduct.asked_for.contains(ip)),
            Condition::IsRouter => sure(conduct.router),
        }
    }
}

fn in_small_letters<'de, D: Deserializer<'de>>(word: D) -> Result<Option<String>, D::Error> {
    let word = Option::<String>::deserialize(word)?;
    Ok(word.map(|word| word.to_lowercase()))
}

fn known(confidence: Option<f32>) -> f32 {
    confidence.unwrap_or(0.0)
}

impl Signature {
    /// Protocols whose messages are evidence for it when a device sends them.
    pub fn sends(&self) -> impl Iterator<Item = &str> {
        let conditions = self.evidence.iter().flat_map(|evidence| &evidence.all);
        conditions.filter_map(|condition| match condition {
            Condition::Sends(protocol) => Some(protocol.as_str()),
            _ => None,
        })
    }

    /// How sure it is that a device is one of these; 0 when nothing says so.
    pub(crate) fn weigh(&self, conduct: &Conduct) -> f32 {
        let weights = self.evidence.iter().map(|evidence| evidence.weigh(conduct));
        weights.fold(0.0, f32::max)
    }
}

impl Alternative {
    /// How sure it makes what it is evidence for; 0 when it does not hold.
    pub(crate) fn weigh(&self, conduct: &Conduct) -> f32 {
        let mut weakest = 1.0_f32;
        for condition in &self.all {
            weakest = weakest.min(condition.holds(conduct));
            if weakest <= 0.0 {
                return 0.0;
            }
        }
        let excluded = self.none.iter().any(|c| c.holds(conduct) > 0.0);
        if excluded || self.all.is_empty() {
            return 0.0;
        }
        self.confidence * weakest
    }
}

/// All signatures, in order of their files.
pub fn signatures() -> &'static [Signature] {
    static SIGNATURES: OnceLock<Vec<Signature>> = OnceLock::new();
    SIGNATURES.get_or_init(|| {
        // A file that cannot be read is caught by the tests below; it must not stop a report.
        FILES
            .iter()
            .filter_map(|text| toml::from_str(text).ok())
            .collect()
    })
}

/// The signature with an id.
pub fn signature(id: &str) -> Option<&'static Signature> {
    signatures().iter().find(|signature| signature.id == id)
}

fn role<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Role, D::Error> {
    let word = String::deserialize(deserializer)?;
    Role::from_word(&word).ok_or_else(|| serde::de::Error::custom(format!("no role {word:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_signature_with_its_own_id() {
        let mut ids = std::collections::BTreeSet::new();
        for text in FILES {
            let signature: Signature = toml::from_str(text).unwrap();
            assert!(ids.insert(signature.id.clone()), "{} twice", signature.id);
            assert!(!signature.sources.is_empty(), "{}", signature.id);
            for alternative in &signature.evidence {
                assert!(
                    (0.0..=1.0).contains(&alternative.confidence),
                    "{}",
                    signature.id
                );
            }
        }
        let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/signatures")).unwrap();
        assert_eq!(
            files.count(),
            FILES.len(),
            "a file without its line, or a line too many"
        );
    }

    #[test]
    fn addresses_and_ports_alone_name_nothing() {
        for signature in signatures() {
            for alternative in &signature.evidence {
                let hints = alternative.all.iter().all(|condition| {
                    matches!(condition, Condition::Tried { .. } | Condition::AskedFor(_))
                });
                assert!(!hints || alternative.confidence < NAMES, "{}", signature.id);
            }
        }
    }

    #[test]
    fn an_unknown_field_is_an_error() {
        let text = FILES
            .first()
            .unwrap()
            .replacen("role =", "rolle = \"x\"\nrole =", 1);
        assert!(toml::from_str::<Signature>(&text).is_err());
    }

    #[test]
    fn the_ladder_of_the_cms8000() {
        let monitor = signature("contec-cms8000").unwrap();
        let mut conduct = Conduct::default();
        assert_eq!(monitor.weigh(&conduct), 0.0);
        conduct.asked_for.insert("202.114.4.119".parse().unwrap());
        assert_eq!(monitor.weigh(&conduct), 0.25);
        conduct
            .tried
            .insert(("202.114.4.119".parse().unwrap(), 515));
        assert_eq!(monitor.weigh(&conduct), 0.5);
        conduct.sends.insert("contec-cms", 1.0);
        assert_eq!(monitor.weigh(&conduct), 0.9);
        conduct
            .requests
            .insert(("mount", "mount", "/pm".to_owned()));
        assert_eq!(monitor.weigh(&conduct), 0.97);
        conduct.sends.clear();
        assert!(
            monitor.weigh(&conduct) < 0.9,
            "the mount alone is not the stream"
        );
    }

    #[test]
    fn who_receives_the_stream_is_the_station_and_not_the_monitor() {
        let mut conduct = Conduct::default();
        conduct
            .receives
            .insert("contec-cms", (1.0, Default::default()));
        assert_eq!(signature("contec-cms8000").unwrap().weigh(&conduct), 0.0);
        assert_eq!(signature("contec-central").unwrap().weigh(&conduct), 0.9);
    }
}
