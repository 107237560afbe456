//! The Basic Encoding Rules (ITU-T X.690): tag, length, value.
//!
//! Limits: tags of one byte, lengths up to 65,535.

/// One element.
pub(super) fn tlv(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match body.len() {
        short @ 0..=127 => out.push(short as u8),
        one @ 128..=255 => out.extend_from_slice(&[0x81, one as u8]),
        two => {
            out.push(0x82);
            out.extend_from_slice(&(two as u16).to_be_bytes());
        }
    }
    out.extend_from_slice(body);
    out
}
