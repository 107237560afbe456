//! Link-layer addresses. Network addresses are the standard library's [`std::net::IpAddr`].

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A 48-bit MAC address, shown in lower case with colons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MacAddr(pub [u8; 6]);

/// One write: keys of tables are made of addresses.
impl Hash for MacAddr {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.to_bits());
    }
}

/// Hashes an address in one write, where the standard library makes three.
pub fn hash_ip<H: Hasher>(ip: IpAddr, state: &mut H) {
    match ip {
        IpAddr::V4(ip) => state.write_u32(ip.to_bits()),
        IpAddr::V6(ip) => state.write_u128(ip.to_bits()),
    }
}

/// Hashes a link-layer address, or that there is none, in one write.
pub fn hash_mac<H: Hasher>(mac: Option<MacAddr>, state: &mut H) {
    state.write_u64(mac.map_or(u64::MAX, MacAddr::to_bits));
}

impl MacAddr {
    /// The 48 bits as a number.
    pub fn to_bits(self) -> u64 {
        let [a, b, c, d, e, f] = self.0;
        u64::from_be_bytes([0, 0, a, b, c, d, e, f])
    }

    /// All ones: everybody on the segment.
    pub const BROADCAST: MacAddr = MacAddr([0xff; 6]);
    /// All zeros: no address (loopback, cooked captures without one).
    pub const NONE: MacAddr = MacAddr([0; 6]);

    /// Group bit set: broadcast or multicast, never a sender.
    pub fn is_group(self) -> bool {
        self.0[0] & 1 != 0
    }

    /// Locally administered: randomised, virtual or set by hand, so that no vendor can be read
    /// from it (IEEE 802, U/L bit).
    pub fn is_local(self) -> bool {
        self.0[0] & 2 != 0
    }

    /// A universal unicast address other than zero: one that a maker gave to a network part.
    pub fn is_universal(self) -> bool {
        !self.is_group() && !self.is_local() && self != Self::NONE
    }

    /// A virtual router's address: VRRP/CARP, HSRP v1 and v2, GLBP (RFC 5798, Cisco documents).
    pub fn is_virtual_router(self) -> bool {
        matches!(
            self.0,
            [0x00, 0x00, 0x5e, 0x00, 0x01 | 0x02, _]
                | [0x00, 0x00, 0x0c, 0x07, 0xac, _]
                | [0x00, 0x00, 0x0c, 0x9f, 0xf0..=0xff, _]
                | [0x00, 0x07, 0xb4, ..]
        )
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl FromStr for MacAddr {
    type Err = &'static str;

    /// Accepts `aa:bb:cc:dd:ee:ff` and `aa-bb-cc-dd-ee-ff`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0u8; 6];
        let mut parts = text.split([':', '-']);
        for byte in &mut bytes {
            let part = parts
                .next()
                .filter(|p| p.len() == 2)
                .ok_or("not a MAC address")?;
            *byte = u8::from_str_radix(part, 16).map_err(|_| "not a MAC address")?;
        }
        if parts.next().is_some() {
            Err("not a MAC address")
        } else {
            Ok(MacAddr(bytes))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        let mac: MacAddr = "00:0C:c6:11:22:33".parse().unwrap();
        assert_eq!(mac.to_string(), "00:0c:c6:11:22:33");
        assert!("00:0c:c6:11:22".parse::<MacAddr>().is_err());
        assert!("00:0c:c6:11:22:33:44".parse::<MacAddr>().is_err());
    }
}
