//! JSON read as it arrives: keys, values and where their bytes lie, without a tree.
//!
//! Source: RFC 8259. It is read leniently: what separates values is not checked, since nothing
//! hangs on it here. Limits: [`DEPTH_MAX`] levels, [`TEXT_MAX`] bytes of a key or value are kept.

use std::ops::Range;

/// Most levels; what is deeper is no document that anybody sends, and ends the reading.
pub(super) const DEPTH_MAX: usize = 64;
/// Bytes of a key or a value that are kept.
const TEXT_MAX: usize = 256;

/// Takes what is read.
pub(super) trait Sink {
    /// An object or a list begins at a byte of the piece.
    fn begin(&mut self, at: usize);
    /// It ends.
    fn end(&mut self);
    /// The name of the value that follows.
    fn key(&mut self, key: &[u8]);
    /// Bytes of the piece that are a part of the current value; it goes on in the next piece when
    /// its end was not reached.
    fn part(&mut self, range: Range<usize>);
    /// The value ended: its text without quotes and escapes, cut if it is long.
    fn value(&mut self, value: &str);
}

/// What the bytes at hand belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Between,
    /// A key or a string; whether the last byte was a backslash.
    Quoted {
        is_key: bool,
        escaped: bool,
    },
    /// A number, `true`, `false`, `null`.
    Plain,
}

/// Where the reading is.
#[derive(Debug)]
pub(super) struct Scanner {
    state: State,
    /// Which of the open levels are objects.
    objects: Vec<bool>,
    /// In an object: a key comes next.
    expects_key: bool,
    /// The current key or value so far.
    text: Vec<u8>,
}

impl Scanner {
    /// At the front.
    pub(super) fn new() -> Self {
        Scanner {
            state: State::Between,
            objects: Vec::new(),
            expects_key: false,
            text: Vec::new(),
        }
    }

    /// Reads a piece; false when it is too deep or not JSON.
    pub(super) fn feed(&mut self, bytes: &[u8], sink: &mut impl Sink) -> bool {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let used = match self.state {
                State::Between => {
                    if !self.between(rest, at, sink) {
                        return false;
                    }
                    usize::from(self.state != State::Plain)
                }
                State::Quoted { is_key, .. } => {
                    let used = self.quoted(rest);
                    let ended = self.state == State::Between;
                    if !is_key {
                        sink.part(at..at + used - usize::from(ended));
                    }
                    if ended {
                        self.told(is_key, sink);
                    }
                    used
                }
                State::Plain => {
                    let used = self.plain(rest);
                    if used > 0 {
                        sink.part(at..at + used);
                    }
                    if used < rest.len() {
                        self.state = State::Between;
                        self.told(false, sink);
                    }
                    used
                }
            };
            at += used;
        }
        true
    }

    /// One byte outside keys and values.
    fn between(&mut self, rest: &[u8], at: usize, sink: &mut impl Sink) -> bool {
        let in_object = self.objects.last() == Some(&true);
        match rest.first() {
            Some(b'"') => {
                self.text.clear();
                self.state = State::Quoted {
                    is_key: in_object && self.expects_key,
                    escaped: false,
                };
            }
            Some(open @ (b'{' | b'[')) => {
                if self.objects.len() >= DEPTH_MAX {
                    return false;
                }
                self.objects.push(*open == b'{');
                self.expects_key = *open == b'{';
                sink.begin(at);
            }
            Some(b'}' | b']') => {
                if self.objects.pop().is_none() {
                    return false;
                }
                self.expects_key = false;
                sink.end();
            }
            Some(b',') => self.expects_key = in_object,
            Some(b':') => self.expects_key = false,
            Some(b'0'..=b'9' | b'-' | b'a'..=b'z') => {
                self.text.clear();
                self.state = State::Plain;
            }
            Some(byte) if byte.is_ascii_whitespace() => {}
            // A byte order mark in front.
            Some(0xef | 0xbb | 0xbf) if self.objects.is_empty() => {}
            _ => return false,
        }
        true
    }

    /// Bytes of a key or string, its end included when it is there.
    fn quoted(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while let State::Quoted { is_key, escaped } = self.state
            && let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty())
        {
            let stop = match escaped {
                true => None,
                false => memchr::memchr2(b'"', b'\\', rest),
            };
            let length = match (escaped, stop) {
                (true, _) => 1,
                (false, stop) => stop.unwrap_or(rest.len()),
            };
            self.keep(rest.get(..length).unwrap_or_default());
            at += length;
            let escaped = match stop.and_then(|stop| rest.get(stop)) {
                Some(b'"') => {
                    self.state = State::Between;
                    return at + 1;
                }
                Some(_) => {
                    self.keep(b"\\");
                    at += 1;
                    true
                }
                None => false,
            };
            self.state = State::Quoted { is_key, escaped };
        }
        at
    }

    fn plain(&mut self, rest: &[u8]) -> usize {
        let is_inside = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
        let length = rest.iter().take_while(|byte| is_inside(byte)).count();
        self.keep(rest.get(..length).unwrap_or_default());
        length
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = TEXT_MAX - self.text.len();
        self.text.extend(bytes.iter().take(room));
    }

    fn told(&mut self, is_key: bool, sink: &mut impl Sink) {
        if is_key {
            sink.key(&self.text);
        } else {
            sink.value(&unescaped(&self.text));
        }
    }
}

