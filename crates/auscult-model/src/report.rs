//! The report: one value, a pure function of inputs and options. Every format is a view of it.
//!
//! Field names are the JSON contract (`docs/report.schema.json`). Times are RFC 3339 UTC,
//! addresses as RFC 5952, MAC addresses lower case with colons. What was written can be read again
//! and is the same report.

mod beside;
mod claim;
mod incident;
mod peers;
mod written;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{MacAddr, PhiKind, Segment, Timestamp};

pub use beside::{AuthorsName, CaptureGroup, ClockOffset, Comment, Outside, Overlap};
pub use claim::{Bond, Claim};
pub use incident::{Incident, Step};
pub use peers::{LineSeen, TalksTo};

/// The version of the contract: raised when a meaning changes, not when something is added.
pub const SCHEMA: u32 = 1;

/// Everything that one run found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Version of the program.
    pub auscult: String,
    /// The inputs.
    pub captures: Vec<Capture>,
    /// Files beside them that were not read.
    pub skipped: Vec<Skipped>,
    /// What counts as ours.
    pub site: Site,
    /// The fixed questions and their answers.
    pub coverage: Vec<Coverage>,
    /// Number of devices, also of those not listed.
    pub devices_total: usize,
    /// The devices, medical and worst first.
    pub devices: Vec<Device>,
    /// Number of findings, also of those not listed.
    pub findings_total: usize,
    /// The findings, worst first.
    pub findings: Vec<Finding>,
    /// Findings that have one cause.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incidents: Vec<Incident>,
    /// Number of files that crossed, also of those not listed.
    pub artifacts_total: usize,
    /// Files that crossed.
    pub artifacts: Vec<ArtifactEntry>,
    /// Data sets that statements rest on.
    pub data_sets: Vec<DataSet>,
    /// Health of the captures and of the analysis.
    pub health: Health,
}

/// A file that was found and not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// As given, or as found in a folder.
    pub file: String,
    /// What it is instead, and what to do.
    pub why: String,
}

/// One input file or stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Capture {
    /// As given on the command line, `-` for standard input.
    pub file: String,
    /// 128-bit digest of packet times and bytes, the same after recompression; hex.
    pub fingerprint: String,
    /// SHA-256 of the file, when asked for; hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Packets read.
    #[serde(deserialize_with = "crate::plausible_count")]
    pub packets: u64,
    /// Frame bytes, as on the wire.
    #[serde(deserialize_with = "crate::plausible_count")]
    pub bytes: u64,
    /// Time of the earliest packet that was analysed.
    #[serde(with = "written::time")]
    pub first: Option<Timestamp>,
    /// Time of the latest packet that was analysed.
    #[serde(with = "written::time")]
    pub last: Option<Timestamp>,
    /// Which time it covers, where nothing of that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outside: Option<Outside>,
    /// Link types met, by name.
    pub link_types: Vec<String>,
    /// Read to its end, undamaged.
    pub complete: bool,
    /// Where and why reading stopped early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped_at: Option<String>,
    /// Where in the network the capture was taken, as inferred.
    pub point: CapturePoint,
    /// How far the file's clock was moved so that it agrees with another capture's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_offset: Option<ClockOffset>,
    /// What the capture's author wrote into it, the first of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub comments: Vec<Comment>,
    /// Names that the capture's author gave to addresses, the first of them. Nobody on the network
    /// said so: no device is called by them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<AuthorsName>,
    /// Captures taken in before that hold some of the same packets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overlaps: Vec<Overlap>,
}

/// Where a capture was taken, inferred from what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CapturePoint {
    /// A switch port or mirror of the devices' own segment.
    Access,
    /// Between segments: routed copies are seen.
    Core,
    /// Outside address translation.
    Wan,
    /// Only one direction of the traffic.
    OneDirection,
    /// Only broadcast and multicast: an ordinary switch port.
    BroadcastOnly,
    /// Each packet twice or more.
    MirroredTwice,
    /// Too little to tell.
    Unknown,
}

