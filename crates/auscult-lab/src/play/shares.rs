//! Verbs of files: NFS, TFTP, FTP, SMB, and print jobs.

use auscult_model::Timestamp;
use serde::Deserialize;

use super::Player;
use super::web::Body;
use crate::net::{MS, US, Way};
use crate::speak::artifact::Look;
use crate::speak::nfs::Version;
use crate::speak::smb_share::{self, Ids};
use crate::speak::{smb, tftp};
use crate::talk::{Ends, Talk};
use crate::update::{Fetch, SharedFile};

/// A file with its name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
    look: Look,
    #[serde(default = "size")]
    size: usize,
    #[serde(default)]
    texts: Vec<String>,
    same: Option<String>,
}

fn size() -> usize {
    4_000
}

impl Named {
    fn bytes(&self, player: &mut Player) -> Vec<u8> {
        let body = Body {
            look: self.look,
            size: self.size,
            texts: self.texts.clone(),
            same: self.same.clone(),
        };
        body.bytes(player)
    }
}

/// `nfs`: a share is mounted and its files are read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nfs {
    who: String,
    to: String,
    export: String,
    #[serde(default)]
    files: Vec<Named>,
    machine: Option<String>,
    /// It stays mounted, as the root of a thin client or a store of machines does.
    #[serde(default)]
    stays: bool,
}

impl Nfs {
    pub(super) fn act(&self, player: &mut Player, at: Timestamp) -> Result<Timestamp, String> {
        let (path, stacks, at) = player.path(&self.who, &self.to, at)?;
        let mut files = Vec::new();
        for file in &self.files {
            files.push(SharedFile {
                name: file.name.clone(),
                bytes: file.bytes(player),
            });
        }
        let stage = &mut player.stage;
        let mut fetch = Fetch::update(&mut stage.prng, &self.export, files);
        fetch.machine = self.machine.clone().unwrap_or_else(|| self.who.clone());
        fetch.missing = None;
        if self.stays {
            fetch.unmount = false;
            fetch.nfs = Version::V3;
            fetch.mount_version = 3;
        }
        let (rec, prng) = (&mut stage.rec, &mut stage.prng);
        Ok(fetch.run(rec, prng, &path, stacks, at))
    }
}

/// `tftp`: a file is read, or written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tftp {
    who: String,
    to: String,
    file: Named,
    #[serde(default)]
    write: bool,
}

impl Tftp {
    pub(super) fn act(&self, player: &mut Player, at: Timestamp) -> Result<Timestamp, String> {
        let (path, _, at) = player.path(&self.who, &self.to, at)?;
        let bytes = self.file.bytes(player);
        let stage = &mut player.stage;
        let own = stage.prng.between(49_152, 65_000) as u16;
        let other = stage.prng.between(32_768, 49_000) as u16;
        let asked = tftp::request(self.write, &self.file.name);
        stage.rec.udp(at, &path, Way::Out, (own, 69), &asked);
        let mut now = at.plus(path.rtt_b + 400 * US);
        let (gives, takes, gap) = if self.write {
            let ready = tftp::acknowledge(0);
            stage.rec.udp(now, &path, Way::Back, (own, other), &ready);
            now = now.plus(path.rtt_a);
            (Way::Out, Way::Back, path.rtt_b)
        } else {
            (Way::Back, Way::Out, path.rtt_a)
        };
        let mut pieces: Vec<&[u8]> = bytes.chunks(512).collect();
        if bytes.len().is_multiple_of(512) {
            pieces.push(&[]);
        }
        for (n, piece) in pieces.iter().enumerate() {
            let block = (n + 1) as u16;
            let (data, heard) = (tftp::data(block, piece), tftp::acknowledge(block));
            stage.rec.udp(now, &path, gives, (own, other), &data);
            now = now.plus(gap + 90 * US);
            stage.rec.udp(now, &path, takes, (own, other), &heard);
            now = now.plus(path.rtt_a + path.rtt_b);
        }
        Ok(now)
    }
}

