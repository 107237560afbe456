//! Messages in captures that nobody here made, as tshark finds them: each must look like its
//! protocol by itself. What a session of them says is held by the protocols' own tests.

use auscult_model::Transport;

use crate::oracle;
use crate::{ALL, Probe, Protocol, Seen};

/// Protocol, tshark's layer, which frames, and how many of a hundred must be told: messages inside
/// a
/// stream, of old versions and from fuzzers are among them.
const SEEN: &[(&str, &str, &str, usize)] = &[
    ("bacnet", "bvlc", "udp && bvlc", 90),
    ("bittorrent", "bittorrent", "bittorrent.protocol.name", 90),
    ("coap", "coap", "udp && coap.code <= 4 && coap.code > 0", 50),
    ("dnp3", "dnp3", "dnp3.start", 90),
    ("enip", "enip", "enip.command", 90),
    ("iec104", "iec60870_104", "iec60870_104.utype", 90),
    ("ike", "isakmp", "udp && isakmp", 90),
    ("kerberos", "kerberos", "udp && kerberos", 90),
    ("ldap", "ldap", "tcp && ldap.bindRequest_element", 90),
    ("modbus", "mbtcp", "mbtcp && modbus", 70),
    ("mqtt", "mqtt", "mqtt.msgtype == 1", 90),
    ("netflow", "cflow", "cflow", 90),
    ("opcua", "opcua", "opcua.transport.type == \"HEL\"", 90),
    (
        "quic",
        "quic",
        "udp && quic.header_form == 1 && quic.version",
        80,
    ),
    ("radius", "radius", "radius", 80),
    ("rtsp", "rtsp", "rtsp.request || rtsp.response", 90),
    ("s7", "s7comm", "s7comm", 90),
    (
        "sip",
        "sip",
        "udp && (sip.Request-Line || sip.Status-Line)",
        90,
    ),
    ("smb", "smb2", "tcp && smb2.cmd == 0", 90),
    ("smb", "smb", "tcp && smb.cmd == 0x72", 90),
    ("stun", "stun", "udp && stun.type", 80),
    (
        "tacacs",
        "tacplus",
        "tacplus.packet_len && tacplus.seqno == 1",
        90,
    ),
    (
        "vnc",
        "vnc",
        "vnc.server_proto_ver || vnc.client_proto_ver",
        90,
    ),
    ("wireguard", "wg", "wg.type <= 3", 90),
];

fn told(protocol: &dyn Protocol, transport: Transport, bytes: &[u8]) -> bool {
    // A stream's side that was not seen leaves everything open: here both must tell.
    let responder = match transport {
        Transport::Tcp => bytes,
        _ => &[],
    };
    let seen = Seen {
        transport,
        originator: bytes,
        responder,
        from_start: true,
    };
    protocol.probe(&seen) >= Probe::Likely
}

#[test]
#[ignore = "asks tshark about many captures, which takes minutes"]
fn messages_of_others_look_like_their_protocol() {
    let mut wrong = Vec::new();
    for (name, layer, filter, least) in SEEN {
        let protocol = ALL.iter().find(|one| one.record().name == *name);
        let protocol = protocol.expect("a protocol of the table");
        let (mut all, mut fits) = (0, 0);
        for capture in oracle::captures_with(layer) {
            let fields = ["udp.payload", "tcp.payload"];
            for row in oracle::tshark(&capture, filter, &fields) {
                let (transport, field) = match row.all("udp.payload").is_empty() {
                    true => (Transport::Tcp, "tcp.payload"),
                    false => (Transport::Udp, "udp.payload"),
                };
                let bytes = row.bytes(field);
                if bytes.is_empty() || !protocol.record().transports.contains(&transport) {
                    continue;
                }
                all += 1;
                fits += usize::from(told(*protocol, transport, &bytes));
            }
        }
        println!("{name} ({layer}): {fits} of {all}");
        if fits * 100 < all * least {
            wrong.push(format!("{name} ({layer}): {fits} of {all}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}
