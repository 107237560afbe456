//! Devices made of facts, and the questions that detectors ask about them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use auscult_model::{ConversationKey, ConversationSum, MacAddr, Segment, report};
use ipnet::IpNet;

use crate::bounds;
use crate::cluster::Clusters;
use crate::describe::Part;
use crate::facts::{Party, real};
use crate::ledger::Ledger;
use crate::links::{Links, answer_mac};
use crate::paths::Paths;
use crate::reach::{Ends, Filter, Reach};
use crate::signature::{Signature, signatures};
use crate::site::{Site, SiteOptions, factory_range, is_private, usual_network};
use crate::{anchor, claims, conduct, describe};

/// What the facts say: a pure function of them and of the site's options.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// The devices, in order of their ids.
    pub devices: Vec<report::Device>,
    pub(crate) site: Site,
    pub(crate) options: SiteOptions,
    pub(crate) links: Links,
    pub(crate) paths: Paths,
    clusters: Clusters,
    squatted: BTreeSet<(Segment, IpAddr)>,
    /// Where the device of each cluster stands in `devices`.
    places: Vec<usize>,
}

impl Inventory {
    /// Draws all conclusions.
    pub fn resolve(ledger: &Ledger, options: &SiteOptions) -> Inventory {
        let links = Links::resolve(ledger);
        let site = Site::resolve(ledger, options, &hosts(&links));
        let behind = behind(ledger, &site);
        let clusters = Clusters::resolve(ledger, &links, &site, &behind);
        let conducts = conduct::observe(ledger, &links, &clusters);
        let weighed = claims::weigh(ledger, &links, &clusters);
        let ids = anchor::name_all(&clusters.all, &weighed, &links);

        let mut order: Vec<usize> = (0..clusters.all.len()).collect();
        order.sort_by_key(|at| ids.get(*at));
        let mut places = vec![0; order.len()];
        for (place, cluster) in order.iter().enumerate() {
            if let Some(slot) = places.get_mut(*cluster) {
                *slot = place;
            }
        }
        let paths = Paths::resolve(ledger, &links);
        let squatted = squatted(&links, &site, &paths);
        let mut inventory = Inventory {
            devices: Vec::with_capacity(order.len()),
            site,
            options: options.clone(),
            links,
            paths,
            clusters,
            squatted,
            places,
        };
        for at in order {
            let parts = (
                inventory.clusters.all.get(at),
                conducts.get(at),
                weighed.get(at),
                ids.get(at),
            );
            if let (Some(cluster), Some(conduct), Some(claims), Some(ids)) = parts {
                let device =
                    describe::device((ledger, &inventory.links), cluster, conduct, claims, ids);
                inventory.devices.push(device);
            }
        }
        // What devices did takes as much memory as what is told of them: it makes room.
        drop((conducts, weighed, ids));
        inventory.fill_in_conversations(ledger);
        inventory
    }

    fn fill_in_conversations(&mut self, ledger: &Ledger) {
        // One pass for all: an address may be held by ever so many cards on as many segments.
        let mut own: Vec<Vec<Part>> = vec![Vec::new(); self.clusters.all.len()];
        for (slot, key, sum) in ledger.placed_conversations() {
            let sides = [
                (key.originator, key.originator_mac, true),
                (key.responder, answer_mac(key, sum), false),
            ];
            let several = usize::from(key.originator != key.responder);
            for (ip, mac, began) in sides.into_iter().take(1 + several) {
                // An address that changed hands is whose card it was.
                let party = Party {
                    segment: key.segment,
                    ip,
                    mac: real(mac),
                };
                let cluster = self.clusters.of_party(&self.links, party);
                if let Some(own) = cluster.and_then(|at| own.get_mut(at)) {
                    own.push(Part { slot, began });
                }
            }
        }
        let told: Vec<_> = own
            .iter()
            .enumerate()
            .map(|(at, own)| describe::conversations(self, ledger, at, own))
            .collect();
        for (at, (total, talks_to, isolation)) in told.into_iter().enumerate() {
            let device = self
                .places
                .get(at)
                .and_then(|place| self.devices.get_mut(*place));
            if let Some(device) = device {
                device.talks_to_total = total;
                device.talks_to = talks_to;
                device.count_peers();
                device.isolation = isolation;
            }
        }
    }

    /// The addresses of a cluster, with their segments.
    pub(crate) fn addresses(&self, cluster: usize) -> Vec<(Segment, IpAddr)> {
        let cluster = self.clusters.all.get(cluster);
        cluster.map_or_else(Vec::new, |c| c.addresses.iter().copied().collect())
    }

    fn place(&self, cluster: usize) -> Option<usize> {
        self.places.get(cluster).copied()
    }

    /// The device that holds an address, as index into `devices`: on its own segment, or the
    /// only one that holds it when it is seen through a router.
    pub fn device_at(&self, segment: Segment, ip: IpAddr) -> Option<usize> {
        self.place(self.clusters.at(segment, ip)?)
    }

    /// The device that a side of a message is.
    pub fn device_of(&self, party: Party) -> Option<usize> {
        self.place(self.clusters.of_party(&self.links, party)?)
    }

