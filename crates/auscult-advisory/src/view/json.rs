//! For programs.

use serde::Serialize;

use crate::condition::Proof;
use crate::file::{Advisory, Claim};
use crate::judge::{Check, Verdict};
use crate::view::{called, known_by};

#[derive(Serialize)]
struct Document<'a> {
    advisory: &'a str,
    title: &'a str,
    dates: &'a [String],
    sources: &'a [String],
    family: FamilyEntry<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    totals: Option<Totals>,
    claims: Vec<ClaimEntry<'a>>,
}

#[derive(Serialize)]
struct FamilyEntry<'a> {
    name: &'a str,
    recognised: bool,
    devices: Vec<DeviceEntry<'a>>,
}

#[derive(Serialize)]
struct DeviceEntry<'a> {
    id: &'a str,
    called: String,
    known_by: &'static str,
}

#[derive(Serialize)]
struct Totals {
    holds: usize,
    refuted: usize,
    not_tested: usize,
}

#[derive(Serialize)]
struct ClaimEntry<'a> {
    id: &'a str,
    by: &'a str,
    says: &'a str,
    cves: &'a [String],
    readings: Vec<ReadingEntry<'a>>,
    shows: &'a str,
    filter: &'a str,
    testable: bool,
    #[serde(flatten)]
    judged: Option<JudgedEntry<'a>>,
}

#[derive(Serialize)]
struct ReadingEntry<'a> {
    by: &'a str,
    says: &'a str,
}

#[derive(Serialize)]
struct JudgedEntry<'a> {
    verdict: &'static str,
    because: &'a str,
    seen: &'a [Proof],
    contrary: &'a [Proof],
    besides: &'a [Proof],
}

/// The check as one JSON value.
///
/// # Errors
///
/// None that a value of this form could have.
pub fn check_json(check: &Check<'_>) -> Result<String, serde_json::Error> {
    let devices = check.members.iter().map(|member| DeviceEntry {
        id: &member.device.id,
        called: called(member.device),
        known_by: known_by(member.by),
    });
    let claims = check.claims.iter().map(|judged| {
        claim(
            judged.claim,
            Some(JudgedEntry {
                verdict: judged.verdict.word(),
                because: &judged.because,
                seen: &judged.proofs,
                contrary: &judged.contrary,
                besides: &judged.touched,
            }),
        )
    });
    let totals = Totals {
        holds: check.count(Verdict::Holds),
        refuted: check.count(Verdict::Refuted),
        not_tested: check.count(Verdict::NotTested),
    };
    let document = Document {
        family: FamilyEntry {
            devices: devices.collect(),
            ..family(check.advisory)
        },
        totals: Some(totals),
        claims: claims.collect(),
        ..document(check.advisory)
    };
    written(&document)
}

/// Advisories and what they claim, without captures.
///
/// # Errors
///
/// None that a value of this form could have.
pub fn list_json<'a>(
    advisories: impl IntoIterator<Item = &'a Advisory>,
) -> Result<String, serde_json::Error> {
    let documents: Vec<Document<'_>> = advisories.into_iter().map(document).collect();
    written(&documents)
}

fn written(value: &impl Serialize) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    Ok(text)
}

fn document(advisory: &Advisory) -> Document<'_> {
    Document {
        advisory: &advisory.id,
        title: &advisory.title,
        dates: &advisory.dates,
        sources: &advisory.sources,
        family: family(advisory),
        totals: None,
        claims: advisory.claim.iter().map(|it| claim(it, None)).collect(),
    }
}

fn family(advisory: &Advisory) -> FamilyEntry<'_> {
    FamilyEntry {
        name: &advisory.family.name,
        recognised: advisory.family.is_recognised(),
        devices: Vec::new(),
    }
}

fn claim<'a>(claim: &'a Claim, judged: Option<JudgedEntry<'a>>) -> ClaimEntry<'a> {
    ClaimEntry {
        id: claim.id.get_ref(),
        by: &claim.by,
        says: &claim.says,
        cves: &claim.cves,
        readings: claim
            .reading
            .iter()
            .map(|reading| ReadingEntry {
                by: &reading.by,
                says: &reading.says,
            })
            .collect(),
        shows: &claim.shows,
        filter: &claim.filter,
        testable: claim.is_testable(),
        judged,
    }
}
