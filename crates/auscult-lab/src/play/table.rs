//! The files of the stories.

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../scenarios/", $name, ".toml")))),*]
    };
}

/// Name and text of each, in alphabetical order.
pub(super) const FILES: &[(&str, &str)] = files![
    "captive-portal",
    "cms8000-leak",
    "cms8000-update",
    "connectivity-checks",
    "false-station-update",
    "ge-monitors-126",
    "hosted-record-system",
    "load-balancer-checks",
    "logon-scripts",
    "maker-default-ranges",
    "name-poisoner",
    "national-health-network",
    "own-public-network",
    "rogue-dhcp",
    "teleradiology-ipsec",
    "updates-over-http",
];
