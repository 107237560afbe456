//! A ward of network namespaces: a switch with a mirror port, a router, and a slow line to a far
//! network, in which real programs run and are captured.
//!
//! ```text
//! hosts 10.20.30.x -- bridge `ward` (captured) -- gateway -- slow line -- bridge `far` -- hosts
//! ```
//!
//! Nothing reaches the machine's own network. Needs root; every wait is bounded; namespaces and
//! the programs in them go when the ward is dropped, and those of a killed run at the next run.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use auscult_engine::{Options, Unwatched, analyze};
use auscult_model::report::Report;

/// Begins the name of every namespace, before the number of the process that made it.
const PREFIX: &str = "auscult-live-";
/// Seconds after which any program in a ward is ended, whatever happened to the test.
const LONGEST: &str = "120";
/// How long a program may take until it serves.
const PATIENCE: Duration = Duration::from_secs(20);
/// The gateway on the ward's side, in 10.20.30.0/24.
pub(crate) const GATEWAY: &str = "10.20.30.1";
/// Its card there.
pub(crate) const GATEWAY_MAC: &str = "02:00:00:00:30:01";
/// The gateway on the far side, in 202.114.4.0/24.
const FAR_GATEWAY: &str = "202.114.4.1";

/// A program that a scene needs, and the Debian package that has it.
pub(crate) type Needed = (&'static str, &'static str);

/// The line to the far side.
#[derive(Clone, Copy, Default)]
pub(crate) struct Line {
    /// Milliseconds each way.
    pub(crate) delay: u32,
    /// Every so many frames one is lost; 0 loses none.
    pub(crate) lose: u32,
}

/// Namespaces, and the programs in them.
pub(crate) struct Ward {
    name: String,
    dir: PathBuf,
    running: Vec<Child>,
}

/// What a program said.
pub(crate) struct Said {
    /// It ended in time and well.
    pub(crate) good: bool,
    /// Standard output and error output.
    pub(crate) text: String,
}

impl Ward {
    /// A ward with a gateway and the line to the far side; or a loud line and nothing when this
    /// machine cannot have one.
    pub(crate) fn ready(scene: &str, needed: &[Needed], line: Line) -> Option<Ward> {
        let name = format!("{PREFIX}{}-{scene}", std::process::id());
        if !may_make_namespaces(&format!("{name}-probe")) {
            eprintln!("SKIPPED: {scene}: live tests need root and network namespaces");
            return None;
        }
        let always = [
            ("tcpdump", "tcpdump"),
            ("sysctl", "procps"),
            ("ss", "iproute2"),
            ("python3", "python3"),
        ];
        for (program, package) in always.iter().chain(needed) {
            if !installed(program) {
                eprintln!("SKIPPED: {scene}: no `{program}`: install Debian's {package}");
                return None;
            }
        }
        clear_after_killed_runs();
        let dir = std::env::temp_dir().join(&name);
        fs::create_dir_all(&dir).unwrap();
        let running = Vec::new();
        let mut ward = Ward { name, dir, running };
        ward.lay_out(line);
        Some(ward)
    }

    /// Switch, gateway and line have no IPv6: what they would say of themselves comes at times of
    /// its own.
    fn lay_out(&mut self, line: Line) {
        for space in ["switch", "gateway", "line"] {
            self.add_namespace(space);
        }
        for silent in ["switch", "gateway", "line"] {
            for which in ["all", "default"] {
                let off = format!("net.ipv6.conf.{which}.disable_ipv6=1");
                self.good(silent, &["sysctl", "-eqw", &off]);
            }
        }
        for bridge in ["ward", "far"] {
            self.ip(
                "switch",
                &format!("link add {bridge} type bridge mcast_snooping 0"),
            );
            self.ip("switch", &format!("link set {bridge} up"));
        }
        self.plug("gateway", "ward", "eth0", Some(GATEWAY_MAC));
        self.ip("gateway", &format!("addr add {GATEWAY}/24 dev eth0"));
        let near = format!(
            "link add eth1 type veth peer name near netns {}",
            self.space("line")
        );
        self.ip("gateway", &near);
        self.ip("line", "link set near up");
        self.plug("line", "far", "away", None);
        self.ip("gateway", "link set eth1 up gso_max_segs 1");
        self.ip("gateway", &format!("addr add {FAR_GATEWAY}/24 dev eth1"));
        self.good("gateway", &["sysctl", "-qw", "net.ipv4.ip_forward=1"]);
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/live/slow_line.py");
        let (delay, lose) = (line.delay.to_string(), line.lose.to_string());
        let words = ["python3", program, "near", "away", &delay, &lose];
        let log = self.start("line", &words);
        wait("the slow line", || text(&log).contains("ready"));
    }

