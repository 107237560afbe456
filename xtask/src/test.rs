//! `cargo xtask test`: what CI runs, the same command as in the README.
//!
//! As root it first installs the Debian and PyPI packages that tests against other programs need;
//! without root, or offline, those tests skip with a loud line each.

use std::process::Command;

use anyhow::{Result, bail};

use crate::shell::{self, cargo, has, root};

/// Debian packages: other people's decoders, servers and clients that tests compare with.
const DEBIAN: &[&str] = &[
    "avahi-daemon",
    "busybox",
    "chrony",
    "curl",
    "dcmtk",
    "dnsmasq-base",
    "ieee-data",
    "iproute2",
    "libnfs-utils",
    "nbtscan",
    "nfs-ganesha",
    "nfs-ganesha-vfs",
    "nginx-light",
    "openssh-client",
    "openssh-server",
    "procps",
    "python3",
    "python3-venv",
    "rpcbind",
    "samba",
    "smbclient",
    "snmp",
    "snmpd",
    "tcpdump",
    "tftp-hpa",
    "tshark",
    "udhcpc",
    "zstd",
];

/// Python packages for live tests, into `target/python`.
const PYTHON: &[&str] = &[
    "hl7==0.4.5",
    "jsonschema",
    "pyftpdlib==2.2.0",
    "pynetdicom==3.0.4",
];

/// A test that prints what a person must judge. The other ignored ones, comparisons with tshark
/// over all captures, are only slow.
const JUDGED: &str = "every_capture_against_tshark";

/// Set-up, format, lints, tests, cases.
fn run_all(set_up: bool) -> Result<()> {
    if set_up {
        install();
    }
    shell::run(cargo().args(["fmt", "--all", "--check"]))?;
    shell::run(cargo().args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))?;
    shell::run(cargo().args(["build", "--release"]))?;
    windows_check()?;
    fuzz_check()?;
    let mut tests = cargo();
    if has("cargo-nextest") {
        tests.args(["nextest", "run", "--workspace", "--no-fail-fast"]);
        tests.args(["--run-ignored", "all", "-E", &format!("not test({JUDGED})")]);
    } else {
        tests.args(["test", "--workspace", "--no-fail-fast", "--"]);
        tests.args(["--include-ignored", "--skip", JUDGED]);
    }
    tests.env("INSTA_UPDATE", "no");
    shell::run(&mut tests)?;
    cases()
}

/// The command.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    match words {
        [] => run_all(true),
        ["--no-setup"] => run_all(false),
        other => bail!("unknown: {}", other.join(" ")),
    }
}

fn install() {
    let missing: Vec<&str> = DEBIAN
        .iter()
        .copied()
        .filter(|name| !is_installed(name))
        .collect();
    if !missing.is_empty() {
        if !has("apt-get") || !is_root() {
            eprintln!(
                "SKIPPED: set-up needs root and apt-get for {}",
                missing.join(" ")
            );
        } else {
            let mut update = Command::new("apt-get");
            let mut install = Command::new("apt-get");
            install.env("DEBIAN_FRONTEND", "noninteractive");
            install
                .args(["install", "-y", "-q", "--no-install-recommends"])
                .args(&missing);
            let done =
                shell::run(update.args(["update", "-q"])).and_then(|()| shell::run(&mut install));
            if let Err(error) = done {
                eprintln!("SKIPPED: set-up: {error:#}; tests that need these packages will skip");
            }
        }
    }
    let python = root().join("target/python");
    let installed = python.join("installed");
    let wanted = PYTHON.join(" ");
    if std::fs::read_to_string(&installed).is_ok_and(|known| known == wanted) {
        return;
    }
    let _ = std::fs::create_dir_all(root().join("target"));
    let done =
        shell::run(Command::new("python3").args(["-m", "venv"]).arg(&python)).and_then(|()| {
            let mut pip = Command::new(python.join("bin/pip"));
            shell::run(pip.args(["install", "-q"]).args(PYTHON))
        });
    let done = done.and_then(|()| Ok(std::fs::write(&installed, &wanted)?));
    if let Err(error) = done {
        eprintln!("SKIPPED: set-up of Python packages: {error:#}");
    }
}

fn is_root() -> bool {
    shell::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

fn is_installed(package: &str) -> bool {
    shell::output(Command::new("dpkg-query").args(["-W", "-f=${Status}", package]))
        .is_ok_and(|status| status.contains("install ok installed"))
}

/// Nothing Unix-only outside named modules: the program must compile for Windows.
fn windows_check() -> Result<()> {
    const TARGET: &str = "x86_64-pc-windows-gnu";
    let sysroot = shell::output(Command::new("rustc").args(["--print", "sysroot"]))?;
    let library = std::path::Path::new(sysroot.trim())
        .join("lib/rustlib")
        .join(TARGET);
    if !library.is_dir() {
        eprintln!("SKIPPED: cargo check for {TARGET}: its standard library is not installed");
        return Ok(());
    }
    shell::run(cargo().args(["check", "--target", TARGET]))
}

/// The fuzz targets compile; to run them is `cargo xtask fuzz`. Without libFuzzer itself, which
/// wants a C++ compiler.
fn fuzz_check() -> Result<()> {
    let mut check = cargo();
    check.current_dir(root().join("fuzz"));
    shell::run(check.args([
        "check",
        "--locked",
        "--no-default-features",
        "--all-targets",
    ]))
}

/// Cases whose truth rests on what the program does not read yet. What they lack is shown; any
/// other shortfall fails.
const CASES_AHEAD: &[&str] = &[];

/// Cases with truth that were made without this project's code, where they are at hand.
fn cases() -> Result<()> {
    let folder = root().join("../shared/cases");
    let runner = folder.join("run_cases.py");
    if !runner.is_file() {
        eprintln!("SKIPPED: cases with truth: {} is absent", folder.display());
        return Ok(());
    }
    let run = Command::new("python3")
        .arg(runner)
        .arg(shell::target().join("release/auscult"))
        .output()?;
    let text = String::from_utf8_lossy(&run.stdout);
    eprintln!("{text}");
    if !text.contains("cases hold") {
        bail!("cases: {}", String::from_utf8_lossy(&run.stderr));
    }
    let short: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split_once(": "))
        .filter(|(name, _)| !CASES_AHEAD.contains(name))
        .map(|(name, _)| name)
        .collect();
    if !short.is_empty() {
        bail!("cases that do not hold: {}", short.join(", "));
    }
    Ok(())
}
