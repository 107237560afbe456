//! `device`: one device, and with `--why` each claim about it with its packets; with a state, what
//! the user says about it.

use std::io::Write;
use std::path::{Path, PathBuf};

use auscult_engine::{Join, Overview, State};
use auscult_model::report::{self, Report, Role};
use auscult_report::{Part, View};
use clap::Args;

use crate::arguments;
use crate::failure::{Failure, Outcome};
use crate::output::Format;
use crate::reading::{self, Reading};

/// Show one device: what it is, whom it talks to, what is wrong
///
/// With --state, words in place of captures note what you know better, and it wins over what was
/// read: `set ATTRIBUTE=VALUE` (an empty value takes it back), `merge OTHER` when two devices are
/// one, `split OTHER` to take that back.
#[derive(Args)]
#[command(after_help = "\
Examples:
  auscult device ICU-7 ward.pcapng
  auscult device 10.20.3.14 ward.pcapng --why
  auscult device ICU-7 set role=patient-monitor bed=7 owner=biomed --state ward.state
  auscult device ICU-7 merge addr-10.20.9.4 --state ward.state
  auscult device ICU-7 split 10.20.9.4 --state ward.state")]
pub(crate) struct Device {
    /// Id of the device, one of its aliases or addresses, or what it is called
    id: String,
    #[command(flatten)]
    reading: Reading,
    /// Show every claim about it with the packets behind it
    #[arg(long)]
    why: bool,
}

impl Device {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Outcome, Failure> {
        match self.reading.state() {
            Some((file, [verb, words @ ..])) if verb.as_os_str() == "set" => {
                return self.set(file, words, out);
            }
            Some((file, [verb, other])) if verb.as_os_str() == "merge" => {
                return self.merge(file, &other.to_string_lossy(), out);
            }
            Some((file, [verb, other])) if verb.as_os_str() == "split" => {
                return self.split(file, &other.to_string_lossy(), out);
            }
            _ => self.reading.no_verb(&["set", "merge", "split"])?,
        }
        let report = self.reading.analyze()?;
        let device = self.find(&report)?;
        let id = device.id.as_str();
        match self.reading.format() {
            Format::Table => {
                let view = View::Device { id, why: self.why };
                super::put_view(out, &report, self.reading.all(), view)?;
            }
            Format::Json => {
                super::put_json(out, auscult_report::json_part(&report, Part::Device(id)))?;
            }
            Format::Csv => {
                out.write_all(auscult_report::csv_devices([device]).as_bytes())?;
            }
        }
        Ok(self.reading.outcome(&report))
    }

