//! A small deterministic random source: the same seed gives the same capture on every machine.
//!
//! xoshiro256** seeded by SplitMix64 (Blackman and Vigna, public domain reference code, restated).
//! Not for secrets. Streams are forked by label, so that a new part of a scene does not shift the
//! choices of the others.

/// A deterministic stream of numbers.
#[derive(Clone, Debug)]
pub struct Prng {
    state: [u64; 4],
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Prng {
    /// A stream for `seed`.
    pub fn new(seed: u64) -> Self {
        let mut mix = seed;
        Prng {
            state: std::array::from_fn(|_| split_mix(&mut mix)),
        }
    }

    /// An independent stream for one part of a scene; depends on the seed and the label only.
    pub fn fork(&self, label: &str) -> Prng {
        let mut hash = self.state[0] ^ 0xcbf2_9ce4_8422_2325;
        for byte in label.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Prng::new(hash)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        let [s0, s1, s2, s3] = &mut self.state;
        let result = s1.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let t = *s1 << 17;
        *s2 ^= *s0;
        *s3 ^= *s1;
        *s1 ^= *s2;
        *s0 ^= *s3;
        *s2 ^= t;
        *s3 = s3.rotate_left(45);
        result
    }

    /// A number below `n` (0 when `n` is 0). The bias of the remainder does not matter here.
    pub fn below(&mut self, n: u64) -> u64 {
        if n == 0 { 0 } else { self.next_u64() % n }
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low.saturating_add(self.below((high.saturating_sub(low)).max(0) as u64 + 1) as i64)
    }

    /// True in `percent` of the cases.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of the choices; the slice must not be empty.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len() as u64) as usize]
    }

    /// Puts the items in another order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i as u64 + 1) as usize);
        }
    }

    /// `n` arbitrary bytes.
    pub fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.next_u64() as u8).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_numbers_are_those_of_the_reference_code() {
        // SplitMix64 with seed 1234567 (published test vector of the reference implementation).
        let mut state = 1_234_567;
        assert_eq!(split_mix(&mut state), 6_457_827_717_110_365_317);
        assert_eq!(split_mix(&mut state), 3_203_168_211_198_807_973);
    }

    #[test]
    fn forks_do_not_depend_on_use() {
        let mut a = Prng::new(7);
        let before = a.fork("x").next_u64();
        assert_ne!(a.fork("x").next_u64(), a.fork("y").next_u64());
        a = Prng::new(7);
        assert_eq!(before, a.fork("x").next_u64());
    }

    #[test]
    fn between_keeps_its_ends() {
        let mut prng = Prng::new(1);
        let seen: std::collections::BTreeSet<i64> = (0..200).map(|_| prng.between(-1, 2)).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), vec![-1, 0, 1, 2]);
    }
}
