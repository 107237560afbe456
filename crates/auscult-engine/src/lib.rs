//! Wires it together: reader, shards, world, report.
//!
//! Packets are read in order, dispatched to a fixed number of shards by the address pair, and
//! what the shards report reaches the world in packet order, so that the report is the same for
//! any number of threads, any read size, and also when limits are reached.

mod aggregates;
mod bounds;
mod emission;
mod expected;
mod identify;
mod kept;
mod knowledge;
mod marks;
mod mask;
mod options;
mod overlap;
mod pipeline;
mod points;
mod probing;
mod radio;
mod readers;
mod remember;
mod renamed;
mod shard;
mod spread;
mod statement;
mod steady;
mod suppress;
mod world;

use std::path::PathBuf;
use std::sync::Arc;

use auscult_capture::{Inputs, OpenError};
use auscult_model::FlowRecord;
use auscult_model::report::Report;
use thiserror::Error;

pub use auscult_capture::{Apart, PacketMeta, Stop};
pub use auscult_protocols::UnreadBytes;
pub use auscult_state::{Imported, Join, Overview, State, StateError, Status, Triage, of_rule};
pub use bounds::bounds;
pub use kept::KeptError;
pub use marks::{Marking, each_packet, marks};
pub use options::{Options, SHARDS, TICK};
pub use remember::{
    Forget, Remembered, conclude, forget, recall, recall_apart, recall_around, remember,
};

use knowledge::Knowledge;
use mask::Mask;

/// Why nothing could be analysed.
#[derive(Debug, Error)]
pub enum EngineError {
    /// An input could not be opened or is no capture.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A worker thread could not be started.
    #[error("a worker thread could not be started: {0}")]
    Thread(std::io::Error),
    /// The state could not be used.
    #[error(transparent)]
    State(#[from] auscult_state::StateError),
    /// The facts of a state could not be read or written.
    #[error("{}: the state cannot be read: {}", .0.display(), .1)]
    Facts(PathBuf, KeptError),
}

/// Watches an analysis.
pub trait Watch {
    /// Bytes of the inputs read, and of all inputs where known.
    fn progress(&mut self, read: u64, total: Option<u64>) {
        let _ = (read, total);
    }

    /// A flow ended; called in world order when single flows are asked for.
    fn flow(&mut self, record: &FlowRecord) {
        let _ = record;
    }

    /// Something about a packet of [`Options::marked`].
    fn marking(&mut self, marking: Marking) {
        let _ = marking;
    }
}

/// Watches nothing.
pub struct Unwatched;

impl Watch for Unwatched {}

/// Analyses captures, folders of captures and `-` (standard input).
pub fn analyze(
    paths: &[PathBuf],
    options: &Options,
    watch: &mut dyn Watch,
) -> Result<Report, EngineError> {
    let (knowledge, mask) = read(paths, options, watch)?;
    let mut report = knowledge.report(options);
    withhold(&mask, &mut report);
    Ok(report)
}

/// Analyses a capture that lies in memory; the report calls it `name`.
pub fn analyze_bytes(
    name: &str,
    bytes: Arc<[u8]>,
    options: &Options,
) -> Result<Report, EngineError> {
    let inputs = Inputs::of_bytes(name, bytes, reading(options))?;
    let (knowledge, mask) = pipeline::run(inputs, options, &mut Unwatched)?;
    let mut report = knowledge.report(options);
    withhold(&mask, &mut report);
    Ok(report)
}

/// Masks patient data in a report, and says when not all of it was known.
fn withhold(mask: &Mask, report: &mut Report) {
    if let Some(withheld) = mask.overflowed() {
        let name = bounds::MASKED.name.to_owned();
        report.health.limits.insert(name, withheld);
    }
    mask.apply(report);
}

/// Reads captures; draws no conclusions.
fn read(
    paths: &[PathBuf],
    options: &Options,
    watch: &mut dyn Watch,
) -> Result<(Knowledge, Mask), EngineError> {
    let mut inputs = Inputs::open_until(paths, reading(options), options.stop.clone())?;
    points::align(&mut inputs);
    pipeline::run(inputs, options, watch)
}

/// The captures among these files and folders, each to be analysed apart; rotated files of one
/// capture stay together. Looks at the beginning of every file.
pub fn apart(paths: &[PathBuf], options: &Options) -> Result<Apart, EngineError> {
    Ok(auscult_capture::apart(paths, reading(options))?)
}

fn reading(options: &Options) -> auscult_capture::Options {
    auscult_capture::Options {
        block: options.read_size,
        minutes: options.hours,
        ..auscult_capture::Options::within(&options.bounds())
    }
}
