//! The source that is put into the copy: switches, one of which may be off in a run.

/// The variable with the number of the guard that is off.
pub(super) const OFF: &str = "AUSCULT_GUARD_OFF";
/// The variable with the file to which the numbers of guards are added that kept something out.
pub(super) const ACTED: &str = "AUSCULT_GUARDS_ACTED";

/// The module for numbers under `count`.
pub(super) fn module(count: usize) -> String {
    format!(
        r#"//! Switches of guards.
#![allow(missing_docs, dead_code, reason = "made for one run")]

use std::io::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{{AtomicBool, Ordering}};

static OFF: OnceLock<usize> = OnceLock::new();
static ACTED: [AtomicBool; {count}] = [const {{ AtomicBool::new(false) }}; {count}];

pub(crate) fn is_off(number: usize) -> bool {{
    let read = || std::env::var("{OFF}").ok()?.parse().ok();
    *OFF.get_or_init(|| read().unwrap_or(usize::MAX)) == number
}}

pub(crate) fn acted(number: usize) {{
    if !ACTED[number].swap(true, Ordering::Relaxed)
        && let Some(path) = std::env::var_os("{ACTED}")
        && let Ok(mut file) = std::fs::OpenOptions::new().append(true).create(true).open(path)
    {{
        let _ = file.write_all(format!("{{number}}\n").as_bytes());
    }}
}}

pub(crate) fn acts(number: usize, holds: bool) -> bool {{
    if holds {{
        acted(number);
    }}
    holds && !is_off(number)
}}

pub(crate) fn keeps(number: usize, holds: bool) -> bool {{
    if !holds {{
        acted(number);
    }}
    holds || is_off(number)
}}
"#
    )
}
