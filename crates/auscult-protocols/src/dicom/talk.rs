//! What the two sides of an association say of themselves, ask of each other and send.

use std::collections::VecDeque;

use auscult_model::{Direction, Meaning, PhiKind};

use super::command::{Command, granted};
use super::dataset::DataSet;
use super::pdu::Associate;
use super::session::{CLAIMS, REQUESTS};
use super::uid::{self, DEFLATED, Service};
use crate::login::Attempt;
use crate::{Output, Place, text};

/// Titles that programs answer to when nobody gave them one.
const DEFAULT_TITLES: [&str; 2] = ["ANY-SCP", "ANYSCP"];
/// How sure a title is by which somebody was called that answered, and if it is such a default.
const CALLED: [f32; 2] = [0.9, 0.4];
/// How far claims of images hold for a sender that has them from elsewhere.
const BEHIND: f32 = 0.3;
/// Services named in one claim.
const NAMED_MAX: usize = 8;

/// What a data set is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Purpose {
    equipment: Equipment,
    is_query: bool,
    /// It is compressed as a whole, and not read.
    pub(super) is_deflated: bool,
}

/// Whose equipment a data set describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Equipment {
    Sender,
    /// The sender passes on what others made.
    Behind,
    Nobody,
}

/// A request that was not answered yet.
struct Waiting {
    from: Direction,
    message_id: u16,
    operation: &'static str,
    object: String,
    place: Place,
    confidence: f32,
}

impl Waiting {
    fn say(self, place: Place, status: Option<u16>, out: &mut Output<'_>) {
        let request = Meaning::Request {
            operation: self.operation,
            object: self.object,
            granted: status.map(granted),
        };
        let said = out.say(place, request);
        said.from_side(self.from).sure(self.confidence);
        if let Some(status) = status {
            said.with("status", format!("{status:04x}"));
        }
    }
}

