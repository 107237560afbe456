//! The verbs of a story's steps, by name.

use auscult_model::Timestamp;
use serde::Deserialize;

use super::{Player, clinic, link, names, raw, shares, web};

/// One step; each verb is described where its type is.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub(super) enum Step {
    Arp(link::Ask),
    Announce(link::Announce),
    Claim(link::Claim),
    RouterGroup(link::RouterGroup),
    Frame(link::Raw),
    Beacon(link::Beacon),
    Ssh(web::Ssh),
    Lease(names::Lease),
    Pxe(names::Pxe),
    Dns(names::Dns),
    Llmnr(names::Shouted),
    Nbns(names::Shouted),
    Mdns(names::Mdns),
    Ssdp(names::Ssdp),
    Tls(web::Tls),
    Http(web::Http),
    Tcp(raw::Tcp),
    Udp(raw::Udp),
    Syn(raw::Syn),
    Scan(raw::Scan),
    Sweep(raw::Sweep),
    Icmp(raw::Icmp),
    Tunnel(raw::Tunnel),
    Bulk(raw::Bulk),
    Ntp(raw::Ntp),
    Nfs(shares::Nfs),
    Tftp(shares::Tftp),
    Ftp(shares::Ftp),
    Smb(shares::Smb),
    Print(shares::Print),
    Hl7(clinic::Hl7),
    Contec(clinic::Contec),
    Dicom(clinic::Dicom),
    Ge(clinic::Ge),
    Snmp(clinic::Snmp),
}

impl Step {
    /// Does it, beginning at a time; returns when it is over.
    pub(super) fn act(&self, player: &mut Player, at: Timestamp) -> Result<Timestamp, String> {
        match self {
            Step::Arp(step) => step.act(player, at),
            Step::Announce(step) => step.act(player, at),
            Step::Claim(step) => step.act(player, at),
            Step::RouterGroup(step) => step.act(player, at),
            Step::Frame(step) => step.act(player, at),
            Step::Beacon(step) => step.act(player, at),
            Step::Ssh(step) => step.act(player, at),
            Step::Lease(step) => step.act(player, at),
            Step::Pxe(step) => step.act(player, at),
            Step::Dns(step) => step.act(player, at),
            Step::Llmnr(step) => step.act(player, true, at),
            Step::Nbns(step) => step.act(player, false, at),
            Step::Mdns(step) => step.act(player, at),
            Step::Ssdp(step) => step.act(player, at),
            Step::Tls(step) => step.act(player, at),
            Step::Http(step) => step.act(player, at),
            Step::Tcp(step) => step.act(player, at),
            Step::Udp(step) => step.act(player, at),
            Step::Syn(step) => step.act(player, at),
            Step::Scan(step) => step.act(player, at),
            Step::Sweep(step) => step.act(player, at),
            Step::Icmp(step) => step.act(player, at),
            Step::Tunnel(step) => step.act(player, at),
            Step::Bulk(step) => step.act(player, at),
            Step::Ntp(step) => step.act(player, at),
            Step::Nfs(step) => step.act(player, at),
            Step::Tftp(step) => step.act(player, at),
            Step::Ftp(step) => step.act(player, at),
            Step::Smb(step) => step.act(player, at),
            Step::Print(step) => step.act(player, at),
            Step::Hl7(step) => step.act(player, at),
            Step::Contec(step) => step.act(player, at),
            Step::Dicom(step) => step.act(player, at),
            Step::Ge(step) => step.act(player, at),
            Step::Snmp(step) => step.act(player, at),
        }
    }
}
