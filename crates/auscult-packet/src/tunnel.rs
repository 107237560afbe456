//! Packets in packets: what opens a tunnel, and where the packet in it begins.
//!
//! IP in IP (RFC 2003, RFC 4213, RFC 2473), GRE (RFC 2784, RFC 2890, PPTP's RFC 2637) with what it
//! carries: IP, Ethernet (NVGRE, RFC 7637), MPLS, WCCP, ERSPAN (draft-foschiano-erspan-03); EtherIP
//! (RFC 3378), MPLS in IP (RFC 4023); over UDP VXLAN (RFC 7348, GPE by its draft), Geneve (RFC
//! 8926), GTP-U (3GPP TS 29.281), CAPWAP data (RFC 5415, RFC 5416), TZSP, Teredo (RFC 4380).
//!
//! Only a port names the tunnels over UDP, so they must fit in every bit that is fixed: a datagram
//! that does not is an ordinary one. A packet opens one tunnel at a time: [`Layers::carried`] finds
//! it and [`Carried::decode`] reads what it carries, offsets being those of the same frame.
//! Limits: CAPWAP's own fragments are read from the first only.

use crate::decode::{ETHERTYPE_IPV4, ETHERTYPE_IPV6, Extent, follow};
use crate::layers::{Layers, Range32, StopReason, Transport, Udp};
use crate::link::{Next, ppp};
use crate::shim::{self, is_ethernet, is_ip};
use crate::wireless;

/// IP protocol numbers (IANA) of headers that carry packets.
mod protocol {
    pub(super) const IPV4: u8 = 4;
    pub(super) const UDP: u8 = 17;
    pub(super) const IPV6: u8 = 41;
    pub(super) const GRE: u8 = 47;
    pub(super) const ETHER_IP: u8 = 97;
    pub(super) const MPLS: u8 = 137;
}

/// UDP ports (IANA, and those in use before).
mod port {
    pub(super) const GTP_U: u16 = 2152;
    pub(super) const TEREDO: u16 = 3544;
    pub(super) const VXLAN: u16 = 4789;
    pub(super) const VXLAN_GPE: u16 = 4790;
    pub(super) const CAPWAP_CONTROL: u16 = 5246;
    pub(super) const CAPWAP: u16 = 5247;
    pub(super) const GENEVE: u16 = 6081;
    pub(super) const VXLAN_LINUX: u16 = 8472;
    pub(super) const TZSP: u16 = 37008;
}

/// What the EtherType field of GRE and Geneve says besides EtherTypes.
mod carries {
    pub(super) const ETHERNET: u16 = 0x6558;
    pub(super) const PPP: u16 = 0x880b;
    pub(super) const WCCP: u16 = 0x883e;
    pub(super) const ERSPAN: u16 = 0x88be;
    pub(super) const ERSPAN_III: u16 = 0x22eb;
}

/// Kinds of tunnels, named as flows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tunnel {
    /// IPv4 or IPv6, Ethernet or MPLS straight in IP.
    IpInIp,
    /// Generic Routing Encapsulation, with ERSPAN, NVGRE and PPTP.
    Gre,
    /// Virtual eXtensible LAN.
    Vxlan,
    /// Generic Network Virtualization Encapsulation.
    Geneve,
    /// User data of mobile networks.
    GtpU,
    /// Data between access points and their controller.
    Capwap,
    /// What a wireless sniffer sends on.
    Tzsp,
    /// IPv6 through address translation.
    Teredo,
}

impl Tunnel {
    /// The name of the flow that carries.
    pub fn name(self) -> &'static str {
        match self {
            Tunnel::IpInIp => "ip-in-ip",
            Tunnel::Gre => "gre",
            Tunnel::Vxlan => "vxlan",
            Tunnel::Geneve => "geneve",
            Tunnel::GtpU => "gtp-u",
            Tunnel::Capwap => "capwap",
            Tunnel::Tzsp => "tzsp",
            Tunnel::Teredo => "teredo",
        }
    }
}

