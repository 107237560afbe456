//! What columns mean: guessed from their names in several languages and from their values,
//! overruled by the user.

mod headings;

use serde::{Deserialize, Serialize};

use crate::cell::{self, bare, value};
use crate::fold::{compact, folded, words};
use crate::sheet::{Record, Sheet};
use crate::{PROBLEMS, Problem, Register, RegisterError, Row};

/// What a column can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Field {
    /// Inventory number.
    Asset,
    /// What it is.
    Description,
    /// Maker.
    Vendor,
    /// Model.
    Model,
    /// Serial number.
    Serial,
    /// Link-layer addresses.
    Mac,
    /// Network addresses.
    Ip,
    /// Host name.
    Host,
    /// Department or ward.
    Unit,
    /// Building, floor, room, bed.
    Location,
    /// In use, in store, scrapped.
    Status,
}

impl Field {
    /// All of them.
    pub const ALL: [Field; 11] = [
        Field::Asset,
        Field::Description,
        Field::Vendor,
        Field::Model,
        Field::Serial,
        Field::Mac,
        Field::Ip,
        Field::Host,
        Field::Unit,
        Field::Location,
        Field::Status,
    ];

    /// Its name, as in `--column`.
    pub fn word(self) -> &'static str {
        match self {
            Field::Asset => "asset",
            Field::Description => "description",
            Field::Vendor => "vendor",
            Field::Model => "model",
            Field::Serial => "serial",
            Field::Mac => "mac",
            Field::Ip => "ip",
            Field::Host => "host",
            Field::Unit => "unit",
            Field::Location => "location",
            Field::Status => "status",
        }
    }

    /// From its name.
    pub fn from_word(word: &str) -> Option<Field> {
        Field::ALL.into_iter().find(|field| field.word() == word)
    }

    /// Several columns may hold it.
    fn is_several(self) -> bool {
        matches!(
            self,
            Field::Description | Field::Mac | Field::Ip | Field::Location
        )
    }
}

/// A column chosen by the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What it holds.
    pub field: Field,
    /// Its name, or its number from 1 on; empty for "no column holds that".
    pub column: String,
}

/// Why a column is taken for what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The user said so.
    Chosen,
    /// Its name says so.
    Name,
    /// A word of its name says so.
    Word,
    /// Its values look so.
    Values,
}

/// A column and its meaning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// Its number, from 1 on.
    pub column: usize,
    /// Its name.
    pub name: String,
    /// What it holds; none for columns that are not used.
    pub field: Option<Field>,
    /// Why that is assumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// What the name of a column says, and whether as a whole.
fn by_name(name: &str) -> Option<(Field, Reason)> {
    let whole = compact(name);
    for (field, names) in headings::NAMES {
        if names.contains(&whole.as_str()) {
            return Some((*field, Reason::Name));
        }
    }
    let words = words(name);
    let has = |word: &str| words.iter().any(|has| has == word);
    let by_word = headings::WORDS.iter();
    by_word
        .filter(|(_, _, unless)| !unless.iter().any(|word| has(word)))
        .find(|(_, wanted, _)| wanted.iter().any(|word| has(word)))
        .map(|(field, ..)| (*field, Reason::Word))
}

fn is_chosen(choice: &Choice, number: usize, name: &str) -> bool {
    !choice.column.is_empty()
        && (compact(&choice.column) == compact(name) && !compact(name).is_empty()
            || choice.column == number.to_string())
}

/// How well a record names columns: 0 when it does not.
pub(crate) fn recognised(cells: &[String], choices: &[Choice]) -> usize {
    let mut fields: Vec<Field> = Vec::new();
    let mut score = 0;
    for (place, cell) in cells.iter().enumerate() {
        let name = bare(cell);
        let by_choice = choices.iter().find(|choice| {
            compact(&choice.column) == compact(name) && is_chosen(choice, place + 1, name)
        });
        let (field, worth) = match (by_choice, by_name(name)) {
            (Some(choice), _) => (choice.field, 6),
            (None, Some((field, Reason::Name))) => (field, 3),
            (None, Some((field, _))) => (field, 1),
            (None, None) => continue,
        };
        if !fields.contains(&field) {
            fields.push(field);
            score += worth;
        }
    }
    // One word that is a column's name stands in titles and in cells too.
    if fields.len() >= 2 || score >= 6 {
        score
    } else {
        0
    }
}

