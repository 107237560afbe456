//! Encoders of the layers below the applications: Ethernet, ARP, IPv4, ICMP, UDP, TCP.
//!
//! Sources: IEEE 802.3 and 802.1Q, RFC 791, 792, 768, 826, 9293, 7323. IPv4 only.

pub mod arp;
pub mod checksum;
pub mod edit;
pub mod ethernet;
pub mod icmp;
pub mod ip;
pub mod tcp;
pub mod udp;
pub mod view;
