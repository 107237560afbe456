//! Layout of the CMS8000 blocks: lengths, constants that every block keeps, and typed fields.
//!
//! All offsets count from the start of a block's data, that is after `L u16 LE | 05 | T`. Sources:
//! the two public decoders named in the record. Limits: no allocation except for text, nothing is
//! read beyond the data given, short data give the fields that fit.

use crate::Cursor;

/// Octet 2 of every block.
pub(super) const MARK: u8 = 0x05;
/// Octets before a block's data.
pub(super) const HEADER: usize = 4;
/// Longest `L` that the framing accepts; longer ones mean that the border was lost.
pub(super) const LENGTH_MAX: usize = 8192;
/// Where a telemetry block's `05 46 00 00 ST 00` begins: after the two octets of `L`.
pub(super) const ANCHOR: [u8; 4] = [MARK, TELEMETRY, 0, 0];

/// Patient information.
pub(super) const PATIENT: u8 = 0x3e;
/// Without data, meaning not known.
pub(super) const UNKNOWN_43: u8 = 0x43;
/// Bed number.
pub(super) const BED: u8 = 0x45;
/// Curves and numbers; octet 2 of the data is the sub-type.
pub(super) const TELEMETRY: u8 = 0x46;
/// End of a cycle.
pub(super) const CYCLE_END: u8 = 0x47;
/// Technical message.
pub(super) const TECHNICAL: u8 = 0x49;

/// Sub-type: ECG and respiration.
pub(super) const ECG: u8 = 0x14;
/// Sub-type: oxygen saturation.
pub(super) const SPO2: u8 = 0x15;
/// Sub-type: cuff pressure.
pub(super) const NIBP: u8 = 0x16;
/// Sub-type: temperature.
pub(super) const TEMPERATURE: u8 = 0x17;

/// Zero octets that a monitor may append, as the strict probe allows for.
const PADDING: usize = 64;

/// First octets of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Octets that follow the length field.
    pub(super) length: usize,
    /// Octet 2.
    pub(super) mark: u8,
    /// Block type.
    pub(super) kind: u8,
}

impl Header {
    /// The whole block's octets.
    pub(super) fn total(self) -> usize {
        self.length + 2
    }

    /// Whether the framing can be followed: a type of 0x30 to 0x5F need not be known.
    pub(super) fn is_frame(self) -> bool {
        self.mark == MARK
            && (0x30..=0x5f).contains(&self.kind)
            && (2..=LENGTH_MAX).contains(&self.length)
    }
}

/// The header at the start of `bytes`.
pub(super) fn header(bytes: &[u8]) -> Option<Header> {
    let [low, high, mark, kind, ..] = *bytes else {
        return None;
    };
    Some(Header {
        length: usize::from(u16::from_le_bytes([low, high])),
        mark,
        kind,
    })
}

/// Least and greatest `L` of a type (for telemetry of a sub-type, or of any while that is not
/// seen); `None` for what has no known layout.
pub(super) fn lengths(kind: u8, sub_type: Option<u8>) -> Option<(usize, usize)> {
    let padded = |least| Some((least, least + PADDING));
    match (kind, sub_type) {
        (PATIENT, _) => padded(0xaf),
        (UNKNOWN_43 | CYCLE_END, _) => Some((2, 2)),
        (BED, _) => Some((6, 6)),
        (TECHNICAL, _) => Some((3, 258)),
        (TELEMETRY, None) => Some((0x25, 0x3d5 + PADDING)),
        (TELEMETRY, Some(ECG)) => padded(0x3d5),
        (TELEMETRY, Some(SPO2)) => padded(0x116),
        (TELEMETRY, Some(NIBP)) => padded(0x25),
        (TELEMETRY, Some(TEMPERATURE)) => padded(0x30),
        _ => None,
    }
}

/// What is wrong with a cuff pressure whose time cannot be: perhaps none was taken yet.
pub(super) const NO_CUFF_TIME: &str = "time of the cuff pressure is impossible";

/// What in `data` (a block's data or a prefix of them) breaks the constants of the layout.
pub(super) fn misfit(kind: u8, data: &[u8]) -> Option<&'static str> {
    match kind {
        PATIENT => patient_misfit(data),
        UNKNOWN_43 | CYCLE_END if !data.is_empty() => Some("block without data has data"),
        BED => bed_misfit(data),
        TELEMETRY => telemetry_misfit(data),
        TECHNICAL => data
            .iter()
            .skip(1)
            .any(|&b| b != 0 && !(0x20..0x7f).contains(&b) && b < 0x80)
            .then_some("technical message holds control characters"),
        _ => None,
    }
}

