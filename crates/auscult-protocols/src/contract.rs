//! What a protocol is to the rest of Auscult: a record, a probe, and sessions that read bytes.
//!
//! Parsers do no I/O, have no clock and see no addresses. They get the contiguous bytes of one
//! direction and say what they mean through [`Output`].

use auscult_model::{Bound, Direction, Transport};

use crate::Output;

/// How deep a protocol is read. A one-packet recogniser is never called decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// Told apart from others, nothing read.
    Recognised,
    /// Only what names devices, people or secrets is read.
    Identity,
    /// The messages are read.
    Decoded,
}

/// What `explain`, the documentation and the laws need to know about a protocol.
#[derive(Debug)]
pub struct Record {
    /// Name, as in JSON.
    pub name: &'static str,
    /// The name in words.
    pub title: &'static str,
    /// How deep it is read.
    pub tier: Tier,
    /// What carries it.
    pub transports: &'static [Transport],
    /// Ports where it is tried first. A hint, never proof.
    pub ports: &'static [u16],
    /// Weak format: `Likely` counts only at one of its ports, when another flow announced it, or
    /// when both directions look like it.
    pub weak: bool,
    /// Standards and documents that give the format.
    pub sources: &'static [&'static str],
    /// What is read.
    pub reads: &'static [&'static str],
    /// What is not.
    pub leaves_out: &'static str,
    /// Attributes that its events carry besides their meaning: name and what it holds.
    pub attributes: &'static [(&'static str, &'static str)],
    /// Bounds that its sessions keep, besides those of all sessions ([`crate::BOUNDS`]).
    pub bounds: &'static [&'static Bound],
    /// How often random bytes or other protocols look `Likely`, as measured.
    pub false_likely: &'static str,
}

impl Record {
    /// What is the same in the records of protocols that are recognised and not read.
    pub const RECOGNISED: Record = Record {
        name: "",
        title: "",
        tier: Tier::Recognised,
        transports: &[Transport::Tcp],
        ports: &[],
        weak: false,
        sources: &[],
        reads: &["which conversations are this protocol"],
        leaves_out: "All that is said in them.",
        attributes: &[],
        bounds: &[],
        false_likely: "0 of 100,000 random inputs",
    };
}

/// The first bytes of a flow, as far as they were seen. For datagram transports each slice is
/// the first datagram of that direction, whole; for streams a prefix.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// What carries the bytes.
    pub transport: Transport,
    /// First bytes of the side that began, empty when none were seen.
    pub originator: &'a [u8],
    /// First bytes of the answers, empty when none were seen.
    pub responder: &'a [u8],
    /// The bytes are the stream's first (the handshake was seen); always true for datagrams.
    pub from_start: bool,
}

impl<'a> Seen<'a> {
    /// Both prefixes with their directions, originator first.
    pub fn sides(&self) -> [(Direction, &'a [u8]); 2] {
        [
            (Direction::FromOriginator, self.originator),
            (Direction::FromResponder, self.responder),
        ]
    }
}

/// What the first bytes say. `No` and `Certain` are final for every longer prefix of the sides
/// that were seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Probe {
    /// Cannot be this protocol.
    No,
    /// Not excluded; more bytes may tell.
    Maybe,
    /// Looks like it, less than 32 fixed bits agreed.
    Likely,
    /// At least 32 bits agreed that other data would not have.
    Certain,
}

/// What a session is told when it begins.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// What carries the flow.
    pub transport: Transport,
    /// Bytes are presented from the stream's first on; otherwise it was picked up in the middle
    /// and the session has to find a message border.
    pub from_start: bool,
    /// Ports of originator and responder, to choose between members of a family only.
    pub ports: [u16; 2],
}

/// What became of the bytes that were presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many bytes are done with; the rest is presented again with more behind it.
    Used(usize),
    /// So many bytes are done with, and nothing can be said before `need` bytes after them.
    Need {
        /// Bytes done with.
        used: usize,
        /// Bytes wanted after those before the next call.
        need: usize,
    },
    /// So many bytes are done with, and the following `skip` are opaque: they are counted, not
    /// presented, and need not have been captured.
    Skip {
        /// Bytes done with.
        used: usize,
        /// Bytes to leave out after those, presented or still to come.
        skip: u64,
    },
    /// Nothing more of this flow is wanted; it costs counting only from here on.
    Done,
    /// The bytes break the format so badly that the flow was named wrongly.
    NotThis,
}

/// Reads one flow.
///
/// The contract that makes the laws hold: what is said depends on the bytes alone, never on how
/// they were cut into calls. A session that cannot decide on what it has returns `Used(0)`.
/// Datagrams are presented whole, one call each; what is left of one is dropped.
pub trait Session: Send {
    /// Bytes of one direction, contiguous, beginning with what the last call left unused.
    fn data(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress;

    /// Bytes of one direction were lost (`length` of them when that is known) between what was
    /// presented and what will be. What was left unused is gone too. The session resynchronises.
    fn gap(&mut self, direction: Direction, length: Option<u64>, out: &mut Output<'_>) {
        let _ = (direction, length, out);
    }

    /// This side sent everything that it had to send (its FIN came), and nothing of it waits to be
    /// presented. Comes before [`Session::end`], if at all.
    fn finished(&mut self, direction: Direction, out: &mut Output<'_>) {
        let _ = (direction, out);
    }

    /// Bytes of other people that are kept from call to call (pieces of files, say), for the budget
    /// of all sessions. What a bound of the session keeps small need not be counted.
    fn held(&self) -> usize {
        0
    }

    /// The flow ended, or the capture did: say what is known in part (marked so).
    fn end(&mut self, out: &mut Output<'_>) {
        let _ = out;
    }
}

/// The session of a protocol that is recognised and not read.
struct Unread;

impl Session for Unread {
    fn data(&mut self, _: Direction, _: &[u8], _: &mut Output<'_>) -> Progress {
        Progress::Done
    }
}

/// A protocol: one line of [`crate::ALL`].
pub trait Protocol: Sync {
    /// Its record.
    fn record(&self) -> &'static Record;

    /// Could these first bytes be it? Pure, bounded, by bytes only.
    fn probe(&self, seen: &Seen<'_>) -> Probe;

    /// Whether datagram `next` goes on where `first` of the same sender, which looked like it,
    /// began: counters and identifiers in at least 32 bits. Names flows of weak formats that only
    /// one side speaks. Pure, bounded, by bytes only.
    fn goes_on(&self, first: &[u8], next: &[u8]) -> bool {
        let _ = (first, next);
        false
    }

    /// Whether its flows carry care: they are the last to be forgotten when memory is short.
    fn is_medical(&self) -> bool {
        false
    }

    /// Whether its flows look like nothing in particular: its probe is asked only about flows that
    /// another flow announced.
    fn is_announced_only(&self) -> bool {
        false
    }

    /// A session for one flow. What is only recognised is not read.
    fn start(&self, start: &Start) -> Box<dyn Session> {
        let _ = start;
        Box::new(Unread)
    }

    /// A session for a flow that another flow announced, with the note of the announcement.
    fn start_expected(&self, start: &Start, note: &str) -> Box<dyn Session> {
        let _ = note;
        self.start(start)
    }
}
