//! Frames of other links than Ethernet: what is counted of them, and what access points and
//! stations say of themselves.

use std::net::{IpAddr, Ipv4Addr};

use auscult_capture::PacketMeta;
use auscult_model::{Endpoint, Event, Segment};
use auscult_packet::{Layers, StopReason, is_wireless};
use auscult_protocols::{Limits, Mark, wlan};

use crate::statement::packet_event;

/// Counts of frames that say little or nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LinkCounts {
    /// Frames of data from the air.
    pub(crate) radio: u64,
    /// Those of them that are encrypted.
    pub(crate) encrypted: u64,
    /// Frames of a link that carry no packet by their nature.
    pub(crate) own: u64,
    unknown_link: u64,
    damaged: u64,
    pieces: u64,
}

impl LinkCounts {
    /// Adds another shard's.
    pub(crate) fn add(&mut self, other: &LinkCounts) {
        self.radio += other.radio;
        self.encrypted += other.encrypted;
        self.own += other.own;
        self.unknown_link += other.unknown_link;
        self.damaged += other.damaged;
        self.pieces += other.pieces;
    }

    /// Counts a frame of another link than Ethernet.
    pub(crate) fn count(&mut self, layers: &Layers) {
        let why = layers.stop.map(|stop| stop.why);
        match why {
            Some(StopReason::LinkOwn) => self.own += 1,
            Some(StopReason::LinkType) => self.unknown_link += 1,
            Some(StopReason::Damaged) => self.damaged += 1,
            _ if is_wireless(layers.link) => {
                self.radio += 1;
                self.encrypted += u64::from(why == Some(StopReason::Encrypted));
                self.pieces += u64::from(why == Some(StopReason::LinkFragment));
            }
            _ => {}
        }
    }

    /// What is not as it should be, by name.
    pub(crate) fn oddities(&self, into: &mut Limits) {
        for (name, count) in [
            (
                "packets of a link type that is not known",
                self.unknown_link,
            ),
            ("frames that were received damaged", self.damaged),
            ("later pieces of frames cut by the radio link", self.pieces),
        ] {
            if count > 0 {
                *into.entry(name).or_default() += count;
            }
        }
    }
}

/// What a frame of management says of its sender.
pub(crate) fn spoken(
    meta: &PacketMeta,
    frame: &[u8],
    layers: &Layers,
    segment: Segment,
    mut tell: impl FnMut(Event),
) {
    let Some(stop) = layers.stop.filter(|stop| stop.why == StopReason::LinkOwn) else {
        return;
    };
    if !is_wireless(layers.link) {
        return;
    }
    let Some(spoken) = wlan::said(frame.get(stop.at as usize..).unwrap_or_default()) else {
        return;
    };
    // In the air there is no segment: a network's name may lead to several. So nobody is named
    // but by the claim.
    let nobody = Endpoint {
        segment,
        mac: None,
        ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        port: 0,
    };
    let at = Mark {
        time: meta.time,
        packet: meta.reference(),
    };
    for meaning in spoken.claims {
        let name = wlan::RECORD.name;
        tell(packet_event(name, nobody, nobody, at, meaning));
    }
}
