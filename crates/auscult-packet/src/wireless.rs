//! What was received by radio: IEEE 802.11 frames, bare or behind what receivers put in front.
//!
//! Sources: IEEE 802.11-2020 clause 9 (frame control, addresses, QoS and HT control, A-MSDU,
//! mesh control); radiotap.org; the headers PPI, Prism and AVS as on
//! <https://www.tcpdump.org/linktypes.html>.
//! Limits: frames cut by the radio link into pieces are read from the first piece only; nothing
//! is decrypted. A frame whose payload is plain though its header says encrypted (sniffers and
//! controllers that decrypt leave the mark) is read.

use auscult_model::{LinkType, MacAddr};

use crate::decode::Extent;
use crate::layers::StopReason;
use crate::link::{Link, Next, cut, read_at};

/// True for captures from the air.
pub fn is_wireless(link: LinkType) -> bool {
    matches!(
        link,
        LinkType::IEEE802_11
            | LinkType::IEEE802_11_PRISM
            | LinkType::IEEE802_11_RADIOTAP
            | LinkType::IEEE802_11_AVS
            | LinkType::PPI
    )
}

/// What the receiver noted about a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Noted {
    /// The frame ends with its check sequence.
    check_sequence: bool,
    /// The check failed.
    damaged: bool,
    /// The payload is aligned to four bytes.
    padded: bool,
    /// Numbers have their high byte first.
    swapped: bool,
}

/// Reads up to what a frame carries.
pub(crate) fn read(link: LinkType, extent: Extent<'_>, at: usize, wraps: u8) -> Link {
    match link {
        LinkType::IEEE802_11 => frame(extent, at, Noted::default()),
        LinkType::IEEE802_11_RADIOTAP => radiotap(extent, at),
        LinkType::PPI => per_packet(extent, at, wraps),
        _ => older(extent, at),
    }
}

fn radiotap(extent: Extent<'_>, at: usize) -> Link {
    let Some(&[version, _, l0, l1, p0, ..]) = extent.chunk::<8>(at) else {
        return cut(extent, at, 8).into();
    };
    let len = usize::from(u16::from_le_bytes([l0, l1]));
    if version != 0 || len < 8 {
        return Next::Stop(StopReason::HeaderLength, at).into();
    }
    let mut noted = Noted::default();
    // Bit 0: a time of eight bytes, aligned to them. Bit 1: the flags.
    if p0 & 2 != 0 {
        let mut field = 8;
        // Further words of presence follow while the highest bit is set.
        while let Some(&[_, _, _, high]) = extent.chunk::<4>(at + field - 4)
            && high & 0x80 != 0
            && field < len
        {
            field += 4;
        }
        if p0 & 1 != 0 {
            field = field.next_multiple_of(8) + 8;
        }
        if let Some(&[flags]) = extent.chunk::<1>(at + field).filter(|_| field < len) {
            noted = Noted {
                check_sequence: flags & 0x10 != 0,
                damaged: flags & 0x40 != 0,
                padded: flags & 0x20 != 0,
                ..Noted::default()
            };
        }
    }
    frame(extent, at + len, noted)
}

/// PPI: fields of type, length and value in front of a frame of a stated link type.
fn per_packet(extent: Extent<'_>, at: usize, wraps: u8) -> Link {
    let Some(&[_, _, l0, l1, d0, d1, 0, 0]) = extent.chunk::<8>(at) else {
        return Next::Stop(StopReason::LinkType, at).into();
    };
    let end = at + usize::from(u16::from_le_bytes([l0, l1]));
    let link = LinkType(u16::from_le_bytes([d0, d1]));
    if end < at + 8 || wraps == 0 {
        return Next::Stop(StopReason::HeaderLength, at).into();
    }
    if link != LinkType::IEEE802_11 {
        return read_at(link, extent, end, wraps - 1);
    }
    let mut noted = Noted::default();
    let mut field = at + 8;
    while let Some(&[k0, k1, f0, f1]) = extent.chunk::<4>(field).filter(|_| field < end) {
        // 2: what is common to all 802.11 frames.
        if (k0, k1) == (2, 0)
            && let Some(&[flags]) = extent.chunk::<1>(field + 12)
        {
            noted.check_sequence = flags & 1 != 0;
            noted.damaged = flags & 4 != 0;
        }
        field += 4 + usize::from(u16::from_le_bytes([f0, f1]));
    }
    frame(extent, end, noted)
}