fn bed_misfit(data: &[u8]) -> Option<&'static str> {
    let constant = [(0, 0x00), (1, 0x00), (3, 0xff)];
    constant
        .iter()
        .any(|&(at, value)| data.get(at).is_some_and(|&b| b != value))
        .then_some("bed announcement is not 00 00 bed FF")
}

fn patient_misfit(data: &[u8]) -> Option<&'static str> {
    let seen = |from: usize, to: usize| data.get(from..to.min(data.len())).unwrap_or_default();
    let zero = |from, to| seen(from, to).iter().all(|&b| b == 0);
    let year = |from, to| {
        seen(from, to)
            .iter()
            .all(|b| b.is_ascii_digit() || matches!(b, 0 | b' '))
    };
    if !(zero(0x20, 0x22) && zero(0x6e, 0x74) && zero(0x87, 0x8b)) {
        return Some("patient information: reserved octets are not zero");
    }
    if !(year(0x63, 0x67) && year(0x7c, 0x80)) {
        return Some("patient information: a year is not decimal");
    }
    None
}

fn telemetry_misfit(data: &[u8]) -> Option<&'static str> {
    let zero = |at: usize| data.get(at).is_none_or(|&b| b == 0);
    let flag = |at: usize| data.get(at).is_none_or(|&b| b == 0 || b == 0xff);
    if !(zero(0) && zero(1) && zero(3)) {
        return Some("telemetry sub-type is not 00 00 ST 00");
    }
    match *data.get(2)? {
        ECG if !(flag(0x385) && flag(0x387)) => Some("a flag is neither 00 nor FF"),
        SPO2 if !(flag(0x105) && flag(0x107)) => Some("a flag is neither 00 nor FF"),
        NIBP => {
            let time: &[u8; 7] = data.get(4..11)?.try_into().ok()?;
            let fits = *time == [0; 7] || is_date_and_time(time);
            (!fits).then_some(NO_CUFF_TIME)
        }
        TEMPERATURE => [4, 8, 12]
            .into_iter()
            .filter_map(|at| f32_at(data, at))
            .any(|value| !(value.is_finite() && value.abs() < 2000.0))
            .then_some("a temperature is not a number"),
        _ => None,
    }
}

fn is_date_and_time(time: &[u8; 7]) -> bool {
    let [_, _, month, day, hour, minute, second] = *time;
    (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 60
}

pub(super) fn u8_at(data: &[u8], at: usize) -> Option<u8> {
    data.get(at).copied()
}

pub(super) fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    Cursor::new(data.get(at..)?).le_u16()
}

pub(super) fn f32_at(data: &[u8], at: usize) -> Option<f32> {
    Cursor::new(data.get(at..)?).le_f32()
}

/// Value and flag: the low octet when the flag is 00, none when it is FF (or anything else).
pub(super) fn flagged(data: &[u8], at: usize) -> Option<u8> {
    (u8_at(data, at + 1)? == 0).then_some(u8_at(data, at)?)
}

/// Bounds of an alarm and its switch, in wire order: public decoders differ on which of the two
/// comes first, so the larger is the upper one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bounds {
    /// The two bounds as sent.
    pub(super) raw: [f32; 2],
    /// Switch or priority, values not known.
    pub(super) setting: u16,
}

impl Bounds {
    /// Three `u16`.
    pub(super) fn integers(data: &[u8], at: usize) -> Option<Bounds> {
        let raw = [u16_at(data, at)?, u16_at(data, at + 2)?].map(f32::from);
        let setting = u16_at(data, at + 4)?;
        Some(Bounds { raw, setting })
    }

    /// Two `f32` and a `u16`.
    pub(super) fn floats(data: &[u8], at: usize) -> Option<Bounds> {
        let raw = [f32_at(data, at)?, f32_at(data, at + 4)?];
        let setting = u16_at(data, at + 8)?;
        raw.iter()
            .all(|value| value.abs() < 10_000.0)
            .then_some(Bounds { raw, setting })
    }

    /// The upper bound.
    pub(super) fn high(&self) -> f32 {
        self.raw[0].max(self.raw[1])
    }

    /// The lower bound.
    pub(super) fn low(&self) -> f32 {
        self.raw[0].min(self.raw[1])
    }
}

