//! MOUNT: hands out the root of an export, before NFS versions 2 and 3 can begin.
//!
//! ```text
//! 1 MNT     path<1024> → v1, v2: status, handle 32 bytes · v3: status, handle<64>, flavors
//! 2 DUMP    → (1, host, path)*, 0        3 UMNT   path → nothing      4 UMNTALL
//! 5 EXPORT  → (1, path, (1, group)*, 0)*, 0
//! status    0 ok · 1 perm · 2 noent · 5 io · 13 acces · 20 notdir · 22 inval · 63 nametoolong
//!           · 10004 notsupp · 10006 serverfault
//! ```
//!
//! Sources: RFC 1094 appendix A, RFC 1813 §5. Limits: at most 64 exports of a list are read.

use auscult_model::{Direction, Transport};

use crate::nfs::Handle;
use crate::rpc::speaker::{Once, Speaker};
use crate::rpc::{self, xdr::Xdr};
use crate::{Mark, Probe, Protocol, Record, Seen, Session, Start, Tier, text};

static RECORD: Record = Record {
    name: "mount",
    title: "NFS mount daemon",
    tier: Tier::Decoded,
    transports: &[Transport::Tcp, Transport::Udp],
    ports: &[20048, 635],
    weak: false,
    sources: &["RFC 1094", "RFC 1813", "RFC 5531"],
    reads: &[
        "exports mounted, unmounted and listed, and whether that was granted",
        "the caller's machine name and user id",
    ],
    leaves_out: "the list of who has mounted what, groups of an export",
    attributes: &[
        ("mount_version", "version of the protocol"),
        ("uid", "user id under which the caller works (AUTH_SYS)"),
        ("exports", "exported paths, separated by commas"),
        ("status", "why a mount was refused"),
    ],
    bounds: &[],
    false_likely: "a call has 76 fixed bits or more and is Certain; Likely only without \
        the other side",
};

/// Longest path.
const PATH_MAX: usize = 1024;
/// Most exports of a list, and most groups of an export.
const LIST_MAX: usize = 64;

/// The `mount` line of the table.
pub struct Mount;

impl Protocol for Mount {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        rpc::probe(seen, &[rpc::MOUNT])
    }

    fn start(&self, start: &Start) -> Box<dyn Session> {
        rpc::start(start)
    }
}

/// What a call asked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Query {
    Mount(String),
    Unmount(String),
    Dump,
    UnmountAll,
    Export,
}

impl Query {
    fn words(&self) -> (&'static str, &str) {
        match self {
            Query::Mount(path) => ("mount", path),
            Query::Unmount(path) => ("unmount", path),
            Query::Dump => ("dump", ""),
            Query::UnmountAll => ("unmount-all", ""),
            Query::Export => ("export", ""),
        }
    }
}

/// The arguments of a call, when they are read.
pub(crate) fn query(procedure: u32, arguments: &[u8]) -> Option<Query> {
    let path = || Xdr::new(arguments).opaque(PATH_MAX).map(text::lenient);
    Some(match procedure {
        1 => Query::Mount(path()?),
        2 => Query::Dump,
        3 => Query::Unmount(path()?),
        4 => Query::UnmountAll,
        5 => Query::Export,
        _ => return None,
    })
}

/// Says what was asked and answered (`None`: not carried out); gives the root's handle and path
/// when something was mounted.
pub(crate) fn answered(
    (query, version): (&Query, u32),
    results: Option<&[u8]>,
    caller: (Mark, Direction),
    once: &mut Once,
    speaker: &mut Speaker<'_, '_>,
) -> Option<(Handle, String)> {
    let mut root = None;
    let mut attribute = None;
    let granted = match (query, results) {
        (Query::Mount(path), Some(results)) => {
            let mut xdr = Xdr::new(results);
            let status = xdr.word()?;
            if status == 0 {
                let handle = if version < 3 {
                    xdr.fixed(32)
                } else {
                    xdr.opaque(64)
                };
                root = handle.map(|handle| (Handle::from(handle), path.clone()));
            } else {
                attribute = Some(("status", status_word(status)));
            }
            status == 0
        }
        (Query::Export, Some(results)) => {
            attribute = Some(("exports", exports(results)));
            true
        }
        (_, results) => results.is_some(),
    };
    let (operation, object) = query.words();
    if let Some(said) = speaker.request(once, caller, operation, object, Some(granted)) {
        said.with("mount_version", version.to_string());
        if let Some((name, value)) = attribute {
            said.with(name, value);
        }
    }
    root
}

/// Says what was asked when no answer was seen.
pub(crate) fn unanswered(
    (query, version): (&Query, u32),
    caller: (Mark, Direction),
    once: &mut Once,
    speaker: &mut Speaker<'_, '_>,
) {
    let (operation, object) = query.words();
    if let Some(said) = speaker.request(once, caller, operation, object, None) {
        said.with("mount_version", version.to_string());
    }
}

fn status_word(status: u32) -> String {
    match status {
        1 => "perm",
        2 => "noent",
        5 => "io",
        13 => "acces",
        20 => "notdir",
        22 => "inval",
        63 => "nametoolong",
        10_004 => "notsupp",
        10_006 => "serverfault",
        other => return other.to_string(),
    }
    .to_owned()
}

/// Exported paths, as far as they are there.
fn exports(results: &[u8]) -> String {
    let mut xdr = Xdr::new(results);
    let mut paths: Vec<String> = Vec::new();
    while paths.len() < LIST_MAX && xdr.flag() == Some(true) {
        let Some(path) = xdr.opaque(PATH_MAX) else {
            break;
        };
        paths.push(text::lenient(path));
        let mut groups = 0;
        while groups < LIST_MAX && xdr.flag() == Some(true) && xdr.opaque(255).is_some() {
            groups += 1;
        }
    }
    paths.join(", ")
}
