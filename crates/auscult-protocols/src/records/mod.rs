//! Medical records inside files and bodies, whatever carries them: whose data they hold.
//!
//! Two forms are read, told by their first bytes: HL7 v2 messages as files and web services carry
//! them, one after the other without frames ([`crate::hl7`] reads them), and FHIR resources in JSON
//! ([`fhir`]). Of what they say only patient data is passed on: who wrote a file need not be who
//! sends it. Limit: DICOM files and documents of CDA are not read.

mod fhir;
mod json;
#[cfg(test)]
mod tests;

use auscult_model::{Direction, Meaning, Transport};

pub(crate) use self::fhir::local_name;

use crate::hl7::Hl7;
use crate::reading::{Reading, Reads, Source};
use crate::{Expectation, Mark, Output, Probe, Protocol, Said, Seen, Start};

/// First bytes that show an HL7 message or batch; there is no patient in them.
const HL7_SIGN: usize = 12;
/// First bytes among which a resource says what it is.
pub(crate) const SIGN: usize = 512;

/// The records of one file or body.
pub(crate) struct Records {
    form: Form,
}

enum Form {
    Hl7(Box<Messages>),
    Fhir(fhir::Resources),
}

impl Records {
    /// Of a body that begins with these bytes; `None` when it holds no records. `server` is the
    /// sender's port if it answers.
    pub(crate) fn begin(head: &[u8], server: Option<u16>) -> Option<Self> {
        let form = if is_hl7(head) {
            Form::Hl7(Box::new(Messages::new()))
        } else if fhir::is_one(front(head)) {
            Form::Fhir(fhir::Resources::new(server))
        } else {
            return None;
        };
        Some(Records { form })
    }

    /// Whether a body that begins with these bytes holds records.
    pub(crate) fn are_in(head: &[u8]) -> bool {
        is_hl7(head) || fhir::is_one(front(head))
    }

    /// Bytes that they take, roughly.
    pub(crate) fn held(&self) -> usize {
        match &self.form {
            Form::Hl7(messages) => messages.reading.held(),
            Form::Fhir(resources) => resources.held(),
        }
    }

    /// Reads a piece: the presented bytes from `at` on, or, when it is `None`, bytes that were
    /// decoded from them. False when no more is wanted.
    pub(crate) fn feed(&mut self, bytes: &[u8], at: Option<usize>, out: &mut Output<'_>) -> bool {
        match &mut self.form {
            Form::Hl7(messages) => messages.feed(bytes, at, out),
            Form::Fhir(resources) => resources.feed(bytes, at, out),
        }
    }

    /// The body ended, or nothing more of it is seen.
    pub(crate) fn finish(&mut self, sender: Direction, last: Mark, out: &mut Output<'_>) {
        match &mut self.form {
            Form::Hl7(messages) => messages.finish(sender, last, out),
            Form::Fhir(resources) => resources.finish(sender, last, out),
        }
    }
}

/// As much as is looked at for what a resource says it is.
fn front(head: &[u8]) -> &[u8] {
    head.get(..SIGN).unwrap_or(head)
}

fn is_hl7(head: &[u8]) -> bool {
    let seen = Seen {
        transport: Transport::Tcp,
        originator: head.get(..HL7_SIGN).unwrap_or(head),
        responder: &[],
        from_start: true,
    };
    // A start byte belongs to a connection, not into a file.
    let named = [b"MSH", b"FHS", b"BHS"];
    named.iter().any(|name| head.starts_with(*name)) && Hl7.probe(&seen) == Probe::Certain
}

/// Messages one after the other.
struct Messages {
    reading: Reading,
    said: Vec<Said>,
    expected: Vec<Expectation>,
}

impl Messages {
    fn new() -> Self {
        let start = Start {
            transport: Transport::Tcp,
            from_start: true,
            ports: [0, 0],
        };
        Messages {
            reading: Reading::new(Hl7.start(&start)),
            said: Vec::new(),
            expected: Vec::new(),
        }
    }

    fn feed(&mut self, bytes: &[u8], at: Option<usize>, out: &mut Output<'_>) -> bool {
        let direction = out.direction;
        match at {
            Some(at) => {
                for (part, source) in out.sources(at..at + bytes.len()) {
                    let part = bytes.get(part.start - at..part.end - at);
                    let to = out.within(&mut self.said, &mut self.expected);
                    self.reading
                        .bytes(direction, part.unwrap_or_default(), source, to);
                }
            }
            None => {
                let source = of_decoded(out.mark(usize::MAX));
                let to = out.within(&mut self.said, &mut self.expected);
                self.reading.bytes(direction, bytes, source, to);
            }
        }
        self.pass_on(direction, out);
        self.reading.state() == Reads::Open
    }

    fn finish(&mut self, sender: Direction, last: Mark, out: &mut Output<'_>) {
        let source = of_decoded(last);
        let to = out.within(&mut self.said, &mut self.expected);
        self.reading.finished(sender, source, to);
        let to = out.within(&mut self.said, &mut self.expected);
        self.reading.end(source, to);
        self.pass_on(sender, out);
    }

    /// Only patient data: an application that wrote a message is not the host that sends the file.
    fn pass_on(&mut self, sender: Direction, out: &mut Output<'_>) {
        self.expected.clear();
        for said in self.said.drain(..) {
            if matches!(said.meaning, Meaning::PatientData { .. }) {
                out.say(said.place, said.meaning)
                    .from_side(sender)
                    .sure(said.confidence)
                    .with("resource", "HL7 v2 message");
            }
        }
    }
}

fn of_decoded(mark: Mark) -> Source {
    Source {
        packet: mark.packet,
        time: mark.time,
        frame_offset: None,
    }
}

/// Looks into a file as it crosses.
#[derive(Default)]
pub(crate) struct Contents {
    /// The first bytes, until they tell.
    head: Vec<u8>,
    records: Option<Records>,
    is_decided: bool,
}

impl Contents {
    /// Takes bytes of the file in order: all that is presented.
    pub(crate) fn feed(&mut self, bytes: &[u8], out: &mut Output<'_>) {
        let mut at = 0;
        if !self.is_decided {
            at = bytes.len().min(HL7_SIGN - self.head.len());
            self.head.extend(bytes.iter().take(at));
            if self.head.len() < HL7_SIGN {
                return;
            }
            self.is_decided = true;
            let head = std::mem::take(&mut self.head);
            self.records = Records::begin(&head, None);
            if let Some(records) = &mut self.records {
                records.feed(&head, None, out);
            }
        }
        let rest = bytes.get(at..).unwrap_or_default();
        if let Some(records) = &mut self.records
            && !rest.is_empty()
            && !records.feed(rest, Some(at), out)
        {
            self.records = None;
        }
    }

    /// Records are read in it, and where they hold patient data is told.
    pub(crate) fn are_read(&self) -> bool {
        self.records.is_some()
    }

    /// Bytes that it takes, roughly.
    pub(crate) fn held(&self) -> usize {
        self.records.as_ref().map_or(0, Records::held)
    }

    /// No more of the file will come.
    pub(crate) fn finish(&mut self, sender: Direction, last: Mark, out: &mut Output<'_>) {
        if let Some(mut records) = self.records.take() {
            records.finish(sender, last, out);
        }
    }
}