/// What each column of a sheet means.
pub(crate) fn map(sheet: &Sheet, choices: &[Choice]) -> Result<Vec<Mapping>, RegisterError> {
    let mut columns: Vec<Mapping> = sheet
        .header
        .iter()
        .enumerate()
        .map(|(place, name)| Mapping {
            column: place + 1,
            name: bare(name).to_owned(),
            field: None,
            reason: None,
        })
        .collect();
    for choice in choices.iter().filter(|choice| !choice.column.is_empty()) {
        let chosen = columns
            .iter_mut()
            .find(|column| is_chosen(choice, column.column, &column.name));
        match chosen {
            Some(column) => {
                column.field = Some(choice.field);
                column.reason = Some(Reason::Chosen);
            }
            None => return Err(no_column(choice, &columns)),
        }
    }
    let decided = |field| choices.iter().any(|choice| choice.field == field);
    for wanted in [Reason::Name, Reason::Word] {
        for place in 0..columns.len() {
            let Some(column) = columns.get(place).filter(|column| column.field.is_none()) else {
                continue;
            };
            let Some((field, reason)) = by_name(&column.name) else {
                continue;
            };
            let mut holders = columns.iter().filter(|other| other.field == Some(field));
            let free = match holders.next() {
                None => true,
                // A word adds no further column to what a name said.
                Some(_) => field.is_several() && reason == Reason::Name,
            };
            if reason == wanted && free && !decided(field) {
                set(&mut columns, place, field, reason);
            }
        }
    }
    for field in [Field::Mac, Field::Ip] {
        let known = columns.iter().any(|column| column.field == Some(field));
        if known || decided(field) {
            continue;
        }
        for place in 0..columns.len() {
            let unused = columns.get(place).is_some_and(|c| c.field.is_none());
            if unused && holds(&sheet.records, place, field) {
                set(&mut columns, place, field, Reason::Values);
            }
        }
    }
    Ok(columns)
}

fn set(columns: &mut [Mapping], place: usize, field: Field, reason: Reason) {
    if let Some(column) = columns.get_mut(place) {
        column.field = Some(field);
        column.reason = Some(reason);
    }
}

fn no_column(choice: &Choice, columns: &[Mapping]) -> RegisterError {
    let names: Vec<&str> = columns
        .iter()
        .map(|column| column.name.as_str())
        .filter(|name| !name.is_empty())
        .collect();
    RegisterError::NoColumn(choice.column.clone(), names.join(", "))
}

/// Whether most values of a column are addresses.
fn holds(records: &[Record], place: usize, field: Field) -> bool {
    let mut filled = 0;
    let mut fitting = 0;
    for record in records {
        let Some(text) = record.cells.get(place).and_then(|cell| value(cell)) else {
            continue;
        };
        filled += 1;
        let fits = match field {
            Field::Mac => !cell::macs(text).macs.is_empty(),
            _ => !cell::ips(text).is_empty(),
        };
        fitting += usize::from(fits);
    }
    filled > 0 && fitting * 10 >= filled * 6
}

/// Words in a status for what is no longer there, folded.
const RETIRED: [&str; 30] = [
    "retired",
    "disposed",
    "scrapped",
    "scrap",
    "decommissioned",
    "sold",
    "lost",
    "stolen",
    "obsolete",
    "removed",
    "writtenoff",
    "condemned",
    "ausgemustert",
    "ausgesondert",
    "verschrottet",
    "entsorgt",
    "stillgelegt",
    "verkauft",
    "reforme",
    "rebut",
    "horsservice",
    "ausrangiert",
    "baja",
    "dadodebaja",
    "dismesso",
    "alienato",
    "desativado",
    "afgevoerd",
    "wycofany",
    "kasserad",
];

fn is_retired(status: &str) -> bool {
    let whole = compact(status);
    let denied = whole.starts_with("not") || whole.starts_with("nicht");
    !denied
        && (RETIRED.contains(&whole.as_str())
            || words(status)
                .iter()
                .any(|word| RETIRED.contains(&word.as_str())))
}

/// Words with which the last line of a table begins, folded.
fn is_footer(cells: &[String]) -> bool {
    const BEGIN: [&str; 14] = [
        "total",
        "totals",
        "sum",
        "summe",
        "gesamt",
        "gesamtanzahl",
        "anzahl",
        "somme",
        "suma",
        "somma",
        "totale",
        "totaal",
        "count",
        "recordcount",
    ];
    let first = cells
        .iter()
        .map(|cell| bare(cell))
        .find(|cell| !cell.is_empty());
    let Some(first) = first else {
        return false;
    };
    let words = words(first);
    let begins = words
        .first()
        .is_some_and(|word| BEGIN.contains(&word.as_str()));
    let counts = matches!(
        words.as_slice(),
        [number, what, ..] if number.bytes().all(|b| b.is_ascii_digit())
            && ["records", "rows", "items", "assets", "datensatze", "gerate", "lignes"]
                .contains(&what.as_str())
    );
    let tail = folded(first);
    begins || counts || tail.starts_with("end of report") || tail.starts_with("*** ")
}

/// The rows of a sheet, with what is wrong in them.
pub(crate) fn rows(sheet: Sheet, columns: Vec<Mapping>, encoding: &str) -> Register {
    let mut problems = Problems::default();
    let mut rows = Vec::with_capacity(sheet.records.len());
    let last = sheet.records.len();
    for (number, record) in sheet.records.iter().enumerate() {
        let row = row(record, &columns, &mut problems);
        let says_nothing = row.serial.is_none() && row.macs.is_empty() && row.model.is_none();
        if says_nothing && number + 3 >= last && is_footer(&record.cells) {
            let first = record.cells.iter().map(|c| bare(c)).find(|c| !c.is_empty());
            let what = "taken for the end of the table, not for an asset";
            problems.add(Problem::new(
                record.line,
                None,
                first.unwrap_or_default(),
                what,
            ));
            continue;
        }
        rows.push(row);
    }
    Register {
        encoding: encoding.to_owned(),
        delimiter: sheet.delimiter,
        header_line: sheet.header_line,
        columns,
        rows,
        problems_total: problems.total,
        problems: problems.listed,
    }
}

