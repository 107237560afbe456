//! The message format that DNS, multicast DNS, LLMNR and NetBIOS name service share.
//!
//! Sources: RFC 1035 §4.1 (header, question, record, compression), RFC 3596 (AAAA), RFC 2782
//! (SRV), RFC 6891 (EDNS).
//! Limits: 128 labels, 255 bytes and 64 jumps a name, pointers strictly backwards; 512 records a
//! message; 64 strings a TXT record. Record types not listed in [`Data`] keep their header only.
//!
//! ```text
//! 0 id u16 · 2 flags u16 · 4 questions u16 · 6 answers u16 · 8 authority u16 · 10 additional u16
//! question: name, type u16, class u16
//! record:   name, type u16, class u16, ttl u32, length u16, data
//! name:     labels (length 1..63, bytes) up to 0, or a pointer 11xxxxxx xxxxxxxx
//! ```

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use auscult_model::Bound;

use crate::Cursor;
use crate::text;

/// Length of the header.
pub const HEADER_LEN: usize = 12;
const LABELS_MAX: usize = 128;
const NAME_MAX: usize = 255;
/// Room for most names, so that their labels need no more.
const NAME_USUAL: usize = 40;
const JUMPS_MAX: usize = 64;
pub(crate) static RECORDS: Bound = Bound::constant(
    "dns-records",
    512,
    "records of one message",
    "further ones are not read",
);
const RECORDS_MAX: usize = RECORDS.default as usize;
const STRINGS_MAX: usize = 64;

/// Record types that are read or asked about here (RFC 1035 §3.2.2 and later registrations).
pub mod kind {
    #![allow(missing_docs, reason = "the registry's own names")]
    pub const A: u16 = 1;
    pub const NS: u16 = 2;
    pub const CNAME: u16 = 5;
    pub const PTR: u16 = 12;
    pub const HINFO: u16 = 13;
    pub const MX: u16 = 15;
    pub const TXT: u16 = 16;
    pub const AAAA: u16 = 28;
    pub const SRV: u16 = 33;
    pub const OPT: u16 = 41;
    pub const ANY: u16 = 255;
}

/// Class Internet.
pub const CLASS_IN: u16 = 1;

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It ends before what its counts and lengths announce; captures may cut packets.
    Short,
    /// A compression pointer that does not point back, or too many of them.
    Pointer,
    /// A name longer than 255 bytes or of more than 128 labels.
    NameTooLong,
    /// A label type that was never used (01 or 10).
    LabelType,
    /// A record whose data are not as long as its type says.
    Length,
    /// More records than are read.
    TooManyRecords,
}

impl Fault {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Fault::Short => "message ends early",
            Fault::Pointer => "compression pointer not backwards",
            Fault::NameTooLong => "name too long",
            Fault::LabelType => "unknown label type",
            Fault::Length => "record of a wrong length",
            Fault::TooManyRecords => "too many records",
        }
    }
}

/// The fixed part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Transaction id.
    pub id: u16,
    /// Flags: QR, opcode, AA, TC, RD, RA, Z, AD, CD, rcode.
    pub flags: u16,
    /// Numbers of questions, answers, authority and additional records.
    pub counts: [u16; 4],
}

impl Header {
    /// Reads the first twelve bytes.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        Some(Header {
            id: cursor.be_u16()?,
            flags: cursor.be_u16()?,
            counts: [
                cursor.be_u16()?,
                cursor.be_u16()?,
                cursor.be_u16()?,
                cursor.be_u16()?,
            ],
        })
    }

    /// An answer, not a question.
    pub fn is_response(&self) -> bool {
        self.flags & 0x8000 != 0
    }

    /// 0 query, 4 notify, 5 update.
    pub fn opcode(&self) -> u8 {
        (self.flags >> 11 & 0xf) as u8
    }

    /// The answer did not fit.
    pub fn is_truncated(&self) -> bool {
        self.flags & 0x0200 != 0
    }

    /// The bit that is still reserved.
    pub fn reserved(&self) -> bool {
        self.flags & 0x0040 != 0
    }

    /// Response code without the EDNS part.
    pub fn rcode(&self) -> u8 {
        (self.flags & 0xf) as u8
    }
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// As sent, without the final dot.
    pub name: String,
    /// Record type asked for.
    pub kind: u16,
    /// Class; multicast DNS uses the top bit for "answer by unicast".
    pub class: u16,
}

