//! X.509 certificates (RFC 5280), as far as they name and date somebody. DER only; what does not
//! fit gives nothing. Limit: signatures are not checked.

use encoding_rs::UTF_16BE;
use sha2::{Digest, Sha256};

use crate::{Cursor, text};
use auscult_model::hex;

/// Most names of one certificate that are read.
const NAMES_MAX: usize = 16;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;

/// What a certificate says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Certificate {
    /// In the order of the certificate: `C=…, O=…, CN=…`.
    pub(super) subject: String,
    pub(super) issuer: String,
    pub(super) is_self_signed: bool,
    /// Hexadecimal.
    pub(super) serial: String,
    /// `2026-01-31/2027-01-31`.
    pub(super) validity: String,
    /// `RSA 2048`, `EC secp256r1`, …
    pub(super) key: String,
    /// DNS names and addresses.
    pub(super) names: Vec<String>,
    /// SHA-256 of the certificate.
    pub(super) fingerprint: String,
}

/// The next element: tag and content.
fn element<'a>(cursor: &mut Cursor<'a>) -> Option<(u8, &'a [u8])> {
    let tag = cursor.u8()?;
    let length = match cursor.u8()? {
        short @ 0..=0x7f => usize::from(short),
        long => {
            let bytes = cursor.take(usize::from(long & 0x7f))?;
            if bytes.len() > 4 {
                return None;
            }
            bytes
                .iter()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte))
        }
    };
    Some((tag, cursor.take(length)?))
}

/// The content of the next element, if it has this tag.
fn of_tag<'a>(cursor: &mut Cursor<'a>, tag: u8) -> Option<&'a [u8]> {
    let (found, content) = element(cursor)?;
    (found == tag).then_some(content)
}

impl Certificate {
    /// Reads one certificate.
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let whole = of_tag(&mut Cursor::new(der), SEQUENCE)?;
        let mut body = Cursor::new(of_tag(&mut Cursor::new(whole), SEQUENCE)?);
        let (tag, first) = element(&mut body)?;
        // Version 1 has no version.
        let serial = if tag == 0xa0 {
            of_tag(&mut body, INTEGER)?
        } else {
            first
        };
        of_tag(&mut body, SEQUENCE)?;
        let issuer = of_tag(&mut body, SEQUENCE)?;
        let mut validity = Cursor::new(of_tag(&mut body, SEQUENCE)?);
        let subject = of_tag(&mut body, SEQUENCE)?;
        let key = of_tag(&mut body, SEQUENCE)?;
        let mut certificate = Certificate {
            subject: name(subject),
            issuer: name(issuer),
            is_self_signed: issuer == subject,
            serial: hex(serial.strip_prefix(&[0]).unwrap_or(serial)),
            validity: format!("{}/{}", day(&mut validity)?, day(&mut validity)?),
            key: key_words(key).unwrap_or_default(),
            names: Vec::new(),
            fingerprint: hex(&Sha256::digest(der)),
        };
        while let Some((tag, content)) = element(&mut body) {
            if tag == 0xa3 {
                certificate.names = alternative_names(content).unwrap_or_default();
            }
        }
        Some(certificate)
    }
}

/// `YYMMDD…` or `YYYYMMDD…` as a day.
fn day(cursor: &mut Cursor<'_>) -> Option<String> {
    let (tag, time) = element(cursor)?;
    let digits = std::str::from_utf8(time).ok()?;
    let full = match tag {
        0x17 if digits < "50" => format!("20{digits}"),
        0x17 => format!("19{digits}"),
        _ => digits.to_owned(),
    };
    let day = full
        .get(..8)
        .filter(|day| day.bytes().all(|b| b.is_ascii_digit()))?;
    let (year, rest) = day.split_at(4);
    let (month, day) = rest.split_at(2);
    Some(format!("{year}-{month}-{day}"))
}

