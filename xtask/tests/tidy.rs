//! The order of the house, as a test: arrows between crates, heads of files, sizes, links.
//!
//! Each failure says the file, the line and the remedy.

#![expect(
    clippy::unwrap_used,
    reason = "a test may stop at what it did not expect"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// Which crates a crate may depend on. Arrows point down only.
const ARROWS: &[(&str, &[&str])] = &[
    ("auscult-model", &[]),
    ("auscult-capture", &["auscult-model"]),
    ("auscult-packet", &["auscult-model"]),
    ("auscult-flow", &["auscult-model", "auscult-packet"]),
    ("auscult-protocols", &["auscult-model", "auscult-packet"]),
    ("auscult-inventory", &["auscult-model"]),
    ("auscult-detect", &["auscult-inventory", "auscult-model"]),
    (
        "auscult-engine",
        &[
            "auscult-advisory",
            "auscult-capture",
            "auscult-detect",
            "auscult-flow",
            "auscult-inventory",
            "auscult-model",
            "auscult-packet",
            "auscult-protocols",
            "auscult-state",
        ],
    ),
    // It hands on packets and what is known of them; what is concluded comes to it as a report.
    (
        "auscult-evidence",
        &["auscult-capture", "auscult-model", "auscult-packet"],
    ),
    // It names rules, protocols and families, and judges a report.
    (
        "auscult-advisory",
        &[
            "auscult-detect",
            "auscult-inventory",
            "auscult-model",
            "auscult-protocols",
            "auscult-report",
        ],
    ),
    // It alone knows that a state is a database.
    ("auscult-state", &["auscult-model"]),
    // Encoders never see our parsers, so that one misreading is not shared.
    ("auscult-lab", &["auscult-model"]),
    ("auscult-report", &["auscult-model"]),
    // Names of families and their labels are the signatures'; tables and pages are the report's.
    (
        "auscult-register",
        &["auscult-inventory", "auscult-model", "auscult-report"],
    ),
    (
        "auscult",
        &[
            "auscult-advisory",
            "auscult-capture",
            "auscult-detect",
            "auscult-engine",
            "auscult-evidence",
            "auscult-inventory",
            "auscult-lab",
            "auscult-model",
            "auscult-protocols",
            "auscult-register",
            "auscult-report",
        ],
    ),
    // The lab makes captures to measure with.
    ("xtask", &["auscult-lab"]),
];

const LINE_MAX: usize = 100;
const FILE_LINES_MAX: usize = 800;
const BAD_MODULE_ENDS: &[&str] = &["util", "utils", "common", "helpers", "misc"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_path_buf()
}

fn files(folder: &Path, extension: &str, into: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let mut entries: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') && name != "corpus" {
                files(&path, extension, into);
            }
        } else if path.extension().is_some_and(|e| e == extension) {
            into.push(path);
        }
    }
}

fn sources() -> Vec<PathBuf> {
    let mut list = Vec::new();
    for folder in ["crates", "xtask", "fuzz"] {
        files(&root().join(folder), "rs", &mut list);
    }
    list
}

