//! Where traffic went: each grade of proof, and the nearest miss of each.

mod ward;

use auscult_inventory::{Filter, Inventory, Partner, Reach, SiteOptions};
use auscult_model::report::Where;
use auscult_model::{
    ConversationSum, Direction, FlowStart, Leg, Outcome, Segment, Timestamp, Transport,
};
use ward::*;

const HERE: Segment = Segment::UNTAGGED;
const MINE: &str = "10.20.3.14";

fn reach_with(facts: &[Fact], options: &SiteOptions) -> Reach {
    let ledger = tell(facts);
    let inventory = Inventory::resolve(&ledger, options);
    inventory.reach(&ledger, (HERE, ip(MINE)), ip(CMS), Filter::default())
}

fn reach(facts: &[Fact]) -> Reach {
    reach_with(facts, &SiteOptions::default())
}

fn monitor() -> Side {
    side(MONITOR, MINE, 64)
}

/// The gateway's own address, known by ARP.
fn gateway() -> [Fact; 2] {
    [
        asks(HERE, MONITOR, MINE, "10.20.3.1", 1),
        answers(HERE, GATEWAY, "10.20.3.1", MONITOR, MINE),
    ]
}

fn with_gateway(facts: impl IntoIterator<Item = Fact>) -> Vec<Fact> {
    gateway().into_iter().chain(facts).collect()
}

/// A stream to the public address, answered with this hop limit after this time.
fn answered(hops: u8, ms: i64) -> Fact {
    let change = |sum: &mut ConversationSum| {
        sum.round_trip = ms * Timestamp::MILLISECOND;
        sum.payload = [1500, 0];
        sum.acknowledged = [1500, 0];
    };
    tcp_with(
        HERE,
        monitor(),
        side(GATEWAY, CMS, hops),
        515,
        "contec-cms",
        |_, sum| change(sum),
    )
}

#[test]
fn answered_far() {
    let reach = reach(&with_gateway([answered(49, 241)]));
    assert_eq!(reach.place, Where::AnsweredFar);
    assert!(reach.behind_gateway);
    assert_eq!(reach.next_hop, Some(mac(GATEWAY)));
    assert_eq!((reach.hops, reach.round_trip_ms), (Some(15), Some(241.0)));
    assert_eq!(reach.acknowledged, 1500);
    assert_eq!(reach.owner.and_then(|owner| owner.asn), Some(4538));
    assert!(!reach.packets.is_empty());
}

#[test]
fn a_quick_answer_alone_is_not_near() {
    // No country configured: the bound says nothing about where the other side should be.
    assert_eq!(
        reach(&with_gateway([answered(49, 2)])).place,
        Where::AnsweredFar
    );
}

#[test]
fn answered_near_needs_country_and_bound() {
    let at_home = SiteOptions {
        country: Some("DE".to_owned()),
        ..SiteOptions::default()
    };
    let near = with_gateway([answered(49, 9)]);
    let graded = reach_with(&near, &at_home);
    assert_eq!(graded.place, Where::AnsweredNear);
    assert_eq!(graded.distance_km, Some(900.0));
    let far = with_gateway([answered(49, 10)]);
    assert_eq!(
        reach_with(&far, &at_home).place,
        Where::AnsweredFar,
        "1,000 km is not under it"
    );
    let same = SiteOptions {
        country: Some("cn".to_owned()),
        ..SiteOptions::default()
    };
    assert_eq!(reach_with(&near, &same).place, Where::AnsweredFar);
}

#[test]
fn a_station_behind_a_static_route_is_told_apart() {
    let graded = reach(&with_gateway([answered(63, 1)]));
    assert_eq!(graded.place, Where::CannotTell);
    assert!(
        graded.reasons[0].contains("static route"),
        "{:?}",
        graded.reasons
    );
    assert_eq!(
        reach(&with_gateway([answered(63, 3)])).place,
        Where::AnsweredFar
    );
    assert_eq!(
        reach(&with_gateway([answered(61, 1)])).place,
        Where::AnsweredFar
    );
}

#[test]
fn a_proxy_that_answers_for_the_far_end_is_not_far() {
    let graded = reach(&with_gateway([
        answered(64, 1),
        browsing(Outcome::Answered),
    ]));
    assert_eq!(graded.place, Where::TowardsOutside);
    assert!(graded.reasons[0].contains("proxy"));
    assert_eq!(graded.distance_km, None);
    let alone = reach(&with_gateway([answered(64, 1)]));
    assert_eq!(
        alone.place,
        Where::TowardsOutside,
        "nor does the far end live here"
    );
}