/// A packet in another one.
#[derive(Clone, Copy, Debug)]
pub struct Carried {
    tunnel: Tunnel,
    next: Next,
    /// See `Segment::overlay`.
    overlay: u32,
    /// Tag that a mirror took off the frame.
    vlan: u16,
    /// Where the carrier's payload ends: in the frame, and by the headers.
    end: usize,
    declared_end: usize,
}

impl Carried {
    /// What carries it.
    pub fn tunnel(&self) -> Tunnel {
        self.tunnel
    }

    /// Why nothing can be read in it, when so.
    pub fn closed(&self) -> Option<StopReason> {
        match self.next {
            Next::Stop(why, _) => Some(why),
            _ => None,
        }
    }

    /// Bytes of the frame in front of it.
    pub fn offset(&self) -> u32 {
        self.next.at() as u32
    }

    /// Reads the inner packet of `frame`, whose `outer` layers carry it. A packet without a link
    /// header of its own stays in the segment of its carrier, whose link addresses say nothing
    /// of it.
    pub fn decode(&self, frame: &[u8], outer: &Layers) -> Layers {
        let mut layers = Layers::new(outer.link);
        let extent = Extent {
            bytes: frame.get(..self.end).unwrap_or(frame),
            declared_end: self.declared_end,
        };
        match self.next {
            Next::EtherType(..) | Next::Ip(_) => {
                layers.vlan = outer.vlan;
                layers.vlan_depth = outer.vlan_depth;
                layers.overlay = match self.overlay {
                    0 => outer.overlay,
                    overlay => overlay,
                };
            }
            _ => layers.overlay = self.overlay,
        }
        follow(&mut layers, extent, self.next);
        if self.vlan != 0 && layers.vlan_depth == 0 {
            layers.vlan = [self.vlan, 0];
            layers.vlan_depth = 1;
        }
        layers
    }
}

/// What an opener finds: the packet in the tunnel, its overlay, the tag that was taken off.
struct Found {
    next: Next,
    overlay: u32,
    vlan: u16,
}

impl From<Next> for Found {
    fn from(next: Next) -> Self {
        Found {
            next,
            overlay: 0,
            vlan: 0,
        }
    }
}

/// A network identifier of 24 bits as the segment counts it.
fn overlay_of(id: [u8; 3]) -> u32 {
    let [a, b, c] = id;
    u32::from_be_bytes([0, a, b, c]) + 1
}

impl Layers {
    /// Whether the headers are those of a carrier, whatever it then holds: also for fragments,
    /// of which the later ones over UDP do not tell.
    pub fn may_carry(&self) -> bool {
        let protocol = self.fragment.map_or(self.ip_protocol, |f| f.protocol);
        match (self.transport, protocol) {
            (Transport::Udp(udp), _) => by_port(&udp).is_some(),
            (_, protocol::UDP) => false,
            (_, number) => may_carry(number),
        }
    }

    /// The packet that this one carries; `None` for all that is no tunnel, and for fragments.
    /// `frame` is the frame that was decoded.
    #[inline]
    pub fn carried(&self, frame: &[u8]) -> Option<Carried> {
        match self.transport {
            Transport::Udp(udp) => self.over_udp(frame, by_port(&udp)?),
            Transport::Other if may_carry(self.ip_protocol) => self.over_ip(frame),
            _ => None,
        }
    }

    fn over_ip(&self, frame: &[u8]) -> Option<Carried> {
        let (extent, at) = self.cargo(frame)?;
        let (tunnel, found) = match self.ip_protocol {
            protocol::IPV4 => (Tunnel::IpInIp, Next::EtherType(ETHERTYPE_IPV4, at).into()),
            protocol::IPV6 => (Tunnel::IpInIp, Next::EtherType(ETHERTYPE_IPV6, at).into()),
            protocol::GRE => (Tunnel::Gre, gre(extent, at)?),
            protocol::ETHER_IP => match extent.chunk::<2>(at)? {
                [0x30, 0] => (Tunnel::IpInIp, Next::Ethernet(at + 2).into()),
                _ => return None,
            },
            _ => (Tunnel::IpInIp, shim::mpls(extent, at).into()),
        };
        Some(carried(tunnel, found, extent))
    }

