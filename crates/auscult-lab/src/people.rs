//! Invented patients: names that nobody bears, numbers that say that they are invented.

use crate::prng::Prng;

/// Family names made of words for "invented" and the like; real ones are excluded on purpose.
const FAMILIES: [&str; 16] = [
    "INVENTA",
    "ERFUNDINA",
    "FICTIVALDI",
    "AUSGEDACHTUS",
    "EXEMPLARIA",
    "NIEMANDSKI",
    "PROBANDINA",
    "SYNTHETISA",
    "ERSONNENBERG",
    "LABORATINA",
    "MUSTERIANA",
    "FABULOSKA",
    "IMAGINESCU",
    "TRAUMGEBILD",
    "UTOPIADOTTIR",
    "SCHEINBARIS",
];
const GIVEN: [&str; 8] = [
    "NULLA",
    "TESTO",
    "PROBA",
    "IRREALIS",
    "QUASIMA",
    "VIRTUALDO",
    "UNWIRKA",
    "ADHOC",
];
const DOCTORS: [&str; 6] = [
    "DR KEINER",
    "DR MUSTERHAFT",
    "DR ATRAPPE",
    "DR VORWAND",
    "DR PHANTOMA",
    "DR KULISSE",
];

/// An invented patient.
#[derive(Clone, Debug, Default)]
pub struct Person {
    /// Family name.
    pub family: String,
    /// Given name.
    pub given: String,
    /// Patient number, always beginning with `INV-`.
    pub number: String,
    /// Birth date: year, month, day.
    pub born: (u16, u8, u8),
    /// M, F or U.
    pub sex: char,
    /// Height in millimetres.
    pub height_mm: u16,
    /// Weight in tenths of a kilogram.
    pub weight_100g: u16,
    /// The treating doctor, invented too.
    pub doctor: String,
}

impl Person {
    /// The texts of this person that no report may show.
    pub fn private(&self) -> Vec<String> {
        let (year, month, day) = self.born;
        vec![
            self.family.clone(),
            self.number.clone(),
            format!("{year:04}{month:02}{day:02}"),
            format!("{year:04}-{month:02}-{day:02}"),
            self.doctor.trim_start_matches("DR ").to_owned(),
        ]
    }

    /// Family and given name with `separator` between them.
    pub fn name(&self, separator: &str) -> String {
        format!("{}{separator}{}", self.family, self.given)
    }
}

/// Hands out persons, each family name once before any comes again.
#[derive(Clone, Debug)]
pub struct People {
    prng: Prng,
    families: Vec<&'static str>,
    next: usize,
}

impl People {
    /// A source of persons.
    pub fn new(mut prng: Prng) -> People {
        let mut families = FAMILIES.to_vec();
        prng.shuffle(&mut families);
        People {
            prng,
            families,
            next: 0,
        }
    }

    /// The next person.
    pub fn person(&mut self) -> Person {
        let family = self.families[self.next % self.families.len()].to_owned();
        self.next += 1;
        let p = &mut self.prng;
        Person {
            family,
            given: (*p.pick(&GIVEN)).to_owned(),
            number: format!("INV-{:06}", p.between(100_000, 999_999)),
            born: (
                p.between(1931, 2008) as u16,
                p.between(1, 12) as u8,
                p.between(1, 28) as u8,
            ),
            sex: *p.pick(&['M', 'F', 'U']),
            height_mm: p.between(1450, 2000) as u16,
            weight_100g: p.between(450, 1200) as u16,
            doctor: (*p.pick(&DOCTORS)).to_owned(),
        }
    }
}
