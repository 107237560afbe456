//! What the beginning of a TLS 1.3 session looks like from outside (RFC 8446).
//!
//! The handshake is well formed, with random keys; the rest is random bytes in records. Nothing
//! is encrypted, because nothing is said.

use crate::prng::Prng;

/// A version before 1.3, in which the server's certificate is seen (RFC 2246, 4346, 5246).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Old {
    /// SSL 3.0
    Ssl3 = 0,
    /// TLS 1.0
    Tls10 = 1,
    /// TLS 1.1
    Tls11 = 2,
    /// TLS 1.2
    Tls12 = 3,
}

fn record(kind: u8, version: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![kind, 3, version];
    out.extend_from_slice(&(body.len() as u16).to_be_bytes());
    out.extend_from_slice(body);
    out
}

fn extension(out: &mut Vec<u8>, kind: u16, body: &[u8]) {
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&(body.len() as u16).to_be_bytes());
    out.extend_from_slice(body);
}

fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![kind];
    out.extend_from_slice(&(body.len() as u32).to_be_bytes()[1..]);
    out.extend_from_slice(body);
    out
}

/// A client hello for a server name.
pub fn client_hello(prng: &mut Prng, server: &str) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend(prng.bytes(32));
    body.push(32);
    body.extend(prng.bytes(32));
    let ciphers: [u16; 6] = [0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc030];
    body.extend_from_slice(&((ciphers.len() * 2) as u16).to_be_bytes());
    for cipher in ciphers {
        body.extend_from_slice(&cipher.to_be_bytes());
    }
    body.extend_from_slice(&[1, 0]);
    let mut extensions = Vec::new();
    let length = server.len() as u16;
    let mut sni = (length + 3).to_be_bytes().to_vec();
    sni.push(0);
    sni.extend_from_slice(&length.to_be_bytes());
    sni.extend_from_slice(server.as_bytes());
    extension(&mut extensions, 0, &sni);
    extension(&mut extensions, 10, &[0, 4, 0, 29, 0, 23]);
    extension(&mut extensions, 13, &[0, 6, 4, 3, 8, 4, 4, 1]);
    extension(&mut extensions, 16, b"\x00\x0c\x02h2\x08http/1.1");
    extension(&mut extensions, 43, &[4, 3, 4, 3, 3]);
    let mut share = vec![0, 36, 0, 29, 0, 32];
    share.extend(prng.bytes(32));
    extension(&mut extensions, 51, &share);
    body.extend_from_slice(&(extensions.len() as u16).to_be_bytes());
    body.extend_from_slice(&extensions);
    record(22, 1, &handshake(1, &body))
}

/// The server's first flight: hello, then what would be encrypted.
pub fn server_flight(prng: &mut Prng) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend(prng.bytes(32));
    body.push(32);
    body.extend(prng.bytes(32));
    body.extend_from_slice(&[0x13, 0x01, 0]);
    let mut extensions = Vec::new();
    extension(&mut extensions, 43, &[3, 4]);
    let mut share = vec![0, 29, 0, 32];
    share.extend(prng.bytes(32));
    extension(&mut extensions, 51, &share);
    body.extend_from_slice(&(extensions.len() as u16).to_be_bytes());
    body.extend_from_slice(&extensions);
    let mut out = record(22, 3, &handshake(2, &body));
    out.extend(record(20, 3, &[1]));
    let size = prng.between(900, 2400) as usize;
    out.extend(opaque(prng, size));
    out
}

/// A client hello of an older version for a server name, with these cipher suites.
pub fn old_client_hello(prng: &mut Prng, version: Old, server: &str, ciphers: &[u16]) -> Vec<u8> {
    let mut body = vec![3, version as u8];
    body.extend(prng.bytes(32));
    body.push(0);
    body.extend_from_slice(&((ciphers.len() * 2) as u16).to_be_bytes());
    for cipher in ciphers {
        body.extend_from_slice(&cipher.to_be_bytes());
    }
    body.extend_from_slice(&[1, 0]);
    if version != Old::Ssl3 {
        let mut extensions = Vec::new();
        if !server.is_empty() {
            let length = server.len() as u16;
            let mut sni = (length + 3).to_be_bytes().to_vec();
            sni.push(0);
            sni.extend_from_slice(&length.to_be_bytes());
            sni.extend_from_slice(server.as_bytes());
            extension(&mut extensions, 0, &sni);
        }
        extension(&mut extensions, 10, &[0, 4, 0, 23, 0, 24]);
        extension(&mut extensions, 11, &[1, 0]);
        body.extend_from_slice(&(extensions.len() as u16).to_be_bytes());
        body.extend_from_slice(&extensions);
    }
    record(22, version as u8, &handshake(1, &body))
}

/// The server's first flight of an older version: hello, certificate, done.
pub fn old_server_flight(prng: &mut Prng, version: Old, cipher: u16, der: &[u8]) -> Vec<u8> {
    let mut body = vec![3, version as u8];
    body.extend(prng.bytes(32));
    body.push(32);
    body.extend(prng.bytes(32));
    body.extend_from_slice(&cipher.to_be_bytes());
    body.push(0);
    let long = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes()[1..], bytes].concat();
    let chain = long(&long(der));
    let mut out = record(22, version as u8, &handshake(2, &body));
    out.extend(record(22, version as u8, &handshake(11, &chain)));
    out.extend(record(22, version as u8, &handshake(14, &[])));
    out
}

/// What both sides send to end the handshake of an older version: the client's key too.
pub fn old_finish(prng: &mut Prng, version: Old, client: bool, bits: usize) -> Vec<u8> {
    let mut out = Vec::new();
    if client {
        let secret = prng.bytes(bits / 8);
        let length = (secret.len() as u16).to_be_bytes();
        let body = [&length[..], &secret].concat();
        out = record(22, version as u8, &handshake(16, &body));
    }
    out.extend(record(20, version as u8, &[1]));
    out.extend(record(22, version as u8, &prng.bytes(40)));
    out
}

/// Application data of an older version.
pub fn old_opaque(prng: &mut Prng, version: Old, size: usize) -> Vec<u8> {
    record(23, version as u8, &prng.bytes(size.min(16_000)))
}

/// An application data record of `size` random bytes.
pub fn opaque(prng: &mut Prng, size: usize) -> Vec<u8> {
    let body = prng.bytes(size.min(16_000));
    record(23, 3, &body)
}
