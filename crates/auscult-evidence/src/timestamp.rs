//! Time stamps of RFC 3161, as far as it takes to say what they are of: the digest and the time in
//! them. Whether the authority's signature holds is for programs that know authorities.
//!
//! Limits: DER with definite lengths, nested at most [`DEPTH`] deep.

/// Nesting that is followed.
const DEPTH: u8 = 12;

const SEQUENCE: u8 = 0x30;
const OCTETS: u8 = 0x04;
const OBJECT: u8 = 0x06;
const GENERALIZED_TIME: u8 = 0x18;
/// id-ct-TSTInfo: 1.2.840.113549.1.9.16.1.4.
const TST_INFO: [u8; 11] = [
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04,
];
/// SHA-256: 2.16.840.1.101.3.4.2.1.
const SHA256: [u8; 9] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// The digest that was stamped, where it is one of SHA-256.
    pub(crate) sha256: Option<Vec<u8>>,
    /// The time, as the authority wrote it (`20261126134500Z`).
    pub(crate) time: String,
}

/// Reads a response or a bare token; `None` when there is no time stamp in it.
pub(crate) fn read(bytes: &[u8]) -> Option<Token> {
    let content = find(bytes, DEPTH)?;
    let (tag, info, _) = element(content)?;
    let (_, _, rest) = element(info).filter(|_| tag == SEQUENCE)?;
    // Version, policy, imprint, serial number, time.
    let (_, _, rest) = element(rest)?;
    let (_, imprint, rest) = element(rest)?;
    let (_, _, rest) = element(rest)?;
    let (tag, time, _) = element(rest)?;
    let (_, algorithm, digest) = element(imprint)?;
    let (_, name, _) = element(algorithm)?;
    let (_, digest, _) = element(digest)?;
    let is_time = tag == GENERALIZED_TIME && time.iter().all(u8::is_ascii_graphic);
    Some(Token {
        sha256: (name == SHA256).then(|| digest.to_vec()),
        time: String::from_utf8(time.to_vec()).ok().filter(|_| is_time)?,
    })
}

/// The octets behind the name of the kind of content.
fn find(mut bytes: &[u8], depth: u8) -> Option<&[u8]> {
    let depth = depth.checked_sub(1)?;
    while let Some((tag, value, rest)) = element(bytes) {
        if tag == OBJECT && value == TST_INFO {
            let (_, wrapped, _) = element(rest)?;
            let (tag, octets, _) = element(wrapped)?;
            return Some(octets).filter(|_| tag == OCTETS);
        }
        // Constructed: others lie in it.
        if tag & 0x20 != 0
            && let Some(found) = find(value, depth)
        {
            return Some(found);
        }
        bytes = rest;
    }
    None
}

/// The first element: tag, value, what is behind it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x0f))?;
            let length = digits
                .iter()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
            (length, rest)
        }
        _ => return None,
    };
    let (value, rest) = rest.split_at_checked(length)?;
    Some((tag, value, rest))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let body = parts.concat();
        let length = match u8::try_from(body.len()) {
            Ok(short @ 0..0x80) => vec![short],
            _ => vec![0x82, (body.len() >> 8) as u8, body.len() as u8],
        };
        [vec![tag], length, body].concat()
    }

    /// A token without a signature, over a digest.
    pub(crate) fn token(digest: &[u8]) -> Vec<u8> {
        let algorithm = der(SEQUENCE, &[&der(OBJECT, &[&SHA256]), &[5, 0]]);
        let imprint = der(SEQUENCE, &[&algorithm, &der(OCTETS, &[digest])]);
        let info = der(
            SEQUENCE,
            &[
                &der(2, &[&[1]]),
                &der(OBJECT, &[&[0x2a, 3]]),
                &imprint,
                &der(2, &[&[7]]),
                &der(GENERALIZED_TIME, &[b"20261126134500Z"]),
            ],
        );
        let content = der(
            SEQUENCE,
            &[
                &der(OBJECT, &[&TST_INFO]),
                &der(0xa0, &[&der(OCTETS, &[&info])]),
            ],
        );
        let signed = der(SEQUENCE, &[&der(2, &[&[3]]), &der(0x31, &[]), &content]);
        let kind = der(
            OBJECT,
            &[&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02]],
        );
        let token = der(SEQUENCE, &[&kind, &der(0xa0, &[&signed])]);
        let status = der(SEQUENCE, &[&der(2, &[&[0]])]);
        der(SEQUENCE, &[&status, &token])
    }

    #[test]
    fn digest_and_time_are_read() {
        let read = read(&token(&[9; 32])).expect("a token");
        assert_eq!(read.sha256, Some(vec![9; 32]));
        assert_eq!(read.time, "20261126134500Z");
    }

    #[test]
    fn every_beginning_is_refused() {
        let token = token(&[9; 32]);
        for end in 0..token.len() {
            assert_eq!(read(&token[..end]), None, "{end}");
        }
        let deep = (0..200).fold(vec![5, 0], |inner, _| der(SEQUENCE, &[&inner]));
        assert_eq!(read(&deep), None);
    }
}
