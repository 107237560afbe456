//! ONC RPC: the layer that portmap, MOUNT and NFS share.
//!
//! The three are separate records because they are separate services, on flows of their own. A
//! session reads whichever of their programs appears, as servers in user space put several on
//! one port. The first call's program number names the flow; a reply alone names nothing, as it
//! does not say what it answers.
//!
//! Sources: RFC 5531 (RPC), RFC 4506 (XDR). Limits: [`calls::CALLS`].

pub(crate) mod calls;
pub(crate) mod lane;
#[cfg(test)]
mod laws;
mod message;
mod session;
pub(crate) mod speaker;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod xdr;

use auscult_model::Transport;

use crate::{Probe, Seen, Session, Start};
use message::{Looks, looks};

/// Portmapper, rpcbind.
pub(crate) const PORTMAP: u32 = 100_000;
/// Network file system.
pub(crate) const NFS: u32 = 100_003;
/// Mount daemon.
pub(crate) const MOUNT: u32 = 100_005;
/// Access lists beside NFS, on its connection.
pub(crate) const NFS_ACL: u32 = 100_227;

/// Bytes of a stream picked up in the middle in which a record is looked for.
const SEARCHED: usize = 2048;

/// The record name of a program, when there is one.
pub(crate) fn protocol_of(program: u32) -> Option<&'static str> {
    match program {
        PORTMAP => Some("portmap"),
        NFS => Some("nfs"),
        MOUNT => Some("mount"),
        _ => None,
    }
}

/// A session that reads all three.
pub(crate) fn start(start: &Start) -> Box<dyn Session> {
    Box::new(session::RpcSession::new(start))
}

/// Probes for a call of one of `programs`.
pub(crate) fn probe(seen: &Seen<'_>, programs: &[u32]) -> Probe {
    let ours = |side: Looks| matches!(side, Looks::Call { program } if programs.contains(&program));
    if seen.transport == Transport::Tcp && !seen.from_start {
        let sides = [search(seen.originator), search(seen.responder)];
        return if sides.iter().copied().any(ours) {
            Probe::Certain
        } else if sides.iter().all(|side| !matches!(side, Looks::Open)) {
            Probe::No
        } else {
            Probe::Maybe
        };
    }
    let [originator, responder] =
        [seen.originator, seen.responder].map(|bytes| first_message(seen.transport, bytes));
    // The side that began decides when it calls; only when it answers does the other one. A
    // call of the other side alone is not final, as the first side may still contradict it.
    match (originator, responder) {
        _ if seen.originator.is_empty() => {
            if ours(responder) {
                Probe::Likely
            } else {
                Probe::Maybe
            }
        }
        (call, _) if ours(call) => Probe::Certain,
        (Looks::Call { .. } | Looks::Neither, _) => Probe::No,
        (Looks::Reply, call) if ours(call) => Probe::Certain,
        (Looks::Reply, Looks::Call { .. } | Looks::Neither) => Probe::No,
        (Looks::Reply | Looks::Open, _) => Probe::Maybe,
    }
}

/// Judges the message at the front of a datagram or of a stream.
fn first_message(transport: Transport, bytes: &[u8]) -> Looks {
    if transport != Transport::Tcp {
        // A datagram that ends before its header does is none.
        return match looks(bytes) {
            Looks::Open if !bytes.is_empty() => Looks::Neither,
            judged => judged,
        };
    }
    match bytes.split_first_chunk::<4>() {
        None => Looks::Open,
        Some((mark, message)) => {
            let length = u32::from_be_bytes(*mark) & 0x7fff_ffff;
            if (24..=lane::FRAGMENT_MAX).contains(&length) {
                looks(message)
            } else {
                Looks::Neither
            }
        }
    }
}

/// Looks for a call in the first bytes of a stream that was picked up in the middle.
fn search(bytes: &[u8]) -> Looks {
    for at in 0..SEARCHED {
        let Some(rest) = bytes.get(at..) else {
            return Looks::Open;
        };
        match first_message(Transport::Tcp, rest) {
            Looks::Open => return Looks::Open,
            call @ Looks::Call { .. } => return call,
            Looks::Reply | Looks::Neither => {}
        }
    }
    Looks::Neither
}
