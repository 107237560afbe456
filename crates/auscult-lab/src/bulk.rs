//! Captures of any size for measurements: so many packets, flows and devices, of a usual mix.
//!
//! A flat network of monitors, workstations and servers: telemetry of monitors, HL7 with its
//! acknowledgements, web pages, TLS inside and outside, names looked up, and ARP of every device.
//! Frames are written as they are made, so memory depends on the conversations that are open at a
//! time and not on the length. There is no truth beside it: nothing is judged by these captures.

mod scripts;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::io::{self, Write};
use std::net::Ipv4Addr;

use auscult_model::{MacAddr, Timestamp};

use crate::files;
use crate::frame::{Frame, Link};
use crate::net::{Host, MS, Path, Recorder, SECOND, US, Way};
use crate::prng::Prng;
use crate::speak::dns;
use crate::talk::{Ends, Talk};
use crate::wire::tcp::Stack;
use scripts::{Kind, Script, Scripts};

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The same seed and numbers give the same bytes.
    pub seed: u64,
    /// Packets in all; fewer come when the flows cannot hold so many.
    pub packets: u64,
    /// Conversations in all.
    pub flows: u64,
    /// Conversations open at a time.
    pub live: u64,
    /// Monitors, workstations and servers, at least 16.
    pub devices: u32,
}

impl Plan {
    /// With a tenth of the conversations open at a time.
    pub fn of(packets: u64, flows: u64, devices: u32) -> Self {
        Plan {
            seed: 1,
            packets,
            flows,
            live: flows / 10,
            devices,
        }
    }
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Packets.
    pub packets: u64,
    /// Conversations begun.
    pub flows: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Packets a second on the link.
const RATE: i64 = 20_000;
/// Packets of a round of a conversation, roughly; sets the pace only.
const ROUND: i64 = 5;
/// Packets of the shortest connection, roughly.
const SHORTEST: u64 = 14;
/// One ARP question and answer after so many packets.
const ARP_EVERY: u64 = 40;
/// 2026-06-01T08:00:00Z.
const START: Timestamp = Timestamp(1_780_300_800 * SECOND);
const EPHEMERAL: (u16, u16) = (32_768, 60_000);

/// Writes a classic pcap with nanoseconds.
pub fn write(plan: &Plan, out: &mut dyn Write) -> io::Result<Written> {
    let mut town = Town::new(plan);
    let header = files::pcap_header(Link::Ethernet);
    out.write_all(&header)?;
    town.written.bytes = header.len() as u64;
    let mut buffer = Vec::new();
    loop {
        let next = town.step();
        town.gather();
        // Nothing that is still to come can be earlier than the next conversation's turn.
        while let Some(entry) = town.waiting.first_entry() {
            if next.is_some_and(|next| entry.key().0 >= next) {
                break;
            }
            if town.written.packets == plan.packets {
                return Ok(town.written);
            }
            let ((time, _), bytes) = entry.remove_entry();
            buffer.clear();
            let wire_len = bytes.len() as u32;
            let frame = Frame {
                time,
                interface: 0,
                bytes,
                wire_len,
            };
            files::pcap_record(&mut buffer, &frame);
            out.write_all(&buffer)?;
            town.written.packets += 1;
            town.written.bytes += buffer.len() as u64;
        }
        if next.is_none() {
            return Ok(town.written);
        }
    }
}

/// An open conversation.
struct Open {
    talk: Talk,
    kind: Kind,
    variant: usize,
    round: usize,
    /// Packets it may still have.
    left: i64,
}

struct Town {
    plan: Plan,
    prng: Prng,
    scripts: Scripts,
    rec: Recorder,
    gateway: Host,
    monitors: Vec<Host>,
    workstations: Vec<Host>,
    servers: Vec<Host>,
    /// The last ephemeral port of each client, so that tuples do not come again soon.
    ports: BTreeMap<Ipv4Addr, u16>,
    slots: Vec<Option<Open>>,
    turns: BinaryHeap<Reverse<(Timestamp, usize)>>,
    waiting: BTreeMap<(Timestamp, u64), Vec<u8>>,
    made: u64,
    unassigned: i64,
    until_arp: u64,
    next_arp: usize,
    written: Written,
}

impl Town {
    fn new(plan: &Plan) -> Town {
        let mut prng = Prng::new(plan.seed).fork("bulk");
        let scripts = Scripts::new(&prng);
        let count = plan.devices.max(16);
        let servers = (count / 50).max(Kind::ALL.len() as u32);
        let monitors = (count - servers) * 2 / 5;
        let host = |index: u32, vendor: [u8; 3], stack: Stack| {
            let [_, a, b, c] = (index + 16).to_be_bytes();
            Host {
                mac: MacAddr([vendor[0], vendor[1], vendor[2], a, b, c]),
                ip: Ipv4Addr::new(10, 64 + a, b, c),
                vlan: None,
                stack,
            }
        };
        let range = |from: u32, to: u32, vendor, stack: Stack| -> Vec<Host> {
            (from..to).map(|n| host(n, vendor, stack)).collect()
        };
        let live = plan.live.clamp(1, plan.flows.max(1)) as usize;
        let mut town = Town {
            gateway: host(0, [0x00, 0x1b, 0x17], Stack::LINUX),
            servers: range(1, servers + 1, [0x00, 0x50, 0x56], Stack::LINUX),
            monitors: range(
                servers + 1,
                servers + monitors + 1,
                [0x00, 0x04, 0xa3],
                Stack::EMBEDDED_LINUX,
            ),
            workstations: range(
                servers + monitors + 1,
                count + 1,
                [0xd4, 0xbe, 0xd9],
                Stack::WINDOWS,
            ),
            plan: *plan,
            scripts,
            rec: Recorder::new(),
            ports: BTreeMap::new(),
            slots: (0..live).map(|_| None).collect(),
            turns: BinaryHeap::new(),
            waiting: BTreeMap::new(),
            made: 0,
            unassigned: (plan.packets - plan.packets / (ARP_EVERY / 2)) as i64,
            until_arp: 0,
            next_arp: 0,
            written: Written::default(),
            prng: prng.fork("town"),
        };
        for slot in 0..live {
            let at = START.plus(prng.between(0, town.pace()));
            town.turns.push(Reverse((at, slot)));
        }
        town
    }

