//! The lines of a mail: names and types of what is attached.
//!
//! Sources: RFC 5322 (headers, folding), RFC 2045 and 2046 (types, boundaries), RFC 2183
//! (file names). Limits: [`PARTS`]; a header of 4096 bytes.

use auscult_model::{Bound, Direction, Meaning};

use crate::{Output, Place, text};

pub(super) static PARTS: Bound = Bound::settable(
    "mail-parts",
    64,
    "attached files of one mail that are named",
    "further ones are not",
);
/// Longest header that is put together from its lines.
const HEADER_MAX: usize = 4096;
/// Boundaries that may be open at once.
const BOUNDARIES_MAX: usize = 8;
/// Longest boundary (RFC 2046 §5.1.1).
const BOUNDARY_MAX: usize = 70;

/// One mail that is crossing.
#[derive(Default)]
pub(super) struct Mail {
    /// Behind the empty line of a header.
    in_body: bool,
    any: bool,
    /// The header field that may go on in the next line.
    field: Vec<u8>,
    boundaries: Vec<Vec<u8>>,
    kind: String,
    name: String,
    parts: usize,
}

impl Mail {
    /// No line was read yet.
    pub(super) fn is_fresh(&self) -> bool {
        !self.any
    }

    /// Reads a line; says whether it was the last.
    pub(super) fn line(
        &mut self,
        line: &[u8],
        confidence: f32,
        place: Place,
        out: &mut Output<'_>,
    ) -> bool {
        self.any = true;
        if line == b"." {
            return true;
        }
        if self.in_body {
            if line.starts_with(b"--") && self.is_boundary(line) {
                self.in_body = false;
                self.kind.clear();
                self.name.clear();
            }
            return false;
        }
        if matches!(line.first(), Some(b' ' | b'\t')) {
            if self.field.len() + line.len() <= HEADER_MAX {
                self.field.extend_from_slice(line);
            }
            return false;
        }
        self.take_field();
        self.field.extend_from_slice(line);
        if line.is_empty() {
            self.in_body = true;
            self.attached(confidence, place, out);
        }
        false
    }

    fn is_boundary(&self, line: &[u8]) -> bool {
        let word = line.get(2..).unwrap_or_default().trim_ascii_end();
        self.boundaries.iter().any(|known| known == word)
    }

    fn take_field(&mut self) {
        let field = std::mem::take(&mut self.field);
        let Some(colon) = memchr::memchr(b':', &field) else {
            return;
        };
        let (name, value) = field.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        if name.eq_ignore_ascii_case(b"content-type") {
            let end = memchr::memchr(b';', value).unwrap_or(value.len());
            self.kind = text::lenient(value.get(..end).unwrap_or_default()).to_ascii_lowercase();
            if let Some(boundary) = parameter(value, b"boundary=")
                && (1..=BOUNDARY_MAX).contains(&boundary.len())
                && self.boundaries.len() < BOUNDARIES_MAX
            {
                self.boundaries.push(boundary.to_vec());
            }
            if let (true, Some(name)) = (self.name.is_empty(), parameter(value, b"name=")) {
                self.name = text::lenient(name);
            }
        } else if name.eq_ignore_ascii_case(b"content-disposition")
            && let Some(name) = parameter(value, b"filename=")
        {
            self.name = text::lenient(name);
        }
    }

    fn attached(&mut self, confidence: f32, place: Place, out: &mut Output<'_>) {
        if self.name.is_empty() {
            return;
        }
        if self.parts >= out.bound(&PARTS) {
            out.reached(&PARTS);
            return;
        }
        self.parts += 1;
        let attached = Meaning::Request {
            operation: "attach",
            object: std::mem::take(&mut self.name),
            granted: None,
        };
        let kind = std::mem::take(&mut self.kind);
        let said = out.say(place, attached);
        said.from_side(Direction::FromOriginator).sure(confidence);
        if !kind.is_empty() {
            said.with("content_type", kind);
        }
    }
}

/// A parameter of a structured field, quoted or not; its name is in lower case and ends in `=`.
fn parameter<'a>(value: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let lower = value.to_ascii_lowercase();
    let at = memchr::memmem::find_iter(&lower, name).find(|&at| {
        let before = at.checked_sub(1).and_then(|before| lower.get(before));
        matches!(before, Some(b';' | b' ' | b'\t'))
    })?;
    let rest = value.get(at + name.len()..)?;
    match rest.strip_prefix(b"\"") {
        Some(quoted) => quoted.split(|&b| b == b'"').next(),
        None => rest.split(|b| matches!(b, b';' | b' ' | b'\t')).next(),
    }
}
