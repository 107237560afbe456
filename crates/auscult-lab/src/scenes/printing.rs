//! A multifunction device that prints for others, has others print, and scans to a share; its jobs
//! also come in from a hosted service on the port of the CMS8000's stream.

use std::net::Ipv4Addr;

use super::Parameters;
use crate::frame::Scene;
use crate::net::{Host, MS, Path, SECOND, Way};
use crate::speak::hl7::Route;
use crate::stage::Stage;
use crate::talk::{Ends, Talk};
use crate::wire::tcp::Stack;

/// The path from an address outside to a host behind its gateway.
pub(super) fn inbound(from: Ipv4Addr, gateway: &Host, to: &Host) -> Path {
    let mut path = Path::through(to, gateway, from, 52, 20 * MS);
    std::mem::swap(&mut path.a, &mut path.b);
    std::mem::swap(&mut path.rtt_a, &mut path.rtt_b);
    for leg in &mut path.legs {
        std::mem::swap(&mut leg.a_mac, &mut leg.b_mac);
        std::mem::swap(&mut leg.a_ttl, &mut leg.b_ttl);
    }
    path
}

/// Hosted printing inbound on 515; LPD in both roles; scans with patients' names to FTP.
pub fn print_in(p: &Parameters) -> Scene {
    let note = "a multifunction device: jobs from outside on port 515, jobs to a second printer, \
                scans with patients' names to an FTP server";
    let mut stage = Stage::new(p.seed, note);
    let gateway = p.gateway_host(&mut stage);
    let device = p.host(&mut stage, [0x00, 0x80, 0x77], p.monitor, Stack::LINUX);
    let near = |last| Ipv4Addr::from((u32::from(p.monitor) & !0xff) | last);
    let second = p.host(&mut stage, [0x00, 0x80, 0x77], near(40), Stack::SMALL);
    let server = p.host(&mut stage, [0x00, 0x50, 0x56], near(60), Stack::WINDOWS);
    let person = stage.people.person();
    let service = Ipv4Addr::new(198, 51, 100, stage.prng.between(20, 90) as u8);
    stage
        .rec
        .resolve(stage.at(200), &gateway, device.ip, Some(device.mac));
    let path = inbound(service, &gateway, &device);
    for n in 0..3 {
        let at = stage.at(300 + n * 5_000);
        let what = (p.port, "lp", "print01", "service", "Sammelbrief");
        stage.print(at, &path, (Stack::LINUX, device.stack), what);
    }
    known_patient(&mut stage, (&server, &device), &person);
    let (upper, number) = (person.family.clone(), person.number.clone());
    stage
        .rec
        .resolve(stage.at(6_000), &device, second.ip, Some(second.mac));
    let path = Path::on_link(&device, &second);
    let title = format!("Befund {upper} {number}");
    let what = (p.port, "lp2", "mfp1", "fax", title.as_str());
    stage.print(stage.at(6_100), &path, (device.stack, second.stack), what);
    let name = format!("Scan_{upper}_{number}.pdf");
    scan(&mut stage, &device, &server, &name);
    let truth = &mut stage.truth;
    truth.device("multifunction device", &device, "printer");
    truth.device("second printer", &second, "printer");
    truth.device("file server", &server, "server|interface-engine|unknown");
    truth.no_signature = [&device, &second, &server]
        .map(|host| host.ip.to_string())
        .to_vec();
    truth.must(
        "cleartext-login",
        format!("{}|{}", device.ip, server.ip),
        "low",
    );
    truth.must("phi-cleartext-inside", server.ip, "low");
    truth.must_not(&[
        "advisory-device-present",
        "phi-cleartext-outside",
        "remote-code-share",
        "dead-public-address",
        "public-address-squatted",
    ]);
    truth.nothing_else_from = Some("medium".to_owned());
    stage.finish()
}

