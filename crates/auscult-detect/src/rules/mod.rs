//! The detectors, one file each.

mod advisory_device_present;
mod beacon;
mod cleartext_login;
mod data_collecting_service;
mod dead_public_address;
mod default_credential;
mod exfiltration;
mod exposed_service;
mod hardcoded_destination;
mod hostile_ssid;
mod impostor;
mod inbound_from_outside;
mod indicator;
mod mass_silence;
mod mining;
mod name_tunnel;
mod new_peer;
mod outbound;
mod owner_unrelated;
mod patient_data;
mod phi_cleartext_inside;
mod phi_cleartext_outside;
mod public_address_squatted;
mod remote_code_share;
mod remote_setting;
mod remote_tool;
mod reports_to_maker;
mod restart;
mod rogue_service;
mod scan;
mod shared_key;
mod silence;
mod silent_device;
mod spread;
mod stack_flaw;
mod tunnel;
mod unexpected_datagram;
mod unverified_code;
mod weak_tls;

use crate::Detector;

/// Every detector, in alphabetical order of its rule.
pub static ALL: &[&dyn Detector] = &[
    &advisory_device_present::AdvisoryDevicePresent,
    &beacon::Beacon,
    &cleartext_login::CleartextLogin,
    &data_collecting_service::DataCollectingService,
    &dead_public_address::DeadPublicAddress,
    &default_credential::DefaultCredential,
    &exfiltration::Exfiltration,
    &exposed_service::ExposedService,
    &hardcoded_destination::HardcodedDestination,
    &hostile_ssid::HostileSsid,
    &impostor::Impostor,
    &inbound_from_outside::InboundFromOutside,
    &indicator::Indicator,
    &mass_silence::MassSilence,
    &mining::Mining,
    &new_peer::NewPeer,
    &owner_unrelated::OwnerUnrelated,
    &phi_cleartext_inside::PhiCleartextInside,
    &phi_cleartext_outside::PhiCleartextOutside,
    &public_address_squatted::PublicAddressSquatted,
    &remote_code_share::RemoteCodeShare,
    &remote_setting::RemoteSetting,
    &remote_tool::RemoteTool,
    &reports_to_maker::ReportsToMaker,
    &rogue_service::RogueService,
    &scan::Scan,
    &shared_key::SharedKey,
    &silent_device::SilentDevice,
    &spread::Spread,
    &stack_flaw::StackFlaw,
    &tunnel::Tunnel,
    &unexpected_datagram::UnexpectedDatagram,
    &unverified_code::UnverifiedCode,
    &weak_tls::WeakTls,
];