/// `ftp`: a log-on, and a file that is fetched or stored (passive mode).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ftp {
    who: String,
    to: String,
    user: String,
    password: String,
    #[serde(default = "ready")]
    greeting: String,
    #[serde(default)]
    get: Option<Named>,
    #[serde(default)]
    put: Option<Named>,
    #[serde(default)]
    refused: bool,
    /// The password is known to all and need not be hidden.
    #[serde(default)]
    public: bool,
}

fn ready() -> String {
    "labftpd ready".to_owned()
}

impl Ftp {
    pub(super) fn act(&self, player: &mut Player, at: Timestamp) -> Result<Timestamp, String> {
        let (path, stacks, at) = player.path(&self.who, &self.to, at)?;
        let (name, bytes, verb, way) = match (&self.get, &self.put) {
            (Some(file), _) => (&file.name, Some(file.bytes(player)), "RETR", Way::Back),
            (None, Some(file)) => (&file.name, Some(file.bytes(player)), "STOR", Way::Out),
            (None, None) => (&self.user, None, "", Way::Out),
        };
        let stage = &mut player.stage;
        let ends = Ends::new(&mut stage.prng, stacks.0, stacks.1, 21);
        let data_port = stage.prng.between(50_000, 60_000) as u16;
        let data_ends = Ends::new(&mut stage.prng, stacks.0, stacks.1, data_port);
        let (rec, prng) = (&mut stage.rec, &mut stage.prng);
        let mut control = Talk::open(rec, prng, &path, ends, at);
        let mut lines = vec![
            (Way::Back, format!("220 {}", self.greeting)),
            (Way::Out, format!("USER {}", self.user)),
            (Way::Back, "331 Password required".to_owned()),
            (Way::Out, format!("PASS {}", self.password)),
        ];
        if self.refused {
            lines.push((Way::Back, "530 Login incorrect".to_owned()));
        } else {
            lines.push((Way::Back, "230 Logged in".to_owned()));
        }
        if bytes.is_some() && !self.refused {
            let [a, b, c, d] = path.b.octets();
            let (high, low) = (data_port >> 8, data_port & 0xff);
            let passive = format!("227 Entering Passive Mode ({a},{b},{c},{d},{high},{low})");
            lines.extend([
                (Way::Out, "TYPE I".to_owned()),
                (Way::Back, "200 Type set to I".to_owned()),
                (Way::Out, "PASV".to_owned()),
                (Way::Back, passive),
                (Way::Out, format!("{verb} {name}")),
                (Way::Back, "150 Opening data connection".to_owned()),
            ]);
        }
        let say = |control: &mut Talk, rec: &mut _, way, line: &str| {
            let line = format!("{line}\r\n");
            control.send(rec, way, line.as_bytes(), control.now.plus(8 * MS));
        };
        for (way, line) in &lines {
            say(&mut control, rec, *way, line);
        }
        if let Some(bytes) = bytes.filter(|_| !self.refused) {
            let mut data = Talk::open(rec, prng, &path, data_ends, control.now.plus(MS));
            data.send(rec, way, &bytes, data.now.plus(MS));
            control.now = control.now.max(data.close(rec, way, data.now.plus(MS)));
            say(&mut control, rec, Way::Back, "226 Transfer complete");
        }
        say(&mut control, rec, Way::Out, "QUIT");
        say(&mut control, rec, Way::Back, "221 Bye");
        if !self.public {
            stage.truth.secrets.push(self.password.clone());
        }
        Ok(control.close(&mut stage.rec, Way::Out, control.now.plus(5 * MS)))
    }
}

/// `smb`: a log-on to a share, and files that are read or written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Smb {
    who: String,
    to: String,
    /// `\\server\share`
    share: String,
    #[serde(default)]
    files: Vec<Named>,
    #[serde(default)]
    write: bool,
    #[serde(default = "domain")]
    domain: String,
    #[serde(default = "account")]
    account: String,
    #[serde(default)]
    signing: bool,
    #[serde(default)]
    refused: bool,
    /// The server's challenge, sixteen hexadecimal digits.
    challenge: Option<String>,
}

