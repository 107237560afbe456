//! Verbs of the layers below programs: TCP by turns, UDP, attempts, sweeps, tunnels, bulk.

use std::net::Ipv4Addr;

use auscult_model::Timestamp;
use serde::Deserialize;

use super::Player;
use crate::net::{MS, Path, SECOND, Transport, US, Way};
use crate::speak::{ntp, tls, tunnel};
use crate::talk::{Ends, NEW_RETRIES, OLD_RETRIES, Talk};
use crate::wire::{checksum, icmp, ip};

/// Bytes from hexadecimal digits with spaces between them.
pub(super) fn hex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let pair = |pair: &[u8]| {
        let text = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(text, 16)
            .ok()
            .filter(|_| text.len() == 2)
    };
    digits
        .chunks(2)
        .map(|digits| pair(digits).ok_or(format!("`{text}` is not hexadecimal")))
        .collect()
}

/// A text, or bytes when it begins with `hex:`.
fn bytes(text: &str) -> Result<Vec<u8>, String> {
    match text.strip_prefix("hex:") {
        Some(digits) => hex(digits),
        None => Ok(text.as_bytes().to_vec()),
    }
}

/// How a connection ends.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum End {
    #[default]
    Fin,
    /// By the responder.
    Back,
    Reset,
    /// It goes on after the capture.
    Open,
}

impl End {
    fn write(self, talk: &mut Talk, player: &mut Player) -> Timestamp {
        let rec = &mut player.stage.rec;
        let at = talk.now.plus(20 * MS);
        match self {
            End::Fin => talk.close(rec, Way::Out, at),
            End::Back => talk.close(rec, Way::Back, at),
            End::Reset => talk.reset(rec, Way::Out, at),
            End::Open => talk.now,
        }
    }
}

/// `tcp`: a connection in which the sides take turns. A turn is a text behind `> ` or `< `,
/// hexadecimal digits behind `>> ` or `<< `, or a pause in seconds behind `= `. Behind `! ` stand
/// an urgent pointer and the digits of a segment that is marked so.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tcp {
    who: String,
    to: String,
    port: u16,
    source: Option<u16>,
    #[serde(default)]
    turns: Vec<String>,
    #[serde(default)]
    ends: End,
    /// Seconds between turns.
    pace: Option<f64>,
    /// Passwords in it, which no output may show.
    #[serde(default)]
    secrets: Vec<String>,
}

impl Tcp {
    pub(super) fn act(&self, player: &mut Player, at: Timestamp) -> Result<Timestamp, String> {
        let (path, stacks, at) = player.path(&self.who, &self.to, at)?;
        let stage = &mut player.stage;
        let mut ends = Ends::new(&mut stage.prng, stacks.0, stacks.1, self.port);
        ends.a_port = self.source.unwrap_or(ends.a_port);
        let mut talk = Talk::open(&mut stage.rec, &mut stage.prng, &path, ends, at);
        let mut pause = 0;
        for turn in &self.turns {
            let (way, said) = match turn.split_once(' ') {
                Some((">", text)) => (Way::Out, text.as_bytes().to_vec()),
                Some(("<", text)) => (Way::Back, text.as_bytes().to_vec()),
                Some((">>", digits)) => (Way::Out, hex(digits)?),
                Some(("<<", digits)) => (Way::Back, hex(digits)?),
                Some(("=", seconds)) => {
                    let seconds: f64 = seconds.parse().map_err(|_| format!("pause `{turn}`"))?;
                    pause = (seconds * SECOND as f64) as i64;
                    continue;
                }
                Some(("!", rest)) => {
                    let (pointer, digits) = rest.split_once(' ').unwrap_or((rest, ""));
                    let pointer = pointer.parse().map_err(|_| format!("`{turn}`"))?;
                    talk.urgent(&mut stage.rec, &hex(digits)?, pointer);
                    continue;
                }
                _ => return Err(format!("`{turn}` is no turn")),
            };
            let own = match self.pace {
                Some(pace) => (pace * SECOND as f64) as i64,
                None => stage.prng.between(1, 25) * MS,
            };
            let time = talk.now.plus(own + pause);
            pause = 0;
            talk.send(&mut stage.rec, way, &said, time);
        }
        talk.now = talk.now.plus(pause);
        for secret in &self.secrets {
            stage.truth.secrets.push(secret.clone());
        }
        Ok(self.ends.write(&mut talk, player))
    }
}

