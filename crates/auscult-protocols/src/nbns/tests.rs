//! NetBIOS name service against Wireshark and against what real machines register.

use super::*;
use crate::drive::{Piece, drive};
use crate::netbios::tests::shown;
use crate::oracle::{self, Agreement};

fn claimed(datagrams: &[&[u8]]) -> Vec<String> {
    oracle::claims_of(&Nbns, [137, 137], datagrams)
}

/// `LAB` with a suffix, in letters, up to the question's class.
fn question(suffix: u8, kind: u16) -> Vec<u8> {
    let mut name = *b"LAB             ";
    name[15] = suffix;
    let halves = name.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let mut bytes = vec![0x20];
    bytes.extend(halves.map(|half| b'A' + half));
    bytes.push(0);
    bytes.extend_from_slice(&kind.to_be_bytes());
    bytes.extend_from_slice(&[0, 1]);
    bytes
}

/// A registration of such a name at 10.1.1.7.
fn registration(suffix: u8, flags: u16) -> Vec<u8> {
    let mut bytes = b"\x12\x34\x29\x10\0\x01\0\0\0\0\0\x01".to_vec();
    bytes.extend(question(suffix, NB));
    bytes.extend_from_slice(b"\xc0\x0c\0\x20\0\x01\0\0\0\0\0\x06");
    bytes.extend_from_slice(&flags.to_be_bytes());
    bytes.extend_from_slice(&[10, 1, 1, 7]);
    bytes
}

#[test]
fn registrations_by_suffix() {
    for (suffix, flags, said) in [
        (0x00, 0, &["netbios_name = LAB"][..]),
        (0x20, 0, &["netbios_name = LAB"]),
        (0x00, GROUP, &["workgroup = LAB"]),
        (0x1e, GROUP, &["workgroup = LAB"]),
        (0x1b, 0, &["netbios_part = domain-master-browser"]),
        (0x1c, GROUP, &["netbios_part = domain-controller"]),
        (0x1d, 0, &["netbios_part = master-browser"]),
        // A user's name, or the machine's once more.
        (0x03, 0, &[]),
    ] {
        let bytes = registration(suffix, flags);
        assert_eq!(claimed(&[&bytes]), said, "{suffix:02x}");
        assert_eq!(probe_message(&bytes), Probe::Certain);
        assert_eq!(probe_message(&bytes[..30]), Probe::Maybe);
        // DNS knows such names for what they are.
        assert_eq!(crate::dns::probe_message(&bytes), Probe::No);
    }
}

/// Only the bit of a name server tells whether the holder answers.
#[test]
fn a_name_server_is_not_what_it_names() {
    let mut answer = b"\x12\x34\x85\0\0\0\0\x01\0\0\0\0".to_vec();
    answer.extend(question(0x20, NB));
    answer.extend_from_slice(b"\0\0\0\0\0\x06\0\0\x0a\x01\x01\x07");
    assert_eq!(
        claimed(&[&answer]),
        ["lab at 10.1.1.7", "netbios_name = LAB"]
    );
    answer[3] = 0x80;
    assert_eq!(claimed(&[&answer]), ["lab at 10.1.1.7"]);
    // A refusal, a release and a question hold nothing.
    for (at, value) in [(3, 0x06), (2, 0x30), (2, 0x01)] {
        let mut other = answer.clone();
        other[at] = value;
        assert_eq!(claimed(&[&other]), [""; 0], "{value:02x}");
    }
}

#[test]
fn a_node_tells_its_table() {
    let mut answer = b"\x12\x34\x84\0\0\0\0\x01\0\0\0\0".to_vec();
    answer.extend(question(0, NBSTAT));
    answer.extend_from_slice(b"\0\0\0\0\0\x2b\x02BED7-PC        \0\x04\0");
    answer.extend_from_slice(b"WARDS          \0\x84\0\x02\0\0\0\x30\x07");
    let said = [
        "netbios_mac = 02:00:00:00:30:07",
        "netbios_name = BED7-PC",
        "workgroup = WARDS",
    ];
    assert_eq!(claimed(&[&answer]), said);
    // Cut anywhere it says less, and nothing else.
    for end in 0..answer.len() {
        let part = claimed(&[&answer[..end]]);
        assert!(
            part.iter().all(|line| said.contains(&line.as_str())),
            "{part:?}"
        );
    }
}

