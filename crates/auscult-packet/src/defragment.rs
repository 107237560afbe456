//! Joins IP fragments into datagrams, under limits on everything.
//!
//! RFC 791 §3.2, RFC 8200 §4.5, RFC 5722 (overlap). Unlike a receiver, which drops a datagram
//! whose fragments overlap, this keeps the bytes received first and flags it: what different
//! systems would have made of it differs. The clock is that of the capture.
//!
//! Limits: see [`Limits`]; each one that is reached is counted in [`Counters`].

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::IpAddr;

use auscult_model::{MacAddr, PacketRef, Timestamp};
use foldhash::quality::RandomState;

use crate::bounds;
use crate::layers::{Fragment, Layers, Network, Range32};
use crate::reassembled::{Datagram, Part};

/// The most bytes that a datagram can have after its header, by the width of its length fields.
const DATAGRAM_MAX: u32 = 65_535;
/// Completed datagrams remembered, so that late copies of their fragments start nothing.
const RECENT_MAX: usize = 64;
/// How long copies of a packet may lag behind it (mirror ports that see it twice).
const COPY_WINDOW: i64 = 20 * Timestamp::MILLISECOND;

/// What the defragmenter may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Datagrams in flight; the oldest makes room.
    pub datagrams: usize,
    /// Bytes held over all datagrams; the oldest make room.
    pub bytes: usize,
    /// Pieces of one datagram; further ones are refused.
    pub pieces: usize,
    /// How long a datagram may take, in nanoseconds of capture time from its first fragment.
    pub timeout: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            datagrams: bounds::DATAGRAMS.default as usize,
            bytes: 16 << 20,
            pieces: bounds::PIECES.default as usize,
            timeout: 30 * Timestamp::SECOND,
        }
    }
}

/// What was done, and what was given up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Fragments seen.
    pub fragments: u64,
    /// Datagrams made whole.
    pub completed: u64,
    /// Datagrams given up because they took too long.
    pub expired: u64,
    /// Datagrams given up to stay under the limit on their number.
    pub evicted: u64,
    /// Datagrams given up, and fragments refused, to stay under the limit on their bytes.
    pub over_bytes: u64,
    /// Fragments that brought nothing new (copies, retransmissions).
    pub duplicates: u64,
    /// Fragments that contradicted an earlier one: other bytes, or another end.
    pub conflicts: u64,
    /// Fragments refused for their form: see [`Refusal::Malformed`].
    pub malformed: u64,
    /// Fragments refused because the capture cut them.
    pub cut: u64,
    /// Fragments refused because their datagram had too many pieces.
    pub over_pieces: u64,
}

impl Counters {
    /// The limits that were reached, by name.
    pub fn limits(&self) -> [(&'static str, u64); 3] {
        [
            (bounds::DATAGRAMS.name, self.evicted),
            (bounds::BYTES.name, self.over_bytes),
            (bounds::PIECES.name, self.over_pieces),
        ]
    }
}

/// Why a fragment could not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Empty, not a multiple of eight bytes before the end, or beyond the largest datagram.
    Malformed,
    /// The capture holds only a part of it.
    Cut,
    /// A limit was reached.
    OverLimit,
}

/// What became of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The packet is whole: go on with it.
    NotAFragment,
    /// Kept until the rest comes, or a copy of something kept.
    Held,
    /// The last piece: here is the datagram.
    Complete(Box<Datagram>),
    /// Not usable: go on with the packet as it is.
    Refused(Refusal),
}

/// What the fragments of one datagram share. VLAN tags and the sender's MAC belong to it so that
/// the legs of a routed datagram, seen twice, stay apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    src: IpAddr,
    dst: IpAddr,
    id: u32,
    /// 0 in IPv6, where fragments of one datagram may name different next headers (RFC 8200).
    protocol: u8,
    vlan: [u16; 2],
    overlay: u32,
    src_mac: Option<MacAddr>,
}

impl Key {
    fn of(layers: &Layers, fragment: &Fragment) -> Self {
        let protocol = if layers.network == Network::Ipv4 {
            fragment.protocol
        } else {
            0
        };
        Key {
            src: layers.src,
            dst: layers.dst,
            id: fragment.id,
            protocol,
            vlan: layers.vlan,
            overlay: layers.overlay,
            src_mac: layers.src_mac,
        }
    }
}