/// What a record holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// A or AAAA.
    Address(IpAddr),
    /// CNAME, NS or PTR.
    Name(String),
    /// MX.
    Mail {
        /// Lower is tried first.
        preference: u16,
        /// Mail server.
        exchange: String,
    },
    /// SRV.
    Service {
        /// Port on the target.
        port: u16,
        /// Host.
        target: String,
    },
    /// TXT.
    Text(Vec<String>),
    /// HINFO.
    Host {
        /// Kind of processor.
        cpu: String,
        /// Operating system.
        os: String,
    },
    /// Anything else.
    Other,
}

/// One record of one of the last three sections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Owner, as sent, without the final dot.
    pub name: String,
    /// Record type.
    pub kind: u16,
    /// Class, or the sender's UDP size in an OPT record.
    pub class: u16,
    /// Seconds it may be kept.
    pub ttl: u32,
    /// Content.
    pub data: Data,
}

/// A message, as far as it could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Fixed part.
    pub header: Header,
    /// First section.
    pub questions: Vec<Question>,
    /// Answers, authority, additional.
    pub sections: [Vec<Resource>; 3],
    /// Why reading ended early, if it did; what was read before holds.
    pub fault: Option<Fault>,
    /// Bytes read.
    pub length: usize,
}

impl Message {
    /// Reads a message; `None` when not even the header is there.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let header = Header::read(bytes)?;
        let mut message = Message {
            header,
            questions: Vec::new(),
            sections: Default::default(),
            fault: None,
            length: HEADER_LEN,
        };
        message.fault = message.read_sections(bytes).err();
        Some(message)
    }

    fn read_sections(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let mut at = HEADER_LEN;
        let mut left = RECORDS_MAX;
        let [questions, sections @ ..] = self.header.counts;
        for _ in 0..questions {
            left = left.checked_sub(1).ok_or(Fault::TooManyRecords)?;
            let (question, end) = read_question(bytes, at)?;
            self.questions.push(question);
            at = end;
            self.length = at;
        }
        for (count, section) in sections.into_iter().zip(&mut self.sections) {
            for _ in 0..count {
                left = left.checked_sub(1).ok_or(Fault::TooManyRecords)?;
                let (resource, end) = read_resource(bytes, at)?;
                section.push(resource);
                at = end;
                self.length = at;
            }
        }
        Ok(())
    }

    /// All records, answers first.
    pub fn resources(&self) -> impl Iterator<Item = &Resource> {
        self.sections.iter().flatten()
    }

    /// Response code with the upper bits of EDNS.
    pub fn rcode(&self) -> u16 {
        let [.., additional] = &self.sections;
        let upper = additional
            .iter()
            .find(|resource| resource.kind == kind::OPT)
            .map_or(0, |opt| (opt.ttl >> 24) as u16);
        upper << 4 | u16::from(self.header.rcode())
    }
}

/// Reads one question at `at`.
pub fn read_question(bytes: &[u8], at: usize) -> Result<(Question, usize), Fault> {
    let (name, end) = read_name(bytes, at)?;
    let (kind, class, end) = asked_for(bytes, end)?;
    Ok((Question { name, kind, class }, end))
}

/// Of the question at `at`, without its text: whether it names anything, type and class.
pub fn look_at_question(bytes: &[u8], at: usize) -> Result<(bool, u16, u16), Fault> {
    let mut is_named = false;
    let end = walk_name(bytes, at, |_| is_named = true)?;
    let (kind, class, _) = asked_for(bytes, end)?;
    Ok((is_named, kind, class))
}

/// Type and class behind a question's name, and where they end.
fn asked_for(bytes: &[u8], at: usize) -> Result<(u16, u16, usize), Fault> {
    let mut cursor = Cursor::new(bytes.get(at..).ok_or(Fault::Short)?);
    let kind = cursor.be_u16().ok_or(Fault::Short)?;
    let class = cursor.be_u16().ok_or(Fault::Short)?;
    Ok((kind, class, at + cursor.at()))
}

