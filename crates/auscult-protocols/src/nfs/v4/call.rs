//! Reads the operations of an NFSv4 call, one by one as they come.

use auscult_model::{About, Direction, Meaning};

use super::layout::{self, Item, skip};
use super::{HANDLE_MAX, OPAQUE_MAX, OPERATIONS_MAX, Operation, Step, Track};
use crate::nfs::{FileKey, Handle, NAME_MAX, Share, name, version_word};
use crate::rpc::calls::Asked;
use crate::rpc::speaker::{Here, Speaker};
use crate::rpc::xdr::Xdr;
use crate::{Mark, text};

/// A call whose operations are being read.
#[derive(Default)]
pub(crate) struct CallWalk {
    begun: bool,
    minor: u32,
    left: u32,
    operations: Vec<Operation>,
    track: Track,
}

/// One operation, and what it says besides.
struct Read {
    operation: Operation,
    /// File data that follow: offset and length.
    data: Option<(u64, usize)>,
    /// Attribute and value that the client says about itself.
    claim: Option<(&'static str, String)>,
}

impl From<Operation> for Read {
    fn from(operation: Operation) -> Self {
        Read {
            operation,
            data: None,
            claim: None,
        }
    }
}

impl CallWalk {
    /// The tag was read.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun
    }

    /// All operations were read.
    pub(crate) fn is_over(&self) -> bool {
        self.begun && self.left == 0
    }

    /// What was asked.
    pub(crate) fn take_asked(&mut self) -> Asked {
        Asked::Compound(std::mem::take(&mut self.operations), self.minor)
    }

    /// Reads the next part.
    pub(crate) fn step(
        &mut self,
        (bytes, here): (&[u8], Here),
        from: (Mark, Direction),
        share: &mut Share,
        speaker: &mut Speaker<'_, '_>,
    ) -> Step {
        let mut xdr = Xdr::new(bytes);
        if !self.begun {
            return match (xdr.opaque(OPAQUE_MAX), xdr.word(), xdr.word()) {
                (Some(_), Some(minor), Some(count)) => {
                    (self.begun, self.minor, self.left) = (true, minor, count);
                    Step::Used(xdr.at())
                }
                _ => Step::Wait,
            };
        }
        let Some(number) = xdr.word() else {
            return Step::Wait;
        };
        if !is_known(number) || self.operations.len() >= OPERATIONS_MAX {
            speaker.out.odd("nfs4-operation");
            return Step::Stop;
        }
        let Some(read) = operation(number, &mut xdr) else {
            return Step::Wait;
        };
        self.left = self.left.saturating_sub(1);
        speaker.now = here.mark(xdr.at(), speaker.out);
        if let Some((attribute, value)) = read.claim.filter(|(_, value)| !value.is_empty()) {
            let claim = Meaning::Claim {
                about: About::Sender,
                attribute,
                value,
            };
            let version = version_word(4, self.minor);
            speaker
                .say(from.0, from.1, claim)
                .with("nfs_version", version);
        }
        let step = match read.data {
            None => Step::Used(xdr.at()),
            Some((offset, length)) => {
                let file = self.track.here.handle.clone().map(FileKey::written);
                if let Some(key) = &file {
                    let version = version_word(4, self.minor);
                    share.begin(key, offset, from.1, version, speaker);
                }
                Step::Bulk {
                    used: xdr.at(),
                    file,
                    offset,
                    length,
                }
            }
        };
        self.track.follow(&read.operation, share);
        self.operations.push(read.operation);
        step
    }
}

/// Operations whose arguments can be read.
fn is_known(number: u32) -> bool {
    let special = [6, 11, 12, 15, 18, 22, 25, 28, 29, 35, 38, 42];
    special.contains(&number) || layout::arguments(number).is_some()
}

