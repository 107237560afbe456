//! External Data Representation (RFC 4506): big endian, everything padded to four bytes.
//!
//! A failed read gives `None`: the item is not there yet, or is longer than its standard allows.

use crate::Cursor;

/// Reads XDR items from the front of a slice.
#[derive(Clone, Copy)]
pub(crate) struct Xdr<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Xdr<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Xdr {
            cursor: Cursor::new(bytes),
        }
    }

    /// Offset of the next item.
    pub(crate) fn at(&self) -> usize {
        self.cursor.at()
    }

    /// Unsigned 32-bit integer.
    pub(crate) fn word(&mut self) -> Option<u32> {
        self.cursor.be_u32()
    }

    /// Unsigned 64-bit integer.
    pub(crate) fn hyper(&mut self) -> Option<u64> {
        self.cursor.be_u64()
    }

    /// A boolean, also the presence mark of an optional item or of a further list entry.
    pub(crate) fn flag(&mut self) -> Option<bool> {
        match self.word()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    /// Opaque data of fixed length.
    pub(crate) fn fixed(&mut self, length: usize) -> Option<&'a [u8]> {
        let bytes = self.cursor.take(length)?;
        self.cursor.take(padding(length))?;
        Some(bytes)
    }

    /// Opaque data or a string of at most `most` bytes.
    pub(crate) fn opaque(&mut self, most: usize) -> Option<&'a [u8]> {
        let length = self.word()? as usize;
        if length > most {
            return None;
        }
        self.fixed(length)
    }

    /// Leaves out an array of at most `most` words.
    pub(crate) fn skip_words(&mut self, most: usize) -> Option<()> {
        let count = self.word()? as usize;
        if count > most {
            return None;
        }
        self.fixed(count * 4).map(drop)
    }
}

/// Zero bytes that follow opaque data of this length.
pub(crate) fn padding(length: usize) -> usize {
    length.wrapping_neg() % 4
}
