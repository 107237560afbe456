//! Where bytes came from: file, packet number, link type.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Index of an input file in the order in which the inputs were given (folders sorted by name).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct FileIndex(pub u32);

/// A packet, named for ever by its file and its number in that file.
///
/// Numbers start at 1 and agree with Wireshark's frame numbers.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct PacketRef {
    /// The input file.
    pub file: FileIndex,
    /// Wireshark's frame number in that file.
    pub number: u64,
}

impl fmt::Display for PacketRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.file.0, self.number)
    }
}

/// A link-layer header type, by its LINKTYPE_ number in capture files
/// (<https://www.tcpdump.org/linktypes.html>).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback: an address family in the byte order of the capturing machine.
    pub const NULL: LinkType = LinkType(0);
    /// Ethernet (IEEE 802.3).
    pub const ETHERNET: LinkType = LinkType(1);
    /// Token ring (IEEE 802.5).
    pub const TOKEN_RING: LinkType = LinkType(6);
    /// SLIP behind a header of direction and compression.
    pub const SLIP: LinkType = LinkType(8);
    /// PPP, with or without address and control.
    pub const PPP: LinkType = LinkType(9);
    /// FDDI.
    pub const FDDI: LinkType = LinkType(10);
    /// Raw IP, the value that some platforms write for DLT_RAW.
    pub const RAW_BSD: LinkType = LinkType(12);
    /// Raw IP as OpenBSD numbers it.
    pub const RAW_OPENBSD: LinkType = LinkType(14);
    /// PPP in HDLC framing, or Cisco HDLC.
    pub const PPP_HDLC: LinkType = LinkType(50);
    /// PPP over Ethernet without its Ethernet header.
    pub const PPP_ETHER: LinkType = LinkType(51);
    /// What ATM carries, with an IEEE 802.2 header.
    pub const ATM_RFC1483: LinkType = LinkType(100);
    /// Raw IP: the packet begins with an IPv4 or IPv6 header.
    pub const RAW: LinkType = LinkType(101);
    /// Cisco HDLC.
    pub const C_HDLC: LinkType = LinkType(104);
    /// Wireless LAN.
    pub const IEEE802_11: LinkType = LinkType(105);
    /// Frame relay.
    pub const FRELAY: LinkType = LinkType(107);
    /// OpenBSD loopback: an address family in network byte order.
    pub const LOOP: LinkType = LinkType(108);
    /// OpenBSD: packets of IPsec as the system sees them.
    pub const ENC: LinkType = LinkType(109);
    /// Linux "cooked" capture, version 1 (`-i any`).
    pub const LINUX_SLL: LinkType = LinkType(113);
    /// Log of the firewall pf.
    pub const PFLOG: LinkType = LinkType(117);
    /// Wireless LAN behind a header of Prism cards, or AVS.
    pub const IEEE802_11_PRISM: LinkType = LinkType(119);
    /// IP over Fibre Channel (RFC 2625).
    pub const IP_OVER_FC: LinkType = LinkType(122);
    /// Wireless LAN behind a radiotap header.
    pub const IEEE802_11_RADIOTAP: LinkType = LinkType(127);
    /// For private use; macOS wrote PKTAP under this number.
    pub const USER2: LinkType = LinkType(149);
    /// Wireless LAN behind an AVS header.
    pub const IEEE802_11_AVS: LinkType = LinkType(163);
    /// PPP as pppd logs it: a direction in place of the address.
    pub const PPP_PPPD: LinkType = LinkType(166);
    /// A header of per-packet information, usually in front of wireless LAN.
    pub const PPI: LinkType = LinkType(192);
    /// PPP behind a direction.
    pub const PPP_WITH_DIR: LinkType = LinkType(204);
    /// Cisco HDLC behind a direction.
    pub const C_HDLC_WITH_DIR: LinkType = LinkType(205);
    /// Frame relay behind a direction.
    pub const FRELAY_WITH_DIR: LinkType = LinkType(206);
    /// Solaris: packets between zones.
    pub const IPNET: LinkType = LinkType(226);
    /// Raw IPv4.
    pub const IPV4: LinkType = LinkType(228);
    /// Raw IPv6.
    pub const IPV6: LinkType = LinkType(229);
    /// Log of Linux's netfilter.
    pub const NFLOG: LinkType = LinkType(239);
    /// macOS: packets with interface and process.
    pub const PKTAP: LinkType = LinkType(258);
    /// Ethernet with its preamble (IEEE 802.3br).
    pub const ETHERNET_MPACKET: LinkType = LinkType(274);
    /// Linux "cooked" capture, version 2.
    pub const LINUX_SLL2: LinkType = LinkType(276);

    /// A link that has no number in the registry.
    pub const UNKNOWN: LinkType = LinkType(u16::MAX);

    /// The name in the registry of link types, without `LINKTYPE_`; `None` when not a usual one.
    pub fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "NULL",
            1 => "ETHERNET",
            3 => "AX25",
            6 => "TOKEN_RING",
            7 => "ARCNET_BSD",
            8 => "SLIP",
            9 => "PPP",
            10 => "FDDI",
            50 => "PPP_HDLC",
            51 => "PPP_ETHER",
            100 => "ATM_RFC1483",
            12 | 14 | 101 => "RAW",
            104 => "C_HDLC",
            105 => "IEEE802_11",
            107 => "FRELAY",
            108 => "LOOP",
            109 => "ENC",
            113 => "LINUX_SLL",
            117 => "PFLOG",
            119 => "IEEE802_11_PRISM",
            122 => "IP_OVER_FC",
            123 => "SUNATM",
            127 => "IEEE802_11_RADIOTAP",
            129 => "ARCNET_LINUX",
            143 => "DOCSIS",
            149 => "USER2",
            163 => "IEEE802_11_AVS",
            166 => "PPP_PPPD",
            187 => "BLUETOOTH_HCI_H4",
            189 => "USB_LINUX",
            192 => "PPI",
            195 => "IEEE802_15_4_WITHFCS",
            197 => "ERF",
            201 => "BLUETOOTH_HCI_H4_WITH_PHDR",
            204 => "PPP_WITH_DIR",
            205 => "C_HDLC_WITH_DIR",
            206 => "FRELAY_WITH_DIR",
            220 => "USB_LINUX_MMAPPED",
            226 => "IPNET",
            227 => "CAN_SOCKETCAN",
            228 => "IPV4",
            229 => "IPV6",
            230 => "IEEE802_15_4_NOFCS",
            231 => "DBUS",
            239 => "NFLOG",
            249 => "USBPCAP",
            251 => "BLUETOOTH_LE_LL",
            252 => "WIRESHARK_UPPER_PDU",
            253 => "NETLINK",
            256 => "BLUETOOTH_LE_LL_WITH_PHDR",
            258 => "PKTAP",
            271 => "VSOCK",
            274 => "ETHERNET_MPACKET",
            276 => "LINUX_SLL2",
            283 => "IEEE802_15_4_TAP",
            u16::MAX => "UNKNOWN",
            _ => return None,
        })
    }
}

impl fmt::Display for LinkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}
