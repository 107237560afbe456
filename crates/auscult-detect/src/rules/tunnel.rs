//! A device that patients depend on keeps a tunnel to the outside, or one in names.
//!
//! Sources: protocols by their first bytes (RFC 7296, WireGuard, OpenVPN, Tor's own TLS is not
//! told); for tunnels in names see `name_tunnel.rs`. Limits: what goes through the tunnel is not
//! seen; tunnels inside TLS are not told.

use auscult_model::Event;
use auscult_model::report::{Finding, Severity};

use super::name_tunnel;
use super::outbound::{Outbound, Pair, for_each_pair};
use crate::grade::Grade;
use crate::stake::Stake;
use crate::words::list;
use crate::{Detector, Facts, RuleRecord, View};

static RECORD: RuleRecord = RuleRecord {
    rule: "tunnel",
    title: "A device keeps a tunnel to the outside",
    when: "A medical or embedded device had an answered conversation of a tunnel (OpenVPN, \
           WireGuard, IKE, SOCKS, SSH, Tor) with an address outside; or a device was answered at \
           least 100 different names of one zone in an hour that are long and look drawn by lot, \
           with data in the answers (300 when they are addresses or refusals).",
    worst: Severity::Medium,
    innocent: &[
        "The maker's remote service, or a gateway for teleradiology: declare it as a partner.",
        "Guests and office computers: nothing; names that look like data: low.",
        "Look-ups of protection programs in long names: known zones, few names, answers that are \
         verdicts; reverse names, keys of mail, names of machines in clouds: nothing.",
        "A name server that asks for others: info.",
    ],
    attack: &["T1090", "T1573", "T1071.004", "T1048"],
    cves: &[],
    sources: &[
        "RFC 7296",
        "RFC 1928",
        "RFC 4253",
        "WireGuard",
        "OpenVPN",
        "Farnham, Detecting DNS Tunneling (SANS, 2013)",
    ],
};

/// Protocols that carry others, and by which anything may leave.
const TUNNELS: [&str; 7] = ["openvpn", "wireguard", "ike", "esp", "socks", "tor", "ssh"];

/// The detector.
pub(super) struct Tunnel;

impl Detector for Tunnel {
    fn record(&self) -> &'static RuleRecord {
        &RECORD
    }

    fn observe(&self, event: &Event, facts: &mut Facts) {
        name_tunnel::observe(&RECORD, event, facts);
    }

    fn conclude(&self, facts: &Facts, view: &View<'_>) -> Vec<Finding> {
        let tunnels = |talk: &Outbound<'_>| talk.answered && TUNNELS.contains(&talk.key.protocol);
        let mut findings = for_each_pair(view, tunnels, finding);
        findings.extend(name_tunnel::conclude(&RECORD, facts, view));
        findings
    }
}

fn finding(pair: &Pair<'_, '_>) -> Option<Finding> {
    let stake = pair.stake();
    let severity = match stake {
        Stake::Bedside => Severity::Medium,
        // Gateways for teleradiology and the makers' services keep tunnels.
        Stake::Medical | Stake::Embedded => Severity::Low,
        Stake::Unknown | Stake::Office => return None,
    };
    let mut grade = Grade::new(severity, format!("{} keeps it", stake.words()));
    let reach = pair.reach();
    let confidence = reach.confidence * 0.9;
    grade.cap_by_network(pair.view, &[pair.local.ip]);
    let (name, peer, kinds) = (pair.name(), pair.peer, pair.protocols());
    Some(
        pair.draft(&RECORD, &reach, 3)
            .texts("protocols", kinds.iter().copied())
            .words(
                format!("{name} keeps a tunnel to {peer} ({})", list(&kinds)),
                "Nothing to do at the bedside.",
                "Ask whose tunnel this is. If it is the maker's or a partner's, write it into the \
                 site file; if nobody knows, close it.",
            )
            .seen("What goes through it cannot be seen.")
            .innocent("Remote service or teleradiology. Looked at: what the device is.")
            .finish(grade, confidence),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{Scene, Talk, far, host, monitor, ward};

    const RULE: &str = "tunnel";

    fn at_work() -> Scene {
        ward().way_out(monitor())
    }

    #[test]
    fn a_monitors_tunnel_is_medium() {
        let scene = at_work().talk(
            monitor(),
            far([198, 18, 7, 9]),
            1194,
            "openvpn",
            Talk::ANSWERED,
        );
        assert_eq!(scene.one(RULE).severity, Severity::Medium);
    }

    #[test]
    fn near_misses() {
        let outside = far([198, 18, 7, 9]);
        let inside = at_work().talk(monitor(), host([10, 20, 0, 9]), 22, "ssh", Talk::ANSWERED);
        assert_eq!(inside.of(RULE), []);
        let silent = at_work().talk(monitor(), outside, 1194, "openvpn", Talk::UNANSWERED);
        assert_eq!(silent.of(RULE), []);
        let pc = host([10, 20, 9, 77]);
        let office = Scene::new()
            .office(pc)
            .talk(pc, outside, 1194, "openvpn", Talk::ANSWERED);
        assert_eq!(office.of(RULE), []);
        let other = at_work().talk(monitor(), outside, 443, "tls", Talk::ANSWERED);
        assert_eq!(other.of(RULE), []);
    }

    #[test]
    fn near_miss_guests() {
        let outside = far([198, 18, 7, 9]);
        let scene = at_work().talk(monitor(), outside, 1194, "openvpn", Talk::ANSWERED);
        assert_eq!(
            scene.guests("10.20.3.0/24").one(RULE).severity,
            Severity::Info
        );
    }
}
