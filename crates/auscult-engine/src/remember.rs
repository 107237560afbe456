//! Captures taken into a state, one file after another.
//!
//! Each file is analysed by itself, so that what a state holds does not depend on which files came
//! in one run, nor on their order. A file whose packets are known already, under whatever name or
//! compression, adds nothing. Limit: flows that go on in the next file are cut at the border, as
//! they are when files come in runs of their own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use auscult_model::report::{Capture, Report};
use auscult_model::{MinuteSum, Timestamp, Window};
use auscult_state::{Hours, Overview, Save, State, StateError};

use crate::kept::KeptError;
use crate::knowledge::Knowledge;
use crate::mask::Mask;
use crate::options::Options;
use crate::overlap::{self, Taken};
use crate::renamed::Names;
use crate::{EngineError, Watch, bounds};

/// What became of the inputs.
#[derive(Debug)]
pub struct Remembered {
    /// What the state now comes to.
    pub report: Report,
    /// Inputs that were added.
    pub added: Vec<Capture>,
    /// Inputs that the state had already.
    pub known: Vec<Capture>,
    /// Inputs that were not read to their end for an interrupt: nothing of them was saved.
    pub interrupted: Vec<String>,
    /// Inputs that could not be read, and why.
    pub unread: Vec<(PathBuf, EngineError)>,
}

/// Takes captures into a state and saves it; `paths` are single files. Decisions hold as of `now`.
pub fn remember(
    file: &Path,
    paths: &[PathBuf],
    options: &Options,
    now: Timestamp,
    watch: &mut dyn Watch,
) -> Result<Remembered, EngineError> {
    let mut state = State::write(file)?;
    let captures = state.inputs()?;
    let options = Options {
        patient_key: Some(state.patient_key()?),
        hours: true,
        ..options.clone()
    };
    let mut known: BTreeSet<String> = captures.iter().map(|c| c.fingerprint.clone()).collect();
    let mut whole = match state.facts()? {
        Some(facts) => restored(file, &facts, captures, &options)?,
        None => Knowledge::new(options.bounds(), true),
    };
    let mut mask = Mask::new(options.bounds().of(&bounds::MASKED));
    let (mut added, mut repeated) = (Vec::new(), Vec::new());
    let (mut interrupted, mut unread) = (Vec::new(), Vec::new());
    let mut saved = Saving {
        file,
        since: Instant::now(),
        pending: Vec::new(),
        facts: Vec::new(),
    };
    for path in paths {
        if options.stop.is_requested() {
            interrupted.push(path.display().to_string());
            continue;
        }
        let of_file = Options {
            first_file: whole.captures.len() as u32,
            ..options.clone()
        };
        let before = Before {
            state: &state,
            known: &known,
            pending: &saved.pending,
        };
        let (mut read, values) = match read_apart(path, &of_file, &before, watch) {
            Ok(read) => read,
            Err(EngineError::State(error)) => return Err(error.into()),
            Err(error) => {
                unread.push((path.clone(), error));
                continue;
            }
        };
        mask.merge(values);
        if options.stop.is_requested() {
            interrupted.push(path.display().to_string());
            continue;
        }
        let Some(capture) = read.captures.first().cloned() else {
            continue;
        };
        if known.insert(capture.fingerprint.clone()) {
            let minutes = std::mem::take(&mut read.minutes);
            saved.pending.push((capture.clone(), minutes));
            added.push(capture);
            whole.merge(read);
        } else {
            repeated.push(capture);
        }
        if saved.since.elapsed() >= SAVE_EVERY && !saved.pending.is_empty() {
            saved.save(&mut state, &mut whole, &mask, &options)?;
            state.go_on()?;
            let is_ours = state.inputs()?.len() == whole.captures.len()
                && Some(state.patient_key()?) == options.patient_key
                && state.facts()?.as_ref() == Some(&saved.facts);
            saved.facts = Vec::new();
            if !is_ours {
                return Err(StateError::InUse(file.to_owned()).into());
            }
        }
    }
    let mut report = saved.save(&mut state, &mut whole, &mask, &options)?;
    said_by_people(&state, &mut report, now)?;
    Ok(Remembered {
        report,
        added,
        known: repeated,
        interrupted,
        unread,
    })
}

