//! Bodies of HTTP messages: which are worth a digest, and how they are decoded.
//!
//! A body is looked at by its first bytes, whatever its declared type: programs, archives,
//! firmware and documents become artifacts, medical records are read ([`crate::records`]),
//! everything else is skipped. Contents behind gzip and
//! deflate are decoded unless they are declared to be parts of a page. Sources: RFC 9110 §8.4,
//! RFC 1950, RFC 1951, RFC 1952, RFC 6266 (names). Limits: [`LARGEST`] and [`EXPANDED`]; Brotli and
//! Zstandard are not decoded.

use std::io::Write;

use auscult_model::{Bound, Direction, Meaning};
use flate2::write::{DeflateDecoder, GzDecoder, ZlibDecoder};

use super::head::Head;
use crate::file::{self, FileAssembler};
use crate::magic::{SNIFFED, is_worth};
use crate::records::Records;
use crate::{Mark, Output, text};

pub(super) static LARGEST: Bound = Bound::settable(
    "http-body",
    256 << 20,
    "bytes of one body, decoded, that are hashed",
    "the file counts as incomplete",
);
/// Bytes that one compressed byte may stand for, after the first 1 MiB; of what says more, the file
/// counts as incomplete.
const EXPANDED: u64 = 200;
/// Decoded bytes of records that are read of one compressed body: they cost more than hashing.
const RECORDS_MAX: u64 = 16 << 20;
/// From here on [`EXPANDED`] counts.
const EXPANDED_FROM: u64 = 1 << 20;
/// Bytes after which it is decided whether a body holds records.
const RECORDS: usize = crate::records::SIGN;
/// Most signatures lie in front.
const SNIFFED_FIRST: usize = 16;
/// Compressed bytes that are decoded at once.
const STEP: usize = 1024;
/// What a decoder takes.
const DECODER: usize = 80 << 10;

/// Whether a body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worth {
    Yes,
    No,
    /// So many bytes will tell.
    Needs(usize),
}

/// Whether bytes at the front of a body are; `left` of it are still to come, these included.
pub(super) fn worth(bytes: &[u8], left: u64) -> Worth {
    let has = |wanted: usize| bytes.len() >= wanted || bytes.len() as u64 >= left;
    if !has(SNIFFED_FIRST) {
        return Worth::Needs(left.min(SNIFFED_FIRST as u64) as usize);
    }
    if is_worth(bytes.get(..SNIFFED).unwrap_or(bytes)) {
        Worth::Yes
    } else if has(SNIFFED) {
        // A resource may say further on what it is.
        let is_open = bytes.trim_ascii_start().first() == Some(&b'{') && !Records::are_in(bytes);
        match is_open && !has(RECORDS) {
            true => Worth::Needs(left.min(RECORDS as u64) as usize),
            false => Worth::No,
        }
    } else {
        Worth::Needs(left.min(SNIFFED as u64) as usize)
    }
}

/// How a body is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Plain,
    Gzip,
    Deflate,
    /// Not decoded here.
    Other,
}

/// The coding of a message's body; of one that is declared a part of a page, nothing is decoded.
pub(super) fn coding(head: &Head<'_>) -> Coding {
    let Some(name) = head.get("content-encoding") else {
        return Coding::Plain;
    };
    let is = |word: &str| name.eq_ignore_ascii_case(word.as_bytes());
    if is("identity") {
        return Coding::Plain;
    }
    const PAGES: [&[u8]; 9] = [
        b"text/html",
        b"text/css",
        b"text/javascript",
        b"application/javascript",
        b"application/x-javascript",
        b"application/json",
        b"image/",
        b"font/",
        b"video/",
    ];
    let kind = head.get("content-type").unwrap_or_default();
    let is_page = |page: &&[u8]| {
        kind.get(..page.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(page))
    };
    if PAGES.iter().any(is_page) {
        Coding::Other
    } else if is("gzip") || is("x-gzip") {
        Coding::Gzip
    } else if is("deflate") {
        Coding::Deflate
    } else {
        Coding::Other
    }
}

/// The name that a head gives a file, or what the target ends in.
pub(super) fn file_name(head: &Head<'_>, target: &str) -> String {
    let given = head
        .get("content-disposition")
        .and_then(|value| super::head::parameter(value, b"filename="));
    given.unwrap_or_else(|| target.to_owned())
}

/// The last part of a target's path, without its query.
pub(super) fn last_part(target: &[u8]) -> String {
    let end = target.iter().position(|b| matches!(b, b'?' | b'#' | b';'));
    let path = target
        .get(..end.unwrap_or(target.len()))
        .unwrap_or_default();
    let part = path.rsplit(|&b| b == b'/').next().unwrap_or_default();
    text::lenient(&percent_decoded(part))
}