/// Address space.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Site {
    /// Networks that count as ours.
    pub networks: Vec<String>,
    /// Public addresses that live on our segments though they belong to others.
    pub squatted: Vec<IpAddr>,
    /// Names of partners.
    pub partners: Vec<String>,
}

/// The answer to a coverage question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Seen.
    Yes,
    /// Not there: it would have been seen.
    No,
    /// Not seen, which does not prove that it is not there.
    NotSeen,
    /// The capture could not have shown it.
    CannotTell,
}

/// One fixed question, answered in every report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// Fixed name of the question.
    pub id: Cow<'static, str>,
    /// The question.
    pub question: Cow<'static, str>,
    /// The answer.
    pub answer: Answer,
    /// Why, with what was watched.
    pub because: String,
    /// What to capture or look up next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The answer in a few words for the first screen (`1 unit, answered from afar`).
    pub short: String,
}

/// What a device is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Bedside or transport monitor.
    PatientMonitor,
    /// Central monitoring station.
    CentralStation,
    /// Infusion or syringe pump.
    InfusionPump,
    /// CT, MR, ultrasound, X-ray.
    ImagingModality,
    /// PACS, vendor-neutral archive.
    ImagingArchive,
    /// Viewing station.
    ImagingWorkstation,
    /// Interface engine (HL7 and others).
    InterfaceEngine,
    /// Laboratory analyser.
    LabAnalyser,
    /// A medical device of another kind.
    MedicalOther,
    /// Gateway between device networks.
    Gateway,
    /// Server.
    Server,
    /// Workstation, laptop.
    Workstation,
    /// Printer.
    Printer,
    /// Telephone.
    Phone,
    /// Camera.
    Camera,
    /// Router, switch, access point, firewall.
    NetworkDevice,
    /// Known, and none of these.
    Other,
    /// Not known.
    Unknown,
}

impl Role {
    /// Roles that touch patients or their data directly.
    pub fn is_medical(self) -> bool {
        self <= Role::MedicalOther
    }

    /// The word of the contract.
    pub fn word(self) -> &'static str {
        match self {
            Role::PatientMonitor => "patient-monitor",
            Role::CentralStation => "central-station",
            Role::InfusionPump => "infusion-pump",
            Role::ImagingModality => "imaging-modality",
            Role::ImagingArchive => "imaging-archive",
            Role::ImagingWorkstation => "imaging-workstation",
            Role::InterfaceEngine => "interface-engine",
            Role::LabAnalyser => "lab-analyser",
            Role::MedicalOther => "medical-other",
            Role::Gateway => "gateway",
            Role::Server => "server",
            Role::Workstation => "workstation",
            Role::Printer => "printer",
            Role::Phone => "phone",
            Role::Camera => "camera",
            Role::NetworkDevice => "network-device",
            Role::Other => "other",
            Role::Unknown => "unknown",
        }
    }

    /// From the word of the contract.
    pub fn from_word(word: &str) -> Option<Role> {
        Role::ALL.iter().copied().find(|role| role.word() == word)
    }

    /// All of them.
    pub const ALL: [Role; 18] = [
        Role::PatientMonitor,
        Role::CentralStation,
        Role::InfusionPump,
        Role::ImagingModality,
        Role::ImagingArchive,
        Role::ImagingWorkstation,
        Role::InterfaceEngine,
        Role::LabAnalyser,
        Role::MedicalOther,
        Role::Gateway,
        Role::Server,
        Role::Workstation,
        Role::Printer,
        Role::Phone,
        Role::Camera,
        Role::NetworkDevice,
        Role::Other,
        Role::Unknown,
    ];
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// How far a device's traffic reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    /// Talks within its own segment only.
    LocalOnly,
    /// Talks to other segments of the site.
    CrossesSegment,
    /// Talks to addresses that are not the site's.
    ReachesOutside,
    /// Too little seen.
    CannotTell,
}

