//! A clock for time-outs that does not take a step of the capture's clock for silence.
//!
//! The analysis time follows a jump of hours once several packets agree (a clock that was set, a
//! pause of the capture). Flows that go on across it must not end for it, so a silence of
//! more than [`SILENCE_MAX`] between two packets of a shard counts as [`JUMP`] only. Half a day
//! between two files is no such step: these are two captures, and addresses may be others' in them.

use auscult_model::{FileIndex, Timestamp};

/// The longest silence that counts as such.
const SILENCE_MAX: i64 = 1800 * Timestamp::SECOND;
/// What a longer one counts: less than any time-out of flows.
const JUMP: i64 = 10 * Timestamp::SECOND;

/// A silence that ends flows where another file begins after it.
const PAUSE: i64 = 12 * 3600 * Timestamp::SECOND;

/// Analysis time without its jumps.
#[derive(Debug, Default)]
pub(crate) struct Steady {
    last: Option<Timestamp>,
    file: FileIndex,
    left_out: i64,
}

impl Steady {
    /// The steady time for the analysis time of a packet of this file, which never runs backwards.
    pub(crate) fn at(&mut self, clock: Timestamp, file: FileIndex) -> Timestamp {
        let silence = self.last.map_or(0, |last| clock.since(last));
        if silence > SILENCE_MAX && (silence < PAUSE || file == self.file) {
            self.left_out = self.left_out.saturating_add(silence - JUMP);
        }
        self.last = Some(clock);
        self.file = file;
        clock.plus(-self.left_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jumps_are_left_out() {
        let mut steady = Steady::default();
        let at = |seconds: i64| Timestamp(seconds * Timestamp::SECOND);
        let mut steady_at = |seconds, file| steady.at(at(seconds), FileIndex(file));
        assert_eq!(steady_at(10, 0), at(10));
        assert_eq!(steady_at(70, 0), at(70));
        assert_eq!(steady_at(7270, 0), at(80));
        assert_eq!(steady_at(7280, 0), at(90));
        // An hour between two files may be a step of the clock, a day is none.
        assert_eq!(steady_at(10_880, 1), at(100));
        assert_eq!(steady_at(97_280, 1), at(110));
        assert_eq!(steady_at(183_680, 2), at(86_510));
    }
}
