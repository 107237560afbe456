//! A report made by hand: two CMS8000 monitors, their station, an HL7 engine, hostile names,
//! an office. Everybody and everything in it is invented, but for the factory address.

use std::collections::BTreeMap;
use std::net::IpAddr;

use auscult_model::report::{
    Answer, ArtifactEntry, Capture, CapturePoint, Claim, Coverage, DataSet, Device, Evidence,
    Finding, Health, Incident, Isolation, Report, Role, Service, Severity, Site, Skipped, Step,
    TalksTo, Where, details::Value,
};
use auscult_model::{MacAddr, PhiKind, Segment, Timestamp};

/// Name that a prankster gave a printer: it clears the screen, turns text round, computes.
pub(crate) const HOSTILE: &str = "=cmd|' /C calc'!A0\x1b[2J\u{9b}31m\u{202e}gpj.exe\r\n\",x";

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Seconds after 2025-01-30T08:00:00Z.
fn at(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp::from_parts(1_738_224_000 + seconds, 0))
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

fn proof(packet: u64, note: &str, filter: &str) -> Evidence {
    Evidence {
        file: "ward.pcapng".to_owned(),
        packet,
        note: (!note.is_empty()).then(|| note.to_owned()),
        filter: (!filter.is_empty()).then(|| format!("frame.number == {packet} && {filter}")),
        at: None,
    }
}

/// What the first two findings tell together.
fn incidents() -> Vec<Incident> {
    let told = findings();
    let step = |finding: usize, seconds: i64| Step {
        finding: told[finding].id.clone(),
        evidence: Evidence {
            at: Some(Timestamp::from_parts(1_763_900_000 + seconds, 0)),
            ..proof(40 + finding as u64, "asks for /pm", "")
        },
    };
    vec![Incident {
        id: told[0].id.replacen("F-", "I-", 1),
        findings: told
            .iter()
            .take(2)
            .map(|finding| finding.id.clone())
            .collect(),
        devices: told[0].devices.clone(),
        peer: told[0].peer,
        first_seen: told[0].first_seen,
        last_seen: told[1].last_seen,
        timeline: vec![step(0, 3), step(1, 9)],
    }]
}

fn device(id: &str, role: Role, address: &str, confidence: f32) -> Device {
    Device {
        id: id.to_owned(),
        aliases: Vec::new(),
        role,
        vendor: None,
        model: None,
        serial: None,
        firmware: None,
        os: None,
        hostname: None,
        bed: None,
        unit: None,
        confidence,
        macs: Vec::new(),
        ips: vec![ip(address)],
        segments: vec![Segment::vlan(20)],
        first_seen: at(0),
        last_seen: at(13_320),
        inside: true,
        signature: None,
        labelled_as: None,
        isolation: Isolation::LocalOnly,
        services: Vec::new(),
        talks_to_total: 0,
        talks_to_inside: 0,
        talks_to_outside: 0,
        talks_to: Vec::new(),
        patient_data: Vec::new(),
        worst: None,
        claims: Vec::new(),
        bonds: Vec::new(),
    }
}

fn talk(peer: &str, place: Where, protocol: &str, port: u16, bytes: [u64; 2]) -> TalksTo {
    TalksTo {
        peer: ip(peer),
        name: None,
        device: None,
        place,
        protocol: protocol.to_owned(),
        port,
        direction: "out".into(),
        flows: 1,
        bytes,
        answered: bytes[1] > 0,
        owner: place.is_outside().then(|| OWNER.to_owned()),
        seen: None,
    }
}

const OWNER: &str = "AS4538 CERNET, data of 2026-06";

fn monitor(bed: &str, address: &str, last: u8) -> Device {
    let mac = MacAddr([0, 0x14, 0x2d, 0, 0, last]);
    let mut monitor = device(&format!("mac-{mac}"), Role::PatientMonitor, address, 0.97);
    monitor.aliases = vec![format!("addr-vlan20-{address}")];
    monitor.vendor = some("CONTEC");
    monitor.model = some("CMS8000 family");
    monitor.unit = some("ICU");
    monitor.bed = some(bed);
    monitor.macs = vec![mac];
    monitor.signature = some("contec-cms8000");
    monitor.labelled_as = some("EPSIMED MN-120");
    monitor.patient_data = vec![PhiKind::Name, PhiKind::BirthDate, PhiKind::VitalSigns];
    monitor.claims = vec![
        Claim {
            attribute: "model".to_owned(),
            value: "CMS8000 family".to_owned(),
            confidence: 0.97,
            source: "signature contec-cms8000".to_owned(),
            evidence: Vec::new(),
        },
        Claim {
            attribute: "bed".to_owned(),
            value: bed.to_owned(),
            confidence: 0.95,
            source: "contec-cms".to_owned(),
            evidence: vec![proof(10_412, "", ""), proof(10_418, "", "")],
        },
    ];
    monitor
}

