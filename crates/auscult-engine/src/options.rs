//! What the user may set, as the engine understands it.

use std::collections::BTreeSet;
use std::sync::Arc;

use auscult_advisory::OwnRules;
use auscult_capture::Stop;
use auscult_inventory::SiteOptions;
use auscult_model::{BoundKind, Bounds, PacketRef, Timestamp, Window};

/// Number of shards, fixed so that results do not depend on the number of threads.
pub const SHARDS: usize = 64;

/// Sums and counts are reported each time so many packets were read, and by a shard that has no
/// room for more.
pub const TICK: u64 = 1 << 20;

/// How to analyse.
#[derive(Clone, Debug)]
pub struct Options {
    /// Worker threads; 1 does everything on the caller's.
    pub threads: usize,
    /// What counts as ours, and who is a partner.
    pub site: SiteOptions,
    /// Whether single flows are reported.
    pub single_flows: bool,
    /// Whether capture interfaces are different segments.
    pub interfaces_apart: bool,
    /// Bytes that tables and buffers may take together, roughly.
    pub max_memory: u64,
    /// Only packets at or after this time.
    pub since: Option<Timestamp>,
    /// Only packets before this time.
    pub until: Option<Timestamp>,
    /// Packets of these times are left out: in order of time, apart from each other.
    pub leave_out: Vec<Window>,
    /// Bytes read at a time.
    pub read_size: usize,
    /// Bounds that are set to something else than their defaults, see [`crate::bounds`].
    pub limits: Bounds,
    /// Ends the reading early: the report then covers what was read.
    pub stop: Stop,
    /// Number of the first input file, for facts that are merged with those of files before.
    pub first_file: u32,
    /// Whether sums of conversations are kept by hour.
    pub hours: bool,
    /// Key of the digests that tell patients apart; one made for the run when `None`.
    pub patient_key: Option<[u8; 16]>,
    /// What the site does not want to see, besides the rules of the detectors.
    pub rules: Arc<OwnRules>,
    /// Packets of which it is wanted where patient data lie in them, see [`crate::marks`].
    pub marked: Arc<BTreeSet<PacketRef>>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            threads: 1,
            site: SiteOptions::default(),
            single_flows: false,
            interfaces_apart: false,
            max_memory: Bounds::USUAL_MEMORY,
            since: None,
            until: None,
            leave_out: Vec::new(),
            read_size: 128 << 10,
            limits: Bounds::default(),
            stop: Stop::default(),
            first_file: 0,
            hours: false,
            patient_key: None,
            rules: Arc::default(),
            marked: Arc::default(),
        }
    }
}

impl Options {
    /// The bounds to keep.
    pub(crate) fn bounds(&self) -> Bounds {
        self.limits.with_memory(self.max_memory)
    }

    /// Whether the user asked for packets of this time.
    pub(crate) fn is_wanted(&self, time: Timestamp) -> bool {
        self.since.is_none_or(|since| time >= since)
            && self.until.is_none_or(|until| time < until)
            && !self.is_left_out(time)
    }

    /// Whether packets of this time are left out.
    pub(crate) fn is_left_out(&self, time: Timestamp) -> bool {
        let windows = &self.leave_out;
        let next = windows.partition_point(|window| window.until <= time);
        windows.get(next).is_some_and(|window| window.from <= time)
    }

    /// Sets a bound by its name; says whether there is one that can be set.
    pub fn limit(&mut self, name: &str, value: u64) -> bool {
        let bound = crate::bounds().into_iter().find(|bound| bound.name == name);
        match bound {
            Some(bound) if bound.kind != BoundKind::Constant => {
                self.limits.set(bound, value);
                true
            }
            _ => false,
        }
    }
}
