//! Names that an advisory's file may use: each is checked against what this program knows, so that
//! a slip of the pen is told when the file is read and not by a verdict that never comes.

use auscult_model::PhiKind;
use serde::Deserialize;

/// A text that is one of the names this program knows.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $known:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// The name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(name: String) -> Result<Self, String> {
                let known: fn(&str) -> bool = $known;
                match known(&name) {
                    true => Ok($name(name)),
                    false => Err(format!(concat!("`{}` is no ", $what), name)),
                }
            }
        }
    };
}

name!(
    /// A rule of the detectors.
    Rule,
    "rule; `auscult explain` lists them",
    |name| auscult_detect::ALL.iter().any(|it| it.record().rule == name)
);

name!(
    /// A protocol as reports name it.
    Protocol,
    "protocol; `auscult explain` lists them",
    |name| {
        let tables = auscult_protocols::ALL.iter().map(|it| it.record());
        let mut records = tables.chain(auscult_protocols::PACKET_RECORDS.iter().copied());
        name == "unknown" || records.any(|record| record.name == name)
    }
);

name!(
    /// A device family or role that a signature names.
    Family,
    "signature; `auscult explain` lists device families",
    |name| auscult_inventory::signature(name).is_some()
);

name!(
    /// A fixed question of every report.
    Question,
    "question; docs/advisories.md lists them",
    |name| auscult_detect::questions().any(|id| id == name)
);

name!(
    /// A kind of patient data.
    Kind,
    "kind of patient data; docs/advisories.md lists them",
    |name| PhiKind::from_word(name).is_some()
);
