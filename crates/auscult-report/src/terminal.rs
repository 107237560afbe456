//! The report for people at a terminal.

use std::io::{self, Write};

use auscult_model::report::Report;

/// What to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View<'a> {
    /// First screen, findings, devices, files, health.
    #[default]
    Analyze,
    /// Devices.
    Devices,
    /// Findings.
    Findings,
    /// One finding, by id or alias.
    Finding(&'a str),
    /// One device, by id or alias.
    Device {
        /// Its id or an alias.
        id: &'a str,
        /// With every claim and its packets.
        why: bool,
    },
}

/// How to show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options<'a> {
    /// Columns.
    pub width: usize,
    /// Severities in colour.
    pub color: bool,
    /// Everything.
    pub all: bool,
    /// What to show.
    pub view: View<'a>,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options { width: 80, color: false, all: false, view: View::Analyze }
    }
}

/// Writes a view of the report for a terminal.
pub fn terminal(report: &Report, options: &Options<'_>, out: &mut dyn Write) -> io::Result<()> {
    let _ = options;
    for coverage in &report.coverage {
        writeln!(out, "{}  {:?}  {}", coverage.question, coverage.answer, coverage.short)?;
    }
    for finding in &report.findings {
        writeln!(out, "{}  {}  {}", finding.severity, finding.title, finding.id)?;
    }
    Ok(())
}
