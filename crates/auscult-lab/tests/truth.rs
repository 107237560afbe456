//! The truth and the frames agree, the same seed gives the same bytes, other seeds give others.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use auscult_lab::wire::ip;
use auscult_lab::wire::view::View;
use auscult_lab::{FarEnd, Options, Scene, Side, Transform, files, generate, scenarios};

fn scene(name: &str, seed: u64) -> Scene {
    generate(name, seed, &Options::default()).unwrap()
}

fn contains(scene: &Scene, text: &[u8]) -> bool {
    scene
        .frames
        .iter()
        .any(|f| f.bytes.windows(text.len()).any(|w| w == text))
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for scenario in scenarios() {
        let (a, b) = (scene(scenario.name, 9), scene(scenario.name, 9));
        assert_eq!(files::pcapng(&a), files::pcapng(&b), "{}", scenario.name);
        assert_eq!(a.truth, b.truth);
        assert_ne!(files::pcapng(&a), files::pcapng(&scene(scenario.name, 10)));
    }
}

#[test]
fn the_ward_is_small_enough_for_a_repository() {
    for seed in 1..=12 {
        let size = files::pcapng(&scene("ward", seed)).len();
        assert!(
            (200_000..900_000).contains(&size),
            "seed {seed}: {size} bytes"
        );
    }
}

#[test]
fn flows_of_the_truth_are_on_the_wire() {
    for scenario in scenarios() {
        for seed in 1..4 {
            let scene = scene(scenario.name, seed);
            let mut seen = BTreeSet::new();
            for frame in &scene.frames {
                let Some(v) = View::of(&frame.bytes).and_then(|v| v.ipv4) else {
                    continue;
                };
                if let Some((_, to)) = v.ports {
                    seen.insert((v.from.to_string(), v.to.to_string(), to));
                }
            }
            for (a, b, port, protocol) in &scene.truth.flows {
                let key = (a.clone(), b.clone(), *port);
                assert!(
                    seen.contains(&key),
                    "{} {seed}: {key:?} {protocol}",
                    scenario.name
                );
            }
        }
    }
}

#[test]
fn planted_texts_are_on_the_wire() {
    for scenario in scenarios() {
        for seed in 1..4 {
            let scene = scene(scenario.name, seed);
            // The password of HTTP basic is on the wire in base64 only.
            let secrets = &scene.truth.secrets;
            let open = secrets
                .iter()
                .filter(|text| contains(&scene, text.as_bytes()))
                .count();
            assert!(open + 1 >= secrets.len(), "{}: {secrets:?}", scenario.name);
            // Connections of the ward may be older than the capture, their greeting unseen.
            let numbers: Vec<&String> = scene
                .truth
                .private
                .iter()
                .filter(|t| t.starts_with("INV-"))
                .collect();
            let streams = scene.streams();
            let found = numbers.iter().filter(|number| {
                let number = number.as_bytes();
                streams
                    .iter()
                    .any(|s| s.out.windows(number.len()).any(|w| w == number))
            });
            let least = if scenario.whole { 4 } else { numbers.len() };
            assert!(
                found.count() >= least,
                "{} {seed}: {numbers:?}",
                scenario.name
            );
        }
    }
}

#[test]
fn devices_have_the_macs_and_segments_that_are_on_the_wire() {
    for scenario in scenarios() {
        let scene = scene(scenario.name, 3);
        let mut seen = BTreeSet::new();
        for frame in &scene.frames {
            let Some(view) = View::of(&frame.bytes) else {
                continue;
            };
            let vlan = view.tags.first().map(|t| t.1);
            seen.insert((view.from.to_string(), vlan));
        }
        for device in &scene.truth.devices {
            let key = (device.mac.clone(), device.vlan);
            assert!(seen.contains(&key), "{}: {device:?}", scenario.name);
        }
        for (a, b) in &scene.truth.macs_apart {
            assert_ne!(a, b);
        }
    }
}

#[test]
fn idle_monitors_and_attempts_carry_nobody() {
    for name in [
        "idle-monitor",
        "attempts-only",
        "attempts-arp-only",
        "sibling-9600",
    ] {
        assert!(scene(name, 4).truth.private.is_empty(), "{name}");
    }
}

