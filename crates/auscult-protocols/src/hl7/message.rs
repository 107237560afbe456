//! One message, read segment by segment as it arrives; nothing of it is buffered but what is
//! said at its end.

use std::ops::Range;

use auscult_model::{About, Direction, Meaning, PhiKind};

use super::answers::{Answers, Sent};
use super::device::{Device, is_eui64, software};
use super::mdc::Observed;
use super::patient::{Patient, Whereabouts};
use super::syntax::{Reader, Segment, Value, decodes_to_segment};
use crate::{Mark, Output, Place, Said};

/// Most names of Z segments that are kept.
const Z_SEGMENTS_MAX: usize = 8;

/// Says things about one segment.
pub(super) struct Teller<'o, 'p> {
    pub(super) out: &'o mut Output<'p>,
    pub(super) direction: Direction,
    pub(super) place: Place,
    pub(super) confidence: f32,
    /// First byte of the segment in the presented slice.
    pub(super) at: usize,
}

impl Teller<'_, '_> {
    pub(super) fn say(&mut self, meaning: Meaning) -> &mut Said {
        let said = self.out.say(self.place, meaning);
        said.from_side(self.direction).sure(self.confidence)
    }

    pub(super) fn malformed(&mut self, what: &'static str) {
        self.say(Meaning::Malformed { what });
    }
}

/// What is known of a message so far.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) direction: Direction,
    pub(super) reader: Reader,
    pub(super) control_id: String,
    /// Bytes of its segments.
    pub(super) length: u64,
    /// Set when an answer came before the end of the message was seen.
    pub(super) answered: Option<bool>,
    patient: Patient,
    /// Kind of the long segment that is being left out.
    long: PhiKind,
    first: Mark,
    last: Mark,
    confidence: f32,
    object: String,
    attributes: Vec<(&'static str, String)>,
    /// It answers another message.
    is_answer: bool,
    device: Device,
    /// Point of care and bed (PV1-3).
    bed: [String; 2],
    /// An infusion order by its profile or type.
    infusion: Infusion,
    z_segments: Vec<String>,
    /// The last segment ended inside an escape sequence.
    open_escape: bool,
}

/// Whether a message programs a pump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Infusion {
    Yes,
    /// A pharmacy order; it programs a pump when it is sent to one.
    ForPump,
    No,
}

impl Message {
    /// From its MSH segment.
    pub(super) fn begin(msh: &Segment<'_>, first: Mark, teller: &mut Teller<'_, '_>) -> Self {
        let of_type = msh.field(9);
        let kind = of_type.component(1).text();
        let trigger = of_type.component(2).text();
        let profile = msh.field(21).text();
        let infusion = match kind.as_ref() {
            "RGV" => Infusion::Yes,
            _ if profile.contains("IHE_PCD_003") => Infusion::Yes,
            "RDE" | "OMP" if receiver_is_device(msh) => Infusion::Yes,
            "RDE" | "OMP" => Infusion::ForPump,
            _ => Infusion::No,
        };
        let is_answer = kind == "ACK" || kind == "MCF";
        let attributes = match is_answer {
            // Said with the message that it answers.
            true => Vec::new(),
            false => attributes(msh),
        };
        let device = Device::sent_by(parties(msh, teller));
        Message {
            direction: teller.direction,
            reader: msh.reader,
            control_id: msh.field(10).string(),
            length: 0,
            answered: None,
            patient: Patient::default(),
            long: PhiKind::ClinicalData,
            first,
            last: teller.place.last,
            confidence: teller.confidence,
            is_answer,
            object: if trigger.is_empty() {
                kind.into_owned()
            } else {
                format!("{kind}^{trigger}")
            },
            attributes,
            device,
            bed: Default::default(),
            infusion,
            z_segments: Vec::new(),
            open_escape: false,
        }
    }

    pub(super) fn first(&self) -> Mark {
        self.first
    }

    pub(super) fn confidence(&self) -> f32 {
        self.confidence
    }

