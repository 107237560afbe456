//! Headers that no stack sends: marks of flaws in small network stacks being tried.
//!
//! Sources: RFC 791 §3.1 (options of IPv4), RFC 9293 §3.1 and RFC 6093 (options and the urgent
//! pointer of TCP); CISA ICSMA-19-274-01 on which of them harm. Each packet stands for itself.
//! Limits: options of TCP are looked at in openings alone; options behind the captured bytes are
//! not judged.

use auscult_model::Transport as Carrier;
use auscult_packet::{Layers, Network, Tcp, Transport};

use crate::{Record, Tier};

/// What is known of IPv4's own header.
pub static IPV4: Record = Record {
    name: "ipv4",
    title: "Internet Protocol, options that no stack sends",
    tier: Tier::Decoded,
    transports: &[],
    ports: &[],
    weak: false,
    sources: &["RFC 791", "CISA ICSMA-19-274-01"],
    reads: &[
        "source routes that break their own form, options of impossible length",
        "group messages (IGMP) in fragments",
    ],
    leaves_out: "Options in good order.",
    attributes: &[],
    bounds: &[],
    false_likely: "none: named by the header",
};

/// What is known of TCP's own header.
pub static TCP: Record = Record {
    name: "tcp",
    title: "Transmission Control Protocol, headers that no stack sends",
    tier: Tier::Decoded,
    transports: &[Carrier::Tcp],
    ports: &[],
    weak: false,
    sources: &["RFC 9293", "RFC 6093", "CISA ICSMA-19-274-01"],
    reads: &[
        "urgent pointers to nowhere: of zero, or beyond the data that they come with",
        "openings with options of impossible length",
    ],
    leaves_out: "What urgent data mean.",
    attributes: &[],
    bounds: &[],
    false_likely: "none: named by the IP header",
};

/// An urgent pointer of zero: urgent data that ended before they began.
pub const URGENT_ZERO: &str = "urgent pointer of zero";
/// An urgent pointer beyond the data of its segment.
pub const URGENT_BEYOND: &str = "urgent pointer beyond the data";
/// An option of an opening whose length cannot be.
pub const TCP_OPTION: &str = "TCP option of impossible length";
/// An option of IPv4 whose length cannot be.
pub const IP_OPTION: &str = "IP option of impossible length";
/// A source route that breaks its own form.
pub const SOURCE_ROUTE: &str = "broken source route";

/// A message about groups, of some dozens of bytes, that came in fragments.
pub const GROUP_MESSAGE: &str = "group message in fragments";
/// The protocol of such messages.
pub const IGMP: u8 = 2;

/// Length of both headers without options.
const PLAIN: u32 = 20;

/// Whether [`said`] could say something: true of openings, and of few packets besides.
#[inline]
pub fn are_possible(layers: &Layers) -> bool {
    let is_marked = match &layers.transport {
        Transport::Tcp(tcp) => tcp.flags.any(URGENT_OR_OPENING),
        _ => false,
    };
    is_marked
        || (layers.network == Network::Ipv4 && layers.ip_payload.start != layers.ip_start + PLAIN)
}

const URGENT_OR_OPENING: u16 = auscult_packet::TcpFlags::URG | auscult_packet::TcpFlags::SYN;

/// What is odd about the headers, and which protocol's they are. `frame` is the frame that was
/// decoded into `layers`.
#[cold]
pub fn said(layers: &Layers, frame: &[u8]) -> Option<(&'static str, &'static str)> {
    if let Transport::Tcp(tcp) = &layers.transport
        && let Some(what) = urgent(tcp, layers.payload_on_wire).or_else(|| {
            let header = layers.ip_payload.of(frame);
            let options = header.get(PLAIN as usize..usize::from(tcp.header_len));
            first_wrong(options.filter(|_| tcp.flags.syn())?, TCP_OPTION, |_| None)
        })
    {
        return Some((TCP.name, what));
    }
    if layers.network != Network::Ipv4 {
        return None;
    }
    let header = frame.get(layers.ip_start as usize..)?;
    let length = usize::from(header.first()? & 0x0f) * 4;
    let mut routes = 0;
    let what = first_wrong(header.get(PLAIN as usize..length)?, IP_OPTION, |option| {
        routes += u8::from(matches!(option, [131 | 137, ..]));
        match option {
            // At most one, of whole addresses, with a pointer to one of them or just behind.
            [131 | 137, _, pointer, route @ ..]
                if *pointer >= 4 && pointer % 4 == 0 && route.len() % 4 == 0 && routes == 1 =>
            {
                None
            }
            [131 | 137, ..] => Some(SOURCE_ROUTE),
            _ => None,
        }
    });
    what.map(|what| (IPV4.name, what))
}

/// Xmas scans (no ACK) are told as scans.
fn urgent(tcp: &Tcp, payload: u32) -> Option<&'static str> {
    let flags = tcp.flags;
    if !flags.urg() || !flags.ack() || flags.syn() || flags.rst() {
        return None;
    }
    match u32::from(tcp.urgent) {
        0 => Some(URGENT_ZERO),
        pointer if payload > 0 && pointer > payload => Some(URGENT_BEYOND),
        _ => None,
    }
}

