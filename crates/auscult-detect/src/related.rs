//! Says when captures that are read together look as if they were of different networks.
//!
//! Said only of captures that lie half a day apart, hold link addresses, and have none in common:
//! pieces of one capture follow each other, and two places of one network see its router. A
//! virtual router's address is in every network, so it joins none.
//!
//! Limit: captures of different networks taken on the same day are not told apart.

use std::collections::BTreeMap;

use auscult_model::report::CaptureGroup;
use auscult_model::{MacAddr, Timestamp};

use crate::Context;

/// Captures with less than this between them belong to one occasion.
const APART: i64 = 12 * 3600 * Timestamp::SECOND;
/// Files of a group that are named.
const NAMED: usize = 3;

/// The groups of captures between which nothing was found in common; none when they look related.
pub fn unrelated(context: &Context<'_>) -> Vec<CaptureGroup> {
    let occasions = occasions(context);
    // A ledger that was full does not know all that captures have in common.
    if occasions.len() < 2 || context.ledger.limits().values().any(|count| *count > 0) {
        return Vec::new();
    }
    let of_file: BTreeMap<usize, usize> = (0..)
        .zip(&occasions)
        .flat_map(|(occasion, files)| files.iter().map(move |file| (*file, occasion)))
        .collect();
    let mut joined = Joined::new(occasions.len());
    let mut first_of: BTreeMap<u64, usize> = BTreeMap::new();
    let mut link = |mac: Option<MacAddr>, file: u32| {
        let is_telling =
            |mac: &MacAddr| !mac.is_group() && !mac.is_virtual_router() && *mac != MacAddr::NONE;
        if let (Some(mac), Some(occasion)) = (mac.filter(is_telling), of_file.get(&(file as usize)))
        {
            joined.is_telling(*occasion);
            let first = *first_of.entry(mac.to_bits()).or_insert(*occasion);
            joined.join(first, *occasion);
        }
    };
    for (key, sum) in context.ledger.conversations() {
        for mac in [key.originator_mac, key.responder_mac, sum.answer_mac] {
            link(mac, sum.first_packet.file.0);
        }
    }
    groups(context, &occasions, &mut joined)
}

/// Files by the occasions on which they were taken, in the order of time.
fn occasions(context: &Context<'_>) -> Vec<Vec<usize>> {
    let mut spans: Vec<(Timestamp, Timestamp, usize)> = (0..)
        .zip(context.captures)
        .filter_map(|(index, capture)| Some((capture.first?, capture.last?, index)))
        .collect();
    spans.sort_unstable();
    let mut occasions: Vec<Vec<usize>> = Vec::new();
    let mut until = Timestamp::MIN;
    for (first, last, file) in spans {
        match occasions.last_mut() {
            Some(occasion) if first.since(until) <= APART => occasion.push(file),
            _ => occasions.push(vec![file]),
        }
        until = until.max(last);
    }
    occasions
}

/// The occasions that have something in common, as one group each.
fn groups(
    context: &Context<'_>,
    occasions: &[Vec<usize>],
    joined: &mut Joined,
) -> Vec<CaptureGroup> {
    let mut groups: BTreeMap<usize, CaptureGroup> = BTreeMap::new();
    for (occasion, files) in occasions.iter().enumerate() {
        if !joined.telling.get(occasion).is_some_and(|telling| *telling) {
            continue;
        }
        let group = groups.entry(joined.root(occasion)).or_default();
        for capture in files.iter().filter_map(|file| context.captures.get(*file)) {
            if group.files.len() < NAMED {
                group.files.push(capture.file.clone());
            }
            group.files_total += 1;
            group.first = group.first.min(capture.first).or(capture.first);
            group.last = group.last.max(capture.last);
        }
    }
    match groups.len() {
        0 | 1 => Vec::new(),
        _ => groups.into_values().collect(),
    }
}

/// Which occasions were joined (a forest), and which hold anything that could join them.
struct Joined {
    parents: Vec<usize>,
    telling: Vec<bool>,
}

impl Joined {
    fn new(count: usize) -> Self {
        Joined {
            parents: (0..count).collect(),
            telling: vec![false; count],
        }
    }

    fn is_telling(&mut self, occasion: usize) {
        if let Some(telling) = self.telling.get_mut(occasion) {
            *telling = true;
        }
    }

    /// The earliest of those joined with this one.
    fn root(&mut self, of: usize) -> usize {
        let mut at = of;
        while let Some(parent) = self.parents.get(at).copied().filter(|parent| *parent != at) {
            let above = self.parents.get(parent).copied().unwrap_or(parent);
            if let Some(slot) = self.parents.get_mut(at) {
                *slot = above;
            }
            at = parent;
        }
        at
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        if let Some(slot) = self.parents.get_mut(a.max(b)) {
            *slot = a.min(b);
        }
    }
}
