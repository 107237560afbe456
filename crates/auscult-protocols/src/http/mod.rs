//! HTTP/1: what clients, servers and proxies call themselves, logins in headers and forms, files
//! and medical records that cross.
//!
//! Sources: RFC 9110, RFC 9112, RFC 7617 (Basic), RFC 7616 (Digest), RFC 6750 (Bearer).
//! A body is looked at by its first bytes; only one that is worth a digest, or holds medical
//! records, is read ([`body`]); the others are skipped by their length or chunk by chunk.
//! Requests and answers are paired in order, because only the request tells whether an answer has a
//! body. Of Basic credentials and forms no more is decoded than the account. Of request targets
//! only a file's name and the end of a tunnel are kept. Limits: 64 KiB of headers a message, 64
//! requests waiting for answers.

mod body;
mod form;
pub(crate) mod head;
mod target;

use std::collections::VecDeque;

use auscult_model::{About, Bound, Direction, Meaning, Transport};

use crate::factory_login::FACTORY;
use crate::login::Attempt;
use crate::records::Records;
use crate::{Output, Place, Probe, Progress, Protocol, Record, Seen, Session, Start, Tier};
use crate::{lines, sides, text};
use body::{Body, Coding, Worth};
use head::{FIELDS, Follows, HEAD, HEAD_MAX, Head, StartLine, head_end};
use target::Names;

static RECORD: Record = Record {
    name: "http",
    title: "Hypertext Transfer Protocol, version 1",
    tier: Tier::Decoded,
    transports: &[Transport::Tcp],
    ports: &[80, 8080],
    weak: false,
    sources: &[
        "RFC 9110",
        "RFC 9112",
        "RFC 7617",
        "RFC 7616",
        "RFC 6750",
        "HL7 FHIR R4",
    ],
    reads: &[
        "User-Agent, Server, Host, Via and the realm of a login",
        "accounts of Basic, Digest and form logins, and whether they were accepted",
        "programs, archives, firmware and documents that cross: name, size, SHA-256; also behind \
         gzip and deflate",
        "HL7 v2 messages, FHIR resources (JSON), and searches of FHIR and DICOMweb: whom they are \
         about, which kinds of patient data they hold; a FHIR server's program",
        "tunnels that are asked for (CONNECT)",
    ],
    leaves_out: "Cookies, pages, media, parts of multipart bodies, FHIR in XML; everything \
        after an upgrade or CONNECT.",
    attributes: &[
        ("host", "the Host header of the request with the login"),
        (
            "default",
            "factory: account and secret are those that factories set",
        ),
        (
            "resource",
            "the kind of FHIR resource that holds patient data",
        ),
    ],
    bounds: &[&HEAD, &FIELDS, &REQUESTS, &CLAIMS, &body::LARGEST],
    false_likely: "0 of 100,000 random prefixes",
};

static REQUESTS: Bound = Bound::settable(
    "http-requests",
    64,
    "requests of one flow that wait for their answer",
    "nothing is known of the oldest one's answer",
);

/// See [`RECORD`].
pub struct Http;

impl Protocol for Http {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        match seen.transport {
            Transport::Tcp => sides::judge(seen, head::probe),
            _ => Probe::No,
        }
    }

    fn start(&self, start: &Start) -> Box<dyn Session> {
        let side = || Side {
            state: if start.from_start {
                State::Head
            } else {
                State::Lost
            },
            fits: if start.from_start { 2 } else { 0 },
            content: Content::Skipped,
            peeked: 0,
        };
        Box::new(HttpSession {
            ports: start.ports,
            sides: [side(), side()],
            waiting: VecDeque::new(),
            asked: 0,
            paired: start.from_start,
            known: Vec::new(),
        })
    }
}

/// What comes next in one direction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    /// So many bytes of a body; `u64::MAX`: up to the end of the stream.
    Body(u64),
    ChunkSize,
    /// So many bytes of a chunk.
    Chunk(u64),
    Trailer,
    /// A message border has to be found.
    Lost,
}

struct Side {
    state: State,
    /// Messages that fitted since the border was found.
    fits: u8,
    content: Content,
    /// Bytes of the body that were looked at and not taken.
    peeked: u64,
}

/// What is done with the bytes of the body that comes.
enum Content {
    Skipped,
    /// Its first bytes decide; the name of the file, and whether it is a part of one.
    Open(String, bool),
    File(Box<Body>),
    /// The form of a request, by its number, and what the parameters are that it searches by.
    Form(u64, Names),
}

