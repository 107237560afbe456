//! Says what a file is that is not a capture, and what to do with it.
//!
//! By its first bytes, never by its name. Sources: the file formats' own magic numbers (Microsoft's
//! ETL, Endace ERF, 7-Zip, xz, bzip2, ZIP, PDF, ELF, PE).

use std::io::{self, ErrorKind};

/// Why an input cannot be read as a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotACapture {
    /// What it seems to be.
    pub what: &'static str,
    /// What to do about it.
    pub advice: &'static str,
}

impl NotACapture {
    /// Whether the file has no bytes at all.
    pub fn is_empty_file(&self) -> bool {
        self.what == EMPTY
    }

    /// A file that the system does not let us read.
    pub(crate) fn unreadable(error: &io::Error) -> Self {
        let (what, advice) = match error.kind() {
            ErrorKind::PermissionDenied => ("a file that may not be read", "check its permissions"),
            ErrorKind::IsADirectory => ("a folder", GIVE_CAPTURE),
            _ => (
                "damaged or unreadable data",
                "copy it again from where it came",
            ),
        };
        NotACapture { what, advice }
    }
}

impl std::fmt::Display for NotACapture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "not a packet capture but {}: {}", self.what, self.advice)
    }
}

impl std::error::Error for NotACapture {}

const EMPTY: &str = "an empty file";
const CONVERT: &str = "convert it with `editcap -F pcapng INPUT OUTPUT.pcapng` (Wireshark)";
const DECOMPRESS: &str = "decompress it first (gzip and zstd are read directly)";
const UNPACK: &str = "unpack it and give the captures in it";
const GIVE_CAPTURE: &str = "give a .pcap or .pcapng file, plain or compressed by gzip or zstd";

/// Beginnings of files, and what they mean.
const MAGICS: &[(&[u8], &str, &str)] = &[
    (b"", EMPTY, "capture again; nothing was written to it"),
    (b"TRSNIFF data", "a DOS Sniffer capture", CONVERT),
    (b"XCP\0", "a NetXRay or Windows Sniffer capture", CONVERT),
    (b"\x1c\x00\x01\xac", "an IXIA hardware capture", CONVERT),
    (b"\xac\x01\x00\x1c", "an IXIA hardware capture", CONVERT),
    (b"\x1c\x00\x01\xab", "an IXIA software capture", CONVERT),
    (b"\xab\x01\x00\x1c", "an IXIA software capture", CONVERT),
    (b"\x7fver", "an EtherPeek or OmniPeek capture", CONVERT),
    (
        b"\x54\x52\x00\x64",
        "a Network Instruments Observer capture",
        CONVERT,
    ),
    (
        b"ObserverPktBuffe",
        "a Network Instruments Observer capture",
        CONVERT,
    ),
    (
        b"btsnoop\0",
        "a Bluetooth HCI log",
        "it holds no network packets",
    ),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", UNPACK),
    (b"PK\x03\x04", "a ZIP archive", UNPACK),
    (b"PK\x05\x06", "an empty ZIP archive", GIVE_CAPTURE),
    (b"Rar!\x1a\x07", "a RAR archive", UNPACK),
    (b"\xfd7zXZ\0", "an xz-compressed file", DECOMPRESS),
    (b"BZh", "a bzip2-compressed file", DECOMPRESS),
    (b"\x04\x22\x4d\x18", "an LZ4-compressed file", DECOMPRESS),
    (b"\x1f\x9d", "a file of Unix compress", DECOMPRESS),
    (b"\x1f\x8b", "a file compressed by gzip twice", DECOMPRESS),
    (
        b"\x28\xb5\x2f\xfd",
        "a file compressed by zstd twice",
        DECOMPRESS,
    ),
    (b"%PDF", "a PDF document", GIVE_CAPTURE),
    (b"\x89PNG", "a picture", GIVE_CAPTURE),
    (b"\xff\xd8\xff", "a picture", GIVE_CAPTURE),
    (b"GIF8", "a picture", GIVE_CAPTURE),
    (b"\x7fELF", "a program", GIVE_CAPTURE),
    (b"MZ", "a Windows program", GIVE_CAPTURE),
];

