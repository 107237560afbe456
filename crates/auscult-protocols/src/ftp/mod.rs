//! FTP control connections: the server's banner, logins in clear, files asked for; the data
//! connections that carry them are announced ([`crate::ftp_data`]).
//!
//! Sources: RFC 959, RFC 2428 (EPRT, EPSV), RFC 4217 (AUTH TLS), RFC 1635 (anonymous).
//! Roles come from the lines: replies begin with three digits, commands with a known word. The
//! password is never taken out of the line. Addresses in PORT and PASV are not believed: a data
//! connection runs between the same two hosts. Limits: lines of 4096 bytes, and [`COMMANDS`].

mod commands;

use auscult_model::{Bound, Direction, Meaning, Transport};

use crate::factory_login::{FACTORY, is_factory};
use crate::ftp_data::{self, Crossing};
use crate::lines::{Lines, reply_code, split_word};
use crate::login::Attempt;
use crate::{
    Expectation, Mark, Output, Place, Probe, Progress, Protocol, Record, Seen, Session, Start, Tier,
};
use crate::{sides, text};
use commands::{Answered, Command, Commands, Transfer};

static RECORD: Record = Record {
    name: "ftp",
    title: "File Transfer Protocol, control connection",
    tier: Tier::Decoded,
    transports: &[Transport::Tcp],
    ports: &[21],
    weak: false,
    sources: &["RFC 959", "RFC 1635", "RFC 2428", "RFC 4217"],
    reads: &[
        "the server's banner and system",
        "logins in clear and whether they succeeded",
        "files read and written, by name, and refusals",
        "where data connections will be (PORT, EPRT, PASV, EPSV)",
    ],
    leaves_out: "Listings, directories, transfers between two servers, everything after AUTH TLS.",
    attributes: &[
        ("anonymous", "true when the account is the anonymous one"),
        ("password", "none when the server decided on the name alone"),
        (
            "default",
            "factory: account and secret are those that factories set",
        ),
    ],
    bounds: &[&COMMANDS],
    false_likely: "0 of 100,000 random prefixes; banners of mail servers without their name",
};

static COMMANDS: Bound = Bound::settable(
    "ftp-commands",
    64,
    "commands of one flow that wait for their answer",
    "nothing is known of the answers from there on",
);

/// Commands of RFC 959, 2228, 2389, 2428, 3659 and 7151.
const WORDS: &[&[u8]] = &[
    b"USER", b"PASS", b"ACCT", b"CWD", b"CDUP", b"SMNT", b"QUIT", b"REIN", b"PORT", b"PASV",
    b"TYPE", b"STRU", b"MODE", b"RETR", b"STOR", b"STOU", b"APPE", b"ALLO", b"REST", b"RNFR",
    b"RNTO", b"ABOR", b"DELE", b"RMD", b"MKD", b"PWD", b"LIST", b"NLST", b"SITE", b"SYST", b"STAT",
    b"HELP", b"NOOP", b"AUTH", b"PBSZ", b"PROT", b"FEAT", b"OPTS", b"EPRT", b"EPSV", b"MDTM",
    b"SIZE", b"MLSD", b"MLST", b"HOST", b"CLNT", b"XPWD",
];
/// What a client says first.
const OPENINGS: &[&[u8]] = &[
    b"USER", b"AUTH", b"FEAT", b"HOST", b"SYST", b"OPTS", b"CLNT", b"QUIT", b"NOOP",
];
const COMMAND_MAX: usize = 4;

/// See [`RECORD`].
pub struct Ftp;

impl Protocol for Ftp {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    /// A reply code and a command, or a banner that says FTP. Banners of mail servers begin
    /// alike, so that a code alone is only likely.
    fn probe(&self, seen: &Seen<'_>) -> Probe {
        if seen.transport != Transport::Tcp {
            return Probe::No;
        }
        let words = if seen.from_start { OPENINGS } else { WORDS };
        let of = |bytes: &[u8]| match bytes.first() {
            Some(b'0'..=b'9') => probe_reply(bytes),
            _ => probe_command(bytes, words),
        };
        let one = sides::of_seen(seen.originator, of);
        let other = sides::of_seen(seen.responder, of);
        let is_reply = |bytes: &[u8]| bytes.first().is_some_and(u8::is_ascii_digit);
        if is_reply(seen.originator) == is_reply(seen.responder) && one.min(other) > Probe::Maybe {
            return Probe::No;
        }
        if one.min(other) >= Probe::Likely {
            return Probe::Certain;
        }
        sides::join(one, other)
    }