/// HL7 tells that this person is a patient, so that the name is masked wherever it recurs.
fn known_patient(
    stage: &mut Stage,
    (sender, receiver): (&Host, &Host),
    person: &crate::people::Person,
) {
    let engine = Host {
        mac: stage.mac([0xd4, 0xbe, 0xd9]),
        ip: Ipv4Addr::from((u32::from(receiver.ip) & !0xff) | 70),
        stack: Stack::LINUX,
        ..receiver.clone()
    };
    let route = Route {
        sender: "LABOR".to_owned(),
        facility: "KLINIK".to_owned(),
        receiver: "ENGINE".to_owned(),
        receiver_facility: "KLINIK".to_owned(),
    };
    let at = stage.at(4_000);
    let message = stage.hl7_admission(&route, at, person, ("3B", 4));
    let at = stage.rec.resolve(at, sender, engine.ip, Some(engine.mac));
    let path = Path::on_link(sender, &engine);
    let stacks = (sender.stack, engine.stack);
    stage.hl7(at, &path, stacks, 2575, &route, &[message]);
}

/// A scan is put on the share by FTP, in passive mode (RFC 959).
fn scan(stage: &mut Stage, from: &Host, to: &Host, name: &str) {
    let mut file = b"%PDF-1.4\n% an invented scan\n".to_vec();
    file.extend(stage.prng.bytes(3_000));
    file.extend_from_slice(b"\n%%EOF\n");
    let secret = format!("Erdacht-{:05}", stage.prng.between(10_000, 99_999));
    let at = stage.at(12_000);
    let at = stage.rec.resolve(at, from, to.ip, Some(to.mac));
    let path = Path::on_link(from, to);
    let ends = Ends::new(&mut stage.prng, from.stack, to.stack, 21);
    let data_port = stage.prng.between(50_000, 60_000) as u16;
    let data_ends = Ends::new(&mut stage.prng, from.stack, to.stack, data_port);
    let [a, b, c, d] = to.ip.octets();
    let (high, low) = (data_port >> 8, data_port & 0xff);
    let passive = format!("227 Entering Passive Mode ({a},{b},{c},{d},{high},{low})\r\n");
    let (rec, prng) = (&mut stage.rec, &mut stage.prng);
    let mut control = Talk::open(rec, prng, &path, ends, at);
    let (password, store) = (format!("PASS {secret}\r\n"), format!("STOR {name}\r\n"));
    let before = [
        (Way::Back, "220 labftpd ready\r\n"),
        (Way::Out, "USER scan2ftp\r\n"),
        (Way::Back, "331 Password required\r\n"),
        (Way::Out, password.as_str()),
        (Way::Back, "230 Logged in\r\n"),
        (Way::Out, "TYPE I\r\n"),
        (Way::Back, "200 Type set to I\r\n"),
        (Way::Out, "PASV\r\n"),
        (Way::Back, passive.as_str()),
        (Way::Out, store.as_str()),
        (Way::Back, "150 Opening data connection\r\n"),
    ];
    for (way, line) in before {
        control.send(rec, way, line.as_bytes(), control.now.plus(8 * MS));
    }
    let mut data = Talk::open(rec, prng, &path, data_ends, control.now.plus(MS));
    data.send(rec, Way::Out, &file, data.now.plus(MS));
    let end = data.close(rec, Way::Out, data.now.plus(MS));
    let after = [
        (Way::Back, "226 Transfer complete\r\n"),
        (Way::Out, "QUIT\r\n"),
        (Way::Back, "221 Bye\r\n"),
    ];
    control.now = control.now.max(end);
    for (way, line) in after {
        control.send(rec, way, line.as_bytes(), control.now.plus(8 * MS));
    }
    control.close(rec, Way::Out, control.now.plus(SECOND));
    let truth = &mut stage.truth;
    truth.flow(from.ip, to.ip, 21, "ftp");
    truth.flow(from.ip, to.ip, data_port, "ftp-data");
    truth.artifact(&file);
    truth.secrets.push(secret);
}
