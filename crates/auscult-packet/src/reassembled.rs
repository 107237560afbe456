//! A whole datagram made of fragments, and which packet each of its bytes came from.

use auscult_model::PacketRef;

use crate::decode::decode_ip;
use crate::layers::{Layers, Range32};

/// A run of bytes of a datagram and the packet that brought them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Where in [`Datagram::bytes`].
    pub range: Range32,
    /// The packet.
    pub packet: PacketRef,
    /// Offset in that packet's frame of the first byte of the range.
    pub frame_offset: u32,
}

/// A datagram again: IP header and payload as if it had never been cut.
///
/// The header is that of the first fragment with lengths and fragment fields mended; its
/// checksum is left as it came and no longer fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// IP header and payload.
    pub bytes: Vec<u8>,
    /// Layers of `bytes`: offsets are into it. Link addresses and VLAN tags are those of the
    /// first fragment; `fragment` is unset.
    pub layers: Layers,
    /// Where the bytes came from, in order of `range`; together they cover `bytes`.
    pub parts: Vec<Part>,
    /// Fragments overlapped with different bytes, or told different ends. The first received
    /// won.
    pub conflicting: bool,
}

impl Datagram {
    /// Decodes `bytes` and takes the link's part from the first fragment.
    pub(crate) fn new(bytes: Vec<u8>, first: &Layers, parts: Vec<Part>, conflicting: bool) -> Self {
        let mut layers = decode_ip(&bytes, bytes.len() as u32);
        layers.link = first.link;
        layers.src_mac = first.src_mac;
        layers.dst_mac = first.dst_mac;
        layers.vlan = first.vlan;
        layers.vlan_depth = first.vlan_depth;
        layers.overlay = first.overlay;
        layers.shims = first.shims;
        layers.ip_id = first.ip_id;
        Datagram {
            bytes,
            layers,
            parts,
            conflicting,
        }
    }

    /// The packet and the offset in its frame that byte `at` came from.
    pub fn origin(&self, at: u32) -> Option<(PacketRef, u32)> {
        let index = self.parts.partition_point(|part| part.range.end <= at);
        let part = self
            .parts
            .get(index)
            .filter(|part| part.range.start <= at)?;
        Some((part.packet, part.frame_offset + (at - part.range.start)))
    }
}
