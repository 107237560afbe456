//! A bundle of evidence: a zip of packets, findings and facts, sealed by digests, a hash tree and a
//! signature; and beside it a sealed file that ties the packets to the untouched originals.
//!
//! Members are stored, not compressed, in fixed order and with fixed times, so that the zip is a
//! pure function of its contents and its bytes are checked as a whole (docs/evidence.md).

use std::io::{Cursor, Write};

use auscult_model::hex;
use auscult_model::report::Finding;
use serde::{Deserialize, Serialize};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::cut::{Cut, Piece};
use crate::facts::Facts;
use crate::frame::Frame;
use crate::key::Key;
use crate::merkle::{Hash, leaf, root, sha256};
use crate::open::frames;
use crate::page;
use crate::pseudonym::keyed;

/// What this version writes and reads.
pub const FORMAT: &str = "auscult-evidence/1";
/// What the sealed file is.
pub(crate) const SEALED_FORMAT: &str = "auscult-sealed/1";

/// Names of members.
pub(crate) mod member {
    /// The packets.
    pub(crate) const PACKETS: &str = "packets.pcapng";
    /// Where they came from and what was done to them.
    pub(crate) const ORIGINS: &str = "packets.json";
    /// The findings.
    pub(crate) const FINDINGS: &str = "findings.json";
    /// What they rest on.
    pub(crate) const FACTS: &str = "facts.json";
    /// For people.
    pub(crate) const REPORT: &str = "report.html";
    /// How to check the bundle without this program.
    pub(crate) const README: &str = "README.txt";
    /// Digests of all these.
    pub(crate) const MANIFEST: &str = "manifest.json";
    /// Over the manifest.
    pub(crate) const SIGNATURE: &str = "signature";
    /// Whose signature.
    pub(crate) const PUBLIC_KEY: &str = "public-key.pem";
    /// A time stamp over the manifest (RFC 3161).
    pub(crate) const TIMESTAMP: &str = "timestamp.tsr";
    /// Those that the manifest lists, in order.
    pub(crate) const LISTED: [&str; 6] = [README, FACTS, FINDINGS, ORIGINS, PACKETS, REPORT];
}

/// The member `manifest.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// Version of the program.
    pub auscult: String,
    /// Ids of the findings.
    pub findings: Vec<String>,
    /// The members, in order.
    pub members: Vec<Member>,
    /// A commitment to each packet as it was captured, in their order: HMAC-SHA-256 with a nonce of
    /// 128 bits as its key, over the length on the wire (four bytes, the highest first) and the
    /// captured bytes.
    pub commitments: Vec<String>,
    /// Over the packets, then the members (RFC 6962).
    pub tree: Tree,
    /// The key that signs this file, in hexadecimal digits.
    pub public_key: String,
}

/// A member with its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256.
    pub sha256: String,
}

/// A hash tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tree {
    /// Number of entries.
    pub leaves: u64,
    /// Its root.
    pub root: String,
}

/// A packet in `packets.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The original file.
    pub file: String,
    /// Its number there.
    pub packet: u64,
    /// Why it is enclosed.
    pub why: String,
    /// Bytes that were captured of it.
    pub captured: u32,
    /// Replaced bytes, from and to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub masked: Vec<[u32; 2]>,
    /// Where a checksum of two bytes was moved by what was replaced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checksums: Vec<u32>,
    /// Bytes from here on were cut off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_at: Option<u32>,
}

/// The sealed file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// [`SEALED_FORMAT`].
    pub format: String,
    /// SHA-256 of the manifest that it belongs to.
    pub manifest: String,
    /// What nonces and pseudonyms were drawn from.
    pub seed: String,
    /// The packets in the order of the bundle.
    pub packets: Vec<SealedPacket>,
}

impl Sealed {
    /// Reads the file.
    pub fn from_json(bytes: &[u8]) -> Result<Sealed, String> {
        let sealed: Sealed =
            serde_json::from_slice(bytes).map_err(|error| format!("no sealed file: {error}"))?;
        match sealed.format == SEALED_FORMAT {
            true => Ok(sealed),
            false => Err(format!("this version reads {SEALED_FORMAT}")),
        }
    }
}

