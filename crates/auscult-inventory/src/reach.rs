//! Where traffic went: the grades of proof for traffic to an address that is not the site's.
//!
//! In order of proof: left, answered from afar, answered near, towards the outside, attempted,
//! blocked, cannot tell. What would make it legitimate is said beside it.
//!
//! Distances: light in fibre goes 200 km in a millisecond, so 1 ms of round trip is at most
//! 100 km. Sources: RFC 9293 (TCP), RFC 1191 (path MTU), RFC 4303 (ESP). Limits: a private
//! circuit or a VPN beyond the capture point looks like the open Internet from here.

use std::net::IpAddr;

use auscult_model::report::Where;
use auscult_model::{MacAddr, PacketRef, Segment, Timestamp, Transport};

use crate::inventory::Inventory;
use crate::ledger::Ledger;
use crate::owner::{Owner, OwnerKind, owner};
use crate::site::{is_group, is_private};
use crate::traffic::Traffic;

/// Which conversations between two addresses are meant; empty: all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter<'a> {
    /// Only of this application protocol.
    pub protocol: Option<&'a str>,
    /// Only with this port of the responder.
    pub port: Option<u16>,
    /// Only over this transport.
    pub transport: Option<Transport>,
}

/// What was watched, for statements that rest on absence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// Earliest and latest packet of anything in the ledger.
    pub first: Option<Timestamp>,
    /// See `first`.
    pub last: Option<Timestamp>,
    /// Flows to the peer, and how many of them were answered.
    pub flows: u64,
    /// See `flows`.
    pub answered: u64,
    /// Flows of which only one direction was captured.
    pub one_sided: u64,
    /// Answered flows to other addresses by the same way: answers would have been seen.
    pub path_answered: u64,
    /// Answers of name services seen.
    pub name_answers: u64,
    /// Answers that named the peer's address.
    pub names: u64,
}

/// Where traffic of a local address to a peer went.
#[derive(Clone, Debug, PartialEq)]
pub struct Reach {
    /// The grade.
    pub place: Where,
    /// Why this grade.
    pub reasons: Vec<String>,
    /// What would make it legitimate or limits the statement.
    pub notes: Vec<String>,
    /// Packets that show it, with what to see there.
    pub packets: Vec<(PacketRef, &'static str)>,
    /// What was watched.
    pub watched: Watched,
    /// Payload bytes to the peer and from it.
    pub payload: [u64; 2],
    /// Payload bytes that the peer acknowledged.
    pub acknowledged: u64,
    /// Segments sent to the peer again.
    pub retransmissions: u64,
    /// Shortest round trip in milliseconds.
    pub round_trip_ms: Option<f64>,
    /// Bound of the distance from the round trip, in kilometres; `None` where it means nothing.
    pub distance_km: Option<f64>,
    /// Routers that the peer's packets passed, by their hop limit.
    pub hops: Option<u8>,
    /// Attempts to begin, with repeats.
    pub attempts: u64,
    /// First and last packet between the two.
    pub first: Option<Timestamp>,
    /// See `first`.
    pub last: Option<Timestamp>,
    /// The way to the peer goes through a router.
    pub behind_gateway: bool,
    /// The router, or the card that took the frames.
    pub next_hop: Option<MacAddr>,
    /// The peer began at least one of the flows.
    pub inbound: bool,
    /// The partner whose network it is.
    pub partner: Option<String>,
    /// A declared sinkhole or station: medium at most.
    pub sinkhole: bool,
    /// Who the address is registered to.
    pub owner: Option<Owner>,
    /// How sure the grade is, 0 to 1: falls with one-sidedness.
    pub confidence: f32,
}

/// The two ends of a question about reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ends {
    /// Segment and address of the local side.
    pub(crate) local: (Segment, IpAddr),
    /// The other side.
    pub(crate) peer: IpAddr,
}

/// Kilometres that one millisecond of round trip can bridge at most.
const KM_PER_MS: f64 = 100.0;
/// Below this bound an answer can be called near.
const NEAR_KM: f64 = 1_000.0;
/// An answer so quick, over so few routers, may come from inside by a route of ours.
const STATION_MS: f64 = 2.0;
/// The same for blocks that are often borrowed: they are routed inside, over more hops.
const BORROWED_MS: f64 = 10.0;
/// See `BORROWED_MS`.
const BORROWED_HOPS: u8 = 6;
/// See `STATION_MS`.
const STATION_HOPS: u8 = 2;
/// A reset so quick, or over so few routers, comes from a filter near by.
const NEAR_RESET_MS: f64 = 5.0;
/// Datagrams of one flow beyond its opening and repeats: a stream that wants no answer.
const STREAM: u64 = 10;
/// Segments at most so large leave room for the headers of a tunnel.
const TUNNEL_MSS: u16 = 1_380;

