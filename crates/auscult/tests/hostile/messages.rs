//! Messages without end, or that lead back to themselves.

use auscult_lab::speak::rpc;

use crate::stream;
use crate::wire::*;

const CLIENT: End = (std::net::Ipv4Addr::new(10, 0, 0, 2), 40_000);

#[test]
fn headers_without_end() {
    let server = (host(0), 80);
    let told = stream("a head of HTTP of 64 MiB", &[], |wire| {
        wire.open(CLIENT, server);
        let mut at = wire.send(CLIENT, server, 1, b"GET / HTTP/1.1\r\nHost: ward\r\n");
        let line = b"X-Filler: 0123456789012345678901234567890123456789\r\n".repeat(26);
        for _ in 0..48_000 {
            at = wire.send(CLIENT, server, at, &line);
        }
    });
    told.reached("http-headers");
}

#[test]
fn heads_of_many_fields() {
    let server = (host(0), 80);
    let told = stream("100 heads of HTTP of 1,000 fields", &[], |wire| {
        wire.open(CLIENT, server);
        let head = [
            &b"GET / HTTP/1.1\r\n"[..],
            &b"A: b\r\n".repeat(1000),
            b"\r\n",
        ]
        .concat();
        let mut at = 1;
        for _ in 0..100 {
            at = wire.send(CLIENT, server, at, &head);
        }
    });
    assert_eq!(told.reached("http-fields"), 100);
    told.reached("http-requests");
}

#[test]
fn segments_without_end() {
    let server = (host(0), 2575);
    let told = stream("an HL7 message of 100 MB in segments", &[], |wire| {
        wire.open(CLIENT, server);
        let start = b"\x0bMSH|^~\\&|ADT|HOUSE|LAB|HOUSE|20260101120000||ADT^A01|1|P|2.3\r";
        let mut at = wire.send(CLIENT, server, 1, start);
        let segment = b"NK1|1|ERFUNDEN^NIEMAND|SIB|1 NOWHERE^^NIRGENDS^^1234|5550100\r".repeat(22);
        for _ in 0..73_000 {
            at = wire.send(CLIENT, server, at, &segment);
        }
    });
    told.reached("hl7-long-message");
}

#[test]
fn a_segment_without_end() {
    let server = (host(0), 2575);
    let told = stream("an HL7 segment of 100 MB", &[], |wire| {
        wire.open(CLIENT, server);
        let start = b"\x0bMSH|^~\\&|ADT|HOUSE|LAB|HOUSE|20260101120000||ADT^A01|1|P|2.3\r\
            OBX|1|TX|NOTE||";
        let mut at = wire.send(CLIENT, server, 1, start);
        for _ in 0..73_000 {
            at = wire.send(CLIENT, server, at, &[b'x'; 1400]);
        }
    });
    told.reached("hl7-long-segment");
}

#[test]
fn a_name_that_leads_back_to_itself() {
    let (server, client) = ((host(0), 53), CLIENT);
    let told = stream("300,000 DNS messages with compression loops", &[], |wire| {
        for number in 0..300_000_u32 {
            let mut out = Vec::new();
            for word in [number as u16, 0x8180, 1, 1, 0, 0] {
                out.extend_from_slice(&word.to_be_bytes());
            }
            match number % 3 {
                // To itself; to the one after it and back; a ladder of pointers to pointers.
                0 => out.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1]),
                1 => out.extend_from_slice(&[0xc0, 14, 0xc0, 12, 0, 1, 0, 1]),
                _ => {
                    out.extend_from_slice(b"\x01a\0\0\x01\0\x01");
                    for step in 0..200_u16 {
                        let back = if step == 0 { 12 } else { 19 + 2 * (step - 1) };
                        out.extend_from_slice(&(0xc000 | back).to_be_bytes());
                    }
                    out.extend_from_slice(&[0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 8, 8, 8, 8]);
                }
            }
            wire.udp(server, client, &out);
        }
    });
    let names = &told.report["health"]["limits"]["inventory-names"];
    assert!(names.is_null(), "no names come of it: {names}");
}

