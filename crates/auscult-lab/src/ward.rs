//! The scenario `ward`: four segments of a small hospital seen at a mirror of the core switch.
//!
//! Two monitor segments use the factory addresses twice; a clinical segment holds monitors that
//! send to a station inside, to far away, or to nobody, and an interface engine; an office segment
//! holds workstations and a printer. One monitor copies a file from a share. What is not known of
//! real units, and what differs between hospitals, varies with the seed.

use std::net::Ipv4Addr;

use auscult_model::Timestamp;

use crate::Options;
use crate::frame::Scene;
use crate::monitor::Monitor;
use crate::net::{Host, MS, Path, SECOND};
use crate::people::Person;
use crate::scenes::FarEnd;
use crate::speak::{dhcp, hl7};
use crate::stage::{Stage, hl7_time};
use crate::talk::{Ends, OLD_RETRIES, Talk};
use crate::truth::CMS8000;
use crate::update::{Fetch, SharedFile, inert_program};
use crate::wire::tcp::Stack;

/// The factory address of the central station.
pub const STATION: Ipv4Addr = Ipv4Addr::new(202, 114, 4, 119);
/// The factory address of the HL7 server.
pub const HL7_STATION: Ipv4Addr = Ipv4Addr::new(202, 114, 4, 120);
/// The port of the stream.
pub const STREAM_PORT: u16 = 515;

/// Vendor prefixes of boards and makers that have nothing to do with the monitors' maker, and one
/// that is locally administered.
const MONITOR_VENDORS: [[u8; 3]; 7] = [
    [0x00, 0x0c, 0xc6],
    [0x00, 0x04, 0xa3],
    [0xb8, 0x27, 0xeb],
    [0x00, 0x14, 0x97],
    [0x00, 0x14, 0x2d],
    [0x00, 0x04, 0x9f],
    [0x00, 0x1e, 0xc0],
];
const LOCAL_VENDOR: [u8; 3] = [0x02, 0x32, 0x50];
const PC_VENDORS: [[u8; 3]; 4] = [
    [0xd4, 0xbe, 0xd9],
    [0x3c, 0x52, 0x82],
    [0x18, 0x66, 0xda],
    [0x00, 0x1a, 0xa0],
];
const GATEWAY_VENDORS: [[u8; 3]; 3] = [[0x00, 0x1b, 0x17], [0x00, 0x09, 0x0f], [0x00, 0x1c, 0x73]];
const DEPARTMENTS: [&str; 5] = ["ICU", "CCU", "STATION 3B", "RECOVERY", "NEUROLOGY"];
const FAR: [[u8; 3]; 3] = [[192, 0, 2], [198, 51, 100], [203, 0, 113]];

/// The parts of the ward that several of its stories need.
struct Ward {
    stage: Stage,
    length: i64,
    vlans: [u16; 4],
    clinical: [u8; 3],
    office: [u8; 3],
    gateway: [Host; 2],
    vendors: Vec<[u8; 3]>,
    department: &'static str,
    far_ttl: u8,
    far_rtt: i64,
    far_end: FarEnd,
    beds: Vec<u8>,
}

fn net(prefix: [u8; 3], last: u8) -> Ipv4Addr {
    Ipv4Addr::new(prefix[0], prefix[1], prefix[2], last)
}

/// Writes the ward for a seed; of the options, length and far end count here.
pub fn ward(seed: u64, options: &Options) -> Scene {
    let mut ward = Ward::new(seed, options);
    ward.factory_segments();
    ward.custom_station();
    ward.far_station();
    ward.unanswered();
    let (engine, known) = ward.interface_engine();
    ward.office(&engine, &known);
    ward.conclude();
    ward.stage.finish()
}

