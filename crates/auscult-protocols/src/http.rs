//! HTTP/1: what clients and servers call themselves, and logins in the headers.
//!
//! Sources: RFC 9110, RFC 9112, RFC 7617 (Basic), RFC 7616 (Digest).
//! Bodies are skipped by their length or chunk by chunk, never held. Requests and answers are
//! paired in order, because only the request tells whether an answer has a body. Of Basic
//! credentials no more is decoded than the account. Request targets are not kept: they may name
//! patients. Limits: 64 KiB of headers a message, 64 requests waiting for answers.

pub(crate) mod head;

use std::collections::VecDeque;

use auscult_model::{About, Bound, Direction, Meaning, Transport};

use crate::login::Attempt;
use crate::{Output, Place, Probe, Progress, Protocol, Record, Seen, Session, Start, Tier};
use crate::{lines, sides, text};
use head::{Body, FIELDS, HEAD, HEAD_MAX, Head, StartLine, head_end};

static RECORD: Record = Record {
    name: "http",
    title: "Hypertext Transfer Protocol, version 1",
    tier: Tier::Identity,
    transports: &[Transport::Tcp],
    ports: &[80, 8080],
    weak: false,
    sources: &["RFC 9110", "RFC 9112", "RFC 7617", "RFC 7616"],
    reads: &[
        "User-Agent, Server, Host and the realm of a login",
        "accounts of Basic and Digest logins, and whether they were accepted",
    ],
    leaves_out: "Request targets, cookies, forms, bodies; everything after an upgrade or CONNECT.",
    attributes: &[("host", "the Host header of the request with the login")],
    bounds: &[&HEAD, &FIELDS, &REQUESTS, &CLAIMS],
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
        let side = Side {
            state: if start.from_start {
                State::Head
            } else {
                State::Lost
            },
            fits: if start.from_start { 2 } else { 0 },
        };
        Box::new(HttpSession {
            ports: start.ports,
            sides: [side; 2],
            waiting: VecDeque::new(),
            paired: start.from_start,
            known: Vec::new(),
        })
    }
}

/// What comes next in one direction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    ChunkSize,
    Trailer,
    /// A message border has to be found.
    Lost,
}

#[derive(Clone, Copy)]
struct Side {
    state: State,
    /// Messages that fitted since the border was found.
    fits: u8,
}

/// A request that was not answered yet.
struct Waiting {
    /// HEAD: the answer has no body.
    bodiless: bool,
    connect: bool,
    login: Option<Attempt>,
}

struct HttpSession {
    ports: [u16; 2],
    sides: [Side; 2],
    waiting: VecDeque<Waiting>,
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
            State::ChunkSize => self.chunk(direction, bytes, out),
            State::Trailer => self.trailer(direction, bytes),
            State::Lost => self.search(direction, bytes, out),
        }
    }

    fn gap(&mut self, direction: Direction, _: Option<u64>, out: &mut Output<'_>) {
        self.lose(direction, out);
    }

    fn end(&mut self, out: &mut Output<'_>) {
        for waiting in self.waiting.drain(..) {
            if let Some(attempt) = waiting.login {
                attempt.unanswered(out);
            }
        }
    }
}

impl HttpSession {
    fn lose(&mut self, direction: Direction, out: &mut Output<'_>) {
        self.sides[direction.index()] = Side {
            state: State::Lost,
            fits: 0,
        };
        self.paired = false;
        self.end(out);
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
        let side = &mut self.sides[direction.index()];
        let confidence = if side.fits < 2 { 0.9 } else { 1.0 };
        side.fits = side.fits.saturating_add(1);
        let place = out.place(0..end);
        let body = match head.start {
            StartLine::Request(method) => {
                self.request(direction, method, &head, place, confidence, out);
                head.body(Body::None)
            }
            StartLine::Response(status) => {
                match self.response(direction, status, &head, place, confidence, out) {
                    Some(body) => body,
                    None => return Progress::Done,
                }
            }
        };
        let side = &mut self.sides[direction.index()];
        match body {
            Body::None => Progress::Used(end),
            Body::Length(skip) => Progress::Skip { used: end, skip },
            Body::ToEnd => Progress::Skip {
                used: end,
                skip: u64::MAX,
            },
            Body::Chunked => {
                side.state = State::ChunkSize;
                Progress::Used(end)
            }
        }
    }

    fn request(
        &mut self,
        direction: Direction,
        method: &[u8],
        head: &Head<'_>,
        place: Place,
        confidence: f32,
        out: &mut Output<'_>,
    ) {
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
            attributes: if host.is_empty() {
                Vec::new()
            } else {
                vec![("host", host.into())]
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
            connect: method == b"CONNECT",
            login,
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
    ) -> Option<Body> {
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
        match status {
            101 => return None,
            100..=199 => return Some(Body::None),
            _ => {}
        }
        let waiting = self.waiting.pop_front();
        let (mut bodiless, mut connect) = (false, false);
        if let Some(waiting) = waiting {
            (bodiless, connect) = (waiting.bodiless, waiting.connect);
            match waiting.login {
                Some(attempt) if self.paired => self.answered(attempt, status, place, out),
                Some(attempt) => attempt.unanswered(out),
                None => {}
            }
        }
        if connect && (200..300).contains(&status) {
            return None;
        }
        if bodiless || matches!(status, 204 | 304) {
            return Some(Body::None);
        }
        Some(head.body(Body::ToEnd))
    }

    /// Basic credentials come with every request: what was said already is not said again.
    fn answered(&mut self, attempt: Attempt, status: u16, place: Place, out: &mut Output<'_>) {
        let accepted = !matches!(status, 401 | 403 | 407);
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
            Some(size) => Progress::Skip {
                used,
                // The chunk and the line end behind it.
                skip: size.saturating_add(2),
            },
            None => {
                self.lose(direction, out);
                Progress::Used(used)
            }
        }
    }

    fn trailer(&mut self, direction: Direction, bytes: &[u8]) -> Progress {
        let Some((line, used)) = lines::cut(bytes) else {
            let limit = lines::LINE_MAX;
            return Progress::Used(if bytes.len() < limit { 0 } else { limit });
        };
        if line.is_empty() {
            self.sides[direction.index()].state = State::Head;
        }
        Progress::Used(used)
    }
}

#[cfg(test)]
mod tests;
