//! Why cards and addresses are one device, and why others are not: kept while devices are made,
//! and said in words for who wants to check.

use std::borrow::Cow;
use std::net::IpAddr;

use auscult_model::{MacAddr, Segment, report};

use crate::cluster::Cluster;
use crate::links::{Hold, Links};

/// Why one MAC on two segments is one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Joined {
    /// It holds the same address on both.
    Address(IpAddr),
    /// It holds no address on one of them.
    NoAddress,
    /// It was on one after it was on the other.
    Moved,
    /// It goes to and fro, and is hardly on both at a time.
    ToAndFro,
    /// It passes packets on between them.
    Router,
}

/// Why one MAC on two segments is two devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Apart {
    /// A made-up MAC may be made up twice.
    MadeUp,
    /// A virtual router's MAC is on every segment.
    VirtualRouter,
    /// They differ in what a unit has one of, at the same time.
    Attribute(&'static str),
    /// They were there at the same time, with different addresses.
    Together,
}

/// A reason behind a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bond {
    /// Its MAC was seen on two segments, and it is one device.
    Same(Segment, Segment, Joined),
    /// Its MAC was seen on two segments, and the other is another device.
    Other(Segment, Segment, Apart),
    /// Several units answer behind its MAC, and differ in this.
    Units(&'static str),
    /// A lease ties its MAC to the address.
    Lease(MacAddr, IpAddr),
}

impl Bond {
    /// For a report.
    fn told(self) -> report::Bond {
        let (joined, what, because) = match self {
            Bond::Same(a, b, why) => (true, format!("its MAC on {a} and on {b}"), why.words()),
            Bond::Other(a, b, why) => (
                false,
                format!("the same MAC on {a} and on {b}"),
                why.words(),
            ),
            Bond::Units(attribute) => (
                false,
                "other addresses of the same MAC".to_owned(),
                format!("they give another {} at the same time", spoken(attribute)).into(),
            ),
            Bond::Lease(mac, ip) => (
                true,
                format!("{mac} and {ip}"),
                "a DHCP server leased one to the other".into(),
            ),
        };
        report::Bond {
            joined,
            what,
            because,
        }
    }
}

impl Joined {
    fn words(self) -> Cow<'static, str> {
        match self {
            Joined::Address(ip) => format!("it holds {ip} on both").into(),
            Joined::NoAddress => "on one of them it holds no address".into(),
            Joined::Moved => "it was on one only after it was on the other".into(),
            Joined::ToAndFro => "it goes to and fro, and is hardly on both at a time".into(),
            Joined::Router => "it passes packets on between segments".into(),
        }
    }
}

impl Apart {
    fn words(self) -> Cow<'static, str> {
        match self {
            Apart::MadeUp => "a MAC that a device makes up can be made up twice".into(),
            Apart::VirtualRouter => "it is a virtual router's MAC, which several share".into(),
            Apart::Attribute(attribute) => {
                format!("they give another {} at the same time", spoken(attribute)).into()
            }
            Apart::Together => "both were there at the same time, with other addresses".into(),
        }
    }
}

fn spoken(attribute: &str) -> String {
    match attribute {
        "serial" => "serial number".to_owned(),
        other => other.replace('_', " "),
    }
}

/// All reasons behind one device: each address with how it is known to be held, then what joins
/// its parts, then what it was kept apart from.
pub(crate) fn tell(cluster: &Cluster, links: &Links) -> Vec<report::Bond> {
    let held = cluster.addresses.iter().map(|(segment, ip)| {
        let hold = cluster
            .cards
            .iter()
            .filter(|(card, _)| card == segment)
            .find_map(|(_, mac)| Some((mac, links.hold(*segment, *mac, *ip)?)));
        let (what, because) = match hold {
            Some((mac, hold)) => (format!("{ip} and {mac}, {segment}"), hold.words()),
            None if links.is_bare(*segment, *ip) => (
                format!("{ip}, {segment}"),
                "it sent packets on a link without MAC addresses",
            ),
            None => (
                format!("{ip}"),
                "it was seen through routers only: one device by its address alone",
            ),
        };
        report::Bond {
            joined: true,
            what,
            because: because.into(),
        }
    });
    held.take(MOST)
        .chain(cluster.bonds.iter().take(MOST).map(|bond| bond.told()))
        .collect()
}

/// Addresses, and bonds, that are told of one device.
pub(crate) const MOST: usize = 16;
/// Other devices of the same MAC that are told of one: some segments have ever so many.
pub(crate) const MOST_OTHERS: usize = 2;

impl Hold {
    fn words(self) -> &'static str {
        match self {
            Hold::Sent => "it sends from it with a hop limit that no router has lowered",
            Hold::Answered => "it answers for it when asked (ARP, neighbour discovery)",
            Hold::Announced => "it said so itself (ARP, DHCP lease, broadcast)",
        }
    }
}
