//! Near misses: what is normal in hospitals and looks like a finding.

use std::net::Ipv4Addr;

use super::printing::inbound;
use super::{ALL_RULES, Parameters};
use crate::frame::Scene;
use crate::net::{Host, MS, Path, SECOND, Way};
use crate::stage::Stage;
use crate::talk::{Ends, Talk};
use crate::truth::sha256;
use crate::update::inert_program;
use crate::wire::tcp::Stack;

/// A hosted print service comes in from outside to port 515 of a printer.
pub fn hosted_printing(p: &Parameters) -> Scene {
    let mut stage = Stage::new(p.seed, "a hosted service prints on port 515 from outside");
    let gateway = p.gateway_host(&mut stage);
    let printer = p.host(&mut stage, [0x00, 0x80, 0x77], p.monitor, Stack::SMALL);
    stage
        .rec
        .resolve(stage.at(200), &gateway, printer.ip, Some(printer.mac));
    let service = Ipv4Addr::new(198, 51, 100, 25);
    let path = inbound(service, &gateway, &printer);
    for n in 0..2 {
        let at = stage.at(300 + n * 5_000);
        let what = (p.port, "lp", "print01", "service", "Liste");
        stage.print(at, &path, (Stack::LINUX, printer.stack), what);
    }
    stage.truth.device("printer", &printer, "printer");
    stage.truth.no_signature = vec![printer.ip.to_string()];
    stage.truth.must_not(&ALL_RULES);
    stage.truth.must_not(&["advisory-device-present"]);
    stage.finish()
}

/// A hospital's own public network inside: many hosts with MACs of their own use it on the
/// segment; HL7 between them leaves nothing.
pub fn own_public_range(p: &Parameters) -> Scene {
    let mut stage = Stage::new(p.seed, "a hospital that uses its own public network inside");
    let network = u32::from(Ipv4Addr::new(203, 0, 113, 0));
    let hosts: Vec<Host> = (10..22)
        .map(|last| {
            let ip = Ipv4Addr::from(network | last);
            p.host(&mut stage, [0xd4, 0xbe, 0xd9], ip, Stack::WINDOWS)
        })
        .collect();
    for (n, host) in hosts.iter().enumerate() {
        stage.rec.announce(stage.at(20 + n as i64 * 30), host);
    }
    for (n, pair) in hosts.chunks(2).enumerate() {
        let [a, b] = pair else { continue };
        let at = stage.at(900 + n as i64 * 700);
        let at = stage.rec.resolve(at, a, b.ip, Some(b.mac));
        let path = Path::on_link(a, b);
        let stacks = (a.stack, b.stack);
        if n % 2 == 1 {
            stage.browse(at, &path, stacks, "intern.klinik.example", 1);
            continue;
        }
        let route = crate::speak::hl7::Route {
            sender: format!("APP{n}"),
            facility: "KLINIK".to_owned(),
            receiver: "ENGINE".to_owned(),
            receiver_facility: "KLINIK".to_owned(),
        };
        let person = stage.people.person();
        let message = stage.hl7_results(&route, at, &person);
        stage.hl7(at, &path, stacks, 2575, &route, &[message]);
        stage.truth.must("phi-cleartext-inside", a.ip, "low");
    }
    stage
        .truth
        .must_not(&["phi-cleartext-outside", "public-address-squatted"]);
    stage
        .truth
        .must_not(&["dead-public-address", "remote-code-share"]);
    stage.finish()
}

/// A workstation downloads a program by HTTP: an update of ordinary IT, no share.
pub fn program_download(p: &Parameters) -> Scene {
    let mut stage = Stage::new(p.seed, "a workstation downloads a program by HTTP");
    let gateway = p.gateway_host(&mut stage);
    let pc = p.host(&mut stage, [0xd4, 0xbe, 0xd9], p.monitor, Stack::WINDOWS);
    stage
        .rec
        .resolve(stage.at(200), &pc, gateway.ip, Some(gateway.mac));
    let path = Path::through(&pc, &gateway, Ipv4Addr::new(198, 51, 100, 80), 55, 15 * MS);
    let program = inert_program(&mut stage.prng, 12_000);
    let ends = Ends::new(&mut stage.prng, pc.stack, Stack::LINUX, 80);
    let at = stage.at(500);
    let (rec, prng) = (&mut stage.rec, &mut stage.prng);
    let mut talk = Talk::open(rec, prng, &path, ends, at);
    let ask = b"GET /update/agent.bin HTTP/1.1\r\nHost: update.example\r\n\r\n";
    talk.send(rec, Way::Out, ask, at);
    let mut answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {}\r\n\r\n",
        program.len()
    )
    .into_bytes();
    answer.extend_from_slice(&program);
    talk.send(rec, Way::Back, &answer, talk.now.plus(4 * MS));
    talk.close(rec, Way::Out, talk.now.plus(MS));
    stage.truth.flow(pc.ip, path.b, 80, "http");
    stage
        .truth
        .device("workstation", &pc, "workstation|other|unknown");
    stage
        .truth
        .note
        .push_str(&format!("; its SHA-256 is {}", sha256(&program)));
    stage.truth.must_not(&ALL_RULES);
    stage.finish()
}

