//! SMTP: laws on an invented talk, and real captures against tshark.

use super::*;
use crate::cuts::{self, Talk, pieces};
use crate::drive::{Driven, Piece, drive, without_places};
use crate::oracle::{self, Agreement, Bundled, Row, Table};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;

const CLIENT: Direction = Direction::FromOriginator;
const SERVER: Direction = Direction::FromResponder;
const START: Start = Start {
    transport: Transport::Tcp,
    from_start: true,
    ports: [50006, 25],
};

/// tim with "tanstaaftanstaaf" (RFC 4616 §4).
const TALK: [(Direction, &[u8]); 14] = [
    (SERVER, b"220 mail.ward.test ESMTP Postfix\r\n"),
    (CLIENT, b"EHLO modality7\r\n"),
    (SERVER, b"250-mail.ward.test\r\n250 AUTH PLAIN\r\n"),
    (CLIENT, b"AUTH PLAIN\r\n"),
    (SERVER, b"334 \r\n"),
    (CLIENT, b"AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n"),
    (SERVER, b"235 in\r\n"),
    (
        CLIENT,
        b"MAIL FROM:<a@ward.test>\r\nRCPT TO:<b@Far.test>\r\nDATA\r\n",
    ),
    (SERVER, b"250 ok\r\n250 ok\r\n354 go\r\n"),
    (
        CLIENT,
        b"Subject: x\r\nContent-Type: multipart/mixed;\r\n boundary=\"b1\"\r\n\r\n--b1\r\n\
          Content-Type: application/pdf\r\nContent-Disposition: attachment;\r\n\
          \tfilename=\"manual.pdf\"\r\n\r\nJVBERi0=\r\nRCPT TO:<no@mail.test>\r\n--b1--\r\n.\r\n",
    ),
    (SERVER, b"250 queued\r\n"),
    (CLIENT, b"STARTTLS\r\n"),
    (SERVER, b"220 go\r\n"),
    (CLIENT, b"EHLO enciphered\r\n"),
];

fn lines(talk: &Talk<'_>) -> Vec<String> {
    without_places(&drive(&Smtp, &START, &pieces(talk)).said)
}

#[test]
fn names_login_domains_and_attachments() {
    let said = lines(&TALK);
    let expected = [
        "ServiceOffered",
        "smtp_banner\", value: \"mail.ward.test ESMTP Postfix",
        "smtp_hello\", value: \"modality7",
        "\"smtp-plain\", account: \"tim\", clear: true, accepted: Some(true)",
        "\"mail\", object: \"far.test\", granted: Some(true)",
        "object: \"manual.pdf\", granted: None } {\"content_type\": \"application/pdf\"",
    ];
    assert_eq!(said.len(), expected.len(), "{said:#?}");
    for (said, expected) in said.iter().zip(expected) {
        assert!(said.contains(expected), "{said}\n{expected}");
    }
}

#[test]
fn cuts_change_nothing() {
    cuts::change_nothing_in_talk(&TALK, lines);
}

#[test]
fn refused_and_unanswered_logins() {
    let talk: [(Direction, &[u8]); 4] = [
        (SERVER, b"220 m ESMTP\r\n"),
        (CLIENT, b"AUTH LOGIN dGlt\r\n"),
        (CLIENT, b"c2VjcmV0\r\nQUIT\r\n"),
        (SERVER, b"334 x\r\n535 no\r\n221 bye\r\n"),
    ];
    let said = lines(&talk).join("\n");
    assert!(said.contains("\"smtp-login\", account: \"tim\", clear: true, accepted: Some(false)"));
    assert!(!said.contains("secret"));
    let mut pieces = pieces(&talk);
    pieces[3] = Piece::Gap(SERVER, None);
    let said = without_places(&drive(&Smtp, &START, &pieces).said).join("\n");
    assert!(said.contains("accepted: None"), "{said}");
}

