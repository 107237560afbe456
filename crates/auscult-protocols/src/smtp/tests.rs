//! SMTP: laws on an invented talk, and real captures against tshark.

use super::*;
use crate::cuts::{self, Talk, pieces};
use crate::drive::{Piece, drive, without_places};
use crate::oracle::{self, Agreement};
use proptest::prelude::*;

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

/// Names, banners and recipients' domains, frame by frame.
/// `cargo test -p auscult-protocols smtp::tests::agrees -- --ignored --nocapture`
#[test]
#[ignore = "asks tshark about many captures"]
fn agrees_with_tshark() {
    let fields = ["frame.number", "smtp.req.command", "smtp.req.parameter"];
    let mut agreement = Agreement::default();
    for capture in oracle::captures_with("smtp") {
        let said = oracle::read_streams(&Smtp, &capture, "smtp");
        let hello = |frame: u64| -> Vec<String> {
            said.iter()
                .filter(|said| said.place.last.packet.number == frame)
                .filter_map(|said| match &said.meaning {
                    Meaning::Claim {
                        attribute: "smtp_hello",
                        value,
                        ..
                    } => Some(value.clone()),
                    _ => None,
                })
                .collect()
        };
        for row in oracle::tshark(
            &capture,
            "smtp.req && !socks && !tcp.analysis.retransmission",
            &fields,
        ) {
            let frame: u64 = row.one("frame.number").parse().expect("a number");
            // A client may send several commands at once; the greeting comes first of them.
            let is_hello = row
                .all("smtp.req.command")
                .first()
                .is_some_and(|word| matches!(word.to_ascii_uppercase().as_str(), "EHLO" | "HELO"));
            let theirs: Vec<String> = row
                .all("smtp.req.parameter")
                .iter()
                .filter(|_| is_hello)
                .take(1)
                .map(|value| text::clean(value))
                .collect();
            let place = format!("{}#{frame} hello", oracle::name_of(&capture));
            agreement.pair(&place, &theirs, &hello(frame));
        }
    }
    agreement.at_least("smtp", 0.99);
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
