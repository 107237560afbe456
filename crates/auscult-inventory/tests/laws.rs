//! The laws that devices and grades keep: order, splits and merges of facts change nothing, and
//! tables stay within their caps.

mod ward;

use auscult_inventory::{Filter, Inventory, Ledger, Limits, SiteOptions};
use auscult_model::{NeighbourKey, NeighbourSum, Outcome, Segment, Timestamp};
use proptest::prelude::*;
use ward::*;

/// A small random ward: few cards, addresses and segments, so that facts collide.
fn fact() -> impl Strategy<Value = Fact> {
    let segment = prop_oneof![Just(Segment::UNTAGGED), Just(Segment::vlan(20))];
    let cards = [
        MONITOR,
        GATEWAY,
        STATION,
        "02:00:00:00:00:05",
        "00:00:5e:00:01:01",
    ];
    let addresses = [
        "10.20.3.14",
        "10.20.3.1",
        "10.30.0.8",
        CMS,
        "202.114.4.20",
        "198.51.100.9",
    ];
    let card = prop::sample::select(cards.to_vec());
    let address = prop::sample::select(addresses.to_vec());
    let hops = prop::sample::select(&[64u8, 63, 49, 128, 1][..]);
    let protocol = prop::sample::select(&["contec-cms", "hl7", "unknown", "smb"][..]);
    (
        segment,
        card.clone(),
        address.clone(),
        card,
        address,
        hops,
        protocol,
        0u8..9,
        0i64..200,
    )
        .prop_map(|(segment, a, a_ip, b, b_ip, hops, protocol, kind, time)| {
            let (from, to) = (side(a, a_ip, 64), side(b, b_ip, hops));
            let (sender, receiver) = (end(segment, from, 3000), end(segment, to, 515));
            match kind {
                0 => asks(segment, a, a_ip, b_ip, 2),
                1 => answers(segment, a, a_ip, b, b_ip),
                2 => syns(segment, from, to, 515, 2),
                3 => later(claims(protocol, sender, receiver, "bed", a_ip), time),
                4 => later(claims(protocol, sender, receiver, "serial", a), time),
                5 => later(patient_data(protocol, sender, receiver), time),
                6 => tcp_with(segment, from, to, 80, protocol, |key, sum| {
                    key.outcome = Outcome::Refused;
                    sum.first = at(time);
                }),
                _ => tcp_with(segment, from, to, 515, protocol, |_, sum| {
                    sum.first = at(time);
                    sum.last = at(time + 60);
                    sum.first_packet = packet(time as u64);
                    sum.round_trip = time * Timestamp::MILLISECOND;
                }),
            }
        })
}

fn later(fact: Fact, seconds: i64) -> Fact {
    match fact {
        Fact::Event(mut event) => {
            (event.first, event.last) = (at(seconds), at(seconds + 5));
            event.first_packet = packet(seconds as u64);
            event.last_packet = packet(seconds as u64 + 1);
            Fact::Event(event)
        }
        other => other,
    }
}

/// Everything that an inventory says.
fn told(ledger: &Ledger) -> String {
    let inventory = Inventory::resolve(ledger, &SiteOptions::default());
    let mut told = format!("{:#?}\n{:?}\n", inventory.devices, inventory.squatted());
    for (key, _) in ledger.conversations() {
        let local = (key.segment, key.originator);
        let reach = inventory.reach(ledger, local, key.responder, Filter::default());
        told.push_str(&format!("{reach:?}\n"));
    }
    told
}

proptest! {
    #[test]
    fn order_splits_and_merges_change_nothing(
        facts in prop::collection::vec(fact(), 1..40),
        order in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let whole = tell(&facts);
        let mut turned = facts.clone();
        turned.rotate_left(order.index(facts.len()));
        turned.reverse();
        let (a, b) = turned.split_at(cut.index(turned.len()));
        let mut merged = tell(a);
        merged.merge(tell(b));
        prop_assert_eq!(&whole, &merged);
        prop_assert_eq!(told(&whole), told(&merged));
    }

    #[test]
    fn caps_hold_in_any_order(facts in prop::collection::vec(fact(), 1..60), rows in 1usize..6) {
        let small = |facts: &[Fact]| {
            let mut ledger = Ledger::new(Limits::at_most(rows));
            facts.iter().for_each(|fact| add(&mut ledger, fact));
            ledger
        };
        let whole = small(&facts);
        let mut turned = facts.clone();
        turned.reverse();
        prop_assert_eq!(&whole, &small(&turned));
        prop_assert!(whole.conversations().count() <= rows);
        prop_assert!(whole.spoken().len() <= rows);
        prop_assert!(!told(&whole).is_empty());
    }

    #[test]
    fn ids_are_unique_and_every_address_is_on_one_segment_one_devices(
        facts in prop::collection::vec(fact(), 1..60),
    ) {
        let inventory = resolve(&facts);
        let mut ids = std::collections::BTreeSet::new();
        for device in &inventory.devices {
            prop_assert!(!device.id.is_empty());
            prop_assert!(ids.insert(&device.id), "{} twice", device.id);
            for alias in &device.aliases {
                prop_assert!(ids.insert(alias), "{alias} twice");
            }
            let anchored = device.id.starts_with("bed") || device.id.contains("machine");
            prop_assert!(!anchored);
        }
    }
}

#[test]
fn a_million_peers_fill_a_table_and_not_the_memory() {
    let mut ledger = Ledger::new(Limits::at_most(1000));
    let here = Segment::UNTAGGED;
    let kept = tcp(
        here,
        side(MONITOR, "10.20.3.14", 64),
        side(STATION, "10.20.3.5", 64),
        80,
        "http",
    );
    for n in 0..1_000_000u32 {
        let peer = std::net::Ipv4Addr::from_bits(0x0100_0000 + n * 7).to_string();
        add(
            &mut ledger,
            &syns(
                here,
                side(MONITOR, "10.20.3.14", 64),
                side(GATEWAY, &peer, 0),
                80,
                0,
            ),
        );
    }
    // What somebody answered is kept, though it came last and its address sorts late.
    add(&mut ledger, &kept);
    assert_eq!(ledger.conversations().count(), 1000);
    assert_eq!(ledger.limits()["inventory-conversations"], 999_001);
    let inventory = Inventory::resolve(&ledger, &SiteOptions::default());
    let monitor = device(&inventory, here, "10.20.3.14");
    assert_eq!(
        (monitor.talks_to_total, monitor.talks_to.len()),
        (1000, 100)
    );
    assert_eq!(monitor.talks_to[0].peer, ip("10.20.3.5"));
}

/// Whoever is heard for a moment every twenty minutes, for months.
#[test]
fn times_of_a_card_are_bounded_and_counted() {
    let key = NeighbourKey {
        segment: auscult_model::Segment::UNTAGGED,
        asker_mac: auscult_model::MacAddr([0, 1, 2, 3, 4, 5]),
        asker_ip: "10.0.0.1".parse().expect("an address"),
        target: "10.0.0.2".parse().expect("an address"),
        answered_by: None,
    };
    let mut ledger = Ledger::default();
    for at in 0..3_000 {
        let time = Timestamp(at * 1_200 * Timestamp::SECOND);
        let sum = NeighbourSum::of(time, Default::default());
        ledger.neighbour(&key, &sum);
    }
    assert_eq!(ledger.limits().get("inventory-presence-ranges"), Some(&1));
    assert_eq!(ledger.limits().get("inventory-neighbour-times"), Some(&1));
}
