//! What each minute of a capture holds, by number and digest: two captures whose minutes agree
//! hold the same packets, whatever files they were cut into.

use crate::time::Timestamp;

/// A minute of one capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MinuteSum {
    /// Minutes since 1970, UTC.
    pub minute: i64,
    /// Packets.
    pub packets: u32,
    /// Sum of the packets' digests, so that their order does not matter.
    pub digest: u64,
}

impl MinuteSum {
    /// Nanoseconds in a minute.
    pub const LENGTH: i64 = 60 * Timestamp::SECOND;
    /// Bytes of the form in which it is kept.
    const KEPT: usize = 20;

    /// Takes in more packets, by the sum of their digests.
    pub fn add(&mut self, packets: u32, digest: u64) {
        self.packets = self.packets.saturating_add(packets);
        self.digest = self.digest.wrapping_add(digest);
    }

    /// The minute of a time.
    pub fn of(time: Timestamp) -> i64 {
        time.0.div_euclid(Self::LENGTH)
    }

    /// When it begins.
    pub fn begins(self) -> Timestamp {
        Timestamp(self.minute.saturating_mul(Self::LENGTH))
    }

    /// When the next begins.
    pub fn ends(self) -> Timestamp {
        self.begins().plus(Self::LENGTH)
    }

    /// Minutes one behind the other, 20 bytes each: minute, packets, digest, big-endian.
    pub fn to_bytes(minutes: &[MinuteSum]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(minutes.len() * Self::KEPT);
        for sum in minutes {
            bytes.extend(sum.minute.to_be_bytes());
            bytes.extend(sum.packets.to_be_bytes());
            bytes.extend(sum.digest.to_be_bytes());
        }
        bytes
    }

    /// Minutes from [`MinuteSum::to_bytes`]; a part of one at the end is left out.
    pub fn from_bytes(bytes: &[u8]) -> Vec<MinuteSum> {
        let (whole, _) = bytes.as_chunks::<{ Self::KEPT }>();
        let number = |part: &[u8]| part.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        let sums = whole.iter().map(|kept| {
            let (minute, rest) = kept.split_at(8);
            let (packets, digest) = rest.split_at(4);
            MinuteSum {
                minute: number(minute).cast_signed(),
                packets: u32::try_from(number(packets)).unwrap_or(u32::MAX),
                digest: number(digest),
            }
        });
        sums.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_come_back_as_they_were() {
        let minutes = [-3, 0, 29_000_000].map(|minute| MinuteSum {
            minute,
            packets: 7,
            digest: u64::MAX - 5,
        });
        let mut bytes = MinuteSum::to_bytes(&minutes);
        bytes.push(1);
        assert_eq!(MinuteSum::from_bytes(&bytes), minutes);
    }

    #[test]
    fn a_minute_before_the_epoch_is_one_too() {
        assert_eq!(MinuteSum::of(Timestamp(-1)), -1);
        let minute = MinuteSum {
            minute: -1,
            packets: 1,
            digest: 0,
        };
        assert_eq!(minute.ends(), Timestamp(0));
    }
}
