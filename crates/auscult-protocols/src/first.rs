//! Sessions of protocols whose first messages tell who speaks, and whose rest is not read.

use auscult_model::{Bound, Direction};

use crate::{Output, Progress, Session};

pub(crate) static FIRST: Bound = Bound::constant(
    "first-message",
    16 << 10,
    "bytes of a message of a protocol of which only who speaks is read",
    "the message is not read",
);
const FIRST_MAX: usize = FIRST.default as usize;

/// Where the message ends that bytes begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// After so many bytes, which may not be there yet.
    At(usize),
    /// More bytes must tell.
    Open,
    /// These bytes are none.
    None,
}

/// Reads so many messages of each direction; what follows is left out.
pub(crate) struct First {
    /// Where a message ends.
    end: fn(&[u8]) -> End,
    /// What a whole message says.
    read: fn(&[u8], &mut Output<'_>),
    left: [u32; 2],
}

impl First {
    /// A session that reads `messages` messages of each side, from the first byte on.
    pub(crate) fn start(
        messages: u32,
        from_start: bool,
        end: fn(&[u8]) -> End,
        read: fn(&[u8], &mut Output<'_>),
    ) -> Box<dyn Session> {
        let left = if from_start { messages } else { 0 };
        Box::new(First {
            end,
            read,
            left: [left; 2],
        })
    }

    /// A session that reads the first `messages` datagrams of each side.
    pub(crate) fn datagrams(messages: u32, read: fn(&[u8], &mut Output<'_>)) -> Box<dyn Session> {
        First::start(messages, true, |bytes| End::At(bytes.len()), read)
    }

    fn give_up(&mut self, direction: Direction) -> Progress {
        self.left[direction.index()] = 0;
        self.pass(usize::MAX)
    }

    /// So many bytes are done with, unless nothing more is wanted of either side.
    fn pass(&self, used: usize) -> Progress {
        match self.left {
            [0, 0] => Progress::Done,
            _ => Progress::Used(used),
        }
    }
}

impl Session for First {
    fn data(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        if self.left[direction.index()] == 0 {
            return self.pass(usize::MAX);
        }
        let end = match (self.end)(bytes) {
            End::None => return self.give_up(direction),
            End::Open if bytes.len() >= FIRST_MAX => {
                out.reached(&FIRST);
                return self.give_up(direction);
            }
            End::Open => return Progress::Used(0),
            End::At(end) => end.max(1),
        };
        if end > FIRST_MAX {
            out.reached(&FIRST);
            return self.give_up(direction);
        }
        let Some(message) = bytes.get(..end) else {
            return Progress::Need { used: 0, need: end };
        };
        (self.read)(message, out);
        self.left[direction.index()] -= 1;
        self.pass(end)
    }

    fn gap(&mut self, direction: Direction, _: Option<u64>, _: &mut Output<'_>) {
        self.left[direction.index()] = 0;
    }
}

/// Where the head of a message of lines ends: behind its empty line.
pub(crate) fn head(bytes: &[u8]) -> End {
    match memchr::memmem::find(bytes, b"\r\n\r\n") {
        Some(at) => End::At(at + 4),
        None => End::Open,
    }
}

/// The value of the first line `name: value` of a head, whatever the case of its name.
pub(crate) fn field<'a>(head: &'a [u8], name: &str) -> Option<&'a [u8]> {
    head.split(|byte| *byte == b'\n').skip(1).find_map(|line| {
        let (found, value) = line.split_at_checked(name.len())?;
        let value = value.strip_prefix(b":")?;
        found
            .eq_ignore_ascii_case(name.as_bytes())
            .then(|| value.trim_ascii())
    })
}

/// Says what the sender claims of itself in the message of `length` bytes, when there is something.
pub(crate) fn claim(
    out: &mut Output<'_>,
    length: usize,
    attribute: &'static str,
    value: Option<&[u8]>,
) {
    let Some(value) = value else {
        return;
    };
    let place = out.place(0..length);
    out.claim(place, attribute, crate::text::lenient(value));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_a_head() {
        let text = b"OPTIONS * SIP/2.0\r\nuser-agent: Phone 3 \r\nX: y\r\n\r\n";
        assert_eq!(field(text, "User-Agent"), Some(b"Phone 3".as_slice()));
        assert_eq!(field(text, "Server"), None);
        assert_eq!(head(text), End::At(text.len()));
        assert_eq!(head(&text[..20]), End::Open);
    }
}