/// Another flow by the same way.
fn browsing(outcome: Outcome) -> Fact {
    tcp_with(
        HERE,
        monitor(),
        side(GATEWAY, "198.51.100.9", 49),
        80,
        "http",
        |key, sum| {
            key.outcome = outcome;
            if outcome != Outcome::Answered {
                sum.packets[1] = 0;
                (sum.ttl_min[1], sum.ttl_max[1]) = (255, 0);
            }
        },
    )
}

#[test]
fn attempted_only_where_an_answer_would_have_been_seen() {
    let silent = syns(HERE, monitor(), side(GATEWAY, CMS, 0), 515, 0);
    let paced = syns(HERE, monitor(), side(GATEWAY, CMS, 0), 515, 4);

    let path = reach(&with_gateway([silent.clone(), browsing(Outcome::Answered)]));
    assert_eq!((path.place, path.attempts), (Where::Attempted, 5));
    assert_eq!(path.watched.path_answered, 1);
    assert!(path.behind_gateway);

    assert_eq!(reach(&with_gateway([paced])).place, Where::Attempted);

    let nothing = reach(&with_gateway([silent, browsing(Outcome::Unanswered)]));
    assert_eq!(nothing.place, Where::CannotTell);
    assert!(nothing.confidence < path.confidence);
}

#[test]
fn questions_on_the_link_are_attempts() {
    let asked = reach(&[asks(HERE, MONITOR, MINE, CMS, 9)]);
    assert_eq!((asked.place, asked.attempts), (Where::Attempted, 9));
    assert!(!asked.behind_gateway);
    assert_eq!(
        reach(&[asks(HERE, MONITOR, MINE, CMS, 1)]).place,
        Where::CannotTell
    );
}

#[test]
fn one_sided_payload_goes_towards_the_outside() {
    let fact = tcp_with(
        HERE,
        monitor(),
        side(GATEWAY, CMS, 0),
        515,
        "contec-cms",
        |key, sum| {
            key.outcome = Outcome::Unanswered;
            sum.packets = [20, 0];
            sum.payload = [1500, 0];
            sum.acknowledged = [0, 0];
            (sum.ttl_min[1], sum.ttl_max[1]) = (255, 0);
            sum.round_trip = i64::MAX;
            sum.one_sided = 1;
        },
    );
    let graded = reach(&with_gateway([fact]));
    assert_eq!(graded.place, Where::TowardsOutside);
    assert!(
        graded
            .notes
            .iter()
            .any(|note| note.contains("only one direction"))
    );
    assert!(graded.confidence < 0.7);
}

#[test]
fn datagrams_that_nobody_answers() {
    let datagrams = |packets: u64| {
        tcp_with(
            HERE,
            monitor(),
            side(GATEWAY, CMS, 0),
            514,
            "syslog",
            |key, sum| {
                key.transport = Transport::Udp;
                key.outcome = Outcome::Unanswered;
                sum.packets = [packets, 0];
                sum.payload = [packets * 100, 0];
                (sum.ttl_min[1], sum.ttl_max[1]) = (255, 0);
                sum.round_trip = i64::MAX;
                sum.attempts = 1;
            },
        )
    };
    let path = browsing(Outcome::Answered);
    let first = reach(&with_gateway([datagrams(1), path.clone()]));
    assert_eq!(
        first.place,
        Where::Attempted,
        "a first datagram is an attempt"
    );
    let stream = reach(&with_gateway([datagrams(500), path]));
    assert_eq!(
        stream.place,
        Where::TowardsOutside,
        "a stream wants no answer"
    );
}

#[test]
fn refusals() {
    let refuse = |hops: u8, ms: i64, icmp: u64| {
        tcp_with(
            HERE,
            monitor(),
            side(GATEWAY, CMS, hops),
            515,
            "unknown",
            |key, sum| {
                key.outcome = Outcome::Refused;
                sum.payload = [0, 0];
                sum.acknowledged = [0, 0];
                sum.round_trip = ms * Timestamp::MILLISECOND;
                sum.icmp_errors = icmp;
                sum.resets = [0, 1];
            },
        )
    };
    assert_eq!(
        reach(&with_gateway([refuse(49, 240, 1)])).place,
        Where::Blocked
    );
    assert_eq!(
        reach(&with_gateway([refuse(49, 1, 0)])).place,
        Where::Blocked
    );
    assert_eq!(
        reach(&with_gateway([refuse(64, 240, 0)])).place,
        Where::Blocked
    );
    let far = reach(&with_gateway([refuse(49, 240, 0)]));
    assert_eq!((far.place, far.payload), (Where::AnsweredFar, [0, 0]));
}

fn outer_leg(to: &str, segment: Segment) -> Leg {
    Leg {
        segment,
        src_mac: Some(mac(GATEWAY)),
        dst_mac: Some(mac(to)),
        ttl_step: -1,
        direction: Direction::FromOriginator,
    }
}

