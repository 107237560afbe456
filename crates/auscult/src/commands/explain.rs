//! `explain`: what Auscult knows: protocols, rules, device families, from their own records.

use std::io::Write;

use auscult_detect::RuleRecord;
use auscult_inventory::Signature;
use auscult_protocols::{Record, Tier};
use auscult_report::Page;
use clap::Args;

use crate::failure::{Failure, Outcome};

/// Explain a protocol, a rule or a device family; without a name, list them
#[derive(Args)]
#[command(after_help = "\
Examples:
  auscult explain
  auscult explain contec-cms
  auscult explain phi-cleartext-outside")]
pub(crate) struct Explain {
    /// Name as in reports, a label or model, or a CVE or advisory number
    name: Option<String>,
}

const WIDTH: usize = 80;
const COLUMN: usize = 29;

/// What a name can stand for.
enum Known {
    Protocol(&'static Record),
    Rule(&'static RuleRecord),
    Family(&'static Signature),
}

impl Known {
    fn name(&self) -> &'static str {
        match self {
            Known::Protocol(record) => record.name,
            Known::Rule(record) => record.rule,
            Known::Family(signature) => &signature.id,
        }
    }

    fn cites(&self, number: &str) -> bool {
        match self {
            Known::Protocol(_) => false,
            Known::Rule(record) => record
                .cves
                .iter()
                .any(|cve| cve.eq_ignore_ascii_case(number)),
            Known::Family(signature) => signature
                .cves
                .iter()
                .chain(&signature.advisories)
                .chain(&signature.also_sold_as)
                .chain(&signature.model)
                .any(|cve| cve.eq_ignore_ascii_case(number)),
        }
    }
}

fn protocols() -> Vec<&'static Record> {
    let mut records: Vec<&Record> = auscult_protocols::ALL
        .iter()
        .map(|protocol| protocol.record())
        .collect();
    records.extend(auscult_protocols::PACKET_RECORDS);
    records.sort_by_key(|record| record.name);
    records.dedup_by_key(|record| record.name);
    records
}

fn everything() -> Vec<Known> {
    let rules = auscult_detect::ALL
        .iter()
        .map(|detector| Known::Rule(detector.record()));
    let families = auscult_inventory::signatures().iter().map(Known::Family);
    protocols()
        .into_iter()
        .map(Known::Protocol)
        .chain(rules)
        .chain(families)
        .collect()
}

impl Explain {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Outcome, Failure> {
        let mut page = Page::new(WIDTH, false);
        match &self.name {
            None => table(&mut page),
            Some(name) => {
                let known = everything();
                let mut found: Vec<&Known> = known
                    .iter()
                    .filter(|one| one.name().eq_ignore_ascii_case(name))
                    .collect();
                if found.is_empty() {
                    found = known.iter().filter(|one| one.cites(name)).collect();
                }
                if found.is_empty() {
                    return Err(not_known(name, &known));
                }
                for one in found {
                    page.gap();
                    describe(&mut page, one);
                }
            }
        }
        out.write_all(page.finish().as_bytes())?;
        Ok(Outcome::Done)
    }
}

fn table(page: &mut Page) {
    page.text(0, "Protocols");
    for record in protocols() {
        let text = format!("{} ({})", record.title, tier(record.tier));
        page.hanging(&format!("  {}", record.name), COLUMN, &text);
    }
    page.gap();
    page.text(0, "Rules");
    for detector in auscult_detect::ALL {
        let record = detector.record();
        let text = format!("{} (up to {})", record.title, record.worst);
        page.hanging(&format!("  {}", record.rule), COLUMN, &text);
    }
    page.gap();
    page.text(0, "Device families and roles");
    for signature in auscult_inventory::signatures() {
        page.hanging(&format!("  {}", signature.id), COLUMN, &family(signature));
    }
}

fn tier(tier: Tier) -> &'static str {
    match tier {
        Tier::Recognised => "recognised: told apart, not read",
        Tier::Identity => "identity: only what names devices, people or secrets",
        Tier::Decoded => "decoded",
    }
}

fn family(signature: &Signature) -> String {
    let role = signature.role.word().replace('-', " ");
    match &signature.family {
        Some(family) => format!("{family}, {role}"),
        None => role,
    }
}

fn describe(page: &mut Page, known: &Known) {
    match known {
        Known::Protocol(record) => protocol(page, record),
        Known::Rule(record) => rule(page, record),
        Known::Family(signature) => device_family(page, signature),
    }
}

