//! The stage of a scene: recorder, random source, truth and invented people, and small exchanges
//! that several scenes share (leases, names, browsing, prints, HL7).

use std::net::Ipv4Addr;

use auscult_model::{MacAddr, Timestamp};

use crate::frame::Scene;
use crate::monitor::Monitor;
use crate::net::{Host, MS, Path, Recorder, SECOND, US, Way};
use crate::people::{People, Person};
use crate::prng::Prng;
use crate::speak::{dhcp, dns, hl7, lpd, tls};
use crate::talk::{Ends, Talk};
use crate::truth::Truth;
use crate::wire::tcp::Stack;

/// An HL7 message and when it is sent.
#[derive(Clone, Debug)]
pub struct Message {
    /// Milliseconds since the one before.
    pub wait: i64,
    /// The message without its frame.
    pub text: String,
    /// The trigger event, for the acknowledgement.
    pub event: &'static str,
    /// MSH-10.
    pub control: String,
}

/// What a scene is written on.
#[derive(Debug)]
pub struct Stage {
    /// Collects frames.
    pub rec: Recorder,
    /// Randomness of the scene.
    pub prng: Prng,
    /// Collects truth.
    pub truth: Truth,
    /// Invented patients.
    pub people: People,
    /// When the capture begins.
    pub start: Timestamp,
}

/// 2026-06-01T00:00:00Z, the earliest day on which a scene is set.
const FIRST_DAY: i64 = 1_780_272_000;

impl Stage {
    /// An empty stage for a seed.
    pub fn new(seed: u64, note: &str) -> Stage {
        let prng = Prng::new(seed);
        let mut day = prng.fork("day");
        let seconds = FIRST_DAY + day.between(0, 100) * 86_400 + day.between(21_600, 72_000);
        let start = Timestamp(seconds * SECOND + day.between(0, 999_999) * US);
        let people = People::new(prng.fork("people"));
        Stage {
            rec: Recorder::new(),
            prng,
            truth: Truth::new(note),
            people,
            start,
        }
    }

    /// A time within the scene.
    pub fn at(&self, milliseconds: i64) -> Timestamp {
        self.start.plus(milliseconds * MS)
    }

    /// Some time between two points of the scene, in milliseconds.
    pub fn between(&mut self, from: i64, to: i64) -> Timestamp {
        let milliseconds = self.prng.between(from, to);
        self.at(milliseconds)
    }

    /// A MAC with this vendor prefix.
    pub fn mac(&mut self, vendor: [u8; 3]) -> MacAddr {
        let tail = self.prng.next_u64().to_be_bytes();
        MacAddr([vendor[0], vendor[1], vendor[2], tail[5], tail[6], tail[7]])
    }

    /// The finished scene; what happened before the capture began is not in it.
    pub fn finish(self) -> Scene {
        let mut frames = self.rec.finish();
        frames.retain(|f| f.time >= self.start);
        Scene::ethernet(frames, self.truth)
    }

    /// A new lease from a server on the client's own segment; the client then announces itself.
    pub fn lease(
        &mut self,
        at: Timestamp,
        host: &Host,
        server: &Host,
        lease: &dhcp::Lease,
        who: &dhcp::Client,
    ) {
        let xid = self.prng.next_u64() as u32;
        let nobody = Host {
            ip: Ipv4Addr::UNSPECIFIED,
            ..host.clone()
        };
        let steps = [
            dhcp::Kind::Discover,
            dhcp::Kind::Offer,
            dhcp::Kind::Request,
            dhcp::Kind::Ack,
        ];
        for (n, kind) in steps.into_iter().enumerate() {
            let time = at.plus(n as i64 * 3 * MS);
            let message = dhcp::message(kind, xid, host.mac, who, lease);
            if matches!(kind, dhcp::Kind::Discover | dhcp::Kind::Request) {
                self.rec
                    .broadcast(time, &nobody, Ipv4Addr::BROADCAST, (68, 67), &message);
            } else {
                let path = Path::on_link(server, host);
                self.rec.udp(time, &path, Way::Out, (67, 68), &message);
            }
        }
        self.rec.announce(at.plus(20 * MS), host);
    }

    /// A name looked up, and its answer.
    pub fn resolve_name(
        &mut self,
        at: Timestamp,
        path: &Path,
        name: &str,
        addresses: &[Ipv4Addr],
    ) -> Timestamp {
        let id = self.prng.next_u64() as u16;
        let port = self.prng.between(32_768, 60_000) as u16;
        self.rec
            .udp(at, path, Way::Out, (port, 53), &dns::question(id, name));
        let after = at.plus(path.rtt_b + 150 * US);
        let answer = dns::answer(id, name, addresses);
        self.rec.udp(after, path, Way::Back, (port, 53), &answer);
        self.truth.flow(path.a, path.b, 53, "dns");
        after.plus(path.rtt_a)
    }

