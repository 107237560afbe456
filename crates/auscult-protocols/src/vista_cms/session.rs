//! Reads what a Vista 120 and its central say: beacon, greeting, telemetry; of the masked
//! generation only who is who.
//!
//! State: a few dozen octets a direction. Limits: a border that was lost is counted
//! (`vista-cms-border-lost`) and searched by the exact pairs of type and length.

use std::fmt::Write;

use auscult_model::{About, Direction, Meaning, PhiKind, Transport};

use super::wire::{self, Header, Masked};
use crate::{Output, Place, Progress, Said, Sample, Session, Start, text};

/// Without one frame in so many octets, the direction is not this stream.
const SEARCH_MAX: usize = 64 * 1024;
/// How sure a message is after a resynchronisation, until two fitted.
const UNSURE: f32 = 0.9;

/// A flow, or the datagrams of a pair of addresses.
pub(super) struct Vista {
    transport: Transport,
    ports: [u16; 2],
    sides: [Side; 2],
}

/// One direction.
#[derive(Default)]
struct Side {
    at_border: bool,
    /// Borders were searched, and so many frames fitted since (at most 2).
    fitted_since_search: Option<u8>,
    established: bool,
    searched: usize,
    roles_said: bool,
    /// Pressures said last.
    cuff: Option<[Option<f64>; 3]>,
    /// Alarm limits said last, by type from [`wire::ECG`] on.
    limits: [String; 5],
}

/// A whole frame of telemetry within the presented bytes.
#[derive(Clone, Copy)]
struct Frame<'a> {
    kind: u16,
    body: &'a [u8],
    /// Where the body begins in the presented bytes.
    start: usize,
    place: Place,
    confidence: f32,
}

/// What a message tells of its sender.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Monitor,
    Central,
}

impl Vista {
    pub(super) fn new(start: &Start) -> Self {
        let side = || Side {
            at_border: start.from_start,
            fitted_since_search: (!start.from_start).then_some(0),
            ..Side::default()
        };
        Vista {
            transport: start.transport,
            ports: start.ports,
            sides: [side(), side()],
        }
    }
}

impl Session for Vista {
    fn data(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        if self.transport == Transport::Udp {
            beacon(bytes, out);
            return Progress::Used(bytes.len());
        }
        let mut ports = self.ports;
        if direction == Direction::FromResponder {
            ports.reverse();
        }
        let side = &mut self.sides[direction.index()];
        if let Some(progress) = side.read(bytes, ports, out) {
            return progress;
        }
        if self.sides.iter().any(|side| side.established) {
            Progress::Skip {
                used: bytes.len(),
                skip: u64::MAX,
            }
        } else {
            Progress::NotThis
        }
    }

    fn gap(&mut self, direction: Direction, _length: Option<u64>, out: &mut Output<'_>) {
        let side = &mut self.sides[direction.index()];
        side.lose_border();
        if side.established {
            out.sample(0, &Sample::Discontinuity);
        }
    }
}

/// The central's broadcast: where monitors find it, and the site it is set up for.
fn beacon(datagram: &[u8], out: &mut Output<'_>) {
    let is_beacon = datagram.len() >= wire::BEACON_SIZE
        && datagram.starts_with(&wire::BEACON)
        && wire::clock(datagram) != wire::Clock::Impossible;
    let Some((port, address)) = wire::central(datagram).filter(|_| is_beacon) else {
        return;
    };
    let place = out.place(0..datagram.len());
    let site = text::lenient(datagram.get(wire::SITE).unwrap_or_default());
    out.claim(place, "vista_site", site);
    let role = "central-station".to_owned();
    say_claim(place, About::Sender, "vista_cms_role", role, out);
    out.offer(place, Transport::Tcp, port, "vista-cms")
        .with("central", address.to_string());
}

