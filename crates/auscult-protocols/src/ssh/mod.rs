//! SSH: what both programs call themselves, which algorithms they offer, and the host's key.
//!
//! Sources: RFC 4253 (transport), RFC 5656 (elliptic curves), RFC 4419 (group exchange), RFC 4716
//! and OpenSSH for the fingerprint; the HASSH of Salesforce for the digest of algorithms. Nothing
//! is read behind the NEWKEYS of a side: what follows is enciphered. Limits: lines of 4096 bytes,
//! packets of 35,000 (RFC 4253 §6.1).

mod wire;

use auscult_model::{Direction, Transport};

use crate::lines::{Lines, split_word};
use crate::{Output, Probe, Progress, Protocol, Record, Seen, Session, Start, Tier, sides, text};
use wire::{Algorithms, HostKey, Message};

static RECORD: Record = Record {
    name: "ssh",
    title: "Secure Shell",
    tier: Tier::Decoded,
    transports: &[Transport::Tcp],
    ports: &[22],
    weak: false,
    sources: &["RFC 4253", "RFC 5656", "RFC 4419", "HASSH (Salesforce)"],
    reads: &[
        "the banner of each side: program, version, comment",
        "the algorithms that each side offers, and their HASSH",
        "the type and the fingerprint of the host's key",
    ],
    leaves_out: "Everything behind the key exchange, which is enciphered; messages of version 1.",
    attributes: &[
        ("version", "the protocol version of a banner"),
        ("software", "the program of a banner"),
        ("comment", "what a banner says behind the program"),
        ("key_exchanges", "offered key exchanges, best first"),
        ("host_keys", "offered types of host keys"),
        ("ciphers", "offered ciphers for what this side sends"),
        (
            "macs",
            "offered authentication codes for what this side sends",
        ),
        ("key_type", "type of the host's key"),
    ],
    bounds: &[],
    false_likely: "0 of 100,000 random prefixes",
};

/// See [`RECORD`].
pub struct Ssh;

impl Protocol for Ssh {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        match seen.transport {
            Transport::Tcp => sides::judge(seen, probe_side),
            _ => Probe::No,
        }
    }

    fn start(&self, start: &Start) -> Box<dyn Session> {
        Box::new(SshSession {
            ports: start.ports,
            lines: [Lines::new(true); 2],
            states: [State::Banner { before: 0 }; 2],
        })
    }
}

/// `SSH-1.` or `SSH-2.`, 48 bits.
fn probe_side(bytes: &[u8]) -> Probe {
    match bytes {
        [b'S', b'S', b'H', b'-', b'1' | b'2', b'.', ..] => Probe::Certain,
        [b'S', b'S', b'H', b'-', b'1' | b'2'] => Probe::Maybe,
        _ if b"SSH-".starts_with(bytes) => Probe::Maybe,
        _ => Probe::No,
    }
}

/// Lines that a server may send before its banner (RFC 4253 §4.2) and that are read over.
const BEFORE_MAX: u8 = 50;

/// What comes next in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The banner, after so many other lines.
    Banner { before: u8 },
    /// Packets in clear.
    Packets,
    /// Nothing that can be read.
    Over,
}

struct SshSession {
    ports: [u16; 2],
    lines: [Lines; 2],
    states: [State; 2],
}

impl Session for SshSession {
    fn data(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        match self.states[direction.index()] {
            State::Banner { before } => self.banner(direction, before, bytes, out),
            State::Packets => self.packet(direction, bytes, out),
            State::Over => self.over(direction, 0),
        }
    }

    /// Packets have no border that could be found again.
    fn gap(&mut self, direction: Direction, _: Option<u64>, _: &mut Output<'_>) {
        self.states[direction.index()] = State::Over;
    }
}

impl SshSession {
    /// Nothing more of this direction is wanted.
    fn over(&mut self, direction: Direction, used: usize) -> Progress {
        self.states[direction.index()] = State::Over;
        if self.states == [State::Over; 2] {
            return Progress::Done;
        }
        Progress::Skip {
            used,
            skip: u64::MAX,
        }
    }

    fn banner(
        &mut self,
        direction: Direction,
        before: u8,
        bytes: &[u8],
        out: &mut Output<'_>,
    ) -> Progress {
        let (line, used) = match self.lines[direction.index()].whole(bytes, out) {
            Ok(whole) => whole,
            Err(progress) => return progress,
        };
        let Some(rest) = line.strip_prefix(b"SSH-") else {
            if before >= BEFORE_MAX {
                return self.over(direction, used);
            }
            self.states[direction.index()] = State::Banner { before: before + 1 };
            return Progress::Used(used);
        };
        let end = memchr::memchr(b'-', rest).unwrap_or(rest.len());
        let version = rest.get(..end).unwrap_or_default();
        let (software, comment) = split_word(rest.get(end + 1..).unwrap_or_default());
        let place = out.place(0..used);
        if let Some(said) = out.claim(place, "ssh_banner", text::lenient(line)) {
            said.with("version", text::lenient(version))
                .with("software", text::lenient(software));
            if !comment.is_empty() {
                said.with("comment", text::lenient(comment));
            }
        }
        if direction == Direction::FromResponder {
            out.offer(place, Transport::Tcp, self.ports[1], RECORD.name);
        }
        // 1.99 speaks version 2 as well (RFC 4253 §5.1).
        if version.starts_with(b"1.") && version != b"1.99" {
            return self.over(direction, used);
        }
        self.states[direction.index()] = State::Packets;
        Progress::Used(used)
    }

    fn packet(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        let (message, used) = match wire::packet(bytes) {
            wire::Packet::Whole(message, used) => (message, used),
            wire::Packet::Needs(need) => return Progress::Need { used: 0, need },
            wire::Packet::Not => return self.over(direction, bytes.len()),
        };
        match message {
            Message::KeyExchangeInit(algorithms) => {
                say_algorithms(direction, &algorithms, used, out);
            }
            Message::HostKey(key) => say_host_key(&key, used, out),
            Message::NewKeys => return self.over(direction, used),
            Message::Other => {}
        }
        Progress::Used(used)
    }
}

fn say_algorithms(
    direction: Direction,
    algorithms: &Algorithms<'_>,
    used: usize,
    out: &mut Output<'_>,
) {
    let attribute = match direction {
        Direction::FromOriginator => "ssh_hassh",
        Direction::FromResponder => "ssh_hassh_server",
    };
    let place = out.place(0..used);
    if let Some(said) = out.claim(place, attribute, algorithms.hassh(direction)) {
        let list = wire::names;
        said.with("key_exchanges", list(algorithms.key_exchanges))
            .with("host_keys", list(algorithms.host_keys))
            .with("ciphers", list(algorithms.ciphers[direction.index()]))
            .with("macs", list(algorithms.macs[direction.index()]));
    }
}

fn say_host_key(key: &HostKey<'_>, used: usize, out: &mut Output<'_>) {
    let place = out.place(0..used);
    if let Some(said) = out.claim(place, "ssh_host_key", key.fingerprint()) {
        said.with("key_type", text::lenient(key.kind));
    }
}

#[cfg(test)]
mod tests;
