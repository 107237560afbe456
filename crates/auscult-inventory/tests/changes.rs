//! What changes over time: whose an address is, which bed a device is at.

mod ward;

use auscult_model::Segment;
use ward::*;

const HERE: Segment = Segment::UNTAGGED;

/// Two stations had one address one after the other: whom a monitor talked to are both, and what
/// came by a router was either.
#[test]
fn a_peer_whose_address_changed_hands_is_two() {
    let (old, new) = ("d4:be:d9:0a:0b:0c", "3c:52:82:44:12:19");
    let monitor = side(MONITOR, "10.20.3.14", 64);
    let at_time = |from: Side, to: Side, seconds: i64| {
        tcp_with(HERE, from, to, 515, "contec-cms", |_, sum| {
            (sum.first, sum.last) = (at(seconds), at(seconds + 60));
        })
    };
    let facts = [
        at_time(monitor, side(old, "10.20.3.5", 128), 0),
        at_time(monitor, side(new, "10.20.3.5", 128), 7200),
        asks(HERE, old, "10.20.3.5", "10.20.3.14", 1),
        answers(HERE, new, "10.20.3.5", MONITOR, "10.20.3.14"),
        at_time(
            side(GATEWAY, "10.20.9.9", 62),
            side(new, "10.20.3.5", 128),
            7200,
        ),
    ];
    let inventory = resolve(&facts);
    let mut peers: Vec<_> = device(&inventory, HERE, "10.20.3.14")
        .talks_to
        .iter()
        .map(|line| (line.peer, line.device.clone()))
        .collect();
    peers.sort();
    let id = |mac: &str| Some(format!("mac-{mac}"));
    let station = ip("10.20.3.5");
    assert_eq!(peers, [(station, id(new)), (station, id(old))]);
    assert_eq!(device(&inventory, HERE, "10.20.3.14").talks_to_total, 1);
}

/// A monitor that told its bed itself is carried to another bed, which only HL7 tells.
#[test]
fn the_bed_that_anybody_told_last_is_shown() {
    let monitor = side(MONITOR, "10.20.3.14", 64);
    let (from, to) = (
        end(HERE, monitor, 33001),
        end(HERE, side(STATION, "10.20.3.5", 128), 2575),
    );
    let told = |hours: i64| {
        let Fact::Event(mut later) = claims("hl7", from, to, "bed", "ICU-9") else {
            panic!("claims are events");
        };
        (later.first, later.last) = (at(hours * 3600), at(hours * 3600 + 60));
        let mut facts = monitor_stream(HERE, monitor, side(STATION, "10.20.3.5", 128), "ICU-7");
        facts.push(Fact::Event(later));
        let inventory = resolve(&facts);
        let device = device(&inventory, HERE, "10.20.3.14");
        assert!(
            device.claims.iter().any(|c| c.value == "ICU-7"),
            "history stays"
        );
        device.bed.clone()
    };
    assert_eq!(told(24).as_deref(), Some("ICU-9"));
    assert_eq!(
        told(0).as_deref(),
        Some("ICU-7"),
        "at once the surer witness wins"
    );
}
