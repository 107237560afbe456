//! What routers that share addresses say of their group: one form for HSRP, VRRP and CARP.

use std::net::IpAddr;

use auscult_model::{Attribute, Meaning};

use crate::{Output, Place};

/// Says that the sender belongs to a group of a kind (`hsrp 7`), with declared attributes, and
/// which addresses the group shares, where it tells.
pub(crate) fn say(
    out: &mut Output<'_>,
    place: Place,
    (kind, group): (&str, u16),
    attributes: Vec<Attribute>,
    routers: Vec<IpAddr>,
) {
    let group = group.to_string();
    if let Some(said) = out.claim(place, "router_group", format!("{kind} {group}")) {
        said.with("group", group.clone());
        said.attributes.extend(attributes);
    }
    if !routers.is_empty() {
        let described = Meaning::NetworkDescribed {
            prefix: None,
            routers,
            name_servers: Vec::new(),
        };
        out.say(place, described).with("group", group);
    }
}
