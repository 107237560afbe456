//! Tells LPD by its grammar: command, queue, LF, then a subcommand that is answered by 00.
//!
//! A stream that only uses port 515, such as that of CONTEC monitors, breaks it within two bytes.

use auscult_model::Transport;

use super::{LINE_MAX, Transfer};
use crate::{Probe, Seen};

/// Longest queue name that the probe accepts.
const QUEUE_MAX: usize = 255;

/// How far the bytes of a client fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Not,
    /// Too short to tell.
    Begun,
    /// Another command than "receive a job".
    Command,
    /// Receive a job.
    Receive,
    /// And a subcommand.
    Subcommand,
    /// And a control file.
    Control,
}

/// When the handshake was seen, the originator is the client, and it alone excludes. In the
/// middle of a stream nothing is certain, and a side that can be neither client nor server
/// excludes.
pub(super) fn probe(seen: &Seen<'_>) -> Probe {
    if seen.transport != Transport::Tcp {
        return Probe::No;
    }
    let from_client = |client: &[u8], server: &[u8]| match fit(client) {
        Fit::Not => Probe::No,
        Fit::Begun => Probe::Maybe,
        Fit::Command if server.is_empty() || !is_answer(server) => Probe::Maybe,
        Fit::Command | Fit::Receive => Probe::Likely,
        Fit::Subcommand if server.first() == Some(&0) => Probe::Certain,
        Fit::Subcommand => Probe::Likely,
        Fit::Control => Probe::Certain,
    };
    let (one, other) = (seen.originator, seen.responder);
    if seen.from_start {
        return from_client(one, other);
    }
    if [one, other]
        .iter()
        .any(|side| fit(side) == Fit::Not && !is_answer(side))
    {
        return Probe::No;
    }
    let best = from_client(one, other).max(from_client(other, one));
    best.clamp(Probe::Maybe, Probe::Likely)
}

/// One byte of acknowledgement, or the text of a queue's state.
fn is_answer(bytes: &[u8]) -> bool {
    let is_text = |b: &u8| (0x20..0x7f).contains(b) || matches!(b, b'\r' | b'\n' | b'\t');
    match bytes {
        [] | [0, ..] | [_] => true,
        _ => bytes.iter().take(16).all(is_text),
    }
}

fn fit(bytes: &[u8]) -> Fit {
    let Some((&command, rest)) = bytes.split_first() else {
        return Fit::Begun;
    };
    if !(1..=5).contains(&command) {
        return Fit::Not;
    }
    let queue = rest
        .iter()
        .take_while(|b| (0x21..0x7f).contains(*b))
        .count();
    if queue > QUEUE_MAX {
        return Fit::Not;
    }
    match (command, rest.get(queue)) {
        (_, None) => Fit::Begun,
        (_, Some(_)) if queue == 0 => Fit::Not,
        (2, Some(b'\n')) => fit_subcommand(rest.get(queue + 1..).unwrap_or_default()),
        (1, Some(b'\n')) if rest.len() > queue + 1 => Fit::Not,
        (1 | 3 | 4, Some(b'\n')) => Fit::Command,
        (3..=5, Some(b' ')) => {
            let list = rest.get(queue..).unwrap_or_default();
            match list.iter().position(|b| !(0x20..0x7f).contains(b)) {
                None if list.len() <= LINE_MAX => Fit::Begun,
                Some(end) if list.get(end) == Some(&b'\n') => Fit::Command,
                _ => Fit::Not,
            }
        }
        _ => Fit::Not,
    }
}

fn fit_subcommand(bytes: &[u8]) -> Fit {
    match bytes {
        [] | [1] | [1, b'\n', ..] => return Fit::Receive,
        [2 | 3, ..] => {}
        _ => return Fit::Not,
    }
    let end = bytes.iter().position(|&b| b == b'\n');
    let (line, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
    // The same whether the line is whole or not, for `Not` is final.
    let printable = line.iter().skip(1).all(|b| (0x20..0x7f).contains(b));
    if !printable || line.len() > LINE_MAX {
        return Fit::Not;
    }
    if end.is_none() {
        return Fit::Receive;
    }
    match Transfer::read(line) {
        None => Fit::Not,
        Some(transfer) if transfer.is_control && is_control_file(rest) => Fit::Control,
        Some(_) => Fit::Subcommand,
    }
}

/// LF, `H`, a printable host name, LF.
fn is_control_file(bytes: &[u8]) -> bool {
    let [b'\n', b'H', host @ ..] = bytes else {
        return false;
    };
    let name = host
        .iter()
        .take(QUEUE_MAX)
        .take_while(|b| (0x21..0x7f).contains(*b))
        .count();
    name > 0 && host.get(name) == Some(&b'\n')
}
