//! Telnet: logins in clear, what servers show before them, terminals.
//!
//! Sources: RFC 854 (commands), RFC 855 (options), RFC 1091 (terminal type), RFC 1123 §3.2; prompts
//! as servers in use show them. Options are stripped byte by byte; what a user types is kept only
//! while an account is asked for, the secret never. Limits: 128 characters of a prompt, 64 of an
//! account, 256 of what is shown before the first prompt, 40 of a terminal's name.

use auscult_model::{Direction, Transport};

use crate::login::Attempt;
use crate::{Mark, Output, Place, Probe, Progress, Protocol, Record, Seen, Session, Start, Tier};
use crate::{sides, text};

static RECORD: Record = Record {
    name: "telnet",
    title: "Telnet",
    tier: Tier::Identity,
    transports: &[Transport::Tcp],
    ports: &[23],
    weak: true,
    sources: &["RFC 854", "RFC 855", "RFC 1091", "RFC 1123"],
    reads: &[
        "logins after a prompt, and whether they succeeded",
        "what the server shows before its first prompt",
        "the client's terminal type",
    ],
    leaves_out: "Everything typed and shown besides, other option values, enciphered sessions.",
    attributes: &[],
    bounds: &[],
    false_likely: "1 in 100,000 random prefixes (a command byte, a verb, a known option)",
};

const IAC: u8 = 255;
const SB: u8 = 250;
const SE: u8 = 240;
/// Highest option number in use (RFC 860 and later), and the list extension.
const OPTION_MAX: u8 = 49;
const SHOWN_MAX: usize = 128;
const ACCOUNT_MAX: usize = 64;
const GREETING_MAX: usize = 256;
/// Option and verb in front of a terminal's name, which has at most 40 characters (RFC 1091).
const TERMINAL: [u8; 2] = [24, 0];
const TERMINAL_MAX: usize = TERMINAL.len() + 40;

/// See [`RECORD`].
pub struct Telnet;

impl Protocol for Telnet {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        match seen.transport {
            Transport::Tcp => sides::judge(seen, probe_side),
            _ => Probe::No,
        }
    }

    fn start(&self, start: &Start) -> Box<dyn Session> {
        Box::new(TelnetSession {
            ports: start.ports,
            filters: [Filter::Data; 2],
            server: None,
            shown: Vec::new(),
            typed: Vec::new(),
            asked: Asked::Nothing,
            account: None,
            attempt: None,
            greeting: start.from_start.then(Default::default),
            values: [None, None],
            has_terminal: false,
            confidence: if start.from_start { 1.0 } else { 0.9 },
        })
    }
}

/// A negotiation, or text; there is no more to it, so that it is never certain.
fn probe_side(bytes: &[u8]) -> Probe {
    match *bytes {
        [IAC, 251..=254, 0..=OPTION_MAX | IAC, ..] => Probe::Likely,
        [IAC] | [IAC, 251..=254] => Probe::Maybe,
        [IAC, ..] => Probe::No,
        _ => {
            let is_text = |b: &u8| matches!(b, b'\t' | b'\r' | b'\n' | 0x1b | 0x20..=0x7e);
            let first = bytes.get(..1).unwrap_or_default();
            if first.iter().all(is_text) {
                Probe::Maybe
            } else {
                Probe::No
            }
        }
    }
}

/// Where in a command one direction is.
#[derive(Clone, Copy)]
enum Filter {
    Data,
    Command,
    Option,
    Sub,
    SubCommand,
}

impl Filter {
    /// Takes a byte; `Some` when it is data.
    fn take(&mut self, byte: u8) -> Option<u8> {
        let (next, data) = match (*self, byte) {
            (Filter::Data, IAC) => (Filter::Command, None),
            (Filter::Data, byte) => (Filter::Data, Some(byte)),
            (Filter::Command, IAC) => (Filter::Data, Some(IAC)),
            (Filter::Command, SB) => (Filter::Sub, None),
            (Filter::Command, 251..=254) => (Filter::Option, None),
            (Filter::Command | Filter::Option, _) => (Filter::Data, None),
            (Filter::Sub, IAC) => (Filter::SubCommand, None),
            (Filter::SubCommand, SE) => (Filter::Data, None),
            (Filter::Sub | Filter::SubCommand, _) => (Filter::Sub, None),
        };
        *self = next;
        data
    }
}

