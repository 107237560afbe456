//! What the two file formats share: the window they parse and how far they came.

use auscult_model::FileIndex;
use auscult_model::report::{AuthorsName, Comment};

use crate::batch::PacketMeta;
use crate::info::{InterfaceInfo, Oddities};

/// The file's side of a parse: what stays the same from block to block.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) file: FileIndex,
    /// Longest record that is believed.
    pub(crate) max_record: usize,
    /// Frames numbered so far, as Wireshark numbers them.
    pub(crate) number: u64,
    pub(crate) interfaces: Vec<InterfaceInfo>,
    pub(crate) oddities: Oddities,
    pub(crate) comments: Vec<Comment>,
    pub(crate) names: Vec<AuthorsName>,
}

/// Where a parse ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// At `at` a record begins of which `need` bytes are needed to go on.
    More { at: usize, need: usize },
    /// At `at` a block of `length` bytes begins that is to be skipped.
    Skip { at: usize, length: u64 },
    /// At `at` something stands that cannot be read.
    Damage { at: usize, why: String },
}

/// Reads fields in the byte order of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Order {
    #[default]
    Little,
    Big,
}

impl Order {
    #[inline(always)]
    pub(crate) fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Order::Little => u16::from_le_bytes(bytes),
            Order::Big => u16::from_be_bytes(bytes),
        }
    }

    #[inline(always)]
    pub(crate) fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Order::Little => u32::from_le_bytes(bytes),
            Order::Big => u32::from_be_bytes(bytes),
        }
    }

    pub(crate) fn u64(self, bytes: [u8; 8]) -> u64 {
        match self {
            Order::Little => u64::from_le_bytes(bytes),
            Order::Big => u64::from_be_bytes(bytes),
        }
    }

    /// The number at `at` of a slice, `None` when the slice is too short.
    #[inline(always)]
    pub(crate) fn u16_at(self, bytes: &[u8], at: usize) -> Option<u16> {
        bytes.get(at..)?.first_chunk().map(|chunk| self.u16(*chunk))
    }

    /// The number at `at` of a slice, `None` when the slice is too short.
    #[inline(always)]
    pub(crate) fn u32_at(self, bytes: &[u8], at: usize) -> Option<u32> {
        bytes.get(at..)?.first_chunk().map(|chunk| self.u32(*chunk))
    }

    /// The number at `at` of a slice, `None` when the slice is too short.
    pub(crate) fn u64_at(self, bytes: &[u8], at: usize) -> Option<u64> {
        bytes.get(at..)?.first_chunk().map(|chunk| self.u64(*chunk))
    }
}

/// A parser's view of a block: the bytes up to the end of what was read.
pub(crate) struct Window<'a> {
    /// Bytes; the parse begins at `start`.
    pub(crate) bytes: &'a [u8],
    pub(crate) start: usize,
    /// Whether the source has ended, so that no more bytes will come.
    pub(crate) last: bool,
    /// Where packets go.
    pub(crate) packets: &'a mut Vec<PacketMeta>,
}
