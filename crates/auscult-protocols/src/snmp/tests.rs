//! SNMP against Wireshark, real agents, and messages of each form.

use super::*;
use crate::drive::{Piece, drive, without_places};
use crate::oracle::{self, Agreement};
use proptest::prelude::*;

const MANAGER: Direction = Direction::FromOriginator;
const AGENT: Direction = Direction::FromResponder;
const GET: u8 = 0xa0;
const NAME: &[u8] = &[0x2b, 6, 1, 2, 1, 1, 5, 0];

fn start() -> Start {
    Start {
        transport: Transport::Udp,
        from_start: true,
        ports: [40_000, 161],
    }
}

fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut bytes = vec![tag, content.len() as u8];
    bytes.extend(content);
    bytes
}

/// A message of version 2 with one binding.
fn message(word: &[u8], kind: u8, error: u8, name: &[u8], bound: &[u8]) -> Vec<u8> {
    let binding = value(0x30, &[&value(6, &[name]), bound]);
    let head = [2, 1, 7, 2, 1, error, 2, 1, 0];
    let pdu = value(kind, &[&head, &value(0x30, &[&binding])]);
    value(0x30, &[&[2, 1, 1], &value(4, &[word]), &pdu])
}

fn text_of(word: &[u8], kind: u8, name: &[u8], text: &[u8]) -> Vec<u8> {
    message(word, kind, 0, name, &value(4, &[text]))
}

fn run(talk: &[(Direction, &[u8])]) -> Vec<String> {
    let pieces: Vec<_> = talk
        .iter()
        .map(|(direction, bytes)| Piece::Bytes(*direction, bytes))
        .collect();
    without_places(&drive(&Snmp, &start(), &pieces).said)
}

#[test]
fn a_community_that_was_answered_is_a_login_and_is_not_kept() {
    let ask = message(b"public", GET, 0, NAME, &[5, 0]);
    let answer = text_of(b"public", pdu::RESPONSE, NAME, b"usv1");
    let said = run(&[
        (MANAGER, &ask),
        (AGENT, &answer),
        (MANAGER, &ask),
        (AGENT, &answer),
    ]);
    let login = "FromOriginator 1.00 Login { method: \"snmp-community\", account: \"\", \
                 clear: true, accepted: Some(true) } {\"default\": \"public\"}";
    assert_eq!(said[0], login);
    assert!(said[1].contains("ServiceOffered"), "{}", said[1]);
    assert!(said[2].contains("snmp_sysname") && said[2].contains("usv1"));
    assert_eq!(said.len(), 3, "repeats are not said again: {said:?}");
    // A word of the site's own is not shown; nobody answered the other.
    let own = text_of(b"secretward", pdu::RESPONSE, NAME, b"usv1");
    let said = run(&[(AGENT, &own)]);
    assert!(said[0].contains("Login") && said.iter().all(|line| !line.contains("secretward")));
    assert_eq!(run(&[(MANAGER, &ask)]), [""; 0]);
}

#[test]
fn writes_wait_for_their_answer() {
    let write = text_of(b"w", pdu::SET, NAME, b"other");
    let changed = |acknowledged: &str| {
        format!(
            "FromOriginator 1.00 SettingChanged {{ setting: \"sysName.0\", acknowledged: \
             {acknowledged} }} {{\"oid\": \"1.3.6.1.2.1.1.5.0\"}}"
        )
    };
    for (error, acknowledged) in [(0, "Some(true)"), (6, "Some(false)")] {
        let answer = message(b"w", pdu::RESPONSE, error, NAME, &value(4, &[b"other"]));
        let said = run(&[(MANAGER, &write), (MANAGER, &write), (AGENT, &answer)]);
        assert_eq!(said.last(), Some(&changed(acknowledged)), "{said:?}");
        let settings = said.iter().filter(|line| line.contains("SettingChanged"));
        assert_eq!(settings.count(), 1);
    }
    assert_eq!(run(&[(MANAGER, &write)]), [changed("None")]);
}

