//! Files that crossed the network.

use serde::{Deserialize, Serialize};

use crate::{Endpoint, PacketRef, Timestamp};

/// What a file is, by its first bytes. Names and extensions are never asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum FileClass {
    /// A program, library or script that a device could run.
    Executable,
    /// A firmware or file-system image.
    Firmware,
    /// Compressed or packed files.
    Archive,
    /// Anything else, or not enough bytes to tell.
    Other,
}

/// A file that crossed, whole or in part. Its bytes are not kept unless asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Artifact {
    /// Name as the protocol gave it (a path where it gives one), empty when it has none.
    pub name: String,
    /// Bytes seen, or the declared size when that is known and all were seen.
    pub size: u64,
    /// SHA-256 of the bytes; `None` when bytes are missing, and of large files on shares that are
    /// neither program, archive nor a document that can carry code.
    pub sha256: Option<[u8; 32]>,
    /// Type by magic, the usual short name (`ELF`, `script`, `PDF`, …); `data` when unknown.
    pub kind: &'static str,
    /// Class of the type.
    pub class: FileClass,
    /// Kind of signature that its maker put into it (`Authenticode`). It was not checked.
    pub signature: Option<&'static str>,
    /// Protocol that carried it.
    pub protocol: &'static str,
    /// Who sent the bytes.
    pub from: Endpoint,
    /// Who received the bytes.
    pub to: Endpoint,
    /// Every byte was seen, once or in agreement.
    pub complete: bool,
    /// First packet with bytes of it, and last.
    pub first_packet: PacketRef,
    /// See `first_packet`.
    pub last_packet: PacketRef,
    /// Time of the first and of the last packet.
    pub first: Timestamp,
    /// See `first`.
    pub last: Timestamp,
}
