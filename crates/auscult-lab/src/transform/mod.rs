//! Ways in which a capture differs from the ideal: encapsulation, point of capture, faults.
//!
//! Each is a function over a finished scene, so that any scene can be seen through any of them.
//! They look at Ethernet frames: cooked headers come last. Expectations that a view cannot meet are
//! taken out of the truth; what must not appear, and what must not be shown, holds in every view.

mod capture_point;
mod encapsulation;
mod faults;
mod tunnels;

use std::net::Ipv4Addr;

pub use tunnels::Tunnel;

use crate::frame::Scene;
use crate::prng::Prng;
use crate::truth::Truth;
use crate::wire::view::View;

/// Which frames of the named hosts a one-sided capture keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Only what they send.
    From,
    /// Only what is sent to them.
    To,
}

/// How frames fall on two interfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// In turn.
    Alternating,
    /// One direction each, as a tap gives them.
    Directions,
}

/// One way in which a capture differs from the ideal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transform {
    /// VLAN tags are taken away.
    Plain,
    /// Frames without a tag get this one.
    Tagged(u16),
    /// An outer service tag around everything.
    DoubleTagged(u16),
    /// Linux cooked, version 1. Must come last.
    CookedV1,
    /// Linux cooked, version 2. Must come last.
    CookedV2,
    /// Frames, or packets, inside a tunnel.
    Tunnelled(Tunnel),
    /// A second capture interface.
    TwoInterfaces(Split),
    /// Each direction of a flow under a VLAN id of its own: the upper one is moved by this much.
    DirectionalTags(u16),
    /// IPv4 packets longer than this are fragmented.
    Fragmented(usize),
    /// The capture begins this many seconds later.
    SkipSeconds(u32),
    /// No segment with SYN was captured.
    NoHandshakes,
    /// Frames of other hosts stay; of these, one direction is missing.
    OneSided(Vec<Ipv4Addr>, Side),
    /// What an ordinary switch port hears.
    BroadcastOnly,
    /// Every frame comes again within a millisecond.
    Twice,
    /// Every unicast packet comes again as routed: time to live one less, other MACs, this VLAN.
    RoutedCopies(u16),
    /// TCP payload in segments of at most this many bytes.
    SmallSegments(usize),
    /// Data segments change places with later ones of their direction, at most this many apart.
    Reordered(usize),
    /// This share of data segments, in per cent, is sent again later.
    Retransmitted(u64),
    /// One frame in the middle is ten years ahead.
    ClockJump,
    /// From the middle on, the clock is this many seconds off.
    ClockStep(i64),
    /// Frames are cut to this length.
    Snaplen(usize),
    /// Captured outside the site's NAT, which uses this address.
    WanSide(Ipv4Addr),
    /// This share of frames, in per mille, is lost.
    Loss(u64),
}

/// Applies transformations in order; randomness depends on the seed and the position only.
pub fn apply(mut scene: Scene, transforms: &[Transform], seed: u64) -> Scene {
    for (n, transform) in transforms.iter().enumerate() {
        let mut prng = Prng::new(seed).fork(&format!("transform {n}"));
        scene = one(scene, transform, &mut prng);
        adjust(&mut scene.truth, transform);
    }
    scene
}

