//! The head of an HTTP/1 message: start line, header fields, what they say about the body.
//!
//! Sources: RFC 9112 §3, §4, §5, §6, §7.1; RFC 9110 §11 (credentials), RFC 7617 §2, RFC 4648 §4.
//! Limits: 64 KiB a head, 4096 bytes a chunk-size line, 200 fields.

use auscult_model::Bound;

use crate::base64::decode_until;
use crate::factory_login::is_factory;
use crate::text;

pub(super) static HEAD: Bound = Bound::constant(
    "http-headers",
    64 << 10,
    "bytes of one head",
    "the message is not read, and the next is searched for",
);
pub(crate) static FIELDS: Bound = Bound::settable(
    "http-fields",
    200,
    "fields of one head",
    "further ones are not read",
);
pub(super) const HEAD_MAX: usize = HEAD.default as usize;
/// Longest target that the probe looks behind.
const TARGET_MAX: usize = 2048;

const METHODS: &[&[u8]] = &[
    b"GET",
    b"POST",
    b"PUT",
    b"HEAD",
    b"DELETE",
    b"OPTIONS",
    b"PATCH",
    b"CONNECT",
    b"TRACE",
    b"PROPFIND",
    b"PROPPATCH",
    b"MKCOL",
    b"COPY",
    b"MOVE",
    b"LOCK",
    b"UNLOCK",
    b"REPORT",
    b"SEARCH",
    b"NOTIFY",
    b"SUBSCRIBE",
    b"UNSUBSCRIBE",
    b"M-SEARCH",
];

/// `HTTP/1.` after a known method, or a status line with its code: at least 64 bits.
pub(super) fn probe(bytes: &[u8]) -> crate::Probe {
    use crate::Probe;
    const STATUS: &[u8] = b"HTTP/1.";
    let begins = bytes.iter().zip(STATUS).take_while(|(a, b)| a == b).count();
    if begins == STATUS.len() {
        return match *bytes.get(STATUS.len()..).unwrap_or_default() {
            [b'0' | b'1', b' ', b'1'..=b'9', ..] => Probe::Certain,
            [] | [b'0' | b'1'] | [b'0' | b'1', b' '] => Probe::Maybe,
            _ => Probe::No,
        };
    }
    if begins == bytes.len() {
        return Probe::Maybe;
    }
    let is_method = |word: &[u8]| METHODS.contains(&word);
    let Some(space) = memchr::memchr(b' ', bytes.get(..16).unwrap_or(bytes)) else {
        let starts = bytes.len() < 16 && METHODS.iter().any(|method| method.starts_with(bytes));
        return if starts { Probe::Maybe } else { Probe::No };
    };
    if !is_method(bytes.get(..space).unwrap_or_default()) {
        return Probe::No;
    }
    let target = bytes.get(space + 1..).unwrap_or_default();
    let target = target.get(..TARGET_MAX).unwrap_or(target);
    let line = match memchr::memchr(b'\n', target) {
        Some(end) => target.get(..end).unwrap_or_default(),
        // Too long a target to look behind stays undecided.
        None => return Probe::Maybe,
    };
    match line.trim_ascii_end() {
        [
            ..,
            b' ',
            b'H',
            b'T',
            b'T',
            b'P',
            b'/',
            b'1',
            b'.',
            b'0' | b'1',
        ] => Probe::Certain,
        _ => Probe::No,
    }
}

/// Where the head ends, its empty line included; `None` when that is not there.
pub(super) fn head_end(bytes: &[u8]) -> Option<usize> {
    let bytes = bytes.get(..HEAD_MAX).unwrap_or(bytes);
    memchr::memchr_iter(b'\n', bytes).find_map(|at| match bytes.get(at + 1..)? {
        [b'\n', ..] => Some(at + 2),
        [b'\r', b'\n', ..] => Some(at + 3),
        _ => None,
    })
}

/// The size in front of a chunk; extensions are ignored.
pub(super) fn chunk_size(line: &[u8]) -> Option<u64> {
    let end = line.iter().position(|b| !b.is_ascii_hexdigit());
    let digits = line.get(..end.unwrap_or(line.len()))?;
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// The first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StartLine<'a> {
    /// Method and target.
    Request(&'a [u8], &'a [u8]),
    /// Status code.
    Response(u16),
}

/// What follows the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follows {
    Nothing,
    Length(u64),
    Chunked,
    /// Everything up to the end of the stream.
    ToEnd,
}

/// A head, borrowed from the stream.
#[derive(Debug)]
pub(crate) struct Head<'a> {
    pub(crate) start: StartLine<'a>,
    fields: Vec<(&'a [u8], &'a [u8])>,
    /// Fields were left out.
    pub(crate) limited: bool,
}

