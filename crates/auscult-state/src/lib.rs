//! What was learnt from all captures so far, in one file: the memory behind `--state FILE`.
//!
//! The file is a SQLite database, and this crate alone knows that. It holds the inputs that were
//! taken in, by fingerprint; the facts, as bytes that only the engine understands; and, in tables
//! that others may query (docs/state.md), what those facts come to. A save is one transaction:
//! what it said was saved is there after a crash, and what was interrupted has left nothing.
//!
//! Patient data is not in it: the engine masks texts before it hands them over, and digests of
//! patients are keyed by [`State::patient_key`], which never leaves the file.

mod apply;
mod cases;
mod error;
mod forget;
mod hours;
mod joins;
mod packed;
mod register;
mod rows;
mod schema;
mod show;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;
mod words;

use std::path::{Path, PathBuf};
use std::time::Duration;

use auscult_model::report::{Capture, Report};
use auscult_model::{MinuteSum, Timestamp};
use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior, params};

pub use apply::{apply_cases, apply_words};
pub use cases::{Case, CaseEvent, Status, Subject, Triage, of_rule};
pub use error::StateError;
pub use hours::{HourKey, HourSum, Hours};
pub use joins::{Join, apply_joins};
pub use register::Imported;
pub use show::Overview;
pub use words::UserWord;

#[cfg(unix)]
use unix::private_file;
#[cfg(windows)]
use windows::private_file;

/// How long a second writer waits for the first before it gives up.
const PATIENCE: Duration = Duration::from_secs(2);

/// What one save adds and replaces.
#[derive(Debug)]
pub struct Save<'a> {
    /// Inputs that were taken in, to be listed behind those that are known, with what their
    /// minutes hold.
    pub inputs: &'a [(Capture, Vec<MinuteSum>)],
    /// All facts.
    pub facts: &'a [u8],
    /// Sums to be added to what is known of their hours.
    pub hours: &'a Hours,
    /// What all facts come to; given back as it was.
    pub report: &'a mut Report,
}

/// An open state.
#[derive(Debug)]
pub struct State {
    connection: Connection,
    path: PathBuf,
}

