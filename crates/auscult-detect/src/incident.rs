//! Joins findings of one cause: the same device and the same other side.
//!
//! A device that asks for an address, is answered by a second card, mounts a share there and takes
//! a program is one story, told by four rules. Findings that name no other side (a login, an old
//! TLS) are stories of their own.

use std::collections::BTreeSet;

use auscult_model::report::{Finding, Incident, Severity, Step};

/// Steps of a timeline.
const STEPS: usize = 24;

/// The stories that findings tell together, in the order of their worst findings; each of two
/// findings at least, of which one is medium or worse.
pub fn incidents(findings: &[Finding]) -> Vec<Incident> {
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    for finding in findings {
        if finding.peer.is_none() {
            continue;
        }
        let joins = |group: &[&Finding]| {
            group.iter().any(|other| {
                other.peer == finding.peer
                    && (other.devices.iter()).any(|device| finding.devices.contains(device))
            })
        };
        // It may join groups that had nothing in common before.
        let (joined, rest): (Vec<_>, Vec<_>) = groups.into_iter().partition(|group| joins(group));
        groups = rest;
        let mut group: Vec<&Finding> = joined.into_iter().flatten().collect();
        group.push(finding);
        groups.push(group);
    }
    let mut incidents: Vec<(usize, Incident)> = groups
        .iter()
        .filter(|group| group.len() > 1)
        .filter(|group| group.iter().any(|f| f.severity >= Severity::Medium))
        .filter_map(|group| incident(findings, group))
        .collect();
    incidents.sort_by_key(|(place, _)| *place);
    incidents
        .into_iter()
        .map(|(_, incident)| incident)
        .collect()
}

fn incident(findings: &[Finding], group: &[&Finding]) -> Option<(usize, Incident)> {
    let place = |finding: &&Finding| findings.iter().position(|other| other.id == finding.id);
    let mut group: Vec<&Finding> = group.to_vec();
    group.sort_by_key(place);
    let worst = group.first()?;
    let devices: BTreeSet<&String> = group.iter().flat_map(|f| &f.devices).collect();
    let mut steps: Vec<Step> = group
        .iter()
        .flat_map(|finding| {
            finding.evidence.iter().map(|evidence| Step {
                finding: finding.id.clone(),
                evidence: evidence.clone(),
            })
        })
        .filter(|step| step.evidence.at.is_some())
        .collect();
    steps.sort_by(|a, b| {
        let key = |step: &Step| (step.evidence.at, step.evidence.packet);
        key(a).cmp(&key(b)).then_with(|| a.finding.cmp(&b.finding))
    });
    steps.dedup_by(|a, b| {
        (&a.evidence.file, a.evidence.packet, &a.evidence.note)
            == (&b.evidence.file, b.evidence.packet, &b.evidence.note)
    });
    steps.truncate(STEPS);
    let incident = Incident {
        id: worst.id.replacen("F-", "I-", 1),
        findings: group.iter().map(|finding| finding.id.clone()).collect(),
        devices: devices.into_iter().cloned().collect(),
        peer: worst.peer,
        first_seen: group.iter().filter_map(|f| f.first_seen).min(),
        last_seen: group.iter().filter_map(|f| f.last_seen).max(),
        timeline: steps,
    };
    Some((place(worst)?, incident))
}

#[cfg(test)]
mod tests {
    use auscult_model::FileClass;

    use super::*;
    use crate::scene::{Scene, Talk, far, host};

    #[test]
    fn one_device_and_one_side_are_one_story() {
        let (monitor, outside) = (host([10, 20, 3, 14]), far([202, 114, 4, 119]));
        let pc = host([10, 20, 9, 77]);
        let findings = Scene::new()
            .talk(monitor, outside, 515, "contec-cms", Talk::ANSWERED)
            .talk(monitor, outside, 2049, "nfs", Talk::ANSWERED)
            .patient(monitor, outside, "contec-cms")
            .mount(monitor, outside, "/pm", Some(true))
            .file(outside, monitor, "nfs", FileClass::Executable)
            .talk(pc, far([198, 18, 7, 9]), 3333, "stratum", Talk::ANSWERED)
            .findings();
        let told = incidents(&findings);
        assert_eq!(told.len(), 1, "{told:#?}");
        let story = &told[0];
        assert_eq!(story.peer, Some(outside.ip));
        assert!(story.findings.len() >= 2);
        assert!(story.timeline.is_sorted_by_key(|step| step.evidence.at));
        assert!(story.timeline.iter().any(|step| {
            let note = step.evidence.note.as_deref();
            note == Some("mounts /pm, granted")
        }));
        let rules: BTreeSet<&str> = findings
            .iter()
            .filter(|f| story.findings.contains(&f.id))
            .map(|f| f.rule.as_ref())
            .collect();
        assert!(
            rules.contains("remote-code-share") && !rules.contains("mining"),
            "{rules:?}"
        );
    }

    #[test]
    fn near_misses_alone_or_nothing_of_weight() {
        let (pc, pool) = (host([10, 20, 9, 77]), far([198, 18, 7, 9]));
        let scene = Scene::new().talk(pc, pool, 3333, "stratum", Talk::ANSWERED);
        assert_eq!(incidents(&scene.findings()), []);
    }
}
