//! Alike units in one place: so many in the register, so many on the network. Which is which
//! nobody can say, so nobody does.

use std::collections::{BTreeMap, BTreeSet};

use auscult_model::report::{Device, Report};

use super::Counted;
use crate::fold::{compact, words};
use crate::names::{Hit, families};
use crate::walk::{hit, is_by_maker};
use crate::{Register, Row};

/// What a group is of: a family of the signatures, or a model as it names itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Family(&'static str),
    Model(String),
}

fn kind_of_device(device: &Device) -> Option<(Kind, String)> {
    let family = families()
        .iter()
        .find(|family| device.signature.as_deref() == Some(family.signature.id.as_str()));
    if let Some(family) = family {
        let name = family.signature.family.clone().unwrap_or_default();
        return Some((Kind::Family(&family.signature.id), name));
    }
    let model = device.model.as_deref()?;
    let vendor = device.vendor.as_deref().unwrap_or_default();
    let bare = bare_model(model, vendor)?;
    let name = match vendor.is_empty() || model.starts_with(vendor) {
        true => model.to_owned(),
        false => format!("{vendor} {model}"),
    };
    Some((Kind::Model(bare), name))
}

/// The model without its maker's words, where a designation is left.
fn bare_model(model: &str, vendor: &str) -> Option<String> {
    let maker: BTreeSet<String> = words(vendor).into_iter().collect();
    let kept: Vec<String> = model
        .split_whitespace()
        .filter(|word| !maker.contains(&compact(word)))
        .map(compact)
        .collect();
    let bare = kept.concat();
    let digits = bare.chars().any(|c| c.is_ascii_digit());
    (bare.len() >= 3 && digits).then_some(bare)
}

fn kinds_of_row(row: &Row) -> Vec<Kind> {
    let of_family = families().iter().filter(|family| match hit(row, family) {
        Some((Hit::Exact, _, telling)) => {
            is_by_maker(row, family) || telling && row.vendor.is_none()
        }
        _ => false,
    });
    let mut kinds: Vec<Kind> = of_family
        .map(|f| Kind::Family(f.signature.id.as_str()))
        .collect();
    let vendor = row.vendor.as_deref().unwrap_or_default();
    let model = row
        .model
        .as_deref()
        .and_then(|model| bare_model(model, vendor));
    kinds.extend(model.map(Kind::Model));
    kinds
}

/// Takes rows and devices out of what is left and counts them in groups.
pub(super) fn groups(
    register: &Register,
    report: &Report,
    rows: &mut Vec<usize>,
    devices: &mut Vec<usize>,
) -> Vec<Counted> {
    let mut named: BTreeMap<Kind, (String, Vec<usize>)> = BTreeMap::new();
    for place in devices.iter() {
        let kind = report.devices.get(*place).and_then(kind_of_device);
        if let Some((kind, name)) = kind {
            named
                .entry(kind)
                .or_insert_with(|| (name, Vec::new()))
                .1
                .push(*place);
        }
    }
    let mut of_kind: BTreeMap<Kind, Vec<usize>> = BTreeMap::new();
    for place in rows.iter() {
        let kinds = register
            .rows
            .get(*place)
            .map(kinds_of_row)
            .unwrap_or_default();
        if let Some(kind) = kinds.into_iter().find(|kind| named.contains_key(kind)) {
            of_kind.entry(kind).or_default().push(*place);
        }
    }
    let mut groups = Vec::new();
    for (kind, mut of_rows) in of_kind {
        let Some((name, mut of_devices)) = named.remove(&kind) else {
            continue;
        };
        compatible(register, report, &mut of_rows, &mut of_devices);
        groups.extend(by_unit(register, report, &name, &of_rows, &of_devices));
    }
    let counted_rows: BTreeSet<usize> = groups.iter().flat_map(|g| g.rows.clone()).collect();
    let counted_devices: BTreeSet<usize> = groups.iter().flat_map(|g| g.devices.clone()).collect();
    rows.retain(|place| !counted_rows.contains(place));
    devices.retain(|place| !counted_devices.contains(place));
    groups
}

