//! A client that mounts an NFS share and copies files from it, as the CMS8000's menu update does.
//!
//! Sources: the order of steps in CISA's fact sheet of 2025-01-30 as restated in public (mount
//! `-o nolock -t nfs ADDRESS:/pm`, test for `monitor`, copy, unmount); RFC 1833, 1094, 1813. The
//! NFS version, transport and retry timing of real units are not known and are parameters.

use auscult_model::Timestamp;

use crate::net::{MS, Path, Recorder, US, Way};
use crate::prng::Prng;
use crate::speak::nfs::{self, Attributes, Version};
use crate::speak::rpc::{self, Caller, Xdr};
use crate::talk::{Ends, Talk};
use crate::wire::tcp::Stack;

/// A file on the share.
#[derive(Clone, Debug)]
pub struct SharedFile {
    /// Its name in the exported folder.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// What is asked, and how.
#[derive(Clone, Debug)]
pub struct Fetch {
    /// The export.
    pub export: String,
    /// The files that are there; all of them are read.
    pub files: Vec<SharedFile>,
    /// A name that is looked up and not there.
    pub missing: Option<String>,
    /// The folder is listed first.
    pub list: bool,
    /// Machine name in AUTH_SYS.
    pub machine: String,
    /// Version of MOUNT, 1 to 3.
    pub mount_version: u32,
    /// Version of NFS.
    pub nfs: Version,
    /// Portmapper and MOUNT over UDP, else TCP.
    pub mount_udp: bool,
    /// NFS over UDP, else TCP.
    pub nfs_udp: bool,
    /// Port of the portmapper, of the mount daemon, of NFS.
    pub ports: [u16; 3],
    /// Bytes of one READ.
    pub transfer: u32,
    /// Largest fragment of an RPC record over TCP.
    pub record: usize,
    /// UMNT at the end.
    pub unmount: bool,
}

impl Fetch {
    /// The menu update with what is not known left to the seed.
    pub fn update(prng: &mut Prng, export: &str, files: Vec<SharedFile>) -> Fetch {
        let nfs = *prng.pick(&[Version::V2, Version::V3]);
        let mount_version = match nfs {
            Version::V2 => *prng.pick(&[1, 2]),
            Version::V3 => 3,
        };
        Fetch {
            export: export.to_owned(),
            files,
            missing: if prng.chance(30) {
                Some("update.cfg".to_owned())
            } else {
                None
            },
            list: prng.chance(50),
            machine: (*prng.pick(&["cms8000", "(none)", "localhost", "smart3250"])).to_owned(),
            mount_version,
            nfs,
            mount_udp: prng.chance(60),
            nfs_udp: prng.chance(50),
            ports: [111, *prng.pick(&[20_048, 635, 892, 40_333]), 2049],
            transfer: *prng.pick(&[1024, 4096, 8192]),
            record: *prng.pick(&[4_000_000, 4_000_000, 1200]),
            unmount: true,
        }
    }
}

enum Channel {
    Udp(u16, u16),
    Tcp(Box<Talk>, usize),
}

/// One conversation of calls and replies.
struct Client<'a> {
    rec: &'a mut Recorder,
    path: &'a Path,
    xid: u32,
    caller: Caller,
    now: Timestamp,
}

impl Client<'_> {
    fn open(
        &mut self,
        prng: &mut Prng,
        (udp, a_port, b_port): (bool, u16, u16),
        stacks: (Stack, Stack),
        record: usize,
    ) -> Channel {
        if udp {
            return Channel::Udp(a_port, b_port);
        }
        let ends = Ends {
            a_port,
            b_port,
            a: stacks.0,
            b: stacks.1,
        };
        let talk = Talk::open(self.rec, prng, self.path, ends, self.now);
        Channel::Tcp(Box::new(talk), record)
    }

    fn exchange(
        &mut self,
        channel: &mut Channel,
        procedure: (u32, u32, u32),
        arguments: &Xdr,
        results: &Xdr,
    ) {
        self.xid = self.xid.wrapping_add(1);
        let caller = (procedure.0 != rpc::PORTMAP).then_some(&self.caller);
        let call = rpc::call(self.xid, procedure, caller, arguments);
        let reply = rpc::reply(self.xid, results);
        match channel {
            Channel::Udp(a, b) => {
                self.rec.udp(self.now, self.path, Way::Out, (*a, *b), &call);
                self.now = self.now.plus(self.path.rtt_b + 90 * US);
                self.rec
                    .udp(self.now, self.path, Way::Back, (*a, *b), &reply);
                self.now = self.now.plus(self.path.rtt_a + MS);
            }
            Channel::Tcp(talk, record) => {
                let call = rpc::record(&call, *record);
                let reply = rpc::record(&reply, *record);
                let sent = talk.send(self.rec, Way::Out, &call, self.now);
                self.now = talk
                    .send(self.rec, Way::Back, &reply, sent.plus(90 * US))
                    .plus(MS);
            }
        }
    }

    fn close(&mut self, channel: Channel) {
        if let Channel::Tcp(mut talk, _) = channel {
            self.now = talk.close(self.rec, Way::Out, self.now);
        }
    }
}

impl Fetch {
    fn attributes(&self, index: usize) -> Attributes {
        let size = self.files.get(index).map_or(0, |f| f.bytes.len() as u32);
        Attributes {
            folder: false,
            size,
            id: 300 + index as u32,
            modified: 1_700_000_000,
        }
    }

    fn root(&self) -> Attributes {
        Attributes {
            folder: true,
            size: 4096,
            id: 2,
            modified: 1_700_000_000,
        }
    }

