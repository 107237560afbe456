//! SNMP: what agents say their device is, who may ask, and what was changed.
//!
//! Sources: RFC 1157, RFC 1901, RFC 3411, RFC 3412, RFC 3414, RFC 3416; objects in [`mib`].
//! The word that lets a manager in (the community) is never kept or said, but whether it is the
//! one of the factory. Every message stands for itself, beside requests to write that wait for
//! their answer. Limits: [`SETTINGS`]; of several parts (entPhysical) the first that has a serial
//! number or a model is the device.

mod ber;
mod message;
mod mib;

use auscult_model::{Bound, Direction, Meaning, Transport, hex};

use crate::heard::Heard;
use crate::{Mark, Output, Place, Probe, Progress, Protocol, Record, Seen, Session, Start, Tier};
use crate::{sides, text};
use ber::{dotted, dotted_part, numbers, tag};
use message::{Message, Pdu, Security, User, pdu};
use mib::Object;

static RECORD: Record = Record {
    name: "snmp",
    title: "Simple Network Management Protocol",
    tier: Tier::Decoded,
    transports: &[Transport::Udp],
    ports: &[161, 162],
    weak: false,
    sources: &[
        "RFC 1157", "RFC 1901", "RFC 3411", "RFC 3412", "RFC 3414", "RFC 3416", "RFC 3418",
        "RFC 2790", "RFC 3805", "RFC 6933", "RFC 1628",
    ],
    reads: &[
        "answers: description, name, place, contact and product of the system; serial number, \
         model, firmware of parts, printers and supplies",
        "that a community or user was accepted, and whether the community is the factory's",
        "writes with their answer; traps by name",
        "of version 3 the engine: maker, MAC address, user, level of security",
    ],
    leaves_out: "Other objects and all values written, communities of requests that nobody \
                 answered, what version 3 encrypts, SNMP over TCP.",
    attributes: &[
        (
            "default",
            "the community of the factory that was accepted: public or private",
        ),
        ("security", "level of security of version 3"),
        ("oid", "the object that was written"),
    ],
    bounds: &[&SETTINGS],
    false_likely: "0 of 100,000 random datagrams of 304 bytes",
};

static SETTINGS: Bound = Bound::constant(
    "snmp-settings",
    32,
    "objects of one flow that are being written and wait for the answer",
    "further ones are not told",
);
/// Longest value that is read; descriptions have at most 255 bytes (RFC 3418).
const VALUE_MAX: usize = 512;
/// Makers of the parts inside are often the makers of the whole.
const BY_NUMBER: f32 = 0.8;

/// See [`RECORD`].
pub struct Snmp;

impl Protocol for Snmp {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        match seen.transport {
            Transport::Udp => sides::judge(seen, message::probe),
            _ => Probe::No,
        }
    }

    fn start(&self, start: &Start) -> Box<dyn Session> {
        Box::new(SnmpSession {
            ports: start.ports,
            heard: Heard::default(),
            offered: false,
            agent: Agent::default(),
            settings: Vec::new(),
        })
    }
}

struct SnmpSession {
    ports: [u16; 2],
    heard: Heard,
    offered: bool,
    agent: Agent,
    settings: Vec<Setting>,
}

/// Community words that everybody knows.
const KNOWN_WORDS: [&str; 2] = ["public", "private"];

/// What is known of the side that answers.
#[derive(Default)]
struct Agent {
    /// The part that stands for the whole.
    part: Option<Vec<u8>>,
    is_printer: bool,
    /// Description of the first device, until it is known to be a printer.
    device: Option<(Place, String)>,
}

/// An object that is being written.
struct Setting {
    request: i64,
    first: Mark,
    manager: Direction,
    name: String,
    oid: String,
}

