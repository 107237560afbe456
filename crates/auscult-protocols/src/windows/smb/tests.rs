//! What SMB says of connections: goldens, laws, near misses.

use std::collections::BTreeSet;

use auscult_lab::speak::smb_share::{self, Ids};
use auscult_model::{Artifact, Direction, FileClass, Meaning, Transport};
use sha2::{Digest, Sha256};

use super::*;
use crate::drive::{Driven, Piece, drive, without_places};
use crate::oracle;

use Direction::{FromOriginator, FromResponder};

#[test]
fn a_header_behind_its_length() {
    assert_eq!(of(b"\0\0\0\x85\xffSMBr"), Probe::Certain);
    assert_eq!(of(b"\0\0\0\x85\xfbSMBr"), Probe::No);
    assert_eq!(of(b"\0\0\0"), Probe::Maybe);
    let mut request = b"\x81\0\0\x44".to_vec();
    request.extend([b'A'; 68]);
    assert_eq!(of(&request), Probe::Maybe);
    request.extend(b"\0\0\0\x85\xfeSMB");
    assert_eq!(of(&request), Probe::Certain);
    assert_eq!(of(b"\x82\0\0\0\0\0\0\x51\xffSMB"), Probe::Certain);
    assert_eq!(of(b"\x82\x01"), Probe::No);
}

#[test]
fn a_negotiation_tells_dialect_and_signing() {
    let mut smb = [0u8; 72];
    smb[..5].copy_from_slice(b"\xfeSMB\x40");
    smb[16] = 1;
    smb[64] = 65;
    smb[66] = 3;
    smb[68..70].copy_from_slice(&[0x11, 0x03]);
    let message = [&[0, 0, 0, 72], &smb[..]].concat();
    let start = Start {
        transport: Transport::Tcp,
        from_start: true,
        ports: [40_000, 445],
    };
    let pieces = [Piece::Bytes(Direction::FromResponder, &message)];
    let said = without_places(&drive(&Smb, &start, &pieces).said).join("\n");
    assert!(
        said.contains("3.1.1") && said.contains("required"),
        "{said}"
    );
}

fn start() -> Start {
    Start {
        transport: Transport::Tcp,
        from_start: true,
        ports: [40_000, 445],
    }
}

/// Messages with their senders.
type Flow = Vec<(Direction, Vec<u8>)>;

fn pieces(flow: &Flow) -> Vec<Piece<'_>> {
    flow.iter()
        .map(|(from, bytes)| Piece::Bytes(*from, bytes))
        .collect()
}

fn run(flow: &Flow) -> Driven {
    drive(&Smb, &start(), &pieces(flow))
}

fn files(driven: &Driven) -> Vec<&Artifact> {
    driven
        .said
        .iter()
        .filter_map(|said| match &said.meaning {
            Meaning::File(file) => Some(&**file),
            _ => None,
        })
        .collect()
}

fn content(length: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..length).map(|i| (i * 31 + i / 256) as u8).collect();
    bytes.splice(..2, *b"MZ");
    bytes
}

fn sha256(bytes: &[u8]) -> Option<[u8; 32]> {
    Some(Sha256::digest(bytes).into())
}

const FILE: [u8; 16] = [9; 16];

fn ids(message: u64) -> Ids {
    Ids {
        message,
        tree: 5,
        session: 7,
    }
}

/// What a client and a server say in turn.
fn turns(flow: &mut Flow, [asked, answered]: [Vec<u8>; 2]) {
    flow.push((FromOriginator, asked));
    flow.push((FromResponder, answered));
}

/// A share is opened and a file on it, which holds `length` bytes.
fn opened(length: usize, write: bool) -> Flow {
    let mut flow = Flow::new();
    turns(&mut flow, smb_share::connect(ids(1), r"\\10.1.1.5\update"));
    let size = (length as u64, write);
    turns(
        &mut flow,
        smb_share::open(ids(2), r"v2\setup.exe", FILE, size),
    );
    flow
}

/// The pieces of a file in this order, `step` bytes each, and the file is closed.
fn crossed(length: usize, step: usize, order: &[usize], write: bool) -> Flow {
    let bytes = content(length);
    let mut flow = opened(length, write);
    let speak = if write {
        smb_share::write
    } else {
        smb_share::read
    };
    let pieces: Vec<&[u8]> = bytes.chunks(step).collect();
    for (n, index) in order.iter().enumerate() {
        let at = (index * step) as u64;
        turns(
            &mut flow,
            speak(ids(3 + n as u64), FILE, at, pieces[*index]),
        );
    }
    turns(&mut flow, smb_share::close(ids(99), FILE));
    flow
}

