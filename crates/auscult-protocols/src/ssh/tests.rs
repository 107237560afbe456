//! SSH: laws on an invented talk, and real captures against tshark.

use std::collections::BTreeMap;

use super::*;
use crate::cuts::{self, Talk, pieces};
use crate::drive::{Piece, drive, without_places};
use crate::oracle::{self, Agreement};
use auscult_model::Meaning;
use proptest::prelude::*;

const CLIENT: Direction = Direction::FromOriginator;
const SERVER: Direction = Direction::FromResponder;
const START: Start = Start {
    transport: Transport::Tcp,
    from_start: true,
    ports: [50004, 22],
};

fn string(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes(), bytes].concat()
}

fn packet(payload: &[u8]) -> Vec<u8> {
    let padding = 8 - (5 + payload.len()) % 8 + 4;
    let length = (1 + payload.len() + padding) as u32;
    let front = [&length.to_be_bytes()[..], &[padding as u8]].concat();
    [&front[..], payload, &vec![7; padding]].concat()
}

fn offer(lists: [&str; 8]) -> Vec<u8> {
    let mut payload = vec![20];
    payload.extend([9; 16]);
    for list in lists.into_iter().chain(["", ""]) {
        payload.extend(string(list.as_bytes()));
    }
    payload.extend([0; 5]);
    packet(&payload)
}

/// Both sides up to the first enciphered bytes.
fn talk() -> Vec<(Direction, Vec<u8>)> {
    let client = offer([
        "curve25519-sha256",
        "ssh-ed25519",
        "aes128-ctr",
        "aes256-ctr",
        "hmac-sha1",
        "hmac-sha2-256",
        "none",
        "zlib",
    ]);
    let key = string(&[string(b"ssh-ed25519"), string(&[5; 32])].concat());
    let answer = [&[31][..], &key, &string(&[6; 32]), &string(&[7; 83])].concat();
    vec![
        (
            SERVER,
            b"Only for technicians\r\nSSH-2.0-dropbear_2012.55\r\n".to_vec(),
        ),
        (CLIENT, b"SSH-2.0-OpenSSH_4.3 old one\r\n".to_vec()),
        (CLIENT, client.clone()),
        (SERVER, client),
        (CLIENT, packet(&[&[30][..], &string(&[8; 32])].concat())),
        (SERVER, [packet(&answer), packet(&[21])].concat()),
        (CLIENT, packet(&[21])),
        (SERVER, vec![0xee; 64]),
    ]
}

fn lines(talk: &Talk<'_>) -> Vec<String> {
    without_places(&drive(&Ssh, &START, &pieces(talk)).said)
}

fn borrowed(talk: &[(Direction, Vec<u8>)]) -> Vec<(Direction, &[u8])> {
    talk.iter()
        .map(|(d, bytes)| (*d, bytes.as_slice()))
        .collect()
}

#[test]
fn banners_offers_and_key() {
    let talk = talk();
    let said = lines(&borrowed(&talk));
    let expected = [
        "ssh_banner\", value: \"SSH-2.0-dropbear_2012.55\" } {\"software\": \"dropbear_2012.55\"",
        "ServiceOffered",
        "ssh_banner\", value: \"SSH-2.0-OpenSSH_4.3 old one\" } {\"comment\": \"old one\"",
        // MD5 of curve25519-sha256;aes128-ctr;hmac-sha1;none
        "ssh_hassh\", value: \"7fffb234014b2a6c335168b9683cbb70",
        "ssh_hassh_server\"",
        "ssh_host_key\", value: \"SHA256:",
    ];
    assert_eq!(said.len(), expected.len(), "{said:#?}");
    for (said, expected) in said.iter().zip(expected) {
        assert!(said.contains(expected), "{said}\n{expected}");
    }
    assert!(
        said[4].contains("\"ciphers\": \"aes256-ctr\""),
        "{}",
        said[4]
    );
    assert!(
        said[5].contains("\"key_type\": \"ssh-ed25519\""),
        "{}",
        said[5]
    );
}

#[test]
fn cuts_change_nothing() {
    let talk = talk();
    cuts::change_nothing_in_talk(&borrowed(&talk), lines);
}

