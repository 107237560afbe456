//! Verbs of the segment: ARP, announcements, false claims, routers that share an address.

use auscult_model::{MacAddr, Timestamp};
use serde::Deserialize;

use super::{Player, cast};
use crate::net::{Host, Transport};
use crate::speak::link;
use crate::wire::{arp, ethernet};

/// `arp`: who asks for what, and which host answers.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ask {
    who: String,
    /// A host or an address.
    wants: String,
    by: Option<String>,
    /// From 0.0.0.0: whether the address is free (RFC 5227).
    #[serde(default)]
    probe: bool,
}

impl Ask {
    pub(super) fn act(&self, player: &mut Player, at: Timestamp) -> Result<Timestamp, String> {
        let mut who = player.cast.host(&self.who)?;
        let wanted = player.cast.address(&self.wants)?;
        let by = match &self.by {
            Some(name) => Some(player.cast.host(name)?.mac),
            None => None,
        };
        if self.probe {
            who.ip = std::net::Ipv4Addr::UNSPECIFIED;
        }
        Ok(player.stage.rec.resolve(at, &who, wanted, by))
    }
}

/// `announce`: a host tells its own address to all, by ARP or as a hypervisor does (RARP).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Announce {
    who: String,
    #[serde(default)]
    moved: bool,
}

impl Announce {
    pub(super) fn act(&self, player: &mut Player, at: Timestamp) -> Result<Timestamp, String> {
        let who = player.cast.host(&self.who)?;
        if self.moved {
            let macs = (who.mac, MacAddr::BROADCAST);
            let said = link::moved(who.mac);
            let rec = &mut player.stage.rec;
            rec.ethernet(at, who.vlan, macs, link::RARP, &said);
        } else {
            player.stage.rec.announce(at, &who);
        }
        Ok(at)
    }
}

/// `claim`: a host says by ARP that an address is its own, to one host or to all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Claim {
    who: String,
    address: String,
    to: Option<String>,
}

impl Claim {
    pub(super) fn act(&self, player: &mut Player, at: Timestamp) -> Result<Timestamp, String> {
        let who = player.cast.host(&self.who)?;
        let address = player.cast.address(&self.address)?;
        let (mac, ip) = match &self.to {
            Some(name) => {
                let host = player.cast.host(name)?;
                (host.mac, host.ip)
            }
            None => (MacAddr::BROADCAST, address),
        };
        let said = arp::reply((who.mac, address), (mac, ip));
        let rec = &mut player.stage.rec;
        rec.ethernet(at, who.vlan, (who.mac, mac), ethernet::ARP, &said);
        Ok(at)
    }
}

/// `router-group`: a router says that it holds, or waits for, a shared address.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RouterGroup {
    who: String,
    kind: GroupKind,
    group: u8,
    /// The host that stands for the shared address.
    shared: String,
    #[serde(default = "yes")]
    active: bool,
}

fn yes() -> bool {
    true
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum GroupKind {
    Vrrp,
    Hsrp,
}

impl RouterGroup {
    pub(super) fn act(&self, player: &mut Player, at: Timestamp) -> Result<Timestamp, String> {
        let who = player.cast.host(&self.who)?;
        let shared = player.cast.host(&self.shared)?;
        let mac = if self.active { shared.mac } else { who.mac };
        let speaker = Host { mac, ..who };
        let rec = &mut player.stage.rec;
        match self.kind {
            GroupKind::Vrrp => {
                let said = link::vrrp(3, speaker.ip, (self.group, 120), shared.ip);
                let what = Transport::Other(link::VRRP.1, &said);
                rec.multicast(at, &speaker, (link::VRRP.0, 255), &what);
            }
            GroupKind::Hsrp => {
                let state = if self.active { 16 } else { 8 };
                let said = link::hsrp(state, 110, self.group, shared.ip);
                let what = Transport::Udp(link::HSRP.1, link::HSRP.1, &said);
                rec.multicast(at, &speaker, (link::HSRP.0, 1), &what);
            }
        }
        Ok(at)
    }
}

/// `frame`: any Ethernet frame, in hexadecimal.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    who: String,
    /// A MAC address.
    to: String,
    ethertype: u16,
    hex: String,
}

impl Raw {
    pub(super) fn act(&self, player: &mut Player, at: Timestamp) -> Result<Timestamp, String> {
        let who = player.cast.host(&self.who)?;
        let to = cast::mac(&self.to)?;
        let bytes = super::raw::hex(&self.hex)?;
        let rec = &mut player.stage.rec;
        rec.ethernet(at, who.vlan, (who.mac, to), self.ethertype, &bytes);
        Ok(at)
    }
}

/// `beacon`: an access point announces its network, for captures from the air (IEEE 802.11).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Beacon {
    who: String,
    /// The network's name.
    ssid: String,
    /// It answers a station that asked, rather than telling all.
    to: Option<String>,
}

impl Beacon {
    pub(super) fn act(&self, player: &mut Player, at: Timestamp) -> Result<Timestamp, String> {
        let who = player.cast.host(&self.who)?;
        let (kind, to) = match &self.to {
            Some(name) => (0x50, player.cast.host(name)?.mac),
            None => (0x80, MacAddr::BROADCAST),
        };
        let mut out = vec![kind, 0, 0, 0];
        for mac in [to, who.mac, who.mac] {
            out.extend_from_slice(&mac.0);
        }
        let number = player.stage.prng.below(4096) as u16;
        out.extend_from_slice(&(number << 4).to_le_bytes());
        out.extend_from_slice(&((at.0 / 1000) as u64).to_le_bytes());
        // Every 102.4 ms; an infrastructure network with privacy.
        out.extend_from_slice(&[100, 0, 0x11, 0x04]);
        out.extend_from_slice(&[0, self.ssid.len().min(32) as u8]);
        out.extend(self.ssid.bytes().take(32));
        out.extend_from_slice(&[1, 8, 0x82, 0x84, 0x8b, 0x96, 0x24, 0x30, 0x48, 0x6c]);
        out.extend_from_slice(&[3, 1, 6]);
        player.stage.rec.frame(at, out);
        Ok(at)
    }
}
