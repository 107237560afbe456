//! Auscult beside the peers that are installed, and the floors, in one sitting.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;

use super::callgrind::instructions;
use super::document::{Section, Target};
use super::measure::{Run, median, paired, spread, time};
use super::{Sitting, analyze, floors, folder, machine, packets_of};
use crate::shell::has;

struct Contender {
    name: &'static str,
    does: &'static str,
    command: Vec<String>,
    runs: Vec<Run>,
}

const OURS: &str = "auscult, 1 thread";

/// The part.
pub(super) fn part(sitting: &Sitting) -> Result<Section> {
    let capture = sitting.capture()?;
    let packets = packets_of(&capture)?;
    let mut contenders = contenders(&capture);
    for round in 1..=sitting.runs {
        for contender in &mut contenders {
            eprintln!("round {round} of {}: {}", sitting.runs, contender.name);
            contender.runs.push(time(&contender.command)?);
        }
    }
    Ok(Section {
        name: "peers",
        text: table(&contenders, &capture, packets, sitting)?,
        targets: targets(&contenders),
        failures: Vec::new(),
    })
}

fn contenders(capture: &Path) -> Vec<Contender> {
    let contender = |name, does, command| Contender {
        name,
        does,
        command,
        runs: Vec::new(),
    };
    let mut list = vec![contender(
        OURS,
        "everything on, JSON written",
        analyze(1, capture),
    )];
    for (name, does, command) in floors::all(capture) {
        list.push(contender(name, does, command));
    }
    let file = capture.to_string_lossy();
    let logs = folder().join("logs");
    let _ = std::fs::create_dir_all(&logs);
    let logs = logs.to_string_lossy();
    let suricata = format!("suricata -r {file} -l {logs} -k none --runmode single -S /dev/null");
    let tcpdump = format!("tcpdump -n -r {file} ether proto 0x9999");
    let peers = [
        ("tcpdump", "a filter that matches nothing", tcpdump),
        ("capinfos", "counts records", format!("capinfos -c {file}")),
        (
            "ndpiReader",
            "flows, identification by first packets",
            format!("ndpiReader -q -i {file}"),
        ),
        ("suricata", "parsers on, no rules, runmode single", suricata),
    ];
    for (name, does, command) in peers {
        if has(name) {
            let words = command.split(' ').map(str::to_owned);
            list.push(contender(name, does, words.collect()));
        } else {
            eprintln!("SKIPPED: {name} is not installed");
        }
    }
    list
}

/// The capture on which instructions are counted: fifty times slower than running.
const COUNTED: &str = "140M";

/// Instructions of the programs with one thread, which no other load changes.
fn counted() -> Result<String> {
    let capture = super::capture(COUNTED)?;
    let packets = packets_of(&capture)? as f64;
    let mut counts = Vec::new();
    for contender in contenders(&capture) {
        if [OURS, "ndpiReader"].contains(&contender.name) {
            eprintln!("counting instructions: {}", contender.name);
            let count = instructions(&contender.command)? as f64 / packets;
            counts.push(format!("{} {count:.0}", contender.name));
        }
    }
    Ok(format!(
        "\nInstructions a packet on the capture of {COUNTED}, by callgrind: {}.\n",
        counts.join(", ")
    ))
}

fn runs_of<'a>(contenders: &'a [Contender], name: &str) -> Option<&'a [Run]> {
    let contender = contenders.iter().find(|contender| contender.name == name)?;
    Some(&contender.runs)
}

fn table(
    contenders: &[Contender],
    capture: &Path,
    packets: u64,
    sitting: &Sitting,
) -> Result<String> {
    let bytes = std::fs::metadata(capture)?.len();
    let mut text = String::new();
    writeln!(
        text,
        "### Beside others\n\n`cargo xtask bench peers --size {} --runs {}`: {packets} packets, \
         {bytes} bytes, medians. {}.\n",
        sitting.size,
        sitting.runs,
        machine()
    )?;
    writeln!(
        text,
        "| program | what it does | CPU s | spread | wall s | ns CPU a packet | peak MiB | \
         times the libpcap loop | times auscult |\n|---|---|---|---|---|---|---|---|---|"
    )?;
    let empty = runs_of(contenders, floors::LIBPCAP).unwrap_or_default();
    let times = |a: &[Run], b: &[Run]| {
        let ratio = paired(a, b, |run| run.cpu);
        if ratio.is_finite() {
            format!("{ratio:.2}")
        } else {
            "–".to_owned()
        }
    };
    let ours = runs_of(contenders, OURS).unwrap_or_default();
    for contender in contenders {
        let runs = &contender.runs;
        let cpu = median(runs, |run| run.cpu);
        writeln!(
            text,
            "| {} | {} | {cpu:.2} | {} | {:.2} | {:.0} | {:.1} | {} | {} |",
            contender.name,
            contender.does,
            spread(runs, |run| run.cpu),
            median(runs, |run| run.wall),
            cpu * 1e9 / packets as f64,
            median(runs, Run::peak_mib),
            times(runs, empty),
            times(runs, ours),
        )?;
    }
    if !sitting.quick && has("valgrind") {
        text.push_str(&counted()?);
    }
    Ok(text)
}

fn targets(contenders: &[Contender]) -> Vec<Target> {
    let ours = runs_of(contenders, OURS).unwrap_or_default();
    let faster = |name: &str, times: f64, aim: &str| {
        let Some(theirs) = runs_of(contenders, name) else {
            return Target::new(aim, format!("{name} is not installed"), None);
        };
        let ratio = paired(theirs, ours, |run| run.cpu);
        Target::new(aim, format!("{ratio:.2} times"), Some(ratio >= times))
    };
    let aim = "at most a quarter of ndpiReader's peak memory";
    let memory = match runs_of(contenders, "ndpiReader") {
        Some(theirs) => {
            let share = median(ours, Run::peak_mib) / median(theirs, Run::peak_mib);
            Target::new(aim, format!("{:.0} %", share * 100.0), Some(share <= 0.25))
        }
        None => Target::new(aim, "ndpiReader is not installed".to_owned(), None),
    };
    vec![
        faster(
            "ndpiReader",
            4.0,
            "at least 4 times (better 5) the packets a CPU second of ndpiReader",
        ),
        faster(
            "suricata",
            10.0,
            "at least 10 times the packets a CPU second of Suricata without rules",
        ),
        memory,
    ]
}
