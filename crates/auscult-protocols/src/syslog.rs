//! Syslog: what machines that log to a server call themselves, and which programs log.
//!
//! Sources: RFC 3164 §4 (BSD form), RFC 5424 §6, RFC 6587 §3.4 (over TCP: counted, or a line
//! each). Only the head of a message is read. A sender that gives several host names passes on
//! what others log, and is believed half. Limits: [`MESSAGE_MAX`] bytes of a message over TCP.

use std::net::IpAddr;

use auscult_model::{Direction, Transport};

use crate::heard::Heard;
use crate::lines::split_word;
use crate::{Output, Place, Probe, Progress, Protocol, Record, Seen, Session, Start, Tier};
use crate::{sides, text};

static RECORD: Record = Record {
    name: "syslog",
    title: "Syslog",
    tier: Tier::Decoded,
    transports: &[Transport::Udp, Transport::Tcp],
    ports: &[514, 601],
    weak: false,
    sources: &["RFC 3164", "RFC 5424", "RFC 6587"],
    reads: &["host name and program of the sender"],
    leaves_out: "The messages themselves, structured data, syslog inside TLS; over TCP what comes \
                 after a gap.",
    attributes: &[],
    bounds: &[],
    false_likely: "0 of 100,000 random datagrams of 304 bytes",
};

/// Longest message over TCP that is waited for, and longest head.
const MESSAGE_MAX: usize = 8192;
const HEAD_MAX: usize = 512;
/// How far a sender is believed that passes on what others log.
const PASSED_ON: f32 = 0.5;

/// See [`RECORD`].
pub struct Syslog;

impl Protocol for Syslog {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        match seen.transport {
            Transport::Udp => sides::judge(seen, probe_message),
            Transport::Tcp => sides::judge(seen, probe_stream),
            _ => Probe::No,
        }
    }

    fn start(&self, start: &Start) -> Box<dyn Session> {
        Box::new(SyslogSession {
            is_stream: start.transport == Transport::Tcp,
            from_start: start.from_start,
            heard: Heard::default(),
            host: None,
            several: false,
        })
    }
}

fn probe_stream(bytes: &[u8]) -> Probe {
    let digits = bytes
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    match bytes.get(digits) {
        None if digits <= 5 => Probe::Maybe,
        Some(b' ') if (1..=5).contains(&digits) => {
            probe_message(bytes.get(digits + 1..).unwrap_or_default())
        }
        _ => probe_message(bytes),
    }
}

/// `<`, a priority, `>`, and the beginning of a time: at least 56 bits.
fn probe_message(bytes: &[u8]) -> Probe {
    let rest = match priority(bytes) {
        Ok(rest) => rest,
        Err(verdict) => return verdict,
    };
    let shape: &[&[u8]] = match rest {
        [b'1', b' ', ..] | [b'1'] => &[b"1 dddd-dd-ddT", b"1 - "],
        _ => &[
            b"Aaa dd dd:dd:dd",
            b"Aaa  d dd:dd:dd",
            b"dddd-dd-ddTdd:dd:dd",
        ],
    };
    let fits = |shape: &&&[u8]| {
        let mut pairs = rest.iter().zip(**shape);
        pairs.all(|(byte, kind)| match kind {
            b'd' => byte.is_ascii_digit(),
            b'A' => byte.is_ascii_uppercase(),
            b'a' => byte.is_ascii_lowercase(),
            other => byte == other,
        })
    };
    match shape.iter().find(fits) {
        Some(shape) if rest.len() >= shape.len() => Probe::Certain,
        Some(_) => Probe::Maybe,
        // A priority alone, and text.
        None => Probe::Likely,
    }
}

/// What follows `<priority>`, at most 191 (24 facilities of 8 severities).
fn priority(bytes: &[u8]) -> Result<&[u8], Probe> {
    let Some((b'<', rest)) = bytes.split_first() else {
        return Err(if bytes.is_empty() {
            Probe::Maybe
        } else {
            Probe::No
        });
    };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = rest.get(..digits).unwrap_or_default();
    let number = number
        .iter()
        .take(4)
        .fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    match rest.get(digits) {
        Some(b'>') if (1..=3).contains(&digits) && number < 192 => {
            let message = rest.get(digits + 1..).unwrap_or_default();
            match message.first() {
                None => Err(Probe::Maybe),
                Some(byte) if byte.is_ascii_graphic() || *byte == b' ' => Ok(message),
                Some(_) => Err(Probe::No),
            }
        }
        None if digits <= 3 => Err(Probe::Maybe),
        _ => Err(Probe::No),
    }
}

struct SyslogSession {
    is_stream: bool,
    from_start: bool,
    heard: Heard,
    host: Option<Vec<u8>>,
    several: bool,
}

impl Session for SyslogSession {
    fn data(&mut self, _: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        if !self.is_stream {
            self.message(bytes, 0..bytes.len(), out);
            return Progress::Used(bytes.len());
        }
        if !self.from_start {
            return Progress::Done;
        }
        match framed(bytes) {
            Framed::Message(range) => {
                let end = range.end;
                let message = bytes.get(range.clone()).unwrap_or_default();
                self.message(message, range, out);
                Progress::Used(end)
            }
            Framed::Part(need) => Progress::Need { used: 0, need },
            Framed::Long(used, skip) => Progress::Skip { used, skip },
            Framed::Not => Progress::Done,
        }
    }

