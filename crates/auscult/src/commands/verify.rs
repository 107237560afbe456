//! `verify`: whether a measure took.

use std::io::Write;
use std::path::PathBuf;

use auscult_advisory::{Answer, Verified};
use auscult_inventory::Signature;
use auscult_model::report::Report;
use auscult_report::Page;
use clap::{Args, Subcommand};
use ipnet::IpNet;

use crate::failure::{Failure, Outcome};
use crate::output::{Format, view_options};
use crate::reading::How;

/// Verify that a measure took: a device family is gone, a network is blocked
///
/// Exit code 0 when it holds, 3 when the contrary was seen, 4 when it cannot be told: too little
/// was watched, or nobody tried.
#[derive(Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Verify {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Absent(Box<Absent>),
    Blocked(Box<Blocked>),
}

/// No device of a family was heard in the last days of what was captured
///
/// Holds only when every one of these days has at least an hour of captures, and every segment
/// where the family was before was heard since. Says what was watched: a unit that is off,
/// unplugged or without a patient says nothing.
#[derive(Args)]
#[command(after_help = "\
Examples:
  auscult verify absent contec-cms8000 captures/ --days 7
  auscult verify absent ICSMA-25-030-01 --state ward.state --days 30

`auscult explain` lists device families.")]
struct Absent {
    /// A device family: its name, a label, a model, or an advisory's number
    #[arg(value_name = "FAMILY", value_parser = family)]
    family: &'static Signature,
    /// Captures, folders of captures, or a written report
    #[arg(value_name = "PATH", required_unless_present = "state")]
    paths: Vec<PathBuf>,
    /// For so many days before the last packet
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = days())]
    days: u16,
    #[command(flatten)]
    how: How,
}

/// What was opened to a network, or from it, stayed unanswered
///
/// Where the block was set while a state watched, --since says when: only what came after counts.
#[derive(Args)]
#[command(after_help = "\
Examples:
  auscult verify blocked 202.114.4.0/24 after.pcapng
  auscult verify blocked 202.114.4.0/24 --state ward.state --since 2026-03-14T00:00:00Z")]
struct Blocked {
    /// The network, or an address
    #[arg(value_name = "NETWORK", value_parser = auscult_inventory::parse_network)]
    network: IpNet,
    /// Captures, folders of captures, or a written report
    #[arg(value_name = "PATH", required_unless_present = "state")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    how: How,
}

impl Verify {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Outcome, Failure> {
        match &self.command {
            Command::Absent(it) => {
                let report = it.how.recalled(&it.paths)?;
                let verified = auscult_advisory::absent(&report, it.family, it.days);
                put(out, &it.how, &report, &verified)
            }
            Command::Blocked(it) => {
                let report = match it.paths.is_empty() && it.how.is_since() {
                    true => {
                        let [_, after] = it.how.around()?;
                        after
                    }
                    false => it.how.recalled(&it.paths)?,
                };
                let verified = auscult_advisory::blocked(&report, it.network);
                put(out, &it.how, &report, &verified)
            }
        }
    }
}

fn put(
    out: &mut dyn Write,
    how: &How,
    report: &Report,
    verified: &Verified,
) -> Result<Outcome, Failure> {
    match how.format() {
        Format::Table => {
            let options = view_options(how.all());
            let mut page = Page::new(options.width, options.color);
            auscult_advisory::verified_text(&mut page, verified, how.all());
            out.write_all(page.finish().as_bytes())?;
        }
        Format::Json => super::put_json(out, auscult_advisory::verified_json(verified))?,
        Format::Csv => out.write_all(auscult_advisory::verified_csv(verified).as_bytes())?,
    }
    Ok(match verified.answer {
        Answer::Holds => Outcome::of(report, how.fail_on()),
        Answer::DoesNotHold => Outcome::Found,
        Answer::CannotTell => Outcome::Incomplete,
    })
}

/// A number of days, ten years at most.
fn days() -> clap::builder::RangedI64ValueParser<u16> {
    clap::value_parser!(u16).range(1..=3660)
}

/// The family that a name, a label, a model or an advisory stands for.
fn family(name: &str) -> Result<&'static Signature, String> {
    let is_it = |signature: &&Signature| {
        let names = [&signature.id].into_iter().chain(&signature.family);
        let labels = signature.model.iter().chain(&signature.also_sold_as);
        let mut all = names.chain(labels).chain(&signature.advisories);
        all.any(|one| one.eq_ignore_ascii_case(name))
    };
    let found = auscult_inventory::signatures().iter().find(is_it);
    found.ok_or_else(|| "no device family is called so; `auscult explain` lists them".to_owned())
}
