//! What flows and their unordered bytes may take.

use auscult_model::{Bound, Bounds};

use crate::Limits;

pub(crate) static FLOWS: Bound = Bound::with_memory(
    "flows",
    512 << 10,
    "flows at a time, all shards together",
    "the least dear of the shard is forgotten: half-open first, medical last",
);
pub(crate) static OUT_OF_ORDER: Bound = Bound::with_memory(
    "out-of-order-bytes",
    128 << 20,
    "bytes that wait behind holes, all shards together",
    "the hole is given up and told as a gap",
);
pub(crate) static OUT_OF_ORDER_FLOW: Bound = Bound::settable(
    "out-of-order-bytes-of-one-flow",
    1 << 20,
    "bytes that wait behind holes in one direction of a flow",
    "the hole is given up and told as a gap",
);
pub(crate) static FAR_AHEAD: Bound = Bound::constant(
    "segments-far-ahead",
    1 << 27,
    "bytes by which a segment may be ahead of the flow",
    "it is not believed unless another follows it",
);

pub(crate) static ALIKE: Bound = Bound::constant(
    "flows-alike",
    64,
    "flows between the same ports in different segments",
    "the oldest of them is forgotten",
);

/// All.
pub static ALL: &[&Bound] = &[
    &FLOWS,
    &ALIKE,
    &OUT_OF_ORDER,
    &OUT_OF_ORDER_FLOW,
    &FAR_AHEAD,
];

impl Limits {
    /// A shard's share of these bounds.
    pub fn within(bounds: &Bounds, shards: usize) -> Self {
        let share = Limits::share(bounds.of(&FLOWS), bounds.of(&OUT_OF_ORDER), shards);
        Limits {
            out_of_order_per_flow: bounds.of(&OUT_OF_ORDER_FLOW),
            ..share
        }
    }
}