#[test]
fn times_ascend_and_frames_have_the_least_size() {
    for scenario in scenarios() {
        let scene = scene(scenario.name, 6);
        assert!(
            scene.frames.windows(2).all(|w| w[0].time <= w[1].time),
            "{}",
            scenario.name
        );
        assert!(scene.frames.iter().all(|f| f.bytes.len() >= 60));
        assert!(
            scene
                .frames
                .iter()
                .all(|f| f.wire_len as usize == f.bytes.len())
        );
    }
}

#[test]
fn far_ends_differ_in_distance_and_hops() {
    let round_trip = |far_end| {
        let options = Options {
            far_end,
            ..Options::default()
        };
        let scene = generate("leak-through-gateway", 1, &options).unwrap();
        let syns: Vec<_> = scene
            .frames
            .iter()
            .filter_map(|f| {
                let v = View::of(&f.bytes)?.ipv4?;
                let (_, flags, _) = v.tcp(&f.bytes)?;
                (flags & 2 != 0).then_some((f.time, v.ttl))
            })
            .collect();
        (syns[1].0.since(syns[0].0), syns[1].1)
    };
    assert_eq!(round_trip(FarEnd::Abroad(240, 47)), (240_000_000, 47));
    assert_eq!(round_trip(FarEnd::InsideStation), (620_000, 127));
    assert!(round_trip(FarEnd::Sinkhole).0 < 5_000_000);
}

fn with(transforms: Vec<Transform>) -> Scene {
    generate(
        "leak-through-gateway",
        2,
        &Options {
            transforms,
            ..Options::default()
        },
    )
    .unwrap()
}

/// The stream to a port, put in order without regard to time.
fn stream_of(scene: &Scene, port: u16) -> Vec<u8> {
    let mut parts: Vec<(u32, Vec<u8>)> = Vec::new();
    let mut first = None;
    for frame in &scene.frames {
        let Some(v) = View::of(&frame.bytes).and_then(|v| v.ipv4) else {
            continue;
        };
        let Some((seq, flags, payload)) = v.tcp(&frame.bytes) else {
            continue;
        };
        if v.ports.is_some_and(|p| p.1 == port) {
            if flags & 2 != 0 {
                first = Some(seq.wrapping_add(1));
            }
            let bytes = frame.bytes[payload..v.end].to_vec();
            parts.push((seq.wrapping_sub(first.unwrap_or(seq)), bytes));
        }
    }
    parts.sort();
    let mut out = Vec::new();
    for (at, bytes) in parts {
        if at as usize == out.len() {
            out.extend(bytes);
        }
    }
    out
}

#[test]
fn streams_are_the_bytes_that_were_sent() {
    let scene = with(vec![]);
    let streams = scene.streams();
    let one = streams.iter().find(|s| s.responder.1 == 515).unwrap();
    assert_eq!(one.out, stream_of(&scene, 515));
    assert!(one.back.is_empty());
    let copied = with(vec![Transform::Retransmitted(30)]);
    assert_eq!(
        copied
            .streams()
            .iter()
            .find(|s| s.responder.1 == 515)
            .unwrap()
            .out,
        one.out
    );
}

#[test]
fn segmentation_order_and_copies_leave_the_stream_as_it_is() {
    let plain = stream_of(&with(vec![]), 515);
    assert!(plain.len() > 10_000 && plain[2] == 5);
    for transform in [
        Transform::SmallSegments(1),
        Transform::SmallSegments(100),
        Transform::Reordered(4),
        Transform::Retransmitted(20),
        Transform::Twice,
        Transform::TwoInterfaces(auscult_lab::Split::Directions),
        Transform::DirectionalTags(3),
        Transform::DoubleTagged(9),
        Transform::RoutedCopies(77),
    ] {
        let label = format!("{transform:?}");
        let stream = stream_of(&with(vec![transform]), 515);
        assert!(stream == plain, "{label}");
    }
}

#[test]
fn reordering_and_loss_do_something() {
    let plain = with(vec![]);
    assert_ne!(with(vec![Transform::Reordered(4)]).frames, plain.frames);
    assert!(with(vec![Transform::Loss(100)]).frames.len() < plain.frames.len());
    assert!(with(vec![Transform::SmallSegments(1)]).frames.len() > plain.frames.len() * 3);
    assert!(with(vec![Transform::Fragmented(200)]).frames.len() > plain.frames.len());
}

