//! Commands that wait for their answers, and what their words hold: ports and sizes.
//!
//! Sources: RFC 959 §4.1, §5.4 (one final answer a command), RFC 2428.

use std::collections::VecDeque;

use auscult_model::Direction;

use crate::Place;
use crate::ftp_data::Crossing;

/// A command that was not answered yet.
#[derive(Debug)]
pub(super) enum Command {
    Other,
    Transfer(Box<Transfer>),
}

/// A file or a listing that was asked for.
#[derive(Clone, Debug)]
pub(super) struct Transfer {
    /// `read` or `write`.
    pub(super) operation: &'static str,
    /// Name of the file; none for a listing.
    pub(super) object: Option<String>,
    pub(super) crossing: Crossing,
    pub(super) client: Direction,
    /// Of the command.
    pub(super) place: Place,
    pub(super) confidence: f32,
    /// Its request was said.
    pub(super) told: bool,
}

/// What an answer answers.
pub(super) enum Answered {
    Nothing,
    /// A transfer that begins; its final answer is still to come.
    Begun(Box<Transfer>),
    Ended(Box<Transfer>),
}

/// Commands in order.
#[derive(Debug)]
pub(super) struct Commands {
    waiting: VecDeque<Command>,
    /// Nothing was lost, so that the first one is the one that is answered.
    paired: bool,
    /// An answer was seen since something was lost.
    spoke: bool,
    greeted: bool,
}

impl Commands {
    pub(super) fn new(from_start: bool) -> Self {
        Commands {
            waiting: VecDeque::new(),
            paired: from_start,
            spoke: false,
            greeted: false,
        }
    }

    /// A command is sent. Clients wait for answers: when something was lost and the server spoke
    /// since, what waits was answered unseen, and pairs are known again. Returns its transfers.
    pub(super) fn resume(&mut self) -> Vec<Transfer> {
        if self.paired || !self.spoke {
            return Vec::new();
        }
        let unseen = self.forget();
        self.paired = true;
        unseen
    }

    /// Says whether there was room.
    pub(super) fn push(&mut self, command: Command, most: usize) -> bool {
        let room = self.waiting.len() < most;
        if room {
            self.waiting.push_back(command);
        } else {
            self.paired = false;
        }
        room
    }

    /// The last line of an answer.
    pub(super) fn answer(&mut self, code: u16) -> Answered {
        // The greeting answers nothing; 120 announces it.
        if matches!(code, 120 | 220) && !std::mem::replace(&mut self.greeted, code == 220) {
            return Answered::Nothing;
        }
        if !self.paired {
            self.spoke |= code >= 200;
            return Answered::Nothing;
        }
        if code < 200 {
            return match self.waiting.front_mut() {
                Some(front @ Command::Transfer(_)) => {
                    match std::mem::replace(front, Command::Other) {
                        Command::Transfer(transfer) => Answered::Begun(transfer),
                        Command::Other => Answered::Nothing,
                    }
                }
                _ => Answered::Nothing,
            };
        }
        match self.waiting.pop_front() {
            Some(Command::Transfer(transfer)) => Answered::Ended(transfer),
            Some(Command::Other) | None => Answered::Nothing,
        }
    }

    /// The transfer that [`Answered::Begun`] took out goes on.
    pub(super) fn put_back(&mut self, transfer: Box<Transfer>) {
        if let Some(front) = self.waiting.front_mut() {
            *front = Command::Transfer(transfer);
        }
    }

    /// The transfer that follows next.
    pub(super) fn next_transfer(&self) -> Option<&Transfer> {
        match self.waiting.front() {
            Some(Command::Transfer(transfer)) => Some(transfer),
            _ => None,
        }
    }

    /// Bytes were lost or no more will come: transfers without an answer, in order.
    pub(super) fn forget(&mut self) -> Vec<Transfer> {
        self.paired = false;
        self.spoke = false;
        self.waiting
            .drain(..)
            .filter_map(|command| match command {
                Command::Transfer(transfer) => Some(*transfer),
                Command::Other => None,
            })
            .collect()
    }
}

/// The port of `h1,h2,h3,h4,p1,p2`, alone or in the words of an answer.
pub(super) fn six_numbers(text: &[u8]) -> Option<u16> {
    let start = text.iter().position(u8::is_ascii_digit)?;
    let list = text.get(start..)?;
    let end = list
        .iter()
        .position(|b| !b.is_ascii_digit() && !matches!(b, b',' | b' '));
    let list = list.get(..end.unwrap_or(list.len()))?;
    let mut numbers = list.split(|&b| b == b',').map(|number| {
        let digits = std::str::from_utf8(number.trim_ascii()).ok()?;
        digits.parse::<u8>().ok()
    });
    let mut six = [0; 6];
    for number in &mut six {
        *number = numbers.next()??;
    }
    let [.., high, low] = six;
    numbers
        .next()
        .is_none()
        .then_some(u16::from_be_bytes([high, low]))
}

/// The port of `|1|address|port|` or `(|||port|)`, with whatever delimiter.
pub(super) fn extended(text: &[u8]) -> Option<u16> {
    let start = memchr::memchr(b'(', text).map_or(0, |at| at + 1);
    let text = text.get(start..)?;
    let delimiter = *text.first()?;
    let port = text.split(|&b| b == delimiter).nth(3)?;
    std::str::from_utf8(port).ok()?.parse().ok()
}

/// The size of `(1234 bytes)` in the words of an answer.
pub(super) fn size_of(text: &[u8]) -> Option<u64> {
    let end = memchr::memmem::find(text, b" bytes")?;
    let text = text.get(..end)?;
    let start = text.iter().rposition(|b| !b.is_ascii_digit())? + 1;
    let before = text.get(start - 1)?;
    let digits = std::str::from_utf8(text.get(start..)?).ok()?;
    (*before == b'(').then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_and_sizes() {
        assert_eq!(six_numbers(b"192,168,150,90,195,149"), Some(50069));
        let answer = b"Entering Passive Mode (10,0,0,9,4,210).";
        assert_eq!(six_numbers(answer), Some(1234));
        assert_eq!(six_numbers(b"1,2,3,4,5"), None);
        assert_eq!(six_numbers(b"1,2,3,4,5,600"), None);
        assert_eq!(extended(b"|1|132.235.1.2|6275|"), Some(6275));
        assert_eq!(extended(b"|2|1080::8:800:200C:417A|5282|"), Some(5282));
        assert_eq!(extended(b"Entering (|||6446|)"), Some(6446));
        assert_eq!(extended(b"|||"), None);
        let answer = b"Opening BINARY mode data connection for a (7) b (1234 bytes).";
        assert_eq!(size_of(answer), Some(1234));
        assert_eq!(size_of(b"(x bytes)"), None);
    }
}
