//! Conversations with the outside by device and peer: what several rules look at.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::View;
pub(super) use crate::view::Outbound;

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
