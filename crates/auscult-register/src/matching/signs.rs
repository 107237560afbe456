//! What tells units apart: MAC addresses, serial numbers, host names, as both sides say them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use auscult_model::MacAddr;
use auscult_model::report::Device;

use super::Key;
use crate::Row;
use crate::cell::{comparable_host, comparable_serial};
use crate::names::{families, family_of, names_maker};

/// Attributes of claims that hold a name of the host.
const HOST_ATTRIBUTES: [&str; 7] = [
    "hostname",
    "dhcp_hostname",
    "netbios_name",
    "mdns_name",
    "rpc_machine_name",
    "fqdn",
    "snmp_sysname",
];
/// What is claimed with less is no sign.
const SURE: f32 = 0.5;
/// A serial number of fewer characters is no sign without its maker.
const SHORT: usize = 5;

/// Whether two sides say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Same {
    /// They do.
    Yes,
    /// But for zeros in front, which spreadsheets remove.
    ZerosApart,
    /// They contradict.
    No,
    /// One of them says nothing.
    Unknown,
}

/// A row's signs, comparable.
pub(super) struct RowSigns {
    pub(super) macs: BTreeSet<MacAddr>,
    pub(super) serial: Option<String>,
    pub(super) host: Option<String>,
}

impl RowSigns {
    pub(super) fn of(row: &Row) -> Self {
        RowSigns {
            macs: row
                .macs
                .iter()
                .copied()
                .filter(|mac| is_sign(*mac))
                .collect(),
            serial: row
                .serial
                .as_deref()
                .map(comparable_serial)
                .filter(|s| !s.is_empty()),
            host: row.host.as_deref().and_then(comparable_host),
        }
    }

    /// Every sign as a text, numbers without the zeros in front.
    pub(super) fn all(&self) -> impl Iterator<Item = (Key, String)> {
        let macs = self.macs.iter().map(|mac| (Key::Mac, mac.to_string()));
        let serial = self
            .serial
            .iter()
            .map(|serial| (Key::Serial, without_zeros(serial)));
        let host = self.host.iter().map(|host| (Key::Host, host.clone()));
        macs.chain(serial).chain(host)
    }

    pub(super) fn is_short_serial(&self) -> bool {
        let length = self
            .serial
            .as_deref()
            .map(|serial| without_zeros(serial).len());
        length.is_some_and(|length| length < SHORT)
    }
}

/// A device's signs, comparable, and what it says of its maker.
pub(super) struct DeviceSigns {
    pub(super) macs: BTreeSet<MacAddr>,
    /// Comparable to as shown.
    pub(super) serials: BTreeMap<String, String>,
    pub(super) hosts: BTreeSet<String>,
    pub(super) vendor: Option<String>,
    pub(super) signature: Option<String>,
}

impl DeviceSigns {
    pub(super) fn of(device: &Device) -> Self {
        let claimed = |attributes: &'static [&str]| {
            let claims = device.claims.iter();
            claims
                .filter(|claim| claim.confidence >= SURE)
                .filter(|claim| attributes.contains(&claim.attribute.as_str()))
                .map(|claim| claim.value.as_str())
        };
        let serials = device
            .serial
            .as_deref()
            .into_iter()
            .chain(claimed(&["serial"]));
        let hosts = device
            .hostname
            .as_deref()
            .into_iter()
            .chain(claimed(&HOST_ATTRIBUTES));
        DeviceSigns {
            macs: device
                .macs
                .iter()
                .copied()
                .filter(|mac| is_sign(*mac))
                .collect(),
            serials: serials
                .map(|serial| (comparable_serial(serial), serial.to_owned()))
                .filter(|(comparable, _)| !comparable.is_empty())
                .collect(),
            hosts: hosts.filter_map(comparable_host).collect(),
            vendor: device.vendor.clone(),
            signature: device.signature.clone(),
        }
    }

    fn all(&self) -> impl Iterator<Item = (Key, String)> {
        let macs = self.macs.iter().map(|mac| (Key::Mac, mac.to_string()));
        let serials: BTreeSet<String> = self.serials.keys().map(|s| without_zeros(s)).collect();
        let hosts = self.hosts.iter().map(|host| (Key::Host, host.clone()));
        macs.chain(serials.into_iter().map(|serial| (Key::Serial, serial)))
            .chain(hosts)
    }

    /// Whether the serial numbers agree.
    pub(super) fn serial(&self, row: &RowSigns) -> Same {
        let Some(serial) = &row.serial else {
            return Same::Unknown;
        };
        if self.serials.is_empty() {
            return Same::Unknown;
        }
        let bare = without_zeros(serial);
        match self.serials.contains_key(serial) {
            true => Same::Yes,
            false
                if self
                    .serials
                    .keys()
                    .any(|other| without_zeros(other) == bare) =>
            {
                Same::ZerosApart
            }
            false => Same::No,
        }
    }

    /// Whether any MAC address agrees.
    pub(super) fn mac(&self, row: &RowSigns) -> Same {
        match (
            row.macs.is_empty() || self.macs.is_empty(),
            row.macs.is_disjoint(&self.macs),
        ) {
            (true, _) => Same::Unknown,
            (false, true) => Same::No,
            (false, false) => Same::Yes,
        }
    }
}

