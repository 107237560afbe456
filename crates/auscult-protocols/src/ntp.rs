//! NTP: who gives the time, from which clock, and what time servers say of themselves.
//!
//! Sources: RFC 5905 §7.3 (packet), RFC 4330 §4 (SNTP), RFC 9327 (control messages, mode 6). The
//! format is weak: nearly any 48 bytes with a small first number fit, so the port must be that of
//! NTP or both sides must look like it. Mode 7 is ntpd's own and known by its request codes only.
//!
//! ```text
//! 0 leap 2 bits, version 3, mode 3 · 1 stratum · 2 poll · 3 precision · 4 delay · 8 dispersion
//! 12 reference id · 16 reference time · 24 origin · 32 receive · 40 transmit
//! control: 0 version, mode · 1 response 0x80, error 0x40, more 0x20, operation · 2 sequence
//!     4 status · 6 association · 8 offset · 10 count · 12 text
//! ```

use std::net::Ipv4Addr;

use auscult_model::{Direction, Meaning, Transport};

use crate::heard::Heard;
use crate::{Output, Place, Probe, Progress, Protocol, Record, Seen, Session, Start, Tier};
use crate::{sides, text};

static RECORD: Record = Record {
    name: "ntp",
    title: "Network Time Protocol",
    tier: Tier::Decoded,
    transports: &[Transport::Udp],
    ports: &[123],
    weak: true,
    sources: &["RFC 5905", "RFC 4330", "RFC 9327"],
    reads: &[
        "who serves time, its stratum and reference",
        "answers to control messages: version, processor and system of the server",
    ],
    leaves_out: "The times themselves, authentication, ntpd's private messages (mode 7) but their \
                 code.",
    attributes: &[],
    bounds: &[],
    false_likely: "7 of 100,000 random datagrams of 1 to 304 bytes",
};

const HEADER_LEN: usize = 48;
/// What clients write in place of their precision that say nothing of themselves (chrony does).
const HIDDEN: u8 = 0x20;
const CONTROL_LEN: usize = 12;
/// Longest text of one control message (RFC 9327 §2), and what may stand behind it.
const TEXT_MAX: usize = 468;
const BEHIND_TEXT: usize = 32;
const PRIVATE_LEN: usize = 8;

mod mode {
    pub(super) const SERVER: u8 = 4;
    pub(super) const BROADCAST: u8 = 5;
    pub(super) const CONTROL: u8 = 6;
    pub(super) const PRIVATE: u8 = 7;
}

/// See [`RECORD`].
pub struct Ntp;

impl Protocol for Ntp {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        match seen.transport {
            Transport::Udp => sides::judge(seen, probe_message),
            _ => Probe::No,
        }
    }

    fn start(&self, start: &Start) -> Box<dyn Session> {
        Box::new(NtpSession {
            ports: start.ports,
            heard: Heard::default(),
        })
    }
}

/// About 24 bits agree: mode, version, small stratum, poll and precision, delay and dispersion
/// under a minute.
fn probe_message(bytes: &[u8]) -> Probe {
    let &[first, second, poll, precision, ref rest @ ..] = bytes else {
        return Probe::Maybe;
    };
    let (version, mode) = (first >> 3 & 7, first & 7);
    if !(1..=4).contains(&version) {
        return Probe::No;
    }
    let (fits, needed) = match mode {
        1..=5 => {
            let under_a_minute = |at: usize| matches!(rest.get(at..at + 2), Some([0, 0..=63]));
            let fits = second <= 16
                && poll <= 17
                && (matches!(precision, 0 | HIDDEN) || precision >= 0xe0)
                && under_a_minute(0)
                && under_a_minute(4);
            (fits, HEADER_LEN)
        }
        mode::CONTROL => (Control::read(bytes).is_some(), CONTROL_LEN),
        mode::PRIVATE => (private(bytes).is_some(), PRIVATE_LEN),
        _ => (false, 0),
    };
    match fits {
        _ if bytes.len() < needed => Probe::Maybe,
        true => Probe::Likely,
        false => Probe::No,
    }
}

struct NtpSession {
    ports: [u16; 2],
    heard: Heard,
}

impl Session for NtpSession {
    fn data(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        let used = Progress::Used(bytes.len());
        let Some(&first) = bytes.first() else {
            return used;
        };
        let place = out.place(0..bytes.len());
        match first & 7 {
            mode::SERVER | mode::BROADCAST => {
                let said = bytes.get(..2).zip(bytes.get(12..16));
                if let Some((head, reference)) = said
                    && self.heard.is_new((head.last(), reference), out)
                {
                    let port = self.ports[direction.index()];
                    out.offer(place, Transport::Udp, port, RECORD.name);
                    server(head, reference, place, out);
                }
            }
            mode::CONTROL => {
                if let Some(control) = Control::read(bytes).filter(|control| control.is_answer)
                    && self.heard.is_new((control.operation, control.text), out)
                {
                    control.tell(place, out);
                }
            }
            mode::PRIVATE => {
                if let Some(what) = private(bytes).filter(|_| first & 0x80 != 0)
                    && self.heard.is_new(what, out)
                {
                    answered("private", what, place, out);
                }
            }
            _ => {}
        }
        used
    }
}

