//! Claims against a report: which devices belong to the family, and what each claim comes to.

use std::ptr;

use auscult_model::report::{Device, Report};

use crate::condition::{Place, Proof};
use crate::file::{Advisory, Claim, Condition, Members, Scope};

/// An advisory, judged by a report.
#[derive(Debug)]
pub struct Check<'a> {
    /// The advisory.
    pub advisory: &'a Advisory,
    /// The report.
    pub report: &'a Report,
    /// Devices of the family, and such as may be.
    pub members: Vec<Member<'a>>,
    /// Its claims, in its order.
    pub claims: Vec<Judged<'a>>,
}

/// A device that an advisory is about, or may be.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// The device.
    pub device: &'a Device,
    /// How it is known.
    pub by: Membership,
}

/// How a device is known to be of a family; the surest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Membership {
    /// Whoever asks says so.
    Told,
    /// A signature, or what it says of itself, names the family.
    Named,
    /// Something suggests the family and does not name it.
    Hinted,
}

/// What a claim comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// What would show it was seen.
    Holds,
    /// The contrary was seen.
    Refuted,
    /// Neither.
    NotTested,
}

impl Verdict {
    /// The word in every format.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Holds => "holds",
            Verdict::Refuted => "refuted",
            Verdict::NotTested => "not tested",
        }
    }
}

/// A claim and what became of it.
#[derive(Clone, Debug)]
pub struct Judged<'a> {
    /// The claim.
    pub claim: &'a Claim,
    /// What it comes to.
    pub verdict: Verdict,
    /// Why it was not tested; empty otherwise.
    pub because: String,
    /// What shows it, or its contrary.
    pub proofs: Vec<Proof>,
    /// The contrary, where the claim holds for others.
    pub contrary: Vec<Proof>,
    /// What touches it and decides nothing.
    pub touched: Vec<Proof>,
}

/// Judges each claim of an advisory by a report. `told` are devices which whoever asks knows to be
/// of the family.
pub fn check<'a>(advisory: &'a Advisory, report: &'a Report, told: &[&'a Device]) -> Check<'a> {
    let members: Vec<Member<'a>> = report
        .devices
        .iter()
        .filter_map(|device| {
            let is_told = told.iter().any(|one| ptr::eq(*one, device));
            let by = match is_told {
                true => Membership::Told,
                false => advisory.family.membership(device)?,
            };
            Some(Member { device, by })
        })
        .collect();
    let claims = advisory
        .claim
        .iter()
        .map(|claim| judge(claim, &advisory.family, &members, report))
        .collect();
    Check {
        advisory,
        report,
        members,
        claims,
    }
}

impl Members {
    fn membership(&self, device: &Device) -> Option<Membership> {
        let signature = device.signature.as_deref();
        let is_named = self
            .signatures
            .iter()
            .any(|it| Some(it.as_str()) == signature);
        let says = |list: &[crate::Said]| {
            let mut claims = device.claims.iter();
            claims.any(|claim| list.iter().any(|said| said.is_met(claim)))
        };
        if is_named || says(&self.says) {
            return Some(Membership::Named);
        }
        says(&self.hints).then_some(Membership::Hinted)
    }
}

impl Check<'_> {
    /// How many claims came to this.
    pub fn count(&self, verdict: Verdict) -> usize {
        let claims = self.claims.iter();
        claims.filter(|judged| judged.verdict == verdict).count()
    }

    /// Devices of the family itself.
    pub fn of_family(&self) -> impl Iterator<Item = &Member<'_>> {
        let members = self.members.iter();
        members.filter(|member| member.by != Membership::Hinted)
    }
}

fn judge<'a>(
    claim: &'a Claim,
    family: &Members,
    members: &[Member<'a>],
    report: &'a Report,
) -> Judged<'a> {
    let devices = subjects(claim.devices, members, report);
    let proofs = |condition: &Option<Condition>| {
        let mut found = Vec::new();
        for device in &devices {
            let at = Place {
                report,
                device: *device,
            };
            let here = condition.as_ref().map(|it| it.proofs(at));
            for proof in here.into_iter().flatten() {
                if !found.contains(&proof) {
                    found.push(proof);
                }
            }
        }
        found
    };
    let (holds, refuted) = (proofs(&claim.holds), proofs(&claim.refuted));
    let touched = proofs(&claim.touched);
    let (verdict, proofs, contrary) = match (holds.is_empty(), refuted.is_empty()) {
        (false, _) => (Verdict::Holds, holds, refuted),
        (true, false) => (Verdict::Refuted, refuted, Vec::new()),
        (true, true) => (Verdict::NotTested, Vec::new(), Vec::new()),
    };
    let because = match verdict {
        Verdict::NotTested => why_not(claim, family, !devices.is_empty()),
        _ => String::new(),
    };
    Judged {
        claim,
        verdict,
        because,
        proofs,
        contrary,
        touched,
    }
}

/// The devices, and the network as a whole, at which a claim is looked for.
fn subjects<'a>(
    scope: Scope,
    members: &[Member<'a>],
    report: &'a Report,
) -> Vec<Option<&'a Device>> {
    let members = members.iter();
    match scope {
        Scope::Family => members
            .filter(|member| member.by != Membership::Hinted)
            .map(|member| Some(member.device))
            .collect(),
        Scope::Hinted => members.map(|member| Some(member.device)).collect(),
        Scope::Any => report.devices.iter().map(Some).chain([None]).collect(),
    }
}

/// Why a claim was not tested.
fn why_not(claim: &Claim, family: &Members, was_seen: bool) -> String {
    if !claim.untestable.is_empty() {
        return format!("traffic cannot show it: {}", claim.untestable);
    }
    match (was_seen, family.is_recognised()) {
        (true, _) => claim.untested.clone(),
        (false, true) => "no device of the family was seen".to_owned(),
        (false, false) => "this program does not recognise this family yet; name its devices with \
                           --device, where you know them"
            .to_owned(),
    }
}
