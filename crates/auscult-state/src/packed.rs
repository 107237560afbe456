//! Bytes in less room: LZ4 blocks (lz4_flex) behind their length. What is packed is long, repeats
//! itself, and is read whole or not at all.

/// LZ4 makes no byte into more than so many: a length beyond is a lie.
const LARGEST_RATIO: usize = 255;

/// Packs bytes.
pub(crate) fn pack(bytes: &[u8]) -> Vec<u8> {
    lz4_flex::compress_prepend_size(bytes)
}

/// Bytes from [`pack`]; `None` when they are no such.
pub(crate) fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    let (length, block) = packed.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    if length > block.len().saturating_mul(LARGEST_RATIO) {
        return None;
    }
    lz4_flex::decompress(block, length).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_and_lies_do_not() {
        for bytes in [vec![], vec![7; 100_000], (0..=255).collect::<Vec<u8>>()] {
            let packed = pack(&bytes);
            assert_eq!(unpack(&packed).as_ref(), Some(&bytes));
            assert!(packed.len() < bytes.len() + 32);
        }
        assert_eq!(unpack(&[0xff; 3]), None);
        assert_eq!(unpack(&[0xff; 64]), None);
        let mut packed = pack(&[7; 1000]);
        packed.truncate(8);
        assert_eq!(unpack(&packed), None);
    }
}
