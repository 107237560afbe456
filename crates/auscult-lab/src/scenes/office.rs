//! Scenes of ordinary IT: printing, logins in clear, browsing, a scanner's probes.

use std::net::Ipv4Addr;

use super::{ALL_RULES, Parameters};
use crate::frame::Scene;
use crate::net::{Host, MS, Path, SECOND, Way};
use crate::speak::dhcp;
use crate::stage::Stage;
use crate::talk::{Ends, Talk};
use crate::wire::tcp::Stack;

/// A workstation prints by LPD; nothing in it is about a patient.
pub fn printer_lpd(p: &Parameters) -> Scene {
    let mut stage = Stage::new(p.seed, "print jobs on port 515");
    let pc = p.host(&mut stage, [0x3c, 0x52, 0x82], p.monitor, Stack::WINDOWS);
    let printer_ip = Ipv4Addr::from((u32::from(p.monitor) & !0xff) | 40);
    let printer = p.host(&mut stage, [0x00, 0x80, 0x77], printer_ip, Stack::SMALL);
    stage
        .rec
        .resolve(stage.at(200), &pc, printer.ip, Some(printer.mac));
    let path = Path::on_link(&pc, &printer);
    for (n, title) in ["Dienstplan", "Speiseplan", "Testseite"]
        .into_iter()
        .enumerate()
    {
        let at = stage.at(300 + n as i64 * 4_000);
        let what = (p.port, "lp", "pc0", "technik", title);
        stage.print(at, &path, (pc.stack, printer.stack), what);
    }
    stage
        .truth
        .device("workstation", &pc, "workstation|other|unknown");
    stage.truth.device("printer", &printer, "printer");
    stage.truth.no_signature = vec![pc.ip.to_string(), printer.ip.to_string()];
    stage.truth.must_not(&ALL_RULES);
    stage.finish()
}

/// A patient who is known from HL7 turns up in a host name, a looked-up name, a URL, a print job
/// and a login name: none of these may be shown.
pub fn planted_names(p: &Parameters) -> Scene {
    let mut stage = Stage::new(p.seed, "a patient's name and number in names of all kinds");
    let host = |stage: &mut Stage, last: u32, stack| {
        let ip = Ipv4Addr::from((u32::from(p.monitor) & !0xff) | last);
        p.host(stage, [0xd4, 0xbe, 0xd9], ip, stack)
    };
    let pc = host(&mut stage, 101, Stack::WINDOWS);
    let server = host(&mut stage, 5, Stack::LINUX);
    let (path, stacks) = (Path::on_link(&pc, &server), (pc.stack, server.stack));
    let person = stage.people.person();
    let (upper, lower) = (person.family.clone(), person.family.to_lowercase());
    let name = format!("pc-{lower}");
    let lease = dhcp::Lease {
        ip: pc.ip,
        prefix: 24,
        router: p.gateway,
        dns: server.ip,
        server: server.ip,
    };
    let who = dhcp::Client {
        host_name: Some(name),
        ..dhcp::Client::default()
    };
    stage.lease(stage.at(50), &pc, &server, &lease, &who);
    stage
        .rec
        .resolve(stage.at(200), &pc, server.ip, Some(server.mac));
    let looked_up = format!("{lower}.akten.klinik.example");
    stage.resolve_name(stage.at(400), &path, &looked_up, &[server.ip]);
    let target = format!("/akte/{upper}?nr={}", person.number);
    stage.http_get(stage.at(700), &path, stacks, (80, &looked_up, &target, ""));
    let title = format!("Befund {upper} {}", person.number);
    stage.print(
        stage.at(900),
        &path,
        stacks,
        (515, "lp", "pc0", "technik", &title),
    );
    let route = crate::speak::hl7::Route {
        sender: "LABOR".to_owned(),
        facility: "KLINIK".to_owned(),
        receiver: "ENGINE".to_owned(),
        receiver_facility: "KLINIK".to_owned(),
    };
    let at = stage.at(1_500);
    let message = stage.hl7_admission(&route, at, &person, ("3B", 4));
    stage.hl7(at, &path, stacks, 2575, &route, &[message]);
    stage.truth.private(&lower);
    stage.truth.must("phi-cleartext-inside", pc.ip, "low");
    stage
        .truth
        .must_not(&["phi-cleartext-outside", "public-address-squatted"]);
    stage.finish()
}

