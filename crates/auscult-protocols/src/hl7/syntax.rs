//! Delimiters, fields, repeats, components and escapes of one segment, with the place of each.
//!
//! Source: HL7 v2.5 chapter 2 (2.5.4 delimiters, 2.7 escape sequences). Limits: formatted text
//! commands become spaces, character-set shifts inside a value (`\C..\`, `\M..\`) stay as they are.

use std::borrow::Cow;
use std::ops::Range;

use super::charset::Charset;
use super::framing::Width;

/// The separators that MSH-1 and MSH-2 declare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Delimiters {
    pub(super) field: u8,
    pub(super) component: u8,
    pub(super) repeat: u8,
    pub(super) escape: Option<u8>,
    pub(super) sub: Option<u8>,
}

/// Whether a header segment begins here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    Good,
    Short,
    Bad,
}

/// Most encoding characters in MSH-2 (five since v2.7).
const ENCODING_MAX: usize = 5;

fn is_delimiter(unit: u16) -> bool {
    matches!(unit, 0x21..=0x7e) && !(unit as u8).is_ascii_alphanumeric()
}

/// Checks `MSH` (or the batch headers `FHS`, `BHS`), a separator, three to five distinct
/// encoding characters, and the separator again.
pub(super) fn header(bytes: &[u8], at: usize, width: Width) -> Header {
    let mut units = [0_u16; 3 + 1 + ENCODING_MAX + 1];
    let mut from = at;
    for seen in 0..units.len() {
        let Some((unit, next)) = width.unit(bytes, from) else {
            return Header::Short;
        };
        from = next;
        let known = units.get(..seen).unwrap_or_default();
        let fits = match known {
            [] => matches!(unit as u8, b'M' | b'F' | b'B') && unit < 0x80,
            [first] if *first == u16::from(b'M') => unit == u16::from(b'S'),
            [_] => unit == u16::from(b'H'),
            [first, _] if *first == u16::from(b'M') => unit == u16::from(b'H'),
            [_, _] => unit == u16::from(b'S'),
            [_, _, _] => is_delimiter(unit),
            [_, _, _, separator, encoding @ ..] => {
                if unit == *separator {
                    return if encoding.len() >= 3 {
                        Header::Good
                    } else {
                        Header::Bad
                    };
                }
                is_delimiter(unit) && !encoding.contains(&unit)
            }
        };
        if !fits {
            return Header::Bad;
        }
        if let Some(place) = units.get_mut(seen) {
            *place = unit;
        }
    }
    Header::Bad
}

impl Delimiters {
    /// From a header segment.
    pub(super) fn read(segment: &[u8]) -> Option<Self> {
        if header(segment, 0, Width::Narrow) != Header::Good {
            return None;
        }
        let field = *segment.get(3)?;
        let encoding = segment.get(4..)?.split(|&b| b == field).next()?;
        Some(Delimiters {
            field,
            component: *encoding.first()?,
            repeat: *encoding.get(1)?,
            escape: encoding.get(2).copied(),
            sub: encoding.get(3).copied(),
        })
    }

    fn is_structure(&self, byte: u8) -> bool {
        byte == self.field
            || byte == self.component
            || byte == self.repeat
            || Some(byte) == self.sub
    }
}

/// What is needed to read a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader {
    pub(super) delimiters: Delimiters,
    pub(super) charset: Charset,
}

/// A value of a segment: a field, a repeat of it, a component.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'a> {
    pub(super) bytes: &'a [u8],
    /// Offset in the text of the segment.
    pub(super) start: usize,
    pub(super) reader: Reader,
}

impl<'a> Value<'a> {
    /// Whether there is more than separators, spaces and the `""` of "delete".
    pub(super) fn filled(&self) -> bool {
        let delimiters = &self.reader.delimiters;
        self.bytes
            .iter()
            .any(|&b| b != b' ' && b != b'"' && !delimiters.is_structure(b))
    }

