//! What a check comes to, for people, for programs and for spreadsheets.

mod csv;
mod json;
mod text;

use auscult_model::report::Device;

pub use csv::check_csv;
pub use json::{check_json, list_json};
pub use text::{check_text, list_text, plan_text};

use crate::{Membership, Proof};

/// Packets of one proof that are shown unless all are asked for.
const PACKETS: usize = 4;

/// What a device is called: its label and address, else its id.
pub(crate) fn called(device: &Device) -> String {
    match (device.label(), device.ips.first()) {
        (Some(label), Some(ip)) => format!("{label} ({ip})"),
        (Some(label), None) => label,
        (None, Some(ip)) => ip.to_string(),
        (None, None) => device.id.clone(),
    }
}

/// How a device is known to be of the family.
fn known_by(by: Membership) -> &'static str {
    match by {
        Membership::Told => "as you say",
        Membership::Named => "named by what it sent",
        Membership::Hinted => "hinted at, not named",
    }
}

/// The packets, by file.
pub(crate) fn packets(proof: &Proof, all: bool) -> String {
    let shown = if all { proof.packets.len() } else { PACKETS };
    let mut file = None;
    let mut words = Vec::new();
    for packet in proof.packets.iter().take(shown) {
        let mut word = match file == Some(&packet.file) {
            true => format!("{}", packet.packet),
            false => format!("{} packet {}", packet.file, packet.packet),
        };
        file = Some(&packet.file);
        if let Some(note) = &packet.note {
            word.push_str(&format!(" ({note})"));
        }
        words.push(word);
    }
    if proof.packets.len() > shown {
        words.push(format!("and {} more", proof.packets.len() - shown));
    }
    words.join(", ")
}
