//! `evidence export`: findings with all that shows them, signed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use auscult_evidence::merkle::from_hex;
use auscult_evidence::{
    Case, Custody, Cut, Facts, Frame, Key, Level, Proof, Pseudonyms, Sealed, Selection,
};
use auscult_model::{Marks, hex};
use clap::Args;

use crate::configuration;
use crate::cutting::Cutting;
use crate::failure::{Failure, Outcome};
use crate::private_file;
use crate::reading::How;

const VERSION: &str = env!("CARGO_PKG_VERSION");
const PROGRAM: &str = concat!("Auscult ", env!("CARGO_PKG_VERSION"));

/// Pack findings with the packets that show them into a signed zip
///
/// Bytes of patients are replaced by others of the same kind. Beside the zip a sealed file is
/// written that ties the packets to the originals: keep it, with the originals, and never send it
/// along. To add a time stamp, export, have the manifest stamped, and export once more with --again
/// and --timestamp: everything else stays the same.
#[derive(Args)]
#[command(after_help = "\
Examples:
  auscult evidence export F-3c81 F-90aa ward.pcapng --key hospital.key -o case.zip
  auscult evidence export F-3c81 ward.pcapng --key hospital.key -o case.zip \\
      --operator \"J. Doe, network administrator\"
  auscult evidence export F-3c81 ward.pcapng --key hospital.key -o stamped.zip \\
      --again case.sealed --timestamp manifest.tsr")]
pub(super) struct Export {
    /// Ids of findings (F-…), and the captures or folders that they came from
    #[arg(required = true, value_name = "FINDING… PATH")]
    words: Vec<PathBuf>,
    /// Zip to write
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Private key that signs (Ed25519, PKCS#8 PEM); made if there is none
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Where the sealed file goes [default: beside the zip, ending in .sealed]
    #[arg(long, value_name = "FILE")]
    sealed: Option<PathBuf>,
    /// Who makes the bundle
    #[arg(long, value_name = "TEXT")]
    operator: Option<String>,
    /// What else to say of how the captures came about
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// A time stamp over the manifest (RFC 3161) to enclose
    #[arg(long, value_name = "FILE", requires = "again")]
    timestamp: Option<PathBuf>,
    /// Draw nonces and pseudonyms as for this sealed file: the same zip once more
    #[arg(long, value_name = "SEALED")]
    again: Option<PathBuf>,
    #[command(flatten)]
    how: How,
}

/// As much of the captures as it takes.
struct Chosen {
    level: Level,
    cut: Cut,
    originals: Vec<Frame>,
    proofs: Vec<Proof>,
}

impl Export {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Outcome, Failure> {
        let sealed_file = self
            .sealed
            .clone()
            .unwrap_or_else(|| self.output.with_extension("sealed"));
        if sealed_file == self.output {
            let words = "the sealed file is a file of its own: --sealed FILE".to_owned();
            return Err(Failure::Usage(words));
        }
        let seed = self.seed()?;
        let timestamp = self.timestamp.as_deref().map(read).transpose()?;
        let cutting = Cutting::new(&self.words, &self.how)?;
        for file in [&self.output, &sealed_file, &self.key] {
            cutting.not_an_input(file)?;
        }
        let (key, is_new) = self.key()?;
        let named = cutting.named();
        let selection = cutting.select(&named, Level::Device)?;
        let marks = cutting.marks(&selection)?;
        let chosen = self.choose(&cutting, &selection, &marks, &seed)?;
        let facts = self.facts(&cutting, chosen.proofs.clone())?;
        let case = Case {
            findings: &cutting.findings(),
            facts: &facts,
            cut: &chosen.cut,
            originals: &chosen.originals,
            seed,
            key: &key,
            timestamp: timestamp.as_deref(),
            version: VERSION,
        };
        let bundle = case
            .bundle()
            .map_err(|error| Failure::Failed(error.to_string()))?;
        private_file::write(&sealed_file, &bundle.sealed, false)
            .map_err(|error| failed(&sealed_file, &error))?;
        fs::write(&self.output, &bundle.zip).map_err(|error| failed(&self.output, &error))?;
        let shown = |path: &Path| auscult_report::printable_lines(&path.to_string_lossy());
        writeln!(out, "{}: {}", shown(&self.output), chosen.cut.summary())?;
        writeln!(out, "  packets   up to those {}", chosen.level.word())?;
        for proof in &facts.proofs {
            writeln!(out, "  {} {}", proof.finding, proof.words())?;
        }
        writeln!(out, "  manifest  SHA-256 {}", hex(&bundle.manifest))?;
        let made = if is_new {
            " (made now; keep the file)"
        } else {
            ""
        };
        writeln!(out, "  signed by {}{made}", key.public().hex())?;
        writeln!(
            out,
            "  sealed    {}: keep it with the originals, do not send it",
            shown(&sealed_file)
        )?;
        Ok(cutting.outcome())
    }

