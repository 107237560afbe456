//! DHCPv6 against Wireshark, and messages of each form.

use super::message::option as option_code;
use super::*;
use crate::drive::{Piece, drive, without_places};
use crate::oracle::{self, Agreement};

fn option(code: u16, data: &[u8]) -> Vec<u8> {
    [
        &code.to_be_bytes()[..],
        &(data.len() as u16).to_be_bytes(),
        data,
    ]
    .concat()
}

/// Prefixes given to routers.
const IA_PD: u16 = 25;
const DUID: &[u8] = &[0, 3, 0, 1, 2, 0, 0, 0, 0x30, 7];

fn solicit() -> Vec<u8> {
    [
        &[1, 1, 2, 3][..],
        &option(8, &[0, 0]),
        &option(1, DUID),
        &option(39, b"\0\x04bed7\x04ward"),
        &option(16, b"\0\0\x01\x37\0\x08MSFT 5.0"),
        &option(6, &[0, 23, 0, 24]),
    ]
    .concat()
}

fn reply(valid: u8) -> Vec<u8> {
    let address = [
        &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7][..],
        &[0; 7],
        &[valid],
    ];
    let association = [&[0; 12][..], &option(5, &address.concat())].concat();
    [
        &[7, 1, 2, 3][..],
        &option(1, DUID),
        &option(2, &[0, 2, 0, 0, 0, 9, 1, 2]),
        &option(3, &association),
        &option(23, &[&[0xfe, 0x80][..], &[0; 13], &[1]].concat()),
    ]
    .concat()
}

fn run(bytes: &[u8]) -> Vec<String> {
    let start = Start {
        transport: Transport::Udp,
        from_start: true,
        ports: [547, 546],
    };
    without_places(
        &drive(
            &Dhcpv6,
            &start,
            &[Piece::Bytes(Direction::FromOriginator, bytes)],
        )
        .said,
    )
}

#[test]
fn clients_name_themselves_and_servers_assign() {
    let claims = [
        "dhcp_duid = 0003000102000000 3007",
        "dhcp_enterprise = 311",
        "dhcp_vendor_class = MSFT 5.0",
        "dhcpv6_parameters = 23,24",
        "fqdn = bed7.ward",
    ]
    .map(|line| line.replace("00 30", "0030"));
    assert_eq!(
        oracle::claims_of(&Dhcpv6, [546, 547], &[&solicit()]),
        claims
    );
    let said = run(&reply(60));
    assert!(
        said[0].contains("ServiceOffered") && said[0].contains("547"),
        "{said:?}"
    );
    assert!(
        said[1].contains("2001:db8::7") && said[1].contains("Leased"),
        "{said:?}"
    );
    assert!(said[2].contains("fe80::1"), "{said:?}");
    assert!(run(&reply(0)).iter().all(|line| !line.contains("Leased")));
}

#[test]
fn relayed_clients_are_known_by_their_card() {
    let mut relayed = vec![12, 0];
    relayed.extend([0; 32]);
    relayed.extend(option(79, &[0, 1, 2, 0, 0, 0, 0x30, 8]));
    relayed.extend(option(9, &solicit()));
    let said = run(&relayed);
    assert!(
        said.iter().all(|line| line.contains("ClaimByMac")),
        "{said:?}"
    );
    assert_eq!(said.len(), 5);
    assert_eq!(message::probe(&relayed), Probe::Certain);
    // Relays in a row without an end.
    let mut deep = solicit();
    for _ in 0..40 {
        deep = [&[12, 0][..], &[0; 32], &option(9, &deep)].concat();
    }
    assert_eq!(run(&deep), [""; 0]);
    assert_eq!(message::probe(&deep), Probe::No);
}

#[test]
fn near_misses() {
    let bytes = solicit();
    for end in 0..bytes.len() {
        let wanted = if end < 4 + 6 + 4 + DUID.len() {
            Probe::Maybe
        } else {
            Probe::Certain
        };
        assert_eq!(message::probe(&bytes[..end]), wanted, "{end}");
    }
    // Type, code, length, kind of identifier.
    for (at, other) in [(0, 14), (4, 1), (6, 9), (14, 1), (15, 7)] {
        let mut near = bytes.clone();
        near[at] = other;
        assert_eq!(message::probe(&near), Probe::No, "{at}");
    }
}