#[test]
fn one_side_says_its_own() {
    let talk = talk();
    let whole = lines(&borrowed(&talk));
    for side in [CLIENT, SERVER] {
        let mut one = borrowed(&talk);
        one.retain(|(direction, _)| *direction == side);
        let said = lines(&one);
        assert!(!said.is_empty() && said.iter().all(|line| whole.contains(line)));
    }
}

#[test]
fn nothing_is_read_behind_a_gap() {
    let talk = talk();
    let talk = borrowed(&talk);
    let mut pieces = pieces(&talk);
    pieces[3] = Piece::Gap(SERVER, None);
    let said = without_places(&drive(&Ssh, &START, &pieces).said).join("\n");
    assert!(!said.contains("ssh_host_key") && said.contains("ssh_hassh\""));
}

#[test]
fn version_one_has_a_banner_only() {
    let said = lines(&[(SERVER, b"SSH-1.5-1.2.26\n"), (SERVER, &[0; 40])]);
    assert_eq!(said.len(), 2);
    assert_eq!(lines(&[(SERVER, b"SSH-1.99-Cisco-1.25\n")]).len(), 2);
}

#[test]
fn probe_wants_the_version() {
    let probe = |bytes: &[u8]| {
        Ssh.probe(&Seen {
            transport: Transport::Tcp,
            originator: bytes,
            responder: &[],
            from_start: true,
        })
    };
    assert_eq!(probe(b"SSH-2.0-x\r\n"), Probe::Certain);
    assert_eq!(probe(b"SSH-1"), Probe::Maybe);
    // The other side may still have a banner.
    assert_eq!(probe(b"SSH keys\r\n"), probe(b"GET / HTTP/1.1\r\n"));
    assert!(probe(b"SSH-3.0-x") < Probe::Likely);
}

/// Banners, HASSH, offers and types of keys, frame by frame.
/// `cargo test -p auscult-protocols ssh::tests::agrees -- --ignored --nocapture`
#[test]
#[ignore = "asks tshark about many captures"]
fn agrees_with_tshark() {
    const FIELDS: [&str; 7] = [
        "ssh.protocol",
        "ssh.kex.hassh",
        "ssh.kex.hasshserver",
        "ssh.kex_algorithms",
        "ssh.server_host_key_algorithms",
        "ssh.host_key.type",
        "frame.number",
    ];
    let mut agreement = Agreement::default();
    for capture in oracle::captures_with("ssh") {
        let mut ours: BTreeMap<(u64, &str), Vec<String>> = BTreeMap::new();
        for said in oracle::read_streams(&Ssh, &capture, "ssh") {
            let frame = said.place.last.packet.number;
            let attribute = |name| {
                let mut all = said.attributes.iter();
                all.find(|(n, _)| *n == name).map(|(_, v)| v.to_string())
            };
            let mut put = |field, value: Option<String>| {
                ours.entry((frame, field)).or_default().extend(value);
            };
            if let Meaning::Claim {
                attribute: name,
                value,
                ..
            } = &said.meaning
            {
                let field = match *name {
                    "ssh_banner" => "ssh.protocol",
                    "ssh_hassh" => "ssh.kex.hassh",
                    "ssh_hassh_server" => "ssh.kex.hasshserver",
                    _ => {
                        put("ssh.host_key.type", attribute("key_type"));
                        continue;
                    }
                };
                put(field, Some(value.clone()));
                put("ssh.kex_algorithms", attribute("key_exchanges"));
                put("ssh.server_host_key_algorithms", attribute("host_keys"));
            }
        }
        for row in oracle::tshark(
            &capture,
            "ssh && !icmp && !tcp.analysis.retransmission",
            &FIELDS,
        ) {
            let frame: u64 = row.one("frame.number").parse().expect("a number");
            let place = format!("{}#{frame}", oracle::name_of(&capture));
            for field in &FIELDS[..6] {
                let ours = ours.remove(&(frame, *field)).unwrap_or_default();
                agreement.compare(&place, &row, field, ours);
            }
        }
    }
    agreement.at_least("ssh", 0.99);
}

proptest! {
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let talk: [(Direction, &[u8]); 3] =
            [(SERVER, b"SSH-2.0-x\n"), (SERVER, &bytes), (CLIENT, &bytes)];
        lines(&talk);
        lines(&talk[1..]);
    }
}
