//! Both questions, each with what holds, what does not, and what cannot be told.

use auscult_model::report::Report;
use serde_json::{Value, json};

use super::{Answer, absent, blocked, verified_csv, verified_json, verified_text};

fn capture(first: &str, last: &str) -> Value {
    json!({
        "file": "a.pcap", "fingerprint": "", "packets": 9, "bytes": 9, "first": first,
        "last": last, "link_types": [], "complete": true, "point": "access",
    })
}

fn device(id: &str, segment: &str, last: &str, talks_to: Value) -> Value {
    json!({
        "id": id, "aliases": [], "role": "unknown", "confidence": 0.9, "macs": [],
        "ips": ["10.0.0.1"], "segments": [segment], "first_seen": "2026-03-01T00:00:00Z",
        "last_seen": last, "inside": true, "isolation": "local-only", "services": [],
        "talks_to_total": 0, "talks_to": talks_to, "patient_data": [], "claims": [],
    })
}

fn report(captures: &[Value], devices: &[Value]) -> Report {
    let report = json!({
        "schema": 1, "auscult": "0", "captures": captures, "skipped": [],
        "site": { "networks": [], "squatted": [], "partners": [] }, "coverage": [],
        "devices_total": devices.len(), "devices": devices, "findings_total": 0, "findings": [],
        "artifacts_total": 0, "artifacts": [], "data_sets": [],
        "health": auscult_model::report::Health::default(),
    });
    serde_json::from_value(report).unwrap()
}

fn monitor(last: &str) -> Value {
    let mut monitor = device("mac-1", "vlan 44", last, json!([]));
    monitor["signature"] = json!("contec-cms8000");
    monitor
}

fn gone(captures: &[Value], devices: &[Value], days: u16) -> (Answer, String) {
    let family = auscult_inventory::signature("contec-cms8000").unwrap();
    let verified = absent(&report(captures, devices), family, days);
    assert!(!verified.because.is_empty());
    (verified.answer, verified.because.join("; "))
}

const FIRST: &str = "2026-03-01T00:00:00Z";
const THIRD: &str = "2026-03-03T00:00:00Z";
const FOURTH: &str = "2026-03-04T00:00:00Z";

#[test]
fn a_family_is_gone_only_where_and_while_it_was_watched() {
    let whole = [capture(FIRST, FOURTH)];
    let other = |last: &str| device("mac-2", "vlan 44", last, json!([]));
    let there = [monitor("2026-03-03T12:00:00Z"), other(FOURTH)];
    assert_eq!(gone(&whole, &there, 1).0, Answer::DoesNotHold);
    let left = [monitor("2026-03-01T12:00:00Z"), other(FOURTH)];
    assert_eq!(gone(&whole, &left, 2).0, Answer::Holds);
    assert_eq!(gone(&whole, &left, 3).0, Answer::DoesNotHold);
    // It was not there before either.
    assert_eq!(gone(&whole, &[other(FOURTH)], 3).0, Answer::Holds);
    // Longer than was captured.
    let (answer, why) = gone(&whole, &[other(FOURTH)], 4);
    assert_eq!(answer, Answer::CannotTell);
    assert!(why.contains("less than an hour"), "{why}");
    // A day between two captures.
    let parts = [
        capture(FIRST, "2026-03-02T00:00:00Z"),
        capture(THIRD, FOURTH),
    ];
    assert_eq!(gone(&parts, &left, 1).0, Answer::Holds);
    assert_eq!(gone(&parts, &left, 2).0, Answer::CannotTell);
    // At an ordinary switch port, in one direction or outside, it would not have been heard.
    for point in ["broadcast-only", "one-direction", "wan"] {
        let mut deaf = whole.clone();
        deaf[0]["point"] = json!(point);
        assert_eq!(gone(&deaf, &left, 2).0, Answer::CannotTell, "{point}");
    }
    // Its segment was not heard since.
    let elsewhere = device("mac-2", "vlan 45", FOURTH, json!([]));
    let (answer, why) = gone(&whole, &[monitor(FIRST), elsewhere], 2);
    assert_eq!(answer, Answer::CannotTell);
    assert!(why.contains("vlan 44, where"), "{why}");
    assert_eq!(gone(&whole, &[], 1).0, Answer::CannotTell);
    assert_eq!(gone(&[], &[], 1).0, Answer::CannotTell);
    // Something that may be one is still there.
    let mut hinted = other(FOURTH);
    hinted["claims"] = json!([{
        "attribute": "family_hint", "value": "CONTEC CMS8000", "confidence": 0.5,
        "source": "signature contec-cms8000", "evidence": [],
    }]);
    let (answer, why) = gone(&whole, &[hinted], 1);
    assert_eq!(answer, Answer::CannotTell);
    assert!(why.contains("may be one"), "{why}");
}

fn line(place: &str, direction: &str, answered: bool) -> Value {
    json!({
        "peer": "202.114.4.119", "where": place, "protocol": "unknown", "port": 515,
        "direction": direction, "flows": 1, "bytes": [9, 0], "answered": answered,
    })
}

fn stopped(lines: &[Value]) -> Answer {
    let device = device("mac-1", "untagged", FOURTH, json!(lines));
    let report = report(&[capture(FIRST, FOURTH)], &[device]);
    let network = "202.114.4.0/24".parse().unwrap();
    let verified = blocked(&report, network);
    for all in [false, true] {
        let mut page = auscult_report::Page::new(80, false);
        verified_text(&mut page, &verified, all);
        let text = page.finish();
        assert!(
            text.contains(&verified.answer.word().to_uppercase()),
            "{text}"
        );
    }
    assert!(verified_json(&verified).unwrap().contains("\"answer\""));
    let proofs = verified.seen.len() + verified.besides.len();
    assert_eq!(verified_csv(&verified).lines().count(), 2 + proofs);
    // Somewhere else nothing was tried.
    let elsewhere = blocked(&report, "198.51.100.0/24".parse().unwrap());
    assert_eq!(elsewhere.answer, Answer::CannotTell);
    verified.answer
}

#[test]
fn a_block_works_where_all_that_was_tried_stayed_unanswered() {
    let tried = line("attempted", "out", false);
    let refused = line("blocked", "out", false);
    let came = line("attempted", "in", false);
    let answered = line("answered-far", "out", true);
    let let_in = line("answered-far", "in", true);
    let unseen = line("towards-outside", "out", false);
    let inside = line("squatted", "out", true);
    for (lines, answer) in [
        (vec![&tried], Answer::Holds),
        (vec![&refused, &came], Answer::Holds),
        (vec![&refused, &answered], Answer::DoesNotHold),
        (vec![&tried, &let_in], Answer::DoesNotHold),
        (vec![&tried, &unseen], Answer::CannotTell),
        (vec![&answered, &unseen], Answer::DoesNotHold),
        // What stays on the own network says nothing of the edge.
        (vec![&inside], Answer::CannotTell),
        (vec![&inside, &refused], Answer::Holds),
        (vec![], Answer::CannotTell),
    ] {
        let lines: Vec<Value> = lines.into_iter().cloned().collect();
        assert_eq!(stopped(&lines), answer, "{lines:?}");
    }
}
