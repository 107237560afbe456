//! The pcapng file format: sections of blocks, with interfaces that each have a clock of their own.
//!
//! Source: draft-ietf-opsawg-pcapng. Packets come from enhanced, simple and obsolete packet
//! blocks; interface statistics, comments and names of addresses (`authored.rs`) are kept; every
//! other block is skipped. Interface numbers restart
//! with each section, here they are counted over the whole file. Limits: 65,535 interfaces; a
//! packet block longer than the record limit ends the reading, any other one is skipped over.

use auscult_model::{LinkType, Timestamp};

use crate::authored;
use crate::batch::PacketMeta;
use crate::bounds;
use crate::info::InterfaceInfo;
use crate::record::{Order, Step, Tally, Window};

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const NAME_RESOLUTION: u32 = 4;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;
/// Blocks without a packet that Wireshark shows, and numbers, as frames: the systemd journal,
/// custom blocks, Sysdig events (tried with tshark 4.0.17).
const NUMBERED: [u32; 6] = [9, 0x0bad, 0x4000_0bad, 0x204, 0x216, 0x221];

/// Block type, total length, and the length again at the end.
const FRAME: usize = 12;
const MAX_INTERFACES: usize = bounds::INTERFACES.default as usize;
const MAX_NAME: usize = 256;

/// State of a file between two blocks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pcapng {
    order: Order,
    section: Vec<Interface>,
    /// Time of the packet before, for packets without one.
    time: Timestamp,
    /// Sections and interfaces so far.
    generation: u64,
}

/// What a packet needs to know of its interface.
#[derive(Clone, Copy, Debug)]
struct Interface {
    global: u16,
    link: LinkType,
    snaplen: u32,
    clock: Resolution,
    offset: i64,
}

/// The unit of an interface's times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resolution {
    /// Nanoseconds in a unit.
    Times(u64),
    /// Units in a nanosecond.
    Parts(u128),
    /// 2 to this power units in a second.
    Binary(u32),
}

impl Resolution {
    /// From an `if_tsresol` option.
    fn from_option(value: u8) -> Self {
        let exponent = u32::from(value & 0x7f);
        if value & 0x80 != 0 {
            Resolution::Binary(exponent)
        } else if exponent <= 9 {
            Resolution::Times(10u64.pow(9 - exponent))
        } else {
            // Beyond 10^-38 s a 64-bit count is less than a nanosecond, whatever it is.
            Resolution::Parts(10u128.pow((exponent - 9).min(38)))
        }
    }

    #[inline]
    fn nanoseconds(self, units: u64) -> i64 {
        let wide = match self {
            Resolution::Times(1) => return i64::try_from(units).unwrap_or(i64::MAX),
            Resolution::Times(by) => u128::from(units) * u128::from(by),
            Resolution::Parts(by) => u128::from(units) / by,
            // 2^64 × 10^9 fits 94 bits.
            Resolution::Binary(shift) => (u128::from(units) * 1_000_000_000)
                .checked_shr(shift)
                .unwrap_or(0),
        };
        i64::try_from(wide).unwrap_or(i64::MAX)
    }
}

/// A packet block's fields before they are checked.
struct Fields<'a> {
    interface: usize,
    units: Option<u64>,
    captured: u32,
    original: u32,
    /// The block's body from the packet's first byte on.
    data: &'a [u8],
    /// Where the data begin in the block.
    at: usize,
}

impl Pcapng {
    /// Whether a file begins as a pcapng file.
    pub(crate) fn detect(prefix: &[u8]) -> bool {
        prefix.starts_with(&SECTION_HEADER.to_be_bytes())
    }

    /// Interfaces of the section.
    pub(crate) fn interfaces(&self) -> usize {
        self.section.len()
    }