impl Ward {
    fn new(seed: u64, options: &Options) -> Ward {
        let note = "a ward with monitors on factory addresses, a leak, a copied file, an \
                    interface engine, an office; all patients are invented";
        let mut stage = Stage::new(seed, note);
        let mut vlans: Vec<u16> = (0..4).map(|n| 10 + 37 * n).collect();
        for vlan in &mut vlans {
            *vlan += stage.prng.below(37) as u16;
        }
        stage.prng.shuffle(&mut vlans);
        let p = &mut stage.prng;
        let clinical = [10, p.between(1, 120) as u8, p.between(0, 254) as u8];
        let office = match p.below(3) {
            0 => [192, 168, p.between(10, 200) as u8],
            1 => [172, p.between(16, 31) as u8, p.between(0, 254) as u8],
            _ => [10, p.between(121, 250) as u8, p.between(0, 254) as u8],
        };
        let vendor = *p.pick(&GATEWAY_VENDORS);
        let mut vendors = MONITOR_VENDORS.to_vec();
        p.shuffle(&mut vendors);
        vendors.insert(p.between(1, 4) as usize, LOCAL_VENDOR);
        let mut beds: Vec<u8> = (1..=28).collect();
        p.shuffle(&mut beds);
        let (department, router_last) = (*p.pick(&DEPARTMENTS), *p.pick(&[1, 254]));
        let (far_rtt, far_ttl) = match options.far_end {
            FarEnd::Abroad(ms, ttl) => (
                (ms + p.between(-60, 80)).max(1) * MS,
                ttl.wrapping_add(p.below(6) as u8),
            ),
            near => near.distance(),
        };
        let vlans = [vlans[0], vlans[1], vlans[2], vlans[3]];
        let router = Stack {
            ttl: 255,
            ..Stack::LINUX
        };
        let mac = stage.mac(vendor);
        let gateway = |prefix, vlan| Host {
            mac,
            ip: net(prefix, router_last),
            vlan: Some(vlan),
            stack: router,
        };
        let gateway = [gateway(clinical, vlans[2]), gateway(office, vlans[3])];
        let mut ward = Ward {
            stage,
            length: i64::from(options.seconds.max(100)) * SECOND,
            far_end: options.far_end,
            vlans,
            clinical,
            office,
            gateway,
            vendors,
            department,
            far_ttl,
            far_rtt,
            beds,
        };
        let [clinical, office] = ward.gateway.clone();
        ward.stage
            .truth
            .device("gateway", &clinical, "network-device|gateway");
        ward.stage
            .truth
            .device("gateway", &office, "network-device|gateway");
        ward
    }

    /// A window of the capture in which something streams: about a third, at a random place.
    fn window(&mut self, share: i64) -> (Timestamp, Timestamp) {
        let part = self.length * share / 100;
        let free = (self.length - part - 4 * SECOND).max(1);
        let from = self
            .stage
            .start
            .plus(SECOND + self.stage.prng.below(free as u64) as i64);
        (from, from.plus(part))
    }

    fn monitor_host(&mut self, ip: Ipv4Addr, vlan: u16) -> Host {
        let vendor = self.vendors.pop().unwrap_or(LOCAL_VENDOR);
        let mac = self.stage.mac(vendor);
        let timestamps = self.stage.prng.chance(70);
        let mut stack = Stack::EMBEDDED_LINUX;
        if !timestamps {
            stack.layout = crate::wire::tcp::Layout::MssOnly;
        }
        stack.mss = *self.stage.prng.pick(&[1460, 1460, 1460, 1400, 536]);
        stack.ttl = *self.stage.prng.pick(&[64, 64, 64, 128, 255]);
        Host {
            mac,
            ip,
            vlan: Some(vlan),
            stack,
        }
    }

    fn monitor(&mut self, person: Option<Person>) -> Monitor {
        let bed = self.beds.pop().unwrap_or(1);
        Monitor::any(&mut self.stage.prng, bed, self.department, person)
    }

    fn pc(&mut self, ip: Ipv4Addr, vlan: u16, stack: Stack) -> Host {
        let vendor = *self.stage.prng.pick(&PC_VENDORS);
        let mac = self.stage.mac(vendor);
        Host {
            mac,
            ip,
            vlan: Some(vlan),
            stack,
        }
    }