/// Grades all conversations between two addresses that the filter lets through.
pub(crate) fn grade(
    inventory: &Inventory,
    ledger: &Ledger,
    ends: Ends,
    filter: Filter<'_>,
) -> Reach {
    let traffic = Traffic::gather(inventory, ledger, ends, filter);
    let mut reach = traffic.begin(inventory, ledger, ends);
    let (place, reason) = known_place(inventory, ends, &traffic)
        .unwrap_or_else(|| outside(inventory, &traffic, &mut reach));
    reach.place = place;
    reach.reasons.insert(0, reason);
    notes(inventory, ends, &traffic, &mut reach);
    reach.confidence = confidence(place, &traffic);
    reach
}

/// Where all conversations between two addresses went, without the reasons.
pub(crate) fn place(inventory: &Inventory, ledger: &Ledger, ends: Ends) -> Where {
    let traffic = Traffic::gather(inventory, ledger, ends, Filter::default());
    match known_place(inventory, ends, &traffic) {
        Some((place, _)) => place,
        None => {
            outside(
                inventory,
                &traffic,
                &mut traffic.begin(inventory, ledger, ends),
            )
            .0
        }
    }
}

/// Places that need no proof of leaving: groups, ours, partners, our own link.
fn known_place(inventory: &Inventory, ends: Ends, traffic: &Traffic) -> Option<(Where, String)> {
    let Ends { local, peer } = ends;
    let options = &inventory.options;
    if is_group(peer) || traffic.to_group {
        return Some((Where::Group, "sent to a group".to_owned()));
    }
    // Frames of these very conversations went by a router, and the answers came from far: neither
    // a neighbour that uses the address nor a prefix that the network announced explains them.
    if !inventory.is_declared(peer) && !is_private(peer) && traffic.comes_from_far(inventory, ends)
    {
        let partner = options.partner(peer)?;
        return Some((Where::Partner, format!("declared partner {}", partner.name)));
    }
    if let Some(mac) = inventory.links.holder(local.0, peer) {
        if inventory.is_site(peer) {
            let reason = format!("{peer} lives here at {mac}");
            return Some(match inventory.links.is_guest(local.0, local.1) {
                true => (Where::Inside, format!("{reason}, reached through a router")),
                false => (Where::SameSegment, reason),
            });
        }
        if inventory.squatted().contains(&(local.0, peer)) {
            let reason = format!("{peer} is public and lives on this segment at {mac}");
            return Some((Where::Squatted, reason));
        }
        let near = traffic.round_trip_ms.is_none_or(|ms| ms <= STATION_MS);
        if inventory.links.cooked.contains(&local.0) && traffic.hops == Some(0) && near {
            let reason = format!(
                "{peer} answers at once and no router lowered its hop limit: a neighbour, though \
                 this kind of capture does not show whom frames go to"
            );
            return Some((Where::SameSegment, reason));
        }
        if inventory.links.cooked.contains(&local.0) {
            let reason = format!(
                "{mac} sends from {peer}, but this kind of capture does not show whom frames go \
                 to, so that it cannot be told whether {peer} lives here"
            );
            return Some((Where::CannotTell, reason));
        }
        if !traffic.behind_gateway {
            return Some((
                Where::SameSegment,
                format!("{peer} is a neighbour on the link"),
            ));
        }
    }
    if inventory.is_site(peer) {
        let asked = traffic.asked_here > 0 && !traffic.behind_gateway;
        let place = if asked {
            Where::SameSegment
        } else {
            Where::Inside
        };
        return Some((place, format!("{peer} is the site's")));
    }
    let partner = options.partner(peer)?;
    let via = partner.via.as_ref().map(|via| format!(", via {via}"));
    let reason = format!(
        "declared partner {}{}",
        partner.name,
        via.unwrap_or_default()
    );
    Some((Where::Partner, reason))
}

/// Grades of proof for an address that is not ours.
fn outside(inventory: &Inventory, traffic: &Traffic, reach: &mut Reach) -> (Where, String) {
    if let Some(reason) = left(traffic) {
        return (Where::Left, reason);
    }
    if traffic.answered > 0 && traffic.two_way {
        return answered(inventory, traffic, reach);
    }
    if traffic.answered > 0 {
        let reason = "answered towards the outside; whether the answer arrived was not seen";
        return (Where::TowardsOutside, reason.to_owned());
    }
    // Payload that goes on contradicts a refusal, which anybody on the way can forge.
    let goes_on = !traffic.only_datagrams && traffic.payload[0] > 0;
    if let Some(refused) = refused(traffic).filter(|_| !goes_on) {
        return refused;
    }
    let sends_on = match traffic.only_datagrams {
        true => traffic.sent > traffic.attempts.max(traffic.flows) + traffic.paced_repeats + STREAM,
        false => traffic.payload[0] > 0,
    };
    if sends_on {
        let reason = if traffic.retransmissions == 0 {
            "payload went to the gateway and on without repeats: delivery implied, answers unseen"
        } else {
            "payload went to the gateway; answers unseen"
        };
        return (Where::TowardsOutside, reason.to_owned());
    }
    attempted(traffic)
}

