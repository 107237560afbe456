//! IEC 60870-5-104: telecontrol of power and building plant.
//!
//! Source: IEC 60870-5-104 section 5: frames of 68, a length, four control bytes. Frames that begin
//! and
//! end a transfer have no other bits; of others several must follow each other.

use crate::opening::Byte::{In, Is};
use crate::opening::{Byte, shape};
use crate::{Probe, Protocol, Record, Seen, sides};

static RECORD: Record = Record {
    name: "iec104",
    title: "IEC 60870-5-104 telecontrol",
    ports: &[2404],
    sources: &["IEC 60870-5-104"],
    ..Record::RECOGNISED
};

/// See [`RECORD`].
pub struct Iec104;

impl Protocol for Iec104 {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        sides::judge(seen, of)
    }
}

/// Bytes of frames that are looked at.
const LOOK: usize = 1024;
/// Frames one behind the other that nothing else looks like.
const SURE: u32 = 4;

fn of(bytes: &[u8]) -> Probe {
    const CONTROL: &[Byte] = &[
        Is(0x68),
        Is(4),
        In(&[0x07, 0x0b, 0x13, 0x23, 0x43, 0x83]),
        Is(0),
        Is(0),
        Is(0),
    ];
    let control = shape(bytes, CONTROL, Probe::Certain);
    if control == Probe::Certain {
        return control;
    }
    let mut rest = bytes.get(..LOOK).unwrap_or(bytes);
    let mut frames = 0;
    // So many are sure; what follows them cannot change that.
    while !rest.is_empty() && frames < SURE {
        match frame(rest) {
            Some(length) if rest.len() >= length => rest = rest.get(length..).unwrap_or_default(),
            Some(_) => break,
            None => return Probe::No,
        }
        frames += 1;
    }
    match frames {
        // A receipt alone has 33 fixed bits, most of them zero.
        1 if bytes.get(2) == Some(&1) => Probe::Likely,
        0 | 1 => Probe::Maybe,
        2..SURE => Probe::Likely,
        _ => Probe::Certain,
    }
}

/// The length of the frame that `bytes` begin with: a receipt (01), or a message of a known type.
fn frame(bytes: &[u8]) -> Option<usize> {
    let known = |at: usize, fits: fn(u8) -> bool| bytes.get(at).is_none_or(|byte| fits(*byte));
    let length = bytes.get(1).copied();
    let fits = match bytes.get(2) {
        Some(control) if control & 1 == 0 => {
            length.is_some_and(|length| (12..=253).contains(&length))
                && known(6, |kind| (1..=127).contains(&kind))
                && known(8, |cause| (1..=47).contains(&(cause & 0x3f)))
        }
        Some(1) => length == Some(4) && known(3, |byte| byte == 0) && known(4, |low| low & 1 == 0),
        Some(control) => {
            length == Some(4)
                && [0x07, 0x0b, 0x13, 0x23, 0x43, 0x83].contains(control)
                && known(3, |byte| byte == 0)
        }
        None => length.is_none_or(|length| (4..=253).contains(&length)),
    };
    (fits && bytes.first() == Some(&0x68)).then(|| 2 + usize::from(length.unwrap_or(4)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_that_follow_each_other() {
        assert_eq!(of(b"\x68\x04\x07\0\0\0"), Probe::Certain);
        let message = b"\x68\x0e\0\0\0\0\x64\x01\x06\0\x01\0\0\0\0\x14";
        assert_eq!(of(message), Probe::Maybe);
        assert_eq!(of(&message.repeat(2)), Probe::Likely);
        assert_eq!(of(&message.repeat(4)), Probe::Certain);
        let broken = [&message.repeat(4)[..], b"world"].concat();
        assert_eq!(of(&broken), Probe::Certain);
        assert_eq!(of(b"\x68\x0e\0\0\0\0\xff"), Probe::No);
        assert_eq!(of(b"world"), Probe::No);
        // No message is so long, however much of it was seen.
        assert_eq!(of(b"\x68\xfe"), Probe::No);
        assert_eq!(of(b"\x68\xfe\0\0\0\0\x64\x01\x06"), Probe::No);
    }
}