fn one(driven: &Driven) -> &Artifact {
    let files = files(driven);
    assert_eq!(files.len(), 1, "{files:?}");
    files[0]
}

#[test]
fn a_file_is_read_and_written() {
    for write in [false, true] {
        let driven = run(&crossed(20_000, 8_192, &[0, 1, 2], write));
        let file = one(&driven);
        assert_eq!(&*file.name, r"v2\setup.exe");
        assert_eq!((file.size, file.complete), (20_000, true));
        assert_eq!(file.sha256, sha256(&content(20_000)));
        assert_eq!((file.kind, file.class), ("PE", FileClass::Executable));
        let said = driven.said.last().unwrap();
        let sender = if write { FromOriginator } else { FromResponder };
        assert_eq!(said.direction, sender);
        let attribute = |name| said.attributes.iter().find(|(n, _)| *n == name);
        assert_eq!(attribute("smb_share").unwrap().1, r"\\10.1.1.5\update");
        assert_eq!(attribute("smb_signed").unwrap().1, "no");
        assert_eq!(
            (file.first_packet.number, file.last_packet.number),
            match write {
                false => (6, 10),
                true => (5, 9),
            }
        );
    }
}

#[test]
fn pieces_out_of_order_and_twice() {
    for write in [false, true] {
        for order in [&[2, 1, 0][..], &[1, 0, 1, 2], &[0, 0, 2, 1]] {
            let driven = run(&crossed(20_000, 8_192, order, write));
            let file = one(&driven);
            assert!(file.complete, "{order:?} {write}");
            assert_eq!(file.sha256, sha256(&content(20_000)));
        }
    }
}

/// Interfaces leave messages for each other on shares. The patient is invented.
#[test]
fn messages_in_a_file_on_a_share() {
    let file =
        b"MSH|^~\\&|LAB|H|KIS|H|20260101||ORU^R01|1|P|2.5\r\nPID|1||MRN-1||Testfall^Erika\r\n";
    let size = file.len() as u64;
    let written = |order: &[usize]| {
        let mut flow = Flow::new();
        turns(&mut flow, smb_share::connect(ids(1), r"\\10.1.1.5\drop"));
        turns(
            &mut flow,
            smb_share::open(ids(2), "1.hl7", FILE, (size, true)),
        );
        for (n, at) in order.iter().enumerate() {
            let piece = &file[*at..(at + 30).min(file.len())];
            turns(
                &mut flow,
                smb_share::write(ids(3 + n as u64), FILE, *at as u64, piece),
            );
        }
        turns(&mut flow, smb_share::close(ids(99), FILE));
        flow
    };
    let patients = |driven: &Driven| {
        let told = driven.said.iter().filter_map(|said| match &said.meaning {
            Meaning::PatientData { values, .. } => Some((said.direction, values.clone())),
            _ => None,
        });
        told.collect::<Vec<_>>()
    };
    let flow = written(&[0, 30, 30, 60]);
    let told = patients(&run(&flow));
    let [(FromOriginator, values)] = &told[..] else {
        panic!("{told:?}");
    };
    assert!(values.contains(&"Testfall".to_owned()), "{values:?}");
    laws(&flow);
    // A repeat is not looked at, so that it is not shown.
    let again = drive(&Smb, &start(), &pieces(&written(&[0, 30, 30, 60])));
    assert!(again.unread.iter().any(|unread| unread.packet.number == 9));
    assert!(!again.unread.iter().any(|unread| unread.packet.number == 7));
    // Behind a hole it cannot be read.
    assert!(patients(&run(&written(&[30, 60, 0]))).is_empty());
}

#[test]
fn a_file_of_which_only_the_front_is_read_is_told_in_part() {
    let driven = run(&crossed(20_000, 4_096, &[0], false));
    let file = one(&driven);
    assert_eq!((file.size, file.complete), (4_096, false));
    assert_eq!((file.sha256, file.kind), (None, "PE"));
    let missing = run(&crossed(20_000, 4_096, &[0, 1, 3, 4], false));
    assert!(!one(&missing).complete);
}

#[test]
fn a_second_reading_of_the_same_is_not_told_again() {
    let mut flow = crossed(9_000, 4_096, &[0, 1, 2], false);
    let bytes = content(9_000);
    turns(
        &mut flow,
        smb_share::open(ids(200), r"v2\setup.exe", [3; 16], (9_000, false)),
    );
    for (n, piece) in bytes.chunks(4_096).enumerate() {
        let at = (n * 4_096) as u64;
        turns(
            &mut flow,
            smb_share::read(ids(201 + n as u64), [3; 16], at, piece),
        );
    }
    turns(&mut flow, smb_share::close(ids(300), [3; 16]));
    one(&run(&flow));
    // Of other content it is.
    turns(
        &mut flow,
        smb_share::open(ids(400), r"v2\setup.exe", [4; 16], (3, false)),
    );
    turns(&mut flow, smb_share::read(ids(401), [4; 16], 0, b"new"));
    assert_eq!(files(&run(&flow)).len(), 2);
}