/// One alarm of a telemetry block: where it lies and what its numbers are called.
pub(super) struct Alarm {
    /// Where its bounds start.
    pub(super) at: usize,
    /// Bounds are `f32` rather than `u16`.
    pub(super) float: bool,
    /// What is watched, then the names of the upper bound, the lower one and the setting.
    pub(super) names: [&'static str; 4],
    /// Unit of the bounds.
    pub(super) unit: &'static str,
}

impl Alarm {
    /// Its bounds in `data`, if those reach so far.
    pub(super) fn bounds(&self, data: &[u8]) -> Option<Bounds> {
        if self.float {
            Bounds::floats(data, self.at)
        } else {
            Bounds::integers(data, self.at)
        }
    }
}

macro_rules! alarm {
    ($at:literal, $float:literal, $name:literal, $unit:literal) => {
        Alarm {
            at: $at,
            float: $float,
            names: [
                $name,
                concat!($name, "-limit-high"),
                concat!($name, "-limit-low"),
                concat!($name, "-limit-setting"),
            ],
            unit: $unit,
        }
    };
}

static ECG_ALARMS: [Alarm; 6] = [
    alarm!(0x3a3, false, "heart-rate", "/min"),
    alarm!(0x3a9, false, "respiratory-rate", "/min"),
    alarm!(0x3af, true, "st1", "mV"),
    alarm!(0x3b9, true, "st2", "mV"),
    alarm!(0x3c3, true, "st3", "mV"),
    alarm!(0x3cd, false, "pvc", "/min"),
];
static SPO2_ALARMS: [Alarm; 2] = [
    alarm!(0x108, false, "spo2", "%"),
    alarm!(0x10e, false, "pulse-rate", "/min"),
];
static NIBP_ALARMS: [Alarm; 3] = [
    alarm!(0x11, false, "nibp-sys", "mmHg"),
    alarm!(0x17, false, "nibp-dia", "mmHg"),
    alarm!(0x1d, false, "nibp-map", "mmHg"),
];
static TEMPERATURE_ALARMS: [Alarm; 3] = [
    alarm!(0x10, true, "t1", "Cel"),
    alarm!(0x1a, true, "t2", "Cel"),
    alarm!(0x24, true, "td", "Cel"),
];

/// Octets that all alarm limits of one block take at most.
pub(super) const LIMITS_MAX: usize = 48;

/// The alarms that a telemetry block of `sub_type` carries.
pub(super) fn alarms(sub_type: u8) -> &'static [Alarm] {
    match sub_type {
        ECG => &ECG_ALARMS,
        SPO2 => &SPO2_ALARMS,
        NIBP => &NIBP_ALARMS,
        TEMPERATURE => &TEMPERATURE_ALARMS,
        _ => &[],
    }
}

/// A cuff pressure: when it was measured (monitor's local time), and the three numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CuffPressure {
    /// Time as sent: year LE, month, day, hour, minute, second.
    pub(super) time: [u8; 7],
    /// Systolic, diastolic and mean pressure in mmHg; `None` when zero or 0xFFFF.
    pub(super) pressures: [Option<u16>; 3],
}

impl CuffPressure {
    /// The measurement in a block's data; `None` when there was none yet (an impossible time, or
    /// no pressure at all).
    pub(super) fn read(data: &[u8]) -> Option<CuffPressure> {
        let time: [u8; 7] = data.get(4..11)?.try_into().ok()?;
        let pressures = [0x0b, 0x0d, 0x0f]
            .map(|at| u16_at(data, at).filter(|&value| value != 0 && value != u16::MAX));
        (is_date_and_time(&time) && pressures.iter().any(Option::is_some))
            .then_some(CuffPressure { time, pressures })
    }

    /// `2026-03-14 09:26:53`.
    pub(super) fn time_text(&self) -> String {
        let [low, high, month, day, hour, minute, second] = self.time;
        let year = u16::from_le_bytes([low, high]);
        format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
    }
}

/// A date in three decimal texts; `None` when the year is blank or zero. Blank months and days
/// are left out.
pub(super) fn date(data: &[u8], at: usize) -> Option<String> {
    let number = |from: usize, length: usize| -> Option<u16> {
        let field = data.get(from..from.checked_add(length)?)?;
        let text = field.split(|&b| b == 0).next()?;
        let text = std::str::from_utf8(text).ok()?.trim();
        text.parse().ok().filter(|&value| value != 0)
    };
    let year = number(at, 5)?;
    let (month, day) = (number(at + 5, 3), number(at + 8, 3));
    Some(match (month, day) {
        (Some(month), Some(day)) => format!("{year:04}-{month:02}-{day:02}"),
        (Some(month), None) => format!("{year:04}-{month:02}"),
        _ => format!("{year:04}"),
    })
}
