//! LPD, the line printer daemon protocol: who prints what where, and the files that are printed.
//!
//! Source: RFC 1179. Port 515 is also used by streams that are no print jobs (CONTEC monitors
//! send patient data to it), so the probe asks for the grammar.
//! ```text
//! 01 queue LF               print waiting     03|04 queue [SP list] LF   state
//! 02 queue LF               receive a job     05 queue SP agent [SP list] LF   remove jobs
//!   01 LF                   abort             each answered by one byte: 00, else refused
//!   02 count SP cfA… LF     control file: count bytes, then 00
//!   03 count SP dfA… LF     data file: count bytes, then 00; a count of 0: until the end
//! control file lines: Hhost Puser Jjob Nname, f|l|o|p|…dfA… (print), UdfA… (unlink)
//! ```
//! Limits: 64 KiB a control file, 8 data files waiting for theirs; a file without a count is
//! never called complete; after lost bytes outside of a file no further command is found.

mod probe;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use auscult_model::{Bound, Direction, Meaning, Transport};

use crate::file::{self, FileAssembler};
use crate::{Mark, Output, Place, Probe, Progress, Protocol, Record, Seen, Session, Start};
use crate::{Tier, text};

/// Longest command line.
const LINE_MAX: usize = 1024;
static CONTROL: Bound = Bound::settable(
    "lpd-control-file",
    64 << 10,
    "bytes of one control file",
    "it is not read",
);
static FILES: Bound = Bound::settable(
    "lpd-files",
    8,
    "files of one job that wait for its control file",
    "they are told without its words",
);
static NAMES: Bound = Bound::settable(
    "lpd-names",
    64,
    "names of files in one control file",
    "further files keep the names of their transfer",
);
static ANSWERS: Bound = Bound::settable(
    "lpd-unanswered",
    64,
    "commands of one flow that wait for their answer",
    "answers are not told for the rest of the flow",
);

static RECORD: Record = Record {
    name: "lpd",
    title: "Line printer daemon (RFC 1179)",
    tier: Tier::Decoded,
    transports: &[Transport::Tcp],
    ports: &[515],
    weak: false,
    sources: &["RFC 1179"],
    reads: &[
        "commands, subcommands and their answers",
        "control files: host, user, job and file names",
        "data files, with type and digest",
    ],
    leaves_out: "texts of queue states, class and banner lines, what is printed",
    attributes: &[
        (
            "account",
            "user name (P line, or the agent that removes jobs)",
        ),
        ("queue", "the queue that the file was sent to"),
        ("job", "job name (J line)"),
        ("code", "the byte that refused"),
    ],
    bounds: &[&CONTROL, &FILES, &NAMES, &ANSWERS],
    false_likely: "1 in 110,000 random prefixes (a receive command alone)",
};

/// The protocol.
pub struct Lpd;

impl Protocol for Lpd {
    fn record(&self) -> &'static Record {
        &RECORD
    }

    fn probe(&self, seen: &Seen<'_>) -> Probe {
        probe::probe(seen)
    }

    fn start(&self, start: &Start) -> Box<dyn Session> {
        Box::new(Conversation {
            client: None,
            state: State::Command,
            commands: 0,
            distrust: if start.from_start { 0 } else { 2 },
            answers: VecDeque::new(),
            answers_lost: false,
            job: Job::default(),
            files: Vec::new(),
        })
    }
}

/// A subcommand that announces a file.
struct Transfer {
    is_control: bool,
    count: u64,
    name: String,
}

impl Transfer {
    /// From a line without its LF.
    fn read(line: &[u8]) -> Option<Self> {
        let (kind, rest) = line.split_first()?;
        let (is_control, prefix) = match kind {
            2 => (true, "cf"),
            3 => (false, "df"),
            _ => return None,
        };
        let rest = std::str::from_utf8(rest).ok()?;
        let (count, name) = rest.split_once(' ')?;
        let is_number = !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit());
        let fits = is_number && name.starts_with(prefix) && name.len() > 3;
        let name = text::clean(name);
        fits.then(|| count.parse().ok())
            .flatten()
            .map(|count| Transfer {
                is_control,
                count,
                name,
            })
    }
}

/// What the client's next bytes are.
#[derive(Debug)]
enum State {
    Command,
    Subcommand,
    /// So many bytes of a control file.
    Control(u64),
    /// So many bytes of a control file that is too long to be read.
    LongControl(u64),
    /// So many bytes of the data file that was begun last; `None`: until the end.
    Data(Option<u64>),
    /// The 00 after a file.
    Trailer,
    Lost,
}

