//! Offices: workstations of Windows, printers, a telephone, a camera, and the servers they use.

use std::net::Ipv4Addr;

use auscult_model::Timestamp;

use super::network::Managed;
use super::{Common, Morning, Place};
use crate::net::{Host, MS, Path, SECOND, Transport, US, Way};
use crate::speak::{dhcp, http, lines, link, lpd, mdns, netbios, smb};
use crate::wire::tcp::Stack;

const WINDOWS: [u8; 14] = [1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 119, 121, 249, 252];
const BROWSER: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) LabBrowser/118.0";
const GROUP: &str = "KLINIK";

/// The two printers, and what they say they are.
struct Printers {
    shared: Host,
    labels: Host,
}

impl Morning {
    pub(super) fn office(&mut self, common: &Common) {
        let server = &common.infrastructure;
        let name = self.name("infra1");
        self.names_of(self.stage.at(400_000), (&common.files, server), &name);
        let told = name.to_uppercase();
        let told = [("netbios_name", told.as_str())];
        self.device("infrastructure server", server, "server", &told);
        let printers = self.printers(common);
        for n in 0..4_u8 {
            self.workstation(common, &printers, n);
        }
        self.telephone(common);
        self.camera();
    }

    fn lease(&mut self, at: Timestamp, host: &Host, server: &Host, who: &dhcp::Client) {
        let place = self.place_of(host).unwrap_or(Place::Office);
        let lease = dhcp::Lease {
            ip: host.ip,
            prefix: 24,
            router: self.gateway(place).ip,
            dns: server.ip,
            server: server.ip,
        };
        self.stage.lease(at, host, server, &lease, who);
        self.met(host.ip, super::Reach::Local);
    }

    /// A page asked for in clear, and where it comes from.
    pub(super) fn page(&mut self, at: Timestamp, (host, server): (&Host, &Host), software: &str) {
        let path = self.path(at, host, server);
        let site = format!("{}:80", server.ip);
        let fields = [("Host", site.as_str()), ("User-Agent", BROWSER)];
        let ask = http::request("GET", "/", &fields, &[]);
        let body = b"<html><title>intern</title><body>an invented page</body></html>\n";
        let fields = [("Server", software), ("Content-Type", "text/html")];
        let answer = if self.stage.prng.chance(50) {
            http::chunked("200 OK", &fields, body, 40)
        } else {
            http::response("200 OK", &fields, body)
        };
        let stacks = (host.stack, server.stack);
        let turns = [(Way::Out, ask), (Way::Back, answer)];
        self.stage.converse(at, &path, stacks, (80, "http"), &turns);
    }

    /// One computer asks another for its NetBIOS names.
    pub(super) fn names_of(&mut self, at: Timestamp, (asker, host): (&Host, &Host), name: &str) {
        let path = self.path(at, asker, host);
        let id = self.stage.prng.next_u64() as u16;
        let answer = netbios::status(id, name, GROUP, host.mac);
        let ports = (netbios::PORTS.0, netbios::PORTS.0);
        let rec = &mut self.stage.rec;
        rec.udp(at, &path, Way::Out, ports, &netbios::status_query(id));
        let after = at.plus(path.rtt_b + 200 * US);
        rec.udp(after, &path, Way::Back, ports, &answer);
        self.stage.truth.flow(asker.ip, host.ip, 137, "nbns");
    }

    fn shares(&mut self, at: Timestamp, host: &Host, server: &Host) {
        let path = self.path(at, host, server);
        let guid = |bytes: Vec<u8>| {
            let mut out = [0; 16];
            out.copy_from_slice(&bytes);
            out
        };
        let (client, own) = (
            guid(self.stage.prng.bytes(16)),
            guid(self.stage.prng.bytes(16)),
        );
        let turns = [
            (Way::Out, smb::negotiate(&client)),
            (Way::Back, smb::negotiated(&own, at, false)),
        ];
        let stacks = (host.stack, server.stack);
        self.stage.converse(at, &path, stacks, (445, "smb"), &turns);
    }

