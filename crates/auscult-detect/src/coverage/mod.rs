//! The fixed questions that every report answers, with what was watched and what to do next.
//!
//! `no` is said only where a `yes` would have been seen: both directions, few losses, and the
//! traffic in question in view. `docs/capture.md` has the places to capture that `next` names.

mod questions;
mod sight;

use auscult_model::report::{Answer, CapturePoint, Coverage, Finding};

use crate::View;
use sight::Sight;

/// Answers the fixed questions; `points` are where each capture was taken
/// ([`capture_points`](crate::capture_points)).
pub fn coverage(view: &View<'_>, points: &[CapturePoint], findings: &[Finding]) -> Vec<Coverage> {
    let sight = Sight::of(points, view);
    QUESTIONS
        .iter()
        .map(|(id, question, answer)| {
            let reply = answer(view, &sight, findings);
            Coverage {
                id: (*id).into(),
                question: (*question).into(),
                answer: reply.answer,
                because: reply.because,
                next: reply.next,
                short: reply.short,
            }
        })
        .collect()
}

/// Names of the fixed questions.
pub fn questions() -> impl Iterator<Item = &'static str> {
    QUESTIONS.iter().map(|(id, _, _)| *id)
}

/// What a question comes to.
struct Reply {
    answer: Answer,
    short: String,
    because: String,
    next: Option<String>,
}

impl Reply {
    fn new(answer: Answer, short: impl Into<String>, because: impl Into<String>) -> Self {
        Reply {
            answer,
            short: short.into(),
            because: because.into(),
            next: None,
        }
    }

    fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}

