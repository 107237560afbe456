//! Link headers other than Ethernet: what they name, and where what they carry begins.
//!
//! Linux cooked captures, raw IP, loopback of BSD and macOS, PPP in its framings, Cisco HDLC,
//! frame relay (RFC 2427), SLIP, token ring, FDDI, classical IP over ATM (RFC 2684), IP over
//! Fibre Channel (RFC 4338), InfiniBand (RFC 4391), firewall logs (PFLOG, NFLOG), packets with
//! process names (PKTAP); layouts as on <https://www.tcpdump.org/linktypes.html>. What was
//! received by radio is in `wireless.rs`.
//! Limits: two pseudo-headers around another link header; Frame relay with two address bytes.

use auscult_model::{LinkType, MacAddr};

use crate::decode::{ETHERTYPE_FIRST, ETHERTYPE_IPV4, ETHERTYPE_IPV6, Extent};
use crate::layers::StopReason;
use crate::wireless;

/// A link header, read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub(crate) src_mac: Option<MacAddr>,
    pub(crate) dst_mac: Option<MacAddr>,
    pub(crate) next: Next,
    /// Bytes at the frame's end that belong to the link (a frame check sequence).
    pub(crate) trailer: usize,
}

/// What stands behind a link header, and its offset in the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// A whole Ethernet frame: addresses, then EtherType or length.
    Ethernet(usize),
    /// A packet of an aggregate: addresses, length, IEEE 802.2 header.
    Part(usize),
    /// What the EtherType names, VLAN tags included.
    EtherType(u16, usize),
    /// An IEEE 802.2 header.
    Llc(usize),
    /// IP, of whichever version its first four bits say.
    Ip(usize),
    /// Nothing that can be read.
    Stop(StopReason, usize),
}

impl Next {
    /// Its offset.
    pub(crate) fn at(self) -> usize {
        let (Next::Ethernet(at)
        | Next::Part(at)
        | Next::EtherType(_, at)
        | Next::Llc(at)
        | Next::Ip(at)
        | Next::Stop(_, at)) = self;
        at
    }
}

impl From<Next> for Link {
    fn from(next: Next) -> Link {
        Link {
            src_mac: None,
            dst_mac: None,
            next,
            trailer: 0,
        }
    }
}

/// Pseudo-headers around another link header that are opened.
const WRAPPED_MAX: u8 = 2;

/// Reads the header of any link type but Ethernet.
pub(crate) fn read_link(link: LinkType, extent: Extent<'_>) -> Link {
    read_at(link, extent, 0, WRAPPED_MAX)
}

/// The same at an offset; `wraps` further pseudo-headers may follow.
pub(crate) fn read_at(link: LinkType, extent: Extent<'_>, at: usize, wraps: u8) -> Link {
    let next = match link {
        LinkType::ETHERNET => Next::Ethernet(at),
        LinkType::RAW | LinkType::RAW_BSD | LinkType::RAW_OPENBSD => Next::Ip(at),
        LinkType::IPV4 => Next::EtherType(ETHERTYPE_IPV4, at),
        LinkType::IPV6 => Next::EtherType(ETHERTYPE_IPV6, at),
        LinkType::LINUX_SLL | LinkType::LINUX_SLL2 => return cooked(link, extent, at),
        LinkType::NULL | LinkType::LOOP => loopback(extent, at),
        LinkType::PPP | LinkType::PPP_HDLC => ppp(extent, at),
        LinkType::PPP_PPPD => ppp_after(extent, at + 2),
        LinkType::PPP_WITH_DIR => ppp(extent, at + 1),
        LinkType::PPP_ETHER => ppp_after(extent, at + 6),
        LinkType::C_HDLC => cisco(extent, at),
        LinkType::C_HDLC_WITH_DIR => cisco(extent, at + 1),
        LinkType::FRELAY => frame_relay(extent, at),
        LinkType::FRELAY_WITH_DIR => frame_relay(extent, at + 1),
        LinkType::SLIP => Next::Ip(at + 16),
        LinkType::ATM_RFC1483 => Next::Llc(at),
        LinkType::IP_OVER_FC => Next::Llc(at + 16),
        LinkType::FDDI => Next::Llc(at + 13),
        LinkType::TOKEN_RING => token_ring(extent, at),
        LinkType::ETHERNET_MPACKET => Next::Ethernet(at + 8),
        LinkType::IPNET => Next::Ip(at + 24),
        LinkType::ENC => Next::Ip(at + 12),
        LinkType::PFLOG => firewall_log(extent, at),
        LinkType::NFLOG => return nflog(extent, at),
        LinkType::PKTAP | LinkType::USER2 => return pktap(extent, at, wraps),
        link if wireless::is_wireless(link) => return wireless::read(link, extent, at, wraps),
        _ => Next::Stop(StopReason::LinkType, at),
    };
    next.into()
}

