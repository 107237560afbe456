//! An account name and its secret crossed readable. The secret itself is never kept or shown.
//!
//! Sources: RFC 959 (FTP), RFC 854 (Telnet), RFC 7617 (HTTP basic), RFC 1157 (SNMP). Limit: a
//! login inside TLS is not seen, and is none.

use std::collections::BTreeSet;
use std::net::IpAddr;

use auscult_inventory::Party;
use auscult_model::report::{Finding, Severity};
use auscult_model::{Event, Meaning, span};

use crate::draft::Draft;
use crate::grade::Grade;
use crate::view::look_at_service;
use crate::words::{call_name, count, list, role_words};
use crate::{Detector, Fact, FactKey, Facts, RuleRecord, View};

static RECORD: RuleRecord = RuleRecord {
    rule: "cleartext-login",
    title: "Somebody logged in readably",
    when: "A login whose name and secret could be read crossed the network. One finding for each \
           server and way of logging in.",
    worst: Severity::Medium,
    innocent: &[
        "Scan-to-folder of printers and read-only SNMP: low, in the office.",
        "A vulnerability scanner that tries and is refused: info.",
        "A login inside TLS or SSH, or an anonymous one: none.",
    ],
    attack: &["T1040", "T1552"],
    cves: &[],
    sources: &["RFC 959", "RFC 854", "RFC 7617", "RFC 1157"],
};

/// Accounts of everybody, whose password is no secret (RFC 1635).
const ANONYMOUS: [&str; 2] = ["anonymous", "ftp"];

/// The detector.
pub(super) struct CleartextLogin;

impl Detector for CleartextLogin {
    fn record(&self) -> &'static RuleRecord {
        &RECORD
    }

    fn observe(&self, event: &Event, facts: &mut Facts) {
        let Meaning::Login {
            method,
            account,
            clear,
            accepted,
        } = &event.meaning
        else {
            return;
        };
        if !clear || ANONYMOUS.contains(&account.to_ascii_lowercase().as_str()) {
            return;
        }
        let answer = match accepted {
            Some(true) => "accepted",
            Some(false) => "refused",
            None => "not seen",
        };
        let mut fact = Fact::of(event, "a readable login").value("answer", answer);
        if !account.is_empty() {
            fact = fact.value("account", account.clone());
        }
        let key = FactKey {
            from: event.from.into(),
            to: event.to.into(),
            port: event.to.port,
            protocol: event.protocol,
            object: (*method).to_owned(),
        };
        facts.add(RECORD.rule, key, fact);
    }

    fn conclude(&self, facts: &Facts, view: &View<'_>) -> Vec<Finding> {
        let groups = facts.grouped(RECORD.rule, |key| {
            // One program that watches everything with one password is one line.
            let is_watched = key.object == WATCHING && !view.role(key.to).is_medical();
            let server = if is_watched {
                String::new()
            } else {
                view.who(key.to)
            };
            (server, key.protocol, &key.object)
        });
        groups.filter_map(|group| finding(view, &group)).collect()
    }
}

/// The method of which many servers are told together.
const WATCHING: &str = "snmp-community";

fn finding(view: &View<'_>, group: &[(&FactKey, &Fact)]) -> Option<Finding> {
    let (key, _) = group.first()?;
    let (server, protocol, method) = (key.to, key.protocol, key.object.as_str());
    let texts = |name: &'static str| -> BTreeSet<&str> {
        group
            .iter()
            .flat_map(|(_, fact)| fact.texts(name))
            .collect()
    };
    let (accounts, answers) = (texts("account"), texts("answer"));
    let mut grade = grade(view, server, &answers);
    let confidence = group
        .iter()
        .map(|(_, fact)| fact.confidence)
        .fold(0.0, f32::max);
    let mut local: Vec<_> = group.iter().map(|(key, _)| key.from.ip).collect();
    if view.is_local(server) {
        local.push(server.ip);
    }
    grade.cap_by_network(view, &local);

    let servers: BTreeSet<IpAddr> = group.iter().map(|(key, _)| key.to.ip).collect();
    let device = view.device(server).filter(|_| servers.len() == 1);
    let object = format!("{protocol} {method}");
    let mut draft = Draft::about(&RECORD, device, server.ip, &object)
        .text("protocol", protocol)
        .text("method", method)
        .number("port", u64::from(key.port))
        .texts("accounts", accounts.iter().copied())
        .texts("answers", answers.iter().copied());
    if servers.len() == 1 {
        draft = draft.peer(server.ip, None);
    }
    let mut clients = BTreeSet::new();
    let (mut first, mut last, mut times) = (None, None, 0u64);
    for (key, fact) in group {
        let client = view.device(key.from);
        clients.insert(view.name_and_address(key.from));
        let service = view
            .service(key.from.ip, key.to.ip, protocol)
            .map(|(transport, _)| (transport, key.port));
        let look = look_at_service(key.to.ip, service);
        draft = draft
            .device(client)
            .device(view.device(key.to))
            .times(fact.first, fact.last, fact.count)
            .packets_of(view, fact, &look);
        first = Some(first.map_or(fact.first, |known| fact.first.min(known)));
        last = Some(last.map_or(fact.last, |known| fact.last.max(known)));
        times += fact.count;
    }
    let name = match servers.len() {
        0 | 1 => device.map_or_else(|| server.ip.to_string(), call_name),
        several => count(several, "device", "devices"),
    };
    let times = usize::try_from(times).unwrap_or(usize::MAX);
    let when = match (first, last) {
        (Some(first), Some(last)) => span(first, last),
        _ => String::new(),
    };
    let whose = match accounts.len() {
        0 => String::new(),
        1 => format!(", account {}", list(&accounts)),
        _ => format!(", accounts {}", list(&accounts)),
    };
    let draft = draft
        .words(
            format!("Readable login on {name} by {}", protocol_name(protocol)),
            "Nothing to do at the bedside.",
            "Change the secret after switching to an encrypted way of logging in (SSH, HTTPS, \
             SFTP, SNMP version 3); until then allow it from the few that need it.",
        )
        .seen(format!(
            "From {}: {}{whose}, {when}.",
            list(&clients),
            count(times, "login", "logins"),
        ))
        .innocent(
            "Old devices often know no other way. Looked at: whether the login was accepted, and \
             what the server is.",
        );
    Some(draft.finish(grade, confidence))
}