    fn split(self, separator: u8) -> impl Iterator<Item = Value<'a>> {
        let mut start = self.start;
        self.bytes
            .split(move |&b| b == separator)
            .map(move |bytes| {
                let value = Value {
                    bytes,
                    start,
                    ..self
                };
                start += bytes.len() + 1;
                value
            })
    }

    /// Its repeats.
    pub(super) fn repeats(self) -> impl Iterator<Item = Value<'a>> {
        self.split(self.reader.delimiters.repeat)
    }

    /// Component `n`, from 1, of the first repeat; empty when there is none.
    pub(super) fn component(self, n: usize) -> Value<'a> {
        let Delimiters {
            component, repeat, ..
        } = self.reader.delimiters;
        let mut before = n.saturating_sub(1);
        let mut start = 0;
        let mut end = self.bytes.len();
        for (at, &byte) in self.bytes.iter().enumerate() {
            if byte != component && byte != repeat {
                continue;
            }
            if before == 0 || byte == repeat {
                end = at;
                break;
            }
            before -= 1;
            start = at + 1;
        }
        match self.bytes.get(start..end).filter(|_| before == 0) {
            Some(bytes) => Value {
                bytes,
                start: self.start + start,
                ..self
            },
            None => Value { bytes: &[], ..self },
        }
    }

    /// The first sub-component, or all of it.
    pub(super) fn first_sub(self) -> Value<'a> {
        match self.reader.delimiters.sub {
            Some(sub) => self.split(sub).next().unwrap_or(self),
            None => self,
        }
    }

    /// Decoded, unescaped, safe to show; `""` is empty.
    pub(super) fn text(&self) -> Cow<'a, str> {
        if !self.filled() {
            return Cow::Borrowed("");
        }
        let Reader {
            delimiters,
            charset,
        } = &self.reader;
        if let Some(text) = charset.plain(self.bytes, delimiters.escape) {
            return Cow::Borrowed(text);
        }
        match unescape(self.bytes, delimiters) {
            Cow::Borrowed(bytes) => charset.decode(bytes),
            Cow::Owned(bytes) => Cow::Owned(charset.decode(&bytes).into_owned()),
        }
    }

    /// As [`Value::text`], to keep.
    pub(super) fn string(&self) -> String {
        self.text().into_owned()
    }

    /// Where it lies in the text of the segment.
    pub(super) fn range(&self) -> Range<usize> {
        self.start..self.start + self.bytes.len()
    }
}

/// Splits a segment into fields with HL7's numbers: 0 is the name, and in a header segment 1 is
/// the separator itself.
pub(super) fn split_fields(text: &[u8], delimiters: &Delimiters, fields: &mut Vec<Range<usize>>) {
    fields.clear();
    let mut start = 0;
    for end in memchr::memchr_iter(delimiters.field, text).chain([text.len()]) {
        fields.push(start..end);
        if start == 0 && end == 3 && matches!(text.get(..3), Some(b"MSH" | b"FHS" | b"BHS")) {
            fields.push(3..4);
        }
        start = end + 1;
    }
}

/// A segment with its fields found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment<'a> {
    pub(super) text: &'a [u8],
    pub(super) fields: &'a [Range<usize>],
    pub(super) reader: Reader,
}

impl<'a> Segment<'a> {
    pub(super) fn name(&self) -> &'a [u8] {
        self.field(0).bytes
    }

    /// Field `n` in HL7's numbering, empty when there is none.
    pub(super) fn field(&self, n: usize) -> Value<'a> {
        let range = self.fields.get(n).cloned().unwrap_or(0..0);
        Value {
            bytes: self.text.get(range.clone()).unwrap_or_default(),
            start: range.start,
            reader: self.reader,
        }
    }
}

/// Replaces escape sequences that stand for characters; leaves unknown ones in place.
pub(super) fn unescape<'a>(bytes: &'a [u8], delimiters: &Delimiters) -> Cow<'a, [u8]> {
    let Some(escape) = delimiters.escape else {
        return Cow::Borrowed(bytes);
    };
    if !bytes.contains(&escape) {
        return Cow::Borrowed(bytes);
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(open) = memchr::memchr(escape, rest) {
        let (before, from) = rest.split_at(open);
        out.extend_from_slice(before);
        let body = from.get(1..).unwrap_or_default();
        let Some(length) = memchr::memchr(escape, body) else {
            rest = from;
            break;
        };
        let code = body.get(..length).unwrap_or_default();
        if replace(code, delimiters, &mut out) {
            rest = body.get(length + 1..).unwrap_or_default();
        } else {
            out.push(escape);
            rest = body;
        }
    }
    out.extend_from_slice(rest);
    Cow::Owned(out)
}