/// The text that an escaped one stands for; a cut or wrong escape is left out.
fn unescaped(raw: &[u8]) -> String {
    let raw = String::from_utf8_lossy(raw);
    let mut plain = String::with_capacity(raw.len());
    let mut units: Vec<u16> = Vec::new();
    let mut chars = raw.chars();
    let flush = |units: &mut Vec<u16>, plain: &mut String| {
        plain.extend(char::decode_utf16(units.drain(..)).map(|c| c.unwrap_or('\u{fffd}')));
    };
    while let Some(c) = chars.next() {
        let escape = if c == '\\' { chars.next() } else { None };
        if escape == Some('u') {
            let digits: String = chars.by_ref().take(4).collect();
            units.extend(u16::from_str_radix(&digits, 16).ok());
            continue;
        }
        flush(&mut units, &mut plain);
        match (c, escape) {
            ('\\', Some('n' | 'r' | 't' | 'b' | 'f')) => plain.push(' '),
            ('\\', Some(other)) => plain.push(other),
            ('\\', None) => {}
            (other, _) => plain.push(other),
        }
    }
    flush(&mut units, &mut plain);
    plain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Writes down what is read; values with their bytes.
    #[derive(Default)]
    struct Notes {
        lines: Vec<String>,
        bytes: Vec<u8>,
        piece: Vec<u8>,
    }

    impl Sink for Notes {
        fn begin(&mut self, _: usize) {
            self.lines.push("begin".into());
        }

        fn end(&mut self) {
            self.lines.push("end".into());
        }

        fn key(&mut self, key: &[u8]) {
            self.lines.push(format!("key {}", key.escape_ascii()));
        }

        fn part(&mut self, range: Range<usize>) {
            self.bytes.extend_from_slice(&self.piece[range]);
        }

        fn value(&mut self, value: &str) {
            let bytes = std::mem::take(&mut self.bytes);
            let line = format!("value {value:?} of {}", bytes.escape_ascii());
            self.lines.push(line);
        }
    }

    fn read(pieces: &[&[u8]]) -> Option<Vec<String>> {
        let (mut scanner, mut notes) = (Scanner::new(), Notes::default());
        for piece in pieces {
            notes.piece = piece.to_vec();
            if !scanner.feed(piece, &mut notes) {
                return None;
            }
        }
        Some(notes.lines)
    }

    const DOCUMENT: &[u8] = br#"{"a": [1.5, "x\"y\u00e9\ud83d\ude00", null], "b\\": {}, "c":"" }"#;

    #[test]
    fn keys_values_and_their_bytes() {
        let lines = read(&[DOCUMENT]).unwrap();
        assert_eq!(
            lines,
            [
                "begin",
                "key a",
                "begin",
                "value \"1.5\" of 1.5",
                r#"value "x\"yé😀" of x\\\"y\\u00e9\\ud83d\\ude00"#,
                "value \"null\" of null",
                "end",
                r"key b\\\\",
                "begin",
                "end",
                "key c",
                "value \"\" of ",
                "end",
            ]
        );
    }

    #[test]
    fn what_is_no_json_or_too_deep_is_given_up() {
        assert!(
            read(&[b"{\"a\" 1 2, :}"]).is_some(),
            "separators are not checked"
        );
        assert!(read(&[b"]"]).is_none());
        assert!(read(&[b"<html>"]).is_none());
        assert!(read(&[&b"[".repeat(DEPTH_MAX)]).is_some());
        assert!(read(&[&b"[".repeat(DEPTH_MAX + 1)]).is_none());
        let long = [b"\"", &b"x".repeat(10_000)[..], b"\""].concat();
        let lines = read(&[&long]).unwrap();
        assert!(lines[0].starts_with(&format!("value \"{}\"", "x".repeat(TEXT_MAX))));
    }

    proptest! {
        #[test]
        fn cuts_change_nothing(cuts in proptest::collection::vec(0usize..70, 0..6)) {
            let mut borders: Vec<usize> = cuts.iter().map(|cut| cut % DOCUMENT.len()).collect();
            borders.extend([0, DOCUMENT.len()]);
            borders.sort_unstable();
            let pieces: Vec<&[u8]> = borders
                .windows(2)
                .map(|pair| &DOCUMENT[pair[0]..pair[1]])
                .collect();
            prop_assert_eq!(read(&pieces), read(&[DOCUMENT]));
        }

        #[test]
        fn any_bytes_are_read_or_given_up(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&[&bytes]);
        }
    }
}
