//! A 128-bit digest of a capture's packets, the same after recompression or a change of format.
//!
//! XXH3-128 of each packet's bytes (`twox-hash`), folded in order with time, lengths and link
//! type by two multiply-and-xor lanes (as in wyhash). It tells inputs apart and finds the same one
//! again; it is no cryptographic digest, and nothing may rest on nobody being able to forge it.

use twox_hash::XxHash3_128;

use crate::batch::PacketMeta;

/// The running digest.
#[derive(Clone, Copy, Debug)]
pub struct Fingerprint {
    low: u64,
    high: u64,
    packets: u64,
}

/// Odd constants with evenly spread bits, from XXH64.
const SPREAD: [u64; 4] = [
    0x9e37_79b1_85eb_ca87,
    0xc2b2_ae3d_27d4_eb4f,
    0x1656_67b1_9e37_79f9,
    0x85eb_ca77_c2b2_ae63,
];

impl Default for Fingerprint {
    fn default() -> Self {
        Fingerprint {
            low: SPREAD[0],
            high: SPREAD[1],
            packets: 0,
        }
    }
}

impl Fingerprint {
    /// Adds a packet, and says its own digest.
    #[inline]
    pub fn add(&mut self, meta: &PacketMeta, data: &[u8]) -> u64 {
        let hash = XxHash3_128::oneshot(data);
        let lengths = u64::from(meta.captured) << 32 | u64::from(meta.original);
        let time = meta.time.0 as u64;
        let link = u64::from(meta.link.0);
        let low = fold(self.low ^ hash as u64, time ^ SPREAD[2]);
        let high = fold(
            self.high ^ (hash >> 64) as u64,
            lengths ^ link.rotate_left(48) ^ SPREAD[3],
        );
        // Each lane goes on from its own state too, so that a product of zero forgets nothing.
        self.low = self
            .low
            .rotate_left(29)
            .wrapping_add(low ^ high.rotate_left(32));
        self.high = self
            .high
            .rotate_left(31)
            .wrapping_mul(SPREAD[0])
            .wrapping_add(high ^ low);
        self.packets += 1;
        fold(hash as u64 ^ SPREAD[0], time ^ SPREAD[1]) ^ fold((hash >> 64) as u64, lengths | 1)
    }

    /// The digest of the packets so far.
    pub fn digest(&self) -> [u8; 16] {
        let low = fold(self.low ^ self.packets, SPREAD[2] ^ self.high);
        let high = fold(
            self.high ^ self.packets,
            SPREAD[3] ^ self.low.rotate_left(32),
        );
        let mut digest = [0; 16];
        for (target, byte) in digest
            .iter_mut()
            .zip([low, high].into_iter().flat_map(u64::to_be_bytes))
        {
            *target = byte;
        }
        digest
    }
}

/// The two halves of a 128-bit product, xored.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}
