//! Base64 (RFC 4648 §4), as far as names are read from it: what follows a name is not decoded.

/// Decodes up to the `nth` byte `stop`, which is not returned, so that what follows it is never
/// decoded further than the group of three bytes that holds it. Both alphabets count.
pub(crate) fn decode_until(digits: &[u8], stop: u8, nth: u32) -> Vec<u8> {
    let mut decoded = Vec::new();
    let (mut bits, mut count, mut met) = (0u32, 0, 0);
    for &digit in digits {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => break,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            let byte = (bits >> count) as u8;
            bits &= (1 << count) - 1;
            met += u32::from(byte == stop);
            if met == nth {
                break;
            }
            decoded.push(byte);
        }
    }
    decoded
}

/// The account of a SASL PLAIN message (RFC 4616): what stands between its first two NULs.
pub(crate) fn plain_account(digits: &[u8]) -> Vec<u8> {
    let names = decode_until(digits, 0, 2);
    let start = names.iter().position(|&b| b == 0).map_or(0, |at| at + 1);
    names.get(start..).unwrap_or_default().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_names_only() {
        // RFC 7617 §2: Aladdin with "open sesame".
        let digits = b"QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
        assert_eq!(decode_until(digits, b':', 1), b"Aladdin");
        // RFC 4616 §4: tim with "tanstaaftanstaaf".
        assert_eq!(plain_account(b"AHRpbQB0YW5zdGFhZnRhbnN0YWFm"), b"tim");
    }
}