fn say_claim<'o>(
    place: Place,
    about: About,
    attribute: &'static str,
    value: String,
    out: &'o mut Output<'_>,
) -> &'o mut Said {
    let claim = Meaning::Claim {
        about,
        attribute,
        value,
    };
    out.say(place, claim)
}

impl Side {
    fn lose_border(&mut self) {
        self.at_border = false;
        self.fitted_since_search = Some(0);
    }

    fn confidence(&self) -> f32 {
        match self.fitted_since_search {
            Some(0 | 1) => UNSURE,
            _ => 1.0,
        }
    }

    fn fits(&mut self) {
        self.established = true;
        if let Some(fitted) = &mut self.fitted_since_search {
            *fitted = (*fitted + 1).min(2);
        }
    }

    /// Reads messages; `None` when there was none where there should have been many.
    fn read(&mut self, bytes: &[u8], ports: [u16; 2], out: &mut Output<'_>) -> Option<Progress> {
        let mut used = 0;
        loop {
            if !self.at_border {
                match self.search(bytes, used)? {
                    Found::At(at) => used = at,
                    Found::Wait(used, need) => return Some(Progress::Need { used, need }),
                }
                self.at_border = true;
            }
            let rest = bytes.get(used..).unwrap_or_default();
            let total = match border(rest) {
                Border::Short(need) => return Some(Progress::Need { used, need }),
                Border::Message(total) => total,
                Border::None => {
                    self.border_lost(used, out);
                    continue;
                }
            };
            let Some(message) = rest.get(..total) else {
                let need = total;
                return Some(Progress::Need { used, need });
            };
            if !self.message(message, used, ports, out) {
                self.border_lost(used, out);
                continue;
            }
            used += total;
        }
    }

    /// Reads one whole message that starts at `at`; false when it contradicts itself.
    fn message(
        &mut self,
        message: &[u8],
        at: usize,
        ports: [u16; 2],
        out: &mut Output<'_>,
    ) -> bool {
        let place = out.place(at..at + message.len());
        if message.starts_with(&wire::MASKED) {
            if !wire::adds_up(message) {
                return false;
            }
            self.masked(message, place, ports, out);
        } else if message.starts_with(&wire::GREETING) {
            if wire::clock(message) == wire::Clock::Impossible {
                return false;
            }
            self.fits();
            self.roles(Role::Central, "clear", place, ports, out);
        } else {
            self.fits();
            if let Some(kind) = Header::read(message).and_then(Header::telemetry) {
                let frame = Frame {
                    kind,
                    body: message.get(wire::HEADER..).unwrap_or_default(),
                    start: at + wire::HEADER,
                    place,
                    confidence: self.confidence(),
                };
                self.telemetry(&frame, ports, out);
            }
        }
        true
    }

    fn border_lost(&mut self, at: usize, out: &mut Output<'_>) {
        if self.established {
            out.odd("vista-cms-border-lost");
            out.sample(at, &Sample::Discontinuity);
        }
        self.lose_border();
    }

    /// The next telemetry frame of a known layout that another frame follows, from `from` on, or
    /// a masked frame that adds up.
    fn search(&mut self, bytes: &[u8], from: usize) -> Option<Found> {
        let mut at = from;
        let found = loop {
            if !self.established && self.searched + (at - from) >= SEARCH_MAX {
                return None;
            }
            let rest = bytes.get(at..).unwrap_or_default();
            match candidate(rest) {
                Candidate::Fits => break Found::At(at),
                Candidate::Short(need) => break Found::Wait(at, need),
                Candidate::Misfit => at += 1,
            }
        };
        self.searched += at - from;
        Some(found)
    }

