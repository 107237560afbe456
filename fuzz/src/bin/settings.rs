//! Any text as a site file, a signature and rules: an error with words or something sound.
#![no_main]

use auscult_advisory::OwnRules;
use auscult_inventory::{Signature, SiteOptions};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match SiteOptions::from_toml(text) {
        Ok(site) => {
            let partners = site.partners.iter().flat_map(|partner| &partner.networks);
            let all = site.networks.iter().chain(partners).chain(&site.sinkholes);
            for network in all.chain(&site.guest_networks).chain(&site.bench_networks) {
                assert_eq!(*network, network.trunc());
            }
            for network in &site.networks {
                assert!(site.is_declared(network.addr()));
            }
            assert!(site.country.is_none_or(|code| code.len() == 2));
        }
        Err(words) => assert!(!words.is_empty()),
    }
    match toml::from_str::<Signature>(text) {
        Ok(signature) => {
            let conditions = signature.evidence.iter().map(|evidence| evidence.all.len());
            assert!(signature.sends().count() <= conditions.sum());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    match OwnRules::read(text) {
        Ok(rules) => assert!(rules.rule.iter().all(|rule| !rule.name().is_empty())),
        Err(error) => assert!((1..=text.lines().count() + 1).contains(&error.line)),
    }
});
