//! Verbs of the web: TLS of all versions, and HTTP with bodies of all kinds.

use auscult_model::Timestamp;
use serde::Deserialize;

use super::Player;
use crate::net::{MS, Way};
use crate::prng::Prng;
use crate::speak::artifact::{self, Look};
use crate::speak::tls::Old;
use crate::speak::x509::Certificate;
use crate::speak::{http, ssh, tls};
use crate::talk::{Ends, Talk};

/// A file: its look, its size in bytes, and texts that stand in it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body {
    pub(super) look: Look,
    #[serde(default = "size")]
    pub(super) size: usize,
    #[serde(default)]
    pub(super) texts: Vec<String>,
    /// Files with the same word have the same bytes.
    pub(super) same: Option<String>,
}

fn size() -> usize {
    6_000
}

impl Body {
    pub(super) fn bytes(&self, player: &mut Player) -> Vec<u8> {
        let mut prng = match &self.same {
            Some(word) => Prng::new(player.stage.start.0 as u64).fork(word),
            None => Prng::new(player.stage.prng.next_u64()),
        };
        artifact::file(&mut prng, self.look, self.size, &self.texts)
    }
}

/// `http`: a request and its response in clear.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Http {
    who: String,
    to: String,
    #[serde(default = "port")]
    port: u16,
    /// The Host field; without it, the address.
    host: Option<String>,
    #[serde(default = "get")]
    method: String,
    #[serde(default = "root")]
    target: String,
    #[serde(default)]
    agent: Option<String>,
    /// Further fields of the request, as lines.
    #[serde(default)]
    fields: Vec<String>,
    /// What is sent.
    #[serde(default)]
    text: String,
    #[serde(default)]
    body: Option<Body>,
    #[serde(default = "ok")]
    status: String,
    #[serde(default)]
    server: Option<String>,
    /// Further fields of the response, as lines.
    #[serde(default)]
    answer_fields: Vec<String>,
    #[serde(default)]
    answer_text: String,
    #[serde(default)]
    answer: Option<Body>,
    #[serde(default)]
    secrets: Vec<String>,
}

fn port() -> u16 {
    80
}

fn get() -> String {
    "GET".to_owned()
}

fn root() -> String {
    "/".to_owned()
}

fn ok() -> String {
    "200 OK".to_owned()
}

/// The media type under which a look is served.
fn media(look: Look) -> &'static str {
    match look {
        Look::Text => "text/plain",
        Look::Html => "text/html",
        Look::Zip => "application/zip",
        Look::Cab => "application/vnd.ms-cab-compressed",
        Look::Jpeg => "image/jpeg",
        Look::Pdf => "application/pdf",
        _ => "application/octet-stream",
    }
}

fn split(lines: &[String]) -> Vec<(&str, &str)> {
    let pair = |line: &'_ String| -> Option<(usize, usize)> {
        let at = line.find(": ")?;
        Some((at, at + 2))
    };
    lines
        .iter()
        .filter_map(|line| pair(line).map(|(end, start)| (&line[..end], &line[start..])))
        .collect()
}

