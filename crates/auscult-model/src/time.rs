//! Points in capture time: nanoseconds since the Unix epoch, UTC, from the packets alone.
//!
//! The machine's clock is never asked, so that the same capture gives the same report for ever.

use std::fmt;
use std::ops::Sub;

use serde::{Deserialize, Serialize};

/// Nanoseconds since 1970-01-01T00:00:00Z, as a packet carried them.
///
/// Signed, because damaged captures hold times before the epoch; the range ends in 2262.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Timestamp(pub i64);

/// A stretch of time: from its beginning on and before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Beginning, included.
    pub from: Timestamp,
    /// End, not included.
    pub until: Timestamp,
}

impl Window {
    /// Everything before a time.
    pub fn before(time: Timestamp) -> Self {
        Window {
            from: Timestamp::MIN,
            until: time,
        }
    }

    /// Everything from a time on.
    pub fn since(time: Timestamp) -> Self {
        Window {
            from: time,
            until: Timestamp::MAX,
        }
    }

    /// Whether something that lasted from `first` to `last` was there in it.
    pub fn touches(self, first: Timestamp, last: Timestamp) -> bool {
        first < self.until && last >= self.from
    }
}

impl Timestamp {
    /// The earliest time that can be told.
    pub const MIN: Timestamp = Timestamp(i64::MIN);
    /// The latest time that can be told.
    pub const MAX: Timestamp = Timestamp(i64::MAX);
    /// Nanoseconds in one second.
    pub const SECOND: i64 = 1_000_000_000;
    /// Nanoseconds in one millisecond.
    pub const MILLISECOND: i64 = 1_000_000;

    /// From whole seconds and nanoseconds; saturates at the ends of the range.
    pub fn from_parts(seconds: i64, nanoseconds: u32) -> Self {
        Timestamp(
            seconds
                .saturating_mul(Self::SECOND)
                .saturating_add(i64::from(nanoseconds)),
        )
    }

    /// Nanoseconds from `earlier` to `self`; negative when `earlier` is the later one.
    pub fn since(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// This time moved by `nanoseconds`.
    pub fn plus(self, nanoseconds: i64) -> Self {
        Timestamp(self.0.saturating_add(nanoseconds))
    }

    /// Whole hours since the epoch, the grain of summed conversations.
    pub fn hour(self) -> i64 {
        self.0.div_euclid(3600 * Self::SECOND)
    }

    /// From the form in which it is shown: RFC 3339 in UTC, at most nine fraction digits.
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
        let number = |text: Option<&str>, digits: usize| -> Option<i64> {
            let text = text.filter(|t| t.len() == digits)?;
            let plain = text.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| text.parse().ok())?
        };
        let mut date = date.split('-');
        let year = number(date.next(), 4)?;
        let month = number(date.next(), 2).filter(|month| (1..=12).contains(month))?;
        let day = number(date.next(), 2).filter(|day| (1..=31).contains(day))?;
        let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
        let mut time = time.split(':');
        let hour = number(time.next(), 2).filter(|hour| *hour < 24)?;
        let minute = number(time.next(), 2).filter(|minute| *minute < 60)?;
        let second = number(time.next(), 2).filter(|second| *second < 60)?;
        if date.next().is_some() || time.next().is_some() || fraction.len() > 9 {
            return None;
        }
        let nanos = number(Some(&format!("{fraction:0<9}")), 9)?;
        let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
        let whole = i128::from(seconds) * i128::from(Self::SECOND) + i128::from(nanos);
        i64::try_from(whole).map(Timestamp).ok()
    }

    /// Calendar fields in UTC: year, month, day, hour, minute, second, nanosecond.
    ///
    /// Howard Hinnant's `civil_from_days`, valid over the whole range of the type.
    pub fn civil(self) -> (i64, u32, u32, u32, u32, u32, u32) {
        let seconds = self.0.div_euclid(Self::SECOND);
        let nanos = self.0.rem_euclid(Self::SECOND) as u32;
        let days = seconds.div_euclid(86_400);
        let of_day = seconds.rem_euclid(86_400) as u32;
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = (day_of_year - (153 * shifted_month + 2) / 5 + 1) as u32;
        let month = (if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        }) as u32;
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        (
            year,
            month,
            day,
            of_day / 3600,
            of_day / 60 % 60,
            of_day % 60,
            nanos,
        )
    }
}

/// Days since the epoch: Howard Hinnant's `days_from_civil`.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

impl Sub for Timestamp {
    type Output = i64;
    fn sub(self, earlier: Timestamp) -> i64 {
        self.since(earlier)
    }
}

