//! The whole table of protocols, each forced upon any bytes of two sides: no panic; a stream says
//! the same however it is cut, with and without a hole; a probe's final answer is final.
#![no_main]

use auscult_fuzz::conversation::{Conversation, Turn};
use auscult_model::{Direction, Transport};
use auscult_protocols::drive::{Driven, Piece, drive, without_places};
use auscult_protocols::{ALL, Probe, Protocol, Seen, Start};
use libfuzzer_sys::fuzz_target;

/// What may not depend on the cuts.
fn facts(driven: &Driven) -> (Vec<String>, &[String]) {
    (without_places(&driven.said), &driven.samples)
}

/// The turns as pieces, with a hole in front of the first byte of one side from `hole` on.
fn pieces<'a>(talk: &Conversation<'a>, turns: &[Turn], hole: Option<&Turn>) -> Vec<Piece<'a>> {
    let mut pieces = Vec::new();
    for Turn { direction, range } in turns {
        let bytes = &talk.side(*direction)[range.clone()];
        if let Some(hole) = hole.filter(|hole| hole.direction == *direction) {
            // A cut at the hole in both, what lies in it in neither.
            let (before, after) = (range.start..range.end.min(hole.range.start), hole.range.end);
            if !before.is_empty() {
                pieces.push(Piece::Bytes(*direction, &talk.side(*direction)[before]));
            }
            if range.contains(&hole.range.start) {
                pieces.push(Piece::Gap(*direction, Some(hole.range.len() as u64)));
            }
            if range.end > after {
                let after = range.start.max(after)..range.end;
                pieces.push(Piece::Bytes(*direction, &talk.side(*direction)[after]));
            }
        } else {
            pieces.push(Piece::Bytes(*direction, bytes));
        }
    }
    pieces
}

/// Where the input wants a hole.
fn hole(talk: &Conversation<'_>) -> Option<Turn> {
    let number = usize::from(talk.hole);
    let direction = if number & 1 == 0 {
        Direction::FromOriginator
    } else {
        Direction::FromResponder
    };
    let length = talk.side(direction).len();
    let start = (number >> 5) % length.max(1);
    let end = length.min(start + 1 + (number >> 1) % 16);
    (number != 0 && start < end).then_some(Turn {
        direction,
        range: start..end,
    })
}

fn check_stream(protocol: &dyn Protocol, start: &Start, talk: &Conversation<'_>) {
    let turns = talk.turns();
    let cuts = talk.cut(&turns);
    let hole = hole(talk);
    let whole = drive(protocol, start, &pieces(talk, &turns, hole.as_ref()));
    let cut = drive(protocol, start, &pieces(talk, &cuts, hole.as_ref()));
    assert_eq!(facts(&whole), facts(&cut), "{}", protocol.record().name);
}

fn check_datagrams(protocol: &dyn Protocol, start: &Start, talk: &Conversation<'_>) {
    let turns = talk.turns();
    drive(protocol, start, &pieces(talk, &turns, None));
}

/// Probes see what a flow has shown so far: of each side, less first and then all.
fn check_probes(talk: &Conversation<'_>, from_start: bool, transport: Transport) {
    let part = |bytes: &'_ [u8]| bytes.len() * (usize::from(talk.dice) % 8) / 8;
    let (out, back) = (talk.out, talk.back);
    let (less_out, less_back) = (&out[..part(out)], &back[..part(back)]);
    for protocol in ALL
        .iter()
        .filter(|it| it.record().transports.contains(&transport))
    {
        let probe = |originator, responder| {
            protocol.probe(&Seen {
                transport,
                originator,
                responder,
                from_start,
            })
        };
        // Datagrams are seen whole.
        if transport != Transport::Tcp {
            probe(out, back);
            continue;
        }
        let name = protocol.record().name;
        for (early, late) in [
            (probe(less_out, &[]), probe(out, &[])),
            (probe(&[], less_back), probe(&[], back)),
            // A client that begins to speak may contradict what its server's bytes looked like.
            (
                probe(less_out, less_back),
                probe(if less_out.is_empty() { &[] } else { out }, back),
            ),
        ] {
            assert!(
                early != Probe::Certain || late == Probe::Certain,
                "{name} {late:?}"
            );
        }
        for (early, late) in [
            (probe(less_out, &[]), probe(out, &[])),
            (probe(&[], less_back), probe(&[], back)),
        ] {
            assert!(early != Probe::No || late == Probe::No, "{name} {late:?}");
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let Some(talk) = Conversation::parse(data) else {
        return;
    };
    let protocol = ALL[usize::from(talk.which) % ALL.len()];
    let transports = protocol.record().transports;
    let transport = transports[usize::from(talk.flags) % transports.len()];
    // Started in the middle for one input in four.
    let from_start = talk.flags & 12 != 12 || transport != Transport::Tcp;
    let start = Start {
        transport,
        from_start,
        ports: [40_000, 515],
    };
    check_probes(&talk, from_start, transport);
    if transport == Transport::Tcp {
        check_stream(protocol, &start, &talk);
    } else {
        check_datagrams(protocol, &start, &talk);
    }
});