    /// One segment after MSH. Returns the answer that it holds: control id and code.
    pub(super) fn segment(
        &mut self,
        segment: &Segment<'_>,
        place: Whereabouts<'_>,
        teller: &mut Teller<'_, '_>,
    ) -> Option<(String, String)> {
        self.last = teller.place.last;
        self.check_injection(segment, teller);
        let mut answer = None;
        match segment.name() {
            b"MSA" => {
                self.is_answer = true;
                answer = Some((segment.field(2).string(), segment.field(1).string()));
            }
            b"SFT" => software(segment, teller),
            b"PV1" => {
                let location = segment.field(3);
                let [unit, bed] = &mut self.bed;
                *unit = location.component(1).first_sub().string();
                *bed = location.component(3).first_sub().string();
            }
            b"PRT" => self.device.participation(segment, teller),
            b"OBR" => {
                self.device.end_alarm(teller);
                self.service(segment.field(4), place, teller);
            }
            b"OBX" => self.observation(segment, place, teller),
            name @ [b'Z', ..] if self.z_segments.len() < Z_SEGMENTS_MAX => {
                let name = String::from_utf8_lossy(name).into_owned();
                if name.len() == 3 && !self.z_segments.contains(&name) {
                    self.z_segments.push(name);
                }
            }
            _ => {}
        }
        self.patient.read(segment, place, teller.out);
        if self.patient.is_full() {
            self.say_patient(teller);
        }
        answer
    }

    /// OBR-4: an examination that was ordered, or in device messages the device.
    fn service(&mut self, service: Value<'_>, place: Whereabouts<'_>, teller: &mut Teller<'_, '_>) {
        let label = service.component(2).text();
        if label.starts_with("MDC_") && label.ends_with("_MDS") {
            self.device.system(&label, teller);
        } else if service.filled() && !label.starts_with("MDC") {
            self.patient
                .mark(service, PhiKind::ClinicalData, place, teller.out);
        }
    }

    fn observation(
        &mut self,
        obx: &Segment<'_>,
        place: Whereabouts<'_>,
        teller: &mut Teller<'_, '_>,
    ) {
        let kind = match self.device.observation(obx, teller) {
            Observed::Vital(_) => PhiKind::VitalSigns,
            Observed::Waveform => PhiKind::Waveform,
            Observed::Demographics => PhiKind::Demographics,
            Observed::Other => PhiKind::ClinicalData,
            _ => return,
        };
        let value = obx.field(5);
        if value.filled() {
            self.patient.mark(value, kind, place, teller.out);
        }
    }

    /// Segments that somebody may have put in through a value.
    fn check_injection(&mut self, segment: &Segment<'_>, teller: &mut Teller<'_, '_>) {
        let delimiters = segment.reader.delimiters;
        if self.open_escape {
            teller.malformed("a segment follows an unfinished escape sequence");
        }
        let last = segment
            .fields
            .last()
            .map(|last| segment.text.get(last.clone()));
        let last = last.flatten().unwrap_or_default();
        let escapes = |escape: u8| memchr::memchr_iter(escape, last).count();
        self.open_escape = delimiters
            .escape
            .is_some_and(|escape| escapes(escape) % 2 == 1);
        let is_value = matches!(segment.name(), b"PID" | b"PV1" | b"OBX");
        if is_value && decodes_to_segment(segment.text, &delimiters) {
            teller.malformed("a value decodes to a segment of its own");
        }
    }

    /// Bytes of a segment that is too long; its kind comes with the first.
    pub(super) fn long_piece(
        &mut self,
        kind: Option<PhiKind>,
        piece: Range<usize>,
        out: &mut Output<'_>,
    ) {
        self.last = out.mark(piece.end.saturating_sub(1));
        self.long = kind.unwrap_or(self.long);
        self.patient
            .mark_long(piece, self.long, kind.is_some(), out);
    }

    fn say_patient(&mut self, teller: &mut Teller<'_, '_>) {
        if let Some(patient) = self.patient.take(teller.out) {
            teller.say(patient);
        }
    }

