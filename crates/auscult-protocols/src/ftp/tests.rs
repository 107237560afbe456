//! FTP: laws on invented talks, and real captures against tshark.

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
