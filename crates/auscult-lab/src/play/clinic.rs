//! Verbs of clinical systems: HL7, DICOM, monitors; and SNMP, by which they are managed.

use auscult_model::Timestamp;
use serde::Deserialize;

use super::Player;
use crate::monitor::Monitor;
use crate::net::{MS, SECOND, US, Way};
use crate::people::Person;
use crate::speak::dicom::{self, Command, Context, Entity, Set, Syntax};
use crate::speak::{ge, hl7, snmp};
use crate::stage::hl7_time;

impl Player {
    /// The patient of a word; the same word is the same patient.
    fn patient(&mut self, word: &str) -> Person {
        let people = &mut self.stage.people;
        let person = self.patients.entry(word.to_owned());
        person.or_insert_with(|| people.person()).clone()
    }
}

/// `hl7`: a message, acknowledged.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hl7 {
    who: String,
    to: String,
    #[serde(default = "mllp")]
    port: u16,
    #[serde(default = "sender")]
    sender: String,
    #[serde(default = "receiver")]
    receiver: String,
    #[serde(default)]
    kind: Message,
    #[serde(default = "word")]
    patient: String,
    #[serde(default = "one")]
    messages: u32,
    /// The message is kept under this word.
    keep: Option<String>,
    /// A kept message is sent again.
    again: Option<String>,
    /// Texts of it that are replaced on this leg.
    #[serde(default)]
    change: Vec<(String, String)>,
    /// The only result, as `code|value|unit`.
    result: Option<(String, String, String)>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Message {
    #[default]
    Results,
    Admission,
    /// From a gateway, on a pump.
    Pump,
    /// From a bedside monitor.
    Monitor,
}

fn mllp() -> u16 {
    2575
}

fn sender() -> String {
    "LABOR".to_owned()
}

fn receiver() -> String {
    "ENGINE".to_owned()
}

fn word() -> String {
    "somebody".to_owned()
}

fn one() -> u32 {
    1
}

impl Hl7 {
    pub(super) fn act(&self, player: &mut Player, at: Timestamp) -> Result<Timestamp, String> {
        let (path, stacks, at) = player.path(&self.who, &self.to, at)?;
        let route = hl7::Route {
            sender: self.sender.clone(),
            facility: "KLINIK".to_owned(),
            receiver: self.receiver.clone(),
            receiver_facility: "KLINIK".to_owned(),
        };
        let mut messages = Vec::new();
        for _ in 0..self.messages {
            messages.push(match &self.again {
                Some(word) => {
                    let kept = player.kept.get(word);
                    kept.ok_or(format!("no message was kept as `{word}`"))?
                        .clone()
                }
                None => self.message(player, &route, at),
            });
        }
        if let (Some(word), Some(message)) = (&self.keep, messages.last()) {
            player.kept.insert(word.clone(), message.clone());
        }
        for message in &mut messages {
            for (old, new) in &self.change {
                message.text = message.text.replace(old, new);
            }
        }
        Ok(player
            .stage
            .hl7(at, &path, stacks, self.port, &route, &messages))
    }

    fn message(
        &self,
        player: &mut Player,
        route: &hl7::Route,
        at: Timestamp,
    ) -> crate::stage::Message {
        let person = player.patient(&self.patient);
        let stage = &mut player.stage;
        let mut message = match self.kind {
            Message::Admission => stage.hl7_admission(route, at, &person, ("3B", 4)),
            _ => stage.hl7_results(route, at, &person),
        };
        let (time, control) = (hl7_time(at), message.control.clone());
        match (&self.result, self.kind) {
            (Some((code, value, unit)), _) => {
                let only = [hl7::Observation { code, value, unit }];
                message.text = hl7::results(route, &time, &control, &person, &only);
            }
            (None, Message::Pump) => {
                let pump = hl7::Pump {
                    identity: format!("{:016X}", stage.prng.next_u64()),
                    rate: stage.prng.between(2, 120) as u16,
                };
                message.text = hl7::infusion(route, &time, &control, &person, &pump);
            }
            (None, Message::Monitor) => {
                let own = "OBX|1||69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|1.0.0.0|||||||X\r";
                let at = message.text.find("OBX|").unwrap_or(message.text.len());
                message.text.insert_str(at, own);
            }
            _ => {}
        }
        message
    }
}

/// `contec`: a monitor of the CMS8000 family streams.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Contec {
    who: String,
    to: String,
    #[serde(default = "stream_port")]
    port: u16,
    seconds: i64,
    #[serde(default = "bed")]
    bed: u8,
    #[serde(default = "word")]
    patient: String,
    /// Nobody is connected to it.
    #[serde(default)]
    idle: bool,
    /// Seconds of one cycle; without it, as the unit has it.
    cycle: Option<i64>,
}

fn stream_port() -> u16 {
    515
}

fn bed() -> u8 {
    4
}