/// `udp`: a datagram and its answer, both texts or `hex:`; to a host, an address of the segment
/// for all (`everybody`), or a group.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Udp {
    who: String,
    to: String,
    port: u16,
    source: Option<u16>,
    says: String,
    answer: Option<String>,
}

impl Udp {
    pub(super) fn act(&self, player: &mut Player, at: Timestamp) -> Result<Timestamp, String> {
        let says = bytes(&self.says)?;
        let random = player.stage.prng.between(49_152, 65_000) as u16;
        let own = self.source.unwrap_or(random);
        let who = player.cast.host(&self.who)?;
        let everybody = Ipv4Addr::from(u32::from(who.ip) | 0xff);
        let group = self.to.parse().ok().filter(Ipv4Addr::is_multicast);
        let rec = &mut player.stage.rec;
        if let Some(group) = group {
            let what = Transport::Udp(own, self.port, &says);
            rec.multicast(at, &who, (group, who.stack.ttl), &what);
            return Ok(at);
        }
        if ["everybody", "255.255.255.255"].contains(&self.to.as_str()) {
            let to = self.to.parse().unwrap_or(everybody);
            rec.broadcast(at, &who, to, (own, self.port), &says);
            return Ok(at);
        }
        let (path, _, at) = player.path(&self.who, &self.to, at)?;
        let ports = (own, self.port);
        player.stage.rec.udp(at, &path, Way::Out, ports, &says);
        let Some(answer) = &self.answer else {
            return Ok(at);
        };
        let at = at.plus(path.rtt_b + 300 * US);
        let said = bytes(answer)?;
        player.stage.rec.udp(at, &path, Way::Back, ports, &said);
        Ok(at.plus(path.rtt_a))
    }
}

/// What becomes of an attempt.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    /// Nobody answers.
    #[default]
    None,
    /// A reset.
    Reset,
    /// The gateway says that it is prohibited.
    Icmp,
    /// It is opened, and ended at once.
    Open,
}

/// `syn`: an attempt at a connection.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Syn {
    who: String,
    to: String,
    port: u16,
    #[serde(default)]
    outcome: Outcome,
    #[serde(default)]
    ends: End,
    /// Seconds at which it is repeated without an answer; kernels before 3.1 waited longer.
    retries: Option<Vec<i64>>,
    #[serde(default)]
    old_kernel: bool,
}