/// A device: a cluster of identifiers that moved together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Device {
    /// Its strongest anchor.
    pub id: String,
    /// Ids of its weaker anchors.
    pub aliases: Vec<String>,
    /// What it is for.
    pub role: Role,
    /// Maker of the family, where known by more than a network card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// Model or family.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Serial number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// Firmware version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub firmware: Option<String>,
    /// Operating system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// Host name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// Bed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bed: Option<String>,
    /// Care unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// How sure role and family are, 0 to 1.
    pub confidence: f32,
    /// Link-layer addresses.
    #[serde(with = "written::list")]
    pub macs: Vec<MacAddr>,
    /// Network addresses.
    pub ips: Vec<IpAddr>,
    /// Where it was seen.
    #[serde(with = "written::list")]
    pub segments: Vec<Segment>,
    /// When it was first seen.
    #[serde(with = "written::time")]
    pub first_seen: Option<Timestamp>,
    /// When it was last seen.
    #[serde(with = "written::time")]
    pub last_seen: Option<Timestamp>,
    /// Inside the site, or spoke on our segments.
    pub inside: bool,
    /// The signature that named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// What else its family is sold as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labelled_as: Option<String>,
    /// How far it reaches.
    pub isolation: Isolation,
    /// Services it offers.
    pub services: Vec<Service>,
    /// Number of peers, also of those not listed.
    pub talks_to_total: usize,
    /// How many of those listed are inside the site.
    #[serde(default)]
    pub talks_to_inside: usize,
    /// How many of those listed are outside, partners among them.
    #[serde(default)]
    pub talks_to_outside: usize,
    /// Whom it talks to, most bytes first.
    pub talks_to: Vec<TalksTo>,
    /// Kinds of patient data it sent or received.
    #[serde(with = "written::list")]
    pub patient_data: Vec<PhiKind>,
    /// Severity of its worst finding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worst: Option<Severity>,
    /// All that was claimed, best supported first.
    pub claims: Vec<Claim>,
    /// Why its cards and addresses are one device, and why others are not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bonds: Vec<Bond>,
}

impl Device {
    /// What people call it, where they have a name for it: the bed of a monitor, else its host
    /// name, else unit and bed.
    pub fn label(&self) -> Option<String> {
        let place = match (&self.unit, &self.bed) {
            (Some(unit), Some(bed)) if bed.starts_with(unit.as_str()) => Some(bed.clone()),
            (Some(unit), Some(bed)) => Some(format!("{unit}-{bed}")),
            (None, Some(bed)) if bed.bytes().all(|b| b.is_ascii_digit()) => {
                Some(format!("bed {bed}"))
            }
            (None, bed) => bed.clone(),
            (Some(unit), None) => Some(format!("in {unit}")),
        };
        let at_bed = self.role == Role::PatientMonitor && self.bed.is_some();
        match (&self.hostname, place) {
            (_, Some(place)) if at_bed => Some(place),
            (Some(host), _) => Some(host.clone()),
            (None, place) => place,
        }
    }
}

/// A service that a device offers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Service {
    /// Port.
    pub port: u16,
    /// `tcp`, `udp`, …
    pub transport: String,
    /// Application protocol, `unknown` when not identified.
    pub protocol: String,
}

/// Where a peer lives, or what became of traffic to it: the grades of proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Where {
    /// Inside, same segment.
    SameSegment,
    /// Inside, another segment.
    Inside,
    /// Broadcast or multicast.
    Group,
    /// A public address that lives on our segment.
    Squatted,
    /// Never answered, and an answer would have been seen.
    Attempted,
    /// Refused by an ICMP error or a near reset: the block works.
    Blocked,
    /// Outside, and whether anything arrived cannot be told.
    CannotTell,
    /// Sent towards the outside, delivery implied or answer unseen.
    TowardsOutside,
    /// Answered, and the distance bound says near.
    AnsweredNear,
    /// Answered through the gateway.
    AnsweredFar,
    /// The same packet was seen on the outer leg.
    Left,
    /// A network that the site declared legitimate.
    Partner,
}

