//! The scenario `morning`: a whole small hospital from six o'clock on, few packets of each device.
//!
//! Six segments behind a pair of routers, seen at a mirror of the core switch: bedside monitors
//! with their stations, imaging, clinical systems, offices, management, guests. In every second
//! seed no name helps: roles follow from what the devices do. Addresses, ports, makers and times
//! vary with the seed; what a device announces and how far it talks is in the truth.

mod bedside;
mod clinic;
mod imaging;
mod network;
mod office;
mod outside;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use auscult_model::{MacAddr, Timestamp};

use crate::Options;
use crate::frame::Scene;
use crate::net::{Host, MS, Path, SECOND};
use crate::people::Person;
use crate::speak::link;
use crate::stage::Stage;
use crate::wire::tcp::Stack;

/// How long the capture is.
const LENGTH: i64 = 6 * 3_600;
/// Prefixes of the cards of computers, and of the boards of small devices.
const COMPUTERS: [[u8; 3]; 4] = [
    [0xd4, 0xbe, 0xd9],
    [0x3c, 0x52, 0x82],
    [0x18, 0x66, 0xda],
    [0x00, 0x1a, 0xa0],
];
const BOARDS: [[u8; 3]; 5] = [
    [0x00, 0x0c, 0xc6],
    [0x00, 0x04, 0xa3],
    [0x00, 0x14, 0x2d],
    [0x00, 0x1e, 0xc0],
    [0x00, 0x40, 0x9d],
];
const BROWSER_OF_GUESTS: &str = "Dalvik/2.1.0 (Linux; U; Android 14)";
const ROUTER: Stack = Stack {
    ttl: 255,
    ..Stack::LINUX
};

/// The segments, in the order of [`Morning::segments`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Bedside,
    Imaging,
    Clinic,
    Office,
    Management,
    Guests,
}

#[derive(Clone, Debug)]
struct Segment {
    vlan: u16,
    net: [u8; 3],
    /// Number of its virtual router.
    group: u8,
}

/// How far an address talks, in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    Local,
    Crossing,
    Outside,
}

/// The hospital while its morning is written.
struct Morning {
    stage: Stage,
    /// Names say what a device is.
    named: bool,
    segments: Vec<Segment>,
    persons: Vec<Person>,
    reach: BTreeMap<Ipv4Addr, Reach>,
    site: String,
}

/// Devices that several parts talk to.
struct Common {
    /// DHCP, DNS, time.
    infrastructure: Host,
    files: Host,
    engine: Host,
    engine_port: u16,
    archive: imaging::Archive,
    watcher: Host,
}

/// Writes the morning for a seed; no option but the transforms counts here.
pub(crate) fn morning(seed: u64, _: &Options) -> Scene {
    let mut morning = Morning::new(seed);
    let common = morning.common();
    morning.network(&common);
    morning.bedside(&common);
    morning.imaging(&common);
    morning.clinic(&common);
    morning.office(&common);
    morning.outside(&common);
    morning.conclude()
}

impl Morning {
    fn new(seed: u64) -> Morning {
        let named = seed.is_multiple_of(2);
        let note = format!(
            "a small hospital's morning; all patients are invented; {}",
            if named {
                "names say what devices are"
            } else {
                "names say nothing"
            }
        );
        let mut stage = Stage::new(seed, &note);
        let day = stage.start.0.div_euclid(86_400 * SECOND) * 86_400 * SECOND;
        stage.start = Timestamp(day + 6 * 3_600 * SECOND + stage.prng.between(0, 999) * MS);
        let p = &mut stage.prng;
        let mut vlans: Vec<u16> = (0..6).map(|n| 10 + 60 * n + p.below(60) as u16).collect();
        p.shuffle(&mut vlans);
        let base = p.between(1, 90) as u8;
        let segments = vlans
            .into_iter()
            .enumerate()
            .map(|(n, vlan)| {
                let net = match n {
                    5 => [172, p.between(16, 31) as u8, p.between(0, 254) as u8],
                    _ => [10, base + n as u8 * 25, p.between(0, 254) as u8],
                };
                let group = p.between(1, 200) as u8;
                Segment { vlan, net, group }
            })
            .collect();
        let persons = (0..8).map(|_| stage.people.person()).collect();
        Morning {
            stage,
            named,
            segments,
            persons,
            reach: BTreeMap::new(),
            site: String::new(),
        }
    }

    fn segment(&self, place: Place) -> &Segment {
        &self.segments[place as usize]
    }

    fn address(&self, place: Place, last: u8) -> Ipv4Addr {
        let [a, b, c] = self.segment(place).net;
        Ipv4Addr::new(a, b, c, last)
    }

    /// A host with this vendor prefix.
    fn host(&mut self, place: Place, last: u8, vendor: [u8; 3], stack: Stack) -> Host {
        Host {
            mac: self.stage.mac(vendor),
            ip: self.address(place, last),
            vlan: Some(self.segment(place).vlan),
            stack,
        }
    }

    /// A computer.
    fn computer(&mut self, place: Place, last: u8, stack: Stack) -> Host {
        let vendor = *self.stage.prng.pick(&COMPUTERS);
        self.host(place, last, vendor, stack)
    }

    /// A small device with some maker's board in it.
    fn board(&mut self, place: Place, last: u8, stack: Stack) -> Host {
        let vendor = *self.stage.prng.pick(&BOARDS);
        self.host(place, last, vendor, stack)
    }

