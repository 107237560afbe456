//! Tunnels: flows that carry other packets, which are read as if they came without.
//!
//! What opens them is in `auscult_packet`'s `tunnel.rs`; here are their names and what is known of
//! each. Headers must fit in every fixed bit, so a port alone names none of them.

use auscult_model::Transport;

use crate::{Record, Tier};

/// A record; what all tunnels have in common is in `false_likely`.
const fn tunnel(
    name: &'static str,
    title: &'static str,
    (transports, ports): (&'static [Transport], &'static [u16]),
    sources: &'static [&'static str],
    (reads, leaves_out): (&'static [&'static str], &'static str),
) -> Record {
    Record {
        name,
        title,
        tier: Tier::Decoded,
        transports,
        ports,
        weak: false,
        sources,
        reads,
        leaves_out,
        attributes: &[],
        bounds: &[],
        false_likely: "none: protocol number or port, and every fixed bit of the headers",
    }
}

const OVER_UDP: &[Transport] = &[Transport::Udp];

/// CAPWAP.
pub static CAPWAP: Record = tunnel(
    "capwap",
    "CAPWAP, between access points and their controller",
    (OVER_UDP, &[5246, 5247]),
    &["RFC 5415", "RFC 5416"],
    (
        &["frames of Ethernet and wireless LAN, also in the order of bytes of older controllers"],
        "What the control channel says; frames cut by CAPWAP itself but for their first piece; \
         DTLS, which is counted.",
    ),
);
/// Geneve.
pub static GENEVE: Record = tunnel(
    "geneve",
    "Generic Network Virtualization Encapsulation",
    (OVER_UDP, &[6081]),
    &["RFC 8926"],
    (
        &["frames and packets; the network identifier as part of the segment"],
        "Options.",
    ),
);
/// GRE and all that is built on it.
pub static GRE: Record = tunnel(
    "gre",
    "Generic Routing Encapsulation, with ERSPAN, NVGRE, PPTP and WCCP",
    (&[Transport::Other(47)], &[]),
    &[
        "RFC 2784",
        "RFC 2890",
        "RFC 7637",
        "RFC 2637",
        "draft-foschiano-erspan-03",
    ],
    (
        &[
            "packets, frames, MPLS, PPP; mirrored frames of ERSPAN I to III; NVGRE's subnet as \
             part of the segment",
        ],
        "Routing of RFC 1701; compressed or encrypted PPP.",
    ),
);
/// User data of mobile networks.
pub static GTP_U: Record = tunnel(
    "gtp-u",
    "GTP user data, of mobile networks",
    (OVER_UDP, &[2152]),
    &["3GPP TS 29.281"],
    (
        &["packets behind extension headers"],
        "The control plane; frames of Ethernet sessions.",
    ),
);
/// Packets straight in IP.
pub static IP_IN_IP: Record = tunnel(
    "ip-in-ip",
    "Packets straight in IP: IPv4, IPv6, MPLS, EtherIP",
    (
        &[
            Transport::Other(4),
            Transport::Other(41),
            Transport::Other(97),
            Transport::Other(137),
        ],
        &[],
    ),
    &["RFC 2003", "RFC 4213", "RFC 2473", "RFC 3378", "RFC 4023"],
    (
        &["packets and frames"],
        "Minimal encapsulation (RFC 2004), L2TP.",
    ),
);
/// IPv6 through translators of addresses.
pub static TEREDO: Record = tunnel(
    "teredo",
    "Teredo: IPv6 through address translation",
    (OVER_UDP, &[3544]),
    &["RFC 4380"],
    (
        &["IPv6 packets to and from servers and relays at the registered port"],
        "Peers that speak to each other at other ports.",
    ),
);
/// What sniffers send on.
pub static TZSP: Record = tunnel(
    "tzsp",
    "TaZmen Sniffer Protocol",
    (OVER_UDP, &[37008]),
    &["the dissectors of Wireshark and tcpdump (layout)"],
    (
        &["frames of Ethernet and wireless LAN"],
        "What the sniffer notes of a frame; other link types.",
    ),
);
/// VXLAN.
pub static VXLAN: Record = tunnel(
    "vxlan",
    "Virtual eXtensible Local Area Network",
    (OVER_UDP, &[4789, 8472, 4790]),
    &["RFC 7348", "draft-ietf-nvo3-vxlan-gpe"],
    (
        &[
            "frames, also with group policies; packets of VXLAN-GPE; the network identifier as \
             part of the segment",
        ],
        "Other ports than the registered ones and Linux's older one; headers of service chains.",
    ),
);
