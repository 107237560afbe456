//! Link-local multicast name resolution: which names Windows machines answer to.
//!
//! Source: RFC 4795 (§2.1 format: that of [`crate::dns::message`], with other flags). Every
//! response stands for itself; what was heard before is not read again.

use auscult_model::{Direction, Meaning, Transport};

use crate::dns::message::{Header, Message};
use crate::dns::{self, message};
use crate::heard::Heard;
use crate::{Output, Probe, Progress, Protocol, Record, Seen, Session, Start, Tier, sides};

static RECORD: Record = Record {
    name: "llmnr",
    title: "Link-Local Multicast Name Resolution",
    tier: Tier::Decoded,
    transports: &[Transport::Udp],
    ports: &[5355],
    weak: false,
    sources: &["RFC 4795", "RFC 1035"],
    reads: &["answers: the sender's name and the addresses that it gives for it"],
    leaves_out: "Questions, LLMNR over TCP.",
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
            _ => Probe::No,
        }
    }

    fn start(&self, _: &Start) -> Box<dyn Session> {
        Box::<LlmnrSession>::default()
    }
}

#[derive(Default)]
struct LlmnrSession {
    heard: Heard,
}

impl Session for LlmnrSession {
    fn data(&mut self, _: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        let used = Progress::Used(bytes.len());
        // The bit of conflict (more than one holder) is where DNS is authoritative.
        let answers = Header::read(bytes)
            .is_some_and(|h| h.is_response() && h.opcode() == 0 && h.rcode() == 0);
        if !answers || !self.heard.is_new(bytes.get(2..), out) {
            return used;
        }
        let Some(message) = Message::read(bytes) else {
            return used;
        };
        let place = out.place(0..bytes.len());
        if let Some(fault) = message.fault {
            if fault != message::Fault::Short {
                let what = fault.words();
                out.say(place, Meaning::Malformed { what });
            }
            return used;
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
        used
    }
}

#[cfg(test)]
mod tests;
