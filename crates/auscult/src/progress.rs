//! One line on standard error that says how far the reading is; only on a terminal.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use auscult_engine::Watch;

const EVERY: Duration = Duration::from_millis(250);

/// Shows how far the reading is.
pub(crate) struct Progress {
    shown: bool,
    wanted: bool,
    last: Instant,
}

impl Progress {
    /// Shows nothing when `quiet` or when nobody looks.
    pub(crate) fn new(quiet: bool) -> Self {
        Progress {
            shown: false,
            wanted: !quiet && io::stderr().is_terminal(),
            last: Instant::now(),
        }
    }

    /// Takes the line away again.
    pub(crate) fn clear(&mut self) {
        if self.shown {
            self.shown = false;
            // Nothing can be done when standard error is closed, and nothing needs to.
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

impl Watch for Progress {
    fn progress(&mut self, read: u64, total: Option<u64>) {
        if !self.wanted || self.last.elapsed() < EVERY {
            return;
        }
        self.last = Instant::now();
        self.shown = true;
        let _ = write!(io::stderr(), "\r{}\x1b[K", line(read, total));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

fn line(read: u64, total: Option<u64>) -> String {
    let megabytes = |bytes: u64| bytes / 1_000_000;
    match total {
        Some(total) if total > 0 => format!(
            "reading  {:3} %  {} of {} MB",
            read.min(total).saturating_mul(100) / total,
            megabytes(read.min(total)),
            megabytes(total)
        ),
        _ => format!("reading  {} MB", megabytes(read)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_how_far() {
        assert_eq!(
            line(50_000_000, Some(200_000_000)),
            "reading   25 %  50 of 200 MB"
        );
        assert_eq!(line(7, Some(5)), "reading  100 %  0 of 0 MB");
        assert_eq!(line(1_500_000, None), "reading  1 MB");
    }
}
