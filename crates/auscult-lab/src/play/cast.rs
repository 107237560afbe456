//! Who is in a story: hosts on segments, hosts far away, and the paths between them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use auscult_model::{MacAddr, Timestamp};
use serde::Deserialize;
use toml::Value;

use super::fill::Filling;
use crate::net::{Host, MS, Path, Recorder};
use crate::stage::Stage;
use crate::truth::Truth;
use crate::wire::tcp::Stack;

/// How far away a host is.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Far {
    /// The gateway that leads there; without it, the one of the other side's segment.
    via: Option<String>,
    /// Time to live as it arrives.
    ttl: u8,
    /// Round trip in milliseconds.
    rtt_ms: f64,
}

impl Default for Far {
    fn default() -> Self {
        Far {
            via: None,
            ttl: 53,
            rtt_ms: 18.0,
        }
    }
}

/// A host as the file tells it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    ip: Ipv4Addr,
    /// Vendor prefix.
    maker: Option<String>,
    mac: Option<String>,
    /// Another host whose card it is.
    card: Option<String>,
    vlan: Option<u16>,
    #[serde(default)]
    stack: Kind,
    ttl: Option<u8>,
    mss: Option<u16>,
    /// It leads out of its segment.
    #[serde(default)]
    gateway: bool,
    /// The gateway that it uses, where there are several.
    via: Option<String>,
    far: Option<Far>,
    /// As many hosts, numbered from 1, at ascending addresses.
    count: Option<u8>,
    /// Its role, in the vocabulary of reports; alternatives by `|`.
    role: Option<String>,
    /// It never asks by ARP, as if it had done so before the capture.
    #[serde(default)]
    knows_all: bool,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    Linux,
    Embedded,
    Windows,
    Small,
}

impl Kind {
    fn stack(self) -> Stack {
        match self {
            Kind::Linux => Stack::LINUX,
            Kind::Embedded => Stack::EMBEDDED_LINUX,
            Kind::Windows => Stack::WINDOWS,
            Kind::Small => Stack::SMALL,
        }
    }
}

/// One of the cast.
struct Actor {
    host: Host,
    gateway: bool,
    via: Option<String>,
    far: Option<Far>,
    role: Option<String>,
    knows_all: bool,
}

/// All of them by name.
pub(super) struct Cast {
    actors: BTreeMap<String, Actor>,
    /// Who asked for which address already.
    met: BTreeSet<(MacAddr, Ipv4Addr)>,
}

/// Reads six or three octets.
fn octets<const N: usize>(text: &str) -> Result<[u8; N], String> {
    let mut out = [0; N];
    let mut parts = text.split(':');
    for slot in &mut out {
        let part = parts
            .next()
            .and_then(|part| u8::from_str_radix(part, 16).ok());
        *slot = part.ok_or(format!("`{text}` is no MAC address"))?;
    }
    Ok(out)
}

/// A MAC address in hexadecimal.
pub(super) fn mac(text: &str) -> Result<MacAddr, String> {
    octets(text).map(MacAddr)
}

impl Cast {
    pub(super) fn new(
        stage: &mut Stage,
        filling: &mut Filling,
        hosts: &BTreeMap<String, Value>,
    ) -> Result<Cast, String> {
        let mut cast = Cast {
            actors: BTreeMap::new(),
            met: BTreeSet::new(),
        };
        let mut borrowed = Vec::new();
        for (name, value) in hosts {
            let wrong = |error: String| format!("host {name}: {error}");
            let filled = filling.fill(value, &|_| None).map_err(wrong)?;
            let told: Told = filled
                .try_into()
                .map_err(|e: toml::de::Error| wrong(e.message().to_owned()))?;
            if let Some(owner) = &told.card {
                borrowed.push((name.clone(), owner.clone()));
            }
            match told.count {
                None => cast.enter(stage, name.clone(), &told, 0).map_err(wrong)?,
                Some(count) => {
                    for n in 0..count {
                        let name = format!("{name}{}", n + 1);
                        cast.enter(stage, name, &told, n.into()).map_err(wrong)?;
                    }
                }
            }
        }
        for (name, owner) in borrowed {
            let mac = cast.host(&owner)?.mac;
            if let Some(actor) = cast.actors.get_mut(&name) {
                actor.host.mac = mac;
            }
        }
        Ok(cast)
    }

    fn enter(
        &mut self,
        stage: &mut Stage,
        name: String,
        told: &Told,
        above: u32,
    ) -> Result<(), String> {
        let mut stack = told.stack.stack();
        stack.ttl = told
            .ttl
            .unwrap_or(if told.gateway { 255 } else { stack.ttl });
        stack.mss = told.mss.unwrap_or(stack.mss);
        let mac = match (&told.mac, &told.maker) {
            (Some(text), _) => mac(text)?,
            (None, Some(prefix)) => stage.mac(octets(prefix)?),
            (None, None) if told.gateway => stage.mac([0x00, 0x1b, 0x17]),
            (None, None) => stage.mac([0xd4, 0xbe, 0xd9]),
        };
        let host = Host {
            mac,
            ip: Ipv4Addr::from(u32::from(told.ip).wrapping_add(above)),
            vlan: told.vlan,
            stack,
        };
        let actor = Actor {
            host,
            gateway: told.gateway,
            via: told.via.clone(),
            far: told.far.clone(),
            role: told.role.clone(),
            knows_all: told.knows_all,
        };
        self.actors.insert(name, actor);
        Ok(())
    }

