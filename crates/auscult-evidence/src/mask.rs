//! Packets without a patient in them: identifying bytes replaced where they lie, what nobody read
//! cut off, checksums moved by what changed.
//!
//! What is known of the bytes comes from the readers of the traffic ([`Marks`]). A payload of
//! which nobody knows what it is ends at its headers; bytes that a reader left out become `x`. The
//! place of a bed or a department is a device's and stays, as in reports. Checksums are moved by
//! the difference that the masking makes (RFC 1624), so that right ones stay right and wrong ones
//! wrong.

use std::collections::HashMap;
use std::ops::Range;

use auscult_model::{Marks, PacketRef, PhiKind, PhiRange};
use auscult_packet::{Layers, Network, Transport};

use crate::frame::Frame;
use crate::pseudonym::Pseudonyms;
use crate::words::{Script, Words};

/// Stands for bytes that nobody read.
const FILLER: u8 = b'x';

/// What was done to a packet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Bytes that were replaced, in order, apart from each other. Checksums are not among them.
    pub masked: Vec<Range<u32>>,
    /// Two bytes at each of these offsets are a checksum that was moved.
    pub checksums: Vec<u32>,
    /// The bytes from here on were cut off.
    pub cut_at: Option<u32>,
}

impl Change {
    /// Nothing was done.
    pub fn is_none(&self) -> bool {
        *self == Change::default()
    }
}

/// Takes the patients out of packets; says of each what was done to it.
pub fn mask(frames: &mut [Frame], marks: &Marks, pseudonyms: &Pseudonyms) -> Vec<Change> {
    let words = Words::new(&marks.words);
    let originals: Vec<Frame> = frames.to_vec();
    let places = Places::new(&originals, marks);
    let joined = joined(marks, &originals, pseudonyms);
    let mut changes = Vec::with_capacity(frames.len());
    for (frame, original) in frames.iter_mut().zip(&originals) {
        let stack = original.stack();
        let known = places.of(original, &stack);
        let mut change = Change {
            cut_at: cut_at(
                &stack,
                original,
                &known,
                marks.words_missing || words.is_incomplete,
            ),
            ..Change::default()
        };
        let mut editor = Editor {
            data: &mut frame.data,
            change: &mut change,
        };
        for (range, kind) in &known.patient {
            editor.value(range, *kind, pseudonyms, &joined, original.packet);
        }
        let payload = payload_from(&stack);
        editor.words(payload, &original.data, &words, pseudonyms);
        for range in &known.unread {
            editor.fill(&(range.start.max(payload as u32)..range.end), FILLER);
        }
        editor.fill(&padding(&stack), 0);
        editor.finish();
        changes.push(change);
    }
    mend_checksums(frames, &originals, &mut changes);
    for (frame, change) in frames.iter_mut().zip(&mut changes) {
        if let Some(at) = change.cut_at {
            frame.data.truncate(at as usize);
            change.masked.retain(|range| range.start < at);
            for range in &mut change.masked {
                range.end = range.end.min(at);
            }
        }
    }
    changes
}

/// What is known of one packet.
#[derive(Default)]
struct Known {
    is_read: bool,
    patient: Vec<(Range<u32>, PhiKind)>,
    unread: Vec<Range<u32>>,
}

/// What is known of packets, by packet; and, for copies and repeats that nobody read, by payload.
struct Places<'a> {
    patient: HashMap<PacketRef, Vec<(Range<u32>, PhiKind)>>,
    marks: &'a Marks,
    by_payload: HashMap<&'a [u8], (PacketRef, u32)>,
}

impl<'a> Places<'a> {
    fn new(frames: &'a [Frame], marks: &'a Marks) -> Self {
        let mut patient: HashMap<PacketRef, Vec<(Range<u32>, PhiKind)>> = HashMap::new();
        for range in marks.patient.iter().flatten() {
            let place = (range.bytes.clone(), range.kind);
            patient.entry(range.packet).or_default().push(place);
        }
        let mut by_payload = HashMap::new();
        for frame in frames {
            if marks.read.contains(&frame.packet)
                && let Some(layers) = frame.stack().last()
                && !layers.payload.is_empty()
            {
                let of = (frame.packet, layers.payload.start);
                by_payload
                    .entry(layers.payload.of(&frame.data))
                    .or_insert(of);
            }
        }
        Places {
            patient,
            marks,
            by_payload,
        }
    }

