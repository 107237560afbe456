//! One function a question.

use std::collections::{BTreeMap, BTreeSet};

use auscult_inventory::{Signature, signature};
use auscult_model::report::details::Value;
use auscult_model::report::{Answer, Device, Finding, Isolation, Role, Severity, Where};

use super::Reply;
use super::sight::{Sight, devices_words, is_embedded};
use crate::View;
use crate::words::{call_name, count, list, name_and_address};

const EDGE: &str = "capture inside the edge for a day (docs/capture.md, \"Inside the edge\")";
const MIRROR: &str =
    "mirror the monitor VLAN, both directions (docs/capture.md, \"Mirror of the monitor VLAN\")";
const REGISTER: &str = "compare with the asset register, also under EPSIMED MN-120 and other \
                        labels: a unit is silent when off, unplugged or without a patient";

/// Name of the family's signature.
const FAMILY: &str = "contec-cms8000";

/// Never `no`: a unit that is off is silent.
pub(super) fn family_present(view: &View<'_>, sight: &Sight, _findings: &[Finding]) -> Reply {
    let devices = view.inventory.devices.iter();
    let named: Vec<&Device> = devices
        .clone()
        .filter(|device| device.signature.as_deref() == Some(FAMILY))
        .collect();
    if !named.is_empty() {
        let names = list(named.iter().map(|device| call_name(device)));
        let because = format!(
            "{} by the bytes they send; {}",
            list(named.iter().map(|device| name_and_address(device))),
            sight.watched
        );
        let short = format!("{}: {names}; others may be off", named.len());
        return Reply::new(Answer::Yes, short, because).next(REGISTER);
    }
    let family = signature(FAMILY).and_then(|signature| signature.family.clone());
    let hinted: Vec<String> = devices
        .filter(|device| {
            device.claims.iter().any(|claim| {
                claim.attribute == "family_hint" && Some(&claim.value) == family.as_ref()
            })
        })
        .map(name_and_address)
        .collect();
    if !hinted.is_empty() {
        let because = format!(
            "{} asks for the factory address of its central station, which others use too; {}",
            list(&hinted),
            sight.watched
        );
        let short = format!(
            "{} may be: go and look",
            count(hinted.len(), "device", "devices")
        );
        return Reply::new(Answer::CannotTell, short, because)
            .next(format!("{MIRROR}; {REGISTER}"));
    }
    match sight.obstacle() {
        Some(why) if sight.broadcast_only || sight.one_direction => {
            let because = format!("{why}; {}", sight.watched);
            Reply::new(Answer::CannotTell, why, because).next(format!("{MIRROR}; {REGISTER}"))
        }
        _ => {
            let because = format!(
                "no device sent the stream; that does not prove there is none: {}",
                sight.watched
            );
            Reply::new(
                Answer::NotSeen,
                format!("not in these {}", sight.time),
                because,
            )
            .next(REGISTER)
        }
    }
}

