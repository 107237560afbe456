//! WireGuard: a tunnel to another network.
//!
//! Source: the WireGuard white paper, section 5.4: four kinds of message, three of them of one
//! length.

use auscult_model::Transport;

use crate::{Probe, Protocol, Record, Seen, sides};

static RECORD: Record = Record {
    name: "wireguard",
    title: "WireGuard",
    transports: &[Transport::Udp],
    ports: &[51820],
    sources: &["Donenfeld, WireGuard: Next Generation Kernel Network Tunnel, 2020"],
    ..Record::RECOGNISED
};

/// See [`RECORD`].
pub struct WireGuard;

impl Protocol for WireGuard {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        sides::judge(seen, of)
    }
}

fn of(bytes: &[u8]) -> Probe {
    match (bytes.first_chunk::<4>(), bytes.len()) {
        (Some([1, 0, 0, 0]), 148) | (Some([2, 0, 0, 0]), 92) | (Some([3, 0, 0, 0]), 64) => {
            Probe::Certain
        }
        // Data: a receiver, a count that has not come far, and whole blocks of 16.
        (Some([4, 0, 0, 0]), 32..) if bytes.len().is_multiple_of(16) => {
            match bytes.get(12..16) == Some(&[0; 4]) {
                true => Probe::Likely,
                false => Probe::No,
            }
        }
        _ => Probe::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_and_length_agree() {
        let mut bytes = vec![7; 148];
        bytes[..4].copy_from_slice(&[1, 0, 0, 0]);
        assert_eq!(of(&bytes), Probe::Certain);
        assert_eq!(of(&bytes[..147]), Probe::No);
        let mut data = vec![0; 48];
        data[0] = 4;
        assert_eq!(of(&data), Probe::Likely);
        data[15] = 1;
        assert_eq!(of(&data), Probe::No);
    }
}
