//! Stratum: a miner and its pool, in lines of JSON.
//!
//! Sources: the Stratum mining protocol (Slush Pool, 2012), its form for Monero (jsonrpc with
//! login) and
//! for Ethereum (eth_submitLogin).

use crate::{Probe, Protocol, Record, Seen, sides};

static RECORD: Record = Record {
    name: "stratum",
    title: "Stratum, the mining of currencies",
    ports: &[3333, 4444, 5555, 7777, 14444],
    sources: &["Stratum mining protocol (slushpool.com, 2012)"],
    ..Record::RECOGNISED
};

/// See [`RECORD`].
pub struct Stratum;

impl Protocol for Stratum {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        sides::judge(seen, of)
    }
}

/// Bytes in which the method must be named.
const LOOK: usize = 512;

const METHODS: &[&[u8]] = &[
    b"\"mining.subscribe\"",
    b"\"mining.authorize\"",
    b"\"mining.notify\"",
    b"\"mining.set_difficulty\"",
    b"\"mining.submit\"",
    b"\"eth_submitLogin\"",
    b"\"eth_getWork\"",
    b"\"eth_submitWork\"",
    b"\"eth_login\"",
];

fn of(bytes: &[u8]) -> Probe {
    if bytes.first() != Some(&b'{') {
        return Probe::No;
    }
    let look = bytes.get(..LOOK).unwrap_or(bytes);
    let has = |word: &[u8]| memchr::memmem::find(look, word).is_some();
    let is_login = || has(b"\"login\"") && has(b"\"agent\"") && has(b"\"pass\"");
    match METHODS.iter().any(|method| has(method)) || is_login() {
        true => Probe::Certain,
        false if look.len() < LOOK => Probe::Maybe,
        false => Probe::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn told_by_its_opening() {
        assert_eq!(
            of(b"{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[]}\n"),
            Probe::Certain
        );
        assert_eq!(of(b"{\"id\":1,\"method\":\"mining.sub"), Probe::Maybe);
        assert_eq!(of(&[b"{".as_slice(), &[b' '; 600]].concat()), Probe::No);
        assert_eq!(of(b"GET / HTTP/1.1"), Probe::No);
    }
}