/// The arguments of one operation.
fn operation(number: u32, xdr: &mut Xdr<'_>) -> Option<Read> {
    Some(match number {
        6 => create(xdr)?.into(),
        11 => Operation::Named("link", name(xdr)?).into(),
        12 => {
            layout::lock_arguments(xdr)?;
            Operation::Other.into()
        }
        15 => Operation::Enter("lookup", name(xdr)?).into(),
        18 => open(xdr)?.into(),
        22 => Operation::Put(Handle::from(xdr.opaque(HANDLE_MAX)?)).into(),
        25 => {
            xdr.fixed(16)?;
            let offset = xdr.hyper()?;
            xdr.word()?;
            Operation::Read(offset).into()
        }
        28 => Operation::Named("remove", name(xdr)?).into(),
        29 => Operation::Rename(name(xdr)?, name(xdr)?).into(),
        35 => {
            xdr.fixed(8)?;
            let id = text::lenient(xdr.opaque(NAME_MAX)?);
            skip(
                xdr,
                &[Item::Fixed(4), Item::Opaque, Item::Opaque, Item::Fixed(4)],
            )?;
            Read {
                operation: Operation::Other,
                data: None,
                claim: Some(("nfs_client_id", id)),
            }
        }
        38 => {
            xdr.fixed(16)?;
            let offset = xdr.hyper()?;
            xdr.word()?;
            Read {
                operation: Operation::Write,
                data: Some((offset, xdr.word()? as usize)),
                claim: None,
            }
        }
        42 => exchange_id(xdr)?,
        _ => {
            skip(xdr, layout::arguments(number)?)?;
            match number {
                4 => Operation::Close,
                9 => Operation::Attributes,
                10 => Operation::Handle,
                16 | 19 => Operation::Elsewhere,
                23 | 24 => Operation::Root,
                26 => Operation::List,
                31 => Operation::Restore,
                32 => Operation::Save,
                _ => Operation::Other,
            }
            .into()
        }
    })
}

/// CREATE: type (5 link: text; 3, 4 device: two words), name, attributes.
fn create(xdr: &mut Xdr<'_>) -> Option<Operation> {
    match xdr.word()? {
        5 => xdr.opaque(OPAQUE_MAX).map(drop)?,
        3 | 4 => xdr.fixed(8).map(drop)?,
        _ => {}
    }
    let name = name(xdr)?;
    skip(xdr, &[Item::Bitmap, Item::Opaque])?;
    Some(Operation::Create(name))
}

/// OPEN: sequence, access, deny, owner, how to create, what to open.
fn open(xdr: &mut Xdr<'_>) -> Option<Operation> {
    skip(xdr, &[Item::Fixed(4 + 4 + 4 + 8), Item::Opaque])?;
    if xdr.word()? == 1 {
        match xdr.word()? {
            0 | 1 => skip(xdr, &[Item::Bitmap, Item::Opaque])?,
            2 => xdr.fixed(8).map(drop)?,
            _ => skip(xdr, &[Item::Fixed(8), Item::Bitmap, Item::Opaque])?,
        }
    }
    let named = match xdr.word()? {
        0 | 3 => name(xdr)?,
        1 => {
            xdr.word()?;
            return Some(Operation::OpenHere);
        }
        2 => {
            xdr.fixed(16)?;
            name(xdr)?
        }
        5 => {
            xdr.fixed(16)?;
            return Some(Operation::OpenHere);
        }
        _ => return Some(Operation::OpenHere),
    };
    Some(Operation::Enter("open", named))
}

/// EXCHANGE_ID: verifier, owner id, flags, state protection (0 none), implementation.
fn exchange_id(xdr: &mut Xdr<'_>) -> Option<Read> {
    xdr.fixed(8)?;
    let owner = text::lenient(xdr.opaque(NAME_MAX)?);
    xdr.word()?;
    let mut claim = ("nfs_client_id", owner);
    // State protection other than "none" is open-ended; nothing of note follows it.
    if xdr.word()? == 0 && xdr.flag()? {
        xdr.opaque(NAME_MAX)?;
        let implementation = text::lenient(xdr.opaque(NAME_MAX)?);
        xdr.fixed(12)?;
        if !implementation.is_empty() {
            claim.1 = format!("{} ({implementation})", claim.1);
        }
    }
    Some(Read {
        operation: Operation::Other,
        data: None,
        claim: Some(claim),
    })
}
