//! DNS: which names a name server gave which addresses.
//!
//! Sources: RFC 1035 (messages; §4.2.2 the two-byte length over TCP), RFC 3596, RFC 6891,
//! RFC 6895 (codes). The format is shared with multicast DNS, LLMNR and NetBIOS name service,
//! which differ by port and group; [`message`] reads all of them, this session only DNS itself.
//! Limits: those of [`message`], a CNAME chain of 16, 64 names said a message.

pub mod message;

use std::borrow::Cow;
use std::net::IpAddr;

use auscult_model::{Bound, Direction, Meaning, Transport};

use crate::{Output, Place, Probe, Progress, Protocol, Record, Seen, Session, Start, Tier};
use crate::{netbios, sides};
use message::{CLASS_IN, Data, Fault, HEADER_LEN, Header, Message, kind};

static RECORD: Record = Record {
    name: "dns",
    title: "Domain Name System",
    tier: Tier::Decoded,
    transports: &[Transport::Udp, Transport::Tcp],
    ports: &[53],
    weak: false,
    sources: &["RFC 1035", "RFC 3596", "RFC 2782", "RFC 6891", "RFC 6895"],
    reads: &[
        "questions and their answers: addresses through CNAMEs, names of addresses (PTR)",
        "names that were answered by NULL records, and long ones answered by other records that \
         can carry any data (TXT, CNAME, MX, SRV, KEY)",
        "who answers as a name server",
    ],
    leaves_out: "Zone transfers beyond their addresses, signatures (DNSSEC), SVCB and HTTPS \
                 records, questions without an answer, DNS inside TLS or HTTPS.",
    attributes: &[
        ("rcode", "response code by name, with the bits of EDNS"),
        ("qtype", "type of record that was asked for"),
        ("cname", "the canonical name behind aliases"),
    ],
    bounds: &[&message::RECORDS, &NAMES],
    false_likely: "0 of 100,000 random datagrams of 64 bytes",
};

/// Longest chain of aliases that is followed.
const CHAIN_MAX: usize = 16;
/// Names from here on are told whatever was asked about them.
const LONG: usize = 52;
/// Types of records that serve tunnels alone: NULL, and iodine's own. Their names are told in any
/// case.
const TUNNELS: [u16; 2] = [10, 65399];
/// Types of records in which data can be carried besides: CNAME, MX, TXT, KEY, SRV.
const CARRIERS: [u16; 5] = [kind::CNAME, kind::MX, kind::TXT, 25, kind::SRV];
static NAMES: Bound = Bound::constant(
    "dns-names",
    64,
    "names that one message gives addresses for",
    "further ones are not told",
);
const NAMES_MAX: usize = NAMES.default as usize;
/// Ports of the other members of the family: NetBIOS name service, multicast DNS, LLMNR.
const OTHER_MEMBERS: [u16; 3] = [137, 5353, 5355];

/// See [`RECORD`].
pub struct Dns;

impl Protocol for Dns {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        match seen.transport {
            Transport::Udp => sides::judge(seen, probe_message),
            Transport::Tcp => sides::judge(seen, probe_stream),
            _ => Probe::No,
        }
    }

    fn start(&self, start: &Start) -> Box<dyn Session> {
        let side = Side {
            synced: start.from_start,
            fits: if start.from_start { 2 } else { 0 },
        };
        Box::new(DnsSession {
            transport: start.transport,
            ports: start.ports,
            sides: [side; 2],
            from_start: start.from_start,
            offered: false,
            read_any: false,
        })
    }
}

/// The same behind the length that a stream puts in front.
pub(crate) fn probe_stream(bytes: &[u8]) -> Probe {
    let Some((length, message)) = bytes.split_first_chunk::<2>() else {
        return Probe::Maybe;
    };
    let length = usize::from(u16::from_be_bytes(*length));
    if length < HEADER_LEN {
        return Probe::No;
    }
    match probe_message(message.get(..length).unwrap_or(message)) {
        // A message cut by its own length will not grow.
        Probe::Maybe if message.len() >= length => Probe::No,
        probe => probe,
    }
}