    /// Notes a streaming monitor in the truth.
    fn note_monitor(&mut self, name: &str, host: &Host, monitor: &Monitor, label: Option<&str>) {
        let truth = &mut self.stage.truth;
        let device = truth.device(name, host, "patient-monitor");
        device.family = Some(CMS8000.to_owned());
        device.label = label.map(str::to_owned);
        device.bed = Some(monitor.bed);
        device.patient = monitor.patient.as_ref().map(|p| p.number.clone());
        truth
            .signature
            .insert(host.ip.to_string(), CMS8000.to_owned());
        truth.must("advisory-device-present", host.ip, "high");
    }

    /// Two segments with the same factory addresses, each with its own station.
    fn factory_segments(&mut self) {
        let shared = Ipv4Addr::new(202, 114, 4, self.stage.prng.between(10, 60) as u8);
        let other = Ipv4Addr::new(202, 114, 4, self.stage.prng.between(61, 99) as u8);
        let squatted_update = self.stage.prng.chance(35);
        let mut macs = Vec::new();
        let mut stations = Vec::new();
        for (n, vlan) in [self.vlans[0], self.vlans[1]].into_iter().enumerate() {
            let stack = *self
                .stage
                .prng
                .pick(&[Stack::WINDOWS, Stack::WINDOWS, Stack::LINUX]);
            let station = self.pc(STATION, vlan, stack);
            self.station(&station, n as u8);
            stations.push(station.mac);
            let units: &[Ipv4Addr] = if n == 0 { &[shared, other] } else { &[shared] };
            for ip in units {
                let host = self.monitor_host(*ip, vlan);
                if *ip == shared {
                    macs.push(host.mac);
                }
                let person = self.stage.people.person();
                let monitor = self.monitor(Some(person));
                self.note_monitor("monitor on factory address", &host, &monitor, None);
                self.on_link_stream(&host, &station, &monitor, STREAM_PORT);
                if squatted_update && n == 0 && *ip == other {
                    self.update(&host, &Path::on_link(&host, &station), station.stack);
                }
            }
        }
        if !squatted_update {
            // The other case is told in `far_station`.
            self.stage
                .truth
                .note
                .push_str("; the file comes from outside");
        }
        let truth = &mut self.stage.truth;
        truth
            .macs_apart
            .push((macs[0].to_string(), macs[1].to_string()));
        truth
            .macs_apart
            .push((stations[0].to_string(), stations[1].to_string()));
        truth.must("public-address-squatted", STATION, "info");
    }

    /// A station's card: it also holds the HL7 address and a private one, and says so by ARP.
    fn station(&mut self, station: &Host, n: u8) {
        let private = Ipv4Addr::new(192, 168, 0, 10 + n);
        let hl7 = Host {
            ip: HL7_STATION,
            ..station.clone()
        };
        let own = Host {
            ip: private,
            ..station.clone()
        };
        let at = self.stage.between(50, 900);
        for (k, host) in [station, &hl7, &own].into_iter().enumerate() {
            self.stage.rec.announce(at.plus(k as i64 * 7 * MS), host);
        }
        let device = self
            .stage
            .truth
            .device("station", station, "central-station");
        device.ips = vec![
            STATION.to_string(),
            HL7_STATION.to_string(),
            private.to_string(),
        ];
    }

    fn on_link_stream(&mut self, host: &Host, station: &Host, monitor: &Monitor, port: u16) {
        let share = self.stage.prng.between(24, 34);
        let (from, until) = self.window(share);
        let from = self
            .stage
            .rec
            .resolve(from, host, station.ip, Some(station.mac));
        let path = Path::on_link(host, station);
        let stacks = (host.stack, station.stack);
        self.stage
            .stream(monitor, &path, stacks, port, (from, until));
        if monitor.patient.is_some() {
            self.stage
                .truth
                .must("phi-cleartext-inside", host.ip, "low");
        }
        self.stage
            .truth
            .must_not_at("phi-cleartext-outside", host.ip);
    }

