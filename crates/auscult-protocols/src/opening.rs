//! The first bytes of a message, compared with what a format fixes of them.

use crate::Probe;

/// What a format says of one byte.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Byte {
    /// This value.
    Is(u8),
    /// One of these values.
    In(&'static [u8]),
    /// From one value to another, both included.
    Between(u8, u8),
    /// Anything.
    Any,
}

impl Byte {
    fn fits(self, byte: u8) -> bool {
        match self {
            Byte::Is(value) => byte == value,
            Byte::In(values) => values.contains(&byte),
            Byte::Between(low, high) => (low..=high).contains(&byte),
            Byte::Any => true,
        }
    }
}

/// `then` when `bytes` begin as `shape` says; open while they are too few and fit.
pub(crate) fn shape(bytes: &[u8], shape: &[Byte], then: Probe) -> Probe {
    if !bytes.iter().zip(shape).all(|(byte, part)| part.fits(*byte)) {
        return Probe::No;
    }
    match bytes.len() >= shape.len() {
        true => then,
        false => Probe::Maybe,
    }
}

/// `then` when `bytes` begin with `word`; open while they are its beginning.
pub(crate) fn word(bytes: &[u8], word: &[u8], then: Probe) -> Probe {
    if bytes.starts_with(word) {
        then
    } else if word.starts_with(bytes) {
        Probe::Maybe
    } else {
        Probe::No
    }
}

/// The best answer over several `words`, as [`word`].
pub(crate) fn words(bytes: &[u8], words: &[&[u8]], then: Probe) -> Probe {
    let answers = words.iter().map(|one| word(bytes, one, then));
    answers.max().unwrap_or(Probe::No)
}

/// Two bytes at `at`, big endian.
pub(crate) fn be_u16(bytes: &[u8], at: usize) -> Option<u16> {
    let two = bytes.get(at..)?.first_chunk::<2>()?;
    Some(u16::from_be_bytes(*two))
}

/// Four bytes at `at`, big endian.
pub(crate) fn be_u32(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_be_bytes(*four))
}

/// Two bytes at `at`, little endian.
pub(crate) fn le_u16(bytes: &[u8], at: usize) -> Option<u16> {
    let two = bytes.get(at..)?.first_chunk::<2>()?;
    Some(u16::from_le_bytes(*two))
}

/// Four bytes at `at`, little endian.
pub(crate) fn le_u32(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_le_bytes(*four))
}

/// Eight bytes at `at`, little endian.
pub(crate) fn le_u64(bytes: &[u8], at: usize) -> Option<u64> {
    let eight = bytes.get(at..)?.first_chunk::<8>()?;
    Some(u64::from_le_bytes(*eight))
}

/// Whether a length that a message states is the number of bytes there.
pub(crate) fn is_all(length: Option<impl Into<u64>>, bytes: &[u8]) -> bool {
    length.is_some_and(|length| length.into() == bytes.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Byte::{Any, Between, In, Is};

    #[test]
    fn a_shape_is_open_until_all_of_it_is_there() {
        const SHAPE: &[Byte] = &[Is(3), Any, In(&[1, 2]), Between(5, 9)];
        let of = |bytes: &[u8]| shape(bytes, SHAPE, Probe::Certain);
        assert_eq!(of(&[3, 77]), Probe::Maybe);
        assert_eq!(of(&[3, 77, 2, 9, 0]), Probe::Certain);
        assert_eq!(of(&[3, 77, 3]), Probe::No);
        assert_eq!(of(&[3, 77, 2, 4]), Probe::No);
    }

    #[test]
    fn a_word_is_open_while_it_begins() {
        assert_eq!(word(b"RF", b"RFB ", Probe::Likely), Probe::Maybe);
        assert_eq!(word(b"RFB 0", b"RFB ", Probe::Likely), Probe::Likely);
        assert_eq!(words(b"RX", &[b"RFB ", b"RY"], Probe::Likely), Probe::No);
    }
}
