//! What address space is ours: private ranges, what the user says, what networks say of
//! themselves, and what on-link evidence shows.
//!
//! Sources: RFC 1918 (private), RFC 3927 and RFC 4291 (link-local), RFC 6598 (carrier-grade
//! NAT), RFC 4193 (unique local); factory ranges in `data/factory-ranges.toml`. Documentation
//! ranges count as public. Limit: a public network that nobody declares, no router advertises
//! and fewer than eight hosts use on our segments counts as somebody else's.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::OnceLock;

use auscult_model::{MacAddr, report};
use ipnet::IpNet;
use serde::Deserialize;

use crate::indicators::Indicators;
use crate::ledger::{Described, Ledger};

/// An outside network that is legitimate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Partner {
    /// Its name, as the site calls it.
    pub name: String,
    /// Its networks.
    pub networks: Vec<IpNet>,
    /// How it is reached (`IPsec via 10.0.0.1`), in the site's words.
    pub via: Option<String>,
}

/// What the user says about the site (`--site-net`, `auscult.toml`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SiteOptions {
    /// Networks that are ours.
    pub networks: Vec<IpNet>,
    /// Outside networks that are legitimate.
    pub partners: Vec<Partner>,
    /// Addresses that end at a sinkhole or station of ours though they belong to others.
    pub sinkholes: Vec<IpNet>,
    /// Networks of guests: findings there are for information.
    pub guest_networks: Vec<IpNet>,
    /// Networks of test benches: findings there are for information.
    pub bench_networks: Vec<IpNet>,
    /// ISO 3166-1 code of the country the site is in.
    pub country: Option<String>,
    /// What else is looked for (`--indicators`).
    pub indicators: Indicators,
    /// Devices list all their conversations, not only the largest [`TALKS_TO`](crate::TALKS_TO).
    pub all_lines: bool,
}

impl SiteOptions {
    /// Whether the user declared an address ours.
    pub fn is_declared(&self, ip: IpAddr) -> bool {
        holds(&self.networks, ip)
    }

    /// The partner that holds an address.
    pub fn partner(&self, ip: IpAddr) -> Option<&Partner> {
        self.partners.iter().find(|p| holds(&p.networks, ip))
    }

    /// A declared sinkhole or station.
    pub fn is_sinkhole(&self, ip: IpAddr) -> bool {
        holds(&self.sinkholes, ip)
    }

    /// In a guest network.
    pub fn is_guest(&self, ip: IpAddr) -> bool {
        holds(&self.guest_networks, ip)
    }

    /// In a bench network.
    pub fn is_bench(&self, ip: IpAddr) -> bool {
        holds(&self.bench_networks, ip)
    }

    /// Why findings about these addresses are for information only, where they are.
    pub fn for_information(&self, ips: &[IpAddr]) -> Option<&'static str> {
        let all = |is: &dyn Fn(IpAddr) -> bool| !ips.is_empty() && ips.iter().all(|ip| is(*ip));
        if all(&|ip| self.is_guest(ip)) {
            Some("in a network of guests")
        } else if all(&|ip| self.is_guest(ip) || self.is_bench(ip)) {
            Some("on a test bench")
        } else {
            None
        }
    }
}

fn holds(networks: &[IpNet], ip: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&ip))
}

/// A public range that products use as if it were private.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactoryRange {
    /// The range.
    pub network: IpNet,
    /// Whose products or habits put it on hospital networks.
    pub used_by: Vec<String>,
    /// How sure that is: `confirmed` or `reported`.
    pub default_sure: String,
    /// Who really announces it.
    pub owner: String,
    /// Its autonomous system.
    pub asn: u32,
    /// What else to know.
    pub note: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FactoryRanges {
    range: Vec<FactoryRange>,
}

