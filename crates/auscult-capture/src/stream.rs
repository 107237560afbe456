//! A stream of bytes in large blocks whose cut record is carried over to the next block.
//!
//! Every `read` goes to a page boundary of the block. A read buffer that begins a few bytes after
//! one (where `malloc` puts large blocks) is three times slower on some machines, because loads
//! and stores 4 KiB apart collide. The carried bytes lie before that boundary.

use std::io::{Error, ErrorKind, Read};
use std::ops::Range;

const PAGE: usize = 4096;

/// Bytes in, blocks out.
pub(crate) struct Stream {
    source: Box<dyn Read + Send>,
    /// Bytes that were read and not used yet.
    carry: Vec<u8>,
    /// Bytes to be dropped before the next ones are used.
    skip: u64,
    /// Offset in the stream of the first byte of `carry`.
    offset: u64,
    ended: bool,
    error: Option<Error>,
}

impl Stream {
    /// A stream that begins with `carry` and goes on with `source`, `offset` bytes from its start.
    pub(crate) fn new(carry: Vec<u8>, source: Box<dyn Read + Send>, offset: u64) -> Self {
        Stream {
            source,
            carry,
            skip: 0,
            offset,
            ended: false,
            error: None,
        }
    }

    /// The source has failed already; what is carried is all there is.
    pub(crate) fn end_with(&mut self, error: Error) {
        self.ended = true;
        self.error = Some(error);
    }

    /// Whether the source has no more bytes than were handed out.
    pub(crate) fn ended(&self) -> bool {
        self.ended
    }

    /// Offset in the stream of the first byte of the next block.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Why the source ended, when it was not its end.
    pub(crate) fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// Bytes carried over.
    pub(crate) fn carried(&self) -> usize {
        self.carry.len()
    }

    /// Fills `buffer` with the carried bytes and about `block` further ones, fewer only at the
    /// end of the source; returns where they lie.
    ///
    /// `need` is the length that the record at the front claims: the block grows towards it, but
    /// never by more than what was really read so far, so that a claim alone costs nothing.
    pub(crate) fn fill(&mut self, buffer: &mut Vec<u8>, block: usize, need: usize) -> Range<usize> {
        let carried = self.carry.len();
        let want = block.max(need.saturating_sub(carried).min(carried));
        let front = carried.next_multiple_of(PAGE);
        if buffer.len() < PAGE + front + want {
            *buffer = vec![0; PAGE + front + want];
        }
        let boundary = buffer.as_ptr().align_offset(PAGE).min(PAGE) + front;
        self.drop_skipped(buffer);
        let start = boundary - carried;
        if let Some(target) = buffer.get_mut(start..boundary) {
            target.copy_from_slice(&self.carry);
        }
        self.carry.clear();
        let mut end = boundary;
        while !self.ended && end < boundary + want {
            match buffer
                .get_mut(end..boundary + want)
                .map(|free| self.source.read(free))
            {
                Some(Ok(0)) | None => self.ended = true,
                Some(Ok(count)) => end += count.min(boundary + want - end),
                Some(Err(error)) => self.failed(error),
            }
        }
        start..end
    }

    /// Keeps the unused end of a block for the next one. `used` bytes of it are done with, and
    /// `skip` bytes more are to be dropped, of which some may not have been read yet.
    pub(crate) fn keep(&mut self, block: &[u8], used: usize, skip: u64) {
        let rest = block.get(used..).unwrap_or_default();
        let dropped = usize::try_from(skip).unwrap_or(usize::MAX).min(rest.len());
        self.carry.clear();
        self.carry
            .extend_from_slice(rest.get(dropped..).unwrap_or_default());
        self.offset += (used + dropped) as u64;
        self.skip = skip - dropped as u64;
    }

    fn drop_skipped(&mut self, buffer: &mut [u8]) {
        while self.skip > 0 && !self.ended {
            let room = usize::try_from(self.skip)
                .unwrap_or(usize::MAX)
                .min(buffer.len());
            match buffer.get_mut(..room).map(|free| self.source.read(free)) {
                Some(Ok(0)) | None => self.ended = true,
                Some(Ok(count)) => {
                    self.skip = self.skip.saturating_sub(count as u64);
                    self.offset += count as u64;
                }
                Some(Err(error)) => self.failed(error),
            }
        }
        if self.skip > 0 && self.error.is_none() {
            self.error = Some(ErrorKind::UnexpectedEof.into());
        }
    }

    fn failed(&mut self, error: Error) {
        if error.kind() != ErrorKind::Interrupted {
            self.end_with(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_go_to_page_boundaries_and_carry_lies_before() {
        let data: Vec<u8> = (0..40_000u32).map(|n| n as u8).collect();
        let mut stream = Stream::new(
            data[..10].to_vec(),
            Box::new(std::io::Cursor::new(data[10..].to_vec())),
            0,
        );
        let mut buffer = Vec::new();
        let first = stream.fill(&mut buffer, 8192, 0);
        assert_eq!((buffer.as_ptr() as usize + first.start + 10) % PAGE, 0);
        assert_eq!(buffer[first.clone()], data[..8202]);
        stream.keep(&buffer[first], 8000, 10_000);
        assert_eq!((stream.offset(), stream.carried()), (8202, 0));
        let second = stream.fill(&mut buffer, 8192, 0);
        assert_eq!(buffer[second], data[18_000..26_192]);
        assert!(!stream.ended());
    }

    #[test]
    fn a_claimed_length_alone_allocates_nothing() {
        let mut stream = Stream::new(vec![1; 100], Box::new(std::io::empty()), 0);
        let mut buffer = Vec::new();
        let range = stream.fill(&mut buffer, 4096, usize::MAX);
        assert_eq!(range.len(), 100);
        assert!(buffer.len() < 20_000);
        assert!(stream.ended());
    }
}