/// A claim that was made: by whom, what, whether of somebody behind.
type Claimed = (Direction, &'static str, String, bool);

/// The talk of one association.
#[derive(Default)]
pub(super) struct Talk {
    requestor: Option<Direction>,
    called: String,
    /// Context and abstract syntax, as proposed.
    proposed: Vec<(u8, String)>,
    /// Contexts whose data sets are deflated.
    deflated: Vec<u8>,
    login: Option<Attempt>,
    waiting: VecDeque<Waiting>,
    claimed: Vec<Claimed>,
}

impl Talk {
    /// A-ASSOCIATE-RQ.
    pub(super) fn request(
        &mut self,
        associate: &Associate<'_>,
        place: Place,
        confidence: f32,
        out: &mut Output<'_>,
    ) {
        self.requestor = Some(out.direction);
        self.called = text::lenient(associate.called);
        let calling = text::lenient(associate.calling);
        if let Some(said) = out.claim(place, "ae_title", calling) {
            said.sure(confidence).with("called_ae", self.called.clone());
        }
        implementation(associate, place, confidence, out);
        self.proposed = associate
            .contexts
            .iter()
            .map(|context| (context.id, text::lenient(context.abstract_syntax)))
            .collect();
        let services = self.proposed.iter().map(|(_, uid)| uid.as_str());
        if let Some(said) = out.claim(place, "dicom_asks_for", services_words(services)) {
            said.sure(confidence);
            let roles = associate.roles.iter().filter(|role| role.provides);
            let roles: Vec<_> = roles.map(|role| text::lenient(role.class)).collect();
            if !roles.is_empty() {
                said.with(
                    "scp_roles",
                    services_words(roles.iter().map(String::as_str)),
                );
            }
        }
        self.login = associate.identity.as_ref().map(|identity| Attempt {
            method: match identity.kind {
                1 => "dicom-username",
                2 => "dicom-password",
                3 => "dicom-kerberos",
                4 => "dicom-saml",
                5 => "dicom-jwt",
                _ => "dicom-identity",
            },
            account: text::lenient(identity.name),
            clear: identity.kind == 2,
            client: out.direction,
            place,
            confidence,
            attributes: Vec::new(),
        });
    }

    /// A-ASSOCIATE-AC.
    pub(super) fn accept(
        &mut self,
        associate: &Associate<'_>,
        place: Place,
        confidence: f32,
        out: &mut Output<'_>,
    ) {
        self.requestor = Some(out.direction.opposite());
        // The title by which it was called comes back; who answers to it may answer to any.
        let called = text::lenient(associate.called);
        let sure = CALLED[usize::from(DEFAULT_TITLES.contains(&called.as_str()))];
        if let Some(said) = out.claim(place, "ae_title", called) {
            said.sure(confidence.min(sure));
        }
        implementation(associate, place, confidence, out);
        let accepted = associate
            .contexts
            .iter()
            .filter(|context| context.result == 0);
        self.deflated = accepted
            .clone()
            .filter(|context| context.transfer_syntaxes.iter().any(|uid| is_deflated(uid)))
            .map(|context| context.id)
            .collect();
        let proposed = &self.proposed;
        let services = accepted.filter_map(|context| {
            let known = proposed.iter().find(|(id, _)| *id == context.id);
            known.map(|(_, uid)| uid.as_str())
        });
        if let Some(said) = out.claim(place, "dicom_accepts", services_words(services)) {
            said.sure(confidence);
            let refused = associate
                .contexts
                .iter()
                .filter(|context| context.result != 0);
            let refused: Vec<_> = refused
                .map(|context| format!("{}:{}", context.id, context.result))
                .collect();
            if !refused.is_empty() {
                said.with("refused", refused.join(" "));
            }
        }
        if let Some(login) = self.login.take() {
            login.decided(true, out);
        }
    }

    /// A-ASSOCIATE-RJ.
    pub(super) fn reject(
        &mut self,
        (result, reason): (&'static str, &'static str),
        place: Place,
        confidence: f32,
        out: &mut Output<'_>,
    ) {
        let request = Meaning::Request {
            operation: "associate",
            object: std::mem::take(&mut self.called),
            granted: Some(false),
        };
        let client = out.direction.opposite();
        let said = out.say(place, request).from_side(client).sure(confidence);
        said.with("result", result).with("reason", reason);
        if let Some(login) = self.login.take() {
            login.decided(false, out);
        }
    }

    /// A command. Returns what its data set will be about.
    pub(super) fn command(
        &mut self,
        command: &Command<'_>,
        context: u8,
        place: Place,
        confidence: f32,
        out: &mut Output<'_>,
    ) -> Purpose {
        let class = text::lenient(command.class);
        let service = uid::service(&class);
        if command.is_response {
            self.answer(command, place, out);
        } else if let Some(operation) = operation(command.field, service) {
            let object = match command.field {
                0x0021 => text::lenient(command.destination),
                0x0030 => String::new(),
                _ => services_words([class.as_str()].into_iter()),
            };
            if self.waiting.len() >= out.bound(&REQUESTS)
                && let Some(oldest) = self.waiting.pop_front()
            {
                out.reached(&REQUESTS);
                let place = oldest.place;
                oldest.say(place, None, out);
            }
            self.waiting.push_back(Waiting {
                from: out.direction,
                message_id: command.message_id,
                operation,
                object,
                place,
                confidence,
            });
        }
        let is_deflated = self.deflated.contains(&context);
        if is_deflated && command.has_data {
            out.odd("dicom-deflated-data-sets");
            if service == Service::Storage {
                // What is compressed is still there for everybody to read.
                let meaning = Meaning::PatientData {
                    kinds: vec![PhiKind::ClinicalData],
                    patient: None,
                    ranges: Vec::new(),
                    values: Vec::new(),
                };
                out.say(place, meaning).sure(confidence);
            }
        }
        Purpose {
            equipment: self.equipment(command, service, out.direction),
            is_query: !command.is_response && matches!(command.field, 0x0010 | 0x0020 | 0x0021),
            is_deflated,
        }
    }

    fn equipment(&self, command: &Command<'_>, service: Service, from: Direction) -> Equipment {
        match (command.is_response, command.field) {
            // Part of a move, or of what was asked for over the same association.
            (false, 0x0001) if !command.on_behalf_of.is_empty() => Equipment::Behind,
            (false, 0x0001) if self.requestor.is_some_and(|side| side != from) => Equipment::Behind,
            (false, 0x0001) => Equipment::Sender,
            (false, 0x0140 | 0x0120) if service == Service::Performed => Equipment::Sender,
            _ => Equipment::Nobody,
        }
    }

    fn answer(&mut self, command: &Command<'_>, place: Place, out: &mut Output<'_>) {
        if command.is_pending() {
            return;
        }
        let asker = out.direction.opposite();
        let known = self
            .waiting
            .iter()
            .position(|w| w.from == asker && w.message_id == command.message_id);
        if let Some(waiting) = known.and_then(|at| self.waiting.remove(at)) {
            let place = Place {
                first: waiting.place.first,
                last: place.last,
            };
            waiting.say(place, command.status, out);
        }
    }

    /// What was gathered of a data set; `whole` when nothing of it was lost.
    pub(super) fn data(
        &mut self,
        data: &mut DataSet,
        purpose: &Purpose,
        (place, confidence, whole): (Place, f32, bool),
        out: &mut Output<'_>,
    ) {
        if std::mem::take(&mut data.is_broken) {
            out.odd("dicom-data-sets-not-read");
        }
        let behind = purpose.equipment == Equipment::Behind;
        for (attribute, value) in std::mem::take(&mut data.claims) {
            let claimed = (out.direction, attribute, value, behind);
            if purpose.equipment == Equipment::Nobody || self.claimed.contains(&claimed) {
                continue;
            }
            if let Some(said) = out.claim(place, attribute, claimed.2.clone()) {
                if behind {
                    said.sure(confidence.min(BEHIND))
                        .with("describes", "behind");
                } else {
                    said.sure(confidence);
                }
            }
            if self.claimed.len() < out.bound(&CLAIMS) {
                self.claimed.push(claimed);
            } else {
                out.reached(&CLAIMS);
            }
        }
        if let Some(mut meaning) = data.patient.take(out) {
            // What a query asks for may be a part of a name, or nobody's.
            if let (true, Meaning::PatientData { patient, .. }) = (purpose.is_query, &mut meaning) {
                *patient = None;
            }
            let said = out.say(place, meaning).sure(confidence);
            if !whole {
                said.with("partial", "true");
            }
        }
    }

    /// The association ended: what waits gets no answer.
    pub(super) fn end(&mut self, out: &mut Output<'_>) {
        for waiting in std::mem::take(&mut self.waiting) {
            let place = waiting.place;
            waiting.say(place, None, out);
        }
        if let Some(login) = self.login.take() {
            login.unanswered(out);
        }
    }
}

fn is_deflated(uid: &[u8]) -> bool {
    uid.strip_suffix(b"\0").unwrap_or(uid) == DEFLATED
}

/// Which software, and what it takes.
fn implementation(associate: &Associate<'_>, place: Place, confidence: f32, out: &mut Output<'_>) {
    let uid = text::lenient(associate.implementation_uid);
    let toolkit = uid::toolkit(&uid);
    if let Some(said) = out.claim(place, "dicom_implementation_uid", uid) {
        said.sure(confidence);
        if let Some(most) = associate.max_length {
            said.with("max_pdu", most.to_string());
        }
        if let Some((invoked, performed)) = associate.window {
            said.with("window", format!("{invoked}/{performed}"));
        }
    }
    let version = text::lenient(associate.implementation_version);
    if let Some(said) = out.claim(place, "dicom_implementation_version", version) {
        said.sure(confidence);
    }
    if let Some((name, sure)) = toolkit
        && let Some(said) = out.claim(place, "dicom_toolkit", name.to_owned())
    {
        said.sure(confidence.min(sure));
    }
}

/// Services in words, each once, in the order of their first mention; those without a known name
/// last, by their number.
fn services_words<'a>(uids: impl Iterator<Item = &'a str>) -> String {
    let (mut names, mut others): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    for uid in uids.filter(|uid| !uid.is_empty()) {
        let (list, name) = match uid::class(uid) {
            Some((name, _)) => (&mut names, name),
            None => (&mut others, uid),
        };
        if !list.contains(&name) {
            list.push(name);
        }
    }
    names.append(&mut others);
    let more = names.len().saturating_sub(NAMED_MAX);
    names.truncate(NAMED_MAX);
    let words = text::clean(&names.join(", "));
    match more {
        0 => words,
        more => format!("{words} and {more} more"),
    }
}

/// The word for a command (PS3.7 annex E), `None` for what is no request of a service.
fn operation(field: u16, service: Service) -> Option<&'static str> {
    Some(match (field, service) {
        (0x0001, _) => "store",
        (0x0010, _) => "get",
        (0x0020, Service::Worklist) => "worklist",
        (0x0020, _) => "find",
        (0x0021, _) => "move",
        (0x0030, _) => "echo",
        (0x0100, _) => "event-report",
        (0x0110, _) => "n-get",
        (0x0120, _) => "n-set",
        (0x0130, Service::Commitment) => "commit",
        (0x0130, Service::Print) => "print",
        (0x0130, _) => "n-action",
        (0x0140, _) => "n-create",
        (0x0150, _) => "n-delete",
        _ => return None,
    })
}
