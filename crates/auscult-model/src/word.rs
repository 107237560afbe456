//! Words of the program itself, told apart from texts learnt from traffic.
//!
//! Names of protocols, attributes and rules are `&'static str` in memory. When facts are kept and
//! read again, the same words are needed as such: each is made once and stays for the life of the
//! process.
//!
//! Limits: [`WORDS_MAX`] words of [`LENGTH_MAX`] bytes; what needs more is no state of ours.

use std::collections::HashSet;
use std::fmt;
use std::sync::{LazyLock, Mutex, PoisonError};

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The program has some hundreds of words.
const WORDS_MAX: usize = 16_384;
/// Longest word.
const LENGTH_MAX: usize = 96;

/// A word that can be written and read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Word(pub &'static str);

static WORDS: LazyLock<Mutex<HashSet<&'static str>>> = LazyLock::new(Mutex::default);

impl Word {
    /// The word of this text; `None` when it is too long, or there are too many.
    pub fn of(text: &str) -> Option<Word> {
        let mut words = WORDS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = words.get(text) {
            return Some(Word(known));
        }
        if words.len() >= WORDS_MAX || text.len() > LENGTH_MAX {
            return None;
        }
        let word: &'static str = Box::leak(text.to_owned().into_boxed_str());
        words.insert(word);
        Some(Word(word))
    }
}

impl Serialize for Word {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Word;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word of the program")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Word, E> {
                Word::of(text).ok_or_else(|| E::custom("no word of the program"))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_made_once() {
        let (a, b) = (Word::of("hl7").unwrap(), Word::of("hl7").unwrap());
        assert!(std::ptr::eq(a.0, b.0));
        assert_eq!(Word::of(&"x".repeat(LENGTH_MAX + 1)), None);
    }
}
