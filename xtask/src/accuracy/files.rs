//! Files that crossed: what the program hashes beside what tshark exports, byte for byte.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::shell;

/// tshark's names of what it exports from; of an SMB session nothing but names is read here.
const EXPORTS: [&str; 4] = ["http", "ftp-data", "smb", "tftp"];
/// One of these is in every capture that may hold a file of those.
const MARKS: [&[u8]; 6] = [
    b"HTTP/1.", b"RETR ", b"STOR ", b"\xffSMB", b"\xfeSMB", b"octet\0",
];
/// What becomes an artifact when HTTP carries it, as libmagic names it: programs, archives,
/// firmware, documents that carry more than text. Pages, pictures, texts and data do not.
const TOLD: &[&str] = &[
    "application/gzip",
    "application/java-archive",
    "application/msword",
    "application/pdf",
    "application/postscript",
    "application/vnd.ms-cab-compressed",
    "application/vnd.microsoft.portable-executable",
    "application/x-7z-compressed",
    "application/x-bzip2",
    "application/x-dosexec",
    "application/x-executable",
    "application/x-java-applet",
    "application/x-ole-storage",
    "application/x-pie-executable",
    "application/x-rar",
    "application/x-sharedlib",
    "application/x-tar",
    "application/x-xz",
    "application/zip",
    "text/x-shellscript",
];
/// Misses that were looked at: part of the capture's name, part of the object's, why.
const JUDGED: &[(&str, &str, &str)] = &[(
    "fuzz-2006-09-29-28586",
    "mms",
    "a message of the mobile kind that a fuzzer changed; libmagic takes its 0x8c 0x80 for a \
     program",
)];

/// One object that tshark exports.
struct Object {
    protocol: String,
    name: String,
    size: u64,
    sha256: String,
    kind: String,
}

/// Counts of one protocol.
#[derive(Default)]
struct Row {
    objects: u64,
    same: u64,
    counted: u64,
    in_part: u64,
    left_out: BTreeMap<String, u64>,
    missed: Vec<String>,
}

/// All results over files.
#[derive(Default)]
pub(super) struct Files {
    captures: u64,
    rows: BTreeMap<String, Row>,
    /// Whole files of ours that tshark does not export.
    alone: Vec<String>,
}

impl Files {
    /// Compares what crosses in one capture, whose plain bytes are in `plain`.
    pub(super) fn see(
        &mut self,
        program: &Path,
        capture: &str,
        plain: &Path,
        kept: &Path,
    ) -> Result<()> {
        let bytes = fs::read(plain)?;
        let holds = |mark: &&[u8]| bytes.windows(mark.len()).any(|window| window == *mark);
        if !MARKS.iter().any(holds) {
            return Ok(());
        }
        let objects = exported(plain, kept)?;
        if objects.is_empty() {
            return Ok(());
        }
        self.captures += 1;
        let mut ours = artifacts(program, plain)?;
        for object in objects {
            self.judge(capture, object, &mut ours);
        }
        let rest = ours.into_iter().filter(|one| one.complete);
        let rest = rest.filter(|one| EXPORTS.contains(&one.protocol.as_str()));
        self.alone.extend(rest.map(|one| {
            let Artifact { protocol, size, .. } = one;
            format!("`{capture}`: {protocol}, {size} bytes")
        }));
        Ok(())
    }

    fn judge(&mut self, capture: &str, object: Object, ours: &mut Vec<Artifact>) {
        // Nothing crossed of it.
        if object.size == 0 {
            return;
        }
        let row = self.rows.entry(object.protocol.clone()).or_default();
        row.objects += 1;
        let is_same = |one: &Artifact| one.sha256 == object.sha256 && one.size == object.size;
        let is_counted = |one: &Artifact| {
            one.protocol == object.protocol
                && one.complete
                && one.sha256.is_empty()
                && one.size == object.size
        };
        let is_part = |one: &Artifact| {
            one.protocol == object.protocol && !one.complete && one.size == object.size
        };
        if let Some(at) = ours.iter().position(is_same) {
            ours.swap_remove(at);
            row.same += 1;
        } else if let Some(at) = ours.iter().position(is_counted) {
            ours.swap_remove(at);
            row.counted += 1;
        } else if let Some(at) = ours.iter().position(is_part) {
            ours.swap_remove(at);
            row.in_part += 1;
        } else if is_left_out(&object) {
            *row.left_out.entry(object.kind).or_default() += 1;
        } else {
            let why = JUDGED
                .iter()
                .find(|(of, name, _)| capture.contains(of) && object.name.contains(name));
            let why = why.map_or("not looked at", |(_, _, why)| why);
            let Object {
                name, size, kind, ..
            } = object;
            let line = format!("`{capture}`: `{name}`, {size} bytes, {kind}: {why}");
            row.missed.push(line);
        }
    }

