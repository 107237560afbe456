//! Tolerant names: the designation of a device family in what people typed.
//!
//! `CMS8000`, `CMS-8000`, `Cms 8000` are one. Nothing longer is: `CMS80001X` is another
//! designation, and so is `MN120443` in a serial number.

use std::sync::OnceLock;

use auscult_inventory::{Signature, signatures};

use crate::fold::{folded, words};

/// Blanks, dashes and marks that people put between letters and digits.
fn joins(c: char) -> bool {
    c.is_whitespace() || "-_./®™".contains(c) || matches!(c, '\u{2010}'..='\u{2015}')
}

/// How a designation stands in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hit {
    /// Letters follow: a variant, or something else.
    Variant,
    /// As such.
    Exact,
}

/// A designation, cut into runs of letters and of digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Designation {
    /// As its source writes it.
    pub(crate) shown: String,
    pieces: Vec<String>,
}

impl Designation {
    pub(crate) fn new(shown: &str) -> Self {
        let mut pieces: Vec<String> = Vec::new();
        let mut last: Option<bool> = None;
        for c in folded(shown).chars() {
            if !c.is_alphanumeric() {
                last = None;
                continue;
            }
            let digit = c.is_ascii_digit();
            match (last == Some(digit), pieces.last_mut()) {
                (true, Some(piece)) => piece.push(c),
                _ => pieces.push(c.to_string()),
            }
            last = Some(digit);
        }
        Designation {
            shown: shown.to_owned(),
            pieces,
        }
    }

    /// So many letters and digits that it means nothing else without its maker.
    pub(crate) fn is_telling(&self) -> bool {
        let digits = |piece: &&String| piece.starts_with(|c: char| c.is_ascii_digit());
        let all: usize = self.pieces.iter().map(String::len).sum();
        all >= 6 && self.pieces.iter().any(|piece| digits(&piece))
    }

    /// The best hit in a text.
    pub(crate) fn find(&self, text: &str) -> Option<Hit> {
        let text: Vec<char> = folded(text).chars().collect();
        let mut best = None;
        for start in 0..text.len() {
            let before = start.checked_sub(1).and_then(|place| text.get(place));
            if before.is_some_and(|c| c.is_alphanumeric()) || is_numbered(&text, start) {
                continue;
            }
            best = best.max(self.at(text.get(start..).unwrap_or_default()));
        }
        best
    }

    fn at(&self, text: &[char]) -> Option<Hit> {
        const JOINS: usize = 3;
        let mut rest = text;
        for (number, piece) in self.pieces.iter().enumerate() {
            if number > 0 {
                let joined = rest.iter().take_while(|c| joins(**c)).count();
                if joined > JOINS {
                    return None;
                }
                rest = rest.get(joined..)?;
            }
            for wanted in piece.chars() {
                let (c, more) = rest.split_first()?;
                if *c != wanted {
                    return None;
                }
                rest = more;
            }
        }
        const VARIANT: usize = 5;
        let tail = rest.iter().take_while(|c| c.is_alphanumeric());
        let tail: Vec<&char> = tail.collect();
        match tail.len() {
            0 => Some(Hit::Exact),
            1..=VARIANT if tail.iter().all(|c| !c.is_ascii_digit()) => Some(Hit::Variant),
            _ => None,
        }
    }
}

/// What stands here is called a serial or inventory number.
fn is_numbered(text: &[char], start: usize) -> bool {
    let before: String = text.get(..start).unwrap_or_default().iter().collect();
    let before = before.trim_end_matches(|c: char| c.is_whitespace() || ":#.-".contains(c));
    [
        "s/n",
        "sn",
        "serial",
        "serial no",
        "serial number",
        "snr",
        "asset",
        "inv",
    ]
    .iter()
    .any(|label| {
        before
            .strip_suffix(label)
            .is_some_and(|rest| !rest.ends_with(|c: char| c.is_alphanumeric()))
    })
}

/// Maker and designation under which a family is sold.
#[derive(Clone, Debug)]
pub(crate) struct Label {
    /// Words of the maker's name that tell it from others, folded.
    pub(crate) maker: String,
    /// What the label reads.
    pub(crate) designation: Designation,
}

/// A family under all its labels.
#[derive(Debug)]
pub(crate) struct Family {
    pub(crate) signature: &'static Signature,
    /// Its own label first, then the others under which it is sold.
    pub(crate) labels: Vec<Label>,
    /// Models of the same maker that may share its design.
    pub(crate) siblings: Vec<Designation>,
}

