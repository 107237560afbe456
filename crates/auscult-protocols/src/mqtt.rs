//! MQTT: devices tell a broker what they measure.
//!
//! Sources: MQTT 3.1 (IBM, 2010), MQTT 3.1.1 and 5.0 (OASIS). Topics and messages are not read.

use auscult_model::Meaning;

use crate::first::{End, First, claim};
use crate::opening::Byte::{Between, Is};
use crate::opening::{Byte, shape, words};
use crate::{Cursor, Output, Probe, Protocol, Record, Seen, Session, Start, Tier, sides, text};

static RECORD: Record = Record {
    name: "mqtt",
    title: "MQTT",
    tier: Tier::Identity,
    ports: &[1883],
    sources: &["MQTT 3.1", "OASIS MQTT 3.1.1", "OASIS MQTT 5.0"],
    reads: &[
        "the identifier of a client",
        "accounts, whose passwords cross in clear",
    ],
    leaves_out: "Topics and messages, and whether a log-in was accepted.",
    attributes: &[],
    ..Record::RECOGNISED
};

/// See [`RECORD`].
pub struct Mqtt;

impl Protocol for Mqtt {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        probe(seen)
    }

    fn start(&self, start: &Start) -> Box<dyn Session> {
        First::start(1, start.from_start, end, read)
    }
}

/// A connection is asked for: a length of up to four bytes, the protocol's name; or granted.
fn of(bytes: &[u8]) -> Probe {
    const ANSWER: &[Byte] = &[Is(0x20), Is(2), Between(0, 1), Between(0, 5)];
    match bytes {
        [0x10, rest @ ..] => match rest.iter().take(4).position(|byte| byte & 0x80 == 0) {
            Some(last) => name(rest.get(last + 1..).unwrap_or_default()),
            None if rest.len() < 4 => Probe::Maybe,
            None => Probe::No,
        },
        // An answer alone is 25 bits.
        [0x20, ..] => shape(bytes, ANSWER, Probe::Likely),
        [0x32 | 0x33 | 0x3a | 0x3b, ..] if is_told(bytes) => Probe::Maybe,
        [0x40, 2, ..] | [0xc0 | 0xd0, 0, ..] => Probe::Maybe,
        _ => Probe::No,
    }
}

fn probe(seen: &Seen<'_>) -> Probe {
    let (one, other) = (seen.originator, seen.responder);
    let is_receipt = |bytes: &[u8]| matches!(bytes, [0x40, 2, _, _, ..]);
    match sides::judge(seen, of) {
        // In its middle: a message to be acknowledged, and its receipt.
        Probe::Maybe if is_told(one) && is_receipt(other) => Probe::Likely,
        // Asked whether the other is there, and answered.
        Probe::Maybe if one.starts_with(&[0xc0, 0]) && other.starts_with(&[0xd0, 0]) => {
            Probe::Likely
        }
        Probe::Maybe if is_told(other) && is_receipt(one) => Probe::Likely,
        answer => answer,
    }
}

/// A message of less than 128 bytes that wants a receipt, with a topic in letters.
fn is_told(bytes: &[u8]) -> bool {
    let [
        0x32 | 0x33 | 0x3a | 0x3b,
        length @ 0..=127,
        0,
        topic,
        rest @ ..,
    ] = bytes
    else {
        return false;
    };
    let topic = rest.get(..usize::from(*topic));
    topic.is_some_and(|topic| {
        topic.len() > 2 && topic.len() < usize::from(*length) && text::is_printable_ascii(topic)
    })
}

fn name(bytes: &[u8]) -> Probe {
    words(bytes, &[b"\0\x04MQTT", b"\0\x06MQIsdp"], Probe::Certain)
}

fn end(bytes: &[u8]) -> End {
    let mut length = 0usize;
    for (index, byte) in bytes.iter().skip(1).take(4).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return End::At(2 + index + length);
        }
    }
    match bytes.len() {
        0..5 => End::Open,
        _ => End::None,
    }
}

/// Who asks for a connection.
fn read(message: &[u8], out: &mut Output<'_>) {
    if message.first() != Some(&0x10) {
        return;
    }
    let Some((client, login)) = connect(message) else {
        return;
    };
    claim(out, message.len(), "mqtt_client_id", Some(client));
    if let Some((account, password)) = login {
        out.withhold_part(message, password.unwrap_or_default());
        let place = out.place(0..message.len());
        out.say(
            place,
            Meaning::Login {
                method: "mqtt",
                account: text::lenient(account),
                clear: password.is_some(),
                accepted: None,
            },
        );
    }
}

type Connect<'a> = (&'a [u8], Option<(&'a [u8], Option<&'a [u8]>)>);

/// The client's identifier; the account, and the password that came with it.
fn connect(message: &[u8]) -> Option<Connect<'_>> {
    let mut cursor = Cursor::new(message);
    cursor.u8()?;
    number(&mut cursor)?;
    string(&mut cursor)?;
    let (level, flags) = (cursor.u8()?, cursor.u8()?);
    cursor.be_u16()?;
    let properties = |cursor: &mut Cursor<'_>| {
        if level >= 5 {
            let length = number(cursor)?;
            cursor.take(length)?;
        }
        Some(())
    };
    properties(&mut cursor)?;
    let client = string(&mut cursor)?;
    if flags & 0x04 != 0 {
        properties(&mut cursor)?;
        string(&mut cursor)?;
        string(&mut cursor)?;
    }
    let account = match flags & 0x80 {
        0 => None,
        _ => {
            let account = string(&mut cursor)?;
            // One that is announced and cut is one all the same.
            let password = (flags & 0x40 != 0).then(|| string(&mut cursor).unwrap_or_default());
            Some((account, password))
        }
    };
    Some((client, account))
}

/// A number of up to four groups of seven bits, the lowest first.
fn number(cursor: &mut Cursor<'_>) -> Option<usize> {
    let mut sum = 0;
    for index in 0..4 {
        let byte = cursor.u8()?;
        sum |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some(sum);
        }
    }
    None
}

fn string<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let length = cursor.be_u16()?;
    cursor.take(usize::from(length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drive::{Piece, drive, without_places};
    use auscult_model::{Direction, Transport};

    const CONNECT: &[u8] = b"\x10\x1c\0\x04MQTT\x04\xc2\0\x3c\0\x05pump7\0\x03icu\0\x04pass";

    #[test]
    fn a_connection_is_asked_for_by_name() {
        assert_eq!(of(CONNECT), Probe::Certain);
        for length in 1..CONNECT.len() {
            assert!(of(&CONNECT[..length]) > Probe::No, "{length}");
        }
        assert_eq!(of(b"\x10\x1c\0\x04MQTX"), Probe::No);
        assert_eq!(of(b"\x20\x02\0\0"), Probe::Likely);
        assert_eq!(of(b"\x20\x03\0\0"), Probe::No);
    }

    #[test]
    fn the_client_and_its_account_are_read_and_no_password() {
        let start = Start {
            transport: Transport::Tcp,
            from_start: true,
            ports: [40_000, 1883],
        };
        let pieces = [Piece::Bytes(Direction::FromOriginator, CONNECT)];
        let said = without_places(&drive(&Mqtt, &start, &pieces).said).join("\n");
        assert!(said.contains("pump7") && said.contains("icu"), "{said}");
        assert!(!said.contains("pass"), "{said}");
    }
}
