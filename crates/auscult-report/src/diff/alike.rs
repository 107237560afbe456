//! Which device of one report is which of the other.
//!
//! By the anchors that they share, strongest kind first; an anchor shared by weaker ones only
//! counts where no stronger kind contradicts: two cards that had the same address one after the
//! other are two devices.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;

use auscult_model::report::{Device, TalksTo};

/// The devices of two reports, paired.
pub(super) struct Pairs<'r> {
    before: Vec<&'r Device>,
    after: Vec<&'r Device>,
    /// For each of `after` its place in `before`.
    was: Vec<Option<usize>>,
    /// Who had an address, for addresses that one device had.
    holders: [BTreeMap<IpAddr, usize>; 2],
    /// Where a device stands, by its id.
    places: [BTreeMap<&'r str, usize>; 2],
}

/// Kinds of anchors, strongest first, as the inventory names them.
const KINDS: [&str; 9] = [
    "serial-",
    "eui64-",
    "device-id-",
    "endpoint-reference-",
    "bacnet-device-instance-",
    "mac-",
    "dhcp-",
    "card-",
    "addr-",
];

fn kind(anchor: &str) -> usize {
    let kinds = KINDS.iter();
    let known = kinds.clone().position(|kind| anchor.starts_with(*kind));
    known.unwrap_or(kinds.len())
}

fn anchors(device: &Device) -> impl Iterator<Item = &str> {
    std::iter::once(device.id.as_str()).chain(device.aliases.iter().map(String::as_str))
}

fn of_kind(device: &Device, wanted: usize) -> BTreeSet<&str> {
    anchors(device).filter(|a| kind(a) == wanted).collect()
}

/// A stronger kind that both have says that they are two.
fn contradict(a: &Device, b: &Device, shared: usize) -> bool {
    (0..shared).any(|kind| {
        let (a, b) = (of_kind(a, kind), of_kind(b, kind));
        !a.is_empty() && !b.is_empty() && a.is_disjoint(&b)
    })
}

fn by_anchor<'r>(
    devices: &[&'r Device],
    paired: &[bool],
    wanted: usize,
) -> BTreeMap<&'r str, Vec<usize>> {
    let mut map: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, (device, paired)) in devices.iter().zip(paired).enumerate() {
        if *paired {
            continue;
        }
        for anchor in of_kind(device, wanted) {
            map.entry(anchor).or_default().push(place);
        }
    }
    map
}

fn holders(devices: &[&Device]) -> BTreeMap<IpAddr, usize> {
    let mut holders: BTreeMap<IpAddr, Option<usize>> = BTreeMap::new();
    for (place, device) in devices.iter().enumerate() {
        for ip in &device.ips {
            let holder = holders.entry(*ip).or_insert(Some(place));
            if *holder != Some(place) {
                *holder = None;
            }
        }
    }
    holders
        .into_iter()
        .filter_map(|(ip, holder)| holder.map(|holder| (ip, holder)))
        .collect()
}

/// Pairs devices of one id. A written report may give an id to several: the first goes with the
/// first.
fn by_id(before: &[&Device], after: &[&Device], was: &mut [Option<usize>], taken: &mut [bool]) {
    let mut then: BTreeMap<&str, VecDeque<usize>> = BTreeMap::new();
    for (place, device) in before.iter().enumerate() {
        then.entry(&device.id).or_default().push_back(place);
    }
    for (device, was) in after.iter().zip(was) {
        let places = then.get_mut(device.id.as_str());
        let place = places.and_then(VecDeque::pop_front);
        if let Some(taken) = place.and_then(|place| taken.get_mut(place)) {
            *taken = true;
            *was = place;
        }
    }
}

