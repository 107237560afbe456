//! Everything that is known about parties becomes devices.
//!
//! A [`Ledger`] takes in facts, in any order; [`Inventory::resolve`] draws the conclusions:
//! which addresses and cards are one device, what it is, whose an address is, where traffic
//! went. Nothing else is remembered, so that the same facts give the same devices for ever.

mod anchor;
mod bond;
mod bounds;
mod claims;
mod cluster;
mod conduct;
mod describe;
mod facts;
mod indicators;
mod inventory;
mod ledger;
mod links;
mod mac_vendor;
mod owner;
mod paths;
mod presence;
mod reach;
mod service;
mod signature;
mod site;
mod site_file;
mod stored;
mod system;
mod table;
mod traffic;

pub use bounds::ALL as BOUNDS;
pub use describe::TALKS_TO;
pub use facts::{
    ClaimFact, Party, PatientDataFact, RequestFact, Seen, SpokenFact, StartFact, Subject,
};
pub use indicators::Indicators;
pub use inventory::Inventory;
pub use ledger::{Described, Ledger, Limits, PairKey, RequestKey, StartKey};
pub use mac_vendor::{DataSet, mac_vendor, source as mac_vendor_source};
pub use owner::{Owner, OwnerKind, owner, sources as owner_sources};
pub use reach::{Filter, Reach, Watched};
pub use service::{KnownService, ServiceKind, known_service};
pub use signature::{Alternative, Condition, NAMES, Signature, signature, signatures};
pub use site::{
    FactoryRange, Partner, Site, SiteOptions, factory_range, factory_ranges, is_group, is_private,
};
pub use site_file::parse_network;
pub use stored::StoredLedger;
pub use table::Rows;
