//! The input of the protocol target: a few bytes that say how, then what both sides say.
//!
//! Nothing but the first eight bytes is structure, so that a mutation of a message stays one: a
//! byte more or less moves no border that would turn all that follows into something else.

use std::ops::Range;

use auscult_model::Direction;

/// Bytes before those of the sides.
pub const HEADER: usize = 8;

/// One side's share of the input and where it is cut.
#[derive(Clone, Debug)]
pub struct Turn {
    /// Who speaks.
    pub direction: Direction,
    /// What, as a range of the side's bytes.
    pub range: Range<usize>,
}

/// An input, understood.
#[derive(Clone, Copy, Debug)]
pub struct Conversation<'a> {
    /// Chooses the protocol.
    pub which: u8,
    /// Chooses the transport; whether the first byte is the stream's; who is probed first.
    pub flags: u8,
    /// How turns and cuts are made.
    pub dice: u16,
    /// Where a hole lies, and in whose bytes; none when 0.
    pub hole: u16,
    /// What the originator says.
    pub out: &'a [u8],
    /// What the responder says.
    pub back: &'a [u8],
}

impl<'a> Conversation<'a> {
    /// Reads an input.
    pub fn parse(data: &'a [u8]) -> Option<Self> {
        let (&[which, flags, d0, d1, h0, h1, s0, s1], rest) = data.split_first_chunk::<HEADER>()?;
        let split = usize::from(u16::from_be_bytes([s0, s1])).min(rest.len());
        let (out, back) = rest.split_at(split);
        let (dice, hole) = (u16::from_be_bytes([d0, d1]), u16::from_be_bytes([h0, h1]));
        Some(Conversation {
            which,
            flags,
            dice,
            hole,
            out,
            back,
        })
    }

    /// Writes an input, for seeds.
    pub fn write(&self) -> Vec<u8> {
        let mut data = vec![self.which, self.flags];
        for number in [self.dice, self.hole, self.out.len() as u16] {
            data.extend(number.to_be_bytes());
        }
        data.extend(self.out);
        data.extend(self.back);
        data
    }

    /// What a side says.
    pub fn side(&self, direction: Direction) -> &'a [u8] {
        match direction {
            Direction::FromOriginator => self.out,
            Direction::FromResponder => self.back,
        }
    }

    /// Who speaks when: one after the other, or in turns of sizes that the dice give.
    pub fn turns(&self) -> Vec<Turn> {
        let mut dice = Dice::new(self.dice);
        let mut sides = [0..self.out.len(), 0..self.back.len()];
        let mut turns = Vec::new();
        let mut direction = Direction::FromOriginator;
        while sides.iter().any(|side| !side.is_empty()) {
            let side = &mut sides[direction.index()];
            let most = side.len();
            let length = if self.dice == 0 {
                most
            } else {
                most.min(1 + dice.below(200))
            };
            if length > 0 {
                turns.push(Turn {
                    direction,
                    range: side.start..side.start + length,
                });
                side.start += length;
            }
            direction = direction.opposite();
        }
        turns
    }

    /// The same turns in small pieces; a direction's bytes stay in order and so do the turns.
    pub fn cut(&self, turns: &[Turn]) -> Vec<Turn> {
        let mut dice = Dice::new(!self.dice);
        let most = 1 + dice.below(40);
        let mut pieces = Vec::new();
        for Turn { direction, range } in turns {
            let mut at = range.start;
            while at < range.end {
                let end = range.end.min(at + 1 + dice.below(most));
                pieces.push(Turn {
                    direction: *direction,
                    range: at..end,
                });
                at = end;
            }
        }
        pieces
    }
}

/// Numbers that look random and depend on the input alone.
struct Dice(u64);

impl Dice {
    fn new(seed: u16) -> Self {
        Dice(u64::from(seed) | 1 << 32)
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % limit.max(1)
    }
}