/// Judges by header and first question only, so that more bytes never change the answer. One
/// question (16 bits), class Internet (16), opcode, the reserved bit and a known range of types
/// are more than 40 bits that agree; empty sections of a query come on top.
pub(crate) fn probe_message(bytes: &[u8]) -> Probe {
    let Some(header) = Header::read(bytes) else {
        return Probe::Maybe;
    };
    let [questions, answers, authority, additional] = header.counts;
    let opcode = header.opcode();
    let empty_query = answers == 0 && authority == 0 && additional <= 2;
    if header.reserved()
        || !matches!(opcode, 0 | 4 | 5)
        || questions != 1
        || (!header.is_response() && opcode == 0 && !empty_query)
        || (!header.is_response() && opcode == 0 && header.rcode() != 0)
        || netbios::is_encoded(bytes.get(HEADER_LEN..).unwrap_or_default())
    {
        return Probe::No;
    }
    match message::look_at_question(bytes, HEADER_LEN) {
        Ok((is_named, kind, class)) if matches!(class, 1 | 3 | 4 | 255) => {
            if class == CLASS_IN && kind < 0x200 && is_named {
                Probe::Certain
            } else {
                Probe::Likely
            }
        }
        Err(Fault::Short) => Probe::Maybe,
        Ok(_) | Err(_) => Probe::No,
    }
}

#[derive(Clone, Copy)]
struct Side {
    /// A message border is known.
    synced: bool,
    /// Messages that fitted since the border was found.
    fits: u8,
}

struct DnsSession {
    transport: Transport,
    ports: [u16; 2],
    sides: [Side; 2],
    from_start: bool,
    offered: bool,
    read_any: bool,
}

impl Session for DnsSession {
    fn data(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        if self.ports.iter().any(|port| OTHER_MEMBERS.contains(port)) {
            return Progress::NotThis;
        }
        if self.transport != Transport::Tcp {
            self.message(direction, bytes, 0, out);
            return Progress::Used(bytes.len());
        }
        let side = &mut self.sides[direction.index()];
        if !side.synced {
            match find_border(bytes) {
                Border::At(at) => {
                    *side = Side {
                        synced: true,
                        fits: 0,
                    };
                    if at > 0 {
                        return Progress::Used(at);
                    }
                }
                Border::NotBefore(at) => return Progress::Used(at),
            }
        }
        let Some((length, rest)) = bytes.split_first_chunk::<2>() else {
            return Progress::Used(0);
        };
        let length = usize::from(u16::from_be_bytes(*length));
        let Some(message) = rest.get(..length) else {
            return Progress::Need {
                used: 0,
                need: 2 + length,
            };
        };
        if !self.message(direction, message, 2, out) {
            let side = &mut self.sides[direction.index()];
            side.synced = false;
            if self.from_start && !self.read_any {
                return Progress::NotThis;
            }
            // Not a border after all: look for one from the next byte on.
            return Progress::Used(1);
        }
        Progress::Used(2 + length)
    }

    fn gap(&mut self, direction: Direction, _: Option<u64>, _: &mut Output<'_>) {
        self.sides[direction.index()] = Side {
            synced: false,
            fits: 0,
        };
    }
}

enum Border {
    /// A message begins here.
    At(usize),
    /// None begins before this offset.
    NotBefore(usize),
}

/// Looks for a length followed by a message whose header and question are certain.
fn find_border(bytes: &[u8]) -> Border {
    for at in 0..bytes.len() {
        match probe_stream(bytes.get(at..).unwrap_or_default()) {
            Probe::Certain => return Border::At(at),
            Probe::Maybe => return Border::NotBefore(at),
            Probe::Likely | Probe::No => {}
        }
    }
    Border::NotBefore(bytes.len())
}