/// A request that was not answered yet.
struct Waiting {
    /// HEAD: the answer has no body.
    bodiless: bool,
    /// CONNECT: the end of the tunnel.
    connect: Option<String>,
    login: Option<Attempt>,
    /// Which request of the flow.
    number: u64,
    /// What its target ends in.
    name: String,
    place: Place,
}

struct HttpSession {
    ports: [u16; 2],
    sides: [Side; 2],
    waiting: VecDeque<Waiting>,
    /// Requests so far.
    asked: u64,
    /// Nothing was lost, so that the first waiting request is the one that is answered.
    paired: bool,
    /// Claims that this flow made already: attribute and value.
    known: Vec<(&'static str, String)>,
}

static CLAIMS: Bound = Bound::settable(
    "http-claims",
    32,
    "different claims of one flow that are remembered",
    "further ones may be told again",
);

impl Session for HttpSession {
    fn data(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        match self.sides[direction.index()].state {
            State::Head => self.head(direction, bytes, out),
            State::Body(left) | State::Chunk(left) => self.body(direction, bytes, left, out),
            State::ChunkSize => self.chunk(direction, bytes, out),
            State::Trailer => self.trailer(direction, bytes, out),
            State::Lost => self.search(direction, bytes, out),
        }
    }

    /// A hole inside a body loses the file, not the message behind it.
    fn gap(&mut self, direction: Direction, length: Option<u64>, out: &mut Output<'_>) {
        let side = &mut self.sides[direction.index()];
        let lost = length.and_then(|length| length.checked_add(side.peeked));
        match (&mut side.state, lost) {
            (State::Body(left) | State::Chunk(left), Some(lost)) if *left > lost => {
                side.peeked = 0;
                if *left < u64::MAX {
                    *left -= lost;
                }
                self.close(direction, false, out);
            }
            _ => self.lose(direction, out),
        }
    }

    /// A body without a length is whole when its sender ends.
    fn finished(&mut self, direction: Direction, out: &mut Output<'_>) {
        let is_last = self.sides[direction.index()].state == State::Body(u64::MAX);
        self.close(direction, is_last, out);
    }

    fn held(&self) -> usize {
        let of = |side: &Side| match &side.content {
            Content::File(body) => body.held(),
            Content::Skipped | Content::Open(..) | Content::Form(..) => 0,
        };
        self.sides.iter().map(of).sum()
    }

    fn end(&mut self, out: &mut Output<'_>) {
        for direction in [Direction::FromOriginator, Direction::FromResponder] {
            self.close(direction, false, out);
        }
        self.unanswered(out);
    }
}

impl HttpSession {
    fn unanswered(&mut self, out: &mut Output<'_>) {
        for waiting in self.waiting.drain(..) {
            if let Some(attempt) = waiting.login {
                attempt.unanswered(out);
            }
        }
    }

    fn lose(&mut self, direction: Direction, out: &mut Output<'_>) {
        self.close(direction, false, out);
        self.sides[direction.index()] = Side {
            state: State::Lost,
            fits: 0,
            content: Content::Skipped,
            peeked: 0,
        };
        self.paired = false;
        self.unanswered(out);
    }

    /// The body of this direction ended, or nothing more of it is read.
    fn close(&mut self, direction: Direction, is_whole: bool, out: &mut Output<'_>) {
        let side = &mut self.sides[direction.index()];
        if let Content::File(body) = std::mem::replace(&mut side.content, Content::Skipped) {
            let confidence = if side.fits < 3 { 0.9 } else { 1.0 };
            body.finish(is_whole, direction, confidence, out);
        }
    }