impl Syn {
    pub(super) fn act(&self, player: &mut Player, at: Timestamp) -> Result<Timestamp, String> {
        let (path, stacks, at) = player.path(&self.who, &self.to, at)?;
        let stage = &mut player.stage;
        let ends = Ends::new(&mut stage.prng, stacks.0, stacks.1, self.port);
        let (rec, prng) = (&mut stage.rec, &mut stage.prng);
        match self.outcome {
            Outcome::None => {
                let offsets = match &self.retries {
                    Some(seconds) => seconds.iter().map(|second| second * SECOND).collect(),
                    None if self.old_kernel => OLD_RETRIES.to_vec(),
                    None => NEW_RETRIES.to_vec(),
                };
                Talk::attempt(rec, prng, &path, ends, at, &offsets);
                Ok(at.plus(offsets.last().copied().unwrap_or(0)))
            }
            Outcome::Reset => Ok(Talk::refused(rec, prng, &path, ends, at)),
            Outcome::Icmp => {
                Talk::attempt(rec, prng, &path, ends, at, &[0]);
                let gateway = player.cast.gateway(&self.who)?;
                let who = player.cast.host(&self.who)?;
                let mut quoted = vec![0x45, 0, 0, 60, 0, 0, 0x40, 0, who.stack.ttl, ip::TCP, 0, 0];
                quoted.extend_from_slice(&path.a.octets());
                quoted.extend_from_slice(&path.b.octets());
                quoted.extend_from_slice(&ends.a_port.to_be_bytes());
                quoted.extend_from_slice(&ends.b_port.to_be_bytes());
                quoted.resize(28, 0);
                let said = icmp::unreachable(icmp::PROHIBITED, &quoted);
                let back = Path::on_link(&gateway, &who);
                let what = Transport::Icmp(&said);
                player.stage.rec.ipv4(at.plus(MS), &back, Way::Out, &what);
                Ok(at.plus(MS))
            }
            Outcome::Open => {
                let mut talk = Talk::open(rec, prng, &path, ends, at);
                Ok(self.ends.write(&mut talk, player))
            }
        }
    }
}

/// `scan`: ports of hosts are tried one after the other.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scan {
    who: String,
    to: Vec<String>,
    ports: Vec<u16>,
    /// Seconds from one to the next.
    pace: f64,
    /// `host:port` of those that are open; the others refuse.
    #[serde(default)]
    open: Vec<String>,
    /// Those that are not open do not answer at all.
    #[serde(default)]
    filtered: bool,
}

impl Scan {
    pub(super) fn act(&self, player: &mut Player, at: Timestamp) -> Result<Timestamp, String> {
        let mut now = at;
        for target in &self.to {
            for port in &self.ports {
                let (path, stacks, at) = player.path(&self.who, target, now)?;
                let stage = &mut player.stage;
                let ends = Ends::new(&mut stage.prng, stacks.0, stacks.1, *port);
                let (rec, prng) = (&mut stage.rec, &mut stage.prng);
                if self.open.contains(&format!("{target}:{port}")) {
                    let mut talk = Talk::open(rec, prng, &path, ends, at);
                    talk.reset(rec, Way::Out, talk.now.plus(MS));
                } else if self.filtered {
                    Talk::attempt(rec, prng, &path, ends, at, &[0]);
                } else {
                    Talk::refused(rec, prng, &path, ends, at);
                }
                now = now.plus((self.pace * SECOND as f64) as i64);
            }
        }
        Ok(now)
    }
}

/// `sweep`: addresses are asked for by ARP, one after the other.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sweep {
    who: String,
    first: Ipv4Addr,
    count: u32,
    /// Seconds from one to the next.
    pace: f64,
    /// Hosts that answer.
    #[serde(default)]
    there: Vec<String>,
}

impl Sweep {
    pub(super) fn act(&self, player: &mut Player, at: Timestamp) -> Result<Timestamp, String> {
        let who = player.cast.host(&self.who)?;
        let mut there = Vec::new();
        for name in &self.there {
            there.push(player.cast.host(name)?);
        }
        let mut now = at;
        for n in 0..self.count {
            let wanted = Ipv4Addr::from(u32::from(self.first).wrapping_add(n));
            let holder = there.iter().find(|host| host.ip == wanted);
            let mac = holder.map(|host| host.mac);
            player.stage.rec.resolve(now, &who, wanted, mac);
            now = now.plus((self.pace * SECOND as f64) as i64);
        }
        Ok(now)
    }
}

/// `icmp`: an echo and its answer, or any message in hexadecimal without its checksum.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Icmp {
    who: String,
    to: String,
    #[serde(default)]
    hex: Option<String>,
    #[serde(default)]
    answer: Option<String>,
}

