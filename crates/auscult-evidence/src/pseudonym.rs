//! Other bytes in place of a patient's: of the same length and character class, and the same
//! wherever the same word recurs.
//!
//! A word is a run of letters and digits; what stands between words stays, so that separators,
//! paddings and lengths still fit. Letters become letters of the same case, digits digits; digits
//! that could be a date become another date, so that readers that check dates still read them.
//! Bytes that are no text become other bytes, zero stays zero. The mapping is keyed (HMAC-SHA-256)
//! and one-way: without the key nobody can try names out.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Maps words to others.
pub struct Pseudonyms {
    key: [u8; 32],
}

/// Bytes drawn for one word.
struct Draws {
    key: [u8; 32],
    word: Vec<u8>,
    block: [u8; 32],
    at: usize,
    blocks: u32,
}

impl Draws {
    fn byte(&mut self) -> u8 {
        if self.at >= self.block.len() {
            self.block = keyed(&self.key, &[&self.blocks.to_be_bytes(), &self.word]);
            self.blocks += 1;
            self.at = 0;
        }
        let byte = self.block.get(self.at).copied().unwrap_or_default();
        self.at += 1;
        byte
    }

    /// A number from `first` to `last`.
    fn between(&mut self, first: u8, last: u8) -> u8 {
        first + self.byte() % (last - first + 1)
    }
}

/// HMAC-SHA-256 of the parts, one behind another.
pub(crate) fn keyed(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return [0; 32];
    };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

impl Pseudonyms {
    /// With a secret key.
    pub fn new(key: [u8; 32]) -> Self {
        Pseudonyms { key }
    }

    fn draws(&self, word: &[u8], round: u32) -> Draws {
        Draws {
            key: self.key,
            word: word.to_ascii_lowercase(),
            block: [0; 32],
            at: 32,
            blocks: round << 16,
        }
    }

    /// Replaces the value in `bytes`.
    pub fn replace(&self, bytes: &mut [u8]) {
        if is_text(bytes) {
            for word in bytes.split_mut(|byte| !is_word(*byte)) {
                self.word(word);
            }
        } else {
            let mut draws = self.draws(bytes, 0);
            for byte in bytes.iter_mut().filter(|byte| **byte != 0) {
                *byte = draws.between(1, u8::MAX);
            }
        }
    }

    /// Replaces a value of UTF-16 units.
    pub fn replace_wide(&self, bytes: &mut [u8], little_endian: bool) {
        let low = usize::from(!little_endian);
        let mut narrow: Vec<u8> = bytes.iter().skip(low).step_by(2).copied().collect();
        self.replace(&mut narrow);
        let places = bytes.iter_mut().skip(low).step_by(2);
        for (place, byte) in places.zip(narrow) {
            *place = byte;
        }
    }

    fn word(&self, word: &mut [u8]) {
        let original = word.to_vec();
        // One in many words would become itself.
        for round in 0..4 {
            word.copy_from_slice(&original);
            let mut draws = self.draws(&original, round);
            if word.iter().all(u8::is_ascii_digit) {
                digits(word, &mut draws);
            } else {
                letters(word, &mut draws);
            }
            if word != original.as_slice() {
                return;
            }
        }
    }
}

/// No control characters but line ends, tabs and the zeros behind texts.
fn is_text(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .all(|byte| *byte >= 0x20 && *byte != 0x7f || matches!(byte, 0 | 9 | 10 | 13))
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}

fn number(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |sum: u32, digit| {
        sum.saturating_mul(10).saturating_add(u32::from(digit & 15))
    })
}

fn put(digits: &mut [u8], mut value: u8) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + value % 10;
        value /= 10;
    }
}

/// A day of a month, a month or an hour stays one.
fn pair(digits: &mut [u8], draws: &mut Draws) {
    let value = match number(digits) {
        0 => 0,
        1..=12 => draws.between(1, 12),
        13..=28 => draws.between(13, 28),
        29..=59 => draws.between(29, 59),
        _ => draws.between(60, 99),
    };
    put(digits, value);
}

fn is_year(digits: &[u8]) -> bool {
    (1850..2100).contains(&number(digits))
}

fn digits(word: &mut [u8], draws: &mut Draws) {
    match word.len() {
        2 => pair(word, draws),
        4 if is_year(word) => year(word, draws),
        8 | 10 | 12 | 14 if is_date(word) => {
            let (first, rest) = word.split_at_mut(4);
            year(first, draws);
            rest.chunks_mut(2).for_each(|two| {
                // Months and days that every year has.
                pair(two, draws);
            });
            if let Some(day) = word.get_mut(6..8)
                && number(day) > 28
            {
                put(day, 28);
            }
        }
        _ => {
            // No zero in front appears or vanishes.
            for digit in word.iter_mut().filter(|digit| **digit != b'0') {
                *digit = draws.between(b'1', b'9');
            }
        }
    }
}

