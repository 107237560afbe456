//! WS-Discovery: printers, cameras, computers and networked medical devices announce themselves.
//!
//! Sources: OASIS WS-Discovery 1.1 (Hello, ProbeMatches, ResolveMatches); IEEE 11073-20702
//! (MDPWS: `MedicalDevice`), IEEE 11073-20701 §9.4 (scopes of place: `sdc.ctxt.loc` with care
//! unit and bed); ONVIF Core Specification §7.3.3 (scopes). Elements are found by their names,
//! whatever their prefix; nothing is expanded. Every message stands for itself, and what was
//! heard before is not said again. Limits: [`xml::MATCHES`] elements of one name, 32 words each.

mod xml;

use auscult_model::{Direction, Transport};

use crate::heard::Heard;
use crate::{Output, Place, Probe, Progress, Protocol, Record, Seen, Session, Start, Tier};
use crate::{sides, text};

static RECORD: Record = Record {
    name: "ws-discovery",
    title: "Web Services Dynamic Discovery",
    tier: Tier::Decoded,
    transports: &[Transport::Udp],
    ports: &[3702],
    weak: false,
    sources: &[
        "OASIS WS-Discovery 1.1",
        "IEEE 11073-20702",
        "IEEE 11073-20701",
        "ONVIF Core Specification",
    ],
    reads: &[
        "announcements and answers: kinds of devices, stable address, where they are reached",
        "scopes: care unit and bed of medical devices (SDC); name, hardware and place (ONVIF)",
    ],
    leaves_out: "Questions, farewells, metadata (HTTP carries them), security.",
    attributes: &[],
    bounds: &[],
    false_likely: "0 of 100,000 random datagrams of 304 bytes",
};

/// Longest beginning that the probe looks at.
const LOOK: usize = 2048;
/// Words of a list of types, scopes or addresses that are read.
const WORDS: usize = 32;

/// See [`RECORD`].
pub struct WsDiscovery;

impl Protocol for WsDiscovery {
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
        Box::<DiscoverySession>::default()
    }
}

/// XML with the name of the protocol's namespace near its beginning.
fn probe_message(bytes: &[u8]) -> Probe {
    let begin = bytes.get(..LOOK).unwrap_or(bytes);
    let text = begin
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(begin)
        .trim_ascii_start();
    match text.first() {
        Some(b'<') => {}
        None => return Probe::Maybe,
        _ => return Probe::No,
    }
    let names = [&b"/ws-dd/ns/discovery/"[..], b"/ws/2005/04/discovery"];
    if names
        .iter()
        .any(|name| memchr::memmem::find(begin, name).is_some())
    {
        Probe::Certain
    } else if bytes.len() < LOOK {
        Probe::Maybe
    } else {
        Probe::No
    }
}

#[derive(Default)]
struct DiscoverySession {
    heard: Heard,
}

impl Session for DiscoverySession {
    fn data(&mut self, _: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        let used = Progress::Used(bytes.len());
        let kinds = [&b"Hello"[..], b"ProbeMatch", b"ResolveMatch"];
        let place = out.place(0..bytes.len());
        for kind in kinds {
            for device in xml::elements(bytes, kind) {
                self.device(device, place, out);
            }
        }
        used
    }
}

impl DiscoverySession {
    fn device(&mut self, device: &[u8], place: Place, out: &mut Output<'_>) {
        let address = xml::elements(device, b"Address").next().unwrap_or_default();
        let uuid = address.trim_ascii().strip_prefix(b"urn:uuid:");
        self.claim("device_uuid", uuid.unwrap_or_default(), place, out);
        for kind in words(device, b"Types") {
            // Prefixes are the sender's choice.
            let bare = kind.rsplit(|byte| *byte == b':').next().unwrap_or(kind);
            self.claim("ws_discovery_type", bare, place, out);
        }
        for place_of_service in words(device, b"XAddrs") {
            self.claim("ws_discovery_address", place_of_service, place, out);
        }
        for scope in words(device, b"Scopes") {
            self.scope(scope, place, out);
        }
    }

    fn scope(&mut self, scope: &[u8], place: Place, out: &mut Output<'_>) {
        const ONVIF: &[u8] = b"onvif://www.onvif.org/";
        const PLACE: &[u8] = b"sdc.ctxt.loc:";
        if let Some(said) = scope.strip_prefix(ONVIF) {
            let Some(slash) = memchr::memchr(b'/', said) else {
                return;
            };
            let (key, value) = said.split_at_checked(slash).unwrap_or_default();
            let attribute = match key {
                b"name" => "onvif_name",
                b"hardware" => "model",
                b"location" => "location",
                _ => return,
            };
            self.claim(
                attribute,
                &unescaped(value.get(1..).unwrap_or_default()),
                place,
                out,
            );
        } else if scope.starts_with(PLACE) {
            let query = scope
                .splitn(2, |byte| *byte == b'?')
                .nth(1)
                .unwrap_or_default();
            for pair in xml::decoded(query).split(|byte| *byte == b'&') {
                let (key, value) = match memchr::memchr(b'=', pair) {
                    Some(at) => (pair.get(..at), pair.get(at + 1..)),
                    None => continue,
                };
                let attribute = match key.unwrap_or_default() {
                    b"bed" => "bed",
                    b"poc" => "unit",
                    b"fac" => "facility",
                    b"bldng" => "building",
                    b"rm" => "room",
                    _ => continue,
                };
                self.claim(attribute, &unescaped(value.unwrap_or_default()), place, out);
            }
        }
    }

    fn claim(&mut self, attribute: &'static str, value: &[u8], place: Place, out: &mut Output<'_>) {
        if !value.is_empty() && self.heard.is_new((attribute, value), out) {
            out.claim(place, attribute, text::lenient(value));
        }
    }
}

/// The words of an element.
fn words<'a>(device: &'a [u8], name: &'static [u8]) -> impl Iterator<Item = &'a [u8]> {
    let lists = xml::elements(device, name);
    let words = lists.flat_map(|list| list.split(u8::is_ascii_whitespace));
    words.filter(|word| !word.is_empty()).take(WORDS)
}

/// Without the escapes of URIs (RFC 3986 §2.1).
fn unescaped(value: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(value.len());
    let mut rest = value;
    loop {
        match *rest {
            [b'%', high, low, ref after @ ..]
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                let digit = |digit: u8| char::from(digit).to_digit(16).unwrap_or(0) as u8;
                plain.push(digit(high) << 4 | digit(low));
                rest = after;
            }
            [b'+', ref after @ ..] => {
                plain.push(b' ');
                rest = after;
            }
            [byte, ref after @ ..] => {
                plain.push(byte);
                rest = after;
            }
            [] => return plain,
        }
    }
}

#[cfg(test)]
mod tests;
