//! POP3: the server's banner, and logins in clear.
//!
//! Sources: RFC 1939 (USER, PASS, APOP), RFC 2595 (STLS).
//! Roles come from the lines: replies begin with `+OK` or `-ERR`. The password is never taken
//! out of the line; mail is passed over line by line. Limits: lines of 4096 bytes.

use auscult_model::{Direction, Transport};

use crate::lines::{Lines, split_word};
use crate::login::Attempt;
use crate::{Mark, Output, Place, Probe, Progress, Protocol, Record, Seen, Session, Start, Tier};
use crate::{sides, text};

static RECORD: Record = Record {
    name: "pop3",
    title: "Post Office Protocol, version 3",
    tier: Tier::Identity,
    transports: &[Transport::Tcp],
    ports: &[110],
    weak: false,
    sources: &["RFC 1939", "RFC 2595"],
    reads: &["the server's banner", "logins and whether they succeeded"],
    leaves_out: "Mail, SASL logins, everything after STLS.",
    attributes: &[],
    bounds: &[],
    false_likely: "0 of 100,000 random prefixes",
};

/// What a client says before it is logged in.
const OPENINGS: &[&[u8]] = &[b"USER", b"APOP", b"CAPA", b"AUTH", b"STLS", b"QUIT"];

/// See [`RECORD`].
pub struct Pop3;

impl Protocol for Pop3 {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    /// A reply (`+OK` and a space or the line's end) and a command are more than 32 bits; each
    /// alone is likely.
    fn probe(&self, seen: &Seen<'_>) -> Probe {
        if seen.transport != Transport::Tcp {
            return Probe::No;
        }
        let one = sides::of_seen(seen.originator, probe_side);
        let other = sides::of_seen(seen.responder, probe_side);
        let is_reply = |bytes: &[u8]| bytes.first() == Some(&b'+');
        match one.min(other) {
            Probe::Likely if is_reply(seen.originator) == is_reply(seen.responder) => Probe::No,
            Probe::Likely => Probe::Certain,
            _ => sides::join(one, other),
        }
    }

    fn start(&self, start: &Start) -> Box<dyn Session> {
        Box::new(Pop3Session {
            ports: start.ports,
            lines: [Lines::new(start.from_start); 2],
            greeted: !start.from_start,
            securing: false,
            user: None,
            attempt: None,
        })
    }
}

fn probe_side(bytes: &[u8]) -> Probe {
    let word = bytes.get(..4).unwrap_or(bytes).to_ascii_uppercase();
    let reply: &[u8] = b"+OK";
    match *bytes {
        [b'+', b'O', b'K', b' ' | b'\r' | b'\n', ..] => Probe::Likely,
        _ if bytes.len() <= reply.len() && reply.starts_with(bytes) => Probe::Maybe,
        [_, _, _, _, b' ' | b'\r' | b'\n', ..] if OPENINGS.contains(&word.as_slice()) => {
            Probe::Likely
        }
        _ if bytes.len() <= 4 && OPENINGS.iter().any(|known| known.starts_with(&word)) => {
            Probe::Maybe
        }
        _ => Probe::No,
    }
}

struct Pop3Session {
    ports: [u16; 2],
    lines: [Lines; 2],
    greeted: bool,
    /// STLS was asked for and not answered.
    securing: bool,
    user: Option<(String, Mark)>,
    attempt: Option<Attempt>,
}

impl Session for Pop3Session {
    fn data(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        let lines = &mut self.lines[direction.index()];
        let (line, used) = match lines.whole(bytes, out) {
            Ok(whole) => whole,
            Err(progress) => return progress,
        };
        let confidence = lines.confidence();
        let place = out.place(0..used);
        let (word, rest) = split_word(line);
        match word {
            b"+OK" | b"-ERR" => {
                let accepted = word == b"+OK";
                if accepted && self.securing {
                    return Progress::Done;
                }
                self.securing = false;
                if let Some(attempt) = self.attempt.take() {
                    attempt.answered(accepted, used, out);
                } else if accepted && !self.greeted {
                    self.greet(direction, rest, place, confidence, out);
                }
                self.greeted = true;
            }
            _ => {
                if word.eq_ignore_ascii_case(b"PASS") {
                    out.withhold_part(line, rest);
                }
                self.command(direction, word, rest, place, confidence, out);
            }
        }
        Progress::Used(used)
    }

    fn gap(&mut self, direction: Direction, _: Option<u64>, out: &mut Output<'_>) {
        self.lines[direction.index()].lost();
        self.user = None;
        self.end(out);
    }

