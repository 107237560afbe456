//! IMAP: the server's banner, and logins in clear.
//!
//! Sources: RFC 9051, RFC 3501 (LOGIN, AUTHENTICATE, STARTTLS, literals), RFC 4616 (PLAIN).
//! Answers carry the tag of their command. The secret is never taken out of its line; literals,
//! mail among them, are skipped. Limits: lines of 4096 bytes, [`LOGINS`].

use auscult_model::{Bound, Direction, Transport};

use crate::base64::{decode_until, plain_account};
use crate::lines::{Lines, split_word};
use crate::login::Attempt;
use crate::{Output, Place, Probe, Progress, Protocol, Record, Seen, Session, Start, Tier};
use crate::{sides, text};

static RECORD: Record = Record {
    name: "imap",
    title: "Internet Message Access Protocol",
    tier: Tier::Identity,
    transports: &[Transport::Tcp],
    ports: &[143],
    weak: false,
    sources: &["RFC 9051", "RFC 3501", "RFC 4616"],
    reads: &["the server's banner", "logins and whether they succeeded"],
    leaves_out: "Mail and folders, everything after STARTTLS.",
    attributes: &[],
    bounds: &[&LOGINS],
    false_likely: "0 of 100,000 random prefixes",
};

static LOGINS: Bound = Bound::settable(
    "imap-logins",
    8,
    "logins of one flow that wait for their answer",
    "nothing is known of the oldest one's answer",
);

/// What a client says before it is logged in.
const OPENINGS: &[&[u8]] = &[
    b"CAPABILITY",
    b"LOGIN",
    b"AUTHENTICATE",
    b"STARTTLS",
    b"ID",
    b"NOOP",
    b"LOGOUT",
];
const TAG_MAX: usize = 32;

/// See [`RECORD`].
pub struct Imap;

impl Protocol for Imap {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    /// `* OK` and a tag with a command, or a banner that says IMAP.
    fn probe(&self, seen: &Seen<'_>) -> Probe {
        if seen.transport != Transport::Tcp {
            return Probe::No;
        }
        let one = sides::of_seen(seen.originator, probe_command);
        let other = sides::of_seen(seen.responder, probe_banner);
        match (one, other) {
            (Probe::Likely, Probe::Likely) => Probe::Certain,
            (Probe::Certain, _) | (_, Probe::Certain) => Probe::Certain,
            (Probe::No, Probe::No) => Probe::No,
            // One side alone is not enough, nor does it exclude what the other will say.
            _ => Probe::Maybe,
        }
    }

    fn start(&self, start: &Start) -> Box<dyn Session> {
        Box::new(ImapSession {
            ports: start.ports,
            lines: [Lines::new(start.from_start); 2],
            greeted: !start.from_start,
            logins: Vec::new(),
            continues: Continues::No,
            securing: None,
        })
    }
}

fn probe_banner(bytes: &[u8]) -> Probe {
    let start: &[u8] = b"* OK";
    if bytes.len() < start.len() {
        return if start.starts_with(bytes) {
            Probe::Maybe
        } else {
            Probe::No
        };
    }
    if !bytes.starts_with(start) {
        return Probe::No;
    }
    match memchr::memchr(b'\n', bytes.get(..512).unwrap_or(bytes)) {
        Some(end) => {
            let line = bytes.get(..end).unwrap_or_default().to_ascii_uppercase();
            if memchr::memmem::find(&line, b"IMAP").is_some() {
                Probe::Certain
            } else {
                Probe::Likely
            }
        }
        None if bytes.len() < 512 => Probe::Maybe,
        None => Probe::No,
    }
}