fn domain() -> String {
    "KLINIK".to_owned()
}

fn account() -> String {
    "svc-invented".to_owned()
}

impl Smb {
    pub(super) fn act(&self, player: &mut Player, at: Timestamp) -> Result<Timestamp, String> {
        let (path, stacks, at) = player.path(&self.who, &self.to, at)?;
        let mut files = Vec::new();
        for file in &self.files {
            files.push((file.name.clone(), file.bytes(player)));
        }
        let prng = &mut player.stage.prng;
        let mut eight = [0; 8];
        let drawn = match &self.challenge {
            Some(digits) => super::raw::hex(digits)?,
            None => prng.bytes(8),
        };
        eight
            .iter_mut()
            .zip(drawn)
            .for_each(|(slot, byte)| *slot = byte);
        let mut guid = [0; 16];
        guid.copy_from_slice(&prng.bytes(16));
        let session = prng.next_u64() >> 16;
        let proof = prng.bytes(160);
        let mut turns = vec![
            smb::negotiate(&guid),
            smb::negotiated(&guid, at, self.signing),
        ];
        let who = (
            self.domain.as_str(),
            self.account.as_str(),
            self.who.as_str(),
        );
        turns.extend(smb_share::log_on(
            session,
            who,
            eight,
            &proof,
            !self.refused,
        ));
        if !self.refused {
            self.on_the_share(session, &files, &mut turns);
        }
        let stage = &mut player.stage;
        let ends = Ends::new(&mut stage.prng, stacks.0, stacks.1, 445);
        let (rec, prng) = (&mut stage.rec, &mut stage.prng);
        let mut talk = Talk::open(rec, prng, &path, ends, at);
        for (n, turn) in turns.iter().enumerate() {
            let way = if n % 2 == 0 { Way::Out } else { Way::Back };
            talk.send(rec, way, turn, talk.now.plus(MS));
        }
        Ok(talk.close(rec, Way::Out, talk.now.plus(20 * MS)))
    }

    fn on_the_share(&self, session: u64, files: &[(String, Vec<u8>)], turns: &mut Vec<Vec<u8>>) {
        const PIECE: usize = 8_192;
        let mut ids = Ids {
            message: 3,
            tree: 5,
            session,
        };
        turns.extend(smb_share::connect(ids, &self.share));
        for (n, (name, bytes)) in files.iter().enumerate() {
            let file = [n as u8 + 1; 16];
            ids.message += 1;
            let size = (bytes.len() as u64, self.write);
            turns.extend(smb_share::open(ids, name, file, size));
            for (k, piece) in bytes.chunks(PIECE).enumerate() {
                ids.message += 1;
                let offset = (k * PIECE) as u64;
                turns.extend(if self.write {
                    smb_share::write(ids, file, offset, piece)
                } else {
                    smb_share::read(ids, file, offset, piece)
                });
            }
            ids.message += 1;
            turns.extend(smb_share::close(ids, file));
        }
    }
}

/// `print`: a job by LPD.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Print {
    who: String,
    to: String,
    #[serde(default = "lpd")]
    port: u16,
    #[serde(default = "queue")]
    queue: String,
    title: String,
}

fn lpd() -> u16 {
    515
}

fn queue() -> String {
    "lp".to_owned()
}

impl Print {
    pub(super) fn act(&self, player: &mut Player, at: Timestamp) -> Result<Timestamp, String> {
        let (path, stacks, at) = player.path(&self.who, &self.to, at)?;
        let what = (
            self.port,
            self.queue.as_str(),
            self.who.as_str(),
            "technik",
            self.title.as_str(),
        );
        Ok(player.stage.print(at, &path, stacks, what))
    }
}
