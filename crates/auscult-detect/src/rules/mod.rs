//! The detectors, one file each.

mod advisory_device_present;
mod cleartext_login;
mod dead_public_address;
mod patient_data;
mod phi_cleartext_inside;
mod phi_cleartext_outside;
mod public_address_squatted;
mod remote_code_share;

use crate::Detector;

/// Every detector, in alphabetical order of its rule.
pub static ALL: &[&dyn Detector] = &[
    &advisory_device_present::AdvisoryDevicePresent,
    &cleartext_login::CleartextLogin,
    &dead_public_address::DeadPublicAddress,
    &phi_cleartext_inside::PhiCleartextInside,
    &phi_cleartext_outside::PhiCleartextOutside,
    &public_address_squatted::PublicAddressSquatted,
    &remote_code_share::RemoteCodeShare,
];