/// Bytes with `%xx` decoded; what is none stays.
pub(super) fn percent_decoded(bytes: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, behind)) = rest.split_first() {
        let pair = behind.first_chunk::<2>().filter(|_| byte == b'%');
        let value = pair
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match value {
            Some(value) => {
                decoded.push(value);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                decoded.push(byte);
                rest = behind;
            }
        }
    }
    decoded
}

enum Decoder {
    Gzip(GzDecoder<Vec<u8>>),
    Zlib(ZlibDecoder<Vec<u8>>),
    Raw(DeflateDecoder<Vec<u8>>),
}

impl Decoder {
    /// What a piece decodes to; `None` when it is broken.
    fn take(&mut self, piece: &[u8]) -> Option<Vec<u8>> {
        let done = match self {
            Decoder::Gzip(decoder) => decoder.write_all(piece).and_then(|()| decoder.flush()),
            Decoder::Zlib(decoder) => decoder.write_all(piece).and_then(|()| decoder.flush()),
            Decoder::Raw(decoder) => decoder.write_all(piece).and_then(|()| decoder.flush()),
        };
        done.ok()?;
        Some(std::mem::take(self.decoded()))
    }

    /// What was still inside; `None` when the stream is not at its end.
    fn finish(&mut self) -> Option<Vec<u8>> {
        let done = match self {
            Decoder::Gzip(decoder) => decoder.try_finish(),
            Decoder::Zlib(decoder) => decoder.try_finish(),
            Decoder::Raw(decoder) => decoder.try_finish(),
        };
        done.ok()?;
        Some(std::mem::take(self.decoded()))
    }

    fn decoded(&mut self) -> &mut Vec<u8> {
        match self {
            Decoder::Gzip(decoder) => decoder.get_mut(),
            Decoder::Zlib(decoder) => decoder.get_mut(),
            Decoder::Raw(decoder) => decoder.get_mut(),
        }
    }
}

/// What a body that is read becomes.
enum Reads {
    /// An artifact.
    File(Box<FileAssembler>),
    /// What its records say of patients.
    Records(Box<Records>),
}

/// A body that is read.
pub(super) struct Body {
    reads: Reads,
    coding: Coding,
    /// Port of the sender, if it answers.
    server: Option<u16>,
    decoder: Option<Box<Decoder>>,
    /// Decoded bytes, until they show whether they are worth it.
    sniffed: Option<Vec<u8>>,
    taken: u64,
    decoded: u64,
    last: Mark,
}

impl Body {
    /// Of a body that is worth it, or that has to be decoded to see that.
    pub(super) fn new(name: String, coding: Coding, in_part: bool, server: Option<u16>) -> Self {
        let mut file = FileAssembler::new(name, "http");
        if in_part {
            file.spoil();
        }
        Body {
            reads: Reads::File(Box::new(file)),
            coding,
            server,
            decoder: None,
            sniffed: (coding != Coding::Plain).then(Vec::new),
            taken: 0,
            decoded: 0,
            last: Mark::default(),
        }
    }

    /// Of one that holds records, not coded.
    pub(super) fn of_records(records: Records) -> Self {
        Body {
            reads: Reads::Records(Box::new(records)),
            ..Body::new(String::new(), Coding::Plain, false, None)
        }
    }

    /// Its bytes may be about anybody, and no places are told of what is.
    pub(super) fn is_private(&self) -> bool {
        match &self.reads {
            Reads::File(file) => file.is_document(),
            Reads::Records(_) => self.coding != Coding::Plain,
        }
    }

    /// Bytes that it holds.
    pub(super) fn held(&self) -> usize {
        let reads = match &self.reads {
            Reads::File(file) => file.held(),
            Reads::Records(records) => records.held(),
        };
        reads + self.decoder.as_ref().map_or(0, |_| DECODER)
    }

    /// Takes bytes in order; false when no more are wanted.
    pub(super) fn take(&mut self, bytes: &[u8], last: Mark, out: &mut Output<'_>) -> bool {
        self.last = last;
        if self.coding == Coding::Plain {
            return self.keep(bytes, out);
        }
        let Some(&first) = bytes.first() else {
            return true;
        };
        let coding = self.coding;
        let mut decoder = self.decoder.take().unwrap_or_else(|| {
            Box::new(match coding {
                Coding::Gzip => Decoder::Gzip(GzDecoder::new(Vec::new())),
                // Some send zlib, as the name says, some do not.
                _ if first & 0x8f == 8 => Decoder::Zlib(ZlibDecoder::new(Vec::new())),
                _ => Decoder::Raw(DeflateDecoder::new(Vec::new())),
            })
        });
        for piece in bytes.chunks(STEP) {
            self.taken += piece.len() as u64;
            let Some(decoded) = decoder.take(piece) else {
                out.odd("http-coding");
                self.spoil();
                return false;
            };
            if !self.keep(&decoded, out) {
                return false;
            }
        }
        self.decoder = Some(decoder);
        true
    }