    /// Says what waited for the end of the message. `end` is its last packet when its end was
    /// seen; else the message is partial unless `whole`.
    pub(super) fn finish(
        mut self: Box<Self>,
        end: Option<Mark>,
        whole: bool,
        answers: &mut Answers,
        out: &mut Output<'_>,
    ) {
        let place = Place {
            first: self.first,
            last: end.unwrap_or(self.last),
        };
        let (direction, confidence) = (self.direction, self.confidence);
        let mut teller = Teller {
            out,
            direction,
            place,
            confidence,
            at: 0,
        };
        self.device.end_alarm(&mut teller);
        if self.device.is_system && self.device.describes() == "sender" {
            for (attribute, value) in ["unit", "bed"]
                .into_iter()
                .zip(std::mem::take(&mut self.bed))
            {
                if !value.is_empty() {
                    teller.say(Meaning::Claim {
                        about: About::Sender,
                        attribute,
                        value,
                    });
                }
            }
        }
        if let Some(patient) = self.patient.take(teller.out) {
            let said = teller.say(patient);
            if !whole {
                said.with("partial", "true");
            }
        }
        if self.is_answer {
            return;
        }
        let mut attributes = self.attributes;
        if !self.z_segments.is_empty() {
            attributes.push(("z_segments", self.z_segments.join(",")));
        }
        if !whole {
            attributes.push(("partial", "true".to_owned()));
        }
        let sets_infusion = match self.infusion {
            Infusion::Yes => true,
            Infusion::ForPump => self.device.is_pump,
            Infusion::No => false,
        };
        let control_id = self.control_id;
        let object = self.object;
        let sent = Sent {
            direction,
            place,
            confidence,
            control_id,
            object,
            sets_infusion,
            attributes,
        };
        match self.answered {
            Some(granted) => sent.say(Some(granted), out),
            None => answers.wait(sent, out),
        }
    }
}

/// Claims who sends and who is to receive; returns the sender's EUI-64.
fn parties(msh: &Segment<'_>, teller: &mut Teller<'_, '_>) -> Option<String> {
    let fields = [
        (3, About::Sender, "hl7_application"),
        (4, About::Sender, "hl7_facility"),
        (5, About::Receiver, "hl7_application"),
        (6, About::Receiver, "hl7_facility"),
    ];
    let mut sender = None;
    for (n, about, attribute) in fields {
        let designator = msh.field(n);
        let [namespace, universal, of_type] = [1, 2, 3].map(|c| designator.component(c).text());
        let value = if namespace.is_empty() {
            &universal
        } else {
            &namespace
        };
        if !value.is_empty() {
            let value = value.clone().into_owned();
            let said = teller.say(Meaning::Claim {
                about,
                attribute,
                value,
            });
            if !universal.is_empty() {
                said.with("universal_id", universal.clone());
            }
            if !of_type.is_empty() {
                said.with("universal_id_type", of_type.clone());
            }
        }
        if of_type == "EUI-64" && is_eui64(&universal) {
            let value = universal.to_ascii_uppercase();
            if about == About::Sender && sender.is_none() {
                sender = Some(value.clone());
            }
            teller.say(Meaning::Claim {
                about,
                attribute: "eui64",
                value,
            });
        }
    }
    sender
}

/// What else its header says about a message.
fn attributes(msh: &Segment<'_>) -> Vec<(&'static str, String)> {
    let values = [
        ("control_id", msh.field(10)),
        ("processing_id", msh.field(11).component(1)),
        ("version", msh.field(12).component(1)),
        ("structure", msh.field(9).component(3)),
        ("profile", msh.field(21).component(1)),
        ("charset", msh.field(18)),
    ];
    values
        .into_iter()
        .map(|(attribute, value)| (attribute, value.string()))
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

/// Whether the receiver names itself as devices do.
fn receiver_is_device(msh: &Segment<'_>) -> bool {
    [5, 6]
        .into_iter()
        .any(|n| msh.field(n).component(3).text() == "EUI-64")
}
