//! Reads the results of an NFSv4 call, one by one as they come.

use auscult_model::{About, Meaning};

use super::layout::{self, skip};
use super::{Exchange, HANDLE_MAX, OPAQUE_MAX, Operation, Step, Track};
use crate::nfs::{FileKey, Handle, NAME_MAX, Read, ReadHead};
use crate::rpc::speaker::{Here, Speaker};
use crate::rpc::xdr::Xdr;
use crate::text;

const GETATTR: u32 = 9;
const GETFH: u32 = 10;
const OPEN: u32 = 18;
const READ: u32 = 25;
const READDIR: u32 = 26;
const EXCHANGE_ID: u32 = 42;

/// A reply whose results are being read.
pub(crate) struct ReplyWalk {
    begun: bool,
    left: u32,
    /// What was asked, the next last.
    operations: Vec<Operation>,
    track: Track,
    /// A written file that was closed.
    closing: Option<FileKey>,
    version: &'static str,
}

impl ReplyWalk {
    /// The reply to a call of these operations.
    pub(crate) fn new(operations: &[Operation], minor: u32) -> Self {
        ReplyWalk {
            begun: false,
            left: 0,
            operations: operations.iter().rev().cloned().collect(),
            track: Track::default(),
            closing: None,
            version: crate::nfs::version_word(4, minor),
        }
    }

    /// Reads the next part.
    pub(crate) fn step(
        &mut self,
        (bytes, here): (&[u8], Here),
        mut exchange: Exchange<'_>,
        speaker: &mut Speaker<'_, '_>,
    ) -> Step {
        let mut xdr = Xdr::new(bytes);
        if !self.begun {
            return match (xdr.word(), xdr.opaque(OPAQUE_MAX), xdr.word()) {
                (Some(_), Some(_), Some(count)) => {
                    (self.begun, self.left) = (true, count);
                    Step::Used(xdr.at())
                }
                _ => Step::Wait,
            };
        }
        if self.left == 0 {
            // Its size may follow CLOSE.
            if let Some(file) = self.closing.take() {
                exchange.share.files.close(&file, speaker);
            }
            return Step::Stop;
        }
        let (Some(number), Some(status)) = (xdr.word(), xdr.word()) else {
            return Step::Wait;
        };
        let Some(operation) = self.operations.last().cloned() else {
            return Step::Stop;
        };
        let granted = status == 0;
        let step = if granted {
            self.result(number, &operation, &mut xdr, here, &mut exchange, speaker)
        } else {
            Some(Step::Stop)
        };
        let Some(step) = step else {
            return Step::Wait;
        };
        self.left -= 1;
        self.operations.pop();
        speaker.now = here.mark(xdr.at(), speaker.out);
        if !matches!(operation, Operation::Read(_)) || !granted {
            self.request(&operation, granted, &mut exchange, speaker);
        }
        if granted {
            self.track.follow(&operation, exchange.share);
        }
        if matches!(operation, Operation::Close) && granted {
            self.closing = self.track.here.handle.clone().map(FileKey::written);
        }
        step
    }

    fn request(
        &self,
        operation: &Operation,
        granted: bool,
        exchange: &mut Exchange<'_>,
        speaker: &mut Speaker<'_, '_>,
    ) {
        if let Some((word, object)) = self.track.request(operation) {
            let said =
                speaker.request(exchange.once, exchange.caller, word, &object, Some(granted));
            if let Some(said) = said {
                said.with("nfs_version", self.version);
            }
        }
    }

    /// The result of an operation that succeeded; `None` when it is not all there.
    fn result(
        &mut self,
        number: u32,
        operation: &Operation,
        xdr: &mut Xdr<'_>,
        here: Here,
        exchange: &mut Exchange<'_>,
        speaker: &mut Speaker<'_, '_>,
    ) -> Option<Step> {
        match (number, operation) {
            (READ, Operation::Read(offset)) => {
                return self.read(*offset, xdr, here, exchange, speaker);
            }
            (GETFH, _) => {
                let handle = Handle::from(xdr.opaque(HANDLE_MAX)?);
                if let Some(path) = self.track.here.path.clone() {
                    exchange
                        .share
                        .names
                        .learn(handle.clone(), path, speaker.out);
                }
                self.track.here.handle = Some(handle);
            }
            (GETATTR, _) => {
                let size = layout::size_attribute(xdr)?;
                if let (Some(size), Some(handle)) = (size, &self.track.here.handle) {
                    for key in [
                        FileKey::read(handle.clone()),
                        FileKey::written(handle.clone()),
                    ] {
                        exchange.share.files.know_size(&key, size);
                    }
                }
            }
            (OPEN, _) => layout::open_results(xdr)?,
            // Entries are not read, and nothing of note follows them.
            (READDIR, _) => return Some(Step::Stop),
            (EXCHANGE_ID, _) => {
                let implementation = server_implementation(xdr)?;
                if !implementation.is_empty() {
                    let claim = Meaning::Claim {
                        about: About::Sender,
                        attribute: "nfs_server",
                        value: implementation,
                    };
                    let (first, caller) = exchange.caller;
                    speaker.now = here.mark(xdr.at(), speaker.out);
                    speaker
                        .say(first, caller.opposite(), claim)
                        .with("nfs_version", self.version);
                }
                return Some(Step::Stop);
            }
            _ => match layout::results(number) {
                Some(items) => skip(xdr, items)?,
                None => {
                    speaker.out.odd("nfs4-operation");
                    return Some(Step::Stop);
                }
            },
        }
        Some(Step::Used(xdr.at()))
    }

    fn read(
        &self,
        offset: u64,
        xdr: &mut Xdr<'_>,
        here: Here,
        exchange: &mut Exchange<'_>,
        speaker: &mut Speaker<'_, '_>,
    ) -> Option<Step> {
        let eof = xdr.flag()?;
        let length = xdr.word()? as usize;
        let used = xdr.at();
        speaker.now = here.mark(used, speaker.out);
        let mut key = None;
        if let Some(handle) = &self.track.here.handle {
            let read = Read {
                file: handle,
                offset,
                head: ReadHead {
                    granted: true,
                    size: None,
                    eof,
                    length,
                    used,
                },
                version: self.version,
            };
            key = read.begin(exchange.share, exchange.once, exchange.caller, speaker);
        }
        Some(Step::Bulk {
            used,
            file: key,
            offset,
            length,
        })
    }
}

/// EXCHANGE_ID's result: client id, sequence, flags, state protection (0 none), the server's
/// owner and scope, its implementation.
fn server_implementation(xdr: &mut Xdr<'_>) -> Option<String> {
    xdr.fixed(8 + 4 + 4)?;
    if xdr.word()? != 0 {
        return Some(String::new());
    }
    xdr.fixed(8)?;
    xdr.opaque(NAME_MAX)?;
    xdr.opaque(NAME_MAX)?;
    if !xdr.flag()? {
        return Some(String::new());
    }
    let domain = text::lenient(xdr.opaque(NAME_MAX)?);
    let name = text::lenient(xdr.opaque(NAME_MAX)?);
    xdr.fixed(12)?;
    Some(format!("{name} ({domain})"))
}