#[test]
fn a_file_that_grows_is_whole_when_its_end_was_read() {
    let mut flow = opened(100, false);
    let bytes = content(9_000);
    turns(&mut flow, smb_share::read(ids(3), FILE, 0, &bytes[..8_000]));
    let [mut asked, answered] = smb_share::read(ids(4), FILE, 8_000, &bytes[8_000..]);
    // 4,096 are asked for, 1,000 come.
    asked[4 + 68..4 + 72].copy_from_slice(&4_096_u32.to_le_bytes());
    turns(&mut flow, [asked, answered]);
    let driven = run(&flow);
    assert_eq!(one(&driven).sha256, sha256(&bytes));
}

#[test]
fn near_miss_what_a_refused_request_sent_is_no_file() {
    let mut flow = crossed(5_000, 4_096, &[0, 1], true);
    // The second piece is refused: access denied.
    let refused = flow.len() - 3;
    flow[refused].1[4 + 8..4 + 12].copy_from_slice(&0xc000_0022_u32.to_le_bytes());
    assert!(!one(&run(&flow)).complete);
}

#[test]
fn near_miss_a_pipe_and_a_directory_are_no_files() {
    let mut flow = Flow::new();
    turns(&mut flow, smb_share::connect(ids(1), r"\\srv\IPC$"));
    turns(
        &mut flow,
        smb_share::open(ids(2), "srvsvc", FILE, (0, false)),
    );
    turns(
        &mut flow,
        smb_share::write(ids(3), FILE, 0, b"\x05\0\x0b\x03"),
    );
    turns(
        &mut flow,
        smb_share::read(ids(4), FILE, 0, b"\x05\0\x0c\x03"),
    );
    turns(&mut flow, smb_share::close(ids(5), FILE));
    assert!(files(&run(&flow)).is_empty());
    // The same where the share was opened before the capture.
    assert!(files(&run(&flow[2..].to_vec())).is_empty());
    let mut flow = crossed(5_000, 4_096, &[0, 1], false);
    flow[3].1[4 + 64 + 56] = 0x10;
    assert!(files(&run(&flow)).is_empty());
}

#[test]
fn what_was_opened_before_the_capture_has_no_name() {
    let whole = crossed(9_000, 8_192, &[0, 1], true);
    let driven = run(&whole[4..].to_vec());
    let file = one(&driven);
    assert_eq!((&*file.name, file.kind, file.complete), ("", "PE", false));
    // From the middle of a file that nobody saw opened: nothing.
    assert!(files(&run(&whole[6..].to_vec())).is_empty());
}

/// An answer that comes later is announced under the same number.
#[test]
fn an_answer_may_be_pending() {
    let mut flow = crossed(5_000, 8_192, &[0], false);
    let mut pending = flow[5].1[..4 + 64].to_vec();
    pending.extend([9, 0, 0, 0, 0, 0, 0, 0, 0]);
    pending[..4].copy_from_slice(&73_u32.to_be_bytes());
    pending[4 + 8..4 + 12].copy_from_slice(&0x103_u32.to_le_bytes());
    pending[4 + 16] = 3;
    flow[5].1[4 + 16] = 3;
    flow.insert(5, (FromResponder, pending));
    assert!(one(&run(&flow)).complete);
}

/// Joins messages to one frame, of which each but the first names share and file by the one before.
fn compound(messages: &[Vec<u8>], is_answer: bool) -> Vec<u8> {
    let mut body = Vec::new();
    for (n, message) in messages.iter().enumerate() {
        let mut message = message[4..].to_vec();
        if n > 0 && !is_answer {
            message[16] |= 4;
            message[36..48].fill(0xff);
            // READ and WRITE, CLOSE.
            let at = if message[12] == 6 { 64 + 8 } else { 64 + 16 };
            message[at..at + 16].fill(0xff);
        }
        if n + 1 < messages.len() {
            message.resize(message.len().next_multiple_of(8), 0);
            let next = (message.len() as u32).to_le_bytes();
            message[20..24].copy_from_slice(&next);
        }
        body.extend(message);
    }
    [&(body.len() as u32).to_be_bytes()[..], &body].concat()
}

