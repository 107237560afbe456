//! What the captures could have shown: how long, where, in which directions, how whole.

use std::collections::BTreeSet;

use auscult_inventory::{is_group, is_private};
use auscult_model::report::{CapturePoint, Device, Role};
use auscult_model::{Outcome, Segment};

use crate::View;
use crate::words::{count, duration, list};

/// The names under which the engine counts packets of tunnels that it could not look into.
const ENCRYPTED_TUNNELS: &str = "packets of tunnels that are encrypted";
const TUNNELS: &str = "tunnels";

/// See the module's words.
pub(super) struct Sight {
    /// Every capture holds broadcasts only, or nothing.
    pub(super) broadcast_only: bool,
    /// Captures of one direction, and no others that saw conversations.
    pub(super) one_direction: bool,
    /// Everything was captured beyond address translation, where devices cannot be told apart.
    pub(super) wan_only: bool,
    /// Answered conversations with addresses outside, through a router.
    pub(super) way_out: u64,
    /// More than 1 % is missing.
    pub(super) lossy: bool,
    /// More than 1 % of the packets were cut by the capture's snap length.
    pub(super) cut: bool,
    /// Packets of tunnels that could not be looked into. Somebody's private network is none of
    /// them: it shows nothing anywhere.
    pub(super) tunnels: bool,
    /// Flows with different bytes for the same place.
    pub(super) conflicts: bool,
    /// Most packets are of a kind that is not decoded.
    pub(super) undecoded: bool,
    /// Most packets that could say something were encrypted on the radio link.
    pub(super) in_the_air: bool,
    /// Medical devices in view.
    pub(super) medical: usize,
    /// Medical devices whose conversations with others were seen both ways.
    pub(super) medical_heard: usize,
    /// `222 min on vlan 20 and vlan 30, both directions, 0.02 % lost`.
    pub(super) watched: String,
    /// `222 min`.
    pub(super) time: String,
}

impl Sight {
    pub(super) fn of(points: &[CapturePoint], view: &View<'_>) -> Sight {
        let blind = |point: &CapturePoint| {
            matches!(point, CapturePoint::BroadcastOnly | CapturePoint::Unknown)
        };
        let broadcast_only = points.iter().all(blind);
        let one_direction = !broadcast_only
            && points
                .iter()
                .all(|point| blind(point) || *point == CapturePoint::OneDirection);
        let mut segments: BTreeSet<Segment> = BTreeSet::new();
        let mut way_out = 0;
        for (key, sum) in view.ledger.conversations() {
            segments.insert(key.segment);
            let outside = !is_private(key.responder)
                && !is_group(key.responder)
                && !view.inventory.is_site(key.responder)
                && !view
                    .inventory
                    .squatted()
                    .contains(&(key.segment, key.responder));
            let two_way = sum.packets.iter().all(|packets| *packets > 0);
            if outside && two_way && key.outcome == Outcome::Answered {
                way_out += sum.flows.max(1);
            }
        }
        let tunnels = view.health.oddities.contains_key(ENCRYPTED_TUNNELS)
            || view.health.limits.contains_key(TUNNELS);
        segments.extend(view.ledger.neighbours().keys().map(|key| key.segment));
        let medical: Vec<&Device> = view
            .inventory
            .devices
            .iter()
            .filter(|device| device.inside && device.role.is_medical())
            .collect();
        let heard = medical
            .iter()
            .filter(|device| device.talks_to.iter().any(|line| line.answered));
        let time = duration(view.watched());
        let directions = if broadcast_only {
            "broadcasts only"
        } else if one_direction {
            "one direction only"
        } else {
            "both directions"
        };
        let segments = list(segments.iter().map(ToString::to_string));
        let at = if segments.is_empty() {
            "no segment"
        } else {
            &segments
        };
        let packets = view.health.packets.saturating_sub(view.health.link_own);
        let lost = view.loss_ppm() as f64 / 10_000.0;
        Sight {
            broadcast_only,
            one_direction,
            wan_only: !points.is_empty() && points.iter().all(|p| *p == CapturePoint::Wan),
            way_out,
            lossy: view.is_lossy(),
            cut: view.health.cut_by_snaplen * 100 > view.health.packets,
            tunnels,
            conflicts: view.health.conflicting_flows > 0,
            undecoded: view.health.undecoded * 2 > packets,
            in_the_air: view.health.radio_encrypted * 2 > packets,
            medical: medical.len(),
            medical_heard: heard.count(),
            watched: format!("watched {time} on {at}, {directions}, {lost:.2} % lost"),
            time,
        }
    }

    /// Conversations are seen both ways and whole: what is not there did not happen here.
    pub(super) fn is_clear(&self) -> bool {
        self.obstacle().is_none()
    }

    /// Why the capture cannot tell; `None` when it could.
    pub(super) fn obstacle(&self) -> Option<&'static str> {
        if self.in_the_air {
            Some("most frames in the air are encrypted: capture at the wireless controller")
        } else if self.undecoded {
            Some("most packets are of a kind that this version does not decode")
        } else if self.broadcast_only {
            Some("only broadcasts were captured")
        } else if self.one_direction {
            Some("only one direction was captured")
        } else if self.lossy && self.cut {
            Some("packets were cut short: capture whole ones (tcpdump -s 0)")
        } else if self.lossy {
            Some("more than 1 % of the packets are missing")
        } else if self.conflicts {
            Some("different bytes came for the same place: one version hides the other")
        } else if self.tunnels {
            Some("some traffic is in tunnels that are encrypted, or too deep in each other")
        } else {
            None
        }
    }
}

/// `2 medical devices`.
pub(super) fn devices_words(number: usize) -> String {
    count(number, "medical device", "medical devices")
}

/// A device that is neither a computer of an office nor of the network, or is hinted to be a
/// medical one.
pub(super) fn is_embedded(device: &Device) -> bool {
    let mut claims = device.claims.iter();
    device.role.is_medical()
        || matches!(
            device.role,
            Role::Printer | Role::Phone | Role::Camera | Role::Other
        )
        || claims.any(|claim| claim.attribute == "family_hint")
}
