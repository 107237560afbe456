//! Tells what a file is by its first bytes; its name is never asked what it is.
//!
//! Sources: the formats' own documents, cross-checked against the `file` program's magic; for
//! signatures the PE Format's certificate table and MS-CAB's reserved area. Limits: at most the
//! first 1,024 bytes are looked at; what only shows later (ISO 9660, the signature of a script or
//! an installer package) is not told.

use auscult_model::FileClass;

use crate::opening::{le_u16, le_u32};

use FileClass::{Archive, Executable, Firmware, Other};

/// Where a signature lies, its bytes, the usual short name, the class. The first that fits wins.
static SIGNATURES: &[(usize, &[u8], &str, FileClass)] = &[
    (0, b"\x7fELF", "ELF", Executable),
    (0, b"MZ", "PE", Executable),
    (0, b"#!", "script", Executable),
    (0, b"\xfe\xed\xfa\xce", "Mach-O", Executable),
    (0, b"\xfe\xed\xfa\xcf", "Mach-O", Executable),
    (0, b"\xce\xfa\xed\xfe", "Mach-O", Executable),
    (0, b"\xcf\xfa\xed\xfe", "Mach-O", Executable),
    (0, b"dex\n", "Dalvik", Executable),
    (0, b"\x1f\x8b\x08", "gzip", Archive),
    (0, b"\xfd7zXZ\0", "xz", Archive),
    (0, b"BZh", "bzip2", Archive),
    (0, b"\x28\xb5\x2f\xfd", "zstd", Archive),
    (0, b"PK\x03\x04", "zip", Archive),
    (0, b"PK\x05\x06", "zip", Archive),
    (0, b"7z\xbc\xaf\x27\x1c", "7z", Archive),
    (0, b"Rar!\x1a\x07", "rar", Archive),
    (0, b"MSCF\0\0\0\0", "cab", Archive),
    (257, b"ustar", "tar", Archive),
    (0, b"070701", "cpio", Archive),
    (0, b"070702", "cpio", Archive),
    (0, b"070707", "cpio", Archive),
    (0, b"!<arch>\n", "ar", Archive),
    (0, b"hsqs", "squashfs", Firmware),
    (0, b"sqsh", "squashfs", Firmware),
    (0, b"\x45\x3d\xcd\x28", "cramfs", Firmware),
    (0, b"\x28\xcd\x3d\x45", "cramfs", Firmware),
    (0, b"\x27\x05\x19\x56", "uImage", Firmware),
    (0, b"\xd0\x0d\xfe\xed", "device tree", Firmware),
    (0, b"\x85\x19\x01\xe0", "jffs2", Firmware),
    (0, b"\x85\x19\x02\xe0", "jffs2", Firmware),
    (0, b"\x85\x19\x03\x20", "jffs2", Firmware),
    (0, b"\x19\x85\xe0\x01", "jffs2", Firmware),
    (0, b"\x19\x85\xe0\x02", "jffs2", Firmware),
    (0, b"\x19\x85\x20\x03", "jffs2", Firmware),
    (0, b"UBI#", "ubi", Firmware),
    (0, b"\x31\x18\x10\x06", "ubifs", Firmware),
    (128, b"DICM", "DICOM", Other),
    (0, b"%PDF-", "PDF", Other),
    (0, b"\x89PNG\r\n\x1a\n", "PNG", Other),
    (0, b"\xff\xd8\xff", "JPEG", Other),
    (0, b"GIF87a", "GIF", Other),
    (0, b"GIF89a", "GIF", Other),
    (0, b"II*\0", "TIFF", Other),
    (0, b"MM\0*", "TIFF", Other),
    (0, b"%!PS", "PostScript", Other),
    (0, b"\x1b%-12345X", "PJL", Other),
    (0, b"\x1bE", "PCL", Other),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "OLE", Other),
    (0, b"<?xml", "XML", Other),
];

