//! The case, its look-alikes and its variations: every scene of the lab, as captured in every way
//! that taps, mirrors and firewalls have.

mod cases;

use auscult_lab::{
    Options, Scene, Side, Split, Transform, Tunnel, generate, scenarios, scenes, transform,
};

/// Compares many scenes with their truth; all shortfalls at once.
fn hold(scenes: impl IntoIterator<Item = (String, Scene)>) {
    let mut bad = Vec::new();
    let mut count = 0;
    for (name, scene) in scenes {
        count += 1;
        for line in cases::shortfalls(&cases::report(&scene), &scene.truth) {
            bad.push(format!("{name}: {line}"));
        }
    }
    assert!(
        bad.is_empty(),
        "{} shortfalls in {count} scenes\n{}",
        bad.len(),
        bad.join("\n")
    );
}

fn all_scenes(seeds: std::ops::Range<u64>) -> impl Iterator<Item = (String, Scene)> {
    seeds.flat_map(|seed| {
        scenarios()
            .iter()
            .filter(|scenario| !scenario.whole)
            .map(move |scenario| {
                let scene =
                    generate(scenario.name, seed, &Options::default()).expect("a known scene");
                (format!("{} seed {seed}", scenario.name), scene)
            })
    })
}

fn varied(transforms: &[Transform]) -> impl Iterator<Item = (String, Scene)> {
    all_scenes(3..4).map(move |(name, scene)| {
        (
            format!("{name} {transforms:?}"),
            transform::apply(scene, transforms, 3),
        )
    })
}

/// A file on a data connection is told only from its first byte on, and one login by FTP hangs on
/// one line.
fn without_one_login(transforms: &[Transform]) -> impl Iterator<Item = (String, Scene)> {
    varied(transforms).filter(|(name, _)| !name.starts_with("print-in"))
}

#[test]
fn every_scene_is_told_rightly() {
    hold(all_scenes(1..5));
}

#[test]
fn wards_are_told_rightly() {
    hold((1..7).map(|seed| {
        (
            format!("ward seed {seed}"),
            generate("ward", seed, &Options::default()).unwrap(),
        )
    }));
}

/// Devices, roles, what they announce, how far they talk, and the findings of a whole hospital;
/// in every second seed no name helps.
#[test]
fn mornings_are_told_rightly() {
    hold((1..7).map(|seed| {
        (
            format!("morning seed {seed}"),
            generate("morning", seed, &Options::default()).unwrap(),
        )
    }));
}

#[test]
fn through_vlan_and_qinq() {
    hold(varied(&[Transform::Tagged(120)]));
    hold(varied(&[
        Transform::Tagged(120),
        Transform::DoubleTagged(7),
    ]));
}

#[test]
fn through_linux_cooked_captures() {
    hold(varied(&[Transform::CookedV1]));
    hold(varied(&[Transform::CookedV2]));
}

#[test]
fn through_two_interfaces() {
    hold(varied(&[Transform::TwoInterfaces(Split::Alternating)]));
    hold(varied(&[Transform::TwoInterfaces(Split::Directions)]));
}

/// A router that answers ARP for others is known by its two sides; with each direction in a segment
/// of its own they are never seen together, so its role cannot be told there.
#[test]
fn through_tags_that_differ_by_direction() {
    let scenes = varied(&[Transform::Tagged(120), Transform::DirectionalTags(1)]);
    hold(scenes.map(|(name, mut scene)| {
        if name.starts_with("proxy-arp") {
            scene.truth.roles.clear();
        }
        (name, scene)
    }));
}

#[test]
fn through_fragments_and_small_segments() {
    hold(varied(&[Transform::Fragmented(576)]));
    hold(varied(&[Transform::SmallSegments(7)]));
    hold(varied(&[Transform::SmallSegments(1)]).filter(|(name, _)| {
        ["leak-through-gateway", "nfs-update-outside", "hl7-inside"]
            .iter()
            .any(|scene| name.starts_with(scene))
    }));
}

