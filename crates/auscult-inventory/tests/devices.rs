//! Which addresses and cards are one device, what it is, and what it is called.

mod ward;

use auscult_inventory::{Inventory, SiteOptions};
use auscult_model::report::{Isolation, Role, Where};
use auscult_model::{About, Assignment, Direction, Leg, Meaning, PhiKind, Segment};
use ward::*;

const HERE: Segment = Segment::UNTAGGED;

/// A monitor that sends to the public address through the gateway.
fn leak() -> Vec<Fact> {
    let monitor = side(MONITOR, "10.20.3.14", 64);
    let mut facts = monitor_stream(HERE, monitor, side(GATEWAY, CMS, 49), "ICU-7");
    facts.push(asks(HERE, MONITOR, "10.20.3.14", "10.20.3.1", 1));
    facts.push(answers(HERE, GATEWAY, "10.20.3.1", MONITOR, "10.20.3.14"));
    facts
}

/// A monitor and a station that lives at the public address on the same link.
fn on_link(segment: Segment, monitor: &str, station: &str) -> Vec<Fact> {
    let (from, to) = (side(monitor, "202.114.4.20", 64), side(station, CMS, 64));
    let mut facts = monitor_stream(segment, from, to, "7");
    facts.push(asks(segment, monitor, "202.114.4.20", CMS, 1));
    facts.push(answers(segment, station, CMS, monitor, "202.114.4.20"));
    facts
}

#[test]
fn a_gateway_is_not_the_address_behind_it() {
    let inventory = resolve(&leak());
    assert_eq!(
        inventory.devices.len(),
        2,
        "monitor and gateway: {:#?}",
        inventory.devices
    );
    let monitor = device(&inventory, HERE, "10.20.3.14");
    assert_eq!(monitor.id, "mac-00:0c:c6:11:22:33");
    assert_eq!(monitor.aliases, ["addr-untagged-10.20.3.14"]);
    assert_eq!(monitor.role, Role::PatientMonitor);
    assert_eq!(monitor.signature.as_deref(), Some("contec-cms8000"));
    assert_eq!(monitor.labelled_as.as_deref(), Some("EPSIMED MN-120"));
    assert_eq!(monitor.vendor.as_deref(), Some("CONTEC"));
    assert_eq!(monitor.bed.as_deref(), Some("ICU-7"));
    assert_eq!(monitor.confidence, 0.9);
    assert_eq!(monitor.isolation, Isolation::ReachesOutside);
    assert_eq!(monitor.patient_data, [PhiKind::Name, PhiKind::VitalSigns]);
    assert!(monitor.inside);
    let gateway = device(&inventory, HERE, "10.20.3.1");
    assert_eq!(gateway.role, Role::NetworkDevice);
    assert_eq!(gateway.ips, [ip("10.20.3.1")]);
    assert!(inventory.is_router(HERE, mac(GATEWAY)));
    assert!(!inventory.is_router(HERE, mac(MONITOR)));
    assert!(
        inventory.device_at(HERE, ip(CMS)).is_none(),
        "a peer outside is no device"
    );
    assert!(inventory.squatted().is_empty());
}

#[test]
fn a_station_on_the_link_squats() {
    let inventory = resolve(&on_link(HERE, MONITOR, STATION));
    let station = device(&inventory, HERE, CMS);
    assert_eq!(station.role, Role::CentralStation);
    assert_eq!(
        station.signature, None,
        "it receives the stream, it does not send it"
    );
    assert_eq!(station.isolation, Isolation::LocalOnly);
    let squatted: Vec<_> = inventory
        .squatted()
        .iter()
        .map(|(_, ip)| ip.to_string())
        .collect();
    assert_eq!(squatted, ["202.114.4.20", "202.114.4.119"]);
    let monitor = device(&inventory, HERE, "202.114.4.20");
    assert_eq!(monitor.talks_to[0].place, Where::Squatted);
}