/// Addresses that are no group's and no virtual router's.
fn is_sign(mac: MacAddr) -> bool {
    !mac.is_group() && !mac.is_virtual_router() && mac != MacAddr::NONE
}

/// Numbers without the zeros in front; other texts as they are.
fn without_zeros(serial: &str) -> String {
    let number = serial.bytes().all(|byte| byte.is_ascii_digit());
    let bare = serial.trim_start_matches('0');
    if number && !bare.is_empty() {
        bare
    } else {
        serial
    }
    .to_owned()
}

/// Who has a sign.
#[derive(Debug, Default)]
pub(super) struct Holders {
    pub(super) rows: Vec<usize>,
    pub(super) devices: Vec<usize>,
}

/// Signs to their holders.
pub(super) struct Index {
    signs: BTreeMap<(Key, String), Holders>,
    /// The only device with an address; none where several have it.
    pub(super) by_ip: BTreeMap<IpAddr, Option<usize>>,
}

impl Index {
    pub(super) fn of(rows: &[RowSigns], devices: &[DeviceSigns]) -> Self {
        let mut signs: BTreeMap<(Key, String), Holders> = BTreeMap::new();
        for (place, row) in rows.iter().enumerate() {
            for sign in row.all() {
                signs.entry(sign).or_default().rows.push(place);
            }
        }
        for (place, device) in devices.iter().enumerate() {
            for sign in device.all() {
                // What no row has decides nothing.
                if let Some(holders) = signs.get_mut(&sign) {
                    holders.devices.push(place);
                }
            }
        }
        Index {
            signs,
            by_ip: BTreeMap::new(),
        }
    }

    pub(super) fn with_addresses(mut self, devices: &[Device]) -> Self {
        for (place, device) in devices.iter().enumerate() {
            for ip in &device.ips {
                let holder = self.by_ip.entry(*ip).or_insert(Some(place));
                if *holder != Some(place) {
                    *holder = None;
                }
            }
        }
        self
    }

    pub(super) fn get(&self, key: Key, value: &str) -> Option<&Holders> {
        let holders = self.signs.get(&(key, value.to_owned()))?;
        (!holders.devices.is_empty()).then_some(holders)
    }
}

/// Signs that several rows have.
pub(super) fn duplicates(rows: &[RowSigns]) -> Vec<(Key, String, Vec<usize>)> {
    let signs = Index::of(rows, &[]).signs.into_iter();
    signs
        .filter(|(_, holders)| holders.rows.len() > 1)
        .map(|((key, value), holders)| (key, value, holders.rows))
        .collect()
}

/// Both makers, where both are known and neither names the other, nor one that sells the same.
pub(super) fn makers_differ<'a>(
    row: &'a Row,
    device: &'a DeviceSigns,
) -> Option<(&'a str, &'a str)> {
    let (ours, theirs) = (row.vendor.as_deref()?, device.vendor.as_deref()?);
    (!related(ours, theirs, device)).then_some((ours, theirs))
}

/// Both makers are known and agree.
pub(super) fn makers_agree(row: &Row, device: &DeviceSigns) -> bool {
    match (row.vendor.as_deref(), device.vendor.as_deref()) {
        (Some(ours), Some(theirs)) => related(ours, theirs, device),
        _ => false,
    }
}

fn related(ours: &str, theirs: &str, device: &DeviceSigns) -> bool {
    let share = crate::fold::words(theirs)
        .iter()
        .filter(|word| word.len() > 1)
        .any(|word| names_maker(ours, word));
    let family = device.signature.as_deref().and_then(family_of);
    let sold_by = family.is_some_and(|family| {
        family
            .labels
            .iter()
            .any(|label| names_maker(ours, &label.maker))
    });
    // The same firm under two of its names (GE Healthcare, Datex) is known of families only.
    share
        || sold_by
        || families().iter().any(|family| {
            let names = |text: &str| family.labels.iter().any(|l| names_maker(text, &l.maker));
            names(ours) && names(theirs)
        })
}
