//! One TCP connection: sequence tracking, bytes in order, holes, round trips.
//!
//! First-received bytes win on overlap (RFC 9293 leaves it open; receivers differ, so conflicting
//! bytes mark the flow). In-order bytes are handed on where they lie. A hole is given up when the
//! receiver acknowledged it and it is old or much waits behind it, when only one direction is
//! visible and it is older or more waits, at the budget, or at the end.

use auscult_model::{Direction, Timestamp};
use auscult_packet::Tcp;
use twox_hash::XxHash3_64;

use crate::bounds;
use crate::facts::{Conflict, FlowFacts, Happened};
use crate::pending::Pending;
use crate::{At, Counters, Limits, Readers};

/// An acknowledged hole is given up when it is this old …
const HOLE_AGE: i64 = 250 * Timestamp::MILLISECOND;
/// … or so many segments wait behind it.
const HOLE_SEGMENTS: usize = 64;
/// Without acknowledgements in view: this old …
const BLIND_HOLE_AGE: i64 = 2 * Timestamp::SECOND;
/// … or so many bytes wait behind it.
const BLIND_HOLE_BYTES: usize = 128 * 1024;
/// Sequence numbers further ahead than this belong to another connection.
const FAR_AHEAD: i32 = bounds::FAR_AHEAD.default as i32;
/// Segments per direction whose digests are kept to notice different bytes sent again.
const RECENT: usize = 8;

/// Both directions.
#[derive(Default)]
pub(crate) struct TcpTrack {
    halves: [Half; 2],
    /// Ended by both FINs or a reset.
    pub(crate) closed: bool,
    /// A SYN with another number on the living connection: who sent it, and the number. It counts
    /// only when it is answered or used, for anybody can send one.
    reopening: Option<(Direction, u32)>,
    /// A side sent a segment whose checksum was right.
    sums_right: [bool; 2],
}

#[derive(Default)]
struct Half {
    /// `next` is known.
    known: bool,
    /// The first byte of the stream was sent after a SYN that was seen.
    from_start: bool,
    /// Sequence number of the next byte in order.
    next: u32,
    /// Of the SYN.
    initial: u32,
    /// Stream offset of `next`.
    offset: u64,
    /// Highest acknowledgement of this half's bytes, and whether one was seen.
    acked: u32,
    acks_seen: bool,
    /// End of a segment whose acknowledgement is awaited, and when it was sent.
    sample: Option<(u32, Timestamp)>,
    fin: bool,
    /// End of a segment far ahead, believed when another follows it.
    far_ahead: Option<u32>,
    hole_since: Timestamp,
    pending: Option<Box<Pending>>,
    recent: Option<Box<[Recent; RECENT]>>,
    recent_next: u8,
}

#[derive(Clone, Copy, Default)]
struct Recent {
    sequence: u32,
    length: u32,
    digest: u64,
}

/// One segment with all that its handling needs.
pub(crate) struct Segment<'a> {
    pub(crate) tcp: &'a Tcp,
    pub(crate) payload: &'a [u8],
    /// Payload length on the wire; more than `payload` when the capture cut it.
    pub(crate) length: u32,
    pub(crate) at: At,
    pub(crate) clock: Timestamp,
}

/// What segments are handed to.
pub(crate) struct Context<'a, R: Readers> {
    pub(crate) facts: &'a mut FlowFacts,
    pub(crate) reader: &'a mut R::Reader,
    pub(crate) readers: &'a mut R,
    pub(crate) counters: &'a mut Counters,
    pub(crate) limits: &'a Limits,
    /// Bytes out of order held by the shard.
    pub(crate) held: &'a mut usize,
}

fn distance(from: u32, to: u32) -> i32 {
    to.wrapping_sub(from) as i32
}

impl TcpTrack {
    /// Whether an opening SYN with this number begins another connection on the same ports.
    fn is_reopened_by(&self, direction: Direction, sequence: u32) -> bool {
        let half = &self.halves[direction.index()];
        if half.from_start {
            half.initial != sequence
        } else {
            half.known && self.closed
        }
    }