/// What was taken in before a file.
struct Before<'a> {
    state: &'a State,
    /// Fingerprints.
    known: &'a BTreeSet<String>,
    /// What was not saved yet.
    pending: &'a [(Capture, Vec<MinuteSum>)],
}

impl Before<'_> {
    /// Captures of the time of a new one.
    fn taken(&self, new: &Taken) -> Result<Vec<Taken>, StateError> {
        let saved = self.state.inputs_between(new.first, new.last)?;
        let pending = self.pending.iter().filter(|(capture, _)| {
            capture.first <= Some(new.last) && capture.last >= Some(new.first)
        });
        let pending = pending.filter_map(|(capture, minutes)| Taken::new(capture, minutes.clone()));
        let saved = saved
            .into_iter()
            .filter_map(|(capture, minutes)| Taken::new(&capture, minutes));
        Ok(saved.chain(pending).collect())
    }
}

/// Reads a file by itself, without what captures before it hold already.
fn read_apart(
    path: &PathBuf,
    options: &Options,
    before: &Before<'_>,
    watch: &mut dyn Watch,
) -> Result<(Knowledge, Mask), EngineError> {
    let paths = std::slice::from_ref(path);
    let (mut read, values) = crate::read(paths, options, watch)?;
    let Some(capture) = read.captures.first_mut() else {
        return Ok((read, values));
    };
    let is_known = before.known.contains(&capture.fingerprint);
    let Some(new) = Taken::new(capture, read.minutes.clone()).filter(|_| !is_known) else {
        return Ok((read, values));
    };
    let (mut overlaps, leave_out) = overlap::shared(&new, &before.taken(&new)?);
    if overlaps.is_empty() {
        return Ok((read, values));
    }
    if !path.is_file() {
        // What came through a pipe cannot be read again.
        for overlap in &mut overlaps {
            overlap.twice = overlap.equal + overlap.partly;
        }
        capture.overlaps = overlaps;
        return Ok((read, values));
    }
    let seen_first = values;
    let without = Options {
        leave_out,
        ..options.clone()
    };
    let (mut read, mut values) = crate::read(paths, &without, watch)?;
    // Patient data of what is left out may recur in what is not.
    values.merge(seen_first);
    for capture in &mut read.captures {
        capture.overlaps.clone_from(&overlaps);
    }
    Ok((read, values))
}

/// What a state came to at its last save, with what people decided and said since.
pub fn recall(file: &Path, overview: Overview, now: Timestamp) -> Result<Report, EngineError> {
    let state = State::read(file)?;
    let mut report = state.report(overview)?.ok_or_else(|| missing(file))?;
    said_by_people(&state, &mut report, now)?;
    Ok(report)
}

/// The same at the last save, before anybody said which devices are one: by what each part of those
/// is called.
pub fn recall_apart(file: &Path) -> Result<Report, EngineError> {
    let state = State::read(file)?;
    let mut report = state
        .report(Overview::Light)?
        .ok_or_else(|| missing(file))?;
    auscult_state::apply_words(&mut report, &state.user_words()?);
    Ok(report)
}

/// What a state comes to with what was seen before a time, and with what was seen from it on:
/// two sides to be compared. What was seen on both sides is in both, with all its counts.
pub fn recall_around(
    file: &Path,
    time: Timestamp,
    options: &Options,
    now: Timestamp,
) -> Result<[Report; 2], EngineError> {
    let state = State::read(file)?;
    let captures = state.inputs()?;
    let facts = state.facts()?.ok_or_else(|| missing(file))?;
    let side = |window: Window| -> Result<Report, EngineError> {
        let mut knowledge = restored(file, &facts, captures.clone(), options)?;
        knowledge.narrow(window);
        let mut report = knowledge.report(options);
        said_by_people(&state, &mut report, now)?;
        Ok(report)
    };
    Ok([side(Window::before(time))?, side(Window::since(time))?])
}

/// What is to be taken out of a state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forget {
    /// Everything that was last seen before this time.
    pub before: Option<Timestamp>,
    /// By which patients are told apart: their digests, and the key of these.
    pub patients: bool,
}

