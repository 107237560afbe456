//! Tests on the frames that public gateways hold, and under the laws.

use auscult_model::{Direction, Transport};
use proptest::prelude::*;

use super::VistaCms;
use crate::contec_cms::ContecCms;
use crate::cuts::{self, assert_same, assert_subset};
use crate::drive::{Driven, Piece, drive, without_places};
use crate::{Probe, Protocol, Seen, Start};

const TO: Direction = Direction::FromOriginator;
const BACK: Direction = Direction::FromResponder;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter_map(|c| c.to_digit(16))
        .map(|digit| digit as u8)
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

/// As sent by a Vista 120.
fn nibp() -> Vec<u8> {
    hex("1c 00 01 12 0c 00 56 00 75 00 46 00 6e 00 3c 00 02 00 a0 00 5a 00 02 00 5a 00 32 00 02 00")
}

/// As sent by a Vista 120 up to the first limits, the others being those of the same frames.
fn temperatures() -> Vec<u8> {
    hex(
        "22 00 01 12 0e 00 00 00 10 42 00 00 14 42 00 00 80 3f 86 01 68 01 02 00
         86 01 68 01 02 00 14 00 00 00 02 00",
    )
}

/// As sent by a central station.
fn greeting() -> Vec<u8> {
    hex("10 00 02 00 00 00 d5 a9 d9 07 08 0e 11 3b 26 05")
}

const MONITOR_HELLO: &str = "f8 8f 01 0d 00 a4 a5 a5 a5 a4 a5 a1 ee";
const CENTRAL_HELLO: &str = "f8 8f 02 0d 00 a4 a5 a5 a5 a4 a5 a1 ed";

/// Head and tail as broadcast, zeros where nothing is known.
fn beacon() -> Vec<u8> {
    let mut beacon = hex(
        "7e 00 30 02 00 00 6a f9 e2 07 04 07 01 05 0c 06 43 4d 53 00 00 00 00 00
                          48 4f 53 50 49 54 41 4c 00 00 00 00 00 00 00 00 08 00 00 00 0f 00 00 00",
    );
    beacon.resize(88, 0);
    beacon.extend(hex("1c 25 00 00 00 00 c0 a8 64 0b c0 a8 02 9f"));
    beacon.resize(126, 0);
    beacon
}

fn frame(class: u8, kind: u16, body: &[u8]) -> Vec<u8> {
    let mut frame = (body.len() as u16 + 4).to_le_bytes().to_vec();
    frame.extend([1, class]);
    frame.extend(kind.to_le_bytes());
    frame.extend(body);
    frame
}

