//! Names without a server: multicast DNS with its services (RFC 6762, RFC 6763) and LLMNR
//! (RFC 4795). No name compression.

use std::net::Ipv4Addr;

use super::dns::name;

/// The group and port of multicast DNS.
pub const MDNS: (Ipv4Addr, u16) = (Ipv4Addr::new(224, 0, 0, 251), 5353);
/// The group and port of LLMNR.
pub const LLMNR: (Ipv4Addr, u16) = (Ipv4Addr::new(224, 0, 0, 252), 5355);

const A: u16 = 1;
const PTR: u16 = 12;
const TXT: u16 = 16;
const SRV: u16 = 33;
const INTERNET: u16 = 1;
/// Class bit of records that are the sender's alone.
const FLUSH: u16 = 0x8000;

/// A service that a device offers.
#[derive(Clone, Debug)]
pub struct Service {
    /// Such as `_ipp._tcp`.
    pub kind: String,
    /// The instance's own name.
    pub instance: String,
    /// Its port.
    pub port: u16,
    /// `key=value` each.
    pub text: Vec<String>,
}

fn header(id: u16, flags: u16, counts: [u16; 4]) -> Vec<u8> {
    [id, flags]
        .into_iter()
        .chain(counts)
        .flat_map(u16::to_be_bytes)
        .collect()
}

fn question(out: &mut Vec<u8>, labels: &[&str], kind: u16) {
    name(out, labels);
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&INTERNET.to_be_bytes());
}

fn record(out: &mut Vec<u8>, labels: &[&str], (kind, class, ttl): (u16, u16, u32), data: &[u8]) {
    name(out, labels);
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&class.to_be_bytes());
    out.extend_from_slice(&ttl.to_be_bytes());
    out.extend_from_slice(&(data.len() as u16).to_be_bytes());
    out.extend_from_slice(data);
}

/// The labels of a name whose labels hold no dots.
fn split(text: &str) -> Vec<&str> {
    text.split('.').collect()
}

/// A question for the devices that offer a kind of service.
pub fn browse(kind: &str) -> Vec<u8> {
    let mut out = header(0, 0, [1, 0, 0, 0]);
    let labels = [split(kind), vec!["local"]].concat();
    question(&mut out, &labels, PTR);
    out
}

/// What a device says unasked: its address and its services.
pub fn announcement(host: &str, address: Ipv4Addr, services: &[Service]) -> Vec<u8> {
    let mut out = header(0, 0x8400, [0, 1 + 3 * services.len() as u16, 0, 0]);
    let own = [host, "local"];
    record(
        &mut out,
        &own,
        (A, INTERNET | FLUSH, 120),
        &address.octets(),
    );
    for service in services {
        let kind = [split(&service.kind), vec!["local"]].concat();
        let full = [vec![service.instance.as_str()], kind.clone()].concat();
        let mut target = Vec::new();
        name(&mut target, &full);
        record(&mut out, &kind, (PTR, INTERNET, 4500), &target);
        let mut place = vec![0, 0, 0, 0];
        place.extend_from_slice(&service.port.to_be_bytes());
        name(&mut place, &own);
        record(&mut out, &full, (SRV, INTERNET | FLUSH, 120), &place);
        let mut text = Vec::new();
        for entry in &service.text {
            text.push(entry.len().min(255) as u8);
            text.extend(entry.bytes().take(255));
        }
        if text.is_empty() {
            text.push(0);
        }
        record(&mut out, &full, (TXT, INTERNET | FLUSH, 4500), &text);
    }
    out
}

/// "Who is called this?" by LLMNR.
pub fn llmnr_question(id: u16, host: &str) -> Vec<u8> {
    let mut out = header(id, 0, [1, 0, 0, 0]);
    question(&mut out, &[host], A);
    out
}

/// The answer of the host that is called this.
pub fn llmnr_answer(id: u16, host: &str, address: Ipv4Addr) -> Vec<u8> {
    let mut out = header(id, 0x8000, [1, 1, 0, 0]);
    question(&mut out, &[host], A);
    record(&mut out, &[host], (A, INTERNET, 30), &address.octets());
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_question_of_llmnr() {
        let bytes = super::llmnr_question(0x1234, "pc7");
        let want = [
            0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, b'p', b'c', b'7', 0, 0, 1, 0, 1,
        ];
        assert_eq!(bytes, want);
    }

    #[test]
    fn a_service_is_three_records_beside_the_address() {
        let service = super::Service {
            kind: "_ipp._tcp".to_owned(),
            instance: "Drucker 1".to_owned(),
            port: 631,
            text: vec!["ty=Papyrus".to_owned()],
        };
        let bytes = super::announcement("drucker1", [10, 0, 0, 1].into(), &[service]);
        assert_eq!(bytes[6..8], [0, 4]);
        assert!(bytes.ends_with(b"\x00\x0b\x0aty=Papyrus"));
    }
}
