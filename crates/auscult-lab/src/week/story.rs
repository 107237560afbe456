//! Who is there on which day, and what becomes of it.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use auscult_model::{MacAddr, Timestamp};

use super::{Appearance, Case, Reach, Stay, Unit, Week, WeekTruth, part};
use crate::frame::Scene;
use crate::monitor::Monitor;
use crate::net::{Host, MS, SECOND};
use crate::people::Person;
use crate::speak::dicom::Entity;
use crate::stage::Stage;
use crate::truth::{CMS8000, Truth};
use crate::wire::tcp::Stack;

/// The name under which the server of the office prints.
pub(super) const PRINTS: &str = "druckserver";
/// Milliseconds of an hour.
pub(super) const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
const NOTE: &str = "a week of a small hospital: a renumbered office, a tablet that roams, two \
                    monitors that change beds, an address that changes hands, a server that comes \
                    into view, a phone that makes up its MAC, a gap, a leak that is mended; all \
                    patients are invented";
const COMPUTER: [u8; 3] = [0xd4, 0xbe, 0xd9];
const ROUTER: [u8; 3] = [0x00, 0x1b, 0x17];
const PHONES: [u8; 3] = [0xac, 0x37, 0x43];
const PRINTERS: [u8; 3] = [0x00, 0x80, 0x77];
const BOARDS: [[u8; 3]; 3] = [[0x00, 0x0c, 0xc6], [0x00, 0x04, 0xa3], [0x00, 0x1e, 0xc0]];

/// The leak is seen on these days.
const LEAK: std::ops::RangeInclusive<usize> = 3..=4;
/// The office has its new addresses from this day on.
const RENUMBERED: usize = 2;
/// The monitors have changed beds by then, and pictures tell a serial number.
const SWAPPED: usize = 4;
/// The servers' segment is mirrored from then on, and a printer has the address of a computer.
const WIDENED: usize = 5;
/// The phone makes up another MAC on this day.
const NEW_MAC: usize = 4;
/// On this day nothing was captured for some hours.
const GAP: usize = 6;

/// The segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Bedside,
    Clinic,
    Office,
    Guests,
    Servers,
}

/// The hospital while its week is written.
pub(super) struct Story {
    pub(super) stage: Stage,
    vlans: [u16; 5],
    nets: [[u8; 3]; 5],
    router: MacAddr,
    pub(super) cast: Cast,
    pub(super) day: usize,
    /// The capture that is being written.
    capture: String,
    truth: WeekTruth,
    /// Who talked to whom in it, and how far that is.
    talked: Vec<(Ipv4Addr, Ipv4Addr, Reach)>,
}

/// Who is there; addresses of the office as of the first day.
#[derive(Clone)]
pub(super) struct Cast {
    pub(super) infrastructure: Host,
    computers: Vec<Host>,
    printer: Host,
    pub(super) station: Host,
    monitors: Vec<(Host, Monitor)>,
    pub(super) archive: Host,
    pub(super) modality: Host,
    pub(super) entities: [Entity; 2],
    serial: String,
    pub(super) records: Host,
    pub(super) engine: Host,
    server: Host,
    tablet: MacAddr,
    phones: [MacAddr; 2],
    pub(super) persons: Vec<Person>,
    pub(super) far: Ipv4Addr,
}

/// Writes the week.
pub(super) fn tell(seed: u64) -> Week {
    let mut story = Story::new(seed);
    let mut parts: Vec<(String, i64, i64, Truth)> = Vec::new();
    for day in 1..=7 {
        let spans: &[(&str, i64, i64)] = match day {
            GAP => &[("a", 0, 5), ("b", 9, 16)],
            _ => &[("", 0, 16)],
        };
        for (suffix, from, until) in spans {
            story.day = day;
            story.capture = format!("day-{day}{suffix}");
            story.truth.captures.push(story.capture.clone());
            let begin = (day as i64 - 1) * DAY;
            story.shift(begin + from * HOUR, !suffix.is_empty());
            story.note_peers();
            let truth = std::mem::replace(&mut story.stage.truth, Truth::new(NOTE));
            let window = (begin + from * HOUR, begin + until * HOUR);
            parts.push((story.capture.clone(), window.0, window.1, truth));
        }
    }
    story.conclude(parts)
}