    fn start(&self, start: &Start) -> Box<dyn Session> {
        Box::new(FtpSession {
            ports: start.ports,
            lines: [Lines::new(start.from_start); 2],
            open: [None; 2],
            greeted: false,
            securing: false,
            user: None,
            named: false,
            attempt: None,
            commands: Commands::new(start.from_start),
            data: None,
            is_image: false,
            is_stream: true,
            restarted: false,
        })
    }
}

fn probe_reply(bytes: &[u8]) -> Probe {
    let Some(end) = memchr::memchr(b'\n', bytes.get(..512).unwrap_or(bytes)) else {
        let fits = bytes.iter().zip(b"220").all(|(a, b)| a == b);
        return if fits && bytes.len() < 512 {
            Probe::Maybe
        } else {
            Probe::No
        };
    };
    let line = bytes
        .get(..end)
        .unwrap_or_default()
        .trim_ascii_end()
        .to_ascii_lowercase();
    if reply_code(&line) != Some(220) || memchr::memmem::find(&line, b"smtp").is_some() {
        return Probe::No;
    }
    let names_itself = memchr::memmem::find_iter(&line, b"ftp")
        .any(|at| !matches!(line.get(at + 3), Some(b'.' | b'-' | b'0'..=b'9')));
    if names_itself {
        Probe::Certain
    } else {
        Probe::Likely
    }
}

fn probe_command(bytes: &[u8], words: &[&[u8]]) -> Probe {
    let upper = bytes
        .get(..COMMAND_MAX + 1)
        .unwrap_or(bytes)
        .to_ascii_uppercase();
    let end = upper.iter().position(|b| !b.is_ascii_alphabetic());
    let word = upper.get(..end.unwrap_or(upper.len())).unwrap_or_default();
    match end {
        Some(_) if words.contains(&word) => match upper.get(word.len()) {
            Some(b' ' | b'\r' | b'\n') => Probe::Likely,
            _ => Probe::No,
        },
        None if words.iter().any(|known| known.starts_with(word)) => Probe::Maybe,
        _ => Probe::No,
    }
}

struct FtpSession {
    ports: [u16; 2],
    lines: [Lines; 2],
    /// A reply of several lines is open in that direction, with this code (RFC 959 §4.2).
    open: [Option<u16>; 2],
    greeted: bool,
    /// AUTH was asked for and not answered.
    securing: bool,
    user: Option<(String, Mark)>,
    /// The name was sent, and neither answered nor followed by a password.
    named: bool,
    attempt: Option<Attempt>,
    commands: Commands,
    /// Where the next data connection will be: who listens, on which port.
    data: Option<(Direction, u16)>,
    /// Files cross as they are (TYPE I), so that sizes can be compared.
    is_image: bool,
    /// MODE S: the bytes of a data connection are the file's.
    is_stream: bool,
    /// REST was sent: the next file crosses in part.
    restarted: bool,
}

impl Session for FtpSession {
    fn data(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        let lines = &mut self.lines[direction.index()];
        let (line, used) = match lines.whole(bytes, out) {
            Ok(whole) => whole,
            Err(progress) => return progress,
        };
        let confidence = lines.confidence();
        let code = reply_code(line);
        let goes_on = line.get(3) == Some(&b'-');
        let open = &mut self.open[direction.index()];
        if open.is_some() && (*open != code || goes_on) {
            return Progress::Used(used);
        }
        *open = code.filter(|_| goes_on);
        if let Some(code) = code {
            if self.reply(direction, code, line, confidence, used, out) {
                return Progress::Done;
            }
        } else {
            let place = out.place(0..used);
            self.command(direction, line, confidence, place, out);
        }
        Progress::Used(used)
    }

