//! The BOOTP/DHCP message: fixed part, options in order, overload and concatenation.
//!
//! Sources: RFC 951, RFC 2131 §2, RFC 2132, RFC 3396 (long options), RFC 3046 (relay agent).
//! Limits: 256 options a message; sname and file are read only when option 52 says so.
//!
//! ```text
//! 0 op · 1 htype · 2 hlen · 3 hops · 4 xid u32 · 8 secs u16 · 10 flags u16 · 12 ciaddr
//! 16 yiaddr · 20 siaddr · 24 giaddr · 28 chaddr (16) · 44 sname (64) · 108 file (128)
//! 236 63 82 53 63 · options: tag, length, data; 0 pad; 255 end
//! ```

use std::net::Ipv4Addr;

use auscult_model::{Bound, MacAddr};

use crate::Cursor;

/// What options begin with.
pub(super) const MAGIC: [u8; 4] = [0x63, 0x82, 0x53, 0x63];
/// Length of the fixed part.
pub(super) const FIXED_LEN: usize = 236;
pub(super) static OPTIONS: Bound = Bound::constant(
    "dhcp-options",
    256,
    "options of one message",
    "further ones are not read",
);
const OPTIONS_MAX: usize = OPTIONS.default as usize;
const SNAME: std::ops::Range<usize> = 44..108;
const FILE: std::ops::Range<usize> = 108..FIXED_LEN;

/// Option codes (RFC 2132 and later ones) that are read.
pub(super) mod option {
    #![allow(missing_docs, reason = "the registry's own names")]
    pub(crate) const SUBNET_MASK: u8 = 1;
    pub(crate) const ROUTER: u8 = 3;
    pub(crate) const NAME_SERVER: u8 = 6;
    pub(crate) const HOST_NAME: u8 = 12;
    pub(crate) const DOMAIN_NAME: u8 = 15;
    pub(crate) const REQUESTED_ADDRESS: u8 = 50;
    pub(crate) const LEASE_TIME: u8 = 51;
    pub(crate) const OVERLOAD: u8 = 52;
    pub(crate) const MESSAGE_TYPE: u8 = 53;
    pub(crate) const SERVER_ID: u8 = 54;
    pub(crate) const PARAMETERS: u8 = 55;
    pub(crate) const VENDOR_CLASS: u8 = 60;
    pub(crate) const CLIENT_ID: u8 = 61;
    pub(crate) const USER_CLASS: u8 = 77;
    pub(crate) const CLIENT_FQDN: u8 = 81;
    pub(crate) const RELAY_AGENT: u8 = 82;
    pub(crate) const CLIENT_MACHINE_ID: u8 = 97;
    pub(crate) const VENDOR_IDENTIFYING_CLASS: u8 = 124;
}

/// A message, as far as it could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// 1 from clients, 2 from servers.
    pub(super) op: u8,
    pub(super) xid: u32,
    pub(super) ciaddr: Ipv4Addr,
    pub(super) yiaddr: Ipv4Addr,
    pub(super) giaddr: Ipv4Addr,
    /// Hardware address, when it is Ethernet's and names one station.
    pub(super) mac: Option<MacAddr>,
    /// Option codes as they came, without padding and end.
    pub(super) order: Vec<u8>,
    /// Options, parts of one code joined, in the order of their first part.
    options: Vec<(u8, Vec<u8>)>,
    /// More options than are kept.
    pub(super) limited: bool,
}

impl Message {
    /// Reads a message; `None` when the fixed part is not there or is none.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes.get(..FIXED_LEN)?);
        let op = cursor.u8().filter(|op| matches!(op, 1 | 2))?;
        let (htype, hlen) = (cursor.u8()?, cursor.u8()?);
        let _hops = cursor.u8()?;
        let xid = cursor.be_u32()?;
        let _secs_and_flags = cursor.be_u32()?;
        let ciaddr = Ipv4Addr::from_bits(cursor.be_u32()?);
        let yiaddr = Ipv4Addr::from_bits(cursor.be_u32()?);
        let _siaddr = cursor.be_u32()?;
        let giaddr = Ipv4Addr::from_bits(cursor.be_u32()?);
        let mac = MacAddr(cursor.take(6)?.try_into().ok()?);
        let is_station = htype == 1 && hlen == 6 && !mac.is_group() && mac != MacAddr::NONE;
        let mut message = Message {
            op,
            xid,
            ciaddr,
            yiaddr,
            giaddr,
            mac: is_station.then_some(mac),
            order: Vec::new(),
            options: Vec::new(),
            limited: false,
        };
        let rest = bytes.get(FIXED_LEN..).unwrap_or_default();
        if let Some(options) = rest.strip_prefix(&MAGIC) {
            message.read_options(options);
            let overload = message
                .get(option::OVERLOAD)
                .and_then(|data| data.first().copied());
            // RFC 3396 §5: options, then file, then sname.
            if matches!(overload, Some(1 | 3)) {
                message.read_options(bytes.get(FILE).unwrap_or_default());
            }
            if matches!(overload, Some(2 | 3)) {
                message.read_options(bytes.get(SNAME).unwrap_or_default());
            }
        }
        Some(message)
    }

    fn read_options(&mut self, bytes: &[u8]) {
        let mut cursor = Cursor::new(bytes);
        loop {
            let code = match cursor.u8() {
                Some(0) => continue,
                Some(255) | None => return,
                Some(code) => code,
            };
            let data = cursor
                .u8()
                .and_then(|length| cursor.take(usize::from(length)));
            let Some(data) = data else { return };
            if self.order.len() >= OPTIONS_MAX {
                self.limited = true;
                return;
            }
            self.order.push(code);
            match self.options.iter_mut().find(|(known, _)| *known == code) {
                Some((_, joined)) => joined.extend_from_slice(data),
                None => self.options.push((code, data.to_vec())),
            }
        }
    }

    /// Data of an option.
    pub(super) fn get(&self, code: u8) -> Option<&[u8]> {
        self.options
            .iter()
            .find(|(known, _)| *known == code)
            .map(|(_, data)| data.as_slice())
    }

    /// An option that holds one address.
    pub(super) fn address(&self, code: u8) -> Option<Ipv4Addr> {
        let octets = <[u8; 4]>::try_from(self.get(code)?).ok()?;
        Some(Ipv4Addr::from(octets))
    }

    /// An option that lists addresses.
    pub(super) fn addresses(&self, code: u8) -> Vec<Ipv4Addr> {
        let (chunks, _) = self.get(code).unwrap_or_default().as_chunks::<4>();
        chunks
            .iter()
            .map(|octets| Ipv4Addr::from(*octets))
            .collect()
    }

    /// Message type; `None` in plain BOOTP.
    pub(super) fn kind(&self) -> Option<u8> {
        self.get(option::MESSAGE_TYPE)?.first().copied()
    }
}