    /// Bytes of a body or a chunk, of which so many are still to come.
    fn body(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        left: u64,
        out: &mut Output<'_>,
    ) -> Progress {
        let here = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
        let bytes = bytes.get(..here).unwrap_or_default();
        let server = self.server(direction);
        let side = &mut self.sides[direction.index()];
        side.peeked = here as u64;
        if let Content::Open(name, in_part) = &mut side.content {
            side.content = match body::worth(bytes, left) {
                Worth::Needs(need) => return Progress::Need { used: 0, need },
                Worth::No => match Records::begin(bytes, server) {
                    Some(records) => Content::File(Box::new(Body::of_records(records))),
                    None => Content::Skipped,
                },
                Worth::Yes => {
                    let body = Body::new(std::mem::take(name), Coding::Plain, *in_part, server);
                    Content::File(Box::new(body))
                }
            };
        }
        match &mut side.content {
            Content::Skipped | Content::Open(..) => return self.skip(direction, 0, left),
            Content::Form(number, names) => {
                let (number, names) = (*number, *names);
                if (bytes.len() as u64) < left {
                    let need = left.min(form::FORM) as usize;
                    return Progress::Need { used: 0, need };
                }
                if let Some(mut records) = Records::begin(bytes, None) {
                    // Programs that send what they have without saying what it is.
                    records.feed(bytes, Some(0), out);
                    records.finish(direction, out.mark(here.saturating_sub(1)), out);
                } else if let Some(patient) = target::searched(bytes, names, out) {
                    let place = out.place(0..here);
                    out.say(place, patient).with("resource", "request");
                } else {
                    self.form(direction, number, bytes, out);
                }
            }
            Content::File(body) => {
                let last = out.mark(here.saturating_sub(1));
                let wants_more = body.take(bytes, last, out);
                if body.is_private() {
                    out.withhold(0..here);
                }
                if !wants_more {
                    self.close(direction, false, out);
                }
            }
        }
        self.sides[direction.index()].peeked = 0;
        let left = if left == u64::MAX {
            left
        } else {
            left - here as u64
        };
        let side = &mut self.sides[direction.index()];
        match &mut side.state {
            State::Body(still) | State::Chunk(still) if left > 0 => *still = left,
            State::Chunk(_) => {
                side.state = State::ChunkSize;
                // The line end behind it.
                return Progress::Skip {
                    used: here,
                    skip: 2,
                };
            }
            _ => {
                side.state = State::Head;
                self.close(direction, true, out);
            }
        }
        Progress::Used(here)
    }

    /// Leaves out what is left of a body or a chunk.
    fn skip(&mut self, direction: Direction, used: usize, left: u64) -> Progress {
        let side = &mut self.sides[direction.index()];
        side.peeked = 0;
        let state = &mut side.state;
        let is_chunk = matches!(state, State::Chunk(_));
        *state = if is_chunk {
            State::ChunkSize
        } else {
            State::Head
        };
        Progress::Skip {
            used,
            skip: left.saturating_add(if is_chunk { 2 } else { 0 }),
        }
    }

    /// Notes who logs in with the form of a request.
    fn form(&mut self, client: Direction, number: u64, bytes: &[u8], out: &mut Output<'_>) {
        for value in form::private(bytes) {
            out.withhold_part(bytes, value);
        }
        let Some(account) = form::account(bytes) else {
            return;
        };
        let end = out.place(bytes.len().saturating_sub(1)..bytes.len());
        let asked = self.waiting.iter_mut().find(|w| w.number == number);
        let first = asked.as_ref().map_or(end.first, |asked| asked.place.first);
        let attempt = Attempt {
            method: "http-form",
            account,
            clear: true,
            client,
            place: Place { first, ..end },
            confidence: 0.9,
            attributes: Vec::new(),
        };
        match asked {
            Some(asked) if asked.login.is_none() => asked.login = Some(attempt),
            _ => attempt.unanswered(out),
        }
    }

    /// Looks for the next line that begins a message.
    fn search(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        for at in 0..bytes.len() {
            match head::probe(bytes.get(at..).unwrap_or_default()) {
                Probe::Certain => {
                    self.sides[direction.index()].state = State::Head;
                    return if at == 0 {
                        self.head(direction, bytes, out)
                    } else {
                        Progress::Used(at)
                    };
                }
                Probe::Maybe => return Progress::Used(at),
                Probe::No | Probe::Likely => {}
            }
        }
        Progress::Used(bytes.len())
    }

    fn head(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        // Empty lines before a message are tolerated (RFC 9112 §2.2).
        if let Some(b'\r' | b'\n') = bytes.first() {
            return Progress::Used(1);
        }
        let Some(end) = head_end(bytes) else {
            if bytes.len() < HEAD_MAX {
                return Progress::Used(0);
            }
            out.reached(&HEAD);
            self.lose(direction, out);
            return Progress::Used(HEAD_MAX);
        };
        let block = bytes.get(..end).unwrap_or_default();
        let Some(head) = Head::read(block, out.bound(&FIELDS)) else {
            self.lose(direction, out);
            return Progress::Used(1);
        };
        if head.limited {
            out.reached(&FIELDS);
        }
        for part in head::secrets(block).chain(head::addresses(block)) {
            out.withhold_part(block, part);
        }
        let side = &mut self.sides[direction.index()];
        let confidence = if side.fits < 2 { 0.9 } else { 1.0 };
        side.fits = side.fits.saturating_add(1);
        let place = out.place(0..end);
        if head.is_ambiguous() {
            out.odd("http-ambiguous-length");
        }
        let follows = match head.start {
            StartLine::Request(method, target) => {
                if let Some(patient) = target::patient(target, block, out) {
                    out.say(place, patient)
                        .sure(confidence)
                        .with("resource", "request");
                }
                self.request(direction, (method, target), &head, place, confidence, out);
                head.follows(Follows::Nothing)
            }
            StartLine::Response(status) => {
                match self.response(direction, status, &head, place, confidence, out) {
                    Some(follows) => follows,
                    None => return Progress::Done,
                }
            }
        };
        let side = &mut self.sides[direction.index()];
        side.state = match follows {
            Follows::Nothing => State::Head,
            Follows::Length(length) => State::Body(length),
            Follows::ToEnd => State::Body(u64::MAX),
            Follows::Chunked => State::ChunkSize,
        };
        if let (State::Body(left), Content::Skipped) = (side.state, &side.content) {
            return self.skip(direction, end, left);
        }
        if follows == Follows::Nothing {
            self.close(direction, false, out);
        }
        Progress::Used(end)
    }

