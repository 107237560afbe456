//! Who talked to whom in which hour.

use std::collections::BTreeMap;
use std::net::IpAddr;

use auscult_model::{ConversationKey, ConversationSum, Outcome, Transport};
use rusqlite::{Connection, params};

use crate::rows::count;

/// A conversation in one hour.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HourKey {
    /// Hours since the epoch.
    pub hour: i64,
    /// The side that began.
    pub originator: IpAddr,
    /// The side that was spoken to.
    pub responder: IpAddr,
    /// Protocol above IP.
    pub transport: Transport,
    /// Port of the responder.
    pub port: u16,
    /// Application protocol, `unknown` when not identified.
    pub protocol: &'static str,
    /// How the flows ended.
    pub outcome: Outcome,
}

/// Sums of one [`HourKey`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HourSum {
    /// Flows that began in the hour.
    pub flows: u64,
    /// Frame bytes of the originator and of the responder.
    pub bytes: [u64; 2],
}

/// Sums by hour.
pub type Hours = BTreeMap<HourKey, HourSum>;

impl From<&ConversationKey> for HourKey {
    fn from(key: &ConversationKey) -> Self {
        HourKey {
            hour: key.hour,
            originator: key.originator,
            responder: key.responder,
            transport: key.transport,
            port: key.port,
            protocol: key.protocol,
            outcome: key.outcome,
        }
    }
}

impl From<&ConversationSum> for HourSum {
    fn from(sum: &ConversationSum) -> Self {
        HourSum {
            flows: sum.flows,
            bytes: sum.bytes,
        }
    }
}

/// Adds sums to those in the state.
pub(crate) fn add(connection: &Connection, hours: &Hours) -> rusqlite::Result<()> {
    let mut insert = connection.prepare(
        "INSERT INTO conversation_hour VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT DO UPDATE SET flows = flows + excluded.flows,
             bytes_sent = bytes_sent + excluded.bytes_sent,
             bytes_answered = bytes_answered + excluded.bytes_answered",
    )?;
    for (key, sum) in hours {
        let outcome = match key.outcome {
            Outcome::Answered => "answered",
            Outcome::Refused => "refused",
            Outcome::Unanswered => "unanswered",
        };
        let [sent, answered] = sum.bytes;
        insert.execute(params![
            key.hour,
            key.originator.to_string(),
            key.responder.to_string(),
            key.transport.to_string(),
            key.port,
            key.protocol,
            outcome,
            count(sum.flows),
            count(sent),
            count(answered),
        ])?;
    }
    Ok(())
}
