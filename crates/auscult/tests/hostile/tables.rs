//! Tables that a sender fills: flows, segments, fragments, names.

use std::net::Ipv4Addr;

use auscult_lab::speak::hl7;
use auscult_lab::wire::{arp, ethernet, ip};
use auscult_model::{LinkType, MacAddr};

use crate::wire::*;
use crate::{run_within_a_gibibyte, stream};

#[test]
fn a_million_half_open_flows() {
    const FLOWS: u32 = 1_000_000;
    let told = stream("one million half-open flows", &[], |wire| {
        for number in 0..FLOWS {
            let from = (host(1 + number % 50_000), 1024 + (number / 50_000) as u16);
            wire.tcp(from, (host(0), 104), (number, 0), SYN, &[]);
        }
    });
    assert_eq!(told.number("/health/flows"), u64::from(FLOWS));
    let evicted = told.number("/health/flows_evicted");
    assert_eq!(told.reached("flows"), evicted);
    assert!(
        evicted < u64::from(FLOWS) - 400_000,
        "as many as fit are kept: {evicted}"
    );
}

#[test]
fn a_million_half_open_flows_in_little_memory() {
    const FLOWS: u32 = 1_000_000;
    let words = ["--max-memory", "64M"];
    let told = stream(
        "one million half-open flows, --max-memory 64M",
        &words,
        |wire| {
            for number in 0..FLOWS {
                let from = (Ipv4Addr::from(0x0900_0000 + number), 1024);
                wire.tcp(from, (host(0), 104), (number, 0), SYN, &[]);
            }
        },
    );
    told.reached("flows");
    told.reached("inventory-conversations");
    if let Some(peak) = told.peak_mib {
        assert!(peak < 256, "{peak} MiB");
    }
}

#[test]
fn a_million_half_open_flows_within_a_gibibyte() {
    // The default of --max-memory follows the limit.
    let what = "one million half-open flows within `ulimit -v 1048576`";
    let told = run_within_a_gibibyte(what, &["-"], |out| {
        let mut wire = Wire::new(out);
        for number in 0..1_000_000 {
            let from = (Ipv4Addr::from(0x0900_0000 + number), 1024);
            wire.tcp(from, (host(0), 104), (number, 0), SYN, &[]);
        }
    });
    assert_eq!(told.code, 0);
    assert_eq!(told.number("/health/flows"), 1_000_000);
    told.reached("flows");
}

#[test]
fn a_million_segments_of_one_byte() {
    let (client, server) = ((host(1), 40_000), (host(0), 2575));
    let told = stream("one million segments of one byte", &[], |wire| {
        wire.open(client, server);
        for number in 0..1_000_000_u32 {
            let byte = if number % 60 == 59 { b'\r' } else { b'x' };
            wire.tcp(client, server, (1 + number, 1), PUSH, &[byte]);
        }
    });
    assert_eq!(told.number("/health/gaps"), 0);
    assert_eq!(told.number("/health/flows"), 1);
}

#[test]
fn a_million_bytes_each_behind_a_hole() {
    // Every second byte never comes, and nobody acknowledges: what waits is bounded by its cost.
    let told = stream("one million one-byte segments behind holes", &[], |wire| {
        for number in 0..1_000_000_u32 {
            let (client, server) = ((host(1 + number % 64), 40_000), (host(0), 2575));
            let at = 1 + 2 * (number / 64 + 1);
            if number < 64 {
                wire.tcp(client, server, (0, 0), SYN, &[]);
            }
            wire.tcp(client, server, (at, 1), PUSH, b"x");
        }
    });
    assert!(told.number("/health/gaps") > 1000);
    assert!(
        told.limit("out-of-order-bytes") + told.limit("out-of-order-bytes-of-one-flow") > 0,
        "{}",
        told.report["health"]
    );
    if let Some(peak) = told.peak_mib {
        assert!(peak < 400, "{peak} MiB");
    }
}

#[test]
fn a_million_fragments_that_never_complete() {
    let told = stream("one million fragments that never complete", &[], |wire| {
        for number in 0..1_000_000_u32 {
            let (from, to) = (host(1 + number / 60_000), host(0));
            let mut packet = header(from, to, ip::UDP, number as u16).whole(&[7; 1000]);
            // More fragments, from the start.
            packet[6..8].copy_from_slice(&0x2000_u16.to_be_bytes());
            packet[10..12].fill(0);
            let check = sum(&packet[..20]);
            packet[10..12].copy_from_slice(&check);
            wire.frame(&tagged(from, to, &[], &packet));
        }
    });
    assert!(told.limit("fragments") + told.limit("fragment-bytes") > 900_000);
}