    /// Takes decoded bytes; false when no more are wanted.
    fn keep(&mut self, bytes: &[u8], out: &mut Output<'_>) -> bool {
        self.decoded += bytes.len() as u64;
        let most = self.taken.saturating_mul(EXPANDED);
        if self.coding != Coding::Plain && self.decoded > most.max(EXPANDED_FROM) {
            out.odd("http-expansion");
            self.spoil();
            return false;
        }
        if self.coding != Coding::Plain
            && matches!(self.reads, Reads::Records(_))
            && self.decoded > RECORDS_MAX
        {
            out.odd("http-records-expansion");
            return false;
        }
        if self.decoded > out.bound(&LARGEST) as u64 {
            out.reached(&LARGEST);
            self.spoil();
            return false;
        }
        let Some(sniffed) = &mut self.sniffed else {
            return self.append(bytes, out);
        };
        sniffed.extend_from_slice(bytes);
        match worth(sniffed, u64::MAX) {
            Worth::Yes => {
                let sniffed = self.sniffed.take().unwrap_or_default();
                self.append(&sniffed, out)
            }
            Worth::No => match Records::begin(sniffed, self.server) {
                Some(records) => {
                    let sniffed = self.sniffed.take().unwrap_or_default();
                    self.reads = Reads::Records(Box::new(records));
                    self.append(&sniffed, out)
                }
                None => false,
            },
            Worth::Needs(_) => true,
        }
    }

    fn spoil(&mut self) {
        if let Reads::File(file) = &mut self.reads {
            file.spoil();
        }
    }

    fn append(&mut self, bytes: &[u8], out: &mut Output<'_>) -> bool {
        match &mut self.reads {
            Reads::File(file) => {
                if !file.append(bytes, self.last) {
                    out.reached(&file::PENDING);
                }
                true
            }
            Reads::Records(records) => {
                let at = (self.coding == Coding::Plain).then_some(0);
                records.feed(bytes, at, out)
            }
        }
    }

    /// Says the file: whole when `is_whole`.
    pub(super) fn finish(
        mut self,
        is_whole: bool,
        sender: Direction,
        confidence: f32,
        out: &mut Output<'_>,
    ) {
        let mut is_whole = is_whole;
        if let Some(mut decoder) = self.decoder.take() {
            match decoder.finish() {
                Some(rest) if is_whole => is_whole = self.keep(&rest, out),
                _ => is_whole = false,
            }
        }
        if let Some(sniffed) = self.sniffed.take() {
            if let Some(records) = Records::begin(&sniffed, self.server) {
                self.reads = Reads::Records(Box::new(records));
            } else if !is_worth(&sniffed) {
                return;
            }
            self.append(&sniffed, out);
        }
        let mut file = match self.reads {
            Reads::File(file) => file,
            Reads::Records(mut records) => return records.finish(sender, self.last, out),
        };
        if is_whole {
            file.know_size(file.frontier());
        }
        if let Some(place) = file.place()
            && let Some(artifact) = file.finish()
        {
            out.say(place, Meaning::File(Box::new(artifact)))
                .from_side(sender)
                .sure(confidence);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_targets() {
        assert_eq!(last_part(b"/a/b%20c.exe?name=x/y"), "b c.exe");
        assert_eq!(last_part(b"http://h/fw.bin"), "fw.bin");
        assert_eq!(last_part(b"/"), "");
        assert_eq!(percent_decoded(b"%4x%41%"), b"%4xA%");
    }

    #[test]
    fn front_bytes_decide() {
        assert_eq!(worth(b"MZ", 2), Worth::Yes);
        assert_eq!(worth(b"MZ", 9000), Worth::Needs(16));
        assert_eq!(worth(b"<html><body>and more", 20), Worth::No);
        assert_eq!(worth(&[b'a'; 100], 9000), Worth::Needs(264));
        assert_eq!(worth(&[b'a'; 264], 9000), Worth::No);
        let mut tar = [b'a'; 264];
        tar[257..262].copy_from_slice(b"ustar");
        assert_eq!(worth(&tar, 9000), Worth::Yes);
    }
}