fn devices() -> Vec<Device> {
    let mut seven = monitor("7", "10.20.4.7", 7);
    seven.isolation = Isolation::ReachesOutside;
    seven.worst = Some(Severity::Critical);
    seven.talks_to_total = 1;
    seven.talks_to = vec![
        talk(
            "202.114.4.119",
            Where::AnsweredFar,
            "contec-cms",
            515,
            [1_240_000, 88_200],
        ),
        talk(
            "202.114.4.119",
            Where::AnsweredFar,
            "nfs",
            2049,
            [2_392, 34_502],
        ),
    ];
    let mut nine = monitor("9", "10.20.4.9", 9);
    nine.worst = Some(Severity::High);
    nine.talks_to_total = 1;
    nine.talks_to = vec![talk(
        "10.20.0.5",
        Where::SameSegment,
        "contec-cms",
        515,
        [900_000, 7_000],
    )];
    let mut station = device(
        "mac-18:66:da:00:00:05",
        Role::CentralStation,
        "10.20.0.5",
        0.9,
    );
    station.macs = vec![MacAddr([0x18, 0x66, 0xda, 0, 0, 5])];
    station
        .ips
        .extend([ip("202.114.4.120"), ip("2001:db8:20::5")]);
    station.services = vec![Service {
        port: 515,
        transport: "tcp".to_owned(),
        protocol: "contec-cms".to_owned(),
    }];
    station.patient_data = vec![PhiKind::VitalSigns];
    station.worst = Some(Severity::Info);
    let mut engine = device(
        "addr-untagged-10.8.0.20",
        Role::InterfaceEngine,
        "10.8.0.20",
        0.72,
    );
    engine.segments = vec![Segment::UNTAGGED, Segment::vlan(30)];
    engine.patient_data = vec![PhiKind::Name];
    engine.worst = Some(Severity::High);
    engine.talks_to_total = 1;
    engine.talks_to = vec![talk(
        "159.0.2.10",
        Where::AnsweredFar,
        "hl7",
        6661,
        [420_000, 40_000],
    )];
    let mut stranger = device(
        "mac-00:04:a3:00:00:99",
        Role::Unknown,
        "2001:db8:20:30:40:50:60:70",
        0.0,
    );
    stranger.macs = vec![MacAddr([0, 4, 0xa3, 0, 0, 0x99])];
    stranger.claims = vec![Claim {
        attribute: "mac_vendor".to_owned(),
        value: "Microchip Technology Inc.".to_owned(),
        confidence: 0.3,
        source: "IEEE register".to_owned(),
        evidence: Vec::new(),
    }];
    let mut printer = device("mac-00:80:77:00:00:60", Role::Printer, "10.30.0.60", 0.8);
    printer.hostname = some(HOSTILE);
    let mut wide = device("addr-vlan30-10.30.0.61", Role::Camera, "10.30.0.61", 0.6);
    wide.hostname = some("病院監視カメラ第二病棟入口");
    let mut all = vec![seven, nine, engine, station, stranger, printer, wide];
    for number in 100..135 {
        let address = format!("10.30.0.{number}");
        let mut pc = device(
            &format!("addr-vlan30-{address}"),
            Role::Workstation,
            &address,
            0.6,
        );
        pc.hostname = Some(format!("pc-{number}"));
        pc.os = some("Windows 10");
        pc.segments = vec![Segment::vlan(30)];
        all.push(pc);
    }
    all
}

fn finding(id: &str, rule: &'static str, severity: Severity, title: &str) -> Finding {
    Finding {
        id: id.to_owned(),
        aliases: Vec::new(),
        rule: rule.into(),
        severity,
        reasons: Vec::new(),
        confidence: 0.95,
        title: title.to_owned(),
        seen: Vec::new(),
        impact: "Nothing to do at the bedside.".to_owned(),
        action: String::new(),
        director: None,
        innocent: None,
        devices: Vec::new(),
        peer: None,
        owner: None,
        attack: Vec::new(),
        cves: Vec::new(),
        first_seen: at(36_120),
        last_seen: at(38_460),
        count: 1,
        weakened_by_loss: false,
        decision: None,
        details: BTreeMap::new(),
        evidence: Vec::new(),
    }
}

const SEVEN: &str = "mac-00:14:2d:00:00:07";
const NINE: &str = "mac-00:14:2d:00:00:09";

