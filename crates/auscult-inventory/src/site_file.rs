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

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer};

use crate::site::{Partner, SiteOptions};

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
        parse_network(&text)
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
pub fn parse_network(text: &str) -> Result<IpNet, String> {
    text.parse::<IpNet>()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map(|network| network.trunc())
        .map_err(|_| format!("`{text}` is no network; write it like 10.0.0.0/8"))
}

impl SiteOptions {
    /// Reads the text of a site file; `Err` says in words and with the line what is wrong.
    pub fn from_toml(text: &str) -> Result<SiteOptions, String> {
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
            ..SiteOptions::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_site() {
        let site = SiteOptions::from_toml(
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
        assert_eq!(SiteOptions::from_toml(""), Ok(SiteOptions::default()));
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
            let words = SiteOptions::from_toml(text).unwrap_err();
            assert!(
                words.contains(line) && words.contains(word),
                "{text}: {words}"
            );
        }
    }
}