    /// Whether a packet begins another connection on the same ports; the number of its SYN and
    /// who sent that.
    pub(crate) fn begins_again(
        &mut self,
        direction: Direction,
        tcp: &Tcp,
        is_living: bool,
    ) -> Option<(Direction, u32)> {
        if tcp.flags.syn() && !tcp.flags.ack() {
            let opening = (direction, tcp.seq);
            if !self.is_reopened_by(direction, tcp.seq) {
                return None;
            }
            if is_living && !self.halves[direction.index()].fin {
                self.reopening = Some(opening);
                return None;
            }
            return Some(opening);
        }
        let (by, sequence) = self.reopening?;
        let first = sequence.wrapping_add(1);
        let answered = direction != by && tcp.flags.syn() && tcp.ack == first;
        let used = direction == by && !tcp.flags.syn() && tcp.seq == first;
        (answered || used).then_some((by, sequence))
    }

    /// Takes over the SYN that was seen before this connection was believed.
    pub(crate) fn adopt(&mut self, direction: Direction, sequence: u32) {
        let half = &mut self.halves[direction.index()];
        half.known = true;
        half.from_start = true;
        half.initial = sequence;
        half.next = sequence.wrapping_add(1);
    }

    /// Whether a segment may be taken for what was sent, by its checksum (`None` when it cannot be
    /// computed). Captures on a sending host hold wrong sums before the network card mends them,
    /// so a side counts only once it has sent right ones.
    pub(crate) fn is_believed(&mut self, direction: Direction, sum_is_right: Option<bool>) -> bool {
        let right = &mut self.sums_right[direction.index()];
        *right |= sum_is_right == Some(true);
        !(*right && sum_is_right == Some(false))
    }

    /// Whether sequence and acknowledgement numbers fit what was seen of this connection.
    pub(crate) fn fits(&self, direction: Direction, tcp: &Tcp) -> bool {
        const WINDOW: i32 = 1 << 22;
        let (half, other) = (
            &self.halves[direction.index()],
            &self.halves[direction.opposite().index()],
        );
        let own = !half.known || distance(half.next, tcp.seq).unsigned_abs() < WINDOW as u32;
        let reply = tcp.flags.ack()
            && other.known
            && distance(other.next, tcp.ack).unsigned_abs() < WINDOW as u32;
        own && reply
    }

    pub(crate) fn segment<R: Readers>(
        &mut self,
        direction: Direction,
        segment: &Segment<'_>,
        context: &mut Context<'_, R>,
    ) {
        self.opening(direction, segment, context);
        if segment.tcp.flags.rst() {
            let count = &mut context.facts.resets[direction.index()];
            *count = count.saturating_add(1);
            context.facts.happened.note(direction, Happened::RESET);
            self.closed = true;
        }
        if segment.tcp.flags.ack() {
            self.acknowledgement(direction, segment, context);
            if !segment.tcp.flags.syn() && !segment.tcp.flags.rst() {
                context.facts.happened.note(direction, Happened::HEARD);
            }
        }
        let half = &mut self.halves[direction.index()];
        if segment.length > 0 && !segment.tcp.flags.rst() {
            half.payload(direction, segment, context);
        }
        if segment.tcp.flags.fin() {
            context.facts.happened.note(direction, Happened::FIN);
            half.fin = true;
            if self.halves[0].fin && self.halves[1].fin {
                self.closed = true;
            }
        }
    }

    fn opening<R: Readers>(
        &mut self,
        direction: Direction,
        segment: &Segment<'_>,
        context: &mut Context<'_, R>,
    ) {
        let tcp = segment.tcp;
        let half = &mut self.halves[direction.index()];
        if tcp.flags.syn() {
            let facts = &mut *context.facts;
            if let Some(mss) = tcp.mss {
                facts.mss_min = if facts.mss_min == 0 {
                    mss
                } else {
                    facts.mss_min.min(mss)
                };
            }
            if tcp.flags.ack() {
                facts.happened.note(direction, Happened::SYN_ACK);
            } else {
                facts.happened.note(direction, Happened::SYN);
                facts.attempt(segment.at.time);
            }
            if !half.known {
                half.known = true;
                half.from_start = true;
                half.initial = tcp.seq;
                half.next = tcp.seq.wrapping_add(1);
                half.sample = Some((half.next, segment.at.time));
            } else if half.initial == tcp.seq {
                // A repeated SYN: its answer cannot be timed.
                half.sample = None;
            }
        } else if !half.known {
            half.known = true;
            half.next = tcp.seq;
        }
    }

