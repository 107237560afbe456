//! What hosts with Windows speak: files and printers, and the screen from afar.

mod implant;
pub mod nbss;
mod ntlm;
pub mod rdp;
pub mod smb;
