//! Flows that have no name yet: what of them probes may see, and what waits for the name.

use std::sync::Arc;

use auscult_flow::{At, FlowFacts};
use auscult_model::Direction;
use auscult_protocols::Seen;

use crate::identify::{Candidates, PREFIX_MAX, Question, Verdict, continued, identify};

/// What another flow announced of this one: protocol and note.
pub(crate) type Announcement = (usize, Option<Arc<str>>);

/// Bytes that wait for a name.
pub(crate) struct Probing {
    pub(crate) candidates: Candidates,
    pub(crate) expected: Option<Announcement>,
    pub(crate) from_start: bool,
    pub(crate) pieces: Vec<Piece>,
    pub(crate) prefixes: [Vec<u8>; 2],
    pub(crate) tries: u8,
}

/// Bytes of one packet, or a hole.
pub(crate) struct Piece {
    pub(crate) direction: Direction,
    pub(crate) bytes: Vec<u8>,
    pub(crate) at: At,
    /// For a hole: how many bytes are missing.
    pub(crate) gap: Option<Option<u64>>,
}

/// The name of a flow whose first datagram did not tell, by a later one that does.
pub(crate) fn later(
    facts: &FlowFacts,
    probing: &Probing,
    direction: Direction,
    bytes: &[u8],
) -> Option<(usize, f32)> {
    let (originator, responder): (&[u8], &[u8]) = match direction {
        Direction::FromOriginator => (bytes, &[]),
        Direction::FromResponder => (&[], bytes),
    };
    let question = Question {
        seen: Seen {
            transport: facts.transport,
            originator,
            responder,
            from_start: true,
        },
        ports: [facts.ends[0].port, facts.ends[1].port],
        expected: None,
        is_all: false,
    };
    match identify(&mut Candidates::over(facts.transport), &question) {
        Verdict::Named(protocol, confidence) => Some((protocol, confidence)),
        Verdict::Wait | Verdict::Unknown => {
            let mut before = probing.pieces.iter();
            let protocol = before.find_map(|piece| {
                let candidates = probing.candidates;
                (piece.direction == direction)
                    .then(|| continued(candidates, &piece.bytes, bytes))?
            })?;
            Some((protocol, 0.9))
        }
    }
}

/// The part of a flow's first bytes that probes may see: datagrams whole.
pub(crate) fn prefix_of(bytes: &[u8], is_stream: bool) -> &[u8] {
    match is_stream {
        true => bytes.get(..PREFIX_MAX).unwrap_or(bytes),
        false => bytes,
    }
}

impl Probing {
    /// Bytes that wait.
    pub(crate) fn held(&self) -> usize {
        self.pieces.iter().map(|piece| piece.bytes.len()).sum()
    }

    /// What the probes say of the first bytes of both sides.
    pub(crate) fn ask(&mut self, facts: &FlowFacts, is_stream: bool, is_all: bool) -> Verdict {
        let question = Question {
            seen: Seen {
                transport: facts.transport,
                originator: &self.prefixes[0],
                responder: &self.prefixes[1],
                from_start: self.from_start || !is_stream,
            },
            ports: [facts.ends[0].port, facts.ends[1].port],
            expected: self.expected.as_ref().map(|(protocol, _)| *protocol),
            is_all,
        };
        identify(&mut self.candidates, &question)
    }
}
