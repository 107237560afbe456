//! Reads a bundle and finds what is wrong with it, member by member.
//!
//! Nothing in a bundle is trusted: sizes are bounded before anything is read and while it is, and
//! the bytes of the zip must be those that this program writes for its members, so that a changed
//! byte is found wherever it lies.

use std::io::{Cursor, Read};
use std::sync::Arc;

use auscult_capture::{Batch, CaptureReader};
use auscult_model::report::Finding;
use auscult_model::{Bound, FileIndex, PacketRef, hex};
use serde::de::DeserializeOwned;
use zip::{CompressionMethod, ZipArchive};

use crate::bounds::{EXPANSION, MEMBER_BYTES, MEMBERS, SELECTED};
use crate::bundle::{
    FORMAT, Manifest, Origin, Sealed, commitment, member, member_leaf, packet_leaf, zip_of,
};
use crate::facts::Facts;
use crate::frame::Frame;
use crate::key::PublicKey;
use crate::merkle::{Hash, from_hex, root, sha256};
use crate::timestamp;

/// What is wrong with a bundle; the member is named.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Not a zip from its first to its last byte.
    #[error("no whole zip: {0}")]
    Zip(String),
    /// More or larger than evidence is: made to exhaust whoever reads it.
    #[error("{member}: {what}: not read")]
    TooLarge {
        /// The member.
        member: String,
        /// Which bound it exceeds.
        what: String,
    },
    /// A member cannot be read.
    #[error("{0}: {1}")]
    Member(String, String),
    /// A member that does not belong there.
    #[error("{0}: does not belong in the bundle")]
    Foreign(String),
    /// A member that belongs there is not.
    #[error("{0}: is missing")]
    Missing(&'static str),
    /// A member is not the one that was signed.
    #[error("{0}: changed or swapped: its SHA-256 is not the manifest's")]
    Digest(String),
    /// The manifest is not what the key signed.
    #[error("signature: does not fit manifest.json and the key in it: one of them was changed")]
    Signature,
    /// Another key than was expected.
    #[error("manifest.json: signed by another key: {found} in place of {wanted}")]
    Key {
        /// Who signed.
        found: String,
        /// Who should have.
        wanted: String,
    },
    /// The key file in the zip is not the manifest's key.
    #[error("public-key.pem: is not the key that manifest.json names")]
    KeyFile,
    /// The hash tree does not fit.
    #[error("manifest.json: the hash tree over packets and members has another root")]
    Root,
    /// Bytes between members.
    #[error(
        "{member}: the zip around it was changed (byte {at}); packed again by another program?"
    )]
    Packing {
        /// The member before, or in, which the byte lies.
        member: String,
        /// Where.
        at: usize,
    },
    /// The time stamp is of something else.
    #[error("timestamp.tsr: stamps another manifest")]
    Timestamp,
    /// The sealed file belongs to another bundle, or was changed.
    #[error("sealed file: {0}")]
    Sealed(String),
    /// An original packet is not the one that was committed to.
    #[error("{file} packet {packet}: {why}")]
    Original {
        /// The original file.
        file: String,
        /// Its number there.
        packet: u64,
        /// What is wrong.
        why: String,
    },
}

/// A bundle that is whole: nothing in it changed since it was signed.
#[derive(Debug)]
pub struct Opened {
    /// Its manifest.
    pub manifest: Manifest,
    /// SHA-256 of that.
    pub digest: Hash,
    /// Who signed it.
    pub key: PublicKey,
    /// The findings.
    pub findings: Vec<Finding>,
    /// What they rest on.
    pub facts: Facts,
    /// The packets, as a capture.
    pub packets: Arc<[u8]>,
    /// Where they came from.
    pub origins: Vec<Origin>,
    /// The packets one by one.
    pub frames: Vec<Frame>,
    /// What is said of the time stamp.
    pub timestamp: Option<String>,
}

