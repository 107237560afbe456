//! The tables, and how older layouts become this one.

use std::path::Path;

use rusqlite::Connection;

use crate::StateError;

/// Marks the file as ours ("ausc").
const APPLICATION: i64 = 0x6175_7363;

/// Statements that lead from each layout to the next; the number of the last is `user_version`.
const LAYOUTS: [&str; 2] = [include_str!("layout-1.sql"), include_str!("layout-2.sql")];

fn number(connection: &Connection, pragma: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}

/// Readers go on while somebody writes; what was committed is on the disk.
pub(crate) fn durable(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")
}

/// Whether anything can be read at all.
pub(crate) fn is_readable(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A state.
    State,
    /// A database without anything in it: a first save that did not come about.
    Empty,
}

/// Refuses what is not ours, and what is newer than this version.
pub(crate) fn check(connection: &Connection, path: &Path) -> Result<Kind, StateError> {
    let known = LAYOUTS.len() as i64;
    let numbers = || -> rusqlite::Result<(i64, i64, i64)> {
        let tables =
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        Ok((
            number(connection, "application_id")?,
            number(connection, "user_version")?,
            tables,
        ))
    };
    match numbers().map_err(|error| StateError::new(path, error))? {
        (0, 0, 0) => Ok(Kind::Empty),
        (APPLICATION, version, _) if version > known => {
            Err(StateError::Newer(path.to_owned(), version, known))
        }
        (APPLICATION, 1.., _) => Ok(Kind::State),
        (APPLICATION, ..) => Err(StateError::Damaged(path.to_owned(), "no layout".to_owned())),
        _ => Err(StateError::Foreign(
            path.to_owned(),
            "a database of another program",
        )),
    }
}

/// Brings the layout up to date, within the writer's transaction.
pub(crate) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StateError> {
    let work = || -> rusqlite::Result<()> {
        let version = usize::try_from(number(connection, "user_version")?).unwrap_or(0);
        for (at, layout) in LAYOUTS.iter().enumerate().skip(version) {
            connection.execute_batch(layout)?;
            connection.pragma_update(None, "user_version", at as i64 + 1)?;
        }
        connection.pragma_update(None, "application_id", APPLICATION)
    };
    work().map_err(|error| StateError::new(path, error))
}
