//! NetBIOS datagram service: machines that announce themselves to the network neighbourhood.
//!
//! Sources: RFC 1002 §4.4 (datagrams), [MS-MAIL] §2.2.1 (mailslot in an SMB transaction),
//! [MS-BRWS] §2.2 (announcements), [MS-SRVS] §2.2.2.7 (kinds of servers).
//! Every datagram stands for itself; what was heard before is not read again.
//!
//! ```text
//! 0 type u8 · 1 flags u8 · 2 id u16 · 4 address 4 · 8 port u16 · 10 length u16 · 12 offset u16
//! 14 source name · destination name · SMB1 transaction (0x25) with the mailslot's message
//! announcement, little endian: command u8 · updates u8 · period u32 · name 16 · system major u8,
//!     minor u8 · kind u32 · browser u16 · 55 AA · comment up to 0
//! ```

use auscult_model::{Direction, Transport};

use crate::heard::Heard;
use crate::netbios::{self, Name};
use crate::{Cursor, Output, Place, Probe, Progress, Protocol, Record, Seen, Session, Start, Tier};
use crate::{sides, text};

static RECORD: Record = Record {
    name: "nbds",
    title: "NetBIOS Datagram Service with the Browser protocol",
    tier: Tier::Decoded,
    transports: &[Transport::Udp],
    ports: &[138],
    weak: false,
    sources: &["RFC 1001", "RFC 1002", "[MS-MAIL]", "[MS-BRWS]"],
    reads: &[
        "the sender's name and workgroup",
        "announcements: version of the system, kind of server, comment, master browser",
    ],
    leaves_out: "Elections, lists of backup browsers, other mailslots (NETLOGON), datagrams in \
                 pieces.",
    attributes: &[],
    bounds: &[],
    false_likely: "0 of 100,000 random datagrams of 304 bytes",
};

const HEADER_LEN: usize = 14;
/// Offset of the bytes of a transaction from its SMB header (MS-CIFS §2.2.4.33.1).
const TRANSACTION: u8 = 0x25;
const SLOT: &[u8] = b"\\MAILSLOT\\BROWSE\0";

mod command {
    pub(super) const HOST: u8 = 0x01;
    pub(super) const DOMAIN: u8 = 0x0c;
    pub(super) const LOCAL_MASTER: u8 = 0x0f;
}

/// Kinds of servers, a bit each, that say what a machine is for.
const KINDS: [(u32, &str); 10] = [
    (0x0000_0008, "domain-controller"),
    (0x0000_0010, "backup-domain-controller"),
    (0x0000_0004, "sql-server"),
    (0x0000_0040, "apple-server"),
    (0x0000_0080, "novell-server"),
    (0x0000_0200, "print-server"),
    (UNIX, "unix-server"),
    (0x0000_8000, "nt-server"),
    (0x0004_0000, "master-browser"),
    (0x0008_0000, "domain-master-browser"),
];
/// Samba says so; its versions of the system are made up.
const UNIX: u32 = 0x0000_0800;

/// See [`RECORD`].
pub struct Nbds;

impl Protocol for Nbds {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        match seen.transport {
            Transport::Udp => sides::judge(seen, probe_message),
            _ => Probe::No,
        }
    }

    fn start(&self, _: &Start) -> Box<dyn Session> {
        Box::<NbdsSession>::default()
    }
}

/// A type of datagram with a name in letters behind, which is 132 bits alone.
fn probe_message(bytes: &[u8]) -> Probe {
    let name = bytes.get(HEADER_LEN..).unwrap_or_default();
    match bytes {
        [0x10..=0x12, ..] if netbios::is_encoded(name) => Probe::Certain,
        [0x10..=0x12, ..] | [] if netbios::may_be_encoded(name) => Probe::Maybe,
        _ => Probe::No,
    }
}

#[derive(Default)]
struct NbdsSession {
    heard: Heard,
}

impl Session for NbdsSession {
    fn data(&mut self, _: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        let used = Progress::Used(bytes.len());
        // All but the datagram's number.
        if self.heard.is_new((bytes.first(), bytes.get(4..)), out)
            && let Some(datagram) = Datagram::read(bytes)
        {
            let place = out.place(0..bytes.len());
            datagram.tell(place, out);
        }
        used
    }
}

/// A datagram that is not the later part of another.
#[derive(Debug)]
struct Datagram<'a> {
    /// In letters.
    source: &'a [u8],
    /// In letters.
    destination: &'a [u8],
    data: &'a [u8],
}

