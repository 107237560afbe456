//! What the units of the week say to each other.

use std::net::Ipv4Addr;

use super::Reach;
use super::story::{HOUR, PRINTS, Place, Story};
use crate::monitor::Monitor;
use crate::net::{Host, MS, Path, SECOND, Way};
use crate::speak::dicom::{self, Command, Context, Set, Syntax};
use crate::speak::{dhcp, hl7};
use crate::ward::STATION;
use crate::wire::tcp::Stack;

/// The stream's port, HL7's and that of DICOM.
const PORTS: (u16, u16, u16) = (515, 2575, 104);

impl Story {
    /// How packets of two hosts inside travel; both have found their next hop by then.
    fn path(&mut self, at: i64, a: &Host, b: &Host) -> Path {
        let before = self.stage.at(at - 3);
        let (Some(from), Some(to)) = (self.place_of(a), self.place_of(b)) else {
            return Path::on_link(a, b);
        };
        let crosses = [Reach::LocalOnly, Reach::CrossesSegment][usize::from(from != to)];
        self.talk(a.ip, b.ip, crosses);
        if from == to {
            self.stage.rec.resolve(before, a, b.ip, Some(b.mac));
            return Path::on_link(a, b);
        }
        let (near, far) = (self.gateway(from), self.gateway(to));
        self.stage.rec.resolve(before, a, near.ip, Some(near.mac));
        if to == Place::Servers && !self.servers_are_seen() {
            let ttl = b.stack.ttl - 1;
            return Path::through(a, &near, b.ip, ttl, MS / 2);
        }
        self.stage
            .rec
            .resolve(before.plus(MS), b, far.ip, Some(far.mac));
        Path::routed(a, near.mac, far.mac, b)
    }

    fn outside(&mut self, at: i64, a: &Host, far: Ipv4Addr, rtt: i64) -> Path {
        let gateway = match self.place_of(a) {
            Some(place) => self.gateway(place),
            None => a.clone(),
        };
        self.talk(a.ip, far, Reach::ReachesOutside);
        let before = self.stage.at(at - 3);
        self.stage
            .rec
            .resolve(before, a, gateway.ip, Some(gateway.mac));
        Path::through(a, &gateway, far, 52, rtt)
    }

    fn lease(&mut self, at: i64, host: &Host, server: &Host, name: &str, class: Option<&str>) {
        self.talk(host.ip, server.ip, Reach::LocalOnly);
        let [a, b, c, _] = host.ip.octets();
        let lease = dhcp::Lease {
            ip: host.ip,
            prefix: 24,
            router: Ipv4Addr::new(a, b, c, 1),
            dns: server.ip,
            server: server.ip,
        };
        let who = dhcp::Client {
            host_name: Some(name.to_owned()),
            vendor_class: class.map(str::to_owned),
            parameters: vec![1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 119, 121, 249, 252],
        };
        self.stage
            .lease(self.stage.at(at), host, server, &lease, &who);
        self.stage.truth.identity(host.ip, "dhcp_hostname", name);
    }

    /// A computer of the office: its lease, a name, a page.
    pub(super) fn work(&mut self, at: i64, host: &Host, server: &Host, name: &str) {
        self.lease(at, host, server, name, Some("MSFT 5.0"));
        let path = self.path(at + 9_000, host, server);
        let far = self.cast.far;
        self.stage
            .resolve_name(self.stage.at(at + 9_000), &path, "journal.example", &[far]);
        self.browse(at + 10_000, host, "journal.example");
    }

    fn browse(&mut self, at: i64, host: &Host, site: &str) {
        let path = self.outside(at, host, self.cast.far, 17 * MS);
        let stacks = (host.stack, Stack::LINUX);
        self.stage.browse(self.stage.at(at), &path, stacks, site, 1);
    }

    /// A printer that has a computer's former address gets a job of the server.
    pub(super) fn printing(&mut self, at: i64, printer: &Host, server: &Host) {
        self.lease(at, printer, server, "drucker2", Some("Papyrus LaserJet"));
        let path = self.path(at + 60_000, server, printer);
        let stacks = (server.stack, printer.stack);
        let what = (515, "lp", PRINTS, "technik", "Dienstplan");
        self.stage
            .print(self.stage.at(at + 60_000), &path, stacks, what);
    }

    pub(super) fn monitor(&mut self, at: i64, host: &Host, monitor: &Monitor, station: &Host) {
        let path = self.path(at, host, station);
        let from = self.stage.at(at);
        let stacks = (host.stack, station.stack);
        let span = (from, from.plus(9 * SECOND));
        self.stage.stream(monitor, &path, stacks, PORTS.0, span);
    }

    /// The stream to the factory address, answered from afar.
    pub(super) fn leak(&mut self, at: i64, host: &Host, monitor: &Monitor) {
        let path = self.outside(at, host, STATION, 240 * MS);
        let from = self.stage.at(at);
        let stacks = (host.stack, Stack::LINUX);
        let span = (from, from.plus(14 * SECOND));
        self.stage.stream(monitor, &path, stacks, PORTS.0, span);
    }

    /// A device that comes into a segment: a lease, and a page of the hospital's.
    pub(super) fn roam(&mut self, at: i64, host: &Host, name: &str) {
        let gateway = match self.place_of(host) {
            Some(place) => self.gateway(place),
            None => return,
        };
        self.lease(at, host, &gateway, name, Some("android-dhcp-14"));
        self.browse(at + 5_000, host, "portal.example");
        self.browse(at + HOUR / 2, host, "portal.example");
    }