    fn find<'r>(&self, report: &'r Report) -> Result<&'r report::Device, Failure> {
        self.named(report, &self.id)
    }

    /// The device of this name, be it one under which a state showed it long ago.
    fn named<'r>(&self, report: &'r Report, name: &str) -> Result<&'r report::Device, Failure> {
        let mut found = auscult_report::find_devices(report, name);
        if let ([], Some((file, _))) = (found.as_slice(), self.reading.state()) {
            let id = State::read(file).and_then(|state| state.device_id(name));
            let id = id.map_err(auscult_engine::EngineError::from)?;
            let device = id.and_then(|id| auscult_report::find_device(report, &id));
            found = device.into_iter().collect();
        }
        match found.as_slice() {
            [device] => Ok(device),
            [] => {
                let ids = report.devices.iter().map(|device| device.id.as_str());
                Err(super::not_there("device", name, ids))
            }
            several => {
                let ids: Vec<&str> = several.iter().map(|device| device.id.as_str()).collect();
                let number = ids.len();
                let words = format!("`{name}` is {number} devices: {}", ids.join(", "));
                Err(Failure::Usage(words))
            }
        }
    }

    /// Notes that this device and another are one.
    fn merge(&self, file: &Path, other: &str, out: &mut dyn Write) -> Result<Outcome, Failure> {
        let now = arguments::now();
        let report = reading::recall(file, Overview::Light)?;
        let join = Join {
            device: self.find(&report)?.id.clone(),
            other: self.named(&report, other)?.id.clone(),
        };
        if join.device == join.other {
            let words = format!("`{}` and `{other}` are one device already", self.id);
            return Err(Failure::Usage(words));
        }
        State::edit(file)?.join(&join, now)?;
        writeln!(out, "{} and {} are one device", join.device, join.other)?;
        Ok(Outcome::Done)
    }

    /// Takes back that they are.
    fn split(&self, file: &Path, other: &str, out: &mut dyn Write) -> Result<Outcome, Failure> {
        let report = reading::recall(file, Overview::Light)?;
        let device = self.find(&report)?;
        // The other is named as it was before the two were put together.
        let apart = auscult_engine::recall_apart(file)?;
        let other_ids: Vec<&str> = match auscult_report::find_device(&apart, other.trim()) {
            Some(found) => ids_of(found).collect(),
            None => vec![other.trim()],
        };
        let mut state = State::edit(file)?;
        let joins = state.joins()?;
        let is_of_device = |id: &str| ids_of(device).any(|own| own == id);
        let named = |id: &str| other_ids.iter().any(|own| own.eq_ignore_ascii_case(id));
        let join = joins
            .iter()
            .filter(|join| is_of_device(&join.device))
            .find(|join| named(&join.other) || named(&join.device));
        let Some(join) = join else {
            return Err(Failure::Usage(self.not_joined(device, other, &joins)));
        };
        state.part(join)?;
        writeln!(out, "{} and {} are two devices", join.device, join.other)?;
        Ok(Outcome::Done)
    }

    fn not_joined(&self, device: &report::Device, other: &str, joins: &[Join]) -> String {
        let said: Vec<&str> = joins
            .iter()
            .filter(|join| ids_of(device).any(|id| id == join.device))
            .map(|join| join.other.as_str())
            .collect();
        match said.as_slice() {
            [] => format!(
                "nobody merged `{}` with `{other}`; what the traffic joins is explained by \
                 `auscult device {} --why`",
                self.id, self.id
            ),
            said => format!(
                "nobody merged `{}` with `{other}`; it was merged with: {}",
                self.id,
                said.join(", ")
            ),
        }
    }

    fn set(&self, file: &Path, words: &[PathBuf], out: &mut dyn Write) -> Result<Outcome, Failure> {
        let words: Vec<(String, String)> = words
            .iter()
            .map(|word| assignment(&word.to_string_lossy()))
            .collect::<Result<_, _>>()?;
        if words.is_empty() {
            return Err(Failure::Usage(
                "set what? bed=7, role=printer, ...".to_owned(),
            ));
        }
        let now = arguments::now();
        let report = reading::recall(file, Overview::Light)?;
        let device = self.find(&report)?;
        State::edit(file)?.say(&device.id, &words, now)?;
        for (attribute, value) in &words {
            match value.as_str() {
                "" => writeln!(out, "{}: {attribute} taken back", device.id)?,
                value => writeln!(out, "{}: {attribute} is {value}", device.id)?,
            }
        }
        Ok(Outcome::Done)
    }
}

/// The ids by which a device is known.
fn ids_of(device: &report::Device) -> impl Iterator<Item = &str> {
    let aliases = device.aliases.iter().map(String::as_str);
    std::iter::once(device.id.as_str()).chain(aliases)
}

/// `bed=7`: letters, digits and _ name an attribute; a role is one of the known.
fn assignment(word: &str) -> Result<(String, String), Failure> {
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    let Some((name, value)) = word.split_once('=').filter(|(name, _)| is_name(name)) else {
        return Err(Failure::Usage(format!("`{word}`: write it like bed=7")));
    };
    let (name, value) = (name.to_ascii_lowercase(), value.trim());
    if name == "role" && !value.is_empty() && Role::from_word(value).is_none() {
        let roles: Vec<&str> = Role::ALL.iter().map(|role| role.word()).collect();
        let words = format!("`{value}` is no role; there are: {}", roles.join(" "));
        return Err(Failure::Usage(words));
    }
    Ok((name, value.to_owned()))
}