fn probe_command(bytes: &[u8]) -> Probe {
    let front = bytes.get(..TAG_MAX).unwrap_or(bytes);
    let is_tag = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'$' | b'_' | b'-');
    let Some(space) = memchr::memchr(b' ', front) else {
        let open = bytes.len() < TAG_MAX && bytes.iter().all(is_tag);
        return if open { Probe::Maybe } else { Probe::No };
    };
    let (tag, rest) = bytes.split_at(space);
    if tag.is_empty() || !tag.iter().all(is_tag) {
        return Probe::No;
    }
    let rest = rest.get(1..).unwrap_or_default();
    let word = rest.get(..13).unwrap_or(rest).to_ascii_uppercase();
    let end = word.iter().position(|b| !b.is_ascii_alphabetic());
    match end {
        Some(end) if OPENINGS.contains(&word.get(..end).unwrap_or_default()) => Probe::Likely,
        None if OPENINGS.iter().any(|known| known.starts_with(&word)) => Probe::Maybe,
        _ => Probe::No,
    }
}

/// What the client's next line goes on with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Continues {
    No,
    /// A login whose account is a literal.
    Account,
    /// A message of a mechanism; the account is in it when it is PLAIN or the first of LOGIN.
    Plain,
    LoginAccount,
    LoginSecret,
}

struct ImapSession {
    ports: [u16; 2],
    lines: [Lines; 2],
    greeted: bool,
    /// Logins that were not answered yet, by their tags.
    logins: Vec<(Vec<u8>, Attempt)>,
    continues: Continues,
    /// Tag of a STARTTLS that was not answered yet.
    securing: Option<Vec<u8>>,
}

impl Session for ImapSession {
    fn data(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        let lines = &mut self.lines[direction.index()];
        let (line, used) = match lines.whole(bytes, out) {
            Ok(whole) => whole,
            Err(progress) => return progress,
        };
        let confidence = lines.confidence();
        let place = out.place(0..used);
        match direction {
            Direction::FromOriginator => {
                if self.command(line, confidence, place, out) {
                    return Progress::Used(used);
                }
            }
            Direction::FromResponder => {
                if self.answer(line, confidence, used, out) {
                    return Progress::Done;
                }
            }
        }
        match literal(line) {
            Some(skip) => Progress::Skip { used, skip },
            None => Progress::Used(used),
        }
    }

    fn gap(&mut self, direction: Direction, _: Option<u64>, out: &mut Output<'_>) {
        self.lines[direction.index()].lost();
        self.continues = Continues::No;
        self.end(out);
    }

    fn end(&mut self, out: &mut Output<'_>) {
        for (_, attempt) in self.logins.drain(..) {
            attempt.unanswered(out);
        }
    }
}

impl ImapSession {
    /// Says whether a literal at the line's end is to be read and not skipped.
    fn command(
        &mut self,
        line: &[u8],
        confidence: f32,
        place: Place,
        out: &mut Output<'_>,
    ) -> bool {
        let continues = std::mem::replace(&mut self.continues, Continues::No);
        if continues != Continues::No {
            let secret = match continues {
                Continues::Account => behind_string(line),
                _ => line,
            };
            out.withhold_part(line, secret);
            self.go_on(continues, line, place);
            return false;
        }
        let (tag, rest) = split_word(line);
        let (word, rest) = split_word(rest);
        let word = word.get(..16).unwrap_or(word).to_ascii_uppercase();
        match word.as_slice() {
            b"LOGIN" => {
                let is_literal = rest.starts_with(b"{");
                let account = if is_literal { None } else { Some(string(rest)) };
                out.withhold_part(line, behind_string(rest));
                self.attempt(tag, "imap-login", account, confidence, place, out);
                if is_literal {
                    self.continues = Continues::Account;
                }
                is_literal
            }
            b"AUTHENTICATE" => {
                let (mechanism, first) = split_word(rest);
                out.withhold_part(line, first);
                let (method, then) = match mechanism.to_ascii_uppercase().as_slice() {
                    b"PLAIN" => ("imap-plain", Continues::Plain),
                    b"LOGIN" => ("imap-login", Continues::LoginAccount),
                    _ => return false,
                };
                self.attempt(tag, method, None, confidence, place, out);
                if first.is_empty() {
                    self.continues = then;
                } else {
                    self.go_on(then, first, place);
                }
                false
            }
            b"STARTTLS" => {
                self.securing = Some(tag.to_vec());
                false
            }
            _ => false,
        }
    }