    fn actor(&self, name: &str) -> Result<&Actor, String> {
        self.actors
            .get(name)
            .ok_or_else(|| format!("no host is called `{name}`"))
    }

    /// A host by name.
    pub(super) fn host(&self, name: &str) -> Result<Host, String> {
        self.actor(name).map(|actor| actor.host.clone())
    }

    /// The address of a host, or one that is written out.
    pub(super) fn address(&self, name: &str) -> Result<Ipv4Addr, String> {
        match self.actors.get(name) {
            Some(actor) => Ok(actor.host.ip),
            None => name
                .parse()
                .map_err(|_| format!("`{name}` is neither a host nor an address")),
        }
    }

    /// The gateway that a host uses.
    pub(super) fn gateway(&self, name: &str) -> Result<Host, String> {
        let actor = self.actor(name)?;
        if let Some(via) = &actor.via {
            return self.host(via);
        }
        let on_segment = |other: &&Actor| other.gateway && other.host.vlan == actor.host.vlan;
        let found = self.actors.values().find(on_segment);
        found
            .map(|actor| actor.host.clone())
            .ok_or_else(|| format!("no gateway for `{name}`"))
    }

    /// The path between two hosts, after what they ask by ARP the first time.
    pub(super) fn path(
        &mut self,
        rec: &mut Recorder,
        (from, to): (&str, &str),
        at: Timestamp,
    ) -> Result<(Path, (Stack, Stack), Timestamp), String> {
        let (a, b) = (self.actor(from)?, self.actor(to)?);
        let stacks = (a.host.stack, b.host.stack);
        let (near, far) = match (&a.far, &b.far) {
            (Some(_), Some(_)) => return Err(format!("`{from}` and `{to}` are both far away")),
            (None, Some(far)) => (from, far.clone()),
            (Some(far), None) => (to, far.clone()),
            (None, None) => return self.inside(rec, (from, to), at),
        };
        let (inside, outside) = if near == from { (a, b) } else { (b, a) };
        let (host, address) = (inside.host.clone(), outside.host.ip);
        let gateway = match &far.via {
            Some(via) => self.host(via)?,
            None => self.gateway(near)?,
        };
        let rtt = (far.rtt_ms * MS as f64) as i64;
        let mut path = Path::through(&host, &gateway, address, far.ttl, rtt);
        let at = if near == from {
            self.meet(rec, near, &gateway, at)
        } else {
            std::mem::swap(&mut path.a, &mut path.b);
            std::mem::swap(&mut path.rtt_a, &mut path.rtt_b);
            for leg in &mut path.legs {
                std::mem::swap(&mut leg.a_mac, &mut leg.b_mac);
                std::mem::swap(&mut leg.a_ttl, &mut leg.b_ttl);
            }
            self.ask(rec, &gateway, &host, at)
        };
        Ok((path, stacks, at))
    }

    fn inside(
        &mut self,
        rec: &mut Recorder,
        (from, to): (&str, &str),
        at: Timestamp,
    ) -> Result<(Path, (Stack, Stack), Timestamp), String> {
        let (a, b) = (self.host(from)?, self.host(to)?);
        let stacks = (a.stack, b.stack);
        if a.vlan == b.vlan {
            let at = self.meet(rec, from, &b, at);
            return Ok((Path::on_link(&a, &b), stacks, at));
        }
        let (ga, gb) = (self.gateway(from)?, self.gateway(to)?);
        let at = self.meet(rec, from, &ga, at);
        let at = self.ask(rec, &gb, &b, at);
        Ok((Path::routed(&a, ga.mac, gb.mac, &b), stacks, at))
    }

    /// A host asks for another, unless it knows it already.
    fn meet(&mut self, rec: &mut Recorder, who: &str, whom: &Host, at: Timestamp) -> Timestamp {
        match self.actors.get(who) {
            Some(actor) if !actor.knows_all => {
                let asker = actor.host.clone();
                self.ask(rec, &asker, whom, at)
            }
            _ => at,
        }
    }

    fn ask(&mut self, rec: &mut Recorder, asker: &Host, whom: &Host, at: Timestamp) -> Timestamp {
        if self.met.insert((asker.mac, whom.ip)) {
            rec.resolve(at, asker, whom.ip, Some(whom.mac)).plus(MS)
        } else {
            at
        }
    }

    /// Devices and roles, as far as the file says them.
    pub(super) fn tell(&self, truth: &mut Truth) {
        for (name, actor) in &self.actors {
            if let Some(role) = &actor.role {
                truth.device(name, &actor.host, role);
            }
        }
    }
}
