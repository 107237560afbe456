//! The stream that a CONTEC CMS8000 monitor (and its relabels) sends to its central station.
//!
//! A block is `L u16 LE | 05 | T | data`, `L` counting what follows it. No encryption, no
//! authentication, no checksum, no sequence number. The monitor connects, usually to TCP 515 (the
//! port of printers), and needs no answer.
//!
//! Sources: the public decoder `scarito/cms` (2020) and the public station `Cuper05/maindhealth`
//! (2026), which agree on framing, types and the main numbers; ICSMA-25-030-01 and the CISA fact
//! sheet for what leaves the device. Limits: what only one of them names (flags, limits, waves of
//! ECG and respiration, ST) rests on that one; the station's answers are not known; blocks of a
//! type without known layout are counted only.

mod patient;
mod probe;
mod session;
#[cfg(test)]
mod tests;
mod wire;

use auscult_model::Transport;

use crate::{Probe, Protocol, Record, Seen, Session, Start, Tier};

static RECORD: Record = Record {
    name: "contec-cms",
    title: "CONTEC CMS8000 central station stream",
    tier: Tier::Decoded,
    transports: &[Transport::Tcp],
    ports: &[515, 516, 517, 518, 519, 520],
    weak: false,
    sources: &[
        "scarito/cms, cms_decode.py (2020)",
        "Cuper05/maindhealth, tools/cms-lan-bridge (2026)",
        "CISA ICSMA-25-030-01 Update A and fact sheet (2025)",
    ],
    reads: &[
        "patient information: department, bed, name, number, dates, body, doctor",
        "bed announcements and technical messages",
        "ECG, respiration and pleth waves with heart, respiratory and pulse rate and SpO2",
        "cuff pressure with its time, temperatures, alarm limits",
    ],
    leaves_out: "blocks of unknown types (invasive pressure, CO2), the station's answers, the \
                 meaning of the floats beside the ECG (taken for ST), scales of waves, codes of \
                 blood types and of technical messages",
    attributes: &[
        ("code", "code octet of a technical message"),
        (
            "measured",
            "time of the cuff pressure, by the monitor's clock",
        ),
        ("partial", "`yes`: the block was shorter than its layout"),
    ],
    bounds: &[],
    false_likely: "0 of 300,000 random inputs of 64 octets; none in printing, HTTP, TLS or the \
                   Vista 120 stream",
};

/// The CMS8000 stream.
pub struct ContecCms;

impl Protocol for ContecCms {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        if seen.transport == Transport::Tcp {
            probe::probe(seen)
        } else {
            Probe::No
        }
    }

    fn is_medical(&self) -> bool {
        true
    }

    fn start(&self, start: &Start) -> Box<dyn Session> {
        Box::new(session::Stream::new(start))
    }
}
