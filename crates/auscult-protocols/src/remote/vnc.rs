//! VNC (RFB): a screen from afar, often without a password or with eight letters of one.
//!
//! Source: RFC 6143. Read up to the choice of security, and to the screen's name where no password
//! is asked for. Roles: the answering side is the server; connections that the server opened
//! ("listening viewers") tell their version only.

use auscult_model::Direction;

use crate::opening::Byte::{Between, Is};
use crate::opening::{Byte, be_u32, shape};
use crate::{Output, Probe, Progress, Protocol, Record, Seen, Session, Start, Tier, sides, text};

static RECORD: Record = Record {
    name: "vnc",
    title: "Virtual Network Computing (Remote Framebuffer)",
    tier: Tier::Identity,
    ports: &[5900, 5901, 5500],
    sources: &["RFC 6143"],
    reads: &[
        "the version",
        "the kinds of security that the server offers",
        "the name of a screen that is open without a password",
    ],
    leaves_out: "Pictures, keys, the exchange of passwords.",
    attributes: &[],
    ..Record::RECOGNISED
};

const GREETING: usize = 12;
/// Bytes before the name of the screen: size, format, length.
const SCREEN: usize = 24;
const NAME_MAX: usize = 256;

/// See [`RECORD`].
pub struct Vnc;

impl Protocol for Vnc {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        sides::judge(seen, of)
    }

    fn start(&self, start: &Start) -> Box<dyn Session> {
        let first = match start.from_start {
            true => State::Greeting,
            false => State::Over,
        };
        Box::new(VncSession { states: [first; 2] })
    }
}

fn of(bytes: &[u8]) -> Probe {
    const DIGIT: Byte = Between(b'0', b'9');
    const SHAPE: &[Byte] = &[
        Is(b'R'),
        Is(b'F'),
        Is(b'B'),
        Is(b' '),
        DIGIT,
        DIGIT,
        DIGIT,
        Is(b'.'),
        DIGIT,
        DIGIT,
        DIGIT,
        Is(b'\n'),
    ];
    shape(bytes, SHAPE, Probe::Certain)
}

/// What one side says next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Greeting,
    /// The server's offer; the minor version.
    Offer(u8),
    /// Nothing is asked for: so many bytes of result, then the screen.
    Screen(usize),
    Over,
}

struct VncSession {
    states: [State; 2],
}

impl Session for VncSession {
    fn data(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        let state = self.states[direction.index()];
        let (used, next) = match state {
            State::Greeting => {
                let Some(greeting) = bytes.get(..GREETING) else {
                    return Progress::Used(0);
                };
                let place = out.place(0..GREETING);
                let version = greeting.get(4..11).unwrap_or_default();
                out.claim(place, "vnc_version", text::lenient(version));
                let is_server = direction == Direction::FromResponder;
                let minor = greeting.get(10).map_or(0, |digit| digit.wrapping_sub(b'0'));
                match is_server {
                    true => (GREETING, State::Offer(minor)),
                    false => (GREETING, State::Over),
                }
            }
            State::Offer(minor) => match offer(minor, bytes, out) {
                Some(step) => step,
                None => return Progress::Used(0),
            },
            State::Screen(before) => {
                let Some(length) = be_u32(bytes, before + SCREEN - 4) else {
                    return Progress::Used(0);
                };
                let from = before + SCREEN;
                let end = from + (length as usize).min(NAME_MAX);
                let Some(name) = bytes.get(from..end) else {
                    return Progress::Used(0);
                };
                let place = out.place(0..end);
                out.claim(place, "vnc_desktop", text::lenient(name));
                (end, State::Over)
            }
            State::Over => (bytes.len(), State::Over),
        };
        self.states[direction.index()] = next;
        match self.states {
            [State::Over, State::Over] => Progress::Done,
            _ => Progress::Used(used),
        }
    }

    fn gap(&mut self, direction: Direction, _: Option<u64>, _: &mut Output<'_>) {
        self.states[direction.index()] = State::Over;
    }
}

/// The kinds of security offered: a list from version 3.7 on, one number before.
fn offer(minor: u8, bytes: &[u8], out: &mut Output<'_>) -> Option<(usize, State)> {
    let (kinds, used) = match (minor, bytes.first()?) {
        (0..7, _) => {
            let kind = be_u32(bytes, 0)?;
            (vec![u8::try_from(kind).unwrap_or_default()], 4)
        }
        (_, count) => {
            let end = 1 + usize::from(*count);
            (bytes.get(1..end)?.to_vec(), end)
        }
    };
    let names: Vec<&str> = kinds.iter().map(|kind| name(*kind)).collect();
    let place = out.place(0..used);
    out.claim(place, "vnc_security", names.join(", "));
    let is_open = kinds == [1];
    let next = match (is_open, minor) {
        (false, _) => State::Over,
        (true, 0..8) => State::Screen(0),
        (true, _) => State::Screen(4),
    };
    Some((used, next))
}

fn name(kind: u8) -> &'static str {
    match kind {
        0 => "refused",
        1 => "none",
        2 => "password",
        5 | 6 | 13 | 129 | 130 => "RA2",
        16 => "Tight",
        17 => "Ultra",
        18 => "TLS",
        19 => "VeNCrypt",
        30..=36 => "Apple",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drive::{Piece, drive, without_places};
    use auscult_model::Transport;

    #[test]
    fn a_greeting_of_digits() {
        assert_eq!(of(b"RFB 003.008\n"), Probe::Certain);
        assert_eq!(of(b"RFB 003.0"), Probe::Maybe);
        assert_eq!(of(b"RFB 003-008\n"), Probe::No);
    }

    #[test]
    fn an_open_screen_tells_its_name() {
        let mut server = b"RFB 003.008\n\x01\x01\0\0\0\0".to_vec();
        server.extend([0; 20]);
        server.extend(b"\0\0\0\x05ward3");
        let start = Start {
            transport: Transport::Tcp,
            from_start: true,
            ports: [40_000, 5900],
        };
        let said = |pieces: &[Piece<'_>]| without_places(&drive(&Vnc, &start, pieces).said);
        let whole = said(&[Piece::Bytes(Direction::FromResponder, &server)]);
        assert!(
            whole[1].contains("none") && whole[2].contains("ward3"),
            "{whole:?}"
        );
        let bytes: Vec<Piece<'_>> = server
            .chunks(1)
            .map(|byte| Piece::Bytes(Direction::FromResponder, byte))
            .collect();
        assert_eq!(said(&bytes), whole);
    }
}
