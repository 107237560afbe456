//! Knowledge as bytes, to be kept between runs: postcard's format, behind a version.
//!
//! Texts learnt from traffic are masked on the way out, so that no value seen as patient data
//! rests in a file. A format of another version is refused: facts are never guessed.

use auscult_detect::{Facts, StoredFacts};
use auscult_inventory::{Ledger, Limits as LedgerLimits, StoredLedger};
use auscult_model::report::{Capture, Health};
use auscult_model::{Artifact, Bounds, Endpoint, FileClass, PacketRef, Timestamp, Word};
use auscult_state::Hours;
use serde::{Deserialize, Serialize};

use crate::knowledge::{Knowledge, shown_name};
use crate::mask::{Mask, is_product};

/// Raised when the meaning of the bytes changes.
const VERSION: u16 = 3;

/// Why kept facts could not be read.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// Written by a version with another format.
    #[error("its facts have format {0}, this version reads {VERSION}")]
    Version(u16),
    /// Not what was written.
    #[error("its facts are damaged: {0}")]
    Damaged(#[from] postcard::Error),
    /// A part that JSON describes is not what was written.
    #[error("its facts are damaged: {0}")]
    Text(#[from] serde_json::Error),
}

#[derive(Serialize, Deserialize)]
struct KeptArtifact {
    name: String,
    #[serde(deserialize_with = "auscult_model::plausible_count")]
    size: u64,
    sha256: Option<[u8; 32]>,
    kind: Word,
    class: FileClass,
    signature: Option<Word>,
    protocol: Word,
    from: Endpoint,
    to: Endpoint,
    complete: bool,
    packets: [PacketRef; 2],
    times: [Timestamp; 2],
}

/// Everything but the captures, which a state keeps row by row.
#[derive(Serialize, Deserialize)]
struct Kept {
    ledger: StoredLedger,
    facts: StoredFacts,
    artifacts: Vec<KeptArtifact>,
    #[serde(deserialize_with = "auscult_model::plausible_count")]
    artifacts_total: u64,
    #[serde(deserialize_with = "auscult_model::plausible_count")]
    payload_segments: u64,
    #[serde(deserialize_with = "auscult_model::plausible_count")]
    hours_dropped: u64,
    /// [`Health`] as JSON: a fifth of a kilobyte, and open to new counters.
    health: String,
}

impl Knowledge {
    /// The facts as bytes, without the captures.
    pub(crate) fn keep(&self, mask: &Mask) -> Result<Vec<u8>, KeptError> {
        let text = |text: &str| mask.masked(text);
        let claimed = |attribute: Option<&'static str>, value: &str| match attribute {
            Some(attribute) if is_product(attribute) => value.to_owned(),
            _ => mask.masked(value),
        };
        let kept = Kept {
            ledger: self.ledger.store(&claimed),
            facts: self.facts.store(&text),
            artifacts: self
                .artifacts
                .iter()
                .map(|file| keep_file(file, &text))
                .collect(),
            artifacts_total: self.artifacts_total as u64,
            payload_segments: self.payload_segments,
            hours_dropped: self.hours_dropped,
            health: serde_json::to_string(&self.health)?,
        };
        let bytes = VERSION.to_be_bytes().to_vec();
        Ok(postcard::to_extend(&kept, bytes)?)
    }

    /// Knowledge from bytes of [`Self::keep`]; its captures are those that the state lists.
    pub(crate) fn restore(
        bytes: &[u8],
        captures: Vec<Capture>,
        bounds: Bounds,
    ) -> Result<Knowledge, KeptError> {
        let (version, body) = bytes.split_at_checked(2).unwrap_or((bytes, &[]));
        let version = version
            .iter()
            .fold(0, |sum, byte| sum << 8 | u16::from(*byte));
        if version != VERSION {
            return Err(KeptError::Version(version));
        }
        let kept: Kept = postcard::from_bytes(body)?;
        let health: Health = serde_json::from_str(&kept.health)?;
        let mut facts = Facts::within(&bounds);
        facts.restore(kept.facts);
        Ok(Knowledge {
            ledger: Ledger::restore(kept.ledger, LedgerLimits::within(&bounds)),
            facts,
            // A state that others wrote may say fewer than it lists.
            artifacts_total: usize::try_from(kept.artifacts_total)
                .unwrap_or(usize::MAX)
                .max(kept.artifacts.len()),
            artifacts: kept.artifacts.into_iter().map(file).collect(),
            captures,
            skipped: Vec::new(),
            health,
            payload_segments: kept.payload_segments,
            hours: Some(Hours::new()),
            minutes: Vec::new(),
            hours_dropped: kept.hours_dropped,
            bounds,
        })
    }
}

fn keep_file(file: &Artifact, text: &impl Fn(&str) -> String) -> KeptArtifact {
    KeptArtifact {
        name: text(&shown_name(file)),
        size: file.size,
        sha256: file.sha256,
        kind: Word(file.kind),
        class: file.class,
        signature: file.signature.map(Word),
        protocol: Word(file.protocol),
        from: file.from,
        to: file.to,
        complete: file.complete,
        packets: [file.first_packet, file.last_packet],
        times: [file.first, file.last],
    }
}

fn file(kept: KeptArtifact) -> Artifact {
    let [first_packet, last_packet] = kept.packets;
    let [first, last] = kept.times;
    Artifact {
        name: kept.name,
        size: kept.size,
        sha256: kept.sha256,
        kind: kept.kind.0,
        class: kept.class,
        signature: kept.signature.map(|word| word.0),
        protocol: kept.protocol.0,
        from: kept.from,
        to: kept.to,
        complete: kept.complete,
        first_packet,
        last_packet,
        first,
        last,
    }
}

#[cfg(test)]
mod tests {
    use auscult_model::report::Health;
    use auscult_model::{FileClass, PacketRef};

    use super::*;

    #[test]
    fn fewer_files_than_are_listed() {
        let end = Endpoint {
            segment: auscult_model::Segment::UNTAGGED,
            mac: None,
            ip: std::net::IpAddr::from([10, 0, 0, 1]),
            port: 80,
        };
        let packet = PacketRef::default();
        let mut knowledge = Knowledge::new(Bounds::default(), false);
        knowledge.health = Health::default();
        knowledge.artifacts.push(Artifact {
            name: "update".to_owned(),
            size: 1,
            sha256: None,
            kind: "data",
            class: FileClass::Other,
            signature: None,
            protocol: "http",
            from: end,
            to: end,
            complete: false,
            first_packet: packet,
            last_packet: packet,
            first: Timestamp::MIN,
            last: Timestamp::MIN,
        });
        let bytes = knowledge.keep(&Mask::new(10)).unwrap();
        let restored = Knowledge::restore(&bytes, Vec::new(), Bounds::default()).unwrap();
        assert_eq!(restored.artifacts_total, 1);
    }
}
