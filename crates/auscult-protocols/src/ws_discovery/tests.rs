//! WS-Discovery: a medical device, a camera, a printer, and near misses.

use super::*;
use crate::oracle::{self, Agreement, Row};

/// In the form that sdc11073 sends (MIT), with an invented device.
const HELLO: &str = "<?xml version='1.0' encoding='UTF-8'?>\
<s12:Envelope xmlns:s12=\"http://www.w3.org/2003/05/soap-envelope\" \
xmlns:wsa=\"http://www.w3.org/2005/08/addressing\" \
xmlns:wsd=\"http://docs.oasis-open.org/ws-dd/ns/discovery/2009/01\" \
xmlns:mdpws=\"http://standards.ieee.org/downloads/11073/11073-20702-2016\">\
<s12:Header><wsa:Action>http://docs.oasis-open.org/ws-dd/ns/discovery/2009/01/Hello\
</wsa:Action></s12:Header><s12:Body><wsd:Hello><wsa:EndpointReference>\
<wsa:Address>urn:uuid:00000000-1111-2222-3333-444444444444</wsa:Address>\
</wsa:EndpointReference><wsd:Types>dpws:Device mdpws:MedicalDevice</wsd:Types>\
<wsd:Scopes>sdc.ctxt.loc:/sdc.ctxt.loc.detail/HOSP1%2F%2F%2FCU1%2F%2FBed42?fac=HOSP1&amp;poc=CU1\
&amp;bed=Bed%2042 sdc.mds.pkp:1.2.840.10004.20701.1.1</wsd:Scopes>\
<wsd:XAddrs>https://10.1.1.7:6464/x</wsd:XAddrs></wsd:Hello></s12:Body></s12:Envelope>";

fn said(text: &str) -> Vec<String> {
    oracle::claims_of(&WsDiscovery, [3702, 3702], &[text.as_bytes()])
}

#[test]
fn medical_devices_tell_their_bed() {
    assert_eq!(
        said(HELLO),
        [
            "bed = Bed 42",
            "device_uuid = 00000000-1111-2222-3333-444444444444",
            "facility = HOSP1",
            "unit = CU1",
            "ws_discovery_address = https://10.1.1.7:6464/x",
            "ws_discovery_type = Device",
            "ws_discovery_type = MedicalDevice",
        ]
    );
    // A farewell, and a question, are of nobody.
    for other in ["Bye", "Probe"] {
        assert_eq!(
            said(&HELLO.replace("wsd:Hello>", &format!("wsd:{other}>"))),
            [""; 0]
        );
    }
    // Cut anywhere, it says less and nothing else.
    let whole = said(HELLO);
    for end in 0..HELLO.len() {
        let part = said(&HELLO[..end]);
        assert!(
            part.iter().all(|line| whole.contains(line)),
            "{end}: {part:?}"
        );
    }
}

#[test]
fn cameras_tell_their_hardware() {
    let answer = "<d:ProbeMatches><d:ProbeMatch><d:Types>dn:NetworkVideoTransmitter</d:Types>\
        <d:Scopes>onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/name/Door%20Cam \
        onvif://www.onvif.org/hardware/IC-9 onvif://www.onvif.org/location/</d:Scopes>\
        </d:ProbeMatch></d:ProbeMatches>";
    assert_eq!(
        said(answer),
        [
            "model = IC-9",
            "onvif_name = Door Cam",
            "ws_discovery_type = NetworkVideoTransmitter"
        ]
    );
}

#[test]
fn its_name_must_be_there() {
    assert_eq!(probe_message(HELLO.as_bytes()), Probe::Certain);
    assert_eq!(
        probe_message(b"<?xml version='1.0'?><s:Envelope"),
        Probe::Maybe
    );
    assert_eq!(probe_message(b"M-SEARCH * HTTP/1.1"), Probe::No);
    assert_eq!(
        probe_message(&[&b"<x>"[..], &[b' '; 3000]].concat()),
        Probe::No
    );
}

/// Elements that hold text, in messages of others.
const LEAVES: [&str; 10] = [
    "To",
    "Action",
    "MessageID",
    "RelatesTo",
    "Address",
    "Types",
    "Scopes",
    "XAddrs",
    "MetadataVersion",
    "InstanceId",
];

/// What tshark, which reads XML alone, finds of a device that announces itself or answers.
fn theirs(row: &Row) -> Vec<String> {
    let names = row.all("xml.tag").iter().map(|tag| {
        let tag = tag.trim_start_matches('<');
        let end = tag.find([' ', '>', '/']).unwrap_or(tag.len());
        tag[..end].rsplit(':').next().unwrap_or_default()
    });
    let names: Vec<&str> = names.collect();
    let is_of_device = |name: &&str| ["Hello", "ProbeMatch", "ResolveMatch"].contains(name);
    if !names.iter().any(is_of_device) {
        return Vec::new();
    }
    let leaves = names.iter().filter(|name| LEAVES.contains(name));
    let mut found = Vec::new();
    for (name, text) in leaves.zip(row.all("xml.cdata")) {
        let words = text.split_ascii_whitespace();
        let claimed = |attribute: &str, word: &str| format!("{attribute} = {word}");
        match *name {
            "Address" => found.extend(
                words
                    .filter_map(|word| word.strip_prefix("urn:uuid:"))
                    .map(|word| claimed("device_uuid", word)),
            ),
            "Types" => found.extend(words.map(|word| {
                claimed(
                    "ws_discovery_type",
                    word.rsplit(':').next().unwrap_or_default(),
                )
            })),
            "XAddrs" => found.extend(words.map(|word| claimed("ws_discovery_address", word))),
            _ => {}
        }
    }
    found.sort();
    found.dedup();
    found
}

/// `cargo test -p auscult-protocols ws_discovery::tests::agrees -- --ignored --nocapture`
#[test]
#[ignore = "asks tshark about several captures"]
fn agrees_with_tshark() {
    let mut agreement = Agreement::default();
    let fields = ["frame.number", "xml.tag", "xml.cdata", "udp.payload"];
    for name in ["ndpi/upnp.pcap", "formats/ip6_fragments.pcap"] {
        let Some(capture) = oracle::shared("captures").map(|folder| folder.join(name)) else {
            return;
        };
        let options = ["--enable-heuristic", "xml_udp"];
        let rows = oracle::tshark_with(&capture, "xml && udp.port == 3702", &fields, &options);
        for row in rows {
            let said = oracle::claims_of(&WsDiscovery, [3702, 3702], &[&row.bytes("udp.payload")]);
            let theirs = theirs(&row);
            for attribute in ["device_uuid", "ws_discovery_type", "ws_discovery_address"] {
                let of = |lines: &[String]| -> Vec<String> {
                    let lines = lines.iter().filter(|line| line.starts_with(attribute));
                    lines.cloned().collect()
                };
                let place = format!("{name}#{} {attribute}", row.frame());
                agreement.pair(&place, &of(&theirs), &of(&said));
            }
            // A message of no device must say nothing.
            if theirs.is_empty() {
                agreement.pair(
                    &format!("{name}#{}", row.frame()),
                    &["nothing".into()],
                    &[match said.is_empty() {
                        true => "nothing".to_owned(),
                        false => said.join(", "),
                    }],
                );
            }
        }
    }
    agreement.at_least("ws-discovery", 0.99);
}