impl Story {
    fn new(seed: u64) -> Story {
        let mut stage = Stage::new(seed, NOTE);
        let day = stage.start.0.div_euclid(86_400 * SECOND) * 86_400 * SECOND;
        stage.start = Timestamp(day + 6 * 3_600 * SECOND + stage.prng.between(0, 999) * MS);
        let p = &mut stage.prng;
        let base = p.between(1, 80) as u8;
        let mut vlans = [0, 1, 2, 3, 4].map(|n| 10 + 60 * n + p.below(60) as u16);
        p.shuffle(&mut vlans);
        let nets = [0, 1, 2, 3, 4].map(|n: u8| match n {
            3 => [172, p.between(16, 31) as u8, p.between(0, 254) as u8],
            _ => [10, base + n * 30, p.between(0, 120) as u8],
        });
        let router = stage.mac(ROUTER);
        let cast = Cast::new(&mut stage, &vlans, &nets);
        Story {
            stage,
            vlans,
            nets,
            router,
            cast,
            day: 1,
            capture: String::new(),
            truth: WeekTruth {
                note: NOTE.to_owned(),
                ..WeekTruth::default()
            },
            talked: Vec::new(),
        }
    }

    /// The network of a segment on this day: the office has another from the second day on.
    fn net(&self, place: Place) -> [u8; 3] {
        let [a, b, c] = self.nets[place as usize];
        let moved = place == Place::Office && self.day >= RENUMBERED;
        [a, b, if moved { c + 100 } else { c }]
    }

    pub(super) fn gateway(&self, place: Place) -> Host {
        let [a, b, c] = self.net(place);
        let stack = Stack {
            ttl: 255,
            ..Stack::LINUX
        };
        Host {
            mac: self.router,
            ip: Ipv4Addr::new(a, b, c, 1),
            vlan: Some(self.vlans[place as usize]),
            stack,
        }
    }

    /// A card at this place of this day.
    fn at(&self, place: Place, last: u8, mac: MacAddr, stack: Stack) -> Host {
        let [a, b, c] = self.net(place);
        Host {
            mac,
            ip: Ipv4Addr::new(a, b, c, last),
            vlan: Some(self.vlans[place as usize]),
            stack,
        }
    }

    /// A host of the office under its address of today.
    fn today(&self, host: &Host) -> Host {
        self.at(Place::Office, host.ip.octets()[3], host.mac, host.stack)
    }

    pub(super) fn place_of(&self, host: &Host) -> Option<Place> {
        use Place::{Bedside, Clinic, Guests, Office, Servers};
        [Bedside, Clinic, Office, Guests, Servers]
            .into_iter()
            .find(|place| Some(self.vlans[*place as usize]) == host.vlan)
    }

    /// The mirror shows the servers' segment.
    pub(super) fn servers_are_seen(&self) -> bool {
        self.day >= WIDENED
    }

    /// The serial number of the modality, from the day on when it tells it.
    pub(super) fn serial(&self) -> Option<String> {
        (self.day >= SWAPPED).then(|| self.cast.serial.clone())
    }

    /// Notes that two addresses talk.
    pub(super) fn talk(&mut self, a: Ipv4Addr, b: Ipv4Addr, reach: Reach) {
        self.talked.push((a, b, reach));
    }

