//! Devices that began anew soon after somebody tried their doors.
//!
//! A device that starts again tells its neighbours its address (RFC 5227 announcements and probes,
//! neighbour discovery) or takes a lease. Some announce themselves every few minutes anyway, and
//! then nothing follows from it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use auscult_inventory::Party;
use auscult_model::report::Device;
use auscult_model::{
    Assignment, ConversationKey, ConversationSum, NeighbourKey, NeighbourSum, Outcome, Timestamp,
};

use crate::View;
use crate::view::originator;

/// So long after the last try a device may take to start again.
const WITHIN: i64 = 120 * Timestamp::SECOND;
/// Announced so shortly before, it announces itself often.
const OFTEN: i64 = 300 * Timestamp::SECOND;
/// Times are kept in slots of ten seconds.
const SLOT: i64 = 10 * Timestamp::SECOND;
/// Connections of a stream that was cut are few; more are a device that opens one for each
/// message.
const STREAMS: u64 = 4;

/// How somebody tried the doors of one address.
pub(super) struct Tries {
    pub(super) party: Party,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    pub(super) doors: BTreeSet<u16>,
}

/// A device that began anew after that.
pub(super) struct Restarted<'a> {
    pub(super) device: &'a Device,
    /// A stream of its own was cut and began again.
    pub(super) cut: Option<(&'a ConversationKey, &'a ConversationSum)>,
}

/// When stations told their addresses, by address.
pub(super) struct Announcements<'a>(BTreeMap<IpAddr, Vec<(&'a NeighbourKey, &'a NeighbourSum)>>);

impl<'a> Announcements<'a> {
    /// All that were seen.
    pub(super) fn of(view: &View<'a>) -> Self {
        let mut told: BTreeMap<IpAddr, Vec<_>> = BTreeMap::new();
        for (key, sum) in view.ledger.neighbours() {
            let announces = key.answered_by == Some(key.asker_mac) && key.asker_ip == key.target;
            let probes = key.answered_by.is_none() && key.asker_ip.is_unspecified();
            if announces || probes {
                told.entry(key.target).or_default().push((key, sum));
            }
        }
        Announcements(told)
    }

    /// Those of the tried that were there before and began anew within two minutes.
    pub(super) fn after<'t>(
        &self,
        view: &View<'a>,
        tried: impl Iterator<Item = &'t Tries>,
    ) -> Vec<Restarted<'a>> {
        let one = |tries: &Tries| {
            let device = view.device(tries.party)?;
            // Who was not there before began for the first time.
            device.first_seen.filter(|first| *first < tries.first)?;
            let cut = cut(view, device, tries);
            let leased = || cut.is_some() && leased(view, device, tries);
            let begins = self.anew(device, tries) || leased();
            begins.then_some(Restarted { device, cut })
        };
        tried.filter_map(one).collect()
    }

    /// It told its address after it was tried, and not shortly before.
    fn anew(&self, device: &Device, tries: &Tries) -> bool {
        let before = Timestamp(tries.first.0.saturating_sub(OFTEN));
        let told = self.0.get(&tries.party.ip).into_iter().flatten();
        let own = told.filter(|(key, _)| device.macs.contains(&key.asker_mac));
        let mut is_anew = false;
        for (_, sum) in own {
            if sum.times.has_between(before, tries.first) {
                return false;
            }
            is_anew |= sum
                .times
                .has_between(tries.first, tries.last.plus(WITHIN + SLOT));
        }
        is_anew
    }
}

/// It took a lease after it was tried; or renewed it, so that this alone says little.
fn leased(view: &View<'_>, device: &Device, tries: &Tries) -> bool {
    let until = tries.last.plus(WITHIN);
    view.ledger
        .assignments()
        .iter()
        .any(|((mac, ip, how, _), seen)| {
            let is_its = *how == Assignment::Leased && *ip == tries.party.ip;
            let at = [seen.first, seen.last];
            let is_then = at.iter().any(|at| *at > tries.first && *at < until);
            is_its && is_then && device.macs.contains(mac)
        })
}

/// A stream of a device's own that it had before and has begun again since.
fn cut<'a>(
    view: &View<'a>,
    device: &Device,
    tries: &Tries,
) -> Option<(&'a ConversationKey, &'a ConversationSum)> {
    let talks = view.ledger.conversations();
    talks.into_iter().find(|(key, sum)| {
        key.originator == tries.party.ip
            && view
                .device(originator(key))
                .is_some_and(|of| of.id == device.id)
            && key.outcome == Outcome::Answered
            && key.transport == auscult_model::Transport::Tcp
            && (2..=STREAMS).contains(&sum.flows)
            && sum.payload[0] > 0
            && sum.first < tries.first
            && sum.last > tries.last
    })
}