#[test]
fn points_of_capture_show_what_they_can_show() {
    let monitor: Ipv4Addr = [10, 20, 3, 14].into();
    let heard = with(vec![Transform::BroadcastOnly]);
    assert!(!heard.frames.is_empty());
    assert!(heard.frames.iter().all(|f| f.bytes[0] & 1 == 1));
    let sends = with(vec![Transform::OneSided(vec![monitor], Side::From)]);
    let sources: BTreeSet<_> = sends
        .frames
        .iter()
        .filter_map(|f| View::of(&f.bytes)?.ipv4.map(|v| v.from))
        .collect();
    assert_eq!(sources, BTreeSet::from([monitor]));
    let site: Ipv4Addr = [192, 0, 2, 77].into();
    let wan = with(vec![Transform::WanSide(site)]);
    assert!(!wan.frames.is_empty());
    for frame in &wan.frames {
        let view = View::of(&frame.bytes).unwrap();
        assert!(view.involves(site) && !view.involves(monitor) && view.tags.is_empty());
    }
    let middle = with(vec![Transform::NoHandshakes]);
    assert!(middle.frames.iter().all(|f| {
        let flags = View::of(&f.bytes).and_then(|v| v.ipv4?.tcp(&f.bytes).map(|t| t.1));
        flags.unwrap_or(0) & 2 == 0
    }));
}

#[test]
fn clocks_and_cuts() {
    let ten_years = 3_600 * 86_400 * 1_000_000_000_i64;
    let plain = with(vec![]);
    let ahead = |s: &Scene| {
        s.frames
            .iter()
            .filter(|f| f.time.since(plain.frames[0].time) > ten_years)
            .count()
    };
    assert_eq!(
        (ahead(&plain), ahead(&with(vec![Transform::ClockJump]))),
        (0, 1)
    );
    let stepped = with(vec![Transform::ClockStep(3600)]);
    let last = |s: &Scene| s.frames[s.frames.len() - 1].time;
    assert_eq!(last(&stepped).since(last(&plain)), 3_600_000_000_000);
    let cut = with(vec![Transform::Snaplen(96)]);
    assert!(cut.frames.iter().all(|f| f.bytes.len() <= 96));
    assert!(cut.frames.iter().any(|f| f.wire_len > 96));
}

#[test]
fn an_update_carries_the_whole_file() {
    let scene = scene("nfs-update-squatted", 11);
    assert_eq!(scene.truth.artifacts.len(), 1);
    assert!(contains(&scene, b"AUSCULT LAB INERT FILE"));
    assert!(contains(&scene, b"\x00\x00\x00\x03/pm\x00"));
    let port = scene.truth.flows.iter().find(|f| f.3 == "nfs").map(|f| f.2);
    assert_eq!(port, Some(2049));
    assert!(scene.frames.iter().any(|f| {
        View::of(&f.bytes)
            .and_then(|v| v.ipv4)
            .is_some_and(|v| v.protocol != ip::ICMP)
    }));
}

/// Walks a stream by the published framing: length, 05, type; least length by type; bound of the
/// zero padding.
fn blocks(stream: &[u8]) -> Vec<(u8, Option<u8>)> {
    let mut out = Vec::new();
    let mut rest = stream;
    while let [low, high, five, kind, more @ ..] = rest {
        let length = usize::from(u16::from_le_bytes([*low, *high]));
        assert_eq!(*five, 5, "after {} blocks", out.len());
        let (data, next) = more.split_at(length - 2);
        let sub_type = (*kind == 0x46).then(|| data[2]);
        let least = match (kind, sub_type) {
            (0x3e, _) => 0xaf,
            (0x43 | 0x47, _) => 2,
            (0x45, _) => 6,
            (0x46, Some(0x14)) => 0x3d5,
            (0x46, Some(0x15)) => 0x116,
            (0x46, Some(0x16)) => 0x25,
            (0x46, Some(0x17)) => 0x30,
            (0x49, _) => 3,
            other => panic!("block {other:?}"),
        };
        assert!(
            (least..=least + 64).contains(&length),
            "{kind:02x} has {length}"
        );
        out.push((*kind, sub_type));
        rest = next;
    }
    assert!(rest.is_empty());
    out
}