#[test]
fn a_card_with_three_addresses_is_one_device() {
    // Half known by ARP, half by hop limits that no router lowered.
    let mut facts = on_link(HERE, MONITOR, STATION);
    let monitor = side(MONITOR, "202.114.4.20", 64);
    facts.push(tcp(
        HERE,
        monitor,
        side(STATION, "202.114.4.120", 64),
        511,
        "hl7",
    ));
    facts.push(tcp(
        HERE,
        side("3c:52:82:44:12:19", "192.168.0.50", 128),
        side(STATION, "192.168.0.10", 64),
        445,
        "smb",
    ));
    let inventory = resolve(&facts);
    let station = device(&inventory, HERE, CMS);
    assert_eq!(
        station.ips,
        [ip("192.168.0.10"), ip(CMS), ip("202.114.4.120")]
    );
    assert!(!inventory.is_router(HERE, mac(STATION)));
    assert_eq!(inventory.devices.len(), 3);
}

#[test]
fn two_segments_with_the_same_addresses_are_two_pairs() {
    let (a, b) = (Segment::vlan(10), Segment::vlan(20));
    let mut facts = on_link(a, MONITOR, STATION);
    facts.extend(on_link(b, "b8:27:eb:00:11:22", "d4:be:d9:0a:0b:0c"));
    let inventory = resolve(&facts);
    assert_eq!(inventory.devices.len(), 4);
    assert_ne!(device(&inventory, a, CMS).id, device(&inventory, b, CMS).id);
    assert_eq!(device(&inventory, a, CMS).segments, [a]);
    let reach = inventory.reach(
        &tell(&facts),
        (a, ip("202.114.4.20")),
        ip(CMS),
        Default::default(),
    );
    assert_eq!((reach.place, reach.watched.flows), (Where::Squatted, 1));
}

#[test]
fn one_mac_on_two_segments_is_one_device_unless_its_words_differ() {
    let (a, b) = (Segment::vlan(10), Segment::vlan(20));
    let same = [on_link(a, MONITOR, STATION), on_link(b, MONITOR, STATION)].concat();
    assert_eq!(
        resolve(&same).devices.len(),
        2,
        "a VLAN mirrored into another"
    );

    let mut differ = on_link(a, MONITOR, STATION);
    let (from, to) = (side(MONITOR, "202.114.4.20", 64), side(STATION, CMS, 64));
    differ.extend(monitor_stream(b, from, to, "12"));
    let inventory = resolve(&differ);
    let (first, second) = (
        device(&inventory, a, "202.114.4.20"),
        device(&inventory, b, "202.114.4.20"),
    );
    assert_ne!(first.id, second.id, "two beds at once are two monitors");
    assert_eq!(
        first.id, "addr-vlan10-202.114.4.20",
        "a shared MAC names neither"
    );
    assert_eq!(
        (first.bed.as_deref(), second.bed.as_deref()),
        (Some("7"), Some("12"))
    );
}

#[test]
fn units_that_left_the_factory_with_one_mac_stay_apart() {
    let to = side(STATION, CMS, 64);
    let mut facts = monitor_stream(HERE, side(MONITOR, "202.114.4.20", 64), to, "7");
    facts.extend(monitor_stream(
        HERE,
        side(MONITOR, "202.114.4.21", 64),
        to,
        "8",
    ));
    let inventory = resolve(&facts);
    let (a, b) = (
        device(&inventory, HERE, "202.114.4.20"),
        device(&inventory, HERE, "202.114.4.21"),
    );
    assert_ne!(a.id, b.id);
    assert_eq!((a.bed.as_deref(), b.bed.as_deref()), (Some("7"), Some("8")));
}

#[test]
fn proxy_arp_binds_nothing_to_the_router() {
    let mut facts = leak();
    facts.push(asks(HERE, MONITOR, "10.20.3.14", CMS, 1));
    facts.push(answers(HERE, GATEWAY, CMS, MONITOR, "10.20.3.14"));
    let inventory = resolve(&facts);
    assert!(inventory.squatted().is_empty());
    assert_eq!(device(&inventory, HERE, "10.20.3.1").ips, [ip("10.20.3.1")]);
    let reach = inventory.reach(
        &tell(&facts),
        (HERE, ip("10.20.3.14")),
        ip(CMS),
        Default::default(),
    );
    assert_eq!(reach.place, Where::AnsweredFar);
}

