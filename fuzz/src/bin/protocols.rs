//! The whole table: any bytes, in two cuts, give the same statements; no panic.
#![no_main]

use auscult_model::{Direction, Transport};
use auscult_protocols::drive::{Piece, drive, without_places};
use auscult_protocols::{ALL, Seen, Start};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let [which, flags, cut, rest @ ..] = data else { return };
    let protocol = ALL[usize::from(*which) % ALL.len()];
    let transports = protocol.record().transports;
    let transport = transports[usize::from(*flags) % transports.len()];
    let start = Start { transport, from_start: flags & 2 != 0, ports: [40_000, 515] };
    let _ = protocol.probe(&Seen {
        transport,
        originator: rest,
        responder: &[],
        from_start: start.from_start,
    });
    let direction =
        if flags & 4 != 0 { Direction::FromResponder } else { Direction::FromOriginator };
    let (a, b) = rest.split_at(usize::from(*cut).min(rest.len()));
    if transport == Transport::Tcp {
        let whole = drive(protocol, &start, &[Piece::Bytes(direction, rest)]);
        let pieces = [Piece::Bytes(direction, a), Piece::Bytes(direction, b)];
        let cut = drive(protocol, &start, &pieces);
        assert_eq!(without_places(&whole.said), without_places(&cut.said));
        drive(
            protocol,
            &start,
            &[Piece::Bytes(direction, a), Piece::Gap(direction, Some(7)), pieces[1].clone()],
        );
    } else {
        let other = direction.opposite();
        drive(protocol, &start, &[Piece::Bytes(direction, a), Piece::Bytes(other, b)]);
    }
});
