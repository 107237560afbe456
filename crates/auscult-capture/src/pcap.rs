//! The libpcap file format: a header, then records of a fixed header and the packet's bytes.
//!
//! Source: draft-ietf-opsawg-pcap. Read: microseconds and nanoseconds, both byte orders, and
//! Kuznetzov's modified records (24 bytes). Times are unsigned 32-bit seconds (until 2106).
//! Not read: the IXIA and Nokia variants.

use auscult_model::{LinkType, Timestamp};

use crate::batch::PacketMeta;
use crate::info::{Format, InterfaceInfo};
use crate::record::{Order, Step, Tally, Window};

/// Length of the file header.
pub(crate) const FILE_HEADER: usize = 24;

/// A file's header, understood.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pcap {
    order: Order,
    /// Nanoseconds in one unit of the fraction.
    unit: i64,
    /// Length of a record's header.
    header: usize,
    link: LinkType,
    lengths: Lengths,
}

/// Which of a record's two lengths is which: early versions wrote the wire length first, and
/// version 2.3 was written both ways (as libpcap reads them).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lengths {
    CapturedFirst,
    OriginalFirst,
    LargerIsOriginal,
}

impl Pcap {
    /// Byte order, format and record header length, by the magic number.
    pub(crate) fn detect(prefix: &[u8]) -> Option<(Order, Format)> {
        let magic: [u8; 4] = *prefix.first_chunk()?;
        [Order::Little, Order::Big].into_iter().find_map(|order| {
            let format = match order.u32(magic) {
                0xa1b2_c3d4 => Format::Pcap,
                0xa1b2_3c4d => Format::PcapNanoseconds,
                0xa1b2_cd34 => Format::PcapModified,
                _ => return None,
            };
            Some((order, format))
        })
    }

    /// Reads the file header; `Err` says what is wrong with it.
    pub(crate) fn open(header: &[u8], tally: &mut Tally) -> Result<Pcap, String> {
        let cut = || "the file ends within its header".to_owned();
        let (order, format) = Pcap::detect(header).ok_or_else(cut)?;
        let major = order.u16_at(header, 4).ok_or_else(cut)?;
        let minor = order.u16_at(header, 6).ok_or_else(cut)?;
        let snaplen = order.u32_at(header, 16).ok_or_else(cut)?;
        let link = order.u32_at(header, 20).ok_or_else(cut)?;
        if major != 2 {
            return Err(format!("pcap format version {major} is not known"));
        }
        // The upper bits hold the length of the frame check sequence and flags.
        let link = LinkType(link as u16);
        tally.interfaces.push(InterfaceInfo {
            link,
            snaplen,
            ..InterfaceInfo::default()
        });
        Ok(Pcap {
            order,
            unit: if format == Format::PcapNanoseconds {
                1
            } else {
                1000
            },
            header: if format == Format::PcapModified {
                24
            } else {
                16
            },
            link,
            lengths: match minor {
                0..=2 => Lengths::OriginalFirst,
                3 => Lengths::LargerIsOriginal,
                _ => Lengths::CapturedFirst,
            },
        })
    }

    /// Walks the records of a window.
    pub(crate) fn parse(&self, window: &mut Window<'_>, tally: &mut Tally) -> Step {
        let bytes = window.bytes;
        let mut at = window.start;
        let mut number = tally.number;
        let blank = PacketMeta {
            file: tally.file,
            link: self.link,
            ..PacketMeta::default()
        };
        let step = loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let Some(fields) = rest.first_chunk::<16>() else {
                break Step::More {
                    at,
                    need: self.header,
                };
            };
            let [
                s0,
                s1,
                s2,
                s3,
                f0,
                f1,
                f2,
                f3,
                c0,
                c1,
                c2,
                c3,
                o0,
                o1,
                o2,
                o3,
            ] = *fields;
            let seconds = self.order.u32([s0, s1, s2, s3]);
            let fraction = self.order.u32([f0, f1, f2, f3]);
            let mut captured = self.order.u32([c0, c1, c2, c3]);
            let mut original = self.order.u32([o0, o1, o2, o3]);
            if self.lengths == Lengths::OriginalFirst
                || (self.lengths == Lengths::LargerIsOriginal && captured > original)
            {
                std::mem::swap(&mut captured, &mut original);
            }
            let end = self.header + captured as usize;
            if captured as usize > tally.max_record {
                tally.oddities.record_limit += 1;
                let why = format!("a record claims {captured} bytes");
                break Step::Damage { at, why };
            }
            if rest.len() < end {
                break Step::More { at, need: end };
            }
            if captured > original {
                match self.next_is_plausible(rest, end, window.last, tally.max_record) {
                    Some(true) => {
                        tally.oddities.short_original += 1;
                        original = captured;
                    }
                    Some(false) => {
                        let why = format!(
                            "a record holds {captured} bytes of a packet of {original} bytes"
                        );
                        break Step::Damage { at, why };
                    }
                    None => {
                        break Step::More {
                            at,
                            need: end + self.header,
                        };
                    }
                }
            }
            let time = i64::from(seconds) * Timestamp::SECOND + i64::from(fraction) * self.unit;
            number += 1;
            window.packets.push(PacketMeta {
                time: Timestamp(time),
                clock: Timestamp(time),
                number,
                offset: (at + self.header) as u32,
                captured,
                original,
                ..blank
            });
            at += end;
        };
        tally.number = number;
        step
    }

    /// Some tools write a wire length that is too small, so a record with one is believed when
    /// what follows can be a record; `None` when that is not known yet.
    fn next_is_plausible(
        &self,
        rest: &[u8],
        end: usize,
        last: bool,
        max_record: usize,
    ) -> Option<bool> {
        if last && rest.len() == end {
            return Some(true);
        }
        match (
            self.order.u32_at(rest, end + 4),
            self.order.u32_at(rest, end + 8),
        ) {
            (Some(fraction), Some(captured)) => {
                let whole = (Timestamp::SECOND / self.unit) as u32;
                Some(fraction < whole && captured as usize <= max_record)
            }
            _ if last => Some(false),
            _ => None,
        }
    }
}