impl Where {
    /// The word of the contract.
    pub fn word(self) -> &'static str {
        match self {
            Where::SameSegment => "same-segment",
            Where::Inside => "inside",
            Where::Group => "group",
            Where::Squatted => "squatted",
            Where::Attempted => "attempted",
            Where::Blocked => "blocked",
            Where::CannotTell => "cannot-tell",
            Where::TowardsOutside => "towards-outside",
            Where::AnsweredNear => "answered-near",
            Where::AnsweredFar => "answered-far",
            Where::Left => "left",
            Where::Partner => "partner",
        }
    }

    /// The peer's address is not the site's and not a partner's.
    pub fn is_outside(self) -> bool {
        matches!(
            self,
            Where::Attempted
                | Where::Blocked
                | Where::CannotTell
                | Where::TowardsOutside
                | Where::AnsweredNear
                | Where::AnsweredFar
                | Where::Left
        )
    }
}

/// A packet that shows something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Evidence {
    /// File as given.
    pub file: String,
    /// Frame number in Wireshark.
    pub packet: u64,
    /// What to see there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Wireshark display filter that shows this frame among others of its kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Its time, where the rule knows it.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "written::time"
    )]
    pub at: Option<Timestamp>,
}

/// Harm, if the finding is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Hygiene.
    Low,
    /// Plan a change.
    Medium,
    /// This week.
    High,
    /// Today.
    Critical,
}

impl Severity {
    /// The word of the contract.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }

    /// From the word of the contract.
    pub fn from_word(word: &str) -> Option<Severity> {
        use Severity::{Critical, High, Info, Low, Medium};
        [Info, Low, Medium, High, Critical]
            .into_iter()
            .find(|s| s.word() == word)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Something that is wrong, or worth knowing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Hash of rule, device id and object.
    pub id: String,
    /// Ids under weaker anchors of the device.
    pub aliases: Vec<String>,
    /// Name of the rule.
    pub rule: Cow<'static, str>,
    /// Harm if true.
    pub severity: Severity,
    /// Why this severity: what raised and what capped it.
    pub reasons: Vec<String>,
    /// How sure, 0 to 1.
    pub confidence: f32,
    /// One line.
    pub title: String,
    /// What was seen, a few lines for the terminal: facts only.
    pub seen: Vec<String>,
    /// For the nurse.
    pub impact: String,
    /// For the admin: what can be done today.
    pub action: String,
    /// For the director, where there is something to decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub director: Option<String>,
    /// Innocent causes that remain, and what was looked for to exclude them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub innocent: Option<String>,
    /// Ids of the devices concerned.
    pub devices: Vec<String>,
    /// The other side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<IpAddr>,
    /// Who the peer's address is registered to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// ATT&CK techniques.
    pub attack: Vec<Cow<'static, str>>,
    /// CVE and advisory numbers.
    pub cves: Vec<Cow<'static, str>>,
    /// First time.
    #[serde(with = "written::time")]
    pub first_seen: Option<Timestamp>,
    /// Last time.
    #[serde(with = "written::time")]
    pub last_seen: Option<Timestamp>,
    /// How often.
    pub count: u64,
    /// Losses or one-sidedness of the capture weaken it.
    pub weakened_by_loss: bool,
    /// Values by name (`where`, `phi_kinds`, …).
    pub details: BTreeMap<String, details::Value>,
    /// The best few packets.
    pub evidence: Vec<Evidence>,
    /// What somebody decided about it, with a state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
}

impl Finding {
    /// Nobody decided that it needs no more work.
    pub fn is_open(&self) -> bool {
        self.decision
            .as_ref()
            .is_none_or(|decision| decision.is_open)
    }
}

/// What somebody decided about a finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// `acknowledged`, `accepted`, `closed`, `open` when it was opened again, `expired` when the
    /// time is over for which it was accepted, `seen-again` when it came after it was closed.
    pub status: String,
    /// Whether it still needs work.
    pub is_open: bool,
    /// Until when it holds.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "written::time"
    )]
    pub until: Option<Timestamp>,
    /// Why, in the person's words.
    pub reason: String,
    /// When it was decided.
    #[serde(with = "written::time")]
    pub at: Option<Timestamp>,
}

/// Values of [`Finding::details`].
pub mod details {
    use serde::{Deserialize, Serialize};

