//! Binary packets of SSH 2 before they are enciphered (RFC 4253 §6), the offer of algorithms
//! (§7.1) and the server's answer that holds its key (§8; RFC 5656 §4; RFC 4419 §3; RFC 4432 §4).

use auscult_model::{Direction, hex};
use md5::{Digest, Md5};
use sha2::Sha256;

use crate::Cursor;
use crate::text;

/// The longest packet that everybody must accept (RFC 4253 §6.1).
const PACKET_MAX: u32 = 35_000;
/// Length and padding length.
const FRONT: usize = 5;
/// Longest list of names that is shown, in bytes; the digest is of all of it.
const NAMES_MAX: usize = 1024;

const KEXINIT: u8 = 20;
const NEWKEYS: u8 = 21;

/// What the front of the presented bytes is.
#[derive(Debug)]
pub(super) enum Packet<'a> {
    /// A packet, and the bytes that it takes with it.
    Whole(Message<'a>, usize),
    /// So many bytes are needed.
    Needs(usize),
    /// No packet in clear.
    Not,
}

/// A message of the transport layer.
#[derive(Debug)]
pub(super) enum Message<'a> {
    /// What a side offers.
    KeyExchangeInit(Algorithms<'a>),
    /// The host's key, from an answer of the key exchange.
    HostKey(HostKey<'a>),
    /// What follows is enciphered.
    NewKeys,
    /// Anything else.
    Other,
}

/// Reads the first packet of `bytes`.
pub(super) fn packet(bytes: &[u8]) -> Packet<'_> {
    let mut cursor = Cursor::new(bytes);
    let (Some(length), Some(padding)) = (cursor.be_u32(), cursor.u8()) else {
        return Packet::Needs(FRONT);
    };
    let payload = length
        .checked_sub(u32::from(padding) + 1)
        .filter(|payload| *payload > 0 && length <= PACKET_MAX && padding >= 4);
    let Some(payload) = payload else {
        return Packet::Not;
    };
    let whole = 4 + length as usize;
    if bytes.len() < whole {
        return Packet::Needs(whole);
    }
    let payload = cursor.take(payload as usize).unwrap_or_default();
    match message(payload) {
        Some(message) => Packet::Whole(message, whole),
        None => Packet::Not,
    }
}

/// `None` for what is never sent in clear.
fn message(payload: &[u8]) -> Option<Message<'_>> {
    let (&kind, body) = payload.split_first()?;
    match kind {
        KEXINIT => Some(Message::KeyExchangeInit(Algorithms::read(body)?)),
        NEWKEYS => Some(Message::NewKeys),
        // Numbers depend on the method; an answer with a key is one whatever its number.
        30..=49 => Some(HostKey::read(body).map_or(Message::Other, Message::HostKey)),
        // Disconnect, ignore, unimplemented, debug; requests and acceptance of a service, the
        // latter also for extensions (RFC 8308).
        1..=7 => Some(Message::Other),
        _ => None,
    }
}

/// The lists of names of one offer, as sent. Pairs are from client to server, then back.
#[derive(Debug)]
pub(super) struct Algorithms<'a> {
    pub(super) key_exchanges: &'a [u8],
    pub(super) host_keys: &'a [u8],
    pub(super) ciphers: [&'a [u8]; 2],
    pub(super) macs: [&'a [u8]; 2],
    compressions: [&'a [u8]; 2],
}

impl<'a> Algorithms<'a> {
    fn read(body: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(body);
        let _cookie = cursor.take(16)?;
        let mut list = || {
            let names = string(&mut cursor)?;
            text::is_printable_ascii(names).then_some(names)
        };
        Some(Algorithms {
            key_exchanges: list()?,
            host_keys: list()?,
            ciphers: [list()?, list()?],
            macs: [list()?, list()?],
            compressions: [list()?, list()?],
        })
    }

    /// MD5 of key exchanges, and of ciphers, authentication codes and compressions for what this
    /// side sends.
    pub(super) fn hassh(&self, side: Direction) -> String {
        let index = side.index();
        let lists = [
            self.key_exchanges,
            self.ciphers[index],
            self.macs[index],
            self.compressions[index],
        ];
        let mut hash = Md5::new();
        for (number, list) in lists.into_iter().enumerate() {
            if number > 0 {
                hash.update(b";");
            }
            hash.update(list);
        }
        hex(&hash.finalize())
    }
}

/// A list as text, cut behind a whole name.
pub(super) fn names(list: &[u8]) -> String {
    let end = if list.len() <= NAMES_MAX {
        list.len()
    } else {
        let cut = list.get(..NAMES_MAX).unwrap_or_default();
        memchr::memrchr(b',', cut).unwrap_or(NAMES_MAX)
    };
    let list = list.get(..end).unwrap_or_default();
    String::from_utf8_lossy(list).into_owned()
}

/// A host's public key or certificate.
#[derive(Debug)]
pub(super) struct HostKey<'a> {
    /// `ssh-ed25519` and the like.
    pub(super) kind: &'a [u8],
    blob: &'a [u8],
}

impl<'a> HostKey<'a> {
    /// The first string of an answer, when it is a key: its own first string names its type.
    fn read(body: &'a [u8]) -> Option<Self> {
        let blob = string(&mut Cursor::new(body))?;
        let kind = string(&mut Cursor::new(blob))?;
        let known = [
            &b"ssh-"[..],
            b"ecdsa-sha2-",
            b"rsa-sha2-",
            b"sk-",
            b"x509v3-",
            b"pgp-sign-",
            b"spki-sign-",
        ];
        let fits = kind.len() <= 64
            && text::is_printable_ascii(kind)
            && known.iter().any(|start| kind.starts_with(start));
        fits.then_some(HostKey { kind, blob })
    }

    /// SHA-256 in Base64 without padding, as OpenSSH prints it.
    pub(super) fn fingerprint(&self) -> String {
        let digest = Sha256::digest(self.blob);
        format!("SHA256:{}", base64(&digest))
    }
}

fn string<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let length = cursor.be_u32()?;
    cursor.take(length as usize)
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().enumerate().fold(0u32, |bits, (at, byte)| {
            bits | u32::from(*byte) << (16 - 8 * at)
        });
        for at in 0..=group.len() {
            let digit = bits >> (18 - 6 * at) & 63;
            text.push(char::from(DIGITS[digit as usize]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_without_padding() {
        assert_eq!(base64(b"f"), "Zg");
        assert_eq!(base64(b"foob"), "Zm9vYg");
        assert_eq!(base64(b"foobar"), "Zm9vYmFy");
    }

    #[test]
    fn long_lists_are_cut_behind_a_name() {
        let long = b"abcdefg,".repeat(200);
        assert!(names(&long).ends_with("abcdefg") && names(&long).len() <= NAMES_MAX);
        assert_eq!(names(b"none"), "none");
    }
}
