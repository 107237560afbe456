//! Addresses and network cards that went from one device to another.
//!
//! A device that has one now and did not have it before, while another device of the same segment
//! did. Whether the other one still has it is said too: it may have had it in the first hour only.

use std::collections::{BTreeMap, BTreeSet};

use auscult_model::Segment;
use auscult_model::report::Device;
use serde::Serialize;

use super::alike::Pairs;

/// What went from whom to whom.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Move {
    /// `ip` or `mac`.
    pub what: &'static str,
    /// The address.
    pub value: String,
    /// Ids of the devices that had it, in the first report.
    pub from: Vec<String>,
    /// Ids of the devices that have it and had it not, in the second report.
    pub to: Vec<String>,
    /// A device that had it was seen with it in the second report as well.
    pub still: bool,
}

/// All that moved: addresses first, each kind in order.
pub(super) fn between(pairs: &Pairs<'_>) -> Vec<Move> {
    let mut moves = Vec::new();
    moved(pairs, "ip", |device| device.ips.clone(), &mut moves);
    moved(pairs, "mac", |device| device.macs.clone(), &mut moves);
    moves
}

fn moved<T: Ord + Copy + ToString>(
    pairs: &Pairs<'_>,
    what: &'static str,
    of: impl Fn(&Device) -> Vec<T>,
    moves: &mut Vec<Move>,
) {
    let mut had: BTreeMap<T, Vec<&Device>> = BTreeMap::new();
    for device in pairs.all_then() {
        for value in of(device) {
            had.entry(value).or_default().push(device);
        }
    }
    let mut holders: BTreeMap<T, Vec<(&Device, Option<&Device>)>> = BTreeMap::new();
    for (now, was) in pairs.all_now() {
        for value in of(now) {
            holders.entry(value).or_default().push((now, was));
        }
    }
    for (value, now) in holders {
        let Some(then) = had.get(&value) else {
            continue;
        };
        let segments: BTreeSet<Segment> = then
            .iter()
            .flat_map(|d| d.segments.iter().copied())
            .collect();
        let is_old = |was: &Option<&Device>| {
            was.is_some_and(|was| then.iter().any(|device| device.id == was.id))
        };
        let is_near = |now: &Device| now.segments.iter().any(|s| segments.contains(s));
        let to: Vec<String> = now
            .iter()
            .filter(|(now, was)| !is_old(was) && is_near(now))
            .map(|(now, _)| now.id.clone())
            .collect();
        if !to.is_empty() {
            moves.push(Move {
                what,
                value: value.to_string(),
                from: then.iter().map(|device| device.id.clone()).collect(),
                to,
                still: now.iter().any(|(_, was)| is_old(was)),
            });
        }
    }
}
