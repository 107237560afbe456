//! DNS against Wireshark, the laws, and messages of RFC form.

use super::*;
use crate::drive::{Piece, drive, without_places};
use crate::oracle::{self, Agreement};
use proptest::prelude::*;

const CLIENT: Direction = Direction::FromOriginator;
const SERVER: Direction = Direction::FromResponder;

fn start(transport: Transport, from_start: bool) -> Start {
    Start {
        transport,
        from_start,
        ports: [40000, 53],
    }
}

fn query() -> Vec<u8> {
    b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07monitor\x04ward\x04test\0\0\x01\0\x01".to_vec()
}

/// `monitor.ward.test` is an alias of `bed7`, which has two addresses.
fn response() -> Vec<u8> {
    let mut bytes = query();
    bytes[2] = 0x85;
    bytes[3] = 0x80;
    bytes[7] = 3;
    bytes.extend_from_slice(b"\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x07\x04BED7\xc0\x14");
    for last in [7, 8] {
        bytes.extend_from_slice(b"\x04bed7\xc0\x14\0\x01\0\x01\0\0\0\x3c\0\x04");
        bytes.extend_from_slice(&[10, 0, 0, last]);
    }
    bytes
}

fn framed(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u16).to_be_bytes()[..], message].concat()
}

#[test]
fn follows_aliases() {
    let (query, response) = (query(), response());
    let pieces = [
        Piece::Bytes(CLIENT, &query),
        Piece::Bytes(SERVER, &response),
    ];
    let driven = drive(&Dns, &start(Transport::Udp, true), &pieces);
    let addresses = ["10.0.0.7", "10.0.0.8"]
        .map(|a| a.parse().unwrap())
        .to_vec();
    let [offer, answer] = &driven.said[..] else {
        panic!("{:?}", driven.said);
    };
    assert!(matches!(
        offer.meaning,
        Meaning::ServiceOffered { port: 53, .. }
    ));
    let expected = Meaning::NameAnswered {
        name: "monitor.ward.test".into(),
        addresses,
    };
    assert_eq!(answer.meaning, expected);
    assert_eq!(answer.direction, SERVER);
    let attributes: Vec<_> = answer
        .attributes
        .iter()
        .map(|(n, v)| (*n, v.as_ref()))
        .collect();
    let expected = [
        ("rcode", "NoError"),
        ("qtype", "A"),
        ("cname", "bed7.ward.test"),
    ];
    assert_eq!(attributes, expected);
}

#[test]
fn no_such_name_is_an_empty_list_and_failure_is_silent() {
    let mut response = query();
    for (rcode, empty_lists) in [(3, 1), (0, 1), (2, 0), (5, 0)] {
        response[2] = 0x81;
        response[3] = 0x80 | rcode;
        let pieces = [Piece::Bytes(SERVER, &response)];
        let said = drive(&Dns, &start(Transport::Udp, true), &pieces).said;
        let lists = said.iter().filter(|said| {
            matches!(&said.meaning, Meaning::NameAnswered { addresses, .. } if addresses.is_empty())
        });
        assert_eq!(lists.count(), empty_lists, "rcode {rcode}");
    }
}

#[test]
fn broken_answers_are_told() {
    let told = |flags: [u8; 2], answer: &[u8]| {
        let mut bytes = vec![0, 7, flags[0], flags[1], 0, 1, 0, 1, 0, 0, 0, 0];
        bytes.extend_from_slice(b"\x01a\x04test\0\0\x01\0\x01");
        bytes.extend_from_slice(answer);
        let message = Message::read(&bytes).unwrap();
        broken(&message).map(Fault::words)
    };
    let record = |name: &[u8], rest: &[u8]| [name, b"\0\x01\0\x01\0\0\0\x3c", rest].concat();
    let answer = [0x81, 0x80];
    let whole = record(b"\xc0\x0c", &[0, 4, 10, 0, 0, 1]);
    assert_eq!(told(answer, &whole), None);
    // A pointer to itself (the record begins at 24), and one beyond the message.
    for pointer in [b"\xc0\x18", b"\xc0\xff"] {
        let record = record(pointer, &[0, 4, 10, 0, 0, 1]);
        assert_eq!(told(answer, &record), Some(Fault::Pointer.words()));
    }
    let long = record(b"\xc0\x0c", &[0, 5, 10, 0, 0, 1, 9]);
    assert_eq!(told(answer, &long), Some(Fault::Length.words()));
    let label = record(b"\x3fabc", &[0, 4, 10, 0, 0, 1]);
    assert_eq!(told(answer, &label), Some(Fault::Short.words()));
    // Questions, and answers that say that they were cut.
    assert_eq!(told([0x01, 0], &label), None);
    assert_eq!(told([0x83, 0x80], &label), None);
}

