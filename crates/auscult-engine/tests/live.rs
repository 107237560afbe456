//! Programs of others, alive: servers and clients of Debian and PyPI in network namespaces, their
//! traffic captured at the switch, and the report compared with what they announced and moved.
//!
//! Needs root, `ip netns` and the Debian packages that `cargo xtask test` installs; what is absent
//! skips its scene with a loud line. `AUSCULT_LIVE_KEEP=FOLDER` keeps the captures. Limit: frames
//! are lost on the line only; losses of the capture itself are the lab's part.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "live/bench.rs"]
mod bench;
mod cases;
#[path = "live/imaging.rs"]
mod imaging;
#[path = "live/logins.rs"]
mod logins;
#[path = "live/names.rs"]
mod names;
#[path = "live/shares.rs"]
mod shares;
#[path = "live/ward.rs"]
mod ward;

use std::net::IpAddr;
use std::path::Path;

use auscult_lab::truth::sha256;
use auscult_lab::{Truth, generate};
use auscult_model::report::{ArtifactEntry, Device, Report, Where};

use ward::{Line, Ward, text};

const MONITOR: &str = "10.20.30.24";
/// As far as another continent, and it loses what stacks send again.
const LONG_LINE: Line = Line {
    delay: 120,
    lose: 7,
};
const MONITOR_MAC: &str = "02:00:00:00:30:24";
const SERVER: &str = "10.20.30.9";
const SERVER_MAC: &str = "02:00:00:00:30:09";
/// The address that the firmware of the CMS8000 has built in.
const FAR: &str = "202.114.4.119";

/// All that is wrong, at once.
#[derive(Default)]
struct Bad(Vec<String>);

impl Bad {
    fn unless(&mut self, good: bool, what: impl FnOnce() -> String) {
        if !good {
            self.0.push(what());
        }
    }

    fn none(self) {
        assert!(self.0.is_empty(), "\n{}", self.0.join("\n"));
    }
}

fn at<'a>(report: &'a Report, ip: &str) -> &'a Device {
    let ip: IpAddr = ip.parse().unwrap();
    let found = report
        .devices
        .iter()
        .find(|device| device.ips.contains(&ip));
    found.unwrap_or_else(|| panic!("no device at {ip}: {:#?}", report.devices))
}

fn claims(device: &Device, attribute: &str) -> Vec<String> {
    let all = device.claims.iter();
    all.filter(|claim| claim.attribute == attribute)
        .map(|claim| claim.value.clone())
        .collect()
}

/// Each of these cards is a device of its own, and nothing else is one.
fn devices(report: &Report, macs: &[&str], bad: &mut Bad) {
    let mut held: Vec<String> = report
        .devices
        .iter()
        .map(|device| {
            let macs: Vec<String> = device.macs.iter().map(ToString::to_string).collect();
            macs.join(" and ")
        })
        .collect();
    held.sort_unstable();
    let mut want = macs.to_vec();
    want.sort_unstable();
    bad.unless(held == want, || format!("devices {held:?}, want {want:?}"));
}

/// The files that went from one address to another by a protocol.
fn files<'a>(report: &'a Report, protocol: &str, from: &str, to: &str) -> Vec<&'a ArtifactEntry> {
    let (from, to): (IpAddr, IpAddr) = (from.parse().unwrap(), to.parse().unwrap());
    let all = report.artifacts.iter();
    all.filter(|file| file.protocol == protocol && file.from == from && file.to == to)
        .collect()
}

fn talks(device: &Device, peer: &str, protocol: &str) -> Option<Where> {
    let peer: IpAddr = peer.parse().unwrap();
    let mut all = device.talks_to.iter();
    all.find(|line| line.peer == peer && line.protocol == protocol)
        .map(|line| line.place)
}

/// Bytes that look like a program to whoever reads the first of them, and run nowhere.
fn inert_program(size: usize) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x28\0".to_vec();
    let line = b"INERT TEST FILE, NOT A PROGRAM. ";
    bytes.extend(line.iter().cycle().take(size - bytes.len()));
    bytes
}

