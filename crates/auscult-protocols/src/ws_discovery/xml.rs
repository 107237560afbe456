//! Elements of XML by their names, in one pass, without a tree.
//!
//! Sources: XML 1.0 §3.1, Namespaces in XML §3. Good enough for messages whose elements of one
//! name do not contain each other; comments and CDATA are not looked into. Limit: [`MATCHES`].

use std::borrow::Cow;

/// Elements of one name that are looked at.
pub(super) const MATCHES: usize = 64;

/// The contents of the elements called `name`, whatever their prefix, as far as they are whole.
pub(super) fn elements<'a>(bytes: &'a [u8], name: &'static [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = bytes;
    let next = move || {
        loop {
            let (start, tag) = tag(rest)?;
            let content = rest.get(start..)?;
            rest = content;
            if tag.is_closing || tag.is_empty || tag.name != name {
                continue;
            }
            let mut at = 0;
            loop {
                let (end, tag) = self::tag(content.get(at..)?)?;
                if tag.is_closing && tag.name == name {
                    let before = at + tag.start;
                    rest = content.get(at + end..)?;
                    return content.get(..before);
                }
                at += end;
            }
        }
    };
    std::iter::from_fn(next).take(MATCHES)
}

struct Tag<'a> {
    /// Offset of its first character.
    start: usize,
    /// Without prefix.
    name: &'a [u8],
    is_closing: bool,
    is_empty: bool,
}

/// The next tag and where what follows it begins.
fn tag(bytes: &[u8]) -> Option<(usize, Tag<'_>)> {
    let start = memchr::memchr(b'<', bytes)?;
    let inside = bytes.get(start + 1..)?;
    let length = memchr::memchr(b'>', inside)?;
    let inside = inside.get(..length)?;
    let is_closing = inside.first() == Some(&b'/');
    let is_empty = inside.last() == Some(&b'/');
    let inside = inside.strip_prefix(b"/").unwrap_or(inside);
    let end = inside
        .iter()
        .position(|byte| byte.is_ascii_whitespace() || *byte == b'/');
    let name = inside
        .get(..end.unwrap_or(inside.len()))
        .unwrap_or_default();
    let name = name.rsplit(|byte| *byte == b':').next().unwrap_or(name);
    let tag = Tag {
        start,
        name,
        is_closing,
        is_empty,
    };
    Some((start + 1 + length + 1, tag))
}

/// Text without the escape of the character that separates the pairs of a query.
pub(super) fn decoded(text: &[u8]) -> Cow<'_, [u8]> {
    const AMPERSAND: &[u8] = b"&amp;";
    if memchr::memmem::find(text, AMPERSAND).is_none() {
        return Cow::Borrowed(text);
    }
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memmem::find(rest, AMPERSAND) {
        plain.extend_from_slice(rest.get(..=at).unwrap_or_default());
        rest = rest.get(at + AMPERSAND.len()..).unwrap_or_default();
    }
    plain.extend_from_slice(rest);
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_by_name() {
        let text = b"<?xml?><a:X q='1'>one</a:X><Y/><X/><b:X>two <c>t</c></b:X ><X>cut";
        let found: Vec<&[u8]> = elements(text, b"X").collect();
        assert_eq!(found, [&b"one"[..], b"two <c>t</c>"]);
        assert_eq!(decoded(b"a=1&amp;b=2&amp;"), &b"a=1&b=2&"[..]);
    }
}
