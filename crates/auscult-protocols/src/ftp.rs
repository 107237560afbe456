//! FTP control connections: the server's banner, and logins in clear.
//!
//! Sources: RFC 959, RFC 4217 (AUTH TLS), RFC 1635 (anonymous).
//! Roles come from the lines: replies begin with three digits, commands with a known word. The
//! password is never taken out of the line. Limits: lines of 4096 bytes.

use auscult_model::{Direction, Transport};

use crate::lines::{Lines, reply_code, split_word};
use crate::login::Attempt;
use crate::{Mark, Output, Place, Probe, Progress, Protocol, Record, Seen, Session, Start, Tier};
use crate::{sides, text};

static RECORD: Record = Record {
    name: "ftp",
    title: "File Transfer Protocol, control connection",
    tier: Tier::Identity,
    transports: &[Transport::Tcp],
    ports: &[21],
    weak: false,
    sources: &["RFC 959", "RFC 1635", "RFC 4217"],
    reads: &[
        "the server's banner and system",
        "logins in clear and whether they succeeded",
    ],
    leaves_out: "File names and the files themselves, everything after AUTH TLS.",
    attributes: &[
        ("anonymous", "true when the account is the anonymous one"),
        ("password", "none when the server decided on the name alone"),
    ],
    bounds: &[],
    false_likely: "0 of 100,000 random prefixes; banners of mail servers without their name",
};

/// Commands of RFC 959, 2228, 2389, 2428, 3659 and 7151.
const COMMANDS: &[&[u8]] = &[
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
        let words = if seen.from_start { OPENINGS } else { COMMANDS };
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
            greeted: false,
            securing: false,
            user: None,
            named: false,
            attempt: None,
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
    greeted: bool,
    /// AUTH was asked for and not answered.
    securing: bool,
    user: Option<(String, Mark)>,
    /// The name was sent, and neither answered nor followed by a password.
    named: bool,
    attempt: Option<Attempt>,
}