    /// Admissions of two patients, told to the interface engine.
    pub(super) fn admissions(&mut self, at: i64) {
        let cast = self.cast.clone();
        let route = hl7::Route {
            sender: "KIS".to_owned(),
            facility: "KLINIK".to_owned(),
            receiver: "ENGINE".to_owned(),
            receiver_facility: "KLINIK".to_owned(),
        };
        let when = self.stage.at(at);
        let messages: Vec<_> = cast.persons[3..5]
            .iter()
            .zip(11..)
            .map(|(person, bed)| {
                self.stage
                    .hl7_admission(&route, when, person, ("STATION 3", bed))
            })
            .collect();
        let path = self.path(at, &cast.records, &cast.engine);
        let stacks = (cast.records.stack, cast.engine.stack);
        self.stage
            .hl7(when, &path, stacks, PORTS.1, &route, &messages);
        let truth = &mut self.stage.truth;
        truth.identity(cast.records.ip, "hl7_application", "KIS");
        truth.must("phi-cleartext-inside", cast.records.ip, "low");
        truth.no_signature.push(cast.records.ip.to_string());
    }

    /// The record system asks its database, encrypted.
    pub(super) fn fetch_records(&mut self, at: i64, server: &Host) {
        let client = self.cast.records.clone();
        let path = self.path(at, &client, server);
        let stacks = (client.stack, server.stack);
        let name = "db.klinik.example";
        self.stage.browse(self.stage.at(at), &path, stacks, name, 2);
    }

    /// The modality sends a picture each day; from the fourth day on it tells its serial number.
    pub(super) fn pictures(&mut self, at: i64) {
        let cast = self.cast.clone();
        let [own, archive] = &cast.entities;
        let echo = Context {
            id: 1,
            class: dicom::VERIFICATION,
            syntax: Syntax::Implicit,
        };
        let images = Context {
            id: 3,
            class: dicom::ULTRASOUND,
            ..echo
        };
        let contexts = [echo, images];
        let command = |field, context: &Context, number| Command {
            field,
            class: context.class,
            number,
            ..Command::default()
        };
        let mut turns = vec![
            (Way::Out, dicom::request(own, &archive.title, &contexts)),
            (Way::Back, dicom::accept(own, archive, &contexts)),
        ];
        let mut say = |way, context: &Context, command: Command<'_>, data: Option<&Set>| {
            turns.push((way, dicom::message(context.id, &command, data, 900)));
        };
        say(Way::Out, &echo, command(0x0030, &echo, 1), None);
        say(Way::Back, &echo, command(0x8030, &echo, 1), None);
        let instance = format!("2.25.{}", self.stage.prng.between(1_000_000, 9_999_999));
        let with = |field, with_data| Command {
            instance: Some(&instance),
            with_data,
            ..command(field, &images, 2)
        };
        let picture = self.picture(&instance);
        say(Way::Out, &images, with(0x0001, true), Some(&picture));
        say(Way::Back, &images, with(0x8001, false), None);
        turns.push((Way::Out, dicom::release()));
        turns.push((Way::Back, dicom::released()));
        let path = self.path(at, &cast.modality, &cast.archive);
        let stacks = (cast.modality.stack, cast.archive.stack);
        self.stage
            .converse(self.stage.at(at), &path, stacks, (PORTS.2, "dicom"), &turns);
        let serial = self.serial();
        let truth = &mut self.stage.truth;
        truth.identity(cast.modality.ip, "ae_title", &own.title);
        truth.must("phi-cleartext-inside", cast.modality.ip, "low");
        if let Some(serial) = &serial {
            truth.identity(cast.modality.ip, "serial", serial);
        }
    }

    fn picture(&mut self, instance: &str) -> Set {
        let person = self.cast.persons[3].clone();
        self.stage.truth.patient(&person);
        let (year, month, day) = person.born;
        let pixels = [7; 16 * 16];
        let set = Set::new(Syntax::Implicit)
            .text((0x0008, 0x0016), "UI", dicom::ULTRASOUND)
            .text((0x0008, 0x0018), "UI", instance)
            .text((0x0008, 0x0060), "CS", "US")
            .text((0x0008, 0x0070), "LO", "Echolot Erdacht")
            .text((0x0008, 0x1090), "LO", "Schall 9")
            .text((0x0010, 0x0010), "PN", &person.name("^"))
            .text((0x0010, 0x0020), "LO", &person.number)
            .text(
                (0x0010, 0x0030),
                "DA",
                &format!("{year:04}{month:02}{day:02}"),
            );
        let set = match self.serial() {
            Some(serial) => set.text((0x0018, 0x1000), "LO", &serial),
            None => set,
        };
        set.text((0x0020, 0x000d), "UI", &format!("{instance}.1"))
            .text((0x0020, 0x000e), "UI", &format!("{instance}.2"))
            .number((0x0028, 0x0002), 1)
            .text((0x0028, 0x0004), "CS", "MONOCHROME2")
            .number((0x0028, 0x0010), 16)
            .number((0x0028, 0x0011), 16)
            .number((0x0028, 0x0100), 8)
            .number((0x0028, 0x0101), 8)
            .number((0x0028, 0x0102), 7)
            .number((0x0028, 0x0103), 0)
            .pixels(&pixels)
    }
}
