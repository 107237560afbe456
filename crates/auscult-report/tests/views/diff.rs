//! What differs between two reports, and that a written report is read again.

use auscult_model::report::{Device, Isolation, Report, Severity};
use auscult_model::{MacAddr, Segment};
use auscult_report::{Change, Changed, Diff, Page, Unreadable, diff};

use crate::fixture::{quiet, rich, small};

fn changed<'d>(diff: &'d Diff, id: &str) -> &'d Changed {
    let found = diff.devices.changed.iter().find(|c| c.device.id == id);
    found.unwrap_or_else(|| panic!("{id} in {:?}", diff.devices.changed))
}

fn change<'c>(changed: &'c Changed, what: &str) -> &'c Change {
    changed.changes.iter().find(|c| c.what == what).unwrap()
}

fn device<'r>(report: &'r mut Report, id: &str) -> &'r mut Device {
    report.devices.iter_mut().find(|d| d.id == id).unwrap()
}

const SEVEN: &str = "mac-00:14:2d:00:00:07";
const NINE: &str = "mac-00:14:2d:00:00:09";

fn shown(diff: &Diff) -> String {
    let mut page = Page::new(80, false);
    auscult_report::diff_text(&mut page, diff, false);
    page.finish()
}

#[test]
fn written_reports_are_read_again() {
    for report in [rich(), quiet(), small()] {
        let text = auscult_report::json(&report).unwrap();
        assert!(auscult_report::looks_like_json(text.as_bytes()));
        let read = auscult_report::read_json(text.as_bytes()).unwrap();
        assert_eq!(auscult_report::json(&read).unwrap(), text);
    }
}

#[test]
fn what_is_no_whole_report_is_told() {
    let read = |text: &str| auscult_report::read_json(text.as_bytes()).unwrap_err();
    assert!(matches!(read("{}"), Unreadable::NoReport(_)));
    assert!(matches!(read("{\"schema\":1"), Unreadable::NoReport(_)));
    assert_eq!(
        read("{\"schema\":2,\"auscult\":\"9.0\"}"),
        Unreadable::OtherSchema(2)
    );
    let part = auscult_report::json_part(&rich(), auscult_report::Part::Devices).unwrap();
    assert!(matches!(read(&part), Unreadable::Partial(_)));
    let deep = "{\"schema\":1,\"auscult\":\"x\",\"captures\":".to_owned() + &"[".repeat(100_000);
    assert!(matches!(read(&deep), Unreadable::NoReport(_)));
}

#[test]
fn nothing_differs_in_the_same() {
    let mut turned = rich();
    turned.devices.reverse();
    turned.findings.reverse();
    for device in &mut turned.devices {
        device.talks_to.reverse();
        device.ips.reverse();
    }
    let diff = diff(&rich(), &turned);
    assert!(diff.is_empty(), "{diff:?}");
    assert_eq!(diff.devices.alike, rich().devices.len());
    assert!(shown(&diff).contains("Nothing differs"), "{}", shown(&diff));
}

#[test]
fn what_changed_on_a_device() {
    let (before, mut after) = (rich(), rich());
    device(&mut after, SEVEN).firmware = Some("7.820".to_owned());
    device(&mut after, SEVEN).isolation = Isolation::LocalOnly;
    device(&mut after, SEVEN).talks_to.clear();
    device(&mut after, SEVEN).talks_to_total = 0;
    let diff = diff(&before, &after);
    let seven = changed(&diff, SEVEN);
    assert_eq!(change(seven, "firmware").before, None);
    assert_eq!(change(seven, "firmware").after.as_deref(), Some("7.820"));
    assert!(change(seven, "reach").before.is_some());
    assert!(change(seven, "peer").is_absence());
    assert_eq!(diff.devices.changed.len(), 1);
    let text = shown(&diff);
    assert!(text.contains("firmware: 7.820 (new)"), "{text}");
    assert!(text.contains("(not seen again)"), "{text}");
}

