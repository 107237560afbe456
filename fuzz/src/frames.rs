//! Frames for targets: TCP segments, captures of frames, and headers that fit what was changed.

use std::ops::Range;

/// A TCP header between the two hosts of the flow target.
#[derive(Clone, Copy, Debug)]
pub struct Tcp {
    /// From the server.
    pub back: bool,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number.
    pub ack: u32,
    /// Flag bits.
    pub flags: u8,
}

/// An Ethernet frame with a TCP segment, its sums right.
pub fn tcp_frame(tcp: &Tcp, payload: &[u8], id: u16) -> Vec<u8> {
    let (from, to): (u8, u8) = if tcp.back { (2, 1) } else { (1, 2) };
    let (from_port, to_port): (u16, u16) = if tcp.back {
        (515, 40_000)
    } else {
        (40_000, 515)
    };
    let mut frame = vec![2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from, 8, 0, 0x45, 0, 0, 0];
    frame.extend(id.to_be_bytes());
    frame.extend([0x40, 0, 64, 6, 0, 0, 10, 0, 0, from, 10, 0, 0, to]);
    frame.extend(from_port.to_be_bytes());
    frame.extend(to_port.to_be_bytes());
    frame.extend(tcp.seq.to_be_bytes());
    frame.extend(tcp.ack.to_be_bytes());
    frame.extend([0x50, tcp.flags, 0x10, 0, 0, 0, 0, 0]);
    frame.extend(payload);
    mend(&mut frame);
    frame
}

/// Makes the lengths and the TCP checksum of an IPv4 packet in a frame fit its bytes, so that a
/// changed payload is not thrown away as forged. Anything else is left as it is.
pub fn mend(frame: &mut [u8]) {
    let Some(start) = ipv4_start(frame) else {
        return;
    };
    let (link, packet) = frame.split_at_mut(start);
    let _ = link;
    let header = usize::from(packet[0] & 0x0f) * 4;
    let fragment = u16::from_be_bytes([packet[6], packet[7]]) & 0x3fff != 0;
    if header < 20 || packet.len() < header || packet.len() > 0xffff || fragment {
        return;
    }
    let total = packet.len() as u16;
    packet[2..4].copy_from_slice(&total.to_be_bytes());
    let length = total - header as u16;
    match packet[9] {
        6 if length >= 20 => {
            packet[header + 16..header + 18].fill(0);
            let addresses = words(&packet[12..20]);
            let sum = 6 + u32::from(length) + addresses + words(&packet[header..]);
            packet[header + 16..header + 18].copy_from_slice(&(!folded(sum)).to_be_bytes());
        }
        17 if length >= 8 => {
            packet[header + 4..header + 6].copy_from_slice(&length.to_be_bytes());
            packet[header + 6..header + 8].fill(0);
        }
        _ => {}
    }
}

/// Whether a frame of [`tcp_frame`] holds the sum of the pseudo-header alone, as before a network
/// card fills it in: by chance one in 65,536 does, right or wrong.
pub fn has_pseudo_sum(frame: &[u8]) -> bool {
    let (addresses, segment) = (&frame[26..34], &frame[34..]);
    let sum = folded(6 + segment.len() as u32 + words(addresses));
    segment[16..18] == sum.to_be_bytes()
}

fn ipv4_start(frame: &[u8]) -> Option<usize> {
    let mut at = 12;
    while frame.get(at..at + 2)? == [0x81, 0] {
        at += 4;
    }
    let start = at + 2;
    let is_ipv4 = frame.get(at..start)? == [8, 0] && frame.get(start)? >> 4 == 4;
    (is_ipv4 && frame.len() >= start + 20).then_some(start)
}

/// RFC 1071, an odd byte padded with zero.
fn words(bytes: &[u8]) -> u32 {
    let words = bytes
        .chunks(2)
        .map(|pair| [pair[0], pair.get(1).copied().unwrap_or(0)]);
    words.map(|pair| u32::from(u16::from_be_bytes(pair))).sum()
}

fn folded(mut sum: u32) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

/// Length of a classic pcap's header, and of a record's.
const FILE_HEADER: usize = 24;
const RECORD_HEADER: usize = 16;

/// The records of a little-endian classic pcap, each with its header, as far as they are whole.
pub fn records(file: &[u8]) -> Vec<Range<usize>> {
    let mut records = Vec::new();
    let mut at = FILE_HEADER;
    while let Some(length) = file.get(at + 8..at + 12) {
        let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]) as usize;
        let end = at.saturating_add(RECORD_HEADER).saturating_add(length);
        if end > file.len() {
            break;
        }
        records.push(at..end);
        at = end;
    }
    records
}

/// A record with other bytes in it.
pub fn record(header: &[u8], frame: &[u8]) -> Vec<u8> {
    let mut record = header[..8].to_vec();
    for _ in 0..2 {
        record.extend((frame.len() as u32).to_le_bytes());
    }
    record.extend(frame);
    record
}

/// The frame in a record.
pub fn frame_of(record: &[u8]) -> &[u8] {
    record.get(RECORD_HEADER..).unwrap_or_default()
}
