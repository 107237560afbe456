//! Wireless LAN: what access points and stations say of themselves in frames of management.
//!
//! Sources: IEEE 802.11-2020 §9.3.3 (beacon, probe, association), §9.4.2 (elements, RSN suites);
//! Wi-Fi Simple Configuration 2.0.7 §12 (WPS: maker, model, serial number, name). The engine
//! calls [`said`] for every frame that carries no packet. Limits: hidden names stay hidden; names
//! of networks that stations look for are left out, since they tell where people were; vendors'
//! own elements besides WPS and the name in Cisco's.

use auscult_model::{MacAddr, Meaning};

use crate::{Cursor, Record, Tier, text};

/// What is known of the protocol.
pub static RECORD: Record = Record {
    name: "wlan",
    title: "Wireless LAN management",
    tier: Tier::Identity,
    transports: &[],
    ports: &[],
    weak: false,
    sources: &["IEEE 802.11-2020", "Wi-Fi Simple Configuration 2.0.7"],
    reads: &[
        "the network's name and its kind of encryption, by access point",
        "which network a station joins",
        "names of access points (Cisco), maker, model, serial number and name (WPS)",
    ],
    leaves_out: "What stations look for, action frames, other vendors' elements.",
    attributes: &[
        ("ssid", "name of the network that an access point offers"),
        (
            "wireless_security",
            "how that network is encrypted: open, wep, wpa, wpa2-personal, …",
        ),
        (
            "wireless_network",
            "name of the network that a station joins",
        ),
        ("wps_name", "name for people in the element of WPS"),
    ],
    bounds: &[],
    false_likely: "none: named by the frame's type",
};

/// A station or access point, and what it said of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Spoken {
    /// Its address.
    pub mac: MacAddr,
    /// Claims about that address.
    pub claims: Vec<Meaning>,
}

/// Kinds of management frames: the frame control's first byte.
mod kind {
    pub(super) const ASSOCIATION: u8 = 0x00;
    pub(super) const REASSOCIATION: u8 = 0x20;
    pub(super) const PROBE: u8 = 0x40;
    pub(super) const PROBE_RESPONSE: u8 = 0x50;
    pub(super) const BEACON: u8 = 0x80;
}

/// Numbers of elements.
mod element {
    pub(super) const SSID: u8 = 0;
    pub(super) const RSN: u8 = 48;
    pub(super) const AIRONET: u8 = 133;
    pub(super) const VENDOR: u8 = 221;
}

/// The elements that are read.
#[derive(Default)]
struct Elements<'a> {
    ssid: Option<&'a [u8]>,
    rsn: Option<&'a [u8]>,
    wpa: bool,
    aironet: Option<&'a [u8]>,
    wps: Option<&'a [u8]>,
}

/// What a frame of management says, from its frame control on; `None` when nothing is said.
pub fn said(frame: &[u8]) -> Option<Spoken> {
    let mut cursor = Cursor::new(frame);
    let kind = cursor.u8()?;
    // Encrypted ones (IEEE 802.11w) tell nothing.
    if cursor.u8()? & 0x40 != 0 {
        return None;
    }
    cursor.take(8)?;
    let mac = MacAddr(cursor.take(6)?.try_into().ok()?);
    cursor.take(8)?;
    let mut capabilities = 0;
    match kind {
        kind::BEACON | kind::PROBE_RESPONSE => {
            cursor.take(10)?;
            capabilities = cursor.le_u16()?;
        }
        kind::ASSOCIATION => {
            cursor.take(4)?;
        }
        kind::REASSOCIATION => {
            cursor.take(10)?;
        }
        kind::PROBE => {}
        _ => return None,
    }
    if mac.is_group() || mac == MacAddr::NONE {
        return None;
    }
    let elements = Elements::read(cursor);
    let mut claims = Claims {
        mac,
        all: Vec::new(),
    };
    let ssid = elements.ssid.and_then(network_name);
    match kind {
        // An access point; networks without one (IBSS) have no bit 0.
        kind::BEACON | kind::PROBE_RESPONSE if capabilities & 1 != 0 => {
            claims.add("ssid", ssid);
            let private = capabilities & 0x10 != 0;
            claims.add("wireless_security", Some(elements.security(private)));
            claims.add("hostname", elements.aironet.and_then(aironet_name));
        }
        kind::ASSOCIATION | kind::REASSOCIATION => claims.add("wireless_network", ssid),
        _ => {}
    }
    if let Some(wps) = elements.wps {
        claims.configuration(wps);
    }
    let claims = claims.all;
    (!claims.is_empty()).then_some(Spoken { mac, claims })
}

