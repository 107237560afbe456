//! Patients, and what is said of them, in FHIR resources: what hospitals' programs and portals
//! exchange as JSON.
//!
//! Source: HL7 FHIR R4 (Patient, RelatedPerson, Practitioner, Observation, Bundle,
//! CapabilityStatement), LOINC for vital signs. A resource is about a patient when it is one, or
//! names one as its subject; of other resources nothing is told. What no rule knows may be about
//! anybody, and is never shown. Limits: JSON only, not the XML form; of what stands in front of
//! `resourceType` 128 values are kept for it; extensions, schedules and bills are not read; of a
//! resource in a compressed body it is not known which bytes hold what, so all of them are
//! withheld.

use std::ops::Range;

use auscult_model::{About, Direction, Meaning, PhiKind, PhiRange, Transport};

use super::json::{Scanner, Sink};
use crate::{Mark, Output, Place, text};

/// So many values, or marked places, are gathered before they are said.
const VALUES_ENOUGH: usize = 128;
const MARKS_ENOUGH: usize = 1024;
/// Values in front of `resourceType` that are kept for it; some servers sort by name.
const WAITING_MAX: usize = 128;
/// Codes of measured vital signs (LOINC): pulse, saturation, breathing, pressures, temperature.
const VITAL_SIGNS: [&str; 11] = [
    "8867-4", "8889-8", "2708-6", "59408-5", "20564-1", "9279-1", "8480-6", "8462-4", "8478-0",
    "85354-9", "8310-5",
];

/// Resources that answers of a FHIR server are; other formats say `resourceType`, too.
const SERVED: [&str; 22] = [
    "AllergyIntolerance",
    "Appointment",
    "Binary",
    "Bundle",
    "CapabilityStatement",
    "Composition",
    "Condition",
    "Device",
    "DiagnosticReport",
    "DocumentReference",
    "Encounter",
    "ImagingStudy",
    "MedicationRequest",
    "Observation",
    "OperationOutcome",
    "Organization",
    "Parameters",
    "Patient",
    "Practitioner",
    "Procedure",
    "ServiceRequest",
    "ValueSet",
];

/// Whether a body's first bytes are those of a resource.
pub(super) fn is_one(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    head.trim_ascii_start().first() == Some(&b'{')
        && memchr::memmem::find(head, b"\"resourceType\"").is_some()
}

/// Names of values that matter; each level of a path is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Id,
    ResourceType,
    Name,
    /// Family, given, prefix: parts of a name.
    NamePart,
    Text,
    Identifier,
    Value,
    BirthDate,
    Gender,
    Telecom,
    Address,
    /// Street, town, postal code.
    AddressPart,
    Contact,
    Data,
    Deceased,
    /// Whom the resource is about.
    Subject,
    Reference,
    Display,
    Code,
    Coding,
    Div,
    /// Findings in words.
    Words,
    /// What was measured, of whichever type.
    Measured,
    Component,
    /// Who treats.
    Clinician,
    Location,
    Period,
    /// When a period begins or ends.
    Time,
    Software,
    Version,
    /// Words of the format, never about anybody.
    Structure,
    /// Where a resource lies in another.
    Inner,
    Other,
}