    /// A TLS session of a few records to `server` at the end of `path`.
    pub fn browse(
        &mut self,
        at: Timestamp,
        path: &Path,
        stacks: (Stack, Stack),
        server: &str,
        records: u32,
    ) -> Timestamp {
        let ends = Ends::new(&mut self.prng, stacks.0, stacks.1, 443);
        let (rec, prng) = (&mut self.rec, &mut self.prng);
        let mut talk = Talk::open(rec, prng, path, ends, at);
        let hello = tls::client_hello(prng, server);
        let mut now = talk.send(rec, Way::Out, &hello, talk.now);
        let flight = tls::server_flight(prng);
        now = talk.send(rec, Way::Back, &flight, now.plus(2 * MS));
        for _ in 0..records {
            let size = prng.between(120, 520) as usize;
            let ask = tls::opaque(prng, size);
            now = talk.send(rec, Way::Out, &ask, now.plus(prng.between(5, 300) * MS));
            let size = prng.between(300, 4000) as usize;
            let answer = tls::opaque(prng, size);
            now = talk.send(rec, Way::Back, &answer, now.plus(prng.between(2, 40) * MS));
        }
        self.truth.flow(path.a, path.b, 443, "tls");
        talk.close(rec, Way::Out, now.plus(50 * MS))
    }

    /// A conversation over TCP in which the sides take turns; each answer comes after a short
    /// while, the originator ends it.
    pub fn converse(
        &mut self,
        at: Timestamp,
        path: &Path,
        stacks: (Stack, Stack),
        (port, protocol): (u16, &str),
        turns: &[(Way, Vec<u8>)],
    ) -> Timestamp {
        let ends = Ends::new(&mut self.prng, stacks.0, stacks.1, port);
        let (rec, prng) = (&mut self.rec, &mut self.prng);
        let mut talk = Talk::open(rec, prng, path, ends, at);
        for (way, bytes) in turns {
            let time = talk.now.plus(prng.between(1, 25) * MS);
            talk.send(rec, *way, bytes, time);
        }
        self.truth.flow(path.a, path.b, port, protocol);
        talk.close(rec, Way::Out, talk.now.plus(20 * MS))
    }

    /// A question by UDP from a port of the caller's own, and its answer.
    pub fn ask(
        &mut self,
        at: Timestamp,
        path: &Path,
        (port, protocol): (u16, &str),
        question: &[u8],
        answer: &[u8],
    ) -> Timestamp {
        let own = self.prng.between(49_152, 65_000) as u16;
        self.rec.udp(at, path, Way::Out, (own, port), question);
        let after = at.plus(path.rtt_b + 300 * US);
        self.rec.udp(after, path, Way::Back, (own, port), answer);
        self.truth.flow(path.a, path.b, port, protocol);
        after.plus(path.rtt_a)
    }