/// Takes something out of a state for good, and says what the state came to before and comes to
/// after. Captures stay listed, so that none is counted again; so do decisions and ids.
pub fn forget(
    file: &Path,
    what: Forget,
    options: &Options,
    now: Timestamp,
) -> Result<[Report; 2], EngineError> {
    let mut state = State::write(file)?;
    let facts = state.facts()?.ok_or_else(|| missing(file))?;
    let mut whole = restored(file, &facts, state.inputs()?, options)?;
    // By the same options, so that only what is forgotten makes a difference.
    let before = whole.report(options);
    if let Some(time) = what.before {
        whole.forget(time);
        state.forget_hours(time)?;
    }
    if what.patients {
        whole.ledger.forget_patients();
        state.new_patient_key()?;
    }
    let mut report = whole.report(options);
    state.replace_inputs(&whole.captures)?;
    // Texts were masked when they were kept.
    let mask = Mask::new(options.bounds().of(&bounds::MASKED));
    state.save(Save {
        inputs: &[],
        facts: &whole.keep(&mask).map_err(unreadable(file))?,
        hours: &Hours::new(),
        report: &mut report,
    })?;
    state.compact()?;
    said_by_people(&state, &mut report, now)?;
    Ok([before, report])
}

/// What facts as a state keeps them come to, with the captures that it lists.
///
/// # Errors
/// When the bytes are not what [`remember`] wrote.
pub fn conclude(
    facts: &[u8],
    captures: Vec<Capture>,
    options: &Options,
) -> Result<Report, KeptError> {
    let knowledge = Knowledge::restore(facts, captures, options.bounds())?;
    Ok(knowledge.report(options))
}

fn restored(
    file: &Path,
    facts: &[u8],
    captures: Vec<Capture>,
    options: &Options,
) -> Result<Knowledge, EngineError> {
    Knowledge::restore(facts, captures, options.bounds()).map_err(unreadable(file))
}

fn unreadable(file: &Path) -> impl FnOnce(KeptError) -> EngineError {
    |error| EngineError::Facts(file.to_owned(), error)
}

fn missing(file: &Path) -> StateError {
    StateError::Missing(file.to_owned())
}

fn said_by_people(state: &State, report: &mut Report, now: Timestamp) -> Result<(), EngineError> {
    let names = Names::of(report);
    auscult_state::apply_joins(report, &state.joins()?);
    auscult_state::apply_words(report, &state.user_words()?);
    names.renew(report);
    auscult_state::apply_cases(report, &state.cases()?, now);
    Ok(())
}

/// Long imports are saved so often, so that little is lost when they are killed.
const SAVE_EVERY: Duration = Duration::from_secs(60);

/// What is to be saved next.
struct Saving<'a> {
    file: &'a Path,
    since: Instant,
    /// Captures with what their minutes hold.
    pending: Vec<(Capture, Vec<MinuteSum>)>,
    /// What was saved last, to see whether others changed it since.
    facts: Vec<u8>,
}

impl Saving<'_> {
    /// Draws the conclusions, and saves them with their facts when there is something new.
    fn save(
        &mut self,
        state: &mut State,
        whole: &mut Knowledge,
        mask: &Mask,
        options: &Options,
    ) -> Result<Report, EngineError> {
        let mut report = whole.report(options);
        crate::withhold(mask, &mut report);
        if self.pending.is_empty() {
            return Ok(report);
        }
        let facts = whole.keep(mask).map_err(unreadable(self.file))?;
        // Sums of hours are added to those in the state, and begin anew.
        let hours = whole.hours.replace(Hours::new()).unwrap_or_default();
        // As they stand in the report: comments are masked there.
        let known = report.captures.len().saturating_sub(self.pending.len());
        let inputs = report.captures.get(known..).unwrap_or_default().to_vec();
        let minutes = self.pending.drain(..).map(|(_, minutes)| minutes);
        state.save(Save {
            inputs: &inputs.into_iter().zip(minutes).collect::<Vec<_>>(),
            facts: &facts,
            hours: &hours,
            report: &mut report,
        })?;
        self.facts = facts;
        self.since = Instant::now();
        Ok(report)
    }
}