    /// A station with a private address: a relabelled unit, and one to which nobody is connected.
    fn custom_station(&mut self) {
        let (clinical, vlan) = (self.clinical, self.vlans[2]);
        let station = self.pc(net(clinical, 20), vlan, Stack::WINDOWS);
        self.stage
            .truth
            .device("custom station", &station, "central-station");
        self.stage
            .truth
            .must_not_at("public-address-squatted", station.ip);
        // Ports 516 to 520 belong to the same software; the grammar on them was never shown.
        let port = *self.stage.prng.pick(&[515, 515, 515, 515, 516, 518]);
        let last = self.stage.prng.between(30, 49) as u8;
        let host = self.monitor_host(net(clinical, last), vlan);
        let person = self.stage.people.person();
        let monitor = self.monitor(Some(person));
        self.note_monitor(
            "relabelled monitor",
            &host,
            &monitor,
            Some("EPSIMED MN-120"),
        );
        self.on_link_stream(&host, &station, &monitor, port);

        let idle = self.monitor_host(net(clinical, last + 10), vlan);
        let monitor = self.monitor(None);
        self.note_monitor("idle monitor", &idle, &monitor, None);
        self.on_link_stream(&idle, &station, &monitor, port);
        self.stage
            .truth
            .must_not_at("phi-cleartext-inside", idle.ip);
    }

    /// A monitor that streams through the gateway to the factory address, answered from afar.
    fn far_station(&mut self) {
        let (clinical, vlan) = (self.clinical, self.vlans[2]);
        let last = self.stage.prng.between(70, 89) as u8;
        let host = self.monitor_host(net(clinical, last), vlan);
        let person = self.stage.people.person();
        let monitor = self.monitor(Some(person));
        let gateway = self.gateway[0].clone();
        let path = Path::through(&host, &gateway, STATION, self.far_ttl, self.far_rtt);
        let share = self.stage.prng.between(26, 36);
        let (from, until) = self.window(share);
        let from = self
            .stage
            .rec
            .resolve(from, &host, gateway.ip, Some(gateway.mac));
        let stacks = (host.stack, Stack::LINUX);
        self.stage
            .stream(&monitor, &path, stacks, STREAM_PORT, (from, until));
        self.note_monitor("monitor that sends outside", &host, &monitor, None);
        self.stage
            .truth
            .must("phi-cleartext-outside", host.ip, "critical");
        if self.stage.truth.artifacts.is_empty() {
            self.update(&host, &path, Stack::LINUX);
        }
    }

    /// The menu update of one monitor.
    fn update(&mut self, host: &Host, path: &Path, server: Stack) {
        let p = &mut self.stage.prng;
        let size = p.between(8_000, 60_000) as usize;
        let export = *p.pick(&["/pm", "/pm", "/pm", "/pm", "/srv/upd", "/cms"]);
        let name = *p.pick(&["monitor", "monitor", "monitor", "update", "patch.bin"]);
        let bytes = inert_program(p, size);
        let file = SharedFile {
            name: name.to_owned(),
            bytes,
        };
        let fetch = Fetch::update(p, export, vec![file]);
        let at = self.stage.between(2_000, 20_000);
        let (rec, prng) = (&mut self.stage.rec, &mut self.stage.prng);
        let stacks = (host.stack, server);
        fetch.run(rec, prng, path, stacks, at);
        let truth = &mut self.stage.truth;
        truth.must("remote-code-share", host.ip, "critical");
        truth.artifact(&fetch.files[0].bytes);
        truth.identity(host.ip, "rpc_machine_name", &fetch.machine);
        for (port, protocol) in fetch.ports.into_iter().zip(["portmap", "mount", "nfs"]) {
            truth.flow(path.a, path.b, port, protocol);
        }
    }

    /// A monitor whose station never answers.
    fn unanswered(&mut self) {
        let (clinical, vlan) = (self.clinical, self.vlans[2]);
        let last = self.stage.prng.between(90, 99) as u8;
        let host = self.monitor_host(net(clinical, last), vlan);
        let gateway = self.gateway[0].clone();
        let path = Path::through(&host, &gateway, STATION, self.far_ttl, self.far_rtt);
        let at = self.stage.between(500, 4_000);
        let at = self
            .stage
            .rec
            .resolve(at, &host, gateway.ip, Some(gateway.mac));
        let stacks = (host.stack, Stack::LINUX);
        let ends = Ends::new(&mut self.stage.prng, stacks.0, stacks.1, STREAM_PORT);
        let (rec, prng) = (&mut self.stage.rec, &mut self.stage.prng);
        Talk::attempt(rec, prng, &path, ends, at, &OLD_RETRIES);
        let truth = &mut self.stage.truth;
        truth.device(
            "monitor without station",
            &host,
            "patient-monitor|unknown|other",
        );
        truth.must("dead-public-address", host.ip, "info");
        truth.must_not_at("phi-cleartext-outside", host.ip);
        truth.must_not_at("phi-cleartext-inside", host.ip);
    }

