//! Scenes of HL7: inside the house, and towards a public address.

use std::net::Ipv4Addr;

use super::Parameters;
use crate::frame::Scene;
use crate::net::{Host, MS, Path};
use crate::speak::hl7;
use crate::stage::Stage;
use crate::wire::tcp::Stack;

fn send(p: &Parameters, stage: &mut Stage, path: &Path, stacks: (Stack, Stack), port: u16) {
    let route = hl7::Route {
        sender: "LABOR".to_owned(),
        facility: "KLINIK".to_owned(),
        receiver: "ENGINE".to_owned(),
        receiver_facility: "KLINIK".to_owned(),
    };
    let at = stage.at(900);
    let mut messages = Vec::new();
    for n in 0..p.seconds.clamp(2, 40) / 2 {
        let person = stage.people.person();
        let at = at.plus(n * 500 * MS);
        messages.push(if n % 2 == 0 {
            stage.hl7_admission(&route, at, &person, ("3B", 4))
        } else {
            stage.hl7_results(&route, at, &person)
        });
    }
    stage.hl7(at, path, stacks, port, &route, &messages);
    stage.truth.identity(path.a, "hl7_application", "LABOR");
    stage.truth.must_not(&[
        "remote-code-share",
        "dead-public-address",
        "cleartext-login",
    ]);
}

fn port(p: &Parameters) -> u16 {
    if p.port == crate::ward::STREAM_PORT {
        2575
    } else {
        p.port
    }
}

fn sender(p: &Parameters, stage: &mut Stage) -> Host {
    p.host(stage, [0x00, 0x50, 0x56], p.monitor, Stack::WINDOWS)
}

/// A laboratory system sends to an interface engine on its segment. The port is 2575 unless
/// `port` was changed from that of the stream.
pub fn hl7_inside(p: &Parameters) -> Scene {
    let mut stage = Stage::new(p.seed, "HL7 in clear inside");
    let host = sender(p, &mut stage);
    let engine = p.host(&mut stage, p.station_vendor, p.station, Stack::LINUX);
    stage
        .rec
        .resolve(stage.at(800), &host, engine.ip, Some(engine.mac));
    let path = Path::on_link(&host, &engine);
    send(p, &mut stage, &path, (host.stack, engine.stack), port(p));
    stage.truth.device(
        "sender",
        &host,
        "server|workstation|interface-engine|other|unknown",
    );
    stage.truth.device("engine", &engine, "interface-engine");
    stage.truth.must("phi-cleartext-inside", host.ip, "low");
    stage
        .truth
        .must_not(&["phi-cleartext-outside", "public-address-squatted"]);
    stage.finish()
}

/// The same towards a public address through the gateway, acknowledged by the application.
pub fn hl7_outside(p: &Parameters) -> Scene {
    let mut stage = Stage::new(p.seed, "HL7 in clear towards a public address");
    let host = sender(p, &mut stage);
    let gateway = p.gateway_host(&mut stage);
    stage
        .rec
        .resolve(stage.at(800), &host, gateway.ip, Some(gateway.mac));
    let far = if p.station == crate::ward::STATION {
        Ipv4Addr::new(203, 0, 113, 10)
    } else {
        p.station
    };
    let (rtt, ttl) = p.far_end.distance();
    let path = Path::through(&host, &gateway, far, ttl, rtt);
    send(p, &mut stage, &path, (host.stack, Stack::LINUX), port(p));
    stage.truth.device(
        "sender",
        &host,
        "server|workstation|interface-engine|other|unknown",
    );
    stage.truth.must("phi-cleartext-outside", host.ip, "high");
    stage.truth.must_not(&["public-address-squatted"]);
    stage.truth.answer("patient-data-leaves", "yes");
    stage.finish()
}
