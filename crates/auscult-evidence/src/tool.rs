//! The programs that wrote a capture, as it says itself.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

use crate::merkle::Hash;

/// Most bytes of a section header that are looked at.
const HEADER_MAX: usize = 64 << 10;
/// Longest text that is taken over.
const TEXT_MAX: usize = 200;

/// What the first section header of a pcapng file says of hardware, operating system and program
/// (draft-ietf-opsawg-pcapng §4.1); nothing for other files, which do not say it.
pub fn tools(beginning: &[u8]) -> Vec<String> {
    read(beginning).unwrap_or_default()
}

fn read(bytes: &[u8]) -> Option<Vec<String>> {
    let bytes = bytes.get(..bytes.len().min(HEADER_MAX))?;
    let is_section = bytes.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]);
    let order: [u8; 4] = bytes.get(8..12)?.try_into().ok().filter(|_| is_section)?;
    let is_little = u32::from_le_bytes(order) == 0x1a2b_3c4d;
    let number = |at: usize| {
        let pair: [u8; 2] = bytes.get(at..at + 2)?.try_into().ok()?;
        Some(usize::from(match is_little {
            true => u16::from_le_bytes(pair),
            false => u16::from_be_bytes(pair),
        }))
    };
    let mut at = 24;
    let mut tools = Vec::new();
    while let (Some(code @ 1..), Some(length)) = (number(at), number(at + 2)) {
        let Some(value) = bytes.get(at + 4..at + 4 + length) else {
            break;
        };
        if matches!(code, 2..=4) {
            let text = String::from_utf8_lossy(value);
            let text = text.chars().filter(|c| !c.is_control()).take(TEXT_MAX);
            tools.push(text.collect());
        }
        at += 4 + length.next_multiple_of(4);
    }
    Some(tools)
}

/// SHA-256 of everything that a reader gives, and the beginning of it.
pub fn digest(mut reader: impl Read) -> io::Result<(Hash, Vec<u8>)> {
    let mut hasher = Sha256::new();
    let mut beginning = Vec::new();
    let mut block = vec![0; 128 << 10];
    loop {
        let count = reader.read(&mut block)?;
        let bytes = block.get(..count).unwrap_or_default();
        if bytes.is_empty() {
            return Ok((hasher.finalize().into(), beginning));
        }
        let room = HEADER_MAX.saturating_sub(beginning.len()).min(count);
        beginning.extend(bytes.iter().take(room));
        hasher.update(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pcapng;

    #[test]
    fn what_a_section_says() {
        let file = pcapng::write("a comment", "Dumper 3", &[], &[]);
        assert_eq!(tools(&file), ["Dumper 3"]);
        for end in 0..file.len() {
            tools(&file[..end]);
        }
        assert!(tools(&[0xd4, 0xc3, 0xb2, 0xa1]).is_empty());
    }
}
