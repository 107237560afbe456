//! Weighs what was claimed about a device: which value is shown, and how sure it is.
//!
//! A claim's confidence is the reliability of its source for what it says, times how sure the
//! reading was. Sources that repeat each other (DHCP and DHCPv6, the name services of one
//! machine) are one witness; independent witnesses of one value add up as `1 − Π(1 − c)`.
//! What a witness replaced (an earlier name or version by a later one) counts little more, and an
//! earlier place (unit, bed) once any witness tells a later: a bed swap may be seen by one alone.
//! How often something was repeated counts nothing. Values of one attribute never overwrite each
//! other: the best supported is shown, the later of equals, the rest stays as dissent.
//!
//! Limits: the reliabilities in [`WITNESSES`] are judgements, to be calibrated on labelled
//! captures. What a device says of others (images that an archive passes on carry the maker of
//! the modality) is discounted when the other was heard first with the same serial number.

use std::collections::{BTreeMap, BTreeSet};

use auscult_model::report::{Claim, Evidence};
use auscult_model::{PacketRef, Timestamp};

use crate::cluster::Clusters;
use crate::facts::ClaimFact;
use crate::ledger::Ledger;
use crate::links::Links;
use crate::mac_vendor::mac_vendor;
use crate::table::Fact;

/// Source, the witness it belongs to, and the reliability of what it says.
const WITNESSES: [(&str, &str, f32); 34] = [
    ("contec-cms", "contec-cms", 0.95),
    ("vista-cms", "vista-cms", 0.9),
    ("intellivue", "intellivue", 0.95),
    ("ge-unity", "ge", 0.9),
    ("rwhat", "ge", 0.9),
    ("sdc", "sdc", 0.95),
    ("medibus", "medibus", 0.9),
    ("poct1-a", "poct1-a", 0.9),
    ("astm", "astm", 0.85),
    ("hl7", "hl7", 0.85),
    ("fhir", "hl7", 0.8),
    ("dicom", "dicom", 0.9),
    ("dicomweb", "dicom", 0.85),
    ("lldp", "neighbour", 0.95),
    ("cdp", "neighbour", 0.95),
    ("snmp", "snmp", 0.9),
    ("dhcp", "dhcp", 0.85),
    ("dhcpv6", "dhcp", 0.85),
    ("mdns", "name service", 0.85),
    ("llmnr", "name service", 0.75),
    ("nbns", "name service", 0.8),
    ("nbds", "name service", 0.8),
    ("ssdp", "upnp", 0.75),
    ("ws-discovery", "upnp", 0.8),
    ("tls", "tls", 0.8),
    ("ssh", "ssh", 0.85),
    ("smb", "smb", 0.85),
    ("ftp", "ftp", 0.75),
    ("http", "http", 0.7),
    ("portmap", "rpc", 0.75),
    ("mount", "rpc", 0.75),
    ("nfs", "rpc", 0.75),
    ("syslog", "syslog", 0.7),
    ("ipp", "ipp", 0.85),
];
/// Of sources that are not in the table.
const OTHERS: f32 = 0.6;
/// Of the register of MAC prefixes: the maker of a network part, not of the device.
pub(crate) const REGISTER: f32 = 0.3;
/// What is left of a claim that another device made first.
const PASSED_ON: f32 = 0.15;
/// What is left of a claim that its witness later replaced by another.
const REPLACED: f32 = 0.4;
/// So long after the earlier value, in nanoseconds: whoever says two at once has both.
const REPLACED_AFTER: i64 = 600 * Timestamp::SECOND;
/// Attributes that say what a device calls itself, the first of which that is known is shown.
pub(crate) const HOST_NAMES: [&str; 9] = [
    "hostname",
    "dhcp_hostname",
    "mdns_name",
    "netbios_name",
    "llmnr_name",
    "snmp_sysname",
    "syslog_hostname",
    "lldp_system_name",
    "cdp_device_id",
];
/// Other attributes of which a device has one value at a time.
const ONE_AT_A_TIME: [&str; 8] = [
    "bed",
    "unit",
    "department",
    "location",
    "firmware",
    "software",
    "os",
    "smb_os",
];
/// Those of them that say where a device stands: whichever witness saw it elsewhere last is right.
const PLACES: [&str; 3] = ["bed", "unit", "department"];
/// No number of witnesses makes a claim surer.
const SUREST: f32 = 0.99;
/// Packets shown for one claim.
const EVIDENCE: usize = 3;

