//! The site file `auscult.toml`: what only the hospital knows about its network.
//!
//! ```toml
//! [site]
//! country  = "IE"                  # ISO 3166-1, for statements on distance
//! networks = ["192.0.2.0/24"]      # ours, besides private addresses
//! guest    = ["10.99.0.0/16"]      # findings there are for information
//! bench    = ["10.98.0.0/24"]      # likewise: test benches
//! sinkholes = ["202.114.4.119"]    # addresses of others that end at a host of ours
//!
//! [[partner]]
//! name     = "Regional laboratory"
//! networks = ["198.51.100.0/24"]
//! via      = "IPsec through 10.0.0.1"
//! ```

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::Path;

use auscult_inventory::{Partner, SiteOptions};
use ipnet::IpNet;
use serde::{Deserialize, Deserializer};

use crate::failure::Failure;

const DEFAULT: &str = "auscult.toml";

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    site: Site,
    partner: Vec<PartnerEntry>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Site {
    country: Option<Country>,
    networks: Vec<Network>,
    guest: Vec<Network>,
    bench: Vec<Network>,
    sinkholes: Vec<Network>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PartnerEntry {
    name: String,
    networks: Vec<Network>,
    via: Option<String>,
}

struct Network(IpNet);

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        network(&text)
            .map(Network)
            .map_err(serde::de::Error::custom)
    }
}

struct Country(String);

impl<'de> Deserialize<'de> for Country {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase()) {
            Ok(Country(text))
        } else {
            let words = format!("`{text}` is no two-letter country code such as IE");
            Err(serde::de::Error::custom(words))
        }
    }
}

/// A network, or an address as a network of one.
pub(crate) fn network(text: &str) -> Result<IpNet, String> {
    text.parse::<IpNet>()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map(|network| network.trunc())
        .map_err(|_| format!("`{text}` is no network; write it like 10.0.0.0/8"))
}

/// Reads the site file; without a name the default one, if there is one.
pub(crate) fn load(named: Option<&Path>) -> Result<SiteOptions, Failure> {
    let path = named.unwrap_or(Path::new(DEFAULT));
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => {
            return Ok(SiteOptions::default());
        }
        Err(error) => return Err(Failure::Usage(format!("{}: {error}", path.display()))),
    };
    parse(&text)
        .map_err(|error| Failure::Usage(format!("{}: {}", path.display(), error.trim_end())))
}

fn parse(text: &str) -> Result<SiteOptions, String> {
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    let plain = |list: Vec<Network>| list.into_iter().map(|network| network.0).collect();
    Ok(SiteOptions {
        networks: plain(file.site.networks),
        partners: file
            .partner
            .into_iter()
            .map(|partner| Partner {
                name: partner.name,
                networks: plain(partner.networks),
                via: partner.via,
            })
            .collect(),
        sinkholes: plain(file.site.sinkholes),
        guest_networks: plain(file.site.guest),
        bench_networks: plain(file.site.bench),
        country: file.site.country.map(|country| country.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_site() {
        let site = parse(
            r#"
            [site]
            country = "IE"
            networks = ["192.0.2.7/24"]
            guest = ["10.99.0.0/16"]
            bench = ["10.98.0.0/24"]
            sinkholes = ["202.114.4.119"]
            [[partner]]
            name = "Regional laboratory"
            networks = ["198.51.100.0/24", "2001:db8::/32"]
            via = "IPsec"
            "#,
        )
        .unwrap();
        assert_eq!(site.networks, ["192.0.2.0/24".parse().unwrap()]);
        assert_eq!(site.sinkholes, ["202.114.4.119/32".parse().unwrap()]);
        assert_eq!(site.partners[0].networks.len(), 2);
        assert_eq!(site.country.as_deref(), Some("IE"));
        assert_eq!(parse(""), Ok(SiteOptions::default()));
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        for (text, line, word) in [
            ("[site]\nnetwork = []\n", "line 2", "network"),
            (
                "[site]\nnetworks = [\n\"10.0.0.0/33\"]\n",
                "line 2",
                "10.0.0.0/33",
            ),
            ("[site]\ncountry = \"Ireland\"\n", "line 2", "Ireland"),
            ("\n[[partner]]\nname = \"x\"\n", "line 2", "networks"),
            ("[[partners]]\n", "line 1", "partners"),
        ] {
            let words = parse(text).unwrap_err();
            assert!(
                words.contains(line) && words.contains(word),
                "{text}: {words}"
            );
        }
    }
}
