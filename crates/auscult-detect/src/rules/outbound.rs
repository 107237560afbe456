//! Conversations that devices of ours began with the outside: what several rules look at.

use std::collections::BTreeMap;
use std::net::IpAddr;

use auscult_inventory::{Party, is_group};
use auscult_model::{ConversationKey, ConversationSum, Outcome};

use crate::View;

/// One conversation towards the outside.
#[derive(Clone, Copy)]
pub(super) struct Outbound<'a> {
    /// Who began it.
    pub(super) local: Party,
    /// Whom it was meant for.
    pub(super) peer: IpAddr,
    pub(super) key: &'a ConversationKey,
    pub(super) sum: &'a ConversationSum,
    /// Payload or at least packets came back.
    pub(super) answered: bool,
}

/// Those that `keep` takes, by device and peer. Partners, groups and what lives on the own
/// segments are not outside.
pub(super) fn by_device_and_peer<'a>(
    view: &View<'a>,
    keep: impl Fn(&Outbound<'a>) -> bool,
) -> BTreeMap<(String, IpAddr), Vec<Outbound<'a>>> {
    let mut found: BTreeMap<(String, IpAddr), Vec<Outbound<'a>>> = BTreeMap::new();
    for (key, sum) in view.ledger.conversations() {
        let local = Party {
            segment: key.segment,
            ip: key.originator,
            mac: key.originator_mac,
        };
        let outbound = Outbound {
            local,
            peer: key.responder,
            key,
            sum,
            answered: key.outcome == Outcome::Answered,
        };
        if is_outside(view, key.responder, local) && view.is_local(local) && keep(&outbound) {
            let by = (view.who(local), key.responder);
            found.entry(by).or_default().push(outbound);
        }
    }
    found
}

fn is_outside(view: &View<'_>, peer: IpAddr, local: Party) -> bool {
    let inventory = view.inventory;
    !inventory.is_site(peer)
        && !is_group(peer)
        && !peer.is_unspecified()
        && !inventory.squatted().contains(&(local.segment, peer))
        && inventory.options().partner(peer).is_none()
}