/// Opens a bundle; `wanted` is the key that should have signed it, where it is known.
pub fn open(bytes: &[u8], wanted: Option<&PublicKey>) -> Result<Opened, Fault> {
    let members = members(bytes)?;
    let get = |name: &'static str| {
        let found = members.iter().find(|(known, _)| known == name);
        found
            .map(|(_, bytes)| &bytes[..])
            .ok_or(Fault::Missing(name))
    };
    let manifest_bytes = get(member::MANIFEST)?;
    let manifest: Manifest = parse(member::MANIFEST, manifest_bytes)?;
    if manifest.format != FORMAT {
        let format: String = manifest.format.chars().take(40).collect();
        let words = format!("has format {format:?}, this version reads {FORMAT}");
        return Err(Fault::Member(member::MANIFEST.to_owned(), words));
    }
    for name in member::LISTED {
        check_member(&manifest, name, get(name)?)?;
    }
    if manifest.members.len() != member::LISTED.len() {
        let words = "lists other members than a bundle has".to_owned();
        return Err(Fault::Member(member::MANIFEST.to_owned(), words));
    }
    let key = signer(&manifest, manifest_bytes, get(member::SIGNATURE)?)?;
    if let Some(wanted) = wanted.filter(|wanted| **wanted != key) {
        return Err(Fault::Key {
            found: key.hex(),
            wanted: wanted.hex(),
        });
    }
    let own = key.to_pem().unwrap_or_default();
    if get(member::PUBLIC_KEY)? != own.as_bytes() {
        return Err(Fault::KeyFile);
    }
    let frames = frames(get(member::PACKETS)?)?;
    check_tree(&manifest, &frames)?;
    let digest = sha256(manifest_bytes);
    let stamp = get(member::TIMESTAMP).ok();
    let timestamp = stamp.map(|stamp| stamped(stamp, &digest)).transpose()?;
    check_packing(bytes, &members)?;
    let origins: Vec<Origin> = parse(member::ORIGINS, get(member::ORIGINS)?)?;
    if origins.len() != frames.len() || manifest.commitments.len() != frames.len() {
        let words = "has another number of packets than packets.pcapng".to_owned();
        return Err(Fault::Member(member::ORIGINS.to_owned(), words));
    }
    Ok(Opened {
        digest,
        key,
        findings: parse(member::FINDINGS, get(member::FINDINGS)?)?,
        facts: parse(member::FACTS, get(member::FACTS)?)?,
        packets: get(member::PACKETS)?.into(),
        origins,
        frames,
        timestamp,
        manifest,
    })
}

/// Name and bytes of every member, in order.
type Members = Vec<(String, Vec<u8>)>;

fn members(bytes: &[u8]) -> Result<Members, Fault> {
    let mut archive =
        ZipArchive::new(Cursor::new(bytes)).map_err(|error| Fault::Zip(error.to_string()))?;
    if archive.len() as u64 > MEMBERS.default {
        return Err(too_large("the zip", &MEMBERS, archive.len() as u64));
    }
    let mut members = Members::new();
    for index in 0..archive.len() {
        let raw = archive
            .by_index_raw(index)
            .map_err(|error| Fault::Zip(error.to_string()))?;
        let name = raw.name().map_err(|error| Fault::Zip(error.to_string()))?;
        let name: String = name.chars().take(100).collect();
        let (packed, size) = (raw.compressed_size(), raw.size());
        let is_stored = raw.compression() == CompressionMethod::Stored;
        drop(raw);
        let is_known = member::LISTED.contains(&name.as_str())
            || [
                member::MANIFEST,
                member::SIGNATURE,
                member::PUBLIC_KEY,
                member::TIMESTAMP,
            ]
            .contains(&name.as_str());
        if size > MEMBER_BYTES.default {
            return Err(too_large(&name, &MEMBER_BYTES, size));
        }
        if size / packed.max(1) > EXPANSION.default {
            return Err(too_large(&name, &EXPANSION, size / packed.max(1)));
        }
        if !is_known || members.iter().any(|(known, _)| *known == name) {
            return Err(Fault::Foreign(name));
        }
        if !is_stored {
            let words = "is compressed; members of evidence are not".to_owned();
            return Err(Fault::Member(name, words));
        }
        let read = archive.by_index(index);
        let mut file = read.map_err(|error| Fault::Member(name.clone(), error.to_string()))?;
        let mut content = Vec::new();
        let most = MEMBER_BYTES.default + 1;
        (&mut file)
            .take(most)
            .read_to_end(&mut content)
            .map_err(|error| Fault::Member(name.clone(), format!("changed: {error}")))?;
        if content.len() as u64 >= most {
            return Err(too_large(&name, &MEMBER_BYTES, most));
        }
        members.push((name, content));
    }
    Ok(members)
}