/// The factory ranges that travel in the binary.
pub fn factory_ranges() -> &'static [FactoryRange] {
    static RANGES: OnceLock<Vec<FactoryRange>> = OnceLock::new();
    RANGES.get_or_init(|| {
        let text = include_str!("../data/factory-ranges.toml");
        toml::from_str::<FactoryRanges>(text).map_or_else(|_| Vec::new(), |ranges| ranges.range)
    })
}

/// The factory range that holds an address.
pub fn factory_range(ip: IpAddr) -> Option<&'static FactoryRange> {
    factory_ranges()
        .iter()
        .find(|range| range.network.contains(&ip))
}

/// Private, link-local, carrier-grade NAT, unique local or loopback: never routed as it is.
pub fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            ip.is_private()
                || ip.is_link_local()
                || ip.is_loopback()
                || (a == 100 && b & 0xc0 == 64)
        }
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_loopback(),
    }
}

/// Valid on one link only.
pub(crate) fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

/// Multicast or the limited broadcast: everybody, nobody in particular.
pub fn is_group(ip: IpAddr) -> bool {
    ip.is_multicast() || ip == IpAddr::V4(Ipv4Addr::BROADCAST)
}

/// Can be somebody: neither a group nor unspecified (`0.0.0.0/8`, `::`).
pub(crate) fn is_somebody(ip: IpAddr) -> bool {
    let nowhere = match ip {
        IpAddr::V4(ip) => ip.octets()[0] == 0,
        IpAddr::V6(ip) => ip == Ipv6Addr::UNSPECIFIED,
    };
    !nowhere && !is_group(ip)
}

/// The network whose use on a segment is counted: the usual size of one segment.
pub(crate) fn usual_network(ip: IpAddr) -> IpNet {
    let length = if ip.is_ipv4() { 24 } else { 64 };
    IpNet::new(ip, length).map_or_else(|_| ip.into(), |network| network.trunc())
}

/// So many hosts with different MACs make a public prefix ours.
const HOSTS_THAT_OWN: usize = 8;

/// What counts as ours, as resolved.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Site {
    /// Public networks that are ours, declared and found, besides the private ranges.
    networks: BTreeSet<IpNet>,
    partners: Vec<String>,
}

impl Site {
    /// From options, what networks said, and which hosts (by MAC) use which public network.
    pub(crate) fn resolve(
        ledger: &Ledger,
        options: &SiteOptions,
        hosts: &BTreeMap<IpNet, BTreeSet<MacAddr>>,
    ) -> Site {
        let mut networks: BTreeSet<IpNet> = options.networks.iter().map(IpNet::trunc).collect();
        let advertised = ledger.networks().keys().filter_map(|(_, part)| match part {
            Described::Prefix(ip, length) => IpNet::new(*ip, *length).ok(),
            Described::Router(_) | Described::NameServer(_) => None,
        });
        let used = hosts
            .iter()
            .filter(|(_, macs)| macs.len() >= HOSTS_THAT_OWN)
            .map(|(network, _)| *network);
        for network in advertised.chain(used) {
            let factory = factory_ranges()
                .iter()
                .any(|range| range.network.contains(&network) || network.contains(&range.network));
            // A prefix of a whole country or more is a default route, not a network, and
            // anybody on the link can announce one.
            let least = if network.addr().is_ipv4() { 12 } else { 40 };
            if !factory && network.prefix_len() >= least && !is_private(network.addr()) {
                networks.insert(network.trunc());
            }
        }
        Site {
            networks,
            partners: options.partners.iter().map(|p| p.name.clone()).collect(),
        }
    }

    /// Whether an address is ours.
    pub fn contains(&self, ip: IpAddr) -> bool {
        is_private(ip) || self.networks.iter().any(|network| network.contains(&ip))
    }

    /// As reports show it.
    pub fn report(&self, squatted: impl Iterator<Item = IpAddr>) -> report::Site {
        let squatted: BTreeSet<IpAddr> = squatted.collect();
        report::Site {
            networks: self.networks.iter().map(ToString::to_string).collect(),
            squatted: squatted.into_iter().collect(),
            partners: self.partners.clone(),
        }
    }
}
