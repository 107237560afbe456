//! Text that may have come from traffic, made safe to print.
//!
//! Control characters move cursors and rename windows; direction marks make one text look like
//! another (Unicode TR 36). Neither is needed to read a name.

use std::borrow::Cow;

/// Characters that act on the display instead of being shown.
pub(crate) fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// The text with a question mark for each character that acts.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().any(acts) {
        Cow::Owned(
            text.chars()
                .map(|c| if acts(c) { '?' } else { c })
                .collect(),
        )
    } else {
        Cow::Borrowed(text)
    }
}

/// Several lines, each safe to print.
pub fn printable_lines(text: &str) -> String {
    let lines: Vec<Cow<'_, str>> = text.lines().map(printable).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_acts_is_left() {
        assert_eq!(printable("bed\x1b[2J\u{9b}31m\r\n7"), "bed?[2J?31m??7");
        assert_eq!(printable("a\u{202e}b\u{200b}c"), "a?b?c");
        assert_eq!(printable("Müller 監視"), "Müller 監視");
    }
}
