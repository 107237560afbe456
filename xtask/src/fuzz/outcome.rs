//! What libFuzzer says of a run, in one line of a table.

use std::path::Path;

/// The head of the table.
pub(super) const HEAD: &str = "target     seconds   executions   per s   edges  features  corpus  \
                               finding";

/// What came out of a run.
pub(super) struct Outcome {
    target: &'static str,
    program: String,
    seconds: u64,
    executions: u64,
    /// Edges reached, features (edges with counts and compared values), inputs kept.
    reached: [u64; 3],
    /// The input that failed, or the last words of a run that left none.
    failed: Option<String>,
}

impl Outcome {
    /// From the log of a run.
    pub(super) fn read(
        target: &'static str,
        program: &Path,
        seconds: u64,
        is_success: bool,
        log: &str,
    ) -> Outcome {
        let artifact = log
            .lines()
            .find_map(|line| line.split_once("Test unit written to "));
        let failed = match artifact {
            Some((_, path)) => Some(path.trim().to_owned()),
            None if is_success => None,
            None => Some(log.lines().last().unwrap_or("no words").to_owned()),
        };
        // A line of progress: #123 NEW cov: 1 ft: 2 corp: 3/4b …
        let progress = log.lines().rev().find(|line| line.contains(" cov: "));
        let number = |name: &str| {
            progress
                .and_then(|line| number_after(line, name))
                .unwrap_or(0)
        };
        let executions = log
            .lines()
            .find_map(|line| number_after(line, "stat::number_of_executed_units: "))
            .or_else(|| progress.and_then(|line| number_after(line, "#")));
        Outcome {
            target,
            program: program.display().to_string(),
            seconds,
            executions: executions.unwrap_or(0),
            reached: [" cov: ", " ft: ", " corp: "].map(number),
            failed,
        }
    }

    /// Its line of the table.
    pub(super) fn row(&self) -> String {
        let [edges, features, corpus] = self.reached;
        let a_second = self.executions / self.seconds.max(1);
        let failed = self.failed.as_deref().map_or("none", |_| "YES");
        format!(
            "{:9} {:8} {:12} {a_second:7} {edges:7} {features:9} {corpus:7}  {failed}",
            self.target, self.seconds, self.executions
        )
    }

    /// What failed, and the command that shows it again.
    pub(super) fn finding(&self) -> Option<String> {
        let failed = self.failed.as_ref()?;
        Some(format!("  {} {failed}", self.program))
    }
}

/// The number behind `name`.
fn number_after(line: &str, name: &str) -> Option<u64> {
    let rest = line.split_once(name)?.1.trim_start();
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    rest.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(is_success: bool, log: &str) -> Outcome {
        Outcome::read("flow", Path::new("flow"), 2, is_success, log)
    }

    #[test]
    fn a_quiet_run() {
        let log = "#2\tINITED cov: 5 ft: 6 corp: 1/1b\n\
                   #99\tREDUCE cov: 877 ft: 1405 corp: 665/42Kb lim: 4096\n\
                   Done 4000 runs in 2 second(s)\n\
                   stat::number_of_executed_units: 4000\n";
        let outcome = read(true, log);
        assert_eq!(outcome.reached, [877, 1405, 665]);
        assert_eq!(outcome.executions, 4000);
        assert_eq!(outcome.finding(), None);
        assert_eq!(outcome.row().split_whitespace().nth(3), Some("2000"));
    }

    #[test]
    fn a_finding_names_its_input_and_the_command() {
        let log = "#99\tNEW cov: 1 ft: 2 corp: 3/9b\nthread panicked\n\
                   artifact_prefix='a/'; Test unit written to a/crash-1\nBase64: AA==\n";
        let outcome = read(false, log);
        assert_eq!(outcome.finding().as_deref(), Some("  flow a/crash-1"));
        assert_eq!(outcome.executions, 99);
        assert!(read(false, "killed\n").finding().is_some());
    }
}
