//! Names a flow's protocol by its first bytes.
//!
//! Ports only say which probe is asked first. A stream is named when a probe is certain, or, when
//! its first [`PREFIX_MAX`] bytes are there or it ended, by the best of the likely ones: so the
//! name does not depend on how the bytes were cut.

use std::collections::HashMap;
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
            let record = protocol.record();
            if record.transports.contains(&transport) && !protocol.is_announced_only() {
                set |= 1 << index;
            }
        }
        Candidates(set)
    }

    /// The same, with what another flow announced of this one.
    pub(crate) fn with(self, announced: Option<usize>) -> Self {
        Candidates(self.0 | announced.map_or(0, |index| 1 << index))
    }

    /// Takes out the first, in the order of the table.
    fn pop(&mut self) -> Option<(usize, &'static dyn Protocol)> {
        let index = self.0.trailing_zeros() as usize;
        let protocol = ALL.get(index)?;
        self.0 &= self.0 - 1;
        Some((index, *protocol))
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
    let mut best: Option<usize> = None;
    let mut certain: Option<usize> = None;
    let mut care_undecided = false;
    let mut undecided = false;
    let hinted = hinted(question.ports);
    let care = care();
    let rest = candidates.0 & !hinted;
    for set in [candidates.0 & hinted, rest & care, rest & !care] {
        // Once one is certain, only what carries care could still change the name.
        let mut asked = Candidates(if certain.is_some() { set & care } else { set });
        while let Some((index, protocol)) = asked.pop() {
            match protocol.probe(&question.seen) {
                Probe::Certain => {
                    // What carries care goes before anything else that fits.
                    if certain.is_none_or(|known| !is_care(known) && protocol.is_medical()) {
                        certain = Some(index);
                    }
                    asked.0 &= care;
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
                        || hinted & (1 << index) != 0
                        || both_look_like_it(protocol, question);
                    if accepted && best.is_none() {
                        best = Some(index);
                    }
                }
            }
        }
    }
    if let Some(index) = certain {
        // What a server says must not hide what its client has yet to say.
        let wait = care_undecided && !question.is_all && !is_said_by_client(index, question);
        return if wait {
            Verdict::Wait
        } else {
            Verdict::Named(index, 0.99)
        };
    }
    // What another flow announced need only look like it, and is not kept waiting.
    if let (Some(index), Some(expected)) = (best, question.expected)
        && index == expected
    {
        return Verdict::Named(index, 0.89);
    }
    match (best, question.is_all) {
        (Some(index), true) => Verdict::Named(index, 0.8),
        (None, true) => Verdict::Unknown,
        (_, false) if undecided => Verdict::Wait,
        _ => Verdict::Unknown,
    }
}

fn is_care(index: usize) -> bool {
    care() & (1 << index) != 0
}

/// Protocols that carry care, a bit each.
fn care() -> u128 {
    static CARE: OnceLock<u128> = OnceLock::new();
    *CARE.get_or_init(|| {
        let medical = ALL.iter().enumerate().filter(|(_, p)| p.is_medical());
        medical.fold(0, |set, (index, _)| set | 1 << index)
    })
}

/// The protocol of which `next` goes on where the `first` datagram of the same sender began.
pub(crate) fn continued(mut left: Candidates, first: &[u8], next: &[u8]) -> Option<usize> {
    std::iter::from_fn(|| left.pop())
        .find(|(_, protocol)| protocol.goes_on(first, next))
        .map(|(index, _)| index)
}

/// Whether the bytes of the side that began look like a protocol by themselves.
fn is_said_by_client(index: usize, question: &Question<'_>) -> bool {
    let Seen { originator, .. } = question.seen;
    let alone = Seen {
        responder: &[],
        ..question.seen
    };
    question.seen.transport != Transport::Tcp
        || !originator.is_empty()
            && ALL
                .get(index)
                .is_some_and(|protocol| protocol.probe(&alone) >= Probe::Likely)
}

/// Protocols that are usual at one of the ports, a bit each.
fn hinted(ports: [u16; 2]) -> u128 {
    static BY_PORT: OnceLock<HashMap<u16, u128>> = OnceLock::new();
    let by_port = BY_PORT.get_or_init(|| {
        let mut by_port = HashMap::new();
        for (index, protocol) in ALL.iter().enumerate() {
            for port in protocol.record().ports {
                *by_port.entry(*port).or_default() |= 1 << index;
            }
        }
        by_port
    });
    let of = |port| by_port.get(&port).copied().unwrap_or(0);
    of(ports[0]) | of(ports[1])
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

    fn verdict(originator: &[u8], responder: &[u8]) -> Verdict {
        let question = Question {
            seen: Seen {
                transport: Transport::Tcp,
                originator,
                responder,
                from_start: true,
            },
            ports: [40_000, 515],
            expected: None,
            is_all: false,
        };
        identify(&mut Candidates::over(Transport::Tcp), &question)
    }

    fn name(verdict: Verdict) -> Option<&'static str> {
        match verdict {
            Verdict::Named(index, _) => Some(ALL[index].record().name),
            Verdict::Wait | Verdict::Unknown => None,
        }
    }

    /// Whoever receives a stream may greet as anything; what its client says decides.
    #[test]
    fn a_greeting_does_not_name_the_flow_before_its_client_speaks() {
        let scene = auscult_lab::generate("leak-through-gateway", 1, &Default::default()).unwrap();
        let stream = scene.streams().remove(0).out;
        let hl7 = b"\x0bMSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|P|2.3\rPID|1\r\x1c\r";
        for greeting in [
            b"XXXXX".as_slice(),
            b"220 ready\r\n",
            b"HTTP/1.1 200 OK\r\n\r\n",
            hl7,
        ] {
            assert_eq!(verdict(&[], greeting), Verdict::Wait, "{greeting:?}");
            let first = &stream[..stream.len().min(PREFIX_MAX)];
            assert_eq!(
                name(verdict(first, greeting)),
                Some("contec-cms"),
                "{greeting:?}"
            );
        }
        assert_eq!(name(verdict(b"USER x\r\n", b"220 ready\r\n")), Some("ftp"));
    }
}