fn leak() -> Finding {
    let filter = "ip.addr == 202.114.4.119 && tcp.port == 515";
    Finding {
        aliases: strings(&["F-aaaa0001"]),
        reasons: strings(&["patient data reached an address outside"]),
        seen: strings(&[
            "2025-01-30 18:02-18:41 UTC, 1 patient; name, number and birth date filled in.",
            "Answered from afar (241 ms).",
        ]),
        impact: "The bedside screen still works. Keep watching the patient there and call \
                 biomed to exchange this monitor."
            .to_owned(),
        action: "Block 202.114.4.0/24 both ways at the edge.".to_owned(),
        director: some("One patient's record reached a stranger: privacy officer today."),
        innocent: some("A VPN after this point would make it legitimate; none was seen."),
        devices: strings(&[SEVEN]),
        peer: Some(ip("202.114.4.119")),
        owner: some(OWNER),
        attack: vec!["T1048.003".into()],
        cves: vec!["CVE-2025-0683".into(), "ICSMA-25-030-01".into()],
        count: 100,
        details: BTreeMap::from([
            ("where".to_owned(), Value::Text("answered-far".to_owned())),
            (
                "phi_kinds".to_owned(),
                Value::List(strings(&["name", "birth-date"])),
            ),
            ("port".to_owned(), Value::Number(515)),
            ("sinkhole".to_owned(), Value::Switch(false)),
        ]),
        evidence: vec![
            proof(10_412, "a patient's identity", filter),
            proof(10_418, "a patient's measurements", filter),
            proof(10_420, "a patient's measurements", filter),
        ],
        ..finding(
            "F-3c81aaaa",
            "phi-cleartext-outside",
            Severity::Critical,
            "Patient data leaves the hospital",
        )
    }
}

fn findings() -> Vec<Finding> {
    let copied = Finding {
        seen: strings(&["\"monitor\" (ARM program, 1.2 MB, complete) by NFS from /pm."]),
        action: "Keep its power on for evidence; then unplug the LAN.".to_owned(),
        devices: strings(&[SEVEN]),
        peer: Some(ip("202.114.4.119")),
        owner: some(OWNER),
        cves: vec!["CVE-2025-0626".into()],
        evidence: vec![proof(20_311, "mount", ""), proof(20_340, "read", "")],
        ..finding(
            "F-91d0aaaa",
            "remote-code-share",
            Severity::Critical,
            "A monitor copied a program from an unknown server",
        )
    };
    let present = Finding {
        seen: strings(&["ICU-7, ICU-9. The label may read EPSIMED MN-120."]),
        action: "FDA: local monitoring only, or stop using.".to_owned(),
        devices: strings(&[SEVEN, NINE]),
        cves: vec![
            "CVE-2025-0626".into(),
            "CVE-2025-0683".into(),
            "CVE-2024-12248".into(),
            "CVE-2025-1204".into(),
        ],
        evidence: vec![proof(12, "speaks the protocol", "ip.addr == 10.20.4.9")],
        ..finding(
            "F-07aaaaaa",
            "advisory-device-present",
            Severity::High,
            "Two monitors speak the CMS8000 protocol",
        )
    };
    let lab = Finding {
        confidence: 0.75,
        weakened_by_loss: true,
        decision: None,
        seen: strings(&["212 messages, acknowledged."]),
        action: "Ask for the VPN; then add it as partner, or capture the WAN side.".to_owned(),
        innocent: some("A VPN after this point makes this normal. Not visible here."),
        devices: strings(&["addr-untagged-10.8.0.20"]),
        peer: Some(ip("159.0.2.10")),
        evidence: vec![proof(7, "", "ip.addr == 159.0.2.10 && tcp.port == 6661")],
        ..finding(
            "F-5512aaaa",
            "phi-cleartext-outside",
            Severity::High,
            "Lab messages go in clear towards a public address",
        )
    };
    let squatted = Finding {
        seen: strings(&["202.114.4.120 is answered on this segment (0.4 ms)."]),
        action: "Renumber it when you can.".to_owned(),
        devices: strings(&["mac-18:66:da:00:00:05"]),
        peer: Some(ip("202.114.4.120")),
        evidence: vec![proof(3, "", "arp")],
        ..finding(
            "F-2e07aaaa",
            "public-address-squatted",
            Severity::Info,
            "Central station uses an address that belongs to others",
        )
    };
    vec![leak(), copied, present, lab, squatted]
}