    /// The port of a side that answers.
    fn server(&self, direction: Direction) -> Option<u16> {
        (direction == Direction::FromResponder).then(|| self.ports[direction.index()])
    }

    /// What is done with the body behind a head.
    fn content(&self, direction: Direction, head: &Head<'_>, name: &str, in_part: bool) -> Content {
        match body::coding(head) {
            Coding::Other => Content::Skipped,
            Coding::Plain => Content::Open(body::file_name(head, name), in_part),
            coding => {
                let name = body::file_name(head, name);
                Content::File(Box::new(Body::new(
                    name,
                    coding,
                    in_part,
                    self.server(direction),
                )))
            }
        }
    }

    fn request(
        &mut self,
        direction: Direction,
        (method, target): (&[u8], &[u8]),
        head: &Head<'_>,
        place: Place,
        confidence: f32,
        out: &mut Output<'_>,
    ) {
        self.asked += 1;
        let name = body::last_part(target);
        self.sides[direction.index()].content = if form::is_one(head) {
            Content::Form(self.asked, target::names_of_search(target))
        } else {
            self.content(direction, head, &name, head.get("content-range").is_some())
        };
        self.passed_on(head, place, confidence, out);
        let host = head.text("host");
        let agent = head.text("user-agent");
        self.claim(
            About::Sender,
            "http_user_agent",
            agent,
            place,
            confidence,
            out,
        );
        self.claim(
            About::Receiver,
            "http_host",
            host.clone(),
            place,
            confidence,
            out,
        );
        let credentials = head.get("authorization").and_then(head::credentials);
        let login = credentials.map(|credentials| Attempt {
            method: credentials.method,
            account: text::clean(&credentials.account),
            clear: credentials.clear,
            client: direction,
            place,
            confidence,
            attributes: {
                let host = Some(host).filter(|host| !host.is_empty());
                let host = host.map(|host| ("host", host.into()));
                let factory = credentials.factory.then(|| ("default", FACTORY.into()));
                host.into_iter().chain(factory).collect()
            },
        });
        if self.waiting.len() >= out.bound(&REQUESTS) {
            out.reached(&REQUESTS);
            // Without answers to come, nothing is known of the oldest.
            if let Some(attempt) = self.waiting.pop_front().and_then(|waiting| waiting.login) {
                attempt.unanswered(out);
            }
            self.paired = false;
        }
        self.waiting.push_back(Waiting {
            bodiless: method == b"HEAD",
            connect: (method == b"CONNECT").then(|| text::lenient(target)),
            login,
            number: self.asked,
            name,
            place,
        });
    }

    /// Returns what follows, `None` when it is no HTTP any more.
    fn response(
        &mut self,
        direction: Direction,
        status: u16,
        head: &Head<'_>,
        place: Place,
        confidence: f32,
        out: &mut Output<'_>,
    ) -> Option<Follows> {
        if self.is_new("http", "", out) {
            let port = self.ports[direction.index()];
            out.offer(place, Transport::Tcp, port, RECORD.name)
                .sure(confidence);
        }
        self.claim(
            About::Sender,
            "http_server",
            head.text("server"),
            place,
            confidence,
            out,
        );
        let realm = head.get("www-authenticate").and_then(head::realm);
        self.claim(
            About::Sender,
            "http_realm",
            realm.unwrap_or_default(),
            place,
            confidence,
            out,
        );
        self.passed_on(head, place, confidence, out);
        match status {
            101 => {
                self.upgraded(direction, head, place, out);
                return None;
            }
            100..=199 => return Some(Follows::Nothing),
            _ => {}
        }
        let (mut bodiless, mut name) = (false, String::new());
        if let Some(waiting) = self.waiting.pop_front() {
            bodiless = waiting.bodiless;
            if self.paired {
                name = waiting.name;
            }
            match waiting.login {
                Some(attempt) if self.paired => self.answered(attempt, status, place, out),
                Some(attempt) => attempt.unanswered(out),
                None => {}
            }
            if let Some(object) = waiting.connect {
                let granted = (200..300).contains(&status);
                let asked = Meaning::Request {
                    operation: "connect",
                    object,
                    granted: self.paired.then_some(granted),
                };
                let first = waiting.place.first;
                out.say(Place { first, ..place }, asked)
                    .from_side(direction.opposite())
                    .sure(confidence);
                if granted {
                    return None;
                }
            }
        }
        if bodiless || matches!(status, 204 | 304) {
            return Some(Follows::Nothing);
        }
        let content = self.content(direction, head, &name, status == 206);
        self.sides[direction.index()].content = content;
        Some(head.follows(Follows::ToEnd))
    }

