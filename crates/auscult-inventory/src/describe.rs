//! A device as reports show it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use auscult_model::report::{Device, Isolation, LineSeen, Role, Service, TalksTo, Where};
use auscult_model::{Outcome, Segment};

use crate::bond;
use crate::claims::{HOST_NAMES, Weighed, best};
use crate::cluster::Cluster;
use crate::conduct::Conduct;
use crate::facts::{Party, real};
use crate::inventory::Inventory;
use crate::ledger::Ledger;
use crate::links::{Links, answer_mac};
use crate::owner::owner;
use crate::reach::{Ends, place};
use crate::signature::{NAMES, Signature, signatures};
use crate::system;

/// A claim that is shown as a property of the device is at least so sure.
const SHOWN: f32 = 0.5;
/// A role is told from this confidence on.
const ROLE: f32 = 0.5;
/// Lines of conversations shown for one device.
pub const TALKS_TO: usize = 100;
/// Services shown for one device.
const SERVICES: usize = 256;

/// What signatures make of a device: the role's and the family's, with their confidence.
struct Named {
    role: Option<(f32, &'static Signature)>,
    family: Option<(f32, &'static Signature)>,
    /// Families that less speaks for.
    hints: Vec<(f32, &'static Signature)>,
}

fn named(conduct: &Conduct) -> Named {
    let mut fits: Vec<(f32, &'static Signature)> = signatures()
        .iter()
        .map(|signature| (signature.weigh(conduct), signature))
        .filter(|(confidence, _)| *confidence > 0.0)
        .collect();
    // The surest; of equals one with a family, then the first of the list.
    fits.sort_by(|a, b| {
        let family = |signature: &Signature| signature.family.is_some();
        b.0.total_cmp(&a.0).then(family(b.1).cmp(&family(a.1)))
    });
    let family = fits
        .iter()
        .find(|(confidence, s)| *confidence >= NAMES && s.family.is_some())
        .copied();
    let role = fits
        .iter()
        .find(|(confidence, s)| *confidence >= if s.family.is_some() { NAMES } else { ROLE })
        .copied();
    let hints = fits
        .iter()
        .filter(|(confidence, s)| *confidence < NAMES && s.family.is_some())
        .copied()
        .collect();
    Named {
        role,
        family: family.filter(|(_, f)| role.is_some_and(|(_, r)| r.id == f.id || r.role == f.role)),
        hints,
    }
}

/// Everything about one device but its conversations.
pub(crate) fn device(
    (ledger, links): (&Ledger, &Links),
    cluster: &Cluster,
    conduct: &Conduct,
    weighed: &[Weighed],
    ids: &[String],
) -> Device {
    let named = named(conduct);
    let (claims, shown) = claims(ledger, &named, conduct, weighed);
    let value = |attributes: &[&str]| {
        let claim = best(&shown, attributes).filter(|claim| claim.confidence >= SHOWN);
        claim.map(|claim| claim.value.clone())
    };
    let segments: BTreeSet<Segment> = cluster
        .cards
        .iter()
        .map(|(segment, _)| *segment)
        .chain(cluster.addresses.iter().map(|(segment, _)| *segment))
        .collect();
    let family = named.family.map(|(_, signature)| signature);
    let mut ids = ids.iter().cloned();
    Device {
        id: ids.next().unwrap_or_default(),
        aliases: ids.collect(),
        role: named
            .role
            .map_or(Role::Unknown, |(_, signature)| signature.role),
        vendor: value(&["vendor"]),
        model: value(&["model"]),
        serial: value(&["serial"]),
        firmware: value(&["firmware"]),
        os: value(&["os", "smb_os"]),
        hostname: value(&HOST_NAMES),
        bed: value(&["bed"]),
        unit: value(&["unit", "department"]),
        confidence: named.role.map_or(0.0, |(confidence, _)| confidence),
        macs: cluster.macs.iter().copied().collect(),
        ips: cluster.ips().into_iter().collect(),
        segments: segments.into_iter().collect(),
        first_seen: conduct.first,
        last_seen: conduct.last,
        inside: cluster.inside,
        signature: family.map(|signature| signature.id.clone()),
        labelled_as: family
            .filter(|signature| !signature.also_sold_as.is_empty())
            .map(|signature| signature.also_sold_as.join(", ")),
        isolation: Isolation::CannotTell,
        services: services(conduct),
        talks_to_total: 0,
        talks_to_inside: 0,
        talks_to_outside: 0,
        talks_to: Vec::new(),
        patient_data: conduct.patient_data.iter().copied().collect(),
        worst: None,
        claims,
        bonds: bond::tell(cluster, links),
    }
}

/// All claims for the report, best supported first; and those to choose shown values from.
fn claims(
    ledger: &Ledger,
    named: &Named,
    conduct: &Conduct,
    weighed: &[Weighed],
) -> (Vec<auscult_model::report::Claim>, Vec<Weighed>) {
    let mut all: Vec<(Weighed, String)> = weighed
        .iter()
        .map(|claim| (claim.clone(), "IEEE register".to_owned()))
        .collect();
    let systems = system::named(conduct).map(|(os, confidence, attribute)| {
        let claim = Weighed::concluded("os", os, confidence);
        (claim, format!("told by {attribute}"))
    });
    all.extend(systems);
    let mut conclude = |attribute: &str, value: Option<&String>, confidence, id: &str| {
        if let Some(value) = value {
            let claim = Weighed::concluded(attribute, value, confidence);
            all.push((claim, format!("signature {id}")));
        }
    };
    if let Some((confidence, signature)) = named.family {
        conclude(
            "vendor",
            signature.vendor.as_ref(),
            confidence,
            &signature.id,
        );
        conclude("model", signature.model.as_ref(), confidence, &signature.id);
    }
    for (confidence, signature) in &named.hints {
        conclude(
            "family_hint",
            signature.family.as_ref(),
            *confidence,
            &signature.id,
        );
    }
    all.sort_by(|a, b| b.0.confidence.total_cmp(&a.0.confidence));
    let claims = all
        .iter()
        .map(|(claim, source)| claim.report(ledger, source))
        .collect();
    (claims, all.into_iter().map(|(claim, _)| claim).collect())
}

/// A service is told once: by the protocol that was read where one was.
fn services(conduct: &Conduct) -> Vec<Service> {
    let named: BTreeSet<_> = conduct
        .services
        .iter()
        .filter(|(.., protocol)| *protocol != "unknown")
        .map(|(transport, port, _)| (*transport, *port))
        .collect();
    let mut services: Vec<Service> = conduct
        .services
        .iter()
        .filter(|(transport, port, protocol)| {
            *protocol != "unknown" || !named.contains(&(*transport, *port))
        })
        .map(|(transport, port, protocol)| Service {
            port: *port,
            transport: transport.to_string(),
            protocol: (*protocol).to_owned(),
        })
        .collect();
    services.sort();
    services.truncate(SERVICES);
    services
}

/// What a line of conversations is about: peer, which device that was, protocol, port, whether the
/// device began. An address that changed hands is two peers.
type LineKey = (IpAddr, Option<usize>, &'static str, u16, bool);

/// One line of conversations while it is summed.
struct Line {
    flows: u64,
    bytes: [u64; 2],
    answered: bool,
    /// Where the device's own side was.
    local: (Segment, IpAddr),
    seen: LineSeen,
}

/// A conversation in which a device took part.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    /// Its place in the ledger.
    pub(crate) slot: u32,
    /// As the originator.
    pub(crate) began: bool,
}

/// The conversations of a device, in order of their keys.
fn lines(
    inventory: &Inventory,
    ledger: &Ledger,
    cluster: usize,
    own: &[Part],
) -> Vec<(LineKey, Line)> {
    let addresses: BTreeSet<_> = inventory.addresses(cluster).into_iter().collect();
    let mut firsts: BTreeMap<IpAddr, Segment> = BTreeMap::new();
    for (segment, ip) in &addresses {
        firsts.entry(*ip).or_insert(*segment);
    }
    let mut lines: Vec<(LineKey, Line)> = Vec::new();
    for part in own {
        let Some((key, sum)) = ledger.conversation_at(part.slot) else {
            continue;
        };
        let (ip, peer, mac) = match part.began {
            true => (key.originator, key.responder, answer_mac(key, sum)),
            false => (key.responder, key.originator, key.originator_mac),
        };
        let Some(first) = firsts.get(&ip) else {
            continue;
        };
        // What is seen where nobody holds the address counts with its first segment.
        let here = (key.segment, ip);
        let local = match addresses.contains(&here) {
            true => here,
            false if inventory.links.holder(key.segment, ip).is_none() => (*first, ip),
            false => continue,
        };
        let line = Line {
            flows: sum.flows,
            bytes: sum.bytes,
            answered: key.outcome == Outcome::Answered,
            local,
            seen: LineSeen {
                packet: sum.first_packet,
                first: sum.first,
                last: sum.last,
            },
        };
        let device = inventory.peer(Party {
            segment: key.segment,
            ip: peer,
            mac: real(mac),
        });
        let began = key.originator == ip;
        lines.push(((peer, device, key.protocol, key.port, began), line));
    }
    // A line keeps the first of several local addresses.
    lines.sort_by_key(|(key, line)| (*key, line.local));
    lines.dedup_by(|(key, more), (known, line)| {
        let same = key == known;
        if same {
            line.flows += more.flows;
            line.bytes = [0, 1].map(|side| line.bytes[side] + more.bytes[side]);
            line.answered |= more.answered;
            line.seen = joined(line.seen, more.seen);
        }
        same
    });
    lines
}

fn joined(a: LineSeen, b: LineSeen) -> LineSeen {
    let earlier = match (a.first, a.packet) <= (b.first, b.packet) {
        true => a,
        false => b,
    };
    LineSeen {
        last: a.last.max(b.last),
        ..earlier
    }
}

/// Whom a device talks to: number of peers, the largest lines, and how far it reaches.
pub(crate) fn conversations(
    inventory: &Inventory,
    ledger: &Ledger,
    cluster: usize,
    own: &[Part],
) -> (usize, Vec<TalksTo>, Isolation) {
    let lines = lines(inventory, ledger, cluster, own);
    let mut peers: BTreeMap<IpAddr, (Segment, IpAddr)> = BTreeMap::new();
    for ((peer, ..), line) in &lines {
        peers.entry(*peer).or_insert(line.local);
    }
    let mut order = lines;
    order.sort_by_key(|(key, line)| {
        let bytes: u64 = line.bytes.iter().sum();
        (std::cmp::Reverse(bytes), *key)
    });
    if !inventory.options().all_lines {
        order.truncate(TALKS_TO);
    }
    let grade = |peer: IpAddr, local| place(inventory, ledger, Ends { local, peer });
    let mut places: BTreeMap<IpAddr, Where> = BTreeMap::new();
    for ((peer, ..), _) in &order {
        if let Some(local) = peers.get(peer) {
            places.entry(*peer).or_insert_with(|| grade(*peer, *local));
        }
    }
    let mut furthest = isolation(places.values());
    for (peer, local) in &peers {
        // Peers that are not listed are graded only as far as they can change the answer.
        let decided = match furthest {
            Isolation::ReachesOutside => break,
            Isolation::CrossesSegment => inventory.is_site(*peer),
            _ => false,
        };
        if !decided && !places.contains_key(peer) {
            let place = grade(*peer, *local);
            places.insert(*peer, place);
            furthest = furthest_of(furthest, place);
        }
    }
    let talks_to = order
        .into_iter()
        .map(|((peer, device, protocol, port, out), line)| {
            let place = places.get(&peer).copied().unwrap_or(Where::CannotTell);
            let device = device.and_then(|at| inventory.devices.get(at));
            TalksTo {
                peer,
                name: name(ledger, peer).or_else(|| device?.hostname.clone()),
                device: device.map(|device| device.id.clone()),
                place,
                protocol: protocol.to_owned(),
                port,
                direction: if out { "out" } else { "in" }.into(),
                flows: line.flows,
                bytes: line.bytes,
                answered: line.answered,
                owner: Some(peer)
                    .filter(|_| place.is_outside() || place == Where::Squatted)
                    .and_then(owner)
                    .map(|owner| owner.to_string()),
                seen: Some(line.seen),
            }
        })
        .collect();
    (peers.len(), talks_to, furthest)
}

/// A name for a peer as name servers gave it.
fn name(ledger: &Ledger, peer: IpAddr) -> Option<String> {
    ledger
        .names(peer)
        .min_by_key(|(name, _, seen)| (seen.first, seen.packets, *name))
        .map(|(name, ..)| name.to_owned())
}

/// How far a device reaches. Attempts that came to nothing do not count as reaching.
fn isolation<'a>(places: impl Iterator<Item = &'a Where>) -> Isolation {
    places.fold(Isolation::CannotTell, |furthest, place| {
        furthest_of(furthest, *place)
    })
}

/// The further of what is known and one more place.
fn furthest_of(furthest: Isolation, place: Where) -> Isolation {
    match (place, furthest) {
        (_, Isolation::ReachesOutside)
        | (
            Where::TowardsOutside
            | Where::AnsweredNear
            | Where::AnsweredFar
            | Where::Left
            | Where::Partner,
            _,
        ) => Isolation::ReachesOutside,
        (Where::Inside, _) => Isolation::CrossesSegment,
        (
            Where::SameSegment | Where::Group | Where::Squatted | Where::Attempted | Where::Blocked,
            Isolation::CannotTell,
        ) => Isolation::LocalOnly,
        _ => furthest,
    }
}
