//! Reading what the facts came to at the last save.

use auscult_model::report::{Claim, Device, Finding, Report, TalksTo};
use rusqlite::{OptionalExtension, Row, params};

use crate::rows::{read_detail, read_json};
use crate::{State, StateError};

/// How much of a report is wanted: conversations and claims of ten thousand devices take longer to
/// read than all else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overview {
    /// Everything.
    Whole,
    /// Devices without claims and conversations.
    Light,
}

/// Claims and conversations of a row: packed, or as an older version wrote them.
fn detail_of(row: &Row<'_>, packed: Option<usize>) -> rusqlite::Result<(Vec<Claim>, Vec<TalksTo>)> {
    if let Some(at) = packed
        && let Some(bytes) = row.get_ref(at)?.as_blob_or_null()?
    {
        return read_detail(at, bytes);
    }
    let claims = read_json(1, row.get_ref(1)?.as_str()?)?;
    Ok((claims, read_json(2, row.get_ref(2)?.as_str()?)?))
}

impl State {
    /// The report of the last save, triage not applied; `None` before the first.
    pub fn report(&self, overview: Overview) -> Result<Option<Report>, StateError> {
        let read = || -> rusqlite::Result<Option<Report>> {
            let summary = "SELECT json FROM summary";
            let read = |row: &Row<'_>| read_json(0, row.get_ref(0)?.as_str()?);
            let summary = self.connection.query_row(summary, [], read).optional()?;
            let Some::<Report>(mut report) = summary else {
                return Ok(None);
            };
            let columns = match overview {
                Overview::Light => "json",
                Overview::Whole => "json, claims, talks_to, *",
            };
            let devices = format!("SELECT {columns} FROM device ORDER BY place");
            let mut query = self.connection.prepare(&devices)?;
            // A state that an older version wrote last has no such column.
            let detail = query.column_index("detail").ok();
            let mut rows = query.query([])?;
            while let Some(row) = rows.next()? {
                let mut device: Device = read_json(0, row.get_ref(0)?.as_str()?)?;
                if overview == Overview::Whole {
                    (device.claims, device.talks_to) = detail_of(row, detail)?;
                }
                report.devices.push(device);
            }
            let mut query = self
                .connection
                .prepare("SELECT json FROM finding ORDER BY place")?;
            let mut rows = query.query([])?;
            while let Some(row) = rows.next()? {
                let finding: Finding = read_json(0, row.get_ref(0)?.as_str()?)?;
                report.findings.push(finding);
            }
            Ok(Some(report))
        };
        read().map_err(|error| self.error(error))
    }

    /// The device that an id or alias names now, also one under which it was shown long ago.
    pub fn device_id(&self, name: &str) -> Result<Option<String>, StateError> {
        let find = || -> rusqlite::Result<Option<String>> {
            let mut query = self
                .connection
                .prepare("SELECT device FROM device_alias WHERE alias = ?1")?;
            // An id may since have become an alias of a stronger one.
            let mut id = name.to_owned();
            for _ in 0..16 {
                let next = query.query_row(params![id], |row| row.get::<_, String>(0));
                let Some(next) = next.optional()? else {
                    return Ok(None);
                };
                if next == id {
                    break;
                }
                id = next;
            }
            Ok(Some(id))
        };
        find().map_err(|error| self.error(error))
    }
}