#[derive(Default)]
struct Problems {
    total: usize,
    listed: Vec<Problem>,
}

impl Problems {
    fn add(&mut self, problem: Problem) {
        self.total += 1;
        if (self.listed.len() as u64) < PROBLEMS.default {
            self.listed.push(problem);
        }
    }
}

fn row(record: &Record, columns: &[Mapping], problems: &mut Problems) -> Row {
    let mut row = Row {
        line: record.line,
        ..Row::default()
    };
    for column in columns {
        let Some(field) = column.field else {
            continue;
        };
        let cell = record
            .cells
            .get(column.column - 1)
            .map_or("", String::as_str);
        let text = value(cell).map(str::to_owned);
        let complain = |what| Problem::new(record.line, Some(field), bare(cell), what);
        match field {
            Field::Asset => row.asset = text,
            Field::Description => join(&mut row.description, text),
            Field::Vendor => row.vendor = text,
            Field::Model => row.model = text,
            Field::Serial => match cell::serial(cell) {
                Ok(serial) => row.serial = serial.map(str::to_owned),
                Err(what) => problems.add(complain(what)),
            },
            Field::Mac => {
                let found = cell::macs(cell);
                row.macs.extend(found.macs);
                if let Some(what) = found.problem {
                    problems.add(complain(what));
                }
            }
            Field::Ip => row.ips.extend(cell::ips(cell)),
            Field::Host => row.host = text,
            Field::Unit => row.unit = text,
            Field::Location => join(&mut row.location, text),
            Field::Status => {
                row.retired = text.as_deref().is_some_and(is_retired);
                row.status = text;
            }
        }
    }
    row.macs.sort_unstable();
    row.macs.dedup();
    row
}

fn join(held: &mut Option<String>, text: Option<String>) {
    match (held, text) {
        (Some(held), Some(text)) => {
            held.push_str(", ");
            held.push_str(&text);
        }
        (held @ None, text) => *held = text,
        (Some(_), None) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_stands_for_two_fields() {
        let mut seen = std::collections::BTreeMap::new();
        for (field, names) in headings::NAMES {
            for name in *names {
                assert_eq!(compact(name), *name, "write it folded");
                let other = seen.insert(*name, *field);
                assert!(other.is_none(), "{name}: {field} and {other:?}");
            }
        }
    }

    #[test]
    fn names_of_several_systems() {
        for (name, field) in [
            ("Asset Tag #", Field::Asset),
            ("CEN", Field::Asset),
            ("Inventar-Nr.", Field::Asset),
            ("N° inventaire", Field::Asset),
            ("Serial No.", Field::Serial),
            ("SerialNumber", Field::Serial),
            ("Fabrik-Nr.", Field::Serial),
            ("N° de série", Field::Serial),
            ("Número de serie", Field::Serial),
            ("Matricola", Field::Serial),
            ("Typ", Field::Model),
            ("Model Number", Field::Model),
            ("Modèle", Field::Model),
            ("Type", Field::Description),
            ("Hersteller", Field::Vendor),
            ("Mfr.", Field::Vendor),
            ("MAC (WLAN)", Field::Mac),
            ("Ethernet MAC", Field::Mac),
            ("Adresse MAC", Field::Mac),
            ("Owner Department", Field::Unit),
            ("Kostenstelle", Field::Unit),
            ("Room #", Field::Location),
            ("Gebäude", Field::Location),
            ("IP-Adresse", Field::Ip),
            ("Rechnername", Field::Host),
        ] {
            assert_eq!(by_name(name).map(|(field, _)| field), Some(field), "{name}");
        }
        for name in [
            "Machine hours",
            "Warranty end",
            "Purchase price",
            "IPX rating",
            "Service contract",
            "Serial port",
            "PM interval",
            "",
        ] {
            assert_eq!(by_name(name), None, "{name}");
        }
    }

    #[test]
    fn ends_of_tables() {
        let cells = |text: &str| vec![String::new(), text.to_owned()];
        for text in [
            "Total: 128",
            "Summe",
            "Gesamtanzahl 31",
            "128 records",
            "End of report",
        ] {
            assert!(is_footer(&cells(text)), "{text}");
        }
        for text in ["Totalstation", "BM-1", "10 channel ECG", ""] {
            assert!(!is_footer(&cells(text)), "{text}");
        }
    }

    #[test]
    fn out_of_service() {
        for text in [
            "Retired",
            "Ausgemustert 2021",
            "Hors service",
            "dado de baja",
        ] {
            assert!(is_retired(text), "{text}");
        }
        for text in ["In use", "Not retired", "Lager", ""] {
            assert!(!is_retired(text), "{text}");
        }
    }
}