#[test]
fn probe_tells_mail_from_files() {
    let probe = |originator: &[u8], responder: &[u8]| {
        Smtp.probe(&Seen {
            transport: Transport::Tcp,
            originator,
            responder,
            from_start: true,
        })
    };
    assert_eq!(probe(b"", b"220 mail ESMTP\r\n"), Probe::Certain);
    assert_eq!(probe(b"EHLO x\r\n", b"220 mail\r\n"), Probe::Certain);
    assert_eq!(probe(b"ehlo\r\n", b"220 mail\r\n"), Probe::Certain);
    assert_eq!(probe(b"", b"220 (vsFTPd 3.0.3)\r\n"), Probe::Maybe);
    assert!(probe(b"USER x\r\n", b"220 ready\r\n") < Probe::Likely);
    assert_eq!(
        probe(b"GET / HTTP/1.1\r\n", b"HTTP/1.1 200 OK\r\n"),
        Probe::No
    );
}

const FIELDS: [&str; 8] = [
    "frame.number",
    "tcp.stream",
    "smtp.command_line",
    "smtp.response",
    "smtp.response.code",
    "smtp.rsp.parameter",
    "smtp.auth.username",
    "mime_multipart.header.content-disposition",
];

/// What tshark finds in one stream, in order.
#[derive(Default)]
struct Theirs {
    table: Table,
    /// Commands without an answer: the recipient's domain, or `AUTH`.
    waiting: VecDeque<String>,
    is_greeted: bool,
    account: String,
    domains: Vec<String>,
    logins: usize,
    files: usize,
}

impl Theirs {
    fn row(&mut self, row: &Row) {
        let frame = row.frame().to_string();
        for line in row.all("smtp.command_line") {
            let line = line.trim_end_matches("\\n").trim_end_matches("\\r");
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            let word = word.to_ascii_uppercase();
            if matches!(word.as_str(), "EHLO" | "HELO") && !rest.trim().is_empty() {
                let hello = (frame.clone(), "hello");
                let hellos = self.table.entry(hello).or_default();
                hellos.push(text::clean(rest.trim()));
            }
            self.waiting.push_back(match word.as_str() {
                "RCPT" => rest
                    .rsplit_once('@')
                    .map(|(_, domain)| domain.split(['>', ' ']).next().unwrap_or_default())
                    .map(|domain| format!("@{}", domain.to_ascii_lowercase()))
                    .unwrap_or_default(),
                _ => word,
            });
        }
        if let Some(account) = row.all("smtp.auth.username").first() {
            self.account = text::clean(account);
        }
        let codes = row.all("smtp.response.code");
        for code in codes.iter().filter_map(|code| code.parse().ok()) {
            self.answer(code, row, &frame);
        }
        for disposition in row.all("mime_multipart.header.content-disposition") {
            if let Some((_, name)) = disposition.split_once("filename=") {
                self.files += 1;
                let name = match name.strip_prefix('"') {
                    Some(quoted) => quoted.split('"').next(),
                    None => name.split([';', ' ']).next(),
                };
                let place = (format!("file {}", self.files), "attached");
                let name = text::clean(name.unwrap_or_default());
                self.table.insert(place, vec![name]);
            }
        }
    }

    fn answer(&mut self, code: u16, row: &Row, frame: &str) {
        if !std::mem::replace(&mut self.is_greeted, true) && code == 220 {
            let banner = text::clean(row.one("smtp.rsp.parameter"));
            self.table
                .insert((frame.to_owned(), "banner"), vec![banner]);
            return;
        }
        if (300..400).contains(&code) {
            return;
        }
        let answered = self.waiting.pop_front().unwrap_or_default();
        if answered == "AUTH" {
            self.login(Some(code == 235));
        }
        self.recipient(&answered, Some(code < 400));
    }

    fn login(&mut self, accepted: Option<bool>) {
        self.logins += 1;
        let login = format!("{} {accepted:?}", std::mem::take(&mut self.account));
        let place = (format!("login {}", self.logins), "account");
        self.table.insert(place, vec![login]);
    }

    fn recipient(&mut self, answered: &str, granted: Option<bool>) {
        let Some(domain) = answered.strip_prefix('@').map(str::to_owned) else {
            return;
        };
        if !domain.is_empty() && !self.domains.contains(&domain) {
            self.domains.push(domain.clone());
            let place = (format!("domain {}", self.domains.len()), "mail");
            self.table
                .insert(place, vec![format!("{domain} {granted:?}")]);
        }
    }