#[test]
fn a_virtual_router_is_no_hosts_card() {
    let vrrp = "00:00:5e:00:01:0a";
    let mut facts = leak();
    facts.push(asks(HERE, MONITOR, "10.20.3.14", "10.20.3.254", 1));
    facts.push(answers(HERE, vrrp, "10.20.3.254", MONITOR, "10.20.3.14"));
    // The advertisement shows the real address of the master with the virtual MAC.
    let advertisement = side(vrrp, "10.20.3.2", 255);
    let group = side("01:00:5e:00:00:12", "224.0.0.18", 255);
    facts.push(tcp_with(
        HERE,
        advertisement,
        group,
        0,
        "unknown",
        |key, sum| {
            key.transport = auscult_model::Transport::Other(112);
            key.outcome = auscult_model::Outcome::Unanswered;
            sum.packets = [10, 0];
        },
    ));
    facts.push(asks(
        HERE,
        "00:1b:17:00:01:02",
        "10.20.3.2",
        "10.20.3.14",
        1,
    ));
    let inventory = resolve(&facts);
    assert!(inventory.is_router(HERE, mac(vrrp)));
    assert_eq!(
        device(&inventory, HERE, "10.20.3.254").role,
        Role::NetworkDevice
    );
    let master = device(&inventory, HERE, "10.20.3.2");
    assert_eq!(master.macs, [mac("00:1b:17:00:01:02")]);
    assert_ne!(device(&inventory, HERE, "10.20.3.254").id, master.id);
}

#[test]
fn a_routed_copy_joins_its_segments_without_binding_the_router() {
    let (ward, servers) = (Segment::vlan(20), Segment::vlan(30));
    let (inner, outer) = ("00:1b:17:00:01:01", "00:1b:17:00:01:02");
    let server = "00:50:56:00:00:08";
    let from = side(MONITOR, "10.20.3.14", 64);
    let fact = tcp_with(
        ward,
        from,
        side(inner, "10.30.0.8", 64),
        6661,
        "hl7",
        |_, sum| {
            sum.answer_mac = Some(mac(server));
            sum.add_leg(Leg {
                segment: servers,
                src_mac: Some(mac(outer)),
                dst_mac: Some(mac(server)),
                ttl_step: -1,
                direction: Direction::FromOriginator,
            });
            sum.add_leg(Leg {
                segment: ward,
                src_mac: Some(mac(inner)),
                dst_mac: Some(mac(MONITOR)),
                ttl_step: -1,
                direction: Direction::FromResponder,
            });
        },
    );
    let inventory = resolve(&[fact]);
    let there = device(&inventory, servers, "10.30.0.8");
    assert_eq!(there.macs, [mac(server)]);
    assert_eq!(there.segments, [servers]);
    let by_route = inventory.device_at(ward, ip("10.30.0.8"));
    assert_eq!(by_route, inventory.device_at(servers, ip("10.30.0.8")));
    assert!(inventory.is_router(ward, mac(inner)) && inventory.is_router(servers, mac(outer)));
    assert_eq!(
        device(&inventory, ward, "10.20.3.14").isolation,
        Isolation::CrossesSegment
    );
}

#[test]
fn a_link_without_macs_is_told_by_address() {
    let facts = monitor_stream(
        HERE,
        no_mac("10.20.3.14", 64),
        no_mac("10.20.3.200", 64),
        "3",
    );
    let inventory = resolve(&facts);
    assert_eq!(inventory.devices.len(), 2);
    assert_eq!(
        device(&inventory, HERE, "10.20.3.14").id,
        "addr-untagged-10.20.3.14"
    );
    assert_eq!(
        device(&inventory, HERE, "10.20.3.200").role,
        Role::CentralStation
    );
}

#[test]
fn cooked_captures_never_squat() {
    let mut facts = on_link(HERE, MONITOR, STATION);
    assert_eq!(resolve(&facts).squatted().len(), 2);
    facts.push(Fact::Cooked(HERE));
    let inventory = resolve(&facts);
    assert!(inventory.squatted().is_empty());
    let local = (HERE, ip("202.114.4.20"));
    let reach = inventory.reach(&tell(&facts), local, ip(CMS), Default::default());
    assert_eq!(reach.place, Where::CannotTell);
    assert!(reach.reasons[0].contains("does not show whom frames go to"));
}

