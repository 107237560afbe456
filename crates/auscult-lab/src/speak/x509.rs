//! Certificates as they stand in a TLS handshake (RFC 5280), signed by nobody.

use super::ber::tlv;
use crate::prng::Prng;

/// What a certificate says.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// Common name of the holder.
    pub subject: String,
    /// Common name of who signed it.
    pub issuer: String,
    /// Bits of the RSA key; a multiple of eight.
    pub bits: usize,
    /// Two certificates with the same word have the same key.
    pub key: String,
    /// Signed with MD5 or SHA-1 rather than SHA-256.
    pub old_digest: bool,
    /// First and last year in which it holds.
    pub years: (u16, u16),
}

fn common_name(text: &str) -> Vec<u8> {
    let pair = [tlv(6, &[0x55, 4, 3]), tlv(12, text.as_bytes())].concat();
    tlv(0x30, &tlv(0x31, &tlv(0x30, &pair)))
}

fn year(year: u16) -> Vec<u8> {
    if year < 2050 {
        tlv(23, format!("{:02}0101000000Z", year % 100).as_bytes())
    } else {
        tlv(24, format!("{year}0101000000Z").as_bytes())
    }
}

impl Certificate {
    /// Its DER.
    pub fn der(&self) -> Vec<u8> {
        // 1.2.840.113549.1.1.5 and .11: RSA with SHA-1, with SHA-256.
        let digest = if self.old_digest { 5 } else { 11 };
        let rsa = |last| [&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1][..], &[last]].concat();
        let algorithm = |last| tlv(0x30, &[tlv(6, &rsa(last)), tlv(5, &[])].concat());
        let mut key = Prng::new(4_711).fork(&self.key);
        let mut modulus = key.bytes(self.bits / 8);
        if let (Some(first), length) = (modulus.first().copied(), modulus.len()) {
            modulus[0] = first | 0x80;
            modulus[length - 1] |= 1;
        }
        modulus.insert(0, 0);
        let numbers = [tlv(2, &modulus), tlv(2, &[1, 0, 1])].concat();
        let public = [&[0][..], &tlv(0x30, &numbers)].concat();
        let mut own = Prng::new(4_712).fork(&format!("{self:?}"));
        let mut serial = own.bytes(8);
        serial[0] = serial[0] & 0x7f | 0x40;
        let inside = [
            tlv(0xa0, &tlv(2, &[2])),
            tlv(2, &serial),
            algorithm(digest),
            common_name(&self.issuer),
            tlv(0x30, &[year(self.years.0), year(self.years.1)].concat()),
            common_name(&self.subject),
            tlv(0x30, &[algorithm(1), tlv(3, &public)].concat()),
        ];
        let signature = [&[0][..], &own.bytes(self.bits / 8)].concat();
        let whole = [
            tlv(0x30, &inside.concat()),
            algorithm(digest),
            tlv(3, &signature),
        ];
        tlv(0x30, &whole.concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_key_under_two_names() {
        let one = Certificate {
            subject: "pump1".to_owned(),
            issuer: "Pumps".to_owned(),
            bits: 1024,
            key: "fleet".to_owned(),
            old_digest: true,
            years: (2015, 2035),
        };
        let two = Certificate {
            subject: "pump2".to_owned(),
            ..one.clone()
        };
        let (a, b) = (one.der(), two.der());
        assert_eq!(a[..2], [0x30, 0x82]);
        assert_eq!(usize::from(u16::from_be_bytes([a[2], a[3]])) + 4, a.len());
        let key = |der: &[u8]| {
            let at = der.windows(4).position(|w| w == [2, 0x81, 0x81, 0]);
            at.and_then(|at| der.get(at..at + 132).map(<[u8]>::to_vec))
        };
        assert!(key(&a).is_some());
        assert_eq!(key(&a), key(&b));
        assert_ne!(a, b);
    }
}
