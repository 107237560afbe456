//! Community ID, version 1, seed 0: one name for a flow across tools
//! (<https://github.com/corelight/community-id-spec>).
//!
//! For ICMP the specification takes type and code as ports; flows here have port 0 for it, so
//! the id of an ICMP flow is that of its two addresses alone.

use std::net::IpAddr;

use auscult_model::{Endpoint, Transport};
use sha1::{Digest, Sha1};

/// The id of a flow between these ends.
pub fn community_id(a: &Endpoint, b: &Endpoint, transport: Transport) -> String {
    let (low, high) = if (a.ip, a.port) <= (b.ip, b.port) {
        (a, b)
    } else {
        (b, a)
    };
    let mut hash = Sha1::new();
    hash.update([0, 0]);
    for end in [low, high] {
        match end.ip {
            IpAddr::V4(ip) => hash.update(ip.octets()),
            IpAddr::V6(ip) => hash.update(ip.octets()),
        }
    }
    hash.update([transport.ip_protocol(), 0]);
    if matches!(transport, Transport::Tcp | Transport::Udp | Transport::Sctp) {
        hash.update(low.port.to_be_bytes());
        hash.update(high.port.to_be_bytes());
    }
    format!("1:{}", base64(&hash.finalize()))
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk
            .iter()
            .fold(0u32, |word, byte| word << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            if place <= chunk.len() {
                let index = (word >> (18 - 6 * place)) & 63;
                text.push(char::from(ALPHABET[index as usize]));
            } else {
                text.push('=');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use auscult_model::Segment;

    use super::*;

    fn end(ip: &str, port: u16) -> Endpoint {
        Endpoint {
            segment: Segment::UNTAGGED,
            mac: None,
            ip: ip.parse().unwrap(),
            port,
        }
    }

    #[test]
    fn agrees_with_the_specifications_examples() {
        let udp = community_id(
            &end("192.168.1.42", 4242),
            &end("8.8.8.8", 53),
            Transport::Udp,
        );
        assert_eq!(udp, "1:vTdrngJjlP5eZ9mw9JtnKyn99KM=");
        let tcp = community_id(&end("1.2.3.4", 1122), &end("5.6.7.8", 3344), Transport::Tcp);
        assert_eq!(tcp, "1:wCb3OG7yAFWelaUydu0D+125CLM=");
        let back = community_id(&end("5.6.7.8", 3344), &end("1.2.3.4", 1122), Transport::Tcp);
        assert_eq!(back, tcp);
    }
}
