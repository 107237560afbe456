//! Public addresses that belong to others live on a segment of ours, because a factory setting
//! or a manual says so.
//!
//! Sources: Claroty Team82 (2025-02) on the CMS8000's central station; factory ranges of the
//! inventory. Limit: never claimed from captures that show no destination MAC.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use auscult_inventory::is_private;
use auscult_inventory::{FactoryRange, OwnerKind, factory_range, owner};
use auscult_model::report::{Device, Finding, Severity};
use auscult_model::{PhiKind, Segment, Timestamp};

use crate::draft::Draft;
use crate::grade::Grade;
use crate::view::look_at;
use crate::words::{list, name_and_address, number_word, owner_words};
use crate::{Detector, Facts, RuleRecord, View};

static RECORD: RuleRecord = RuleRecord {
    rule: "public-address-squatted",
    title: "A device of ours uses an address that belongs to others",
    when: "An address that is registered to others lives on a segment: a card sends and receives \
           it and is no router for others. One finding for all that share a range or a card.",
    worst: Severity::Low,
    innocent: &[
        "The maker's manual prescribes the address (CONTEC, Dräger Vista 120, GE, Mindray ...).",
        "A router or a VPN box that answers ARP for others (proxy ARP): not reported.",
        "Eight or more of our hosts in one public network, or a network that a router announces: \
         ours, except factory ranges.",
    ],
    attack: &[],
    cves: &[],
    sources: &["Claroty Team82 (2025-02)", "RFC 1918"],
};

/// The detector.
pub(super) struct PublicAddressSquatted;

/// Addresses that share a range or a card.
#[derive(Default)]
struct Group<'a> {
    addresses: BTreeSet<(Segment, IpAddr)>,
    ranges: BTreeSet<(Segment, String)>,
    devices: BTreeMap<&'a str, &'a Device>,
    /// Packets that show the addresses on the link: answers to ARP, then conversations.
    packets: Vec<Shown>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Detector for PublicAddressSquatted {
    fn record(&self) -> &'static RuleRecord {
        &RECORD
    }

    fn conclude(&self, _facts: &Facts, view: &View<'_>) -> Vec<Finding> {
        let mut groups = groups(view);
        look_for(view, &mut groups);
        groups.iter().map(|group| finding(view, group)).collect()
    }
}

/// Whoever spoofs can put every address there is on a segment: each is looked at once, however
/// many share ranges and cards.
fn groups<'a>(view: &View<'a>) -> Vec<Group<'a>> {
    let mut joined = Joined::default();
    let mut by_range = BTreeMap::new();
    let mut by_device = BTreeMap::new();
    let mut found = Vec::new();
    for &(segment, ip) in view.inventory.squatted() {
        let own = joined.add();
        let range = (segment, range_of(ip));
        joined.join(own, *by_range.entry(range.clone()).or_insert(own));
        let device = view.device_at(segment, ip);
        if let Some(device) = device {
            joined.join(own, *by_device.entry(device.id.as_str()).or_insert(own));
        }
        found.push(((segment, ip), range, device));
    }
    let mut groups: BTreeMap<usize, Group<'a>> = BTreeMap::new();
    for (own, (address, range, device)) in found.into_iter().enumerate() {
        let group = groups.entry(joined.root(own)).or_default();
        group.addresses.insert(address);
        group.ranges.insert(range);
        group
            .devices
            .extend(device.map(|device| (device.id.as_str(), device)));
    }
    groups.into_values().collect()
}

/// Numbers that belong together, each group known by its smallest.
#[derive(Default)]
struct Joined(Vec<usize>);

impl Joined {
    fn add(&mut self) -> usize {
        self.0.push(self.0.len());
        self.0.len() - 1
    }

    fn root(&mut self, mut at: usize) -> usize {
        while self.0[at] != at {
            self.0[at] = self.0[self.0[at]];
            at = self.0[at];
        }
        at
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b)] = a.min(b);
    }
}