#[test]
fn requests_in_one_frame_name_the_file_by_the_first() {
    for write in [false, true] {
        let bytes = content(3_001);
        let speak = if write {
            smb_share::write
        } else {
            smb_share::read
        };
        let [open, opened] = smb_share::open(ids(2), "a.exe", FILE, (3_001, write));
        let [ask, answer] = speak(ids(3), FILE, 0, &bytes);
        let [close, closed] = smb_share::close(ids(4), FILE);
        let mut flow = Flow::new();
        turns(&mut flow, smb_share::connect(ids(1), r"\\srv\x"));
        flow.push((FromOriginator, compound(&[open, ask, close], false)));
        flow.push((FromResponder, compound(&[opened, answer, closed], true)));
        let driven = run(&flow);
        let file = one(&driven);
        assert_eq!(
            (&*file.name, file.sha256),
            ("a.exe", sha256(&bytes)),
            "{write}"
        );
        laws(&flow);
    }
}

#[test]
fn enciphered_and_compressed_messages_are_counted_and_left() {
    let opaque = |mark: u8| {
        let mut frame = vec![0, 0, 0, 100, mark, b'S', b'M', b'B'];
        frame.resize(104, 0x5a);
        (FromOriginator, frame)
    };
    let mut flow = vec![opaque(0xfd), opaque(0xfd), opaque(0xfc)];
    flow.extend(crossed(5_000, 4_096, &[0, 1], false));
    let driven = run(&flow);
    assert!(one(&driven).complete);
    let said = without_places(&driven.said).join("\n");
    assert_eq!(said.matches("smb_enciphered").count(), 1, "{said}");
    assert_eq!(driven.limits.get("smb-compressed"), Some(&1));
}

#[test]
fn after_a_loss_the_next_message_is_found() {
    let flow = crossed(20_000, 4_096, &[0, 1, 2, 3, 4], false);
    let mut whole = pieces(&flow);
    // The second answer, with its first half.
    whole[7] = Piece::Gap(FromResponder, Some(flow[7].1.len() as u64));
    let driven = drive(&Smb, &start(), &whole);
    assert!(!one(&driven).complete);
    assert!(driven.said.iter().any(|said| said.confidence < 1.0));
    // Within the bytes of a file the border stays known.
    let mut whole = pieces(&flow);
    let (front, rest) = flow[7].1.split_at(1_000);
    whole[7] = Piece::Bytes(FromResponder, front);
    whole.insert(8, Piece::Gap(FromResponder, Some(500)));
    whole.insert(9, Piece::Bytes(FromResponder, &rest[500..]));
    let driven = drive(&Smb, &start(), &whole);
    assert!(!one(&driven).complete);
    assert_eq!(one(&driven).size, 20_000 - 500);
}

/// What is said depends on the bytes of each side alone; holes and one side take statements away.
fn laws(flow: &Flow) {
    let side = |wanted: Direction| -> Vec<u8> {
        let mine = flow.iter().filter(|(from, _)| *from == wanted);
        mine.flat_map(|(_, bytes)| bytes.clone()).collect()
    };
    let (out, back) = (side(FromOriginator), side(FromResponder));
    let bare = |driven: &Driven| -> BTreeSet<String> {
        let lines = without_places(&driven.said);
        let line = |line: &String| {
            let line = line.split(" {").next().unwrap_or_default();
            line.splitn(3, ' ').nth(2).unwrap_or_default().to_owned()
        };
        lines.iter().map(line).collect()
    };
    let whole = [
        Piece::Bytes(FromOriginator, &out),
        Piece::Bytes(FromResponder, &back),
    ];
    let expected = without_places(&drive(&Smb, &start(), &whole).said);
    for size in [1, 2, 3, 7, 64, 536, 1448] {
        let cut = |from, bytes: &'_ [u8]| -> Vec<(Direction, Vec<u8>)> {
            bytes
                .chunks(size)
                .map(|chunk| (from, chunk.to_vec()))
                .collect()
        };
        let flow = [cut(FromOriginator, &out), cut(FromResponder, &back)].concat();
        assert_eq!(
            without_places(&run(&flow).said),
            expected,
            "in pieces of {size}"
        );
    }
    let expected = bare(&drive(&Smb, &start(), &whole));
    let is_less = |driven: &Driven, what: &str| {
        for line in bare(driven) {
            let is_open = line.contains("complete: false") || line.contains("File \"\"");
            assert!(expected.contains(&line) || is_open, "{what} added {line}");
        }
    };
    for (from, bytes) in [(FromOriginator, &out), (FromResponder, &back)] {
        is_less(
            &drive(&Smb, &start(), &[Piece::Bytes(from, bytes)]),
            "one side",
        );
        for at in (0..bytes.len().saturating_sub(40)).step_by(37) {
            let mut holed = vec![
                Piece::Bytes(from, &bytes[..at]),
                Piece::Gap(from, Some(17)),
                Piece::Bytes(from, &bytes[at + 17..]),
            ];
            let (other, rest) = match from {
                FromOriginator => (FromResponder, &back),
                FromResponder => (FromOriginator, &out),
            };
            let at = if from == FromOriginator { 3 } else { 0 };
            holed.insert(at, Piece::Bytes(other, rest));
            is_less(&drive(&Smb, &start(), &holed), "a hole");
        }
    }
}

