//! Sums of what each minute of a capture holds, taken while it is read.

use std::collections::BTreeMap;

use auscult_model::{MinuteSum, Timestamp};

use crate::bounds;

/// The sums so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Minutes {
    /// Minutes that are done with, for now: times may step back.
    sums: BTreeMap<i64, MinuteSum>,
    /// The minute of the packet before.
    current: Option<MinuteSum>,
    /// Packets whose minutes found no room.
    dropped: u64,
}

impl Minutes {
    /// Adds a packet by its digest.
    pub(crate) fn add(&mut self, time: Timestamp, digest: u64) {
        let minute = MinuteSum::of(time);
        match &mut self.current {
            Some(sum) if sum.minute == minute => sum.add(1, digest),
            _ => {
                self.put_away();
                self.current = Some(MinuteSum {
                    minute,
                    packets: 1,
                    digest,
                });
            }
        }
    }

    fn put_away(&mut self) {
        let Some(sum) = self.current.take() else {
            return;
        };
        let is_full = self.sums.len() as u64 >= bounds::MINUTES.default;
        if is_full && !self.sums.contains_key(&sum.minute) {
            self.dropped += u64::from(sum.packets);
            return;
        }
        self.sums
            .entry(sum.minute)
            .and_modify(|known| known.add(sum.packets, sum.digest))
            .or_insert(sum);
    }

    /// All sums in order of time, and how many packets are in none.
    pub(crate) fn finish(&mut self) -> (Vec<MinuteSum>, u64) {
        self.put_away();
        (self.sums.values().copied().collect(), self.dropped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_does_not_matter() {
        let packets = [(0, 5), (61, 7), (59, 11), (62, 13)];
        let sums = |packets: &mut dyn Iterator<Item = &(i64, u64)>| {
            let mut minutes = Minutes::default();
            for (seconds, digest) in packets {
                minutes.add(Timestamp::from_parts(*seconds, 0), *digest);
            }
            minutes.finish()
        };
        let (forward, dropped) = sums(&mut packets.iter());
        assert_eq!(dropped, 0);
        assert_eq!(forward, sums(&mut packets.iter().rev()).0);
        let told: Vec<_> = forward
            .iter()
            .map(|sum| (sum.minute, sum.packets))
            .collect();
        assert_eq!(told, [(0, 2), (1, 2)]);
        assert_eq!(forward[0].digest, 16);
    }

    #[test]
    fn minutes_without_end_are_counted() {
        let mut minutes = Minutes::default();
        let reached = bounds::MINUTES.default as i64 + 3;
        for minute in 0..reached {
            minutes.add(Timestamp(minute * MinuteSum::LENGTH), 1);
        }
        let (sums, dropped) = minutes.finish();
        assert_eq!(sums.len() as u64, bounds::MINUTES.default);
        assert_eq!(dropped, 3);
    }
}
