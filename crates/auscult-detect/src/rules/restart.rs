//! Devices that began anew soon after somebody tried their doors.
//!
//! A device that starts again tells its neighbours its address (RFC 5227 announcements and probes,
//! neighbour discovery) or asks for a lease without an address of its own. Some announce
//! themselves every few minutes anyway, and then nothing follows from it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use auscult_inventory::{Party, Seen};
use auscult_model::report::Device;
use auscult_model::{
    ConversationKey, ConversationSum, MacAddr, NeighbourKey, NeighbourSum, NeighbourTimes, Outcome,
    Timestamp,
};

use crate::View;
use crate::view::originator;

/// So long after the last try a device may take to start again.
const WITHIN: i64 = 120 * Timestamp::SECOND;
/// Announced so shortly before, it announces itself often.
const OFTEN: i64 = 300 * Timestamp::SECOND;
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
    /// So many of its doors were tried.
    pub(super) doors: usize,
    /// A stream of its own was cut and began again.
    pub(super) cut: Option<(&'a ConversationKey, &'a ConversationSum)>,
}

/// When stations told their addresses, or had none.
pub(super) struct Announcements<'a> {
    told: BTreeMap<IpAddr, Vec<(&'a NeighbourKey, &'a NeighbourSum)>>,
    /// Requests for a lease from no address: who renews a lease has one.
    asked: BTreeMap<MacAddr, Vec<Seen>>,
    /// Streams that were begun more than once, by who began them.
    streams: BTreeMap<IpAddr, Vec<(&'a ConversationKey, &'a ConversationSum)>>,
}

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
        let mut asked: BTreeMap<MacAddr, Vec<Seen>> = BTreeMap::new();
        for ((protocol, from, _), fact) in view.ledger.spoken() {
            if let Some(mac) = from.mac
                && *protocol == "dhcp"
                && from.ip.is_unspecified()
            {
                asked.entry(mac).or_default().push(fact.seen);
            }
        }
        let mut streams: BTreeMap<IpAddr, Vec<_>> = BTreeMap::new();
        for (key, sum) in view.ledger.conversations() {
            if key.outcome == Outcome::Answered
                && key.transport == auscult_model::Transport::Tcp
                && (2..=STREAMS).contains(&sum.flows)
                && sum.payload[0] > 0
            {
                streams.entry(key.originator).or_default().push((key, sum));
            }
        }
        Announcements {
            told,
            asked,
            streams,
        }
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
            let begins = self.anew(device, tries) || self.asks_for_a_lease(device, tries);
            begins.then(|| Restarted {
                device,
                doors: tries.doors.len(),
                cut: self.cut(view, device, tries),
            })
        };
        tried.filter_map(one).collect()
    }

    /// It told its address after it was tried, and not shortly before.
    fn anew(&self, device: &Device, tries: &Tries) -> bool {
        let before = Timestamp(tries.first.0.saturating_sub(OFTEN));
        let told = self.told.get(&tries.party.ip).into_iter().flatten();
        let own = told.filter(|(key, _)| device.macs.contains(&key.asker_mac));
        let mut is_anew = false;
        for (_, sum) in own {
            if sum.times.has_between(before, tries.first) {
                return false;
            }
            is_anew |= sum.times.has_between(
                tries.first,
                tries.last.plus(WITHIN + NeighbourTimes::LENGTH),
            );
        }
        is_anew
    }

    /// It asked for a lease after it was tried.
    fn asks_for_a_lease(&self, device: &Device, tries: &Tries) -> bool {
        let until = tries.last.plus(WITHIN);
        let is_then = |at: Timestamp| at > tries.first && at < until;
        let asked = device.macs.iter().filter_map(|mac| self.asked.get(mac));
        let mut asked = asked.flatten();
        asked.any(|seen| is_then(seen.first) || is_then(seen.last))
    }

    /// A stream of a device's own that it had before and has begun again since.
    fn cut(
        &self,
        view: &View<'a>,
        device: &Device,
        tries: &Tries,
    ) -> Option<(&'a ConversationKey, &'a ConversationSum)> {
        let streams = self.streams.get(&tries.party.ip).into_iter().flatten();
        let is_cut = |sum: &ConversationSum| sum.first < tries.first && sum.last > tries.last;
        let is_own = |key: &ConversationKey| {
            let of = view.device(originator(key));
            of.is_some_and(|of| of.id == device.id)
        };
        let mut cut = streams.filter(|(key, sum)| is_cut(sum) && is_own(key));
        cut.next().copied()
    }
}