#[test]
fn a_device_behind_translation_is_outside() {
    // The WAN side: our public address sends, the provider's router takes.
    let (ours, theirs) = (side(GATEWAY, "198.51.100.2", 63), side(STATION, CMS, 49));
    let inventory = resolve(&monitor_stream(HERE, ours, theirs, "7"));
    let behind = device(&inventory, HERE, "198.51.100.2");
    assert!(!behind.inside);
    assert_eq!(behind.signature.as_deref(), Some("contec-cms8000"));
    assert!(behind.macs.is_empty(), "a routed packet binds no MAC");
    assert!(inventory.squatted().is_empty());
}

#[test]
fn public_networks_of_the_wan_side_are_not_squatted() {
    let (firewall, provider) = (GATEWAY, STATION);
    let facts = [
        asks(HERE, firewall, "198.51.100.2", "198.51.100.1", 1),
        answers(HERE, provider, "198.51.100.1", firewall, "198.51.100.2"),
        tcp(
            HERE,
            side(firewall, "198.51.100.2", 64),
            side(provider, "9.9.9.9", 55),
            443,
            "tls",
        ),
    ];
    assert!(resolve(&facts).squatted().is_empty());
}

#[test]
fn eight_hosts_own_a_network_and_seven_do_not() {
    let hosts = |count: u8, network: &str| -> Vec<Fact> {
        (1..=count)
            .map(|n| {
                let mac = format!("00:50:56:00:00:{n:02x}");
                asks(
                    HERE,
                    &mac,
                    &format!("{network}.{n}"),
                    &format!("{network}.254"),
                    1,
                )
            })
            .collect()
    };
    assert!(!resolve(&hosts(7, "159.0.2")).is_site(ip("159.0.2.10")));
    let eight = resolve(&hosts(8, "159.0.2"));
    assert!(eight.is_site(ip("159.0.2.10")) && eight.squatted().is_empty());
    let factory = resolve(&hosts(20, "202.114.4"));
    assert!(
        !factory.is_site(ip(CMS)),
        "a factory range is never ours by use"
    );
    assert_eq!(factory.squatted().len(), 20);
    assert!(
        !resolve(&[]).is_site(ip("192.0.2.1")),
        "documentation counts as public"
    );
}

#[test]
fn an_advertised_public_prefix_is_ours() {
    let router = end(HERE, side(GATEWAY, "fe80::1", 255), 0);
    let all = end(HERE, side("33:33:00:00:00:01", "ff02::1", 255), 0);
    let described = says(
        "icmpv6",
        router,
        all,
        Meaning::NetworkDescribed {
            prefix: Some((ip("2001:db8:7::"), 64)),
            routers: vec![ip("fe80::1")],
            name_servers: Vec::new(),
        },
    );
    let inventory = resolve(&[described]);
    assert!(inventory.is_site(ip("2001:db8:7::15")));
    assert!(!inventory.is_site(ip("2001:db8:8::15")));
}

#[test]
fn a_serial_number_belongs_to_whom_it_came_from() {
    let (ct, pacs, viewer) = (
        side("00:50:56:a1:10:21", "10.44.10.21", 64),
        side("00:50:56:a1:10:10", "10.44.10.10", 64),
        side("00:50:56:a1:10:31", "10.44.10.31", 64),
    );
    let (a, b, c) = (
        end(HERE, ct, 1),
        end(HERE, pacs, 104),
        end(HERE, viewer, 11112),
    );
    let later = |fact: Fact| match fact {
        Fact::Event(mut event) => {
            (event.first, event.last) = (at(100), at(100));
            Fact::Event(event)
        }
        other => other,
    };
    let facts = [
        tcp(HERE, ct, pacs, 104, "dicom"),
        tcp(HERE, pacs, viewer, 11112, "dicom"),
        claims("dicom", a, b, "serial", "NL640017"),
        claims("dicom", a, b, "vendor", "Nordlicht Imaging"),
        later(claims("dicom", b, c, "serial", "NL640017")),
        later(claims("dicom", b, c, "vendor", "Nordlicht Imaging")),
    ];
    let inventory = resolve(&facts);
    let modality = device(&inventory, HERE, "10.44.10.21");
    assert_eq!(modality.id, "serial-NL640017");
    assert!(
        modality
            .aliases
            .contains(&"mac-00:50:56:a1:10:21".to_owned())
    );
    assert_eq!(modality.vendor.as_deref(), Some("Nordlicht Imaging"));
    let archive = device(&inventory, HERE, "10.44.10.10");
    assert_eq!(
        (archive.vendor.as_deref(), archive.serial.as_deref()),
        (None, None)
    );
    assert_eq!(archive.id, "mac-00:50:56:a1:10:10");
    assert!(
        archive
            .claims
            .iter()
            .any(|c| c.attribute == "serial" && c.confidence < 0.2)
    );
}