impl State {
    /// Opens a state to look at it; it must exist.
    pub fn read(path: &Path) -> Result<State, StateError> {
        if !path.exists() {
            return Err(StateError::Missing(path.to_owned()));
        }
        if path.is_dir() {
            return Err(StateError::Folder(path.to_owned()));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let writable = Connection::open_with_flags(path, flags);
        // A state in a folder that may not be written is read as it is.
        let connection = match writable.and_then(|c| schema::is_readable(&c).map(|()| c)) {
            Ok(connection) => connection,
            Err(error) if StateError::is_read_only(&error) => {
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
                    | OpenFlags::SQLITE_OPEN_NO_MUTEX
                    | OpenFlags::SQLITE_OPEN_URI;
                Connection::open_with_flags(immutable(path), flags)
                    .map_err(|error| StateError::new(path, error))?
            }
            Err(error) => return Err(StateError::new(path, error)),
        };
        let state = State {
            connection,
            path: path.to_owned(),
        };
        state.prepare()?;
        match schema::check(&state.connection, path)? {
            schema::Kind::State => Ok(state),
            schema::Kind::Empty => Err(StateError::Missing(path.to_owned())),
        }
    }

    /// Opens a state to add to it, makes it if need be, and keeps others from writing until it is
    /// dropped.
    pub fn write(path: &Path) -> Result<State, StateError> {
        if path.is_dir() {
            return Err(StateError::Folder(path.to_owned()));
        }
        // An empty file, as `mktemp` and others leave it, is no more private than a new one.
        if path.metadata().is_ok_and(|file| file.len() == 0) || !path.exists() {
            private_file(path).map_err(|error| StateError::Create(path.to_owned(), error))?;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)
            .map_err(|error| StateError::new(path, error))?;
        let mut state = State {
            connection,
            path: path.to_owned(),
        };
        state.prepare()?;
        schema::check(&state.connection, path)?;
        state.lock()?;
        schema::migrate(&mut state.connection, path)?;
        Ok(state)
    }

    /// Opens a state to note what people say; captures cannot be added.
    pub fn edit(path: &Path) -> Result<State, StateError> {
        drop(State::read(path)?);
        let mut state = State::write(path)?;
        // Brings an older layout up to date, and leaves the lock to each change.
        state.commit()?;
        Ok(state)
    }

    /// Ends the making of a state that is to hold what people say before any capture.
    pub fn begin(mut self) -> Result<State, StateError> {
        self.commit()?;
        Ok(self)
    }

    fn commit(&mut self) -> Result<(), StateError> {
        self.connection
            .execute_batch("COMMIT")
            .map_err(|error| self.error(error))
    }

    fn prepare(&self) -> Result<(), StateError> {
        let set = || -> rusqlite::Result<()> {
            self.connection.busy_timeout(PATIENCE)?;
            self.connection.pragma_update(None, "foreign_keys", true)?;
            Ok(())
        };
        set().map_err(|error| self.error(error))
    }

    /// Takes the lock of writers, which goes with the process whatever becomes of it.
    fn lock(&mut self) -> Result<(), StateError> {
        schema::durable(&self.connection).map_err(|error| self.error(error))?;
        self.connection
            .execute_batch("BEGIN IMMEDIATE")
            .map_err(|error| self.error(error))
    }

    fn error(&self, error: rusqlite::Error) -> StateError {
        StateError::new(&self.path, error)
    }

    /// Key for the digests of patients, made with the state.
    pub fn patient_key(&self) -> Result<[u8; 16], StateError> {
        self.connection
            .query_row(
                "SELECT value FROM secret WHERE name = 'patient_key'",
                [],
                |row| row.get(0),
            )
            .map_err(|error| self.error(error))
    }

    /// The inputs taken in so far, in the order in which facts count them.
    pub fn inputs(&self) -> Result<Vec<Capture>, StateError> {
        rows::inputs(&self.connection).map_err(|error| self.error(error))
    }

    /// The inputs that watched some of the time from `first` to `last`, with what their minutes
    /// hold.
    pub fn inputs_between(
        &self,
        first: Timestamp,
        last: Timestamp,
    ) -> Result<Vec<(Capture, Vec<MinuteSum>)>, StateError> {
        rows::inputs_between(&self.connection, first, last).map_err(|error| self.error(error))
    }

    /// All facts as they were saved; `None` in a new state.
    pub fn facts(&self) -> Result<Option<Vec<u8>>, StateError> {
        let bytes = self
            .connection
            .query_row("SELECT * FROM facts", [], |row| {
                let bytes: Vec<u8> = row.get("bytes")?;
                // A state that an older version wrote last has no such column.
                Ok((bytes, row.get("packed").unwrap_or(false)))
            })
            .optional()
            .map_err(|error| self.error(error))?;
        match bytes {
            Some((bytes, true)) => packed::unpack(&bytes)
                .map(Some)
                .ok_or_else(|| StateError::Damaged(self.path.clone(), "its facts".to_owned())),
            Some((bytes, false)) => Ok(Some(bytes)),
            None => Ok(None),
        }
    }

    /// Saves, and says so only when it rests on the disk. Others may write afterwards; a further
    /// save takes the lock again.
    pub fn save(&mut self, save: Save<'_>) -> Result<(), StateError> {
        let mut write = |connection: &Connection| -> rusqlite::Result<()> {
            rows::add_inputs(connection, save.inputs)?;
            connection.execute("DELETE FROM facts", [])?;
            connection.execute(
                "INSERT INTO facts (bytes, packed) VALUES (?1, 1)",
                params![packed::pack(save.facts)],
            )?;
            hours::add(connection, save.hours)?;
            rows::replace_report(connection, save.report)?;
            connection.execute_batch("COMMIT")
        };
        if let Err(error) = write(&self.connection) {
            // Whatever failed, nothing of it stays.
            self.connection.execute_batch("ROLLBACK").ok();
            return Err(self.error(error));
        }
        Ok(())
    }

    /// Takes the lock again after a save.
    pub fn go_on(&mut self) -> Result<(), StateError> {
        self.lock()
    }

    /// Changes something small at once.
    fn change<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StateError> {
        let path = self.path.clone();
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|error| StateError::new(&path, error))?;
        let done = work(&transaction).map_err(|error| StateError::new(&path, error))?;
        transaction
            .commit()
            .map_err(|error| StateError::new(&path, error))?;
        Ok(done)
    }
}

/// A name that SQLite opens without looking for other writers.
fn immutable(path: &Path) -> String {
    let mut name = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' => name.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => name.push(char::from(*byte)),
            byte => name.push_str(&format!("%{byte:02X}")),
        }
    }
    name + "?immutable=1"
}
