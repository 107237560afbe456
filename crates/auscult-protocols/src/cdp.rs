//! CDP: what Cisco's devices, and some others, tell their neighbour on the cable.
//!
//! Source: Cisco's published description of the protocol (Configuring CDP; LAN Switching), as
//! Wireshark reads it. Each frame stands for itself; the engine calls [`said`] for every one.
//! Limit: [`TLVS_MAX`] TLVs a frame.
//!
//! ```text
//! version u8 · time to live u8 · checksum u16 · TLVs: type u16, length u16 with these four, value
//! ```

use crate::{Cursor, Record, Tier, text};

/// What is known of the protocol.
pub static RECORD: Record = Record {
    name: "cdp",
    title: "Cisco Discovery Protocol",
    tier: Tier::Decoded,
    transports: &[],
    ports: &[],
    weak: false,
    sources: &["Cisco: Configuring Cisco Discovery Protocol"],
    reads: &["name, platform, software version and port of the device, what it is for"],
    leaves_out: "Addresses, VLANs, VTP, power.",
    attributes: &[],
    bounds: &[],
    false_likely: "none: named by the SNAP identifier",
};

/// LLC and SNAP header of its frames.
pub const SNAP: [u8; 8] = [0xaa, 0xaa, 0x03, 0x00, 0x00, 0x0c, 0x20, 0x00];
const TLVS_MAX: usize = 64;

/// What the sender of a frame says of itself: attributes with their values. `bytes` begin behind
/// the SNAP header.
pub fn said(bytes: &[u8]) -> Vec<(&'static str, String)> {
    let mut said = Vec::new();
    let mut cursor = Cursor::new(bytes);
    if cursor.take(4).is_none() {
        return said;
    }
    for _ in 0..TLVS_MAX {
        let (Some(kind), Some(length)) = (cursor.be_u16(), cursor.be_u16()) else {
            break;
        };
        let Some(length) = usize::from(length).checked_sub(4) else {
            break;
        };
        let Some(value) = cursor.take(length) else {
            break;
        };
        match kind {
            1 => said.push(("cdp_device_id", text::lenient(value))),
            3 => said.push(("cdp_port", text::lenient(value))),
            4 => said.push(("cdp_capabilities", capabilities(value))),
            5 => {
                let first = value.split(|byte| matches!(byte, b'\n' | b'\r')).next();
                said.push(("cdp_version", text::lenient(first.unwrap_or_default())));
            }
            6 => {
                let platform = text::lenient(value);
                let bare = platform
                    .strip_prefix("cisco ")
                    .or(platform.strip_prefix("Cisco "));
                if bare.is_some() {
                    said.push(("vendor", "Cisco".to_owned()));
                }
                said.push(("model", bare.unwrap_or(&platform).to_owned()));
            }
            _ => {}
        }
    }
    said.retain(|(_, value)| !value.is_empty());
    said
}

fn capabilities(value: &[u8]) -> String {
    let Ok(value) = <[u8; 4]>::try_from(value) else {
        return String::new();
    };
    let bits = u32::from_be_bytes(value);
    let names = [
        (0x01, "router"),
        (0x02, "bridge"),
        (0x08, "switch"),
        (0x10, "host"),
        (0x80, "telephone"),
    ];
    let on = names.iter().filter(|(bit, _)| bits & bit != 0);
    let on: Vec<&str> = on.map(|(_, name)| *name).collect();
    on.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle;

    /// A switch of others, as tshark shows it too.
    #[test]
    fn a_real_switch() {
        let Some(path) = oracle::shared("captures/wireshark-wiki/cdp_v2.pcap") else {
            return;
        };
        let mut read = 0;
        for (_, _, frame) in oracle::frames(&path) {
            if frame.get(14..22) != Some(&SNAP[..]) {
                continue;
            }
            let body = &frame[22..];
            let found = said(body);
            read += 1;
            for wanted in [
                ("cdp_device_id", "myswitch"),
                ("cdp_port", "FastEthernet0/1"),
                ("vendor", "Cisco"),
                ("model", "WS-C2950-12"),
            ] {
                let has = found
                    .iter()
                    .any(|(name, value)| (*name, value.as_str()) == wanted);
                assert!(has, "{wanted:?}: {found:?}");
            }
            // Cut anywhere it says less, and nothing else.
            for end in 0..body.len() {
                assert!(found.starts_with(&said(&body[..end])), "{end}");
            }
        }
        println!("{read} frames");
    }

    #[test]
    fn lengths_lead_nowhere() {
        for length in 0..4 {
            assert_eq!(said(&[2, 180, 0, 0, 0, 1, 0, length, b'x']), []);
        }
        assert_eq!(said(&[2, 180, 0, 0, 0, 1, 0xff, 0xff, b'x']), []);
    }
}
