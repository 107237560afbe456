//! Scenes of the monitor stream: where it goes, who answers, and when nobody does.

use std::net::Ipv4Addr;

use super::{Parameters, answered_neighbour};
use crate::frame::Scene;
use crate::monitor::Monitor;
use crate::net::{Host, Leg, MS, Path, SECOND, Transport, Way};
use crate::stage::Stage;
use crate::talk::{Ends, Talk};
use crate::truth::CMS8000;
use crate::ward;
use crate::wire::icmp;
use crate::wire::tcp::Stack;

/// A monitor and what it does on a path; notes family, role and patient in the truth.
fn streaming(p: &Parameters, stage: &mut Stage, host: &Host, path: &Path, server: Stack) {
    let person = p.patient.then(|| stage.people.person());
    let bed = stage.prng.between(1, 30) as u8;
    let mut monitor = Monitor::any(&mut stage.prng, bed, "ICU", person);
    monitor.identified = p.identified;
    if let Some(habits) = &p.habits {
        monitor.habits = habits.clone();
    }
    let at = stage.at(800);
    let until = at.plus(p.seconds * SECOND);
    stage.stream(&monitor, path, (host.stack, server), p.port, (at, until));
    let truth = &mut stage.truth;
    let device = truth.device("monitor", host, "patient-monitor");
    device.family = Some(CMS8000.to_owned());
    device.bed = Some(bed);
    device.patient = monitor.patient.as_ref().map(|p| p.number.clone());
    truth
        .signature
        .insert(host.ip.to_string(), CMS8000.to_owned());
    truth.must("advisory-device-present", host.ip, "high");
    truth.answer("contec-cms8000-present", "yes");
    truth.must_not(&[
        "cleartext-login",
        "remote-code-share",
        "dead-public-address",
    ]);
}

/// The stream goes through the gateway to the factory address and is answered.
pub fn leak_through_gateway(p: &Parameters) -> Scene {
    let mut stage = Stage::new(
        p.seed,
        "a monitor streams through the gateway and is answered",
    );
    let (host, gateway) = (p.monitor_host(&mut stage), p.gateway_host(&mut stage));
    stage
        .rec
        .resolve(stage.at(0), &host, gateway.ip, Some(gateway.mac));
    let path = p.path_outside(&host, &gateway);
    let server = if p.far_end.outside() {
        Stack::LINUX
    } else {
        Stack::WINDOWS
    };
    streaming(p, &mut stage, &host, &path, server);
    if p.patient {
        let least = if p.far_end.outside() {
            "critical"
        } else {
            "info"
        };
        stage.truth.must("phi-cleartext-outside", host.ip, least);
        if p.far_end.outside() {
            stage.truth.answer("patient-data-leaves", "yes");
        }
    }
    stage.truth.must_not(&["public-address-squatted"]);
    stage.finish()
}

/// As [`leak_through_gateway`], and the mirror also sees the link to the provider, where the
/// site's address translation has put `site` in the monitor's place.
pub fn leak_seen_outside(p: &Parameters, site: Ipv4Addr) -> Scene {
    let mut stage = Stage::new(p.seed, "a stream is seen leaving on the outer link too");
    let (host, gateway) = (p.monitor_host(&mut stage), p.gateway_host(&mut stage));
    stage
        .rec
        .resolve(stage.at(0), &host, gateway.ip, Some(gateway.mac));
    let mut path = p.path_outside(&host, &gateway);
    let inner = path.legs[0].clone();
    path.legs.push(Leg {
        vlan: p.vlan.map(|id| id ^ 1),
        a_mac: stage.mac(p.gateway_vendor),
        b_mac: stage.mac([0x00, 0x1c, 0x73]),
        a_ttl: inner.a_ttl.wrapping_sub(1),
        b_ttl: inner.b_ttl.wrapping_add(1),
        a_as: Some(site),
    });
    streaming(p, &mut stage, &host, &path, Stack::LINUX);
    if p.patient {
        stage
            .truth
            .must("phi-cleartext-outside", host.ip, "critical");
        stage.truth.answer("patient-data-leaves", "yes");
    }
    stage.truth.must_not(&["public-address-squatted"]);
    stage.finish()
}