#[test]
fn every_habit_gives_a_stream_of_whole_blocks() {
    let mut orders = BTreeSet::new();
    for seed in 0..40 {
        let scene = scene(
            if seed % 4 == 0 {
                "idle-monitor"
            } else {
                "custom-server"
            },
            seed,
        );
        let stream = scene
            .streams()
            .into_iter()
            .find(|s| s.responder.1 == 515)
            .unwrap();
        let blocks = blocks(&stream.out);
        let cycles = blocks.iter().filter(|b| b.0 == 0x47).count();
        assert!(
            (8..=22).contains(&cycles),
            "seed {seed}: {cycles} cycles in 20 s"
        );
        for sub_type in 0x14..=0x17 {
            assert_eq!(
                blocks.iter().filter(|b| b.1 == Some(sub_type)).count(),
                cycles
            );
        }
        let first: Vec<u8> = blocks.iter().filter_map(|b| b.1).take(4).collect();
        orders.insert(first);
    }
    assert!(
        orders.len() > 8,
        "the order of blocks hardly varies: {orders:?}"
    );
}

#[test]
fn a_far_stream_keeps_its_pace() {
    for seed in 0..20 {
        let scene = scene("leak-through-gateway", seed);
        let stream = scene
            .streams()
            .into_iter()
            .find(|s| s.responder.1 == 515)
            .unwrap();
        let cycles = blocks(&stream.out).iter().filter(|b| b.0 == 0x47).count();
        assert!(cycles >= 9, "seed {seed}: {cycles} cycles in 20 s");
    }
}

#[test]
fn a_long_ward_is_only_longer() {
    let options = Options {
        seconds: 900,
        ..Options::default()
    };
    let long = generate("ward", 5, &options).unwrap();
    let last = long.frames[long.frames.len() - 1]
        .time
        .since(long.frames[0].time);
    assert!(last > 200 * 1_000_000_000);
    assert!(long.frames.len() > scene("ward", 5).frames.len() * 3);
}

#[test]
fn planted_names_are_known_from_hl7_and_recur_elsewhere() {
    for (name, seed) in [
        ("planted-names", 1),
        ("planted-names", 2),
        ("ward", 1),
        ("ward", 2),
    ] {
        let scene = scene(name, seed);
        let lower = scene
            .truth
            .private
            .iter()
            .find(|t| t.len() > 4 && t.chars().all(|c| c.is_ascii_lowercase()))
            .unwrap();
        let upper = lower.to_uppercase();
        assert!(
            contains(&scene, format!("pc-{lower}").as_bytes()),
            "{name}: host name"
        );
        let told = scene
            .streams()
            .iter()
            .filter(|s| s.out.starts_with(b"\x0bMSH"))
            .any(|s| String::from_utf8_lossy(&s.out).contains(&format!("||{upper}^")));
        assert!(told, "{name} {seed}: nobody says that {upper} is a patient");
        assert!(
            contains(&scene, format!("Befund {upper}").as_bytes()),
            "{name}: job name"
        );
    }
}

#[test]
fn the_truth_expects_only_what_a_view_can_show() {
    let view = |transform| {
        let options = Options {
            transforms: vec![transform],
            ..Options::default()
        };
        generate("station-on-link", 2, &options).unwrap().truth
    };
    assert!(
        scene("station-on-link", 2)
            .truth
            .expects("public-address-squatted")
    );
    let cooked = view(Transform::CookedV2);
    assert!(!cooked.expects("public-address-squatted"));
    assert!(cooked.expects("phi-cleartext-inside"));
    assert!(
        cooked
            .must_not
            .iter()
            .any(|r| r == "public-address-squatted")
    );
    let heard = view(Transform::BroadcastOnly);
    assert!(heard.must.is_empty() && heard.signature.is_empty() && heard.coverage.is_empty());
    assert!(!heard.must_not.is_empty());
    assert!(view(Transform::Loss(5)).must.iter().all(|m| m.2 == "info"));
    assert_eq!(view(Transform::Twice), scene("station-on-link", 2).truth);
}
