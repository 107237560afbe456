//! What people said about devices: their word wins.

use auscult_model::Timestamp;
use rusqlite::params;

use crate::{State, StateError};

/// A value that somebody set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserWord {
    /// The device's id when it was said.
    pub device: String,
    /// Attribute.
    pub attribute: String,
    /// Value.
    pub value: String,
}

impl State {
    /// Notes the user's word; an empty value takes it back.
    pub fn say(
        &mut self,
        device: &str,
        words: &[(String, String)],
        now: Timestamp,
    ) -> Result<(), StateError> {
        self.change(|connection| {
            for (attribute, value) in words {
                connection.execute(
                    "DELETE FROM user_word WHERE device = ?1 AND attribute = ?2",
                    params![device, attribute],
                )?;
                if !value.is_empty() {
                    connection.execute(
                        "INSERT INTO user_word VALUES (?1, ?2, ?3, ?4)",
                        params![device, attribute, value, now.0],
                    )?;
                }
            }
            Ok(())
        })
    }

    /// Everything that was said.
    pub fn user_words(&self) -> Result<Vec<UserWord>, StateError> {
        let read = || -> rusqlite::Result<Vec<UserWord>> {
            let mut query = self.connection.prepare(
                "SELECT device, attribute, value FROM user_word ORDER BY device, attribute",
            )?;
            let rows = query.query_map([], |row| {
                Ok(UserWord {
                    device: row.get(0)?,
                    attribute: row.get(1)?,
                    value: row.get(2)?,
                })
            })?;
            rows.collect()
        };
        read().map_err(|error| self.error(error))
    }
}
