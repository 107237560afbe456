//! A hash tree over a list (RFC 6962 §2.1): one digest stands for all, a short path proves one.

use sha2::{Digest, Sha256};

/// A SHA-256 digest.
pub type Hash = [u8; 32];

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// The hash of an entry.
pub fn leaf(entry: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0]);
    hasher.update(entry);
    hasher.finalize().into()
}

fn node(left: &Hash, right: &Hash) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([1]);
    hasher.update(left);
    hasher.update(right);
    hasher.finalize().into()
}

/// The root over hashes of entries. Joining neighbours level by level, and passing a last one
/// without neighbour up as it is, gives the same tree as the RFC's split at powers of two.
pub fn root(leaves: &[Hash]) -> Hash {
    let mut level = leaves.to_vec();
    if level.is_empty() {
        return sha256(&[]);
    }
    while level.len() > 1 {
        let pairs = level.chunks(2);
        level = pairs
            .map(|pair| match pair {
                [left, right] => node(left, right),
                [alone, ..] => *alone,
                [] => [0; 32],
            })
            .collect();
    }
    level.first().copied().unwrap_or_default()
}

/// From hexadecimal digits.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|it| u8::try_from(it).ok())
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?));
    bytes
        .collect::<Option<Vec<u8>>>()
        .filter(|_| rest.is_empty())
}

#[cfg(test)]
mod tests {
    use auscult_model::hex;

    use super::*;

    /// The definition as the RFC words it.
    fn defined(entries: &[Vec<u8>]) -> Hash {
        match entries {
            [] => sha256(&[]),
            [one] => leaf(one),
            several => {
                let split = several.len().next_power_of_two() / 2;
                node(&defined(&several[..split]), &defined(&several[split..]))
            }
        }
    }

    #[test]
    fn the_tree_is_that_of_the_rfc() {
        for count in 0..40_u8 {
            let entries: Vec<Vec<u8>> = (0..count).map(|byte| vec![byte; 3]).collect();
            let leaves: Vec<Hash> = entries.iter().map(|entry| leaf(entry)).collect();
            assert_eq!(root(&leaves), defined(&entries), "{count}");
        }
    }

    #[test]
    fn known_roots() {
        // Test vectors of Certificate Transparency's reference tree.
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(hex(&root(&[])), empty);
        let one = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
        assert_eq!(hex(&root(&[leaf(b"")])), one);
        let two = "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125";
        assert_eq!(hex(&root(&[leaf(b""), leaf(&[0])])), two);
    }

    #[test]
    fn hexadecimal() {
        assert_eq!(from_hex("00ff1a"), Some(vec![0, 255, 26]));
        assert_eq!((from_hex("0"), from_hex("zz")), (None, None));
    }
}
