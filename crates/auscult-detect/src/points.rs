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
        let lives = |ip| !context.inventory.holders(key.segment, ip).is_empty();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{Scene, Talk, far, host};

    #[test]
    fn places() {
        let (a, b) = (host([10, 20, 3, 14]), host([10, 20, 3, 5]));
        assert_eq!(Scene::new().point(), CapturePoint::Unknown);
        let access = Scene::new().talk(a, b, 80, "http", Talk::ANSWERED);
        assert_eq!(access.point(), CapturePoint::Access);
        let heard = Scene::new().asked(a, b.ip, (3, 60), None);
        assert_eq!(heard.point(), CapturePoint::BroadcastOnly);
        let half = Scene::new().talk(a, b, 80, "http", Talk::ONE_WAY);
        assert_eq!(half.point(), CapturePoint::OneDirection);
        let outer = far([198, 51, 100, 80]);
        let core = Scene::new().talk(a, outer, 80, "http", Talk::ANSWERED.left());
        assert_eq!(core.point(), CapturePoint::Core);
        let wan = Scene::new().talk(far([192, 0, 2, 7]), outer, 80, "http", Talk::ANSWERED);
        assert_eq!(wan.point(), CapturePoint::Wan);
        let mut twice = Talk::ANSWERED.left();
        twice.leg = twice
            .leg
            .map(|leg| auscult_model::Leg { ttl_step: 0, ..leg });
        let mut twice = Scene::new().talk(a, b, 80, "http", twice);
        twice.health.copies = 500;
        assert_eq!(twice.point(), CapturePoint::MirroredTwice);
    }
}