    /// Changes with every section and interface.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Walks the blocks of a window.
    pub(crate) fn parse(&mut self, window: &mut Window<'_>, tally: &mut Tally) -> Step {
        let bytes = window.bytes;
        let mut at = window.start;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let Some(head) = rest.first_chunk::<12>() else {
                return Step::More { at, need: FRAME };
            };
            let [t0, t1, t2, t3, l0, l1, l2, l3, magic @ ..] = *head;
            let section = [t0, t1, t2, t3] == SECTION_HEADER.to_be_bytes();
            if section && let Err(why) = self.begin_section(magic) {
                return Step::Damage { at, why };
            }
            let kind = self.order.u32([t0, t1, t2, t3]);
            let stated = self.order.u32([l0, l1, l2, l3]) as usize;
            // Lengths must be multiples of four; where they are not, writers pad nevertheless.
            let length = stated.next_multiple_of(4);
            if stated < FRAME {
                let why = format!("a block claims a length of {stated} bytes");
                return Step::Damage { at, why };
            }
            if length > tally.max_record {
                return too_long(at, kind, length, tally);
            }
            let Some(block) = rest.get(..length) else {
                return Step::More { at, need: length };
            };
            if self.order.u32_at(block, length - 4) != Some(stated as u32) {
                let why = "the two lengths of a block differ".to_owned();
                return Step::Damage { at, why };
            }
            let body = block.get(8..length - 4).unwrap_or_default();
            if let Err(why) = self.block(kind, body, at + 8, window.packets, tally) {
                return Step::Damage { at, why };
            }
            at += length;
        }
    }

    fn begin_section(&mut self, magic: [u8; 4]) -> Result<(), String> {
        self.order = match u32::from_le_bytes(magic) {
            0x1a2b_3c4d => Order::Little,
            0x4d3c_2b1a => Order::Big,
            _ => return Err("a section header has an unknown byte order".to_owned()),
        };
        Ok(())
    }

    fn block(
        &mut self,
        kind: u32,
        body: &[u8],
        at: usize,
        packets: &mut Vec<PacketMeta>,
        tally: &mut Tally,
    ) -> Result<(), String> {
        let short = || format!("a block of type {kind} is too short");
        match kind {
            ENHANCED_PACKET => {
                let fields = self.enhanced(body).ok_or_else(short)?;
                self.packet(&fields, at, packets, tally)?;
                self.packet_comments(&fields, tally);
            }
            OBSOLETE_PACKET => {
                let fields = self.obsolete(body).ok_or_else(short)?;
                self.packet(&fields, at, packets, tally)?;
                self.packet_comments(&fields, tally);
            }
            SIMPLE_PACKET => {
                let fields = self.simple(body).ok_or_else(short)?;
                return self.packet(&fields, at, packets, tally);
            }
            SECTION_HEADER => {
                let major = self.order.u16_at(body, 4).ok_or_else(short)?;
                let minor = self.order.u16_at(body, 6).ok_or_else(short)?;
                // Version 1.2 was written by some tools and is the same as 1.0.
                if major != 1 || !matches!(minor, 0 | 2) {
                    return Err(format!(
                        "pcapng format version {major}.{minor} is not known"
                    ));
                }
                self.section.clear();
                self.generation += 1;
                authored::comments(options(self.order, rest(body, 16)), None, tally);
            }
            NAME_RESOLUTION => authored::names(self.order, body, tally),
            INTERFACE => self.interface(body, tally).ok_or_else(short)?,
            INTERFACE_STATISTICS => self.statistics(body, tally).ok_or_else(short)?,
            _ => skipped(kind, tally),
        }
        Ok(())
    }

    fn enhanced<'a>(&self, body: &'a [u8]) -> Option<Fields<'a>> {
        let order = self.order;
        let high = u64::from(order.u32_at(body, 4)?);
        let low = u64::from(order.u32_at(body, 8)?);
        Some(Fields {
            interface: order.u32_at(body, 0)? as usize,
            units: Some(high << 32 | low),
            captured: order.u32_at(body, 12)?,
            original: order.u32_at(body, 16)?,
            data: body.get(20..)?,
            at: 20,
        })
    }

    fn obsolete<'a>(&self, body: &'a [u8]) -> Option<Fields<'a>> {
        let interface = usize::from(self.order.u16_at(body, 0)?);
        Some(Fields {
            interface,
            ..self.enhanced(body)?
        })
    }

    fn simple<'a>(&self, body: &'a [u8]) -> Option<Fields<'a>> {
        let original = self.order.u32_at(body, 0)?;
        let data = body.get(4..)?;
        let snaplen = self
            .section
            .first()
            .map_or(0, |interface| interface.snaplen);
        let limit = if snaplen == 0 { u32::MAX } else { snaplen };
        // The captured length is not stated: the packet, cut to the snaplen, fills the block.
        let captured = original.min(limit).min(data.len() as u32);
        Some(Fields {
            interface: 0,
            units: None,
            captured,
            original,
            data,
            at: 4,
        })
    }

    fn packet(
        &mut self,
        fields: &Fields<'_>,
        at: usize,
        packets: &mut Vec<PacketMeta>,
        tally: &mut Tally,
    ) -> Result<(), String> {
        let Some(interface) = self.section.get(fields.interface) else {
            return Err(format!(
                "a packet names interface {}, unknown here",
                fields.interface
            ));
        };
        let Fields {
            captured, original, ..
        } = *fields;
        if captured as usize > fields.data.len() {
            return Err(format!(
                "a packet claims {captured} bytes, more than its block"
            ));
        }
        if captured > original {
            tally.oddities.short_original += 1;
        }
        match fields.units {
            Some(units) => {
                let time = interface.clock.nanoseconds(units);
                self.time = Timestamp(time.saturating_add(interface.offset));
            }
            None => tally.oddities.without_time += 1,
        }
        tally.number += 1;
        packets.push(PacketMeta {
            time: self.time,
            clock: self.time,
            number: tally.number,
            file: tally.file,
            offset: (at + fields.at) as u32,
            captured,
            original: original.max(captured),
            part: 0,
            interface: interface.global,
            link: interface.link,
        });
        Ok(())
    }

    /// Reads the options behind a packet's data; most packets have none.
    #[inline]
    fn packet_comments(&self, fields: &Fields<'_>, tally: &mut Tally) {
        let data = (fields.captured as usize).next_multiple_of(4);
        if fields.data.len() > data {
            let number = Some(tally.number);
            authored::comments(options(self.order, rest(fields.data, data)), number, tally);
        }
    }

    fn interface(&mut self, body: &[u8], tally: &mut Tally) -> Option<()> {
        let order = self.order;
        let link = LinkType(order.u16_at(body, 0)?);
        let snaplen = order.u32_at(body, 4)?;
        let mut info = InterfaceInfo {
            link,
            snaplen,
            ..InterfaceInfo::default()
        };
        let mut clock = Resolution::Times(1000);
        let mut offset = 0i64;
        authored::comments(options(order, body.get(8..)?), None, tally);
        for (code, value) in options(order, body.get(8..)?) {
            match (code, value) {
                (2, name) => info.name = Some(text(name)),
                (9, [resolution, ..]) => clock = Resolution::from_option(*resolution),
                (14, seconds) => {
                    let seconds = order.u64_at(seconds, 0).unwrap_or(0) as i64;
                    offset = seconds.saturating_mul(Timestamp::SECOND);
                }
                _ => {}
            }
        }
        self.generation += 1;
        let global = tally.interfaces.len().min(MAX_INTERFACES);
        if global < MAX_INTERFACES {
            tally.interfaces.push(info);
        } else {
            tally.oddities.interface_limit += 1;
        }
        if self.section.len() < MAX_INTERFACES {
            self.section.push(Interface {
                global: global as u16,
                link,
                snaplen,
                clock,
                offset,
            });
        }
        Some(())
    }

    fn statistics(&self, body: &[u8], tally: &mut Tally) -> Option<()> {
        let order = self.order;
        let local = order.u32_at(body, 0)? as usize;
        let known = self.section.get(local);
        let info = known.and_then(|it| tally.interfaces.get_mut(usize::from(it.global)));
        let Some(info) = info else {
            tally.oddities.skipped_blocks += 1;
            return Some(());
        };
        for (code, value) in options(order, body.get(12..)?) {
            let field = match code {
                4 => &mut info.received,
                5 => &mut info.dropped_by_interface,
                6 => &mut info.accepted_by_filter,
                7 => &mut info.dropped_by_system,
                _ => continue,
            };
            // Counters only grow: a later block replaces an earlier one.
            *field = order.u64_at(value, 0).or(*field);
        }
        Some(())
    }
}