pub(super) fn patient_data_leaves(view: &View<'_>, sight: &Sight, findings: &[Finding]) -> Reply {
    let mut by_place: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    let outgoing = of_rule(findings, "phi-cleartext-outside")
        .filter(|finding| finding.details.get("direction") != Some(&Value::Text("in".to_owned())));
    for finding in outgoing {
        by_place.entry(place(finding)).or_default().push(finding);
    }
    let units = |places: &[Where]| -> BTreeSet<&str> {
        let found = places.iter().filter_map(|place| by_place.get(place.word()));
        found
            .flatten()
            .filter_map(|finding| finding.devices.first().map(String::as_str))
            .collect()
    };
    let gone = units(&[Where::Left, Where::AnsweredFar, Where::AnsweredNear]);
    if !gone.is_empty() {
        let how = if by_place.contains_key(Where::Left.word()) {
            "seen to leave"
        } else if by_place.contains_key(Where::AnsweredFar.word()) {
            "answered from afar"
        } else {
            "answered from near by"
        };
        let short = format!("{}, {how}", count(gone.len(), "unit", "units"));
        let because = format!("see the findings phi-cleartext-outside; {}", sight.watched);
        return Reply::new(Answer::Yes, short, because);
    }
    let towards = units(&[Where::TowardsOutside, Where::CannotTell]);
    if !towards.is_empty() {
        let short = format!(
            "{} sent towards outside; arrival unseen",
            count(towards.len(), "unit", "units")
        );
        let because = format!(
            "patient data went to a public address, and whether it arrived \
                               outside was not seen; {}",
            sight.watched
        );
        return Reply::new(Answer::CannotTell, short, because).next(EDGE);
    }
    if let Some(why) = sight.obstacle() {
        let because = format!("{why}; {}", sight.watched);
        return Reply::new(Answer::CannotTell, why, because).next(MIRROR);
    }
    if sight.way_out == 0 {
        let because = format!(
            "nothing was seen to leave, but no traffic to the outside is in view; {}",
            sight.watched
        );
        return Reply::new(Answer::NotSeen, "no way out in view", because).next(EDGE);
    }
    if sight.medical == 0 {
        let because = format!("no medical device in view; {}", sight.watched);
        return Reply::new(Answer::NotSeen, "no medical device in view", because).next(MIRROR);
    }
    let opaque = opaque(view);
    if !opaque.is_empty() {
        let because = format!(
            "none in clear; {} talk with the outside by encrypted or unknown protocols; {}",
            list(&opaque),
            sight.watched
        );
        return Reply::new(Answer::NotSeen, "none in clear; some is encrypted", because)
            .next("ask what those connections are for, and declare the partners");
    }
    let because = format!(
        "{} in view, {} answered flows to the outside in view, none with patient data; {}",
        devices_words(sight.medical),
        sight.way_out,
        sight.watched
    );
    Reply::new(Answer::No, format!("not in these {}", sight.time), because)
}

/// Medical devices with answered conversations outside that cannot be read.
fn opaque(view: &View<'_>) -> Vec<String> {
    let devices = view.inventory.devices.iter();
    devices
        .filter(|device| device.inside && device.role.is_medical())
        .filter(|device| {
            device.talks_to.iter().any(|line| {
                let reached = line.place.is_outside() && line.answered;
                reached && matches!(line.protocol.as_str(), "tls" | "unknown" | "ssh" | "quic")
            })
        })
        .map(call_name)
        .collect()
}

/// A `no` holds for its interval only: code is fetched on update.
pub(super) fn code_fetched(_view: &View<'_>, sight: &Sight, findings: &[Finding]) -> Reply {
    let found: Vec<&Finding> = of_rule(findings, "remote-code-share").collect();
    let fetched = |finding: &&&Finding| {
        let programs = finding.details.get("programs");
        programs.is_some_and(|value| *value != Value::Number(0))
    };
    let serious = found.iter().filter(|f| f.severity > Severity::Info);
    let done: Vec<&&Finding> = serious.clone().filter(fetched).collect();
    if let Some(first) = done.first() {
        let because = format!("{}; {}", first.title, sight.watched);
        let short = count(done.len(), "device", "devices");
        return Reply::new(Answer::Yes, short, because);
    }
    if let Some(asked) = serious.clone().next() {
        let because = format!(
            "{}; no code was seen to come; {}",
            asked.title, sight.watched
        );
        return Reply::new(Answer::CannotTell, "a share was asked for", because).next(MIRROR);
    }
    if let Some(why) = sight.obstacle() {
        let because = format!("{why}; {}", sight.watched);
        return Reply::new(Answer::CannotTell, why, because).next(MIRROR);
    }
    if sight.medical_heard == 0 {
        let because = format!(
            "no conversation of a medical device in view; {}",
            sight.watched
        );
        return Reply::new(Answer::NotSeen, "no medical device in view", because).next(MIRROR);
    }
    let inside = if found.is_empty() {
        String::new()
    } else {
        "; starts from servers inside are listed for information".to_owned()
    };
    let because = format!(
        "{} in view read no program from a share{inside}; it happens only on update; {}",
        devices_words(sight.medical_heard),
        sight.watched
    );
    let short = format!("not in these {} (only on update)", sight.time);
    Reply::new(Answer::No, short, because).next("capture while a device is updated")
}

