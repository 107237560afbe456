//! Tells the same packet seen again (SPAN of both ports, routed leg, `-i any`) from a new one.
//!
//! The key is made of fields that are parsed anyway: addresses, ports, IP id, checksum of the
//! transport, length, sequence number. Within [`WINDOW`] the same key is the same packet; where
//! senders write no IP id (IPv6, id 0, UDP) repeats are common, so the copy must also differ in
//! MAC, hop limit or VLAN, or follow within [`CLOSE`].
//!
//! Limit: a direct-mapped table of [`SLOTS`] packets per shard; a newer packet takes the slot of
//! an older one, whose copies are then counted as packets.

use std::hash::{BuildHasher, Hasher};

use auscult_model::{MacAddr, Segment, Timestamp};
use auscult_packet::{Layers, Transport};
use foldhash::quality::FixedState;

/// Longest time between a packet and its copy, in units of [`Slot::time`].
const WINDOW: u32 = ((20 * Timestamp::MILLISECOND) >> UNIT) as u32;
/// Longest time between a packet and an indistinguishable copy of it.
const CLOSE: u32 = (Timestamp::MILLISECOND >> UNIT) as u32;
/// Times are kept in units of 2^10 nanoseconds.
const UNIT: u32 = 10;
/// Packets that are remembered.
const SLOTS: usize = 512;

/// Fixed, since which packets share a slot shows in the counts, and these must not differ from run
/// to run. Who aims at a slot has copies counted as packets, no more.
const SEED: u64 = 0x636f_7069_6573;

/// Small on purpose: the tables of all shards together stay in the processor's cache.
#[derive(Clone, Copy)]
struct Slot {
    key: u64,
    /// Low bits of the packet time; they come around after 73 minutes.
    time: u32,
    /// Where the packet was seen (its sender's MAC and its segment, digested to 24 bits), and its
    /// hop limit in the lowest octet.
    place: u32,
}

/// What a copy was compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Original {
    /// Hop limit of the packet first seen.
    pub(crate) ttl: u8,
}

/// Remembers the packets of the last moments.
pub(crate) struct Copies {
    slots: Vec<Slot>,
    hash: FixedState,
}

impl Copies {
    /// Remembers nothing yet.
    pub(crate) fn new() -> Self {
        Copies {
            slots: Vec::new(),
            hash: FixedState::with_seed(SEED),
        }
    }

    /// The packet of which this one is a copy; else remembers it.
    pub(crate) fn check(
        &mut self,
        layers: &Layers,
        segment: Segment,
        time: Timestamp,
    ) -> Option<Original> {
        if self.slots.is_empty() {
            let none = Slot {
                key: 0,
                time: 0,
                place: 0,
            };
            self.slots = vec![none; SLOTS];
        }
        let key = self.key(layers);
        let index = key as usize % SLOTS;
        let place = place(layers, segment) & !0xff | u32::from(layers.ttl);
        let time = (time.0 >> UNIT) as u32;
        let slot = self.slots.get_mut(index)?;
        let age = (time.wrapping_sub(slot.time) as i32).unsigned_abs();
        if slot.key == key
            && age <= WINDOW
            && (slot.place != place || age < CLOSE || has_identity(layers))
        {
            let ttl = slot.place as u8;
            return Some(Original { ttl });
        }
        *slot = Slot { key, time, place };
        None
    }

    fn key(&self, layers: &Layers) -> u64 {
        let mut hasher = self.hash.build_hasher();
        match (layers.src, layers.dst) {
            (std::net::IpAddr::V4(a), std::net::IpAddr::V4(b)) => {
                hasher.write_u64(u64::from(a.to_bits()) << 32 | u64::from(b.to_bits()));
            }
            (std::net::IpAddr::V6(a), std::net::IpAddr::V6(b)) => {
                hasher.write_u128(a.to_bits());
                hasher.write_u128(b.to_bits());
            }
            _ => {}
        }
        let (ports, sequence, sum) = match layers.transport {
            Transport::Tcp(t) => (
                u32::from(t.src_port) << 16 | u32::from(t.dst_port),
                u64::from(t.seq) << 32 | u64::from(t.ack),
                t.checksum,
            ),
            Transport::Udp(u) => (
                u32::from(u.src_port) << 16 | u32::from(u.dst_port),
                0,
                u.checksum,
            ),
            Transport::Icmp(i) | Transport::Icmpv6(i) => (
                u32::from(i.kind) << 8 | u32::from(i.code),
                u64::from(i.id) << 16 | u64::from(i.seq),
                i.checksum,
            ),
            Transport::Sctp(s) => (
                u32::from(s.src_port) << 16 | u32::from(s.dst_port),
                u64::from(s.tag),
                0,
            ),
            Transport::None | Transport::Other => (0, 0, 0),
        };
        let offset = layers.fragment.map_or(0, |fragment| fragment.offset);
        hasher.write_u64(u64::from(ports) << 32 | u64::from(layers.payload_on_wire));
        hasher.write_u64(sequence);
        hasher.write_u64(
            u64::from(layers.ip_id) << 32 | u64::from(sum) << 16 | u64::from(layers.ip_protocol),
        );
        hasher.write_u32(offset);
        hasher.finish().max(1)
    }
}

/// Digest of the sender's MAC and the segment, enough to tell two places apart.
fn place(layers: &Layers, segment: Segment) -> u32 {
    let mac = layers.src_mac.unwrap_or(MacAddr::NONE).0;
    let [_, _, a, b, c, d] = mac;
    let vlans = u32::from(segment.outer_vlan) << 16 | u32::from(segment.inner_vlan);
    let other = segment.overlay ^ u32::from(segment.interface) << 20;
    (u32::from_be_bytes([a, b, c, d]) ^ u32::from(mac[1]))
        .wrapping_mul(0x9e37_79b1)
        .wrapping_add(vlans.rotate_left(7) ^ other)
}

/// The sender numbers its packets, so that two with the same fields are one packet.
fn has_identity(layers: &Layers) -> bool {
    layers.ip_id != 0 && !matches!(layers.transport, Transport::Udp(_))
}