    /// The device that the peer of a conversation was. `None` where several had its address and
    /// its frames do not tell which, because they came by a router.
    pub(crate) fn peer(&self, party: Party) -> Option<usize> {
        let holds = |mac| self.links.holds(party.segment, mac, party.ip);
        let is_told = party.mac.is_some_and(holds);
        let cluster = match is_told || !self.clusters.is_shared(party.segment, party.ip) {
            true => self.clusters.of_party(&self.links, party),
            false => None,
        };
        self.place(cluster?)
    }

    /// The device that holds a MAC on a segment.
    pub fn device_by_mac(&self, segment: Segment, mac: MacAddr) -> Option<usize> {
        self.place(*self.clusters.by_mac.get(&(segment, mac))?)
    }

    /// The limit on devices, with what could have been one and found no room.
    pub fn left_out(&self) -> (&'static str, u64) {
        (bounds::DEVICES.name, self.clusters.left_out)
    }

    /// What counts as ours.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// What the user said about the site.
    pub fn options(&self) -> &SiteOptions {
        &self.options
    }

    /// Whether the user declared an address ours.
    pub(crate) fn is_declared(&self, ip: IpAddr) -> bool {
        self.options.is_declared(ip)
    }

    /// Whether an address is ours.
    pub fn is_site(&self, ip: IpAddr) -> bool {
        self.site.contains(ip)
    }

    /// Whether a MAC passes packets on for others.
    pub fn is_router(&self, segment: Segment, mac: MacAddr) -> bool {
        self.links.is_router(segment, mac)
    }

    /// Cards that hold an address on a segment, each by its own word or frames: more than one
    /// is a conflict, a failover, or a virtual address.
    pub fn holders(&self, segment: Segment, ip: IpAddr) -> Vec<MacAddr> {
        let holders = self.links.holders.get(&(segment, ip));
        holders.map_or_else(Vec::new, |holders| holders.keys().copied().collect())
    }

    /// Public addresses that live on our segments though they belong to others.
    pub fn squatted(&self) -> &BTreeSet<(Segment, IpAddr)> {
        &self.squatted
    }

    /// Conversations between two addresses, whoever began.
    pub fn between<'a>(
        &self,
        ledger: &'a Ledger,
        a: IpAddr,
        b: IpAddr,
    ) -> impl Iterator<Item = (&'a ConversationKey, &'a ConversationSum)> {
        let between = self.paths.between(a, b);
        between
            .iter()
            .filter_map(|(_, slot)| ledger.conversation_at(*slot))
    }

    /// Where traffic of a local address to a peer went, over all conversations between them
    /// that the filter lets through.
    pub fn reach(
        &self,
        ledger: &Ledger,
        local: (Segment, IpAddr),
        peer: IpAddr,
        filter: Filter<'_>,
    ) -> Reach {
        crate::reach::grade(self, ledger, Ends { local, peer }, filter)
    }

    /// As reports show the site.
    pub fn site_report(&self) -> report::Site {
        self.site.report(self.squatted.iter().map(|(_, ip)| *ip))
    }
}

/// Which hosts use which public network on our segments; routers are no hosts.
fn hosts(links: &Links) -> BTreeMap<IpNet, BTreeSet<MacAddr>> {
    let mut hosts: BTreeMap<IpNet, BTreeSet<MacAddr>> = BTreeMap::new();
    for ((segment, ip), holders) in &links.holders {
        if !is_private(*ip) {
            let macs = holders
                .keys()
                .filter(|mac| !links.is_router(*segment, **mac));
            hosts.entry(usual_network(*ip)).or_default().extend(macs);
        }
    }
    hosts
}

/// Addresses of others that sent patient data, or messages by which a family is known.
fn behind(ledger: &Ledger, site: &Site) -> BTreeSet<IpAddr> {
    let families: BTreeSet<&str> = signatures()
        .iter()
        .filter(|signature| signature.family.is_some())
        .flat_map(Signature::sends)
        .collect();
    let spoken = ledger
        .spoken()
        .keys()
        .filter(|(protocol, ..)| families.contains(protocol));
    spoken
        .chain(ledger.patient_data().keys())
        .map(|(_, from, _)| from.ip)
        .filter(|ip| !site.contains(*ip) && crate::site::is_somebody(*ip))
        .collect()
}

/// Addresses of others that live on our segments. Not those whose network has its way out here:
/// a router of that network on the link, or answers that come back to them from outside.
fn squatted(links: &Links, site: &Site, paths: &Paths) -> BTreeSet<(Segment, IpAddr)> {
    let mut routed: BTreeSet<(Segment, IpNet)> = BTreeSet::new();
    for (segment, ip) in links.router_addresses() {
        routed.insert((segment, usual_network(ip)));
    }
    links
        .holders
        .keys()
        .filter(|(segment, ip)| {
            let own_way_out = routed.contains(&(*segment, usual_network(*ip)))
                || paths.answered_from_outside(*segment, *ip);
            !site.contains(*ip)
                && !links.cooked.contains(segment)
                && links.lives_at(*segment, *ip)
                && (factory_range(*ip).is_some() || !own_way_out)
        })
        .copied()
        .collect()
}
