//! Options that all commands share which read captures, and the reading itself.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use auscult_engine::{Forget, Options, Overview, Watch};
use auscult_model::report::{Report, Severity};
use auscult_model::{Bound, Bounds, Timestamp};
use clap::Args;
use ipnet::IpNet;

use crate::arguments::{self, Level};
use crate::failure::{Failure, Outcome};
use crate::output::Format;
use crate::own_rules;
use crate::progress::Progress;
use crate::site_file;
use crate::{interrupt, memory};

/// What to read and how.
#[derive(Args, Clone, Debug)]
pub(crate) struct Reading {
    /// Captures, folders of captures, or - for standard input
    #[arg(required_unless_present = "state", value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    how: How,
}

/// How to read: everything but the paths, which may stand behind another argument.
#[derive(Args, Clone, Debug)]
pub(crate) struct How {
    /// Form of the output: for people, for programs, for spreadsheets
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: Format,
    /// Show everything: all devices, files and counters
    #[arg(long)]
    all: bool,
    /// A network that is yours (repeatable); private addresses are anyway
    #[arg(long, value_name = "CIDR", value_parser = auscult_inventory::parse_network)]
    site_net: Vec<IpNet>,
    /// Site file: networks, partners [default: auscult.toml, if there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Addresses, networks, names, SHA-256, JA3 or JA4 to look for, one a line, or STIX 2
    /// (repeatable)
    #[arg(long, value_name = "FILE")]
    indicators: Vec<PathBuf>,
    /// Rules of your own (repeatable); `auscult rules FILE` checks them
    #[arg(long, value_name = "FILE")]
    rules: Vec<PathBuf>,
    /// Only packets from this time on (2025-01-30T18:00:00Z, or UTC without zone)
    #[arg(long, value_name = "TIME", value_parser = arguments::time)]
    since: Option<Timestamp>,
    /// Only packets before this time
    #[arg(long, value_name = "TIME", value_parser = arguments::time)]
    until: Option<Timestamp>,
    /// Exit code 3 when a finding is at least this severe; accepted and closed ones do not count
    #[arg(long, value_enum, value_name = "SEVERITY")]
    fail_on: Option<Level>,
    /// A file that remembers: captures are added to it, without any it is shown
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Capture interfaces are different segments
    #[arg(long)]
    interfaces_apart: bool,
    /// Memory for tables and buffers [default: 1G, less where the system grants less]
    #[arg(long, value_name = "SIZE", value_parser = arguments::size)]
    max_memory: Option<u64>,
    /// A bound of the analysis (repeatable); `auscult limits` lists them
    #[arg(long, value_name = "NAME=VALUE", value_parser = arguments::limit)]
    limit: Vec<(&'static Bound, u64)>,
    /// Worker threads [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
    /// No progress line
    #[arg(long, short)]
    quiet: bool,
}

/// Whether captures are analysed together.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Together {
    /// A report on each capture, not one on all; rotated files of one stay together
    #[arg(long)]
    each: bool,
}

impl Together {
    /// One report on everything.
    pub(crate) fn is_one(self) -> bool {
        !self.each
    }
}

impl Reading {
    /// Form of the output.
    pub(crate) fn format(&self) -> Format {
        self.how.format
    }

    /// The first input as given.
    pub(crate) fn first_path(&self) -> &Path {
        self.paths.first().map_or(Path::new("-"), PathBuf::as_path)
    }

    /// `--all`.
    pub(crate) fn all(&self) -> bool {
        self.how.all
    }

    /// A progress line, as far as it is wanted.
    pub(crate) fn progress(&self) -> Progress {
        Progress::new(self.how.quiet)
    }

    /// The state, and the words behind it that are no captures: what is to be done there.
    pub(crate) fn state(&self) -> Option<(&Path, &[PathBuf])> {
        Some((self.how.state.as_deref()?, &self.paths))
    }

