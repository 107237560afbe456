//! What a scene is made of: frames with times, the interfaces they came in by, and the truth.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use auscult_model::Timestamp;

use crate::truth::Truth;
use crate::wire::tcp;
use crate::wire::view::View;

/// One captured frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// When it was captured.
    pub time: Timestamp,
    /// Index into [`Scene::interfaces`].
    pub interface: u32,
    /// The bytes kept.
    pub bytes: Vec<u8>,
    /// Bytes on the wire; more than `bytes` holds when a snap length cut it.
    pub wire_len: u32,
}

/// The link type of an interface, by its number in the tcpdump.org registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Ethernet (1).
    Ethernet,
    /// Linux cooked, version 1 (113).
    CookedV1,
    /// Linux cooked, version 2 (276).
    CookedV2,
    /// Wireless LAN, without a radio's header (105).
    Wireless,
}

impl Link {
    /// The LINKTYPE_ number.
    pub fn number(self) -> u16 {
        match self {
            Link::Ethernet => 1,
            Link::CookedV1 => 113,
            Link::CookedV2 => 276,
            Link::Wireless => 105,
        }
    }
}

/// A capture interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name in the pcapng file.
    pub name: String,
    /// What its frames begin with.
    pub link: Link,
}

/// A finished scene.
#[derive(Clone, Debug)]
pub struct Scene {
    /// Where the frames were captured.
    pub interfaces: Vec<Interface>,
    /// The frames in the order in which they are written.
    pub frames: Vec<Frame>,
    /// What is true about them.
    pub truth: Truth,
}

impl Scene {
    /// A scene on one Ethernet interface.
    pub fn ethernet(frames: Vec<Frame>, truth: Truth) -> Scene {
        let interface = Interface {
            name: "mirror0".to_owned(),
            link: Link::Ethernet,
        };
        Scene {
            interfaces: vec![interface],
            frames,
            truth,
        }
    }
}

/// Both directions of a TCP connection as the scene holds them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Address and port of the side that sent the SYN, or the first segment.
    pub originator: (Ipv4Addr, u16),
    /// Address and port of the other side.
    pub responder: (Ipv4Addr, u16),
    /// The VLAN on which it was seen first.
    pub vlan: Option<u16>,
    /// What the originator sent.
    pub out: Vec<u8>,
    /// What the responder sent.
    pub back: Vec<u8>,
}

#[derive(Default)]
struct Half {
    next: Option<u32>,
    bytes: Vec<u8>,
}

impl Half {
    /// Takes a segment if it comes next; copies and retransmissions do not.
    fn take(&mut self, seq: u32, flags: u8, payload: &[u8]) {
        let first = if flags & tcp::SYN != 0 {
            seq.wrapping_add(1)
        } else {
            seq
        };
        let next = *self.next.get_or_insert(first);
        if first == next {
            self.bytes.extend_from_slice(payload);
            self.next = Some(first.wrapping_add(payload.len() as u32));
        }
    }
}

impl Scene {
    /// The TCP streams in order of their first frame: for scenes in which nothing is lost or out
    /// of order, so that tests of parsers can have the bytes without a capture around them.
    pub fn streams(&self) -> Vec<Stream> {
        let mut index = BTreeMap::new();
        let mut halves: Vec<(Stream, Half, Half)> = Vec::new();
        for frame in &self.frames {
            let Some(view) = View::of(&frame.bytes) else {
                continue;
            };
            let Some(v) = view.ipv4 else { continue };
            let (Some(ports), Some((seq, flags, payload))) = (v.ports, v.tcp(&frame.bytes)) else {
                continue;
            };
            let (from, to) = ((v.from, ports.0), (v.to, ports.1));
            let vlan = view.tags.first().map(|t| t.1);
            let key = (from.min(to), from.max(to), vlan);
            let n = *index.entry(key).or_insert_with(|| {
                let (out, back) = (Vec::new(), Vec::new());
                let stream = Stream {
                    originator: from,
                    responder: to,
                    vlan,
                    out,
                    back,
                };
                halves.push((stream, Half::default(), Half::default()));
                halves.len() - 1
            });
            let (stream, out, back) = &mut halves[n];
            let half = if stream.originator == from { out } else { back };
            half.take(
                seq,
                flags,
                frame.bytes.get(payload..v.end).unwrap_or_default(),
            );
        }
        let finished = |(stream, out, back): (Stream, Half, Half)| Stream {
            out: out.bytes,
            back: back.bytes,
            ..stream
        };
        halves.into_iter().map(finished).collect()
    }
}
