//! The views of a hand-made report: goldens, widths, nothing hostile, the JSON contract.
//!
//! `UPDATE=1 cargo test -p auscult-report` accepts changed goldens.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod diff;
mod fixture;
mod schema;

use std::fs;
use std::path::{Path, PathBuf};

use auscult_model::report::Report;
use auscult_model::{Endpoint, FlowRecord, PacketRef, Segment, Timestamp, Transport};
use auscult_report::{Options, View};
use unicode_width::UnicodeWidthStr;

use fixture::{HOSTILE, quiet, rich, small};

const VIEWS: [View<'_>; 6] = [
    View::Analyze,
    View::Devices,
    View::Findings,
    View::Finding("F-3c81aaaa"),
    View::Device {
        id: "10.20.4.7",
        why: true,
    },
    View::Device {
        id: "mac-00:80:77:00:00:60",
        why: false,
    },
];

fn shown(report: &Report, options: &Options<'_>) -> String {
    let mut out = Vec::new();
    auscult_report::terminal(report, options, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn plain(report: &Report, view: View<'_>) -> String {
    shown(
        report,
        &Options {
            view,
            ..Options::default()
        },
    )
}

fn golden(name: &str, now: &str) {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/goldens")
        .join(name);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, now).unwrap();
        return;
    }
    let then = fs::read_to_string(&path).unwrap_or_default();
    let different = then
        .lines()
        .zip(now.lines())
        .position(|(then, now)| then != now);
    assert!(
        then == now,
        "{}: first difference in line {:?}; UPDATE=1 accepts\n{now}",
        path.display(),
        different.map(|line| line + 1)
    );
}

#[test]
fn views_read_as_agreed() {
    golden("analyze.txt", &plain(&rich(), View::Analyze));
    golden("quiet.txt", &plain(&quiet(), View::Analyze));
    golden("findings-quiet.txt", &plain(&quiet(), View::Findings));
    golden("finding.txt", &plain(&rich(), View::Finding("3C81AAAA")));
    golden(
        "device-why.txt",
        &plain(
            &rich(),
            View::Device {
                id: "10.20.4.7",
                why: true,
            },
        ),
    );
    let all = Options {
        all: true,
        ..Options::default()
    };
    golden("analyze-all.txt", &shown(&small(), &all));
    golden("small.json", &auscult_report::json(&small()).unwrap());
    golden("devices.csv", &auscult_report::csv_devices(&rich().devices));
    golden(
        "findings.csv",
        &auscult_report::csv_findings(&rich().findings),
    );
}

