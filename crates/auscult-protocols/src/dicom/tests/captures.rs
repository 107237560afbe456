//! Captures that nobody here made.

use std::collections::BTreeMap;

use super::*;
use crate::dicom::command::Command;
use crate::dicom::pdu::{Associate, HEADER, Header, Kind, Value};
use crate::oracle::{self, Agreement, Row};
use crate::text;

/// One C-ECHO of dcmtk, from Wireshark's collection.
#[test]
fn an_echo() {
    let Some(path) = oracle::shared("captures/medical/wireshark__DICOM_C-ECHO-echoscu.pcap") else {
        return;
    };
    let said = oracle::read_streams(&Dicom, &path, "dicom");
    if said.is_empty() {
        return;
    }
    insta_free(
        &without_places(&said),
        &[
            "ae_title",
            "dicom_implementation_uid\", value: \"1.2.276.0.7230010.3.0.3.6.",
            "operation: \"echo\", object: \"\", granted: Some(true)",
        ],
    );
}

fn insta_free(said: &[String], parts: &[&str]) {
    for part in parts {
        assert!(
            said.iter().any(|line| line.contains(part)),
            "{part}: {said:#?}"
        );
    }
}

/// What tshark calls the fields that are compared, and what is compared with it.
const FIELDS: [&str; 9] = [
    "dicom.pdu.type",
    "dicom.assoc.ae.called",
    "dicom.assoc.ae.calling",
    "dicom.pctx.id",
    "dicom.pctx.result",
    "dicom.max_pdu_len",
    "dicom.userinfo.uid",
    "dicom.userinfo.version",
    "_ws.col.Info",
];

/// Values of one frame, by field.
type Ours = BTreeMap<&'static str, Vec<String>>;

/// Reads whole messages of one direction, and notes what the frame that ends them holds.
#[derive(Default)]
struct Walk {
    bytes: Vec<u8>,
    command: Vec<u8>,
}

impl Walk {
    fn add(&mut self, bytes: &[u8], ours: &mut Ours) {
        self.bytes.extend_from_slice(bytes);
        while let Some(header) = Header::read(&self.bytes) {
            let end = HEADER + header.length as usize;
            if self.bytes.len() < end {
                return;
            }
            let message: Vec<u8> = self.bytes.drain(..end).collect();
            ours.entry("dicom.pdu.type")
                .or_default()
                .push(message[0].to_string());
            self.read(header.kind, &message[HEADER..], ours);
        }
    }

    fn read(&mut self, kind: Kind, content: &[u8], ours: &mut Ours) {
        let mut put = |field, value: String| ours.entry(field).or_default().push(value);
        match kind {
            Kind::Request | Kind::Accept => {
                let associate = Associate::read(content);
                put("dicom.assoc.ae.called", text::lenient(associate.called));
                put("dicom.assoc.ae.calling", text::lenient(associate.calling));
                for context in &associate.contexts {
                    put("dicom.pctx.id", context.id.to_string());
                    if kind == Kind::Accept {
                        put("dicom.pctx.result", context.result.to_string());
                    }
                }
                if let Some(most) = associate.max_length {
                    put("dicom.max_pdu_len", most.to_string());
                }
                put(
                    "dicom.userinfo.uid",
                    text::lenient(associate.implementation_uid),
                );
                let version = text::lenient(associate.implementation_version);
                put("dicom.userinfo.version", version);
            }
            Kind::Data => {
                let mut rest = content;
                while let Some(value) = Value::read(rest, rest.len() as u32) {
                    let end = 6 + value.length as usize;
                    if value.is_command {
                        self.command.extend_from_slice(&rest[6..end]);
                        if value.is_last {
                            let command = std::mem::take(&mut self.command);
                            let command = Command::read(&command).expect("a command set");
                            put("command", words(&command));
                        }
                    }
                    rest = &rest[end..];
                }
            }
            _ => {}
        }
    }
}

/// Fields of associations and commands against tshark, frame by frame.
/// `cargo nextest run -p auscult-protocols dicom_agrees --run-ignored all --no-capture`
#[test]
#[ignore = "asks tshark about captures"]
fn dicom_agrees_with_tshark() {
    let mut agreement = Agreement::default();
    let mut captures = oracle::captures_with("dicom");
    captures.extend(oracle::shared("cases/imaging.pcap"));
    for capture in captures {
        compare(&capture, &mut agreement);
    }
    agreement.at_least("dicom", 0.99);
}

fn compare(capture: &std::path::Path, agreement: &mut Agreement) {
    let mut fields = vec!["frame.number", "tcp.stream", "tcp.srcport", "tcp.payload"];
    fields.extend(FIELDS);
    let mut walks: BTreeMap<(String, String), Walk> = BTreeMap::new();
    let streams: Vec<String> = oracle::tshark(capture, "dicom", &["tcp.stream"])
        .iter()
        .map(|row| row.one("tcp.stream").to_owned())
        .collect();
    for row in oracle::tshark(capture, "tcp && !tcp.analysis.retransmission", &fields) {
        let stream = row.one("tcp.stream").to_owned();
        if !streams.contains(&stream) {
            continue;
        }
        let walk = walks.entry((stream, row.one("tcp.srcport").to_owned()));
        let mut ours = Ours::new();
        walk.or_default().add(&row.bytes("tcp.payload"), &mut ours);
        let place = format!("{}#{}", oracle::name_of(capture), row.one("frame.number"));
        one_frame(&place, &row, &mut ours, agreement);
    }
}

fn one_frame(place: &str, row: &Row, ours: &mut Ours, agreement: &mut Agreement) {
    for field in &FIELDS[..8] {
        let values = ours.remove(field).unwrap_or_default();
        let theirs: Vec<String> = row
            .all(field)
            .iter()
            .map(|value| tidy(field, value))
            .collect();
        if values.is_empty() && theirs.is_empty() {
            continue;
        }
        let note = format!("{place} {field}: tshark {theirs:?}, here {values:?}");
        count(agreement, theirs == values, note);
    }
    let info = row.one("_ws.col.Info");
    for command in ours.remove("command").unwrap_or_default() {
        let note = format!("{place}: {command} is not in {info}");
        count(agreement, info.contains(&command), note);
    }
}

fn count(agreement: &mut Agreement, equal: bool, note: String) {
    agreement.pairs += 1;
    if equal {
        agreement.equal += 1;
    } else {
        agreement.wrong.push(note);
    }
}

/// A command as tshark's summary has it, as far as no counts come between.
fn words(command: &Command<'_>) -> String {
    let name = match command.field {
        0x0001 => "C-STORE",
        0x0020 => "C-FIND",
        0x0021 => "C-MOVE",
        0x0030 => "C-ECHO",
        other => return format!("{other:04x}"),
    };
    let kind = if command.is_response { "RSP" } else { "RQ" };
    let id = command.message_id;
    match command.status {
        Some(0) if command.field != 0x0021 => format!("{name}-{kind} ID={id} (Success)"),
        _ => format!("{name}-{kind} ID={id}"),
    }
}

fn tidy(field: &str, value: &str) -> String {
    match field {
        "dicom.pdu.type" | "dicom.pctx.id" | "dicom.pctx.result" => {
            let digits = value.strip_prefix("0x").unwrap_or_default();
            u8::from_str_radix(digits, 16).map_or_else(|_| value.to_owned(), |n| n.to_string())
        }
        _ => value.trim().to_owned(),
    }
}