    fn acknowledgement<R: Readers>(
        &mut self,
        direction: Direction,
        segment: &Segment<'_>,
        context: &mut Context<'_, R>,
    ) {
        let sender = direction.opposite();
        let half = &mut self.halves[sender.index()];
        let ack = segment.tcp.ack;
        if !half.known || (half.acks_seen && distance(half.acked, ack) < 0) {
            return;
        }
        if distance(half.next, ack) > FAR_AHEAD {
            return;
        }
        if half.acks_seen && context.facts.payload[sender.index()] > 0 {
            let more = distance(half.acked, ack).max(0) as u64;
            let total = context.facts.payload[sender.index()];
            let sum = &mut context.facts.acknowledged[sender.index()];
            *sum = (*sum + more).min(total);
        }
        half.acked = ack;
        half.acks_seen = true;
        if let Some((end, sent)) = half.sample
            && distance(end, ack) >= 0
        {
            half.sample = None;
            context
                .facts
                .answered_in(sender, segment.at.time.since(sent));
        }
        half.give_up_old_hole(sender, segment.at, segment.clock, context);
    }

    /// The flow ends: what waits is handed on over its holes.
    pub(crate) fn finish<R: Readers>(&mut self, at: At, context: &mut Context<'_, R>) {
        for direction in [Direction::FromOriginator, Direction::FromResponder] {
            let half = &mut self.halves[direction.index()];
            while half.has_pending() {
                half.skip_hole(direction, at, context);
            }
        }
    }
}

impl Half {
    /// Connections made by hand may give no number to the SYN: its number is that of the first
    /// byte. It is so only where the other side acknowledged none either, for else a byte that
    /// no receiver takes could be put in front of the stream.
    #[inline]
    fn leaves_out_syn(&self, sequence: u32) -> bool {
        self.offset == 0
            && self.from_start
            && sequence == self.initial
            && self.next != sequence
            && self.acks_seen
            && self.acked == self.initial
            && !self.has_pending()
    }

    fn has_pending(&self) -> bool {
        self.pending
            .as_ref()
            .is_some_and(|pending| !pending.is_empty())
    }

    fn payload<R: Readers>(
        &mut self,
        direction: Direction,
        segment: &Segment<'_>,
        context: &mut Context<'_, R>,
    ) {
        let sequence = match segment.tcp.flags.syn() {
            true => segment.tcp.seq.wrapping_add(1),
            false => segment.tcp.seq,
        };
        let end = sequence.wrapping_add(segment.length);
        if self.leaves_out_syn(sequence) {
            self.next = sequence;
        }
        let ahead = distance(self.next, sequence);
        let wanted = context.readers.wants(context.reader);
        if ahead == 0 {
            if self.sample.is_none() {
                self.sample = Some((end, segment.at.time));
            }
            if wanted {
                self.in_order(direction, segment.payload, segment.at, context);
                self.cut_short(direction, end, segment.at, context);
                self.remember(sequence, segment.payload, context);
                self.drain(direction, context);
            } else {
                self.next = end;
                self.offset += u64::from(segment.length);
            }
        } else if ahead < 0 {
            self.sent_again(direction, segment, sequence, ahead, wanted, context);
        } else if ahead > FAR_AHEAD && self.far_ahead != Some(sequence) {
            // One segment far ahead may be anybody's; two in a row are the connection's.
            self.far_ahead = Some(end);
            context.counters.reached(&bounds::FAR_AHEAD);
        } else if ahead > FAR_AHEAD || !wanted {
            // Nobody reads it, or the numbers jumped: follow without holding anything.
            self.offset += ahead.unsigned_abs() as u64;
            self.next = sequence;
            if wanted {
                self.tell_gap(direction, None, segment.at, context);
                self.hand_on(direction, segment.payload, segment.at, context);
                self.cut_short(direction, end, segment.at, context);
            } else {
                self.next = end;
                self.offset += u64::from(segment.length);
            }
        } else {
            self.hold(direction, segment, ahead, context);
        }
    }

