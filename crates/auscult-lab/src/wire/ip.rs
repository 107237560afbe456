//! IPv4 datagrams and their fragments (RFC 791).

use std::net::Ipv4Addr;

use super::checksum;

/// Protocol number of ICMP.
pub const ICMP: u8 = 1;
/// Protocol number of TCP.
pub const TCP: u8 = 6;
/// Protocol number of UDP.
pub const UDP: u8 = 17;

/// The fields of a header that vary here.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    /// Source address.
    pub from: Ipv4Addr,
    /// Destination address.
    pub to: Ipv4Addr,
    /// Time to live, as seen at the capture point.
    pub ttl: u8,
    /// Identification.
    pub id: u16,
    /// Do not fragment.
    pub dont_fragment: bool,
    /// Protocol number.
    pub protocol: u8,
}

impl Header {
    fn packet(&self, offset: usize, more: bool, payload: &[u8]) -> Vec<u8> {
        let mut out = vec![0x45, 0];
        out.extend_from_slice(&((20 + payload.len()) as u16).to_be_bytes());
        out.extend_from_slice(&self.id.to_be_bytes());
        let flags = (u16::from(self.dont_fragment) << 14) | (u16::from(more) << 13);
        out.extend_from_slice(&(flags | (offset / 8) as u16).to_be_bytes());
        out.extend_from_slice(&[self.ttl, self.protocol, 0, 0]);
        out.extend_from_slice(&self.from.octets());
        out.extend_from_slice(&self.to.octets());
        let sum = checksum::internet(&out);
        out[10..12].copy_from_slice(&sum.to_be_bytes());
        out.extend_from_slice(payload);
        out
    }

    /// The datagram, whole.
    pub fn whole(&self, payload: &[u8]) -> Vec<u8> {
        self.packet(0, false, payload)
    }

    /// The datagram in fragments that fit `mtu`; one when it fits whole.
    pub fn fragments(&self, payload: &[u8], mtu: usize) -> Vec<Vec<u8>> {
        if payload.len() + 20 <= mtu {
            return vec![self.whole(payload)];
        }
        let step = (mtu.max(28) - 20) / 8 * 8;
        let header = Header {
            dont_fragment: false,
            ..*self
        };
        let mut out = Vec::new();
        let mut offset = 0;
        for piece in payload.chunks(step) {
            let more = offset + piece.len() < payload.len();
            out.push(header.packet(offset, more, piece));
            offset += piece.len();
        }
        out
    }
}