impl Key {
    fn of(name: &[u8]) -> Self {
        match name {
            b"id" => Key::Id,
            b"resourceType" => Key::ResourceType,
            b"name" => Key::Name,
            b"family" | b"given" | b"prefix" | b"suffix" => Key::NamePart,
            b"text" => Key::Text,
            b"identifier" => Key::Identifier,
            b"value" => Key::Value,
            b"birthDate" => Key::BirthDate,
            b"gender" => Key::Gender,
            b"telecom" => Key::Telecom,
            b"address" => Key::Address,
            b"line" | b"city" | b"postalCode" => Key::AddressPart,
            b"contact" => Key::Contact,
            b"data" => Key::Data,
            b"deceasedDateTime" => Key::Deceased,
            b"subject" | b"patient" | b"beneficiary" | b"for" => Key::Subject,
            b"reference" => Key::Reference,
            b"display" => Key::Display,
            b"code" | b"medicationCodeableConcept" | b"vaccineCode" | b"reasonCode" => Key::Code,
            b"coding" => Key::Coding,
            b"div" => Key::Div,
            b"conclusion" | b"note" | b"description" | b"comment" => Key::Words,
            b"component" => Key::Component,
            b"performer"
            | b"practitioner"
            | b"requester"
            | b"author"
            | b"recorder"
            | b"asserter"
            | b"participant"
            | b"generalPractitioner"
            | b"individual" => Key::Clinician,
            b"location" => Key::Location,
            b"period" => Key::Period,
            b"start" | b"end" => Key::Time,
            b"software" => Key::Software,
            b"version" => Key::Version,
            b"resource" | b"contained" => Key::Inner,
            b"system" | b"status" | b"use" | b"unit" | b"mode" => Key::Structure,
            // valueQuantity, valueString, valueSampledData and so on.
            [b'v', b'a', b'l', b'u', b'e', b'A'..=b'Z', ..] => Key::Measured,
            _ => Key::Other,
        }
    }
}

/// What a resource is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whom {
    Patient,
    Relative,
    Clinician,
    Server,
    /// Its subject, if it names one.
    Subject,
}

/// A resource that is being read.
#[derive(Debug)]
struct Resource {
    about: Whom,
    name: String,
    /// Levels up to its own, and names on the path to it.
    depth: usize,
    /// See `depth`.
    names: usize,
    first: Mark,
    /// Bit `kind as u16`.
    kinds: u16,
    ranges: Vec<PhiRange>,
    /// What was measured: vital signs or other findings, as its code will say.
    measured: Vec<PhiRange>,
    has_measured: bool,
    is_vital: bool,
    /// Its subject is a device, a group or a place.
    is_of_other: bool,
    /// Its subject is somebody who has no name on this server.
    has_subject: bool,
    /// Values that were marked; unlike ranges it does not depend on packets.
    marked: usize,
    values: Vec<String>,
    /// Identifier of the patient on this server, by which other resources name him.
    local: String,
    /// Number, name, birth date.
    key: [String; 3],
    /// Name and version of a server's program.
    software: [String; 2],
}

impl Resource {
    fn new(name: &str, (depth, names): (usize, usize), first: Mark) -> Self {
        let about = match name {
            "Patient" | "Person" => Whom::Patient,
            "RelatedPerson" => Whom::Relative,
            "Practitioner" => Whom::Clinician,
            "CapabilityStatement" => Whom::Server,
            _ => Whom::Subject,
        };
        Resource {
            about,
            name: text::clean(name),
            depth,
            names,
            first,
            kinds: 0,
            ranges: Vec::new(),
            measured: Vec::new(),
            has_measured: false,
            is_vital: false,
            is_of_other: false,
            has_subject: false,
            marked: 0,
            values: Vec::new(),
            local: String::new(),
            key: Default::default(),
            software: Default::default(),
        }
    }