impl Session for SnmpSession {
    fn data(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        let used = Progress::Used(bytes.len());
        let Some(message) = Message::read(bytes) else {
            return used;
        };
        let place = out.place(0..bytes.len());
        if let Security::Community(word) = message.security
            && !KNOWN_WORDS.iter().any(|known| known.as_bytes() == word)
        {
            out.withhold_part(bytes, word);
        }
        if let Security::User(user) = &message.security {
            self.user(user, message.pdu.as_ref(), place, out);
        }
        let Some(pdu) = &message.pdu else {
            return used;
        };
        match pdu.kind {
            pdu::RESPONSE => {
                if let Security::Community(word) = message.security {
                    self.community(word, place, out);
                }
                self.response(direction, pdu, place, out);
            }
            pdu::SET => self.set(direction, pdu, place, out),
            pdu::TRAP | pdu::INFORM | pdu::TRAP_V1 => self.trap(pdu, place, out),
            _ => {}
        }
        used
    }

    fn end(&mut self, out: &mut Output<'_>) {
        for setting in std::mem::take(&mut self.settings) {
            let place = Place {
                first: setting.first,
                last: setting.first,
            };
            setting.say(place, None, out);
        }
    }
}

impl SnmpSession {
    /// An answer shows that the word was the right one: agents do not answer to wrong ones.
    fn community(&mut self, word: &[u8], place: Place, out: &mut Output<'_>) {
        if !self.heard.is_new(("community", word), out) {
            return;
        }
        let default = KNOWN_WORDS.iter().find(|known| known.as_bytes() == word);
        let attributes = default.map(|word| ("default", *word));
        self.login(
            "snmp-community",
            String::new(),
            true,
            attributes,
            place,
            out,
        );
    }

    /// Says that the receiver of this answer was let in.
    fn login(
        &mut self,
        method: &'static str,
        account: String,
        clear: bool,
        attribute: Option<(&'static str, &'static str)>,
        place: Place,
        out: &mut Output<'_>,
    ) {
        let manager = out.direction.opposite();
        let login = Meaning::Login {
            method,
            account,
            clear,
            accepted: Some(true),
        };
        let said = out.say(place, login).from_side(manager);
        if let Some((name, value)) = attribute {
            said.with(name, value);
        }
    }

    /// Who speaks as what engine, and which user is let in.
    fn user(&mut self, user: &User<'_>, pdu: Option<&Pdu<'_>>, place: Place, out: &mut Output<'_>) {
        if user.wants_answer() {
            return;
        }
        if self.heard.is_new(("engine", user.engine), out) {
            engine(user.engine, place, out);
        }
        let is_answer = pdu.is_none_or(|pdu| pdu.kind == pdu::RESPONSE);
        // Encrypted traps look like answers, but come from another port.
        let is_asked = self.ports[out.direction.opposite().index()] != 162;
        let names_user = is_answer && is_asked && !user.name.is_empty();
        if names_user && self.heard.is_new(("user", user.name, user.level()), out) {
            let account = text::lenient(user.name);
            let security = Some(("security", user.level()));
            self.login(
                "snmp-user",
                account,
                user.flags & 1 == 0,
                security,
                place,
                out,
            );
        }
    }

    fn response(
        &mut self,
        direction: Direction,
        pdu: &Pdu<'_>,
        place: Place,
        out: &mut Output<'_>,
    ) {
        if !self.offered {
            self.offered = true;
            let port = self.ports[direction.index()];
            out.offer(place, Transport::Udp, port, RECORD.name);
        }
        if !self.settings.is_empty() && self.answered(pdu, place, out) {
            return;
        }
        for binding in pdu.bindings() {
            let Some(object) = mib::object(binding.name) else {
                continue;
            };
            let fits = matches!(binding.tag, tag::OCTETS | tag::OBJECT_ID)
                && binding.value.len() <= VALUE_MAX;
            if fits && self.heard.is_new((binding.name, binding.value), out) {
                self.agent.object(object, binding.value, place, out);
            }
        }
    }

    /// Says what this answers, if it answers a request to write.
    fn answered(&mut self, pdu: &Pdu<'_>, place: Place, out: &mut Output<'_>) -> bool {
        let manager = out.direction.opposite();
        let is_it = |s: &mut Setting| s.request == pdu.request && s.manager == manager;
        let settings: Vec<Setting> = self.settings.extract_if(.., is_it).collect();
        let some = !settings.is_empty();
        for setting in settings {
            let place = Place {
                first: setting.first,
                ..place
            };
            setting.say(place, Some(pdu.error == 0), out);
        }
        some
    }

