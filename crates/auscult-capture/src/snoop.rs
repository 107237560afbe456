//! Solaris's snoop format: a header of 16 bytes, then records padded to four bytes.
//!
//! Source: RFC 1761. Limits: version 2; the variants of Shomiti analysers are not read.

use auscult_model::{LinkType, Timestamp};

use crate::batch::PacketMeta;
use crate::info::InterfaceInfo;
use crate::record::{Order, Step, Tally, Window};

/// Length of the file header.
pub(crate) const FILE_HEADER: usize = 16;
const RECORD_HEADER: usize = 24;

/// A file's header, understood.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Snoop {
    link: LinkType,
}

impl Snoop {
    /// Whether a file begins as a snoop file.
    pub(crate) fn detect(prefix: &[u8]) -> bool {
        prefix.starts_with(b"snoop\0\0\0")
    }

    /// Reads the file header; `Err` says what is wrong with it.
    pub(crate) fn open(header: &[u8], tally: &mut Tally) -> Result<Snoop, String> {
        let cut = || "the file ends within its header".to_owned();
        let version = Order::Big.u32_at(header, 8).ok_or_else(cut)?;
        let data_link = Order::Big.u32_at(header, 12).ok_or_else(cut)?;
        if version != 2 {
            return Err(format!("snoop format version {version} is not known"));
        }
        let link = match data_link {
            0 | 4 => LinkType::ETHERNET,
            2 => LinkType::TOKEN_RING,
            8 => LinkType::FDDI,
            _ => LinkType::UNKNOWN,
        };
        tally.interfaces.push(InterfaceInfo {
            link,
            ..InterfaceInfo::default()
        });
        Ok(Snoop { link })
    }

    /// Walks the records of a window.
    pub(crate) fn parse(&self, window: &mut Window<'_>, tally: &mut Tally) -> Step {
        let mut at = window.start;
        loop {
            let rest = window.bytes.get(at..).unwrap_or_default();
            let Some(header) = rest.first_chunk::<RECORD_HEADER>() else {
                return Step::More {
                    at,
                    need: RECORD_HEADER,
                };
            };
            let word = |from| Order::Big.u32_at(header, from).unwrap_or_default();
            let (original, captured, length) = (word(0), word(4), word(8) as usize);
            if captured.max(original) as usize > tally.max_record || length > tally.max_record {
                tally.oddities.record_limit += 1;
                let why = format!("a record claims {} bytes", word(8).max(captured));
                return Step::Damage { at, why };
            }
            if length < RECORD_HEADER + captured as usize {
                let why = format!("a record of {length} bytes claims a packet of {captured}");
                return Step::Damage { at, why };
            }
            if rest.len() < length {
                // The last record may lack its padding.
                let packet = RECORD_HEADER + captured as usize;
                if !window.last || rest.len() < packet {
                    return Step::More { at, need: length };
                }
            }
            let time = i64::from(word(16)) * Timestamp::SECOND + i64::from(word(20)) * 1000;
            tally.number += 1;
            tally.oddities.short_original += u64::from(captured > original);
            window.packets.push(PacketMeta {
                time: Timestamp(time),
                clock: Timestamp(time),
                number: tally.number,
                file: tally.file,
                offset: (at + RECORD_HEADER) as u32,
                captured,
                original: original.max(captured),
                link: self.link,
                ..PacketMeta::default()
            });
            at = (at + length).min(window.bytes.len());
        }
    }
}
