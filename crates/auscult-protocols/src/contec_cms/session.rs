//! Reads the blocks of a CMS8000 stream: framing, resynchronisation, and what each block says.
//!
//! What is said of a block depends on that block and on which were read before in its direction.
//! State: a few hundred octets a direction. Limits that are counted: borders lost
//! (`contec-cms-border-lost`), octets behind a block that are not zero (`contec-cms-padding`),
//! blocks without a known layout (`contec-cms-unknown-block`).

use auscult_model::{About, Direction, Meaning, PhiKind, Transport};
use memchr::memmem;

use super::patient::Patient;
use super::wire::{self, CuffPressure, Header};
use crate::{Output, Place, Progress, Sample, Session, Start, text};

/// Without one block in so many octets, the direction is not this stream.
const SEARCH_MAX: usize = 64 * 1024;
/// Octets kept while searching: an anchor that is not complete, and the length before it.
const ANCHOR_TAIL: usize = 2 + wire::ANCHOR.len() - 1;
/// Octets of a block up to its telemetry sub-type.
const TO_SUB_TYPE: usize = wire::HEADER + 3;
/// How sure a message is after a resynchronisation, until two fitted.
const UNSURE: f32 = 0.9;

/// A flow; either side may be the monitor.
pub(super) struct Stream {
    ports: [u16; 2],
    sides: [Side; 2],
}

/// One direction.
#[derive(Default)]
struct Side {
    /// The next octet is the first of a block.
    at_border: bool,
    /// Borders were searched, and so many blocks fitted since (at most 2).
    fitted_since_search: Option<u8>,
    /// Some block fitted.
    established: bool,
    /// Octets searched in vain before any block fitted.
    searched: usize,
    /// No block was found where there should have been dozens.
    given_up: bool,
    /// Who is who was said.
    roles_said: bool,
    /// Breaks of the format that were said.
    broken: Vec<&'static str>,
    /// Time of the last cuff pressure.
    cuff: Option<CuffPressure>,
    /// Octets of the alarm limits said last, by sub-type from [`wire::ECG`] on.
    limits: [Vec<u8>; 4],
}

/// A whole block within the presented bytes.
#[derive(Clone, Copy)]
struct Block<'a> {
    header: Header,
    data: &'a [u8],
    /// Where the data begin in the presented bytes.
    start: usize,
    place: Place,
    confidence: f32,
}

impl Stream {
    pub(super) fn new(start: &Start) -> Self {
        let side = || Side {
            at_border: start.from_start,
            fitted_since_search: (!start.from_start).then_some(0),
            ..Side::default()
        };
        Stream {
            ports: start.ports,
            sides: [side(), side()],
        }
    }
}

impl Session for Stream {
    fn data(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        let station_port = self.ports[1 - direction.index()];
        let side = &mut self.sides[direction.index()];
        let progress = side.read(bytes, station_port, out);
        if side.given_up {
            let [one, other] = &self.sides;
            return if one.established || other.established {
                Progress::Skip {
                    used: bytes.len(),
                    skip: u64::MAX,
                }
            } else {
                Progress::NotThis
            };
        }
        progress
    }

    fn gap(&mut self, direction: Direction, _length: Option<u64>, out: &mut Output<'_>) {
        let side = &mut self.sides[direction.index()];
        side.lose_border();
        if side.established {
            out.sample(0, &Sample::Discontinuity);
        }
    }
}

/// Where the next block is, in a search for one.
enum Found {
    /// Here.
    At(usize),
    /// Perhaps here, or later: so many octets are needed from there on.
    Wait(usize, usize),
    /// Not where it should have been long ago.
    Never,
}

impl Side {
    fn lose_border(&mut self) {
        self.at_border = false;
        self.fitted_since_search = Some(0);
    }

    fn read(&mut self, bytes: &[u8], station_port: u16, out: &mut Output<'_>) -> Progress {
        let mut used = 0;
        loop {
            if !self.at_border {
                match self.search(bytes, used) {
                    Found::At(at) => {
                        used = at;
                        self.at_border = true;
                    }
                    Found::Wait(used, need) => return Progress::Need { used, need },
                    Found::Never => {
                        self.given_up = true;
                        return Progress::Used(bytes.len());
                    }
                }
            }
            let rest = bytes.get(used..).unwrap_or_default();
            let Some(header) = wire::header(rest) else {
                let need = wire::HEADER;
                return Progress::Need { used, need };
            };
            if !header.is_frame() {
                if self.established {
                    out.odd("contec-cms-border-lost");
                    out.sample(used, &Sample::Discontinuity);
                }
                self.lose_border();
                continue;
            }
            let Some(data) = rest.get(wire::HEADER..header.total()) else {
                let need = header.total();
                return Progress::Need { used, need };
            };
            let block = Block {
                header,
                data,
                start: used + wire::HEADER,
                place: out.place(used..used + header.total()),
                confidence: 1.0,
            };
            self.block(block, station_port, out);
            used += header.total();
        }
    }

