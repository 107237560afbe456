//! What is taken out of a state for good.

use auscult_model::Timestamp;
use rusqlite::params;

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
        self.connection
            .execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")
            .map_err(|error| self.error(error))
    }
}
