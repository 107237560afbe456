//! SSDP against Wireshark, and what real devices announce.

use super::*;
use crate::oracle::{self, Agreement};

const NOTIFY: &[u8] = b"NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nNTS: ssdp:alive\r\n\
    NT: urn:schemas-upnp-org:device:Printer:1\r\n\
    USN: uuid:00000000-1111-2222-3333-444444444444::urn:schemas-upnp-org:device:Printer:1\r\n\
    SERVER: Invented/1.0 UPnP/1.0 Jet/9\r\nLOCATION: http://10.1.1.7:80/d.xml\r\n\r\n";

#[test]
fn announcements_and_farewells() {
    let said = [
        "device_uuid = 00000000-1111-2222-3333-444444444444",
        "ssdp_server = Invented/1.0 UPnP/1.0 Jet/9",
        "ssdp_type = urn:schemas-upnp-org:device:Printer:1",
        "upnp_location = http://10.1.1.7:80/d.xml",
    ];
    assert_eq!(oracle::claims_of(&Ssdp, [1900, 1900], &[NOTIFY]), said);
    let text = String::from_utf8_lossy(NOTIFY).replace("ssdp:alive", "ssdp:byebye");
    assert_eq!(
        oracle::claims_of(&Ssdp, [1900, 1900], &[text.as_bytes()]),
        [""; 0]
    );
}

#[test]
fn start_lines() {
    assert_eq!(probe_message(NOTIFY), Probe::Certain);
    assert_eq!(probe_message(b"HTTP/1.1 200 OK"), Probe::Certain);
    assert_eq!(probe_message(b"NOTIFY * HTT"), Probe::Maybe);
    for near in [
        &b"NOTIFY sip:x SIP/2.0"[..],
        b"GET / HTTP/1.1",
        b"HTTP/2",
        b"\0",
    ] {
        assert_eq!(probe_message(near), Probe::No, "{near:?}");
    }
}

/// A terminal, a camera, a router of others.
#[test]
fn real_devices() {
    oracle::golden(
        &Ssdp,
        "ssdp && !icmp",
        &[
            (
                "captures/ics/addroute.pcapng",
                &[
                    "device_uuid = 887aeaef-a028-f2ac-0000-000000000000",
                    "ssdp_server = Microsoft-WinCE/6.00 UPnP/1.0 UPnP-Device-Host/1.0",
                    "ssdp_type = urn:schemas-upnp-org:device:Basic:1",
                    "upnp_location = http://192.168.1.8:5120/upnp/\
                     887aeaef-a028-f2ac-0000-000000000000.xml",
                ],
            ),
            (
                "captures/iot-sentinel/EdimaxCam1__Setup-A-4-STA.pcap",
                &[
                    "device_uuid = upnp-BasicDevice-1_0-74DA38807A08",
                    "ssdp_server = Embedded UPnP/1.0",
                    "ssdp_type = urn:schemas-upnp-org:device:Basic:1",
                    "upnp_location = http://10.10.10.51:80/IPCamDesc.xml",
                ],
            ),
            (
                "captures/wireshark/test.cap",
                &[
                    "device_uuid = upnp-InternetGatewayDevice-1_0-00095b2d759a",
                    "ssdp_server = NT/5.0 UPnP/1.0",
                    "ssdp_type = urn:schemas-upnp-org:device:InternetGatewayDevice:1",
                    "upnp_location = http://192.168.0.1:80/upnp/service/descrip.xml",
                ],
            ),
        ],
    );
}

const FIELDS: [&str; 5] = [
    "http.request.method",
    "http.response.code",
    "http.server",
    "http.location",
    "http.user_agent",
];

/// `cargo test -p auscult-protocols agrees_with_tshark -- --ignored --nocapture`
#[test]
#[ignore = "asks tshark about every capture, which takes minutes"]
fn agrees_with_tshark() {
    let mut agreement = Agreement::default();
    let mut probed = [0u32; 2];
    for capture in oracle::captures_with("ssdp") {
        let fields = [&["frame.number", "udp.payload"][..], &FIELDS].concat();
        for row in oracle::tshark(&capture, "ssdp && !icmp", &fields) {
            let payload = row.bytes("udp.payload");
            let place = format!("{}#{}", oracle::name_of(&capture), row.one("frame.number"));
            let head = Head::read(&payload, 200);
            for field in FIELDS {
                let ours = head.as_ref().and_then(|head| match (field, head.start) {
                    ("http.request.method", StartLine::Request(method, _)) => {
                        Some(text::lenient(method))
                    }
                    ("http.response.code", StartLine::Response(code)) => Some(code.to_string()),
                    ("http.server", _) => head.get("server").map(text::lenient),
                    ("http.location", _) => head.get("location").map(text::lenient),
                    ("http.user_agent", _) => head.get("user-agent").map(text::lenient),
                    _ => None,
                });
                agreement.compare(&place, &row, field, ours.into_iter().collect());
            }
            probed[0] += 1;
            probed[1] += u32::from(probe_message(&payload) == Probe::Certain);
        }
        let said = oracle::read_datagrams(&Ssdp, &capture, "ssdp && !icmp");
        println!(
            "{}: {:#?}",
            oracle::name_of(&capture),
            oracle::claimed(&said)
        );
    }
    println!("probe: {} of {} messages certain", probed[1], probed[0]);
    agreement.at_least("ssdp", 0.99);
}