    fn sent_again<R: Readers>(
        &mut self,
        direction: Direction,
        segment: &Segment<'_>,
        sequence: u32,
        ahead: i32,
        wanted: bool,
        context: &mut Context<'_, R>,
    ) {
        let count = &mut context.facts.retransmissions[direction.index()];
        *count = count.saturating_add(1);
        context.facts.happened.note(direction, Happened::AGAIN);
        // Karn: an answer to a segment sent twice cannot be timed.
        self.sample = None;
        let old = ahead.unsigned_abs() as usize;
        if wanted {
            self.compare(direction, sequence, segment, context);
        }
        if segment.length as usize <= old {
            return;
        }
        let end = sequence.wrapping_add(segment.length);
        let fresh = segment.payload.get(old..).unwrap_or_default();
        let mut at = segment.at;
        at.frame_offset = at.frame_offset.map(|frame| frame + old as u32);
        if wanted {
            self.in_order(direction, fresh, at, context);
            self.cut_short(direction, end, segment.at, context);
            self.drain(direction, context);
        } else {
            self.next = end;
            self.offset += u64::from(segment.length) - old as u64;
        }
    }

    fn hold<R: Readers>(
        &mut self,
        direction: Direction,
        segment: &Segment<'_>,
        ahead: i32,
        context: &mut Context<'_, R>,
    ) {
        let offset = self.offset + ahead.unsigned_abs() as u64;
        if !self.has_pending() {
            self.hole_since = segment.clock;
        }
        self.keep(direction, offset, segment.payload, segment.at, context);
        let waiting = self.pending.as_ref().map_or(0, |pending| pending.cost());
        let over_budget = if *context.held > context.limits.out_of_order_per_shard {
            Some(&bounds::OUT_OF_ORDER)
        } else {
            let alone = waiting > context.limits.out_of_order_per_flow;
            alone.then_some(&bounds::OUT_OF_ORDER_FLOW)
        };
        if let Some(bound) = over_budget {
            context.counters.reached(bound);
            self.skip_hole(direction, segment.at, context);
        } else {
            self.give_up_old_hole(direction, segment.at, segment.clock, context);
        }
    }

    /// Keeps what is new of bytes that wait.
    fn keep<R: Readers>(
        &mut self,
        direction: Direction,
        offset: u64,
        bytes: &[u8],
        at: At,
        context: &mut Context<'_, R>,
    ) {
        let pending = self.pending.get_or_insert_default();
        let before = pending.cost();
        let mut conflict = None;
        pending.insert(offset, bytes, at, |differing| {
            conflict.get_or_insert((digest(differing.first), digest(differing.second)));
        });
        *context.held += pending.cost() - before;
        if let Some(versions) = conflict {
            mark_conflict(direction, versions, at, context);
        }
    }

    fn give_up_old_hole<R: Readers>(
        &mut self,
        direction: Direction,
        at: At,
        clock: Timestamp,
        context: &mut Context<'_, R>,
    ) {
        let Some(pending) = self.pending.as_ref().filter(|pending| !pending.is_empty()) else {
            return;
        };
        let age = clock.since(self.hole_since);
        let give_up = if self.acks_seen {
            distance(self.next, self.acked) > 0
                && (age >= HOLE_AGE || pending.len() >= HOLE_SEGMENTS)
        } else {
            age >= BLIND_HOLE_AGE || pending.bytes() >= BLIND_HOLE_BYTES
        };
        if give_up {
            self.skip_hole(direction, at, context);
        }
    }

    /// Goes on behind the first hole.
    fn skip_hole<R: Readers>(
        &mut self,
        direction: Direction,
        at: At,
        context: &mut Context<'_, R>,
    ) {
        let Some(first) = self.pending.as_ref().and_then(|pending| pending.first()) else {
            return;
        };
        let missing = first.saturating_sub(self.offset);
        if missing > 0 {
            let upstream =
                self.acks_seen && distance(self.next.wrapping_add(missing as u32), self.acked) >= 0;
            context.counters.gaps_upstream += u64::from(upstream);
            self.next = self.next.wrapping_add(missing as u32);
            self.offset += missing;
            self.tell_gap(direction, Some(missing), at, context);
        }
        self.drain(direction, context);
        self.hole_since = at.time;
    }

