//! Messages of DHCP for IPv6, borrowed from the datagram.
//!
//! ```text
//! 0 type u8 · 1 transaction 3 · 4 options: code u16, length u16, data
//! relay (types 12, 13): 0 type u8 · 1 hops u8 · 2 link address 16 · 18 peer address 16 · 34
//! options
//! DUID: 1 (LLT) hardware u16, time u32, address · 2 (EN) enterprise u32, id
//!       3 (LL) hardware u16, address · 4 UUID 16
//! ```

use std::net::{IpAddr, Ipv6Addr};

use auscult_model::{Bound, MacAddr};

use crate::Probe;

pub(super) static OPTIONS: Bound = Bound::constant(
    "dhcpv6-options",
    128,
    "options of one message",
    "further ones are not read",
);
const OPTIONS_MAX: usize = OPTIONS.default as usize;
/// Relays in a row.
const RELAYS_MAX: usize = 4;
const CLIENT_HEADER: usize = 4;
const RELAY_HEADER: usize = 34;

/// Codes of options (RFC 8415 §21 and later registrations).
pub(super) mod option {
    #![allow(missing_docs, reason = "the registry's own names")]
    pub(crate) const CLIENT_ID: u16 = 1;
    pub(crate) const SERVER_ID: u16 = 2;
    pub(crate) const IA_NA: u16 = 3;
    pub(crate) const IA_ADDRESS: u16 = 5;
    pub(crate) const REQUEST: u16 = 6;
    pub(crate) const RELAY_MESSAGE: u16 = 9;
    pub(crate) const USER_CLASS: u16 = 15;
    pub(crate) const VENDOR_CLASS: u16 = 16;
    pub(crate) const NAME_SERVERS: u16 = 23;
    pub(crate) const CLIENT_FQDN: u16 = 39;
    pub(crate) const CLIENT_LINK_LAYER: u16 = 79;
}

/// Ethernet, as hardware.
const ETHERNET: u16 = 1;

/// What a unique identifier was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Duid {
    /// A card's address.
    Mac(MacAddr),
    /// Something else.
    Other,
}

impl Duid {
    pub(super) fn read(data: &[u8]) -> Option<Self> {
        Some(match *data {
            [0, 1, h0, h1, _, _, _, _, ref mac @ ..] | [0, 3, h0, h1, ref mac @ ..] => {
                match <[u8; 6]>::try_from(mac) {
                    Ok(mac) if u16::from_be_bytes([h0, h1]) == ETHERNET => Duid::Mac(MacAddr(mac)),
                    _ => Duid::Other,
                }
            }
            [0, 2, _, _, _, _, _, ..] | [0, 4, ..] => Duid::Other,
            _ => return None,
        })
    }
}

/// A message, out of the relays around it.
#[derive(Debug)]
pub(super) struct Message<'a> {
    pub(super) kind: u8,
    /// A relay passed it on.
    pub(super) is_relayed: bool,
    /// The client's card, as the relay next to it saw it.
    link_layer: &'a [u8],
    pub(super) options: &'a [u8],
}

impl<'a> Message<'a> {
    pub(super) fn read(mut bytes: &'a [u8]) -> Option<Self> {
        let mut link_layer: &[u8] = &[];
        let mut is_relayed = false;
        for _ in 0..=RELAYS_MAX {
            let kind = *bytes.first()?;
            if !matches!(kind, 12 | 13) {
                let options = bytes.get(CLIENT_HEADER..)?;
                return Some(Message {
                    kind,
                    is_relayed,
                    link_layer,
                    options,
                });
            }
            is_relayed = true;
            let options = bytes.get(RELAY_HEADER..)?;
            link_layer = get(options, option::CLIENT_LINK_LAYER);
            bytes = get(options, option::RELAY_MESSAGE);
        }
        None
    }

    /// It has more options than are read.
    pub(super) fn is_limited(&self) -> bool {
        iter(self.options).nth(OPTIONS_MAX).is_some()
    }

