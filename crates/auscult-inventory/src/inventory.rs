//! Devices made of facts, and the questions that detectors ask about them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use auscult_model::{MacAddr, Segment, report};

use crate::ledger::Ledger;
use crate::site::{Site, SiteOptions};

/// What the facts say: a pure function of them and of the site's options.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// The devices, in order of their ids.
    pub devices: Vec<report::Device>,
    pub(crate) site: Site,
    pub(crate) options: SiteOptions,
    pub(crate) squatted: BTreeSet<(Segment, IpAddr)>,
    pub(crate) by_address: BTreeMap<(Segment, IpAddr), usize>,
    pub(crate) by_mac: BTreeMap<(Segment, MacAddr), usize>,
    pub(crate) routers: BTreeSet<(Segment, MacAddr)>,
}

impl Inventory {
    /// Draws all conclusions.
    pub fn resolve(ledger: &Ledger, options: &SiteOptions) -> Inventory {
        let site = Site::resolve(ledger, options, &BTreeMap::new());
        Inventory {
            site,
            options: options.clone(),
            ..Inventory::default()
        }
    }

    /// The device that holds an address, as index into `devices`: on its own segment, or the
    /// only one that holds it when it is seen through a router.
    pub fn device_at(&self, segment: Segment, ip: IpAddr) -> Option<usize> {
        self.by_address.get(&(segment, ip)).copied()
    }

    /// The device that holds a MAC on a segment.
    pub fn device_by_mac(&self, segment: Segment, mac: MacAddr) -> Option<usize> {
        self.by_mac.get(&(segment, mac)).copied()
    }

    /// The device with an id or alias.
    pub fn device_by_id(&self, id: &str) -> Option<usize> {
        self.devices
            .iter()
            .position(|device| device.id == id || device.aliases.iter().any(|alias| alias == id))
    }

    /// What counts as ours.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// Whether an address is ours.
    pub fn is_site(&self, ip: IpAddr) -> bool {
        self.site.contains(ip)
    }

    /// Whether a MAC passes packets on for others.
    pub fn is_router(&self, segment: Segment, mac: MacAddr) -> bool {
        self.routers.contains(&(segment, mac))
    }

    /// Public addresses that live on our segments though they belong to others.
    pub fn squatted(&self) -> &BTreeSet<(Segment, IpAddr)> {
        &self.squatted
    }
}
