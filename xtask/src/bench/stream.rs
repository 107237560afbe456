//! A capture again and again, as one long stream to standard output: later times, other client
//! ports, checksums mended, so that every repetition brings new flows of the same devices.
//!
//! A pause longer than the longest time-out of a flow lies between repetitions. Without it the
//! connections that the end of the capture cuts open would stay open, more with every repetition,
//! and look like memory that grows with length.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use anyhow::{Context as _, Result, bail};

/// Seconds between repetitions.
const PAUSE: u32 = 2 * 3600;
/// Ports from here on are the clients' own choice.
const EPHEMERAL: u16 = 32_768;
/// How far they move with each repetition.
const STEP: u16 = 4_099;

/// `bench stream CAPTURE TIMES`.
pub(super) fn run(words: &[&str]) -> Result<()> {
    let [capture, times] = words else {
        bail!("bench stream CAPTURE TIMES > FILE");
    };
    let out = std::io::stdout().lock();
    let mut out = BufWriter::with_capacity(1 << 20, out);
    repeat(Path::new(capture), times.parse()?, &mut out)?;
    out.flush()?;
    Ok(())
}

/// Writes the capture (classic pcap, little-endian, Ethernet) so many times.
fn repeat(capture: &Path, times: u32, out: &mut impl Write) -> Result<()> {
    let mut later = 0;
    for repetition in 0..times {
        let file =
            File::open(capture).with_context(|| format!("cannot open {}", capture.display()))?;
        let mut reader = BufReader::with_capacity(1 << 20, file);
        let span = once(&mut reader, out, repetition, later)?;
        later += span + PAUSE;
    }
    Ok(())
}

/// Writes one repetition; returns the seconds that it spans.
fn once(input: &mut impl Read, out: &mut impl Write, repetition: u32, later: u32) -> Result<u32> {
    let mut header = [0; 24];
    input.read_exact(&mut header)?;
    if !matches!(header, [0xd4 | 0x4d, 0xc3 | 0x3c, 0xb2, 0xa1, ..]) {
        bail!("only classic little-endian pcap can be repeated");
    }
    if repetition == 0 {
        out.write_all(&header)?;
    }
    let shift = (repetition as u16).wrapping_mul(STEP);
    let (mut first, mut last) = (None, 0);
    let mut frame = Vec::new();
    let mut record = [0; 16];
    while input.read_exact(&mut record).is_ok() {
        let [s0, s1, s2, s3, _, _, _, _, l0, l1, l2, l3, ..] = record;
        let seconds = u32::from_le_bytes([s0, s1, s2, s3]);
        last = seconds;
        first.get_or_insert(seconds);
        let [s0, s1, s2, s3] = seconds.wrapping_add(later).to_le_bytes();
        record[..4].copy_from_slice(&[s0, s1, s2, s3]);
        frame.resize(u32::from_le_bytes([l0, l1, l2, l3]) as usize, 0);
        input.read_exact(&mut frame)?;
        if shift != 0 {
            move_ports(&mut frame, shift);
        }
        out.write_all(&record)?;
        out.write_all(&frame)?;
    }
    Ok(last.saturating_sub(first.unwrap_or(last)) + 1)
}

fn word(frame: &[u8], at: usize) -> Option<u16> {
    let bytes = frame.get(at..at + 2)?;
    Some(u16::from_be_bytes([bytes[0], bytes[1]]))
}

/// Moves the clients' ports of a TCP or UDP packet. Both directions are moved alike, and no two
/// ports become one.
fn move_ports(frame: &mut [u8], shift: u16) {
    let Some((transport, sum_at)) = places(frame) else {
        return;
    };
    for at in [transport, transport + 2] {
        let Some(port) = word(frame, at).filter(|port| *port >= EPHEMERAL) else {
            continue;
        };
        let moved = port.wrapping_add(shift) | EPHEMERAL;
        mend(frame, sum_at, port, moved);
        if let Some(place) = frame.get_mut(at..at + 2) {
            place.copy_from_slice(&moved.to_be_bytes());
        }
    }
}

