//! Senders who pretend to be many, or the same in many places. Nothing is lost of these captures
//! that the limits do not say; what they try is the work of concluding who is who, which would
//! never end here if it grew with the square of their number.

use std::net::Ipv4Addr;

use auscult_lab::speak::hl7;
use auscult_lab::wire::{arp, ethernet, ip};
use auscult_model::MacAddr;

use crate::stream;
use crate::wire::*;

const ONE: MacAddr = MacAddr([0, 0x11, 0x22, 0, 0, 7]);
const OTHER: MacAddr = MacAddr([0, 0x11, 0x22, 0, 0, 8]);

/// A datagram between cards of choice, with other bytes for each number.
fn frame(cards: [MacAddr; 2], ends: [Ipv4Addr; 2], tags: &[(u16, u16)], number: u32) -> Vec<u8> {
    let payload = datagram((ends[0], 1024), (ends[1], 9), &number.to_be_bytes());
    let packet = header(ends[0], ends[1], ip::UDP, number as u16).whole(&payload);
    ethernet::frame(cards[1], cards[0], tags, ethernet::IPV4, &packet)
}

#[test]
fn one_card_with_ever_other_addresses() {
    for (what, first) in [
        ("300,000 private addresses of one card", 0x0a10_0000),
        ("300,000 public addresses of one card", 0x0900_0000),
    ] {
        let told = stream(what, &[], |wire| {
            for number in 0..300_000 {
                let ends = [Ipv4Addr::from(first + number), host(0)];
                wire.frame(&frame([ONE, OTHER], ends, &[], number));
            }
        });
        assert_eq!(told.number("/health/flows"), 300_000);
    }
}

#[test]
fn ever_other_cards_with_ever_other_addresses() {
    let told = stream("300,000 cards with a public address each", &[], |wire| {
        for number in 0..300_000 {
            let ends = [Ipv4Addr::from(0x0900_0000 + number), host(0)];
            wire.frame(&frame([card(ends[0]), OTHER], ends, &[], number));
        }
    });
    told.reached("inventory-devices");
    told.reached("devices-listed");
}

#[test]
fn one_card_in_ever_other_segments() {
    stream("one card in 300,000 pairs of VLANs", &[], |wire| {
        for number in 0..300_000 {
            let tags = [
                (ethernet::SERVICE_VLAN, 1 + (number / 4000) as u16),
                (ethernet::VLAN, 1 + (number % 4000) as u16),
            ];
            wire.frame(&frame([ONE, OTHER], [host(1), host(0)], &tags, number));
        }
    });
    stream(
        "one card with 75 addresses in 4,000 VLANs each",
        &[],
        |wire| {
            for number in 0..300_000 {
                let tags = [(ethernet::VLAN, 1 + (number % 4000) as u16)];
                let ends = [host(1 + number / 4000), host(0)];
                wire.frame(&frame([ONE, OTHER], ends, &tags, number));
            }
        },
    );
}

#[test]
fn one_address_that_ever_other_cards_claim() {
    let told = stream("one address that 200,000 cards claim", &[], |wire| {
        for number in 0..200_000 {
            let card = card(host(number));
            let claim = arp::reply((card, host(1)), (MacAddr::BROADCAST, host(1)));
            let to = MacAddr::BROADCAST;
            wire.frame(&ethernet::frame(to, card, &[], ethernet::ARP, &claim));
        }
        for number in 0..100_000 {
            let ends = [host(1), Ipv4Addr::from(0x0800_0000 + number)];
            wire.frame(&frame([card(host(number)), OTHER], ends, &[], number));
        }
    });
    told.reached("inventory-devices");
}

#[test]
fn one_server_in_thousands_of_segments() {
    let told = stream(
        "20,000 senders of HL7 in 4,000 VLANs, one server",
        &[],
        |wire| {
            for number in 0..20_000_u32 {
                let (client, server) = (host(1 + number), host(50_000));
                let tags = [(ethernet::VLAN, 1 + (number % 4000) as u16)];
                let message = hl7::framed(&format!(
                    "MSH|^~\\&|ADT{number}|HOUSE|LAB|HOUSE|20260101120000||ADT^A01|{number}|P|2.3\r\
                 PID|1||INV{number}^^^HOUSE||ERFUNDEN^NIEMAND||19500101|F\r"
                ));
                let segment = auscult_lab::wire::tcp::Segment {
                    from: 1024,
                    to: 2575,
                    seq: 1,
                    ack: 1,
                    flags: PUSH,
                    window: 8192,
                    urgent: 0,
                    options: Vec::new(),
                    payload: message,
                };
                let segment = segment.encode(client, server);
                let packet = header(client, server, ip::TCP, number as u16).whole(&segment);
                wire.frame(&tagged(client, server, &tags, &packet));
            }
        },
    );
    assert!(told.number("/findings_total") > 0);
    told.reached("masked-values");
}

#[test]
fn a_crowd_that_asks_for_one_address() {
    let told = stream(
        "60,000 cards that ask for one public address",
        &[],
        |wire| {
            let station = Ipv4Addr::new(202, 114, 4, 119);
            for number in 1..=60_000 {
                let own = (card(host(number)), host(number));
                let question = arp::request(own, station);
                let to = MacAddr::BROADCAST;
                wire.frame(&ethernet::frame(to, own.0, &[], ethernet::ARP, &question));
                wire.tcp((own.1, 1024), (station, 515), (number, 0), SYN, &[]);
            }
        },
    );
    assert!(told.number("/devices_total") >= 60_000);
}
