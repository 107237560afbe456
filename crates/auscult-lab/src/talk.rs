//! TCP conversations: handshake, data in segments, acknowledgements, end, and attempts in vain.
//!
//! Sources: RFC 9293, RFC 7323 (time stamps). No congestion control: a sender waits for the
//! acknowledgement of each call to [`Talk::send`].

use std::collections::VecDeque;

use auscult_model::Timestamp;

use crate::net::{MS, Path, Recorder, SECOND, Transport, US, Way};
use crate::prng::Prng;
use crate::wire::tcp::{self, Layout, Segment, Stack};

#[derive(Clone, Debug)]
struct End {
    port: u16,
    seq: u32,
    stack: Stack,
    clock: u32,
}

/// One TCP connection between the ends of a path.
#[derive(Clone, Debug)]
pub struct Talk {
    path: Path,
    a: End,
    b: End,
    stamps: bool,
    last_stamp: [u32; 2],
    /// Time stamps that the originator has not heard yet, with the time when it does.
    returning: VecDeque<(Timestamp, u32)>,
    /// When the last data segment was sent, and when all that was pushed is acknowledged.
    sent: Timestamp,
    settled: Timestamp,
    /// When the last packet of this conversation was seen.
    pub now: Timestamp,
    /// Segments are captured as an offloading card hands them over: far above the wire's size.
    pub offloaded: bool,
    urgent: u16,
}

/// The two ports and the two stacks of a conversation.
#[derive(Clone, Copy, Debug)]
pub struct Ends {
    /// The originator's port.
    pub a_port: u16,
    /// The responder's port.
    pub b_port: u16,
    /// The originator's stack.
    pub a: Stack,
    /// The responder's stack.
    pub b: Stack,
}

impl Ends {
    /// Ends with an ephemeral port on the originator's side.
    pub fn new(prng: &mut Prng, a: Stack, b: Stack, b_port: u16) -> Ends {
        let (low, high) = a.ephemeral;
        Ends {
            a_port: prng.between(low.into(), high.into()) as u16,
            b_port,
            a,
            b,
        }
    }
}

impl Talk {
    fn fresh(prng: &mut Prng, path: &Path, ends: Ends, at: Timestamp) -> Talk {
        let mut end = |port, stack| End {
            port,
            seq: prng.next_u64() as u32,
            stack,
            clock: prng.below(1 << 24) as u32,
        };
        let (a, b) = (end(ends.a_port, ends.a), end(ends.b_port, ends.b));
        let stamps = a.stack.layout == Layout::Linux && b.stack.layout == Layout::Linux;
        Talk {
            path: path.clone(),
            a,
            b,
            stamps,
            last_stamp: [0; 2],
            returning: VecDeque::new(),
            sent: at,
            settled: at,
            now: at,
            offloaded: false,
            urgent: 0,
        }
    }

    /// Opens a connection with a full handshake.
    pub fn open(
        rec: &mut Recorder,
        prng: &mut Prng,
        path: &Path,
        ends: Ends,
        at: Timestamp,
    ) -> Talk {
        let mut talk = Talk::fresh(prng, path, ends, at);
        talk.segment(rec, Way::Out, tcp::SYN, &[]);
        talk.a.seq = talk.a.seq.wrapping_add(1);
        talk.now = talk.now.plus(talk.path.rtt_b);
        talk.segment(rec, Way::Back, tcp::SYN | tcp::ACK, &[]);
        talk.b.seq = talk.b.seq.wrapping_add(1);
        talk.now = talk.now.plus(talk.path.rtt_a);
        talk.segment(rec, Way::Out, tcp::ACK, &[]);
        talk
    }

    /// SYNs without an answer at the given offsets from `at`; one ephemeral port for all.
    pub fn attempt(
        rec: &mut Recorder,
        prng: &mut Prng,
        path: &Path,
        ends: Ends,
        at: Timestamp,
        offsets: &[i64],
    ) {
        let mut talk = Talk::fresh(prng, path, ends, at);
        for offset in offsets {
            talk.now = at.plus(*offset);
            talk.segment(rec, Way::Out, tcp::SYN, &[]);
        }
    }

