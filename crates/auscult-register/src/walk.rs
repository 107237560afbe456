//! The walk list: rows that an advisory names, under whatever label. No capture is needed.

use serde::Serialize;

use crate::names::{Family, Hit, families, names_maker};
use crate::{Register, Row};

/// How well a row fits what an advisory names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fit {
    /// Maker and model are named, or a model that nothing else has.
    Named,
    /// Something fits: the label decides.
    LookAt,
}

/// A device to go to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Walk {
    /// Its row, counted from 0.
    pub row: usize,
    /// How well it fits.
    pub fit: Fit,
    /// The family that it may be.
    pub family: String,
    /// The signature of that family.
    pub signature: String,
    /// Why it is on the list.
    pub because: String,
    /// Labels under which the family is sold.
    pub labels: Vec<String>,
    /// The advisories.
    pub advisories: Vec<String>,
}

/// All rows to go to: named ones first, by place within.
pub fn walk_list(register: &Register) -> Vec<Walk> {
    let named: Vec<&Family> = families()
        .iter()
        .filter(|family| !family.signature.advisories.is_empty())
        .collect();
    let mut list = Vec::new();
    for (number, row) in register.rows.iter().enumerate() {
        let fits = named
            .iter()
            .filter_map(|family| Some((family, fit(row, family)?)));
        if let Some((family, (fit, because))) = fits.min_by_key(|(_, (fit, _))| *fit) {
            list.push(entry(number, family, fit, because));
        }
    }
    let place = |walk: &Walk| {
        let row = register.rows.get(walk.row);
        let text = |of: fn(&Row) -> &Option<String>| row.and_then(|row| of(row).clone());
        (text(|row| &row.unit), text(|row| &row.location), walk.row)
    };
    list.sort_by_cached_key(|walk| (is_retired(register, walk), walk.fit, place(walk)));
    list
}

fn is_retired(register: &Register, walk: &Walk) -> bool {
    register.rows.get(walk.row).is_some_and(|row| row.retired)
}

fn entry(row: usize, family: &Family, fit: Fit, because: String) -> Walk {
    let signature = family.signature;
    Walk {
        row,
        fit,
        family: signature.family.clone().unwrap_or_default(),
        signature: signature.id.clone(),
        because,
        labels: signature.also_sold_as.clone(),
        advisories: signature.advisories.clone(),
    }
}

/// The texts in which people write what a device is; never its numbers or its place.
fn texts(row: &Row) -> impl Iterator<Item = &str> {
    [&row.model, &row.description, &row.vendor]
        .into_iter()
        .flatten()
        .map(String::as_str)
}

/// The best hit of a family's labels, and which label it is.
pub(crate) fn hit<'f>(row: &Row, family: &'f Family) -> Option<(Hit, &'f str, bool)> {
    let hits = family.labels.iter().filter_map(|label| {
        let hit = texts(row)
            .filter_map(|text| label.designation.find(text))
            .max()?;
        Some((
            hit,
            label.designation.shown.as_str(),
            label.designation.is_telling(),
        ))
    });
    hits.max_by_key(|(hit, ..)| *hit)
}

/// Whether the row names one of the makers under whose names the family is sold.
pub(crate) fn is_by_maker(row: &Row, family: &Family) -> bool {
    let makers = family.labels.iter().map(|label| label.maker.as_str());
    makers
        .into_iter()
        .any(|maker| texts(row).any(|text| names_maker(text, maker)))
}

