//! When devices fell silent while others went on: what the rules of silence share.

use std::collections::BTreeMap;

use auscult_model::report::Device;
use auscult_model::{ConversationKey, ConversationSum, Outcome, Segment, Timestamp};

use crate::View;
use crate::stake::{Stake, stake};
use crate::view::originator;

/// Heard for so long before, a silence says something.
const STEADY: i64 = 120 * Timestamp::SECOND;
/// Silence shorter than this is a pause.
const SILENT: i64 = 60 * Timestamp::SECOND;

/// A device beside the patient that talked steadily and then no more.
pub(super) struct Silent<'a> {
    pub(super) device: &'a Device,
    pub(super) segment: Segment,
    /// Its last packet.
    pub(super) last: Timestamp,
    /// Whom its longest conversation was with.
    pub(super) talk: (&'a ConversationKey, &'a ConversationSum),
}

/// Devices that fell silent; of each the longest conversation, which its silence ended.
pub(super) fn silent<'a>(view: &View<'a>) -> Vec<Silent<'a>> {
    let Some((_, end)) = view.span() else {
        return Vec::new();
    };
    let devices = view.inventory.devices.iter();
    let quiet: BTreeMap<&str, &Device> = devices
        .filter(|device| device.inside && stake(device.role) == Stake::Bedside)
        .filter(|device| match (device.first_seen, device.last_seen) {
            (Some(first), Some(last)) => end.since(last) >= SILENT && last.since(first) >= STEADY,
            _ => false,
        })
        .map(|device| (device.id.as_str(), device))
        .collect();
    let longest = longest(view, &quiet);
    let silent = longest.into_iter().filter_map(|(id, talk)| {
        let device = quiet.get(id)?;
        let last = device.last_seen?;
        // It talked to the end, and steadily.
        let (_, sum) = talk;
        let packets = i64::try_from(sum.packets[0]).unwrap_or(i64::MAX).max(1);
        let steady = sum.last.since(sum.first) / packets < SILENT / 4;
        let to_its_end = last.since(sum.last) < SILENT / 4;
        (steady && to_its_end).then_some(Silent {
            device,
            segment: talk.0.segment,
            last,
            talk,
        })
    });
    silent.collect()
}

type Talk<'a> = (&'a ConversationKey, &'a ConversationSum);

/// The longest conversation that each of the devices began.
fn longest<'a>(
    view: &View<'a>,
    devices: &BTreeMap<&'a str, &'a Device>,
) -> BTreeMap<&'a str, Talk<'a>> {
    let mut longest: BTreeMap<&str, Talk<'_>> = BTreeMap::new();
    if devices.is_empty() {
        return longest;
    }
    for (key, sum) in view.ledger.conversations() {
        let party = originator(key);
        let Some(device) = view
            .device(party)
            .filter(|d| devices.contains_key(d.id.as_str()))
        else {
            continue;
        };
        let length = sum.last.since(sum.first);
        let is_longer = longest
            .get(device.id.as_str())
            .is_none_or(|(_, known)| known.last.since(known.first) < length);
        if key.outcome == Outcome::Answered && is_longer {
            longest.insert(&device.id, (key, sum));
        }
    }
    longest
}

/// Whether a segment was still heard after a time: a switch that starts again silences all.
pub(super) fn goes_on(view: &View<'_>, segment: Segment, after: Timestamp) -> bool {
    let later = after.plus(SILENT / 2);
    view.inventory.devices.iter().any(|device| {
        device.segments.contains(&segment) && device.last_seen.is_some_and(|last| last > later)
    })
}
