//! Findings as cases: what people decided about them.

use std::fmt;
use std::str::FromStr;

use auscult_model::Timestamp;
use auscult_model::report::Finding;
use rusqlite::params;

use crate::{State, StateError};

/// What became of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Nobody decided anything, or it was opened again.
    Open,
    /// Somebody works on it.
    Acknowledged,
    /// The risk is taken, until a day.
    Accepted,
    /// It is mended.
    Closed,
}

const STATUS: [(Status, &str); 4] = [
    (Status::Open, "open"),
    (Status::Acknowledged, "acknowledged"),
    (Status::Accepted, "accepted"),
    (Status::Closed, "closed"),
];

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = STATUS.iter().find(|(status, _)| status == self);
        f.write_str(word.map_or("open", |(_, word)| word))
    }
}

impl FromStr for Status {
    type Err = rusqlite::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let status = STATUS.iter().find(|(_, word)| *word == text);
        status
            .map(|(status, _)| *status)
            .ok_or(rusqlite::Error::InvalidQuery)
    }
}

/// A decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Triage {
    /// What.
    pub status: Status,
    /// Until when it holds.
    pub until: Option<Timestamp>,
    /// Why, in the person's words.
    pub reason: String,
    /// Whether it holds for all findings of the rule, now and later, and not for this one alone.
    pub whole_rule: bool,
}

/// The finding that a decision is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its rule.
    pub rule: &'a str,
    /// When it was last seen, as far as is known.
    pub last_seen: Option<Timestamp>,
}

impl<'a> From<&'a Finding> for Subject<'a> {
    fn from(finding: &'a Finding) -> Self {
        Subject {
            id: &finding.id,
            rule: &finding.rule,
            last_seen: finding.last_seen,
        }
    }
}

/// What was decided about one finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The finding's id when it was decided.
    pub finding: String,
    /// Its rule.
    pub rule: String,
    /// What.
    pub triage: Triage,
    /// When.
    pub changed: Timestamp,
    /// When the finding had been seen last, as far as was known then.
    pub seen: Option<Timestamp>,
}

/// Under what a decision on a whole rule is kept.
pub fn of_rule(rule: &str) -> String {
    format!("rule {rule}")
}

/// One step in the history of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseEvent {
    /// When.
    pub at: Timestamp,
    /// What.
    pub status: Status,
    /// Until when.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: String,
}

impl State {
    /// Notes a decision about a finding, at once.
    pub fn decide(
        &mut self,
        finding: &Subject<'_>,
        triage: &Triage,
        now: Timestamp,
    ) -> Result<(), StateError> {
        // A decision on a rule is no decision on the finding by whose id it was made.
        let (name, rule) = match triage.whole_rule {
            true => (of_rule(finding.rule), finding.rule),
            false => (finding.id.to_owned(), finding.rule),
        };
        let seen = finding.last_seen.map(|time| time.0);
        let until = triage.until.map(|time| time.0);
        let status = triage.status.to_string();
        let scope = if triage.whole_rule { "rule" } else { "finding" };
        self.change(|connection| {
            connection.execute(
                "INSERT INTO finding_case
                     (finding, status, until, reason, rule, scope, changed, seen)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                 ON CONFLICT DO UPDATE SET status = excluded.status, until = excluded.until,
                     reason = excluded.reason, scope = excluded.scope, changed = excluded.changed,
                     seen = excluded.seen",
                params![name, status, until, triage.reason, rule, scope, now.0, seen],
            )?;
            connection.execute(
                "INSERT INTO finding_case_event (finding, at, status, until, reason)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![name, now.0, status, until, triage.reason],
            )?;
            Ok(())
        })
    }

    /// All decisions that were made.
    pub fn cases(&self) -> Result<Vec<Case>, StateError> {
        let read = || -> rusqlite::Result<Vec<Case>> {
            let mut query = self.connection.prepare(
                "SELECT finding, rule, status, until, reason, scope, changed, * FROM finding_case
                 ORDER BY finding",
            )?;
            let rows = query.query_map([], |row| {
                Ok(Case {
                    finding: row.get(0)?,
                    rule: row.get(1)?,
                    triage: Triage {
                        status: row.get_ref(2)?.as_str()?.parse()?,
                        until: row.get::<_, Option<i64>>(3)?.map(Timestamp),
                        reason: row.get(4)?,
                        whole_rule: row.get_ref(5)?.as_str()? == "rule",
                    },
                    changed: Timestamp(row.get(6)?),
                    // A state that an older version wrote last has no such column.
                    seen: row
                        .get::<_, Option<i64>>("seen")
                        .unwrap_or(None)
                        .map(Timestamp),
                })
            })?;
            rows.collect()
        };
        read().map_err(|error| self.error(error))
    }

    /// What was decided about one finding, from the first decision on.
    pub fn history(&self, finding: &str) -> Result<Vec<CaseEvent>, StateError> {
        let read = || -> rusqlite::Result<Vec<CaseEvent>> {
            let mut query = self.connection.prepare(
                "SELECT at, status, until, reason FROM finding_case_event
                 WHERE finding = ?1 ORDER BY number",
            )?;
            let rows = query.query_map(params![finding], |row| {
                Ok(CaseEvent {
                    at: Timestamp(row.get(0)?),
                    status: row.get_ref(1)?.as_str()?.parse()?,
                    until: row.get::<_, Option<i64>>(2)?.map(Timestamp),
                    reason: row.get(3)?,
                })
            })?;
            rows.collect()
        };
        read().map_err(|error| self.error(error))
    }
}
