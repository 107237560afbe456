//! Lines of bounded width: wrapping, columns, colour of severities.
//!
//! Widths are those of Unicode (UAX 11), so that names in any script keep the columns straight.

use auscult_model::report::Severity;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::printable::printable;

const LEAST_WIDTH: usize = 60;

/// Columns of a label and the blanks before and after it.
pub(super) const LABEL: usize = 11;

/// Text under construction.
pub struct Page {
    text: String,
    width: usize,
    color: bool,
}

impl Page {
    /// An empty page of so many columns.
    pub fn new(width: usize, color: bool) -> Self {
        Page {
            text: String::new(),
            width: width.max(LEAST_WIDTH),
            color,
        }
    }

    /// Columns.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// The text, every line without blanks at its end.
    pub fn finish(self) -> String {
        self.text
    }

    /// An empty line, unless the page is empty.
    pub fn gap(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    /// A line as it is; the caller has seen to its width.
    pub fn line(&mut self, line: &str) {
        self.text.push_str(printable(line).trim_end());
        self.text.push('\n');
    }

    /// Wrapped text, every line indented.
    pub fn text(&mut self, indent: usize, text: &str) {
        self.hanging(&" ".repeat(indent), indent, text);
    }

    /// Wrapped text behind a beginning that stands on the first line only.
    pub fn hanging(&mut self, begin: &str, indent: usize, text: &str) {
        let room = self.width.saturating_sub(indent).max(1);
        let mut begin = pad(&printable(begin), indent);
        for line in wrap(text, room) {
            begin.push_str(&line);
            self.line(&begin);
            begin = " ".repeat(indent);
        }
    }

    /// `  Label    text`, wrapped.
    pub fn labelled(&mut self, label: &str, text: &str) {
        if !text.is_empty() {
            self.hanging(&format!("  {label}"), LABEL, text);
        }
    }

    /// A severity in capitals, a title that wraps, and on the first line an id at the right.
    pub(crate) fn title(&mut self, severity: Severity, title: &str, id: &str) {
        const SEVERITY: usize = 10;
        let id = printable(id);
        let room = self.width.saturating_sub(SEVERITY + 2 + id.width()).max(20);
        let word = pad(&severity.word().to_uppercase(), SEVERITY);
        for (index, line) in wrap(title, room).iter().enumerate() {
            if index == 0 {
                let line = format!("{}  {id}", pad(line, room));
                self.text.push_str(&self.painted(severity, &word));
                self.line(&line);
            } else {
                self.line(&format!("{}{line}", " ".repeat(SEVERITY)));
            }
        }
    }

    /// A word in the colour of a severity.
    pub(super) fn painted(&self, severity: Severity, word: &str) -> String {
        let code = match severity {
            Severity::Critical => "1;31",
            Severity::High => "31",
            Severity::Medium => "33",
            Severity::Low => "36",
            Severity::Info => "2",
        };
        if self.color {
            format!("\x1b[{code}m{word}\x1b[0m")
        } else {
            word.to_owned()
        }
    }

    /// A line that ends in a severity.
    pub(super) fn line_with(&mut self, line: &str, severity: Option<Severity>) {
        let Some(severity) = severity else {
            self.line(line);
            return;
        };
        self.text.push_str(&printable(line));
        let word = self.painted(severity, severity.word());
        self.text.push_str(&word);
        self.text.push('\n');
    }
}

/// The text with blanks up to a width; longer text is cut and ends in two dots.
pub(super) fn cell(text: &str, width: usize) -> String {
    let text = printable(text);
    if text.width() <= width {
        return pad(&text, width);
    }
    let mut kept = String::new();
    let mut used = 0;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used + 2 > width {
            break;
        }
        kept.push(c);
    }
    kept.push_str("..");
    pad(&kept, width)
}

/// The text with blanks up to a width.
pub(super) fn pad(text: &str, width: usize) -> String {
    let mut padded = text.to_owned();
    padded.extend(std::iter::repeat_n(' ', width.saturating_sub(text.width())));
    padded
}

/// Lines of at most `width` columns; a longer word is cut.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let text = printable(text);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in words(&text) {
        let mut rest = word;
        if used > 0 && used + 1 + word.width() > width {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        while rest.width() > width {
            let (head, tail) = cut(rest, width);
            if used > 0 {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            lines.push(head.to_owned());
            rest = tail;
        }
        if rest.is_empty() {
            continue;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        line.push_str(rest);
        used += rest.width();
    }
    if used > 0 || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// Words between blanks; a unit stays with its number.
fn words(text: &str) -> Vec<&str> {
    const UNITS: [&str; 14] = [
        "%", "B", "kB", "MB", "GB", "TB", "k", "M", "G", "s", "ms", "min", "h", "km",
    ];
    let mut words: Vec<&str> = Vec::new();
    let mut last = 0..0;
    for word in text.split_whitespace() {
        let at = word.as_ptr() as usize - text.as_ptr() as usize;
        let bare = word.trim_end_matches([',', ';', '.', ')', ':']);
        let glued = at == last.end + 1
            && UNITS.contains(&bare)
            && text
                .get(last.clone())
                .is_some_and(|w| w.ends_with(|c: char| c.is_ascii_digit()));
        if glued {
            words.pop();
            last.end = at + word.len();
        } else {
            last = at..at + word.len();
        }
        words.push(text.get(last.clone()).unwrap_or(word));
    }
    words
}

/// The longest beginning of at most `width` columns, at least one character, and the rest.
fn cut(text: &str, width: usize) -> (&str, &str) {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > width && at > 0 {
            return text.split_at(at);
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_at_words_and_cuts_what_is_longer() {
        assert_eq!(wrap("one two  three", 7), ["one two", "three"]);
        assert_eq!(wrap("a 123456789 b", 4), ["a", "1234", "5678", "9 b"]);
        assert_eq!(wrap("", 4), [""]);
        assert_eq!(wrap("監視監視 x", 4), ["監視", "監視", "x"]);
        assert_eq!(wrap("監", 1), ["監"]);
        assert_eq!(wrap("about 54 kB, 97 %", 9), ["about", "54 kB,", "97 %"]);
    }

    #[test]
    fn cells_have_their_width() {
        assert_eq!(cell("abc", 5), "abc  ");
        assert_eq!(cell("abcdef", 5), "abc..");
        assert_eq!(cell("監視監視", 5), "監.. ");
        assert_eq!(cell("a\x1bb", 3), "a?b");
    }
}
