//! The scenarios by name: what each shows, where its addresses lie, which function makes it.

use std::net::Ipv4Addr;

use crate::frame::Scene;
use crate::scenes::{self, Parameters, Server};
use crate::{Options, Scenario, morning, ward};

/// How a row's scene is made.
#[derive(Clone, Copy)]
pub(crate) enum Build {
    /// A whole site, which takes options rather than constants.
    Site(fn(u64, &Options) -> Scene),
    /// A small scene.
    Scene(fn(&Parameters) -> Scene),
}

/// One scenario.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    name: &'static str,
    summary: &'static str,
    /// Its constants for a seed.
    pub(crate) place: fn(u64) -> Parameters,
    /// How it is made.
    pub(crate) build: Build,
}

const fn row(
    name: &'static str,
    summary: &'static str,
    place: fn(u64) -> Parameters,
    build: fn(&Parameters) -> Scene,
) -> Row {
    Row {
        name,
        summary,
        place,
        build: Build::Scene(build),
    }
}

/// The site's own public address where a scene has one.
const SITE: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 77);

const BEHIND_GATEWAY: fn(u64) -> Parameters = Parameters::new;
const FACTORY: fn(u64) -> Parameters = Parameters::factory_segment;
const PRIVATE: fn(u64) -> Parameters = Parameters::private_segment;

const TABLE: &[Row] = &[
    Row {
        name: "ward",
        summary: "four segments: monitors, stations, a leak, a copied file, HL7, an office",
        place: BEHIND_GATEWAY,
        build: Build::Site(ward::ward),
    },
    Row {
        name: "morning",
        summary: "a small hospital from six o'clock on: monitors, pictures, HL7, offices, guests",
        place: PRIVATE,
        build: Build::Site(morning::morning),
    },
    row(
        "leak-through-gateway",
        "a monitor streams to far away and is answered",
        BEHIND_GATEWAY,
        scenes::leak_through_gateway,
    ),
    row(
        "leak-seen-outside",
        "the stream is also seen on the outer link, behind NAT",
        BEHIND_GATEWAY,
        |p| scenes::leak_seen_outside(p, SITE),
    ),
    row(
        "station-on-link",
        "a station holds three addresses on one card",
        FACTORY,
        scenes::station_on_link,
    ),
    row(
        "custom-server",
        "a station with a private address",
        PRIVATE,
        scenes::custom_server,
    ),
    row(
        "idle-monitor",
        "a monitor without a patient",
        PRIVATE,
        scenes::idle_monitor,
    ),
    row(
        "two-segments",
        "the same addresses in two segments",
        FACTORY,
        |p| scenes::two_segments_same_addresses(p, [20, 30]),
    ),
    row(
        "proxy-arp",
        "a gateway answers ARP for the far address",
        FACTORY,
        scenes::proxy_arp,
    ),
    row(
        "attempts-only",
        "calls through the gateway that nobody answers",
        BEHIND_GATEWAY,
        scenes::attempts_only,
    ),
    row(
        "attempts-arp-only",
        "ARP requests that nobody answers",
        FACTORY,
        scenes::attempts_arp_only,
    ),
    row(
        "attempts-refused-icmp",
        "calls refused by the gateway",
        BEHIND_GATEWAY,
        |p| scenes::attempts_refused(p, true),
    ),
    row(
        "attempts-refused-reset",
        "calls refused by a reset",
        BEHIND_GATEWAY,
        |p| scenes::attempts_refused(p, false),
    ),
    row(
        "attempts-named",
        "calls in vain to an address that was looked up",
        BEHIND_GATEWAY,
        scenes::attempts_named,
    ),
    row(
        "attempts-blind",
        "calls where no answer could be seen",
        BEHIND_GATEWAY,
        scenes::attempts_blind,
    ),
    row(
        "nfs-update-outside",
        "a monitor copies a program from far away",
        BEHIND_GATEWAY,
        |p| scenes::nfs_update(p, Server::Outside),
    ),
    row(
        "nfs-update-squatted",
        "a monitor copies a program on its segment",
        FACTORY,
        |p| scenes::nfs_update(p, Server::Squatted),
    ),
    row(
        "nfs-update-inside",
        "a monitor copies a program from inside",
        PRIVATE,
        |p| scenes::nfs_update(p, Server::Inside),
    ),
    row(
        "mount-attempt",
        "a mount outside that nobody answers",
        BEHIND_GATEWAY,
        |p| scenes::mount_attempt(p, false),
    ),
    row(
        "mount-refused",
        "a mount outside that is refused",
        BEHIND_GATEWAY,
        |p| scenes::mount_attempt(p, true),
    ),
    row(
        "nfs-documents",
        "documents read from a share inside",
        PRIVATE,
        scenes::nfs_documents,
    ),
    row(
        "thin-client",
        "thin clients load programs from their server",
        PRIVATE,
        scenes::thin_client,
    ),
    row(
        "hl7-inside",
        "HL7 in clear inside",
        PRIVATE,
        scenes::hl7_inside,
    ),
    row(
        "hl7-outside",
        "HL7 in clear towards a public address",
        BEHIND_GATEWAY,
        scenes::hl7_outside,
    ),
    row(
        "sibling-vista-9500",
        "another maker's monitor, in clear",
        PRIVATE,
        scenes::sibling_vista_9500,
    ),
    row(
        "sibling-9600",
        "another maker's monitor, encrypted",
        FACTORY,
        scenes::sibling_9600,
    ),
    row(
        "printer-lpd",
        "print jobs on port 515",
        PRIVATE,
        scenes::printer_lpd,
    ),
    row(
        "port-scanner",
        "a scanner probes port 515",
        PRIVATE,
        scenes::port_scanner,
    ),
    row(
        "hosted-printing",
        "a service outside prints on port 515",
        BEHIND_GATEWAY,
        scenes::hosted_printing,
    ),
    row(
        "print-in",
        "jobs from outside on port 515, jobs passed on, scans with names to FTP",
        BEHIND_GATEWAY,
        scenes::print_in,
    ),
    row(
        "failover",
        "routers and servers that share or move addresses; nothing to find",
        PRIVATE,
        scenes::failover,
    ),
    row(
        "clear-logins",
        "FTP, HTTP and Telnet logins in clear",
        PRIVATE,
        scenes::clear_logins,
    ),
    row(
        "benign-office",
        "an office at work; nothing to find",
        PRIVATE,
        scenes::benign_office,
    ),
    row(
        "own-public-range",
        "a public network that belongs to the site",
        BEHIND_GATEWAY,
        scenes::own_public_range,
    ),
    row(
        "program-download",
        "a program downloaded by HTTP",
        BEHIND_GATEWAY,
        scenes::program_download,
    ),
    row(
        "health-checks",
        "a load balancer tries the HL7 port",
        PRIVATE,
        scenes::health_checks,
    ),
    row(
        "planted-names",
        "a patient in host names, URLs, job names",
        PRIVATE,
        scenes::planted_names,
    ),
];

/// The names and summaries.
pub(crate) const SCENARIOS: [Scenario; TABLE.len()] = {
    let mut out = [Scenario {
        name: "",
        summary: "",
        whole: false,
    }; TABLE.len()];
    let mut n = 0;
    while n < TABLE.len() {
        out[n] = Scenario {
            name: TABLE[n].name,
            summary: TABLE[n].summary,
            whole: matches!(TABLE[n].build, Build::Site(_)),
        };
        n += 1;
    }
    out
};

/// The scenario of this name.
pub(crate) fn find(name: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.name == name)
}
