//! DHCP for IPv4: the four messages of a new lease (RFC 2131, RFC 2132).

use std::net::Ipv4Addr;

use auscult_model::MacAddr;

/// What a client says of itself, beside its MAC.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// Option 12.
    pub host_name: Option<String>,
    /// Option 60.
    pub vendor_class: Option<String>,
    /// Option 55, in its order.
    pub parameters: Vec<u8>,
}

/// What a server hands out.
#[derive(Clone, Copy, Debug)]
pub struct Lease {
    /// The address.
    pub ip: Ipv4Addr,
    /// Length of the network prefix.
    pub prefix: u8,
    /// The router.
    pub router: Ipv4Addr,
    /// The name server.
    pub dns: Ipv4Addr,
    /// The DHCP server.
    pub server: Ipv4Addr,
}

/// Message type numbers of option 53.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// DHCPDISCOVER
    Discover = 1,
    /// DHCPOFFER
    Offer = 2,
    /// DHCPREQUEST
    Request = 3,
    /// DHCPACK
    Ack = 5,
}

fn option(out: &mut Vec<u8>, code: u8, value: &[u8]) {
    out.push(code);
    out.push(value.len().min(255) as u8);
    out.extend(value.iter().take(255));
}

/// One message; the lease is looked at by offers, acknowledgements and requests.
pub fn message(kind: Kind, xid: u32, mac: MacAddr, client: &Client, lease: &Lease) -> Vec<u8> {
    let from_server = matches!(kind, Kind::Offer | Kind::Ack);
    let mut out = vec![if from_server { 2 } else { 1 }, 1, 6, 0];
    out.extend_from_slice(&xid.to_be_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&[0; 4]);
    let yours = if from_server {
        lease.ip
    } else {
        Ipv4Addr::UNSPECIFIED
    };
    out.extend_from_slice(&yours.octets());
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(&mac.0);
    out.resize(236, 0);
    out.extend_from_slice(&[0x63, 0x82, 0x53, 0x63]);
    option(&mut out, 53, &[kind as u8]);
    if from_server {
        let mask = u32::MAX
            .checked_shl(32 - u32::from(lease.prefix))
            .unwrap_or(0);
        option(&mut out, 54, &lease.server.octets());
        // A proxy (PXE 2.1 §2.2.2) gives no address and says nothing of the network.
        if !lease.ip.is_unspecified() {
            option(&mut out, 51, &86_400_u32.to_be_bytes());
            option(&mut out, 1, &mask.to_be_bytes());
            option(&mut out, 3, &lease.router.octets());
            option(&mut out, 6, &lease.dns.octets());
        }
    } else {
        let mut id = vec![1];
        id.extend_from_slice(&mac.0);
        option(&mut out, 61, &id);
        if kind == Kind::Request {
            option(&mut out, 50, &lease.ip.octets());
            option(&mut out, 54, &lease.server.octets());
        }
        if let Some(name) = &client.host_name {
            option(&mut out, 12, name.as_bytes());
        }
        if let Some(class) = &client.vendor_class {
            option(&mut out, 60, class.as_bytes());
        }
        if !client.parameters.is_empty() {
            option(&mut out, 55, &client.parameters);
        }
    }
    out.push(255);
    if out.len() < 300 {
        out.resize(300, 0);
    }
    out
}

/// A message with further options before its end.
pub fn with_options(message: &[u8], options: &[(u8, &[u8])]) -> Vec<u8> {
    let end = message.iter().rposition(|byte| *byte != 0).unwrap_or(0);
    let mut out = message[..end].to_vec();
    for (code, value) in options {
        option(&mut out, *code, value);
    }
    out.push(255);
    out.resize(out.len().max(300), 0);
    out
}
