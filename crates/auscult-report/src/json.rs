//! The report as JSON: the contract of `docs/report.schema.json`.
//!
//! Characters that act on a terminal are written as escapes, so that the output may be looked at
//! without a pager.

use std::io::{self, Write};

use auscult_model::report::{Capture, Device, Finding, Report};
use serde::Serialize;

use crate::printable::acts;

/// A part of a report, for the commands that show no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// All devices.
    Devices,
    /// One device, by id or alias, and the findings about it.
    Device(&'a str),
    /// All findings.
    Findings,
    /// One finding, by id or alias, and its devices.
    Finding(&'a str),
}

/// Bytes of JSON that are looked at and passed on together.
const BLOCK: usize = 64 << 10;

/// Writes the whole report as [`json`] makes it, without having all of it in memory.
pub fn write_json(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut blocks = Blocks {
        block: Vec::with_capacity(BLOCK),
        out,
    };
    serde_json::to_writer_pretty(&mut blocks, report)?;
    blocks.write_all(b"\n")?;
    blocks.flush()
}

/// Escapes what is written to it, block by block.
struct Blocks<'o> {
    /// Always whole characters: serde_json writes pieces of strings.
    block: Vec<u8>,
    out: &'o mut dyn Write,
}

impl Blocks<'_> {
    fn pass_on(&mut self) -> io::Result<()> {
        if is_plain(&self.block) {
            self.out.write_all(&self.block)?;
        } else {
            let text = str::from_utf8(&self.block).map_err(io::Error::other)?;
            self.out.write_all(escaped_slowly(text).as_bytes())?;
        }
        self.block.clear();
        Ok(())
    }
}

impl Write for Blocks<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    /// Called for every name, value and space: millions of times for a large report.
    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.block.len() + bytes.len() > BLOCK {
            self.pass_on()?;
        }
        self.block.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pass_on()?;
        self.out.flush()
    }
}

/// The whole report, indented, ending in a newline.
pub fn json(report: &Report) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(report).map(finished)
}

#[derive(Serialize)]
struct Partial<'r> {
    schema: u32,
    auscult: &'r str,
    captures: &'r [Capture],
    #[serde(skip_serializing_if = "Option::is_none")]
    devices_total: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    devices: Option<Vec<&'r Device>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    findings: Option<Vec<&'r Finding>>,
}

/// A part of the report under the same names as in the whole.
pub fn json_part(report: &Report, part: Part<'_>) -> Result<String, serde_json::Error> {
    let mut partial = Partial {
        schema: report.schema,
        auscult: &report.auscult,
        captures: &report.captures,
        devices_total: None,
        devices: None,
        findings: None,
    };
    match part {
        Part::Devices => {
            partial.devices_total = Some(report.devices_total);
            partial.devices = Some(report.devices.iter().collect());
        }
        Part::Findings => partial.findings = Some(report.findings.iter().collect()),
        Part::Device(id) => {
            let device = crate::find_device(report, id);
            let id = device.map_or(id, |device| &device.id);
            partial.devices = Some(device.into_iter().collect());
            partial.findings = Some(crate::findings_of(report, id).collect());
        }
        Part::Finding(id) => {
            let finding = crate::find_finding(report, id);
            let ids = finding.map_or(&[][..], |finding| &finding.devices);
            let devices = ids.iter().filter_map(|id| crate::find_device(report, id));
            partial.devices = Some(devices.collect());
            partial.findings = Some(finding.into_iter().collect());
        }
    }
    serde_json::to_string_pretty(&partial).map(finished)
}

/// Escapes what acts on a terminal and ends the text with a newline.
fn finished(text: String) -> String {
    let mut out = escaped(text);
    out.push('\n');
    out
}

/// JSON with escapes for the characters that act on a terminal.
///
/// Such characters stand in strings only: the rest of JSON is ASCII, and serde_json escapes the
/// controls below U+0020 itself. Newlines of the indentation stay.
pub fn escaped(text: String) -> String {
    match is_plain(text.as_bytes()) {
        true => text,
        false => escaped_slowly(&text),
    }
}

/// Whether there are printable ASCII characters and newlines only. Reports are megabytes, and
/// nearly all of them plain: no byte decides anything before its chunk is through, so that the
/// compiler compares many at a time.
fn is_plain(text: &[u8]) -> bool {
    let plain = |byte: u8| byte == b'\n' || (0x20..0x7f).contains(&byte);
    text.chunks(256)
        .all(|chunk| chunk.iter().fold(true, |all, byte| all & plain(*byte)))
}

fn escaped_slowly(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if c != '\n' && acts(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_write_what_the_whole_would_be() {
        let bed = "b\u{e9}d \u{202e}7 \x1b";
        let value: Vec<String> = (0..9000).map(|number| format!("{bed}{number}")).collect();
        let mut out = Vec::new();
        let mut blocks = Blocks {
            block: Vec::new(),
            out: &mut out,
        };
        serde_json::to_writer_pretty(&mut blocks, &value).unwrap();
        blocks.flush().unwrap();
        let whole = escaped(serde_json::to_string_pretty(&value).unwrap());
        assert!(whole.len() > 3 * BLOCK);
        assert_eq!(String::from_utf8(out).unwrap(), whole);
    }

    #[test]
    fn escapes_keep_the_value() {
        let value = "a\x1b\u{9b}\u{202e}\u{e0001}b\"\n";
        let text = escaped(serde_json::to_string(value).unwrap());
        assert!(text.bytes().all(|b| (0x20..0x7f).contains(&b)), "{text}");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), value);
    }
}
