//! The bench of docs/reproduce-cisa.md, with a program in the unit's place: a station that keeps
//! nothing, a share with nothing in it, and what the advisory's check makes of the capture.

use auscult_advisory::Verdict;
use auscult_lab::generate;

use crate::ward::{Line, Ward, text, wait};
use crate::{FAR, ganesha};

const UNIT: &str = "202.114.4.20";
const SECOND: &str = "202.114.4.120";

#[test]
fn bench() {
    let needed = [
        ("ganesha.nfsd", "nfs-ganesha"),
        (
            "/usr/lib/x86_64-linux-gnu/ganesha/libfsalvfs.so",
            "nfs-ganesha-vfs",
        ),
        ("rpcbind", "rpcbind"),
        ("nfs-ls", "libnfs-utils"),
    ];
    let Some(mut ward) = Ward::ready("bench", &needed, Line::default()) else {
        return;
    };
    ward.host("unit", "02:00:00:00:30:24", None);
    ward.host("station", "02:00:00:00:30:19", None);
    let addresses = [("unit", UNIT), ("station", FAR), ("station", SECOND)];
    for (host, address) in addresses {
        let network = format!("{address}/24");
        ward.good(host, &["ip", "addr", "add", &network, "dev", "eth0"]);
    }
    let station = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/bench/station.py");
    let log = ward.serve("station", 520, &["python3", station, FAR, SECOND]);
    let empty = ward.dir().join("pm");
    std::fs::create_dir(&empty).unwrap();
    ganesha(&mut ward, "station", &empty, "/pm");

    let scene = generate("leak-through-gateway", 1, &auscult_lab::Options::default()).unwrap();
    let streams = scene.streams();
    let stream = streams.iter().find(|stream| stream.responder.1 == 515);
    let bytes = &stream.unwrap().out;
    let file = ward.file("stream", bytes);
    let unit = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/live/stream.py");
    let capturing = ward.capture();
    ward.good("unit", &["python3", unit, "send", FAR, "515", &file]);
    let took = format!("to port 515 after {} bytes", bytes.len());
    wait("the station", || text(&log).contains(&took));
    let share = format!("nfs://{FAR}/pm?version=3&uid=0&gid=0");
    ward.good("unit", &["nfs-ls", &share]);
    let report = ward.report(&capturing);

    let advisories = auscult_advisory::shipped().unwrap();
    let advisory = advisories.iter().find(|it| it.id == "ICSMA-25-030-01");
    let check = auscult_advisory::check(advisory.unwrap(), &report, &[]);
    let verdicts: Vec<(&str, Verdict)> = check
        .claims
        .iter()
        .map(|judged| (judged.claim.id.get_ref().as_str(), judged.verdict))
        .collect();
    for (claim, verdict) in [
        ("clear", Verdict::Holds),
        ("fields", Verdict::Holds),
        ("fixed-address", Verdict::Holds),
        // On a bench nothing leaves.
        ("leaves", Verdict::Refuted),
        ("documented-default", Verdict::Holds),
        ("mounts", Verdict::Holds),
        // There was nothing to copy.
        ("copies-programs", Verdict::NotTested),
        ("trigger-menu", Verdict::NotTested),
        ("interface-up", Verdict::NotTested),
    ] {
        assert!(
            verdicts.contains(&(claim, verdict)),
            "{claim}: {verdicts:?}"
        );
    }
}
