//! `evidence verify`: is a bundle whole, and do its packets say again what it says.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use auscult_engine::Options;
use auscult_evidence::{Frame, Opened, Proof, PublicKey, Sealed};
use auscult_model::hex;
use clap::Args;

use crate::configuration;
use crate::failure::{Failure, Outcome};

/// Check a bundle: every byte, its signature, and what its packets say when they are analysed again
///
/// Exit code 1, and a word on the member concerned, when anything was changed.
#[derive(Args)]
#[command(after_help = "\
Examples:
  auscult evidence verify case.zip
  auscult evidence verify case.zip --key hospital.pem
  auscult evidence verify case.zip --sealed case.sealed --original ward.pcapng")]
pub(super) struct Verify {
    /// The bundle
    #[arg(value_name = "ZIP")]
    bundle: PathBuf,
    /// The public key that should have signed it: a PEM file, or 64 hexadecimal digits
    #[arg(long, value_name = "PUBLIC")]
    key: Option<PathBuf>,
    /// The sealed file that was written beside the bundle
    #[arg(long, value_name = "FILE", requires = "original")]
    sealed: Option<PathBuf>,
    /// The original captures, or folders of them
    #[arg(long, value_name = "PATH", num_args = 1.., requires = "sealed")]
    original: Vec<PathBuf>,
}

/// Bytes of the largest bundle that is read.
const BUNDLE_MAX: u64 = 256 << 20;

impl Verify {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Outcome, Failure> {
        let bytes = read(&self.bundle)?;
        let wanted = self.key.as_deref().map(public_key).transpose()?;
        let opened = auscult_evidence::open(&bytes, wanted.as_ref())
            .map_err(|fault| self.failed(&fault.to_string()))?;
        let name = auscult_report::printable_lines(&self.bundle.to_string_lossy());
        let manifest = &opened.manifest;
        writeln!(
            out,
            "{name}: whole: {} members and {} packets as they were signed",
            manifest.members.len(),
            opened.frames.len()
        )?;
        let key = opened.key.hex();
        let pinned = match wanted {
            Some(_) => "as expected",
            None => "compare with what the sender told you, or give it with --key",
        };
        writeln!(out, "  signed by  {key}: {pinned}")?;
        let stamp = opened
            .timestamp
            .as_deref()
            .unwrap_or("none: nothing proves when it was made");
        writeln!(out, "  time stamp {stamp}")?;
        writeln!(out, "  originals  {}", self.originals(&opened)?)?;
        self.again(&opened, out)
    }

    fn failed(&self, why: &str) -> Failure {
        Failure::Failed(format!("{}: {why}", self.bundle.display()))
    }

    /// What the packets say when they are analysed again.
    fn again(&self, opened: &Opened, out: &mut dyn Write) -> Result<Outcome, Failure> {
        let options = configuration::taken(&opened.facts.configuration);
        let packets = Arc::clone(&opened.packets);
        let again = auscult_engine::analyze_bytes("packets.pcapng", packets, &options)?;
        let mut weaker = Vec::new();
        for finding in &opened.findings {
            let proof = Proof::new(finding, &opened.facts.devices, &again);
            let title = auscult_report::printable_lines(&finding.title);
            writeln!(out, "{} {title}\n  {}", finding.id, proof.words())?;
            let said = opened
                .facts
                .proofs
                .iter()
                .find(|said| said.finding == finding.id);
            if said.is_none_or(|said| said.again.is_some() && proof.again != said.again) {
                weaker.push(finding.id.clone());
            }
        }
        if weaker.is_empty() {
            return Ok(Outcome::Done);
        }
        let words = format!(
            "its packets do not say again what the bundle says of {}; it was made by version {}, \
             this is {}",
            weaker.join(", "),
            opened.manifest.auscult.chars().take(40).collect::<String>(),
            env!("CARGO_PKG_VERSION")
        );
        Err(self.failed(&words))
    }

    /// Holds the packets against the originals, where those are given.
    fn originals(&self, opened: &Opened) -> Result<String, Failure> {
        let Some(file) = &self.sealed else {
            return Ok(
                "not checked: that takes the sealed file and the captures (--sealed, \
                       --original)"
                    .to_owned(),
            );
        };
        let sealed = read(file)?;
        let list = Sealed::from_json(&sealed)
            .map_err(|why| Failure::Failed(format!("{}: {why}", file.display())))?;
        let found = self.fetch(opened, &list)?;
        let all = opened.frames.len();
        let checked = opened
            .check_originals(&sealed, |file, packet| {
                found.get(&(file.to_owned(), packet)).cloned()
            })
            .map_err(|fault| self.failed(&fault.to_string()))?;
        if checked < all {
            let words = format!(
                "{} of its {all} packets are not in the captures that were given",
                all - checked
            );
            return Err(self.failed(&words));
        }
        Ok(format!(
            "all {all} packets are those of the captures, apart from what was replaced"
        ))
    }

    /// The original packets, by the names of their files in the bundle.
    fn fetch(
        &self,
        opened: &Opened,
        sealed: &Sealed,
    ) -> Result<BTreeMap<(String, u64), Frame>, Failure> {
        let mut found = BTreeMap::new();
        for path in files(&self.original)? {
            let bytes = fs::File::open(&path).map_err(|error| unreadable(&path, &error))?;
            let (digest, _) =
                auscult_evidence::digest(bytes).map_err(|error| unreadable(&path, &error))?;
            let digest = hex(&digest);
            let captures = opened.facts.captures.iter();
            let own = captures.filter(|capture| capture.sha256.as_ref() == Some(&digest));
            for capture in own {
                let of_file = sealed.packets.iter().filter(|it| it.file == capture.file);
                let wanted: Vec<u64> = of_file.map(|it| it.packet).collect();
                let options = Options::default();
                let paths = [path.clone()];
                auscult_engine::each_packet(&paths, &options, |meta, data| {
                    if wanted.contains(&meta.number) {
                        let frame = Frame {
                            packet: meta.reference(),
                            time: meta.time,
                            interface: meta.interface,
                            link: meta.link,
                            original: meta.original,
                            data: data.to_vec(),
                        };
                        found.insert((capture.file.clone(), meta.number), frame);
                    }
                })?;
            }
        }
        Ok(found)
    }
}

/// The files among these files and folders.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries = fs::read_dir(path).map_err(|error| unreadable(path, &error))?;
        let mut inside: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        inside.retain(|path| path.is_file());
        inside.sort();
        files.extend(inside);
    }
    Ok(files)
}

fn public_key(word: &Path) -> Result<PublicKey, Failure> {
    let text = match word.to_str().filter(|_| !word.exists()) {
        Some(digits) => digits.to_owned(),
        None => fs::read_to_string(word).map_err(|error| unreadable(word, &error))?,
    };
    PublicKey::from_text(&text).map_err(|why| Failure::Usage(format!("{}: {why}", word.display())))
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let size = fs::metadata(file)
        .map_err(|error| unreadable(file, &error))?
        .len();
    if size > BUNDLE_MAX {
        let words = format!(
            "{}: of {size} bytes, at most {BUNDLE_MAX} are read",
            file.display()
        );
        return Err(Failure::Failed(words));
    }
    fs::read(file).map_err(|error| unreadable(file, &error))
}

fn unreadable(file: &Path, error: &std::io::Error) -> Failure {
    Failure::Failed(format!("{}: {error}", file.display()))
}
