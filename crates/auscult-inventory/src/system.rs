//! Operating systems as data: what a device says of itself → which system it runs.
//!
//! `systems.toml` has the marks. Limit: a mark tells a version no closer than its text; browsers
//! say one version for several editions, and some say a false one.

use std::sync::OnceLock;

use serde::Deserialize;

use crate::conduct::Conduct;
use crate::signature::{Alternative, Condition};

/// An operating system and its marks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct System {
    /// Its name, as shown.
    pub(crate) os: String,
    evidence: Vec<Alternative>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Systems {
    #[serde(rename = "sources")]
    _sources: Vec<String>,
    system: Vec<System>,
}

impl System {
    /// How sure it is that a device runs it, and by which attribute; `None` when nothing says so.
    fn weigh(&self, conduct: &Conduct) -> Option<(f32, &str)> {
        self.evidence
            .iter()
            .map(|alternative| (alternative.weigh(conduct), alternative))
            .filter(|(confidence, _)| *confidence > 0.0)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(confidence, alternative)| (confidence, attribute(alternative)))
    }
}

/// What the first condition asks about.
fn attribute(alternative: &Alternative) -> &str {
    match alternative.all.first() {
        Some(Condition::Claim { attribute, .. }) => attribute,
        _ => "conduct",
    }
}

fn systems() -> &'static [System] {
    static SYSTEMS: OnceLock<Vec<System>> = OnceLock::new();
    SYSTEMS.get_or_init(|| {
        // As with signatures: the tests catch a file that cannot be read.
        toml::from_str::<Systems>(include_str!("systems.toml"))
            .map_or_else(|_| Vec::new(), |read| read.system)
    })
}

/// The systems that something speaks for: name, how sure, and the attribute that says so.
pub(crate) fn named(conduct: &Conduct) -> impl Iterator<Item = (&'static str, f32, &'static str)> {
    systems().iter().filter_map(|system| {
        let (confidence, attribute) = system.weigh(conduct)?;
        Some((system.os.as_str(), confidence, attribute))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(claims: &[(&'static str, &str)]) -> Vec<(&'static str, f32, &'static str)> {
        let mut conduct = Conduct::default();
        for (attribute, value) in claims {
            let values = conduct.claims.entry(attribute).or_default();
            values.insert(value.to_lowercase(), 1.0);
        }
        let mut found: Vec<_> = named(&conduct).collect();
        found.sort_by(|a, b| b.1.total_cmp(&a.1));
        found
    }

    #[test]
    fn the_table_can_be_read_and_names_each_system_once() {
        let mut names: Vec<_> = systems().iter().map(|system| &system.os).collect();
        assert!(names.len() > 10);
        names.sort();
        names.dedup();
        assert_eq!(names.len(), systems().len());
    }

    #[test]
    fn the_closer_mark_is_the_surer() {
        let agent = "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 5.1; Trident/4.0)";
        let found = says(&[("http_user_agent", agent)]);
        assert_eq!(found[0], ("Windows XP", 0.7, "http_user_agent"));
        assert_eq!(found[1].0, "Windows");
    }

    #[test]
    fn a_telephone_is_no_computer_of_the_same_maker() {
        let agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15";
        let found = says(&[("http_user_agent", agent)]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, "iOS");
    }

    #[test]
    fn nothing_said_nothing_named() {
        assert!(
            says(&[
                ("hostname", "windows-nt-5.1"),
                ("ssh_banner", "dropbear_2019.78")
            ])
            .is_empty()
        );
    }
}
