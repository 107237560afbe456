//! More patients than can be masked.

use crate::*;

/// A host says its name, then admits so many patients, each with other names.
fn admissions(count: u32, name: &str) -> Wire {
    let (client, server) = ((host(1), 40_000), (host(0), 2575));
    let mut wire = Wire::new();
    let lease = lease();
    let named = dhcp::Client {
        host_name: Some(name.to_owned()),
        ..dhcp::Client::default()
    };
    let ask = dhcp::message(dhcp::Kind::Request, 7, card(host(1)), &named, &lease);
    wire.udp((host(1), 68), (Ipv4Addr::BROADCAST, 67), &ask);
    wire.open(client, server);
    let mut next = 1;
    for number in 0..count {
        let message = admission(&letters(number));
        wire.tcp(client, server, (next, 1), PUSH, &message);
        next += message.len() as u32;
    }
    wire
}

/// A report in small letters.
fn lower(report: &Report) -> String {
    serde_json::to_string(report).unwrap().to_lowercase()
}

const PATIENTS: u32 = 10_050;

#[test]
fn more_patients_than_can_be_masked() {
    let few = admissions(3, "room-seven").report(&Options::default());
    assert!(lower(&few).contains("\"hostname\":\"room-seven\""));
    assert!(!few.health.limits.contains_key("masked-values"));
    let report = admissions(PATIENTS, "room-seven").report(&Options::default());
    reached(&report, "masked-values");
    assert!(report.health.texts_withheld > 0);
    let text = lower(&report);
    assert!(!text.contains("\"hostname\":\"room-seven\""));
    for number in [0, 5000, 9999, 10_000, PATIENTS - 1] {
        let tag = letters(number).to_lowercase();
        for value in [
            format!("erfunden{tag}"),
            format!("niemand{tag}"),
            format!("inv{tag}"),
        ] {
            assert!(!text.contains(&value), "{value} of patient {number}");
        }
    }
}

/// A host is named after the last of them, whom the mask has no room for.
#[test]
fn sentences_withhold_names_of_patients_without_room() {
    let name = format!("erfunden{}", letters(PATIENTS - 1).to_lowercase());
    let report = admissions(PATIENTS, &name).report(&Options::default());
    reached(&report, "masked-values");
    let text = lower(&report);
    let shown = text
        .find(&name)
        .map(|at| &text[at.saturating_sub(80)..at + 20]);
    assert_eq!(shown, None);
}