    fn gap(&mut self, _: Direction, _: Option<u64>, _: &mut Output<'_>) {
        self.from_start = false;
    }
}

/// What is at the front of a stream.
enum Framed {
    /// A message lies here.
    Message(std::ops::Range<usize>),
    /// So many bytes are needed.
    Part(usize),
    /// So many bytes are its count, and so many follow: too long to read.
    Long(usize, u64),
    /// No message.
    Not,
}

/// A message with its length in front, or up to the end of its line.
fn framed(bytes: &[u8]) -> Framed {
    match bytes.first() {
        None => Framed::Part(1),
        Some(b'1'..=b'9') => {
            let digits = bytes
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            if digits > 6 {
                return Framed::Not;
            }
            let Some(space) = bytes.get(digits) else {
                return Framed::Part(digits + 1);
            };
            if *space != b' ' {
                return Framed::Not;
            }
            let count = bytes.get(..digits).unwrap_or_default();
            let count = count
                .iter()
                .fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'));
            let end = digits + 1 + count;
            match end <= MESSAGE_MAX {
                true if bytes.len() >= end => Framed::Message(digits + 1..end),
                true => Framed::Part(end),
                false => Framed::Long(digits + 1, count as u64),
            }
        }
        Some(b'<') => {
            let line = bytes.get(..MESSAGE_MAX).unwrap_or(bytes);
            match memchr::memchr2(b'\n', 0, line) {
                Some(end) => Framed::Message(0..end + 1),
                None if line.len() < MESSAGE_MAX => Framed::Part(line.len() + 1),
                None => Framed::Not,
            }
        }
        // Between messages of lines.
        Some(b'\n' | b'\r' | 0) => Framed::Message(0..1),
        Some(_) => Framed::Not,
    }
}

impl SyslogSession {
    fn message(&mut self, message: &[u8], range: std::ops::Range<usize>, out: &mut Output<'_>) {
        let Ok(rest) = priority(message) else {
            return;
        };
        let (host, program) = head(rest.get(..HEAD_MAX).unwrap_or(rest));
        if !self.heard.is_new((host, program), out) {
            return;
        }
        let place = out.place(range);
        match (&self.host, host) {
            (_, None) => {}
            (None, Some(host)) => self.host = Some(host.to_vec()),
            (Some(known), Some(host)) => self.several |= known != host,
        }
        let sure = if self.several { PASSED_ON } else { 1.0 };
        claim("syslog_hostname", host, sure, place, out);
        claim("syslog_program", program, sure, place, out);
    }
}

fn claim(
    attribute: &'static str,
    value: Option<&[u8]>,
    sure: f32,
    place: Place,
    out: &mut Output<'_>,
) {
    let value = value.map(text::lenient).unwrap_or_default();
    if let Some(said) = out.claim(place, attribute, value) {
        said.sure(sure);
    }
}

/// Host name and program behind a priority; addresses are no names.
fn head(rest: &[u8]) -> (Option<&[u8]>, Option<&[u8]>) {
    let (host, program) = match rest {
        [b'1', b' ', rest @ ..] => {
            let (_time, rest) = split_word(rest);
            let (host, rest) = split_word(rest);
            let (program, _) = split_word(rest);
            (host, program)
        }
        _ => bsd(rest),
    };
    let is_name = |word: &&[u8]| {
        let address = std::str::from_utf8(word).is_ok_and(|word| word.parse::<IpAddr>().is_ok());
        !address && !word.is_empty() && *word != b"-" && text::is_printable_ascii(word)
    };
    (Some(host).filter(is_name), Some(program).filter(is_name))
}

/// `Mmm dd hh:mm:ss host program[pid]: ...`; many senders leave out the host, some the time. Some
/// write the time as RFC 3339 does (`yyyy-mm-ddThh:mm:ss.frac+hh:mm`), without a version.
fn bsd(rest: &[u8]) -> (&[u8], &[u8]) {
    let rest = match rest.split_at_checked(16) {
        Some(([_, _, _, b' ', .., b':', _, _, b':', _, _, b' '], rest)) => rest,
        Some(([_, _, _, _, b'-', _, _, b'-', _, _, b'T', ..], _)) => split_word(rest).1,
        _ => return (&[], &[]),
    };
    let (first, after) = split_word(rest);
    let is_program = |word: &[u8]| word.ends_with(b":") || word.contains(&b'[');
    let (host, program) = match is_program(first) {
        true => (&[][..], first),
        false => (first, split_word(after).0),
    };
    // The program ends where its number or the text begins.
    let end = program.iter().position(|byte| matches!(byte, b'[' | b':'));
    let program = end.and_then(|end| program.get(..end)).unwrap_or_default();
    (host, program)
}

#[cfg(test)]
mod tests;
