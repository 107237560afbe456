//! Puts a file together from pieces that were read or written over the network, and hashes it.
//!
//! Pieces may come in any order, twice, or overlap: requests run in parallel and are repeated.
//! Bytes in order are hashed at once and forgotten; only pieces ahead of them wait. Of what was
//! forgotten a digest of every 512-byte block is kept, so that a repeated piece can be compared:
//! a file of which two versions of a byte crossed is never called complete.
//!
//! Of shares on which people work, what is large is hashed only when it could run or carry code
//! ([`FileAssembler::sparing`]): hashing every image and database that crosses costs more than all
//! else, and nobody looks a digest of them up.
//!
//! Limits: [`PENDING_MAX`] bytes and [`RUNS_MAX`] pieces wait for a file (`file-pending`); blocks
//! beyond [`BLOCKS_MAX`] are not compared, a repeat of them leaves the file incomplete.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv4Addr};

use auscult_model::{Artifact, Bound, Endpoint, FileClass, Segment};
use sha2::{Digest, Sha256};

use crate::magic::{file_kind, file_signature, is_unmarked_code, is_worth};
use crate::{Mark, Place};

/// Bytes that wait.
pub static PENDING: Bound = Bound::settable(
    "file-pending",
    4 << 20,
    "bytes of one file that wait for earlier ones",
    "further ones are left out, and the file counts as incomplete",
);
/// Most separate pieces of one file that wait for earlier ones; further ones count as
/// [`PENDING`].
const RUNS_MAX: usize = 4096;
/// Most blocks of which a digest is kept (32 MiB of a file). What is sent again behind them cannot
/// be compared, and makes the file count as incomplete.
const BLOCKS_MAX: usize = 65_536;

/// Size of the blocks that are compared when a piece is repeated.
const BLOCK: usize = 512;
/// Bytes of a file's beginning that are kept: its type and the place of a signature are told there.
const HEAD: usize = 1024;
/// A file so small is hashed whatever it holds.
const SMALL: u64 = 64 << 10;

/// Whether a file's bytes are hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hashing {
    Yes,
    /// While it is [`SMALL`]; then its first bytes tell.
    WhileSmall,
    No,
}

/// One file that is crossing.
pub struct FileAssembler {
    name: String,
    protocol: &'static str,
    hashing: Hashing,
    hasher: Sha256,
    /// Bytes hashed so far: everything before this offset was seen.
    frontier: u64,
    /// The first bytes, for the type by magic.
    head: Vec<u8>,
    /// Digests of whole blocks behind the frontier.
    blocks: Vec<u64>,
    /// Bytes since the last whole block.
    tail: Vec<u8>,
    /// Pieces ahead of the frontier, not overlapping.
    pending: BTreeMap<u64, Vec<u8>>,
    pending_bytes: usize,
    /// A repeated block that is being compared: where it begins, and its bytes so far.
    repeat: (u64, Vec<u8>),
    size: Option<u64>,
    /// No byte was seen with two values, left out, or repeated without being comparable.
    agreed: bool,
    place: Option<Place>,
    key: RandomState,
}

impl FileAssembler {
    /// A file of which nothing was seen yet.
    pub fn new(name: impl Into<String>, protocol: &'static str) -> Self {
        FileAssembler {
            name: name.into(),
            protocol,
            hashing: Hashing::Yes,
            hasher: Sha256::new(),
            frontier: 0,
            head: Vec::new(),
            blocks: Vec::new(),
            tail: Vec::new(),
            pending: BTreeMap::new(),
            pending_bytes: 0,
            repeat: (0, Vec::new()),
            size: None,
            agreed: true,
            place: None,
            key: RandomState::new(),
        }
    }

    /// The same, but what is large (64 KiB) and by its first bytes and its name neither a program,
    /// an archive nor a document that can carry code is only counted from there on: it gets no
    /// digest, and with repeats behind its first kilobyte it counts as incomplete.
    pub fn sparing(name: impl Into<String>, protocol: &'static str) -> Self {
        FileAssembler {
            hashing: Hashing::WhileSmall,
            ..FileAssembler::new(name, protocol)
        }
    }

    /// The name given by the protocol.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A name learnt later.
    pub fn set_name(&mut self, name: impl Into<String>) {
        self.name = name.into();
    }

    /// Everything before this offset was seen.
    pub fn frontier(&self) -> u64 {
        self.frontier
    }

