//! What a check comes to, for people, for programs and for spreadsheets.

mod csv;
mod json;
mod text;

use auscult_model::report::Device;

pub use csv::check_csv;
pub use json::{check_json, list_json};
pub use text::{check_text, list_text, plan_text};

use crate::Membership;

/// What a device is called: its label and address, else its id.
fn called(device: &Device) -> String {
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
