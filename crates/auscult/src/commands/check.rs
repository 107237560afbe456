//! `check`: the claims of an advisory against captures.

use std::io::Write;
use std::path::{Path, PathBuf};

use auscult_advisory::Advisory;
use auscult_model::report::{Device, Report};
use auscult_report::Page;
use clap::Args;

use crate::failure::{Failure, Outcome};
use crate::output::{Format, view_options};
use crate::reading::How;
use crate::text_file;

/// Check what an advisory claims: holds, refuted or not tested, with the packets
///
/// Each claim comes with what would show it on the wire, the packets found, a verdict, how others
/// read the same, and a Wireshark filter to look with. Only what was seen decides: a claim is
/// refuted by its contrary in packets, and everything else was not tested. Without captures the
/// claims are listed, without an advisory the advisories.
#[derive(Args)]
#[command(after_help = "\
Examples:
  auscult check                                      the advisories that it knows
  auscult check ICSMA-25-030-01                      what one claims
  auscult check ICSMA-25-030-01 ward.pcapng
  auscult check ICSMA-25-030-01 --state ward.state
  auscult check ICSMA-17-250-02A ward.pcapng --device 10.84.3.51
                                                     the pump at this address is meant
  auscult check our-pump.toml ward.pcapng            your own (docs/advisories.md)")]
pub(crate) struct Check {
    /// Number of an advisory, or a file with one
    #[arg(value_name = "ADVISORY")]
    advisory: Option<PathBuf>,
    /// Captures, folders of captures, or a written report
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// A device that is of the family, as you know (repeatable): its id, address or name
    #[arg(long, value_name = "DEVICE")]
    device: Vec<String>,
    #[command(flatten)]
    how: How,
}

impl Check {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Outcome, Failure> {
        let Some(name) = &self.advisory else {
            self.list(out)?;
            return Ok(Outcome::Done);
        };
        let advisory = advisory(name)?;
        if self.paths.is_empty() && self.how.state().is_none() {
            self.plan(&advisory, out)?;
            return Ok(Outcome::Done);
        }
        let report = self.how.recalled(&self.paths)?;
        let told = self.told(&report)?;
        let check = auscult_advisory::check(&advisory, &report, &told);
        match self.how.format() {
            Format::Table => {
                let mut page = self.page();
                auscult_advisory::check_text(&mut page, &check, self.how.all());
                out.write_all(page.finish().as_bytes())?;
            }
            Format::Json => super::put_json(out, auscult_advisory::check_json(&check))?,
            Format::Csv => out.write_all(auscult_advisory::check_csv(&check).as_bytes())?,
        }
        Ok(Outcome::of(&report, self.how.fail_on()))
    }

    fn page(&self) -> Page {
        let options = view_options(self.how.all());
        Page::new(options.width, options.color)
    }

    fn list(&self, out: &mut dyn Write) -> Result<(), Failure> {
        let advisories = shipped()?;
        if self.how.format() == Format::Json {
            return super::put_json(out, auscult_advisory::list_json(&advisories));
        }
        let mut page = self.page();
        auscult_advisory::list_text(&mut page, &advisories);
        Ok(out.write_all(page.finish().as_bytes())?)
    }

    fn plan(&self, advisory: &Advisory, out: &mut dyn Write) -> Result<(), Failure> {
        if self.how.format() == Format::Json {
            return super::put_json(out, auscult_advisory::list_json([advisory]));
        }
        let mut page = self.page();
        auscult_advisory::plan_text(&mut page, advisory);
        Ok(out.write_all(page.finish().as_bytes())?)
    }

    /// The devices that are of the family as whoever asks knows.
    fn told<'r>(&self, report: &'r Report) -> Result<Vec<&'r Device>, Failure> {
        let mut told = Vec::new();
        for name in &self.device {
            let devices = auscult_report::find_devices(report, name);
            if devices.is_empty() {
                let ids = report.devices.iter().map(|device| device.id.as_str());
                return Err(super::not_there("device", name, ids));
            }
            told.extend(devices);
        }
        Ok(told)
    }
}

fn shipped() -> Result<Vec<Advisory>, Failure> {
    auscult_advisory::shipped().map_err(|error| Failure::Failed(error.to_string()))
}

/// The advisory in a file, or the one of this number that comes with the program.
fn advisory(name: &Path) -> Result<Advisory, Failure> {
    if name.extension().is_some_and(|it| it == "toml") {
        return from_file(name);
    }
    let wanted = name.to_string_lossy();
    let mut advisories = shipped()?;
    let place = advisories
        .iter()
        .position(|advisory| advisory.id.eq_ignore_ascii_case(&wanted));
    match place {
        Some(place) => Ok(advisories.swap_remove(place)),
        None => {
            let ids: Vec<&str> = advisories.iter().map(|it| it.id.as_str()).collect();
            Err(Failure::Failed(format!(
                "no advisory `{wanted}`; there are: {}; a file of your own ends in .toml",
                ids.join(", ")
            )))
        }
    }
}

fn from_file(path: &Path) -> Result<Advisory, Failure> {
    let text = text_file::read(path).map_err(Failure::Failed)?;
    Advisory::read(&text).map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))
}