    /// Bytes that wait for earlier ones.
    pub fn pending_bytes(&self) -> usize {
        self.pending_bytes
    }

    /// Bytes that it takes, roughly.
    pub fn held(&self) -> usize {
        self.head.len() + self.pending_bytes + 64 * self.pending.len() + 8 * self.blocks.len()
    }

    /// Packets with its first and latest bytes, when any were seen.
    pub fn place(&self) -> Option<Place> {
        self.place
    }

    /// The size that the protocol declared, or the end that it told; the latest word counts.
    pub fn know_size(&mut self, size: u64) {
        self.size = Some(size);
    }

    /// The size, when it is known.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// Bytes of the file were lost for good, or came with two values.
    pub fn spoil(&mut self) {
        self.agreed = false;
    }

    /// All bytes were seen, each with one value.
    pub fn is_complete(&self) -> bool {
        self.agreed
            && self.size == Some(self.frontier)
            && self.pending.is_empty()
            && self.repeat.1.is_empty()
    }

    /// Bytes that follow what was seen in order.
    #[must_use]
    pub fn append(&mut self, bytes: &[u8], mark: Mark) -> bool {
        self.add(self.frontier, bytes, PENDING.default as usize, mark)
    }

    /// Bytes at an offset; at most `allowance` bytes of the file may wait. False when some had to
    /// be left out, to be counted as `file-pending`.
    #[must_use]
    pub fn add(&mut self, offset: u64, bytes: &[u8], allowance: usize, mark: Mark) -> bool {
        let (mut at, mut rest) = (offset, bytes);
        if rest.is_empty() {
            return true;
        }
        match &mut self.place {
            Some(place) => place.last = mark,
            None => {
                self.place = Some(Place {
                    first: mark,
                    last: mark,
                });
            }
        }
        if at.checked_add(rest.len() as u64).is_none() {
            self.agreed = false;
            return true;
        }
        if at < self.frontier {
            let known = rest
                .len()
                .min((self.frontier - at).min(usize::MAX as u64) as usize);
            let (again, new) = rest.split_at(known);
            self.compare(at, again);
            at += known as u64;
            rest = new;
        }
        let mut allowance = allowance.saturating_sub(self.pending_bytes);
        while !rest.is_empty() {
            let step = if at == self.frontier {
                let room = self.room(at, rest.len());
                let (now, _) = rest.split_at(room);
                self.advance(now);
                room
            } else {
                let before = self.pending_bytes;
                let step = self.hold(at, rest, allowance);
                allowance -= self.pending_bytes - before;
                step
            };
            if step == 0 {
                self.agreed = false;
                return false;
            }
            at += step as u64;
            rest = rest.get(step..).unwrap_or_default();
            self.release();
            if at < self.frontier && !rest.is_empty() {
                // What waited covered bytes of this piece, too.
                let known = rest.len().min((self.frontier - at) as usize);
                let (again, new) = rest.split_at(known);
                self.compare(at, again);
                at += known as u64;
                rest = new;
            }
        }
        true
    }

    /// By its first bytes no program, image or archive, or they were not seen: what it holds may be
    /// about anybody.
    pub(crate) fn is_document(&self) -> bool {
        self.head.is_empty() || file_kind(&self.head).1 == FileClass::Other
    }

    /// The file as far as it was seen; `None` when nothing of it was.
    pub fn finish(self) -> Option<Artifact> {
        let place = self.place?;
        let complete = self.is_complete();
        let is_hashed = complete && self.hashing != Hashing::No;
        let (kind, class) = file_kind(&self.head);
        let nobody = Endpoint {
            segment: Segment::default(),
            mac: None,
            ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            port: 0,
        };
        Some(Artifact {
            name: self.name,
            size: self.frontier + self.pending_bytes as u64,
            sha256: is_hashed.then(|| self.hasher.finalize().into()),
            kind,
            class,
            signature: file_signature(&self.head),
            protocol: self.protocol,
            from: nobody,
            to: nobody,
            complete,
            first_packet: place.first.packet,
            last_packet: place.last.packet,
            first: place.first.time,
            last: place.last.time,
        })
    }

    /// How many of `wanted` bytes at `at` come before the next waiting piece.
    fn room(&self, at: u64, wanted: usize) -> usize {
        match self.pending.range(at..).next() {
            Some((&next, _)) => wanted.min((next - at).min(usize::MAX as u64) as usize),
            None => wanted,
        }
    }