/// What is wrong with the first option that is: `impossible` of its length, or what `judge` says.
/// Options of IPv4 and TCP have one form: 0 ends them, 1 fills, others are kind, length of the
/// whole, data.
fn first_wrong(
    mut options: &[u8],
    impossible: &'static str,
    mut judge: impl FnMut(&[u8]) -> Option<&'static str>,
) -> Option<&'static str> {
    loop {
        let length = match *options {
            [] | [0, ..] => return None,
            [1, ref rest @ ..] => {
                options = rest;
                continue;
            }
            [_] => return Some(impossible),
            [_, length, ..] => usize::from(length),
        };
        match options.split_at_checked(length) {
            Some((option, rest)) if length >= 2 => {
                if let Some(what) = judge(option) {
                    return Some(what);
                }
                options = rest;
            }
            _ => return Some(impossible),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auscult_model::LinkType;
    use auscult_packet::decode;

    /// IPv4 with `ip` as options, TCP with `tcp` as options and these flags and urgent pointer.
    fn packet(ip: &[u8], tcp: &[u8], (flags, urgent): (u8, u16), payload: usize) -> Vec<u8> {
        let header = |options: &[u8]| (20 + options.len().next_multiple_of(4)) as u8;
        let total = u16::from(header(ip)) + u16::from(header(tcp)) + payload as u16;
        let mut bytes = vec![0x40 | (header(ip) / 4), 0];
        bytes.extend(total.to_be_bytes());
        bytes.extend([0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        bytes.extend(ip);
        bytes.resize(usize::from(header(ip)), 0);
        bytes.extend([0x9c, 0x40, 0, 23, 0, 0, 0, 1, 0, 0, 0, 1]);
        bytes.extend([(header(tcp) / 4) << 4, flags, 0x10, 0, 0, 0]);
        bytes.extend(urgent.to_be_bytes());
        bytes.extend(tcp);
        bytes.resize(usize::from(total), 0);
        bytes
    }

    fn odd(packet: &[u8]) -> Option<&'static str> {
        let layers = decode(LinkType::RAW, packet, packet.len() as u32);
        let said = are_possible(&layers).then(|| said(&layers, packet));
        said.flatten().map(|(_, what)| what)
    }

    const SYN: (u8, u16) = (0x02, 0);
    const ACK: (u8, u16) = (0x18, 0);

    #[test]
    fn urgent_up_to_nowhere() {
        assert_eq!(odd(&packet(&[], &[], (0x38, 0), 40)), Some(URGENT_ZERO));
        assert_eq!(odd(&packet(&[], &[], (0x30, 0), 0)), Some(URGENT_ZERO));
        assert_eq!(odd(&packet(&[], &[], (0x38, 41), 40)), Some(URGENT_BEYOND));
        let stamps = [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2];
        assert_eq!(odd(&packet(&[], &stamps, (0x38, 0), 4)), Some(URGENT_ZERO));
    }

    #[test]
    fn near_miss_urgent_as_it_is_meant() {
        for pointer in [1, 39, 40] {
            assert_eq!(odd(&packet(&[], &[], (0x38, pointer), 40)), None);
        }
        // An announcement ahead of its data; a pointer that does not count; a Christmas tree.
        assert_eq!(odd(&packet(&[], &[], (0x30, 9), 0)), None);
        assert_eq!(odd(&packet(&[], &[], (0x18, 900), 40)), None);
        assert_eq!(odd(&packet(&[], &[], (0x29, 0), 0)), None);
    }

    #[test]
    fn options_that_cannot_be() {
        for options in [
            &[2, 0, 5, 180][..],
            &[1, 2, 1, 1],
            &[8, 40, 0, 0],
            &[1, 1, 1, 8],
        ] {
            assert_eq!(
                odd(&packet(&[], options, SYN, 0)),
                Some(TCP_OPTION),
                "{options:?}"
            );
        }
        let usual = [
            2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7,
        ];
        assert_eq!(odd(&packet(&[], &usual, SYN, 0)), None);
        assert_eq!(odd(&packet(&[], &[2, 0, 0, 0], ACK, 0)), None, "no opening");
    }

    #[test]
    fn source_routes_that_break_their_form() {
        let route = [131, 7, 4, 10, 0, 0, 9, 0];
        assert_eq!(odd(&packet(&route, &[], ACK, 0)), None);
        let done = [137, 7, 8, 10, 0, 0, 9, 0];
        assert_eq!(odd(&packet(&done, &[], ACK, 0)), None);
        let no_pointer = [131, 7, 0, 10, 0, 0, 9, 0];
        assert_eq!(odd(&packet(&no_pointer, &[], ACK, 0)), Some(SOURCE_ROUTE));
        let half = [137, 6, 4, 10, 0, 0, 0, 0];
        assert_eq!(odd(&packet(&half, &[], ACK, 0)), Some(SOURCE_ROUTE));
        let twice = [131, 3, 4, 131, 3, 4, 0, 0];
        assert_eq!(odd(&packet(&twice, &[], ACK, 0)), Some(SOURCE_ROUTE));
        let long = [131, 39, 4, 10, 0, 0, 9, 0];
        assert_eq!(odd(&packet(&long, &[], ACK, 0)), Some(IP_OPTION));
        assert_eq!(odd(&packet(&[7, 1, 4, 0], &[], ACK, 0)), Some(IP_OPTION));
        let alert = [0x94, 4, 0, 0];
        assert_eq!(odd(&packet(&alert, &[], ACK, 0)), None);
    }

    #[test]
    fn bytes_that_were_not_captured_are_not_judged() {
        let whole = packet(&[], &[8, 10, 0, 0, 0, 1, 0, 0, 0, 0], SYN, 0);
        let cut = &whole[..44];
        let layers = decode(LinkType::RAW, cut, whole.len() as u32);
        assert_eq!(said(&layers, cut), None);
    }
}
