//! The first inputs of each target, made by the lab: its encoders never saw our parsers.
//!
//! They are made at the start of each run, so that they follow the lab and nothing binary is kept.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;

use auscult_engine::{State, Unwatched, analyze, remember};
use auscult_lab::speak::rpc::{Xdr, call, record, reply};
use auscult_lab::{Options, Scene, Stream, Transform, files, generate, scenarios};
use auscult_model::{LinkType, Timestamp, Transport};
use auscult_packet::{Layers, decode};
use auscult_protocols::{ALL, Probe, Seen};
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use crate::Scratch;
use crate::bundle;
use crate::conversation::Conversation;

/// The lab's seed of all scenes.
const SCENE: u64 = 7;
/// Longest capture, in bytes.
const CAPTURE_MAX: usize = 6_000;
/// Longest share of one side of a conversation.
const SIDE_MAX: usize = 3_000;

/// Inputs of a target.
pub type Seeds = Vec<Vec<u8>>;

/// The seeds of a target by its name; `None` when there is no such target.
pub fn of(target: &str) -> Option<Seeds> {
    Some(match target {
        "capture" => captures(),
        "engine" => {
            let of_scenes = scenes().iter().map(files::pcap).collect::<Seeds>();
            [of_scenes, vec![by_hand()]].concat()
        }
        "evidence" => evidence(),
        "flow" | "fragments" => noise(),
        "packet" => frames(),
        "protocols" => conversations(),
        "register" => registers(),
        "report" => reports(),
        "settings" => settings(),
        "state" => facts(),
        _ => return None,
    })
}

/// All small scenes, and one of them captured in every way, cut to their first packets.
fn scenes() -> Vec<Scene> {
    let ways = [
        Transform::CookedV1,
        Transform::CookedV2,
        Transform::DoubleTagged(100),
        Transform::DirectionalTags(100),
        Transform::Fragmented(400),
        Transform::NoHandshakes,
        Transform::RoutedCopies(30),
        Transform::SmallSegments(60),
        Transform::Reordered(4),
        Transform::Retransmitted(20),
        Transform::ClockJump,
        Transform::Snaplen(128),
        Transform::Loss(100),
    ];
    let plain = scenarios()
        .iter()
        .map(|scenario| (scenario.name, Vec::new()));
    let captured = ways.into_iter().map(|way| ("nfs-update-inside", vec![way]));
    let mut scenes: Vec<Scene> = plain
        .filter(|(name, _)| *name != "ward")
        .chain(captured)
        .filter_map(|(name, transforms)| {
            generate(
                name,
                SCENE,
                &Options {
                    transforms,
                    ..Options::default()
                },
            )
            .ok()
        })
        .collect();
    for scene in &mut scenes {
        let mut length = 0;
        scene.frames.retain(|frame| {
            length += 16 + frame.bytes.len();
            length <= CAPTURE_MAX
        });
    }
    scenes
}

/// One scene in every container, and all details of the formats that it does not need.
fn captures() -> Seeds {
    let mut scene = generate("attempts-arp-only", SCENE, &Options::default());
    if let Ok(scene) = &mut scene {
        scene.frames.truncate(12);
    }
    let mut seeds = Seeds::new();
    for scene in scenes().iter().take(4).chain(&scene) {
        seeds.extend([files::pcap(scene), files::pcapng(scene)]);
    }
    seeds.push(big_endian());
    // Kuznetzov's longer records, and the early version with its lengths in the other order.
    for (magic, minor, longer) in [(0xa1b2_cd34u32, 4u8, 8), (0xa1b2_c3d4, 2, 0)] {
        let mut file = magic.to_le_bytes().to_vec();
        file.extend([
            2, 0, minor, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0,
        ]);
        for second in 1..4u8 {
            file.extend([second, 0, 0, 0, 9, 0, 0, 0, 20, 0, 0, 0, 20, 0, 0, 0]);
            file.extend(vec![0; longer]);
            file.extend([second; 20]);
        }
        seeds.push(file);
    }
    seeds.push(all_blocks());
    for plain in seeds.clone().iter().rev().take(5) {
        let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::best());
        seeds.extend(gzip.write_all(plain).and_then(|()| gzip.finish()).ok());
        seeds.push(compress_to_vec(plain.as_slice(), CompressionLevel::Fastest));
    }
    seeds
}

/// A capture of the frames that the lab does not make.
fn by_hand() -> Vec<u8> {
    let mut file = 0xa1b2_3c4du32.to_le_bytes().to_vec();
    file.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0]);
    for (number, seed) in ipv6().iter().chain(&llc()).enumerate() {
        // Without what tells the packet target how to read it.
        let frame = seed.get(3..).unwrap_or_default();
        let length = frame.len() as u32;
        for word in [1_780_300_000, number as u32, length, length] {
            file.extend(word.to_le_bytes());
        }
        file.extend(frame);
    }
    file
}

