//! An advisory as a file: its claims, and for each what would show it in packets.
//!
//! The format is described in docs/advisories.md. A file is checked when it is read: every key,
//! every name of a rule, protocol, family, question or kind of patient data, every network; what is
//! wrong is told with its line.

use std::collections::{BTreeMap, BTreeSet};

use auscult_model::report::{Answer, Severity, Where};
use ipnet::IpNet;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;

use crate::names::{Family, Kind, Protocol, Question, Rule};

/// Bytes of the largest file that is read.
pub const BYTES_MAX: u64 = 1 << 20;

/// An advisory as something that can be run.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Advisory {
    /// Its number.
    pub id: String,
    /// What it is about.
    pub title: String,
    /// When it came out, and when it was last changed.
    pub dates: Vec<String>,
    /// Documents that the claims were taken from.
    pub sources: Vec<String>,
    /// Which devices it is about.
    pub family: Members,
    /// What it claims.
    pub claim: Vec<Claim>,
}

/// Which devices belong to the family that an advisory is about.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Members {
    /// The family in words.
    pub name: String,
    /// Signatures that name it; empty when this program does not recognise the family.
    #[serde(default)]
    pub signatures: Vec<Family>,
    /// What devices say of themselves that names the family, where no signature does.
    #[serde(default)]
    pub says: Vec<Said>,
    /// What suggests the family and does not name it. Only claims that ask for it look there.
    #[serde(default)]
    pub hints: Vec<Said>,
}

impl Members {
    /// Something in traffic names the family.
    pub fn is_recognised(&self) -> bool {
        !self.signatures.is_empty() || !self.says.is_empty()
    }
}

/// One thing that an advisory, or somebody about it, says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Claim {
    /// Name within the file.
    pub id: Spanned<String>,
    /// Who says so.
    pub by: String,
    /// What is said.
    pub says: String,
    /// CVE numbers.
    #[serde(default)]
    pub cves: Vec<String>,
    /// How others read the same, each with who reads it so.
    #[serde(default)]
    pub reading: Vec<Reading>,
    /// What would show it on the wire.
    #[serde(default)]
    pub shows: String,
    /// Wireshark display filter that shows what would show it.
    #[serde(default)]
    pub filter: String,
    /// Of which devices.
    #[serde(default)]
    pub devices: Scope,
    /// What must be found for the claim to hold.
    #[serde(default)]
    pub holds: Option<Condition>,
    /// The contrary: what must be found for the claim to be refuted. Something that was seen, never
    /// that something was not.
    #[serde(default)]
    pub refuted: Option<Condition>,
    /// What touches the claim and does not decide it.
    #[serde(default)]
    pub touched: Option<Condition>,
    /// What was missing when neither was found.
    #[serde(default)]
    pub untested: String,
    /// Why no traffic can ever show it.
    #[serde(default)]
    pub untestable: String,
}

/// How somebody else reads a claim.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// Who.
    pub by: String,
    /// How.
    pub says: String,
}

/// Which devices a claim is looked for at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Those of the family.
    #[default]
    Family,
    /// And those that may be of it: for marks that are the family's own.
    Hinted,
    /// Any, and the network as a whole.
    Any,
}

/// Something that a report holds, for one device.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// Every one of these, for the same device.
    All(Vec<Condition>),
    /// At least one of these.
    Any(Vec<Condition>),
    /// None of these; only within `all`, beside what was seen, and never in what is refuted.
    None(Vec<Condition>),
    /// A finding about the device.
    Finding(FindingIs),
    /// A line of its conversations.
    Conversation(ConversationIs),
    /// A service that it offers.
    Service(ServiceIs),
    /// Something that was said of it.
    Claim(Said),
    /// A file that reached it.
    Artifact(ArtifactIs),
    /// Patient data of one of these kinds, sent or received by it.
    PatientData(Vec<Kind>),
    /// A fixed question's answer, which is about everything in view.
    Coverage(CoverageIs),
}

