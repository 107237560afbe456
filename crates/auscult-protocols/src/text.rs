//! Text from the wire, made safe to show: no control characters, bounded, honest about charsets.

use encoding_rs::{Encoding, GB18030, UTF_8, WINDOWS_1252};

/// Longest text that is taken from traffic, in characters.
pub const TEXT_MAX: usize = 256;

/// Decodes bytes of unknown charset: UTF-8 if valid, else GB18030 if valid, else Windows-1252.
/// Ends at the first NUL, trims spaces, replaces control characters, cuts at [`TEXT_MAX`].
pub fn lenient(bytes: &[u8]) -> String {
    let bytes = bytes.split(|&b| b == 0).next().unwrap_or_default();
    for encoding in [UTF_8, GB18030] {
        if let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(bytes) {
            return clean(&text);
        }
    }
    clean(&WINDOWS_1252.decode_without_bom_handling(bytes).0)
}

/// Decodes bytes of a declared charset, falling back to [`lenient`] when they do not fit it.
pub fn declared(bytes: &[u8], encoding: &'static Encoding) -> String {
    match encoding.decode_without_bom_handling_and_without_replacement(bytes) {
        Some(text) => clean(&text),
        None => lenient(bytes),
    }
}

/// Replaces control and bidirectional-override characters, trims, cuts at [`TEXT_MAX`].
pub fn clean(text: &str) -> String {
    text.trim()
        .chars()
        .take(TEXT_MAX)
        .map(|c| if is_unsafe_to_show(c) { '\u{fffd}' } else { c })
        .collect()
}

/// Characters that could drive a terminal or turn text around on a screen.
pub fn is_unsafe_to_show(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether every byte is printable ASCII.
pub fn is_printable_ascii(bytes: &[u8]) -> bool {
    bytes.iter().all(|b| (0x20..0x7f).contains(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_and_cleans() {
        assert_eq!(lenient(b"ICU\0\0\0"), "ICU");
        assert_eq!(lenient("Müller".as_bytes()), "Müller");
        assert_eq!(lenient(&[0xd6, 0xd0, 0xce, 0xc4]), "中文");
        assert_eq!(lenient(b"a\x1b[31mb"), "a\u{fffd}[31mb");
    }
}