fn big_endian() -> Vec<u8> {
    let mut file = 0xa1b2_c3d4u32.to_be_bytes().to_vec();
    file.extend([0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 101]);
    for second in 1..4u32 {
        for number in [second, 7, 24, 60] {
            file.extend(number.to_be_bytes());
        }
        file.extend([0x45; 24]);
    }
    file
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let length = (body.len().next_multiple_of(4) as u32 + 12).to_le_bytes();
    let mut block = [&kind.to_le_bytes()[..], &length, body].concat();
    block.resize(block.len().next_multiple_of(4), 0);
    block.extend(length);
    block
}

/// pcapng with each kind of block, clocks of several units, and a second section.
fn all_blocks() -> Vec<u8> {
    let mut section = vec![0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0];
    section.extend([0xff; 8]);
    let interface = |unit: u8| {
        let mut body = vec![1, 0, 0, 0, 0, 0, 4, 0, 2, 0, 3, 0, b'e', b't', b'h', 0];
        body.extend([
            9, 0, 1, 0, unit, 0, 0, 0, 14, 0, 8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ]);
        block(1, &body)
    };
    let numbers = |list: &[u32], data: &[u8]| {
        let mut body: Vec<u8> = list
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect();
        body.extend(data);
        body
    };
    let mut file = block(0x0a0d_0d0a, &section);
    for unit in [6, 9, 0x8a, 12, 0] {
        file.extend(interface(unit));
    }
    for number in 0..5 {
        file.extend(block(6, &numbers(&[number, 5, 77, 30, 60], &[2; 30])));
    }
    file.extend(block(3, &numbers(&[20], &[3; 20])));
    file.extend(block(2, &numbers(&[1, 5, 77, 22, 22], &[4; 22])));
    let statistics = [
        4, 0, 8, 0, 9, 0, 0, 0, 0, 0, 0, 0, 5, 0, 8, 0, 1, 0, 0, 0, 0, 0, 0, 0,
    ];
    file.extend(block(5, &numbers(&[0, 5, 77], &statistics)));
    for kind in [4, 9, 10, 0x0bad, 0x4000_0bad, 0x204] {
        file.extend(block(kind, &[0; 16]));
    }
    file.extend(block(0x0a0d_0d0a, &section));
    file.extend(interface(6));
    file.extend(block(6, &numbers(&[0, 5, 99, 6, 6], &[6; 6])));
    file
}

/// Structured inputs have no form to be made by hand: bytes to begin with.
fn noise() -> Seeds {
    let mut state = SCENE;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    };
    [64, 250, 1000]
        .map(|length| (0..length).map(|_| next()).collect())
        .to_vec()
}

/// What tells one kind of frame from another.
fn kind_of(layers: &Layers) -> (u16, u8, Option<u16>, bool, bool) {
    let service = layers.ports().map(|(from, to)| from.min(to));
    let fragment = layers.fragment.is_some();
    (
        layers.ethertype,
        layers.ip_protocol,
        service,
        fragment,
        layers.vlan_depth > 0,
    )
}

/// One frame of each kind that the lab makes, and what it does not make.
fn frames() -> Seeds {
    let mut kinds = BTreeSet::new();
    let mut seeds = Seeds::new();
    for scene in scenes() {
        let link = scene
            .interfaces
            .first()
            .map_or(1, |interface| interface.link.number());
        for frame in scene.frames {
            let layers = decode(LinkType(link), &frame.bytes, frame.wire_len);
            if kinds.insert((link, kind_of(&layers))) {
                let index = [113, 276]
                    .iter()
                    .position(|it| *it == link)
                    .map_or(0, |at| [4, 7][at]);
                let kept = &frame.bytes[..frame.bytes.len().min(300)];
                seeds.push([&[index, 60, 0], kept].concat());
                if layers.is_ip() {
                    let packet = kept.get(layers.ip_start as usize..).unwrap_or_default();
                    seeds.push([&[3, 60, 0], packet].concat());
                }
            }
        }
    }
    seeds.extend(ipv6());
    seeds.extend(llc());
    seeds
}