    /// A GET in clear with its answer.
    pub fn http_get(
        &mut self,
        at: Timestamp,
        path: &Path,
        stacks: (Stack, Stack),
        (port, host, target, extra): (u16, &str, &str, &str),
    ) -> Timestamp {
        let ends = Ends::new(&mut self.prng, stacks.0, stacks.1, port);
        let (rec, prng) = (&mut self.rec, &mut self.prng);
        let mut talk = Talk::open(rec, prng, path, ends, at);
        let ask = format!(
            "GET {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: LabBrowser/1.0\r\n\
             {extra}Accept: */*\r\n\r\n"
        );
        let body = "<html><body>an invented page</body></html>\n";
        let answer = format!(
            "HTTP/1.1 200 OK\r\nServer: labhttpd/0.1\r\nContent-Type: text/html\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let now = talk.send(rec, Way::Out, ask.as_bytes(), talk.now);
        let now = talk.send(rec, Way::Back, answer.as_bytes(), now.plus(3 * MS));
        self.truth.flow(path.a, path.b, port, "http");
        talk.close(rec, Way::Out, now.plus(10 * MS))
    }

    /// A print job by LPD.
    pub fn print(
        &mut self,
        at: Timestamp,
        path: &Path,
        stacks: (Stack, Stack),
        (port, queue, host, user, title): (u16, &str, &str, &str, &str),
    ) -> Timestamp {
        let number = self.prng.between(1, 900) as u16;
        let document = lpd::document(title, self.prng.between(20, 120) as usize);
        let ends = Ends {
            a_port: self.prng.between(721, 731) as u16,
            b_port: port,
            a: stacks.0,
            b: stacks.1,
        };
        let (rec, prng) = (&mut self.rec, &mut self.prng);
        let mut talk = Talk::open(rec, prng, path, ends, at);
        let mut now = talk.send(rec, Way::Out, &lpd::receive_job(queue), talk.now);
        now = talk.send(rec, Way::Back, &[0], now.plus(MS));
        let control = lpd::control_file(host, user, title, number);
        for (command, content) in [
            (lpd::control_command(control.len(), host, number), &control),
            (lpd::data_command(document.len(), host, number), &document),
        ] {
            now = talk.send(rec, Way::Out, &command, now);
            now = talk.send(rec, Way::Back, &[0], now.plus(MS));
            let mut data = content.clone();
            data.push(0);
            now = talk.send(rec, Way::Out, &data, now);
            now = talk.send(rec, Way::Back, &[0], now.plus(MS));
        }
        self.truth.flow(path.a, path.b, port, "lpd");
        talk.close(rec, Way::Out, now.plus(MS))
    }

    /// Messages on one MLLP connection, each acknowledged.
    pub fn hl7(
        &mut self,
        at: Timestamp,
        path: &Path,
        stacks: (Stack, Stack),
        port: u16,
        route: &hl7::Route,
        messages: &[Message],
    ) -> Timestamp {
        let ends = Ends::new(&mut self.prng, stacks.0, stacks.1, port);
        let (rec, prng) = (&mut self.rec, &mut self.prng);
        let mut talk = Talk::open(rec, prng, path, ends, at);
        for message in messages {
            let time = talk.now.plus(message.wait * MS);
            let data = hl7::framed(&message.text);
            let mut cuts: Vec<usize> = (0..prng.below(3))
                .map(|_| prng.between(1, data.len() as i64 - 1) as usize)
                .collect();
            cuts.sort_unstable();
            let now = talk.send_cut(rec, Way::Out, &data, &cuts, time);
            let ack = hl7::acknowledgement(route, &hl7_time(now), message.event, &message.control);
            talk.send(
                rec,
                Way::Back,
                &hl7::framed(&ack),
                now.plus(prng.between(2, 30) * MS),
            );
        }
        self.truth.flow(path.a, path.b, port, "hl7");
        talk.close(rec, Way::Out, talk.now.plus(400 * MS))
    }

    /// A monitor connects and streams until `until`.
    pub fn stream(
        &mut self,
        monitor: &Monitor,
        path: &Path,
        stacks: (Stack, Stack),
        port: u16,
        (at, until): (Timestamp, Timestamp),
    ) -> Timestamp {
        let ends = Ends::new(&mut self.prng, stacks.0, stacks.1, port);
        let (rec, prng) = (&mut self.rec, &mut self.prng);
        let mut talk = Talk::open(rec, prng, path, ends, at);
        let from = talk.now.plus(prng.between(5, 80) * MS);
        let end = monitor.stream(rec, prng, &mut talk, (from, until));
        self.truth.flow(path.a, path.b, port, "contec-cms");
        if let Some(person) = &monitor.patient {
            self.truth.patient(person);
        }
        end
    }

    /// An admission and results for a person, as messages for [`Stage::hl7`].
    pub fn hl7_results(&mut self, route: &hl7::Route, at: Timestamp, person: &Person) -> Message {
        let control = format!("R{}", self.prng.between(10_000, 99_999));
        let heart = self.prng.between(55, 110).to_string();
        let saturation = self.prng.between(90, 99).to_string();
        let observations = [
            hl7::Observation {
                code: "147842^MDC_ECG_HEART_RATE^MDC",
                value: &heart,
                unit: "264864^MDC_DIM_BEAT_PER_MIN^MDC",
            },
            hl7::Observation {
                code: "150456^MDC_PULS_OXIM_SAT_O2^MDC",
                value: &saturation,
                unit: "262688^MDC_DIM_PERCENT^MDC",
            },
        ];
        let text = hl7::results(route, &hl7_time(at), &control, person, &observations);
        self.truth.patient(person);
        let wait = self.prng.between(200, 3000);
        Message {
            wait,
            text,
            event: "R01",
            control,
        }
    }

    /// An admission, as a message for [`Stage::hl7`].
    pub fn hl7_admission(
        &mut self,
        route: &hl7::Route,
        at: Timestamp,
        person: &Person,
        (ward, bed): (&str, u8),
    ) -> Message {
        let control = format!("A{}", self.prng.between(10_000, 99_999));
        let text = hl7::admission(route, &hl7_time(at), &control, person, ward, bed);
        self.truth.patient(person);
        let wait = self.prng.between(200, 3000);
        Message {
            wait,
            text,
            event: "A01",
            control,
        }
    }
}

/// A time as HL7 writes it.
pub fn hl7_time(at: Timestamp) -> String {
    let (year, month, day, hour, minute, second, _) = at.civil();
    format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}+0000")
}
