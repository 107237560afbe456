//! Findings and the packets that show them: the captures are analysed, then read again.

use std::path::{Path, PathBuf};

use auscult_engine::Options;
use auscult_evidence::{Level, Named, Selection, Selector, Subject, Taken};
use auscult_model::Marks;
use auscult_model::report::{Finding, Report};

use crate::commands::not_there;
use crate::failure::{Failure, Outcome};
use crate::reading::How;

/// Findings of captures.
pub(crate) struct Cutting<'a> {
    how: &'a How,
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) options: Options,
    pub(crate) report: Report,
    /// Places of the findings in the report.
    places: Vec<usize>,
}

/// Splits `FINDING… PATH…`: a word that begins like the id of a finding and is no file is one.
fn split(words: &[PathBuf]) -> Result<(Vec<&str>, Vec<PathBuf>), Failure> {
    let is_id = |word: &Path| {
        let begins = |word: &str| word.starts_with("F-") || word.starts_with("f-");
        word.to_str().is_some_and(begins) && !word.exists()
    };
    let (ids, paths): (Vec<&PathBuf>, Vec<&PathBuf>) = words.iter().partition(|word| is_id(word));
    if ids.is_empty() || paths.is_empty() {
        let words = "name findings by their ids (F-…, `auscult findings` lists them) and the \
                     captures that they came from";
        return Err(Failure::Usage(words.to_owned()));
    }
    let ids = ids.into_iter().filter_map(|id| id.to_str()).collect();
    Ok((ids, paths.into_iter().cloned().collect()))
}

impl<'a> Cutting<'a> {
    /// Analyses the captures among `words` and finds the findings among them.
    pub(crate) fn new(words: &[PathBuf], how: &'a How) -> Result<Self, Failure> {
        let (ids, paths) = split(words)?;
        let (report, options) = how.report_and_options(&paths)?;
        let mut places = Vec::new();
        for id in ids {
            let finding = auscult_report::find_finding(&report, id).ok_or_else(|| {
                not_there(
                    "finding",
                    id,
                    report.findings.iter().map(|it| it.id.as_str()),
                )
            })?;
            let place = report
                .findings
                .iter()
                .position(|other| other.id == finding.id);
            places.extend(place.filter(|place| !places.contains(place)));
        }
        Ok(Cutting {
            how,
            paths,
            options,
            report,
            places,
        })
    }

    /// The findings as they were named.
    pub(crate) fn findings(&self) -> Vec<&Finding> {
        let findings = self.places.iter();
        findings
            .filter_map(|place| self.report.findings.get(*place))
            .collect()
    }

    /// The names of the captures, by their numbers.
    pub(crate) fn files(&self) -> Vec<String> {
        let captures = self.report.captures.iter();
        captures.map(|capture| capture.file.clone()).collect()
    }

    /// The packets that they name.
    pub(crate) fn named(&self) -> Named {
        Named::new(&self.report, &self.findings())
    }

    /// Those packets, with as much around them.
    pub(crate) fn select(&self, named: &Named, most: Level) -> Result<Selection, Failure> {
        let subject = Subject::new(&self.report, &self.findings());
        let mut selector = Selector::new(named.packets(), subject, most);
        auscult_engine::each_packet(&self.paths, &self.options, |meta, data| {
            if selector.is_named(meta.reference()) {
                selector.locate(meta.link, data, meta.original);
            }
        })?;
        auscult_engine::each_packet(&self.paths, &self.options, |meta, data| {
            let taken = Taken {
                packet: meta.reference(),
                time: meta.time,
                interface: meta.interface,
                link: meta.link,
                original: meta.original,
                data,
            };
            selector.offer(&taken);
        })?;
        Ok(selector.finish())
    }

    /// Complains when a file to be written is one of those that were read.
    pub(crate) fn not_an_input(&self, output: &Path) -> Result<(), Failure> {
        let place = |path: &Path| path.canonicalize().ok();
        let inputs = self
            .report
            .captures
            .iter()
            .map(|capture| Path::new(&capture.file));
        let is_input = |input: &Path| place(output).is_some_and(|it| Some(it) == place(input));
        if inputs.into_iter().any(is_input) {
            let words = format!(
                "{}: is one of the captures: write another",
                output.display()
            );
            return Err(Failure::Usage(words));
        }
        Ok(())
    }

    /// What the exit code says about the captures.
    pub(crate) fn outcome(&self) -> Outcome {
        Outcome::of(&self.report, self.how.fail_on())
    }

    /// What is patient data in selected packets.
    pub(crate) fn marks(&self, selection: &Selection) -> Result<Marks, Failure> {
        let wanted = selection.packets.iter().map(|kept| kept.frame.packet);
        let mut progress = self.how.progress();
        let marks =
            auscult_engine::marks(&self.paths, &self.options, wanted.collect(), &mut progress)?;
        Ok(marks)
    }
}