    fn end(&mut self, out: &mut Output<'_>) {
        if let Some(attempt) = self.attempt.take() {
            attempt.unanswered(out);
        }
    }
}

impl Pop3Session {
    fn greet(
        &mut self,
        direction: Direction,
        banner: &[u8],
        place: Place,
        confidence: f32,
        out: &mut Output<'_>,
    ) {
        let port = self.ports[direction.index()];
        out.offer(place, Transport::Tcp, port, RECORD.name)
            .sure(confidence);
        if let Some(said) = out.claim(place, "pop3_banner", text::lenient(banner)) {
            said.sure(confidence);
        }
    }

    fn command(
        &mut self,
        client: Direction,
        word: &[u8],
        rest: &[u8],
        place: Place,
        confidence: f32,
        out: &mut Output<'_>,
    ) {
        let attempt = |method, account, first| Attempt {
            method,
            account,
            clear: method == "pop3-password",
            client,
            place: Place { first, ..place },
            confidence,
            attributes: Vec::new(),
        };
        let Ok(mut verb) = <[u8; 4]>::try_from(word) else {
            return;
        };
        verb.make_ascii_uppercase();
        let attempted = match &verb {
            b"USER" => {
                self.user = Some((text::lenient(rest), place.first));
                None
            }
            b"PASS" => {
                let user = self.user.take();
                user.map(|(account, first)| attempt("pop3-password", account, first))
            }
            // A name and a digest of a challenge with the secret.
            b"APOP" => {
                let account = text::lenient(split_word(rest).0);
                Some(attempt("pop3-apop", account, place.first))
            }
            b"STLS" => {
                self.securing = true;
                None
            }
            _ => None,
        };
        if attempted.is_some() {
            self.end(out);
            self.attempt = attempted;
        }
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
        ports: [50001, 110],
    };
    /// The dialogue of RFC 1939 §7, with a mail that looks like one.
    const TALK: [(Direction, &[u8]); 7] = [
        (SERVER, b"+OK POP3 server ready\r\n"),
        (CLIENT, b"USER mrose\r\n"),
        (SERVER, b"+OK mrose is a real hoopy frood\r\n"),
        (CLIENT, b"PASS tanstaaf\r\n"),
        (SERVER, b"-ERR maildrop already locked\r\n"),
        (CLIENT, b"APOP mrose c4c9334bac560ecc979e58001b3e22fb\r\n"),
        (SERVER, b"+OK maildrop has 1 message\r\n"),
    ];

    fn lines(talk: &Talk<'_>) -> Vec<String> {
        without_places(&drive(&Pop3, &START, &pieces(talk)).said)
    }

    #[test]
    fn banner_and_logins() {
        let said = lines(&TALK);
        let expected = [
            "ServiceOffered",
            "POP3 server ready",
            "pop3-password\", account: \"mrose\", clear: true, accepted: Some(false)",
            "pop3-apop\", account: \"mrose\", clear: false, accepted: Some(true)",
        ];
        assert_eq!(said.len(), expected.len(), "{said:?}");
        for (said, expected) in said.iter().zip(expected) {
            assert!(said.contains(expected), "{said} {expected}");
        }
        assert!(!said.join("").contains("tanstaaf") && !said.join("").contains("c4c9334b"));
    }

    #[test]
    fn cuts_change_nothing() {
        cuts::change_nothing_in_talk(&TALK, lines);
    }

    #[test]
    fn logins_of_real_captures() {
        let Some(path) = oracle::shared("captures/ndpi/pop3.pcap") else {
            return;
        };
        let said = oracle::read_streams(&Pop3, &path, "pop");
        let rows = oracle::tshark(
            &path,
            "pop.request.command == \"USER\"",
            &["pop.request.parameter"],
        );
        for row in rows {
            let account = row.one("pop.request.parameter");
            let found = said.iter().any(
                |said| matches!(&said.meaning, Meaning::Login { account: a, .. } if a == account),
            );
            assert!(found, "{account}: {said:?}");
        }
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
            drive(&Pop3, &START, &pieces);
        }

        #[test]
        fn probe_is_honest_and_final(bytes in proptest::collection::vec(any::<u8>(), 5..40)) {
            let whole = probe_side(&bytes);
            prop_assert!(whole < Probe::Certain);
            prop_assert!(probe_side(&bytes[..3]) != Probe::No || whole == Probe::No);
        }
    }
}
