//! Transformations of where and when the capture was made.

use std::net::Ipv4Addr;

use auscult_model::MacAddr;

use super::{Side, Split, upward};
use crate::frame::{Frame, Interface, Scene};
use crate::net::{SECOND, US};
use crate::wire::view::View;
use crate::wire::{edit, ethernet, tcp};

fn keep(mut scene: Scene, wanted: impl Fn(&View, &Frame) -> bool) -> Scene {
    scene
        .frames
        .retain(|frame| View::of(&frame.bytes).is_none_or(|view| wanted(&view, frame)));
    scene
}

/// Frames on two interfaces.
pub(super) fn two_interfaces(mut scene: Scene, split: Split) -> Scene {
    let first = scene.interfaces[0].clone();
    scene.interfaces = ["tap-a", "tap-b"]
        .map(|n| Interface {
            name: n.into(),
            ..first.clone()
        })
        .to_vec();
    for (n, frame) in scene.frames.iter_mut().enumerate() {
        let second = match split {
            Split::Alternating => n % 2 == 1,
            Split::Directions => View::of(&frame.bytes).is_some_and(|v| upward(&v)),
        };
        frame.interface = u32::from(second);
    }
    scene
}

/// A capture that begins later.
pub(super) fn skip(mut scene: Scene, seconds: u32) -> Scene {
    if let Some(first) = scene.frames.first().map(|f| f.time) {
        let begin = first.plus(i64::from(seconds) * SECOND);
        scene.frames.retain(|f| f.time >= begin);
    }
    scene
}

/// No segment with SYN.
pub(super) fn no_handshakes(scene: Scene) -> Scene {
    keep(scene, |view, frame| {
        let flags = view
            .ipv4
            .and_then(|v| v.tcp(&frame.bytes))
            .map_or(0, |(_, flags, _)| flags);
        flags & tcp::SYN == 0
    })
}

/// One direction of the named hosts is missing.
pub(super) fn one_sided(scene: Scene, hosts: &[Ipv4Addr], side: Side) -> Scene {
    keep(scene, |view, _| {
        let Some(v) = view.ipv4 else { return true };
        let (from, to) = (hosts.contains(&v.from), hosts.contains(&v.to));
        match side {
            Side::From => from || !to,
            Side::To => to || !from,
        }
    })
}

/// What a port hears that nobody mirrors to.
pub(super) fn broadcast_only(scene: Scene) -> Scene {
    keep(scene, |view, _| view.to.is_group())
}

fn inside(ip: Ipv4Addr) -> bool {
    ip.is_private()
}

/// Every unicast packet again on another VLAN, as a router sends it on.
pub(super) fn routed_copies(mut scene: Scene, vlan: u16) -> Scene {
    let mut out = Vec::with_capacity(scene.frames.len() * 2);
    for frame in std::mem::take(&mut scene.frames) {
        let copy = View::of(&frame.bytes)
            .filter(|v| !v.to.is_group())
            .and_then(|view| {
                let v = view.ipv4?;
                let mut bytes = view.with_tags(&frame.bytes, &[(ethernet::VLAN, vlan)]);
                let again = View::of(&bytes)?;
                edit::set_ttl(&mut bytes, &again, v.ttl.saturating_sub(1));
                let mut next = view.to;
                next.0[5] ^= 0x55;
                edit::set_macs(
                    &mut bytes,
                    MacAddr([0x00, 0x1c, 0x73, 0x0a, 0x0b, 0x0c]),
                    next,
                );
                let wire_len = bytes.len() as u32;
                Some(Frame {
                    time: frame.time.plus(28 * US),
                    interface: frame.interface,
                    bytes,
                    wire_len,
                })
            });
        out.push(frame);
        out.extend(copy);
    }
    out.sort_by_key(|f| f.time);
    scene.frames = out;
    scene
}

/// The capture point is the provider's side of the router: only what crosses, from one address.
pub(super) fn wan_side(mut scene: Scene, site: Ipv4Addr) -> Scene {
    let router = MacAddr([0x00, 0x1b, 0x17, 0x77, 0x00, 0x01]);
    let provider = MacAddr([0x00, 0x1c, 0x73, 0x77, 0x00, 0x02]);
    let mut seen = std::collections::BTreeSet::new();
    scene.frames.retain_mut(|frame| {
        let Some(view) = View::of(&frame.bytes).filter(|v| !v.to.is_group()) else {
            return false;
        };
        let Some(v) = view.ipv4 else { return false };
        if inside(v.from) == inside(v.to) || v.to.is_broadcast() || v.from.is_unspecified() {
            return false;
        }
        let out = inside(v.from);
        frame.bytes = view.with_tags(&frame.bytes, &[]);
        let Some(view) = View::of(&frame.bytes) else {
            return false;
        };
        let ttl = if out {
            v.ttl.saturating_sub(1)
        } else {
            v.ttl.saturating_add(1)
        };
        edit::set_ttl(&mut frame.bytes, &view, ttl);
        edit::set_address(&mut frame.bytes, &view, out, site);
        let (from, to) = if out {
            (router, provider)
        } else {
            (provider, router)
        };
        edit::set_macs(&mut frame.bytes, from, to);
        frame.wire_len = frame.bytes.len() as u32;
        // A packet seen on two inner segments crosses the border once.
        seen.insert((
            frame.bytes.get(14..).unwrap_or_default().to_vec(),
            frame.time.0 / SECOND,
        ))
    });
    scene
}
