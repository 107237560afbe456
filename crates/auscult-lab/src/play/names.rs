//! Verbs of addresses and names: DHCP, DNS, and names that are shouted on the segment.

use std::net::Ipv4Addr;

use auscult_model::Timestamp;
use serde::Deserialize;

use super::Player;
use crate::net::{Host, MS, Path, Transport, US, Way};
use crate::speak::dhcp::{self, Kind};
use crate::speak::{dns, lines, mdns, netbios};

/// A server's part in a lease.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Offer {
    by: String,
    /// The router it tells; without it, the segment's gateway.
    router: Option<String>,
    /// The name server it tells; without it, itself.
    dns: Option<String>,
    /// The server's address as the message has it, when it is not that of the sender.
    says: Option<String>,
}

/// `lease`: a client asks for an address; all servers offer, the last one's offer is taken.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lease {
    who: String,
    from: Vec<Offer>,
    name: Option<String>,
    #[serde(default)]
    class: Option<String>,
    #[serde(default)]
    parameters: Vec<u8>,
    /// The gateway of the client's segment relays to servers elsewhere.
    relay: Option<String>,
    /// Collectors that get a copy of what the client says, and never answer.
    #[serde(default)]
    copies: Vec<String>,
}

/// What Windows asks for (option 55).
const WINDOWS: [u8; 14] = [1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 119, 121, 249, 252];

impl Lease {
    pub(super) fn act(&self, player: &mut Player, at: Timestamp) -> Result<Timestamp, String> {
        let host = player.cast.host(&self.who)?;
        let parameters = if self.parameters.is_empty() {
            WINDOWS.to_vec()
        } else {
            self.parameters.clone()
        };
        let client = dhcp::Client {
            host_name: self.name.clone(),
            vendor_class: self.class.clone(),
            parameters,
        };
        let relay = match &self.relay {
            Some(name) => Some(player.cast.host(name)?),
            None => None,
        };
        let mut offers = Vec::new();
        for offer in &self.from {
            offers.push((player.cast.host(&offer.by)?, self.offered(player, offer)?));
        }
        let Some((_, taken)) = offers.last().cloned() else {
            return Err("no server".to_owned());
        };
        let xid = player.stage.prng.next_u64() as u32;
        let mut now = at;
        for (ask, answer) in [(Kind::Discover, Kind::Offer), (Kind::Request, Kind::Ack)] {
            let said = dhcp::message(ask, xid, host.mac, &client, &taken);
            self.upward(player, now, (&host, relay.as_ref()), said.clone())?;
            for (server, lease) in &offers {
                if answer == Kind::Ack && lease.server != taken.server {
                    continue;
                }
                now = now.plus(3 * MS);
                let said = dhcp::message(answer, xid, host.mac, &client, lease);
                downward(player, now, (server, &host, relay.as_ref()), said);
            }
            now = now.plus(40 * MS);
        }
        player.stage.rec.announce(now, &host);
        Ok(now)
    }

    fn offered(&self, player: &Player, offer: &Offer) -> Result<dhcp::Lease, String> {
        let server = player.cast.address(&offer.by)?;
        let or = |name: &Option<String>, other: Ipv4Addr| match name {
            Some(name) => player.cast.address(name),
            None => Ok(other),
        };
        let gateway = player
            .cast
            .gateway(&self.who)
            .map_or(server, |host| host.ip);
        Ok(dhcp::Lease {
            ip: player.cast.address(&self.who)?,
            prefix: 24,
            router: or(&offer.router, gateway)?,
            dns: or(&offer.dns, server)?,
            server: or(&offer.says, server)?,
        })
    }

    fn upward(
        &self,
        player: &mut Player,
        at: Timestamp,
        (host, relay): (&Host, Option<&Host>),
        mut said: Vec<u8>,
    ) -> Result<(), String> {
        let nobody = Host {
            ip: Ipv4Addr::UNSPECIFIED,
            ..host.clone()
        };
        let all = Ipv4Addr::BROADCAST;
        let rec = &mut player.stage.rec;
        rec.broadcast(at, &nobody, all, (68, 67), &said);
        let Some(relay) = relay else { return Ok(()) };
        said[3] = 1;
        said[24..28].copy_from_slice(&relay.ip.octets());
        let others = self.copies.iter();
        for name in self.from.iter().map(|offer| &offer.by).chain(others) {
            let server = player.cast.host(name)?;
            if server.vlan == relay.vlan {
                let path = Path::on_link(relay, &server);
                let at = at.plus(900 * US);
                player.stage.rec.udp(at, &path, Way::Out, (67, 67), &said);
            }
        }
        Ok(())
    }
}