#[test]
fn parts_printers_and_supplies() {
    let said = |bindings: &[(&[u8], Vec<u8>)]| {
        let datagrams: Vec<_> = bindings
            .iter()
            .map(|(name, bound)| message(b"x", pdu::RESPONSE, 0, name, bound))
            .collect();
        let datagrams: Vec<&[u8]> = datagrams.iter().map(Vec::as_slice).collect();
        oracle::claims_of(&Snmp, [161, 40_000], &datagrams)
    };
    let text = |text: &[u8]| value(4, &[text]);
    let part = |column: u8, number: u8| [0x2b, 6, 1, 2, 1, 47, 1, 1, 1, 1, column, number];
    // The chassis has a serial number; that of a fan is not the device's.
    assert_eq!(
        said(&[
            (&part(11, 1), text(b"")),
            (&part(11, 2), text(b"INV-1")),
            (&part(11, 9), text(b"INV-FAN")),
            (&part(13, 2), text(b"Switch 9")),
            (&part(10, 9), text(b"0.1")),
        ]),
        ["model = Switch 9", "serial = INV-1"]
    );
    let kind = [0x2b, 6, 1, 2, 1, 25, 3, 2, 1, 2, 1];
    let device = [0x2b, 6, 1, 2, 1, 25, 3, 2, 1, 3, 1];
    assert_eq!(
        said(&[(&device, text(b"GenuineIntel"))]),
        [""; 0],
        "a processor"
    );
    for order in [[0, 1], [1, 0]] {
        let both = [
            (&kind[..], value(6, &[mib::PRINTER])),
            (&device[..], text(b"Jet 9")),
        ];
        let both = order.map(|at| both[at].clone());
        assert_eq!(said(&both), ["model = Jet 9"]);
    }
    let apc = [0x2b, 6, 1, 4, 1, 0x82, 0x3e, 1, 1, 1, 1, 2, 3, 0];
    assert_eq!(
        said(&[(&apc, text(b"INV-2"))]),
        ["serial = INV-2", "snmp_mib = UPS-MIB"]
    );
    let product = [0x2b, 6, 1, 2, 1, 1, 2, 0];
    let id = [0x2b, 6, 1, 4, 1, 9, 1, 0x84, 0x2f];
    assert_eq!(
        said(&[(&product, value(6, &[&id]))]),
        ["snmp_sysobjectid = 1.3.6.1.4.1.9.1.559", "vendor = Cisco"]
    );
    let description = [0x2b, 6, 1, 2, 1, 1, 1, 0];
    assert_eq!(
        said(&[(&description, text(b"Two\r\nlines"))]),
        ["snmp_sysdescr = Two lines"]
    );
}

#[test]
fn traps_have_names() {
    let on_battery = [0x2b, 6, 1, 2, 1, 33, 2, 1];
    let trap = message(b"x", pdu::TRAP, 0, mib::TRAP_ID, &value(6, &[&on_battery]));
    let old = value(
        pdu::TRAP_V1,
        &[
            &value(6, &[&[0x2b, 6, 1, 4, 1, 9]]),
            &[0x40, 4, 10, 1, 1, 7, 2, 1, 2, 2, 1, 0, 0x43, 1, 9],
            &[0x30, 0],
        ],
    );
    let old = value(0x30, &[&[2, 1, 0], &value(4, &[b"x"]), &old]);
    assert_eq!(message::probe(&old), Probe::Certain);
    let said = run(&[(MANAGER, &trap), (MANAGER, &old), (MANAGER, &trap)]);
    assert_eq!(
        said,
        [
            r#"FromOriginator 1.00 Alarm { text: "upsTrapOnBattery" } {}"#,
            r#"FromOriginator 1.00 Alarm { text: "linkDown" } {}"#,
        ]
    );
}