    /// Tells each unit of this capture whom it talked to.
    fn note_peers(&mut self) {
        let mut names: BTreeMap<String, (usize, String)> = BTreeMap::new();
        for (at, unit) in self.truth.units.iter().enumerate() {
            let seen = unit.seen.get(&self.capture);
            for stay in seen.iter().flat_map(|seen| &seen.stays) {
                // Under another MAC it is somebody else to all.
                let mac = stay.mac.as_ref().filter(|_| unit.made_up_mac);
                let name = match mac {
                    Some(mac) => format!("{} {mac}", unit.name),
                    None => unit.name.clone(),
                };
                names.insert(stay.ip.clone(), (at, name));
            }
        }
        for (a, b, reach) in std::mem::take(&mut self.talked) {
            for (own, peer) in [(a, b), (b, a)] {
                let Some((at, _)) = names.get(&own.to_string()) else {
                    continue;
                };
                let peer = peer.to_string();
                let name = names.get(&peer).map_or(peer, |(_, name)| name.clone());
                if let Some(seen) = self.truth.units[*at].seen.get_mut(&self.capture) {
                    seen.peers.insert(name);
                    seen.reach = seen.reach.max(reach);
                }
            }
        }
    }

    /// Notes that a unit is seen, once for each place.
    fn seen(&mut self, name: &str, role: &str, host: &Host) -> &mut Appearance {
        let own = self.place_of(host) != Some(Place::Servers) || self.servers_are_seen();
        let known = self.truth.units.iter().position(|unit| unit.name == name);
        let at = known.unwrap_or_else(|| {
            self.truth.units.push(Unit {
                name: name.to_owned(),
                role: role.to_owned(),
                ..Unit::default()
            });
            self.truth.units.len() - 1
        });
        let unit = &mut self.truth.units[at];
        let seen = unit.seen.entry(self.capture.clone()).or_default();
        seen.stays.insert(Stay {
            mac: own.then(|| host.mac.to_string()),
            ip: host.ip.to_string(),
            vlan: host.vlan.filter(|_| own),
        });
        seen
    }

    /// What happens in one capture; `short` when it shows only a part of the day.
    fn shift(&mut self, begin: i64, short: bool) {
        let cast = self.cast.clone();
        for place in [Place::Bedside, Place::Clinic, Place::Office, Place::Guests] {
            let gateway = self.gateway(place);
            self.seen("router", "network-device|gateway", &gateway);
        }
        if self.servers_are_seen() {
            let gateway = self.gateway(Place::Servers);
            self.stage
                .rec
                .announce(self.stage.at(begin + 400), &gateway);
            self.seen("router", "network-device|gateway", &gateway);
        }
        self.office(begin, &cast);
        self.bedside(begin, &cast);
        self.pictures(begin + HOUR);
        self.seen("archive", "imaging-archive", &cast.archive);
        let serial = self.serial();
        self.seen("modality", "imaging-modality", &cast.modality)
            .serial = serial;
        self.admissions(begin + HOUR / 2);
        let roles = "server|workstation|interface-engine|medical-other|unknown";
        self.seen("record system", roles, &cast.records);
        self.seen("interface engine", "interface-engine", &cast.engine);
        self.fetch_records(begin + 2 * HOUR, &cast.server);
        self.seen("database server", "server|unknown|other", &cast.server);
        self.tablet(begin, &cast, short);
        self.phone(begin + 40 * 60_000, &cast);
    }

    fn office(&mut self, begin: i64, cast: &Cast) {
        let server = self.today(&cast.infrastructure);
        let roles = "server|network-device|gateway";
        self.stage.rec.announce(self.stage.at(begin + 300), &server);
        self.seen("infrastructure server", roles, &server);
        for (n, host) in cast.computers.iter().enumerate() {
            // The last one is gone by then, and its address given to a printer.
            if n + 1 == cast.computers.len() && self.day >= WIDENED {
                continue;
            }
            let host = self.today(host);
            let name = format!("computer {}", n + 1);
            let at = begin + 600_000 * (n as i64 + 1);
            self.work(at, &host, &server, &format!("pc-labor{}", n + 1));
            self.seen(&name, "workstation", &host);
        }
        if self.day >= WIDENED {
            let printer = self.today(&cast.printer);
            self.printing(begin + 50 * 60_000, &printer, &server);
            self.seen("infrastructure server", roles, &server).hostname = Some(PRINTS.to_owned());
            self.seen("printer", "printer", &printer);
        }
    }

