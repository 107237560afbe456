//! RTSP: cameras and players, asked for their streams.
//!
//! Source: RFC 2326, RFC 7826.

use crate::first::{First, claim, field, head};
use crate::opening::words;
use crate::{Output, Probe, Protocol, Record, Seen, Session, Start, Tier, sides};

static RECORD: Record = Record {
    name: "rtsp",
    title: "Real-Time Streaming Protocol",
    tier: Tier::Identity,
    ports: &[554, 8554],
    sources: &["RFC 2326", "RFC 7826"],
    reads: &["what cameras and players call themselves (Server, User-Agent)"],
    leaves_out: "Streams, their descriptions, log-ins.",
    attributes: &[],
    ..Record::RECOGNISED
};

/// Bytes in which the first line must end.
const LINE: usize = 1024;
const METHODS: &[&[u8]] = &[
    b"OPTIONS ",
    b"DESCRIBE ",
    b"SETUP ",
    b"PLAY ",
    b"PAUSE ",
    b"TEARDOWN ",
    b"ANNOUNCE ",
    b"RECORD ",
    b"GET_PARAMETER ",
    b"SET_PARAMETER ",
    b"REDIRECT ",
];

/// See [`RECORD`].
pub struct Rtsp;

impl Protocol for Rtsp {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        sides::judge(seen, of)
    }

    fn start(&self, start: &Start) -> Box<dyn Session> {
        First::start(1, start.from_start, head, read)
    }
}

fn of(bytes: &[u8]) -> Probe {
    if !matches!(bytes.first(), None | Some(b'A'..=b'Z')) {
        return Probe::No;
    }
    let answer = words(bytes, &[b"RTSP/1.0 ", b"RTSP/2.0 "], Probe::Certain);
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
            Some(line) if memchr::memmem::find(line, b" RTSP/").is_some() => Probe::Certain,
            _ => Probe::No,
        },
        None if look.len() < LINE => Probe::Maybe,
        None => Probe::No,
    }
}

fn read(message: &[u8], out: &mut Output<'_>) {
    let length = message.len();
    claim(out, length, "rtsp_server", field(message, "Server"));
    claim(out, length, "rtsp_user_agent", field(message, "User-Agent"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_name_the_version() {
        assert_eq!(
            of(b"DESCRIBE rtsp://10.0.0.9/live RTSP/1.0\r\n"),
            Probe::Certain
        );
        assert_eq!(of(b"RTSP/1.0 200 OK\r\n"), Probe::Certain);
        assert_eq!(of(b"OPTIONS sip:x SIP/2.0\r\n"), Probe::No);
        assert_eq!(of(b"SETUP rtsp://10.0.0.9"), Probe::Maybe);
    }
}