#[test]
fn a_device_is_followed_through_its_aliases() {
    let (mut before, after) = (rich(), rich());
    // Before, only its address was known.
    let nine = device(&mut before, NINE);
    nine.id = nine.aliases.remove(0);
    nine.macs.clear();
    let diff = diff(&before, &after);
    assert_eq!(diff.devices.new, []);
    assert_eq!(diff.devices.vanished, []);
    let nine = changed(&diff, NINE);
    assert_eq!(nine.was.as_deref(), Some("addr-vlan20-10.20.4.9"));
    assert_eq!(change(nine, "mac").before, None);
}

#[test]
fn one_address_after_the_other_is_two_devices() {
    let (before, mut after) = (rich(), rich());
    let nine = device(&mut after, NINE);
    nine.macs = vec![MacAddr([0, 4, 0xa3, 0, 0, 0x77])];
    nine.id = "mac-00:04:a3:00:00:77".to_owned();
    let diff = diff(&before, &after);
    assert_eq!(diff.devices.new.len(), 1);
    assert_eq!(diff.devices.new[0].id, "mac-00:04:a3:00:00:77");
    assert_eq!(diff.devices.vanished[0].device.id, NINE);
    assert!(diff.devices.vanished[0].segment_watched);
    let text = shown(&diff);
    assert!(text.contains("no proof of gone"), "{text}");
    assert!(text.contains("UTC"), "{text}");
}

#[test]
fn a_peer_keeps_its_name_under_another_address() {
    let (before, mut after) = (rich(), rich());
    let new = "10.20.0.77".parse().unwrap();
    let station = after
        .devices
        .iter_mut()
        .find(|d| d.ips.iter().any(|ip| ip.to_string() == "10.20.0.5"))
        .unwrap();
    station.ips[0] = new;
    let station = station.id.clone();
    device(&mut after, NINE).talks_to[0].peer = new;
    let diff = diff(&before, &after);
    assert_eq!(diff.devices.changed.len(), 1, "{:?}", diff.devices.changed);
    assert_eq!(change(changed(&diff, &station), "ip").before, None);
}

/// The station's address goes to another device: whoever talked to it talks to that one now, which
/// is one change, and none where a report does not say whose the address was.
#[test]
fn an_address_that_changed_hands_is_no_new_peer_and_no_gone_one() {
    let station = "10.20.0.5".parse().unwrap();
    let (before, mut after) = (rich(), rich());
    let first = before.devices.iter().find(|d| d.ips.contains(&station));
    let first = first.unwrap().id.clone();
    let mut second = device(&mut after, NINE).clone();
    second.id = "mac-00:04:a3:00:00:77".to_owned();
    second.aliases.clear();
    second.talks_to.clear();
    second.ips = vec![station];
    after.devices.push(second.clone());
    let peers = |before: &Report, after: &Report| -> Vec<Change> {
        let diff = diff(before, after);
        let changed = diff.devices.changed.iter();
        let changes = changed.flat_map(|c| c.changes.clone());
        changes.filter(|c| c.what == "peer").collect()
    };
    assert_eq!(peers(&before, &after), []);
    assert_eq!(peers(&after, &before), []);
    let mut told = before.clone();
    device(&mut told, NINE).talks_to[0].device = Some(first.clone());
    assert_eq!(peers(&told, &after), []);
    device(&mut after, NINE).talks_to[0].device = Some(first.clone());
    assert_eq!(peers(&told, &after), []);
    device(&mut after, NINE).talks_to[0].device = Some(second.id.clone());
    let [change] = peers(&told, &after).try_into().unwrap();
    assert!(change.before.unwrap().contains(&first));
    assert!(change.after.unwrap().contains(&second.id));
}

