//! What a device is called: its strongest anchor over the whole set of facts.
//!
//! In order: serial number, protocol identity, unshared universal MAC, DHCP client id, segment
//! and locally administered MAC, segment and address, address alone where routers stood between.
//! The names of weaker anchors are aliases. An anchor that two devices have names neither.
//! A bed is where a device stands and an AUTH_SYS machine name is what an image was
//! built with: neither is ever an anchor.

use std::collections::HashMap;

use auscult_model::{MacAddr, Segment};
use foldhash::quality::RandomState;

use crate::claims::{Weighed, best};
use crate::cluster::{Cluster, Node};
use crate::links::Links;
use crate::site::is_link_local;

/// A claim must be at least so sure to name a device.
const SURE_ENOUGH: f32 = 0.6;
/// Identities that protocols give to one unit for good.
const PROTOCOL_IDENTITIES: [&str; 4] = [
    "eui64",
    "device_id",
    "endpoint_reference",
    "bacnet_device_instance",
];

/// Names each device: its id, then its aliases.
pub(crate) fn name_all(
    clusters: &[Cluster],
    claims: &[Vec<Weighed>],
    links: &Links,
) -> Vec<Vec<String>> {
    let mut all: Vec<Vec<String>> = clusters
        .iter()
        .zip(claims)
        .map(|(cluster, claims)| anchors(cluster, claims, links))
        .collect();
    let mut count: HashMap<String, usize, RandomState> = HashMap::default();
    for anchor in all.iter().flatten() {
        *count.entry(anchor.clone()).or_default() += 1;
    }
    for anchors in &mut all {
        let last = anchors.last().cloned();
        anchors.retain(|anchor| count.get(anchor) == Some(&1));
        if anchors.is_empty() {
            anchors.extend(last);
        }
    }
    // What is left alike (a MAC that only a server spoke of, twice) is numbered in order.
    let mut used: HashMap<String, usize, RandomState> = HashMap::default();
    for anchors in &mut all {
        if let Some(id) = anchors.first_mut() {
            let times = used.entry(id.clone()).or_default();
            *times += 1;
            if *times > 1 {
                *id = format!("{id}-{times}");
            }
        }
    }
    all
}

/// All anchors of one device, strongest first; at least one.
fn anchors(cluster: &Cluster, claims: &[Weighed], links: &Links) -> Vec<String> {
    let mut anchors = Vec::new();
    let mut claimed = |attribute: &str, word: &str| {
        let claim = best(claims, &[attribute]).filter(|claim| claim.confidence >= SURE_ENOUGH);
        if let Some(claim) = claim {
            anchors.push(format!("{word}-{}", plain(&claim.value)));
        }
    };
    claimed("serial", "serial");
    for attribute in PROTOCOL_IDENTITIES {
        claimed(attribute, &attribute.replace('_', "-"));
    }
    let cards = cluster
        .macs
        .iter()
        .filter(|mac| mac.is_universal() && !mac.is_virtual_router() && !cluster.shared_mac);
    let cards: Vec<String> = cards.map(|mac| format!("mac-{mac}")).collect();
    let mut client = Vec::new();
    // Most clients use their MAC, which is an anchor already.
    let is_mac = |value: &str| cluster.macs.iter().any(|mac| mac.to_string() == value);
    if let Some(claim) = best(claims, &["dhcp_client_id"]).filter(|c| !is_mac(&c.value)) {
        client.push(format!("dhcp-{}", plain(&claim.value)));
    }
    anchors.extend(cards);
    anchors.extend(client);
    // A MAC that a device made up, or a host gave its guest, tells it from others of its segment.
    let local = |mac: &MacAddr| mac.is_local() && !mac.is_virtual_router() && !cluster.shared_mac;
    let cards = cluster.cards.iter().filter(|(_, mac)| local(mac));
    anchors.extend(cards.map(|(segment, mac)| format!("card-{}-{mac}", segment_word(*segment))));
    let routed = cluster
        .nodes
        .iter()
        .all(|node| matches!(node, Node::Routed(_) | Node::Behind(_) | Node::Mac(_)));
    // An address of the segment alone (link-local) says least.
    let addresses = cluster.addresses.iter();
    let (near, usual): (Vec<_>, Vec<_>) = addresses.partition(|(_, ip)| is_link_local(*ip));
    let mut through = Vec::new();
    for (segment, ip) in usual.into_iter().chain(near) {
        if !routed {
            anchors.push(format!("addr-{}-{ip}", segment_word(segment)));
        }
        // So a capture that sees it through routers alone names it.
        let name = format!("addr-{ip}");
        if (routed || links.is_seen_through_routers(ip)) && !through.contains(&name) {
            through.push(name);
        }
    }
    anchors.extend(through);
    if anchors.is_empty() {
        for (segment, mac) in &cluster.cards {
            anchors.push(format!("mac-{}-{mac}", segment_word(*segment)));
        }
        anchors.extend(cluster.macs.iter().map(|mac| format!("mac-{mac}")));
    }
    anchors.dedup();
    anchors
}

/// `untagged`, `vlan20`, `vlan100.20-vni5001`.
fn segment_word(segment: Segment) -> String {
    let mut word = segment.to_string();
    for kind in ["vlan", "vni", "if"] {
        word = word.replace(&format!("{kind} "), kind);
    }
    word.replace(' ', "-")
}

/// Letters, digits and a few signs; the rest becomes `_`.
fn plain(text: &str) -> String {
    text.chars()
        .take(64)
        .map(|c| {
            if c.is_ascii_alphanumeric() || ".:-".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_in_ids() {
        assert_eq!(segment_word(Segment::UNTAGGED), "untagged");
        assert_eq!(segment_word(Segment::vlan(20)), "vlan20");
        let deep = Segment {
            overlay: 5002,
            outer_vlan: 100,
            inner_vlan: 20,
            interface: 0,
        };
        assert_eq!(segment_word(deep), "vlan100.20-vni5001");
        let apart = Segment {
            interface: 3,
            ..Segment::UNTAGGED
        };
        assert_eq!(segment_word(apart), "untagged-if2");
    }
}