fn read_resource(bytes: &[u8], at: usize) -> Result<(Resource, usize), Fault> {
    let (name, end) = read_name(bytes, at)?;
    let mut cursor = Cursor::new(bytes.get(end..).ok_or(Fault::Short)?);
    let mut fixed = || {
        Some((
            cursor.be_u16()?,
            cursor.be_u16()?,
            cursor.be_u32()?,
            cursor.be_u16()?,
        ))
    };
    let (kind, class, ttl, length) = fixed().ok_or(Fault::Short)?;
    let start = end + cursor.at();
    let end = start + usize::from(length);
    // Names inside the data may point anywhere before, but must end inside the record.
    let upto = bytes.get(..end).ok_or(Fault::Short)?;
    let data = read_data(upto, start, kind, class)?;
    let resource = Resource {
        name,
        kind,
        class,
        ttl,
        data,
    };
    Ok((resource, end))
}

fn read_data(upto: &[u8], start: usize, kind: u16, class: u16) -> Result<Data, Fault> {
    let data = upto.get(start..).unwrap_or_default();
    let name_at = |offset: usize| read_name(upto, start + offset).map(|(name, _)| name);
    Ok(match (kind, data) {
        // Dynamic update deletes with empty data (RFC 2136 §2.5).
        (_, []) => Data::Other,
        (kind::A, &[a, b, c, d]) if class != 0 => {
            Data::Address(IpAddr::V4(Ipv4Addr::new(a, b, c, d)))
        }
        (kind::AAAA, _) => match <[u8; 16]>::try_from(data) {
            Ok(octets) => Data::Address(IpAddr::V6(Ipv6Addr::from(octets))),
            Err(_) => Data::Other,
        },
        (kind::CNAME | kind::NS | kind::PTR, _) => Data::Name(name_at(0)?),
        (kind::MX, &[p0, p1, ..]) => Data::Mail {
            preference: u16::from_be_bytes([p0, p1]),
            exchange: name_at(2)?,
        },
        (kind::SRV, &[_, _, _, _, p0, p1, ..]) => Data::Service {
            port: u16::from_be_bytes([p0, p1]),
            target: name_at(6)?,
        },
        (kind::TXT, _) => Data::Text(read_strings(data)),
        (kind::HINFO, _) => match <[String; 2]>::try_from(read_strings(data)) {
            Ok([cpu, os]) => Data::Host { cpu, os },
            Err(_) => Data::Other,
        },
        _ => Data::Other,
    })
}

fn read_strings(data: &[u8]) -> Vec<String> {
    let mut cursor = Cursor::new(data);
    let mut strings = Vec::new();
    while strings.len() < STRINGS_MAX {
        let Some(length) = cursor.u8() else { break };
        let Some(string) = cursor.take(usize::from(length)) else {
            break;
        };
        strings.push(text::lenient(string));
    }
    strings
}

/// Reads the name at `at`: its text without the final dot, and where what follows it begins.
pub fn read_name(bytes: &[u8], at: usize) -> Result<(String, usize), Fault> {
    let mut name = String::with_capacity(NAME_USUAL);
    let end = walk_name(bytes, at, |label| {
        if !name.is_empty() {
            name.push('.');
        }
        push_label(&mut name, label);
    })?;
    Ok((name, end))
}

/// Gives out the labels of the name at `at`; where what follows it begins.
fn walk_name(bytes: &[u8], mut at: usize, mut each: impl FnMut(&[u8])) -> Result<usize, Fault> {
    let mut end = None;
    let mut run = at;
    let (mut labels, mut length, mut jumps) = (0, 1, 0);
    loop {
        let first = *bytes.get(at).ok_or(Fault::Short)?;
        match first >> 6 {
            0 if first == 0 => return Ok(end.unwrap_or(at + 1)),
            0 => {
                let label_end = at + 1 + usize::from(first);
                let label = bytes.get(at + 1..label_end).ok_or(Fault::Short)?;
                labels += 1;
                length += 1 + label.len();
                if labels > LABELS_MAX || length > NAME_MAX {
                    return Err(Fault::NameTooLong);
                }
                each(label);
                at = label_end;
            }
            3 => {
                let second = *bytes.get(at + 1).ok_or(Fault::Short)?;
                let target = usize::from(first & 0x3f) << 8 | usize::from(second);
                jumps += 1;
                if target >= run || jumps > JUMPS_MAX {
                    return Err(Fault::Pointer);
                }
                end.get_or_insert(at + 2);
                run = target;
                at = target;
            }
            _ => return Err(Fault::LabelType),
        }
    }
}

