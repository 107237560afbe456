//! Text to records: the delimiter and the row with the column names are found together, as those
//! with which most columns are recognised; what stands before that row is no asset.

use csv::{ReaderBuilder, StringRecord};

use crate::columns::{self, Choice};
use crate::{CELL, COLUMNS, ROWS, RegisterError};

const DELIMITERS: [u8; 4] = *b",;\t|";
/// Records among which the one with the column names is looked for.
const HEADER_WITHIN: usize = 50;

/// A table.
pub(crate) struct Sheet {
    /// What stands between cells.
    pub(crate) delimiter: char,
    /// Line with the column names, counted from 1.
    pub(crate) header_line: u64,
    /// The column names.
    pub(crate) header: Vec<String>,
    /// What follows.
    pub(crate) records: Vec<Record>,
}

/// One record.
pub(crate) struct Record {
    /// Line in the file, counted from 1.
    pub(crate) line: u64,
    /// As many as the record has.
    pub(crate) cells: Vec<String>,
}

impl Sheet {
    pub(crate) fn read(text: &str, choices: &[Choice]) -> Result<Sheet, RegisterError> {
        let (body, skipped, told) = told_delimiter(text);
        let delimiters = match told {
            Some(delimiter) => vec![delimiter],
            None => DELIMITERS.to_vec(),
        };
        let mut best: Option<(usize, u8, usize)> = None;
        for delimiter in delimiters {
            let begin = records(body, delimiter, HEADER_WITHIN)?;
            for (place, record) in begin.iter().enumerate() {
                let score = columns::recognised(&record.cells, choices);
                if score > best.map_or(0, |(score, ..)| score) {
                    best = Some((score, delimiter, place));
                }
            }
        }
        let Some((_, delimiter, place)) = best else {
            return Err(RegisterError::NoHeader(beginning(body)));
        };
        let mut all = records(body, delimiter, usize::MAX)?
            .into_iter()
            .skip(place);
        let (header_line, header) = match all.next() {
            Some(record) => (record.line + skipped, record.cells),
            None => return Err(RegisterError::NoHeader(beginning(body))),
        };
        let mut records: Vec<Record> = Vec::new();
        for mut record in all {
            record.line += skipped;
            let empty = record.cells.iter().all(|cell| cell.trim().is_empty());
            // Exports repeat the names on each page.
            if !empty && record.cells != header {
                records.push(record);
            }
        }
        Ok(Sheet {
            delimiter: char::from(delimiter),
            header_line,
            header,
            records,
        })
    }
}

/// `sep=;` in the first line, as spreadsheets understand it: the rest, the lines before it, what
/// was told.
fn told_delimiter(text: &str) -> (&str, u64, Option<u8>) {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let told = first.trim().trim_matches('"');
    match told.strip_prefix("sep=").map(str::as_bytes) {
        Some([delimiter]) if delimiter.is_ascii() => (rest, 1, Some(*delimiter)),
        Some([]) if first.contains('\t') => (rest, 1, Some(b'\t')),
        _ => (text, 0, None),
    }
}

fn records(text: &str, delimiter: u8, most: usize) -> Result<Vec<Record>, RegisterError> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let mut records = Vec::new();
    let mut record = StringRecord::new();
    let mut lines = Lines {
        text,
        at: 0,
        line: 1,
    };
    while records.len() < most {
        let more = reader
            .read_record(&mut record)
            .map_err(|error| RegisterError::NotATable(format!("this is no table: {error}")))?;
        if !more {
            break;
        }
        let start = record.position().map_or(0, csv::Position::byte);
        let line = lines.of(usize::try_from(start).unwrap_or(usize::MAX));
        let too_large = |what, most: u64, hint| RegisterError::TooLarge {
            what,
            line,
            most,
            hint,
        };
        if records.len() as u64 >= ROWS.default {
            return Err(too_large("rows", ROWS.default, ""));
        }
        if record.len() as u64 > COLUMNS.default {
            return Err(too_large("columns", COLUMNS.default, ""));
        }
        if record.iter().any(|cell| cell.len() as u64 > CELL.default) {
            let hint = "; most likely a quote is opened and not closed";
            return Err(too_large("bytes in a cell", CELL.default, hint));
        }
        records.push(Record {
            line,
            cells: record.iter().map(str::to_owned).collect(),
        });
    }
    Ok(records)
}

/// Lines of places that only move on. The reader's own count stands before the line ends that it
/// has yet to skip.
struct Lines<'t> {
    text: &'t str,
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of the first character from a place on that ends no line.
    fn of(&mut self, start: usize) -> u64 {
        let bytes = self.text.as_bytes();
        let ends_line = |byte: &u8| matches!(byte, b'\r' | b'\n');
        while let Some(byte) = bytes.get(self.at)
            && (self.at < start || ends_line(byte))
        {
            self.at += 1;
            let is_end = match byte {
                b'\n' => true,
                b'\r' => bytes.get(self.at) != Some(&b'\n'),
                _ => false,
            };
            self.line += u64::from(is_end);
        }
        self.line
    }
}

/// The first lines, shortened, for a complaint.
fn beginning(text: &str) -> String {
    const LINES: usize = 3;
    const SHOWN: usize = 60;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let shown = lines.take(LINES).map(|line| -> String {
        let mut shown: String = line.chars().take(SHOWN).collect();
        if line.chars().nth(SHOWN).is_some() {
            shown.push_str("...");
        }
        format!("`{shown}`")
    });
    shown.collect::<Vec<_>>().join(", ")
}
