//! ICMP and ICMPv6: what could not be delivered, who the neighbours and the routers are.
//!
//! Sources: RFC 792, RFC 1122 §3.2.2.1, RFC 1812 §5.2.7.1 (codes), RFC 4443, RFC 4861, RFC 3810.
//! Each packet stands for itself; the engine calls [`said`] for every one, so it is a plain
//! function of the decoded headers. Limits: those of the packet decoder (4 prefixes, 16 options).

use std::net::IpAddr;

use auscult_model::{About, MacAddr, Meaning};
use auscult_packet::{Layers, NeighbourDiscovery, NeighbourMessage, Quoted, Transport};

use crate::igmp::{self, Membership};
use crate::neighbour::Neighbour;
use crate::{Record, Tier};

mod mld;

/// What is known of ICMP for IPv4.
pub static RECORD: Record = Record {
    name: "icmp",
    title: "Internet Control Message Protocol",
    tier: Tier::Decoded,
    transports: &[auscult_model::Transport::Icmp],
    ports: &[],
    weak: false,
    sources: &["RFC 792", "RFC 1122", "RFC 1812", "CISA ICSA-20-168-01"],
    reads: &[
        "errors: why which flow was not delivered",
        "message types by name",
        "the question (type 165) that one network stack alone answers (type 166), that of Treck",
    ],
    leaves_out: "Redirects, router discovery (RFC 1256), what echo messages carry.",
    attributes: &[(
        "network_stack",
        "the network stack by what it alone answers",
    )],
    bounds: &[],
    false_likely: "none: named by the IP header",
};

/// What is known of ICMP for IPv6.
pub static RECORD_V6: Record = Record {
    name: "icmpv6",
    title: "Internet Control Message Protocol for IPv6, with neighbour discovery",
    tier: Tier::Decoded,
    transports: &[auscult_model::Transport::Icmpv6],
    ports: &[],
    weak: false,
    sources: &["RFC 4443", "RFC 4861", "RFC 4862", "RFC 2710", "RFC 3810"],
    reads: &[
        "errors: why which flow was not delivered",
        "neighbour discovery: which station has which address",
        "router advertisements: routers and prefixes on the link",
        "multicast listener discovery: which groups a host joins and leaves, who asks",
    ],
    leaves_out: "Redirects, name servers in advertisements, secure neighbour discovery.",
    attributes: igmp::ATTRIBUTES,
    bounds: &[],
    false_likely: "none: named by the IP header",
};

/// What somebody does who asks which stack it is.
pub const STACK_ASKED: &str = "stack-asked";

/// What one message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// Address resolution.
    Neighbour(Neighbour),
    /// A router said that it is there.
    Router {
        /// Its address.
        ip: IpAddr,
        /// Its link-layer address.
        mac: Option<MacAddr>,
        /// The advertisement.
        advertised: NeighbourDiscovery,
    },
    /// A host listens to groups, or a router asks for such hosts.
    Listener(Membership),
    /// Somebody asks whether the stack is Treck's.
    StackAsked,
    /// The stack is Treck's: no other answers that question.
    StackAnswered,
    /// A packet was not delivered.
    Error {
        /// Who says so.
        by: IpAddr,
        /// In words.
        why: &'static str,
        /// Somebody or something said no, as opposed to losses on the way.
        refused: bool,
        /// The packet, as far as it is quoted.
        quoted: Quoted,
    },
}

impl Said {
    /// The statements for the inventory, one a prefix.
    pub fn meanings(&self) -> Vec<Meaning> {
        match self {
            Said::Neighbour(neighbour) => neighbour.meaning().into_iter().collect(),
            Said::Router { ip, advertised, .. } => {
                let routers = if advertised.router {
                    vec![*ip]
                } else {
                    Vec::new()
                };
                let describe = |prefix| Meaning::NetworkDescribed {
                    prefix,
                    routers: routers.clone(),
                    name_servers: Vec::new(),
                };
                let prefixes = advertised.on_link();
                if prefixes.is_empty() && advertised.router {
                    return vec![describe(None)];
                }
                let prefix = |&(ip, length)| Some((IpAddr::V6(ip), length));
                prefixes.iter().map(prefix).map(describe).collect()
            }
            Said::StackAsked => vec![Meaning::Request {
                operation: STACK_ASKED,
                object: "Treck".to_owned(),
                granted: None,
            }],
            Said::StackAnswered => vec![Meaning::Claim {
                about: About::Sender,
                attribute: "network_stack",
                value: "Treck".to_owned(),
            }],
            Said::Listener(_) | Said::Error { .. } => Vec::new(),
        }
    }
}

