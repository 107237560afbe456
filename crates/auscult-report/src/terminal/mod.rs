//! The report for people at a terminal: the questions first, then what is wrong, then details.
//!
//! Plain text of at most `width` columns; nothing that came from traffic reaches the terminal
//! unfiltered. The manner is fixed by the goldens in `tests/`.

mod device;
mod devices;
mod findings;
mod health;
pub(crate) mod page;
mod questions;
pub(crate) mod words;

use std::io::{self, Write};

use auscult_model::report::Report;

pub use page::Page;

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
    /// One device, by id, alias or address.
    Device {
        /// Its id, an alias or an address.
        id: &'a str,
        /// With every claim and its packets.
        why: bool,
    },
}

/// How to show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options<'a> {
    /// Columns; not less than 60 are used.
    pub width: usize,
    /// Severities in colour.
    pub color: bool,
    /// Everything: all devices, files, counters, and why each answer is what it is.
    pub all: bool,
    /// What to show.
    pub view: View<'a>,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options {
            width: 80,
            color: false,
            all: false,
            view: View::Analyze,
        }
    }
}

/// Writes a view of the report for a terminal.
pub fn terminal(report: &Report, options: &Options<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(options.width, options.color);
    match options.view {
        View::Analyze => {
            questions::head(&mut page, report);
            questions::answers(&mut page, report, options.all);
            questions::sums(&mut page, report);
            findings::list(&mut page, report, options.all);
            findings::settled(&mut page, report, options.all);
            devices::table(&mut page, report, options.all);
            health::files(&mut page, report, options.all);
            health::health(&mut page, report, options.all);
        }
        View::Devices => {
            questions::head(&mut page, report);
            devices::table(&mut page, report, options.all);
        }
        View::Findings => {
            questions::head(&mut page, report);
            if report.findings.is_empty() {
                questions::answers(&mut page, report, options.all);
            }
            questions::sums(&mut page, report);
            findings::list(&mut page, report, options.all);
            findings::settled(&mut page, report, options.all);
        }
        View::Finding(id) => match crate::find_finding(report, id) {
            Some(finding) => findings::whole(&mut page, report, finding),
            None => page.text(0, &format!("No finding {id}.")),
        },
        View::Device { id, why } => match crate::find_device(report, id) {
            Some(device) => device::whole(&mut page, report, device, why, options.all),
            None => page.text(0, &format!("No device {id}.")),
        },
    }
    out.write_all(page.finish().as_bytes())
}
