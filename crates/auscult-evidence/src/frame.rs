//! A packet of a capture with its bytes, and where headers and payloads lie in them.

use auscult_model::{LinkType, PacketRef, Timestamp};
use auscult_packet::{Layers, TUNNELS, decode};

/// A packet as captured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// File and number.
    pub packet: PacketRef,
    /// Its time in the analysis.
    pub time: Timestamp,
    /// Capture interface, counted over the whole file.
    pub interface: u16,
    /// Link-layer header type.
    pub link: LinkType,
    /// Bytes on the wire.
    pub original: u32,
    /// Bytes as captured.
    pub data: Vec<u8>,
}

/// A packet while it is read.
#[derive(Clone, Copy, Debug)]
pub struct Taken<'a> {
    /// See [`Frame`].
    pub packet: PacketRef,
    /// See [`Frame`].
    pub time: Timestamp,
    /// See [`Frame`].
    pub interface: u16,
    /// See [`Frame`].
    pub link: LinkType,
    /// See [`Frame`].
    pub original: u32,
    /// See [`Frame`].
    pub data: &'a [u8],
}

impl Taken<'_> {
    /// A packet to keep.
    pub fn to_frame(self) -> Frame {
        Frame {
            packet: self.packet,
            time: self.time,
            interface: self.interface,
            link: self.link,
            original: self.original,
            data: self.data.to_vec(),
        }
    }
}

/// The layers of a packet: its own, and those of the packets that it carries, outermost first.
/// Never empty.
pub(crate) fn stack(link: LinkType, data: &[u8], original: u32) -> Vec<Layers> {
    let mut layers = decode(link, data, original);
    let mut all = vec![layers];
    for _ in 0..TUNNELS.default {
        let Some(carried) = layers.carried(data).filter(|it| it.closed().is_none()) else {
            break;
        };
        layers = carried.decode(data, &layers);
        all.push(layers);
    }
    all
}

impl Frame {
    pub(crate) fn stack(&self) -> Vec<Layers> {
        stack(self.link, &self.data, self.original)
    }
}
