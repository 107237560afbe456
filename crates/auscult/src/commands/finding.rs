//! `finding`: one finding with all its evidence; with a state, what is decided about it.

use std::io::Write;
use std::path::{Path, PathBuf};

use auscult_engine::{Overview, State, Status, Triage};
use auscult_model::report::{self, Report};
use auscult_report::{Part, View};
use clap::Args;

use crate::arguments;
use crate::failure::{Failure, Outcome};
use crate::output::Format;
use crate::reading::{self, Reading};

/// Show one finding with its reasons and all its evidence, or decide about it
///
/// With --state, in place of captures: ack (somebody works on it), accept (the risk is taken, until
/// a day), close (it is mended; opens again when it is seen later), reopen.
#[derive(Args)]
#[command(after_help = "\
Examples:
  auscult finding F-3c81 ward.pcapng
  auscult finding F-3c81 ward.pcapng --format json
  auscult finding F-3c81 --state ward.state
  auscult finding F-3c81 accept --state ward.state --until 2026-12-31 \\
      --reason \"replaced in January\"")]
pub(crate) struct Finding {
    /// Id of the finding, or one of its aliases
    id: String,
    #[command(flatten)]
    reading: Reading,
    /// Why it is decided so
    #[arg(long, value_name = "TEXT", requires = "state")]
    reason: Option<String>,
    /// Decide about all findings of this rule, also those to come
    #[arg(long, requires = "state")]
    whole_rule: bool,
}

/// The decision that a word stands for.
fn decision(words: &[PathBuf]) -> Option<Status> {
    let [word] = words else {
        return None;
    };
    match word.to_str()? {
        "ack" | "acknowledge" => Some(Status::Acknowledged),
        "accept" => Some(Status::Accepted),
        "close" => Some(Status::Closed),
        "reopen" => Some(Status::Open),
        _ => None,
    }
}

impl Finding {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Outcome, Failure> {
        if let Some((file, words)) = self.reading.state()
            && let Some(status) = decision(words)
        {
            return self.decide(file, status, out);
        }
        self.reading
            .no_verb(&["ack", "accept", "close", "reopen"])?;
        let report = self.reading.analyze()?;
        let finding = self.find(&report)?;
        let id = finding.id.as_str();
        match self.reading.format() {
            Format::Table => {
                super::put_view(out, &report, self.reading.all(), View::Finding(id))?;
                self.history(finding, out)?;
            }
            Format::Json => {
                super::put_json(out, auscult_report::json_part(&report, Part::Finding(id)))?;
            }
            Format::Csv => {
                out.write_all(auscult_report::csv_findings([finding]).as_bytes())?;
            }
        }
        Ok(self.reading.outcome(&report))
    }

    fn find<'r>(&self, report: &'r Report) -> Result<&'r report::Finding, Failure> {
        auscult_report::find_finding(report, &self.id).ok_or_else(|| {
            let ids = report.findings.iter().map(|finding| finding.id.as_str());
            super::not_there("finding", &self.id, ids)
        })
    }

    /// What was decided about it so far, step by step, where a state knows.
    fn history(&self, finding: &report::Finding, out: &mut dyn Write) -> Result<(), Failure> {
        let Some((file, [])) = self.reading.state() else {
            return Ok(());
        };
        let state = State::read(file)?;
        let rule = auscult_engine::of_rule(&finding.rule);
        let names = [&finding.id, &rule].into_iter().chain(&finding.aliases);
        let mut steps = Vec::new();
        for name in names {
            steps.extend(state.history(name)?);
        }
        steps.sort_by_key(|step| step.at);
        if !steps.is_empty() {
            writeln!(out, "\nHistory")?;
        }
        for step in steps {
            let day = |time| auscult_model::span(time, time);
            let until = step.until.map(|until| format!(" until {}", day(until)));
            let reason = match step.reason.as_str() {
                "" => String::new(),
                reason => format!(", \"{}\"", auscult_report::printable_lines(reason)),
            };
            let until = until.unwrap_or_default();
            writeln!(out, "  {} {}{until}{reason}", day(step.at), step.status)?;
        }
        Ok(())
    }

    fn decide(&self, file: &Path, status: Status, out: &mut dyn Write) -> Result<Outcome, Failure> {
        let until = self.reading.until();
        let reason = self.reason.clone().unwrap_or_default();
        if status == Status::Accepted && (until.is_none() || reason.is_empty()) {
            let words = "a risk is accepted until a day and for a reason: --until, --reason";
            return Err(Failure::Usage(words.to_owned()));
        }
        if status != Status::Accepted && until.is_some() {
            return Err(Failure::Usage("--until goes with accept".to_owned()));
        }
        let now = arguments::now();
        if until.is_some_and(|until| until <= now) {
            return Err(Failure::Usage("--until must be a day to come".to_owned()));
        }
        let report = reading::recall(file, Overview::Light)?;
        let finding = self.find(&report)?;
        let triage = Triage {
            status,
            until,
            reason,
            whole_rule: self.whole_rule,
        };
        State::edit(file)?.decide(&finding.into(), &triage, now)?;
        let what = match self.whole_rule {
            true => format!("all of {}", finding.rule),
            false => finding.id.clone(),
        };
        writeln!(out, "{what}: {status}")?;
        Ok(Outcome::Done)
    }
}
