//! FTP: laws on invented talks, and real captures against tshark.

use super::*;
use crate::cuts::{self, Talk, pieces};
use crate::drive::{Driven, Piece, drive, without_places};
use crate::oracle::{self, Agreement, Bundled, Row, Table};
use auscult_model::Meaning;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;

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

/// What stands between the first and the last line of a reply is neither a reply nor a command.
#[test]
fn replies_of_several_lines_answer_once() {
    let talk: [(Direction, &[u8]); 7] = [
        (SERVER, b"220 ready\r\n"),
        (CLIENT, b"USER a\r\nPASS b\r\n"),
        (
            SERVER,
            b"331 go on\r\n230-WARNING\r\n USER of this system\r\n550 is no answer\r\n",
        ),
        (SERVER, b"230-more\r\n230 in\r\n"),
        (CLIENT, b"PASV\r\nRETR a.bin\r\n"),
        (SERVER, b"227 Entering Passive Mode (10,0,0,9,4,210).\r\n"),
        (SERVER, b"150 Opening data connection\r\n226 done\r\n"),
    ];
    let driven = drive(&Ftp, &START, &pieces(&talk));
    let said = without_places(&driven.said).join("\n");
    assert!(
        said.contains("account: \"a\", clear: true, accepted: Some(true)"),
        "{said}"
    );
    assert!(
        said.contains("object: \"a.bin\", granted: Some(true)"),
        "{said}"
    );
    assert!(driven.expected.iter().all(|expected| expected.port == 1234));
    assert!(!driven.expected.is_empty());
    cuts::change_nothing_in_talk(&talk, lines);
}