    fn workstation(&mut self, common: &Common, printers: &Printers, n: u8) {
        let host = self.computer(Place::Office, 100 + n * 3, Stack::WINDOWS);
        let server = &common.infrastructure;
        // One computer is named after a patient: that must be masked, and is no name of a device.
        let planted = n == 1;
        let name = if planted {
            format!("pc-{}", self.persons[0].family.to_lowercase())
        } else {
            let room = *self.stage.prng.pick(&["ambulanz", "pforte", "labor"]);
            self.name(&format!("pc-{room}{n}"))
        };
        let at = self.stage.at(30_000 + i64::from(n) * 1_300_000);
        let who = dhcp::Client {
            host_name: Some(name.clone()),
            vendor_class: Some("MSFT 5.0".to_owned()),
            parameters: WINDOWS.to_vec(),
        };
        self.lease(at, &host, server, &who);
        self.called(at.plus(SECOND), &host, &name);
        self.device("workstation", &host, "workstation", &[]);
        self.stage
            .truth
            .identity(host.ip, "http_user_agent", BROWSER);
        if planted {
            self.stage
                .truth
                .private(&self.persons[0].family.to_lowercase());
        } else {
            let truth = &mut self.stage.truth;
            truth.identity(host.ip, "dhcp_hostname", &name);
            truth.identity(host.ip, "netbios_name", &name.to_uppercase());
        }
        self.errands(at.plus(20 * SECOND), common, &host);
        self.prints(at.plus(600 * SECOND), &host, printers, n);
    }

    /// Names claimed and looked for on the segment.
    fn called(&mut self, at: Timestamp, host: &Host, name: &str) {
        let everybody = self.address(Place::Office, 255);
        let id = self.stage.prng.next_u64() as u16;
        let ports = (netbios::PORTS.0, netbios::PORTS.0);
        let rec = &mut self.stage.rec;
        for (k, suffix) in [netbios::COMPUTER, netbios::SERVER].into_iter().enumerate() {
            let claim = netbios::registration(id.wrapping_add(k as u16), name, suffix, host.ip);
            rec.broadcast(at.plus(k as i64 * 5 * MS), host, everybody, ports, &claim);
        }
        let said = netbios::host_announcement(id, (name, host.ip), GROUP, (10, 0));
        let ports = (netbios::PORTS.1, netbios::PORTS.1);
        rec.broadcast(at.plus(4 * SECOND), host, everybody, ports, &said);
        let joined = link::membership(mdns::LLMNR.0);
        let what = Transport::Other(2, &joined);
        rec.multicast(at.plus(30 * MS), host, (mdns::LLMNR.0, 1), &what);
        let question = mdns::llmnr_question(id, "wpad");
        let what = Transport::Udp(51_000 + id % 9_000, mdns::LLMNR.1, &question);
        rec.multicast(at.plus(50 * MS), host, (mdns::LLMNR.0, 1), &what);
        let search = lines::search("urn:schemas-upnp-org:device:InternetGatewayDevice:1");
        let what = Transport::Udp(60_000 + id % 5_000, lines::SSDP.1, &search);
        rec.multicast(at.plus(900 * MS), host, (lines::SSDP.0, 1), &what);
    }

    fn errands(&mut self, at: Timestamp, common: &Common, host: &Host) {
        let server = &common.infrastructure;
        let names = self.path(at, host, server);
        let inside = format!("{}.klinik.example", self.name("intranet"));
        let now = self
            .stage
            .resolve_name(at, &names, &inside, &[common.files.ip]);
        self.page(now.plus(5 * MS), (host, &common.files), "labhttpd/0.1");
        self.shares(now.plus(3 * SECOND), host, &common.files);
        self.shares(now.plus(4 * SECOND), host, server);
        self.clock(host, server);
        for _ in 0..self.stage.prng.between(1, 2) {
            let at = self.some_time();
            let far = Ipv4Addr::new(192, 0, 2, self.stage.prng.between(10, 200) as u8);
            let site = format!(
                "{}.example",
                self.stage
                    .prng
                    .pick(&["news", "cloud", "update", "journal"])
            );
            let names = self.path(at, host, server);
            let now = self.stage.resolve_name(at, &names, &site, &[far]);
            let path = self.path_outside(now.plus(5 * MS), host, far);
            let stacks = (host.stack, Stack::LINUX);
            self.stage.browse(now.plus(5 * MS), &path, stacks, &site, 2);
        }
    }