    /// The next block that keeps every constant of its telemetry sub-type, from `from` on.
    fn search(&mut self, bytes: &[u8], from: usize) -> Found {
        let mut at = from;
        let position = |at: usize| self.searched + at - from;
        let within = |at: usize| self.established || position(at) < SEARCH_MAX;
        let found = loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let Some(anchor) = memmem::find(rest, &wire::ANCHOR) else {
                let keep_from = bytes.len().saturating_sub(ANCHOR_TAIL).max(from);
                break Found::Wait(keep_from, ANCHOR_TAIL + 1);
            };
            let anchor = at + anchor;
            at = anchor + 1;
            // The length lies before the anchor; octets before `from` belong to something else.
            let Some(start) = anchor.checked_sub(2).filter(|&start| start >= from) else {
                continue;
            };
            if !within(start) {
                break Found::Never;
            }
            match candidate(bytes.get(start..).unwrap_or_default()) {
                Candidate::Fits => break Found::At(start),
                Candidate::Short(need) => break Found::Wait(start, need),
                Candidate::Misfit => {}
            }
        };
        let reached = match found {
            Found::At(at) | Found::Wait(at, _) => at,
            Found::Never => from,
        };
        if !within(reached) {
            return Found::Never;
        }
        self.searched = position(reached);
        found
    }

    fn block(&mut self, mut block: Block<'_>, station_port: u16, out: &mut Output<'_>) {
        let Header { kind, length, .. } = block.header;
        let sub_type = wire::u8_at(block.data, 2).filter(|_| kind == wire::TELEMETRY);
        let misfit = wire::misfit(kind, block.data);
        let layout = wire::lengths(kind, sub_type);
        if let (Some((least, _)), None) = (layout, misfit)
            && length >= least
        {
            self.established = true;
            if let Some(fitted) = &mut self.fitted_since_search {
                *fitted = (*fitted + 1).min(2);
            }
        }
        if self.fitted_since_search.is_some_and(|fitted| fitted < 2) {
            block.confidence = UNSURE;
        }
        match layout {
            None => out.odd("contec-cms-unknown-block"),
            Some((least, _)) if length < least => {
                self.broken(&block, "block shorter than its layout", out);
            }
            Some((least, _)) => {
                let tail = block.data.get(least - 2..).unwrap_or_default();
                if kind != wire::TECHNICAL && tail.iter().any(|&b| b != 0) {
                    out.odd("contec-cms-padding");
                }
            }
        }
        if let Some(what) = misfit.filter(|&what| what != wire::NO_CUFF_TIME) {
            self.broken(&block, what, out);
        }
        match kind {
            wire::PATIENT => {
                let Block { data, start, .. } = block;
                Patient::read(data).say(data, start, block.place, block.confidence, out);
            }
            wire::BED if misfit.is_none() => bed(&block, out),
            wire::TELEMETRY => self.telemetry(&block, misfit.is_some(), station_port, out),
            wire::TECHNICAL => technical(&block, out),
            _ => {}
        }
    }

    /// Says once a flow that something breaks the format. Not before any block fitted: then the
    /// bytes are rather something else.
    fn broken(&mut self, block: &Block<'_>, what: &'static str, out: &mut Output<'_>) {
        if self.established && !self.broken.contains(&what) {
            self.broken.push(what);
            out.say(block.place, Meaning::Malformed { what })
                .sure(block.confidence);
        }
    }

    fn telemetry(
        &mut self,
        block: &Block<'_>,
        misfit: bool,
        station_port: u16,
        out: &mut Output<'_>,
    ) {
        let Some(sub_type) = wire::u8_at(block.data, 2) else {
            return;
        };
        match sub_type {
            // A flag that is neither makes the whole block doubtful.
            wire::ECG | wire::SPO2 if misfit => return,
            wire::ECG => ecg(block, out),
            wire::SPO2 => spo2(block, out),
            wire::NIBP => self.cuff_pressure(block, out),
            wire::TEMPERATURE => temperature(block, out),
            _ => return,
        }
        if !misfit {
            self.roles(block, station_port, out);
        }
        self.alarm_limits(block, sub_type, out);
    }

    /// Telemetry tells who is the monitor, and its receiver is the central station.
    fn roles(&mut self, block: &Block<'_>, station_port: u16, out: &mut Output<'_>) {
        if self.roles_said {
            return;
        }
        self.roles_said = true;
        let roles = [
            (About::Sender, "patient-monitor"),
            (About::Receiver, "central-station"),
        ];
        for (about, value) in roles {
            let claim = Meaning::Claim {
                about,
                attribute: "contec_cms_role",
                value: value.to_owned(),
            };
            out.say(block.place, claim).sure(block.confidence);
        }
        let service = Meaning::ServiceOffered {
            about: About::Receiver,
            transport: Transport::Tcp,
            port: station_port,
            protocol: "contec-cms",
        };
        out.say(block.place, service).sure(block.confidence);
    }

    /// A cuff pressure is repeated until the next one is taken: it counts when its time changes.
    fn cuff_pressure(&mut self, block: &Block<'_>, out: &mut Output<'_>) {
        let Some(cuff) = CuffPressure::read(block.data) else {
            return;
        };
        if self.cuff.is_some_and(|last| last.time == cuff.time) {
            return;
        }
        self.cuff = Some(cuff);
        let quantities = ["nibp-sys", "nibp-dia", "nibp-map"];
        for (quantity, pressure) in quantities.into_iter().zip(cuff.pressures) {
            if let Some(pressure) = pressure {
                number(block, 0x0b, quantity, f64::from(pressure), "mmHg", out);
            }
        }
        say_measured(block, false, out).with("measured", cuff.time_text());
    }

    /// Alarm limits: all of a block's, when one of them changed.
    fn alarm_limits(&mut self, block: &Block<'_>, sub_type: u8, out: &mut Output<'_>) {
        let (Some(last), [first, ..]) = (
            self.limits
                .get_mut(usize::from(sub_type.wrapping_sub(wire::ECG))),
            wire::alarms(sub_type),
        ) else {
            return;
        };
        let limits = block.data.get(first.at..).unwrap_or_default();
        let limits = limits.get(..wire::LIMITS_MAX).unwrap_or(limits);
        if limits == last.as_slice() {
            return;
        }
        *last = limits.to_vec();
        let text = limits_text(sub_type, block.data);
        if text.is_empty() {
            return;
        }
        for alarm in wire::alarms(sub_type) {
            let Some(bounds) = alarm.bounds(block.data) else {
                continue;
            };
            let [_, high, low, setting] = alarm.names;
            let at = alarm.at;
            number(block, at, high, f64::from(bounds.high()), alarm.unit, out);
            number(block, at, low, f64::from(bounds.low()), alarm.unit, out);
            number(block, at, setting, f64::from(bounds.setting), "", out);
        }
        let claim = Meaning::Claim {
            about: About::Sender,
            attribute: "alarm_limits",
            value: text,
        };
        out.say(block.place, claim).sure(block.confidence);
    }
}