type Question = fn(&View<'_>, &Sight, &[Finding]) -> Reply;

static QUESTIONS: [(&str, &str, Question); 8] = [
    (
        "contec-cms8000-present",
        "CMS8000 family on the network?",
        questions::family_present,
    ),
    (
        "patient-data-leaves",
        "Does patient data leave?",
        questions::patient_data_leaves,
    ),
    (
        "code-fetched",
        "Was code fetched into a device?",
        questions::code_fetched,
    ),
    (
        "devices-reach-internet",
        "Can devices reach the Internet?",
        questions::devices_reach_internet,
    ),
    (
        "internet-reaches-devices",
        "Can the Internet reach devices?",
        questions::internet_reaches_devices,
    ),
    (
        "unknown-devices-reach-outside",
        "Do unknown devices reach outside?",
        questions::unknown_devices_reach_outside,
    ),
    (
        "remote-monitoring",
        "Who monitors remotely?",
        questions::remote_monitoring,
    ),
    (
        "readings-true",
        "Are the readings true?",
        questions::readings_true,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{Host, Scene, Talk, far, host};
    use auscult_model::FileClass;

    fn answer(scene: &Scene, id: &str) -> Answer {
        let answers = scene.answers();
        let answer = answers.iter().find(|answer| answer.id == id);
        answer.expect("a fixed question").answer
    }

    fn monitor() -> Host {
        host([10, 20, 3, 14])
    }

    fn ward() -> Scene {
        let station = host([10, 20, 3, 5]);
        Scene::new()
            .talk(monitor(), station, 515, "contec-cms", Talk::ANSWERED)
            .patient(monitor(), station, "contec-cms")
    }

    fn leak(talk: Talk) -> Scene {
        let outside = far([202, 114, 4, 119]);
        Scene::new()
            .talk(monitor(), outside, 515, "contec-cms", talk)
            .patient(monitor(), outside, "contec-cms")
    }

    #[test]
    fn all_questions_are_answered_also_of_nothing() {
        let answers = Scene::new().answers();
        assert_eq!(answers.len(), 8);
        for answer in answers {
            assert_ne!(answer.answer, Answer::No, "{}", answer.id);
            assert_ne!(answer.answer, Answer::Yes, "{}", answer.id);
            assert!(!answer.because.is_empty() && !answer.short.is_empty());
        }
    }

    #[test]
    fn data_that_leave() {
        let id = "patient-data-leaves";
        assert_eq!(answer(&leak(Talk::ANSWERED), id), Answer::Yes);
        assert_eq!(answer(&leak(Talk::ONE_WAY), id), Answer::CannotTell);
        assert_eq!(answer(&ward(), id), Answer::NotSeen, "no way out in view");
        let outside = far([202, 114, 4, 119]);
        let inbound = ward()
            .talk(monitor(), outside, 104, "dicom", Talk::ANSWERED)
            .patient(outside, monitor(), "dicom");
        assert_ne!(answer(&inbound, id), Answer::Yes, "it came in");
        let other = host([10, 20, 3, 77]);
        let clear = ward().way_out(other);
        assert_eq!(answer(&clear, id), Answer::No);
        let opaque = ward().way_out(monitor());
        assert_eq!(answer(&opaque, id), Answer::NotSeen, "it may be inside TLS");
        let mut lossy = ward().way_out(other);
        lossy.health.loss_ppm = 20_000;
        assert_eq!(answer(&lossy, id), Answer::CannotTell);
        let reason = |scene: &Scene| {
            let answers = scene.answers();
            let answer = answers.iter().find(|answer| answer.id == id);
            answer.expect("a fixed question").because.clone()
        };
        assert!(reason(&lossy).contains("missing"));
        lossy.health.cut_by_snaplen = lossy.health.packets;
        assert!(reason(&lossy).contains("cut short"), "what to do is told");
        let office = Scene::new().way_out(other);
        assert_eq!(answer(&office, id), Answer::NotSeen, "nothing medical");
    }

    #[test]
    fn code_that_is_fetched() {
        let id = "code-fetched";
        assert_eq!(answer(&ward(), id), Answer::No);
        let server = far([202, 114, 4, 119]);
        let fetched = ward()
            .talk(monitor(), server, 2049, "nfs", Talk::ANSWERED)
            .file(server, monitor(), "nfs", FileClass::Executable);
        assert_eq!(answer(&fetched, id), Answer::Yes);
        let asked = ward()
            .talk(monitor(), server, 635, "mount", Talk::ANSWERED)
            .mount(monitor(), server, "/pm", Some(true));
        assert_eq!(answer(&asked, id), Answer::CannotTell);
        assert_eq!(
            answer(&Scene::new().way_out(monitor()), id),
            Answer::NotSeen
        );
    }

    #[test]
    fn broadcasts_alone_prove_nothing() {
        let scene = Scene::new().asked(monitor(), host([10, 20, 3, 5]).ip, (3, 60), None);
        for answer in scene.answers() {
            assert_eq!(answer.answer, Answer::CannotTell, "{}", answer.id);
        }
    }

    #[test]
    fn one_direction_is_never_a_no() {
        let station = host([10, 20, 3, 5]);
        let scene = Scene::new()
            .talk(monitor(), station, 515, "contec-cms", Talk::ONE_WAY)
            .patient(monitor(), station, "contec-cms")
            .talk(
                host([10, 20, 3, 77]),
                far([198, 51, 100, 80]),
                443,
                "tls",
                Talk::ONE_WAY,
            );
        for answer in scene.answers() {
            assert_ne!(answer.answer, Answer::No, "{}", answer.id);
        }
    }

    #[test]
    fn the_family_is_never_a_no() {
        let id = "contec-cms8000-present";
        assert_eq!(answer(&ward(), id), Answer::Yes);
        let office = Scene::new().way_out(host([10, 20, 3, 77]));
        assert_eq!(answer(&office, id), Answer::NotSeen);
        let hint = Scene::new()
            .asked(monitor(), far([202, 114, 4, 119]).ip, (9, 60), None)
            .way_out(host([10, 20, 3, 77]));
        assert_eq!(answer(&hint, id), Answer::CannotTell);
    }

    #[test]
    fn reach_in_and_out() {
        let id = "devices-reach-internet";
        assert_eq!(answer(&leak(Talk::ANSWERED), id), Answer::Yes);
        let outside = far([202, 114, 4, 119]);
        let tried = ward()
            .talk(monitor(), outside, 515, "unknown", Talk::UNANSWERED)
            .way_out(host([10, 20, 3, 77]));
        assert_eq!(answer(&tried, id), Answer::No);
        let mut lossy = ward()
            .talk(monitor(), outside, 515, "unknown", Talk::UNANSWERED)
            .way_out(host([10, 20, 3, 77]));
        lossy.health.loss_ppm = 20_000;
        assert_eq!(answer(&lossy, id), Answer::CannotTell);
        let unseen = far([203, 0, 112, 9]);
        let half = tried.talk(monitor(), unseen, 80, "http", Talk::ONE_WAY);
        assert_eq!(answer(&half, id), Answer::CannotTell);
        assert_eq!(answer(&ward(), id), Answer::CannotTell);
        let inbound = ward().talk(outside, monitor(), 23, "telnet", Talk::ANSWERED);
        assert_eq!(answer(&inbound, "internet-reaches-devices"), Answer::Yes);
        assert_eq!(
            answer(&ward(), "internet-reaches-devices"),
            Answer::CannotTell
        );
        let unknown = Scene::new().way_out(host([10, 20, 3, 77]));
        assert_eq!(
            answer(&unknown, "unknown-devices-reach-outside"),
            Answer::Yes
        );
    }

    #[test]
    fn beyond_translation_devices_are_hidden() {
        let (outer, server) = (far([192, 0, 2, 7]), far([198, 51, 100, 80]));
        let scene = Scene::new().talk(outer, server, 443, "tls", Talk::ANSWERED);
        let id = "unknown-devices-reach-outside";
        assert_eq!(answer(&scene, id), Answer::CannotTell);
    }

    #[test]
    fn who_monitors() {
        let id = "remote-monitoring";
        assert_eq!(answer(&ward(), id), Answer::Yes);
        assert_eq!(answer(&leak(Talk::ANSWERED), id), Answer::NotSeen);
        let known = leak(Talk::ANSWERED).patient(far([202, 114, 4, 119]), monitor(), "hl7");
        assert_eq!(answer(&known, id), Answer::NotSeen, "not a station of ours");
        assert_eq!(answer(&ward(), "readings-true"), Answer::CannotTell);
    }
}