    fn attempt(
        &mut self,
        tag: &[u8],
        method: &'static str,
        account: Option<String>,
        confidence: f32,
        place: Place,
        out: &mut Output<'_>,
    ) {
        if self.logins.len() >= out.bound(&LOGINS) {
            out.reached(&LOGINS);
            self.end(out);
        }
        let attempt = Attempt {
            method,
            account: account.unwrap_or_default(),
            clear: true,
            client: Direction::FromOriginator,
            place,
            confidence,
            attributes: Vec::new(),
        };
        let tag = tag.get(..TAG_MAX).unwrap_or(tag);
        self.logins.push((tag.to_vec(), attempt));
    }

    fn go_on(&mut self, continues: Continues, line: &[u8], place: Place) {
        let account = match continues {
            Continues::Account => Some(string(line)),
            Continues::Plain => Some(text::lenient(&plain_account(line))),
            Continues::LoginAccount => {
                self.continues = Continues::LoginSecret;
                Some(text::lenient(&decode_until(line, 0, 1)))
            }
            Continues::LoginSecret | Continues::No => None,
        };
        if let Some((_, attempt)) = self.logins.last_mut() {
            attempt.place.last = place.last;
            if let Some(account) = account {
                attempt.account = account;
            }
        }
    }

    /// Returns whether what follows is enciphered.
    fn answer(&mut self, line: &[u8], confidence: f32, used: usize, out: &mut Output<'_>) -> bool {
        let (tag, rest) = split_word(line);
        let (word, text_behind) = split_word(rest);
        let is = |known: &[u8]| word.eq_ignore_ascii_case(known);
        if tag == b"*" {
            if !self.greeted && is(b"OK") {
                self.greeted = true;
                let place = out.place(0..used);
                let port = self.ports[Direction::FromResponder.index()];
                out.offer(place, Transport::Tcp, port, RECORD.name)
                    .sure(confidence);
                let banner = text::lenient(text_behind);
                if let Some(said) = out.claim(place, "imap_banner", banner) {
                    said.sure(confidence);
                }
            }
            return false;
        }
        let accepted = is(b"OK");
        if !accepted && !is(b"NO") && !is(b"BAD") {
            return false;
        }
        if let Some(at) = self.logins.iter().position(|(known, _)| known == tag) {
            let (_, attempt) = self.logins.remove(at);
            attempt.answered(accepted, used, out);
        }
        accepted && self.securing.as_deref() == Some(tag)
    }
}