impl Contec {
    pub(super) fn act(&self, player: &mut Player, at: Timestamp) -> Result<Timestamp, String> {
        let (path, stacks, at) = player.path(&self.who, &self.to, at)?;
        let person = (!self.idle).then(|| player.patient(&self.patient));
        let stage = &mut player.stage;
        let mut monitor = Monitor::any(&mut stage.prng, self.bed, "ICU", person);
        if let Some(seconds) = self.cycle {
            monitor.habits.cycle = seconds * SECOND;
        }
        let until = at.plus(self.seconds * SECOND);
        Ok(stage.stream(&monitor, &path, stacks, self.port, (at, until)))
    }
}

/// `dicom`: an association and what is done in it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dicom {
    who: String,
    to: String,
    #[serde(default = "dicom_port")]
    port: u16,
    #[serde(default = "modality")]
    calling: String,
    #[serde(default = "archive")]
    called: String,
    what: Service,
    #[serde(default = "word")]
    patient: String,
    #[serde(default = "one")]
    times_within: u32,
    /// The other side does not know the title.
    #[serde(default)]
    rejected: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Service {
    Echo,
    Store,
    /// The worklist.
    Worklist,
    /// All studies of all patients.
    Find,
    /// N-SET of a film session's copies.
    Set,
    /// N-SET of a performed procedure step: it is completed (PS3.4 F.7).
    Step,
    /// N-ACTION of storage commitment: what was stored shall be kept (PS3.4 J.3).
    Commit,
}

fn dicom_port() -> u16 {
    104
}

fn modality() -> String {
    "MODALITY1".to_owned()
}

fn archive() -> String {
    "ARCHIVE".to_owned()
}

/// Basic Film Session of print management, whose number of copies N-SET changes (PS3.4 H.4.1).
const FILM_SESSION: &str = "1.2.840.10008.5.1.1.1";
/// Modality Performed Procedure Step.
const PERFORMED_STEP: &str = "1.2.840.10008.3.1.2.3.3";
/// Storage Commitment Push Model.
const COMMITMENT: &str = "1.2.840.10008.1.20.1";

impl Dicom {
    pub(super) fn act(&self, player: &mut Player, at: Timestamp) -> Result<Timestamp, String> {
        let (path, stacks, at) = player.path(&self.who, &self.to, at)?;
        let entity = |title: &str| Entity {
            title: title.to_owned(),
            class: "1.2.276.0.7230010.3.0.3.6.7".to_owned(),
            version: "OFFIS_DCMTK_367".to_owned(),
        };
        let (calling, called) = (entity(&self.calling), entity(&self.called));
        let class = match self.what {
            Service::Echo => dicom::VERIFICATION,
            Service::Store => dicom::RADIOGRAPHY,
            Service::Worklist => dicom::WORKLIST,
            Service::Find => dicom::STUDY_FIND,
            Service::Set => FILM_SESSION,
            Service::Step => PERFORMED_STEP,
            Service::Commit => COMMITMENT,
        };
        let context = Context {
            id: 1,
            class,
            syntax: Syntax::Explicit,
        };
        let asked = dicom::request(&calling, &self.called, &[context]);
        let mut turns = vec![(Way::Out, asked)];
        if self.rejected {
            turns.push((Way::Back, dicom::reject(7)));
        } else {
            turns.push((Way::Back, dicom::accept(&calling, &called, &[context])));
            for number in 1..=self.times_within {
                self.exchange(player, &context, number as u16, &mut turns);
            }
            turns.push((Way::Out, dicom::release()));
            turns.push((Way::Back, dicom::released()));
        }
        let what = (self.port, "dicom");
        Ok(player.stage.converse(at, &path, stacks, what, &turns))
    }

    fn exchange(
        &self,
        player: &mut Player,
        context: &Context,
        number: u16,
        turns: &mut Vec<(Way, Vec<u8>)>,
    ) {
        let instance = format!(
            "1.2.826.0.1.3680043.9.7777.{}",
            player.stage.prng.below(1 << 40)
        );
        let (field, data, status) = match self.what {
            Service::Echo => (0x0030, None, 0),
            Service::Store => (0x0001, Some(self.picture(player, context, &instance)), 0),
            Service::Worklist | Service::Find => (0x0020, Some(question(context)), 0),
            Service::Set => {
                let copies = Set::new(context.syntax).text((0x2000, 0x0010), "IS", "9");
                (0x0120, Some(copies), 0)
            }
            Service::Step => {
                let done = Set::new(context.syntax).text((0x0040, 0x0252), "CS", "COMPLETED");
                (0x0120, Some(done), 0)
            }
            Service::Commit => {
                let what = Set::new(context.syntax).text((0x0008, 0x1195), "UI", &instance);
                (0x0130, Some(what), 0)
            }
        };
        let set = matches!(self.what, Service::Set | Service::Step | Service::Commit);
        let ask = Command {
            field,
            class: context.class,
            number,
            with_data: data.is_some(),
            instance: (self.what == Service::Store).then_some(instance.as_str()),
            requested: set.then_some(instance.as_str()),
            action: (self.what == Service::Commit).then_some(1),
            ..Command::default()
        };
        let bytes = dicom::message(context.id, &ask, data.as_ref(), 8_000);
        turns.push((Way::Out, bytes));
        let answer = Command {
            field: field | 0x8000,
            with_data: false,
            status,
            requested: None,
            instance: ask.instance.or(ask.requested),
            ..ask
        };
        turns.push((Way::Back, dicom::message(context.id, &answer, None, 8_000)));
    }