/// A server's stratum and where it has its time from (RFC 5905 §7.3, reference id).
fn server(head: &[u8], reference: &[u8], place: Place, out: &mut Output<'_>) {
    let (Some(&stratum), &[a, b, c, d]) = (head.last(), reference) else {
        return;
    };
    // 0 is a kiss of death, 16 a clock that is not set.
    if (1..16).contains(&stratum) {
        out.claim(place, "ntp_stratum", stratum.to_string());
    }
    let word = reference.iter().position(|&byte| byte == 0);
    let word = reference.get(..word.unwrap_or(4)).unwrap_or_default();
    let is_word = text::is_printable_ascii(word);
    match stratum {
        0 if is_word => out.claim(place, "ntp_kiss", text::lenient(word)),
        1 if is_word => out.claim(place, "ntp_reference", text::lenient(word)),
        2..=15 => {
            let server = Ipv4Addr::new(a, b, c, d).to_string();
            out.claim(place, "ntp_reference", server)
        }
        _ => None,
    };
}

fn answered(operation: &'static str, what: &str, place: Place, out: &mut Output<'_>) {
    let request = Meaning::Request {
        operation,
        object: what.to_owned(),
        granted: Some(true),
    };
    let asker = out.direction.opposite();
    out.say(place, request).from_side(asker);
}

/// A control message.
#[derive(Debug)]
struct Control<'a> {
    is_answer: bool,
    operation: u8,
    text: &'a [u8],
}

impl<'a> Control<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let (head, text) = bytes.split_first_chunk::<CONTROL_LEN>()?;
        let [_, flags, _, _, _, _, _, _, _, _, c0, c1] = *head;
        let count = usize::from(u16::from_be_bytes([c0, c1]));
        let operation = flags & 0x1f;
        // Only answers have errors and more to come. Behind the text are padding and a digest.
        let fits = matches!(operation, 1..=12 | 31)
            && (flags & 0x80 != 0 || flags & 0x60 == 0)
            && count <= TEXT_MAX
            && text.len() <= count + BEHIND_TEXT;
        Some(Control {
            is_answer: flags & 0xc0 == 0x80,
            operation,
            // Captures cut texts.
            text: Some(text.get(..count).unwrap_or(text)).filter(|_| fits)?,
        })
    }

    fn tell(&self, place: Place, out: &mut Output<'_>) {
        let operation = match self.operation {
            1 => "read-status",
            2 => "read-variables",
            3 => "write-variables",
            4 => "read-clock",
            5 => "write-clock",
            8 => "configure",
            9 => "save-configuration",
            10 => "read-clients",
            _ => "other",
        };
        answered("control", operation, place, out);
        if self.operation != 2 {
            return;
        }
        for (name, value) in variables(self.text) {
            let attribute = match name {
                b"version" => "ntp_version",
                b"processor" => "cpu",
                b"system" => "os",
                _ => continue,
            };
            out.claim(place, attribute, text::lenient(value));
        }
    }
}

/// `name=value, name="value", ...`; commas inside quotes are text.
fn variables(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut quoted = false;
    let parts = text.split(move |&byte| {
        quoted ^= byte == b'"';
        byte == b',' && !quoted
    });
    parts.filter_map(|part| {
        let at = memchr::memchr(b'=', part)?;
        let value = part.get(at + 1..)?.trim_ascii();
        let bare = value
            .strip_prefix(b"\"")
            .and_then(|v| v.strip_suffix(b"\""));
        Some((part.get(..at)?.trim_ascii(), bare.unwrap_or(value)))
    })
}

/// What is asked of ntpd itself: only the list of clients is known by name here. Behind the code
/// are an error with a number of items, and their size under four bits that are zero.
fn private(bytes: &[u8]) -> Option<&'static str> {
    let &[_, _, implementation, code, n0, n1, s0, s1] = bytes.first_chunk::<PRIVATE_LEN>()?;
    let items = usize::from(u16::from_be_bytes([n0 & 0x0f, n1]));
    let size = usize::from(u16::from_be_bytes([s0, s1]));
    let fits = matches!(implementation, 2 | 3)
        && code <= 45
        && size < 0x1000
        && items * size <= bytes.len() - PRIVATE_LEN;
    match code {
        _ if !fits => None,
        20 | 42 => Some("monlist"),
        _ => Some("other"),
    }
}

#[cfg(test)]
mod tests;
