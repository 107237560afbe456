//! The negotiation of SMB 2 and 3 over TCP (MS-SMB2 2.2.3 and 2.2.4), and nothing after it.

use auscult_model::Timestamp;

/// Seconds from 1601 to 1970.
const ERA: i64 = 11_644_473_600;

/// NegTokenInit of SPNEGO that offers NEGOEX and NTLM (RFC 4178).
const OFFER: [u8; 42] = [
    0x60, 0x28, 0x06, 0x06, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x02, 0xa0, 0x1e, 0x30, 0x1c, 0xa0, 0x1a,
    0x30, 0x18, 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x1e, 0x06, 0x0a,
    0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x0a,
];

fn framed(flags: u32, body: &[u8]) -> Vec<u8> {
    let mut smb = vec![0xfe, b'S', b'M', b'B', 64, 0, 0, 0, 0, 0, 0, 0];
    // Command 0, one credit asked or given.
    smb.extend_from_slice(&[0, 0, 1, 0]);
    smb.extend_from_slice(&flags.to_le_bytes());
    smb.resize(64, 0);
    smb.extend_from_slice(body);
    let mut out = (smb.len() as u32).to_be_bytes().to_vec();
    out.extend(smb);
    out
}

/// The client offers dialects 2.0.2 to 3.0.2.
pub fn negotiate(client: &[u8; 16]) -> Vec<u8> {
    let dialects: [u16; 4] = [0x0202, 0x0210, 0x0300, 0x0302];
    let mut body = vec![36, 0, dialects.len() as u8, 0, 1, 0, 0, 0];
    body.extend_from_slice(&0x7f_u32.to_le_bytes());
    body.extend_from_slice(client);
    body.extend_from_slice(&[0; 8]);
    for dialect in dialects {
        body.extend_from_slice(&dialect.to_le_bytes());
    }
    framed(0, &body)
}

/// The server takes 3.0.2; signing is possible, and needed when `signing`.
pub fn negotiated(server: &[u8; 16], at: Timestamp, signing: bool) -> Vec<u8> {
    let mut body = vec![65, 0, if signing { 3 } else { 1 }, 0, 0x02, 0x03, 0, 0];
    body.extend_from_slice(server);
    body.extend_from_slice(&0x07_u32.to_le_bytes());
    for _ in 0..3 {
        body.extend_from_slice(&0x0010_0000_u32.to_le_bytes());
    }
    let ticks = (at.0 / 100 + ERA * 10_000_000) as u64;
    body.extend_from_slice(&ticks.to_le_bytes());
    body.extend_from_slice(&[0; 8]);
    body.extend_from_slice(&128_u16.to_le_bytes());
    body.extend_from_slice(&(OFFER.len() as u16).to_le_bytes());
    body.extend_from_slice(&[0; 4]);
    body.extend_from_slice(&OFFER);
    framed(1, &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_those_of_the_document() {
        let asked = negotiate(&[7; 16]);
        assert_eq!(
            (asked[4 + 64], asked[4 + 76], asked[4 + 100]),
            (36, 7, 0x02)
        );
        let told = negotiated(&[9; 16], Timestamp::from_parts(0, 0), true);
        assert_eq!((told[4 + 64], told[4 + 66], told[4 + 72]), (65, 3, 9));
        assert_eq!(told[4 + 128], 0x60);
        let ticks = u64::from_le_bytes(told[4 + 104..4 + 112].try_into().unwrap_or_default());
        assert_eq!(ticks, 116_444_736_000_000_000);
    }
}