fn ganesha(ward: &mut Ward, host: &str, folder: &Path, export: &str) {
    let config = format!(
        "NFS_CORE_PARAM {{ Protocols = 3, 4; Enable_NLM = false; Enable_RQUOTA = false; \
         MNT_Port = 20048; mount_path_pseudo = true; fsid_device = true; }}\n\
         NFSV4 {{ Graceless = true; }}\n\
         EXPORT {{ Export_Id = 1; Path = {}; Pseudo = {export}; Access_Type = RO; \
         Squash = No_Root_Squash; SecType = sys, none; Protocols = 3, 4; Transports = TCP; \
         PrivilegedPort = false; MaxRead = 32768; PrefRead = 32768; FSAL {{ Name = VFS; }} }}\n",
        folder.display()
    );
    let config = ward.file(&format!("{host}.conf"), config.as_bytes());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/live/nfs_server.sh");
    ward.serve(host, 2049, &["sh", script, &config]);
}

/// nfs-ganesha and libnfs: a program read from afar, a document read inside, NFSv3 and NFSv4.0.
#[test]
fn nfs() {
    let needed = [
        ("ganesha.nfsd", "nfs-ganesha"),
        (
            "/usr/lib/x86_64-linux-gnu/ganesha/libfsalvfs.so",
            "nfs-ganesha-vfs",
        ),
        ("rpcbind", "rpcbind"),
        ("nfs-cp", "libnfs-utils"),
    ];
    let line = Line {
        delay: 40,
        lose: 19,
    };
    let Some(mut ward) = Ward::ready("nfs", &needed, line) else {
        return;
    };
    let program = inert_program(100_000);
    let document = b"%PDF-1.4\n% An instruction for use, made for a test.\n".repeat(900);
    ward.file("pm/monitor", &program);
    ward.file("documents/manual.pdf", &document);
    ward.host("monitor", MONITOR_MAC, Some(MONITOR));
    let reader = "02:00:00:00:30:31";
    ward.host("reader", reader, Some("10.20.30.31"));
    ward.host("server", SERVER_MAC, Some(SERVER));
    ward.far_host("far", FAR);
    let dir = ward.dir().to_owned();
    ganesha(&mut ward, "far", &dir.join("pm"), "/pm");
    ganesha(&mut ward, "server", &dir.join("documents"), "/documents");

    let capturing = ward.capture();
    for (host, version, path, got) in [
        ("monitor", 3, format!("{FAR}/pm/monitor"), "monitor3"),
        ("monitor", 4, format!("{FAR}/pm/monitor"), "monitor4"),
        (
            "reader",
            3,
            format!("{SERVER}/documents/manual.pdf"),
            "manual3",
        ),
        (
            "reader",
            4,
            format!("{SERVER}/documents/manual.pdf"),
            "manual4",
        ),
    ] {
        let url = format!("nfs://{path}?version={version}&uid=0&gid=0");
        ward.good(host, &["nfs-cp", &url, got]);
        let content = if host == "monitor" {
            &program
        } else {
            &document
        };
        assert_eq!(std::fs::read(dir.join(got)).unwrap(), *content, "{url}");
    }
    let report = ward.report(&capturing);

    let mut truth = Truth::new("a program from a share afar, a document from a share inside");
    truth.must = [MONITOR, FAR]
        .map(|ip| must("remote-code-share", ip, "critical"))
        .to_vec();
    truth.must_not_at = vec![
        ("remote-code-share".to_owned(), SERVER.to_owned()),
        ("remote-code-share".to_owned(), "10.20.30.31".to_owned()),
    ];
    truth.artifacts = vec![sha256(&program), sha256(&document)];
    let mut bad = Bad(cases::shortfalls(&report, &truth));
    devices(
        &report,
        &[MONITOR_MAC, reader, SERVER_MAC, ward::GATEWAY_MAC],
        &mut bad,
    );
    for (from, to, name, content) in [
        (FAR, MONITOR, "monitor", &program),
        // Names of documents are not shown.
        (SERVER, "10.20.30.31", "[document].pdf", &document),
    ] {
        let got = files(&report, "nfs", from, to);
        let whole = |file: &&&ArtifactEntry| {
            file.complete
                && file.size == content.len() as u64
                && file.sha256 == sha256(content)
                && file.name.contains(name)
        };
        bad.unless(
            !got.is_empty() && got.iter().filter(whole).count() == got.len(),
            || format!("{name} is not whole by each version: {got:#?}"),
        );
    }
    let finding = report
        .findings
        .iter()
        .find(|f| f.rule == "remote-code-share");
    let json = serde_json::to_string(&finding).unwrap();
    bad.unless(json.contains("\"export\":\"/pm\""), || {
        format!("no mount of /pm: {json}")
    });
    let device = at(&report, MONITOR);
    for protocol in ["nfs", "mount", "portmap"] {
        let place = talks(device, FAR, protocol);
        bad.unless(place == Some(Where::AnsweredFar), || {
            format!("{protocol} to {FAR}: {place:?}, {:#?}", device.talks_to)
        });
    }
    bad.none();
}

