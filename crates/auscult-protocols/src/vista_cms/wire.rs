//! Layouts of the Vista 120 frames. Offsets of telemetry count from the start of the body, that is
//! after `L u16 LE | source | class | T u16 LE`. Nothing is read beyond the bytes given.

use std::net::Ipv4Addr;
use std::ops::Range;

use crate::Cursor;

/// Octets before a telemetry frame's body.
pub(super) const HEADER: usize = 6;
/// Class of telemetry; the other classes' meaning is not known.
pub(super) const TELEMETRY: u8 = 0x12;
/// Longest `L` that the framing accepts.
const LENGTH_MAX: u16 = 4096;

/// ECG, respiration and their rates.
pub(super) const ECG: u16 = 0x0a;
/// Cuff pressure.
pub(super) const NIBP: u16 = 0x0c;
/// Pleth, saturation, pulse rate.
pub(super) const SPO2: u16 = 0x0d;
/// Temperatures.
pub(super) const TEMPERATURE: u16 = 0x0e;

/// Types of telemetry with their exact `L`: 0x1F and 0x20 are further waves, 0x2B is ST of 12
/// leads.
const KNOWN: [(u16, u16); 7] = [
    (ECG, 684),
    (NIBP, 28),
    (SPO2, 276),
    (TEMPERATURE, 34),
    (0x1f, 284),
    (0x20, 316),
    (0x2b, 176),
];

/// Header of a frame from a monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    length: u16,
    /// Constant for a device; 01 and 35 were seen.
    source: u8,
    class: u8,
    kind: u16,
}

impl Header {
    /// The first octets of `bytes`.
    pub(super) fn read(bytes: &[u8]) -> Option<Header> {
        let mut cursor = Cursor::new(bytes);
        Some(Header {
            length: cursor.le_u16()?,
            source: cursor.u8()?,
            class: cursor.u8()?,
            kind: cursor.le_u16()?,
        })
    }

    /// Octets of the whole frame.
    pub(super) fn total(self) -> usize {
        usize::from(self.length) + 2
    }

    /// Whether it can be a frame at all.
    pub(super) fn is_frame(self) -> bool {
        (4..=LENGTH_MAX).contains(&self.length)
            && matches!(self.source, 0x01 | 0x35)
            && matches!(self.class, TELEMETRY | 0x1f | 0x21)
            && self.kind < 0x100
    }

    /// The type, when it is telemetry of a known layout.
    pub(super) fn telemetry(self) -> Option<u16> {
        (self.is_frame() && self.class == TELEMETRY && KNOWN.contains(&(self.kind, self.length)))
            .then_some(self.kind)
    }
}

/// First octets of the central's greeting: its length, type 2.
pub(super) const GREETING: [u8; 6] = [0x10, 0, 0x02, 0, 0, 0];
/// Octets of the greeting.
pub(super) const GREETING_SIZE: usize = 16;
/// First octets of the beacon: its length, type 0x230.
pub(super) const BEACON: [u8; 6] = [0x7e, 0, 0x30, 0x02, 0, 0];
/// Octets of the beacon.
pub(super) const BEACON_SIZE: usize = 126;
/// Where the beacon has the site's name.
pub(super) const SITE: Range<usize> = 24..40;
/// Where greeting and beacon have the central's clock.
const CLOCK: Range<usize> = 8..16;

/// Port and address of the central that a beacon names.
pub(super) fn central(beacon: &[u8]) -> Option<(u16, Ipv4Addr)> {
    let port = Cursor::new(beacon.get(88..)?).le_u16()?;
    let address: [u8; 4] = beacon.get(94..98)?.try_into().ok()?;
    Some((port, address.into()))
}

/// What a clock says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    /// Not a date and time.
    Impossible,
    /// A date whose weekday is another one.
    WrongWeekday,
    /// A date with its weekday.
    Consistent,
}

/// Judges the clock of a greeting or beacon: year u16 LE, month, day, hour, minute, second,
/// weekday (0 = Sunday).
pub(super) fn clock(message: &[u8]) -> Clock {
    let Some(&[low, high, month, day, hour, minute, second, weekday]) = message.get(CLOCK) else {
        return Clock::Impossible;
    };
    let year = u16::from_le_bytes([low, high]);
    let possible = (1990..2100).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60
        && weekday < 7;
    if !possible {
        Clock::Impossible
    } else if weekday_of(year, month, day) == weekday {
        Clock::Consistent
    } else {
        Clock::WrongWeekday
    }
}

/// Day of the week in the Gregorian calendar, 0 = Sunday (Sakamoto's method).
fn weekday_of(year: u16, month: u8, day: u8) -> u8 {
    const OFFSETS: [u32; 12] = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
    let year = u32::from(year) - u32::from(month < 3);
    let offset = OFFSETS.get(usize::from(month) - 1).copied().unwrap_or(0);
    let days = year + year / 4 - year / 100 + year / 400 + offset + u32::from(day);
    (days % 7) as u8
}

