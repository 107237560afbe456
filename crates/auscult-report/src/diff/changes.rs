//! What differs between a device as it was and as it is.

use std::collections::{BTreeMap, BTreeSet};

use auscult_model::report::{Device, Role, TalksTo, Where};
use serde::Serialize;

use super::alike::{Pairs, Somebody};
use crate::terminal::words;

/// One thing that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Which: an attribute, `ip`, `mac`, `segment`, `service`, `peer`, `reach`, `patient-data`.
    pub what: &'static str,
    /// What it was; absent when nothing was known before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What it is; absent when nothing was seen of it any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

impl Change {
    /// It was there before and was not seen any more, which is weak.
    pub fn is_absence(&self) -> bool {
        self.after.is_none()
    }
}

/// All changes of a device: values first, then what came, then what was not seen any more.
pub(super) fn between(pairs: &Pairs<'_>, then: &Device, now: &Device) -> Vec<Change> {
    let mut changes = Vec::new();
    values(then, now, &mut changes);
    let mut sets = |what, of: fn(&Device) -> BTreeSet<String>| {
        set(what, &of(then), &of(now), &mut changes);
    };
    sets("ip", |device| texts(&device.ips));
    sets("mac", |device| texts(&device.macs));
    segments(then, now, &mut changes);
    let mut sets = |what, of: fn(&Device) -> BTreeSet<String>| {
        set(what, &of(then), &of(now), &mut changes);
    };
    sets("service", |device| {
        let services = device.services.iter();
        services
            .map(|s| format!("{} ({} {})", s.protocol, s.transport, s.port))
            .collect()
    });
    sets("patient-data", |device| texts(&device.patient_data));
    peers(pairs, then, now, &mut changes);
    // Stable: within each kind the order above stays.
    changes.sort_by_key(|change| (change.is_absence(), change.before.is_none()));
    changes
}

fn values(then: &Device, now: &Device, changes: &mut Vec<Change>) {
    let role = |device: &Device| {
        (device.role != Role::Unknown).then(|| words::role(device.role).to_owned())
    };
    let reach = |device: &Device| {
        use auscult_model::report::Isolation::CannotTell;
        (device.isolation != CannotTell).then(|| words::isolation(device.isolation).to_owned())
    };
    let mut compare = |what, before: Option<String>, after: Option<String>| {
        if before != after {
            changes.push(Change {
                what,
                before,
                after,
            });
        }
    };
    compare("role", role(then), role(now));
    compare("vendor", then.vendor.clone(), now.vendor.clone());
    compare("model", then.model.clone(), now.model.clone());
    compare("serial", then.serial.clone(), now.serial.clone());
    compare("firmware", then.firmware.clone(), now.firmware.clone());
    compare("os", then.os.clone(), now.os.clone());
    compare("hostname", then.hostname.clone(), now.hostname.clone());
    compare("unit", then.unit.clone(), now.unit.clone());
    compare("bed", then.bed.clone(), now.bed.clone());
    compare("reach", reach(then), reach(now));
}

fn texts<T: ToString>(list: &[T]) -> BTreeSet<String> {
    list.iter().map(ToString::to_string).collect()
}

/// A device that went from one segment to another made one change, not two.
fn segments(then: &Device, now: &Device, changes: &mut Vec<Change>) {
    match (then.segments.as_slice(), now.segments.as_slice()) {
        ([was], [is]) if was != is => changes.push(Change {
            what: "segment",
            before: Some(was.to_string()),
            after: Some(is.to_string()),
        }),
        (then, now) => set("segment", &texts(then), &texts(now), changes),
    }
}

fn set(
    what: &'static str,
    then: &BTreeSet<String>,
    now: &BTreeSet<String>,
    changes: &mut Vec<Change>,
) {
    let gone = then.difference(now).map(|value| Change {
        what,
        before: Some(value.clone()),
        after: None,
    });
    let new = now.difference(then).map(|value| Change {
        what,
        before: None,
        after: Some(value.clone()),
    });
    changes.extend(new.chain(gone));
}

/// A conversation, whatever the peer's address is today.
type Conversation<'r> = (Somebody<'r>, Service<'r>);
/// Protocol, port, direction.
type Service<'r> = (&'r str, u16, &'r str);

fn conversations<'r>(
    device: &'r Device,
    who: impl Fn(&'r TalksTo) -> Somebody<'r>,
) -> BTreeMap<Conversation<'r>, &'r TalksTo> {
    let lines = device.talks_to.iter();
    lines
        .filter(|line| line.place != Where::Group)
        .map(|line| ((who(line), service(line)), line))
        .collect()
}

fn service(line: &TalksTo) -> Service<'_> {
    (line.protocol.as_str(), line.port, line.direction.as_ref())
}

fn peers(pairs: &Pairs<'_>, then: &Device, now: &Device, changes: &mut Vec<Change>) {
    let mut old = conversations(then, |line| pairs.then(line));
    let new = conversations(now, |line| pairs.now(line));
    // Of whom more peers are counted than listed, nobody can say who is new or gone.
    let listed = |device: &Device| {
        let peers: BTreeSet<_> = device.talks_to.iter().map(|line| line.peer).collect();
        device.talks_to_total <= peers.len()
    };
    let mut came = Vec::new();
    for (key, line) in new {
        match old.remove(&key) {
            Some(was) => changes.extend(moved(was, line, false)),
            None => came.push(line),
        }
    }
    // An address that changed hands, or of which one side does not say whose it was: one change
    // at most, nobody new and nobody gone.
    let mut by_address: BTreeMap<_, Vec<&TalksTo>> = BTreeMap::new();
    for line in old.into_values() {
        let same = by_address.entry((line.peer, service(line))).or_default();
        same.push(line);
    }
    for line in came {
        let was = by_address.get_mut(&(line.peer, service(line)));
        match was.and_then(Vec::pop) {
            Some(was) => {
                let told = was.device.is_some() && line.device.is_some();
                let hands = told && was.device != line.device;
                changes.extend(moved(was, line, hands));
            }
            None if listed(then) => changes.push(Change {
                what: "peer",
                before: None,
                after: Some(said(line, None)),
            }),
            None => {}
        }
    }
    if listed(now) {
        let gone = by_address.into_values().flatten();
        changes.extend(gone.map(|line| Change {
            what: "peer",
            before: Some(said(line, None)),
            after: None,
        }));
    }
}

/// What changed in a conversation: where the peer is, or, when `hands`, who.
fn moved(was: &TalksTo, is: &TalksTo, hands: bool) -> Option<Change> {
    let who = |line: &TalksTo| line.device.clone().filter(|_| hands);
    (hands || was.place != is.place).then(|| Change {
        what: "peer",
        before: Some(said(was, who(was))),
        after: Some(said(is, who(is))),
    })
}

fn said(line: &TalksTo, who: Option<String>) -> String {
    let way = if line.direction == "in" { "from" } else { "to" };
    let who = who.map(|who| format!(" ({who})")).unwrap_or_default();
    let port = match line.port {
        0 => String::new(),
        port => format!(" port {port}"),
    };
    format!(
        "{way} {}{who}{port}, {}: {}",
        line.peer,
        line.protocol,
        words::place(line.place)
    )
}
