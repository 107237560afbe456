//! Tells TLS and DTLS by a hello or an alert at the start; joined in its middle, by two records
//! one behind the other.
//!
//! Fixed in a hello: kind of record, major version twice, kind of message, the upper byte of its
//! length (40 bits), besides minor versions and lengths that fit each other.

use crate::{Cursor, Probe, Seen, sides};

/// Longest content of a record (RFC 5246 section 6.2.3).
pub(super) const RECORD_MAX: u16 = (1 << 14) + 2048;

pub(super) fn stream(seen: &Seen<'_>) -> Probe {
    sides::judge(seen, |bytes| {
        let probe = hello(bytes).max(alert(bytes)).max(hello_of_ssl2(bytes));
        if seen.from_start || probe == Probe::Certain {
            probe
        } else {
            probe.max(records(bytes))
        }
    })
}

/// Checks bytes by their place; those that are not there yet fit.
fn fits(bytes: &[u8], tests: &[fn(u8) -> bool]) -> bool {
    bytes.iter().zip(tests).all(|(byte, test)| test(*byte))
}

fn answer(bytes: &[u8], fitting: bool, needed: usize, good: impl Fn() -> bool) -> Probe {
    match fitting {
        false => Probe::No,
        true if bytes.len() < needed => Probe::Maybe,
        true if good() => Probe::Certain,
        true => Probe::No,
    }
}

fn hello(bytes: &[u8]) -> Probe {
    let tests: [fn(u8) -> bool; 11] = [
        |b| b == 22,
        |b| b == 3,
        |b| b <= 4,
        |_| true,
        |_| true,
        |b| matches!(b, 1 | 2),
        |b| b == 0,
        |_| true,
        |_| true,
        |b| b == 3,
        |b| b <= 4,
    ];
    let number = |at: usize| Cursor::new(bytes.get(at..).unwrap_or_default()).be_u16();
    answer(bytes, fits(bytes, &tests), tests.len(), || {
        let (record, message) = (number(3), number(7));
        record.is_some_and(|length| (6..=RECORD_MAX).contains(&length))
            && message.is_some_and(|length| length >= 38)
    })
}

fn alert(bytes: &[u8]) -> Probe {
    let tests: [fn(u8) -> bool; 7] = [
        |b| b == 21,
        |b| b == 3,
        |b| b <= 4,
        |b| b == 0,
        |b| b == 2,
        |b| matches!(b, 1 | 2),
        |b| b <= 121,
    ];
    answer(bytes, fits(bytes, &tests), tests.len(), || true)
}

/// Length with its high bit, client hello, version, three lengths that make up the whole.
pub(super) fn hello_of_ssl2(bytes: &[u8]) -> Probe {
    let tests: [fn(u8) -> bool; 5] = [
        |b| b & 0xfc == 0x80,
        |_| true,
        |b| b == 1,
        |b| matches!(b, 0 | 3),
        |b| b <= 4,
    ];
    answer(bytes, fits(bytes, &tests), 11, || {
        let length = Cursor::new(bytes).be_u16().map(u32::from);
        let mut cursor = Cursor::new(bytes.get(5..).unwrap_or_default());
        let mut next = || cursor.be_u16().map(u32::from);
        let parts = [next(), next(), next()];
        match (length, parts) {
            (Some(length), [Some(ciphers), Some(session), Some(challenge)]) => {
                ciphers > 0
                    && ciphers % 3 == 0
                    && matches!(session, 0 | 16)
                    && (16..=32).contains(&challenge)
                    && (length & 0x7fff) == 9 + ciphers + session + challenge
            }
            _ => false,
        }
    })
}

/// Two records of one version, the first whole.
fn records(bytes: &[u8]) -> Probe {
    let tests: [fn(u8) -> bool; 3] = [
        |b| (20..=23).contains(&b),
        |b| b == 3,
        |b| (1..=3).contains(&b),
    ];
    if !fits(bytes, &tests) {
        return Probe::No;
    }
    let mut cursor = Cursor::new(bytes);
    let head = |cursor: &mut Cursor<'_>| Some((cursor.u8()?, cursor.be_u16()?, cursor.be_u16()?));
    let Some((_, version, length)) = head(&mut cursor) else {
        return Probe::Maybe;
    };
    if !(1..=RECORD_MAX).contains(&length) {
        return Probe::No;
    }
    let next = cursor.take(length.into()).and_then(|_| head(&mut cursor));
    match next {
        None => Probe::Likely,
        Some((kind, same, length))
            if (20..=23).contains(&kind) && same == version && length <= RECORD_MAX =>
        {
            Probe::Certain
        }
        Some(_) => Probe::No,
    }
}

/// A datagram of DTLS 1.0 or 1.2: its records fill it; sequence numbers begin small.
pub(super) fn datagram(bytes: &[u8]) -> Probe {
    let mut cursor = Cursor::new(bytes);
    let mut any = false;
    while cursor.left() > 0 {
        let Some((kind, version, epoch, length)) = super::dtls_record(&mut cursor) else {
            return Probe::No;
        };
        let small = epoch.0 < 8 && epoch.1 >> 32 == 0;
        let good = (20..=23).contains(&kind) && matches!(version, 0xfeff | 0xfefd) && small;
        if !good || cursor.take(length.into()).is_none() {
            return Probe::No;
        }
        any = true;
    }
    if any { Probe::Certain } else { Probe::No }
}
