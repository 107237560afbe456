//! How much memory there is: the default of `--max-memory`.

use std::fs;
use std::path::Path;

/// What tables and buffers may take when nothing stands against it.
const USUAL: u64 = 1 << 30;
/// Of what the process may have, tables and buffers get this part: the rest is for the program,
/// its threads and the report.
const PART: u64 = 4;
/// Less leaves no room for one flow a shard with its buffers.
pub(crate) const LEAST: u64 = 16 << 20;

/// The default of `--max-memory`: 1 GiB, less where the system grants the process little.
pub(crate) fn usual() -> u64 {
    match granted() {
        Some(granted) => (granted / PART).clamp(LEAST, USUAL),
        None => USUAL,
    }
}

/// How many threads fit: each wants address space for its stack and its part of the allocator.
pub(crate) fn threads(wanted: usize) -> usize {
    const EACH: u64 = 256 << 20;
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    match address_space(&limits) {
        Some(space) => wanted
            .min(usize::try_from(space / EACH).unwrap_or(wanted))
            .max(1),
        None => wanted,
    }
}

/// What the system grants the process: the smaller of the limit on its address space
/// (`ulimit -v`) and of those on the memory of its control groups (containers, services).
/// `None` where no such limit is known.
fn granted() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let read = |path: &Path| fs::read_to_string(path).ok();
    let of_groups = group_limit(&groups, Path::new("/sys/fs/cgroup"), &read);
    address_space(&limits).into_iter().chain(of_groups).min()
}

/// The soft limit of `Max address space` in /proc/self/limits.
fn address_space(limits: &str) -> Option<u64> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max address space"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The smallest memory limit of the groups that /proc/self/cgroup names, and of those above them;
/// version 2 (`0::/path`) and version 1 (`9:memory:/path`).
fn group_limit(groups: &str, root: &Path, read: &impl Fn(&Path) -> Option<String>) -> Option<u64> {
    let limits = groups.lines().flat_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?.trim_start_matches('/'));
        let (folder, file) = match controllers {
            "" => (root.to_path_buf(), "memory.max"),
            other if other.split(',').any(|one| one == "memory") => {
                (root.join("memory"), "memory.limit_in_bytes")
            }
            _ => return None,
        };
        let inside = folder.join(path);
        let above = inside.ancestors().take_while(|at| at.starts_with(&folder));
        above
            .filter_map(|at| read(&at.join(file))?.trim().parse::<u64>().ok())
            .min()
    });
    limits.min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_the_address_space() {
        let text = |value: &str| {
            format!(
                "Limit                     Soft Limit           Hard Limit           Units\n\
                 Max resident set          unlimited            unlimited            bytes\n\
                 Max address space         {value:<20} unlimited            bytes\n"
            )
        };
        assert_eq!(address_space(&text("1073741824")), Some(1 << 30));
        assert_eq!(address_space(&text("unlimited")), None);
        assert_eq!(address_space(""), None);
    }

    #[test]
    fn limits_of_groups_hold_for_those_inside() {
        let files = [
            ("/g/memory.max", "max"),
            ("/g/a/memory.max", "536870912\n"),
            ("/g/a/b/memory.max", "max\n"),
            ("/g/memory/x/memory.limit_in_bytes", "268435456\n"),
        ];
        let read = |path: &Path| {
            let file = files.iter().find(|(name, _)| Path::new(name) == path);
            file.map(|(_, text)| (*text).to_owned())
        };
        let limit = |groups: &str| group_limit(groups, Path::new("/g"), &read);
        assert_eq!(limit("0::/a/b\n"), Some(512 << 20));
        assert_eq!(limit("0::/elsewhere\n"), None);
        assert_eq!(limit("9:cpu,memory:/x\n3:pids:/y\n"), Some(256 << 20));
        assert_eq!(limit(""), None);
    }
}