/// What an ICMP or ICMPv6 packet says; `None` when nothing that matters here. `frame` is the
/// frame that was decoded into `layers`.
pub fn said(layers: &Layers, frame: &[u8]) -> Option<Said> {
    if let Some(quoted) = layers.quoted(frame) {
        let (why, refused) = match layers.transport {
            Transport::Icmp(icmp) => error_v4(icmp.kind, icmp.code),
            Transport::Icmpv6(icmp) => error_v6(icmp.kind, icmp.code),
            _ => return None,
        };
        return Some(Said::Error {
            by: layers.src,
            why,
            refused,
            quoted,
        });
    }
    match layers.transport {
        Transport::Icmp(icmp) if (icmp.kind, icmp.code) == (165, 0) => {
            return Some(Said::StackAsked);
        }
        Transport::Icmp(icmp) if (icmp.kind, icmp.code) == (166, 0) => {
            return Some(Said::StackAnswered);
        }
        _ => {}
    }
    if let Some(listener) = mld::read(layers, frame) {
        return Some(Said::Listener(listener));
    }
    let advertised = layers.neighbour_discovery(frame)?;
    let mac = advertised.link_address.or(layers.src_mac);
    if advertised.kind == NeighbourMessage::RouterAdvertisement {
        return Some(Said::Router {
            ip: layers.src,
            mac,
            advertised,
        });
    }
    discovery(layers, &advertised, mac?).map(Said::Neighbour)
}

fn discovery(layers: &Layers, said: &NeighbourDiscovery, mac: MacAddr) -> Option<Neighbour> {
    let target = IpAddr::V6(said.target);
    if mac.is_group() || mac == MacAddr::NONE {
        return None;
    }
    match said.kind {
        NeighbourMessage::NeighbourSolicitation if layers.src.is_unspecified() => {
            Some(Neighbour::Probe { mac, target })
        }
        NeighbourMessage::NeighbourSolicitation => Some(Neighbour::Question {
            mac,
            ip: layers.src,
            target,
        }),
        NeighbourMessage::NeighbourAdvertisement if layers.dst.is_multicast() => {
            Some(Neighbour::Announcement { mac, ip: target })
        }
        NeighbourMessage::NeighbourAdvertisement => Some(Neighbour::Answer { mac, ip: target }),
        NeighbourMessage::RouterSolicitation if layers.src.is_unspecified() => None,
        NeighbourMessage::RouterSolicitation => Some(Neighbour::Announcement {
            mac,
            ip: layers.src,
        }),
        NeighbourMessage::RouterAdvertisement => None,
    }
}

/// An error of ICMP in words, and whether it is a refusal.
pub fn error_v4(kind: u8, code: u8) -> (&'static str, bool) {
    match (kind, code) {
        (3, 0) => ("network unreachable", true),
        (3, 1) => ("host unreachable", true),
        (3, 2) => ("protocol unreachable", true),
        (3, 3) => ("port unreachable", true),
        (3, 4) => ("fragmentation needed", false),
        (3, 5) => ("source route failed", false),
        (3, 6) => ("network unknown", true),
        (3, 7) => ("host unknown", true),
        (3, 8) => ("source host isolated", true),
        (3, 9) => ("network prohibited", true),
        (3, 10) => ("host prohibited", true),
        (3, 11) => ("network unreachable for this service", true),
        (3, 12) => ("host unreachable for this service", true),
        (3, 13) => ("prohibited by a filter", true),
        (3, 14) => ("host precedence violation", true),
        (3, 15) => ("precedence cut-off", true),
        (3, _) => ("destination unreachable", true),
        (4, _) => ("source quench", false),
        (5, _) => ("redirect", false),
        (11, 0) => ("time to live exceeded", false),
        (11, 1) => ("reassembly time exceeded", false),
        (11, _) => ("time exceeded", false),
        (12, _) => ("parameter problem", false),
        _ => ("error", false),
    }
}

/// An error of ICMPv6 in words, and whether it is a refusal.
pub fn error_v6(kind: u8, code: u8) -> (&'static str, bool) {
    match (kind, code) {
        (1, 0) => ("no route", true),
        (1, 1) => ("prohibited by a filter", true),
        (1, 2) => ("beyond scope of source address", true),
        (1, 3) => ("address unreachable", true),
        (1, 4) => ("port unreachable", true),
        (1, 5) => ("source address failed policy", true),
        (1, 6) => ("route rejected", true),
        (1, _) => ("destination unreachable", true),
        (2, _) => ("packet too big", false),
        (3, 0) => ("hop limit exceeded", false),
        (3, 1) => ("reassembly time exceeded", false),
        (3, _) => ("time exceeded", false),
        (4, _) => ("parameter problem", false),
        _ => ("error", false),
    }
}

/// The message type by name, for flows and views; `None` when it is none of the usual.
pub fn type_name(transport: &Transport) -> Option<&'static str> {
    let name = match transport {
        Transport::Icmp(icmp) => match icmp.kind {
            0 => "echo reply",
            8 => "echo",
            9 => "router advertisement",
            10 => "router solicitation",
            13 => "timestamp",
            14 => "timestamp reply",
            17 => "address mask request",
            18 => "address mask reply",
            165 => "question for the Treck stack",
            166 => "answer of the Treck stack",
            3 | 4 | 5 | 11 | 12 => error_v4(icmp.kind, icmp.code).0,
            _ => return None,
        },
        Transport::Icmpv6(icmp) => match icmp.kind {
            128 => "echo",
            129 => "echo reply",
            130 => "multicast listener query",
            131 | 143 => "multicast listener report",
            132 => "multicast listener done",
            133 => "router solicitation",
            134 => "router advertisement",
            135 => "neighbour solicitation",
            136 => "neighbour advertisement",
            137 => "redirect",
            1..=4 => error_v6(icmp.kind, icmp.code).0,
            _ => return None,
        },
        _ => return None,
    };
    Some(name)
}

#[cfg(test)]
mod tests;