/// First octets of a frame of the masked generation.
pub(super) const MASKED: [u8; 2] = [0xf8, 0x8f];
/// What its counters and payload are masked with.
const MASK: u8 = 0xa5;
/// Octets around the payload: mark, type, total, counter, plain length, checksum.
const MASKED_OVERHEAD: u16 = 12;
/// Longest frame that is waited for.
const MASKED_MAX: u16 = 8192;

/// Header of a frame of the masked generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Masked {
    /// 1 monitor's hello, 2 its answer, 3 the central's key; further ones encrypted.
    pub(super) kind: u8,
    /// Octets of the whole frame.
    pub(super) total: u16,
    counter: u32,
    plain: u16,
}

impl Masked {
    /// Octets of the header.
    pub(super) const HEADER: usize = 11;

    /// The header at the start of `bytes`, if it holds together.
    pub(super) fn read(bytes: &[u8]) -> Option<Masked> {
        let mut cursor = Cursor::new(bytes);
        if cursor.take(2)? != MASKED {
            return None;
        }
        let masks = u32::from_le_bytes([MASK; 4]);
        let header = Masked {
            kind: cursor.u8()?,
            total: cursor.le_u16()?,
            counter: cursor.le_u32()? ^ masks,
            plain: cursor.le_u16()? ^ u16::from_le_bytes([MASK; 2]),
        };
        let carried = header.total.checked_sub(MASKED_OVERHEAD)?;
        // Padding of a block cipher adds at most a block of 16; the monitor's part of the key
        // exchange is larger than its plain length tells.
        let fits = (1..=6).contains(&header.kind)
            && header.total <= MASKED_MAX
            && header.plain <= carried
            && header.counter < 1 << 24;
        fits.then_some(header)
    }

    /// The first frame of either side: one octet, counted 1.
    pub(super) fn is_hello(self) -> bool {
        matches!(self.kind, 1 | 2) && self.total == 13 && self.counter == 1 && self.plain == 1
    }
}

/// Whether the octets of a whole masked frame add up to a multiple of 256.
pub(super) fn adds_up(frame: &[u8]) -> bool {
    frame
        .iter()
        .fold(0_u8, |sum, &octet| sum.wrapping_add(octet))
        == 0
}

/// A `u16` that holds a measurement; zero and 0xFFFF stand for none.
pub(super) fn measured(body: &[u8], at: usize) -> Option<f64> {
    let value = Cursor::new(body.get(at..)?).le_u16()?;
    (value != 0 && value != u16::MAX).then_some(f64::from(value))
}

/// A temperature; −1000 and what no patient has stand for none.
pub(super) fn temperature(body: &[u8], at: usize) -> Option<f64> {
    let value = Cursor::new(body.get(at..)?).le_f32()?;
    (0.0 < value && value < 50.0).then_some(f64::from(value))
}

/// One alarm: where its three `u16` (upper bound, lower bound, level) lie, what is watched.
pub(super) struct Alarm {
    at: usize,
    /// What the bounds are divided by.
    scale: f64,
    /// What is watched, then the names of upper and lower bound.
    pub(super) names: [&'static str; 3],
    /// Unit of the bounds.
    pub(super) unit: &'static str,
}

impl Alarm {
    /// Upper bound, lower bound, level.
    pub(super) fn bounds(&self, body: &[u8]) -> Option<(f64, f64, u16)> {
        let mut cursor = Cursor::new(body.get(self.at..)?);
        let mut bound = || Some(f64::from(cursor.le_u16()?) / self.scale);
        Some((bound()?, bound()?, cursor.le_u16()?))
    }
}

macro_rules! alarm {
    ($at:literal, $scale:literal, $name:literal, $unit:literal) => {
        Alarm {
            at: $at,
            scale: $scale,
            names: [
                $name,
                concat!($name, "-limit-high"),
                concat!($name, "-limit-low"),
            ],
            unit: $unit,
        }
    };
}

static ECG_ALARMS: [Alarm; 2] = [
    alarm!(656, 1.0, "heart-rate", "/min"),
    alarm!(662, 1.0, "respiratory-rate", "/min"),
];
static NIBP_ALARMS: [Alarm; 3] = [
    alarm!(6, 1.0, "nibp-map", "mmHg"),
    alarm!(12, 1.0, "nibp-sys", "mmHg"),
    alarm!(18, 1.0, "nibp-dia", "mmHg"),
];
static SPO2_ALARMS: [Alarm; 2] = [
    alarm!(260, 1.0, "spo2", "%"),
    alarm!(266, 1.0, "pulse-rate", "/min"),
];
static TEMPERATURE_ALARMS: [Alarm; 3] = [
    alarm!(12, 10.0, "t1", "Cel"),
    alarm!(18, 10.0, "t2", "Cel"),
    alarm!(24, 10.0, "td", "Cel"),
];

/// The alarms that telemetry of type `kind` carries.
pub(super) fn alarms(kind: u16) -> &'static [Alarm] {
    match kind {
        ECG => &ECG_ALARMS,
        NIBP => &NIBP_ALARMS,
        SPO2 => &SPO2_ALARMS,
        TEMPERATURE => &TEMPERATURE_ALARMS,
        _ => &[],
    }
}
