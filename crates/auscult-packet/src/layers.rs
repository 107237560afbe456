//! What was read of one frame: numbers, addresses and offsets, no borrowed data.
//!
//! Field names follow the RFCs of the header that they come from (791, 8200, 826, 9293, 768,
//! 792, 4443, 9260). The struct is filled in place once a packet, so it stays under 200 bytes.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use auscult_model::{LinkType, MacAddr, Segment};

/// A byte range inside a frame; `start <= end <= frame.len()` in everything that decoding gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range32 {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Range32 {
    /// Number of bytes.
    pub fn len(self) -> usize {
        self.end.saturating_sub(self.start) as usize
    }

    /// No bytes.
    pub fn is_empty(self) -> bool {
        self.end <= self.start
    }

    /// The bytes themselves; empty when the range is not one of this frame.
    pub fn of(self, frame: &[u8]) -> &[u8] {
        frame
            .get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }
}

/// Everything that the rest of the program needs of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layers {
    /// Link type that the frame was read as.
    pub link: LinkType,
    /// Sender on the link; in Linux cooked captures only when one was recorded.
    pub src_mac: Option<MacAddr>,
    /// Receiver on the link; cooked captures never tell it.
    pub dst_mac: Option<MacAddr>,
    /// VLAN ids of the outer and the next inner tag, 0 when there is none. Priority tags (id 0)
    /// do not count.
    pub vlan: [u16; 2],
    /// Number of tags that count; may exceed 2, then only the outer two ids are kept.
    pub vlan_depth: u8,
    /// Headers between link and network (MPLS, PPPoE) that were entered.
    pub shims: u8,
    /// Number of the overlay network that the frame was carried in, plus one; 0 when there is
    /// none.
    pub overlay: u32,
    /// EtherType of what the link carries, after VLAN tags and LLC/SNAP; 0 when it has none.
    pub ethertype: u16,
    /// What the link carries.
    pub network: Network,
    /// IP source address; unspecified unless [`Network::Ipv4`] or [`Network::Ipv6`].
    pub src: IpAddr,
    /// IP destination address; unspecified unless IP.
    pub dst: IpAddr,
    /// Time to live or hop limit.
    pub ttl: u8,
    /// IPv4 identification, or that of the IPv6 fragment header; 0 when there is none.
    pub ip_id: u32,
    /// IPv4's flag of that name.
    pub dont_fragment: bool,
    /// Protocol of the IP payload: the last next header that was reached.
    pub ip_protocol: u8,
    /// Set when the frame holds one of several fragments (an IPv6 "atomic" fragment is none).
    pub fragment: Option<Fragment>,
    /// Offset of the IP header.
    pub ip_start: u32,
    /// From the transport header (after extension headers) to the end by the IP length, without
    /// padding and trailers; shorter when the capture cut the packet.
    pub ip_payload: Range32,
    /// The transport header; [`Transport::None`] in fragments other than the first.
    pub transport: Transport,
    /// What the transport carries. Without a decoded transport header, the IP payload.
    pub payload: Range32,
    /// Length of `payload` as the headers tell it; larger than the range when the capture cut it.
    pub payload_on_wire: u32,
    /// Set when decoding ended early.
    pub stop: Option<Stop>,
}

impl Layers {
    /// Nothing decoded yet.
    pub const fn new(link: LinkType) -> Self {
        const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        const EMPTY: Range32 = Range32 { start: 0, end: 0 };
        Layers {
            link,
            src_mac: None,
            dst_mac: None,
            vlan: [0; 2],
            vlan_depth: 0,
            shims: 0,
            overlay: 0,
            ethertype: 0,
            network: Network::None,
            src: NOWHERE,
            dst: NOWHERE,
            ttl: 0,
            ip_id: 0,
            dont_fragment: false,
            ip_protocol: 0,
            fragment: None,
            ip_start: 0,
            ip_payload: EMPTY,
            transport: Transport::None,
            payload: EMPTY,
            payload_on_wire: 0,
            stop: None,
        }
    }

    /// True for IPv4 and IPv6.
    pub fn is_ip(&self) -> bool {
        matches!(self.network, Network::Ipv4 | Network::Ipv6)
    }

    /// Source and destination port of TCP, UDP and SCTP.
    pub fn ports(&self) -> Option<(u16, u16)> {
        match self.transport {
            Transport::Tcp(tcp) => Some((tcp.src_port, tcp.dst_port)),
            Transport::Udp(udp) => Some((udp.src_port, udp.dst_port)),
            Transport::Sctp(sctp) => Some((sctp.src_port, sctp.dst_port)),
            _ => None,
        }
    }