    fn gap(&mut self, direction: Direction, _: Option<u64>, out: &mut Output<'_>) {
        self.lines[direction.index()].lost();
        self.open[direction.index()] = None;
        self.user = None;
        self.named = false;
        self.end(out);
    }

    fn end(&mut self, out: &mut Output<'_>) {
        self.unanswered(out);
        for transfer in self.commands.forget() {
            say_transfer(&transfer, transfer.place, None, out);
        }
    }
}

impl FtpSession {
    fn unanswered(&mut self, out: &mut Output<'_>) {
        if let Some(attempt) = self.attempt.take() {
            attempt.unanswered(out);
        }
    }

    fn command(
        &mut self,
        direction: Direction,
        line: &[u8],
        confidence: f32,
        place: Place,
        out: &mut Output<'_>,
    ) {
        let (word, rest) = split_word(line);
        let word = word.get(..COMMAND_MAX).unwrap_or(word).to_ascii_uppercase();
        for transfer in self.commands.resume() {
            say_transfer(&transfer, transfer.place, None, out);
        }
        let mut waits = Command::Other;
        match word.as_slice() {
            b"USER" => {
                self.unanswered(out);
                self.user = Some((text::lenient(rest), place.first));
                self.named = true;
            }
            b"PASS" => {
                out.withhold_part(line, rest);
                self.unanswered(out);
                self.named = false;
                if let Some((account, first)) = self.user.clone() {
                    let place = Place { first, ..place };
                    let mut attempt = attempt(account, direction, place, confidence);
                    if is_factory(attempt.account.as_bytes(), rest) {
                        attempt.attributes.push(("default", FACTORY.into()));
                    }
                    self.attempt = Some(attempt);
                }
            }
            b"AUTH" => self.securing = true,
            b"TYPE" => self.is_image = rest.eq_ignore_ascii_case(b"I"),
            b"MODE" => self.is_stream = rest.eq_ignore_ascii_case(b"S"),
            b"REST" => self.restarted = rest != b"0",
            b"PORT" | b"EPRT" => {
                let port = match word.as_slice() {
                    b"PORT" => commands::six_numbers(rest),
                    _ => commands::extended(rest),
                };
                if let Some(port) = port {
                    self.opened(direction, port, out);
                }
            }
            b"RETR" | b"STOR" | b"APPE" | b"STOU" | b"LIST" | b"NLST" | b"MLSD" => {
                let transfer = self.transfer(&word, rest, direction, confidence, place);
                self.announce(&transfer.crossing, out);
                waits = Command::Transfer(Box::new(transfer));
            }
            _ => {}
        }
        if !self.commands.push(waits, out.bound(&COMMANDS)) {
            out.reached(&COMMANDS);
        }
    }

    fn transfer(
        &mut self,
        word: &[u8],
        rest: &[u8],
        client: Direction,
        confidence: f32,
        place: Place,
    ) -> Transfer {
        let is_file = matches!(word, b"RETR" | b"STOR" | b"APPE" | b"STOU");
        let name = text::lenient(rest);
        let crossing = if is_file && self.is_stream {
            Crossing::File {
                name,
                size: None,
                in_part: std::mem::take(&mut self.restarted) || word == b"APPE",
            }
        } else {
            Crossing::Listing
        };
        Transfer {
            operation: if word == b"RETR" { "read" } else { "write" },
            object: is_file.then(|| text::lenient(rest)),
            crossing,
            client,
            place,
            confidence,
            told: false,
        }
    }

    /// A data connection will be made to this side.
    fn opened(&mut self, server: Direction, port: u16, out: &mut Output<'_>) {
        self.data = Some((server, port));
        let crossing = match self.commands.next_transfer() {
            Some(transfer) => transfer.crossing.clone(),
            None => Crossing::Unknown,
        };
        self.announce(&crossing, out);
    }

