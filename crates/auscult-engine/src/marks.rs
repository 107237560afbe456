//! Where patient data lie in packets that are to be shown to others.
//!
//! A report needs patient data only to count and to mask them, so what is said again and again is
//! told once. Who hands packets on needs more: every identifying byte of just these packets, and
//! which of their bytes nobody looked at. Both come from reading the captures once more.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use auscult_capture::{Batch, Inputs, PacketMeta};
use auscult_model::{FlowRecord, Marks, PacketRef, PhiRange};
use auscult_protocols::UnreadBytes;

use crate::options::Options;
use crate::{EngineError, Watch, points, read, reading};

/// Something about packets of [`Options::marked`].
#[derive(Clone, Debug)]
pub enum Marking {
    /// A session got the packet's bytes.
    Read(PacketRef),
    /// A session left these bytes out.
    Unread(UnreadBytes),
    /// The identifying bytes of one statement, in order.
    Patient(Vec<PhiRange>),
}

impl Marking {
    pub(crate) fn is_of(&self, wanted: &BTreeSet<PacketRef>) -> bool {
        match self {
            Marking::Read(packet) => wanted.contains(packet),
            Marking::Unread(unread) => wanted.contains(&unread.packet),
            Marking::Patient(ranges) => ranges.iter().any(|range| wanted.contains(&range.packet)),
        }
    }
}

/// Collects markings.
struct Marker<'a> {
    marks: Marks,
    watch: &'a mut dyn Watch,
}

impl Watch for Marker<'_> {
    fn progress(&mut self, read: u64, total: Option<u64>) {
        self.watch.progress(read, total);
    }

    fn flow(&mut self, record: &FlowRecord) {
        self.watch.flow(record);
    }

    fn marking(&mut self, marking: Marking) {
        let marks = &mut self.marks;
        match marking {
            Marking::Read(packet) => {
                marks.read.insert(packet);
            }
            Marking::Unread(UnreadBytes { packet, bytes }) => {
                marks.unread.entry(packet).or_default().push(bytes);
            }
            Marking::Patient(ranges) => marks.patient.push(ranges),
        }
    }
}

/// Reads captures again, and says where patient data lie in the packets `wanted`.
pub fn marks(
    paths: &[PathBuf],
    options: &Options,
    wanted: BTreeSet<PacketRef>,
    watch: &mut dyn Watch,
) -> Result<Marks, EngineError> {
    let options = Options {
        marked: Arc::new(wanted),
        ..options.clone()
    };
    let mut marker = Marker {
        marks: Marks::default(),
        watch,
    };
    let (_, mask) = read(paths, &options, &mut marker)?;
    Ok(Marks {
        words: mask.words(),
        words_missing: mask.overflowed().is_some(),
        ..marker.marks
    })
}

/// Hands on every packet that an analysis with these options takes in, in its order and at its
/// time.
pub fn each_packet(
    paths: &[PathBuf],
    options: &Options,
    mut take: impl FnMut(&PacketMeta, &[u8]),
) -> Result<(), EngineError> {
    let mut inputs = Inputs::open_until(paths, reading(options), options.stop.clone())?;
    points::align(&mut inputs);
    let mut batch = Batch::new();
    while inputs.next_batch(&mut batch) {
        for (meta, frame) in batch.iter() {
            if options.is_wanted(meta.time) {
                take(meta, frame);
            }
        }
    }
    Ok(())
}