    /// The layer-2 domain by the frame's tags, and by the overlay network around it.
    pub fn segment(&self) -> Segment {
        let [outer_vlan, inner_vlan] = self.vlan;
        Segment {
            overlay: self.overlay,
            outer_vlan,
            inner_vlan,
            ..Segment::UNTAGGED
        }
    }

    /// The transport payload in `frame`, the frame that was decoded.
    pub fn payload_of<'a>(&self, frame: &'a [u8]) -> &'a [u8] {
        self.payload.of(frame)
    }

    /// Decoding ends here; the first reason is kept.
    #[cold]
    pub(crate) fn stop_at(&mut self, why: StopReason, at: usize) {
        if self.stop.is_none() {
            self.stop = Some(Stop { why, at: at as u32 });
        }
    }
}

/// What a frame carries above the link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// Nothing that is decoded.
    #[default]
    None,
    /// Address resolution for IPv4 on Ethernet.
    Arp(Arp),
    /// Internet Protocol version 4.
    Ipv4,
    /// Internet Protocol version 6.
    Ipv6,
}

/// An ARP message for IPv4 on Ethernet (RFC 826).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arp {
    /// 1 request, 2 reply.
    pub operation: u16,
    /// Hardware address of the sender.
    pub sender_mac: MacAddr,
    /// IPv4 address of the sender; unspecified in a probe (RFC 5227).
    pub sender_ip: Ipv4Addr,
    /// Hardware address of the target; meaningless in a request.
    pub target_mac: MacAddr,
    /// IPv4 address asked for, or of the receiver of a reply.
    pub target_ip: Ipv4Addr,
}

/// Place of a fragment in its datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Where this piece belongs, in bytes from the start of the fragmented part.
    pub offset: u32,
    /// Identification, common to all fragments of a datagram.
    pub id: u32,
    /// Protocol field that all fragments of a datagram share: IPv4's protocol, or the next
    /// header of the IPv6 fragment header.
    pub protocol: u8,
    /// More fragments follow.
    pub more: bool,
    /// IPv6: offset in the frame of the byte whose next header value names the fragment header.
    pub named_at: u32,
    /// IPv6: offset in the frame of the fragment header. IPv4: the end of the IP header.
    pub header_at: u32,
    /// Offset in the frame of the fragment's own bytes; they end where `ip_payload` ends.
    pub data_at: u32,
    /// Length of the fragment's bytes by the IP header.
    pub data_on_wire: u32,
}

/// The transport header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// Not IP, a later fragment, or decoding stopped before or inside the transport header.
    #[default]
    None,
    /// Transmission Control Protocol.
    Tcp(Tcp),
    /// User Datagram Protocol.
    Udp(Udp),
    /// Internet Control Message Protocol for IPv4.
    Icmp(Icmp),
    /// Internet Control Message Protocol for IPv6.
    Icmpv6(Icmp),
    /// Stream Control Transmission Protocol.
    Sctp(Sctp),
    /// A protocol that is not decoded; `Layers::ip_protocol` says which.
    Other,
}

/// The flag bits of a TCP header, with the three reserved bits: twelve bits as Wireshark's
/// `tcp.flags` shows them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpFlags(pub u16);

impl TcpFlags {
    /// No more data from the sender.
    pub const FIN: u16 = 0x001;
    /// Synchronise sequence numbers.
    pub const SYN: u16 = 0x002;
    /// Reset the connection.
    pub const RST: u16 = 0x004;
    /// Push.
    pub const PSH: u16 = 0x008;
    /// The acknowledgement number counts.
    pub const ACK: u16 = 0x010;
    /// The urgent pointer counts.
    pub const URG: u16 = 0x020;
    /// Congestion experienced echo (RFC 3168).
    pub const ECE: u16 = 0x040;
    /// Congestion window reduced (RFC 3168).
    pub const CWR: u16 = 0x080;

    /// True when any of the bits in `mask` is set.
    pub fn any(self, mask: u16) -> bool {
        self.0 & mask != 0
    }

    /// FIN is set.
    pub fn fin(self) -> bool {
        self.any(Self::FIN)
    }

    /// SYN is set.
    pub fn syn(self) -> bool {
        self.any(Self::SYN)
    }

    /// RST is set.
    pub fn rst(self) -> bool {
        self.any(Self::RST)
    }

    /// PSH is set.
    pub fn psh(self) -> bool {
        self.any(Self::PSH)
    }

    /// ACK is set.
    pub fn ack(self) -> bool {
        self.any(Self::ACK)
    }

    /// URG is set.
    pub fn urg(self) -> bool {
        self.any(Self::URG)
    }
}