    fn printers(&mut self, common: &Common) -> Printers {
        let shared = self.host(Place::Office, 60, [0x00, 0x80, 0x77], Stack::LINUX);
        let labels = self.host(Place::Office, 61, [0x00, 0xa0, 0xf8], Stack::SMALL);
        let name = self.name("drucker-flur");
        let instance = self.name("Drucker Flur");
        let services = ["_ipp._tcp", "_pdl-datastream._tcp"].map(|kind| mdns::Service {
            kind: kind.to_owned(),
            instance: instance.clone(),
            port: if kind.starts_with("_ipp") { 631 } else { 9100 },
            text: vec![
                "txtvers=1".to_owned(),
                "ty=Papyrus Erdacht 410".to_owned(),
                "rp=ipp/print".to_owned(),
            ],
        });
        for n in 0..3 {
            let at = self.stage.at(14_000 + n * 7_000_000);
            let said = mdns::announcement(&name, shared.ip, &services);
            let what = Transport::Udp(mdns::MDNS.1, mdns::MDNS.1, &said);
            let group = (mdns::MDNS.0, 255);
            self.stage.rec.multicast(at, &shared, group, &what);
        }
        for (host, description) in [
            (&shared, "Papyrus Erdacht 410 printer (firmware 3.2)"),
            (&labels, "Etikett Erdacht E5 label printer V84"),
        ] {
            let managed = Managed {
                description,
                object: &[1, 3, 6, 1, 4, 1, 10642, 1],
                name: &name,
            };
            let at = self.some_time();
            self.watched(at, (&common.watcher, host), (0, "public"), &managed);
            let told = [("snmp_sysdescr", description)];
            self.device("printer", host, "printer", &told);
            self.stage.truth.no_signature.push(host.ip.to_string());
        }
        self.stage.truth.identity(shared.ip, "mdns_name", &name);
        Printers { shared, labels }
    }

    fn prints(&mut self, at: Timestamp, host: &Host, printers: &Printers, n: u8) {
        let document = lpd::document("Dienstplan", 12);
        let (printer, port, protocol, turns) = match n % 3 {
            0 => (
                &printers.shared,
                631,
                "ipp",
                self.ipp_job(&printers.shared, &document),
            ),
            1 => {
                let path = self.path(at, host, &printers.shared);
                let stacks = (host.stack, printers.shared.stack);
                let what = (515, "lp", "pc", "technik", "Dienstplan");
                self.stage.print(at, &path, stacks, what);
                return;
            }
            _ => (
                &printers.labels,
                9100,
                "unknown",
                vec![(Way::Out, http::raw_job("Etikett", &document))],
            ),
        };
        let path = self.path(at, host, printer);
        let stacks = (host.stack, printer.stack);
        self.stage
            .converse(at, &path, stacks, (port, protocol), &turns);
    }

    fn ipp_job(&mut self, printer: &Host, document: &[u8]) -> Vec<(Way, Vec<u8>)> {
        let uri = format!("ipp://{}:631/ipp/print", printer.ip);
        let site = format!("{}:631", printer.ip);
        let post = |body: &[u8]| {
            let fields = [
                ("Host", site.as_str()),
                ("User-Agent", "Windows IPP Client (LabPrint 1.0)"),
                ("Content-Type", "application/ipp"),
            ];
            http::request("POST", "/ipp/print", &fields, body)
        };
        let told = |body: &[u8]| {
            let fields = [
                ("Server", "PapyrusHTTP/1.2"),
                ("Content-Type", "application/ipp"),
            ];
            http::response("200 OK", &fields, body)
        };
        let target = [("printer-uri", uri.as_str())];
        let job = [
            ("printer-uri", uri.as_str()),
            ("requesting-user-name", "technik"),
            ("job-name", "Dienstplan"),
        ];
        let is = [
            ("printer-name", "flur"),
            ("printer-make-and-model", "Papyrus Erdacht 410"),
        ];
        let nothing: &[(&str, &str)] = &[];
        let (ask, print) = (http::GET_PRINTER, http::PRINT_JOB);
        vec![
            (
                Way::Out,
                post(&http::ipp(ask, 1, &[(http::OPERATION, &target)], &[])),
            ),
            (
                Way::Back,
                told(&http::ipp(
                    0,
                    1,
                    &[(http::OPERATION, nothing), (http::PRINTER, &is)],
                    &[],
                )),
            ),
            (
                Way::Out,
                post(&http::ipp(print, 2, &[(http::OPERATION, &job)], document)),
            ),
            (
                Way::Back,
                told(&http::ipp(0, 2, &[(http::OPERATION, nothing)], &[])),
            ),
        ]
    }

