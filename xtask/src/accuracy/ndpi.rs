//! nDPI's names: its own expected results where the collection has them, else what the installed
//! ndpiReader says. Guesses by port or address are left out.

use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use serde_json::Value;

use super::flow::{Key, Said};
use super::names;

/// Expected results of nDPI's own tests, from the lines of a stored oracle; `None` when it has
/// none.
pub(super) fn stored(oracle: &str) -> Option<Said> {
    let mut said = Said::new();
    let mut any = false;
    for line in oracle.lines() {
        let Ok(line) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        if line["src"] != "ndpi" {
            continue;
        }
        any = true;
        if line["kind"] != "flow" || line["conf"] != "DPI" {
            continue;
        }
        let end = |ip: &str, port: &str| -> Option<(IpAddr, u16)> {
            let ip = line[ip].as_str()?.parse().ok()?;
            let port = line[port].as_u64().unwrap_or(0);
            Some((ip, u16::try_from(port).ok()?))
        };
        let (Some(a), Some(b)) = (end("a", "ap"), end("b", "bp")) else {
            continue;
        };
        let word = |key: &str| line[key].as_str();
        let app = word("app").unwrap_or_default();
        let name = carrier(word("master").unwrap_or(app), app);
        note(&mut said, name, word("l4").unwrap_or_default(), a, b);
    }
    any.then_some(said)
}

/// Runs ndpiReader over a plain capture, or reads what it said before.
pub(super) fn live(capture: &Path, kept: &Path) -> Result<Said> {
    if !kept.is_file() {
        // It may fail on what it cannot read; then it says nothing.
        let _ = Command::new("ndpiReader")
            .args(["-d", "-t", "-v", "2", "-i"])
            .arg(capture)
            .arg("-w")
            .arg(kept)
            .output()?;
    }
    let text = String::from_utf8_lossy(&fs::read(kept).unwrap_or_default()).into_owned();
    let mut said = Said::new();
    for line in text.lines() {
        if let Some((name, transport, a, b)) = flow(line) {
            note(&mut said, name, transport, a, b);
        }
    }
    Ok(said)
}

fn note(said: &mut Said, name: &str, transport: &str, a: (IpAddr, u16), b: (IpAddr, u16)) {
    let key = Key::new(transport, a, b);
    if let Some(names) = names::of_ndpi(name, &key.transport, [a.1, b.1]) {
        said.entry(key).or_default().push(names);
    }
}

type Flow<'a> = (&'a str, &'a str, (IpAddr, u16), (IpAddr, u16));

/// A tab, a number and a tab before `TCP 10.0.0.1:40 <-> 10.0.0.2:88 [proto: 111/Kerberos]…`.
fn flow(line: &str) -> Option<Flow<'_>> {
    if !line.contains("[Confidence: DPI]") {
        return None;
    }
    let mut words = line.trim_start().split_once('\t')?.1.split(' ');
    let transport = words.next()?;
    let a = end(words.next()?)?;
    words.next()?;
    let b = end(words.next()?)?;
    let proto = line.split_once("[proto: ")?.1.split_once(']')?.0;
    let name = proto.split_once('/')?.1;
    // `91.126/TLS.Google`: the master first.
    let name = match proto.split_once('/')?.0.contains('.') {
        true => name
            .split_once('.')
            .map_or(name, |(master, app)| carrier(master, app)),
        false => name,
    };
    Some((name, transport, a, b))
}

/// What a flow's bytes are: of an application the carrier, but SMB is more than its framing.
fn carrier<'a>(master: &'a str, app: &'a str) -> &'a str {
    match master == "NetBIOS" && app.starts_with("SMB") {
        true => app,
        false => master,
    }
}

fn end(text: &str) -> Option<(IpAddr, u16)> {
    let (ip, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (ip, port) = rest.split_once(']')?;
            (ip, port.strip_prefix(':').unwrap_or("0"))
        }
        None => text.rsplit_once(':')?,
    };
    Some((ip.parse().ok()?, port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_ndpi_reader_are_read() {
        let line = "\t7\tTCP [fe80::1]:443 <-> 10.0.0.2:9 [proto: 91.126/TLS.Google][IP: 0/Unknown]\
                    [Encrypted][Confidence: DPI][3 pkts]";
        let (name, transport, a, b) = flow(line).unwrap();
        assert_eq!((name, transport, a.1), ("TLS", "TCP", 443));
        assert_eq!(b, ("10.0.0.2".parse().unwrap(), 9));
        let guessed = line.replace("DPI", "Match by port");
        assert!(flow(&guessed).is_none());
    }
}