    /// A detail: text, number, switch or list of texts.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    pub enum Value {
        /// Text.
        Text(String),
        /// Number.
        Number(i64),
        /// Yes or no.
        Switch(bool),
        /// Texts.
        List(Vec<String>),
    }
}

/// A file that crossed, as shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArtifactEntry {
    /// SHA-256 in hex; empty when bytes are missing.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// Type by magic.
    #[serde(rename = "type")]
    pub kind: String,
    /// Kind of signature that its maker put into it (`Authenticode`); it was not checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// Name as given by the protocol, patient data masked.
    pub name: String,
    /// Protocol.
    pub protocol: String,
    /// Sender of the bytes.
    pub from: IpAddr,
    /// Receiver of the bytes.
    pub to: IpAddr,
    /// All bytes were seen.
    pub complete: bool,
    /// Packets.
    pub evidence: Vec<Evidence>,
}

/// A flow of which bytes came twice, differently: a sender's fault, or somebody who wants
/// receivers and onlookers to read different things.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConflictEntry {
    /// Protocol.
    pub protocol: String,
    /// Sender of the bytes.
    pub from: IpAddr,
    /// Its port.
    pub from_port: u16,
    /// Receiver of the bytes.
    pub to: IpAddr,
    /// Its port.
    pub to_port: u16,
    /// Digest (XXH3, 64 bits, in hex) of the bytes that came first, which were read. Not told of
    /// flows that carry patient data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
    /// Digest of the bytes that came later in their place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub later: Option<String>,
    /// The packet that contradicted.
    pub evidence: Evidence,
}

/// A data set that statements rest on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSet {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Date of the data.
    pub date: String,
    /// Licence.
    pub licence: String,
}

/// Health of the captures and of the analysis: what was lost, cut, dropped, limited.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// Packets whose link type or network layer is not decoded.
    pub undecoded: u64,
    /// Frames by which links speak to themselves (beacons, acknowledgements, keep-alives).
    pub link_own: u64,
    /// Frames of data captured in the air (wireless LAN).
    pub radio_frames: u64,
    /// Those of them that are encrypted on the radio link, and undecoded for that.
    pub radio_encrypted: u64,
    /// Packets that were copies of others.
    pub copies: u64,
    /// Holes in TCP streams.
    pub gaps: u64,
    /// Holes of which the receiver had the bytes: lost by the capture, not by the network.
    pub gaps_upstream: u64,
    /// Bytes in those holes.
    pub bytes_missing: u64,
    /// Fragmented datagrams that never completed.
    pub fragments_expired: u64,
    /// Flows forgotten to stay within bounds.
    pub flows_evicted: u64,
    /// Events not passed on because they repeat others (they are counted with those).
    pub events_suppressed: u64,
    /// Steps of packet time, backwards or far forwards.
    pub time_steps: u64,
    /// TCP flows of which only one direction was captured.
    pub one_sided_flows: u64,
    /// TCP flows with conflicting bytes for the same place.
    pub conflicting_flows: u64,
    /// The first of them, with what contradicted.
    pub conflicts: Vec<ConflictEntry>,
    /// Fragments that contradicted earlier ones of their datagram.
    pub conflicting_fragments: u64,
    /// TCP segments that were not read because of a wrong checksum, where others' are right.
    pub wrong_checksums: u64,
    /// Packets cut by the capture's snap length.
    pub cut_by_snaplen: u64,
    /// Packets that the capturing program says it dropped.
    pub dropped_by_capture: u64,
    /// Estimated loss of the capture, packets in a million.
    pub loss_ppm: u64,
    /// Named limits that were reached, with how often.
    pub limits: BTreeMap<String, u64>,
    /// Named things that are not as they should be, and no limits, with how often.
    pub oddities: BTreeMap<String, u64>,
    /// Texts learnt from traffic withheld because patient data could not be masked safely.
    pub texts_withheld: u64,
    /// Groups of captures that look as if they were of different networks; none when they do not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unrelated: Vec<CaptureGroup>,
    /// Packets, flows and events handled.
    pub packets: u64,
    /// See `packets`.
    pub flows: u64,
    /// See `packets`.
    pub events: u64,
}