/// The header at `at` is not whole.
pub(crate) fn cut(extent: Extent<'_>, at: usize, len: usize) -> Next {
    Next::Stop(extent.missing(at, len), at)
}

fn cooked(link: LinkType, extent: Extent<'_>, at: usize) -> Link {
    let len = if link == LinkType::LINUX_SLL { 16 } else { 20 };
    let Some((hardware, address_len, address, protocol)) = read_cooked(len, extent, at) else {
        return cut(extent, at, len).into();
    };
    let end = at + len;
    let src_mac = Some(MacAddr(address)).filter(|mac| address_len == 6 && *mac != MacAddr::NONE);
    let next = match (hardware, protocol) {
        // On these devices the protocol field is no EtherType: netlink, GRE, 802.11 (ARPHRD_*).
        (824 | 778 | 801..=803, _) => Next::Stop(StopReason::EtherType, end),
        // 1 and 4 stand for Novell's raw 802.3 and for 802.2; only the latter can carry IP.
        (_, 4) => Next::Llc(end),
        (_, protocol) if protocol < ETHERTYPE_FIRST => Next::Stop(StopReason::EtherType, end),
        (_, protocol) => Next::EtherType(protocol, end),
    };
    Link {
        src_mac,
        ..next.into()
    }
}

/// Hardware type, length of the address, address and protocol of a cooked header.
fn read_cooked(len: usize, extent: Extent<'_>, at: usize) -> Option<(u16, u16, [u8; 6], u16)> {
    let number = |high, low| u16::from_be_bytes([high, low]);
    if len == 16 {
        let h = extent.chunk::<16>(at)?;
        let address = [h[6], h[7], h[8], h[9], h[10], h[11]];
        return Some((
            number(h[2], h[3]),
            number(h[4], h[5]),
            address,
            number(h[14], h[15]),
        ));
    }
    let h = extent.chunk::<20>(at)?;
    let address = [h[12], h[13], h[14], h[15], h[16], h[17]];
    Some((
        number(h[8], h[9]),
        u16::from(h[11]),
        address,
        number(h[0], h[1]),
    ))
}

/// An address family in the byte order of the machine that captured (NULL) or of the network
/// (LOOP); the values of IPv6 differ: 10 Linux, 23 Windows, 24 NetBSD and OpenBSD, 28 FreeBSD,
/// 30 macOS.
fn loopback(extent: Extent<'_>, at: usize) -> Next {
    match extent.chunk::<4>(at) {
        Some([2, 0, 0, 0] | [0, 0, 0, 2]) => Next::EtherType(ETHERTYPE_IPV4, at + 4),
        Some([10 | 23 | 24 | 28 | 30, 0, 0, 0] | [0, 0, 0, 10 | 23 | 24 | 28 | 30]) => {
            Next::EtherType(ETHERTYPE_IPV6, at + 4)
        }
        Some(_) => Next::Stop(StopReason::EtherType, at + 4),
        None => cut(extent, at, 4),
    }
}

/// PPP with or without address and control (RFC 1662), or Cisco HDLC in its place.
pub(crate) fn ppp(extent: Extent<'_>, at: usize) -> Next {
    match extent.chunk::<2>(at) {
        Some([0xff, 0x03]) => ppp_after(extent, at + 2),
        Some([0x0f | 0x8f, 0x00]) => cisco(extent, at),
        Some(_) => ppp_after(extent, at),
        None => cut(extent, at, 2),
    }
}

/// From the protocol field on, of one or two bytes (RFC 1661 §6.5).
pub(crate) fn ppp_after(extent: Extent<'_>, at: usize) -> Next {
    let (protocol, end) = match extent.chunk::<2>(at) {
        Some(&[first, _]) if first & 1 == 1 => (u16::from(first), at + 1),
        Some(&[first, second]) => (u16::from_be_bytes([first, second]), at + 2),
        None => return cut(extent, at, 2),
    };
    match protocol {
        0x0021 => Next::EtherType(ETHERTYPE_IPV4, end),
        0x0057 => Next::EtherType(ETHERTYPE_IPV6, end),
        // MPLS (RFC 3032 §4.3).
        0x0281 => Next::EtherType(0x8847, end),
        0x0283 => Next::EtherType(0x8848, end),
        // Control protocols: link, authentication, addresses.
        0x8000.. => Next::Stop(StopReason::LinkOwn, at),
        _ => Next::Stop(StopReason::EtherType, at),
    }
}

fn cisco(extent: Extent<'_>, at: usize) -> Next {
    match extent.chunk::<4>(at) {
        Some(&[0x0f | 0x8f, _, t0, t1]) => match u16::from_be_bytes([t0, t1]) {
            // Keep-alives.
            0x8035 => Next::Stop(StopReason::LinkOwn, at),
            protocol => Next::EtherType(protocol, at + 4),
        },
        Some(_) => Next::Stop(StopReason::EtherType, at),
        None => cut(extent, at, 4),
    }
}

