//! ESP and AH: the packets of an IPsec tunnel, named by their IP protocol.
//!
//! Sources: RFC 4303, RFC 4302.

use auscult_model::Transport;

use crate::Record;

/// Encapsulating Security Payload.
pub static ESP: Record = Record {
    name: "esp",
    title: "IPsec, enciphered payload",
    transports: &[Transport::Other(50)],
    sources: &["RFC 4303"],
    leaves_out: "All of it: it is enciphered. Within UDP it is not told apart.",
    false_likely: "none: named by the IP protocol number",
    ..Record::RECOGNISED
};

/// Authentication Header.
pub static AH: Record = Record {
    name: "ah",
    title: "IPsec, authenticated packets",
    transports: &[Transport::Other(51)],
    sources: &["RFC 4302"],
    leaves_out: "What is inside.",
    false_likely: "none: named by the IP protocol number",
    ..Record::RECOGNISED
};
