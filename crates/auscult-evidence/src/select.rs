//! Which packets show a finding: those that its evidence names, and what leads up to them.
//!
//! Two passes over the captures: the first learns to which conversations the named packets belong,
//! the second keeps them with as much around them as a [`Level`] allows. Limits: [`OPENING`]
//! packets of a connection's beginning, [`FOLLOWED`] of a whole one, [`SELECTED`] packets and
//! [`SELECTED_BYTES`] altogether; what finds no room is counted.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use auscult_model::{Bound, LinkType, PacketRef};
use auscult_packet::{Layers, Network, Transport};

use crate::bounds::{FOLLOWED, OPENING, SELECTED, SELECTED_BYTES};
use crate::frame::{Frame, Taken, stack};

/// Packets behind a named one that still belong to it: the answer and its acknowledgement.
const BEHIND: u8 = 8;

/// Ports of DHCP and DHCPv6 (the lower of the two).
const DHCP: [u16; 4] = [67, 68, 546, 547];

/// How much around the named packets is kept, from little to much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The named packets.
    Named,
    /// The openings of their connections.
    Opening,
    /// Their connections up to them, and a little behind.
    Connection,
    /// All between the finding's devices and its peer.
    Pair,
    /// All of the finding's devices, and how addresses were resolved and given.
    Device,
}

impl Level {
    /// All of them, from little to much.
    pub const ALL: [Level; 5] = [
        Level::Named,
        Level::Opening,
        Level::Connection,
        Level::Pair,
        Level::Device,
    ];

    /// In words, as comments and manifests have it.
    pub fn word(self) -> &'static str {
        match self {
            Level::Named => "named by the finding",
            Level::Opening => "opening of a connection",
            Level::Connection => "of the same connection",
            Level::Pair => "of the same two hosts",
            Level::Device => "of the same device",
        }
    }
}

/// Both ends of a conversation in a fixed order, and what carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Key {
    ends: [(IpAddr, u16); 2],
    protocol: u8,
}

/// Fragments of one datagram.
type Datagram = (IpAddr, IpAddr, u32, u8);

/// A kept packet.
#[derive(Clone, Debug)]
pub struct Selected {
    /// The packet.
    pub frame: Frame,
    /// Why it is there.
    pub level: Level,
}

/// A conversation that a named packet belongs to.
#[derive(Default)]
struct Conversation {
    /// Packets since its beginning, until a named one says that they are wanted.
    since: Vec<(Frame, u64, Level)>,
    /// Packets since its beginning.
    count: u64,
    /// Packets that are still taken behind a named one.
    behind: u8,
}

/// What the finding is about, by addresses.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// Addresses of its devices.
    pub devices: BTreeSet<IpAddr>,
    /// Link-layer addresses of its devices.
    pub macs: BTreeSet<[u8; 6]>,
    /// The other side.
    pub peers: BTreeSet<IpAddr>,
}

/// Finds packets.
pub struct Selector {
    named: BTreeSet<PacketRef>,
    subject: Subject,
    most: Level,
    conversations: HashMap<Key, Conversation>,
    datagrams: BTreeSet<Datagram>,
    /// By place in the order of the analysis.
    kept: BTreeMap<u64, Selected>,
    place: u64,
    bytes: usize,
    dropped: u64,
    reached: BTreeSet<&'static str>,
}

impl Selector {
    /// Looks for `named` packets with at most so much around them.
    pub fn new(named: BTreeSet<PacketRef>, subject: Subject, most: Level) -> Self {
        Selector {
            named,
            subject,
            most,
            conversations: HashMap::new(),
            datagrams: BTreeSet::new(),
            kept: BTreeMap::new(),
            place: 0,
            bytes: 0,
            dropped: 0,
            reached: BTreeSet::new(),
        }
    }

    /// Whether the first pass wants this packet, told by its name alone.
    pub fn is_named(&self, packet: PacketRef) -> bool {
        self.named.contains(&packet)
    }

    /// First pass: learns to which conversation a named packet belongs.
    pub fn locate(&mut self, link: LinkType, data: &[u8], original: u32) {
        for layers in stack(link, data, original) {
            if let Some(key) = key(&layers) {
                self.conversations.entry(key).or_default();
            }
            self.datagrams.extend(datagram(&layers));
        }
    }

