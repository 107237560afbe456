//! SMTP: what servers and clients call themselves, logins, which domains get mail, and the names
//! of what is attached.
//!
//! Sources: RFC 5321, RFC 3207 (STARTTLS), RFC 4954 (AUTH), RFC 3030 (BDAT), RFC 2045, RFC 2183.
//! Of addresses only the domain is
//! kept, of mail only the names and types of attached files; the secret is never decoded. Limits:
//! lines of 4096 bytes, [`COMMANDS`] and [`mail::PARTS`].

mod mail;

use std::collections::VecDeque;

use auscult_model::{Bound, Direction, Meaning, Transport};

use crate::base64::{decode_until, plain_account};
use crate::lines::{Lines, reply_code, split_word};
use crate::login::Attempt;
use crate::{Output, Place, Probe, Progress, Protocol, Record, Seen, Session, Start, Tier};
use crate::{sides, text};
use mail::Mail;

static RECORD: Record = Record {
    name: "smtp",
    title: "Simple Mail Transfer Protocol",
    tier: Tier::Decoded,
    transports: &[Transport::Tcp],
    ports: &[25, 587],
    weak: false,
    sources: &["RFC 5321", "RFC 3207", "RFC 4954", "RFC 3030", "RFC 2183"],
    reads: &[
        "the server's banner, the client's name",
        "logins and whether they succeeded",
        "domains that mail is sent to",
        "names and types of attached files",
    ],
    leaves_out: "Mail itself, its addresses, mail that crosses by BDAT, everything after STARTTLS.",
    attributes: &[("content_type", "declared type of an attached file")],
    bounds: &[&COMMANDS, &mail::PARTS],
    false_likely: "0 of 100,000 random prefixes",
};

static COMMANDS: Bound = Bound::settable(
    "smtp-commands",
    128,
    "commands of one flow that wait for their answer",
    "nothing is known of the answers from there on",
);

/// Commands of RFC 5321 and its extensions.
const WORDS: &[&[u8]] = &[
    b"EHLO",
    b"HELO",
    b"MAIL",
    b"RCPT",
    b"DATA",
    b"BDAT",
    b"RSET",
    b"NOOP",
    b"QUIT",
    b"VRFY",
    b"EXPN",
    b"HELP",
    b"AUTH",
    b"STARTTLS",
    b"ETRN",
    b"XCLIENT",
];

/// See [`RECORD`].
pub struct Smtp;

impl Protocol for Smtp {
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
        Box::new(SmtpSession {
            ports: start.ports,
            lines: [Lines::new(start.from_start); 2],
            greeted: !start.from_start,
            paired: start.from_start,
            waiting: VecDeque::new(),
            expects: Expects::Command,
            told: Vec::new(),
        })
    }
}

/// A greeting that says SMTP, or the client's: 40 bits and more.
fn probe_side(bytes: &[u8]) -> Probe {
    let word = bytes.get(..5).unwrap_or(bytes).to_ascii_uppercase();
    // By hand also without a name.
    let greetings: [&[u8]; 4] = [b"EHLO ", b"HELO ", b"EHLO\r", b"HELO\r"];
    if greetings.contains(&word.as_slice()) {
        return Probe::Certain;
    }
    if greetings.iter().any(|known| known.starts_with(&word)) {
        return Probe::Maybe;
    }
    let code = bytes.get(..3).unwrap_or(bytes);
    if code != &b"220"[..code.len()] {
        return Probe::No;
    }
    match memchr::memchr(b'\n', bytes.get(..512).unwrap_or(bytes)) {
        Some(end) => {
            let line = bytes.get(..end).unwrap_or_default().to_ascii_uppercase();
            if reply_code(&line).is_some() && memchr::memmem::find(&line, b"SMTP").is_some() {
                Probe::Certain
            } else {
                Probe::Maybe
            }
        }
        None if bytes.len() < 512 => Probe::Maybe,
        None => Probe::No,
    }
}

/// A command that was not answered yet.
enum Waiting {
    Other,
    StartTls,
    Auth(Option<Attempt>),
    /// The domain of a recipient.
    Recipient(String, Place),
}

