//! What private networks through others look like from outside: IKE and ESP (RFC 7296, 4303,
//! 3948), OpenVPN (its protocol page), WireGuard (its white paper). Keys and contents are random.

use crate::prng::Prng;

/// A first message of IKE version 2: IKE_SA_INIT with one proposal, a key and a nonce.
pub fn ike(prng: &mut Prng, initiator: &[u8], responder: Option<&[u8]>) -> Vec<u8> {
    let payload = |next: u8, body: &[u8]| {
        let mut out = vec![next, 0];
        out.extend_from_slice(&(body.len() as u16 + 4).to_be_bytes());
        out.extend_from_slice(body);
        out
    };
    // AES-GCM-16 with 256 bits, PRF HMAC-SHA-256, group 14.
    let transforms = [
        &[3, 0, 0, 12, 1, 0, 0, 20, 0x80, 14, 1, 0][..],
        &[3, 0, 0, 8, 2, 0, 0, 5],
        &[0, 0, 0, 8, 4, 0, 0, 14],
    ]
    .concat();
    let mut proposal = vec![0, 0];
    proposal.extend_from_slice(&(transforms.len() as u16 + 8).to_be_bytes());
    proposal.extend_from_slice(&[1, 1, 0, 3]);
    proposal.extend(transforms);
    let key = [&[0, 14, 0, 0][..], &prng.bytes(256)].concat();
    let body = [
        payload(34, &proposal),
        payload(40, &key),
        payload(0, &prng.bytes(32)),
    ]
    .concat();
    let mut out = initiator.to_vec();
    out.extend_from_slice(responder.unwrap_or(&[0; 8]));
    out.extend_from_slice(&[33, 0x20, 34, if responder.is_some() { 0x20 } else { 8 }]);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&(28 + body.len() as u32).to_be_bytes());
    out.extend(body);
    out
}

/// A packet of ESP.
pub fn esp(prng: &mut Prng, spi: u32, number: u32, size: usize) -> Vec<u8> {
    let mut out = spi.to_be_bytes().to_vec();
    out.extend_from_slice(&number.to_be_bytes());
    out.extend(prng.bytes(size.next_multiple_of(16)));
    out
}

/// OpenVPN: a hard reset by the client or the server's answer to it.
pub fn openvpn_reset(own: &[u8], other: Option<&[u8]>) -> Vec<u8> {
    let mut out = vec![if other.is_some() { 0x40 } else { 0x38 }];
    out.extend_from_slice(own);
    match other {
        Some(other) => {
            out.extend_from_slice(&[1, 0, 0, 0, 0]);
            out.extend_from_slice(other);
        }
        None => out.push(0),
    }
    out.extend_from_slice(&[0; 4]);
    out
}

/// OpenVPN: data.
pub fn openvpn_data(prng: &mut Prng, size: usize) -> Vec<u8> {
    [vec![0x48, 0, 0, 1], prng.bytes(size)].concat()
}

/// WireGuard: initiation (148 bytes), or the answer (92) to the index of an initiation.
pub fn wireguard(prng: &mut Prng, own: u32, to: Option<u32>) -> Vec<u8> {
    let (kind, size) = if to.is_some() { (2, 92) } else { (1, 148) };
    let mut out = vec![kind, 0, 0, 0];
    out.extend_from_slice(&own.to_le_bytes());
    if let Some(to) = to {
        out.extend_from_slice(&to.to_le_bytes());
    }
    out.extend(prng.bytes(size - 16 - out.len()));
    out.resize(size, 0);
    out
}

/// WireGuard: data for an index.
pub fn wireguard_data(prng: &mut Prng, to: u32, counter: u64, size: usize) -> Vec<u8> {
    let mut out = vec![4, 0, 0, 0];
    out.extend_from_slice(&to.to_le_bytes());
    out.extend_from_slice(&counter.to_le_bytes());
    out.extend(prng.bytes(size.next_multiple_of(16) + 16));
    out
}

/// DTLS 1.2: a record of application data (RFC 6347).
pub fn dtls(prng: &mut Prng, number: u32, size: usize) -> Vec<u8> {
    let mut out = vec![23, 0xfe, 0xfd, 0, 1, 0, 0];
    out.extend_from_slice(&number.to_be_bytes());
    out.extend_from_slice(&(size as u16).to_be_bytes());
    out.extend(prng.bytes(size));
    out
}