    fn of(&self, frame: &Frame, stack: &[Layers]) -> Known {
        if self.marks.read.contains(&frame.packet) {
            return self.at(frame.packet, 0);
        }
        // A copy of a packet that was read, or its bytes once more.
        let own = stack.last().filter(|layers| !layers.payload.is_empty());
        let twin = own.and_then(|layers| {
            let (packet, start) = self.by_payload.get(layers.payload.of(&frame.data))?;
            Some(self.at(*packet, i64::from(layers.payload.start) - i64::from(*start)))
        });
        twin.unwrap_or_default()
    }

    fn at(&self, packet: PacketRef, moved: i64) -> Known {
        let move_range = |range: &Range<u32>| {
            let to = |at: u32| u32::try_from(i64::from(at).saturating_add(moved)).unwrap_or(at);
            to(range.start)..to(range.end)
        };
        let patient = self.patient.get(&packet).into_iter().flatten();
        let unread = self.marks.unread.get(&packet).into_iter().flatten();
        Known {
            is_read: true,
            patient: patient
                .map(|(range, kind)| (move_range(range), *kind))
                .collect(),
            unread: unread.map(move_range).collect(),
        }
    }
}

/// Values that go on in the next packet, as a whole: what stands for each of their pieces.
type Joined = HashMap<(PacketRef, u32), Vec<u8>>;

fn joined(marks: &Marks, frames: &[Frame], pseudonyms: &Pseudonyms) -> Joined {
    let by_packet: HashMap<PacketRef, &Frame> =
        frames.iter().map(|frame| (frame.packet, frame)).collect();
    let bytes = |range: &PhiRange| {
        let frame = by_packet.get(&range.packet)?;
        frame
            .data
            .get(range.bytes.start as usize..range.bytes.end as usize)
    };
    let ends_payload = |range: &PhiRange| {
        by_packet.get(&range.packet).is_some_and(|frame| {
            let stack = frame.stack();
            stack
                .last()
                .is_some_and(|layers| layers.payload.end == range.bytes.end)
        })
    };
    let mut all = Joined::new();
    for statement in &marks.patient {
        let pieces =
            statement.chunk_by(|a, b| a.kind == b.kind && a.packet != b.packet && ends_payload(a));
        for pieces in pieces.filter(|pieces| pieces.len() > 1) {
            let parts: Vec<&[u8]> = pieces.iter().filter_map(bytes).collect();
            if parts.len() != pieces.len() {
                continue;
            }
            let mut value = parts.concat();
            pseudonyms.replace(&mut value);
            let mut rest = &value[..];
            for (piece, part) in pieces.iter().zip(parts) {
                let (own, others) = rest.split_at_checked(part.len()).unwrap_or((rest, &[]));
                all.insert((piece.packet, piece.bytes.start), own.to_vec());
                rest = others;
            }
        }
    }
    all
}

/// Changes the bytes of one frame and notes where.
struct Editor<'a> {
    data: &'a mut Vec<u8>,
    change: &'a mut Change,
}