impl DnsSession {
    /// Reads one message that begins at `offset` of the presented bytes. Returns whether it was
    /// one.
    fn message(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        offset: usize,
        out: &mut Output<'_>,
    ) -> bool {
        let place = out.place(0..offset + bytes.len());
        let side = &mut self.sides[direction.index()];
        let unsure = side.fits < 2;
        let confidence = if unsure { 0.9 } else { 1.0 };
        let Some(message) = Message::read(bytes) else {
            return false;
        };
        // In a stream a message holds all that it announces; a datagram may have been cut.
        let unfit = message.fault == Some(Fault::Short) || (unsure && message.fault.is_some());
        if self.transport == Transport::Tcp && unfit {
            return false;
        }
        side.fits = side.fits.saturating_add(1);
        match broken(&message) {
            Some(Fault::TooManyRecords) => out.reached(&message::RECORDS),
            Some(fault) => {
                let what = fault.words();
                out.say(place, Meaning::Malformed { what }).sure(confidence);
            }
            None => {}
        }
        self.read_any = true;
        if message.header.is_response() && message.header.opcode() == 0 {
            self.response(direction, &message, place, confidence, out);
        }
        true
    }

    fn response(
        &mut self,
        direction: Direction,
        message: &Message,
        place: Place,
        confidence: f32,
        out: &mut Output<'_>,
    ) {
        if !self.offered && confidence == 1.0 {
            self.offered = true;
            let port = self.ports[direction.index()];
            out.offer(place, self.transport, port, RECORD.name);
        }
        let rcode = rcode_name(message.rcode());
        let qtype = message.questions.first().map(|q| kind_name(q.kind));
        let (mut answers, all) = answers(message);
        let other = other_answer(message);
        answers
            .extend(other.filter(|other| answers.iter().all(|answer| answer.name != other.name)));
        if !all {
            out.reached(&NAMES);
        }
        for answer in answers {
            let said = out.say(
                place,
                Meaning::NameAnswered {
                    name: answer.name,
                    addresses: answer.addresses,
                },
            );
            said.sure(confidence).with("rcode", rcode.clone());
            if let Some(qtype) = &qtype {
                said.with("qtype", qtype.clone());
            }
            if let Some(cname) = answer.cname {
                said.with("cname", cname);
            }
        }
    }
}

/// What is wrong with a message, to be told. Questions that end early were cut; answers may have
/// been, by the capture, which others know, or by a server that says so.
fn broken(message: &Message) -> Option<Fault> {
    let header = message.header;
    let is_answer = header.is_response() && header.opcode() == 0;
    match message.fault {
        Some(Fault::Short) if !is_answer || header.is_truncated() => None,
        None if is_answer && has_odd_address(message) => Some(Fault::Length),
        fault => fault,
    }
}

/// An address record whose length is not that of an address (RFC 1035 §3.4.1, RFC 3596 §2.2).
fn has_odd_address(message: &Message) -> bool {
    let mut records = message.resources();
    records.any(|resource| {
        let is_address = matches!(resource.kind, kind::A | kind::AAAA);
        is_address && resource.class == CLASS_IN && resource.data == Data::Other
    })
}

/// What one response says about one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// In lower case.
    pub(crate) name: String,
    /// Its addresses, empty when the server says that there are none.
    pub(crate) addresses: Vec<IpAddr>,
    /// The last name of the chain of aliases.
    pub(crate) cname: Option<String>,
}

/// An answer to a long name by records that can carry any data. Of short names that says nothing
/// to anybody.
fn other_answer(message: &Message) -> Option<Answer> {
    let question = message.questions.first()?;
    let [answers, ..] = &message.sections;
    let carries = TUNNELS.contains(&question.kind)
        || (CARRIERS.contains(&question.kind) && question.name.len() >= LONG);
    let is_answered = message.rcode() == 0 && !answers.is_empty();
    (carries && is_answered).then(|| Answer {
        name: question.name.to_ascii_lowercase(),
        addresses: Vec::new(),
        cname: None,
    })
}