    /// A SYN that is refused by a reset.
    pub fn refused(
        rec: &mut Recorder,
        prng: &mut Prng,
        path: &Path,
        ends: Ends,
        at: Timestamp,
    ) -> Timestamp {
        let mut talk = Talk::fresh(prng, path, ends, at);
        talk.segment(rec, Way::Out, tcp::SYN, &[]);
        talk.a.seq = talk.a.seq.wrapping_add(1);
        talk.b.seq = 0;
        talk.now = talk.now.plus(talk.path.rtt_b);
        talk.segment(rec, Way::Back, tcp::RST | tcp::ACK, &[]);
        talk.now
    }

    /// The time stamp of a segment that is sent now, and the one it echoes. What the responder
    /// says is heard by the originator when it is captured, not before.
    fn stamp(&mut self, way: Way) -> (u32, u32) {
        let ticks = (self.now.0 / (10 * MS)) as u32;
        if way == Way::Back {
            let value = self.b.clock.wrapping_add(ticks);
            self.returning.push_back((self.now, value));
            return (value, self.last_stamp[0]);
        }
        while let Some((_, told)) = self.returning.pop_front_if(|(time, _)| *time <= self.now) {
            self.last_stamp[1] = told;
        }
        let value = self.a.clock.wrapping_add(ticks);
        self.last_stamp[0] = value;
        (value, self.last_stamp[1])
    }

    fn segment(&mut self, rec: &mut Recorder, way: Way, flags: u8, payload: &[u8]) {
        let offers = flags & tcp::ACK == 0 && self.a.stack.layout == Layout::Linux;
        let stamp = if flags & tcp::RST == 0 && (offers || self.stamps) {
            let (value, echo) = self.stamp(way);
            Some((value, if flags & tcp::ACK == 0 { 0 } else { echo }))
        } else {
            None
        };
        let (end, other) = match way {
            Way::Out => (&self.a, &self.b),
            Way::Back => (&self.b, &self.a),
        };
        let options = if flags & tcp::SYN != 0 {
            end.stack.syn_options(stamp)
        } else {
            tcp::stamp_options(stamp)
        };
        let window = if flags & tcp::SYN != 0 {
            end.stack.window
        } else {
            let scaled = ![end, other]
                .iter()
                .any(|e| e.stack.layout == Layout::MssOnly);
            let shift = if scaled { end.stack.scale } else { 0 };
            ((u32::from(end.stack.window) * 4) >> shift).clamp(1, 0xffff) as u16
        };
        let segment = Segment {
            from: end.port,
            to: other.port,
            seq: end.seq,
            ack: if flags & tcp::ACK != 0 { other.seq } else { 0 },
            flags,
            window,
            urgent: self.urgent,
            options,
            payload: payload.to_vec(),
        };
        rec.ipv4(self.now, &self.path, way, &Transport::Tcp(&segment));
    }

    /// The largest payload of one segment.
    pub fn room(&self) -> usize {
        if self.offloaded {
            return 64_020;
        }
        let mss = self.a.stack.mss.min(self.b.stack.mss);
        usize::from(mss) - if self.stamps { 12 } else { 0 }
    }

    fn advance(&mut self, way: Way, by: usize) {
        let end = if way == Way::Out {
            &mut self.a
        } else {
            &mut self.b
        };
        end.seq = end.seq.wrapping_add(by as u32);
    }

    fn other(way: Way) -> Way {
        if way == Way::Out { Way::Back } else { Way::Out }
    }

    fn answer_delay(&self, way: Way) -> i64 {
        if way == Way::Out {
            self.path.rtt_b
        } else {
            self.path.rtt_a
        }
    }

    /// Sends `data` not before `at`, cut at the maximum segment size, and has it acknowledged.
    pub fn send(&mut self, rec: &mut Recorder, way: Way, data: &[u8], at: Timestamp) -> Timestamp {
        let room = self.room();
        let cuts: Vec<usize> = (room..data.len()).step_by(room).collect();
        self.send_cut(rec, way, data, &cuts, at)
    }

