//! GE's monitoring network: the announcement on UDP 7000 (Vocera, Understanding GE Carescape
//! Networks; two public programs that read it), all integers big endian.

use std::net::Ipv4Addr;

/// Services and their ports as a bedside monitor lists them.
const SERVICES: [(u16, u16); 7] = [
    (3, 2000),
    (17, 32),
    (9, 2000),
    (19, 3000),
    (28, 3001),
    (13, 2000),
    (12, 2000),
];

/// An announcement from a bed; `seconds` is the device's clock in Unix time.
pub fn announcement(from: Ipv4Addr, seconds: u32, place: &str, patient: &str) -> Vec<u8> {
    let mut out = vec![1, 4, 0, 0];
    out.extend_from_slice(&from.octets());
    out.extend_from_slice(&seconds.to_be_bytes());
    out.extend(place.bytes().take(16));
    out.resize(28, 0);
    out.extend(patient.bytes().take(14));
    out.resize(43, 0);
    out.push(SERVICES.len() as u8);
    for (service, port) in SERVICES {
        out.extend_from_slice(&service.to_be_bytes());
        out.extend_from_slice(&port.to_be_bytes());
    }
    out.resize(88, 0);
    out
}

/// A request for a function (0x0022 vital signs, 0x0029 patient, 0x0021 waves) by `asker`.
pub fn request(from: Ipv4Addr, function: u16, asker: &str) -> Vec<u8> {
    let mut out = vec![0; 6];
    out.extend_from_slice(&from.octets());
    out.resize(12, 0);
    out.extend_from_slice(&[0, 0xca]);
    out.extend_from_slice(&function.to_be_bytes());
    out.resize(24, 0);
    out.extend(asker.bytes().take(16));
    // The header of sixty bytes ends with the number of those that follow.
    out.resize(58, 0);
    out.extend_from_slice(&[0, 2, 0, 0]);
    out
}
