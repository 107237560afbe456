//! Character sets of texts, by the terms of PS3.3 C.12.1.1.2. Limit: a text in several sets that
//! are switched by escapes is decoded by the last declared one.

use std::borrow::Cow;

use encoding_rs::Encoding;

use crate::text;

/// The set that (0008,0005) declares; none when it is ASCII or not known.
pub(super) fn declared(terms: &[u8]) -> Option<&'static Encoding> {
    let mut terms = terms.rsplit(|byte| *byte == b'\\').map(<[u8]>::trim_ascii);
    let term = terms.find(|term| !term.is_empty())?;
    let term = term
        .strip_prefix(b"ISO 2022 IR ")
        .or_else(|| term.strip_prefix(b"ISO_IR "))
        .unwrap_or(term);
    Some(match term {
        b"100" => encoding_rs::WINDOWS_1252,
        b"101" => encoding_rs::ISO_8859_2,
        b"109" => encoding_rs::ISO_8859_3,
        b"110" => encoding_rs::ISO_8859_4,
        b"144" => encoding_rs::ISO_8859_5,
        b"127" => encoding_rs::ISO_8859_6,
        b"126" => encoding_rs::ISO_8859_7,
        b"138" => encoding_rs::ISO_8859_8,
        b"148" => encoding_rs::WINDOWS_1254,
        b"203" => encoding_rs::ISO_8859_15,
        b"166" => encoding_rs::WINDOWS_874,
        b"13" => encoding_rs::SHIFT_JIS,
        b"87" | b"159" => encoding_rs::ISO_2022_JP,
        b"149" => encoding_rs::EUC_KR,
        b"58" | b"GBK" => encoding_rs::GBK,
        b"GB18030" => encoding_rs::GB18030,
        b"192" => encoding_rs::UTF_8,
        _ => return None,
    })
}

/// A text as it can be shown.
pub(super) fn text(bytes: &[u8], encoding: Option<&'static Encoding>) -> String {
    match encoding {
        Some(encoding) => text::declared(&without_escapes(bytes, encoding), encoding),
        None => text::lenient(bytes),
    }
}

/// Korean and Chinese escapes name the set that is declared anyway: `ESC $ ) C`, `ESC $ ) A`.
fn without_escapes<'a>(bytes: &'a [u8], encoding: &'static Encoding) -> Cow<'a, [u8]> {
    let switched = encoding == encoding_rs::EUC_KR || encoding == encoding_rs::GBK;
    if !switched || !bytes.contains(&0x1b) {
        return Cow::Borrowed(bytes);
    }
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, behind)) = rest.split_first() {
        rest = match rest {
            [0x1b, b'$', b')', _, behind @ ..] => behind,
            _ => {
                plain.push(*first);
                behind
            }
        };
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_many_scripts() {
        for (terms, bytes, expected) in [
            (&b"ISO_IR 100"[..], &b"M\xfcller^J\xf6rg"[..], "Müller^Jörg"),
            (b"ISO_IR 192", "Müller".as_bytes(), "Müller"),
            (b"ISO_IR 144", b"\xbb\xee", "Лю"),
            // PS3.5 annexes H, I and J.
            (
                b"\\ISO 2022 IR 87",
                b"\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B",
                "山田^太郎",
            ),
            (
                b"\\ISO 2022 IR 149",
                b"\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7",
                "洪^吉洞",
            ),
            (b"GB18030", b"\xcd\xf5^\xd0\xa1\xb6\xab", "王^小东"),
            (b"ISO_IR 6", b"Plain", "Plain"),
        ] {
            assert_eq!(text(bytes, declared(terms)), expected, "{terms:?}");
        }
    }
}