fn coverage() -> Vec<Coverage> {
    use Answer::{CannotTell, No, Yes};
    let answer =
        |id: &'static str, question: &'static str, answer, short: &str, next: Option<&str>| {
            Coverage {
                id: id.into(),
                question: question.into(),
                answer,
                because: "watched 222 min on vlan 20 and vlan 30, both directions".to_owned(),
                next: next.map(str::to_owned),
                short: short.to_owned(),
            }
        };
    vec![
        answer(
            "contec-cms8000-present",
            "CMS8000 family on the network?",
            Yes,
            "2: ICU-7 and ICU-9; others may be off",
            Some("compare with the asset register"),
        ),
        answer(
            "patient-data-leaves",
            "Does patient data leave?",
            Yes,
            "1 unit, answered from afar",
            None,
        ),
        answer(
            "code-fetched",
            "Was code fetched into a device?",
            No,
            "not in these 222 min (only on update)",
            Some("capture while a device is updated"),
        ),
        answer(
            "devices-reach-internet",
            "Can devices reach the Internet?",
            CannotTell,
            "no capture at the firewall",
            Some("take one inside the edge for a day"),
        ),
        answer(
            "remote-monitoring",
            "Who monitors remotely?",
            Yes,
            "1 station  10.20.0.5: ICU-9 depends on it",
            None,
        ),
        answer(
            "readings-true",
            "Are the readings true?",
            CannotTell,
            "not checked by this version",
            Some("compare the display with the patient"),
        ),
    ]
}

fn capture(file: &str, packets: u64, complete: bool) -> Capture {
    Capture {
        file: file.to_owned(),
        fingerprint: "4fc007c4b1f1bfaa28ccd65b89331872".to_owned(),
        sha256: None,
        packets,
        bytes: packets * 300,
        first: at(0),
        last: at(13_320),
        link_types: strings(&["ETHERNET"]),
        complete,
        stopped_at: (!complete).then(|| "packet 512: the file ends inside a record".to_owned()),
        point: CapturePoint::Access,
        clock_offset: None,
        comments: Vec::new(),
        names: Vec::new(),
        outside: None,
        overlaps: Vec::new(),
    }
}

/// Everything at once.
pub(crate) fn rich() -> Report {
    Report {
        skipped: vec![Skipped {
            file: "captures/notes.txt".to_owned(),
            why: "not a packet capture but text: give a .pcap or .pcapng file".to_owned(),
        }],
        schema: 1,
        auscult: "0.1.0".to_owned(),
        captures: vec![
            capture("ward.pcapng", 2_100_000, true),
            capture("night.pcap", 512, false),
        ],
        site: Site {
            networks: strings(&["192.0.2.0/24"]),
            squatted: vec![ip("202.114.4.120")],
            partners: strings(&["Regional laboratory"]),
        },
        coverage: coverage(),
        devices_total: 45,
        devices: devices(),
        findings: findings(),
        incidents: incidents(),
        findings_total: 0,
        artifacts_total: 2,
        artifacts: vec![
            ArtifactEntry {
                sha256: "78ce26823188968e875e8c035368dffef77411f5f3947f7d485fc27c024051c8"
                    .to_owned(),
                size: 1_203_116,
                kind: "ELF".to_owned(),
                signature: None,
                name: "monitor".to_owned(),
                protocol: "nfs".to_owned(),
                from: ip("202.114.4.119"),
                to: ip("10.20.4.7"),
                complete: true,
                evidence: vec![
                    proof(20_340, "first bytes", ""),
                    proof(20_977, "last bytes", ""),
                ],
            },
            ArtifactEntry {
                sha256: String::new(),
                size: 512,
                kind: "PostScript".to_owned(),
                signature: None,
                name: HOSTILE.to_owned(),
                protocol: "lpd".to_owned(),
                from: ip("10.30.0.100"),
                to: ip("10.30.0.60"),
                complete: false,
                evidence: vec![proof(155, "", "")],
            },
        ],
        data_sets: vec![DataSet {
            name: "oui-data".to_owned(),
            version: "2.1.9".to_owned(),
            date: "2026-08-26".to_owned(),
            licence: "BSD-2-Clause".to_owned(),
        }],
        health: Health {
            gaps: 3,
            gaps_upstream: 2,
            bytes_missing: 4_380,
            loss_ppm: 213,
            one_sided_flows: 4,
            limits: BTreeMap::from([("streams in a shard".to_owned(), 12)]),
            packets: 2_100_512,
            flows: 91_233,
            events: 40_211,
            ..Health::default()
        },
    }
}

/// The commonest result: nothing is wrong.
pub(crate) fn quiet() -> Report {
    let mut report = rich();
    report.findings.clear();
    report.captures.truncate(1);
    report.devices.drain(..4);
    report.devices.truncate(2);
    report.devices_total = 2;
    report.artifacts.clear();
    report.artifacts_total = 0;
    report.health = Health::default();
    for coverage in &mut report.coverage {
        if coverage.answer == Answer::Yes {
            coverage.answer = Answer::NotSeen;
            coverage.short = "not in these 222 min".to_owned();
        }
    }
    report
}

/// One device, one finding: small enough to read as JSON.
pub(crate) fn small() -> Report {
    let mut report = rich();
    report.captures.truncate(1);
    report.coverage.truncate(1);
    report.devices.truncate(1);
    report.devices_total = 1;
    report.findings.truncate(1);
    report.artifacts.truncate(1);
    report.artifacts_total = 1;
    report
}
