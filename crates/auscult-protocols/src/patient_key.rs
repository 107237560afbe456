//! The key of digests that tell patients apart without keeping who they are.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};

use siphasher::sip::SipHasher24;

/// A key for SipHash-2-4, a keyed hash made for short messages (Aumasson and Bernstein, 2012):
/// who has digests but not the key cannot try names.
#[derive(Clone, Copy)]
pub struct PatientKey([u8; 16]);

impl PatientKey {
    /// A key that was kept.
    pub fn from_bytes(key: [u8; 16]) -> Self {
        PatientKey(key)
    }

    /// A key of this process that nobody else has.
    pub fn random() -> Self {
        // The keys of std's hash maps come from the system's source of random numbers.
        let word = |n: u64| {
            let mut hasher = RandomState::new().build_hasher();
            hasher.write_u64(n);
            hasher.finish()
        };
        let key = u128::from(word(0)) << 64 | u128::from(word(1));
        PatientKey(key.to_be_bytes())
    }

    /// To be kept where nobody reads it.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    pub(crate) fn hasher(&self) -> SipHasher24 {
        SipHasher24::new_with_key(&self.0)
    }
}

/// Never shows the key.
impl fmt::Debug for PatientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PatientKey")
    }
}
