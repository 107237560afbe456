//! Threads: 1, 2 and 4, beside two copies of one thread that run together, which show what the
//! machine can give to two at a time in this sitting.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::document::{Section, Target};
use super::measure::{Run, median, middle, paired, start, time};
use super::{Sitting, analyze, machine};

/// The part.
pub(super) fn part(sitting: &Sitting) -> Result<Section> {
    let capture = sitting.capture()?;
    let counts = [1, 2, 4];
    let mut runs: Vec<Vec<Run>> = vec![Vec::new(); counts.len()];
    let mut pairs = Vec::new();
    for round in 1..=sitting.runs {
        for (threads, runs) in counts.iter().zip(&mut runs) {
            eprintln!("round {round} of {}: {threads} threads", sitting.runs);
            runs.push(time(&analyze(*threads, &capture))?);
        }
        eprintln!("round {round} of {}: two copies together", sitting.runs);
        pairs.push(together(&capture)?);
    }
    let [one, two, _] = runs.as_slice() else {
        unreachable!("three counts of threads");
    };
    let wall = |run: &Run| run.wall;
    let speed_up = paired(one, two, wall);
    let capacity = middle(
        one.iter()
            .zip(&pairs)
            .map(|(a, b)| 2.0 * a.wall / b)
            .collect(),
    );
    let ratios = pairs
        .iter()
        .zip(two)
        .map(|(pair, two)| pair / 2.0 / two.wall);
    let ratio = middle(ratios.collect());
    let cpu = paired(two, one, |run| run.cpu);
    let mut text = format!(
        "### Threads\n\n`cargo xtask bench threads --size {} --runs {}`: medians. {}.\n\n\
         | | wall s | CPU s | peak MiB |\n|---|---|---|---|\n",
        sitting.size,
        sitting.runs,
        machine()
    );
    for (threads, runs) in counts.iter().zip(&runs) {
        writeln!(
            text,
            "| {threads} | {:.2} | {:.2} | {:.1} |",
            median(runs, wall),
            median(runs, |run| run.cpu),
            median(runs, Run::peak_mib)
        )?;
    }
    writeln!(
        text,
        "| two copies of one thread together | {:.2} | | |\n\n\
         Speed-up of two threads {speed_up:.2}, of two copies together {capacity:.2}. \
         Serial share by Amdahl from these two: {}. {}",
        middle(pairs),
        serial_share(speed_up, capacity),
        by_thread(&capture)?
    )?;
    let targets = vec![
        Target::new(
            "two threads at least 0.85 of the speed-up of two copies run together",
            format!("{ratio:.2}"),
            Some(ratio >= 0.85),
        ),
        Target::new(
            "CPU of two threads at most 1.2 times that of one",
            format!("{cpu:.2}"),
            Some(cpu <= 1.2),
        ),
    ];
    Ok(Section {
        name: "threads",
        text,
        targets,
        failures: Vec::new(),
    })
}

/// Wall seconds of two copies that run at once.
fn together(capture: &Path) -> Result<f64> {
    let command = analyze(1, capture);
    let begin = Instant::now();
    let copies = [
        start(&command, Stdio::null())?,
        start(&command, Stdio::null())?,
    ];
    for copy in copies {
        copy.end()?;
    }
    Ok(begin.elapsed().as_secs_f64())
}

/// The share that only one thread can do, when `capacity` threads' worth of machine gave this
/// speed-up.
fn serial_share(speed_up: f64, capacity: f64) -> String {
    if capacity < 1.1 {
        return "not known, since the machine had no second core to give".to_owned();
    }
    let share = (capacity / speed_up - 1.0) / (capacity - 1.0);
    format!("{:.0} %", share.max(0.0) * 100.0)
}

/// The program's own threads, as the system accounts them in one run with two workers: what the
/// first thread does (reading, order, world, report) nobody else can do meanwhile.
fn by_thread(capture: &Path) -> Result<String> {
    let mut running = start(&analyze(2, capture), Stdio::null())?;
    let mut seen = BTreeMap::new();
    let mut first = None;
    while !running.is_over()? {
        if let Some(program) = child_of(running.id()) {
            seen.extend(times(program));
            first = Some(program);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    running.end()?;
    let total: u64 = seen.values().map(|thread| thread.1).sum();
    let Some((_, serial)) = first.and_then(|first| seen.remove(&first)) else {
        return Ok("What each thread took is not told by this system.".to_owned());
    };
    let share = |time: u64| format!("{:.0} %", time as f64 * 100.0 / total as f64);
    let workers = seen.values();
    let workers: Vec<String> = workers
        .map(|(name, time)| format!("{name} {}", share(*time)))
        .collect();
    Ok(format!(
        "As the system accounts one run with two workers, {} of the CPU time is the first \
         thread's, whose work (reading, order, world, report) no other can do; {}.",
        share(serial),
        workers.join(", ")
    ))
}

fn child_of(process: u32) -> Option<u32> {
    let path = format!("/proc/{process}/task/{process}/children");
    let children = std::fs::read_to_string(path).ok()?;
    children.split_whitespace().next()?.parse().ok()
}

/// Name and nanoseconds of each thread.
fn times(process: u32) -> Vec<(u32, (String, u64))> {
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{process}/task")) else {
        return Vec::new();
    };
    let time = |path: &Path| -> Option<(u32, (String, u64))> {
        let id = path.file_name()?.to_str()?.parse().ok()?;
        let name = std::fs::read_to_string(path.join("comm")).ok()?;
        let times = std::fs::read_to_string(path.join("schedstat")).ok()?;
        let time = times.split(' ').next()?.parse().ok()?;
        Some((id, (name.trim().to_owned(), time)))
    };
    let paths = tasks.flatten().map(|task| task.path());
    paths.filter_map(|path| time(&path)).collect()
}

#[cfg(test)]
mod tests {
    use super::serial_share;

    #[test]
    fn amdahl() {
        // Half of the work in one thread: two threads need three quarters of the time.
        assert_eq!(serial_share(4.0 / 3.0, 2.0), "50 %");
        assert_eq!(serial_share(2.0, 2.0), "0 %");
        assert_eq!(serial_share(2.1, 2.0), "0 %");
        assert!(serial_share(1.0, 1.0).starts_with("not known"));
    }
}