    /// Complains about a word that stands where captures do and is no file: with a state it was
    /// meant to be one of these, without one these need one.
    pub(crate) fn no_verb(&self, verbs: &[&str]) -> Result<(), Failure> {
        let Some(word) = self.paths.first().filter(|path| !path.exists()) else {
            return Ok(());
        };
        let name = word.to_string_lossy();
        let is_verb = verbs.contains(&&*name);
        let words = match (&self.how.state, is_verb) {
            (None, true) => format!("`{name}` is noted in a state: --state FILE"),
            (Some(_), true) => format!("`{name}` what? See --help"),
            (Some(_), false) => {
                format!(
                    "{name}: no such file, and no word for it: {}",
                    verbs.join(", ")
                )
            }
            (None, false) => return Ok(()),
        };
        Err(Failure::Usage(words))
    }

    /// `--until`.
    pub(crate) fn until(&self) -> Option<Timestamp> {
        self.how.until
    }

    /// Analyses the inputs, or recalls the state, and shows the progress.
    pub(crate) fn analyze(&self) -> Result<Report, Failure> {
        self.report(Overview::Whole)
    }

    /// The same; of a state as much as is wanted.
    pub(crate) fn report(&self, overview: Overview) -> Result<Report, Failure> {
        match &self.how.state {
            None => self.analyze_with(false, &mut self.progress()),
            Some(_) if self.paths.is_empty() && self.how.has_window() => {
                let words = "a state is shown whole: leave --since and --until out, or \
                             `auscult diff --state FILE --since TIME` tells what is new";
                Err(Failure::Usage(words.to_owned()))
            }
            Some(file) if self.paths.is_empty() => recall(file, overview),
            Some(file) => self.remember(file),
        }
    }

    /// The files of each capture; says which files beside them are none.
    fn captures(&self, options: &Options) -> Result<Vec<Vec<PathBuf>>, Failure> {
        let apart = auscult_engine::apart(&self.paths, options)?;
        for skipped in &apart.skipped {
            notice(&format!("not read: {}: {}", skipped.name, skipped.reason));
        }
        Ok(apart.captures)
    }

    /// Takes the captures into the state, and says what became of each.
    fn remember(&self, file: &Path) -> Result<Report, Failure> {
        let how = &self.how;
        if how.has_window() {
            let words = "a capture is taken into a state whole: leave --since and --until out";
            return Err(Failure::Usage(words.to_owned()));
        }
        let options = self.how.options()?;
        let captures = self.captures(&options)?;
        let files: Vec<PathBuf> = captures.into_iter().flatten().collect();
        let now = arguments::now();
        let came = auscult_engine::remember(file, &files, &options, now, &mut self.progress())?;
        for (_, error) in &came.unread {
            notice(&error.to_string());
        }
        for name in &came.interrupted {
            notice(&format!("interrupted: nothing of {name} was saved"));
        }
        for capture in &came.known {
            notice(&format!(
                "known already, not counted again: {}",
                capture.file
            ));
        }
        for capture in &came.added {
            for overlap in &capture.overlaps {
                notice(&auscult_report::overlap(&capture.file, overlap));
            }
        }
        if !came.added.is_empty() {
            let captures = match came.added.len() {
                1 => "1 capture".to_owned(),
                several => format!("{several} captures"),
            };
            notice(&format!("saved: {captures} in {}", file.display()));
        }
        Ok(came.report)
    }

    /// Analyses the inputs; `watch` sees each flow if `single_flows`.
    pub(crate) fn analyze_with(
        &self,
        single_flows: bool,
        watch: &mut dyn Watch,
    ) -> Result<Report, Failure> {
        if self.how.state.is_some() {
            let words = "a state keeps sums of conversations by hour, no single flows";
            return Err(Failure::Usage(words.to_owned()));
        }
        self.how.analyze(&self.paths, single_flows, watch)
    }