/// Scenes through a tunnel and what comes behind it. That a router answers ARP for others shows in
/// the link addresses of packets, which tunnels of packets do not have.
fn hold_through(tunnel: Tunnel, transforms: &[Transform]) {
    hold(
        varied(transforms)
            .filter(|(name, _)| tunnel.keeps_stations() || !name.starts_with("proxy-arp")),
    );
}

#[test]
fn through_every_tunnel() {
    for tunnel in Tunnel::ALL {
        hold_through(tunnel, &[Transform::Tunnelled(tunnel)]);
    }
}

/// Carriers in fragments, what they carry in fragments, a tunnel in a tunnel.
#[test]
fn through_tunnels_in_pieces_and_in_each_other() {
    for tunnel in [Tunnel::Vxlan, Tunnel::Gre, Tunnel::Capwap] {
        let (wrap, cut) = (Transform::Tunnelled(tunnel), Transform::Fragmented(576));
        hold_through(tunnel, &[wrap.clone(), cut.clone()]);
        hold_through(tunnel, &[cut, wrap]);
    }
    let nested = [Tunnel::GtpU, Tunnel::Vxlan, Tunnel::Mpls].map(Transform::Tunnelled);
    hold_through(Tunnel::GtpU, &nested);
}

#[test]
fn reordered_and_sent_again() {
    hold(varied(&[Transform::Reordered(4)]));
    hold(varied(&[Transform::Retransmitted(20)]));
}

#[test]
fn seen_twice() {
    hold(varied(&[Transform::Twice]));
    hold(varied(&[Transform::RoutedCopies(99)]));
}

#[test]
fn from_the_middle_on() {
    hold(without_one_login(&[Transform::NoHandshakes]));
    hold(varied(&[Transform::SkipSeconds(5)]));
}

#[test]
fn with_a_clock_that_jumps() {
    hold(varied(&[Transform::ClockJump]));
    hold(varied(&[Transform::ClockStep(-3600)]));
    hold(varied(&[Transform::ClockStep(7200)]));
}

#[test]
fn with_losses_and_cut_packets() {
    hold(varied(&[Transform::Loss(10)]));
    hold(without_one_login(&[Transform::Loss(50)]));
    hold(varied(&[Transform::Snaplen(96)]));
}

#[test]
fn one_side_or_broadcast_only() {
    for (name, scene) in all_scenes(3..4) {
        let monitors: Vec<_> = scene
            .truth
            .devices
            .iter()
            .filter(|device| device.role == "patient-monitor")
            .flat_map(|device| device.ips.iter().filter_map(|ip| ip.parse().ok()))
            .collect();
        for side in [Side::From, Side::To] {
            let transforms = [Transform::OneSided(monitors.clone(), side)];
            let scene = transform::apply(scene.clone(), &transforms, 3);
            hold([(format!("{name} {transforms:?}"), scene)]);
        }
    }
    hold(varied(&[Transform::BroadcastOnly]));
}

#[test]
fn behind_translation_of_addresses() {
    hold(varied(&[Transform::WanSide(
        "203.0.113.77".parse().unwrap(),
    )]));
}

/// Every constant of the case is varied: nothing may hang on the advisory's values.
#[test]
fn no_constant_is_needed() {
    let mut list = Vec::new();
    for seed in 1..4u64 {
        let mut p = scenes::Parameters::new(seed);
        p.station = "198.51.100.23".parse().unwrap();
        list.push((
            format!("other address, seed {seed}"),
            scenes::leak_through_gateway(&p),
        ));
        p.port = 6000 + seed as u16;
        list.push((
            format!("other port, seed {seed}"),
            scenes::leak_through_gateway(&p),
        ));
        p.monitor_vendor = [0x02, 0x11, seed as u8];
        p.vlan = Some(40 + seed as u16);
        list.push((
            format!("other card, seed {seed}"),
            scenes::leak_through_gateway(&p),
        ));
        p.export = "/srv/firmware".to_owned();
        p.file = "appl.bin".to_owned();
        list.push((
            format!("other export and file, seed {seed}"),
            scenes::nfs_update(&p, scenes::Server::Outside),
        ));
    }
    hold(list);
}