    /// The virtual router of a segment.
    fn gateway(&self, place: Place) -> Host {
        let segment = self.segment(place);
        Host {
            mac: link::vrrp_mac(segment.group),
            ip: self.address(place, 1),
            vlan: Some(segment.vlan),
            stack: ROUTER,
        }
    }

    /// The name of a device: what it is when names help, else letters.
    fn name(&mut self, telling: &str) -> String {
        if self.named {
            return telling.to_owned();
        }
        const LETTERS: &[u8] = b"BCDFGHJKLMNPQRSTVWXZ";
        (0..8)
            .map(|_| char::from(*self.stage.prng.pick(LETTERS)))
            .collect()
    }

    /// Some time of the morning.
    fn some_time(&mut self) -> Timestamp {
        let seconds = self.stage.prng.between(60, LENGTH - 600);
        self.stage.at(seconds * 1000 + seconds % 977)
    }

    fn met(&mut self, ip: Ipv4Addr, reach: Reach) {
        let furthest = self.reach.entry(ip).or_insert(reach);
        *furthest = reach.max(*furthest);
    }

    fn place_of(&self, host: &Host) -> Option<Place> {
        use Place::{Bedside, Clinic, Guests, Imaging, Management, Office};
        [Bedside, Imaging, Clinic, Office, Management, Guests]
            .into_iter()
            .find(|place| Some(self.segment(*place).vlan) == host.vlan)
    }

    /// How packets of two hosts inside travel; both have found their next hop by then.
    fn path(&mut self, at: Timestamp, a: &Host, b: &Host) -> Path {
        let before = at.plus(-3 * MS);
        let (Some(from), Some(to)) = (self.place_of(a), self.place_of(b)) else {
            return Path::on_link(a, b);
        };
        if from == to {
            self.met(a.ip, Reach::Local);
            self.met(b.ip, Reach::Local);
            self.stage.rec.resolve(before, a, b.ip, Some(b.mac));
            return Path::on_link(a, b);
        }
        self.met(a.ip, Reach::Crossing);
        self.met(b.ip, Reach::Crossing);
        let (near, far) = (self.gateway(from), self.gateway(to));
        self.stage.rec.resolve(before, a, near.ip, Some(near.mac));
        self.stage
            .rec
            .resolve(before.plus(MS), b, far.ip, Some(far.mac));
        Path::routed(a, near.mac, far.mac, b)
    }

    /// How packets travel to an address outside.
    fn path_outside(&mut self, at: Timestamp, a: &Host, far: Ipv4Addr) -> Path {
        self.met(a.ip, Reach::Outside);
        let gateway = self
            .place_of(a)
            .map_or_else(|| a.clone(), |p| self.gateway(p));
        let before = at.plus(-3 * MS);
        self.stage
            .rec
            .resolve(before, a, gateway.ip, Some(gateway.mac));
        let (ttl, rtt) = (
            self.stage.prng.between(48, 58) as u8,
            self.stage.prng.between(9, 40) * MS,
        );
        Path::through(a, &gateway, far, ttl, rtt)
    }

    /// A device of the truth, with what it announced.
    fn device(&mut self, name: &str, host: &Host, role: &str, told: &[(&str, &str)]) {
        self.stage.truth.device(name, host, role);
        for (attribute, value) in told {
            self.stage.truth.identity(host.ip, attribute, value);
        }
    }

    fn common(&mut self) -> Common {
        let infrastructure = self.computer(Place::Office, 5, Stack::WINDOWS);
        let files = self.computer(Place::Clinic, 30, Stack::WINDOWS);
        let engine = self.computer(Place::Clinic, 20, Stack::LINUX);
        let engine_port = *self.stage.prng.pick(&[2575, 6661, 5001, 10_004]);
        let archive = self.archive();
        let watcher = self.computer(Place::Management, 10, Stack::LINUX);
        Common {
            infrastructure,
            files,
            engine,
            engine_port,
            archive,
            watcher,
        }
    }

    fn conclude(mut self) -> Scene {
        let end = self.stage.at(LENGTH * 1000);
        let truth = &mut self.stage.truth;
        for device in &mut truth.devices {
            let furthest = device
                .ips
                .iter()
                .filter_map(|ip| self.reach.get(&ip.parse().ok()?))
                .max();
            device.isolation = furthest.map(|reach| {
                match reach {
                    Reach::Local => "local-only",
                    Reach::Crossing => "crosses-segment",
                    Reach::Outside => "reaches-outside",
                }
                .to_owned()
            });
        }
        truth.site = Some(self.site);
        truth.all_devices = true;
        truth.nothing_else_from = Some("low".to_owned());
        truth.must_not(&[
            "phi-cleartext-outside",
            "remote-code-share",
            "dead-public-address",
            "public-address-squatted",
            "cleartext-login",
        ]);
        truth.answer("contec-cms8000-present", "yes");
        truth.answer("remote-monitoring", "yes");
        truth.answer("devices-reach-internet", "yes");
        let mut scene = self.stage.finish();
        scene.frames.retain(|frame| frame.time <= end);
        scene
    }
}

/// A MAC that a phone made up: locally administered.
fn made_up(stage: &mut Stage) -> MacAddr {
    let first = *stage.prng.pick(&[0x02, 0x06, 0x0a, 0x0e]) | (stage.prng.below(16) as u8) << 4;
    let rest = stage.prng.next_u64().to_be_bytes();
    MacAddr([first, rest[1], rest[2], rest[3], rest[4], rest[5]])
}