    /// Proxies name themselves in Via, in both directions (RFC 9110 §7.6.3).
    fn passed_on(&mut self, head: &Head<'_>, place: Place, confidence: f32, out: &mut Output<'_>) {
        for (attribute, field) in [
            ("http_via", "via"),
            ("http_forwarded_for", "x-forwarded-for"),
        ] {
            let value = head.text(field);
            self.claim(About::Sender, attribute, value, place, confidence, out);
        }
    }

    /// What follows is another protocol on the same port.
    fn upgraded(
        &mut self,
        direction: Direction,
        head: &Head<'_>,
        place: Place,
        out: &mut Output<'_>,
    ) {
        let is_websocket = head
            .get("upgrade")
            .is_some_and(|name| name.eq_ignore_ascii_case(b"websocket"));
        if is_websocket {
            let port = self.ports[direction.index()];
            out.offer(place, Transport::Tcp, port, "websocket");
        }
    }

    /// Basic credentials come with every request: what was said already is not said again.
    fn answered(&mut self, attempt: Attempt, status: u16, place: Place, out: &mut Output<'_>) {
        let accepted = !matches!(status, 401 | 403 | 407);
        // Forms are answered by pages: only a refusal is plain.
        if accepted && attempt.method == "http-form" {
            if self.is_new("form", &attempt.account, out) {
                attempt.unanswered(out);
            }
            return;
        }
        let key = if accepted { "accepted" } else { "refused" };
        if self.is_new(key, &attempt.account, out) {
            let mut attempt = attempt;
            attempt.place.last = place.last;
            attempt.decided(accepted, out);
        }
    }

    fn is_new(&mut self, attribute: &'static str, value: &str, out: &mut Output<'_>) -> bool {
        if self
            .known
            .iter()
            .any(|(a, v)| *a == attribute && v == value)
        {
            return false;
        }
        if self.known.len() < out.bound(&CLAIMS) {
            self.known.push((attribute, value.to_owned()));
        } else {
            out.reached(&CLAIMS);
        }
        true
    }

    fn claim(
        &mut self,
        about: About,
        attribute: &'static str,
        value: String,
        place: Place,
        confidence: f32,
        out: &mut Output<'_>,
    ) {
        if !value.is_empty() && self.is_new(attribute, &value, out) {
            let claim = Meaning::Claim {
                about,
                attribute,
                value,
            };
            out.say(place, claim).sure(confidence);
        }
    }

    fn chunk(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        let Some((line, used)) = lines::cut(bytes) else {
            if bytes.len() < lines::LINE_MAX {
                return Progress::Used(0);
            }
            out.reached(&lines::LINE);
            self.lose(direction, out);
            return Progress::Used(lines::LINE_MAX);
        };
        match head::chunk_size(line) {
            Some(0) => {
                self.sides[direction.index()].state = State::Trailer;
                Progress::Used(used)
            }
            Some(size) => {
                let side = &mut self.sides[direction.index()];
                side.state = State::Chunk(size);
                if matches!(side.content, Content::Skipped) {
                    return self.skip(direction, used, size);
                }
                Progress::Used(used)
            }
            None => {
                self.lose(direction, out);
                Progress::Used(used)
            }
        }
    }

    fn trailer(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        let Some((line, used)) = lines::cut(bytes) else {
            let limit = lines::LINE_MAX;
            return Progress::Used(if bytes.len() < limit { 0 } else { limit });
        };
        if line.is_empty() {
            self.sides[direction.index()].state = State::Head;
            self.close(direction, true, out);
        }
        Progress::Used(used)
    }
}

#[cfg(test)]
mod tests;
