//! Network time, version 4 (RFC 5905).

use auscult_model::Timestamp;

/// Seconds from 1900 to 1970.
const ERA: i64 = 2_208_988_800;

fn stamp(at: Timestamp) -> [u8; 8] {
    let nanoseconds = at.0.rem_euclid(Timestamp::SECOND);
    let seconds = at.0.div_euclid(Timestamp::SECOND) + ERA;
    let fraction = ((nanoseconds as u64) << 32) / Timestamp::SECOND as u64;
    (((seconds as u64) << 32) | fraction).to_be_bytes()
}

/// A client asks.
pub fn question(at: Timestamp) -> Vec<u8> {
    let mut out = vec![0x23, 0, 6, 0xec];
    out.resize(40, 0);
    out.extend_from_slice(&stamp(at));
    out
}

/// A server of this stratum answers; `reference` is whom it follows.
pub fn answer(asked: Timestamp, at: Timestamp, stratum: u8, reference: [u8; 4]) -> Vec<u8> {
    let mut out = vec![0x24, stratum, 6, 0xe9];
    out.extend_from_slice(&[0, 0, 0x04, 0x10, 0, 0, 0x02, 0x20]);
    out.extend_from_slice(&reference);
    for time in [at.plus(-37 * Timestamp::SECOND), asked, at, at] {
        out.extend_from_slice(&stamp(time));
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn messages_have_their_size_and_the_epoch_its_number() {
        let at = auscult_model::Timestamp::from_parts(0, 500_000_000);
        assert_eq!(super::stamp(at), [0x83, 0xaa, 0x7e, 0x80, 0x80, 0, 0, 0]);
        assert_eq!(super::question(at).len(), 48);
        assert_eq!(super::answer(at, at, 2, [1, 2, 3, 4]).len(), 48);
    }
}