/// The size of the literal that a line announces at its end, with or without waiting for leave.
fn literal(line: &[u8]) -> Option<u64> {
    let inside = line.strip_suffix(b"}")?;
    let start = memchr::memrchr(b'{', inside)?;
    let digits = inside.get(start + 1..)?;
    let digits = digits.strip_suffix(b"+").unwrap_or(digits);
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// What stands behind the first string of a line; nothing where that is a literal.
fn behind_string(line: &[u8]) -> &[u8] {
    let mut is_quoted = false;
    let mut is_escaped = false;
    let end = line.iter().position(|&byte| {
        let ends = byte == b' ' && !is_quoted;
        is_quoted ^= byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    });
    end.and_then(|end| line.get(end + 1..)).unwrap_or_default()
}

/// The first string of a line: quoted, or up to a space.
fn string(line: &[u8]) -> String {
    let value = match line.strip_prefix(b"\"") {
        Some(quoted) => {
            let mut value = Vec::new();
            let mut bytes = quoted.iter();
            while let Some(&byte) = bytes.next() {
                match byte {
                    b'"' => break,
                    b'\\' => value.extend(bytes.next()),
                    byte => value.push(byte),
                }
            }
            value
        }
        None => split_word(line).0.to_vec(),
    };
    text::lenient(&value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cuts::{self, Talk, pieces};
    use crate::drive::{Piece, drive, without_places};
    use crate::oracle;
    use auscult_model::Meaning;
    use proptest::prelude::*;

    const CLIENT: Direction = Direction::FromOriginator;
    const SERVER: Direction = Direction::FromResponder;
    const START: Start = Start {
        transport: Transport::Tcp,
        from_start: true,
        ports: [50007, 143],
    };
    const TALK: [(Direction, &[u8]); 9] = [
        (SERVER, b"* OK Dovecot ready.\r\n"),
        (CLIENT, b"a1 LOGIN \"bed \\\"7\" imapsecret\r\n"),
        (SERVER, b"a1 NO no\r\n"),
        (CLIENT, b"a2 LOGIN {4}\r\n"),
        (SERVER, b"+ go\r\n"),
        (CLIENT, b"bed7 imapsecret\r\na3 FETCH 1 BODY[]\r\n"),
        (
            SERVER,
            b"a2 OK in\r\n* 1 FETCH (BODY[] {14}\r\na1 OK LOGIN \r\n)\r\n",
        ),
        (
            CLIENT,
            b"a4 AUTHENTICATE PLAIN\r\nAHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n",
        ),
        (SERVER, b"+ \r\na4 OK in\r\n"),
    ];

    fn lines(talk: &Talk<'_>) -> Vec<String> {
        without_places(&drive(&Imap, &START, &pieces(talk)).said)
    }

    #[test]
    fn banner_and_logins() {
        let said = lines(&TALK);
        let expected = [
            "ServiceOffered",
            "imap_banner\", value: \"Dovecot ready.",
            "\"imap-login\", account: \"bed \\\"7\", clear: true, accepted: Some(false)",
            "\"imap-login\", account: \"bed7\", clear: true, accepted: Some(true)",
            "\"imap-plain\", account: \"tim\", clear: true, accepted: Some(true)",
        ];
        assert_eq!(said.len(), expected.len(), "{said:#?}");
        for (said, expected) in said.iter().zip(expected) {
            assert!(said.contains(expected), "{said}\n{expected}");
            assert!(!said.contains("secret"), "{said}");
        }
    }

    #[test]
    fn cuts_change_nothing() {
        cuts::change_nothing_in_talk(&TALK, lines);
    }

    #[test]
    fn nothing_is_read_behind_starttls() {
        let talk: [(Direction, &[u8]); 4] = [
            (CLIENT, b"a STARTTLS\r\n"),
            (SERVER, b"a OK go\r\n"),
            (CLIENT, b"b LOGIN x y\r\n"),
            (SERVER, b"b OK in\r\n"),
        ];
        assert!(lines(&talk).is_empty());
    }

    #[test]
    fn probe_needs_both_sides_or_the_name() {
        let probe = |originator: &[u8], responder: &[u8]| {
            Imap.probe(&Seen {
                transport: Transport::Tcp,
                originator,
                responder,
                from_start: true,
            })
        };
        assert_eq!(probe(b"", b"* OK IMAP4 ready\r\n"), Probe::Certain);
        assert_eq!(
            probe(b"a CAPABILITY\r\n", b"* OK ready\r\n"),
            Probe::Certain
        );
        assert!(probe(b"", b"* OK ready\r\n") <= Probe::Likely);
        assert_eq!(probe(b"GET / HTTP/1.1\r\n", b"+OK\r\n"), Probe::No);
    }

    #[test]
    fn logins_of_real_captures() {
        let Some(path) = oracle::shared("captures/ndpi/imap.pcap") else {
            return;
        };
        let said = oracle::read_streams(&Imap, &path, "imap");
        let found = said.iter().any(|said| {
            matches!(&said.meaning, Meaning::Login { account, accepted: Some(true), .. }
                if account == "samir")
        });
        assert!(found, "{said:?}");
        assert!(!format!("{said:?}").contains("pfres"));
    }

    proptest! {
        #[test]
        fn any_bytes(
            talk in proptest::collection::vec((any::<bool>(), "[\\x00-\\x7f]{0,60}"), 0..8),
        ) {
            let pieces: Vec<_> = talk
                .iter()
                .map(|(server, bytes)| {
                    Piece::Bytes(if *server { SERVER } else { CLIENT }, bytes.as_bytes())
                })
                .collect();
            drive(&Imap, &START, &pieces);
        }
    }
}