/// The PyPI package hl7, as a laboratory's sender and as the interface engine that takes.
#[test]
fn hl7() {
    let bin = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/python/bin");
    let send = format!("{bin}/mllp_send");
    if !Path::new(&send).is_file() {
        eprintln!("SKIPPED: hl7: no {send}: PyPI's hl7, which `cargo xtask test` installs");
        return;
    }
    let Some(mut ward) = Ward::ready("hl7", &[], Line::default()) else {
        return;
    };
    let (sender, engine) = ("10.20.30.40", "10.20.30.41");
    let (sender_mac, engine_mac) = ("02:00:00:00:30:40", "02:00:00:00:30:41");
    ward.host("sender", sender_mac, Some(sender));
    ward.host("engine", engine_mac, Some(engine));
    let python = format!("{bin}/python");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/live/mllp_server.py");
    let log = ward.serve("engine", 6661, &[&python, script, engine, "6661"]);

    let people = [
        ("FICTIVALDI", "TESTO", "INV-70114402", "19490203"),
        ("SYNTHETISA", "NULLA", "INV-70114403", "19870915"),
    ];
    let mut frames = Vec::new();
    for (n, (family, given, number, born)) in people.iter().enumerate() {
        let message = format!(
            "MSH|^~\\&|INVLAB|INVENTED HOSPITAL|INVENGINE|INVENTED HOSPITAL|20261125120{n}00||\
             ORU^R01^ORU_R01|INVMSG{n}|P|2.5.1\r\
             PID|1||{number}^^^INVENTED^MR||{family}^{given}||{born}|F|||\
             7 NOWHERE LANE^^INVENTOWN\r\
             PV1|1|I|ICU^01^7\r\
             OBR|1||INVORD{n}|CHEM7^Chemistry^L|||20261125120000\r\
             OBX|1|NM|2823-3^Potassium^LN||4.1|mmol/L|3.5-5.1|N|||F\r"
        );
        frames.extend_from_slice(b"\x0b");
        frames.extend_from_slice(message.as_bytes());
        frames.extend_from_slice(b"\x1c\r");
    }
    let messages = ward.file("messages.hl7", &frames);
    let capturing = ward.capture();
    let answers = ward.good("sender", &[&send, "-p", "6661", "-f", &messages, engine]);
    assert_eq!(answers.matches("MSA|AA").count(), people.len(), "{answers}");
    assert_eq!(text(&log).matches("took INVMSG").count(), people.len());
    let report = ward.report(&capturing);

    let mut truth = Truth::new("laboratory results inside, in clear");
    truth.must = vec![must("phi-cleartext-inside", sender, "low")];
    truth.must_not = vec!["phi-cleartext-outside".to_owned()];
    truth.private = people
        .iter()
        .flat_map(|(family, given, number, born)| [*family, *given, *number, *born])
        .chain(["NOWHERE LANE", "INVENTOWN"])
        .map(str::to_owned)
        .collect();
    let mut bad = Bad(cases::shortfalls(&report, &truth));
    devices(&report, &[sender_mac, engine_mac], &mut bad);
    for (ip, application) in [(sender, "INVLAB"), (engine, "INVENGINE")] {
        let device = at(&report, ip);
        let named = claims(device, "hl7_application");
        bad.unless(named == [application], || {
            format!("{ip}: applications {named:?}")
        });
        let kinds: Vec<&str> = device.patient_data.iter().map(|kind| kind.word()).collect();
        bad.unless(kinds.contains(&"name"), || {
            format!("{ip}: patient data {kinds:?}")
        });
    }
    let place = talks(at(&report, sender), engine, "hl7");
    bad.unless(place == Some(Where::SameSegment), || {
        format!("hl7 at {place:?}")
    });
    bad.none();
}