fn witness(source: &'static str) -> (&'static str, f32) {
    WITNESSES
        .iter()
        .find(|(name, ..)| *name == source)
        .map_or((source, OTHERS), |(_, witness, reliability)| {
            (*witness, *reliability)
        })
}

/// One value of one attribute of one device, weighed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Weighed {
    pub(crate) attribute: String,
    pub(crate) value: String,
    pub(crate) confidence: f32,
    pub(crate) sources: BTreeSet<&'static str>,
    pub(crate) packets: Vec<(Timestamp, PacketRef)>,
    pub(crate) last: Option<Timestamp>,
}

impl Weighed {
    /// Something concluded rather than read.
    pub(crate) fn concluded(attribute: &str, value: &str, confidence: f32) -> Self {
        Weighed {
            attribute: attribute.to_owned(),
            value: value.to_owned(),
            confidence,
            sources: BTreeSet::new(),
            packets: Vec::new(),
            last: None,
        }
    }

    /// As reports show it; `source` where no protocol said it.
    pub(crate) fn report(&self, ledger: &Ledger, source: &str) -> Claim {
        let sources: Vec<&str> = self.sources.iter().copied().collect();
        Claim {
            attribute: self.attribute.clone(),
            value: self.value.clone(),
            confidence: self.confidence,
            source: if sources.is_empty() {
                source.to_owned()
            } else {
                sources.join(", ")
            },
            evidence: self
                .packets
                .iter()
                .map(|(_, packet)| Evidence {
                    file: ledger.file_name(packet.file),
                    packet: packet.number,
                    note: None,
                    filter: None,
                    at: None,
                })
                .collect(),
        }
    }
}