    /// Analyses the captures one after another and hands on each report. What cannot be read is
    /// told and left out.
    pub(crate) fn analyze_each(
        &self,
        mut take: impl FnMut(&Report) -> Result<(), Failure>,
    ) -> Result<Outcome, Failure> {
        if self.how.state.is_some() {
            let words = "--each reports on captures apart, a state on all of them: leave one out";
            return Err(Failure::Usage(words.to_owned()));
        }
        let options = self.how.options()?;
        let captures = self.captures(&options)?;
        let mut outcome = Outcome::Done;
        for files in &captures {
            match auscult_engine::analyze(files, &options, &mut self.progress()) {
                Ok(report) => {
                    caution(&report);
                    outcome = outcome.max(self.outcome(&report));
                    take(&report)?;
                }
                Err(error) => {
                    notice(&error.to_string());
                    outcome = outcome.max(Outcome::Incomplete);
                }
            }
            if options.stop.is_requested() {
                break;
            }
        }
        Ok(outcome)
    }

    /// What the exit code says about a report.
    pub(crate) fn outcome(&self, report: &Report) -> Outcome {
        match Outcome::of(report, self.how.fail_on.map(Into::into)) {
            // A capture that was cut short was told when it was taken in.
            Outcome::Incomplete if self.how.state.is_some() && self.paths.is_empty() => {
                Outcome::Done
            }
            outcome => outcome,
        }
    }
}

/// Bytes of the largest written report that is read.
const REPORT_MAX: u64 = 1 << 30;

impl How {
    /// Form of the output.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// `--all`.
    pub(crate) fn all(&self) -> bool {
        self.all
    }

    /// `--since` or `--until`.
    fn has_window(&self) -> bool {
        self.since.is_some() || self.until.is_some()
    }

    /// Whether there is a `--since`.
    pub(crate) fn is_since(&self) -> bool {
        self.since.is_some()
    }

    /// `--fail-on`.
    pub(crate) fn fail_on(&self) -> Option<Severity> {
        self.fail_on.map(Into::into)
    }

    /// The report of captures, or a written one where the only path is one.
    pub(crate) fn report(&self, paths: &[PathBuf]) -> Result<Report, Failure> {
        if self.state.is_some() {
            let words = "--state is not read by this command: give captures or a written report";
            return Err(Failure::Usage(words.to_owned()));
        }
        if let [path] = paths
            && let Some(report) = written(path)?
        {
            return Ok(report);
        }
        self.analyze(paths, false, &mut Progress::new(self.quiet))
    }

    /// Analyses captures that will be read again; says how.
    pub(crate) fn report_and_options(
        &self,
        paths: &[PathBuf],
    ) -> Result<(Report, Options), Failure> {
        if self.state.is_some() {
            let words = "a state keeps no packets: name the captures";
            return Err(Failure::Usage(words.to_owned()));
        }
        let is_stream = |path: &&PathBuf| path.exists() && !path.is_file() && !path.is_dir();
        let stream = |path: &&PathBuf| path.as_os_str() == "-" || is_stream(path);
        if let Some(path) = paths.iter().find(stream) {
            let words = format!("{}: cannot be read twice: save it first", path.display());
            return Err(Failure::Usage(words));
        }
        let report = self.analyze(paths, false, &mut self.progress())?;
        Ok((report, self.options()?))
    }

    /// A progress line, as far as it is wanted.
    pub(crate) fn progress(&self) -> Progress {
        Progress::new(self.quiet)
    }