    /// What nonces and pseudonyms are drawn from.
    fn seed(&self) -> Result<[u8; 32], Failure> {
        let Some(file) = &self.again else {
            return auscult_evidence::random().map_err(Failure::Failed);
        };
        let wrong = |why: String| Failure::Usage(format!("{}: {why}", file.display()));
        let sealed: Sealed = Sealed::from_json(&read(file)?).map_err(wrong)?;
        let seed = from_hex(&sealed.seed).and_then(|seed| seed.try_into().ok());
        seed.ok_or_else(|| wrong("its seed is damaged".to_owned()))
    }

    /// The key, and whether it was made now.
    fn key(&self) -> Result<(Key, bool), Failure> {
        let file = &self.key;
        let wrong = |why: String| Failure::Failed(format!("{}: {why}", file.display()));
        match fs::read_to_string(file) {
            Ok(text) => Ok((Key::from_pem(&text).map_err(wrong)?, false)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = Key::new(auscult_evidence::random().map_err(Failure::Failed)?);
                let pem = key.to_pem().map_err(wrong)?;
                private_file::write(file, pem.as_bytes(), true)
                    .map_err(|error| failed(file, &error))?;
                Ok((key, true))
            }
            Err(error) => Err(failed(file, &error)),
        }
    }

    /// Takes as few packets as give all findings again.
    fn choose(
        &self,
        cutting: &Cutting<'_>,
        selection: &Selection,
        marks: &Marks,
        seed: &[u8; 32],
    ) -> Result<Chosen, Failure> {
        let named = cutting.named();
        let files = cutting.files();
        let pseudonyms = Pseudonyms::new(auscult_evidence::pseudonym_key(seed));
        let findings = cutting.findings();
        let told = configuration::told(&cutting.options, &self.how, &findings);
        let options = configuration::taken(&told);
        let mut count = None;
        let made = auscult_evidence::least(|level| {
            let chosen = selection.up_to(level);
            // A level that adds nothing says nothing new.
            if count.replace(chosen.packets.len()) == Some(chosen.packets.len()) {
                return None;
            }
            let originals = chosen
                .packets
                .iter()
                .map(|kept| kept.frame.clone())
                .collect();
            let cut = Cut::new(chosen, &named, Some((marks, &pseudonyms)), &files);
            let bytes = cut.pcapng("", PROGRAM).into();
            let again = auscult_engine::analyze_bytes("packets.pcapng", bytes, &options).ok()?;
            let proof = |finding: &&_| Proof::new(finding, &cutting.report.devices, &again);
            let proofs = findings.iter().map(proof).collect();
            Some(((cut, originals), proofs))
        });
        let (level, (cut, originals), proofs) =
            made.ok_or_else(|| Failure::Failed("the findings name no packets".to_owned()))?;
        Ok(Chosen {
            level,
            cut,
            originals,
            proofs,
        })
    }

    fn facts(&self, cutting: &Cutting<'_>, proofs: Vec<Proof>) -> Result<Facts, Failure> {
        let report = &cutting.report;
        let mut captures = report.captures.clone();
        let mut capture_tools = BTreeMap::new();
        for capture in &mut captures {
            let path = Path::new(&capture.file);
            let file = File::open(path).map_err(|error| failed(path, &error))?;
            let (digest, beginning) =
                auscult_evidence::digest(file).map_err(|error| failed(path, &error))?;
            capture.sha256 = Some(hex(&digest));
            // What others wrote into a capture is theirs.
            capture.comments.clear();
            capture.names.clear();
            capture_tools.insert(capture.file.clone(), auscult_evidence::tools(&beginning));
        }
        let ids: Vec<&String> = cutting
            .findings()
            .iter()
            .flat_map(|it| &it.devices)
            .collect();
        let devices = report
            .devices
            .iter()
            .filter(|device| ids.contains(&&device.id));
        Ok(Facts {
            custody: Custody {
                operator: self.operator.clone(),
                note: self.note.clone(),
                program: PROGRAM.to_owned(),
                capture_tools,
            },
            configuration: configuration::told(&cutting.options, &self.how, &cutting.findings()),
            proofs,
            captures,
            site: report.site.clone(),
            devices: devices.cloned().collect(),
            coverage: report.coverage.clone(),
            health: report.health.clone(),
            data_sets: report.data_sets.clone(),
        })
    }
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(file).map_err(|error| failed(file, &error))
}

fn failed(file: &Path, error: &io::Error) -> Failure {
    Failure::Failed(format!("{}: {error}", file.display()))
}