    /// Mean time between the turns of a conversation.
    fn pace(&self) -> i64 {
        self.slots.len() as i64 * ROUND * (SECOND / RATE)
    }

    /// Lets the next conversation speak; returns when the one after it does.
    fn step(&mut self) -> Option<Timestamp> {
        let Reverse((at, slot)) = self.turns.pop()?;
        let open = self.slots.get_mut(slot).and_then(Option::take);
        let before = self.rec.len();
        let (still, end) = match open {
            Some(open) => self.go_on(open, at),
            None if self.written.flows < self.plan.flows => self.begin(at),
            None => return self.turns.peek().map(|turn| turn.0.0),
        };
        self.arp(at, (self.rec.len() - before) as u64);
        if let Some(place) = self.slots.get_mut(slot) {
            *place = still;
        }
        let pace = self.pace();
        let next = at.plus(self.prng.between(pace / 2, pace * 3 / 2)).max(end);
        self.turns.push(Reverse((next, slot)));
        self.turns.peek().map(|turn| turn.0.0)
    }

    /// Moves what was recorded to where frames wait for their turn.
    fn gather(&mut self) {
        for frame in self.rec.take() {
            self.made += 1;
            self.waiting.insert((frame.time, self.made), frame.bytes);
        }
    }

    fn begin(&mut self, at: Timestamp) -> (Option<Open>, Timestamp) {
        let flows_left = (self.plan.flows - self.written.flows).max(1) as i64;
        let mean = (self.unassigned / flows_left).max(2);
        self.written.flows += 1;
        // Short flows are questions for names; with few packets a flow there are more of them.
        let short = (SHORTEST as i64 - mean) * 100 / (SHORTEST as i64 - 2);
        let kind = match self.prng.chance(short.clamp(20, 100) as u64) {
            true => Kind::Dns,
            false => *self.prng.pick(&Kind::CONNECTIONS),
        };
        let path = self.path(kind);
        let port = self.port(path.a);
        if kind == Kind::Dns {
            self.unassigned -= 2;
            return (None, self.look_up(at, &path, port));
        }
        let left = self.prng.between(mean, mean * 2).max(SHORTEST as i64);
        self.unassigned -= left;
        let (a, b) = match kind {
            Kind::Telemetry => (Stack::EMBEDDED_LINUX, Stack::WINDOWS),
            _ => (Stack::WINDOWS, Stack::LINUX),
        };
        let ends = Ends {
            a_port: port,
            b_port: kind.port(),
            a,
            b,
        };
        let before = self.rec.len();
        let mut talk = Talk::open(&mut self.rec, &mut self.prng, &path, ends, at);
        let variant = self.prng.next_u64() as usize;
        let script = self.scripts.of(kind, variant);
        let end = script.open(&mut talk, &mut self.rec);
        let open = Open {
            talk,
            kind,
            variant,
            round: 0,
            left: left - (self.rec.len() - before) as i64,
        };
        (Some(open), end)
    }

    fn go_on(&mut self, mut open: Open, at: Timestamp) -> (Option<Open>, Timestamp) {
        let before = self.rec.len();
        let end = if open.left > 3 {
            let script: &Script = self.scripts.of(open.kind, open.variant);
            let end = script.round(open.round, &mut open.talk, &mut self.rec, at);
            open.round += 1;
            end
        } else {
            open.talk.close(&mut self.rec, Way::Out, at)
        };
        let is_over = open.left <= 3;
        open.left -= (self.rec.len() - before) as i64;
        if is_over {
            self.unassigned += open.left;
            return (None, end);
        }
        (Some(open), end)
    }

