//! Link-local multicast name resolution: which names Windows machines answer to.
//!
//! Source: RFC 4795 (§2.1 format: that of [`crate::dns::message`], with other flags). Every
//! response stands for itself; what was heard before is not read again. Over TCP (§2.4) each
//! message stands behind its length.

use auscult_model::{Direction, Meaning, Transport};

use crate::dns::message::{Header, Message};
use crate::dns::{self, message};
use crate::heard::Heard;
use crate::{Output, Place, Probe, Progress, Protocol, Record, Seen, Session, Start, Tier, sides};

static RECORD: Record = Record {
    name: "llmnr",
    title: "Link-Local Multicast Name Resolution",
    tier: Tier::Decoded,
    transports: &[Transport::Udp, Transport::Tcp],
    ports: &[5355],
    weak: false,
    sources: &["RFC 4795", "RFC 1035"],
    reads: &["answers: the sender's name and the addresses that it gives for it"],
    leaves_out: "Questions; connections over TCP that were joined in their middle or have holes.",
    attributes: &[],
    bounds: &[],
    false_likely: "0 of 100,000 random datagrams of 304 bytes",
};

/// See [`RECORD`].
pub struct Llmnr;

impl Protocol for Llmnr {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        match seen.transport {
            Transport::Udp => sides::judge(seen, dns::probe_message),
            Transport::Tcp if seen.from_start => sides::judge(seen, dns::probe_stream),
            _ => Probe::No,
        }
    }

    fn start(&self, start: &Start) -> Box<dyn Session> {
        Box::new(LlmnrSession {
            is_stream: start.transport == Transport::Tcp,
            lost: [false; 2],
            heard: Heard::default(),
        })
    }
}

struct LlmnrSession {
    is_stream: bool,
    /// By direction: a hole hides where messages begin.
    lost: [bool; 2],
    heard: Heard,
}

impl Session for LlmnrSession {
    fn data(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        if !self.is_stream {
            self.message(bytes, out.place(0..bytes.len()), out);
            return Progress::Used(bytes.len());
        }
        if self.lost[direction.index()] {
            return Progress::Used(bytes.len());
        }
        let Some((length, rest)) = bytes.split_first_chunk::<2>() else {
            return Progress::Used(0);
        };
        let end = 2 + usize::from(u16::from_be_bytes(*length));
        let Some(message) = rest.get(..end - 2) else {
            return Progress::Need { used: 0, need: end };
        };
        self.message(message, out.place(0..end), out);
        Progress::Used(end)
    }

    fn gap(&mut self, direction: Direction, _: Option<u64>, _: &mut Output<'_>) {
        self.lost[direction.index()] = true;
    }
}

impl LlmnrSession {
    fn message(&mut self, bytes: &[u8], place: Place, out: &mut Output<'_>) {
        // The bit of conflict (more than one holder) is where DNS is authoritative.
        let answers = Header::read(bytes)
            .is_some_and(|h| h.is_response() && h.opcode() == 0 && h.rcode() == 0);
        if !answers || !self.heard.is_new(bytes.get(2..), out) {
            return;
        }
        let Some(message) = Message::read(bytes) else {
            return;
        };
        if let Some(fault) = message.fault {
            if fault != message::Fault::Short {
                let what = fault.words();
                out.say(place, Meaning::Malformed { what });
            }
            return;
        }
        let (answers, _) = dns::answers(&message);
        let asked = message.questions.first().map_or("", |q| q.name.as_str());
        for answer in answers.into_iter().filter(|a| !a.addresses.is_empty()) {
            // Who answers to a name holds it, or to its address (then the name is the answer).
            let is_reverse = message::reverse_address(asked).is_some();
            if is_reverse || answer.name.eq_ignore_ascii_case(asked) {
                out.claim(place, "llmnr_name", answer.name.clone());
            }
            let (name, addresses) = (answer.name, answer.addresses);
            out.say(place, Meaning::NameAnswered { name, addresses });
        }
    }
}

#[cfg(test)]
mod tests;