#[test]
fn witnesses_add_up_and_repeats_do_not() {
    let pc = side("3c:52:82:44:40:02", "10.44.40.106", 128);
    let (from, to) = (
        end(HERE, pc, 1),
        end(HERE, side(GATEWAY, "10.44.0.1", 64), 67),
    );
    let confidence = |sources: &[&'static str]| {
        let facts: Vec<Fact> = sources
            .iter()
            .map(|s| claims(s, from, to, "hostname", "pc-7"))
            .collect();
        let mut told = vec![asks(
            HERE,
            "3c:52:82:44:40:02",
            "10.44.40.106",
            "10.44.0.1",
            1,
        )];
        told.extend(facts);
        let inventory = resolve(&told);
        device(&inventory, HERE, "10.44.40.106").claims[0].confidence
    };
    let one = confidence(&["mdns"]);
    assert_eq!(
        confidence(&["mdns", "llmnr"]),
        one,
        "one machine's name services are one witness"
    );
    assert!(confidence(&["mdns", "dhcp"]) > one);
}

#[test]
fn a_module_makers_name_is_no_vendor() {
    let inventory = resolve(&[asks(HERE, "00:80:4c:12:34:56", "10.1.1.5", "10.1.1.1", 1)]);
    let device = device(&inventory, HERE, "10.1.1.5");
    assert_eq!(device.vendor, None);
    let claim = device
        .claims
        .iter()
        .find(|c| c.attribute == "mac_vendor")
        .unwrap();
    assert_eq!(claim.value, "CONTEC CO., LTD.");
    assert!(claim.confidence <= 0.3);
    assert_eq!(
        (device.role, device.signature.clone()),
        (Role::Unknown, None)
    );
}

#[test]
fn leases_tie_a_card_to_its_address_behind_a_relay() {
    let server = side("00:50:56:00:00:02", "10.44.0.2", 64);
    let relay = side(GATEWAY, "10.44.40.1", 255);
    let (from, to) = (end(HERE, server, 67), end(HERE, relay, 67));
    let tablet = "b8:27:eb:44:40:01";
    let facts = [
        says(
            "dhcp",
            from,
            to,
            Meaning::AddressAssigned {
                mac: mac(tablet),
                ip: ip("10.44.40.193"),
                how: Assignment::Leased,
            },
        ),
        says(
            "dhcp",
            to,
            from,
            Meaning::ClaimByMac {
                mac: mac(tablet),
                attribute: "dhcp_hostname",
                value: "tablet-visite".to_owned(),
            },
        ),
        tcp(HERE, side(GATEWAY, "10.44.40.193", 63), server, 443, "tls"),
    ];
    let inventory = resolve(&facts);
    let tablet_device = device(&inventory, HERE, "10.44.40.193");
    assert_eq!(tablet_device.hostname.as_deref(), Some("tablet-visite"));
    assert_eq!(tablet_device.id, "mac-b8:27:eb:44:40:01");
}

#[test]
fn roles_that_are_not_sure_are_unknown() {
    let inventory = resolve(&[asks(HERE, MONITOR, "10.20.3.14", CMS, 4)]);
    let device = device(&inventory, HERE, "10.20.3.14");
    assert_eq!(
        (device.role, device.signature.clone()),
        (Role::Unknown, None)
    );
    let hint = device
        .claims
        .iter()
        .find(|c| c.attribute == "family_hint")
        .unwrap();
    assert_eq!(hint.confidence, 0.25);
}

