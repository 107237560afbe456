//! A device offers a way in that asks nobody who he is, or that is known to be broken.
//!
//! Sources: RFC 6143 (VNC without security), MS-SMB, RFC 854. Limits: only what was used or
//! announced in the capture is seen; whether a firewall lets others in is not.

use std::collections::BTreeMap;

use auscult_inventory::{ClaimFact, Party, Subject};
use auscult_model::report::{Finding, Severity};
use auscult_model::{ConversationKey, ConversationSum, Outcome, Timestamp};

use crate::draft::Draft;
use crate::grade::Grade;
use crate::stake::{Stake, stake};
use crate::view::{look_at, responder};
use crate::words::list;
use crate::{Detector, Facts, RuleRecord, View};

static RECORD: RuleRecord = RuleRecord {
    rule: "exposed-service",
    title: "A device offers a way in that is open or broken",
    when: "A device offered VNC without a password, agreed on SMB 1, or answered Telnet.",
    worst: Severity::Medium,
    innocent: &[
        "Old devices that know nothing else: low, unless patients depend on it.",
        "Screens that are shown in a corridor on purpose.",
        "A vulnerability scanner that only opens the port: nothing.",
    ],
    attack: &["T0886", "T0866"],
    cves: &[],
    sources: &["RFC 6143", "MS-SMB", "RFC 854"],
};

/// The detector.
pub(super) struct ExposedService;

/// What is open about a service: by whom it was told, in which words.
struct Exposure {
    object: &'static str,
    words: &'static str,
    action: &'static str,
}

static NO_PASSWORD: Exposure = Exposure {
    object: "vnc without password",
    words: "its screen can be taken over by VNC without a password",
    action: "Set a password, or switch VNC off; allow it from the maintenance network alone.",
};
static SMB_1: Exposure = Exposure {
    object: "smb 1",
    words: "it agrees on SMB 1, which worms use to spread",
    action: "Switch SMB 1 off; where the device knows nothing else, allow it to its one server.",
};
static TELNET: Exposure = Exposure {
    object: "telnet",
    words: "it answers Telnet",
    action: "Switch Telnet off, or allow it from the maintenance network alone.",
};

/// What a claim about its sender tells.
fn told(attribute: &str, value: &str) -> Option<&'static Exposure> {
    match attribute {
        "vnc_security" if value.split(", ").any(|kind| kind == "none") => Some(&NO_PASSWORD),
        "smb_dialect" if value == "1" => Some(&SMB_1),
        _ => None,
    }
}

/// What a conversation tells.
fn shown(key: &ConversationKey, sum: &ConversationSum) -> Option<&'static Exposure> {
    let answered = key.outcome == Outcome::Answered && sum.payload.iter().all(|bytes| *bytes > 0);
    (answered && key.protocol == "telnet").then_some(&TELNET)
}

impl Detector for ExposedService {
    fn record(&self) -> &'static RuleRecord {
        &RECORD
    }

    fn conclude(&self, _facts: &Facts, view: &View<'_>) -> Vec<Finding> {
        let claims = view.ledger.claims();
        let claims = claims.filter_map(|(subject, attribute, value, _, fact)| {
            let Subject::Party(party) = subject else {
                return None;
            };
            Some((party, told(attribute, value)?, Source::Claim(fact)))
        });
        let talks = view.ledger.conversations().filter_map(|(key, sum)| {
            let party = responder(key);
            Some((party, shown(key, sum)?, Source::Talk(key, sum)))
        });
        let mut found: BTreeMap<(String, &str), (Party, &Exposure, Sources<'_>)> = BTreeMap::new();
        for (party, exposure, source) in claims.chain(talks) {
            if view.is_local(party) {
                let key = (view.who(party), exposure.object);
                let fresh = || (party, exposure, Vec::new());
                found.entry(key).or_insert_with(fresh).2.push(source);
            }
        }
        found
            .values()
            .filter_map(|(party, exposure, sources)| finding(view, *party, exposure, sources))
            .collect()
    }
}

/// What shows it.
enum Source<'a> {
    Claim(&'a ClaimFact),
    Talk(&'a ConversationKey, &'a ConversationSum),
}

type Sources<'a> = Vec<Source<'a>>;

