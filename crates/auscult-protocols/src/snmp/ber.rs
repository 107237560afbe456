//! The part of BER that SNMP uses: tags of one byte, definite lengths.
//!
//! Source: ITU-T X.690 §8.1. What a capture cut off is read as far as whole values go; nothing is
//! allocated, and nothing recurses.

use std::fmt::Write;

/// Longest object identifier that is shown, in numbers (RFC 3416 §1: 128).
const ARCS_MAX: usize = 128;

/// Tags.
pub(super) mod tag {
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const OCTETS: u8 = 0x04;
    pub(crate) const OBJECT_ID: u8 = 0x06;
    pub(crate) const SEQUENCE: u8 = 0x30;
}

/// Reads values one behind the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ber<'a> {
    rest: &'a [u8],
}

impl<'a> Ber<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Ber { rest: bytes }
    }

    /// The next value's tag.
    pub(super) fn tag(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Takes the next value's tag and length; what is behind them may be cut.
    fn head(&mut self) -> Option<(u8, usize)> {
        let (tag, length, used) = head(self.rest).ok()?;
        self.rest = self.rest.get(used..)?;
        Some((tag, length))
    }

    /// Goes into the next value, which holds others and may be cut.
    pub(super) fn enter(&mut self, tag: u8) -> Option<Ber<'a>> {
        (self.tag()? == tag).then_some(())?;
        let (_, length) = self.head()?;
        let end = length.min(self.rest.len());
        let (inside, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        Some(Ber { rest: inside })
    }

    /// The next value, whatever it is, whole.
    pub(super) fn any(&mut self) -> Option<(u8, &'a [u8])> {
        let (tag, length) = self.head()?;
        let (value, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some((tag, value))
    }

    /// The next value, which has this tag, whole.
    pub(super) fn value(&mut self, tag: u8) -> Option<&'a [u8]> {
        (self.tag()? == tag).then_some(())?;
        self.any().map(|(_, value)| value)
    }

    /// The next value as a number.
    pub(super) fn integer(&mut self) -> Option<i64> {
        integer(self.value(tag::INTEGER)?)
    }
}

/// Why a tag with its length cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoHead {
    /// There is more of it to come.
    Short,
    /// Lengths without end, or of more than three bytes.
    Bad,
}

/// Tag and length at the front of `bytes`, and how many bytes they take.
pub(super) fn head(bytes: &[u8]) -> Result<(u8, usize, usize), NoHead> {
    let &[tag, first, ref rest @ ..] = bytes else {
        return Err(NoHead::Short);
    };
    let count = match first {
        0..=0x7f => return Ok((tag, usize::from(first), 2)),
        0x81..=0x83 => usize::from(first & 0x7f),
        _ => return Err(NoHead::Bad),
    };
    let digits = rest.get(..count).ok_or(NoHead::Short)?;
    let length = digits
        .iter()
        .fold(0, |sum, digit| sum << 8 | usize::from(*digit));
    Ok((tag, length, 2 + count))
}

/// A number of at most eight bytes, two's complement.
pub(super) fn integer(value: &[u8]) -> Option<i64> {
    let (first, _) = value.split_first()?;
    if value.len() > 8 {
        return None;
    }
    let sign = if first & 0x80 == 0 { 0 } else { -1 };
    Some(
        value
            .iter()
            .fold(sign, |sum, byte| sum << 8 | i64::from(*byte)),
    )
}

/// The numbers of a part of an object identifier that is not its front.
pub(super) fn numbers(part: &[u8]) -> impl Iterator<Item = u64> {
    let mut bytes = part.iter();
    let next = move || {
        let mut number: u64 = 0;
        loop {
            let byte = *bytes.next()?;
            number = number << 7 | u64::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
    };
    std::iter::from_fn(next).take(ARCS_MAX)
}

/// A part of an object identifier that is not its front, in dots.
pub(super) fn dotted_part(part: &[u8]) -> String {
    join(numbers(part))
}

/// An object identifier in dots.
pub(super) fn dotted(oid: &[u8]) -> String {
    let mut numbers = numbers(oid);
    // The first two are in one (X.690 §8.19.4).
    let Some(both) = numbers.next() else {
        return String::new();
    };
    let top = (both / 40).min(2);
    join([top, both - 40 * top].into_iter().chain(numbers))
}

fn join(numbers: impl Iterator<Item = u64>) -> String {
    let mut text = String::new();
    for number in numbers {
        if !text.is_empty() {
            text.push('.');
        }
        // Writing to a string cannot fail.
        let _ = write!(text, "{number}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_identifiers() {
        assert_eq!(integer(&[0x00, 0x80]), Some(128));
        assert_eq!(integer(&[0xff]), Some(-1));
        assert_eq!(integer(&[]), None);
        assert_eq!(integer(&[1; 9]), None);
        let oid = [0x2b, 6, 1, 4, 1, 0xbf, 0x08, 3, 2, 10];
        assert_eq!(dotted(&oid), "1.3.6.1.4.1.8072.3.2.10");
        assert_eq!(dotted(&[0x88, 0x37]), "2.999");
        // A number without its end is none.
        assert_eq!(dotted(&[0x2b, 0x81]), "1.3");
        assert_eq!(dotted(&[1; 300]).split('.').count(), ARCS_MAX + 1);
    }

    #[test]
    fn lengths() {
        assert_eq!(head(&[0x30, 0x7f]), Ok((0x30, 127, 2)));
        assert_eq!(head(&[0x30, 0x82, 1, 2]), Ok((0x30, 258, 4)));
        assert_eq!(head(&[0x30, 0x82, 1]), Err(NoHead::Short));
        assert_eq!(head(&[0x30]), Err(NoHead::Short));
        assert_eq!(head(&[0x30, 0x80]), Err(NoHead::Bad));
        assert_eq!(head(&[0x30, 0x84, 0, 0, 0, 1]), Err(NoHead::Bad));
        let mut cut = Ber::new(&[0x30, 9, 2, 1, 5, 4, 9, b'x']);
        let mut inside = cut.enter(tag::SEQUENCE).unwrap();
        assert_eq!(
            (inside.integer(), inside.value(tag::OCTETS)),
            (Some(5), None)
        );
    }
}