enum Candidate {
    Fits,
    Misfit,
    Short(usize),
}

/// Whether a telemetry block with known layout starts with `bytes`.
fn candidate(bytes: &[u8]) -> Candidate {
    let (Some(header), Some(&sub_type)) = (wire::header(bytes), bytes.get(TO_SUB_TYPE - 1)) else {
        return Candidate::Short(TO_SUB_TYPE);
    };
    let fits = wire::lengths(header.kind, Some(sub_type))
        .is_some_and(|(least, greatest)| (least..=greatest).contains(&header.length));
    if !fits {
        return Candidate::Misfit;
    }
    match bytes.get(wire::HEADER..header.total()) {
        None => Candidate::Short(header.total()),
        Some(data) if wire::misfit(header.kind, data).is_none() => Candidate::Fits,
        Some(_) => Candidate::Misfit,
    }
}

/// The alarm limits of a block as sent, `heart-rate 120/50/2, …`; empty when all are zero.
fn limits_text(sub_type: u8, data: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    let mut any = false;
    for alarm in wire::alarms(sub_type) {
        if let Some(bounds) = alarm.bounds(data) {
            // Thousandths are enough, and keep the text short whatever was sent.
            let [one, other] = bounds.raw.map(|bound| (bound * 1000.0).round() / 1000.0);
            any |= one != 0.0 || other != 0.0 || bounds.setting != 0;
            let comma = if text.is_empty() { "" } else { ", " };
            let [name, ..] = alarm.names;
            // Writing to a string cannot fail.
            let _ = write!(text, "{comma}{name} {one}/{other}/{}", bounds.setting);
        }
    }
    if any { text } else { String::new() }
}

fn bed(block: &Block<'_>, out: &mut Output<'_>) {
    if let Some(bed) = wire::u8_at(block.data, 2).filter(|&bed| bed != 0) {
        let claim = Meaning::Claim {
            about: About::Sender,
            attribute: "bed",
            value: bed.to_string(),
        };
        out.say(block.place, claim).sure(block.confidence);
    }
}

