//! Which files are pieces of one capture: what capturing programs name the files that they rotate.
//!
//! By name only, and only by names that nobody gives by hand: `ward_00001_20260131120000.pcapng`
//! (dumpcap's ring), `ward.pcap`, `ward.pcap1`, `ward.pcap2` (tcpdump `-C`), and names that differ
//! in a date with a time of day (tcpdump `-G`). `ward1.pcap` and `ward2.pcap` may be two wards, so
//! they are two captures.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::inputs::{Inputs, Skipped};
use crate::listing::{Entry, OpenError, list};
use crate::reader::Options;
use crate::stop::Stop;

/// Digits of a date with hours and minutes.
const DATE_AND_TIME: usize = 12;

/// Captures, each to be analysed apart.
#[derive(Debug, Default)]
pub struct Apart {
    /// The files of each capture, in the order of the arguments and of names within a folder.
    pub captures: Vec<Vec<PathBuf>>,
    /// Files that are no captures.
    pub skipped: Vec<Skipped>,
}

/// Lists captures apart from each other; rotated files of one capture stay together.
///
/// Fails as [`Inputs::open`] does: when a named file is no capture, or there is none.
pub fn apart(paths: &[PathBuf], options: Options) -> Result<Apart, OpenError> {
    let entries = list(paths)?;
    // What cannot be opened twice is not looked at: it is one capture, whatever it holds.
    let (files, streams): (Vec<Entry>, Vec<Entry>) =
        entries.into_iter().partition(|entry| entry.reopens);
    let streams = streams.iter().map(|entry| vec![entry.path()]);
    let mut apart = Apart {
        captures: streams.collect(),
        skipped: Vec::new(),
    };
    if files.is_empty() {
        return Ok(apart);
    }
    let inputs = Inputs::of(files, paths, options, Stop::default())?;
    apart.skipped = inputs.skipped().to_vec();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for path in inputs.paths() {
        let Some(series) = series(&path.to_string_lossy()) else {
            apart.captures.push(vec![path]);
            continue;
        };
        let next = apart.captures.len();
        let place = *known.entry(series).or_insert(next);
        match apart.captures.get_mut(place) {
            Some(capture) => capture.push(path),
            None => apart.captures.push(vec![path]),
        }
    }
    Ok(apart)
}

/// What the names of one series have in common; `None` for a name that may stand alone.
pub(crate) fn series(path: &str) -> Option<String> {
    let (path, packed) = match path.strip_suffix(".gz").or(path.strip_suffix(".zst")) {
        Some(bare) => (bare, path.get(bare.len()..).unwrap_or_default()),
        None => (path, ""),
    };
    let name_at = path.rfind(['/', '\\']).map_or(0, |slash| slash + 1);
    let (folder, name) = path.split_at(name_at);
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let bare = extension.trim_end_matches(|c: char| c.is_ascii_digit());
    let is_capture = ["pcap", "pcapng", "cap", "dmp"].contains(&bare);
    let stem = without_date(stem);
    if stem.is_none() && !is_capture {
        return None;
    }
    let stem = stem.unwrap_or_else(|| name.rsplit_once('.').map_or(name, |it| it.0).to_owned());
    Some(format!("{folder}{stem}.{bare}{packed}"))
}

/// The name without the last date with a time of day in it, and without the counter that dumpcap
/// puts before it.
fn without_date(stem: &str) -> Option<String> {
    let is_part = |c: char| c.is_ascii_digit() || "-_.:T".contains(c);
    let end = stem.rfind(|c: char| c.is_ascii_digit())? + 1;
    let head = stem.get(..end)?;
    let start = head.rfind(|c: char| !is_part(c)).map_or(0, |at| {
        at + head
            .get(at..)
            .and_then(|c| c.chars().next())
            .map_or(1, char::len_utf8)
    });
    let run = head.get(start..)?;
    let digits = run.chars().filter(char::is_ascii_digit).count();
    (digits >= DATE_AND_TIME).then(|| {
        format!(
            "{}*{}",
            stem.get(..start).unwrap_or_default(),
            stem.get(end..).unwrap_or_default()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_rotation_gives() {
        let one = |names: &[&str]| {
            let series: Vec<_> = names.iter().map(|name| series(name)).collect();
            series.iter().all(|it| it.is_some() && *it == series[0])
        };
        assert!(one(&[
            "a/ward_00001_20260131120000.pcapng",
            "a/ward_00002_20260131121500.pcapng"
        ]));
        assert!(one(&[
            "ward.pcap",
            "ward.pcap1",
            "ward.pcap2",
            "ward.pcap10"
        ]));
        assert!(one(&[
            "w-2026-01-31_12:00:00.pcap",
            "w-2026-01-31_13:00:00.pcap"
        ]));
        assert!(one(&["w-20260131T1200.pcap.gz", "w-20260131T1300.pcap.gz"]));
        for [a, b] in [
            ["ward1.pcap", "ward2.pcap"],
            ["a/ward.pcap", "b/ward.pcap1"],
            [
                "icu_00001_20260131120000.pcapng",
                "or_00002_20260131121500.pcapng",
            ],
            ["ward-20260131.pcap", "ward-20260201.pcap"],
            ["10.1.2.3.pcap", "10.1.2.4.pcap"],
        ] {
            assert_ne!(series(a), series(b), "{a} {b}");
        }
        assert_eq!(series("notes"), None);
    }
}