    /// As [`Talk::send`], with segment borders at `cuts` (ascending offsets into `data`) too.
    pub fn send_cut(
        &mut self,
        rec: &mut Recorder,
        way: Way,
        data: &[u8],
        cuts: &[usize],
        at: Timestamp,
    ) -> Timestamp {
        self.now = at.max(self.now.plus(40 * US));
        let mut start = 0;
        let room = self.room();
        let mut unacknowledged = 0;
        while start < data.len() {
            let limit = (start + room).min(data.len());
            let end = cuts
                .iter()
                .copied()
                .find(|c| *c > start)
                .unwrap_or(limit)
                .min(limit);
            let last = end == data.len();
            let flags = tcp::ACK | if last { tcp::PSH } else { 0 };
            self.segment(rec, way, flags, &data[start..end]);
            self.sent = self.now;
            self.advance(way, end - start);
            unacknowledged += 1;
            start = end;
            if last || unacknowledged == 2 {
                let back = self.now;
                self.now = self.now.plus(self.answer_delay(way));
                self.segment(rec, Talk::other(way), tcp::ACK, &[]);
                unacknowledged = 0;
                // Only near receivers are waited for between segments, so that a far one does not
                // stretch a burst; its acknowledgements then overlap with later segments.
                if !last && self.answer_delay(way) > 5 * MS {
                    self.now = back;
                }
            }
            if !last {
                self.now = self.now.plus(15 * US);
            }
        }
        self.now
    }

    /// As [`Talk::send`] from the originator, which does not wait for the acknowledgement: how a
    /// stream goes to a station that is far away.
    pub fn push(
        &mut self,
        rec: &mut Recorder,
        data: &[u8],
        cuts: &[usize],
        at: Timestamp,
    ) -> Timestamp {
        self.settled = self.send_cut(rec, Way::Out, data, cuts, at);
        self.now = self.sent;
        self.now
    }

    /// One segment of the originator that is marked as urgent up to `pointer`, acknowledged.
    pub fn urgent(&mut self, rec: &mut Recorder, data: &[u8], pointer: u16) -> Timestamp {
        self.now = self.now.plus(2 * MS);
        self.urgent = pointer;
        self.segment(rec, Way::Out, tcp::ACK | tcp::PSH | tcp::URG, data);
        self.urgent = 0;
        self.advance(Way::Out, data.len());
        self.now = self.now.plus(self.path.rtt_b);
        self.segment(rec, Way::Back, tcp::ACK, &[]);
        self.now
    }

    /// A regular end, begun by one side.
    pub fn close(&mut self, rec: &mut Recorder, by: Way, at: Timestamp) -> Timestamp {
        self.now = at.max(self.now.plus(40 * US));
        self.now = self
            .returning
            .back()
            .map_or(self.now, |(time, _)| self.now.max(*time));
        self.segment(rec, by, tcp::FIN | tcp::ACK, &[]);
        self.advance(by, 1);
        self.now = self.now.plus(self.answer_delay(by));
        self.segment(rec, Talk::other(by), tcp::FIN | tcp::ACK, &[]);
        self.advance(Talk::other(by), 1);
        self.now = self.now.plus(self.answer_delay(Talk::other(by)));
        self.segment(rec, by, tcp::ACK, &[]);
        self.now
    }

    /// An end by reset.
    pub fn reset(&mut self, rec: &mut Recorder, by: Way, at: Timestamp) -> Timestamp {
        self.now = at.max(self.now.plus(40 * US));
        self.segment(rec, by, tcp::RST | tcp::ACK, &[]);
        self.now
    }
}

/// SYN retransmission offsets of kernels before 3.1 (first time-out 3 s).
pub const OLD_RETRIES: [i64; 6] = [
    0,
    3 * SECOND,
    9 * SECOND,
    21 * SECOND,
    45 * SECOND,
    93 * SECOND,
];
/// SYN retransmission offsets of later kernels.
pub const NEW_RETRIES: [i64; 5] = [0, SECOND, 3 * SECOND, 7 * SECOND, 15 * SECOND];
