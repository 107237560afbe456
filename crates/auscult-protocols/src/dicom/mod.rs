//! DICOM: how images are announced, asked for, stored and moved, and who does so.
//!
//! Sources: PS3.8 (upper layer), PS3.7 (commands), PS3.5 (data sets), PS3.6 (elements), PS3.15.
//! Associations are read whole, commands whole, data sets as they stream by: their identity
//! elements are picked out, pixel data are left out. Limits: deflated data sets are counted, not
//! read; of tokens that a user shows (Kerberos, SAML, JWT) only the kind is told.

mod charset;
mod command;
mod dataset;
mod elements;
mod patient;
mod pdu;
mod probe;
mod session;
mod talk;
#[cfg(test)]
mod tests;
mod uid;

use auscult_model::Transport;

use crate::{Probe, Protocol, Record, Seen, Session, Start, Tier};

pub use self::patient::VALUES as PATIENT_VALUES;

static RECORD: Record = Record {
    name: "dicom",
    title: "DICOM upper layer and DIMSE",
    tier: Tier::Decoded,
    transports: &[Transport::Tcp],
    ports: &[104, 11112, 2761, 4242, 105, 1104, 4006, 5678, 10104, 11113],
    weak: false,
    sources: &[
        "DICOM PS3.8",
        "DICOM PS3.7",
        "DICOM PS3.5",
        "DICOM PS3.6",
        "DICOM PS3.15",
    ],
    reads: &[
        "associations: AE titles, presentation contexts and their results, implementation, roles, \
         operations at once, the user's name, rejections, aborts",
        "commands: C-ECHO, C-STORE, C-FIND, C-MOVE, C-GET and N-services with their status",
        "data sets in implicit, explicit and big endian form: equipment that stores, patients \
         with the place of each element, sequences",
    ],
    leaves_out: "Pixel data, curves, private elements, deflated data sets, tokens of users, \
                 images over HTTP, files.",
    attributes: &[
        ("called_ae", "AE title that was called"),
        (
            "max_pdu",
            "longest message that the sender takes, 0 for any",
        ),
        ("window", "operations at once: invoked/performed"),
        (
            "scp_roles",
            "services that the requestor wants to provide itself",
        ),
        (
            "refused",
            "contexts that were refused: number and result of each",
        ),
        ("result", "of a rejection: permanent or transient"),
        ("reason", "of a rejection"),
        ("status", "of an answer, hexadecimal"),
        (
            "describes",
            "behind: the images came from another device first",
        ),
        ("partial", "true when the end of the data set was not seen"),
    ],
    bounds: &[
        &session::ASSOCIATION,
        &session::COMMAND,
        &session::OPEN,
        &session::REQUESTS,
        &session::CLAIMS,
        &dataset::NESTING,
        &patient::VALUES,
    ],
    false_likely: "0 of 100,000 random prefixes",
};

/// The `dicom` line of the table.
pub struct Dicom;

impl Protocol for Dicom {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        probe::probe(seen)
    }

    fn is_medical(&self) -> bool {
        true
    }

    fn start(&self, start: &Start) -> Box<dyn Session> {
        Box::new(session::Association::new(start.from_start))
    }
}
