//! ONC RPC messages, XDR, and the portmapper (RFC 5531, 4506, 1833).

/// Program number of the portmapper.
pub const PORTMAP: u32 = 100_000;
/// Program number of NFS.
pub const NFS: u32 = 100_003;
/// Program number of the mount daemon.
pub const MOUNT: u32 = 100_005;

/// Writes XDR.
#[derive(Clone, Debug, Default)]
pub struct Xdr(pub Vec<u8>);

impl Xdr {
    /// An empty writer.
    pub fn new() -> Xdr {
        Xdr::default()
    }

    /// Unsigned 32 bits.
    pub fn u32(mut self, value: u32) -> Xdr {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// Unsigned 64 bits.
    pub fn u64(mut self, value: u64) -> Xdr {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// Fixed bytes, padded to four.
    pub fn fixed(mut self, bytes: &[u8]) -> Xdr {
        self.0.extend_from_slice(bytes);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    /// Counted bytes or a string.
    pub fn opaque(self, bytes: &[u8]) -> Xdr {
        self.u32(bytes.len() as u32).fixed(bytes)
    }
}

/// Who calls: `None` is AUTH_NONE, else AUTH_SYS with a machine name.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The machine name of AUTH_SYS.
    pub machine: String,
    /// User and group number.
    pub uid: u32,
    /// The stamp of AUTH_SYS.
    pub stamp: u32,
}

/// A call.
pub fn call(
    xid: u32,
    (program, version, procedure): (u32, u32, u32),
    caller: Option<&Caller>,
    arguments: &Xdr,
) -> Vec<u8> {
    let head = Xdr::new()
        .u32(xid)
        .u32(0)
        .u32(2)
        .u32(program)
        .u32(version)
        .u32(procedure);
    let head = match caller {
        None => head.u32(0).u32(0),
        Some(c) => {
            let body = Xdr::new()
                .u32(c.stamp)
                .opaque(c.machine.as_bytes())
                .u32(c.uid)
                .u32(c.uid)
                .u32(1)
                .u32(c.uid);
            head.u32(1).opaque(&body.0)
        }
    };
    let mut out = head.u32(0).u32(0).0;
    out.extend_from_slice(&arguments.0);
    out
}

/// An accepted reply.
pub fn reply(xid: u32, results: &Xdr) -> Vec<u8> {
    let mut out = Xdr::new().u32(xid).u32(1).u32(0).u32(0).u32(0).u32(0).0;
    out.extend_from_slice(&results.0);
    out
}

/// Record marking for TCP, in fragments of at most `size` bytes.
pub fn record(message: &[u8], size: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + 8);
    let mut left = message;
    loop {
        let (piece, rest) = left.split_at(left.len().min(size.max(4)));
        let last = if rest.is_empty() { 0x8000_0000 } else { 0 };
        out.extend_from_slice(&(last | piece.len() as u32).to_be_bytes());
        out.extend_from_slice(piece);
        if rest.is_empty() {
            return out;
        }
        left = rest;
    }
}

/// Arguments of GETPORT; `protocol` is 6 or 17.
pub fn getport(program: u32, version: u32, protocol: u32) -> Xdr {
    Xdr::new().u32(program).u32(version).u32(protocol).u32(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<u8> {
        let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
        digits.chunks(2).map(|d| (d[0] * 16 + d[1]) as u8).collect()
    }

    #[test]
    fn getport_as_in_the_checked_example() {
        let got = call(10, (PORTMAP, 2, 3), None, &getport(MOUNT, 3, 17));
        let want = words(
            "0000000a 00000000 00000002 000186a0 00000002 00000003 00000000 00000000 00000000
             00000000 000186a5 00000003 00000011 00000000",
        );
        assert_eq!(got, want);
    }

    #[test]
    fn mount_as_in_the_checked_example() {
        let caller = Caller {
            machine: "cms8000".into(),
            uid: 0,
            stamp: 0x1122_3344,
        };
        let got = call(11, (MOUNT, 3, 1), Some(&caller), &Xdr::new().opaque(b"/pm"));
        let want = words(
            "0000000b 00000000 00000002 000186a5 00000003 00000001 00000001 00000020 11223344
             00000007 636d733830303000 00000000 00000000 00000001 00000000 00000000 00000000
             00000003 2f706d00",
        );
        assert_eq!(got, want);
    }

    #[test]
    fn records_are_marked() {
        assert_eq!(
            record(&[1, 2, 3, 4, 5, 6, 7, 8], 1000)[..4],
            [0x80, 0, 0, 8]
        );
        let cut = record(&[1, 2, 3, 4, 5, 6, 7, 8], 4);
        assert_eq!(cut, [0, 0, 0, 4, 1, 2, 3, 4, 0x80, 0, 0, 4, 5, 6, 7, 8]);
    }
}