    /// Tells who is who, once a flow.
    fn roles(
        &mut self,
        sender: Role,
        generation: &'static str,
        place: Place,
        [own_port, peer_port]: [u16; 2],
        out: &mut Output<'_>,
    ) {
        if self.roles_said {
            return;
        }
        self.roles_said = true;
        let confidence = self.confidence();
        let (central, monitor, port) = match sender {
            Role::Central => (About::Sender, About::Receiver, own_port),
            Role::Monitor => (About::Receiver, About::Sender, peer_port),
        };
        for (about, role) in [(monitor, "patient-monitor"), (central, "central-station")] {
            say_claim(place, about, "vista_cms_role", role.to_owned(), out)
                .sure(confidence)
                .with("generation", generation);
        }
        let service = Meaning::ServiceOffered {
            about: central,
            transport: Transport::Tcp,
            port,
            protocol: "vista-cms",
        };
        out.say(place, service).sure(confidence);
    }

    fn masked(&mut self, frame: &[u8], place: Place, ports: [u16; 2], out: &mut Output<'_>) {
        self.fits();
        // Which side sends the encrypted types is not known.
        let role = match Masked::read(frame).map(|masked| masked.kind) {
            Some(1) => Role::Monitor,
            Some(2 | 3) => Role::Central,
            _ => return,
        };
        self.roles(role, "encrypted", place, ports, out);
    }

    fn telemetry(&mut self, frame: &Frame<'_>, ports: [u16; 2], out: &mut Output<'_>) {
        self.roles(Role::Monitor, "clear", frame.place, ports, out);
        match frame.kind {
            wire::ECG => ecg(frame, out),
            wire::SPO2 => spo2(frame, out),
            wire::NIBP => self.cuff_pressure(frame, out),
            wire::TEMPERATURE => temperature(frame, out),
            _ => return,
        }
        self.alarm_limits(frame, out);
    }

    /// The block has no time: a pressure counts when it differs from the last one.
    fn cuff_pressure(&mut self, frame: &Frame<'_>, out: &mut Output<'_>) {
        let pressures = [0, 2, 4].map(|at| wire::measured(frame.body, at));
        if pressures == [None; 3] || self.cuff == Some(pressures) {
            return;
        }
        self.cuff = Some(pressures);
        let quantities = ["nibp-map", "nibp-sys", "nibp-dia"];
        for (quantity, pressure) in quantities.into_iter().zip(pressures) {
            number(frame, quantity, pressure, "mmHg", out);
        }
        say_measured(frame, false, out);
    }

    fn alarm_limits(&mut self, frame: &Frame<'_>, out: &mut Output<'_>) {
        let mut text = String::new();
        let alarms = wire::alarms(frame.kind);
        for alarm in alarms {
            if let Some((high, low, level)) = alarm.bounds(frame.body) {
                let comma = if text.is_empty() { "" } else { ", " };
                let [name, ..] = alarm.names;
                // Writing to a string cannot fail.
                let _ = write!(text, "{comma}{name} {high}/{low}/{level}");
            }
        }
        let Some(last) = self
            .limits
            .get_mut(usize::from(frame.kind.wrapping_sub(wire::ECG)))
        else {
            return;
        };
        if text == *last {
            return;
        }
        last.clone_from(&text);
        for alarm in alarms {
            let [_, high_name, low_name] = alarm.names;
            if let Some((high, low, _)) = alarm.bounds(frame.body) {
                number(frame, high_name, Some(high), alarm.unit, out);
                number(frame, low_name, Some(low), alarm.unit, out);
            }
        }
        say_claim(frame.place, About::Sender, "alarm_limits", text, out).sure(frame.confidence);
    }
}

/// What stands where a message should begin.
enum Border {
    /// A message of so many octets.
    Message(usize),
    /// So many octets are needed to tell.
    Short(usize),
    None,
}

fn border(bytes: &[u8]) -> Border {
    let Some(header) = Header::read(bytes) else {
        return Border::Short(wire::HEADER);
    };
    if bytes.starts_with(&wire::MASKED) {
        if bytes.len() < Masked::HEADER {
            return Border::Short(Masked::HEADER);
        }
        let masked = Masked::read(bytes);
        masked.map_or(Border::None, |masked| Border::Message(masked.total.into()))
    } else if bytes.starts_with(&wire::GREETING) {
        Border::Message(wire::GREETING_SIZE)
    } else if header.is_frame() {
        Border::Message(header.total())
    } else {
        Border::None
    }
}

