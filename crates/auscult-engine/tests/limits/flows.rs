//! Tables and buffers of flows.

use crate::*;

#[test]
fn flows_that_nobody_answers() {
    // A scan of so many public hosts that flows, openings and conversations find no room.
    const ATTEMPTS: u32 = 310_000;
    let mut wire = Wire::new();
    for number in 0..ATTEMPTS {
        let to = Ipv4Addr::from(0x0900_0000 + number);
        let from = (host(0), 1024 + (number % 60_000) as u16);
        wire.tcp(from, (to, 104), (number, 0), SYN, &[]);
    }
    let options = limited(&[("flows", 1024)]);
    let report = wire.report(&options);
    assert_eq!(report.health.flows, u64::from(ATTEMPTS));
    assert_eq!(reached(&report, "flows"), report.health.flows_evicted);
    assert!(report.health.flows_evicted >= u64::from(ATTEMPTS) - 1024);
    assert_eq!(
        reached(&report, "inventory-flow-starts"),
        u64::from(ATTEMPTS) - 100_000
    );
    assert_eq!(
        reached(&report, "inventory-conversations"),
        u64::from(ATTEMPTS) - 300_000
    );
    assert!(report.devices.len() as u64 <= report.devices_total as u64);
}

#[test]
fn an_opening_repeated_for_ever() {
    let mut wire = Wire::new();
    wire.step = Timestamp::SECOND;
    for _ in 0..100 {
        let (from, to) = ((host(1), 40_000), (Ipv4Addr::new(9, 0, 0, 1), 104));
        wire.tcp(from, to, (7, 0), SYN, &[]);
    }
    let report = wire.report(&Options::default());
    reached(&report, "inventory-flow-starts-alike");
}

#[test]
fn half_open_flows_within_the_budget_are_all_kept() {
    let mut wire = Wire::new();
    for number in 0..100_000 {
        let from = (host(1 + number % 1000), 1024 + (number / 1000) as u16);
        wire.tcp(from, (host(0), 104), (number, 0), SYN, &[]);
    }
    let report = wire.report(&Options::default());
    assert_eq!(report.health.flows, 100_000);
    assert_eq!(report.health.flows_evicted, 0, "{:?}", report.health.limits);
}

#[test]
fn bytes_behind_a_hole() {
    let (client, server) = ((host(1), 40_000), (host(0), 2575));
    let mut wire = Wire::new();
    wire.open(client, server);
    for number in 0..100 {
        // The first 1,400 bytes never come.
        wire.tcp(
            client,
            server,
            (1 + (number + 1) * 1400, 1),
            PUSH,
            &[b'x'; 1400],
        );
    }
    let options = Options {
        max_memory: 16 << 20,
        ..Options::default()
    };
    let report = wire.report(&options);
    reached(&report, "out-of-order-bytes");
    assert_eq!(report.health.gaps, 1);
    assert_eq!(report.health.bytes_missing, 1400);
}

#[test]
fn bytes_that_wait_for_a_name() {
    // A record mark of RPC and nothing that decides: many flows of one pair wait.
    let mut wire = Wire::new();
    for number in 0..1200 {
        let (client, server) = ((host(1), 10_000 + number), (host(0), 2575));
        wire.open(client, server);
        wire.tcp(client, server, (1, 1), PUSH, &[b'A'; 1400]);
    }
    let report = wire.report(&Options::default());
    reached(&report, "probing-bytes");
}

#[test]
fn fragments_that_never_become_whole() {
    let mut wire = Wire::new();
    for _ in 0..1500 {
        let header = ip::Header {
            from: host(1),
            to: host(0),
            ttl: 64,
            id: wire.frames as u16,
            dont_fragment: false,
            protocol: ip::UDP,
        };
        let pieces = header.fragments(&[7; 1200], 1000);
        let frame = ethernet::frame(card(host(0)), card(host(1)), &[], 0x0800, &pieces[0]);
        wire.frame(&frame);
    }
    let report = wire.report(&Options::default());
    let kept = 1500 - reached(&report, "fragment-bytes");
    assert!(kept > 0);
    // Half a minute later the rest is given up.
    wire.clock += 31 * Timestamp::SECOND;
    let header = ip::Header {
        from: host(1),
        to: host(0),
        ttl: 64,
        id: 60_000,
        dont_fragment: false,
        protocol: ip::UDP,
    };
    let piece = &header.fragments(&[7; 1200], 1000)[0];
    wire.frame(&ethernet::frame(
        card(host(0)),
        card(host(1)),
        &[],
        0x0800,
        piece,
    ));
    let report = wire.report(&Options::default());
    assert_eq!(report.health.fragments_expired, kept);
}

#[test]
fn a_million_segments_of_one_byte() {
    const SEGMENTS: usize = 1_000_000;
    let (client, server) = ((host(1), 40_000), (host(0), 2575));
    let mut wire = Wire::new();
    wire.open(client, server);
    let message = admission("X");
    let text: Vec<u8> = message.iter().copied().cycle().take(SEGMENTS).collect();
    for (number, byte) in text.iter().enumerate() {
        wire.tcp(client, server, (1 + number as u32, 1), PUSH, &[*byte]);
    }
    let report = wire.report(&Options::default());
    assert_eq!(report.health.gaps, 0);
    assert_eq!(report.health.flows, 1);
    let findings: Vec<_> = report
        .findings
        .iter()
        .map(|finding| finding.rule.as_ref())
        .collect();
    assert!(findings.contains(&"phi-cleartext-inside"), "{findings:?}");
    let messages = (SEGMENTS / message.len()) as u64;
    let count: Vec<u64> = report
        .findings
        .iter()
        .map(|finding| finding.count)
        .collect();
    assert!(count.contains(&messages), "{count:?}, not {messages}");
}

