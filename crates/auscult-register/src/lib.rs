//! The asset register of a hospital: an export of its maintenance system, read and compared.
//!
//! [`read`] takes the bytes of a table as such systems export it, guesses what its columns mean
//! and says so. [`walk_list`] needs nothing else: which rows name a device that an advisory
//! names, under whatever label. [`check`] compares the rows with a report: what is in both, only
//! on the network, only in the register. Nothing is matched by guess: what fits by one sign and
//! contradicts by another is shown as a contradiction, what several fit is counted.

mod cell;
mod columns;
mod fold;
mod matching;
mod names;
mod sheet;
mod text;
mod view;
mod walk;

use std::fmt::{self, Display};
use std::net::IpAddr;

use auscult_model::{Bound, MacAddr};
use serde::{Deserialize, Serialize};

pub use columns::{Choice, Field, Mapping};
pub use matching::{Check, Contradiction, Counted, Key, Match, Unmatched, check};
pub use view::{View, import_text, register_csv, register_json, register_text};
pub use walk::{Fit, Walk, walk_list};

/// Bytes of the largest export that is read.
pub const BYTES: Bound = Bound::constant(
    "register-bytes",
    64 << 20,
    "bytes of an asset register",
    "it is not read",
);
/// Rows of a register.
pub const ROWS: Bound = Bound::constant(
    "register-rows",
    200_000,
    "rows of an asset register",
    "it is not read",
);
/// Columns of a register.
pub const COLUMNS: Bound = Bound::constant(
    "register-columns",
    512,
    "columns of an asset register",
    "it is not read",
);
/// Bytes of one cell; spreadsheets allow 32,767 characters.
pub const CELL: Bound = Bound::constant(
    "register-cell",
    32_767,
    "bytes of one cell of an asset register",
    "it is not read: most likely a quote is not closed",
);
/// Problems that are listed.
pub const PROBLEMS: Bound = Bound::constant(
    "register-problems",
    1000,
    "problems of an asset register that are listed",
    "further ones are counted only",
);

/// Why a file is no register that can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    /// It is something else.
    #[error("{0}")]
    NotATable(String),
    /// A bound was reached.
    #[error("{what} in line {line}: more than {most} are not read{hint}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// Where, counted from 1.
        line: u64,
        /// How much is read.
        most: u64,
        /// What the cause may be.
        hint: &'static str,
    },
    /// No row names the columns.
    #[error(
        "no row with column names was recognised; name some: --column serial=\"Serial No\" \
         --column model=\"Model\" (the file's lines begin: {0})"
    )]
    NoHeader(String),
    /// A chosen column is not there.
    #[error("no column `{0}`; there are: {1}")]
    NoColumn(String, String),
    /// An encoding that is not known.
    #[error("no encoding `{0}` is known; examples: utf-8, windows-1252, windows-1250, gb18030")]
    NoEncoding(String),
}

/// How to read an export, as far as it is not to be guessed.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    /// Columns by name.
    pub columns: Vec<Choice>,
    /// Name of the text's encoding (WHATWG label).
    pub encoding: Option<String>,
}

/// A register as read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Register {
    /// How the text was encoded.
    pub encoding: String,
    /// What stands between cells.
    pub delimiter: char,
    /// Line with the column names, counted from 1.
    pub header_line: u64,
    /// What each column means.
    pub columns: Vec<Mapping>,
    /// The rows, in the order of the file.
    pub rows: Vec<Row>,
    /// Number of problems, also of those not listed.
    pub problems_total: usize,
    /// What is not as it should be.
    pub problems: Vec<Problem>,
}

/// One asset. Texts are as written, without blanks around them; what says "none" is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Line in the file, counted from 1.
    pub line: u64,
    /// Inventory number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset: Option<String>,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Maker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// Model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Serial number; absent also when a spreadsheet damaged it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// Link-layer addresses.
    #[serde(with = "texts")]
    pub macs: Vec<MacAddr>,
    /// Network addresses.
    pub ips: Vec<IpAddr>,
    /// Host name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Department or ward.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Building, floor, room, bed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Status as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The status says that it is out of service for good.
    pub retired: bool,
}

impl Row {
    /// What people call it: its inventory number, else its serial number, else its line.
    pub fn name(&self) -> String {
        match (&self.asset, &self.serial) {
            (Some(asset), _) => asset.clone(),
            (None, Some(serial)) => format!("serial {serial}"),
            (None, None) => format!("line {}", self.line),
        }
    }

    /// Whether it says anything by which a device could be found on the network.
    pub fn is_findable(&self) -> bool {
        !self.macs.is_empty() || self.serial.is_some() || self.host.is_some()
    }
}

/// Something in the file that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Line in the file, counted from 1.
    pub line: u64,
    /// In which column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<Field>,
    /// The value, shortened.
    pub value: String,
    /// What is wrong with it.
    pub what: String,
}

/// Characters of a value that a problem shows.
const VALUE_SHOWN: usize = 60;

impl Problem {
    fn new(line: u64, field: Option<Field>, value: &str, what: impl Display) -> Self {
        Problem {
            line,
            field,
            value: value.chars().take(VALUE_SHOWN).collect(),
            what: what.to_string(),
        }
    }
}

/// Reads an export.
pub fn read(bytes: &[u8], choices: &Choices) -> Result<Register, RegisterError> {
    if bytes.len() as u64 > BYTES.default {
        return Err(RegisterError::TooLarge {
            what: "bytes",
            line: 1,
            most: BYTES.default,
            hint: "",
        });
    }
    let (text, encoding) = text::decode(bytes, choices.encoding.as_deref())?;
    let sheet = sheet::Sheet::read(&text, &choices.columns)?;
    let columns = columns::map(&sheet, &choices.columns)?;
    Ok(columns::rows(sheet, columns, encoding))
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Values that are written as texts.
mod texts {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<T: Display, S: Serializer>(
        list: &[T],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(list.iter().map(ToString::to_string))
    }

    pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let texts = Vec::<String>::deserialize(deserializer)?;
        texts
            .iter()
            .map(|text| text.parse().map_err(D::Error::custom))
            .collect()
    }
}