impl Http {
    pub(super) fn act(&self, player: &mut Player, at: Timestamp) -> Result<Timestamp, String> {
        let (path, stacks, at) = player.path(&self.who, &self.to, at)?;
        let host = self.host.clone().unwrap_or_else(|| path.b.to_string());
        let agent = self.agent.as_deref().unwrap_or("LabBrowser/1.0");
        let mut fields = vec![("Host", host.as_str()), ("User-Agent", agent)];
        fields.extend(split(&self.fields));
        let sent = match &self.body {
            Some(body) => body.bytes(player),
            None => self.text.clone().into_bytes(),
        };
        let asked = http::request(&self.method, &self.target, &fields, &sent);
        let kind = match &self.answer {
            Some(body) => media(body.look),
            None => "text/html",
        };
        let server = self.server.as_deref().unwrap_or("labhttpd/0.1");
        let mut fields = vec![("Server", server), ("Content-Type", kind)];
        fields.extend(split(&self.answer_fields));
        let body = match &self.answer {
            Some(body) => body.bytes(player),
            None => self.answer_text.clone().into_bytes(),
        };
        let told = http::response(&self.status, &fields, &body);
        let stage = &mut player.stage;
        let ends = Ends::new(&mut stage.prng, stacks.0, stacks.1, self.port);
        let (rec, prng) = (&mut stage.rec, &mut stage.prng);
        let mut talk = Talk::open(rec, prng, &path, ends, at);
        let now = talk.send(rec, Way::Out, &asked, talk.now.plus(MS));
        let now = talk.send(rec, Way::Back, &told, now.plus(prng.between(2, 12) * MS));
        stage.truth.secrets.extend(self.secrets.iter().cloned());
        Ok(talk.close(rec, Way::Out, now.plus(10 * MS)))
    }
}

/// What a server shows of itself before version 1.3.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    subject: String,
    issuer: String,
    #[serde(default = "bits")]
    bits: usize,
    /// Certificates with the same word have the same key.
    key: Option<String>,
    #[serde(default)]
    old_digest: bool,
    #[serde(default = "years")]
    years: (u16, u16),
}

fn bits() -> usize {
    2048
}

fn years() -> (u16, u16) {
    (2026, 2027)
}

/// `tls`: a session; from version 1.2 down with a certificate that is seen.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    who: String,
    to: String,
    #[serde(default = "secure")]
    port: u16,
    /// The server's name; empty for none.
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: Version,
    shows: Option<Shown>,
    /// Cipher suite agreed on, by number.
    #[serde(default = "cipher")]
    cipher: u16,
    /// Exchanges of application data, and the most bytes of one each way.
    #[serde(default = "one")]
    records: u32,
    #[serde(default = "little")]
    up: usize,
    #[serde(default = "more")]
    down: usize,
    /// Seconds between exchanges.
    pace: Option<f64>,
    /// It goes on after the capture.
    #[serde(default)]
    open: bool,
}

fn secure() -> u16 {
    443
}

fn cipher() -> u16 {
    0xc02f
}

fn one() -> u32 {
    1
}

fn little() -> usize {
    520
}

