//! The asset register that was imported last: it is kept as it was read.

use auscult_model::Timestamp;
use rusqlite::{OptionalExtension as _, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::rows::{json, read_json};
use crate::{State, StateError};

/// A register as it was imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported<R> {
    /// The file, as given.
    pub file: String,
    /// When.
    pub at: Timestamp,
    /// What was read.
    pub register: R,
}

impl State {
    /// Keeps a register in the place of the last one.
    pub fn import_register(
        &mut self,
        file: &str,
        register: &impl Serialize,
        now: Timestamp,
    ) -> Result<(), StateError> {
        self.change(|connection| {
            connection.execute("DELETE FROM asset_register", [])?;
            connection.execute(
                "INSERT INTO asset_register VALUES (?1, ?2, ?3)",
                params![file, now.0, json(register)?],
            )?;
            Ok(())
        })
    }

    /// The register that was imported last.
    pub fn register<R: DeserializeOwned>(&self) -> Result<Option<Imported<R>>, StateError> {
        let read = || -> rusqlite::Result<Option<Imported<R>>> {
            if !self.has_table("asset_register")? {
                return Ok(None);
            }
            self.connection
                .query_row("SELECT file, at, json FROM asset_register", [], |row| {
                    Ok(Imported {
                        file: row.get(0)?,
                        at: Timestamp(row.get(1)?),
                        register: read_json(2, &row.get::<_, String>(2)?)?,
                    })
                })
                .optional()
        };
        read().map_err(|error| self.error(error))
    }

    /// A state that nobody has written to since an older version made it lacks later tables.
    pub(crate) fn has_table(&self, name: &str) -> rusqlite::Result<bool> {
        self.connection.query_row(
            "SELECT count(*) FROM sqlite_schema WHERE name = ?1",
            [name],
            |row| row.get(0),
        )
    }
}