/// A block beyond the limit: a packet of that length is not believed, anything else is skipped.
fn too_long(at: usize, kind: u32, length: usize, tally: &mut Tally) -> Step {
    let read = [
        SECTION_HEADER,
        INTERFACE,
        OBSOLETE_PACKET,
        SIMPLE_PACKET,
        ENHANCED_PACKET,
    ];
    if read.contains(&kind) {
        tally.oddities.record_limit += 1;
        return Step::Damage {
            at,
            why: format!("a block claims {length} bytes"),
        };
    }
    skipped(kind, tally);
    Step::Skip {
        at,
        length: length as u64,
    }
}

/// Counts a block that is not read.
fn skipped(kind: u32, tally: &mut Tally) {
    if NUMBERED.contains(&kind) {
        tally.number += 1;
        tally.oddities.not_packets += 1;
    } else {
        tally.oddities.skipped_blocks += 1;
    }
}

/// What stands behind the first bytes.
fn rest(bytes: &[u8], from: usize) -> &[u8] {
    bytes.get(from..).unwrap_or_default()
}

/// The options of a block: code and value, up to the end mark or to what does not fit.
pub(crate) fn options(order: Order, mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let code = order.u16_at(bytes, 0)?;
        let length = usize::from(order.u16_at(bytes, 2)?);
        let value = bytes.get(4..4 + length)?;
        bytes = bytes
            .get(4 + length.next_multiple_of(4)..)
            .unwrap_or_default();
        (code != 0).then_some((code, value))
    })
}

/// A name from the file, cut to a reasonable length.
fn text(bytes: &[u8]) -> String {
    let bytes = bytes.get(..MAX_NAME).unwrap_or(bytes);
    String::from_utf8_lossy(bytes)
        .trim_end_matches('\0')
        .to_owned()
}