/// What opens the commitment to one packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedPacket {
    /// The original file.
    pub file: String,
    /// Its number there.
    pub packet: u64,
    /// The key of the commitment.
    pub nonce: String,
    /// SHA-256 of the captured bytes.
    pub sha256: String,
}

/// What goes into a bundle.
pub struct Case<'a> {
    /// The findings.
    pub findings: &'a [&'a Finding],
    /// What they rest on.
    pub facts: &'a Facts,
    /// The masked packets.
    pub cut: &'a Cut,
    /// The same packets as they were captured.
    pub originals: &'a [Frame],
    /// What nonces and pseudonyms are drawn from.
    pub seed: [u8; 32],
    /// Who signs.
    pub key: &'a Key,
    /// A time stamp token over the manifest of the same bundle, made before.
    pub timestamp: Option<&'a [u8]>,
    /// Version of the program.
    pub version: &'a str,
}

/// A bundle.
pub struct Bundle {
    /// The zip.
    pub zip: Vec<u8>,
    /// The sealed file, for those who may see patients' data.
    pub sealed: Vec<u8>,
    /// SHA-256 of the manifest: what a time stamp is asked for.
    pub manifest: Hash,
}

/// The key of pseudonyms, drawn from a seed.
pub fn pseudonym_key(seed: &[u8; 32]) -> [u8; 32] {
    keyed(seed, &[b"pseudonyms"])
}

fn nonce(seed: &[u8; 32], index: usize) -> [u8; 16] {
    let drawn = keyed(seed, &[b"nonce", &(index as u64).to_be_bytes()]);
    let mut nonce = [0; 16];
    nonce.copy_from_slice(drawn.split_at(16).0);
    nonce
}

/// What a commitment to a packet is.
pub(crate) fn commitment(nonce: &[u8], frame: &Frame) -> Hash {
    keyed(nonce, &[&frame.original.to_be_bytes(), &frame.data])
}

/// A packet as an entry of the tree: time, length on the wire, bytes.
pub(crate) fn packet_leaf(frame: &Frame) -> Hash {
    let time = frame.time.0.to_be_bytes();
    let entry = [&time[..], &frame.original.to_be_bytes(), &frame.data].concat();
    leaf(&entry)
}

/// A member as an entry of the tree: name, a zero, digest.
pub(crate) fn member_leaf(name: &str, digest: &Hash) -> Hash {
    leaf(&[name.as_bytes(), &[0], digest].concat())
}

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// JSON could not be written.
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The zip could not be written.
    #[error("cannot write the zip: {0}")]
    Zip(#[from] zip::result::ZipError),
    /// The same.
    #[error("cannot write the zip: {0}")]
    Io(#[from] std::io::Error),
    /// The packets could not be read again.
    #[error("cannot read the packets: {0}")]
    Packets(String),
    /// The key could not be written.
    #[error("cannot write the public key: {0}")]
    Key(String),
}

impl Case<'_> {
    /// Makes the bundle.
    pub fn bundle(&self) -> Result<Bundle, BundleError> {
        let ids: Vec<String> = self.findings.iter().map(|it| it.id.clone()).collect();
        let program = format!("Auscult {}", self.version);
        let comment = format!(
            "{program}: packets of {}. Patients' bytes are replaced, checksums moved accordingly.",
            ids.join(", ")
        );
        let packets = self.cut.pcapng(&comment, &program);
        let origins: Vec<Origin> = self.cut.pieces.iter().map(|it| self.origin(it)).collect();
        let page = page::page(self.findings, self.facts, self.cut);
        let contents = [
            (member::README, README.replace('\n', "\r\n").into_bytes()),
            (member::FACTS, json(self.facts)?),
            (member::FINDINGS, json(&self.findings)?),
            (member::ORIGINS, json(&origins)?),
            (member::PACKETS, packets),
            (member::REPORT, page.into_bytes()),
        ];
        let nonces = (0..self.originals.len()).map(|index| nonce(&self.seed, index));
        let originals = self.originals.iter().zip(nonces);
        let commitments = originals
            .clone()
            .map(|(frame, nonce)| hex(&commitment(&nonce, frame)))
            .collect();
        let contents: Vec<(&str, &[u8])> = contents
            .iter()
            .map(|(name, bytes)| (*name, &bytes[..]))
            .collect();
        let of = Sealing {
            findings: ids,
            commitments,
            version: self.version,
            timestamp: self.timestamp,
        };
        let (zip, digest) = seal(&contents, of, self.key)?;
        let sealed = Sealed {
            format: SEALED_FORMAT.to_owned(),
            manifest: hex(&digest),
            seed: hex(&self.seed),
            packets: originals
                .map(|(frame, nonce)| self.sealed(frame, nonce))
                .collect(),
        };
        Ok(Bundle {
            zip,
            sealed: json(&sealed)?,
            manifest: digest,
        })
    }

    fn file(&self, frame: &Frame) -> String {
        let file = self.cut.files.get(frame.packet.file.0 as usize);
        file.cloned().unwrap_or_default()
    }

    fn origin(&self, piece: &Piece) -> Origin {
        let change = &piece.change;
        let whole = self
            .originals
            .iter()
            .find(|it| it.packet == piece.frame.packet);
        Origin {
            file: self.file(&piece.frame),
            packet: piece.frame.packet.number,
            why: piece.level.word().to_owned(),
            captured: whole.map_or(0, |frame| frame.data.len() as u32),
            masked: change
                .masked
                .iter()
                .map(|range| [range.start, range.end])
                .collect(),
            checksums: change.checksums.clone(),
            cut_at: change.cut_at,
        }
    }

    fn sealed(&self, frame: &Frame, nonce: [u8; 16]) -> SealedPacket {
        SealedPacket {
            file: self.file(frame),
            packet: frame.packet.number,
            nonce: hex(&nonce),
            sha256: hex(&sha256(&frame.data)),
        }
    }
}

