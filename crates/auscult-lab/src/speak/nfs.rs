//! MOUNT versions 1 to 3 and NFS versions 2 and 3: arguments and results (RFC 1094, RFC 1813).

use super::rpc::Xdr;

/// Which of the two file protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// NFS 2, with fixed handles of 32 bytes.
    V2,
    /// NFS 3.
    V3,
}

impl Version {
    /// The number in the RPC header.
    pub fn number(self) -> u32 {
        if self == Version::V2 { 2 } else { 3 }
    }

    /// Procedure number of LOOKUP.
    pub fn lookup(self) -> u32 {
        if self == Version::V2 { 4 } else { 3 }
    }

    /// Procedure number of READDIR.
    pub fn readdir(self) -> u32 {
        16
    }
}

/// Procedure number of GETATTR in both versions.
pub const GETATTR: u32 = 1;
/// Procedure number of READ in both versions.
pub const READ: u32 = 6;
/// Procedure number of FSINFO in version 3.
pub const FSINFO: u32 = 19;

/// What a server tells about a file or folder.
#[derive(Clone, Copy, Debug)]
pub struct Attributes {
    /// True for a folder.
    pub folder: bool,
    /// Size in bytes.
    pub size: u32,
    /// File number.
    pub id: u32,
    /// Modification time in Unix seconds.
    pub modified: u32,
}

impl Attributes {
    fn kind_and_mode(&self) -> (u32, u32) {
        if self.folder {
            (2, 0o040_755)
        } else {
            (1, 0o100_755)
        }
    }

    fn v2(&self, x: Xdr) -> Xdr {
        let (kind, mode) = self.kind_and_mode();
        let x = x
            .u32(kind)
            .u32(mode)
            .u32(1)
            .u32(0)
            .u32(0)
            .u32(self.size)
            .u32(4096)
            .u32(0);
        let x = x.u32(self.size.div_ceil(512)).u32(0x801).u32(self.id);
        x.u32(self.modified)
            .u32(0)
            .u32(self.modified)
            .u32(0)
            .u32(self.modified)
            .u32(0)
    }

    fn v3(&self, x: Xdr) -> Xdr {
        let (kind, mode) = self.kind_and_mode();
        let x = x.u32(kind).u32(mode & 0o7777).u32(1).u32(0).u32(0);
        let x = x
            .u64(self.size.into())
            .u64(u64::from(self.size.div_ceil(4096)) * 4096);
        let x = x.u32(0).u32(0).u64(0x801).u64(self.id.into());
        x.u32(self.modified)
            .u32(0)
            .u32(self.modified)
            .u32(0)
            .u32(self.modified)
            .u32(0)
    }

    /// As an optional attribute of version 3, present.
    fn post_op(&self, x: Xdr) -> Xdr {
        self.v3(x.u32(1))
    }
}

/// A file handle as this crate's servers make them: 32 bytes for one file number.
pub fn handle(id: u32, salt: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(32);
    out.extend_from_slice(&[1, 0, 7, 1]);
    out.extend_from_slice(&id.to_be_bytes());
    for i in 0..3u64 {
        let word = salt
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(13 * i as u32 + id % 7);
        out.extend_from_slice(&word.to_be_bytes());
    }
    out
}

fn handle_argument(version: Version, handle: &[u8]) -> Xdr {
    match version {
        Version::V2 => Xdr::new().fixed(handle),
        Version::V3 => Xdr::new().opaque(handle),
    }
}

/// Result of MNT for a mount version.
pub fn mounted(mount_version: u32, handle: &[u8]) -> Xdr {
    if mount_version < 3 {
        Xdr::new().u32(0).fixed(handle)
    } else {
        Xdr::new().u32(0).opaque(handle).u32(1).u32(1)
    }
}

/// Arguments of GETATTR and FSINFO.
pub fn handle_only(version: Version, handle: &[u8]) -> Xdr {
    handle_argument(version, handle)
}

/// Result of GETATTR.
pub fn attributes(version: Version, a: &Attributes) -> Xdr {
    match version {
        Version::V2 => a.v2(Xdr::new().u32(0)),
        Version::V3 => a.v3(Xdr::new().u32(0)),
    }
}

/// Result of FSINFO (version 3) with the given transfer size.
pub fn fsinfo(root: &Attributes, transfer: u32) -> Xdr {
    let x = root.post_op(Xdr::new().u32(0));
    let x = x
        .u32(transfer)
        .u32(transfer)
        .u32(512)
        .u32(transfer)
        .u32(transfer)
        .u32(512);
    x.u32(transfer)
        .u64(u64::from(u32::MAX))
        .u32(0)
        .u32(1_000_000)
        .u32(0x1b)
}

/// Arguments of LOOKUP.
pub fn lookup(version: Version, folder: &[u8], name: &str) -> Xdr {
    handle_argument(version, folder).opaque(name.as_bytes())
}

/// Result of LOOKUP that finds the name.
pub fn found(version: Version, handle: &[u8], a: &Attributes, folder: &Attributes) -> Xdr {
    match version {
        Version::V2 => a.v2(Xdr::new().u32(0).fixed(handle)),
        Version::V3 => folder.post_op(a.post_op(Xdr::new().u32(0).opaque(handle))),
    }
}

/// Result of LOOKUP that does not find the name (NFSERR_NOENT).
pub fn not_found(version: Version, folder: &Attributes) -> Xdr {
    match version {
        Version::V2 => Xdr::new().u32(2),
        Version::V3 => folder.post_op(Xdr::new().u32(2)),
    }
}

/// Arguments of READDIR from the beginning.
pub fn readdir(version: Version, folder: &[u8]) -> Xdr {
    match version {
        Version::V2 => handle_argument(version, folder).u32(0).u32(4096),
        Version::V3 => handle_argument(version, folder).u64(0).u64(0).u32(4096),
    }
}

/// Result of READDIR with all names at once: (file number, name).
pub fn listing(version: Version, folder: &Attributes, names: &[(u32, &str)]) -> Xdr {
    let mut x = match version {
        Version::V2 => Xdr::new().u32(0),
        Version::V3 => folder.post_op(Xdr::new().u32(0)).u64(0),
    };
    for (n, (id, name)) in names.iter().enumerate() {
        let cookie = n as u32 + 1;
        x = match version {
            Version::V2 => x.u32(1).u32(*id).opaque(name.as_bytes()).u32(cookie),
            Version::V3 => x
                .u32(1)
                .u64((*id).into())
                .opaque(name.as_bytes())
                .u64(cookie.into()),
        };
    }
    x.u32(0).u32(1)
}

/// Arguments of READ.
pub fn read(version: Version, file: &[u8], offset: u32, count: u32) -> Xdr {
    match version {
        Version::V2 => handle_argument(version, file).u32(offset).u32(count).u32(0),
        Version::V3 => handle_argument(version, file).u64(offset.into()).u32(count),
    }
}

/// Result of READ.
pub fn data(version: Version, a: &Attributes, bytes: &[u8], end: bool) -> Xdr {
    match version {
        Version::V2 => a.v2(Xdr::new().u32(0)).opaque(bytes),
        Version::V3 => a
            .post_op(Xdr::new().u32(0))
            .u32(bytes.len() as u32)
            .u32(end.into())
            .opaque(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_have_the_sizes_of_the_standards() {
        let a = Attributes {
            folder: false,
            size: 5,
            id: 9,
            modified: 1,
        };
        assert_eq!(attributes(Version::V2, &a).0.len(), 4 + 68);
        assert_eq!(attributes(Version::V3, &a).0.len(), 4 + 84);
    }
}