    /// What the value at the end of a path is; `None` when it tells nothing of anybody.
    fn kind(&self, path: &[Key]) -> Option<PhiKind> {
        use Key::{
            Address, AddressPart, BirthDate, Clinician, Code, Coding, Component, Contact, Data,
            Deceased, Display, Div, Gender, Id, Identifier, Location, Measured, Name, NamePart,
            Period, Reference, Subject, Telecom, Text, Time, Value, Words,
        };
        if matches!(self.about, Whom::Patient | Whom::Relative) {
            let own = match path {
                [Contact, .., NamePart | Text | Value | AddressPart] => PhiKind::Relative,
                [Name, NamePart | Text] | [Text, Div] => PhiKind::Name,
                [Identifier, Value] | [Id] => PhiKind::PatientNumber,
                [BirthDate] => PhiKind::BirthDate,
                [Gender] => PhiKind::Demographics,
                [Address, AddressPart | Text] => PhiKind::PostalAddress,
                [Telecom, Value] => PhiKind::Contact,
                [Deceased] => PhiKind::AdmissionDate,
                [.., Data] => PhiKind::Image,
                [Clinician, Display] => PhiKind::Clinician,
                [Subject, Reference] => PhiKind::PatientNumber,
                _ => return None,
            };
            let is_relative = self.about == Whom::Relative && own != PhiKind::PatientNumber;
            return Some(if is_relative { PhiKind::Relative } else { own });
        }
        Some(match path {
            [Name, NamePart | Text] if self.about == Whom::Clinician => PhiKind::Clinician,
            [Subject, Reference] | [Subject, Identifier, Value] => PhiKind::PatientNumber,
            [Subject, Display] => PhiKind::Name,
            [Component, Measured, ..] | [Measured, ..] => match path {
                [.., Measured] | [.., Value | Text | Display] => PhiKind::VitalSigns,
                [.., Data] => PhiKind::Waveform,
                _ => return None,
            },
            [Code, Text] | [Code, Coding, Display] | [Words] | [Words, Text] | [Text, Div] => {
                PhiKind::ClinicalData
            }
            [.., Data] => PhiKind::ClinicalData,
            [Clinician, .., Display] => PhiKind::Clinician,
            [Location, .., Display] => PhiKind::Location,
            [Period, Time] => PhiKind::AdmissionDate,
            _ => return None,
        })
    }

    /// Reads the value at the end of a path; `ranges` are where it lies.
    fn read(&mut self, path: &[Key], value: &str, ranges: &mut Vec<PhiRange>) {
        match path {
            [Key::Software, Key::Name] if self.about == Whom::Server => {
                self.software[0] = value.to_owned();
            }
            [Key::Software, Key::Version] if self.about == Whom::Server => {
                self.software[1] = value.to_owned();
            }
            [.., Key::Code, Key::Coding, Key::Code] => {
                self.is_vital |= VITAL_SIGNS.contains(&value);
            }
            _ => {}
        }
        let is_other = self.is_of_other && path.first() == Some(&Key::Subject);
        if let Some(kind) = self.kind(path).filter(|_| !value.is_empty() && !is_other) {
            self.take(kind, path, value, ranges);
        }
    }

    /// Takes a value of this kind in.
    fn take(&mut self, kind: PhiKind, path: &[Key], value: &str, ranges: &mut Vec<PhiRange>) {
        if path == [Key::Subject, Key::Reference] {
            match local_name(value) {
                Some(local) => self.local = local.to_owned(),
                None if names_other(value) => {
                    self.is_of_other = true;
                    return;
                }
                // A resource beside it, or a search: somebody, without a name of this server.
                None => self.has_subject = true,
            }
        }
        self.marked += 1;
        if kind == PhiKind::VitalSigns {
            self.has_measured = true;
            self.measured.append(ranges);
            return;
        }
        self.kinds |= 1 << kind as u16;
        let ranges = ranges.drain(..).map(|range| PhiRange { kind, ..range });
        self.ranges.extend(ranges);
        if path == [Key::Id] && self.about == Whom::Patient {
            self.local = value.to_owned();
        }
        let is_text = path.last() == Some(&Key::Div);
        match kind {
            // Of a reference only its end is a patient's, and it stands in `local`.
            PhiKind::PatientNumber if path == [Key::Subject, Key::Reference] => {
                let local = self.local.clone();
                self.keep(&local);
            }
            PhiKind::Name | PhiKind::PatientNumber | PhiKind::BirthDate if !is_text => {
                let slot = match kind {
                    PhiKind::PatientNumber => 0,
                    PhiKind::Name => 1,
                    _ => 2,
                };
                if self.key[slot].is_empty() && path != [Key::Id] {
                    self.key[slot] = value.to_owned();
                }
                self.keep(value);
            }
            PhiKind::Relative | PhiKind::PostalAddress | PhiKind::Contact => self.keep(value),
            _ => {}
        }
    }

    fn keep(&mut self, value: &str) {
        if !value.is_empty() && !self.values.iter().any(|known| known == value) {
            self.values.push(value.to_owned());
        }
    }

