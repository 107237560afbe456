//! Tables of what is learnt about parties.

use crate::*;

#[test]
fn neighbours_of_one_shard() {
    // Whoever knows how packets are spread can aim at one shard.
    let mut wire = Wire::new();
    let mut number = 0;
    while wire.frames < 2048 + 100 {
        number += 1;
        let question = arp::request((card(host(number)), host(number)), host(0));
        let to = MacAddr::BROADCAST;
        let frame = ethernet::frame(to, card(host(number)), &[], ethernet::ARP, &question);
        let key = auscult_packet::dispatch_key(LinkType::ETHERNET, &frame);
        if auscult_packet::shard_of(key, auscult_engine::SHARDS) == 0 {
            wire.frame(&frame);
        }
    }
    let report = wire.report(&Options::default());
    // All sums are sent once; nothing is lost.
    assert_eq!(reached(&report, "neighbours"), 1);
}

#[test]
fn conversations_of_one_shard() {
    // One host that speaks to many services of another: all their flows are in one shard.
    let mut wire = Wire::new();
    for port in 1..=2100 {
        wire.udp((host(1), 40_000), (host(0), port), b"?");
    }
    let report = wire.report(&Options::default());
    assert_eq!(reached(&report, "conversation-sums"), 1);
    let told = report.devices.iter().map(|device| device.talks_to_total);
    assert!(told.sum::<usize>() > 0);
}

#[test]
fn neighbours_in_all() {
    let mut wire = Wire::new();
    for number in 1..=201_000 {
        let question = arp::request((card(host(number)), host(number)), host(0));
        let to = MacAddr::BROADCAST;
        let frame = ethernet::frame(to, card(host(number)), &[], ethernet::ARP, &question);
        wire.frame(&frame);
    }
    let report = wire.report(&Options::default());
    reached(&report, "inventory-neighbours");
}

#[test]
fn files_asked_for_and_files_that_crossed() {
    // Requests for files whose flows never come, all between two hosts; then more files, each
    // between others, than a report lists.
    const FILES: u32 = 10_050;
    let mut wire = Wire::new();
    for number in 0..1200_u16 {
        let asked = format!("\0\u{1}file-{number}\0octet\0");
        wire.udp((host(1), 10_000 + number), (host(0), 69), asked.as_bytes());
    }
    let report = wire.report(&Options::default());
    assert_eq!(reached(&report, "announced-flows"), 1200 - 1024);
    reached(&report, "inventory-objects-of-one-request");
    for number in 0..FILES {
        let (client, server) = ((host(2 + number), 1069), (host(0), 69));
        wire.udp(client, server, b"\0\x01picture\0octet\0");
        let data = format!("\0\u{3}\0\u{1}file {number}");
        wire.udp((host(0), 40_000), client, data.as_bytes());
        wire.udp(client, (host(0), 40_000), b"\0\x04\0\x01");
    }
    let report = wire.report(&Options::default());
    assert_eq!(report.artifacts_total, FILES as usize);
    assert_eq!(reached(&report, "artifacts"), u64::from(FILES) - 10_000);
    assert_eq!(report.artifacts.len(), 10_000);
}

#[test]
fn patients_of_many_pairs() {
    // A message each from so many senders that neither ledger nor detectors have room.
    let mut wire = Wire::new();
    let message = admission("X");
    for number in 1..=50_200 {
        wire.tcp(
            (host(number), 40_000),
            (host(0), 2575),
            (1, 1),
            PUSH,
            &message,
        );
    }
    let report = wire.report(&Options::default());
    assert_eq!(reached(&report, "inventory-patient-data"), 200);
    reached(&report, "facts");
}

#[test]
fn requests_of_many_parties() {
    let mut wire = Wire::new();
    for number in 1..=50_200 {
        wire.udp(
            (host(number), 1069),
            (host(0), 69),
            b"\0\x01picture\0octet\0",
        );
    }
    let report = wire.report(&Options::default());
    assert_eq!(reached(&report, "inventory-requests"), 200);
}

#[test]
fn leases_of_a_crowd() {
    const CROWD: u32 = 101_000;
    let mut wire = Wire::new();
    for number in 1..=CROWD {
        // Each has a server of its own.
        let server = Ipv4Addr::from(0x0ac0_0000 + number);
        let lease = dhcp::Lease {
            ip: host(number),
            prefix: 8,
            router: Ipv4Addr::from(0x0a80_0000 + number),
            dns: server,
            server,
        };
        let client = dhcp::Client {
            host_name: Some(format!("host-{}", letters(number))),
            vendor_class: Some(format!("class-{}", letters(number))),
            ..dhcp::Client::default()
        };
        let card = card(host(number));
        let ask = dhcp::message(dhcp::Kind::Request, number, card, &client, &lease);
        wire.udp((Ipv4Addr::UNSPECIFIED, 68), (Ipv4Addr::BROADCAST, 67), &ask);
        let give = dhcp::message(dhcp::Kind::Ack, number, card, &client, &lease);
        wire.udp((server, 67), (host(number), 68), &give);
    }
    let report = wire.report(&Options::default());
    for name in ["claims", "assignments", "networks", "services"] {
        reached(&report, &format!("inventory-{name}"));
    }
}

