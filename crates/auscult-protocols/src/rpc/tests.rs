//! RPC, portmap, MOUNT and NFS against examples that tshark dissects as stated, and against
//! captures that others made, whole and cut.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use auscult_model::{Artifact, Direction, FileClass, Meaning, Transport};
use sha2::{Digest, Sha256};

use crate::drive::{Driven, Piece, drive, without_places};
use crate::nfs::Nfs;
use crate::oracle::{captures_with, name_of, shared, tshark};
use crate::{Said, Start, mount, portmap};

use Direction::{FromOriginator, FromResponder};

/// One flow of a capture, in capture order.
#[derive(Default)]
pub(crate) struct Flow {
    pub(crate) pieces: Vec<(Direction, Vec<u8>)>,
    /// Bytes that the capture lacks before the piece of this index.
    gaps: BTreeMap<usize, u64>,
    next: BTreeMap<String, u64>,
    originator: String,
}

impl Flow {
    pub(super) fn pieces(&self) -> Vec<Piece<'_>> {
        let mut pieces = Vec::new();
        for (index, (direction, bytes)) in self.pieces.iter().enumerate() {
            if let Some(length) = self.gaps.get(&index) {
                pieces.push(Piece::Gap(*direction, Some(*length)));
            }
            pieces.push(Piece::Bytes(*direction, bytes));
        }
        pieces
    }
}

/// The UDP or TCP flows of a capture, as tshark numbers them. Segments out of order are left out.
pub(crate) fn flows(capture: &Path, transport: Transport) -> Vec<Flow> {
    let name = if transport == Transport::Tcp {
        "tcp"
    } else {
        "udp"
    };
    let fields: Vec<String> = ["stream", "srcport", "payload", "seq", "flags.syn"]
        .map(|field| format!("{name}.{field}"))
        .to_vec();
    let mut fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    if transport != Transport::Tcp {
        fields.truncate(3);
    }
    fields.push("ip.src");
    let mut flows: BTreeMap<u64, Flow> = BTreeMap::new();
    for row in tshark(capture, name, &fields) {
        let stream = row.one(fields[0]).parse().expect("number");
        let flow = flows.entry(stream).or_default();
        let sender = format!("{}:{}", row.one("ip.src"), row.one(fields[1]));
        if flow.originator.is_empty() {
            flow.originator.clone_from(&sender);
        }
        let direction = if sender == flow.originator {
            FromOriginator
        } else {
            FromResponder
        };
        let payload = row.bytes(fields[2]);
        if transport == Transport::Tcp {
            let seq: u64 = row.one("tcp.seq").parse().expect("number");
            let next = flow.next.entry(sender).or_insert(seq);
            if !["0", "False", ""].contains(&row.one("tcp.flags.syn")) {
                *next = seq + 1;
            }
            let known = next.saturating_sub(seq) as usize;
            if known >= payload.len() {
                continue;
            }
            if seq > *next {
                flow.gaps.insert(flow.pieces.len(), seq - *next);
            }
            *next = seq + payload.len() as u64;
            flow.pieces.push((direction, payload[known..].to_vec()));
        } else if !payload.is_empty() {
            flow.pieces.push((direction, payload));
        }
    }
    flows.into_values().collect()
}

pub(super) fn start(transport: Transport) -> Start {
    Start {
        transport,
        from_start: true,
        ports: [1023, 2049],
    }
}

