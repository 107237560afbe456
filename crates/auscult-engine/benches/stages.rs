//! One stage at a time over what the lab makes: reader, decoding, flows, reassembly, the reader
//! of each protocol, the inventory, the report.
//!
//! `stages` names them; `stages NAME REPETITIONS` does the work so often and prints how many
//! units a repetition has and how long all took. `cargo xtask bench stages` counts the
//! instructions between one repetition and several, so that preparing costs nothing.

mod material;

use std::hint::black_box;
use std::io::{self, Cursor, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use auscult_capture::{Batch, CaptureReader};
use auscult_detect::{Context, Facts};
use auscult_engine::{Options, Unwatched, analyze};
use auscult_flow::{At, FlowFacts, FlowTable, Limits, Packet, Readers};
use auscult_inventory::{Inventory, Ledger, SiteOptions};
use auscult_lab::files;
use auscult_model::report::Report;
use auscult_model::{Direction, FileIndex, LinkType, PacketRef};
use auscult_packet::{Layers, Part, decode_into, dispatch_key};
use auscult_protocols::{ALL, Probe};

use material::{Talk, events, scene, talks};

/// A stage that is ready.
struct Stage {
    /// What a repetition consists of.
    unit: &'static str,
    /// How many of them.
    units: u64,
    work: Box<dyn FnMut()>,
}

type Prepare = fn() -> Stage;

/// All but the protocols.
const STAGES: [(&str, Prepare); 12] = [
    ("reader-pcap", || reader(files::pcap(&scene()))),
    ("reader-pcapng", || reader(files::pcapng(&scene()))),
    ("dispatch", dispatch),
    ("decode", decode),
    ("flow", || flow(false)),
    ("reassembly", || flow(true)),
    ("probes", probes),
    ("world-events", world_events),
    ("world-devices", world_devices),
    ("world-findings", world_findings),
    ("report-json", report_json),
    ("whole", whole),
];

/// Before the name of a protocol.
const FRAMER: &str = "framer-";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with("--"))
        .collect();
    let mut out = io::stdout().lock();
    let done = match words.as_slice() {
        [name, repetitions] => repetitions
            .parse()
            .ok()
            .and_then(|repetitions| measure(name, repetitions))
            .map(|line| writeln!(out, "{line}")),
        _ => Some(names().try_for_each(|name| writeln!(out, "{name}"))),
    };
    match done {
        Some(Ok(())) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn names() -> impl Iterator<Item = String> {
    let stages = STAGES.iter().map(|(name, _)| (*name).to_owned());
    let protocols = ALL.iter().map(|protocol| protocol.record().name);
    stages.chain(protocols.map(|name| format!("{FRAMER}{name}")))
}

fn measure(name: &str, repetitions: u32) -> Option<String> {
    let mut stage = match name.strip_prefix(FRAMER) {
        Some(protocol) => framer(protocol)?,
        None => STAGES.iter().find(|stage| stage.0 == name)?.1(),
    };
    let begin = Instant::now();
    for _ in 0..repetitions {
        (stage.work)();
    }
    let nanoseconds = begin.elapsed().as_nanos();
    Some(format!("{} {} {nanoseconds}", stage.units, stage.unit))
}

fn reader(bytes: Vec<u8>) -> Stage {
    let bytes: Arc<[u8]> = bytes.into();
    let work = move || {
        let source = Box::new(Cursor::new(Arc::clone(&bytes)));
        let options = auscult_capture::Options::default();
        let opened = CaptureReader::new("bench", FileIndex(0), source, options);
        let mut reader = opened.expect("a capture of the lab");
        let mut batch = Batch::new();
        while reader.next_batch(&mut batch) {
            black_box(batch.packets.len());
        }
    };
    Stage {
        unit: "packet",
        units: scene().frames.len() as u64,
        work: Box::new(work),
    }
}

fn frames() -> Vec<Vec<u8>> {
    scene()
        .frames
        .into_iter()
        .map(|frame| frame.bytes)
        .collect()
}

fn dispatch() -> Stage {
    let frames = frames();
    Stage {
        unit: "packet",
        units: frames.len() as u64,
        work: Box::new(move || {
            for frame in &frames {
                black_box(dispatch_key(LinkType::ETHERNET, frame));
            }
        }),
    }
}

fn decode() -> Stage {
    let frames = frames();
    Stage {
        unit: "packet",
        units: frames.len() as u64,
        work: Box::new(move || {
            let mut layers = Layers::new(LinkType::ETHERNET);
            for frame in &frames {
                let length = frame.len() as u32;
                decode_into(&mut layers, LinkType::ETHERNET, frame, length);
                black_box(&layers);
            }
        }),
    }
}

/// Takes the bytes of flows, or does not want them.
struct Taker {
    wants: bool,
    bytes: u64,
}

impl Readers for Taker {
    type Reader = ();

    fn wants(&self, (): &()) -> bool {
        self.wants
    }

    fn bytes(&mut self, _: &FlowFacts, (): &mut (), _: Direction, bytes: &[u8], _: At, _: bool) {
        self.bytes += bytes.len() as u64;
    }

    fn gap(&mut self, _: &FlowFacts, (): &mut (), _: Direction, _: Option<u64>, _: At) {}

    fn datagram(
        &mut self,
        _: &FlowFacts,
        (): &mut (),
        _: Direction,
        bytes: &[u8],
        _: At,
        _: &[Part],
    ) {
        self.bytes += bytes.len() as u64;
    }

    fn is_medical(&self, (): &()) -> bool {
        false
    }

    fn ended(&mut self, _: &FlowFacts, (): ()) {}
}

fn flow(wants: bool) -> Stage {
    let frames = scene().frames;
    let layers: Vec<Layers> = frames
        .iter()
        .map(|frame| auscult_packet::decode(LinkType::ETHERNET, &frame.bytes, frame.wire_len))
        .collect();
    let work = move || {
        let mut table = FlowTable::new(Limits::share(1 << 16, 1 << 24, 1));
        let mut taker = Taker { wants, bytes: 0 };
        for (number, (frame, layers)) in frames.iter().zip(&layers).enumerate() {
            let packet = Packet {
                layers,
                bytes: &frame.bytes,
                parts: &[],
                reference: PacketRef {
                    file: FileIndex(0),
                    number: number as u64 + 1,
                },
                time: frame.time,
                clock: frame.time,
                packets: 1,
                wire_bytes: u64::from(frame.wire_len),
                segment: layers.segment(),
                tunnel: None,
            };
            table.packet(&packet, &mut taker);
        }
        table.finish(&mut taker);
        black_box(taker.bytes);
    };
    Stage {
        unit: "packet",
        units: scene().frames.len() as u64,
        work: Box::new(work),
    }
}

fn probes() -> Stage {
    let talks = talks();
    Stage {
        unit: "flow",
        units: talks.len() as u64,
        work: Box::new(move || {
            for talk in &talks {
                for protocol in ALL {
                    black_box(talk.probe(*protocol));
                }
            }
        }),
    }
}

/// Nothing when the lab has no conversation of the protocol.
fn framer(name: &str) -> Option<Stage> {
    let protocol = *ALL.iter().find(|one| one.record().name == name)?;
    let mut talks = talks();
    talks.retain(|talk| talk.probe(protocol) >= Probe::Likely);
    let bytes = talks.iter().map(Talk::bytes).sum();
    (bytes > 0).then(|| Stage {
        unit: "byte",
        units: bytes,
        work: Box::new(move || {
            for talk in &talks {
                black_box(talk.read(protocol));
            }
        }),
    })
}

fn ledger() -> Ledger {
    let mut ledger = Ledger::new(auscult_inventory::Limits::default());
    for event in events() {
        ledger.event(&event);
    }
    ledger
}

fn world_events() -> Stage {
    let events = events();
    Stage {
        unit: "event",
        units: events.len() as u64,
        work: Box::new(move || {
            let mut ledger = Ledger::new(auscult_inventory::Limits::default());
            let mut facts = Facts::default();
            for event in &events {
                ledger.event(event);
                auscult_detect::observe(event, &mut facts);
            }
            black_box((&ledger, &facts));
        }),
    }
}

fn world_devices() -> Stage {
    let ledger = ledger();
    let site = SiteOptions::default();
    let units = Inventory::resolve(&ledger, &site).devices.len() as u64;
    Stage {
        unit: "device",
        units,
        work: Box::new(move || {
            black_box(Inventory::resolve(&ledger, &site).devices.len());
        }),
    }
}

fn world_findings() -> Stage {
    let ledger = ledger();
    let mut facts = Facts::default();
    for event in events() {
        auscult_detect::observe(&event, &mut facts);
    }
    let inventory = Inventory::resolve(&ledger, &SiteOptions::default());
    let Report {
        captures, health, ..
    } = report();
    Stage {
        unit: "device",
        units: inventory.devices.len() as u64,
        work: Box::new(move || {
            let context = Context {
                ledger: &ledger,
                inventory: &inventory,
                captures: &captures,
                health: &health,
            };
            let view = auscult_detect::View::new(&context);
            black_box(auscult_detect::conclude(&facts, &view).len());
        }),
    }
}

/// The scene as a file that is there while it is read.
fn with_file<T>(work: impl FnOnce(&[PathBuf]) -> T) -> T {
    let name = format!("auscult-stages-{}.pcap", std::process::id());
    let file = std::env::temp_dir().join(name);
    std::fs::write(&file, files::pcap(&scene())).expect("a place for a capture");
    let result = work(std::slice::from_ref(&file));
    std::fs::remove_file(&file).expect("it was there");
    result
}

fn report() -> Report {
    let report = with_file(|paths| analyze(paths, &Options::default(), &mut Unwatched));
    report.expect("a capture of the lab")
}

fn report_json() -> Stage {
    let report = report();
    Stage {
        unit: "device",
        units: report.devices.len() as u64,
        work: Box::new(move || {
            let mut out = Vec::new();
            auscult_report::write_json(&report, &mut out).expect("memory does not fail");
            black_box(out.len());
        }),
    }
}

fn whole() -> Stage {
    Stage {
        unit: "packet",
        units: scene().frames.len() as u64,
        work: Box::new(|| {
            black_box(report().devices_total);
        }),
    }
}