fn technical(block: &Block<'_>, out: &mut Output<'_>) {
    let [code, message @ ..] = block.data else {
        return;
    };
    let text = text::lenient(message);
    let said = out.say(block.place, Meaning::Alarm { text });
    said.sure(block.confidence).with("code", code.to_string());
}

/// Passes a curve on; whether it moves.
fn wave(
    block: &Block<'_>,
    channel: &'static str,
    at: usize,
    length: usize,
    out: &mut Output<'_>,
) -> bool {
    let end = (at + length).min(block.data.len());
    let values = block.data.get(at..end).unwrap_or_default();
    let Some(first) = values.first() else {
        return false;
    };
    out.sample(block.start + at, &Sample::Wave { channel, values });
    values.iter().any(|value| value != first)
}

fn number(
    block: &Block<'_>,
    at: usize,
    quantity: &'static str,
    value: f64,
    unit: &'static str,
    out: &mut Output<'_>,
) {
    let number = Sample::Number {
        quantity,
        value,
        unit,
    };
    out.sample(block.start + at, &number);
}

/// A number with a flag is present when the flag says so, and it is not zero or its curve moves
/// (a heart rate of zero over a moving curve is a patient's).
fn flagged(
    block: &Block<'_>,
    at: usize,
    moves: bool,
    quantity: &'static str,
    unit: &'static str,
    out: &mut Output<'_>,
) -> bool {
    let value = wire::flagged(block.data, at).filter(|&value| value != 0 || moves);
    if let Some(value) = value {
        number(block, at, quantity, f64::from(value), unit, out);
    }
    value.is_some()
}

fn ecg(block: &Block<'_>, out: &mut Output<'_>) {
    let mut beats = false;
    for (channel, at) in [("ecg1", 0x004), ("ecg2", 0x104), ("ecg3", 0x204)] {
        beats |= wave(block, channel, at, 256, out);
    }
    let breathes = wave(block, "resp", 0x304, 128, out);
    let heart = flagged(block, 0x384, beats, "heart-rate", "/min", out);
    let breath = flagged(block, 0x386, breathes, "respiratory-rate", "/min", out);
    if heart {
        for (quantity, at) in [("st1", 0x388), ("st2", 0x38c), ("st3", 0x390)] {
            // −1000 stands for none in the sibling format.
            if let Some(value) = wire::f32_at(block.data, at).filter(|value| value.abs() < 100.0) {
                number(block, at, quantity, f64::from(value), "mV", out);
            }
        }
    }
    if heart || breath {
        say_measured(block, (heart && beats) || (breath && breathes), out);
    }
}

fn spo2(block: &Block<'_>, out: &mut Output<'_>) {
    let moves = wave(block, "pleth", 0x004, 256, out);
    let saturation = flagged(block, 0x104, moves, "spo2", "%", out);
    let pulse = flagged(block, 0x106, moves, "pulse-rate", "/min", out);
    if saturation || pulse {
        say_measured(block, moves, out);
    }
}

fn temperature(block: &Block<'_>, out: &mut Output<'_>) {
    let read = |at| wire::f32_at(block.data, at);
    // A detached probe gives −1000 or something out of range.
    let [one, two] = [0x04, 0x08].map(|at| read(at).filter(|&t| 0.0 < t && t < 50.0));
    let difference = read(0x0c).filter(|&t| one.is_some() && two.is_some() && t.abs() < 50.0);
    for (quantity, at, value) in [
        ("t1", 0x04, one),
        ("t2", 0x08, two),
        ("td", 0x0c, difference),
    ] {
        if let Some(value) = value {
            number(block, at, quantity, f64::from(value), "Cel", out);
        }
    }
    if one.or(two).is_some() {
        say_measured(block, false, out);
    }
}

/// Says that measurements of a patient crossed; they identify nobody by themselves.
fn say_measured<'o>(
    block: &Block<'_>,
    with_wave: bool,
    out: &'o mut Output<'_>,
) -> &'o mut crate::Said {
    let kinds = if with_wave {
        vec![PhiKind::VitalSigns, PhiKind::Waveform]
    } else {
        vec![PhiKind::VitalSigns]
    };
    let meaning = Meaning::PatientData {
        kinds,
        patient: None,
        ranges: Vec::new(),
        values: Vec::new(),
    };
    let shorter = wire::lengths(wire::TELEMETRY, wire::u8_at(block.data, 2))
        .is_some_and(|(least, _)| block.header.length < least);
    let said = out.say(block.place, meaning).sure(block.confidence);
    if shorter {
        said.with("partial", "yes");
    }
    said
}
