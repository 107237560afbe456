//! A wireless network's name holds characters that a monitor's set-up would take for commands.
//!
//! Source: CVE-2022-3027 (CISA ICSMA-22-244-01): the name of a network is not cleaned, so that
//! files can be written and wrong things shown. Limit: only captures of the radio
//! link hold names of networks.

use std::collections::BTreeMap;

use auscult_inventory::{ClaimFact, Subject};
use auscult_model::report::{Finding, Severity};

use crate::draft::Draft;
use crate::grade::Grade;
use crate::words::count;
use crate::{Detector, Facts, RuleRecord, View};

static RECORD: RuleRecord = RuleRecord {
    rule: "hostile-ssid",
    title: "A wireless network's name looks like a command",
    when: "An access point offered a network whose name holds a shell's substitution or separator \
           followed by a word, a path out of its folder, or a format's directive that writes.",
    worst: Severity::Medium,
    innocent: &[
        "Names with an ampersand, a dollar or a per cent sign as people write them: nothing.",
    ],
    attack: &["T0860"],
    cves: &["CVE-2022-3027"],
    sources: &["CISA ICSMA-22-244-01 Update A (2025-01-30)"],
};

/// The detector.
pub(super) struct HostileSsid;

/// What in a name a shell or a formatting function would act on.
fn command(name: &str) -> Option<&'static str> {
    let followed = |mark: char| {
        name.split_once(mark).is_some_and(|(_, rest)| {
            let rest = rest.trim_start();
            rest.starts_with(['/', '.']) || rest.split(' ').next().is_some_and(is_program)
        })
    };
    if name.contains("$(") || name.matches('`').count() >= 2 {
        return Some("a shell's substitution");
    }
    if followed(';') || followed('|') {
        return Some("a shell's separator before a command");
    }
    let climbs = name.contains("../") || name.contains("..\\");
    if climbs || (name.starts_with('/') && name.matches('/').count() > 1) {
        return Some("a path");
    }
    let directive = name.match_indices('%').any(|(at, _)| {
        let rest = name.get(at + 1..).unwrap_or_default();
        rest.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '$' | '.' | 'h' | 'l'))
            .starts_with('n')
            && rest.chars().nth(1).is_none_or(|c| !c.is_alphabetic())
    });
    directive.then_some("a format's directive that writes")
}

/// Programs that every small system has.
fn is_program(word: &str) -> bool {
    const PROGRAMS: [&str; 14] = [
        "sh", "cp", "rm", "mv", "cat", "echo", "wget", "tftp", "ftpget", "nc", "reboot", "telnetd",
        "mount", "touch",
    ];
    PROGRAMS.contains(&word)
}

impl Detector for HostileSsid {
    fn record(&self) -> &'static RuleRecord {
        &RECORD
    }

    fn conclude(&self, _facts: &Facts, view: &View<'_>) -> Vec<Finding> {
        let mut names: BTreeMap<&str, Vec<(Subject, &ClaimFact)>> = BTreeMap::new();
        for (subject, attribute, value, _, fact) in view.ledger.claims() {
            if attribute == "ssid" && command(value).is_some() {
                names.entry(value).or_default().push((subject, fact));
            }
        }
        names
            .iter()
            .map(|(name, told)| finding(view, name, told))
            .collect()
    }
}

fn finding(view: &View<'_>, name: &str, told: &[(Subject, &ClaimFact)]) -> Finding {
    let what = command(name).unwrap_or_default();
    let grade = Grade::new(Severity::Medium, format!("the name holds {what}"));
    let mut draft = Draft::new(&RECORD, "ssid", name)
        .text("ssid", name)
        .cves(&["CVE-2022-3027"]);
    for (_, fact) in told {
        draft = draft
            .times(fact.seen.first, fact.seen.last, fact.seen.count)
            .packet(view, fact.seen.packets[1], "offers the network", "");
    }
    draft
        .words(
            "A wireless network's name looks like a command",
            "If a monitor's display changes after a search for networks, switch its wireless off.",
            "Find the access point. Do not search for networks on monitors of the CMS8000 family \
             near it.",
        )
        .seen(format!(
            "{} offers it.",
            count(told.len(), "access point", "access points")
        ))
        .innocent("A joke of a neighbour. Looked at: what a shell or a format would make of it.")
        .finish(grade, 0.8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_from_names() {
        for name in [
            "x$(reboot)",
            "a;wget http://x",
            "a`id`b",
            "%n%n",
            "ward %08n",
            "a|/bin/x",
            "../../opt/bin/monitor",
            "/etc/passwd",
        ] {
            assert!(command(name).is_some(), "{name}");
        }
        let ordinary = [
            "Klinik & Partner",
            "100% wifi",
            "Cafe; nice",
            "$ave",
            "50%",
            "%name",
            "a|b",
            "24/7",
            "/home",
            "wait...",
        ];
        for name in ordinary {
            assert_eq!(command(name), None, "{name}");
        }
    }

    #[test]
    fn a_network_is_told() {
        use auscult_model::{About, Meaning};
        let scene = |name: &str| {
            let claim = Meaning::Claim {
                about: About::Sender,
                attribute: "ssid",
                value: name.to_owned(),
            };
            let point = crate::scene::host([0, 0, 0, 0]);
            crate::scene::Scene::new().say(point, crate::scene::everybody(), "wlan", claim)
        };
        assert_eq!(
            scene("$(reboot)").one("hostile-ssid").severity,
            Severity::Medium
        );
        assert_eq!(scene("Station 3").of("hostile-ssid"), []);
    }

    #[test]
    fn near_miss_a_command_in_another_text() {
        use auscult_model::{About, Meaning};
        let claim = |attribute| Meaning::Claim {
            about: About::Sender,
            attribute,
            value: "x$(reboot)".to_owned(),
        };
        let (ap, all) = (crate::scene::pc(), crate::scene::everybody());
        let said = |attribute| crate::scene::Scene::new().say(ap, all, "wifi", claim(attribute));
        assert_eq!(said("ssid").of("hostile-ssid").len(), 1);
        assert_eq!(said("http_server").of("hostile-ssid"), []);
    }
}