/// A run of bytes of the datagram.
#[derive(Clone, Copy, Debug)]
struct Piece {
    start: u32,
    end: u32,
    /// Where the bytes lie in `Partial::bytes`.
    stored_at: u32,
    packet: PacketRef,
    frame_offset: u32,
}

/// The start of the datagram as its first fragment had it.
#[derive(Debug)]
struct Header {
    layers: Layers,
    fragment: Fragment,
    bytes: Vec<u8>,
    packet: PacketRef,
}

/// A datagram in the making.
#[derive(Debug)]
struct Partial {
    key: Key,
    since: Timestamp,
    /// Kept bytes in order of arrival.
    bytes: Vec<u8>,
    /// Sorted, without overlap.
    pieces: Vec<Piece>,
    /// Bytes kept; equal to `end` once nothing is missing.
    filled: u32,
    end: Option<u32>,
    header: Option<Header>,
    conflicting: bool,
}

impl Partial {
    fn new(key: Key, since: Timestamp) -> Self {
        Partial {
            key,
            since,
            bytes: Vec::new(),
            pieces: Vec::new(),
            filled: 0,
            end: None,
            header: None,
            conflicting: false,
        }
    }

    /// What it costs, for the budget.
    fn cost(&self) -> usize {
        let header = self.header.as_ref().map_or(0, |header| header.bytes.len());
        self.bytes.len() + header + self.pieces.len() * size_of::<Piece>() + size_of::<Partial>()
    }

    fn is_complete(&self) -> bool {
        self.header.is_some() && self.end == Some(self.filled)
    }

    /// Adds what is new in a fragment. True when it contradicted something.
    fn add(&mut self, start: u32, data: &[u8], packet: PacketRef, frame_offset: u32) -> bool {
        let end = start + data.len() as u32;
        let mut conflict = false;
        let first = self.pieces.partition_point(|piece| piece.end <= start);
        let mut at = start;
        let mut index = first;
        while at < end {
            let (gap_end, covered_end) = match self.pieces.get(index) {
                Some(piece) if piece.start < end => (piece.start.max(at), piece.end.min(end)),
                _ => (end, end),
            };
            if at < gap_end {
                let new = slice(data, at - start, gap_end - start);
                let piece = Piece {
                    start: at,
                    end: gap_end,
                    stored_at: self.bytes.len() as u32,
                    packet,
                    frame_offset: frame_offset + (at - start),
                };
                self.bytes.extend_from_slice(new);
                self.filled += gap_end - at;
                self.pieces.insert(index, piece);
                index += 1;
            }
            if gap_end < covered_end {
                conflict |= self.differs(
                    index,
                    gap_end,
                    slice(data, gap_end - start, covered_end - start),
                );
                index += 1;
            }
            at = covered_end;
        }
        conflict
    }

    /// The piece at `index` holds other bytes than `data` from `at` on.
    fn differs(&self, index: usize, at: u32, data: &[u8]) -> bool {
        let Some(piece) = self.pieces.get(index) else {
            return false;
        };
        let from = piece.stored_at + (at - piece.start);
        slice(&self.bytes, from, from + data.len() as u32) != data
    }

    /// Puts the datagram together. `None` when the header is missing.
    fn assemble(self) -> Option<Datagram> {
        let header = self.header?;
        let mut bytes = header.bytes;
        bytes.reserve_exact(self.bytes.len());
        let mut parts = Vec::with_capacity(self.pieces.len() + 1);
        parts.push(Part {
            range: Range32 {
                start: 0,
                end: bytes.len() as u32,
            },
            packet: header.packet,
            frame_offset: header.layers.ip_start,
        });
        mend(&mut bytes, self.filled, &header.layers, &header.fragment);
        for piece in &self.pieces {
            let start = bytes.len() as u32;
            let len = piece.end - piece.start;
            bytes.extend_from_slice(slice(&self.bytes, piece.stored_at, piece.stored_at + len));
            let range = Range32 {
                start,
                end: start + len,
            };
            parts.push(Part {
                range,
                packet: piece.packet,
                frame_offset: piece.frame_offset,
            });
        }
        Some(Datagram::new(
            bytes,
            &header.layers,
            parts,
            self.conflicting,
        ))
    }
}

fn slice(bytes: &[u8], start: u32, end: u32) -> &[u8] {
    bytes.get(start as usize..end as usize).unwrap_or_default()
}

