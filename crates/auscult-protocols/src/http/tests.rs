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

/// User agents and servers, stream by stream, as sets: each is said once a stream.
/// `cargo test -p auscult-protocols agrees_with_tshark -- --ignored --nocapture`
#[test]
#[ignore = "asks tshark about every capture, which takes minutes"]
fn agrees_with_tshark() {
    let mut agreement = Agreement::default();
    for capture in oracle::captures_with("http") {
        let mut said: Vec<String> = Vec::new();
        for said_here in oracle::read_streams(&Http, &capture, "http") {
            if let Meaning::Claim {
                attribute: "http_user_agent" | "http_server",
                value,
                ..
            } = said_here.meaning
            {
                said.push(value);
            }
        }
        let fields = ["frame.number", "http.user_agent", "http.server"];
        for row in oracle::tshark(&capture, "http && tcp && !icmp", &fields) {
            let place = format!("{}#{}", oracle::name_of(&capture), row.one("frame.number"));
            for field in &fields[1..] {
                let values = row.all(field);
                let found = |v: &String| said.contains(&text::clean(v));
                let ours = values.iter().filter(|v| found(v)).cloned().collect();
                agreement.compare(&place, &row, field, ours);
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