    fn is_full(&self) -> bool {
        self.values.len() >= VALUES_ENOUGH || self.marked >= MARKS_ENOUGH
    }

    /// Says what is gathered.
    fn tell(&mut self, sender: Direction, last: Mark, out: &mut Output<'_>) {
        let first = self.first;
        if let Some(patient) = self.say(out) {
            out.say(Place { first, last }, patient)
                .from_side(sender)
                .with("resource", self.name.clone());
        }
    }

    /// Says what is left to say.
    fn end(mut self, sender: Direction, last: Mark, out: &mut Output<'_>) {
        self.tell(sender, last, out);
        let software = self.software.join(" ");
        if !software.trim().is_empty() {
            let first = self.first;
            let claim = Meaning::Claim {
                about: About::Sender,
                attribute: "fhir_software",
                value: text::clean(software.trim()),
            };
            out.say(Place { first, last }, claim).from_side(sender);
        }
    }

    /// What is gathered, as a statement; nothing of a resource that is about no patient.
    fn say(&mut self, out: &mut Output<'_>) -> Option<Meaning> {
        if self.has_measured {
            let kind = if self.is_vital {
                PhiKind::VitalSigns
            } else {
                PhiKind::ClinicalData
            };
            self.kinds |= 1 << kind as u16;
            let measured = self.measured.drain(..);
            self.ranges
                .extend(measured.map(|range| PhiRange { kind, ..range }));
        }
        let kinds: Vec<PhiKind> = PhiKind::ALL
            .into_iter()
            .filter(|&kind| self.kinds & (1 << kind as u16) != 0)
            .collect();
        let is_person = matches!(self.about, Whom::Patient | Whom::Relative);
        let names_one = self.has_subject
            || !self.local.is_empty()
            || self.key.iter().any(|part| !part.is_empty());
        (self.kinds, self.marked, self.has_measured) = (0, 0, false);
        let ranges = std::mem::take(&mut self.ranges);
        let values = std::mem::take(&mut self.values);
        if kinds.is_empty() || !is_person && !names_one {
            out.withhold_noted(ranges);
            return None;
        }
        let [number, name, birth] = self.key.each_ref().map(String::as_bytes);
        let patient = match self.local.as_str() {
            "" => names_one.then(|| out.patient_digest(&[number, name, birth])),
            local => Some(out.patient_digest(&[local.as_bytes()])),
        };
        Some(Meaning::PatientData {
            kinds,
            patient,
            ranges,
            values,
        })
    }
}

/// What no resource took is not shown, but for words of the format and codes that say what was
/// measured: they are about nobody.
fn hide(key: Option<&Key>, value: &str, ranges: Vec<PhiRange>, out: &mut Output<'_>) {
    if key != Some(&Key::Structure) && !VITAL_SIGNS.contains(&value) {
        out.withhold_noted(ranges);
    }
}

/// How a server names a patient: `Patient/7`, also with a version or as an absolute address.
pub(crate) fn local_name(reference: &str) -> Option<&str> {
    let mut parts = reference.rsplit('/').peekable();
    while let Some(name) = parts.next() {
        if parts.peek() == Some(&"Patient") {
            return Some(name).filter(|name| !name.is_empty());
        }
    }
    None
}

/// The subject is no person.
fn names_other(reference: &str) -> bool {
    const OTHERS: [&str; 8] = [
        "Device",
        "Group",
        "Location",
        "Practitioner",
        "Organization",
        "Substance",
        "Medication",
        "Specimen",
    ];
    let mut parts = reference.split('/');
    parts.any(|part| OTHERS.contains(&part))
}

/// The resources of one body.
pub(super) struct Resources {
    scanner: Scanner,
    reader: Reader,
    /// It is JSON as far as it was read.
    is_sound: bool,
}

impl Resources {
    /// Of a body that begins like one; `server` is the sender's port if it answers.
    pub(super) fn new(server: Option<u16>) -> Self {
        Resources {
            scanner: Scanner::new(),
            reader: Reader {
                server,
                ..Reader::default()
            },
            is_sound: true,
        }
    }