#[test]
fn what_repeats_is_read_once() {
    let bytes = registration(0, 0);
    let mut other = bytes.clone();
    other[0] = 0x99;
    let start = Start {
        transport: Transport::Udp,
        from_start: true,
        ports: [137, 137],
    };
    let pieces = [&bytes, &other, &bytes].map(|b| Piece::Bytes(Direction::FromOriginator, b));
    assert_eq!(drive(&Nbns, &start, &pieces).said.len(), 1);
}

/// What machines of others registered and answered.
#[test]
fn real_machines() {
    let windows_98: &[&str] = &[
        "netbios_name = MDJR98",
        "netbios_part = master-browser",
        "workgroup = WORKGROUP",
    ];
    oracle::golden(
        &Nbns,
        "nbns && udp && !icmp",
        &[
            ("captures/arkime/nbns.pcap", windows_98),
            (
                "captures/wireshark/test.cap",
                &["netbios_mac = 00:0b:5d:20:cd:02", "netbios_name = NB10061D"],
            ),
            (
                "captures/wireshark-wiki/b6300a.cap",
                &["netbios_name = OKI-15E6BC", "workgroup = WORKGROUP"],
            ),
            (
                "captures/wireshark-wiki/c07-sip-r2.cap.gz",
                &[
                    "netbios_mac = 02:00:4c:4f:4f:50",
                    "netbios_name = M1",
                    "netbios_part = master-browser",
                    "workgroup = MSHOME",
                ],
            ),
        ],
    );
}

const FIELDS: [&str; 9] = [
    "nbns.id",
    "nbns.flags.response",
    "nbns.flags.opcode",
    "nbns.name",
    "nbns.type",
    "nbns.nb_flags.group",
    "nbns.addr",
    "nbns.netbios_name",
    "nbns.unit_id",
];

fn field_of(message: &Message<'_>, field: &str) -> Vec<String> {
    let header = &message.header;
    let entries = || {
        let entries = message.data.chunks_exact(6);
        entries.filter(|_| message.kind == NB)
    };
    match field {
        "nbns.id" => vec![format!("0x{:04x}", header.id)],
        "nbns.flags.response" => vec![u8::from(header.is_response()).to_string()],
        "nbns.flags.opcode" => vec![header.opcode().to_string()],
        "nbns.name" => vec![shown(message.name)],
        "nbns.type" => vec![message.kind.to_string()],
        "nbns.nb_flags.group" => entries().map(|e| (e[0] >> 7).to_string()).collect(),
        "nbns.addr" => entries()
            .map(|e| Ipv4Addr::new(e[2], e[3], e[4], e[5]).to_string())
            .collect(),
        "nbns.netbios_name" if message.kind == NBSTAT => {
            let mut names = Vec::new();
            for_each_name(message.data, |name, _| names.push(name.text.clone()));
            names
        }
        "nbns.unit_id" if message.kind == NBSTAT => unit(message.data)
            .map(|mac| mac.to_string())
            .into_iter()
            .collect(),
        _ => Vec::new(),
    }
}

/// `cargo test -p auscult-protocols agrees_with_tshark -- --ignored --nocapture`
#[test]
#[ignore = "asks tshark about every capture, which takes minutes"]
fn agrees_with_tshark() {
    let mut agreement = Agreement::default();
    let mut probed = [0u32; 2];
    let captures = oracle::captures_with("nbns");
    for capture in captures
        .iter()
        .filter(|capture| !oracle::is_damaged(capture))
    {
        let fields = [&["frame.number", "udp.payload"][..], &FIELDS].concat();
        for row in oracle::tshark(capture, "nbns && udp && !icmp", &fields) {
            let payload = row.bytes("udp.payload");
            let place = format!("{}#{}", oracle::name_of(capture), row.one("frame.number"));
            let message = Message::read(&payload);
            for field in FIELDS {
                let ours = message
                    .as_ref()
                    .map_or_else(Vec::new, |m| field_of(m, field));
                // The record's name is shown with words, its type like the question's.
                let mut theirs: Vec<String> = row
                    .all(field)
                    .iter()
                    .map(|value| value.split(" (").next().unwrap_or_default().to_owned())
                    .collect();
                if matches!(field, "nbns.name" | "nbns.type") {
                    theirs.dedup();
                }
                agreement.compare_values(&place, field, &theirs, &ours);
            }
            let is_certain = probe_message(&payload) == Probe::Certain;
            probed[0] += 1;
            probed[1] += u32::from(is_certain);
            if !is_certain {
                println!("not certain: {place}");
            }
        }
    }
    println!("probe: {} of {} messages certain", probed[1], probed[0]);
    agreement.at_least("nbns", 0.99);
}