/// Pairs the devices; each has at most one partner.
pub(super) fn pairs<'r>(before: &'r [Device], after: &'r [Device]) -> Pairs<'r> {
    let sorted = |devices: &'r [Device]| {
        let mut devices: Vec<&Device> = devices.iter().collect();
        devices.sort_by(|a, b| a.id.cmp(&b.id));
        devices
    };
    let (before, after) = (sorted(before), sorted(after));
    let mut was = vec![None; after.len()];
    let mut taken = vec![false; before.len()];
    by_id(&before, &after, &mut was, &mut taken);
    for wanted in 0..=KINDS.len() {
        let known: Vec<bool> = was.iter().map(Option::is_some).collect();
        let then = by_anchor(&before, &taken, wanted);
        for (anchor, places) in by_anchor(&after, &known, wanted) {
            // An anchor that several have names none of them.
            let ([now], Some([old])) = (places.as_slice(), then.get(anchor).map(Vec::as_slice))
            else {
                continue;
            };
            let (Some(a), Some(b)) = (before.get(*old), after.get(*now)) else {
                continue;
            };
            let free = taken.get(*old) == Some(&false) && was.get(*now) == Some(&None);
            if !free || contradict(a, b, wanted) {
                continue;
            }
            if let (Some(taken), Some(was)) = (taken.get_mut(*old), was.get_mut(*now)) {
                *taken = true;
                *was = Some(*old);
            }
        }
    }
    let holders = [holders(&before), holders(&after)];
    let places = [places(&before), places(&after)];
    Pairs {
        before,
        after,
        was,
        holders,
        places,
    }
}

fn places<'r>(devices: &[&'r Device]) -> BTreeMap<&'r str, usize> {
    let ids = devices.iter().map(|device| device.id.as_str());
    ids.zip(0..).collect()
}

/// Who the peer of a line was: by its id, else whoever alone had the address.
fn peer(
    line: &TalksTo,
    holders: &BTreeMap<IpAddr, usize>,
    places: &BTreeMap<&str, usize>,
) -> Option<usize> {
    let told = line.device.as_deref();
    let place = told.and_then(|id| places.get(id));
    place.or_else(|| holders.get(&line.peer)).copied()
}

/// Somebody that devices of both reports may talk to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Somebody<'r> {
    /// A device that is in both, whatever its address.
    Device(usize),
    /// An address, and the device that it was where that is known.
    Address(IpAddr, Option<&'r str>),
}

impl<'r> Pairs<'r> {
    /// Devices in both: as they were, and as they are.
    pub(super) fn both(&self) -> impl Iterator<Item = (&'r Device, &'r Device)> {
        let now = self.after.iter().zip(&self.was);
        now.filter_map(|(now, was)| {
            let then = self.before.get((*was)?)?;
            Some((*then, *now))
        })
    }

    /// All devices of the first report.
    pub(super) fn all_then(&self) -> impl Iterator<Item = &'r Device> {
        self.before.iter().copied()
    }

    /// All devices of the second report, as they are and as they were.
    pub(super) fn all_now(&self) -> impl Iterator<Item = (&'r Device, Option<&'r Device>)> {
        let now = self.after.iter().zip(&self.was);
        now.map(|(now, was)| (*now, was.and_then(|place| self.before.get(place)).copied()))
    }

    /// Devices that are in the second report only.
    pub(super) fn arrived(&self) -> impl Iterator<Item = &'r Device> {
        let now = self.after.iter().zip(&self.was);
        now.filter(|(_, was)| was.is_none()).map(|(now, _)| *now)
    }

    /// Devices that are in the first report only.
    pub(super) fn gone(&self) -> impl Iterator<Item = &'r Device> {
        let paired: BTreeSet<usize> = self.was.iter().flatten().copied().collect();
        let all = self.before.iter().enumerate();
        all.filter(move |(place, _)| !paired.contains(place))
            .map(|(_, device)| *device)
    }

    /// The peer of a line of the first report.
    pub(super) fn then(&self, line: &'r TalksTo) -> Somebody<'r> {
        let [holders, _] = &self.holders;
        let [places, _] = &self.places;
        let place = peer(line, holders, places);
        let still = |place: &usize| self.was.contains(&Some(*place));
        let id = line.device.as_deref();
        let address = Somebody::Address(line.peer, id);
        place.filter(still).map_or(address, Somebody::Device)
    }

    /// The peer of a line of the second report.
    pub(super) fn now(&self, line: &'r TalksTo) -> Somebody<'r> {
        let [_, holders] = &self.holders;
        let [_, places] = &self.places;
        let place = peer(line, holders, places);
        let was = place.and_then(|place| *self.was.get(place)?);
        let id = line.device.as_deref();
        let address = Somebody::Address(line.peer, id);
        was.map_or(address, Somebody::Device)
    }

    /// The ids in the first report of devices of the second that are in both.
    pub(super) fn ids_then(&self) -> BTreeMap<&'r str, &'r str> {
        let both = self.both();
        both.map(|(then, now)| (now.id.as_str(), then.id.as_str()))
            .collect()
    }
}
