//! Values of options: times, sizes, severities.

use std::time::{SystemTime, UNIX_EPOCH};

use auscult_model::report::Severity;
use auscult_model::{Bound, BoundKind, Timestamp};
use clap::ValueEnum;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::memory;

/// `--fail-on`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

impl From<Level> for Severity {
    fn from(level: Level) -> Self {
        match level {
            Level::Info => Severity::Info,
            Level::Low => Severity::Low,
            Level::Medium => Severity::Medium,
            Level::High => Severity::High,
            Level::Critical => Severity::Critical,
        }
    }
}

/// A point in time: RFC 3339, or a date or a date with a time in UTC.
pub(crate) fn time(text: &str) -> Result<Timestamp, String> {
    let instant = text
        .parse::<jiff::Timestamp>()
        .or_else(|error| {
            let civil = text
                .parse::<DateTime>()
                .or_else(|_| text.parse::<Date>().map(DateTime::from))
                .map_err(|_| error)?;
            TimeZone::UTC.to_timestamp(civil)
        })
        .map_err(|_| "write it like 2025-01-30T18:00:00Z or 2025-01-30 18:00".to_owned())?;
    i64::try_from(instant.as_nanosecond())
        .map(Timestamp)
        .map_err(|_| "the year must lie between 1678 and 2261".to_owned())
}

/// The machine's time: when people decide something. Nothing that is concluded rests on it.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanoseconds = since.map_or(0, |since| since.as_nanos());
    Timestamp(i64::try_from(nanoseconds).unwrap_or(i64::MAX))
}

/// Bytes with an optional unit: `512M`, `2G`, `2GiB`; units are powers of 1024.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let bytes = number(text).ok_or_else(|| "write it like 512M or 4G".to_owned())?;
    if bytes < memory::LEAST {
        return Err("at least 16M".to_owned());
    }
    Ok(bytes)
}

/// All bounds: of the analysis, and of evidence.
pub(crate) fn bounds() -> Vec<&'static Bound> {
    let mut all = auscult_engine::bounds();
    all.extend(auscult_evidence::BOUNDS);
    all
}

/// A bound of the analysis and its value: `flows=2M`.
pub(crate) fn limit(text: &str) -> Result<(&'static Bound, u64), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| "write it like flows=2M".to_owned())?;
    let bound = bounds()
        .into_iter()
        .find(|bound| bound.name == name)
        .ok_or_else(|| format!("nothing is named `{name}`; `auscult limits` lists all names"))?;
    if bound.kind == BoundKind::Constant {
        return Err(format!("{name} is always {}", bound.default));
    }
    match number(value) {
        Some(value @ 1..) => Ok((bound, value)),
        _ => Err("the value is a number from 1 on, like 5000 or 2M".to_owned()),
    }
}

/// A number with an optional unit, a power of 1024.
fn number(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = text
        .get(digits.len()..)
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let shift = match unit.trim_end_matches('b').trim_end_matches('i') {
        "" if unit.is_empty() || unit == "b" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let at = Timestamp::from_parts(1_738_260_000, 0);
        for text in [
            "2025-01-30T18:00:00Z",
            "2025-01-30T19:00:00+01:00",
            "2025-01-30 18:00",
            "2025-01-30T18:00:00",
        ] {
            assert_eq!(time(text), Ok(at), "{text}");
        }
        assert_eq!(
            time("2025-01-30"),
            Ok(at.plus(-18 * 3600 * Timestamp::SECOND))
        );
        assert!(time("yesterday").is_err());
        assert!(time("9999-01-01").is_err());
    }

    #[test]
    fn limits() {
        let set = |text: &str| limit(text).map(|(bound, value)| (bound.name, value));
        assert_eq!(set("flows=2M"), Ok(("flows", 2 << 20)));
        assert_eq!(set("nfs-names=7"), Ok(("nfs-names", 7)));
        for bad in [
            "flows",
            "flows=",
            "flows=0",
            "flows=x",
            "no-such=1",
            "vlan-tags=5",
        ] {
            assert!(set(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(size("512M"), Ok(512 << 20));
        assert_eq!(size("2GiB"), Ok(2 << 30));
        assert_eq!(size("2 gb"), Ok(2 << 30));
        assert_eq!(size("16777216"), Ok(16 << 20));
        for bad in ["", "M", "1.5G", "12X", "-1G", "1M", "99999999999T", "16iB"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }
}
