//! TCP segments and the option layouts of common stacks (RFC 9293, 7323, 2018).

use std::net::Ipv4Addr;

use super::{checksum, ip};

/// FIN flag.
pub const FIN: u8 = 0x01;
/// SYN flag.
pub const SYN: u8 = 0x02;
/// RST flag.
pub const RST: u8 = 0x04;
/// PSH flag.
pub const PSH: u8 = 0x08;
/// ACK flag.
pub const ACK: u8 = 0x10;
/// URG flag.
pub const URG: u8 = 0x20;

/// One segment, without addresses.
#[derive(Clone, Debug, Default)]
pub struct Segment {
    /// Source port.
    pub from: u16,
    /// Destination port.
    pub to: u16,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number.
    pub ack: u32,
    /// Flags.
    pub flags: u8,
    /// Window, unscaled.
    pub window: u16,
    /// Urgent pointer.
    pub urgent: u16,
    /// Options, a multiple of four bytes.
    pub options: Vec<u8>,
    /// Payload.
    pub payload: Vec<u8>,
}

impl Segment {
    /// Without options; `at` is its sequence and acknowledgement number.
    pub fn plain((from, to): (u16, u16), at: (u32, u32), flags: u8, payload: &[u8]) -> Self {
        Segment {
            from,
            to,
            seq: at.0,
            ack: at.1,
            flags,
            window: 8192,
            urgent: 0,
            options: Vec::new(),
            payload: payload.to_vec(),
        }
    }

    /// The bytes, with the checksum for these addresses.
    pub fn encode(&self, from: Ipv4Addr, to: Ipv4Addr) -> Vec<u8> {
        let mut out = Vec::with_capacity(20 + self.options.len() + self.payload.len());
        out.extend_from_slice(&self.from.to_be_bytes());
        out.extend_from_slice(&self.to.to_be_bytes());
        out.extend_from_slice(&self.seq.to_be_bytes());
        out.extend_from_slice(&self.ack.to_be_bytes());
        out.push((((20 + self.options.len()) / 4) as u8) << 4);
        out.push(self.flags);
        out.extend_from_slice(&self.window.to_be_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&self.urgent.to_be_bytes());
        out.extend_from_slice(&self.options);
        out.extend_from_slice(&self.payload);
        let sum = checksum::transport(from, to, ip::TCP, &out);
        out[16..18].copy_from_slice(&sum.to_be_bytes());
        out
    }
}

/// How a stack writes its options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `mss,sok,ts,nop,ws` (Linux since 2.6).
    Linux,
    /// `mss,nop,ws,nop,nop,sok` (Windows since Vista).
    Windows,
    /// `mss` alone (small real-time stacks).
    MssOnly,
}

/// What a host's TCP and IP look like from outside.
#[derive(Clone, Copy, Debug)]
pub struct Stack {
    /// Initial time to live.
    pub ttl: u8,
    /// Maximum segment size announced.
    pub mss: u16,
    /// Window announced in the SYN.
    pub window: u16,
    /// Window scale announced.
    pub scale: u8,
    /// Layout of options.
    pub layout: Layout,
    /// Lowest and highest ephemeral port.
    pub ephemeral: (u16, u16),
}

impl Stack {
    /// An embedded Linux of the 2.6.27 era (facts: window 5840 with MSS 1460).
    pub const EMBEDDED_LINUX: Stack = Stack {
        ttl: 64,
        mss: 1460,
        window: 5840,
        scale: 2,
        layout: Layout::Linux,
        ephemeral: (32_768, 61_000),
    };
    /// A present Linux.
    pub const LINUX: Stack = Stack {
        window: 64_240,
        scale: 7,
        ephemeral: (32_768, 60_999),
        ..Stack::EMBEDDED_LINUX
    };
    /// Windows 10 or 11.
    pub const WINDOWS: Stack = Stack {
        ttl: 128,
        mss: 1460,
        window: 64_240,
        scale: 8,
        layout: Layout::Windows,
        ephemeral: (49_152, 65_535),
    };
    /// A small real-time system.
    pub const SMALL: Stack = Stack {
        ttl: 64,
        mss: 1460,
        window: 8192,
        scale: 0,
        layout: Layout::MssOnly,
        ephemeral: (1024, 5000),
    };

    /// Options of a SYN; `stamp` is the time stamp value and the echo.
    pub fn syn_options(&self, stamp: Option<(u32, u32)>) -> Vec<u8> {
        let mss = self.mss.to_be_bytes();
        let mut out = vec![2, 4, mss[0], mss[1]];
        match self.layout {
            Layout::MssOnly => {}
            Layout::Windows => out.extend_from_slice(&[1, 3, 3, self.scale, 1, 1, 4, 2]),
            Layout::Linux => {
                match stamp {
                    Some((value, echo)) => {
                        out.extend_from_slice(&[4, 2, 8, 10]);
                        out.extend_from_slice(&value.to_be_bytes());
                        out.extend_from_slice(&echo.to_be_bytes());
                    }
                    None => out.extend_from_slice(&[1, 1, 4, 2]),
                }
                out.extend_from_slice(&[1, 3, 3, self.scale]);
            }
        }
        out
    }
}

/// The time stamp option as it is padded on every later segment.
pub fn stamp_options(stamp: Option<(u32, u32)>) -> Vec<u8> {
    let Some((value, echo)) = stamp else {
        return Vec::new();
    };
    let mut out = vec![1, 1, 8, 10];
    out.extend_from_slice(&value.to_be_bytes());
    out.extend_from_slice(&echo.to_be_bytes());
    out
}
