//! gzip and zstd streams, told by their magic, read under limits against decompression bombs.
//!
//! RFC 1952 (gzip, several members), RFC 8878 (zstd, several frames, skippable frames). Bytes
//! before a damage are delivered, then the damage is told as a read error. Limits: the total and
//! the ratio of [`Limits`]; a zstd window of 128 MiB (the library's default).

use std::io::{self, BufRead, BufReader, Chain, Cursor, Error, ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::GzDecoder;
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use thiserror::Error;

/// How a capture is compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
}

impl Compression {
    /// Tells by the first bytes of a file.
    pub(crate) fn detect(prefix: &[u8]) -> Self {
        match prefix {
            [0x1f, 0x8b, 8, ..] => Compression::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Compression::Zstd,
            _ => Compression::None,
        }
    }

    /// The usual name; `None` for an uncompressed file.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Compression::None => None,
            Compression::Gzip => Some("gzip"),
            Compression::Zstd => Some("zstd"),
        }
    }
}

/// What a compressed input may grow to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) total: u64,
    pub(crate) ratio: u64,
}

/// Bytes that may come out before the ratio counts.
const RATIO_FREE: u64 = 16 << 20;

/// Wraps the bytes of a file whose first ones were read already; plain ones pass through.
pub(crate) fn decompress(
    prefix: &[u8],
    rest: Box<dyn Read + Send>,
    limits: Limits,
) -> (Compression, Box<dyn Read + Send>) {
    let compression = Compression::detect(prefix);
    let whole = Cursor::new(prefix.to_vec()).chain(rest);
    let taken = Arc::new(AtomicU64::new(0));
    let source = BufReader::with_capacity(
        64 << 10,
        Counted {
            inner: whole,
            taken: taken.clone(),
        },
    );
    let inner: Box<dyn Read + Send> = match compression {
        Compression::None => return (compression, Box::new(source.into_inner().inner)),
        Compression::Gzip => Box::new(GzipReader {
            member: Some(GzDecoder::new(source)),
        }),
        Compression::Zstd => Box::new(ZstdReader::new(source)),
    };
    (
        compression,
        Box::new(Bounded {
            inner,
            limits,
            taken,
            given: 0,
        }),
    )
}

/// Counts what the decompressor takes.
struct Counted {
    inner: Chain<Cursor<Vec<u8>>, Box<dyn Read + Send>>,
    taken: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.taken.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// Which limit ended a stream.
#[derive(Clone, Copy, Debug, Error)]
pub(crate) enum TooMuch {
    #[error("decompresses to more than {0} bytes (limit)")]
    Total(u64),
    #[error("decompresses to more than {0} times its size (limit)")]
    Ratio(u64),
}

/// The limit that an error of reading stands for, if it does.
pub(crate) fn limit_reached(error: &Error) -> Option<TooMuch> {
    error.get_ref()?.downcast_ref().copied()
}

/// Ends the stream with an error where a limit is reached.
struct Bounded {
    inner: Box<dyn Read + Send>,
    limits: Limits,
    taken: Arc<AtomicU64>,
    given: u64,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.given += count as u64;
        let Limits { total, ratio } = self.limits;
        if self.given > total {
            return Err(Error::new(ErrorKind::QuotaExceeded, TooMuch::Total(total)));
        }
        let taken = self.taken.load(Ordering::Relaxed);
        if self.given > RATIO_FREE && self.given / ratio.max(1) > taken {
            return Err(Error::new(ErrorKind::QuotaExceeded, TooMuch::Ratio(ratio)));
        }
        Ok(count)
    }
}

/// The members of a gzip file one after the other.
struct GzipReader<R: BufRead> {
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Read for GzipReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let count = member.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let Some(mut source) = self.member.take().map(GzDecoder::into_inner) else {
                break;
            };
            // Tapes and some tools pad the last member with zeros.
            if skip_zeros(&mut source)? {
                self.member = Some(GzDecoder::new(source));
            }
        }
        Ok(0)
    }
}

/// Skips zero bytes; `false` at the end of the source.
fn skip_zeros(source: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let ahead = source.fill_buf()?;
        if ahead.is_empty() {
            return Ok(false);
        }
        let zeros = ahead.iter().take_while(|&&byte| byte == 0).count();
        let all = zeros == ahead.len();
        source.consume(zeros);
        if !all {
            return Ok(true);
        }
    }
}

/// The frames of a zstd file one after the other.
struct ZstdReader<R: BufRead> {
    source: R,
    decoder: FrameDecoder,
    in_frame: bool,
    /// Damage that is told once the bytes before it are out.
    damage: Option<Error>,
}

impl<R: BufRead> ZstdReader<R> {
    fn new(source: R) -> Self {
        ZstdReader {
            source,
            decoder: FrameDecoder::new(),
            in_frame: false,
            damage: None,
        }
    }

    /// Goes to the next frame; `false` at the end of the source.
    fn next_frame(&mut self) -> io::Result<bool> {
        loop {
            if self.source.fill_buf()?.is_empty() {
                return Ok(false);
            }
            let mut magic = [0; 4];
            self.source.read_exact(&mut magic)?;
            if !matches!(magic, [0x50..=0x5f, 0x2a, 0x4d, 0x18]) {
                let frame = (&magic[..]).chain(&mut self.source);
                self.decoder.reset(frame).map_err(Error::other)?;
                self.in_frame = true;
                return Ok(true);
            }
            let mut length = [0; 4];
            self.source.read_exact(&mut length)?;
            let length = u64::from(u32::from_le_bytes(length));
            if io::copy(&mut (&mut self.source).take(length), &mut io::sink())? < length {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Decodes one block. The decoder holds back a window of bytes until its frame ends; after
    /// damage an empty last block is put in, so that the bytes before it come out.
    fn next_block(&mut self) {
        let step = BlockDecodingStrategy::UptoBlocks(1);
        if let Err(error) = self.decoder.decode_blocks(&mut self.source, step) {
            self.damage = Some(Error::other(error));
            let end_of_frame = [1u8, 0, 0, 0, 0, 0, 0];
            let step = BlockDecodingStrategy::UptoBlocks(1);
            if self.decoder.decode_blocks(&end_of_frame[..], step).is_err() {
                self.in_frame = false;
            }
        }
    }

    fn end_of_frame(&mut self) -> io::Result<()> {
        self.in_frame = false;
        let stated = self.decoder.get_checksum_from_data();
        if let Some(damage) = self.damage.take() {
            return Err(damage);
        }
        if stated.is_some() && stated != self.decoder.get_calculated_checksum() {
            return Err(Error::new(
                ErrorKind::InvalidData,
                "zstd checksum does not fit",
            ));
        }
        Ok(())
    }
}

impl<R: BufRead> Read for ZstdReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.in_frame {
                if let Some(damage) = self.damage.take() {
                    return Err(damage);
                }
                if !self.next_frame()? {
                    return Ok(0);
                }
            }
            if self.decoder.can_collect() > 0 || buffer.is_empty() {
                return self.decoder.read(buffer);
            }
            if self.decoder.is_finished() {
                self.end_of_frame()?;
            } else {
                self.next_block();
            }
        }
    }
}