impl Icmp {
    pub(super) fn act(&self, player: &mut Player, at: Timestamp) -> Result<Timestamp, String> {
        let (path, _, at) = player.path(&self.who, &self.to, at)?;
        let id = player.stage.prng.next_u64().to_be_bytes();
        let echo = |kind: u8| {
            let mut out = vec![kind, 0, 0, 0, id[0], id[1], 0, 1];
            out.extend(b'a'..=b'w');
            out.extend(b'a'..=b'i');
            out
        };
        let (said, answer) = match &self.hex {
            None => (echo(8), Some(echo(0))),
            Some(digits) => {
                let answer = self.answer.as_ref().map(|digits| hex(digits)).transpose()?;
                (hex(digits)?, answer)
            }
        };
        let mut send = |mut message: Vec<u8>, way, at| {
            let sum = checksum::internet(&message);
            message[2..4].copy_from_slice(&sum.to_be_bytes());
            let rec = &mut player.stage.rec;
            rec.ipv4(at, &path, way, &Transport::Icmp(&message));
        };
        send(said, Way::Out, at);
        let at = at.plus(path.rtt_b);
        if let Some(answer) = answer {
            send(answer, Way::Back, at);
        }
        Ok(at)
    }
}

/// `tunnel`: a private network through others, as it looks from outside.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tunnel {
    who: String,
    to: String,
    kind: TunnelKind,
    packets: u32,
    /// Milliseconds from packet to packet.
    #[serde(default = "pace")]
    pace_ms: i64,
    #[serde(default = "size")]
    size: usize,
    port: Option<u16>,
}

fn pace() -> i64 {
    120
}

fn size() -> usize {
    400
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum TunnelKind {
    /// IKE on port 500, then packets of protocol 50.
    Esp,
    /// IKE on port 500, then packets on UDP 4500.
    EspUdp,
    Openvpn,
    Wireguard,
    /// Records of DTLS in the middle of a session.
    Dtls,
}

impl Tunnel {
    pub(super) fn act(&self, player: &mut Player, at: Timestamp) -> Result<Timestamp, String> {
        let (path, _, at) = player.path(&self.who, &self.to, at)?;
        let stage = &mut player.stage;
        let (rec, prng) = (&mut stage.rec, &mut stage.prng);
        let own = prng.between(30_000, 60_000) as u16;
        let (id, other) = (prng.bytes(8), prng.bytes(8));
        let keys = [
            prng.next_u64() as u32 | 0x100,
            prng.next_u64() as u32 | 0x100,
        ];
        let (ports, hellos) = match self.kind {
            TunnelKind::Esp | TunnelKind::EspUdp => {
                let hellos = [
                    tunnel::ike(prng, &id, None),
                    tunnel::ike(prng, &id, Some(&other)),
                ];
                ((500, 500), Some(hellos))
            }
            TunnelKind::Openvpn => {
                let hellos = [
                    tunnel::openvpn_reset(&id, None),
                    tunnel::openvpn_reset(&other, Some(&id)),
                ];
                ((own, self.port.unwrap_or(1194)), Some(hellos))
            }
            TunnelKind::Wireguard => {
                let hellos = [
                    tunnel::wireguard(prng, keys[0], None),
                    tunnel::wireguard(prng, keys[1], Some(keys[0])),
                ];
                ((own, self.port.unwrap_or(51_820)), Some(hellos))
            }
            TunnelKind::Dtls => ((own, self.port.unwrap_or(443)), None),
        };
        for (n, hello) in hellos.iter().flatten().enumerate() {
            let way = [Way::Out, Way::Back][n];
            let at = at.plus(n as i64 * (path.rtt_b + MS));
            rec.udp(at, &path, way, ports, hello);
        }
        let start = at.plus(path.rtt_b + 40 * MS);
        for n in 0..self.packets {
            let (way, key) = if n % 2 == 0 {
                (Way::Out, keys[1])
            } else {
                (Way::Back, keys[0])
            };
            let at = start.plus(i64::from(n) * self.pace_ms * MS);
            let number = n / 2 + 1;
            let size = prng.between(self.size as i64 / 2, self.size as i64) as usize;
            match self.kind {
                TunnelKind::Esp => {
                    let packet = tunnel::esp(prng, key, number, size);
                    rec.ipv4(at, &path, way, &Transport::Other(50, &packet));
                }
                TunnelKind::EspUdp => {
                    let packet = tunnel::esp(prng, key, number, size);
                    rec.udp(at, &path, way, (4500, 4500), &packet);
                }
                TunnelKind::Openvpn => {
                    let packet = tunnel::openvpn_data(prng, size);
                    rec.udp(at, &path, way, ports, &packet);
                }
                TunnelKind::Wireguard => {
                    let packet = tunnel::wireguard_data(prng, key, number.into(), size);
                    rec.udp(at, &path, way, ports, &packet);
                }
                TunnelKind::Dtls => {
                    let packet = tunnel::dtls(prng, number, size);
                    rec.udp(at, &path, way, ports, &packet);
                }
            }
        }
        Ok(start.plus(i64::from(self.packets) * self.pace_ms * MS))
    }
}

/// `bulk`: much in few frames, as offloading cards hand it to a capture; stories that use it cut
/// their frames short. By TLS when it has a name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bulk {
    who: String,
    to: String,
    port: u16,
    megabytes: f64,
    name: Option<String>,
    /// To the one who asked, rather than from it.
    #[serde(default)]
    down: bool,
    /// Seconds that it takes.
    #[serde(default)]
    seconds: f64,
}