/// Takes out of the truth what can no longer be expected.
fn adjust(truth: &mut Truth, transform: &Transform) {
    match transform {
        // Without destination MACs nobody can say who holds an address.
        Transform::CookedV1 | Transform::CookedV2 => {
            truth
                .must
                .retain(|(rule, _, _)| rule != "public-address-squatted");
            truth.must_not(&["public-address-squatted"]);
        }
        Transform::Tunnelled(tunnel) if !tunnel.keeps_stations() => {
            truth
                .must
                .retain(|(rule, _, _)| rule != "public-address-squatted");
            truth.must_not(&["public-address-squatted"]);
            // Routers are known by their link addresses.
            truth.roles.retain(|_, role| !role.contains("gateway"));
            truth.macs_apart.clear();
        }
        // An attempt is nothing but its SYNs.
        Transform::NoHandshakes => {
            truth
                .must
                .retain(|(rule, _, _)| rule != "dead-public-address");
        }
        Transform::Loss(_) => {
            truth.artifacts.clear();
            for (_, _, least) in &mut truth.must {
                *least = "info".to_owned();
            }
            // The answer that named an address, or the read that fetched a file, may be lost.
            truth.must_not.retain(|rule| rule != "dead-public-address");
            truth.coverage.clear();
        }
        // The answer that named an address may be missing.
        Transform::Snaplen(_) | Transform::SkipSeconds(_) => {
            truth.must_not.retain(|rule| rule != "dead-public-address");
            truth.only_prohibitions();
        }
        // What says that a text is a patient's name is not heard.
        Transform::BroadcastOnly => {
            truth.private.clear();
            truth.only_prohibitions();
        }
        Transform::WanSide(_) | Transform::OneSided(..) => truth.only_prohibitions(),
        _ => {}
    }
}

fn one(scene: Scene, transform: &Transform, prng: &mut Prng) -> Scene {
    match transform {
        Transform::Plain => encapsulation::plain(scene),
        Transform::Tagged(id) => encapsulation::tagged(scene, *id),
        Transform::DoubleTagged(id) => encapsulation::double_tagged(scene, *id),
        Transform::CookedV1 => encapsulation::cooked(scene, false),
        Transform::CookedV2 => encapsulation::cooked(scene, true),
        Transform::DirectionalTags(by) => encapsulation::directional(scene, *by),
        Transform::Fragmented(mtu) => encapsulation::fragmented(scene, *mtu),
        Transform::Tunnelled(tunnel) => tunnels::tunnelled(scene, *tunnel),
        Transform::TwoInterfaces(split) => capture_point::two_interfaces(scene, *split),
        Transform::SkipSeconds(n) => capture_point::skip(scene, *n),
        Transform::NoHandshakes => capture_point::no_handshakes(scene),
        Transform::OneSided(hosts, side) => capture_point::one_sided(scene, hosts, *side),
        Transform::BroadcastOnly => capture_point::broadcast_only(scene),
        Transform::WanSide(site) => capture_point::wan_side(scene, *site),
        Transform::RoutedCopies(vlan) => capture_point::routed_copies(scene, *vlan),
        Transform::Twice => faults::twice(scene, prng),
        Transform::SmallSegments(size) => faults::small_segments(scene, *size),
        Transform::Reordered(window) => faults::reordered(scene, *window, prng),
        Transform::Retransmitted(percent) => faults::retransmitted(scene, *percent, prng),
        Transform::ClockJump => faults::clock_jump(scene),
        Transform::ClockStep(seconds) => faults::clock_step(scene, *seconds),
        Transform::Snaplen(length) => faults::snaplen(scene, *length),
        Transform::Loss(per_mille) => faults::loss(scene, *per_mille, prng),
    }
}

/// The direction of a frame, by the order of its MACs: true for one, false for the other way.
fn upward(view: &View) -> bool {
    view.from > view.to
}

/// One direction of a TCP or UDP flow as this capture shows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct FlowKey {
    from: (Ipv4Addr, u16),
    to: (Ipv4Addr, u16),
    tags: Vec<(u16, u16)>,
}

impl FlowKey {
    fn of(view: &View) -> Option<FlowKey> {
        let v = view.ipv4?;
        let (from, to) = v.ports?;
        Some(FlowKey {
            from: (v.from, from),
            to: (v.to, to),
            tags: view.tags.clone(),
        })
    }

    fn reverse(&self) -> FlowKey {
        FlowKey {
            from: self.to,
            to: self.from,
            tags: self.tags.clone(),
        }
    }
}
