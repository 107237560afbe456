//! Names a flow's protocol by its first bytes.
//!
//! Ports only say which probe is asked first. A stream is named when a probe is certain, or, when
//! its first [`PREFIX_MAX`] bytes are there or it ended, by the best of the likely ones: so the
//! name does not depend on how the bytes were cut.

use std::sync::OnceLock;

use auscult_model::Transport;
use auscult_protocols::{ALL, Probe, Protocol, Seen};

/// Bytes of each direction that probes may see: a monitor stream joined in its middle needs a
/// search of 4 KiB and two blocks behind it.
pub(crate) const PREFIX_MAX: usize = 6144;

/// Set of protocols, a bit each by place in [`ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candidates(u128);

/// What the probes say together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// This one, so sure.
    Named(usize, f32),
    /// More bytes may tell.
    Wait,
    /// None of the table.
    Unknown,
}

impl Candidates {
    /// All that run over a transport.
    pub(crate) fn over(transport: Transport) -> Self {
        static STREAMS: OnceLock<Candidates> = OnceLock::new();
        static DATAGRAMS: OnceLock<Candidates> = OnceLock::new();
        match transport {
            Transport::Tcp => *STREAMS.get_or_init(|| Self::collect(transport)),
            Transport::Udp => *DATAGRAMS.get_or_init(|| Self::collect(transport)),
            other => Self::collect(other),
        }
    }

    fn collect(transport: Transport) -> Self {
        let mut set = 0;
        for (index, protocol) in ALL.iter().enumerate() {
            if protocol.record().transports.contains(&transport) {
                set |= 1 << index;
            }
        }
        Candidates(set)
    }

    fn contains(self, index: usize) -> bool {
        self.0 & (1 << index) != 0
    }
}

/// What is asked of the probes.
pub(crate) struct Question<'a> {
    pub(crate) seen: Seen<'a>,
    /// Ports of both sides, as hints for the order.
    pub(crate) ports: [u16; 2],
    /// Announced by another flow.
    pub(crate) expected: Option<usize>,
    /// No more bytes will come that probes may see.
    pub(crate) is_all: bool,
}

/// Asks those that are left; removes those that say no.
pub(crate) fn identify(candidates: &mut Candidates, question: &Question<'_>) -> Verdict {
    let mut best: Option<(usize, Probe)> = None;
    let mut certain: Option<usize> = None;
    let mut care_undecided = false;
    let mut undecided = false;
    for hinted in [true, false] {
        for (index, protocol) in ALL.iter().enumerate() {
            if !candidates.contains(index) || is_hinted(*protocol, question) != hinted {
                continue;
            }
            match protocol.probe(&question.seen) {
                // What carries care goes before anything else that fits.
                Probe::Certain if protocol.is_medical() => return Verdict::Named(index, 0.99),
                Probe::Certain => {
                    certain.get_or_insert(index);
                }
                Probe::No => candidates.0 &= !(1 << index),
                Probe::Maybe => {
                    undecided = true;
                    care_undecided |= protocol.is_medical();
                }
                Probe::Likely => {
                    undecided = true;
                    care_undecided |= protocol.is_medical();
                    let accepted = !protocol.record().weak
                        || question.expected == Some(index)
                        || both_look_like_it(*protocol, question);
                    if accepted && best.is_none() {
                        best = Some((index, Probe::Likely));
                    }
                }
            }
        }
    }
    if let Some(index) = certain {
        // A server that greets must not hide by that what its client has yet to say.
        let client_silent = question.seen.transport == Transport::Tcp
            && question.seen.originator.is_empty()
            && !question.is_all;
        if !(client_silent && care_undecided) {
            return Verdict::Named(index, 0.99);
        }
        return Verdict::Wait;
    }
    // What another flow announced need only look like it, and is not kept waiting.
    if let (Some((index, _)), Some(expected)) = (best, question.expected)
        && index == expected
    {
        return Verdict::Named(index, 0.89);
    }
    match (best, question.is_all) {
        (Some((index, _)), true) => Verdict::Named(index, 0.8),
        (None, true) => Verdict::Unknown,
        (_, false) if undecided => Verdict::Wait,
        _ => Verdict::Unknown,
    }
}

fn is_hinted(protocol: &dyn Protocol, question: &Question<'_>) -> bool {
    question
        .ports
        .iter()
        .any(|port| protocol.record().ports.contains(port))
}

fn both_look_like_it(protocol: &dyn Protocol, question: &Question<'_>) -> bool {
    let Seen {
        originator,
        responder,
        ..
    } = question.seen;
    if originator.is_empty() || responder.is_empty() {
        return false;
    }
    [
        Seen {
            responder: &[],
            ..question.seen
        },
        Seen {
            originator: &[],
            ..question.seen
        },
    ]
    .iter()
    .all(|side| protocol.probe(side) >= Probe::Likely)
}

/// The place of a protocol in the table, by its record's name.
pub(crate) fn index_of(name: &str) -> Option<usize> {
    ALL.iter()
        .position(|protocol| protocol.record().name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_fits_the_set() {
        assert!(ALL.len() <= 128);
    }
}