/// A request that waits for its answer.
struct Asked {
    operation: &'static str,
    object: String,
    account: Option<String>,
    place: Place,
    confidence: f32,
    direction: Direction,
}

impl Asked {
    fn say(self, granted: Option<bool>, code: Option<u8>, out: &mut Output<'_>) {
        let Asked {
            operation,
            object,
            account,
            place,
            confidence,
            direction,
        } = self;
        let said = out.say(
            place,
            Meaning::Request {
                operation,
                object,
                granted,
            },
        );
        said.from_side(direction).sure(confidence);
        if let Some(account) = account {
            said.with("account", account);
        }
        if let Some(code) = code.filter(|&code| code != 0) {
            said.with("code", code.to_string());
        }
    }
}

/// What the control file says.
#[derive(Default)]
struct Job {
    queue: String,
    account: String,
    name: String,
    /// Names of data files.
    names: BTreeMap<String, String>,
    /// The control file was read.
    known: bool,
}

/// A data file.
struct DataFile {
    name: String,
    assembler: FileAssembler,
    /// Nothing is added any more: it is whole, or bytes of it were lost.
    closed: bool,
}

struct Conversation {
    client: Option<Direction>,
    state: State,
    /// Commands and subcommands that fitted.
    commands: u64,
    /// Commands that have to fit before what is read is sure again.
    distrust: u8,
    /// What the server's next bytes answer; `None`: something that nothing is said about.
    answers: VecDeque<Option<Asked>>,
    answers_lost: bool,
    job: Job,
    /// Data files that wait for the control file, the last one may be under way.
    files: Vec<DataFile>,
}

impl Conversation {
    fn confidence(&self) -> f32 {
        if self.distrust > 0 { 0.9 } else { 1.0 }
    }

    fn await_answer(&mut self, asked: Option<Asked>, out: &mut Output<'_>) {
        if self.answers_lost {
            if let Some(asked) = asked {
                asked.say(None, None, out);
            }
            return;
        }
        self.answers.push_back(asked);
        if self.answers.len() > out.bound(&ANSWERS) {
            out.reached(&ANSWERS);
            self.lose_answers(out);
        }
    }

    fn lose_answers(&mut self, out: &mut Output<'_>) {
        self.answers_lost = true;
        for asked in self.answers.drain(..).flatten() {
            asked.say(None, None, out);
        }
    }

    /// Reads a command line without its LF; false when it is none.
    fn command(&mut self, line: &[u8], place: Place, out: &mut Output<'_>) -> bool {
        let Some((&command, rest)) = line.split_first() else {
            return false;
        };
        let mut words = rest.split(|&b| b == b' ');
        let queue = words.next().unwrap_or_default();
        if queue.is_empty() || !text::is_printable_ascii(rest) {
            return false;
        }
        let operation = match command {
            1 => "print-waiting",
            2 => "print",
            3 | 4 => "queue-state",
            5 => "remove-job",
            _ => return false,
        };
        let account = (command == 5)
            .then(|| words.next().map(text::lenient))
            .flatten();
        let object = text::lenient(queue);
        if command == 2 {
            self.finish_files(out);
            self.job = Job {
                queue: object.clone(),
                ..Job::default()
            };
            self.state = State::Subcommand;
        }
        let (confidence, direction) = (self.confidence(), out.direction);
        let asked = Asked {
            operation,
            object,
            account,
            place,
            confidence,
            direction,
        };
        self.await_answer(Some(asked), out);
        true
    }

    /// Reads a subcommand line without its LF; false when it is none.
    fn subcommand(&mut self, line: &[u8], place: Place, out: &mut Output<'_>) -> bool {
        if line == [1] {
            self.finish_files(out);
            self.await_answer(None, out);
            return true;
        }
        let Some(transfer) = Transfer::read(line) else {
            return self.command(line, place, out);
        };
        // One answer to the subcommand, one to the file.
        self.await_answer(None, out);
        self.await_answer(None, out);
        if transfer.is_control {
            self.state = if transfer.count <= out.bound(&CONTROL) as u64 {
                State::Control(transfer.count)
            } else {
                out.reached(&CONTROL);
                State::LongControl(transfer.count)
            };
            return true;
        }
        if self.files.len() >= out.bound(&FILES) {
            out.reached(&FILES);
            self.finish_files(out);
        }
        let mut assembler = FileAssembler::new(transfer.name.clone(), RECORD.name);
        let left = (transfer.count > 0).then_some(transfer.count);
        if let Some(size) = left {
            assembler.know_size(size);
        }
        self.files.push(DataFile {
            name: transfer.name,
            assembler,
            closed: false,
        });
        self.state = State::Data(left);
        true
    }