/// The same packets were seen further out. An opening alone carries nothing away.
fn left(traffic: &Traffic) -> Option<String> {
    let carried = traffic.payload[0] > 0 || traffic.answered > 0;
    let (segment, from) = traffic.outer_leg.filter(|_| carried)?;
    Some(match from {
        Some(from) => format!("the same flow was seen beyond address translation, from {from}"),
        None => format!("the same packets were seen beyond the router, on {segment}"),
    })
}

/// Answered by something that is not on our link.
fn answered(inventory: &Inventory, traffic: &Traffic, reach: &mut Reach) -> (Where, String) {
    let away = distance_words(traffic, reach);
    if traffic.answered_by_gateway {
        reach.distance_km = None;
        let reason = "no router lowered the hop limit of the answers: a proxy or SYN proxy gives \
                      them, and what lies beyond it is not seen";
        return (Where::TowardsOutside, reason.to_owned());
    }
    let near = reach.distance_km.is_some_and(|km| km < NEAR_KM);
    let registered = reach.owner.and_then(|owner| owner.country);
    let elsewhere = match (&inventory.options.country, registered) {
        (Some(ours), Some(theirs)) => !ours.eq_ignore_ascii_case(theirs),
        _ => false,
    };
    // The same address of a cloud answers next door in many countries.
    let anycast = reach
        .owner
        .is_some_and(|owner| owner.kind == OwnerKind::Cloud);
    if near && elsewhere && !anycast {
        let reason = format!(
            "answered{away}: nearer than the country it is registered in ({})",
            registered.unwrap_or_default()
        );
        return (Where::AnsweredNear, reason);
    }
    let (most_ms, most_hops) = if is_often_borrowed(traffic.peer) {
        (BORROWED_MS, BORROWED_HOPS)
    } else {
        (STATION_MS, STATION_HOPS)
    };
    let station = traffic.round_trip_ms.is_some_and(|ms| ms <= most_ms)
        && traffic.hops.is_some_and(|hops| hops <= most_hops);
    if station {
        let reason = format!(
            "answered{away}: a station or sinkhole inside, behind a static route, answers so; if \
             the network is yours, say so with --site-net"
        );
        return (Where::CannotTell, reason);
    }
    (
        Where::AnsweredFar,
        format!("answered through the gateway{away}"),
    )
}

/// Registered blocks that organisations use as if they were private, behind their own routers:
/// legacy allocations of the United States' defence department and others.
fn is_often_borrowed(peer: Option<IpAddr>) -> bool {
    let Some(IpAddr::V4(ip)) = peer else {
        return false;
    };
    matches!(
        ip.octets()[0],
        7 | 11 | 21 | 22 | 25 | 26 | 28 | 29 | 30 | 33 | 55
    )
}

/// ` in 241 ms, 15 routers away`, as far as known.
fn distance_words(traffic: &Traffic, reach: &mut Reach) -> String {
    let mut words = String::new();
    if let Some(ms) = traffic.round_trip_ms {
        reach.distance_km = Some(ms * KM_PER_MS);
        words.push_str(&format!(" in {ms:.1} ms{}", bound_words(ms * KM_PER_MS)));
    }
    if let Some(hops) = traffic.hops.filter(|hops| *hops > 0) {
        let routers = if hops == 1 { "router" } else { "routers" };
        words.push_str(&format!(", {hops} {routers} away"));
    }
    words
}

/// The bound of the distance, where it says more than that the earth is round.
fn bound_words(km: f64) -> String {
    const HALF_AROUND: f64 = 20_000.0;
    if km < HALF_AROUND {
        format!(" (at most {km:.0} km)")
    } else {
        String::new()
    }
}

/// Reset or refused by an ICMP error.
fn refused(traffic: &Traffic) -> Option<(Where, String)> {
    if traffic.refused == 0 {
        return None;
    }
    if traffic.icmp_errors > 0 {
        return Some((
            Where::Blocked,
            "refused by an ICMP error: the block works".to_owned(),
        ));
    }
    let near = traffic.round_trip_ms.is_some_and(|ms| ms <= NEAR_RESET_MS)
        || traffic.hops.is_some_and(|hops| hops <= STATION_HOPS);
    Some(if near {
        (
            Where::Blocked,
            "refused by a reset from near by: the block works".to_owned(),
        )
    } else {
        let reason = "refused by a reset from afar: openings get out, nothing was taken";
        (Where::AnsweredFar, reason.to_owned())
    })
}

