//! Counts as they are read back: a kept file may be damaged, or come from somebody else.

use serde::{Deserialize, Deserializer, de::Error};

/// No pair of hosts makes more packets or bytes in the life of a state: 2^48 bytes are 256 TiB.
/// Sums over 65,536 such counts still hold, and JSON's readers hold each exactly.
const MOST: u64 = 1 << 48;

/// One count, or one for each side.
pub trait Counts {
    /// The largest of them.
    fn largest(&self) -> u64;
}

impl Counts for u64 {
    fn largest(&self) -> u64 {
        *self
    }
}

impl Counts for [u64; 2] {
    fn largest(&self) -> u64 {
        self[0].max(self[1])
    }
}

/// Reads counts that a network can have made; for `deserialize_with`.
///
/// # Errors
/// A larger count is an error of the format that is read.
pub fn plausible_count<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Counts + Deserialize<'de>,
{
    let counts = T::deserialize(deserializer)?;
    match counts.largest() {
        0..=MOST => Ok(counts),
        count => Err(D::Error::custom(format_args!(
            "it counts {count}, more than any network makes"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Kept {
        #[serde(deserialize_with = "plausible_count")]
        one: u64,
        #[serde(deserialize_with = "plausible_count")]
        sides: [u64; 2],
    }

    #[test]
    fn counts_that_no_network_makes_are_refused() {
        let read = |text: String| serde_json::from_str::<Kept>(&text);
        let most = Kept {
            one: MOST,
            sides: [0, MOST],
        };
        let text = format!(r#"{{"one": {MOST}, "sides": [0, {MOST}]}}"#);
        assert_eq!(read(text).unwrap(), most);
        let more = MOST + 1;
        for text in [
            format!(r#"{{"one": {more}, "sides": [0, 0]}}"#),
            format!(r#"{{"one": 0, "sides": [{more}, 0]}}"#),
            format!(r#"{{"one": 0, "sides": [0, {}]}}"#, u64::MAX),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains("more than any network makes"), "{error}");
        }
    }
}