/// dnsmasq leases, names and files to udhcpc, busybox and tftp.
#[test]
fn dhcp_dns_tftp() {
    let needed = [
        ("dnsmasq", "dnsmasq-base"),
        ("udhcpc", "udhcpc"),
        ("busybox", "busybox"),
        ("tftp", "tftp-hpa"),
    ];
    let Some(mut ward) = Ward::ready("dnsmasq", &needed, Line::default()) else {
        return;
    };
    let clients = [
        (
            "bed",
            "02:00:00:00:31:07",
            "invented-bed-7",
            "InventedMonitor 2.1",
        ),
        ("desk", "02:00:00:00:31:08", "invented-desk", "MSFT 5.0"),
    ];
    for (host, mac, ..) in clients {
        ward.host(host, mac, None);
    }
    ward.host("server", SERVER_MAC, Some(SERVER));
    let settings = b"Alarm limits of a test, invented.\n".repeat(100);
    let firmware = inert_program(20_000);
    ward.file("tftp/settings.txt", &settings);
    ward.file("tftp/image.bin", &firmware);
    let dir = ward.dir().to_owned();
    let leases = dir.join("leases");
    let (root, lease_file) = (dir.join("tftp"), leases.display());
    let root = root.display();
    let lease_script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/live/lease.sh");

    let capturing = ward.capture();
    let words = format!(
        "dnsmasq -k -C /dev/null --no-hosts --no-resolv --interface=eth0 --bind-interfaces \
         --dhcp-authoritative --no-ping --dhcp-range=10.20.30.100,10.20.30.150,1h \
         --dhcp-option=3,{gateway} --dhcp-leasefile={lease_file} --enable-tftp \
         --tftp-root={root} --host-record=files.ward.example,{SERVER} --user=root --pid-file= \
         --log-facility=-",
        gateway = ward::GATEWAY
    );
    let words: Vec<&str> = words.split_whitespace().collect();
    ward.serve("server", 69, &words);
    for (host, _, name, class) in clients {
        let name = format!("hostname:{name}");
        let lease = [
            "udhcpc", "-i", "eth0", "-f", "-n", "-q", "-t", "5", "-T", "2", "-x",
        ];
        let rest = [name.as_str(), "-V", class, "-s", lease_script];
        ward.good(host, &[&lease[..], &rest[..]].concat());
        let asked = ward.run(
            host,
            10,
            &["busybox", "nslookup", "files.ward.example", SERVER],
        );
        let answer = format!("files.ward.example\nAddress: {SERVER}");
        assert!(asked.text.contains(&answer), "{}", asked.text);
    }
    let fetch = ["tftp", "-m", "binary", SERVER, "-c", "get", "settings.txt"];
    ward.good("bed", &fetch);
    let fetch = [
        "busybox",
        "tftp",
        "-g",
        "-b",
        "1428",
        "-r",
        "image.bin",
        SERVER,
    ];
    ward.good("bed", &fetch);
    for (name, content) in [("settings.txt", &settings), ("image.bin", &firmware)] {
        assert_eq!(std::fs::read(dir.join(name)).unwrap(), *content, "{name}");
    }
    let leases = text(&leases);
    let report = ward.report(&capturing);

    let mut truth = Truth::new("leases, names and files from dnsmasq");
    truth.artifacts = vec![sha256(&settings), sha256(&firmware)];
    let mut bad = Bad(cases::shortfalls(&report, &truth));
    let mut leased = Vec::new();
    for (_, mac, name, class) in clients {
        let line = leases.lines().find(|line| line.contains(mac)).unwrap();
        let ip = line.split(' ').nth(2).unwrap();
        leased.push(ip);
        let device = at(&report, ip);
        let macs: Vec<String> = device.macs.iter().map(ToString::to_string).collect();
        bad.unless(macs == [mac], || {
            format!("{ip}: MACs {macs:?}, leased to {mac}")
        });
        let fours: Vec<String> = device
            .ips
            .iter()
            .filter(|ip| ip.is_ipv4())
            .map(ToString::to_string)
            .collect();
        bad.unless(fours == [ip], || format!("{ip}: addresses {fours:?}"));
        bad.unless(device.hostname.as_deref() == Some(name), || {
            format!("{ip}: host name {:?}", device.hostname)
        });
        for (attribute, value) in [("dhcp_hostname", name), ("dhcp_vendor_class", class)] {
            let all = claims(device, attribute);
            bad.unless(all == [value], || format!("{ip}: {attribute} {all:?}"));
        }
        let line = device.talks_to.iter().find(|line| line.protocol == "dns");
        let named = line.and_then(|line| line.name.as_deref());
        bad.unless(named == Some("files.ward.example"), || {
            format!("{ip}: name of the server {named:?}")
        });
    }
    devices(&report, &[clients[0].1, clients[1].1, SERVER_MAC], &mut bad);
    let mut got: Vec<(&str, u64, &str)> = files(&report, "tftp", SERVER, leased[0])
        .iter()
        .map(|file| (file.name.as_str(), file.size, file.sha256.as_str()))
        .collect();
    got.sort_unstable();
    let [settings_digest, image_digest] = [sha256(&settings), sha256(&firmware)];
    let want = [
        ("image.bin", firmware.len() as u64, image_digest.as_str()),
        (
            "settings.txt",
            settings.len() as u64,
            settings_digest.as_str(),
        ),
    ];
    bad.unless(got == want, || format!("files {got:?}"));
    let services: Vec<&str> = at(&report, SERVER)
        .services
        .iter()
        .map(|service| service.protocol.as_str())
        .collect();
    for protocol in ["dhcp", "dns"] {
        bad.unless(services.contains(&protocol), || {
            format!("the server's services lack {protocol}: {services:?}")
        });
    }
    bad.none();
}