/// Makes a fragment's header that of the whole: lengths, fragment fields, next header.
fn mend(header: &mut [u8], data_len: u32, layers: &Layers, fragment: &Fragment) {
    let whole = header.len() as u32 + data_len;
    // Too long for the field when the first fragment alone has options: 0 is "to the end".
    let field = |len: u32| u16::try_from(len).unwrap_or(0).to_be_bytes();
    if layers.network == Network::Ipv4 {
        if let [_, _, l0, l1, _, _, f0, f1, ..] = header {
            [*l0, *l1] = field(whole);
            // The reserved and the don't-fragment bit stay.
            *f0 &= 0xc0;
            *f1 = 0;
        }
        return;
    }
    if let [_, _, _, _, l0, l1, ..] = header {
        [*l0, *l1] = field(whole.saturating_sub(40));
    }
    let named_at = fragment.named_at.saturating_sub(layers.ip_start) as usize;
    if let Some(next_header) = header.get_mut(named_at) {
        *next_header = fragment.protocol;
    }
}

/// Joins fragments. One per place that sees packets in order.
#[derive(Debug, Default)]
pub struct Defragmenter {
    limits: Limits,
    counters: Counters,
    /// Serial number of each datagram in flight.
    serials: HashMap<Key, u64, RandomState>,
    /// Datagrams by serial number, that is, by age: the first is the next to expire.
    partials: BTreeMap<u64, Partial>,
    next_serial: u64,
    /// Sum of `Partial::cost`.
    held: usize,
    recent: VecDeque<(Timestamp, Key)>,
}

impl Defragmenter {
    /// An empty one.
    pub fn new(limits: Limits) -> Self {
        Defragmenter {
            limits,
            ..Self::default()
        }
    }

    /// What was done so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Datagrams in flight.
    pub fn in_flight(&self) -> usize {
        self.partials.len()
    }

    /// Bytes held, as the budget counts them.
    pub fn held(&self) -> usize {
        self.held
    }

    /// Takes a packet. Whatever is not [`Outcome::Held`] goes on: as it is, or as the datagram.
    #[inline]
    pub fn push(
        &mut self,
        layers: &Layers,
        frame: &[u8],
        packet: PacketRef,
        clock: Timestamp,
    ) -> Outcome {
        match &layers.fragment {
            None => Outcome::NotAFragment,
            Some(fragment) => self.push_fragment(layers, fragment, frame, packet, clock),
        }
    }

    /// Whether the datagram of a fragment is in flight.
    pub fn awaits(&self, layers: &Layers) -> bool {
        let key = layers.fragment.map(|f| Key::of(layers, &f));
        key.is_some_and(|key| self.serials.contains_key(&key))
    }

    /// Gives up what is older than the time-out.
    pub fn expire(&mut self, clock: Timestamp) {
        while let Some((&serial, oldest)) = self.partials.first_key_value() {
            if clock.since(oldest.since) <= self.limits.timeout {
                break;
            }
            self.remove(serial);
            self.counters.expired += 1;
        }
    }

    #[cold]
    fn push_fragment(
        &mut self,
        layers: &Layers,
        fragment: &Fragment,
        frame: &[u8],
        packet: PacketRef,
        clock: Timestamp,
    ) -> Outcome {
        self.counters.fragments += 1;
        self.expire(clock);
        let data = match checked_data(layers, fragment, frame) {
            Ok(data) => data,
            Err(why) => return self.refuse(why),
        };
        let key = Key::of(layers, fragment);
        let serial = match self.serials.get(&key).copied() {
            Some(serial) => serial,
            None if self.is_late_copy(&key, clock) => {
                self.counters.duplicates += 1;
                return Outcome::Held;
            }
            None => self.open(key, clock),
        };
        let Some(partial) = self.partials.get_mut(&serial) else {
            return self.refuse(Refusal::OverLimit);
        };
        if partial.pieces.len() >= self.limits.pieces {
            self.counters.over_pieces += 1;
            return self.refuse(Refusal::OverLimit);
        }
        let cost_before = partial.cost();
        let filled_before = partial.filled;
        let end = fragment.offset + data.len() as u32;
        let beyond = partial
            .pieces
            .last()
            .is_some_and(|last| !fragment.more && last.end > end);
        let other_end = partial
            .end
            .is_some_and(|known| end > known || (!fragment.more && end != known));
        if beyond || other_end {
            // The first received wins: the end that was told, or bytes beyond this end.
            partial.conflicting = true;
            self.counters.conflicts += 1;
            return Outcome::Held;
        }
        if !fragment.more {
            partial.end = Some(end);
        }
        if fragment.offset == 0 && partial.header.is_none() {
            partial.header = Some(Header {
                layers: *layers,
                fragment: *fragment,
                bytes: slice(frame, layers.ip_start, fragment.header_at).to_vec(),
                packet,
            });
        }
        if partial.add(fragment.offset, data, packet, fragment.data_at) {
            partial.conflicting = true;
            self.counters.conflicts += 1;
        } else if partial.filled == filled_before {
            self.counters.duplicates += 1;
        }
        self.held += partial.cost() - cost_before;
        if partial.is_complete() {
            return self.complete(serial, clock);
        }
        self.make_room(serial)
    }

