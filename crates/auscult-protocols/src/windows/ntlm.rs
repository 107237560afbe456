//! NTLMSSP: what hosts say of themselves when one logs in to another with NTLM.
//!
//! Source: MS-NLMP 2.2 (messages), 2.2.2.1 (target information), 2.2.2.10 (version). Challenges and
//! responses are not read.

use auscult_model::Meaning;

use crate::opening::le_u16;
use crate::{Output, text};

const SIGNATURE: &[u8] = b"NTLMSSP\0";

/// Says what an NTLM message in `message` tells of its sender.
pub(super) fn read(message: &[u8], out: &mut Output<'_>) {
    let Some(at) = memchr::memmem::find(message, SIGNATURE) else {
        return;
    };
    let ntlm = message.get(at..).unwrap_or_default();
    match ntlm.get(8) {
        Some(2) => challenge(ntlm, message.len(), out),
        Some(3) => authenticate(ntlm, message.len(), out),
        _ => {}
    }
}

/// A server's: its names as attributes with numbers, and its version.
fn challenge(ntlm: &[u8], length: usize, out: &mut Output<'_>) {
    let place = out.place(0..length);
    let mut rest = part(ntlm, 40).unwrap_or_default();
    while let (Some(id @ 1..), Some(size)) = (le_u16(rest, 0), le_u16(rest, 2)) {
        let end = 4 + usize::from(size);
        let value = wide(rest.get(4..end).unwrap_or_default());
        let attribute = match id {
            1 => Some("netbios_name"),
            2 => Some("smb_domain"),
            3 => Some("hostname"),
            _ => None,
        };
        if let Some(attribute) = attribute {
            out.claim(place, attribute, value);
        }
        rest = rest.get(end..).unwrap_or_default();
    }
    version(ntlm, 48, length, out);
}

/// A client's: its name, and who logs in.
fn authenticate(ntlm: &[u8], length: usize, out: &mut Output<'_>) {
    let place = out.place(0..length);
    let field = |at| wide(part(ntlm, at).unwrap_or_default());
    let (domain, account, host) = (field(28), field(36), field(44));
    out.claim(place, "netbios_name", host);
    version(ntlm, 64, length, out);
    if account.is_empty() {
        return;
    }
    let account = match domain.is_empty() {
        true => account,
        false => format!("{domain}\\{account}"),
    };
    out.say(
        place,
        Meaning::Login {
            method: "ntlm",
            account,
            clear: false,
            accepted: None,
        },
    );
}

/// Major, minor, build, three zeros, revision 15; Samba sends build 0, which says nothing.
fn version(ntlm: &[u8], at: usize, length: usize, out: &mut Output<'_>) {
    let Some([major, minor, build @ .., 0, 0, 0, 15]) = ntlm.get(at..at + 8) else {
        return;
    };
    let build = le_u16(build, 0).unwrap_or_default();
    if build > 0 {
        let place = out.place(0..length);
        out.claim(place, "smb_os", format!("Windows {major}.{minor}.{build}"));
    }
}

/// The bytes that the field at `at` points to: length, room, offset.
fn part(ntlm: &[u8], at: usize) -> Option<&[u8]> {
    let length = usize::from(le_u16(ntlm, at)?);
    let offset = usize::from(le_u16(ntlm, at + 4)?);
    // Offsets beyond 64 KiB are not written.
    if le_u16(ntlm, at + 6)? != 0 {
        return None;
    }
    ntlm.get(offset..offset.checked_add(length)?)
}

/// UTF-16, little endian.
pub(super) fn wide(bytes: &[u8]) -> String {
    let units = bytes
        .chunks_exact(2)
        .filter_map(|pair| Some(u16::from_le_bytes(pair.try_into().ok()?)));
    let text: String = char::decode_utf16(units.take_while(|unit| *unit != 0))
        .map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    text::clean(&text)
}
