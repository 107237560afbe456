//! Which shards a packet goes to: its own, and those of the packets that it carries in tunnels.
//!
//! A carrier counts with its own address pair, what it carries with the innermost one, so that a
//! flow in a tunnel and its copies outside come to one shard. Carriers that came in fragments are
//! joined here once more, since only the whole one says whom it carries.
//! Limits: of carriers over UDP whose fragments are out of order, the pieces in front of the first
//! one are lost; nothing carried in fragments by a carrier in fragments is joined.

use auscult_capture::PacketMeta;
use auscult_packet::{
    Counters, Datagram, Defragmenter, Layers, Limits as FragmentLimits, Outcome, TUNNELS,
    decode_into, dispatch_layers, shard_of,
};

use crate::aggregates;
use crate::options::SHARDS;
use crate::steady::Steady;

/// A packet in a packet, for the shard of its innermost addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Inner {
    /// Which packet of the batch carries it.
    pub(crate) packet: u32,
    /// Where it goes.
    pub(crate) shard: u8,
    /// How many tunnels are to be opened.
    pub(crate) depth: u8,
    /// The carrier among [`Carried::joined`], when it came in fragments.
    pub(crate) joined: Option<u32>,
}

impl Inner {
    /// Place behind what its carrier makes its shard report: emissions of one packet have one
    /// order however many workers there are.
    pub(crate) fn place(&self) -> usize {
        let joined = if self.joined.is_some() {
            usize::from(DEPTH_MAX)
        } else {
            0
        };
        usize::from(self.depth) + joined
    }
}

/// What the packets of a batch carry.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    /// In order of the packets.
    pub(crate) inner: Vec<Inner>,
    /// Carriers made of fragments.
    pub(crate) joined: Vec<Datagram>,
}

impl Carried {
    pub(crate) fn clear(&mut self) {
        self.inner.clear();
        self.joined.clear();
    }

    /// The joined carrier of a packet, when it has one.
    pub(crate) fn carrier(&self, inner: &Inner) -> Option<&Datagram> {
        self.joined.get(inner.joined? as usize)
    }
}

/// Tunnels that are opened, one in another.
pub(crate) const DEPTH_MAX: u8 = TUNNELS.default as u8;

/// Sends packets to shards.
pub(crate) struct Spreader {
    fragments: Defragmenter,
    steady: Steady,
}

impl Spreader {
    pub(crate) fn new(limits: FragmentLimits) -> Self {
        Spreader {
            fragments: Defragmenter::new(limits),
            steady: Steady::default(),
        }
    }

    /// What joining carriers cost.
    pub(crate) fn counters(&self) -> Counters {
        self.fragments.counters()
    }

    /// The shard of a packet; notes what the packet, number `index` of its batch, carries.
    #[inline]
    pub(crate) fn shard(
        &mut self,
        index: usize,
        meta: &PacketMeta,
        frame: &[u8],
        carried: &mut Carried,
    ) -> u8 {
        let dispatch = aggregates::dispatched(meta, frame);
        if dispatch.may_carry | dispatch.fragment {
            self.open(index as u32, meta, frame, carried);
        }
        place(dispatch.key)
    }

    #[cold]
    fn open(&mut self, index: u32, meta: &PacketMeta, frame: &[u8], carried: &mut Carried) {
        let mut layers = Layers::new(meta.link);
        decode_into(&mut layers, meta.link, frame, meta.original);
        let Some(piece) = descend(index, layers, frame, None, carried) else {
            return;
        };
        if !(piece.may_carry() || self.fragments.awaits(&piece)) {
            return;
        }
        let clock = self.steady.at(meta.clock, meta.file);
        let outcome = self.fragments.push(&piece, frame, meta.reference(), clock);
        if let Outcome::Complete(datagram) = outcome {
            let joined = Some(carried.joined.len() as u32);
            descend(index, datagram.layers, &datagram.bytes, joined, carried);
            carried.joined.push(*datagram);
        }
    }
}

/// Opens tunnels one after the other, noting each packet found; the layers of a fragment when one
/// ends the way.
fn descend(
    packet: u32,
    mut layers: Layers,
    bytes: &[u8],
    joined: Option<u32>,
    carried: &mut Carried,
) -> Option<Layers> {
    for depth in 1..=DEPTH_MAX {
        if layers.fragment.is_some() {
            return Some(layers);
        }
        let found = layers.carried(bytes)?;
        if found.closed().is_some() {
            return None;
        }
        layers = found.decode(bytes, &layers);
        carried.inner.push(Inner {
            packet,
            shard: place(dispatch_layers(&layers, bytes).key),
            depth,
            joined,
        });
    }
    None
}

fn place(key: u64) -> u8 {
    shard_of(key, SHARDS) as u8
}