    fn over_udp(&self, frame: &[u8], tunnel: Tunnel) -> Option<Carried> {
        let (extent, at) = self.cargo(frame)?;
        let found = match tunnel {
            Tunnel::Vxlan => vxlan(extent, at)?,
            Tunnel::Geneve => geneve(extent, at)?,
            Tunnel::GtpU => gtp_u(extent, at)?,
            Tunnel::Capwap => match self.transport {
                Transport::Udp(udp) if is_capwap_control(&udp) => capwap_control(extent, at)?,
                _ => capwap(extent, at)?,
            },
            Tunnel::Tzsp => tzsp(extent, at)?,
            Tunnel::Teredo => teredo(extent, at)?,
            Tunnel::IpInIp | Tunnel::Gre => return None,
        };
        Some(carried(tunnel, found, extent))
    }

    /// The payload as an extent of the frame, and its offset. None in fragments.
    fn cargo<'a>(&self, frame: &'a [u8]) -> Option<(Extent<'a>, usize)> {
        if self.fragment.is_some() {
            return None;
        }
        let Range32 { start, end } = self.payload;
        let extent = Extent {
            bytes: frame.get(..end as usize)?,
            declared_end: start as usize + self.payload_on_wire as usize,
        };
        Some((extent, start as usize))
    }
}

fn carried(tunnel: Tunnel, found: Found, extent: Extent<'_>) -> Carried {
    Carried {
        tunnel,
        next: found.next,
        overlay: found.overlay,
        vlan: found.vlan,
        end: extent.bytes.len(),
        declared_end: extent.declared_end,
    }
}

/// IP protocols that carry packets.
#[inline]
pub(crate) fn may_carry(number: u8) -> bool {
    matches!(
        number,
        protocol::IPV4 | protocol::IPV6 | protocol::GRE | protocol::ETHER_IP | protocol::MPLS
    )
}

/// The tunnel that a datagram's ports stand for.
#[inline]
fn by_port(udp: &Udp) -> Option<Tunnel> {
    by_ports(udp.src_port, udp.dst_port)
}

/// Where senders take any port only the receiver's counts; of the others one side has it.
#[inline]
pub(crate) fn by_ports(src: u16, dst: u16) -> Option<Tunnel> {
    match dst {
        port::VXLAN | port::VXLAN_LINUX | port::VXLAN_GPE => Some(Tunnel::Vxlan),
        port::GENEVE => Some(Tunnel::Geneve),
        port::TZSP => Some(Tunnel::Tzsp),
        port::GTP_U => Some(Tunnel::GtpU),
        port::CAPWAP | port::CAPWAP_CONTROL => Some(Tunnel::Capwap),
        port::TEREDO => Some(Tunnel::Teredo),
        _ => match src {
            port::GTP_U => Some(Tunnel::GtpU),
            port::CAPWAP | port::CAPWAP_CONTROL => Some(Tunnel::Capwap),
            port::TEREDO => Some(Tunnel::Teredo),
            _ => None,
        },
    }
}

