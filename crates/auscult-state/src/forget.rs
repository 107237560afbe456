//! What is taken out of a state for good.

use auscult_model::Timestamp;
use auscult_model::report::Capture;
use rusqlite::params;

use crate::rows::json;
use crate::{State, StateError};

impl State {
    /// Takes out the sums of hours that ended before a time; the next save commits it.
    pub fn forget_hours(&mut self, before: Timestamp) -> Result<(), StateError> {
        self.connection
            .execute(
                "DELETE FROM conversation_hour WHERE hour < ?1",
                params![before.hour()],
            )
            .map(|_| ())
            .map_err(|error| self.error(error))
    }

    /// Notes what is left of the inputs, in the order of [`State::inputs`]; the next save commits
    /// it. They stay known by their fingerprints.
    pub fn replace_inputs(&mut self, inputs: &[Capture]) -> Result<(), StateError> {
        let replace = || -> rusqlite::Result<()> {
            let mut update = self
                .connection
                .prepare("UPDATE input SET json = ?2 WHERE fingerprint = ?1")?;
            for input in inputs {
                update.execute(params![input.fingerprint, json(input)?])?;
            }
            Ok(())
        };
        replace().map_err(|error| self.error(error))
    }

    /// Takes a new key for the digests of patients, so that nobody who kept the old one can tell
    /// whose they will be; the next save commits it.
    pub fn new_patient_key(&mut self) -> Result<(), StateError> {
        self.connection
            .execute(
                "UPDATE secret SET value = randomblob(16) WHERE name = 'patient_key'",
                [],
            )
            .map(|_| ())
            .map_err(|error| self.error(error))
    }

    /// Writes the file anew, so that no byte of what was taken out rests in it or in its log.
    pub fn compact(&mut self) -> Result<(), StateError> {
        let compact = || -> rusqlite::Result<bool> {
            self.connection.execute_batch("VACUUM")?;
            // Says whether somebody else was in the way.
            self.connection
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        };
        match compact() {
            Ok(false) => Ok(()),
            Ok(true) | Err(_) => Err(StateError::NotCompacted(self.path.clone())),
        }
    }
}
