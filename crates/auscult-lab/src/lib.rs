//! Writes captures of synthetic wards with ground truth, to test and to show Auscult with.
//!
//! The encoders are written from published layouts and never from this project's decoders, so that
//! one misreading is not shared. Everything is deterministic: the same scenario, seed and options
//! give the same bytes on every machine. All patients are invented and marked as such; the files
//! that cross are inert.

pub mod bulk;
mod catalogue;
pub mod files;
pub mod frame;
pub mod monitor;
mod morning;
pub mod net;
pub mod people;
pub mod play;
pub mod prng;
pub mod scenes;
pub mod speak;
pub mod stage;
pub mod talk;
pub mod transform;
pub mod truth;
pub mod update;
pub mod ward;
pub mod week;
pub mod wire;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use frame::{Frame, Interface, Link, Scene, Stream};
pub use scenes::{FarEnd, Parameters, Server};
pub use transform::{Side, Split, Transform, Tunnel};
pub use truth::{TrueDevice, Truth};

/// A scenario that can be written by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// What it shows, in a line.
    pub summary: &'static str,
    /// It is a site with many stories, not a scene with one.
    pub whole: bool,
}

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// No scenario has this name.
    #[error("no scenario is named `{0}`; known: {1}")]
    Unknown(String, String),
    /// The file of a story tells a step that cannot be played.
    #[error("the story `{0}` cannot be played: {1}")]
    Story(String, String),
    /// A file could not be written.
    #[error("cannot write {0}: {1}")]
    Write(PathBuf, std::io::Error),
    /// The truth could not be turned into JSON.
    #[error("cannot write the truth: {0}")]
    Truth(#[from] serde_json::Error),
}

/// How a scenario is varied.
#[derive(Clone, Debug)]
pub struct Options {
    /// Length of the ward's capture in seconds; the default keeps it under 900 kB.
    pub seconds: u32,
    /// Who answers for the factory address beyond the gateway, where the scenario has one.
    pub far_end: FarEnd,
    /// How the capture differs from the ideal, in order; cooked headers last.
    pub transforms: Vec<Transform>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            seconds: 120,
            far_end: FarEnd::Abroad(240, 47),
            transforms: Vec::new(),
        }
    }
}

/// The scenarios that are made by code; [`play::scenarios`] are told in data.
pub fn scenarios() -> &'static [Scenario] {
    &catalogue::SCENARIOS
}

/// The constants that [`generate`] uses for a scenario and seed.
pub fn parameters(scenario: &str, seed: u64) -> Option<Parameters> {
    catalogue::find(scenario).map(|row| (row.place)(seed))
}

/// Makes a scenario in memory. Its truth expects what the transformed capture can still show.
pub fn generate(scenario: &str, seed: u64, options: &Options) -> Result<Scene, LabError> {
    if let Some(story) = play::story(scenario) {
        let scene = play::play(story, seed)?;
        return Ok(transform::apply(scene, &options.transforms, seed));
    }
    let Some(row) = catalogue::find(scenario) else {
        let all = scenarios().iter().chain(play::scenarios());
        let known: Vec<&str> = all.map(|s| s.name).collect();
        return Err(LabError::Unknown(scenario.to_owned(), known.join(", ")));
    };
    let scene = match row.build {
        catalogue::Build::Site(build) => build(seed, options),
        catalogue::Build::Scene(build) => build(&Parameters {
            far_end: options.far_end,
            ..(row.place)(seed)
        }),
    };
    Ok(transform::apply(scene, &options.transforms, seed))
}

/// Writes a scenario with default options: a pcapng (or pcap, by the extension) at `out`, the
/// truth beside it at `out` + `.truth.json`, and a site file at `out` + `.site.toml` where the
/// scenario has one.
pub fn write(scenario: &str, seed: u64, out: &Path) -> Result<Truth, LabError> {
    write_with(scenario, seed, &Options::default(), out)
}

/// As [`write`], with options.
pub fn write_with(
    scenario: &str,
    seed: u64,
    options: &Options,
    out: &Path,
) -> Result<Truth, LabError> {
    write_scene(scenario, generate(scenario, seed, options)?, out)
}

/// Writes a scene as [`write`] does, under the name that its truth gets.
pub fn write_scene(name: &str, mut scene: Scene, out: &Path) -> Result<Truth, LabError> {
    scene.truth.file = out
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let classic = out
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("pcap"));
    let bytes = if classic {
        files::pcap(&scene)
    } else {
        files::pcapng(&scene)
    };
    let put = |path: &Path, bytes: &[u8]| {
        std::fs::write(path, bytes).map_err(|e| LabError::Write(path.to_owned(), e))
    };
    put(out, &bytes)?;
    let beside = |suffix: &str| {
        let mut path = out.as_os_str().to_owned();
        path.push(suffix);
        PathBuf::from(path)
    };
    if let Some(site) = &scene.truth.site {
        put(&beside(".site.toml"), site.as_bytes())?;
    }
    let mut json = serde_json::to_vec_pretty(&BTreeMap::from([(name, &scene.truth)]))?;
    json.push(b'\n');
    put(&beside(".truth.json"), &json)?;
    Ok(scene.truth)
}
