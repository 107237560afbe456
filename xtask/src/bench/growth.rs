//! Cost as the work grows: more packets, more flows, more devices, one at a time.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use auscult_lab::bulk::{self, Plan, Written};

use super::document::Section;
use super::measure::{Run, median, time};
use super::{Sitting, analyze, folder, helper, machine};
use crate::shell;

/// What is varied, and the plans.
type Row = (&'static str, u64, u64, u32);

/// Packets, flows, devices.
const ROWS: [Row; 8] = [
    ("packets", 100_000, 10_000, 100),
    ("packets", 1_000_000, 10_000, 100),
    ("packets", 10_000_000, 10_000, 100),
    ("flows", 6_000_000, 10_000, 1_000),
    ("flows", 6_000_000, 100_000, 1_000),
    ("flows", 6_000_000, 1_000_000, 1_000),
    ("devices", 1_000_000, 50_000, 100),
    ("devices", 1_000_000, 50_000, 10_000),
];
/// A quick run has so many times less of everything.
const QUICK: u64 = 20;

/// The part.
pub(super) fn part(sitting: &Sitting) -> Result<Section> {
    let less = if sitting.quick { QUICK } else { 1 };
    let mut text = format!(
        "### As the work grows\n\n`cargo xtask bench growth --runs {}`: captures of the lab's bulk \
         generator (`cargo xtask bench bulk`), a tenth of the flows open at a time, one thread, \
         medians. More flows among as many packets are shorter ones, mostly questions for \
         names. {}.\n\n\
         | varied | packets | flows | devices | MB | CPU s | ns a packet | ns a packet to the \
         first | peak MiB |\n|---|---|---|---|---|---|---|---|---|\n",
        sitting.runs,
        machine()
    );
    let file = folder().join("bulk.pcap");
    let mut first = ("", 0.0);
    for (varied, packets, flows, devices) in ROWS {
        let plan = Plan::of(packets / less, flows / less, devices);
        let written = make(&plan, &file)?;
        shell::run(Command::new("cat").arg(&file).stdout(Stdio::null()))?;
        let runs = (0..sitting.runs).map(|_| time(&analyze(1, &file)));
        let runs: Vec<Run> = runs.collect::<Result<_>>()?;
        std::fs::remove_file(&file)?;
        let cpu = median(&runs, |run| run.cpu);
        let each = cpu * 1e9 / written.packets as f64;
        if first.0 != varied {
            first = (varied, each);
        }
        writeln!(
            text,
            "| {varied} | {} | {} | {devices} | {:.0} | {cpu:.2} | {each:.0} | {:.2} | {:.1} |",
            written.packets,
            written.flows,
            written.bytes as f64 / 1e6,
            each / first.1,
            median(&runs, Run::peak_mib)
        )?;
    }
    Ok(Section {
        name: "growth",
        text,
        ..Section::default()
    })
}

/// Has the optimised build of this program write the capture.
fn make(plan: &Plan, file: &Path) -> Result<Written> {
    let mut command = Command::new(helper());
    command.args(["bench", "bulk"]);
    for number in [plan.packets, plan.flows, u64::from(plan.devices)] {
        command.arg(number.to_string());
    }
    let said = shell::output(command.arg(file))?;
    let numbers: Vec<u64> = said
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    match numbers.as_slice() {
        [packets, flows, bytes] => Ok(Written {
            packets: *packets,
            flows: *flows,
            bytes: *bytes,
        }),
        _ => bail!("the generator said: {said}"),
    }
}

/// `bench bulk PACKETS FLOWS DEVICES FILE`: prints packets, flows and bytes that were written.
pub(super) fn bulk(words: &[&str]) -> Result<()> {
    let [packets, flows, devices, file] = words else {
        bail!("bench bulk PACKETS FLOWS DEVICES FILE");
    };
    let plan = Plan::of(packets.parse()?, flows.parse()?, devices.parse()?);
    let created = File::create(file).with_context(|| format!("cannot write {file}"))?;
    let mut out = BufWriter::with_capacity(1 << 20, created);
    let Written {
        packets,
        flows,
        bytes,
    } = bulk::write(&plan, &mut out)?;
    out.flush()?;
    writeln!(
        std::io::stdout(),
        "{packets} packets {flows} flows {bytes} bytes"
    )?;
    Ok(())
}

/// Bytes of a record of such captures, roughly.
const RECORD: u64 = 440;

/// The capture of machines without `make_big.py`: about so many bytes, eight packets a flow.
pub(super) fn of_size(bytes: u64, file: &Path) -> Result<()> {
    let packets = bytes / RECORD;
    make(&Plan::of(packets, packets / 8, 4_000), file)?;
    Ok(())
}
