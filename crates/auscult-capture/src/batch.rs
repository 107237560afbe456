//! A block of packets: what the reader hands on, many packets at a time and without copying them.
//!
//! A [`Batch`] is reused by its caller: the reader fills its bytes with one block of the file and
//! notes where the packets lie in it. Bytes between packets (record headers) stay where they are.

use auscult_model::{FileIndex, LinkType, PacketRef, Timestamp};

/// What is known of one packet besides its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PacketMeta {
    /// The time that the capture states.
    pub time: Timestamp,
    /// The time of the analysis: never earlier than that of the packet before
    /// ([`crate::Clock`]). A reader of a single file sets it to `time`.
    pub clock: Timestamp,
    /// Wireshark's frame number in the file, from 1.
    pub number: u64,
    /// The file.
    pub file: FileIndex,
    /// Where the packet's bytes begin in the batch.
    pub offset: u32,
    /// Bytes in the file.
    pub captured: u32,
    /// Bytes on the wire.
    pub original: u32,
    /// 0 for a whole frame; else where in its bytes one of the further packets of an aggregate
    /// begins, set by whoever takes aggregates apart.
    pub part: u32,
    /// Capture interface, counted over the whole file.
    pub interface: u16,
    /// Link-layer header type.
    pub link: LinkType,
}

impl PacketMeta {
    /// The packet's name.
    pub fn reference(&self) -> PacketRef {
        PacketRef {
            file: self.file,
            number: self.number,
        }
    }

    /// Whether the capture holds fewer bytes than were on the wire.
    pub fn is_cut(&self) -> bool {
        self.captured < self.original
    }
}

/// A reusable block of packets.
#[derive(Debug, Default)]
pub struct Batch {
    /// The packets in order.
    pub packets: Vec<PacketMeta>,
    /// The block; `packets` point into it. Its length is that of the buffer, not of its use.
    pub(crate) bytes: Vec<u8>,
    /// Bytes in use when packets were copied in one by one.
    used: usize,
    /// Latest packet time of the block, for the merge.
    pub(crate) latest: Timestamp,
}

impl Batch {
    /// An empty batch; its buffer is allocated by the first reader that fills it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Numbers the files of its packets from `first` on, when they are numbered from 0.
    pub fn count_files_from(&mut self, first: u32) {
        if first > 0 {
            for meta in &mut self.packets {
                meta.file.0 += first;
            }
        }
    }

    /// The bytes of a packet of this batch; empty for a packet of another one that does not fit.
    #[inline]
    pub fn data(&self, meta: &PacketMeta) -> &[u8] {
        let start = meta.offset as usize;
        self.bytes
            .get(start..start + meta.captured as usize)
            .unwrap_or_default()
    }

    /// The packets with their bytes.
    pub fn iter(&self) -> impl Iterator<Item = (&PacketMeta, &[u8])> {
        self.packets.iter().map(|meta| (meta, self.data(meta)))
    }

    /// Forgets the packets, keeps the buffer.
    pub fn clear(&mut self) {
        self.packets.clear();
        self.used = 0;
        self.latest = Timestamp::MIN;
    }

    /// Adds a copy of a packet; `false` when the batch of `room` bytes is full.
    ///
    /// A packet larger than `room` is taken when it is the first.
    pub(crate) fn push_copy(&mut self, meta: &PacketMeta, data: &[u8], room: usize) -> bool {
        let end = self.used + data.len();
        if end > room && self.used > 0 {
            return false;
        }
        if self.bytes.len() < end {
            self.bytes.resize(end.max(room), 0);
        }
        if let Some(target) = self.bytes.get_mut(self.used..end) {
            target.copy_from_slice(data);
        }
        self.packets.push(PacketMeta {
            offset: self.used as u32,
            ..*meta
        });
        self.used = end;
        self.latest = self.latest.max(meta.time);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_until_full() {
        let mut batch = Batch::new();
        batch.clear();
        let meta = PacketMeta {
            captured: 4,
            ..PacketMeta::default()
        };
        assert!(batch.push_copy(&meta, b"abcd", 8));
        assert!(batch.push_copy(&meta, b"efgh", 8));
        assert!(!batch.push_copy(&meta, b"ijkl", 8));
        let bytes: Vec<&[u8]> = batch.iter().map(|(_, data)| data).collect();
        assert_eq!(bytes, [b"abcd", b"efgh"]);
        batch.clear();
        assert!(batch.push_copy(
            &PacketMeta {
                captured: 9,
                ..meta
            },
            b"123456789",
            8
        ));
        assert!(!batch.push_copy(&meta, b"abcd", 8));
    }
}
