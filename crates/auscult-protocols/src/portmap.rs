//! Portmapper and rpcbind: tells on which port a program listens.
//!
//! ```text
//! version 2      1 set · 2 unset · 3 getport (program, version, protocol 6 or 17, port) → port
//!                4 dump → (1, program, version, protocol, port)*, 0
//!                5 callit (program, version, procedure, arguments<>) → port, results<>
//! version 3, 4   1 set · 2 unset · 3 getaddr (program, version, netid, address, owner) → address
//!                4 dump → (1, program, version, netid, address, owner)*, 0
//!                5 bcast, callit · 9 getversaddr · 10 indirect
//! address        h.h.h.h.p1.p2, or an IPv6 address with .p1.p2: the port's two bytes last
//! ```
//!
//! An answered port is announced, so that the flow to it is known for what it is. Sources:
//! RFC 1833. Limits: at most 64 entries of a list are read.

use auscult_model::{About, Direction, Meaning, Transport};

use crate::rpc::speaker::{Once, Speaker};
use crate::rpc::{self, protocol_of, xdr::Xdr};
use crate::{Expectation, Mark, Probe, Protocol, Record, Seen, Session, Start, Tier};

static RECORD: Record = Record {
    name: "portmap",
    title: "Portmapper (rpcbind)",
    tier: Tier::Decoded,
    transports: &[Transport::Tcp, Transport::Udp],
    ports: &[111],
    weak: false,
    sources: &["RFC 1833", "RFC 5531"],
    reads: &[
        "which program was asked for, and on which port it is",
        "the list of programs with their ports",
        "calls passed on to other programs",
    ],
    leaves_out: "statistics, time, lists of addresses of a program",
    attributes: &[
        ("version", "version of the program that was asked for"),
        (
            "port",
            "port that was answered or registered, with its transport",
        ),
        (
            "programs",
            "programs of a list: number/version/transport:port, separated by commas",
        ),
        ("uid", "user id under which the caller works (AUTH_SYS)"),
    ],
    bounds: &[],
    false_likely: "a call has 76 fixed bits or more and is Certain; Likely only without \
        the other side",
};

/// Most entries of a list.
const LIST_MAX: usize = 64;
/// Longest network id, address or owner.
const WORD_MAX: usize = 256;

/// The `portmap` line of the table.
pub struct Portmap;

impl Protocol for Portmap {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        rpc::probe(seen, &[rpc::PORTMAP])
    }

    fn start(&self, start: &Start) -> Box<dyn Session> {
        rpc::start(start)
    }
}

/// A program and where it listens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Mapping {
    program: u32,
    version: u32,
    transport: Option<Transport>,
    port: u16,
}

