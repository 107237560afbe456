//! The Internet checksum (RFC 1071): sums of 16-bit words in ones' complement.

/// The sum in sixteen bits, carries added at the low end.
pub fn fold(mut sum: u64) -> u64 {
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum
}

/// Sum of the big-endian 16-bit words, of which only the folded value counts; a last odd byte is
/// padded with zero. Eight bytes at a time: the sum does not care how wide the words are that
/// are added, nor in which order of bytes (RFC 1071 §2).
pub fn words(bytes: &[u8]) -> u64 {
    let (wide, rest) = bytes.as_chunks::<8>();
    let (mut low, mut high) = (0_u64, 0_u64);
    for word in wide {
        let word = u64::from_be_bytes(*word);
        low += word & 0xffff_ffff;
        high += word >> 32;
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let last = u64::from_be_bytes(last);
    fold(low + high + (last >> 32) + (last & 0xffff_ffff))
}