#[test]
fn names_that_may_carry_data_are_told() {
    let told = |label: usize, kind: u8| {
        let mut bytes = vec![0, 7, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, label as u8];
        bytes.extend(vec![b'k'; label]);
        bytes.extend_from_slice(b"\x04test\0\0");
        bytes.extend_from_slice(&[
            kind, 0, 1, 0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 0, 0, 3, 2, 1, 1,
        ]);
        let message = Message::read(&bytes).unwrap();
        assert_eq!(message.fault, None);
        other_answer(&message).is_some()
    };
    assert!(told(60, 16) && told(60, 10) && told(3, 10));
    assert!(
        !told(40, 16) && !told(60, 48),
        "a short name, keys of a zone"
    );
}

#[test]
fn reverse_names_are_answers_too() {
    let mut bytes = b"\0\x01\x81\x80\0\x01\0\x01\0\0\0\0".to_vec();
    bytes.extend_from_slice(b"\x017\x010\x010\x0210\x07in-addr\x04arpa\0\0\x0c\0\x01");
    bytes.extend_from_slice(b"\xc0\x0c\0\x0c\0\x01\0\0\0\x3c\0\x0b\x04Bed7\x04ward\0");
    let message = Message::read(&bytes).unwrap();
    assert_eq!(
        answers(&message).0,
        [Answer {
            name: "bed7.ward".into(),
            addresses: vec!["10.0.0.7".parse().unwrap()],
            cname: None,
        }]
    );
}

#[test]
fn family_members_are_not_dns() {
    let response = response();
    let start = Start {
        ports: [5353, 5353],
        ..start(Transport::Udp, true)
    };
    assert!(
        drive(&Dns, &start, &[Piece::Bytes(SERVER, &response)])
            .said
            .is_empty()
    );
}

#[test]
fn cuts_change_nothing() {
    let stream = [framed(&response()), framed(&query()), framed(&response())].concat();
    let whole = drive(
        &Dns,
        &start(Transport::Tcp, true),
        &[Piece::Bytes(SERVER, &stream)],
    );
    let whole = without_places(&whole.said);
    assert_eq!(whole.len(), 3);
    for at in 0..=stream.len() {
        let (one, two) = stream.split_at(at);
        let pieces = [Piece::Bytes(SERVER, one), Piece::Bytes(SERVER, two)];
        let cut = drive(&Dns, &start(Transport::Tcp, true), &pieces);
        assert_eq!(without_places(&cut.said), whole, "cut at {at}");
    }
    let bytes: Vec<_> = stream.chunks(1).map(|b| Piece::Bytes(SERVER, b)).collect();
    let bytewise = drive(&Dns, &start(Transport::Tcp, true), &bytes);
    assert_eq!(without_places(&bytewise.said), whole);
}

#[test]
fn finds_its_way_after_a_gap_and_in_the_middle() {
    let message = framed(&response());
    let rest = [&message[9..], &message, &message, &message].concat();
    let pieces = [
        Piece::Bytes(SERVER, &message[..20]),
        Piece::Gap(SERVER, Some(11)),
        Piece::Bytes(SERVER, &rest),
    ];
    let said = drive(&Dns, &start(Transport::Tcp, true), &pieces).said;
    let confidences: Vec<_> = said
        .iter()
        .filter(|said| matches!(said.meaning, Meaning::NameAnswered { .. }))
        .map(|said| said.confidence)
        .collect();
    assert_eq!(confidences, [0.9, 0.9, 1.0]);
    let middle = drive(
        &Dns,
        &start(Transport::Tcp, false),
        &[Piece::Bytes(SERVER, &rest)],
    );
    assert_eq!(without_places(&middle.said), without_places(&said));
}