/// Prism's header of fixed length, or AVS, which drivers wrote under the same number.
fn older(extent: Extent<'_>, at: usize) -> Link {
    const PRISM: usize = 144;
    let Some(&[m0, m1, m2, m3, l0, l1, l2, l3]) = extent.chunk::<8>(at) else {
        return cut(extent, at, 8).into();
    };
    let little = u32::from_le_bytes([l0, l1, l2, l3]);
    let big = u32::from_be_bytes([l0, l1, l2, l3]);
    let len = match [m0, m1, m2, m3] {
        [0x80, 0x21, 0x10..=0x1f, _] => big,
        _ => match (little, big) {
            (8..=1024, _) => little,
            (_, 8..=1024) => big,
            _ => PRISM as u32,
        },
    };
    if !(8..=1024).contains(&len) {
        return Next::Stop(StopReason::HeaderLength, at).into();
    }
    frame(extent, at + len as usize, Noted::default())
}

/// Bits of the frame control's second byte.
mod control {
    pub(super) const TO_DS: u8 = 0x01;
    pub(super) const FROM_DS: u8 = 0x02;
    pub(super) const MORE_FRAGMENTS: u8 = 0x04;
    pub(super) const PROTECTED: u8 = 0x40;
    pub(super) const ORDER: u8 = 0x80;
}

/// A frame of data in a tunnel, without check sequence. Some access points send numbers, that of
/// the frame control too, with the high byte first. `None` when it is no frame in either.
pub(crate) fn carried(extent: Extent<'_>, at: usize) -> Option<Next> {
    let &[first, second] = extent.chunk::<2>(at)?;
    // Version 0, type 2.
    let is_data = |kind: u8| kind & 0x0f == 0x08;
    let (control, swapped) = match (first & 0x03, is_data(first), is_data(second)) {
        (_, false, true) => ((second, first), true),
        (0, ..) => ((first, second), false),
        _ => return None,
    };
    let noted = Noted {
        swapped,
        ..Noted::default()
    };
    Some(frame_of(extent, at, control, noted).next)
}

/// An IEEE 802.11 frame at `at`.
fn frame(extent: Extent<'_>, at: usize, noted: Noted) -> Link {
    let Some(&[kind, flags]) = extent.chunk::<2>(at) else {
        return cut(extent, at, 2).into();
    };
    frame_of(extent, at, (kind, flags), noted)
}

/// The same, its frame control read.
fn frame_of(extent: Extent<'_>, at: usize, (kind, flags): (u8, u8), noted: Noted) -> Link {
    let trailer = if noted.check_sequence { 4 } else { 0 };
    let stop = |why| Link {
        trailer,
        ..Next::Stop(why, at).into()
    };
    if noted.damaged {
        return stop(StopReason::Damaged);
    }
    // Version 0; type 2 is data, bit 6 of which says that it carries none.
    if kind & 0x03 != 0 {
        return stop(StopReason::EtherType);
    }
    if kind & 0x0c != 0x08 || kind & 0x40 != 0 {
        let (dst, src) = addresses(extent, at, kind);
        return Link {
            src_mac: src,
            dst_mac: dst,
            ..stop(StopReason::LinkOwn)
        };
    }
    let Some(header) = extent.chunk::<24>(at) else {
        return cut(extent, at, 24).into();
    };
    let address = |from: usize| {
        header
            .get(from..)
            .and_then(|rest| rest.first_chunk::<6>())
            .map(|mac| MacAddr(*mac))
    };
    let (to_ds, from_ds) = (flags & control::TO_DS != 0, flags & control::FROM_DS != 0);
    let mut end = at + 24;
    let (dst_mac, src_mac) = match (to_ds, from_ds) {
        (false, false) => (address(4), address(10)),
        (true, false) => (address(16), address(10)),
        (false, true) => (address(4), address(16)),
        (true, true) => {
            let Some(fourth) = extent.chunk::<6>(end) else {
                return cut(extent, at, 30).into();
            };
            end += 6;
            (address(16), Some(MacAddr(*fourth)))
        }
    };
    let mut qos = [0, 0];
    if kind & 0x80 != 0 {
        match extent.chunk::<2>(end) {
            Some(read) => qos = *read,
            None => return cut(extent, at, end + 2 - at).into(),
        }
        end += 2;
        if flags & control::ORDER != 0 {
            end += 4;
        }
    }
    if noted.padded {
        end = at + (end - at).next_multiple_of(4);
    }
    let fragment = header[if noted.swapped { 23 } else { 22 }] & 0x0f;
    let next = match payload(extent, end, flags, qos) {
        // Later pieces begin anywhere in a packet.
        _ if fragment != 0 => Next::Stop(StopReason::LinkFragment, end),
        // Pieces are not joined, so an aggregate in pieces is not taken apart.
        Next::Part(_) if flags & control::MORE_FRAGMENTS != 0 => {
            Next::Stop(StopReason::LinkFragment, end)
        }
        next => next,
    };
    Link {
        src_mac,
        dst_mac,
        next,
        trailer,
    }
}

