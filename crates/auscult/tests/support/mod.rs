//! Captures with truth for the tests of the program: the lab's scenes, and cases whose captures
//! were made without this project's code, where they are at hand.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A capture with what is known about it.
pub(crate) struct Case {
    /// What complaints call it.
    pub(crate) name: String,
    /// The capture.
    pub(crate) file: PathBuf,
    /// Options that its analysis needs.
    pub(crate) args: Vec<String>,
    /// Texts that no output may show: patients' and secrets.
    pub(crate) planted: Vec<String>,
}

/// A new folder of this name among the tests' own.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// A scene of the lab, written into the folder.
pub(crate) fn scene(scenario: &str, seed: u64, folder: &Path) -> Case {
    let file = folder.join(format!("{scenario}-{seed}.pcapng"));
    let truth = auscult_lab::write(scenario, seed, &file).unwrap();
    Case {
        name: format!("{scenario} seed {seed}"),
        file,
        args: truth.args,
        planted: truth.private.into_iter().chain(truth.secrets).collect(),
    }
}

/// The cases that others made; none, and a loud line, where they are not at hand.
pub(crate) fn shared_cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cases");
    let Ok(truth) = fs::read(folder.join("truth.json")) else {
        eprintln!(
            "SKIPPED: the cases with truth are not there: {}",
            folder.display()
        );
        return Vec::new();
    };
    let truth: Value = serde_json::from_slice(&truth).unwrap();
    let texts = |value: &Value| -> Vec<String> {
        let list = value.as_array().into_iter().flatten();
        list.map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let cases = truth.as_object().unwrap().iter();
    cases
        .map(|(name, case)| Case {
            name: name.clone(),
            file: folder.join(case["file"].as_str().unwrap()),
            args: texts(&case["args"]),
            planted: [texts(&case["private"]), texts(&case["secrets"])].concat(),
        })
        .collect()
}

impl Case {
    /// Runs `auscult WORDS… FILE OPTIONS…`.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, words: &[S]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_auscult"))
            .args(words)
            .arg(&self.file)
            .args(&self.args)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// The report as JSON.
    pub(crate) fn report(&self) -> Value {
        let output = self.run(&["analyze", "--format", "json"]);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {complaint}", self.name);
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// Whether bytes hold a text, in letters of either case, as UTF-8, as UTF-16 or in hexadecimal
/// digits.
pub(crate) fn holds(bytes: &[u8], text: &str) -> bool {
    let hex = |text: &str| -> Vec<u8> {
        text.bytes()
            .flat_map(|byte| format!("{byte:02x}").into_bytes())
            .collect()
    };
    let forms = [
        text.as_bytes().to_vec(),
        text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        hex(text),
        hex(&text.to_uppercase()),
        hex(&text.to_lowercase()),
    ];
    forms.iter().any(|form| {
        let mut windows = bytes.windows(form.len().max(1));
        windows.any(|window| window.eq_ignore_ascii_case(form))
    })
}
