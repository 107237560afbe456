//! LLDP: what switches, telephones and access points tell their neighbour on the cable.
//!
//! Sources: IEEE 802.1AB-2016 §8 (TLVs), ANSI/TIA-1057 §10.2.6 (LLDP-MED inventory). Each frame
//! stands for itself; the engine calls [`said`] for every one. Limit: [`TLVS_MAX`] TLVs a frame.
//!
//! ```text
//! TLV: type 7 bits, length 9 bits, value; the first three are chassis, port, time to live
//! 127: OUI 3, subtype u8, value
//! ```

use std::net::Ipv4Addr;

use auscult_model::MacAddr;

use crate::{Cursor, Record, Tier, text};

/// What is known of the protocol.
pub static RECORD: Record = Record {
    name: "lldp",
    title: "Link Layer Discovery Protocol",
    tier: Tier::Decoded,
    transports: &[],
    ports: &[],
    weak: false,
    sources: &["IEEE 802.1AB", "ANSI/TIA-1057"],
    reads: &[
        "chassis, port, name and description of the system, what it is for, management address",
        "LLDP-MED: maker, model, serial number, firmware, software, asset number",
    ],
    leaves_out: "VLANs, power, network policies, PROFINET.",
    attributes: &[],
    bounds: &[],
    false_likely: "none: named by the EtherType",
};

/// EtherType.
pub const ETHERTYPE: u16 = 0x88cc;
const TLVS_MAX: usize = 64;
/// Organisation of LLDP-MED.
const MED: [u8; 3] = [0x00, 0x12, 0xbb];

/// What the sender of a frame says of itself: attributes with their values. `bytes` begin behind
/// the EtherType.
pub fn said(bytes: &[u8]) -> Vec<(&'static str, String)> {
    let mut said = Vec::new();
    let mut cursor = Cursor::new(bytes);
    for _ in 0..TLVS_MAX {
        let Some(head) = cursor.be_u16() else { break };
        let Some(value) = cursor.take(usize::from(head & 0x1ff)) else {
            break;
        };
        let attribute = match head >> 9 {
            0 => break,
            1 => "lldp_chassis",
            2 => "lldp_port",
            4 => "lldp_port_description",
            5 => "lldp_system_name",
            6 => "lldp_system_description",
            7 => "lldp_capabilities",
            8 => "management_address",
            127 => match value {
                [a, b, c, subtype, rest @ ..] if [*a, *b, *c] == MED => {
                    if let Some(attribute) = inventory(*subtype) {
                        said.push((attribute, text::lenient(rest)));
                    }
                    continue;
                }
                _ => continue,
            },
            _ => continue,
        };
        let shown = match head >> 9 {
            1 => id(value, 4),
            2 => id(value, 3),
            7 => capabilities(value),
            8 => management(value),
            _ => text::lenient(value),
        };
        said.push((attribute, shown));
    }
    said.retain(|(_, value)| !value.is_empty());
    said
}

/// LLDP-MED's inventory, by subtype.
fn inventory(subtype: u8) -> Option<&'static str> {
    Some(match subtype {
        5 => "hardware",
        6 => "firmware",
        7 => "software",
        8 => "serial",
        9 => "vendor",
        10 => "model",
        11 => "asset",
        _ => return None,
    })
}

/// An identity with its kind in front: of chassis 4, of ports 3 is a MAC address; 5 and 4 are
/// network addresses, most others text.
fn id(value: &[u8], mac: u8) -> String {
    match *value {
        [kind, a, b, c, d, e, f] if kind == mac => MacAddr([a, b, c, d, e, f]).to_string(),
        [kind, 1, a, b, c, d] if kind == mac + 1 => Ipv4Addr::new(a, b, c, d).to_string(),
        [kind, ref name @ ..] if kind != mac && text::is_printable_ascii(name) => {
            text::lenient(name)
        }
        _ => String::new(),
    }
}

/// Those that are switched on, the second word.
fn capabilities(value: &[u8]) -> String {
    let &[_, _, high, low] = value else {
        return String::new();
    };
    let names = [
        "other",
        "repeater",
        "bridge",
        "wlan-access-point",
        "router",
        "telephone",
        "docsis",
        "station",
    ];
    let on = u16::from_be_bytes([high, low]);
    let on = names
        .iter()
        .enumerate()
        .filter(|(bit, _)| on >> bit & 1 == 1);
    let on: Vec<&str> = on.map(|(_, name)| *name).collect();
    on.join(", ")
}

fn management(value: &[u8]) -> String {
    match *value {
        [5, 1, a, b, c, d, ..] => Ipv4Addr::new(a, b, c, d).to_string(),
        [7, 6, a, b, c, d, e, f, ..] => MacAddr([a, b, c, d, e, f]).to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle;

    /// Behind the EtherType of each frame of a capture.
    fn all(capture: &str) -> Vec<Vec<(&'static str, String)>> {
        let Some(path) = oracle::shared(capture) else {
            return Vec::new();
        };
        let frames = oracle::frames(&path);
        let bodies = frames.iter().filter_map(|(_, _, frame)| {
            (frame.get(12..14)? == ETHERTYPE.to_be_bytes()).then(|| frame.get(14..))?
        });
        bodies.map(said).collect()
    }

    /// Switches of others, as tshark shows them too.
    #[test]
    fn real_switches() {
        let has = |all: &[Vec<(&'static str, String)>], attribute: &str, value: &str| {
            let mut said = all.iter().flatten();
            let found = said.any(|(name, known)| *name == attribute && known == value);
            assert!(found || all.is_empty(), "{attribute} = {value}: {all:?}");
        };
        let found = all("captures/arkime/wireshark-lldp.pcap");
        has(&found, "lldp_chassis", "00:01:30:f9:ad:a0");
        has(&found, "lldp_system_name", "Summit300-48");
        has(&found, "lldp_port_description", "Summit300-48-Port 1001");
        has(&found, "lldp_port", "1/1");
        has(&found, "lldp_capabilities", "bridge, router");
        let found = all("captures/wireshark-wiki/lldpmed_civicloc.pcap");
        has(&found, "lldp_system_name", "ProCurve Switch 2600-8-PWR");
        has(&found, "lldp_chassis", "00:13:21:57:ca:40");
    }

    #[test]
    fn inventory_of_a_telephone() {
        let tlv = |kind: u16, value: &[u8]| {
            [&(kind << 9 | value.len() as u16).to_be_bytes()[..], value].concat()
        };
        let bytes = [
            tlv(1, &[5, 1, 10, 1, 1, 7]),
            tlv(7, &[0, 0x24, 0, 0x20]),
            tlv(127, b"\x00\x12\xbb\x08INV-7"),
            tlv(127, b"\x00\x12\xbb\x0aPhone 9"),
            tlv(127, b"\x00\x80\xc2\x0aother"),
            tlv(0, &[]),
            tlv(5, b"behind the end"),
        ]
        .concat();
        let wanted = [
            ("lldp_chassis", "10.1.1.7"),
            ("lldp_capabilities", "telephone"),
            ("serial", "INV-7"),
            ("model", "Phone 9"),
        ];
        let wanted = wanted.map(|(attribute, value)| (attribute, value.to_owned()));
        assert_eq!(said(&bytes), wanted);
        for end in 0..bytes.len() {
            let part = said(&bytes[..end]);
            assert!(wanted.starts_with(&part), "{end}: {part:?}");
        }
    }
}