/// A label and texts one below the other.
fn list<T: AsRef<str>>(page: &mut Page, label: &str, texts: &[T]) {
    for (index, text) in texts.iter().enumerate() {
        page.labelled(if index == 0 { label } else { "" }, text.as_ref());
    }
}

fn protocol(page: &mut Page, record: &Record) {
    page.text(0, &format!("{}: {}", record.name, record.title));
    page.labelled("Tier", tier(record.tier));
    let transports: Vec<String> = record.transports.iter().map(ToString::to_string).collect();
    page.labelled("Over", &transports.join(", "));
    let ports: Vec<String> = record.ports.iter().map(ToString::to_string).collect();
    if !ports.is_empty() {
        let ports = format!("{}: tried there first, never proof", ports.join(", "));
        page.labelled("Ports", &ports);
    }
    list(page, "Reads", record.reads);
    page.labelled("Not read", record.leaves_out);
    if record.weak {
        page.labelled(
            "Weak",
            "named only at its ports, when announced, or when both directions look like it",
        );
    }
    page.labelled("Mistaken", record.false_likely);
    let attributes: Vec<String> = record
        .attributes
        .iter()
        .map(|(name, holds)| format!("{name}: {holds}"))
        .collect();
    list(page, "Values", &attributes);
    list(page, "Sources", record.sources);
}

fn rule(page: &mut Page, record: &RuleRecord) {
    page.text(0, &format!("{}: {}", record.rule, record.title));
    page.labelled("Worst", record.worst.word());
    page.labelled("When", record.when);
    list(page, "Innocent", record.innocent);
    page.labelled("Advisory", &record.cves.join(" "));
    page.labelled("ATT&CK", &record.attack.join(" "));
    list(page, "Sources", record.sources);
}

fn device_family(page: &mut Page, signature: &Signature) {
    page.text(0, &format!("{}: {}", signature.id, family(signature)));
    page.labelled("Maker", signature.vendor.as_deref().unwrap_or_default());
    page.labelled("Model", signature.model.as_deref().unwrap_or_default());
    page.labelled("Sold as", &signature.also_sold_as.join(", "));
    if signature.dangerous {
        page.labelled(
            "Warning",
            "an authority advises against using it on a network as it is",
        );
    }
    page.labelled("Note", &signature.note);
    page.labelled("Advisory", &signature.advisories.join(" "));
    page.labelled("CVE", &signature.cves.join(" "));
    list(page, "Sources", &signature.sources);
}

/// Names that are nearly the one asked for, nearest first.
fn not_known(name: &str, known: &[Known]) -> Failure {
    const SUGGESTED: usize = 3;
    let wanted = name.to_ascii_lowercase();
    let mut near: Vec<(usize, &str)> = known
        .iter()
        .map(Known::name)
        .filter_map(|name| {
            let distance = if name.contains(&wanted) || wanted.contains(name) {
                1
            } else {
                distance(name, &wanted)
            };
            (distance <= 1 + wanted.len() / 3).then_some((distance, name))
        })
        .collect();
    near.sort_unstable();
    near.dedup();
    let names: Vec<&str> = near.iter().take(SUGGESTED).map(|(_, name)| *name).collect();
    if names.is_empty() {
        Failure::Usage(format!(
            "nothing is named `{name}`; `auscult explain` lists all names"
        ))
    } else {
        let names = names.join(", ");
        Failure::Usage(format!("nothing is named `{name}`; did you mean {names}?"))
    }
}

/// Levenshtein's distance between two short words.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (to, above) in b.iter().zip(row.iter().skip(1)) {
            left = (left + 1)
                .min(above + 1)
                .min(diagonal + usize::from(from != *to));
            next.push(left);
            diagonal = *above;
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("hl7", "hl7"), 0);
    }

    #[test]
    fn near_names_are_suggested() {
        let known = everything();
        let words = not_known("contec", &known).to_string();
        assert!(words.contains("contec-cms"), "{words}");
        let words = not_known("hl8", &known).to_string();
        assert!(words.contains("hl7"), "{words}");
        let words = not_known("qqqqqqqqqqqq", &known).to_string();
        assert!(words.contains("lists all names"), "{words}");
    }

    #[test]
    fn every_name_can_be_explained_within_the_width() {
        for one in everything() {
            let mut page = Page::new(WIDTH, false);
            describe(&mut page, &one);
            let text = page.finish();
            assert!(text.lines().count() >= 2, "{text}");
            assert!(
                text.lines().all(|line| line.chars().count() <= WIDTH),
                "{text}"
            );
        }
    }
}