#[test]
fn an_engine_takes_from_several_and_a_sender_does_not() {
    let engine = side("00:50:56:00:00:08", "10.9.0.8", 64);
    let sender = |n: u8| side(&format!("00:50:56:00:01:0{n}"), &format!("10.9.0.1{n}"), 64);
    let facts: Vec<Fact> = (1..4)
        .map(|n| tcp(HERE, sender(n), engine, 6661, "hl7"))
        .collect();
    let inventory = resolve(&facts);
    assert_eq!(
        device(&inventory, HERE, "10.9.0.8").role,
        Role::InterfaceEngine
    );
    assert_eq!(device(&inventory, HERE, "10.9.0.11").role, Role::Unknown);
}

#[test]
fn a_mount_of_pm_makes_the_family_surer() {
    let mut facts = leak();
    let (from, to) = (side(MONITOR, "10.20.3.14", 64), side(GATEWAY, CMS, 49));
    let about = (end(HERE, from, 900), end(HERE, to, 635));
    let request = |object: &str| Meaning::Request {
        operation: "mount",
        object: object.to_owned(),
        granted: Some(true),
    };
    facts.push(says("mount", about.0, about.1, request("/pm")));
    let sure = resolve(&facts);
    assert_eq!(device(&sure, HERE, "10.20.3.14").confidence, 0.97);
    facts.pop();
    facts.push(says("mount", about.0, about.1, request("/home")));
    assert_eq!(device(&resolve(&facts), HERE, "10.20.3.14").confidence, 0.9);
}

#[test]
fn the_conflict_over_an_address_keeps_both_cards_apart() {
    let mut facts = on_link(HERE, MONITOR, STATION);
    facts.push(asks(HERE, "02:00:00:00:66:66", CMS, CMS, 3));
    let inventory = resolve(&facts);
    let holders = inventory.holders(HERE, ip(CMS));
    assert_eq!(holders, [mac("02:00:00:00:66:66"), mac(STATION)]);
    assert_eq!(
        device(&inventory, HERE, CMS).macs,
        [mac(STATION)],
        "the one that sends"
    );
    assert_eq!(inventory.devices.len(), 3);
}

#[test]
fn services_are_what_answered() {
    let facts = on_link(HERE, MONITOR, STATION);
    let station = &resolve(&facts);
    let services = &device(station, HERE, CMS).services;
    assert_eq!(services.len(), 1);
    assert_eq!(
        (services[0].port, services[0].protocol.as_str()),
        (515, "contec-cms")
    );
    assert!(device(station, HERE, "202.114.4.20").services.is_empty());
}

#[test]
fn a_claim_about_the_receiver_is_the_receivers() {
    let (a, b) = (side(MONITOR, "10.1.1.5", 64), side(STATION, "10.1.1.6", 64));
    let meaning = Meaning::Claim {
        about: About::Receiver,
        attribute: "hostname",
        value: "zentrale".to_owned(),
    };
    let facts = [
        tcp(HERE, a, b, 445, "smb"),
        says("smb", end(HERE, a, 1), end(HERE, b, 445), meaning),
    ];
    let inventory = resolve(&facts);
    assert_eq!(
        device(&inventory, HERE, "10.1.1.6").hostname.as_deref(),
        Some("zentrale")
    );
    assert_eq!(device(&inventory, HERE, "10.1.1.5").hostname, None);
    let line = &device(&inventory, HERE, "10.1.1.5").talks_to[0];
    assert_eq!(line.name.as_deref(), Some("zentrale"));
}

#[test]
fn site_networks_that_the_user_names_are_ours() {
    let options = SiteOptions {
        networks: vec!["159.0.0.0/16".parse().unwrap()],
        ..SiteOptions::default()
    };
    let facts = leak();
    let inventory = Inventory::resolve(&tell(&facts), &options);
    assert!(inventory.is_site(ip("159.0.2.10")) && !inventory.is_site(ip(CMS)));
    assert_eq!(inventory.site_report().networks, ["159.0.0.0/16"]);
}

#[test]
fn who_only_asks_does_not_serve() {
    // The flow was read the wrong way round: its first packet is the server's.
    let (client, server) = (side(MONITOR, "10.1.1.5", 64), side(STATION, "10.1.1.6", 64));
    let request = Meaning::Request {
        operation: "mount",
        object: "/images".to_owned(),
        granted: Some(true),
    };
    let facts = [
        tcp(HERE, server, client, 801, "mount"),
        says(
            "mount",
            end(HERE, client, 801),
            end(HERE, server, 635),
            request,
        ),
    ];
    let inventory = resolve(&facts);
    assert!(device(&inventory, HERE, "10.1.1.5").services.is_empty());
}

