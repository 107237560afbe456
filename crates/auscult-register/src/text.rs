//! Bytes of an export to text: byte order marks, UTF-8, UTF-16, else Windows-1252.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::RegisterError;

/// What spreadsheets and browsers save instead of a table of text, by its first bytes.
const OTHERS: [(&[u8], &str); 8] = [
    (b"PK\x03\x04", "an Excel or OpenDocument workbook"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"%PDF", "a PDF"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
    (b"<table", "a web page"),
    (b"<?xml", "XML"),
    (b"{\"", "JSON"),
];

/// The text without a byte order mark, and the name of its encoding.
pub(crate) fn decode(
    bytes: &[u8],
    wanted: Option<&str>,
) -> Result<(String, &'static str), RegisterError> {
    let begin = bytes.trim_ascii_start();
    for (magic, what) in OTHERS {
        if begin.len() >= magic.len()
            && begin
                .iter()
                .zip(magic)
                .all(|(a, b)| a.eq_ignore_ascii_case(b))
        {
            return Err(RegisterError::NotATable(format!(
                "this is {what}: save or export it as CSV (text) and give that"
            )));
        }
    }
    let encoding = match wanted {
        Some(label) => Encoding::for_label(label.as_bytes())
            .ok_or_else(|| RegisterError::NoEncoding(label.to_owned()))?,
        None => guess(bytes),
    };
    let (text, used, _) = encoding.decode(bytes);
    if text.trim().is_empty() {
        return Err(RegisterError::NotATable("the file is empty".to_owned()));
    }
    if text.contains('\0') {
        return Err(RegisterError::NotATable(
            "this is no text: export the register as CSV".to_owned(),
        ));
    }
    Ok((text.into_owned(), used.name()))
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return encoding;
    }
    // UTF-16 without a mark: nearly every character of such a table has a zero byte.
    const LOOK: usize = 512;
    let begin = bytes.get(..LOOK).unwrap_or(bytes);
    let zeros = |odd: usize| {
        let places = begin.iter().skip(odd).step_by(2);
        places.filter(|byte| **byte == 0).count()
    };
    let most = begin.len() / 4;
    match (zeros(0), zeros(1)) {
        (high, low) if high > most && low == 0 => UTF_16BE,
        (low, high) if high > most && low == 0 => UTF_16LE,
        _ if std::str::from_utf8(bytes).is_ok() => UTF_8,
        _ => WINDOWS_1252,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> (String, &'static str) {
        decode(bytes, None).unwrap()
    }

    #[test]
    fn encodings() {
        let utf_16 = |text: &str, swap: bool| -> Vec<u8> {
            let units = text.encode_utf16();
            units
                .flat_map(|unit| match swap {
                    true => unit.to_be_bytes(),
                    false => unit.to_le_bytes(),
                })
                .collect()
        };
        let text = "Gerät;Raum\n";
        assert_eq!(of(text.as_bytes()), (text.to_owned(), "UTF-8"));
        assert_eq!(
            of("\u{feff}Gerät;Raum\n".as_bytes()),
            (text.to_owned(), "UTF-8")
        );
        assert_eq!(of(b"Ger\xe4t;Raum\n"), (text.to_owned(), "windows-1252"));
        assert_eq!(of(&utf_16(text, false)), (text.to_owned(), "UTF-16LE"));
        assert_eq!(of(&utf_16(text, true)), (text.to_owned(), "UTF-16BE"));
        let marked = utf_16("\u{feff}Gerät;Raum\n", false);
        assert_eq!(of(&marked), (text.to_owned(), "UTF-16LE"));
        let polish = decode(b"oddzia\xb3;\n", Some("windows-1250")).unwrap();
        assert_eq!(polish.0, "oddział;\n");
    }

    #[test]
    fn what_is_no_table_is_named() {
        for bytes in [
            &b"PK\x03\x04..."[..],
            b"",
            b"  \n",
            b"a,b\0c",
            b"<HTML>",
            b"{\"a\":1}",
        ] {
            assert!(matches!(
                decode(bytes, None),
                Err(RegisterError::NotATable(_))
            ));
        }
        assert!(matches!(
            decode(b"a", Some("klingon")),
            Err(RegisterError::NoEncoding(_))
        ));
    }
}
