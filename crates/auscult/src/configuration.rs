//! How an analysis was set, as evidence tells it and as the engine takes it.

use std::sync::Arc;

use auscult_advisory::OwnRules;
use auscult_engine::Options;
use auscult_evidence::{Configuration, Partner};
use auscult_inventory::{Indicators, Partner as SitePartner, SiteOptions};
use auscult_model::report::Finding;
use auscult_model::report::details::Value;
use ipnet::IpNet;

use crate::reading::How;

fn texts(networks: &[IpNet]) -> Vec<String> {
    networks.iter().map(ToString::to_string).collect()
}

fn networks(texts: &[String]) -> Vec<IpNet> {
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

/// What evidence says of how its captures were analysed.
pub(crate) fn told(options: &Options, how: &How, findings: &[&Finding]) -> Configuration {
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
        rules: options.rules.texts.clone(),
        indicators: findings.iter().filter_map(|it| entry(it)).collect(),
        window: [options.since, options.until].map(|time| time.map(|time| time.to_string())),
    }
}

/// The entry of a list of indicators that a finding is about.
fn entry(finding: &Finding) -> Option<String> {
    match finding.details.get("entry")? {
        Value::Text(entry) if finding.rule == "indicator" => Some(entry.clone()),
        _ => None,
    }
}

/// The options under which evidence is analysed again: one thread, bounds that hold everywhere.
pub(crate) fn taken(configuration: &Configuration) -> Options {
    let partner = |partner: &Partner| SitePartner {
        name: partner.name.clone(),
        networks: networks(&partner.networks),
        via: partner.via.clone(),
    };
    let mut indicators = Indicators::default();
    for entry in &configuration.indicators {
        indicators.add(entry);
    }
    let mut rules = OwnRules::default();
    for text in &configuration.rules {
        // What this version cannot read finds nothing, and is missed where findings are compared.
        if let Ok(more) = OwnRules::read(text) {
            let _ = rules.join(more);
        }
    }
    Options {
        rules: Arc::new(rules),
        site: SiteOptions {
            indicators,
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
