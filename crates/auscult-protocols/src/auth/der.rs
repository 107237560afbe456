//! ASN.1 as LDAP and Kerberos write it: tag, length, value.
//!
//! Source: X.690, definite lengths of at most four bytes and tags of one.

/// One element: its tag, its value, and what follows it. `None` when it is not whole.
pub(super) fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (length, rest) = length(rest)?;
    let value = rest.get(..length)?;
    Some((*tag, value, rest.get(length..)?))
}

/// The value of the element that `bytes` begin with, when it has this tag, and what follows.
pub(super) fn tagged(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, value, rest) = element(bytes)?;
    (found == tag).then_some((value, rest))
}

/// The value of the element of this tag among those that follow each other.
pub(super) fn among(mut bytes: &[u8], tag: u8) -> Option<&[u8]> {
    while let Some((found, value, rest)) = element(bytes) {
        if found == tag {
            return Some(value);
        }
        bytes = rest;
    }
    None
}

/// The length that `bytes` begin with, and what follows it.
pub(super) fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    match first {
        0..=0x7f => Some((usize::from(*first), rest)),
        0x81..=0x84 => {
            let count = usize::from(first & 0x7f);
            let digits = rest.get(..count)?;
            let length = digits
                .iter()
                .fold(0usize, |sum, digit| (sum << 8) | usize::from(*digit));
            Some((length, rest.get(count..)?))
        }
        _ => None,
    }
}

/// The bytes of the element that `bytes` begin with, header included, as far as that can be told.
pub(super) fn size(bytes: &[u8]) -> Option<usize> {
    let (length, rest) = length(bytes.get(1..)?)?;
    Some((bytes.len() - rest.len()).saturating_add(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_follow_each_other() {
        let bytes = b"\x02\x01\x05\x30\x81\x02ab";
        assert_eq!(element(bytes), Some((2, &b"\x05"[..], &bytes[3..])));
        assert_eq!(among(bytes, 0x30), Some(&b"ab"[..]));
        assert_eq!(among(bytes, 0x31), None);
        assert_eq!(size(&bytes[3..]), Some(5));
        assert_eq!(size(b"\x30\x82\x01"), None);
        assert_eq!(element(b"\x30\x80"), None);
    }
}