enum Found {
    At(usize),
    Wait(usize, usize),
}

enum Candidate {
    Fits,
    Misfit,
    Short(usize),
}

fn candidate(bytes: &[u8]) -> Candidate {
    if bytes.len() < Masked::HEADER {
        return Candidate::Short(Masked::HEADER);
    }
    if let Some(masked) = Masked::read(bytes) {
        let total = usize::from(masked.total);
        return match bytes.get(..total) {
            None => Candidate::Short(total),
            Some(frame) if wire::adds_up(frame) => Candidate::Fits,
            Some(_) => Candidate::Misfit,
        };
    }
    let Some(header) = Header::read(bytes).filter(|header| header.telemetry().is_some()) else {
        return Candidate::Misfit;
    };
    match bytes.get(header.total()..).and_then(Header::read) {
        None => Candidate::Short(header.total() + wire::HEADER),
        Some(next) if next.is_frame() => Candidate::Fits,
        Some(_) => Candidate::Misfit,
    }
}

/// Passes a number on; whether there is one.
fn number(
    frame: &Frame<'_>,
    quantity: &'static str,
    value: Option<f64>,
    unit: &'static str,
    out: &mut Output<'_>,
) -> bool {
    if let Some(value) = value {
        let number = Sample::Number {
            quantity,
            value,
            unit,
        };
        out.sample(frame.start, &number);
    }
    value.is_some()
}

/// Passes a curve on; whether it moves.
fn wave(
    frame: &Frame<'_>,
    channel: &'static str,
    at: std::ops::Range<usize>,
    out: &mut Output<'_>,
) -> bool {
    let start = frame.start + at.start;
    let values = frame.body.get(at).unwrap_or_default();
    out.sample(start, &Sample::Wave { channel, values });
    values.iter().any(|value| Some(value) != values.first())
}

fn ecg(frame: &Frame<'_>, out: &mut Output<'_>) {
    let beats = wave(frame, "ecg1", 0..256, out) | wave(frame, "ecg2", 256..512, out);
    let breathes = wave(frame, "resp", 512..640, out);
    let rate = |at| wire::measured(frame.body, at);
    let heart = number(frame, "heart-rate", rate(640), "/min", out);
    let breath = number(frame, "respiratory-rate", rate(642), "/min", out);
    if heart || breath {
        say_measured(frame, (heart && beats) || (breath && breathes), out);
    }
}

fn spo2(frame: &Frame<'_>, out: &mut Output<'_>) {
    let moves = wave(frame, "pleth", 0..256, out);
    let value = |at| wire::measured(frame.body, at);
    let saturation = number(frame, "spo2", value(256), "%", out);
    let pulse = number(frame, "pulse-rate", value(258), "/min", out);
    if saturation || pulse {
        say_measured(frame, moves, out);
    }
}

fn temperature(frame: &Frame<'_>, out: &mut Output<'_>) {
    let value = |at| wire::temperature(frame.body, at);
    let one = number(frame, "t1", value(0), "Cel", out);
    let two = number(frame, "t2", value(4), "Cel", out);
    if one && two {
        number(frame, "td", value(8), "Cel", out);
    }
    if one || two {
        say_measured(frame, false, out);
    }
}

/// Says that measurements of a patient crossed; they identify nobody by themselves.
fn say_measured(frame: &Frame<'_>, with_wave: bool, out: &mut Output<'_>) {
    let mut kinds = vec![PhiKind::VitalSigns];
    if with_wave {
        kinds.push(PhiKind::Waveform);
    }
    let meaning = Meaning::PatientData {
        kinds,
        patient: None,
        ranges: Vec::new(),
        values: Vec::new(),
    };
    out.say(frame.place, meaning).sure(frame.confidence);
}
