//! Joins what the first bytes of each side say about a protocol into one answer.

use auscult_model::Transport;

use crate::{Probe, Seen};

/// Judges each side that was seen; one that is certain decides, else one that excludes does. In a
/// stream both must exclude: the other side may have more to say, and a `No` is final. A server's
/// answer does not decide over a client that speaks something else: a port may answer anybody.
pub(crate) fn judge(seen: &Seen<'_>, of: impl Fn(&[u8]) -> Probe) -> Probe {
    let sides = [seen.originator, seen.responder].map(|bytes| of_seen(bytes, &of));
    let is_begun = seen.transport == Transport::Tcp && seen.from_start;
    match sides {
        [Probe::No, Probe::Certain] if is_begun => Probe::Maybe,
        [Probe::Maybe, Probe::Certain] if is_begun && !seen.originator.is_empty() => Probe::Likely,
        [Probe::No, open] | [open, Probe::No]
            if seen.transport == Transport::Tcp && open < Probe::Certain && open > Probe::No =>
        {
            Probe::Maybe
        }
        [one, other] => join(one, other),
    }
}

/// Judges each side that was seen where both speak the same format: none may fail to fit, and the
/// best one counts.
pub(crate) fn each(seen: &Seen<'_>, of: impl Fn(&[u8]) -> Probe) -> Probe {
    match [seen.originator, seen.responder].map(|bytes| of_seen(bytes, &of)) {
        [Probe::No, _] | [_, Probe::No] => Probe::No,
        [one, other] => one.max(other),
    }
}

/// Joins two answers that were found apart (formats whose sides differ).
pub(crate) fn join(one: Probe, other: Probe) -> Probe {
    match (one, other) {
        (Probe::Certain, _) | (_, Probe::Certain) => Probe::Certain,
        (Probe::No, _) | (_, Probe::No) => Probe::No,
        (one, other) => one.max(other),
    }
}

/// The answer for one side; a side that was not seen says nothing.
pub(crate) fn of_seen(bytes: &[u8], of: impl Fn(&[u8]) -> Probe) -> Probe {
    if bytes.is_empty() {
        Probe::Maybe
    } else {
        of(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Protocol, oracle};
    use auscult_model::Transport;

    /// What is said while a request is half there must not exclude what it will be.
    #[test]
    fn one_side_alone_does_not_exclude_a_stream() {
        let probe = |originator: &[u8], responder: &[u8]| {
            crate::http::Http.probe(&Seen {
                transport: Transport::Tcp,
                originator,
                responder,
                from_start: true,
            })
        };
        assert_eq!(probe(b"GET /", b"\0\0"), Probe::Maybe);
        assert_eq!(probe(b"GET / HTTP/1.1\r\n", b"\0\0"), Probe::Certain);
        assert_eq!(probe(b"", b"\0\0"), Probe::Maybe);
        assert_eq!(probe(b"", b"HTTP/1.1 200 OK\r\n"), Probe::Certain);
        assert_eq!(probe(b"EHLO x\r\n", b"HTTP/1.1 200 OK\r\n"), Probe::Maybe);
        assert_eq!(probe(b"\0\0", b"\0\0"), Probe::No);
    }

    const MINE: [&dyn Protocol; 16] = [
        &crate::dhcp::Dhcp,
        &crate::dhcpv6::Dhcpv6,
        &crate::dns::Dns,
        &crate::ftp::Ftp,
        &crate::http::Http,
        &crate::llmnr::Llmnr,
        &crate::mdns::Mdns,
        &crate::nbds::Nbds,
        &crate::nbns::Nbns,
        &crate::ntp::Ntp,
        &crate::pop3::Pop3,
        &crate::snmp::Snmp,
        &crate::ssdp::Ssdp,
        &crate::syslog::Syslog,
        &crate::ws_discovery::WsDiscovery,
        &crate::telnet::Telnet,
    ];

    fn probe(protocol: &dyn Protocol, transport: Transport, bytes: &[u8]) -> Probe {
        protocol.probe(&Seen {
            transport,
            originator: bytes,
            responder: &[],
            from_start: true,
        })
    }

    /// The figures that the records state: 100,000 random inputs each.
    #[test]
    fn random_bytes_are_hardly_ever_likely() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let mut likely = [0u32; MINE.len()];
        let mut bytes = [0u8; 304];
        for _ in 0..100_000 {
            for chunk in bytes.chunks_exact_mut(8) {
                chunk.copy_from_slice(&random().to_le_bytes());
            }
            for (protocol, likely) in MINE.iter().zip(&mut likely) {
                let transport = protocol.record().transports[0];
                let found = probe(*protocol, transport, &bytes);
                assert!(found < Probe::Certain, "{}", protocol.record().name);
                *likely += u32::from(found == Probe::Likely);
            }
        }
        println!("likely: {likely:?}");
        for (protocol, likely) in MINE.iter().zip(likely) {
            let most = if protocol.record().weak { 5 } else { 0 };
            assert!(likely <= most, "{}: {likely}", protocol.record().name);
        }
    }

    /// First payloads of flows in which tshark sees other protocols.
    #[test]
    #[ignore = "asks tshark about many captures, which takes minutes"]
    fn other_protocols_are_never_certain() {
        let filter = "(udp.payload || tcp.payload) && !(dns || mdns || llmnr || nbns || dhcp \
                      || nbdgm || dhcpv6 || ntp || snmp || syslog || http || ftp || pop || telnet \
                      || ssdp || rtsp || sip || icmp)";
        let fields = ["frame.number", "udp.payload", "tcp.payload"];
        let (mut seen, mut certain) = (0, Vec::new());
        for layer in [
            "modbus", "bacnet", "snmp", "smb2", "tls", "ntp", "tftp", "smtp", "rpc",
        ] {
            for capture in oracle::captures_with(layer) {
                for row in oracle::tshark(&capture, filter, &fields) {
                    let (transport, field) = if row.all("udp.payload").is_empty() {
                        (Transport::Tcp, "tcp.payload")
                    } else {
                        (Transport::Udp, "udp.payload")
                    };
                    seen += 1;
                    let bytes = row.bytes(field);
                    for protocol in MINE {
                        if probe(protocol, transport, &bytes) == Probe::Certain {
                            let name = protocol.record().name;
                            let capture = oracle::name_of(&capture);
                            certain.push(format!("{name} {capture}#{}", row.one("frame.number")));
                        }
                    }
                }
            }
        }
        println!(
            "{} of {seen} payloads wrongly certain: {certain:#?}",
            certain.len()
        );
        // Segments in which a message of HTTP begins that tshark shows where it ends are left.
        certain.retain(|line| !line.starts_with("http "));
        assert!(certain.len() * 1000 <= seen, "{certain:?}");
    }
}