/// Sends the lab's monitor stream from host `monitor` to 202.114.4.119 at host `station` over two
/// real TCP stacks. Answers the report, and the truth with what the stream itself says.
fn stream(ward: &mut Ward) -> (Report, Truth) {
    let scene = generate("leak-through-gateway", 1, &auscult_lab::Options::default()).unwrap();
    let streams = scene.streams();
    let stream = streams.iter().find(|stream| stream.responder.1 == 515);
    let bytes = &stream.unwrap().out;
    assert!(!scene.truth.private.is_empty() && bytes.len() > 1000);
    let file = ward.file("stream", bytes);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/live/stream.py");
    let log = ward.serve("station", 515, &["python3", script, "take", FAR, "515"]);
    let capturing = ward.capture();
    ward.good("monitor", &["python3", script, "send", FAR, "515", &file]);
    let took = format!("took {}\n", bytes.len());
    ward::wait("the listener", || text(&log).contains(&took));
    let report = ward.report(&capturing);

    let mut truth = Truth::new("a monitor streams over real stacks");
    truth.private = scene.truth.private.clone();
    let words = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    truth.must = vec![must("advisory-device-present", MONITOR, "high")];
    truth.signature = [words(MONITOR, "contec-cms8000")].into();
    truth.roles = [words(MONITOR, "patient-monitor")].into();
    truth.coverage = [words("contec-cms8000-present", "yes")].into();
    truth.must_not = vec![
        "dead-public-address".to_owned(),
        "cleartext-login".to_owned(),
    ];
    (report, truth)
}