/// A finding. What is not given is not asked for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FindingIs {
    /// Its rule.
    pub rule: Rule,
    /// At least so severe.
    #[serde(default)]
    pub severity: Option<Severity>,
    /// At least so sure, 0 to 1.
    #[serde(default)]
    pub confidence: Option<f32>,
    /// The other side lies in one of these networks.
    #[serde(default)]
    pub peer: Vec<IpNet>,
    /// Where its traffic went is one of these.
    #[serde(default, rename = "where")]
    pub place: Vec<Where>,
    /// Kinds of patient data: one of these.
    #[serde(default)]
    pub phi_kinds: Vec<Kind>,
    /// Details by name: each is, or has among its values, one of these.
    #[serde(default)]
    pub details: BTreeMap<String, OneOf>,
}

/// A line of a device's conversations. What is not given is not asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ConversationIs {
    /// Protocol: one of these.
    #[serde(default)]
    pub protocol: Vec<Protocol>,
    /// Port of the service: one of these.
    #[serde(default)]
    pub port: Vec<u16>,
    /// The peer lies in one of these networks.
    #[serde(default)]
    pub peer: Vec<IpNet>,
    /// The peer lies in none of these networks.
    #[serde(default)]
    pub not_peer: Vec<IpNet>,
    /// Where it went is one of these.
    #[serde(default, rename = "where")]
    pub place: Vec<Where>,
    /// Whether the peer lies outside: neither the site's nor a partner's.
    #[serde(default)]
    pub outside: Option<bool>,
    /// The peer's name is one of these, or lies below one of them.
    #[serde(default)]
    pub name: Vec<String>,
    /// Bytes of both sides together are at least so many.
    #[serde(default)]
    pub bytes: Option<u64>,
    /// Who began.
    #[serde(default)]
    pub direction: Option<Begun>,
    /// Whether the responder answered.
    #[serde(default)]
    pub answered: Option<bool>,
}

/// Who began a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Begun {
    /// The device.
    Out,
    /// The peer.
    In,
}

impl Begun {
    /// As reports write it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Begun::Out => "out",
            Begun::In => "in",
        }
    }
}

/// A service that a device offers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ServiceIs {
    /// Protocol: one of these.
    pub protocol: Vec<Protocol>,
    /// Port: one of these; any when absent.
    #[serde(default)]
    pub port: Vec<u16>,
}

/// Something that was said of a device. Texts are compared letter by letter, in either case:
/// versions are no numbers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Said {
    /// The attribute.
    pub attribute: String,
    /// The value is one of these; any when absent.
    #[serde(default)]
    pub is: Vec<String>,
    /// The value has this in it.
    #[serde(default)]
    pub contains: Option<String>,
}

/// A file that reached a device. What is not given is not asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ArtifactIs {
    /// Protocol: one of these.
    #[serde(default)]
    pub protocol: Vec<Protocol>,
    /// Type by its first bytes: one of these.
    #[serde(default, rename = "type")]
    pub kind: Vec<String>,
    /// Name: one of these.
    #[serde(default)]
    pub name: Vec<String>,
    /// SHA-256 in hex: one of these.
    #[serde(default)]
    pub sha256: Vec<String>,
}

/// An answer of the report.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CoverageIs {
    /// The question.
    pub question: Question,
    /// Its answer.
    pub answer: Answer,
}

/// A text, a number, a switch, or a list of texts of which one is enough.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum OneOf {
    /// This text.
    Text(String),
    /// This number.
    Number(i64),
    /// This.
    Switch(bool),
    /// One of these.
    List(Vec<String>),
}

/// Why a file is no advisory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {}{what}", key.as_ref().map(|key| format!("{key}: ")).unwrap_or_default())]
pub struct Unreadable {
    /// Line, from 1 on.
    pub line: usize,
    /// The key whose value is wrong, where it is one's.
    pub key: Option<String>,
    /// What is wrong.
    pub what: String,
}

