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
pub mod scenes;
pub mod speak;
pub mod stage;
pub mod talk;
pub mod transform;
pub mod truth;
pub mod update;
pub mod ward;
pub mod wire;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use frame::{Frame, Interface, Link, Scene, Stream};
pub use scenes::{FarEnd, Parameters, Server};
pub use transform::{Side, Split, Transform};
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

type Build = fn(&Options, &Parameters) -> Scene;

/// Where a scenario's addresses lie by default.
type Place = fn(u64) -> Parameters;

const FAR: Place = Parameters::new;
const FACTORY: Place = Parameters::factory_segment;
const PRIVATE: Place = Parameters::private_segment;

const TABLE: [(&str, &str, Place, Build); 32] = [
    (
        "ward",
        "four segments: monitors, stations, a leak, a copied file, HL7, an office",
        FAR,
        |o, p| ward::ward(p.seed, o),
    ),
    (
        "leak-through-gateway",
        "a monitor streams to far away and is answered",
        FAR,
        |_, p| scenes::leak_through_gateway(p),
    ),
    (
        "station-on-link",
        "a station holds three addresses on one card",
        FACTORY,
        |_, p| scenes::station_on_link(p),
    ),
    (
        "custom-server",
        "a station with a private address",
        PRIVATE,
        |_, p| scenes::custom_server(p),
    ),
    (
        "idle-monitor",
        "a monitor without a patient",
        PRIVATE,
        |_, p| scenes::idle_monitor(p),
    ),
    (
        "two-segments",
        "the same addresses in two segments",
        FACTORY,
        |_, p| scenes::two_segments_same_addresses(p, [20, 30]),
    ),
    (
        "proxy-arp",
        "a gateway answers ARP for the far address",
        FACTORY,
        |_, p| scenes::proxy_arp(p),
    ),
    (
        "attempts-only",
        "calls through the gateway that nobody answers",
        FAR,
        |_, p| scenes::attempts_only(p),
    ),
    (
        "attempts-arp-only",
        "ARP requests that nobody answers",
        FACTORY,
        |_, p| scenes::attempts_arp_only(p),
    ),
    (
        "attempts-refused-icmp",
        "calls refused by the gateway",
        FAR,
        |_, p| scenes::attempts_refused(p, true),
    ),
    (
        "attempts-refused-reset",
        "calls refused by a reset",
        FAR,
        |_, p| scenes::attempts_refused(p, false),
    ),
    (
        "nfs-update-outside",
        "a monitor copies a program from far away",
        FAR,
        |_, p| scenes::nfs_update(p, Server::Outside),
    ),
    (
        "nfs-update-squatted",
        "a monitor copies a program on its segment",
        FACTORY,
        |_, p| scenes::nfs_update(p, Server::Squatted),
    ),
    (
        "nfs-update-inside",
        "a monitor copies a program from inside",
        PRIVATE,
        |_, p| scenes::nfs_update(p, Server::Inside),
    ),
    (
        "nfs-documents",
        "documents read from a share inside",
        PRIVATE,
        |_, p| scenes::nfs_documents(p),
    ),
    (
        "thin-client",
        "thin clients load programs from their server",
        PRIVATE,
        |_, p| scenes::thin_client(p),
    ),
    ("hl7-inside", "HL7 in clear inside", PRIVATE, |_, p| {
        scenes::hl7_inside(p)
    }),
    (
        "hl7-outside",
        "HL7 in clear towards a public address",
        FAR,
        |_, p| scenes::hl7_outside(p),
    ),
    (
        "sibling-vista-9500",
        "another maker's monitor, in clear",
        PRIVATE,
        |_, p| scenes::sibling_vista_9500(p),
    ),
    (
        "sibling-9600",
        "another maker's monitor, encrypted",
        FACTORY,
        |_, p| scenes::sibling_9600(p),
    ),
    ("printer-lpd", "print jobs on port 515", PRIVATE, |_, p| {
        scenes::printer_lpd(p)
    }),
    (
        "port-scanner",
        "a scanner probes port 515",
        PRIVATE,
        |_, p| scenes::port_scanner(p),
    ),
    (
        "clear-logins",
        "FTP, HTTP and Telnet logins in clear",
        PRIVATE,
        |_, p| scenes::clear_logins(p),
    ),
    (
        "benign-office",
        "an office at work; nothing to find",
        PRIVATE,
        |_, p| scenes::benign_office(p),
    ),
    (
        "mount-attempt",
        "a mount outside that nobody answers",
        FAR,
        |_, p| scenes::mount_attempt(p, false),
    ),
    (
        "mount-refused",
        "a mount outside that is refused",
        FAR,
        |_, p| scenes::mount_attempt(p, true),
    ),
    (
        "attempts-named",
        "calls in vain to an address that was looked up",
        FAR,
        |_, p| scenes::attempts_named(p),
    ),
    (
        "attempts-blind",
        "calls where no answer could be seen",
        FAR,
        |_, p| scenes::attempts_blind(p),
    ),
    (
        "hosted-printing",
        "a service outside prints on port 515",
        FAR,
        |_, p| scenes::hosted_printing(p),
    ),
    (
        "own-public-range",
        "a public network that belongs to the site",
        FAR,
        |_, p| scenes::own_public_range(p),
    ),
    (
        "program-download",
        "a program downloaded by HTTP",
        FAR,
        |_, p| scenes::program_download(p),
    ),
    (
        "health-checks",
        "a load balancer tries the HL7 port",
        PRIVATE,
        |_, p| scenes::health_checks(p),
    ),
];

const SCENARIOS: [Scenario; TABLE.len()] = {
    let mut out = [Scenario {
        name: "",
        summary: "",
    }; TABLE.len()];
    let mut n = 0;
    while n < TABLE.len() {
        out[n] = Scenario {
            name: TABLE[n].0,
            summary: TABLE[n].1,
        };
        n += 1;
    }
    out
};

/// The scenarios that can be written.
pub fn scenarios() -> &'static [Scenario] {
    &SCENARIOS
}

/// The constants that [`generate`] uses for a scenario and seed.
pub fn parameters(scenario: &str, seed: u64) -> Option<Parameters> {
    let (_, _, place, _) = TABLE.iter().find(|row| row.0 == scenario)?;
    Some(place(seed))
}

/// Makes a scenario in memory.
pub fn generate(scenario: &str, seed: u64, options: &Options) -> Result<Scene, LabError> {
    let Some((_, _, place, build)) = TABLE.iter().find(|row| row.0 == scenario) else {
        let known: Vec<&str> = TABLE.iter().map(|row| row.0).collect();
        return Err(LabError::Unknown(scenario.to_owned(), known.join(", ")));
    };
    let parameters = Parameters {
        far_end: options.far_end,
        ..place(seed)
    };
    Ok(transform::apply(
        build(options, &parameters),
        &options.transforms,
        seed,
    ))
}

/// Writes a scenario with default options: a pcapng (or pcap, by the extension) at `out`, and the
/// truth beside it at `out` + `.truth.json`.
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
    let mut truth_path = out.as_os_str().to_owned();
    truth_path.push(".truth.json");
    let mut json = serde_json::to_vec_pretty(&BTreeMap::from([(name, &scene.truth)]))?;
    json.push(b'\n');
    put(Path::new(&truth_path), &json)?;
    Ok(scene.truth)
}
