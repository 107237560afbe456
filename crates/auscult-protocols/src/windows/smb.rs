//! SMB: shares of files and printers. Who speaks, who logs in, and which files cross.
//!
//! Sources: MS-CIFS and MS-SMB (version 1), MS-SMB2 (versions 2 and 3), RFC 1002 (framing),
//! MS-NLMP. A connection is read by `session`, its messages by `v1` and `v2`; what they ask and
//! answer comes together in `share`, and the bytes of files in `files`.

mod files;
mod session;
mod share;
#[cfg(test)]
mod tests;
mod v1;
mod v2;

use auscult_model::Meaning;

use super::{implant, ntlm};
use crate::opening::Byte::{Any, In, Is};
use crate::opening::{Byte, be_u32, le_u16, shape};
use crate::{Output, Probe, Protocol, Record, Seen, Session, Start, Tier, sides, text};

static RECORD: Record = Record {
    name: "smb",
    title: "Server Message Block, versions 1 to 3",
    tier: Tier::Decoded,
    ports: &[445, 139],
    sources: &["MS-CIFS", "MS-SMB", "MS-SMB2", "MS-NLMP", "RFC 1002"],
    reads: &[
        "the dialect agreed on, and whether messages are signed",
        "names, domain and version of the system (NTLM, and SMB 1's own words)",
        "accounts that log in with NTLM",
        "questions for an implant by a sub-command that nothing else uses, and their answers",
        "files that are read and written: name, share, size, SHA-256, type by magic; HL7 v2 \
         messages in them, when they cross in order: whose patient data they hold",
        "that messages are enciphered",
    ],
    leaves_out: "Pipes, directories, attributes, printing; log-ons with Kerberos; what is \
        enciphered or compressed; signatures are not checked. Of files opened before the capture \
        began, or on another connection (multichannel), only programs, archives and firmware whose \
        first bytes cross, without a name. Files above 64 KiB that are by first bytes and name \
        neither program, archive nor a document that can carry code get no digest.",
    attributes: &[
        ("resource", "what holds patient data: an HL7 v2 message"),
        ("smb_share", "share that the file lies on"),
        (
            "smb_signed",
            "whether all messages with its bytes said that they are signed",
        ),
    ],
    bounds: &[
        &share::REQUESTS,
        &share::HANDLES,
        &share::SHARES,
        &files::OPEN,
        &files::TOLD,
        &files::WAITING,
    ],
    ..Record::RECOGNISED
};

const HEADER_1: &[u8] = b"\xffSMB";
const HEADER_2: &[u8] = b"\xfeSMB";

/// See [`RECORD`].
pub struct Smb;

impl Protocol for Smb {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        sides::judge(seen, of)
    }

    fn start(&self, start: &Start) -> Box<dyn Session> {
        session::Smb::start(start)
    }
}

/// A length and a header; over NetBIOS a session is asked for, and granted, first.
fn of(bytes: &[u8]) -> Probe {
    const MESSAGE: &[Byte] = &[
        Is(0),
        Any,
        Any,
        Any,
        In(&[0xff, 0xfe, 0xfd, 0xfc]),
        Is(b'S'),
        Is(b'M'),
        Is(b'B'),
    ];
    let message = match bytes.first() {
        Some(0x81) => match be_u32(bytes, 0).map(|head| 4 + (head & 0xffff) as usize) {
            Some(length @ 72..=76) => bytes.get(length..).unwrap_or_default(),
            Some(_) => return Probe::No,
            None => return Probe::Maybe,
        },
        Some(0x82) if b"\x82\0\0\0".starts_with(bytes.get(..4).unwrap_or(bytes)) => {
            bytes.get(4..).unwrap_or_default()
        }
        _ => bytes,
    };
    shape(message, MESSAGE, Probe::Certain)
}

/// Says what a message tells of its sender; it has a header.
fn introduced(smb: &[u8], out: &mut Output<'_>) {
    if smb.starts_with(HEADER_2) {
        match (le_u16(smb, 12), smb.get(16).map(|flags| flags & 1)) {
            (Some(0), Some(1)) => negotiated(smb, out),
            (Some(1), _) => ntlm::read(smb, out),
            _ => {}
        }
    } else if smb.starts_with(HEADER_1) && smb.get(4) == Some(&0x73) {
        ntlm::read(smb, out);
        if smb.get(9).is_some_and(|flags| flags & 0x80 != 0) {
            words_of_1(smb, out);
        }
    }
}

/// Says what a message of SMB 1 tells of an implant. A connection is asked, and answers, but once.
fn implant(smb: &[u8], connection: &mut share::Connection, out: &mut Output<'_>) {
    let Some(meaning) = implant::said(smb) else {
        return;
    };
    let is_question = matches!(meaning, Meaning::Request { .. });
    // Without the question its answer is a number like any other.
    if connection.implant_asked != is_question {
        connection.implant_asked = is_question;
        let place = out.place(0..smb.len());
        out.say(place, meaning);
    }
}

/// The answer to a negotiation: security mode and dialect.
fn negotiated(smb: &[u8], out: &mut Output<'_>) {
    let dialect = match le_u16(smb, 68) {
        Some(0x0202) => "2.0.2",
        Some(0x0210) => "2.1",
        Some(0x0300) => "3.0",
        Some(0x0302) => "3.0.2",
        Some(0x0311) => "3.1.1",
        _ => return,
    };
    let signing = match le_u16(smb, 66).map(|mode| mode & 3) {
        Some(0) => "off",
        Some(1) => "possible",
        _ => "required",
    };
    let place = out.place(0..smb.len());
    out.claim(place, "smb_dialect", dialect.to_owned());
    out.claim(place, "smb_signing", signing.to_owned());
}

/// The answer to a log-on in version 1 ends with the system's name in words, behind a token whose
/// length is the fourth parameter where there are four.
fn words_of_1(smb: &[u8], out: &mut Output<'_>) {
    let words = || {
        let is_wide = le_u16(smb, 10)? & 0x8000 != 0;
        let count = usize::from(*smb.get(32)?);
        let token = match count {
            4 => usize::from(le_u16(smb, 33 + 6)?),
            3 => 0,
            _ => return None,
        };
        let start = 33 + 2 * count + 2 + token;
        // Wide letters begin at an even place.
        let system = smb.get(start + usize::from(is_wide && start % 2 == 1)..)?;
        Some(match is_wide {
            true => ntlm::wide(system),
            false => text::lenient(system),
        })
    };
    let place = out.place(0..smb.len());
    out.claim(place, "smb_dialect", "1".to_owned());
    if let Some(system) = words() {
        out.claim(place, "smb_os", system);
    }
}