    /// Reads a whole control file.
    fn control(&mut self, bytes: &[u8], place: Place, out: &mut Output<'_>) {
        let mut host = String::new();
        let mut file = String::new();
        let mut early = String::new();
        for line in bytes.split(|&b| b == b'\n') {
            let Some((&kind, value)) = line.split_first() else {
                continue;
            };
            let value = text::lenient(value);
            match kind {
                b'H' => host = value,
                b'P' => self.job.account = value,
                b'J' => self.job.name = value,
                b'N' if file.is_empty() => early = value,
                b'N' => self.job.name_file(&file, value, out),
                b'U' | b'a'..=b'z' if value.starts_with("df") => {
                    if !early.is_empty() {
                        self.job.name_file(&value, std::mem::take(&mut early), out);
                    }
                    file = value;
                }
                _ => {}
            }
        }
        self.job.known = true;
        if let Some(said) = out.claim(place, "hostname", host) {
            let said = said.sure(self.confidence());
            if !self.job.account.is_empty() {
                said.with("account", self.job.account.clone());
            }
        }
        self.say_files(out);
    }

    /// Says the files that are closed, with the names that are known.
    fn say_files(&mut self, out: &mut Output<'_>) {
        let confidence = self.confidence();
        let client = self.client.unwrap_or(out.direction);
        let (closed, open) = self.files.drain(..).partition(|file| file.closed);
        self.files = open;
        let closed: Vec<DataFile> = closed;
        for DataFile {
            name,
            mut assembler,
            ..
        } in closed
        {
            if let Some(given) = self.job.names.get(&name) {
                assembler.set_name(given.clone());
            } else if !self.job.name.is_empty() {
                assembler.set_name(self.job.name.clone());
            }
            let (Some(place), Some(artifact)) = (assembler.place(), assembler.finish()) else {
                continue;
            };
            let said = out.say(place, Meaning::File(Box::new(artifact)));
            said.from_side(client).sure(confidence);
            let attributes = [
                ("queue", &self.job.queue),
                ("account", &self.job.account),
                ("job", &self.job.name),
            ];
            for (name, value) in attributes
                .into_iter()
                .filter(|(_, value)| !value.is_empty())
            {
                said.with(name, value.clone());
            }
        }
    }

    /// Nothing more comes of this job.
    fn finish_files(&mut self, out: &mut Output<'_>) {
        self.files.iter_mut().for_each(|file| file.closed = true);
        self.say_files(out);
    }

    /// What is under way is for people to read.
    fn prints_a_document(&self) -> bool {
        let file = self.files.last();
        file.is_none_or(|file| file.assembler.is_document())
    }

    /// Bytes of the file under way.
    fn append(&mut self, bytes: &[u8], mark: Mark, out: &mut Output<'_>) {
        if let Some(file) = self.files.last_mut().filter(|file| !file.closed)
            && !file.assembler.append(bytes, mark)
        {
            out.reached(&file::PENDING);
        }
    }

    fn close_file(&mut self, out: &mut Output<'_>) {
        if let Some(file) = self.files.last_mut() {
            file.closed = true;
        }
        if self.job.known {
            self.say_files(out);
        }
    }

    /// A line of the client. `None` when it has not ended yet.
    fn line(&mut self, bytes: &[u8], at: usize, out: &mut Output<'_>) -> Option<Line> {
        let rest = bytes.get(at..).unwrap_or_default();
        let window = rest.get(..LINE_MAX).unwrap_or(rest);
        let Some(length) = memchr::memchr(b'\n', window) else {
            return (rest.len() >= LINE_MAX).then_some(Line::Wrong);
        };
        let line = rest.get(..length).unwrap_or_default();
        let end = at + length + 1;
        let place = out.place(at..end);
        let fits = match self.state {
            State::Subcommand => self.subcommand(line, place, out),
            _ => self.command(line, place, out),
        };
        if !fits {
            return Some(Line::Wrong);
        }
        self.commands += 1;
        self.distrust = self.distrust.saturating_sub(1);
        Some(Line::Read(end))
    }

