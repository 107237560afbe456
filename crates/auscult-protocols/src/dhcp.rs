//! DHCP for IPv4: who a machine says it is, and which address it was given.
//!
//! Sources: RFC 2131, RFC 2132, RFC 3396, RFC 4702 (FQDN), RFC 3004 (user class), RFC 3046
//! (relay), RFC 4578 (machine identifier), RFC 4361 (client identifier).
//! Every message stands for itself. Limits: those of the message reader; a DNS name in option
//! 81 has at most 128 labels.

mod message;
mod stacks;

use std::net::{IpAddr, Ipv4Addr};

use auscult_model::{Assignment, Attribute, Direction, MacAddr, Meaning, Transport, hex};

use crate::dns::message::read_name;
use crate::{Output, Place, Probe, Progress, Protocol, Record, Seen, Session, Start, Tier};
use crate::{Said, sides, text};
use message::{FIXED_LEN, MAGIC, Message, option};

static RECORD: Record = Record {
    name: "dhcp",
    title: "Dynamic Host Configuration Protocol, and BOOTP",
    tier: Tier::Decoded,
    transports: &[Transport::Udp],
    ports: &[67, 68],
    weak: false,
    sources: &[
        "RFC 951", "RFC 2131", "RFC 2132", "RFC 3004", "RFC 3046", "RFC 3396", "RFC 4361",
        "RFC 4578", "RFC 4702",
    ],
    reads: &[
        "host name, FQDN, vendor and user class, client and machine identifier",
        "the list of parameters asked for, and the stack that it belongs to",
        "addresses given, with mask, routers and name servers",
        "which switch port a relay names",
    ],
    leaves_out: "Vendor-specific options (43, 125), boot file and server names, authentication.",
    attributes: &[
        (
            "message",
            "message type: discover, offer, request, ..., or bootp",
        ),
        ("option_order", "codes of the options as they came"),
        ("requested", "address that the client asked for (option 50)"),
        (
            "server_id",
            "address that the server calls itself by (option 54)",
        ),
        ("domain", "domain name given (option 15)"),
        (
            "lease_seconds",
            "how long the address may be used (option 51)",
        ),
        ("relay", "address of the relay agent"),
        (
            "relay_circuit",
            "circuit that the relay names, often a switch port (option 82.1)",
        ),
        (
            "relay_remote",
            "remote end that the relay names, often a switch (option 82.2)",
        ),
    ],
    bounds: &[&message::OPTIONS],
    false_likely: "0 of 100,000 random datagrams of 300 bytes",
};

const SERVER_PORT: u16 = 67;
/// Most bytes of an opaque identifier that are shown.
const SHOWN_MAX: usize = 64;

/// See [`RECORD`].
pub struct Dhcp;

impl Protocol for Dhcp {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        match seen.transport {
            Transport::Udp => sides::judge(seen, probe_message),
            _ => Probe::No,
        }
    }

    fn start(&self, start: &Start) -> Box<dyn Session> {
        Box::new(DhcpSession { ports: start.ports })
    }
}

/// The magic cookie is 32 bits; operation and hardware length come on top. BOOTP without
/// options is known by the zeros behind a six-byte hardware address only.
fn probe_message(bytes: &[u8]) -> Probe {
    let fixed = matches!(bytes, [1 | 2, _, 0..=16, ..]);
    match bytes.get(FIXED_LEN..FIXED_LEN + 4) {
        None if fixed || bytes.len() < 3 => Probe::Maybe,
        Some(magic) if fixed && magic == MAGIC => Probe::Certain,
        Some(_) if is_bare_bootp(bytes) => Probe::Likely,
        _ => Probe::No,
    }
}

fn is_bare_bootp(bytes: &[u8]) -> bool {
    let padding = bytes.get(34..44).unwrap_or_default();
    matches!(bytes, [1 | 2, 1, 6, 0..=16, ..]) && padding.iter().all(|&byte| byte == 0)
}

struct DhcpSession {
    ports: [u16; 2],
}

impl Session for DhcpSession {
    fn data(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        let Some(message) = Message::read(bytes) else {
            return Progress::Used(bytes.len());
        };
        if message.limited {
            out.reached(&message::OPTIONS);
        }
        let place = out.place(0..bytes.len());
        let speaker = Speaker {
            message: &message,
            place,
            common: common(&message),
        };
        if message.op == 1 {
            speaker.client(out);
        } else {
            let to = self.ports[direction.opposite().index()];
            let from = self.ports[direction.index()];
            // What a relay passes on to its clients it did not offer itself.
            let is_server = message.giaddr.is_unspecified() || to == SERVER_PORT;
            speaker.server(is_server.then_some(from), out);
        }
        Progress::Used(bytes.len())
    }
}

/// Says what one message means.
struct Speaker<'a> {
    message: &'a Message,
    place: Place,
    /// Attributes of all that it says.
    common: Vec<Attribute>,
}

