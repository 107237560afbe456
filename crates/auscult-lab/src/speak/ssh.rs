//! The readable beginning of SSH: banners, algorithms, key exchange (RFC 4253, RFC 8731).
//!
//! Keys and signatures are random bytes of the right shape; after them comes random data.

use crate::prng::Prng;

/// The line with which a side begins.
pub fn banner(software: &str) -> Vec<u8> {
    format!("SSH-2.0-{software}\r\n").into_bytes()
}

fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
    out.extend_from_slice(bytes);
}

fn packet(payload: &[u8]) -> Vec<u8> {
    let padding = 8 - (5 + payload.len()) % 8;
    let padding = if padding < 4 { padding + 8 } else { padding };
    let mut out = ((1 + payload.len() + padding) as u32)
        .to_be_bytes()
        .to_vec();
    out.push(padding as u8);
    out.extend_from_slice(payload);
    out.resize(out.len() + padding, 0);
    out
}

/// SSH_MSG_KEXINIT with what this side can do.
pub fn algorithms(prng: &mut Prng, ciphers: &str) -> Vec<u8> {
    let macs = "hmac-sha2-256,hmac-sha2-512";
    let mut payload = vec![20];
    payload.extend(prng.bytes(16));
    for list in [
        "curve25519-sha256,ecdh-sha2-nistp256",
        "ssh-ed25519,rsa-sha2-256",
        ciphers,
        ciphers,
        macs,
        macs,
        "none",
        "none",
        "",
        "",
    ] {
        string(&mut payload, list.as_bytes());
    }
    payload.extend_from_slice(&[0; 5]);
    packet(&payload)
}

/// The client's half of the key exchange.
pub fn client_key(prng: &mut Prng) -> Vec<u8> {
    let mut payload = vec![30];
    string(&mut payload, &prng.bytes(32));
    packet(&payload)
}

/// The server's half, with its host key, and "new keys".
pub fn server_key(prng: &mut Prng) -> Vec<u8> {
    let host = prng.bytes(32);
    server_key_of(prng, &host)
}

/// As [`server_key`], with this host key of 32 bytes.
pub fn server_key_of(prng: &mut Prng, host: &[u8]) -> Vec<u8> {
    let named = |bytes: &[u8]| {
        let mut out = Vec::new();
        string(&mut out, b"ssh-ed25519");
        string(&mut out, bytes);
        out
    };
    let mut payload = vec![31];
    string(&mut payload, &named(host));
    string(&mut payload, &prng.bytes(32));
    string(&mut payload, &named(&prng.bytes(64)));
    [packet(&payload), new_keys()].concat()
}

/// SSH_MSG_NEWKEYS.
pub fn new_keys() -> Vec<u8> {
    packet(&[21])
}

#[cfg(test)]
mod tests {
    #[test]
    fn packets_are_multiples_of_eight() {
        for size in 1..40 {
            let bytes = super::packet(&vec![1; size]);
            assert_eq!(bytes.len() % 8, 0);
            assert!(bytes[4] >= 4 && bytes[4] < 12);
        }
    }
}
