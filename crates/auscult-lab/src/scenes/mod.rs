//! Small scenes, each with one story: those that must raise a finding, and their near misses.
//!
//! Every constant that a detector might lean on (addresses, ports, export, file names, vendor
//! prefixes, times) is a field of [`Parameters`], because every constant must be varied in tests.

mod failover;
mod files;
mod lookalikes;
mod messages;
mod office;
mod printing;
mod siblings;
mod streams;

use std::net::Ipv4Addr;

use auscult_model::MacAddr;

pub use failover::failover;
pub use files::{mount_attempt, nfs_documents, nfs_session, nfs_update, thin_client};
pub use lookalikes::{
    attempts_blind, attempts_named, health_checks, hosted_printing, own_public_range,
    program_download,
};
pub use messages::{hl7_inside, hl7_outside};
pub use office::{benign_office, clear_logins, planted_names, port_scanner, printer_lpd};
pub use printing::print_in;
pub use siblings::{sibling_9600, sibling_vista_9500};
pub use streams::{
    attempts_arp_only, attempts_only, attempts_refused, custom_server, idle_monitor,
    leak_seen_outside, leak_through_gateway, proxy_arp, station_on_link,
    two_segments_same_addresses,
};

use crate::monitor::Habits;
use crate::net::{Host, MS, Path, US};
use crate::stage::Stage;
use crate::talk::OLD_RETRIES;
use crate::ward;
use crate::wire::tcp::Stack;

/// Who answers for the address beyond the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FarEnd {
    /// A host far away: round trip in milliseconds, time to live as it arrives.
    Abroad(i64, u8),
    /// A station in another VLAN, reached by a static route: near, time to live decremented.
    InsideStation,
    /// A sinkhole that the hospital runs.
    Sinkhole,
}

impl FarEnd {
    /// Round trip in nanoseconds and time to live at the capture point.
    pub fn distance(self) -> (i64, u8) {
        match self {
            FarEnd::Abroad(ms, ttl) => (ms * MS, ttl),
            FarEnd::InsideStation => (620 * US, 127),
            FarEnd::Sinkhole => (1_900 * US, 62),
        }
    }

    /// True when patient data that it accepts has left the site.
    pub fn outside(self) -> bool {
        matches!(self, FarEnd::Abroad(..))
    }
}

/// Where the share of an update is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// Beyond the gateway.
    Outside,
    /// On the segment, under a public address that is not its own.
    Squatted,
    /// On the segment, under a private address.
    Inside,
}

/// The constants of a scene.
#[derive(Clone, Debug)]
pub struct Parameters {
    /// Varies what is not a field here.
    pub seed: u64,
    /// VLAN of the segment.
    pub vlan: Option<u16>,
    /// The monitor, or the client of the scene.
    pub monitor: Ipv4Addr,
    /// Its vendor prefix.
    pub monitor_vendor: [u8; 3],
    /// The gateway.
    pub gateway: Ipv4Addr,
    /// Its vendor prefix.
    pub gateway_vendor: [u8; 3],
    /// The address that is streamed to, or of the share.
    pub station: Ipv4Addr,
    /// The station's vendor prefix.
    pub station_vendor: [u8; 3],
    /// The port of the stream, of HL7 or of the printer.
    pub port: u16,
    /// Who is beyond the gateway.
    pub far_end: FarEnd,
    /// How long is streamed, in seconds.
    pub seconds: i64,
    /// Block order, padding, cycle time and segment borders; `None` leaves them to the seed.
    pub habits: Option<Habits>,
    /// A patient is connected.
    pub patient: bool,
    /// Name and number of the patient are typed in.
    pub identified: bool,
    /// Offsets of SYNs or ARP requests that nobody answers, in nanoseconds.
    pub retries: Vec<i64>,
    /// The NFS export.
    pub export: String,
    /// The file on it.
    pub file: String,
    /// Its content; `None` makes an inert file that looks like a program.
    pub content: Option<Vec<u8>>,
}

