//! What carries the rest: routers, switches, a power supply, and who watches over them.

use auscult_model::Timestamp;

use super::{Common, Morning, Place, ROUTER};
use crate::net::{Host, MS, Transport, Way};
use crate::speak::link::{self, Neighbour};
use crate::speak::snmp::{self, Kind, Value};
use crate::speak::{lines, ntp, ssh, tls};
use crate::wire::tcp::Stack;

const CISCO: [u8; 3] = [0x00, 0x1b, 0x17];
const APC: [u8; 3] = [0x00, 0xc0, 0xb7];
const PLACES: [Place; 6] = [
    Place::Bedside,
    Place::Imaging,
    Place::Clinic,
    Place::Office,
    Place::Management,
    Place::Guests,
];

/// What a device answers to whoever watches over it.
pub(super) struct Managed<'a> {
    pub(super) description: &'a str,
    pub(super) object: &'a [u32],
    pub(super) name: &'a str,
}

impl Morning {
    pub(super) fn network(&mut self, common: &Common) {
        self.routers();
        self.switches(common);
        self.power_supply(common);
        let names = [("http_server", "labwatch/2.4")];
        let at = self.some_time();
        self.page(
            at,
            (&common.infrastructure, &common.watcher),
            "labwatch/2.4",
        );
        self.device("watcher", &common.watcher, "server|unknown", &names);
    }

    /// Two routers that share an address and a MAC in every segment; the first holds them.
    fn routers(&mut self) {
        let version = *self.stage.prng.pick(&[2, 3]);
        let macs = [self.stage.mac(CISCO), self.stage.mac(CISCO)];
        for place in PLACES {
            let shared = self.gateway(place);
            let group = self.segment(place).group;
            let own = |n: u8| Host {
                mac: macs[usize::from(n)],
                ip: self.address(place, 2 + n),
                ..shared.clone()
            };
            let (first, second) = (own(0), own(1));
            for n in 0..40 {
                let at = self.stage.at(11_000 + n * 531_000);
                let said = link::vrrp(version, first.ip, (group, 120), shared.ip);
                let speaker = Host {
                    mac: shared.mac,
                    ..first.clone()
                };
                let group = (link::VRRP.0, 255);
                let what = Transport::Other(link::VRRP.1, &said);
                self.stage.rec.multicast(at, &speaker, group, &what);
            }
            self.stage.rec.announce(self.stage.at(2_000), &shared);
            for router in [&first, &second] {
                self.stage.rec.announce(self.stage.at(2_400), router);
                let other = if router.ip == first.ip {
                    &second
                } else {
                    &first
                };
                let at = self.some_time();
                self.stage
                    .rec
                    .resolve(at, router, other.ip, Some(other.mac));
            }
            let truth = &mut self.stage.truth;
            let roles = "network-device|gateway";
            truth.device("router", &shared, roles).shared = true;
            self.device(
                "first router",
                &first,
                "network-device|gateway|unknown",
                &[],
            );
            let roles = "network-device|gateway|unknown";
            self.device("second router", &second, roles, &[]);
            let pair = (first.mac.to_string(), second.mac.to_string());
            if !self.stage.truth.macs_apart.contains(&pair) {
                self.stage.truth.macs_apart.push(pair);
            }
        }
    }

    /// A question of the watcher and its answer.
    pub(super) fn watched(
        &mut self,
        at: Timestamp,
        (watcher, host): (&Host, &Host),
        (version, community): (u8, &str),
        managed: &Managed<'_>,
    ) {
        let path = self.path(at, watcher, host);
        let id = self.stage.prng.between(1000, 2_000_000) as u32;
        let ask = |oid| (oid, Value::Null);
        let asked = [
            ask(snmp::DESCRIPTION),
            ask(snmp::OBJECT_ID),
            ask(snmp::UP_TIME),
            ask(snmp::NAME),
            ask(snmp::LOCATION),
        ];
        let ticks = self.stage.prng.between(100_000, 90_000_000) as u32;
        let told = [
            (snmp::DESCRIPTION, Value::Text(managed.description)),
            (snmp::OBJECT_ID, Value::Object(managed.object)),
            (snmp::UP_TIME, Value::Ticks(ticks)),
            (snmp::NAME, Value::Text(managed.name)),
            (snmp::LOCATION, Value::Text("Haus 2")),
        ];
        let question = snmp::message(version, community, Kind::Get, id, &asked);
        let answer = snmp::message(version, community, Kind::Response, id, &told);
        self.stage.ask(at, &path, (161, "snmp"), &question, &answer);
        if version < 3 {
            // The community is a password that anybody can read.
            let pair = format!("{}|{}", watcher.ip, host.ip);
            self.stage.truth.must("cleartext-login", pair, "low");
        }
    }