#[test]
fn probe_knows_both_sides_and_transports() {
    let (query, response) = (query(), response());
    for (originator, responder) in [(&query, &Vec::new()), (&Vec::new(), &response)] {
        let mut seen = Seen {
            transport: Transport::Udp,
            originator,
            responder,
            from_start: true,
        };
        assert_eq!(Dns.probe(&seen), Probe::Certain);
        let framed = [framed(originator), framed(responder)];
        seen.transport = Transport::Tcp;
        seen.originator = if originator.is_empty() {
            &[]
        } else {
            &framed[0]
        };
        seen.responder = if responder.is_empty() {
            &[]
        } else {
            &framed[1]
        };
        assert_eq!(Dns.probe(&seen), Probe::Certain);
    }
}

fn row_of(message: &Message, field: &str) -> Vec<String> {
    let records = || message.resources();
    let flag = |bit: u16| ((message.header.flags & bit != 0) as u8).to_string();
    match field {
        "dns.id" => vec![format!("0x{:04x}", message.header.id)],
        "dns.flags.response" => vec![flag(0x8000)],
        "dns.flags.rcode" if message.header.is_response() => {
            vec![message.header.rcode().to_string()]
        }
        "dns.qry.name" => message.questions.iter().map(|q| shown(&q.name)).collect(),
        "dns.qry.type" => message
            .questions
            .iter()
            .map(|q| q.kind.to_string())
            .collect(),
        // Owners of SRV records are shown in their parts.
        "dns.resp.name" => records()
            .filter(|r| r.kind != kind::SRV)
            .map(|r| shown(&r.name))
            .collect(),
        "dns.srv.service" | "dns.srv.proto" | "dns.srv.name" => records()
            .filter(|r| r.kind == kind::SRV)
            .filter_map(|r| {
                let at = ["dns.srv.service", "dns.srv.proto", "dns.srv.name"]
                    .iter()
                    .position(|part| *part == field)?;
                r.name.splitn(3, '.').nth(at).map(str::to_owned)
            })
            .collect(),
        "dns.resp.type" => records().map(|r| r.kind.to_string()).collect(),
        "dns.resp.ttl" => records()
            .filter(|r| r.kind != kind::OPT)
            .map(|r| r.ttl.to_string())
            .collect(),
        "dns.a" | "dns.aaaa" => records()
            .filter_map(|r| match r.data {
                Data::Address(a) if a.is_ipv4() == (field == "dns.a") => Some(a.to_string()),
                _ => None,
            })
            .collect(),
        "dns.cname" => names(message, kind::CNAME),
        "dns.ns" => names(message, kind::NS),
        "dns.ptr.domain_name" => names(message, kind::PTR),
        "dns.mx.mail_exchange" => records()
            .filter_map(|r| match &r.data {
                Data::Mail { exchange, .. } => Some(shown(exchange)),
                _ => None,
            })
            .collect(),
        "dns.srv.port" | "dns.srv.target" => records()
            .filter_map(|r| match &r.data {
                Data::Service { port, .. } if field == "dns.srv.port" => Some(port.to_string()),
                Data::Service { target, .. } => Some(shown(target)),
                _ => None,
            })
            .collect(),
        // Of multicast DNS.
        "dns.resp.cache_flush" => records().map(|r| (r.class >> 15).to_string()).collect(),
        "dns.qry.qu" => message
            .questions
            .iter()
            .map(|q| (q.class >> 15).to_string())
            .collect(),
        "dns.txt" => records()
            .filter_map(|r| match &r.data {
                Data::Text(strings) => Some(strings.clone()),
                _ => None,
            })
            .flatten()
            .filter(|string| !string.is_empty())
            .collect(),
        "dns.hinfo.cpu" | "dns.hinfo.os" => records()
            .filter_map(|r| match &r.data {
                Data::Host { cpu, .. } if field == "dns.hinfo.cpu" => Some(cpu.clone()),
                Data::Host { os, .. } => Some(os.clone()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn names(message: &Message, kind: u16) -> Vec<String> {
    message
        .resources()
        .filter_map(|r| match &r.data {
            Data::Name(name) if r.kind == kind => Some(shown(name)),
            _ => None,
        })
        .collect()
}

/// As tshark shows it: a replacement character for each byte that is shown as `\\DDD` here.
fn shown(name: &str) -> String {
    if name.is_empty() {
        return "<Root>".into();
    }
    let mut parts = name.split('\\');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push('\u{fffd}');
        text.push_str(part.get(3..).unwrap_or_default());
    }
    text
}

const FIELDS: [&str; 19] = [
    "dns.id",
    "dns.flags.response",
    "dns.flags.rcode",
    "dns.qry.name",
    "dns.qry.type",
    "dns.resp.name",
    "dns.resp.type",
    "dns.resp.ttl",
    "dns.a",
    "dns.aaaa",
    "dns.cname",
    "dns.ns",
    "dns.ptr.domain_name",
    "dns.mx.mail_exchange",
    "dns.srv.service",
    "dns.srv.proto",
    "dns.srv.name",
    "dns.srv.port",
    "dns.srv.target",
];

/// Compares messages of a member of the family, and counts those that its probe is certain of.
pub(crate) fn compare_with_tshark(
    layer: &str,
    more: &[&'static str],
    probe: impl Fn(&[u8]) -> Probe,
) -> Agreement {
    let mut agreement = Agreement::default();
    let mut probed = [0u32; 2];
    let all = [&FIELDS[..], more].concat();
    // What an ICMP error quotes is cut, and no message of its sender.
    let filter = format!("{layer} && udp && !icmp && !icmpv6");
    for capture in oracle::captures_with(layer) {
        let fields = [&["frame.number", "udp.payload"][..], &all].concat();
        for row in oracle::tshark(&capture, &filter, &fields) {
            let payload = row.bytes("udp.payload");
            let message = Message::read(&payload);
            let place = format!("{}#{}", oracle::name_of(&capture), row.one("frame.number"));
            for field in &all {
                // What was not read counts as wrong.
                let ours = message.as_ref().map(|m| row_of(m, field));
                agreement.compare(&place, &row, field, ours.unwrap_or_default());
            }
            probed[0] += 1;
            let is_certain = probe(&payload) == Probe::Certain;
            probed[1] += u32::from(is_certain);
            if !is_certain {
                println!("not certain: {place}");
            }
        }
    }
    println!("probe: {} of {} messages certain", probed[1], probed[0]);
    agreement
}

/// `cargo test -p auscult-protocols agrees_with_tshark -- --ignored --nocapture`
#[test]
#[ignore = "asks tshark about every capture, which takes minutes"]
fn agrees_with_tshark() {
    compare_with_tshark("dns", &[], probe_message).at_least("dns", 0.99);
}

proptest! {
    #[test]
    fn any_bytes(
        pieces in proptest::collection::vec(
            (any::<bool>(), proptest::collection::vec(any::<u8>(), 0..80)), 0..6),
        from_start: bool,
        stream: bool,
    ) {
        let transport = if stream { Transport::Tcp } else { Transport::Udp };
        let pieces: Vec<_> = pieces
            .iter()
            .map(|(server, b)| Piece::Bytes(if *server { SERVER } else { CLIENT }, b))
            .collect();
        drive(&Dns, &start(transport, from_start), &pieces);
    }

    #[test]
    fn random_datagrams_are_never_certain(bytes in proptest::array::uniform32(any::<u8>())) {
        prop_assert!(probe_message(&bytes) < Probe::Likely);
    }

    #[test]
    fn probe_is_final(end in 0usize..80, flip in 0usize..80, value: u8) {
        let mut stream = framed(&response());
        stream[flip % 80] = value;
        let short = probe_stream(&stream[..end]);
        if matches!(short, Probe::No | Probe::Certain) && end > 0 {
            prop_assert_eq!(probe_stream(&stream), short);
        }
    }
}