#[test]
fn a_datagram_in_too_many_fragments() {
    let told = stream("one datagram in 8,000 fragments", &[], |wire| {
        for number in 1..8000_u16 {
            let mut packet = header(host(1), host(0), ip::UDP, 7).whole(&[7; 8]);
            packet[6..8].copy_from_slice(&(0x2000 | number).to_be_bytes());
            packet[10..12].fill(0);
            let check = sum(&packet[..20]);
            packet[10..12].copy_from_slice(&check);
            wire.frame(&tagged(host(1), host(0), &[], &packet));
        }
    });
    told.reached("fragments-of-one-datagram");
}

#[test]
fn a_million_tags_around_the_same_ports() {
    // The same ports in ever other VLANs are ever other flows with one key.
    let told = stream(
        "one million VLAN pairs around the same ports",
        &[],
        |wire| {
            let (from, to) = ((host(1), 40_000), (host(0), 9));
            for number in 0..1_000_000_u32 {
                // With other bytes each, lest they are taken for copies of one packet.
                let payload = datagram(from, to, &number.to_be_bytes());
                let packet = header(from.0, to.0, ip::UDP, number as u16).whole(&payload);
                let tags = [
                    (ethernet::SERVICE_VLAN, 1 + (number / 4000) as u16),
                    (ethernet::VLAN, 1 + (number % 4000) as u16),
                ];
                wire.frame(&tagged(from.0, to.0, &tags, &packet));
            }
        },
    );
    assert_eq!(told.number("/health/flows"), 1_000_000);
    assert_eq!(told.reached("flows-alike"), 1_000_000 - 64);
}

#[test]
fn a_shard_that_is_sprayed() {
    // How packets are spread is known; a sender who fills one shard spoils nothing of others.
    let (monitor, station) = ((host(1), 40_000), (host(0), 2575));
    let shard = |from: Ipv4Addr, to: Ipv4Addr| {
        let packet = header(from, to, ip::TCP, 0).whole(&[0; 20]);
        let key = auscult_packet::dispatch_key(LinkType::ETHERNET, &tagged(from, to, &[], &packet));
        auscult_packet::shard_of(key, auscult_engine::SHARDS)
    };
    let theirs = shard(monitor.0, station.0);
    let admission = b"\x0bMSH|^~\\&|ADT|HOUSE|LAB|HOUSE|20260101120000||ADT^A01|1|P|2.3\r\
        PID|1||INV7^^^HOUSE||ERFUNDEN^NIEMAND||19500101|F\r\x1c\r";
    let told = stream(
        "300,000 flows sprayed at the shard of a monitor",
        &[],
        |wire| {
            wire.open(monitor, station);
            let at = wire.send(monitor, station, 1, admission);
            let (mut number, mut sent) = (0, 0);
            while sent < 300_000 {
                number += 1;
                let from = Ipv4Addr::from(0x0900_0000 + number);
                if shard(from, station.0) == theirs {
                    wire.tcp((from, 1024), (station.0, 104), (number, 0), SYN, &[]);
                    sent += 1;
                }
            }
            // The medical flow was not forgotten: its second message is read too.
            wire.send(monitor, station, at, admission);
        },
    );
    assert!(told.reached("flows") > 250_000);
    let findings = told.report["findings"].as_array().unwrap();
    let count = findings
        .iter()
        .find(|finding| finding["rule"] == "phi-cleartext-inside")
        .map(|finding| finding["count"].clone());
    assert_eq!(count, Some(2.into()));
}

#[test]
fn a_million_questions_of_one_shard_about_neighbours() {
    let told = stream("500,000 ARP questions of ever other cards", &[], |wire| {
        for number in 0..500_000 {
            let from = (card(host(number)), host(number));
            let question = arp::request(from, host(900_000));
            let (to, from) = (MacAddr::BROADCAST, from.0);
            wire.frame(&ethernet::frame(to, from, &[], ethernet::ARP, &question));
        }
    });
    told.reached("inventory-neighbours");
}

