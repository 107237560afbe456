//! What a scene is made of: frames with times, the interfaces they came in by, and the truth.

use auscult_model::Timestamp;

use crate::truth::Truth;

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
}

impl Link {
    /// The LINKTYPE_ number.
    pub fn number(self) -> u16 {
        match self {
            Link::Ethernet => 1,
            Link::CookedV1 => 113,
            Link::CookedV2 => 276,
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
