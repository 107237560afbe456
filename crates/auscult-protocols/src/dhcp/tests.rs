//! DHCP against Wireshark, and messages built by the RFCs.

use super::*;
use crate::drive::{Piece, drive, without_places};
use crate::oracle::{self, Agreement};
use proptest::prelude::*;

const CLIENT: Direction = Direction::FromOriginator;
const SERVER: Direction = Direction::FromResponder;
const MAC: MacAddr = MacAddr([0x00, 0x40, 0x9d, 0x12, 0x34, 0x56]);

fn start() -> Start {
    Start {
        transport: Transport::Udp,
        from_start: true,
        ports: [68, 67],
    }
}

fn message(op: u8, yiaddr: [u8; 4], options: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; FIXED_LEN];
    bytes[..4].copy_from_slice(&[op, 1, 6, 0]);
    bytes[16..20].copy_from_slice(&yiaddr);
    bytes[28..34].copy_from_slice(&MAC.0);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(options);
    bytes.push(255);
    bytes
}

fn claims(bytes: &[u8]) -> Vec<(&'static str, String)> {
    let said = drive(&Dhcp, &start(), &[Piece::Bytes(CLIENT, bytes)]).said;
    said.into_iter()
        .map(|said| match said.meaning {
            Meaning::ClaimByMac {
                mac,
                attribute,
                value,
            } => {
                assert_eq!(mac, MAC);
                (attribute, value)
            }
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn a_request_names_its_sender() {
    let options = [
        &[53, 1, 3][..],
        b"\x0c\x05bed-7\x3c\x0cudhcp 1.30.1\x3d\x07\x01\x00\x40\x9d\x12\x34\x56",
        b"\x51\x11\x04\0\0\x05bed-7\x04ward\x02hc",
        &[55, 7, 1, 3, 6, 12, 15, 28, 42],
    ]
    .concat();
    assert_eq!(
        claims(&message(1, [0; 4], &options)),
        [
            ("dhcp_hostname", "bed-7".to_owned()),
            ("dhcp_vendor_class", "udhcp 1.30.1".to_owned()),
            ("dhcp_client_id", MAC.to_string()),
            ("fqdn", "bed-7.ward.hc".to_owned()),
            ("dhcp_parameters", "1,3,6,12,15,28,42".to_owned()),
            ("dhcp_stack", "busybox udhcpc".to_owned()),
        ]
    );
}

#[test]
fn an_operating_system_needs_its_vendor_class() {
    let list = [55, 11, 1, 15, 3, 6, 44, 46, 47, 31, 33, 249, 43];
    let os = |options: &[u8]| {
        let claims = claims(&message(1, [0; 4], options));
        claims
            .into_iter()
            .find(|(name, _)| *name == "os")
            .map(|(_, value)| value)
    };
    assert_eq!(os(&list), None);
    let with_class = [&list[..], b"\x3c\x08MSFT 5.0"].concat();
    assert_eq!(
        os(&with_class).as_deref(),
        Some("Windows XP or Server 2003")
    );
}

#[test]
fn printers_name_their_maker() {
    let class = b"\x3c\x20Mfg=Xerox;Typ=MFP;Mod=C7;Ser=A12";
    let claims = claims(&message(1, [0; 4], class));
    let values: Vec<_> = claims
        .iter()
        .map(|(n, v)| (*n, v.as_str()))
        .skip(1)
        .collect();
    assert_eq!(
        values,
        [("vendor", "Xerox"), ("model", "C7"), ("serial", "A12")]
    );
}

#[test]
fn an_acknowledgement_assigns_and_describes() {
    let options = [
        &[
            53, 1, 5, 54, 4, 10, 20, 0, 1, 1, 4, 255, 255, 254, 0, 51, 4, 0, 0, 14, 16,
        ][..],
        &[3, 4, 10, 20, 0, 1, 6, 8, 10, 20, 0, 2, 10, 20, 0, 3],
        b"\x52\x0c\x01\x04ge12\x02\x04sw-3",
    ]
    .concat();
    let bytes = message(2, [10, 20, 1, 7], &options);
    let said = drive(&Dhcp, &start(), &[Piece::Bytes(SERVER, &bytes)]).said;
    let [offer, assigned, network] = &said[..] else {
        panic!("{said:?}");
    };
    let ip = |last| IpAddr::from([10, 20, 0, last]);
    assert!(matches!(
        offer.meaning,
        Meaning::ServiceOffered { port: 67, .. }
    ));
    let expected = Meaning::AddressAssigned {
        mac: MAC,
        ip: IpAddr::from([10, 20, 1, 7]),
        how: Assignment::Leased,
    };
    assert_eq!(assigned.meaning, expected);
    assert!(
        assigned
            .attributes
            .contains(&("lease_seconds", "3600".into()))
    );
    assert!(
        assigned
            .attributes
            .contains(&("relay_circuit", "ge12".into()))
    );
    assert!(
        assigned
            .attributes
            .contains(&("relay_remote", "sw-3".into()))
    );
    let expected = Meaning::NetworkDescribed {
        prefix: Some((ip(0), 23)),
        routers: vec![ip(1)],
        name_servers: vec![ip(2), ip(3)],
    };
    assert_eq!(network.meaning, expected);
}

#[test]
fn a_relay_is_no_server_and_an_offer_no_lease() {
    let mut bytes = message(2, [10, 20, 1, 7], &[53, 1, 2]);
    bytes[24..28].copy_from_slice(&[10, 20, 0, 254]);
    let relayed = drive(&Dhcp, &start(), &[Piece::Bytes(SERVER, &bytes)]).said;
    assert!(relayed.is_empty(), "{relayed:?}");
    let to_relay = Start {
        ports: [67, 67],
        ..start()
    };
    let said = drive(&Dhcp, &to_relay, &[Piece::Bytes(SERVER, &bytes)]).said;
    assert_eq!(said.len(), 1);
}

#[test]
fn options_continue_in_file_and_sname_and_are_joined() {
    let mut bytes = message(1, [0; 4], &[53, 1, 1, 52, 1, 3, 12, 2, b'b', b'e']);
    bytes[108..116].copy_from_slice(&[12, 2, b'd', b'-', 60, 1, b'v', 255]);
    bytes[44..48].copy_from_slice(&[12, 1, b'9', 255]);
    let message = Message::read(&bytes).unwrap();
    assert_eq!(message.get(option::HOST_NAME), Some(&b"bed-9"[..]));
    assert_eq!(message.order, [53, 52, 12, 12, 60, 12]);
}

#[test]
fn bootp_without_options() {
    let bytes = &message(2, [10, 0, 0, 9], &[])[..FIXED_LEN];
    assert_eq!(probe_message(bytes), Probe::Maybe);
    let padded = [bytes, &[0; 64]].concat();
    assert_eq!(probe_message(&padded), Probe::Likely);
    let said = drive(&Dhcp, &start(), &[Piece::Bytes(SERVER, &padded)]).said;
    let lines = without_places(&said);
    assert!(
        lines.iter().any(|line| line.contains("AddressAssigned")),
        "{lines:?}"
    );
}

const FIELDS: [&str; 16] = [
    "dhcp.option.dhcp",
    "dhcp.id",
    "dhcp.hw.mac_addr",
    "dhcp.ip.client",
    "dhcp.ip.your",
    "dhcp.option.hostname",
    "dhcp.option.vendor_class_id",
    "dhcp.option.request_list_item",
    "dhcp.option.requested_ip_address",
    "dhcp.option.dhcp_server_id",
    "dhcp.option.router",
    "dhcp.option.domain_name",
    "dhcp.option.domain_name_server",
    "dhcp.option.ip_address_lease_time",
    "dhcp.fqdn.name",
    "dhcp.option.type",
];

fn field_of(message: &Message, field: &str) -> Vec<String> {
    let texts = |code| {
        let text = message.get(code).map(text::lenient);
        text.filter(|text| !text.is_empty()).into_iter().collect()
    };
    let address = |code| {
        message
            .address(code)
            .map(|ip| ip.to_string())
            .into_iter()
            .collect()
    };
    let addresses = |code| {
        message
            .addresses(code)
            .iter()
            .map(Ipv4Addr::to_string)
            .collect()
    };
    let data = |code| message.get(code).unwrap_or_default();
    match field {
        "dhcp.option.dhcp" => message
            .kind()
            .map(|kind| kind.to_string())
            .into_iter()
            .collect(),
        "dhcp.id" => vec![format!("0x{:08x}", message.xid)],
        "dhcp.hw.mac_addr" => {
            let id = client_id(data(option::CLIENT_ID));
            let id = Some(id).filter(|id| id.parse::<MacAddr>().is_ok());
            message
                .mac
                .map(|mac| mac.to_string())
                .into_iter()
                .chain(id)
                .collect()
        }
        "dhcp.ip.client" => vec![message.ciaddr.to_string()],
        "dhcp.ip.your" => vec![message.yiaddr.to_string()],
        "dhcp.option.hostname" => texts(option::HOST_NAME),
        "dhcp.option.vendor_class_id" => texts(option::VENDOR_CLASS),
        "dhcp.option.request_list_item" => {
            data(option::PARAMETERS).iter().map(u8::to_string).collect()
        }
        "dhcp.option.requested_ip_address" => address(option::REQUESTED_ADDRESS),
        "dhcp.option.dhcp_server_id" => address(option::SERVER_ID),
        "dhcp.option.router" => addresses(option::ROUTER),
        "dhcp.option.domain_name" => texts(option::DOMAIN_NAME),
        "dhcp.option.domain_name_server" => addresses(option::NAME_SERVER),
        "dhcp.option.ip_address_lease_time" => match *data(option::LEASE_TIME) {
            [a, b, c, d] => vec![u32::from_be_bytes([a, b, c, d]).to_string()],
            _ => Vec::new(),
        },
        "dhcp.fqdn.name" => Some(fqdn(data(option::CLIENT_FQDN)))
            .filter(|name| !name.is_empty())
            .into_iter()
            .collect(),
        "dhcp.option.type" => message.order.iter().map(u8::to_string).collect(),
        _ => Vec::new(),
    }
}

/// `cargo test -p auscult-protocols agrees_with_tshark -- --ignored --nocapture`
#[test]
#[ignore = "asks tshark about every capture, which takes minutes"]
fn agrees_with_tshark() {
    let mut agreement = Agreement::default();
    let mut certain = 0;
    let mut messages = 0;
    for capture in oracle::captures_with("dhcp") {
        let fields = [&["frame.number", "udp.payload"][..], &FIELDS].concat();
        for row in oracle::tshark(&capture, "dhcp && udp && !icmp", &fields) {
            let payload = row.bytes("udp.payload");
            messages += 1;
            certain += u32::from(probe_message(&payload) == Probe::Certain);
            let place = format!("{}#{}", oracle::name_of(&capture), row.one("frame.number"));
            let message = Message::read(&payload);
            for field in FIELDS {
                let ours = message
                    .as_ref()
                    .map_or_else(Vec::new, |m| field_of(m, field));
                // Padding and end are no options here.
                agreement.compare_without(&place, &row, field, ours, &["0", "255"]);
            }
        }
    }
    println!("probe: {certain} of {messages} messages certain");
    agreement.at_least("dhcp", 0.99);
}

proptest! {
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400), magic: bool) {
        let mut bytes = bytes;
        if let (true, Some(place)) = (magic, bytes.get_mut(FIXED_LEN..FIXED_LEN + 4)) {
            place.copy_from_slice(&MAGIC);
            bytes[0] = bytes[0] % 2 + 1;
        }
        drive(&Dhcp, &start(), &[Piece::Bytes(CLIENT, &bytes), Piece::Bytes(SERVER, &bytes)]);
    }

    #[test]
    fn probe_is_honest_and_final(
        bytes in proptest::collection::vec(any::<u8>(), 64..400),
        end: usize,
    ) {
        let whole = probe_message(&bytes);
        prop_assert!(whole < Probe::Likely);
        let short = probe_message(&bytes[..end % bytes.len()]);
        prop_assert!(short != Probe::No || whole == Probe::No);
    }
}