impl Session for FtpSession {
    fn data(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        let lines = &mut self.lines[direction.index()];
        let (line, used) = match lines.whole(bytes, out) {
            Ok(whole) => whole,
            Err(progress) => return progress,
        };
        let confidence = lines.confidence();
        if let Some(code) = reply_code(line) {
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
        self.user = None;
        self.named = false;
        self.end(out);
    }

    fn end(&mut self, out: &mut Output<'_>) {
        if let Some(attempt) = self.attempt.take() {
            attempt.unanswered(out);
        }
    }
}

impl FtpSession {
    fn command(
        &mut self,
        direction: Direction,
        line: &[u8],
        confidence: f32,
        place: Place,
        out: &mut Output<'_>,
    ) {
        let (word, rest) = split_word(line);
        let Ok(mut verb) = <[u8; 4]>::try_from(word) else {
            return;
        };
        verb.make_ascii_uppercase();
        match &verb {
            b"USER" => {
                self.end(out);
                self.user = Some((text::lenient(rest), place.first));
                self.named = true;
            }
            b"PASS" => {
                self.end(out);
                self.named = false;
                if let Some((account, first)) = self.user.clone() {
                    let place = Place { first, ..place };
                    self.attempt = Some(attempt(account, direction, place, confidence));
                }
            }
            b"AUTH" => self.securing = true,
            _ => {}
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
        if !matches!(line.get(3), Some(b'-')) {
            self.securing = false;
        }
        false
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
        ports: [50001, 21],
    };
    const TALK: [(Direction, &[u8]); 6] = [
        (SERVER, b"220 VxWorks (VxWorks5.4.2) FTP server ready\r\n"),
        (CLIENT, b"USER service\r\n"),
        (SERVER, b"331 Password required\r\n"),
        (CLIENT, b"PASS ftpsecret77\r\n"),
        (SERVER, b"530 Login incorrect\r\n"),
        (CLIENT, b"QUIT\r\n"),
    ];

    fn lines(talk: &Talk<'_>) -> Vec<String> {
        without_places(&drive(&Ftp, &START, &pieces(talk)).said)
    }

    #[test]
    fn banner_and_refused_login() {
        let said = lines(&TALK).join("\n");
        assert!(said.contains("ftp_banner\", value: \"VxWorks (VxWorks5.4.2) FTP server ready"));
        assert!(said.contains("account: \"service\", clear: true, accepted: Some(false)"));
        assert!(!said.contains("secret"));
        let one_sided: Vec<_> = TALK.into_iter().filter(|(d, _)| *d == CLIENT).collect();
        let [login] = &lines(&one_sided)[..] else {
            panic!()
        };
        assert!(login.contains("accepted: None"));
    }

    #[test]
    fn cuts_change_nothing() {
        cuts::change_nothing_in_talk(&TALK, lines);
    }

    #[test]
    fn nothing_is_read_behind_auth_tls() {
        let talk: [(Direction, &[u8]); 4] = [
            (CLIENT, b"AUTH TLS\r\n"),
            (SERVER, b"234 go ahead\r\n"),
            (CLIENT, b"USER a\r\nPASS b\r\n"),
            (SERVER, b"230 in\r\n"),
        ];
        assert!(lines(&talk).is_empty());
    }

    #[test]
    fn a_lost_answer_is_no_answer() {
        let mut pieces = pieces(&TALK);
        pieces[4] = Piece::Gap(SERVER, Some(20));
        let said = without_places(&drive(&Ftp, &START, &pieces).said).join("\n");
        assert!(said.contains("accepted: None"), "{said}");
    }

    fn probe(originator: &[u8], responder: &[u8]) -> Probe {
        Ftp.probe(&Seen {
            transport: Transport::Tcp,
            originator,
            responder,
            from_start: true,
        })
    }

    #[test]
    fn probe_needs_more_than_a_code() {
        assert_eq!(probe(b"", b"220 ready\r\n"), Probe::Likely);
        assert_eq!(probe(b"USER x\r\n", b"220 ready\r\n"), Probe::Certain);
        assert_eq!(probe(b"USER x\r\n", b"+OK POP3\r\n"), Probe::No);
        assert_eq!(probe(b"", b"220 (vsFTPd 3.0.3)\r\n"), Probe::Certain);
        assert_eq!(probe(b"", b"220 ftp.ward.test ESMTP\r\n"), Probe::No);
        assert_eq!(probe(b"EHLO me\r\n", b"220 mail\r\n"), Probe::No);
        assert_eq!(probe(b"GET / HTTP/1.1\r\n", b""), Probe::No);
    }

    /// Every account that tshark sees being sent with a password is said, with the answer.
    #[test]
    fn logins_of_real_captures() {
        for (name, account, accepted) in [
            ("captures/arkime/ftp.pcap", "anonymous", Some(true)),
            ("captures/ndpi/ftp_failed.pcap", "hello", Some(false)),
            (
                "captures/ppa/tickedoffdeveloper.pcapng",
                "salesxfer",
                Some(true),
            ),
            ("captures/zeek/ftp__retr.pcap", "anonymous", Some(true)),
            ("cases/c22_cleartext_logins.pcap", "service", Some(true)),
        ] {
            let Some(path) = oracle::shared(name) else {
                return;
            };
            let said = oracle::read_streams(&Ftp, &path, "ftp");
            let found = said.iter().any(|said| {
                matches!(&said.meaning, Meaning::Login { account: a, accepted: ok, .. }
                    if a == account && *ok == accepted)
            });
            assert!(found, "{name}: {said:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes(
            talk in proptest::collection::vec((any::<bool>(),
                proptest::collection::vec(any::<u8>(), 0..60)), 0..8),
        ) {
            let pieces: Vec<_> = talk
                .iter()
                .map(|(server, bytes)| Piece::Bytes(if *server { SERVER } else { CLIENT }, bytes))
                .collect();
            drive(&Ftp, &START, &pieces);
        }

        #[test]
        fn random_bytes_are_never_certain(bytes in proptest::array::uniform32(any::<u8>())) {
            prop_assert!(probe(&bytes, &[]) < Probe::Certain);
        }

        #[test]
        fn probe_is_final(end in 0usize..11) {
            let (client, server) = (b"USER x\r\nPASS", b"220 ready\r\n");
            for (short, whole) in [
                (probe(&client[..end], b""), probe(client, b"")),
                (probe(b"", &server[..end]), probe(b"", server)),
                (probe(&client[..end], server), probe(client, server)),
            ] {
                prop_assert!(short == whole || !matches!(short, Probe::No | Probe::Certain));
            }
        }
    }
}
