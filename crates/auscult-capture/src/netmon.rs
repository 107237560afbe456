//! Microsoft Network Monitor's capture files: a header of 128 bytes, frames, then tables.
//!
//! Source: Microsoft's description of the format in the help of Network Monitor 3. Read: versions
//! 1.x and 2.x up to 2.3. Frames are taken as they follow each other, which is how they are
//! written; the table of their places, at the end, only tells where they end. Limits: times are
//! those of the capturing machine's wall clock, taken for UTC, except in version 2.3.

use auscult_model::{LinkType, Timestamp};

use crate::batch::PacketMeta;
use crate::info::InterfaceInfo;
use crate::record::{Order, Step, Tally, Window};

/// Length of the file header.
pub(crate) const FILE_HEADER: usize = 128;
const ORDER: Order = Order::Little;
/// From 1601, the epoch of Windows, to 1970, in units of 100 ns.
const EPOCH: i64 = 116_444_736_000_000_000;

/// A file's header, understood, and how far its frames were read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NetMon {
    /// Time of the capture's start, in nanoseconds.
    start: i64,
    network: u16,
    /// Length of a frame's header.
    header: usize,
    /// What follows a frame's bytes.
    trailer: usize,
    /// Bytes of frames that are left.
    left: u64,
}

impl NetMon {
    /// Whether a file begins as one of Network Monitor.
    pub(crate) fn detect(prefix: &[u8]) -> bool {
        prefix.starts_with(b"GMBU") || prefix.starts_with(b"RTSS")
    }

    /// Reads the file header; `Err` says what is wrong with it.
    pub(crate) fn open(header: &[u8], tally: &mut Tally) -> Result<NetMon, String> {
        let cut = || "the file ends within its header".to_owned();
        let header = header.first_chunk::<FILE_HEADER>().ok_or_else(cut)?;
        let (minor, major) = (header[4], header[5]);
        let (record, trailer) = match (major, minor) {
            (1, _) => (8, 0),
            (2, 0) => (16, 0),
            (2, 1) => (16, 2),
            (2, 2) => (16, 6),
            (2, 3) => (16, 15),
            _ => {
                return Err(format!(
                    "Network Monitor format version {major}.{minor} is not known"
                ));
            }
        };
        let short = |at| ORDER.u16_at(header, at).unwrap_or_default();
        let start = seconds(short(8), short(10), short(14)).ok_or("the header's date is none")?
            + i64::from(short(16)) * 3600
            + i64::from(short(18)) * 60
            + i64::from(short(20));
        let table = ORDER.u32_at(header, 24).unwrap_or_default();
        let network = short(6);
        tally.interfaces.push(InterfaceInfo {
            link: link_of(network),
            ..InterfaceInfo::default()
        });
        Ok(NetMon {
            start: start * Timestamp::SECOND + i64::from(short(22)) * Timestamp::MILLISECOND,
            network,
            header: record,
            trailer,
            // A capture that was not closed has no table.
            left: u64::from(table)
                .checked_sub(FILE_HEADER as u64)
                .unwrap_or(u64::MAX),
        })
    }