    fn bedside(&mut self, begin: i64, cast: &Cast) {
        self.seen("station", "central-station", &cast.station);
        for (n, (host, monitor)) in cast.monitors.iter().enumerate() {
            let mut monitor = monitor.clone();
            let other = (n < 2 && self.day >= SWAPPED).then(|| &cast.monitors[1 - n].1);
            // Bed and patient go to the other unit together.
            if let Some(other) = other {
                (monitor.bed, monitor.patient) = (other.bed, other.patient.clone());
            }
            let at = begin + (n as i64 + 1) * 700_000;
            self.stage.rec.announce(self.stage.at(at - 5_000), host);
            self.monitor(at, host, &monitor, &cast.station);
            let leaks = n == 2 && LEAK.contains(&self.day);
            if leaks {
                self.leak(at + 900_000, host, &monitor);
            }
            let name = format!("monitor {}", n + 1);
            self.seen(&name, "patient-monitor", host).bed = Some(monitor.bed);
            let truth = &mut self.stage.truth;
            truth
                .signature
                .insert(host.ip.to_string(), CMS8000.to_owned());
            truth.must("advisory-device-present", host.ip, "high");
            truth.must("phi-cleartext-inside", host.ip, "low");
            match leaks {
                true => {
                    truth.must("phi-cleartext-outside", host.ip, "critical");
                    truth.must("hardcoded-destination", host.ip, "low");
                }
                false => truth.must_not_at("phi-cleartext-outside", host.ip),
            }
        }
    }

    /// A tablet goes with the nurse: bedside, clinic, bedside.
    fn tablet(&mut self, begin: i64, cast: &Cast, short: bool) {
        for n in 0..if short { 2 } else { 5 } {
            let place = [Place::Bedside, Place::Clinic][n as usize % 2];
            let host = self.at(place, 150, cast.tablet, Stack::LINUX);
            let at = begin + 20 * 60_000 + n * 3 * HOUR;
            self.roam(at, &host, "tablet-visite");
            self.seen("tablet", "workstation|phone|other|unknown", &host);
        }
    }

    fn phone(&mut self, begin: i64, cast: &Cast) {
        let mac = cast.phones[usize::from(self.day >= NEW_MAC)];
        let host = self.at(Place::Guests, 60 + self.day as u8, mac, Stack::LINUX);
        self.roam(begin, &host, "Pixel-7");
        self.seen("guest's phone", "phone|workstation|other|unknown", &host);
        let unit = self.truth.units.iter_mut();
        for unit in unit.filter(|unit| unit.name == "guest's phone") {
            unit.made_up_mac = true;
        }
    }

    fn conclude(mut self, parts: Vec<(String, i64, i64, Truth)>) -> Week {
        self.truth.cases.push(Case {
            rule: "phi-cleartext-outside".to_owned(),
            unit: "monitor 3".to_owned(),
            from: format!("day-{}", LEAK.start()),
            until: format!("day-{}", LEAK.end()),
        });
        self.truth.note_changes();
        let times: BTreeMap<String, _> = parts
            .iter()
            .map(|(name, from, until, _)| {
                let window = (self.stage.at(*from), self.stage.at(*until));
                (name.clone(), window)
            })
            .collect();
        let mut scene = self.stage.finish();
        let frames = std::mem::take(&mut scene.frames);
        let mut captures = Vec::new();
        for (name, _, _, mut truth) in parts {
            devices_of(&self.truth, &name, &mut truth);
            truth.all_devices = true;
            truth.nothing_else_from = Some("low".to_owned());
            truth.must_not(&[
                "remote-code-share",
                "dead-public-address",
                "public-address-squatted",
                "cleartext-login",
            ]);
            let (from, until) = times[&name];
            let scene = Scene::ethernet(part(&frames, from, until), truth);
            captures.push((name, scene));
        }
        Week {
            captures,
            truth: self.truth,
        }
    }
}