#[test]
fn laws_on_what_the_lab_speaks() {
    for write in [false, true] {
        laws(&crossed(9_000, 4_096, &[0, 1, 2], write));
        laws(&crossed(9_000, 4_096, &[2, 0, 1], write));
    }
    let mut logged: Flow = smb_share::log_on(7, ("D", "a", "PC"), [8; 8], &[3; 40], true)
        .into_iter()
        .zip([FromOriginator, FromResponder].into_iter().cycle())
        .map(|(bytes, from)| (from, bytes))
        .collect();
    logged.extend(crossed(700, 512, &[0, 1], false));
    laws(&logged);
}

/// A test file that virus scanners know, written by SMB 1: size and digest are those that its
/// publisher states (eicar.org), which nobody here made.
#[test]
fn a_file_in_a_capture_of_others() {
    let Some(path) = oracle::shared("captures/suricata/smb-eicar-file.pcap") else {
        return;
    };
    let said = oracle::read_streams(&Smb, &path, "smb");
    let files: Vec<&Artifact> = said
        .iter()
        .filter_map(|said| match &said.meaning {
            Meaning::File(file) => Some(&**file),
            _ => None,
        })
        .collect();
    let [file] = files[..] else {
        panic!("{files:?}");
    };
    assert_eq!(
        (&*file.name, file.size, file.complete),
        (r"\eicar", 68, true)
    );
    let digest = "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f";
    assert_eq!(
        file.sha256
            .map(|digest| auscult_model::hex(&digest))
            .as_deref(),
        Some(digest)
    );
}

/// Objects that Wireshark exports of a capture: names and digests. Pipes, which it exports too, are
/// left out.
fn exported(capture: &std::path::Path) -> Vec<(String, Option<[u8; 32]>)> {
    const PIPES: [&str; 5] = ["lsarpc", "samr", "spoolss", "srvsvc", "FILEID_"];
    let folder = std::env::temp_dir().join(format!("auscult-smb-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let export = format!("smb,{}", folder.display());
    let mut tshark = std::process::Command::new("tshark");
    tshark
        .arg("-r")
        .arg(capture)
        .args(["-q", "--export-objects"]);
    let ended = tshark.arg(export).output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    let mut objects = Vec::new();
    for object in std::fs::read_dir(&folder).unwrap().flatten() {
        let name = object.file_name().to_string_lossy().replace("%5c", "");
        if !PIPES.iter().any(|pipe| name.starts_with(pipe)) {
            objects.push((name, sha256(&std::fs::read(object.path()).unwrap())));
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
    objects.sort();
    objects
}

/// What Wireshark exports of the captures of others is what is told: names, and digests as far as
/// they are made.
#[test]
#[ignore = "asks tshark about many captures, which takes minutes"]
fn files_in_captures_of_others_are_what_wireshark_exports() {
    let mut captures = [oracle::captures_with("smb2"), oracle::captures_with("smb")].concat();
    captures.sort();
    captures.dedup();
    let mut agreed = 0;
    for capture in &captures {
        let name = oracle::name_of(capture);
        // NetBEUI, without IP.
        if name.contains("netbeui") {
            continue;
        }
        let mut told = Vec::new();
        for said in oracle::read_streams(&Smb, capture, "smb || smb2") {
            if let Meaning::File(file) = said.meaning {
                told.push((file.name.trim_start_matches('\\').to_owned(), file.sha256));
            }
        }
        told.sort();
        let mut exported = exported(capture);
        assert_eq!(told.len(), exported.len(), "{name}");
        for (ours, theirs) in told.iter().zip(&mut exported) {
            // What is large and carries no code is only counted.
            theirs.1 = theirs.1.filter(|_| ours.1.is_some());
        }
        assert_eq!(told, exported, "{name}");
        agreed += told.len();
    }
    println!("{agreed} files in {} captures", captures.len());
    assert!(captures.is_empty() || agreed > 0);
}
