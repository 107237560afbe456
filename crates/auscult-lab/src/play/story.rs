//! A story as its file tells it.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Whether there is something to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An attack, or a device that does what it must not.
    Attack,
    /// What is normal and looks like an attack.
    Innocent,
}

/// Rules that may not say anything of medium or above.
#[derive(Clone, Debug)]
pub(super) enum MustNot {
    /// All but those of `must`.
    All,
    /// These.
    These(Vec<String>),
}

/// How a value varies with the seed: from a range such as `"10..250"`, or one of a list.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Vary {
    Range(String),
    Pick(Vec<toml::Value>),
}

/// A story: who is there, what happens, what must be found.
#[derive(Clone, Debug)]
pub struct Story {
    /// Its name, that of its file.
    pub name: String,
    /// What it shows, in a line.
    pub summary: String,
    /// Whether there is something to find.
    pub kind: Kind,
    /// Where it comes from: rows of the collection of look-alikes or of the catalogue of attacks.
    pub row: String,
    /// What must be found: rule, host, least severity.
    pub must: Vec<(String, String, String)>,
    pub(super) must_not: MustNot,
    pub(super) nothing_from: Option<String>,
    pub(super) site: Option<String>,
    /// Of frames above the wire's size, which offloading cards hand over, so much is kept.
    pub(super) long_frames_kept: Option<usize>,
    /// It is captured from the air.
    pub(super) wireless: bool,
    pub(super) vary: BTreeMap<String, Vary>,
    pub(super) hosts: BTreeMap<String, toml::Value>,
    pub(super) steps: Vec<toml::Table>,
    /// What is wrong with the file.
    pub(super) mistake: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum AllOrThese {
    Word(String),
    These(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    summary: String,
    kind: Kind,
    row: String,
    #[serde(default)]
    must: Vec<(String, String, String)>,
    must_not: AllOrThese,
    nothing_from: Option<String>,
    site: Option<String>,
    long_frames_kept: Option<usize>,
    #[serde(default)]
    wireless: bool,
    #[serde(default)]
    vary: BTreeMap<String, Vary>,
    hosts: BTreeMap<String, toml::Value>,
    steps: Vec<toml::Table>,
}

impl Story {
    /// Reads a file. One that is told wrongly has no steps, and says so when it is played.
    pub(super) fn read(name: &str, text: &str) -> Story {
        match toml::from_str::<File>(text) {
            Ok(file) => Story::of(name, file),
            Err(error) => Story {
                name: name.to_owned(),
                summary: String::new(),
                kind: Kind::Innocent,
                row: String::new(),
                must: Vec::new(),
                must_not: MustNot::All,
                nothing_from: None,
                site: None,
                long_frames_kept: None,
                wireless: false,
                vary: BTreeMap::new(),
                hosts: BTreeMap::new(),
                steps: Vec::new(),
                mistake: Some(error.to_string()),
            },
        }
    }

    fn of(name: &str, file: File) -> Story {
        let mut mistake = None;
        let must_not = match file.must_not {
            AllOrThese::These(rules) => MustNot::These(rules),
            AllOrThese::Word(word) => {
                if word != "all" {
                    mistake = Some(format!("must_not = {word:?} is neither \"all\" nor a list"));
                }
                MustNot::All
            }
        };
        // "All" means that nothing is found beside what must be.
        let from = match must_not {
            MustNot::All => file.nothing_from.or(Some("medium".to_owned())),
            MustNot::These(_) => file.nothing_from,
        };
        Story {
            name: name.to_owned(),
            summary: file.summary,
            kind: file.kind,
            row: file.row,
            must: file.must,
            must_not,
            nothing_from: from,
            site: file.site,
            long_frames_kept: file.long_frames_kept,
            wireless: file.wireless,
            vary: file.vary,
            hosts: file.hosts,
            steps: file.steps,
            mistake,
        }
    }
}