/// What the server's last prompt wants.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Nothing,
    Account,
    Secret,
}

struct TelnetSession {
    ports: [u16; 2],
    filters: [Filter; 2],
    /// The side that prompts.
    server: Option<Direction>,
    /// The server's current line.
    shown: Vec<u8>,
    /// What the client typed since an account was asked for.
    typed: Vec<u8>,
    asked: Asked,
    account: Option<(String, Mark)>,
    attempt: Option<Attempt>,
    /// What each side showed since the start, until one of them prompts; `None` when that is not
    /// wanted any more.
    greeting: Option<[Part; 2]>,
    /// The option value that crosses in each direction.
    values: [Option<Part>; 2],
    /// A terminal type was told.
    has_terminal: bool,
    confidence: f32,
}

/// The front of something that crosses, and where it begins.
#[derive(Default)]
struct Part {
    first: Mark,
    bytes: Vec<u8>,
}

impl Session for TelnetSession {
    fn data(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        for (at, &byte) in bytes.iter().enumerate() {
            let filter = &mut self.filters[direction.index()];
            let before = *filter;
            let Some(byte) = filter.take(byte) else {
                self.option(direction, before, byte, at, out);
                continue;
            };
            if self.server == Some(direction.opposite()) {
                self.typed(direction, byte, at, out);
            } else {
                self.shown(direction, byte, at, out);
            }
        }
        Progress::Used(bytes.len())
    }

    fn gap(&mut self, direction: Direction, _: Option<u64>, out: &mut Output<'_>) {
        self.filters[direction.index()] = Filter::Data;
        self.values = [None, None];
        self.greeting = None;
        self.shown.clear();
        self.typed.clear();
        self.asked = Asked::Nothing;
        self.account = None;
        self.confidence = 0.9;
        self.end(out);
    }

    fn end(&mut self, out: &mut Output<'_>) {
        if let Some(attempt) = self.attempt.take() {
            attempt.unanswered(out);
        }
    }
}

impl TelnetSession {
    /// A byte of a command; `before` is where the direction was before it.
    fn option(
        &mut self,
        direction: Direction,
        before: Filter,
        byte: u8,
        at: usize,
        out: &mut Output<'_>,
    ) {
        let value = &mut self.values[direction.index()];
        match (before, byte) {
            (Filter::Command, SB) if !self.has_terminal => {
                let first = out.mark(at);
                let bytes = Vec::new();
                *value = Some(Part { first, bytes });
            }
            (Filter::Sub, byte) if byte != IAC => {
                if let Some(value) = value
                    && value.bytes.len() < TERMINAL_MAX
                {
                    value.bytes.push(byte);
                }
            }
            (Filter::SubCommand, SE) => {
                let Some(value) = value.take() else { return };
                if let Some(name) = value.bytes.strip_prefix(&TERMINAL)
                    && !self.has_terminal
                {
                    self.has_terminal = true;
                    let place = out.place_since(value.first, at + 1);
                    if let Some(said) = out.claim(place, "telnet_terminal", text::lenient(name)) {
                        said.sure(self.confidence);
                    }
                }
            }
            _ => {}
        }
    }

    /// Says what the server showed up to its first prompt; a bare prompt is no news.
    fn greeted(&mut self, server: Direction, at: usize, out: &mut Output<'_>) {
        let Some(mut greeting) = self.greeting.take() else {
            return;
        };
        let Part { first, bytes } = std::mem::take(&mut greeting[server.index()]);
        let words = bytes.split(|b| matches!(b, b'\r' | b'\n' | b' ' | 0));
        let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
        let place = out.place_since(first, at + 1);
        if words.len() > 1
            && let Some(said) = out.claim(place, "telnet_banner", text::lenient(&words.join(&b' ')))
        {
            said.sure(self.confidence);
        }
    }

