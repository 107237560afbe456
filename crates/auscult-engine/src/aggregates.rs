//! Frames that hold several packets (A-MSDU of wireless LAN), taken apart before dispatch, since
//! their packets may belong to different shards.

use auscult_capture::{Batch, PacketMeta};
use auscult_model::LinkType;
use auscult_packet::{Dispatch, dispatch, dispatch_part, further_parts, is_wireless};

/// Adds the further packets of each aggregate behind its first one.
pub(crate) fn take_apart(batch: &mut Batch) {
    let in_the_air = |meta: &PacketMeta| meta.link != LinkType::ETHERNET && is_wireless(meta.link);
    if !batch.packets.iter().any(in_the_air) {
        return;
    }
    let mut packets = Vec::with_capacity(batch.packets.len());
    for (meta, frame) in batch.iter() {
        packets.push(*meta);
        // The frame's length on the wire is counted with its first packet.
        let further = further_parts(meta.link, frame).map(|part| PacketMeta {
            part,
            original: 0,
            ..*meta
        });
        packets.extend(further);
    }
    batch.packets = packets;
}

/// Where a packet goes.
#[inline]
pub(crate) fn dispatched(meta: &PacketMeta, frame: &[u8]) -> Dispatch {
    match meta.part {
        0 => dispatch(meta.link, frame, meta.original),
        part => Dispatch {
            key: dispatch_part(frame, part),
            ..Dispatch::default()
        },
    }
}
