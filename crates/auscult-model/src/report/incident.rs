//! Findings that have one cause: what happened, in order of time.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Evidence, written};
use crate::Timestamp;

/// Several findings about the same devices and the same other side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// `I-` and the digits of its first finding's id.
    pub id: String,
    /// Ids of its findings, worst first.
    pub findings: Vec<String>,
    /// Ids of the devices concerned.
    pub devices: Vec<String>,
    /// The other side that its findings have in common.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<IpAddr>,
    /// First time of any of it.
    #[serde(with = "written::time")]
    pub first_seen: Option<Timestamp>,
    /// Last time of any of it.
    #[serde(with = "written::time")]
    pub last_seen: Option<Timestamp>,
    /// What was seen, earliest first.
    pub timeline: Vec<Step>,
}

/// One packet of an incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Id of the finding that it proves.
    pub finding: String,
    /// The packet, with its time and what to see there.
    pub evidence: Evidence,
}
