//! Does a block work?

use auscult_model::report::{Device, Report, TalksTo, Where};
use ipnet::IpNet;

use super::{Answer, Verified};
use crate::condition::{Proof, conversation};
use crate::view::called;

/// What a line of conversations says of a block between the device and the outside.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Says {
    /// Somebody tried, and nothing came back.
    Stopped,
    /// It was answered.
    Passed,
    /// Whether it was answered could not be seen.
    Unknown,
    /// It never went by the edge.
    Beside,
}

/// Whether nothing gets through to and from a network: what was opened stayed unanswered, on both
/// sides.
pub fn blocked(report: &Report, network: IpNet) -> Verified {
    let mut stopped = Vec::new();
    let mut passed = Vec::new();
    let mut unknown = Vec::new();
    let mut beside = Vec::new();
    for device in &report.devices {
        // What the network's own addresses did is told by their partners here.
        if device.ips.iter().any(|ip| network.contains(ip)) && !device.inside {
            continue;
        }
        for line in device
            .talks_to
            .iter()
            .filter(|it| network.contains(&it.peer))
        {
            let list = match says(line) {
                Says::Stopped => &mut stopped,
                Says::Passed => &mut passed,
                Says::Unknown => &mut unknown,
                Says::Beside => &mut beside,
            };
            list.push(proof(report, device, line));
        }
    }
    let (answer, because) = match (passed.len(), unknown.len(), stopped.len()) {
        (0, 0, 0) => (
            Answer::CannotTell,
            "nobody was seen trying to get there or to come from there".to_owned(),
        ),
        (0, 0, tried) => (Answer::Holds, format!("{} without an answer", lines(tried))),
        (0, open, _) => (
            Answer::CannotTell,
            format!(
                "of {} it could not be seen whether they were answered",
                lines(open)
            ),
        ),
        (answered, ..) => (Answer::DoesNotHold, format!("{} answered", lines(answered))),
    };
    let (seen, rest) = match answer {
        Answer::DoesNotHold => (passed, [stopped, unknown, beside].concat()),
        Answer::Holds => (stopped, beside),
        Answer::CannotTell => (unknown, [stopped, beside].concat()),
    };
    Verified {
        statement: format!("nothing gets through to or from {network}"),
        answer,
        because: vec![because],
        watched: watched(report),
        seen,
        besides: rest,
        remains: "Only what was tried tells of a block: by another way, another port or from \
                  another segment it may be open. An address where nobody is looks the same."
            .to_owned(),
    }
}

fn lines(count: usize) -> String {
    match count {
        1 => "1 conversation".to_owned(),
        count => format!("{count} conversations"),
    }
}

fn says(line: &TalksTo) -> Says {
    match line.place {
        Where::Squatted | Where::SameSegment | Where::Inside | Where::Group => Says::Beside,
        Where::AnsweredFar | Where::AnsweredNear | Where::Left => Says::Passed,
        Where::Attempted | Where::Blocked => Says::Stopped,
        Where::Partner if line.answered => Says::Passed,
        Where::Partner => Says::Stopped,
        Where::TowardsOutside if line.answered => Says::Passed,
        Where::TowardsOutside | Where::CannotTell => Says::Unknown,
    }
}

/// The conversation, with the packets that findings about it name.
fn proof(report: &Report, device: &Device, line: &TalksTo) -> Proof {
    let mut proof = conversation(device, line);
    proof.what = format!("{}: {}", called(device), proof.what);
    let about = report
        .findings
        .iter()
        .filter(|finding| finding.peer == Some(line.peer) && finding.devices.contains(&device.id));
    for packet in about.flat_map(|finding| &finding.evidence) {
        if !proof.packets.contains(packet) {
            proof.packets.push(packet.clone());
        }
    }
    proof
}

fn watched(report: &Report) -> Vec<String> {
    let captures = report.captures.iter();
    captures
        .filter_map(|capture| {
            let (first, last) = (capture.first?, capture.last?);
            Some(format!("{}: {first} to {last}", capture.file))
        })
        .collect()
}