/// Base64 with padding (RFC 4648).
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let at = |n: usize| u32::from(group.get(n).copied().unwrap_or(0));
        let word = (at(0) << 16) | (at(1) << 8) | at(2);
        for n in 0..4 {
            if n <= group.len() {
                out.push(LETTERS[(word >> (18 - 6 * n) & 63) as usize] as char);
            } else {
                out.push('=');
            }
        }
    }
    out
}

fn dialogue(
    stage: &mut Stage,
    path: &Path,
    stacks: (Stack, Stack),
    port: u16,
    lines: &[(Way, &str)],
) {
    let ends = Ends::new(&mut stage.prng, stacks.0, stacks.1, port);
    let at = stage.at(500 + i64::from(port) * 10);
    let (rec, prng) = (&mut stage.rec, &mut stage.prng);
    let mut talk = Talk::open(rec, prng, path, ends, at);
    for (way, line) in lines {
        talk.send(rec, *way, line.as_bytes(), talk.now.plus(30 * MS));
    }
    talk.close(rec, Way::Out, talk.now.plus(100 * MS));
}

/// FTP, HTTP basic and Telnet with invented accounts.
pub fn clear_logins(p: &Parameters) -> Scene {
    let mut stage = Stage::new(p.seed, "logins in clear by FTP, HTTP basic and Telnet");
    let pc = p.host(&mut stage, [0x3c, 0x52, 0x82], p.monitor, Stack::WINDOWS);
    let server_ip = Ipv4Addr::from((u32::from(p.monitor) & !0xff) | 60);
    let server = p.host(&mut stage, [0x00, 0x50, 0x56], server_ip, Stack::LINUX);
    stage
        .rec
        .resolve(stage.at(200), &pc, server.ip, Some(server.mac));
    let path = Path::on_link(&pc, &server);
    let stacks = (pc.stack, server.stack);
    let mut secret = || format!("Erdacht-{:05}", stage.prng.between(10_000, 99_999));
    let secrets = [secret(), secret(), secret()];
    let ftp = format!("PASS {}\r\n", secrets[0]);
    dialogue(
        &mut stage,
        &path,
        stacks,
        21,
        &[
            (Way::Back, "220 labftpd ready\r\n"),
            (Way::Out, "USER scan2ftp\r\n"),
            (Way::Back, "331 Password required\r\n"),
            (Way::Out, &ftp),
            (Way::Back, "230 Logged in\r\n"),
            (Way::Out, "QUIT\r\n"),
            (Way::Back, "221 Bye\r\n"),
        ],
    );
    let telnet = format!("{}\r\n", secrets[1]);
    dialogue(
        &mut stage,
        &path,
        stacks,
        23,
        &[
            (Way::Back, "\r\nlab login: "),
            (Way::Out, "technik\r\n"),
            (Way::Back, "Password: "),
            (Way::Out, &telnet),
            (Way::Back, "\r\nLast login: never\r\n$ "),
            (Way::Out, "exit\r\n"),
        ],
    );
    let basic = base64(format!("technik:{}", secrets[2]).as_bytes());
    let header = format!("Authorization: Basic {basic}\r\n");
    let at = stage.at(5_000);
    stage.http_get(
        at,
        &path,
        stacks,
        (80, "lab.example", "/verwaltung", &header),
    );
    let truth = &mut stage.truth;
    truth.secrets = secrets.to_vec();
    truth.secrets.push(basic.trim_end_matches('=').to_owned());
    truth.flow(pc.ip, server.ip, 21, "ftp");
    truth.flow(pc.ip, server.ip, 23, "telnet");
    truth.device("workstation", &pc, "workstation|other|unknown");
    // Cameras and printers offer the same three services: nothing here tells a server.
    truth.device("server", &server, "server|unknown");
    truth.must("cleartext-login", format!("{}|{}", pc.ip, server.ip), "low");
    truth.must_not(&ALL_RULES[..5]);
    stage.finish()
}

