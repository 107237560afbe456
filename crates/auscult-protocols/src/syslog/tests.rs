//! Syslog against Wireshark, the forms of both standards, streams, and near misses.

use super::*;
use crate::cuts;
use crate::drive::{Driven, Piece, drive};
use crate::oracle::{self, Agreement, Bundled};

fn said(message: &[u8]) -> Vec<String> {
    oracle::claims_of(&Syslog, [40_000, 514], &[message])
}

#[test]
fn both_forms() {
    for (message, wanted) in [
        (
            &b"<34>Oct 11 22:14:15 mymachine su: 'su root' failed"[..],
            &["syslog_hostname = mymachine", "syslog_program = su"][..],
        ),
        // RFC 5424 §6.5.
        (
            b"<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - BOM'su root' failed",
            &[
                "syslog_hostname = mymachine.example.com",
                "syslog_program = su",
            ],
        ),
        (b"<13>1 - - - - - - text", &[]),
        (
            b"<13>Oct  1 22:14:15 cron[77]: text",
            &["syslog_program = cron"],
        ),
        (
            b"<13>Oct  1 22:14:15 10.1.1.7 pump[1]: text",
            &["syslog_program = pump"],
        ),
        (
            b"<30>2013-09-12T19:16:34.457849+04:00 bed7 pump[1]: text",
            &["syslog_hostname = bed7", "syslog_program = pump"],
        ),
        (b"<13>free text", &[]),
    ] {
        let shown = String::from_utf8_lossy(message);
        assert_eq!(said(message), wanted, "{shown}");
        let wanted = if shown.contains("free") {
            Probe::Likely
        } else {
            Probe::Certain
        };
        assert_eq!(probe_message(message), wanted, "{shown}");
    }
}

#[test]
fn who_passes_on_is_believed_half() {
    let [one, other] = [
        &b"<13>Oct  1 22:14:15 bed7 pump: x"[..],
        b"<13>Oct  1 22:14:15 bed8 pump: x",
    ];
    let start = Start {
        transport: Transport::Udp,
        from_start: true,
        ports: [40_000, 514],
    };
    let pieces = [one, other].map(|bytes| Piece::Bytes(Direction::FromOriginator, bytes));
    let said = drive(&Syslog, &start, &pieces).said;
    let sure: Vec<f32> = said.iter().map(|said| said.confidence).collect();
    assert_eq!(sure, [1.0, 1.0, 0.5, 0.5]);
}

fn stream(pieces: &[Piece<'_>]) -> Driven {
    let start = Start {
        transport: Transport::Tcp,
        from_start: true,
        ports: [40_000, 514],
    };
    drive(&Syslog, &start, pieces)
}

#[test]
fn streams_counted_or_in_lines() {
    let lines = b"<13>Oct  1 22:14:15 bed7 pump: x\n<13>Oct  1 22:14:15 bed7 fan: y\n";
    let counted = b"31 <13>Oct  1 22:14:15 bed7 pump: 30 <13>Oct  1 22:14:15 bed7 fan: ";
    for bytes in [&lines[..], counted] {
        let whole = stream(&[Piece::Bytes(Direction::FromOriginator, bytes)]);
        let wanted = [
            "syslog_hostname = bed7",
            "syslog_program = fan",
            "syslog_program = pump",
        ];
        assert_eq!(oracle::claimed(&whole.said), wanted);
        cuts::change_nothing(Direction::FromOriginator, bytes, &[1, 3, 7], stream);
        assert_eq!(probe_stream(bytes), Probe::Certain);
    }
    // After a gap borders of counted messages are unknown.
    let gap = stream(&[
        Piece::Bytes(Direction::FromOriginator, &lines[..40]),
        Piece::Gap(Direction::FromOriginator, Some(3)),
        Piece::Bytes(Direction::FromOriginator, &lines[43..]),
    ]);
    let whole = stream(&[Piece::Bytes(Direction::FromOriginator, lines)]);
    cuts::assert_subset(&gap, &whole, "gap");
}

#[test]
fn near_misses() {
    for near in [
        &b"<192>x"[..],
        b"<>x",
        b"<1234>",
        b"<b>x",
        b"<13>\0",
        b"<!DOCTYPE",
        b"13",
    ] {
        assert_eq!(probe_message(near), Probe::No, "{near:?}");
    }
    for part in [&b""[..], b"<", b"<1", b"<13>"] {
        assert_eq!(probe_message(part), Probe::Maybe, "{part:?}");
    }
}

/// A message of others, which tshark reads as one of host `robin:`.
#[test]
fn a_real_message() {
    let path = "captures/zeek/syslog-single-udp.pcap";
    oracle::golden(
        &Syslog,
        "syslog && udp",
        &[(path, &["syslog_program = robin"])],
    );
}

/// Examples of RFC 3164 §5.4 and RFC 5424 §6.5.
const EXAMPLES: [&[u8]; 6] = [
    b"<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8",
    b"<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!",
    b"<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - 'su root' failed",
    b"<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make \
      the do-nuts.",
    b"<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 \
      [exampleSDID@32473 iut=\"3\"] An application event log entry...",
    b"<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 \
      [exampleSDID@32473 iut=\"3\"][examplePriority@32473 class=\"high\"]",
];

/// Disagreements that were looked at.
const EXPLAINED: &[(&str, &str)] = &[
    (
        "syslog-single-udp.pcap#1",
        "`robin:` without a host in front is the program, by its colon; tshark says the host",
    ),
    (
        "syslog_udp.pcap#",
        "tshark reads no program of the BSD form, and nothing where the time is of RFC 3339",
    ),
    (
        "examples#1 syslog.appname",
        "tshark reads no program of the BSD form",
    ),
    ("syslog.hostname 10.0.0.99", "an address is no name"),
    ("syslog.hostname 192.0.2.1", "an address is no name"),
];

/// Hosts that tshark finds, and programs where it names them (the standard form only).
/// `cargo test -p auscult-protocols syslog::tests::agrees -- --ignored --nocapture`
#[test]
#[ignore = "asks tshark about many captures"]
fn agrees_with_tshark() {
    let fields = [
        "frame.number",
        "syslog.hostname",
        "syslog.appname",
        "udp.payload",
    ];
    let bundled = Bundled::named(&["syslog", "rtp-seg-fault-2"]);
    let captures = [oracle::captures_with("syslog"), bundled.captures.clone()].concat();
    let mut agreement = Agreement::explained(EXPLAINED);
    let of_captures = captures.iter().map(|capture| {
        let rows = oracle::tshark(capture, "syslog && udp && !icmp", &fields);
        (oracle::name_of(capture), rows)
    });
    let examples = oracle::tshark_of_datagrams(514, &EXAMPLES, &fields);
    for (name, rows) in of_captures.chain([("examples".to_owned(), examples)]) {
        for row in rows {
            let said = self::said(&row.bytes("udp.payload"));
            for (field, attribute) in [
                ("syslog.hostname", "syslog_hostname = "),
                ("syslog.appname", "syslog_program = "),
            ] {
                let place = format!("{name}#{} {field} {}", row.frame(), row.one(field));
                let ours = said.iter().filter_map(|line| line.strip_prefix(attribute));
                let ours: Vec<String> = ours.map(str::to_owned).collect();
                agreement.pair(&place, row.all(field), &ours);
            }
        }
    }
    agreement.at_least("syslog", 0.99);
}
