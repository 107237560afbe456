//! Evidence, as others may hand it in: any bytes as a bundle; any members, sealed as they should
//! be; and packets to be masked, with marks anywhere. A fault has words; a masked packet differs
//! only where it says so.
#![no_main]

use auscult_evidence::{
    Frame, Key, Opened, Pseudonyms, Sealed, SealedPacket, Sealing, mask, open, seal,
};
use auscult_fuzz::bundle::{MEMBERS, parts};
use auscult_model::{FileIndex, LinkType, Marks, PacketRef, PhiKind, PhiRange, Timestamp, hex};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else {
        return;
    };
    match kind % 3 {
        0 => any(rest),
        1 => sealed(rest),
        _ => masked(rest),
    }
});

fn any(bytes: &[u8]) {
    match open(bytes, None) {
        Ok(opened) => against_originals(&opened),
        Err(fault) => assert!(!fault.to_string().is_empty()),
    }
}

/// The members are the input's, everything around them is right.
fn sealed(bytes: &[u8]) {
    let parts = parts(bytes);
    let contents: Vec<(&str, &[u8])> = MEMBERS
        .iter()
        .enumerate()
        .map(|(number, name)| (*name, parts.get(number).copied().unwrap_or_default()))
        .collect();
    let key = Key::new([7; 32]);
    let of = Sealing {
        findings: Vec::new(),
        commitments: vec![String::new(); parts.len()],
        version: "0",
        timestamp: parts.get(MEMBERS.len()).copied(),
    };
    let Ok((zip, _)) = seal(&contents, of, &key) else {
        return;
    };
    match open(&zip, Some(&key.public())) {
        Ok(opened) => against_originals(&opened),
        Err(fault) => {
            let words = fault.to_string();
            assert!(!words.contains("changed or swapped"), "{words}");
        }
    }
}

/// A sealed file that does not fit is told, whatever it says.
fn against_originals(opened: &Opened) {
    let packets = opened.origins.iter().map(|origin| SealedPacket {
        file: origin.file.clone(),
        packet: origin.packet,
        nonce: origin.why.clone(),
        sha256: String::new(),
    });
    let sealed = Sealed {
        format: "auscult-sealed/1".to_owned(),
        manifest: hex(&opened.digest),
        seed: String::new(),
        packets: packets.collect(),
    };
    let bytes = serde_json::to_vec(&sealed).expect("plain values");
    let original = |_: &str, packet: u64| {
        let at = usize::try_from(packet).ok()?;
        opened.frames.get(at).cloned()
    };
    let _ = opened.check_originals(&bytes, original);
}

/// Frames of one link type behind lengths, with marks at places that the input names.
fn masked(bytes: &[u8]) {
    let Some((&[link, count, from, to], mut rest)) = bytes.split_first_chunk::<4>() else {
        return;
    };
    let mut frames = Vec::new();
    for number in 1..=u64::from(count % 8) + 1 {
        let (length, behind) = rest
            .split_first()
            .map_or((0, rest), |(it, rest)| (*it, rest));
        let (data, behind) = behind
            .split_at_checked(usize::from(length) * 2)
            .unwrap_or((behind, &[]));
        rest = behind;
        frames.push(Frame {
            packet: PacketRef {
                file: FileIndex(0),
                number,
            },
            time: Timestamp(0),
            interface: 0,
            link: if link == 1 {
                LinkType::ETHERNET
            } else {
                LinkType(u16::from(link))
            },
            original: data.len() as u32 + u32::from(from % 3),
            data: data.to_vec(),
        });
    }
    let range = |frame: &Frame| PhiRange {
        packet: frame.packet,
        bytes: u32::from(from)..u32::from(to),
        kind: PhiKind::Name,
    };
    let marks = Marks {
        patient: vec![frames.iter().map(range).collect()],
        read: frames.iter().skip(1).map(|frame| frame.packet).collect(),
        words: vec!["inventa".to_owned(), "rosa".to_owned()],
        ..Marks::default()
    };
    let before = frames.clone();
    let changes = mask(&mut frames, &marks, &Pseudonyms::new([3; 32]));
    for ((now, before), change) in frames.iter().zip(&before).zip(&changes) {
        let kept = change.cut_at.map_or(before.data.len(), |at| at as usize);
        assert_eq!(now.data.len(), kept);
        for (at, (new, old)) in now.data.iter().zip(&before.data).enumerate() {
            let at = at as u32;
            let is_told = change.masked.iter().any(|range| range.contains(&at))
                || change
                    .checksums
                    .iter()
                    .any(|start| (*start..start + 2).contains(&at));
            assert!(new == old || is_told, "byte {at}");
        }
    }
}