fn year(word: &mut [u8], draws: &mut Draws) {
    if let Some((century, rest)) = word.split_at_mut_checked(2) {
        put(century, 19);
        put(rest, draws.between(20, 99));
    }
}

/// Year, month and day in front.
fn is_date(word: &[u8]) -> bool {
    let field = |from: usize, to: usize| word.get(from..to).map_or(0, number);
    word.get(..4).is_some_and(is_year)
        && (1..=12).contains(&field(4, 6))
        && (1..=31).contains(&field(6, 8))
}

fn letters(word: &mut [u8], draws: &mut Draws) {
    if std::str::from_utf8(word).is_err() {
        return word
            .iter_mut()
            .for_each(|byte| *byte = narrow(*byte, draws));
    }
    let mut lead = 0;
    let mut behind = 0;
    for byte in word {
        match *byte {
            0..0x80 => *byte = narrow(*byte, draws),
            0xc0.. => (lead, behind) = (*byte, 0),
            _ => {
                behind += 1;
                // The second byte of some characters is not free.
                let is_free = behind > 1 || matches!(lead, 0xc3..=0xdf | 0xe4..=0xe9);
                if is_free {
                    *byte = draws.between(0x80, 0xbf);
                }
            }
        }
    }
}

/// A character of one byte, or a byte of an East Asian double-byte character.
fn narrow(byte: u8, draws: &mut Draws) -> u8 {
    match byte {
        b'a'..=b'z' => draws.between(b'a', b'z'),
        b'A'..=b'Z' => draws.between(b'A', b'Z'),
        b'0' => b'0',
        b'1'..=b'9' => draws.between(b'1', b'9'),
        0x80..=0xa0 => draws.between(0x81, 0xa0),
        0xa1.. => draws.between(0xb0, 0xd7),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        Pseudonyms::new([7; 32]).replace(&mut bytes);
        String::from_utf8(bytes).expect("text stays text")
    }

    #[test]
    fn length_class_and_separators_stay() {
        let other = of("INVENTA^Rosa^^Dr.\u{0}\u{0}");
        assert_eq!(other.len(), "INVENTA^Rosa^^Dr.\u{0}\u{0}".len());
        assert!(!other.contains("INVENTA") && !other.contains("Rosa"));
        let shape: String = other
            .chars()
            .map(|c| match c {
                'A'..='Z' => 'A',
                'a'..='z' => 'a',
                other => other,
            })
            .collect();
        assert_eq!(shape, "AAAAAAA^Aaaa^^Aa.\u{0}\u{0}");
    }

    #[test]
    fn a_word_is_the_same_wherever_it_recurs() {
        let whole = of("INVENTA^ROSA");
        let word = whole.split('^').next().unwrap_or_default().to_owned();
        assert_eq!(of("tablet-inventa").to_uppercase(), of("TABLET-INVENTA"));
        assert!(of("x-INVENTA").ends_with(&word));
    }

    #[test]
    fn dates_stay_dates() {
        for date in ["19610314", "196103142359", "20010131"] {
            let other = of(date);
            assert_ne!(other, date);
            assert!(is_date(other.as_bytes()), "{other}");
            assert!(number(&other.as_bytes()[6..8]) <= 28);
        }
        assert_eq!(of("1961-03-14").len(), 10);
        assert_ne!(of("1961-03-14"), "1961-03-14");
    }

    #[test]
    fn other_scripts_stay_valid() {
        for text in ["Müller", "王小明", "Иванова", "Ñandú 3", "😀"] {
            assert_eq!(of(text).len(), text.len());
        }
        let mut gbk = [0xcd, 0xf5, 0xd0, 0xa1];
        Pseudonyms::new([1; 32]).replace(&mut gbk);
        assert_ne!(gbk, [0xcd, 0xf5, 0xd0, 0xa1]);
        assert!(gbk.iter().all(|byte| *byte >= 0xb0));
    }

    #[test]
    fn bytes_that_are_no_text_change_and_zero_stays() {
        let mut bytes = [0, 1, 2, 0x1b, 0, 200];
        Pseudonyms::new([7; 32]).replace(&mut bytes);
        assert_eq!((bytes[0], bytes[4]), (0, 0));
        assert_ne!(bytes, [0, 1, 2, 0x1b, 0, 200]);
    }
}