/// A stream whose packets were seen beyond the router, answers unseen.
fn copied(leg: Leg, payload: u64) -> Fact {
    tcp_with(
        HERE,
        monitor(),
        side(GATEWAY, CMS, 0),
        515,
        "contec-cms",
        move |key, sum| {
            key.outcome = Outcome::Unanswered;
            sum.packets = [20, 0];
            sum.payload = [payload, 0];
            (sum.ttl_min[1], sum.ttl_max[1]) = (255, 0);
            sum.round_trip = i64::MAX;
            sum.add_leg(leg);
        },
    )
}

#[test]
fn left_by_the_outer_leg() {
    let (wan, provider) = (Segment::vlan(99), "00:aa:00:00:00:01");
    // The provider's router is known as one: it brings packets from afar.
    let transit = tcp(
        wan,
        side("00:1b:17:00:01:02", "10.0.99.2", 64),
        side(provider, "9.9.9.9", 50),
        443,
        "tls",
    );
    let near_router = asks(wan, "00:1b:17:00:01:02", "10.0.99.2", "10.0.99.1", 1);
    let facts = |payload| {
        with_gateway([
            copied(outer_leg(provider, wan), payload),
            near_router.clone(),
        ])
    };
    // The segment beyond has a host (10.0.99.2 passes nothing on that was seen): not outer.
    let mut inner = facts(1500);
    inner.push(transit);
    assert_eq!(reach(&inner).place, Where::TowardsOutside);

    let outer = with_gateway([
        copied(outer_leg(provider, wan), 1500),
        tcp(
            wan,
            side(GATEWAY, "10.20.9.9", 63),
            side(provider, "9.9.9.9", 50),
            443,
            "tls",
        ),
    ]);
    assert_eq!(reach(&outer).place, Where::Left);
    let opening = with_gateway([
        copied(outer_leg(provider, wan), 0),
        tcp(
            wan,
            side(GATEWAY, "10.20.9.9", 63),
            side(provider, "9.9.9.9", 50),
            443,
            "tls",
        ),
    ]);
    assert_ne!(
        reach(&opening).place,
        Where::Left,
        "an opening carries nothing away"
    );
}

fn start(originator: &str, segment: Segment, milliseconds: i64, number: u64) -> Fact {
    Fact::Start(FlowStart {
        responder: ip(CMS),
        port: 515,
        sequence: 0x1234_5678,
        tcp_timestamp: 77,
        originator: ip(originator),
        segment,
        time: at(0).plus(milliseconds * Timestamp::MILLISECOND),
        packet: packet(number),
    })
}

#[test]
fn left_by_the_translated_leg() {
    let pair = |apart| {
        with_gateway([
            answered(49, 240),
            start(MINE, HERE, 0, 3),
            start("198.51.100.2", Segment::vlan(99), apart, 4),
        ])
    };
    let graded = reach(&pair(20));
    assert_eq!(graded.place, Where::Left);
    assert!(graded.reasons[0].contains("198.51.100.2"));
    assert!(
        graded
            .packets
            .iter()
            .any(|(number, _)| *number == packet(4))
    );
    assert_eq!(
        reach(&pair(21)).place,
        Where::AnsweredFar,
        "not within 20 ms"
    );
    let alone = with_gateway([
        answered(49, 240),
        start(MINE, HERE, 0, 3),
        start(MINE, HERE, 5, 4),
    ]);
    assert_eq!(
        reach(&alone).place,
        Where::AnsweredFar,
        "the same address is no translation"
    );
}

#[test]
fn partners_sinkholes_and_the_sites_own_networks() {
    let facts = with_gateway([answered(49, 240)]);
    let network = || vec!["202.114.4.0/24".parse().unwrap()];
    let partner = SiteOptions {
        partners: vec![Partner {
            name: "teleradiology".to_owned(),
            networks: network(),
            via: Some("the VPN".to_owned()),
        }],
        ..SiteOptions::default()
    };
    let graded = reach_with(&facts, &partner);
    assert_eq!(
        (graded.place, graded.partner.as_deref()),
        (Where::Partner, Some("teleradiology"))
    );
    let site = SiteOptions {
        networks: network(),
        ..SiteOptions::default()
    };
    assert_eq!(reach_with(&facts, &site).place, Where::Inside);
    let sinkhole = SiteOptions {
        sinkholes: network(),
        ..SiteOptions::default()
    };
    let graded = reach_with(&facts, &sinkhole);
    assert!(graded.sinkhole && graded.place == Where::AnsweredFar);
    assert!(
        graded
            .reasons
            .iter()
            .any(|reason| reason.contains("sinkhole"))
    );
}

