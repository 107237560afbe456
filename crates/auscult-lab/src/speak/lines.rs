//! Protocols of lines of text: syslog (RFC 3164, RFC 5424), SSDP (UPnP 1.1 §1), SIP (RFC 3261),
//! RTSP (RFC 7826 §13).

use std::net::Ipv4Addr;

use auscult_model::Timestamp;

/// The group and port of SSDP.
pub const SSDP: (Ipv4Addr, u16) = (Ipv4Addr::new(239, 255, 255, 250), 1900);

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

fn lines(lines: &[String]) -> Vec<u8> {
    let mut out = lines.join("\r\n");
    out.push_str("\r\n\r\n");
    out.into_bytes()
}

/// A message of the older kind.
pub fn syslog(priority: u8, at: Timestamp, host: &str, tag: &str, text: &str) -> Vec<u8> {
    let (_, month, day, hour, minute, second, _) = at.civil();
    let month = MONTHS[(month as usize + 11) % 12];
    format!("<{priority}>{month} {day:>2} {hour:02}:{minute:02}:{second:02} {host} {tag}: {text}")
        .into_bytes()
}

/// A message of the newer kind.
pub fn syslog_new(priority: u8, at: Timestamp, host: &str, tag: &str, text: &str) -> Vec<u8> {
    let (year, month, day, hour, minute, second, _) = at.civil();
    let time = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z");
    format!("<{priority}>1 {time} {host} {tag} - - - {text}").into_bytes()
}

/// A device says that it is there.
pub fn notify(address: Ipv4Addr, server: &str, uuid: &str, kind: &str) -> Vec<u8> {
    lines(&[
        "NOTIFY * HTTP/1.1".to_owned(),
        format!("HOST: {}:{}", SSDP.0, SSDP.1),
        "CACHE-CONTROL: max-age=1800".to_owned(),
        format!("LOCATION: http://{address}:49152/description.xml"),
        format!("NT: {kind}"),
        "NTS: ssdp:alive".to_owned(),
        format!("SERVER: {server}"),
        format!("USN: uuid:{uuid}::{kind}"),
    ])
}

/// A client looks for devices of a kind.
pub fn search(kind: &str) -> Vec<u8> {
    lines(&[
        "M-SEARCH * HTTP/1.1".to_owned(),
        format!("HOST: {}:{}", SSDP.0, SSDP.1),
        "MAN: \"ssdp:discover\"".to_owned(),
        "MX: 2".to_owned(),
        format!("ST: {kind}"),
    ])
}

/// A telephone and where it registers.
#[derive(Clone, Debug)]
pub struct Telephone {
    /// Its number.
    pub number: u32,
    /// Its address.
    pub address: Ipv4Addr,
    /// Its registrar.
    pub registrar: Ipv4Addr,
    /// User-Agent.
    pub agent: String,
}

impl Telephone {
    fn common(&self, call: u32, tag: &str) -> Vec<String> {
        let (number, own, registrar) = (self.number, self.address, self.registrar);
        vec![
            format!("Via: SIP/2.0/UDP {own}:5060;branch=z9hG4bK{call:08x}"),
            format!("From: <sip:{number}@{registrar}>;tag={call:x}"),
            format!("To: <sip:{number}@{registrar}>{tag}"),
            format!("Call-ID: {call:08x}@{own}"),
            "CSeq: 1 REGISTER".to_owned(),
            format!("Contact: <sip:{number}@{own}:5060>;expires=3600"),
        ]
    }

    /// REGISTER.
    pub fn register(&self, call: u32) -> Vec<u8> {
        let first = format!("REGISTER sip:{} SIP/2.0", self.registrar);
        let rest = [
            "Max-Forwards: 70".to_owned(),
            format!("User-Agent: {}", self.agent),
            "Content-Length: 0".to_owned(),
        ];
        lines(&[vec![first], self.common(call, ""), rest.to_vec()].concat())
    }

    /// The registrar's answer.
    pub fn registered(&self, call: u32, server: &str) -> Vec<u8> {
        let rest = [format!("Server: {server}"), "Content-Length: 0".to_owned()];
        let first = "SIP/2.0 200 OK".to_owned();
        lines(&[vec![first], self.common(call, ";tag=r1"), rest.to_vec()].concat())
    }
}

/// A question of RTSP: method, address of the stream, sequence number.
pub fn rtsp_question(method: &str, url: &str, number: u32) -> Vec<u8> {
    lines(&[
        format!("{method} {url} RTSP/1.0"),
        format!("CSeq: {number}"),
        "User-Agent: LabRecorder/2.1".to_owned(),
    ])
}

/// The answer, with the description of a stream where there is one.
pub fn rtsp_answer(number: u32, server: &str, description: &str) -> Vec<u8> {
    let mut head = vec![
        "RTSP/1.0 200 OK".to_owned(),
        format!("CSeq: {number}"),
        format!("Server: {server}"),
    ];
    if description.is_empty() {
        head.push("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN".to_owned());
    } else {
        head.push("Content-Type: application/sdp".to_owned());
        head.push(format!("Content-Length: {}", description.len()));
    }
    [lines(&head), description.as_bytes().to_vec()].concat()
}

/// A session description of one video stream (RFC 8866).
pub fn description(address: Ipv4Addr) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 {address}\r\ns=Stream\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n\
         m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    )
}