    fn read_client(&mut self, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        let mut at = 0;
        while at < bytes.len() {
            let left = bytes.len() - at;
            let within = |wanted: u64| wanted.min(left as u64);
            match self.state {
                State::Command | State::Subcommand => match self.line(bytes, at, out) {
                    None => {
                        return Progress::Need {
                            used: at,
                            need: left + 1,
                        };
                    }
                    Some(Line::Read(end)) => at = end,
                    Some(Line::Wrong) if self.commands == 0 => return Progress::NotThis,
                    Some(Line::Wrong) => {
                        let what = "no command of the line printer daemon";
                        out.say(out.place(at..at + 1), Meaning::Malformed { what });
                        self.state = State::Lost;
                    }
                },
                State::Control(count) if within(count) < count => {
                    return Progress::Need {
                        used: at,
                        need: count as usize,
                    };
                }
                State::Control(count) => {
                    let end = at + count as usize;
                    let place = out.place(at..end);
                    self.control(bytes.get(at..end).unwrap_or_default(), place, out);
                    self.state = State::Trailer;
                    at = end;
                }
                State::LongControl(count) => {
                    at += within(count) as usize;
                    self.state = match count - within(count) {
                        0 => State::Trailer,
                        more => State::LongControl(more),
                    };
                }
                State::Data(count) => {
                    let step = count.map_or(left as u64, within) as usize;
                    let piece = bytes.get(at..at + step).unwrap_or_default();
                    let mark = out.mark(at);
                    self.append(piece, mark, out);
                    if self.prints_a_document() {
                        out.withhold(at..at + step);
                    }
                    at += step;
                    self.state = State::Data(count.map(|count| count - step as u64));
                    if count == Some(step as u64) {
                        self.close_file(out);
                        self.state = State::Trailer;
                    }
                }
                State::Trailer => {
                    at += usize::from(bytes.get(at) == Some(&0));
                    self.state = State::Subcommand;
                }
                State::Lost => at = bytes.len(),
            }
        }
        Progress::Used(at)
    }

    fn read_server(&mut self, bytes: &[u8], out: &mut Output<'_>) {
        for &code in bytes {
            match self.answers.pop_front() {
                None => return,
                Some(None) => {}
                Some(Some(asked)) if asked.operation == "queue-state" => {
                    asked.say(Some(true), None, out);
                    // The rest is text, not answers.
                    return self.lose_answers(out);
                }
                Some(Some(asked)) => asked.say(Some(code == 0), Some(code), out),
            }
        }
    }
}

enum Line {
    Read(usize),
    Wrong,
}

impl Job {
    fn name_file(&mut self, file: &str, name: String, out: &mut Output<'_>) {
        if self.names.len() < out.bound(&NAMES) {
            self.names.insert(file.to_owned(), name);
        } else {
            out.reached(&NAMES);
        }
    }
}

impl Session for Conversation {
    fn held(&self) -> usize {
        self.files.iter().map(|file| file.assembler.held()).sum()
    }

    fn data(&mut self, direction: Direction, bytes: &[u8], out: &mut Output<'_>) -> Progress {
        match self.client {
            Some(client) if client == direction => self.read_client(bytes, out),
            Some(_) => {
                self.read_server(bytes, out);
                Progress::Used(bytes.len())
            }
            // Answers whose commands were not seen.
            None if bytes.first() == Some(&0) => {
                self.client = Some(direction.opposite());
                Progress::Used(bytes.len())
            }
            None => {
                let progress = self.read_client(bytes, out);
                if self.commands > 0 {
                    self.client = Some(direction);
                }
                progress
            }
        }
    }

    fn gap(&mut self, direction: Direction, length: Option<u64>, out: &mut Output<'_>) {
        match self.client {
            Some(client) if client == direction => self.distrust = 2,
            Some(_) => return self.lose_answers(out),
            None => {
                self.distrust = 2;
                return;
            }
        }
        self.state = match (&self.state, length) {
            (State::Data(Some(left)), Some(length)) if *left >= length => {
                let left = *left - length;
                if let Some(file) = self.files.last_mut() {
                    file.assembler.spoil();
                }
                self.close_file(out);
                if left == 0 {
                    State::Trailer
                } else {
                    State::Data(Some(left))
                }
            }
            _ => State::Lost,
        };
        if matches!(self.state, State::Lost) {
            self.finish_files(out);
        }
    }

    fn end(&mut self, out: &mut Output<'_>) {
        self.finish_files(out);
        self.lose_answers(out);
    }
}