    /// The interface engine and what sends to it; also one of the patients it was told of.
    fn interface_engine(&mut self) -> (Host, Person) {
        let (clinical, vlan) = (self.clinical, self.vlans[2]);
        let engine = self.pc(net(clinical, 210), vlan, Stack::LINUX);
        let port = *self.stage.prng.pick(&[2575, 2575, 6661, 5001, 10_004]);
        let persons: Vec<Person> = (0..3).map(|_| self.stage.people.person()).collect();
        let senders = [
            ("KIS", "ADT", "server"),
            ("LABOR", "ORU", "server"),
            ("GATEWAY", "ORU", "other"),
        ];
        for (n, (application, kind, _)) in senders.into_iter().enumerate() {
            let sender = self.pc(net(clinical, 211 + n as u8), vlan, Stack::WINDOWS);
            let route = hl7::Route {
                sender: application.to_owned(),
                facility: "KLINIK".to_owned(),
                receiver: "ENGINE".to_owned(),
                receiver_facility: "KLINIK".to_owned(),
            };
            let at = self.stage.at(1_000 + n as i64 * 7_000);
            let mut messages = Vec::new();
            for person in &persons {
                let bed = self.stage.prng.between(1, 28) as u8;
                messages.push(if kind == "ADT" {
                    self.stage
                        .hl7_admission(&route, at, person, (self.department, bed))
                } else {
                    self.stage.hl7_results(&route, at, person)
                });
            }
            let at = self
                .stage
                .rec
                .resolve(at, &sender, engine.ip, Some(engine.mac));
            let path = Path::on_link(&sender, &engine);
            let stacks = (sender.stack, engine.stack);
            self.stage.hl7(at, &path, stacks, port, &route, &messages);
            let truth = &mut self.stage.truth;
            truth.device(
                application,
                &sender,
                "server|workstation|interface-engine|other|unknown",
            );
            truth.identity(sender.ip, "hl7_application", application);
            truth.must("phi-cleartext-inside", sender.ip, "low");
            truth.no_signature.push(sender.ip.to_string());
        }
        self.stage
            .truth
            .device("interface engine", &engine, "interface-engine");
        self.stage.truth.no_signature.push(engine.ip.to_string());
        (engine, persons[0].clone())
    }

    /// Workstations, a printer, and the server that gives addresses and names.
    fn office(&mut self, engine: &Host, known: &Person) {
        let (office, vlan) = (self.office, self.vlans[3]);
        let server = self.pc(net(office, 5), vlan, Stack::WINDOWS);
        self.stage.truth.device(
            "infrastructure server",
            &server,
            "server|network-device|gateway",
        );
        let printer_stack = Stack {
            ttl: 64,
            ..Stack::SMALL
        };
        let mut printer = self.pc(net(office, 60), vlan, printer_stack);
        printer.mac = self.stage.mac([0x00, 0x80, 0x77]);
        self.stage.truth.device("printer", &printer, "printer");
        self.stage.truth.no_signature.push(printer.ip.to_string());
        let count = self.stage.prng.between(2, 4);
        for n in 0..count {
            let ip = net(office, 100 + n as u8 * 3);
            let host = self.pc(ip, vlan, Stack::WINDOWS);
            let planted = n == 1;
            let name = if planted {
                format!("pc-{}", known.family.to_lowercase())
            } else {
                format!(
                    "pc-{}{n}",
                    self.stage.prng.pick(&["ambulanz", "pforte", "labor"])
                )
            };
            let at = self.stage.at(300 + n * 2_500);
            self.workstation(at, &host, &server, (&name, planted));
            self.errands(
                at.plus(4 * SECOND),
                &host,
                (&server, &printer, engine),
                known,
                n,
            );
        }
        if self.stage.prng.chance(50) {
            self.lease(
                self.stage.at(150),
                &printer,
                &server,
                "drucker1",
                "Papyrus LaserJet",
            );
        }
    }