/// What the client sends next.
enum Expects {
    Command,
    /// Lines of a login.
    Secret(Method),
    Mail(Box<Mail>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    Plain,
    /// LOGIN: the account, then the secret.
    LoginAccount,
    LoginSecret,
    /// The secret itself does not cross.
    Other,
}

struct SmtpSession {
    ports: [u16; 2],
    lines: [Lines; 2],
    greeted: bool,
    /// Nothing was lost, so that the first waiting command is the one that is answered.
    paired: bool,
    waiting: VecDeque<Waiting>,
    expects: Expects,
    /// Domains that were told.
    told: Vec<String>,
}

impl Session for SmtpSession {
    fn data(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        let lines = &mut self.lines[direction.index()];
        let (line, used) = match lines.whole(bytes, out) {
            Ok(whole) => whole,
            Err(progress) => return progress,
        };
        let confidence = lines.confidence();
        if direction == Direction::FromOriginator {
            return self.client(direction, line, confidence, used, out);
        }
        if let Some(code) = reply_code(line)
            && self.reply(direction, code, line, confidence, used, out)
        {
            return Progress::Done;
        }
        Progress::Used(used)
    }

    fn gap(&mut self, direction: Direction, _: Option<u64>, out: &mut Output<'_>) {
        self.lines[direction.index()].lost();
        self.expects = Expects::Command;
        self.end(out);
    }

    fn end(&mut self, out: &mut Output<'_>) {
        self.paired = false;
        let waiting = std::mem::take(&mut self.waiting);
        for waiting in waiting {
            match waiting {
                Waiting::Auth(Some(attempt)) => attempt.unanswered(out),
                Waiting::Recipient(domain, place) => self.recipient(domain, place, None, out),
                Waiting::Auth(None) | Waiting::Other | Waiting::StartTls => {}
            }
        }
    }
}

impl SmtpSession {
    fn client(
        &mut self,
        direction: Direction,
        line: &[u8],
        confidence: f32,
        used: usize,
        out: &mut Output<'_>,
    ) -> Progress {
        let (word, rest) = split_word(line);
        let word = word.get(..16).unwrap_or(word).to_ascii_uppercase();
        let is_command = WORDS.contains(&word.as_slice());
        let place = out.place(0..used);
        match &mut self.expects {
            Expects::Mail(mail) => {
                // A refused DATA is followed by a command, not by a header.
                let refused = mail.is_fresh()
                    && is_command
                    && memchr::memchr(b':', line).is_none_or(|at| at != word.len());
                if !refused {
                    if mail.line(line, confidence, place, out) {
                        self.expects = Expects::Command;
                    }
                    return Progress::Used(used);
                }
                self.expects = Expects::Command;
            }
            Expects::Secret(method) if !is_command => {
                let method = *method;
                out.withhold_part(line, line);
                self.secret(method, line, place);
                return Progress::Used(used);
            }
            Expects::Secret(_) | Expects::Command => self.expects = Expects::Command,
        }
        let mut waiting = Waiting::Other;
        match word.as_slice() {
            b"EHLO" | b"HELO" => {
                if let Some(said) = out.claim(place, "smtp_hello", text::lenient(rest)) {
                    said.sure(confidence);
                }
            }
            b"STARTTLS" => waiting = Waiting::StartTls,
            b"AUTH" => {
                out.withhold_part(line, split_word(rest).1);
                waiting = self.auth(direction, rest, confidence, place);
            }
            b"RCPT" => {
                if let Some(domain) = domain(rest) {
                    waiting = Waiting::Recipient(domain, place);
                }
            }
            b"DATA" => self.expects = Expects::Mail(Box::default()),
            b"BDAT" => {
                self.wait(waiting, out);
                let (size, _) = split_word(rest);
                let size = std::str::from_utf8(size).ok().and_then(|s| s.parse().ok());
                let skip = size.unwrap_or_default();
                return Progress::Skip { used, skip };
            }
            _ => {}
        }
        self.wait(waiting, out);
        Progress::Used(used)
    }

    fn wait(&mut self, waiting: Waiting, out: &mut Output<'_>) {
        if self.waiting.len() < out.bound(&COMMANDS) {
            self.waiting.push_back(waiting);
        } else {
            out.reached(&COMMANDS);
            self.end(out);
        }
    }

