//! How many rows each table of the ledger may have.
//!
//! When a table is full, what sorts last goes, so that what stays does not depend on the order of
//! the inputs. What goes is counted as observations.

use auscult_model::{Bound, Bounds, NeighbourTimes};

use crate::ledger::Limits;

const LAST: &str = "the keys that sort last go, with their counts";

/// A flow has two legs; with their repeats that is enough.
pub(crate) static LEGS: Bound = Bound::constant(
    "inventory-flow-starts-alike",
    16,
    "openings of flows with one sequence number",
    "later ones go",
);

/// Some years of days with a pause each.
pub(crate) static PRESENCE_RANGES: Bound = Bound::constant(
    "inventory-presence-ranges",
    2_048,
    "times at which a card was heard on a segment without a pause of ten minutes",
    "later ones go",
);

/// The bound of [`auscult_model::NeighbourTimes`].
pub(crate) static NEIGHBOUR_TIMES: Bound = Bound::constant(
    "inventory-neighbour-times",
    NeighbourTimes::MOST as u64,
    "times at which a card asked or answered for an address without a pause of ten seconds",
    "later ones go",
);

macro_rules! tables {
    ($(
        $field:ident = $bound:ident: $kind:ident($name:literal, $default:literal, $of:literal);
    )*) => {
        $(pub(crate) static $bound: Bound = Bound::$kind($name, $default, $of, LAST);)*

        /// All.
        pub static ALL: &[&Bound] = &[&LEGS, &PRESENCE_RANGES, &NEIGHBOUR_TIMES, $(&$bound),*];

        impl Limits {
            /// As these bounds say.
            pub fn within(bounds: &Bounds) -> Self {
                Limits { $($field: bounds.of(&$bound)),* }
            }
        }
    };
}

tables! {
    assignments = ASSIGNMENTS: with_memory("inventory-assignments", 100_000,
        "addresses given to cards");
    claims = CLAIMS: with_memory("inventory-claims", 200_000,
        "attributes that were claimed of somebody");
    conversations = CONVERSATIONS: with_memory("inventory-conversations", 300_000,
        "pairs of addresses with their service and outcome; what nobody answered goes first");
    devices = DEVICES: with_memory("inventory-devices", 100_000,
        "devices that are told apart; cards that spoke no protocol are left out first");
    names_each = NAMES_EACH: settable("inventory-names-of-one-address", 16,
        "names that were given for one address");
    names = NAMES: with_memory("inventory-names", 100_000,
        "addresses that names were given for");
    neighbours = NEIGHBOURS: with_memory("inventory-neighbours", 200_000,
        "questions and answers about link-layer addresses");
    presence = PRESENCE: with_memory("inventory-presence", 200_000,
        "cards whose times on a segment are known");
    networks = NETWORKS: with_memory("inventory-networks", 4_096,
        "prefixes, routers and name servers that were announced");
    objects = OBJECTS: settable("inventory-objects-of-one-request", 64,
        "objects that one party asked another for by one operation");
    patient_data = PATIENT_DATA: with_memory("inventory-patient-data", 50_000,
        "pairs of parties between which patient data went");
    requests = REQUESTS: with_memory("inventory-requests", 50_000,
        "pairs of parties with an operation that was asked for");
    services = SERVICES: with_memory("inventory-services", 100_000,
        "services that were offered");
    spoken = SPOKEN: with_memory("inventory-pairs", 200_000,
        "pairs of parties that spoke a protocol");
    starts = STARTS: with_memory("inventory-flow-starts", 100_000,
        "openings of flows, to find them again behind address translation");
    values = VALUES: settable("inventory-values-of-one-attribute", 16,
        "values of one attribute of one party");
}
