//! Everything that shares or moves an address and is normal: two routers behind one MAC that
//! change places, forwarders of one gateway, a server's two cards, a machine that moves, two DHCP
//! servers and a relay, a router that answers ARP for others.

use std::net::Ipv4Addr;

use auscult_model::{MacAddr, Timestamp};

use super::{ALL_RULES, Parameters};
use crate::frame::Scene;
use crate::net::{Host, MS, Path, SECOND, Transport, US, Way};
use crate::speak::dhcp::{self, Kind};
use crate::speak::link;
use crate::stage::Stage;
use crate::wire::tcp::Stack;
use crate::wire::{arp, ethernet};

const ROUTER: [u8; 3] = [0x00, 0x1b, 0x17];
const COMPUTER: [u8; 3] = [0xd4, 0xbe, 0xd9];

/// One segment of the scene.
struct Floor {
    vlan: u16,
    /// The third number of its addresses.
    third: u8,
}

impl Floor {
    fn ip(&self, last: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 20, self.third, last)
    }

    fn host(&self, mac: MacAddr, last: u8, stack: Stack) -> Host {
        Host {
            mac,
            ip: self.ip(last),
            vlan: Some(self.vlan),
            stack,
        }
    }
}

/// Two routers, and what they are in each segment.
struct Pair {
    macs: [MacAddr; 2],
}

impl Pair {
    fn on(&self, floor: &Floor, n: usize) -> Host {
        let stack = Stack {
            ttl: 255,
            ..Stack::LINUX
        };
        floor.host(self.macs[n], 2 + n as u8, stack)
    }
}

/// Nothing of this may be accused, and no two devices may be taken for one.
pub fn failover(p: &Parameters) -> Scene {
    let note = "routers, servers and machines that share or move their addresses; nothing to find";
    let mut stage = Stage::new(p.seed, note);
    let first = stage.prng.between(10, 900) as u16;
    let floors = [0, 1, 2].map(|n: u8| Floor {
        vlan: first + 40 * u16::from(n),
        third: 10 + 20 * n,
    });
    let macs = [stage.mac(ROUTER), stage.mac(ROUTER)];
    let pair = Pair { macs };
    virtual_router(&mut stage, &floors[0], &pair);
    standby_router(&mut stage, &floors[1], &pair);
    forwarders(&mut stage, &floors[2]);
    leases(&mut stage, (&floors[0], &floors[1]), &pair);
    cards_and_moves(&mut stage, &floors[1]);
    proxy(&mut stage, &floors[1], &pair);
    let truth = &mut stage.truth;
    truth
        .macs_apart
        .push((macs[0].to_string(), macs[1].to_string()));
    truth.must_not(&ALL_RULES);
    truth.must_not(&["advisory-device-present", "impostor"]);
    truth.nothing_else_from = Some("low".to_owned());
    stage.finish()
}

fn client(stage: &mut Stage, floor: &Floor, last: u8) -> Host {
    floor.host(stage.mac(COMPUTER), last, Stack::WINDOWS)
}

fn browse(stage: &mut Stage, at: Timestamp, host: &Host, gateway: &Host) {
    let at = stage.rec.resolve(at, host, gateway.ip, Some(gateway.mac));
    let far = Ipv4Addr::new(198, 51, 100, stage.prng.between(10, 200) as u8);
    let path = Path::through(host, gateway, far, 54, 17 * MS);
    let stacks = (host.stack, Stack::LINUX);
    stage.browse(at, &path, stacks, "journal.example", 1);
}

/// VRRP: the first router falls silent after twenty seconds, the second takes over address and
/// MAC, and the first comes back.
fn virtual_router(stage: &mut Stage, floor: &Floor, pair: &Pair) {
    let group = stage.prng.between(1, 200) as u8;
    let version = *stage.prng.pick(&[2, 3]);
    let shared = floor.host(link::vrrp_mac(group), 1, pair.on(floor, 0).stack);
    for n in 0..2 {
        stage
            .rec
            .announce(stage.at(40 + n), &pair.on(floor, n as usize));
    }
    for second in 0..60 {
        let holder = usize::from((20..40).contains(&second));
        let router = pair.on(floor, holder);
        if (21..23).contains(&second) {
            continue;
        }
        let priority = [120, 100][holder];
        let said = link::vrrp(version, router.ip, (group, priority), shared.ip);
        let speaker = Host {
            mac: shared.mac,
            ..router
        };
        let at = stage.at(100 + second * 1_000);
        let what = Transport::Other(link::VRRP.1, &said);
        stage
            .rec
            .multicast(at, &speaker, (link::VRRP.0, 255), &what);
        if [0, 20, 40].contains(&second) {
            stage.rec.announce(at.plus(MS), &shared);
        }
    }
    let host = client(stage, floor, 101);
    for second in [5, 25, 45] {
        browse(stage, stage.at(second * 1_000), &host, &shared);
    }
    let roles = "network-device|gateway";
    stage.truth.device("virtual router", &shared, roles);
    stage
        .truth
        .device("client", &host, "workstation|other|unknown");
}

