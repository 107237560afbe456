//! Transport headers: TCP (RFC 9293, options RFC 7323 and 2018), UDP (RFC 768), ICMP (RFC 792,
//! RFC 4443) and SCTP (RFC 9260).

use crate::decode::Extent;
use crate::layers::{
    Icmp, Layers, Network, Range32, Sctp, StopReason, Tcp, TcpFlags, Transport, Udp,
};

pub(crate) const ICMP: u8 = 1;
pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;
pub(crate) const ICMPV6: u8 = 58;
const SCTP: u8 = 132;

/// Decodes the header at `at` that `layers.ip_protocol` names.
#[inline(always)]
pub(crate) fn decode_transport(layers: &mut Layers, extent: Extent<'_>, at: usize) {
    let end = extent.bytes.len() as u32;
    layers.ip_payload = Range32 {
        start: at as u32,
        end,
    };
    match layers.ip_protocol {
        TCP => decode_tcp(layers, extent, at),
        UDP => decode_udp(layers, extent, at),
        _ => decode_other(layers, extent, at),
    }
}

/// The rest of the extent from `at` on is the payload.
#[inline(always)]
pub(crate) fn set_payload(layers: &mut Layers, extent: Extent<'_>, at: usize) {
    layers.payload = Range32 {
        start: at as u32,
        end: extent.bytes.len() as u32,
    };
    layers.payload_on_wire = (extent.declared_end - at) as u32;
}

/// The header at `at` is not whole: all of it counts as payload.
#[cold]
fn stop_in_header(layers: &mut Layers, extent: Extent<'_>, at: usize, why: StopReason) {
    set_payload(layers, extent, at);
    layers.stop_at(why, at);
}

#[inline(always)]
fn decode_tcp(layers: &mut Layers, extent: Extent<'_>, at: usize) {
    let Some(h) = extent.chunk::<20>(at) else {
        return stop_in_header(layers, extent, at, extent.missing(at, 20));
    };
    let offset_flags = u16::from_be_bytes([h[12], h[13]]);
    let header_len = usize::from(offset_flags >> 12) * 4;
    layers.transport = Transport::Tcp(Tcp {
        src_port: u16::from_be_bytes([h[0], h[1]]),
        dst_port: u16::from_be_bytes([h[2], h[3]]),
        seq: u32::from_be_bytes([h[4], h[5], h[6], h[7]]),
        ack: u32::from_be_bytes([h[8], h[9], h[10], h[11]]),
        flags: TcpFlags(offset_flags & 0x0fff),
        window: u16::from_be_bytes([h[14], h[15]]),
        checksum: u16::from_be_bytes([h[16], h[17]]),
        urgent: u16::from_be_bytes([h[18], h[19]]),
        header_len: header_len as u8,
        mss: None,
        window_scale: None,
        sack_permitted: false,
        timestamp: None,
    });
    if header_len == 20 {
        return set_payload(layers, extent, at + 20);
    }
    decode_tcp_options(layers, extent, at, header_len);
}

fn decode_tcp_options(layers: &mut Layers, extent: Extent<'_>, at: usize, header_len: usize) {
    let options_at = at + 20;
    if header_len < 20 {
        return stop_in_header(layers, extent, options_at, StopReason::HeaderLength);
    }
    let payload_at = at + header_len;
    if let Transport::Tcp(tcp) = &mut layers.transport {
        let options = extent
            .bytes
            .get(options_at..payload_at.min(extent.bytes.len()));
        read_tcp_options(tcp, options.unwrap_or_default());
    }
    if payload_at <= extent.bytes.len() {
        return set_payload(layers, extent, payload_at);
    }
    let why = extent.missing(at, header_len);
    let end = extent.bytes.len() as u32;
    layers.payload = Range32 { start: end, end };
    layers.payload_on_wire = extent.declared_end.saturating_sub(payload_at) as u32;
    layers.stop_at(why, options_at);
}