/// What a response says: for each question the addresses that its aliases lead to, then what
/// further records (of mail or name servers, of reverse names) give; and whether that is all.
pub(crate) fn answers(message: &Message) -> (Vec<Answer>, bool) {
    let mut said: Vec<Answer> = Vec::new();
    let mut reached: Vec<String> = Vec::new();
    let rcode = message.rcode();
    for question in message.questions.iter().take(NAMES_MAX) {
        let name = question.name.to_ascii_lowercase();
        let chain = chain_of(message, &name);
        let addresses = addresses_of(message, &chain);
        let asks_address = matches!(question.kind, kind::A | kind::AAAA | kind::ANY);
        // An empty answer counts only when it is whole and no server failure.
        let denies = message.fault.is_none()
            && !message.header.is_truncated()
            && (rcode == 3 || (rcode == 0 && asks_address && !is_referral(message)));
        let wanted = question.class == CLASS_IN && !name.is_empty();
        if wanted && (!addresses.is_empty() || denies) && !said.iter().any(|a| a.name == name) {
            let cname = chain.last().filter(|last| **last != name).cloned();
            said.push(Answer {
                name,
                addresses,
                cname,
            });
        }
        reached.extend(chain);
    }
    for resource in message.resources() {
        if said.len() >= NAMES_MAX {
            return (said, false);
        }
        let owner = &resource.name;
        let (name, address) = match &resource.data {
            Data::Address(address) if !reached.iter().any(|n| n.eq_ignore_ascii_case(owner)) => {
                (owner.to_ascii_lowercase(), *address)
            }
            Data::Name(target) if resource.kind == kind::PTR => {
                match message::reverse_address(owner) {
                    Some(address) => (target.to_ascii_lowercase(), address),
                    None => continue,
                }
            }
            _ => continue,
        };
        match said.iter_mut().find(|answer| answer.name == name) {
            Some(answer) if answer.addresses.contains(&address) => {}
            Some(answer) => answer.addresses.push(address),
            None => said.push(Answer {
                name,
                addresses: vec![address],
                cname: None,
            }),
        }
    }
    (said, true)
}

/// An answer without records that names other servers to ask, and is no authority itself.
fn is_referral(message: &Message) -> bool {
    let [answers, authority, _] = &message.sections;
    let authoritative = message.header.flags & 0x0400 != 0;
    answers.is_empty() && !authoritative && authority.iter().any(|r| r.kind == kind::NS)
}

/// `name` and the aliases that it leads to.
fn chain_of(message: &Message, name: &str) -> Vec<String> {
    let [answers, ..] = &message.sections;
    let mut chain = vec![name.to_owned()];
    while chain.len() < CHAIN_MAX {
        let next = answers.iter().find_map(|resource| match &resource.data {
            Data::Name(target)
                if resource.kind == kind::CNAME
                    && chain
                        .last()
                        .is_some_and(|last| resource.name.eq_ignore_ascii_case(last)) =>
            {
                Some(target.to_ascii_lowercase())
            }
            _ => None,
        });
        match next {
            Some(next) if !chain.contains(&next) => chain.push(next),
            _ => break,
        }
    }
    chain
}

fn addresses_of(message: &Message, chain: &[String]) -> Vec<IpAddr> {
    let [answers, ..] = &message.sections;
    let mut addresses = Vec::new();
    for resource in answers {
        if let Data::Address(address) = resource.data
            && chain.iter().any(|n| resource.name.eq_ignore_ascii_case(n))
            && !addresses.contains(&address)
        {
            addresses.push(address);
        }
    }
    addresses
}

/// Name of a response code (RFC 6895 §2.3).
fn rcode_name(rcode: u16) -> Cow<'static, str> {
    let name = match rcode {
        0 => "NoError",
        1 => "FormErr",
        2 => "ServFail",
        3 => "NXDomain",
        4 => "NotImp",
        5 => "Refused",
        6 => "YXDomain",
        9 => "NotAuth",
        10 => "NotZone",
        16 => "BadVers",
        other => return format!("RCODE{other}").into(),
    };
    Cow::Borrowed(name)
}

/// Name of a record type (RFC 3597 §5 for the unknown).
fn kind_name(kind: u16) -> Cow<'static, str> {
    let name = match kind {
        kind::A => "A",
        kind::NS => "NS",
        kind::CNAME => "CNAME",
        6 => "SOA",
        10 => "NULL",
        kind::PTR => "PTR",
        kind::MX => "MX",
        kind::TXT => "TXT",
        kind::AAAA => "AAAA",
        kind::SRV => "SRV",
        64 => "SVCB",
        65 => "HTTPS",
        kind::ANY => "ANY",
        other => return format!("TYPE{other}").into(),
    };
    Cow::Borrowed(name)
}

#[cfg(test)]
pub(crate) mod tests;