/// HSRP: an active and a standby router.
fn standby_router(stage: &mut Stage, floor: &Floor, pair: &Pair) {
    let group = stage.prng.between(1, 200) as u8;
    let shared = floor.host(link::hsrp_mac(group), 1, pair.on(floor, 0).stack);
    for second in (0..60).step_by(3) {
        for n in 0..2 {
            let router = pair.on(floor, n);
            let said = link::hsrp([16, 8][n], [110, 100][n], group, shared.ip);
            let speaker = Host {
                mac: [shared.mac, router.mac][n],
                ..router
            };
            let at = stage.at(400 + second * 1_000 + n as i64 * 70);
            let what = Transport::Udp(link::HSRP.1, link::HSRP.1, &said);
            stage.rec.multicast(at, &speaker, (link::HSRP.0, 1), &what);
        }
    }
    let host = client(stage, floor, 101);
    browse(stage, stage.at(9_000), &host, &shared);
    let roles = "network-device|gateway";
    stage.truth.device("standby router", &shared, roles);
}

/// GLBP: one gateway, and each client is told another of its MACs.
fn forwarders(stage: &mut Stage, floor: &Floor) {
    let stack = Stack {
        ttl: 255,
        ..Stack::LINUX
    };
    for n in 1..=3 {
        let gateway = floor.host(link::glbp_mac(7, n), 1, stack);
        let host = client(stage, floor, 110 + n);
        for k in 0..2 {
            let at = stage.at(3_000 * i64::from(n) + k * 20_000);
            browse(stage, at, &host, &gateway);
        }
    }
}

/// Two DHCP servers that share the work: both offer, one is taken. In the other segment the first
/// router relays to both.
fn leases(stage: &mut Stage, (near, far): (&Floor, &Floor), pair: &Pair) {
    let servers = [5, 6].map(|last| {
        let mac = stage.mac(COMPUTER);
        near.host(mac, last, Stack::WINDOWS)
    });
    for (floor, relayed) in [(near, false), (far, true)] {
        let host = client(stage, floor, 120);
        let xid = stage.prng.next_u64() as u32;
        let who = dhcp::Client {
            host_name: None,
            vendor_class: Some("MSFT 5.0".to_owned()),
            parameters: vec![1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 119, 121, 249, 252],
        };
        let exchange = Exchange {
            floor,
            relay: relayed.then(|| (pair.on(floor, 0), pair.on(near, 0))),
            servers: &servers,
            who: &who,
            xid,
        };
        let start = stage.at(if relayed { 14_000 } else { 1_000 });
        for (n, kind) in [Kind::Discover, Kind::Offer, Kind::Request, Kind::Ack]
            .into_iter()
            .enumerate()
        {
            exchange.step(stage, start.plus(n as i64 * 20 * MS), &host, kind);
        }
        // The client asks whether the address is free before it says that it is its own.
        for n in 0..3 {
            let at = start.plus(SECOND + n * 900 * MS);
            let probe = arp::request((host.mac, Ipv4Addr::UNSPECIFIED), host.ip);
            let macs = (host.mac, MacAddr::BROADCAST);
            stage
                .rec
                .ethernet(at, host.vlan, macs, ethernet::ARP, &probe);
        }
        stage.rec.announce(start.plus(5 * SECOND), &host);
        stage.truth.device("client", &host, "workstation");
    }
    for server in &servers {
        stage.truth.device("address server", server, "server");
    }
    stage
        .truth
        .macs_apart
        .push((servers[0].mac.to_string(), servers[1].mac.to_string()));
}

/// One lease in the making.
struct Exchange<'a> {
    floor: &'a Floor,
    /// The relay as the client and as the servers see it.
    relay: Option<(Host, Host)>,
    servers: &'a [Host; 2],
    who: &'a dhcp::Client,
    xid: u32,
}

