//! Transformations of what is around the packets: tags, cooked headers, fragments.
//!
//! Sources: IEEE 802.1Q, the tcpdump.org pages on LINKTYPE_LINUX_SLL and LINKTYPE_LINUX_SLL2,
//! RFC 791.

use super::upward;
use crate::frame::{Frame, Link, Scene};
use crate::net::US;
use crate::wire::edit;
use crate::wire::ethernet;
use crate::wire::view::View;

fn retag(mut scene: Scene, tags: impl Fn(&View) -> Vec<(u16, u16)>) -> Scene {
    for frame in &mut scene.frames {
        if let Some(view) = View::of(&frame.bytes) {
            frame.bytes = view.with_tags(&frame.bytes, &tags(&view));
            frame.wire_len = frame.bytes.len() as u32;
        }
    }
    scene
}

/// Takes all tags away.
pub(super) fn plain(scene: Scene) -> Scene {
    retag(scene, |_| Vec::new())
}

/// Gives untagged frames a tag.
pub(super) fn tagged(scene: Scene, id: u16) -> Scene {
    retag(scene, |view| match view.tags.is_empty() {
        true => vec![(ethernet::VLAN, id)],
        false => view.tags.clone(),
    })
}

/// An outer tag around everything.
pub(super) fn double_tagged(scene: Scene, id: u16) -> Scene {
    retag(tagged(scene, 1), |view| {
        let mut tags = vec![(ethernet::SERVICE_VLAN, id)];
        tags.extend(&view.tags);
        tags
    })
}

/// Another VLAN id for one of the two directions.
pub(super) fn directional(scene: Scene, by: u16) -> Scene {
    retag(tagged(scene, 1), |view| {
        let mut tags = view.tags.clone();
        if upward(view)
            && let Some(last) = tags.last_mut()
        {
            last.1 = (last.1 & 0x0fff).wrapping_add(by) & 0x0fff;
        }
        tags
    })
}

fn packet_type(view: &View) -> u8 {
    match view.to {
        to if to.0 == [0xff; 6] => 1,
        to if to.is_group() => 2,
        _ if upward(view) => 4,
        _ => 0,
    }
}

fn cook(bytes: &[u8], view: &View, second: bool) -> Vec<u8> {
    let protocol = bytes.get(12..14).unwrap_or_default();
    let kind = packet_type(view);
    let mut out = Vec::with_capacity(bytes.len() + 8);
    if second {
        out.extend_from_slice(protocol);
        out.extend_from_slice(&[0, 0, 0, 0, 0, 2, 0, 1, kind, 6]);
        out.extend_from_slice(&view.from.0);
        out.extend_from_slice(&[0, 0]);
    } else {
        out.extend_from_slice(&[0, kind, 0, 1, 0, 6]);
        out.extend_from_slice(&view.from.0);
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(protocol);
    }
    out.extend_from_slice(bytes.get(14..).unwrap_or_default());
    out
}

/// Linux cooked headers instead of Ethernet.
pub(super) fn cooked(mut scene: Scene, second: bool) -> Scene {
    let link = if second {
        Link::CookedV2
    } else {
        Link::CookedV1
    };
    for interface in &mut scene.interfaces {
        interface.link = link;
        interface.name = "any".to_owned();
    }
    for frame in &mut scene.frames {
        if let Some(view) = View::of(&frame.bytes) {
            frame.bytes = cook(&frame.bytes, &view, second);
            frame.wire_len = frame.bytes.len() as u32;
        }
    }
    scene
}

fn fragments_of(frame: &Frame, mtu: usize) -> Option<Vec<Frame>> {
    let view = View::of(&frame.bytes)?;
    let v = view.ipv4?;
    if v.fragment || v.end - view.network <= mtu {
        return None;
    }
    let header = frame.bytes.get(view.network..v.transport)?;
    let body = frame.bytes.get(v.transport..v.end)?;
    let step = (mtu.max(28) - header.len()) / 8 * 8;
    let mut out = Vec::new();
    for (n, piece) in body.chunks(step).enumerate() {
        let mut packet = header.to_vec();
        packet.extend_from_slice(piece);
        let more = (n + 1) * step < body.len();
        let word = (u16::from(more) << 13) | (n * step / 8) as u16;
        edit::put(&mut packet, 6, &word.to_be_bytes());
        edit::seal_ipv4(&mut packet);
        let bytes = ethernet::frame(view.to, view.from, &view.tags, view.ethertype, &packet);
        out.push(Frame {
            time: frame.time.plus(n as i64 * US),
            interface: frame.interface,
            wire_len: bytes.len() as u32,
            bytes,
        });
    }
    Some(out)
}

/// Fragments what is longer than `mtu`.
pub(super) fn fragmented(mut scene: Scene, mtu: usize) -> Scene {
    let frames = std::mem::take(&mut scene.frames);
    for frame in frames {
        match fragments_of(&frame, mtu) {
            Some(pieces) => scene.frames.extend(pieces),
            None => scene.frames.push(frame),
        }
    }
    scene.frames.sort_by_key(|f| f.time);
    scene
}
