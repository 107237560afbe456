//! Several capture points: how far apart the clocks of captures are that saw the same packets.
//!
//! Two laptops at two places of one network seldom agree on the time. Merged as they say, an answer
//! would come before its question, and a packet that both hold would count twice. So before several
//! files are analysed, the first part of each is looked through for packets that two of them hold:
//! the same bytes above the link layer, hop limit and header checksum left out. The median of their
//! differences in time is the offset, taken only when nearly all agree; the later file's clock is
//! then moved by it, and the report says so.
//!
//! Limits: files only, at most [`POINTS`] of them; of each [`LOOKED_AT`] bytes from its start and
//! as many from the time at which all have begun, [`PASSED`] bytes at most in between; of these
//! [`KEPT`] packets. Translated addresses (NAT) hide that two packets are the same. Clocks that
//! drift apart are moved by what they differ at first.

use std::collections::BTreeMap;
use std::hash::BuildHasher;

use auscult_capture::{Batch, CaptureReader, Inputs};
use auscult_model::{FileIndex, Timestamp};
use auscult_packet::{Layers, Transport, decode_into};
use foldhash::quality::FixedState;

/// With more files than these they are pieces of few captures, or many captures of many places.
const POINTS: usize = 16;
/// Bytes of frames looked at in each part.
const LOOKED_AT: u64 = 32 << 20;
/// Bytes of frames passed over between the two parts.
const PASSED: u64 = 64 << 20;
/// Packets kept of each file: those with the smallest digests, so that all keep the same ones.
const KEPT: usize = 1 << 14;
/// Packets that two files must have in common.
const SHARED: usize = 20;
/// How far from the median a packet may be and still agree: it was on its way between the points.
const AGREE: i64 = 20 * Timestamp::MILLISECOND;
/// Differences below this are left: copies are told by less than four times as much.
const LEFT: i64 = 5 * Timestamp::MILLISECOND;

/// Digests of the packets of one file, with the time of the first of each.
type Sketch = BTreeMap<u64, Timestamp>;

/// Finds by how much the clocks of files differ, and moves them.
pub(crate) fn align(inputs: &mut Inputs) {
    let files = inputs.captures().len();
    if !(2..=POINTS).contains(&files) || inputs.are_rotated() {
        return;
    }
    let begins: Vec<Timestamp> = (0..files).map(|file| inputs.begins(file)).collect();
    let all_begun = begins.iter().copied().max().unwrap_or(Timestamp::MAX);
    let sketches: Vec<Sketch> = (0..files)
        .map(|file| {
            let reader = inputs.reader_again(FileIndex(file as u32));
            reader.map_or_else(Sketch::new, |reader| sketch(reader, all_begun))
        })
        .collect();
    // Each file is held against those before it, whose clocks are right by then.
    let mut moved = vec![0_i64; files];
    for file in 1..files {
        let best = (0..file)
            .filter_map(|other| {
                let (earlier, later) = (sketches.get(other)?, sketches.get(file)?);
                let (difference, packets) = difference(earlier, later)?;
                Some((packets, std::cmp::Reverse(other), difference))
            })
            .max();
        let Some((packets, std::cmp::Reverse(other), difference)) = best else {
            continue;
        };
        let offset = difference.saturating_add(moved.get(other).copied().unwrap_or(0));
        if offset.abs() >= LEFT {
            if let Some(slot) = moved.get_mut(file) {
                *slot = offset;
            }
            inputs.move_clock(
                FileIndex(file as u32),
                offset,
                packets,
                FileIndex(other as u32),
            );
        }
    }
}

/// What has to be added to the later one's times, and how many packets say so.
fn difference(earlier: &Sketch, later: &Sketch) -> Option<(i64, u64)> {
    let mut differences: Vec<i64> = later
        .iter()
        .filter_map(|(digest, time)| Some(earlier.get(digest)?.since(*time)))
        .collect();
    if differences.len() < SHARED {
        return None;
    }
    differences.sort_unstable();
    let median = *differences.get(differences.len() / 2)?;
    let agreeing = differences
        .iter()
        .filter(|it| (*it - median).abs() <= AGREE);
    let agreeing = agreeing.count();
    (agreeing * 10 >= differences.len() * 9).then_some((median, agreeing as u64))
}