/// A file by TFTP cannot be rewritten, one by NFS over TCP can: the bytes of a copied program
/// come twice, differently, before the hole in front of them is filled.
#[test]
fn bytes_that_contradict() {
    use auscult_lab::wire::{checksum, view::View};
    let mut scene =
        auscult_lab::generate("nfs-update-outside", 3, &auscult_lab::Options::default()).unwrap();
    let honest = cases::report(&scene);
    assert_eq!(honest.health.conflicting_flows, 0);
    assert!(honest.artifacts.iter().any(|artifact| artifact.complete));
    let payload = |bytes: &[u8]| -> Option<(Ipv4Addr, u16, usize, usize)> {
        let view = View::of(bytes)?.ipv4?;
        let (_, _, at) = view.tcp(bytes)?;
        Some((view.from, view.ports?.0, at, view.end))
    };
    // Two segments of the server, one after the other.
    let full = |frame: usize| {
        let place = payload(&scene.frames[frame].bytes);
        place.filter(|(_, port, at, end)| *port == 2049 && end - at > 200)
    };
    let large: Vec<usize> = (0..scene.frames.len())
        .filter(|frame| full(*frame).is_some())
        .collect();
    let [first, second] = large[large.len() / 2 - 1..=large.len() / 2] else {
        panic!("two segments");
    };
    let mut other = scene.frames[second].clone();
    let (_, _, at, end) = payload(&other.bytes).unwrap();
    other.bytes[at + 150..end].fill(b'!');
    // Another packet than the honest one, not a copy of it.
    let id = View::of(&other.bytes).unwrap().network + 4;
    other.bytes[id] ^= 0x55;
    // With the right checksum: a receiver would throw away the other bytes otherwise.
    let view = View::of(&other.bytes).unwrap().ipv4.unwrap();
    other.bytes[view.transport + 16..view.transport + 18].fill(0);
    let segment = &other.bytes[view.transport..view.end];
    let sum = checksum::transport(view.from, view.to, view.protocol, segment);
    other.bytes[view.transport + 16..view.transport + 18].copy_from_slice(&sum.to_be_bytes());
    let late = scene.frames.remove(first);
    scene.frames.insert(second, other);
    scene.frames.insert(second + 1, late);
    for (frame, number) in scene.frames.iter_mut().zip(0..) {
        frame.time = Timestamp(1_760_000_000 * Timestamp::SECOND + number * 1_000_000);
    }
    let report = cases::report(&scene);
    assert_eq!(report.health.conflicting_flows, 1);
    let spoilt: Vec<bool> = report.artifacts.iter().map(|file| file.complete).collect();
    assert!(spoilt.contains(&false), "{spoilt:?}");
}

#[test]
fn times_that_cannot_be() {
    let scene =
        auscult_lab::generate("leak-through-gateway", 2, &auscult_lab::Options::default()).unwrap();
    let start = scene.frames[0].time;
    let timed = |time: fn(i64) -> i64| {
        let mut scene = scene.clone();
        for (frame, number) in scene.frames.iter_mut().zip(0..) {
            frame.time = start.plus(time(number));
        }
        let capture = cases::Capture::scene(&scene);
        let alone = capture.report(&Options::default());
        let together = capture.report(&Options {
            threads: 3,
            ..Options::default()
        });
        let text = |report: &Report| serde_json::to_string(report).unwrap();
        assert_eq!(text(&alone), text(&together));
        assert_eq!(alone.health.packets, scene.frames.len() as u64);
        let leaves = alone
            .coverage
            .iter()
            .find(|row| row.id == "patient-data-leaves");
        assert_eq!(leaves.unwrap().answer, Answer::Yes);
        alone
    };
    let equal = timed(|_| 0);
    assert_eq!(equal.health.time_steps, 0);
    let backwards = timed(|number| -number * Timestamp::SECOND);
    assert!(backwards.health.time_steps > 0);
    // A day to and fro every ten packets, and a jump of years that nothing confirms.
    let jumping = timed(|number| match number % 23 {
        3 => 20 * 365 * 86_400 * Timestamp::SECOND,
        _ => number / 10 % 2 * 86_400 * Timestamp::SECOND + number * Timestamp::MILLISECOND,
    });
    assert!(jumping.health.time_steps > 0);
}

#[test]
fn a_segment_far_ahead() {
    let (client, server) = ((host(1), 40_000), (host(0), 80));
    let mut wire = Wire::new();
    wire.open(client, server);
    wire.tcp(client, server, (1, 1), PUSH, b"GET / HTTP/1.1\r\n");
    wire.tcp(client, server, (1 << 29, 1), PUSH, b"forged");
    let report = wire.report(&Options::default());
    assert_eq!(reached(&report, "segments-far-ahead"), 1);
    assert_eq!(report.health.gaps, 0);
}

#[test]
fn bytes_behind_a_hole_of_one_flow() {
    let (client, server) = ((host(1), 40_000), (host(0), 2575));
    let mut wire = Wire::new();
    wire.open(client, server);
    for number in 1..20 {
        wire.tcp(client, server, (1 + number * 1400, 1), PUSH, &[b'x'; 1400]);
    }
    let limits = [("out-of-order-bytes-of-one-flow", 10_000)];
    let report = wire.report(&limited(&limits));
    reached(&report, "out-of-order-bytes-of-one-flow");
    assert_eq!(report.health.gaps, 1);
}
