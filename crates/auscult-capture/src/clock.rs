//! The time of the analysis: it never goes back, and one damaged time does not carry it away.

use auscult_model::Timestamp;

/// A jump forward beyond this counts only when packets agree on it.
const JUMP: i64 = 3600 * Timestamp::SECOND;

/// Running maximum of packet time over the merged inputs.
///
/// A time more than an hour ahead is followed at once at a file's first packet; elsewhere only
/// when three packets in a row are ahead, and then to the earliest of the three. A capture of one
/// packet a day is thus followed two packets late. Steps back are counted, not followed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    now: Option<Timestamp>,
    /// The times ahead, of the packets just before.
    ahead: [Timestamp; 2],
    waiting: u8,
    /// What the clock met.
    pub steps: ClockSteps,
}

/// What a clock met that was not a small step forward.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockSteps {
    /// Packets with an earlier time than one before.
    pub back: u64,
    /// Jumps of more than an hour that were followed.
    pub forward: u64,
    /// Packets more than an hour ahead that were not followed.
    pub distrusted: u64,
}

impl Clock {
    /// The clock at a packet of this time; `border` says whether the packet is its file's first.
    #[inline]
    pub fn tick(&mut self, time: Timestamp, border: bool) -> Timestamp {
        let now = self.now.unwrap_or(time);
        let step = time.since(now);
        let next = if (0..=JUMP).contains(&step) {
            self.waiting = 0;
            time
        } else if step < 0 {
            self.waiting = 0;
            self.steps.back += 1;
            now
        } else if border {
            self.waiting = 0;
            self.steps.forward += 1;
            time
        } else {
            self.consider(now, time)
        };
        self.now = Some(next);
        next
    }

    fn consider(&mut self, now: Timestamp, time: Timestamp) -> Timestamp {
        let [before, last] = self.ahead;
        self.ahead = [last, time];
        self.waiting = (self.waiting + 1).min(3);
        if self.waiting < 3 {
            self.steps.distrusted += 1;
            return now;
        }
        self.steps.forward += 1;
        let earliest = before.min(last).min(time);
        if time.since(earliest) <= JUMP {
            self.waiting = 0;
            return time;
        }
        earliest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(seconds: &[i64]) -> (Vec<i64>, ClockSteps) {
        let mut clock = Clock::default();
        let times = seconds
            .iter()
            .map(|s| clock.tick(Timestamp(s * Timestamp::SECOND), false).0 / Timestamp::SECOND);
        (times.collect(), clock.steps)
    }

    #[test]
    fn one_packet_from_the_future_is_not_followed() {
        let (times, steps) = run(&[10, 90_000, 11, 90_000, 90_001, 12]);
        assert_eq!(times, [10, 10, 11, 11, 11, 12]);
        assert_eq!(
            steps,
            ClockSteps {
                back: 0,
                forward: 0,
                distrusted: 3
            }
        );
    }

    #[test]
    fn three_packets_that_agree_are_followed() {
        let (times, steps) = run(&[10, 90_000, 90_001, 90_002, 90_003]);
        assert_eq!(times, [10, 10, 10, 90_002, 90_003]);
        assert_eq!(
            steps,
            ClockSteps {
                back: 0,
                forward: 1,
                distrusted: 2
            }
        );
    }

    #[test]
    fn rare_packets_are_followed_two_late() {
        let (times, _) = run(&[0, 10_000, 20_000, 30_000, 40_000, 50_000, 50_001]);
        assert_eq!(times, [0, 0, 0, 10_000, 20_000, 30_000, 40_000]);
    }

    #[test]
    fn steps_back_are_counted_and_borders_believed() {
        let (times, steps) = run(&[100, 50, 60, 101]);
        assert_eq!(times, [100, 100, 100, 101]);
        assert_eq!(steps.back, 2);
        let mut clock = Clock::default();
        clock.tick(Timestamp(0), true);
        let later = Timestamp(10 * JUMP);
        assert_eq!(clock.tick(later, true), later);
    }
}