/// What a manifest says beside its members.
pub struct Sealing<'a> {
    /// Ids of the findings.
    pub findings: Vec<String>,
    /// A commitment to each packet.
    pub commitments: Vec<String>,
    /// Version of the program.
    pub version: &'a str,
    /// A time stamp over the manifest.
    pub timestamp: Option<&'a [u8]>,
}

/// Signs members and packs them; returns the digest of the manifest beside the zip. Fails when the
/// packets among them are no capture.
pub fn seal(
    contents: &[(&str, &[u8])],
    of: Sealing<'_>,
    key: &Key,
) -> Result<(Vec<u8>, Hash), BundleError> {
    let packets = contents.iter().find(|(name, _)| *name == member::PACKETS);
    let frames = frames(packets.map_or(&[], |(_, bytes)| bytes))
        .map_err(|fault| BundleError::Packets(fault.to_string()))?;
    let mut leaves: Vec<Hash> = frames.iter().map(packet_leaf).collect();
    let mut members = Vec::new();
    for (name, bytes) in contents {
        let digest = sha256(bytes);
        leaves.push(member_leaf(name, &digest));
        members.push(Member {
            name: (*name).to_owned(),
            bytes: bytes.len() as u64,
            sha256: hex(&digest),
        });
    }
    let manifest = json(&Manifest {
        format: FORMAT.to_owned(),
        auscult: of.version.to_owned(),
        findings: of.findings,
        members,
        commitments: of.commitments,
        tree: Tree {
            leaves: leaves.len() as u64,
            root: hex(&root(&leaves)),
        },
        public_key: key.public().hex(),
    })?;
    let public_key = key.public().to_pem().map_err(BundleError::Key)?;
    let signature = key.sign(&manifest);
    let mut all = contents.to_vec();
    all.push((member::MANIFEST, &manifest));
    all.push((member::SIGNATURE, &signature));
    all.push((member::PUBLIC_KEY, public_key.as_bytes()));
    all.extend(of.timestamp.map(|token| (member::TIMESTAMP, token)));
    Ok((zip_of(&all)?, sha256(&manifest)))
}

/// JSON for people and programs, with a line end.
fn json(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The zip of these members: stored, at no time, for everybody to read.
pub(crate) fn zip_of(members: &[(&str, &[u8])]) -> Result<Vec<u8>, BundleError> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, options)?;
        zip.write_all(bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}

/// How to check a bundle without this program.
const README: &str = include_str!("../data/README.txt");