/// GRE of version 0 or, for PPTP, 1. `None` when its header is not whole or of another version.
fn gre(extent: Extent<'_>, at: usize) -> Option<Found> {
    const CHECKSUM: u8 = 0x80;
    const ROUTING: u8 = 0x40;
    const KEY: u8 = 0x20;
    const SEQUENCE: u8 = 0x10;
    let &[flags, version, p0, p1] = extent.chunk::<4>(at)?;
    let has = |flag: u8| flags & flag != 0;
    let protocol = u16::from_be_bytes([p0, p1]);
    if version & 0x07 == 1 {
        let has_acknowledgement = version & 0x80 != 0;
        // Without a number it holds no payload (RFC 2637 §4.1).
        if protocol != carries::PPP || !has(KEY) || !has(SEQUENCE) {
            return None;
        }
        let end = at + 12 + if has_acknowledgement { 4 } else { 0 };
        return Some(ppp(extent, end).into());
    }
    if version & 0x07 != 0 || has(ROUTING) {
        return None;
    }
    let key_at = at + if has(CHECKSUM) { 8 } else { 4 };
    let number_at = key_at + if has(KEY) { 4 } else { 0 };
    let end = number_at + if has(SEQUENCE) { 4 } else { 0 };
    Some(match protocol {
        carries::ETHERNET => Found {
            overlay: if has(KEY) && !has(CHECKSUM) && !has(SEQUENCE) {
                virtual_subnet(extent, key_at)
            } else {
                0
            },
            ..Next::Ethernet(end).into()
        },
        carries::ERSPAN if !has(SEQUENCE) => Next::Ethernet(end).into(),
        carries::ERSPAN => erspan_ii(extent, end)?,
        carries::ERSPAN_III => erspan_iii(extent, end)?,
        // Version 2 of WCCP puts a header of its own in front.
        carries::WCCP => match extent.chunk::<1>(end)? {
            [0x40..=0x4f] => Next::Ip(end).into(),
            _ => Next::Ip(end + 4).into(),
        },
        protocol => Next::EtherType(protocol, end).into(),
    })
}

/// NVGRE's subnet in the upper bits of the key. Below and above its range (RFC 7637 §3.3) the key
/// is one of a plain Ethernet tunnel, whose two directions may have different ones.
fn virtual_subnet(extent: Extent<'_>, at: usize) -> u32 {
    match extent.chunk::<4>(at) {
        Some(&[a, b, c, _]) => match u32::from_be_bytes([0, a, b, c]) {
            0x1000..=0xff_fffe => overlay_of([a, b, c]),
            _ => 0,
        },
        None => 0,
    }
}

/// Type II: version 1, the tag that the mirror took off when it says so.
fn erspan_ii(extent: Extent<'_>, at: usize) -> Option<Found> {
    let &[v0, v1, flags, ..] = extent.chunk::<8>(at)?;
    let vlan = u16::from_be_bytes([v0, v1]);
    // Encapsulation of the frame as received: 2 is IEEE 802.1Q.
    let untagged = flags & 0x18 == 0x10;
    (vlan >> 12 == 1).then(|| Found {
        vlan: if untagged { vlan & 0x0fff } else { 0 },
        ..Next::Ethernet(at + 8).into()
    })
}

/// Type III: version 2, maybe a platform's header, Ethernet or IP.
fn erspan_iii(extent: Extent<'_>, at: usize) -> Option<Found> {
    let header = extent.chunk::<12>(at)?;
    let vlan = u16::from_be_bytes([header[0], header[1]]);
    if vlan >> 12 != 2 {
        return None;
    }
    let end = at + if header[11] & 1 == 0 { 12 } else { 20 };
    let next = match header[10] >> 2 & 0x1f {
        0 => Next::Ethernet(end),
        2 => Next::Ip(end),
        _ => Next::Stop(StopReason::EtherType, end),
    };
    Some(Found {
        vlan: vlan & 0x0fff,
        ..next.into()
    })
}

/// VXLAN with a network identifier, with Microsoft's and Linux' group policy, and GPE.
fn vxlan(extent: Extent<'_>, at: usize) -> Option<Found> {
    let &[flags, f1, f2, f3, a, b, c, 0] = extent.chunk::<8>(at)? else {
        return None;
    };
    let end = at + 8;
    let next = match (flags, f1, f2, f3) {
        (0x08, 0, 0, 0) | (0x88, 0 | 0x08 | 0x40 | 0x48, _, _) => Next::Ethernet(end),
        (0x0c, 0, 0, 1) => Next::EtherType(ETHERTYPE_IPV4, end),
        (0x0c, 0, 0, 2) => Next::EtherType(ETHERTYPE_IPV6, end),
        (0x0c, 0, 0, 3) => Next::Ethernet(end),
        _ => return None,
    };
    fits(extent, next).then(|| Found {
        overlay: overlay_of([a, b, c]),
        ..next.into()
    })
}

