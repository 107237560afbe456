//! Which characters the bytes of a message stand for.
//!
//! Source: HL7 table 0211 (MSH-18). Empty means ASCII by the standard; in the field it is UTF-8,
//! Windows-1252 or GBK, told apart by validity. Limits: CNS 11643 has no decoder and is guessed.

use std::borrow::Cow;

use encoding_rs::{self as enc, CoderResult, Encoding};

use super::framing::Width;
use crate::text;

/// What a message declares, or nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Charset(Option<&'static Encoding>);

impl Charset {
    /// After [`transcode`].
    pub(super) const UTF_8: Charset = Charset(Some(enc::UTF_8));

    /// From the repeats of MSH-18; the first that is more than ASCII counts.
    pub(super) fn declared(repeats: impl Iterator<Item = impl AsRef<[u8]>>) -> Self {
        Charset(repeats.filter_map(|name| encoding(name.as_ref())).next())
    }

    /// The encoding of a UTF-16 frame.
    pub(super) fn wide(width: Width) -> Option<&'static Encoding> {
        match width {
            Width::Narrow => None,
            Width::LittleEndian => Some(enc::UTF_16LE),
            Width::BigEndian => Some(enc::UTF_16BE),
        }
    }

    /// Set when a byte that looks like a delimiter may be part of a character.
    pub(super) fn hides_delimiters(self) -> Option<&'static Encoding> {
        self.0.filter(|&encoding| {
            [enc::GB18030, enc::BIG5, enc::SHIFT_JIS, enc::ISO_2022_JP].contains(&encoding)
        })
    }

    /// What most values are: printable ASCII, which needs no decoding; nothing with `escape` in it.
    pub(super) fn plain(self, bytes: &[u8], escape: Option<u8>) -> Option<&str> {
        let is_ascii_alike = self.0.is_none_or(Encoding::is_ascii_compatible);
        if !is_ascii_alike || bytes.len() > text::TEXT_MAX {
            return None;
        }
        // No early end, so that the compiler looks at many at a time.
        let escape = escape.unwrap_or(0);
        let is_plain = |b: u8| (0x20..0x7f).contains(&b) & (b != escape);
        if !bytes.iter().fold(true, |all, b| all & is_plain(*b)) {
            return None;
        }
        let text = std::str::from_utf8(bytes).ok()?;
        match bytes {
            [b' ', ..] | [.., b' '] => Some(text.trim()),
            _ => Some(text),
        }
    }

    /// Text as it can be shown.
    pub(super) fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        match self.plain(bytes, None) {
            Some(text) => Cow::Borrowed(text),
            None => Cow::Owned(self.decode_all(bytes)),
        }
    }

    fn decode_all(self, bytes: &[u8]) -> String {
        let bytes = bytes.split(|&b| b == 0).next().unwrap_or_default();
        let fits = |encoding: &'static Encoding| {
            encoding.decode_without_bom_handling_and_without_replacement(bytes)
        };
        let text = self.0.and_then(fits).or_else(|| fits(enc::UTF_8));
        if let Some(text) = text {
            return text::clean(&text);
        }
        let guess = if is_gb2312(bytes) {
            enc::GB18030
        } else {
            enc::WINDOWS_1252
        };
        text::clean(&guess.decode_without_bom_handling(bytes).0)
    }
}

fn encoding(name: &[u8]) -> Option<&'static Encoding> {
    let name = std::str::from_utf8(name).ok()?.trim();
    Some(match name {
        "8859/1" => enc::WINDOWS_1252,
        "8859/2" => enc::ISO_8859_2,
        "8859/3" => enc::ISO_8859_3,
        "8859/4" => enc::ISO_8859_4,
        "8859/5" => enc::ISO_8859_5,
        "8859/6" => enc::ISO_8859_6,
        "8859/7" => enc::ISO_8859_7,
        "8859/8" => enc::ISO_8859_8,
        "8859/9" => enc::WINDOWS_1254,
        "8859/15" => enc::ISO_8859_15,
        "ISO IR14" => enc::SHIFT_JIS,
        "ISO IR87" | "ISO IR159" => enc::ISO_2022_JP,
        "GB 18030-2000" => enc::GB18030,
        "BIG-5" => enc::BIG5,
        "KS X 1001" => enc::EUC_KR,
        "UNICODE" | "UNICODE UTF-8" => enc::UTF_8,
        "ASCII" | "ISO IR6" => return None,
        other => Encoding::for_label(other.as_bytes())?,
    })
}

