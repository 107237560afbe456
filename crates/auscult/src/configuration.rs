//! How an analysis was set, as evidence tells it and as the engine takes it.

use auscult_engine::Options;
use auscult_evidence::{Configuration, Partner};
use auscult_inventory::{Partner as SitePartner, SiteOptions};
use ipnet::IpNet;

use crate::reading::How;

fn texts(networks: &[IpNet]) -> Vec<String> {
    networks.iter().map(ToString::to_string).collect()
}

fn networks(texts: &[String]) -> Vec<IpNet> {
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

/// What evidence says of how its captures were analysed.
pub(crate) fn told(options: &Options, how: &How) -> Configuration {
    let site = &options.site;
    let partner = |partner: &SitePartner| Partner {
        name: partner.name.clone(),
        networks: texts(&partner.networks),
        via: partner.via.clone(),
    };
    let limits = how.limits().iter();
    Configuration {
        networks: texts(&site.networks),
        partners: site.partners.iter().map(partner).collect(),
        sinkholes: texts(&site.sinkholes),
        guest_networks: texts(&site.guest_networks),
        bench_networks: texts(&site.bench_networks),
        country: site.country.clone(),
        interfaces_apart: options.interfaces_apart,
        limits: limits
            .map(|(bound, value)| (bound.name.to_owned(), *value))
            .collect(),
        window: [options.since, options.until].map(|time| time.map(|time| time.to_string())),
    }
}

/// The options under which evidence is analysed again: one thread, bounds that hold everywhere.
pub(crate) fn taken(configuration: &Configuration) -> Options {
    let partner = |partner: &Partner| SitePartner {
        name: partner.name.clone(),
        networks: networks(&partner.networks),
        via: partner.via.clone(),
    };
    Options {
        site: SiteOptions {
            networks: networks(&configuration.networks),
            partners: configuration.partners.iter().map(partner).collect(),
            sinkholes: networks(&configuration.sinkholes),
            guest_networks: networks(&configuration.guest_networks),
            bench_networks: networks(&configuration.bench_networks),
            country: configuration.country.clone(),
            ..SiteOptions::default()
        },
        interfaces_apart: configuration.interfaces_apart,
        ..Options::default()
    }
}