    fn tell_gap<R: Readers>(
        &mut self,
        direction: Direction,
        missing: Option<u64>,
        at: At,
        context: &mut Context<'_, R>,
    ) {
        context.counters.gaps += 1;
        context.counters.bytes_missing += missing.unwrap_or(0);
        context.facts.gaps = context.facts.gaps.saturating_add(1);
        context.facts.happened.note(direction, Happened::GAP);
        context
            .readers
            .gap(context.facts, context.reader, direction, missing, at);
    }

    /// Hands on the next bytes; where others wait that were received first, those.
    fn in_order<R: Readers>(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        at: At,
        context: &mut Context<'_, R>,
    ) {
        let end = self.offset + bytes.len() as u64;
        let waits = self.pending.as_ref().and_then(|pending| pending.first());
        if waits.is_some_and(|first| first < end) {
            self.keep(direction, self.offset, bytes, at, context);
            self.drain(direction, context);
        } else {
            self.hand_on(direction, bytes, at, context);
        }
    }

    fn hand_on<R: Readers>(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        at: At,
        context: &mut Context<'_, R>,
    ) {
        self.next = self.next.wrapping_add(bytes.len() as u32);
        self.offset += bytes.len() as u64;
        let Context {
            readers,
            facts,
            reader,
            ..
        } = context;
        readers.bytes(facts, reader, direction, bytes, at, self.from_start);
    }

    /// Bytes before `end`, a segment's, that the capture's snap length cut off are a gap.
    fn cut_short<R: Readers>(
        &mut self,
        direction: Direction,
        end: u32,
        at: At,
        context: &mut Context<'_, R>,
    ) {
        let missing = distance(self.next, end).max(0) as u64;
        if missing > 0 {
            self.next = end;
            self.offset += missing;
            self.tell_gap(direction, Some(missing), at, context);
        }
    }

    fn drain<R: Readers>(&mut self, direction: Direction, context: &mut Context<'_, R>) {
        while let Some(pending) = &mut self.pending {
            let before = pending.cost();
            let taken = pending.take_at(self.offset);
            *context.held -= before - pending.cost();
            let Some((bytes, at)) = taken else { break };
            self.hand_on(direction, &bytes, at, context);
        }
        if self
            .pending
            .as_ref()
            .is_some_and(|pending| pending.is_empty())
        {
            self.pending = None;
        }
    }

    fn remember<R: Readers>(&mut self, sequence: u32, payload: &[u8], context: &Context<'_, R>) {
        if !context.readers.wants(context.reader) {
            self.recent = None;
            return;
        }
        let recent = self.recent.get_or_insert_default();
        recent[usize::from(self.recent_next) % RECENT] = Recent {
            sequence,
            length: payload.len() as u32,
            digest: digest(payload),
        };
        self.recent_next = self.recent_next.wrapping_add(1);
    }

    /// Compares a segment sent again with what was first received in its place.
    fn compare<R: Readers>(
        &self,
        direction: Direction,
        sequence: u32,
        segment: &Segment<'_>,
        context: &mut Context<'_, R>,
    ) {
        let Some(recent) = &self.recent else { return };
        for first in recent.iter().filter(|first| first.length > 0) {
            let from = distance(sequence, first.sequence);
            let Ok(from) = usize::try_from(from) else {
                continue;
            };
            let Some(second) = segment.payload.get(from..from + first.length as usize) else {
                continue;
            };
            let second = digest(second);
            if second != first.digest {
                let versions = (first.digest, second);
                return mark_conflict(direction, versions, segment.at, context);
            }
        }
    }
}

fn mark_conflict<R: Readers>(
    direction: Direction,
    versions: (u64, u64),
    at: At,
    context: &mut Context<'_, R>,
) {
    if context.facts.conflict.is_none() {
        context.facts.conflict = Some(Conflict {
            direction,
            versions,
            packet: at.packet,
        });
        context.counters.conflicting_flows += 1;
    }
    context.facts.happened.note(direction, Happened::CONFLICT);
}

/// Digest of a segment's bytes that other people's programs compute too (XXH3, 64 bits).
fn digest(bytes: &[u8]) -> u64 {
    XxHash3_64::oneshot(bytes)
}
