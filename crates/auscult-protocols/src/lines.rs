//! Lines of text protocols, one at a time, however the stream is cut.
//!
//! Limit: [`LINE`]; a longer one is left out up to its end, and counted.

use auscult_model::Bound;

use crate::{Output, Progress};

pub(crate) static LINE: Bound = Bound::constant(
    "text-line",
    4096,
    "bytes of one line of FTP, mail or a chunk of HTTP",
    "the line is not read",
);
pub(crate) const LINE_MAX: usize = LINE.default as usize;

/// What the front of the presented bytes is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line<'a> {
    /// A line without its end, and the bytes that it takes with it.
    Whole(&'a [u8], usize),
    /// So many bytes are left out.
    Out(usize),
    /// A line that is longer than is read begins here; so many bytes are left out.
    TooLong(usize),
    /// Its end is not there yet.
    Part,
}

/// Cuts one direction into lines.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lines {
    /// What comes belongs to a line whose beginning was not read.
    inside: bool,
    /// Lines that were whole since bytes were lost, the current one included; above two when
    /// none were.
    fits: u8,
}

impl Lines {
    /// From the first byte of a stream, or from somewhere inside.
    pub(crate) fn new(from_start: bool) -> Self {
        Lines {
            inside: !from_start,
            fits: if from_start { 2 } else { 0 },
        }
    }

    /// Bytes were lost.
    pub(crate) fn lost(&mut self) {
        *self = Lines::new(false);
    }

    /// How sure the current line is.
    pub(crate) fn confidence(&self) -> f32 {
        if self.fits > 2 { 1.0 } else { 0.9 }
    }

    /// The next line of `bytes` and the bytes that it takes with it; otherwise how to go on.
    pub(crate) fn whole<'a>(
        &mut self,
        bytes: &'a [u8],
        out: &mut Output<'_>,
    ) -> Result<(&'a [u8], usize), Progress> {
        match self.next(bytes) {
            Line::Whole(line, used) => Ok((line, used)),
            Line::Out(used) => {
                out.withhold(0..used);
                Err(Progress::Used(used))
            }
            Line::TooLong(used) => {
                out.withhold(0..used);
                out.reached(&LINE);
                Err(Progress::Used(used))
            }
            Line::Part => Err(Progress::Used(0)),
        }
    }

    fn next<'a>(&mut self, bytes: &'a [u8]) -> Line<'a> {
        match cut(bytes) {
            Some((_, used)) if self.inside => {
                self.inside = false;
                Line::Out(used)
            }
            None if self.inside => Line::Out(bytes.len().min(LINE_MAX)),
            Some((line, used)) => {
                self.fits = self.fits.saturating_add(1);
                Line::Whole(line, used)
            }
            None if bytes.len() >= LINE_MAX => {
                self.inside = true;
                Line::TooLong(LINE_MAX)
            }
            None => Line::Part,
        }
    }
}

/// The first line without its end, and the bytes that it takes with it.
pub(crate) fn cut(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let end = memchr::memchr(b'\n', bytes.get(..LINE_MAX).unwrap_or(bytes))?;
    let line = bytes.get(..end)?;
    Some((line.strip_suffix(b"\r").unwrap_or(line), end + 1))
}

/// The first word and what follows the space behind it.
pub(crate) fn split_word(line: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b' ', line) {
        Some(at) => (
            line.get(..at).unwrap_or_default(),
            line.get(at + 1..).unwrap_or_default().trim_ascii(),
        ),
        None => (line, &[]),
    }
}

/// The code of a reply line: three digits and a space, a hyphen or the end.
pub(crate) fn reply_code(line: &[u8]) -> Option<u16> {
    let (digits, rest) = line.split_first_chunk::<3>()?;
    let fits = matches!(rest.first(), None | Some(b' ' | b'-'));
    if !fits || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let [a, b, c] = digits.map(|digit| u16::from(digit - b'0'));
    Some(a * 100 + b * 10 + c)
}
