//! Capture files and streams, read into packets.
//!
//! [`Inputs`] takes what the user named (files, folders, standard input), tells formats (pcap,
//! pcapng, snoop, Network Monitor) and compression (gzip, zstd) by their bytes, merges everything
//! by time and hands out [`Batch`]es of packets that lie in the block in which they were read.
//! [`CaptureReader`] does the same for one source of bytes. What went wrong stops one file, is
//! told in its [`CaptureInfo`], and never makes what was read before it disappear.
//!
//! ```no_run
//! use auscult_capture::{Batch, Inputs, Options};
//!
//! let mut inputs = Inputs::open(&["ward.pcapng".into()], Options::default())?;
//! let mut batch = Batch::new();
//! let mut bytes = 0;
//! while inputs.next_batch(&mut batch) {
//!     for (_meta, data) in batch.iter() {
//!         bytes += data.len();
//!     }
//! }
//! assert!(inputs.captures().iter().all(|capture| capture.complete));
//! # Ok::<(), auscult_capture::OpenError>(())
//! ```
//!
//! Sources: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng, RFC 1761, RFC 1952, RFC 8878. Limits:
//! [`Options`]. Nothing here depends on the operating system.

mod authored;
mod batch;
mod bounds;
mod clock;
mod compression;
mod fetch;
mod fingerprint;
mod info;
mod inputs;
mod listing;
mod minutes;
mod netmon;
mod pcap;
mod pcapng;
mod reader;
mod recognise;
mod record;
mod series;
mod snoop;
mod source;
mod stop;
mod stream;
mod trail;

pub use batch::{Batch, PacketMeta};
pub use bounds::ALL as BOUNDS;
pub use clock::{Clock, ClockSteps};
pub use compression::Compression;
pub use fetch::FetchedPacket;
pub use fingerprint::Fingerprint;
pub use info::{CaptureInfo, Format, InterfaceInfo, Oddities, StoppedAt};
pub use inputs::{Inputs, Progress, Skipped};
pub use listing::OpenError;
pub use reader::{CaptureReader, Options};
pub use recognise::NotACapture;
pub use series::{Apart, apart};
pub use stop::Stop;
