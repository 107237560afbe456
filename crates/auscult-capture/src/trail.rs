//! Landmarks left while a file is read, so that a packet can be fetched again without reading
//! everything before it.
//!
//! For uncompressed files only. At most 4,096 landmarks: when they are too many, every second one
//! is dropped. A landmark holds all that is needed to go on there; for pcapng that is the table of
//! the section's interfaces, of which at most 64 states
//! of at most 1,024 interfaces are kept.

use crate::reader::Parser;

const MAX_LANDMARKS: usize = 4096;
const MAX_STATES: usize = 64;
const MAX_STATE_INTERFACES: usize = 1024;

/// A place between two records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Landmark {
    /// Frames numbered before this place.
    number: u64,
    /// Offset in the file.
    offset: u64,
    /// Index of the parser's state.
    state: usize,
}

/// The landmarks of one file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trail {
    landmarks: Vec<Landmark>,
    states: Vec<Parser>,
    /// Interfaces described when the last state was kept, and sections begun.
    generation: u64,
    /// A landmark is left at every `stride`th block.
    stride: u64,
    blocks: u64,
}

/// Where to go on reading.
#[derive(Clone, Debug)]
pub(crate) struct Resume {
    pub(crate) number: u64,
    pub(crate) offset: u64,
    pub(crate) parser: Parser,
}

impl Trail {
    /// Notes that a block ended between two records.
    pub(crate) fn mark(&mut self, number: u64, offset: u64, parser: &Parser) {
        self.blocks += 1;
        if !self.blocks.is_multiple_of(self.stride.max(1)) {
            return;
        }
        // Thousands of interfaces are not worth being kept for every landmark.
        if parser.interfaces() > MAX_STATE_INTERFACES {
            return;
        }
        if self.states.is_empty() || self.generation != parser.generation() {
            if self.states.len() >= MAX_STATES {
                return;
            }
            self.generation = parser.generation();
            self.states.push(parser.clone());
        }
        if self.landmarks.len() >= MAX_LANDMARKS {
            let mut place = 0u64;
            self.landmarks.retain(|_| {
                place += 1;
                place.is_multiple_of(2)
            });
            self.stride = self.stride.max(1) * 2;
        }
        self.landmarks.push(Landmark {
            number,
            offset,
            state: self.states.len() - 1,
        });
    }

    /// The last landmark before a frame; `None` when the start of the file is the nearest.
    pub(crate) fn before(&self, number: u64) -> Option<Resume> {
        let after = self
            .landmarks
            .partition_point(|landmark| landmark.number < number);
        let landmark = self.landmarks.get(after.checked_sub(1)?)?;
        let parser = self.states.get(landmark.state)?.clone();
        Some(Resume {
            number: landmark.number,
            offset: landmark.offset,
            parser,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn landmarks_are_thinned_and_the_nearest_one_before_is_found() {
        let mut trail = Trail::default();
        assert!(trail.before(1).is_none());
        for block in 1..=100_000u64 {
            trail.mark(block * 10, block * 1000, &Parser::Stopped);
        }
        assert!(trail.landmarks.len() <= MAX_LANDMARKS && trail.landmarks.len() > 2000);
        let spacing = trail.stride * 10;
        for number in [500_000, 777_777, 1_000_000] {
            let resume = trail.before(number).expect("far into the file");
            assert!(resume.number < number && resume.number + spacing >= number);
            assert_eq!(resume.offset, resume.number * 100);
        }
        assert!(trail.before(5).is_none());
    }
}