/// Never answered: whether an answer would have been seen decides.
fn attempted(traffic: &Traffic) -> (Where, String) {
    let times = traffic.attempts.max(traffic.asked_here);
    if traffic.path_answered > 0 {
        let reason = format!(
            "{times} attempts, never answered; {} other flows by the same way were",
            traffic.path_answered
        );
        return (Where::Attempted, reason);
    }
    if traffic.paced_repeats > 0 {
        let reason =
            format!("{times} attempts, never answered, and repeated at the pace of retransmission");
        return (Where::Attempted, reason);
    }
    if traffic.asked_paced {
        let reason = format!("asked for {times} times on the link (ARP or ND), never answered");
        return (Where::Attempted, reason);
    }
    let reason = "no answer was seen, and nothing shows that one would have been seen";
    (Where::CannotTell, reason.to_owned())
}

/// What would make it legitimate, and what limits the statement.
fn notes(inventory: &Inventory, ends: Ends, traffic: &Traffic, reach: &mut Reach) {
    if traffic.left_out > 0 {
        reach.notes.push(format!(
            "{} further conversations between the two were not looked at",
            traffic.left_out
        ));
    }
    if reach.sinkhole {
        let reason = "the site declares this address a sinkhole or station: at most medium";
        reach.reasons.push(reason.to_owned());
    }
    if !reach.place.is_outside() {
        return;
    }
    if traffic.mss_min != 0 && traffic.mss_min <= TUNNEL_MSS {
        reach.notes.push(format!(
            "segments of at most {} bytes: a VPN beyond this point is possible",
            traffic.mss_min
        ));
    }
    if inventory.paths.tunnels(ends.local.0) {
        let note = "ESP or another tunnel leaves this segment: a VPN beyond this point is possible";
        reach.notes.push(note.to_owned());
    }
    if traffic.one_sided > 0 {
        reach.notes.push(format!(
            "only one direction was captured of {} of {} flows",
            traffic.one_sided, traffic.flows
        ));
    }
}

/// Falls with what was not seen.
fn confidence(place: Where, traffic: &Traffic) -> f32 {
    let base: f32 = match place {
        Where::Left | Where::Group | Where::SameSegment | Where::Partner => 0.99,
        Where::Inside | Where::Squatted => 0.95,
        Where::AnsweredFar => 0.95,
        Where::AnsweredNear | Where::Blocked => 0.85,
        Where::Attempted if traffic.path_answered > 0 => 0.95,
        Where::Attempted => 0.8,
        Where::TowardsOutside => 0.7,
        Where::CannotTell => 0.5,
    };
    if mostly_one_sided(traffic.one_sided, traffic.flows) {
        base * 0.8
    } else {
        base
    }
}

/// Whether only one direction was captured of at least half of the flows.
fn mostly_one_sided(one_sided: u64, flows: u64) -> bool {
    one_sided * 2 >= flows.max(1)
}

impl Watched {
    /// Whether only one direction was captured of at least half of the flows.
    pub fn is_one_sided(&self) -> bool {
        mostly_one_sided(self.one_sided, self.flows)
    }
}

impl Traffic {
    /// What is known before the place is.
    fn begin(&self, inventory: &Inventory, ledger: &Ledger, ends: Ends) -> Reach {
        let span = inventory.paths.span;
        Reach {
            place: Where::CannotTell,
            reasons: Vec::new(),
            notes: Vec::new(),
            packets: self.packets.clone(),
            watched: Watched {
                first: span.map(|s| s.0),
                last: span.map(|s| s.1),
                flows: self.flows,
                answered: self.answered,
                one_sided: self.one_sided,
                path_answered: self.path_answered,
                name_answers: ledger.name_answers().values().map(|seen| seen.count).sum(),
                names: ledger.names(ends.peer).map(|(.., seen)| seen.count).sum(),
            },
            payload: self.payload,
            acknowledged: self.acknowledged,
            retransmissions: self.retransmissions,
            round_trip_ms: self.round_trip_ms,
            distance_km: None,
            hops: self.hops,
            attempts: self.attempts.max(self.asked_here),
            first: self.span.map(|s| s.0),
            last: self.span.map(|s| s.1),
            behind_gateway: self.behind_gateway,
            next_hop: self.next_hop,
            inbound: self.inbound,
            partner: inventory.options.partner(ends.peer).map(|p| p.name.clone()),
            sinkhole: inventory.options.is_sinkhole(ends.peer),
            owner: owner(ends.peer),
            confidence: 0.0,
        }
    }
}