/// Adds a label's text; what is no UTF-8, or unsafe to show, as `\DDD` (RFC 1035 §5.1).
fn push_label(name: &mut String, label: &[u8]) {
    if text::is_printable_ascii(label)
        && let Ok(label) = std::str::from_utf8(label)
    {
        return name.push_str(label);
    }
    let escape = |name: &mut String, byte: u8| {
        // Writing to a string cannot fail.
        let _ = write!(name, "\\{byte:03}");
    };
    for chunk in label.utf8_chunks() {
        for c in chunk.valid().chars() {
            if text::is_unsafe_to_show(c) {
                let mut buffer = [0; 4];
                c.encode_utf8(&mut buffer)
                    .bytes()
                    .for_each(|byte| escape(name, byte));
            } else {
                name.push(c);
            }
        }
        chunk.invalid().iter().for_each(|&byte| escape(name, byte));
    }
}

/// The address that a name under `in-addr.arpa` or `ip6.arpa` stands for.
pub fn reverse_address(name: &str) -> Option<IpAddr> {
    let name = name.to_ascii_lowercase();
    if let Some(labels) = name.strip_suffix(".in-addr.arpa") {
        let mut octets = [0u8; 4];
        let mut parts = labels.rsplit('.');
        for octet in &mut octets {
            *octet = parts.next()?.parse().ok()?;
        }
        return parts.next().is_none().then(|| IpAddr::from(octets));
    }
    let labels = name.strip_suffix(".ip6.arpa")?;
    let mut value = 0u128;
    let mut digits = 0;
    for label in labels.rsplit('.') {
        let mut chars = label.chars();
        let digit = chars.next()?.to_digit(16)?;
        digits += 1;
        if chars.next().is_some() || digits > 32 {
            return None;
        }
        value = value << 4 | u128::from(digit);
    }
    (digits == 32).then(|| IpAddr::V6(Ipv6Addr::from(value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn with_name(name: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 1, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        bytes.extend_from_slice(name);
        bytes.extend_from_slice(&[0, 1, 0, 1]);
        bytes
    }

    #[test]
    fn pointers_go_backwards_only() {
        // RFC 1035 §4.1.4's example, moved: F.ISI.ARPA at 20, FOO and a pointer to it at 40.
        let mut bytes = vec![0u8; 64];
        bytes[20..32].copy_from_slice(b"\x01F\x03ISI\x04ARPA\x00");
        bytes[40..46].copy_from_slice(b"\x03FOO\xc0\x14");
        assert_eq!(read_name(&bytes, 40), Ok(("FOO.F.ISI.ARPA".into(), 46)));
        for loops in [&b"\xc0\x0c"[..], b"\x01a\xc0\x0c", b"\xc0\x0e", b"\xc0\x20"] {
            let message = Message::read(&with_name(loops)).unwrap();
            assert_eq!(message.fault, Some(Fault::Pointer), "{loops:?}");
        }
        assert_eq!(
            Message::read(&with_name(b"\x41a\0")).unwrap().fault,
            Some(Fault::LabelType)
        );
    }

    #[test]
    fn names_are_bounded() {
        let label = [&[63u8][..], &[b'a'; 63]].concat();
        let whole = [label.repeat(3), [&[61u8][..], &[b'a'; 61], &[0]].concat()].concat();
        assert_eq!(whole.len(), 255);
        assert_eq!(Message::read(&with_name(&whole)).unwrap().fault, None);
        let longer = [label.repeat(3), [&[62u8][..], &[b'a'; 62], &[0]].concat()].concat();
        assert_eq!(
            Message::read(&with_name(&longer)).unwrap().fault,
            Some(Fault::NameTooLong)
        );
    }

    #[test]
    fn reverse_names() {
        assert_eq!(
            reverse_address("5.1.168.192.in-addr.ARPA"),
            Some("192.168.1.5".parse().unwrap())
        );
        let name = "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa";
        assert_eq!(
            reverse_address(name),
            Some("4321:0:1:2:3:4:567:89ab".parse().unwrap())
        );
        assert_eq!(reverse_address("1.168.192.in-addr.arpa"), None);
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            if let Some(message) = Message::read(&bytes) {
                prop_assert!(message.length <= bytes.len());
            }
        }
    }
}
