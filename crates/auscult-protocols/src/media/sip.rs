//! SIP: telephone calls, and which telephone is where.
//!
//! Source: RFC 3261. Who calls whom is not read.

use auscult_model::Transport;

use crate::first::{First, claim, field, head};
use crate::opening::words;
use crate::{Expectation, Output, Probe, Protocol, Record, Seen, Session, Start, Tier, sides};

static RECORD: Record = Record {
    name: "sip",
    title: "Session Initiation Protocol",
    tier: Tier::Identity,
    transports: &[Transport::Udp, Transport::Tcp],
    ports: &[5060],
    sources: &["RFC 3261"],
    reads: &["what telephones and exchanges call themselves (User-Agent, Server)"],
    leaves_out: "Calls, numbers, log-ins, descriptions of media.",
    attributes: &[],
    ..Record::RECOGNISED
};

/// Datagrams of each side that are read.
const MESSAGES: u32 = 4;
/// Bytes in which the first line must end.
const LINE: usize = 1024;
const ANSWER: &[u8] = b"SIP/2.0 ";
const METHODS: &[&[u8]] = &[
    b"INVITE ",
    b"ACK ",
    b"BYE ",
    b"CANCEL ",
    b"OPTIONS ",
    b"REGISTER ",
    b"PRACK ",
    b"SUBSCRIBE ",
    b"NOTIFY ",
    b"PUBLISH ",
    b"INFO ",
    b"REFER ",
    b"MESSAGE ",
    b"UPDATE ",
];

/// See [`RECORD`].
pub struct Sip;

impl Protocol for Sip {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        sides::judge(seen, of)
    }

    fn start(&self, start: &Start) -> Box<dyn Session> {
        match start.transport {
            Transport::Tcp => First::start(1, start.from_start, head, read),
            _ => First::datagrams(MESSAGES, read),
        }
    }
}

fn of(bytes: &[u8]) -> Probe {
    match bytes.first() {
        // Line ends and zeros keep translators open.
        Some(b'\r' | 0) if bytes.len() <= 4 => return Probe::Maybe,
        Some(b'A'..=b'Z') => {}
        _ => return Probe::No,
    }
    let answer = words(bytes, &[ANSWER], Probe::Certain);
    if answer > Probe::No {
        return answer;
    }
    match words(bytes, METHODS, Probe::Likely) {
        Probe::Likely => {}
        open => return open,
    }
    let look = bytes.get(..LINE).unwrap_or(bytes);
    match memchr::memchr(b'\n', look) {
        Some(end) => match look.get(..end) {
            Some(line) if memchr::memmem::find(line, b" SIP/2.0").is_some() => Probe::Certain,
            _ => Probe::No,
        },
        None if look.len() < LINE => Probe::Maybe,
        None => Probe::No,
    }
}

fn read(message: &[u8], out: &mut Output<'_>) {
    let length = message.len();
    claim(out, length, "sip_user_agent", field(message, "User-Agent"));
    claim(out, length, "sip_server", field(message, "Server"));
    announce(message, out);
}

/// The ports where the sender wants to hear and see: often on the host that it calls through.
fn announce(message: &[u8], out: &mut Output<'_>) {
    for line in message.split(|byte| *byte == b'\n') {
        let Some(media) = line.strip_prefix(b"m=") else {
            continue;
        };
        let port = media.split(|byte| *byte == b' ').nth(1);
        let port = port.and_then(|port| std::str::from_utf8(port).ok()?.parse().ok());
        if let Some(port @ 1024..) = port {
            out.expect(Expectation {
                transport: Transport::Udp,
                server: out.direction,
                port,
                protocol: "rtp",
                note: None,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_end_their_line_with_the_version() {
        assert_eq!(of(b"REGISTER sip:example.org SIP/2.0\r\n"), Probe::Certain);
        assert_eq!(of(b"SIP/2.0 200 OK\r\n"), Probe::Certain);
        assert_eq!(of(b"OPTIONS * HTTP/1.1\r\n"), Probe::No);
        assert_eq!(of(b"OPTIONS rtsp://x RTSP/1.0\r\n"), Probe::No);
        assert_eq!(of(b"OPT"), Probe::Maybe);
    }
}