    fn mount(&self, client: &mut Client<'_>, prng: &mut Prng, stacks: (Stack, Stack), root: &[u8]) {
        let protocol = |udp| if udp { 17 } else { 6 };
        let own = prng.between(600, 1000) as u16;
        let mut map = client.open(
            prng,
            (self.mount_udp, own, self.ports[0]),
            stacks,
            self.record,
        );
        let queries = [
            (
                rpc::MOUNT,
                self.mount_version,
                self.mount_udp,
                self.ports[1],
            ),
            (rpc::NFS, self.nfs.number(), self.nfs_udp, self.ports[2]),
        ];
        for (program, version, udp, port) in queries {
            let ask = rpc::getport(program, version, protocol(udp));
            let answer = Xdr::new().u32(port.into());
            client.exchange(&mut map, (rpc::PORTMAP, 2, 3), &ask, &answer);
        }
        client.close(map);
        let mut mount = client.open(
            prng,
            (self.mount_udp, own + 1, self.ports[1]),
            stacks,
            self.record,
        );
        let export = Xdr::new().opaque(self.export.as_bytes());
        let mnt = (rpc::MOUNT, self.mount_version, 1);
        client.exchange(
            &mut mount,
            mnt,
            &export,
            &nfs::mounted(self.mount_version, root),
        );
        client.close(mount);
    }

    /// Records the whole session; returns its end.
    pub fn run(
        &self,
        rec: &mut Recorder,
        prng: &mut Prng,
        path: &Path,
        stacks: (Stack, Stack),
        at: Timestamp,
    ) -> Timestamp {
        let caller = Caller {
            machine: self.machine.clone(),
            uid: 0,
            stamp: prng.next_u64() as u32,
        };
        let xid = prng.next_u64() as u32;
        let mut client = Client {
            rec,
            path,
            xid,
            caller,
            now: at,
        };
        let salt = prng.next_u64();
        let root = nfs::handle(2, salt);
        self.mount(&mut client, prng, stacks, &root);

        let own = prng.between(700, 1020) as u16;
        let mut channel = client.open(
            prng,
            (self.nfs_udp, own, self.ports[2]),
            stacks,
            self.record,
        );
        let (v, top) = (self.nfs, self.root());
        let call = |procedure| (rpc::NFS, v.number(), procedure);
        if v == Version::V3 {
            let info = nfs::fsinfo(&top, self.transfer);
            client.exchange(
                &mut channel,
                call(nfs::FSINFO),
                &nfs::handle_only(v, &root),
                &info,
            );
        }
        let attributes = nfs::attributes(v, &top);
        client.exchange(
            &mut channel,
            call(nfs::GETATTR),
            &nfs::handle_only(v, &root),
            &attributes,
        );
        if self.list {
            let names: Vec<(u32, &str)> = self
                .files
                .iter()
                .enumerate()
                .map(|(n, f)| (self.attributes(n).id, f.name.as_str()))
                .collect();
            let listing = nfs::listing(v, &top, &names);
            client.exchange(
                &mut channel,
                call(v.readdir()),
                &nfs::readdir(v, &root),
                &listing,
            );
        }
        if let Some(name) = &self.missing {
            let ask = nfs::lookup(v, &root, name);
            client.exchange(
                &mut channel,
                call(v.lookup()),
                &ask,
                &nfs::not_found(v, &top),
            );
        }
        for n in 0..self.files.len() {
            self.copy(&mut client, &mut channel, n, (&root, salt));
        }
        client.close(channel);
        if self.unmount {
            let mut mount = client.open(
                prng,
                (self.mount_udp, own - 50, self.ports[1]),
                stacks,
                self.record,
            );
            let export = Xdr::new().opaque(self.export.as_bytes());
            client.exchange(
                &mut mount,
                (rpc::MOUNT, self.mount_version, 3),
                &export,
                &Xdr::new(),
            );
            client.close(mount);
        }
        client.now
    }

    fn copy(
        &self,
        client: &mut Client<'_>,
        channel: &mut Channel,
        n: usize,
        (root, salt): (&[u8], u64),
    ) {
        let (v, top, file) = (self.nfs, self.root(), &self.files[n]);
        let call = |procedure| (rpc::NFS, v.number(), procedure);
        let attributes = self.attributes(n);
        let handle = nfs::handle(attributes.id, salt);
        let found = nfs::found(v, &handle, &attributes, &top);
        client.exchange(
            channel,
            call(v.lookup()),
            &nfs::lookup(v, root, &file.name),
            &found,
        );
        let told = nfs::attributes(v, &attributes);
        client.exchange(
            channel,
            call(nfs::GETATTR),
            &nfs::handle_only(v, &handle),
            &told,
        );
        let step = self.transfer as usize;
        let mut offset = 0;
        while offset < file.bytes.len() {
            let end = (offset + step).min(file.bytes.len());
            let ask = nfs::read(v, &handle, offset as u32, self.transfer);
            let last = end == file.bytes.len();
            let data = nfs::data(v, &attributes, &file.bytes[offset..end], last);
            client.exchange(channel, call(nfs::READ), &ask, &data);
            offset = end;
        }
    }
}

/// An inert file that looks like an ARM program from outside: an ELF header without sections or
/// an entry point, then text and filler.
pub fn inert_program(prng: &mut Prng, size: usize) -> Vec<u8> {
    let mut out = vec![0x7f, b'E', b'L', b'F', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    out.extend_from_slice(&[2, 0, 0x28, 0, 1, 0, 0, 0]);
    out.resize(40, 0);
    out.extend_from_slice(&[52, 0, 32, 0, 0, 0, 40, 0, 0, 0, 0, 0]);
    while out.len() < size {
        out.extend_from_slice(b"AUSCULT LAB INERT FILE\n");
        let filler = prng.between(40, 300) as usize;
        out.extend(prng.bytes(filler));
    }
    out.truncate(size.max(52));
    out
}