#[test]
fn version_3_names_engine_and_user() {
    let Some(path) = oracle::shared("captures/wireshark-wiki/snmp_usm.pcap") else {
        return;
    };
    let said = oracle::read_datagrams(&Snmp, &path, "snmp");
    if said.is_empty() {
        return;
    }
    let claims = oracle::claimed(&said);
    assert!(
        claims.contains(&"snmp_engine_id = 80001f888059dc486145a26322".to_owned()),
        "{claims:?}"
    );
    let lines = without_places(&said);
    let logins: Vec<_> = lines.iter().filter(|line| line.contains("Login")).collect();
    assert!(
        logins
            .iter()
            .any(|line| line.contains("\"pippo\"") && line.contains("authPriv")),
        "{logins:?}"
    );
}

/// What agents of others answered.
#[test]
fn real_agents() {
    oracle::golden(
        &Snmp,
        "snmp && udp && !icmp",
        &[
            (
                "captures/ndpi/snmp.pcap",
                &[
                    "snmp_engine_id = 800000090300aabbcc000100",
                    "snmp_engine_mac = aa:bb:cc:00:01:00",
                    "snmp_syscontact = nick@globomantics.com",
                    "snmp_syslocation = GlobomanticsHQ",
                    "snmp_sysname = R1.lab.local",
                    "vendor = Cisco",
                ],
            ),
            (
                "captures/wireshark-wiki/b6300a.cap",
                &[
                    "snmp_syslocation = Chandra's cube",
                    "snmp_sysname = B6300",
                    "snmp_sysobjectid = 1.3.6.1.4.1.2001.1.1.1.297.93.1.27.2.2.1",
                    "vendor = OKI",
                ],
            ),
            (
                "cases/it-noise.pcap",
                &[
                    "snmp_syscontact = root",
                    "snmp_sysdescr = \"Papyrus LaserJet 9 FW 2026.03\"",
                    "snmp_sysdescr = \"USV-Werk Strombox 3000 Firmware 6.2.1\"",
                    "snmp_syslocation = Keller",
                    "snmp_sysname = drucker2",
                    "snmp_sysname = usv1",
                    "snmp_sysobjectid = 1.3.6.1.4.1.8072.3.2.10",
                ],
            ),
        ],
    );
}

#[test]
fn prefixes_and_near_misses() {
    let bytes = text_of(b"public", pdu::RESPONSE, NAME, b"usv1");
    let decided = 2 + 3 + 8 + 2 + 3;
    for end in 0..bytes.len() {
        let probe = message::probe(&bytes[..end]);
        let expected = if end < decided - 1 {
            Probe::Maybe
        } else {
            Probe::Certain
        };
        assert_eq!(probe, expected, "{end}");
    }
    // Tag, length, version, community's length, PDU and its length, number.
    for (at, other) in [
        (0, 0x31),
        (1, 9),
        (2, 4),
        (3, 2),
        (4, 2),
        (5, 5),
        (6, 7),
        (13, 0xa9),
        (14, 3),
        (15, 4),
    ] {
        let mut near = bytes.clone();
        near[at] = other;
        assert_eq!(message::probe(&near), Probe::No, "{at}");
    }
}

const FIELDS: [&str; 13] = [
    "snmp.community",
    "snmp.data",
    "snmp.request_id",
    "snmp.error_status",
    "snmp.name",
    "snmp.value.octets",
    "snmp.value.oid",
    "snmp.enterprise",
    "snmp.generic_trap",
    "snmp.specific_trap",
    "snmp.msgUserName",
    "snmp.msgAuthoritativeEngineID",
    "snmp.msgFlags",
];