#[test]
fn no_line_is_wider_than_the_page() {
    for report in [rich(), quiet(), small()] {
        for view in VIEWS {
            for (width, all) in [(80, false), (80, true), (100, false), (132, true)] {
                let text = shown(
                    &report,
                    &Options {
                        width,
                        all,
                        view,
                        ..Options::default()
                    },
                );
                for line in text.lines() {
                    assert!(line.width() <= width, "{view:?} {width}: {line}");
                    assert!(
                        !line.ends_with(' '),
                        "{view:?}: blank at the end of {line:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn colour_changes_nothing_but_colour() {
    for view in VIEWS {
        let options = Options {
            color: true,
            view,
            ..Options::default()
        };
        let colored = shown(&rich(), &options);
        let mut stripped = colored.clone();
        for code in ["1;31", "31", "33", "36", "2", "0"] {
            stripped = stripped.replace(&format!("\x1b[{code}m"), "");
        }
        assert_eq!(stripped, plain(&rich(), view));
    }
    assert!(
        shown(
            &rich(),
            &Options {
                color: true,
                ..Options::default()
            }
        )
        .contains("\x1b[1;31m")
    );
}

#[test]
fn nothing_from_traffic_acts_on_the_terminal() {
    let mut texts: Vec<String> = VIEWS.iter().map(|view| plain(&rich(), *view)).collect();
    texts.push(shown(
        &rich(),
        &Options {
            all: true,
            ..Options::default()
        },
    ));
    texts.push(auscult_report::json(&rich()).unwrap());
    texts.push(auscult_report::csv_devices(&rich().devices).replace('\r', ""));
    let mut met = 0;
    for text in texts {
        met += usize::from(text.contains("gpj.exe"));
        let acting = text.chars().find(|c| {
            *c != '\n' && (c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{200f}'))
        });
        assert_eq!(acting, None, "{text}");
    }
    assert!(met >= 4, "the hostile name is shown, made harmless");
    let value: serde_json::Value =
        serde_json::from_str(&auscult_report::json(&rich()).unwrap()).unwrap();
    assert_eq!(
        value["artifacts"][1]["name"], HOSTILE,
        "JSON keeps the value"
    );
}

#[test]
fn thirty_devices_are_shown_unless_all_are_asked_for() {
    let report = rich();
    let shown_of = |all| {
        let options = Options {
            all,
            view: View::Devices,
            ..Options::default()
        };
        let text = shown(&report, &options);
        report
            .devices
            .iter()
            .filter(|d| text.contains(&format!(" {} ", d.ips[0])))
            .count()
    };
    // The addresses of three devices are their names: no blank stands before those.
    assert_eq!(
        (shown_of(false), shown_of(true)),
        (30 - 3, report.devices.len() - 3)
    );
}

/// Records of RFC 4180, read strictly.
fn records(csv: &str) -> Vec<Vec<String>> {
    let mut records = Vec::new();
    let mut chars = csv.chars().peekable();
    let (mut record, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    while let Some(c) = chars.next() {
        match (quoted, c) {
            (true, '"') if chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            (true, '"') => quoted = false,
            (true, c) => cell.push(c),
            (false, '"') => {
                assert!(cell.is_empty(), "a quote inside a bare cell");
                quoted = true;
            }
            (false, ',') => record.push(std::mem::take(&mut cell)),
            (false, '\r') => {
                assert_eq!(chars.next(), Some('\n'));
                record.push(std::mem::take(&mut cell));
                records.push(std::mem::take(&mut record));
            }
            (false, c) => cell.push(c),
        }
    }
    assert!(
        record.is_empty() && cell.is_empty() && !quoted,
        "the last record ends"
    );
    records
}

#[test]
fn csv_is_safe_and_whole() {
    let report = rich();
    let devices = records(&auscult_report::csv_devices(&report.devices));
    assert_eq!(devices.len(), 1 + report.devices.len());
    let findings = records(&auscult_report::csv_findings(&report.findings));
    assert_eq!(findings.len(), 1 + report.findings.len());
    for table in [&devices, &findings] {
        for record in table {
            assert_eq!(record.len(), table[0].len());
            for cell in record {
                assert!(
                    !cell.starts_with(['=', '+', '-', '@', '\t', '\r']),
                    "{cell}"
                );
            }
        }
    }
    let host = devices[0]
        .iter()
        .position(|name| name == "hostname")
        .unwrap();
    let hostile = devices
        .iter()
        .find(|record| record[0] == "mac-00:80:77:00:00:60")
        .unwrap();
    assert!(
        hostile[host].starts_with("'=cmd|' /C calc'!A0"),
        "{}",
        hostile[host]
    );
    assert!(hostile[host].ends_with("\",x"), "quotes and commas survive");
}

fn flow() -> FlowRecord {
    let end = |ip: &str, port| Endpoint {
        segment: Segment::vlan(20),
        mac: None,
        ip: ip.parse().unwrap(),
        port,
    };
    FlowRecord {
        id: 7,
        first: Timestamp::from_parts(1_738_260_000, 5_000_000),
        last: Timestamp::from_parts(1_738_260_002, 0),
        transport: Transport::Tcp,
        originator: end("10.20.4.7", 1025),
        responder: end("2001:db8::1", 515),
        protocol: "contec-cms",
        protocol_confidence: 0.99,
        packets: [26, 35],
        bytes: [2392, 34_502],
        history: "ShDdFf".to_owned(),
        community_id: "1:gTyy6zHuUkE6uY2EBGOF/SWaDGE=".to_owned(),
        server_name: Some("=evil\u{9b}.example".to_owned()),
        first_packet: PacketRef::default(),
    }
}

#[test]
fn flows_keep_the_contract() {
    let line = auscult_report::flow_line(&flow()).unwrap();
    assert_eq!(
        line,
        "{\"id\":7,\"first\":\"2025-01-30T18:00:00.005Z\",\"last\":\"2025-01-30T18:00:02Z\",\
         \"transport\":\"tcp\",\"originator\":{\"ip\":\"10.20.4.7\",\"port\":1025},\
         \"responder\":{\"ip\":\"2001:db8::1\",\"port\":515},\"segment\":\"vlan 20\",\
         \"protocol\":\"contec-cms\",\"protocol_confidence\":0.99,\"packets\":[26,35],\
         \"bytes\":[2392,34502],\"history\":\"ShDdFf\",\
         \"community_id\":\"1:gTyy6zHuUkE6uY2EBGOF/SWaDGE=\",\
         \"server_name\":\"=evil\\u009b.example\"}"
    );
    let csv = records(&(auscult_report::flow_csv(None) + &auscult_report::flow_csv(Some(&flow()))));
    assert_eq!(csv[0].len(), csv[1].len());
    assert_eq!(csv[1].last().unwrap(), "'=evil?.example");
    let text = auscult_report::flow_text(Some(&flow()));
    assert!(
        text.starts_with("01-30 18:00:00  contec-cms  10.20.4.7:1025"),
        "{text}"
    );
    assert!(text.contains("[2001:db8::1]:515"), "{text}");
}

#[test]
fn parts_have_the_shape_of_the_whole() {
    use auscult_report::Part;
    let report = rich();
    let whole: serde_json::Value =
        serde_json::from_str(&auscult_report::json(&report).unwrap()).unwrap();
    let part = |part| -> serde_json::Value {
        serde_json::from_str(&auscult_report::json_part(&report, part).unwrap()).unwrap()
    };
    assert!(part(Part::Devices)["devices"] == whole["devices"]);
    assert!(part(Part::Findings)["findings"] == whole["findings"]);
    let seven = part(Part::Device("addr-vlan20-10.20.4.7"));
    assert!(seven["devices"][0] == whole["devices"][0]);
    assert_eq!(seven["findings"].as_array().unwrap().len(), 3);
    let leak = part(Part::Finding("F-aaaa0001"));
    assert!(leak["findings"][0] == whole["findings"][0]);
    assert_eq!(leak["devices"][0]["id"], "mac-00:14:2d:00:00:07");
}
