//! Rows that a save adds or replaces.

use auscult_model::report::{Capture, Claim, Device, Finding, Report, TalksTo};
use auscult_model::{MinuteSum, Timestamp};
use rusqlite::types::Type;
use rusqlite::{Connection, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::packed;

/// Claims and conversations of a device, as [`add_devices`] packed them.
pub(crate) fn read_detail(at: usize, bytes: &[u8]) -> rusqlite::Result<(Vec<Claim>, Vec<TalksTo>)> {
    let text = packed::unpack(bytes).unwrap_or_default();
    serde_json::from_slice(&text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(at, Type::Blob, error.into()))
}

/// As JSON; that our own types cannot be written is a mistake of ours, and told as such.
pub(crate) fn json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// The word by which JSON names one of a few.
fn word(value: impl Serialize) -> rusqlite::Result<String> {
    json(&value).map(|text| text.trim_matches('"').to_owned())
}

/// From JSON in column `at`.
pub(crate) fn read_json<T: DeserializeOwned>(at: usize, text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(at, Type::Text, error.into()))
}

/// Counts beyond SQLite's range are as good as endless.
pub(crate) fn count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(crate) fn inputs(connection: &Connection) -> rusqlite::Result<Vec<Capture>> {
    let mut query = connection.prepare("SELECT json FROM input ORDER BY number")?;
    let rows = query.query_map([], |row| row.get::<_, String>(0))?;
    rows.map(|row| read_json(0, &row?)).collect()
}

pub(crate) fn inputs_between(
    connection: &Connection,
    first: Timestamp,
    last: Timestamp,
) -> rusqlite::Result<Vec<(Capture, Vec<MinuteSum>)>> {
    let mut query = connection.prepare(
        "SELECT json, minutes FROM input WHERE first <= ?2 AND last >= ?1 ORDER BY number",
    )?;
    let rows = query.query_map(params![first.0, last.0], |row| {
        let minutes: Option<Vec<u8>> = row.get(1)?;
        Ok((
            read_json(0, &row.get::<_, String>(0)?)?,
            MinuteSum::from_bytes(&minutes.unwrap_or_default()),
        ))
    })?;
    rows.collect()
}

pub(crate) fn add_inputs(
    connection: &Connection,
    inputs: &[(Capture, Vec<MinuteSum>)],
) -> rusqlite::Result<()> {
    let next: i64 = connection.query_row(
        "SELECT coalesce(max(number) + 1, 0) FROM input",
        [],
        |row| row.get(0),
    )?;
    let mut insert = connection.prepare(
        "INSERT INTO input (number, fingerprint, file, packets, bytes, first, last, json, minutes)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    for (number, (input, minutes)) in (next..).zip(inputs) {
        insert.execute(params![
            number,
            input.fingerprint,
            input.file,
            count(input.packets),
            count(input.bytes),
            input.first.map(|time| time.0),
            input.last.map(|time| time.0),
            json(input)?,
            MinuteSum::to_bytes(minutes),
        ])?;
    }
    Ok(())
}

/// Puts a new report in the place of the last one. Aliases stay for ever.
pub(crate) fn replace_report(connection: &Connection, report: &mut Report) -> rusqlite::Result<()> {
    connection.execute_batch(
        "DELETE FROM device; DELETE FROM device_address; DELETE FROM finding;
         DELETE FROM finding_device; DELETE FROM summary",
    )?;
    add_devices(connection, &mut report.devices)?;
    add_findings(connection, &report.findings)?;
    // Lists that have rows of their own are left out of the JSON beside them, not copied.
    let devices = std::mem::take(&mut report.devices);
    let findings = std::mem::take(&mut report.findings);
    let summary = json(report);
    (report.devices, report.findings) = (devices, findings);
    connection.execute("INSERT INTO summary VALUES (?1)", params![summary?])?;
    Ok(())
}

fn add_devices(connection: &Connection, devices: &mut [Device]) -> rusqlite::Result<()> {
    let mut insert = connection.prepare(
        "INSERT INTO device VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,
             ?15, ?16, ?17, ?18, '', '', ?19)",
    )?;
    let mut address =
        connection.prepare("INSERT OR IGNORE INTO device_address VALUES (?1, ?2, ?3)")?;
    let mut alias = connection.prepare(
        "INSERT INTO device_alias VALUES (?1, ?2)
         ON CONFLICT DO UPDATE SET device = excluded.device",
    )?;
    for (place, device) in devices.iter_mut().enumerate() {
        let claims = std::mem::take(&mut device.claims);
        let talks_to = std::mem::take(&mut device.talks_to);
        // A list shows the maker of the card of what nobody knows better.
        let card = claims.iter().find(|claim| claim.attribute == "mac_vendor");
        device.claims.extend(card.cloned());
        let light = json(device);
        (device.claims, device.talks_to) = (claims, talks_to);
        insert.execute(params![
            device.id,
            place as i64,
            device.role.to_string(),
            device.vendor,
            device.model,
            device.serial,
            device.firmware,
            device.os,
            device.hostname,
            device.bed,
            device.unit,
            device.confidence,
            device.first_seen.map(|time| time.0),
            device.last_seen.map(|time| time.0),
            device.inside,
            word(device.isolation)?,
            device.worst.map(|worst| worst.to_string()),
            light?,
            packed::pack(json(&(&device.claims, &device.talks_to))?.as_bytes()),
        ])?;
        for mac in &device.macs {
            address.execute(params![device.id, "mac", mac.to_string()])?;
        }
        for ip in &device.ips {
            address.execute(params![device.id, "ip", ip.to_string()])?;
        }
        for name in std::iter::once(&device.id).chain(&device.aliases) {
            alias.execute(params![name, device.id])?;
        }
    }
    Ok(())
}

fn add_findings(connection: &Connection, findings: &[Finding]) -> rusqlite::Result<()> {
    let mut insert = connection
        .prepare("INSERT OR IGNORE INTO finding VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?;
    let mut device = connection.prepare("INSERT OR IGNORE INTO finding_device VALUES (?1, ?2)")?;
    for (place, finding) in findings.iter().enumerate() {
        insert.execute(params![
            finding.id,
            place as i64,
            finding.rule,
            finding.severity.to_string(),
            finding.confidence,
            finding.title,
            finding.first_seen.map(|time| time.0),
            finding.last_seen.map(|time| time.0),
            json(finding)?,
        ])?;
        for id in &finding.devices {
            device.execute(params![finding.id, id])?;
        }
    }
    Ok(())
}
