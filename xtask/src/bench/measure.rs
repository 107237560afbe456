//! Runs a program under GNU time, and the statistics of its runs.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Result, bail};

use super::folder;

/// What one run took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    /// Seconds from beginning to end.
    pub(super) wall: f64,
    /// Seconds of processor, user and system.
    pub(super) cpu: f64,
    /// Of these, system.
    pub(super) system: f64,
    /// Largest resident set.
    pub(super) peak_kib: u64,
}

impl Run {
    pub(super) fn peak_mib(&self) -> f64 {
        self.peak_kib as f64 / 1024.0
    }
}

/// A program under GNU time.
pub(super) struct Running {
    child: Child,
    figures: PathBuf,
    words: String,
}

/// Starts a program; what it writes goes nowhere.
pub(super) fn start(command: &[String], input: Stdio) -> Result<Running> {
    start_with(command, input, Stdio::null())
}

/// Starts a program.
pub(super) fn start_with(command: &[String], input: Stdio, output: Stdio) -> Result<Running> {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let figures = folder().join(format!("time-{}-{number}", std::process::id()));
    let child = Command::new("/usr/bin/time")
        .args(["-f", "%e %U %S %M", "-o"])
        .arg(&figures)
        .args(command)
        .stdin(input)
        .stdout(output)
        .stderr(Stdio::null())
        .spawn()?;
    Ok(Running {
        child,
        figures,
        words: command.join(" "),
    })
}

impl Running {
    /// The process of GNU time, whose only child is the program.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it is over.
    pub(super) fn is_over(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Waits for the end.
    pub(super) fn end(mut self) -> Result<Run> {
        let status = self.child.wait()?;
        let text = std::fs::read_to_string(&self.figures).unwrap_or_default();
        let _ = std::fs::remove_file(&self.figures);
        if !status.success() {
            bail!("failed ({status}): {}", self.words);
        }
        let last = text.lines().last().unwrap_or_default();
        let values: Vec<f64> = last
            .split(' ')
            .filter_map(|word| word.parse().ok())
            .collect();
        match values.as_slice() {
            [wall, user, system, peak] => Ok(Run {
                wall: *wall,
                cpu: user + system,
                system: *system,
                peak_kib: *peak as u64,
            }),
            _ => bail!("GNU time said: {last}"),
        }
    }
}

/// One run of a program.
pub(super) fn time(command: &[String]) -> Result<Run> {
    start(command, Stdio::null())?.end()
}

/// The median of some figure of the runs.
pub(super) fn median(runs: &[Run], of: impl Fn(&Run) -> f64) -> f64 {
    middle(runs.iter().map(of).collect())
}

/// The median: the mean of the two in the middle when they are even.
pub(super) fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    let at = |n: usize| values.get(n).copied().unwrap_or(f64::NAN);
    if values.len() % 2 == 1 {
        at(half)
    } else {
        (at(half.wrapping_sub(1)) + at(half)) / 2.0
    }
}

/// Median of the ratios `a` to `b` run by run, which holds when the machine's speed drifts.
pub(super) fn paired(a: &[Run], b: &[Run], of: impl Fn(&Run) -> f64) -> f64 {
    middle(a.iter().zip(b).map(|(a, b)| of(a) / of(b)).collect())
}

/// Distance of the extremes in percent of the median; a dash for what GNU time counts as nothing.
pub(super) fn spread(runs: &[Run], of: impl Fn(&Run) -> f64 + Copy) -> String {
    let values = || runs.iter().map(of);
    let (low, high) = (
        values().fold(f64::INFINITY, f64::min),
        values().fold(f64::NEG_INFINITY, f64::max),
    );
    let percent = (high - low) * 100.0 / median(runs, of);
    if percent.is_finite() {
        format!("{percent:.0} %")
    } else {
        "–".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(cpu: f64) -> Run {
        Run {
            wall: cpu,
            cpu,
            system: 0.0,
            peak_kib: 2048,
        }
    }

    #[test]
    fn medians_ratios_and_spread() {
        assert!((middle(vec![3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((middle(vec![4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
        assert!(middle(Vec::new()).is_nan());
        // Both became slower together: the ratio stays.
        let ours = [run(1.0), run(2.0), run(3.0)];
        let theirs = [run(4.0), run(8.0), run(12.0)];
        assert!((paired(&theirs, &ours, |run| run.cpu) - 4.0).abs() < 1e-9);
        assert_eq!(spread(&ours, |run| run.cpu), "100 %");
        assert_eq!(spread(&[run(0.0)], |run| run.cpu), "–");
        assert!((ours[0].peak_mib() - 2.0).abs() < 1e-9);
    }
}