fn fit(row: &Row, family: &Family) -> Option<(Fit, String)> {
    let by_maker = is_by_maker(row, family);
    let own = family.signature.family.as_deref().unwrap_or_default();
    let vendor = row.vendor.as_deref();
    match (hit(row, family), by_maker, vendor) {
        (Some((Hit::Exact, label, _)), true, _) => {
            Some((Fit::Named, format!("maker and model: {label}")))
        }
        (Some((Hit::Exact, label, true)), false, None) => {
            Some((Fit::Named, format!("model {label}; no maker is given")))
        }
        (Some((Hit::Exact, label, false)), false, None) => Some((
            Fit::LookAt,
            format!("model {label}, a short name; no maker is given"),
        )),
        (Some((_, label, _)), false, Some(vendor)) => Some((
            Fit::LookAt,
            format!(
                "model {label}, but the maker is given as {vendor}: another label, or another \
                 device"
            ),
        )),
        (Some((Hit::Variant, label, _)), ..) => Some((
            Fit::LookAt,
            format!("a name that begins with {label}: a variant, or another device"),
        )),
        (None, true, _) => look_alike(row, family, own),
        (None, false, _) => None,
    }
}

/// The maker fits, and no label of the family.
fn look_alike(row: &Row, family: &Family, own: &str) -> Option<(Fit, String)> {
    let sibling = family
        .siblings
        .iter()
        .find(|sibling| texts(row).any(|text| sibling.find(text).is_some()));
    if let Some(sibling) = sibling {
        return Some((
            Fit::LookAt,
            format!(
                "{} is of the same maker; whether it works like {own} is not known",
                sibling.shown
            ),
        ));
    }
    let digits = |text: &&String| text.contains(|c: char| c.is_ascii_digit());
    let model = [&row.model, &row.description].into_iter().flatten();
    let has_model = model.into_iter().any(|text| digits(&text));
    (!has_model).then(|| {
        (
            Fit::LookAt,
            format!(
                "the maker fits and no model is given; {} makes other things too",
                row.vendor.as_deref().unwrap_or("the maker")
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Choices, read};

    fn of(vendor: &str, model: &str, description: &str) -> Option<(Fit, String)> {
        let table =
            format!("Asset,Manufacturer,Model,Description\n1,{vendor},{model},{description}\n");
        let register = read(table.as_bytes(), &Choices::default()).unwrap();
        walk_list(&register)
            .pop()
            .map(|walk| (walk.fit, walk.because))
    }

    #[test]
    fn rows_that_are_named() {
        for (vendor, model, description) in [
            ("CONTEC", "CMS8000", ""),
            ("Contec Medical Systems", "CMS-8000", "Patient monitor"),
            ("EPSIMED", "MN-120", ""),
            ("Epsimed SAS", "", "Moniteur MN120"),
            ("", "CMS 8000", ""),
            ("CONTEC", "", "Monitor CMS8000"),
            ("Contec CMS8000", "", ""),
            ("CONTEC", "MN120", "relabelled"),
        ] {
            let found = of(vendor, model, description);
            assert_eq!(
                found.as_ref().map(|(fit, _)| *fit),
                Some(Fit::Named),
                "{model}: {found:?}"
            );
        }
    }

    #[test]
    fn rows_to_look_at() {
        for (vendor, model, word) in [
            ("", "MN120", "no maker"),
            ("Acme", "CMS8000", "Acme"),
            ("CONTEC", "CMS8000VET", "variant"),
            ("CONTEC", "CMS9000", "same maker"),
            ("EPSIMED", "", "no model"),
        ] {
            let (fit, because) = of(vendor, model, "").unwrap();
            assert_eq!(fit, Fit::LookAt, "{model}");
            assert!(because.contains(word), "{because}");
        }
    }

    #[test]
    fn rows_that_are_something_else() {
        for (vendor, model, description) in [
            ("CONTEC", "CMS50D", "Oximeter"),
            ("Contec Co. Ltd.", "CPS-BXC200", "Industrial PC"),
            ("Mindray", "CMS+", "Central monitoring system"),
            ("Acme", "CMS80001X", ""),
            ("Philips", "MX450", "Monitor, central CMS"),
            ("Acme", "X1", "s/n MN120"),
            ("Acme", "MN120443", ""),
            ("Contech", "", "Pump"),
        ] {
            assert_eq!(of(vendor, model, description), None, "{vendor} {model}");
        }
    }
}
