//! `register`: the asset register against what advisories name and what captures show.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use auscult_engine::{Imported, State};
use auscult_register::{BYTES, Choice, Choices, Field, Register as Table, View};
use auscult_report::Page;
use clap::{Args, Subcommand};

use crate::arguments;
use crate::failure::{Failure, Outcome};
use crate::output::{Format, view_options};
use crate::reading::How;

/// Compare the asset register with advisories and with the network
#[derive(Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Register {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Check(Box<Check>),
    Import(Import),
}

/// List rows that an advisory names; with captures, what is in both and what only in one
///
/// The register is a CSV export of the maintenance system, in any of the usual shapes: which column
/// holds what is guessed, said, and can be overruled. Captures are files, folders, or a report that
/// `analyze --format json` wrote.
#[derive(Args)]
#[command(after_help = "\
Examples:
  auscult register check assets.csv                  a walk list, no capture needed
  auscult register check assets.csv captures/        register and network
  auscult register check assets.csv report.json --format csv > compared.csv
  auscult register check assets.csv --state ward.state
  auscult register check --state ward.state          with the register imported there
  auscult register check assets.csv --column mac=\"LAN address\" --column unit=Area

Columns: asset description vendor model serial mac ip host unit location status.")]
struct Check {
    /// The export: CSV with commas, semicolons, tabs or bars
    #[arg(value_name = "REGISTER", required_unless_present = "state")]
    register: Option<PathBuf>,
    /// Captures, folders of captures, or a written report
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    how: How,
}

/// Keep a register in a state, for later checks; it takes the place of the last one
///
/// Which column holds what is guessed and shown: look at it, and overrule it with --column.
#[derive(Args)]
#[command(after_help = "\
Examples:
  auscult register import assets.csv --state ward.state
  auscult register import assets.csv --state ward.state --column mac=\"LAN address\"
  auscult register check --state ward.state")]
struct Import {
    /// The export: CSV with commas, semicolons, tabs or bars
    #[arg(value_name = "REGISTER")]
    register: PathBuf,
    /// The state
    #[arg(long, value_name = "FILE")]
    state: PathBuf,
    #[command(flatten)]
    columns: Columns,
}

/// How to read an export.
#[derive(Args)]
struct Columns {
    /// What a column holds (repeatable); its name or number, nothing for "there is none"
    #[arg(long, value_name = "WHAT=COLUMN", value_parser = choice)]
    column: Vec<Choice>,
    /// Encoding of the export, when it is guessed wrongly (windows-1250, gb18030, ...)
    #[arg(long, value_name = "NAME")]
    encoding: Option<String>,
}

impl Register {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Outcome, Failure> {
        match &self.command {
            Command::Check(check) => check.run(out),
            Command::Import(import) => import.run(out),
        }
    }
}

impl Check {
    fn run(&self, out: &mut dyn Write) -> Result<Outcome, Failure> {
        let (file, register) = self.register()?;
        let report = match (self.paths.as_slice(), self.how.state()) {
            ([], None) => None,
            // A register may be in a state that has no captures yet.
            ([], Some(state)) if State::read(state)?.facts()?.is_none() => None,
            (paths, _) => Some(self.how.recalled(paths)?),
        };
        let check = auscult_register::check(&register, report.as_ref());
        let view = View {
            file: &file,
            all: self.how.all(),
        };
        match self.how.format() {
            Format::Table => {
                let options = view_options(self.how.all());
                let mut page = Page::new(options.width, options.color);
                auscult_register::register_text(&mut page, &check, &view);
                out.write_all(page.finish().as_bytes())?;
            }
            Format::Json => super::put_json(out, auscult_register::register_json(&check, &view))?,
            Format::Csv => out.write_all(auscult_register::register_csv(&check).as_bytes())?,
        }
        Ok(match &report {
            Some(report) => Outcome::of(report, self.how.fail_on()),
            None => Outcome::Done,
        })
    }

    /// The register that was given, else that of the state, and what it is called.
    fn register(&self) -> Result<(String, Table), Failure> {
        if let Some(file) = &self.register {
            return Ok((
                file.to_string_lossy().into_owned(),
                self.columns.read(file)?,
            ));
        }
        let state = self.how.state().unwrap_or(Path::new(""));
        let imported: Option<Imported<Table>> = State::read(state)?.register()?;
        let imported = imported.ok_or_else(|| {
            let state = state.display();
            Failure::Usage(format!(
                "{state}: no register was imported; \
                 `auscult register import assets.csv --state {state}` does"
            ))
        })?;
        Ok((imported.file, imported.register))
    }
}

impl Import {
    fn run(&self, out: &mut dyn Write) -> Result<Outcome, Failure> {
        let register = self.columns.read(&self.register)?;
        let file = self.register.to_string_lossy();
        // A state that is not there yet is made: the register may well come first.
        let state = State::write(&self.state).and_then(State::begin);
        state?.import_register(&file, &register, arguments::now())?;
        let options = view_options(false);
        let mut page = Page::new(options.width, options.color);
        let check = auscult_register::check(&register, None);
        let view = View {
            file: &file,
            all: false,
        };
        auscult_register::import_text(&mut page, &check, &view);
        out.write_all(page.finish().as_bytes())?;
        writeln!(
            out,
            "\nSaved: {} rows in {}. Is a column not what it says? Import it again with --column.",
            register.rows.len(),
            self.state.display()
        )?;
        Ok(Outcome::Done)
    }
}

impl Columns {
    fn read(&self, file: &Path) -> Result<Table, Failure> {
        let failed = |why: String| Failure::Failed(format!("{}: {why}", file.display()));
        let bytes = bytes(file).map_err(|error| failed(error.to_string()))?;
        let choices = Choices {
            columns: self.column.clone(),
            encoding: self.encoding.clone(),
        };
        auscult_register::read(&bytes, &choices).map_err(|error| failed(error.to_string()))
    }
}

/// The file, and one byte more than is read where it is larger.
fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(BYTES.default + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// `mac=MAC Address`.
fn choice(text: &str) -> Result<Choice, String> {
    let (what, column) = text
        .split_once('=')
        .ok_or_else(|| "write it like mac=\"MAC Address\"".to_owned())?;
    let field = Field::from_word(what.trim()).ok_or_else(|| {
        let words: Vec<&str> = Field::ALL.into_iter().map(Field::word).collect();
        format!("no column holds `{what}`; there are: {}", words.join(" "))
    })?;
    Ok(Choice {
        field,
        column: column.trim().to_owned(),
    })
}