#[test]
fn records_without_end() {
    let (server, client) = ((host(0), 53), CLIENT);
    let told = stream("10,000 DNS messages of 3,000 records", &[], |wire| {
        let mut out = Vec::new();
        for word in [7_u16, 0x8180, 1, 3000, 0, 0] {
            out.extend_from_slice(&word.to_be_bytes());
        }
        out.extend_from_slice(b"\x01q\x07example\0\0\x01\0\x01");
        for number in 0..3000_u32 {
            out.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
            out.extend_from_slice(&(0x0800_0000 + number).to_be_bytes());
        }
        for _ in 0..10_000 {
            wire.udp(server, client, &out);
        }
    });
    assert_eq!(told.reached("dns-records"), 10_000);
}

/// A call of NFS's READ with the longest credential that there is.
fn call(xid: u32) -> Vec<u8> {
    rpc::Xdr::new()
        .u32(xid)
        .u32(0)
        .u32(2)
        .u32(rpc::NFS)
        .u32(3)
        .u32(6)
        .u32(0)
        .u32(0)
        .u32(0)
        .u32(0)
        .0
}

#[test]
fn fragments_of_calls_without_end() {
    let server = (host(0), 2049);
    let told = stream("an RPC message in 4 million fragments", &[], |wire| {
        wire.open(CLIENT, server);
        // A first fragment that names the protocol, then fragments of one byte, never the last.
        let first = call(7);
        let start = [&(first.len() as u32).to_be_bytes()[..], &first].concat();
        let mut at = wire.send(CLIENT, server, 1, &start);
        let tiny = [0, 0, 0, 1, 0xff].repeat(280);
        for _ in 0..15_000 {
            at = wire.send(CLIENT, server, at, &tiny);
        }
    });
    told.reached("rpc-message");
}

#[test]
fn calls_without_answers() {
    let server = (host(0), 2049);
    let told = stream("100,000 RPC calls that nobody answers", &[], |wire| {
        wire.open(CLIENT, server);
        let mut at = 1;
        for xid in 0..100_000 {
            let handle = [7_u8; 32];
            let message = [
                &call(xid)[..],
                &32_u32.to_be_bytes(),
                &handle,
                &u64::from(xid).to_be_bytes(),
                &4096_u32.to_be_bytes(),
            ]
            .concat();
            let mark = 0x8000_0000 | message.len() as u32;
            let record = [&mark.to_be_bytes()[..], &message].concat();
            at = wire.send(CLIENT, server, at, &record);
        }
    });
    assert_eq!(told.reached("rpc-calls"), 100_000 - 512);
}

#[test]
fn unfinished_messages_of_many_flows() {
    // Each stays below what one flow may keep; all together are more than there is room for.
    const FLOWS: u32 = 12_000;
    let what = "12,000 flows with 60 KB of an unfinished message each";
    let told = stream(what, &[], |wire| {
        let start = b"\x0bMSH|^~\\&|ADT|HOUSE|LAB|HOUSE|20260101120000||ADT^A01|1|P|2.3\r\
            PID|1||INV7^^^HOUSE||ERFUNDEN^NIEMAND||19500101|F\r";
        let http = b"GET / HTTP/1.1\r\nHost: ward\r\n";
        let rpc = [&0x0003_0000_u32.to_be_bytes()[..], &call(7)].concat();
        let rest = vec![b'x'; 60_000];
        for number in 0..FLOWS {
            let client = (host(1 + number), 40_000);
            let (port, start) = match number % 3 {
                0 => (2575, &start[..]),
                1 => (80, &http[..]),
                _ => (2049, &rpc[..]),
            };
            let server = (host(0), port);
            wire.open(client, server);
            let at = wire.send(client, server, 1, start);
            wire.send(client, server, at, &rest);
        }
    });
    told.reached("session-bytes");
    assert_eq!(told.number("/health/flows"), u64::from(FLOWS));
    assert!(told.peak_mib.is_none_or(|peak| peak < 600));
}
