//! Protocols: one file or folder each, one table of all.
//!
//! To add one: write its file, add a line to [`ALL`], add a golden. Nothing else changes.
//! The laws (no panic on any bytes, the same events however a stream is cut, honest probes) are
//! tested over the whole table, so a new protocol is covered by being listed.

pub mod arp;
pub mod contec_cms;
mod contract;
mod cursor;
#[cfg(test)]
mod cuts;
pub mod dhcp;
pub mod dicom;
pub mod dns;
pub mod drive;
pub mod file;
pub mod ftp;
pub mod hl7;
pub mod hsrp;
pub mod http;
pub mod icmp;
mod lines;
mod login;
pub mod lpd;
pub mod magic;
pub mod mount;
pub mod neighbour;
pub mod nfs;
#[cfg(test)]
mod oracle;
mod output;
pub mod pop3;
pub mod portmap;
mod reading;
mod rpc;
mod sides;
pub mod telnet;
pub mod text;
pub mod tftp;
pub mod vista_cms;
pub mod vrrp;

use auscult_model::Bound;

pub use contract::{Probe, Progress, Protocol, Record, Seen, Session, Start, Tier};
pub use cursor::Cursor;
pub use output::{
    Collected, Expectation, Limits, Mark, Origin, Output, Place, Said, Sample, SampleSink,
};
pub use reading::{Reading, Reads, Source};

/// Bounds that all sessions keep; those of one protocol are in its record.
pub static BOUNDS: &[&Bound] = &[
    &output::STATEMENTS,
    &reading::UNREAD,
    &file::PENDING,
    &lines::LINE,
    &rpc::calls::CALLS,
    &rpc::lane::MESSAGE,
    &rpc::speaker::ONCE,
];

/// Bounds on values of patient data: when one was reached, a value is not known and cannot be
/// masked.
pub static PATIENT_VALUES: &[&Bound] = &[&dicom::PATIENT_VALUES, &hl7::PATIENT_VALUES];

/// Every protocol that flows can carry, in alphabetical order.
pub static ALL: &[&dyn Protocol] = &[
    &contec_cms::ContecCms,
    &dhcp::Dhcp,
    &dicom::Dicom,
    &dns::Dns,
    &ftp::Ftp,
    &hl7::Hl7,
    &hsrp::Hsrp,
    &http::Http,
    &lpd::Lpd,
    &mount::Mount,
    &nfs::Nfs,
    &pop3::Pop3,
    &portmap::Portmap,
    &telnet::Telnet,
    &tftp::Tftp,
    &vista_cms::VistaCms,
    &vrrp::Vrrp,
];

/// Records of the protocols that are read packet by packet, not as flows, in alphabetical order.
pub static PACKET_RECORDS: &[&Record] = &[&arp::RECORD, &icmp::RECORD, &icmp::RECORD_V6];
