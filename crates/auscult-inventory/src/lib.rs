//! Everything that is known about parties becomes devices.
//!
//! A [`Ledger`] takes in facts, in any order; [`Inventory::resolve`] draws the conclusions:
//! which addresses and cards are one device, what it is, whose an address is, where traffic
//! went. Nothing else is remembered, so that the same facts give the same devices for ever.

mod facts;
mod inventory;
mod ledger;
mod mac_vendor;
mod owner;
mod reach;
mod site;
mod table;

pub use facts::{
    ClaimFact, Party, PatientDataFact, RequestFact, Seen, SpokenFact, StartFact, Subject,
};
pub use inventory::Inventory;
pub use ledger::{Described, Ledger, Limits, PairKey, RequestKey, StartKey};
pub use mac_vendor::{DataSet, mac_vendor, source as mac_vendor_source};
pub use owner::{Owner, OwnerKind, owner, sources as owner_sources};
pub use reach::{Ends, Filter, Reach, Watched};
pub use site::{
    FactoryRange, Partner, Site, SiteOptions, factory_range, factory_ranges, is_group, is_private,
};
