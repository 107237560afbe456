//! Encoders of what the programs say, written from the published layouts and never from a decoder
//! of this project, so that one misreading is not shared.

pub mod contec;
pub mod dhcp;
pub mod dns;
pub mod hl7;
pub mod lpd;
pub mod nfs;
pub mod rpc;
pub mod tls;
pub mod vista;
pub mod waves;