/// An answer to the client, through the relay where there is one.
fn downward(
    player: &mut Player,
    at: Timestamp,
    (server, host, relay): (&Host, &Host, Option<&Host>),
    mut said: Vec<u8>,
) {
    let mut speaker = server;
    if let Some(relay) = relay {
        said[3] = 1;
        said[24..28].copy_from_slice(&relay.ip.octets());
        speaker = relay;
    }
    let path = Path::on_link(speaker, host);
    player.stage.rec.udp(at, &path, Way::Out, (67, 68), &said);
}

/// `pxe`: a computer starts from the network. The address comes from one server; another adds
/// where the boot files are, and is asked again on port 4011 (PXE 2.1).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pxe {
    who: String,
    dhcp: String,
    boot: String,
    file: String,
}

impl Pxe {
    pub(super) fn act(&self, player: &mut Player, at: Timestamp) -> Result<Timestamp, String> {
        let host = player.cast.host(&self.who)?;
        let (server, boot) = (player.cast.host(&self.dhcp)?, player.cast.host(&self.boot)?);
        let client = dhcp::Client {
            host_name: None,
            vendor_class: Some("PXEClient:Arch:00007:UNDI:003016".to_owned()),
            parameters: vec![1, 2, 3, 4, 5, 6, 12, 13, 15, 17, 43, 54, 60, 66, 67],
        };
        let gateway = player.cast.gateway(&self.who);
        let router = gateway.map_or(server.ip, |gateway| gateway.ip);
        // The boot server gives no address, and names no router.
        let lease = |by: &Host| {
            let given = |ip| match by.ip == server.ip {
                true => ip,
                false => Ipv4Addr::UNSPECIFIED,
            };
            dhcp::Lease {
                ip: given(host.ip),
                prefix: 24,
                router: given(router),
                dns: given(server.ip),
                server: by.ip,
            }
        };
        let xid = player.stage.prng.next_u64() as u32;
        let nobody = Host {
            ip: Ipv4Addr::UNSPECIFIED,
            ..host.clone()
        };
        let message = |kind, from: &Host| dhcp::message(kind, xid, host.mac, &client, &lease(from));
        let extra: [(u8, &[u8]); 3] = [
            (60, b"PXEClient"),
            (43, &[6, 1, 8, 255]),
            (67, self.file.as_bytes()),
        ];
        let all = Ipv4Addr::BROADCAST;
        let rec = &mut player.stage.rec;
        let ports = (68, 67);
        rec.broadcast(at, &nobody, all, ports, &message(Kind::Discover, &server));
        let answer = |kind| dhcp::with_options(&message(kind, &boot), &extra);
        let (down, aside) = (Path::on_link(&server, &host), Path::on_link(&boot, &host));
        let offer = message(Kind::Offer, &server);
        rec.udp(at.plus(2 * MS), &down, Way::Out, (67, 68), &offer);
        rec.udp(
            at.plus(4 * MS),
            &aside,
            Way::Out,
            (67, 68),
            &answer(Kind::Offer),
        );
        let asked = message(Kind::Request, &server);
        rec.broadcast(at.plus(30 * MS), &nobody, all, ports, &asked);
        let given = message(Kind::Ack, &server);
        rec.udp(at.plus(33 * MS), &down, Way::Out, (67, 68), &given);
        let at = rec.resolve(at.plus(40 * MS), &host, boot.ip, Some(boot.mac));
        let asked = message(Kind::Request, &boot);
        rec.udp(at, &aside, Way::Back, (4011, 4011), &asked);
        let at = at.plus(3 * MS);
        rec.udp(at, &aside, Way::Out, (4011, 4011), &answer(Kind::Ack));
        Ok(at)
    }
}

/// `dns`: a question and its answer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dns {
    who: String,
    server: String,
    name: String,
    /// Addresses; or texts, for kinds other than `A`.
    #[serde(default)]
    answer: Vec<String>,
    #[serde(default)]
    kind: Record,
    /// Nobody answers.
    #[serde(default)]
    unanswered: bool,
}

#[derive(Clone, Copy, Default, Deserialize)]
enum Record {
    #[default]
    A,
    #[serde(rename = "TXT")]
    Txt,
    #[serde(rename = "NULL")]
    Null,
    #[serde(rename = "AAAA")]
    Aaaa,
}