impl Bulk {
    pub(super) fn act(&self, player: &mut Player, at: Timestamp) -> Result<Timestamp, String> {
        let (path, stacks, at) = player.path(&self.who, &self.to, at)?;
        let stage = &mut player.stage;
        let ends = Ends::new(&mut stage.prng, stacks.0, stacks.1, self.port);
        let (rec, prng) = (&mut stage.rec, &mut stage.prng);
        let mut talk = Talk::open(rec, prng, &path, ends, at);
        if let Some(name) = &self.name {
            let hello = tls::client_hello(prng, name);
            let now = talk.send(rec, Way::Out, &hello, talk.now);
            let flight = tls::server_flight(prng);
            talk.send(rec, Way::Back, &flight, now.plus(2 * MS));
        }
        talk.offloaded = true;
        let record = 4 * 16_005;
        let count = (self.megabytes * 1e6 / record as f64).ceil().max(1.0) as i64;
        let way = if self.down { Way::Back } else { Way::Out };
        let start = talk.now;
        let pause = (self.seconds * SECOND as f64) as i64 / count;
        for n in 0..count {
            let mut data = Vec::with_capacity(record);
            while data.len() < record {
                data.extend(tls::opaque(prng, 16_000));
            }
            if self.name.is_none() {
                data = prng.bytes(record);
            }
            talk.send(rec, way, &data, start.plus(n * pause));
        }
        Ok(talk.close(rec, Way::Out, talk.now.plus(20 * MS)))
    }
}

/// `ntp`: the time is asked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ntp {
    who: String,
    to: String,
    #[serde(default)]
    unanswered: bool,
}

impl Ntp {
    pub(super) fn act(&self, player: &mut Player, at: Timestamp) -> Result<Timestamp, String> {
        let (path, _, at) = player.path(&self.who, &self.to, at)?;
        let own = player.stage.prng.between(32_768, 60_000) as u16;
        let rec = &mut player.stage.rec;
        let asked = ntp::question(at);
        rec.udp(at, &path, Way::Out, (own, 123), &asked);
        if self.unanswered {
            return Ok(at);
        }
        let then = at.plus(path.rtt_b);
        let said = ntp::answer(at, then, 2, [192, 0, 2, 1]);
        rec.udp(then, &path, Way::Back, (own, 123), &said);
        Ok(then)
    }
}
