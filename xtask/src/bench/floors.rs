//! Floors: what a program must take that reads the bytes, finds the records, or uses libpcap.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::{folder, helper};
use crate::shell::{self, has};

/// Bytes read at a time, those of the program's own reader.
const BLOCK: usize = 128 << 10;
/// A buffer that begins 16 bytes after a page, where the allocator puts it, reads three times
/// slower on some machines.
const PAGE: usize = 4096;

/// The name of the empty loop.
pub(super) const LIBPCAP: &str = "floor: libpcap loop";

/// A floor: name, what it does, command.
pub(super) type Floor = (&'static str, &'static str, Vec<String>);

/// A floor of this program itself.
fn ours(which: &str, capture: &Path) -> Vec<String> {
    let mut words = vec![helper().to_string_lossy().into_owned()];
    for word in ["bench", "floor", which] {
        words.push(word.to_owned());
    }
    words.push(capture.to_string_lossy().into_owned());
    words
}

/// The bytes, no more.
pub(super) fn read(capture: &Path) -> Floor {
    (
        "floor: read",
        "reads the bytes, 128 KiB at a time",
        ours("read", capture),
    )
}

/// The floors that can be measured here; says which cannot.
pub(super) fn all(capture: &Path) -> Vec<Floor> {
    let walk = ours("walk", capture);
    let mut floors = vec![
        read(capture),
        ("floor: record walk", "and finds the records", walk),
    ];
    match libpcap_loop() {
        Ok(program) => floors.push((
            LIBPCAP,
            "pcap_loop that adds up lengths",
            vec![
                program.to_string_lossy().into_owned(),
                capture.to_string_lossy().into_owned(),
            ],
        )),
        Err(error) => eprintln!("SKIPPED: the empty libpcap loop: {error:#}"),
    }
    floors
}

/// Compiles the empty loop.
fn libpcap_loop() -> Result<PathBuf> {
    if !has("gcc") {
        bail!("gcc is not installed");
    }
    let (source, program) = (folder().join("loop.c"), folder().join("loop"));
    std::fs::write(&source, include_str!("loop.c"))?;
    let mut compile = Command::new("gcc");
    compile.args(["-O2", "-o"]).arg(&program).arg(&source);
    shell::run(compile.arg("-lpcap")).context("Debian package libpcap-dev")?;
    Ok(program)
}

/// `bench floor read|walk FILE`.
pub(super) fn run(which: &str, file: &Path) -> Result<()> {
    let file = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
    let mut room = vec![0; BLOCK + PAGE];
    let from = room.as_ptr().align_offset(PAGE).min(PAGE);
    let buffer = room.get_mut(from..from + BLOCK).context("no room")?;
    let (what, count) = match which {
        "read" => ("bytes", bytes(file, buffer)?),
        "walk" => ("records", walk(file, buffer)?),
        other => bail!("unknown floor: {other}"),
    };
    eprintln!("{count} {what}");
    Ok(())
}

fn bytes(mut file: impl Read, buffer: &mut [u8]) -> Result<u64> {
    let mut total = 0;
    loop {
        match file.read(buffer)? {
            0 => return Ok(total),
            n => total += n as u64,
        }
    }
}

/// Follows the records of a classic little-endian pcap; what is cut at the end of the buffer is
/// moved to its front.
fn walk(mut file: impl Read, buffer: &mut [u8]) -> Result<u64> {
    let (mut records, mut held) = (0, 0);
    // The file header is passed like a record.
    let mut skip = 24;
    loop {
        let room = buffer.get_mut(held..).unwrap_or_default();
        let n = file.read(room)?;
        if n == 0 {
            return Ok(records);
        }
        let end = held + n;
        let mut at = skip;
        while let Some(&[_, _, _, _, _, _, _, _, a, b, c, d]) = buffer
            .get(..end)
            .and_then(|bytes| bytes.get(at..))
            .and_then(|bytes| bytes.first_chunk::<12>())
        {
            at += 16 + u32::from_le_bytes([a, b, c, d]) as usize;
            records += 1;
        }
        skip = at.saturating_sub(end);
        let rest = at.min(end);
        buffer.copy_within(rest..end, 0);
        held = end - rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_walk_finds_records_wherever_the_buffer_ends() {
        let mut bytes = vec![0; 24];
        for length in [0_u32, 7, 60, 200, 5] {
            bytes.extend([0; 8]);
            bytes.extend(length.to_le_bytes());
            bytes.extend(length.to_le_bytes());
            bytes.extend(vec![0xff; length as usize]);
        }
        for size in [12, 16, 31, 64, 100, 1000] {
            let mut buffer = vec![0; size];
            assert_eq!(
                walk(bytes.as_slice(), &mut buffer).expect("memory"),
                5,
                "{size}"
            );
            assert_eq!(
                super::bytes(bytes.as_slice(), &mut buffer).expect("memory"),
                376
            );
        }
    }
}
