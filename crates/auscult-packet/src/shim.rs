//! Headers between the link and the network: MPLS labels and PPPoE sessions.
//!
//! Sources: RFC 3032 (labels), RFC 4385 and RFC 4448 (Ethernet over MPLS), RFC 2516 (PPPoE).
//! What lies under the labels is nowhere said, so it is told by its first bytes. Neither labels
//! nor session numbers name a segment: the two directions have different ones.
//! Limits: 16 labels; pseudowires of Ethernet only.

use crate::bounds;
use crate::decode::{ETHERTYPE_FIRST, ETHERTYPE_IPV4, ETHERTYPE_IPV6, Extent};
use crate::layers::StopReason;
use crate::link::{Next, cut, ppp_after};

pub(crate) const ETHERTYPE_MPLS: u16 = 0x8847;
pub(crate) const ETHERTYPE_MPLS_MULTICAST: u16 = 0x8848;
const ETHERTYPE_PPPOE_DISCOVERY: u16 = 0x8863;
pub(crate) const ETHERTYPE_PPPOE: u16 = 0x8864;

/// Labels that are walked.
const LABELS_MAX: usize = bounds::LABELS.default as usize;

/// What stands behind the header of this EtherType, and where the packet ends by that header;
/// `None` for any other EtherType.
pub(crate) fn read(ethertype: u16, extent: Extent<'_>, at: usize) -> Option<(Next, usize)> {
    match ethertype {
        ETHERTYPE_MPLS | ETHERTYPE_MPLS_MULTICAST => Some((mpls(extent, at), extent.declared_end)),
        ETHERTYPE_PPPOE => Some(match extent.chunk::<6>(at) {
            Some(&[0x11, 0, _, _, l0, l1]) => {
                let length = usize::from(u16::from_be_bytes([l0, l1]));
                (ppp_after(extent, at + 6), at + 6 + length)
            }
            Some(_) => (Next::Stop(StopReason::EtherType, at), extent.declared_end),
            None => (cut(extent, at, 6), extent.declared_end),
        }),
        ETHERTYPE_PPPOE_DISCOVERY => {
            Some((Next::Stop(StopReason::LinkOwn, at), extent.declared_end))
        }
        _ => None,
    }
}

/// What lies under a stack of labels.
pub(crate) fn mpls(extent: Extent<'_>, mut at: usize) -> Next {
    for _ in 0..LABELS_MAX {
        let Some(&[_, _, low, _]) = extent.chunk::<4>(at) else {
            return cut(extent, at, 4);
        };
        at += 4;
        if low & 1 == 1 {
            return under_labels(extent, at);
        }
    }
    Next::Stop(StopReason::TooManyLabels, at)
}

/// Bytes behind the labels that decide what they are: the longest header that is looked for.
const DECIDING: usize = 40;

fn under_labels(extent: Extent<'_>, at: usize) -> Next {
    if extent.is_undecided(at, DECIDING) {
        return Next::Stop(StopReason::CutByCapture, at);
    }
    let Some(&[first, second]) = extent.chunk::<2>(at) else {
        return Next::Stop(StopReason::EndsInHeader, at);
    };
    match first >> 4 {
        4 | 6 if is_ip(extent, at) || !is_ethernet(extent, at) => Next::Ip(at),
        // The control word of a pseudowire: four bits 0, reserved bits, a number.
        0 if first == 0 && second == 0 && is_ethernet(extent, at + 4) => Next::Ethernet(at + 4),
        // Its associated channel.
        1 if is_channel(extent, at) => Next::Stop(StopReason::LinkOwn, at),
        _ if is_ethernet(extent, at) => Next::Ethernet(at),
        _ => Next::Stop(StopReason::EtherType, at),
    }
}

/// RFC 4385 §5: version 0, a reserved byte, a channel type.
fn is_channel(extent: Extent<'_>, at: usize) -> bool {
    matches!(extent.chunk::<2>(at), Some([0x10, 0]))
}

/// The start of an IP packet that ends where this one ends, or before.
pub(crate) fn is_ip(extent: Extent<'_>, at: usize) -> bool {
    let length = match extent.bytes.get(at..) {
        Some(&[0x45..=0x4f, _, l0, l1, ..]) if extent.chunk::<20>(at).is_some() => {
            match usize::from(u16::from_be_bytes([l0, l1])) {
                // Segmentation offload: the card would have filled it in.
                0 => 20,
                1..20 => return false,
                length => length,
            }
        }
        Some(&[0x60..=0x6f, _, _, _, l0, l1, ..]) if extent.chunk::<40>(at).is_some() => {
            40 + usize::from(u16::from_be_bytes([l0, l1]))
        }
        _ => return false,
    };
    at + length <= extent.declared_end
}

/// The start of an Ethernet frame: sent by one station, of a type or length that can be.
pub(crate) fn is_ethernet(extent: Extent<'_>, at: usize) -> bool {
    let Some(header) = extent.chunk::<14>(at) else {
        return false;
    };
    let sender_is_one = header[6] & 1 == 0;
    let ethertype = u16::from_be_bytes([header[12], header[13]]);
    let behind = at + 14;
    sender_is_one
        && match ethertype {
            ETHERTYPE_IPV4 => matches!(extent.bytes.get(behind), None | Some(0x45..=0x4f)),
            ETHERTYPE_IPV6 => matches!(extent.bytes.get(behind), None | Some(0x60..=0x6f)),
            0..ETHERTYPE_FIRST => behind + usize::from(ethertype) <= extent.declared_end,
            _ => true,
        }
}