    fn picture(&self, player: &mut Player, context: &Context, instance: &str) -> Set {
        let person = player.patient(&self.patient);
        player.stage.truth.patient(&person);
        let (year, month, day) = person.born;
        let pixels = player.stage.prng.bytes(4_096);
        Set::new(context.syntax)
            .text((0x0008, 0x0016), "UI", context.class)
            .text((0x0008, 0x0018), "UI", instance)
            .text((0x0008, 0x0060), "CS", "CR")
            .text((0x0008, 0x0070), "LO", "Invented Imaging")
            .text((0x0010, 0x0010), "PN", &person.name("^"))
            .text((0x0010, 0x0020), "LO", &person.number)
            .text(
                (0x0010, 0x0030),
                "DA",
                &format!("{year:04}{month:02}{day:02}"),
            )
            .number((0x0028, 0x0010), 64)
            .number((0x0028, 0x0011), 64)
            .pixels(&pixels)
    }
}

/// A question for everything.
fn question(context: &Context) -> Set {
    Set::new(context.syntax)
        .text((0x0008, 0x0052), "CS", "STUDY")
        .text((0x0010, 0x0010), "PN", "*")
        .text((0x0010, 0x0020), "LO", "")
        .text((0x0020, 0x000d), "UI", "")
}

/// `ge`: a monitor on GE's network announces itself to all, and answers nothing here; or a station
/// asks it for a function.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ge {
    who: String,
    /// `WARD|BED` of the announcement or of the asker.
    place: String,
    #[serde(default)]
    patient: Option<String>,
    /// Whom it asks, for which function.
    asks: Option<(String, u16)>,
}

impl Ge {
    pub(super) fn act(&self, player: &mut Player, at: Timestamp) -> Result<Timestamp, String> {
        if let Some((to, function)) = &self.asks {
            let (path, _, at) = player.path(&self.who, to, at)?;
            let said = ge::request(path.a, *function, &self.place);
            player
                .stage
                .rec
                .udp(at, &path, Way::Out, (3_073, 2_000), &said);
            return Ok(at);
        }
        let who = player.cast.host(&self.who)?;
        let name = match &self.patient {
            None => String::new(),
            Some(word) => {
                let person = player.patient(word);
                player.stage.truth.patient(&person);
                person.family
            }
        };
        let seconds = (at.0 / SECOND) as u32;
        let said = ge::announcement(who.ip, seconds, &self.place, &name);
        let all = if who.ip.octets()[0] == 126 {
            [126, 255, 255, 255].into()
        } else {
            std::net::Ipv4Addr::BROADCAST
        };
        player
            .stage
            .rec
            .broadcast(at, &who, all, (3_123, 7_000), &said);
        Ok(at)
    }
}

/// `snmp`: a question, or a setting, and the answer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Snmp {
    who: String,
    to: String,
    #[serde(default = "public")]
    community: String,
    /// The object, as `1.3.6.1.2.1.1.5.0`.
    #[serde(default = "name")]
    object: String,
    /// A text that is set; without it, it is asked.
    set: Option<String>,
    #[serde(default)]
    answer: Option<String>,
    #[serde(default)]
    unanswered: bool,
}

fn public() -> String {
    "public".to_owned()
}

fn name() -> String {
    "1.3.6.1.2.1.1.5.0".to_owned()
}

impl Snmp {
    pub(super) fn act(&self, player: &mut Player, at: Timestamp) -> Result<Timestamp, String> {
        let (path, _, at) = player.path(&self.who, &self.to, at)?;
        let arc = |text: &str| text.parse::<u32>().map_err(|_| self.object.clone());
        let oid: Vec<u32> = self.object.split('.').map(arc).collect::<Result<_, _>>()?;
        let (kind, value) = match &self.set {
            Some(text) => (snmp::Kind::Set, snmp::Value::Text(text)),
            None => (snmp::Kind::Get, snmp::Value::Null),
        };
        let id = player.stage.prng.below(1 << 24) as u32;
        let own = player.stage.prng.between(49_152, 65_000) as u16;
        let asked = snmp::message(1, &self.community, kind, id, &[(&oid, value)]);
        let rec = &mut player.stage.rec;
        rec.udp(at, &path, Way::Out, (own, 161), &asked);
        if self.unanswered {
            return Ok(at);
        }
        let told = match (&self.set, &self.answer) {
            (Some(text), _) | (None, Some(text)) => text.as_str(),
            (None, None) => "an invented device",
        };
        let value = snmp::Value::Text(told);
        let kind = snmp::Kind::Response;
        let said = snmp::message(1, &self.community, kind, id, &[(&oid, value)]);
        let then = at.plus(path.rtt_b + 600 * US);
        rec.udp(then, &path, Way::Back, (own, 161), &said);
        Ok(then.plus(MS))
    }
}
