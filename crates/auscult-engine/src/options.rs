//! What the user may set, as the engine understands it.

use auscult_inventory::SiteOptions;
use auscult_model::Timestamp;

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
    /// Bytes read at a time.
    pub read_size: usize,
    /// Flows at a time, all shards together; `None` derives it from `max_memory`.
    pub max_flows: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            threads: 1,
            site: SiteOptions::default(),
            single_flows: false,
            interfaces_apart: false,
            max_memory: 1 << 30,
            since: None,
            until: None,
            read_size: 128 << 10,
            max_flows: None,
        }
    }
}

impl Options {
    /// Flows at a time: half of the memory at about 1 KiB each.
    pub(crate) fn flows(&self) -> usize {
        let derived = (self.max_memory / 2 / 1024).clamp(SHARDS as u64, 4 << 20) as usize;
        self.max_flows.unwrap_or(derived)
    }
}