pub(super) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks_exact(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hex"))
        .collect()
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

pub(super) fn files(said: &[Said]) -> Vec<&Artifact> {
    said.iter()
        .filter_map(|said| match &said.meaning {
            Meaning::File(file) => Some(&**file),
            _ => None,
        })
        .collect()
}

pub(super) fn requests(said: &[Said]) -> Vec<(&'static str, &str, Option<bool>)> {
    said.iter()
        .filter_map(|said| match &said.meaning {
            Meaning::Request {
                operation,
                object,
                granted,
            } => Some((*operation, object.as_str(), *granted)),
            _ => None,
        })
        .collect()
}

pub(super) const GETPORT: &str = "0000000a 00000000 00000002 000186a0 00000002 00000003 \
    00000000 00000000 00000000 00000000 000186a5 00000003 \
    00000011 00000000";
pub(super) const MNT: &str = "0000000b 00000000 00000002 000186a5 00000003 00000001 \
    00000001 00000020 11223344 00000007 636d7338303030 00 \
    00000000 00000000 00000001 00000000 00000000 00000000 \
    00000003 2f706d 00";
pub(super) const READ: &str = "0000000d 00000000 00000002 000186a3 00000003 00000006 \
    00000000 00000000 00000000 00000000 00000004 aabbccdd \
    00000000 00000000 00001000";
pub(super) const READ_REPLY: &str = "0000000d 00000001 00000000 00000000 00000000 00000000 \
    00000000 00000000 00000004 00000001 00000004 7f454c46";

#[test]
fn a_port_is_told_and_announced() {
    let call = hex(GETPORT);
    let reply = hex("0000000a 00000001 00000000 00000000 00000000 00000000 00004e50");
    let pieces = [
        Piece::Bytes(FromOriginator, &call),
        Piece::Bytes(FromResponder, &reply),
    ];
    let driven = drive(&portmap::Portmap, &start(Transport::Udp), &pieces);
    assert_eq!(requests(&driven.said), [("getport", "mount", Some(true))]);
    let [expected] = driven.expected.as_slice() else {
        panic!("{:?}", driven.expected);
    };
    assert_eq!((expected.port, expected.protocol), (20048, "mount"));
    assert_eq!(
        (expected.server, expected.transport),
        (FromResponder, Transport::Udp)
    );
}

#[test]
fn a_mount_without_reply_is_said_at_the_end() {
    let call = hex(MNT);
    let pieces = [Piece::Bytes(FromOriginator, &call)];
    let driven = drive(&mount::Mount, &start(Transport::Udp), &pieces);
    assert_eq!(requests(&driven.said), [("mount", "/pm", None)]);
    let Meaning::Claim {
        attribute, value, ..
    } = &driven.said[0].meaning
    else {
        panic!("{:?}", driven.said);
    };
    assert_eq!(
        (*attribute, value.as_str()),
        ("rpc_machine_name", "cms8000")
    );
    assert_eq!(driven.said[0].attributes, [("uid", "0".into())]);
}

#[test]
fn a_read_gives_the_file() {
    let (call, reply) = (hex(READ), hex(READ_REPLY));
    let pieces = [
        Piece::Bytes(FromOriginator, &call),
        Piece::Bytes(FromResponder, &reply),
    ];
    let driven = drive(&Nfs, &start(Transport::Udp), &pieces);
    assert_eq!(requests(&driven.said), [("read", "", Some(true))]);
    let [file] = files(&driven.said)[..] else {
        panic!("{:?}", driven.said);
    };
    assert!(file.complete);
    assert_eq!((file.kind, file.class), ("ELF", FileClass::Executable));
    assert_eq!(file.sha256, Some(sha256(b"\x7fELF")));
    // The server sends what is read.
    let said = driven.said.last().expect("statements");
    assert_eq!(said.direction, FromResponder);
}

#[test]
fn a_reply_alone_says_nothing() {
    let reply = hex(READ_REPLY);
    let pieces = [Piece::Bytes(FromResponder, &reply)];
    let driven = drive(&Nfs, &start(Transport::Udp), &pieces);
    assert!(driven.said.is_empty());
    assert_eq!(driven.limits.get("rpc-reply-without-call"), Some(&1));
}

/// A case whose truth is known: the program that a monitor copies from a share.
#[test]
fn the_case_gives_the_file_that_was_copied() {
    let Some(case) = shared("cases/c05_nfs_tcp_outside.pcap") else {
        return;
    };
    let expected = hex("068a0a80824884e19ff8ca92b0fbad51db9c6031c588890cf96c463a7e5597e9");
    let mut found = Vec::new();
    for flow in flows(&case, Transport::Tcp) {
        let driven = drive(&Nfs, &start(Transport::Tcp), &flow.pieces());
        for file in files(&driven.said) {
            assert!(
                file.complete && file.class == FileClass::Executable,
                "{file:?}"
            );
            assert_eq!(file.name, "monitor");
            found.push(file.sha256.expect("complete").to_vec());
        }
        cut_anywhere(&flow);
    }
    if !found.is_empty() {
        assert_eq!(found, [expected]);
    }
    let driven: Vec<Driven> = flows(&case, Transport::Udp)
        .iter()
        .map(|flow| drive(&mount::Mount, &start(Transport::Udp), &flow.pieces()))
        .collect();
    let all: Vec<_> = driven
        .iter()
        .flat_map(|driven| requests(&driven.said))
        .collect();
    let mounted = all.contains(&("mount", "/pm", Some(true)));
    assert!(
        mounted && all.contains(&("getport", "mount", Some(true))),
        "{all:?}"
    );
}

/// The same statements from a stream cut in two at every offset, and byte by byte.
pub(super) fn cut_anywhere(flow: &Flow) {
    let whole = drive(&Nfs, &start(Transport::Tcp), &flow.pieces());
    let expected = without_places(&whole.said);
    for size in [1, 3, 7, 61, 500] {
        let pieces: Vec<Piece<'_>> = flow
            .pieces
            .iter()
            .flat_map(|(direction, bytes)| {
                bytes
                    .chunks(size)
                    .map(|chunk| Piece::Bytes(*direction, chunk))
            })
            .collect();
        let driven = drive(&Nfs, &start(Transport::Tcp), &pieces);
        assert_eq!(without_places(&driven.said), expected, "pieces of {size}");
    }
    for (index, (direction, bytes)) in flow.pieces.iter().enumerate() {
        for cut in 1..bytes.len() {
            if flow.pieces.len() > 20 && cut % 397 != 3 {
                continue;
            }
            let mut pieces = flow.pieces();
            let (one, two) = bytes.split_at(cut);
            pieces[index] = Piece::Bytes(*direction, one);
            pieces.insert(index + 1, Piece::Bytes(*direction, two));
            let driven = drive(&Nfs, &start(Transport::Tcp), &pieces);
            assert_eq!(
                without_places(&driven.said),
                expected,
                "piece {index} cut at {cut}"
            );
        }
    }
}

/// Everything that a capture's flows say, with the limits that were reached.
fn said_in(capture: &Path) -> Vec<Driven> {
    [Transport::Udp, Transport::Tcp]
        .into_iter()
        .flat_map(|transport| {
            flows(capture, transport)
                .iter()
                .map(|flow| drive(&Nfs, &start(transport), &flow.pieces()))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Field values of one capture, by tshark's field name.
type Values = BTreeMap<&'static str, BTreeSet<String>>;

const FIELDS: [&str; 5] = [
    "rpc.auth.machinename",
    "mount.path",
    "portmap.port",
    "nfs.name",
    "nfs.data",
];
/// Files of more bytes cross in several requests, which tshark shows one by one.
const SMALL: usize = 100;

fn theirs(capture: &Path) -> Values {
    let mut values = Values::new();
    let mut add = |field, value: String| {
        values.entry(field).or_default().insert(value);
    };
    let asked = [&FIELDS[..], &["portmap.uaddr", "rpc.programversion"]].concat();
    for row in tshark(capture, "rpc", &asked) {
        let version_4 = row.one("rpc.programversion") == "4";
        for field in FIELDS {
            for value in row.all(field) {
                let counts = match field {
                    "portmap.port" => value != "0",
                    "nfs.name" => value != "." && value != ".." && !version_4,
                    "nfs.data" => value.len() <= 2 * SMALL && !version_4,
                    _ => true,
                };
                if counts {
                    add(field, value.clone());
                }
            }
        }
        for address in row.all("portmap.uaddr") {
            let mut parts = address
                .rsplit('.')
                .map(|part| part.parse::<u16>().unwrap_or(0));
            if let (Some(low), Some(high)) = (parts.next(), parts.next())
                && high > 0
            {
                add("portmap.port", (high * 256 + low).to_string());
            }
        }
    }
    // Data by their hash.
    let hashes = values.entry("nfs.data").or_default();
    *hashes = hashes
        .iter()
        .map(|data| format!("{:?}", sha256(&hex(data))))
        .collect();
    values
}

fn ours(capture: &Path) -> Values {
    let mut values = Values::new();
    let mut add = |field, value: &str| {
        values.entry(field).or_default().insert(value.to_owned());
    };
    let driven = said_in(capture);
    for said in driven.iter().flat_map(|driven| &driven.said) {
        let attribute = |name: &str| {
            let found = said.attributes.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.as_ref())
        };
        let version_4 = attribute("nfs_version").is_some_and(|version| version.starts_with('4'));
        match &said.meaning {
            Meaning::Claim {
                attribute: "rpc_machine_name",
                value,
                ..
            } => add("rpc.auth.machinename", value),
            Meaning::Request {
                operation, object, ..
            } => match attribute("port") {
                Some(port) => add("portmap.port", port.split('/').next().unwrap_or_default()),
                None if matches!(*operation, "mount" | "unmount") => add("mount.path", object),
                None if attribute("nfs_version").is_some() && !version_4 => {
                    let names = object.split(" -> ").flat_map(|path| path.split('/'));
                    names
                        .filter(|name| !name.is_empty())
                        .for_each(|name| add("nfs.name", name));
                }
                None => {}
            },
            Meaning::File(file) if file.size <= SMALL as u64 && !version_4 => {
                add(
                    "nfs.data",
                    &format!("{:?}", file.sha256.unwrap_or_default()),
                );
            }
            _ => {}
        }
    }
    values
}

/// One statement stands for all repeats, so the sets of values of a capture are compared. A
/// WRITE over several frames of `ip4_fragments` has no small data on either side.
#[test]
fn fields_agree_with_tshark() {
    let mut captures: Vec<PathBuf> = ["nfs", "mount", "portmap"]
        .iter()
        .flat_map(|layer| captures_with(layer))
        .collect();
    captures.sort();
    captures.dedup();
    let (mut agreed, mut wrong) = (0, Vec::new());
    for capture in &captures {
        let (mut theirs, mut ours) = (theirs(capture), ours(capture));
        for field in FIELDS {
            let theirs = theirs.remove(field).unwrap_or_default();
            let ours = ours.remove(field).unwrap_or_default();
            agreed += theirs.intersection(&ours).count();
            let differ = theirs.symmetric_difference(&ours);
            wrong.extend(differ.map(|value| {
                let side = if ours.contains(value) {
                    "here"
                } else {
                    "tshark"
                };
                format!("{} {field}: {value} only {side}", name_of(capture))
            }));
        }
    }
    println!(
        "RPC, MOUNT, portmap, NFS: {agreed} values agree, {} do not",
        wrong.len()
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
    if !captures.is_empty() {
        assert!(agreed > 80, "{agreed}");
    }
}
