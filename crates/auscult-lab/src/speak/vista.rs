//! Two siblings of the CMS8000 stream: the clear format on TCP 9500 with its beacon on UDP 9610,
//! and the obfuscated format on TCP 9600 (Dräger Vista 120 and Vista 120 S).
//!
//! Sources: frames pasted in the public gateways of `ksupasak/gxt` (2018 to 2020), restated. The
//! meaning of most types is inferred; places not explained are zero. Nothing of the key exchange
//! is real: key and ciphertext are random bytes of the right shape.

use std::net::Ipv4Addr;

use auscult_model::Timestamp;

use super::waves::Cycle;
use crate::prng::Prng;

const NONE: f32 = -1000.0;

/// A clear frame: length of what follows, unit, class, type, body.
pub fn frame(unit: u8, class: u8, kind: u16, body: &[u8]) -> Vec<u8> {
    let mut out = ((4 + body.len()) as u16).to_le_bytes().to_vec();
    out.extend_from_slice(&[unit, class]);
    out.extend_from_slice(&kind.to_le_bytes());
    out.extend_from_slice(body);
    out
}

fn words(out: &mut Vec<u8>, values: &[u16]) {
    for value in values {
        out.extend_from_slice(&value.to_le_bytes());
    }
}

/// The blood pressure frame: mean, systolic, diastolic.
pub fn pressure(unit: u8, mean: u16, systolic: u16, diastolic: u16) -> Vec<u8> {
    let mut body = Vec::new();
    words(
        &mut body,
        &[mean, systolic, diastolic, 110, 60, 2, 160, 90, 2, 90, 50, 2],
    );
    frame(unit, 0x12, 0x0c, &body)
}

/// The frames of one cycle.
pub fn cycle(unit: u8, waves: &Cycle, heart: u16, breath: u16, saturation: u16) -> Vec<u8> {
    let mut ecg = waves.ecg[0].to_vec();
    ecg.extend_from_slice(&waves.ecg[1]);
    ecg.extend_from_slice(&waves.resp);
    words(&mut ecg, &[heart, breath]);
    ecg.extend_from_slice(&NONE.to_le_bytes());
    ecg.extend_from_slice(&NONE.to_le_bytes());
    words(&mut ecg, &[1, 2, 120, 50, 2, 30, 8, 2]);
    words(
        &mut ecg,
        &[
            2000,
            0_u16.wrapping_sub(2000),
            2,
            2000,
            0_u16.wrapping_sub(2000),
            2,
        ],
    );
    let mut st = vec![0xff, 0xff, 0, 0];
    for _ in 0..12 {
        for value in [NONE, 0.2, -0.2] {
            st.extend_from_slice(&value.to_le_bytes());
        }
        words(&mut st, &[2]);
    }
    let mut third = vec![0; 24];
    third.extend_from_slice(&waves.ecg[2]);
    let mut pleth = waves.pleth.to_vec();
    words(&mut pleth, &[saturation, heart, 100, 90, 2, 120, 50, 2]);
    let mut temperature = Vec::new();
    for value in [36.0_f32, 37.0, 1.0] {
        temperature.extend_from_slice(&value.to_le_bytes());
    }
    words(&mut temperature, &[390, 360, 2, 390, 360, 2, 20, 0, 2]);
    [
        frame(unit, 0x12, 0x0a, &ecg),
        frame(unit, 0x12, 0x2b, &st),
        frame(unit, 0x12, 0x1f, &third),
        pressure(unit, 86, 117, 70),
        frame(unit, 0x12, 0x0d, &pleth),
        frame(unit, 0x12, 0x0e, &temperature),
    ]
    .concat()
}

/// The central's greeting after a connection.
pub const GREETING: [u8; 16] = [
    0x10, 0, 2, 0, 0, 0, 0xd5, 0xa9, 0xd9, 0x07, 8, 14, 17, 59, 38, 5,
];

/// Day of the week, 0 is Sunday.
fn weekday(at: Timestamp) -> u8 {
    (at.0.div_euclid(86_400 * Timestamp::SECOND) + 4).rem_euclid(7) as u8
}