/// Machines of others: Windows, a router.
#[test]
fn real_clients() {
    oracle::golden(
        &Dhcpv6,
        "dhcpv6 && udp && !icmpv6",
        &[
            (
                "captures/ics/addroute.pcapng",
                &[
                    "dhcp_duid = 000100011e718f3400215cc305be",
                    "dhcp_enterprise = 311",
                    "dhcp_vendor_class = MSFT 5.0",
                    "dhcpv6_parameters = 24,23,17,39",
                    "fqdn = ShenhuaJ6-PC",
                ],
            ),
            (
                "captures/zeek/pppoe.pcap",
                &[
                    "dhcp_duid = 00030001cc050e880000",
                    "dhcpv6_parameters = 25,23,24",
                ],
            ),
        ],
    );
}

const FIELDS: [&str; 6] = [
    "dhcpv6.msgtype",
    "dhcpv6.option.type",
    "dhcpv6.iaaddr.ip",
    "dhcpv6.client_domain",
    "dhcpv6.requested_option_code",
    "dhcpv6.dns_server",
];

fn field_of(message: &Message<'_>, field: &str) -> Vec<String> {
    let pairs = |data: &[u8]| -> Vec<String> {
        let pairs = data.chunks_exact(2);
        pairs
            .map(|pair| u16::from_be_bytes([pair[0], pair[1]]).to_string())
            .collect()
    };
    match field {
        "dhcpv6.msgtype" => vec![message.kind.to_string()],
        "dhcpv6.option.type" => {
            // Options inside options stand behind them.
            let inner = |code: u16, data: &[u8]| -> Vec<u16> {
                let at = match code {
                    option_code::IA_NA | IA_PD => 12,
                    _ => data.len(),
                };
                message::iter(data.get(at..).unwrap_or_default())
                    .map(|(code, _)| code)
                    .collect()
            };
            message::iter(message.options)
                .flat_map(|(code, data)| std::iter::once(code).chain(inner(code, data)))
                .map(|code| code.to_string())
                .collect()
        }
        "dhcpv6.iaaddr.ip" => message.addresses().map(|ip| ip.to_string()).collect(),
        "dhcpv6.client_domain" => Some(fqdn(message.get(option_code::CLIENT_FQDN)))
            .filter(|name| !name.is_empty())
            .into_iter()
            .collect(),
        "dhcpv6.requested_option_code" => pairs(message.get(option_code::REQUEST)),
        "dhcpv6.dns_server" => message
            .name_servers()
            .iter()
            .map(ToString::to_string)
            .collect(),
        _ => Vec::new(),
    }
}

/// `cargo test -p auscult-protocols agrees_with_tshark -- --ignored --nocapture`
#[test]
#[ignore = "asks tshark about every capture, which takes minutes"]
fn agrees_with_tshark() {
    let mut agreement = Agreement::default();
    let mut probed = [0u32; 2];
    for capture in oracle::captures_with("dhcpv6") {
        let fields = [&["frame.number", "udp.payload"][..], &FIELDS].concat();
        for row in oracle::tshark(&capture, "dhcpv6 && udp && !icmpv6", &fields) {
            let payload = row.bytes("udp.payload");
            let place = format!("{}#{}", oracle::name_of(&capture), row.one("frame.number"));
            let Some(message) = Message::read(&payload) else {
                panic!("{place} is not read");
            };
            for field in FIELDS {
                agreement.compare(&place, &row, field, field_of(&message, field));
            }
            let is_certain = message::probe(&payload) == Probe::Certain;
            probed[0] += 1;
            probed[1] += u32::from(is_certain);
            if !is_certain {
                println!("not certain: {place}");
            }
        }
        let said = oracle::read_datagrams(&Dhcpv6, &capture, "dhcpv6 && udp && !icmpv6");
        println!(
            "{}: {:#?}",
            oracle::name_of(&capture),
            oracle::claimed(&said)
        );
    }
    println!("probe: {} of {} messages certain", probed[1], probed[0]);
    agreement.at_least("dhcpv6", 0.99);
}
