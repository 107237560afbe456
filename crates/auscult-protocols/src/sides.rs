//! Joins what the first bytes of each side say about a protocol into one answer.

use crate::{Probe, Seen};

/// Judges each side that was seen; one that is certain decides, else one that excludes does.
pub(crate) fn judge(seen: &Seen<'_>, of: impl Fn(&[u8]) -> Probe) -> Probe {
    join(of_seen(seen.originator, &of), of_seen(seen.responder, &of))
}

/// The same for two answers that were found apart (formats whose sides differ).
pub(crate) fn join(one: Probe, other: Probe) -> Probe {
    match (one, other) {
        (Probe::Certain, _) | (_, Probe::Certain) => Probe::Certain,
        (Probe::No, _) | (_, Probe::No) => Probe::No,
        (one, other) => one.max(other),
    }
}

/// The answer for one side; a side that was not seen says nothing.
pub(crate) fn of_seen(bytes: &[u8], of: impl Fn(&[u8]) -> Probe) -> Probe {
    if bytes.is_empty() {
        Probe::Maybe
    } else {
        of(bytes)
    }
}
