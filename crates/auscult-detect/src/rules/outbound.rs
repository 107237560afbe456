//! Conversations with the outside by device and peer: what several rules look at.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use auscult_inventory::{Party, Reach};
use auscult_model::report::Finding;

use crate::draft::Draft;
use crate::stake::{Stake, stake};
pub(super) use crate::view::Outbound;
use crate::{RuleRecord, View};

/// Those that `keep` takes, by device and peer.
pub(super) fn by_device_and_peer<'a>(
    view: &View<'a>,
    keep: impl Fn(&Outbound<'a>) -> bool,
) -> BTreeMap<(String, IpAddr), Vec<Outbound<'a>>> {
    let mut found: BTreeMap<(String, IpAddr), Vec<Outbound<'a>>> = BTreeMap::new();
    for outbound in view.outbound().iter().filter(|outbound| keep(outbound)) {
        let by = (view.who(outbound.local), outbound.peer);
        found.entry(by).or_default().push(*outbound);
    }
    found
}

/// What one device has with one peer outside.
pub(super) struct Pair<'v, 'a> {
    pub(super) view: &'v View<'a>,
    pub(super) local: Party,
    pub(super) peer: IpAddr,
    pub(super) talks: Vec<Outbound<'a>>,
}

/// A finding for each device and peer whose conversations `keep` takes and `finding` minds.
pub(super) fn for_each_pair<'a>(
    view: &View<'a>,
    keep: impl Fn(&Outbound<'a>) -> bool,
    finding: impl Fn(&Pair<'_, 'a>) -> Option<Finding>,
) -> Vec<Finding> {
    let pairs = by_device_and_peer(view, keep).into_values();
    let pair = |talks: Vec<Outbound<'a>>| {
        let first = talks.first()?;
        let (local, peer) = (first.local, first.peer);
        let pair = Pair {
            view,
            local,
            peer,
            talks,
        };
        finding(&pair)
    };
    pairs.filter_map(pair).collect()
}

impl Pair<'_, '_> {
    pub(super) fn stake(&self) -> Stake {
        stake(self.view.role(self.local))
    }

    /// What the device is called.
    pub(super) fn name(&self) -> String {
        self.view.name(self.local)
    }

    pub(super) fn reach(&self) -> Reach {
        self.view.reach(self.local, self.peer, None)
    }

    pub(super) fn protocols(&self) -> BTreeSet<&'static str> {
        self.talks.iter().map(|talk| talk.key.protocol).collect()
    }

    /// Payload bytes to the peer and from it.
    pub(super) fn payload(&self) -> [u64; 2] {
        [0, 1].map(|side| self.talks.iter().map(|talk| talk.sum.payload[side]).sum())
    }

    /// A finding about the two, with the first `shown` conversations as proof.
    pub(super) fn draft(&self, record: &'static RuleRecord, reach: &Reach, shown: usize) -> Draft {
        let device = self.view.device(self.local);
        let draft = Draft::about(record, device, self.local.ip, &self.peer.to_string())
            .peer(self.peer, Some(reach))
            .reach(reach);
        let talks = self.talks.iter().take(shown);
        talks.fold(draft, |draft, talk| {
            draft.talk(self.view, (talk.key, talk.sum))
        })
    }
}
