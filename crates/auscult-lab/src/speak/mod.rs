//! Encoders of what the programs say, written from the published layouts and never from a decoder
//! of this project, so that one misreading is not shared.

pub mod artifact;
mod ber;
pub mod contec;
pub mod dhcp;
pub mod dicom;
pub mod dns;
pub mod ge;
pub mod hl7;
pub mod http;
pub mod lines;
pub mod link;
pub mod lpd;
pub mod mdns;
pub mod netbios;
pub mod nfs;
pub mod ntp;
pub mod rpc;
pub mod smb;
pub mod smb_share;
pub mod snmp;
pub mod ssh;
pub mod tftp;
pub mod tls;
pub mod tunnel;
pub mod vista;
pub mod waves;
pub mod x509;
