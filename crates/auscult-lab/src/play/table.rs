//! The files of the stories.

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../scenarios/", $name, ".toml")))),*]
    };
}

/// Name and text of each, in alphabetical order.
pub(super) const FILES: &[(&str, &str)] = files![
    "alarm-middleware",
    "biomed-bench",
    "captive-portal",
    "cloud-integration-engine",
    "cms8000-leak",
    "cms8000-update",
    "connectivity-checks",
    "dhcp-pair-and-pxe",
    "false-station-update",
    "ge-monitors-126",
    "guest-wifi",
    "hosted-record-system",
    "hypervisor-stores-and-phones",
    "interface-engine-fan-out",
    "keep-alives-and-fixed-addresses",
    "legacy-blocks-inside",
    "load-balancer-checks",
    "location-tags",
    "logon-scripts",
    "maker-default-ranges",
    "multifunction-printer",
    "name-poisoner",
    "national-health-network",
    "network-access-control",
    "night-backup",
    "own-public-network",
    "planned-downtime",
    "proxy-arp-and-probes",
    "recovery-test",
    "rogue-dhcp",
    "serial-servers-elsewhere",
    "shared-addresses",
    "syn-proxy",
    "teleradiology-ipsec",
    "thin-clients-and-consoles",
    "tls-inspection",
    "transport-and-bed-swap",
    "typed-in-servers",
    "updates-over-http",
    "vendor-remote-service",
    "vendor-vpn-proxy-arp",
    "vulnerability-scanner",
    "wlan-controller-dhcp",
    "wristband-printers",
    "zero-trust-clients",
];