    /// Hashes bytes at the frontier.
    fn advance(&mut self, mut bytes: &[u8]) {
        self.frontier += bytes.len() as u64;
        let missing = HEAD - self.head.len();
        self.head.extend(bytes.iter().take(missing));
        if self.hashing == Hashing::WhileSmall && self.frontier > SMALL {
            self.hashing = if is_worth(&self.head) || is_unmarked_code(&self.name) {
                Hashing::Yes
            } else {
                (self.blocks, self.tail) = (Vec::new(), Vec::new());
                Hashing::No
            };
        }
        if self.hashing == Hashing::No {
            return;
        }
        self.hasher.update(bytes);
        while !bytes.is_empty() {
            if self.tail.is_empty()
                && let Some((block, rest)) = bytes.split_at_checked(BLOCK)
            {
                let digest = self.key.hash_one(block);
                self.keep_block(digest);
                bytes = rest;
                continue;
            }
            let (part, rest) = bytes.split_at(bytes.len().min(BLOCK - self.tail.len()));
            self.tail.extend_from_slice(part);
            bytes = rest;
            if self.tail.len() == BLOCK {
                let digest = self.key.hash_one(self.tail.as_slice());
                self.keep_block(digest);
                self.tail.clear();
            }
        }
    }

    fn keep_block(&mut self, digest: u64) {
        if self.blocks.len() < BLOCKS_MAX {
            self.blocks.push(digest);
        }
    }

    /// Keeps a piece ahead of the frontier, up to the next one that waits, or compares it with
    /// the one that covers it. Says how many bytes were dealt with; 0 when there is no room.
    fn hold(&mut self, at: u64, bytes: &[u8], allowance: usize) -> usize {
        let runs = self.pending.len();
        let room = self.room(at + 1, bytes.len().saturating_sub(1)) + 1;
        if let Some((&start, run)) = self.pending.range_mut(..=at).next_back() {
            let into = (at - start).min(usize::MAX as u64) as usize;
            if let Some(known) = run.get(into..).filter(|known| !known.is_empty()) {
                let length = known.len().min(bytes.len());
                if known.get(..length) != bytes.get(..length) {
                    self.agreed = false;
                }
                return length;
            }
            if into == run.len() {
                let length = room.min(bytes.len()).min(allowance);
                run.extend(bytes.iter().take(length));
                self.pending_bytes += length;
                return length;
            }
        }
        let length = room.min(bytes.len()).min(allowance);
        if length == 0 || runs >= RUNS_MAX {
            return 0;
        }
        self.pending
            .insert(at, bytes.iter().take(length).copied().collect());
        self.pending_bytes += length;
        length
    }

    /// Hashes waiting pieces that the frontier has reached.
    fn release(&mut self) {
        while let Some(entry) = self.pending.first_entry()
            && *entry.key() == self.frontier
        {
            let run = entry.remove();
            self.pending_bytes -= run.len();
            self.advance(&run);
        }
    }

    /// Compares repeated bytes, all behind the frontier, with what was hashed.
    fn compare(&mut self, mut at: u64, mut bytes: &[u8]) {
        if self.hashing == Hashing::No {
            let kept = self.head.len().saturating_sub(at as usize).min(bytes.len());
            // What was only counted cannot be compared.
            self.agreed &= kept == bytes.len();
            bytes = bytes.get(..kept).unwrap_or_default();
        }
        let tail_at = self.frontier - self.tail.len() as u64;
        while !bytes.is_empty() {
            let kept = if at < self.head.len() as u64 {
                self.head.get(at as usize..)
            } else if at >= tail_at {
                self.tail.get((at - tail_at) as usize..)
            } else {
                None
            };
            let length = match kept.filter(|kept| !kept.is_empty()) {
                Some(kept) => {
                    let length = kept.len().min(bytes.len());
                    if kept.get(..length) != bytes.get(..length) {
                        self.agreed = false;
                        self.begin_anew(at, bytes);
                    }
                    length
                }
                None => self.compare_block(at, bytes),
            };
            at += length as u64;
            bytes = bytes.get(length..).unwrap_or_default();
        }
    }