/// An address and a card that went to another device, one of which the first one still has.
#[test]
fn what_changed_hands_is_told() {
    let (before, mut after) = (rich(), rich());
    let (address, card) = {
        let seven = device(&mut after, SEVEN);
        (seven.ips.remove(0), seven.macs[0])
    };
    let segment = device(&mut after, SEVEN).segments[0];
    let nine = device(&mut after, NINE);
    nine.ips.push(address);
    nine.macs.push(card);
    assert!(nine.segments.contains(&segment));
    let diff = diff(&before, &after);
    let told: Vec<_> = diff
        .moves
        .iter()
        .map(|m| (m.what, m.value.clone(), m.still))
        .collect();
    let want = [
        ("ip", address.to_string(), false),
        ("mac", card.to_string(), true),
    ];
    assert_eq!(told, want);
    assert_eq!(
        (&*diff.moves[0].from, &*diff.moves[0].to),
        (&[SEVEN.to_owned()][..], &[NINE.to_owned()][..])
    );
    let text = shown(&diff);
    assert!(
        text.contains("Changed hands") && text.contains("too"),
        "{text}"
    );
}

#[test]
fn another_segment_is_one_change() {
    let (before, mut after) = (rich(), rich());
    device(&mut after, NINE).segments = vec![Segment::vlan(77)];
    let diff = diff(&before, &after);
    let changes = &changed(&diff, NINE).changes;
    let [change] = changes
        .iter()
        .filter(|c| c.what == "segment")
        .collect::<Vec<_>>()[..]
    else {
        panic!("{changes:?}");
    };
    assert!(
        change.before.is_some() && change.after.as_deref() == Some("vlan 77"),
        "{change:?}"
    );
}

#[test]
fn what_was_decided_is_not_worse() {
    let (before, mut after) = (rich(), rich());
    let mut first = after.findings[0].clone();
    first.id = "F-new".to_owned();
    first.devices = vec!["mac-new".to_owned()];
    first.decision = Some(auscult_model::report::Decision {
        status: "accepted".to_owned(),
        is_open: false,
        until: None,
        reason: "replaced soon".to_owned(),
        at: None,
    });
    after.findings.push(first);
    let told = diff(&before, &after);
    assert_eq!(told.findings.new.len(), 1);
    assert!(!told.worse(Severity::Info));
    after.findings.last_mut().unwrap().decision = None;
    assert!(diff(&before, &after).worse(Severity::Info));
}

/// A written report may be anybody's: ids twice, nothing else known.
#[test]
fn nothing_differs_in_the_same_though_ids_stand_twice() {
    let mut odd = rich();
    let twice = odd.devices.clone();
    odd.devices.extend(twice);
    let twice = odd.findings.clone();
    odd.findings.extend(twice);
    odd.findings[0].devices.push("nobody".to_owned());
    let diff = diff(&odd, &odd);
    assert!(diff.is_empty() && diff.moves.is_empty(), "{diff:?}");
}

#[test]
fn findings_that_are_new_gone_and_graver() {
    let (before, mut after) = (rich(), rich());
    let first = after.findings.remove(0);
    let second = &mut after.findings[0];
    let was = second.severity;
    second.severity = Severity::Info;
    second.devices.push("mac-new".to_owned());
    let (now, then) = (diff(&after, &before), diff(&before, &after));
    assert_eq!(now.findings.new[0].id, first.id);
    assert_eq!(then.findings.gone[0].id, first.id);
    assert_eq!(then.findings.changed[0].was, was);
    assert_eq!(then.findings.changed[0].joined, ["mac-new"]);
    assert!(now.worse(first.severity));
    assert!(then.worse(Severity::Info) && !then.worse(Severity::Low));
    assert!(!diff(&before, &before).worse(Severity::Info));
    let csv = auscult_report::diff_csv(&then);
    assert_eq!(csv.lines().count(), 4, "{csv}");
    auscult_report::diff_json(&then).unwrap();
}

#[test]
fn other_places_are_told() {
    let mut elsewhere = rich();
    for device in &mut elsewhere.devices {
        device.id.push('x');
        device.aliases.clear();
        device.segments = vec![Segment::vlan(99)];
    }
    elsewhere.captures[0].complete = false;
    let diff = diff(&rich(), &elsewhere);
    assert!(diff.devices.vanished.iter().all(|v| !v.segment_watched));
    let cautions = diff.cautions.join(" ");
    assert!(cautions.contains("cut short"), "{cautions}");
    let text = shown(&diff);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("two places"), "{text}");
    assert!(words.contains("may not reach there"), "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
}