impl Dns {
    pub(super) fn act(&self, player: &mut Player, at: Timestamp) -> Result<Timestamp, String> {
        let (path, _, at) = player.path(&self.who, &self.server, at)?;
        let kind = match self.kind {
            Record::A => dns::Kind::A,
            Record::Txt => dns::Kind::Txt,
            Record::Null => dns::Kind::Null,
            Record::Aaaa => dns::Kind::Aaaa,
        };
        let mut data = Vec::new();
        for one in &self.answer {
            data.push(match kind {
                dns::Kind::A => player.cast.address(one)?.octets().to_vec(),
                dns::Kind::Txt => [&[one.len().min(255) as u8], one.as_bytes()].concat(),
                _ => one.as_bytes().to_vec(),
            });
        }
        let prng = &mut player.stage.prng;
        let (id, own) = (prng.next_u64() as u16, prng.between(32_768, 60_000) as u16);
        let rec = &mut player.stage.rec;
        let asked = dns::lookup(id, &self.name, kind);
        rec.udp(at, &path, Way::Out, (own, 53), &asked);
        if self.unanswered {
            return Ok(at);
        }
        let code = if data.is_empty() { 3 } else { 0 };
        let at = at.plus(path.rtt_b + 150 * US);
        let said = dns::outcome(id, &self.name, kind, code, &data);
        rec.udp(at, &path, Way::Back, (own, 53), &said);
        Ok(at.plus(path.rtt_a))
    }
}

/// `llmnr`, `nbns`: a name is asked of all, and some host says that it is its own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shouted {
    who: String,
    name: String,
    by: Option<String>,
}

impl Shouted {
    pub(super) fn act(
        &self,
        player: &mut Player,
        llmnr: bool,
        at: Timestamp,
    ) -> Result<Timestamp, String> {
        let who = player.cast.host(&self.who)?;
        let prng = &mut player.stage.prng;
        let (id, own) = (prng.next_u64() as u16, prng.between(49_152, 65_000) as u16);
        let rec = &mut player.stage.rec;
        let (port, answered) = if llmnr {
            let asked = mdns::llmnr_question(id, &self.name);
            let what = Transport::Udp(own, mdns::LLMNR.1, &asked);
            rec.multicast(at, &who, (mdns::LLMNR.0, 1), &what);
            (mdns::LLMNR.1, own)
        } else {
            let asked = netbios::query(id, &self.name, netbios::COMPUTER);
            let all = Ipv4Addr::from(u32::from(who.ip) | 0xff);
            let port = netbios::PORTS.0;
            rec.broadcast(at, &who, all, (port, port), &asked);
            (port, port)
        };
        let Some(by) = &self.by else { return Ok(at) };
        let holder = player.cast.host(by)?;
        let said = if llmnr {
            mdns::llmnr_answer(id, &self.name, holder.ip)
        } else {
            netbios::answer(id, &self.name, netbios::COMPUTER, holder.ip)
        };
        let path = Path::on_link(&holder, &who);
        let at = at.plus(2 * MS);
        let rec = &mut player.stage.rec;
        rec.udp(at, &path, Way::Out, (port, answered), &said);
        Ok(at)
    }
}

/// `mdns`: a host announces its name and services.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mdns {
    who: String,
    name: String,
    /// Kind, instance and port of each.
    #[serde(default)]
    services: Vec<(String, String, u16)>,
}

impl Mdns {
    pub(super) fn act(&self, player: &mut Player, at: Timestamp) -> Result<Timestamp, String> {
        let who = player.cast.host(&self.who)?;
        let service = |(kind, instance, port): &(String, String, u16)| mdns::Service {
            kind: kind.clone(),
            instance: instance.clone(),
            port: *port,
            text: Vec::new(),
        };
        let services: Vec<_> = self.services.iter().map(service).collect();
        let said = mdns::announcement(&self.name, who.ip, &services);
        let what = Transport::Udp(mdns::MDNS.1, mdns::MDNS.1, &said);
        let rec = &mut player.stage.rec;
        rec.multicast(at, &who, (mdns::MDNS.0, 255), &what);
        Ok(at)
    }
}

/// `ssdp`: a host announces a kind of service.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ssdp {
    who: String,
    server: String,
    kind: String,
}

impl Ssdp {
    pub(super) fn act(&self, player: &mut Player, at: Timestamp) -> Result<Timestamp, String> {
        let who = player.cast.host(&self.who)?;
        let uuid = format!("0a1b2c3d-0000-4000-8000-{:012x}", u32::from(who.ip));
        let said = lines::notify(who.ip, &self.server, &uuid, &self.kind);
        let what = Transport::Udp(lines::SSDP.1, lines::SSDP.1, &said);
        let rec = &mut player.stage.rec;
        rec.multicast(at, &who, (lines::SSDP.0, 4), &what);
        Ok(at)
    }
}