/// A station on the segment holds the factory addresses and a private one on one card.
pub fn station_on_link(p: &Parameters) -> Scene {
    let mut stage = Stage::new(p.seed, "a station on the segment holds three addresses");
    let (host, station) = (p.monitor_host(&mut stage), p.station_host(&mut stage));
    let others = [ward::HL7_STATION, Ipv4Addr::new(192, 168, 0, 10)];
    stage.rec.announce(stage.at(10), &station);
    for (n, ip) in others.into_iter().enumerate() {
        stage.rec.announce(
            stage.at(20 + n as i64 * 9),
            &Host {
                ip,
                ..station.clone()
            },
        );
    }
    stage
        .rec
        .resolve(stage.at(300), &host, station.ip, Some(station.mac));
    let path = Path::on_link(&host, &station);
    streaming(p, &mut stage, &host, &path, station.stack);
    let truth = &mut stage.truth;
    let device = truth.device("station", &station, "central-station");
    device.ips.extend(others.map(|ip| ip.to_string()));
    if p.patient {
        truth.must("phi-cleartext-inside", host.ip, "low");
        truth.answer("remote-monitoring", "yes");
    }
    truth.must(
        "public-address-squatted",
        format!("{}|{}", host.ip, station.ip),
        "info",
    );
    truth.must_not(&["phi-cleartext-outside"]);
    stage.finish()
}

/// A station with a private address (CUSTOM), which is nothing but a stream inside.
pub fn custom_server(p: &Parameters) -> Scene {
    let mut stage = Stage::new(
        p.seed,
        "a monitor streams to a station at a private address",
    );
    let (host, station) = (p.monitor_host(&mut stage), p.station_host(&mut stage));
    stage
        .rec
        .resolve(stage.at(300), &host, station.ip, Some(station.mac));
    let path = Path::on_link(&host, &station);
    streaming(p, &mut stage, &host, &path, station.stack);
    stage.truth.device("station", &station, "central-station");
    if p.patient {
        stage.truth.must("phi-cleartext-inside", host.ip, "low");
    }
    stage
        .truth
        .must_not(&["phi-cleartext-outside", "public-address-squatted"]);
    stage.finish()
}

/// Nobody is connected: the stream holds no values, wherever it goes.
pub fn idle_monitor(p: &Parameters) -> Scene {
    let quiet = Parameters {
        patient: false,
        ..p.clone()
    };
    let mut scene = custom_server(&quiet);
    scene.truth.note = "a monitor without a patient streams blocks without values".to_owned();
    scene
        .truth
        .must_not(&["phi-cleartext-inside", "phi-cleartext-outside"]);
    scene.truth.must_not_at("phi-cleartext-inside", p.monitor);
    scene
}

/// SYNs through the gateway that nobody answers, while others are answered.
pub fn attempts_only(p: &Parameters) -> Scene {
    let mut stage = Stage::new(p.seed, "a monitor calls in vain through the gateway");
    let (host, gateway) = (p.monitor_host(&mut stage), p.gateway_host(&mut stage));
    answered_neighbour(&mut stage, &host, &gateway);
    stage
        .rec
        .resolve(stage.at(900), &host, gateway.ip, Some(gateway.mac));
    let path = p.path_outside(&host, &gateway);
    let ends = Ends::new(&mut stage.prng, host.stack, Stack::LINUX, p.port);
    let at = stage.at(1_000);
    Talk::attempt(&mut stage.rec, &mut stage.prng, &path, ends, at, &p.retries);
    attempted(&mut stage, &host);
    stage.finish()
}

fn attempted(stage: &mut Stage, host: &Host) {
    stage
        .truth
        .device("monitor", host, "patient-monitor|unknown|other");
    stage.truth.must("dead-public-address", host.ip, "info");
    stage
        .truth
        .must_not(&["phi-cleartext-outside", "phi-cleartext-inside"]);
    stage
        .truth
        .must_not(&["public-address-squatted", "remote-code-share"]);
}

/// ARP requests for the factory address on its own segment, which nobody answers.
pub fn attempts_arp_only(p: &Parameters) -> Scene {
    let mut stage = Stage::new(
        p.seed,
        "a monitor asks for a station that is not on the segment",
    );
    let host = p.monitor_host(&mut stage);
    for offset in &p.retries {
        for again in 0..3 {
            let at = stage.at(500).plus(*offset + again * SECOND);
            stage.rec.resolve(at, &host, p.station, None);
        }
    }
    attempted(&mut stage, &host);
    stage.finish()
}