impl<'a> Elements<'a> {
    /// The first of each kind, up to the end or to what does not fit.
    fn read(mut cursor: Cursor<'a>) -> Self {
        let mut found = Elements::default();
        while let (Some(number), Some(len)) = (cursor.u8(), cursor.u8()) {
            let Some(value) = cursor.take(usize::from(len)) else {
                break;
            };
            match (number, value) {
                (element::SSID, name) => found.ssid = found.ssid.or(Some(name)),
                (element::RSN, suites) => found.rsn = found.rsn.or(Some(suites)),
                (element::AIRONET, own) => found.aironet = found.aironet.or(Some(own)),
                (element::VENDOR, [0x00, 0x50, 0xf2, 1, ..]) => found.wpa = true,
                (element::VENDOR, [0x00, 0x50, 0xf2, 4, wps @ ..]) => {
                    found.wps = found.wps.or(Some(wps));
                }
                _ => {}
            }
        }
        found
    }

    /// How the network keeps strangers out, in the words of the Wi-Fi Alliance.
    fn security(&self, private: bool) -> String {
        let mut words: Vec<&str> = Vec::new();
        for suite in self.rsn.and_then(key_management).unwrap_or_default() {
            let word = match suite {
                1 | 3 | 5 => "wpa2-enterprise",
                2 | 4 | 6 => "wpa2-personal",
                8 | 9 | 24 | 25 => "wpa3-personal",
                11..=13 => "wpa3-enterprise",
                18 => "enhanced-open",
                _ => "rsn",
            };
            if !words.contains(&word) {
                words.push(word);
            }
        }
        if self.wpa {
            words.push("wpa");
        }
        if words.is_empty() {
            words.push(match (self.rsn, private) {
                (Some(_), _) => "rsn",
                (None, true) => "wep",
                (None, false) => "open",
            });
        }
        words.join(", ")
    }
}

/// Types of the standard's key management suites in an RSN element.
fn key_management(rsn: &[u8]) -> Option<Vec<u8>> {
    let mut cursor = Cursor::new(rsn);
    cursor.take(6)?;
    let pairwise = cursor.le_u16()?;
    cursor.take(usize::from(pairwise) * 4)?;
    let count = usize::from(cursor.le_u16()?);
    let suites = cursor.take(count * 4)?.chunks_exact(4);
    Some(
        suites
            .filter_map(|suite| match suite {
                [0x00, 0x0f, 0xac, kind] => Some(*kind),
                _ => None,
            })
            .collect(),
    )
}

/// The name, unless it is hidden: empty or zeros.
fn network_name(bytes: &[u8]) -> Option<String> {
    let shown = bytes.len() <= 32 && bytes.iter().any(|byte| *byte != 0);
    shown.then(|| text::lenient(bytes))
}

/// Cisco's element: ten bytes, then the access point's name in sixteen.
fn aironet_name(own: &[u8]) -> Option<String> {
    let name = text::lenient(own.get(10..26)?);
    (!name.is_empty()).then_some(name)
}

struct Claims {
    mac: MacAddr,
    all: Vec<Meaning>,
}

impl Claims {
    fn add(&mut self, attribute: &'static str, value: Option<String>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            let mac = self.mac;
            self.all.push(Meaning::ClaimByMac {
                mac,
                attribute,
                value,
            });
        }
    }

    /// WPS: fields of type, length and value.
    fn configuration(&mut self, wps: &[u8]) {
        let mut cursor = Cursor::new(wps);
        while let (Some(kind), Some(len)) = (cursor.be_u16(), cursor.be_u16()) {
            let Some(value) = cursor.take(usize::from(len)) else {
                return;
            };
            let attribute = match kind {
                0x1021 => "vendor",
                0x1023 => "model",
                0x1042 => "serial",
                0x1011 => "wps_name",
                _ => continue,
            };
            let value = text::lenient(value);
            if !is_filler(&value) {
                self.add(attribute, Some(value));
            }
        }
    }
}

/// What stands in fields that the maker did not fill in.
fn is_filler(value: &str) -> bool {
    let fillers = [
        "none", "n/a", "unknown", "12345", "123456", "1234567", "12345678",
    ];
    value.bytes().all(|byte| matches!(byte, b'0' | b'1' | b' '))
        || fillers
            .iter()
            .any(|filler| value.eq_ignore_ascii_case(filler))
}

#[cfg(test)]
mod tests;
