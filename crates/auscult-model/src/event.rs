//! What protocols say: a small closed set of meanings.
//!
//! Detectors and the inventory understand meanings and declared attributes, never a protocol's
//! own types, so that a new protocol needs no change anywhere else.

use std::borrow::Cow;
use std::net::IpAddr;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::{Artifact, Endpoint, MacAddr, PacketRef, PhiKind, Timestamp, Transport};

/// A further value that a protocol's record declares: name and value. Values that travel in the
/// program are not copied.
pub type Attribute = (&'static str, Cow<'static, str>);

/// Something a protocol said, with the packets that carried it.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Name of the protocol (`contec-cms`, `dns`, …).
    pub protocol: &'static str,
    /// Who sent the message.
    pub from: Endpoint,
    /// Whom it was sent to.
    pub to: Endpoint,
    /// The packet with the first byte of the message.
    pub first_packet: PacketRef,
    /// The packet that completed the message.
    pub last_packet: PacketRef,
    /// Time of the first occurrence (of `last_packet`).
    pub first: Timestamp,
    /// Time of the last occurrence that this event stands for.
    pub last: Timestamp,
    /// How often it was said: 1 when it is new, the number of repeats in a later report of it.
    pub count: u64,
    /// How sure the decoder is of what it read, 0 to 1; at most 0.9 after a resynchronisation.
    pub confidence: f32,
    /// What was said.
    pub meaning: Meaning,
    /// Further values that the protocol's record declares, by name.
    pub attributes: Vec<Attribute>,
}

impl Event {
    /// The declared attribute `name`, if the message had it.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, value)| value.as_ref())
    }

    /// The endpoint a claim is about.
    pub fn party(&self, about: About) -> Endpoint {
        match about {
            About::Sender => self.from,
            About::Receiver => self.to,
        }
    }
}

/// Whom a statement is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum About {
    /// The sender of the message.
    Sender,
    /// The receiver of the message.
    Receiver,
}

/// How an address came to a link-layer address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Assignment {
    /// A DHCP server acknowledged it.
    Leased,
    /// The holder announced it or answered for it (ARP, neighbour advertisement).
    Announced,
}

/// The closed set of things that can be said.
#[derive(Clone, Debug, PartialEq)]
pub enum Meaning {
    /// `attribute` = `value` about one side.
    Claim {
        /// Whom it is about.
        about: About,
        /// One of the attributes of the outside contract, or a further one.
        attribute: &'static str,
        /// The value, cleaned of control characters by the reader of the message.
        value: String,
    },
    /// `attribute` = `value` about the holder of a link-layer address (DHCP requests are sent
    /// from 0.0.0.0, relayed ones from elsewhere).
    ClaimByMac {
        /// Whom it is about, on whichever segment (relayed requests come from elsewhere).
        mac: MacAddr,
        /// See [`Meaning::Claim`].
        attribute: &'static str,
        /// See [`Meaning::Claim`].
        value: String,
    },
    /// A name server said that a name has these addresses (an empty list: none, or no such name; or
    /// other records than addresses were asked for, and are there).
    NameAnswered {
        /// In lower case, without the final dot.
        name: String,
        /// What it has.
        addresses: Vec<IpAddr>,
    },
    /// An address belongs to a link-layer address.
    AddressAssigned {
        /// Holder.
        mac: MacAddr,
        /// Address.
        ip: IpAddr,
        /// On whose word.
        how: Assignment,
    },
    /// The network told its members a route out, a name server, or its own prefix.
    NetworkDescribed {
        /// On-link prefix with its length.
        prefix: Option<(IpAddr, u8)>,
        /// Routers.
        routers: Vec<IpAddr>,
        /// Name servers.
        name_servers: Vec<IpAddr>,
    },
    /// Someone logged in, or tried to. The secret itself is never kept.
    Login {
        /// How (`ftp-password`, `http-basic`, `telnet`, …).
        method: &'static str,
        /// The account name.
        account: String,
        /// Whether name and secret could be read on the wire.
        clear: bool,
        /// Accepted, refused, or not seen.
        accepted: Option<bool>,
    },
    /// A file crossed, whole or in part.
    File(Box<Artifact>),
    /// Patient data crossed.
    PatientData {
        /// Kinds present and filled in, sorted.
        kinds: Vec<PhiKind>,
        /// Keyed digest of the patient, to count distinct ones; never shown or kept.
        patient: Option<u64>,
        /// Where each identifying byte lies.
        ranges: Vec<PhiRange>,
        /// The values themselves, so that they can be masked wherever they recur; never shown.
        values: Vec<String>,
    },
    /// Somebody asked a service for something (`mount` of `/pm`, `read` of `monitor`, `print`).
    Request {
        /// What was asked, by the field's word.
        operation: &'static str,
        /// Of what.
        object: String,
        /// `Some` when the answer was seen.
        granted: Option<bool>,
    },
    /// A device's settings were written by the sender.
    SettingChanged {
        /// Which.
        setting: String,
        /// Whether the device acknowledged it.
        acknowledged: Option<bool>,
    },
    /// A device raised or ended an alarm or technical message.
    Alarm {
        /// Its text as sent.
        text: String,
    },
    /// The subject offers a service.
    ServiceOffered {
        /// Who offers it.
        about: About,
        /// On which transport.
        transport: Transport,
        /// On which port.
        port: u16,
        /// Which protocol.
        protocol: &'static str,
    },
    /// A message that breaks its own format.
    Malformed {
        /// What is wrong.
        what: &'static str,
    },
}

/// Identifying bytes of one packet, offsets into the frame as captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhiRange {
    /// The packet.
    pub packet: PacketRef,
    /// The bytes in its frame.
    pub bytes: Range<u32>,
    /// What they are.
    pub kind: PhiKind,
}