    /// Announces the data connection, again when more of it is known.
    fn announce(&self, crossing: &Crossing, out: &mut Output<'_>) {
        if let Some((server, port)) = self.data {
            out.expect(Expectation {
                transport: Transport::Tcp,
                server,
                port,
                protocol: ftp_data::NAME,
                note: Some(crossing.note()),
            });
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
        let rest = line.get(4..).unwrap_or_default();
        match code {
            220 if !self.greeted => {
                self.greeted = true;
                let port = self.ports[direction.index()];
                out.offer(place, Transport::Tcp, port, RECORD.name)
                    .sure(confidence);
                claim("ftp_banner", rest, place, confidence, out);
            }
            215 => claim("ftp_system", rest, place, confidence, out),
            230 | 430 | 530 => self.answer(direction, code == 230, place, confidence, used, out),
            // The name is known; a password is asked for.
            331 | 332 => self.named = false,
            234 | 334 if self.securing => return true,
            _ => {}
        }
        if matches!(line.get(3), Some(b'-')) {
            return false;
        }
        self.securing = false;
        // These codes answer PASV and EPSV and nothing else.
        let port = match code {
            227 => commands::six_numbers(rest),
            229 => commands::extended(rest),
            _ => None,
        };
        let answered = self.commands.answer(code);
        if let Some(port) = port {
            self.opened(direction, port, out);
        }
        match answered {
            Answered::Nothing => {}
            Answered::Begun(mut transfer) => {
                self.begun(&mut transfer, rest, used, out);
                self.commands.put_back(transfer);
            }
            Answered::Ended(transfer) => {
                if !transfer.told {
                    let place = out.place_since(transfer.place.first, used);
                    say_transfer(&transfer, place, Some(code < 400), out);
                }
                self.data = None;
            }
        }
        false
    }

    /// The server said that a file begins to cross, often with its size.
    fn begun(&self, transfer: &mut Transfer, text: &[u8], used: usize, out: &mut Output<'_>) {
        if !transfer.told {
            let place = out.place_since(transfer.place.first, used);
            say_transfer(transfer, place, Some(true), out);
            transfer.told = true;
        }
        if let Crossing::File { size, .. } = &mut transfer.crossing
            && self.is_image
            && transfer.operation == "read"
        {
            *size = commands::size_of(text);
            self.announce(&transfer.crossing, out);
        }
    }

    /// The server let the user in or did not, after the password or after the name alone.
    fn answer(
        &mut self,
        server: Direction,
        accepted: bool,
        place: Place,
        confidence: f32,
        used: usize,
        out: &mut Output<'_>,
    ) {
        if let Some(attempt) = self.attempt.take() {
            attempt.answered(accepted, used, out);
        } else if let (true, Some((account, first))) = (self.named, self.user.take()) {
            let place = Place { first, ..place };
            let mut attempt = attempt(account, server.opposite(), place, confidence);
            attempt.attributes.push(("password", "none".into()));
            attempt.answered(accepted, used, out);
        }
        self.named = false;
    }
}

fn say_transfer(transfer: &Transfer, place: Place, granted: Option<bool>, out: &mut Output<'_>) {
    if let (Some(object), false) = (&transfer.object, transfer.told) {
        let asked = Meaning::Request {
            operation: transfer.operation,
            object: object.clone(),
            granted,
        };
        let client = transfer.client;
        out.say(place, asked)
            .from_side(client)
            .sure(transfer.confidence);
    }
}

fn attempt(account: String, client: Direction, place: Place, confidence: f32) -> Attempt {
    let anonymous = matches!(account.to_ascii_lowercase().as_str(), "anonymous" | "ftp");
    let mut attributes = Vec::new();
    if anonymous {
        attributes.push(("anonymous", "true".into()));
    }
    Attempt {
        method: "ftp-password",
        account,
        clear: true,
        client,
        place,
        confidence,
        attributes,
    }
}

fn claim(
    attribute: &'static str,
    value: &[u8],
    place: Place,
    confidence: f32,
    out: &mut Output<'_>,
) {
    if let Some(said) = out.claim(place, attribute, text::lenient(value)) {
        said.sure(confidence);
    }
}

#[cfg(test)]
mod tests;