/// RFC 3339 in UTC with as many fraction digits as the value needs (none, 3, 6 or 9).
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day, hour, minute, second, nanos) = self.civil();
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        )?;
        match nanos {
            0 => {}
            n if n % 1_000_000 == 0 => write!(f, ".{:03}", n / 1_000_000)?,
            n if n % 1_000 == 0 => write!(f, ".{:06}", n / 1_000)?,
            n => write!(f, ".{n:09}")?,
        }
        f.write_str("Z")
    }
}

/// `2026-03-14 18:02-18:41 UTC`, with both days where they differ.
pub fn span(first: Timestamp, last: Timestamp) -> String {
    let (a, b) = (first.civil(), last.civil());
    let day = |t: (i64, u32, u32, u32, u32, u32, u32)| format!("{:04}-{:02}-{:02}", t.0, t.1, t.2);
    let minute = |t: (i64, u32, u32, u32, u32, u32, u32)| format!("{:02}:{:02}", t.3, t.4);
    if day(a) != day(b) {
        format!("{} {} to {} {} UTC", day(a), minute(a), day(b), minute(b))
    } else if minute(a) != minute(b) {
        format!("{} {}-{} UTC", day(a), minute(a), minute(b))
    } else {
        format!("{} {} UTC", day(a), minute(a))
    }
}

/// A pause between two captures up to which they are pieces of one that was rotated: the next file
/// begins with the next packet, however quiet the network is.
const ROTATED: i64 = 60 * Timestamp::SECOND;

/// Nanoseconds that some spans of time cover, what several cover once. Short pauses between them
/// are covered too: files of one capture follow each other so.
pub fn covered(spans: impl IntoIterator<Item = (Timestamp, Timestamp)>) -> i64 {
    let mut spans: Vec<_> = spans.into_iter().collect();
    spans.sort_unstable();
    let mut until: Option<Timestamp> = None;
    let mut covered: i64 = 0;
    for (first, last) in spans {
        let from = match until {
            Some(until) if first.since(until) <= ROTATED => until,
            _ => first,
        };
        covered = covered.saturating_add(last.since(from).max(0));
        until = until.max(Some(last));
    }
    covered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_several_cover_counts_once() {
        let spans = |all: &[(i64, i64)]| {
            let spans = all.iter();
            let at = |minutes: &i64| Timestamp(*minutes * 60 * Timestamp::SECOND);
            covered(spans.map(|(first, last)| (at(first), at(last)))) / (60 * Timestamp::SECOND)
        };
        assert_eq!(spans(&[]), 0);
        assert_eq!(spans(&[(0, 5), (6, 9)]), 9, "files of one rotated capture");
        assert_eq!(spans(&[(10, 20), (0, 5)]), 15);
        assert_eq!(spans(&[(15, 30), (10, 20), (12, 14), (30, 31)]), 21);
    }

    #[test]
    fn times_have_a_zone() {
        let at = |seconds: i64| Timestamp::from_parts(1_772_992_920 + seconds, 0);
        assert_eq!(span(at(0), at(0)), "2026-03-08 18:02 UTC");
        assert_eq!(span(at(0), at(2340)), "2026-03-08 18:02-18:41 UTC");
        let two_days = span(at(0), at(86_400));
        assert_eq!(two_days, "2026-03-08 18:02 to 2026-03-09 18:02 UTC");
    }

    #[test]
    fn shows_rfc_3339() {
        assert_eq!(Timestamp(0).to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(Timestamp(-1).to_string(), "1969-12-31T23:59:59.999999999Z");
        assert_eq!(
            Timestamp(951_782_400_500_000_000).to_string(),
            "2000-02-29T00:00:00.500Z"
        );
        assert_eq!(
            Timestamp::from_parts(1_738_195_200, 1_000).to_string(),
            "2025-01-30T00:00:00.000001Z"
        );
    }

    #[test]
    fn what_is_shown_is_read_again() {
        let days = (-100_000..100_000).map(|n| Timestamp(n * 86_399_000_000_007));
        for time in days.chain([Timestamp::MIN, Timestamp::MAX, Timestamp(-1)]) {
            assert_eq!(Timestamp::from_rfc3339(&time.to_string()), Some(time));
        }
        for bad in [
            "",
            "2025-01-30",
            "2025-01-30T18:00:00",
            "2025-13-30T18:00:00Z",
            "2025-01-30T24:00:00Z",
            "2025-01-30T18:00:00.0000000001Z",
            "+025-01-30T18:00:00Z",
            "9999-01-01T00:00:00Z",
        ] {
            assert_eq!(Timestamp::from_rfc3339(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_ends_of_the_range_are_shown() {
        assert!(Timestamp::MIN.to_string().starts_with("1677-09-21T"));
        assert!(Timestamp::MAX.to_string().starts_with("2262-04-11T"));
    }
}
