//! Frames of management by the standard, and what tshark reads in those of others.

use std::collections::BTreeMap;

use auscult_packet::{StopReason, decode, is_wireless};

use super::*;
use crate::oracle::{self, Agreement, Row};

const AP: [u8; 6] = [0x02, 0, 0, 0, 0, 0xa0];
const STATION: [u8; 6] = [0x02, 0, 0, 0, 0, 1];

/// Frame control, duration, addresses and sequence control, then fixed fields and elements.
fn frame(kind: u8, sender: [u8; 6], fixed: &[u8], elements: &[(u8, &[u8])]) -> Vec<u8> {
    let mut frame = vec![kind, 0, 0, 0];
    frame.extend([[0xff; 6], sender, AP].concat());
    frame.extend([0, 0]);
    frame.extend(fixed);
    for (number, value) in elements {
        frame.extend([*number, value.len() as u8]);
        frame.extend(*value);
    }
    frame
}

fn claims(frame: &[u8]) -> BTreeMap<&'static str, String> {
    let spoken = said(frame);
    let claims = spoken.map(|spoken| spoken.claims).unwrap_or_default();
    claims
        .into_iter()
        .filter_map(|claim| match claim {
            Meaning::ClaimByMac {
                attribute, value, ..
            } => Some((attribute, value)),
            _ => None,
        })
        .collect()
}

fn beacon(capabilities: u8, elements: &[(u8, &[u8])]) -> BTreeMap<&'static str, String> {
    let mut fixed = [0; 12];
    fixed[10] = capabilities;
    claims(&frame(0x80, AP, &fixed, elements))
}

fn suites(kinds: &[u8]) -> Vec<u8> {
    let mut rsn = vec![
        1,
        0,
        0,
        0x0f,
        0xac,
        4,
        1,
        0,
        0,
        0x0f,
        0xac,
        4,
        kinds.len() as u8,
        0,
    ];
    for kind in kinds {
        rsn.extend([0, 0x0f, 0xac, *kind]);
    }
    rsn.extend([0, 0]);
    rsn
}

#[test]
fn kinds_of_encryption() {
    let wpa = || (221, vec![0, 0x50, 0xf2, 1, 1, 0]);
    let rsn = |kinds: &[u8]| (48, suites(kinds));
    for (word, capabilities, elements) in [
        ("open", 1, vec![]),
        ("wep", 0x11, vec![]),
        ("wpa", 0x11, vec![wpa()]),
        ("wpa2-personal", 0x11, vec![rsn(&[2])]),
        ("wpa2-enterprise", 0x11, vec![rsn(&[1, 5])]),
        ("wpa2-personal, wpa3-personal", 0x11, vec![rsn(&[2, 8])]),
        ("wpa2-personal, wpa", 0x11, vec![rsn(&[2]), wpa()]),
        ("enhanced-open", 0x11, vec![rsn(&[18])]),
        ("rsn", 0x11, vec![(48, vec![1, 0])]),
    ] {
        let elements: Vec<(u8, &[u8])> = elements
            .iter()
            .map(|(number, value)| (*number, value.as_slice()))
            .collect();
        let claims = beacon(capabilities, &elements);
        assert_eq!(claims["wireless_security"], word);
    }
}

#[test]
fn names_of_networks() {
    assert_eq!(beacon(1, &[(0, b"ward")])["ssid"], "ward");
    // Hidden in both ways, and of a network without an access point.
    assert!(!beacon(1, &[(0, b"")]).contains_key("ssid"));
    assert!(!beacon(1, &[(0, &[0; 8])]).contains_key("ssid"));
    assert!(beacon(2, &[(0, b"ward")]).is_empty());
    assert_eq!(beacon(1, &[(0, b"a\x1b[31m")])["ssid"], "a\u{fffd}[31m");
    // Only the first counts, and damage ends the list.
    assert_eq!(beacon(1, &[(0, b"ward"), (0, b"guest")])["ssid"], "ward");
    let mut cut = frame(
        0x80,
        AP,
        &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0],
        &[(0, b"ward")],
    );
    cut.truncate(cut.len() - 1);
    assert!(!claims(&cut).contains_key("ssid"));
}

