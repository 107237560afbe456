//! NTP against Wireshark, real servers, and near misses.

use super::*;
use crate::drive::{Piece, drive, without_places};
use crate::oracle::{self, Agreement};

/// A server's answer, of stratum 2.
fn answer() -> Vec<u8> {
    let mut bytes = vec![0x24, 2, 6, 0xe7, 0, 0, 1, 2, 0, 0, 3, 4, 10, 1, 1, 9];
    bytes.extend([0xea, 0x12, 0x34, 0x56, 0, 0, 0, 1].repeat(4));
    bytes
}

fn run(bytes: &[u8]) -> Vec<String> {
    oracle::claims_of(&Ntp, [123, 123], &[bytes])
}

#[test]
fn servers_say_where_their_time_is_from() {
    let mut bytes = answer();
    assert_eq!(run(&bytes), ["ntp_reference = 10.1.1.9", "ntp_stratum = 2"]);
    bytes[1] = 1;
    bytes[12..16].copy_from_slice(b"GPS\0");
    assert_eq!(run(&bytes), ["ntp_reference = GPS", "ntp_stratum = 1"]);
    // A kiss of death: it does not give the time.
    bytes[1] = 0;
    bytes[12..16].copy_from_slice(b"RATE");
    assert_eq!(run(&bytes), ["ntp_kiss = RATE"]);
    // A client's question.
    bytes[0] = 0x23;
    assert_eq!(run(&bytes), [""; 0]);
}

#[test]
fn control_answers_name_the_machine() {
    let text =
        b"version=\"ntpd 4.2.8, invented\", processor=\"arm\",\r\nsystem=\"Linux/5.10\", leap=0";
    let mut bytes = vec![0x16, 0x82, 0, 1, 0, 0, 0, 0, 0, 0, 0, text.len() as u8];
    bytes.extend_from_slice(text);
    let start = Start {
        transport: Transport::Udp,
        from_start: true,
        ports: [123, 123],
    };
    let said = drive(
        &Ntp,
        &start,
        &[Piece::Bytes(Direction::FromResponder, &bytes)],
    )
    .said;
    assert_eq!(
        oracle::claimed(&said),
        [
            "cpu = arm",
            "ntp_version = ntpd 4.2.8, invented",
            "os = Linux/5.10"
        ]
    );
    let asked = "FromOriginator 1.00 Request { operation: \"control\", \
                 object: \"read-variables\", granted: Some(true) } {}";
    assert_eq!(without_places(&said)[0], asked);
    assert_eq!(probe_message(&bytes), Probe::Likely);
}

#[test]
fn near_misses() {
    let bytes = answer();
    assert_eq!(probe_message(&bytes), Probe::Likely);
    for end in 0..48 {
        assert_eq!(probe_message(&bytes[..end]), Probe::Maybe, "{end}");
    }
    // Version, mode, stratum, poll, precision, delay, dispersion.
    for (at, other) in [
        (0, 0x04),
        (0, 0x20),
        (1, 17),
        (2, 18),
        (3, 0x40),
        (4, 1),
        (5, 64),
        (8, 1),
    ] {
        let mut near = bytes.clone();
        near[at] = other;
        assert_eq!(probe_message(&near), Probe::No, "{at}");
    }
}

#[test]
fn private_messages_have_items() {
    let mut list = vec![0xd7, 0, 3, 42, 0, 2, 0, 72];
    list.extend([0; 144]);
    assert_eq!(probe_message(&list), Probe::Likely);
    for (at, other) in [(2, 4), (3, 46), (5, 3), (6, 0x10)] {
        let mut near = list.clone();
        near[at] = other;
        assert_eq!(probe_message(&near), Probe::No, "{at}");
    }
}

/// Servers of others.
#[test]
fn real_servers() {
    oracle::golden(
        &Ntp,
        "ntp && !icmp",
        &[
            (
                "captures/iot-sentinel/WeMoLink__Setup-A-15-STA.pcap.gz",
                &[
                    "ntp_kiss = RATE",
                    "ntp_reference = 130.149.17.21",
                    "ntp_stratum = 2",
                ],
            ),
            (
                "captures/ndpi/android.pcap.gz",
                &["ntp_reference = GOOG", "ntp_stratum = 1"],
            ),
        ],
    );
}

const FIELDS: [&str; 3] = ["ntp.flags.mode", "ntp.stratum", "ntp.refid"];

/// `cargo test -p auscult-protocols agrees_with_tshark -- --ignored --nocapture`
#[test]
#[ignore = "asks tshark about every capture, which takes minutes"]
fn agrees_with_tshark() {
    let mut agreement = Agreement::default();
    let mut probed = [0u32; 2];
    for capture in oracle::captures_with("ntp") {
        let fields = [&["frame.number", "udp.payload"][..], &FIELDS].concat();
        let filter = "ntp.stratum && udp && !icmp && !_ws.malformed";
        for row in oracle::tshark(&capture, filter, &fields) {
            let payload = row.bytes("udp.payload");
            let place = format!("{}#{}", oracle::name_of(&capture), row.one("frame.number"));
            let Some(&[first, stratum, _, _]) = payload.first_chunk::<4>() else {
                continue;
            };
            let refid = payload.get(12..16).unwrap_or_default();
            let refid: String = refid.iter().map(|byte| format!("{byte:02x}")).collect();
            let ours = [(first & 7).to_string(), stratum.to_string(), refid];
            for (field, ours) in FIELDS.into_iter().zip(ours) {
                agreement.compare(&place, &row, field, vec![ours]);
            }
            let is_likely = probe_message(&payload) == Probe::Likely;
            probed[0] += 1;
            probed[1] += u32::from(is_likely);
            if !is_likely {
                println!("not likely: {place}");
            }
        }
        let said = oracle::read_datagrams(&Ntp, &capture, "ntp && !icmp");
        println!(
            "{}: {:#?}",
            oracle::name_of(&capture),
            oracle::claimed(&said)
        );
    }
    println!("probe: {} of {} messages likely", probed[1], probed[0]);
    agreement.at_least("ntp", 0.99);
}