/// What a call asked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Query {
    Port(Mapping),
    Address(Mapping),
    Set(&'static str, Mapping),
    Dump { addresses: bool },
    Indirect(&'static str, Mapping),
}

impl Query {
    fn words(&self) -> (&'static str, Option<&Mapping>) {
        match self {
            Query::Port(mapping) => ("getport", Some(mapping)),
            Query::Address(mapping) => ("getaddr", Some(mapping)),
            Query::Set(operation, mapping) | Query::Indirect(operation, mapping) => {
                (operation, Some(mapping))
            }
            Query::Dump { .. } => ("dump", None),
        }
    }
}

/// The arguments of a call, when they are read.
pub(crate) fn query(version: u32, procedure: u32, arguments: &[u8]) -> Option<Query> {
    let xdr = &mut Xdr::new(arguments);
    let old = version <= 2;
    let mapping = if old { mapping } else { address_mapping };
    Some(match procedure {
        1 => Query::Set("set", mapping(xdr)?),
        2 => Query::Set("unset", mapping(xdr)?),
        3 if old => Query::Port(mapping(xdr)?),
        3 | 9 if !old => Query::Address(mapping(xdr)?),
        4 => Query::Dump { addresses: !old },
        5 | 10 => {
            let operation = if procedure == 5 { "callit" } else { "indirect" };
            let mapping = Mapping {
                program: xdr.word()?,
                version: xdr.word()?,
                transport: None,
                port: 0,
            };
            Query::Indirect(operation, mapping)
        }
        _ => return None,
    })
}

fn mapping(xdr: &mut Xdr<'_>) -> Option<Mapping> {
    Some(Mapping {
        program: xdr.word()?,
        version: xdr.word()?,
        transport: match xdr.word()? {
            6 => Some(Transport::Tcp),
            17 => Some(Transport::Udp),
            _ => None,
        },
        port: u16::try_from(xdr.word()?).ok()?,
    })
}

fn address_mapping(xdr: &mut Xdr<'_>) -> Option<Mapping> {
    let (program, version) = (xdr.word()?, xdr.word()?);
    let transport = match xdr.opaque(WORD_MAX)? {
        b"tcp" | b"tcp6" => Some(Transport::Tcp),
        b"udp" | b"udp6" => Some(Transport::Udp),
        _ => None,
    };
    let port = port_of(xdr.opaque(WORD_MAX)?).unwrap_or(0);
    xdr.opaque(WORD_MAX)?;
    Some(Mapping {
        program,
        version,
        transport,
        port,
    })
}

/// The port in a universal address.
fn port_of(address: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(address).ok()?;
    let mut parts = text.rsplit('.');
    let low: u8 = parts.next()?.parse().ok()?;
    let high: u8 = parts.next()?.parse().ok()?;
    Some(u16::from_be_bytes([high, low]))
}

/// Says what was asked and answered (`None`: not carried out).
pub(crate) fn answered(
    query: &Query,
    results: Option<&[u8]>,
    caller: (Mark, Direction),
    once: &mut Once,
    speaker: &mut Speaker<'_, '_>,
) {
    let mut listed = Vec::new();
    let port = results.and_then(|results| {
        let mut xdr = Xdr::new(results);
        match query {
            Query::Port(_) => xdr.word().and_then(|port| u16::try_from(port).ok()),
            Query::Address(_) => port_of(xdr.opaque(WORD_MAX)?),
            Query::Dump { addresses } => {
                listed = list(&mut xdr, *addresses);
                None
            }
            Query::Set(..) | Query::Indirect(..) => None,
        }
    });
    let port = port.filter(|port| *port != 0);
    let granted = match query {
        Query::Port(_) | Query::Address(_) => port.is_some(),
        Query::Set(..) => results
            .and_then(|results| Xdr::new(results).word())
            .is_some_and(|done| done != 0),
        Query::Dump { .. } | Query::Indirect(..) => results.is_some(),
    };
    let (operation, mapping) = query.words();
    let found = mapping
        .zip(port)
        .map(|(mapping, port)| Mapping { port, ..*mapping });
    if let Some(said) = request(query, Some(granted), caller, once, speaker) {
        if let Some(found) = &found {
            said.with("port", found.port_word());
        }
        if operation == "dump" {
            let words: Vec<String> = listed.iter().map(Mapping::word).collect();
            said.with("programs", words.join(", "));
        }
    }
    for mapping in found.iter().chain(&listed) {
        announce(mapping, caller, once, speaker);
    }
}

/// Says what was asked when no answer was seen.
pub(crate) fn unanswered(
    query: &Query,
    caller: (Mark, Direction),
    once: &mut Once,
    speaker: &mut Speaker<'_, '_>,
) {
    request(query, None, caller, once, speaker);
}

fn request<'s>(
    query: &Query,
    granted: Option<bool>,
    caller: (Mark, Direction),
    once: &mut Once,
    speaker: &'s mut Speaker<'_, '_>,
) -> Option<&'s mut crate::Said> {
    let (operation, mapping) = query.words();
    let object = mapping.map(Mapping::object).unwrap_or_default();
    let said = speaker.request(once, caller, operation, &object, granted)?;
    if let Some(mapping) = mapping {
        said.with("version", mapping.version.to_string());
        if let Query::Set(..) = query {
            said.with("port", mapping.port_word());
        }
    }
    Some(said)
}

fn list(xdr: &mut Xdr<'_>, addresses: bool) -> Vec<Mapping> {
    let read = if addresses { address_mapping } else { mapping };
    let mut mappings = Vec::new();
    while mappings.len() < LIST_MAX && xdr.flag() == Some(true) {
        match read(xdr) {
            Some(mapping) => mappings.push(mapping),
            None => break,
        }
    }
    mappings
}

/// Announces a port of a program that is read, and says that the answering side offers it.
fn announce(
    mapping: &Mapping,
    (first, caller): (Mark, Direction),
    once: &mut Once,
    speaker: &mut Speaker<'_, '_>,
) {
    let (Some(transport), Some(protocol)) = (mapping.transport, protocol_of(mapping.program))
    else {
        return;
    };
    if mapping.port == 0 {
        return;
    }
    let server = caller.opposite();
    speaker.out.expect(Expectation {
        transport,
        server,
        port: mapping.port,
        protocol,
        note: None,
    });
    if !once.is_new((caller, "offers", &mapping.word(), None), speaker.out) {
        return;
    }
    let offer = Meaning::ServiceOffered {
        about: About::Sender,
        transport,
        port: mapping.port,
        protocol,
    };
    speaker.say(first, server, offer);
}

impl Mapping {
    fn object(&self) -> String {
        protocol_of(self.program).map_or_else(|| self.program.to_string(), str::to_owned)
    }

    fn transport_word(&self) -> &'static str {
        match self.transport {
            Some(Transport::Tcp) => "tcp",
            Some(Transport::Udp) => "udp",
            _ => "other",
        }
    }

    fn port_word(&self) -> String {
        format!("{}/{}", self.port, self.transport_word())
    }

    fn word(&self) -> String {
        let transport = self.transport_word();
        format!(
            "{}/{}/{transport}:{}",
            self.program, self.version, self.port
        )
    }
}