/// The usual short name of the type and its class.
pub fn file_kind(head: &[u8]) -> (&'static str, FileClass) {
    for &(at, magic, name, class) in SIGNATURES {
        if head.get(at..).is_some_and(|rest| rest.starts_with(magic)) {
            return (name, class);
        }
    }
    match head {
        // A Java class and a Mach-O for several processors share four bytes; the next four are
        // a class file's version (45 and up) or a small number of processors.
        [0xca, 0xfe, 0xba, 0xbe, a, b, c, d, ..] => {
            let number = u32::from_be_bytes([*a, *b, *c, *d]);
            let name = if number < 40 { "Mach-O" } else { "Java class" };
            (name, Executable)
        }
        _ if is_html(head) => ("HTML", Other),
        _ if is_text(head) => ("text", Other),
        _ => ("data", Other),
    }
}

/// Bytes after which a type is decided: the last signature lies at 257.
pub(crate) const SNIFFED: usize = 264;

/// Programs, archives, firmware, and documents that carry more than text: worth a digest, where not
/// every file is.
pub(crate) fn is_worth(head: &[u8]) -> bool {
    let (kind, class) = file_kind(head);
    class != Other || matches!(kind, "PDF" | "DICOM" | "OLE" | "PostScript")
}

/// Ends of the names of what runs, or becomes a device's program, though its bytes bear no mark.
const UNMARKED: [&str; 41] = [
    "asp", "aspx", "bat", "bin", "chm", "cmd", "com", "dfu", "fw", "hex", "hta", "img", "inf",
    "iso", "js", "jse", "jsp", "lnk", "lua", "php", "pl", "ps1", "psm1", "py", "pyc", "rb", "reg",
    "rom", "rtf", "s19", "sct", "sh", "srec", "tmp", "trx", "upd", "vbe", "vbs", "vhd", "wsf",
    "wsh",
];

/// By the end of its name a script, a shortcut or a raw image; or it has no name. Decides only
/// whether a digest is made; what a file is called in a report never hangs on its name.
pub(crate) fn is_unmarked_code(name: &str) -> bool {
    // A stream of the file, and dots and spaces at the end, name the same file on NTFS.
    let name = name.split(':').next().unwrap_or_default();
    let name = name.trim_end_matches(['.', ' ']);
    let end = name.rsplit_once('.').map(|(_, end)| end);
    name.is_empty()
        || end.is_some_and(|end| UNMARKED.iter().any(|known| end.eq_ignore_ascii_case(known)))
}

/// The kind of signature that a program or cabinet says it carries: not whether it holds.
pub(crate) fn file_signature(head: &[u8]) -> Option<&'static str> {
    let is_signed = match head {
        [b'M', b'Z', ..] => is_signed_program(head),
        [b'M', b'S', b'C', b'F', ..] => is_signed_cabinet(head),
        _ => None,
    };
    is_signed?.then_some("Authenticode")
}

/// The fifth data directory of a PE file, the certificate table, has a place and a size.
fn is_signed_program(head: &[u8]) -> Option<bool> {
    const ENTRY: usize = 4;
    let pe = head.get(le_u32(head, 60)? as usize..)?;
    if !pe.starts_with(b"PE\0\0") {
        return None;
    }
    // Behind the mark and the file header; PE32+ has longer fields before the directories.
    let optional = pe.get(24..)?;
    let directories = match le_u16(optional, 0)? {
        0x10b => 96,
        0x20b => 112,
        _ => return None,
    };
    let count = le_u32(optional, directories - 4)? as usize;
    let at = directories + 8 * ENTRY;
    Some(count > ENTRY && le_u32(optional, at)? > 0 && le_u32(optional, at + 4)? > 0)
}

/// A cabinet reserves 20 bytes behind its header: a mark, and place and size of the signature.
fn is_signed_cabinet(head: &[u8]) -> Option<bool> {
    const RESERVED: u16 = 4;
    let has_area = le_u16(head, 30)? & RESERVED != 0 && le_u16(head, 36)? >= 20;
    let is_marked = has_area && le_u32(head, 40)? == 0x0010_0000;
    Some(is_marked && le_u32(head, 44)? > 0 && le_u32(head, 48)? > 0)
}