    /// A host on the ward: its MAC address, and its address when it is not to ask for one.
    pub(crate) fn host(&self, host: &str, mac: &str, address: Option<&str>) {
        self.add_namespace(host);
        self.plug(host, "ward", "eth0", Some(mac));
        if let Some(address) = address {
            self.ip(host, &format!("addr add {address}/24 dev eth0"));
            self.ip(host, &format!("route add default via {GATEWAY}"));
        }
    }

    /// A host beyond the slow line, in 202.114.4.0/24.
    pub(crate) fn far_host(&self, host: &str, address: &str) {
        self.add_namespace(host);
        self.plug(host, "far", "eth0", None);
        self.ip(host, &format!("addr add {address}/24 dev eth0"));
        self.ip(host, &format!("route add default via {FAR_GATEWAY}"));
    }

    /// A folder of its own, removed with the ward.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Writes a file into [`Ward::dir`], with any folders above it.
    pub(crate) fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.dir.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Starts a program on a host; the answer is where it logs.
    pub(crate) fn start(&mut self, host: &str, words: &[&str]) -> PathBuf {
        let log = self.dir.join(format!("{}.log", self.running.len()));
        let file = File::create(&log).unwrap();
        let child = self
            .command(host, LONGEST, words)
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        self.running.push(child);
        log
    }

    /// Starts a server, and waits until it listens on this port.
    pub(crate) fn serve(&mut self, host: &str, port: u16, words: &[&str]) -> PathBuf {
        let log = self.start(host, words);
        let filter = format!("sport = :{port}");
        wait(&format!("{words:?} on {port}, see {log:?}"), || {
            let sockets = self.run(host, 5, &["ss", "-Hlntu", &filter]);
            !sockets.text.trim().is_empty()
        });
        log
    }

    /// Runs a program on a host to its end.
    pub(crate) fn run(&self, host: &str, seconds: u32, words: &[&str]) -> Said {
        let limit = seconds.to_string();
        let output = self.command(host, &limit, words).output().unwrap();
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.push_str(&String::from_utf8_lossy(&output.stderr));
        let good = output.status.success();
        Said { good, text }
    }

    /// As [`Ward::run`], for programs that must succeed.
    pub(crate) fn good(&self, host: &str, words: &[&str]) -> String {
        let said = self.run(host, 20, words);
        assert!(said.good, "{host}: {words:?}: {}", said.text);
        said.text
    }

    /// Listens at the switch of the ward; the answer is to be given to [`Ward::report`].
    pub(crate) fn capture(&mut self) -> Capturing {
        let path = self.dir.join("ward.pcap");
        let file = path.to_str().unwrap();
        // Every packet takes as much of the buffer as the longest may have: a thousand of the
        // largest must find room while a busy machine looks elsewhere.
        let words = "tcpdump --immediate-mode -s 65700 -B 65536 -U -Z root -i ward -w";
        let words: Vec<&str> = words.split(' ').chain([file]).collect();
        let log = self.start("switch", &words);
        wait("tcpdump", || text(&log).contains("listening on"));
        Capturing {
            path,
            log,
            place: self.running.len() - 1,
        }
    }

    /// Ends the capture and analyses it.
    pub(crate) fn report(&mut self, capturing: &Capturing) -> Report {
        let (mut size, mut since) = (0, Instant::now());
        let settled = || {
            let now = fs::metadata(&capturing.path).map_or(0, |data| data.len());
            if now != size {
                (size, since) = (now, Instant::now());
            }
            now > 24 && since.elapsed() > Duration::from_millis(600)
        };
        wait("the end of traffic", settled);
        let tcpdump = &mut self.running[capturing.place];
        let pid = tcpdump.id().to_string();
        let ended = Command::new("sh")
            .args(["-c", "kill -INT \"$1\"", "kill", &pid])
            .status();
        assert!(ended.unwrap().success());
        wait("tcpdump to end", || tcpdump.try_wait().unwrap().is_some());
        let told = text(&capturing.log);
        let count = |what: &str| -> Option<u64> {
            let line = told.lines().find(|line| line.ends_with(what))?;
            line.split(' ').next()?.parse().ok()
        };
        let got = count("packets captured");
        let whole = got.is_some() && got == count("packets received by filter");
        let none_lost = count("packets dropped by kernel") == Some(0);
        assert!(whole && none_lost, "tcpdump missed packets: {told}");
        if let Some(folder) = std::env::var_os("AUSCULT_LIVE_KEEP") {
            let scene = self.name.rsplit('-').next().unwrap();
            let kept = Path::new(&folder).join(format!("live-{scene}.pcap"));
            fs::copy(&capturing.path, kept).unwrap();
        }
        let paths = std::slice::from_ref(&capturing.path);
        analyze(paths, &Options::default(), &mut Unwatched).unwrap()
    }