#[test]
fn ten_million_names() {
    const MESSAGES: u32 = 160_000;
    // With the one that was asked for as many as are told of a message.
    const NAMES: u32 = 63;
    let (client, server) = ((host(1), 40_000), (host(0), 53));
    let told = stream("ten million DNS names", &[], |wire| {
        for message in 0..MESSAGES {
            let mut out = Vec::with_capacity(3000);
            for word in [message as u16, 0x8180, 1, NAMES as u16, 0, 0] {
                out.extend_from_slice(&word.to_be_bytes());
            }
            out.extend_from_slice(b"\x01q\0\0\x01\0\x01");
            for answer in 0..NAMES {
                let number = message * NAMES + answer;
                out.push(6);
                out.extend_from_slice(letters(number).as_bytes());
                out.extend_from_slice(b"\x07example\0\0\x01\0\x01\0\0\0\x3c\0\x04");
                out.extend_from_slice(&(0x0800_0000 + number).to_be_bytes());
            }
            wire.udp(server, client, &out);
        }
    });
    // So many were told as find no room, and those that do are said.
    assert_eq!(
        told.reached("inventory-names"),
        u64::from(MESSAGES * NAMES) - 100_000
    );
}

#[test]
fn bytes_that_come_twice_differently() {
    let (client, server) = ((host(1), 40_000), (host(0), 8080));
    let told = stream("overlapping segments with other bytes", &[], |wire| {
        for number in 0..1000_u16 {
            let client = (client.0, 1024 + number);
            wire.open(client, server);
            wire.tcp(client, server, (1, 1), PUSH, b"GET /read HTTP/1.1\r\n");
            wire.tcp(client, server, (1, 1), PUSH, b"GET /said HTTP/1.1\r\n");
        }
    });
    assert_eq!(told.number("/health/conflicting_flows"), 1000);
    assert_eq!(told.reached("conflicts-listed"), 900);
    let conflicts = told.report["health"]["conflicts"].as_array().unwrap();
    assert_eq!(conflicts.len(), 100);
    let first = &conflicts[0];
    assert_eq!(first["to_port"], 8080);
    assert!(
        first["first"].is_string() && first["first"] != first["later"],
        "{first}"
    );
    assert!(first["evidence"]["packet"].is_u64());
    let digests = ["first", "later"].map(|name| first[name].as_str().unwrap().len());
    assert_eq!(digests, [16, 16]);
}

#[test]
fn versions_of_patient_data_are_not_told() {
    let (client, server) = ((host(1), 40_000), (host(0), 2575));
    let told = stream(
        "an HL7 message that comes twice, differently",
        &[],
        |wire| {
            let message = hl7::framed(
                "MSH|^~\\&|ADT|HOUSE|LAB|HOUSE|20260101120000||ADT^A01|1|P|2.3\r\
             PID|1||INV7^^^HOUSE||ERFUNDEN^NIEMAND||19500101|F\r",
            );
            let mut other = message.clone();
            other[90] ^= 1;
            wire.open(client, server);
            wire.tcp(client, server, (1, 1), PUSH, &message);
            wire.tcp(client, server, (1, 1), PUSH, &other);
        },
    );
    let conflict = &told.report["health"]["conflicts"][0];
    assert_eq!(conflict["protocol"], "hl7");
    assert!(
        conflict["first"].is_null() && conflict["later"].is_null(),
        "{conflict}"
    );
}

#[test]
fn times_that_jump() {
    let hour = 3_600_000_000_000_u64;
    let told = stream("one million packets whose times jump", &[], |wire| {
        wire.step = 0;
        for number in 0..1_000_000_u64 {
            wire.clock = 1_760_000_000_000_000_000
                + match number % 4 {
                    0 => 0,
                    1 => hour * (number % 1000),
                    2 => number * 1000,
                    _ => hour * 24 * 365 * 20,
                };
            let from = (host(1 + (number % 1000) as u32), 1024);
            wire.udp(from, (host(0), 9), b"?");
        }
    });
    assert!(told.number("/health/time_steps") > 0);
    assert!(told.number("/health/flows") >= 1000);
    let equal = stream("one million packets at one time", &[], |wire| {
        wire.step = 0;
        for number in 0..1_000_000_u32 {
            wire.udp((host(1 + number % 1000), 1024), (host(0), 9), b"?");
        }
    });
    assert_eq!(equal.number("/health/time_steps"), 0);
    assert_eq!(equal.number("/health/flows"), 1000);
}

#[test]
fn short_flows_without_end() {
    // Each is opened, answered and reset at once: few live at a time, however many there are.
    let told = stream("one million flows that end at once", &[], |wire| {
        wire.step = 1_000;
        for number in 0..1_000_000_u32 {
            let (client, server) = ((host(number), 1024), (host(2_000_000), 2575));
            wire.tcp(client, server, (0, 0), SYN, &[]);
            wire.tcp(server, client, (0, 1), SYN | ACK, &[]);
            wire.tcp(client, server, (1, 1), auscult_lab::wire::tcp::RST, &[]);
        }
    });
    assert_eq!(told.number("/health/flows"), 1_000_000);
}