    fn end(mut self) -> Table {
        for waiting in std::mem::take(&mut self.waiting) {
            if waiting == "AUTH" {
                self.login(None);
            }
            self.recipient(&waiting, None);
        }
        self.table
    }
}

fn ours(driven: &Driven) -> Table {
    let mut table = Table::new();
    let mut counts = [0; 3];
    let mut next = |which: usize| {
        counts[which] += 1;
        counts[which].to_string()
    };
    for said in &driven.said {
        let frame = said.place.last.packet.number.to_string();
        let (place, value) = match &said.meaning {
            Meaning::Claim {
                attribute: "smtp_hello",
                value,
                ..
            } if !value.is_empty() => ((frame, "hello"), value.clone()),
            Meaning::Claim {
                attribute: "smtp_banner",
                value,
                ..
            } => ((frame, "banner"), value.clone()),
            Meaning::Login {
                account, accepted, ..
            } => (
                (format!("login {}", next(0)), "account"),
                format!("{account} {accepted:?}"),
            ),
            Meaning::Request {
                operation: "mail",
                object,
                granted,
            } => (
                (format!("domain {}", next(1)), "mail"),
                format!("{object} {granted:?}"),
            ),
            Meaning::Request {
                operation: "attach",
                object,
                ..
            } => ((format!("file {}", next(2)), "attached"), object.clone()),
            _ => continue,
        };
        table.entry(place).or_default().push(value);
    }
    table
}

/// What servers and clients call themselves, logins, domains with their answers, attached files.
/// `cargo test -p auscult-protocols smtp::tests::agrees -- --ignored --nocapture`
#[test]
#[ignore = "asks tshark about many captures"]
fn agrees_with_tshark() {
    let bundled = Bundled::named(&["smtp"]);
    let captures = [oracle::captures_with("smtp"), bundled.captures.clone()].concat();
    let mut agreement = Agreement::explained(EXPLAINED);
    for capture in captures.iter().filter(|path| !is_malformed(path)) {
        let streams = oracle::drive_streams(&Smtp, capture, "smtp");
        let mut theirs: BTreeMap<String, Theirs> = BTreeMap::new();
        let filter = "tcp && smtp && !socks && !tcp.analysis.retransmission";
        for row in oracle::tshark_with(capture, filter, &FIELDS, &["-o", "smtp.decryption:TRUE"]) {
            let stream = theirs.entry(row.one("tcp.stream").to_owned());
            stream.or_default().row(&row);
        }
        for (stream, driven) in &streams {
            // Streams inside a proxy's are not read here from their beginning.
            let Some(theirs) = theirs.remove(stream).map(Theirs::end) else {
                continue;
            };
            agreement.compare_tables(capture, &theirs, &ours(driven));
        }
    }
    agreement.at_least("smtp", 0.99);
}

/// Commands that tshark does not find.
const AT_ONCE: &str = "commands and mail in one segment: tshark takes all of it for mail";
/// Disagreements that were looked at.
const EXPLAINED: &[(&str, &str)] = &[
    (
        "smtp-moloch-bof.pcap#file",
        "a name longer than the 4096 bytes that are read of a header",
    ),
    ("smtp-moloch-bof.pcap#", AT_ONCE),
    ("smtp-subject-multi-nospace.pcap#", AT_ONCE),
    ("smtp-pipelining.pcap#", AT_ONCE),
    ("smtp__smtp-bdat-pipeline-8bitmime.pcap#", AT_ONCE),
    (
        "mime__smtp-mime-encap-8649-",
        "the mail itself is the file, not a part of it: tshark shows names of parts",
    ),
    (
        "smtp-bug-6053.pcap#8 banner",
        "a line longer than the 4096 bytes that are read",
    ),
    (
        "smtp-long-command.pcap#7 hello",
        "a line longer than the 4096 bytes that are read",
    ),
    (
        "smtp__rfc3030-bdat-nonascii.pcap#file",
        "mail that crosses by BDAT is not read",
    ),
];

/// Captures whose messages break the rules on purpose.
fn is_malformed(capture: &Path) -> bool {
    let name = oracle::name_of(capture);
    let broken = ["invalid", "overflow", "negative", "bad-tail"];
    oracle::is_damaged(capture) || broken.iter().any(|part| name.contains(part))
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
        drive(&Smtp, &START, &pieces);
    }
}