/// A distinguished name.
fn name(content: &[u8]) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut sets = Cursor::new(content);
    while let Some(set) = of_tag(&mut sets, 0x31) {
        let mut set = Cursor::new(set);
        while let Some(pair) = of_tag(&mut set, SEQUENCE) {
            let mut pair = Cursor::new(pair);
            let kind = of_tag(&mut pair, 0x06).map(attribute_word);
            if let (Some(kind), Some((tag, value))) = (kind, element(&mut pair))
                && parts.len() < NAMES_MAX
            {
                parts.push(format!("{kind}={}", string(tag, value)));
            }
        }
    }
    text::clean(&parts.join(", "))
}

fn string(tag: u8, value: &[u8]) -> String {
    match tag {
        0x1e => text::declared(value, UTF_16BE),
        _ => text::lenient(value),
    }
}

/// The usual word for an attribute, else its number.
fn attribute_word(oid: &[u8]) -> String {
    let word = match oid {
        [0x55, 0x04, 3] => "CN",
        [0x55, 0x04, 5] => "serialNumber",
        [0x55, 0x04, 6] => "C",
        [0x55, 0x04, 7] => "L",
        [0x55, 0x04, 8] => "ST",
        [0x55, 0x04, 9] => "street",
        [0x55, 0x04, 10] => "O",
        [0x55, 0x04, 11] => "OU",
        [0x55, 0x04, 12] => "title",
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1] => "emailAddress",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25] => "DC",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1] => "UID",
        _ => return format!("#{}", hex(oid)),
    };
    word.to_owned()
}

/// Kind and size of a public key.
fn key_words(content: &[u8]) -> Option<String> {
    let mut cursor = Cursor::new(content);
    let mut algorithm = Cursor::new(of_tag(&mut cursor, SEQUENCE)?);
    let kind = of_tag(&mut algorithm, 0x06)?;
    let key = of_tag(&mut cursor, BIT_STRING)?.get(1..)?;
    Some(match kind {
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1] => {
            let mut numbers = Cursor::new(of_tag(&mut Cursor::new(key), SEQUENCE)?);
            let modulus = of_tag(&mut numbers, INTEGER)?;
            let modulus = modulus.strip_prefix(&[0]).unwrap_or(modulus);
            let unused = modulus.first()?.leading_zeros() as usize;
            format!("RSA {}", modulus.len() * 8 - unused)
        }
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1] => match of_tag(&mut algorithm, 0x06) {
            Some([0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]) => "EC secp256r1".to_owned(),
            Some([0x2b, 0x81, 0x04, 0, 34]) => "EC secp384r1".to_owned(),
            Some([0x2b, 0x81, 0x04, 0, 35]) => "EC secp521r1".to_owned(),
            _ => "EC".to_owned(),
        },
        [0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1] => "DSA".to_owned(),
        [0x2b, 0x65, 112] => "Ed25519".to_owned(),
        [0x2b, 0x65, 113] => "Ed448".to_owned(),
        _ => return None,
    })
}

/// Names and addresses of the subject alternative name extension.
fn alternative_names(content: &[u8]) -> Option<Vec<String>> {
    let mut extensions = Cursor::new(of_tag(&mut Cursor::new(content), SEQUENCE)?);
    while let Some(extension) = of_tag(&mut extensions, SEQUENCE) {
        let mut extension = Cursor::new(extension);
        if of_tag(&mut extension, 0x06) != Some(&[0x55, 0x1d, 0x11]) {
            continue;
        }
        let mut found = element(&mut extension)?;
        if found.0 == 0x01 {
            found = element(&mut extension)?;
        }
        let mut list = Cursor::new(of_tag(&mut Cursor::new(found.1), SEQUENCE)?);
        let mut names = Vec::new();
        while let Some((tag, value)) = element(&mut list).filter(|_| names.len() < NAMES_MAX) {
            match (tag, value) {
                (0x82, name) => names.push(text::lenient(name)),
                (0x87, [a, b, c, d]) => names.push(format!("{a}.{b}.{c}.{d}")),
                _ => {}
            }
        }
        return Some(names);
    }
    None
}
