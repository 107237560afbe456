//! Multicast DNS against Wireshark and against what real machines announce.

use super::*;
use crate::dns::tests::compare_with_tshark;
use crate::drive::{Piece, drive, without_places};
use crate::oracle;

/// What machines of others announced: a camera, a plug, a light, a small computer, a printer of
/// avahi.
#[test]
fn real_machines() {
    oracle::golden(
        &Mdns,
        "mdns && !icmp",
        &[
            (
                "captures/iot-sentinel/EdimaxCam1__Setup-A-4-STA.pcap",
                &[
                    "localcam.local at 10.10.10.51",
                    "mdns_instance = [74:da:38:80:7a:08]",
                    "mdns_name = localcam",
                    "mdns_service = _http._tcp",
                ],
            ),
            (
                "captures/iot-sentinel/Lightify__Setup-C-13-STA.pcap",
                &[
                    "lightify-017b5f6b.local at 10.10.10.114",
                    "mdns_instance = Lightify-017b5f6b",
                    "mdns_name = Lightify-017b5f6b",
                    "mdns_service = _http._tcp",
                ],
            ),
            (
                "captures/malware/slips__test7-malicious.pcap.gz",
                &[
                    "black-pearl.local at 192.168.2.16",
                    "black-pearl.local at 192.168.2.16 fe80::ba27:ebff:fec7:e9c9",
                    "black-pearl.local at fe80::ba27:ebff:fec7:e9c9",
                    "black-pearl.local at fe80::ba27:ebff:fec7:e9c9 192.168.2.16",
                    "cpu = ARMV6L",
                    "mdns_instance = black-pearl [b8:27:eb:c7:e9:c9]",
                    "mdns_name = black-pearl",
                    "mdns_service = _workstation._tcp",
                    "os = Linux",
                ],
            ),
            (
                "cases/it-noise.pcap",
                &[
                    "cpu = X86_64",
                    "drucker2.local at 10.44.50.20",
                    "drucker2.local at 10.44.50.20 fe80::221:b7ff:fe44:5020",
                    "drucker2.local at fe80::221:b7ff:fe44:5020 10.44.50.20",
                    "mdns_instance = Papyrus LaserJet 9",
                    "mdns_name = drucker2",
                    "mdns_service = _ipp._tcp",
                    "mdns_service = _pdl-datastream._tcp",
                    "model = Papyrus LaserJet 9",
                    "os = Linux",
                    "vendor = Papyrus",
                ],
            ),
        ],
    );
}

/// A response with an address of each host, and what its sender is then believed.
fn response(hosts: &[&str], ttl: u8) -> Vec<u8> {
    let mut bytes = vec![0, 0, 0x84, 0, 0, 0, 0, hosts.len() as u8, 0, 0, 0, 0];
    for host in hosts {
        bytes.push(host.len() as u8);
        bytes.extend_from_slice(host.as_bytes());
        bytes.extend_from_slice(b"\x05local\0\0\x01\x80\x01\0\0\0");
        bytes.extend_from_slice(&[ttl, 0, 4, 10, 1, 1, 7]);
    }
    bytes
}

#[test]
fn a_reflector_is_not_what_it_passes_on() {
    let [one, other, both] = [&["bed7"][..], &["bed8"], &["bed7", "bed8"]].map(|h| response(h, 9));
    let start = Start {
        transport: Transport::Udp,
        from_start: true,
        ports: [5353, 5353],
    };
    let run = |datagrams: &[&Vec<u8>]| {
        let pieces: Vec<_> = datagrams
            .iter()
            .map(|bytes| Piece::Bytes(Direction::FromOriginator, bytes))
            .collect();
        without_places(&drive(&Mdns, &start, &pieces).said)
    };
    let own =
        r#"FromOriginator 1.00 Claim { about: Sender, attribute: "mdns_name", value: "bed7" } {}"#;
    assert_eq!(run(&[&one, &one])[0], own);
    assert_eq!(run(&[&one, &one]).len(), 2);
    assert!(run(&[&one, &other])[2].contains("0.50"));
    // The addresses hold all the same.
    assert!(
        run(&[&both])
            .iter()
            .all(|line| line.contains("NameAnswered"))
    );
    assert_eq!(run(&[&both]).len(), 2);
    assert_eq!(run(&[&response(&["bed7"], 0)]), [""; 0], "a farewell");
}

#[test]
fn probe_of_forms_that_dns_has_not() {
    let bytes = response(&["bed7"], 9);
    assert_eq!(crate::dns::probe_message(&bytes), Probe::No);
    assert_eq!(probe_message(&bytes), Probe::Certain);
    let name_ends = 12 + 5 + 7 + 4;
    for end in 0..name_ends {
        assert_eq!(probe_message(&bytes[..end]), Probe::Maybe, "{end}");
    }
    for (at, value) in [
        (1, 1),
        (2, 0x85),
        (3, 3),
        (6, 2),
        (12, 0x80),
        (24, 3),
        (27, 3),
    ] {
        let mut other = bytes.clone();
        other[at] = value;
        assert!(probe_message(&other) < Probe::Certain, "{at}");
    }
    assert_eq!(probe_message(&[0; 64]), Probe::No);
}

/// `cargo test -p auscult-protocols agrees_with_tshark -- --ignored --nocapture`
#[test]
#[ignore = "asks tshark about every capture, which takes minutes"]
fn agrees_with_tshark() {
    let more = [
        "dns.resp.cache_flush",
        "dns.qry.qu",
        "dns.txt",
        "dns.hinfo.cpu",
        "dns.hinfo.os",
    ];
    compare_with_tshark("mdns", &more, probe_message).at_least("mdns", 0.99);
}