impl<'a> Head<'a> {
    /// Reads a head that ends with its empty line, at most `max` fields of it; `None` when the
    /// first line is none of HTTP.
    pub(crate) fn read(block: &'a [u8], max: usize) -> Option<Self> {
        let mut lines = block.split(|&b| b == b'\n').map(<[u8]>::trim_ascii_end);
        let start = read_start(lines.next()?)?;
        let mut fields = lines.filter_map(name_and_value);
        Some(Head {
            start,
            fields: fields.by_ref().take(max).collect(),
            limited: fields.next().is_some(),
        })
    }

    /// First value of a field, by its name in lower case.
    pub(crate) fn get(&self, name: &str) -> Option<&'a [u8]> {
        self.fields
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| *value)
    }

    /// The same as text, empty when absent.
    pub(super) fn text(&self, name: &str) -> String {
        self.get(name).map(text::lenient).unwrap_or_default()
    }

    /// Whether the fields contradict each other about the body's length: programs that read them
    /// in different ways then see different messages (RFC 9112 §6.3, §11.2).
    pub(super) fn is_ambiguous(&self) -> bool {
        let named = |name: &'static str| {
            self.fields
                .iter()
                .filter(move |(known, _)| known.eq_ignore_ascii_case(name.as_bytes()))
                .map(|(_, value)| *value)
        };
        let Some(length) = named("content-length").next() else {
            return false;
        };
        let is_number = !length.is_empty() && length.iter().all(u8::is_ascii_digit);
        !is_number
            || named("content-length").any(|other| other != length)
            || named("transfer-encoding").next().is_some()
    }

    /// What the fields say about the body, or `otherwise`.
    pub(super) fn follows(&self, otherwise: Follows) -> Follows {
        if let Some(coding) = self.get("transfer-encoding") {
            let last = coding.rsplit(|&b| b == b',').next().unwrap_or_default();
            return if last.trim_ascii().eq_ignore_ascii_case(b"chunked") {
                Follows::Chunked
            } else {
                otherwise
            };
        }
        let length = self.get("content-length").and_then(|value| {
            let digits = std::str::from_utf8(value).ok()?;
            digits.parse().ok()
        });
        match length {
            Some(0) => Follows::Nothing,
            Some(length) => Follows::Length(length),
            None => otherwise,
        }
    }
}

fn read_start(line: &[u8]) -> Option<StartLine<'_>> {
    if let Some(rest) = line.strip_prefix(b"HTTP/1.") {
        return match *rest {
            [
                _,
                b' ',
                a @ b'1'..=b'9',
                b @ b'0'..=b'9',
                c @ b'0'..=b'9',
                ..,
            ] => {
                let digit = |byte: u8| u16::from(byte - b'0');
                Some(StartLine::Response(
                    digit(a) * 100 + digit(b) * 10 + digit(c),
                ))
            }
            _ => None,
        };
    }
    let space = memchr::memchr(b' ', line)?;
    let method = line.get(..space)?;
    let is_token =
        !method.is_empty() && method.iter().all(|b| b.is_ascii_alphabetic() || *b == b'-');
    let version = memchr::memmem::rfind(line, b" HTTP/1.")?;
    let target = line.get(space + 1..version).unwrap_or_default();
    is_token.then_some(StartLine::Request(method, target.trim_ascii()))
}

/// Name and value of one field.
fn name_and_value(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr::memchr(b':', line)?;
    Some((line.get(..colon)?, line.get(colon + 1..)?.trim_ascii()))
}

/// The parts of a head that let in whoever repeats them: credentials and what sessions are known
/// by. Of a name and a password in one word the part that begins with the name stays.
pub(super) fn secrets(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    const NAMES: [&[u8]; 5] = [
        b"authorization",
        b"proxy-authorization",
        b"cookie",
        b"set-cookie",
        b"x-auth-token",
    ];
    block.split(|&b| b == b'\n').filter_map(|line| {
        let (name, value) = name_and_value(line)?;
        let is_secret = NAMES.iter().any(|known| name.eq_ignore_ascii_case(known));
        is_secret.then(|| behind_account(value))
    })
}

/// The parts of a head that may name somebody: parameters of addresses, and what a resource is
/// looked for by before it is made.
pub(super) fn addresses(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    const NAMES: [&[u8]; 3] = [b"referer", b"location", b"content-location"];
    block.split(|&b| b == b'\n').filter_map(|line| {
        let (name, value) = name_and_value(line)?;
        if name.eq_ignore_ascii_case(b"if-none-exist") {
            return Some(value);
        }
        let is_address = NAMES.iter().any(|known| name.eq_ignore_ascii_case(known));
        let marks = [&b"?"[..], b"Patient/"].into_iter();
        let from = marks.filter_map(|mark| memchr::memmem::find(value, mark));
        value.get(from.min().filter(|_| is_address)?..)
    })
}