    /// Bounds that were set.
    pub(crate) fn limits(&self) -> &[(&'static Bound, u64)] {
        &self.limit
    }

    /// The state, where one is given.
    pub(crate) fn state(&self) -> Option<&Path> {
        self.state.as_deref()
    }

    /// What the state comes to, or the report of captures.
    pub(crate) fn recalled(&self, paths: &[PathBuf]) -> Result<Report, Failure> {
        match (&self.state, paths) {
            (Some(file), []) => recall(file, Overview::Whole),
            _ => self.report(paths),
        }
    }

    /// What is left of the state when something is forgotten, beside what it came to before.
    pub(crate) fn forget(&self, what: Forget) -> Result<[Report; 2], Failure> {
        let Some(file) = &self.state else {
            return Err(Failure::Usage(
                "forget in which state? --state FILE".to_owned(),
            ));
        };
        let options = Options {
            since: None,
            until: None,
            ..self.options()?
        };
        Ok(auscult_engine::forget(
            file,
            what,
            &options,
            arguments::now(),
        )?)
    }

    /// What the state saw before `--since`, and what from then on.
    pub(crate) fn around(&self) -> Result<[Report; 2], Failure> {
        let Some((file, since)) = self.state.as_deref().zip(self.since) else {
            let words = "which time? `diff --state FILE --since TIME` compares what was seen \
                         before with what was seen from then on";
            return Err(Failure::Usage(words.to_owned()));
        };
        if self.until.is_some() {
            let words = "a state is compared with itself at one time: leave --until out";
            return Err(Failure::Usage(words.to_owned()));
        }
        let options = Options {
            since: None,
            ..self.options()?
        };
        let now = arguments::now();
        Ok(auscult_engine::recall_around(file, since, &options, now)?)
    }

    fn analyze(
        &self,
        paths: &[PathBuf],
        single_flows: bool,
        watch: &mut dyn Watch,
    ) -> Result<Report, Failure> {
        let options = Options {
            single_flows,
            ..self.options()?
        };
        let report = auscult_engine::analyze(paths, &options, watch)?;
        if let Some(words) = auscult_report::unrelated(&report) {
            notice(&format!("{words}; --each reports on each"));
        }
        caution(&report);
        Ok(report)
    }

    fn options(&self) -> Result<Options, Failure> {
        let mut site = site_file::load(self.config.as_deref())?;
        site.networks.extend(&self.site_net);
        for path in &self.indicators {
            let text = fs::read_to_string(path)
                .map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
            site.indicators.add(&text);
        }
        if site.indicators.unread > 0 {
            let lines = site.indicators.unread;
            notice(&format!(
                "--indicators: {lines} entries are of no known kind"
            ));
        }
        if let (Some(since), Some(until)) = (self.since, self.until)
            && since >= until
        {
            return Err(Failure::Usage("--since must be before --until".to_owned()));
        }
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let mut limits = Bounds::default();
        for (bound, value) in &self.limit {
            limits.set(bound, *value);
        }
        Ok(Options {
            threads: memory::threads(self.threads.map_or(cores, usize::from)),
            site,
            rules: Arc::new(own_rules::load_all(&self.rules, |_, _| ())?),
            interfaces_apart: self.interfaces_apart,
            max_memory: self.max_memory.unwrap_or_else(memory::usual),
            limits,
            stop: interrupt::stop(),
            since: self.since,
            until: self.until,
            ..Options::default()
        })
    }
}

/// What a state comes to as of now.
pub(crate) fn recall(file: &Path, overview: Overview) -> Result<Report, Failure> {
    Ok(auscult_engine::recall(file, overview, arguments::now())?)
}

/// Says what a report leaves to be misread: nothing of the time asked for was captured.
fn caution(report: &Report) {
    if let Some(words) = auscult_report::outside(report) {
        notice(&words);
    }
}

/// The report in a file that `analyze --format json` wrote; `None` for every other file.
fn written(path: &Path) -> Result<Option<Report>, Failure> {
    const BEGIN: u64 = 64;
    let failed =
        |why: &dyn ToString| Failure::Failed(format!("{}: {}", path.display(), why.to_string()));
    // What cannot be opened is complained about by who reads captures.
    let Some(file) = File::open(path).ok().filter(|_| path.is_file()) else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    let mut begin = (&file).take(BEGIN);
    begin.read_to_end(&mut bytes).map_err(|e| failed(&e))?;
    if !auscult_report::looks_like_json(&bytes) {
        return Ok(None);
    }
    let mut rest = (&file).take(REPORT_MAX);
    rest.read_to_end(&mut bytes).map_err(|e| failed(&e))?;
    if bytes.len() as u64 > REPORT_MAX {
        return Err(failed(&"a written report of more than 1 GiB is not read"));
    }
    auscult_report::read_json(&bytes)
        .map(Some)
        .map_err(|e| failed(&e))
}

/// Says something beside the results. File names are other people's text.
fn notice(words: &str) {
    eprintln!("auscult: {}", auscult_report::printable_lines(words));
}