/// Receiver and sender of frames without data, as far as they have them.
fn addresses(extent: Extent<'_>, at: usize, kind: u8) -> (Option<MacAddr>, Option<MacAddr>) {
    let address = |from| extent.chunk::<6>(at + from).map(|mac| MacAddr(*mac));
    // CTS and ACK have no sender.
    let src = if kind == 0xc4 || kind == 0xd4 {
        None
    } else {
        address(10)
    };
    (address(4), src)
}

/// The start of an LLC header with SNAP, and one with IP or ARP behind it.
const SNAP: [u8; 6] = [0xaa, 0xaa, 0x03, 0, 0, 0];

fn is_plain(extent: Extent<'_>, at: usize) -> bool {
    matches!(
        extent.chunk::<8>(at),
        Some(
            [0xaa, 0xaa, 0x03, 0, 0, 0, 0x08, 0x00 | 0x06]
                | [0xaa, 0xaa, 0x03, 0, 0, 0, 0x86, 0xdd]
        )
    )
}

/// Bytes that decide what a data frame carries: mesh control with two addresses, then SNAP.
const DECIDING: usize = 24;

/// What a data frame carries at `at`.
fn payload(extent: Extent<'_>, at: usize, flags: u8, qos: [u8; 2]) -> Next {
    if extent.is_undecided(at, DECIDING) {
        return Next::Stop(StopReason::CutByCapture, at);
    }
    if flags & control::PROTECTED != 0 {
        // Decrypted, with the key's header removed or left (WEP 4 bytes, TKIP and CCMP 8).
        let plain = [0, 4, 8].into_iter().find(|key| is_plain(extent, at + key));
        return match plain {
            Some(key) => Next::Llc(at + key),
            None => Next::Stop(StopReason::Encrypted, at),
        };
    }
    let [low, high] = qos;
    let meshed = mesh_control(extent, at).filter(|_| high & 1 != 0);
    if low & 0x80 != 0 {
        // Aggregated, unless a driver took it apart and left the mark.
        return match extent.chunk::<6>(at) {
            Some(&SNAP) => Next::Llc(at),
            _ => Next::Part(at),
        };
    }
    // In a mesh another header stands in front; elsewhere the bit means something else.
    match (extent.chunk::<6>(at), meshed) {
        (Some(&SNAP), _) | (_, None) => Next::Llc(at),
        (_, Some(end)) if extent.chunk::<6>(end) == Some(&SNAP) => Next::Llc(end),
        _ => Next::Llc(at),
    }
}

/// The end of a mesh control field: flags, time to live, number, and further addresses.
fn mesh_control(extent: Extent<'_>, at: usize) -> Option<usize> {
    let &[flags] = extent.chunk::<1>(at)?;
    Some(at + 6 + usize::from(flags & 3) * 6)
}

/// Where the packets of an aggregate begin after the first (A-MSDU: packets with a header as that
/// of IEEE 802.3, each aligned to four bytes); empty for every other frame.
pub fn further_parts(link: LinkType, frame: &[u8]) -> impl Iterator<Item = u32> {
    let extent = Extent {
        bytes: frame,
        declared_end: frame.len(),
    };
    let first = match is_wireless(link).then(|| crate::link::read_link(link, extent)) {
        Some(Link {
            next: Next::Part(at),
            trailer,
            ..
        }) => Some((at, frame.len().saturating_sub(trailer))),
        _ => None,
    };
    let mut here = first;
    std::iter::from_fn(move || {
        let (at, end) = here?;
        here = part_end(extent, at)
            .map(|after| at + (after - at).next_multiple_of(4))
            .filter(|next| next + 14 <= end)
            .map(|next| (next, end));
        here.map(|(next, _)| next as u32)
    })
}

/// The most bytes that a packet of an aggregate may have.
const PART_MAX: u16 = 2304;

/// Where the part of an aggregate that begins at `at` ends by its own length; `None` when that
/// cannot be.
pub(crate) fn part_end(extent: Extent<'_>, at: usize) -> Option<usize> {
    let &[l0, l1] = extent.chunk::<2>(at + 12)?;
    let len = u16::from_be_bytes([l0, l1]);
    (1..=PART_MAX)
        .contains(&len)
        .then(|| at + 14 + usize::from(len))
}