    /// The section.
    pub(super) fn section(&self) -> Result<String> {
        let mut text = String::from("## Files\n\n");
        writeln!(
            text,
            "What tshark's `--export-objects` writes from the {} captures of the collection and \
             its bundles (those made to evade readers of HTTP left out) that hold objects, \
             beside the artifacts of a report. *Same*: SHA-256 and size. *Counted*: whole and of \
             the same size, without a digest, as large files on shares are that carry no code. \
             *In part*: not whole in the capture, said to be incomplete, of the same size. *Left \
             out*: what is not made an artifact: of HTTP pages, pictures, texts and data; of SMB \
             pipes (kinds as libmagic names them). Empty objects are not counted.\n\n\
             | protocol | objects | same | counted | in part | left out | missed |\n\
             |---|---|---|---|---|---|---|",
            self.captures
        )?;
        for (protocol, row) in &self.rows {
            let left_out: u64 = row.left_out.values().sum();
            writeln!(
                text,
                "| {protocol} | {} | {} | {} | {} | {left_out} | {} |",
                row.objects,
                row.same,
                row.counted,
                row.in_part,
                row.missed.len()
            )?;
        }
        text.push('\n');
        for (protocol, row) in &self.rows {
            let kinds: Vec<String> = row
                .left_out
                .iter()
                .map(|(kind, count)| format!("{kind} {count}"))
                .collect();
            if !kinds.is_empty() {
                writeln!(text, "- Left out of {protocol}: {}.", kinds.join(", "))?;
            }
        }
        for line in self.rows.values().flat_map(|row| &row.missed) {
            writeln!(text, "- Missed: {line}.")?;
        }
        match self.alone.is_empty() {
            true => text.push_str("- Whole files that tshark does not export: none.\n"),
            false => {
                for line in &self.alone {
                    writeln!(text, "- Not exported by tshark: {line}.")?;
                }
            }
        }
        text.push('\n');
        Ok(text)
    }
}

/// Whether such an object is not made an artifact.
fn is_left_out(object: &Object) -> bool {
    match object.protocol.as_str() {
        "http" => !TOLD.contains(&object.kind.as_str()),
        protocol => protocol == "smb",
    }
}

/// A file of a report.
struct Artifact {
    protocol: String,
    size: u64,
    sha256: String,
    complete: bool,
}

fn artifacts(program: &Path, plain: &Path) -> Result<Vec<Artifact>> {
    let Some(report) = super::report(program, plain)? else {
        return Ok(Vec::new());
    };
    let list = report["artifacts"].as_array().cloned().unwrap_or_default();
    let word = |file: &Value, key: &str| file[key].as_str().unwrap_or_default().to_owned();
    let artifact = |file: &Value| Artifact {
        protocol: word(file, "protocol"),
        size: file["size"].as_u64().unwrap_or_default(),
        sha256: word(file, "sha256"),
        complete: file["complete"].as_bool().unwrap_or_default(),
    };
    Ok(list.iter().map(artifact).collect())
}

/// What tshark exports, kept beside the build from the first time on.
fn exported(plain: &Path, kept: &Path) -> Result<Vec<Object>> {
    if let Ok(text) = fs::read_to_string(kept) {
        return Ok(text.lines().filter_map(read).collect());
    }
    let folder = kept.with_extension("objects");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    let mut tshark = Command::new("tshark");
    tshark.args(["-n", "-Q", "-r"]).arg(plain);
    for protocol in EXPORTS {
        let into = folder.join(protocol);
        let export = format!("{protocol},{}", into.display());
        tshark.args(["--export-objects", &export]);
    }
    // Of captures that end too early it writes what is there, and fails.
    tshark.output().context("tshark")?;
    let mut text = String::new();
    for protocol in EXPORTS {
        let Ok(entries) = fs::read_dir(folder.join(protocol)) else {
            continue;
        };
        let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            let bytes = fs::read(&path)?;
            let digest: String = Sha256::digest(&bytes)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let name: String = name.chars().take(60).collect();
            let size = bytes.len();
            let kind = kind(&path, &bytes)?;
            writeln!(text, "{protocol}\t{name}\t{size}\t{digest}\t{kind}")?;
        }
    }
    fs::remove_dir_all(&folder)?;
    fs::write(kept, &text)?;
    Ok(text.lines().filter_map(read).collect())
}

fn read(line: &str) -> Option<Object> {
    let cells: Vec<&str> = line.split('\t').collect();
    let [protocol, name, size, sha256, kind] = cells[..] else {
        return None;
    };
    Some(Object {
        protocol: protocol.to_owned(),
        name: name.to_owned(),
        size: size.parse().ok()?,
        sha256: sha256.to_owned(),
        kind: kind.to_owned(),
    })
}

fn kind(path: &Path, bytes: &[u8]) -> Result<String> {
    // Calls over a named pipe (DCE/RPC version 5.0, little-endian) are no files.
    if let [5, 0, _, _, 0x10, 0, 0, 0, ..] = bytes {
        return Ok("calls over a named pipe".to_owned());
    }
    let mut file = Command::new("file");
    file.args(["--brief", "--mime-type"]).arg(path);
    Ok(shell::output(&mut file)?.trim().to_owned())
}