    /// A byte from the server, or from a side that may turn out to be it.
    fn shown(&mut self, direction: Direction, byte: u8, at: usize, out: &mut Output<'_>) {
        if let Some(greeting) = &mut self.greeting {
            let part = &mut greeting[direction.index()];
            if part.bytes.is_empty() {
                part.first = out.mark(at);
            }
            if part.bytes.len() < GREETING_MAX {
                part.bytes.push(byte);
            }
        }
        if matches!(byte, b'\r' | b'\n' | 0) {
            self.line_ended(at, out);
            self.shown.clear();
            return;
        }
        if self.shown.len() >= SHOWN_MAX {
            self.shown.clear();
        }
        self.shown.push(byte.to_ascii_lowercase());
        match byte {
            b':' => self.prompted(direction, at, out),
            // A shell waits behind one of these.
            b' ' | b'$' | b'#' | b'>' | b'%' => {
                let line = self.shown.trim_ascii_end();
                let waits = matches!(line, [.., b'$' | b'#' | b'>' | b'%'] if line.len() < 64);
                if waits && self.asked == Asked::Nothing {
                    self.answered(true, at, out);
                }
            }
            _ => {}
        }
    }

    fn prompted(&mut self, direction: Direction, at: usize, out: &mut Output<'_>) {
        let line = self
            .shown
            .strip_suffix(b":")
            .unwrap_or_default()
            .trim_ascii();
        let asks_secret = line.ends_with(b"password") || line.ends_with(b"passwd");
        let asks_account = !line.ends_with(b"last login")
            && [
                &b"login"[..],
                b"username",
                b"user name",
                b"user",
                b"account",
            ]
            .iter()
            .any(|word| line.ends_with(word));
        if !asks_secret && !asks_account {
            return;
        }
        if self.server.is_none() {
            self.server = Some(direction);
            let port = self.ports[direction.index()];
            out.offer(out.place(at..at + 1), Transport::Tcp, port, RECORD.name)
                .sure(self.confidence);
            self.greeted(direction, at, out);
        }
        // Asked again: what was tried before did not do.
        self.answered(false, at, out);
        self.typed.clear();
        self.asked = if asks_secret {
            Asked::Secret
        } else {
            Asked::Account
        };
    }

    fn line_ended(&mut self, at: usize, out: &mut Output<'_>) {
        let says = |word: &[u8]| memchr::memmem::find(&self.shown, word).is_some();
        let refused = [&b"incorrect"[..], b"denied", b"invalid", b"failed"]
            .into_iter()
            .any(says);
        let accepted = says(b"last login") || says(b"welcome");
        if refused {
            self.answered(false, at, out);
        } else if accepted {
            self.answered(true, at, out);
        }
    }

    fn answered(&mut self, accepted: bool, at: usize, out: &mut Output<'_>) {
        if let Some(attempt) = self.attempt.take() {
            attempt.answered(accepted, at + 1, out);
        }
    }

    /// A byte from the client.
    fn typed(&mut self, direction: Direction, byte: u8, at: usize, out: &mut Output<'_>) {
        let place = out.place(at..at + 1);
        match (self.asked, byte) {
            (Asked::Nothing, _) => {}
            (Asked::Account, b'\r' | b'\n') => {
                self.account = Some((text::lenient(&self.typed), place.first));
                self.typed.clear();
                self.asked = Asked::Nothing;
            }
            (Asked::Account, 0x08 | 0x7f) => {
                self.typed.pop();
            }
            // The rest of a line end.
            (Asked::Account, 0) => {}
            (Asked::Account, byte) if self.typed.len() < ACCOUNT_MAX => self.typed.push(byte),
            (Asked::Account, _) => {}
            (Asked::Secret, b'\r' | b'\n') => {
                self.asked = Asked::Nothing;
                self.try_login(direction, place);
            }
            (Asked::Secret, _) => out.withhold(at..at + 1),
        }
    }

    fn try_login(&mut self, client: Direction, place: Place) {
        let (account, first) = self.account.take().unwrap_or((String::new(), place.first));
        self.attempt = Some(Attempt {
            method: RECORD.name,
            account,
            clear: true,
            client,
            place: Place { first, ..place },
            confidence: self.confidence,
            attributes: Vec::new(),
        });
    }
}

#[cfg(test)]
mod tests;