    fn space(&self, host: &str) -> String {
        format!("{}-{host}", self.name)
    }

    fn command(&self, host: &str, seconds: &str, words: &[&str]) -> Command {
        let mut command = Command::new("timeout");
        command
            .args(["-k", "1", seconds, "ip", "netns", "exec"])
            .arg(self.space(host))
            .args(words)
            .current_dir(&self.dir)
            .stdin(Stdio::null());
        command
    }

    fn add_namespace(&self, host: &str) {
        let space = self.space(host);
        let made = Command::new("ip").args(["netns", "add", &space]).status();
        assert!(made.unwrap().success(), "{space}");
        self.ip(host, "link set lo up");
    }

    /// `ip` in a namespace.
    fn ip(&self, host: &str, words: &str) {
        let output = Command::new("ip")
            .args(["-n", &self.space(host)])
            .args(words.split_whitespace())
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "ip {words} on {host}: {error}");
    }

    /// Plugs a host into a bridge. Segments are cut by the sender, as network cards do, so that
    /// the capture has frames of the sizes that a mirror port shows.
    fn plug(&self, host: &str, bridge: &str, device: &str, mac: Option<&str>) {
        let port = format!("{host}-{bridge}");
        let space = self.space(host);
        self.ip(
            "switch",
            &format!("link add {port} type veth peer name {device} netns {space}"),
        );
        self.ip("switch", &format!("link set {port} master {bridge} up"));
        if let Some(mac) = mac {
            self.ip(host, &format!("link set {device} address {mac}"));
        }
        self.ip(host, &format!("link set {device} up gso_max_segs 1"));
    }
}

impl Drop for Ward {
    fn drop(&mut self) {
        clear(&format!("{}-", self.name));
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            eprintln!(
                "capture and logs of the failed scene: {}",
                self.dir.display()
            );
        } else {
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}

/// A capture that runs.
pub(crate) struct Capturing {
    path: PathBuf,
    log: PathBuf,
    place: usize,
}

/// Waits, and fails after [`PATIENCE`].
pub(crate) fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The text of a log, as far as it is written.
pub(crate) fn text(log: &Path) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn installed(program: &str) -> bool {
    if program.contains('/') {
        return Path::new(program).is_file();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let sbin = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(sbin)
        .any(|folder| folder.join(program).is_file())
}

fn may_make_namespaces(probe: &str) -> bool {
    let ip = |verb: &str| {
        let output = Command::new("ip").args(["netns", verb, probe]).output();
        output.is_ok_and(|output| output.status.success())
    };
    ip("add") && ip("delete")
}

/// Ends the programs in the namespaces with this beginning of their names, and removes those.
fn clear(beginning: &str) {
    let Ok(spaces) = fs::read_dir("/run/netns") else {
        return;
    };
    for space in spaces.flatten() {
        let name = space.file_name().to_string_lossy().into_owned();
        if !name.starts_with(beginning) {
            continue;
        }
        if let Ok(inside) = Command::new("ip").args(["netns", "pids", &name]).output() {
            for pid in String::from_utf8_lossy(&inside.stdout).split_whitespace() {
                let _ = Command::new("sh")
                    .args(["-c", "kill -KILL \"$1\"", "kill", pid])
                    .stderr(Stdio::null())
                    .status();
            }
        }
        let _ = Command::new("ip").args(["netns", "delete", &name]).status();
    }
}

/// Removes what runs that were killed have left.
fn clear_after_killed_runs() {
    let Ok(spaces) = fs::read_dir("/run/netns") else {
        return;
    };
    for space in spaces.flatten() {
        let name = space.file_name().to_string_lossy().into_owned();
        let rest = name.strip_prefix(PREFIX).unwrap_or_default();
        let Some((pid, _)) = rest.split_once('-') else {
            continue;
        };
        if !Path::new("/proc").join(pid).exists() {
            clear(&name);
        }
    }
}
