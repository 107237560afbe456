//! Transformations of order, copies, clocks, and what got lost.

use std::collections::BTreeMap;

use super::FlowKey;
use crate::frame::{Frame, Scene};
use crate::net::{MS, SECOND, US};
use crate::prng::Prng;
use crate::wire::view::View;
use crate::wire::{edit, ethernet, tcp};

/// Every frame again within a millisecond.
pub(super) fn twice(mut scene: Scene, prng: &mut Prng) -> Scene {
    let copies: Vec<Frame> = scene
        .frames
        .iter()
        .map(|f| Frame {
            time: f.time.plus(prng.between(1, 900) * US),
            ..f.clone()
        })
        .collect();
    scene.frames.extend(copies);
    scene.frames.sort_by_key(|f| f.time);
    scene
}

fn pieces(frame: &Frame, size: usize) -> Option<Vec<Frame>> {
    let view = View::of(&frame.bytes)?;
    let v = view.ipv4?;
    let (_, _, payload) = v.tcp(&frame.bytes)?;
    let length = v.end.checked_sub(payload)?;
    if length <= size {
        return None;
    }
    let mut out = Vec::new();
    for (n, from) in (0..length).step_by(size).enumerate() {
        let to = (from + size).min(length);
        let mut packet = edit::tcp_piece(&frame.bytes, &view, v, (from, to), to == length)?;
        // Distinct identifications, or the pieces would look like copies of one packet.
        let id = packet.get(4..6).map(|b| u16::from_be_bytes([b[0], b[1]]))?;
        edit::put(
            &mut packet,
            4,
            &id.wrapping_add((n as u16) << 8).to_be_bytes(),
        );
        edit::seal_ipv4(&mut packet);
        let bytes = ethernet::frame(view.to, view.from, &view.tags, view.ethertype, &packet);
        let wire_len = bytes.len() as u32;
        let time = frame.time.plus(n as i64 * 10);
        out.push(Frame {
            time,
            interface: frame.interface,
            bytes,
            wire_len,
        });
    }
    Some(out)
}

/// TCP payload in segments of at most `size` bytes.
pub(super) fn small_segments(mut scene: Scene, size: usize) -> Scene {
    for frame in std::mem::take(&mut scene.frames) {
        match pieces(&frame, size.max(1)) {
            Some(pieces) => scene.frames.extend(pieces),
            None => scene.frames.push(frame),
        }
    }
    scene.frames.sort_by_key(|f| f.time);
    scene
}

/// Payload length of a TCP data segment without SYN, FIN or RST.
fn data_segment(frame: &Frame) -> Option<View> {
    let view = View::of(&frame.bytes)?;
    let v = view.ipv4?;
    let (_, flags, payload) = v.tcp(&frame.bytes)?;
    let plain = flags & (tcp::SYN | tcp::FIN | tcp::RST) == 0;
    (plain && v.end > payload).then_some(view)
}

/// Data segments of one direction that follow each other without data of the other direction.
fn runs(scene: &Scene) -> Vec<Vec<usize>> {
    let mut open: BTreeMap<FlowKey, Vec<usize>> = BTreeMap::new();
    let mut done = Vec::new();
    for (n, frame) in scene.frames.iter().enumerate() {
        let Some(key) = data_segment(frame).as_ref().and_then(FlowKey::of) else {
            continue;
        };
        done.extend(open.remove(&key.reverse()));
        let run = open.entry(key).or_default();
        let gap = run
            .last()
            .map_or(0, |last| frame.time.since(scene.frames[*last].time));
        if gap > 2 * SECOND {
            done.push(std::mem::take(run));
        }
        run.push(n);
    }
    done.extend(open.into_values());
    done
}

/// Data segments change places with later ones of their direction; no answer comes before its
/// question.
pub(super) fn reordered(mut scene: Scene, window: usize, prng: &mut Prng) -> Scene {
    for run in runs(&scene) {
        let mut at = 0;
        while at + 1 < run.len() {
            let by = prng.between(0, window.min(run.len() - 1 - at) as i64) as usize;
            let (a, b) = (run[at], run[at + by]);
            if a != b {
                let (left, right) = scene.frames.split_at_mut(b);
                std::mem::swap(&mut left[a].bytes, &mut right[0].bytes);
                std::mem::swap(&mut left[a].wire_len, &mut right[0].wire_len);
            }
            at += by + 1;
        }
    }
    scene
}

/// Some data segments are sent again, later and with another identification.
pub(super) fn retransmitted(mut scene: Scene, percent: u64, prng: &mut Prng) -> Scene {
    let mut again = Vec::new();
    for frame in &scene.frames {
        let Some(view) = data_segment(frame).filter(|_| prng.chance(percent)) else {
            continue;
        };
        let Some(v) = view.ipv4 else { continue };
        let mut packet = frame
            .bytes
            .get(view.network..v.end)
            .map(<[u8]>::to_vec)
            .unwrap_or_default();
        edit::put(&mut packet, 4, &(prng.next_u64() as u16).to_be_bytes());
        edit::seal_ipv4(&mut packet);
        let bytes = ethernet::frame(view.to, view.from, &view.tags, view.ethertype, &packet);
        let wire_len = bytes.len() as u32;
        let time = frame.time.plus(prng.between(30, 400) * MS);
        again.push(Frame {
            time,
            interface: frame.interface,
            bytes,
            wire_len,
        });
    }
    scene.frames.extend(again);
    scene.frames.sort_by_key(|f| f.time);
    scene
}

/// One frame in the middle is ten years ahead.
pub(super) fn clock_jump(mut scene: Scene) -> Scene {
    let middle = scene.frames.len() / 2;
    if let Some(frame) = scene.frames.get_mut(middle) {
        frame.time = frame.time.plus(3_650 * 86_400 * SECOND);
    }
    scene
}

/// From the middle on, the clock is off.
pub(super) fn clock_step(mut scene: Scene, seconds: i64) -> Scene {
    let middle = scene.frames.len() / 2;
    for frame in scene.frames.iter_mut().skip(middle) {
        frame.time = frame.time.plus(seconds * SECOND);
    }
    scene
}

/// Frames are cut.
pub(super) fn snaplen(mut scene: Scene, length: usize) -> Scene {
    for frame in &mut scene.frames {
        frame.bytes.truncate(length);
    }
    scene
}

/// Some frames are missing.
pub(super) fn loss(mut scene: Scene, per_mille: u64, prng: &mut Prng) -> Scene {
    scene.frames.retain(|_| prng.below(1000) >= per_mille);
    scene
}