impl Editor<'_> {
    /// The bytes of a range as far as they were captured.
    fn bytes(&mut self, range: &Range<u32>) -> &mut [u8] {
        let end = (range.end as usize).min(self.data.len());
        let start = (range.start as usize).min(end);
        if start < end {
            self.change.masked.push(start as u32..end as u32);
        }
        self.data.get_mut(start..end).unwrap_or_default()
    }

    fn value(
        &mut self,
        range: &Range<u32>,
        kind: PhiKind,
        pseudonyms: &Pseudonyms,
        joined: &Joined,
        packet: PacketRef,
    ) {
        if kind == PhiKind::Location {
            return;
        }
        let bytes = self.bytes(range);
        match joined.get(&(packet, range.start)) {
            Some(whole) if whole.len() == bytes.len() => bytes.copy_from_slice(whole),
            _ => pseudonyms.replace(bytes),
        }
    }

    /// Replaces words of patients that recur anywhere behind the headers.
    fn words(&mut self, from: usize, original: &[u8], words: &Words, pseudonyms: &Pseudonyms) {
        let payload = original.get(from..).unwrap_or_default();
        let mut found = words.find(payload);
        // The longest first: what it covers is done with.
        found.sort_by_key(|found| (found.at.start, usize::MAX - found.at.end));
        let mut done = 0;
        for found in found {
            let (start, end) = (from + found.at.start, from + found.at.end);
            if end <= done {
                continue;
            }
            done = end;
            let is_masked = self
                .change
                .masked
                .iter()
                .any(|range| range.start as usize <= start && end <= range.end as usize);
            if is_masked {
                continue;
            }
            let bytes = self.bytes(&(start as u32..end as u32));
            if let Some(own) = original.get(start..end) {
                bytes.copy_from_slice(own);
            }
            match found.script {
                Script::Narrow => pseudonyms.replace(bytes),
                Script::WideLittle => pseudonyms.replace_wide(bytes, true),
                Script::WideBig => pseudonyms.replace_wide(bytes, false),
            }
        }
    }

    fn fill(&mut self, range: &Range<u32>, with: u8) {
        let is_same = {
            let end = (range.end as usize).min(self.data.len());
            let bytes = self.data.get((range.start as usize).min(end)..end);
            bytes.is_none_or(|bytes| bytes.iter().all(|byte| *byte == with))
        };
        if !is_same {
            self.bytes(range).fill(with);
        }
    }

    /// Ranges in order, apart from each other.
    fn finish(self) {
        let masked = &mut self.change.masked;
        masked.sort_unstable_by_key(|range| (range.start, range.end));
        let mut joined: Vec<Range<u32>> = Vec::with_capacity(masked.len());
        for range in masked.drain(..) {
            match joined.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => joined.push(range),
            }
        }
        *masked = joined;
    }
}

/// Where the innermost payload begins, or what is not decoded.
fn payload_from(stack: &[Layers]) -> usize {
    stack.last().map_or(0, |layers| match layers.stop {
        Some(stop) if !layers.is_ip() => stop.at as usize,
        _ => layers.payload.start as usize,
    })
}

/// Bytes behind the packet: padding, or what lay in the card's memory.
fn padding(stack: &[Layers]) -> Range<u32> {
    match stack.first() {
        Some(outer) if outer.is_ip() => outer.ip_payload.end..u32::MAX,
        _ => u32::MAX..u32::MAX,
    }
}

/// Where a packet ends of which nobody knows what it carries; `None` where it may stay whole.
fn cut_at(stack: &[Layers], frame: &Frame, known: &Known, words_missing: bool) -> Option<u32> {
    let layers = stack.last()?;
    let end = match layers.network {
        Network::Arp(_) => return None,
        Network::None => undecoded_end(layers, frame)?,
        Network::Ipv4 | Network::Ipv6 => match layers.transport {
            // Neighbours, routers and listeners: the whole message is about addresses.
            Transport::Icmpv6(icmp) if icmp.kind >= 130 => return None,
            Transport::Icmp(_) | Transport::Icmpv6(_) => icmp_end(layers),
            // Memberships of groups.
            Transport::Other if layers.ip_protocol == 2 => return None,
            _ => layers.payload.start,
        },
    };
    let trusted = known.is_read && (!words_missing || !known.patient.is_empty());
    (!trusted && (end as usize) < frame.data.len() && !is_only_padding(stack, end)).then_some(end)
}

/// Nothing but padding would be cut off.
fn is_only_padding(stack: &[Layers], end: u32) -> bool {
    stack
        .first()
        .is_some_and(|outer| outer.is_ip() && end >= outer.ip_payload.end)
}

/// What stations tell their neighbours on the cable stays; of others the link header.
fn undecoded_end(layers: &Layers, frame: &Frame) -> Option<u32> {
    const LLDP: u16 = 0x88cc;
    const CDP: [u8; 8] = [0xaa, 0xaa, 0x03, 0x00, 0x00, 0x0c, 0x20, 0x00];
    let at = layers.stop.map_or(0, |stop| stop.at);
    let body = frame.data.get(at as usize..).unwrap_or_default();
    let is_known = layers.ethertype == LLDP || body.starts_with(&CDP);
    (!is_known).then_some(at)
}

