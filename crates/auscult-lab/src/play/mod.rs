//! Stories told in data: attacks, and what is normal in hospitals and looks like one.
//!
//! A story is a file in `scenarios/`: who is there, what they do, and what must and must not be
//! found. This module plays it: every verb of a step is a type here, built on the encoders of
//! [`crate::speak`]. Addresses, ports and times vary with the seed where the story lets them.

mod cast;
mod clinic;
mod fill;
mod link;
mod names;
mod raw;
mod shares;
mod step;
mod story;
mod table;
mod web;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use auscult_model::Timestamp;

use crate::frame::{Link, Scene};
use crate::net::{MS, Path, SECOND};
use crate::people::Person;
use crate::stage::Stage;
use crate::wire::tcp::Stack;
use crate::{LabError, Scenario};

use cast::Cast;
use fill::Filling;
use step::Step;
pub use story::{Kind, Story};

/// All stories, in the order of their names.
pub fn stories() -> &'static [Story] {
    static ALL: LazyLock<Vec<Story>> = LazyLock::new(|| {
        let read = |(name, text): &(&str, &str)| Story::read(name, text);
        table::FILES.iter().map(read).collect()
    });
    &ALL
}

/// The story of this name.
pub fn story(name: &str) -> Option<&'static Story> {
    stories().iter().find(|story| story.name == name)
}

/// The stories as scenarios that can be written by name.
pub fn scenarios() -> &'static [Scenario] {
    static ALL: LazyLock<Vec<Scenario>> = LazyLock::new(|| {
        let row = |story: &'static Story| Scenario {
            name: &story.name,
            summary: &story.summary,
            whole: false,
        };
        stories().iter().map(row).collect()
    });
    &ALL
}

/// Plays a story. `Err` names the step that its file tells wrongly.
pub fn play(story: &Story, seed: u64) -> Result<Scene, LabError> {
    let wrong = |what: String| LabError::Story(story.name.clone(), what);
    if let Some(mistake) = &story.mistake {
        return Err(wrong(mistake.clone()));
    }
    Player::new(story, seed)
        .and_then(|player| player.run(story))
        .map_err(wrong)
}

/// The largest frame of the wire, with a VLAN tag.
const WIRE: usize = 1518;

/// A story being played.
struct Player {
    stage: Stage,
    cast: Cast,
    filling: Filling,
    /// Patients by the word that steps use for them.
    patients: BTreeMap<String, Person>,
    /// Messages that come again on another leg.
    kept: BTreeMap<String, crate::stage::Message>,
}

impl Player {
    fn new(story: &Story, seed: u64) -> Result<Player, String> {
        let mut stage = Stage::new(seed, &story.summary);
        let mut filling = Filling::new(&stage.prng, &story.vary)?;
        let cast = Cast::new(&mut stage, &mut filling, &story.hosts)?;
        Ok(Player {
            stage,
            cast,
            filling,
            patients: BTreeMap::new(),
            kept: BTreeMap::new(),
        })
    }

    /// The way between two hosts of the cast, how each speaks TCP, and when they know each other's
    /// link address.
    fn path(
        &mut self,
        from: &str,
        to: &str,
        at: Timestamp,
    ) -> Result<(Path, (Stack, Stack), Timestamp), String> {
        self.cast.path(&mut self.stage.rec, (from, to), at)
    }

    fn run(mut self, story: &Story) -> Result<Scene, String> {
        let mut now = self.stage.at(0);
        for (n, step) in story.steps.iter().enumerate() {
            let told = |error| format!("step {}: {error}", n + 1);
            now = self.repeated(step, now).map_err(told)?;
        }
        self.tell_truth(story)?;
        let mut scene = self.stage.finish();
        if story.wireless {
            for interface in &mut scene.interfaces {
                interface.link = Link::Wireless;
            }
        }
        if let Some(length) = story.long_frames_kept {
            let long = scene.frames.iter_mut().filter(|f| f.bytes.len() > WIRE);
            long.for_each(|frame| frame.bytes.truncate(length));
        }
        Ok(scene)
    }

    /// A step as often as it says; returns when the last was over.
    fn repeated(&mut self, step: &toml::Table, now: Timestamp) -> Result<Timestamp, String> {
        let mut step = step.clone();
        let mut take = |key: &str| match step.remove(key) {
            None => Ok(None),
            Some(toml::Value::Integer(n)) => Ok(Some(n * SECOND)),
            Some(toml::Value::Float(n)) => Ok(Some((n * 1e9) as i64)),
            Some(other) => Err(format!("`{key}` is no number of seconds but {other}")),
        };
        let times = take("times")?.unwrap_or(SECOND) / SECOND;
        let (at, every, jitter) = (take("at")?, take("every")?, take("jitter")?);
        let wait = take("wait")?.unwrap_or(300 * MS);
        let first = at.map_or(now.plus(wait), |at| self.stage.start.plus(at));
        let mut end = first;
        for n in 0..times {
            let mut from = match every {
                Some(every) => first.plus(n * every),
                None => first.max(end.plus(if n > 0 { wait } else { 0 })),
            };
            if let Some(jitter) = jitter {
                from = from.plus(self.stage.prng.between(0, jitter));
            }
            self.filling.turn = n;
            let filled = self.fill(&toml::Value::Table(step.clone()))?;
            let step: Step = filled
                .try_into()
                .map_err(|e: toml::de::Error| e.message().to_owned())?;
            end = end.max(step.act(self, from)?);
        }
        Ok(end)
    }

    fn fill(&mut self, value: &toml::Value) -> Result<toml::Value, String> {
        self.filling
            .fill(value, &|name| self.cast.address(name).ok())
    }

    fn tell_truth(&mut self, story: &Story) -> Result<(), String> {
        for (rule, whom, least) in &story.must {
            let mut addresses = Vec::new();
            for name in whom.split('|') {
                // Nobody in particular: devices without an address.
                addresses.push(match name {
                    "*" => name.to_owned(),
                    _ => self.cast.address(name)?.to_string(),
                });
            }
            self.stage.truth.must(rule, addresses.join("|"), least);
        }
        let truth = &mut self.stage.truth;
        match &story.must_not {
            story::MustNot::All => {}
            story::MustNot::These(rules) => {
                let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
                truth.must_not(&rules);
            }
        }
        truth.nothing_else_from = story.nothing_from.clone();
        if let Some(site) = &story.site {
            let filled = self.fill(&toml::Value::String(site.clone()))?;
            self.stage.truth.site = filled.as_str().map(ToOwned::to_owned);
        }
        self.cast.tell(&mut self.stage.truth);
        Ok(())
    }
}