fn fail_with(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn arrows_between_crates_point_down_only() {
    let mut complaints = Vec::new();
    let mut manifests = Vec::new();
    files(&root().join("crates"), "toml", &mut manifests);
    manifests.retain(|path| path.ends_with("Cargo.toml"));
    manifests.push(root().join("xtask/Cargo.toml"));
    for manifest in manifests {
        let text = fs::read_to_string(&manifest).unwrap();
        let value: toml::Value = toml::from_str(&text).unwrap();
        let name = value["package"]["name"].as_str().unwrap();
        let Some((_, allowed)) = ARROWS.iter().find(|(crate_name, _)| *crate_name == name) else {
            complaints.push(format!(
                "{}: {name} has no line in ARROWS",
                manifest.display()
            ));
            continue;
        };
        let Some(dependencies) = value.get("dependencies").and_then(toml::Value::as_table) else {
            continue;
        };
        for dependency in dependencies
            .keys()
            .filter(|key| key.starts_with("auscult-"))
        {
            if !allowed.contains(&dependency.as_str()) {
                complaints.push(format!(
                    "{}: {name} must not depend on {dependency}: turn the arrow round, or move \
                     what both need further down",
                    manifest.display()
                ));
            }
        }
    }
    fail_with(&complaints);
}

#[test]
fn every_source_file_says_what_it_is() {
    let mut complaints = Vec::new();
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        if !text.starts_with("//!") && !text.starts_with("#![") {
            complaints.push(format!(
                "{}:1: begin with //! and one sentence",
                path.display()
            ));
        }
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX {
            complaints.push(format!(
                "{}: {lines} lines; split by subject",
                path.display()
            ));
        }
        let stem = path.file_stem().unwrap().to_string_lossy();
        if BAD_MODULE_ENDS.iter().any(|end| stem.ends_with(end)) {
            complaints.push(format!(
                "{}: name the module after what it holds",
                path.display()
            ));
        }
        for (number, line) in text.lines().enumerate() {
            let at = format!("{}:{}", path.display(), number + 1);
            if line.chars().count() > LINE_MAX {
                complaints.push(format!("{at}: longer than {LINE_MAX} columns"));
            }
            if line.ends_with([' ', '\t']) {
                complaints.push(format!("{at}: ends with spaces"));
            }
            let todo = ["TO", "DO"].concat();
            if line.contains(&todo) {
                complaints.push(format!("{at}: do it, or say in words why it waits"));
            }
        }
    }
    fail_with(&complaints);
}

/// Product code compiles for Windows: nothing of one operating system outside modules that are
/// named after it. Where the target's standard library is installed, `cargo xtask test` also
/// runs `cargo check` for it.
#[test]
fn nothing_of_one_operating_system_outside_named_modules() {
    let mut complaints = Vec::new();
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        let is_product = path.components().any(|part| part.as_os_str() == "src")
            && path.starts_with(root().join("crates"));
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        if !is_product || ["unix", "linux", "windows"].contains(&stem.as_str()) {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let of_one = [
                "std::os::unix",
                "std::os::linux",
                "std::os::fd",
                "std::os::windows",
            ];
            if of_one.iter().any(|name| line.contains(name)) || line.contains("\"/dev/") {
                complaints.push(format!(
                    "{}:{}: move it to a module named after the system, with a twin for others",
                    path.display(),
                    number + 1
                ));
            }
        }
    }
    fail_with(&complaints);
}

#[test]
fn documents_link_to_files_that_exist() {
    let mut complaints = Vec::new();
    let mut documents = Vec::new();
    files(&root(), "md", &mut documents);
    for path in documents {
        let text = fs::read_to_string(&path).unwrap();
        for (number, line) in text.lines().enumerate() {
            for link in line.split("](").skip(1) {
                let target = link.split([')', '#']).next().unwrap_or_default();
                if target.is_empty() || target.contains("://") {
                    continue;
                }
                if !path.parent().unwrap().join(target).exists() {
                    complaints.push(format!(
                        "{}:{}: {target} does not exist",
                        path.display(),
                        number + 1
                    ));
                }
            }
        }
    }
    fail_with(&complaints);
}

#[test]
fn code_named_in_the_architecture_exists() {
    let mut complaints = Vec::new();
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for word in text.split('`').skip(1).step_by(2) {
        if word.starts_with("crates/") && !root().join(word).exists() {
            complaints.push(format!("ARCHITECTURE.md: {word} does not exist"));
        }
    }
    fail_with(&complaints);
}

#[test]
fn nothing_committed_is_large() {
    const MIB: u64 = 1 << 20;
    let mut complaints = Vec::new();
    let mut total = 0;
    let mut all = Vec::new();
    for extension in [
        "pcap", "pcapng", "bin", "tsv", "json", "txt", "md", "toml", "rs",
    ] {
        files(&root(), extension, &mut all);
    }
    for path in all {
        let size = fs::metadata(&path).unwrap().len();
        total += size;
        if size > MIB {
            complaints.push(format!(
                "{}: {size} bytes; keep files under 1 MiB",
                path.display()
            ));
        }
    }
    if total > 20 * MIB {
        complaints.push(format!("{total} bytes in all; keep it under 20 MiB"));
    }
    fail_with(&complaints);
}