    /// Content of the first option with this code, empty when it is absent.
    pub(super) fn get(&self, code: u16) -> &'a [u8] {
        get(self.options, code)
    }

    pub(super) fn duid(&self) -> Option<Duid> {
        Duid::read(self.get(option::CLIENT_ID))
    }

    /// The client's card: as a relay saw it, else as its DUID says.
    pub(super) fn client_mac(&self) -> Option<MacAddr> {
        match (self.link_layer, self.duid()) {
            (&[0, 1, a, b, c, d, e, f], _) => Some(MacAddr([a, b, c, d, e, f])),
            (_, Some(Duid::Mac(mac))) => Some(mac),
            _ => None,
        }
    }

    /// Addresses with some time to live.
    pub(super) fn addresses(&self) -> impl Iterator<Item = Ipv6Addr> {
        let all = iter(self.options).take(OPTIONS_MAX);
        let associations = all.filter(|(code, _)| *code == option::IA_NA);
        // Identity, two times, options.
        let inner = associations
            .flat_map(|(_, data)| iter(data.get(12..).unwrap_or_default()).take(OPTIONS_MAX));
        inner.filter_map(|(code, data)| {
            let (ip, rest) = data.split_first_chunk::<16>()?;
            let valid = rest.get(4..8)?;
            let lives = code == option::IA_ADDRESS && valid != [0; 4];
            lives.then(|| Ipv6Addr::from(*ip))
        })
    }

    pub(super) fn name_servers(&self) -> Vec<IpAddr> {
        let servers = self.get(option::NAME_SERVERS).chunks_exact(16);
        let servers = servers.filter_map(|ip| ip.first_chunk::<16>());
        servers.map(|ip| IpAddr::V6(Ipv6Addr::from(*ip))).collect()
    }
}

/// Options one behind the other, as far as they are whole.
pub(super) fn iter(mut rest: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let (&[c0, c1, l0, l1], after) = rest.split_first_chunk::<4>()?;
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let (data, after) = after.split_at_checked(length)?;
        rest = after;
        Some((u16::from_be_bytes([c0, c1]), data))
    })
}

fn get(options: &[u8], code: u16) -> &[u8] {
    let mut all = iter(options).take(OPTIONS_MAX);
    all.find(|(known, _)| *known == code)
        .map_or(&[], |(_, data)| data)
}

/// A type of message, and in its chain of options an identifier whose form is known: code,
/// length and type of a DUID are 40 bits.
pub(super) fn probe(bytes: &[u8]) -> Probe {
    probe_within(bytes, RELAYS_MAX)
}

fn probe_within(bytes: &[u8], relays: usize) -> Probe {
    let header = match bytes.first() {
        None => return Probe::Maybe,
        Some(1..=11) => CLIENT_HEADER,
        Some(12 | 13) => RELAY_HEADER,
        Some(_) => return Probe::No,
    };
    let mut rest = bytes.get(header..).unwrap_or_default();
    for _ in 0..8 {
        let Some((&[c0, c1, l0, l1], after)) = rest.split_first_chunk::<4>() else {
            return Probe::Maybe;
        };
        let (code, length) = (u16::from_be_bytes([c0, c1]), u16::from_be_bytes([l0, l1]));
        if !(1..=150).contains(&code) || length > 1500 {
            return Probe::No;
        }
        let Some((data, after)) = after.split_at_checked(usize::from(length)) else {
            return Probe::Maybe;
        };
        match code {
            option::CLIENT_ID | option::SERVER_ID => {
                let fits = (8..=130).contains(&length) && Duid::read(data).is_some();
                return if fits { Probe::Certain } else { Probe::No };
            }
            option::RELAY_MESSAGE if header == RELAY_HEADER => {
                return match relays.checked_sub(1) {
                    Some(relays) => probe_within(data, relays),
                    None => Probe::No,
                };
            }
            _ => rest = after,
        }
    }
    Probe::No
}

/// Name of a type of message (RFC 8415 §7.3).
pub(super) fn kind_name(kind: u8) -> &'static str {
    let names = [
        "solicit",
        "advertise",
        "request",
        "confirm",
        "renew",
        "rebind",
        "reply",
        "release",
        "decline",
        "reconfigure",
        "information-request",
    ];
    let at = usize::from(kind).checked_sub(1);
    at.and_then(|at| names.get(at)).copied().unwrap_or("other")
}
