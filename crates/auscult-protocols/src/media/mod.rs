//! Telephones and cameras: calls, streams and the way through translators.

pub mod rtcp;
pub mod rtp;
pub mod rtsp;
pub mod sip;
pub mod stun;
