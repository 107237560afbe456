//! What is said in the conversations of a bulk capture: made once, said many times.

use auscult_model::{MacAddr, Timestamp};

use super::START;
use crate::frame::Scene;
use crate::monitor::{Cut, Monitor};
use crate::net::{Host, Path, Recorder, SECOND, Way};
use crate::people::People;
use crate::prng::Prng;
use crate::speak::{hl7, tls};
use crate::stage::hl7_time;
use crate::talk::{Ends, Talk};
use crate::truth::Truth;
use crate::wire::tcp::Stack;

/// What a conversation is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Telemetry,
    Hl7,
    Http,
    Tls,
    Dns,
}

impl Kind {
    pub(super) const ALL: [Kind; 5] =
        [Kind::Telemetry, Kind::Hl7, Kind::Http, Kind::Tls, Kind::Dns];
    pub(super) const CONNECTIONS: [Kind; 4] = [Kind::Telemetry, Kind::Hl7, Kind::Http, Kind::Tls];

    pub(super) fn port(self) -> u16 {
        match self {
            Kind::Telemetry => 515,
            Kind::Hl7 => 2575,
            Kind::Http => 80,
            Kind::Tls => 443,
            Kind::Dns => 53,
        }
    }
}

type Turn = (Way, Vec<u8>);

/// What both sides say: once at the beginning, then round after round.
pub(super) struct Script {
    opening: Vec<Turn>,
    rounds: Vec<Vec<Turn>>,
}

impl Script {
    fn say(turns: &[Turn], talk: &mut Talk, rec: &mut Recorder, at: Timestamp) -> Timestamp {
        let say = |at, (way, bytes): &Turn| talk.send(rec, *way, bytes, at);
        turns.iter().fold(at, say)
    }

    /// Says the beginning.
    pub(super) fn open(&self, talk: &mut Talk, rec: &mut Recorder) -> Timestamp {
        let now = talk.now;
        Script::say(&self.opening, talk, rec, now)
    }

    /// Says a round; after the last comes the first again.
    pub(super) fn round(
        &self,
        number: usize,
        talk: &mut Talk,
        rec: &mut Recorder,
        at: Timestamp,
    ) -> Timestamp {
        match self.rounds.get(number % self.rounds.len().max(1)) {
            Some(turns) => Script::say(turns, talk, rec, at),
            None => at,
        }
    }
}

/// Variants of each.
const VARIANTS: usize = 16;

/// The scripts of connections, several of each kind.
pub(super) struct Scripts {
    of: [Vec<Script>; Kind::CONNECTIONS.len()],
}

impl Scripts {
    pub(super) fn new(prng: &Prng) -> Scripts {
        let mut people = People::new(prng.fork("people"));
        let of = Kind::CONNECTIONS.map(|kind| {
            let mut prng = prng.fork(&format!("{kind:?}"));
            let variants = 0..VARIANTS;
            variants
                .map(|n| match kind {
                    Kind::Telemetry => telemetry(&mut prng, &mut people, n),
                    Kind::Hl7 => hl7_results(&mut prng, &mut people),
                    Kind::Http => pages(&mut prng),
                    Kind::Tls | Kind::Dns => tls_records(&mut prng, n),
                })
                .collect()
        });
        Scripts { of }
    }

    /// The script of a connection; `variant` may be any number.
    pub(super) fn of(&self, kind: Kind, variant: usize) -> &Script {
        let of_kind = &self.of[kind as usize % self.of.len()];
        &of_kind[variant % VARIANTS]
    }
}

/// A minute of a monitor's stream, cut into pieces that need not end where blocks do. The last
/// piece ends with a block, so that the stream can begin again.
fn telemetry(prng: &mut Prng, people: &mut People, n: usize) -> Script {
    let host = |last| Host {
        mac: MacAddr([2, 0, 0, 0, 0, last]),
        ip: [10, 0, 0, last].into(),
        vlan: None,
        stack: Stack::EMBEDDED_LINUX,
    };
    let path = Path::on_link(&host(1), &host(2));
    let mut rec = Recorder::new();
    let ends = Ends::new(prng, Stack::EMBEDDED_LINUX, Stack::WINDOWS, 515);
    let mut talk = Talk::open(&mut rec, prng, &path, ends, START);
    let mut monitor = Monitor::any(prng, n as u8 + 1, "ICU", Some(people.person()));
    monitor.habits.cut = Cut::Cycles;
    let until = START.plus(60 * SECOND);
    monitor.stream(&mut rec, prng, &mut talk, (START, until));
    let scene = Scene::ethernet(rec.finish(), Truth::new(""));
    let stream = scene.streams().pop().map_or_else(Vec::new, |s| s.out);
    let piece = prng.between(500, 1400) as usize;
    let rounds = stream.chunks(piece);
    Script {
        opening: Vec::new(),
        rounds: rounds
            .map(|bytes| vec![(Way::Out, bytes.to_vec())])
            .collect(),
    }
}

fn hl7_results(prng: &mut Prng, people: &mut People) -> Script {
    let route = hl7::Route {
        sender: "LABOR".to_owned(),
        facility: "KLINIK".to_owned(),
        receiver: "ENGINE".to_owned(),
        receiver_facility: "KLINIK".to_owned(),
    };
    let round = |n: i64| {
        let person = people.person();
        let time = hl7_time(START.plus(n * SECOND));
        let control = format!("B{:06}", prng.below(1_000_000));
        let values: Vec<String> = (0..8).map(|_| prng.between(20, 190).to_string()).collect();
        let results: Vec<hl7::Observation<'_>> = values
            .iter()
            .map(|value| hl7::Observation {
                code: "2160-0^Creatinine^LN",
                value,
                unit: "umol/L",
            })
            .collect();
        let message = hl7::results(&route, &time, &control, &person, &results);
        let answer = hl7::acknowledgement(&route, &time, "R01", &control);
        vec![
            (Way::Out, hl7::framed(&message)),
            (Way::Back, hl7::framed(&answer)),
        ]
    };
    Script {
        opening: Vec::new(),
        rounds: (0..4).map(round).collect(),
    }
}

fn pages(prng: &mut Prng) -> Script {
    let mut round = |n: u32| {
        let request = format!(
            "GET /pages/{n}.html HTTP/1.1\r\nHost: intranet.klinik.example\r\n\
             User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64)\r\nAccept: text/html\r\n\r\n"
        );
        let body = "<p>Nothing on this page is about anybody.</p>\n";
        let body = body.repeat(prng.between(5, 120) as usize);
        let response = format!(
            "HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/html\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        vec![
            (Way::Out, request.into_bytes()),
            (Way::Back, response.into_bytes()),
        ]
    };
    Script {
        opening: Vec::new(),
        rounds: (0..4).map(&mut round).collect(),
    }
}

fn tls_records(prng: &mut Prng, n: usize) -> Script {
    let name = format!("service{n}.klinik.example");
    let opening = vec![
        (Way::Out, tls::client_hello(prng, &name)),
        (Way::Back, tls::server_flight(prng)),
    ];
    let mut round = || {
        let (question, answer) = (prng.between(80, 700), prng.between(300, 6000));
        vec![
            (Way::Out, tls::opaque(prng, question as usize)),
            (Way::Back, tls::opaque(prng, answer as usize)),
        ]
    };
    Script {
        opening,
        rounds: (0..4).map(|_| round()).collect(),
    }
}