impl Speaker<'_> {
    fn client(&self, out: &mut Output<'_>) {
        let message = self.message;
        let Some(mac) = message.mac else { return };
        let mut claim = |attribute: &'static str, value: String| {
            if !value.is_empty() {
                let meaning = Meaning::ClaimByMac {
                    mac,
                    attribute,
                    value,
                };
                self.add_common(out.say(self.place, meaning));
            }
        };
        let vendor_class = self.text(option::VENDOR_CLASS);
        claim("dhcp_hostname", self.text(option::HOST_NAME));
        claim("dhcp_vendor_class", vendor_class.clone());
        claim("dhcp_client_id", client_id(self.data(option::CLIENT_ID)));
        claim("fqdn", fqdn(self.data(option::CLIENT_FQDN)));
        claim("dhcp_user_class", user_class(self.data(option::USER_CLASS)));
        claim(
            "dhcp_machine_id",
            machine_id(self.data(option::CLIENT_MACHINE_ID)),
        );
        claim(
            "dhcp_enterprise",
            enterprise(self.data(option::VENDOR_IDENTIFYING_CLASS)),
        );
        let parameters = self.data(option::PARAMETERS);
        claim("dhcp_parameters", numbers(parameters));
        if let Some(stack) = stacks::of(parameters, &vendor_class) {
            claim("dhcp_stack", stack.name.to_owned());
            claim("os", stack.os.unwrap_or_default().to_owned());
        }
        for (attribute, value) in device_id(&vendor_class) {
            claim(attribute, value.to_owned());
        }
    }

    fn server(&self, port: Option<u16>, out: &mut Output<'_>) {
        let message = self.message;
        let kind = message.kind();
        let given = Some(message.yiaddr).filter(|ip| !ip.is_unspecified());
        if let Some(port) = port {
            self.add_common(out.offer(self.place, Transport::Udp, port, RECORD.name));
        }
        // An acknowledgement, or BOOTP's only reply.
        if let (Some(mac), Some(ip), Some(5) | None) = (message.mac, given, kind) {
            let assigned = Meaning::AddressAssigned {
                mac,
                ip: IpAddr::V4(ip),
                how: Assignment::Leased,
            };
            let said = out.say(self.place, assigned);
            self.add_common(said);
            if let Some(&[a, b, c, d]) = message.get(option::LEASE_TIME) {
                let seconds = u32::from_be_bytes([a, b, c, d]);
                said.with("lease_seconds", seconds.to_string());
            }
        }
        if matches!(kind, Some(2 | 5) | None) {
            self.network(given.unwrap_or(message.ciaddr), out);
        }
    }

    fn network(&self, holder: Ipv4Addr, out: &mut Output<'_>) {
        let message = self.message;
        let mask = message.address(option::SUBNET_MASK);
        let prefix = mask.and_then(|mask| prefix_of(holder, mask));
        let lists = [option::ROUTER, option::NAME_SERVER].map(|code| {
            let addresses = message.addresses(code).into_iter();
            addresses
                .filter(|ip| !ip.is_unspecified())
                .map(IpAddr::V4)
                .collect::<Vec<_>>()
        });
        let [routers, name_servers] = lists;
        if prefix.is_none() && routers.is_empty() && name_servers.is_empty() {
            return;
        }
        let described = Meaning::NetworkDescribed {
            prefix,
            routers,
            name_servers,
        };
        let said = out.say(self.place, described);
        self.add_common(said);
        let domain = self.text(option::DOMAIN_NAME);
        if !domain.is_empty() {
            said.with("domain", domain);
        }
    }

    fn add_common(&self, said: &mut Said) {
        said.attributes.extend_from_slice(&self.common);
    }

    fn data(&self, code: u8) -> &[u8] {
        self.message.get(code).unwrap_or_default()
    }

    fn text(&self, code: u8) -> String {
        text::lenient(self.data(code))
    }
}

/// What is told with everything that a message says.
fn common(message: &Message) -> Vec<Attribute> {
    let mut common: Vec<Attribute> = vec![("message", kind_name(message.kind()).into())];
    if message.op == 1 {
        common.push(("option_order", numbers(&message.order).into()));
    }
    if let Some(asked) = message.address(option::REQUESTED_ADDRESS) {
        common.push(("requested", asked.to_string().into()));
    }
    if let Some(server) = message.address(option::SERVER_ID) {
        common.push(("server_id", server.to_string().into()));
    }
    if !message.giaddr.is_unspecified() {
        common.push(("relay", message.giaddr.to_string().into()));
    }
    let agent = message.get(option::RELAY_AGENT).unwrap_or_default();
    for (code, data) in sub_options(agent) {
        match code {
            1 => common.push(("relay_circuit", shown(data).into())),
            2 => common.push(("relay_remote", shown(data).into())),
            _ => {}
        }
    }
    common
}

