//! What Dräger Vista 120 monitors (probably Edan's family) send to their central station, and the
//! beacon by which they find it.
//!
//! An older relative of the CMS8000 stream: the same framing arithmetic and blocks, another header
//! (`L u16 LE | source | class | T u16 LE | body`, `L` counting what follows it). The central
//! greets with `10 00 02 00 00 00` and the time, and broadcasts a beacon on UDP 9610. Vista 120 S
//! monitors speak `F8 8F` frames instead, masked and, after an unauthenticated key exchange,
//! encrypted.
//!
//! Source: real frames pasted into the public gateways of `ksupasak/gxt` (2018 to 2022). Limits:
//! numbers are read where those frames prove them; where the patient's number lies is not proven,
//! so it is not read; of the `F8 8F` generation only who is who.

mod probe;
mod session;
#[cfg(test)]
mod tests;
mod wire;

use auscult_model::Transport;

use crate::{Probe, Protocol, Record, Seen, Session, Start, Tier};

static RECORD: Record = Record {
    name: "vista-cms",
    title: "Dräger Vista 120 central station stream and beacon",
    tier: Tier::Decoded,
    transports: &[Transport::Tcp, Transport::Udp],
    ports: &[9500, 5510, 9600, 9610],
    weak: false,
    sources: &[
        "ksupasak/gxt, gateways for the Vista 120 (2018 to 2022)",
        "Health-ISAC, 2026 Health Sector Cyber Threat Landscape (lineage of the addresses)",
    ],
    reads: &[
        "beacon: site, address and port of the central station",
        "heart, respiratory and pulse rate, SpO2, cuff pressure, temperatures, alarm limits",
        "ECG, respiration and pleth waves",
        "F8 8F generation: which side is the monitor",
    ],
    leaves_out: "everything encrypted in the F8 8F generation; patient information of the clear \
                 one, whose layout is not proven; blocks of classes 1F and 21, ST of 12 leads, \
                 further waves",
    attributes: &[
        (
            "central",
            "address of the central station that a beacon names",
        ),
        ("generation", "`clear` or `encrypted`"),
    ],
    bounds: &[],
    false_likely: "0 of 300,000 random inputs of 64 octets; none in the CMS8000 stream or FINS",
};

/// The Vista 120 stream and beacon.
pub struct VistaCms;

impl Protocol for VistaCms {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        match seen.transport {
            Transport::Tcp => probe::stream(seen),
            Transport::Udp => probe::datagram(seen),
            _ => Probe::No,
        }
    }

    fn is_medical(&self) -> bool {
        true
    }

    fn start(&self, start: &Start) -> Box<dyn Session> {
        Box::new(session::Vista::new(start))
    }
}
