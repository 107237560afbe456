//! HTTP: laws on a talk with every kind of body, and real captures against tshark.

use super::*;
use crate::cuts::{self, Talk, pieces};
use crate::drive::{Driven, Piece, drive, without_places};
use crate::oracle::{self, Agreement};
use proptest::prelude::*;

const CLIENT: Direction = Direction::FromOriginator;
const SERVER: Direction = Direction::FromResponder;
const START: Start = Start {
    transport: Transport::Tcp,
    from_start: true,
    ports: [50002, 80],
};

/// admin:admin, and what a body must not be taken for.
const TALK: [(Direction, &[u8]); 8] = [
    (
        CLIENT,
        b"POST /setup HTTP/1.1\r\nHost: pump\r\nUser-Agent: udm/1\r\nContent-Length: 16\r\n\
          Authorization: Basic YWRtaW46YWRtaW4=\r\n\r\nGET / HTTP/1.1\r\n",
    ),
    (
        SERVER,
        b"HTTP/1.1 401 Unauthorized\r\nServer: GoAhead\r\nWWW-Authenticate: Basic realm=\"Pump\"\
          \r\nTransfer-Encoding: chunked\r\n\r\n14\r\nHTTP/1.1 200 OK\r\n\r\nx\r\n0\r\n\r\n",
    ),
    (
        CLIENT,
        b"HEAD / HTTP/1.1\r\nAuthorization: Basic YWRtaW46YWRtaW4=\r\n\r\n",
    ),
    (SERVER, b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"),
    (CLIENT, b"GET / HTTP/1.1\r\n\r\n"),
    (
        SERVER,
        b"HTTP/1.1 304 Not Modified\r\nServer: Other\r\n\r\n",
    ),
    (CLIENT, b"GET / HTTP/1.1\r\n\r\n"),
    (
        SERVER,
        b"HTTP/1.0 200 OK\r\n\r\nHTTP/1.1 200 OK\r\nServer: Body\r\n\r\n",
    ),
];

fn run(talk: &Talk<'_>) -> Driven {
    drive(&Http, &START, &pieces(talk))
}

fn lines(talk: &Talk<'_>) -> Vec<String> {
    without_places(&run(talk).said)
}

#[test]
fn bodies_are_no_messages() {
    let said = lines(&TALK);
    let expected = [
        "http_user_agent\", value: \"udm/1",
        "http_host\", value: \"pump",
        "ServiceOffered",
        "http_server\", value: \"GoAhead",
        "http_realm\", value: \"Pump",
        "http-basic\", account: \"admin\", clear: true, accepted: Some(false)",
        "http-basic\", account: \"admin\", clear: true, accepted: Some(true)",
        "http_server\", value: \"Other",
    ];
    assert_eq!(said.len(), expected.len(), "{said:#?}");
    for (said, expected) in said.iter().zip(expected) {
        assert!(said.contains(expected), "{said} {expected}");
    }
}

#[test]
fn cuts_change_nothing() {
    let whole = lines(&TALK);
    cuts::change_nothing_in_talk(&TALK, lines);
    let bytewise: Vec<_> = TALK
        .iter()
        .flat_map(|(direction, bytes)| bytes.chunks(1).map(|byte| (*direction, byte)))
        .collect();
    assert_eq!(lines(&bytewise), whole);
}

#[test]
fn one_side_alone_contradicts_nothing() {
    let client: Vec<_> = TALK.into_iter().filter(|(d, _)| *d == CLIENT).collect();
    let said = lines(&client).join("\n");
    assert!(
        said.contains("accepted: None") && !said.contains("Some("),
        "{said}"
    );
}

#[test]
fn finds_its_way_after_a_gap() {
    let mut pieces = pieces(&TALK);
    pieces[1] = Piece::Gap(SERVER, None);
    let said = drive(&Http, &START, &pieces).said;
    let other = said
        .iter()
        .find(|said| format!("{said:?}").contains("\"Other\""))
        .expect("the next answer");
    assert_eq!(other.confidence, 0.9);
}

#[test]
fn reading_ends_with_connect_and_upgrade() {
    let behind: (Direction, &[u8]) = (SERVER, b"HTTP/1.1 200 OK\r\nServer: Inner\r\n\r\n");
    for answer in ["HTTP/1.1 101 Switching\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"] {
        let request: (Direction, &[u8]) = (CLIENT, b"CONNECT a:1 HTTP/1.1\r\n\r\n");
        let said = lines(&[request, (SERVER, answer.as_bytes()), behind]);
        assert!(!said.join("").contains("Inner"), "{said:?}");
    }
}

#[test]
fn endless_headers_are_bounded() {
    let long = [b"GET / HTTP/1.1\r\nX: ".to_vec(), vec![b'a'; HEAD_MAX]].concat();
    let driven = run(&[(CLIENT, &long)]);
    assert_eq!(driven.limits.get("http-headers"), Some(&1));
}

#[test]
fn secrets_of_the_case_stay_away() {
    let Some(path) = oracle::shared("cases/c22_cleartext_logins.pcap") else {
        return;
    };
    let said = format!("{:?}", oracle::read_streams(&Http, &path, "http"));
    assert!(
        said.contains("account: \"admin\", clear: true, accepted: Some(true)"),
        "{said}"
    );
    assert!(
        !said.contains("YWRtaW4") && !said.contains("admin:admin"),
        "{said}"
    );
}

/// What names a body's sender, with a program inside: a repeat of its first bytes is enough.
fn program() -> Vec<u8> {
    let mut bytes = b"\x7fELF\x01\x01\x01".to_vec();
    bytes.extend(b"INERT TEST FILE. ".iter().cycle().take(3000));
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn answer(fields: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\n{fields}\r\n").as_bytes(), body].concat()
}

fn chunked(body: &[u8]) -> Vec<u8> {
    let mut coded = Vec::new();
    for piece in body.chunks(1000) {
        coded.extend(format!("{:x};a=b\r\n", piece.len()).into_bytes());
        coded.extend(piece);
        coded.extend(b"\r\n");
    }
    coded.extend(b"0\r\nChecksum: none\r\n\r\n");
    coded
}

const ASKS: &[u8] = b"GET /fw/up%20date.bin?patient=7 HTTP/1.1\r\nHost: a\r\n\r\n";
const NEXT: &[u8] = b"HTTP/1.1 200 OK\r\nServer: Next\r\nContent-Length: 0\r\n\r\n";

#[test]
fn programs_are_hashed_however_they_are_sent() {
    let program = program();
    let zipped = gzip(&program);
    let length = |body: &[u8]| format!("Content-Length: {}\r\n", body.len());
    let by_chunks = "Transfer-Encoding: chunked\r\n";
    let coded = "Content-Encoding: gzip\r\n";
    let plain = answer(&length(&program), &program);
    let file = "File \"up date.bin\" 3007 Some(";
    for answer in [
        plain.clone(),
        answer(by_chunks, &chunked(&program)),
        answer(&format!("{coded}{}", length(&zipped)), &zipped),
        answer(&format!("{coded}{by_chunks}"), &chunked(&zipped)),
    ] {
        let behind = [answer.as_slice(), NEXT].concat();
        let talk: [(Direction, &[u8]); 2] = [(CLIENT, ASKS), (SERVER, &behind)];
        let whole = lines(&talk);
        let text = whole.join("\n");
        assert!(
            text.contains(file) && text.contains("ELF complete: true"),
            "{text}"
        );
        assert!(
            text.contains("\"Next\"") && !text.contains("patient"),
            "{text}"
        );
        for size in [1, 7, 100, 1448] {
            let mut cut = vec![(CLIENT, ASKS)];
            cut.extend(behind.chunks(size).map(|piece| (SERVER, piece)));
            assert_eq!(lines(&cut), whole, "pieces of {size}");
        }
    }
    // A hole in the body costs the file, not what follows it.
    let [one, rest] = [&plain[..500], &plain[900..]];
    let pieces = [
        Piece::Bytes(CLIENT, ASKS),
        Piece::Bytes(SERVER, one),
        Piece::Gap(SERVER, Some(400)),
        Piece::Bytes(SERVER, rest),
        Piece::Bytes(SERVER, NEXT),
    ];
    let said = without_places(&drive(&Http, &START, &pieces).said).join("\n");
    assert!(
        said.contains("complete: false")
            && said.contains(
                "1.00 Claim { about: Sender, attribute: \"http_server\", value: \"Next\""
            ),
        "{said}"
    );
    // A part of one is never whole.
    let part = answer(&length(&program), &program);
    let part = [b"HTTP/1.1 206 Part", &part[15..]].concat();
    let said = lines(&[(CLIENT, ASKS), (SERVER, &part)]).join("\n");
    assert!(said.contains("complete: false"), "{said}");
}

#[test]
fn a_body_up_to_the_end_is_whole_when_its_sender_ended() {
    let body = answer("", &program());
    let pieces = [Piece::Bytes(CLIENT, ASKS), Piece::Bytes(SERVER, &body)];
    let said = |pieces: &[Piece<'_>]| without_places(&drive(&Http, &START, pieces).said).join("\n");
    assert!(said(&pieces).contains("complete: false"));
    let ended = [&pieces[..], &[Piece::End(SERVER)]].concat();
    assert!(said(&ended).contains("complete: true"));
}

#[test]
fn pages_and_media_are_skipped() {
    let png = [&b"\x89PNG\r\n\x1a\n"[..], &[0; 4000]].concat();
    let page = gzip(&program());
    for answer in [
        answer("Content-Length: 4008\r\n", &png),
        answer(
            &format!(
                "Content-Type: text/html\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n",
                page.len()
            ),
            &page,
        ),
    ] {
        let talk: [(Direction, &[u8]); 3] = [(CLIENT, ASKS), (SERVER, &answer), (SERVER, NEXT)];
        let said = lines(&talk).join("\n");
        assert!(!said.contains("File") && said.contains("Next"), "{said}");
    }
}

#[test]
fn what_expands_without_end_is_left() {
    let mut bomb = program();
    bomb.resize(8 << 20, 0);
    let zipped = gzip(&bomb);
    let fields = format!(
        "Content-Encoding: gzip\r\nContent-Length: {}\r\n",
        zipped.len()
    );
    let answer = answer(&fields, &zipped);
    let driven = run(&[(CLIENT, ASKS), (SERVER, &answer), (SERVER, NEXT)]);
    assert_eq!(driven.limits.get("http-expansion"), Some(&1));
    let said = without_places(&driven.said).join("\n");
    assert!(
        said.contains("complete: false") && said.contains("Next"),
        "{said}"
    );
}

#[test]
fn forms_with_a_secret_are_logins() {
    let form = |body: &str, status: &str| {
        let request = format!(
            "POST /login HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded; charset=utf-8\
             \r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        let talk: [(Direction, &[u8]); 2] =
            [(CLIENT, request.as_bytes()), (SERVER, answer.as_bytes())];
        let said = lines(&talk);
        cuts::change_nothing_in_talk(&talk, lines);
        said.join("\n")
    };
    let said = form("user=bed7&password=formsecret", "302 Found");
    assert!(
        said.contains("\"http-form\", account: \"bed7\", clear: true, accepted: None"),
        "{said}"
    );
    assert!(!said.contains("formsecret"), "{said}");
    assert!(form("user=bed7&password=x", "401 No").contains("accepted: Some(false)"));
    assert!(!form("user=bed7&comment=x", "200 OK").contains("Login"));
}

#[test]
fn tunnels_and_proxies_are_told() {
    let request: (Direction, &[u8]) = (
        CLIENT,
        b"CONNECT far.test:443 HTTP/1.1\r\nVia: 1.1 squid\r\nX-Forwarded-For: 10.0.0.7\r\n\r\n",
    );
    let refused: (Direction, &[u8]) = (SERVER, b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
    let said = lines(&[request, refused]).join("\n");
    for part in [
        "\"connect\", object: \"far.test:443\", granted: Some(false)",
        "\"http_via\", value: \"1.1 squid\"",
        "\"http_forwarded_for\", value: \"10.0.0.7\"",
    ] {
        assert!(said.contains(part), "{said}\n{part}");
    }
    let upgraded = b"HTTP/1.1 101 Go\r\nUpgrade: WebSocket\r\n\r\n";
    let said = lines(&[(CLIENT, ASKS), (SERVER, upgraded)]).join("\n");
    assert!(said.contains("\"websocket\""), "{said}");
}

#[test]
fn lengths_that_differ_are_counted() {
    let request = b"POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n";
    let driven = run(&[(CLIENT, request)]);
    assert_eq!(driven.limits.get("http-ambiguous-length"), Some(&1));
}

/// User agents, servers, hosts and accounts, frame by frame: each value where it is said first in
/// its stream.
/// `cargo test -p auscult-protocols agrees_with_tshark -- --ignored --nocapture`
#[test]
#[ignore = "asks tshark about every capture, which takes minutes"]
fn agrees_with_tshark() {
    use std::collections::{BTreeMap, BTreeSet};
    const FIELDS: [&str; 6] = [
        "http.user_agent",
        "http.server",
        "http.host",
        "http.authbasic",
        "frame.number",
        "tcp.stream",
    ];
    let mut agreement = Agreement::default();
    for capture in oracle::captures_with("http") {
        let mut ours: BTreeMap<(u64, &str), Vec<String>> = BTreeMap::new();
        for said in oracle::read_streams(&Http, &capture, "http") {
            let (field, value, frame) = match said.meaning {
                Meaning::Claim {
                    attribute: "http_user_agent",
                    value,
                    ..
                } => (FIELDS[0], value, said.place.last),
                Meaning::Claim {
                    attribute: "http_server",
                    value,
                    ..
                } => (FIELDS[1], value, said.place.last),
                Meaning::Claim {
                    attribute: "http_host",
                    value,
                    ..
                } => (FIELDS[2], value, said.place.last),
                Meaning::Login {
                    method: "http-basic",
                    account,
                    ..
                } => (FIELDS[3], account, said.place.first),
                _ => continue,
            };
            ours.entry((frame.packet.number, field))
                .or_default()
                .push(value);
        }
        let mut known = BTreeSet::new();
        for row in oracle::tshark(&capture, "http && tcp && !icmp", &FIELDS) {
            let frame: u64 = row.one("frame.number").parse().expect("a number");
            let place = format!("{}#{frame}", oracle::name_of(&capture));
            for field in &FIELDS[..4] {
                let mut found = ours.remove(&(frame, *field)).unwrap_or_default();
                let mut theirs: Vec<String> = row
                    .all(field)
                    .iter()
                    .map(|value| {
                        value
                            .split(':')
                            .next()
                            .filter(|_| *field == FIELDS[3])
                            .unwrap_or(value)
                    })
                    .map(text::clean)
                    .filter(|value| !value.is_empty())
                    .filter(|value| {
                        known.insert((row.one("tcp.stream").to_owned(), *field, value.clone()))
                    })
                    .collect();
                found.sort_unstable();
                theirs.sort_unstable();
                agreement.pair(&format!("{place} {field}"), &theirs, &found);
            }
        }
    }
    agreement.at_least("http", 0.99);
}

proptest! {
    #[test]
    fn any_bytes(
        talk in proptest::collection::vec((any::<bool>(), "[\\x00-\\x7f]{0,60}"), 0..8),
        from_start: bool,
    ) {
        let start = Start { from_start, ..START };
        let pieces: Vec<_> = talk
            .iter()
            .map(|(server, bytes)| {
                Piece::Bytes(if *server { SERVER } else { CLIENT }, bytes.as_bytes())
            })
            .collect();
        drive(&Http, &start, &pieces);
    }

    #[test]
    fn probe_is_honest(bytes in proptest::array::uniform32(any::<u8>())) {
        prop_assert!(head::probe(&bytes) < Probe::Likely);
    }

    #[test]
    fn probe_is_final(end in 1usize..30, flip in 0usize..30, value: u8) {
        let request = &b"OPTIONS /index.html HTTP/1.1\r\nA"[..];
        for line in [request, b"HTTP/1.1 200 Everything is fine\n"] {
            let mut line = line.to_vec();
            line[flip] = value;
            let short = head::probe(&line[..end]);
            if matches!(short, Probe::No | Probe::Certain) {
                prop_assert_eq!(head::probe(&line), short);
            }
        }
    }
}
