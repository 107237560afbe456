//! Tests of the CMS8000 stream on the worked examples of its layout, by row of the layout, under
//! the laws, and on captures made by other encoders. All patients are invented.

mod captures;
mod laws;
mod probing;
mod rows;

use auscult_model::{Direction, Transport};

use super::ContecCms;
use crate::drive::{Driven, Piece, drive, without_places};
use crate::{Probe, Protocol, Seen, Start};

/// A block with its framing.
fn block(kind: u8, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len() + 2).expect("short");
    let mut block = length.to_le_bytes().to_vec();
    block.extend([0x05, kind]);
    block.extend(data);
    block
}

/// Octets of a text of hexadecimal digits and white space.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter_map(|c| c.to_digit(16))
        .map(|digit| digit as u8)
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

fn cycle_end() -> Vec<u8> {
    hex("02 00 05 47")
}

fn bed_7() -> Vec<u8> {
    hex("06 00 05 45 00 00 07 ff")
}

fn sensor_off() -> Vec<u8> {
    hex("12 00 05 49 03 53 50 4f 32 20 53 45 4e 53 4f 52 20 4f 46 46")
}

fn cuff() -> Vec<u8> {
    hex(
        "25 00 05 46 00 00 16 00 ea 07 03 0e 09 1a 35 79 00 4e 00 5c 00
         a0 00 5a 00 02 00 5a 00 32 00 02 00 6e 00 3c 00 02 00",
    )
}

fn temperatures() -> Vec<u8> {
    hex("30 00 05 46 00 00 17 00 00 00 12 42 00 00 14 42 00 00 00 3f
         00 00 1c 42 00 00 10 42 02 00 00 00 1c 42 00 00 10 42 02 00
         00 00 00 40 00 00 00 00 02 00")
}

/// The pleth of the worked example; `wave` is its curve.
fn pleth(wave: &[u8; 256]) -> Vec<u8> {
    let mut block = hex("16 01 05 46 00 00 15 00");
    block.extend(wave);
    block.extend(hex("61 00 48 00 5a 00 64 00 02 00 32 00 78 00 02 00"));
    block
}

/// The patient of the worked example.
fn patient() -> Vec<u8> {
    let padded = |text: &str, size: usize| {
        let mut field = text.as_bytes().to_vec();
        field.resize(size, 0);
        field
    };
    let mut block = hex("af 00 05 3e");
    block.extend(padded("ICU", 32));
    block.extend([0, 0, 7]);
    block.extend(padded("TEST^PATIENT", 32));
    block.extend(padded("0000000001", 32));
    block.extend(hex("32 30 32 36 00 30 33 00 31 34 00 00 00 00 00 00 00"));
    block.extend(hex("b8 06 c1 02 00 00 00 00"));
    block.extend(hex("31 39 37 30 00 30 31 00 30 32 00 00 00 00 00 00 00"));
    block.extend(padded("DR TEST", 32));
    block
}

/// A curve that moves, the same every time.
fn curve<const N: usize>(seed: u8) -> [u8; N] {
    std::array::from_fn(|i| 100 + (i as u8).wrapping_mul(7).wrapping_add(seed) % 60)
}

/// ECG and respiration with these waves, heart rate 72 and respiratory rate 14.
fn ecg_with(waves: &[u8; 896], flags: [u8; 2], padding: usize) -> Vec<u8> {
    let mut data = hex("00 00 14 00");
    data.extend(waves);
    data.extend([72, flags[0], 14, flags[1]]);
    for value in [0.1_f32, -1000.0, 0.05] {
        data.extend(value.to_le_bytes());
    }
    data.extend([0; 15]);
    for value in [120_u16, 50, 2, 30, 8, 2] {
        data.extend(value.to_le_bytes());
    }
    for _ in 0..3 {
        data.extend(0.25_f32.to_le_bytes());
        data.extend((-0.25_f32).to_le_bytes());
        data.extend([2, 0]);
    }
    for value in [10_u16, 0, 2] {
        data.extend(value.to_le_bytes());
    }
    data.resize(data.len() + padding, 0);
    block(0x46, &data)
}

fn ecg() -> Vec<u8> {
    ecg_with(&curve(0), [0, 0], 0)
}

/// Every type of block, two cycles, unknown ones among them.
fn stream() -> Vec<u8> {
    let mut later = cuff();
    later[10..15].copy_from_slice(&[4, 1, 9, 30, 0]);
    [
        hex("02 00 05 43"),
        bed_7(),
        patient(),
        ecg(),
        pleth(&curve(1)),
        cuff(),
        temperatures(),
        cycle_end(),
        sensor_off(),
        block(0x4a, b"unknown"),
        block(0x46, &hex("00 00 18 00 01 02 03")),
        ecg_with(&curve(9), [0, 0xff], 5),
        pleth(&curve(3)),
        later,
        temperatures(),
        cycle_end(),
    ]
    .concat()
}

fn start(from_start: bool) -> Start {
    Start {
        transport: Transport::Tcp,
        from_start,
        ports: [40_000, 515],
    }
}

fn run(pieces: &[Piece<'_>], from_start: bool) -> Driven {
    drive(&ContecCms, &start(from_start), pieces)
}

fn read(bytes: &[u8]) -> Driven {
    run(&[Piece::Bytes(Direction::FromOriginator, bytes)], true)
}

fn said(bytes: &[u8]) -> Vec<String> {
    without_places(&read(bytes).said)
}

/// The line of a claim of the originator, fully sure.
fn claim(about: &str, attribute: &str, value: &str) -> String {
    format!(
        "FromOriginator 1.00 Claim {{ about: {about}, attribute: \"{attribute}\", value: \
         \"{value}\" }} {{}}"
    )
}

fn probe_one(bytes: &[u8], from_start: bool) -> Probe {
    ContecCms.probe(&Seen {
        transport: Transport::Tcp,
        originator: bytes,
        responder: &[],
        from_start,
    })
}
