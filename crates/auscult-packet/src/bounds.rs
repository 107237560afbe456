//! What may be nested, and what fragments may hold.

use auscult_model::{Bound, Bounds};

use crate::Limits;

/// VLAN tags.
pub static TAGS: Bound = Bound::constant(
    "vlan-tags",
    4,
    "VLAN tags of one frame",
    "the frame is not decoded further",
);
/// IPv6 extension headers.
pub static EXTENSIONS: Bound = Bound::constant(
    "ipv6-extension-headers",
    8,
    "IPv6 extension headers of one packet",
    "the packet counts with its addresses only",
);
/// MPLS labels.
pub static LABELS: Bound = Bound::constant(
    "mpls-labels",
    16,
    "MPLS labels of one stack",
    "the frame is not decoded further",
);
/// Headers between link and network.
pub static SHIMS: Bound = Bound::constant(
    "shims",
    4,
    "label stacks and PPPoE headers, one in another, of one frame",
    "the frame is not decoded further",
);
/// Tunnels in tunnels.
pub static TUNNELS: Bound = Bound::constant(
    "tunnels",
    8,
    "tunnels, one in another, of one packet",
    "what is deeper is not looked into",
);
pub(crate) static DATAGRAMS: Bound = Bound::settable(
    "fragments",
    1024,
    "unfinished fragmented datagrams, each shard",
    "the oldest is given up",
);
pub(crate) static BYTES: Bound = Bound::with_memory(
    "fragment-bytes",
    64 << 20,
    "bytes of unfinished datagrams, all shards together",
    "the oldest of the shard is given up",
);
pub(crate) static PIECES: Bound = Bound::settable(
    "fragments-of-one-datagram",
    2048,
    "fragments of one datagram",
    "further ones are not joined",
);

/// All.
pub static ALL: &[&Bound] = &[
    &TAGS,
    &EXTENSIONS,
    &LABELS,
    &SHIMS,
    &TUNNELS,
    &DATAGRAMS,
    &BYTES,
    &PIECES,
];

impl Limits {
    /// A shard's share of these bounds.
    pub fn within(bounds: &Bounds, shards: usize) -> Self {
        Limits {
            datagrams: bounds.of(&DATAGRAMS),
            // Less could not hold one large datagram.
            bytes: (bounds.of(&BYTES) / shards).max(1 << 17),
            pieces: bounds.of(&PIECES),
            ..Limits::default()
        }
    }
}
