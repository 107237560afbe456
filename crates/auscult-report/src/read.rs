//! A report that was written as JSON, read again.

use std::fmt;

use auscult_model::report::{Report, SCHEMA};
use serde::Deserialize;

/// Why a text is no report that can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It is no JSON, or JSON of something else.
    NoReport(String),
    /// It was written in another version of the contract.
    OtherSchema(u64),
    /// It is a report without some of its parts.
    Partial(String),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unreadable::NoReport(why) => write!(
                f,
                "no report: {why}; `auscult analyze --format json` writes one"
            ),
            Unreadable::OtherSchema(found) => write!(
                f,
                "a report of schema {found}, this version reads schema {SCHEMA}: make it again \
                 from the captures"
            ),
            Unreadable::Partial(why) => write!(
                f,
                "not a whole report ({why}): `auscult analyze --format json` writes one"
            ),
        }
    }
}

impl std::error::Error for Unreadable {}

#[derive(Deserialize)]
struct Head {
    schema: u64,
    #[serde(rename = "auscult")]
    _auscult: String,
}

/// Whether a file that begins so is meant to be a written report: no capture begins like that.
pub fn looks_like_json(begin: &[u8]) -> bool {
    let begin = begin.strip_prefix(b"\xef\xbb\xbf").unwrap_or(begin);
    begin.trim_ascii_start().starts_with(b"{")
}

/// Reads what [`crate::json`] wrote. Fields that are not known are left out.
pub fn read_json(bytes: &[u8]) -> Result<Report, Unreadable> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let head: Head =
        serde_json::from_slice(bytes).map_err(|error| Unreadable::NoReport(error.to_string()))?;
    if head.schema != u64::from(SCHEMA) {
        return Err(Unreadable::OtherSchema(head.schema));
    }
    serde_json::from_slice(bytes).map_err(|error| Unreadable::Partial(error.to_string()))
}