    fn lease(&mut self, at: Timestamp, host: &Host, server: &Host, name: &str, class: &str) {
        let lease = dhcp::Lease {
            ip: host.ip,
            prefix: 24,
            router: self.gateway[1].ip,
            dns: server.ip,
            server: server.ip,
        };
        let who = dhcp::Client {
            host_name: Some(name.to_owned()),
            vendor_class: Some(class.to_owned()),
            parameters: vec![1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 119, 121, 249, 252],
        };
        self.stage.lease(at, host, server, &lease, &who);
    }

    fn workstation(&mut self, at: Timestamp, host: &Host, server: &Host, name: (&str, bool)) {
        self.stage.truth.device("workstation", host, "workstation");
        self.stage.truth.no_signature.push(host.ip.to_string());
        self.lease(at, host, server, name.0, "MSFT 5.0");
        if name.1 {
            // A host named after a patient must be masked once the patient is known.
            self.stage.truth.private(name.0.trim_start_matches("pc-"));
        } else {
            self.stage.truth.identity(host.ip, "dhcp_hostname", name.0);
        }
    }

    fn errands(
        &mut self,
        at: Timestamp,
        host: &Host,
        (server, printer, engine): (&Host, &Host, &Host),
        person: &Person,
        n: i64,
    ) {
        let gateway = self.gateway[1].clone();
        let names = Path::on_link(host, server);
        let mut now = self
            .stage
            .rec
            .resolve(at, host, server.ip, Some(server.mac));
        now = self
            .stage
            .rec
            .resolve(now, host, gateway.ip, Some(gateway.mac));
        for _ in 0..self.stage.prng.between(1, 2) {
            let p = &mut self.stage.prng;
            let far = {
                let block = *p.pick(&FAR);
                net(block, p.between(10, 200) as u8)
            };
            let site = format!(
                "{}.example",
                p.pick(&["news", "cloud", "update", "journal"])
            );
            let (ttl, rtt) = (p.between(48, 58) as u8, p.between(12, 40) * MS);
            let records = p.between(1, 3) as u32;
            now = self
                .stage
                .resolve_name(now, &names, &site, &[far])
                .plus(2 * MS);
            let path = Path::through(host, &gateway, far, ttl, rtt);
            let stacks = (host.stack, Stack::LINUX);
            now = self
                .stage
                .browse(now, &path, stacks, &site, records)
                .plus(SECOND);
        }
        if n == 0 {
            let at = self
                .stage
                .rec
                .resolve(now, host, printer.ip, Some(printer.mac));
            let job = format!("Befund {}", person.family);
            let path = Path::on_link(host, printer);
            let stacks = (host.stack, printer.stack);
            let what = (515, "lp", "pc0", "technik", job.as_str());
            self.stage.print(at, &path, stacks, what);
        } else {
            // Through the router and back on the mirror: every packet is seen on two segments.
            let [inner, outer] = [self.gateway[0].mac, gateway.mac];
            let path = Path::routed(host, outer, inner, engine);
            let target = format!("/befund?nr={}", person.number);
            let what = (8080, "engine.klinik.example", target.as_str(), "");
            self.stage
                .http_get(now, &path, (host.stack, engine.stack), what);
        }
    }

    fn conclude(&mut self) {
        let truth = &mut self.stage.truth;
        truth.must_not(&["cleartext-login"]);
        truth.answer("contec-cms8000-present", "yes");
        if self.far_end.outside() {
            truth.answer("patient-data-leaves", "yes");
        }
        truth.answer("code-fetched", "yes");
        truth.answer("devices-reach-internet", "yes");
        truth.answer("remote-monitoring", "yes");
        truth.answer("readings-true", "cannot-tell");
        let day = hl7_time(self.stage.start);
        self.stage
            .truth
            .note
            .push_str(&format!("; begins {}", &day[..8]));
    }
}