fn geneve(extent: Extent<'_>, at: usize) -> Option<Found> {
    let &[options, flags, p0, p1, a, b, c, 0] = extent.chunk::<8>(at)? else {
        return None;
    };
    // Version 0; of the flags two are in use.
    if options & 0xc0 != 0 || flags & 0x3f != 0 {
        return None;
    }
    let end = at + 8 + usize::from(options) * 4;
    let next = match u16::from_be_bytes([p0, p1]) {
        carries::ETHERNET => Next::Ethernet(end),
        protocol @ (ETHERTYPE_IPV4 | ETHERTYPE_IPV6) => Next::EtherType(protocol, end),
        _ => return None,
    };
    fits(extent, next).then(|| Found {
        overlay: overlay_of([a, b, c]),
        ..next.into()
    })
}

/// User data (message 255) of version 1, behind extension headers.
fn gtp_u(extent: Extent<'_>, at: usize) -> Option<Found> {
    const EXTENSIONS_MAX: usize = 8;
    let &[flags, 255, l0, l1, ..] = extent.chunk::<8>(at)? else {
        return None;
    };
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    if flags & 0xf8 != 0x30 || at + 8 + length != extent.declared_end {
        return None;
    }
    let mut end = at + 8;
    if flags & 0x07 != 0 {
        end += 4;
        let mut kind = extent.chunk::<4>(at + 8)?[3];
        if flags & 0x04 == 0 {
            kind = 0;
        }
        for _ in 0..EXTENSIONS_MAX {
            if kind == 0 {
                break;
            }
            let &[units] = extent.chunk::<1>(end)?;
            if units == 0 {
                return None;
            }
            end += usize::from(units) * 4;
            kind = *extent.bytes.get(end - 1)?;
        }
        if kind != 0 {
            return None;
        }
    }
    let next = Next::Ip(end);
    fits(extent, next).then(|| next.into())
}

fn is_capwap_control(udp: &Udp) -> bool {
    [udp.src_port, udp.dst_port].contains(&port::CAPWAP_CONTROL)
}

/// The control channel between access point and controller: it carries no packets. A message in
/// clear (discovery is) counts its own length; all else is enciphered.
fn capwap_control(extent: Extent<'_>, at: usize) -> Option<Found> {
    /// Of the last message that IANA lists.
    const LAST: u32 = 26;
    let &[preamble, b1, ..] = extent.chunk::<8>(at)?;
    let end = match preamble {
        1 => capwap_enciphered(extent, at).then_some(at + 4)?,
        0 => {
            let end = at + usize::from(b1 >> 3) * 4;
            let &[k0, k1, k2, k3, _, l0, l1, 0] = extent.chunk::<8>(end)? else {
                return None;
            };
            let kind = u32::from_be_bytes([k0, k1, k2, k3]);
            let length = usize::from(u16::from_be_bytes([l0, l1]));
            // It counts from behind the sequence number.
            let fits = (1..=LAST).contains(&kind) && end + 5 + length == extent.declared_end;
            (fits && end >= at + 8).then_some(end)?
        }
        _ => return None,
    };
    Some(Next::Stop(StopReason::LinkOwn, end).into())
}

/// Whether DTLS follows: records of its four types.
fn capwap_enciphered(extent: Extent<'_>, at: usize) -> bool {
    matches!(
        extent.chunk::<7>(at),
        Some([1, 0, 0, 0, 20..=23, 0xfe | 0x01, 0xff | 0xfd | 0x00])
    )
}

