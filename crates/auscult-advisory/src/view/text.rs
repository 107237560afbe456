//! For people.

use auscult_report::Page;

use crate::condition::Proof;
use crate::file::{Advisory, Claim};
use crate::judge::{Check, Judged, Member, Verdict};
use crate::view::{called, known_by, packets};

/// Columns of a verdict and the blanks behind it.
const VERDICT: usize = 13;
/// Proofs of one claim that are shown unless all are asked for.
const PROOFS: usize = 3;

/// The advisories, a line each.
pub fn list_text(page: &mut Page, advisories: &[Advisory]) {
    for advisory in advisories {
        let claims = advisory.claim.len();
        let testable = advisory.claim.iter().filter(|it| it.is_testable()).count();
        let recognised = match advisory.family.is_recognised() {
            true => "",
            false => "; its family is not recognised: name its devices with --device",
        };
        let text = format!(
            "{}: {claims} claims, {testable} of which traffic can test{recognised}",
            advisory.title
        );
        page.hanging(&advisory.id, 20, &text);
    }
}

/// What would be checked, without captures.
pub fn plan_text(page: &mut Page, advisory: &Advisory) {
    head(page, advisory);
    for claim in &advisory.claim {
        page.gap();
        page.text(0, &title(claim));
        about(page, claim);
        if !claim.untestable.is_empty() {
            page.labelled(
                "Never",
                &format!("traffic cannot show it: {}", claim.untestable),
            );
        }
    }
}

/// Claims and verdicts.
pub fn check_text(page: &mut Page, check: &Check<'_>, all: bool) {
    head(page, check.advisory);
    members(page, check);
    for judged in &check.claims {
        page.gap();
        judgement(page, check, judged, all);
    }
    page.gap();
    page.text(0, &sum(check));
}

fn head(page: &mut Page, advisory: &Advisory) {
    let dates = advisory.dates.join(", ");
    page.text(0, &format!("{}: {} ({dates})", advisory.id, advisory.title));
}

fn members(page: &mut Page, check: &Check<'_>) {
    const LISTED: usize = 8;
    let family = &check.advisory.family;
    if check.members.is_empty() {
        let words = match family.is_recognised() {
            true => "no device of it was seen, which does not say that there is none",
            false => "not recognised by this program yet; name its devices with --device",
        };
        page.labelled("Family", &format!("{}: {words}", family.name));
        return;
    }
    let shown = check.members.iter().take(LISTED);
    let words = |member: &Member<'_>| {
        let device = member.device;
        let times = match (device.first_seen, device.last_seen) {
            (Some(first), Some(last)) => format!(", {first} to {last}"),
            _ => String::new(),
        };
        format!("{}, {}{times}", called(device), known_by(member.by))
    };
    for (index, text) in shown.map(words).enumerate() {
        let label = if index == 0 { "Family" } else { "" };
        page.labelled(label, &text);
    }
    if check.members.len() > LISTED {
        page.labelled("", &format!("and {} more", check.members.len() - LISTED));
    }
}

fn title(claim: &Claim) -> String {
    let mut title = claim.says.clone();
    let mut by = vec![claim.by.clone()];
    by.extend(claim.cves.iter().cloned());
    title.push_str(&format!(" ({})", by.join(", ")));
    title
}

/// What a claim says of itself.
fn about(page: &mut Page, claim: &Claim) {
    for reading in &claim.reading {
        page.labelled("Read as", &format!("{}: {}", reading.by, reading.says));
    }
    page.labelled("Shown by", &claim.shows);
    page.labelled("Filter", &claim.filter);
}

fn judgement(page: &mut Page, check: &Check<'_>, judged: &Judged<'_>, all: bool) {
    let word = judged.verdict.word().to_uppercase();
    page.hanging(&word, VERDICT, &title(judged.claim));
    about(page, judged.claim);
    page.labelled("Because", &judged.because);
    proofs(page, check, "Seen", &judged.proofs, all);
    proofs(page, check, "Contrary", &judged.contrary, all);
    proofs(page, check, "Besides", &judged.touched, all);
}

fn proofs(page: &mut Page, check: &Check<'_>, label: &str, proofs: &[Proof], all: bool) {
    let shown = if all { proofs.len() } else { PROOFS };
    for (index, proof) in proofs.iter().take(shown).enumerate() {
        let label = if index == 0 { label } else { "" };
        page.labelled(label, &found(check, proof));
        page.labelled("", &packets(proof, all));
        if let Some(filter) = &proof.filter {
            page.labelled("", filter);
        }
    }
    if proofs.len() > shown {
        page.labelled("", &format!("and {} more (--all)", proofs.len() - shown));
    }
}

/// What was found, where.
fn found(check: &Check<'_>, proof: &Proof) -> String {
    let devices = &check.report.devices;
    let device = devices
        .iter()
        .find(|device| Some(&device.id) == proof.device.as_ref());
    match (device, &proof.finding) {
        // A finding's title says who.
        (_, Some(id)) => format!("{} ({id})", proof.what),
        (Some(device), None) => format!("{}: {}", called(device), proof.what),
        (None, None) => proof.what.clone(),
    }
}

/// How many of each.
fn sum(check: &Check<'_>) -> String {
    let claims = check.claims.len();
    let [holds, refuted, not] =
        [Verdict::Holds, Verdict::Refuted, Verdict::NotTested].map(|verdict| check.count(verdict));
    format!(
        "Of {claims} claims {holds} hold, {refuted} are refuted and {not} were not tested, by what \
         these captures show. What was not seen decides nothing."
    )
}