pub(super) fn devices_reach_internet(view: &View<'_>, sight: &Sight, _: &[Finding]) -> Reply {
    let devices = view.inventory.devices.iter();
    let embedded: Vec<&Device> = devices
        .filter(|device| device.inside && is_embedded(device))
        .collect();
    let reach: Vec<String> = embedded
        .iter()
        .filter(|device| {
            let mut lines = device.talks_to.iter();
            lines.any(|line| line.direction == "out" && crate::view::arrived(line.place))
        })
        .map(|device| call_name(device))
        .collect();
    if !reach.is_empty() {
        let because = format!(
            "{} got answers from outside; {}",
            list(&reach),
            sight.watched
        );
        let short = count(reach.len(), "device", "devices");
        return Reply::new(Answer::Yes, short, because)
            .next("allow only what each device needs at the edge");
    }
    let tried: Vec<String> = embedded
        .iter()
        .filter(|device| device.talks_to.iter().any(stopped))
        .map(|device| call_name(device))
        .collect();
    let towards = embedded.iter().any(|device| {
        let mut lines = device.talks_to.iter();
        lines.any(|line| matches!(line.place, Where::TowardsOutside | Where::CannotTell))
    });
    if !tried.is_empty() && !towards && sight.is_clear() {
        let because = format!(
            "{} tried and got no answer, which would have been seen; {}",
            list(&tried),
            sight.watched
        );
        let short = format!("{} tried in vain", count(tried.len(), "device", "devices"));
        return Reply::new(Answer::No, short, because);
    }
    let why = match sight.obstacle() {
        Some(why) => why,
        None if towards => "sent towards outside, answers unseen",
        None if embedded.is_empty() => "no medical device in view",
        None => "none tried here; no capture at the edge",
    };
    Reply::new(Answer::CannotTell, why, format!("{why}; {}", sight.watched)).next(EDGE)
}

fn stopped(line: &auscult_model::report::TalksTo) -> bool {
    line.direction == "out" && matches!(line.place, Where::Attempted | Where::Blocked)
}

pub(super) fn internet_reaches_devices(view: &View<'_>, sight: &Sight, _: &[Finding]) -> Reply {
    let mut reached = BTreeSet::new();
    let mut refused = 0u64;
    let devices = view.inventory.devices.iter();
    for device in devices.filter(|device| device.inside && is_embedded(device)) {
        for line in &device.talks_to {
            if line.direction != "in" {
                continue;
            }
            if line.answered && crate::view::arrived(line.place) {
                reached.insert(call_name(device));
            } else if line.place.is_outside() {
                refused += line.flows;
            }
        }
    }
    if !reached.is_empty() {
        let because = format!(
            "{} answered connections that began outside; {}",
            list(&reached),
            sight.watched
        );
        let short = count(reached.len(), "device", "devices");
        return Reply::new(Answer::Yes, short, because)
            .next("close the edge towards these devices");
    }
    if let Some(why) = sight.obstacle() {
        return Reply::new(Answer::CannotTell, why, format!("{why}; {}", sight.watched)).next(EDGE);
    }
    if sight.way_out == 0 {
        let why = "no capture at the edge";
        return Reply::new(Answer::CannotTell, why, format!("{why}; {}", sight.watched)).next(EDGE);
    }
    let because = if refused > 0 {
        format!(
            "{refused} attempts from outside, none seen to be answered; {}",
            sight.watched
        )
    } else {
        format!(
            "nobody outside began a connection to a device here; {}",
            sight.watched
        )
    };
    Reply::new(
        Answer::NotSeen,
        format!("not in these {}", sight.time),
        because,
    )
    .next(EDGE)
}

