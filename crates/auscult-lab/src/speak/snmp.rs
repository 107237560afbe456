//! SNMP messages of all three versions, as far as an inventory asks (RFC 1157, 1905, 3412, 3414).

use super::ber::tlv;

/// An object identifier.
pub type Oid = [u32];

/// sysDescr.0
pub const DESCRIPTION: &Oid = &[1, 3, 6, 1, 2, 1, 1, 1, 0];
/// sysObjectID.0
pub const OBJECT_ID: &Oid = &[1, 3, 6, 1, 2, 1, 1, 2, 0];
/// sysUpTime.0
pub const UP_TIME: &Oid = &[1, 3, 6, 1, 2, 1, 1, 3, 0];
/// sysName.0
pub const NAME: &Oid = &[1, 3, 6, 1, 2, 1, 1, 5, 0];
/// sysLocation.0
pub const LOCATION: &Oid = &[1, 3, 6, 1, 2, 1, 1, 6, 0];

/// What a variable holds.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// Nothing: a question.
    Null,
    /// Octets.
    Text(&'a str),
    /// An identifier.
    Object(&'a Oid),
    /// Hundredths of a second.
    Ticks(u32),
    /// A counter.
    Counter(u32),
    /// A number.
    Integer(u32),
}

/// The kind of PDU by its tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// GetRequest
    Get = 0xa0,
    /// GetNextRequest
    Next = 0xa1,
    /// Response
    Response = 0xa2,
    /// SetRequest
    Set = 0xa3,
    /// Report (version 3)
    Report = 0xa8,
}

fn unsigned(tag: u8, value: u32) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let first = bytes.iter().position(|b| *b != 0).unwrap_or(3);
    let mut body = Vec::new();
    if bytes[first] & 0x80 != 0 {
        body.push(0);
    }
    body.extend_from_slice(&bytes[first..]);
    tlv(tag, &body)
}

fn integer(value: u32) -> Vec<u8> {
    unsigned(2, value)
}

fn object(oid: &Oid) -> Vec<u8> {
    let mut body = vec![(oid[0] * 40 + oid[1]) as u8];
    for arc in &oid[2..] {
        let mut groups = vec![(arc & 0x7f) as u8];
        let mut rest = arc >> 7;
        while rest > 0 {
            groups.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        body.extend(groups.into_iter().rev());
    }
    tlv(6, &body)
}

fn pdu(kind: Kind, id: u32, variables: &[(&Oid, Value<'_>)]) -> Vec<u8> {
    let list: Vec<u8> = variables
        .iter()
        .flat_map(|(oid, value)| {
            let value = match value {
                Value::Null => tlv(5, &[]),
                Value::Text(text) => tlv(4, text.as_bytes()),
                Value::Object(oid) => object(oid),
                Value::Ticks(ticks) => unsigned(0x43, *ticks),
                Value::Counter(count) => unsigned(0x41, *count),
                Value::Integer(number) => integer(*number),
            };
            tlv(0x30, &[object(oid), value].concat())
        })
        .collect();
    let body = [integer(id), integer(0), integer(0), tlv(0x30, &list)].concat();
    tlv(kind as u8, &body)
}

/// A message of version 1 (`version` 0) or 2c (1).
pub fn message(
    version: u8,
    community: &str,
    kind: Kind,
    id: u32,
    variables: &[(&Oid, Value<'_>)],
) -> Vec<u8> {
    let parts = [
        integer(version.into()),
        tlv(4, community.as_bytes()),
        pdu(kind, id, variables),
    ];
    tlv(0x30, &parts.concat())
}

/// Who answers in version 3.
#[derive(Clone, Debug)]
pub struct Engine {
    /// snmpEngineID; empty in a discovery.
    pub id: Vec<u8>,
    /// How often it was started.
    pub boots: u32,
    /// Seconds since.
    pub time: u32,
}

/// The message that asks who is there, or its answer, in version 3 without security.
pub fn discovery(engine: Option<&Engine>, id: u32) -> Vec<u8> {
    const UNKNOWN_ENGINES: &Oid = &[1, 3, 6, 1, 6, 3, 15, 1, 1, 4, 0];
    let nobody = Engine {
        id: Vec::new(),
        boots: 0,
        time: 0,
    };
    let (engine, flags, inner) = match engine {
        None => (&nobody, 4, pdu(Kind::Get, id, &[])),
        Some(engine) => {
            let told = [(UNKNOWN_ENGINES, Value::Counter(1))];
            let report = pdu(Kind::Report, id, &told);
            (engine, 0, report)
        }
    };
    let header = [integer(id), integer(65_507), tlv(4, &[flags]), integer(3)];
    let security = [
        tlv(4, &engine.id),
        integer(engine.boots),
        integer(engine.time),
        tlv(4, &[]),
        tlv(4, &[]),
        tlv(4, &[]),
    ];
    let scope = [tlv(4, &engine.id), tlv(4, &[]), inner];
    let parts = [
        integer(3),
        tlv(0x30, &header.concat()),
        tlv(4, &tlv(0x30, &security.concat())),
        tlv(0x30, &scope.concat()),
    ];
    tlv(0x30, &parts.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_the_bytes_that_others_write() {
        let bytes = message(0, "public", Kind::Get, 38, &[(DESCRIPTION, Value::Null)]);
        let mut want = vec![0x30, 0x26, 2, 1, 0, 4, 6];
        want.extend_from_slice(b"public");
        want.extend_from_slice(&[
            0xa0, 0x19, 2, 1, 38, 2, 1, 0, 2, 1, 0, 0x30, 0x0e, 0x30, 0x0c,
        ]);
        want.extend_from_slice(&[6, 8, 0x2b, 6, 1, 2, 1, 1, 1, 0, 5, 0]);
        assert_eq!(bytes, want);
    }

    #[test]
    fn large_arcs_and_numbers_have_their_groups() {
        assert_eq!(
            object(&[1, 3, 6, 1, 4, 1, 8072]),
            [6, 7, 0x2b, 6, 1, 4, 1, 0xbf, 0x08]
        );
        assert_eq!(integer(200), [2, 2, 0, 200]);
        assert_eq!(integer(0), [2, 1, 0]);
    }
}
