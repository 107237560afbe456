//! DNS questions and answers for addresses (RFC 1035).

use std::net::Ipv4Addr;

/// A name, label by label.
pub(super) fn name(out: &mut Vec<u8>, labels: &[&str]) {
    for label in labels.iter().filter(|l| !l.is_empty()) {
        out.push(label.len().min(63) as u8);
        out.extend(label.bytes().take(63));
    }
    out.push(0);
}

fn labels(host: &str) -> Vec<&str> {
    host.split('.').collect()
}

/// A question for the address of `host`.
pub fn question(id: u16, host: &str) -> Vec<u8> {
    let mut out = id.to_be_bytes().to_vec();
    out.extend_from_slice(&[1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    name(&mut out, &labels(host));
    out.extend_from_slice(&[0, 1, 0, 1]);
    out
}

/// Kinds of records that are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An IPv4 address.
    A = 1,
    /// Another name.
    Cname = 5,
    /// Anything (RFC 1035 calls it experimental).
    Null = 10,
    /// Texts.
    Txt = 16,
    /// An IPv6 address.
    Aaaa = 28,
}

/// A question for records of a kind.
pub fn lookup(id: u16, host: &str, kind: Kind) -> Vec<u8> {
    let mut out = question(id, host);
    let end = out.len();
    out[end - 3] = kind as u8;
    out
}

/// The answer to [`lookup`]: a response code and the records' data, as the kind writes it.
pub fn outcome(id: u16, host: &str, kind: Kind, code: u8, data: &[Vec<u8>]) -> Vec<u8> {
    let mut out = lookup(id, host, kind);
    out[2..4].copy_from_slice(&[0x81, 0x80 | code]);
    out[7] = data.len() as u8;
    for one in data {
        out.extend_from_slice(&[0xc0, 12, 0, kind as u8, 0, 1, 0, 0, 0, 60]);
        out.extend_from_slice(&(one.len() as u16).to_be_bytes());
        out.extend_from_slice(one);
    }
    out
}

/// The answer: addresses, or "no such name" when there are none.
pub fn answer(id: u16, host: &str, addresses: &[Ipv4Addr]) -> Vec<u8> {
    let mut out = id.to_be_bytes().to_vec();
    let code = if addresses.is_empty() { 3 } else { 0 };
    out.extend_from_slice(&[
        0x81,
        0x80 | code,
        0,
        1,
        0,
        addresses.len() as u8,
        0,
        0,
        0,
        0,
    ]);
    name(&mut out, &labels(host));
    out.extend_from_slice(&[0, 1, 0, 1]);
    for address in addresses {
        out.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 0x2c, 0, 4]);
        out.extend_from_slice(&address.octets());
    }
    out
}