/// A TCP header with the options that the rest of the program uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tcp {
    /// Port of the sender.
    pub src_port: u16,
    /// Port of the receiver.
    pub dst_port: u16,
    /// Sequence number as on the wire.
    pub seq: u32,
    /// Acknowledgement number as on the wire; counts only with [`TcpFlags::ACK`].
    pub ack: u32,
    /// Flag bits.
    pub flags: TcpFlags,
    /// Window as on the wire, not scaled.
    pub window: u16,
    /// Checksum as on the wire, not verified.
    pub checksum: u16,
    /// Urgent pointer.
    pub urgent: u16,
    /// Length of the header with options, in bytes.
    pub header_len: u8,
    /// Maximum segment size (option 2).
    pub mss: Option<u16>,
    /// Window scale shift (option 3).
    pub window_scale: Option<u8>,
    /// Selective acknowledgement permitted (option 4).
    pub sack_permitted: bool,
    /// Time stamp value and echo reply (option 8).
    pub timestamp: Option<(u32, u32)>,
}

/// A UDP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Udp {
    /// Port of the sender.
    pub src_port: u16,
    /// Port of the receiver.
    pub dst_port: u16,
    /// Length as on the wire: header and payload.
    pub length: u16,
    /// Checksum as on the wire, not verified.
    pub checksum: u16,
}

/// The first eight bytes of an ICMP or ICMPv6 message. What an error quotes and what neighbour
/// discovery says are read on demand: [`Layers::quoted`], [`Layers::neighbour_discovery`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Icmp {
    /// Type.
    pub kind: u8,
    /// Code.
    pub code: u8,
    /// Checksum as on the wire, not verified.
    pub checksum: u16,
    /// Identifier of echo messages; else bytes 4 and 5 of the message.
    pub id: u16,
    /// Sequence number of echo messages; else bytes 6 and 7 of the message.
    pub seq: u16,
}

/// The common header of SCTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sctp {
    /// Port of the sender.
    pub src_port: u16,
    /// Port of the receiver.
    pub dst_port: u16,
    /// Verification tag.
    pub tag: u32,
}

/// Decoding ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// Why.
    pub why: StopReason,
    /// Offset in the frame of the header that could not be read.
    pub at: u32,
}

/// Why decoding ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopReason {
    /// The capture's link type is not one that is decoded.
    LinkType,
    /// The link speaks to itself (beacons, acknowledgements, keep-alives): no packet is in it.
    LinkOwn,
    /// Encrypted on the radio link, or by the tunnel.
    Encrypted,
    /// A later piece of a packet that the link cut.
    LinkFragment,
    /// Received damaged: the receiver noted that the frame's check failed.
    Damaged,
    /// The capture holds fewer bytes than the packet had, and ends inside a header.
    CutByCapture,
    /// The packet itself ends inside a header.
    EndsInHeader,
    /// More VLAN tags than are walked.
    TooManyTags,
    /// More MPLS labels than are walked.
    TooManyLabels,
    /// More headers between link and network than are walked.
    TooManyShims,
    /// An EtherType, or LLC protocol, that is not decoded.
    EtherType,
    /// ARP for other hardware or protocol addresses than Ethernet and IPv4.
    ArpAddresses,
    /// The version in the IP header is not that of the EtherType.
    IpVersion,
    /// A header's length field is smaller than the header.
    HeaderLength,
    /// A total length is smaller than what it has to hold.
    TotalLength,
    /// More IPv6 extension headers than are walked.
    TooManyExtensions,
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StopReason::LinkType => "link type not decoded",
            StopReason::LinkOwn => "a frame of the link itself",
            StopReason::Encrypted => "encrypted by the link",
            StopReason::LinkFragment => "a later piece of a frame",
            StopReason::Damaged => "received damaged",
            StopReason::CutByCapture => "cut by the capture inside a header",
            StopReason::EndsInHeader => "packet ends inside a header",
            StopReason::TooManyTags => "too many VLAN tags",
            StopReason::TooManyLabels => "too many MPLS labels",
            StopReason::TooManyShims => "too many headers between link and network",
            StopReason::EtherType => "EtherType not decoded",
            StopReason::ArpAddresses => "ARP not for IPv4 on Ethernet",
            StopReason::IpVersion => "IP version does not fit",
            StopReason::HeaderLength => "header length too small",
            StopReason::TotalLength => "total length too small",
            StopReason::TooManyExtensions => "too many IPv6 extension headers",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_small() {
        assert!(size_of::<Layers>() <= 200, "{}", size_of::<Layers>());
    }
}
