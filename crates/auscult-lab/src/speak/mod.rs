//! Encoders of what the programs say, written from the published layouts and never from a decoder
//! of this project, so that one misreading is not shared.

pub mod contec;
pub mod dhcp;
pub mod dicom;
pub mod dns;
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
pub mod snmp;
pub mod ssh;
pub mod tls;
pub mod vista;
pub mod waves;