/// A lost segment costs the answers that it held, not those to commands that follow.
#[test]
fn answers_are_known_again_behind_a_gap() {
    let talk: [(Direction, &[u8]); 10] = [
        (SERVER, b"220 ready\r\n"),
        (CLIENT, b"RETR a.bin\r\n"),
        (SERVER, b"550 none\r\n"),
        (CLIENT, b"TYPE I\r\n"),
        // It may be the end of a line.
        (SERVER, b"200 so be it\r\n"),
        (CLIENT, b"NOOP\r\n"),
        (SERVER, b"200 well\r\n"),
        (CLIENT, b"RETR b.bin\r\n"),
        (SERVER, b"150 here\r\n"),
        (SERVER, b"226 done\r\n"),
    ];
    let mut pieces = pieces(&talk);
    pieces[2] = Piece::Gap(SERVER, None);
    let said = without_places(&drive(&Ftp, &START, &pieces).said).join("\n");
    assert!(said.contains("\"a.bin\", granted: None"), "{said}");
    assert!(said.contains("\"b.bin\", granted: Some(true)"), "{said}");
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

/// What tshark's fields of one frame hold.
const FIELDS: [&str; 10] = [
    "frame.number",
    "tcp.stream",
    "ftp.request.command",
    "ftp.request.arg",
    "ftp.response.code",
    "ftp.response.arg",
    "ftp.passive.port",
    "ftp.epsv.port",
    "ftp.active.port",
    "ftp.eprt.port",
];

/// The frames of one stream, as tshark reads them: logins and files with their answers, what the
/// server calls itself, ports of data connections in order.
fn theirs(rows: &[Row]) -> Table {
    let mut table = Table::new();
    let mut user: Option<(u64, String)> = None;
    let mut waits: Option<(u64, &'static str, String)> = None;
    let (mut is_greeted, mut ports) = (false, Vec::new());
    for row in rows {
        let frame = row.frame();
        let word = row.one("ftp.request.command").to_ascii_uppercase();
        let argument = text::clean(row.one("ftp.request.arg").trim_end());
        match word.as_str() {
            "USER" => user = Some((frame, argument)),
            "PASS" => {
                if let Some((first, name)) = user.clone() {
                    waits = Some((first, "login", name));
                }
            }
            "RETR" => waits = Some((frame, "file", format!("read {argument}"))),
            "STOR" | "STOU" | "APPE" => waits = Some((frame, "file", format!("write {argument}"))),
            _ => {}
        }
        // A file that was asked for last may still cross, or just have crossed.
        let code: u16 = row.one("ftp.response.code").parse().unwrap_or(0);
        let words = vec![text::clean(row.one("ftp.response.arg").trim_end())];
        if code == 220 && !is_greeted {
            is_greeted = true;
            table.insert((frame.to_string(), "banner"), words);
        } else if code == 215 {
            table.insert((frame.to_string(), "system"), words);
        }
        // Some decide on the name alone.
        if matches!(code, 230 | 530) && waits.is_none() {
            waits = user.take().map(|(first, name)| (first, "login", name));
        }
        if code > 0
            && let Some((first, what, said)) = waits.take()
        {
            let said = format!("{said} {:?}", Some(code < 400));
            table.insert((first.to_string(), what), vec![said]);
        }
        for field in FIELDS.iter().filter(|field| field.ends_with(".port")) {
            ports.extend(row.all(field).first().cloned());
        }
    }
    data_ports(&mut table, ports);
    if let Some((first, what, said)) = waits {
        table.insert((first.to_string(), what), vec![format!("{said} None")]);
    }
    table
}

fn ours(driven: &Driven) -> Table {
    let mut table = Table::new();
    for said in &driven.said {
        let (field, value) = match &said.meaning {
            Meaning::Claim {
                attribute: "ftp_banner",
                value,
                ..
            } => ("banner", value.clone()),
            Meaning::Claim {
                attribute: "ftp_system",
                value,
                ..
            } => ("system", value.clone()),
            Meaning::Login {
                account, accepted, ..
            } => ("login", format!("{account} {accepted:?}")),
            Meaning::Request {
                operation,
                object,
                granted,
            } => ("file", format!("{operation} {object} {granted:?}")),
            _ => continue,
        };
        let frame = said.place.first.packet.number.to_string();
        table.entry((frame, field)).or_default().push(value);
    }
    // Announced again when more is known of what will cross.
    let expected = driven.expected.iter();
    data_ports(
        &mut table,
        expected.map(|expected| expected.port.to_string()).collect(),
    );
    table
}

/// Ports of data connections, by how often each was opened; one that is announced again is the
/// same.
fn data_ports(table: &mut Table, mut ports: Vec<String>) {
    ports.dedup();
    for port in ports {
        let place = (format!("port {port}"), "data");
        table.entry(place).or_default().push("opened".to_owned());
    }
}

/// The file that each data connection carries, by the frame that begins it.
fn files(capture: &Path, streams: &BTreeMap<String, Driven>) -> [Table; 2] {
    let fields = [
        "frame.number",
        "tcp.stream",
        "tcp.srcport",
        "tcp.dstport",
        "ftp-data.command",
    ];
    let (mut theirs, mut ours) = (Table::new(), Table::new());
    let mut met = std::collections::BTreeSet::new();
    let expected: Vec<_> = streams
        .values()
        .flat_map(|driven| &driven.expected)
        .collect();
    for row in oracle::tshark(capture, "ftp-data", &fields) {
        let command = row.one("ftp-data.command");
        let (word, name) = command.split_once(' ').unwrap_or((command, ""));
        let is_file =
            ["RETR", "STOR", "STOU", "APPE"].contains(&word.to_ascii_uppercase().as_str());
        if !met.insert(row.one("tcp.stream").to_owned()) || !is_file {
            continue;
        }
        let ports = [row.one("tcp.srcport"), row.one("tcp.dstport")];
        // A port may be opened several times: one of the announcements must name the file.
        let name = text::clean(name);
        let announced = expected
            .iter()
            .filter(|expected| ports.contains(&expected.port.to_string().as_str()))
            .filter_map(|expected| expected.note.as_deref()?.splitn(3, ' ').nth(2));
        let announced: Vec<&str> = announced.collect();
        let carried = announced
            .iter()
            .find(|carried| **carried == name)
            .or(announced.last());
        let place = (row.one("frame.number").to_owned(), "carries");
        let carried = carried.map(|carried| (*carried).to_owned());
        ours.insert(place.clone(), carried.into_iter().collect());
        theirs.insert(place, vec![name]);
    }
    [theirs, ours]
}

/// `cargo test -p auscult-protocols ftp::tests::agrees -- --ignored --nocapture`
#[test]
#[ignore = "asks tshark about many captures"]
fn agrees_with_tshark() {
    let bundled = Bundled::named(&["ftp", "bug-8489", "cwd-navigation", "pe-single"]);
    let mut agreement = Agreement::explained(EXPLAINED);
    let captures = [oracle::captures_with("ftp"), bundled.captures.clone()].concat();
    for capture in captures.iter().filter(|path| !is_malformed(path)) {
        let streams = oracle::drive_streams(&Ftp, capture, "ftp");
        let mut frames: BTreeMap<String, Vec<Row>> = BTreeMap::new();
        for row in oracle::tshark(capture, "ftp && !tcp.analysis.retransmission", &FIELDS) {
            let stream = row.one("tcp.stream").to_owned();
            frames.entry(stream).or_default().push(row);
        }
        for (stream, driven) in &streams {
            let rows = frames.get(stream).map_or(&[][..], Vec::as_slice);
            agreement.compare_tables(capture, &theirs(rows), &ours(driven));
        }
        let [theirs, ours] = files(capture, &streams);
        agreement.compare_tables(capture, &theirs, &ours);
    }
    agreement.at_least("ftp", 0.99);
}

/// What lies beside a lost segment.
const LOST: &str = "a segment was lost in front: what follows may be the end of a line";
/// Disagreements that were looked at.
const EXPLAINED: &[(&str, &str)] = &[
    (
        "ftp-start-tls.pcap",
        "the client ends TLS again inside of it, and goes on in clear: nothing is read behind AUTH \
         TLS",
    ),
    ("cwd-navigation.pcap#832 file", LOST),
    ("cwd-navigation.pcap#3938 file", LOST),
    ("cwd-navigation.pcap#port 63958", LOST),
    (
        "ftp-too-long-command.pcap#26 file",
        "a line longer than the 4096 bytes that are read",
    ),
];

/// Captures whose messages break the rules on purpose, or are sent to an HTTP server.
fn is_malformed(capture: &Path) -> bool {
    let name = oracle::name_of(capture);
    let broken = [
        "invalid-reply",
        "missing-reply",
        "missing-space",
        "violation",
        "synthetic/",
    ];
    oracle::is_damaged(capture) || broken.iter().any(|part| name.contains(part))
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