impl Source<'_> {
    fn confidence(&self) -> f32 {
        match self {
            Source::Claim(fact) => fact.confidence,
            Source::Talk(..) => 0.9,
        }
    }

    fn times(&self) -> (Timestamp, Timestamp, u64) {
        match self {
            Source::Claim(fact) => (fact.seen.first, fact.seen.last, fact.seen.count),
            Source::Talk(_, sum) => (sum.first, sum.last, sum.flows),
        }
    }
}

fn finding(
    view: &View<'_>,
    party: Party,
    exposure: &Exposure,
    sources: &[Source<'_>],
) -> Option<Finding> {
    let stake = stake(view.role(party));
    let severity = match stake {
        Stake::Bedside => Severity::Medium,
        Stake::Medical if exposure.object != TELNET.object => Severity::Medium,
        Stake::Medical | Stake::Embedded => Severity::Low,
        // Ordinary IT has programs of its own for this.
        Stake::Unknown | Stake::Office => Severity::Info,
    };
    let mut grade = Grade::new(severity, format!("{}: {}", stake.words(), exposure.words));
    let confidence = sources.iter().map(Source::confidence).fold(0.0, f32::max);
    grade.cap_by_network(view, &[party.ip]);
    let device = view.device(party);
    let name = view.name(party);
    let mut draft =
        Draft::about(&RECORD, device, party.ip, exposure.object).text("service", exposure.object);
    let mut peers = std::collections::BTreeSet::new();
    for source in sources {
        match source {
            Source::Claim(fact) => {
                let (first, last, times) = source.times();
                draft = draft.times(first, last, times).packet(
                    view,
                    fact.seen.packets[1],
                    "says so",
                    &look_at(party.ip),
                );
            }
            Source::Talk(key, sum) => {
                peers.insert(key.originator.to_string());
                draft = draft.talk(view, (key, sum));
            }
        }
    }
    if !peers.is_empty() {
        draft = draft.seen(format!("Used from {}.", list(&peers)));
    }
    Some(
        draft
            .words(
                format!("{name}: {}", exposure.words),
                "Nothing to do at the bedside.",
                exposure.action,
            )
            .innocent("Old devices often know nothing else. Looked at: what the device is.")
            .finish(grade, confidence),
    )
}

#[cfg(test)]
mod tests {
    use auscult_model::{About, Meaning};

    use super::*;
    use crate::scene::{Scene, Talk, monitor, pc, ward};

    const RULE: &str = "exposed-service";

    fn claim(attribute: &'static str, value: &str) -> Meaning {
        Meaning::Claim {
            about: About::Sender,
            attribute,
            value: value.to_owned(),
        }
    }

    #[test]
    fn an_open_screen_is_medium_on_a_monitor() {
        let open = claim("vnc_security", "none");
        let finding = ward().say(monitor(), pc(), "vnc", open).one(RULE);
        assert_eq!(finding.severity, Severity::Medium);
        let guarded = claim("vnc_security", "password");
        assert_eq!(ward().say(monitor(), pc(), "vnc", guarded).of(RULE), []);
    }

    #[test]
    fn old_smb_counts_and_new_does_not() {
        let old = claim("smb_dialect", "1");
        let finding = ward().say(monitor(), pc(), "smb", old.clone()).one(RULE);
        assert_eq!(finding.severity, Severity::Medium);
        let new = claim("smb_dialect", "3.1.1");
        assert_eq!(ward().say(monitor(), pc(), "smb", new).of(RULE), []);
        let office = Scene::new().office(pc()).say(pc(), monitor(), "smb", old);
        assert_eq!(office.one(RULE).severity, Severity::Info);
    }

    #[test]
    fn near_miss_a_telnet_port_that_is_only_opened() {
        let talk = Talk {
            payload: [0, 0],
            ..Talk::ANSWERED
        };
        let scene = ward().talk(pc(), monitor(), 23, "telnet", talk);
        assert_eq!(scene.of(RULE), []);
        let scene = ward().talk(pc(), monitor(), 23, "telnet", Talk::ANSWERED);
        assert_eq!(scene.one(RULE).severity, Severity::Medium);
    }

    #[test]
    fn near_miss_guests() {
        let open = claim("vnc_security", "none");
        let scene = ward().say(monitor(), pc(), "vnc", open);
        assert_eq!(
            scene.guests("10.20.3.0/24").one(RULE).severity,
            Severity::Info
        );
    }

    #[test]
    fn near_miss_a_device_of_somebody_else() {
        let open = claim("vnc_security", "none");
        let scene = ward().say(crate::scene::outside(), pc(), "vnc", open);
        assert_eq!(scene.of(RULE), []);
    }
}