/// What stands behind the account in the value of a field.
fn behind_account(value: &[u8]) -> &[u8] {
    let space = memchr::memchr(b' ', value);
    let Some((scheme, rest)) = space.and_then(|space| value.split_at_checked(space + 1)) else {
        return value;
    };
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return match scheme.eq_ignore_ascii_case(b"bearer ")
            || scheme.eq_ignore_ascii_case(b"digest ")
        {
            true => rest,
            false => value,
        };
    }
    // Whole groups of four characters (three bytes), up to the colon.
    let named = decode_until(rest, b':', 1).len() + 1;
    let kept = named / 3 * 4;
    rest.get(kept..).unwrap_or_default()
}

/// Who logs in, without the secret.
pub(super) struct Credentials {
    pub(super) method: &'static str,
    pub(super) account: String,
    pub(super) clear: bool,
    /// Account and secret are those that factories set.
    pub(super) factory: bool,
}

/// Reads the value of an Authorization field.
pub(super) fn credentials(value: &[u8]) -> Option<Credentials> {
    let space = memchr::memchr(b' ', value)?;
    let (scheme, rest) = value.split_at_checked(space)?;
    let rest = rest.trim_ascii();
    match scheme.to_ascii_lowercase().as_slice() {
        b"basic" => Some(Credentials {
            method: "http-basic",
            account: text::lenient(&decode_until(rest, b':', 1)),
            clear: true,
            factory: is_factory_pair(rest),
        }),
        b"digest" => Some(Credentials {
            method: "http-digest",
            account: parameter(rest, b"username=")?,
            clear: false,
            factory: false,
        }),
        // Whoever reads a token needs no account.
        b"bearer" => Some(Credentials {
            method: "http-bearer",
            account: String::new(),
            clear: false,
            factory: false,
        }),
        _ => None,
    }
}

/// Whether the encoded name and secret are a pair that factories set; nothing of it is kept.
fn is_factory_pair(encoded: &[u8]) -> bool {
    let pair = decode_until(encoded, 0, 1);
    let mut parts = pair.splitn(2, |byte| *byte == b':');
    match (parts.next(), parts.next()) {
        (Some(account), Some(secret)) => is_factory(account, secret),
        _ => false,
    }
}

/// The realm of a challenge: embedded devices name themselves there.
pub(super) fn realm(value: &[u8]) -> Option<String> {
    parameter(value, b"realm=")
}

pub(super) fn parameter(value: &[u8], name: &[u8]) -> Option<String> {
    let lower = value.to_ascii_lowercase();
    let at = memchr::memmem::find(&lower, name)? + name.len();
    let rest = value.get(at..)?;
    let text = match rest.strip_prefix(b"\"") {
        Some(quoted) => quoted.split(|&b| b == b'"').next()?,
        None => rest.split(|&b| b == b',').next()?,
    };
    Some(text::lenient(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_the_account_only() {
        // RFC 7617 §2: Aladdin with "open sesame".
        let value = b"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
        assert_eq!(credentials(value).unwrap().account, "Aladdin");
        let digest = b"Digest realm=\"ward\", username=\"Mufasa\", nonce=\"x\"";
        assert_eq!(credentials(digest).unwrap().account, "Mufasa");
        assert_eq!(credentials(b"Bearer abc").unwrap().account, "");
        assert!(credentials(b"Negotiate abc").is_none());
    }

    #[test]
    fn lengths_that_contradict_each_other() {
        let is_ambiguous = |fields: &str| {
            let block = format!("POST / HTTP/1.1\r\n{fields}\r\n");
            Head::read(block.as_bytes(), 200).unwrap().is_ambiguous()
        };
        assert!(is_ambiguous("Content-Length: 3\r\nContent-Length: 4\r\n"));
        assert!(is_ambiguous(
            "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"
        ));
        assert!(is_ambiguous("Content-Length: +3\r\n"));
        assert!(!is_ambiguous("Content-Length: 3\r\nContent-Length: 3\r\n"));
        assert!(!is_ambiguous("Transfer-Encoding: chunked\r\n"));
    }

    #[test]
    fn ends_and_sizes() {
        assert_eq!(head_end(b"GET / HTTP/1.1\r\nA: b\r\n\r\nrest"), Some(24));
        assert_eq!(head_end(b"HTTP/1.0 200 OK\n\nrest"), Some(17));
        assert_eq!(head_end(b"HTTP/1.0 200 OK\r\n\r"), None);
        assert_eq!(chunk_size(b"1a;x=y"), Some(26));
        assert_eq!(chunk_size(b"x"), None);
    }
}