impl Parameters {
    /// The values of the advisories, with a monitor behind a gateway.
    pub fn new(seed: u64) -> Parameters {
        Parameters {
            seed,
            vlan: None,
            monitor: Ipv4Addr::new(10, 20, 3, 14),
            monitor_vendor: [0x00, 0x0c, 0xc6],
            gateway: Ipv4Addr::new(10, 20, 3, 1),
            gateway_vendor: [0x00, 0x1b, 0x17],
            station: ward::STATION,
            station_vendor: [0xd4, 0xbe, 0xd9],
            port: ward::STREAM_PORT,
            far_end: FarEnd::Abroad(240, 47),
            seconds: 20,
            habits: None,
            patient: true,
            identified: true,
            retries: OLD_RETRIES.to_vec(),
            export: "/pm".to_owned(),
            file: "monitor".to_owned(),
            content: None,
        }
    }

    /// As [`Parameters::new`], with the monitor on the segment of the factory addresses.
    pub fn factory_segment(seed: u64) -> Parameters {
        Parameters {
            monitor: Ipv4Addr::new(202, 114, 4, 20),
            ..Parameters::new(seed)
        }
    }

    /// As [`Parameters::new`], with a station at a private address.
    pub fn private_segment(seed: u64) -> Parameters {
        Parameters {
            monitor: Ipv4Addr::new(192, 168, 50, 31),
            gateway: Ipv4Addr::new(192, 168, 50, 1),
            station: Ipv4Addr::new(192, 168, 50, 10),
            ..Parameters::new(seed)
        }
    }

    fn host(&self, stage: &mut Stage, vendor: [u8; 3], ip: Ipv4Addr, stack: Stack) -> Host {
        Host {
            mac: stage.mac(vendor),
            ip,
            vlan: self.vlan,
            stack,
        }
    }

    fn monitor_host(&self, stage: &mut Stage) -> Host {
        self.host(
            stage,
            self.monitor_vendor,
            self.monitor,
            Stack::EMBEDDED_LINUX,
        )
    }

    fn gateway_host(&self, stage: &mut Stage) -> Host {
        let stack = Stack {
            ttl: 255,
            ..Stack::LINUX
        };
        let host = self.host(stage, self.gateway_vendor, self.gateway, stack);
        stage
            .truth
            .device("gateway", &host, "network-device|gateway");
        host
    }

    fn station_host(&self, stage: &mut Stage) -> Host {
        self.host(stage, self.station_vendor, self.station, Stack::WINDOWS)
    }

    fn path_outside(&self, host: &Host, gateway: &Host) -> Path {
        let (rtt, ttl) = self.far_end.distance();
        Path::through(host, gateway, self.station, ttl, rtt)
    }
}

/// All rules of the first version, to be forbidden in near misses.
pub const ALL_RULES: [&str; 6] = [
    "phi-cleartext-outside",
    "phi-cleartext-inside",
    "remote-code-share",
    "dead-public-address",
    "public-address-squatted",
    "cleartext-login",
];

/// A neighbour of the client that browses through the same gateway and is answered, so that the
/// capture would have shown an answer.
fn answered_neighbour(stage: &mut Stage, host: &Host, gateway: &Host) {
    let neighbour = Host {
        mac: MacAddr([
            host.mac.0[0],
            host.mac.0[1],
            host.mac.0[2],
            0x7e,
            0x11,
            0x01,
        ]),
        ip: Ipv4Addr::from(u32::from(host.ip) ^ 0x40),
        stack: Stack::LINUX,
        ..host.clone()
    };
    let far = Ipv4Addr::new(198, 51, 100, 9);
    let at = stage
        .rec
        .resolve(stage.at(200), &neighbour, gateway.ip, Some(gateway.mac));
    let path = Path::through(&neighbour, gateway, far, 53, 18 * MS);
    stage.browse(
        at,
        &path,
        (neighbour.stack, Stack::LINUX),
        "news.example",
        1,
    );
}
