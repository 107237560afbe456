//! ARP: who asks for which IPv4 address, and who answers for it.
//!
//! Sources: RFC 826, RFC 5227. Each packet stands for itself; the engine calls [`neighbour`] for
//! every one, so it is a plain function of the decoded header. Limits: Ethernet and IPv4 only;
//! reverse and inverse ARP say nothing.

use std::net::IpAddr;

use auscult_packet::Arp;

use crate::neighbour::Neighbour;
use crate::{Record, Tier};

/// What is known of the protocol.
pub static RECORD: Record = Record {
    name: "arp",
    title: "Address Resolution Protocol",
    tier: Tier::Decoded,
    transports: &[],
    ports: &[],
    weak: false,
    sources: &["RFC 826", "RFC 5227"],
    reads: &["questions, answers, announcements and probes: which station has which address"],
    leaves_out: "Reverse and inverse ARP, other links than Ethernet.",
    attributes: &[],
    bounds: &[],
    false_likely: "none: named by the EtherType",
};

const REQUEST: u16 = 1;
const REPLY: u16 = 2;

/// What an ARP packet says; `None` when it names no station.
pub fn neighbour(arp: &Arp) -> Option<Neighbour> {
    let mac = arp.sender_mac;
    let (sender, target) = (arp.sender_ip, arp.target_ip);
    if mac.is_group() || mac == auscult_model::MacAddr::NONE {
        return None;
    }
    let (ip, wanted) = (IpAddr::V4(sender), IpAddr::V4(target));
    if sender.is_unspecified() {
        // Some stations ask for 0.0.0.0 when they have nothing to ask.
        let asks = arp.operation == REQUEST && !target.is_unspecified();
        return asks.then_some(Neighbour::Probe {
            mac,
            target: wanted,
        });
    }
    match arp.operation {
        REQUEST | REPLY if sender == target => Some(Neighbour::Announcement { mac, ip }),
        REQUEST => Some(Neighbour::Question {
            mac,
            ip,
            target: wanted,
        }),
        REPLY => Some(Neighbour::Answer { mac, ip }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use auscult_model::MacAddr;
    use auscult_packet::{Network, decode};

    use super::*;
    use crate::oracle::{self, Agreement};

    const MAC: MacAddr = MacAddr([0x00, 0x40, 0x9d, 0, 0, 0x60]);
    const NOWHERE: Ipv4Addr = Ipv4Addr::UNSPECIFIED;
    const OWN: Ipv4Addr = Ipv4Addr::new(10, 1, 1, 60);
    const OTHER: Ipv4Addr = Ipv4Addr::new(10, 1, 1, 5);

    fn said(operation: u16, sender_ip: Ipv4Addr, target_ip: Ipv4Addr) -> Option<Neighbour> {
        neighbour(&Arp {
            operation,
            sender_mac: MAC,
            sender_ip,
            target_mac: MacAddr::NONE,
            target_ip,
        })
    }

    #[test]
    fn tells_the_four_apart() {
        let (mac, ip, target) = (MAC, IpAddr::V4(OWN), IpAddr::V4(OTHER));
        let question = Neighbour::Question { mac, ip, target };
        assert_eq!(said(REQUEST, OWN, OTHER), Some(question));
        assert_eq!(
            said(REQUEST, NOWHERE, OTHER),
            Some(Neighbour::Probe { mac, target })
        );
        assert_eq!(said(REPLY, OWN, OTHER), Some(Neighbour::Answer { mac, ip }));
        for operation in [REQUEST, REPLY] {
            let announced = Some(Neighbour::Announcement { mac, ip });
            assert_eq!(said(operation, OWN, OWN), announced);
        }
        assert_eq!(said(REPLY, NOWHERE, OTHER), None);
        assert_eq!(said(3, OWN, OTHER), None);
        assert_eq!(question.holder(), Some((MAC, ip)));
        assert_eq!(Neighbour::Probe { mac, target }.meaning(), None);
    }

    const FIELDS: [&str; 5] = [
        "arp.opcode",
        "arp.src.hw_mac",
        "arp.src.proto_ipv4",
        "arp.dst.hw_mac",
        "arp.dst.proto_ipv4",
    ];

    /// `cargo test -p auscult-protocols agrees_with_tshark -- --ignored --nocapture`
    #[test]
    #[ignore = "asks tshark about every capture, which takes minutes"]
    fn agrees_with_tshark() {
        let mut agreement = Agreement::default();
        for capture in oracle::captures_with("arp") {
            let fields = [&["frame.number", "frame.protocols"][..], &FIELDS].concat();
            let rows = oracle::tshark(&capture, "arp", &fields);
            let frames = oracle::frames(&capture);
            for row in rows {
                let layers = row.one("frame.protocols");
                // ARP inside tunnels, and over radio, is not the packet decoder's business.
                if layers.matches("eth:").count() > 1 || layers.contains("wlan") {
                    continue;
                }
                let number: usize = row.one("frame.number").parse().expect("a number");
                let (link, wire, frame) = &frames[number - 1];
                let network = decode(*link, frame, *wire).network;
                let ours: [Vec<String>; 5] = match network {
                    Network::Arp(arp) => [
                        arp.operation.to_string(),
                        arp.sender_mac.to_string(),
                        arp.sender_ip.to_string(),
                        arp.target_mac.to_string(),
                        arp.target_ip.to_string(),
                    ]
                    .map(|value| vec![value]),
                    _ => Default::default(),
                };
                let place = format!("{}#{number}", oracle::name_of(&capture));
                for (field, ours) in FIELDS.into_iter().zip(ours) {
                    agreement.compare(&place, &row, field, ours);
                }
            }
        }
        agreement.at_least("arp", 0.99);
    }
}
