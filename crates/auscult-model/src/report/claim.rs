//! What a report says of a device besides its properties: what was claimed, and why it is one.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::Evidence;

/// A claim as shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// Attribute.
    pub attribute: String,
    /// Value.
    pub value: String,
    /// How sure, 0 to 1.
    pub confidence: f32,
    /// On whose word: a protocol, a data set, a signature.
    pub source: String,
    /// Packets.
    pub evidence: Vec<Evidence>,
}

/// A reason why parts are one device, or why others are another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bond {
    /// They are one device; else they were kept apart.
    pub joined: bool,
    /// What.
    pub what: String,
    /// Why.
    pub because: Cow<'static, str>,
}