/// All families that signatures name.
pub(crate) fn families() -> &'static [Family] {
    static FAMILIES: OnceLock<Vec<Family>> = OnceLock::new();
    FAMILIES.get_or_init(|| signatures().iter().filter_map(family).collect())
}

/// The family of a signature.
pub(crate) fn family_of(signature: &str) -> Option<&'static Family> {
    families()
        .iter()
        .find(|family| family.signature.id == signature)
}

fn family(signature: &'static Signature) -> Option<Family> {
    let own = signature.family.as_deref()?;
    let vendor = signature.vendor.as_deref().unwrap_or_default();
    let mut labels = vec![label(own, vendor)];
    labels.extend(signature.also_sold_as.iter().map(|name| label(name, "")));
    Some(Family {
        signature,
        labels,
        siblings: signature
            .siblings
            .iter()
            .map(|name| Designation::new(name))
            .collect(),
    })
}

/// `EPSIMED MN-120`: the maker stands before the first word with a digit, where it is not told.
fn label(name: &str, vendor: &str) -> Label {
    let rest = name.strip_prefix(vendor).unwrap_or(name).trim();
    let (maker, designation) = match vendor.is_empty() {
        false => (vendor.to_owned(), rest.to_owned()),
        true => {
            let is_model = |word: &&str| word.contains(|c: char| c.is_ascii_digit());
            let maker = rest.split(' ').take_while(|word| !is_model(word));
            let maker = maker.collect::<Vec<_>>().join(" ");
            let designation = rest.strip_prefix(&maker).unwrap_or(rest).trim().to_owned();
            (maker, designation)
        }
    };
    Label {
        maker: words(&maker).first().cloned().unwrap_or_default(),
        designation: Designation::new(&designation),
    }
}

/// Whether a text names a maker: as a word of its own, also written in two.
pub(crate) fn names_maker(text: &str, maker: &str) -> bool {
    if maker.is_empty() {
        return false;
    }
    let words: Vec<String> = folded(text)
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    let pairs = words.iter().zip(words.iter().skip(1));
    words.iter().any(|word| word == maker)
        || pairs
            .into_iter()
            .any(|(a, b)| [a.as_str(), b].concat() == maker)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tolerant_and_no_more() {
        let cms = Designation::new("CMS8000");
        for text in [
            "CMS8000",
            "cms-8000",
            "CMS 8000",
            "CMS\u{2013}8000",
            "CMS_8000",
            "Contec CMS8000 Patient Monitor",
            "Monitor (CMS-8000)",
            "CMS8000-1",
            "CMS8000/EU",
        ] {
            assert_eq!(cms.find(text), Some(Hit::Exact), "{text}");
        }
        for text in ["CMS8000VET", "CMS-8000A"] {
            assert_eq!(cms.find(text), Some(Hit::Variant), "{text}");
        }
        for text in [
            "CMS80001X",
            "CMS80000",
            "ACMS8000",
            "CMS 800",
            "CMS",
            "8000",
            "CMS9000",
            "CMS50D",
            "CMS -- -- 8000",
            "SN CMS8000",
            "",
        ] {
            assert_eq!(cms.find(text), None, "{text}");
        }
    }

    #[test]
    fn short_names_need_their_place() {
        let mn = Designation::new("MN-120");
        for text in ["MN120", "MN-120", "mn 120", "EPSIMED MN120"] {
            assert_eq!(mn.find(text), Some(Hit::Exact), "{text}");
        }
        for text in [
            "MN120443",
            "XMN120",
            "S/N MN120",
            "Serial No: MN-120",
            "MN-1200",
            "120 MN",
        ] {
            assert_eq!(mn.find(text), None, "{text}");
        }
        assert!(!mn.is_telling());
        assert!(Designation::new("CMS8000").is_telling());
    }

    #[test]
    fn labels_of_the_signatures() {
        let family = family_of("contec-cms8000").unwrap();
        let labels: Vec<_> = family
            .labels
            .iter()
            .map(|label| (label.maker.as_str(), label.designation.shown.as_str()))
            .collect();
        assert_eq!(labels, [("contec", "CMS8000"), ("epsimed", "MN-120")]);
    }

    #[test]
    fn makers_are_words() {
        for text in ["CONTEC", "Contec Medical Systems Co., Ltd.", "Epsimed SAS"] {
            assert!(
                names_maker(text, "contec") || names_maker(text, "epsimed"),
                "{text}"
            );
        }
        assert!(names_maker("EPSI-MED", "epsimed"));
        assert!(!names_maker("Contech Pumps", "contec"));
        assert!(!names_maker("", "contec"));
    }
}
