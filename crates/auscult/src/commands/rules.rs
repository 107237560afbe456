//! `rules`: one's own rules, checked and tried.

use std::collections::BTreeSet;
use std::io::Write;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use auscult_advisory::{OwnRule, OwnRules, OwnTest};
use auscult_engine::{Options, Unwatched, analyze};
use auscult_model::report::Report;
use auscult_report::Page;
use clap::Args;

use crate::failure::{Failure, Outcome};
use crate::output::view_options;
use crate::own_rules;

/// Check rules of your own, and run the tests that stand beside them
///
/// A rule names devices and what must be found there; it is used with --rules. Every key and name
/// is checked, and each test says at which devices its capture makes the rule hold: none for a
/// near miss.
#[derive(Args)]
#[command(after_help = "\
Examples:
  auscult rules our-rules.toml
  auscult ward.pcapng --rules our-rules.toml

The format is described in docs/rules.md.")]
pub(crate) struct Rules {
    /// Files of rules
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

impl Rules {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Outcome, Failure> {
        // Names that two files share are told before anything is tried.
        let mut files = Vec::new();
        own_rules::load_all(&self.files, |path, rules| {
            files.push((path.to_owned(), rules.clone()));
        })?;
        let options = view_options(false);
        let mut page = Page::new(options.width, options.color);
        let (mut tests, mut failed) = (0, 0);
        for (path, rules) in &files {
            let folder = path.parent().unwrap_or(Path::new(""));
            for rule in &rules.rule {
                describe(&mut page, rule);
                for test in &rule.test {
                    tests += 1;
                    let told = try_out(rule, test, folder)?;
                    failed += usize::from(told.is_some());
                    let capture = test.capture.display();
                    match told {
                        None => page.text(4, &format!("{capture}: as told")),
                        Some(words) => page.text(4, &format!("{capture}: {words}")),
                    }
                }
            }
        }
        out.write_all(page.finish().as_bytes())?;
        match failed {
            0 => Ok(Outcome::Done),
            _ => Err(Failure::Failed(format!("{failed} of {tests} tests failed"))),
        }
    }
}

fn describe(page: &mut Page, rule: &OwnRule) {
    let tests = match rule.test.len() {
        0 => "no test".to_owned(),
        1 => "1 test".to_owned(),
        tests => format!("{tests} tests"),
    };
    let (name, severity) = (rule.name(), rule.severity.word());
    page.line(&format!("{name} ({severity}, {tests})"));
    page.text(2, &format!("{}: {}", rule.title, rule.because));
}

/// Where the rule holds in a capture and should not, or the other way.
fn try_out(rule: &OwnRule, test: &OwnTest, folder: &Path) -> Result<Option<String>, Failure> {
    let options = Options {
        rules: Arc::new(OwnRules {
            rule: vec![rule.clone()],
            texts: Vec::new(),
        }),
        ..Options::default()
    };
    let report = analyze(&[folder.join(&test.capture)], &options, &mut Unwatched)?;
    let found = found(&report, rule.name());
    let is_wanted = |addresses: &BTreeSet<IpAddr>| !addresses.is_disjoint(&test.finds);
    let held: BTreeSet<IpAddr> = found.iter().flatten().copied().collect();
    let missing: Vec<&IpAddr> = test.finds.difference(&held).collect();
    let extra = found.iter().filter(|addresses| !is_wanted(addresses));
    let extra: Vec<&IpAddr> = extra.filter_map(BTreeSet::first).collect();
    let list = |addresses: &[&IpAddr]| {
        let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        texts.join(", ")
    };
    Ok(match (missing.is_empty(), extra.is_empty()) {
        (true, true) => None,
        (false, true) => Some(format!("FAILED, not found at {}", list(&missing))),
        (true, false) => Some(format!("FAILED, found at {}", list(&extra))),
        (false, false) => Some(format!(
            "FAILED, not found at {}, found at {}",
            list(&missing),
            list(&extra)
        )),
    })
}

/// The addresses of each device that a rule holds for.
fn found(report: &Report, rule: &str) -> Vec<BTreeSet<IpAddr>> {
    let findings = report.findings.iter().filter(|it| it.rule == rule);
    let devices: BTreeSet<&str> = findings
        .flat_map(|it| it.devices.iter().map(String::as_str))
        .collect();
    let devices = report
        .devices
        .iter()
        .filter(|it| devices.contains(it.id.as_str()));
    devices.map(|it| it.ips.iter().copied().collect()).collect()
}
