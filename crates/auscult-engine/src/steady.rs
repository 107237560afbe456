//! A clock for time-outs that does not take a step of the capture's clock for silence.
//!
//! The analysis time follows a jump of hours once several packets agree (a clock that was set, a
//! pause of the capture). Flows that go on across it must not end for it, so a silence of
//! more than [`SILENCE_MAX`] between two packets of a shard counts as [`JUMP`] only.

use auscult_model::Timestamp;

/// The longest silence that counts as such.
const SILENCE_MAX: i64 = 1800 * Timestamp::SECOND;
/// What a longer one counts: less than any time-out of flows.
const JUMP: i64 = 10 * Timestamp::SECOND;

/// Analysis time without its jumps.
#[derive(Debug, Default)]
pub(crate) struct Steady {
    last: Option<Timestamp>,
    left_out: i64,
}

impl Steady {
    /// The steady time for an analysis time, which never runs backwards.
    pub(crate) fn at(&mut self, clock: Timestamp) -> Timestamp {
        let silence = self.last.map_or(0, |last| clock.since(last));
        if silence > SILENCE_MAX {
            self.left_out = self.left_out.saturating_add(silence - JUMP);
        }
        self.last = Some(clock);
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
        assert_eq!(steady.at(at(10)), at(10));
        assert_eq!(steady.at(at(70)), at(70));
        assert_eq!(steady.at(at(7270)), at(80));
        assert_eq!(steady.at(at(7280)), at(90));
    }
}