fn field_of(message: &Message<'_>, field: &str) -> Vec<String> {
    let bytes = |bytes: &[u8]| match bytes {
        [] => "<MISSING>".to_owned(),
        some => hex(some),
    };
    let values = |tag: u8| {
        let all = message.pdu.iter().flat_map(Pdu::bindings);
        all.filter(move |binding| binding.tag == tag)
    };
    let of_user = |of: &dyn Fn(&User<'_>) -> String| match &message.security {
        Security::User(user) => vec![of(user)],
        _ => Vec::new(),
    };
    let of_pdu =
        |of: &dyn Fn(&Pdu<'_>) -> Option<String>| message.pdu.iter().filter_map(of).collect();
    let of_trap = |of: &dyn Fn(message::Trap<'_>) -> String| of_pdu(&|pdu| pdu.trap.map(of));
    let is_trap = message.pdu.is_some_and(|pdu| pdu.trap.is_some());
    let mut values: Vec<String> = match field {
        "snmp.community" => match message.security {
            Security::Community(word) => vec![text::lenient(word)],
            _ => Vec::new(),
        },
        "snmp.data" => of_pdu(&|pdu| Some((pdu.kind - GET).to_string())),
        "snmp.request_id" if !is_trap => of_pdu(&|pdu| Some(pdu.request.to_string())),
        "snmp.error_status" if !is_trap => {
            of_pdu(&|pdu| (pdu.kind != 0xa5).then(|| pdu.error.to_string()))
        }
        "snmp.name" => message
            .pdu
            .iter()
            .flat_map(Pdu::bindings)
            .map(|binding| dotted(binding.name))
            .collect(),
        "snmp.value.octets" => values(tag::OCTETS).map(|b| bytes(b.value)).collect(),
        "snmp.value.oid" => values(tag::OBJECT_ID).map(|b| dotted(b.value)).collect(),
        "snmp.enterprise" => of_trap(&|trap| dotted(trap.enterprise)),
        "snmp.generic_trap" => of_trap(&|trap| trap.generic.to_string()),
        "snmp.specific_trap" => of_trap(&|trap| trap.specific.to_string()),
        "snmp.msgUserName" => of_user(&|user| text::lenient(user.name)),
        "snmp.msgAuthoritativeEngineID" => of_user(&|user| bytes(user.engine)),
        "snmp.msgFlags" => of_user(&|user| hex(&[user.flags])),
        _ => Vec::new(),
    };
    if values == [""] {
        values.clear();
    }
    values
}

/// `cargo test -p auscult-protocols agrees_with_tshark -- --ignored --nocapture`
#[test]
#[ignore = "asks tshark about every capture, which takes minutes"]
fn agrees_with_tshark() {
    let mut agreement = Agreement::default();
    let mut probed = [0u32; 2];
    let captures = oracle::captures_with("snmp");
    for capture in captures
        .iter()
        .filter(|capture| !oracle::is_damaged(capture))
    {
        let fields = [&["frame.number", "udp.payload"][..], &FIELDS].concat();
        let filter = "snmp && udp && !icmp && !_ws.malformed";
        for row in oracle::tshark(capture, filter, &fields) {
            let payload = row.bytes("udp.payload");
            let place = format!("{}#{}", oracle::name_of(capture), row.one("frame.number"));
            let message = Message::read(&payload);
            for field in FIELDS {
                let ours = message.as_ref().map(|message| field_of(message, field));
                agreement.compare(&place, &row, field, ours.unwrap_or_default());
            }
            let is_certain = message::probe(&payload) == Probe::Certain;
            probed[0] += 1;
            probed[1] += u32::from(is_certain);
            if !is_certain {
                println!("not certain: {place}");
            }
        }
        let said = oracle::read_datagrams(&Snmp, capture, filter);
        println!(
            "{}: {:#?}",
            oracle::name_of(capture),
            oracle::claimed(&said)
        );
    }
    println!("probe: {} of {} messages certain", probed[1], probed[0]);
    agreement.at_least("snmp", 0.99);
}

proptest! {
    #[test]
    fn damage_is_borne(
        at in 0usize..60,
        byte: u8,
        end in 0usize..60,
        kind in 0xa0u8..0xa9,
    ) {
        let mut bytes = text_of(b"public", kind, NAME, b"usv1");
        let at = at % bytes.len();
        bytes[at] = byte;
        let end = end.min(bytes.len());
        run(&[(MANAGER, &bytes[..end]), (AGENT, &bytes)]);
        let short = message::probe(&bytes[..end]);
        if short != Probe::Maybe {
            prop_assert_eq!(message::probe(&bytes), short);
        }
    }
}