    fn path(&mut self, kind: Kind) -> Path {
        let clients = match kind {
            Kind::Telemetry => &self.monitors,
            _ => &self.workstations,
        };
        let client = self.prng.pick(clients);
        if kind == Kind::Tls && self.prng.chance(25) {
            let far = Ipv4Addr::new(203, 0, 113, 1 + self.prng.below(200) as u8);
            return Path::through(client, &self.gateway, far, 52, 18 * MS);
        }
        // Servers have their service by their place in the list.
        let step = Kind::ALL.len();
        let each = self.servers.len() / step;
        let server = self.prng.below(each.max(1) as u64) as usize * step + kind as usize;
        Path::on_link(client, self.servers.get(server).unwrap_or(&self.gateway))
    }

    fn port(&mut self, client: Ipv4Addr) -> u16 {
        let port = self.ports.entry(client).or_insert(EPHEMERAL.0);
        *port = if *port >= EPHEMERAL.1 {
            EPHEMERAL.0
        } else {
            *port + 1
        };
        *port
    }

    fn look_up(&mut self, at: Timestamp, path: &Path, port: u16) -> Timestamp {
        let host = self.prng.pick(&self.servers);
        let name = format!("host{}.klinik.example", u32::from(host.ip) & 0xffff);
        let id = self.prng.next_u64() as u16;
        let question = dns::question(id, &name);
        self.rec.udp(at, path, Way::Out, (port, 53), &question);
        let after = at.plus(path.rtt_b + 150 * US);
        let answer = dns::answer(id, &name, &[host.ip]);
        self.rec.udp(after, path, Way::Back, (port, 53), &answer);
        after
    }

    /// A device asks for the gateway or for a server; all devices do in turn.
    fn arp(&mut self, at: Timestamp, packets: u64) {
        self.until_arp += packets;
        while self.until_arp >= ARP_EVERY {
            self.until_arp -= ARP_EVERY;
            let all = self.servers.iter().chain(&self.monitors);
            let mut all = all.chain(&self.workstations);
            let Some(asker) = all.nth(self.next_arp) else {
                self.next_arp = 0;
                continue;
            };
            self.next_arp += 1;
            let (ip, mac) = (self.gateway.ip, self.gateway.mac);
            self.rec.resolve(at, asker, ip, Some(mac));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::wire::view::View;

    fn made(plan: &Plan) -> (Written, Vec<u8>) {
        let mut bytes = Vec::new();
        let written = write(plan, &mut bytes).expect("memory does not fail");
        assert_eq!(written.bytes, bytes.len() as u64);
        (written, bytes)
    }

    /// Time and bytes of each record.
    fn records(bytes: &[u8]) -> Vec<(i64, &[u8])> {
        let mut records = Vec::new();
        let mut at = 24;
        while at < bytes.len() {
            let word = |n: usize| {
                let from = at + 4 * n;
                u32::from_le_bytes(bytes[from..from + 4].try_into().expect("four bytes"))
            };
            let time = i64::from(word(0)) * SECOND + i64::from(word(1));
            let end = at + 16 + word(2) as usize;
            records.push((time, &bytes[at + 16..end]));
            at = end;
        }
        records
    }

    #[test]
    fn the_same_plan_gives_the_same_bytes() {
        let plan = Plan::of(5_000, 100, 50);
        assert_eq!(made(&plan).1, made(&plan).1);
    }

    #[test]
    fn numbers_are_those_asked_for() {
        for (packets, flows, devices) in
            [(20_000, 200, 100), (20_000, 4_000, 100), (9_000, 900, 500)]
        {
            let (written, bytes) = made(&Plan::of(packets, flows, devices));
            let case = format!("{packets} {flows} {devices}: {written:?}");
            assert!(written.packets * 10 >= packets * 9, "{case}");
            assert!(written.packets <= packets, "{case}");
            assert!(written.flows * 20 >= flows * 19, "{case}");
            let records = records(&bytes);
            assert_eq!(records.len() as u64, written.packets, "{case}");
            assert!(records.is_sorted_by_key(|record| record.0), "{case}");
        }
    }

    #[test]
    fn every_device_and_every_service_is_there() {
        let (_, bytes) = made(&Plan::of(20_000, 400, 100));
        let (mut macs, mut ports) = (BTreeSet::new(), BTreeSet::new());
        for (_, frame) in records(&bytes) {
            let view = View::of(frame).expect("an Ethernet frame");
            macs.insert(view.from);
            ports.extend(view.ipv4.and_then(|v| v.ports).map(|ports| ports.1));
        }
        assert_eq!(macs.len(), 101, "and the gateway");
        for kind in Kind::ALL {
            assert!(ports.contains(&kind.port()), "{kind:?}");
        }
    }
}