    /// Second pass: takes every packet, in the order of the analysis.
    pub fn offer(&mut self, frame: &Taken<'_>) {
        self.place += 1;
        let layers = stack(frame.link, frame.data, frame.original);
        let is_named = self.named.contains(&frame.packet);
        let is_piece = layers
            .iter()
            .filter_map(datagram)
            .any(|of| self.datagrams.contains(&of));
        if is_named || is_piece {
            self.keep(frame.to_frame(), self.place, Level::Named);
        }
        for layers in &layers {
            if let Some(key) = key(layers) {
                self.follow(key, layers, frame, is_named);
            }
        }
        if self.most >= Level::Pair
            && let Some(level) = self.about(&layers)
        {
            self.keep(frame.to_frame(), self.place, level);
        }
    }

    /// Notes a packet of a conversation that a named packet belongs to.
    fn follow(&mut self, key: Key, layers: &Layers, frame: &Taken<'_>, is_named: bool) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        if let Transport::Tcp(tcp) = layers.transport
            && tcp.flags.syn()
            && !tcp.flags.ack()
        {
            conversation.since.clear();
            conversation.count = 0;
        }
        let level = match conversation.count < OPENING.default {
            true => Level::Opening,
            false => Level::Connection,
        };
        conversation.count += 1;
        if level <= self.most && (conversation.since.len() as u64) < FOLLOWED.default {
            conversation
                .since
                .push((frame.to_frame(), self.place, level));
        } else if level <= self.most {
            self.reached.insert(FOLLOWED.name);
        }
        if is_named {
            conversation.behind = BEHIND;
            for (frame, place, level) in std::mem::take(&mut conversation.since) {
                self.keep(frame, place, level);
            }
        } else if conversation.behind > 0 {
            conversation.behind -= 1;
            if self.most >= Level::Connection {
                self.keep(frame.to_frame(), self.place, Level::Connection);
            }
        }
    }

    /// Whether a packet is of what the finding is about.
    fn about(&self, stack: &[Layers]) -> Option<Level> {
        let Subject {
            devices,
            macs,
            peers,
        } = &self.subject;
        let mut level = None;
        for layers in stack {
            let (src, dst) = match layers.network {
                Network::Arp(arp) => (arp.sender_ip.into(), arp.target_ip.into()),
                _ => (layers.src, layers.dst),
            };
            let is_device = |ip: IpAddr| devices.contains(&ip);
            let is_pair =
                is_device(src) && peers.contains(&dst) || is_device(dst) && peers.contains(&src);
            if is_pair {
                return Some(Level::Pair);
            }
            let has_mac = [layers.src_mac, layers.dst_mac]
                .into_iter()
                .flatten()
                .any(|mac| macs.contains(&mac.0));
            // How addresses were resolved and given.
            let is_arp = matches!(layers.network, Network::Arp(_));
            let is_dhcp = layers
                .ports()
                .is_some_and(|(from, to)| DHCP.contains(&from.min(to)));
            if is_device(src) || is_device(dst) || has_mac || is_arp || is_dhcp {
                level = Some(Level::Device);
            }
        }
        level.filter(|level| *level <= self.most)
    }

    fn keep(&mut self, frame: Frame, place: u64, level: Level) {
        if let Some(kept) = self.kept.get_mut(&place) {
            kept.level = kept.level.min(level);
            return;
        }
        let mut full = |bound: &Bound| {
            self.dropped += 1;
            self.reached.insert(bound.name);
        };
        if self.kept.len() as u64 >= SELECTED.default {
            return full(&SELECTED);
        }
        if (self.bytes + frame.data.len()) as u64 > SELECTED_BYTES.default {
            return full(&SELECTED_BYTES);
        }
        self.bytes += frame.data.len();
        self.kept.insert(place, Selected { frame, level });
    }

    /// The packets in the order of the analysis.
    pub fn finish(self) -> Selection {
        Selection {
            packets: self.kept.into_values().collect(),
            dropped: self.dropped,
            reached: self.reached,
        }
    }
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// The packets in the order of the analysis.
    pub packets: Vec<Selected>,
    /// Packets that found no room.
    pub dropped: u64,
    /// Names of bounds that were reached.
    pub reached: BTreeSet<&'static str>,
}

impl Selection {
    /// The packets up to a level.
    pub fn up_to(&self, level: Level) -> Selection {
        let packets = self.packets.iter().filter(|kept| kept.level <= level);
        Selection {
            packets: packets.cloned().collect(),
            dropped: self.dropped,
            reached: self.reached.clone(),
        }
    }
}

fn key(layers: &Layers) -> Option<Key> {
    let (src, dst) = layers.ports()?;
    let mut ends = [(layers.src, src), (layers.dst, dst)];
    ends.sort_unstable();
    Some(Key {
        ends,
        protocol: layers.ip_protocol,
    })
}

fn datagram(layers: &Layers) -> Option<Datagram> {
    let fragment = layers.fragment?;
    Some((layers.src, layers.dst, fragment.id, fragment.protocol))
}
