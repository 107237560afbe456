//! Protocols: one file or folder each, one table of all.
//!
//! To add one: write its file, add a line to [`ALL`], add a golden. Nothing else changes.
//! The laws (no panic on any bytes, the same events however a stream is cut, honest probes) are
//! tested over the whole table, so a new protocol is covered by being listed.

pub mod arp;
pub mod auth;
mod base64;
pub mod bedside;
pub mod bittorrent;
pub mod cdp;
pub mod coap;
pub mod contec_cms;
mod contract;
mod cursor;
#[cfg(test)]
mod cuts;
pub mod dhcp;
pub mod dhcpv6;
pub mod dicom;
pub mod dns;
pub mod drive;
mod factory_login;
pub mod file;
mod first;
pub mod ftp;
pub mod ftp_data;
pub mod glbp;
#[cfg(test)]
mod goldens;
mod heard;
pub mod hl7;
pub mod hsrp;
pub mod http;
pub mod http2;
pub mod icmp;
pub mod igmp;
pub mod imap;
mod lines;
pub mod lldp;
pub mod llmnr;
mod login;
pub mod lpd;
pub mod magic;
pub mod mdns;
pub mod media;
pub mod mount;
pub mod mqtt;
pub mod mysql;
pub mod nbds;
pub mod nbns;
pub mod neighbour;
mod netbios;
pub mod netflow;
pub mod nfs;
pub mod ntp;
pub mod odd_headers;
mod opening;
#[cfg(test)]
mod oracle;
mod output;
mod patient_key;
pub mod plant;
pub mod pop3;
pub mod portmap;
pub mod postgres;
pub mod quic;
mod reading;
mod records;
pub mod remote;
mod router_group;
mod rpc;
mod sides;
pub mod smtp;
pub mod snmp;
pub mod ssdp;
pub mod ssh;
pub mod stratum;
pub mod syslog;
pub mod telnet;
pub mod text;
pub mod tftp;
pub mod tls;
pub mod tunnels;
pub mod vista_cms;
pub mod vpn;
pub mod vrrp;
pub mod windows;
pub mod wlan;
pub mod ws_discovery;

use auscult_model::Bound;

pub use contract::{Probe, Progress, Protocol, Record, Seen, Session, Start, Tier};
pub use cursor::Cursor;
pub use output::{
    Collected, Expectation, Limits, Mark, Origin, Output, Place, Said, Sample, SampleSink,
    UnreadBytes,
};
pub use patient_key::PatientKey;
pub use reading::{Reading, Reads, Source};

/// Bounds that all sessions keep; those of one protocol are in its record.
pub static BOUNDS: &[&Bound] = &[
    &output::STATEMENTS,
    &reading::UNREAD,
    &file::PENDING,
    &heard::HEARD,
    &first::FIRST,
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
    &bedside::astm::Astm,
    &plant::bacnet::Bacnet,
    &bittorrent::BitTorrent,
    &coap::Coap,
    &contec_cms::ContecCms,
    &dhcp::Dhcp,
    &dhcpv6::Dhcpv6,
    &dicom::Dicom,
    &plant::dnp3::Dnp3,
    &dns::Dns,
    &tls::Dtls,
    &plant::enip::Enip,
    &ftp::Ftp,
    &ftp_data::FtpData,
    &bedside::ge_unity::GeUnity,
    &glbp::Glbp,
    &hl7::Hl7,
    &hsrp::Hsrp,
    &http::Http,
    &http2::Http2,
    &plant::iec104::Iec104,
    &igmp::Igmp,
    &vpn::ike::Ike,
    &imap::Imap,
    &bedside::intellivue::IntelliVue,
    &auth::kerberos::Kerberos,
    &auth::ldap::Ldap,
    &llmnr::Llmnr,
    &lpd::Lpd,
    &mdns::Mdns,
    &bedside::medibus::Medibus,
    &plant::modbus::Modbus,
    &mount::Mount,
    &mqtt::Mqtt,
    &mysql::MySql,
    &nbds::Nbds,
    &nbns::Nbns,
    &windows::nbss::Nbss,
    &netflow::NetFlow,
    &nfs::Nfs,
    &ntp::Ntp,
    &plant::opcua::OpcUa,
    &vpn::openvpn::OpenVpn,
    &bedside::poct1_a::Poct1A,
    &pop3::Pop3,
    &portmap::Portmap,
    &postgres::Postgres,
    &quic::Quic,
    &auth::radius::Radius,
    &windows::rdp::Rdp,
    &media::rtcp::Rtcp,
    &media::rtp::Rtp,
    &media::rtsp::Rtsp,
    &bedside::rwhat::Rwhat,
    &plant::s7::S7,
    &media::sip::Sip,
    &windows::smb::Smb,
    &smtp::Smtp,
    &snmp::Snmp,
    &vpn::socks::Socks,
    &ssdp::Ssdp,
    &ssh::Ssh,
    &stratum::Stratum,
    &media::stun::Stun,
    &syslog::Syslog,
    &auth::tacacs::Tacacs,
    &remote::teamviewer::TeamViewer,
    &telnet::Telnet,
    &tftp::Tftp,
    &tls::Tls,
    &vista_cms::VistaCms,
    &remote::vnc::Vnc,
    &vrrp::Vrrp,
    &vpn::wireguard::WireGuard,
    &ws_discovery::WsDiscovery,
];

/// Records of the protocols that are read packet by packet, not as flows, in alphabetical order.
pub static PACKET_RECORDS: &[&Record] = &[
    &vpn::ipsec::AH,
    &arp::RECORD,
    &cdp::RECORD,
    &tunnels::CAPWAP,
    &vpn::ipsec::ESP,
    &tunnels::GENEVE,
    &tunnels::GRE,
    &tunnels::GTP_U,
    &icmp::RECORD,
    &icmp::RECORD_V6,
    &tunnels::IP_IN_IP,
    &odd_headers::IPV4,
    &lldp::RECORD,
    &odd_headers::TCP,
    &tunnels::TEREDO,
    &tunnels::TZSP,
    &tunnels::VXLAN,
    &wlan::RECORD,
];
