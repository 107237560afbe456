//! Writers of capture files: pcapng and classic pcap, both with nanoseconds.
//!
//! Sources: draft-ietf-opsawg-pcapng, draft-ietf-opsawg-pcap. Classic pcap holds one interface;
//! frames of further interfaces are written as if they came from the first.

use crate::frame::{Frame, Link, Scene};

const SNAPLEN: u32 = 262_144;

fn block(out: &mut Vec<u8>, kind: u32, body: &[u8]) {
    let padded = body.len().next_multiple_of(4);
    let total = (12 + padded) as u32;
    out.extend_from_slice(&kind.to_le_bytes());
    out.extend_from_slice(&total.to_le_bytes());
    out.extend_from_slice(body);
    out.resize(out.len() + padded - body.len(), 0);
    out.extend_from_slice(&total.to_le_bytes());
}

fn option(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    out.extend_from_slice(&code.to_le_bytes());
    out.extend_from_slice(&(value.len() as u16).to_le_bytes());
    out.extend_from_slice(value);
    out.resize(out.len().next_multiple_of(4), 0);
}

fn packet(out: &mut Vec<u8>, frame: &Frame) {
    let time = frame.time.0 as u64;
    let mut body = Vec::with_capacity(20 + frame.bytes.len());
    body.extend_from_slice(&frame.interface.to_le_bytes());
    body.extend_from_slice(&((time >> 32) as u32).to_le_bytes());
    body.extend_from_slice(&(time as u32).to_le_bytes());
    body.extend_from_slice(&(frame.bytes.len() as u32).to_le_bytes());
    body.extend_from_slice(&frame.wire_len.to_le_bytes());
    body.extend_from_slice(&frame.bytes);
    block(out, 6, &body);
}

/// The scene as pcapng.
pub fn pcapng(scene: &Scene) -> Vec<u8> {
    let mut out = Vec::new();
    let mut head = Vec::new();
    head.extend_from_slice(&0x1a2b_3c4d_u32.to_le_bytes());
    head.extend_from_slice(&[1, 0, 0, 0]);
    head.extend_from_slice(&u64::MAX.to_le_bytes());
    option(
        &mut head,
        4,
        b"auscult-lab: synthetic ward, invented patients",
    );
    option(&mut head, 0, &[]);
    block(&mut out, 0x0a0d_0d0a, &head);
    for interface in &scene.interfaces {
        let mut body = interface.link.number().to_le_bytes().to_vec();
        body.extend_from_slice(&[0, 0]);
        body.extend_from_slice(&SNAPLEN.to_le_bytes());
        option(&mut body, 2, interface.name.as_bytes());
        option(&mut body, 9, &[9]);
        option(&mut body, 0, &[]);
        block(&mut out, 1, &body);
    }
    for frame in &scene.frames {
        packet(&mut out, frame);
    }
    out
}

/// What a classic pcap begins with.
pub(crate) fn pcap_header(link: Link) -> Vec<u8> {
    let mut out = 0xa1b2_3c4d_u32.to_le_bytes().to_vec();
    out.extend_from_slice(&[2, 0, 4, 0]);
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(&SNAPLEN.to_le_bytes());
    out.extend_from_slice(&u32::from(link.number()).to_le_bytes());
    out
}

/// Adds a record of classic pcap.
pub(crate) fn pcap_record(out: &mut Vec<u8>, frame: &Frame) {
    let seconds = frame.time.0.div_euclid(1_000_000_000) as u32;
    let nanos = frame.time.0.rem_euclid(1_000_000_000) as u32;
    for word in [seconds, nanos, frame.bytes.len() as u32, frame.wire_len] {
        out.extend_from_slice(&word.to_le_bytes());
    }
    out.extend_from_slice(&frame.bytes);
}

/// The scene as classic pcap.
pub fn pcap(scene: &Scene) -> Vec<u8> {
    let link = scene.interfaces.first().map_or(Link::Ethernet, |i| i.link);
    let mut out = pcap_header(link);
    for frame in &scene.frames {
        pcap_record(&mut out, frame);
    }
    out
}