/// Appends what the sequence stands for; false when it is unknown.
fn replace(code: &[u8], delimiters: &Delimiters, out: &mut Vec<u8>) -> bool {
    match code {
        b"F" => out.push(delimiters.field),
        b"S" => out.push(delimiters.component),
        b"R" => out.push(delimiters.repeat),
        b"T" => out.extend(delimiters.sub),
        b"E" => out.extend(delimiters.escape),
        b"P" => out.push(b'#'),
        b"H" | b"N" => {}
        [b'.', ..] => out.push(b' '),
        [b'X', digits @ ..] if !digits.is_empty() && digits.len() % 2 == 0 => {
            let before = out.len();
            for pair in digits.chunks(2) {
                let byte = std::str::from_utf8(pair)
                    .ok()
                    .and_then(|pair| u8::from_str_radix(pair, 16).ok());
                let Some(byte) = byte else {
                    out.truncate(before);
                    return false;
                };
                out.push(byte);
            }
        }
        _ => return false,
    }
    true
}

/// Whether a value, once unescaped, holds a line end followed by a segment name and a separator:
/// software behind the receiver would read it as a segment of its own.
pub(super) fn decodes_to_segment(value: &[u8], delimiters: &Delimiters) -> bool {
    let escape = delimiters.escape.unwrap_or(b'\n');
    if memchr::memchr2(b'\n', escape, value).is_none() {
        return false;
    }
    let plain = unescape(value, delimiters);
    plain
        .split(|&b| b == b'\r' || b == b'\n')
        .skip(1)
        .any(|line| {
            matches!(line, [a, b, c, field, ..] if *field == delimiters.field
            && a.is_ascii_uppercase()
            && [b, c].iter().all(|x| x.is_ascii_uppercase() || x.is_ascii_digit()))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual() -> Delimiters {
        Delimiters::read(b"MSH|^~\\&|A").expect("header")
    }

    #[test]
    fn headers() {
        for good in [
            "MSH|^~\\&|",
            "MSH|^~\\&#|",
            "MSH#!@$%#",
            "FHS|^~\\&|",
            "MSH|^~\\|",
        ] {
            assert_eq!(
                header(good.as_bytes(), 0, Width::Narrow),
                Header::Good,
                "{good}"
            );
        }
        for bad in [
            "MSH|^^\\&|",
            "MSHA^~\\&A",
            "MHS|^~\\&|",
            "MSH|^|",
            "MSH|^~\\&#!@|",
            "MSH\r",
        ] {
            assert_eq!(
                header(bad.as_bytes(), 0, Width::Narrow),
                Header::Bad,
                "{bad}"
            );
        }
        assert_eq!(header(b"MSH|^~", 0, Width::Narrow), Header::Short);
        assert_eq!(
            header(b"M\0S\0H\0|\0^\0~\0\\\0&\0|\0", 0, Width::LittleEndian),
            Header::Good
        );
    }

    #[test]
    fn escapes() {
        let plain = |text: &str| {
            String::from_utf8(unescape(text.as_bytes(), &usual()).into_owned()).expect("ASCII")
        };
        assert_eq!(plain("a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f"), "a|b^c&d~e\\f");
        assert_eq!(plain("\\X4142\\\\.br\\\\H\\x\\N\\"), "AB x");
        assert_eq!(
            plain("\\Zabc\\ \\Xzz\\ C:\\dir"),
            "\\Zabc\\ \\Xzz\\ C:\\dir"
        );
    }

    #[test]
    fn fields_have_hl7_numbers() {
        let text = b"MSH|^~\\&|APP^1.2^ISO|FAC";
        let mut fields = Vec::new();
        split_fields(text, &usual(), &mut fields);
        let reader = Reader {
            delimiters: usual(),
            charset: Charset::default(),
        };
        let segment = Segment {
            text,
            fields: &fields,
            reader,
        };
        assert_eq!(segment.field(1).bytes, b"|");
        assert_eq!(segment.field(2).bytes, b"^~\\&");
        assert_eq!(segment.field(3).component(2).text(), "1.2");
        assert_eq!(segment.field(3).component(3).range(), 17..20);
        assert_eq!(segment.field(9).bytes, b"");
    }

    #[test]
    fn injected_segments() {
        let injected = |value: &str| decodes_to_segment(value.as_bytes(), &usual());
        assert!(injected("SMITH\\X0D\\OBX\\F\\1\\F\\NM"));
        assert!(injected("SMITH\nPID|1"));
        assert!(!injected("line one\\X0D\\line two"));
        assert!(!injected("line one\nline two"));
    }
}