    /// Walks the frames of a window.
    pub(crate) fn parse(&mut self, window: &mut Window<'_>, tally: &mut Tally) -> Step {
        let mut at = window.start;
        loop {
            if self.left == 0 {
                // Tables follow.
                return Step::More {
                    at: window.bytes.len(),
                    need: 0,
                };
            }
            let rest = window.bytes.get(at..).unwrap_or_default();
            let Some((original, captured, after)) = self.lengths(rest) else {
                return Step::More {
                    at,
                    need: self.header,
                };
            };
            if captured as usize > tally.max_record {
                tally.oddities.record_limit += 1;
                let why = format!("a frame claims {captured} bytes");
                return Step::Damage { at, why };
            }
            let length = self.header + captured as usize + self.trailer;
            if length as u64 > self.left {
                let why = "a frame reaches into the table of frames".to_owned();
                return Step::Damage { at, why };
            }
            let Some(record) = rest.get(..length) else {
                return Step::More { at, need: length };
            };
            self.left -= length as u64;
            tally.number += 1;
            let (data, trailer) = record
                .get(self.header..)
                .and_then(|body| body.split_at_checked(captured as usize))
                .unwrap_or_default();
            match self.packet(data, trailer, after) {
                Some((time, link, skip)) => {
                    let captured = captured - skip;
                    tally.oddities.short_original += u64::from(captured > original);
                    window.packets.push(PacketMeta {
                        time,
                        clock: time,
                        number: tally.number,
                        file: tally.file,
                        offset: (at + self.header) as u32 + skip,
                        captured,
                        original: original.saturating_sub(skip).max(captured),
                        link,
                        ..PacketMeta::default()
                    });
                }
                None => tally.oddities.not_packets += 1,
            }
            at += length;
        }
    }

    /// Length on the wire, length here, nanoseconds after the start.
    fn lengths(&self, record: &[u8]) -> Option<(u32, u32, i64)> {
        if self.header == 8 {
            let after = i64::from(ORDER.u32_at(record, 0)?) * Timestamp::MILLISECOND;
            let original = u32::from(ORDER.u16_at(record, 4)?);
            return Some((original, u32::from(ORDER.u16_at(record, 6)?), after));
        }
        let after = (ORDER.u64_at(record, 0)? as i64).saturating_mul(1000);
        Some((ORDER.u32_at(record, 8)?, ORDER.u32_at(record, 12)?, after))
    }

    /// Time and link type of a frame, and the bytes of Network Monitor's own before it; `None`
    /// when it is a note of Network Monitor's and no packet.
    fn packet(
        &self,
        data: &[u8],
        trailer: &[u8],
        after: i64,
    ) -> Option<(Timestamp, LinkType, u32)> {
        let network = ORDER.u16_at(trailer, 0).unwrap_or(self.network);
        if network >= 0xfffb {
            return None;
        }
        let time = match ORDER.u64_at(trailer, 6) {
            Some(units) => (units as i64).saturating_sub(EPOCH).saturating_mul(100),
            None => self.start.saturating_add(after),
        };
        // In front of a wireless frame: version, length, and how it was received.
        let skip = match (network, data) {
            (6, [_, l0, l1, ..]) => u16::from_le_bytes([*l0, *l1]),
            _ => 0,
        };
        let fits = usize::from(skip) <= data.len();
        let skip = if fits { u32::from(skip) } else { 0 };
        Some((Timestamp(time), link_of(network), skip))
    }
}

/// The link type of a kind of network.
fn link_of(network: u16) -> LinkType {
    match network {
        1 => LinkType::ETHERNET,
        2 => LinkType::TOKEN_RING,
        3 => LinkType::FDDI,
        6 => LinkType::IEEE802_11,
        7..=9 => LinkType::RAW,
        // Captures converted from pcap.
        0xe000..=0xefff => LinkType(network & 0x0fff),
        _ => LinkType::UNKNOWN,
    }
}

/// Seconds from 1970 to the start of a day (Gregorian calendar); `None` when there is no such
/// day.
fn seconds(year: u16, month: u16, day: u16) -> Option<i64> {
    if !(1970..=2200).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years begin in March, so that the leap day is the last.
    let year = i64::from(year) - i64::from(month <= 2);
    let month = (i64::from(month) + 9) % 12;
    let days =
        year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + i64::from(day)
            - 1;
    Some((days - 719_468) * 86_400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_the_calendar() {
        assert_eq!(seconds(1970, 1, 1), Some(0));
        assert_eq!(seconds(2000, 3, 1), Some(951_868_800));
        assert_eq!(seconds(2024, 2, 29), Some(1_709_164_800));
        assert_eq!(seconds(2005, 13, 1), None);
    }
}
