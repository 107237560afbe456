//! Writes packets as a pcapng file that says of every packet where it came from.
//!
//! Source: draft-ietf-opsawg-pcapng. Times are in nanoseconds; each interface of each original file
//! is an interface here, so that segments told apart by interfaces stay apart.

use auscult_model::{FileIndex, LinkType};

use crate::frame::Frame;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const ENHANCED_PACKET: u32 = 6;

const COMMENT: u16 = 1;
const INTERFACE_NAME: u16 = 2;
const APPLICATION: u16 = 4;
const RESOLUTION: u16 = 9;

/// A packet with what is said of it.
pub struct Noted<'a> {
    /// The packet.
    pub frame: &'a Frame,
    /// A comment a line.
    pub comments: &'a [String],
}

/// The file: a section with a comment and the program's name, interfaces with the names of their
/// files, packets.
pub fn write(comment: &str, program: &str, files: &[String], packets: &[Noted<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut body = Vec::new();
    body.extend(0x1a2b_3c4d_u32.to_le_bytes());
    body.extend([1, 0, 0, 0]);
    // The length of the section is not told: to the end of the file.
    body.extend([0xff; 8]);
    option(&mut body, COMMENT, comment.as_bytes());
    option(&mut body, APPLICATION, program.as_bytes());
    end_of_options(&mut body);
    block(&mut out, SECTION_HEADER, &body);
    let interfaces = interfaces(packets);
    for (file, interface, link) in &interfaces {
        let name = files.get(file.0 as usize).map_or("", String::as_str);
        let mut body = Vec::new();
        body.extend(link.0.to_le_bytes());
        // Two reserved bytes, and no limit on the length of packets.
        body.extend([0; 6]);
        option(
            &mut body,
            INTERFACE_NAME,
            format!("{name} #{interface}").as_bytes(),
        );
        option(&mut body, RESOLUTION, &[9]);
        end_of_options(&mut body);
        block(&mut out, INTERFACE, &body);
    }
    for noted in packets {
        let frame = noted.frame;
        let interface = interfaces.binary_search(&of(frame)).unwrap_or_default();
        let time = u64::try_from(frame.time.0).unwrap_or_default();
        let mut body = Vec::with_capacity(frame.data.len() + 64);
        body.extend(length(interface).to_le_bytes());
        body.extend(((time >> 32) as u32).to_le_bytes());
        body.extend((time as u32).to_le_bytes());
        body.extend(length(frame.data.len()).to_le_bytes());
        body.extend(frame.original.max(length(frame.data.len())).to_le_bytes());
        body.extend(&frame.data);
        pad(&mut body);
        for comment in noted.comments {
            option(&mut body, COMMENT, comment.as_bytes());
        }
        if !noted.comments.is_empty() {
            end_of_options(&mut body);
        }
        block(&mut out, ENHANCED_PACKET, &body);
    }
    out
}

type Interface = (FileIndex, u16, LinkType);

fn of(frame: &Frame) -> Interface {
    (frame.packet.file, frame.interface, frame.link)
}

/// The interfaces in order, each once.
fn interfaces(packets: &[Noted<'_>]) -> Vec<Interface> {
    let mut all: Vec<Interface> = packets.iter().map(|noted| of(noted.frame)).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

fn pad(body: &mut Vec<u8>) {
    body.resize(body.len().next_multiple_of(4), 0);
}

/// An option; what is longer than an option can be is cut at a character.
fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    const MOST: usize = 4_096;
    let mut end = value.len().min(MOST);
    while end < value.len() && value.get(end).is_some_and(|byte| byte & 0xc0 == 0x80) {
        end -= 1;
    }
    let value = value.get(..end).unwrap_or_default();
    body.extend(code.to_le_bytes());
    body.extend(u16::try_from(value.len()).unwrap_or_default().to_le_bytes());
    body.extend(value);
    pad(body);
}

fn end_of_options(body: &mut Vec<u8>) {
    body.extend([0; 4]);
}

fn block(out: &mut Vec<u8>, kind: u32, body: &[u8]) {
    let total = length(body.len() + 12).to_le_bytes();
    out.extend(kind.to_le_bytes());
    out.extend(total);
    out.extend(body);
    out.extend(total);
}