impl<'a> Datagram<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        cursor.u8().filter(|kind| matches!(kind, 0x10..=0x12))?;
        cursor.take(11)?;
        let offset = cursor.be_u16()?;
        if offset != 0 {
            return None;
        }
        let mut name = || {
            let encoded = cursor.rest();
            cursor.take(netbios::end_of_encoded(encoded)?)
        };
        let (source, destination) = (name()?, name()?);
        let data = cursor.rest();
        Some(Datagram {
            source,
            destination,
            data,
        })
    }

    fn tell(&self, place: Place, out: &mut Output<'_>) {
        let source = Name::encoded(self.source);
        if let Some((attribute, value)) = source.as_ref().and_then(|name| name.said(false)) {
            out.claim(place, attribute, value.to_owned());
        }
        let announced = message(self.data).and_then(Announcement::read);
        if let (Some(announced), Some(to)) = (announced, Name::encoded(self.destination)) {
            announced.tell(&to, place, out);
        }
    }
}

/// The message in a browser's mailslot.
fn message(data: &[u8]) -> Option<&[u8]> {
    let mut cursor = Cursor::new(data);
    (cursor.take(4)? == b"\xffSMB").then_some(())?;
    (cursor.u8()? == TRANSACTION).then_some(())?;
    // The rest of the header, then the words of the transaction with three of its set-up.
    cursor.take(27)?;
    let words = cursor.u8()?;
    let words = cursor.take(2 * usize::from(words))?;
    let mut place = Cursor::new(words.get(22..26)?);
    let (length, offset) = (place.le_u16()?, place.le_u16()?);
    let _bytes = cursor.le_u16()?;
    let slot = cursor.take(SLOT.len())?;
    if !slot.eq_ignore_ascii_case(SLOT) {
        return None;
    }
    let message = data.get(usize::from(offset)..)?;
    message.get(..usize::from(length)).or(Some(message))
}

/// A machine says what it is, or a master browser which domain it keeps.
#[derive(Debug)]
struct Announcement<'a> {
    command: u8,
    name: String,
    system: (u8, u8),
    kind: u32,
    comment: &'a [u8],
}

impl<'a> Announcement<'a> {
    fn read(message: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(message);
        let command = cursor.u8()?;
        if !matches!(
            command,
            command::HOST | command::DOMAIN | command::LOCAL_MASTER
        ) {
            return None;
        }
        let _updates = cursor.u8()?;
        let _period = cursor.le_u32()?;
        let name = text::lenient(cursor.take(16)?);
        let system = (cursor.u8()?, cursor.u8()?);
        let kind = cursor.le_u32()?;
        let _browser = cursor.take(4)?;
        let comment = cursor.rest();
        let end = memchr::memchr(0, comment).unwrap_or(comment.len());
        let comment = comment.get(..end).unwrap_or_default();
        Some(Announcement {
            command,
            name,
            system,
            kind,
            comment,
        })
    }

    fn tell(&self, to: &Name, place: Place, out: &mut Output<'_>) {
        if self.command == command::DOMAIN {
            // The name is the domain's, and where a comment would be is the master's.
            out.claim(place, "workgroup", self.name.clone());
            out.claim(place, "netbios_part", "master-browser".to_owned());
            return;
        }
        out.claim(place, "netbios_name", self.name.clone());
        out.claim(place, "netbios_comment", text::lenient(self.comment));
        // Announced to the group, or to its master.
        if matches!(
            to.suffix,
            netbios::suffix::WORKSTATION
                | netbios::suffix::MASTER_BROWSER
                | netbios::suffix::ELECTION
        ) {
            out.claim(place, "workgroup", to.text.clone());
        }
        for (bit, part) in KINDS {
            if self.kind & bit != 0 {
                out.claim(place, "netbios_part", part.to_owned());
            }
        }
        if let (0, Some(os)) = (self.kind & UNIX, windows(self.system)) {
            out.claim(place, "os", os.to_owned());
        }
    }
}

/// Windows by the version of its kernel, as announced.
fn windows(version: (u8, u8)) -> Option<&'static str> {
    Some(match version {
        (4, 0) => "Windows 95 or NT 4.0",
        (4, 10) => "Windows 98",
        (4, 90) => "Windows Me",
        (5, 0) => "Windows 2000",
        (5, 1) => "Windows XP",
        (5, 2) => "Windows XP (64 bit) or Server 2003",
        (6, 0) => "Windows Vista or Server 2008",
        (6, 1) => "Windows 7 or Server 2008 R2",
        (6, 2) => "Windows 8 or Server 2012",
        (6, 3) => "Windows 8.1 or Server 2012 R2",
        (10, 0) => "Windows 10 or later",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
