//! Where a packet's cost lies, by stage and by protocol, against the budget.
//!
//! Instructions are counted by callgrind, by function. Nanoseconds are shares: the user time of an
//! unwatched run is divided as the instructions are. Of its system time the first stage gets what
//! reading the bytes alone takes; the rest is the price of memory. A function that the compiler has
//! dissolved counts where it is called.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Result;

use super::callgrind::{Profile, profile};
use super::document::{Section, Target};
use super::measure::{Run, median, time};
use super::{Sitting, analyze, floors, machine, packets_of};
use crate::shell::has;

/// A stage: name, instructions, budget in nanoseconds a packet.
type Stage = (&'static str, u64, Option<f64>);

/// The part.
pub(super) fn part(sitting: &Sitting) -> Result<Section> {
    let mut section = Section {
        name: "budget",
        ..Section::default()
    };
    if !has("valgrind") {
        eprintln!("SKIPPED: valgrind is not installed, so instructions cannot be counted");
        return Ok(section);
    }
    let capture = sitting.capture()?;
    let packets = packets_of(&capture)? as f64;
    let command = analyze(1, &capture);
    let runs = (0..sitting.runs).map(|_| time(&command));
    let runs: Vec<Run> = runs.collect::<Result<_>>()?;
    let (_, _, floor) = floors::read(&capture);
    let floor = (0..sitting.runs).map(|_| time(&floor));
    let floor: Vec<Run> = floor.collect::<Result<_>>()?;
    let system = median(&runs, |run| run.system) * 1e9 / packets;
    let reading = (median(&floor, |run| run.system) * 1e9 / packets).min(system);
    let user = median(&runs, |run| run.cpu - run.system) * 1e9 / packets;
    let profile = profile(&command)?;
    let total = profile.total as f64;
    let mut text = format!(
        "### By stage and protocol\n\n`cargo xtask bench budget --size {}`: {packets} packets, \
         {:.0} instructions, {user:.0} ns user and {system:.0} ns system a packet. {}.\n\n\
         | stage | instructions a packet | share | ns a packet | budget |\n|---|---|---|---|---|\n",
        sitting.size,
        total,
        machine()
    );
    for (name, cost, budget) in stages(&profile) {
        let share = cost as f64 / total;
        let kernel = match name {
            "read" => reading,
            "rest" => system - reading,
            _ => 0.0,
        };
        let each = share * user + kernel;
        let words = budget.map_or_else(String::new, |budget| format!("{budget:.0}"));
        writeln!(
            text,
            "| {name} | {:.0} | {:.1} % | {each:.0} | {words} |",
            cost as f64 / packets,
            share * 100.0
        )?;
        if let Some(budget) = budget {
            let aim = format!("{name}: at most {budget:.0} ns a packet");
            let reached = format!("{each:.0} ns");
            let met = Some(each <= budget);
            section.targets.push(Target::new(&aim, reached, met));
        }
    }
    writeln!(
        text,
        "\n| protocol | session, instructions a packet of the capture | probe |\n|---|---|---|"
    )?;
    for (name, [session, probe]) in by_protocol(&profile) {
        writeln!(
            text,
            "| {name} | {:.1} | {:.1} |",
            session as f64 / packets,
            probe as f64 / packets
        )?;
    }
    section.text = text;
    Ok(section)
}

/// What takes the bytes of flows in the engine.
const PARSE: &str = "ShardReaders::take";

fn stages(profile: &Profile) -> Vec<Stage> {
    let read = profile.of(&["Inputs::next_batch"]);
    let decode = profile.of(&[
        "dispatch::dispatch_key",
        "decode::decode_into",
        "Defragmenter::push",
    ]);
    let table = profile.of(&["FlowTable<R>::packet", "FlowTable<R>::finish"]);
    let segments = profile.of(&["tcp::TcpTrack::segment"]);
    let parse = profile.of(&[PARSE]);
    let of_segments = profile.between("auscult_flow::tcp", PARSE);
    let flow = table.saturating_sub(segments + parse - of_segments);
    let reassembly = segments.saturating_sub(of_segments);
    let world = profile.of(&["world::World::take"]);
    let report = profile.of(&["world::World::report", "auscult_report::json::write_json"]);
    let detectors = profile.of(&[
        "auscult_detect::observe",
        "auscult_detect::opened",
        "auscult_detect::conclude",
        "auscult_detect::coverage::coverage",
    ]);
    let named = read + decode + flow + reassembly + parse + world;
    vec![
        ("read", read, Some(110.0)),
        ("decode", decode, Some(40.0)),
        ("flow", flow, Some(150.0)),
        ("reassembly and parse", reassembly + parse, Some(150.0)),
        ("of these: reassembly", reassembly, None),
        ("of these: parse", parse, None),
        ("world", world, Some(50.0)),
        ("rest", profile.total.saturating_sub(named), Some(50.0)),
        ("of this: report", report, None),
        ("of all: detectors", detectors, Some(50.0)),
    ]
}

/// Instructions of sessions and of probes by the module they are in.
fn by_protocol(profile: &Profile) -> BTreeMap<&str, [u64; 2]> {
    let mut list: BTreeMap<&str, [u64; 2]> = BTreeMap::new();
    for (name, cost) in profile.functions() {
        let Some((kind, trait_and_function)) = name
            .strip_prefix("<auscult_protocols::")
            .and_then(|rest| rest.split_once(" as auscult_protocols::contract::"))
        else {
            continue;
        };
        let module = kind.split("::").next().unwrap_or(kind);
        let [session, probe] = list.entry(module).or_default();
        if trait_and_function.starts_with("Session>::") {
            *session += cost;
        } else if trait_and_function == "Protocol>::probe" {
            *probe += cost;
        }
    }
    list
}