    fn set(&mut self, manager: Direction, pdu: &Pdu<'_>, place: Place, out: &mut Output<'_>) {
        let mut again = self.settings.iter();
        if again.any(|s| s.request == pdu.request && s.manager == manager) {
            return;
        }
        for binding in pdu.bindings() {
            if self.settings.len() >= out.bound(&SETTINGS) {
                return out.reached(&SETTINGS);
            }
            let oid = dotted(binding.name);
            let name = match mib::settable(binding.name) {
                Some((name, part)) => [name, ".", &dotted_part(part)].concat(),
                None => oid.clone(),
            };
            self.settings.push(Setting {
                request: pdu.request,
                first: place.first,
                manager,
                name,
                oid,
            });
        }
    }

    fn trap(&mut self, pdu: &Pdu<'_>, place: Place, out: &mut Output<'_>) {
        let text = match pdu.trap {
            Some(trap) => match mib::generic_trap(trap.generic) {
                Some(name) => name.to_owned(),
                None => format!("{}.0.{}", dotted(trap.enterprise), trap.specific),
            },
            None => {
                let mut bindings = pdu.bindings();
                let Some(id) = bindings.find(|binding| binding.name == mib::TRAP_ID) else {
                    return;
                };
                match mib::trap(id.value) {
                    Some(name) => name.to_owned(),
                    None => dotted(id.value),
                }
            }
        };
        if self.heard.is_new(("trap", &text), out) {
            out.say(place, Meaning::Alarm { text });
        }
    }
}

impl Setting {
    fn say(self, place: Place, acknowledged: Option<bool>, out: &mut Output<'_>) {
        let changed = Meaning::SettingChanged {
            setting: self.name,
            acknowledged,
        };
        let said = out.say(place, changed).from_side(self.manager);
        said.with("oid", self.oid);
    }
}

impl Agent {
    fn object(&mut self, object: Object<'_>, value: &[u8], place: Place, out: &mut Output<'_>) {
        match object {
            Object::Text(attribute) => {
                out.claim(place, attribute, shown(value));
            }
            Object::Of(attribute, mib) => {
                out.claim(place, attribute, shown(value));
                out.claim(place, "snmp_mib", mib.to_owned());
            }
            Object::Product => {
                out.claim(place, "snmp_sysobjectid", dotted(value));
                let enterprise = value.strip_prefix(mib::ENTERPRISES);
                let number = enterprise.and_then(|under| numbers(under).next());
                maker(number, place, out);
            }
            Object::DeviceKind => self.is_printer |= value == mib::PRINTER,
            Object::Device => self.device = Some((place, shown(value))),
            Object::Part(attribute, part) => {
                let text = shown(value);
                let tells = matches!(attribute, "serial" | "model") && !text.is_empty();
                if self.part.is_none() && tells {
                    self.part = Some(part.to_vec());
                }
                if self.part.as_deref() == Some(part) {
                    out.claim(place, attribute, text);
                }
            }
        }
        if self.is_printer
            && let Some((place, device)) = self.device.take()
        {
            out.claim(place, "model", device);
        }
    }
}

/// Says what the id of the sender's engine tells.
fn engine(id: &[u8], place: Place, out: &mut Output<'_>) {
    let Some((number, mac)) = message::engine(id).filter(|_| id.len() <= 32) else {
        return;
    };
    out.claim(place, "snmp_engine_id", hex(id));
    maker(Some(u64::from(number)), place, out);
    if let Some(mac) = mac {
        out.claim(place, "snmp_engine_mac", mac.to_string());
    }
}

fn maker(number: Option<u64>, place: Place, out: &mut Output<'_>) {
    let maker = number.and_then(mib::maker);
    if let Some(said) = maker.and_then(|maker| out.claim(place, "vendor", maker.to_owned())) {
        said.sure(BY_NUMBER);
    }
}

/// Text of a value; descriptions of several lines are one.
fn shown(value: &[u8]) -> String {
    if !value
        .iter()
        .any(|byte| matches!(byte, b'\r' | b'\n' | b'\t'))
    {
        return text::lenient(value);
    }
    let lines = value.split(|byte| matches!(byte, b'\r' | b'\n' | b'\t'));
    let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
    text::lenient(&lines.join(&b' '))
}

#[cfg(test)]
mod tests;
