//! `cargo xtask fuzz --minutes N`: coverage-guided fuzzing on the stable toolchain.
//!
//! The targets are ordinary binaries of the workspace in `fuzz/`, built with the compiler's
//! coverage pass; minutes are shared between them. Inputs that fail stay in `fuzz/artifacts`.

use anyhow::{Context as _, Result, bail};

use crate::shell::{self, cargo, root};

/// Every target, in `fuzz/src/bin`.
const TARGETS: &[&str] = &["capture", "flow", "packet", "protocols"];

const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";

/// The command.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    let (minutes, targets) = match words {
        ["--minutes", minutes] => (*minutes, TARGETS),
        ["--minutes", minutes, targets @ ..] => (*minutes, targets),
        _ => bail!("usage: cargo xtask fuzz --minutes N [TARGET…]"),
    };
    let minutes: f64 = minutes.parse().context("--minutes wants a number")?;
    let seconds = (minutes * 60.0 / targets.len() as f64).max(1.0) as u64;
    let folder = root().join("fuzz");
    for target in targets {
        let corpus = folder.join("corpus").join(target);
        let found = folder.join("artifacts").join(target);
        std::fs::create_dir_all(&corpus)?;
        std::fs::create_dir_all(&found)?;
        let mut command = cargo();
        command
            .current_dir(&folder)
            .env("RUSTFLAGS", FLAGS)
            .args([
                "run",
                "--release",
                "--target",
                "x86_64-unknown-linux-gnu",
                "--bin",
                target,
            ])
            .args([
                "--",
                "-timeout=10",
                "-rss_limit_mb=2048",
                "-print_final_stats=1",
            ])
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-artifact_prefix={}/", found.display()))
            .arg(&corpus);
        shell::run(&mut command)?;
    }
    Ok(())
}
