//! Words seen as patient data, found wherever they recur in a payload: as bytes of UTF-8, Latin-1
//! or UTF-16, in letters of either case.
//!
//! Whole words only, as in reports, so that a patient called after a protocol's keyword does not
//! tear it apart: what stands before and behind is no letter or digit, or is the text's length.

use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};

/// How the characters of a found word are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Script {
    /// One after another.
    Narrow,
    /// UTF-16, low byte first.
    WideLittle,
    /// UTF-16, high byte first.
    WideBig,
}

/// A found word.
pub(crate) struct Found {
    pub(crate) at: Range<usize>,
    pub(crate) script: Script,
}

/// Finds words.
pub(crate) struct Words {
    /// `None` when there is nothing to find, or too much for one machine.
    all: Option<AhoCorasick>,
    scripts: Vec<Script>,
    /// Not all words can be found.
    pub(crate) is_incomplete: bool,
}

impl Words {
    /// For words in small letters.
    pub(crate) fn new(words: &[String]) -> Words {
        let mut patterns: Vec<Vec<u8>> = Vec::new();
        let mut scripts = Vec::new();
        for word in words {
            let mut add = |bytes: Vec<u8>, script| {
                patterns.push(bytes);
                scripts.push(script);
            };
            for spelt in spellings(word) {
                add(spelt.clone().into_bytes(), Script::Narrow);
                let latin: Option<Vec<u8>> = spelt
                    .chars()
                    .map(|c| u8::try_from(u32::from(c)).ok())
                    .collect();
                if let Some(latin) = latin.filter(|_| !spelt.is_ascii()) {
                    add(latin, Script::Narrow);
                }
                let units = spelt.encode_utf16();
                let little = units.clone().flat_map(u16::to_le_bytes).collect();
                add(little, Script::WideLittle);
                add(units.flat_map(u16::to_be_bytes).collect(), Script::WideBig);
            }
        }
        let built = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .build(&patterns);
        Words {
            is_incomplete: built.is_err(),
            all: built.ok().filter(|_| !patterns.is_empty()),
            scripts,
        }
    }

    /// Where words lie in these bytes.
    pub(crate) fn find(&self, bytes: &[u8]) -> Vec<Found> {
        let Some(all) = &self.all else {
            return Vec::new();
        };
        all.find_overlapping_iter(bytes)
            .filter_map(|found| {
                let script = *self.scripts.get(found.pattern().as_usize())?;
                let at = found.start()..found.end();
                is_whole(bytes, &at, script).then_some(Found { at, script })
            })
            .collect()
    }
}

/// In small letters; with others than ASCII's also in capitals, which the search does not know.
fn spellings(word: &str) -> Vec<String> {
    let mut all = vec![word.to_owned()];
    if !word.is_ascii() {
        all.push(word.to_uppercase());
        let mut chars = word.chars();
        all.extend(chars.next().map(|first| {
            let capital: String = first.to_uppercase().collect();
            capital + chars.as_str()
        }));
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// Whether no word goes on before or behind.
fn is_whole(bytes: &[u8], at: &Range<usize>, script: Script) -> bool {
    let unit = |start: Option<usize>| {
        let pair = start.and_then(|start| bytes.get(start..start + 2));
        match (script, pair) {
            (Script::WideLittle, Some(&[c, 0])) | (Script::WideBig, Some(&[0, c])) => c,
            _ => 0,
        }
    };
    let (before, behind) = match script {
        Script::Narrow => {
            let before = at.start.checked_sub(1).and_then(|at| bytes.get(at));
            let before = before.copied().unwrap_or_default();
            let rest = bytes.get(at.start..).unwrap_or_default();
            let text = rest.iter().take_while(|byte| (0x20..0x7f).contains(*byte));
            // A text behind its length.
            let is_length = usize::from(before) <= text.count() && usize::from(before) >= at.len();
            let behind = bytes.get(at.end).copied().unwrap_or_default();
            (if is_length { 0 } else { before }, behind)
        }
        Script::WideLittle | Script::WideBig => (unit(at.start.checked_sub(2)), unit(Some(at.end))),
    };
    !before.is_ascii_alphanumeric() && !behind.is_ascii_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(words: &[&str], bytes: &[u8]) -> Vec<(usize, usize)> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let found = Words::new(&words).find(bytes);
        found
            .into_iter()
            .map(|it| (it.at.start, it.at.end))
            .collect()
    }

    #[test]
    fn whole_words_in_either_case() {
        assert_eq!(found(&["inventa"], b"GET /Inventa.pdf"), [(5, 12)]);
        assert!(found(&["inventa"], b"inventarium").is_empty());
        assert_eq!(found(&["inventa"], b"\x07inventa\x03lan"), [(1, 8)]);
        assert_eq!(found(&["inv-000417"], b"job INV-000417!"), [(4, 14)]);
    }

    #[test]
    fn lengths_that_look_like_letters_do_not_hide_a_word() {
        let text = [b"A".as_slice(), b"rosa", &[b'.'; 61]].concat();
        assert_eq!(found(&["rosa"], &text), [(1, 5)]);
    }

    #[test]
    fn other_encodings() {
        let wide: Vec<u8> = "x Inventa"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        // The zeros around a text fit both orders of bytes.
        assert!(found(&["inventa"], &wide).contains(&(4, 18)));
        let wide: Vec<u8> = "Inventa"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        assert!(found(&["inventa"], &wide).contains(&(0, 14)));
        assert!(found(&["müller"], b"M\xfcller").contains(&(0, 6)));
        assert!(found(&["müller"], "MÜLLER".as_bytes()).contains(&(0, 7)));
        assert!(found(&[], b"inventa").is_empty());
    }
}
