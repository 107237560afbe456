//! SSDP: what UPnP devices announce themselves as.
//!
//! Source: UPnP Device Architecture 1.1 §1.2 (advertisement), §1.3 (search). Messages are heads of
//! HTTP in datagrams; each stands for itself, and what was heard before is not said again.

use auscult_model::{Direction, Transport};

use crate::heard::Heard;
use crate::http::head::{FIELDS, Head, StartLine};
use crate::{Output, Place, Probe, Progress, Protocol, Record, Seen, Session, Start, Tier};
use crate::{sides, text};

static RECORD: Record = Record {
    name: "ssdp",
    title: "Simple Service Discovery Protocol (UPnP)",
    tier: Tier::Decoded,
    transports: &[Transport::Udp],
    ports: &[1900],
    weak: false,
    sources: &["UPnP Device Architecture 1.1", "RFC 9112"],
    reads: &[
        "announcements and answers: server, kinds of devices, UUID, place of the description",
        "who searches with which program",
    ],
    leaves_out: "Kinds of services, farewells, the description itself (HTTP carries it).",
    attributes: &[],
    bounds: &[],
    false_likely: "0 of 100,000 random datagrams of 304 bytes",
};

const STARTS: [&[u8]; 3] = [b"NOTIFY * HTTP/1.", b"M-SEARCH * HTTP/1.", b"HTTP/1."];

/// See [`RECORD`].
pub struct Ssdp;

impl Protocol for Ssdp {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        match seen.transport {
            Transport::Udp => sides::judge(seen, probe_message),
            _ => Probe::No,
        }
    }

    fn start(&self, _: &Start) -> Box<dyn Session> {
        Box::<SsdpSession>::default()
    }
}

/// A start line of HTTP in a datagram: at least 56 bits.
fn probe_message(bytes: &[u8]) -> Probe {
    for start in STARTS {
        let seen = bytes.get(..start.len()).unwrap_or(bytes);
        if start.starts_with(seen) {
            return match seen.len() == start.len() {
                true => Probe::Certain,
                false => Probe::Maybe,
            };
        }
    }
    Probe::No
}

#[derive(Default)]
struct SsdpSession {
    heard: Heard,
}

impl Session for SsdpSession {
    fn data(&mut self, _: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        let used = Progress::Used(bytes.len());
        let Some(head) = Head::read(bytes, out.bound(&FIELDS)) else {
            return used;
        };
        if head.limited {
            out.reached(&FIELDS);
        }
        let place = out.place(0..bytes.len());
        match head.start {
            StartLine::Request(b"M-SEARCH", _) => {
                self.claim("ssdp_user_agent", head.get("user-agent"), place, out);
            }
            StartLine::Request(b"NOTIFY", _) if head.get("nts") != Some(b"ssdp:byebye") => {
                self.announced(&head, "nt", place, out);
            }
            StartLine::Response(200) => self.announced(&head, "st", place, out),
            StartLine::Request(..) | StartLine::Response(_) => {}
        }
        used
    }
}

impl SsdpSession {
    fn announced(&mut self, head: &Head<'_>, kind: &str, place: Place, out: &mut Output<'_>) {
        self.claim("ssdp_server", head.get("server"), place, out);
        let device = |kind: &&[u8]| memchr::memmem::find(kind, b":device:").is_some();
        self.claim("ssdp_type", head.get(kind).filter(device), place, out);
        let uuid = head.get("usn").and_then(|usn| usn.strip_prefix(b"uuid:"));
        let uuid = uuid.and_then(|uuid| uuid.split(|byte| *byte == b':').next());
        self.claim("device_uuid", uuid, place, out);
        self.claim("upnp_location", head.get("location"), place, out);
    }

    fn claim(
        &mut self,
        attribute: &'static str,
        value: Option<&[u8]>,
        place: Place,
        out: &mut Output<'_>,
    ) {
        if let Some(value) = value
            && self.heard.is_new((attribute, value), out)
        {
            out.claim(place, attribute, text::lenient(value));
        }
    }
}

#[cfg(test)]
mod tests;