fn is_html(head: &[u8]) -> bool {
    let start = head.trim_ascii_start();
    ["<!doctype html", "<html"].iter().any(|tag| {
        start
            .get(..tag.len())
            .is_some_and(|first| first.eq_ignore_ascii_case(tag.as_bytes()))
    })
}

/// Valid UTF-8 (but for a character cut at the end) without control characters.
fn is_text(head: &[u8]) -> bool {
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            let whole = head.get(..error.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(whole).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !valid.is_empty()
        && valid
            .chars()
            .all(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r' | '\x0c' | '\x1b'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program whose certificate table has this place and size.
    fn program(kind: u16, directories: usize, entries: u32, table: [u32; 2]) -> Vec<u8> {
        let mut bytes = vec![0; 512];
        let mut put = |at: usize, value: &[u8]| {
            bytes.splice(at..at + value.len(), value.iter().copied());
        };
        put(0, b"MZ");
        put(60, &[0x80]);
        put(128, b"PE");
        put(152, &kind.to_le_bytes());
        put(152 + directories - 4, &entries.to_le_bytes());
        put(
            152 + directories + 32,
            &table.map(u32::to_le_bytes).concat(),
        );
        bytes
    }

    #[test]
    fn signatures_of_programs() {
        let signed = Some("Authenticode");
        for (kind, at) in [(0x10b, 96), (0x20b, 112)] {
            assert_eq!(file_signature(&program(kind, at, 16, [4096, 264])), signed);
            assert_eq!(file_signature(&program(kind, at, 16, [0, 0])), None);
            assert_eq!(file_signature(&program(kind, at, 4, [4096, 264])), None);
        }
        assert_eq!(file_signature(&program(0x107, 96, 16, [4096, 264])), None);
        let whole = program(0x20b, 112, 16, [4096, 264]);
        for length in 0..whole.len() {
            let _ = file_signature(&whole[..length]);
        }
        assert_eq!(file_signature(&whole[..200]), None);
    }

    #[test]
    fn signatures_of_cabinets() {
        let mut cabinet = vec![0; 64];
        cabinet[..4].copy_from_slice(b"MSCF");
        assert_eq!(file_signature(&cabinet), None);
        cabinet[30] = 4;
        cabinet[36] = 20;
        cabinet[42] = 0x10;
        assert_eq!(file_signature(&cabinet), None, "no place");
        (cabinet[45], cabinet[49]) = (0x40, 8);
        assert_eq!(file_signature(&cabinet), Some("Authenticode"));
        cabinet[30] = 0;
        assert_eq!(file_signature(&cabinet), None, "nothing reserved");
    }

    #[test]
    fn types_by_magic() {
        let mut tar = vec![b'a'; 300];
        tar[257..262].copy_from_slice(b"ustar");
        let mut dicom = vec![0; 140];
        dicom[128..132].copy_from_slice(b"DICM");
        for (head, expected) in [
            (&b"\x7fELF\x01\x01\x01"[..], ("ELF", Executable)),
            (b"#!/bin/sh\n", ("script", Executable)),
            (b"\xca\xfe\xba\xbe\0\0\0\x34", ("Java class", Executable)),
            (b"\xca\xfe\xba\xbe\0\0\0\x02", ("Mach-O", Executable)),
            (b"\x45\x3d\xcd\x28", ("cramfs", Firmware)),
            (b"\x1f\x8b\x08\0", ("gzip", Archive)),
            (&tar, ("tar", Archive)),
            (&dicom, ("DICOM", Other)),
            (b"  <HTML>", ("HTML", Other)),
            ("Gr\u{fc}\u{df}e\n".as_bytes(), ("text", Other)),
            (b"Gr\xc3", ("text", Other)),
            (b"a\0b", ("data", Other)),
            (b"\xff\xfe\xfd", ("data", Other)),
            (b"", ("data", Other)),
        ] {
            assert_eq!(file_kind(head), expected, "{head:?}");
        }
    }
}