/// Chinese text of the GB 2312 plane: bytes above ASCII come in pairs of a first 0xB0..=0xF7 or
/// a symbol's 0xA1..=0xA9 and a second of at least 0xA1. Latin letters stand alone.
fn is_gb2312(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    loop {
        rest = match rest {
            [] => return true,
            [0x00..0x80, rest @ ..] => rest,
            [0xa1..=0xa9 | 0xb0..=0xf7, 0xa1..=0xfe, rest @ ..] => rest,
            _ => return false,
        }
    }
}

/// Decodes to UTF-8 and notes for each byte where its character began. False when the bytes do
/// not fit the encoding.
pub(super) fn transcode(
    encoding: &'static Encoding,
    bytes: &[u8],
    text: &mut Vec<u8>,
    map: &mut Vec<u32>,
) -> bool {
    text.clear();
    map.clear();
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut start = 0_u32;
    for (at, byte) in bytes.iter().enumerate() {
        let mut buffer = [0_u8; 16];
        let last = at + 1 == bytes.len();
        let (result, _, written, replaced) =
            decoder.decode_to_utf8(std::slice::from_ref(byte), &mut buffer, last);
        if replaced || result != CoderResult::InputEmpty {
            return false;
        }
        let characters = buffer.get(..written).unwrap_or_default();
        text.extend_from_slice(characters);
        map.extend(characters.iter().map(|_| start));
        if written > 0 {
            start = at as u32 + 1;
        }
    }
    map.push(bytes.len() as u32);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_table_0211_and_guesses() {
        let of = |name: &str| Charset::declared([name.as_bytes()].into_iter());
        assert_eq!(of("8859/1").decode(b"M\xfcller"), "Müller");
        assert_eq!(of("8859/2").decode(b"\xb9"), "š");
        assert_eq!(of("8859/15").decode(b"\xa4"), "€");
        assert_eq!(of("GB 18030-2000").decode(&[0xd6, 0xd0]), "中");
        assert_eq!(of("KS X 1001").decode(&[0xb1, 0xe8]), "김");
        assert_eq!(
            of("").decode(b"M\xfcller"),
            "Müller",
            "Latin-1 without a word"
        );
        assert_eq!(
            of("ASCII").decode("Müller".as_bytes()),
            "Müller",
            "UTF-8 in spite of it"
        );
        assert_eq!(
            of("").decode(&[0xd5, 0xc5, 0xc8, 0xfd]),
            "张三",
            "GBK without a word"
        );
        assert_eq!(
            of("UNICODE UTF-8").decode(b"M\xfcller"),
            "Müller",
            "wrongly declared"
        );
    }

    #[test]
    fn the_short_way_is_the_long_way() {
        let declared = [enc::UTF_8, enc::GB18030, enc::SHIFT_JIS, enc::WINDOWS_1252];
        for charset in declared
            .map(|encoding| Charset(Some(encoding)))
            .iter()
            .chain([&Charset(None)])
        {
            let encoding = charset.0.unwrap_or(enc::UTF_8);
            for bytes in [&b" ICU 3 "[..], b"a\\b~c", b"", b"  "] {
                let long = encoding.decode_without_bom_handling(bytes).0;
                assert_eq!(
                    charset.plain(bytes, None),
                    Some(text::clean(&long).as_str())
                );
            }
            for bytes in [&b"a\tb"[..], b"a\0b", b"\x7f", b"M\xfc", &[b'x'; 257]] {
                assert_eq!(charset.plain(bytes, None), None);
            }
        }
        assert_eq!(Charset(Some(enc::UTF_16LE)).plain(b"ab", None), None);
        let charset = Charset::default();
        assert_eq!(charset.plain(b"a\\b", Some(b'\\')), None);
        assert_eq!(charset.plain(b"a\\b", None), Some("a\\b"));
        assert_eq!(Charset(Some(enc::ISO_2022_JP)).plain(b"ab", None), None);
    }

    #[test]
    fn transcoding_keeps_places() {
        let (mut text, mut map) = (Vec::new(), Vec::new());
        // The second byte of this character is 0x7C, the usual field separator.
        let bytes = [b'A', 0x81, 0x7c, b'|'];
        assert!(transcode(enc::GB18030, &bytes, &mut text, &mut map));
        let expected = enc::GB18030.decode(&bytes).0;
        assert_eq!(std::str::from_utf8(&text), Ok(expected.as_ref()));
        assert_eq!(map, [0, 1, 1, 1, 3, 4]);
        assert!(transcode(enc::UTF_16LE, b"A\0|\0", &mut text, &mut map));
        assert_eq!(
            (text.as_slice(), map.as_slice()),
            (&b"A|"[..], &[0, 2, 4][..])
        );
        assert!(!transcode(enc::GB18030, &[0xff, 0x20], &mut text, &mut map));
    }
}
