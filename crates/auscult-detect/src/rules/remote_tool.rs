//! A device that patients depend on is worked on from outside by a program for remote control.
//!
//! Sources: ATT&CK T1219; protocols by their first bytes, services by name. Limits: a program that
//! hides in TLS without a name that is known is not told apart from other TLS.

use std::collections::BTreeSet;

use auscult_inventory::{ServiceKind, known_service};
use auscult_model::report::{Finding, Severity};

use super::outbound::{Outbound, Pair, for_each_pair};
use crate::grade::Grade;
use crate::stake::{Stake, stake};
use crate::words::{list, protocol_words};
use crate::{Detector, Facts, RuleRecord, View};

static RECORD: RuleRecord = RuleRecord {
    rule: "remote-tool",
    title: "A program for remote control talks to the outside",
    when: "A medical or embedded device had an answered conversation of a program for remote \
           control (TeamViewer, AnyDesk, VNC outward), or with a service of that kind by name.",
    worst: Severity::Medium,
    innocent: &[
        "The maker's remote service: ask for its contract; VNC outward is low for that reason.",
        "Help for office computers: nothing.",
    ],
    attack: &["T1219", "T0886"],
    cves: &[],
    sources: &["ATT&CK T1219"],
};

/// Protocols of programs for remote control that anybody can install.
const TOOLS: [&str; 2] = ["teamviewer", "anydesk"];
/// Makers use it to reach their devices, too.
const SCREEN: &str = "vnc";

/// The detector.
pub(super) struct RemoteTool;

impl Detector for RemoteTool {
    fn record(&self) -> &'static RuleRecord {
        &RECORD
    }

    fn conclude(&self, _facts: &Facts, view: &View<'_>) -> Vec<Finding> {
        let is_tool = |talk: &Outbound<'_>| {
            // Whose it is costs less than what the peer is called.
            talk.answered && stake(view.role(talk.local)).is_device() && tool(view, talk).is_some()
        };
        for_each_pair(view, is_tool, finding)
    }
}

/// The tool that a conversation belongs to.
fn tool(view: &View<'_>, talk: &Outbound<'_>) -> Option<&'static str> {
    if let Some(tool) = TOOLS.iter().find(|tool| **tool == talk.key.protocol) {
        return Some(tool);
    }
    if talk.key.protocol == SCREEN {
        return Some(SCREEN);
    }
    let services = view.names(talk.peer).into_iter().filter_map(known_service);
    let mut remote = services.filter(|service| service.kind == ServiceKind::Remote);
    remote.next().map(|service| service.operator)
}

fn finding(pair: &Pair<'_, '_>) -> Option<Finding> {
    let (stake, view) = (pair.stake(), pair.view);
    let tools = pair.talks.iter().filter_map(|talk| tool(view, talk));
    let tools: BTreeSet<&str> = tools.collect();
    let severity = match stake {
        Stake::Bedside | Stake::Medical if tools.iter().any(|tool| *tool != SCREEN) => {
            Severity::Medium
        }
        _ => Severity::Low,
    };
    let mut grade = Grade::new(
        severity,
        format!("{} can be worked on from outside", stake.words()),
    );
    let reach = pair.reach();
    let confidence = reach.confidence * 0.9;
    grade.cap_by_network(view, &[pair.local.ip]);
    let (name, protocols) = (pair.name(), pair.protocols().into_iter());
    let protocols: BTreeSet<&str> = protocols.map(protocol_words).collect();
    Some(
        pair.draft(&RECORD, &reach, 3)
            .texts("tools", tools.iter().copied())
            .texts("names", view.names(pair.peer))
            .words(
                format!("{name} has a way in for remote control ({})", list(&tools)),
                "Nothing to do at the bedside.",
                "Ask whose service this is. Allow it during maintenance only, by a way that you \
                 switch on yourselves.",
            )
            .seen(format!("To {} by {}.", pair.peer, list(&protocols)))
            .innocent(
                "The maker's remote service. Looked at: the protocol's bytes, names of the other \
                 side, what the device is.",
            )
            .finish(grade, confidence),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{Scene, Talk, host, monitor, outside, ward};

    const RULE: &str = "remote-tool";

    fn at_work() -> Scene {
        ward().way_out(monitor())
    }

    #[test]
    fn a_tool_on_a_monitor_is_medium() {
        let scene = at_work().talk(monitor(), outside(), 5938, "teamviewer", Talk::ANSWERED);
        assert_eq!(scene.one(RULE).severity, Severity::Medium);
    }

    #[test]
    fn a_service_known_by_name_counts() {
        let named = auscult_model::Meaning::NameAnswered {
            name: "router1.teamviewer.com".to_owned(),
            addresses: vec![outside().ip],
        };
        let scene = at_work()
            .talk(monitor(), outside(), 443, "tls", Talk::ANSWERED)
            .say(host([10, 20, 0, 2]), monitor(), "dns", named);
        assert_eq!(scene.one(RULE).severity, Severity::Medium);
    }

    #[test]
    fn near_miss_ordinary_tls() {
        let scene = at_work().talk(monitor(), outside(), 443, "tls", Talk::ANSWERED);
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_a_makers_screen_outward_is_low() {
        let scene = at_work().talk(monitor(), outside(), 5500, "vnc", Talk::ANSWERED);
        assert_eq!(scene.one(RULE).severity, Severity::Low);
    }

    #[test]
    fn near_miss_nobody_answers() {
        let scene = at_work().talk(monitor(), outside(), 5938, "teamviewer", Talk::UNANSWERED);
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_an_office_computer() {
        let pc = host([10, 20, 9, 77]);
        let scene = Scene::new()
            .office(pc)
            .talk(pc, outside(), 5938, "teamviewer", Talk::ANSWERED);
        assert_eq!(scene.of(RULE), []);
    }

    #[test]
    fn near_miss_guests() {
        let mut scene = at_work().talk(monitor(), outside(), 5938, "teamviewer", Talk::ANSWERED);
        scene
            .site
            .guest_networks
            .push("10.20.3.0/24".parse().unwrap());
        assert_eq!(scene.one(RULE).severity, Severity::Info);
    }
}
