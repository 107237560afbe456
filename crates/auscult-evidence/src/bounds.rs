//! What is kept of captures, and what is read of evidence, at most.

use auscult_model::Bound;

/// Packets from the beginning of a connection.
pub(crate) static OPENING: Bound = Bound::constant(
    "evidence-opening",
    8,
    "packets from the beginning of a connection, before one that a finding names",
    "they are left out of the cut",
);

/// Packets of a whole connection.
pub(crate) static FOLLOWED: Bound = Bound::constant(
    "evidence-connection",
    2_000,
    "packets of a connection up to one that a finding names",
    "they are left out of the cut, which says so",
);

/// Packets of one cut.
pub(crate) static SELECTED: Bound = Bound::constant(
    "evidence-packets",
    20_000,
    "packets cut out for findings",
    "they are left out of the cut, which says so",
);

/// Bytes of one cut.
pub(crate) static SELECTED_BYTES: Bound = Bound::constant(
    "evidence-bytes",
    32 << 20,
    "bytes of packets cut out for findings",
    "they are left out of the cut, which says so",
);

/// Members of a bundle.
pub(crate) static MEMBERS: Bound = Bound::constant(
    "evidence-members",
    16,
    "members of a bundle of evidence",
    "the bundle is not read",
);

/// Bytes of one member.
pub(crate) static MEMBER_BYTES: Bound = Bound::constant(
    "evidence-member-bytes",
    64 << 20,
    "bytes of one member of a bundle of evidence",
    "the bundle is not read",
);

/// How far a member may grow when it is unpacked.
pub(crate) static EXPANSION: Bound = Bound::constant(
    "evidence-expansion",
    100,
    "unpacked bytes for each packed one, in a bundle of evidence",
    "the bundle is not read",
);

/// All of them.
pub static ALL: &[&Bound] = &[
    &OPENING,
    &FOLLOWED,
    &SELECTED,
    &SELECTED_BYTES,
    &MEMBERS,
    &MEMBER_BYTES,
    &EXPANSION,
];
