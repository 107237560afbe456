//! What a capture may claim, and what may be kept of it.

use auscult_model::{Bound, Bounds};

use crate::reader::Options;

pub(crate) static RECORD_LENGTH: Bound = Bound::settable(
    "record-length",
    16 << 20,
    "bytes that one record may claim",
    "it is damage: reading this file ends there",
);
pub(crate) static DECOMPRESSED: Bound = Bound::settable(
    "decompressed-bytes",
    1 << 40,
    "bytes that one compressed file may become",
    "reading this file ends there",
);
pub(crate) static RATIO: Bound = Bound::settable(
    "decompression-ratio",
    1000,
    "times that a compressed file may grow, after its first 16 MiB",
    "reading this file ends there",
);
pub(crate) static INTERFACES: Bound = Bound::constant(
    "capture-interfaces",
    65_535,
    "interfaces that one pcapng file may describe",
    "packets of further ones are those of the last",
);

pub(crate) static COMMENTS: Bound = Bound::constant(
    "capture-comments",
    64,
    "comments of one pcapng file that are kept, of at most 512 bytes each",
    "further ones are not shown",
);
pub(crate) static AUTHORS_NAMES: Bound = Bound::constant(
    "capture-names",
    1024,
    "addresses of one pcapng file to which its author's names are kept",
    "further ones are not shown",
);
pub(crate) static MINUTES: Bound = Bound::constant(
    "capture-minutes",
    100_000,
    "minutes of one capture by which a state finds captures that overlap",
    "packets of further ones may count twice",
);

/// All.
pub static ALL: &[&Bound] = &[
    &RECORD_LENGTH,
    &DECOMPRESSED,
    &RATIO,
    &INTERFACES,
    &COMMENTS,
    &AUTHORS_NAMES,
    &MINUTES,
];

impl Options {
    /// As these bounds say.
    pub fn within(bounds: &Bounds) -> Self {
        Options {
            max_record: bounds.of(&RECORD_LENGTH),
            max_decompressed: bounds.value(&DECOMPRESSED),
            max_ratio: bounds.value(&RATIO),
            ..Options::default()
        }
    }
}