/// Options up to the end, or up to the first that does not fit.
fn read_tcp_options(tcp: &mut Tcp, mut options: &[u8]) {
    loop {
        let len = match *options {
            // What nearly every segment of a modern stack has.
            [1, 1, 8, 10, a, b, c, d, e, f, g, h, ..] => {
                tcp.timestamp = Some((
                    u32::from_be_bytes([a, b, c, d]),
                    u32::from_be_bytes([e, f, g, h]),
                ));
                12
            }
            [1, ..] => 1,
            [0, ..] | [] | [_] => return,
            [2, 4, a, b, ..] => {
                tcp.mss = Some(u16::from_be_bytes([a, b]));
                4
            }
            [3, 3, shift, ..] => {
                tcp.window_scale = Some(shift);
                3
            }
            [4, 2, ..] => {
                tcp.sack_permitted = true;
                2
            }
            [8, 10, a, b, c, d, e, f, g, h, ..] => {
                tcp.timestamp = Some((
                    u32::from_be_bytes([a, b, c, d]),
                    u32::from_be_bytes([e, f, g, h]),
                ));
                10
            }
            [_, len, ..] => usize::from(len),
        };
        if len == 0 {
            return;
        }
        options = options.get(len..).unwrap_or_default();
    }
}

#[inline(always)]
fn decode_udp(layers: &mut Layers, extent: Extent<'_>, at: usize) {
    let Some(&[s0, s1, d0, d1, l0, l1, c0, c1]) = extent.chunk::<8>(at) else {
        return stop_in_header(layers, extent, at, extent.missing(at, 8));
    };
    let length = u16::from_be_bytes([l0, l1]);
    layers.transport = Transport::Udp(Udp {
        src_port: u16::from_be_bytes([s0, s1]),
        dst_port: u16::from_be_bytes([d0, d1]),
        length,
        checksum: u16::from_be_bytes([c0, c1]),
    });
    let payload_at = at + 8;
    set_payload(layers, extent, payload_at);
    if length >= 8 {
        // Bytes of the IP payload behind the UDP length are no payload; a length beyond the IP
        // payload (first fragments, damage) does not lengthen it.
        let len = u32::from(length) - 8;
        layers.payload_on_wire = layers.payload_on_wire.min(len);
        layers.payload.end = layers.payload.end.min(layers.payload.start + len);
    } else if length != 0 {
        // 0 is a jumbogram (RFC 2675) or segmentation offload: to the end.
        layers.stop_at(StopReason::TotalLength, at);
    }
}

/// Everything but TCP and UDP.
fn decode_other(layers: &mut Layers, extent: Extent<'_>, at: usize) {
    layers.transport = Transport::Other;
    set_payload(layers, extent, at);
    match (layers.ip_protocol, layers.network) {
        (ICMP, Network::Ipv4) => {
            if let Some(icmp) = decode_icmp(layers, extent, at) {
                layers.transport = Transport::Icmp(icmp);
            }
        }
        (ICMPV6, Network::Ipv6) => {
            if let Some(icmp) = decode_icmp(layers, extent, at) {
                layers.transport = Transport::Icmpv6(icmp);
            }
        }
        (SCTP, _) => {
            let Some(&[s0, s1, d0, d1, t0, t1, t2, t3, _, _, _, _]) = extent.chunk::<12>(at) else {
                layers.transport = Transport::None;
                return layers.stop_at(extent.missing(at, 12), at);
            };
            layers.transport = Transport::Sctp(Sctp {
                src_port: u16::from_be_bytes([s0, s1]),
                dst_port: u16::from_be_bytes([d0, d1]),
                tag: u32::from_be_bytes([t0, t1, t2, t3]),
            });
            set_payload(layers, extent, at + 12);
        }
        _ => {}
    }
}

fn decode_icmp(layers: &mut Layers, extent: Extent<'_>, at: usize) -> Option<Icmp> {
    let Some(&[kind, code, c0, c1, i0, i1, s0, s1]) = extent.chunk::<8>(at) else {
        layers.transport = Transport::None;
        layers.stop_at(extent.missing(at, 8), at);
        return None;
    };
    set_payload(layers, extent, at + 8);
    Some(Icmp {
        kind,
        code,
        checksum: u16::from_be_bytes([c0, c1]),
        id: u16::from_be_bytes([i0, i1]),
        seq: u16::from_be_bytes([s0, s1]),
    })
}