/// The gateway refuses by ICMP, or the far side by reset: the block works.
pub fn attempts_refused(p: &Parameters, by_icmp: bool) -> Scene {
    let mut stage = Stage::new(p.seed, "a monitor's calls are refused");
    let (host, gateway) = (p.monitor_host(&mut stage), p.gateway_host(&mut stage));
    answered_neighbour(&mut stage, &host, &gateway);
    stage
        .rec
        .resolve(stage.at(900), &host, gateway.ip, Some(gateway.mac));
    let path = p.path_outside(&host, &gateway);
    let near = Path {
        rtt_b: MS,
        ..path.clone()
    };
    for n in 0..6 {
        let at = stage.at(1_000 + n * 15_000);
        let ends = Ends::new(&mut stage.prng, host.stack, Stack::LINUX, p.port);
        if !by_icmp {
            Talk::refused(&mut stage.rec, &mut stage.prng, &near, ends, at);
            continue;
        }
        Talk::attempt(&mut stage.rec, &mut stage.prng, &path, ends, at, &[0]);
        let quoted = crate::wire::ip::Header {
            from: host.ip,
            to: p.station,
            ttl: host.stack.ttl - 1,
            id: n as u16,
            dont_fragment: true,
            protocol: crate::wire::ip::TCP,
        };
        let mut head = ends.a_port.to_be_bytes().to_vec();
        head.extend_from_slice(&p.port.to_be_bytes());
        head.extend_from_slice(&[0; 16]);
        let message = icmp::unreachable(icmp::PROHIBITED, &quoted.whole(&head));
        let back = Path::on_link(&gateway, &host);
        stage
            .rec
            .ipv4(at.plus(MS), &back, Way::Out, &Transport::Icmp(&message));
    }
    stage
        .truth
        .device("monitor", &host, "patient-monitor|unknown|other");
    stage.truth.must_not(&super::ALL_RULES);
    stage.finish()
}

/// The gateway answers ARP for the factory address and routes: on-link by ARP, outside by truth.
pub fn proxy_arp(p: &Parameters) -> Scene {
    let mut stage = Stage::new(
        p.seed,
        "a gateway answers ARP for the factory address and routes",
    );
    let (host, gateway) = (p.monitor_host(&mut stage), p.gateway_host(&mut stage));
    stage.rec.announce(stage.at(5), &gateway);
    answered_neighbour(&mut stage, &host, &gateway);
    let other = Ipv4Addr::new(203, 0, 113, 80);
    stage
        .rec
        .resolve(stage.at(600), &host, other, Some(gateway.mac));
    stage
        .rec
        .resolve(stage.at(700), &host, p.station, Some(gateway.mac));
    let path = p.path_outside(&host, &gateway);
    streaming(p, &mut stage, &host, &path, Stack::LINUX);
    if p.patient {
        let least = if p.far_end.outside() {
            "critical"
        } else {
            "info"
        };
        stage.truth.must("phi-cleartext-outside", host.ip, least);
    }
    stage.truth.must_not(&["public-address-squatted"]);
    stage.finish()
}

/// Two segments, the same addresses in both, other cards.
pub fn two_segments_same_addresses(p: &Parameters, vlans: [u16; 2]) -> Scene {
    let mut stage = Stage::new(p.seed, "two segments use the same factory addresses");
    let mut macs = Vec::new();
    for vlan in vlans {
        let part = Parameters {
            vlan: Some(vlan),
            ..p.clone()
        };
        let (host, station) = (part.monitor_host(&mut stage), part.station_host(&mut stage));
        stage.rec.announce(stage.at(10), &station);
        stage
            .rec
            .resolve(stage.at(300), &host, station.ip, Some(station.mac));
        let path = Path::on_link(&host, &station);
        streaming(&part, &mut stage, &host, &path, station.stack);
        stage.truth.device("station", &station, "central-station");
        macs.push((host.mac.to_string(), station.mac.to_string()));
    }
    let truth = &mut stage.truth;
    truth
        .macs_apart
        .push((macs[0].0.clone(), macs[1].0.clone()));
    truth
        .macs_apart
        .push((macs[0].1.clone(), macs[1].1.clone()));
    if p.patient {
        truth.must("phi-cleartext-inside", p.monitor, "low");
    }
    truth.must(
        "public-address-squatted",
        format!("{}|{}", p.monitor, p.station),
        "info",
    );
    truth.must_not(&["phi-cleartext-outside", "impostor"]);
    stage.finish()
}
