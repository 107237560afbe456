//! Tunnels and proxies: ways to other networks.

pub mod ike;
pub mod ipsec;
pub mod openvpn;
pub mod socks;
pub mod wireguard;