/// A load balancer opens and closes the ports of an interface engine every five seconds.
pub fn health_checks(p: &Parameters) -> Scene {
    let mut stage = Stage::new(p.seed, "a load balancer opens and closes the HL7 port");
    let balancer = p.host(&mut stage, [0x00, 0x50, 0x56], p.monitor, Stack::LINUX);
    let engine = p.host(&mut stage, [0xd4, 0xbe, 0xd9], p.station, Stack::LINUX);
    stage
        .rec
        .resolve(stage.at(100), &balancer, engine.ip, Some(engine.mac));
    let path = Path::on_link(&balancer, &engine);
    for n in 0..p.seconds.max(10) / 5 {
        let ends = Ends::new(&mut stage.prng, balancer.stack, engine.stack, 2575);
        let at = stage.at(300 + n * 5_000);
        let (rec, prng) = (&mut stage.rec, &mut stage.prng);
        let mut talk = Talk::open(rec, prng, &path, ends, at);
        talk.close(rec, Way::Out, talk.now.plus(MS));
    }
    stage.truth.must_not(&ALL_RULES);
    stage.finish()
}

/// Calls in vain to a public address that a name server gave: an outage, not a fixed address.
pub fn attempts_named(p: &Parameters) -> Scene {
    let mut stage = Stage::new(p.seed, "calls in vain to an address that was looked up");
    let (host, gateway) = (p.monitor_host(&mut stage), p.gateway_host(&mut stage));
    let server_ip = Ipv4Addr::from((u32::from(p.gateway) & !0xff) | 5);
    let server = p.host(&mut stage, [0x18, 0x66, 0xda], server_ip, Stack::LINUX);
    super::answered_neighbour(&mut stage, &host, &gateway);
    stage
        .rec
        .resolve(stage.at(700), &host, server.ip, Some(server.mac));
    let names = Path::on_link(&host, &server);
    stage.resolve_name(
        stage.at(800),
        &names,
        "station.vendor.example",
        &[p.station],
    );
    stage
        .rec
        .resolve(stage.at(900), &host, gateway.ip, Some(gateway.mac));
    let path = p.path_outside(&host, &gateway);
    let ends = Ends::new(&mut stage.prng, host.stack, Stack::LINUX, p.port);
    let at = stage.at(1_000);
    Talk::attempt(&mut stage.rec, &mut stage.prng, &path, ends, at, &p.retries);
    stage.truth.must_not(&ALL_RULES);
    stage.finish()
}

/// One packet a day would show as much: SYNs at no retransmission pace, each from a new port, and
/// nothing else in the capture is ever answered. Whether anybody answered cannot be told.
pub fn attempts_blind(p: &Parameters) -> Scene {
    let mut stage = Stage::new(
        p.seed,
        "a capture of one direction: SYNs and no answers at all",
    );
    let (host, gateway) = (p.monitor_host(&mut stage), p.gateway_host(&mut stage));
    let path = p.path_outside(&host, &gateway);
    for n in 0..3 {
        let ends = Ends::new(&mut stage.prng, host.stack, Stack::LINUX, p.port);
        let at = stage.at(500).plus(n * 17 * SECOND);
        Talk::attempt(&mut stage.rec, &mut stage.prng, &path, ends, at, &[0]);
    }
    // The gateway was never seen to speak either; it is not a device of this capture.
    stage.truth.devices.retain(|d| d.name != "gateway");
    stage.truth.roles.remove(&gateway.ip.to_string());
    stage
        .truth
        .must_not(&["phi-cleartext-outside", "phi-cleartext-inside"]);
    stage
        .truth
        .must_not(&["public-address-squatted", "remote-code-share"]);
    stage.finish()
}