/// The central's beacon on UDP 9610.
pub fn beacon(at: Timestamp, site: &str, port: u16, central: Ipv4Addr) -> Vec<u8> {
    let (year, month, day, hour, minute, second, _) = at.civil();
    let mut out = vec![0x7e, 0, 0x30, 2, 0, 0, 0x6a, 0xf9];
    out.extend_from_slice(&(year as u16).to_le_bytes());
    out.extend_from_slice(&[
        month as u8,
        day as u8,
        hour as u8,
        minute as u8,
        second as u8,
    ]);
    out.push(weekday(at));
    out.extend_from_slice(b"CMS\0\0\0\0\0");
    out.extend(site.bytes().chain(std::iter::repeat(0)).take(16));
    out.extend_from_slice(&[8, 0, 0, 0, 15, 0, 0, 0, 0, 0, 0, 0]);
    out.resize(88, 0);
    out.extend_from_slice(&port.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&central.octets());
    out.extend_from_slice(&central.octets());
    out.resize(126, 0);
    out
}

/// An obfuscated frame: counter, length and payload under XOR A5, the sum of all bytes is zero.
/// `plain` is the length told; ciphertext may be longer.
pub fn masked(kind: u8, counter: u32, plain: u16, payload: &[u8]) -> Vec<u8> {
    let total = (12 + payload.len()) as u16;
    let mut out = vec![0xf8, 0x8f, kind];
    out.extend_from_slice(&total.to_le_bytes());
    let inner = [
        &counter.to_le_bytes()[..],
        &plain.to_le_bytes()[..],
        payload,
    ]
    .concat();
    out.extend(inner.iter().map(|b| b ^ 0xa5));
    let sum = out.iter().fold(0_u8, |a, b| a.wrapping_add(*b));
    out.push(0_u8.wrapping_sub(sum));
    out
}

/// The opening of the obfuscated format: monitor's hello, central's answer, the central's key,
/// what the monitor answers. Alternating, beginning with the monitor; the third and the second
/// come from the central.
pub fn masked_opening(prng: &mut Prng) -> [Vec<u8>; 4] {
    let mut key = vec![0x30, 0x81, 0x89, 0x02, 0x81, 0x81, 0x00];
    key.extend(prng.bytes(128));
    key.extend_from_slice(&[0x02, 0x03, 0x01, 0x00, 0x01]);
    let cipher = prng.bytes(128);
    [
        masked(1, 1, 1, &[4]),
        masked(2, 1, 1, &[4]),
        masked(3, 2, key.len() as u16, &key),
        masked(4, 2, 128, &cipher),
    ]
}

/// A later frame: ciphertext padded to sixteen.
pub fn masked_data(prng: &mut Prng, counter: u32, plain: u16) -> Vec<u8> {
    let padded = (usize::from(plain) / 16 + 1) * 16;
    let cipher = prng.bytes(padded);
    masked(5, counter, plain, &cipher)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pressure_is_the_frame_seen() {
        let want = [
            0x1c, 0, 0x01, 0x12, 0x0c, 0, 0x56, 0, 0x75, 0, 0x46, 0, 0x6e, 0, 0x3c, 0, 2, 0, 0xa0,
            0, 0x5a, 0, 2, 0, 0x5a, 0, 0x32, 0, 2, 0,
        ];
        assert_eq!(pressure(1, 86, 117, 70), want);
    }

    #[test]
    fn lengths_are_those_seen() {
        let all = cycle(1, &Cycle::detached(), 80, 15, 97);
        let mut lengths = Vec::new();
        let mut at = 0;
        while at < all.len() {
            let length = usize::from(u16::from_le_bytes([all[at], all[at + 1]]));
            lengths.push((u16::from_le_bytes([all[at + 4], all[at + 5]]), length));
            at += length + 2;
        }
        let want = [
            (0x0a, 684),
            (0x2b, 176),
            (0x1f, 284),
            (0x0c, 28),
            (0x0d, 276),
            (0x0e, 34),
        ];
        assert_eq!(lengths, want);
    }

    #[test]
    fn hellos_are_those_seen() {
        let [hello, answer, key, reply] = masked_opening(&mut Prng::new(1));
        let seen = [
            0xf8, 0x8f, 1, 0x0d, 0, 0xa4, 0xa5, 0xa5, 0xa5, 0xa4, 0xa5, 0xa1, 0xee,
        ];
        assert_eq!(hello, seen);
        assert_eq!((answer[2], answer[12]), (2, 0xed));
        assert_eq!((key.len(), reply.len()), (152, 140));
    }

    #[test]
    fn beacon_knows_the_day_of_the_week() {
        // 2018-04-07 was a Saturday.
        let day = Timestamp::from_parts(1_523_059_200, 0);
        let beacon = beacon(day, "HOSPITAL", 9500, Ipv4Addr::new(192, 168, 100, 11));
        assert_eq!(beacon.len(), 126);
        assert_eq!((beacon[15], &beacon[88..90]), (6, &[0x1c, 0x25][..]));
        assert_eq!(beacon[94..98], [192, 168, 100, 11]);
    }
}