impl Unreadable {
    /// What is wrong at a byte of a text.
    pub(crate) fn at(text: &str, place: usize, what: String) -> Self {
        let before = text.get(..place).unwrap_or(text);
        Unreadable {
            line: before.matches('\n').count() + 1,
            key: key_before(before),
            what,
        }
    }
}

/// Reads TOML of any form.
pub(crate) fn from_toml<T: DeserializeOwned>(text: &str) -> Result<T, Unreadable> {
    toml::from_str(text).map_err(|error| {
        let place = error.span().map_or(0, |span| span.start);
        Unreadable::at(text, place, error.message().to_owned())
    })
}

/// The key whose value begins here.
fn key_before(text: &str) -> Option<String> {
    let before = text.trim_end().strip_suffix('=')?.trim_end();
    let is_key = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.';
    let begin = before.trim_end_matches(is_key).len();
    before.get(begin..).map(str::to_owned)
}

impl Advisory {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// What is wrong, and in which line.
    pub fn read(text: &str) -> Result<Self, Unreadable> {
        let advisory: Advisory = from_toml(text)?;
        let mut ids = BTreeSet::new();
        for claim in &advisory.claim {
            let id = claim.id.get_ref();
            let wrong = match claim.wrong() {
                None if !ids.insert(id.as_str()) => Some("there are two of this name"),
                wrong => wrong,
            };
            if let Some(wrong) = wrong {
                let what = format!("claim `{id}`: {wrong}");
                return Err(Unreadable::at(text, claim.id.span().start, what));
            }
        }
        Ok(advisory)
    }
}

impl Claim {
    /// Traffic can show it, or its contrary.
    pub fn is_testable(&self) -> bool {
        self.untestable.is_empty()
    }

    /// What makes it none that can be judged.
    fn wrong(&self) -> Option<&'static str> {
        let conditions = [&self.holds, &self.refuted, &self.touched];
        let decides = self.holds.is_some() || self.refuted.is_some();
        match (self.untestable.is_empty(), decides) {
            (false, true) => Some("`untestable` stands beside `holds` or `refuted`"),
            (true, false) => {
                Some("say what `holds` or what is `refuted`, or why it is `untestable`")
            }
            (true, true) if self.shows.is_empty() => Some("say what `shows` it on the wire"),
            (true, true) if self.filter.is_empty() => Some("give a `filter` to look with"),
            (true, true) if self.untested.is_empty() => {
                Some("say what is missing when it is `untested`")
            }
            _ if conditions.into_iter().flatten().any(Condition::is_empty) => {
                Some("each condition wants something to be seen: a list is empty, or only `none`")
            }
            _ if self
                .refuted
                .as_ref()
                .is_some_and(Condition::rests_on_absence) =>
            {
                Some("what is refuted rests on what was seen: no `none` there")
            }
            _ => None,
        }
    }
}

impl Condition {
    /// It could hold though nothing was seen, or never can.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Condition::All(list) => {
                let is_none = |one: &&Condition| matches!(one, Condition::None(_));
                let mut seen = list.iter().filter(|one| !is_none(one)).peekable();
                let excluded = list.iter().filter(is_none).flat_map(Condition::parts);
                seen.peek().is_none() || seen.chain(excluded).any(Condition::is_empty)
            }
            Condition::Any(list) => list.is_empty() || list.iter().any(Condition::is_empty),
            Condition::None(_) => true,
            Condition::PatientData(kinds) => kinds.is_empty(),
            _ => false,
        }
    }

    /// It rests on something that was not seen, also.
    fn rests_on_absence(&self) -> bool {
        matches!(self, Condition::None(_)) || self.parts().iter().any(Condition::rests_on_absence)
    }

    /// The conditions that it is made of.
    fn parts(&self) -> &[Condition] {
        match self {
            Condition::All(list) | Condition::Any(list) | Condition::None(list) => list,
            _ => &[],
        }
    }
}
