//! Single flows: a JSON object, a CSV record or a line of text each.

use auscult_model::{Endpoint, FlowRecord};
use serde::Serialize;

use crate::csv::csv_record;
use crate::json::escaped;

#[derive(Serialize)]
struct Flow<'a> {
    id: u64,
    first: String,
    last: String,
    transport: String,
    originator: End,
    responder: End,
    segment: String,
    protocol: &'a str,
    protocol_confidence: f32,
    packets: [u64; 2],
    bytes: [u64; 2],
    history: &'a str,
    community_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_name: Option<&'a str>,
}

#[derive(Serialize)]
struct End {
    ip: String,
    port: u16,
}

impl From<&Endpoint> for End {
    fn from(end: &Endpoint) -> Self {
        End {
            ip: end.ip.to_string(),
            port: end.port,
        }
    }
}

/// One flow as one line of JSON, without the newline.
pub fn flow_line(flow: &FlowRecord) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Flow {
        id: flow.id,
        first: flow.first.to_string(),
        last: flow.last.to_string(),
        transport: flow.transport.to_string(),
        originator: (&flow.originator).into(),
        responder: (&flow.responder).into(),
        segment: flow.originator.segment.to_string(),
        protocol: flow.protocol,
        protocol_confidence: flow.protocol_confidence,
        packets: flow.packets,
        bytes: flow.bytes,
        history: &flow.history,
        community_id: &flow.community_id,
        server_name: flow.server_name.as_deref(),
    })
    .map(escaped)
}

const CSV_HEAD: [&str; 18] = [
    "id",
    "first",
    "last",
    "transport",
    "originator_ip",
    "originator_port",
    "responder_ip",
    "responder_port",
    "segment",
    "protocol",
    "protocol_confidence",
    "originator_packets",
    "responder_packets",
    "originator_bytes",
    "responder_bytes",
    "history",
    "community_id",
    "server_name",
];

/// One flow as a CSV record; `None` gives the head.
pub fn flow_csv(flow: Option<&FlowRecord>) -> String {
    let mut out = String::new();
    let Some(flow) = flow else {
        csv_record(&mut out, CSV_HEAD);
        return out;
    };
    csv_record(
        &mut out,
        [
            flow.id.to_string(),
            flow.first.to_string(),
            flow.last.to_string(),
            flow.transport.to_string(),
            flow.originator.ip.to_string(),
            flow.originator.port.to_string(),
            flow.responder.ip.to_string(),
            flow.responder.port.to_string(),
            flow.originator.segment.to_string(),
            flow.protocol.to_owned(),
            flow.protocol_confidence.to_string(),
            flow.packets[0].to_string(),
            flow.packets[1].to_string(),
            flow.bytes[0].to_string(),
            flow.bytes[1].to_string(),
            flow.history.clone(),
            flow.community_id.clone(),
            flow.server_name.clone().unwrap_or_default(),
        ],
    );
    out
}

/// One flow as a line of text for people; `None` gives the head.
pub fn flow_text(flow: Option<&FlowRecord>) -> String {
    let Some(flow) = flow else {
        return row([
            "FIRST (UTC)",
            "PROTOCOL",
            "ORIGINATOR",
            "RESPONDER",
            "BYTES",
        ]);
    };
    let end = |end: &Endpoint| match (end.port, end.ip.is_ipv6()) {
        (0, _) => end.ip.to_string(),
        (port, true) => format!("[{}]:{port}", end.ip),
        (port, false) => format!("{}:{port}", end.ip),
    };
    let (_, month, day, hour, minute, second, _) = flow.first.civil();
    let protocol = match flow.protocol {
        "unknown" => flow.transport.to_string(),
        known => known.to_owned(),
    };
    row([
        &format!("{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"),
        &protocol,
        &end(&flow.originator),
        &end(&flow.responder),
        &format!("{} / {}", flow.bytes[0], flow.bytes[1]),
    ])
}

fn row([first, protocol, originator, responder, bytes]: [&str; 5]) -> String {
    format!("{first:14}  {protocol:10}  {originator:21}  {responder:21}  {bytes}\n")
}