/// Where the ports and the checksum of a TCP or UDP packet lie.
fn places(frame: &[u8]) -> Option<(usize, usize)> {
    let mut at = 12;
    while matches!(word(frame, at)?, 0x8100 | 0x88a8) {
        at += 4;
    }
    let network = at + 2;
    let (protocol, transport) = match word(frame, at)? {
        0x0800 => {
            // Later fragments have no ports.
            if word(frame, network + 6)? & 0x1fff != 0 {
                return None;
            }
            let length = usize::from(frame.get(network)? & 0x0f) * 4;
            (*frame.get(network + 9)?, network + length)
        }
        0x86dd => (*frame.get(network + 6)?, network + 40),
        _ => return None,
    };
    match protocol {
        6 => Some((transport, transport + 16)),
        17 => Some((transport, transport + 6)),
        _ => None,
    }
}

/// Corrects the checksum for one changed word (RFC 1624); zero stays "no checksum".
fn mend(frame: &mut [u8], sum_at: usize, old: u16, new: u16) {
    let Some(sum) = word(frame, sum_at).filter(|sum| *sum != 0) else {
        return;
    };
    let mut total = u32::from(!sum) + u32::from(!old) + u32::from(new);
    while total > 0xffff {
        total = (total & 0xffff) + (total >> 16);
    }
    let mended = match !(total as u16) {
        0 => 0xffff,
        sum => sum,
    };
    if let Some(place) = frame.get_mut(sum_at..sum_at + 2) {
        place.copy_from_slice(&mended.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sum of a whole UDP packet over IPv4 with its pseudo header: all ones when it is right.
    fn sum(frame: &[u8]) -> u16 {
        let ip = &frame[14..];
        let udp = &ip[20..];
        let mut total = 17 + udp.len() as u32;
        for pair in ip[12..20].chunks(2).chain(udp.chunks(2)) {
            total += u32::from(u16::from_be_bytes([pair[0], pair[1]]));
        }
        while total > 0xffff {
            total = (total & 0xffff) + (total >> 16);
        }
        total as u16
    }

    fn question() -> Vec<u8> {
        let mut frame = vec![0; 12];
        frame.extend([8, 0, 0x45, 0, 0, 36, 0, 1, 0, 0, 64, 17, 0, 0]);
        frame.extend([10, 0, 0, 1, 10, 0, 0, 2]);
        frame.extend([0xc0, 1, 0, 53, 0, 16, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
        let right = !sum(&frame);
        frame[40..42].copy_from_slice(&right.to_be_bytes());
        frame
    }

    #[test]
    fn ports_of_clients_move_and_the_checksum_stays_right() {
        for repetition in 1..20_u16 {
            let mut frame = question();
            assert_eq!(sum(&frame), 0xffff);
            move_ports(&mut frame, repetition.wrapping_mul(STEP));
            assert_eq!(sum(&frame), 0xffff);
            assert_eq!(word(&frame, 36), Some(53), "a service keeps its port");
            assert!(word(&frame, 34) >= Some(EPHEMERAL));
            assert_ne!(word(&frame, 34), Some(0xc001));
        }
    }

    #[test]
    fn later_fragments_and_other_things_stay() {
        let mut fragment = question();
        fragment[20] = 0x20;
        fragment[21] = 5;
        let mut arp = question();
        arp[13] = 6;
        for frame in [fragment, arp, vec![1; 9]] {
            let mut moved = frame.clone();
            move_ports(&mut moved, STEP);
            assert_eq!(moved, frame);
        }
    }

    #[test]
    fn repetitions_follow_each_other_in_time() {
        let name = format!("auscult-stream-{}.pcap", std::process::id());
        let file = std::env::temp_dir().join(name);
        let mut capture = vec![0xd4, 0xc3, 0xb2, 0xa1];
        capture.extend([0; 20]);
        for seconds in [100_u32, 107] {
            capture.extend(seconds.to_le_bytes());
            capture.extend(0_u32.to_le_bytes());
            capture.extend([50_u32.to_le_bytes(), 50_u32.to_le_bytes()].concat());
            capture.extend(question());
        }
        std::fs::write(&file, &capture).expect("a place for a file");
        let mut out = Vec::new();
        repeat(&file, 3, &mut out).expect("a capture");
        std::fs::remove_file(&file).expect("it was there");
        assert_eq!(out.get(..capture.len()), Some(capture.as_slice()));
        let times: Vec<u32> = out[24..]
            .chunks(66)
            .map(|record| u32::from_le_bytes([record[0], record[1], record[2], record[3]]))
            .collect();
        assert_eq!(times, [100, 107, 7308, 7315, 14_516, 14_523]);
    }
}
