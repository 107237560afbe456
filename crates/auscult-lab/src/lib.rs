//! Writes captures of synthetic wards with ground truth, to test and to show Auscult with.
//!
//! The encoders are written from published layouts and never from this project's decoders, so that
//! one misreading is not shared. Everything is deterministic: the same scenario, seed and options
//! give the same bytes on every machine. All patients are invented and marked as such; the files
//! that cross are inert.

pub mod files;
pub mod frame;
pub mod monitor;
pub mod net;
pub mod people;
pub mod prng;
pub mod speak;
pub mod stage;
pub mod talk;
pub mod truth;
pub mod update;
pub mod ward;
pub mod wire;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use frame::{Frame, Interface, Link, Scene};
pub use truth::{TrueDevice, Truth};

/// A scenario that can be written by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// What it shows, in a line.
    pub summary: &'static str,
}

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// No scenario has this name.
    #[error("no scenario is named `{0}`; known: {1}")]
    Unknown(String, String),
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
    /// Length of the capture in seconds; the default keeps the ward under 900 kB.
    pub seconds: u32,
}

impl Default for Options {
    fn default() -> Self {
        Options { seconds: 120 }
    }
}

const SCENARIOS: [Scenario; 1] = [Scenario {
    name: "ward",
    summary: "monitors, stations, a leak, a copied file, an interface engine and an office",
}];

/// The scenarios that can be written.
pub fn scenarios() -> &'static [Scenario] {
    &SCENARIOS
}

/// Makes a scenario in memory.
pub fn generate(scenario: &str, seed: u64, options: &Options) -> Result<Scene, LabError> {
    match scenario {
        "ward" => Ok(ward::ward(seed, options.seconds)),
        _ => {
            let known: Vec<&str> = SCENARIOS.iter().map(|s| s.name).collect();
            Err(LabError::Unknown(scenario.to_owned(), known.join(", ")))
        }
    }
}

/// Writes a scenario with default options: a pcapng (or pcap, by the extension) at `out`, and the
/// truth beside it at `out` + `.truth.json`.
pub fn write(scenario: &str, seed: u64, out: &Path) -> Result<Truth, LabError> {
    let scene = generate(scenario, seed, &Options::default())?;
    write_scene(scenario, scene, out)
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
    let mut truth_path = out.as_os_str().to_owned();
    truth_path.push(".truth.json");
    let mut json = serde_json::to_vec_pretty(&BTreeMap::from([(name, &scene.truth)]))?;
    json.push(b'\n');
    put(Path::new(&truth_path), &json)?;
    Ok(scene.truth)
}