#[test]
fn a_card_that_calls_many_networks_its_own_is_a_router() {
    let (own, mac_text) = (
        ["24.145.164.129", "65.26.71.1", "69.23.182.1"],
        "00:07:0d:af:f4:54",
    );
    let facts: Vec<Fact> = own
        .iter()
        .map(|ip| asks(HERE, mac_text, ip, "24.1.1.9", 1))
        .collect();
    let inventory = resolve(&facts);
    assert!(inventory.is_router(HERE, mac(mac_text)));
    assert!(inventory.squatted().is_empty());
    let two = resolve(&facts[..2]);
    assert!(!two.is_router(HERE, mac(mac_text)));
}

#[test]
fn a_random_mac_joins_no_segments_and_names_nobody() {
    let phone = "da:a1:19:00:00:01";
    let (a, b) = (Segment::vlan(10), Segment::vlan(20));
    let facts = [
        asks(a, phone, "10.10.0.5", "10.10.0.1", 1),
        asks(b, phone, "10.10.0.5", "10.10.0.1", 1),
    ];
    let request = end(a, side(phone, "0.0.0.0", 64), 68);
    let all = end(a, side("ff:ff:ff:ff:ff:ff", "255.255.255.255", 64), 67);
    let name = Meaning::ClaimByMac {
        mac: mac(phone),
        attribute: "dhcp_hostname",
        value: "phone".to_owned(),
    };
    let facts = [&facts[..], &[says("dhcp", request, all, name)]].concat();
    let inventory = resolve(&facts);
    assert_eq!(inventory.devices.len(), 2);
    let named = |segment| device(&inventory, segment, "10.10.0.5").hostname.clone();
    assert_eq!((named(a).as_deref(), named(b)), (Some("phone"), None));
    assert_eq!(
        device(&inventory, a, "10.10.0.5").id,
        "addr-vlan10-10.10.0.5"
    );
    assert_eq!(device(&inventory, a, "10.10.0.5").macs, [mac(phone)]);
}

#[test]
fn groups_and_nobody_are_no_devices() {
    let broadcast = side("ff:ff:ff:ff:ff:ff", "255.255.255.255", 64);
    let facts = [
        tcp(HERE, side(MONITOR, "0.0.0.0", 64), broadcast, 67, "dhcp"),
        tcp(
            HERE,
            side("01:00:5e:00:00:fb", "224.0.0.251", 64),
            broadcast,
            5353,
            "mdns",
        ),
    ];
    let inventory = resolve(&facts);
    assert!(inventory.devices.iter().all(|device| device.ips.is_empty()));
    assert!(
        inventory
            .device_by_mac(HERE, mac("ff:ff:ff:ff:ff:ff"))
            .is_none()
    );
}

/// A plug that is being set up passes on what a telephone tries, and nobody answers through it.
#[test]
fn who_shares_a_connection_is_no_network_device() {
    let (plug, phone, far) = ("94:10:3e:34:0c:b5", "10.22.22.2", "172.217.21.170");
    let own = asks(HERE, plug, "10.10.10.190", "10.10.10.1", 1);
    let shared = syns(HERE, side(plug, phone, 63), side(GATEWAY, far, 0), 443, 3);
    let sharing = resolve(&[own.clone(), shared.clone()]);
    assert!(sharing.is_router(HERE, mac(plug)));
    assert_eq!(device(&sharing, HERE, "10.10.10.190").role, Role::Unknown);
    let answered = tcp(
        HERE,
        side(plug, phone, 63),
        side(GATEWAY, "10.9.9.9", 64),
        443,
        "tls",
    );
    let back = tcp(
        HERE,
        side(GATEWAY, "10.9.9.9", 64),
        side(plug, phone, 63),
        80,
        "http",
    );
    let routing = resolve(&[own, shared, answered, back]);
    assert_eq!(
        device(&routing, HERE, "10.10.10.190").role,
        Role::NetworkDevice
    );
}