/// Names what the first bytes of a file (some hundred, or all of it) show.
pub(crate) fn recognise(prefix: &[u8]) -> NotACapture {
    for &(magic, what, advice) in MAGICS {
        if if magic.is_empty() {
            prefix.is_empty()
        } else {
            prefix.starts_with(magic)
        } {
            return NotACapture { what, advice };
        }
    }
    let (what, advice) = if prefix.starts_with(b"SQLite format 3\0") {
        // The application's number, in the header of every database (sqlite.org/fileformat2.html).
        match prefix.get(68..72) {
            Some(b"ausc") => ("a state of Auscult", "read it with --state FILE"),
            _ => ("an SQLite database", GIVE_CAPTURE),
        }
    } else if is_event_trace(prefix) {
        (
            "a Windows event trace (.etl)",
            "convert it with `pktmon etl2pcap INPUT.etl` (a pktmon trace) or `etl2pcapng INPUT.etl \
             OUTPUT.pcapng` (a netsh trace)",
        )
    } else if prefix.get(257..262) == Some(b"ustar") {
        ("a tar archive", UNPACK)
    } else if is_markup(prefix) {
        ("a web page or XML document", GIVE_CAPTURE)
    } else if is_text(prefix) {
        ("text", GIVE_CAPTURE)
    } else if is_erf(prefix) {
        ("an Endace ERF capture", CONVERT)
    } else if prefix.iter().all(|&byte| byte == 0) {
        (
            "a file of zeros",
            "its content was lost; capture or copy again",
        )
    } else {
        ("data of an unknown kind", GIVE_CAPTURE)
    };
    NotACapture { what, advice }
}

/// An event trace log begins with a WMI buffer header: the size of the buffer, a multiple of
/// 1 KiB, and, in the trace header after it, the markers of a system header (`0xC0` flags).
fn is_event_trace(prefix: &[u8]) -> bool {
    let word = |at: usize| {
        prefix
            .get(at..)
            .and_then(<[u8]>::first_chunk)
            .map(|bytes| u32::from_le_bytes(*bytes))
    };
    let (Some(size), Some(saved), Some(header)) = (word(0), word(4), word(72)) else {
        return false;
    };
    let plausible = (1024..=(16 << 20)).contains(&size) && size.is_multiple_of(1024);
    plausible && saved <= size && header >> 24 == 0xc0 && (header >> 16) & 0xff <= 2
}

/// Endace extensible record format has no magic: the first record must be sound and have a
/// time of this century.
fn is_erf(prefix: &[u8]) -> bool {
    let Some([_, _, _, _, s0, s1, s2, s3, kind, _, r0, r1, _, _, w0, w1]) = prefix.first_chunk()
    else {
        return false;
    };
    let seconds = u32::from_le_bytes([*s0, *s1, *s2, *s3]);
    let record = u16::from_be_bytes([*r0, *r1]);
    let wire = u16::from_be_bytes([*w0, *w1]);
    (1..=48).contains(&(kind & 0x7f))
        && (946_684_800..1 << 31).contains(&seconds)
        && record >= 16
        && wire > 0
        && u32::from(record) <= u32::from(wire) + 64
}

fn is_markup(prefix: &[u8]) -> bool {
    let text = prefix
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(prefix)
        .trim_ascii_start();
    text.starts_with(b"<")
        && text
            .get(1)
            .is_some_and(|c| b"!?".contains(c) || c.is_ascii_alphabetic())
}

/// Printable and white space, UTF-8 or UTF-16 with its mark.
fn is_text(prefix: &[u8]) -> bool {
    if prefix.starts_with(b"\xff\xfe") || prefix.starts_with(b"\xfe\xff") {
        return true;
    }
    let whole = match std::str::from_utf8(prefix) {
        Ok(text) => text,
        // The prefix may end within a character.
        Err(error) if error.error_len().is_none() => {
            let valid = prefix.get(..error.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(valid).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !whole.is_empty()
        && whole
            .chars()
            .all(|c| !c.is_control() || "\t\n\r\x0c".contains(c))
}
