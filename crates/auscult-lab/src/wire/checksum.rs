//! The Internet checksum (RFC 1071), alone and with the IPv4 pseudo header.

use std::net::Ipv4Addr;

fn sum(bytes: &[u8]) -> u32 {
    bytes
        .chunks(2)
        .map(|pair| match pair {
            [a, b] => u32::from(u16::from_be_bytes([*a, *b])),
            [a] => u32::from(*a) << 8,
            _ => 0,
        })
        .fold(0, |total, word| total.wrapping_add(word))
}

fn fold(mut total: u32) -> u16 {
    while total > 0xffff {
        total = (total & 0xffff) + (total >> 16);
    }
    !(total as u16)
}

/// The checksum over `bytes`, whose own checksum field is zero.
pub fn internet(bytes: &[u8]) -> u16 {
    fold(sum(bytes))
}

/// The checksum of a TCP or UDP message, whose own checksum field is zero.
pub fn transport(from: Ipv4Addr, to: Ipv4Addr, protocol: u8, message: &[u8]) -> u16 {
    let pseudo =
        sum(&from.octets()) + sum(&to.octets()) + u32::from(protocol) + message.len() as u32;
    fold(pseudo + sum(message))
}

#[cfg(test)]
mod tests {
    #[test]
    fn example_of_rfc_1071() {
        // RFC 1071 §3: 00 01 f2 03 f4 f5 f6 f7 sums to ddf2, so the checksum is its complement.
        assert_eq!(
            super::internet(&[0, 1, 0xf2, 3, 0xf4, 0xf5, 0xf6, 0xf7]),
            !0xddf2
        );
    }
}