    /// A switch says what it is to its neighbours, to the watcher, and in its log.
    fn switches(&mut self, common: &Common) {
        let technician = self.computer(Place::Management, 50, Stack::LINUX);
        for n in 0..2_u8 {
            let host = self.host(Place::Management, 31 + n, CISCO, ROUTER);
            let name = self.name(&format!("switch-{}", n + 1));
            let description = "Netzwerk Erdacht NE-24 Switch Software, Version 15.2(7)";
            let neighbour = Neighbour {
                mac: host.mac,
                port: format!("Gi1/0/{}", 7 + n),
                name: name.clone(),
                description: description.to_owned(),
                platform: "NE-24".to_owned(),
                address: host.ip,
                capabilities: 0x04,
            };
            for k in 0..8 {
                let at = self.stage.at(9_000 + k * 2_600_000 + i64::from(n) * 700);
                let frame = neighbour.lldp();
                let macs = (host.mac, link::LLDP.1);
                self.stage
                    .rec
                    .ethernet(at, host.vlan, macs, link::LLDP.0, &frame);
                let frame = neighbour.cdp();
                let macs = (host.mac, link::CDP);
                let length = frame.len() as u16;
                self.stage
                    .rec
                    .ethernet(at.plus(300 * MS), host.vlan, macs, length, &frame);
            }
            let managed = Managed {
                description,
                object: &[1, 3, 6, 1, 4, 1, 9, 1, 2494],
                name: &name,
            };
            for _ in 0..2 {
                let at = self.some_time();
                let pair = (&common.watcher, &host);
                self.watched(at, pair, (1, "klinik-lesen"), &managed);
            }
            self.log(&host, &common.watcher, &name);
            self.clock(&host, &common.infrastructure);
            let at = self.some_time();
            self.shell(at, (&technician, &host), "LabOS-SSH_1.25");
            let told = [
                ("snmp_sysdescr", description),
                ("ssh_banner", "SSH-2.0-LabOS-SSH_1.25"),
            ];
            self.device("switch", &host, "network-device", &told);
            self.stage.truth.secrets.push("klinik-lesen".to_owned());
        }
        let roles = "workstation|server|other|unknown";
        let told = [("ssh_banner", "SSH-2.0-OpenSSH_9.2p1 Debian-2")];
        self.device("technician's computer", &technician, roles, &told);
    }

    fn log(&mut self, host: &Host, watcher: &Host, name: &str) {
        for (n, text) in ["link up on Gi1/0/4", "configuration saved"]
            .into_iter()
            .enumerate()
        {
            let at = self.some_time();
            let path = self.path(at, host, watcher);
            let line = if n == 0 {
                lines::syslog(189, at, name, "LINK", text)
            } else {
                lines::syslog_new(190, at, name, "conf", text)
            };
            self.stage.rec.udp(at, &path, Way::Out, (514, 514), &line);
            self.stage.truth.flow(host.ip, watcher.ip, 514, "syslog");
        }
    }

    /// A host asks for the time.
    pub(super) fn clock(&mut self, host: &Host, server: &Host) {
        let at = self.some_time();
        let path = self.path(at, host, server);
        let answer = ntp::answer(at, at.plus(MS), 3, server.ip.octets());
        self.stage
            .ask(at, &path, (123, "ntp"), &ntp::question(at), &answer);
    }

    fn shell(&mut self, at: Timestamp, (from, to): (&Host, &Host), software: &str) {
        let path = self.path(at, from, to);
        let p = &mut self.stage.prng;
        let mut turns = vec![
            (Way::Out, ssh::banner("OpenSSH_9.2p1 Debian-2")),
            (Way::Back, ssh::banner(software)),
            (Way::Out, ssh::algorithms(p, "aes128-ctr,aes256-ctr")),
            (Way::Back, ssh::algorithms(p, "aes256-ctr,aes128-ctr")),
            (Way::Out, ssh::client_key(p)),
            (Way::Back, ssh::server_key(p)),
            (Way::Out, ssh::new_keys()),
        ];
        for size in [48, 64, 112, 48] {
            turns.push((Way::Out, tls::opaque(p, size)[5..].to_vec()));
            turns.push((Way::Back, tls::opaque(p, size)[5..].to_vec()));
        }
        let stacks = (from.stack, to.stack);
        self.stage.converse(at, &path, stacks, (22, "ssh"), &turns);
    }

    fn power_supply(&mut self, common: &Common) {
        let host = self.host(Place::Management, 20, APC, Stack::SMALL);
        let name = self.name("usv-keller");
        let description = "Batterie Erdacht UPS Management Card (firmware 6.9.6)";
        let managed = Managed {
            description,
            object: &[1, 3, 6, 1, 4, 1, 318, 1, 3, 27],
            name: &name,
        };
        for _ in 0..3 {
            let at = self.some_time();
            let pair = (&common.watcher, &host);
            self.watched(at, pair, (0, "klinik-lesen"), &managed);
        }
        self.clock(&host, &common.infrastructure);
        let told = [("snmp_sysdescr", description)];
        self.device("power supply", &host, "other", &told);
    }
}