/// Which signs somebody shows that tell units apart: a MAC address, a serial number.
type Shows = [bool; 2];

/// Leaves those that could be one of the other side. None of these was matched: where a row and a
/// device both show a MAC address, or both a serial number, they are two.
fn compatible(
    register: &Register,
    report: &Report,
    rows: &mut Vec<usize>,
    devices: &mut Vec<usize>,
) {
    let row_shows = |place: &usize| -> Shows {
        let row = register.rows.get(*place);
        row.map_or([true; 2], |row| {
            [!row.macs.is_empty(), row.serial.is_some()]
        })
    };
    let device_shows = |place: &usize| -> Shows {
        let device = report.devices.get(*place);
        device.map_or([true; 2], |d| [!d.macs.is_empty(), d.serial.is_some()])
    };
    let apart = |a: &Shows, b: &Shows| a.iter().zip(b).any(|(a, b)| *a && *b);
    let of_rows: BTreeSet<Shows> = rows.iter().map(row_shows).collect();
    let of_devices: BTreeSet<Shows> = devices.iter().map(device_shows).collect();
    rows.retain(|place| {
        of_devices
            .iter()
            .any(|other| !apart(&row_shows(place), other))
    });
    devices.retain(|place| {
        of_rows
            .iter()
            .any(|other| !apart(&device_shows(place), other))
    });
}

/// One group a unit that both sides name; one for those of which a side names none.
fn by_unit(
    register: &Register,
    report: &Report,
    model: &str,
    rows: &[usize],
    devices: &[usize],
) -> Vec<Counted> {
    let unit_of = |place: &usize| {
        let unit = report.devices.get(*place)?.unit.as_deref().map(compact);
        unit.filter(|unit| !unit.is_empty())
    };
    let mut there: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut placeless = Vec::new();
    for place in devices {
        match unit_of(place) {
            Some(unit) => there.entry(unit).or_default().push(*place),
            None => placeless.push(*place),
        }
    }
    let mut here: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let (mut elsewhere, mut anywhere) = (Vec::new(), Vec::new());
    for place in rows {
        let Some(row) = register.rows.get(*place) else {
            continue;
        };
        match unit_among(row, &there) {
            Some(unit) => here.entry(unit).or_default().push(*place),
            None if row.unit.is_some() => elsewhere.push(*place),
            None => anywhere.push(*place),
        }
    }
    let mut groups = Vec::new();
    for (unit, rows) in here {
        let shown = rows.first().and_then(|place| register.rows.get(*place));
        groups.push(Counted {
            model: model.to_owned(),
            unit: shown
                .and_then(|row| row.unit.clone())
                .or(Some(unit.clone())),
            rows,
            devices: there.remove(&unit).unwrap_or_default(),
        });
    }
    // Where both sides name units, and different ones, nothing is counted together.
    let mut others = placeless;
    let mut rest = if others.is_empty() {
        Vec::new()
    } else {
        elsewhere
    };
    if !anywhere.is_empty() {
        others.extend(there.into_values().flatten());
        rest.extend(anywhere);
    }
    others.sort_unstable();
    rest.sort_unstable();
    if !rest.is_empty() && !others.is_empty() {
        groups.push(Counted {
            model: model.to_owned(),
            unit: None,
            rows: rest,
            devices: others,
        });
    }
    groups
}

/// The unit in which a row says that it stands: as its unit, or as a word of its place.
fn unit_among(row: &Row, units: &BTreeMap<String, Vec<usize>>) -> Option<String> {
    let own = row.unit.as_deref().map(compact);
    if let Some(own) = own.filter(|own| units.contains_key(own)) {
        return Some(own);
    }
    let texts = [&row.unit, &row.location].into_iter().flatten();
    let mut words = texts.flat_map(|text| words(text));
    words.find(|word| units.contains_key(word))
}