/// RFC 2427 behind two bytes of address, or Cisco's EtherType in place of it.
fn frame_relay(extent: Extent<'_>, at: usize) -> Next {
    let Some(&[high, low, control, nlpid]) = extent.chunk::<4>(at) else {
        return cut(extent, at, 4);
    };
    // The address goes on while its last bit is 0.
    if (high & 1, low & 1) != (0, 1) {
        return Next::Stop(StopReason::EtherType, at);
    }
    match (control, nlpid) {
        (0x03, 0xcc) => Next::EtherType(ETHERTYPE_IPV4, at + 4),
        (0x03, 0x8e) => Next::EtherType(ETHERTYPE_IPV6, at + 4),
        // SNAP, behind a byte of padding.
        (0x03, 0x00) => match extent.chunk::<8>(at + 2) {
            Some(&[_, _, 0x80, 0, 0, 0, t0, t1]) => {
                Next::EtherType(u16::from_be_bytes([t0, t1]), at + 10)
            }
            // Bridged Ethernet, with or without its check sequence.
            Some(&[_, _, 0x80, 0, 0x80, 0xc2, 0, 1 | 7]) => Next::Ethernet(at + 10),
            Some(_) => Next::Stop(StopReason::EtherType, at),
            None => cut(extent, at, 10),
        },
        (0x03, _) => Next::Stop(StopReason::EtherType, at),
        (t0, t1) => Next::EtherType(u16::from_be_bytes([t0, t1]), at + 4),
    }
}

/// IEEE 802.5: access and frame control, two addresses, routing information when the source says
/// so.
fn token_ring(extent: Extent<'_>, at: usize) -> Next {
    let Some(&[_, control, _, _, _, _, _, _, source, ..]) = extent.chunk::<15>(at) else {
        return cut(extent, at, 15);
    };
    if control & 0xc0 != 0x40 {
        return Next::Stop(StopReason::LinkOwn, at);
    }
    let routing = if source & 0x80 == 0 {
        0
    } else {
        extent
            .chunk::<15>(at)
            .map_or(0, |h| usize::from(h[14] & 0x1f))
    };
    Next::Llc(at + 14 + routing)
}

/// pf(4): the length of the header comes first, padded to four bytes.
fn firewall_log(extent: Extent<'_>, at: usize) -> Next {
    match extent.chunk::<1>(at) {
        Some(&[len]) if len >= 4 => Next::Ip(at + usize::from(len).next_multiple_of(4)),
        Some(_) => Next::Stop(StopReason::HeaderLength, at),
        None => cut(extent, at, 1),
    }
}

/// Linux's netfilter log: fields of length, type and value, in the byte order of the machine that
/// captured.
fn nflog(extent: Extent<'_>, at: usize) -> Link {
    /// The packet, and the sender's link address (`NFULA_*`).
    const PAYLOAD: u16 = 9;
    const ADDRESS: u16 = 8;
    let Some(&[_, 0, _, _]) = extent.chunk::<4>(at) else {
        return cut(extent, at, 4).into();
    };
    let mut src_mac = None;
    let mut field = at + 4;
    loop {
        let Some(&[l0, l1, k0, k1]) = extent.chunk::<4>(field) else {
            return cut(extent, field, 4).into();
        };
        let little = u16::from_le_bytes([l0, l1]);
        let fits = |len: u16| len >= 4 && field + usize::from(len) <= extent.declared_end;
        // Types are small, so one byte order makes no sense.
        let (len, kind) = if k1 == 0 && fits(little) {
            (little, u16::from_le_bytes([k0, k1]))
        } else {
            (u16::from_be_bytes([l0, l1]), u16::from_be_bytes([k0, k1]))
        };
        if !fits(len) {
            return Next::Stop(StopReason::HeaderLength, field).into();
        }
        match kind & 0x7fff {
            PAYLOAD => {
                return Link {
                    src_mac,
                    ..Next::Ip(field + 4).into()
                };
            }
            ADDRESS => {
                if let Some(&[_, _, _, _, 0, 6, _, _, a, b, c, d, e, f]) = extent.chunk::<14>(field)
                {
                    src_mac = Some(MacAddr([a, b, c, d, e, f]));
                }
            }
            _ => {}
        }
        field += usize::from(len).next_multiple_of(4);
    }
}

/// macOS: a header with the interface's name and its link type.
fn pktap(extent: Extent<'_>, at: usize, wraps: u8) -> Link {
    let Some(&[l0, l1, l2, l3, _, _, _, _, d0, d1, 0, 0]) = extent.chunk::<12>(at) else {
        return Next::Stop(StopReason::LinkType, at).into();
    };
    let len = u32::from_le_bytes([l0, l1, l2, l3]);
    if wraps == 0 || !(12..=1024).contains(&len) {
        return Next::Stop(StopReason::LinkType, at).into();
    }
    let link = LinkType(u16::from_le_bytes([d0, d1]));
    read_at(link, extent, at + len as usize, wraps - 1)
}