    /// AUTH and a mechanism, perhaps with its first message.
    fn auth(&mut self, client: Direction, rest: &[u8], confidence: f32, place: Place) -> Waiting {
        let (mechanism, first) = split_word(rest);
        let (method, name) = match mechanism.to_ascii_uppercase().as_slice() {
            b"PLAIN" => (Method::Plain, "smtp-plain"),
            b"LOGIN" => (Method::LoginAccount, "smtp-login"),
            _ => (Method::Other, "smtp-sasl"),
        };
        self.expects = Expects::Secret(method);
        let mut attempt = Attempt {
            method: name,
            account: String::new(),
            clear: method != Method::Other,
            client,
            place,
            confidence,
            attributes: Vec::new(),
        };
        if !first.is_empty() {
            self.expects = match method {
                Method::Plain => {
                    attempt.account = text::lenient(&plain_account(first));
                    Expects::Command
                }
                Method::LoginAccount => {
                    attempt.account = text::lenient(&decode_until(first, 0, 1));
                    Expects::Secret(Method::LoginSecret)
                }
                Method::LoginSecret | Method::Other => Expects::Secret(Method::Other),
            };
        }
        Waiting::Auth(Some(attempt))
    }

    /// A line of a login.
    fn secret(&mut self, method: Method, line: &[u8], place: Place) {
        let account = match method {
            Method::Plain => Some(plain_account(line)),
            Method::LoginAccount => Some(decode_until(line, 0, 1)),
            Method::LoginSecret | Method::Other => None,
        };
        self.expects = match method {
            Method::LoginAccount => Expects::Secret(Method::LoginSecret),
            Method::Other => Expects::Secret(Method::Other),
            Method::Plain | Method::LoginSecret => Expects::Command,
        };
        if let Some(Waiting::Auth(Some(attempt))) = self.waiting.back_mut() {
            attempt.place.last = place.last;
            if let Some(account) = account {
                attempt.account = text::lenient(&account);
            }
        }
    }

    /// Returns whether what follows is enciphered.
    fn reply(
        &mut self,
        direction: Direction,
        code: u16,
        line: &[u8],
        confidence: f32,
        used: usize,
        out: &mut Output<'_>,
    ) -> bool {
        let place = out.place(0..used);
        if !self.greeted && code == 220 {
            let port = self.ports[direction.index()];
            out.offer(place, Transport::Tcp, port, RECORD.name)
                .sure(confidence);
            let banner = text::lenient(line.get(4..).unwrap_or_default());
            if let Some(said) = out.claim(place, "smtp_banner", banner) {
                said.sure(confidence);
            }
            // Lines of one greeting are one answer.
            self.greeted = true;
            return false;
        }
        let is_more = line.get(3) == Some(&b'-');
        if is_more || (300..400).contains(&code) || !self.paired {
            return false;
        }
        match self.waiting.pop_front() {
            Some(Waiting::StartTls) => return code == 220,
            Some(Waiting::Auth(Some(attempt))) => attempt.answered(code == 235, used, out),
            Some(Waiting::Recipient(domain, place)) => {
                let place = out.place_since(place.first, used);
                self.recipient(domain, place, Some(code < 400), out);
            }
            Some(Waiting::Auth(None) | Waiting::Other) | None => {}
        }
        false
    }

    fn recipient(
        &mut self,
        domain: String,
        place: Place,
        granted: Option<bool>,
        out: &mut Output<'_>,
    ) {
        if self.told.contains(&domain) {
            return;
        }
        if self.told.len() < out.bound(&COMMANDS) {
            self.told.push(domain.clone());
        }
        let sent = Meaning::Request {
            operation: "mail",
            object: domain,
            granted,
        };
        out.say(place, sent).from_side(Direction::FromOriginator);
    }
}

/// The domain of `TO:<box@domain>`, in lower case.
fn domain(path: &[u8]) -> Option<String> {
    let at = memchr::memrchr(b'@', path)?;
    let domain = path.get(at + 1..)?;
    let end = domain.iter().position(|b| matches!(b, b'>' | b' '));
    let domain = domain.get(..end.unwrap_or(domain.len()))?;
    let domain = text::lenient(domain).to_ascii_lowercase();
    (!domain.is_empty()).then_some(domain)
}

#[cfg(test)]
mod tests;