#[test]
fn a_tunnel_is_mentioned() {
    let small = tcp_with(
        HERE,
        monitor(),
        side(GATEWAY, CMS, 49),
        515,
        "contec-cms",
        |_, sum| {
            sum.mss_min = 1380;
        },
    );
    assert!(
        reach(&with_gateway([small]))
            .notes
            .iter()
            .any(|note| note.contains("VPN"))
    );
    assert!(reach(&with_gateway([answered(49, 240)])).notes.is_empty());
    let esp = tcp_with(
        HERE,
        side(GATEWAY, "10.20.3.1", 64),
        side("00:aa:00:00:00:01", "198.51.100.77", 0),
        0,
        "esp",
        |key, sum| {
            key.transport = Transport::Other(50);
            key.outcome = Outcome::Unanswered;
            sum.packets = [10, 0];
        },
    );
    let graded = reach(&with_gateway([answered(49, 240), esp]));
    assert!(graded.notes.iter().any(|note| note.contains("ESP")));
}

#[test]
fn outside_that_begins_is_far_once_it_shows_that_it_listens() {
    let inbound = |transport: Transport, payload: u64| {
        tcp_with(
            HERE,
            side(GATEWAY, CMS, 49),
            side(MONITOR, MINE, 64),
            2575,
            "hl7",
            |key, sum| {
                key.transport = transport;
                sum.payload = [payload, 300];
                sum.acknowledged = [0, 0];
            },
        )
    };
    let tcp = reach(&with_gateway([inbound(Transport::Tcp, 10)]));
    assert_eq!((tcp.place, tcp.inbound), (Where::AnsweredFar, true));
    let datagram = reach(&with_gateway([inbound(Transport::Udp, 10)]));
    assert_eq!(
        datagram.place,
        Where::TowardsOutside,
        "any sender can be written in a datagram"
    );
}

#[test]
fn the_filter_asks_for_one_service() {
    let ledger = tell(&with_gateway([
        answered(49, 240),
        syns(HERE, monitor(), side(GATEWAY, CMS, 0), 111, 4),
    ]));
    let inventory = Inventory::resolve(&ledger, &SiteOptions::default());
    let place = |filter| {
        inventory
            .reach(&ledger, (HERE, ip(MINE)), ip(CMS), filter)
            .place
    };
    let port = |port| Filter {
        port: Some(port),
        ..Filter::default()
    };
    assert_eq!(place(port(515)), Where::AnsweredFar);
    assert_eq!(place(port(111)), Where::Attempted);
    let protocol = Filter {
        protocol: Some("contec-cms"),
        ..Filter::default()
    };
    assert_eq!(place(protocol), Where::AnsweredFar);
    assert_eq!(place(port(9)), Where::CannotTell);
}

#[test]
fn groups_and_neighbours() {
    let ledger = tell(&[
        tcp(
            HERE,
            monitor(),
            side(STATION, "10.20.3.200", 64),
            515,
            "contec-cms",
        ),
        tcp(HERE, monitor(), side(GATEWAY, "10.30.0.8", 63), 6661, "hl7"),
    ]);
    let inventory = Inventory::resolve(&ledger, &SiteOptions::default());
    let place = |peer: &str| {
        inventory
            .reach(&ledger, (HERE, ip(MINE)), ip(peer), Filter::default())
            .place
    };
    assert_eq!(place("239.1.2.3"), Where::Group);
    assert_eq!(place("255.255.255.255"), Where::Group);
    assert_eq!(place("10.20.3.200"), Where::SameSegment);
    assert_eq!(place("10.30.0.8"), Where::Inside);
}

#[test]
fn translation_with_its_own_hop_limit_is_no_resident() {
    // A virtual machine's host gives every far answer a hop limit of 128; no ARP was seen.
    let host = side("00:50:56:e0:00:01", "51.83.238.219", 128);
    let fact = tcp(HERE, monitor(), host, 443, "tls");
    let ledger = tell(&[fact]);
    let inventory = Inventory::resolve(&ledger, &SiteOptions::default());
    assert!(inventory.squatted().is_empty());
    let peer = ip("51.83.238.219");
    let reach = inventory.reach(&ledger, (HERE, ip(MINE)), peer, Filter::default());
    assert_eq!(reach.place, Where::TowardsOutside);
}

#[test]
fn a_public_server_alone_with_its_router_lives_here() {
    let server = side(MONITOR, "159.0.2.10", 64);
    let ledger = tell(&[tcp(HERE, side(GATEWAY, "9.9.9.9", 50), server, 443, "tls")]);
    let inventory = Inventory::resolve(&ledger, &SiteOptions::default());
    assert_eq!(device(&inventory, HERE, "159.0.2.10").macs, [mac(MONITOR)]);
    assert!(
        inventory.squatted().is_empty(),
        "answers come back to it from outside"
    );
}