/// Digests packets of a file: its beginning, and what comes once all files have begun.
fn sketch(mut reader: CaptureReader, all_begun: Timestamp) -> Sketch {
    let mut sketch = Sketch::new();
    let mut batch = Batch::new();
    let mut layers = Layers::new(auscult_model::LinkType::ETHERNET);
    let (mut looked_at, mut passed, mut later) = (0, 0, 0);
    while later < LOOKED_AT && passed < PASSED && reader.next_batch(&mut batch) {
        for (meta, frame) in batch.iter() {
            let length = u64::from(meta.captured);
            if meta.time >= all_begun {
                later += length;
            } else if looked_at < LOOKED_AT {
                looked_at += length;
            } else {
                passed += length;
                continue;
            }
            decode_into(&mut layers, meta.link, frame, meta.original);
            let Some(digest) = digest(&layers, frame) else {
                continue;
            };
            let is_small = sketch.len() < KEPT
                || sketch
                    .last_key_value()
                    .is_some_and(|(last, _)| digest < *last);
            if is_small {
                sketch.entry(digest).or_insert(meta.time);
                if sketch.len() > KEPT {
                    sketch.pop_last();
                }
            }
        }
    }
    sketch
}

/// A digest of what stays the same from one place to another; `None` for packets of which there
/// may be many alike.
fn digest(layers: &Layers, frame: &[u8]) -> Option<u64> {
    const SEED: u64 = 0x706f_696e_7473;
    const BYTES: usize = 64;
    if !layers.is_ip() {
        return None;
    }
    let payload = layers.payload_of(frame);
    let identity = match layers.transport {
        Transport::Tcp(tcp) => (tcp.seq, tcp.ack, tcp.checksum),
        Transport::Udp(udp) if layers.ip_id != 0 || payload.len() >= 16 => (0, 0, udp.checksum),
        Transport::Icmp(icmp) => (u32::from(icmp.id), u32::from(icmp.seq), icmp.checksum),
        _ => return None,
    };
    // A bare acknowledgement is repeated where a card sums them up and the IP says nothing.
    if payload.is_empty() && layers.ip_id == 0 {
        return None;
    }
    let head = payload.get(..BYTES).unwrap_or(payload);
    let what = (
        layers.src,
        layers.dst,
        layers.ports(),
        layers.ip_id,
        layers.payload_on_wire,
        identity,
        head,
    );
    Some(FixedState::with_seed(SEED).hash_one(what))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(of: &[i64]) -> Sketch {
        (0..)
            .zip(of)
            .map(|(digest, at)| (digest, Timestamp(*at)))
            .collect()
    }

    #[test]
    fn the_median_counts_when_nearly_all_agree() {
        let early: Vec<i64> = (0..40).map(|n| n * Timestamp::SECOND).collect();
        let shifted = |by: &dyn Fn(usize) -> i64| -> Sketch {
            let moved: Vec<i64> = early.iter().enumerate().map(|(n, at)| at + by(n)).collect();
            times(&moved)
        };
        let early = times(&early);
        let way = |n: usize| 5 * Timestamp::SECOND + (n as i64 % 3) * Timestamp::MILLISECOND;
        let (offset, packets) = difference(&early, &shifted(&way)).unwrap();
        assert_eq!(packets, 40);
        assert_eq!(offset, -5 * Timestamp::SECOND - Timestamp::MILLISECOND);
        let few = |n: usize| if n < 3 { 900 * Timestamp::SECOND } else { 0 };
        assert_eq!(difference(&early, &shifted(&few)), Some((0, 37)));
        let many = |n: usize| if n < 10 { 900 * Timestamp::SECOND } else { 0 };
        assert_eq!(difference(&early, &shifted(&many)), None);
        assert_eq!(
            difference(&early, &times(&[0; 19])),
            None,
            "too few in common"
        );
    }
}