    fn refuse(&mut self, why: Refusal) -> Outcome {
        match why {
            Refusal::Malformed => self.counters.malformed += 1,
            Refusal::Cut => self.counters.cut += 1,
            Refusal::OverLimit => {}
        }
        Outcome::Refused(why)
    }

    /// A fragment of a datagram that was whole a moment ago.
    fn is_late_copy(&mut self, key: &Key, clock: Timestamp) -> bool {
        while self
            .recent
            .front()
            .is_some_and(|(at, _)| clock.since(*at) > COPY_WINDOW)
        {
            self.recent.pop_front();
        }
        self.recent.iter().any(|(_, recent)| recent == key)
    }

    fn open(&mut self, key: Key, clock: Timestamp) -> u64 {
        while self.partials.len() >= self.limits.datagrams.max(1) {
            self.evict_oldest();
        }
        let serial = self.next_serial;
        self.next_serial += 1;
        let partial = Partial::new(key, clock);
        self.held += partial.cost();
        self.partials.insert(serial, partial);
        self.serials.insert(key, serial);
        serial
    }

    fn remove(&mut self, serial: u64) -> Option<Partial> {
        let partial = self.partials.remove(&serial)?;
        self.serials.remove(&partial.key);
        self.held -= partial.cost();
        Some(partial)
    }

    fn evict_oldest(&mut self) {
        if let Some((&serial, _)) = self.partials.first_key_value() {
            self.remove(serial);
            self.counters.evicted += 1;
        }
    }

    /// Evicts the oldest datagrams until the rest fits, that of `serial` last of all.
    fn make_room(&mut self, serial: u64) -> Outcome {
        while self.held > self.limits.bytes && self.partials.len() > 1 {
            let oldest_other = self
                .partials
                .keys()
                .find(|&&other| other != serial)
                .copied();
            let Some(other) = oldest_other else { break };
            self.remove(other);
            self.counters.over_bytes += 1;
        }
        if self.held > self.limits.bytes {
            self.remove(serial);
            self.counters.over_bytes += 1;
            return self.refuse(Refusal::OverLimit);
        }
        Outcome::Held
    }

    fn complete(&mut self, serial: u64, clock: Timestamp) -> Outcome {
        let Some(partial) = self.remove(serial) else {
            return Outcome::Held;
        };
        if self.recent.len() >= RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back((clock, partial.key));
        match partial.assemble() {
            Some(datagram) => {
                self.counters.completed += 1;
                Outcome::Complete(Box::new(datagram))
            }
            None => Outcome::Held,
        }
    }
}

/// The bytes of a fragment, if it can be one.
fn checked_data<'a>(
    layers: &Layers,
    fragment: &Fragment,
    frame: &'a [u8],
) -> Result<&'a [u8], Refusal> {
    let data = slice(frame, fragment.data_at, layers.ip_payload.end);
    if (data.len() as u32) < fragment.data_on_wire {
        return Err(Refusal::Cut);
    }
    let header_len = fragment.header_at.saturating_sub(layers.ip_start);
    let end = header_len + fragment.offset + data.len() as u32;
    // The length field of IPv6 does not count its header of 40 bytes.
    let largest = if layers.network == Network::Ipv6 {
        DATAGRAM_MAX + 40
    } else {
        DATAGRAM_MAX
    };
    if data.is_empty() || (fragment.more && !data.len().is_multiple_of(8)) || end > largest {
        return Err(Refusal::Malformed);
    }
    Ok(data)
}
