//! Jobs in either order, refusals, lost bytes, probes, laws, a capture with a known digest.

use auscult_model::About;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;
use crate::Said;
use crate::cuts;
use crate::drive::{Driven, Piece, drive, without_places};
use crate::oracle::{shared, tshark};

use Direction::{FromOriginator as Client, FromResponder as Server};

const CONTROL: &[u8] = b"Hpc5\nPuser\nJreport\nldfA001pc5\nUdfA001pc5\nNreport.ps\n";

fn run(pieces: &[Piece<'_>]) -> Driven {
    let start = Start {
        transport: Transport::Tcp,
        from_start: true,
        ports: [721, 515],
    };
    drive(&Lpd, &start, pieces)
}

/// A job as one stream: control file first, or last.
fn job(control_first: bool) -> Vec<u8> {
    let control = [b"\x0252 cfA001pc5\n".as_slice(), CONTROL, b"\0"].concat();
    let data = b"\x039 dfA001pc5\n%!PS-A\n\n\n\0".to_vec();
    let parts = if control_first {
        [control, data]
    } else {
        [data, control]
    };
    [b"\x02lp\n".to_vec(), parts.concat()].concat()
}

fn files(said: &[Said]) -> Vec<(String, u64, bool)> {
    let file = |said: &Said| match &said.meaning {
        Meaning::File(file) => Some((file.name.clone(), file.size, file.complete)),
        _ => None,
    };
    said.iter().filter_map(file).collect()
}

fn requests(said: &[Said]) -> Vec<(&'static str, String, Option<bool>)> {
    let request = |said: &Said| match &said.meaning {
        Meaning::Request {
            operation,
            object,
            granted,
        } => Some((*operation, object.clone(), *granted)),
        _ => None,
    };
    said.iter().filter_map(request).collect()
}

fn hostnames(said: &[Said]) -> Vec<String> {
    let host = |said: &Said| match &said.meaning {
        Meaning::Claim {
            about: About::Sender,
            attribute: "hostname",
            value,
        } => Some(value.clone()),
        _ => None,
    };
    said.iter().filter_map(host).collect()
}

#[test]
fn a_job_in_either_order() {
    assert_eq!(CONTROL.len(), 52);
    for control_first in [true, false] {
        let bytes = job(control_first);
        let said = run(&[
            Piece::Bytes(Client, &bytes),
            Piece::Bytes(Server, b"\0\0\0"),
        ])
        .said;
        assert_eq!(requests(&said), [("print", "lp".to_owned(), Some(true))]);
        assert_eq!(hostnames(&said), ["pc5"]);
        assert_eq!(files(&said), [("report.ps".to_owned(), 9, true)]);
        let file = said
            .iter()
            .find(|said| matches!(said.meaning, Meaning::File(_)));
        let expected = [("queue", "lp"), ("account", "user"), ("job", "report")];
        let expected = expected.map(|(name, value)| (name, value.into()));
        assert_eq!(
            file.map(|file| file.attributes.as_slice()),
            Some(&expected[..])
        );
    }
}

#[test]
fn cut_anywhere_it_says_the_same() {
    for control_first in [true, false] {
        cuts::change_nothing(Client, &job(control_first), &[], run);
    }
}

#[test]
fn refused_unanswered_and_one_sided() {
    let bytes = job(true);
    let granted = |pieces: &[Piece<'_>]| requests(&run(pieces).said);
    let print = |granted| [("print", "lp".to_owned(), granted)];
    let refused = [
        Piece::Bytes(Client, b"\x02lp\n"),
        Piece::Bytes(Server, b"\x02"),
    ];
    assert_eq!(granted(&refused), print(Some(false)));
    assert_eq!(granted(&[Piece::Bytes(Client, &bytes)]), print(None));
    assert_eq!(granted(&[Piece::Bytes(Server, b"\0\0\0")]), []);
    let state = [
        Piece::Bytes(Server, b"\x04lp 7\n"),
        Piece::Bytes(Client, b"lp is ready\n"),
    ];
    assert_eq!(
        granted(&state),
        [("queue-state", "lp".to_owned(), Some(true))]
    );
    let remove = run(&[Piece::Bytes(Client, b"\x05lp root 7\n")]).said;
    assert_eq!(remove[0].attributes, [("account", "root".into())]);
}

#[test]
fn lost_bytes_leave_the_file_incomplete() {
    let bytes = job(true);
    let at = bytes.len() - 5;
    let pieces = [
        Piece::Bytes(Client, &bytes[..at]),
        Piece::Gap(Client, Some(2)),
        Piece::Bytes(Client, &bytes[at + 2..]),
    ];
    let said = run(&pieces).said;
    assert_eq!(files(&said), [("report.ps".to_owned(), 5, false)]);
    let open = b"\x02lp\n\x030 dfA001pc5\nsome text";
    assert_eq!(
        files(&run(&[Piece::Bytes(Client, open)]).said),
        [("dfA001pc5".to_owned(), 9, false)],
        "without a count nobody knows the end"
    );
}

#[test]
fn what_is_no_print_job_is_left_alone() {
    let said = run(&[Piece::Bytes(Client, b"\x02lp\nGET / HTTP/1.0\n")]).said;
    assert!(
        said.iter()
            .any(|said| matches!(said.meaning, Meaning::Malformed { .. }))
    );
    assert_eq!(run(&[Piece::Bytes(Client, b"\x01\x0a\x0a")]).said, []);
}

fn ask(client: &[u8], server: &[u8], from_start: bool) -> Probe {
    let (originator, responder, transport) = (client, server, Transport::Tcp);
    Lpd.probe(&Seen {
        transport,
        originator,
        responder,
        from_start,
    })
}

#[test]
fn probes() {
    assert_eq!(ask(b"\x02lp\n", b"", true), Probe::Likely);
    assert_eq!(ask(b"\x02lp\n", b"\0", true), Probe::Likely);
    assert_eq!(ask(b"\x02lp\n\x0252 cfA001pc5\n", b"", true), Probe::Likely);
    assert_eq!(
        ask(b"\x02lp\n\x0252 cfA001pc5\n", b"\0", true),
        Probe::Certain
    );
    assert_eq!(ask(&job(true), b"", true), Probe::Certain);
    assert_eq!(
        ask(&job(true), b"\0", false),
        Probe::Likely,
        "joined in the middle"
    );
    assert_eq!(ask(b"\x01\x0a", b"", true), Probe::No, "scanners' input");
    assert_eq!(ask(b"\x03lp\n", b"", true), Probe::Maybe);
    assert_eq!(ask(b"\x03lp\n", b"no entries\n", true), Probe::Likely);
    assert_eq!(ask(b"\x02lp\nGET /\n", b"", true), Probe::No);
    // Excluded while the line grows, and still when it ends.
    for line in [
        b"\x02lp\n\x0252 cfA\x04".as_slice(),
        b"\x02lp\n\x0252 cfA\x04pc5\n",
    ] {
        assert_eq!(ask(line, b"\0", true), Probe::No);
    }
    // The first bytes of a CMS8000 block: length, 05, kind.
    for block in [
        b"\x02\x01\x05\x43",
        b"\x4e\x01\x05\x46",
        b"\x00\x02\x05\x46",
    ] {
        assert_eq!(ask(block, b"", true), Probe::No);
    }
    assert_eq!(ask(b"\x02\x01\x05\x43", b"", false), Probe::No);
}

proptest! {
    #[test]
    fn random_bytes_are_never_certain(bytes in proptest::collection::vec(any::<u8>(), 64)) {
        for from_start in [true, false] {
            prop_assert_ne!(ask(&bytes, &bytes, from_start), Probe::Certain);
        }
    }

    #[test]
    fn any_bytes_in_any_pieces_say_the_same(
        words in proptest::collection::vec(0..WORDS.len(), 0..24),
        cut in 1_usize..9,
    ) {
        let bytes: Vec<u8> = words.iter().flat_map(|&word| WORDS[word].to_vec()).collect();
        let whole = run(&[Piece::Bytes(Client, &bytes)]);
        let pieces: Vec<_> = bytes.chunks(cut).map(|p| Piece::Bytes(Client, p)).collect();
        prop_assert_eq!(without_places(&whole.said), without_places(&run(&pieces).said));
        let mut verdict = Probe::Maybe;
        for length in 0..=bytes.len() {
            let now = ask(&bytes[..length], b"\0", true);
            if matches!(verdict, Probe::No | Probe::Certain) {
                prop_assert_eq!(now, verdict);
            }
            verdict = now;
        }
    }
}

const WORDS: &[&[u8]] = &[
    b"\x02lp\n",
    b"\x01\n",
    b"\x04lp\n",
    b"\x0252 cfA001pc5\n",
    CONTROL,
    b"\x039 dfA001pc5\n",
    b"\x030 dfA002pc5\n",
    b"123456789",
    b"\0",
    b"\n",
    b"Hpc5\n",
    b"\xff",
];

#[test]
fn a_print_job_whose_digest_is_known() {
    let Some(capture) = shared("cases/c08_print_job_on_515.pcap") else {
        return;
    };
    let rows = tshark(&capture, "tcp.len > 0", &["tcp.dstport", "tcp.payload"]);
    if rows.is_empty() {
        return;
    }
    let payloads: Vec<_> = rows
        .iter()
        .map(|row| {
            let side = if row.one("tcp.dstport") == "515" {
                Client
            } else {
                Server
            };
            (side, row.bytes("tcp.payload"))
        })
        .collect();
    let client = payloads.iter().filter(|(side, _)| *side == Client);
    let stream: Vec<u8> = client.flat_map(|(_, bytes)| bytes.clone()).collect();
    let mark = b"27015 dfA001pc5\n";
    let at = stream
        .windows(mark.len())
        .position(|w| w == mark)
        .expect("a data file");
    let data = &stream[at + mark.len()..][..27_015];
    let pieces: Vec<_> = payloads
        .iter()
        .map(|(side, b)| Piece::Bytes(*side, b))
        .collect();
    let said = run(&pieces).said;
    let file = said.iter().find_map(|said| match &said.meaning {
        Meaning::File(file) => Some(file),
        _ => None,
    });
    let file = file.expect("a file");
    let digest: [u8; 32] = Sha256::digest(data).into();
    assert_eq!(
        (file.name.as_str(), file.sha256),
        ("report.ps", Some(digest))
    );
    assert_eq!(requests(&said), [("print", "lp".to_owned(), Some(true))]);
    assert_eq!(hostnames(&said), ["pc5"]);
}
