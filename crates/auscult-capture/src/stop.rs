//! Ending the reading early, from another thread or a signal.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

/// A request to end the reading early. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks that no more be read; says whether that was asked before.
    pub fn request(&self) -> bool {
        self.0.swap(true, Ordering::Relaxed)
    }

    /// Whether that was asked.
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What is said of a file whose reading was ended early.
pub(crate) const INTERRUPTED: &str = "interrupted";

/// How long a stop may go unnoticed while a stream is silent.
const NOTICED_WITHIN: Duration = Duration::from_millis(50);
/// Bytes read from a stream at a time.
const BLOCK: usize = 64 << 10;
/// Blocks read ahead.
const AHEAD: usize = 4;

/// A stream that may be silent for hours, read by a thread of its own so that a stop is noticed
/// at once; what that thread had read by then is still handed on. It ends with the stream or the
/// program.
pub(crate) struct Stoppable {
    blocks: Receiver<io::Result<Vec<u8>>>,
    block: Vec<u8>,
    at: usize,
    stop: Stop,
    /// Blocks that are handed on after a stop: those read ahead, and one on its way.
    last: usize,
}

impl Stoppable {
    pub(crate) fn new(source: Box<dyn Read + Send>, stop: Stop) -> io::Result<Self> {
        let (sender, blocks) = sync_channel(AHEAD);
        let mut source = source;
        thread::Builder::new().spawn(move || {
            loop {
                let mut block = vec![0; BLOCK];
                let read = source.read(&mut block);
                let is_last = !matches!(read, Ok(1..));
                let read = read.map(|count| {
                    block.truncate(count);
                    block
                });
                let again =
                    matches!(&read, Err(error) if error.kind() == io::ErrorKind::Interrupted);
                if again {
                    continue;
                }
                if sender.send(read).is_err() || is_last {
                    return;
                }
            }
        })?;
        Ok(Stoppable {
            blocks,
            block: Vec::new(),
            at: 0,
            stop,
            last: AHEAD + 1,
        })
    }
}

impl Read for Stoppable {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.block.len() {
            let is_stopped = self.stop.is_requested();
            if is_stopped && self.last == 0 {
                return Err(io::Error::other(INTERRUPTED));
            }
            match self.blocks.recv_timeout(NOTICED_WITHIN) {
                Ok(block) => {
                    self.last -= usize::from(is_stopped);
                    self.block = block?;
                    self.at = 0;
                    if self.block.is_empty() {
                        return Ok(0);
                    }
                }
                Err(RecvTimeoutError::Timeout) if is_stopped => self.last = 0,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
        }
        let rest = self.block.get(self.at..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        self.at += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream that never says anything.
    struct Silent;

    impl Read for Silent {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            loop {
                thread::park();
            }
        }
    }

    #[test]
    fn a_silent_stream_can_be_stopped() {
        let stop = Stop::default();
        let mut stream = Stoppable::new(Box::new(Silent), stop.clone()).unwrap();
        let reading = thread::spawn(move || stream.read(&mut [0; 10]).unwrap_err().to_string());
        assert!(!stop.request() && stop.request());
        assert_eq!(reading.join().unwrap(), INTERRUPTED);
    }

    /// A stream that says the same for ever.
    struct Endless;

    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            buffer.fill(7);
            Ok(buffer.len())
        }
    }

    #[test]
    fn what_was_read_ahead_comes_after_a_stop_and_no_more() {
        let stop = Stop::default();
        let mut stream = Stoppable::new(Box::new(Endless), stop.clone()).unwrap();
        stop.request();
        let mut read = Vec::new();
        let error = stream.read_to_end(&mut read).unwrap_err();
        assert_eq!(error.to_string(), INTERRUPTED);
        assert_eq!(read.len(), (AHEAD + 1) * BLOCK);
    }

    #[test]
    fn bytes_pass_through() {
        let bytes: Vec<u8> = (0..200_000_u32).map(|n| n as u8).collect();
        let source = Box::new(io::Cursor::new(bytes.clone()));
        let mut stream = Stoppable::new(source, Stop::default()).unwrap();
        let mut read = Vec::new();
        stream.read_to_end(&mut read).unwrap();
        assert!(read == bytes);
        assert_eq!(stream.read(&mut [0; 10]).unwrap(), 0);
    }
}
