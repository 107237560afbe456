//! Why no test can miss a guard: by rule and text, as `cargo xtask guards` prints them.

use super::Judged;
use super::find::Guard;

/// Rule, text of the guard, reason.
const REASONS: &[(&str, &str, &str)] = &[];

/// The reason of a guard.
pub(super) fn of(guard: &Guard) -> Option<&'static str> {
    let mut all = REASONS.iter();
    let found = all.find(|(rule, text, _)| *rule == guard.rule && *text == guard.text);
    found.map(|(_, _, reason)| *reason)
}

/// Reasons for guards that are gone or that a test misses by now; of these rules, or of all.
pub(super) fn without_survivor(judged: &[Judged], rules: &[&str]) -> Vec<String> {
    let needed = |rule: &str, text: &str| {
        let mut survivors = judged.iter().filter(|one| one.killer.is_none());
        survivors.any(|one| one.guard.rule == rule && one.guard.text == text)
    };
    REASONS
        .iter()
        .filter(|(rule, text, _)| (rules.is_empty() || rules.contains(rule)) && !needed(rule, text))
        .map(|(rule, text, _)| format!("reasons.rs: not needed any more: {rule}: {text}"))
        .collect()
}