/// Leases, names, browsing: nothing to find.
pub fn benign_office(p: &Parameters) -> Scene {
    let mut stage = Stage::new(p.seed, "an office at work; nothing to find");
    let gateway = p.gateway_host(&mut stage);
    let server_ip = Ipv4Addr::from((u32::from(p.gateway) & !0xff) | 5);
    let server = p.host(&mut stage, [0x18, 0x66, 0xda], server_ip, Stack::WINDOWS);
    for n in 0..3_u8 {
        let ip = Ipv4Addr::from((u32::from(p.gateway) & !0xff) | u32::from(100 + n));
        let host = p.host(&mut stage, [0xd4, 0xbe, 0xd9], ip, Stack::WINDOWS);
        let at = stage.at(200 + i64::from(n) * 3_000);
        let who = dhcp::Client {
            host_name: Some(format!("pc-office{n}")),
            vendor_class: Some("MSFT 5.0".to_owned()),
            parameters: vec![1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 119, 121, 249, 252],
        };
        let lease = dhcp::Lease {
            ip,
            prefix: 24,
            router: gateway.ip,
            dns: server.ip,
            server: server.ip,
        };
        stage.lease(at, &host, &server, &lease, &who);
        browsing(&mut stage, at.plus(SECOND), &host, &gateway, &server);
        stage.truth.device("workstation", &host, "workstation");
        stage
            .truth
            .identity(ip, "dhcp_hostname", &format!("pc-office{n}"));
    }
    stage.truth.device(
        "infrastructure server",
        &server,
        "server|network-device|gateway",
    );
    stage.truth.must_not(&ALL_RULES);
    stage.finish()
}

fn browsing(
    stage: &mut Stage,
    at: auscult_model::Timestamp,
    host: &Host,
    gateway: &Host,
    server: &Host,
) {
    let at = stage.rec.resolve(at, host, server.ip, Some(server.mac));
    let at = stage.rec.resolve(at, host, gateway.ip, Some(gateway.mac));
    let far = Ipv4Addr::new(198, 51, 100, stage.prng.between(10, 200) as u8);
    let names = Path::on_link(host, server);
    let at = stage.resolve_name(at, &names, "journal.example", &[far]);
    let path = Path::through(host, gateway, far, 54, 21 * MS);
    stage.browse(at, &path, (host.stack, Stack::LINUX), "journal.example", 2);
}

/// A vulnerability scanner probes a printer's port 515 and goes away.
pub fn port_scanner(p: &Parameters) -> Scene {
    let mut stage = Stage::new(p.seed, "a scanner probes port 515");
    let scanner = p.host(&mut stage, [0x00, 0x50, 0x56], p.monitor, Stack::LINUX);
    let printer_ip = Ipv4Addr::from((u32::from(p.monitor) & !0xff) | 40);
    let printer = p.host(&mut stage, [0x00, 0x80, 0x77], printer_ip, Stack::SMALL);
    stage
        .rec
        .resolve(stage.at(200), &scanner, printer.ip, Some(printer.mac));
    let path = Path::on_link(&scanner, &printer);
    let probes: [&[u8]; 4] = [b"\x02default\n", b"\x01\n", b"", b"\x02\x00\x05G"];
    for (n, probe) in probes.into_iter().enumerate() {
        let ends = Ends::new(&mut stage.prng, scanner.stack, printer.stack, p.port);
        let at = stage.at(300 + n as i64 * 900);
        let (rec, prng) = (&mut stage.rec, &mut stage.prng);
        let mut talk = Talk::open(rec, prng, &path, ends, at);
        talk.send(rec, Way::Out, probe, talk.now);
        talk.reset(rec, Way::Out, talk.now.plus(50 * MS));
    }
    stage.truth.no_signature = vec![scanner.ip.to_string(), printer.ip.to_string()];
    stage.truth.must_not(&ALL_RULES);
    stage.truth.must_not(&["advisory-device-present"]);
    stage.finish()
}

#[cfg(test)]
mod tests {
    #[test]
    fn vectors_of_rfc_4648() {
        for (plain, want) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(super::base64(plain.as_bytes()), want);
        }
    }
}
