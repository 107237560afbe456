//! Infers where in the network each capture was taken, from what it holds.
//!
//! Limit: conversations are told to the capture that holds their first packet, so that captures
//! of the same traffic at several points are told apart only by what each saw first.

use std::collections::BTreeMap;

use auscult_inventory::{is_group, is_private};
use auscult_model::report::CapturePoint;
use auscult_model::{ConversationKey, ConversationSum, Transport};

use crate::Context;

/// What one capture holds.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    /// Conversations between two addresses.
    pairs: u64,
    /// Flows of those over TCP that must have two directions.
    tcp: u64,
    /// Of those, flows of which one direction is missing.
    one_sided: u64,
    /// Conversations of which copies were seen beyond a router.
    routed: u64,
    /// Conversations of which copies were seen unchanged.
    mirrored: u64,
    /// Conversations of which both ends are public and not ours.
    outside: u64,
    /// Broadcasts, multicasts, questions for neighbours.
    group: u64,
}

/// Where each capture was taken, as inferred.
pub fn capture_points(context: &Context<'_>) -> Vec<CapturePoint> {
    let mut held: BTreeMap<u32, Held> = BTreeMap::new();
    for (key, sum) in context.ledger.conversations() {
        let capture = held.entry(sum.first_packet.file.0).or_default();
        capture.add(context, key, sum);
    }
    for sum in context.ledger.neighbours().values() {
        held.entry(sum.packet.file.0).or_default().group += 1;
    }
    let one = context.captures.len() == 1;
    (0u32..)
        .zip(context.captures)
        .map(|(index, capture)| {
            let held = held.get(&index).copied().unwrap_or_default();
            // Copies are counted over all captures together.
            let doubled = one && context.health.copies * 5 >= capture.packets * 2;
            held.point(doubled)
        })
        .collect()
}

impl Held {
    fn add(&mut self, context: &Context<'_>, key: &ConversationKey, sum: &ConversationSum) {
        let to_group =
            is_group(key.responder) || key.responder_mac.is_some_and(|mac| mac.is_group());
        if to_group {
            self.group += 1;
            return;
        }
        self.pairs += 1;
        if key.transport == Transport::Tcp {
            self.one_sided += sum.one_sided;
            self.tcp += if sum.packets.contains(&0) {
                sum.one_sided
            } else {
                sum.flows
            };
        }
        self.routed += u64::from(sum.legs.iter().any(|leg| leg.ttl_step != 0));
        self.mirrored += u64::from(sum.legs.iter().any(|leg| leg.ttl_step == 0));
        let ours = |ip| is_private(ip) || context.inventory.is_site(ip);
        let lives = |ip| context.inventory.squatted().contains(&(key.segment, ip));
        let foreign = |ip| !ours(ip) && !lives(ip);
        self.outside += u64::from(foreign(key.originator) && foreign(key.responder));
    }

    fn point(self, doubled: bool) -> CapturePoint {
        if self.pairs == 0 {
            return match self.group {
                0 => CapturePoint::Unknown,
                _ => CapturePoint::BroadcastOnly,
            };
        }
        if self.tcp > 0 && self.one_sided * 10 >= self.tcp * 8 {
            CapturePoint::OneDirection
        } else if self.outside * 2 > self.pairs {
            CapturePoint::Wan
        } else if self.routed * 10 >= self.pairs {
            CapturePoint::Core
        } else if doubled && self.mirrored * 2 >= self.pairs {
            CapturePoint::MirroredTwice
        } else {
            CapturePoint::Access
        }
    }
}