fn must(rule: &str, ip: &str, least: &str) -> (String, String, String) {
    (rule.to_owned(), ip.to_owned(), least.to_owned())
}

/// The stream reached `station` afar: through the gateway whoever answers ARP for the address.
fn streamed_afar(mut ward: Ward) {
    let (report, mut truth) = stream(&mut ward);
    truth
        .must
        .push(must("phi-cleartext-outside", MONITOR, "critical"));
    truth.must_not.push("public-address-squatted".to_owned());
    let leaves = ("patient-data-leaves".to_owned(), "yes".to_owned());
    truth.coverage.extend([leaves]);
    let mut bad = Bad(cases::shortfalls(&report, &truth));
    devices(&report, &[MONITOR_MAC, ward::GATEWAY_MAC], &mut bad);
    let device = at(&report, MONITOR);
    let place = talks(device, FAR, "contec-cms");
    bad.unless(place == Some(Where::AnsweredFar), || {
        format!("the stream to {FAR}: {place:?}, {:#?}", device.talks_to)
    });
    bad.none();
}

/// To a listener beyond a slow line.
#[test]
fn stream_through_gateway() {
    let Some(ward) = Ward::ready("gateway", &[], LONG_LINE) else {
        return;
    };
    ward.host("monitor", MONITOR_MAC, Some(MONITOR));
    ward.far_host("station", FAR);
    streamed_afar(ward);
}

/// The same, and the monitor believes that the address is on its segment: the gateway answers.
#[test]
fn stream_through_proxy_arp() {
    let Some(ward) = Ward::ready("proxyarp", &[], LONG_LINE) else {
        return;
    };
    ward.host("monitor", MONITOR_MAC, Some(MONITOR));
    ward.good("monitor", &["ip", "route", "add", FAR, "dev", "eth0"]);
    ward.good(
        "gateway",
        &["sysctl", "-qw", "net.ipv4.conf.eth0.proxy_arp=1"],
    );
    ward.far_host("station", FAR);
    streamed_afar(ward);
}

/// To a station on the segment that holds the address beside its own.
#[test]
fn stream_to_squatter() {
    let Some(mut ward) = Ward::ready("squatter", &[], Line::default()) else {
        return;
    };
    let station = "10.20.30.5";
    ward.host("monitor", MONITOR_MAC, Some(MONITOR));
    let station_mac = "02:00:00:00:30:05";
    ward.host("station", station_mac, Some(station));
    ward.good("monitor", &["ip", "route", "add", FAR, "dev", "eth0"]);
    let both = format!("{FAR}/24");
    ward.good("station", &["ip", "addr", "add", &both, "dev", "eth0"]);
    let (report, mut truth) = stream(&mut ward);
    let holders = format!("{FAR}|{station}|{MONITOR}");
    truth
        .must
        .push(must("public-address-squatted", &holders, "info"));
    truth
        .must
        .push(must("phi-cleartext-inside", MONITOR, "low"));
    truth.must_not.push("phi-cleartext-outside".to_owned());
    let mut bad = Bad(cases::shortfalls(&report, &truth));
    devices(&report, &[MONITOR_MAC, station_mac], &mut bad);
    let place = talks(at(&report, MONITOR), FAR, "contec-cms");
    bad.unless(place == Some(Where::Squatted), || {
        format!("{FAR}: {place:?}")
    });
    bad.none();
}