#[test]
fn names_of_one_card() {
    let mut wire = Wire::new();
    for number in 0..40 {
        let lease = lease();
        let client = dhcp::Client {
            host_name: Some(format!("host-{}", letters(number))),
            ..dhcp::Client::default()
        };
        let ask = dhcp::message(dhcp::Kind::Request, number, card(host(1)), &client, &lease);
        wire.udp((host(1), 68), (Ipv4Addr::BROADCAST, 67), &ask);
    }
    let report = wire.report(&Options::default());
    assert_eq!(
        reached(&report, "inventory-values-of-one-attribute"),
        40 - 16
    );
}

/// A DNS answer (RFC 1035): one name, these addresses.
pub(crate) fn answer(id: u16, name: &str, addresses: &[Ipv4Addr]) -> Vec<u8> {
    let mut out = Vec::new();
    for word in [id, 0x8180, 1, addresses.len() as u16, 0, 0] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    for label in name.split('.') {
        out.push(label.len() as u8);
        out.extend_from_slice(label.as_bytes());
    }
    out.extend_from_slice(&[0, 0, 1, 0, 1]);
    for address in addresses {
        out.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 0, 0, 4]);
        out.extend_from_slice(&address.octets());
    }
    out
}

#[test]
fn names_without_end() {
    let (client, server) = ((host(1), 40_000), (host(0), 53));
    let mut wire = Wire::new();
    for number in 0..40 {
        let name = format!("{}.example", letters(number));
        wire.udp(
            server,
            client,
            &answer(number as u16, &name, &[Ipv4Addr::new(8, 0, 0, 1)]),
        );
    }
    for number in 0..2100_u32 {
        let addresses: Vec<Ipv4Addr> = (0..50)
            .map(|other| Ipv4Addr::from(0x0900_0000 + number * 50 + other))
            .collect();
        let name = format!("{}.example", letters(number));
        wire.udp(server, client, &answer(number as u16, &name, &addresses));
    }
    let report = wire.report(&Options::default());
    assert_eq!(reached(&report, "inventory-names-of-one-address"), 40 - 16);
    assert_eq!(reached(&report, "inventory-names"), 2100 * 50 + 1 - 100_000);
}

#[test]
fn what_the_report_lists() {
    let scene =
        auscult_lab::generate("leak-through-gateway", 2, &auscult_lab::Options::default()).unwrap();
    let capture = cases::Capture::scene(&scene);
    let usual = capture.report(&Options::default());
    let few = capture.report(&limited(&[
        ("devices-listed", 1),
        ("findings-listed", 1),
        ("inventory-pairs", 1),
    ]));
    reached(&few, "inventory-pairs");
    assert_eq!(
        (few.devices.len(), few.devices_total),
        (1, usual.devices_total)
    );
    assert_eq!(
        reached(&few, "devices-listed"),
        usual.devices_total as u64 - 1
    );
    assert_eq!(few.findings.len(), 1);
    if usual.findings_total > 1 {
        assert_eq!(
            reached(&few, "findings-listed"),
            usual.findings_total as u64 - 1
        );
    }
    assert!(usual.devices_total > 1);
}

#[test]
fn segments_of_a_cooked_capture() {
    // Linux cooked frames (LINKTYPE 113) of one pair in 70 VLANs.
    let mut wire = Wire::new();
    wire.bytes[20..24].copy_from_slice(&113_u32.to_le_bytes());
    let header = ip::Header {
        from: host(1),
        to: host(0),
        ttl: 64,
        id: 1,
        dont_fragment: false,
        protocol: ip::UDP,
    };
    let packet = header.whole(&udp::datagram((host(1), 1024), (host(0), 9), b"?"));
    for vlan in 1..=70_u16 {
        let mut frame = vec![0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0x81, 0];
        frame.extend(vlan.to_be_bytes());
        frame.extend([8, 0]);
        frame.extend(&packet);
        wire.frame(&frame);
    }
    let report = wire.report(&Options::default());
    assert_eq!(reached(&report, "cooked-segments"), 70 - 64);
}

#[test]
fn small_bounds_of_every_table() {
    // Whatever a ward says is more than one row.
    let ward = auscult_lab::generate("ward", 5, &auscult_lab::Options::default()).unwrap();
    let capture = cases::Capture::scene(&ward);
    let tables = auscult_engine::bounds();
    let names: Vec<&str> = tables
        .iter()
        .filter(|bound| bound.kind == auscult_model::BoundKind::WithMemory)
        .map(|bound| bound.name)
        .filter(|name| name.starts_with("inventory-") || *name == "facts")
        .collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        reached(&capture.report(&limited(&[(name, 1)])), name);
    }
}