impl Exchange<'_> {
    fn step(&self, stage: &mut Stage, at: Timestamp, host: &Host, kind: Kind) {
        let from_client = matches!(kind, Kind::Discover | Kind::Request);
        let answering = if kind == Kind::Ack { 1 } else { 2 };
        for (n, server) in self.servers.iter().enumerate() {
            let at = at.plus(n as i64 * 3 * MS);
            // In a request the client names the first server; both hear it.
            let named = if kind == Kind::Request {
                &self.servers[0]
            } else {
                server
            };
            let lease = dhcp::Lease {
                ip: host.ip,
                prefix: 24,
                router: self.floor.ip(1),
                dns: named.ip,
                server: named.ip,
            };
            let mut message = dhcp::message(kind, self.xid, host.mac, self.who, &lease);
            if from_client {
                self.upward(stage, at, (host, server, n), &mut message);
            } else if n < answering {
                self.downward(stage, at, (host, server), &mut message);
            }
        }
    }

    fn upward(
        &self,
        stage: &mut Stage,
        at: Timestamp,
        (host, server, n): (&Host, &Host, usize),
        message: &mut [u8],
    ) {
        if n == 0 {
            let nobody = Host {
                ip: Ipv4Addr::UNSPECIFIED,
                ..host.clone()
            };
            let ports = (68, 67);
            stage
                .rec
                .broadcast(at, &nobody, Ipv4Addr::BROADCAST, ports, message);
        }
        if let Some((inner, outer)) = &self.relay {
            through(message, inner.ip);
            let path = Path::on_link(outer, server);
            let at = at.plus(800 * US);
            stage.rec.udp(at, &path, Way::Out, (67, 67), message);
        }
    }

    fn downward(
        &self,
        stage: &mut Stage,
        at: Timestamp,
        (host, server): (&Host, &Host),
        message: &mut [u8],
    ) {
        let Some((inner, outer)) = &self.relay else {
            let path = Path::on_link(server, host);
            stage.rec.udp(at, &path, Way::Out, (67, 68), message);
            return;
        };
        through(message, inner.ip);
        // The answer goes to the address of the relay in the client's segment.
        let mut path = Path::on_link(server, outer);
        path.b = inner.ip;
        stage.rec.udp(at, &path, Way::Out, (67, 67), message);
        let path = Path::on_link(inner, host);
        let at = at.plus(700 * US);
        stage.rec.udp(at, &path, Way::Out, (67, 68), message);
    }
}

/// Writes the relay's address into a DHCP message (RFC 2131: giaddr), and that it was one hop.
fn through(message: &mut [u8], relay: Ipv4Addr) {
    message[3] = 1;
    message[24..28].copy_from_slice(&relay.octets());
}

/// A server whose second card takes over, and a virtual machine that moves to another host.
fn cards_and_moves(stage: &mut Stage, floor: &Floor) {
    let asker = client(stage, floor, 130);
    let cards = [stage.mac(COMPUTER), stage.mac(COMPUTER)];
    for (n, mac) in cards.into_iter().enumerate() {
        let server = floor.host(mac, 50, Stack::WINDOWS);
        let at = stage.at(4_000 + n as i64 * 25_000);
        stage.rec.announce(at, &server);
        let at = stage
            .rec
            .resolve(at.plus(SECOND), &asker, server.ip, Some(mac));
        let path = Path::on_link(&asker, &server);
        let stacks = (asker.stack, server.stack);
        stage.browse(at, &path, stacks, "intern.klinik.example", 1);
    }
    let machine = floor.host(stage.mac([0x00, 0x50, 0x56]), 51, Stack::LINUX);
    stage.rec.announce(stage.at(2_000), &machine);
    for n in 0..3 {
        let at = stage.at(33_000 + n * 1_000);
        let macs = (machine.mac, MacAddr::BROADCAST);
        let moved = link::moved(machine.mac);
        stage
            .rec
            .ethernet(at, machine.vlan, macs, link::RARP, &moved);
    }
    let path = Path::on_link(&asker, &machine);
    let at = stage.at(37_000);
    let at = stage.rec.resolve(at, &asker, machine.ip, Some(machine.mac));
    let stacks = (asker.stack, machine.stack);
    stage.browse(at, &path, stacks, "intern.klinik.example", 1);
    stage
        .truth
        .macs_apart
        .push((machine.mac.to_string(), asker.mac.to_string()));
}

/// The second router answers ARP for addresses behind it.
fn proxy(stage: &mut Stage, floor: &Floor, pair: &Pair) {
    let router = pair.on(floor, 1);
    let asker = client(stage, floor, 140);
    for last in [7, 8] {
        let at = stage.at(20_000 + i64::from(last) * 1_000);
        let behind = Ipv4Addr::new(10, 21, 99, last);
        let at = stage.rec.resolve(at, &asker, behind, Some(router.mac));
        let path = Path::through(&asker, &router, behind, 127, 2 * MS);
        let stacks = (asker.stack, Stack::WINDOWS);
        stage.browse(at, &path, stacks, "anderswo.klinik.example", 1);
    }
}