    /// Bytes that they take, roughly.
    pub(super) fn held(&self) -> usize {
        let of = |resource: &Resource| {
            let ranges = resource.ranges.len() + resource.measured.len();
            1024 + 48 * ranges + 64 * resource.values.len()
        };
        let open: usize = self.reader.open.iter().map(of).sum();
        open + 512 * self.reader.waiting.len() + 48 * self.reader.ranges.len() + 4096
    }

    /// Reads a piece, see [`super::Records::feed`].
    pub(super) fn feed(&mut self, bytes: &[u8], at: Option<usize>, out: &mut Output<'_>) -> bool {
        let mut told = Told {
            reader: &mut self.reader,
            at,
            end: bytes.len(),
            out,
        };
        self.is_sound = self.is_sound && self.scanner.feed(bytes, &mut told);
        if let (false, Some(at)) = (self.is_sound, at) {
            out.withhold(at..at + bytes.len());
        }
        self.is_sound
    }

    /// The body ended, or nothing more of it is seen.
    pub(super) fn finish(&mut self, sender: Direction, last: Mark, out: &mut Output<'_>) {
        // A value that broke off, and what no type came for.
        out.withhold_noted(self.reader.ranges.drain(..));
        for waiting in self.reader.waiting.drain(..) {
            out.withhold_noted(waiting.ranges);
        }
        while let Some(resource) = self.reader.open.pop() {
            resource.end(sender, last, out);
        }
    }
}

/// An open object or list.
struct Level {
    /// It put a name on the path.
    is_named: bool,
    begin: Mark,
    /// Values that waited before it.
    waiting: usize,
}

/// A value of an object that did not say yet which resource it is.
struct Waiting {
    /// From the outermost level on.
    path: Vec<Key>,
    value: String,
    ranges: Vec<PhiRange>,
}

impl Waiting {
    /// No resource took it.
    fn hide(self, out: &mut Output<'_>) {
        hide(self.path.last(), &self.value, self.ranges, out);
    }
}

#[derive(Default)]
struct Reader {
    /// Names on the way to what is read; of lists there is none.
    path: Vec<Key>,
    /// What is open, the innermost last.
    levels: Vec<Level>,
    /// The name before the next value.
    key: Option<Key>,
    /// Resources around it, the innermost last.
    open: Vec<Resource>,
    /// Where the current value lies.
    ranges: Vec<PhiRange>,
    /// Port of a server that gives them, until it is said.
    server: Option<u16>,
    /// See [`Waiting`]; at most [`WAITING_MAX`].
    waiting: Vec<Waiting>,
}

impl Reader {
    /// Whether the current value may belong to a resource whose type comes later.
    fn may_wait(&self) -> bool {
        let inside = self.open.last().map_or(0, |resource| resource.names);
        let path = self.path.get(inside..).unwrap_or_default();
        let is_inner = self.open.is_empty() || path.contains(&Key::Inner);
        is_inner && self.waiting.len() < WAITING_MAX
    }

    /// Gives the current value to the innermost resource.
    fn read(&mut self, value: &str, ranges: &mut Vec<PhiRange>) {
        self.path.extend(self.key);
        if let Some(resource) = self.open.last_mut() {
            let path = self.path.get(resource.names..).unwrap_or_default();
            resource.read(path, value, ranges);
        }
        if self.key.is_some() {
            self.path.pop();
        }
    }
}

/// Takes what is read of one piece.
struct Told<'r, 'o, 'p> {
    reader: &'r mut Reader,
    /// Where the piece lies in what is presented; `None` when it was decoded.
    at: Option<usize>,
    /// Length of the piece.
    end: usize,
    out: &'o mut Output<'p>,
}