/// Name of a message type (RFC 2132 §9.6 and later).
fn kind_name(kind: Option<u8>) -> &'static str {
    match kind {
        None => "bootp",
        Some(1) => "discover",
        Some(2) => "offer",
        Some(3) => "request",
        Some(4) => "decline",
        Some(5) => "ack",
        Some(6) => "nak",
        Some(7) => "release",
        Some(8) => "inform",
        Some(9) => "forcerenew",
        Some(_) => "other",
    }
}

/// The network of `holder` under `mask`; `None` for masks with holes.
fn prefix_of(holder: Ipv4Addr, mask: Ipv4Addr) -> Option<(IpAddr, u8)> {
    let mask = mask.to_bits();
    let length = mask.leading_ones();
    let whole = length + mask.trailing_zeros() == 32;
    let network = Ipv4Addr::from_bits(holder.to_bits() & mask);
    (whole && length > 0 && !holder.is_unspecified()).then_some((IpAddr::V4(network), length as u8))
}

/// `1,3,6`.
fn numbers(values: &[u8]) -> String {
    let words: Vec<_> = values.iter().map(u8::to_string).collect();
    words.join(",")
}

/// Hexadecimal digits, bounded.
fn hexadecimal(data: &[u8]) -> String {
    hex(data.get(..SHOWN_MAX).unwrap_or(data))
}

/// Text if it is printable, else hexadecimal.
fn shown(data: &[u8]) -> String {
    if !data.is_empty() && text::is_printable_ascii(data) {
        text::lenient(data)
    } else {
        hexadecimal(data)
    }
}

/// RFC 2132 §9.14, RFC 4361 §6.1: hardware type and address, or 255, IAID and DUID.
fn client_id(data: &[u8]) -> String {
    match *data {
        [1, a, b, c, d, e, f] => MacAddr([a, b, c, d, e, f]).to_string(),
        [255, a, b, c, d, ref duid @ ..] => {
            let iaid = hexadecimal(&[a, b, c, d]);
            format!("iaid {iaid} duid {}", hexadecimal(duid))
        }
        [0, ref name @ ..] => shown(name),
        _ => shown(data),
    }
}

/// RFC 4702 §2: flags, two unused bytes, the name in text or (flag E) as DNS labels.
fn fqdn(data: &[u8]) -> String {
    let Some((&[flags, _, _], name)) = data.split_first_chunk::<3>() else {
        return String::new();
    };
    if flags & 0x04 == 0 {
        return text::lenient(name).trim_end_matches('.').to_owned();
    }
    // A name that the client does not complete has no final zero.
    let closed = [name, &[0]].concat();
    read_name(&closed, 0).map_or_else(|_| String::new(), |(name, _)| name)
}

/// RFC 3004 §4: counted strings; many clients send bare text instead.
fn user_class(data: &[u8]) -> String {
    let parts: Vec<_> = counted(data);
    let length: usize = parts.iter().map(|part| part.len() + 1).sum();
    if length == data.len() {
        let words: Vec<_> = parts.into_iter().map(shown).collect();
        words.join(", ")
    } else {
        shown(data)
    }
}

fn counted(data: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = data;
    while let Some((&length, after)) = rest.split_first() {
        let Some((part, after)) = after.split_at_checked(usize::from(length)) else {
            break;
        };
        parts.push(part);
        rest = after;
    }
    parts
}

/// RFC 4578 §2.3: type 0 and a UUID, or GUID, of 16 bytes as they came.
fn machine_id(data: &[u8]) -> String {
    match data {
        [0, uuid @ ..] if uuid.len() == 16 && uuid.iter().any(|b| !matches!(b, 0 | 255)) => {
            hexadecimal(uuid)
        }
        _ => String::new(),
    }
}

/// RFC 3925 §3: the first enterprise number.
fn enterprise(data: &[u8]) -> String {
    match *data {
        [a, b, c, d, ..] => u32::from_be_bytes([a, b, c, d]).to_string(),
        _ => String::new(),
    }
}

/// RFC 3046 §2.0: code, length, data.
fn sub_options(mut data: &[u8]) -> Vec<(u8, &[u8])> {
    let mut options = Vec::new();
    while let &[code, length, ref rest @ ..] = data {
        let Some((value, after)) = rest.split_at_checked(usize::from(length)) else {
            break;
        };
        options.push((code, value));
        data = after;
    }
    options
}

/// Printers name themselves in the vendor class: `Mfg=HP;Typ=...;Mod=...;Ser=...;`.
fn device_id(vendor_class: &str) -> impl Iterator<Item = (&'static str, &str)> {
    vendor_class.split(';').filter_map(|part| {
        let (key, value) = part.split_once('=')?;
        let attribute = match key.trim() {
            "Mfg" => "vendor",
            "Mod" => "model",
            "Ser" => "serial",
            _ => return None,
        };
        Some((attribute, value.trim()))
    })
}

#[cfg(test)]
mod tests;