/// IPv6 with each extension header in front of TCP, a router's advertisement, a quoted error.
fn ipv6() -> Seeds {
    let packet = |next: u8, body: &[u8]| {
        let length = (body.len() as u16).to_be_bytes();
        let mut frame = vec![0, 60, 0, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x86, 0xdd];
        frame.extend([0x60, 0, 0, 0, length[0], length[1], next, 255]);
        frame.extend([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        frame.extend([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
        frame.extend(body);
        frame
    };
    let tcp = [
        0x9c, 0x40, 2, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x18, 1, 0, 0, 0, 0, 0, 7, 7, 7, 7,
    ];
    let mut seeds = vec![packet(6, &tcp)];
    for (kind, header) in [
        (0u8, &[6, 0, 1, 4, 0, 0, 0, 0][..]),
        (43, &[6, 0, 4, 0, 0, 0, 0, 0]),
        (44, &[6, 0, 0, 0, 0, 0, 0, 9]),
        (44, &[6, 0, 0, 1, 0, 0, 0, 9]),
        (44, &[6, 0, 0, 8, 0, 0, 0, 9]),
        (51, &[6, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2]),
        (60, &[6, 0, 1, 4, 0, 0, 0, 0]),
    ] {
        seeds.push(packet(kind, &[header, &tcp].concat()));
    }
    let mut router = vec![134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0];
    router.extend([
        3, 4, 64, 0xc0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0x20, 1, 0xd, 0xb8,
    ]);
    router.extend([0; 12]);
    router.extend([1, 1, 2, 0, 0, 0, 0, 1]);
    seeds.push(packet(58, &router));
    let quote = packet(6, &tcp)[17..].to_vec();
    seeds.push(packet(
        58,
        &[&[1, 4, 0, 0, 0, 0, 0, 0], &quote[..]].concat(),
    ));
    seeds
}

/// IEEE 802.3 with SNAP, and tags in tags.
fn llc() -> Seeds {
    let udp = [
        0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
    ];
    let udp = [&udp[..], &[0, 53, 0xc0, 1, 0, 12, 0, 0, 1, 2, 3, 4]].concat();
    let macs = [0, 60, 0, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    let snap = [&macs[..], &[0, 40, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &udp].concat();
    let tags = [&macs[..], &[0x88, 0xa8, 0, 9, 0x81, 0, 0, 10, 8, 0], &udp].concat();
    vec![snap, tags]
}

/// What both sides said, for each protocol that knows it.
fn conversations() -> Seeds {
    let mut seeds = Seeds::new();
    for scene in scenes() {
        for stream in scene.streams() {
            let Stream {
                mut out, mut back, ..
            } = stream;
            out.truncate(SIDE_MAX);
            back.truncate(SIDE_MAX);
            seeds.extend(known_as(Transport::Tcp, &out, &back));
        }
        for frame in &scene.frames {
            let layers = decode(LinkType::ETHERNET, &frame.bytes, frame.wire_len);
            if let auscult_packet::Transport::Udp(_) = layers.transport {
                seeds.extend(known_as(
                    Transport::Udp,
                    layers.payload_of(&frame.bytes),
                    &[],
                ));
            }
        }
    }
    let post = (
        &b"USER anna\r\nPASS secret\r\nSTAT\r\nQUIT\r\n"[..],
        &b"+OK ready\r\n+OK\r\n"[..],
    );
    let telnet = (
        &b"\xff\xfb\x18anna\r\nsecret\r\n"[..],
        &b"\xff\xfd\x18login: Password: $ "[..],
    );
    let (calls, replies) = version_4();
    for (out, back) in [post, telnet, (&calls[..], &replies[..])] {
        seeds.extend(known_as(Transport::Tcp, out, back));
    }
    let file = (
        &b"\0\x01boot.img\0octet\0blksize\x001024\0"[..],
        &b"\0\x06blksize\x001024\0"[..],
    );
    seeds.extend(known_as(Transport::Udp, file.0, file.1));
    seeds.sort();
    seeds.dedup();
    seeds
}

/// NFSv4, which the lab does not speak: a file is looked up and read (RFC 7530).
fn version_4() -> (Vec<u8>, Vec<u8>) {
    let words = |xdr: Xdr, list: &[u32]| list.iter().fold(xdr, |xdr, word| xdr.u32(*word));
    let asked =
        |xid: u32, arguments: &Xdr| record(&call(xid, (100_003, 4, 1), None, arguments), 999);
    let answered = |xid: u32, results: &Xdr| record(&reply(xid, results), 999);
    // PUTROOTFH, LOOKUP, GETFH; PUTFH, READ, GETATTR with the size.
    let lookup = words(Xdr::new().opaque(b"t"), &[0, 3, 24, 15])
        .opaque(b"monitor")
        .u32(10);
    let found = words(Xdr::new().u32(0).opaque(b"t"), &[3, 24, 0, 15, 0, 10, 0]).opaque(b"handle");
    let read = words(Xdr::new().opaque(b""), &[0, 3, 22]).opaque(b"handle");
    let read = words(read, &[25, 0, 0, 0, 0, 0, 0, 4096, 9, 1, 0x10]);
    let data =
        words(Xdr::new().u32(0).opaque(b""), &[3, 22, 0, 25, 0, 1]).opaque(b"\x7fELF and so on");
    let data = words(data, &[9, 0, 1, 0x10]).opaque(&[0, 0, 0, 0, 0, 0, 0, 14]);
    (
        [asked(2, &lookup), asked(3, &read)].concat(),
        [answered(2, &found), answered(3, &data)].concat(),
    )
}

/// An input for each protocol that takes this for its own.
fn known_as(transport: Transport, out: &[u8], back: &[u8]) -> Seeds {
    let mut seeds = Seeds::new();
    let seen = Seen {
        transport,
        originator: out,
        responder: back,
        from_start: true,
    };
    for (index, protocol) in ALL.iter().enumerate() {
        let transports = protocol.record().transports;
        let Some(way) = transports.iter().position(|it| *it == transport) else {
            continue;
        };
        if protocol.probe(&seen) >= Probe::Likely {
            for (dice, hole) in [(0, 0), (1, 0x0c01)] {
                let (which, flags) = (index as u8, way as u8);
                seeds.push(
                    Conversation {
                        which,
                        flags,
                        dice,
                        hole,
                        out,
                        back,
                    }
                    .write(),
                );
            }
        }
    }
    seeds
}

/// What each scene comes to, as JSON.
fn reports() -> Seeds {
    let report = |scene: &Scene| {
        let found = Scratch::with(&files::pcap(scene), |path| {
            analyze(
                &[path.to_owned()],
                &auscult_engine::Options::default(),
                &mut Unwatched,
            )
        });
        Some(auscult_report::json(&found.ok()?).ok()?.into_bytes())
    };
    scenes().iter().filter_map(report).collect()
}

/// Bundles of every scene with findings, as they are and as members; frames to be masked.
fn evidence() -> Seeds {
    let mut seeds = Seeds::new();
    for scene in scenes() {
        let made = Scratch::with(&files::pcap(&scene), |path| bundle::of(path));
        let Some(zip) = made else {
            continue;
        };
        let members = bundle::members(&zip);
        seeds.push([vec![1], members.join(bundle::MARK)].concat());
        seeds.push([vec![0], zip].concat());
    }
    for seed in frames() {
        // Behind the link's number, one frame with marks in its middle.
        let frame = seed.get(3..).unwrap_or_default();
        let half = u8::try_from(frame.len().div_ceil(2)).unwrap_or(u8::MAX);
        let head = [2, 1, 1, half / 2, half, half];
        seeds.push([&head[..], frame, &[half], frame].concat());
    }
    seeds
}

/// The facts that a state keeps of each scene.
fn facts() -> Seeds {
    let state = std::env::temp_dir().join(format!("auscult-seeds-{}", std::process::id()));
    let kept = |scene: &Scene| {
        std::fs::remove_file(&state).ok();
        Scratch::with(&files::pcap(scene), |path| {
            let (paths, options) = ([path.to_owned()], auscult_engine::Options::default());
            remember(&state, &paths, &options, Timestamp(0), &mut Unwatched)
        })
        .ok()?;
        State::read(&state).ok()?.facts().ok()?
    };
    let seeds = scenes().iter().filter_map(kept).collect();
    std::fs::remove_file(&state).ok();
    seeds
}

/// Every file of a folder of the crates.
fn ours(folder: &str) -> Seeds {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let entries = std::fs::read_dir(crates.join(folder));
    let entries = entries.into_iter().flatten().flatten();
    entries
        .filter_map(|entry| std::fs::read(entry.path()).ok())
        .collect()
}

/// Registers of our own making, which the tests read too.
fn registers() -> Seeds {
    ours("auscult-register/tests/exports")
}

/// All signatures, and a site file with everything in it.
fn settings() -> Seeds {
    let mut seeds = ours("auscult-inventory/signatures");
    let site = "[site]\ncountry = \"IE\"\nnetworks = [\"192.0.2.0/24\", \"2001:db8::/32\"]\n\
        guest = [\"10.99.0.0/16\"]\nbench = []\nsinkholes = [\"202.114.4.119\"]\n\n\
        [[partner]]\nname = \"Laboratory\"\nnetworks = [\"198.51.100.0/24\"]\nvia = \"IPsec\"\n";
    let rule = "[[rule]]\nid = \"no-telnet\"\ntitle = \"Telnet\"\nseverity = \"low\"\n\
        because = \"forbidden\"\n[rule.devices]\nrole = [\"server\"]\nnetwork = [\"10.0.0.0/8\"]\n\
        [rule.holds]\nall = [{ conversation = { protocol = [\"telnet\"], outside = true } }, \
        { none = [{ finding = { rule = \"scan\" } }] }]\n[[rule.test]]\ncapture = \"a.pcap\"\n\
        finds = [\"10.1.2.3\"]\n";
    seeds.extend([site, rule].map(|text| text.as_bytes().to_vec()));
    seeds
}
