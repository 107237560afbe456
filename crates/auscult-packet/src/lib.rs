//! Bytes to layers: one pass over a frame without allocation, and whole datagrams from fragments.
//!
//! [`decode`] reads link, network and transport headers of one frame into [`Layers`], a plain
//! value of numbers and offsets. It never fails as a whole: what cannot be read ends in a
//! [`Stop`] that says why and where, and everything before it stays valid. Checksums are not
//! verified, since captures taken on a sending machine (checksum offload) hold wrong ones.
//!
//! [`dispatch`] finds the pair of addresses that a packet belongs to with less work than
//! decoding, so that packets can be spread over shards; [`Defragmenter`] joins IP fragments
//! under limits.
//!
//! [`Layers::carried`] opens tunnels, one at a time: [`decode`] reads the outermost packet.

mod bounds;
pub mod checksum;
mod decode;
mod defragment;
mod dispatch;
mod icmp;
mod layers;
mod link;
mod reassembled;
mod shim;
mod transport;
mod tunnel;
mod wireless;

pub use bounds::{ALL as BOUNDS, EXTENSIONS, LABELS, SHIMS, TAGS, TUNNELS};
pub use decode::{decode, decode_into, decode_ip, decode_part_into};
pub use defragment::{Counters, Defragmenter, Limits, Outcome, Refusal};
pub use dispatch::{Dispatch, dispatch, dispatch_key, dispatch_layers, dispatch_part, shard_of};
pub use icmp::{NeighbourDiscovery, NeighbourMessage, PREFIXES_MAX, Quoted};
pub use layers::{
    Arp, Fragment, Icmp, Layers, Network, Range32, Sctp, Stop, StopReason, Tcp, TcpFlags,
    Transport, Udp,
};
pub use reassembled::{Datagram, Part};
pub use tunnel::{Carried, Tunnel};
pub use wireless::{further_parts, is_wireless};