    /// A telephone gets its address and registers.
    fn telephone(&mut self, common: &Common) {
        let host = self.board(Place::Office, 140, Stack::SMALL);
        let switchboard = self.computer(Place::Management, 13, Stack::LINUX);
        let name = self.name("tel-2140");
        let class = "Fernsprech Erdacht, IP Phone FE-20";
        let at = self.stage.at(45_000);
        let who = dhcp::Client {
            host_name: Some(name.clone()),
            vendor_class: Some(class.to_owned()),
            parameters: vec![1, 66, 6, 3, 15, 150, 35],
        };
        self.lease(at, &host, &common.infrastructure, &who);
        let phone = lines::Telephone {
            number: 2140,
            address: host.ip,
            registrar: switchboard.ip,
            agent: "FE-20/4.1".to_owned(),
        };
        for n in 0..3 {
            let at = at.plus((5 + n * 3_000) * SECOND);
            let path = self.path(at, &host, &switchboard);
            let call = self.stage.prng.next_u64() as u32;
            let rec = &mut self.stage.rec;
            let ports = (5060, 5060);
            rec.udp(at, &path, Way::Out, ports, &phone.register(call));
            let answer = phone.registered(call, "LabSwitchboard 5");
            rec.udp(at.plus(3 * MS), &path, Way::Back, ports, &answer);
        }
        self.stage.truth.flow(host.ip, switchboard.ip, 5060, "sip");
        let told = [
            ("dhcp_hostname", name.as_str()),
            ("dhcp_vendor_class", class),
        ];
        self.device("telephone", &host, "phone", &told);
        self.device("switchboard", &switchboard, "server|other|unknown", &[]);
    }

    /// A camera and its recorder; the camera also says by multicast what it is.
    fn camera(&mut self) {
        let host = self.board(Place::Management, 70, Stack::LINUX);
        let recorder = self.computer(Place::Management, 12, Stack::LINUX);
        let software = "Linux/4.9 UPnP/1.0 AugeErdacht/3.1";
        let uuid = format!(
            "2fac1234-31f8-11b4-a222-{:012x}",
            self.stage.prng.below(1 << 48)
        );
        let name = self.name("kamera-eingang");
        let service = mdns::Service {
            kind: "_rtsp._tcp".to_owned(),
            instance: name.clone(),
            port: 554,
            text: Vec::new(),
        };
        for n in 0..3 {
            let at = self.stage.at(17_000 + n * 6_500_000);
            let said = lines::notify(host.ip, software, &uuid, "upnp:rootdevice");
            let what = Transport::Udp(49_200, lines::SSDP.1, &said);
            let rec = &mut self.stage.rec;
            rec.multicast(at, &host, (lines::SSDP.0, 4), &what);
            let said = mdns::announcement(&name, host.ip, std::slice::from_ref(&service));
            let what = Transport::Udp(mdns::MDNS.1, mdns::MDNS.1, &said);
            rec.multicast(at.plus(SECOND), &host, (mdns::MDNS.0, 255), &what);
        }
        let url = format!("rtsp://{}:554/stream1", host.ip);
        let told = lines::description(host.ip);
        let server = "AugeErdacht/3.1";
        let turns = [
            (Way::Out, lines::rtsp_question("OPTIONS", &url, 1)),
            (Way::Back, lines::rtsp_answer(1, server, "")),
            (Way::Out, lines::rtsp_question("DESCRIBE", &url, 2)),
            (Way::Back, lines::rtsp_answer(2, server, &told)),
        ];
        for _ in 0..2 {
            let at = self.some_time();
            let path: Path = self.path(at, &recorder, &host);
            let stacks = (recorder.stack, host.stack);
            self.stage
                .converse(at, &path, stacks, (554, "rtsp"), &turns);
        }
        let told = [("mdns_name", name.as_str())];
        self.device("camera", &host, "camera", &told);
        self.device("recorder", &recorder, "server|other|unknown", &[]);
    }
}