fn more() -> usize {
    2_000
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
enum Version {
    #[default]
    #[serde(rename = "1.3")]
    Tls13,
    #[serde(rename = "1.2")]
    Tls12,
    #[serde(rename = "1.1")]
    Tls11,
    #[serde(rename = "1.0")]
    Tls10,
    #[serde(rename = "ssl3")]
    Ssl3,
}

impl Version {
    fn old(self) -> Option<Old> {
        match self {
            Version::Tls13 => None,
            Version::Tls12 => Some(Old::Tls12),
            Version::Tls11 => Some(Old::Tls11),
            Version::Tls10 => Some(Old::Tls10),
            Version::Ssl3 => Some(Old::Ssl3),
        }
    }
}

impl Tls {
    pub(super) fn act(&self, player: &mut Player, at: Timestamp) -> Result<Timestamp, String> {
        let (path, stacks, at) = player.path(&self.who, &self.to, at)?;
        let der = self.certificate(player);
        let stage = &mut player.stage;
        let ends = Ends::new(&mut stage.prng, stacks.0, stacks.1, self.port);
        let (rec, prng) = (&mut stage.rec, &mut stage.prng);
        let mut talk = Talk::open(rec, prng, &path, ends, at);
        let old = self.version.old();
        match old {
            None => {
                let hello = tls::client_hello(prng, &self.name);
                let now = talk.send(rec, Way::Out, &hello, talk.now);
                let flight = tls::server_flight(prng);
                talk.send(rec, Way::Back, &flight, now.plus(2 * MS));
            }
            Some(version) => {
                let offered = [self.cipher, 0x002f, 0x0035, 0x000a];
                let hello = tls::old_client_hello(prng, version, &self.name, &offered);
                talk.send(rec, Way::Out, &hello, talk.now);
                let flight = tls::old_server_flight(prng, version, self.cipher, &der);
                talk.send(rec, Way::Back, &flight, talk.now.plus(2 * MS));
                let end = tls::old_finish(prng, version, true, 2048);
                talk.send(rec, Way::Out, &end, talk.now.plus(4 * MS));
                let end = tls::old_finish(prng, version, false, 2048);
                talk.send(rec, Way::Back, &end, talk.now.plus(2 * MS));
            }
        }
        let start = talk.now;
        for n in 0..self.records {
            let at = match self.pace {
                Some(pace) => start.plus(i64::from(n) * (pace * 1e9) as i64),
                None => talk.now.plus(prng.between(5, 300) * MS),
            };
            for (way, most) in [(Way::Out, self.up), (Way::Back, self.down)] {
                let size = prng.between(most as i64 / 2, most as i64) as usize;
                let data = match old {
                    None => tls::opaque(prng, size),
                    Some(version) => tls::old_opaque(prng, version, size),
                };
                talk.send(rec, way, &data, at.max(talk.now.plus(2 * MS)));
            }
        }
        if self.open {
            return Ok(talk.now);
        }
        Ok(talk.close(rec, Way::Out, talk.now.plus(50 * MS)))
    }

    fn certificate(&self, player: &Player) -> Vec<u8> {
        let name = if self.name.is_empty() {
            &self.to
        } else {
            &self.name
        };
        let own = format!("{:?} {}", player.stage.start, self.to);
        let certificate = match &self.shows {
            None => Certificate {
                subject: name.clone(),
                issuer: "Invented Authority".to_owned(),
                bits: bits(),
                key: own,
                old_digest: false,
                years: years(),
            },
            Some(shown) => Certificate {
                subject: shown.subject.clone(),
                issuer: shown.issuer.clone(),
                bits: shown.bits,
                key: shown.key.clone().unwrap_or(own),
                old_digest: shown.old_digest,
                years: shown.years,
            },
        };
        certificate.der()
    }
}

/// `ssh`: a session; the server has a key of its own or one that others have too.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ssh {
    who: String,
    to: String,
    #[serde(default = "openssh")]
    client: String,
    #[serde(default = "openssh")]
    server: String,
    /// Servers with the same word have the same host key.
    key: Option<String>,
    #[serde(default = "some")]
    records: u32,
}

fn openssh() -> String {
    "OpenSSH_9.2p1".to_owned()
}

fn some() -> u32 {
    6
}

impl Ssh {
    pub(super) fn act(&self, player: &mut Player, at: Timestamp) -> Result<Timestamp, String> {
        let (path, stacks, at) = player.path(&self.who, &self.to, at)?;
        let word = self.key.as_deref().unwrap_or(&self.to);
        let host = Prng::new(player.stage.start.0 as u64).fork(word).bytes(32);
        let prng = &mut player.stage.prng;
        let ciphers = "chacha20-poly1305@openssh.com,aes128-ctr,aes256-ctr";
        let mut turns = vec![
            (Way::Out, ssh::banner(&self.client)),
            (Way::Back, ssh::banner(&self.server)),
            (Way::Out, ssh::algorithms(prng, ciphers)),
            (Way::Back, ssh::algorithms(prng, ciphers)),
            (Way::Out, ssh::client_key(prng)),
            (Way::Back, ssh::server_key_of(prng, &host)),
            (Way::Out, ssh::new_keys()),
        ];
        for n in 0..self.records {
            let way = if n % 2 == 0 { Way::Out } else { Way::Back };
            let size = prng.between(3, 20) as usize * 16;
            turns.push((way, prng.bytes(size)));
        }
        Ok(player
            .stage
            .converse(at, &path, stacks, (22, "ssh"), &turns))
    }
}