impl Told<'_, '_, '_> {
    /// The packet of a byte; of decoded bytes, the last that was presented.
    fn mark(&self, at: usize) -> Mark {
        let presented = self.at.map(|start| start + at);
        self.out.mark(presented.unwrap_or(usize::MAX))
    }

    /// Says that the sender is a server of resources.
    fn offer(&mut self) {
        if let Some(port) = self.reader.server.take() {
            let place = self.out.place(0..0);
            self.out.offer(place, Transport::Tcp, port, "fhir");
        }
    }

    /// The object says which resource it is; what it held before is its own.
    fn begin_resource(&mut self, name: &str) {
        let levels = &self.reader.levels;
        let first = levels
            .last()
            .map_or_else(Mark::default, |level| level.begin);
        let from = levels.last().map_or(0, |level| level.waiting);
        let names = self.reader.path.len();
        let mut resource = Resource::new(name, (levels.len(), names), first);
        for mut waiting in self.reader.waiting.drain(from..) {
            let path = waiting.path.get(names..).unwrap_or_default();
            resource.read(path, &waiting.value, &mut waiting.ranges);
            waiting.hide(self.out);
        }
        self.reader.open.push(resource);
    }

    /// What no resource took of a value may be about anybody: it waits, or is not shown.
    fn left_over(&mut self, value: &str, ranges: Vec<PhiRange>) {
        let key = self.reader.key;
        if self.reader.may_wait() && (!ranges.is_empty() || self.at.is_none()) {
            let path = self.reader.path.iter().copied().chain(key).collect();
            self.reader.waiting.push(Waiting {
                path,
                value: value.to_owned(),
                ranges,
            });
        } else {
            hide(key.as_ref(), value, ranges, self.out);
        }
    }

    /// No resource will claim what waits from this place on.
    fn give_up(&mut self, from: usize) {
        let from = from.min(self.reader.waiting.len());
        for waiting in self.reader.waiting.drain(from..) {
            waiting.hide(self.out);
        }
    }
}

impl Sink for Told<'_, '_, '_> {
    fn begin(&mut self, at: usize) {
        let mark = self.mark(at);
        let key = self.reader.key.take();
        self.reader.path.extend(key);
        self.reader.levels.push(Level {
            is_named: key.is_some(),
            begin: mark,
            waiting: self.reader.waiting.len(),
        });
    }

    fn end(&mut self) {
        let level = self.reader.levels.pop();
        if level.as_ref().is_some_and(|level| level.is_named) {
            self.reader.path.pop();
        }
        self.reader.key = None;
        let depth = self.reader.levels.len();
        let ended = |resource: &mut Resource| resource.depth > depth;
        if let Some(resource) = self.reader.open.pop_if(ended) {
            let last = self.mark(self.end.saturating_sub(1));
            let sender = self.out.direction;
            resource.end(sender, last, self.out);
            self.give_up(level.map_or(0, |level| level.waiting));
        }
        if depth == 0 {
            self.give_up(0);
        }
    }

    fn key(&mut self, key: &[u8]) {
        self.reader.key = Some(Key::of(key));
    }

    fn part(&mut self, range: Range<usize>) {
        if let Some(at) = self.at {
            let range = at + range.start..at + range.end;
            if self.reader.ranges.len() < MARKS_ENOUGH {
                // What it is, or that it is told of nobody, is known when its value ends.
                let kind = PhiKind::ClinicalData;
                self.out.phi(range, kind, &mut self.reader.ranges);
            } else {
                self.out.withhold(range);
            }
        }
    }

    fn value(&mut self, value: &str) {
        let mut ranges = std::mem::take(&mut self.reader.ranges);
        let depth = self.reader.levels.len();
        let is_again = self
            .reader
            .open
            .last()
            .is_some_and(|open| open.depth == depth);
        if self.reader.key == Some(Key::ResourceType) && !is_again {
            if depth == 1 && SERVED.contains(&value) {
                self.offer();
            }
            self.begin_resource(value);
        } else {
            self.reader.read(value, &mut ranges);
            self.left_over(value, ranges);
        }
        self.reader.key = None;
        if self.reader.open.last().is_some_and(Resource::is_full) {
            let last = self.mark(self.end.saturating_sub(1));
            if let Some(resource) = self.reader.open.last_mut() {
                resource.tell(self.out.direction, last, self.out);
            }
        }
    }
}

#[cfg(test)]
mod tests;
