//! NetBIOS datagram service against Wireshark and against what real machines announce.

use super::*;
use crate::netbios::tests::shown;
use crate::oracle::{self, Agreement};

/// What machines of others announced.
#[test]
fn real_machines() {
    oracle::golden(
        &Nbds,
        "nbdgm && udp && !icmp",
        &[
            (
                "captures/wireshark-wiki/b6300a.cap",
                &[
                    "netbios_comment = Chandra's cube",
                    "netbios_name = OKI-15E6BC",
                    "netbios_part = print-server",
                    "os = Windows 95 or NT 4.0",
                    "workgroup = WORKGROUP",
                ],
            ),
            (
                "captures/zeek/tunnels__Teredo.pcap",
                &[
                    "netbios_name = ESURNIR-LAPTOP",
                    "netbios_part = master-browser",
                    "netbios_part = print-server",
                    "os = Windows XP",
                    "workgroup = MSHOME",
                ],
            ),
            // Samba's version of Windows is made up.
            (
                "cases/monitor-onlink.pcap",
                &[
                    "netbios_comment = Zentrale",
                    "netbios_name = ZENTRALE",
                    "netbios_part = master-browser",
                    "netbios_part = nt-server",
                    "netbios_part = print-server",
                    "netbios_part = unix-server",
                    "workgroup = MONITORE",
                ],
            ),
        ],
    );
}

#[test]
fn a_prefix_may_become_one_and_others_do_not() {
    let mut bytes = vec![
        0x11, 0x1a, 0x80, 0x01, 10, 1, 1, 7, 0, 138, 0, 0, 0, 0, 0x20,
    ];
    bytes.extend_from_slice(&[b'C'; 32]);
    bytes.push(0);
    assert_eq!(probe_message(&bytes), Probe::Certain);
    for end in 0..47 {
        assert_eq!(probe_message(&bytes[..end]), Probe::Maybe, "{end}");
    }
    for (at, value) in [(0, 0x13), (0, 0x0f), (14, 0x1f), (20, b'Q'), (46, b'@')] {
        let mut other = bytes.clone();
        other[at] = value;
        assert_eq!(probe_message(&other), Probe::No, "{at}");
    }
}

const FIELDS: [&str; 9] = [
    "nbdgm.source_name",
    "nbdgm.destination_name",
    "browser.command",
    "browser.server",
    "browser.os_major",
    "browser.os_minor",
    "browser.server_type",
    "browser.comment",
    "browser.mb_server",
];

fn field_of(datagram: &Datagram<'_>, field: &str) -> Vec<String> {
    let browser = message(datagram.data);
    let announced = browser.and_then(Announcement::read);
    let of = |value: &dyn Fn(&Announcement<'_>) -> String| {
        let value = announced.as_ref().map(value);
        value
            .filter(|value| !value.is_empty())
            .into_iter()
            .collect()
    };
    match field {
        "nbdgm.source_name" => vec![shown(datagram.source)],
        "nbdgm.destination_name" => vec![shown(datagram.destination)],
        "browser.command" => browser
            .and_then(<[u8]>::first)
            .map(|command| format!("0x{command:02x}"))
            .into_iter()
            .collect(),
        "browser.server" => of(&|a| a.name.clone()),
        "browser.os_major" => of(&|a| a.system.0.to_string()),
        "browser.os_minor" => of(&|a| a.system.1.to_string()),
        "browser.server_type" => of(&|a| format!("0x{:08x}", a.kind)),
        "browser.comment"
            if announced
                .as_ref()
                .is_some_and(|a| a.command != command::DOMAIN) =>
        {
            of(&|a| text::lenient(a.comment))
        }
        "browser.mb_server"
            if announced
                .as_ref()
                .is_some_and(|a| a.command == command::DOMAIN) =>
        {
            of(&|a| text::lenient(a.comment))
        }
        _ => Vec::new(),
    }
}

/// `cargo test -p auscult-protocols agrees_with_tshark -- --ignored --nocapture`
#[test]
#[ignore = "asks tshark about every capture, which takes minutes"]
fn agrees_with_tshark() {
    let mut agreement = Agreement::default();
    let mut probed = [0u32; 2];
    let captures = oracle::captures_with("nbdgm");
    for capture in captures
        .iter()
        .filter(|capture| !oracle::is_damaged(capture))
    {
        let fields = [&["frame.number", "udp.payload"][..], &FIELDS].concat();
        for row in oracle::tshark(capture, "nbdgm && udp && !icmp", &fields) {
            let payload = row.bytes("udp.payload");
            let place = format!("{}#{}", oracle::name_of(capture), row.one("frame.number"));
            let datagram = Datagram::read(&payload);
            for field in FIELDS {
                let ours = datagram
                    .as_ref()
                    .map_or_else(Vec::new, |d| field_of(d, field));
                // Of other commands than announcements the name says no more than the source.
                if field == "browser.server" && ours.is_empty() {
                    continue;
                }
                agreement.compare(&place, &row, field, ours);
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
    agreement.at_least("nbds", 0.99);
}