/// The units of one capture as cases list them.
fn devices_of(week: &WeekTruth, capture: &str, truth: &mut Truth) {
    for unit in &week.units {
        let Some(seen) = unit.seen.get(capture) else {
            continue;
        };
        for ip in seen.ips() {
            truth.roles.insert(ip.to_owned(), unit.role.clone());
        }
        let mut stays = seen.stays.iter();
        truth.devices.push(crate::TrueDevice {
            name: unit.name.clone(),
            mac: stays.find_map(|s| s.mac.clone()).unwrap_or_default(),
            ips: seen.ips().into_iter().map(str::to_owned).collect(),
            vlan: seen.vlans().first().copied(),
            role: unit.role.clone(),
            shared: seen.macs().is_empty(),
            bed: seen.bed,
            ..crate::TrueDevice::default()
        });
    }
}

impl Cast {
    fn new(stage: &mut Stage, vlans: &[u16; 5], nets: &[[u8; 3]; 5]) -> Cast {
        let host = |stage: &mut Stage, place: Place, last, vendor, stack| {
            let [a, b, c] = nets[place as usize];
            Host {
                mac: stage.mac(vendor),
                ip: Ipv4Addr::new(a, b, c, last),
                vlan: Some(vlans[place as usize]),
                stack,
            }
        };
        let computer =
            |stage: &mut Stage, place, last, stack| host(stage, place, last, COMPUTER, stack);
        let persons: Vec<Person> = (0..5).map(|_| stage.people.person()).collect();
        let mut beds: Vec<u8> = (1..=28).collect();
        stage.prng.shuffle(&mut beds);
        let monitors = BOARDS.into_iter().enumerate().map(|(n, vendor)| {
            let last = 31 + n as u8;
            let card = host(stage, Place::Bedside, last, vendor, Stack::EMBEDDED_LINUX);
            let person = Some(persons[n].clone());
            let mut monitor = Monitor::any(&mut stage.prng, beds[n], "ICU", person);
            monitor.habits.cycle = monitor.habits.cycle.max(SECOND);
            (card, monitor)
        });
        let monitors = monitors.collect();
        let entity = |title: &str, class: &str, version: &str| Entity {
            title: title.to_owned(),
            class: class.to_owned(),
            version: version.to_owned(),
        };
        let entities = [
            entity("US1", "1.2.276.0.7230010.3.0.3.6.7", "OFFIS_DCMTK_367"),
            entity("PACS", "1.2.40.0.13.1.3", "dcm4che-5.29.2"),
        ];
        let phones = [0x5a, 0x8e].map(|first| {
            let MacAddr([_, b, c, d, e, f]) = stage.mac(PHONES);
            MacAddr([first, b ^ 0x11, c, d, e, f])
        });
        Cast {
            infrastructure: computer(stage, Place::Office, 5, Stack::WINDOWS),
            computers: [101, 104, 120]
                .map(|last| computer(stage, Place::Office, last, Stack::WINDOWS))
                .to_vec(),
            printer: host(stage, Place::Office, 120, PRINTERS, Stack::SMALL),
            station: computer(stage, Place::Bedside, 20, Stack::WINDOWS),
            monitors,
            archive: computer(stage, Place::Clinic, 10, Stack::LINUX),
            modality: computer(stage, Place::Clinic, 21, Stack::WINDOWS),
            entities,
            serial: stage.prng.between(100_000, 999_999).to_string(),
            records: computer(stage, Place::Clinic, 13, Stack::WINDOWS),
            engine: computer(stage, Place::Clinic, 15, Stack::LINUX),
            server: computer(stage, Place::Servers, 30, Stack::WINDOWS),
            tablet: stage.mac(PHONES),
            phones,
            persons,
            far: Ipv4Addr::new(198, 51, 100, stage.prng.between(10, 200) as u8),
        }
    }
}