#[test]
fn stations_join_and_look() {
    let joins = claims(&frame(0x00, STATION, &[0; 4], &[(0, b"ward")]));
    assert_eq!(joins["wireless_network"], "ward");
    let joins = claims(&frame(0x20, STATION, &[0; 10], &[(0, b"ward")]));
    assert_eq!(joins["wireless_network"], "ward");
    // Where somebody was before is nobody's business.
    assert_eq!(said(&frame(0x40, STATION, &[], &[(0, b"hotel")])), None);
    let mut hidden = frame(0x80, AP, &[0; 12], &[(0, b"ward")]);
    hidden[1] = 0x40;
    assert_eq!(said(&hidden), None);
    assert_eq!(said(&frame(0xd0, AP, &[0; 12], &[(0, b"ward")])), None);
}

#[test]
fn names_of_devices() {
    let mut aironet = vec![0; 10];
    aironet.extend(b"AP-ICU-3\0\0\0\0\0\0\0\0");
    aironet.extend([0; 4]);
    assert_eq!(beacon(1, &[(133, &aironet)])["hostname"], "AP-ICU-3");
    let mut wps = vec![0, 0x50, 0xf2, 4];
    for (kind, value) in [
        (0x1021u16, "Maker"),
        (0x1023, "Model 1"),
        (0x1042, "none"),
        (0x1011, "Printer"),
    ] {
        wps.extend(kind.to_be_bytes());
        wps.extend((value.len() as u16).to_be_bytes());
        wps.extend(value.as_bytes());
    }
    let looks = claims(&frame(0x40, STATION, &[], &[(0, b"hotel"), (221, &wps)]));
    let expected = [
        ("model", "Model 1"),
        ("vendor", "Maker"),
        ("wps_name", "Printer"),
    ];
    let expected = expected.map(|(attribute, value)| (attribute, value.to_owned()));
    assert_eq!(looks, BTreeMap::from(expected));
}

#[test]
fn any_cut_is_read() {
    let whole = frame(0x80, AP, &[0; 12], &[(0, b"ward"), (48, &suites(&[2]))]);
    for len in 0..whole.len() {
        said(&whole[..len]);
    }
}

/// tshark's network names are bytes in hexadecimal.
fn name(row: &Row) -> Vec<String> {
    let bytes = row.all("wlan.ssid").first().map(|hex| {
        let digits = hex.as_bytes().chunks_exact(2);
        digits
            .map(|pair| std::str::from_utf8(pair).expect("digits"))
            .map(|pair| u8::from_str_radix(pair, 16).unwrap_or(0))
            .collect::<Vec<u8>>()
    });
    let name = bytes.and_then(|bytes| network_name(&bytes));
    name.into_iter().collect()
}

#[test]
fn agrees_with_tshark() {
    let mut agreement = Agreement::default();
    let filter = "wlan.fc.type_subtype in {0, 2, 4, 5, 8}";
    let fields = [
        "frame.number",
        "wlan.fc.type_subtype",
        "wlan.ssid",
        "wps.manufacturer",
        "wps.model_name",
        "wps.device_name",
    ];
    for capture in oracle::captures_with("wlan") {
        let frames = oracle::frames(&capture);
        for row in oracle::tshark(&capture, filter, &fields) {
            let number: usize = row.one("frame.number").parse().expect("a number");
            let (link, wire, bytes) = &frames[number - 1];
            if !is_wireless(*link) {
                // Tunnels of controllers.
                continue;
            }
            let stop = decode(*link, bytes, *wire).stop.expect("no packet in it");
            if stop.why == StopReason::Damaged {
                continue;
            }
            assert_eq!(stop.why, StopReason::LinkOwn);
            let ours = claims(&bytes[stop.at as usize..]);
            let place = format!("{} #{number}", oracle::name_of(&capture));
            let is_probe = row.one("wlan.fc.type_subtype") == "0x0004";
            let mut pairs = vec![
                ("wps.manufacturer", "vendor"),
                ("wps.model_name", "model"),
                ("wps.device_name", "wps_name"),
            ];
            if !is_probe {
                let ssid = ours.get("ssid").or(ours.get("wireless_network"));
                agreement.pairs += 1;
                if name(&row) == ssid.cloned().into_iter().collect::<Vec<_>>() {
                    agreement.equal += 1;
                } else {
                    agreement.wrong.push(format!("{place}: {ssid:?}"));
                }
            }
            for (theirs, attribute) in pairs.drain(..) {
                let value = ours.get(attribute).cloned();
                agreement.compare(&place, &row, theirs, value.into_iter().collect());
            }
        }
    }
    agreement.at_least("wlan", 0.99);
}
