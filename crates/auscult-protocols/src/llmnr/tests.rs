//! LLMNR against Wireshark and against what real machines answer.

use super::*;
use crate::dns::tests::compare_with_tshark;
use crate::drive::{Piece, drive};
use crate::oracle;

/// What machines of others answered.
#[test]
fn real_machines() {
    oracle::golden(
        &Llmnr,
        "llmnr && !icmp",
        &[
            (
                "captures/suricata/llmnr__llmnr-udp.pcap",
                &["hs2011 at 192.168.10.101", "llmnr_name = hs2011"],
            ),
            // Of other names than the one that was asked for it is not the holder.
            (
                "captures/suricata/llmnr__llmnr-authority-additional.pcap",
                &[
                    "llmnr_name = server.local",
                    "ns.local at 192.168.1.1",
                    "server.local at 192.168.1.10",
                ],
            ),
        ],
    );
}

#[test]
fn questions_and_refusals_say_nothing() {
    let question = b"\x12\x34\0\0\0\x01\0\0\0\0\0\0\x04bed7\0\0\x01\0\x01";
    assert_eq!(
        oracle::claims_of(&Llmnr, [50_000, 5355], &[question]),
        [""; 0]
    );
    let mut answer = question.to_vec();
    answer[2] = 0x80;
    answer[7] = 1;
    answer.extend_from_slice(b"\xc0\x0c\0\x01\0\x01\0\0\0\x1e\0\x04\x0a\x01\x01\x07");
    let said = ["bed7 at 10.1.1.7", "llmnr_name = bed7"];
    assert_eq!(oracle::claims_of(&Llmnr, [5355, 50_000], &[&answer]), said);
    answer[3] = 2;
    assert_eq!(
        oracle::claims_of(&Llmnr, [5355, 50_000], &[&answer]),
        [""; 0]
    );
}

/// As `suricata/llmnr__llmnr-tcp-reassembly.pcap` has it; a hole ends what is read of its side.
#[test]
fn over_tcp_each_message_stands_behind_its_length() {
    let answer =
        b"\x00\x26\xab\xcd\x80\0\0\x01\0\x01\0\0\0\0\x04test\0\0\x01\0\x01\xc0\x0c\0\x01\0\x01\
                   \0\0\0\x1e\0\x04\xc0\xa8\x01\x0a";
    let start = Start {
        transport: Transport::Tcp,
        from_start: true,
        ports: [49_152, 5355],
    };
    let from = Direction::FromResponder;
    let (head, rest) = answer.split_at(8);
    let whole = [Piece::Bytes(from, head), Piece::Bytes(from, rest)];
    let said = oracle::claimed(&drive(&Llmnr, &start, &whole).said);
    assert_eq!(said, ["llmnr_name = test", "test at 192.168.1.10"]);
    let holed = [
        Piece::Bytes(from, head),
        Piece::Gap(from, Some(2)),
        Piece::Bytes(from, answer),
    ];
    let said = oracle::claimed(&drive(&Llmnr, &start, &holed).said);
    assert_eq!(said, [""; 0]);
    let seen = |from_start| Seen {
        transport: Transport::Tcp,
        originator: &[],
        responder: answer,
        from_start,
    };
    assert_eq!(Llmnr.probe(&seen(true)), Probe::Certain);
    assert_eq!(Llmnr.probe(&seen(false)), Probe::No);
}

/// `cargo test -p auscult-protocols agrees_with_tshark -- --ignored --nocapture`
#[test]
#[ignore = "asks tshark about every capture, which takes minutes"]
fn agrees_with_tshark() {
    compare_with_tshark("llmnr", &[], dns::probe_message).at_least("llmnr", 0.99);
}