type Values = BTreeMap<(&'static str, String), BTreeMap<&'static str, ClaimFact>>;

/// Weighs all claims, by device; of each device best supported first.
pub(crate) fn weigh(ledger: &Ledger, links: &Links, clusters: &Clusters) -> Vec<Vec<Weighed>> {
    let mut devices: Vec<Values> = vec![Values::new(); clusters.all.len()];
    for (subject, attribute, value, source, fact) in ledger.claims() {
        for at in clusters.of_subject(links, subject) {
            if let Some(values) = devices.get_mut(at) {
                let sources = values.entry((attribute, value.to_owned())).or_default();
                sources
                    .entry(source)
                    .and_modify(|known| known.merge(fact))
                    .or_insert(*fact);
            }
        }
    }
    let passed_on = passed_on(&devices);
    clusters
        .all
        .iter()
        .zip(&devices)
        .enumerate()
        .map(|(at, (cluster, values))| {
            let newest = newest(values);
            let mut weighed: Vec<Weighed> = values
                .iter()
                .map(|((attribute, value), sources)| {
                    weigh_one(attribute, value, sources, |source, fact| {
                        let latest = newest.get(&(*attribute, replacing(attribute, source)));
                        if passed_on.contains(&(at, source, *attribute, value.as_str())) {
                            PASSED_ON
                        } else if latest
                            .is_some_and(|first| first.since(fact.seen.last) >= REPLACED_AFTER)
                        {
                            REPLACED
                        } else {
                            1.0
                        }
                    })
                })
                .collect();
            for mac in &cluster.macs {
                if let Some(holder) = mac_vendor(*mac) {
                    weighed.push(Weighed::concluded("mac_vendor", holder, REGISTER));
                }
            }
            weighed.sort_by(better);
            weighed.dedup_by(|a, b| (&a.attribute, &a.value) == (&b.attribute, &b.value));
            weighed
        })
        .collect()
}

fn is_single(attribute: &str) -> bool {
    HOST_NAMES.contains(&attribute) || ONE_AT_A_TIME.contains(&attribute)
}

/// Whose later word replaces an earlier one: the witness's own, of places anybody's.
fn replacing(attribute: &str, source: &'static str) -> &'static str {
    match PLACES.contains(&attribute) {
        true => "",
        false => witness(source).0,
    }
}

/// When a witness first said the last of its values of an attribute that has one at a time.
fn newest(values: &Values) -> BTreeMap<(&'static str, &'static str), Timestamp> {
    let mut newest = BTreeMap::new();
    let single = values
        .iter()
        .filter(|((attribute, _), _)| is_single(attribute));
    for ((attribute, _), sources) in single {
        for (source, fact) in sources {
            let first = newest
                .entry((*attribute, replacing(attribute, source)))
                .or_insert(fact.seen.first);
            *first = fact.seen.first.max(*first);
        }
    }
    newest
}

/// Best supported first: confidence, the later of equals, then by their text.
fn better(a: &Weighed, b: &Weighed) -> std::cmp::Ordering {
    b.confidence
        .total_cmp(&a.confidence)
        .then_with(|| b.last.cmp(&a.last))
        .then_with(|| (&a.attribute, &a.value).cmp(&(&b.attribute, &b.value)))
}

fn weigh_one(
    attribute: &str,
    value: &str,
    sources: &BTreeMap<&'static str, ClaimFact>,
    left: impl Fn(&'static str, &ClaimFact) -> f32,
) -> Weighed {
    let mut witnesses: BTreeMap<&str, f32> = BTreeMap::new();
    let mut packets: Vec<(Timestamp, PacketRef)> = Vec::new();
    for (source, fact) in sources {
        let (name, reliability) = witness(source);
        let confidence = reliability * fact.confidence * left(source, fact);
        let known = witnesses.entry(name).or_insert(0.0);
        *known = known.max(confidence);
        packets.push((fact.seen.first, fact.seen.packets[0]));
        packets.push((fact.seen.first, fact.seen.packets[1]));
    }
    packets.sort();
    packets.dedup();
    packets.truncate(EVIDENCE);
    let doubt: f32 = witnesses
        .values()
        .map(|confidence| 1.0 - confidence)
        .product();
    Weighed {
        attribute: attribute.to_owned(),
        value: value.to_owned(),
        confidence: (1.0 - doubt).clamp(0.0, SUREST),
        sources: sources.keys().copied().collect(),
        packets,
        last: sources.values().map(|fact| fact.seen.last).max(),
    }
}

/// Device, source, attribute and value of claims that another device made first.
type PassedOn<'a> = BTreeSet<(usize, &'static str, &'static str, &'a str)>;

/// When and where a device first said something, and which device.
type Sayer = (Timestamp, PacketRef, usize);

/// A serial number names one device: of several that say it, the first one is it, and what the
/// others say alike by the same protocol they say of that one.
fn passed_on(devices: &[Values]) -> PassedOn<'_> {
    let mut sayers: BTreeMap<(&str, &'static str), Vec<Sayer>> = BTreeMap::new();
    for (at, values) in devices.iter().enumerate() {
        for ((attribute, value), sources) in values {
            for (source, fact) in sources.iter().filter(|_| *attribute == "serial") {
                let sayer = (fact.seen.first, fact.seen.packets[1], at);
                sayers.entry((value, source)).or_default().push(sayer);
            }
        }
    }
    let mut passed = PassedOn::new();
    for ((_, source), mut sayers) in sayers {
        sayers.sort();
        let Some(((_, _, first), others)) = sayers.split_first() else {
            continue;
        };
        let Some(owner) = devices.get(*first) else {
            continue;
        };
        for (_, _, other) in others {
            let said = devices.get(*other).into_iter().flatten();
            for ((attribute, value), sources) in said.filter(|((name, _), _)| !is_own(name)) {
                let same = owner.get(&(*attribute, value.clone()));
                let alike = same.is_some_and(|owners| owners.contains_key(source));
                if alike && sources.contains_key(source) {
                    passed.insert((*other, source, attribute, value));
                }
            }
        }
    }
    passed
}

/// What programs say of themselves when they open a connection: it is not passed on.
fn is_own(attribute: &str) -> bool {
    attribute == "ae_title" || attribute.starts_with("dicom_")
}

/// The best value of the first of some attributes that has one, and how sure it is.
pub(crate) fn best<'a>(claims: &'a [Weighed], attributes: &[&str]) -> Option<&'a Weighed> {
    attributes
        .iter()
        .filter_map(|attribute| claims.iter().find(|claim| claim.attribute == *attribute))
        .min_by(|a, b| better(a, b))
}