fn too_large(member: &str, bound: &Bound, found: u64) -> Fault {
    Fault::TooLarge {
        member: member.to_owned(),
        what: format!(
            "{found} {}, at most {} ({})",
            bound.of, bound.default, bound.name
        ),
    }
}

fn parse<T: DeserializeOwned>(name: &str, bytes: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(bytes)
        .map_err(|error| Fault::Member(name.to_owned(), format!("is no JSON of evidence: {error}")))
}

fn check_member(manifest: &Manifest, name: &str, bytes: &[u8]) -> Result<(), Fault> {
    let listed = manifest.members.iter().find(|member| member.name == name);
    let fits = listed.is_some_and(|member| {
        member.bytes == bytes.len() as u64 && member.sha256 == hex(&sha256(bytes))
    });
    match fits {
        true => Ok(()),
        false => Err(Fault::Digest(name.to_owned())),
    }
}

fn signer(manifest: &Manifest, bytes: &[u8], signature: &[u8]) -> Result<PublicKey, Fault> {
    let key = from_hex(&manifest.public_key).and_then(|key| <[u8; 32]>::try_from(key).ok());
    let key = key
        .and_then(|key| PublicKey::from_bytes(&key).ok())
        .ok_or(Fault::Signature)?;
    match key.verifies(bytes, signature) {
        true => Ok(key),
        false => Err(Fault::Signature),
    }
}

/// The packets of the member.
pub(crate) fn frames(bytes: &[u8]) -> Result<Vec<Frame>, Fault> {
    let failed = |why: String| Fault::Member(member::PACKETS.to_owned(), why);
    let options = auscult_capture::Options::default();
    let source: Arc<[u8]> = bytes.into();
    let mut reader = CaptureReader::new(
        member::PACKETS,
        FileIndex(0),
        Box::new(Cursor::new(source)),
        options,
    )
    .map_err(|reason| failed(reason.to_string()))?;
    let mut frames = Vec::new();
    let mut batch = Batch::new();
    while reader.next_batch(&mut batch) {
        for (meta, data) in batch.iter() {
            frames.push(Frame {
                packet: PacketRef {
                    file: FileIndex(0),
                    number: meta.number,
                },
                time: meta.time,
                interface: meta.interface,
                link: meta.link,
                original: meta.original,
                data: data.to_vec(),
            });
        }
        if frames.len() as u64 > SELECTED.default {
            return Err(too_large(member::PACKETS, &SELECTED, frames.len() as u64));
        }
    }
    match &reader.info().stopped_at {
        Some(stopped) => Err(failed(stopped.why.clone())),
        None => Ok(frames),
    }
}

fn check_tree(manifest: &Manifest, frames: &[Frame]) -> Result<(), Fault> {
    let mut leaves: Vec<Hash> = frames.iter().map(packet_leaf).collect();
    for member in &manifest.members {
        let digest = from_hex(&member.sha256).and_then(|it| Hash::try_from(it).ok());
        leaves.push(member_leaf(&member.name, &digest.ok_or(Fault::Root)?));
    }
    let fits =
        manifest.tree.leaves == leaves.len() as u64 && manifest.tree.root == hex(&root(&leaves));
    match fits {
        true => Ok(()),
        false => Err(Fault::Root),
    }
}

