//! NetBIOS names as name service and datagram service carry them.
//!
//! Sources: RFC 1001 §14.1 (first-level encoding), RFC 1002 §4.1; suffixes: [MS-NBTE] §2.2.1,
//! [MS-BRWS] §2.1.1.
//!
//! ```text
//! 0x20, 32 letters A to P (each byte of the name as two half bytes), labels of a scope, 0
//! name: 15 bytes, padded with spaces, and a suffix that says what it names
//! ```

use crate::text;

/// Bytes of a name, its suffix the last.
const NAME_LEN: usize = 16;
/// Bytes of a name in letters, with the length in front.
const ENCODED_LEN: usize = 1 + 2 * NAME_LEN;

/// A name and what it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    /// Without padding.
    pub(crate) text: String,
    /// Kind of name.
    pub(crate) suffix: u8,
}

/// Suffixes, by what holds such a name. Whether it is a group's is not in the suffix alone.
pub(crate) mod suffix {
    pub(crate) const WORKSTATION: u8 = 0x00;
    pub(crate) const DOMAIN_MASTER: u8 = 0x1b;
    pub(crate) const DOMAIN_CONTROLLERS: u8 = 0x1c;
    pub(crate) const MASTER_BROWSER: u8 = 0x1d;
    pub(crate) const ELECTION: u8 = 0x1e;
    pub(crate) const SERVER: u8 = 0x20;
}

/// Whether `bytes` begin with a name in letters: 132 bits that agree.
pub(crate) fn is_encoded(bytes: &[u8]) -> bool {
    matches!(bytes.get(..ENCODED_LEN), Some([0x20, letters @ ..]) if letters.iter().all(is_letter))
}

/// Whether `bytes` could be the beginning of a name in letters.
pub(crate) fn may_be_encoded(bytes: &[u8]) -> bool {
    let seen = bytes.get(..ENCODED_LEN).unwrap_or(bytes);
    match seen {
        [] => true,
        [0x20, letters @ ..] => letters.iter().all(is_letter),
        _ => false,
    }
}

fn is_letter(byte: &u8) -> bool {
    (b'A'..=b'P').contains(byte)
}

impl Name {
    /// Reads a name in letters at the start of `bytes`.
    pub(crate) fn encoded(bytes: &[u8]) -> Option<Self> {
        let (_, letters) = bytes.get(..ENCODED_LEN)?.split_first()?;
        if !is_encoded(bytes) {
            return None;
        }
        let mut name = [0; NAME_LEN];
        for (byte, pair) in name.iter_mut().zip(letters.chunks_exact(2)) {
            if let [high, low] = pair {
                *byte = (high - b'A') << 4 | (low - b'A');
            }
        }
        Some(Name::plain(&name))
    }

    /// Reads a name that is not in letters.
    pub(crate) fn plain(name: &[u8; NAME_LEN]) -> Self {
        let [text @ .., suffix] = name;
        let text = text.trim_ascii_end();
        Name {
            text: text::lenient(text),
            suffix: *suffix,
        }
    }

    /// What holding such a name says of its holder: attribute and value.
    pub(crate) fn said(&self, is_group: bool) -> Option<(&'static str, &str)> {
        match (self.suffix, is_group) {
            (suffix::WORKSTATION | suffix::SERVER, false) => Some(("netbios_name", &self.text)),
            (suffix::WORKSTATION | suffix::ELECTION, true) => Some(("workgroup", &self.text)),
            _ => None,
        }
    }

    /// The part that the holder of such a name plays, beside having one.
    pub(crate) fn part(&self, is_group: bool) -> Option<&'static str> {
        match (self.suffix, is_group) {
            (suffix::DOMAIN_MASTER, false) => Some("domain-master-browser"),
            (suffix::DOMAIN_CONTROLLERS, true) => Some("domain-controller"),
            (suffix::MASTER_BROWSER, false) => Some("master-browser"),
            _ => None,
        }
    }
}

/// Where what follows a name in letters begins: behind the labels of its scope.
pub(crate) fn end_of_encoded(bytes: &[u8]) -> Option<usize> {
    let mut at = ENCODED_LEN;
    loop {
        let length = usize::from(*bytes.get(at)?);
        at += 1 + length;
        if length == 0 {
            return Some(at);
        }
        if length > 63 || at > 255 {
            return None;
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A name in letters as tshark shows it: bytes that are no text as numbers, the suffix behind.
    pub(crate) fn shown(encoded: &[u8]) -> String {
        let half = |letter: u8| letter.checked_sub(b'A').filter(|half| *half < 16);
        let letters = encoded.get(1..ENCODED_LEN).unwrap_or_default();
        let name: Option<Vec<u8>> = letters
            .chunks_exact(2)
            .map(|pair| Some(half(pair[0])? << 4 | half(pair[1])?))
            .collect();
        let Some((suffix, text)) = name.as_deref().and_then(<[u8]>::split_last) else {
            return String::new();
        };
        let mut shown = String::new();
        for &byte in text.trim_ascii_end() {
            match byte {
                0x20..=0x7e => shown.push(char::from(byte)),
                _ => shown.push_str(&format!("<{byte:02x}>")),
            }
        }
        format!("{shown}<{suffix:02x}>")
    }

    /// RFC 1001 §14.1: FRED in scope NETBIOS.COM.
    #[test]
    fn the_example_of_the_standard() {
        let bytes = b"\x20EGFCEFEECACACACACACACACACACACACA\x07NETBIOS\x03COM\0";
        let name = Name::encoded(bytes).unwrap();
        assert_eq!((name.text.as_str(), name.suffix), ("FRED", 0x20));
        assert_eq!(end_of_encoded(bytes), Some(bytes.len()));
        assert!(may_be_encoded(&bytes[..20]) && !is_encoded(&bytes[..20]));
        assert!(!may_be_encoded(b"\x20FEQ") && !may_be_encoded(b"\x03www"));
        assert_eq!(end_of_encoded(&bytes[..40]), None);
    }
}
