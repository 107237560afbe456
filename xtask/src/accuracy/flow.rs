//! Conversations, as three programs name them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// A conversation: transport by IANA's keyword and both ends, the lower one first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) transport: String,
    pub(super) ends: [(IpAddr, u16); 2],
}

impl Key {
    /// Ports count only where the transport has them.
    pub(super) fn new(transport: &str, a: (IpAddr, u16), b: (IpAddr, u16)) -> Self {
        let transport = transport.to_ascii_lowercase();
        let transport = match transport.as_str() {
            "2" => "igmp",
            "47" => "gre",
            "50" => "esp",
            "51" => "ah",
            keyword => keyword,
        }
        .to_owned();
        let mut ends = [a, b];
        if !matches!(transport.as_str(), "tcp" | "udp" | "sctp") {
            ends.iter_mut().for_each(|end| end.1 = 0);
        }
        ends.sort_unstable();
        Key { transport, ends }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [(a, ap), (b, bp)] = self.ends;
        match (ap, bp) {
            (0, 0) => write!(f, "{} {a} {b}", self.transport),
            _ => write!(f, "{} {a}#{ap} {b}#{bp}", self.transport),
        }
    }
}

/// What one program says: names of ours that agree, a list for each thing it says.
pub(super) type Said = BTreeMap<Key, Vec<&'static [&'static str]>>;

/// What Auscult says.
pub(super) type Ours = BTreeMap<Key, BTreeSet<String>>;

/// One capture, seen by three.
pub(super) struct Seen {
    pub(super) capture: String,
    pub(super) ours: Ours,
    pub(super) ndpi: Said,
    pub(super) tshark: Said,
    /// Conversations of which tshark finds every frame malformed.
    pub(super) damaged: BTreeSet<Key>,
}