/// What a time stamp says, if it is of this manifest.
fn stamped(token: &[u8], digest: &Hash) -> Result<String, Fault> {
    match timestamp::read(token) {
        Some(token) => match token.sha256 {
            Some(sha256) if sha256 == digest => Ok(format!(
                "of this manifest, {}; the authority's signature is not checked here: openssl ts \
                 -verify",
                token.time
            )),
            Some(_) => Err(Fault::Timestamp),
            None => Ok(format!("of {}, not by SHA-256: not checked", token.time)),
        },
        None => Ok("not of a kind that is read here: not checked".to_owned()),
    }
}

/// The zip must be the one that is written for its members.
fn check_packing(bytes: &[u8], members: &Members) -> Result<(), Fault> {
    let list: Vec<(&str, &[u8])> = members
        .iter()
        .map(|(name, bytes)| (name.as_str(), &bytes[..]))
        .collect();
    let own = zip_of(&list).map_err(|error| Fault::Zip(error.to_string()))?;
    if own == bytes {
        return Ok(());
    }
    let same = own.iter().zip(bytes).take_while(|(a, b)| a == b).count();
    // The last member whose name stands before the place.
    let before = own.get(..same).unwrap_or_default();
    let is_begun = |name: &str| {
        before
            .windows(name.len())
            .any(|window| window == name.as_bytes())
    };
    let member = list
        .iter()
        .rev()
        .map(|(name, _)| *name)
        .find(|name| is_begun(name));
    Err(Fault::Packing {
        member: member.unwrap_or("the zip").to_owned(),
        at: same,
    })
}

impl Opened {
    /// Holds the packets against the originals, which the sealed file ties them to. `original`
    /// gives the packets of an original file by their numbers; where it has none the packet is not
    /// checked. Returns how many were.
    pub fn check_originals(
        &self,
        sealed: &[u8],
        original: impl Fn(&str, u64) -> Option<Frame>,
    ) -> Result<usize, Fault> {
        let wrong = |why: &str| Fault::Sealed(why.to_owned());
        let sealed = Sealed::from_json(sealed).map_err(Fault::Sealed)?;
        if sealed.manifest != hex(&self.digest) {
            return Err(wrong("belongs to another bundle"));
        }
        if sealed.packets.len() != self.frames.len() {
            return Err(wrong("has another number of packets"));
        }
        let mut checked = 0;
        let packets = self
            .origins
            .iter()
            .zip(&self.frames)
            .zip(&self.manifest.commitments);
        for ((sealed, ((origin, frame), committed)), number) in
            sealed.packets.iter().zip(packets).zip(1_u64..)
        {
            if (&sealed.file, sealed.packet) != (&origin.file, origin.packet) {
                return Err(wrong(&format!(
                    "its packet {number} is another than the bundle's"
                )));
            }
            let Some(whole) = original(&sealed.file, sealed.packet) else {
                continue;
            };
            let failed = |why: &str| Fault::Original {
                file: sealed.file.clone(),
                packet: sealed.packet,
                why: why.to_owned(),
            };
            let nonce = from_hex(&sealed.nonce).unwrap_or_default();
            if hex(&commitment(&nonce, &whole)) != *committed {
                return Err(failed("is not the packet that the bundle commits to"));
            }
            if !is_masked_from(frame, &whole, origin) {
                return Err(failed(
                    "differs from the bundle's where nothing was replaced",
                ));
            }
            checked += 1;
        }
        Ok(checked)
    }
}

/// Whether a packet is the original apart from what its origin says was done to it.
fn is_masked_from(frame: &Frame, whole: &Frame, origin: &Origin) -> bool {
    let length = origin.cut_at.map_or(whole.data.len(), |at| at as usize);
    let is_replaced = |at: usize| {
        let at = at as u32;
        origin
            .masked
            .iter()
            .any(|[start, end]| (*start..*end).contains(&at))
            || origin
                .checksums
                .iter()
                .any(|start| (*start..start.saturating_add(2)).contains(&at))
    };
    frame.data.len() == length.min(whole.data.len())
        && frame.original == whole.original.max(whole.data.len() as u32)
        && frame
            .data
            .iter()
            .zip(&whole.data)
            .enumerate()
            .all(|(at, (own, other))| own == other || is_replaced(at))
}
