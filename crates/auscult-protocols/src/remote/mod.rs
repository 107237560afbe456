//! Screens from afar, besides RDP.

pub mod teamviewer;
pub mod vnc;