fn grade(view: &View<'_>, server: Party, answers: &BTreeSet<&str>) -> Grade {
    let role = view.role(server);
    let mut grade = if role.is_medical() {
        Grade::new(
            Severity::Medium,
            format!("the login opens a medical device ({})", role_words(role)),
        )
    } else {
        Grade::new(
            Severity::Low,
            "office hygiene: the secret can be read on the way",
        )
    };
    if answers.len() == 1 && answers.contains("refused") {
        grade.cap(Severity::Info, "every login was refused");
    }
    grade
}

fn protocol_name(protocol: &str) -> String {
    protocol.to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{Host, Scene, Talk, host};

    const RULE: &str = "cleartext-login";

    fn client() -> Host {
        host([10, 1, 1, 5])
    }

    fn server() -> Host {
        host([10, 1, 1, 60])
    }

    fn login(scene: Scene, clear: bool, accepted: Option<bool>) -> Scene {
        login_as(scene, "scan2ftp", clear, accepted)
    }

    fn login_as(scene: Scene, who: &str, clear: bool, accepted: Option<bool>) -> Scene {
        let login = Meaning::Login {
            method: "ftp-password",
            account: who.to_owned(),
            clear,
            accepted,
        };
        scene
            .talk(client(), server(), 21, "ftp", Talk::ANSWERED)
            .say(client(), server(), "ftp", login)
    }

    #[test]
    fn in_the_office_it_is_low() {
        let finding = login(Scene::new(), true, Some(true)).one(RULE);
        assert_eq!(finding.severity, Severity::Low);
        assert_eq!(finding.devices.len(), 2);
        assert!(finding.seen[0].contains("scan2ftp"));
    }

    #[test]
    fn on_a_medical_device_it_is_medium() {
        let station = host([10, 1, 1, 9]);
        let scene = Scene::new()
            .talk(server(), station, 515, "contec-cms", Talk::ANSWERED)
            .patient(server(), station, "contec-cms");
        assert_eq!(
            login(scene, true, Some(true)).one(RULE).severity,
            Severity::Medium
        );
    }

    #[test]
    fn near_miss_a_secret_that_cannot_be_read() {
        assert_eq!(login(Scene::new(), false, Some(true)).of(RULE), []);
    }

    #[test]
    fn near_miss_guests() {
        let mut scene = login(Scene::new(), true, Some(true));
        scene
            .site
            .guest_networks
            .push("10.1.0.0/16".parse().unwrap());
        assert_eq!(scene.one(RULE).severity, Severity::Info);
    }

    #[test]
    fn near_miss_everybodys_account() {
        let scene = login_as(Scene::new(), "anonymous", true, Some(true));
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_a_scanner_that_is_refused() {
        let finding = login(Scene::new(), true, Some(false)).one(RULE);
        assert_eq!(finding.severity, Severity::Info);
        let both = login(login(Scene::new(), true, Some(false)), true, Some(true));
        assert_eq!(both.one(RULE).severity, Severity::Low);
    }

    #[test]
    fn near_miss_a_guest_logs_in_elsewhere() {
        let outside = crate::scene::outside();
        let login = Meaning::Login {
            method: "ftp-password",
            account: "me".to_owned(),
            clear: true,
            accepted: Some(true),
        };
        let scene = Scene::new()
            .talk(client(), outside, 21, "ftp", Talk::ANSWERED)
            .say(client(), outside, "ftp", login);
        assert_eq!(scene.one(RULE).severity, Severity::Low);
        assert_eq!(
            scene.guests("10.1.0.0/16").one(RULE).severity,
            Severity::Info
        );
    }
}