    /// A front that is written last is what the file begins with.
    fn begin_anew(&mut self, at: u64, bytes: &[u8]) {
        let front = self.head.get_mut(at as usize..).unwrap_or_default();
        for (known, byte) in front.iter_mut().zip(bytes) {
            *known = *byte;
        }
    }

    /// Collects a repeated block and compares it when it is whole; a block of which only a part
    /// is repeated cannot be compared.
    fn compare_block(&mut self, at: u64, bytes: &[u8]) -> usize {
        let into = (at % BLOCK as u64) as usize;
        let length = bytes.len().min(BLOCK - into);
        let (start, collected) = &mut self.repeat;
        if into == 0 || *start + collected.len() as u64 != at || collected.is_empty() {
            if !collected.is_empty() || into != 0 {
                self.agreed = false;
            }
            collected.clear();
            if into != 0 {
                return length;
            }
            *start = at;
        }
        collected.extend(bytes.iter().take(length));
        if collected.len() == BLOCK {
            let digest = self.key.hash_one(collected.as_slice());
            let index = usize::try_from(*start / BLOCK as u64).unwrap_or(usize::MAX);
            if self.blocks.get(index) != Some(&digest) {
                self.agreed = false;
            }
            collected.clear();
        }
        length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PENDING_MAX: usize = PENDING.default as usize;
    use proptest::prelude::*;

    fn mark() -> Mark {
        Mark::default()
    }

    fn sha256(bytes: &[u8]) -> [u8; 32] {
        Sha256::digest(bytes).into()
    }

    /// Bytes that differ from block to block.
    fn content(length: usize) -> Vec<u8> {
        (0..length).map(|i| (i * 7 + i / 251) as u8).collect()
    }

    #[test]
    fn a_repeat_with_other_bytes_is_not_complete() {
        let bytes = content(3000);
        for (at, length) in [(0, 10), (600, 1000), (1024, 512), (2990, 10), (1100, 20)] {
            for changed in [false, true] {
                let mut file = FileAssembler::new("f", "nfs");
                file.know_size(3000);
                assert!(file.add(0, &bytes, PENDING_MAX, mark()));
                assert!(file.is_complete());
                let mut again = bytes[at..at + length].to_vec();
                if changed {
                    again[length / 2] ^= 1;
                }
                assert!(file.add(at as u64, &again, PENDING_MAX, mark()));
                // 600..1600 and 1100..1120 repeat parts of blocks: not comparable, not complete.
                let comparable = ![600, 1100].contains(&at);
                assert_eq!(file.is_complete(), comparable && !changed, "{at} {changed}");
            }
        }
    }

    #[test]
    fn of_a_share_only_what_can_carry_code_is_hashed() {
        let told = |name: &str, bytes: &[u8], step: usize| {
            let mut file = FileAssembler::sparing(name, "smb");
            file.know_size(bytes.len() as u64);
            for (at, piece) in bytes.chunks(step).enumerate() {
                let at = (at * step) as u64;
                assert!(file.add(at, piece, PENDING_MAX, mark()));
            }
            file.finish().expect("bytes were seen")
        };
        let program = [&b"\x7fELF"[..], &content(100_000)].concat();
        let plain = [&b"\0\0\0\0"[..], &content(100_000)].concat();
        for step in [512, 65_536] {
            let file = told("tool", &program, step);
            assert_eq!((file.complete, file.sha256), (true, Some(sha256(&program))));
            let file = told("table.dat", &plain, step);
            assert_eq!(
                (file.complete, file.sha256, file.size),
                (true, None, 100_004)
            );
            // Raw images and scripts bear no mark; their names say what they may be.
            let file = told("UPDATE.BIN", &plain, step);
            assert_eq!(file.sha256, Some(sha256(&plain)));
        }
        let file = told("note", &plain[..65_536], 512);
        assert_eq!(file.sha256, Some(sha256(&plain[..65_536])));
    }

    #[test]
    fn what_is_only_counted_is_compared_by_its_front_and_may_wait() {
        let bytes = [&b"\0\0\0\0"[..], &content(100_000)].concat();
        let mut file = FileAssembler::sparing("table.dat", "smb");
        file.know_size(100_004);
        assert!(file.add(70_000, &bytes[70_000..], PENDING_MAX, mark()));
        assert!(file.add(0, &bytes[..70_000], PENDING_MAX, mark()));
        assert!(file.is_complete());
        assert!(file.add(0, &bytes[..1000], PENDING_MAX, mark()));
        assert!(file.is_complete());
        assert!(file.add(2000, &bytes[2000..4000], PENDING_MAX, mark()));
        assert!(
            !file.is_complete(),
            "behind its front nothing can be compared"
        );
    }

    #[test]
    fn a_front_that_is_written_last_says_what_the_file_is() {
        let mut file = FileAssembler::sparing("table.dat", "smb");
        assert!(file.add(0, &[0; 100_000], PENDING_MAX, mark()));
        assert!(file.add(0, b"MZ and more", PENDING_MAX, mark()));
        let file = file.finish().expect("bytes were seen");
        assert_eq!((file.kind, file.complete, file.sha256), ("PE", false, None));
    }

    #[test]
    fn what_waits_is_bounded_and_said() {
        let mut file = FileAssembler::new("f", "nfs");
        let piece = vec![7; PENDING_MAX];
        assert!(file.add(1, &piece, PENDING_MAX, mark()));
        assert!(!file.add(1 + PENDING_MAX as u64, &[7], PENDING_MAX, mark()));
        assert_eq!(file.pending_bytes(), PENDING_MAX);
        let mut file = FileAssembler::new("f", "nfs");
        let fits = (0..RUNS_MAX as u64).all(|run| file.add(1 + 2 * run, &[1], 100_000, mark()));
        assert!(fits && !file.add(2 * RUNS_MAX as u64 + 1, &[1], 100_000, mark()));
        assert!(file.add(u64::MAX, &[1, 2], 100_000, mark()));
    }

    proptest! {
        /// Against a model: an array in which each byte remembers its first value.
        #[test]
        fn pieces_in_any_order_give_the_file(
            length in 1usize..4000,
            pieces in prop::collection::vec((0usize..4000, 1usize..1500), 1..24),
            flip in prop::option::of(0usize..24),
            whole in any::<bool>(),
        ) {
            let bytes = content(length);
            let mut file = FileAssembler::new("f", "nfs");
            file.know_size(length as u64);
            let mut model: Vec<Option<u8>> = vec![None; length];
            let mut agreed = true;
            let tail: Vec<_> = if whole { vec![(0, length)] } else { vec![] };
            for (index, (at, size)) in pieces.into_iter().chain(tail).enumerate() {
                let at = at % length;
                let mut piece = bytes[at..(at + size).min(length)].to_vec();
                if flip == Some(index) {
                    piece[0] ^= 0x55;
                }
                for (slot, byte) in model[at..].iter_mut().zip(&piece) {
                    agreed &= slot.is_none_or(|known| known == *byte);
                    slot.get_or_insert(*byte);
                }
                prop_assert!(file.add(at as u64, &piece, PENDING_MAX, mark()));
            }
            let seen = model.iter().flatten().count();
            let artifact = file.finish().expect("something was seen");
            prop_assert_eq!(artifact.size, seen as u64);
            if artifact.complete {
                prop_assert!(agreed && seen == length);
                let expected: Vec<u8> = model.into_iter().flatten().collect();
                prop_assert_eq!(artifact.sha256, Some(sha256(&expected)));
            }
        }

        /// Pieces that do not repeat each other always give a complete file, cut however.
        #[test]
        fn order_and_cuts_do_not_matter(
            length in 1usize..20_000,
            cuts in prop::collection::vec(0usize..20_000, 0..12),
            seed in any::<u64>(),
            step in 1usize..900,
        ) {
            let bytes = content(length);
            let mut borders: Vec<usize> = cuts.iter().map(|cut| cut % length).collect();
            borders.extend([0, length]);
            borders.sort_unstable();
            borders.dedup();
            let mut ranges: Vec<(usize, usize)> =
                borders.windows(2).map(|pair| (pair[0], pair[1])).collect();
            ranges.sort_by_key(|(at, _)| (*at as u64).wrapping_mul(seed | 1));
            let mut file = FileAssembler::new("f", "nfs");
            for (start, end) in ranges.iter().chain(&[(0, length)]) {
                for at in (*start..*end).step_by(step) {
                    let piece = &bytes[at..(at + step).min(*end)];
                    prop_assert!(file.add(at as u64, piece, PENDING_MAX, mark()));
                }
            }
            file.know_size(length as u64);
            let artifact = file.finish().expect("something was seen");
            prop_assert_eq!(artifact.sha256, Some(sha256(&bytes)));
        }
    }
}
