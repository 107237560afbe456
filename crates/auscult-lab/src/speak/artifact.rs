//! Inert files that look from outside like what they are called: programs, scripts, archives,
//! firmware, pictures. Heads only, then text and filler; nothing in them runs.
//!
//! Sources: PE Format (Microsoft), System V gABI (ELF), APPNOTE.TXT (ZIP), MS-CAB, U-Boot
//! `image.h` (uImage), cramfs `cramfs_fs.h`, RFC 1952 (gzip).

use serde::Deserialize;

use crate::prng::Prng;
use crate::update::inert_program;

/// What a file looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Look {
    /// Words.
    Text,
    /// A page.
    Html,
    /// A Windows program without a signature.
    Pe,
    /// A Windows program with an entry for its Authenticode signature.
    SignedPe,
    /// A Linux program.
    Elf,
    /// A shell script.
    Script,
    /// A batch file.
    Batch,
    /// An archive.
    Zip,
    /// A cabinet.
    Cab,
    /// A gzip member.
    Gzip,
    /// A boot image of U-Boot.
    Firmware,
    /// A compressed ROM file system.
    Cramfs,
    /// A picture.
    Jpeg,
    /// A PDF document.
    Pdf,
    /// Bytes without a head.
    Random,
}

/// A file of about `size` bytes with these texts in it.
pub fn file(prng: &mut Prng, look: Look, size: usize, texts: &[String]) -> Vec<u8> {
    let mut out = match look {
        Look::Elf => inert_program(prng, 52),
        other => head(other, size),
    };
    for text in texts {
        out.extend_from_slice(text.as_bytes());
        out.push(if written(look) { b'\n' } else { 0 });
    }
    while out.len() < size {
        if written(look) {
            out.extend_from_slice(b"rem an invented line of an inert file\n");
        } else {
            out.extend_from_slice(b"AUSCULT LAB INERT FILE\n");
            let filler = prng.between(40, 300) as usize;
            out.extend(prng.bytes(filler));
        }
    }
    if look == Look::SignedPe {
        sign(&mut out);
    }
    out
}

/// Whether a person could read it.
fn written(look: Look) -> bool {
    matches!(look, Look::Text | Look::Html | Look::Script | Look::Batch)
}

fn head(look: Look, size: usize) -> Vec<u8> {
    match look {
        Look::Text | Look::Random | Look::Elf => Vec::new(),
        Look::Html => b"<!doctype html><html><body>an invented page\n".to_vec(),
        Look::Pe | Look::SignedPe => program(),
        Look::Script => b"#!/bin/sh\n# an inert script\n".to_vec(),
        Look::Batch => b"@echo off\r\nrem an inert script\r\n".to_vec(),
        Look::Zip => {
            let mut out = b"PK\x03\x04\x14\0\0\0\0\0\0\0\x21\x5c\0\0\0\0".to_vec();
            out.extend_from_slice(&(size as u32).to_le_bytes());
            out.extend_from_slice(&(size as u32).to_le_bytes());
            out.extend_from_slice(b"\x0a\0\0\0invent.txt");
            out
        }
        Look::Cab => {
            let mut out = b"MSCF\0\0\0\0".to_vec();
            out.extend_from_slice(&(size as u32).to_le_bytes());
            out.extend_from_slice(&[0, 0, 0, 0, 0x2c, 0, 0, 0, 0, 0, 0, 0, 3, 1, 1, 0, 1, 0]);
            out.resize(36, 0);
            out
        }
        Look::Gzip => b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec(),
        Look::Firmware => uimage(size),
        Look::Cramfs => {
            let mut out = 0x28cd_3d45_u32.to_le_bytes().to_vec();
            out.extend_from_slice(&(size as u32).to_le_bytes());
            out.extend_from_slice(&[3, 0, 0, 0, 0, 0, 0, 0]);
            out.extend_from_slice(b"Compressed ROMFS");
            out.resize(48, 0);
            out.extend_from_slice(b"Compressed\0\0\0\0\0\0");
            out
        }
        Look::Jpeg => b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0".to_vec(),
        Look::Pdf => b"%PDF-1.4\n% an invented document\n".to_vec(),
    }
}

/// Where the signature's entry of the data directory is: behind the DOS head of 128 bytes, the
/// mark, the file header and 96 bytes of the optional header; the fifth entry.
const SIGNATURE_ENTRY: usize = 128 + 4 + 20 + 96 + 4 * 8;

fn program() -> Vec<u8> {
    let mut out = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0".to_vec();
    out.resize(60, 0);
    out.extend_from_slice(&128_u32.to_le_bytes());
    out.extend_from_slice(b"\x0e\x1f\xba\x0e\0\xb4\x09\xcd\x21This program cannot be run in DOS ");
    out.resize(128, 0);
    // i386, no sections, an optional header of 224 bytes, executable.
    out.extend_from_slice(b"PE\0\0\x4c\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xe0\0\x02\x01");
    out.extend_from_slice(&[0x0b, 1]);
    out.resize(128 + 24 + 92, 0);
    out.extend_from_slice(&16_u32.to_le_bytes());
    out.resize(128 + 24 + 224, 0);
    out
}

/// Appends what stands where an Authenticode signature does (WIN_CERTIFICATE with PKCS#7), and
/// enters it in the data directory.
fn sign(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(8), 0);
    let (at, size) = (out.len() as u32, 264_u32);
    out.extend_from_slice(&size.to_le_bytes());
    out.extend_from_slice(&[0, 2, 2, 0]);
    // SignedData (1.2.840.113549.1.7.2), filled up.
    out.extend_from_slice(b"\x30\x81\xf9\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x81\xeb");
    out.resize(at as usize + size as usize, 0);
    out[SIGNATURE_ENTRY..SIGNATURE_ENTRY + 4].copy_from_slice(&at.to_le_bytes());
    out[SIGNATURE_ENTRY + 4..SIGNATURE_ENTRY + 8].copy_from_slice(&size.to_le_bytes());
}

fn uimage(size: usize) -> Vec<u8> {
    let mut out = 0x2705_1956_u32.to_be_bytes().to_vec();
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(&(size as u32).to_be_bytes());
    out.extend_from_slice(&[0; 12]);
    // Linux, ARM, a kernel, gzip.
    out.extend_from_slice(&[5, 2, 2, 1]);
    out.extend_from_slice(b"inert firmware");
    out.resize(64, 0);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_where_the_directory_says() {
        let file = file(&mut Prng::new(1), Look::SignedPe, 2_000, &[]);
        let word = |at: usize| {
            let bytes = file.get(at..at + 4).unwrap_or_default();
            bytes
                .iter()
                .rev()
                .fold(0, |sum, b| sum * 256 + usize::from(*b))
        };
        let (at, size) = (word(SIGNATURE_ENTRY), word(SIGNATURE_ENTRY + 4));
        assert_eq!((at + size, word(at)), (file.len(), size));
        assert_eq!((at % 8, word(60)), (0, 128));
    }
}