/// The factory range, else the usual network of the address.
fn range_of(ip: IpAddr) -> String {
    match (factory_range(ip), ip) {
        (Some(range), _) => range.network.to_string(),
        (None, IpAddr::V4(ip)) => {
            let [a, b, c, _] = ip.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        (None, IpAddr::V6(ip)) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

fn finding(view: &View<'_>, group: &Group<'_>) -> Finding {
    let addresses: BTreeSet<IpAddr> = group.addresses.iter().map(|(_, ip)| *ip).collect();
    let devices: Vec<&Device> = group.devices.values().copied().collect();
    let patients = devices.iter().any(|device| {
        device
            .patient_data
            .iter()
            .any(|kind| *kind != PhiKind::Location)
    });
    let mut grade = if patients {
        Grade::new(Severity::Low, "patient data depend on addresses of others")
    } else {
        Grade::new(Severity::Info, "no patient data seen with these addresses")
    };
    grade.note("answered on the own segment: nothing was seen to leave by these addresses");
    let local: Vec<IpAddr> = addresses.iter().copied().collect();
    grade.cap_by_network(view, &local);

    let object: Vec<String> = group
        .ranges
        .iter()
        .map(|(segment, range)| format!("{segment} {range}"))
        .collect();
    let ranges: BTreeSet<&str> = group
        .ranges
        .iter()
        .map(|(_, range)| range.as_str())
        .collect();
    let names: Vec<String> = devices
        .iter()
        .map(|device| name_and_address(device))
        .collect();
    let mut draft = Draft::new(&RECORD, "", &object.join(", "))
        .texts("addresses", addresses.iter().map(ToString::to_string))
        .texts("ranges", ranges.iter().copied())
        .text("where", "squatted")
        .texts("private_addresses_too", private_addresses(&devices));
    for device in &devices {
        draft = draft.device(Some(device));
        if let (Some(first), Some(last)) = (device.first_seen, device.last_seen) {
            draft = draft.times(first, last, 1);
        }
    }
    if let Some(peer) = station(&addresses) {
        draft = draft.peer(peer, None);
    }
    for (ip, packet, note) in group.packets.iter().take(3) {
        draft = draft.packet(view, *packet, note, &look_at(*ip));
    }
    if let (Some(first), Some(last)) = (group.first, group.last) {
        draft = draft.times(first, last, 0);
    }
    let sample = addresses.first().copied();
    let owned = sample.and_then(|ip| owner_words(ip, owner(ip).filter(is_owned)));
    let owner = owned.unwrap_or_else(|| "Its holder is not known.".to_owned());
    let factory = addresses.iter().any(|ip| factory_range(*ip).is_some());
    let shown = list(addresses.iter().map(ToString::to_string));
    let live = if addresses.len() == 1 {
        "lives"
    } else {
        "live"
    };
    draft
        .words(title(&names, factory), "Nothing to do.", action(factory))
        .seen(format!(
            "{shown} {live} on this segment. Nothing was seen to leave by it."
        ))
        .seen(owner.replace(" Who received it is not known.", ""))
        .innocent(innocent(sample.and_then(factory_range)))
        .finish(grade, 0.95)
}

fn title(names: &[String], factory: bool) -> String {
    let many = number_word(names.len());
    match (names, factory) {
        ([one], true) => format!("{one} uses an address that belongs to others"),
        ([one], false) => format!("{one} uses a public address on this segment"),
        (_, true) => format!("{many} devices use addresses that belong to others"),
        (_, false) => format!("{many} devices use public addresses on this segment"),
    }
}

fn action(factory: bool) -> &'static str {
    if factory {
        "Renumber into a private network when you can, the station and its devices together; \
         until then keep the range blocked both ways at the edge."
    } else {
        "If the network is yours, say so with --site-net; else renumber it when you can."
    }
}

fn is_owned(owner: &auscult_inventory::Owner) -> bool {
    owner.kind != OwnerKind::Special
}

/// The address that others are sent to, when one stands out: the factory address of a station.
fn station(addresses: &BTreeSet<IpAddr>) -> Option<IpAddr> {
    let known = IpAddr::from([202, 114, 4, 119]);
    addresses.get(&known).or_else(|| addresses.first()).copied()
}

fn private_addresses(devices: &[&Device]) -> Vec<String> {
    let ips = devices.iter().flat_map(|device| &device.ips);
    let private: BTreeSet<IpAddr> = ips.copied().filter(|ip| is_private(*ip)).collect();
    private.iter().map(ToString::to_string).collect()
}

fn innocent(range: Option<&FactoryRange>) -> String {
    match range {
        Some(range) => format!(
            "Usual: {}. Looked for: frames to a router for this address; none.",
            list(&range.used_by)
        ),
        None => "A public network of your own, a test network, or an address plan that ran out \
                 of private space. Looked for: frames to a router for this address; none."
            .to_owned(),
    }
}

type Shown = (IpAddr, auscult_model::PacketRef, &'static str);

/// Looks for the packets and times of all groups, in one pass over what is known.
fn look_for(view: &View<'_>, groups: &mut [Group<'_>]) {
    let mut group_of: BTreeMap<(Segment, IpAddr), usize> = BTreeMap::new();
    for (index, group) in groups.iter().enumerate() {
        group_of.extend(group.addresses.iter().map(|address| (*address, index)));
    }
    let mut answers: Vec<Vec<Shown>> = vec![Vec::new(); groups.len()];
    let (mut talks, mut asks) = (answers.clone(), answers.clone());
    for (key, sum) in view.ledger.neighbours() {
        if key.answered_by.is_some()
            && let Some(index) = group_of.get(&(key.segment, key.target))
        {
            let note = "answers for the address on the link";
            answers[*index].push((key.target, sum.packet, note));
        }
        if let Some(index) = group_of.get(&(key.segment, key.asker_ip)) {
            asks[*index].push((key.asker_ip, sum.packet, "asks from the address"));
        }
    }
    for (key, sum) in view.ledger.conversations() {
        let sender = group_of.get(&(key.segment, key.originator));
        let receiver = group_of.get(&(key.segment, key.responder));
        if let Some(index) = sender {
            talks[*index].push((key.originator, sum.first_packet, "sends from the address"));
        }
        if let Some(index) = receiver.filter(|index| sender != Some(*index))
            && let Some(packet) = sum.first_answer
        {
            talks[*index].push((key.responder, packet, "answers from the address"));
        }
        for index in sender.into_iter().chain(receiver) {
            let group = &mut groups[*index];
            group.first = Some(group.first.map_or(sum.first, |known| known.min(sum.first)));
            group.last = Some(group.last.map_or(sum.last, |known| known.max(sum.last)));
        }
    }
    for (index, group) in groups.iter_mut().enumerate() {
        for found in [&mut answers[index], &mut talks[index], &mut asks[index]] {
            found.sort_by_key(|(ip, packet, _)| (*packet, *ip));
        }
        answers[index].truncate(2);
        for found in [&mut answers[index], &mut talks[index], &mut asks[index]] {
            group.packets.append(found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{Host, Scene, Talk, far, host};

    const RULE: &str = "public-address-squatted";

    fn on_link(address: [u8; 4]) -> Host {
        Host {
            mac: auscult_model::MacAddr([0xd4, 0xbe, 0xd9, 1, 2, 3]),
            ..host(address)
        }
    }

    fn station(scene: Scene, address: [u8; 4]) -> Scene {
        let (asker, station) = (host([10, 9, 0, 7]), on_link(address));
        scene.asked(asker, station.ip, (1, 0), Some(station)).talk(
            asker,
            station,
            445,
            "smb",
            Talk::ANSWERED,
        )
    }

    #[test]
    fn without_patient_data_it_is_info() {
        let finding = station(Scene::new(), [202, 114, 4, 119]).one(RULE);
        assert_eq!(finding.severity, Severity::Info);
        assert_eq!(finding.devices.len(), 1);
    }

    #[test]
    fn with_patient_data_it_is_low() {
        let (asker, address) = (host([10, 9, 0, 7]), [202, 114, 4, 119]);
        let scene = station(Scene::new(), address)
            .talk(asker, on_link(address), 515, "contec-cms", Talk::ANSWERED)
            .patient(asker, on_link(address), "contec-cms");
        assert_eq!(scene.one(RULE).severity, Severity::Low);
    }

    #[test]
    fn near_miss_on_the_bench() {
        let (asker, address) = (host([10, 9, 0, 7]), [202, 114, 4, 119]);
        let mut scene = station(Scene::new(), address)
            .talk(asker, on_link(address), 515, "contec-cms", Talk::ANSWERED)
            .patient(asker, on_link(address), "contec-cms");
        scene
            .site
            .bench_networks
            .push("202.114.4.0/24".parse().unwrap());
        assert_eq!(scene.one(RULE).severity, Severity::Info);
    }

    #[test]
    fn two_cards_in_one_range_are_one_finding() {
        let other = Host {
            ip: [202, 114, 4, 20].into(),
            ..host([10, 9, 0, 20])
        };
        let scene = station(Scene::new(), [202, 114, 4, 119])
            .asked(host([10, 9, 0, 7]), other.ip, (1, 0), Some(other))
            .talk(
                other,
                on_link([202, 114, 4, 119]),
                515,
                "lpd",
                Talk::ANSWERED,
            );
        assert_eq!(scene.one(RULE).devices.len(), 2);
    }

    #[test]
    fn a_public_network_that_may_be_ours_is_not_said_to_be_of_others() {
        let finding = station(Scene::new(), [192, 150, 187, 50]).one(RULE);
        assert!(!finding.title.contains("others"), "{}", finding.title);
        assert!(finding.action.contains("--site-net"), "{}", finding.action);
    }

    #[test]
    fn three_addresses_on_one_card_are_one_finding() {
        let scene = station(Scene::new(), [202, 114, 4, 119]);
        let scene = station(scene, [202, 114, 4, 120]);
        let scene = station(scene, [126, 4, 5, 6]);
        let finding = scene.one(RULE);
        assert_eq!(finding.devices.len(), 1);
        let Some(auscult_model::report::details::Value::List(all)) =
            finding.details.get("addresses")
        else {
            panic!("{:?}", finding.details);
        };
        assert_eq!(all.len(), 3);
    }

    #[test]
    fn near_miss_the_same_address_beyond_the_router() {
        let asker = host([10, 9, 0, 7]);
        let scene = Scene::new().talk(asker, far([202, 114, 4, 119]), 515, "lpd", Talk::ANSWERED);
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_a_private_address() {
        assert_eq!(station(Scene::new(), [10, 9, 0, 8]).of(RULE), []);
    }

    #[test]
    fn near_miss_a_capture_without_destinations() {
        let mut scene = station(Scene::new(), [202, 114, 4, 119]);
        scene.ledger.link_without_destinations(Segment::UNTAGGED);
        assert_eq!(scene.of(RULE), []);
    }
}
