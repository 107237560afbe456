//! Runs one protocol over bytes without packets: for laws, goldens, fuzzing and unit tests.
//!
//! Every piece is a packet of its own, numbered from 1; times are a millisecond apart.

use std::collections::BTreeMap;

use auscult_model::{Bounds, Direction, FileIndex, PacketRef, Timestamp, Transport};

use crate::output::{Collected, Origin, UnreadBytes};
use crate::patient_key::PatientKey;
use crate::reading::{Reading, Source};
use crate::{Expectation, Limits, Mark, Protocol, Said, Sample, SampleSink, Start};

/// One packet's payload, or a hole in a stream.
#[derive(Clone, Debug)]
pub enum Piece<'a> {
    /// Bytes in order.
    Bytes(Direction, &'a [u8]),
    /// So many bytes were lost.
    Gap(Direction, Option<u64>),
    /// This side sent everything that it had to send.
    End(Direction),
}

/// What came out.
#[derive(Debug, Default)]
pub struct Driven {
    /// Statements in order.
    pub said: Vec<Said>,
    /// Announced flows.
    pub expected: Vec<Expectation>,
    /// Samples, as text lines: what, how many or which value.
    pub samples: Vec<String>,
    /// Limits reached.
    pub limits: Limits,
    /// Bytes that are not to be shown: not looked at, or secret.
    pub unread: Vec<UnreadBytes>,
    bounds: Bounds,
}

#[derive(Default)]
struct Lines(Vec<String>);

impl SampleSink for Lines {
    fn sample(&mut self, _: Direction, _: Mark, sample: &Sample<'_>) {
        self.0.push(match sample {
            Sample::Wave { channel, values } => format!("{channel} {values:?}"),
            Sample::Number {
                quantity,
                value,
                unit,
            } => format!("{quantity} {value:.2} {unit}"),
            Sample::Discontinuity => "discontinuity".to_owned(),
        });
    }
}

/// Runs a session of `protocol` over `pieces` and ends it.
pub fn drive(protocol: &dyn Protocol, start: &Start, pieces: &[Piece<'_>]) -> Driven {
    let mut driven = Driven::default();
    let mut lines = Lines::default();
    let key = PatientKey::random();
    let mut reading = Reading::new(protocol.start(start));
    let mut number = 0;
    for piece in pieces {
        number += 1;
        let source = source(number);
        let to = collect(&mut driven, &mut lines, &key);
        match piece {
            Piece::Bytes(direction, bytes) if start.transport == Transport::Tcp => {
                reading.bytes(*direction, bytes, source, to);
            }
            Piece::Bytes(direction, bytes) => {
                let origins = [Origin {
                    start: 0,
                    packet: source.packet,
                    time: source.time,
                    frame_offset: source.frame_offset,
                }];
                reading.datagram(*direction, bytes, &origins, to);
            }
            Piece::Gap(direction, length) => reading.gap(*direction, *length, source, to),
            Piece::End(direction) => reading.finished(*direction, source, to),
        }
    }
    let to = collect(&mut driven, &mut lines, &key);
    reading.end(source(number), to);
    driven.samples = lines.0;
    driven
}

fn source(number: u64) -> Source {
    Source {
        packet: PacketRef {
            file: FileIndex(0),
            number,
        },
        time: Timestamp(number as i64 * Timestamp::MILLISECOND),
        frame_offset: Some(54),
    }
}

fn collect<'a>(driven: &'a mut Driven, lines: &'a mut Lines, key: &'a PatientKey) -> Collected<'a> {
    Collected {
        unread: Some(&mut driven.unread),
        bounds: &driven.bounds,
        said: &mut driven.said,
        expected: &mut driven.expected,
        samples: lines,
        limits: &mut driven.limits,
        key,
    }
}

/// Statements without packets and times, one line each: what may not depend on how bytes were
/// cut. Keyed digests are left out.
pub fn without_places(said: &[Said]) -> Vec<String> {
    said.iter()
        .map(|said| {
            let attributes: BTreeMap<_, _> = said.attributes.iter().cloned().collect();
            let meaning = meaning_text(&said.meaning);
            format!(
                "{:?} {:.2} {meaning} {attributes:?}",
                said.direction, said.confidence
            )
        })
        .collect()
}

fn meaning_text(meaning: &auscult_model::Meaning) -> String {
    use auscult_model::Meaning;
    match meaning {
        Meaning::PatientData {
            kinds,
            values,
            ranges,
            patient,
        } => {
            let bytes: u32 = ranges
                .iter()
                .map(|range| range.bytes.end - range.bytes.start)
                .sum();
            let known = patient.is_some();
            format!("PatientData {kinds:?} {values:?} {bytes} bytes, patient known: {known}")
        }
        Meaning::File(file) => format!(
            "File {:?} {} {:?} {} complete: {} {:?}",
            file.name, file.size, file.sha256, file.kind, file.complete, file.class
        ),
        other => format!("{other:?}"),
    }
}

/// One step of a session, for tests that look at its progress.
#[cfg(test)]
pub(crate) fn step(
    session: &mut dyn crate::Session,
    direction: Direction,
    bytes: &[u8],
) -> crate::Progress {
    let mut driven = Driven::default();
    let mut lines = Lines::default();
    let key = PatientKey::random();
    let at = source(1);
    let origins = [Origin {
        start: 0,
        packet: at.packet,
        time: at.time,
        frame_offset: at.frame_offset,
    }];
    let to = collect(&mut driven, &mut lines, &key);
    session.data(
        direction,
        bytes,
        &mut crate::Output::new(direction, &origins, to),
    )
}
