//! Which lines of each parser the corpora reach: builds the targets once more with the compiler's
//! line counters, replays every input, and asks LLVM's tools of the same toolchain.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::{Target, build, folder};
use crate::shell::{self, root};

/// Inputs a process, so that their names fit a command line.
const BATCH: usize = 1000;

/// Lines of a part of the program, and those that were reached.
#[derive(Clone, Copy, Default)]
struct Lines {
    all: u64,
    reached: u64,
}

/// Prints a table, a row a parser.
pub(super) fn report(targets: &[Target]) -> Result<()> {
    let tools = tools()?;
    let into = folder().join("target/coverage");
    let programs = build("--cfg fuzzing -Cinstrument-coverage", &into)?;
    let profiles = into.join("profiles");
    if profiles.is_dir() {
        fs::remove_dir_all(&profiles)?;
    }
    for target in targets {
        replay(target, &programs, &profiles)?;
    }
    let merged = into.join("merged.profdata");
    let mut merge = Command::new(tools.join("llvm-profdata"));
    merge.args(["merge", "-sparse", "-o"]).arg(&merged);
    shell::run(merge.args(files(&profiles)?))?;
    let mut export = Command::new(tools.join("llvm-cov"));
    export.args(["export", "-summary-only"]);
    export.arg(format!("-instr-profile={}", merged.display()));
    for (index, target) in targets.iter().enumerate() {
        if index > 0 {
            export.arg("-object");
        }
        export.arg(programs.join(target.name));
    }
    let summary: Value = serde_json::from_str(&shell::output(&mut export)?)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "| part | lines | reached | share |\n|---|---|---|---|")?;
    for (part, Lines { all, reached }) in parts(&summary)? {
        let share = 100.0 * reached as f64 / all.max(1) as f64;
        writeln!(out, "| {part} | {all} | {reached} | {share:.0} % |")?;
    }
    Ok(())
}

/// The folder with the toolchain's own tools: others may not know its format.
fn tools() -> Result<PathBuf> {
    let found = shell::output(Command::new("rustc").args(["--print", "target-libdir"]))?;
    let tools = Path::new(found.trim()).with_file_name("bin");
    if !tools.join("llvm-cov").is_file() {
        bail!(
            "no llvm-cov in {}: rustup component add llvm-tools",
            tools.display()
        );
    }
    Ok(tools)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| {
        format!(
            "{} is not there; cargo xtask fuzz --minutes N makes corpora",
            folder.display()
        )
    })?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    Ok(files)
}

fn replay(target: &Target, programs: &Path, profiles: &Path) -> Result<()> {
    let inputs = files(&folder().join("corpus").join(target.name))?;
    eprintln!("{}: {} inputs", target.name, inputs.len());
    for (index, batch) in inputs.chunks(BATCH).enumerate() {
        let profile = profiles.join(format!("{}-{index}.profraw", target.name));
        let mut command = Command::new(programs.join(target.name));
        command.env("LLVM_PROFILE_FILE", profile).args(batch);
        let status = command.stderr(Stdio::null()).status()?;
        if !status.success() {
            bail!("{} fails on its own corpus", target.name);
        }
    }
    Ok(())
}

/// Lines by parser: a file, or a folder of files, of a crate.
fn parts(summary: &Value) -> Result<BTreeMap<String, Lines>> {
    let crates = root().join("crates");
    let files = summary["data"][0]["files"]
        .as_array()
        .context("llvm-cov gave no files")?;
    let mut parts: BTreeMap<String, Lines> = BTreeMap::new();
    for file in files {
        let name = file["filename"].as_str().unwrap_or_default();
        let Ok(path) = Path::new(name).strip_prefix(&crates) else {
            continue;
        };
        let path = path.to_string_lossy();
        let Some((owner, inside)) = path.split_once("/src/") else {
            continue;
        };
        // The lab writes; it reads nothing.
        if owner == "auscult-lab" {
            continue;
        }
        let part = inside.split('/').next().unwrap_or(inside);
        let lines = parts
            .entry(format!("{owner} {}", part.trim_end_matches(".rs")))
            .or_default();
        let counts = &file["summary"]["lines"];
        lines.all += counts["count"].as_u64().unwrap_or(0);
        lines.reached += counts["covered"].as_u64().unwrap_or(0);
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_a_folder_are_one_part() {
        let file = |name: &str, count: u64, covered: u64| {
            let filename = root().join("crates").join(name);
            serde_json::json!({
                "filename": filename,
                "summary": {"lines": {"count": count, "covered": covered}},
            })
        };
        let summary = serde_json::json!({"data": [{"files": [
            file("auscult-protocols/src/nfs/v2.rs", 10, 5),
            file("auscult-protocols/src/nfs.rs", 4, 4),
            {"filename": "/elsewhere/src/lib.rs", "summary": {}},
        ]}]});
        let parts = parts(&summary).unwrap();
        let found: Vec<_> = parts
            .iter()
            .map(|(name, lines)| (name.as_str(), lines.all, lines.reached))
            .collect();
        assert_eq!(found, [("auscult-protocols nfs", 14, 9)]);
    }
}