pub(super) fn unknown_devices_reach_outside(
    view: &View<'_>,
    sight: &Sight,
    _: &[Finding],
) -> Reply {
    let devices = view.inventory.devices.iter();
    let unknown: Vec<&Device> = devices
        .filter(|device| device.inside && device.role == Role::Unknown)
        .collect();
    let reach: Vec<String> = unknown
        .iter()
        .filter(|device| device.isolation == Isolation::ReachesOutside)
        .map(|device| call_name(device))
        .collect();
    if !reach.is_empty() {
        let because = format!("{} talk with the outside; {}", list(&reach), sight.watched);
        let short = count(reach.len(), "device", "devices");
        return Reply::new(Answer::Yes, short, because).next("find out what these devices are");
    }
    if let Some(why) = sight.obstacle() {
        return Reply::new(Answer::CannotTell, why, format!("{why}; {}", sight.watched)).next(EDGE);
    }
    if sight.wan_only || sight.way_out == 0 {
        let why = if sight.wan_only {
            "devices are hidden by address translation"
        } else {
            "no way out in view"
        };
        return Reply::new(Answer::CannotTell, why, format!("{why}; {}", sight.watched)).next(EDGE);
    }
    let because = format!(
        "{} in view, none talks with the outside; {}",
        count(unknown.len(), "unknown device", "unknown devices"),
        sight.watched
    );
    let tried = unknown
        .iter()
        .filter(|device| device.talks_to.iter().any(stopped))
        .count();
    let short = match tried {
        0 => format!("not in these {}", sight.time),
        tried => format!("{} tried in vain", count(tried, "device", "devices")),
    };
    Reply::new(Answer::No, short, because)
}

pub(super) fn remote_monitoring(view: &View<'_>, sight: &Sight, _: &[Finding]) -> Reply {
    let stations = stations(view);
    if !stations.is_empty() {
        let lines: Vec<String> = stations
            .iter()
            .map(|(name, beds)| {
                let depend = if beds.len() == 1 { "depends" } else { "depend" };
                format!("{name}: {} {depend} on it", list(beds))
            })
            .collect();
        let short = count(stations.len(), "station", "stations");
        let short = format!("{short}  {}", lines.first().cloned().unwrap_or_default());
        let because = format!("{}; {}", lines.join("; "), sight.watched);
        return Reply::new(Answer::Yes, short, because)
            .next("arrange bedside watch before any of them is cut off");
    }
    if let Some(why) = sight.obstacle() {
        return Reply::new(Answer::CannotTell, why, format!("{why}; {}", sight.watched))
            .next(MIRROR);
    }
    let monitors = view.inventory.devices.iter();
    let monitors = monitors.filter(|device| device.inside && device.role == Role::PatientMonitor);
    let number = monitors.count();
    let because = if number == 0 {
        format!("no monitor in view; {}", sight.watched)
    } else {
        let monitors = count(number, "monitor", "monitors");
        format!(
            "{monitors} in view, and no station of ours that receives; {}",
            sight.watched
        )
    };
    let short = format!("no station in these {}", sight.time);
    Reply::new(Answer::NotSeen, short, because).next("ask the wards; mirror the monitor VLAN")
}

/// Stations of ours, with the monitors that send to them.
fn stations(view: &View<'_>) -> BTreeMap<String, BTreeSet<String>> {
    let monitoring: BTreeSet<&str> = auscult_inventory::signatures()
        .iter()
        .filter(|signature| signature.role == Role::PatientMonitor)
        .flat_map(Signature::sends)
        .collect();
    let mut stations: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (protocol, from, to) in view.ledger.spoken().keys() {
        if !monitoring.contains(protocol) || !view.lives_here(*to) {
            continue;
        }
        let (Some(monitor), Some(station)) = (view.device(*from), view.device(*to)) else {
            continue;
        };
        let watched = station.role != Role::PatientMonitor && monitor.role == Role::PatientMonitor;
        if watched && monitor.id != station.id {
            let beds = stations.entry(name_and_address(station)).or_default();
            beds.insert(call_name(monitor));
        }
    }
    stations
}

pub(super) fn readings_true(_view: &View<'_>, sight: &Sight, _findings: &[Finding]) -> Reply {
    let because = format!("not checked by this version; {}", sight.watched);
    Reply::new(Answer::CannotTell, "not checked by this version", because)
        .next("compare the display with the patient, as the FDA advises")
}

fn of_rule<'a>(findings: &'a [Finding], rule: &'a str) -> impl Iterator<Item = &'a Finding> {
    findings.iter().filter(move |finding| finding.rule == rule)
}

/// Where the traffic of a finding went.
fn place(finding: &Finding) -> &str {
    match finding.details.get("where") {
        Some(Value::Text(word)) => word,
        _ => "",
    }
}