/// An error quotes the packet that it is about: its headers are enough.
fn icmp_end(layers: &Layers) -> u32 {
    const QUOTED_TCP: u32 = 8;
    let (is_error, header) = match layers.transport {
        Transport::Icmp(icmp) => (matches!(icmp.kind, 3 | 4 | 5 | 11 | 12), 20),
        Transport::Icmpv6(icmp) => (icmp.kind < 128, 40),
        _ => (false, 0),
    };
    let message = layers.ip_payload.start.saturating_add(8);
    match is_error {
        true => message.saturating_add(header + QUOTED_TCP),
        false => message,
    }
}

/// Moves the checksums of all packets around what was changed, innermost first.
fn mend_checksums(frames: &mut [Frame], originals: &[Frame], changes: &mut [Change]) {
    let mut elsewhere: Vec<(usize, Layers)> = Vec::new();
    for (index, ((frame, original), change)) in frames
        .iter_mut()
        .zip(originals)
        .zip(changes.iter_mut())
        .enumerate()
    {
        if change.masked.is_empty() {
            continue;
        }
        for layers in original.stack().iter().rev() {
            let is_later_piece = layers.fragment.is_some_and(|fragment| fragment.offset > 0);
            if is_later_piece {
                elsewhere.push((index, *layers));
                continue;
            }
            let start = layers.ip_payload.start as usize..layers.ip_payload.end as usize;
            let by = difference(&original.data, &frame.data, start);
            move_checksum(layers, by, frame, change);
        }
    }
    for (index, piece) in elsewhere {
        let (Some(frame), Some(original)) = (frames.get(index), originals.get(index)) else {
            continue;
        };
        let bytes = piece.ip_payload.start as usize..piece.ip_payload.end as usize;
        let by = difference(&original.data, &frame.data, bytes);
        let first = originals.iter().enumerate().find_map(|(at, frame)| {
            let stack = frame.stack();
            stack
                .into_iter()
                .find(|layers| is_first_of(layers, &piece))
                .map(|it| (at, it))
        });
        if let Some((at, layers)) = first
            && let (Some(frame), Some(change)) = (frames.get_mut(at), changes.get_mut(at))
        {
            move_checksum(&layers, by, frame, change);
        }
    }
}

/// Whether these are the layers of the first fragment of the datagram of which `piece` is another.
fn is_first_of(layers: &Layers, piece: &Layers) -> bool {
    let (Some(first), Some(other)) = (layers.fragment, piece.fragment) else {
        return false;
    };
    first.offset == 0
        && (first.id, first.protocol) == (other.id, other.protocol)
        && (layers.src, layers.dst) == (piece.src, piece.dst)
}

/// By how much the sum of the 16-bit words of a range grew, in ones' complement.
fn difference(before: &[u8], now: &[u8], range: Range<usize>) -> u64 {
    const MODULUS: u64 = 0xffff;
    let before = before.get(range.clone()).unwrap_or_default();
    let now = now.get(range).unwrap_or_default();
    let mut sum: u64 = 0;
    for (index, (old, new)) in before.iter().zip(now).enumerate() {
        let weight = if index % 2 == 0 { 256 } else { 1 };
        sum += weight * (u64::from(*new) + MODULUS - u64::from(*old)) % MODULUS;
    }
    sum % MODULUS
}

fn move_checksum(layers: &Layers, by: u64, frame: &mut Frame, change: &mut Change) {
    let offset = match layers.transport {
        Transport::Tcp(_) => 16,
        // No checksum was sent.
        Transport::Udp(udp) if udp.checksum == 0 => return,
        Transport::Udp(_) => 6,
        Transport::Icmp(_) | Transport::Icmpv6(_) => 2,
        Transport::None | Transport::Sctp(_) | Transport::Other => return,
    };
    let at = layers.ip_payload.start as usize + offset;
    let Some(place) = frame.data.get_mut(at..at + 2).filter(|_| by != 0) else {
        return;
    };
    if let [high, low] = place {
        let complement = u64::from(!u16::from_be_bytes([*high, *low]));
        let sum = auscult_packet::checksum::fold(complement + by);
        let mut moved = !u16::try_from(sum).unwrap_or_default();
        if moved == 0 && matches!(layers.transport, Transport::Udp(_)) {
            moved = u16::MAX;
        }
        [*high, *low] = moved.to_be_bytes();
        if !change.checksums.contains(&(at as u32)) {
            change.checksums.push(at as u32);
        }
    }
}