/// The data channel between access point and controller.
fn capwap(extent: Extent<'_>, at: usize) -> Option<Found> {
    let &[preamble, b1, b2, b3, _, _, o0, o1] = extent.chunk::<8>(at)?;
    if preamble == 1 {
        let is_enciphered = capwap_enciphered(extent, at);
        return is_enciphered.then(|| Next::Stop(StopReason::Encrypted, at + 4).into());
    }
    let end = at + usize::from(b1 >> 3) * 4;
    let (binding, native) = (b2 >> 1 & 0x1f, b2 & 1 != 0);
    let (is_fragment, keep_alive) = (b3 & 0x80 != 0, b3 & 0x08 != 0);
    let offset = u16::from_be_bytes([o0, o1]);
    // Bits that are reserved, and those that count in fragments only.
    let stray = b3 & 0x07 != 0 || offset & 0x07 != 0 || (!is_fragment && offset != 0);
    if preamble != 0 || stray || end < at + 8 || end > extent.bytes.len() {
        return None;
    }
    if keep_alive {
        // The length of what follows, and the session's identifier (RFC 5415 §4.4.1, §4.6.37).
        let &[l0, l1, 0, 35, 0, 16] = extent.chunk::<6>(end)? else {
            return None;
        };
        // Of all that follows the header; some leave the field itself out.
        let stated = usize::from(u16::from_be_bytes([l0, l1]));
        let follows = extent.declared_end - end;
        return (stated == follows || stated + 2 == follows)
            .then(|| Next::Stop(StopReason::LinkOwn, end).into());
    }
    if !matches!((native, binding), (true, 1) | (false, 0 | 1)) {
        return None;
    }
    if offset != 0 {
        return Some(Next::Stop(StopReason::LinkFragment, end).into());
    }
    match (native, binding) {
        // IEEE 802.11.
        (true, 1) => wireless::carried(extent, end).map(Into::into),
        (false, 0 | 1) => {
            let next = Next::Ethernet(end);
            fits(extent, next).then(|| next.into())
        }
        _ => None,
    }
}

/// TaZmen Sniffer Protocol: a frame behind fields of type and length.
fn tzsp(extent: Extent<'_>, at: usize) -> Option<Found> {
    const FIELDS_MAX: usize = 32;
    let &[1, 0 | 1, p0, p1] = extent.chunk::<4>(at)? else {
        return None;
    };
    let mut field = at + 4;
    for _ in 0..FIELDS_MAX {
        match *extent.chunk::<1>(field)? {
            // Padding, and the end.
            [0] => field += 1,
            [1] => {
                let end = field + 1;
                let next = match u16::from_be_bytes([p0, p1]) {
                    1 => Next::Ethernet(end),
                    18 => return wireless::carried(extent, end).map(Into::into),
                    _ => return None,
                };
                return fits(extent, next).then(|| next.into());
            }
            _ => {
                let &[_, len] = extent.chunk::<2>(field)?;
                field += 2 + usize::from(len);
            }
        }
    }
    None
}

/// IPv6 behind indications of authentication and origin; one of the addresses is of Teredo, or of
/// the link.
fn teredo(extent: Extent<'_>, at: usize) -> Option<Found> {
    let mut start = at;
    if let &[0, 1, client, value] = extent.chunk::<4>(start)? {
        start += 13 + usize::from(client) + usize::from(value);
    }
    if let [0, 0] = extent.chunk::<2>(start)? {
        start += 8;
    }
    let header = extent.chunk::<40>(start)?;
    let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
    let is_teredo = |address: &[u8]| {
        address.starts_with(&[0x20, 0x01, 0, 0]) || address.starts_with(&[0xfe, 0x80, 0, 0])
    };
    let (_, addresses) = header.split_at(8);
    let (src, dst) = addresses.split_at(16);
    // Trailers may follow.
    let fits = header[0] >> 4 == 6
        && start + 40 + length <= extent.declared_end
        && (is_teredo(src) || is_teredo(dst));
    fits.then(|| Next::EtherType(ETHERTYPE_IPV6, start).into())
}

/// What begins there can be what it is said to be.
fn fits(extent: Extent<'_>, next: Next) -> bool {
    match next {
        Next::Ethernet(at) => is_ethernet(extent, at),
        Next::Ip(at) | Next::EtherType(_, at) => is_ip(extent, at),
        _ => false,
    }
}