fn words(values: &[u16]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

/// A curve that moves.
fn curve(length: usize) -> Vec<u8> {
    (0..length).map(|i| 90 + (i % 50) as u8).collect()
}

fn ecg() -> Vec<u8> {
    let mut body = curve(640);
    body.extend(words(&[72, 14]));
    body.extend([0.1_f32, -1000.0].iter().flat_map(|st| st.to_le_bytes()));
    body.extend(words(&[
        1, 2, 120, 50, 2, 30, 8, 2, 2000, 63_536, 2, 2000, 63_536, 2,
    ]));
    frame(0x12, 0x0a, &body)
}

fn spo2() -> Vec<u8> {
    let mut body = curve(256);
    body.extend(words(&[98, 71, 100, 90, 2, 120, 50, 2]));
    frame(0x12, 0x0d, &body)
}

fn stream() -> Vec<u8> {
    [
        frame(0x12, 0x01, &[0; 4]),
        ecg(),
        frame(0x1f, 0x05, &[7; 36]),
        spo2(),
        nibp(),
        temperatures(),
        frame(0x12, 0x20, &[80; 312]),
        frame(0x12, 0x2b, &[0; 172]),
        nibp(),
        ecg(),
    ]
    .concat()
}

fn run_on(transport: Transport, pieces: &[Piece<'_>], from_start: bool) -> Driven {
    let start = Start {
        transport,
        from_start,
        ports: [40_000, 9500],
    };
    drive(&VistaCms, &start, pieces)
}

fn run(pieces: &[Piece<'_>], from_start: bool) -> Driven {
    run_on(Transport::Tcp, pieces, from_start)
}

fn seen<'a>(transport: Transport, originator: &'a [u8], responder: &'a [u8]) -> Seen<'a> {
    Seen {
        transport,
        originator,
        responder,
        from_start: true,
    }
}

fn probe_tcp(bytes: &[u8]) -> Probe {
    VistaCms.probe(&seen(Transport::Tcp, bytes, &[]))
}

#[test]
fn beacon_of_a_central() {
    let beacon = beacon();
    let driven = run_on(Transport::Udp, &[Piece::Bytes(TO, &beacon)], true);
    let claim = |attribute: &str, value: &str| {
        format!(
            "FromOriginator 1.00 Claim {{ about: Sender, attribute: \"{attribute}\", value: \
             \"{value}\" }} {{}}"
        )
    };
    let service = "FromOriginator 1.00 ServiceOffered { about: Sender, transport: Tcp, port: \
                   9500, protocol: \"vista-cms\" } {\"central\": \"192.168.100.11\"}";
    assert_eq!(
        without_places(&driven.said),
        [
            claim("vista_site", "HOSPITAL"),
            claim("vista_cms_role", "central-station"),
            service.to_owned(),
        ]
    );
    let probe = |datagram: &[u8]| VistaCms.probe(&seen(Transport::Udp, datagram, &[]));
    assert_eq!(probe(&beacon), Probe::Certain);
    assert_eq!(probe(&beacon[..125]), Probe::No);
    let changed = |at: usize, octet: u8| {
        let mut beacon = beacon.clone();
        beacon[at] = octet;
        beacon
    };
    // 2018-04-07 was a Saturday.
    assert_eq!(probe(&changed(15, 5)), Probe::Likely);
    assert_eq!(probe(&changed(10, 13)), Probe::No);
    assert_eq!(probe(&changed(3, 3)), Probe::No);
    // A Tuesday, a leap day on a Saturday, a Thursday.
    for date in [
        [0xe3, 7, 7, 9, 1, 5, 12, 2],
        [0xe4, 7, 2, 29, 0, 0, 0, 6],
        [0xea, 7, 1, 1, 0, 0, 0, 4],
    ] {
        let mut other = beacon.clone();
        other[8..16].copy_from_slice(&date);
        assert_eq!(probe(&other), Probe::Certain, "{date:?}");
    }
}

#[test]
fn greeting_and_telemetry() {
    let (greeting, frames) = (greeting(), [nibp(), temperatures()].concat());
    let driven = run(
        &[Piece::Bytes(BACK, &greeting), Piece::Bytes(TO, &frames)],
        true,
    );
    let roles = |sender: &str, one: &str, other: &str| {
        [("patient-monitor", one), ("central-station", other)].map(|(role, about)| {
            format!(
                "{sender} 1.00 Claim {{ about: {about}, attribute: \"vista_cms_role\", value: \
                 \"{role}\" }} {{\"generation\": \"clear\"}}"
            )
        })
    };
    let service = |sender: &str, about: &str| {
        format!(
            "{sender} 1.00 ServiceOffered {{ about: {about}, transport: Tcp, port: 9500, \
             protocol: \"vista-cms\" }} {{}}"
        )
    };
    let measured =
        "FromOriginator 1.00 PatientData [VitalSigns] [] 0 bytes, patient known: false {}";
    let limits = |text: &str| {
        format!(
            "FromOriginator 1.00 Claim {{ about: Sender, attribute: \"alarm_limits\", value: \
             \"{text}\" }} {{}}"
        )
    };
    let mut expected = roles("FromResponder", "Receiver", "Sender").to_vec();
    expected.push(service("FromResponder", "Sender"));
    expected.extend(roles("FromOriginator", "Sender", "Receiver"));
    expected.push(service("FromOriginator", "Receiver"));
    expected.push(measured.to_owned());
    expected.push(limits(
        "nibp-map 110/60/2, nibp-sys 160/90/2, nibp-dia 90/50/2",
    ));
    expected.push(measured.to_owned());
    expected.push(limits("t1 39/36/2, t2 39/36/2, td 2/0/2"));
    assert_eq!(without_places(&driven.said), expected);
    assert_eq!(
        driven.samples,
        [
            "nibp-map 86.00 mmHg",
            "nibp-sys 117.00 mmHg",
            "nibp-dia 70.00 mmHg",
            "nibp-map-limit-high 110.00 mmHg",
            "nibp-map-limit-low 60.00 mmHg",
            "nibp-sys-limit-high 160.00 mmHg",
            "nibp-sys-limit-low 90.00 mmHg",
            "nibp-dia-limit-high 90.00 mmHg",
            "nibp-dia-limit-low 50.00 mmHg",
            "t1 36.00 Cel",
            "t2 37.00 Cel",
            "td 1.00 Cel",
            "t1-limit-high 39.00 Cel",
            "t1-limit-low 36.00 Cel",
            "t2-limit-high 39.00 Cel",
            "t2-limit-low 36.00 Cel",
            "td-limit-high 2.00 Cel",
            "td-limit-low 0.00 Cel",
        ]
    );
}

#[test]
fn rates_and_waves() {
    let driven = run(&[Piece::Bytes(TO, &[ecg(), spo2()].concat())], true);
    let numbers: Vec<_> = driven
        .samples
        .iter()
        .filter(|line| !line.contains('['))
        .map(String::as_str)
        .collect();
    assert_eq!(
        numbers,
        [
            "heart-rate 72.00 /min",
            "respiratory-rate 14.00 /min",
            "heart-rate-limit-high 120.00 /min",
            "heart-rate-limit-low 50.00 /min",
            "respiratory-rate-limit-high 30.00 /min",
            "respiratory-rate-limit-low 8.00 /min",
            "spo2 98.00 %",
            "pulse-rate 71.00 /min",
            "spo2-limit-high 100.00 %",
            "spo2-limit-low 90.00 %",
            "pulse-rate-limit-high 120.00 /min",
            "pulse-rate-limit-low 50.00 /min",
        ]
    );
    let waves: Vec<_> = driven
        .samples
        .iter()
        .filter(|line| line.contains('['))
        .map(|line| (line.split(' ').next(), line.split(',').count()))
        .collect();
    let expected = [("ecg1", 256), ("ecg2", 256), ("resp", 128), ("pleth", 256)];
    assert_eq!(
        waves,
        expected.map(|(channel, count)| (Some(channel), count))
    );
    let measured = without_places(&driven.said);
    let waves = measured
        .iter()
        .filter(|line| line.contains("[VitalSigns, Waveform]"));
    assert_eq!(waves.count(), 2);
}

/// Pressures and limits are repeated by the monitor, and said when they change.
#[test]
fn repeats_are_said_once() {
    let mut limits = nibp();
    limits[12] = 0x70;
    let bytes = [nibp(), nibp(), limits.clone(), limits].concat();
    let driven = run(&[Piece::Bytes(TO, &bytes)], true);
    let said = without_places(&driven.said);
    let count = |what: &str| said.iter().filter(|line| line.contains(what)).count();
    assert_eq!(count("PatientData"), 1, "{said:?}");
    assert_eq!(count("alarm_limits"), 2, "{said:?}");
}

/// No measurement is no patient data.
#[test]
fn idle_monitor() {
    let none = (-1000.0_f32).to_le_bytes();
    let mut cold = temperatures();
    for at in [6, 10, 14] {
        cold[at..at + 4].copy_from_slice(&none);
    }
    let mut still = ecg();
    still[6..646].fill(127);
    still[646..650].fill(0xff);
    let mut no_cuff = nibp();
    no_cuff[6..12].fill(0);
    let driven = run(&[Piece::Bytes(TO, &[cold, still, no_cuff].concat())], true);
    let said = without_places(&driven.said);
    assert!(
        said.iter().any(|line| line.contains("patient-monitor")),
        "{said:?}"
    );
    assert!(
        said.iter().all(|line| !line.contains("PatientData")),
        "{said:?}"
    );
}

#[test]
fn masked_generation_tells_who_is_who() {
    let (monitor, central) = (hex(MONITOR_HELLO), hex(CENTRAL_HELLO));
    assert_eq!(probe_tcp(&monitor), Probe::Certain);
    assert_eq!(probe_tcp(&central), Probe::Certain);
    assert_eq!(probe_tcp(&monitor[..12]), Probe::Maybe);
    let mut wrong_sum = monitor.clone();
    wrong_sum[12] ^= 1;
    assert_eq!(probe_tcp(&wrong_sum), Probe::No);
    for (at, octet) in [(2, 7), (3, 11), (8, 0xa6), (9, 0x55), (10, 0xa4)] {
        let mut bad = monitor.clone();
        bad[at] = octet;
        bad[12] = bad[..12].iter().fold(0_u8, |sum, &b| sum.wrapping_sub(b));
        assert_eq!(probe_tcp(&bad), Probe::No, "{at}");
    }
    let driven = run(
        &[Piece::Bytes(TO, &monitor), Piece::Bytes(BACK, &central)],
        true,
    );
    let said = without_places(&driven.said);
    assert_eq!(said.len(), 6);
    assert!(said[0].starts_with("FromOriginator 1.00 Claim { about: Sender"));
    assert!(said[0].ends_with(r#"value: "patient-monitor" } {"generation": "encrypted"}"#));
    assert!(
        said[5].contains("about: Sender, transport: Tcp, port: 9500"),
        "{said:?}"
    );
    // A frame with a key, as long as the one that was seen, and two in the middle of a stream.
    let mut key = hex("f8 8f 03 98 00 a7 a5 a5 a5 29 a5");
    key.resize(151, 0x5a);
    key.push(key.iter().fold(0_u8, |sum, &b| sum.wrapping_sub(b)));
    assert_eq!(probe_tcp(&key), Probe::Likely);
    assert_eq!(
        probe_tcp(&[key.clone(), key.clone()].concat()),
        Probe::Certain
    );
    let mut damaged = key.clone();
    damaged[20] ^= 1;
    let middle = [b"xxxxx".to_vec(), damaged, key.clone(), key].concat();
    let driven = run(&[Piece::Bytes(BACK, &middle)], false);
    let said = without_places(&driven.said);
    assert!(
        said[1].starts_with("FromResponder 0.90 Claim { about: Sender"),
        "{said:?}"
    );
}

#[test]
fn probe_grades() {
    let stream = stream();
    for (length, expected) in [
        (5, Probe::Maybe),
        (40, Probe::Maybe),
        (stream.len(), Probe::Certain),
    ] {
        assert_eq!(probe_tcp(&stream[..length]), expected, "{length}");
    }
    assert_eq!(probe_tcp(&nibp()), Probe::Likely);
    assert_eq!(
        probe_tcp(&[nibp(), temperatures()].concat()),
        Probe::Certain
    );
    assert_eq!(probe_tcp(&greeting()), Probe::Certain);
    assert_eq!(probe_tcp(&greeting()[..10]), Probe::Maybe);
    let mut thursday = greeting();
    thursday[15] = 4;
    assert_eq!(probe_tcp(&thursday), Probe::Likely);
    for (at, octet) in [(1, 0xff), (2, 5), (3, 0x13), (5, 1)] {
        let mut bad = nibp();
        bad[at] = octet;
        assert_eq!(probe_tcp(&bad), Probe::No, "{at}");
    }
    let unknown = frame(0x12, 0x44, &[1; 9]);
    assert_eq!(probe_tcp(&unknown.repeat(2)), Probe::Maybe);
    assert_eq!(probe_tcp(&unknown.repeat(3)), Probe::Certain);
    let central_first = VistaCms.probe(&seen(Transport::Tcp, &[], &greeting()));
    assert_eq!(central_first, Probe::Certain);
    let mut middle = seen(Transport::Tcp, &stream[100..], &[]);
    middle.from_start = false;
    assert_eq!(VistaCms.probe(&middle), Probe::Certain);
    middle.originator = &[0x12; 5000];
    assert_eq!(VistaCms.probe(&middle), Probe::No);
}

/// Neither takes the other's stream for its own, nor another user of the port.
#[test]
fn siblings_are_told_apart() {
    let contec = hex(
        "25 00 05 46 00 00 16 00 ea 07 03 0e 09 1a 35 79 00 4e 00 5c 00 a0 00 5a 00
                      02 00 5a 00 32 00 02 00 6e 00 3c 00 02 00 02 00 05 47",
    );
    assert_eq!(
        ContecCms.probe(&seen(Transport::Tcp, &contec, &[])),
        Probe::Certain
    );
    assert_eq!(probe_tcp(&contec), Probe::No);
    for own in [stream(), greeting(), hex(MONITOR_HELLO), nibp()] {
        assert_eq!(ContecCms.probe(&seen(Transport::Tcp, &own, &[])), Probe::No);
        assert_ne!(probe_tcp(&own), Probe::No);
    }
    for fins in [
        "46 49 4e 53 00 00 00 0c 00 00 00 00 00 00 00 00 00 00 00 00",
        "80 00 02 00 01 00 00 02 00 00 01 01 82 00 00 00 00 01",
    ] {
        assert_eq!(probe_tcp(&hex(fins)), Probe::No);
        assert_eq!(
            VistaCms.probe(&seen(Transport::Udp, &hex(fins), &[])),
            Probe::No
        );
    }
    for other in [
        b"GET / HTTP/1.1\r\n".as_slice(),
        b"220 ready\r\n",
        b"\x16\x03\x01\x02\x00\x01",
    ] {
        assert_eq!(probe_tcp(other), Probe::No);
    }
}

#[test]
fn random_inputs_are_refused() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut input = [0_u8; 64];
    for _ in 0..300_000 {
        for octet in &mut input {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *octet = state as u8;
        }
        assert_eq!(probe_tcp(&input), Probe::No, "{input:02x?}");
    }
}

#[test]
fn answers_are_final() {
    for bytes in [stream(), hex(MONITOR_HELLO), greeting(), vec![0x12; 4200]] {
        for from_start in [true, false] {
            let mut last = Probe::Maybe;
            for length in 0..=bytes.len().min(1200) {
                let mut seen = seen(Transport::Tcp, &bytes[..length], &[]);
                seen.from_start = from_start;
                let probe = VistaCms.probe(&seen);
                assert!(
                    !matches!(last, Probe::No | Probe::Certain) || probe == last,
                    "{length}"
                );
                last = probe;
            }
        }
    }
}

#[test]
fn cuts_change_nothing() {
    let stream = stream();
    for from in [0, 5] {
        let bytes = &stream[from..];
        cuts::change_nothing(TO, bytes, &[1, 3, 536], |pieces| run(pieces, from == 0));
    }
}

#[test]
fn gaps_only_take_away() {
    let stream = [stream(), stream()].concat();
    let whole = run(&[Piece::Bytes(TO, &stream)], true);
    for lost in [1, 41, 700] {
        for at in 0..stream.len() - lost {
            let pieces = [
                Piece::Bytes(TO, &stream[..at]),
                Piece::Gap(TO, Some(lost as u64)),
                Piece::Bytes(TO, &stream[at + lost..]),
            ];
            let part = run(&pieces, true);
            assert_subset(&part, &whole, &format!("{lost} lost at {at}"));
        }
    }
}

proptest! {
    #[test]
    fn any_bytes(mut bytes in prop::collection::vec(any::<u8>(), 0..1500),
                 cut in 0_usize..1500, head in 0_usize..5, from_start: bool) {
        let heads = [vec![], nibp(), greeting(), hex(MONITOR_HELLO), vec![0xf8, 0x8f]];
        bytes.splice(0..0, heads[head].clone());
        let (one, other) = bytes.split_at(cut.min(bytes.len()));
        let whole = run(&[Piece::Bytes(TO, &bytes)], from_start);
        let parts = run(&[Piece::Bytes(TO, one), Piece::Bytes(TO, other)], from_start);
        assert_same(&parts, &whole, "any bytes");
        run_on(Transport::Udp, &[Piece::Bytes(TO, &bytes)], true);
    }

    #[test]
    fn any_change(at in 0_usize..2400, octet: u8, cut in 0_usize..2400) {
        let mut bytes = stream();
        let length = bytes.len();
        bytes[at % length] = octet;
        let (one, other) = bytes.split_at(cut.min(length));
        let whole = run(&[Piece::Bytes(TO, &bytes)], true);
        let parts = run(&[Piece::Bytes(TO, one), Piece::Bytes(TO, other)], true);
        assert_same(&parts, &whole, "any change");
    }

    #[test]
    fn any_beacon(at in 0_usize..126, octet: u8, length in 0_usize..200) {
        let mut bytes = beacon();
        bytes[at] = octet;
        bytes.resize(length, 0);
        run_on(Transport::Udp, &[Piece::Bytes(TO, &bytes)], true);
    }
}
