//! What address resolution says, whether ARP or IPv6 neighbour discovery said it.
//!
//! Sources: RFC 826, RFC 5227 (ARP probe and announcement), RFC 4861 §4.3, §4.4, RFC 4862 §5.4.

use std::net::IpAddr;

use auscult_model::{Assignment, MacAddr, Meaning};

/// One message of address resolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Neighbour {
    /// "Who has `target`? Tell me."
    Question {
        /// Who asks.
        mac: MacAddr,
        /// The address that it says it has itself.
        ip: IpAddr,
        /// Wanted.
        target: IpAddr,
    },
    /// "Is anybody using `target`?", asked by a station that has no address yet.
    Probe {
        /// Who asks.
        mac: MacAddr,
        /// The address that it would like to use.
        target: IpAddr,
    },
    /// "`ip` is at `mac`", to the one who asked.
    Answer {
        /// Who answers, or whom it answers for.
        mac: MacAddr,
        /// The address.
        ip: IpAddr,
    },
    /// "`ip` is at `mac`", unasked and to everybody (gratuitous ARP).
    Announcement {
        /// Holder.
        mac: MacAddr,
        /// The address.
        ip: IpAddr,
    },
}

impl Neighbour {
    /// Who says to have which address; a probe says nothing of the kind.
    pub fn holder(&self) -> Option<(MacAddr, IpAddr)> {
        match *self {
            Neighbour::Question { mac, ip, .. }
            | Neighbour::Answer { mac, ip }
            | Neighbour::Announcement { mac, ip } => Some((mac, ip)),
            Neighbour::Probe { .. } => None,
        }
    }

    /// The address that was asked for.
    pub fn wanted(&self) -> Option<IpAddr> {
        match *self {
            Neighbour::Question { target, .. } | Neighbour::Probe { target, .. } => Some(target),
            Neighbour::Answer { .. } | Neighbour::Announcement { .. } => None,
        }
    }

    /// The statement about the holder.
    pub fn meaning(&self) -> Option<Meaning> {
        let (mac, ip) = self.holder()?;
        Some(Meaning::AddressAssigned {
            mac,
            ip,
            how: Assignment::Announced,
        })
    }
}
